//! Forged and misused credentials: none opens a view, none causes a server error, and each gets the
//! documented refusal.

use axum::http::Method;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Product, SECRET, merge, sign, sign_with};

use crate::forge::{base64url, compact, not_canonical, parts, signed_over};
use crate::shape::assert_problem;

const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n\
    q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n\
    -----END PUBLIC KEY-----\n";

const MALFORMED: (u16, &str) = (400, "token_malformed");
const TOO_LARGE: (u16, &str) = (400, "token_too_large");
const HEADER: (u16, &str) = (401, "token_header");
const ALGORITHM: (u16, &str) = (401, "token_algorithm");
const KEY: (u16, &str) = (401, "token_key_unknown");
const SIGNATURE: (u16, &str) = (401, "token_signature");
const CLAIMS: (u16, &str) = (401, "token_claims");

async fn with_dashboard() -> Product {
    let product = Product::start().await;
    let x = json!([{"slug": "x", "name": "X", "type": "text"}]);
    product.publish("dashboard/1", json!({"parameters": x, "embedding_params": {"x": "enabled"}})).await;
    product
}

/// Claims that open the dashboard.
fn good_claims(product: &Product) -> Value {
    json!({"resource": {"dashboard": 1}, "params": {}, "exp": product.clock.now().unix() + 600})
}

/// Asserts that every route that takes the token refuses it with `expected`.
async fn assert_refused_everywhere(product: &Product, case: &str, token: &str, expected: (u16, &str)) {
    for route in ["/v1/view", "/v1/view/dashboard"] {
        let answer = product.get(route).bearer(token).send().await;
        assert_problem(&answer, case);
        assert_eq!(answer.refusal(), expected, "{case}: {token:.200}");
    }
    let introspected = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    if token.len() < 200_000 {
        assert_eq!(
            (introspected.status.as_u16(), introspected.text.as_str()),
            (200, r#"{"active":false}"#),
            "{case}"
        );
        let redeemed = product.post("/v1/sessions/redeem", json!({ "session": token })).send().await;
        assert_problem(&redeemed, case);
        assert_eq!(redeemed.refusal(), (401, "session_unknown"), "{case}");
        let called = product.get("/v1/resources").bearer(token).send().await;
        assert_problem(&called, case);
        assert_eq!(called.refusal(), (401, "access_key_unknown"), "{case}");
    }
}

#[tokio::test]
async fn only_hs256_is_accepted_whatever_the_header_says() {
    let product = with_dashboard().await;
    let claims = good_claims(&product).to_string();
    let stated =
        |alg: &str, secret: &[u8]| compact(&json!({"alg": alg, "typ": "JWT"}).to_string(), &claims, secret);
    let unsigned = |alg: &str| {
        let [header, claims, _] = parts(&stated(alg, b"any")).map(str::to_owned);
        format!("{header}.{claims}.")
    };
    let mut cases = vec![
        (
            "signed with HS384",
            sign_with(&Header::new(Algorithm::HS384), &good_claims(&product), SECRET),
            ALGORITHM,
        ),
        (
            "signed with HS512",
            sign_with(&Header::new(Algorithm::HS512), &good_claims(&product), SECRET),
            ALGORITHM,
        ),
        ("a public key as the secret", stated("HS256", PUBLIC_KEY.as_bytes()), SIGNATURE),
        ("a public key after a space", stated("HS256", format!(" {PUBLIC_KEY}").as_bytes()), SIGNATURE),
        (
            "a public key without its last line end",
            stated("HS256", PUBLIC_KEY.trim_end().as_bytes()),
            SIGNATURE,
        ),
        ("a public key as the secret, with alg RS256", stated("RS256", PUBLIC_KEY.as_bytes()), ALGORITHM),
        (
            "a signature of zeros",
            stated("ES256", SECRET.as_bytes()).rsplit_once('.').unwrap().0.to_owned()
                + "."
                + &base64url([0; 64]),
            ALGORITHM,
        ),
    ];
    for alg in ["none", "None", "NONE", "nOnE", "", " ", "null"] {
        cases.push(("alg none, unsigned", unsigned(alg), ALGORITHM));
        cases.push(("alg none, signed", stated(alg, SECRET.as_bytes()), ALGORITHM));
    }
    for alg in [
        "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "dir", "hs256", "HS256 ", " HS256", "HS256\n",
        "HS256\0",
    ] {
        cases.push(("another algorithm", stated(alg, SECRET.as_bytes()), ALGORITHM));
    }
    for alg in [json!(null), json!(true), json!(false), json!(0), json!(["HS256"]), json!({"alg": "HS256"})] {
        let header = json!({ "alg": alg }).to_string();
        cases.push(("an alg that is not a string", compact(&header, &claims, SECRET.as_bytes()), ALGORITHM));
    }
    for (case, token, expected) in cases {
        assert_refused_everywhere(&product, case, &token, expected).await;
    }
}

#[tokio::test]
async fn only_stored_signing_keys_are_accepted() {
    let product = with_dashboard().await;
    let claims = good_claims(&product).to_string();
    let with = |members: Value, secret: &[u8]| {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        merge(&mut header, members);
        compact(&header.to_string(), &claims, secret)
    };
    let mut cases = Vec::new();
    let paths = [
        "../../../../../../dev/null",
        "/dev/null",
        "C:\\nul",
        "file:///proc/self/environ",
        "%2e%2e%2fdev%2fnull",
    ];
    let queries =
        ["x' UNION SELECT '1';--", "local' OR '1'='1", "|sleep 10", "$(id)", "{\"$ne\":null}", "#{7*7}"];
    let names =
        ["", " ", "local ", "LOCAL", "local\0", "local\n", "0", "loc\u{430}l", "vitrine/signing-keys"];
    for kid in paths.into_iter().chain(queries).chain(names) {
        for secret in [SECRET, "", "1", kid] {
            cases.push(("a hostile kid", with(json!({ "kid": kid }), secret.as_bytes()), KEY));
        }
    }
    cases.push(("a very long kid", with(json!({"kid": "k".repeat(5_000)}), SECRET.as_bytes()), KEY));
    for kid in [json!(true), json!(0), json!(["local"]), json!({"kid": "local"})] {
        cases.push(("a kid that is not a string", with(json!({ "kid": kid }), SECRET.as_bytes()), HEADER));
    }
    let known = json!({"kty": "oct", "k": base64url("attacker")});
    for (name, value) in [
        ("jwk", known.clone()),
        ("jwk", json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
        ("jwk", json!(false)),
        ("jku", json!("https://evil.example/keys.json")),
        ("jku", json!("http://127.0.0.1/keys.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5c", json!([])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
    ] {
        for secret in [SECRET, "attacker"] {
            let mut members = json!({});
            members[name] = value.clone();
            cases.push((name, with(members, secret.as_bytes()), HEADER));
        }
    }
    let decoded: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&SECRET[2 * at..2 * at + 2], 16).unwrap()).collect();
    let padded = [SECRET, "\n"].concat();
    let secrets: [(&str, &[u8]); 10] = [
        ("an empty secret", b""),
        ("a null secret", b"\0"),
        ("a well-known secret", b"secret"),
        ("a well-known secret", b"your-256-bit-secret"),
        ("a well-known secret", b"test-guest-secret-change-me"),
        ("the secret decoded from hex", &decoded),
        ("the secret with a line end", padded.as_bytes()),
        ("the first half of the secret", &SECRET.as_bytes()[..32]),
        ("the key's id", b"local"),
        ("the admin key", ADMIN_KEY.as_bytes()),
    ];
    for (case, secret) in secrets {
        cases.push((case, with(json!({}), secret), SIGNATURE));
    }
    for (case, token, expected) in cases {
        assert_refused_everywhere(&product, case, &token, expected).await;
    }
}

/// Each token is signed with the owner's secret, so that only the strict JSON parser refuses it.
#[tokio::test]
async fn ambiguous_json_is_refused() {
    let product = with_dashboard().await;
    let exp = product.clock.now().unix() + 600;
    let good = good_claims(&product).to_string();
    let header = r#"{"alg":"HS256"}"#;
    let headers = [
        ("two algorithms", r#"{"alg":"none","alg":"HS256"}"#.to_owned()),
        ("the same algorithm twice", r#"{"alg":"HS256","alg":"HS256"}"#.to_owned()),
        ("two algorithms, one escaped", r#"{"alg":"HS256","\u0061lg":"none"}"#.to_owned()),
        ("two kids", r#"{"alg":"HS256","kid":"local","kid":"other"}"#.to_owned()),
        ("a byte order mark", "\u{feff}{\"alg\":\"HS256\"}".to_owned()),
        ("two JSON documents", r#"{"alg":"HS256"}{}"#.to_owned()),
        ("a comment", r#"{"alg":"HS256"/**/}"#.to_owned()),
        ("a trailing comma", r#"{"alg":"HS256",}"#.to_owned()),
        ("single quotes", "{'alg':'HS256'}".to_owned()),
        ("a list", r#"["HS256"]"#.to_owned()),
        ("a string", r#""HS256""#.to_owned()),
        ("null", "null".to_owned()),
        ("nothing", String::new()),
        ("a null byte at the end", "{\"alg\":\"HS256\"}\0".to_owned()),
        ("deep nesting", format!("{{\"alg\":\"HS256\",\"a\":{}}}", "[".repeat(2_000))),
    ];
    for (case, text) in headers {
        assert_refused_everywhere(&product, case, &compact(&text, &good, SECRET.as_bytes()), HEADER).await;
    }
    let rest = format!(r#""resource":{{"dashboard":1}},"params":{{}},"exp":{exp}"#);
    let claims = [
        ("two expiries", format!(r#"{{"exp":1,{rest}}}"#)),
        ("two expiries, the valid one first", format!(r#"{{{rest},"exp":1}}"#)),
        ("two resources", format!(r#"{{"resource":{{"dashboard":2}},{rest}}}"#)),
        (
            "two dashboards",
            format!(r#"{{"resource":{{"dashboard":2,"dashboard":1}},"params":{{}},"exp":{exp}}}"#),
        ),
        (
            "two dashboards, one escaped",
            format!(r#"{{"resource":{{"dashboard":2,"\u0064ashboard":1}},"params":{{}},"exp":{exp}}}"#),
        ),
        (
            "a parameter twice",
            format!(r#"{{"resource":{{"dashboard":1}},"params":{{"x":1,"x":2}},"exp":{exp}}}"#),
        ),
        ("a byte order mark", format!("\u{feff}{{{rest}}}")),
        ("two JSON documents", format!("{{{rest}}}{{}}")),
        ("deeply nested lists", format!("{{{rest},\"a\":{}{}}}", "[".repeat(2_000), "]".repeat(2_000))),
        ("deeply nested objects", format!("{{{rest},\"a\":{}1{}}}", "{\"a\":".repeat(700), "}".repeat(700))),
        ("deep nesting without an end", "[".repeat(5_000)),
        ("a number out of range", r#"{"resource":{"dashboard":1},"params":{},"exp":1e400}"#.to_owned()),
        ("NaN", r#"{"resource":{"dashboard":1},"params":{},"exp":NaN}"#.to_owned()),
        ("an unpaired surrogate", format!(r#"{{{rest},"a":"\ud800"}}"#)),
        ("a list", format!(r#"[{{{rest}}}]"#)),
        ("a string", json!(good).to_string()),
        ("a token", compact(header, &good, SECRET.as_bytes())),
        ("null", "null".to_owned()),
        ("nothing", String::new()),
    ];
    for (case, text) in claims {
        assert_refused_everywhere(&product, case, &compact(header, &text, SECRET.as_bytes()), CLAIMS).await;
    }
    let not_text = signed_over(&base64url(header), &base64url([b'"', 0xff, 0xfe, b'"']), SECRET.as_bytes());
    assert_refused_everywhere(&product, "invalid UTF-8", &not_text, CLAIMS).await;
}

#[tokio::test]
async fn claims_of_the_wrong_type_are_refused() {
    let product = with_dashboard().await;
    let expected = |name: &str, value: &Value| match (name, value) {
        ("exp", Value::Number(_)) => (401, "token_expired"),
        _ => CLAIMS,
    };
    let odd = [
        json!(null),
        json!(true),
        json!(false),
        json!([]),
        json!({}),
        json!("99999999999"),
        json!(""),
        json!(0),
        json!(-1),
    ];
    for name in ["exp", "nbf", "iat", "iss", "sub", "jti"] {
        let wants_number = ["exp", "nbf", "iat"].contains(&name);
        for value in &odd {
            let right = if wants_number { value.is_number() && name != "exp" } else { value.is_string() };
            if right {
                continue;
            }
            let mut claims = good_claims(&product);
            claims[name] = value.clone();
            let token = sign(&claims, SECRET);
            assert_refused_everywhere(&product, &format!("{name}: {value}"), &token, expected(name, value))
                .await;
        }
    }
}

#[tokio::test]
async fn a_token_has_only_one_encoding() {
    let product = with_dashboard().await;
    let good = compact(r#"{"alg":"HS256"}"#, &good_claims(&product).to_string(), SECRET.as_bytes());
    let other = product.sign(json!({"resource": {"dashboard": 2}, "params": {}}));
    let [header, claims, signature] = parts(&good);
    let [_, other_claims, other_signature] = parts(&other);
    let standard = format!("{header}.{claims}.{}", signature.replace('-', "+").replace('_', "/"));
    // The two base64 alphabets differ only in these characters.
    let standard = if standard == good { format!("{header}.{claims}.+{signature}") } else { standard };
    let cases = [
        ("the claims of another token", format!("{header}.{other_claims}.{signature}"), SIGNATURE),
        ("the signature of another token", format!("{header}.{claims}.{other_signature}"), SIGNATURE),
        ("no signature", format!("{header}.{claims}."), SIGNATURE),
        ("a fourth, empty part", format!("{good}."), MALFORMED),
        ("no signature part", format!("{header}.{claims}"), MALFORMED),
        ("a truncated signature", good[..good.len() - 3].to_owned(), SIGNATURE),
        ("a signature truncated within a byte", good[..good.len() - 2].to_owned(), MALFORMED),
        ("a longer signature", format!("{good}AAAA"), SIGNATURE),
        ("a signature twice", format!("{good}.{signature}"), MALFORMED),
        (
            "a non-canonical encoding of the signature",
            format!("{header}.{claims}.{}", not_canonical(signature)),
            MALFORMED,
        ),
        ("padding after the signature", format!("{good}="), MALFORMED),
        ("padding after the header", format!("{header}=.{claims}.{signature}"), MALFORMED),
        ("signed padding", signed_over(&format!("{header}="), claims, SECRET.as_bytes()), MALFORMED),
        ("the standard base64 alphabet", standard, MALFORMED),
        ("a tab between the parts", format!("{header}.\t{claims}.{signature}"), MALFORMED),
        ("a space between the parts", format!("{header}. {claims}.{signature}"), MALFORMED),
        ("percent-encoded dots", good.replace('.', "%2E"), MALFORMED),
        ("quotes", format!("\"{good}\""), MALFORMED),
        ("a list", format!("{good},{good}"), MALFORMED),
        ("five parts", format!("{header}.{header}.{claims}.{claims}.{signature}"), MALFORMED),
        (
            "a token of another format",
            json!({"payload": claims, "protected": header, "signature": signature}).to_string(),
            MALFORMED,
        ),
        ("only dots", "..".to_owned(), HEADER),
        ("more dots", "...".to_owned(), MALFORMED),
        ("a word", "undefined".to_owned(), MALFORMED),
        ("a placeholder", "{token}".to_owned(), MALFORMED),
    ];
    for (case, token, expected) in cases {
        assert_refused_everywhere(&product, case, &token, expected).await;
    }
    let ours = base64url(r#"{"alg":"HS256" }"#);
    let respelled = signed_over(&not_canonical(&ours), claims, SECRET.as_bytes());
    assert_refused_everywhere(
        &product,
        "a signed, non-canonical encoding of the header",
        &respelled,
        MALFORMED,
    )
    .await;
    assert_eq!(product.view(&good, "").await.status, 200, "the original token is still valid");
}

#[tokio::test]
async fn the_size_is_checked_first() {
    let product = with_dashboard().await;
    let mut claims = good_claims(&product);
    claims["note"] = json!("n".repeat(8_000));
    let large = sign(&claims, SECRET);
    assert!(large.len() > 8 * 1024);
    for (case, token) in [
        ("a valid but large token", large),
        ("two megabytes", "a".repeat(2 * 1024 * 1024)),
        ("two megabytes of dots", ".".repeat(2 * 1024 * 1024)),
        ("one byte more than the limit", format!("{}.a.a", "a".repeat(8 * 1024 - 3))),
    ] {
        assert_refused_everywhere(&product, case, &token, TOO_LARGE).await;
    }
    claims["note"] = json!("n".repeat(5_000));
    assert_eq!(product.view(&sign(&claims, SECRET), "").await.status, 200);
}

#[tokio::test]
async fn malformed_authorization_headers_hold_no_token() {
    let product = with_dashboard().await;
    let token = sign(&good_claims(&product), SECRET);
    let missing = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer{token}"),
        format!("Basic {token}"),
        format!("Token {token}"),
        format!("Api-Key {token}"),
        format!("JWT {token}"),
        format!("Bearer\t{token}"),
    ];
    for authorization in missing {
        let answer = product.get("/v1/view").header("authorization", &authorization).send().await;
        assert_problem(&answer, &authorization);
        assert_eq!(answer.refusal(), (401, "token_missing"), "{authorization}");
    }
    for bytes in
        ["Bearer é".as_bytes(), &[b'B', 0xff, 0xfe], "Bearer \u{202e}".as_bytes(), "Ｂearer x".as_bytes()]
    {
        let answer = product.get("/v1/view").header("authorization", bytes).send().await;
        assert_problem(&answer, "not ASCII");
        assert_eq!(answer.refusal(), (401, "token_missing"));
    }
    for authorization in [
        format!("Bearer Bearer {token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Bearer {token}"),
    ] {
        let answer = product.get("/v1/view").header("authorization", &authorization).send().await;
        assert_problem(&answer, &authorization);
        assert_eq!(answer.refusal(), MALFORMED, "{authorization}");
    }
}

#[tokio::test]
async fn a_token_is_read_from_the_authorization_header_only() {
    let product = with_dashboard().await;
    let token = sign(&good_claims(&product), SECRET);
    let calls = [
        product.get(&format!("/v1/view?token={token}")),
        product.get(&format!("/v1/view?access_token={token}&session={token}&jwt={token}")),
        product
            .get("/v1/view")
            .header("cookie", format!("token={token}; session={token}; metabase.SESSION={token}")),
        product.get("/v1/view").header("x-api-key", &token),
        product.get("/v1/view").header("x-metabase-session", &token),
        product.get("/v1/view").header("proxy-authorization", format!("Bearer {token}")),
        product.get("/v1/view").header("x-forwarded-authorization", format!("Bearer {token}")),
        product.get("/v1/view").header("referer", format!("https://host.example/embed/dashboard/{token}")),
        product.get("/v1/view").json(json!({ "token": token })),
    ];
    for call in calls {
        let answer = call.send().await;
        assert_problem(&answer, "elsewhere");
        assert_eq!(answer.refusal(), (401, "token_missing"));
    }
    let second = product.get("/v1/view").bearer("garbage").bearer(&token).send().await;
    assert_problem(&second, "in a second header");
    assert_eq!(second.refusal(), MALFORMED);
    let beside = product.get(&format!("/v1/view?token={token}")).bearer(&token).send().await;
    assert_eq!(beside.refusal(), (400, "parameter_unknown"));
}

/// Each kind of credential is accepted only for its own purpose.
#[tokio::test]
async fn credentials_are_not_interchangeable() {
    let product = with_dashboard().await;
    let created = async |fields: Value| {
        let mut body = json!({"resource": {"dashboard": 1}});
        merge(&mut body, fields);
        let answer = product.post("/v1/sessions", body).admin().send().await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["session"].as_str().unwrap().to_owned()
    };
    let minted = created(json!({})).await;
    let session = created(json!({"single_use": true})).await;
    let spent = created(json!({"single_use": true})).await;
    let redeemed = product.post("/v1/sessions/redeem", json!({ "session": spent })).send().await;
    let redeemed = redeemed.json["token"].as_str().unwrap().to_owned();
    let signed = sign(&good_claims(&product), SECRET);
    let key = product.key("admin", &[]).await;

    let unknown = (401, "access_key_unknown");
    for (case, shown) in [
        ("a minted token", &minted),
        ("a token redeemed from a session", &redeemed),
        ("a token signed by the owner", &signed),
        ("a session", &session),
        ("the embedding secret", &SECRET.to_owned()),
        ("the id of the signing key", &"local".to_owned()),
        ("the bootstrap key's id", &"bootstrap".to_owned()),
        ("an access key's id", &key.split('-').nth(1).unwrap().to_owned()),
    ] {
        for call in
            [product.get("/v1/resources").bearer(shown), product.get("/v1/keys").header("x-api-key", shown)]
        {
            let answer = call.send().await;
            assert_problem(&answer, case);
            assert_eq!(answer.refusal(), unknown, "{case}");
        }
    }
    for (case, shown) in [
        ("the admin key", ADMIN_KEY),
        ("an access key", &key),
        ("a session", &session),
        ("the secret", SECRET),
    ] {
        let answer = product.view(shown, "").await;
        assert_problem(&answer, case);
        assert_eq!(answer.refusal(), MALFORMED, "{case}");
    }
    for (case, shown) in [
        ("the admin key", ADMIN_KEY),
        ("an access key", &key),
        ("a token", &minted),
        ("a spent session", &spent),
    ] {
        let answer = product.post("/v1/sessions/redeem", json!({ "session": shown })).send().await;
        assert_problem(&answer, case);
        assert_eq!(answer.refusal(), (401, "session_unknown"), "{case}");
    }
    let still = product.post("/v1/sessions/redeem", json!({ "session": session })).send().await;
    assert_eq!(still.status, 200, "{}", still.text);
}

/// A key is looked up by its id and valid only as a whole.
#[tokio::test]
async fn almost_correct_keys_are_refused() {
    let product = Product::start().await;
    let key = product.key("admin", &[]).await;
    let [id, secret] =
        key.strip_prefix("sk-").unwrap().splitn(2, '-').collect::<Vec<_>>().try_into().unwrap();
    let mut other = secret.to_owned();
    let last = if other.ends_with('A') { "B" } else { "A" };
    other.replace_range(42.., last);
    for almost in [
        format!("sk-{id}-{other}"),
        format!("sk-{id}-{}", "A".repeat(43)),
        format!("sk-{id}-"),
        format!("sk-{id}"),
        format!("sk-{secret}-{id}"),
        format!("sk--{secret}"),
        format!("{key}A"),
        format!("{key}="),
        key.to_uppercase(),
        key.replacen("sk-", "SK-", 1),
        key[3..].to_owned(),
        format!("sk-aaaaaaaaaaaa-{secret}"),
        ADMIN_KEY.to_uppercase(),
        ADMIN_KEY[..ADMIN_KEY.len() - 1].to_owned(),
        format!("{ADMIN_KEY}{ADMIN_KEY}"),
        "a".repeat(2 * 1024 * 1024),
    ] {
        let answer = product.get("/v1/keys").bearer(&almost).send().await;
        assert_problem(&answer, &almost[..almost.len().min(80)]);
        assert_eq!(answer.refusal(), (401, "access_key_unknown"), "{almost:.80}");
    }
    assert_eq!(product.get("/v1/keys").bearer(&key).send().await.status, 200);
}

/// Paths that a gateway, a proxy or a template engine may read differently from the router.
#[tokio::test]
async fn ambiguous_paths_and_ids_match_no_route_or_object() {
    let product = with_dashboard().await;
    let token = sign(&good_claims(&product), SECRET);
    for path in [
        "//v1/view",
        "/v1//view",
        "/v1/./view",
        "/v1/x/../view",
        "/V1/VIEW",
        "/v1/view%2f",
        "/v1%2fview",
        "/v1/%76iew",
        "/v1/view/%2e%2e",
        "/v1/view;x=1",
        "/v1/view.json",
        "/v1/view/{kind}",
        "/v1/view/:kind",
        "/v1/view/*",
        "/v1/view/%7Bkind%7D",
        "/v1/view/dashboard/1/x",
        "/v1/view/dashboard%00",
        "/$default/v1/view",
        "/prod/v1/view",
        "/{proxy+}",
        "/*",
    ] {
        let answer = product.get(path).bearer(&token).send().await;
        assert_problem(&answer, path);
        assert_eq!(answer.refusal(), (404, "route_not_found"), "{path}");
    }
    for id in [
        "{id}",
        ":id",
        "{proxy+}",
        "%7Bid%7D",
        "*",
        "%2a",
        ".",
        "..",
        "%2e%2e",
        "%20",
        "%00",
        "1%00",
        "1%0d%0a",
        "$",
        "null",
        "undefined",
        "true",
    ] {
        let answer = product.get(&format!("/v1/resources/dashboard/{id}")).admin().send().await;
        assert_problem(&answer, id);
        assert_eq!(answer.refusal(), (400, "id_invalid"), "{id}");
        let answer = product.delete(&format!("/v1/keys/{id}")).admin().send().await;
        assert_problem(&answer, id);
        assert_eq!(answer.refusal(), (404, "access_key_not_found"), "{id}");
    }
}

/// A client cannot override the HTTP method with a header.
#[tokio::test]
async fn method_override_headers_are_ignored() {
    let product = with_dashboard().await;
    let key = product.key("member", &["resources:list"]).await;
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let listed = product.get("/v1/resources").bearer(&key).header(name, "DELETE").send().await;
        assert_eq!(listed.status, 200);
        let posted = product
            .request(Method::POST, "/v1/resources/dashboard/1")
            .admin()
            .header(name, "DELETE")
            .send()
            .await;
        assert_problem(&posted, name);
        assert_eq!(posted.refusal(), (405, "method_not_allowed"));
    }
    let still: Answer = product.get("/v1/resources/dashboard/1").admin().send().await;
    assert_eq!(still.status, 200);
}

/// The readable form of a place in a list, which a cursor had before it was encrypted.
fn encode(place: &[&str]) -> String {
    base64url(json!(place).to_string())
}

/// A forged cursor must not reach items outside of its list.
#[tokio::test]
async fn forged_cursors_are_refused() {
    let product = with_dashboard().await;
    let items = product.items().await;
    for place in [
        "access_keys",
        "settings#settings",
        "session#abc",
        "dashboard#",
        "dashboard#1",
        "dashboard#0000000000000001#x",
        "dashboard#000000000000000x",
        "dashboard#9999999999999999",
        "dive#not-a-uuid",
        "card#0000000000000001",
        "\0",
        "",
    ] {
        for cursor in [base64url(place), encode(&[place]), encode(&["resource", place])] {
            for list in ["/v1/resources", "/v1/keys"] {
                let answer = product.get(&format!("{list}?cursor={cursor}")).admin().send().await;
                assert_problem(&answer, place);
                assert_eq!(answer.refusal(), (400, "cursor_invalid"), "{list} {place}");
            }
        }
    }
    let long = "x".repeat(1_025);
    for (list, place) in [
        ("/v1/resources", vec!["settings", "dashboard#1", "dashboard#1", "resource"]),
        ("/v1/resources", vec!["resource", "dashboard#1", "", "resource"]),
        ("/v1/resources", vec!["resource", &long, "dashboard#1", "resource"]),
        ("/v1/resources?kind=dashboard", vec!["resource", "question#1", "question#1", "resource"]),
        ("/v1/resources", vec!["resource", "dashboard#1", "dashboard#1", "resource", "resource"]),
        ("/v1/keys", vec!["settings", "settings"]),
        ("/v1/keys", vec!["access_keys", ""]),
        ("/v1/keys", vec!["access_keys", &long]),
        ("/v1/attributes", vec!["groups", "a"]),
        ("/v1/external-users", vec!["users#acme", "a", "external_user#a", "external_user"]),
    ] {
        let question = if list.contains('?') { '&' } else { '?' };
        let forged = format!("{list}{question}cursor={}", encode(&place));
        let answer = product.get(&forged).admin().send().await;
        assert_problem(&answer, list);
        assert_eq!(answer.refusal(), (400, "cursor_invalid"), "{list} {:.40}", place.concat());
    }
    assert_eq!(product.items().await, items);
    product.publish("dashboard/2", json!({})).await;
    let first = product.get("/v1/resources?limit=1").admin().send().await.json;
    let genuine = first["next_cursor"].as_str().unwrap();
    let answer = product.get(&format!("/v1/resources?cursor={genuine}")).admin().send().await;
    assert_eq!(answer.json["items"].as_array().unwrap().len(), 1, "{}", answer.text);
}
