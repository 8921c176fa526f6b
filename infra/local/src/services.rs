//! The embedded services: DynamoDB and Secrets Manager, on loopback ports.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use vitrine::aws::background::BackgroundTasks;
use vitrine::aws::environment::impatient;
use vitrine::rules::random;

use crate::LocalError;
use crate::options::Kept;
use crate::secret_store::SecretStore;
use crate::secrets_manager;
use crate::table;

pub const TABLE: &str = "vitrine";
pub const SIGNING_SECRET: &str = "vitrine/signing-keys";
pub const ADMIN_KEY: &str = "vitrine/admin-key";

pub struct Services {
    pub dynamodb: SocketAddr,
    pub secrets_manager: SocketAddr,
    /// What the functions still do after their answers.
    pub afterwards: BackgroundTasks,
    secrets: Arc<SecretStore>,
    stop: watch::Sender<bool>,
}

impl Services {
    /// Starts both, creates what is missing, and returns when they answer.
    pub async fn start(kept: &Kept, dynamodb_port: u16, secrets_port: u16) -> Result<Self, LocalError> {
        let folder = (!kept.memory).then_some(kept.data.as_path());
        if let Some(folder) = folder {
            private_folder(folder)?;
        }
        let database = open_database(folder)?;
        let secrets = Arc::new(SecretStore::open(folder)?);
        keep_secrets(&secrets, kept)?;

        let (stop, stopped) = watch::channel(false);
        let listener = bind(dynamodb_port).await?;
        let dynamodb = local_address(&listener)?;
        tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, until(stopped.clone())));
        let listener = bind(secrets_port).await?;
        let secrets_manager = local_address(&listener)?;
        let serve = axum::serve(listener, secrets_manager::router(Arc::clone(&secrets)));
        tokio::spawn(async move { serve.with_graceful_shutdown(until(stopped)).await });
        Ok(Self { dynamodb, secrets_manager, afterwards: BackgroundTasks::default(), secrets, stop })
    }

    /// How the SDK reaches them.
    pub async fn sdk_config(&self) -> SdkConfig {
        impatient(aws_config::defaults(BehaviorVersion::v2026_01_12()))
            .region(Region::from_static("local"))
            .test_credentials()
            .load()
            .await
    }

    pub fn admin_key(&self) -> String {
        self.secrets.get(ADMIN_KEY).unwrap_or_default()
    }

    /// The secret that signs, as a backend gets to know it.
    pub fn embedding_secret(&self) -> String {
        let document = self.secrets.get(SIGNING_SECRET).unwrap_or_default();
        let keys: serde_json::Value = serde_json::from_str(&document).unwrap_or_default();
        keys["keys"][0]["secret"].as_str().unwrap_or_default().to_owned()
    }

    /// Puts another key set in place, as a rotation does.
    pub fn put_signing_keys(&self, document: &str) -> Result<(), LocalError> {
        self.secrets.put(SIGNING_SECRET, document)
    }

    /// The versions of the signing secret and the labels on them.
    pub fn signing_versions(&self) -> Option<crate::secret_store::Secret> {
        self.secrets.secret(SIGNING_SECRET)
    }

    /// Begins a rotation as Secrets Manager does, and answers the version that is to come.
    pub fn begin_rotation(&self) -> Result<String, LocalError> {
        let version = random::short_id().map_err(LocalError::Random)?;
        let begun = self.secrets.begin_rotation(SIGNING_SECRET, &version);
        begun.map_err(|_| LocalError::Services("the rotation could not begin".to_owned()))?;
        Ok(version)
    }

    /// What a function's process needs in its environment to work with these services.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", self.dynamodb)),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{}", self.secrets_manager)),
            ("AWS_REGION", "local".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("TABLE_NAME", TABLE.to_owned()),
            ("SIGNING_SECRET_ARN", SIGNING_SECRET.to_owned()),
            ("ADMIN_KEY_SECRET_ARN", ADMIN_KEY.to_owned()),
        ]
    }

    /// Writes that environment, settings included, where `cargo lambda watch` can read it.
    pub fn write_environment(&self, kept: &Kept) -> Result<PathBuf, LocalError> {
        let file = kept.data.join("watch.env");
        private_folder(&kept.data)?;
        let mut lines: Vec<_> =
            self.environment().iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect();
        lines.extend(kept.assignments().map(|(name, value)| format!("{name}=\"{value}\"\n")));
        match fs::write(&file, lines.concat()) {
            Ok(()) => Ok(file),
            Err(error) => Err(LocalError::Folder { path: file, cause: error.to_string() }),
        }
    }

    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// For this user's eyes only: it holds the secrets.
fn private_folder(folder: &Path) -> Result<(), LocalError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| LocalError::Folder { path: folder.to_owned(), cause: error.to_string() })
}

fn open_database(folder: Option<&Path>) -> Result<Database, LocalError> {
    let failed = |cause: String| match folder {
        Some(folder) => LocalError::Folder { path: folder.to_owned(), cause },
        None => LocalError::Services(cause),
    };
    let database = match folder {
        Some(folder) => Database::new(&folder.join("dynamodb.sqlite").to_string_lossy()),
        None => Database::memory(),
    };
    let database = database.map_err(|error| failed(error.to_string()))?;
    let tables = database.list_tables(Default::default()).map_err(|error| failed(error.to_string()))?;
    let wanted = table::create_request(TABLE);
    if !tables.table_names.iter().any(|name| name == TABLE) {
        let request = serde_json::from_value(wanted).map_err(|error| failed(error.to_string()))?;
        database.create_table(request).map_err(|error| failed(error.to_string()))?;
    } else if indexes(&described(&database).map_err(failed)?["Table"]) != indexes(&wanted) {
        return Err(failed("its table is of another version; remove the folder to start over".to_owned()));
    }
    Ok(database)
}

fn described(database: &Database) -> Result<Value, String> {
    let request = serde_json::from_value(json!({"TableName": TABLE})).map_err(|error| error.to_string())?;
    let table = database.describe_table(request).map_err(|error| error.to_string())?;
    serde_json::to_value(table).map_err(|error| error.to_string())
}

/// The names of a table's indexes.
fn indexes(table: &Value) -> BTreeSet<&str> {
    let indexes = table["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
    indexes.filter_map(|index| index["IndexName"].as_str()).collect()
}

fn keep_secrets(secrets: &SecretStore, kept: &Kept) -> Result<(), LocalError> {
    if let Some(secret) = &kept.signing_secret {
        secrets.put(SIGNING_SECRET, &key_set(secret))?;
    } else if secrets.get(SIGNING_SECRET).is_none() {
        secrets.put(SIGNING_SECRET, &key_set(&random::hex_secret().map_err(LocalError::Random)?))?;
    }
    if let Some(key) = &kept.admin_key {
        secrets.put(ADMIN_KEY, key)?;
    } else if secrets.get(ADMIN_KEY).is_none() {
        secrets.put(ADMIN_KEY, &random::secret().map_err(LocalError::Random)?)?;
    }
    Ok(())
}

fn key_set(secret: &str) -> String {
    json!({"keys": [{"kid": "local", "secret": secret}]}).to_string()
}

pub async fn bind(port: u16) -> Result<TcpListener, LocalError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| LocalError::Port { port, source })
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, LocalError> {
    listener.local_addr().map_err(|error| LocalError::Services(error.to_string()))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_another_version_is_not_written_to() {
        let folder = std::env::temp_dir().join(format!("vitrine-table-{}", random::short_id().unwrap()));
        fs::create_dir_all(&folder).unwrap();
        let mut old = table::create_request(TABLE);
        old["GlobalSecondaryIndexes"].as_array_mut().unwrap().pop();
        old["AttributeDefinitions"].as_array_mut().unwrap().retain(|one| one["AttributeName"] != "directory");
        let database = Database::new(&folder.join("dynamodb.sqlite").to_string_lossy()).unwrap();
        database.create_table(serde_json::from_value(old).unwrap()).unwrap();
        drop(database);
        let refused = open_database(Some(&folder)).err().unwrap().to_string();
        assert!(refused.contains("of another version"), "{refused}");

        fs::remove_file(folder.join("dynamodb.sqlite")).unwrap();
        drop(open_database(Some(&folder)).unwrap());
        drop(open_database(Some(&folder)).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }
}
