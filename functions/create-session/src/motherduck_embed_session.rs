//! `POST /v1/dives/{id}/embed-session`, as MotherDuck's clients call it.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::app::create_session::{AccountSession, CreatedToken};
use vitrine::app::request_context;
use vitrine::dialects::motherduck::{SessionString, require_embed_sessions};
use vitrine::http::base_url::base_url;
use vitrine::http::caller::Need;
use vitrine::http::requirement::Requirement;
use vitrine::http::{Allowed, HttpResult, TolerantJson};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Check, Invalid, Patch};
use vitrine::rules::permission::Permission;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef};
use vitrine::rules::viewer::service_account::Username;

use crate::State as App;

const MAX_STATE_BYTES: usize = 65_536;
const MAX_RESOURCES_BYTES: usize = 8_192;

/// Unknown fields are ignored on the way in: clients may be newer than the documentation.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"username": "acme"})))]
pub struct EmbedSessionInput {
    /// The service account that the dive is shown as.
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::Label))]
    username: String,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    session_name: Option<String>,
    /// The former name of `session_name`.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    session_hint: Option<String>,
    /// The current version by default.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    version: Option<u64>,
    /// The initial state of the dive: an object of at most 65536 bytes.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    initial_state: Patch<Value>,
    /// Checked, and otherwise ignored.
    #[deserr(default)]
    required_resources: Option<Vec<RequiredResource>>,
}

#[derive(Debug, Serialize, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequiredResource {
    #[cfg_attr(feature = "openapi", schema(min_length = 1, pattern = r"\S"))]
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    alias: Option<String>,
}

impl Check for EmbedSessionInput {
    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        let mut issue = |path: &str, message: &str| issues.push(Issue::new(path, message));
        if self.username.trim().is_empty() || self.username.chars().count() > 255 {
            issue("username", "must be 1 to 255 characters");
        }
        for (path, name) in [("session_name", &self.session_name), ("session_hint", &self.session_hint)] {
            if name.as_ref().is_some_and(String::is_empty) {
                issue(path, "must not be empty");
            }
        }
        if self.version == Some(0) {
            issue("version", "must be at least 1");
        }
        match &self.initial_state {
            Patch::Keep => {}
            Patch::Set(state) if !state.is_object() => issue("initial_state", "must be an object"),
            Patch::Set(state) if length(state) > MAX_STATE_BYTES => {
                issue("initial_state", "must be at most 65536 bytes");
            }
            Patch::Set(_) => {}
            Patch::Clear => issue("initial_state", "must be an object"),
        }
        if length(&self.required_resources) > MAX_RESOURCES_BYTES {
            issue("required_resources", "must be at most 8192 bytes");
        }
        for (index, resource) in self.required_resources.iter().flatten().enumerate() {
            if resource.url.trim().is_empty() {
                issue(&format!("required_resources[{index}].url"), "must not be blank");
            }
        }
        issues
    }
}

/// The size of the compact JSON text, in bytes.
fn length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedSession {
    /// The value of `#session=` in the URL of `/sandbox/`.
    session: String,
}

/// The permission to create embed sessions, refused in the words of this API.
#[derive(Debug)]
pub struct CreateEmbedSessions;

impl Need for CreateEmbedSessions {
    const REQUIRES: Requirement = Requirement::Permission(Permission::SessionsCreate);

    fn check(key: &AccessKey) -> Result<()> {
        require_embed_sessions(key)
    }
}

/// Create an embed session for a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/dives/{id}/embed-session", tag = "dives", params(("id" = vitrine::rules::forms::DiveId, Path,)),
    description = "Admin, or permission `sessions:create`. Valid for 24 hours, for one version of one dive, read-only.",
    request_body = EmbedSessionInput, responses((status = 200, body = EmbedSession))
))]
pub async fn embed_session(
    caller: Allowed<CreateEmbedSessions>,
    State(app): State<App>,
    Path(dive_id): Path<String>,
    headers: HeaderMap,
    TolerantJson(input): TolerantJson<EmbedSessionInput>,
) -> HttpResult<axum::Json<EmbedSession>> {
    let dive = ResourceRef { kind: Kind::Dive, id: ResourceId::parse(Kind::Dive, &dive_id)? };
    request_context::resource(&dive);
    let username: Username =
        input.username.trim().parse().map_err(|_| Error::from(Reason::AccountNotFound))?;
    let request = AccountSession {
        resource: dive,
        username,
        version: input.version,
        initial_state: input.initial_state.over(None),
    };
    let base = base_url(&app.settings, &headers)?;
    let created = app.sessions.create_for_account(&caller.key, request).await.map_err(missing_dive)?;
    let CreatedToken { token, resource } = created;
    let session =
        SessionString { token, dive_id: resource.id.to_string(), view_url: format!("{base}/v1/view/dive") };
    Ok(axum::Json(EmbedSession { session: session.encode()? }))
}

/// MotherDuck's clients expect this message in every 404.
fn missing_dive(error: Error) -> Error {
    if error.status() == 404 { error.message("Not Found") } else { error }
}
