//! The compact form of a token: three parts of unpadded, canonical base64url, at most 8 KiB in total.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Reason, Result};

const MAX_BYTES: usize = 8 * 1024;

/// The parts of a well-formed token. Nothing in them is trusted yet.
pub struct Compact<'a> {
    pub header: Vec<u8>,
    pub claims: Vec<u8>,
    /// The signed text.
    pub signed: &'a str,
    pub signature: &'a str,
}

impl<'a> Compact<'a> {
    pub fn split(token: &'a str) -> Result<Self> {
        Self::split_within(token, MAX_BYTES)
    }

    /// Splits a token of at most this length.
    pub fn split_within(token: &'a str, most_bytes: usize) -> Result<Self> {
        if token.len() > most_bytes {
            return Err(Reason::TokenTooLarge.into());
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Reason::TokenMalformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Reason::TokenMalformed)?;
        // The alphabet has no dot, so a fourth part fails here as well.
        decode(signature)?;
        Ok(Self { header: decode(header)?, claims: decode(claims)?, signed, signature })
    }
}

fn decode(part: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Reason::TokenMalformed.into())
}
