//! ID tokens: real ones, and the ways to forge them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::id_token::{ExpectedToken, IdToken, MAX_BYTES};
use super::issuer_url::IssuerUrl;
use super::person::Person;
use super::provider_document::ProviderDocument;
use super::provider_keys::ProviderKeys;
use super::sign_in_flow::{PATIENCE_SECONDS, StartedSignIn};
use super::sign_in_settings::SignInSettings;
use crate::clock::Timestamp;
use crate::error::{Reason, Result};

const ISSUER: &str = "https://id.example.com/tenant";
const NOW: i64 = 1_800_000_000;
const ACCESS_TOKEN: &str = "an-access-token";

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        let mut key = match self {
            Self::Rsa(pair) => {
                let (modulus, exponent) = rsa_parts(pair.public_key().as_ref());
                json!({"kty": "RSA", "n": encoded(modulus), "e": encoded(exponent)})
            }
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)})
            }
            Self::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key())}),
        };
        key["kid"] = json!(kid);
        key["use"] = json!("sig");
        key
    }

    fn sign(&self, message: &str) -> String {
        let (message, random) = (message.as_bytes(), SystemRandom::new());
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                encoded(signature)
            }
            Self::Ec(pair) => encoded(pair.sign(&random, message).unwrap()),
            Self::Ed(pair) => encoded(pair.sign(message)),
        }
    }

    fn token(&self, header: Value, claims: Value) -> String {
        let signed =
            unsigned(&with(json!({"alg": self.algorithm(), "typ": "JWT", "kid": "1"}), header), &claims);
        format!("{signed}.{}", self.sign(&signed))
    }
}

/// The modulus and the exponent in the DER of a public key: two integers in a sequence.
fn rsa_parts(der: &[u8]) -> (&[u8], &[u8]) {
    fn part(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, start) = match der[1] {
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            short => (usize::from(short), 2),
        };
        der[start..].split_at(length)
    }
    let (sequence, _) = part(der);
    let (modulus, rest) = part(sequence);
    (modulus.strip_prefix(&[0]).unwrap_or(modulus), part(rest).0)
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()))
}

/// An object with some members replaced; null removes one.
fn with(mut base: Value, over: Value) -> Value {
    for (name, value) in over.as_object().unwrap() {
        match value {
            Value::Null => base.as_object_mut().unwrap().remove(name),
            value => base.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    base
}

fn claims(over: Value) -> Value {
    let good = json!({
        "iss": ISSUER, "aud": "console", "sub": "248289761001", "exp": NOW + 300, "iat": NOW, "nonce": "n",
        "groups": ["owners"],
    });
    with(good, over)
}

fn document(over: Value) -> Value {
    let good = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/authorize?tenant=1",
        "token_endpoint": "https://id.example.com/token",
        "jwks_uri": "https://id.example.com/keys",
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
    });
    with(good, over)
}

fn provider(over: Value) -> Result<ProviderDocument> {
    ProviderDocument::read(&IssuerUrl::parse(ISSUER).unwrap(), document(over).to_string().as_bytes())
}

fn keys(listed: &[Value]) -> ProviderKeys {
    ProviderKeys::read(json!({"keys": listed}).to_string().as_bytes()).unwrap()
}

fn verify(token: &str, keys: &ProviderKeys) -> std::result::Result<Map<String, Value>, String> {
    let expected = ExpectedToken {
        client_id: "console",
        nonce: "n",
        access_token: Some(ACCESS_TOKEN),
        now: Timestamp::from_unix(NOW),
    };
    let verified = IdToken::read(token).and_then(|read| read.verify(keys, &provider(json!({}))?, &expected));
    verified.map_err(|error| {
        assert_eq!(error.reason, Reason::SignInInvalid);
        let detail = error.detail.unwrap();
        assert!(token.is_empty() || !detail.contains(token), "{detail}");
        detail.trim_start_matches("the ID token's ").to_owned()
    })
}

#[test]
fn tokens_of_each_kind_of_key_are_accepted() {
    for signer in [Signer::rsa(), Signer::ec(), Signer::ed()] {
        let keys = keys(&[signer.jwk("0"), signer.jwk("1")]);
        for header in [json!({}), json!({"kid": null}), json!({"typ": null}), json!({"typ": "jwt"})] {
            assert!(verify(&signer.token(header.clone(), claims(json!({}))), &keys).is_ok(), "{header}");
        }
        let other = match signer {
            Signer::Rsa(_) => Signer::rsa(),
            Signer::Ec(_) => Signer::ec(),
            Signer::Ed(_) => Signer::ed(),
        };
        assert_eq!(verify(&other.token(json!({}), claims(json!({}))), &keys).unwrap_err(), "signature");
        assert_eq!(
            verify(&signer.token(json!({"kid": "2"}), claims(json!({}))), &keys).unwrap_err(),
            "signature"
        );
    }
}

/// The claims that differ from those of a good token, and the claim for which the token is refused; none if it is not.
#[test]
fn each_claim_is_checked() {
    let half =
        |function, bytes| encoded(&digest::digest(function, ACCESS_TOKEN.as_bytes()).as_ref()[..bytes]);
    let cases = [
        (json!({"iss": "https://id.example.com/tenant/"}), Some("iss")),
        (json!({"iss": "https://id.example.com"}), Some("iss")),
        (json!({"iss": [ISSUER]}), Some("iss")),
        (json!({"iss": null}), Some("iss")),
        (json!({"aud": "other"}), Some("aud")),
        (json!({"aud": []}), Some("aud")),
        (json!({"aud": null}), Some("aud")),
        (json!({"aud": {"console": "console"}}), Some("aud")),
        (json!({"aud": ["console"]}), None),
        (json!({"aud": ["console", "other"]}), Some("azp")),
        (json!({"aud": ["console", "other"], "azp": "console"}), None),
        (json!({"aud": ["console", "other"], "azp": "other"}), Some("azp")),
        (json!({"azp": "other"}), Some("azp")),
        (json!({"azp": ""}), Some("azp")),
        (json!({"exp": NOW - 59}), None),
        (json!({"exp": NOW - 60}), Some("exp")),
        (json!({"exp": null}), Some("exp")),
        (json!({"exp": (NOW + 300).to_string()}), Some("exp")),
        (json!({"exp": 1e300}), Some("exp")),
        (json!({"exp": NOW as f64 + 0.5}), None),
        (json!({"iat": NOW + 60}), None),
        (json!({"iat": NOW + 61}), Some("iat")),
        (json!({"iat": NOW - 659}), None),
        (json!({"iat": NOW - 660}), Some("iat")),
        (json!({"iat": null}), Some("iat")),
        (json!({"nbf": NOW + 60}), None),
        (json!({"nbf": NOW + 61}), Some("nbf")),
        (json!({"nbf": "x"}), Some("nbf")),
        (json!({"nonce": "m"}), Some("nonce")),
        (json!({"nonce": ""}), Some("nonce")),
        (json!({"nonce": null}), Some("nonce")),
        (json!({"at_hash": half(&digest::SHA256, 16)}), None),
        (json!({"at_hash": half(&digest::SHA256, 32)}), Some("at_hash")),
        (json!({"at_hash": half(&digest::SHA512, 32)}), Some("at_hash")),
        (json!({"at_hash": ""}), Some("at_hash")),
        (json!({"at_hash": 1}), Some("at_hash")),
    ];
    let signer = Signer::ec();
    let keys = keys(&[signer.jwk("1")]);
    for (over, refused) in cases {
        let verified = verify(&signer.token(json!({}), claims(over.clone())), &keys);
        assert_eq!(verified.err().as_deref(), refused, "{over}");
    }
    // The hash function is that of the token's algorithm.
    let signer = Signer::ed();
    let token = signer.token(json!({}), claims(json!({"at_hash": half(&digest::SHA512, 32)})));
    assert!(verify(&token, &super::tests::keys(&[signer.jwk("1")])).is_ok());
}

#[test]
fn headers_choose_neither_a_weaker_algorithm_nor_a_key() {
    let signer = Signer::rsa();
    let keys = keys(&[signer.jwk("1")]);
    let body = claims(json!({}));
    for (header, refused) in [
        (json!({"alg": "none"}), "alg"),
        (json!({"alg": "HS256"}), "alg"),
        (json!({"alg": "rs256"}), "alg"),
        (json!({"alg": null}), "alg"),
        (json!({"alg": ["RS256"]}), "alg"),
        (json!({"alg": "RS512"}), "alg, which the provider does not list"),
        (json!({"alg": "ES256"}), "signature"),
        (json!({"alg": "EdDSA"}), "signature"),
        (json!({"typ": "at+jwt"}), "typ"),
        (json!({"typ": "logout+jwt"}), "typ"),
        (json!({"kid": 1}), "kid"),
        (json!({"jwk": signer.jwk("1")}), "header"),
        (json!({"jku": "https://evil.example/keys"}), "header"),
        (json!({"x5u": "https://evil.example/keys"}), "header"),
        (json!({"crit": ["exp"]}), "header"),
    ] {
        assert_eq!(
            verify(&signer.token(header.clone(), body.clone()), &keys).unwrap_err(),
            refused,
            "{header}"
        );
    }
    let none = unsigned(&json!({"alg": "none"}), &body);
    let good = signer.token(json!({}), body.clone());
    for token in [
        String::new(),
        format!("{none}."),
        none,
        good.rsplit_once('.').unwrap().0.to_owned() + ".",
        format!("{good}.{good}"),
        format!("{good}="),
        "a".repeat(MAX_BYTES + 1),
    ] {
        assert!(verify(&token, &keys).is_err(), "{token}");
    }
    // A duplicate member, of which two readers may take different ones.
    let signed = format!(
        "{}.{}",
        encoded(r#"{"alg":"RS256","kid":"1"}"#),
        encoded(body.to_string().replacen('{', r#"{"sub":"1","#, 1)),
    );
    assert_eq!(verify(&format!("{signed}.{}", signer.sign(&signed)), &keys).unwrap_err(), "claims");
    // The public key as a shared secret.
    let Signer::Rsa(pair) = &signer else { unreachable!() };
    let signed = unsigned(&json!({"alg": "HS256", "kid": "1"}), &body);
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pair.public_key().as_ref()), signed.as_bytes());
    assert_eq!(verify(&format!("{signed}.{}", encoded(mac)), &keys).unwrap_err(), "alg");
}

/// The members of a key that differ, and whether it verifies.
#[test]
fn keys_are_used_for_their_own_purpose_only() {
    let signer = Signer::ec();
    for (over, verifies) in [
        (json!({}), true),
        (json!({"use": null}), true),
        (json!({"use": "enc"}), false),
        (json!({"key_ops": ["verify"]}), true),
        (json!({"key_ops": ["encrypt"]}), false),
        (json!({"alg": "ES256"}), true),
        (json!({"alg": "ES384"}), false),
        (json!({"kid": null}), false),
        (json!({"crv": "P-384"}), false),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), false),
        (json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}), false),
        (json!({"x": "!"}), false),
        (json!({"kty": 1}), false),
    ] {
        // Keys that nobody can read are beside it, and do no harm.
        let listed = [json!(1), json!({}), json!({"kty": "new"}), with(signer.jwk("1"), over.clone())];
        let verified = verify(&signer.token(json!({}), claims(json!({}))), &keys(&listed));
        assert_eq!(verified.is_ok(), verifies, "{over}");
    }
    for broken in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(ProviderKeys::read(broken.as_bytes()).is_err(), "{broken}");
    }
}

#[test]
fn a_document_is_of_its_issuer_and_names_safe_endpoints() {
    assert!(provider(json!({})).is_ok());
    for over in [
        json!({"issuer": "https://id.example.com/tenant/"}),
        json!({"issuer": "https://evil.example"}),
        json!({"issuer": null}),
        json!({"token_endpoint": "http://id.example.com/token"}),
        json!({"token_endpoint": null}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"authorization_endpoint": "https://id.example.com/\r\nset-cookie: a=b"}),
    ] {
        assert_eq!(provider(over.clone()).unwrap_err().reason, Reason::ProviderUnavailable, "{over}");
    }
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    assert_eq!(issuer.document(), format!("{ISSUER}/.well-known/openid-configuration"));
    assert!(ProviderDocument::read(&issuer, b"<html>").is_err());
}

/// Claims, the name of the claim with the groups, and the groups; none if the person is refused.
#[test]
fn groups_are_read_from_the_claim_of_the_setting() {
    for (over, claim, groups) in [
        (json!({}), "groups", Some(&["owners"][..])),
        (json!({"groups": []}), "groups", Some(&[])),
        (json!({"groups": "owners"}), "groups", Some(&["owners"])),
        (json!({"groups": ["a", 1, "b"]}), "groups", Some(&["a", "b"])),
        (json!({"groups": null}), "groups", None),
        (json!({"groups": {"a": true}}), "groups", None),
        (json!({"groups": 1}), "groups", None),
        (json!({"https://example.com/groups": ["a"]}), "https://example.com/groups", Some(&["a"])),
        (json!({"realm_access": {"roles": ["a"]}}), "realm_access.roles", Some(&["a"])),
        (json!({"realm_access": "a"}), "realm_access.roles", None),
        (json!({"email": "a@example.com", "email_verified": true}), "email", Some(&["a@example.com"])),
        (json!({"email": "a@example.com", "email_verified": false}), "email", None),
        (json!({"email": "a@example.com"}), "email", None),
        (json!({"groups": null, "_claim_names": {"groups": "src1"}}), "groups", None),
        (json!({"groups": null, "hasgroups": true}), "groups", None),
    ] {
        let person = Person::of(claims(over.clone()).as_object().unwrap(), claim);
        if let Err(error) = &person {
            let says_more = error.message.contains("more groups");
            assert_eq!(error.reason, Reason::GroupsMissing);
            assert_eq!(says_more, over.get("_claim_names").or(over.get("hasgroups")).is_some(), "{over}");
        }
        let found = person.ok().map(|person| person.groups);
        assert_eq!(
            found,
            groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
            "{over}"
        );
    }
}

#[test]
fn a_person_is_shown_by_name_and_address() {
    for (over, name) in [
        (json!({}), "248289761001"),
        (json!({"name": "Anna Ames"}), "Anna Ames"),
        (json!({"email": "anna@example.com"}), "anna@example.com"),
        (json!({"name": "Anna Ames", "email": "anna@example.com"}), "Anna Ames (anna@example.com)"),
        (json!({"name": "Anna", "email": "boss@example.com", "email_verified": false}), "Anna"),
        (json!({"name": " ", "preferred_username": "anna"}), "anna"),
        (json!({"name": "Anna\u{202e}\nAmes"}), "AnnaAmes"),
    ] {
        let person = Person::of(claims(over.clone()).as_object().unwrap(), "groups").unwrap();
        assert_eq!(person.name, name, "{over}");
    }
    for subject in [json!(null), json!(""), json!(1), json!("a\nb"), json!("a".repeat(256))] {
        let refused = Person::of(claims(json!({"sub": subject})).as_object().unwrap(), "groups").unwrap_err();
        assert_eq!(refused.reason, Reason::SignInInvalid, "{subject}");
    }
}

#[test]
fn a_sign_in_is_bound_to_its_secret_and_ends_after_ten_minutes() {
    let now = Timestamp::from_unix(NOW);
    let (one, other) = (
        StartedSignIn::new("/console", String::new(), now).unwrap(),
        StartedSignIn::new("/console", String::new(), now).unwrap(),
    );
    let derived = [one.state(), one.nonce(), one.verifier(), one.used_as(), other.state(), other.verifier()];
    for (index, text) in derived.iter().enumerate() {
        assert!(!derived[..index].contains(text) && !one.parts().contains(text));
    }
    for (after, is_read) in [(0, true), (PATIENCE_SECONDS - 1, true), (PATIENCE_SECONDS, false), (-1, false)]
    {
        let read = StartedSignIn::read(one.parts(), now.plus(after));
        assert_eq!(read.map(|read| read.state()).ok(), is_read.then(|| one.state()), "{after}");
    }
    for parts in [
        vec![],
        vec![String::new(); 4],
        one.parts()[..3].to_vec(),
        [one.parts(), vec![String::new()]].concat(),
    ] {
        assert_eq!(StartedSignIn::read(parts, now).err().unwrap().reason, Reason::SignInExpired);
    }
}

#[test]
fn the_provider_is_asked_with_a_challenge_and_never_with_the_verifier() {
    let mut settings = SignInSettings { client_id: "the console".to_owned(), ..SignInSettings::default() };
    let started = StartedSignIn::new("/console", String::new(), Timestamp::from_unix(NOW)).unwrap();
    let url = |provider: Value, settings: &SignInSettings| {
        started.authorization_url(
            &super::tests::provider(provider).unwrap(),
            settings,
            "https://v.example.com/back",
        )
    };
    let asked = url(json!({}), &settings);
    let challenge = encoded(digest::digest(&digest::SHA256, started.verifier().as_bytes()));
    let expected = [
        "https://id.example.com/authorize?tenant=1&response_type=code&client_id=the+console",
        "redirect_uri=https%3A%2F%2Fv.example.com%2Fback&scope=openid+profile+email",
        &format!("state={}&nonce={}", started.state(), started.nonce()),
        &format!("code_challenge={challenge}&code_challenge_method=S256"),
    ];
    assert_eq!(asked, expected.join("&"));
    assert!(!asked.contains(&started.verifier()));
    // A scope for groups is asked for only where there is one.
    let with_scope = json!({"scopes_supported": ["openid", "groups", "offline_access"]});
    assert!(url(with_scope.clone(), &settings).contains("scope=openid+profile+email+groups&"));
    settings.group_claim = "roles".to_owned();
    assert!(url(with_scope, &settings).contains("scope=openid+profile+email&"));
}
