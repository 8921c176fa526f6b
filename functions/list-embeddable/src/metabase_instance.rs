//! Routes that Metabase's clients call about themselves and the server before they start: `GET /api/user/current`,
//! `GET /api/login-history/current`, `GET /api/session/properties` and `GET /api/setting`.
//!
//! This function has no access to the embedding secret, so none of these can show it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};
use vitrine::aws::storage::EmbeddingSwitchReader;
use vitrine::dialects::metabase;
use vitrine::http::base_url::base_url;
use vitrine::http::caller::Anybody;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::random;
use vitrine::rules::settings::Settings;
use vitrine::rules::viewer::role::Role;

/// The caller's key as a user.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CurrentUser {
    /// A number that stands for the key, always the same for one key.
    id: u64,
    email: String,
    first_name: String,
    last_name: String,
    common_name: String,
    is_superuser: bool,
    is_active: bool,
    is_qbnewb: bool,
    locale: Option<String>,
    group_ids: Vec<u64>,
    personal_collection_id: Option<u64>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    date_joined: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    last_login: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    updated_at: Timestamp,
}

impl From<AccessKey> for CurrentUser {
    fn from(key: AccessKey) -> Self {
        let is_superuser = key.role == Role::Admin;
        let number = u64::from_str_radix(&random::fingerprint(&key.id)[..7], 16).unwrap_or_default() + 1;
        // No mail reaches this name space, which is reserved for such names.
        let mailbox: String =
            key.id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Self {
            id: number,
            email: format!("{mailbox}@vitrine.invalid"),
            first_name: key.name.clone(),
            last_name: String::new(),
            common_name: key.name,
            is_superuser,
            is_active: true,
            is_qbnewb: false,
            locale: None,
            // Metabase's groups of all users, and of administrators.
            group_ids: if is_superuser { vec![1, 2] } else { vec![1] },
            personal_collection_id: None,
            date_joined: key.created_at,
            last_login: None,
            updated_at: key.created_at,
        }
    }
}

/// Read the caller as a user.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/user/current", tag = "metabase", description = "Any access key.",
    responses((status = 200, body = CurrentUser))
))]
pub async fn user(caller: Allowed<Anybody>) -> HttpResult<axum::Json<CurrentUser>> {
    Ok(axum::Json(caller.key.into()))
}

/// List earlier sign-ins.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/login-history/current", tag = "metabase",
    description = "Any access key. Always empty: sign-ins are in the log.",
    responses((status = 200, body = Vec<Value>))
))]
pub async fn login_history(_: Allowed<Anybody>) -> axum::Json<Vec<Value>> {
    axum::Json(Vec::new())
}

/// A setting in the list of settings.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingItem {
    key: &'static str,
    value: Value,
    is_env_setting: bool,
    /// Metabase's name for the setting in its environment.
    env_name: &'static str,
    description: &'static str,
    default: Option<Value>,
}

/// List settings.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/setting", tag = "metabase",
    description = "Any access key. The embedding secret is not among them: `GET /api/setting/embedding-secret-key` reads it.",
    responses((status = 200, body = Vec<SettingItem>))
))]
pub async fn settings(
    _: Allowed<Anybody>,
    State(switch): State<EmbeddingSwitchReader>,
    State(settings): State<Arc<Settings>>,
    headers: HeaderMap,
) -> HttpResult<axum::Json<Vec<SettingItem>>> {
    const SWITCH: &str = "The global embedding switch.";
    let is_on = switch.is_on().await?;
    let base = base_url(&settings, &headers)?;
    let item = |key, value, env_name, description| SettingItem {
        key,
        value,
        is_env_setting: false,
        env_name,
        description,
        default: None,
    };
    Ok(axum::Json(vec![
        item("enable-embedding", json!(is_on), "MB_ENABLE_EMBEDDING", SWITCH),
        item("enable-embedding-static", json!(is_on), "MB_ENABLE_EMBEDDING_STATIC", SWITCH),
        item("site-name", json!(metabase::SITE_NAME), "MB_SITE_NAME", "The name of the server."),
        item("site-url", json!(base), "MB_SITE_URL", "The origin at which browsers reach the server."),
    ]))
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiVersion {
    /// The release whose API this one follows.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    tag: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "kebab-case"))]
pub struct Properties {
    version: ApiVersion,
    has_user_setup: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    site_name: &'static str,
    site_url: String,
    /// Only for callers with an access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_embedding: Option<bool>,
    /// Only for callers with an access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_embedding_static: Option<bool>,
}

/// Read the properties of the server.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/session/properties", tag = "metabase",
    description = "Without an access key only what is public. With one also the global embedding switch, never the embedding secret.",
    responses((status = 200, body = Properties)), security((), ("access_key" = []))
))]
pub async fn properties(
    caller: Option<Allowed<Anybody>>,
    State(switch): State<EmbeddingSwitchReader>,
    State(settings): State<Arc<Settings>>,
    headers: HeaderMap,
) -> HttpResult<axum::Json<Properties>> {
    let is_on = match caller {
        Some(_) => Some(switch.is_on().await?),
        None => None,
    };
    Ok(axum::Json(Properties {
        version: ApiVersion { tag: metabase::VERSION_TAG },
        has_user_setup: true,
        site_name: metabase::SITE_NAME,
        site_url: base_url(&settings, &headers)?,
        enable_embedding: is_on,
        enable_embedding_static: is_on,
    }))
}
