//! `POST /v1/introspect`: RFC 7662, for the owner's other services.

use axum::extract::{Request, State};
use axum::http::header;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::open_view::ViewOpener;
use vitrine::http::caller::Introspect;
use vitrine::http::introspected_token::IntrospectedToken;
use vitrine::http::{Allowed, HttpResult, body};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::json::input::{self, Check, Invalid};
use vitrine::rules::json::strict;

const FORM: &str = "application/x-www-form-urlencoded";
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The description of an active token, or of any other one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Introspection {
    Active(Box<ActiveToken>),
    Inactive(InactiveToken),
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActiveToken {
    #[cfg_attr(feature = "openapi", schema(schema_with = always::<true>))]
    active: bool,
    #[serde(flatten)]
    token: IntrospectedToken,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InactiveToken {
    #[cfg_attr(feature = "openapi", schema(schema_with = always::<false>))]
    active: bool,
}

/// The schema of a flag that has this value always.
#[cfg(feature = "openapi")]
fn always<const VALUE: bool>() -> utoipa::openapi::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::Boolean)
        .enum_values(Some([VALUE]))
        .build()
}

impl From<Option<IntrospectedToken>> for Introspection {
    fn from(known: Option<IntrospectedToken>) -> Self {
        match known {
            Some(token) => Self::Active(Box::new(ActiveToken { active: true, token })),
            None => Self::Inactive(InactiveToken { active: false }),
        }
    }
}

/// Introspect a token.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/introspect", tag = "views",
    description = "Permission: `introspect`. The body is a form (RFC 7662) or JSON with the member `token`. The answer for any other token is only `{\"active\": false}`.",
    request_body(content((inline(TokenBody) = "application/x-www-form-urlencoded"), (TokenBody = "application/json"))),
    responses((status = 200, body = Introspection))
))]
pub async fn introspect(
    caller: Allowed<Introspect>,
    State(views): State<ViewOpener>,
    request: Request,
) -> HttpResult<axum::Json<Introspection>> {
    let token = token_of(request).await?;
    let known = match views.look(Some(&token)).await {
        Ok((scope, claims)) => {
            caller.key.reach.see(Some(scope)).map(|scope| IntrospectedToken::of(scope, claims))
        }
        // An outage does not mean that the token is inactive.
        Err(error) if error.is_outage() => return Err(error.into()),
        Err(error) => {
            tracing::info!(reason = error.reason.word(), detail = error.detail, "inactive");
            None
        }
    };
    Ok(axum::Json(known.into()))
}

async fn token_of(request: Request) -> Result<String> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = content_type.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(FORM));
    let bytes = body::read(request, MAX_BODY_BYTES).await?;
    if !is_form {
        let document = strict::parse(&bytes).ok_or(Reason::BodyMalformed)?;
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
    /// Part of RFC 7662; without effect, because there is one type of token.
    #[deserr(default)]
    #[expect(dead_code, reason = "accepted, and of no use")]
    token_type_hint: Option<String>,
}

impl Check for TokenBody {}
