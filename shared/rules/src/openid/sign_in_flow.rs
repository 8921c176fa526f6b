//! A sign-in that has begun: the values that bind the provider's answer to the browser that asked for it.
//!
//! All of them are derived from one secret, which is in a sealed cookie and nowhere else. So nothing is stored for people
//! who never come back.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::provider_document::ProviderDocument;
use super::sign_in_settings::SignInSettings;
use crate::clock::Timestamp;
use crate::error::{Reason, Result};
use crate::random;

/// The time within which the person has to come back: ten minutes.
pub const PATIENCE_SECONDS: i64 = 600;

/// A sign-in between its start and the provider's answer. Not `Debug`, so that no log has it by accident.
pub struct StartedSignIn {
    secret: String,
    started_at: Timestamp,
    /// The page to show afterwards.
    pub next: String,
    /// The handle of the session that the browser had; empty if it had none.
    pub earlier: String,
}

/// An error of the protocol as the log has it: its word, and nothing that is not one.
pub fn error_word(error: &str) -> &str {
    let is_word = (1..=40).contains(&error.len())
        && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { error } else { "no reason" }
}

impl StartedSignIn {
    pub fn new(next: &str, earlier: String, now: Timestamp) -> Result<Self> {
        Ok(Self { secret: random::secret()?, started_at: now, next: next.to_owned(), earlier })
    }

    /// The parts to seal in the cookie.
    pub fn parts(&self) -> Vec<String> {
        vec![self.secret.clone(), self.started_at.unix().to_string(), self.next.clone(), self.earlier.clone()]
    }

    /// Reads the parts of a cookie, if there is still time.
    pub fn read(parts: Vec<String>, now: Timestamp) -> Result<Self> {
        let [secret, started_at, next, earlier] =
            <[String; 4]>::try_from(parts).map_err(|_| Reason::SignInExpired)?;
        let started_at = Timestamp::from_unix(started_at.parse().map_err(|_| Reason::SignInExpired)?);
        if !(0..PATIENCE_SECONDS).contains(&now.since(started_at)) {
            return Err(Reason::SignInExpired.into());
        }
        Ok(Self { secret, started_at, next, earlier })
    }

    fn derived(&self, purpose: &str) -> String {
        random::fingerprint(&format!("sign-in {purpose} {}", self.secret))
    }

    /// The text that comes back with the answer.
    pub fn state(&self) -> String {
        self.derived("state")
    }

    /// The text that the ID token repeats.
    pub fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// The text without which nobody can redeem the code.
    pub fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// The name under which the sign-in is remembered once it was answered.
    pub fn used_as(&self) -> String {
        self.derived("used")
    }

    pub fn ends_at(&self) -> Timestamp {
        self.started_at.plus(PATIENCE_SECONDS)
    }

    /// The provider's page, with everything that this sign-in asks of it.
    pub fn authorization_url(
        &self,
        provider: &ProviderDocument,
        settings: &SignInSettings,
        redirect_uri: &str,
    ) -> String {
        let challenge = digest::digest(&digest::SHA256, self.verifier().as_bytes());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &provider.scopes(settings))
            .append_pair("state", &self.state())
            .append_pair("nonce", &self.nonce())
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256")
            .finish();
        let endpoint = &provider.authorization_endpoint;
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        format!("{endpoint}{separator}{query}")
    }
}
