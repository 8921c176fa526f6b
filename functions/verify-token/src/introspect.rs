//! `POST /v1/introspect`: RFC 7662, for the owner's other services.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::header;
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::error::{Code, Error, Reason, Result};
use vitrine::http::caller::Introspect;
use vitrine::http::{Allowed, body};
use vitrine::identifiers::{Kind, PrimaryId};
use vitrine::input::{self, Check, Invalid};
use vitrine::strict_json;
use vitrine::token::Claims;
use vitrine::view::{Asked, View};
use vitrine::viewer::Viewer;
use vitrine::views::Views;

const FORM: &str = "application/x-www-form-urlencoded";
const MAX_BODY_BYTES: usize = 256 * 1024;

#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Introspection {
    pub active: bool,
    #[serde(flatten)]
    pub known: Option<Known>,
}

/// Said of an active token only.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Known {
    pub token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    pub resource: IntrospectedResource,
    /// Every effective value, the locked ones too.
    pub values: BTreeMap<String, Value>,
    pub viewer: Viewer,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntrospectedResource {
    pub kind: Kind,
    pub id: PrimaryId,
    pub entity_id: Option<String>,
    pub public_id: String,
    pub title: String,
}

/// Ask whether a token is good, and for what.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/introspect", tag = "views",
    description = "Permission: `introspect`. The body is a form (RFC 7662) or JSON with the member `token`. Whatever is not good now is `{\"active\": false}` and nothing more.",
    request_body(content((inline(TokenBody) = "application/x-www-form-urlencoded"), (inline(TokenBody) = "application/json"))),
    responses((status = 200, body = Introspection))
))]
pub async fn introspect(
    caller: Allowed<Introspect>,
    State(views): State<Views>,
    request: Request,
) -> Result<axum::Json<Introspection>> {
    let token = token_of(request).await?;
    let known = match views.open(&token, &Asked::default()).await {
        Ok((view, _)) if caller.key.require_deployment(view.resource.deployment).is_err() => None,
        Ok((view, claims)) => Some(known(view, claims)),
        // "Not good" and "we cannot tell" are different answers.
        Err(error) if matches!(error.reason.code(), Code::ServiceUnavailable | Code::InternalServerError) => {
            return Err(error);
        }
        Err(error) => {
            tracing::info!(reason = error.reason.word(), detail = error.detail, "inactive");
            None
        }
    };
    Ok(axum::Json(Introspection { active: known.is_some(), known }))
}

fn known(view: View, claims: Claims) -> Known {
    let resource = &view.resource;
    Known {
        token_type: "embed",
        iss: claims.issuer,
        sub: claims.subject,
        jti: claims.token_id,
        iat: claims.issued,
        nbf: claims.not_before,
        exp: claims.expires,
        resource: IntrospectedResource {
            kind: resource.kind,
            id: resource.id.clone(),
            entity_id: resource.entity_id.clone(),
            public_id: resource.public_id.clone(),
            title: resource.title.clone(),
        },
        values: view.values,
        viewer: view.viewer,
    }
}

async fn token_of(request: Request) -> Result<String> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = content_type.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(FORM));
    let bytes = body::read(request, MAX_BODY_BYTES).await?;
    if !is_form {
        let document = strict_json::parse(&bytes).ok_or(Reason::BodyMalformed)?;
        return input::check::<TokenBody>(document).map(|body| body.token);
    }
    let mut tokens =
        form_urlencoded::parse(&bytes).filter(|(name, _)| name == "token").map(|(_, value)| value);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token.into_owned()),
        (Some(_), Some(_)) => Err(Error::invalid("token", "is given twice")),
        (None, _) => Err(Error::invalid("token", "is required")),
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenBody {
    token: String,
    /// Of RFC 7662. There is one type of token, so it changes nothing.
    #[deserr(default)]
    #[expect(dead_code, reason = "accepted, and of no use")]
    token_type_hint: Option<String>,
}

impl Check for TokenBody {}
