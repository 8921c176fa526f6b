//! The decision to show a resource.
//!
//! [`view`] is the only function that turns a credential into a [`View`], and every route that shows
//! anything goes through it. It fails closed: whatever is missing or unknown is a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::query::choose::ChosenQuery;
use crate::query::widget_type::WidgetType;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::Content;
use crate::resource::embed_policy::WhoMaySet;
use crate::resource::ids::{Kind, ResourceRef};
use crate::resource::parameter::{Parameter, ParameterType};
use crate::resource::parameter_value::ParameterValue;
use crate::resource::version::Version;
use crate::resource::{Resource, with_derived};
use crate::session::{SessionContext, SessionState};
use crate::settings::Settings;
use crate::text::quoted;
use crate::token::{Claims, UnknownKid};
use crate::view::card_text::TextValues;
use crate::view::resolve_parameters::{self, Given, VisibleParameter};
use crate::view::viewed_content::ViewedContent;
use crate::view::wishes;
use crate::viewer::Viewer;
use crate::viewer::external_user::ExternalUser;
use crate::viewer::service_account::ServiceAccount;

/// An opened view: the things that this credential may see now.
#[derive(Debug, Clone)]
pub struct View {
    pub resource: Arc<Resource>,
    /// The content of the version that the token names, as its viewers receive it.
    pub content: Option<ViewedContent>,
    /// The version that the token names.
    pub version: Option<Arc<Version>>,
    /// The parameters that the viewer may see and change.
    pub visible: Vec<VisibleParameter>,
    /// The typed value of every parameter, the locked ones included. Not for the browser.
    pub values: BTreeMap<String, ParameterValue>,
    /// The same values as they were given.
    pub given_values: BTreeMap<String, Value>,
    /// The parameters that the token set.
    pub token_params: Map<String, Value>,
    /// The parameters that the viewer cannot set and that every view has a value for.
    pub locked: BTreeSet<String>,
    /// The questions that the cards of a dashboard show. Not for the browser.
    pub questions: CardQuestions,
    /// The names of wishes that were left out.
    pub ignored: Vec<String>,
    pub viewer: Viewer,
    /// The deployment's session that opened the view.
    pub context: Option<Arc<SessionContext>>,
    /// The initial state of the content.
    pub state: Option<Arc<Value>>,
    pub expires_at: Option<Timestamp>,
}

impl View {
    /// The content with its queries. Not for the browser.
    pub fn stored_content(&self) -> Option<&Content> {
        match &self.version {
            Some(version) => version.content.as_ref(),
            None => self.resource.content.as_ref(),
        }
    }

    /// Set if the viewer may have files of the answers: the resource allows it, and the session does not forbid it.
    pub fn allows_downloads(&self) -> bool {
        let is_forbidden = self.context.as_deref().is_some_and(SessionContext::forbids_export);
        self.resource.allow_downloads && !is_forbidden
    }

    /// The viewer's attributes that the resource is locked to. Its content can show them and no others.
    pub fn shown_attributes(&self) -> BTreeMap<String, Value> {
        let bound = |(slug, visibility): (&String, &WhoMaySet)| match visibility {
            WhoMaySet::Attribute(name) => Some((name.clone(), self.given_values.get(slug)?.clone())),
            _ => None,
        };
        self.resource.embedding_params.iter().filter_map(bound).collect()
    }
}

/// The stored facts that a decision depends on.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub embedding_enabled: bool,
    pub resource: Option<Arc<Resource>>,
    /// The questions that its cards show.
    pub questions: CardQuestions,
    /// The version that the token names.
    pub version: Option<Arc<Version>>,
    /// The service account that the token names.
    pub account: Option<Arc<ServiceAccount>>,
    /// The external user that the token names, if the user still exists.
    pub user: Option<Arc<ExternalUser>>,
    /// The id of the tenant that has the name in the token.
    pub tenant: Option<u64>,
    /// The initial state of the content.
    pub state: Option<Arc<Value>>,
    /// The stored facts about the token's session, for a session of a deployment.
    pub context: Option<Arc<SessionContext>>,
    /// The state of the session or the revocation under the token's id.
    pub session: SessionState,
}

/// A request for a view, beside its credential.
#[derive(Debug, Clone, Default)]
pub struct ViewRequest {
    /// The kind that the route names.
    pub kind: Option<Kind>,
    /// The resource that the route names. A token that names one must name the same.
    pub resource: Option<ResourceRef>,
    pub parameters: ViewerParameters,
    pub named_by: NamedBy,
    pub terms: Terms,
    pub unknown_kid: UnknownKid,
}

/// Parameters in the URL. Why they cannot be read is reported only to viewers who may see the resource.
#[derive(Debug, Clone)]
pub enum ViewerParameters {
    Readable(Map<String, Value>),
    Unreadable(Error),
    /// From the address of the page: those that the viewer may not set are left out. See [`wishes`].
    Wishes(Map<String, Value>),
}

impl Default for ViewerParameters {
    fn default() -> Self {
        Self::Readable(Map::new())
    }
}

impl From<Result<Map<String, Value>>> for ViewerParameters {
    fn from(read: Result<Map<String, Value>>) -> Self {
        read.map_or_else(Self::Unreadable, Self::Readable)
    }
}

impl ViewRequest {
    /// The resource that is asked for: the one that the credential names, or the route's where the credential
    /// opens a whole deployment.
    pub fn reference(&self, claims: &Claims) -> Result<ResourceRef> {
        match &self.resource {
            Some(named) if claims.opens_deployment() => Ok(named.clone()),
            named => claims.resource(named.as_ref().map(|named| named.kind).or(self.kind)),
        }
    }
}

/// The names of parameters in the URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NamedBy {
    #[default]
    Slug,
    Id,
}

/// The terms that a view is opened under.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Terms {
    /// Published resources, under their own policy.
    #[default]
    Published,
    /// An admin's preview: published or not, under the policy in the token.
    Preview,
}

/// Determines the viewer of a credential, for any resource.
pub fn viewer(claims: &Claims, evidence: &Evidence) -> Result<Viewer> {
    check_session(claims, evidence.session)?;
    viewer_of(claims, evidence)
}

/// Requires the global switch to be on.
pub fn require_embedding(evidence: &Evidence) -> Result<()> {
    if evidence.embedding_enabled { Ok(()) } else { Err(Reason::EmbeddingDisabled.into()) }
}

/// Marks the parameters that a tag compares with two numbers.
fn mark_ranges(visible: &mut [VisibleParameter], content: Option<&Content>, questions: &CardQuestions) {
    for shown in visible.iter_mut().filter(|shown| shown.parameter.kind == ParameterType::Number) {
        shown.range = ChosenQuery::all(content, questions).iter().any(|chosen| {
            let tag = chosen.mapping.tag(&shown.parameter.slug).and_then(|tag| chosen.query.tags.get(tag));
            tag.is_some_and(|tag| tag.widget_type == Some(WidgetType::NumberBetween))
        });
    }
}

/// Decides about an authentic token that is in time, and about the resource that it was asked for.
pub fn view(
    claims: &Claims,
    request: &ViewRequest,
    reference: &ResourceRef,
    evidence: &Evidence,
    settings: &Settings,
) -> Result<View> {
    let viewer = viewer(claims, evidence)?;
    require_embedding(evidence)?;
    let resource = evidence.resource.clone().ok_or(Reason::ResourceNotFound)?;
    if !resource.is_called(reference) {
        return Err(Error::internal("evidence is about another resource"));
    }
    check_reach(request, evidence, &resource)?;
    if resource.archived {
        return Err(Reason::ResourceArchived.into());
    }
    let preview = match request.terms {
        Terms::Published if !resource.enable_embedding => return Err(Reason::ResourceNotPublished.into()),
        Terms::Published => None,
        Terms::Preview => Some(claims.preview_policy()?),
    };
    check_embed_session(claims, evidence, &resource)?;
    let given = match &request.parameters {
        ViewerParameters::Readable(given) | ViewerParameters::Wishes(given) => given,
        ViewerParameters::Unreadable(error) => return Err(error.clone()),
    };
    let version = version_of(claims, evidence, &resource);
    let content = match &version {
        Ok(Some(version)) => version.content.as_ref(),
        Ok(None) => resource.content.as_ref(),
        Err(_) => None,
    };
    let declared = with_derived(&resource.parameters, content);
    let by_slug;
    let url = match request.named_by {
        NamedBy::Slug => given,
        NamedBy::Id => {
            by_slug = slugs_for_ids(&declared, given)?;
            &by_slug
        }
    };
    let token_params = claims.params()?;
    let policy = preview.as_ref().unwrap_or(&resource.embedding_params);
    let given = Given { token: &token_params, url, attributes: &viewer.attributes };
    let (granted, ignored) = match request.parameters {
        ViewerParameters::Wishes(_) => {
            let (granted, ignored) = wishes::split(&declared, policy, given, settings);
            (Some(granted), ignored)
        }
        _ => (None, Vec::new()),
    };
    let given = Given { url: granted.as_ref().unwrap_or(url), ..given };
    let mut resolved = resolve_parameters::resolve(&declared, policy, given, settings)?;
    mark_ranges(&mut resolved.visible, content, &evidence.questions);
    let values =
        TextValues { visible: &resolved.visible, declared: &declared, given: &resolved.given_values };
    let content = content.map(|content| ViewedContent::of(content, &evidence.questions, &values));
    let locked = policy.iter().filter(|(_, visibility)| visibility.is_locked());
    let locked = locked.map(|(slug, _)| slug.clone()).collect();
    let version = version?;
    Ok(View {
        resource,
        content,
        version,
        visible: resolved.visible,
        values: resolved.values,
        given_values: resolved.given_values,
        token_params,
        locked,
        questions: evidence.questions.clone(),
        ignored,
        viewer,
        context: evidence.context.clone(),
        state: evidence.state.clone(),
        expires_at: claims.expires.map(Timestamp::from_unix),
    })
}

/// Checks that the route's resource is the token's, and that the session may open it. For this viewer, any other
/// resource does not exist.
fn check_reach(request: &ViewRequest, evidence: &Evidence, resource: &Resource) -> Result<()> {
    let is_asked = request.resource.as_ref().is_none_or(|named| resource.is_called(named));
    let is_open = evidence.context.as_ref().is_none_or(|context| {
        context.deployment == resource.deployment
            && context.dashboard.as_ref().is_none_or(|dashboard| *dashboard == resource.public_id)
    });
    if is_asked && is_open { Ok(()) } else { Err(Reason::ResourceNotFound.into()) }
}

/// Ends the session of a service account when its dive is unpublished, also after it is published again.
fn check_embed_session(claims: &Claims, evidence: &Evidence, resource: &Resource) -> Result<()> {
    let made_before = resource.published_at.is_some_and(|since| claims.issued < Some(since.unix()));
    let lacks_state = claims.has_state && evidence.state.is_none();
    if claims.account.is_some() && (made_before || lacks_state) {
        return Err(Reason::TokenRevoked.into());
    }
    Ok(())
}

/// Determines the viewer. A service account has its current attributes, not those at the time of the token. An external
/// user has those of the session, as long as the user and the tenant exist.
fn viewer_of(claims: &Claims, evidence: &Evidence) -> Result<Viewer> {
    let context = evidence.context.as_deref();
    let mut viewer = claims.viewer.clone();
    if claims.deployment.is_some() {
        let context = context.ok_or(Reason::TokenRevoked)?;
        let is_there = context.user == claims.user
            && context.user.is_none_or(|id| evidence.user.as_ref().is_some_and(|user| user.id == id))
            && context.tenant.as_ref().is_none_or(|(_, id)| evidence.tenant == Some(*id));
        if !is_there {
            return Err(Reason::TokenRevoked.into());
        }
        viewer.clone_from(&context.viewer);
    }
    match (&claims.account, &evidence.account) {
        (None, _) => Ok(viewer),
        (Some(id), Some(account)) if account.id == *id => {
            viewer.attributes.clone_from(&account.attributes);
            Ok(viewer)
        }
        (Some(_), _) => Err(Reason::TokenRevoked.into()),
    }
}

fn version_of(claims: &Claims, evidence: &Evidence, resource: &Resource) -> Result<Option<Arc<Version>>> {
    let kept = evidence.version.as_ref().filter(|_| resource.kind.has_named_versions());
    match (claims.version, kept) {
        (None, _) => Ok(None),
        (Some(asked), Some(version)) if version.summary.version == asked => Ok(Some(Arc::clone(version))),
        (Some(_), _) => Err(Reason::VersionNotFound.into()),
    }
}

fn slugs_for_ids(declared: &[Parameter], url: &Map<String, Value>) -> Result<Map<String, Value>> {
    let slug = |(id, value): (&String, &Value)| match Parameter::by_id(declared, id) {
        Some(parameter) => Ok((parameter.slug.clone(), value.clone())),
        None => Err(Error::new(Reason::ParameterUnknown).message(format!(
            "Invalid query params: could not determine slug for parameter with ID \"{}\"",
            quoted(id)
        ))),
    };
    url.iter().map(slug).collect()
}

fn check_session(claims: &Claims, state: SessionState) -> Result<()> {
    match state {
        SessionState::Revoked => Err(Reason::TokenRevoked.into()),
        SessionState::Redeemed => Ok(()),
        // The token of a stored session is valid only while the session exists.
        SessionState::Absent | SessionState::Waiting if claims.session.is_some() => {
            Err(Reason::TokenRevoked.into())
        }
        SessionState::Absent | SessionState::Waiting => Ok(()),
    }
}
