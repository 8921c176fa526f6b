//! Lets the owner see a published resource as one viewer would see it, inside the console.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app::dry_run::DryRuns;
use crate::aws::signing_keys::SigningKeys;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::Result;
use vitrine_rules::permission::Permission;
use vitrine_rules::random;
use vitrine_rules::resource::ids::ResourceRef;
use vitrine_rules::session::SessionGrant;
use vitrine_rules::settings::Settings;
use vitrine_rules::token::Claims;
use vitrine_rules::token::mint::{CONSOLE, TokenToMint};
use vitrine_rules::viewer::Viewer;

/// The life of a preview's token: ten minutes.
const TOKEN_SECONDS: i64 = 600;

crate::capability_set! {
    pub struct ResourcePreviewer {
        keys: SigningKeys,
        dry_runs: DryRuns,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

impl ResourcePreviewer {
    /// Returns a token whose page only the console can frame. It is checked by a dry run first, with the same answer that
    /// the viewer would get.
    pub async fn preview(
        &self,
        key: &AccessKey,
        resource: &ResourceRef,
        params: Map<String, Value>,
        viewer: Viewer,
    ) -> Result<String> {
        key.require(Permission::SessionsCreate)?;
        let claims = Claims::granting(resource, params.clone(), viewer.clone());
        let resource = self.dry_runs.check(&claims, &key.reach).await?.resource;
        let grant = SessionGrant {
            resource: Some((resource.kind, resource.id.clone())),
            params,
            viewer,
            ..SessionGrant::default()
        };
        let now = self.clock.now();
        let to_mint = TokenToMint {
            issuer: CONSOLE,
            grant: &grant,
            version: None,
            has_state: false,
            token_id: &random::short_id()?,
            session: None,
            issued: now,
            expires: now.plus(TOKEN_SECONDS.min(self.settings.longest_made())),
        };
        self.keys.mint(&to_mint).await
    }
}
