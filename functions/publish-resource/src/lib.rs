//! Stores resources: their content, parameters and embed flags.

mod cube_allow_embed;
mod dives;
mod metabase_card_answer;
mod metabase_card_input;
mod metabase_cards;
mod metabase_dashboard;
mod metabase_question;
mod publication;
mod resources;
mod versions;

use axum::Router;
use vitrine::app::publish_resource::ResourcePublisher;
use vitrine::app::restore_version::ResourceVersions;
use vitrine::aws::storage::EvidenceReader;
use vitrine::dialects::metabase::catalog::DataCatalog;
use vitrine::http::{Callers, Routes};

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        publisher: ResourcePublisher,
        versions: ResourceVersions,
        catalog: DataCatalog,
        questions: EvidenceReader,
    }
}

pub fn routes() -> Routes<State> {
    const RESOURCE: &str = "/v1/resources/{kind}/{id}";
    Routes::default()
        .put(RESOURCE, resources::put)
        .get(RESOURCE, resources::get)
        .delete(RESOURCE, resources::delete)
        .get("/v1/resources/{kind}/{id}/versions", versions::list)
        .get("/v1/resources/{kind}/{id}/versions/{version}", versions::get)
        .post("/v1/resources/{kind}/{id}/restore", versions::restore)
        .post("/v1/dives", dives::create)
        .get("/v1/dives/{id}", dives::get)
        .put("/v1/dives/{id}", dives::replace)
        .patch("/v1/dives/{id}", dives::patch)
        .delete("/v1/dives/{id}", dives::delete)
        .get("/v1/dives/{id}/versions", dives::versions)
        .get("/v1/dives/{id}/versions/{version}", dives::version)
        .patch("/api/v1/embed/dashboard/{public_id}", cube_allow_embed::allow_embed)
        .post("/api/card", metabase_cards::create_card)
        .get("/api/card/{id}", metabase_cards::get_card)
        .put("/api/card/{id}", metabase_cards::update_card)
        .delete("/api/card/{id}", metabase_cards::delete_card)
        .post("/api/dashboard", metabase_cards::create_dashboard)
        .get("/api/dashboard/{id}", metabase_cards::get_dashboard)
        .put("/api/dashboard/{id}", metabase_cards::update_dashboard)
        .delete("/api/dashboard/{id}", metabase_cards::delete_dashboard)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    resources::put,
    resources::get,
    resources::delete,
    versions::list,
    versions::get,
    versions::restore,
    dives::create,
    dives::get,
    dives::replace,
    dives::patch,
    dives::delete,
    dives::versions,
    dives::version,
    cube_allow_embed::allow_embed,
    metabase_cards::create_card,
    metabase_cards::get_card,
    metabase_cards::update_card,
    metabase_cards::delete_card,
    metabase_cards::create_dashboard,
    metabase_cards::get_dashboard,
    metabase_cards::update_dashboard,
    metabase_cards::delete_dashboard,
))]
pub struct ApiDoc;
