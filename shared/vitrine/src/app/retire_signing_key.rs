//! Retires a signing key that no token in use was signed with, and lists the keys with their use.

use std::sync::Arc;

use futures_util::future::try_join_all;

use crate::aws::signing_keys::replace::SigningKeyWriter;
use crate::aws::signing_keys::usage::{KeyUsage, KeyUsageReader};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::settings::Settings;
use vitrine_rules::token::LEEWAY_SECONDS;
use vitrine_rules::token::key_document::StoredKey;

crate::capability_set! {
    pub struct SigningKeyRetirer {
        keys: SigningKeyWriter,
        usage: KeyUsageReader,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

/// A signing key, without its secret.
#[derive(Debug)]
pub struct SigningKeyStatus {
    pub kid: String,
    pub is_signing: bool,
    pub created_at: Option<Timestamp>,
    pub verifies_until: Option<Timestamp>,
    pub usage: KeyUsage,
    pub is_safe_to_retire: bool,
}

impl SigningKeyRetirer {
    /// All signing keys, the one that signs first.
    pub async fn list(&self) -> Result<Vec<SigningKeyStatus>> {
        let stored = self.keys.current().await?.map(|(document, _)| document.keys).unwrap_or_default();
        let usage = try_join_all(stored.iter().map(|key| self.usage.of(&key.kid))).await?;
        let now = self.clock.now();
        let keys = stored.iter().zip(usage).enumerate().map(|(index, (key, usage))| SigningKeyStatus {
            kid: key.kid.clone(),
            is_signing: index == 0,
            created_at: key.created_at,
            verifies_until: key.verifies_until,
            usage,
            is_safe_to_retire: index > 0 && is_idle(key, usage, &self.settings, now),
        });
        Ok(keys.collect())
    }

    /// Removes a key, so that it verifies nothing any more. Refuses the key that signs, and, unless `is_forced`, one
    /// that tokens in use may have been signed with.
    pub async fn retire(&self, kid: &str, is_forced: bool) -> Result<()> {
        let (document, version) = self.keys.current().await?.ok_or(Reason::SigningKeyNotFound)?;
        let position = document.keys.iter().position(|key| key.kid == kid);
        let position = position.ok_or(Reason::SigningKeyNotFound)?;
        if position == 0 {
            return Err(Error::new(Reason::SigningKeyInUse).message("This key signs. Rotate first."));
        }
        if !is_forced {
            let usage = self.usage.of(kid).await?;
            if !is_idle(&document.keys[position], usage, &self.settings, self.clock.now()) {
                return Err(Reason::SigningKeyInUse.into());
            }
        }
        self.keys.replace_version(&version, &document.without(kid)).await?;
        tracing::info!(key = kid, forced = is_forced, "a signing key was retired");
        Ok(())
    }
}

/// Returns whether the key has verified nothing for as long as its last token can live. For a key that has never verified
/// a token, the time counts from its creation, or it is idle once it no longer verifies. If tokens can live for ever, only
/// the latter counts.
fn is_idle(key: &StoredKey, usage: KeyUsage, settings: &Settings, now: Timestamp) -> bool {
    let Some(lifetime) = settings.longest_token().map(|longest| longest + LEEWAY_SECONDS) else {
        return !key.verifies_at(now);
    };
    match usage.last {
        Some(last) => now.since(last) > lifetime,
        None => !key.verifies_at(now) || key.created_at.is_some_and(|made| now.since(made) > lifetime),
    }
}
