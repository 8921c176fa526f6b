//! IAM for the local run: a function's SDK client refuses every call that its policy does not grant, so that a
//! missing grant shows on the first local run and not after the first deployment.

use std::collections::BTreeSet;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;
use vitrine::aws::admin_key::ADMIN_KEY;
use vitrine::aws::blobs::BUCKET;
use vitrine::aws::capability::{AwsResource, Grant};
use vitrine::aws::engine_worker::{INVOKE, WORKER};
use vitrine::aws::identity_provider::CLIENT_SECRET;
use vitrine::aws::signing_keys::SIGNING_SECRET;
use vitrine::aws::storage::table::schema::PARTITION;
use vitrine::aws::storage::table::{CATALOG_INDEX, DIRECTORY_INDEX, EMBEDDABLE_INDEX, TABLE};

use crate::{address, services};

#[derive(Debug, Clone)]
pub struct LeastPrivilege {
    pub function: &'static str,
    pub service: Service,
    pub grants: BTreeSet<Grant>,
}

/// The service that a client is for: it determines where a request names its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// In a header.
    DynamodbOrSecretsManager,
    /// In method, path and query.
    S3,
    /// In the path.
    Lambda,
}

#[dyn_dispatch_hint]
impl Intercept for LeastPrivilege {
    fn name(&self) -> &'static str {
        "LeastPrivilege"
    }

    fn read_before_signing(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        match self.service {
            Service::DynamodbOrSecretsManager => {
                let target = request.headers().get("x-amz-target").unwrap_or_default();
                let body = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok());
                self.check(&calls(target, &body.unwrap_or_default()), target)
            }
            Service::S3 => {
                let named = address::of_object(request.method(), request.uri());
                let key = named.as_ref().and_then(|named| named.key.as_deref());
                let call = named.as_ref().map(|named| Call { action: named.action, on: BUCKET, item: key });
                let is_copy = request.headers().get("x-amz-copy-source").is_some();
                self.check(&[call.filter(|_| !is_copy)], "an operation of S3")
            }
            Service::Lambda => {
                let is_ours = address::of_function(request.uri()) == Some(services::IMPORT_FUNCTION);
                let call = is_ours.then_some(Call { action: INVOKE, on: WORKER, item: None });
                self.check(&[call], "an operation of Lambda")
            }
        }
    }
}

impl LeastPrivilege {
    /// `operation` names calls that no function may make.
    fn check(&self, calls: &[Option<Call<'_>>], operation: &str) -> Result<(), BoxError> {
        for call in calls {
            match call {
                Some(call) if self.grants.iter().any(|grant| call.is_covered_by(grant)) => {}
                Some(call) => return Err(self.refuse(&format!("{} on {}", call.action, call.on.logical_id))),
                None => return Err(self.refuse(operation)),
            }
        }
        Ok(())
    }

    fn refuse(&self, call: &str) -> BoxError {
        tracing::error!(function = self.function, call, "not granted");
        format!("{} is not granted {call}", self.function).into()
    }
}

/// One action on one resource: for a write to the table with the partition key of its item, for the bucket with the key
/// of the object.
#[derive(Debug, PartialEq, Eq)]
struct Call<'a> {
    action: &'static str,
    on: AwsResource,
    item: Option<&'a str>,
}

impl Call<'_> {
    fn is_covered_by(&self, grant: &Grant) -> bool {
        grant.covers(self.action, self.on, self.item)
    }
}

/// The calls that a request makes; `None` for one that no function may make.
fn calls<'a>(target: &str, body: &'a Value) -> Vec<Option<Call<'a>>> {
    let operation = target.split_once('.').map_or("", |(_, operation)| operation);
    match operation {
        "TransactWriteItems" => {
            body["TransactItems"].as_array().into_iter().flatten().map(transacted).collect()
        }
        "Query" => {
            let index = match body["IndexName"].as_str() {
                None => Some(TABLE),
                Some("catalog") => Some(CATALOG_INDEX),
                Some("embeddable") => Some(EMBEDDABLE_INDEX),
                Some("directory") => Some(DIRECTORY_INDEX),
                Some(_) => None,
            };
            vec![index.map(|on| Call { action: "dynamodb:Query", on, item: None })]
        }
        "GetItem" => vec![Some(Call { action: "dynamodb:GetItem", on: TABLE, item: None })],
        "BatchGetItem" => vec![Some(Call { action: "dynamodb:BatchGetItem", on: TABLE, item: None })],
        "PutItem" => vec![Some(write("dynamodb:PutItem", &body["Item"]))],
        "UpdateItem" => vec![Some(write("dynamodb:UpdateItem", &body["Key"]))],
        "DeleteItem" => vec![Some(write("dynamodb:DeleteItem", &body["Key"]))],
        "GetSecretValue" => vec![secret(body, "secretsmanager:GetSecretValue")],
        "DescribeSecret" => vec![secret(body, "secretsmanager:DescribeSecret")],
        "PutSecretValue" => vec![secret(body, "secretsmanager:PutSecretValue")],
        "UpdateSecretVersionStage" => vec![secret(body, "secretsmanager:UpdateSecretVersionStage")],
        _ => vec![None],
    }
}

/// A write of the item with this key. A write without a key is covered only by a grant on the whole table.
fn write<'a>(action: &'static str, key: &'a Value) -> Call<'a> {
    Call { action, on: TABLE, item: key[PARTITION]["S"].as_str() }
}

fn secret(body: &Value, action: &'static str) -> Option<Call<'static>> {
    let on = match body["SecretId"].as_str()? {
        services::SIGNING_SECRET => SIGNING_SECRET,
        services::ADMIN_KEY => ADMIN_KEY,
        services::CLIENT_SECRET => CLIENT_SECRET,
        _ => return None,
    };
    Some(Call { action, on, item: None })
}

fn transacted(part: &Value) -> Option<Call<'_>> {
    let actions = [
        ("Put", "dynamodb:PutItem", "Item"),
        ("Update", "dynamodb:UpdateItem", "Key"),
        ("Delete", "dynamodb:DeleteItem", "Key"),
        ("ConditionCheck", "dynamodb:ConditionCheckItem", "Key"),
    ];
    let (name, action, key) = actions.into_iter().find(|(name, ..)| part.get(name).is_some())?;
    Some(write(action, &part[name][key]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn is_granted(grants: &[Grant], target: &str, body: &Value) -> bool {
        calls(target, body).iter().all(|call| {
            call.as_ref().is_some_and(|call| grants.iter().any(|grant| call.is_covered_by(grant)))
        })
    }

    #[test]
    fn a_transaction_needs_the_grants_of_its_parts() {
        let key = |partition: &str| json!({"pk": {"S": partition}, "sk": {"S": "x"}});
        let body = json!({"TransactItems": [
            {"Put": {"Item": key("session#1")}},
            {"Delete": {"Key": key("settings")}},
        ]});
        let put = TABLE.items("session#*").allow("dynamodb:PutItem");
        let delete = TABLE.items("settings").allow("dynamodb:DeleteItem");
        let transact = "DynamoDB_20120810.TransactWriteItems";
        assert!(is_granted(&[put, delete], transact, &body));
        assert!(!is_granted(&[put], transact, &body));
        assert!(!is_granted(&[delete], transact, &body));
        assert!(!is_granted(&[], "DynamoDB_20120810.Scan", &json!({})));
        let other_secret = json!({"SecretId": "other"});
        let read = SIGNING_SECRET.allow("secretsmanager:GetSecretValue");
        assert!(!is_granted(&[read], "secretsmanager.GetSecretValue", &other_secret));
    }

    #[test]
    fn a_grant_on_some_items_covers_no_other_item() {
        let sessions = TABLE.items("session#*").allow("dynamodb:PutItem");
        let settings = TABLE.items("settings").allow("dynamodb:PutItem");
        let put = |partition: Value| json!({"Item": {"pk": partition}});
        let cases = [
            (sessions, json!({"S": "session#1"}), true),
            (sessions, json!({"S": "session"}), false),
            (sessions, json!({"S": "access_keys"}), false),
            (sessions, json!({"B": "session#1"}), false),
            (settings, json!({"S": "settings"}), true),
            (settings, json!({"S": "settings2"}), false),
            (TABLE.allow("dynamodb:PutItem"), json!({"S": "access_keys"}), true),
        ];
        for (grant, partition, expected) in cases {
            let body = put(partition);
            assert_eq!(is_granted(&[grant], "DynamoDB_20120810.PutItem", &body), expected, "{grant}: {body}");
        }
    }
}
