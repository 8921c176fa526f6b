//! What a token's header may say. It never chooses the algorithm or the key material: it may only name
//! the algorithm that we use and a key that we have.

use serde_json::Value;

use crate::error::{Error, Reason, Result};
use crate::json::strict;

/// Members that carry or fetch key material, or change how the token is to be read.
const REFUSED: [&str; 6] = ["crit", "jwk", "jku", "x5u", "x5c", "b64"];

/// The type of the tokens that we mint.
pub const MINTED_TYPE: &str = "embed+jwt";

pub struct Header {
    pub kid: Option<String>,
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
        match members.get("typ") {
            None => {}
            Some(Value::String(kind)) if is_embed_type(kind) => {}
            Some(_) => return Err(Error::new(Reason::TokenHeader).detail("typ")),
        }
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(Error::new(Reason::TokenHeader).detail("kid")),
        };
        Ok(Self { kid })
    }
}

/// A token made for another purpose with the same secret is not an embed token.
fn is_embed_type(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("JWT") || kind.eq_ignore_ascii_case(MINTED_TYPE)
}
