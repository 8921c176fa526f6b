//! The page inside the iframe: the same for everybody, and framed by whom the resource allows.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, SECRET, sign};

use crate::forge;
use crate::shape::assert_problem;

const OWN: &str = "https://own.example";
const HOST: &str = "https://host.example";
const DIVE: &str = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";

/// The directives of a page's policy.
fn policy(answer: &Answer) -> BTreeMap<String, BTreeSet<String>> {
    assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1);
    let words = |directive: &str| directive.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    answer
        .header("content-security-policy")
        .split(';')
        .map(words)
        .map(|words| (words[0].clone(), words[1..].iter().cloned().collect()))
        .collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn assert_page(answer: &Answer, case: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "text/html; charset=utf-8"),
        "{case}: {:.200}",
        answer.text
    );
    assert!(answer.text.starts_with("<!doctype html>"), "{case}");
    assert!(!answer.headers.contains_key("x-frame-options"), "{case}");
    assert_eq!(answer.header("cache-control"), "no-store", "{case}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{case}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{case}");
}

/// One resource of each kind that its host may frame, one dashboard that nobody else's page may, and some
/// that cannot be seen.
async fn product(settings: &[(&str, &str)]) -> Product {
    let product = Product::start_with(settings).await;
    let framed = json!({"allowed_origins": [HOST]});
    for name in ["dashboard/1", "question/1", &format!("dive/{DIVE}")] {
        product.publish(name, framed.clone()).await;
    }
    let locked = json!([{"slug": "x", "name": "X", "type": "text"}]);
    for (name, fields) in [
        ("dashboard/2", json!({"allowed_origins": []})),
        ("dashboard/3", json!({"allowed_origins": [HOST], "enable_embedding": false})),
        ("dashboard/4", json!({"allowed_origins": [HOST], "archived": true})),
        (
            "dashboard/5",
            json!({"allowed_origins": [HOST], "parameters": locked, "embedding_params": {"x": "locked"}}),
        ),
        ("dashboard/6", json!({"allowed_origins": ["https://*.example.org", "http://localhost:*", OWN]})),
        ("dashboard/7", json!({"allowed_origins": ["*"]})),
    ] {
        product.publish(name, fields).await;
    }
    product
}

async fn public_id(product: &Product, name: &str) -> String {
    let resource = product.get(&format!("/v1/resources/{name}")).admin().send().await.json;
    resource["public_id"].as_str().unwrap().to_owned()
}

/// Each credential, and which origins may frame the page beside the deployment's own.
async fn credentials(product: &Product) -> Vec<(&'static str, String, Vec<&'static str>)> {
    let now = product.clock.now().unix();
    let signed = |resource: Value| product.sign(json!({"resource": resource, "params": {}}));
    let timed = |exp: i64| product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "exp": exp}));
    let good = signed(json!({"dashboard": 1}));
    let session =
        product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})).admin().send().await.json;
    let minted = session["session"].as_str().unwrap().to_owned();
    let revoked = product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "jti": "revoked"}));
    product.post("/v1/sessions/revoke", json!({ "session": revoked })).admin().send().await;
    let single = product
        .post("/v1/sessions", json!({"resource": {"dashboard": 1}, "single_use": true}))
        .admin()
        .send()
        .await
        .json;
    let [header, _, signature] = forge::parts(&good);
    let other = forge::base64url(json!({"resource": {"dashboard": 1}, "params": {}}).to_string());
    let entity = product.get("/v1/resources/dashboard/1").admin().send().await.json["entity_id"].clone();
    vec![
        // Everything that names the resource, valid or not.
        ("a good token", good.clone(), vec![HOST]),
        ("a token of ours", minted, vec![HOST]),
        ("by its entity id", signed(json!({"dashboard": entity})), vec![HOST]),
        ("by its public id", public_id(product, "dashboard/1").await, vec![HOST]),
        ("expired", timed(now - 600), vec![HOST]),
        ("too far ahead", timed(now + 1_000_000), vec![HOST]),
        ("no expiry", sign(&json!({"resource": {"dashboard": 1}, "params": {}}), SECRET), vec![HOST]),
        (
            "not yet",
            product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "nbf": now + 600})),
            vec![HOST],
        ),
        ("revoked", revoked, vec![HOST]),
        ("no params", product.sign(json!({"resource": {"dashboard": 1}})), vec![HOST]),
        ("not published", signed(json!({"dashboard": 3})), vec![HOST]),
        ("not published, by its public id", public_id(product, "dashboard/3").await, vec![HOST]),
        ("archived", signed(json!({"dashboard": 4})), vec![HOST]),
        ("a lock without a value", signed(json!({"dashboard": 5})), vec![HOST]),
        ("nobody else's", signed(json!({"dashboard": 2})), vec![]),
        (
            "patterns, and the deployment's own",
            signed(json!({"dashboard": 6})),
            vec!["https://*.example.org", "http://localhost:*", OWN],
        ),
        ("everybody", signed(json!({"dashboard": 7})), vec!["*"]),
        // Credentials that name no resource.
        ("a word", "garbage".to_owned(), vec![]),
        ("one letter", "a".to_owned(), vec![]),
        ("dots", "..".to_owned(), vec![]),
        ("a placeholder", "{token}".to_owned(), vec![]),
        ("an unknown public id", "abcdefghijkl".to_owned(), vec![]),
        ("a number", "1".to_owned(), vec![]),
        ("an entity id", entity.as_str().unwrap().to_owned(), vec![]),
        ("a session", single["session"].as_str().unwrap().to_owned(), vec![]),
        (
            "another secret",
            sign(&json!({"resource": {"dashboard": 1}, "params": {}, "exp": now + 600}), &"0".repeat(64)),
            vec![],
        ),
        ("another's claims", format!("{header}.{other}.{signature}"), vec![]),
        ("no signature", format!("{header}.{other}."), vec![]),
        (
            "no algorithm",
            forge::compact(r#"{"alg":"none"}"#, r#"{"resource":{"dashboard":1},"params":{}}"#, b""),
            vec![],
        ),
        (
            "an unknown key's name over a known secret",
            forge::compact(
                r#"{"alg":"HS256","kid":"x"}"#,
                r#"{"resource":{"dashboard":1}}"#,
                SECRET.as_bytes(),
            ),
            vec![HOST],
        ),
        (
            "an unknown key",
            forge::compact(
                r#"{"alg":"HS256","kid":"x"}"#,
                r#"{"resource":{"dashboard":1}}"#,
                "0".repeat(64).as_bytes(),
            ),
            vec![],
        ),
        (
            "claims of the wrong type",
            product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "exp": "soon"})),
            vec![],
        ),
        ("unknown", signed(json!({"dashboard": 9})), vec![]),
        ("a bad id", signed(json!({"dashboard": "1"})), vec![]),
        ("no resource", signed(json!({})), vec![]),
        ("another kind", signed(json!({"question": 1})), vec![]),
        ("a question beside it", signed(json!({"dashboard": 1, "question": 9})), vec![]),
        ("another kind's public id", public_id(product, "question/1").await, vec![]),
        ("a dive", signed(json!({"dive": DIVE})), vec![]),
        ("too long", "a".repeat(9_000), vec![]),
        ("escaped letters", "%61%62".to_owned(), vec![]),
        ("an escaped slash", "a%2fb".to_owned(), vec![]),
        ("a way up", "%2e%2e%2f%2e%2e".to_owned(), vec![]),
        ("a null byte", "%00".to_owned(), vec![]),
        ("an end of line", "a%0d%0acontent-security-policy:%20frame-ancestors%20*".to_owned(), vec![]),
        ("markup", "%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(), vec![]),
        ("what is not ASCII", "%C3%A9".to_owned(), vec![]),
        ("no text at all", "%ff%fe".to_owned(), vec![]),
        ("half a letter", "%C3".to_owned(), vec![]),
        ("no escape", "100%".to_owned(), vec![]),
    ]
}

#[tokio::test]
async fn who_may_frame_it() {
    for (settings, own) in [(vec![], vec![]), (vec![("AllowedOrigins", OWN)], vec![OWN])] {
        let product = product(&settings).await;
        let mut wrong = Vec::new();
        for (case, credential, origins) in credentials(&product).await {
            let answer = product.get(&format!("/embed/dashboard/{credential}")).send().await;
            if answer.status != 200 {
                wrong.push(format!("{case}: {} {}", answer.status, answer.text));
                continue;
            }
            assert_page(&answer, case);
            let mut expected: BTreeSet<_> = set(&[own.clone(), origins].concat());
            if expected.is_empty() {
                expected = set(&["'none'"]);
            }
            assert_eq!(policy(&answer)["frame-ancestors"], expected, "{case}");
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[tokio::test]
async fn every_kind_has_its_page() {
    let product = product(&[]).await;
    for (kind, id) in [("dashboard", json!(1)), ("question", json!(1)), ("dive", json!(DIVE))] {
        let token = product.sign(json!({"resource": {kind: id}, "params": {}}));
        let public = public_id(&product, &format!("{kind}/{}", id.as_str().unwrap_or("1"))).await;
        for page in ["dashboard", "question", "dive"] {
            for credential in [&token, &public] {
                let answer = product.get(&format!("/embed/{page}/{credential}")).send().await;
                assert_page(&answer, page);
                let expected = if page == kind { HOST } else { "'none'" };
                assert_eq!(policy(&answer)["frame-ancestors"], set(&[expected]), "{kind} as {page}");
            }
        }
    }
}

/// Nothing of the credential, the resource or the request is in the page.
#[tokio::test]
async fn the_page_is_the_same_for_everybody() {
    let product = product(&[]).await;
    let first = product.get("/embed/dashboard/garbage").send().await.text;
    for (case, credential, _) in credentials(&product).await {
        for path in [
            format!("/embed/dashboard/{credential}"),
            format!("/embed/dashboard/{credential}/?x=%3Cscript%3E&theme=night"),
        ] {
            let answer = product
                .get(&path)
                .header("host", "evil.example")
                .header("x-forwarded-host", "evil.example")
                .send()
                .await;
            if answer.status == 200 {
                assert!(answer.text == first, "{case}");
            }
        }
    }
    assert!(!first.contains("<script>") && !first.contains(" on"), "no script of its own");
}

#[tokio::test]
async fn the_page_loads_its_own_files_and_frames_the_owners() {
    let product = product(&[]).await;
    let cases = [
        (
            json!({"type": "url", "url": "https://reports.example.com/a/b?c=d#e"}),
            vec!["'self'", "https://reports.example.com"],
        ),
        (
            json!({"type": "url", "url": "https://reports.example.com:8443"}),
            vec!["'self'", "https://reports.example.com:8443"],
        ),
        (json!({"type": "url", "url": "http://localhost:5173/x"}), vec!["'self'", "http://localhost:5173"]),
        (json!({"type": "html", "html": "<iframe src=https://elsewhere.example>"}), vec!["'self'"]),
        (json!(null), vec!["'self'"]),
    ];
    for (content, framed) in cases {
        let put = product.put(
            "/v1/resources/dashboard/1",
            json!({"title": "T", "content": content, "allowed_origins": [HOST], "enable_embedding": true}),
        );
        let put = put.admin().send().await;
        assert!(put.status.is_success(), "{content}: {}", put.text);
        for expired in [false, true] {
            let exp = product.clock.now().unix() + if expired { -600 } else { 600 };
            let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "exp": exp}));
            let policy = policy(&product.get(&format!("/embed/dashboard/{token}")).send().await);
            assert_eq!(policy["frame-src"], set(&framed), "{content}");
            assert_eq!(policy["default-src"], set(&["'none'"]));
            assert_eq!(policy["script-src"], set(&["'self'"]));
            // The bucket of a local run. Elsewhere it is the host of the stack's own bucket.
            let exports = ["http://127.0.0.1:*", "http://localhost:*"];
            assert_eq!(policy["connect-src"], set(&[&["'self'"][..], &exports].concat()));
            assert_eq!(policy["base-uri"], set(&["'none'"]));
            assert_eq!(policy["form-action"], set(&["'none'"]));
        }
        let forged = sign(&json!({"resource": {"dashboard": 1}, "params": {}, "exp": 1}), &"0".repeat(64));
        let policy = policy(&product.get(&format!("/embed/dashboard/{forged}")).send().await);
        assert_eq!(policy["frame-src"], set(&["'self'"]), "a forged token learns nothing of the content");
    }
}

/// Texts that could end a header or a directive and begin another.
#[tokio::test]
async fn nothing_of_the_owners_breaks_out_of_the_policy() {
    let product = Product::start().await;
    for origin in [
        "https://a.example; script-src *",
        "https://a.example\r\nset-cookie: x=1",
        "https://a.example\nx: y",
        "https://a.example https://b.example",
        "https://a.example,https://b.example",
        "https://a.example/path",
        "https://a.example?x",
        "https://user@a.example",
        "'self'",
        "'unsafe-inline'",
        "data:",
        "https:",
        "https://*",
        "https://a.*.example",
        "https://ä.example",
        "https://a.example\u{0}",
        "",
    ] {
        let answer = product
            .put("/v1/resources/dashboard/1", json!({"title": "T", "allowed_origins": [origin]}))
            .admin()
            .send()
            .await;
        assert_problem(&answer, origin);
        assert_eq!(
            (answer.refusal(), answer.issues()),
            ((400, "request_invalid"), vec!["allowed_origins[0]"]),
            "{origin}"
        );
    }
    for url in [
        "https://a.example;script-src *",
        "https://a.example\r\nset-cookie: x=1",
        "https://a.example; frame-ancestors *",
        "https://a.example'unsafe-inline'",
        "https://*.example.com/",
        "https://a.example@evil.example",
        "https://a.example\\@evil.example",
        "https://ä.example",
        "//a.example",
        "http://a.example",
        "http://localhost.evil.example",
        "javascript:alert(1)//https://a.example",
        "data:text/html,https://a.example",
        "https://",
        "https:///a.example",
        "https://a.example:0",
        "https://a.example:x",
        " https://a.example",
    ] {
        let content = json!({"type": "url", "url": url});
        let answer = product
            .put("/v1/resources/dashboard/1", json!({"title": "T", "content": content}))
            .admin()
            .send()
            .await;
        assert_problem(&answer, url);
        assert_eq!(
            (answer.refusal(), answer.issues()),
            ((400, "request_invalid"), vec!["content.url"]),
            "{url}"
        );
    }
    assert_eq!(product.items().await, 0);
    let many: Vec<_> = (0..50).map(|number| format!("https://host-{number}.example")).collect();
    product
        .publish(
            "dashboard/1",
            json!({"title": "T; frame-ancestors *", "description": "\r\nx: y", "allowed_origins": many}),
        )
        .await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let page = product.get(&format!("/embed/dashboard/{token}")).send().await;
    assert_page(&page, "many origins");
    assert_eq!(policy(&page)["frame-ancestors"], many.into_iter().collect());
}

/// The files that the page names, by the attribute that names them.
fn files(page: &str) -> Vec<&str> {
    page.split('"').filter(|text| text.starts_with("/embed/assets/")).collect()
}

#[tokio::test]
async fn the_files_of_the_page_are_there_for_ever() {
    let product = Product::start().await;
    let page = product.get("/embed/dashboard/garbage").send().await.text;
    let types: BTreeSet<_> = files(&page).iter().map(|file| file.rsplit('.').next().unwrap()).collect();
    assert_eq!(types, BTreeSet::from(["css", "js", "html"]));
    for file in files(&page) {
        let answer = product.get(file).send().await;
        assert_eq!(answer.status, 200, "{file}");
        let kind = match file.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(answer.header("content-type"), kind, "{file}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable", "{file}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{file}");
        // The page may have no origin of its own.
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{file}");
        assert!(!answer.text.is_empty() && !answer.text.contains("{{"), "{file}");
    }
    for file in
        ["embed.js", "embed.0000000000000000.js", "", "../page.rs", "%2e%2e%2fpage.rs", "embed.css%00.js"]
    {
        let answer = product.get(&format!("/embed/assets/{file}")).send().await;
        assert_problem(&answer, file);
        assert_eq!(answer.refusal(), (404, "route_not_found"), "{file}");
    }
}

/// The owner's markup runs in a document that reaches nothing around it.
#[tokio::test]
async fn the_frame_is_a_sandbox() {
    let product = Product::start().await;
    let page = product.get("/embed/dashboard/garbage").send().await.text;
    let frame = files(&page).into_iter().find(|file| file.ends_with(".html")).unwrap();
    // The page's HTML already has it, so that it loads beside the script.
    let iframe = format!(
        "<iframe id=\"frame\" title=\"Content\" sandbox=\"allow-scripts\" referrerpolicy=\"no-referrer\" src=\"{frame}\">"
    );
    assert!(page.contains(&iframe) && page.matches("<iframe").count() == 1, "{page}");
    let answer = product.get(frame).send().await;
    assert!(!answer.headers.contains_key("x-frame-options"));
    let policy = policy(&answer);
    assert_eq!(policy["sandbox"], set(&["allow-scripts"]));
    assert_eq!(policy["default-src"], set(&["'none'"]));
    assert_eq!(policy["form-action"], set(&["'none'"]));
    assert_eq!(policy["base-uri"], set(&["'none'"]));
    // Even `*` would keep it out of a page in a sandbox without an origin.
    assert!(!policy.contains_key("frame-ancestors"));
    assert!(!policy.contains_key("report-uri"));
}

#[tokio::test]
async fn nothing_else_may_be_framed() {
    let product = product(&[("AllowedOrigins", OWN)]).await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let page = product.get("/embed/dashboard/garbage").send().await.text;
    let mut calls = vec![
        product.get("/healthz"),
        product.get("/v1/view").bearer(&token),
        product.get("/v1/view"),
        product.get("/v1/resources").admin(),
        product.get("/v1/resources"),
        product.get("/api/dashboard/embeddable").admin(),
        product.get("/embed/assets/nothing.js"),
        product.get("/embed/card/x"),
        product.get("/embed"),
        product.get("/"),
        product.request(Method::POST, &format!("/embed/dashboard/{token}")),
    ];
    calls.extend(
        files(&page).into_iter().filter(|file| !file.ends_with(".html")).map(|file| product.get(file)),
    );
    for call in calls {
        let answer = call.send().await;
        let kind = answer.header("content-type").to_owned();
        assert_eq!(answer.header("x-frame-options"), "DENY", "{kind}: {:.100}", answer.text);
        assert_eq!(policy(&answer)["frame-ancestors"], set(&["'none'"]), "{kind}: {:.100}", answer.text);
        assert_eq!(policy(&answer)["default-src"], set(&["'none'"]), "{kind}: {:.100}", answer.text);
    }
}

/// A change of the framing origins takes effect with the next page.
#[tokio::test]
async fn origins_follow_the_resource() {
    let product = product(&[]).await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    for origins in [json!([]), json!([OWN]), json!([OWN, HOST, OWN])] {
        product.publish("dashboard/1", json!({ "allowed_origins": origins })).await;
        let mut expected: BTreeSet<_> =
            origins.as_array().unwrap().iter().map(|origin| origin.as_str().unwrap().to_owned()).collect();
        if expected.is_empty() {
            expected = set(&["'none'"]);
        }
        let page = product.get(&format!("/embed/dashboard/{token}")).send().await;
        assert_eq!(policy(&page)["frame-ancestors"], expected);
    }
    assert_eq!(product.delete("/v1/resources/dashboard/1").admin().send().await.status, 204);
    let page = product.get(&format!("/embed/dashboard/{token}")).send().await;
    assert_page(&page, "removed");
    assert_eq!(policy(&page)["frame-ancestors"], set(&["'none'"]));
}
