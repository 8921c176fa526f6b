//! The console's pages of viewers and settings, and the route that reads a user.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Product};

use crate::console::Browser;

/// A user with a group, an attribute and a tenant.
async fn ann(product: &Product) -> Value {
    product.post("/v1/attributes", json!({"name": "region", "type": "string"})).admin().send().await;
    product.post("/v1/groups", json!({"name": "staff"})).admin().send().await;
    let session = json!({
        "deploymentId": 1, "externalId": "ann@example.com", "email": "ann@example.com",
        "userAttributes": [{"name": "region", "value": "north <b>"}], "groups": ["staff"],
    });
    let started = product.post("/api/v1/embed/generate-session", session).admin().send().await;
    assert!(started.status.is_success(), "{}", started.text);
    product.get("/v1/external-users").admin().send().await.json["items"][0].clone()
}

#[tokio::test]
async fn a_user_is_read_with_attributes_and_groups() {
    let product = Product::start().await;
    let listed = ann(&product).await;
    let user = product.get(&format!("/v1/external-users/{}", listed["id"])).admin().send().await;
    assert_eq!(user.status, 200, "{}", user.text);
    assert_eq!(user.json["attributes"], json!({"region": "north <b>"}));
    assert_eq!((&user.json["groups"], &user.json["tenant_groups"]), (&json!(["staff"]), &json!([])));
    for field in ["id", "external_id", "email", "tenant", "created_at", "expires_at"] {
        assert_eq!(user.json[field], listed[field], "{field}");
    }
    for (id, expected) in
        [("1", (404, "user_not_found")), ("0", (400, "id_invalid")), ("x", (400, "id_invalid"))]
    {
        let refused = product.get(&format!("/v1/external-users/{id}")).admin().send().await;
        assert_eq!(refused.refusal(), expected, "{id}");
    }
    let key = product.key("member", &["sessions:create", "introspect"]).await;
    let refused = product.get(&format!("/v1/external-users/{}", listed["id"])).bearer(&key).send().await;
    assert_eq!(refused.refusal(), (403, "access_denied"));
}

#[tokio::test]
async fn a_viewer_is_found_shown_and_removed() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    assert!(browser.get(&product, "/console/viewers").await.text.contains("There is no external user yet"));
    let id = ann(&product).await["id"].to_string();
    for (query, is_found) in [("", true), ("?q=ANN", true), ("?q=bob", false), ("?tenant=acme", false)] {
        let page = browser.get(&product, &format!("/console/viewers{query}")).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.text.contains("ann@example.com"), is_found, "{query}");
    }
    let path = format!("/console/viewers/{id}");
    let page = browser.get(&product, &path).await;
    assert!(page.text.contains("north &lt;b&gt;") && page.text.contains("staff"), "{}", page.text);
    assert!(page.text.contains("Remove <strong>ann@example.com</strong>"));
    for path in [
        "/console/viewers/1",
        "/console/viewers/x",
        "/console/tenants/nobody",
        "/console/tenants/X",
        "/console/accounts?username=nobody",
        "/console/viewers?tenant=X",
    ] {
        assert_eq!(browser.get(&product, path).await.status, 404, "{path}");
    }
    let answer = browser.post(&product, &path, &format!("{path}/remove"), &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console/viewers?done=remove"));
    assert_eq!(browser.get(&product, &path).await.status, 404);
}

/// The sessions of a user, as the API lists them.
async fn sessions(product: &Product, id: &str) -> Vec<Value> {
    let listed = product.get(&format!("/v1/external-users/{id}/sessions")).admin().send().await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.json["items"].as_array().unwrap().clone()
}

/// Exchanges a new session of ann for its token.
async fn redeemed(product: &Product) -> (String, String) {
    let body = json!({"deploymentId": 1, "externalId": "ann@example.com"});
    let started = product.post("/api/v1/embed/generate-session", body).admin().send().await.json;
    let session = started["sessionId"].as_str().unwrap().to_owned();
    let answer = product.post("/api/v1/embed/session/token", json!({"sessionId": session})).send().await;
    (session, answer.json["token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned())
}

#[tokio::test]
async fn a_session_of_a_viewer_is_listed_and_ended() {
    let product = Product::start_with(&[("ResourceCacheSeconds", "0")]).await;
    let dashboard = product.publish("dashboard/1", json!({})).await;
    let public_id = dashboard["public_id"].as_str().unwrap().to_owned();
    let id = ann(&product).await["id"].to_string();
    assert_eq!(sessions(&product, &id).await.len(), 1);
    product.clock.set_offset(5);
    let (session, token) = redeemed(&product).await;
    product.clock.set_offset(10);
    let (_, other) = redeemed(&product).await;
    let listed = sessions(&product, &id).await;
    let states: Vec<_> = listed.iter().map(|one| one["redeemed"].as_bool().unwrap()).collect();
    assert_eq!(states, [true, true, false], "the newest first");
    assert_eq!((&listed[0]["deployment"], &listed[0]["dashboard"]), (&json!(1), &Value::Null));
    let opens = async |token: &str| {
        let view = product.get(&format!("/api/v1/embed/dashboard/{public_id}"));
        view.header("authorization", format!("Embed-Token {token}")).send().await.status.as_u16()
    };
    assert_eq!(opens(&token).await, 200);

    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let path = format!("/console/viewers/{id}");
    let page = browser.get(&product, &path).await.text;
    assert_eq!(page.matches("End the session</button>").count(), 3, "{page}");
    assert!(!page.contains(&session), "the page has no credential");
    let handle = listed[1]["id"].as_str().unwrap();
    let own = format!("/sessions/{handle}/end");
    let unknown = format!("/sessions/{}/end", "0".repeat(64));
    for (user, end) in [(id.as_str(), unknown.as_str()), ("7", &own), (&id, "/sessions/x/end")] {
        let answer = browser.post(&product, &path, &format!("/console/viewers/{user}{end}"), &[]).await;
        assert_eq!(answer.status, 404, "{user}{end}");
    }
    assert_eq!(sessions(&product, &id).await.len(), 3);
    let answer = browser.post(&product, &path, &format!("{path}{own}"), &[]).await;
    let back = format!("{path}?done=end");
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, back.as_str()));
    assert_eq!(sessions(&product, &id).await.len(), 2);
    assert_eq!((opens(&token).await, opens(&other).await), (401, 200), "only this session ended");

    // The same with the API; a session that waits is over after five minutes.
    let handle = listed[0]["id"].as_str().unwrap();
    let route = format!("/v1/external-users/{id}/sessions/{handle}");
    assert_eq!(product.delete(&route).admin().send().await.status, 204);
    assert_eq!(product.delete(&route).admin().send().await.refusal(), (404, "user_session_not_found"));
    assert_eq!(opens(&other).await, 401);
    assert_eq!(sessions(&product, &id).await.len(), 1);
    product.clock.set_offset(400);
    assert_eq!(sessions(&product, &id).await.len(), 0);
    let nobody = product.get("/v1/external-users/7/sessions").admin().send().await;
    assert_eq!(nobody.refusal(), (404, "user_not_found"));
}

#[tokio::test]
async fn the_sessions_of_a_busy_viewer_are_paged() {
    let product = Product::start().await;
    let id = ann(&product).await["id"].to_string();
    for _ in 0..6 {
        redeemed(&product).await;
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let path = format!("/v1/external-users/{id}/sessions?limit=3{cursor}");
        let page = product.get(&path).admin().send().await.json;
        let ids = page["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
        seen.extend(ids);
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 7);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn tenants_and_service_accounts_have_pages() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let session = json!({
        "deploymentId": 1, "externalId": "bob", "creatorMode": true, "embedTenantName": "acme",
        "tenantGroupDefinitions": [{"name": "readers"}], "tenantGroups": ["readers"],
    });
    let made = product.post("/api/v1/embed/generate-session", session).admin().send().await;
    assert!(made.status.is_success(), "{}", made.text);
    let page = browser.get(&product, "/console/tenants/acme").await;
    assert!(page.text.contains("readers"), "{}", page.text);
    assert!(browser.get(&product, "/console/viewers?tenant=acme").await.text.contains(">bob</a>"));
    let outside = browser.get(&product, "/console/viewers").await.text;
    assert!(
        outside.contains("Every external user is in a tenant")
            && !outside.contains("There is no external user yet"),
        "{outside}"
    );
    let account = product.post("/v1/users", json!({"username": "reports"})).admin().send().await;
    assert!(account.status.is_success(), "{}", account.text);
    let page = browser.get(&product, "/console/accounts?username=reports").await;
    assert!(page.text.contains("<h1>reports</h1>") && page.text.contains("It has no token"), "{}", page.text);
}

/// The list of the API and that of the console: all accounts by name, searched and paged.
#[tokio::test]
async fn service_accounts_are_listed_searched_and_paged() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let empty = browser.get(&product, "/console/viewers").await;
    assert!(empty.text.contains("There is no service account yet"), "{}", empty.text);
    assert_eq!(product.get("/v1/users").admin().send().await.json, json!({"items": [], "next_cursor": null}));
    ann(&product).await;
    for (name, email) in [("Zoe", None), ("adam", Some("Adam@x.example")), ("nightly_reports", None)] {
        let made = product.post("/v1/users", json!({"username": name, "email": email})).admin().send().await;
        assert_eq!(made.status, 200, "{}", made.text);
    }
    product.post("/v1/users/adam/tokens", json!({"name": "a token"})).admin().send().await;
    let listed = async |query: &str| {
        let page = product.get(&format!("/v1/users{query}")).admin().send().await;
        assert_eq!(page.status, 200, "{query} {}", page.text);
        let items = page.json["items"].as_array().unwrap().iter();
        let names: Vec<_> = items.map(|one| one["username"].as_str().unwrap().to_owned()).collect();
        (names, page.json["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(listed("").await.0, ["adam", "nightly_reports", "Zoe"]);
    for (search, found) in
        [("REPORTS", &["nightly_reports"][..]), ("x.example", &["adam"]), ("zoe", &["Zoe"]), ("nobody", &[])]
    {
        assert_eq!(
            listed(&format!("?search={search}")).await,
            (found.iter().map(|name| (*name).to_owned()).collect(), None),
            "{search}"
        );
        let page = browser.get(&product, &format!("/console/viewers?account={search}")).await;
        for name in ["adam", "nightly_reports", "Zoe"] {
            let link = format!("/console/accounts?username={name}\"");
            assert_eq!(page.text.contains(&link), found.contains(&name), "{search} {name}");
        }
        assert_eq!(page.text.contains("No service account matches."), found.is_empty(), "{search}");
    }
    let (first, next) = listed("?limit=2").await;
    assert_eq!(first, ["adam", "nightly_reports"]);
    assert_eq!(listed(&format!("?limit=2&cursor={}", next.unwrap())).await, (vec!["Zoe".to_owned()], None));
    // A removed account is gone, and one that changed is listed once.
    product.patch("/v1/users/Zoe", json!({"email": "zoe@x.example"})).admin().send().await;
    product.delete("/v1/users/nightly_reports").admin().send().await;
    assert_eq!(listed("").await.0, ["adam", "Zoe"]);
    assert_eq!(listed("?search=zoe@").await.0, ["Zoe"]);
    for (query, refusal) in
        [("?limit=0", "request_invalid"), ("?cursor=x", "cursor_invalid"), ("?name=x", "request_invalid")]
    {
        let answer = product.get(&format!("/v1/users{query}")).admin().send().await;
        assert_eq!(answer.refusal(), (400, refusal), "{query}");
    }
    let users = product.get("/v1/external-users").admin().send().await;
    assert!(!users.text.contains("adam"), "{}", users.text);
}

/// The console has pages of fifty.
#[tokio::test]
async fn the_console_pages_through_many_service_accounts() {
    let product = Product::start().await;
    for number in 100..160 {
        let made =
            product.post("/v1/users", json!({"username": format!("robot{number}")})).admin().send().await;
        assert_eq!(made.status, 200, "{}", made.text);
    }
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let first = browser.get(&product, "/console/viewers?account=robot").await.text;
    assert!(first.contains(">robot149<") && !first.contains(">robot150<"), "{first}");
    let next = first.split("Pages of service accounts").nth(1).unwrap().split("href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().split('#').next().unwrap().replace("&amp;", "&");
    let second = browser.get(&product, &next).await.text;
    assert!(second.contains(">robot150<") && second.contains(">robot159<") && !second.contains(">robot149<"));
    assert!(!second.contains("Pages of service accounts"), "{second}");
}

#[tokio::test]
async fn a_token_of_a_service_account_is_listed_and_ended() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    product.post("/v1/users", json!({"username": "reports"})).admin().send().await;
    product.post("/v1/users", json!({"username": "others"})).admin().send().await;
    for name in ["nightly", "hourly <b>"] {
        let body = json!({"name": name, "ttl": 3600});
        let made = product.post("/v1/users/reports/tokens", body).admin().send().await;
        assert!(made.status.is_success(), "{}", made.text);
    }
    let path = "/console/accounts?username=reports";
    let page = browser.get(&product, path).await.text;
    assert!(page.contains("nightly") && page.contains("hourly &lt;b&gt;"), "{page}");
    let left = async || {
        let listed = product.get("/v1/users/reports/tokens").admin().send().await.json;
        listed["tokens"].as_array().unwrap().clone()
    };
    let nightly = left().await.into_iter().find(|token| token["name"] == "nightly").unwrap();
    let id = nightly["id"].as_str().unwrap();
    let end = "/console/accounts/tokens/end";
    for (account, id) in [("others", id), ("reports", "x"), ("nobody", id), ("", "")] {
        let answer = browser.post(&product, path, end, &[("username", account), ("id", id)]).await;
        assert_eq!(answer.status, 404, "{account} {id}");
    }
    assert_eq!(left().await.len(), 2);
    let answer = browser.post(&product, path, end, &[("username", "reports"), ("id", id)]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/console/accounts?username=reports&done=end")
    );
    let left = left().await;
    assert_eq!((left.len(), &left[0]["name"]), (1, &json!("hourly <b>")));
}

#[tokio::test]
async fn the_switch_is_set_after_a_question_and_parameters_are_shown() {
    let product = Product::start_with(&[("MaxTokenLifetimeSeconds", "777")]).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let path = "/console/settings";
    let page = browser.get(&product, path).await;
    for part in [
        "MaxTokenLifetimeSeconds",
        "777",
        "sam deploy --parameter-overrides",
        "Switch off <strong>embedding of the whole stack</strong>?",
    ] {
        assert!(page.text.contains(part), "{part}");
    }
    let is_on = async || product.get("/api/setting/enable-embedding-static").admin().send().await.json;
    for (word, status, now) in [("", 400, true), ("maybe", 400, true), ("off", 303, false), ("on", 303, true)]
    {
        let answer = browser.post(&product, path, path, &[("embedding", word)]).await;
        assert_eq!((answer.status.as_u16(), is_on().await), (status, json!(now)), "{word}");
    }
}

#[tokio::test]
async fn only_an_admin_of_the_whole_stack_sees_viewers_and_settings() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    let id = ann(&product).await["id"].to_string();
    let scoped = json!({"name": "scoped", "role": "admin", "deployments": [1]});
    let scoped =
        product.post("/v1/keys", scoped).admin().send().await.json["key"].as_str().unwrap().to_owned();
    let member = product.key("member", &["resources:write", "resources:list"]).await;
    for key in [scoped, member] {
        let mut browser = Browser::sign_in(&product, &key).await;
        let user = format!("/console/viewers/{id}");
        for path in [
            "/console/viewers",
            &user,
            "/console/tenants/acme",
            "/console/accounts?username=x",
            "/console/settings",
        ] {
            assert_eq!(browser.get(&product, path).await.status, 403, "{path}");
        }
        for path in [
            format!("{user}/remove"),
            "/console/settings".to_owned(),
            "/console/accounts/tokens/end".to_owned(),
            format!("{user}/sessions/x/end"),
        ] {
            let answer = browser.post(&product, "/console/sessions", &path, &[("embedding", "off")]).await;
            assert_eq!(answer.status, 403, "{path}");
        }
    }
    assert_eq!(
        product.get("/v1/external-users").admin().send().await.json["items"].as_array().unwrap().len(),
        1
    );
}
