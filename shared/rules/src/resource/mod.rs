//! Resources: dashboards, questions and dives, with their content, parameters and embed policy.

pub mod card_questions;
pub mod content;
pub mod dashboard;
pub mod date_range;
pub mod embed_policy;
pub mod ids;
pub mod origin;
pub mod parameter;
pub mod parameter_value;
pub mod version;

use std::borrow::Cow;
use std::collections::BTreeSet;

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Issue, Result};
use crate::json::input::{AtMost, Check, Invalid};
use crate::random;
use crate::resource::content::Content;
use crate::resource::embed_policy::EmbeddingParams;
use crate::resource::ids::{Deployment, Kind, PrimaryId, ResourceId, ResourceRef, is_entity_id};
use crate::resource::origin::Origin;
use crate::resource::parameter::Parameter;
use crate::settings::Settings;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resource {
    pub kind: Kind,
    pub id: PrimaryId,
    /// Present for dashboards and questions, not for dives.
    pub entity_id: Option<String>,
    pub public_id: String,
    pub title: String,
    pub description: Option<String>,
    pub content: Option<Content>,
    /// Starts at 1 and grows whenever the content changes. Older versions stay readable.
    pub version: u64,
    pub parameters: Vec<Parameter>,
    /// The tables that its queries read, as of the last check.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, max_items = 40))]
    pub tables: BTreeSet<String>,
    pub enable_embedding: bool,
    pub embedding_params: EmbeddingParams,
    pub allowed_origins: Vec<Origin>,
    /// Allows the content to offer files for download.
    #[serde(default)]
    pub allow_downloads: bool,
    pub archived: bool,
    pub deployment: Deployment,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
    /// The time of the first publication.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub initially_published_at: Option<Timestamp>,
    /// The start of the current publication.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub published_at: Option<Timestamp>,
    /// Grows with every change. A write that is based on an older revision is refused.
    pub revision: u64,
}

/// The fields of a resource that its owner sets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"title": "Sales", "content": {"type": "html", "html": "<h1>Sales</h1>"}, "enable_embedding": true})))]
pub struct ResourceInput {
    #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::Label))]
    pub title: String,
    /// The entity id of a dashboard or question that has one in another system. Generated if absent; it never changes.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::forms::EntityId>))]
    pub entity_id: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 4096))]
    pub description: Option<String>,
    #[deserr(default)]
    pub content: Option<Content>,
    #[deserr(default, from(AtMost<Parameter, { ResourceInput::MAX_PARAMETERS }>) = AtMost::into_vec)]
    #[cfg_attr(feature = "openapi", schema(required = false, max_items = 100))]
    pub parameters: Vec<Parameter>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub enable_embedding: bool,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub embedding_params: EmbeddingParams,
    #[deserr(default, from(AtMost<Origin, { ResourceInput::MAX_ORIGINS }>) = AtMost::into_vec)]
    #[cfg_attr(feature = "openapi", schema(required = false, max_items = 50))]
    pub allowed_origins: Vec<Origin>,
    /// Allows the content to offer files for download.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub allow_downloads: bool,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub archived: bool,
    /// Left out, an existing resource stays where it is; a new one is in the first deployment that the key reaches.
    #[deserr(default)]
    pub deployment: Option<Deployment>,
}

/// Requests are not checked when they are read: the use case checks the whole input, once.
impl Check for ResourceInput {}

impl ResourceInput {
    pub const MAX_ORIGINS: usize = 50;
    pub const MAX_PARAMETERS: usize = 100;

    /// Returns whether a header has room for its origins beside those of the whole stack.
    fn origins_fit(&self, settings: &Settings) -> bool {
        Origin::fit_in_header(settings.allowed_origins.iter().chain(&self.allowed_origins))
    }

    /// The declared parameters, and then those of tags that none of them sets.
    pub fn all_parameters(&self) -> Cow<'_, [Parameter]> {
        with_derived(&self.parameters, self.content.as_ref())
    }

    /// Everything that is wrong with it, whichever resource of the kind it is for.
    pub fn issues(&self, kind: Kind, settings: &Settings) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.title.trim().is_empty() || self.title.chars().count() > 255 {
            issues.push(Issue::new("title", "must be 1 to 255 characters"));
        }
        if self.entity_id.as_ref().is_some_and(|id| !is_entity_id(id)) {
            issues.push(Issue::new("entity_id", "must be 21 letters, digits, hyphens and underscores"));
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 4_096) {
            issues.push(Issue::new("description", "must be at most 4096 characters"));
        }
        if self.allowed_origins.len() > Self::MAX_ORIGINS {
            issues.push(Issue::new("allowed_origins", "must be at most 50 origins"));
        } else if self.enable_embedding && !self.origins_fit(settings) {
            let message = "must be at most 4096 bytes together with the setting AllowedOrigins";
            issues.push(Issue::new("allowed_origins", message));
        }
        let all = self.all_parameters();
        if self.parameters.len() > Self::MAX_PARAMETERS {
            issues.push(Issue::new("parameters", "must be at most 100 parameters"));
        } else if all.len() > Self::MAX_PARAMETERS {
            issues.push(Issue::new("parameters", "must be at most 100 parameters, together with the tags"));
        }
        if let Some(content) = &self.content {
            issues.extend(content.problems(kind, &settings.queries.text, "content"));
            issues.extend(content.misfits(&self.parameters, &all, "content"));
        }
        issues.extend(Parameter::problems(&self.parameters, "parameters"));
        if self.enable_embedding {
            issues.extend(stray_policies(&all, &self.embedding_params));
        }
        issues
    }
}

/// Declared parameters, and then those of the content's tags that none of them sets.
pub fn with_derived<'a>(declared: &'a [Parameter], content: Option<&Content>) -> Cow<'a, [Parameter]> {
    let derived = content.map(|content| content.derived_parameters(declared)).unwrap_or_default();
    if derived.is_empty() { declared.into() } else { [declared, &derived].concat().into() }
}

/// Finds parameters in the policy that the resource does not declare: locking such a name would protect nothing.
fn stray_policies(parameters: &[Parameter], policy: &EmbeddingParams) -> Vec<Issue> {
    policy
        .keys()
        .filter(|slug| !parameters.iter().any(|parameter| parameter.slug == **slug))
        .map(|slug| Issue::new(format!("embedding_params.{slug}"), "is not a parameter of this resource"))
        .collect()
}

impl Resource {
    /// Creates a resource. `deployment` is its deployment if the input names none.
    pub fn create(
        kind: Kind,
        id: PrimaryId,
        entity_id: Option<String>,
        input: ResourceInput,
        deployment: Deployment,
        now: Timestamp,
    ) -> Result<Self> {
        let entity_id = match entity_id {
            _ if !kind.has_entity_id() => None,
            Some(given) => Some(given),
            None => Some(random::entity_id()?),
        };
        let blank = Self {
            kind,
            id,
            entity_id,
            public_id: random::short_id()?,
            title: String::new(),
            description: None,
            content: None,
            version: 0,
            parameters: Vec::new(),
            tables: BTreeSet::new(),
            enable_embedding: false,
            embedding_params: EmbeddingParams::default(),
            allowed_origins: Vec::new(),
            allow_downloads: false,
            archived: false,
            deployment,
            created_at: now,
            updated_at: now,
            initially_published_at: None,
            published_at: None,
            revision: 0,
        };
        Ok(blank.replaced(input, now))
    }

    /// Returns the resource with all of the owner's fields replaced. It stays in its deployment unless the input
    /// names another.
    #[must_use]
    pub fn replaced(self, input: ResourceInput, now: Timestamp) -> Self {
        let is_published = input.enable_embedding && !input.archived;
        let is_new = self.version == 0 || self.content != input.content;
        Self {
            version: self.version + u64::from(is_new),
            title: input.title,
            description: input.description,
            content: input.content,
            parameters: input.parameters,
            enable_embedding: input.enable_embedding,
            embedding_params: input.embedding_params,
            allowed_origins: input.allowed_origins,
            allow_downloads: input.allow_downloads,
            archived: input.archived,
            deployment: input.deployment.unwrap_or(self.deployment),
            updated_at: now,
            initially_published_at: self.initially_published_at.or(input.enable_embedding.then_some(now)),
            published_at: is_published.then(|| self.published_at.unwrap_or(now)),
            revision: self.revision + 1,
            ..self
        }
    }

    /// The owner's fields as they are, for a partial change.
    pub fn decided(&self) -> ResourceInput {
        ResourceInput {
            title: self.title.clone(),
            entity_id: None,
            description: self.description.clone(),
            content: self.content.clone(),
            parameters: self.parameters.clone(),
            enable_embedding: self.enable_embedding,
            embedding_params: self.embedding_params.clone(),
            allowed_origins: self.allowed_origins.clone(),
            allow_downloads: self.allow_downloads,
            archived: self.archived,
            deployment: Some(self.deployment),
        }
    }

    pub fn summary(&self) -> ResourceSummary {
        ResourceSummary {
            kind: self.kind,
            id: self.id.clone(),
            entity_id: self.entity_id.clone(),
            public_id: self.public_id.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            enable_embedding: self.enable_embedding,
            archived: self.archived,
            deployment: self.deployment,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    pub fn reference(&self) -> ResourceRef {
        ResourceRef::new(self.kind, self.id.clone())
    }

    /// Returns whether a reference names this resource.
    pub fn is_called(&self, reference: &ResourceRef) -> bool {
        reference.kind == self.kind
            && match (&reference.id, &self.id) {
                (ResourceId::Number(number), PrimaryId::Number(id)) => number == id,
                (ResourceId::Uuid(uuid), PrimaryId::Uuid(id)) => uuid == id,
                (ResourceId::Entity(entity), _) => self.entity_id.as_ref() == Some(entity),
                (ResourceId::Public(public), _) => *public == self.public_id,
                _ => false,
            }
    }

    /// All references that name this resource.
    pub fn references(&self) -> Vec<ResourceRef> {
        let mut all =
            vec![self.reference(), ResourceRef::new(self.kind, ResourceId::Public(self.public_id.clone()))];
        all.extend(self.entity_id.clone().map(|id| ResourceRef::new(self.kind, ResourceId::Entity(id))));
        all
    }

    /// The declared parameters, and then those of tags that none of them sets.
    pub fn all_parameters(&self) -> Cow<'_, [Parameter]> {
        with_derived(&self.parameters, self.content.as_ref())
    }

    /// The resource as its owner reads it, with every parameter.
    #[must_use]
    pub fn described(mut self) -> Self {
        if let Cow::Owned(all) = self.all_parameters() {
            self.parameters = all;
        }
        self
    }

    /// The origins that may frame it: those of the whole stack, and its own as far as they fit into a header.
    pub fn frame_origins<'a>(&'a self, settings: &'a Settings) -> BTreeSet<&'a Origin> {
        Origin::in_header(settings.allowed_origins.iter().chain(&self.allowed_origins))
    }

    /// Returns whether some of its origins do not fit into the header and therefore may not frame it. The rule is
    /// newer than some of the stored resources.
    pub fn has_origins_left_out(&self, settings: &Settings) -> bool {
        !Origin::fit_in_header(settings.allowed_origins.iter().chain(&self.allowed_origins))
    }

    pub const fn is_embeddable(&self) -> bool {
        self.enable_embedding && !self.archived
    }
}

/// A resource in a list: without its content and policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceSummary {
    pub kind: Kind,
    pub id: PrimaryId,
    pub entity_id: Option<String>,
    pub public_id: String,
    pub title: String,
    pub description: Option<String>,
    pub enable_embedding: bool,
    pub archived: bool,
    pub deployment: Deployment,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
}
