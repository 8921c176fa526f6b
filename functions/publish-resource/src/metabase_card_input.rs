//! Cards and dashboards as Metabase's clients write them.

use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde_json::{Map, Value};
use vitrine::dialects::metabase::dataset_query::{DatasetQuery, DefinedQuery, QueryForm};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::json::input::{AtMost, Check, Invalid, Patch, Wrong};
use vitrine::rules::query::content::DisplaySettings;
use vitrine::rules::resource::ResourceInput;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::dashboard::DashboardContent;
use vitrine::rules::resource::embed_policy::EmbeddingParams;
use vitrine::rules::resource::ids::Kind;
use vitrine::rules::resource::origin::Origin;
use vitrine::rules::resource::parameter::{Parameter, ParameterType};

use crate::metabase_dashboard::{DashboardChange, Members};
use crate::metabase_question::{QuestionChange, keep_parameters, parameters_for};

/// Any part of a card or dashboard, with the fields that only Metabase's clients know.
#[derive(Debug, Clone)]
pub struct CardChange {
    known: CardInput,
    rest: Map<String, Value>,
    /// The rest of each given parameter, by slug.
    parameters: Option<Map<String, Value>>,
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for CardChange {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        CardInput::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for CardChange {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        CardInput::schemas(schemas);
    }
}

/// The use case checks the whole resource, after the change was applied to it.
impl Check for CardChange {}

/// Fields of an answer that no client sets, and those that [`CardInput`] has.
const NOT_KEPT: [&str; 60] = [
    "allow_downloads",
    "allowed_origins",
    "archived",
    "archived_directly",
    "average_query_time",
    "cache_ttl",
    "can_delete",
    "can_manage_db",
    "can_restore",
    "can_run_adhoc_query",
    "can_set_cache_policy",
    "can_write",
    "card_schema",
    "collection",
    "content",
    "created_at",
    "creator",
    "creator_id",
    "dashboard",
    "dashboard_count",
    "database_id",
    "dataset_query",
    "description",
    "display",
    "download_perms",
    "embedding_params",
    "enable_embedding",
    "entity_id",
    "id",
    "initially_published_at",
    "is_remote_synced",
    "last-edit-info",
    "last_query_start",
    "last_used_at",
    "last_used_param_values",
    "last_viewed_at",
    "legacy_query",
    "made_public_by_id",
    "metabase_version",
    "moderation_reviews",
    "name",
    "param_fields",
    "parameter_usage_count",
    "parameters",
    "persisted",
    "public_id",
    "public_uuid",
    "query_type",
    "source_card_id",
    "table_id",
    "tabs",
    "dashcards",
    "ordered_cards",
    "updated_at",
    "view_count",
    "visualization_settings",
    "warnings",
    "can_share",
    "in_dashboards",
    "model",
];

/// Fields of a parameter that are stored with it.
const OF_PARAMETERS: [&str; 8] =
    ["slug", "name", "id", "default", "required", "multiple", "values", "values_strict"];

impl Deserr<Invalid> for CardChange {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> std::result::Result<Self, Invalid> {
        let mut document = <Value as Deserr<Invalid>>::deserialize_from_value(value, location)?;
        let known = CardInput::deserialize_from_value(document.clone().into_value(), location)?;
        let rest_of = |parameter: &Value| {
            let mut rest = parameter.as_object()?.clone();
            let slug = rest.get("slug")?.as_str()?.to_owned();
            rest.retain(|name, _| !OF_PARAMETERS.contains(&name.as_str()));
            Some((slug, Value::Object(rest)))
        };
        let parameters =
            document["parameters"].as_array().map(|all| all.iter().filter_map(rest_of).collect());
        let mut rest = document.as_object_mut().map(std::mem::take).unwrap_or_default();
        rest.retain(|name, _| !NOT_KEPT.contains(&name.as_str()));
        Ok(Self { known, rest, parameters })
    }
}

/// Any part of a card or dashboard.
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
    /// A native query, in the legacy form or as MBQL 5. For cards.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    dataset_query: Option<Value>,
    /// `table`, `bar`, `line` and so on, for a card with a query.
    #[deserr(default)]
    display: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    visualization_settings: Option<DisplaySettings>,
    /// The cards of a dashboard, all of them. A negative id is a new card.
    #[deserr(default, from(Option<AtMost<Members, { DashboardContent::MAX_CARDS }>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>, max_items = 200))]
    dashcards: Option<Vec<Members>>,
    /// The tabs of a dashboard, all of them.
    #[deserr(default, from(Option<AtMost<Members, { DashboardContent::MAX_TABS }>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>, max_items = 50))]
    tabs: Option<Vec<Members>>,
    /// Hours for which an answer of the query is kept.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 1, maximum = 87600))]
    cache_ttl: Patch<Hours>,
}

/// Whole hours, ten years at most.
#[derive(Debug, Clone, Copy, Deserr)]
#[deserr(error = Invalid, try_from(u32) = Self::read -> Wrong)]
struct Hours(u32);

impl Hours {
    fn read(hours: u32) -> std::result::Result<Self, Wrong> {
        if (1..=87_600).contains(&hours) { Ok(Self(hours)) } else { Err(Wrong("must be 1 to 87600 hours")) }
    }
}

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

impl CardChange {
    /// The query that is given. An empty object is none.
    pub fn query(&self) -> Result<Option<DatasetQuery>> {
        let given = self
            .known
            .dataset_query
            .clone()
            .filter(|query| query.as_object().is_none_or(|query| !query.is_empty()));
        let read = given.map(|query| DatasetQuery::read(query, "dataset_query")).transpose();
        read.map_err(|issues| Error::new(Reason::RequestInvalid).issues(issues))
    }

    /// The form in which the query is given, and its issues are told.
    pub fn form(&self) -> QueryForm {
        let query = self.known.dataset_query.as_ref();
        if query.is_some_and(|query| query.get("stages").is_some()) {
            QueryForm::Stages
        } else {
            QueryForm::Legacy
        }
    }

    /// Applies the given parts to the previous input of a card.
    pub fn apply_to(
        self,
        kind: Kind,
        decided: ResourceInput,
        defined: Option<DefinedQuery>,
    ) -> Result<ResourceInput> {
        let Self { known, mut rest, parameters } = self;
        let present = decided.content;
        let written = known.content.over(present.clone());
        let given = known
            .parameters
            .map_or(decided.parameters, |given| given.into_iter().map(Parameter::from).collect());
        let cache_hours = match known.cache_ttl {
            Patch::Keep => None,
            Patch::Clear => Some(None),
            Patch::Set(Hours(hours)) => Some(Some(i64::from(hours))),
        };
        let mut content = if kind == Kind::Dashboard {
            // The questions of a dashboard have ages of their own.
            rest.extend(cache_hours.map(|hours| ("cache_ttl".to_owned(), hours.into())));
            let is_kept =
                |rest: &Value| rest.as_object().is_some_and(|rest| rest.keys().any(|name| name != "type"));
            let has_rest =
                !rest.is_empty() || parameters.as_ref().is_some_and(|all| all.values().any(is_kept));
            let cards = DashboardChange { dashcards: known.dashcards, tabs: known.tabs };
            cards.apply_to(written, present.as_ref(), &given, rest, has_rest)?
        } else {
            let question = QuestionChange {
                defined,
                display: known.display,
                settings: known.visualization_settings.map(|settings| settings.0),
                cache_hours,
                card: rest,
            };
            question.apply_to(written, present.as_ref())
        };
        keep_parameters(&mut content, parameters);
        Ok(ResourceInput {
            title: known.name.unwrap_or(decided.title),
            entity_id: None,
            description: known.description.over(decided.description),
            parameters: parameters_for(given, content.as_ref(), present.as_ref()),
            content,
            enable_embedding: known.enable_embedding.unwrap_or(decided.enable_embedding),
            embedding_params: known.embedding_params.unwrap_or(decided.embedding_params),
            allowed_origins: known.allowed_origins.unwrap_or(decided.allowed_origins),
            allow_downloads: known.allow_downloads.unwrap_or(decided.allow_downloads),
            archived: known.archived.unwrap_or(decided.archived),
            deployment: decided.deployment,
        })
    }
}
