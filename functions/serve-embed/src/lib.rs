//! The page inside the iframe, the files that it loads, and the scripts for host pages.

mod assets;
mod encoding;
mod page;

use std::sync::Arc;

use axum::Router;
use vitrine::app::frame_policy::FrameOwners;
use vitrine::aws::blobs::ExportOrigin;
use vitrine::http::Routes;
use vitrine::rules::settings::Settings;

/// The files that dives of React import, for the compiler of dives.
pub mod dive_modules {
    pub const REACT: &str = include_str!("../assets/dist/react.js");
    pub const RECHARTS: &str = include_str!("../assets/dist/recharts.js");
}

vitrine::function_state! {
    pub struct State {
        owners: FrameOwners,
        exports: ExportOrigin,
        settings: Arc<Settings>,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .get("/embed/dashboard/{credential}", page::dashboard)
        .get("/embed/question/{credential}", page::question)
        .get("/embed/dive/{credential}", page::dive)
        .get("/embed/d/{deployment}/dashboard/{public_id}", page::dashboard_of)
        .get("/sandbox", page::sandbox)
        .get("/embed/assets/{file}", assets::file)
        .get("/app/iframeResizer.js", assets::iframe_resizer)
        .get("/vitrine.js", assets::sdk)
        .get("/vitrine.mjs", assets::sdk_module)
        .get("/vitrine.d.ts", assets::sdk_types)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    page::dashboard,
    page::question,
    page::dive,
    page::dashboard_of,
    page::sandbox,
    assets::file,
    assets::iframe_resizer,
    assets::sdk,
    assets::sdk_module,
    assets::sdk_types
))]
pub struct ApiDoc;
