//! `POST /v1/dives/{id}/embed-session`, as MotherDuck's clients call it.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use deserr::Deserr;
use serde::Serialize;
use serde_json::{Map, Value};
use vitrine::app::request_context;
use vitrine::dialects::motherduck::{SessionString, require_embed_sessions};
use vitrine::http::base_url::base_url;
use vitrine::http::caller::Need;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Check, Invalid, Patch};
use vitrine::rules::random;
use vitrine::rules::resource::Resource;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef};
use vitrine::rules::session::SessionGrant;
use vitrine::rules::token::Claims;
use vitrine::rules::token::mint::{ISSUER, TokenToMint};
use vitrine::rules::viewer::Viewer;
use vitrine::rules::viewer::service_account::Username;

use crate::State as App;

const TTL_SECONDS: i64 = 86_400;
const MAX_STATE_BYTES: usize = 65_536;
const MAX_RESOURCES_BYTES: usize = 8_192;

/// Real clients are newer than any document: what is not known here is let pass.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedSessionInput {
    /// The service account that the dive is shown as.
    username: String,
    #[deserr(default)]
    session_name: Option<String>,
    /// The old word for `session_name`.
    #[deserr(default)]
    session_hint: Option<String>,
    /// The current version if not said.
    #[deserr(default)]
    version: Option<u64>,
    /// What the dive begins with: an object of at most 65536 bytes.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    initial_state: Patch<Value>,
    /// Checked, and kept for the live queries that are to come.
    #[deserr(default)]
    required_resources: Option<Vec<RequiredResource>>,
}

#[derive(Debug, Serialize, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequiredResource {
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

/// Bytes of the compact form.
fn length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedSession {
    /// Goes behind `#session=` of the URL `/sandbox/`.
    session: String,
}

/// The permission to make embed sessions, refused in the words of this API.
#[derive(Debug)]
pub struct CreateEmbedSessions;

impl Need for CreateEmbedSessions {
    fn check(key: &AccessKey) -> Result<()> {
        require_embed_sessions(key)
    }
}

/// Make an embed session for a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/dives/{id}/embed-session", tag = "dives", params(("id" = String, Path,)),
    description = "Admin, or permission `sessions:create`. Good for 24 hours, for one dive at one version, and for reading only.",
    request_body = EmbedSessionInput, responses((status = 200, body = EmbedSession))
))]
pub async fn embed_session(
    caller: Allowed<CreateEmbedSessions>,
    State(app): State<App>,
    Path(dive_id): Path<String>,
    headers: HeaderMap,
    Json(input): Json<EmbedSessionInput>,
) -> HttpResult<axum::Json<EmbedSession>> {
    let dive = ResourceRef { kind: Kind::Dive, id: ResourceId::parse(Kind::Dive, &dive_id)? };
    request_context::resource(&dive);
    let username: Username =
        input.username.trim().parse().map_err(|_| Error::from(Reason::AccountNotFound))?;
    let account = app.accounts.find(&username).await?.ok_or(Reason::AccountNotFound)?;

    let now = app.clock.now();
    let viewer = Viewer { id: Some(account.username.to_string()), ..Viewer::default() };
    let mut claims = Claims::vouching(&dive, Map::new(), viewer.clone());
    claims.version = input.version;
    claims.account = Some(account.id.clone());
    claims.issued = Some(now.unix());
    let reach = |resource: &Resource| caller.key.require_deployment(resource.deployment);
    let resource = app.rehearsals.check(&claims, reach).await.map_err(missing_dive)?.resource;

    let expires = now.plus(TTL_SECONDS.min(app.settings.max_token_lifetime_seconds));
    let token_id = random::short_id()?;
    let state = input.initial_state.over(None);
    if let Some(state) = &state {
        app.sessions.keep_state(&random::fingerprint(&token_id), state, expires).await?;
    }
    let vouches = SessionGrant {
        resource: Some((Kind::Dive, resource.id.clone())),
        viewer,
        account: Some(account.id),
        ..SessionGrant::default()
    };
    let vouched = TokenToMint {
        issuer: ISSUER,
        vouches: &vouches,
        version: Some(input.version.unwrap_or(resource.version)),
        has_state: state.is_some(),
        token_id: &token_id,
        session: None,
        issued: now,
        expires,
    };
    let token = app.rehearsals.keys().mint(&vouched).await?;
    let base = base_url(&app.settings, &headers);
    let session =
        SessionString { token, dive_id: resource.id.to_string(), view_url: format!("{base}/v1/view/dive") };
    Ok(axum::Json(EmbedSession { session: session.encode()? }))
}

/// MotherDuck's clients know one sentence for what is not there.
fn missing_dive(error: Error) -> Error {
    if error.reason.code().status() == 404 { error.message("Not Found") } else { error }
}
