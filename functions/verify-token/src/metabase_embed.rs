//! `/api/embed/...` and `/api/preview_embed/...`: the views that pages written for Metabase ask for.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use vitrine::app::open_view::ViewOpener;
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::resource::ids::{Kind, PrimaryId};
use vitrine::rules::token::UnknownKid;
use vitrine::rules::view::decide::{View, ViewRequest};
use vitrine::rules::view::resolve_parameters::{self, VisibleParameter};
use vitrine::rules::view::viewed_content::ViewedContent;

/// A card or dashboard as a viewer sees it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbeddedCard {
    id: PrimaryId,
    entity_id: Option<String>,
    name: String,
    description: Option<String>,
    /// The parameters that the viewer may see and change.
    parameters: Vec<VisibleParameter>,
    content: Option<ViewedContent>,
}

/// Open a view with the token in the path.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192)),
    description = "The query holds viewer parameters by slug, or `parameters=<JSON object>`.",
    responses((status = 200, body = EmbeddedCard), (status = 401), (status = 403)), security(())
))]
pub async fn embed(
    State(views): State<ViewOpener>,
    Path((kind, token)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<EmbeddedCard>> {
    Ok(card(&views, Audience::Viewer, &kind, &token, query).await?)
}

/// Preview a view before it is published.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/{kind}/{token}", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192)),
    description = "Admin only. Also shows unpublished resources; the policy is the token's claim `_embedding_params`.",
    responses((status = 200, body = EmbeddedCard))
))]
pub async fn preview(
    caller: Allowed<Admin>,
    State(views): State<ViewOpener>,
    Path((kind, token)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<EmbeddedCard>> {
    Ok(card(&views, Audience::Previewer(&caller.key), &kind, &token, query).await?)
}

/// The one who looks at a view: a viewer, or an admin before it is published.
#[derive(Clone, Copy)]
pub enum Audience<'a> {
    Viewer,
    Previewer(&'a AccessKey),
}

impl Audience<'_> {
    /// Opens a view. The preview and its value routes have no other way to one.
    pub async fn open(self, views: &ViewOpener, token: &str, request: ViewRequest) -> Result<View> {
        match self {
            Self::Viewer => views.open(Some(token), &request).await,
            Self::Previewer(key) => views.preview(key, token, request).await,
        }
    }
}

async fn card(
    views: &ViewOpener,
    audience: Audience<'_>,
    kind: &str,
    token: &str,
    query: Option<String>,
) -> Result<axum::Json<EmbeddedCard>> {
    let kind = Some(kind_of(kind)?);
    let parameters = resolve_parameters::from_query(query.as_deref().unwrap_or_default()).into();
    let request = ViewRequest { kind, parameters, unknown_kid: UNKNOWN_KID, ..ViewRequest::default() };
    let view = audience.open(views, token, request).await?;
    let View { resource, visible, content, .. } = view;
    Ok(axum::Json(EmbeddedCard {
        id: resource.id.clone(),
        entity_id: resource.entity_id.clone(),
        name: resource.title.clone(),
        description: resource.description.clone(),
        parameters: visible,
        content,
    }))
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetabaseHealth {
    status: &'static str,
}

/// Check that views can be decided, at Metabase's path.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/health", tag = "metabase", description = "Like `GET /healthz`.",
    responses((status = 200, body = MetabaseHealth)), security(())
))]
pub async fn health(State(views): State<ViewOpener>) -> HttpResult<axum::Json<MetabaseHealth>> {
    views.check().await?;
    Ok(axum::Json(MetabaseHealth { status: "ok" }))
}

/// Metabase's server ignores `kid`.
pub const UNKNOWN_KID: UnknownKid = UnknownKid::Ignored;

/// Metabase's word for a question is card.
pub fn kind_of(word: &str) -> Result<Kind> {
    match word {
        "card" => Ok(Kind::Question),
        "dashboard" => Ok(Kind::Dashboard),
        _ => Err(Reason::RouteNotFound.into()),
    }
}
