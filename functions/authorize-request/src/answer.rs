//! The answer to API Gateway: a simple one, or a policy.

use serde::Serialize;
use serde_json::{Map, Value, json};
use vitrine::http::introspected_token::IntrospectedToken;
use vitrine::rules::error::Result;

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum GatewayAnswer {
    #[serde(rename_all = "camelCase")]
    Simple { is_authorized: bool, context: Map<String, Value> },
    #[serde(rename_all = "camelCase")]
    Policy { principal_id: String, policy_document: Value, context: Map<String, Value> },
}

impl GatewayAnswer {
    pub(crate) fn of(decision: Result<IntrospectedToken>, method_arn: Option<String>) -> Self {
        let (is_authorized, viewer, context) = match decision {
            Ok(known) => (true, known.viewer.id.clone(), context(&known)),
            Err(error) => (false, None, Map::from_iter([("reason".to_owned(), json!(error.reason.word()))])),
        };
        let Some(method_arn) = method_arn else { return Self::Simple { is_authorized, context } };
        Self::Policy {
            principal_id: viewer.unwrap_or_else(|| "viewer".to_owned()),
            // Only the requested method.
            policy_document: json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "execute-api:Invoke",
                    "Effect": if is_authorized { "Allow" } else { "Deny" },
                    "Resource": method_arn,
                }],
            }),
            context,
        }
    }
}

/// The context for the backend. All values are strings, because a REST API passes nothing else on; objects are JSON in a
/// string.
fn context(known: &IntrospectedToken) -> Map<String, Value> {
    let json = |value: Value| Value::String(value.to_string());
    let text = |value: &Option<String>| value.clone().map(Value::String);
    let resource = known.resource.as_ref();
    let session = known.session.as_ref();
    [
        ("resource_kind", resource.map(|resource| json!(resource.kind))),
        ("resource_id", resource.map(|resource| Value::String(resource.id.to_string()))),
        ("params", Some(json(json!(known.values)))),
        ("viewer", text(&known.viewer.id)),
        ("attributes", Some(json(json!(known.viewer.attributes)))),
        ("groups", Some(json(json!(known.viewer.groups)))),
        ("security_context", session.map(|session| json(json!(session.security_context)))),
        ("embed_tenant", session.and_then(|session| Some(json!(session.embed_tenant.as_ref()?)))),
        ("expires_at", known.exp.map(|exp| Value::String(exp.to_string()))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
