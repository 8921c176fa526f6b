//! Signs a person in to the console through the company's provider.

use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::app::request_context;
use crate::aws::admin_key::AdminKey;
use crate::aws::identity_provider::IdentityProvider;
use crate::aws::storage::{ConsoleSessions, UsedSignIns};
use vitrine_rules::clock::Clock;
use vitrine_rules::console_session::{ConsoleCookie, ConsoleSession};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::key_session::KeyPlace;
use vitrine_rules::openid::id_token::{ExpectedToken, IdToken};
use vitrine_rules::openid::person::Person;
use vitrine_rules::openid::sign_in_flow::{StartedSignIn, error_word};
use vitrine_rules::random;
use vitrine_rules::settings::Settings;

/// The purpose of the sealed cookie.
const SEALED_AS: &str = "sign-in of a person";

/// The longest code of a provider.
const MAX_CODE: usize = 4_096;

crate::capability_set! {
    pub struct PersonSignIn {
        provider: IdentityProvider,
        sessions: ConsoleSessions,
        used: UsedSignIns,
        admin: AdminKey,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

/// The first half of a sign-in.
#[derive(Debug)]
pub struct SignInStart {
    /// The provider's page.
    pub url: String,
    /// The value of the cookie that the second half needs.
    pub cookie: String,
}

/// The provider's answer, as the browser brings it.
#[derive(Debug, Clone, Copy)]
pub struct ProviderAnswer<'a> {
    pub state: &'a str,
    pub code: &'a str,
    pub error: &'a str,
    /// The issuer as the answer names it; empty if it does not.
    pub issuer: &'a str,
}

/// A person's session, and the page to show.
#[derive(Debug)]
pub struct SignedInPerson {
    pub cookie: ConsoleCookie,
    pub next: String,
}

impl PersonSignIn {
    /// Begins a sign-in that will lead to `next` and end the session of this cookie. Nothing is stored.
    pub async fn start(&self, redirect_uri: &str, next: &str, session: Option<&str>) -> Result<SignInStart> {
        let provider = self.provider.document().await?;
        let earlier = session.and_then(ConsoleCookie::parse).map(|cookie| cookie.handle());
        let started = StartedSignIn::new(next, earlier.unwrap_or_default(), self.clock.now())?;
        Ok(SignInStart {
            url: started.authorization_url(&provider, &self.settings.sign_in, redirect_uri),
            cookie: self.admin.seal(SEALED_AS, &started.parts()).await?,
        })
    }

    /// Starts a session for the person for whom the provider vouches. The answer must be that of the sign-in in the
    /// browser's cookie, and each is used once, whether it succeeds or not.
    pub async fn finish(
        &self,
        redirect_uri: &str,
        browser: &str,
        cookie: &str,
        answer: ProviderAnswer<'_>,
    ) -> Result<SignedInPerson> {
        self.settings.sign_in.active().ok_or(Reason::RouteNotFound)?;
        let started = self.open(cookie).await?;
        if !random::equal(answer.state, &started.state()) {
            return Err(Error::new(Reason::SignInExpired).detail("the state is not that of the cookie"));
        }
        self.used.take(&started.used_as(), started.ends_at()).await?;
        let provider = self.provider.document().await?;
        let names_issuer = !answer.issuer.is_empty() || provider.names_itself;
        if names_issuer && answer.issuer != provider.issuer.as_str() {
            return Err(Error::new(Reason::SignInInvalid).detail("the answer is of another issuer"));
        }
        if !answer.error.is_empty() {
            let is_outage = ["server_error", "temporarily_unavailable"].contains(&answer.error);
            let reason = if is_outage { Reason::ProviderUnavailable } else { Reason::SignInRefused };
            let word = error_word(answer.error);
            return Err(
                Error::new(reason).detail(format_args!("the provider answered with an error: {word}"))
            );
        }
        if answer.code.is_empty() || answer.code.len() > MAX_CODE {
            return Err(Error::new(Reason::SignInInvalid).detail("the answer has no code"));
        }
        let tokens = self.provider.redeem(&provider, answer.code, &started.verifier(), redirect_uri).await?;
        let token = IdToken::read(tokens.id_token.expose_secret())?;
        let keys = self.provider.keys(&provider, &token).await?;
        let (sign_in, now) = (&self.settings.sign_in, self.clock.now());
        let expected = ExpectedToken {
            client_id: &sign_in.client_id,
            nonce: &started.nonce(),
            access_token: tokens.access_token.as_ref().map(ExposeSecret::expose_secret),
            now,
        };
        let claims = token.verify(&keys, &provider, &expected)?;
        let person = Person::of(&claims, &sign_in.group_claim)?;
        let key_id = Person::id(&person.subject);
        request_context::caller(&key_id);
        let role = sign_in.roles.of_member(person.groups.iter().map(String::as_str));
        let place = KeyPlace::Person {
            subject: person.subject,
            group: role.ok_or(Reason::GroupsWithoutRole)?.group.clone(),
        };
        let cookie = ConsoleCookie::new(&place)?;
        let session = ConsoleSession {
            place,
            fingerprint: sign_in.fingerprint(),
            key_id,
            key_name: person.name,
            started_at: now,
            browser: String::new(),
        };
        self.sessions.start(&cookie, &session.from(browser)).await?;
        // A session that the browser came with is never taken over, and ends.
        if !started.earlier.is_empty() {
            self.sessions.end(&started.earlier).await?;
        }
        Ok(SignedInPerson { cookie, next: started.next })
    }

    async fn open(&self, cookie: &str) -> Result<StartedSignIn> {
        match self.admin.open(SEALED_AS, cookie).await {
            Ok(parts) => StartedSignIn::read(parts, self.clock.now()),
            Err(error) if error.is_outage() => Err(error),
            Err(_) => Err(Error::new(Reason::SignInExpired).detail("the cookie is missing or not ours")),
        }
    }
}
