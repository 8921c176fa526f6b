//! Says what a credential may see.

mod health;
mod introspect;
mod view;

use std::sync::Arc;

use axum::Router;
use vitrine::clock::Clock;
use vitrine::http::{Callers, Routes};
use vitrine::settings::Settings;
use vitrine::views::Views;

vitrine::capabilities! {
    pub struct State {
        callers: Callers,
        views: Views,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .open_get("/v1/view", view::any)
        .open_get("/v1/view/{kind}", view::of_kind)
        .post("/v1/introspect", introspect::introspect)
        .get("/healthz", health::health)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(view::any, view::of_kind, introspect::introspect, health::health))]
pub struct ApiDoc;
