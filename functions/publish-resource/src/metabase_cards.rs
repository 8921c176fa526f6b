//! `/api/card` and `/api/dashboard`: the same resources, as Metabase's clients write them.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::app::check_queries::Mode;
use vitrine::app::publish_resource::{Publishing, ResourcePublisher};
use vitrine::app::request_context;
use vitrine::http::caller::WriteResources;
use vitrine::http::{Allowed, ContentJson, HttpResult, Json};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::json::input::{AtMost, Check, Invalid, Patch};
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::embed_policy::EmbeddingParams;
use vitrine::rules::resource::ids::{Kind, PrimaryId, ResourceId, ResourceRef};
use vitrine::rules::resource::origin::Origin;
use vitrine::rules::resource::parameter::{Parameter, ParameterType};
use vitrine::rules::resource::{Resource, ResourceInput};

/// Any part of a card or dashboard. Other fields that Metabase's clients send are ignored.
#[derive(Debug, Clone, Default, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CardInput {
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::Label>))]
    name: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 4096))]
    description: Patch<String>,
    #[deserr(default, from(Option<AtMost<CardParameter, { ResourceInput::MAX_PARAMETERS }>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<CardParameter>>, max_items = 100))]
    parameters: Option<Vec<CardParameter>>,
    #[deserr(default)]
    archived: Option<bool>,
    /// Null leaves the stored value.
    #[deserr(default)]
    enable_embedding: Option<bool>,
    /// Replaced as a whole. Null leaves what is stored.
    #[deserr(default)]
    embedding_params: Option<EmbeddingParams>,
    /// Not part of Metabase: the content of the embed.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Content>))]
    content: Patch<Content>,
    /// Not part of Metabase: the origins whose pages may frame it.
    #[deserr(default, from(Option<AtMost<Origin, { ResourceInput::MAX_ORIGINS }>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    allowed_origins: Option<Vec<Origin>>,
    /// Not part of Metabase: whether files may be downloaded. A new card or dashboard allows it, as in Metabase.
    #[deserr(default)]
    allow_downloads: Option<bool>,
}

/// The use case checks the whole resource, after the change was applied to it.
impl Check for CardInput {}

/// A parameter as Metabase writes it.
#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CardParameter {
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::Slug))]
    slug: String,
    #[deserr(default)]
    name: Option<String>,
    #[deserr(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(rename = "type", schema_with = vitrine::rules::resource::parameter::written_type))]
    kind: ParameterType,
    #[deserr(default)]
    id: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(schema_with = vitrine::rules::resource::parameter::any_value))]
    default: Option<Value>,
    #[deserr(default)]
    required: Option<bool>,
    #[deserr(default, rename = "isMultiSelect")]
    #[cfg_attr(feature = "openapi", schema(rename = "isMultiSelect"))]
    is_multi_select: Option<bool>,
    #[deserr(default)]
    multiple: Option<bool>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(schema_with = vitrine::rules::resource::parameter::choices))]
    values: Option<Vec<Vec<Value>>>,
    /// Ours beyond Metabase: refuses every value that is not among `values`.
    #[deserr(default)]
    values_strict: Option<bool>,
    #[deserr(default)]
    values_source_config: Option<ValuesSource>,
}

#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValuesSource {
    /// Each is a single value, or `[value]`, or `[value, label]`.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    values: Option<Vec<Value>>,
}

impl From<CardParameter> for Parameter {
    fn from(card: CardParameter) -> Self {
        let listed = |value: Value| match value {
            Value::Array(choice) => choice,
            value => vec![value],
        };
        let source = card.values_source_config.and_then(|source| source.values);
        Self {
            name: card.name.unwrap_or_else(|| card.slug.clone()),
            slug: card.slug,
            kind: card.kind,
            id: card.id,
            default: card.default,
            required: card.required.unwrap_or(false),
            multiple: card.is_multi_select.or(card.multiple).unwrap_or(false),
            values: source.map(|values| values.into_iter().map(listed).collect()).or(card.values),
            values_strict: card.values_strict.unwrap_or(false),
        }
    }
}

impl CardInput {
    /// Applies the given parts to the previous input.
    fn apply_to(self, decided: ResourceInput) -> ResourceInput {
        ResourceInput {
            title: self.name.unwrap_or(decided.title),
            entity_id: None,
            description: self.description.over(decided.description),
            content: self.content.over(decided.content),
            parameters: self
                .parameters
                .map_or(decided.parameters, |given| given.into_iter().map(Parameter::from).collect()),
            enable_embedding: self.enable_embedding.unwrap_or(decided.enable_embedding),
            embedding_params: self.embedding_params.unwrap_or(decided.embedding_params),
            allowed_origins: self.allowed_origins.unwrap_or(decided.allowed_origins),
            allow_downloads: self.allow_downloads.unwrap_or(decided.allow_downloads),
            archived: self.archived.unwrap_or(decided.archived),
            deployment: decided.deployment,
        }
    }
}

/// A card or dashboard as Metabase's clients read it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CardAnswer {
    id: PrimaryId,
    entity_id: Option<String>,
    public_id: String,
    name: String,
    description: Option<String>,
    archived: bool,
    enable_embedding: bool,
    embedding_params: EmbeddingParams,
    parameters: Vec<Parameter>,
    content: Option<Content>,
    allowed_origins: Vec<Origin>,
    allow_downloads: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    initially_published_at: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    updated_at: Timestamp,
}

impl From<Resource> for CardAnswer {
    fn from(resource: Resource) -> Self {
        Self {
            id: resource.id,
            entity_id: resource.entity_id,
            public_id: resource.public_id,
            name: resource.title,
            description: resource.description,
            archived: resource.archived,
            enable_embedding: resource.enable_embedding,
            embedding_params: resource.embedding_params,
            parameters: resource.parameters,
            content: resource.content,
            allowed_origins: resource.allowed_origins,
            allow_downloads: resource.allow_downloads,
            initially_published_at: resource.initially_published_at,
            created_at: resource.created_at,
            updated_at: resource.updated_at,
        }
    }
}

async fn create(
    publisher: &ResourcePublisher,
    key: &AccessKey,
    kind: Kind,
    input: CardInput,
) -> Result<axum::Json<CardAnswer>> {
    let blank = ResourceInput { allow_downloads: true, ..ResourceInput::default() };
    let input = input.apply_to(blank);
    let created = publisher.create(key, kind, Publishing::Publishers, input).await;
    Ok(axum::Json(created.map_err(rename_title_to_name)?.resource.into()))
}

async fn get(
    publisher: &ResourcePublisher,
    key: &AccessKey,
    kind: Kind,
    id: &str,
) -> Result<axum::Json<CardAnswer>> {
    Ok(axum::Json(publisher.get(key, &named(kind, id)?).await?.into()))
}

async fn update(
    publisher: &ResourcePublisher,
    key: &AccessKey,
    kind: Kind,
    id: &str,
    input: CardInput,
) -> Result<axum::Json<CardAnswer>> {
    let change = |decided: ResourceInput| input.clone().apply_to(decided);
    let changed =
        publisher.change(key, &named(kind, id)?, Publishing::Publishers, &change, Mode::Write).await;
    Ok(axum::Json(changed.map_err(rename_title_to_name)?.resource.into()))
}

/// Metabase's name for the title is `name`.
fn rename_title_to_name(mut error: Error) -> Error {
    for issue in error.issues.iter_mut().filter(|issue| issue.path == "title") {
        issue.path = "name".to_owned();
    }
    error
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
    Json(input): ContentJson<CardInput>,
) -> HttpResult<axum::Json<CardAnswer>> {
    Ok(create(&publisher, &caller.key, Kind::Question, input).await?)
}

/// Read a question.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/card/{id}", tag = "metabase", params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = CardAnswer))
))]
pub async fn get_card(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    Path(id): Path<String>,
) -> HttpResult<axum::Json<CardAnswer>> {
    Ok(get(&publisher, &caller.key, Kind::Question, &id).await?)
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
    Path(id): Path<String>,
    Json(input): ContentJson<CardInput>,
) -> HttpResult<axum::Json<CardAnswer>> {
    Ok(update(&publisher, &caller.key, Kind::Question, &id, input).await?)
}

/// Delete a question.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/card/{id}", tag = "metabase", params(("id" = vitrine::rules::forms::NumberedId, Path, description = "A number or an entity id")),
    description = "Permission: `resources:write`. Its ids are never used again; archive it to take it away for a while.",
    responses((status = 204, description = "Deleted"), (status = 409))
))]
pub async fn delete_card(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    Path(id): Path<String>,
) -> HttpResult<StatusCode> {
    publisher.remove(&caller.key, &named(Kind::Question, &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
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
    Json(input): ContentJson<CardInput>,
) -> HttpResult<axum::Json<CardAnswer>> {
    Ok(create(&publisher, &caller.key, Kind::Dashboard, input).await?)
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
    Path(id): Path<String>,
) -> HttpResult<axum::Json<CardAnswer>> {
    Ok(get(&publisher, &caller.key, Kind::Dashboard, &id).await?)
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
    Path(id): Path<String>,
    Json(input): ContentJson<CardInput>,
) -> HttpResult<axum::Json<CardAnswer>> {
    Ok(update(&publisher, &caller.key, Kind::Dashboard, &id, input).await?)
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
