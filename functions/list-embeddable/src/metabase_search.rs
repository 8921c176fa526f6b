//! `GET /api/search` and `GET /api/collection/{id}/items`: finds cards and dashboards by the words in their names and descriptions.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use vitrine::aws::storage::ResourceLister;
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::ListResources;
use vitrine::http::query::pairs;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::paging::{MAX_LIMIT, Paging};
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::Kind;

use crate::metabase_items::{ListedItem, is_true, model_of, require_root};
use crate::whole_list::{MAX_PAGES, WholeList, read_pages};

/// The most items in one answer.
const MAX_FOUND: usize = 1_000;

/// The kinds that are searched, in the order of the answer.
const SEARCHED: [Kind; 2] = [Kind::Dashboard, Kind::Question];

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found {
    /// The number of all matches.
    total: usize,
    data: Vec<ListedItem>,
    limit: usize,
    offset: usize,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    models: Vec<&'static str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    available_models: [&'static str; 2],
}

/// The filter of a search.
struct Search {
    words: Vec<String>,
    /// None means all.
    models: Vec<String>,
    archived: bool,
    limit: usize,
    offset: usize,
}

impl Search {
    /// Reads a query. Other names, which real clients send, have no effect.
    fn read(query: &str) -> Result<Self> {
        let mut search = Self {
            words: Vec::new(),
            models: Vec::new(),
            archived: is_true(query, "archived"),
            limit: MAX_FOUND,
            offset: 0,
        };
        for (name, value) in pairs(query) {
            match name.as_str() {
                "q" => search.words = value.to_lowercase().split_whitespace().map(str::to_owned).collect(),
                "models" | "models[]" => search.models.push(value),
                "limit" => search.limit = whole("limit", &value, 1)?.min(MAX_FOUND),
                "offset" => search.offset = whole("offset", &value, 0)?,
                _ => {}
            }
        }
        Ok(search)
    }

    fn includes(&self, kind: Kind) -> bool {
        self.models.is_empty() || self.models.iter().any(|model| model == model_of(kind))
    }

    fn matches(&self, item: &ResourceSummary) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let title = item.title.to_lowercase();
        let description = item.description.as_deref().unwrap_or_default().to_lowercase();
        self.words.iter().all(|word| title.contains(word) || description.contains(word))
    }
}

fn whole(name: &'static str, text: &str, least: usize) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| Error::invalid(name, format!("must be a whole number of at least {least}")))
}

/// Search questions and dashboards.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/search", tag = "metabase",
    params(
        ("q" = Option<String>, Query, description = "Words that the name or the description contains"),
        ("models" = Option<String>, Query, description = "`card` or `dashboard`; can be given twice. Metabase's other models are not here"),
        ("archived" = Option<String>, Query, description = "`true`: only archived items, instead of only the others"),
        ("limit" = Option<u64>, Query, minimum = 1, description = "At most 1000, which is the default"),
        ("offset" = Option<u64>, Query),
    ),
    description = "Permission: `resources:list`. Dashboards first, each kind by id. Fewer than `limit` items if they do not fit into one response; go on at `offset` plus their number.",
    responses((status = 200, body = Found))
))]
pub async fn search(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Found>> {
    Ok(find(&resources, &caller.key, query).await?)
}

/// List the items of a collection.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/collection/{id}/items", tag = "metabase",
    params(
        ("id" = String, Path, description = "`root`"),
        ("models" = Option<String>, Query, description = "`card` or `dashboard`; can be given twice"),
        ("archived" = Option<String>, Query, description = "`true`: only archived items, instead of only the others"),
        ("limit" = Option<u64>, Query, minimum = 1, description = "At most 1000, which is the default"),
        ("offset" = Option<u64>, Query),
    ),
    description = "Permission: `resources:list`. Everything is in the root, so this is `GET /api/search` without words.",
    responses((status = 200, body = Found))
))]
pub async fn collection_items(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Found>> {
    require_root(&id)?;
    Ok(find(&resources, &caller.key, query).await?)
}

async fn find(
    resources: &ResourceLister,
    key: &AccessKey,
    query: Option<String>,
) -> Result<axum::Json<Found>> {
    let search = Search::read(query.as_deref().unwrap_or_default())?;
    let (mut found, mut total, mut is_full) = (WholeList::<ListedItem>::new(), 0, false);
    for kind in SEARCHED.into_iter().filter(|kind| search.includes(*kind)) {
        let listing = Listing {
            kind: Some(kind),
            embeddable: None,
            archived: Some(search.archived),
            reach: &key.reach,
        };
        let everything = Paging::new(Some(MAX_LIMIT), None);
        read_pages(resources, &listing, everything, MAX_PAGES, |page| {
            for item in page.into_iter().filter(|item| search.matches(item)) {
                let is_asked = (search.offset..search.offset.saturating_add(search.limit)).contains(&total);
                total += 1;
                if is_asked && !is_full {
                    is_full = !found.add(vec![item.into()])?;
                }
            }
            Ok(true)
        })
        .await?;
    }
    Ok(axum::Json(Found {
        total,
        data: found.items,
        limit: search.limit,
        offset: search.offset,
        models: SEARCHED.into_iter().filter(|kind| search.includes(*kind)).map(model_of).collect(),
        available_models: SEARCHED.map(model_of),
    }))
}
