//! Cards and dashboards as Metabase's clients read them.

use serde::Serialize;
use serde_json::{Map, Value};
use vitrine::app::publish_resource::WrittenResource;
use vitrine::aws::storage::EvidenceReader;
use vitrine::dialects::metabase::catalog::{DataCatalog, database_id};
use vitrine::dialects::metabase::dataset_query::{self, QueryForm};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Issues, Reason, Result};
use vitrine::rules::query::table::MANAGED;
use vitrine::rules::resource::Resource;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::embed_policy::EmbeddingParams;
use vitrine::rules::resource::ids::PrimaryId;
use vitrine::rules::resource::origin::Origin;

use crate::metabase_dashboard::{kept_of_dashboard, written_cards, written_tabs};
use crate::metabase_question::{kept_of_card, shown_settings, written_parameters};

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
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<WrittenParameter>))]
    parameters: Vec<Value>,
    content: Option<Content>,
    allowed_origins: Vec<Origin>,
    allow_downloads: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    initially_published_at: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    updated_at: Timestamp,
    #[serde(flatten)]
    question: CardQuestion,
    #[serde(flatten)]
    dashboard: CardDashboard,
    /// Findings about the query that are no reason to refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<vitrine::rules::error::Issue>, required = false, max_items = 50))]
    warnings: Option<Issues>,
}

/// A parameter as Metabase's clients read it, with what its author wrote besides.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "written member by member; this is its form")]
pub struct WrittenParameter {
    #[schema(value_type = vitrine::rules::forms::Slug)]
    slug: String,
    name: String,
    #[schema(rename = "type", schema_with = vitrine::rules::resource::parameter::written_type)]
    kind: String,
    id: Option<String>,
    #[schema(schema_with = vitrine::rules::resource::parameter::any_value)]
    default: Option<Value>,
    required: bool,
    multiple: bool,
    #[schema(schema_with = vitrine::rules::resource::parameter::choices)]
    values: Option<Vec<Vec<Value>>>,
    #[schema(required = false)]
    values_strict: bool,
    /// The template tag that it sets, for a card with a query.
    #[schema(value_type = Option<Vec<Value>>)]
    target: Option<Value>,
}

/// The query of a card and its drawing, with what its author wrote besides. Nothing for other content.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CardQuestion {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(rename = "type"))]
    kind: Option<Value>,
    /// MBQL 5 with one native stage, or the legacy form where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    dataset_query: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    query_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    visualization_settings: Option<Map<String, Value>>,
    /// Hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>))]
    cache_ttl: Option<Option<i64>>,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    rest: Map<String, Value>,
}

/// The cards of a dashboard, with what its author wrote besides. Nothing for other content.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CardDashboard {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    dashcards: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    tabs: Option<Vec<Value>>,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    rest: Map<String, Value>,
}

/// Cards and dashboards between their two forms.
pub struct Cards<'a> {
    pub catalog: &'a DataCatalog,
    pub questions: &'a EvidenceReader,
    pub form: QueryForm,
}

impl Cards<'_> {
    pub async fn of_written(
        &self,
        WrittenResource { resource, warnings, .. }: WrittenResource,
    ) -> Result<CardAnswer> {
        let warnings = warnings.filter(|found| !found.is_empty());
        Ok(CardAnswer { warnings, ..self.of(resource).await? })
    }

    pub async fn of(&self, resource: Resource) -> Result<CardAnswer> {
        Ok(CardAnswer {
            parameters: written_parameters(&resource.parameters, resource.content.as_ref()),
            question: self.question(resource.content.as_ref()).await?,
            dashboard: self.dashboard(&resource).await?,
            id: resource.id,
            entity_id: resource.entity_id,
            public_id: resource.public_id,
            name: resource.title,
            description: resource.description,
            archived: resource.archived,
            enable_embedding: resource.enable_embedding,
            embedding_params: resource.embedding_params,
            content: resource.content,
            allowed_origins: resource.allowed_origins,
            allow_downloads: resource.allow_downloads,
            initially_published_at: resource.initially_published_at,
            created_at: resource.created_at,
            updated_at: resource.updated_at,
            warnings: None,
        })
    }

    async fn dashboard(&self, resource: &Resource) -> Result<CardDashboard> {
        let Some(Content::Dashboard(dashboard)) = &resource.content else {
            return Ok(CardDashboard::default());
        };
        let questions = self.questions.card_questions(resource.content.as_ref(), resource.deployment).await?;
        let id = serde_json::to_value(&resource.id).unwrap_or_default();
        let mut rest = kept_of_dashboard(dashboard);
        for (name, otherwise) in [("width", Value::from("fixed")), ("auto_apply_filters", true.into())] {
            rest.entry(name).or_insert(otherwise);
        }
        Ok(CardDashboard {
            dashcards: Some(written_cards(dashboard, &questions, &resource.parameters, &id)),
            tabs: Some(written_tabs(dashboard, &id)),
            rest,
        })
    }

    async fn question(&self, content: Option<&Content>) -> Result<CardQuestion> {
        let Some(Content::Question(question)) = content else { return Ok(CardQuestion::default()) };
        let columns = self.catalog.numbers(&dataset_query::dimensions(&question.query)).await?;
        let (visualization_settings, cache_ttl) = shown_settings(question);
        let mut rest = kept_of_card(question);
        let query = dataset_query::written(&question.query, &question.extra.0, &columns, self.form);
        Ok(CardQuestion {
            kind: Some(rest.remove("type").unwrap_or_else(|| "question".into())),
            dataset_query: Some(query),
            database_id: Some(database_id(question.query.source.as_deref().unwrap_or(MANAGED))),
            query_type: Some("native"),
            display: Some(question.display.clone()),
            visualization_settings: Some(visualization_settings),
            cache_ttl: Some(cache_ttl),
            rest,
        })
    }
}

/// Gives the issues of an error the names that Metabase's fields have.
pub fn in_words_of_cards(mut error: Error, form: QueryForm) -> Error {
    if error.reason != Reason::RequestInvalid {
        return error;
    }
    let (sql, tags) = dataset_query::places(form);
    for issue in error.issues.iter_mut() {
        let renamed = [
            ("content.query.sql", format!("dataset_query.{sql}")),
            ("content.query.tags", format!("dataset_query.{tags}")),
            ("content.query.source", "dataset_query.database".to_owned()),
            ("content.settings", "visualization_settings".to_owned()),
            ("content.display", "display".to_owned()),
        ];
        let found = renamed
            .into_iter()
            .find_map(|(own, theirs)| issue.path.strip_prefix(own).map(|rest| format!("{theirs}{rest}")));
        if issue.path == "title" {
            issue.path = "name".to_owned();
        } else if let Some(path) = found.or_else(|| of_dashcards(&issue.path)) {
            issue.path = path;
        }
    }
    error
}

/// The place of a problem of a dashboard's cards in Metabase's fields.
fn of_dashcards(path: &str) -> Option<String> {
    if let Some(rest) = path.strip_prefix("content.tabs[") {
        return Some(format!("tabs[{rest}"));
    }
    let (index, field) = path.strip_prefix("content.cards[")?.split_once(']')?;
    let renamed = [
        (".tab", ".dashboard_tab_id"),
        (".width", ".size_x"),
        (".height", ".size_y"),
        (".question", ".card_id"),
        (".parameters", ".parameter_mappings"),
        (".settings", ".visualization_settings"),
        (".title", ".visualization_settings.card.title"),
    ];
    let found = renamed.into_iter().find_map(|(own, theirs)| {
        let rest = field.strip_prefix(own)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{theirs}{rest}"))
    });
    Some(format!("dashcards[{index}]{}", found.unwrap_or_else(|| field.to_owned())))
}
