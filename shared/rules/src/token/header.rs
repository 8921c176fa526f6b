//! The header of a token. It chooses neither the algorithm nor the key material: it can only name the algorithm in use
//! and a known key.

use serde_json::Value;

use crate::error::{Error, Reason, Result};
use crate::json::strict;

/// Members that carry or fetch key material, or change how a token is read.
pub(crate) const REFUSED: [&str; 6] = ["crit", "jwk", "jku", "x5u", "x5c", "b64"];

/// The type of the tokens that the stack signs.
pub const MINTED_TYPE: &str = "embed+jwt";

pub struct Header {
    pub kid: Option<String>,
    /// The token has the type of those that the stack signs.
    pub is_minted: bool,
}

impl Header {
    pub fn read(json: &[u8]) -> Result<Self> {
        let Some(Value::Object(members)) = strict::parse(json) else {
            return Err(Error::new(Reason::TokenHeader).detail("not a JSON object"));
        };
        match members.get("alg") {
            Some(Value::String(algorithm)) if algorithm == "HS256" => {}
            None | Some(Value::Null | Value::Bool(false)) => {
                return Err(Error::new(Reason::TokenAlgorithm).message("JWT is missing `alg`."));
            }
            Some(Value::String(algorithm)) if algorithm == "none" => {
                return Err(Error::new(Reason::TokenAlgorithm).message("JWT `alg` cannot be `none`."));
            }
            Some(_) => return Err(Reason::TokenAlgorithm.into()),
        }
        if let Some(refused) = REFUSED.iter().find(|name| members.contains_key(**name)) {
            return Err(Error::new(Reason::TokenHeader).detail(format_args!("member {refused}")));
        }
        let is_minted = match members.get("typ") {
            None => false,
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case(MINTED_TYPE) => true,
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") => false,
            // A token that was made for another purpose with the same secret.
            Some(_) => return Err(Error::new(Reason::TokenHeader).detail("typ")),
        };
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(Error::new(Reason::TokenHeader).detail("kid")),
        };
        Ok(Self { kid, is_minted })
    }
}
