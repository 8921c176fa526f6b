//! The embedded services: DynamoDB, Secrets Manager, S3 and Lambda. The functions reach them inside this process; ports are
//! opened only where another process needs them.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use axum::body::Body;
use axum::http::{Method, Request, Uri, header};
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;
use vitrine::aws::environment::impatient;
use vitrine::aws::process::Process;
use vitrine::rules::random;

use crate::credential::Credential;
use crate::in_process::InProcess;
use crate::lambda::Invocable;
use crate::listener::{bind, serve, serve_uploads};
use crate::options::ServiceOptions;
use crate::s3::ObjectFolder;
use crate::secret_store::SecretStore;
use crate::{LocalError, dynamodb, private_files, s3, secrets_manager, table};

pub const TABLE: &str = "vitrine";
pub const SIGNING_SECRET: &str = "vitrine/signing-keys";
pub const ADMIN_KEY: &str = "vitrine/admin-key";
pub const CLIENT_SECRET: &str = "vitrine/console-client-secret";
pub const BUCKET: &str = "vitrine-data";
pub const IMPORT_FUNCTION: &str = "import-table";

/// Names that no DNS server resolves, so that a request that leaves the process by mistake reaches nothing.
const DYNAMODB: &str = "dynamodb.invalid";
const SECRETS_MANAGER: &str = "secretsmanager.invalid";
const S3: &str = "s3.invalid";
const LAMBDA: &str = "lambda.invalid";

/// The address at which `cargo lambda watch` lets functions invoke each other.
const WATCH: &str = "http://127.0.0.1:9000";

/// The way the SDK reaches a service; displayed as the authority of its endpoint URL.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    InProcess(&'static str),
    Network(SocketAddr),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess(name) => formatter.write_str(name),
            Self::Network(address) => address.fmt(formatter),
        }
    }
}

/// Addresses at which the services listen for other processes.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub dynamodb: SocketAddr,
    pub secrets_manager: SocketAddr,
    pub s3: SocketAddr,
    pub lambda: SocketAddr,
}

pub struct Services {
    pub dynamodb: Endpoint,
    pub secrets_manager: Endpoint,
    pub s3: Endpoint,
    pub lambda: Endpoint,
    /// The functions that others invoke.
    pub invocable: Invocable,
    /// State that all functions share, because they run in one process.
    pub process: Process,
    database: Database,
    secrets: Arc<SecretStore>,
    objects: Arc<ObjectFolder>,
    /// The address at which others follow the links to objects.
    links: Option<SocketAddr>,
    credential: Credential,
    stop: watch::Sender<bool>,
}

impl Services {
    /// Opens the data and creates what is missing. No port is opened.
    pub fn start(kept: &ServiceOptions) -> Result<Self, LocalError> {
        let folder = (!kept.memory).then_some(kept.data.as_path());
        if let Some(folder) = folder {
            private_files::open_folder(folder)?;
        }
        let database = open_database(folder)?;
        let secrets = Arc::new(SecretStore::open(folder)?);
        keep_secrets(&secrets, kept)?;
        let kept_in = folder.map(|folder| folder.join(private_files::OBJECTS));
        let objects = Arc::new(ObjectFolder::open(BUCKET, kept_in.as_deref())?);
        let process = Process::default();
        Ok(Self {
            dynamodb: Endpoint::InProcess(DYNAMODB),
            secrets_manager: Endpoint::InProcess(SECRETS_MANAGER),
            s3: Endpoint::InProcess(S3),
            lambda: Endpoint::InProcess(LAMBDA),
            invocable: Invocable::new(process.background.clone()),
            process,
            database,
            secrets,
            objects,
            links: None,
            credential: Credential::generate()?,
            stop: watch::channel(false).0,
        })
    }

    /// Opens a port for each service. Callers must show the credential of this process.
    pub async fn listen(
        &self,
        [dynamodb_port, secrets_port, s3_port]: [u16; 3],
    ) -> Result<Ports, LocalError> {
        let protect = |router| self.credential.protect(router);
        let (first, second) = (bind(dynamodb_port).await?, bind(secrets_port).await?);
        Ok(Ports {
            dynamodb: self.serve(first, protect(dynamodb::router(self.database.clone())))?,
            secrets_manager: self.serve(second, protect(secrets_manager::router(self.secrets.clone())))?,
            s3: self.listen_for_objects(s3_port).await?,
            lambda: self.serve(bind(0).await?, protect(self.invocable.router()))?,
        })
    }

    fn serve(&self, listener: TcpListener, service: axum::Router) -> Result<SocketAddr, LocalError> {
        let address = listener.local_addr().map_err(|error| LocalError::Services(error.to_string()))?;
        tokio::spawn(serve(listener, service, self.stopped()));
        Ok(address)
    }

    async fn listen_for_objects(&self, port: u16) -> Result<SocketAddr, LocalError> {
        let listener = bind(port).await?;
        let address = listener.local_addr().map_err(|error| LocalError::Services(error.to_string()))?;
        let service = s3::listening(self.objects.clone(), &self.credential);
        tokio::spawn(serve_uploads(listener, service, self.stopped()));
        Ok(address)
    }

    /// Has the links to objects that functions give to others lead to this address.
    pub const fn links_at(&mut self, address: SocketAddr) {
        self.links = Some(address);
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopped = self.stop.subscribe();
        async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    }

    /// S3 in this process, for requests that were signed for it.
    pub fn s3_router(&self) -> axum::Router {
        s3::router(self.objects.clone(), &self.credential)
    }

    fn routers(&self) -> [(&'static str, axum::Router); 4] {
        [
            (DYNAMODB, dynamodb::router(self.database.clone())),
            (SECRETS_MANAGER, secrets_manager::router(self.secrets.clone())),
            (S3, self.s3_router()),
            (LAMBDA, self.invocable.router()),
        ]
    }

    /// Has the functions that connect from now on use the network, for example to a proxy before the ports.
    pub fn reach_at(&mut self, ports: Ports) {
        self.dynamodb = Endpoint::Network(ports.dynamodb);
        self.secrets_manager = Endpoint::Network(ports.secrets_manager);
        self.s3 = Endpoint::Network(ports.s3);
        self.lambda = Endpoint::Network(ports.lambda);
    }

    /// The address of S3 in the links that functions give to others.
    pub fn link_endpoint(&self) -> Endpoint {
        self.links.map_or(self.s3, Endpoint::Network)
    }

    /// The SDK configuration for these services.
    pub async fn sdk_config(&self) -> SdkConfig {
        let loader = impatient(aws_config::defaults(BehaviorVersion::v2026_01_12()))
            .region(Region::from_static("local"))
            .credentials_provider(self.credential.for_sdk());
        let endpoints = [self.dynamodb, self.secrets_manager, self.s3, self.lambda];
        let loader = match endpoints.iter().all(|endpoint| matches!(endpoint, Endpoint::Network(_))) {
            true => loader,
            false => loader.http_client(InProcess::new(self.routers())),
        };
        loader.load().await
    }

    pub fn admin_key(&self) -> String {
        self.secrets.get(ADMIN_KEY).unwrap_or_default()
    }

    /// The name of the secret of the console's client; empty if none is kept.
    pub fn client_secret_name(&self) -> &'static str {
        if self.secrets.get(CLIENT_SECRET).is_some() { CLIENT_SECRET } else { "" }
    }

    /// Replaces the admin key.
    pub fn put_admin_key(&self, key: &str) -> Result<(), LocalError> {
        self.secrets.put(ADMIN_KEY, key)
    }

    /// Keeps the secret of the console's client, for functions that connect from now on.
    pub fn put_client_secret(&self, secret: &str) -> Result<(), LocalError> {
        self.secrets.put(CLIENT_SECRET, secret)
    }

    /// The embedding secret that signs now.
    pub fn embedding_secret(&self) -> String {
        let document = self.secrets.get(SIGNING_SECRET).unwrap_or_default();
        let keys: serde_json::Value = serde_json::from_str(&document).unwrap_or_default();
        keys["keys"][0]["secret"].as_str().unwrap_or_default().to_owned()
    }

    /// Replaces the key set, as a rotation does.
    pub fn put_signing_keys(&self, document: &str) -> Result<(), LocalError> {
        self.secrets.put(SIGNING_SECRET, document)
    }

    /// The versions of the signing secret and the labels on them.
    pub fn signing_versions(&self) -> Option<crate::secret_store::Secret> {
        self.secrets.secret(SIGNING_SECRET)
    }

    /// Begins a rotation as Secrets Manager does. Returns the id of the pending version.
    pub fn begin_rotation(&self) -> Result<String, LocalError> {
        let version = random::short_id().map_err(LocalError::Random)?;
        let begun = self.secrets.begin_rotation(SIGNING_SECRET, &version);
        begun.map_err(|_| LocalError::Services("the rotation could not begin".to_owned()))?;
        Ok(version)
    }

    /// The environment of a function that runs in another process and uses these ports.
    pub fn environment(&self, ports: &Ports) -> Vec<(&'static str, String)> {
        let mut environment = vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", ports.dynamodb)),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{}", ports.secrets_manager)),
            ("AWS_ENDPOINT_URL_S3", format!("http://{}", ports.s3)),
            ("AWS_ENDPOINT_URL_LAMBDA", WATCH.to_owned()),
            ("AWS_REGION", "local".to_owned()),
        ];
        environment.extend(self.credential.variables());
        environment.extend([
            ("TABLE_NAME", TABLE.to_owned()),
            ("SIGNING_SECRET_ARN", SIGNING_SECRET.to_owned()),
            ("ADMIN_KEY_SECRET_ARN", ADMIN_KEY.to_owned()),
            ("CONSOLE_CLIENT_SECRET_ARN", self.client_secret_name().to_owned()),
            ("DATA_BUCKET", BUCKET.to_owned()),
            ("IMPORT_FUNCTION", IMPORT_FUNCTION.to_owned()),
        ]);
        environment
    }

    /// Writes that environment and the settings to a file for `cargo lambda watch`.
    pub fn write_environment(&self, ports: &Ports, kept: &ServiceOptions) -> Result<PathBuf, LocalError> {
        private_files::open_folder(&kept.data)?;
        let file = kept.data.join(private_files::ENVIRONMENT);
        let mut lines: Vec<_> =
            self.environment(ports).iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect();
        lines.extend(kept.assignments().map(|(name, value)| format!("{name}=\"{value}\"\n")));
        match private_files::write(&file, lines.concat()) {
            Ok(()) => Ok(file),
            Err(error) => Err(LocalError::Folder { path: file, cause: error.to_string() }),
        }
    }

    /// Sends a file where the answer to an upload says. A port is not needed for it.
    pub async fn put_file(&self, upload: &Value, file: Vec<u8>) -> std::result::Result<(), String> {
        let url: Uri =
            upload["url"].as_str().unwrap_or_default().parse().map_err(|_| "the upload has no URL")?;
        let host = url.authority().map(ToString::to_string).unwrap_or_default();
        let mut request = Request::builder().method(Method::PUT).header(header::HOST, host);
        for (name, value) in upload["headers"].as_object().into_iter().flatten() {
            if name != "host" {
                request = request.header(name, value.as_str().unwrap_or_default());
            }
        }
        let request = request.uri(url).body(Body::from(file)).map_err(|error| error.to_string())?;
        let Ok(response) = self.s3_router().oneshot(request).await;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(format!("the upload was answered {}", response.status()))
        }
    }

    pub fn stop(&self) {
        self.stop.send_replace(true);
        self.objects.close();
    }
}

fn open_database(folder: Option<&Path>) -> Result<Database, LocalError> {
    let failed = |cause: String| match folder {
        Some(folder) => LocalError::Folder { path: folder.to_owned(), cause },
        None => LocalError::Services(cause),
    };
    let database = match folder {
        Some(folder) => {
            let file = folder.join(private_files::TABLE);
            private_files::create(&file).map_err(|error| failed(error.to_string()))?;
            Database::new(&file.to_string_lossy())
        }
        None => Database::memory(),
    };
    let database = database.map_err(|error| failed(error.to_string()))?;
    let tables = database.list_tables(Default::default()).map_err(|error| failed(error.to_string()))?;
    let wanted = table::create_request(TABLE);
    if !tables.table_names.iter().any(|name| name == TABLE) {
        let request = serde_json::from_value(wanted).map_err(|error| failed(error.to_string()))?;
        database.create_table(request).map_err(|error| failed(error.to_string()))?;
    } else if indexes(&described(&database).map_err(failed)?["Table"]) != indexes(&wanted) {
        return Err(failed("its table is from another version; remove the folder to start over".to_owned()));
    }
    Ok(database)
}

fn described(database: &Database) -> Result<Value, String> {
    let request = serde_json::from_value(json!({"TableName": TABLE})).map_err(|error| error.to_string())?;
    let table = database.describe_table(request).map_err(|error| error.to_string())?;
    serde_json::to_value(table).map_err(|error| error.to_string())
}

/// The index names in a table's description.
fn indexes(table: &Value) -> BTreeSet<&str> {
    let indexes = table["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
    indexes.filter_map(|index| index["IndexName"].as_str()).collect()
}

fn keep_secrets(secrets: &SecretStore, kept: &ServiceOptions) -> Result<(), LocalError> {
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
    if let Some(secret) = &kept.client_secret {
        secrets.put(CLIENT_SECRET, secret)?;
    }
    Ok(())
}

fn key_set(secret: &str) -> String {
    json!({"keys": [{"kid": "local", "secret": secret}]}).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_table_from_another_version_is_refused() {
        let folder = std::env::temp_dir().join(format!("vitrine-table-{}", random::short_id().unwrap()));
        fs::create_dir_all(&folder).unwrap();
        let mut old = table::create_request(TABLE);
        old["GlobalSecondaryIndexes"].as_array_mut().unwrap().pop();
        old["AttributeDefinitions"].as_array_mut().unwrap().retain(|one| one["AttributeName"] != "directory");
        let database = Database::new(&folder.join("dynamodb.sqlite").to_string_lossy()).unwrap();
        database.create_table(serde_json::from_value(old).unwrap()).unwrap();
        drop(database);
        let refused = open_database(Some(&folder)).err().unwrap().to_string();
        assert!(refused.contains("from another version"), "{refused}");

        fs::remove_file(folder.join("dynamodb.sqlite")).unwrap();
        drop(open_database(Some(&folder)).unwrap());
        drop(open_database(Some(&folder)).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }
}
