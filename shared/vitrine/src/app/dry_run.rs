//! Would a credential open anything? ViewRequest before one is made, so that none is made that would not.

use std::sync::Arc;

use serde_json::Map;

use crate::app::open_view::sought;
use crate::aws::signing_keys::SigningKeys;
use crate::aws::storage::{EvidenceKeys, EvidenceReader};
use vitrine_rules::error::Result;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::ResourceRef;
use vitrine_rules::session::Context;
use vitrine_rules::settings::Settings;
use vitrine_rules::token::Claims;
use vitrine_rules::view::decide::{self, Evidence, View, ViewRequest};

crate::capability_set! {
    pub struct DryRuns {
        keys: SigningKeys,
        evidence: EvidenceReader,
        settings: Arc<Settings>,
    }
}

impl DryRuns {
    /// Would a token that vouches for this open a view? ViewRequest before one is made.
    /// `reach` says whether the caller may know of the resource, before anything else is said about it.
    pub async fn rehearse(
        &self,
        claims: &Claims,
        reach: impl FnOnce(&Resource) -> Result<()>,
    ) -> Result<View> {
        let evidence = self.evidence.gather_now(sought(claims, Some(claims.resource(None)?))).await?;
        evidence.resource.as_deref().map_or(Ok(()), reach)?;
        decide::view(claims, &ViewRequest::default(), &evidence, &self.settings)
    }

    /// What is needed to say whether a session of a deployment could be opened.
    pub async fn rehearsal(&self, dashboard: Option<ResourceRef>) -> Result<DryRun> {
        let sought = EvidenceKeys { resource: dashboard.clone(), ..EvidenceKeys::default() };
        let evidence = match dashboard {
            Some(_) => self.evidence.gather_now(sought).await?,
            None => self.evidence.gather(sought).await?,
        };
        decide::require_embedding(&evidence)?;
        Ok(DryRun { evidence, dashboard, settings: Arc::clone(&self.settings) })
    }

    pub const fn keys(&self) -> &SigningKeys {
        &self.keys
    }
}

/// Read before a session is made, so that none is made that would open nothing.
pub struct DryRun {
    evidence: Evidence,
    /// The one dashboard that the session is about.
    dashboard: Option<ResourceRef>,
    settings: Arc<Settings>,
}

impl DryRun {
    /// The one dashboard, if the session is about one and could open it.
    pub fn open(&self, context: &Context) -> Result<Option<Arc<Resource>>> {
        let Some(dashboard) = &self.dashboard else { return Ok(None) };
        let evidence = Evidence { context: Some(Arc::new(context.clone())), ..self.evidence.clone() };
        let claims = Claims::vouching(dashboard, Map::new(), context.viewer.clone());
        decide::view(&claims, &ViewRequest::default(), &evidence, &self.settings)
            .map(|view| Some(view.resource))
    }
}
