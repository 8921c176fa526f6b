//! Keeps resources: their content, their parameters and their embed flags.

mod native;

use std::sync::Arc;

use axum::Router;
use vitrine::clock::Clock;
use vitrine::http::{Callers, Routes};
use vitrine::settings::Settings;
use vitrine::storage::{ResourceReader, ResourceWriter};

vitrine::capabilities! {
    pub struct State {
        callers: Callers,
        reader: ResourceReader,
        writer: ResourceWriter,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    const RESOURCE: &str = "/v1/resources/{kind}/{id}";
    Routes::default().put(RESOURCE, native::put).get(RESOURCE, native::get).delete(RESOURCE, native::delete)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(native::put, native::get, native::delete))]
pub struct ApiDoc;
