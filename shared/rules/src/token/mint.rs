//! Signing of the stack's own tokens.

use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use serde_json::{Map, Value};

use super::header::MINTED_TYPE;
use super::key_set::SigningKey;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::resource::ids::Deployment;
use crate::session::SessionGrant;
use crate::viewer::Viewer;
use crate::viewer::tenant::TenantName;

/// Issuer of the tokens that belong to no vendor's clients.
pub const ISSUER: &str = "vitrine";

/// Issuer of the tokens for previews, whose pages only the console can frame.
pub const CONSOLE: &str = "vitrine-console";

const VERSION: u8 = 1;

/// The contents of a new token.
#[derive(Debug)]
pub struct TokenToMint<'a> {
    pub issuer: &'a str,
    pub grant: &'a SessionGrant,
    /// The version of the content; none means the current one.
    pub version: Option<u64>,
    /// The content has an initial state, stored under the token's id.
    pub has_state: bool,
    pub token_id: &'a str,
    /// The stored session without which the token is not valid.
    pub session: Option<&'a str>,
    pub issued: Timestamp,
    pub expires: Timestamp,
}

#[derive(Serialize)]
struct MintedClaims<'a> {
    iss: &'a str,
    ver: u8,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    iat: i64,
    exp: i64,
    #[serde(rename = "deploymentId", skip_serializing_if = "Option::is_none")]
    deployment: Option<Deployment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Map<String, Value>>,
    params: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a TenantName>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    state: bool,
    viewer: &'a Viewer,
}

pub fn mint(token: &TokenToMint, key: &SigningKey) -> Result<String> {
    let grant = token.grant;
    let named = |(kind, id): &(crate::resource::ids::Kind, _)| {
        let id = serde_json::to_value(id).map_err(Error::internal)?;
        Ok::<_, Error>(Map::from_iter([(kind.word().to_owned(), id)]))
    };
    let header = Header {
        typ: Some(MINTED_TYPE.to_owned()),
        kid: Some(key.kid().to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    let claims = MintedClaims {
        iss: token.issuer,
        ver: VERSION,
        jti: token.token_id,
        sid: token.session,
        iat: token.issued.unix(),
        exp: token.expires.unix(),
        deployment: grant.deployment,
        resource: grant.resource.as_ref().map(named).transpose()?,
        params: &grant.params,
        version: token.version,
        account: grant.account.as_deref(),
        user: grant.user,
        tenant: grant.tenant.as_ref(),
        state: token.has_state,
        viewer: &grant.viewer,
    };
    jsonwebtoken::encode(&header, &claims, key.signing()).map_err(Error::internal)
}
