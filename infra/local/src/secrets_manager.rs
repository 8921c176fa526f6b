//! A stand-in for Secrets Manager: the operations that the functions call, in its own protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use vitrine::rules::random;

use crate::secret_store::{CURRENT, Refusal, SecretStore};

pub fn router(store: Arc<SecretStore>) -> axum::Router {
    axum::Router::new().route("/", post(call)).with_state(store)
}

async fn call(State(store): State<Arc<SecretStore>>, headers: HeaderMap, body: String) -> Response {
    // The protocol's content type is `application/x-amz-json-1.1`, which the JSON extractor refuses.
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let answer = match target {
        "secretsmanager.GetSecretValue" => get(&store, &request),
        "secretsmanager.DescribeSecret" => describe(&store, &request),
        "secretsmanager.PutSecretValue" => put(&store, &request),
        "secretsmanager.UpdateSecretVersionStage" => move_label(&store, &request),
        _ => return refuse("UnknownOperationException"),
    };
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(Refusal::NotFound) => refuse("ResourceNotFoundException"),
        Err(Refusal::Exists) => refuse("ResourceExistsException"),
        Err(Refusal::Parameter) => refuse("InvalidParameterException"),
        Err(Refusal::NotStored) => refuse("InternalServiceError"),
    }
}

fn get(store: &SecretStore, request: &Value) -> Result<Value, Refusal> {
    let name = name(request);
    let label = request["VersionStage"].as_str().unwrap_or(CURRENT);
    let secret = store.secret(name).ok_or(Refusal::NotFound)?;
    let (id, version) = secret.find(request["VersionId"].as_str(), label).ok_or(Refusal::NotFound)?;
    let value = version.value.as_ref().ok_or(Refusal::NotFound)?;
    Ok(json!({
        "ARN": name, "Name": name, "VersionId": id, "SecretString": value, "VersionStages": version.labels,
    }))
}

fn describe(store: &SecretStore, request: &Value) -> Result<Value, Refusal> {
    let name = name(request);
    let secret = store.secret(name).ok_or(Refusal::NotFound)?;
    let labels: BTreeMap<_, _> = secret.versions().map(|(id, version)| (id, &version.labels)).collect();
    Ok(json!({"ARN": name, "Name": name, "VersionIdsToStages": labels}))
}

fn put(store: &SecretStore, request: &Value) -> Result<Value, Refusal> {
    let name = name(request);
    let value = request["SecretString"].as_str().ok_or(Refusal::Parameter)?;
    let label = request["VersionStages"][0].as_str().unwrap_or(CURRENT);
    // Optional in the protocol; the SDK generates one if its caller gives none.
    let id = match request["ClientRequestToken"].as_str() {
        Some(id) => id.to_owned(),
        None => random::short_id().map_err(|_| Refusal::NotStored)?,
    };
    store.put_version(name, &id, value, label)?;
    Ok(json!({"ARN": name, "Name": name, "VersionId": id, "VersionStages": [label]}))
}

fn move_label(store: &SecretStore, request: &Value) -> Result<Value, Refusal> {
    let name = name(request);
    let label = request["VersionStage"].as_str().ok_or(Refusal::Parameter)?;
    let (to, from) = (request["MoveToVersionId"].as_str(), request["RemoveFromVersionId"].as_str());
    store.move_label(name, label, to, from)?;
    Ok(json!({"ARN": name, "Name": name}))
}

fn name(request: &Value) -> &str {
    request["SecretId"].as_str().unwrap_or_default()
}

fn refuse(kind: &str) -> Response {
    let body = json!({"__type": kind, "message": "The local Secrets Manager refused the request."});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
