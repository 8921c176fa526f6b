//! `POST /v1/query/values`: the choices of a parameter.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::app::limit_queries::Asker;
use vitrine::app::share_answer::Shared;
use vitrine::http::{HttpResult, Json};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::query::choose::ChosenQuery;
use vitrine::rules::query::column_choices::{ColumnChoices, ViewValues};
use vitrine::rules::random;
use vitrine::rules::text::quoted;
use vitrine::rules::view::decide::View;

use crate::State as App;
use crate::question::{AskedResource, Question};

/// A question for the choices of a parameter.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"parameter": "city", "search": "ber", "parameters": {"year": 2026}})))]
pub struct ValuesQuestion {
    /// As in `POST /v1/query`.
    #[deserr(default)]
    pub resource: Option<AskedResource>,
    /// The slug of a parameter that the viewer may set.
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::Slug))]
    pub parameter: String,
    /// Found anywhere in a value or its label, in either case.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 255))]
    pub search: Option<String>,
    /// Values of the other parameters, by slug: choices narrow each other.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, vitrine::rules::resource::parameter::AnyValue>, required = false))]
    pub parameters: BTreeMap<String, Value>,
}

impl Check for ValuesQuestion {
    fn problems(&self) -> Vec<Issue> {
        let is_long = self.search.as_ref().is_some_and(|search| search.chars().count() > 255);
        is_long.then(|| Issue::new("search", "must be at most 255 characters")).into_iter().collect()
    }
}

/// The choices of a parameter.
#[derive(Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Choices {
    /// Each `[value]` or `[value, label]`.
    pub values: Vec<Vec<Value>>,
    /// Set if there are more than 1000: search for them.
    pub has_more: bool,
}

/// List a parameter's choices.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/query/values", tag = "queries",
    description = "`Authorization: Bearer <embed token>`. The declared choices of a parameter that the viewer may set; for one without, the values of the column that it filters, sorted, under the row policies, the locked parameters and the values of the other parameters that filter the same table. A parameter that filters no column has none.",
    request_body = ValuesQuestion,
    responses((status = 200, body = Choices), (status = 422), (status = 429)), security(("embed_token" = []))
))]
pub async fn values(
    State(app): State<App>,
    headers: HeaderMap,
    body: HttpResult<Json<ValuesQuestion>>,
) -> HttpResult<axum::Json<Choices>> {
    let token = app.token(&headers).await?;
    let Json(ValuesQuestion { resource, parameter, search, parameters }) = body?;
    let question = Question { resource, parameters, ..Question::default() };
    let request = question.view_request(&headers)?;
    let (view, context) = Box::pin(app.views.open_for_work(Some(token), &request)).await?;
    let credential = random::fingerprint(token);
    let found = Box::pin(app.choices(&view, &parameter, search.as_deref(), &credential)).await;
    Ok(axum::Json(found.inspect_err(|error| app.views.refused_work(error, context))?))
}

impl App {
    /// The choices of a parameter that the viewer of an opened view may set.
    pub async fn choices(
        &self,
        view: &View,
        slug: &str,
        search: Option<&str>,
        credential: &str,
    ) -> Result<Choices> {
        let parameters = view.resource.all_parameters();
        let shown = view.visible.iter().find(|shown| shown.parameter.slug == slug);
        let Some(shown) = shown else {
            let is_declared = parameters.iter().any(|parameter| parameter.slug == slug);
            let reason = if is_declared { Reason::ParameterDisabled } else { Reason::ParameterUnknown };
            return Err(Error::new(reason).message(format!("The viewer cannot choose :{}.", quoted(slug))));
        };
        let search = search.map(str::trim).filter(|search| !search.is_empty());
        if let Some(declared) = &shown.parameter.values {
            return Ok(Choices { values: matching(declared, search), has_more: false });
        }
        let queries = ChosenQuery::all(view.stored_content(), &view.questions);
        let set = ViewValues { values: &view.values, given: &view.given_values, parameters: &parameters };
        match ColumnChoices::of(&queries, &shown.parameter, search, set) {
            Some(wanted) => self.column_values(view, &wanted, credential).await,
            None => Ok(Choices::default()),
        }
    }

    async fn column_values(&self, view: &View, wanted: &ColumnChoices, credential: &str) -> Result<Choices> {
        let size = (ColumnChoices::MOST, false);
        let plan = self.plan_in(view, &wanted.query, wanted.mapping(), wanted.given.clone(), size).await?;
        let asked = self.wanted(&plan, None, self.clock.now());
        match self.share(&asked, plan, Asker::of(view, credential)).await? {
            Shared::Ready { answer, .. } => Ok(Choices {
                values: serde_json::from_slice(&answer.rows).map_err(Error::internal)?,
                has_more: answer.facts.truncated,
            }),
            // The work goes on, and a later request finds its answer.
            Shared::Waiting => Err(Error::new(Reason::EngineUnavailable).retry_after(1)),
        }
    }
}

fn matching(choices: &[Vec<Value>], search: Option<&str>) -> Vec<Vec<Value>> {
    let Some(search) = search.map(str::to_lowercase) else { return choices.to_vec() };
    let text = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
    let is_found =
        |choice: &&Vec<Value>| choice.iter().any(|part| text(part).to_lowercase().contains(&search));
    choices.iter().filter(is_found).cloned().collect()
}
