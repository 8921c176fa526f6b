//! From a credential to a view: the keys, the evidence and the decision, in that order.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::audit;
use crate::capability::{Capability, Grant};
use crate::clock::Clock;
use crate::environment::Environment;
use crate::error::{Reason, Result};
use crate::identifiers::{Kind, ResourceRef};
use crate::random;
use crate::resource::Resource;
use crate::secrets::SigningKeys;
use crate::settings::Settings;
use crate::storage::{EvidenceReader, Sought};
use crate::token::{self, Claims};
use crate::view::{self, Asked, Evidence, View};

#[derive(Clone)]
pub struct Views {
    keys: SigningKeys,
    evidence: EvidenceReader,
    settings: Arc<Settings>,
    clock: Clock,
}

impl Capability for Views {
    fn grants() -> BTreeSet<Grant> {
        SigningKeys::grants().into_iter().chain(EvidenceReader::grants()).collect()
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            keys: SigningKeys::connect(environment),
            evidence: EvidenceReader::connect(environment),
            settings: Arc::clone(&environment.settings),
            clock: environment.clock.clone(),
        }
    }

    async fn warm(&self) {
        tokio::join!(self.keys.warm(), self.evidence.warm());
    }
}

impl Views {
    /// Opens a view: the only way to one.
    pub async fn open(&self, token: &str, asked: &Asked) -> Result<(View, Claims)> {
        let authentic = self.keys.authenticate(token).await?;
        let claims = authentic.claims;
        audit::signing_key(&authentic.kid);
        let reference = claims.resource(asked.kind);
        if let Ok(reference) = &reference {
            audit::resource(reference);
        }
        token::check_time(&claims, &self.settings, self.clock.now())?;
        let reference = reference?;
        let mut evidence = self.evidence.gather(sought(&claims, reference.clone())).await?;
        if is_of_another_account(&claims, &evidence) {
            // It may have been made anew since we looked.
            evidence = self.evidence.gather_now(sought(&claims, reference)).await?;
        }
        let view = view::decide(&claims, asked, &evidence, &self.settings)?;
        Ok((view, claims))
    }

    /// Which resource a credential is about, whatever else may be wrong with it: enough to say who may
    /// frame the page that explains what is wrong.
    pub async fn place(&self, token: &str, kind: Kind) -> Option<Arc<Resource>> {
        let authentic = self.keys.authenticate(token).await.ok()?;
        audit::signing_key(&authentic.kid);
        self.find(&authentic.claims.resource(Some(kind)).ok()?).await
    }

    /// A resource by one of its ids, for the same purpose.
    pub async fn find(&self, reference: &ResourceRef) -> Option<Arc<Resource>> {
        audit::resource(reference);
        self.evidence.resource(reference).await.ok().flatten()
    }

    /// A preview is administration, and that needs the switch on.
    pub async fn require_embedding(&self) -> Result<()> {
        if self.evidence.embedding_enabled().await? {
            Ok(())
        } else {
            Err(Reason::EmbeddingSwitchedOff.into())
        }
    }

    /// Could anything be decided at all right now?
    pub async fn check(&self) -> Result<()> {
        self.keys.check().await?;
        self.evidence.embedding_enabled().await.map(drop)
    }

    /// Would a token that vouches for this open a view? Asked before one is made.
    /// `reach` says whether the caller may know of the resource, before anything else is said about it.
    pub async fn rehearse(
        &self,
        claims: &Claims,
        reach: impl FnOnce(&Resource) -> Result<()>,
    ) -> Result<View> {
        let evidence = self.evidence.gather_now(sought(claims, claims.resource(None)?)).await?;
        evidence.resource.as_deref().map_or(Ok(()), reach)?;
        view::decide(claims, &Asked::default(), &evidence, &self.settings)
    }

    pub const fn keys(&self) -> &SigningKeys {
        &self.keys
    }
}

fn is_of_another_account(claims: &Claims, evidence: &Evidence) -> bool {
    evidence.account.as_ref().is_some_and(|account| claims.account.as_ref() != Some(&account.id))
}

/// What a decision about these claims needs to know, by its ids.
fn sought(claims: &Claims, resource: ResourceRef) -> Sought {
    let username = claims.account.as_ref().and(claims.viewer.id.as_ref());
    let state = claims.token_id.as_ref().filter(|_| claims.has_state);
    Sought {
        resource,
        session: filed_under(claims),
        version: claims.version,
        account: username.and_then(|name| name.parse().ok()),
        state: state.map(|id| random::fingerprint(id)),
    }
}

/// What a session or a revocation of this token is filed under. A session's id is a fingerprint already.
pub fn filed_under(claims: &Claims) -> Option<String> {
    claims.session.clone().or_else(|| claims.token_id.as_deref().map(random::fingerprint))
}
