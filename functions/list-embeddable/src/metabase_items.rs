//! `GET /api/card`, `GET /api/dashboard` and `GET /api/collection`: lists of what is here, published or not.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde::Serialize;
use vitrine::aws::storage::ResourceLister;
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::ListResources;
use vitrine::http::query::pairs;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::permission::Permission;
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::{Kind, PrimaryId};

#[cfg(feature = "openapi")]
use crate::whole_list::AskedPage;
use crate::whole_list::{self, Description, ListItem};

/// A card or a dashboard in a list.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedItem {
    id: PrimaryId,
    name: String,
    /// Left out of a list whose descriptions would not fit into one response.
    #[serde(skip_serializing_if = "Description::is_left_out")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    description: Description,
    /// `card` or `dashboard`.
    model: &'static str,
    entity_id: Option<String>,
    public_id: String,
    enable_embedding: bool,
    archived: bool,
    /// Null: everything is in the root collection.
    collection_id: Option<u64>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    updated_at: Timestamp,
}

impl From<ResourceSummary> for ListedItem {
    fn from(summary: ResourceSummary) -> Self {
        Self {
            id: summary.id,
            name: summary.title,
            description: Description::of(summary.description),
            model: model_of(summary.kind),
            entity_id: summary.entity_id,
            public_id: summary.public_id,
            enable_embedding: summary.enable_embedding,
            archived: summary.archived,
            collection_id: None,
            created_at: summary.created_at,
            updated_at: summary.updated_at,
        }
    }
}

impl ListItem for ListedItem {
    fn description(&mut self) -> &mut Description {
        &mut self.description
    }
}

/// Metabase's word for a kind.
pub const fn model_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Question => "card",
        Kind::Dashboard => "dashboard",
        Kind::Dive => "dive",
    }
}

/// The part of the items that a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Current,
    Archived,
    /// Items that Metabase finds through things that are not here, such as databases and bookmarks.
    None,
}

impl Part {
    fn read(query: &str) -> Result<Self> {
        let filter = pairs(query).filter(|(name, _)| name == "f").last();
        match filter.as_ref().map_or("", |(_, filter)| filter.as_str()) {
            "" | "all" | "mine" | "recent" | "popular" => Ok(Self::Current),
            "archived" => Ok(Self::Archived),
            "bookmarked" | "fav" | "database" | "table" | "using_model" | "using_segment"
            | "using_metric" => Ok(Self::None),
            _ => Err(Error::invalid("f", "must be all, mine, archived or another of Metabase's filters")),
        }
    }
}

/// List questions.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/card", tag = "metabase",
    params(
        ("f" = Option<String>, Query, pattern = "^(all|mine|recent|popular|archived|bookmarked|fav|database|table|using_model|using_segment|using_metric)?$", description = "`all` or `mine`: all that are not archived; `archived`: the others. Filters by a database or a bookmark find nothing"),
        AskedPage,
    ),
    description = "Permission: `resources:list`. Published or not, by id; at most 10000 of them, and 5 MB: long descriptions are left out first. A `Link` leads to the rest. With `limit`, a page.",
    responses((status = 200, body = Vec<ListedItem>))
))]
pub async fn cards(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    RawQuery(query): RawQuery,
) -> HttpResult<(HeaderMap, axum::Json<Vec<ListedItem>>)> {
    Ok(list(&resources, &caller.key, Kind::Question, "/api/card", query).await?)
}

/// List dashboards.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/dashboard", tag = "metabase",
    params(
        ("f" = Option<String>, Query, pattern = "^(all|mine|recent|popular|archived|bookmarked|fav|database|table|using_model|using_segment|using_metric)?$", description = "`all` or `mine`: all that are not archived; `archived`: the others"),
        AskedPage,
    ),
    description = "Permission: `resources:list`. Published or not, by id; at most 10000 of them, and 5 MB: long descriptions are left out first. A `Link` leads to the rest. With `limit`, a page.",
    responses((status = 200, body = Vec<ListedItem>))
))]
pub async fn dashboards(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    RawQuery(query): RawQuery,
) -> HttpResult<(HeaderMap, axum::Json<Vec<ListedItem>>)> {
    Ok(list(&resources, &caller.key, Kind::Dashboard, "/api/dashboard", query).await?)
}

async fn list(
    resources: &ResourceLister,
    key: &AccessKey,
    kind: Kind,
    path: &str,
    query: Option<String>,
) -> Result<(HeaderMap, axum::Json<Vec<ListedItem>>)> {
    let query = query.unwrap_or_default();
    let (archived, path) = match Part::read(&query)? {
        Part::Current => (false, path.to_owned()),
        Part::Archived => (true, format!("{path}?f=archived")),
        Part::None => return whole_list::empty(&query),
    };
    let listing = Listing { kind: Some(kind), embeddable: None, archived: Some(archived), reach: &key.reach };
    whole_list::read(resources, &listing, &path, &query).await
}

/// A collection.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collection {
    id: &'static str,
    name: &'static str,
    archived: bool,
    can_write: bool,
    is_personal: bool,
    parent_id: Option<u64>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    effective_location: Option<&'static str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    effective_ancestors: [u64; 0],
}

const ROOT: &str = "root";

impl Collection {
    fn root(key: &AccessKey) -> Self {
        Self {
            id: ROOT,
            name: "Our analytics",
            archived: false,
            can_write: key.require(Permission::ResourcesWrite).is_ok(),
            is_personal: false,
            parent_id: None,
            effective_location: None,
            effective_ancestors: [],
        }
    }
}

/// List collections.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/collection", tag = "metabase",
    params(("archived" = Option<String>, Query, description = "`true`: none")),
    description = "Permission: `resources:list`. Everything is in one collection, the root.",
    responses((status = 200, body = Vec<Collection>))
))]
pub async fn collections(
    caller: Allowed<ListResources>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Vec<Collection>>> {
    let is_archived = is_true(query.as_deref().unwrap_or_default(), "archived");
    Ok(axum::Json(if is_archived { Vec::new() } else { vec![Collection::root(&caller.key)] }))
}

/// Read a collection.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/collection/{id}", tag = "metabase", params(("id" = String, Path, description = "`root`")),
    description = "Permission: `resources:list`. Any other collection is 404.",
    responses((status = 200, body = Collection))
))]
pub async fn collection(
    caller: Allowed<ListResources>,
    Path(id): Path<String>,
) -> HttpResult<axum::Json<Collection>> {
    require_root(&id)?;
    Ok(axum::Json(Collection::root(&caller.key)))
}

/// Everything is in the root.
pub fn require_root(id: &str) -> Result<()> {
    if id == ROOT { Ok(()) } else { Err(Reason::ResourceNotFound.into()) }
}

/// Returns whether a query has a name with the value true.
pub fn is_true(query: &str, name: &str) -> bool {
    pairs(query).any(|(given, value)| given == name && value.eq_ignore_ascii_case("true"))
}
