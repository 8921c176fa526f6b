//! Shapes and words that belong to one vendor's API, and the lists of them that are read without knowing
//! which vendor's client is calling.

pub mod cube;
pub mod metabase;
pub mod motherduck;
pub mod not_offered;

pub use self::cube::security_context;
pub use self::metabase::sign_in_errors;
use vitrine_rules::session::SessionGrant;
use vitrine_rules::token::mint;

/// Headers that carry an access key, or a session that stands for one.
pub const SESSION_HEADERS: [&str; 1] = [metabase::SESSION_HEADER];

/// Schemes of the header `Authorization` that carry an access key.
pub const ACCESS_KEY_SCHEMES: [&str; 1] = [cube::ACCESS_KEY_SCHEME];

/// Schemes of the header `Authorization` that carry an embed token.
pub const EMBED_TOKEN_SCHEMES: [&str; 1] = [cube::EMBED_TOKEN_SCHEME];

/// The credential in the text that a client holds: mostly the text itself.
pub fn credential_in(text: String) -> String {
    motherduck::SessionString::decode(&text).map_or(text, |session| session.token)
}

/// The issuer of the token that is minted for a session.
pub const fn token_issuer(grant: &SessionGrant) -> &'static str {
    if grant.deployment.is_some() { cube::ISSUER } else { mint::ISSUER }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_rules::resource::ids::Deployment;

    #[test]
    fn only_a_session_of_a_deployment_has_a_vendor_as_issuer() {
        let mut grant = SessionGrant::default();
        assert_eq!(token_issuer(&grant), "vitrine");
        grant.deployment = Some(Deployment::FIRST);
        assert_eq!(token_issuer(&grant), "cubecloud");
    }
}
