//! All functions of the product in one process. Each has its own clients, caches and grants, as if it ran alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_config::SdkConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vitrine::aws::admin_key::ADMIN_KEY;
use vitrine::aws::blobs::{BUCKET, ExportOrigin, Presigner};
use vitrine::aws::capability::{Capability, Grant};
use vitrine::aws::engine_worker::WORKER;
use vitrine::aws::environment::{Environment, Names};
use vitrine::aws::identity_provider::CLIENT_SECRET;
use vitrine::aws::signing_keys::SIGNING_SECRET;
use vitrine::aws::storage::table::TABLE;
use vitrine::http::Routes;
use vitrine::rules::clock::Clock;
use vitrine::rules::data::work::Work;
use vitrine::rules::error::Result;
use vitrine::rules::settings::Settings;

use crate::least_privilege::{LeastPrivilege, Service};
use crate::services::{self, Endpoint, Services};

/// Passes the product's functions to a macro: the crate of each, and its name in the template.
///
/// This is the only list of functions in code. The local server and the API description are made from it; tests check
/// the workspace's members, `template.yaml`, the router of `cargo lambda watch` and the log's filter against it.
#[macro_export]
macro_rules! for_each_function {
    ($then:ident) => {
        $then! {
            // API Gateway calls these through their routes.
            with_routes {
                create_session = "create-session",
                redeem_session = "redeem-session",
                verify_token = "verify-token",
                list_embeddable = "list-embeddable",
                publish_resource = "publish-resource",
                manage_keys = "manage-keys",
                manage_viewers = "manage-viewers",
                manage_data = "manage-data",
                explain_refusal = "explain-refusal",
                run_query = "run-query",
                serve_embed = "serve-embed",
                serve_console = "serve-console",
            }
            // These handle events of AWS.
            without_routes {
                rotate_key = "rotate-key",
                authorize_request = "authorize-request",
                import_table = "import-table",
            }
        }
    };
}

/// A function as the local server and the tests see it.
pub struct Function {
    pub name: &'static str,
    pub routes: Routes,
    pub grants: BTreeSet<Grant>,
}

struct Assembly<'a> {
    services: &'a Services,
    config: SdkConfig,
    settings: &'a Settings,
    clock: &'a Clock,
}

macro_rules! define {
    (
        with_routes { $($routed:ident = $routed_name:literal),+ $(,)? }
        without_routes { $($called:ident = $called_name:literal),+ $(,)? }
    ) => {
        /// The names of all functions.
        pub const NAMES: &[&str] = &[$($routed_name,)+ $($called_name,)+];

        /// Every function of the product, connected to `services`.
        pub async fn connect_all(services: &Services, settings: &Settings, clock: &Clock) -> Vec<Function> {
            let assembly = Assembly { services, config: services.sdk_config().await, settings, clock };
            import_table(services, settings, clock).await;
            vec![
                $(assembly.function($routed_name, $routed::routes()),)+
                $(without_routes::<$called::State>($called_name),)+
            ]
        }
    };
}

for_each_function!(define);

/// The crates of all functions and of the local run, as log targets.
pub fn crates_that_log() -> impl Iterator<Item = String> {
    NAMES.iter().map(|name| name.replace('-', "_")).chain(["vitrine_local".to_owned()])
}

fn without_routes<S: Capability>(name: &'static str) -> Function {
    Function { name, routes: Routes::default(), grants: S::grants() }
}

/// The function that Secrets Manager calls.
pub async fn rotate_key(services: &Services, settings: &Settings, clock: &Clock) -> rotate_key::State {
    connected("rotate-key", services, settings, clock).await
}

/// The function that API Gateway calls to authorize requests to an API of the owner.
pub async fn authorize_request(
    services: &Services,
    settings: &Settings,
    clock: &Clock,
) -> authorize_request::State {
    connected("authorize-request", services, settings, clock).await
}

/// The function that does an engine's long work for those that have no engine.
async fn import_table(services: &Services, settings: &Settings, clock: &Clock) {
    let take =
        |state: Arc<import_table::State>, work: Work| async move { import_table::take(&state, work).await };
    invocable(services::IMPORT_FUNCTION, services, settings, clock, take).await;
}

/// Lets other functions invoke this one, with state of its own.
pub async fn invocable<S, W, A, F>(
    name: &'static str,
    services: &Services,
    settings: &Settings,
    clock: &Clock,
    handle: impl Fn(Arc<S>, W) -> F + Send + Sync + 'static,
) where
    S: Capability + Send + Sync + 'static,
    W: DeserializeOwned,
    A: Serialize,
    F: Future<Output = Result<A>> + Send + 'static,
{
    let state = Arc::new(connected::<S>(name, services, settings, clock).await);
    services.invocable.add(name, move |work| handle(state.clone(), work));
}

/// A state of capabilities as a function of this name has it.
pub async fn connected<S: Capability>(
    name: &'static str,
    services: &Services,
    settings: &Settings,
    clock: &Clock,
) -> S {
    let assembly = Assembly { services, config: services.sdk_config().await, settings, clock };
    S::connect(&assembly.environment(name, S::grants()))
}

/// The routes of all functions in one router.
pub fn merge_routes(functions: Vec<Function>) -> Routes {
    functions.into_iter().fold(Routes::default(), |all, function| all.and(function.routes))
}

impl Assembly<'_> {
    fn function<S>(&self, name: &'static str, routes: Routes<S>) -> Function
    where
        S: Capability + Clone + Send + Sync + 'static,
    {
        let state = S::connect(&self.environment(name, S::grants()));
        // As the condition of the template.
        let is_left_out = name == "serve-console" && !self.settings.console;
        let routes = if is_left_out { Routes::default() } else { routes.with_state(state) };
        Function { name, routes, grants: S::grants() }
    }

    fn environment(&self, function: &'static str, grants: BTreeSet<Grant>) -> Environment {
        let guard = |service| LeastPrivilege { function, service, grants: grants.clone() };
        let url = |endpoint: Endpoint| format!("http://{endpoint}");
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&self.config)
            .endpoint_url(url(self.services.dynamodb))
            .interceptor(guard(Service::DynamodbOrSecretsManager))
            .build();
        let secrets = aws_sdk_secretsmanager::config::Builder::from(&self.config)
            .endpoint_url(url(self.services.secrets_manager))
            .interceptor(guard(Service::DynamodbOrSecretsManager))
            .build();
        let s3 = |endpoint| {
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .endpoint_url(url(endpoint))
                .force_path_style(true)
                .interceptor(guard(Service::S3));
            aws_sdk_s3::Client::from_conf(config.build())
        };
        let lambda = aws_sdk_lambda::config::Builder::from(&self.config)
            .endpoint_url(url(self.services.lambda))
            .interceptor(guard(Service::Lambda))
            .build();
        let names = [
            (TABLE, services::TABLE),
            (SIGNING_SECRET, services::SIGNING_SECRET),
            (ADMIN_KEY, services::ADMIN_KEY),
            (CLIENT_SECRET, self.services.client_secret_name()),
            (BUCKET, services::BUCKET),
            (WORKER, services::IMPORT_FUNCTION),
        ];
        let names = names.map(|(resource, name)| (resource.variable, name.to_owned()));
        Environment::new(
            self.settings.clone(),
            self.clock.clone(),
            self.services.process.clone(),
            Names::Listed(names.into()),
            self.config.clone(),
        )
        .with_client(aws_sdk_dynamodb::Client::from_conf(dynamodb))
        .with_client(aws_sdk_secretsmanager::Client::from_conf(secrets))
        .with_client(s3(self.services.s3))
        .with_client(ExportOrigin::loopback())
        .with_client(Presigner::at(s3(self.services.link_endpoint())))
        .with_client(aws_sdk_lambda::Client::from_conf(lambda))
    }
}
