use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::mint::{ISSUER, TokenToMint, mint};
use super::*;
use crate::resource::ids::{Deployment, Kind, PrimaryId};
use crate::session::SessionGrant;
use crate::viewer::Viewer;

const NOW: i64 = 1_700_000_000;

fn secret(character: char) -> String {
    character.to_string().repeat(64)
}

/// The current key `b`, and its predecessor `a`.
fn keys() -> KeySet {
    let document =
        json!({"keys": [{"kid": "b", "secret": secret('b')}, {"kid": "a", "secret": secret('a')}]});
    KeySet::parse(&document.to_string()).unwrap()
}

/// Signs any header and any claims, valid or not.
fn sign_text(header: &str, claims: &str, secret: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}

fn sign(header: Value, claims: Value) -> String {
    sign_text(&header.to_string(), &claims.to_string(), &secret('b'))
}

fn claims() -> Value {
    json!({"resource": {"dashboard": 1}, "params": {}, "exp": NOW + 600})
}

fn verify(token: &str, settings: &Settings) -> Result<Authentic> {
    let authentic = authenticate(token, &keys(), UnknownKid::Refused, Timestamp::from_unix(NOW))?;
    check_time(&authentic.claims, settings, Timestamp::from_unix(NOW))?;
    Ok(authentic)
}

fn reason_of(token: &str) -> Option<Reason> {
    verify(token, &Settings::default()).err().map(|error| error.reason)
}

/// The signer of a token whose header has this `kid`, with each treatment of unknown ones.
#[test]
fn an_unknown_kid_is_ignored_only_where_that_is_asked_for() {
    use Reason::{TokenKeyUnknown, TokenSignature};
    let cases = [
        // `kid`, the secret that signed, refused, ignored
        (None, 'b', Ok("b"), Ok("b")),
        (Some("b"), 'b', Ok("b"), Ok("b")),
        (Some("a"), 'a', Ok("a"), Ok("a")),
        (Some("theirs"), 'b', Err(TokenKeyUnknown), Ok("b")),
        (Some(""), 'a', Err(TokenKeyUnknown), Ok("a")),
        (Some("theirs"), 'c', Err(TokenKeyUnknown), Err(TokenKeyUnknown)),
        // An expired key's name is as good as none, and its signature is worth nothing.
        (Some("old"), 'b', Err(TokenKeyUnknown), Ok("b")),
        (Some("old"), 'o', Err(TokenKeyUnknown), Err(TokenKeyUnknown)),
        (None, 'o', Err(TokenSignature), Err(TokenSignature)),
        // A known name is binding.
        (Some("a"), 'b', Err(TokenSignature), Err(TokenSignature)),
    ];
    let document = json!({"keys": [
        {"kid": "b", "secret": secret('b')},
        {"kid": "a", "secret": secret('a')},
        {"kid": "old", "secret": secret('0'), "verifies_until": "2020-01-01T00:00:00Z"},
    ]});
    let keys = KeySet::parse(&document.to_string()).unwrap();
    for (kid, signer, refused, ignored) in cases {
        let mut header = json!({"alg": "HS256"});
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let signer = secret(if signer == 'o' { '0' } else { signer });
        let token = sign_text(&header.to_string(), &claims().to_string(), &signer);
        for (unknown_kid, expected) in [(UnknownKid::Refused, refused), (UnknownKid::Ignored, ignored)] {
            let found = authenticate(&token, &keys, unknown_kid, Timestamp::from_unix(NOW));
            let found = found.map(|authentic| authentic.kid).map_err(|error| error.reason);
            assert_eq!(found, expected.map(str::to_owned), "{kid:?} {unknown_kid:?}");
        }
    }
}

/// `exp` of seven forms, with a bound and without one.
#[test]
fn without_a_longest_lifetime_a_token_may_end_at_any_time() {
    let mut unbounded = Settings::default();
    unbounded.set("MaxTokenLifetimeSeconds", "0").unwrap();
    for (exp, bounded, open) in [
        (json!(NOW + 600), None, None),
        (json!(NOW + 400 * 86_400), Some(Reason::TokenLifetime), None),
        (json!(NOW * 1_000), Some(Reason::TokenLifetime), None),
        (json!(6_001_674_655_534_i64), Some(Reason::TokenLifetime), None),
        (json!(i64::MAX), Some(Reason::TokenLifetime), None),
        (json!(1e300), Some(Reason::TokenLifetime), None),
        (json!(NOW - 61), Some(Reason::TokenExpired), Some(Reason::TokenExpired)),
        (Value::Null, Some(Reason::TokenWithoutExpiry), Some(Reason::TokenWithoutExpiry)),
    ] {
        let mut claims = claims();
        claims["exp"] = exp.clone();
        if exp.is_null() {
            claims.as_object_mut().unwrap().remove("exp");
        }
        let token = sign(json!({"alg": "HS256"}), claims);
        for (settings, expected) in [(&Settings::default(), bounded), (&unbounded, open)] {
            let found = verify(&token, settings).err().map(|error| error.reason);
            assert_eq!(found, expected, "{exp}");
        }
    }
}

#[test]
fn headers_name_the_algorithm_and_no_key_material() {
    use Reason::*;
    let cases = [
        (json!({"alg": "HS256"}), None),
        (json!({"alg": "HS256", "typ": "JWT"}), None),
        (json!({"alg": "HS256", "typ": "jwt"}), None),
        (json!({"alg": "HS256", "typ": "embed+jwt"}), None),
        (json!({"alg": "HS256", "kid": "b"}), None),
        (json!({"alg": "HS256", "cty": "anything"}), None),
        (json!({"alg": "HS256", "kid": "a"}), Some(TokenSignature)),
        (json!({"alg": "HS256", "kid": "z"}), Some(TokenKeyUnknown)),
        (json!({"alg": "HS256", "kid": "../../dev/null"}), Some(TokenKeyUnknown)),
        (json!({"alg": "HS256", "kid": 1}), Some(TokenHeader)),
        (json!({"alg": "HS256", "kid": null}), Some(TokenHeader)),
        (json!({"alg": "HS256", "typ": "refresh+jwt"}), Some(TokenHeader)),
        (json!({"alg": "HS256", "typ": 1}), Some(TokenHeader)),
        (json!({"alg": "none"}), Some(TokenAlgorithm)),
        (json!({"alg": "None"}), Some(TokenAlgorithm)),
        (json!({"alg": "hs256"}), Some(TokenAlgorithm)),
        (json!({"alg": "HS512"}), Some(TokenAlgorithm)),
        (json!({"alg": "RS256"}), Some(TokenAlgorithm)),
        (json!({"alg": ["HS256"]}), Some(TokenAlgorithm)),
        (json!({"alg": null}), Some(TokenAlgorithm)),
        (json!({}), Some(TokenAlgorithm)),
        (json!({"alg": "HS256", "crit": []}), Some(TokenHeader)),
        (json!({"alg": "HS256", "crit": ["exp"]}), Some(TokenHeader)),
        (json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "YmI"}}), Some(TokenHeader)),
        (json!({"alg": "HS256", "jku": "https://evil.example/keys"}), Some(TokenHeader)),
        (json!({"alg": "HS256", "x5u": "https://evil.example/cert"}), Some(TokenHeader)),
        (json!({"alg": "HS256", "x5c": []}), Some(TokenHeader)),
        (json!({"alg": "HS256", "b64": false}), Some(TokenHeader)),
        (json!([]), Some(TokenHeader)),
        (json!("HS256"), Some(TokenHeader)),
    ];
    for (header, expected) in cases {
        assert_eq!(reason_of(&sign(header.clone(), claims())), expected, "{header}");
    }
}

#[test]
fn duplicate_members_are_refused() {
    let header = r#"{"alg":"HS256"}"#;
    let twice = r#"{"exp":1700000600,"exp":1,"resource":{"dashboard":1},"params":{}}"#;
    assert_eq!(reason_of(&sign_text(header, twice, &secret('b'))), Some(Reason::TokenClaims));
    let nested = r#"{"exp":1700000600,"resource":{"dashboard":1,"dashboard":2},"params":{}}"#;
    assert_eq!(reason_of(&sign_text(header, nested, &secret('b'))), Some(Reason::TokenClaims));
    let algorithms = r#"{"alg":"none","alg":"HS256"}"#;
    assert_eq!(
        reason_of(&sign_text(algorithms, &claims().to_string(), &secret('b'))),
        Some(Reason::TokenHeader)
    );
}

#[test]
fn claims_have_their_types() {
    let cases = [
        (json!({"exp": NOW + 600}), None),
        (json!({"exp": NOW as f64 + 600.5}), None),
        (json!({"exp": NOW + 600, "iat": NOW + 9_999, "aud": ["anything"], "extra": {}}), None),
        (json!({"exp": (NOW + 600).to_string()}), Some(Reason::TokenClaims)),
        (json!({"exp": null}), Some(Reason::TokenClaims)),
        (json!({"exp": true}), Some(Reason::TokenClaims)),
        (json!({"exp": [NOW + 600]}), Some(Reason::TokenClaims)),
        (json!({"exp": NOW + 600, "nbf": "soon"}), Some(Reason::TokenClaims)),
        (json!({"exp": NOW + 600, "iat": "now"}), Some(Reason::TokenClaims)),
        (json!({"exp": NOW + 600, "iss": 1}), Some(Reason::TokenClaims)),
        (json!({"exp": NOW + 600, "jti": {}}), Some(Reason::TokenClaims)),
        (json!({"exp": NOW + 600, "viewer": "alice"}), Some(Reason::TokenClaims)),
        (json!({"exp": NOW + 600, "viewer": {"attributes": {"city": {"no": 1}}}}), Some(Reason::TokenClaims)),
        (json!({}), Some(Reason::TokenWithoutExpiry)),
        (json!([]), Some(Reason::TokenClaims)),
        (json!("exp"), Some(Reason::TokenClaims)),
    ];
    for (claims, expected) in cases {
        assert_eq!(reason_of(&sign(json!({"alg": "HS256"}), claims.clone())), expected, "{claims}");
    }
}

/// An owner's token can have claims of the same names, as those of identity providers.
#[test]
fn the_claims_of_our_own_tokens_are_read_only_from_those() {
    let foreign = [
        ("sid", json!("a-session-of-the-identity-provider")),
        ("sid", json!(7)),
        ("version", json!("2.0")),
        ("version", json!(2)),
        ("account", json!({"id": 1})),
        ("account", json!("acme")),
        ("state", json!("xyz")),
        ("state", json!(true)),
        ("user", json!({"name": "Ann"})),
        ("tenant", json!(["a"])),
        ("deploymentId", json!("east")),
    ];
    for (name, value) in foreign {
        let mut payload = claims();
        payload[name] = value.clone();
        for header in [json!({"alg": "HS256"}), json!({"alg": "HS256", "typ": "JWT"})] {
            let read = verify(&sign(header, payload.clone()), &Settings::default()).unwrap().claims;
            let own = (read.session, read.version, read.account, read.has_state);
            assert_eq!(own, (None, None, None, false), "{name}: {value}");
            assert_eq!((read.user, read.tenant, read.deployment), (None, None, None), "{name}: {value}");
        }
    }
    let minted = |own: Value| {
        let mut payload = claims();
        payload.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let token = sign(json!({"alg": "HS256", "typ": "embed+jwt"}), payload);
        verify(&token, &Settings::default()).map(|authentic| authentic.claims).map_err(|error| error.reason)
    };
    let read = minted(json!({"sid": "s", "version": 2, "account": "a", "state": true})).unwrap();
    assert_eq!((read.session.as_deref(), read.version, read.has_state), (Some("s"), Some(2), true));
    for wrong in [
        json!({"sid": 7}),
        json!({"version": "2.0"}),
        json!({"account": {}}),
        json!({"state": "xyz"}),
        json!({"sid": "s", "deploymentId": "east"}),
    ] {
        assert_eq!(minted(wrong.clone()).map(drop), Err(Reason::TokenClaims), "{wrong}");
    }
}

#[test]
fn times_are_checked_with_leeway() {
    use Reason::*;
    let cases = [
        (json!({"exp": NOW - 59}), None),
        (json!({"exp": NOW - 60}), Some(TokenExpired)),
        (json!({"exp": 0}), Some(TokenExpired)),
        (json!({"exp": -1}), Some(TokenExpired)),
        (json!({"exp": i64::MIN}), Some(TokenExpired)),
        (json!({"exp": NOW + 86_460}), None),
        (json!({"exp": NOW + 86_461}), Some(TokenLifetime)),
        (json!({"exp": i64::MAX}), Some(TokenLifetime)),
        (json!({"exp": u64::MAX}), Some(TokenLifetime)),
        (json!({"exp": 1e300}), Some(TokenLifetime)),
        (json!({"exp": (NOW + 600) * 1000}), Some(TokenLifetime)),
        (json!({"exp": NOW + 600, "nbf": NOW + 60}), None),
        (json!({"exp": NOW + 600, "nbf": NOW + 61}), Some(TokenNotYetValid)),
    ];
    for (claims, expected) in cases {
        assert_eq!(reason_of(&sign(json!({"alg": "HS256"}), claims.clone())), expected, "{claims}");
    }
    let mut lenient = Settings::default();
    lenient.set("RequireTokenExpiry", "false").unwrap();
    assert!(verify(&sign(json!({"alg": "HS256"}), json!({})), &lenient).is_ok());
    assert!(verify(&sign(json!({"alg": "HS256"}), json!({"exp": NOW - 60})), &lenient).is_err());
}

#[test]
fn only_the_canonical_compact_form_is_read() {
    let good = sign(json!({"alg": "HS256"}), claims());
    let parts: Vec<_> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let malformed = [
        String::new(),
        ".".into(),
        "a".into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}=.{claims}.{signature}"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{header}.{claims}.{}", signature.replace(['-', '_'], "+").replacen(&signature[..1], "/", 1)),
        format!("{header}.{claims}.é"),
    ];
    for token in malformed {
        assert_eq!(reason_of(&token), Some(Reason::TokenMalformed), "{token:?}");
    }
    assert_eq!(reason_of(&"a".repeat(8_193)), Some(Reason::TokenTooLarge));
    assert_eq!(reason_of(&format!("{header}.{claims}.")), Some(Reason::TokenSignature));
    assert_eq!(reason_of(&format!("..{signature}")), Some(Reason::TokenHeader));
}

#[test]
fn only_keys_of_the_set_verify() {
    let old = sign_text(r#"{"alg":"HS256"}"#, &claims().to_string(), &secret('a'));
    assert_eq!(verify(&old, &Settings::default()).unwrap().kid, "a");
    let strange = sign_text(r#"{"alg":"HS256"}"#, &claims().to_string(), &secret('c'));
    assert_eq!(reason_of(&strange), Some(Reason::TokenSignature));
    let empty = sign_text(r#"{"alg":"HS256"}"#, &claims().to_string(), "");
    assert_eq!(reason_of(&empty), Some(Reason::TokenSignature));
}

#[test]
fn a_payload_names_one_resource_and_its_parameters() {
    use Reason::*;
    let read = |claims: Value| Claims::read(claims.to_string().as_bytes(), false).unwrap();
    let resource = |value: Value, kind| {
        read(json!({ "resource": value })).resource(kind).map(|named| named.to_string()).map_err(|e| e.reason)
    };
    assert_eq!(resource(json!({"dashboard": 7}), None), Ok("dashboard#7".into()));
    assert_eq!(resource(json!({"question": 7}), Some(Kind::Question)), Ok("question#7".into()));
    assert_eq!(resource(json!({"question": 7}), Some(Kind::Dashboard)), Err(ResourceMissing));
    assert_eq!(
        resource(json!({"question": null, "dashboard": 8}), Some(Kind::Dashboard)),
        Ok("dashboard#8".into())
    );
    for kind in [None, Some(Kind::Dashboard), Some(Kind::Question), Some(Kind::Dive)] {
        assert_eq!(resource(json!({"question": 7, "dashboard": 8}), kind), Err(ResourceAmbiguous));
        assert_eq!(resource(json!({"question": 7, "dashboard": "x"}), kind), Err(ResourceAmbiguous));
    }
    assert_eq!(resource(json!({"card": 7}), None), Err(ResourceMissing));
    assert_eq!(resource(json!({"dashboard": null}), None), Err(ResourceMissing));
    assert_eq!(resource(json!({"dashboard": "8"}), None), Err(ResourceIdInvalid));
    assert_eq!(resource(json!(null), None), Err(ResourceMissing));
    assert_eq!(resource(json!([]), None), Err(ResourceMissing));

    let params = |claims: Value| read(claims).params().map(Value::Object).map_err(|error| error.reason);
    assert_eq!(params(json!({"params": {"a": 1}})), Ok(json!({"a": 1})));
    assert_eq!(params(json!({"params": []})), Ok(json!({})));
    for missing in [json!({}), json!({"params": null}), json!({"params": false})] {
        assert_eq!(params(missing), Err(ParamsMissing));
    }
    for invalid in
        [json!({"params": ["a"]}), json!({"params": "a"}), json!({"params": 1}), json!({"params": true})]
    {
        assert_eq!(params(invalid), Err(ParamsInvalid));
    }
}

proptest! {
    /// A minted token is read back whole, and refused after a change of any one character.
    #[test]
    fn minted_tokens_are_read_back_whole(
        number in 1u64..1_000_000,
        params in prop::collection::btree_map("[a-z]{1,6}", any::<i32>(), 0..4),
        viewer in prop::option::of("[a-z@.]{1,20}"),
        user in prop::option::of(1u64..=1 << 53),
        place in any::<prop::sample::Index>(),
    ) {
        let params: Map<String, Value> = params.into_iter().map(|(slug, value)| (slug, json!(value))).collect();
        let grant = SessionGrant {
            resource: Some((Kind::Question, PrimaryId::Number(number))),
            params,
            viewer: Viewer { id: viewer, ..Viewer::default() },
            user,
            deployment: user.map(|_| Deployment::FIRST),
            ..SessionGrant::default()
        };
        let vouched = TokenToMint {
            issuer: ISSUER,
            grant: &grant,
            version: None,
            has_state: false,
            token_id: "t",
            session: Some("s"),
            issued: Timestamp::from_unix(NOW),
            expires: Timestamp::from_unix(NOW + 600),
        };
        let token = mint(&vouched, keys().signing()).unwrap();
        let authentic = verify(&token, &Settings::default()).unwrap();
        prop_assert_eq!(authentic.kid, "b");
        prop_assert_eq!(authentic.claims.resource(None).unwrap().to_string(), format!("question#{number}"));
        prop_assert_eq!(&authentic.claims.params().unwrap(), &grant.params);
        prop_assert_eq!(&authentic.claims.viewer, &grant.viewer);
        prop_assert_eq!((authentic.claims.user, authentic.claims.deployment), (user, grant.deployment));
        prop_assert_eq!(authentic.claims.session.as_deref(), Some("s"));

        let at = place.index(token.len());
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut moved = token;
        moved.replace_range(at..=at, other);
        prop_assert!(verify(&moved, &Settings::default()).is_err());
    }

    /// No text makes the parser panic, and none passes.
    #[test]
    fn nothing_unsigned_passes(text in "\\PC{0,80}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..5)) {
        prop_assert!(verify(&text, &Settings::default()).is_err());
        prop_assert!(verify(&parts.join("."), &Settings::default()).is_err());
    }
}
