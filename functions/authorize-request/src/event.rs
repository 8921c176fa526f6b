//! What API Gateway asks: an HTTP API in either of its formats, or a REST API.

use std::collections::BTreeMap;

use serde::Deserialize;
use vitrine::http::caller::token_in;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// Of a `TOKEN` authorizer of a REST API: the header itself.
    authorization_token: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    /// Named by who wants a policy in the answer. Without it the answer is a simple one.
    pub(crate) method_arn: Option<String>,
    pub(crate) request_context: RequestContext,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RequestContext {
    /// Under which the owner finds why a request was refused.
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
