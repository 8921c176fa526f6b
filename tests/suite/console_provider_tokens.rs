//! A provider that is attacked, wrong or down: nobody gets in, and an access key still does.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Product};

use crate::console::{Browser, SESSION};
use crate::console_provider::{reason, sign_in, signed_in};
use crate::issuer::{Issuer, Signer, encoded, pairs};

const START: &str = "/console/oidc/start";

/// Changes of the token's claims or header, each of which makes it useless.
#[tokio::test]
async fn a_token_that_was_not_made_for_this_sign_in_opens_nothing() {
    let issuer = Issuer::open(Signer::rsa());
    let product = Product::start_with(&issuer.settings()).await;
    let now = product.clock.now().unix();
    let claims = [
        json!({"nonce": "0".repeat(64)}),
        json!({"nonce": null}),
        json!({"aud": "another client"}),
        json!({"aud": ["the console", "another client"]}),
        json!({"azp": "another client"}),
        json!({"iss": "https://accounts.example.com"}),
        json!({"iss": format!("{}/", issuer.url)}),
        json!({"exp": now - 61}),
        json!({"exp": null}),
        json!({"iat": now + 90}),
        json!({"iat": now - 3_600}),
        json!({"nbf": now + 90}),
        json!({"at_hash": "x"}),
        json!({"sub": null}),
    ];
    let headers = [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS512"}),
        json!({"alg": "ES256"}),
        json!({"kid": "2"}),
        json!({"typ": "at+jwt"}),
        json!({"jku": format!("{}/keys", issuer.url)}),
        json!({"crit": ["x"]}),
    ];
    let none: [Value; 22] = std::array::from_fn(|_| json!({}));
    for (header, claims) in none.iter().zip(&claims).chain(headers.iter().zip(&none)) {
        (issuer.desk().header, issuer.desk().claims) = (json!({}), json!({}));
        issuer.desk().header = header.clone();
        issuer.desk().claims = claims.clone();
        let mut browser = Browser::default();
        let refused = sign_in(&product, &mut browser, &issuer).await;
        assert_eq!(reason(&refused), (401, "sign_in_invalid"), "{header} {claims}");
        assert_eq!(browser.cookie(SESSION), None);
    }
    (issuer.desk().header, issuer.desk().claims) = (json!({}), json!({}));
    for signature in ["", "AAAA", &encoded([0_u8; 256])] {
        issuer.desk().signature = Some(signature.to_owned());
        let refused = sign_in(&product, &mut Browser::default(), &issuer).await;
        assert_eq!(reason(&refused), (401, "sign_in_invalid"), "{signature}");
    }
    issuer.desk().signature = None;
    signed_in(&product, &issuer).await;
}

#[tokio::test]
async fn a_code_is_of_no_use_to_another_browser() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let back = issuer.agree(victim.get(&product, START).await.header("location"));
    let own = pairs(attacker.get(&product, START).await.header("location").split_once('?').unwrap().1);
    // The attacker has the victim's code and the own state: the verifier does not fit the challenge.
    let code = &pairs(back.split_once('?').unwrap().1)["code"];
    let refused =
        attacker.get(&product, &format!("/console/oidc/callback?code={code}&state={}", own["state"])).await;
    assert_eq!(reason(&refused), (401, "sign_in_invalid"));
    assert_eq!(attacker.cookie(SESSION), None);
}

#[tokio::test]
async fn keys_are_read_again_when_the_provider_rotates_them() {
    let issuer = Issuer::open(Signer::rsa());
    let product = Product::start_with(&issuer.settings()).await;
    let fetched = || issuer.desk().asked.iter().filter(|path| *path == "/keys").count();
    signed_in(&product, &issuer).await;
    signed_in(&product, &issuer).await;
    let documents = issuer.desk().asked.iter().filter(|path| path.ends_with("configuration")).count();
    assert_eq!((fetched(), documents), (1, 1));
    // A new key of another kind, beside the old one.
    let (next, kept) = (Signer::ec(), issuer.desk().keys[0].clone());
    issuer.desk().keys = vec![kept, next.jwk("2")];
    (issuer.desk().signer, issuer.desk().kid) = (next, "2".to_owned());
    product.clock.set_offset(11);
    signed_in(&product, &issuer).await;
    assert_eq!(fetched(), 2);
    // Tokens with unknown keys do not have them read each time.
    issuer.desk().header = json!({"kid": "3"});
    for _ in 0..4 {
        assert_eq!(
            reason(&sign_in(&product, &mut Browser::default(), &issuer).await),
            (401, "sign_in_invalid")
        );
    }
    assert_eq!(fetched(), 2);
    product.clock.set_offset(22);
    assert_eq!(reason(&sign_in(&product, &mut Browser::default(), &issuer).await), (401, "sign_in_invalid"));
    assert_eq!(fetched(), 3);
    // A key that the provider took back is forgotten.
    issuer.desk().header = json!({});
    issuer.desk().keys.clear();
    product.clock.set_offset(240);
    signed_in(&product, &issuer).await;
    product.clock.set_offset(60 + 900);
    issuer.desk().claims = json!({"iat": product.clock.now().unix(), "exp": product.clock.now().unix() + 60});
    assert_eq!(reason(&sign_in(&product, &mut Browser::default(), &issuer).await), (401, "sign_in_invalid"));
}

#[tokio::test]
async fn nobody_signs_in_without_a_group_of_the_setting() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    for (claims, expected, text) in [
        (json!({"groups": []}), "groups_without_role", "None of your groups"),
        (json!({"groups": ["staff", "Owners", "owners2"]}), "groups_without_role", "None of your groups"),
        (json!({"groups": null}), "groups_missing", "sent no groups"),
        (json!({"groups": {"owners": true}}), "groups_missing", "sent no groups"),
        (
            json!({"groups": null, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example.com"}}}),
            "groups_missing",
            "more groups",
        ),
    ] {
        issuer.desk().claims = claims.clone();
        let mut browser = Browser::default();
        let refused = sign_in(&product, &mut browser, &issuer).await;
        assert_eq!(reason(&refused), (403, expected), "{claims}");
        assert!(refused.text.contains(text), "{claims}");
        assert_eq!(browser.cookie(SESSION), None);
    }
    // Without any group in the setting nobody does.
    let settings = [&issuer.settings()[..], &[("ConsoleRoles", "")]].concat();
    let product = Product::start_with(&settings).await;
    issuer.desk().claims = json!({"groups": ["", "owners"]});
    let refused = sign_in(&product, &mut Browser::default(), &issuer).await;
    assert_eq!(reason(&refused), (403, "groups_without_role"));
}

#[tokio::test]
async fn the_providers_own_refusal_is_shown_in_our_words() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    let evil = "%3Cscript%3Ealert(1)%3C/script%3E";
    for (answer, expected) in [
        (format!("error=access_denied&error_description={evil}"), (403, "sign_in_refused")),
        (format!("error={evil}"), (403, "sign_in_refused")),
        ("error=temporarily_unavailable".to_owned(), (503, "identity_provider_unavailable")),
        ("code=".to_owned(), (401, "sign_in_invalid")),
        (format!("code={}", "a".repeat(5_000)), (401, "sign_in_invalid")),
        ("code=unknown".to_owned(), (401, "sign_in_invalid")),
        ("code=a&iss=https://evil.example".to_owned(), (401, "sign_in_invalid")),
    ] {
        let mut browser = Browser::default();
        let there = browser.get(&product, START).await;
        let state = &pairs(there.header("location").split_once('?').unwrap().1)["state"];
        let refused = browser.get(&product, &format!("/console/oidc/callback?{answer}&state={state}")).await;
        assert_eq!(reason(&refused), expected, "{answer}");
        assert!(!refused.text.contains("alert("));
    }
    // A provider that says so names itself in each answer.
    issuer.desk().document = json!({"authorization_response_iss_parameter_supported": true});
    let product = Product::start_with(&issuer.settings()).await;
    let issuer_name: String = form_urlencoded::byte_serialize(issuer.url.as_bytes()).collect();
    for (suffix, status) in [(String::new(), 401), (format!("&iss={issuer_name}"), 200)] {
        let mut browser = Browser::default();
        let back = issuer.agree(browser.get(&product, START).await.header("location"));
        assert_eq!(browser.get(&product, &format!("{back}{suffix}")).await.status, status, "{suffix}");
    }
}

/// Documents, keys and answers that are wrong, too large, elsewhere or missing.
#[tokio::test]
async fn while_the_provider_is_down_an_access_key_still_signs_in() {
    let huge = " ".repeat(300 * 1024);
    for (path, fault) in [
        ("/.well-known/openid-configuration", (500, String::new())),
        ("/.well-known/openid-configuration", (302, String::new())),
        ("/.well-known/openid-configuration", (200, "<html>".to_owned())),
        ("/.well-known/openid-configuration", (200, format!("{{{huge}}}"))),
        ("/keys", (404, String::new())),
        ("/keys", (200, "{}".to_owned())),
        ("/keys", (200, format!("{{\"keys\":[{huge}]}}"))),
        ("/token", (502, String::new())),
        ("/token", (307, String::new())),
        ("/token", (200, huge.clone())),
    ] {
        let issuer = Issuer::open(Signer::ec());
        let product = Product::start_with(&issuer.settings()).await;
        issuer.desk().faults.insert(path, fault.clone());
        let mut browser = Browser::default();
        let there = browser.get(&product, START).await;
        let refused = match there.status.as_u16() {
            303 => browser.get(&product, &issuer.agree(there.header("location"))).await,
            _ => there,
        };
        assert_eq!(reason(&refused), (503, "identity_provider_unavailable"), "{path} {}", fault.0);
        // A redirect is not followed.
        assert!(issuer.desk().asked.iter().all(|asked| asked != "/elsewhere"));
        // The page of the refusal has the form for a key.
        let token = crate::console::form_token(&refused.text);
        let fields = [("csrf_token", token.as_str()), ("key", ADMIN_KEY)];
        let answer = browser.with(crate::console::form(&product, "/console/sign-in", &fields)).send().await;
        assert_eq!(answer.header("location"), "/console", "{path}");
        // Once the provider is back, people sign in again.
        issuer.desk().faults.clear();
        product.clock.set_offset(4);
        signed_in(&product, &issuer).await;
    }
}

/// Members of the provider's document with which no sign-in begins.
#[tokio::test]
async fn a_document_of_another_issuer_or_with_unsafe_addresses_is_refused() {
    for document in [
        json!({"issuer": "https://evil.example"}),
        json!({"issuer": null}),
        json!({"token_endpoint": "http://evil.example/token"}),
        json!({"jwks_uri": "http://evil.example/keys"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"authorization_endpoint": null}),
    ] {
        let issuer = Issuer::open(Signer::ec());
        issuer.desk().document = document.clone();
        let product = Product::start_with(&issuer.settings()).await;
        let refused = product.get(START).send().await;
        assert_eq!(reason(&refused), (503, "identity_provider_unavailable"), "{document}");
        assert!(!refused.headers.contains_key("location"));
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_not_asked_by_each_request() {
    let issuer = Issuer::open(Signer::ec());
    issuer.desk().faults.insert("/.well-known/openid-configuration", (500, String::new()));
    let product = Product::start_with(&issuer.settings()).await;
    for _ in 0..5 {
        assert_eq!(reason(&product.get(START).send().await), (503, "identity_provider_unavailable"));
    }
    assert_eq!(issuer.desk().asked.len(), 1);
    product.clock.set_offset(4);
    product.get(START).send().await;
    assert_eq!(issuer.desk().asked.len(), 2);
    // A document that cannot be used counts as a failure too.
    issuer.desk().faults.insert("/.well-known/openid-configuration", (200, "{}".to_owned()));
    product.clock.set_offset(8);
    for _ in 0..2 {
        assert_eq!(reason(&product.get(START).send().await), (503, "identity_provider_unavailable"));
    }
    assert_eq!(issuer.desk().asked.len(), 3);
    // Nothing listens here.
    let settings = [&issuer.settings()[..], &[("ConsoleIssuer", "http://127.0.0.1:9")]].concat();
    let product = Product::start_with(&settings).await;
    assert_eq!(reason(&product.get(START).send().await), (503, "identity_provider_unavailable"));
}

/// The listener takes connections and says nothing.
#[tokio::test]
async fn a_provider_that_says_nothing_is_not_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let issuer = Issuer::open(Signer::ec());
    let settings = [&issuer.settings()[..], &[("ConsoleIssuer", url.as_str())]].concat();
    let product = Product::start_with(&settings).await;
    let begun = std::time::Instant::now();
    assert_eq!(reason(&product.get(START).send().await), (503, "identity_provider_unavailable"));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

/// The methods that a provider lists, and a secret that is right or wrong.
#[tokio::test]
async fn a_client_secret_is_sent_in_the_way_that_the_provider_takes() {
    for (methods, kept, signs_in) in [
        (json!(null), Some("a/secret"), true),
        (json!(["client_secret_basic"]), Some("a/secret"), true),
        (json!(["client_secret_post"]), Some("a/secret"), true),
        (json!(["client_secret_post", "client_secret_basic"]), Some("a/secret\n"), true),
        (json!(null), Some("wrong"), false),
        (json!(null), None, false),
    ] {
        let issuer = Issuer::open(Signer::ec());
        issuer.desk().client_secret = Some("a/secret".to_owned());
        issuer.desk().document = json!({"token_endpoint_auth_methods_supported": methods});
        let keep = async |services: &mut vitrine_local::services::Services| {
            if let Some(secret) = kept {
                services.put_client_secret(secret).unwrap();
            }
        };
        let product = Product::start_behind(&issuer.settings(), keep).await;
        let answer = sign_in(&product, &mut Browser::default(), &issuer).await;
        assert_eq!(answer.status == 200, signs_in, "{methods} {kept:?}");
    }
}
