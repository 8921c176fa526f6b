//! Dry runs: checks that a credential would open something, before it is created.

use std::sync::Arc;

use serde_json::Map;

use crate::app::open_view::evidence_keys;
use crate::aws::storage::{EvidenceKeys, EvidenceReader};
use vitrine_rules::error::Result;
use vitrine_rules::reach::Reach;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::ResourceRef;
use vitrine_rules::session::SessionContext;
use vitrine_rules::settings::Settings;
use vitrine_rules::token::Claims;
use vitrine_rules::view::decide::{self, Evidence, View, ViewRequest};

crate::capability_set! {
    pub struct DryRuns {
        evidence: EvidenceReader,
        settings: Arc<Settings>,
    }
}

impl DryRuns {
    /// Checks that a token with these claims would open a view of a resource that the caller may know of.
    pub async fn check(&self, claims: &Claims, reach: &Reach) -> Result<View> {
        let reference = claims.resource(None)?;
        let evidence = self.evidence.load_uncached(evidence_keys(claims, Some(reference.clone()))).await?;
        let evidence = Evidence { resource: reach.see(evidence.resource), ..evidence };
        decide::view(claims, &ViewRequest::default(), &reference, &evidence, &self.settings)
    }

    /// Loads the evidence for a session of a deployment, which may be limited to one dashboard.
    pub async fn of_session(&self, dashboard: Option<ResourceRef>) -> Result<DryRun> {
        let keys = EvidenceKeys { resource: dashboard.clone(), ..EvidenceKeys::default() };
        let evidence = match dashboard {
            Some(_) => self.evidence.load_uncached(keys).await?,
            None => self.evidence.load(keys).await?,
        };
        decide::require_embedding(&evidence)?;
        Ok(DryRun { evidence, dashboard, settings: Arc::clone(&self.settings) })
    }
}

/// The evidence for a session that is about to be created.
pub struct DryRun {
    evidence: Evidence,
    /// The dashboard that the session is limited to.
    dashboard: Option<ResourceRef>,
    settings: Arc<Settings>,
}

impl DryRun {
    /// The dashboard that the session is limited to, if the session would open it.
    pub fn open(&self, context: &SessionContext) -> Result<Option<Arc<Resource>>> {
        let Some(dashboard) = &self.dashboard else { return Ok(None) };
        let evidence = Evidence { context: Some(Arc::new(context.clone())), ..self.evidence.clone() };
        let claims = Claims::granting(dashboard, Map::new(), context.viewer.clone());
        decide::view(&claims, &ViewRequest::default(), dashboard, &evidence, &self.settings)
            .map(|view| Some(view.resource))
    }
}
