//! `POST /v1/sessions/redeem` and `POST /v1/sessions/revoke`

use axum::extract::State;
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::open_view::session_key;
use vitrine::aws::storage::SessionEnder;
use vitrine::dialects;
use vitrine::http::caller::CreateSessions;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::error::{Code, Error};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::random;

use crate::exchange::Exchanger;

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
    request_body = SessionName, responses((status = 200, body = Redeemed)), security(())
))]
pub async fn redeem(
    State(exchange): State<Exchanger>,
    Json(input): Json<SessionName>,
) -> HttpResult<axum::Json<Redeemed>> {
    let redeemed = exchange.redeem(&input.session).await?;
    Ok(axum::Json(Redeemed { token: redeemed.token, expires_at: redeemed.expires_at }))
}

/// Revoke a credential.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/sessions/revoke", tag = "sessions",
    description = "Permission: `sessions:create`. Takes a single-use session, exchanged or not, a token, or the session string of a dive. Answers 204 also for what is not good any more. ViewOpener that are open elsewhere end within `ResourceCacheSeconds`.",
    request_body = SessionName, responses((status = 204, description = "Revoked"))
))]
pub async fn revoke(
    _: Allowed<CreateSessions>,
    State(exchange): State<Exchanger>,
    State(sessions): State<SessionEnder>,
    State(clock): State<Clock>,
    Json(input): Json<SessionName>,
) -> HttpResult<StatusCode> {
    let now = clock.now();
    let credential = dialects::credential_in(input.session);
    if !credential.contains('.') {
        sessions.revoke(&random::fingerprint(&credential), now).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let claims = match exchange.keys().authenticate(&credential).await {
        Ok(authentic) => authentic.claims,
        Err(error) if error.reason.code() == Code::ServiceUnavailable => return Err(error.into()),
        // What opens nothing needs no revoking.
        Err(_) => return Ok(StatusCode::NO_CONTENT),
    };
    if let Some(session) = &claims.session {
        sessions.revoke(session, now).await?;
    } else if let Some(fingerprint) = session_key(&claims) {
        // A token that never expires stays revoked for as long as we can write.
        let until = claims.expires.map_or(Timestamp::from_unix(i64::MAX), Timestamp::from_unix);
        sessions.revoke_token(&fingerprint, until, now).await?;
    } else {
        return Err(
            Error::invalid("session", "is a token without `jti`, which cannot be revoked alone").into()
        );
    }
    Ok(StatusCode::NO_CONTENT)
}
