//! `GET /healthz`

use axum::extract::State;
use serde::Serialize;
use vitrine::app::open_view::ViewOpener;
use vitrine::http::HttpResult;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    pub status: &'static str,
    pub version: &'static str,
}

/// Check that views can be decided.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/healthz", tag = "views",
    description = "200 if the signing keys and the table can be read, or were read within the last few seconds; else 503.",
    responses((status = 200, body = Health)), security(())
))]
pub async fn health(State(views): State<ViewOpener>) -> HttpResult<axum::Json<Health>> {
    views.check().await?;
    Ok(axum::Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
