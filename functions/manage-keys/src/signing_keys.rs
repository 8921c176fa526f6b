//! `/v1/signing-keys`: lists the keys that verify tokens and their last use, and retires a key.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::retire_signing_key::SigningKeyRetirer;
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, Query};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::Error;
use vitrine::rules::json::input::Invalid;

/// A signing key, without its secret.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SigningKeyItem {
    pub kid: String,
    /// True for the key that signs; there is exactly one.
    pub signs: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub created_at: Option<Timestamp>,
    /// When the key stops verifying, if a rotation has replaced it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub verifies_until: Option<Timestamp>,
    /// The time of the first token that it verified; recorded at most once a minute.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub first_used_at: Option<Timestamp>,
    /// The time of the last token that it verified.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_used_at: Option<Timestamp>,
    /// True if the key has verified no token for longer than a token can be valid.
    pub safe_to_retire: bool,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SigningKeyList {
    pub items: Vec<SigningKeyItem>,
}

/// List signing keys.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/signing-keys", tag = "access",
    description = "Admin of the whole stack only. Never shows a secret.",
    responses((status = 200, body = SigningKeyList))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(keys): State<SigningKeyRetirer>,
) -> HttpResult<axum::Json<SigningKeyList>> {
    let items = keys.list().await?.into_iter().map(|key| SigningKeyItem {
        kid: key.kid,
        signs: key.is_signing,
        created_at: key.created_at,
        verifies_until: key.verifies_until,
        first_used_at: key.usage.first,
        last_used_at: key.usage.last,
        safe_to_retire: key.is_safe_to_retire,
    });
    Ok(axum::Json(SigningKeyList { items: items.collect() }))
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct RetireQuery {
    /// `true` retires a key that is still in use: its tokens are refused within `KeyCacheSeconds`.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", param(pattern = "^(true|false)?$"))]
    force: Option<String>,
}

/// Retire a signing key.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/signing-keys/{kid}", tag = "access", params(("kid" = String, Path), RetireQuery),
    description = "Admin of the whole stack only. 409 for the key that signs, and for a key whose tokens are still in use unless `force=true`.",
    responses((status = 204, description = "Retired: the key no longer verifies tokens"), (status = 409))
))]
pub async fn retire(
    _: Allowed<StackAdmin>,
    Path(kid): Path<String>,
    Query(query): Query<RetireQuery>,
    State(keys): State<SigningKeyRetirer>,
) -> HttpResult<StatusCode> {
    let forced = match query.force.as_deref() {
        None | Some("false") => false,
        Some("true" | "") => true,
        Some(_) => return Err(Error::invalid("force", "must be true or false").into()),
    };
    keys.retire(&kid, forced).await?;
    Ok(StatusCode::NO_CONTENT)
}
