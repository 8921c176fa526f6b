//! Finds the resource that a credential names, to determine who may frame its page. Opens no view.

use std::sync::Arc;

use crate::app::request_context;
use crate::aws::signing_keys::SigningKeys;
use crate::aws::storage::EvidenceReader;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::{Kind, ResourceRef};
use vitrine_rules::settings::Settings;
use vitrine_rules::token::UnknownKid;
use vitrine_rules::token::mint::CONSOLE;

crate::capability_set! {
    pub struct FrameOwners {
        keys: SigningKeys,
        evidence: EvidenceReader,
        settings: Arc<Settings>,
    }
}

/// The resource that a token names.
pub struct TokenOwner {
    pub resource: Arc<Resource>,
    /// The token is for a preview, which the console frames and nobody else.
    pub is_preview: bool,
}

impl FrameOwners {
    /// The resource that a token names, even if the token opens no view: the page that explains the refusal is framed as
    /// well.
    pub async fn of_token(&self, token: &str, kind: Kind) -> Option<TokenOwner> {
        let authentic = self.keys.authenticate(token, UnknownKid::Ignored).await.ok()?;
        request_context::signing_key(&authentic.kid);
        let resource = self.find(&authentic.claims.resource(Some(kind)).ok()?).await?;
        Some(TokenOwner { resource, is_preview: authentic.claims.issuer.as_deref() == Some(CONSOLE) })
    }

    /// The resource with one of its ids, for the same purpose.
    pub async fn find(&self, reference: &ResourceRef) -> Option<Arc<Resource>> {
        request_context::resource(reference);
        let resource = self.evidence.resource(reference).await.ok().flatten();
        if resource.as_ref().is_some_and(|resource| resource.has_origins_left_out(&self.settings)) {
            tracing::warn!(
                "not all allowed_origins fit into the header: the last ones may not frame the page"
            );
        }
        resource
    }
}
