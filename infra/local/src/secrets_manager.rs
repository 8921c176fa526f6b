//! A stand-in for Secrets Manager: what the functions ask of it, in its own protocol, and no more.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::LocalError;

/// Secrets by name, kept in a file if there is one.
#[derive(Debug, Default)]
pub struct SecretStore {
    file: Option<PathBuf>,
    secrets: Mutex<BTreeMap<String, String>>,
}

impl SecretStore {
    pub fn open(folder: Option<&Path>) -> Result<Self, LocalError> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let file = folder.join("secrets.json");
        let unusable = |cause: String| LocalError::Folder { path: file.clone(), cause };
        let secrets = match fs::read_to_string(&file) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|_| unusable("it is not a list of secrets".into()))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unusable(error.to_string())),
        };
        Ok(Self { secrets: Mutex::new(secrets), file: Some(file) })
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.secrets().get(name).cloned()
    }

    pub fn put(&self, name: &str, value: &str) -> Result<(), LocalError> {
        let mut secrets = self.secrets();
        secrets.insert(name.to_owned(), value.to_owned());
        let Some(file) = &self.file else { return Ok(()) };
        let unusable = |cause: String| LocalError::Folder { path: file.clone(), cause };
        let text = serde_json::to_string_pretty(&*secrets).map_err(|error| unusable(error.to_string()))?;
        // Beside it and then over it: a crash leaves the old file or the new one.
        let draft = file.with_extension("draft");
        let write = || {
            let mut options = fs::OpenOptions::new();
            options
                .create(true)
                .write(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?
                .write_all(text.as_bytes())?;
            fs::rename(&draft, file)
        };
        write().map_err(|error: std::io::Error| unusable(error.to_string()))
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn router(store: Arc<SecretStore>) -> axum::Router {
    axum::Router::new().route("/", post(call)).with_state(store)
}

async fn call(State(store): State<Arc<SecretStore>>, headers: HeaderMap, body: String) -> Response {
    // The protocol's own content type is not the one that a JSON extractor takes.
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let name = request["SecretId"].as_str().unwrap_or_default();
    match target {
        "secretsmanager.GetSecretValue" => match store.get(name) {
            Some(value) => Json(json!({
                "ARN": name,
                "Name": name,
                "SecretString": value,
                "VersionStages": ["AWSCURRENT"],
            }))
            .into_response(),
            None => refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        },
        "secretsmanager.PutSecretValue" => {
            match request["SecretString"].as_str().map(|value| store.put(name, value)) {
                Some(Ok(())) => {
                    Json(json!({"ARN": name, "Name": name, "VersionStages": ["AWSCURRENT"]})).into_response()
                }
                _ => refuse("InvalidRequestException", "The secret could not be kept."),
            }
        }
        _ => refuse("UnknownOperationException", "The local Secrets Manager does not know this operation."),
    }
}

fn refuse(kind: &str, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"__type": kind, "message": message}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_outlive_the_process_and_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder =
            std::env::temp_dir().join(format!("vitrine-secrets-{}", vitrine::random::short_id().unwrap()));
        fs::create_dir_all(&folder).unwrap();
        SecretStore::open(Some(&folder)).unwrap().put("a", "1").unwrap();
        assert_eq!(SecretStore::open(Some(&folder)).unwrap().get("a").as_deref(), Some("1"));
        let mode = fs::metadata(folder.join("secrets.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.join("secrets.json"), "oops").unwrap();
        assert!(SecretStore::open(Some(&folder)).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
