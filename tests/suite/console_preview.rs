//! Previews of queries for pages of the console: the session's cookie with the token of its forms, and the ways around it.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Call, Product};

use crate::console::{Browser, SESSION, form_token};
use crate::query_data::{by_city, product, product_with, seed};

const PATH: &str = "/v1/query/preview";

fn count() -> Value {
    json!({"sql": "select count(*) as n from orders", "viewer": {"attributes": {"cities": ["Berlin"]}}})
}

/// The query as a page sends it, without the token.
fn sent(product: &Product, browser: &Browser) -> Call {
    browser.with(product.post(PATH, count())).header("sec-fetch-site", "same-origin")
}

async fn token(product: &Product, browser: &mut Browser) -> String {
    form_token(&browser.get(product, "/console/sessions").await.text)
}

fn refused(answer: &Answer, expected: (u16, &str), case: &str) {
    assert_eq!(answer.refusal(), expected, "{case}: {}", answer.text);
    assert!(answer.json.get("rows").is_none(), "{case}");
    assert_eq!(answer.headers.get("access-control-allow-origin"), None, "{case}");
}

#[tokio::test]
async fn a_page_of_the_console_previews_a_query_as_a_viewer() {
    let product = product().await;
    seed(&product, 4, by_city()).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let token = token(&product, &mut browser).await;
    let answer = sent(&product, &browser).header("x-csrf-token", &token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let all = json!({"sql": "select count(*) as n from orders"});
    let as_owner = product.post(PATH, count()).admin().send().await;
    assert_eq!(answer.json["rows"], as_owner.json["rows"]);
    // The row policy applies to the console as well: nobody in particular sees nothing.
    let call = browser.with(product.post(PATH, all)).header("x-csrf-token", &token);
    refused(&call.send().await, (403, "row_policy"), "no policy matches");
}

/// What the request has beside the cookie, and its refusal.
#[tokio::test]
async fn a_request_that_no_page_of_the_session_sent_runs_nothing() {
    let product = product().await;
    seed(&product, 4, by_city()).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let mut other = Browser::sign_in(&product, ADMIN_KEY).await;
    let (own, foreign) = (token(&product, &mut browser).await, token(&product, &mut other).await);
    let invalid = (403, "form_token_invalid");
    let sign_in = form_token(&Browser::default().get(&product, "/console").await.text);
    refused(&sent(&product, &browser).send().await, invalid, "no token");
    for wrong in ["", "x", &own[1..], foreign.as_str(), sign_in.as_str()] {
        let answer = sent(&product, &browser).header("x-csrf-token", wrong).send().await;
        refused(&answer, invalid, wrong);
    }
    let twice = sent(&product, &browser).header("x-csrf-token", &own).header("x-csrf-token", &own);
    refused(&twice.send().await, invalid, "two tokens");
    // A form can send the token in its body, and a body of text. Neither is this header.
    let body = json!({"sql": "select 1", "csrf_token": own});
    let as_form = browser.with(product.post(&format!("{PATH}?csrf_token={own}"), body));
    refused(&as_form.header("content-type", "text/plain").send().await, invalid, "a form of another site");
    for site in ["cross-site", "same-site", "none"] {
        let call = browser.with(product.post(PATH, count())).header("x-csrf-token", &own);
        refused(&call.header("sec-fetch-site", site).send().await, invalid, site);
    }
    // Without a session.
    let none = product.post(PATH, count()).header("x-csrf-token", &own);
    refused(&none.send().await, (401, "access_key_missing"), "no cookie");
    let twice = Browser { cookies: vec![browser.cookies[0].clone(), other.cookies[0].clone()] };
    let call = sent(&product, &twice).header("x-csrf-token", &own);
    refused(&call.send().await, (401, "access_key_missing"), "two cookies");
    let odd = Browser { cookies: vec![(SESSION.to_owned(), "x".repeat(42))] };
    refused(&sent(&product, &odd).send().await, (401, "access_key_unknown"), "no secret");
    let plain = Browser {
        cookies: vec![("vitrine-console".to_owned(), browser.cookie(SESSION).unwrap().to_owned())],
    };
    let call = sent(&product, &plain).header("x-csrf-token", &own);
    refused(&call.send().await, (401, "access_key_missing"), "the local run's cookie");
    // A preflight of another site is not answered with a permission.
    let preflight = product
        .request(axum::http::Method::OPTIONS, PATH)
        .header("origin", "https://evil.example")
        .header("access-control-request-headers", "x-csrf-token")
        .send()
        .await;
    assert_eq!(preflight.headers.get("access-control-allow-origin"), None);
    assert_eq!(preflight.headers.get("access-control-allow-headers"), None);
    // All of it left the session as it was.
    let answer = sent(&product, &browser).header("x-csrf-token", &own).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn the_key_of_the_session_decides_what_a_page_may_run() {
    let product = product_with(&[("Deployments", "1,2")]).await;
    seed(&product, 4, by_city()).await;
    let denied = (403, "access_denied");
    let writer = product.key("member", &["resources:write", "resources:list", "sessions:create"]).await;
    let scoped = json!({"name": "scoped", "role": "admin", "deployments": [1]});
    let scoped = product.post("/v1/keys", scoped).admin().send().await;
    let scoped = scoped.json["key"].as_str().unwrap().to_owned();
    for (key, expected) in [(&writer, denied), (&scoped, (403, "access_denied"))] {
        let mut browser = Browser::sign_in(&product, key).await;
        let token = token(&product, &mut browser).await;
        let answer = sent(&product, &browser).header("x-csrf-token", &token).send().await;
        refused(&answer, expected, key);
    }
    // A key in the request decides alone, whatever the cookie could do.
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let token = token(&product, &mut browser).await;
    let with = |call: Call| call.header("x-csrf-token", &token);
    refused(&with(sent(&product, &browser).bearer(&writer)).send().await, denied, "a key without permission");
    let unknown = with(sent(&product, &browser).bearer("nothing")).send().await;
    refused(&unknown, (401, "access_key_unknown"), "no key");
    // A session that ended, by sign-out and by the time.
    let stolen = browser.clone();
    product.clock.set_offset(3_601);
    let late = with(sent(&product, &stolen)).send().await;
    refused(&late, (401, "access_key_unknown"), "after an hour without a request");
    product.clock.set_offset(0);
    browser.post(&product, "/console/sessions", "/console/sign-out", &[]).await;
    let ended = with(sent(&product, &stolen)).send().await;
    refused(&ended, (401, "access_key_unknown"), "after the sign-out");
}

/// Work in a page keeps the session; and no other route of the API takes the cookie.
#[tokio::test]
async fn the_cookie_opens_this_route_alone_and_only_with_a_console() {
    let product = product().await;
    seed(&product, 4, by_city()).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let own = token(&product, &mut browser).await;
    for path in ["/v1/keys", "/v1/resources", "/v1/tables", "/v1/groups"] {
        let call = browser.with(product.get(path)).header("x-csrf-token", &own);
        assert_eq!(call.send().await.status, 401, "{path}");
    }
    product.clock.set_offset(3_000);
    let answer = sent(&product, &browser).header("x-csrf-token", &own).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    product.wait_for_background_tasks().await;
    product.clock.set_offset(6_000);
    assert_eq!(browser.get(&product, "/console/keys").await.status, 200);

    // The sessions of a console that the stack no longer has.
    let product = product_with(&[("Console", "false")]).await;
    seed(&product, 4, by_city()).await;
    let call = sent(&product, &browser).header("x-csrf-token", &own);
    refused(&call.send().await, (401, "access_key_missing"), "no console");
}
