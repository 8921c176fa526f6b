//! `POST /api/v1/embed/session/token` and `POST /api/v1/embed/session/revoke`, as Cube's clients call them.

use axum::extract::State;
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::aws::storage::{EmbeddingSwitchReader, SessionEnder};
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::clock::Clock;
use vitrine::rules::error::Reason;
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::random;

use crate::exchange::Exchanger;

/// Real clients send more than this, and it means nothing here.
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
    request_body = CubeSessionName, responses((status = 200, body = CubeToken)), security(())
))]
pub async fn token(
    State(exchange): State<Exchanger>,
    Json(input): Json<CubeSessionName>,
) -> HttpResult<axum::Json<CubeToken>> {
    let redeemed = exchange.redeem(&input.session_id).await?;
    Ok(axum::Json(CubeToken { token: redeemed.token }))
}

/// Revoke a session.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed/session/revoke", tag = "cube",
    description = "Admin only, of whichever deployment. Exchanged or not, and also for a session that is not known: 204. Views end within `ResourceCacheSeconds`. 403 while embedding is switched off; the session is revoked all the same.",
    request_body = CubeSessionName, responses((status = 204, description = "Revoked"))
))]
pub async fn revoke(
    _: Allowed<Admin>,
    State(sessions): State<SessionEnder>,
    State(switch): State<EmbeddingSwitchReader>,
    State(clock): State<Clock>,
    Json(input): Json<CubeSessionName>,
) -> HttpResult<StatusCode> {
    sessions.revoke(&random::fingerprint(&input.session_id), clock.now()).await?;
    if switch.is_on().await? { Ok(StatusCode::NO_CONTENT) } else { Err(Reason::EmbeddingDisabled.into()) }
}
