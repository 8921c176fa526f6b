//! Would a credential open anything? Asked before one is made, so that none is made that would not.

use std::sync::Arc;

use serde_json::Map;

use crate::error::Result;
use crate::identifiers::ResourceRef;
use crate::resource::Resource;
use crate::secrets::SigningKeys;
use crate::session::Context;
use crate::settings::Settings;
use crate::storage::{EvidenceReader, Sought};
use crate::token::Claims;
use crate::view::{self, Asked, Evidence, View};
use crate::views::sought;

crate::composed! {
    pub struct Rehearsals {
        keys: SigningKeys,
        evidence: EvidenceReader,
        settings: Arc<Settings>,
    }
}

impl Rehearsals {
    /// Would a token that vouches for this open a view? Asked before one is made.
    /// `reach` says whether the caller may know of the resource, before anything else is said about it.
    pub async fn rehearse(
        &self,
        claims: &Claims,
        reach: impl FnOnce(&Resource) -> Result<()>,
    ) -> Result<View> {
        let evidence = self.evidence.gather_now(sought(claims, Some(claims.resource(None)?))).await?;
        evidence.resource.as_deref().map_or(Ok(()), reach)?;
        view::decide(claims, &Asked::default(), &evidence, &self.settings)
    }

    /// What is needed to say whether a session of a deployment could be opened.
    pub async fn rehearsal(&self, dashboard: Option<ResourceRef>) -> Result<Rehearsal> {
        let sought = Sought { resource: dashboard.clone(), ..Sought::default() };
        let evidence = match dashboard {
            Some(_) => self.evidence.gather_now(sought).await?,
            None => self.evidence.gather(sought).await?,
        };
        view::require_embedding(&evidence)?;
        Ok(Rehearsal { evidence, dashboard, settings: Arc::clone(&self.settings) })
    }

    pub const fn keys(&self) -> &SigningKeys {
        &self.keys
    }
}

/// Read before a session is made, so that none is made that would open nothing.
pub struct Rehearsal {
    evidence: Evidence,
    /// The one dashboard that the session is about.
    dashboard: Option<ResourceRef>,
    settings: Arc<Settings>,
}

impl Rehearsal {
    /// The one dashboard, if the session is about one and could open it.
    pub fn open(&self, context: &Context) -> Result<Option<Arc<Resource>>> {
        let Some(dashboard) = &self.dashboard else { return Ok(None) };
        let evidence = Evidence { context: Some(Arc::new(context.clone())), ..self.evidence.clone() };
        let claims = Claims::vouching(dashboard, Map::new(), context.viewer.clone());
        view::decide(&claims, &Asked::default(), &evidence, &self.settings).map(|view| Some(view.resource))
    }
}
