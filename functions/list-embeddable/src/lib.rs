//! Lists resources, all of them or only the published ones, and answers what clients ask before they do.

mod metabase_embeddable;
mod metabase_instance;
mod metabase_items;
mod metabase_search;
mod resources;
mod whole_list;

use std::sync::Arc;

use axum::Router;
use vitrine::aws::storage::{EmbeddingSwitchReader, ResourceLister};
use vitrine::http::{Callers, Routes};
use vitrine::rules::settings::Settings;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        resources: ResourceLister,
        switch: EmbeddingSwitchReader,
        settings: Arc<Settings>,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .get("/v1/resources", resources::list)
        .get("/v1/dives", resources::dives)
        .get("/api/card/embeddable", metabase_embeddable::cards)
        .get("/api/dashboard/embeddable", metabase_embeddable::dashboards)
        .get("/api/card", metabase_items::cards)
        .get("/api/dashboard", metabase_items::dashboards)
        .get("/api/collection", metabase_items::collections)
        .get("/api/collection/{id}", metabase_items::collection)
        .get("/api/collection/{id}/items", metabase_search::collection_items)
        .get("/api/search", metabase_search::search)
        .get("/api/user/current", metabase_instance::user)
        .get("/api/login-history/current", metabase_instance::login_history)
        .get("/api/session/properties", metabase_instance::properties)
        .get("/api/setting", metabase_instance::settings)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    resources::list,
    resources::dives,
    metabase_embeddable::cards,
    metabase_embeddable::dashboards,
    metabase_items::cards,
    metabase_items::dashboards,
    metabase_items::collections,
    metabase_items::collection,
    metabase_search::collection_items,
    metabase_search::search,
    metabase_instance::user,
    metabase_instance::login_history,
    metabase_instance::properties,
    metabase_instance::settings
))]
pub struct ApiDoc;
