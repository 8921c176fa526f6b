//! `/cubejs-api/v1/load`: answers of queries that Cube's clients write, over the tables of the viewer.
//! `/cubejs-api/v1/sql`: their SQL.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};
use vitrine::app::limit_queries::Asker;
use vitrine::app::open_view::DeploymentViewer;
use vitrine::app::share_answer::Shared;
use vitrine::http::body;
use vitrine::http::query::pairs;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::member_query::asked::{AskedQuery, QueryKind, read_queries};
use vitrine::rules::member_query::compile::{Compilation, CompiledQuery, compile};
use vitrine::rules::member_query::{document, members};
use vitrine::rules::query::answer::Answer;
use vitrine::rules::query::prepare::PreparedSql;
use vitrine::rules::query::table::is_table_name;
use vitrine::rules::query::typed_value::TypedValue;
use vitrine::rules::random;

use crate::State as App;
use crate::cube_data::{self, Loaded};
use crate::cube_meta::{CubeError, data_token, members_of};
use crate::engine::Reports;
use crate::plan::{Author, Planning, Unplanned};

/// The largest body.
const BODY_BYTES: usize = 256 << 10;

/// The body of a query.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "read from the text; this is its form")]
pub struct CubeQuery {
    /// One query or a list of them.
    #[schema(value_type = Object, example = json!({"measures": ["orders.count"]}))]
    query: Value,
    /// `multi` for several queries, and for the form of answers that goes with it.
    query_type: Option<String>,
}

/// Answer a query of members.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/cubejs-api/v1/load", tag = "cube",
    params(
        ("query" = String, Query, description = "The query as JSON"),
        ("queryType" = Option<String>, Query, description = "`multi` for several queries, and for the form of answers that goes with it"),
    ),
    description = "With the token of an embed session, bare or as Bearer. The viewer's row policies decide which rows there are; tables without a policy that matches do not exist here. After five seconds the answer is `{\"error\": \"Continue wait\"}`: ask again.",
    responses(
        (status = 200, description = "The rows with their annotation", body = Object),
        (status = 422),
        (status = 429),
    ), security(("embed_token" = []))
))]
pub async fn load(State(app): State<App>, request: Request) -> std::result::Result<Response, CubeError> {
    app.answer_data(request, Wish::Rows).await
}

/// Answer a query of members that is too long for an address.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/cubejs-api/v1/load", tag = "cube",
    request_body = CubeQuery,
    description = "As with GET.",
    responses(
        (status = 200, description = "The rows with their annotation", body = Object),
        (status = 422),
        (status = 429),
    ), security(("embed_token" = []))
))]
pub async fn load_posted(
    State(app): State<App>,
    request: Request,
) -> std::result::Result<Response, CubeError> {
    app.answer_data(request, Wish::Rows).await
}

/// Read the SQL of a query of members.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/cubejs-api/v1/sql", tag = "cube",
    params(("query" = String, Query, description = "The query as JSON")),
    description = "With the token of an embed session, bare or as Bearer. Row policies apply below the SQL and are not in it.",
    responses((status = 200, description = "The SQL with its values; a list for a list of queries", body = Value)),
    security(("embed_token" = []))
))]
pub async fn sql(State(app): State<App>, request: Request) -> std::result::Result<Response, CubeError> {
    app.answer_data(request, Wish::Sql).await
}

/// Read the SQL of a query of members that is too long for an address.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/cubejs-api/v1/sql", tag = "cube",
    request_body = CubeQuery,
    description = "As with GET.",
    responses((status = 200, description = "The SQL with its values; a list for a list of queries", body = Value)),
    security(("embed_token" = []))
))]
pub async fn sql_posted(
    State(app): State<App>,
    request: Request,
) -> std::result::Result<Response, CubeError> {
    app.answer_data(request, Wish::Sql).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Rows,
    Sql,
}

/// The query of a request as it was written.
struct Sent {
    query: Value,
    is_multi: bool,
}

impl Sent {
    fn new(query: Option<Value>, query_type: Option<&str>) -> Result<Self> {
        let query = match query {
            None | Some(Value::Null) => return Err(refused("query param is required")),
            Some(Value::String(text)) => parsed(text.as_bytes())?,
            Some(query) => query,
        };
        let is_multi = match query_type {
            None | Some("regularQuery") => false,
            Some("multi") => true,
            Some(_) => return Err(refused("queryType must be regularQuery or multi")),
        };
        Ok(Self { query, is_multi })
    }

    async fn read(request: Request) -> Result<Self> {
        if request.method() == Method::POST {
            let body = parsed(&body::read(request, BODY_BYTES).await?)?;
            let Value::Object(mut fields) = body else { return Err(refused("the body must be an object")) };
            let query_type = fields.remove("queryType").filter(|kind| !kind.is_null());
            let query_type = match &query_type {
                None => None,
                Some(kind) => Some(kind.as_str().ok_or_else(|| refused("queryType must be a string"))?),
            };
            return Self::new(fields.remove("query"), query_type);
        }
        let (mut query, mut query_type) = (None, None);
        for (name, value) in pairs(request.uri().query().unwrap_or_default()) {
            let field = match name.as_str() {
                "query" => &mut query,
                "queryType" => &mut query_type,
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(refused("a parameter is given twice"));
            }
        }
        Self::new(query.map(Value::String), query_type.as_deref())
    }
}

fn refused(message: &'static str) -> Error {
    Error::new(Reason::QueryInvalid).message(message)
}

fn parsed(text: &[u8]) -> Result<Value> {
    document::parse(text).ok_or_else(|| Reason::BodyMalformed.into())
}

/// A query with its clock.
struct Question {
    compiled: CompiledQuery,
    reports: Reports,
    path: String,
}

impl App {
    async fn answer_data(&self, request: Request, wish: Wish) -> std::result::Result<Response, CubeError> {
        self.callers.refuse_instead_of_token(request.headers()).await?;
        let token = data_token(request.headers());
        let credential = token.map(random::fingerprint).unwrap_or_default();
        let (session, context) = Box::pin(self.views.recognise_for_work(token)).await?;
        let answered = async {
            let sent = Sent::read(request).await?;
            match wish {
                Wish::Rows => self.load_rows(&session, &credential, &sent).await,
                Wish::Sql => self.show_sql(&session, &sent).await,
            }
        };
        let answered = Box::pin(answered).await;
        Ok(answered.inspect_err(|error| self.views.refused_work(error, context))?)
    }

    async fn load_rows(&self, session: &DeploymentViewer, credential: &str, sent: &Sent) -> Result<Response> {
        let (kind, queries) = read_queries(&sent.query)?;
        if kind != QueryKind::Regular && !sent.is_multi {
            return Err(refused("several queries need queryType=multi"));
        }
        let questions = self.questions(session, &queries).await?;
        let asker = Asker::of_session(session, credential);
        let work: Vec<_> =
            questions.iter().map(|question| Box::pin(self.loaded(session, question, &asker))).collect();
        // A viewer has so many slots.
        let answers: Vec<Result<Option<Loaded>>> =
            stream::iter(work).buffered(self.settings.queries.per_viewer).collect().await;
        let mut loaded = Vec::with_capacity(answers.len());
        let mut is_waiting = false;
        for answer in answers {
            match answer? {
                Some(answer) => loaded.push(answer),
                None => is_waiting = true,
            }
        }
        if is_waiting {
            return Ok(axum::Json(json!({"error": "Continue wait"})).into_response());
        }
        let answers: Vec<_> = questions.iter().map(|question| &question.compiled).zip(loaded).collect();
        cube_data::reply(kind, &answers, sent.is_multi)
    }

    async fn show_sql(&self, session: &DeploymentViewer, sent: &Sent) -> Result<Response> {
        let (_, queries) = read_queries(&sent.query)?;
        let questions = self.questions(session, &queries).await?;
        let shown = |question: &Question| {
            let PreparedSql { sql, arguments, .. } = &question.compiled.prepared;
            let values: Vec<_> = arguments.iter().map(shown_value).collect();
            let order = &question.compiled.normalized["order"];
            json!({"sql": {"status": "ok", "sql": [sql, values], "query_type": {"regular": true}, "order": order}})
        };
        let shown: Vec<_> = questions.iter().map(shown).collect();
        Ok(match (&sent.query, &shown[..]) {
            (Value::Object(_), [one]) => axum::Json(one).into_response(),
            _ => axum::Json(&shown).into_response(),
        })
    }

    /// Compiles queries. A table that the viewer has not, for whatever reason, is one that does not exist.
    async fn questions(&self, session: &DeploymentViewer, queries: &[AskedQuery]) -> Result<Vec<Question>> {
        let names: Vec<&str> = queries.iter().map(AskedQuery::table).collect::<Result<_>>()?;
        let known = names.iter().filter(|name| is_table_name(name)).map(|name| (*name).to_owned());
        let tables = self.tables_of(session, &known.collect::<BTreeSet<_>>()).await?;
        let limits = &self.settings.queries;
        let question = |(query, name): (&AskedQuery, &str)| -> Result<Question> {
            let path = query.paths().first().copied().unwrap_or(name).to_owned();
            let table = tables.get(name).ok_or_else(|| members::unknown_table(&path))?;
            let reports = match &query.time_zone {
                None => self.engine.reports(Some(&session.context))?,
                Some(zone) => self
                    .engine
                    .reports_in(zone)
                    .ok_or_else(|| refused("\"timezone\" must be the name of a time zone"))?,
            };
            let with = Compilation {
                members: &members_of(table),
                clock: &reports.clock,
                limits: &limits.text,
                most_rows: limits.chart_rows,
            };
            Ok(Question { compiled: compile(query, with)?, reports, path })
        };
        queries.iter().zip(names).map(question).collect()
    }

    /// The answer of one query, with its total; none while somebody is at work.
    async fn loaded(
        &self,
        session: &DeploymentViewer,
        question: &Question,
        asker: &Asker,
    ) -> Result<Option<Loaded>> {
        let compiled = &question.compiled;
        let rows = self.shared(session, question, &compiled.prepared, compiled.rows, asker).await?;
        let total = match &compiled.total {
            None => None,
            Some(total) => match self.shared(session, question, total, 1, asker).await? {
                None => return Ok(None),
                Some(answer) => Some(cube_data::counted(&answer)?),
            },
        };
        Ok(rows.map(|answer| Loaded { answer, total }))
    }

    async fn shared(
        &self,
        session: &DeploymentViewer,
        question: &Question,
        prepared: &PreparedSql,
        rows: usize,
        asker: &Asker,
    ) -> Result<Option<Arc<Answer>>> {
        let planning = Planning {
            prepared: prepared.clone(),
            author: Author::Owner,
            source: None,
            viewer: &session.viewer,
            needs_policies: true,
            deployment: Some(session.context.deployment),
            rows,
            is_file: false,
        };
        let plan =
            self.plan_prepared(planning, &question.reports).await.map_err(|unplanned| match unplanned {
                // The policies have changed since the tables were looked at.
                Unplanned::Refused(error)
                    if matches!(error.reason, Reason::RowPolicy | Reason::LockedUnreached) =>
                {
                    members::unknown_table(&question.path)
                }
                Unplanned::Refused(error) => error,
                Unplanned::Guard(_) => Error::new(Reason::QueryFailed).detail("guard"),
                Unplanned::Unprepared(_) => Error::new(Reason::QueryFailed).detail("template"),
            })?;
        let wanted = self.wanted(&plan, None, self.clock.now());
        Ok(match self.share(&wanted, plan, asker.clone()).await? {
            Shared::Ready { answer, .. } => Some(answer),
            Shared::Waiting => None,
        })
    }
}

fn shown_value(value: &TypedValue) -> Value {
    match value {
        TypedValue::Text(text) => text.clone().into(),
        TypedValue::Integer(number) => (*number).into(),
        TypedValue::Number(number) => (*number).into(),
        TypedValue::Decimal(decimal) => {
            let scale = u32::from(decimal.scale);
            let (factor, sign) = (10_u128.pow(scale), if decimal.digits < 0 { "-" } else { "" });
            let digits = decimal.digits.unsigned_abs();
            if scale == 0 {
                return format!("{sign}{digits}").into();
            }
            let width = usize::from(decimal.scale);
            format!("{sign}{}.{:0width$}", digits / factor, digits % factor).into()
        }
        TypedValue::Boolean(value) => (*value).into(),
        TypedValue::Date(date) => date.to_string().into(),
        TypedValue::Timestamp(moment) => moment.to_string().into(),
    }
}
