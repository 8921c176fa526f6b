//! `/api/embed/...` and `/api/preview_embed/...`: the views that pages written for Metabase ask for.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use serde_json::{Value, json};
use vitrine::app::open_view::ViewOpener;
use vitrine::dialects::metabase::viewing::{Audience, UNKNOWN_KID, kind_of};
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::error::Result;
use vitrine::rules::query::content::DisplaySettings;
use vitrine::rules::resource::ids::PrimaryId;
use vitrine::rules::view::decide::{View, ViewRequest};
use vitrine::rules::view::resolve_parameters::{self, VisibleParameter};
use vitrine::rules::view::viewed_content::ViewedContent;

use crate::metabase_dashboard;

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
    #[serde(flatten)]
    question: EmbeddedQuestion,
}

/// The drawing of a card with a query, which stays behind, or the cards of a dashboard. Nothing for other content.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbeddedQuestion {
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    visualization_settings: Option<DisplaySettings>,
    /// Blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    dataset_query: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    param_fields: Option<Value>,
    /// For a dashboard of cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    dashcards: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    tabs: Option<Vec<Value>>,
}

impl EmbeddedQuestion {
    fn of(view: &View) -> Self {
        if let Some((dashcards, tabs)) = metabase_dashboard::parts(view) {
            let (dashcards, tabs) = (Some(dashcards), Some(tabs));
            return Self { dashcards, tabs, param_fields: Some(json!({})), ..Self::default() };
        }
        let Some(ViewedContent::Question { display, settings }) = &view.content else {
            return Self::default();
        };
        Self {
            display: Some(display.clone()),
            visualization_settings: Some(settings.clone()),
            dataset_query: Some(json!({"type": "native", "native": {"query": "-", "template-tags": {}}})),
            param_fields: Some(json!({})),
            ..Self::default()
        }
    }
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
    let question = EmbeddedQuestion::of(&view);
    let View { resource, visible, content, .. } = view;
    Ok(axum::Json(EmbeddedCard {
        id: resource.id.clone(),
        entity_id: resource.entity_id.clone(),
        name: resource.title.clone(),
        description: resource.description.clone(),
        parameters: visible,
        question,
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
