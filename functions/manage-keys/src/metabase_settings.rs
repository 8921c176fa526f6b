//! `/api/setting/...` and `/api/util/random_token`: Metabase's embedding settings.

use axum::extract::State;
use axum::http::StatusCode;
use deserr::Deserr;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use vitrine::app::switch_embedding::EmbeddingSwitch;
use vitrine::aws::signing_keys::replace::SigningKeyWriter;
use vitrine::aws::storage::EmbeddingSwitchReader;
use vitrine::http::caller::{Anybody, StackAdmin};
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::error::Error;
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::random;
use vitrine::rules::token::key_set::is_secret;

#[derive(Debug, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchInput {
    value: bool,
}

impl Check for SwitchInput {}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretInput {
    /// 64 lowercase hex characters.
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::HexSecret))]
    value: String,
}

impl Check for SecretInput {}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RandomToken {
    token: String,
}

/// Read the global embedding switch.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/setting/enable-embedding-static", tag = "metabase",
    description = "Any access key. `EmbeddingEnabled` is the initial value.",
    responses((status = 200, body = bool, content_type = "application/json"))
))]
pub async fn get_switch(
    _: Allowed<Anybody>,
    State(switch): State<EmbeddingSwitchReader>,
) -> HttpResult<axum::Json<bool>> {
    Ok(axum::Json(switch.is_on().await?))
}

/// Turn embedding on or off.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/api/setting/enable-embedding-static", tag = "metabase",
    description = "Admin of the whole stack only. Turning it off takes effect within `ResourceCacheSeconds`. Turning it on creates a signing key if there is none.",
    request_body = SwitchInput, responses((status = 204, description = "Done"), (status = 409))
))]
pub async fn put_switch(
    _: Allowed<StackAdmin>,
    State(switch): State<EmbeddingSwitch>,
    Json(input): Json<SwitchInput>,
) -> HttpResult<StatusCode> {
    switch.set(input.value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read the global embedding switch by its old name.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/setting/enable-embedding", tag = "metabase",
    description = "Like `GET /api/setting/enable-embedding-static`, for clients made before Metabase 0.51.",
    responses((status = 200, body = bool, content_type = "application/json"))
))]
pub async fn get_switch_by_old_name(
    caller: Allowed<Anybody>,
    switch: State<EmbeddingSwitchReader>,
) -> HttpResult<axum::Json<bool>> {
    get_switch(caller, switch).await
}

/// Turn embedding on or off by the switch's old name.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/api/setting/enable-embedding", tag = "metabase",
    description = "Like `PUT /api/setting/enable-embedding-static`, for clients made before Metabase 0.51.",
    request_body = SwitchInput, responses((status = 204, description = "Done"), (status = 409))
))]
pub async fn put_switch_by_old_name(
    caller: Allowed<StackAdmin>,
    switch: State<EmbeddingSwitch>,
    input: Json<SwitchInput>,
) -> HttpResult<StatusCode> {
    put_switch(caller, switch, input).await
}

/// Read the embedding secret.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/setting/embedding-secret-key", tag = "metabase",
    description = "Admin of the whole stack only. The secret of the key that signs.",
    responses((status = 200, body = Option<String>, content_type = "application/json"))
))]
pub async fn get_secret(
    _: Allowed<StackAdmin>,
    State(keys): State<SigningKeyWriter>,
) -> HttpResult<axum::Json<Option<String>>> {
    let secret = keys.current().await?.and_then(|(document, _)| document.signing_secret());
    Ok(axum::Json(secret.map(|secret| secret.expose_secret().to_owned())))
}

/// Replace the embedding secret.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/api/setting/embedding-secret-key", tag = "metabase",
    description = "Admin of the whole stack only. Replaces the whole key set: every earlier token is refused within `KeyCacheSeconds`.",
    request_body = SecretInput, responses((status = 204, description = "Done"), (status = 409))
))]
pub async fn put_secret(
    _: Allowed<StackAdmin>,
    State(keys): State<SigningKeyWriter>,
    Json(input): Json<SecretInput>,
) -> HttpResult<StatusCode> {
    const FORM: &str = "Invalid embedding-secret-key! Secret key must be a hexadecimal-encoded 256-bit key (i.e., a 64-character string).";
    if !is_secret(&input.value) {
        return Err(Error::invalid("value", "must be 64 lowercase hex characters").message(FORM).into());
    }
    keys.replace(SecretString::from(input.value)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Generate a random secret.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/util/random_token", tag = "metabase",
    description = "Any access key. 64 random hex characters, the form of an embedding secret. They are not stored.",
    responses((status = 200, body = RandomToken))
))]
pub async fn random_token(_: Allowed<Anybody>) -> HttpResult<axum::Json<RandomToken>> {
    Ok(axum::Json(RandomToken { token: random::hex_secret()? }))
}
