//! `GET /api/card/embeddable` and `GET /api/dashboard/embeddable`

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde::Serialize;
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::ListResources;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::error::Result;
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::{Kind, PrimaryId};

use crate::State as App;
#[cfg(feature = "openapi")]
use crate::whole_list::AskedPage;
use crate::whole_list::{self, Description, ListItem};

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Embeddable {
    pub id: PrimaryId,
    pub name: String,
    /// Left out of a list whose descriptions would not fit into one response.
    #[serde(skip_serializing_if = "Description::is_left_out")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub description: Description,
    pub entity_id: Option<String>,
    pub public_id: String,
}

/// List published questions.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/card/embeddable", tag = "metabase",
    params(AskedPage),
    description = "Permission: `resources:list`. Published and not archived, by id; at most 10000 of them, and 5 MB: long descriptions are left out first. A `Link` leads to the rest. With `limit`, a page.",
    responses((status = 200, body = Vec<Embeddable>))
))]
pub async fn cards(
    caller: Allowed<ListResources>,
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> HttpResult<(HeaderMap, axum::Json<Vec<Embeddable>>)> {
    Ok(list(&app, &caller, Kind::Question, "/api/card/embeddable", query).await?)
}

/// List published dashboards.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/dashboard/embeddable", tag = "metabase",
    params(AskedPage),
    description = "Permission: `resources:list`. Published and not archived, by id; at most 10000 of them, and 5 MB: long descriptions are left out first. A `Link` leads to the rest. With `limit`, a page.",
    responses((status = 200, body = Vec<Embeddable>))
))]
pub async fn dashboards(
    caller: Allowed<ListResources>,
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> HttpResult<(HeaderMap, axum::Json<Vec<Embeddable>>)> {
    Ok(list(&app, &caller, Kind::Dashboard, "/api/dashboard/embeddable", query).await?)
}

async fn list(
    app: &App,
    caller: &Allowed<ListResources>,
    kind: Kind,
    path: &str,
    query: Option<String>,
) -> Result<(HeaderMap, axum::Json<Vec<Embeddable>>)> {
    app.switch.require().await?;
    let listing =
        Listing { kind: Some(kind), embeddable: Some(true), archived: None, reach: &caller.key.reach };
    whole_list::read(&app.resources, &listing, path, query.as_deref().unwrap_or_default()).await
}

impl From<ResourceSummary> for Embeddable {
    fn from(summary: ResourceSummary) -> Self {
        Self {
            id: summary.id,
            name: summary.title,
            description: Description::of(summary.description),
            entity_id: summary.entity_id,
            public_id: summary.public_id,
        }
    }
}

impl ListItem for Embeddable {
    fn description(&mut self) -> &mut Description {
        &mut self.description
    }
}
