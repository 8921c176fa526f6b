//! `POST /v1/query`: the answer of a published query. `GET /v1/query/{handle}`: the answer of a slow one.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use vitrine::app::limit_queries::Asker;
use vitrine::app::share_answer::{AnswerWork, Shared, Wanted, freshness};
use vitrine::aws::storage::query_handles::WaitingQuestion;
use vitrine::http::caller::embed_token;
use vitrine::http::{HttpResult, Json};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::publishing::locked;
use vitrine::rules::query::choose::ChosenQuery;
use vitrine::rules::query::definition::QueryDefinition;
use vitrine::rules::query::mapping::Mapping;
use vitrine::rules::query::prepare::{GivenValues, PreparedSql};
use vitrine::rules::random;
use vitrine::rules::resource::ids::Kind;
use vitrine::rules::view::decide::{View, ViewRequest};
use vitrine_query::Volatility;

use crate::State as App;
use crate::plan::{Author, Inquiry, Plan, Planning};
use crate::question::{Form, Question};
use crate::reply;

/// The time after which a viewer gets a handle instead of an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask a published query.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/query", tag = "queries",
    params(
        ("format" = Option<String>, Query, description = "`csv`, `xlsx` or `json`: the answer as a file, where the resource and the session's settings allow downloads. `Accept: text/csv`, or the media type of xlsx, does the same"),
    ),
    description = "`Authorization: Bearer <embed token>`. Everything is decided as for `GET /v1/view`, and then the row policies of the tables decide which rows there are. The answer to a slow query is 202 with a handle. A file that is too large for a reply is 303 with a link that lives 60 seconds.",
    request_body = Question,
    responses(
        (status = 200, description = "The answer, or the file",
            content((reply::QueryAnswerOrFile = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 202, body = reply::QueryWaiting, description = "Ask again"),
        (status = 303, description = "The file is at `Location`"),
        (status = 422),
        (status = 429),
    ), security(("embed_token" = []))
))]
pub async fn ask(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: HttpResult<Json<Question>>,
) -> HttpResult<Response> {
    let token = app.token(&headers).await?;
    let Json(question) = body?;
    let form = Form::of(query.as_deref(), &headers)?;
    let credential = random::fingerprint(token);
    let request = question.view_request(&headers)?;
    let (view, context) = Box::pin(app.views.open_for_work(Some(token), &request)).await?;
    let answered = Box::pin(app.answer(&view, &question, form, &credential)).await;
    Ok(answered.inspect_err(|error| app.views.refused_work(error, context))?)
}

/// Ask for the answer of a slow query.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/query/{handle}", tag = "queries",
    params(("handle" = String, Path, description = "The handle of the first answer")),
    description = "With the credential that asked; for any other there is no such handle. Everything is decided again.",
    responses(
        (status = 200, body = reply::QueryAnswer),
        (status = 202, body = reply::QueryWaiting, description = "Ask again"),
        (status = 422),
        (status = 429),
    ), security(("embed_token" = []))
))]
pub async fn ask_again(
    State(app): State<App>,
    headers: HeaderMap,
    Path(handle): Path<String>,
) -> HttpResult<Response> {
    let token = app.token(&headers).await?;
    let credential = random::fingerprint(token);
    let kept = match app.handles.get(&handle, &credential).await {
        Err(error) if error.reason == Reason::HandleNotFound => {
            // A credential that opens nothing is told so first.
            Box::pin(app.views.look(Some(token))).await?;
            return Err(error.into());
        }
        kept => kept?,
    };
    let question: Question = serde_json::from_value(kept.question.clone())
        .map_err(|_| Error::internal("unreadable item: question"))?;
    let request = question.view_request(&headers)?;
    let (view, context) = Box::pin(app.views.open_for_work(Some(token), &request)).await?;
    let answered = Box::pin(app.answer_again(&view, &question, &kept)).await;
    Ok(match answered.inspect_err(|error| app.views.refused_work(error, context))? {
        Shared::Ready { answer, cached } => reply::ready(&answer, cached)?,
        Shared::Waiting => reply::waiting(handle),
    })
}

/// The planned query of a question.
struct Asked<'v> {
    plan: Plan,
    /// The title of its card.
    title: Option<&'v str>,
    cache_seconds: Option<i64>,
}

impl App {
    /// The embed token of a request. A request without one is counted like one for a view.
    pub async fn token<'h>(&self, headers: &'h HeaderMap) -> Result<&'h str> {
        match embed_token(headers) {
            Some(token) => Ok(token),
            None => {
                Box::pin(self.views.open_for_work(None, &ViewRequest::default())).await?;
                Err(Reason::TokenMissing.into())
            }
        }
    }

    /// Answers a question about an opened view. Nothing cached is looked at before the view was opened.
    async fn answer(
        &self,
        view: &View,
        question: &Question,
        form: Form,
        credential: &str,
    ) -> Result<Response> {
        if form != Form::Page && !view.allows_downloads() {
            return Err(Reason::DownloadsDisabled.into());
        }
        let Asked { plan, title, cache_seconds } = self.asked(view, question, form).await?;
        let asker = Asker::of(view, credential);
        if let Form::File(format) = form {
            return self.answer_file(&plan, &asker, format, title.unwrap_or(&view.resource.title)).await;
        }
        let asked_at = self.clock.now();
        let wanted = self.wanted(&plan, cache_seconds, asked_at);
        match self.share(&wanted, plan, asker).await? {
            Shared::Ready { answer, cached } => reply::ready(&answer, cached),
            Shared::Waiting => {
                let question = serde_json::to_value(question).map_err(Error::internal)?;
                let (key, credential) = (wanted.key, credential.to_owned());
                let handle =
                    self.handles.keep(&WaitingQuestion { credential, question, key, asked_at }).await?;
                Ok(reply::waiting(handle))
            }
        }
    }

    /// The answer to a question that was asked before, as far as it is there.
    async fn answer_again(&self, view: &View, question: &Question, kept: &WaitingQuestion) -> Result<Shared> {
        let Asked { plan, cache_seconds, .. } = self.asked(view, question, Form::Page).await?;
        // The table, the policy or the resource has changed: what is there now has to be asked for anew.
        if plan.key != kept.key {
            return Err(Reason::HandleNotFound.into());
        }
        self.sharing.poll(&self.wanted(&plan, cache_seconds, kept.asked_at)).await
    }

    /// The query of a question, planned: a published one, or the dive's own.
    async fn asked<'v>(&self, view: &'v View, question: &Question, form: Form) -> Result<Asked<'v>> {
        if let Some(sql) = &question.sql {
            let plan = self.plan_viewers(view, sql, form).await?;
            return Ok(Asked { plan, title: None, cache_seconds: None });
        }
        let chosen = question.chosen(view)?;
        let plan = self.plan_for(view, &chosen, self.size(&chosen, form)).await?;
        Ok(Asked { plan, title: chosen.title, cache_seconds: chosen.cache_seconds })
    }

    /// Plans SQL of a dive, which the viewer can have written himself: it runs in his browser.
    async fn plan_viewers(&self, view: &View, sql: &str, form: Form) -> Result<Plan> {
        if !self.settings.queries.dive_sql || view.resource.kind != Kind::Dive {
            return Err(Reason::DiveSqlDisabled.into());
        }
        if form != Form::Page {
            return Err(Error::invalid("format", "is for published queries"));
        }
        let limits = self.settings.queries.for_viewers_sql();
        if sql.len() > limits.text.sql_bytes {
            return Err(Error::invalid("sql", format!("must be at most {} bytes", limits.text.sql_bytes)));
        }
        let reports = self.engine.reports(view.context.as_deref())?;
        let planning = Planning {
            // No template: brackets are lists here, and no value becomes a part of it.
            prepared: PreparedSql { sql: sql.to_owned(), arguments: Vec::new(), is_relative: false },
            author: Author::Viewer,
            source: None,
            viewer: &view.viewer,
            // Locked parameters do not reach it.
            needs_policies: true,
            deployment: Some(view.resource.deployment),
            rows: limits.chart_rows,
            is_file: false,
        };
        let planned = self.plan_prepared(planning, &reports).await;
        planned.map_err(|unplanned| unplanned.for_viewer(Mapping::SAME_NAMES))
    }

    fn size(&self, chosen: &ChosenQuery<'_>, form: Form) -> (usize, bool) {
        let limits = &self.settings.queries;
        if form == Form::Page { (chosen.page_rows(limits), false) } else { (limits.file_rows, true) }
    }

    /// Plans a query of an opened view.
    pub async fn plan_for(&self, view: &View, chosen: &ChosenQuery<'_>, size: (usize, bool)) -> Result<Plan> {
        let parameters = view.resource.all_parameters();
        let given = chosen.given_values(&view.values, &view.given_values, &parameters);
        self.plan_in(view, chosen.query, chosen.mapping, given, size).await
    }

    /// Plans a query for the viewer of an opened view. `mapping` leads from the parameters of the view to the query's tags.
    pub async fn plan_in(
        &self,
        view: &View,
        query: &QueryDefinition,
        mapping: Mapping<'_>,
        given: GivenValues,
        (rows, is_file): (usize, bool),
    ) -> Result<Plan> {
        let locked: Vec<&str> = view.locked.iter().map(String::as_str).collect();
        let inquiry = Inquiry {
            query,
            given,
            viewer: &view.viewer,
            session: view.context.as_deref(),
            is_restricted: locked::unreached(query, mapping, &locked, &self.settings.queries.text).is_empty(),
            deployment: Some(view.resource.deployment),
            rows,
            is_file,
        };
        self.plan(inquiry).await.map_err(|unplanned| unplanned.for_viewer(mapping))
    }

    /// The answer of a plan, from whoever has it or computes it.
    pub async fn share(&self, wanted: &Wanted, plan: Plan, asker: Asker) -> Result<Shared> {
        let plan = Arc::new(plan);
        let work = || -> AnswerWork {
            let (app, plan, asker) = (self.clone(), plan.clone(), asker.clone());
            Box::pin(async move { app.execute(&plan, &asker).await })
        };
        self.sharing.answer(wanted, work).await
    }

    pub fn wanted(&self, plan: &Plan, cache_seconds: Option<i64>, asked_at: Timestamp) -> Wanted {
        let is_of_moment = plan.volatility == Volatility::Moment;
        Wanted {
            key: plan.key.clone(),
            fresh: freshness(cache_seconds, is_of_moment, asked_at),
            work_seconds: self.limiter.work_seconds(),
            patience: PATIENCE,
        }
    }
}
