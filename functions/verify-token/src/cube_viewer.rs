//! Routes for pages written for Cube: a dashboard by its public id, the viewer, and the settings of the page.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};
use vitrine::app::open_view::{DeploymentViewer, ViewOpener};
use vitrine::http::caller::{Caller, embed_token};
use vitrine::http::{Callers, HttpResult};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::Reason;
use vitrine::rules::resource::ids::{Deployment, Kind, PrimaryId, ResourceId, ResourceRef, is_public_id};
use vitrine::rules::view::decide::ViewRequest;
use vitrine::rules::view::resolve_parameters::{self, VisibleParameter};
use vitrine::rules::view::viewed_content::ViewedContent;
use vitrine::rules::viewer::email::Email;
use vitrine::rules::viewer::role::Role;
use vitrine::rules::viewer::tenant::TenantName;

/// A dashboard in Cube's form, with the content to show.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeDashboard {
    id: PrimaryId,
    public_id: String,
    deployment_id: Deployment,
    /// The dashboard's own id, because there are no workbooks.
    workbook_id: PrimaryId,
    status: &'static str,
    allow_embed: bool,
    title: String,
    description: Option<String>,
    version_number: u64,
    version_id: u64,
    config: CubeDashboardConfig,
    report_snapshots: Vec<Value>,
    restrict_data_download: bool,
    /// Beyond Cube's API: the parameters that the viewer may see and change.
    parameters: Vec<VisibleParameter>,
    /// Beyond Cube's API.
    content: Option<ViewedContent>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeDashboardConfig {
    kind: &'static str,
    title: String,
    description: Option<String>,
    /// Always empty: the content does not consist of widgets.
    widgets: Vec<Value>,
}

/// Open a view of a dashboard by its public id.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/embed/dashboard/{public_id}", tag = "cube", params(("public_id" = vitrine::rules::forms::PublicId, Path,)),
    description = "`Authorization: Embed-Token <token>`, or `Bearer`. 404 if there is no such dashboard or the session does not include it; 403 if embedding it is not allowed. The query holds viewer parameters by slug.",
    responses((status = 200, body = CubeDashboard)), security(("embed_token" = []))
))]
pub async fn dashboard(
    State(views): State<ViewOpener>,
    State(callers): State<Callers>,
    Path(public_id): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<CubeDashboard>> {
    callers.refuse_instead_of_token(&headers).await?;
    let token = embed_token(&headers);
    if token.is_some() && !is_public_id(&public_id) {
        return Err(Reason::ResourceNotFound.into());
    }
    let resource = Some(ResourceRef::new(Kind::Dashboard, ResourceId::Public(public_id)));
    let parameters = resolve_parameters::from_query(query.as_deref().unwrap_or_default()).into();
    let view = views.open(token, &ViewRequest { resource, parameters, ..ViewRequest::default() }).await?;
    let restrict_data_download = !view.allows_downloads();
    let resource = view.resource;
    Ok(axum::Json(CubeDashboard {
        id: resource.id.clone(),
        public_id: resource.public_id.clone(),
        deployment_id: resource.deployment,
        workbook_id: resource.id.clone(),
        status: "published",
        allow_embed: resource.enable_embedding,
        title: resource.title.clone(),
        description: resource.description.clone(),
        version_number: resource.version,
        version_id: resource.version,
        config: CubeDashboardConfig {
            kind: "CLASSIC",
            title: resource.title.clone(),
            description: resource.description.clone(),
            widgets: Vec::new(),
        },
        report_snapshots: Vec::new(),
        restrict_data_download,
        parameters: view.visible,
        content: view.content,
    }))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Absent for a service account.
    id: Option<u64>,
    username: Option<String>,
    external_id: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    picture: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    created_at: Option<Timestamp>,
    embed_tenant_name: Option<TenantName>,
    groups: Vec<String>,
    user_policies: Vec<Value>,
}

/// The caller of an access key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyOwner {
    /// The id of the key, as in the log.
    id: String,
    /// The name of the service account or of the key.
    username: String,
    /// The address of the service account, if it has one.
    email: Option<Email>,
    is_admin: bool,
}

impl From<Caller> for KeyOwner {
    fn from(Caller { key, account }: Caller) -> Self {
        let AccessKey { id, name, role, .. } = key;
        Self {
            id,
            username: name,
            email: account.and_then(|account| account.email),
            is_admin: role == Role::Admin,
        }
    }
}

/// The answer to the question who is calling.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WhoAmI {
    Viewer(Box<Me>),
    KeyOwner(KeyOwner),
}

/// Read the viewer, or the caller.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/users/me", tag = "cube",
    description = "With the token of an embed session, or with an access key. The answer for a token has no attributes and no security context, because it goes to the browser.",
    responses((status = 200, body = WhoAmI)), security(("embed_token" = []), ("access_key" = []))
))]
pub async fn me(
    State(views): State<ViewOpener>,
    State(callers): State<Callers>,
    headers: HeaderMap,
) -> HttpResult<axum::Json<WhoAmI>> {
    if let Some(caller) = callers.instead_of_token(&headers).await? {
        return Ok(axum::Json(WhoAmI::KeyOwner(caller.into())));
    }
    let DeploymentViewer { viewer, context, user } = views.recognise(embed_token(&headers)).await?;
    let user = user.as_deref();
    let profile = context.profile.clone().over(user);
    let me = Me {
        id: user.map(|user| user.id),
        username: viewer.id,
        external_id: user.map(|user| user.external_id.to_string()),
        email: profile.email,
        first_name: profile.display_name,
        picture: profile.picture,
        created_at: user.map(|user| user.created_at),
        embed_tenant_name: context.tenant.as_ref().map(|(name, _)| name.clone()),
        groups: viewer.groups,
        user_policies: Vec::new(),
    };
    Ok(axum::Json(WhoAmI::Viewer(Box::new(me))))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppConfig {
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    app_theme: Option<Map<String, Value>>,
    apply_theme_globally: bool,
    creator_mode: bool,
    /// The `settings` of the session. AI is never offered.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    embedding: Map<String, Value>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    timezone_settings: Map<String, Value>,
    restrict_data_download: bool,
    dashboard_apps_enabled: bool,
    ai_paywalled: bool,
}

/// Read the settings of the page.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/app-config", tag = "cube",
    description = "With the token of an embed session.",
    responses((status = 200, body = AppConfig)), security(("embed_token" = []))
))]
pub async fn app_config(
    State(views): State<ViewOpener>,
    State(callers): State<Callers>,
    headers: HeaderMap,
) -> HttpResult<axum::Json<AppConfig>> {
    callers.refuse_instead_of_token(&headers).await?;
    let context = views.recognise(embed_token(&headers)).await?.context;
    let mut embedding = context.settings.clone();
    for switch in
        ["allowAi", "showDashboardChat", "showWorkbookChat", "showAiWidgets", "enableDashboardComments"]
    {
        embedding.insert(switch.to_owned(), Value::Bool(false));
    }
    Ok(axum::Json(AppConfig {
        app_theme: context.theme.clone(),
        apply_theme_globally: false,
        creator_mode: context.creator_mode,
        embedding,
        timezone_settings: Map::new(),
        restrict_data_download: false,
        dashboard_apps_enabled: false,
        ai_paywalled: false,
    }))
}
