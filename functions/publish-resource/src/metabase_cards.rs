//! `/api/card` and `/api/dashboard`: the same resources, as Metabase's clients write them.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use vitrine::app::check_queries::Mode;
use vitrine::app::publish_resource::{Publishing, ResourcePublisher};
use vitrine::app::request_context;
use vitrine::aws::storage::EvidenceReader;
use vitrine::dialects::metabase::catalog::DataCatalog;
use vitrine::dialects::metabase::dataset_query::{DefinedQuery, QueryForm};
use vitrine::http::caller::WriteResources;
use vitrine::http::{Allowed, ContentJson, HttpResult, Json};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::Result;
use vitrine::rules::resource::ResourceInput;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef};

use crate::metabase_card_answer::{CardAnswer, Cards, in_words_of_cards};
use crate::metabase_card_input::CardChange;
#[cfg(feature = "openapi")]
use crate::metabase_card_input::CardInput;
use crate::publication::Removal;

/// The capabilities of these routes.
struct Keeper<'a> {
    publisher: &'a ResourcePublisher,
    catalog: &'a DataCatalog,
    questions: &'a EvidenceReader,
    key: &'a AccessKey,
    kind: Kind,
}

impl Keeper<'_> {
    fn cards(&self, form: QueryForm) -> Cards<'_> {
        Cards { catalog: self.catalog, questions: self.questions, form }
    }

    async fn create(&self, body: CardChange) -> Result<axum::Json<CardAnswer>> {
        let form = body.form();
        let defined = self.define(&body).await?;
        let blank = ResourceInput { allow_downloads: true, ..ResourceInput::default() };
        let input = body.apply_to(self.kind, blank, defined)?;
        let created = self.publisher.create(self.key, self.kind, Publishing::Publishers, input).await;
        let created = created.map_err(|error| in_words_of_cards(error, form))?;
        Ok(axum::Json(self.cards(QueryForm::Stages).of_written(created).await?))
    }

    async fn get(&self, id: &str, query: Option<String>) -> Result<axum::Json<CardAnswer>> {
        let is_legacy = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .any(|(name, value)| name == "legacy-mbql" && value == "true");
        let form = if is_legacy { QueryForm::Legacy } else { QueryForm::Stages };
        let found = self.publisher.get(self.key, &named(self.kind, id)?).await?;
        Ok(axum::Json(self.cards(form).of(found).await?))
    }

    async fn update(&self, id: &str, body: CardChange) -> Result<axum::Json<CardAnswer>> {
        let reference = named(self.kind, id)?;
        let form = body.form();
        let defined = self.define(&body).await?;
        let change = |decided: ResourceInput| body.clone().apply_to(self.kind, decided, defined.clone());
        let changed =
            self.publisher.change(self.key, &reference, Publishing::Publishers, &change, Mode::Write).await;
        let changed = changed.map_err(|error| in_words_of_cards(error, form))?;
        Ok(axum::Json(self.cards(QueryForm::Stages).of_written(changed).await?))
    }

    /// The query of a card. Dashboards have none.
    async fn define(&self, body: &CardChange) -> Result<Option<DefinedQuery>> {
        match body.query()? {
            Some(query) if self.kind == Kind::Question => {
                self.catalog.define(query, "dataset_query").await.map(Some)
            }
            _ => Ok(None),
        }
    }
}

fn named(kind: Kind, id: &str) -> Result<ResourceRef> {
    let reference = ResourceRef { kind, id: ResourceId::parse(kind, id)? };
    request_context::resource(&reference);
    Ok(reference)
}

/// Create a question.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/card", tag = "metabase",
    description = "Permission: `resources:write`; admin to publish it at once. `name` is required. The number is the next free one.",
    request_body = CardInput, responses((status = 200, body = CardAnswer), (status = 409))
))]
pub async fn create_card(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    State(catalog): State<DataCatalog>,
    State(questions): State<EvidenceReader>,
    Json(body): ContentJson<CardChange>,
) -> HttpResult<axum::Json<CardAnswer>> {
    let keeper = Keeper {
        publisher: &publisher,
        catalog: &catalog,
        questions: &questions,
        key: &caller.key,
        kind: Kind::Question,
    };
    Ok(keeper.create(body).await?)
}

/// Read a question.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/card/{id}", tag = "metabase",
    params(
        ("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id"),
        ("legacy-mbql" = Option<String>, Query, description = "`true`: `dataset_query` in its legacy form, not as MBQL 5"),
    ),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = CardAnswer))
))]
pub async fn get_card(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    State(catalog): State<DataCatalog>,
    State(questions): State<EvidenceReader>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<CardAnswer>> {
    let keeper = Keeper {
        publisher: &publisher,
        catalog: &catalog,
        questions: &questions,
        key: &caller.key,
        kind: Kind::Question,
    };
    Ok(keeper.get(&id, query).await?)
}

/// Change parts of a question.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/api/card/{id}", tag = "metabase", params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Permission: `resources:write`. Changing `enable_embedding` or `embedding_params` requires an admin, and embedding to be switched on.",
    request_body = CardInput, responses((status = 200, body = CardAnswer), (status = 409))
))]
pub async fn update_card(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    State(catalog): State<DataCatalog>,
    State(questions): State<EvidenceReader>,
    Path(id): Path<String>,
    Json(body): ContentJson<CardChange>,
) -> HttpResult<axum::Json<CardAnswer>> {
    let keeper = Keeper {
        publisher: &publisher,
        catalog: &catalog,
        questions: &questions,
        key: &caller.key,
        kind: Kind::Question,
    };
    Ok(keeper.update(&id, body).await?)
}

/// Delete a question.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/card/{id}", tag = "metabase", params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Permission: `resources:write`. Its ids are never used again; archive it to take it away for a while.",
    responses((status = 200, body = Removal, description = "A question that published dashboards show was removed"), (status = 204, description = "Deleted"), (status = 409))
))]
pub async fn delete_card(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    Path(id): Path<String>,
) -> HttpResult<Response> {
    Ok(Removal::answer(publisher.remove(&caller.key, &named(Kind::Question, &id)?).await?))
}

/// Create a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/dashboard", tag = "metabase",
    description = "Permission: `resources:write`; admin to publish it at once. `name` is required. The number is the next free one.",
    request_body = CardInput, responses((status = 200, body = CardAnswer), (status = 409))
))]
pub async fn create_dashboard(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    State(catalog): State<DataCatalog>,
    State(questions): State<EvidenceReader>,
    Json(body): ContentJson<CardChange>,
) -> HttpResult<axum::Json<CardAnswer>> {
    let keeper = Keeper {
        publisher: &publisher,
        catalog: &catalog,
        questions: &questions,
        key: &caller.key,
        kind: Kind::Dashboard,
    };
    Ok(keeper.create(body).await?)
}

/// Read a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/dashboard/{id}", tag = "metabase", params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = CardAnswer))
))]
pub async fn get_dashboard(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    State(catalog): State<DataCatalog>,
    State(questions): State<EvidenceReader>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<CardAnswer>> {
    let keeper = Keeper {
        publisher: &publisher,
        catalog: &catalog,
        questions: &questions,
        key: &caller.key,
        kind: Kind::Dashboard,
    };
    Ok(keeper.get(&id, query).await?)
}

/// Change parts of a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/api/dashboard/{id}", tag = "metabase", params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Permission: `resources:write`. Changing `enable_embedding` or `embedding_params` requires an admin, and embedding to be switched on.",
    request_body = CardInput, responses((status = 200, body = CardAnswer), (status = 409))
))]
pub async fn update_dashboard(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    State(catalog): State<DataCatalog>,
    State(questions): State<EvidenceReader>,
    Path(id): Path<String>,
    Json(body): ContentJson<CardChange>,
) -> HttpResult<axum::Json<CardAnswer>> {
    let keeper = Keeper {
        publisher: &publisher,
        catalog: &catalog,
        questions: &questions,
        key: &caller.key,
        kind: Kind::Dashboard,
    };
    Ok(keeper.update(&id, body).await?)
}

/// Delete a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/dashboard/{id}", tag = "metabase", params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Permission: `resources:write`. Its ids are never used again; archive it to take it away for a while.",
    responses((status = 204, description = "Deleted"), (status = 409))
))]
pub async fn delete_dashboard(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    Path(id): Path<String>,
) -> HttpResult<StatusCode> {
    publisher.remove(&caller.key, &named(Kind::Dashboard, &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
