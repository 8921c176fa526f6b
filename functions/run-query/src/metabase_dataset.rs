//! `POST /api/dataset` and `POST /api/card/{id}/query`: queries of owners, with what viewers do not see.
//!
//! Row policies apply: without `viewer` in the body the owner is a viewer without attributes, as in previews.

use std::time::Instant;

use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::Response;
use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde_json::{Map, Value, json};
#[cfg(feature = "openapi")]
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use vitrine::app::limit_queries::Asker;
use vitrine::app::request_context;
use vitrine::dialects::metabase::catalog::database_id;
use vitrine::dialects::metabase::dataset_query::{self, DatasetQuery, QueryForm};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, Json, body};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{self, Check, Invalid};
use vitrine::rules::json::strict;
use vitrine::rules::query::definition::QueryDefinition;
use vitrine::rules::query::prepare::{GivenValue, GivenValues};
use vitrine::rules::query::query_error::QueryError;
use vitrine::rules::query::table::MANAGED;
use vitrine::rules::query::widget_type::WidgetType;
use vitrine::rules::resource::Resource;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::dashboard::Card;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef};
use vitrine::rules::resource::parameter::Parameter;
use vitrine::rules::resource::parameter_value::ParameterValue;
use vitrine::rules::viewer::Viewer;

use crate::State as App;
use crate::engine::for_owner;
use crate::metabase_embed::{AskedPlace, file_form};
use crate::metabase_result::{Completed, JsonQuery, OwnersPart, completed, failed_for_owner};
#[cfg(feature = "openapi")]
use crate::metabase_result::{FailedQuery, QueryResult};
use crate::plan::{Inquiry, Plan, Unplanned};
use crate::question::Form;

/// A body of which only some members have a meaning here.
#[derive(Debug, Default)]
pub struct OwnersBody(Map<String, Value>);

impl Check for OwnersBody {}

impl Deserr<Invalid> for OwnersBody {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> std::result::Result<Self, Invalid> {
        input_object(<Value as Deserr<Invalid>>::deserialize_from_value(value, location)?).map(Self)
    }
}

fn input_object(value: Value) -> std::result::Result<Map<String, Value>, Invalid> {
    match value {
        Value::Object(members) => Ok(members),
        other => deserr::deserialize::<Members, Value, Invalid>(other).map(|_| Map::new()),
    }
}

/// Only an object, for the refusal of everything else.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid)]
struct Members {}

/// The members of a query's body, for the description.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "read member by member; this is its form")]
pub struct DatasetInput {
    /// The id of a database.
    database: Option<u64>,
    /// `native`; absent in MBQL 5.
    #[schema(rename = "type", pattern = "^native$")]
    kind: Option<String>,
    /// `{"query": SQL, "template-tags": {}}`. MBQL 5 has `stages` in its place.
    #[schema(value_type = Object, required = false)]
    native: Value,
    /// Values: `{"type", "target": ["variable", ["template-tag", NAME]], "value"}`.
    #[schema(schema_with = values_of_parameters)]
    parameters: Option<Vec<Value>>,
    /// Ours beyond Metabase: the viewer whose row policies apply.
    viewer: Option<Viewer>,
}

#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "read member by member; this is its form")]
pub struct CardQueryInput {
    /// Values: `{"id" or "target", "value"}`.
    #[schema(schema_with = values_of_parameters)]
    parameters: Option<Vec<Value>>,
    /// Ours beyond Metabase: the viewer whose row policies apply.
    viewer: Option<Viewer>,
}

/// A list, or the empty object that some programs send when they have no values.
#[cfg(feature = "openapi")]
fn values_of_parameters() -> Schema {
    let of_type = |name: Type| ObjectBuilder::new().schema_type(name);
    OneOfBuilder::new()
        .item(ArrayBuilder::new().items(of_type(Type::Object)))
        .item(of_type(Type::Object).max_properties(Some(0)))
        .item(of_type(Type::Null))
        .into()
}

/// Try a query.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/dataset", tag = "metabase",
    description = "Admin of the whole stack only. A native query in either form of `dataset_query`, with `parameters`. 202 also if the query has failed: see `status`. A failure has the engine's own text.",
    request_body = DatasetInput, responses((status = 202, body = QueryResult), (status = 429))
))]
pub async fn dataset(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Json(OwnersBody(body)): Json<OwnersBody>,
) -> HttpResult<Response> {
    let query = app.of_body(body).await?;
    Ok(Box::pin(app.answer_owner(query, Form::Page)).await?)
}

/// Try a query as a file.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/dataset/{format}", tag = "metabase",
    params(("format" = String, Path, description = "`csv`, `json` or `xlsx`")),
    description = "Admin of the whole stack only. The query is the member `query`, of a form or of JSON, as an object or as its text.",
    request_body(content((Object = "application/json"), (Object = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The file",
            content((Vec<std::collections::BTreeMap<String, Value>> = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 202, body = FailedQuery), (status = 303, description = "The file is at `Location`"), (status = 429),
    )
))]
pub async fn dataset_export(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(format): Path<String>,
    request: Request,
) -> HttpResult<Response> {
    let form = file_form(&format)?;
    let query = app.of_body(query_member(members(request).await?)?).await?;
    Ok(Box::pin(app.answer_owner(query, form)).await?)
}

/// Ask the query of a card.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/card/{id}/query", tag = "metabase",
    params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Admin of the whole stack only. Published or not. 202 also if the query has failed: see `status`.",
    request_body = Option<CardQueryInput>, responses((status = 202, body = QueryResult), (status = 429))
))]
pub async fn card(
    caller: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> HttpResult<Response> {
    let query = app.of_card(&caller.key, &id, members(request).await?).await?;
    Ok(Box::pin(app.answer_owner(query, Form::Page)).await?)
}

/// Ask the query of a card as a file.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/card/{id}/query/{format}", tag = "metabase",
    params(
        ("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id"),
        ("format" = String, Path, description = "`csv`, `json` or `xlsx`"),
    ),
    description = "Admin of the whole stack only.",
    request_body = Option<CardQueryInput>,
    responses(
        (status = 200, description = "The file",
            content((Vec<std::collections::BTreeMap<String, Value>> = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 202, body = FailedQuery), (status = 303, description = "The file is at `Location`"), (status = 429),
    )
))]
pub async fn card_export(
    caller: Allowed<StackAdmin>,
    State(app): State<App>,
    Path((id, format)): Path<(String, String)>,
    request: Request,
) -> HttpResult<Response> {
    let form = file_form(&format)?;
    let query = app.of_card(&caller.key, &id, members(request).await?).await?;
    Ok(Box::pin(app.answer_owner(query, form)).await?)
}

/// Ask a card of a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/dashboard/{id}/dashcard/{dashcard}/card/{card}/query", tag = "metabase",
    params(
        ("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id"),
        ("dashcard" = u64, Path, description = "The id of the card on the dashboard"),
        ("card" = u64, Path, description = "The id of its question"),
    ),
    description = "Admin of the whole stack only. `parameters` are those of the dashboard, by id; one that no mapping ties to the card is ignored. 202 also if the query has failed: see `status`.",
    request_body = Option<CardQueryInput>, responses((status = 202, body = QueryResult), (status = 429))
))]
pub async fn dashcard(
    caller: Allowed<StackAdmin>,
    State(app): State<App>,
    Path((id, dashcard, card)): Path<(String, String, String)>,
    request: Request,
) -> HttpResult<Response> {
    let place = AskedPlace::dashcard(&dashcard, &card)?;
    let query = app.of_dashcard(&caller.key, &id, place, members(request).await?).await?;
    Ok(Box::pin(app.answer_owner(query, Form::Page)).await?)
}

/// The largest body.
const BODY_BYTES: usize = 256 * 1024;

/// The members of a body that may be left out: of an object, or of a form whose members may be JSON.
async fn members(request: Request) -> Result<Map<String, Value>> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = body::read(request, BODY_BYTES).await?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    if is_form && body.first() != Some(&b'{') {
        let read = |text: &str| strict::parse(text.as_bytes()).unwrap_or_else(|| json!(text));
        let pairs = form_urlencoded::parse(&body);
        return Ok(pairs.map(|(name, text)| (name.into_owned(), read(&text))).collect());
    }
    let document = strict::parse(&body).ok_or(Reason::BodyMalformed)?;
    Ok(input::check::<OwnersBody>(document)?.0)
}

/// The query in a body, as an object or as its text.
fn query_member(mut members: Map<String, Value>) -> Result<Map<String, Value>> {
    let query = match members.remove("query") {
        Some(Value::String(text)) => strict::parse(text.as_bytes()).ok_or(Reason::BodyMalformed)?,
        Some(query) => query,
        None => return Err(Error::invalid("query", "is required")),
    };
    Ok(input::check::<OwnersBody>(query)?.0)
}

/// A query that an owner asks.
struct OwnersQuery {
    query: QueryDefinition,
    extra: Map<String, Value>,
    parameters: Vec<Value>,
    /// A problem of a value is a failure of the query.
    given: Result<GivenValues>,
    viewer: Viewer,
    resource: Option<Resource>,
}

/// Members of a body that are no part of the query.
const BESIDE: [&str; 7] =
    ["parameters", "viewer", "constraints", "middleware", "info", "pretty", "ignore_cache"];

impl App {
    async fn of_body(&self, mut body: Map<String, Value>) -> Result<OwnersQuery> {
        let (parameters, viewer) = asked(&mut body)?;
        body.retain(|name, _| !BESIDE.contains(&name.as_str()));
        let query = DatasetQuery::read(Value::Object(body), "")
            .map_err(|issues| Error::new(Reason::RequestInvalid).issues(issues))?;
        let defined = self.catalog.define(query, "").await?;
        let (query, extra) = (defined.query, defined.extra);
        let given = given(&query, &parameters, &[]);
        Ok(OwnersQuery { query, extra, parameters, given, viewer, resource: None })
    }

    async fn of_card(&self, key: &AccessKey, id: &str, mut body: Map<String, Value>) -> Result<OwnersQuery> {
        let found = self.found(key, Kind::Question, ResourceId::parse(Kind::Question, id)?).await?;
        let Some(Content::Question(question)) = &found.content else {
            return Err(Reason::QueryNotFound.into());
        };
        let (parameters, viewer) = asked(&mut body)?;
        Ok(OwnersQuery {
            query: question.query.clone(),
            extra: question.extra.0.clone(),
            given: given(&question.query, &parameters, &found.all_parameters()),
            parameters,
            viewer,
            resource: Some(found),
        })
    }

    async fn of_dashcard(
        &self,
        key: &AccessKey,
        id: &str,
        place: AskedPlace,
        mut body: Map<String, Value>,
    ) -> Result<OwnersQuery> {
        let AskedPlace::Dashcard { dashcard, card } = place else { return Err(Reason::RouteNotFound.into()) };
        let found = self.found(key, Kind::Dashboard, ResourceId::parse(Kind::Dashboard, id)?).await?;
        let Some(Content::Dashboard(dashboard)) = &found.content else {
            return Err(Reason::ResourceNotFound.into());
        };
        let shown = dashboard.card(dashcard).filter(|shown| shown.questions().any(|id| id == card));
        let shown = shown.ok_or(Reason::ResourceNotFound)?;
        let question = self.found(key, Kind::Question, ResourceId::Number(card)).await?;
        let content = match &question.content {
            Some(Content::Question(content)) if question.deployment == found.deployment => content,
            _ => return Err(Reason::ResourceNotFound.into()),
        };
        let (parameters, viewer) = asked(&mut body)?;
        Ok(OwnersQuery {
            query: content.query.clone(),
            extra: content.extra.0.clone(),
            given: given_on_dashboard(&content.query, &parameters, &found.all_parameters(), shown),
            parameters,
            viewer,
            resource: Some(question),
        })
    }

    async fn found(&self, key: &AccessKey, kind: Kind, id: ResourceId) -> Result<Resource> {
        let reference = ResourceRef { kind, id };
        request_context::resource(&reference);
        key.reach.see(self.resources.find(&reference).await?).ok_or_else(|| Reason::ResourceNotFound.into())
    }

    async fn answer_owner(&self, asked: OwnersQuery, form: Form) -> Result<Response> {
        match Box::pin(self.run_for_owner(asked, form)).await {
            Err(error) => failed_for_owner(error),
            answered => answered,
        }
    }

    async fn run_for_owner(&self, asked: OwnersQuery, form: Form) -> Result<Response> {
        let (started_at, start) = (self.clock.now(), Instant::now());
        let limits = &self.settings.queries;
        let issues = asked.query.problems(&limits.text, "query");
        if !issues.is_empty() {
            return Err(Error::new(Reason::QueryInvalid).issues(issues));
        }
        let inquiry = Inquiry {
            query: &asked.query,
            given: asked.given.clone()?,
            viewer: &asked.viewer,
            session: None,
            is_restricted: true,
            deployment: asked.resource.as_ref().map(|resource| resource.deployment),
            rows: if form == Form::Page { limits.table_rows } else { limits.file_rows },
            is_file: form != Form::Page,
        };
        let plan = self.plan(inquiry).await.map_err(Unplanned::for_owner)?;
        let title = asked.resource.as_ref().map_or("query_result", |resource| resource.title.as_str());
        if let Form::File(format) = form {
            return self.answer_file(&plan, &Asker::owner(), format, title).await;
        }
        let answer = self.limited(&plan, &Asker::owner(), |query| self.run(query)).await?;
        let answer = answer.map_err(|error| for_owner(&error))?;
        let context = if asked.resource.is_some() { "question" } else { "ad-hoc" };
        completed(&Completed {
            columns: &answer.facts.columns,
            rows: &answer.rows,
            truncated: answer.facts.truncated,
            time_zone: &limits.time_zone,
            json_query: self.json_query(&asked).await?,
            for_owner: Some(OwnersPart {
                running_time: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
                database_id: database_id(asked.query.source.as_deref().unwrap_or(MANAGED)),
                context,
                started_at: started_at.to_string(),
                native_form: native_form(&plan),
            }),
        })
    }

    async fn json_query(&self, asked: &OwnersQuery) -> Result<JsonQuery> {
        let columns = self.catalog.numbers(&dataset_query::dimensions(&asked.query)).await?;
        let written = dataset_query::written(&asked.query, &asked.extra, &columns, QueryForm::Legacy);
        let rest = written.as_object().cloned().unwrap_or_default();
        Ok(JsonQuery { parameters: asked.parameters.clone(), rest })
    }
}

/// The SQL as the engine gets it. Values stand beside it.
fn native_form(plan: &Plan) -> Value {
    let values: Vec<String> = plan.prepared.arguments.iter().map(|value| format!("{value:?}")).collect();
    json!({"query": plan.prepared.sql, "params": values})
}

/// The parameters and the viewer in a body.
fn asked(body: &mut Map<String, Value>) -> Result<(Vec<Value>, Viewer)> {
    let parameters = match body.remove("parameters") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(parameters)) if parameters.iter().all(Value::is_object) => parameters,
        Some(Value::Object(none)) if none.is_empty() => Vec::new(),
        Some(_) => return Err(Error::invalid("parameters", "must be a list of objects")),
    };
    let viewer = match body.remove("viewer") {
        None | Some(Value::Null) => Viewer::default(),
        Some(viewer) => input::read::<Viewer>(viewer).map_err(under_viewer)?,
    };
    let issues: Vec<Issue> = viewer.problems("viewer");
    if issues.is_empty() {
        Ok((parameters, viewer))
    } else {
        Err(Error::new(Reason::RequestInvalid).issues(issues))
    }
}

fn under_viewer(mut error: Error) -> Error {
    for issue in error.issues.iter_mut() {
        let dot = if issue.path.is_empty() { "" } else { "." };
        issue.path = format!("viewer{dot}{}", issue.path);
    }
    error
}

/// The values of the tags by the parameters of a request. A tag without one has its default.
fn given(query: &QueryDefinition, parameters: &[Value], declared: &[Parameter]) -> Result<GivenValues> {
    let mut given = GivenValues::new();
    for parameter in parameters {
        let name = tag_name(parameter, declared).ok_or_else(|| {
            Error::new(Reason::ParameterInvalid).message("A parameter names no template tag.")
        })?;
        let value = given_value(query, &name, parameter)?;
        given.entry(name).or_default().push(value);
    }
    Ok(given)
}

/// The values of the tags by those parameters of a dashboard that are mapped to them. The others are ignored.
fn given_on_dashboard(
    query: &QueryDefinition,
    parameters: &[Value],
    declared: &[Parameter],
    card: &Card,
) -> Result<GivenValues> {
    let mut given = GivenValues::new();
    for parameter in parameters {
        let named = parameter["id"].as_str().or(parameter["slug"].as_str()).unwrap_or_default();
        let known = Parameter::by_id(declared, named)
            .or_else(|| declared.iter().find(|known| known.slug == named))
            .ok_or_else(|| {
                Error::new(Reason::ParameterInvalid).message("The dashboard has no such parameter.")
            })?;
        let Some(name) = card.mapping().tag(&known.slug).filter(|name| query.tags.contains_key(*name)) else {
            continue;
        };
        let value = given_value(query, name, parameter)?;
        let is_loose = value.kind.is_text_operator();
        let case_sensitive = is_loose.then(|| query.tags[name].case_sensitive.unwrap_or(false));
        given.entry(name.to_owned()).or_default().push(GivenValue { case_sensitive, ..value });
    }
    Ok(given)
}

fn given_value(query: &QueryDefinition, name: &str, parameter: &Value) -> Result<GivenValue> {
    let unknown =
        || Error::new(Reason::ParameterInvalid).message(QueryError::UnknownTag(name.to_owned()).to_string());
    let tag = query.tags.get(name).ok_or_else(unknown)?;
    let derived = tag.parameter(name).ok_or_else(unknown)?;
    let own = tag.parameter_type().ok_or_else(unknown)?;
    let kind = parameter["type"].as_str().and_then(WidgetType::parse).unwrap_or(own);
    let reading = Parameter { kind: kind.parameter_type(), default: None, ..derived };
    let value = ParameterValue::of(&reading, &parameter["value"])
        .map_err(|_| Error::from(QueryError::Unfit(name.to_owned())))?;
    Ok(GivenValue { kind, value, case_sensitive: None })
}

/// The tag that a parameter of a request sets: by its target, or by the id or the slug that it has in the card.
fn tag_name(parameter: &Value, declared: &[Parameter]) -> Option<String> {
    if let Some(tag) = dataset_query::target_tag(&parameter["target"]) {
        return Some(tag.to_owned());
    }
    let by_id = parameter["id"].as_str().and_then(|id| Parameter::by_id(declared, id));
    by_id.map(|found| found.slug.clone()).or_else(|| parameter["slug"].as_str().map(str::to_owned))
}
