//! `GET /v1/view`: the view for the page inside the iframe.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};
use vitrine::http::HttpResult;
use vitrine::http::caller::embed_token;
use vitrine::http::prefer::prefers_lenient;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::resource::ids::{Deployment, Kind, PrimaryId, ResourceId, ResourceRef};
use vitrine::rules::resource::origin::Origin;
use vitrine::rules::session::SessionContext;
use vitrine::rules::token::UnknownKid;
use vitrine::rules::view::decide::{ViewRequest, ViewerParameters};
use vitrine::rules::view::resolve_parameters::{self, VisibleParameter};
use vitrine::rules::view::viewed_content::ViewedContent;
use vitrine::rules::view::wishes;
use vitrine::rules::viewer::tenant::TenantName;

use crate::State as App;

/// A view as the browser receives it, without locked values.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewAnswer {
    pub resource: ViewedResource,
    /// The parameters that the viewer may see and change, with their effective values.
    pub parameters: Vec<VisibleParameter>,
    /// With `Prefer: handling=lenient`: the names in the query that the viewer may not set, the first 50, cut at 100
    /// characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    pub content: Option<ViewedContent>,
    pub viewer: Option<ViewedBy>,
    /// The viewer's attributes that the resource is locked to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
    /// The initial state of the content, if its session has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub state: Option<Arc<Value>>,
    /// Allows the content to offer files for download.
    pub downloads: bool,
    /// The origins that may frame the view. A page that was loaded without naming a resource checks them itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub frame_origins: BTreeSet<Origin>,
    /// The settings of the embed session, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<ViewedSession>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
    /// The server's time, so that a page on a machine with a wrong clock can compute when the view expires.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub server_time: Timestamp,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewedResource {
    pub kind: Kind,
    pub id: PrimaryId,
    pub entity_id: Option<String>,
    pub public_id: String,
    pub title: String,
    pub description: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewedBy {
    pub id: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewedSession {
    pub deployment: Deployment,
    pub embed_tenant: Option<TenantName>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: Map<String, Value>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub theme: Option<Map<String, Value>>,
}

impl From<&SessionContext> for ViewedSession {
    fn from(context: &SessionContext) -> Self {
        Self {
            deployment: context.deployment,
            embed_tenant: context.tenant.as_ref().map(|(name, _)| name.clone()),
            settings: context.settings.clone(),
            theme: context.theme.clone(),
        }
    }
}

/// Open a view with an embed token.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/view", tag = "views",
    params(("prefer" = Option<String>, Header, description = "`handling=lenient`: names in the query that the viewer may not set, because they are unknown, locked, disabled or pinned, are left out and listed as `ignored`. Without it each of them is refused. A value that does not fit its parameter is always 400")),
    description = "`Authorization: Bearer <embed token>`. The query holds viewer parameters by slug: `?region=emea&region=apac`, `?year=` to clear one, or `?parameters=<JSON object>` for all of them.",
    responses((status = 200, body = ViewAnswer)), security(("embed_token" = []))
))]
pub async fn any(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<ViewAnswer>> {
    Ok(answer(&app, &headers, query, ViewRequest::default()).await?)
}

/// Open a view of one kind of resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/view/{kind}", tag = "views",
    params(("kind" = Kind, Path,), ("prefer" = Option<String>, Header, description = "As for `GET /v1/view`")),
    description = "Like `GET /v1/view`; a token that names no resource of this kind is 400.",
    responses((status = 200, body = ViewAnswer)), security(("embed_token" = []))
))]
pub async fn of_kind(
    State(app): State<App>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<ViewAnswer>> {
    let kind = kind.parse().map_err(|_| Reason::RouteNotFound)?;
    Ok(answer(&app, &headers, query, ViewRequest { kind: Some(kind), ..ViewRequest::default() }).await?)
}

/// Open a view of one resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/view/{kind}/{id}", tag = "views",
    params(
        ("kind" = Kind, Path,),
        ("id" = vitrine::rules::forms::AnyId, Path, description = "Any of its ids"),
        ("prefer" = Option<String>, Header, description = "As for `GET /v1/view`"),
    ),
    description = "Like `GET /v1/view`, for a token of a session that opens a whole deployment. Any other token must name this resource; else 404.",
    responses((status = 200, body = ViewAnswer)), security(("embed_token" = []))
))]
pub async fn of_resource(
    State(app): State<App>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<ViewAnswer>> {
    let kind = kind.parse().map_err(|_| Reason::RouteNotFound)?;
    let resource = Some(ResourceRef { kind, id: ResourceId::parse(kind, &id)? });
    Ok(answer(&app, &headers, query, ViewRequest { resource, ..ViewRequest::default() }).await?)
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    query: Option<String>,
    asked: ViewRequest,
) -> Result<axum::Json<ViewAnswer>> {
    let token = embed_token(headers);
    let query = query.as_deref().unwrap_or_default();
    let lenient = prefers_lenient(headers);
    let parameters = if lenient {
        ViewerParameters::Wishes(wishes::from_query(query))
    } else {
        resolve_parameters::from_query(query).into()
    };
    // The page `/embed/dashboard/{token}`, whose tokens are those of `/api/embed/dashboard/{token}`.
    let is_embed_page = lenient && matches!(asked.kind, Some(Kind::Dashboard | Kind::Question));
    let unknown_kid = if is_embed_page { UnknownKid::Ignored } else { UnknownKid::Refused };
    let view = app.views.open(token, &ViewRequest { parameters, unknown_kid, ..asked }).await?;
    let resource = &view.resource;
    let downloads = view.allows_downloads();
    let attributes = view.shown_attributes();
    Ok(axum::Json(ViewAnswer {
        resource: ViewedResource {
            kind: resource.kind,
            id: resource.id.clone(),
            entity_id: resource.entity_id.clone(),
            public_id: resource.public_id.clone(),
            title: resource.title.clone(),
            description: resource.description.clone(),
        },
        parameters: view.visible,
        ignored: view.ignored,
        content: view.content,
        viewer: view.viewer.id.map(|id| ViewedBy { id }),
        attributes,
        state: view.state,
        downloads,
        frame_origins: resource.frame_origins(&app.settings).into_iter().cloned().collect(),
        session: view.context.as_deref().map(ViewedSession::from),
        expires_at: view.expires_at,
        server_time: app.clock.now(),
    }))
}
