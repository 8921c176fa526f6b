//! From a credential to a view: the keys, the evidence and the decision, in that order.

use std::sync::Arc;

use crate::app::request_context;
use crate::aws::signing_keys::SigningKeys;
use crate::aws::signing_keys::usage::KeyUsageRecorder;
use crate::aws::storage::{EvidenceKeys, EvidenceReader, RefusalRecordWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::resource::ids::{Deployment, ResourceRef};
use vitrine_rules::session::Context;
use vitrine_rules::settings::Settings;
use vitrine_rules::token::{self, Authentic, Claims};
use vitrine_rules::view::decide::{self, Evidence, View, ViewRequest};
use vitrine_rules::view::refusal_record::{Known, RefusalRecord};
use vitrine_rules::viewer::Viewer;
use vitrine_rules::viewer::external_user::ExternalUser;

crate::capability_set! {
    pub struct ViewOpener {
        keys: SigningKeys,
        evidence: EvidenceReader,
        meter: KeyUsageRecorder,
        decisions: RefusalRecordWriter,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

/// Who a token of a deployment's session stands for.
#[derive(Debug, Clone)]
pub struct DeploymentViewer {
    pub viewer: Viewer,
    pub context: Arc<Context>,
    /// What we know of the viewer, if that is an external user.
    pub user: Option<Arc<ExternalUser>>,
}

/// What a token is good for.
#[derive(Debug)]
pub enum Standing {
    View(Box<View>),
    /// Whatever is published in a deployment.
    Session(DeploymentViewer),
}

impl Standing {
    pub fn deployment(&self) -> Deployment {
        match self {
            Self::View(view) => view.resource.deployment,
            Self::Session(recognised) => recognised.context.deployment,
        }
    }
}

impl ViewOpener {
    /// Opens a view: the only way to one.
    pub async fn open(&self, token: Option<&str>, asked: &ViewRequest) -> Result<(View, Claims)> {
        let authentic = self.authenticate(token).await?;
        let known = known(&authentic, asked);
        let opened = self.open_with(authentic.claims, asked).await;
        opened.inspect_err(|error| self.refused(error, &known))
    }

    /// Who a token stands for; and what it shows, if it names a resource.
    pub async fn look(&self, token: Option<&str>) -> Result<(Standing, Claims)> {
        let authentic = self.authenticate(token).await?;
        let known = known(&authentic, &ViewRequest::default());
        let claims = authentic.claims;
        let stands = if claims.opens_deployment() {
            self.recognise_with(claims).await.map(|(known, claims)| (Standing::Session(known), claims))
        } else {
            let opened = self.open_with(claims, &ViewRequest::default()).await;
            opened.map(|(view, claims)| (Standing::View(Box::new(view)), claims))
        };
        stands.inspect_err(|error| self.refused(error, &known))
    }

    /// Who a token stands for that came out of a session of a deployment.
    pub async fn recognise(&self, token: Option<&str>) -> Result<DeploymentViewer> {
        let authentic = self.authenticate(token).await?;
        let known = known(&authentic, &ViewRequest::default());
        let recognised = match authentic.claims.deployment {
            None => Err(Reason::SessionRequired.into()),
            Some(_) => self.recognise_with(authentic.claims).await.map(|(recognised, _)| recognised),
        };
        recognised.inspect_err(|error| self.refused(error, &known))
    }

    async fn authenticate(&self, token: Option<&str>) -> Result<Authentic> {
        let authentic = match token {
            None => Err(Reason::TokenMissing.into()),
            Some(token) => self.keys.authenticate(token).await,
        };
        let authentic = authentic.inspect_err(|error| self.refused(error, &Known::default()))?;
        request_context::signing_key(&authentic.kid);
        self.meter.used(&authentic.kid);
        Ok(authentic)
    }

    /// Keeps why, for who asks about the request later. An outage is no decision.
    fn refused(&self, error: &Error, known: &Known) {
        if error.status() < 500
            && let Some(request_id) = request_context::request_id()
        {
            let now = self.clock.now();
            self.decisions.keep(RefusalRecord::of(error, known, &self.settings, request_id, now));
        }
    }

    async fn open_with(&self, claims: Claims, asked: &ViewRequest) -> Result<(View, Claims)> {
        let reference = asked.about(&claims);
        if let Ok(reference) = &reference {
            request_context::resource(reference);
        }
        token::check_time(&claims, &self.settings, self.clock.now())?;
        let sought = sought(&claims, Some(reference?));
        let mut evidence = self.evidence.gather(sought.clone()).await?;
        if is_of_another(&claims, &evidence) {
            // It may have been made anew since we looked.
            evidence = self.evidence.gather_now(sought).await?;
        }
        let view = decide::view(&claims, asked, &evidence, &self.settings)?;
        Ok((view, claims))
    }

    async fn recognise_with(&self, claims: Claims) -> Result<(DeploymentViewer, Claims)> {
        token::check_time(&claims, &self.settings, self.clock.now())?;
        let mut evidence = self.evidence.gather(sought(&claims, None)).await?;
        if is_of_another(&claims, &evidence) {
            evidence = self.evidence.gather_now(sought(&claims, None)).await?;
        }
        let viewer = decide::viewer(&claims, &evidence)?;
        decide::require_embedding(&evidence)?;
        let context = evidence.context.ok_or(Reason::SessionRequired)?;
        Ok((DeploymentViewer { viewer, context, user: evidence.user }, claims))
    }

    /// Is the global switch on? If not, that is said in the caller's own way.
    pub async fn require_embedding(&self, otherwise: Reason) -> Result<()> {
        if self.evidence.embedding_enabled().await? { Ok(()) } else { Err(otherwise.into()) }
    }

    /// Could anything be decided at all right now?
    pub async fn check(&self) -> Result<()> {
        self.keys.check().await?;
        self.evidence.embedding_enabled().await.map(drop)
    }
}

fn known(authentic: &Authentic, asked: &ViewRequest) -> Known {
    Known::of(&authentic.claims, asked.about(&authentic.claims).ok(), authentic.kid.clone())
}

/// Who has the name that the token says is not who the token was made for.
fn is_of_another(claims: &Claims, evidence: &Evidence) -> bool {
    let account =
        evidence.account.as_ref().is_some_and(|account| claims.account.as_ref() != Some(&account.id));
    let user = evidence.user.as_ref().is_some_and(|user| claims.user != Some(user.id));
    let tenant = evidence.context.as_ref().and_then(|context| context.tenant.as_ref());
    account || user || tenant.is_some_and(|(_, id)| evidence.tenant != Some(*id))
}

/// What a decision about these claims needs to know, by its ids.
pub(crate) fn sought(claims: &Claims, resource: Option<ResourceRef>) -> EvidenceKeys {
    let named = claims.viewer.id.as_ref();
    let username = claims.account.as_ref().and(named);
    let external_id = claims.user.and(named);
    let state = claims.token_id.as_ref().filter(|_| claims.has_state);
    EvidenceKeys {
        resource,
        session: filed_under(claims),
        version: claims.version,
        account: username.and_then(|name| name.parse().ok()),
        user: external_id.and_then(|id| id.parse().ok()),
        tenant: claims.tenant.clone(),
        state: state.map(|id| random::fingerprint(id)),
    }
}

/// What a session or a revocation of this token is filed under. A session's id is a fingerprint already.
pub fn filed_under(claims: &Claims) -> Option<String> {
    claims.session.clone().or_else(|| claims.token_id.as_deref().map(random::fingerprint))
}
