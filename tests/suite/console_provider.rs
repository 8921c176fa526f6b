//! Sign-in to the console through a provider of OpenID Connect: the way there and back, and the sessions.

use axum::http::Method;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use vitrine_tests::{ADMIN_KEY, Answer, Product};

use crate::console::{Browser, SESSION, form_token};
use crate::issuer::{Issuer, Signer, pairs};
use crate::log::Log;

pub const COOKIE: &str = "__Host-vitrine-provider";
const START: &str = "/console/oidc/start";

/// The reason that a sign-in page names.
pub fn reason(answer: &Answer) -> (u16, &str) {
    let word = answer.text.split_once("Reason: <code>").and_then(|(_, rest)| rest.split_once('<'));
    (answer.status.as_u16(), word.map_or("", |(word, _)| word))
}

/// Goes to the provider and comes back.
pub async fn sign_in(product: &Product, browser: &mut Browser, issuer: &Issuer) -> Answer {
    let there = browser.get(product, START).await;
    assert_eq!(there.status, 303, "{}", there.text);
    let back = issuer.agree(there.header("location"));
    browser.get(product, &back).await
}

pub async fn signed_in(product: &Product, issuer: &Issuer) -> Browser {
    let mut browser = Browser::default();
    let answer = sign_in(product, &mut browser, issuer).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("refresh")),
        (200, "0; url=/console"),
        "{}",
        answer.text
    );
    assert!(browser.cookie(SESSION).is_some() && browser.cookie(COOKIE).is_none());
    browser
}

fn is_signed_out(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").starts_with("/console?next=")
}

#[tokio::test]
async fn a_person_signs_in_and_may_do_what_the_group_may() {
    for (signer, groups, [keys, resources, settings]) in [
        (Signer::rsa(), json!(["staff", "owners"]), [200, 200, 200]),
        (Signer::ec(), json!(["analysts", "owners"]), [200, 200, 200]),
        (Signer::ec(), json!(["analysts"]), [403, 200, 403]),
        (Signer::ec(), json!("editors"), [403, 200, 403]),
    ] {
        let issuer = Issuer::open(signer);
        issuer.desk().claims = json!({"groups": groups});
        let product = Product::start_with(&issuer.settings()).await;
        product.publish("dashboard/1", json!({"title": "Board 1"})).await;
        let mut browser = signed_in(&product, &issuer).await;
        let home = browser.get(&product, "/console").await;
        assert!(home.text.contains("Anna Ames (anna@example.com)"), "{}", home.text);
        for (path, status) in
            [("/console/keys", keys), ("/console/resources", resources), ("/console/settings", settings)]
        {
            assert_eq!(browser.get(&product, path).await.status, status, "{groups} {path}");
        }
        // Only a hash of the cookie is stored, and nothing of the provider's tokens.
        let secret = browser.cookie(SESSION).unwrap();
        for item in product.table().await {
            assert!(item.values().all(|value| !value.contains(secret) && !value.contains("eyJ")));
        }
    }
}

#[tokio::test]
async fn a_person_is_limited_to_the_deployments_of_the_group() {
    let issuer = Issuer::open(Signer::ec());
    issuer.desk().claims = json!({"groups": ["editors"]});
    let settings = [&issuer.settings()[..], &[("Deployments", "1,2")]].concat();
    let product = Product::start_with(&settings).await;
    product.publish("dashboard/1", json!({"title": "Board one", "deployment": 1})).await;
    product.publish("dashboard/2", json!({"title": "Board two", "deployment": 2})).await;
    let mut browser = signed_in(&product, &issuer).await;
    let listed = browser.get(&product, "/console/resources").await;
    assert!(listed.text.contains("Board one") && !listed.text.contains("Board two"));
    assert_eq!(browser.get(&product, "/console/resources/dashboard/2").await.status, 404);
    let fields = [("action", "unpublish"), ("revision", "1")];
    let changed =
        browser.post(&product, "/console/resources", "/console/resources/dashboard/2", &fields).await;
    assert_eq!(changed.status, 404);
}

#[tokio::test]
async fn the_way_to_the_provider_leaves_a_cookie_for_this_browser_only() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    let items = product.items().await;
    let mut browser = Browser::default();
    let page = browser.get(&product, "/console?next=%2Fconsole%2Fkeys").await;
    assert!(page.text.contains("href=\"/console/oidc/start?next=%2Fconsole%2Fkeys\""), "{}", page.text);
    assert!(page.text.contains("type=\"password\""));
    let there = browser.get(&product, START).await;
    let set = there.header("set-cookie");
    for part in ["; Path=/;", "; Max-Age=600;", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(set.starts_with(COOKIE) && set.contains(part), "{set}");
    }
    // The provider learns nothing about the cookie, and nothing is stored.
    let asked = pairs(there.header("location").split_once('?').unwrap().1);
    for name in ["state", "nonce", "code_challenge"] {
        assert!(!set.contains(&asked[name]) && asked[name].len() >= 43, "{name}");
    }
    assert_eq!(product.items().await, items);
    let again = browser.get(&product, START).await;
    assert_ne!(pairs(again.header("location").split_once('?').unwrap().1)["state"], asked["state"]);
    // A link on another site leads to the button.
    for site in ["cross-site", "same-site"] {
        let linked = product.get("/console/oidc/start?next=/console/keys").header("sec-fetch-site", site);
        let linked = linked.send().await;
        assert_eq!(linked.header("location"), "/console?next=%2Fconsole%2Fkeys");
        assert!(!linked.headers.contains_key("set-cookie"));
    }
}

#[tokio::test]
async fn a_sign_in_leads_back_to_the_page_and_to_no_other_site() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    for (next, led) in [
        ("%2Fconsole%2Fkeys", "/console/keys"),
        ("https%3A%2F%2Fevil.example", "/console"),
        ("%2F%2Fevil.example", "/console"),
        ("%2Fconsole%2F%0d%0ax:%20y", "/console"),
    ] {
        let mut browser = Browser::default();
        let there = browser.get(&product, &format!("{START}?next={next}")).await;
        let back = issuer.agree(there.header("location"));
        let answer = browser.get(&product, &back).await;
        assert_eq!(answer.header("refresh"), format!("0; url={led}"), "{next}");
        assert!(answer.text.contains(&format!("href=\"{led}\"")));
        assert_eq!(browser.get(&product, led).await.status, 200);
    }
}

/// Sign-in of a victim as the attacker, replay, and answers without a question. The provider is asked nothing.
#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked_and_is_used_once() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    let there = attacker.get(&product, START).await;
    let back = issuer.agree(there.header("location"));
    victim.get(&product, START).await;
    let own = victim.cookie(COOKIE).unwrap().to_owned();
    let (_, query) = back.split_once('?').unwrap();
    let answer = pairs(query);
    let [code, state] = ["code", "state"].map(|name| answer[name].as_str());
    issuer.desk().asked.clear();
    let other = pairs(victim.get(&product, START).await.header("location").split_once('?').unwrap().1);
    let other = &other["state"];
    for (cookie, query) in [
        (None, query.to_owned()),
        (Some(own.as_str()), query.to_owned()),
        (Some(""), query.to_owned()),
        (Some(&own[1..]), query.to_owned()),
        (attacker.cookie(COOKIE), format!("code={code}")),
        (attacker.cookie(COOKIE), format!("code={code}&state=")),
        (attacker.cookie(COOKIE), format!("code={code}&state={}", &state[1..])),
        (attacker.cookie(COOKIE), format!("code={code}&state={other}")),
        (attacker.cookie(COOKIE), format!("code={code}&state={state}&state={state}")),
        (attacker.cookie(COOKIE), String::new()),
    ] {
        let call = product.get(&format!("/console/oidc/callback?{query}"));
        let call = match cookie {
            Some(cookie) => call.header("cookie", format!("{COOKIE}={cookie}")),
            None => call,
        };
        let refused = call.send().await;
        assert_eq!(reason(&refused), (400, "sign_in_expired"), "{query}");
        let set = refused.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        let set: Vec<_> = set.collect();
        assert!(set.iter().all(|line| !line.starts_with(SESSION)), "{set:?}");
        assert!(set.iter().any(|line| line.starts_with(&format!("{COOKIE}=;"))), "{set:?}");
        assert!(!refused.text.contains(code) && !refused.text.contains(state));
    }
    assert_eq!(issuer.desk().asked, [""; 0]);
    // The browser that asked is answered, once.
    let kept = attacker.clone();
    assert_eq!(attacker.get(&product, &back).await.status, 200);
    issuer.desk().asked.clear();
    let replayed = kept.with(product.get(&back)).send().await;
    assert_eq!(reason(&replayed), (400, "sign_in_expired"));
    assert_eq!(issuer.desk().asked, [""; 0]);
    // Ten minutes later an answer is too late.
    let mut late = Browser::default();
    let there = late.get(&product, START).await;
    let back = issuer.agree(there.header("location"));
    product.clock.set_offset(600);
    assert_eq!(reason(&late.get(&product, &back).await), (400, "sign_in_expired"));
}

#[tokio::test]
async fn a_session_that_the_browser_came_with_is_not_taken_over() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let stolen = browser.clone();
    let planted = browser.cookie(SESSION).unwrap().to_owned();
    // The browser leaves the session's cookie out when the provider leads it back.
    let there = browser.get(&product, START).await;
    browser.cookies.retain(|(name, _)| name != SESSION);
    let back = issuer.agree(there.header("location"));
    browser.get(&product, &back).await;
    assert_ne!(browser.cookie(SESSION), Some(planted.as_str()));
    assert_eq!(browser.get(&product, "/console/keys").await.status, 200);
    assert!(is_signed_out(&stolen.with(product.get("/console/keys")).send().await));
}

#[tokio::test]
async fn a_session_of_a_person_is_listed_and_ends_like_any_other() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    let mut one = signed_in(&product, &issuer).await;
    let mut again = signed_in(&product, &issuer).await;
    issuer.desk().claims = json!({"sub": "2", "name": "Ben", "groups": ["analysts"]});
    let mut other = signed_in(&product, &issuer).await;
    // An admin of the stack sees all of them, everybody else the own ones.
    let listed = one.get(&product, "/console/sessions").await.text;
    assert!(listed.contains("Anna Ames") && listed.contains("Ben"));
    assert_eq!(listed.matches("/end\"").count(), 2);
    let own = other.get(&product, "/console/sessions").await.text;
    assert!(!own.contains("Anna Ames") && !own.contains("/end\""));
    // Each ends with its sign-out, by an admin, after an hour without a request, and after twelve hours.
    assert_eq!(again.post(&product, "/console", "/console/sign-out", &[]).await.status, 303);
    assert!(is_signed_out(&again.get(&product, "/console/keys").await));
    let listed = one.get(&product, "/console/sessions").await.text;
    let path = listed.split('"').find(|part| part.ends_with("/end")).unwrap().to_owned();
    assert_eq!(one.post(&product, "/console/sessions", &path, &[]).await.status, 303);
    assert!(is_signed_out(&other.get(&product, "/console/resources").await));
    product.clock.set_offset(3_500);
    assert_eq!(one.get(&product, "/console/keys").await.status, 200);
    product.wait_for_background_tasks().await;
    product.clock.set_offset(3_500 + 3_600);
    assert!(is_signed_out(&one.get(&product, "/console/keys").await));
}

#[tokio::test]
async fn a_session_of_a_person_ends_when_the_settings_change() {
    let issuer = Issuer::open(Signer::ec());
    for (name, value) in [
        ("ConsoleIssuer", ""),
        ("ConsoleIssuer", "https://id.example.com"),
        ("ConsoleClientId", "another client"),
        ("ConsoleGroupClaim", "roles"),
        ("ConsoleRoles", "analysts=read"),
        ("ConsoleRoles", "owners=read"),
    ] {
        let mut product = Product::start_with(&issuer.settings()).await;
        let mut person = signed_in(&product, &issuer).await;
        let mut admin = Browser::sign_in(&product, ADMIN_KEY).await;
        product.restart().await;
        assert_eq!(person.get(&product, "/console/keys").await.status, 200);
        product.restart_with(&[(name, value)]).await;
        assert!(is_signed_out(&person.get(&product, "/console/keys").await), "{name}={value}");
        assert_eq!(admin.get(&product, "/console/keys").await.status, 200);
    }
}

#[tokio::test]
async fn pages_of_a_person_may_preview_as_those_of_a_key() {
    let issuer = Issuer::open(Signer::ec());
    let product = Product::start_with(&issuer.settings()).await;
    for (groups, status) in [("owners", 200), ("analysts", 403)] {
        issuer.desk().claims = json!({"groups": groups});
        let mut browser = signed_in(&product, &issuer).await;
        let token = form_token(&browser.get(&product, "/console").await.text);
        let asked = json!({"sql": "SELECT 1 AS one"});
        let call = || product.request(Method::POST, "/v1/query/preview").json(asked.clone());
        let answer = browser.with(call()).header("x-csrf-token", &token).send().await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(browser.with(call()).send().await.refusal(), (403, "form_token_invalid"));
    }
}

#[tokio::test]
async fn the_settings_page_has_the_provider_and_no_secret() {
    let issuer = Issuer::open(Signer::ec());
    let secret = "a/client-secret";
    let keep =
        async |services: &mut vitrine_local::services::Services| services.put_client_secret(secret).unwrap();
    let product = Product::start_behind(&issuer.settings(), keep).await;
    let page = signed_in(&product, &issuer).await.get(&product, "/console/settings").await.text;
    for (name, value) in &issuer.settings()[1..] {
        assert!(page.contains(&format!("<code>{name}</code></th><td>{value}</td>")), "{name}: {page}");
    }
    assert!(page.contains("<code>ConsoleGroupClaim</code></th><td>groups</td>"));
    assert!(!page.contains(secret));
}

/// The log names the person by the provider's id, and has nothing that opens anything.
#[tokio::test]
async fn the_log_has_the_person_and_no_credential() {
    let issuer = Issuer::open(Signer::ec());
    let secret = "a/client-secret";
    issuer.desk().client_secret = Some(secret.to_owned());
    let keep =
        async |services: &mut vitrine_local::services::Services| services.put_client_secret(secret).unwrap();
    let product = Product::start_behind(&issuer.settings(), keep).await;
    let (log, _guard) = Log::keep(LevelFilter::TRACE);
    let mut browser = Browser::default();
    let there = browser.get(&product, START).await;
    let sealed = browser.cookie(COOKIE).unwrap().to_owned();
    let back = issuer.agree(there.header("location"));
    browser.get(&product, &back).await;
    let token = form_token(&browser.get(&product, "/console/keys").await.text);
    browser.post(&product, "/console/keys", "/console/keys", &[("name", "made"), ("role", "admin")]).await;
    issuer.desk().client_secret = Some("another".to_owned());
    let refused = sign_in(&product, &mut Browser::default(), &issuer).await;
    assert_eq!(reason(&refused), (401, "sign_in_invalid"));
    let lines = log.lines();
    let of_person = lines.iter().filter(|line| line.to_string().contains("person:248289761001")).count();
    assert!(of_person >= 3, "{lines:?}");
    let text = json!(lines).to_string();
    // The page names the request, and the log has its reason.
    let id = refused.header("x-request-id");
    assert!(refused.text.contains(&format!("request <code>{id}</code>")), "{}", refused.text);
    let end =
        lines.iter().find(|line| line["span"]["request_id"] == id && line["message"] == "refused").unwrap();
    assert_eq!(
        (&end["reason"], &end["detail"]),
        (&json!("sign_in_invalid"), &json!("the token endpoint answered 400: invalid_client"))
    );
    let answer = pairs(back.split_once('?').unwrap().1);
    let session = browser.cookie(SESSION).unwrap();
    for credential in
        [secret, &sealed, &answer["code"], &answer["state"], session, &token, "eyJ", "anna@example.com"]
    {
        assert!(!text.contains(credential), "{credential}");
    }
}

#[tokio::test]
async fn a_stack_without_a_provider_has_no_button_and_no_way_to_it() {
    let issuer = Issuer::open(Signer::ec());
    for settings in [&[][..], &[("ConsoleIssuer", issuer.url.as_str())], &[("ConsoleClientId", "a")]] {
        let product = Product::start_with(settings).await;
        let page = product.get("/console").send().await;
        assert!(!page.text.contains("company account") && page.text.contains("type=\"password\""));
        for path in [START, "/console/oidc/callback?code=a&state=b"] {
            assert_eq!(product.get(path).send().await.status, 404, "{path}");
        }
    }
    assert_eq!(issuer.desk().asked, [""; 0]);
}
