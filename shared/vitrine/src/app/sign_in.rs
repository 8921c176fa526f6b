//! Signs a client in with a name and an access key as its password, and out again.

use crate::app::identify_caller::Callers;
use crate::app::request_context;
use crate::aws::storage::sign_in_attempts::Counted;
use crate::aws::storage::{KeySessionWriter, SignInAttempts};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::key_session;

crate::capability_set! {
    pub struct SignIn {
        callers: Callers,
        sessions: KeySessionWriter,
        attempts: SignInAttempts,
        clock: Clock,
    }
}

impl SignIn {
    /// Returns the id of a new session that stands for the key.
    ///
    /// The right password is accepted however many wrong ones came before it, so that nobody can lock the owner of a key
    /// out by guessing in the owner's name. Guessing is hopeless anyway: a key has 256 random bits. The bound keeps
    /// broken clients from asking without end.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<String> {
        match self.callers.session_for(password).await {
            Ok((key, session)) => {
                request_context::caller(&key.id);
                let id = key_session::new_id()?;
                self.sessions.start(&id, &session).await?;
                Ok(id)
            }
            Err(error) if error.is_outage() => Err(error),
            Err(_) => Err(self.count(name).await?),
        }
    }

    async fn count(&self, name: &str) -> Result<Error> {
        Ok(match self.attempts.count(name, self.clock.now()).await? {
            Counted::Within => {
                Error::new(Reason::PasswordWrong).issue("password", "did not match stored password")
            }
            Counted::Beyond { wait_seconds } => {
                let text =
                    format!("Too many attempts! You must wait {wait_seconds} seconds before trying again.");
                Error::new(Reason::SignInLocked).message(text).retry_after(wait_seconds)
            }
        })
    }

    /// Ends a session, and returns whether there was one.
    pub async fn sign_out(&self, session: &str) -> Result<bool> {
        if key_session::is_id(session) {
            self.sessions.end(session, self.clock.now()).await
        } else {
            Ok(false)
        }
    }
}
