//! The provider through which people sign in to the console: its document, its keys and its tokens.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::aws::capability::{AwsResource, Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::process::KeyRevision;
use crate::aws::signing_keys::cached_secret::{CachedSecret, GET_SECRET_VALUE};
use crate::aws::web_client::{WebAnswer, WebClient};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::json::strict;
use vitrine_rules::openid::id_token::IdToken;
use vitrine_rules::openid::provider_document::ProviderDocument;
use vitrine_rules::openid::provider_keys::ProviderKeys;
use vitrine_rules::openid::sign_in_flow::error_word;
use vitrine_rules::settings::Settings;

/// The secret of the client, if the provider gave one. The owner keeps it, and the stack reads it.
pub const CLIENT_SECRET: AwsResource =
    AwsResource { logical_id: "ConsoleClientSecretArn", variable: "CONSOLE_CLIENT_SECRET_ARN" };

/// The time for which document and keys are cached.
const CACHE_SECONDS: i64 = 900;

/// The shortest time between two requests for the keys: a token with an unknown key triggers one.
const REFRESH_SECONDS: i64 = 10;

/// The time after a failure in which the provider is not asked again.
const PAUSE_SECONDS: i64 = 3;

/// Tokens for a code.
pub struct ProviderTokens {
    pub id_token: SecretString,
    pub access_token: Option<SecretString>,
}

/// Asks the provider of the settings. All requests of a process share what was read.
#[derive(Clone)]
pub struct IdentityProvider(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    clock: Clock,
    web: WebClient,
    client_secret: Option<CachedSecret<SecretString>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    document: Option<Read<ProviderDocument>>,
    keys: Option<Read<ProviderKeys>>,
    failed_at: Option<Timestamp>,
}

struct Read<T> {
    value: Arc<T>,
    at: Timestamp,
}

impl<T> Read<T> {
    fn within(&self, seconds: i64, now: Timestamp) -> Option<Arc<T>> {
        (0..seconds).contains(&now.since(self.at)).then(|| Arc::clone(&self.value))
    }
}

impl Capability for IdentityProvider {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([CLIENT_SECRET.allow(GET_SECRET_VALUE)])
    }

    fn connect(environment: &Environment) -> Self {
        let has_secret = !environment.name_of(CLIENT_SECRET).is_empty();
        let secret = || {
            CachedSecret::new(environment, CLIENT_SECRET, KeyRevision::default(), |text| match text.trim() {
                "" => Err("the secret of the console's client is empty".to_owned()),
                secret => Ok(SecretString::from(secret)),
            })
        };
        Self(Arc::new(Inner {
            settings: Arc::clone(&environment.settings),
            clock: environment.clock.clone(),
            web: WebClient::default(),
            client_secret: has_secret.then(secret),
            known: Mutex::default(),
        }))
    }
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityProvider")
    }
}

fn unavailable(detail: impl fmt::Display) -> Error {
    Error::new(Reason::ProviderUnavailable).detail(detail)
}

impl IdentityProvider {
    /// The provider's document. Without a provider in the settings there is none.
    pub async fn document(&self) -> Result<Arc<ProviderDocument>> {
        let Inner { settings, clock, .. } = &*self.0;
        let issuer = settings.sign_in.active().ok_or(Reason::RouteNotFound)?;
        let (mut known, now) = (self.0.known.lock().await, clock.now());
        if let Some(document) = known.document.as_ref().and_then(|read| read.within(CACHE_SECONDS, now)) {
            return Ok(document);
        }
        let read = |json: &[u8]| ProviderDocument::read(issuer, json);
        let document = Arc::new(self.fetch(&mut known, &issuer.document(), read).await?);
        known.document = Some(Read { value: Arc::clone(&document), at: now });
        Ok(document)
    }

    /// Keys among which the one that signed the token should be. They are read again if it is not among those in memory.
    pub async fn keys(&self, provider: &ProviderDocument, token: &IdToken<'_>) -> Result<Arc<ProviderKeys>> {
        let (mut known, now) = (self.0.known.lock().await, self.0.clock.now());
        if let Some(read) = &known.keys
            && let Some(keys) = read.within(CACHE_SECONDS, now)
            && (token.is_signed_by(&keys) || read.within(REFRESH_SECONDS, now).is_some())
        {
            return Ok(keys);
        }
        let keys = Arc::new(self.fetch(&mut known, &provider.keys_endpoint, ProviderKeys::read).await?);
        known.keys = Some(Read { value: Arc::clone(&keys), at: now });
        Ok(keys)
    }

    /// Fetches and reads a document. After a failure of any kind the provider is left alone for a while.
    async fn fetch<T>(
        &self,
        known: &mut Known,
        url: &str,
        read: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let clock = &self.0.clock;
        if known.failed_at.is_some_and(|failed| (0..PAUSE_SECONDS).contains(&clock.now().since(failed))) {
            return Err(unavailable("the provider failed a moment ago"));
        }
        let document = match self.0.web.get(url).await {
            Ok(WebAnswer { status: 200, body }) => read(&body),
            Ok(answer) => Err(unavailable(format_args!("the provider answered {}", answer.status))),
            Err(cause) => Err(unavailable(format_args!("the provider: {cause}"))),
        };
        // The time after the request: a provider that does not answer in time is left alone as well.
        known.failed_at = document.is_err().then(|| clock.now());
        document
    }

    /// Exchanges a code for tokens.
    pub async fn redeem(
        &self,
        provider: &ProviderDocument,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<ProviderTokens> {
        let client_id = &self.0.settings.sign_in.client_id;
        let secret = match &self.0.client_secret {
            Some(secret) => Some(secret.get().await?),
            None => None,
        };
        let code = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("client_id", client_id),
            ("code_verifier", verifier),
        ];
        let (in_form, authorization) = match secret.as_deref() {
            Some(secret) if provider.takes_secret_in_form => {
                (Some(("client_secret", secret.expose_secret())), None)
            }
            Some(secret) => (None, Some(basic(client_id, secret))),
            None => (None, None),
        };
        // The encoder must not live until the answer: it cannot move to another thread.
        let form =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(code).extend_pairs(in_form).finish();
        let answer = self.0.web.post(&provider.token_endpoint, authorization.as_ref(), form).await;
        let answer = answer.map_err(|cause| unavailable(format_args!("the token endpoint: {cause}")))?;
        read_tokens(&answer)
    }
}

/// The credentials of a client in a header. Each part is encoded as in a form first.
fn basic(client_id: &str, secret: &SecretString) -> SecretString {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(client_id), encoded(secret.expose_secret()));
    format!("Basic {}", STANDARD.encode(both)).into()
}

fn read_tokens(answer: &WebAnswer) -> Result<ProviderTokens> {
    let body = strict::parse(&answer.body).unwrap_or(Value::Null);
    match answer.status {
        200 => {}
        400..500 => {
            let word = error_word(body["error"].as_str().unwrap_or_default());
            return Err(Error::new(Reason::SignInInvalid)
                .detail(format_args!("the token endpoint answered {}: {word}", answer.status)));
        }
        status => return Err(unavailable(format_args!("the token endpoint answered {status}"))),
    }
    let text = |name: &str| body[name].as_str().map(SecretString::from);
    let id_token = text("id_token");
    let id_token = id_token
        .ok_or_else(|| Error::new(Reason::SignInInvalid).detail("the token endpoint sent no ID token"))?;
    Ok(ProviderTokens { id_token, access_token: text("access_token") })
}
