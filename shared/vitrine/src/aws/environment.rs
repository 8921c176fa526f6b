//! Where a function runs: its settings, its clock, its clients and the names of what it may touch.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

use crate::aws::background::BackgroundTasks;
use vitrine_rules::clock::Clock;
use vitrine_rules::settings::{SettingError, Settings};

#[derive(Debug, Clone)]
pub struct Environment {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub names: Names,
    pub afterwards: BackgroundTasks,
}

/// What the deployment calls the things a function touches.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub table: String,
    pub signing_secret: String,
    pub admin_key: String,
}

impl Environment {
    /// Reads the process's environment, as the template sets it. Fails before the first request if a
    /// setting makes no sense.
    pub async fn load() -> Result<Self, SettingError> {
        let variable = |name: &str| std::env::var(name).ok();
        let settings = Settings::read(variable)?;
        let names = Names {
            table: variable("TABLE_NAME").unwrap_or_default(),
            signing_secret: variable("SIGNING_SECRET_ARN").unwrap_or_default(),
            admin_key: variable("ADMIN_KEY_SECRET_ARN").unwrap_or_default(),
        };
        let config = impatient(aws_config::defaults(BehaviorVersion::v2026_01_12())).load().await;
        Ok(Self::new(settings, Clock::default(), names, &config))
    }

    /// One configuration, and so one HTTP client, behind both services.
    pub fn new(settings: Settings, clock: Clock, names: Names, config: &SdkConfig) -> Self {
        Self {
            settings: Arc::new(settings),
            clock,
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            names,
            afterwards: BackgroundTasks::default(),
        }
    }
}

/// A viewer waits: short timeouts and quick retries, then an honest 503.
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
