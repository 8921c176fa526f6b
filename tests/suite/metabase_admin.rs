//! Cards and dashboards in Metabase's administration API: create, read and partial update.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use vitrine::rules::clock::Timestamp;
use vitrine_tests::{ADMIN_KEY, Answer, Product, merge};

use crate::stub_engine;

const SWITCH: &str = "/api/setting/enable-embedding-static";
/// The route of each kind and its name in tokens and in the native API.
const KINDS: [(&str, &str); 2] = [("dashboard", "dashboard"), ("card", "question")];

fn parameters() -> Value {
    json!([
        {"slug": "user_id", "name": "User", "type": "number"},
        {"slug": "date_range", "name": "Dates", "type": "date/all-options", "default": "last-7-days"},
    ])
}

async fn create(product: &Product, route: &str, fields: Value) -> Value {
    let mut body = json!({"name": "A name"});
    merge(&mut body, fields);
    let answer = product.post(&format!("/api/{route}"), body).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

async fn update(product: &Product, route: &str, id: &Value, fields: Value) -> Answer {
    product.put(&path(route, id), fields).admin().send().await
}

async fn read(product: &Product, route: &str, id: &Value) -> Value {
    let answer = product.get(&path(route, id)).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn path(route: &str, id: &Value) -> String {
    format!("/api/{route}/{}", id.as_str().map_or_else(|| id.to_string(), str::to_owned))
}

async fn turn(product: &Product, on: bool) {
    assert_eq!(product.put(SWITCH, json!({"value": on})).admin().send().await.status, 204);
}

#[tokio::test]
async fn a_dashboard_published_by_metabases_requests_opens_with_a_token() {
    let product = Product::start().await;
    for (route, kind) in KINDS {
        let created = create(&product, route, json!({"parameters": parameters()})).await;
        assert_eq!((&created["id"], &created["enable_embedding"]), (&json!(1), &json!(false)));
        let body = r#"{
          "enable_embedding": true,
          "embedding_params": {
            "user_id": "locked",
            "date_range": "enabled"
          }
        }"#;
        let published = product
            .put(&format!("/api/{route}/1"), Value::Null)
            .body(body)
            .header("x-metabase-session", ADMIN_KEY)
            .send()
            .await;
        assert_eq!(published.status, 200, "{}", published.text);
        let token = product.sign(json!({"resource": {kind: 1}, "params": {"user_id": 123}}));
        let view = product.get(&format!("/api/embed/{route}/{token}?date_range=last-30-days")).send().await;
        assert_eq!((view.status.as_u16(), &view.json["name"]), (200, &json!("A name")), "{}", view.text);
        assert_eq!(view.json["parameters"][0]["value"], "last-30-days");
    }
}

#[tokio::test]
async fn a_created_object_is_readable_by_each_of_its_ids() {
    let product = Product::start().await;
    for (route, kind) in KINDS {
        let fields = json!({
            "description": "About it",
            "parameters": parameters(),
            "embedding_params": {"user_id": "locked", "date_range": "disabled"},
            "enable_embedding": true,
            "content": {"type": "html", "html": "<p>It</p>"},
            "allowed_origins": ["https://App.example.com/"],
        });
        let created = create(&product, route, fields).await;
        let entity_id = created["entity_id"].as_str().unwrap();
        assert_eq!(entity_id.len(), 21);
        assert!(entity_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(created["allowed_origins"], json!(["https://app.example.com"]));
        assert_eq!(created["embedding_params"], json!({"user_id": "locked", "date_range": "disabled"}));
        for id in ["id", "entity_id", "public_id"] {
            assert_eq!(read(&product, route, &created[id]).await, created, "{id}");
        }
        // The same object under both of its ids.
        let native = product.get(&format!("/v1/resources/{kind}/1")).admin().send().await.json;
        assert_eq!((&native["title"], &native["content"]), (&created["name"], &created["content"]));
        let names: Vec<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "allow_downloads",
            "allowed_origins",
            "archived",
            "content",
            "created_at",
            "description",
            "embedding_params",
            "enable_embedding",
            "entity_id",
            "id",
            "initially_published_at",
            "name",
            "parameters",
            "public_id",
            "updated_at",
        ];
        assert_eq!(names, expected);
    }
    // The other kind has another object with this number, or none.
    create(&product, "card", json!({"name": "The second"})).await;
    assert_eq!(product.get("/api/card/2").admin().send().await.json["name"], "The second");
    assert_eq!(product.get("/api/dashboard/2").admin().send().await.refusal(), (404, "resource_not_found"));
}

/// Each change with the fields that it changes. All other fields stay.
#[tokio::test]
async fn an_update_changes_only_the_fields_that_it_names() {
    let product = Product::start().await;
    let first = json!({
        "name": "Before",
        "description": "Before",
        "parameters": parameters(),
        "embedding_params": {"user_id": "locked", "date_range": "enabled"},
        "enable_embedding": true,
        "content": {"type": "html", "html": "before"},
        "allowed_origins": ["https://before.example.com"],
    });
    let other =
        json!([{"slug": "date_range", "name": "D", "type": "text", "required": false, "multiple": false}]);
    let cases = [
        (json!({}), json!({})),
        (json!({"name": "After"}), json!({"name": "After"})),
        (json!({"name": null}), json!({})),
        (json!({"description": "After"}), json!({"description": "After"})),
        (json!({"description": null}), json!({"description": null})),
        (json!({"archived": true}), json!({"archived": true})),
        (json!({"archived": null}), json!({})),
        (json!({"enable_embedding": false}), json!({"enable_embedding": false})),
        (json!({"enable_embedding": null}), json!({})),
        (json!({"embedding_params": null}), json!({})),
        (json!({"enable_embedding": null, "embedding_params": null}), json!({})),
        (json!({"embedding_params": {}}), json!({"embedding_params": {}})),
        // Replaced as a whole, not merged.
        (
            json!({"embedding_params": {"user_id": "enabled"}}),
            json!({"embedding_params": {"user_id": "enabled"}}),
        ),
        (json!({"parameters": null}), json!({})),
        (
            json!({"parameters": other, "embedding_params": {"date_range": "locked"}}),
            json!({"parameters": other, "embedding_params": {"date_range": "locked"}}),
        ),
        (
            json!({"content": {"type": "url", "url": "https://a.example.com/"}}),
            json!({"content": {"type": "url", "url": "https://a.example.com/"}}),
        ),
        (json!({"content": null}), json!({"content": null})),
        (json!({"allowed_origins": ["*"]}), json!({"allowed_origins": ["*"]})),
        (json!({"allowed_origins": []}), json!({"allowed_origins": []})),
        (json!({"allowed_origins": null}), json!({})),
        (
            json!({"name": "After", "archived": true, "enable_embedding": false}),
            json!({"name": "After", "archived": true, "enable_embedding": false}),
        ),
        // The caller cannot set ids and timestamps.
        (
            json!({"id": 99, "entity_id": "V1StGXR8_Z5jdHi6B-myT", "public_id": "aB3dE6gH9jK2",
                   "created_at": "2020-01-01T00:00:00Z", "initially_published_at": null}),
            json!({}),
        ),
    ];
    for (route, _) in KINDS {
        for (sent, changed) in &cases {
            let before = create(&product, route, first.clone()).await;
            let answer = update(&product, route, &before["id"], sent.clone()).await;
            assert_eq!(answer.status, 200, "{sent}: {}", answer.text);
            let mut expected = before.clone();
            let (over, expected_members) =
                (changed.as_object().unwrap().clone(), expected.as_object_mut().unwrap());
            expected_members.extend(over);
            expected_members.insert("updated_at".to_owned(), answer.json["updated_at"].clone());
            assert_eq!(answer.json, expected, "{route} {sent}");
            assert_eq!(read(&product, route, &before["entity_id"]).await, expected, "{route} {sent}");
        }
    }
}

#[tokio::test]
async fn the_time_of_the_first_publication_is_kept() {
    let product = Product::start().await;
    let start = product.clock.now().unix();
    for (route, _) in KINDS {
        product.clock.set(Timestamp::from_unix(start));
        let draft = create(&product, route, json!({})).await;
        assert_eq!(draft["initially_published_at"], Value::Null);
        let mut first = Value::Null;
        for (hour, fields) in [
            json!({"enable_embedding": true}),
            json!({"enable_embedding": false}),
            json!({"name": "Another"}),
            json!({"enable_embedding": true}),
            json!({"archived": true, "enable_embedding": false}),
        ]
        .into_iter()
        .enumerate()
        {
            product.clock.set(Timestamp::from_unix(start + 3_600 * i64::try_from(hour).unwrap()));
            let after = update(&product, route, &draft["id"], fields).await.json;
            if hour == 0 {
                first = after["updated_at"].clone();
            }
            assert_eq!(after["initially_published_at"], first, "{route} {hour}");
        }
        assert!(first.is_string());
        let at_once = create(&product, route, json!({"enable_embedding": true})).await;
        assert_eq!(at_once["initially_published_at"], at_once["created_at"]);
    }
}

/// Each kind of caller and change, with embedding on and off. The checks run in this order: key, permission,
/// body, resource, switch, role, consistency of the result.
#[tokio::test]
async fn changing_the_flags_is_checked_in_a_fixed_order() {
    let product = Product::start().await;
    let writer = product.key("member", &["resources:write"]).await;
    let lister = product.key("member", &["resources:list", "introspect", "sessions:create"]).await;
    let restricted = product.key("restricted", &["resources:write"]).await;
    let admin = product.key("admin", &[]).await;
    let stray = json!({"embedding_params": {"gone": "locked"}});
    let flags = json!({"enable_embedding": true});
    let policy = json!({"embedding_params": {"user_id": "locked"}});
    let same = json!({"enable_embedding": false, "embedding_params": {"user_id": "enabled"}});
    let harmless = json!({"name": "Another", "description": "More", "parameters": parameters()});
    let bad = json!({"embedding_params": {"user_id": "open"}});

    const OK: (u16, &str) = (200, "(none)");
    const UNAUTHENTICATED: (u16, &str) = (401, "access_key_missing");
    const UNKNOWN: (u16, &str) = (401, "access_key_unknown");
    const DENIED: (u16, &str) = (403, "access_denied");
    const ABSENT: (u16, &str) = (404, "resource_not_found");
    const OFF: (u16, &str) = (400, "embedding_switched_off");
    const INVALID: (u16, &str) = (400, "request_invalid");
    // key, resource, body, with the switch on, with the switch off
    let cases = [
        ("", "1", &flags, UNAUTHENTICATED, UNAUTHENTICATED),
        ("wrong", "1", &flags, UNKNOWN, UNKNOWN),
        ("", "999", &bad, UNAUTHENTICATED, UNAUTHENTICATED),
        (&lister, "1", &harmless, DENIED, DENIED),
        (&lister, "1", &bad, DENIED, DENIED),
        (&lister, "999", &flags, DENIED, DENIED),
        (&writer, "999", &flags, ABSENT, ABSENT),
        (&writer, "V1StGXR8_Z5jdHi6B-myT", &harmless, ABSENT, ABSENT),
        (&writer, "1", &bad, INVALID, INVALID),
        (&writer, "1", &flags, DENIED, OFF),
        (&writer, "1", &policy, DENIED, OFF),
        (&writer, "1", &harmless, OK, OK),
        (&writer, "1", &same, OK, OK),
        (&restricted, "1", &flags, DENIED, OFF),
        (&restricted, "1", &harmless, OK, OK),
        (&admin, "999", &flags, ABSENT, ABSENT),
        (&admin, "1", &same, OK, OK),
        (&admin, "1", &policy, OK, OFF),
        (&admin, "1", &harmless, OK, OK),
        (&admin, "1", &flags, OK, OFF),
        // It is published now: publishing it again changes nothing, unpublishing does.
        (&writer, "1", &flags, OK, OK),
        (&writer, "1", &json!({"enable_embedding": false}), DENIED, OFF),
        (&writer, "1", &stray, DENIED, OFF),
        (&writer, "1", &json!({"archived": true}), OK, OK),
        (&writer, "1", &json!({"archived": false}), OK, OK),
        (&admin, "1", &stray, INVALID, OFF),
        (&admin, "1", &json!({"enable_embedding": false}), OK, OFF),
    ];
    for (route, _) in KINDS {
        let fields = json!({"parameters": parameters(), "embedding_params": {"user_id": "enabled"}});
        create(&product, route, fields).await;
        for (key, id, body, on, off) in cases {
            // Off first: a refused request must not change anything.
            for (switched_on, expected) in [(false, off), (true, on)] {
                turn(&product, switched_on).await;
                let before = product.get(&format!("/api/{route}/1")).admin().send().await.json;
                let call = product.put(&format!("/api/{route}/{id}"), body.clone());
                let call = if key.is_empty() { call } else { call.header("x-metabase-session", key) };
                let answer = call.send().await;
                assert_eq!(answer.refusal(), expected, "{route} {id} {body}, on: {switched_on}");
                if expected != OK {
                    let after = product.get(&format!("/api/{route}/1")).admin().send().await.json;
                    assert_eq!(after, before, "{route} {id} {body}");
                }
            }
        }
    }
}

#[tokio::test]
async fn refusals_have_metabases_messages() {
    let product = Product::start().await;
    let writer = product.key("member", &["resources:write"]).await;
    create(&product, "card", json!({})).await;
    let publish = || product.put("/api/card/1", json!({"enable_embedding": true}));
    assert_eq!(publish().send().await.json["message"], "Unauthenticated");
    let denied = publish().bearer(&writer).send().await;
    assert_eq!(denied.json["message"], "You don't have permissions to do that.");
    turn(&product, false).await;
    for key in [writer.as_str(), ADMIN_KEY] {
        let off = publish().bearer(key).send().await;
        assert_eq!((off.refusal().0, &off.json["message"]), (400, &json!("Embedding is not enabled.")));
    }
    assert_eq!(product.get("/api/card/2").admin().send().await.json["message"], "Not found.");
}

#[tokio::test]
async fn a_create_request_that_publishes_needs_an_admin_key() {
    let product = Product::start().await;
    let writer = product.key("member", &["resources:write"]).await;
    let lister = product.key("member", &["resources:list"]).await;
    let draft =
        json!({"name": "N", "parameters": parameters(), "enable_embedding": false, "embedding_params": {}});
    let published = json!({"name": "N", "enable_embedding": true});
    let with_policy =
        json!({"name": "N", "parameters": parameters(), "embedding_params": {"user_id": "locked"}});
    let both = [(200, "(none)"), (403, "access_denied"), (400, "embedding_switched_off")];
    let [ok, denied, off] = both;
    let cases = [
        (&lister, &draft, denied, denied),
        (&writer, &draft, ok, ok),
        (&writer, &published, denied, off),
        (&writer, &with_policy, denied, off),
        (&ADMIN_KEY.to_owned(), &draft, ok, ok),
        (&ADMIN_KEY.to_owned(), &published, ok, off),
        (&ADMIN_KEY.to_owned(), &with_policy, ok, off),
    ];
    for (route, kind) in KINDS {
        for (key, body, on, off) in cases {
            for (switched_on, expected) in [(true, on), (false, off)] {
                turn(&product, switched_on).await;
                let answer = product
                    .post(&format!("/api/{route}"), body.clone())
                    .header("x-api-key", key)
                    .send()
                    .await;
                assert_eq!(answer.refusal(), expected, "{route} {body}, on: {switched_on}");
            }
        }
        let missing = product.post(&format!("/api/{route}"), draft.clone()).send().await;
        assert_eq!(missing.refusal(), (401, "access_key_missing"));
        // Refused requests created nothing: there are six of each kind.
        let listed = product.get(&format!("/v1/resources?kind={kind}")).admin().send().await.json;
        assert_eq!(listed["items"].as_array().unwrap().len(), 6, "{route}");
    }
}

#[tokio::test]
async fn the_key_is_accepted_in_each_of_its_headers() {
    let product = Product::start().await;
    create(&product, "card", json!({})).await;
    for (name, value) in [
        ("x-metabase-session", ADMIN_KEY.to_owned()),
        ("X-API-KEY", ADMIN_KEY.to_owned()),
        ("Authorization", format!("Bearer {ADMIN_KEY}")),
        ("Authorization", format!("Api-Key {ADMIN_KEY}")),
    ] {
        let answer = product.get("/api/card/1").header(name, &value).send().await;
        assert_eq!(answer.status, 200, "{name}");
        let wrong = product.get("/api/card/1").header(name, &format!("{value}x")).send().await;
        assert_eq!(wrong.refusal(), (401, "access_key_unknown"), "{name}");
    }
    let cookie = product.get("/api/card/1").header("cookie", &format!("metabase.SESSION={ADMIN_KEY}"));
    assert_eq!(cookie.send().await.refusal(), (401, "access_key_missing"));
}

#[tokio::test]
async fn a_scoped_key_is_refused_in_other_deployments() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    let body = json!({"name": "k", "role": "member", "permissions": ["resources:write", "resources:list"], "deployments": [2]});
    let key = product.post("/v1/keys", body).admin().send().await.json["key"].as_str().unwrap().to_owned();
    product.publish("dashboard/1", json!({"deployment": 1})).await;
    product.publish("dashboard/2", json!({"deployment": 2})).await;
    for (id, expected) in
        [(1, (404, "resource_not_found")), (2, (200, "(none)")), (3, (404, "resource_not_found"))]
    {
        let path = format!("/api/dashboard/{id}");
        assert_eq!(product.get(&path).bearer(&key).send().await.refusal(), expected);
        assert_eq!(product.put(&path, json!({"name": "N"})).bearer(&key).send().await.refusal(), expected);
    }
    let listed = product.get("/api/dashboard/embeddable").bearer(&key).send().await;
    assert_eq!(ids(&listed.json), [2]);
}

fn ids(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn ids_in_paths_are_numbers_or_entity_ids() {
    let product = Product::start().await;
    create(&product, "dashboard", json!({})).await;
    for bad in ["0", "01", "-1", "1.5", "one", "9007199254740992", "V1StGXR8_Z5jdHi6B-my", "1%201"] {
        for (route, _) in KINDS {
            let path = format!("/api/{route}/{bad}");
            assert_eq!(product.get(&path).admin().send().await.refusal(), (400, "id_invalid"), "{bad}");
            let put = product.put(&path, json!({"name": "N"})).admin().send().await;
            assert_eq!(put.refusal(), (400, "id_invalid"), "{bad}");
            let delete = product.delete(&path).admin().send().await;
            assert_eq!(delete.refusal(), (400, "id_invalid"), "{bad}");
            assert_eq!(product.get(&path).send().await.refusal(), (401, "access_key_missing"), "{bad}");
        }
    }
    let patch = product.patch("/api/dashboard/1", json!({})).admin().send().await;
    assert_eq!(patch.refusal(), (405, "method_not_allowed"));
    assert_eq!(product.get("/api/dashboard/1/").admin().send().await.status, 200);
}

/// Invalid bodies, each with the fields that the answer names. Nothing is written.
#[tokio::test]
async fn every_wrong_field_is_named() {
    let product = Product::start().await;
    let parameter = |fields: Value| {
        let mut parameter = json!({"slug": "a", "type": "text"});
        merge(&mut parameter, fields);
        json!({ "parameters": [parameter] })
    };
    let cases = [
        (json!({"embedding_params": {"a": "open"}}), vec!["embedding_params.a"]),
        (json!({"embedding_params": {"a": "Enabled"}}), vec!["embedding_params.a"]),
        (json!({"embedding_params": {"a": ""}}), vec!["embedding_params.a"]),
        (json!({"embedding_params": {"a": null}}), vec!["embedding_params.a"]),
        (json!({"embedding_params": {"a": true}}), vec!["embedding_params.a"]),
        (json!({"embedding_params": {"a": 1}}), vec!["embedding_params.a"]),
        (json!({"embedding_params": {"a": ["locked"]}}), vec!["embedding_params.a"]),
        (json!({"embedding_params": {"a": {}}}), vec!["embedding_params.a"]),
        (
            json!({"embedding_params": {"a": "on", "b": "locked", "c": "off"}}),
            vec!["embedding_params.a", "embedding_params.c"],
        ),
        (json!({"embedding_params": []}), vec!["embedding_params"]),
        (json!({"embedding_params": "locked"}), vec!["embedding_params"]),
        (json!({"embedding_params": true}), vec!["embedding_params"]),
        (json!({"enable_embedding": "true"}), vec!["enable_embedding"]),
        (json!({"enable_embedding": 1}), vec!["enable_embedding"]),
        (json!({"archived": "no"}), vec!["archived"]),
        (json!({"name": 7}), vec!["name"]),
        (json!({"description": 7}), vec!["description"]),
        (json!({"parameters": {}}), vec!["parameters"]),
        (json!({"parameters": [1]}), vec!["parameters[0]"]),
        (json!({"allowed_origins": ["nonsense"]}), vec!["allowed_origins[0]"]),
        (json!({"content": {"type": "pdf"}}), vec!["content"]),
        (json!({"content": {"type": "url", "url": "javascript:alert(1)"}}), vec!["content.url"]),
        (parameter(json!({"slug": null})), vec!["parameters[0].slug"]),
        (parameter(json!({"slug": ""})), vec!["parameters[0].slug"]),
        (parameter(json!({"type": null})), vec!["parameters[0].type"]),
        (parameter(json!({"type": "sql"})), vec!["parameters[0].type"]),
        (parameter(json!({"default": {"a": 1}})), vec!["parameters[0].default"]),
        (parameter(json!({"values": [["a", "b", "c"]]})), vec!["parameters[0].values"]),
        (parameter(json!({"isMultiSelect": "yes"})), vec!["parameters[0].isMultiSelect"]),
        (json!([]), vec![""]),
        (json!("name"), vec![""]),
    ];
    for (route, _) in KINDS {
        let before = create(&product, route, json!({})).await;
        for (body, fields) in &cases {
            let mut named = body.clone();
            if let Some(members) = named.as_object_mut() {
                members.entry("name").or_insert(json!("N"));
            }
            let put = update(&product, route, &before["id"], body.clone()).await;
            let post = product.post(&format!("/api/{route}"), named).admin().send().await;
            for answer in [put, post] {
                assert_eq!(answer.refusal(), (400, "request_invalid"), "{body}: {}", answer.text);
                assert_eq!(answer.issues(), *fields, "{body}");
            }
        }
        let after = read(&product, route, &before["id"]).await;
        assert_eq!(after, before);
    }
    for text in ["", "{", "{\"name\":\"a\",\"name\":\"b\"}", "name=a"] {
        let answer = product.request(axum::http::Method::PUT, "/api/card/1").admin().body(text).send().await;
        assert_eq!(answer.refusal(), (400, "body_malformed"), "{text}");
    }
}

/// The answer uses the caller's field name `name`, not the native `title`.
#[tokio::test]
async fn a_missing_or_blank_name_is_reported_as_name() {
    let product = Product::start().await;
    create(&product, "card", json!({})).await;
    let long = "n".repeat(256);
    for body in
        [json!({}), json!({"name": null}), json!({"name": ""}), json!({"name": " "}), json!({"name": long})]
    {
        let answer = product.post("/api/card", body.clone()).admin().send().await;
        assert_eq!(
            (answer.refusal(), answer.issues()),
            ((400, "request_invalid"), vec!["name"]),
            "post {body}"
        );
    }
    for body in [json!({"name": ""}), json!({"name": " "}), json!({"name": long})] {
        let answer = product.put("/api/card/1", body.clone()).admin().send().await;
        assert_eq!(
            (answer.refusal(), answer.issues()),
            ((400, "request_invalid"), vec!["name"]),
            "put {body}"
        );
    }
}

/// No write may leave a published resource with a policy for a parameter that it does not have.
#[tokio::test]
async fn a_published_policy_names_only_existing_parameters() {
    let product = Product::start().await;
    for (route, _) in KINDS {
        let strays = json!({"user_id": "locked", "gone": "locked", "old": "disabled"});
        let stray = vec!["embedding_params.gone", "embedding_params.old"];
        let at_once = json!({"name": "N", "parameters": parameters(), "embedding_params": strays, "enable_embedding": true});
        let answer = product.post(&format!("/api/{route}"), at_once).admin().send().await;
        assert_eq!((answer.refusal(), answer.issues()), ((400, "request_invalid"), stray.clone()));

        // A draft's policy may name missing parameters, but then it cannot be published.
        let draft =
            create(&product, route, json!({"parameters": parameters(), "embedding_params": strays})).await;
        let published = update(&product, route, &draft["id"], json!({"enable_embedding": true})).await;
        assert_eq!((published.refusal(), published.issues()), ((400, "request_invalid"), stray));
        assert_eq!(read(&product, route, &draft["id"]).await, draft);
        let mended = json!({"enable_embedding": true, "embedding_params": {"user_id": "locked"}});
        assert_eq!(update(&product, route, &draft["id"], mended).await.status, 200);

        // A parameter that a policy names cannot be removed or renamed.
        for left in [json!([]), json!([{"slug": "userid", "name": "User", "type": "number"}])] {
            let answer = update(&product, route, &draft["id"], json!({"parameters": left})).await;
            assert_eq!(
                (answer.refusal(), answer.issues()),
                ((400, "request_invalid"), vec!["embedding_params.user_id"])
            );
        }
        let answer =
            update(&product, route, &draft["id"], json!({"embedding_params": {"no": "enabled"}})).await;
        assert_eq!(
            (answer.refusal(), answer.issues()),
            ((400, "request_invalid"), vec!["embedding_params.no"])
        );
        // After unpublishing, the same change is allowed. An archived resource is still published.
        let archived = json!({"archived": true, "parameters": []});
        assert_eq!(update(&product, route, &draft["id"], archived).await.refusal(), (400, "request_invalid"));
        let unpublished = json!({"enable_embedding": false, "parameters": []});
        assert_eq!(update(&product, route, &draft["id"], unpublished).await.status, 200);
    }
}

/// Clients send back the whole object that they read, with Metabase's fields that this product does not have.
#[tokio::test]
async fn whole_objects_of_metabase_clients_are_accepted() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let card = json!({
        "name": "Orders by month", "description": null, "display": "line", "type": "question",
        "dataset_query": {"type": "native", "database": 1, "native": {"query": "SELECT 1", "template-tags": {}}},
        "visualization_settings": {"graph.dimensions": ["CREATED_AT"]}, "collection_id": null,
        "collection_position": null, "result_metadata": [{"name": "x"}], "cache_ttl": null, "parameters": [],
        "parameter_mappings": [], "dashboard_id": null, "dashboard_tab_id": null,
    });
    let created = product.post("/api/card", card).admin().send().await;
    assert_eq!(created.status, 200, "{}", created.text);
    let dashboard = json!({
        "name": "Sales", "collection_id": 4, "cache_ttl": null, "points_of_interest": null, "caveats": null,
        "show_in_getting_started": false, "position": null, "auto_apply_filters": true, "width": "fixed",
        "dashcards": [{"id": -1, "card_id": 1, "row": 0, "col": 0, "size_x": 4, "size_y": 4}], "tabs": [],
    });
    let created = product.post("/api/dashboard", dashboard).admin().send().await;
    assert_eq!(created.status, 200, "{}", created.text);
    // Read, changed and sent back as a whole.
    let mut whole = created.json.clone();
    merge(
        &mut whole,
        json!({"name": "Sales 2", "creator": {"id": 1}, "can_write": true, "embedding_type": "static-legacy",
               "last-edit-info": {"id": 1}, "param_fields": {}, "enable_embedding": true, "embedding_params": {}}),
    );
    let updated = update(&product, "dashboard", &json!(1), whole).await;
    assert_eq!(
        (updated.status.as_u16(), &updated.json["name"]),
        (200, &json!("Sales 2")),
        "{}",
        updated.text
    );
    for kept in ["id", "entity_id", "public_id", "created_at", "parameters"] {
        assert_eq!(updated.json[kept], created.json[kept], "{kept}");
    }
}

/// Parameters in Metabase's format, each with the stored parameter.
#[tokio::test]
async fn parameters_in_metabases_format_are_accepted() {
    let product = Product::start().await;
    let cases = [
        (
            json!({"id": "a1b2c3d4", "name": "Region", "slug": "region", "type": "string/=", "sectionId": "string",
                   "isMultiSelect": true, "values_query_type": "list", "values_source_type": "static-list",
                   "values_source_config": {"values": ["emea", ["apac", "APAC"], ["latam"]]}}),
            json!({"id": "a1b2c3d4", "name": "Region", "slug": "region", "type": "category", "required": false,
                   "multiple": true, "values": [["emea"], ["apac", "APAC"], ["latam"]]}),
        ),
        (
            json!({"id": "b", "name": "Total", "slug": "total", "type": "number/between", "sectionId": "number", "default": [1, 100],
                   "required": true, "isMultiSelect": false, "filteringParameters": [], "values_source_config": {}}),
            json!({"id": "b", "name": "Total", "slug": "total", "type": "number", "default": [1, 100], "required": true,
                   "multiple": false}),
        ),
        (
            json!({"id": "c", "name": "When", "slug": "when", "type": "date/all-options", "default": null, "required": null,
                   "values_source_type": null, "values_source_config": null, "temporal_units": []}),
            json!({"id": "c", "name": "When", "slug": "when", "type": "date_range", "required": false, "multiple": false}),
        ),
        (
            json!({"slug": "city", "type": "location/city", "target": ["variable", ["template-tag", "city"]],
                   "values_source_type": "card", "values_source_config": {"card_id": 5, "value_field": ["field", 1, null]}}),
            json!({"slug": "city", "name": "city", "type": "category", "required": false, "multiple": false}),
        ),
        (
            json!({"slug": "day", "name": "Day", "type": "date/single"}),
            json!({"slug": "day", "name": "Day", "type": "date", "required": false, "multiple": false}),
        ),
        (
            json!({"slug": "open", "name": "Open", "type": "boolean/=", "default": [true]}),
            json!({"slug": "open", "name": "Open", "type": "boolean", "default": [true], "required": false, "multiple": false}),
        ),
        (
            json!({"slug": "customer", "name": "Customer", "type": "id"}),
            json!({"slug": "customer", "name": "Customer", "type": "text", "required": false, "multiple": false}),
        ),
        (
            json!({"slug": "text", "name": "Text", "type": "string/contains"}),
            json!({"slug": "text", "name": "Text", "type": "category", "required": false, "multiple": false}),
        ),
    ];
    let (sent, kept): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let policy: Map<_, _> = sent
        .iter()
        .map(|parameter| (parameter["slug"].as_str().unwrap().to_owned(), json!("enabled")))
        .collect();
    for (route, kind) in KINDS {
        let fields = json!({"parameters": sent, "enable_embedding": true, "embedding_params": policy});
        let created = create(&product, route, fields).await;
        // A dashboard also keeps what is not stored with a parameter, and its parameters have ids. A question without a query has no
        // place for either.
        let mut kept = kept.clone();
        let mut answered = kept.clone();
        if route == "dashboard" {
            let stored = ["slug", "name", "id", "default", "required", "multiple", "values"];
            for ((kept, answered), sent) in kept.iter_mut().zip(&mut answered).zip(&sent) {
                let id = kept.get("id").unwrap_or(&kept["slug"]).clone();
                kept["id"] = id.clone();
                answered["id"] = id;
                for (name, value) in sent.as_object().unwrap() {
                    if !stored.contains(&name.as_str()) {
                        answered[name] = value.clone();
                    }
                }
            }
        }
        assert_eq!(created["parameters"], json!(answered));
        // The answer can be sent back.
        let again =
            update(&product, route, &created["id"], json!({"parameters": created["parameters"]})).await;
        assert_eq!((again.status.as_u16(), &again.json["parameters"]), (200, &created["parameters"]));
        let token = product.sign(json!({"resource": {kind: created["id"]}, "params": {}}));
        let view = product.get(&format!("/api/embed/{route}/{token}")).send().await;
        let shown: Vec<_> = kept
            .iter()
            .map(|parameter| {
                let mut shown = parameter.clone();
                shown["value"] = parameter.get("default").cloned().unwrap_or_default();
                shown
            })
            .collect();
        assert_eq!(view.json["parameters"], json!(shown));
    }
}

#[tokio::test]
async fn new_numbers_continue_after_numbers_that_an_owner_chose() {
    let product = Product::start().await;
    let next = async |route: &str| create(&product, route, json!({})).await["id"].as_u64().unwrap();
    for (route, kind) in KINDS {
        let choose = async |id: &str| {
            product.publish(&format!("{kind}/{id}"), json!({})).await["id"].as_u64().unwrap()
        };
        assert_eq!(next(route).await, 1);
        assert_eq!(choose("5").await, 5);
        assert_eq!(next(route).await, 6);
        // A chosen number below the counter does not lower it.
        assert_eq!(choose("3").await, 3);
        assert_eq!(next(route).await, 7);
        // An entity id gets the next number and keeps it.
        assert_eq!(choose("V1StGXR8_Z5jdHi6B-myT").await, 8);
        assert_eq!(choose("V1StGXR8_Z5jdHi6B-myT").await, 8);
        assert_eq!(next(route).await, 9);
        // The number of a removed resource is not used again.
        assert_eq!(product.delete(&format!("/v1/resources/{kind}/9")).admin().send().await.status, 204);
        assert_eq!(next(route).await, 10);
        // The largest possible number does not block new ones.
        choose("9007199254740991").await;
        let after = next(route).await;
        assert!((11..9_007_199_254_740_991).contains(&after), "{after}");
        assert_eq!(next(route).await, after + 1);
    }
}

/// Creates thirty resources while another client takes the next numbers explicitly.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creates_and_chosen_numbers_do_not_collide() {
    for (route, kind) in KINDS {
        let product = Arc::new(Product::start().await);
        let mut posts = tokio::task::JoinSet::new();
        let mut puts = tokio::task::JoinSet::new();
        for turn in 0..30_u64 {
            let (posting, putting) = (Arc::clone(&product), Arc::clone(&product));
            posts.spawn(async move {
                let body = json!({"name": format!("counted {turn}")});
                posting.post(&format!("/api/{route}"), body).admin().send().await
            });
            puts.spawn(async move {
                let chosen = turn * 2 + 1;
                let body = json!({"title": format!("chosen {chosen}")});
                let put = putting.put(&format!("/v1/resources/{kind}/{chosen}"), body).admin().send().await;
                (chosen, put)
            });
        }
        let counted: Vec<_> = posts.join_all().await;
        let chosen: Vec<_> = puts.join_all().await;
        for answer in &counted {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let numbers: BTreeSet<_> = counted.iter().map(|answer| answer.json["id"].as_u64().unwrap()).collect();
        assert_eq!(numbers.len(), 30, "a number was assigned twice");
        for (number, answer) in &chosen {
            // Either the number was free, or the write replaced the resource that had got it from the
            // counter.
            let created = !numbers.contains(number);
            assert_eq!(answer.status.as_u16(), if created { 201 } else { 200 }, "{number}: {}", answer.text);
            let kept = product.get(&format!("/api/{route}/{number}")).admin().send().await.json;
            assert_eq!(kept["name"], format!("chosen {number}"));
        }
        let chosen: BTreeSet<_> = chosen.iter().map(|(number, _)| *number).collect();
        for answer in counted.iter().filter(|answer| !chosen.contains(&answer.json["id"].as_u64().unwrap())) {
            assert_eq!(read(&product, route, &answer.json["entity_id"]).await, answer.json);
        }
        let entity_ids: BTreeSet<_> =
            counted.iter().map(|answer| answer.json["entity_id"].as_str()).collect();
        assert_eq!(entity_ids.len(), 30);
    }
}

/// Two concurrent updates of different fields are both kept.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_partial_updates_are_both_kept() {
    let product = Arc::new(Product::start().await);
    create(&product, "dashboard", json!({})).await;
    let changes = [
        json!({"name": "Changed"}),
        json!({"description": "Changed"}),
        json!({"archived": true}),
        json!({"allowed_origins": ["https://changed.example.com"]}),
        json!({"enable_embedding": true}),
    ];
    let mut writers = tokio::task::JoinSet::new();
    for change in changes.clone() {
        let product = Arc::clone(&product);
        writers.spawn(async move { product.put("/api/dashboard/1", change).admin().send().await });
    }
    for answer in writers.join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let after = read(&product, "dashboard", &json!(1)).await;
    for change in changes {
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(after[name], *value, "{name}");
        }
    }
}
