//! Embed tokens: JWTs signed with HS256, by the owner's backend or by the stack.
//!
//! `jsonwebtoken` does the cryptography. The checks around it are our own, because a general library is too lenient: the
//! form of the three parts, the header, duplicate members, the types of the claims, and time, which follows the
//! stack's own clock.

pub mod claims;
pub(crate) mod compact;
pub(crate) mod header;
pub mod key_document;
pub mod key_set;
pub mod mint;

pub use claims::Claims;
pub use key_set::{KeySet, SigningKey};

use jsonwebtoken::Algorithm;

use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::settings::Settings;

use compact::Compact;
use header::Header;

/// The tolerated difference between two clocks.
pub const LEEWAY_SECONDS: i64 = 60;

/// A token with a valid signature. Its times are checked separately.
#[derive(Debug)]
pub struct Authentic {
    pub claims: Claims,
    /// The id of the key that signed it.
    pub kid: String,
}

/// The treatment of a `kid` that names none of the stack's keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownKid {
    #[default]
    Refused,
    /// Every key is tried, as if the token named none. Some vendors' servers ignore `kid`, so their clients' encoders
    /// may set any.
    Ignored,
}

/// Verifies form, header and signature, and reads the claims.
pub fn authenticate(
    token: &str,
    keys: &KeySet,
    unknown_kid: UnknownKid,
    now: Timestamp,
) -> Result<Authentic> {
    let compact = Compact::split(token)?;
    let header = Header::read(&compact.header)?;
    let signer = |kid| keys.verifying(kid, now).find(|key| is_signed_by(&compact, key));
    let is_unknown = |kid: &&String| keys.verifying(Some(kid), now).next().is_none();
    let signed_by = match header.kid.as_ref().filter(is_unknown) {
        None => signer(header.kid.as_deref()).ok_or(Reason::TokenSignature)?,
        // No key may have the name because it was rotated in a moment ago, so the reason does not change.
        Some(_) if unknown_kid == UnknownKid::Ignored => signer(None).ok_or(Reason::TokenKeyUnknown)?,
        Some(_) => return Err(Reason::TokenKeyUnknown.into()),
    };
    let claims = Claims::read(&compact.claims, header.is_minted)?;
    Ok(Authentic { claims, kid: signed_by.kid().to_owned() })
}

/// Returns whether a credential has the three parts of a token, valid or not. The access keys that are made here have
/// one.
pub fn has_form(credential: &str) -> bool {
    credential.bytes().filter(|byte| *byte == b'.').count() == 2
}

fn is_signed_by(compact: &Compact, key: &SigningKey) -> bool {
    jsonwebtoken::crypto::verify(
        compact.signature,
        compact.signed.as_bytes(),
        key.verifying(),
        Algorithm::HS256,
    )
    .unwrap_or(false)
}

/// Checks the token's times.
pub fn check_time(claims: &Claims, settings: &Settings, now: Timestamp) -> Result<()> {
    let now = now.unix();
    match claims.expires {
        None if settings.require_token_expiry => return Err(Reason::TokenWithoutExpiry.into()),
        Some(expires) if expires <= now - LEEWAY_SECONDS => {
            return Err(Error::new(Reason::TokenExpired).message(format!("Token is expired ({expires})")));
        }
        Some(expires)
            if settings.longest_token().is_some_and(|longest| expires > now + longest + LEEWAY_SECONDS) =>
        {
            return Err(Reason::TokenLifetime.into());
        }
        _ => {}
    }
    match claims.not_before {
        Some(from) if from > now + LEEWAY_SECONDS => {
            Err(Error::new(Reason::TokenNotYetValid).message(format!("Token is not yet valid ({from})")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
