//! `POST /v1/sessions/redeem` and `POST /v1/sessions/revoke`

use axum::extract::State;
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::redeem_session::SessionRedeemer;
use vitrine::dialects;
use vitrine::http::caller::CreateSessions;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::json::input::{Check, Invalid};

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionName {
    pub session: String,
}

impl Check for SessionName {}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Redeemed {
    pub token: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

/// Exchange a single-use session for its token.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/sessions/redeem", tag = "sessions",
    description = "Needs no access key: the session is the credential. Works once, within five minutes; a session that is used, unknown, expired or revoked is 401.",
    request_body = SessionName, responses((status = 200, body = Redeemed), (status = 401), (status = 403)), security(())
))]
pub async fn redeem(
    State(sessions): State<SessionRedeemer>,
    Json(input): Json<SessionName>,
) -> HttpResult<axum::Json<Redeemed>> {
    let redeemed = sessions.redeem(&input.session, dialects::token_issuer).await?;
    Ok(axum::Json(Redeemed { token: redeemed.token, expires_at: redeemed.expires_at }))
}

/// Revoke a credential.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/sessions/revoke", tag = "sessions",
    description = "Permission: `sessions:create`. Takes a single-use session, exchanged or not, a token, or the session string of a dive. Answers 204 also for a credential that is not valid any more, and 404 for one that opens nothing within the key's scope. Views that are open elsewhere end within `ResourceCacheSeconds`.",
    request_body = SessionName, responses((status = 204, description = "Revoked"), (status = 404))
))]
pub async fn revoke(
    caller: Allowed<CreateSessions>,
    State(sessions): State<SessionRedeemer>,
    Json(input): Json<SessionName>,
) -> HttpResult<StatusCode> {
    sessions.revoke_credential(&caller.key, &dialects::credential_in(input.session)).await?;
    Ok(StatusCode::NO_CONTENT)
}
