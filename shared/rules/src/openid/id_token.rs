//! The ID token, in which a provider vouches for a person.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::provider_document::ProviderDocument;
use super::provider_keys::{ProviderKeys, algorithm};
use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::json::strict;
use crate::random;
use crate::token::LEEWAY_SECONDS;
use crate::token::compact::Compact;
use crate::token::header::REFUSED;

/// The longest token: one with several hundred groups.
pub const MAX_BYTES: usize = 64 * 1024;

/// The longest time since a token was made, in seconds. It is fetched as soon as the person is back.
const MAX_AGE_SECONDS: i64 = 600;

/// A token of which only the form is checked.
pub struct IdToken<'a> {
    compact: Compact<'a>,
    algorithm: String,
    kid: Option<String>,
}

/// The values that a token is held against.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedToken<'a> {
    pub client_id: &'a str,
    pub nonce: &'a str,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
    pub now: Timestamp,
}

fn refuse(detail: &str) -> Error {
    Error::new(Reason::SignInInvalid).detail(format_args!("the ID token's {detail}"))
}

impl<'a> IdToken<'a> {
    pub fn read(token: &'a str) -> Result<Self> {
        let compact = Compact::split_within(token, MAX_BYTES).map_err(|_| refuse("form"))?;
        let Some(Value::Object(header)) = strict::parse(&compact.header) else {
            return Err(refuse("header"));
        };
        if REFUSED.iter().any(|name| header.contains_key(*name)) {
            return Err(refuse("header"));
        }
        match header.get("typ") {
            None => {}
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") => {}
            // An access token, or a token for another purpose.
            Some(_) => return Err(refuse("typ")),
        }
        let named = header.get("alg").and_then(Value::as_str).filter(|named| algorithm(named).is_some());
        let named = named.ok_or_else(|| refuse("alg"))?.to_owned();
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(refuse("kid")),
        };
        Ok(Self { compact, algorithm: named, kid })
    }

    pub fn is_signed_by(&self, keys: &ProviderKeys) -> bool {
        keys.have_signed(self.compact.signed, self.compact.signature, &self.algorithm, self.kid.as_deref())
    }

    /// The claims of a token that one of the provider's keys signed for this sign-in.
    pub fn verify(
        &self,
        keys: &ProviderKeys,
        provider: &ProviderDocument,
        expected: &ExpectedToken<'_>,
    ) -> Result<Map<String, Value>> {
        if provider.algorithms.as_ref().is_some_and(|listed| !listed.contains(&self.algorithm)) {
            return Err(refuse("alg, which the provider does not list"));
        }
        if !self.is_signed_by(keys) {
            return Err(refuse("signature"));
        }
        let Some(Value::Object(claims)) = strict::parse(&self.compact.claims) else {
            return Err(refuse("claims"));
        };
        self.check(&claims, provider, expected)?;
        Ok(claims)
    }

    fn check(
        &self,
        claims: &Map<String, Value>,
        provider: &ProviderDocument,
        expected: &ExpectedToken<'_>,
    ) -> Result<()> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let seconds = |name: &str| claims.get(name).and_then(whole_seconds);
        let now = expected.now.unix();
        if text("iss") != Some(provider.issuer.as_str()) {
            return Err(refuse("iss"));
        }
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(only)) => vec![only],
            Some(Value::Array(listed)) => listed.iter().map(|one| one.as_str().unwrap_or_default()).collect(),
            _ => Vec::new(),
        };
        if !audiences.contains(&expected.client_id) {
            return Err(refuse("aud"));
        }
        // A token for several clients says which of them asked for it.
        let is_ours = match claims.get("azp") {
            None => audiences.len() == 1,
            Some(party) => party == expected.client_id,
        };
        if !is_ours {
            return Err(refuse("azp"));
        }
        if seconds("exp").is_none_or(|expires| expires <= now - LEEWAY_SECONDS) {
            return Err(refuse("exp"));
        }
        let is_recent =
            |made: i64| made <= now + LEEWAY_SECONDS && made > now - MAX_AGE_SECONDS - LEEWAY_SECONDS;
        if !seconds("iat").is_some_and(is_recent) {
            return Err(refuse("iat"));
        }
        if claims.contains_key("nbf") && seconds("nbf").is_none_or(|from| from > now + LEEWAY_SECONDS) {
            return Err(refuse("nbf"));
        }
        if !text("nonce").is_some_and(|nonce| random::equal(nonce, expected.nonce)) {
            return Err(refuse("nonce"));
        }
        match claims.get("at_hash") {
            None => Ok(()),
            Some(hash) if hash.as_str().is_some_and(|hash| self.is_hash_of(hash, expected.access_token)) => {
                Ok(())
            }
            Some(_) => Err(refuse("at_hash")),
        }
    }

    /// Returns whether a text is the first half of an access token's hash.
    fn is_hash_of(&self, hash: &str, access_token: Option<&str>) -> bool {
        let Some(access_token) = access_token else { return false };
        let function = match self.algorithm.as_str() {
            "RS384" | "PS384" | "ES384" => &digest::SHA384,
            "RS512" | "PS512" | "EdDSA" => &digest::SHA512,
            _ => &digest::SHA256,
        };
        let digest = digest::digest(function, access_token.as_bytes());
        let half = &digest.as_ref()[..digest.as_ref().len() / 2];
        random::equal(hash.trim_end_matches('='), &URL_SAFE_NO_PAD.encode(half))
    }
}

/// A time in whole seconds. Some providers write a fraction.
fn whole_seconds(value: &Value) -> Option<i64> {
    const LATEST: f64 = 253_402_300_799.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    value
        .as_i64()
        .or_else(|| value.as_f64().filter(|time| (0.0..=LATEST).contains(time)).map(|time| time as i64))
}
