//! The scope of an access key: what a key that is limited to one deployment may know of and change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vitrine_tests::{Answer, Call, Product};

use crate::access::{key, made, make, product, restore, routes};
use crate::motherduck_sessions::decode;
use crate::shape::assert_problem;
use crate::sources::{code, texts};

const PERMISSIONS: [&str; 4] = ["resources:write", "resources:list", "sessions:create", "introspect"];

/// The answer to an admin of deployment 2, when everything that the route names is in deployment 1.
#[derive(Clone, Copy)]
enum Outcome {
    /// The same as for an admin of the whole stack: it names nothing of a deployment, or makes something new.
    Own,
    /// As if it did not exist.
    Hidden(&'static str),
    /// It belongs to the whole stack.
    Denied,
    /// An id that is taken, by whatever.
    Taken,
}

use Outcome::{Denied, Hidden, Own, Taken};

const RESOURCE: Outcome = Hidden("resource_not_found");

/// Every administrative route with its outcome. All methods of a path that is not listed with one have the same.
const OUTCOMES: &[(&str, Outcome)] = &[
    ("PUT /v1/resources/{kind}/{id}", Taken),
    ("/v1/resources/{kind}/{id}", RESOURCE),
    ("/v1/resources/{kind}/{id}/versions", RESOURCE),
    ("/v1/resources/{kind}/{id}/versions/{version}", RESOURCE),
    ("/v1/resources/{kind}/{id}/restore", RESOURCE),
    ("/v1/resources", Own),
    ("/api/card/embeddable", Own),
    ("/api/dashboard/embeddable", Own),
    ("/v1/sessions", RESOURCE),
    ("/v1/sessions/revoke", Own),
    ("/v1/introspect", Own),
    // The new key would reach the whole stack.
    ("POST /v1/keys", Denied),
    ("/v1/keys", Own),
    ("/v1/keys/{id}", Hidden("access_key_not_found")),
    ("/v1/decisions/{request_id}", Denied),
    ("/v1/query/preview", Denied),
    ("/api/dataset", Denied),
    ("/api/dataset/{format}", Denied),
    ("/api/card/{id}/query", Denied),
    ("/api/card/{id}/query/{format}", Denied),
    ("/api/preview_embed/card/{token}/query", RESOURCE),
    ("/api/preview_embed/card/{token}/query/{format}", RESOURCE),
    ("/api/dashboard/{id}/dashcard/{dashcard}/card/{card}/query", Denied),
    ("/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}", RESOURCE),
    ("/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}/{format}", RESOURCE),
    ("/api/database", Denied),
    ("/api/database/{id}", Denied),
    ("/api/database/{id}/metadata", Denied),
    ("/api/table/{id}/query_metadata", Denied),
    ("/api/field/{id}", Denied),
    ("/v1/signing-keys", Denied),
    ("/v1/signing-keys/{kid}", Denied),
    ("/api/card", Own),
    ("/api/card/{id}", RESOURCE),
    ("/api/dashboard", Own),
    ("/api/dashboard/{id}", RESOURCE),
    ("/api/collection", Own),
    ("/api/collection/{id}", Own),
    ("/api/collection/{id}/items", Own),
    ("/api/search", Own),
    ("/api/preview_embed/{kind}/{token}", RESOURCE),
    ("/api/preview_embed/{kind}/{token}/params/{key}/values", RESOURCE),
    ("/api/preview_embed/{kind}/{token}/params/{key}/search/{prefix}", RESOURCE),
    ("/api/preview_embed/{kind}/{token}/params/{key}/remapping", RESOURCE),
    ("/api/setting/enable-embedding-static", Denied),
    ("/api/setting/enable-embedding", Denied),
    ("/api/setting/embedding-secret-key", Denied),
    ("/v1/dives", Own),
    ("/v1/dives/{id}", RESOURCE),
    ("/v1/dives/{id}/versions", RESOURCE),
    ("/v1/dives/{id}/versions/{version}", RESOURCE),
    ("/v1/dives/{id}/embed-session", RESOURCE),
    ("/v1/users", Denied),
    ("/v1/users/{username}", Denied),
    ("/v1/users/{username}/tokens", Denied),
    ("/v1/users/{username}/tokens/{id}", Denied),
    ("/api/v1/embed/generate-session", Denied),
    // A session's id is enough to end it, as with the vendor.
    ("/api/v1/embed/session/revoke", Own),
    ("/api/v1/embed/dashboard/{public_id}", RESOURCE),
    ("/v1/attributes", Denied),
    ("/v1/groups", Denied),
    ("/api/v1/user-attributes", Denied),
    ("/api/v1/user-groups", Denied),
    ("/v1/external-users", Denied),
    ("/v1/decisions/unauthenticated", Denied),
    ("/api/v1/embed-tenants", Denied),
    ("/v1/sources", Denied),
    ("/v1/sources/{source}", Denied),
    ("/v1/tables", Denied),
    ("/v1/tables/{table}", Denied),
    ("/v1/tables/{table}/uploads", Denied),
    ("/v1/tables/{table}/uploads/{upload}", Denied),
    ("/v1/tables/{table}/versions", Denied),
    ("/v1/tables/{table}/rollback", Denied),
];

fn outcome(method: &str, pattern: &str) -> Outcome {
    let under_a_list = ["/v1/attributes/", "/v1/groups/", "/v1/external-users/", "/api/v1/embed-tenants/"];
    let pattern = under_a_list
        .iter()
        .find(|list| pattern.starts_with(**list))
        .map_or(pattern, |list| list.trim_end_matches('/'));
    let named = |name: &str| OUTCOMES.iter().find(|(route, _)| *route == name).map(|(_, outcome)| *outcome);
    named(&format!("{method} {pattern}"))
        .or_else(|| named(pattern))
        .unwrap_or_else(|| panic!("{method} {pattern} has no outcome"))
}

async fn scoped(product: &Product) -> String {
    key(product, json!({"deployments": [2]})).await
}

#[tokio::test]
async fn every_route_keeps_a_key_within_its_deployment() {
    let product = product().await;
    let scoped = scoped(&product).await;
    for route in routes() {
        restore(&product).await;
        let case = format!("{} {}", route.method, route.pattern);
        let answer = route.call(&product, |call| call.bearer(&scoped)).await;
        let expected = match outcome(route.method.as_str(), route.pattern) {
            Own => {
                assert_eq!(answer.status, route.success, "{case}: {}", answer.text);
                continue;
            }
            Hidden(reason) => (404, reason),
            Denied => (403, "access_denied"),
            Taken => (409, "id_taken"),
        };
        assert_problem(&answer, &case);
        assert_eq!(answer.refusal(), expected, "{case}");
        // The twin: an admin of the whole stack is not refused.
        restore(&product).await;
        let unscoped = route.call(&product, Call::admin).await;
        assert_eq!(unscoped.status, route.success, "{case}: {}", unscoped.text);
    }
}

/// A handler that ignores its caller cannot check the scope, so it must need the whole stack, or be for anybody.
#[test]
fn every_handler_asks_for_the_scope_of_its_caller() {
    let ignored = |files: &BTreeMap<String, String>| -> BTreeSet<(String, String)> {
        let needs = files.iter().flat_map(|(path, text)| {
            let code = code(text);
            let ignored = ["_: Allowed<", "_: AllowedOrSigned<"].map(|argument| code.split(argument).skip(1));
            let needs = ignored.into_iter().flatten().filter_map(|rest| rest.split('>').next());
            needs.map(|need| (path.clone(), need.to_owned())).collect::<Vec<_>>()
        });
        needs.filter(|(_, need)| !["StackAdmin", "Anybody"].contains(&need.as_str())).collect()
    };
    // The vendor's own route ends a session of any deployment.
    let known = ("functions/redeem-session/src/cube_exchange_session.rs".to_owned(), "Admin".to_owned());
    assert_eq!(ignored(&texts("functions", &[".rs"])), BTreeSet::from([known]));
    let careless = BTreeMap::from([("a.rs".to_owned(), "async fn a(_: Allowed<Admin>) {}".to_owned())]);
    assert_eq!(ignored(&careless).len(), 1);
}

/// The stored items, without those of the caller's own doing that a test expects.
async fn refused(product: &Product, call: Call, expected: (u16, &str), case: &str) {
    let before = product.table().await;
    let answer = call.send().await;
    assert_problem(&answer, case);
    assert_eq!(answer.refusal(), expected, "{case}: {}", answer.text);
    assert_eq!(product.table().await, before, "{case} wrote something");
}

/// The counter of numbers is one of the things that a refusal leaves as it is.
#[tokio::test]
async fn a_refused_creation_writes_nothing() {
    let product = product().await;
    let scoped = scoped(&product).await;
    let values = json!(vec![["x".repeat(40)]; 50]);
    let parameter = |at| json!({"slug": format!("p{at}"), "name": "P", "type": "text", "values": values});
    let large = json!((0..40).map(parameter).collect::<Vec<_>>());
    const HIGHEST: &str = "/v1/resources/dashboard/9007199254740991";
    let entity = product.get("/v1/resources/dashboard/1").admin().send().await.json["entity_id"].clone();
    for (case, call, expected) in [
        (
            "elsewhere",
            product.put(HIGHEST, json!({"title": "T", "deployment": 1})).bearer(&scoped),
            (403, "access_denied"),
        ),
        (
            "nowhere",
            product.put(HIGHEST, json!({"title": "T", "deployment": 9})).admin(),
            (400, "request_invalid"),
        ),
        ("invalid", product.put(HIGHEST, json!({"title": ""})).admin(), (400, "request_invalid")),
        (
            "too large",
            product.put(HIGHEST, json!({"title": "T", "parameters": large})).admin(),
            (400, "request_invalid"),
        ),
        (
            "taken",
            product.put(HIGHEST, json!({"title": "T", "entity_id": entity})).admin(),
            (409, "id_taken"),
        ),
        (
            "new and too large",
            product.post("/api/dashboard", json!({"name": "T", "parameters": large})).admin(),
            (400, "request_invalid"),
        ),
        (
            "new and invalid",
            product.post("/api/dashboard", json!({"name": ""})).admin(),
            (400, "request_invalid"),
        ),
        (
            "an entity id elsewhere",
            product
                .put("/v1/resources/dashboard/B1StGXR8_Z5jdHi6B-myT", json!({"title": "T", "deployment": 1}))
                .bearer(&scoped),
            (403, "access_denied"),
        ),
    ] {
        refused(&product, call, expected, case).await;
    }
    let next = product.post("/api/dashboard", json!({"name": "T"})).admin().send().await;
    assert_eq!(next.json["id"], 3, "{}", next.text);
}

#[tokio::test]
async fn a_replaced_resource_stays_in_its_deployment() {
    let product = product().await;
    let content = json!({"type": "html", "html": "x"});
    let there = json!({"title": "T", "deployment": 2, "content": content});
    let dive = product.post("/v1/dives", there.clone()).admin().send().await.json;
    let dive = format!("/v1/dives/{}", dive["id"].as_str().unwrap());
    let dashboard = "/v1/resources/dashboard/5".to_owned();
    assert_eq!(product.put(&dashboard, there).admin().send().await.json["deployment"], 2);
    for path in [dashboard, dive] {
        let replaced = product.put(&path, json!({"title": "T", "content": content})).admin().send().await;
        assert_eq!(replaced.json["deployment"], 2, "{path}: {}", replaced.text);
        let moved = json!({"title": "T", "content": content, "deployment": 1});
        assert_eq!(product.put(&path, moved).admin().send().await.json["deployment"], 1, "{path}");
    }
    let new = product.put("/v1/resources/dashboard/6", json!({"title": "T"})).admin().send().await;
    assert_eq!(new.json["deployment"], 1);
}

/// Keys with the deployment of what they create without naming one.
#[tokio::test]
async fn a_key_creates_in_the_first_deployment_that_it_reaches() {
    let product = Product::start_with(&[("Deployments", "3,1,2")]).await;
    let content = json!({"type": "html", "html": "x"});
    for (deployments, expected) in [(json!([]), 3), (json!([2]), 2), (json!([1, 2]), 1), (json!([2, 3]), 3)] {
        let key = key(&product, json!({"role": "admin", "deployments": deployments})).await;
        let title = json!({"title": "T", "content": content});
        let calls = [
            product.post("/api/card", json!({"name": "T", "enable_embedding": true})),
            product.post("/api/dashboard", json!({"name": "T"})),
            product.post("/v1/dives", title.clone()),
            product.put(&format!("/v1/resources/dashboard/{}", 100 + product.items().await), title),
        ];
        for call in calls {
            let answer = call.bearer(&key).send().await;
            assert!(answer.status.is_success(), "{deployments}: {}", answer.text);
            let public_id = answer.json["public_id"].as_str().unwrap();
            let kinds =
                ["question", "dashboard", "dive"].map(|kind| format!("/v1/resources/{kind}/{public_id}"));
            let mut placed = Vec::new();
            for path in kinds {
                placed.extend(product.get(&path).admin().send().await.json["deployment"].as_u64());
            }
            assert_eq!(placed, [expected], "{deployments}");
        }
    }
}

/// For its bearer, a thing in another deployment is like one that does not exist, to the last letter.
#[tokio::test]
async fn what_is_elsewhere_looks_like_what_is_not_there() {
    let product = product().await;
    let scoped =
        key(&product, json!({"role": "admin", "permissions": PERMISSIONS, "deployments": [2]})).await;
    let public_id = product.get("/v1/resources/dashboard/1").admin().send().await.json["public_id"].clone();
    let dive = product.publish("dive/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", json!({})).await;
    let other = made(&product, json!({})).await;
    let preview = |id: u64| {
        product
            .sign(json!({"resource": {"dashboard": id}, "params": {}, "_embedding_params": {"x": "enabled"}}))
    };
    let (there, absent) = (preview(1), preview(77));
    let titled = json!({"title": "T"});
    let pairs = [
        ("GET", "/v1/resources/dashboard/{}", "1".to_owned(), "77".to_owned(), None),
        ("DELETE", "/v1/resources/dashboard/{}", "1".to_owned(), "77".to_owned(), None),
        (
            "GET",
            "/v1/resources/dashboard/{}",
            public_id.as_str().unwrap().to_owned(),
            "abcdefghijkl".to_owned(),
            None,
        ),
        (
            "PUT",
            "/v1/resources/dashboard/{}",
            public_id.as_str().unwrap().to_owned(),
            "abcdefghijkl".to_owned(),
            Some(titled),
        ),
        (
            "GET",
            "/v1/dives/{}",
            dive["id"].as_str().unwrap().to_owned(),
            "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a78".to_owned(),
            None,
        ),
        ("DELETE", "/v1/keys/{}", other["id"].as_str().unwrap().to_owned(), "abcdefghijkl".to_owned(), None),
        ("GET", "/api/dashboard/{}", "1".to_owned(), "77".to_owned(), None),
        ("GET", "/api/preview_embed/dashboard/{}", there.clone(), absent.clone(), None),
        ("GET", "/api/preview_embed/dashboard/{}/params/x/values", there.clone(), absent.clone(), None),
        ("GET", "/api/preview_embed/dashboard/{}/params/none/search/a", there.clone(), absent.clone(), None),
        ("GET", "/api/preview_embed/dashboard/{}/params/x/remapping", there.clone(), absent.clone(), None),
    ];
    for (method, pattern, there, absent, body) in pairs {
        let ask = async |id: &str| -> Answer {
            let call = product.request(method.parse().unwrap(), &pattern.replace("{}", id)).bearer(&scoped);
            match &body {
                Some(body) => call.json(body.clone()),
                None => call,
            }
            .send()
            .await
        };
        let (mut there, mut absent) = (ask(&there).await, ask(&absent).await);
        assert_eq!(there.status, 404, "{method} {pattern}: {}", there.text);
        for answer in [&mut there, &mut absent] {
            answer.json.as_object_mut().unwrap().remove("request_id");
        }
        assert_eq!((there.status, there.json), (absent.status, absent.json), "{method} {pattern}");
    }
    for resource in [json!({"dashboard": 1}), json!({"dashboard": 77})] {
        let session =
            product.post("/v1/sessions", json!({"resource": resource})).bearer(&scoped).send().await;
        assert_eq!(
            (session.refusal(), &session.json["message"]),
            ((404, "resource_not_found"), &json!("Not found."))
        );
    }
    // Its own preview works.
    let own = product.put("/v1/resources/dashboard/8", json!({"title": "Own"})).bearer(&scoped).send().await;
    assert_eq!((own.status.as_u16(), &own.json["deployment"]), (201, &json!(2)));
    let token = product.sign(json!({"resource": {"dashboard": 8}, "params": {}, "_embedding_params": {}}));
    let path = format!("/api/preview_embed/dashboard/{token}");
    assert_eq!(product.get(&path).bearer(&scoped).send().await.status, 200);
}

/// Each list with the ids that its cursors must not show.
#[tokio::test]
async fn a_cursor_shows_no_id() {
    let product = product().await;
    let scoped = scoped(&product).await;
    let mut hidden = vec![
        "dashboard#".to_owned(),
        "question#".to_owned(),
        "resource".to_owned(),
        "access_keys".to_owned(),
    ];
    for _ in 0..3 {
        hidden.push(made(&product, json!({})).await["id"].as_str().unwrap().to_owned());
    }
    for name in ["city", "town"] {
        product.post("/v1/attributes", json!({"name": name, "type": "string"})).admin().send().await;
        hidden.push(name.to_owned());
    }
    for (list, caller) in [
        ("/v1/resources?limit=1", None),
        ("/v1/resources?limit=1&kind=dashboard&embeddable=true", None),
        ("/v1/keys?limit=1", None),
        ("/v1/attributes?limit=1", None),
        ("/v1/keys?limit=1", Some(&scoped)),
        ("/v1/resources?limit=1", Some(&scoped)),
    ] {
        let call = product.get(list);
        let call = caller.map_or_else(|| product.get(list).admin(), |key| call.bearer(key));
        let page = call.send().await;
        let Some(cursor) = page.json["next_cursor"].as_str() else {
            assert!(caller.is_some(), "{list}: {}", page.text);
            continue;
        };
        let read = decode(cursor).unwrap();
        let read = String::from_utf8_lossy(&read);
        assert!(hidden.iter().all(|id| !read.contains(id) && !cursor.contains(id)), "{list}: {read}");
    }
    // The keys of others do not make a page of this key's list shorter either.
    let page = product.get("/v1/keys?limit=1").bearer(&scoped).send().await.json;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

/// The key for cursors is derived from the admin key.
#[tokio::test]
async fn a_cursor_from_before_the_admin_key_was_replaced_is_invalid() {
    let product = product().await;
    let admin = key(&product, json!({})).await;
    let page =
        async |query: &str| product.get(&format!("/v1/resources?limit=1{query}")).bearer(&admin).send().await;
    let old = page("").await.json["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(page(&format!("&cursor={old}")).await.status, 200);
    product.services.put_admin_key("another-admin-key-of-the-tests").unwrap();
    product.clock.set_offset(61);
    assert_eq!(page(&format!("&cursor={old}")).await.refusal(), (400, "cursor_invalid"));
    let new = page("").await.json["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(page(&format!("&cursor={new}")).await.status, 200);
}

/// Credentials of deployment 1, ended by keys of deployment 2 and of deployment 1.
#[tokio::test]
async fn only_a_key_that_reaches_the_deployment_revokes_its_credentials() {
    let product = product().await;
    let fields = |deployment: u32| json!({"role": "member", "permissions": ["sessions:create"], "deployments": [deployment]});
    let (own, other) = (key(&product, fields(1)).await, key(&product, fields(2)).await);
    let session = async |body: Value| {
        let answer = product.post("/v1/sessions", body).admin().send().await;
        answer.json["session"].as_str().unwrap().to_owned()
    };
    let revoke = async |key: &str, credential: &str| {
        product.post("/v1/sessions/revoke", json!({"session": credential})).bearer(key).send().await
    };
    let signed = product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "jti": "one"}));
    let minted = session(json!({"resource": {"dashboard": 1}})).await;
    for token in [signed, minted] {
        assert_eq!(revoke(&other, &token).await.refusal(), (404, "resource_not_found"));
        assert_eq!(product.view(&token, "").await.status, 200);
        assert_eq!(revoke(&own, &token).await.status, 204);
        assert_eq!(product.view(&token, "").await.refusal(), (401, "token_revoked"));
    }
    let body = json!({"deploymentId": 1, "externalId": "ann"});
    let cube = product.post("/api/v1/embed/generate-session", body).admin().send().await.json;
    let single = session(json!({"resource": {"dashboard": 1}, "single_use": true})).await;
    for id in [single, cube["sessionId"].as_str().unwrap().to_owned()] {
        assert_eq!(revoke(&other, &id).await.refusal(), (404, "resource_not_found"));
        assert_eq!(revoke(&own, &id).await.status, 204);
        let redeemed = product.post("/v1/sessions/redeem", json!({"session": id})).send().await;
        assert_eq!(redeemed.refusal(), (401, "session_unknown"));
    }
    let body = json!({"deploymentId": 1, "externalId": "ann"});
    let cube = product.post("/api/v1/embed/generate-session", body).admin().send().await.json;
    let redeemed = product.post("/v1/sessions/redeem", json!({"session": cube["sessionId"]})).send().await;
    let token = redeemed.json["token"].as_str().unwrap();
    assert_eq!(revoke(&other, token).await.refusal(), (404, "resource_not_found"));
    assert_eq!(product.get("/v1/view/dashboard/1").bearer(token).send().await.status, 200);
    assert_eq!(revoke(&own, token).await.status, 204);
    assert_eq!(
        product.get("/v1/view/dashboard/1").bearer(token).send().await.refusal(),
        (401, "token_revoked")
    );
    for unknown in ["none", "a.b.c"] {
        assert_eq!(revoke(&other, unknown).await.status, 204);
    }
}

#[tokio::test]
async fn a_key_makes_none_that_outlives_it() {
    let product = product().await;
    let now = product.clock.now();
    let end = now.plus(100).to_string();
    let short = key(&product, json!({"expires_at": end})).await;
    for later in [now.plus(101).to_string(), "2999-01-01T00:00:00Z".to_owned()] {
        let answer = make(&product, &short, json!({"expires_at": later})).await;
        assert_eq!(answer.refusal(), (403, "access_denied"), "{later}");
    }
    let sooner = now.plus(50).to_string();
    for (asked, expected) in [(json!(null), &end), (json!(end), &end), (json!(sooner), &sooner)] {
        let answer = make(&product, &short, json!({"expires_at": asked})).await;
        assert_eq!((answer.status.as_u16(), &answer.json["expires_at"]), (201, &json!(expected)), "{asked}");
    }
    // The token of an account is a key too: it ends with its maker, and so do the keys that it makes.
    product.post("/v1/users", json!({"username": "chief", "role": "admin"})).admin().send().await;
    let path = "/v1/users/chief/tokens";
    let token = product.post(path, json!({"name": "t"})).bearer(&short).send().await;
    assert_eq!((token.status.as_u16(), &token.json["expire_at"]), (200, &json!(end)), "{}", token.text);
    let made = make(&product, token.json["token"].as_str().unwrap(), json!({})).await;
    assert_eq!((made.status.as_u16(), &made.json["expires_at"]), (201, &json!(end)), "{}", made.text);
    let long = product.post(path, json!({"name": "long", "ttl": 86_400})).bearer(&short).send().await;
    assert_eq!(long.refusal(), (403, "access_denied"));
    let unlimited = product.post(path, json!({"name": "unlimited"})).admin().send().await;
    assert_eq!(unlimited.json["expire_at"], json!(null), "{}", unlimited.text);
}

#[tokio::test]
async fn deployments_and_permissions_of_a_key_are_sets() {
    let product = product().await;
    let fields = json!({
        "role": "member", "deployments": [2, 1, 2], "permissions": ["introspect", "resources:list", "introspect"],
    });
    let made = made(&product, fields).await;
    assert_eq!(made["deployments"], json!([1, 2]));
    assert_eq!(made["permissions"], json!(["resources:list", "introspect"]));
    let full = json!({"role": "member", "deployments": vec![1; 100], "permissions": vec!["introspect"; 100]});
    let answer = make(&product, vitrine_tests::ADMIN_KEY, full).await;
    assert_eq!((answer.status.as_u16(), &answer.json["deployments"]), (201, &json!([1])), "{}", answer.text);
}
