//! The answer of native routes that write a resource, and their dry run.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::check_queries::Mode;
use vitrine::app::publish_resource::WrittenResource;
use vitrine::http::query::parse_switch;
use vitrine::rules::error::Issues;
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::resource::Resource;

/// A resource that was written, or in a dry run, as it would be.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Publication {
    #[serde(flatten)]
    resource: Resource,
    /// Findings about queries that are no reason to refuse them, the first 50. Of a resource that is not published, also
    /// those that will be. Absent if the content has no queries, or they were not checked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<vitrine::rules::error::Issue>, required = false, max_items = 50))]
    warnings: Option<Issues>,
}

impl From<WrittenResource> for Publication {
    fn from(WrittenResource { resource, warnings, .. }: WrittenResource) -> Self {
        Self { resource, warnings }
    }
}

/// The answer to the removal of a question that published dashboards show. Without such there is nothing to say: 204.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Removal {
    /// The cards that have no answer any more, each under its dashboard.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<vitrine::rules::error::Issue>, min_items = 1, max_items = 50))]
    warnings: Issues,
}

impl Removal {
    pub fn answer(warnings: Issues) -> Response {
        if warnings.is_empty() {
            StatusCode::NO_CONTENT.into_response()
        } else {
            Json(Self { warnings }).into_response()
        }
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct PublishQuery {
    /// `true`: check everything, write nothing, and answer as if it had been written.
    #[deserr(default, try_from(String) = parse_switch -> Wrong)]
    dry_run: Option<bool>,
}

impl PublishQuery {
    pub fn mode(&self) -> Mode {
        if self.dry_run == Some(true) { Mode::DryRun } else { Mode::Write }
    }
}
