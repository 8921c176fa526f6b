//! Lists resources, all of them or only the published ones.

mod metabase_embeddable;
mod resources;

use axum::Router;
use vitrine::aws::storage::{EmbeddingSwitchReader, ResourceLister};
use vitrine::http::{Callers, Routes};

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        resources: ResourceLister,
        switch: EmbeddingSwitchReader,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .get("/v1/resources", resources::list)
        .get("/v1/dives", resources::dives)
        .get("/api/card/embeddable", metabase_embeddable::cards)
        .get("/api/dashboard/embeddable", metabase_embeddable::dashboards)
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
    metabase_embeddable::dashboards
))]
pub struct ApiDoc;
