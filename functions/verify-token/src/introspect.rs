//! `POST /v1/introspect`: RFC 7662, for the owner's other services.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::header;
use deserr::Deserr;
use serde::Serialize;
use serde_json::{Map, Value, json};
use vitrine::error::{Code, Error, Reason, Result};
use vitrine::http::caller::Introspect;
use vitrine::http::{Allowed, body};
use vitrine::identifiers::{Deployment, Kind, PrimaryId};
use vitrine::input::{self, Check, Invalid};
use vitrine::resource::Resource;
use vitrine::session::Context;
use vitrine::strict_json;
use vitrine::tenant::TenantName;
use vitrine::token::Claims;
use vitrine::viewer::Viewer;
use vitrine::views::{Standing, Views};

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
    /// None of a session that opens whatever is published in its deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<IntrospectedResource>,
    /// Every effective value, the locked ones too.
    pub values: BTreeMap<String, Value>,
    pub viewer: Viewer,
    /// What else is known of an embed session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<IntrospectedSession>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntrospectedSession {
    pub deployment: Deployment,
    pub embed_tenant: Option<TenantName>,
    pub creator_mode: bool,
    /// What it was generated with, and under `cubeCloud` who the viewer is.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub security_context: Map<String, Value>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

impl IntrospectedSession {
    fn of(context: &Context, viewer: &Viewer) -> Self {
        let mut security_context = context.security_context.clone().unwrap_or_default();
        let known = json!({
            "username": viewer.id,
            "groups": viewer.groups,
            "userAttributes": viewer.attributes,
        });
        security_context.insert("cubeCloud".to_owned(), known);
        Self {
            deployment: context.deployment,
            embed_tenant: context.tenant.as_ref().map(|(name, _)| name.clone()),
            creator_mode: context.creator_mode,
            security_context,
            settings: context.settings.clone(),
        }
    }
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
    let known = match views.look(&token).await {
        Ok((standing, _)) if caller.key.require_deployment(deployment_of(&standing)).is_err() => None,
        Ok((standing, claims)) => Some(known(standing, claims)),
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

fn deployment_of(standing: &Standing) -> Deployment {
    match standing {
        Standing::View(view) => view.resource.deployment,
        Standing::Session(recognised) => recognised.context.deployment,
    }
}

fn known(standing: Standing, claims: Claims) -> Known {
    let (resource, values, viewer, context) = match standing {
        Standing::View(view) => (Some((&*view.resource).into()), view.values, view.viewer, view.context),
        Standing::Session(recognised) => (None, BTreeMap::new(), recognised.viewer, Some(recognised.context)),
    };
    Known {
        token_type: "embed",
        iss: claims.issuer,
        sub: claims.subject,
        jti: claims.token_id,
        iat: claims.issued,
        nbf: claims.not_before,
        exp: claims.expires,
        resource,
        values,
        session: context.map(|context| IntrospectedSession::of(&context, &viewer)),
        viewer,
    }
}

impl From<&Resource> for IntrospectedResource {
    fn from(resource: &Resource) -> Self {
        Self {
            kind: resource.kind,
            id: resource.id.clone(),
            entity_id: resource.entity_id.clone(),
            public_id: resource.public_id.clone(),
            title: resource.title.clone(),
        }
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
