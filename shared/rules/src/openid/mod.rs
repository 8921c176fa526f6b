//! Sign-in through a provider of OpenID Connect: the authorization code flow with PKCE.
//!
//! Everything that arrives is held against the settings and against a secret that only the browser's cookie has. The
//! checks of tokens are our own, as for embed tokens, and `jsonwebtoken` verifies the signatures.

pub mod console_roles;
pub mod id_token;
pub mod issuer_url;
pub mod person;
pub mod person_key;
pub mod provider_document;
pub mod provider_keys;
pub mod sign_in_flow;
pub mod sign_in_settings;

#[cfg(test)]
mod tests;
