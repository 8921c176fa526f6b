//! Opens views with embed tokens: for the page and for programs, with introspection and the viewer of a session.

mod cube_viewer;
mod health;
mod introspect;
mod metabase_dashboard;
mod metabase_embed;
mod view;

use std::sync::Arc;

use axum::Router;
use vitrine::app::open_view::ViewOpener;
use vitrine::http::{Callers, Routes};
use vitrine::rules::clock::Clock;
use vitrine::rules::settings::Settings;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        views: ViewOpener,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .open_get("/v1/view", view::any)
        .open_get("/v1/view/{kind}", view::of_kind)
        .open_get("/v1/view/{kind}/{id}", view::of_resource)
        .post("/v1/introspect", introspect::introspect)
        .get("/healthz", health::health)
        .open_get("/api/v1/embed/dashboard/{public_id}", cube_viewer::dashboard)
        .open_get("/api/v1/users/me", cube_viewer::me)
        .open_get("/api/v1/app-config", cube_viewer::app_config)
        .get("/api/health", metabase_embed::health)
        .open_get("/api/embed/{kind}/{token}", metabase_embed::embed)
        .get("/api/preview_embed/{kind}/{token}", metabase_embed::preview)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    view::any,
    view::of_kind,
    view::of_resource,
    introspect::introspect,
    health::health,
    cube_viewer::dashboard,
    cube_viewer::me,
    cube_viewer::app_config,
    metabase_embed::health,
    metabase_embed::embed,
    metabase_embed::preview,
))]
pub struct ApiDoc;
