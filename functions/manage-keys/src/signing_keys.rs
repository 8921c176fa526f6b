//! `/v1/signing-keys`: lists the keys that verify tokens and their last use, and retires a key.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use futures_util::future::try_join_all;
use serde::Serialize;
use vitrine::aws::signing_keys::replace::SigningKeyWriter;
use vitrine::aws::signing_keys::usage::{KeyUsage, KeyUsageReader};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, Query};
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::error::{Error, Reason};
use vitrine::rules::json::input::Invalid;
use vitrine::rules::settings::Settings;
use vitrine::rules::token::LEEWAY_SECONDS;
use vitrine::rules::token::key_document::StoredKey;

/// A signing key, without its secret.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SigningKeyItem {
    pub kid: String,
    /// Whether this key signs; exactly one does.
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
    /// Whether the key has verified no token for longer than a token can be valid.
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
    State(keys): State<SigningKeyWriter>,
    State(uses): State<KeyUsageReader>,
    State(settings): State<Arc<Settings>>,
    State(clock): State<Clock>,
) -> HttpResult<axum::Json<SigningKeyList>> {
    let stored = keys.current().await?.map(|(document, _)| document.keys).unwrap_or_default();
    let used = try_join_all(stored.iter().map(|key| uses.of(&key.kid))).await?;
    let now = clock.now();
    let items = stored.iter().zip(used).enumerate().map(|(index, (key, used))| SigningKeyItem {
        kid: key.kid.clone(),
        signs: index == 0,
        created_at: key.created_at,
        verifies_until: key.verifies_until,
        first_used_at: used.first,
        last_used_at: used.last,
        safe_to_retire: index > 0 && is_idle(key, used, &settings, now),
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
    force: Option<String>,
}

/// Retire a signing key.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/signing-keys/{kid}", tag = "access", params(("kid" = String, Path), RetireQuery),
    description = "Admin of the whole stack only. 409 for the key that signs, and for a key whose tokens are still in use unless `force=true`.",
    responses((status = 204, description = "Retired: the key no longer verifies tokens"))
))]
pub async fn retire(
    _: Allowed<StackAdmin>,
    Path(kid): Path<String>,
    Query(query): Query<RetireQuery>,
    State(keys): State<SigningKeyWriter>,
    State(uses): State<KeyUsageReader>,
    State(settings): State<Arc<Settings>>,
    State(clock): State<Clock>,
) -> HttpResult<StatusCode> {
    let forced = match query.force.as_deref() {
        None | Some("false") => false,
        Some("true" | "") => true,
        Some(_) => return Err(Error::invalid("force", "must be true or false").into()),
    };
    let (document, version) = keys.current().await?.ok_or(Reason::SigningKeyNotFound)?;
    let place = document.keys.iter().position(|key| key.kid == kid).ok_or(Reason::SigningKeyNotFound)?;
    if place == 0 {
        return Err(Error::new(Reason::SigningKeyInUse).message("This key signs. Rotate first.").into());
    }
    if !forced && !is_idle(&document.keys[place], uses.of(&kid).await?, &settings, clock.now()) {
        return Err(Reason::SigningKeyInUse.into());
    }
    keys.replace_version(&version, &document.without(&kid)).await?;
    tracing::info!(key = kid, forced, "a signing key was retired");
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the key has verified no token for longer than a token can be valid. A key without a recorded use may still
/// have unseen tokens, so it counts as idle only after the end that the rotation set, or after a token's lifetime.
fn is_idle(key: &StoredKey, used: KeyUsage, settings: &Settings, now: Timestamp) -> bool {
    let lifetime = settings.max_token_lifetime_seconds + LEEWAY_SECONDS;
    match used.last {
        Some(last) => now.since(last) > lifetime,
        None => !key.verifies_at(now) || key.created_at.is_some_and(|made| now.since(made) > lifetime),
    }
}
