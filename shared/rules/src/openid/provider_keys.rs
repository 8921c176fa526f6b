//! The public keys of a provider.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use crate::error::{Error, Reason, Result};
use crate::json::strict;

/// The most keys that are looked at.
const MAX_KEYS: usize = 100;

/// Keys that verify signatures. Keys of other kinds and for other uses are left out.
#[derive(Clone)]
pub struct ProviderKeys(Vec<ProviderKey>);

#[derive(Clone)]
struct ProviderKey {
    kid: Option<String>,
    /// The one algorithm that the key says it is for.
    algorithm: Option<String>,
    kind: Kind,
    key: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// The algorithms of signatures with a key pair. Others, `none` and those with a shared secret among them, are unknown.
pub fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

impl Kind {
    fn signs_with(self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa => [RS256, RS384, RS512, PS256, PS384, PS512].contains(&algorithm),
            Self::P256 => algorithm == ES256,
            Self::P384 => algorithm == ES384,
            Self::Ed25519 => algorithm == EdDSA,
        }
    }
}

impl ProviderKeys {
    pub fn read(json: &[u8]) -> Result<Self> {
        let document = strict::parse(json);
        let listed = document.as_ref().and_then(|document| document["keys"].as_array());
        let listed = listed.ok_or_else(|| {
            Error::new(Reason::ProviderUnavailable).detail("the provider's keys: not a set of keys")
        })?;
        Ok(Self(listed.iter().take(MAX_KEYS).filter_map(ProviderKey::read).collect()))
    }

    /// Returns whether one of the keys made the signature. A token that names a key is verified with that one only.
    pub fn have_signed(
        &self,
        signed: &str,
        signature: &str,
        algorithm_name: &str,
        kid: Option<&str>,
    ) -> bool {
        let Some(algorithm) = algorithm(algorithm_name) else { return false };
        let fitting = self.0.iter().filter(|key| {
            key.kind.signs_with(algorithm)
                && key.algorithm.as_ref().is_none_or(|own| own == algorithm_name)
                && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        let mut verified = fitting.map(|key| {
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.key, algorithm).unwrap_or(false)
        });
        verified.any(|is_verified| is_verified)
    }
}

impl ProviderKey {
    fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key[name].as_str();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if let Some(operations) = key["key_ops"].as_array()
            && !operations.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let (kind, read) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (Kind::Rsa, DecodingKey::from_rsa_components(text("n")?, text("e")?)),
            ("EC", Some("P-256")) => (Kind::P256, DecodingKey::from_ec_components(text("x")?, text("y")?)),
            ("EC", Some("P-384")) => (Kind::P384, DecodingKey::from_ec_components(text("x")?, text("y")?)),
            ("OKP", Some("Ed25519")) => (Kind::Ed25519, DecodingKey::from_ed_components(text("x")?)),
            _ => return None,
        };
        Some(Self {
            kid: text("kid").map(str::to_owned),
            algorithm: text("alg").map(str::to_owned),
            kind,
            key: read.ok()?,
        })
    }
}
