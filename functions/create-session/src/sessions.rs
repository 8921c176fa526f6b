//! `POST /v1/sessions`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::app::create_session::{CreatedSession, ResourceSession};
use vitrine::app::request_context;
use vitrine::http::base_url::base_url;
use vitrine::http::caller::CreateSessions;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Issue};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef};
use vitrine::rules::viewer::Viewer;

use crate::State as App;

const DEFAULT_TTL_SECONDS: i64 = 600;

/// The part of a token of at most 8 KiB that the caller may fill.
const MAX_GRANT_BYTES: usize = 5_000;

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"resource": {"dashboard": 1}, "ttl_seconds": 600})))]
pub struct SessionInput {
    pub resource: ResourceReference,
    /// Values of locked parameters, and initial values of enabled ones.
    #[deserr(default)]
    pub params: Option<BTreeMap<String, Value>>,
    #[deserr(default)]
    pub viewer: Option<Viewer>,
    /// The lifetime of the credential; 600 by default.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub ttl_seconds: Option<i64>,
    /// Create a session that a browser exchanges once within five minutes, instead of a token.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub single_use: bool,
}

/// One resource, by any of its ids: `{"dashboard": 1}`.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(min_properties = 1, example = json!({"dashboard": 1})))]
pub struct ResourceReference {
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::NumberOrId>))]
    dashboard: Option<Value>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::NumberOrId>))]
    question: Option<Value>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::DiveId>))]
    dive: Option<Value>,
}

impl ResourceReference {
    fn reference(&self) -> Option<ResourceRef> {
        let named =
            [(Kind::Dashboard, &self.dashboard), (Kind::Question, &self.question), (Kind::Dive, &self.dive)];
        let mut named = named.into_iter().filter_map(|(kind, id)| Some((kind, id.as_ref()?)));
        let (kind, id) = named.next()?;
        let id = ResourceId::from_claim(kind, id).ok()?;
        named.next().is_none().then_some(ResourceRef { kind, id })
    }
}

impl Check for SessionInput {
    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.resource.reference().is_none() {
            issues.push(Issue::new("resource", "must name one resource, such as {\"dashboard\": 1}"));
        }
        if self.ttl_seconds.is_some_and(|seconds| seconds < 1) {
            issues.push(Issue::new("ttl_seconds", "must be at least 1"));
        }
        issues.extend(self.viewer.iter().flat_map(|viewer| viewer.problems("viewer")));
        let length = |value: serde_json::Result<String>| value.map_or(0, |text| text.len());
        let size = length(serde_json::to_string(&self.params)) + length(serde_json::to_string(&self.viewer));
        if size > MAX_GRANT_BYTES {
            issues.push(Issue::new("", "params and viewer must be at most 5000 bytes together"));
        }
        issues
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionCreated {
    /// The credential. It is shown this once.
    pub session: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// The time by which a single-use session must be exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub redeem_by: Option<Timestamp>,
    /// The URL of the iframe. The credential is in the fragment, which browsers never send.
    pub embed_url: String,
}

/// Create a credential for a browser.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/sessions", tag = "sessions",
    description = "Permission: `sessions:create`. Refused if the credential would show nothing: the parameters are checked against the resource's embed policy.",
    request_body = SessionInput, responses((status = 201, body = SessionCreated), (status = 404))
))]
pub async fn create(
    caller: Allowed<CreateSessions>,
    State(app): State<App>,
    headers: HeaderMap,
    Json(input): Json<SessionInput>,
) -> HttpResult<(StatusCode, axum::Json<SessionCreated>)> {
    let longest = app.settings.longest_made();
    let ttl = input.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS.min(longest));
    if ttl > longest {
        return Err(Error::invalid("ttl_seconds", format!("must be at most {longest}")).into());
    }
    let reference = input.resource.reference().ok_or_else(|| Error::invalid("resource", "is required"))?;
    request_context::resource(&reference);
    let request = ResourceSession {
        resource: reference,
        params: input.params.unwrap_or_default().into_iter().collect(),
        viewer: input.viewer.unwrap_or_default(),
        ttl_seconds: ttl,
        single_use: input.single_use,
    };
    let base = base_url(&app.settings, &headers)?;
    let created = app.sessions.create_for_resource(&caller.key, request).await?;
    let CreatedSession { credential: session, resource, expires_at, redeem_by } = created;
    let embed_url = format!("{base}/embed/{}/{}#session={session}", resource.kind, resource.public_id);
    Ok((StatusCode::CREATED, axum::Json(SessionCreated { session, expires_at, redeem_by, embed_url })))
}
