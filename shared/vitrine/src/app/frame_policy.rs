//! Which resource a credential is about: enough to say who may frame the page that shows it, or that
//! explains why it is not shown. Decides nothing.

use std::sync::Arc;

use crate::app::request_context;
use crate::aws::signing_keys::SigningKeys;
use crate::aws::storage::EvidenceReader;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::{Kind, ResourceRef};

crate::capability_set! {
    pub struct FrameOwners {
        keys: SigningKeys,
        evidence: EvidenceReader,
    }
}

impl FrameOwners {
    /// Which resource a credential is about, whatever else may be wrong with it: enough to say who may
    /// frame the page that explains what is wrong.
    pub async fn place(&self, token: &str, kind: Kind) -> Option<Arc<Resource>> {
        let authentic = self.keys.authenticate(token).await.ok()?;
        request_context::signing_key(&authentic.kid);
        self.find(&authentic.claims.resource(Some(kind)).ok()?).await
    }

    /// A resource by one of its ids, for the same purpose.
    pub async fn find(&self, reference: &ResourceRef) -> Option<Arc<Resource>> {
        request_context::resource(reference);
        self.evidence.resource(reference).await.ok().flatten()
    }
}
