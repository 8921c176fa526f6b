//! `/api/embed/card/{token}/query`, `/api/embed/dashboard/{token}/dashcard/...` and the previews of them: answers with the token in
//! the path.

use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde_json::{Map, Value, json};
use vitrine::app::limit_queries::Asker;
use vitrine::app::share_answer::{Shared, Wanted};
use vitrine::dialects::metabase::viewing::{Audience, UNKNOWN_KID};
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::query::choose::{ChosenQuery, NamedQuery};
use vitrine::rules::random;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::ids::Kind;
use vitrine::rules::view::decide::{View, ViewRequest};
use vitrine::rules::view::refusal_record::RefusalContext;
use vitrine::rules::view::resolve_parameters::{self, VisibleParameter};
use vitrine_engine::encode::ExportFormat;

use crate::State as App;
use crate::metabase_result::{Completed, JsonQuery, completed, failed_for_viewer};
#[cfg(feature = "openapi")]
use crate::metabase_result::{FailedQuery, QueryResult};
use crate::plan::Plan;
use crate::question::Form;

/// The time that a client waits, which cannot ask again: as long as a reply may take.
const PATIENCE: Duration = Duration::from_secs(26);

/// Names in the address of a file that are choices of its form, and no parameters.
const FILE_OPTIONS: [&str; 2] = ["format_rows", "pivot_results"];

/// Ask the query of a card.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/card/{token}/query", tag = "metabase",
    params(("token" = String, Path, max_length = 8192)),
    description = "The query holds viewer parameters by slug, or `parameters=<JSON object>`. 202 also if the query has failed: see `status`.",
    responses((status = 202, body = QueryResult), (status = 401), (status = 403), (status = 429)), security(())
))]
pub async fn query(
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let asked = Asked { audience: Audience::Viewer, token: &token, query, form: Form::Page };
    Ok(Box::pin(app.answer_embedded(asked, AskedPlace::Card)).await?)
}

/// Ask the query of a card as a file.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/card/{token}/query/{format}", tag = "metabase",
    params(("token" = String, Path, max_length = 8192), ("format" = String, Path, description = "`csv`, `json` or `xlsx`")),
    description = "Where the card allows downloads. A file that is too large for a reply is 303 with a link that lives 60 seconds. A query that has failed is 202.",
    responses(
        (status = 200, description = "The file",
            content((Vec<std::collections::BTreeMap<String, Value>> = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 202, body = FailedQuery), (status = 303, description = "The file is at `Location`"),
        (status = 401), (status = 403), (status = 429),
    ), security(())
))]
pub async fn export(
    State(app): State<App>,
    Path((token, format)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let asked = Asked { audience: Audience::Viewer, token: &token, query, form: file_form(&format)? };
    Ok(Box::pin(app.answer_embedded(asked, AskedPlace::Card)).await?)
}

/// Ask the query of a card before it is published.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/card/{token}/query", tag = "metabase",
    params(("token" = String, Path, max_length = 8192)),
    description = "Admin only. The policy is the token's claim `_embedding_params`.",
    responses((status = 202, body = QueryResult), (status = 429))
))]
pub async fn preview_query(
    caller: Allowed<Admin>,
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let audience = Audience::Previewer(&caller.key);
    Ok(Box::pin(
        app.answer_embedded(Asked { audience, token: &token, query, form: Form::Page }, AskedPlace::Card),
    )
    .await?)
}

/// Ask the query of a card as a file before it is published.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/card/{token}/query/{format}", tag = "metabase",
    params(("token" = String, Path, max_length = 8192), ("format" = String, Path, description = "`csv`, `json` or `xlsx`")),
    description = "Admin only.",
    responses(
        (status = 200, description = "The file",
            content((Vec<std::collections::BTreeMap<String, Value>> = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 202, body = FailedQuery), (status = 303, description = "The file is at `Location`"), (status = 429),
    )
))]
pub async fn preview_export(
    caller: Allowed<Admin>,
    State(app): State<App>,
    Path((token, format)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let audience = Audience::Previewer(&caller.key);
    let asked = Asked { audience, token: &token, query, form: file_form(&format)? };
    Ok(Box::pin(app.answer_embedded(asked, AskedPlace::Card)).await?)
}

/// Ask a card of a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/dashboard/{token}/dashcard/{dashcard}/card/{card}", tag = "metabase",
    params(("token" = String, Path, max_length = 8192), ("dashcard" = u64, Path, description = "The id of the card on the dashboard"), ("card" = u64, Path, description = "The id of its question")),
    description = "The query holds viewer parameters by slug, or `parameters=<JSON object>`. 202 also if the query has failed: see `status`.",
    responses((status = 202, body = QueryResult), (status = 401), (status = 403), (status = 404), (status = 429)), security(())
))]
pub async fn dashcard(
    State(app): State<App>,
    Path((token, dashcard, card)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let place = AskedPlace::dashcard(&dashcard, &card)?;
    let asked = Asked { audience: Audience::Viewer, token: &token, query, form: Form::Page };
    Ok(Box::pin(app.answer_embedded(asked, place)).await?)
}

/// Ask a card of a dashboard as a file.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/dashboard/{token}/dashcard/{dashcard}/card/{card}/{format}", tag = "metabase",
    params(("token" = String, Path, max_length = 8192), ("dashcard" = u64, Path, description = "The id of the card on the dashboard"), ("card" = u64, Path, description = "The id of its question"), ("format" = String, Path, description = "`csv`, `json` or `xlsx`")),
    description = "The query holds viewer parameters by slug, or `parameters=<JSON object>`. 202 also if the query has failed: see `status`.",
    responses((status = 200, description = "The file",
            content((Vec<std::collections::BTreeMap<String, Value>> = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 202, body = FailedQuery), (status = 303, description = "The file is at `Location`"), (status = 401), (status = 403), (status = 404), (status = 429),
    ), security(())
))]
pub async fn dashcard_export(
    State(app): State<App>,
    Path((token, dashcard, card, format)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let place = AskedPlace::dashcard(&dashcard, &card)?;
    let asked = Asked { audience: Audience::Viewer, token: &token, query, form: file_form(&format)? };
    Ok(Box::pin(app.answer_embedded(asked, place)).await?)
}

/// Ask a card of a dashboard before it is published.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}", tag = "metabase",
    params(("token" = String, Path, max_length = 8192), ("dashcard" = u64, Path, description = "The id of the card on the dashboard"), ("card" = u64, Path, description = "The id of its question")),
    description = "Admin only. The policy is the token's claim `_embedding_params`.",
    responses((status = 202, body = QueryResult), (status = 404), (status = 429))
))]
pub async fn preview_dashcard(
    caller: Allowed<Admin>,
    State(app): State<App>,
    Path((token, dashcard, card)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let place = AskedPlace::dashcard(&dashcard, &card)?;
    let asked = Asked { audience: Audience::Previewer(&caller.key), token: &token, query, form: Form::Page };
    Ok(Box::pin(app.answer_embedded(asked, place)).await?)
}

/// Ask a card of a dashboard as a file before it is published.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}/{format}", tag = "metabase",
    params(("token" = String, Path, max_length = 8192), ("dashcard" = u64, Path, description = "The id of the card on the dashboard"), ("card" = u64, Path, description = "The id of its question"), ("format" = String, Path, description = "`csv`, `json` or `xlsx`")),
    description = "Admin only. The policy is the token's claim `_embedding_params`.",
    responses((status = 200, description = "The file",
            content((Vec<std::collections::BTreeMap<String, Value>> = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 202, body = FailedQuery), (status = 303, description = "The file is at `Location`"), (status = 404), (status = 429),
    )
))]
pub async fn preview_dashcard_export(
    caller: Allowed<Admin>,
    State(app): State<App>,
    Path((token, dashcard, card, format)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<Response> {
    let place = AskedPlace::dashcard(&dashcard, &card)?;
    let asked =
        Asked { audience: Audience::Previewer(&caller.key), token: &token, query, form: file_form(&format)? };
    Ok(Box::pin(app.answer_embedded(asked, place)).await?)
}

/// A word that is no format is no route.
pub fn file_form(word: &str) -> Result<Form> {
    Ok(Form::File(ExportFormat::from_extension(word).ok_or(Reason::RouteNotFound)?))
}

/// A request with the token in its path.
pub struct Asked<'a> {
    pub audience: Audience<'a>,
    pub token: &'a str,
    pub query: Option<String>,
    pub form: Form,
}

impl Asked<'_> {
    fn parameters(&self) -> Result<Map<String, Value>> {
        let mut query = self.query.clone().unwrap_or_default();
        if self.form != Form::Page {
            let names = form_urlencoded::parse(query.as_bytes());
            let others = names.filter(|(name, _)| !FILE_OPTIONS.contains(&&**name));
            query = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
        }
        resolve_parameters::from_query(&query)
    }

    /// Opens the view. There is no other way to one.
    async fn open(&self, app: &App, kind: Kind) -> Result<(View, Option<RefusalContext>)> {
        let parameters = self.parameters().into();
        let request =
            ViewRequest { kind: Some(kind), parameters, unknown_kid: UNKNOWN_KID, ..ViewRequest::default() };
        Box::pin(self.audience.open_for_work(&app.views, self.token, request)).await
    }
}

/// The place of a query.
#[derive(Clone, Copy)]
pub enum AskedPlace {
    Card,
    Dashcard { dashcard: u64, card: u64 },
}

impl AskedPlace {
    /// Ids of another form are no route.
    pub fn dashcard(dashcard: &str, card: &str) -> Result<Self> {
        let number = |id: &str| id.parse::<u64>().map_err(|_| Reason::RouteNotFound);
        Ok(Self::Dashcard { dashcard: number(dashcard)?, card: number(card)? })
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Card => Kind::Question,
            Self::Dashcard { .. } => Kind::Dashboard,
        }
    }

    /// The query at this place of a view.
    fn chosen(self, view: &View) -> Result<ChosenQuery<'_>> {
        let content = view.stored_content();
        let Self::Dashcard { dashcard, card } = self else {
            return ChosenQuery::of(content, &view.questions, NamedQuery::default());
        };
        let Some(Content::Dashboard(dashboard)) = content else {
            return Err(Reason::ResourceNotFound.into());
        };
        let found = dashboard.card(dashcard).filter(|found| found.questions().any(|id| id == card));
        let found = found.ok_or(Reason::ResourceNotFound)?;
        let series = (found.question() != Some(card)).then_some(card);
        ChosenQuery::of(content, &view.questions, NamedQuery { query: None, card: Some(dashcard), series })
    }
}

impl App {
    async fn answer_embedded(&self, asked: Asked<'_>, place: AskedPlace) -> Result<Response> {
        match Box::pin(self.embedded(asked, place)).await {
            Err(error) => failed_for_viewer(error),
            answered => answered,
        }
    }

    async fn embedded(&self, asked: Asked<'_>, place: AskedPlace) -> Result<Response> {
        let (view, context) = asked.open(self, place.kind()).await?;
        let answered = Box::pin(self.of_view(&view, &asked, place)).await;
        if let (Err(error), Some(context)) = (&answered, context) {
            self.views.refused_work(error, context);
        }
        answered
    }

    async fn of_view(&self, view: &View, asked: &Asked<'_>, place: AskedPlace) -> Result<Response> {
        if asked.form != Form::Page && !view.resource.allow_downloads {
            return Err(Reason::DownloadsDisabled.into());
        }
        let chosen = place.chosen(view)?;
        let limits = &self.settings.queries;
        let is_file = asked.form != Form::Page;
        let rows = if is_file { limits.file_rows } else { limits.table_rows };
        let plan = self.plan_for(view, &chosen, (rows, is_file)).await?;
        let asker = Asker::of(view, &random::fingerprint(asked.token));
        if let Form::File(format) = asked.form {
            let title = chosen.title.unwrap_or(&view.resource.title);
            return self.answer_file(&plan, &asker, format, title).await;
        }
        let json_query =
            JsonQuery { parameters: shown_values(&view.visible, &chosen), ..JsonQuery::default() };
        self.answer_page(plan, &chosen, asker, json_query).await
    }

    /// The answer of a planned query for a viewer. It waits for slow ones.
    async fn answer_page(
        &self,
        plan: Plan,
        chosen: &ChosenQuery<'_>,
        asker: Asker,
        json_query: JsonQuery,
    ) -> Result<Response> {
        let wanted =
            Wanted { patience: PATIENCE, ..self.wanted(&plan, chosen.cache_seconds, self.clock.now()) };
        match self.share(&wanted, plan, asker).await? {
            Shared::Ready { answer, .. } => completed(&Completed {
                columns: &answer.facts.columns,
                rows: &answer.rows,
                truncated: answer.facts.truncated,
                time_zone: &self.settings.queries.time_zone,
                json_query,
                for_owner: None,
            }),
            Shared::Waiting => Err(Reason::QueryTimeout.into()),
        }
    }
}

/// The values that the viewer may see, as parameters of the query.
fn shown_values(visible: &[VisibleParameter], chosen: &ChosenQuery) -> Vec<Value> {
    let shown = |visible: &VisibleParameter| {
        let VisibleParameter { parameter, value, .. } = visible;
        let name = chosen.mapping.tag(&parameter.slug)?;
        let tag = chosen.query.tags.get(name)?;
        let kind = if tag.dimension.is_some() { "dimension" } else { "variable" };
        (!value.is_null()).then(|| {
            json!({
                "id": parameter.id.as_ref().unwrap_or(&parameter.slug),
                "slug": parameter.slug,
                "name": parameter.name,
                "type": tag.parameter_type().map(|kind| kind.word()),
                "target": [kind, ["template-tag", name]],
                "value": value,
            })
        })
    };
    visible.iter().filter_map(shown).collect()
}
