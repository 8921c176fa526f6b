//! `GET /api/card/embeddable` and `GET /api/dashboard/embeddable`

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::ListResources;
use vitrine::http::query::pairs;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::error::{Error, Result};
use vitrine::rules::paging::{MAX_LIMIT, Paging, parse_limit};
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::{Kind, PrimaryId};

use crate::State as App;

/// The maximum length of a list without paging: the response of a Lambda function is bounded.
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

/// The requested page, for clients that page.
#[derive(Debug, Default)]
struct PageAsked {
    limit: Option<i32>,
    cursor: Option<String>,
}

/// List published questions.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/card/embeddable", tag = "metabase",
    params(("limit" = Option<i32>, Query), ("cursor" = Option<String>, Query)),
    description = "Permission: `resources:list`. Published and not archived, by id; at most 10000 of them. With `limit`, a page, and a `Link` to the next one.",
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
    params(("limit" = Option<i32>, Query), ("cursor" = Option<String>, Query)),
    description = "Permission: `resources:list`. Published and not archived, by id; at most 10000 of them. With `limit`, a page, and a `Link` to the next one.",
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
    let paging = paging(query.as_deref().unwrap_or_default())?;
    let page = async |limit, cursor| {
        let listing = Listing { kind: Some(kind), embeddable: Some(true), reach: &caller.key.reach };
        app.resources.list(&listing, &Paging::new(Some(limit), cursor)).await
    };
    let mut headers = HeaderMap::new();
    if paging.limit.is_some() || paging.cursor.is_some() {
        let limit = paging.limit.unwrap_or(MAX_LIMIT);
        let page = page(limit, paging.cursor).await?;
        if let Some(next) = page.next() {
            let link = format!("<{path}?limit={limit}&cursor={next}>; rel=\"next\"");
            headers.insert(header::LINK, HeaderValue::from_str(&link).map_err(Error::internal)?);
        }
        return Ok((headers, axum::Json(page.items.into_iter().map(embeddable).collect())));
    }
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(MAX_LIMIT, cursor).await?;
        cursor = page.next().map(str::to_owned);
        listed.extend(page.items.into_iter().map(embeddable));
        if cursor.is_none() || listed.len() >= MAX_ITEMS {
            listed.truncate(MAX_ITEMS);
            return Ok((headers, axum::Json(listed)));
        }
    }
}

/// Reads the paging from a query. Other names, which real clients send, have no effect.
fn paging(query: &str) -> Result<PageAsked> {
    let mut paging = PageAsked::default();
    for (name, value) in pairs(query) {
        match name.as_str() {
            "limit" => paging.limit = parse_limit(value).map_err(|wrong| Error::invalid("limit", wrong.0))?,
            "cursor" => paging.cursor = Some(value),
            _ => {}
        }
    }
    Ok(paging)
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
