//! Sign-in to the console and its sessions: the ways around them, and the limits of each key.

use axum::http::Method;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::json;
use vitrine_tests::{ADMIN_KEY, Answer, Call, Product};

use crate::wire::wired;

/// A browser: the cookies that it holds.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    pub cookies: Vec<(String, String)>,
}

pub const SESSION: &str = "__Host-vitrine-console";
const SIGN_IN: &str = "__Host-vitrine-sign-in";

/// The value of the hidden field of the first form on a page.
pub fn form_token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf_token\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Browser {
    pub fn with(&self, call: Call) -> Call {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { call } else { call.header("cookie", pairs.join("; ")) }
    }

    pub fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(kept, _)| kept != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str())
    }

    pub async fn get(&mut self, product: &Product, path: &str) -> Answer {
        let answer = self.with(product.get(path)).send().await;
        self.keep(&answer);
        answer
    }

    /// Sends a form with the token of the page at `from`.
    pub async fn post(
        &mut self,
        product: &Product,
        from: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let token = form_token(&self.get(product, from).await.text);
        let all = [&[("csrf_token", token.as_str())], fields].concat();
        let answer = self.with(form(product, path, &all)).send().await;
        self.keep(&answer);
        answer
    }

    pub async fn sign_in(product: &Product, key: &str) -> Self {
        let mut browser = Self::default();
        let answer = browser.post(product, "/console", "/console/sign-in", &[("key", key)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console"), "{}", answer.text);
        assert!(browser.cookie(SESSION).is_some() && browser.cookie(SIGN_IN).is_none());
        browser
    }
}

pub fn form(product: &Product, path: &str, fields: &[(&str, &str)]) -> Call {
    product
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(fields))
}

fn is_sign_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").starts_with("/console")
        || answer.text.contains("type=\"password\"")
}

#[tokio::test]
async fn the_cookie_of_a_session_is_for_this_host_and_no_script() {
    let product = Product::start().await;
    let mut browser = Browser::default();
    let page = browser.get(&product, "/console").await;
    assert_eq!(page.status, 200);
    let answer = browser.post(&product, "/console", "/console/sign-in", &[("key", ADMIN_KEY)]).await;
    let set: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let own = set.iter().find(|line| line.starts_with(SESSION)).unwrap();
    for part in ["; Path=/;", "; Max-Age=43200;", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
        assert!(own.contains(part), "{own}");
    }
    assert!(!own.contains("Domain"));
    // Only a hash of it is stored.
    let secret = browser.cookie(SESSION).unwrap();
    for item in product.table().await {
        assert!(item.values().all(|value| !value.contains(&secret[..43])));
    }
    // In a local run over http, where some browsers refuse `Secure`, the names are others.
    let local = product.get("/console").header("host", "127.0.0.1:3000").send().await;
    let set = local.header("set-cookie");
    assert!(set.starts_with("vitrine-sign-in=") && !set.contains("Secure"), "{set}");
}

#[tokio::test]
async fn nobody_may_frame_a_page_and_no_inline_script_or_style_runs() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    product.publish("dashboard/1", json!({})).await;
    let pages = [
        "/console",
        "/console/resources",
        "/console/resources/dashboard/1",
        "/console/resources/dashboard/1/embed",
        "/console/resources/dashboard/2",
        "/console/keys",
        "/console/refusals?request_id=x",
        "/console/data",
        "/console/data/tables/x",
        "/console/viewers",
        "/console/viewers/1",
        "/console/settings",
        "/console/assets/nothing.css",
        "/console/nothing",
    ];
    for (path, mut browser) in
        pages.iter().map(|path| (*path, browser.clone())).chain([("/console", Browser::default())])
    {
        let answer = browser.get(&product, path).await;
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!answer.text.contains(inline), "{path}: {inline}");
        }
    }
    // The page's own files.
    let page = browser.get(&product, "/console").await;
    for name in ["console.", ".css", ".js"] {
        assert!(page.text.contains(name));
    }
    let css = page.text.split('"').find(|part| part.ends_with(".css")).unwrap().to_owned();
    let css = browser.get(&product, &css).await;
    assert_eq!((css.status.as_u16(), css.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(css.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn a_page_that_does_not_exist_is_one_of_the_console() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    for path in ["/console/nothing", "/console/nothing/at/all", "/console/resources/dashboard"] {
        let answer = browser.get(&product, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.text.contains("There is no page at this address.") && answer.text.contains("Sign out")
        );
        let stranger = Browser::default().get(&product, path).await;
        assert_eq!((stranger.status.as_u16(), stranger.text.as_str()), (303, ""), "{path}");
        assert!(stranger.header("location").starts_with("/console?next="), "{path}");
    }
    let slash = browser.get(&product, "/console/resources/?q=a").await;
    assert_eq!((slash.status.as_u16(), slash.header("location")), (303, "/console/resources?q=a"));
}

/// Forms without the token of their own session, or with another's, change nothing.
#[tokio::test]
async fn a_form_needs_the_token_of_its_own_session() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let mut other = Browser::sign_in(&product, ADMIN_KEY).await;
    let foreign = form_token(&other.get(&product, "/console/keys").await.text);
    let own = form_token(&browser.get(&product, "/console/keys").await.text);
    assert_ne!(own, foreign);
    let sign_in = form_token(&Browser::default().get(&product, "/console").await.text);
    let posts = [
        ("/console/keys", ("name", "planted")),
        ("/console/keys/abcdefghijkl/remove", ("a", "b")),
        ("/console/signing-keys/x/retire", ("a", "b")),
        ("/console/resources/dashboard/1", ("action", "publish")),
        ("/console/resources/dashboard/1/embed", ("action", "publish")),
        ("/console/resources/dashboard/1/edit", ("action", "save")),
        ("/console/new/question", ("action", "save")),
        ("/console/sessions/x/end", ("a", "b")),
        ("/console/settings", ("embedding", "off")),
        ("/console/viewers/1/remove", ("a", "b")),
        ("/console/data", ("table", "planted")),
        ("/console/data/sources", ("name", "planted")),
        ("/console/data/sources/x/remove", ("a", "b")),
        ("/console/data/tables/x", ("action", "remove")),
        ("/console/data/tables/x/uploads", ("format", "csv")),
        ("/console/data/tables/x/uploads/x/commit", ("a", "b")),
        ("/console/sign-out", ("a", "b")),
    ];
    for (path, field) in posts {
        for token in [None, Some(""), Some(foreign.as_str()), Some(sign_in.as_str()), Some(&own[1..])] {
            let fields: Vec<_> = token
                .map(|token| ("csrf_token", token))
                .into_iter()
                .chain([("role", "admin"), field])
                .collect();
            let answer = browser.with(form(&product, path, &fields)).send().await;
            assert_eq!(answer.status, 403, "{path} {token:?}");
        }
        // The right token, sent by another site.
        for site in ["cross-site", "same-site", "none"] {
            let call = browser.with(form(&product, path, &[("csrf_token", own.as_str()), field]));
            let answer = call.header("sec-fetch-site", site).send().await;
            assert_eq!(answer.status, 403, "{path} {site}");
        }
    }
    assert!(!product.get("/v1/keys").admin().send().await.text.contains("planted"));
    assert_eq!(browser.get(&product, "/console/keys").await.status, 200, "still signed in");
}

#[tokio::test]
async fn sign_in_needs_the_token_of_its_own_form() {
    let product = Product::start().await;
    let (mut browser, mut other) = (Browser::default(), Browser::default());
    browser.get(&product, "/console").await;
    let foreign = form_token(&other.get(&product, "/console").await.text);
    for (who, token) in
        [(&browser, ""), (&browser, foreign.as_str()), (&Browser::default(), foreign.as_str())]
    {
        let call = form(&product, "/console/sign-in", &[("csrf_token", token), ("key", ADMIN_KEY)]);
        let answer = who.with(call).send().await;
        assert_eq!(answer.status, 403);
        assert!(!answer.header("set-cookie").contains(SESSION));
    }
}

/// A session that an attacker planted in the browser is not the one that a sign-in starts, and it ends.
#[tokio::test]
async fn a_sign_in_starts_a_new_session_and_ends_the_one_before() {
    let product = Product::start().await;
    let key = product.key("member", &["resources:list"]).await;
    let planted = Browser::sign_in(&product, &key).await;
    let mut victim = planted.clone();
    // Signed in already, so the form comes from another browser with its cookie.
    let mut fresh = Browser::default();
    let token = form_token(&fresh.get(&product, "/console").await.text);
    victim.cookies.extend(fresh.cookies.clone());
    let call = form(&product, "/console/sign-in", &[("csrf_token", &token), ("key", ADMIN_KEY)]);
    let answer = victim.with(call).send().await;
    assert_eq!(answer.status, 303);
    victim.keep(&answer);
    assert_ne!(victim.cookie(SESSION), planted.cookie(SESSION));
    assert!(is_sign_in(&planted.clone().get(&product, "/console/resources").await));
    // An id that was invented is no session.
    let invented = "x".repeat(43);
    let mut fixed = Browser { cookies: vec![(SESSION.to_owned(), invented.clone())] };
    assert!(is_sign_in(&fixed.get(&product, "/console/resources").await));
    // The same cookie twice is none: one of them may be planted by another host of the domain.
    let own = victim.cookies[0].clone();
    let twice = Browser { cookies: vec![own, (SESSION.to_owned(), invented)] };
    assert!(is_sign_in(&twice.clone().get(&product, "/console/resources").await));
}

#[tokio::test]
async fn a_stolen_cookie_ends_with_the_sign_out_the_key_and_the_time() {
    let product = Product::start().await;
    let ends = |answer: Answer| assert!(is_sign_in(&answer), "{} {}", answer.status, answer.text);

    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let mut stolen = browser.clone();
    assert_eq!(stolen.get(&product, "/console/keys").await.status, 200);
    let out = browser.post(&product, "/console/keys", "/console/sign-out", &[]).await;
    assert_eq!(out.status, 303);
    assert_eq!(browser.cookie(SESSION), None);
    ends(stolen.get(&product, "/console/keys").await);

    // The removal of the key.
    let key = product.key("member", &["resources:list"]).await;
    let mut browser = Browser::sign_in(&product, &key).await;
    assert_eq!(browser.get(&product, "/console/resources").await.status, 200);
    let id = key.split('-').nth(1).unwrap();
    assert_eq!(product.delete(&format!("/v1/keys/{id}")).admin().send().await.status, 204);
    ends(browser.get(&product, "/console/resources").await);

    // The end of the key.
    let ends_at = product.clock.now().plus(600).to_string();
    let body = json!({"name": "short", "role": "admin", "expires_at": ends_at});
    let created = product.post("/v1/keys", body).admin().send().await;
    let mut browser = Browser::sign_in(&product, created.json["key"].as_str().unwrap()).await;
    product.clock.set_offset(599);
    assert_eq!(browser.get(&product, "/console/keys").await.status, 200);
    product.clock.set_offset(601);
    ends(browser.get(&product, "/console/keys").await);

    // An hour without a request.
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    product.clock.set_offset(601 + 3_599);
    assert_eq!(browser.get(&product, "/console/keys").await.status, 200);
    product.wait_for_background_tasks().await;
    product.clock.set_offset(601 + 3_599 + 3_599);
    assert_eq!(browser.get(&product, "/console/keys").await.status, 200);
    product.wait_for_background_tasks().await;
    product.clock.set_offset(601 + 3_599 + 3_599 + 3_601);
    ends(browser.get(&product, "/console/keys").await);

    // Twelve hours, however busy.
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let start = 601 + 3_599 + 3_599 + 3_601;
    for minutes in (0..12 * 60).step_by(50) {
        product.clock.set_offset(start + minutes * 60);
        assert_eq!(browser.get(&product, "/console/keys").await.status, 200, "{minutes}");
        product.wait_for_background_tasks().await;
    }
    product.clock.set_offset(start + 12 * 3_600 + 1);
    ends(browser.get(&product, "/console/keys").await);
}

/// Five wrong keys of an address and a key id, then a pause that doubles. Others are not held up.
#[tokio::test]
async fn after_five_failures_the_next_attempt_waits() {
    let product = Product::start().await;
    let key = product.key("admin", &[]).await;
    let wrong = format!("{}A", &key[..key.len() - 1]);
    let wrong = if wrong == key { format!("{}B", &key[..key.len() - 1]) } else { wrong };
    let mut browser = Browser::default();
    let from = |call: Call, address: &str| {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(address.to_owned());
        call.extension(RequestContext::ApiGatewayV2(context))
    };
    let page = browser.get(&product, "/console").await;
    let token = form_token(&page.text);
    let attempt = async |key: &str, address: &str| {
        let call = form(&product, "/console/sign-in", &[("csrf_token", &token), ("key", key)]);
        let call = browser.with(call).header("x-forwarded-for", format!("10.0.0.{}", key.len() % 7));
        let answer = from(call, address).send().await;
        (answer.status.as_u16(), answer.header("retry-after").to_owned())
    };
    for _ in 0..5 {
        assert_eq!(attempt(&wrong, "192.0.2.1").await, (401, String::new()));
    }
    assert_eq!(attempt(&wrong, "192.0.2.1").await, (429, "30".to_owned()));
    assert_eq!(attempt(&key, "192.0.2.1").await, (429, "30".to_owned()), "not the right one either");
    assert_eq!(attempt(&wrong, "192.0.2.2").await.0, 401, "another address");
    assert_eq!(attempt(ADMIN_KEY, "192.0.2.1").await.0, 303, "another key");
    product.clock.set_offset(31);
    assert_eq!(attempt(&wrong, "192.0.2.1").await.0, 401);
    assert_eq!(attempt(&wrong, "192.0.2.1").await, (429, "60".to_owned()), "twice as long");
    product.clock.set_offset(92);
    assert_eq!(attempt(&key, "192.0.2.1").await.0, 303);
    for _ in 0..5 {
        assert_eq!(attempt(&wrong, "192.0.2.1").await.0, 401, "the right key has cleared the count");
    }
}

/// Attempts that run at once are counted like those that run one after another.
#[tokio::test]
async fn attempts_at_once_are_no_more_than_five() {
    let product = Product::start().await;
    let mut browser = Browser::default();
    let token = form_token(&browser.get(&product, "/console").await.text);
    let attempts = (0..30).map(|_| {
        browser
            .with(form(&product, "/console/sign-in", &[("csrf_token", &token), ("key", "a-wrong-key")]))
            .send()
    });
    let answers = futures_util::future::join_all(attempts).await;
    let wrong = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(wrong, 5);
    assert!(answers.iter().all(|answer| [401, 409, 429].contains(&answer.status.as_u16())));
}

/// The pages, and for each the permissions of which one is enough.
const PAGES: [(&str, &[&str]); 8] = [
    ("/console", &["", "resources:list", "resources:write", "sessions:create", "admin", "scoped"]),
    ("/console/sessions", &["", "resources:list", "resources:write", "sessions:create", "admin", "scoped"]),
    ("/console/resources", &["resources:list", "admin", "scoped"]),
    ("/console/resources/dashboard/1", &["resources:write", "admin"]),
    ("/console/resources/dashboard/1/embed", &["resources:write", "admin"]),
    ("/console/resources/dashboard/2", &["scoped"]),
    ("/console/keys", &["admin", "scoped"]),
    ("/console/refusals", &["admin"]),
];

#[tokio::test]
async fn each_page_asks_what_the_api_asks() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    product.publish("dashboard/1", json!({"title": "In the first"})).await;
    product.publish("dashboard/2", json!({"title": "In the second", "deployment": 2})).await;
    let mut keys = vec![("", product.key("member", &[]).await)];
    for permission in ["resources:list", "resources:write", "sessions:create"] {
        keys.push((permission, product.key("member", &[permission]).await));
    }
    let scoped = json!({"name": "scoped", "role": "admin", "deployments": [2]});
    let scoped =
        product.post("/v1/keys", scoped).admin().send().await.json["key"].as_str().unwrap().to_owned();
    keys.extend([("scoped", scoped), ("admin", ADMIN_KEY.to_owned())]);
    for (name, key) in keys {
        let mut browser = Browser::sign_in(&product, &key).await;
        let menu = browser.get(&product, "/console").await.text;
        for (path, allowed) in PAGES {
            let status = browser.get(&product, path).await.status.as_u16();
            let is_elsewhere = name == "scoped" && path.contains("/dashboard/1");
            let is_all = name == "admin";
            let expected = match () {
                () if allowed.contains(&name) || is_all => 200,
                () if is_elsewhere => 404,
                // It reaches the whole stack, and may write both.
                () if name == "resources:write" && path.contains("/dashboard/") => 200,
                () => 403,
            };
            assert_eq!(status, expected, "{name:?} {path}");
            if ["/console/resources", "/console/keys", "/console/refusals"].contains(&path) {
                assert_eq!(menu.contains(&format!("href=\"{path}\"")), status == 200, "{name:?} {path}");
            }
        }
        let list = browser.get(&product, "/console/resources").await.text;
        assert_eq!(list.contains("In the first"), ["resources:list", "admin"].contains(&name), "{name}");
        let is_scoped_list = ["resources:list", "admin", "scoped"].contains(&name);
        assert_eq!(list.contains("In the second"), is_scoped_list, "{name}");
    }
}

/// A weak key that sends the forms of a strong one.
#[tokio::test]
async fn a_weak_key_changes_nothing_by_a_form() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    product.publish("dashboard/1", json!({})).await;
    let before = product.get("/v1/resources/dashboard/1").admin().send().await.text;
    let weak = product.key("member", &["resources:list"]).await;
    let scoped = json!({"name": "scoped", "role": "admin", "deployments": [2]});
    let scoped =
        product.post("/v1/keys", scoped).admin().send().await.json["key"].as_str().unwrap().to_owned();
    for (key, elsewhere) in [(weak, 403), (scoped, 404)] {
        let mut browser = Browser::sign_in(&product, &key).await;
        for action in ["publish", "unpublish", "archive"] {
            for path in ["/console/resources/dashboard/1", "/console/resources/dashboard/1/embed"] {
                let fields = [("action", action), ("revision", "1")];
                let answer = browser.post(&product, "/console", path, &fields).await;
                assert_eq!(answer.status, elsewhere, "{path} {action}");
            }
        }
        let new = [("name", "stronger"), ("role", "admin")];
        let made = browser.post(&product, "/console", "/console/keys", &new).await;
        assert_eq!(made.status, 403, "a key that reaches further");
        let retired = browser.post(&product, "/console", "/console/signing-keys/x/retire", &[]).await;
        assert_eq!(retired.status, 403);
    }
    assert_eq!(product.get("/v1/resources/dashboard/1").admin().send().await.text, before);
    assert!(!product.get("/v1/keys").admin().send().await.text.contains("stronger"));
}

/// A key sees and ends its own sessions, an admin of the stack all of them.
#[tokio::test]
async fn a_session_is_listed_and_ended() {
    let product = Product::start().await;
    let (first, second) = (product.key("member", &[]).await, product.key("admin", &[]).await);
    let mut browsers = Vec::new();
    for key in [&first, &first, &second] {
        browsers.push(Browser::sign_in(&product, key).await);
    }
    let [mut one, mut other, mut admin]: [Browser; 3] = browsers.try_into().unwrap();
    let handles = |page: &Answer| -> Vec<String> {
        let paths = page.text.split('"').filter(|part| part.ends_with("/end"));
        paths.map(str::to_owned).collect()
    };
    let own = handles(&one.get(&product, "/console/sessions").await);
    assert_eq!(own.len(), 1, "the other one with the same key");
    let all = handles(&admin.get(&product, "/console/sessions").await);
    assert_eq!(all.len(), 2);
    let shown = admin.get(&product, "/console/sessions").await.text;
    for browser in [&one, &other, &admin] {
        assert!(!shown.contains(&browser.cookie(SESSION).unwrap()[..43]));
    }
    // The session of the admin, which the member's list does not have.
    let handle = vitrine::rules::random::fingerprint(&admin.cookie(SESSION).unwrap()[..43]);
    let path = format!("/console/sessions/{handle}/end");
    assert_eq!(one.post(&product, "/console/sessions", &path, &[]).await.status, 404);
    assert_eq!(admin.get(&product, "/console/keys").await.status, 200);
    let ended = one.post(&product, "/console/sessions", &own[0], &[]).await;
    assert_eq!(ended.header("location"), "/console/sessions?done=end");
    assert!(is_sign_in(&other.get(&product, "/console/sessions").await));
    let mine = all.iter().find(|path| **path != own[0]).unwrap();
    assert_eq!(admin.post(&product, "/console/sessions", mine, &[]).await.status, 303);
    assert!(is_sign_in(&one.get(&product, "/console/sessions").await));
}

#[tokio::test]
async fn sign_in_leads_back_to_the_page_and_to_no_other_site() {
    let product = Product::start().await;
    let mut browser = Browser::default();
    let asked = browser.get(&product, "/console/resources?q=a%20b").await;
    assert_eq!(asked.header("location"), "/console?next=%2Fconsole%2Fresources%3Fq%3Da%2520b");
    let form = browser.get(&product, asked.header("location")).await;
    assert!(form.text.contains("name=\"next\" value=\"/console/resources?q=a%20b\""));
    for (next, location) in [
        ("/console/keys", "/console/keys"),
        ("https://evil.example/", "/console"),
        ("//evil.example", "/console"),
        ("/console//evil.example", "/console"),
    ] {
        let fields = [("key", ADMIN_KEY), ("next", next)];
        let answer = Browser::default().post(&product, "/console", "/console/sign-in", &fields).await;
        assert_eq!(answer.header("location"), location, "{next}");
    }
}

#[tokio::test]
async fn the_first_page_needs_two_requests_and_is_small() {
    let (product, wires) = wired(&[]).await;
    for number in 1..=300 {
        product.publish(&format!("dashboard/{number}"), json!({"title": format!("Board {number}")})).await;
    }
    let key = product.key("admin", &[]).await;
    for key in [ADMIN_KEY, &key] {
        let mut browser = Browser::sign_in(&product, key).await;
        product.wait_for_background_tasks().await;
        wires.dynamodb.asked();
        let page = browser.get(&product, "/console").await;
        product.wait_for_background_tasks().await;
        assert_eq!(wires.dynamodb.asked(), ["BatchGetItem", "Query"]);
        let mut bytes = page.text.len();
        for path in page.text.split('"').filter(|part| part.starts_with("/console/assets/")) {
            bytes += browser.get(&product, path).await.text.len();
        }
        assert!(bytes <= 60_000, "{bytes}");
        assert!(page.text.contains("of 300"));
    }
    // The form itself asks nothing.
    wires.dynamodb.asked();
    Browser::default().get(&product, "/console").await;
    assert_eq!(wires.dynamodb.asked(), [""; 0]);
}

#[tokio::test]
async fn a_stack_without_the_console_has_no_page_of_it() {
    let product = Product::start_with(&[("Console", "false")]).await;
    for path in ["/console", "/console/keys", "/console/sign-in"] {
        assert_eq!(product.get(path).send().await.refusal(), (404, "route_not_found"), "{path}");
    }
}
