//! The environment of a function: its settings, its clock, its AWS clients and the names of the resources that it
//! may use.
//!
//! It knows no service: each capability builds the client that it needs, and names its own resource.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

use crate::aws::capability::AwsResource;
use crate::aws::process::Process;
use vitrine_rules::clock::Clock;
use vitrine_rules::settings::{SettingError, Settings};

#[derive(Clone)]
pub struct Environment {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub process: Process,
    config: SdkConfig,
    shared: Shared,
    names: Names,
}

/// Values that capabilities share, one of each type. The clients of services also share one HTTP client.
type Shared = Arc<Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>>>>;

/// The deployment's names of the resources that a function uses.
#[derive(Debug, Clone)]
pub enum Names {
    /// The environment variables of the process, as the template sets them.
    Process,
    /// Names by variable.
    Listed(BTreeMap<&'static str, String>),
}

impl Environment {
    /// Reads the process's environment, as the template sets it. Fails before the first request if a
    /// setting makes no sense.
    pub async fn load() -> Result<Self, SettingError> {
        let settings = Settings::read(|name| std::env::var(name).ok())?;
        let config = impatient(aws_config::defaults(BehaviorVersion::v2026_01_12())).load().await;
        Ok(Self::new(settings, Clock::default(), Process::default(), Names::Process, config))
    }

    pub fn new(settings: Settings, clock: Clock, process: Process, names: Names, config: SdkConfig) -> Self {
        Self { settings: Arc::new(settings), clock, process, config, shared: Shared::default(), names }
    }

    /// Uses a client that was built elsewhere instead of one that a capability would build.
    #[must_use]
    pub fn with_client<C: Clone + Send + Sync + 'static>(self, client: C) -> Self {
        self.lock_shared().insert(TypeId::of::<C>(), Box::new(client));
        self
    }

    /// The client of one service, built when it is first needed.
    pub fn client<C: Clone + Send + Sync + 'static>(&self, build: impl FnOnce(&SdkConfig) -> C) -> C {
        self.shared(|| build(&self.config))
    }

    /// A value that all capabilities share, made when it is first needed.
    pub fn shared<T: Clone + Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> T {
        let find = |shared: &HashMap<TypeId, Box<dyn Any + Send + Sync>>| {
            shared.get(&TypeId::of::<T>()).and_then(|one| one.downcast_ref::<T>()).cloned()
        };
        // Not locked while the value is made, which may need another one.
        let found = find(&self.lock_shared());
        found.unwrap_or_else(|| {
            let made = make();
            let mut shared = self.lock_shared();
            find(&shared).unwrap_or_else(|| {
                shared.insert(TypeId::of::<T>(), Box::new(made.clone()));
                made
            })
        })
    }

    /// The deployment's name of a resource; empty if the function was given none.
    pub fn name_of(&self, resource: AwsResource) -> String {
        match &self.names {
            Names::Process => std::env::var(resource.variable).unwrap_or_default(),
            Names::Listed(names) => names.get(resource.variable).cloned().unwrap_or_default(),
        }
    }

    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// The address of a service, if the process was given one: in a variable of its own, or for all services.
    pub fn endpoint(&self, variable: &str) -> Option<String> {
        let own = match &self.names {
            Names::Process => std::env::var(variable).ok().filter(|endpoint| !endpoint.is_empty()),
            Names::Listed(_) => None,
        };
        own.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }

    fn lock_shared(&self) -> std::sync::MutexGuard<'_, HashMap<TypeId, Box<dyn Any + Send + Sync>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Sets short timeouts and quick retries: a viewer waits, and is better served by an early 503.
pub fn impatient(loader: aws_config::ConfigLoader) -> aws_config::ConfigLoader {
    loader
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(3)
                .with_initial_backoff(Duration::from_millis(40))
                .with_max_backoff(Duration::from_millis(200)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_millis(1_500))
                .operation_timeout(Duration::from_secs(4))
                .build(),
        )
}
