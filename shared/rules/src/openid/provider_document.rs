//! The document in which a provider describes itself.

use serde_json::Value;

use super::issuer_url::IssuerUrl;
use super::sign_in_settings::SignInSettings;
use crate::error::{Error, Reason, Result};
use crate::json::strict;

/// The parts of the document that the flow needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDocument {
    pub issuer: IssuerUrl,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub keys_endpoint: String,
    /// The algorithms that sign its tokens; none if it does not say.
    pub algorithms: Option<Vec<String>>,
    /// The secret of the client goes into the form, and not into the header.
    pub takes_secret_in_form: bool,
    /// The provider names itself in the answer to the browser.
    pub names_itself: bool,
    scopes: Vec<String>,
}

impl ProviderDocument {
    /// Reads the document of this issuer. One that names another issuer is refused.
    pub fn read(issuer: &IssuerUrl, json: &[u8]) -> Result<Self> {
        let refuse = |detail: &str| {
            Error::new(Reason::ProviderUnavailable).detail(format_args!("the provider's document: {detail}"))
        };
        let document = strict::parse(json).ok_or_else(|| refuse("not JSON"))?;
        if document["issuer"].as_str() != Some(issuer.as_str()) {
            return Err(refuse("it is of another issuer"));
        }
        let endpoint = |name: &str| match document[name].as_str() {
            Some(address) if issuer.trusts(address) => Ok(address.to_owned()),
            Some(_) => Err(refuse(&format!("{name} is not an https address"))),
            None => Err(refuse(&format!("it has no {name}"))),
        };
        let methods = texts(&document["token_endpoint_auth_methods_supported"]);
        Ok(Self {
            issuer: issuer.clone(),
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            keys_endpoint: endpoint("jwks_uri")?,
            algorithms: document["id_token_signing_alg_values_supported"]
                .is_array()
                .then(|| texts(&document["id_token_signing_alg_values_supported"])),
            takes_secret_in_form: methods.iter().any(|method| method == "client_secret_post"),
            names_itself: document["authorization_response_iss_parameter_supported"] == Value::Bool(true),
            scopes: texts(&document["scopes_supported"]),
        })
    }

    /// The scopes to ask for. The one with the name of the group claim is asked for where the provider has it.
    pub fn scopes(&self, settings: &SignInSettings) -> String {
        let mut scopes = vec!["openid", "profile", "email"];
        let claim = settings.group_claim.as_str();
        if !scopes.contains(&claim) && self.scopes.iter().any(|scope| scope == claim) {
            scopes.push(claim);
        }
        scopes.join(" ")
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
