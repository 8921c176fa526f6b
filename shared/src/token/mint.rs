//! Tokens that we make.

use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use serde_json::{Map, Value};

use super::header::MINTED_TYPE;
use super::key_set::SigningKey;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::identifiers::{Kind, PrimaryId};
use crate::viewer::Viewer;

const ISSUER: &str = "vitrine";
const VERSION: u8 = 1;

/// What a minted token vouches for.
#[derive(Debug)]
pub struct Vouched<'a> {
    pub kind: Kind,
    pub id: &'a PrimaryId,
    pub params: &'a Map<String, Value>,
    pub viewer: &'a Viewer,
    /// The version of the content; none means the current one.
    pub version: Option<u64>,
    /// The service account that the viewer is.
    pub account: Option<&'a str>,
    /// Is there a first state on file under the token's id?
    pub has_state: bool,
    pub token_id: &'a str,
    /// Set when the token is worth something only as long as this stored session is.
    pub session: Option<&'a str>,
    pub issued: Timestamp,
    pub expires: Timestamp,
}

#[derive(Serialize)]
struct MintedClaims<'a> {
    iss: &'static str,
    ver: u8,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    iat: i64,
    exp: i64,
    resource: Map<String, Value>,
    params: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    state: bool,
    viewer: &'a Viewer,
}

pub fn mint(vouched: &Vouched, key: &SigningKey) -> Result<String> {
    let id = serde_json::to_value(vouched.id).map_err(Error::internal)?;
    let header = Header {
        typ: Some(MINTED_TYPE.to_owned()),
        kid: Some(key.kid().to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    let claims = MintedClaims {
        iss: ISSUER,
        ver: VERSION,
        jti: vouched.token_id,
        sid: vouched.session,
        iat: vouched.issued.unix(),
        exp: vouched.expires.unix(),
        resource: Map::from_iter([(vouched.kind.word().to_owned(), id)]),
        params: vouched.params,
        version: vouched.version,
        account: vouched.account,
        state: vouched.has_state,
        viewer: vouched.viewer,
    };
    jsonwebtoken::encode(&header, &claims, key.signing()).map_err(Error::internal)
}
