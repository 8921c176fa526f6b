//! `POST /v1/query/preview`: any query as any viewer, for the owner.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::app::limit_queries::Asker;
use vitrine::http::caller::StackAdmin;
use vitrine::http::{AllowedOrSigned, HttpResult, Json};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::json::named::Named;
use vitrine::rules::query::answer::AnswerColumn;
use vitrine::rules::query::definition::{QueryDefinition, Tag};
use vitrine::rules::query::prepare::{GivenValue, GivenValues};
use vitrine::rules::resource::parameter_value::ParameterValue;
use vitrine::rules::viewer::Viewer;
use vitrine_engine::answer::ColumnInfo;
use vitrine_engine::engine::{Engine, Prepared, Progress};
use vitrine_engine::error::{EngineError, QueryFailure};
use vitrine_engine::query::EngineQuery;

use crate::State as App;
use crate::engine::{Engined, for_owner};
use crate::execute::{collect, column};
use crate::plan::{Inquiry, Unplanned};

/// A query to try.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewInput {
    #[cfg_attr(feature = "openapi", schema(format = "sql"))]
    pub sql: String,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, Tag>>))]
    pub tags: Option<Named<Tag>>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, String>>))]
    pub snippets: Option<Named<String>>,
    #[deserr(default)]
    pub source: Option<String>,
    /// Values of the tags, by name.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, vitrine::rules::resource::parameter::AnyValue>, required = false))]
    pub parameters: BTreeMap<String, Value>,
    /// The viewer whose row policies apply.
    #[deserr(default)]
    pub viewer: Option<Viewer>,
}

impl Check for PreviewInput {
    fn problems(&self) -> Vec<Issue> {
        self.viewer.as_ref().map(|viewer| viewer.problems("viewer")).unwrap_or_default()
    }
}

/// The answer of a query, with its plan.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewAnswer {
    pub columns: Vec<AnswerColumn>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<Value>>))]
    pub rows: Value,
    pub truncated: bool,
    pub cached: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of: Timestamp,
    /// The engine's plan, with the conditions of row policies.
    pub plan: String,
}

/// Try a query.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/query/preview", tag = "queries",
    description = "Runs the query as this viewer would, without the cache. A failure has the engine's own text, which can contain values of rows.",
    request_body = PreviewInput,
    responses((status = 200, body = PreviewAnswer), (status = 422), (status = 429))
))]
pub async fn preview(
    _: AllowedOrSigned<StackAdmin>,
    State(app): State<App>,
    Json(input): Json<PreviewInput>,
) -> HttpResult<Response> {
    Ok(Box::pin(app.preview(input)).await?)
}

impl App {
    async fn preview(&self, input: PreviewInput) -> Result<Response> {
        let PreviewInput { sql, tags, snippets, source, parameters, viewer } = input;
        let query = QueryDefinition {
            sql,
            source,
            tags: tags.unwrap_or_default(),
            snippets: snippets.unwrap_or_default(),
        };
        let limits = &self.settings.queries;
        let issues = query.problems(&limits.text, "");
        if !issues.is_empty() {
            let issues = issues
                .into_iter()
                .map(|issue| Issue { path: issue.path.trim_start_matches('.').to_owned(), ..issue });
            return Err(Error::new(Reason::QueryInvalid).issues(issues.collect::<Vec<_>>()));
        }
        let viewer = viewer.unwrap_or_default();
        let inquiry = Inquiry {
            query: &query,
            given: given(&query, &parameters)?,
            viewer: &viewer,
            session: None,
            is_restricted: true,
            deployment: None,
            rows: limits.table_rows,
            is_file: false,
        };
        let plan = self.plan(inquiry).await.map_err(Unplanned::for_owner)?;
        let previewed = self.limited(&plan, &Asker::owner(), |query| self.run_with_plan(query)).await?;
        let ((columns, rows, truncated), plan) = previewed.map_err(|error| for_owner(&error))?;
        Ok(axum::Json(PreviewAnswer {
            columns: columns.into_iter().map(column).collect(),
            rows: serde_json::from_slice(&rows).map_err(Error::internal)?,
            truncated,
            cached: false,
            as_of: self.clock.now(),
            plan,
        })
        .into_response())
    }
}

impl App {
    /// Columns, rows and truncation, and the plan.
    async fn run_with_plan(&self, query: EngineQuery) -> Engined<((Vec<ColumnInfo>, Vec<u8>, bool), String)> {
        let engine = &self.engine.engine;
        let prepared = engine.prepare(&query).await?;
        let text = prepared.plan_text();
        match engine.start(prepared).await? {
            Progress::Ready(rows) => Ok((collect(rows).await?, text)),
            Progress::Running { .. } => {
                Err(EngineError::new(QueryFailure::Unavailable, "The embedded engine answers at once."))
            }
        }
    }
}

/// The values by the parameters that the tags stand for.
fn given(query: &QueryDefinition, parameters: &BTreeMap<String, Value>) -> Result<GivenValues> {
    let mut given = GivenValues::new();
    for (name, value) in parameters {
        let unknown = || Error::invalid(format!("parameters.{name}"), "is not one of `tags`");
        let tag = query.tags.get(name.as_str()).ok_or_else(unknown)?;
        let (kind, parameter) = tag.parameter_type().zip(tag.parameter(name)).ok_or_else(unknown)?;
        let value = ParameterValue::of(&parameter, value)
            .map_err(|_| Error::invalid(format!("parameters.{name}"), "does not fit its tag"))?;
        given.insert(name.clone(), vec![GivenValue { kind, value, case_sensitive: None }]);
    }
    Ok(given)
}
