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
use vitrine::aws::capability::Grant;
use vitrine::aws::signing_keys::SIGNING_SECRET;
use vitrine::aws::storage::table::{CATALOG_INDEX, DIRECTORY_INDEX, EMBEDDABLE_INDEX, TABLE};

use crate::services;

#[derive(Debug, Clone)]
pub struct LeastPrivilege {
    pub function: &'static str,
    pub grants: BTreeSet<Grant>,
}

#[dyn_dispatch_hint]
impl Intercept for LeastPrivilege {
    fn name(&self) -> &'static str {
        "LeastPrivilege"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body =
            request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        for needed in needed(target, &body) {
            match needed {
                Some(grant) if self.grants.contains(&grant) => {}
                Some(grant) => return Err(self.refuse(&grant.to_string())),
                None => return Err(self.refuse(target)),
            }
        }
        Ok(())
    }
}

impl LeastPrivilege {
    fn refuse(&self, call: &str) -> BoxError {
        tracing::error!(function = self.function, call, "not granted");
        format!("{} is not granted {call}", self.function).into()
    }
}

/// The grants that a call needs; `None` for a call that no function may make.
fn needed(target: &str, body: &Value) -> Vec<Option<Grant>> {
    let operation = target.split_once('.').map_or("", |(_, operation)| operation);
    match operation {
        "TransactWriteItems" => {
            body["TransactItems"].as_array().into_iter().flatten().map(transacted).collect()
        }
        "Query" => vec![match body["IndexName"].as_str() {
            None => Some(TABLE.allow("dynamodb:Query")),
            Some("catalog") => Some(CATALOG_INDEX.allow("dynamodb:Query")),
            Some("embeddable") => Some(EMBEDDABLE_INDEX.allow("dynamodb:Query")),
            Some("directory") => Some(DIRECTORY_INDEX.allow("dynamodb:Query")),
            Some(_) => None,
        }],
        "GetItem" => vec![Some(TABLE.allow("dynamodb:GetItem"))],
        "BatchGetItem" => vec![Some(TABLE.allow("dynamodb:BatchGetItem"))],
        "PutItem" => vec![Some(TABLE.allow("dynamodb:PutItem"))],
        "UpdateItem" => vec![Some(TABLE.allow("dynamodb:UpdateItem"))],
        "DeleteItem" => vec![Some(TABLE.allow("dynamodb:DeleteItem"))],
        "GetSecretValue" => vec![secret(body, "secretsmanager:GetSecretValue")],
        "DescribeSecret" => vec![secret(body, "secretsmanager:DescribeSecret")],
        "PutSecretValue" => vec![secret(body, "secretsmanager:PutSecretValue")],
        "UpdateSecretVersionStage" => vec![secret(body, "secretsmanager:UpdateSecretVersionStage")],
        _ => vec![None],
    }
}

fn secret(body: &Value, action: &'static str) -> Option<Grant> {
    match body["SecretId"].as_str()? {
        services::SIGNING_SECRET => Some(SIGNING_SECRET.allow(action)),
        services::ADMIN_KEY => Some(ADMIN_KEY.allow(action)),
        _ => None,
    }
}

fn transacted(item: &Value) -> Option<Grant> {
    let actions = [
        ("Put", "dynamodb:PutItem"),
        ("Update", "dynamodb:UpdateItem"),
        ("Delete", "dynamodb:DeleteItem"),
        ("ConditionCheck", "dynamodb:ConditionCheckItem"),
    ];
    actions.into_iter().find(|(name, _)| item.get(name).is_some()).map(|(_, action)| TABLE.allow(action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_transaction_needs_the_grants_of_its_parts() {
        let body = json!({"TransactItems": [{"Put": {}}, {"Delete": {}}]});
        assert_eq!(
            needed("DynamoDB_20120810.TransactWriteItems", &body),
            [Some(TABLE.allow("dynamodb:PutItem")), Some(TABLE.allow("dynamodb:DeleteItem"))]
        );
        assert_eq!(needed("DynamoDB_20120810.Scan", &json!({})), [None]);
        assert_eq!(needed("secretsmanager.GetSecretValue", &json!({"SecretId": "other"})), [None]);
    }
}
