//! `POST /api/v1/embed/session/token` and `POST /api/v1/embed/session/revoke`, as Cube's clients call them.

use axum::extract::State;
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::redeem_session::SessionRedeemer;
use vitrine::aws::storage::EmbeddingSwitchReader;
use vitrine::dialects;
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::error::Reason;
use vitrine::rules::json::input::{Check, Invalid};

/// Clients send more fields than this one; they are ignored.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct CubeSessionName {
    session_id: String,
}

impl Check for CubeSessionName {}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeToken {
    pub token: String,
}

/// Exchange a session for an embed token.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed/session/token", tag = "cube",
    description = "Needs no access key: the session is the credential. Works once, within five minutes. A session that is used, unknown, expired or revoked is 401. The token is good for 24 hours.",
    request_body = CubeSessionName, responses((status = 200, body = CubeToken), (status = 401), (status = 403)), security(())
))]
pub async fn token(
    State(sessions): State<SessionRedeemer>,
    Json(input): Json<CubeSessionName>,
) -> HttpResult<axum::Json<CubeToken>> {
    let redeemed = sessions.redeem(&input.session_id, dialects::token_issuer).await?;
    Ok(axum::Json(CubeToken { token: redeemed.token }))
}

/// Revoke a session.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed/session/revoke", tag = "cube",
    description = "Admin only, for any deployment. 204 whether or not the session was exchanged, and also for an unknown session. Open views end within `ResourceCacheSeconds`. 403 while embedding is switched off; the session is revoked nevertheless.",
    request_body = CubeSessionName, responses((status = 204, description = "Revoked"), (status = 404))
))]
pub async fn revoke(
    _: Allowed<Admin>,
    State(sessions): State<SessionRedeemer>,
    State(switch): State<EmbeddingSwitchReader>,
    Json(input): Json<CubeSessionName>,
) -> HttpResult<StatusCode> {
    sessions.revoke_session(&input.session_id).await?;
    if switch.is_on().await? { Ok(StatusCode::NO_CONTENT) } else { Err(Reason::EmbeddingDisabled.into()) }
}
