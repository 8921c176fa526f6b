//! Which resource a credential is about: enough to say who may frame the page that shows it, or that
//! explains why it is not shown. Decides nothing.

use std::sync::Arc;

use crate::audit;
use crate::identifiers::{Kind, ResourceRef};
use crate::resource::Resource;
use crate::secrets::SigningKeys;
use crate::storage::EvidenceReader;

crate::composed! {
    pub struct Places {
        keys: SigningKeys,
        evidence: EvidenceReader,
    }
}

impl Places {
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
}
