//! Opens views: authenticates a credential, loads the evidence and decides, in that order.

use std::sync::Arc;

use crate::app::request_context;
use crate::aws::signing_keys::SigningKeys;
use crate::aws::signing_keys::usage::KeyUsageRecorder;
use crate::aws::storage::{ActivityRecorder, EvidenceKeys, EvidenceReader, RefusalRecordWriter};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::reach::{Placed, Reach};
use vitrine_rules::resource::ids::{Deployment, ResourceRef};
use vitrine_rules::session::SessionContext;
use vitrine_rules::settings::Settings;
use vitrine_rules::token::mint::CONSOLE;
use vitrine_rules::token::{self, Authentic, Claims, UnknownKid};
use vitrine_rules::view::activity::ActivityEvent;
use vitrine_rules::view::decide::{self, Evidence, Terms, View, ViewRequest};
use vitrine_rules::view::refusal_count;
use vitrine_rules::view::refusal_record::{RefusalContext, RefusalRecord};
use vitrine_rules::viewer::Viewer;
use vitrine_rules::viewer::external_user::ExternalUser;

crate::capability_set! {
    pub struct ViewOpener {
        keys: SigningKeys,
        evidence: EvidenceReader,
        meter: KeyUsageRecorder,
        decisions: RefusalRecordWriter,
        activity: ActivityRecorder,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

/// The viewer of a token that came out of a deployment's session.
#[derive(Debug, Clone)]
pub struct DeploymentViewer {
    pub viewer: Viewer,
    pub context: Arc<SessionContext>,
    /// The stored record of the viewer, for an external user.
    pub user: Option<Arc<ExternalUser>>,
}

/// The things that a token opens.
#[derive(Debug)]
pub enum TokenScope {
    View(Box<View>),
    /// Everything that is published in a deployment.
    Session(DeploymentViewer),
}

impl Placed for TokenScope {
    fn deployment(&self) -> Deployment {
        match self {
            Self::View(view) => view.resource.deployment,
            Self::Session(recognised) => recognised.context.deployment,
        }
    }
}

impl ViewOpener {
    /// Opens a view. There is no other way to one.
    pub async fn open(&self, token: Option<&str>, request: &ViewRequest) -> Result<View> {
        self.open_within(token, request, &Reach::stack()).await
    }

    /// Opens a view for work that may still be refused, with the context of its record.
    pub async fn open_for_work(
        &self,
        token: Option<&str>,
        request: &ViewRequest,
    ) -> Result<(View, RefusalContext)> {
        let Authentic { claims, kid } = self.authenticate(token, request.unknown_kid).await?;
        let reference = request.reference(&claims);
        let opened = self.open_with(&claims, request, &reference, &Reach::stack()).await;
        let context = RefusalContext::of(&claims, reference.ok(), kid);
        match opened {
            Ok(view) => Ok((view, context)),
            Err(error) => {
                self.refused(&error, || context);
                Err(error)
            }
        }
    }

    /// Records a refusal of the work for an opened view, like one of the view itself.
    pub fn refused_work(&self, error: &Error, context: RefusalContext) {
        self.refused(error, || context);
    }

    /// Opens an admin's preview of a resource that the key may know of.
    pub async fn preview(&self, key: &AccessKey, token: &str, request: ViewRequest) -> Result<View> {
        self.require_embedding(Reason::EmbeddingSwitchedOff).await?;
        let request = ViewRequest { terms: Terms::Preview, ..request };
        self.open_within(Some(token), &request, &key.reach).await
    }

    async fn open_within(&self, token: Option<&str>, request: &ViewRequest, reach: &Reach) -> Result<View> {
        let Authentic { claims, kid } = self.authenticate(token, request.unknown_kid).await?;
        let reference = request.reference(&claims);
        let opened = self.open_with(&claims, request, &reference, reach).await;
        let is_preview = matches!(request.terms, Terms::Preview) || claims.issuer.as_deref() == Some(CONSOLE);
        if opened.is_ok() && !is_preview {
            self.activity.count(ActivityEvent::Viewed);
        }
        let context = || RefusalContext::of(&claims, reference.ok(), kid);
        match &opened {
            Ok(view) if view.ignored.is_empty() => {}
            Ok(view) => self.ignored(&view.ignored, &context()),
            Err(error) => self.refused(error, context),
        }
        opened
    }

    /// Opens the scope of a token: the view of the resource that it names, or its deployment's session.
    pub async fn look(&self, token: Option<&str>) -> Result<(TokenScope, Claims)> {
        let Authentic { claims, kid } = self.authenticate(token, UnknownKid::Refused).await?;
        let request = ViewRequest::default();
        let reference = request.reference(&claims);
        let scope = if claims.opens_deployment() {
            self.recognise_with(&claims).await.map(TokenScope::Session)
        } else {
            let opened = self.open_with(&claims, &request, &reference, &Reach::stack()).await;
            opened.map(|view| TokenScope::View(Box::new(view)))
        };
        match scope {
            Ok(scope) => Ok((scope, claims)),
            Err(error) => {
                self.refused(&error, || RefusalContext::of(&claims, reference.ok(), kid));
                Err(error)
            }
        }
    }

    /// The viewer of a token that came out of a deployment's session.
    pub async fn recognise(&self, token: Option<&str>) -> Result<DeploymentViewer> {
        self.recognise_for_work(token).await.map(|(viewer, _)| viewer)
    }

    /// The viewer for work that may still be refused, with the context of its record.
    pub async fn recognise_for_work(
        &self,
        token: Option<&str>,
    ) -> Result<(DeploymentViewer, RefusalContext)> {
        let Authentic { claims, kid } = self.authenticate(token, UnknownKid::Refused).await?;
        let recognised = match claims.deployment {
            None => Err(Reason::SessionRequired.into()),
            Some(_) => self.recognise_with(&claims).await,
        };
        let context = RefusalContext::of(&claims, ViewRequest::default().reference(&claims).ok(), kid);
        match recognised {
            Ok(viewer) => Ok((viewer, context)),
            Err(error) => {
                self.refused(&error, || context);
                Err(error)
            }
        }
    }

    async fn authenticate(&self, token: Option<&str>, unknown_kid: UnknownKid) -> Result<Authentic> {
        let authentic = match token {
            None => Err(Reason::TokenMissing.into()),
            Some(token) => self.keys.authenticate(token, unknown_kid).await,
        };
        let authentic = authentic.inspect_err(|error| {
            if refusal_count::is_unauthenticated(error.reason) {
                self.count(error);
            } else {
                self.refused(error, RefusalContext::default);
            }
        })?;
        self.decisions.write_counts();
        request_context::signing_key(&authentic.kid);
        self.meter.used(&authentic.kid);
        Ok(authentic)
    }

    /// Keeps the reason for whoever asks about the request later. An outage is no refusal.
    fn refused(&self, error: &Error, context: impl FnOnce() -> RefusalContext) {
        if !error.is_outage()
            && let Some(request_id) = request_context::request_id()
        {
            let (now, context) = (self.clock.now(), context());
            self.activity.count(ActivityEvent::Refused);
            if let (Reason::QueryFailed, Some(resource)) = (error.reason, &context.resource) {
                self.activity.broke(resource, error.reason, request_id.clone());
            }
            self.decisions.keep(RefusalRecord::of(error, &context, &self.settings, request_id, now));
        }
    }

    /// Counts a refusal that anybody can cause, so that a flood of them writes next to nothing.
    fn count(&self, error: &Error) {
        if !error.is_outage() {
            self.decisions.count(error.reason);
            self.activity.count(ActivityEvent::Unauthenticated);
        }
    }

    /// Keeps the names of the wishes that were left out.
    fn ignored(&self, names: &[String], context: &RefusalContext) {
        if let Some(request_id) = request_context::request_id() {
            let now = self.clock.now();
            self.decisions.keep(RefusalRecord::of_ignored(names, context, request_id, now));
        }
    }

    async fn open_with(
        &self,
        claims: &Claims,
        request: &ViewRequest,
        reference: &Result<ResourceRef>,
        reach: &Reach,
    ) -> Result<View> {
        if let Ok(reference) = reference {
            request_context::resource(reference);
        }
        token::check_time(claims, &self.settings, self.clock.now())?;
        let reference = reference.as_ref().map_err(Clone::clone)?;
        let evidence = self.load_evidence(claims, Some(reference)).await?;
        let evidence = Evidence { resource: reach.see(evidence.resource), ..evidence };
        decide::view(claims, request, reference, &evidence, &self.settings)
    }

    async fn load_evidence(&self, claims: &Claims, resource: Option<&ResourceRef>) -> Result<Evidence> {
        let keys = || evidence_keys(claims, resource.cloned());
        let evidence = self.evidence.load(keys()).await?;
        // The account, user or tenant may have been created again since it was cached.
        if is_of_another(claims, &evidence) {
            self.evidence.load_uncached(keys()).await
        } else {
            Ok(evidence)
        }
    }

    async fn recognise_with(&self, claims: &Claims) -> Result<DeploymentViewer> {
        token::check_time(claims, &self.settings, self.clock.now())?;
        let evidence = self.load_evidence(claims, None).await?;
        let viewer = decide::viewer(claims, &evidence)?;
        decide::require_embedding(&evidence)?;
        let context = evidence.context.ok_or(Reason::SessionRequired)?;
        Ok(DeploymentViewer { viewer, context, user: evidence.user })
    }

    /// Requires the global switch to be on, and answers `otherwise` if it is not.
    pub async fn require_embedding(&self, otherwise: Reason) -> Result<()> {
        if self.evidence.embedding_enabled().await? { Ok(()) } else { Err(otherwise.into()) }
    }

    /// Checks that keys and storage can be read, so that something can be decided.
    pub async fn check(&self) -> Result<()> {
        self.keys.check().await?;
        self.evidence.embedding_enabled().await.map(drop)
    }
}

/// Returns whether the name in the token belongs to another account, user or tenant by now.
fn is_of_another(claims: &Claims, evidence: &Evidence) -> bool {
    let account =
        evidence.account.as_ref().is_some_and(|account| claims.account.as_ref() != Some(&account.id));
    let user = evidence.user.as_ref().is_some_and(|user| claims.user != Some(user.id));
    let tenant = evidence.context.as_ref().and_then(|context| context.tenant.as_ref());
    account || user || tenant.is_some_and(|(_, id)| evidence.tenant != Some(*id))
}

/// The keys of the evidence that a decision about these claims needs.
pub(crate) fn evidence_keys(claims: &Claims, resource: Option<ResourceRef>) -> EvidenceKeys {
    let named = claims.viewer.id.as_ref();
    let username = claims.account.as_ref().and(named);
    let external_id = claims.user.and(named);
    let state = claims.token_id.as_ref().filter(|_| claims.has_state);
    EvidenceKeys {
        resource,
        session: session_key(claims),
        version: claims.version,
        account: username.and_then(|name| name.parse().ok()),
        user: external_id.and_then(|id| id.parse().ok()),
        tenant: claims.tenant.clone(),
        state: state.map(|id| random::fingerprint(id)),
    }
}

/// The key under which the session or the revocation of a token is stored. A session's id is a fingerprint already: one of
/// another form is stored nowhere, and its token opens nothing.
pub fn session_key(claims: &Claims) -> Option<String> {
    match &claims.session {
        Some(session) => random::is_fingerprint(session).then(|| session.clone()),
        None => claims.token_id.as_deref().map(random::fingerprint),
    }
}
