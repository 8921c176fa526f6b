//! The event of API Gateway: from an HTTP API in either of its formats, or from a REST API.

use std::collections::BTreeMap;

use serde::Deserialize;
use vitrine::http::caller::token_in;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// The header, for a `TOKEN` authorizer of a REST API.
    authorization_token: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    /// Present if the answer must be a policy; otherwise it is a simple one.
    pub(crate) method_arn: Option<String>,
    pub(crate) request_context: RequestContext,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RequestContext {
    /// The id under which the owner finds the record of a refusal.
    pub(crate) request_id: Option<String>,
}

impl Event {
    /// The embed token, in any of the schemes that clients use.
    pub(crate) fn embed_token(&self) -> Option<&str> {
        let header = self.authorization_token.as_deref().or_else(|| {
            let mut headers = self.headers.as_ref()?.iter();
            headers
                .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
                .map(|(_, value)| value.as_str())
        })?;
        token_in(header)
    }
}
