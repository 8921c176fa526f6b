//! `GET /api/card/embeddable` and `GET /api/dashboard/embeddable`

use axum::extract::State;
use serde::Serialize;
use vitrine::access::AccessKey;
use vitrine::error::Result;
use vitrine::http::Allowed;
use vitrine::http::caller::ListResources;
use vitrine::identifiers::{Kind, PrimaryId};
use vitrine::resource::ResourceSummary;
use vitrine::storage::ResourceLister;
use vitrine::storage::cursor::MAX_LIMIT;
use vitrine::storage::resources::Listing;

/// Metabase knows no pages. What a Lambda function may answer is bounded, so the list is as well.
const MAX_ITEMS: usize = 10_000;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Embeddable {
    pub id: PrimaryId,
    pub name: String,
    pub description: Option<String>,
    pub entity_id: Option<String>,
    pub public_id: String,
}

/// List published questions.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/card/embeddable", tag = "metabase",
    description = "Permission: `resources:list`. Published and not archived, by id; at most 10000 of them.",
    responses((status = 200, body = Vec<Embeddable>))
))]
pub async fn cards(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
) -> Result<axum::Json<Vec<Embeddable>>> {
    list(&resources, &caller.key, Kind::Question).await
}

/// List published dashboards.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/dashboard/embeddable", tag = "metabase",
    description = "Permission: `resources:list`. Published and not archived, by id; at most 10000 of them.",
    responses((status = 200, body = Vec<Embeddable>))
))]
pub async fn dashboards(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
) -> Result<axum::Json<Vec<Embeddable>>> {
    list(&resources, &caller.key, Kind::Dashboard).await
}

async fn list(
    resources: &ResourceLister,
    key: &AccessKey,
    kind: Kind,
) -> Result<axum::Json<Vec<Embeddable>>> {
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = resources
            .list(&Listing {
                kind: Some(kind),
                embeddable: Some(true),
                deployments: &key.deployments,
                limit: Some(MAX_LIMIT),
                cursor: cursor.as_deref(),
            })
            .await?;
        listed.extend(page.items.into_iter().map(embeddable));
        cursor = page.next;
        if cursor.is_none() || listed.len() >= MAX_ITEMS {
            listed.truncate(MAX_ITEMS);
            return Ok(axum::Json(listed));
        }
    }
}

fn embeddable(summary: ResourceSummary) -> Embeddable {
    Embeddable {
        id: summary.id,
        name: summary.title,
        description: summary.description,
        entity_id: summary.entity_id,
        public_id: summary.public_id,
    }
}
