//! `/api/session`: a sign-in for clients that know a name and a password, and send the session that they get for it.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::sign_in::SignIn;
use vitrine::http::caller::{Anybody, session};
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::error::{Issue, Reason};
use vitrine::rules::json::input::{Check, Invalid};

/// Other fields that Metabase's clients send, such as `remember`, are ignored.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Credentials {
    /// Any name. It only tells whose wrong passwords are counted.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, pattern = r"\S"))]
    username: String,
    /// An access key.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, pattern = r"\S"))]
    password: String,
}

impl Check for Credentials {
    fn problems(&self) -> Vec<Issue> {
        [("username", &self.username), ("password", &self.password)]
            .into_iter()
            .filter(|(_, text)| text.trim().is_empty())
            .map(|(name, _)| Issue::new(name, "must not be blank"))
            .collect()
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedIn {
    /// The session, shown only in this response. Only its hash is stored.
    id: String,
}

/// Sign in with an access key as the password.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/session", tag = "metabase",
    description = "Needs no access key: the password is one. The session is sent as `X-Metabase-Session`, may what its key may, and ends with the key, after 14 days or with `DELETE /api/session`. After 10 wrong passwords for one name within 15 minutes, further wrong ones are 429 with `Retry-After`; the right one is always accepted.",
    request_body = Credentials, responses((status = 200, body = SignedIn), (status = 401), (status = 429)), security(())
))]
pub async fn sign_in(
    State(sign_in): State<SignIn>,
    Json(input): Json<Credentials>,
) -> HttpResult<axum::Json<SignedIn>> {
    Ok(axum::Json(SignedIn { id: sign_in.sign_in(&input.username, &input.password).await? }))
}

/// End a session.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/session", tag = "metabase",
    description = "Ends the session in the header `X-Metabase-Session` at once. 404 for an access key in its place, which stays valid.",
    responses((status = 204, description = "Ended"), (status = 404))
))]
pub async fn sign_out(
    _: Allowed<Anybody>,
    State(sign_in): State<SignIn>,
    headers: HeaderMap,
) -> HttpResult<StatusCode> {
    let session = session(&headers).ok_or(Reason::KeySessionNotFound)?;
    if sign_in.sign_out(session).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Reason::KeySessionNotFound.into())
    }
}
