//! Routes that Metabase's clients call before they publish: lists of everything, search, collections, the current user, settings,
//! and deletion.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Product, SECRET};

use crate::shape::assert_problem;

const LISTS: [(&str, &str, &str); 2] =
    [("/api/dashboard", "dashboard", "dashboard"), ("/api/card", "question", "card")];

async fn admin(product: &Product, path: &str) -> Answer {
    let answer = product.get(path).header("x-metabase-session", ADMIN_KEY).send().await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer
}

fn ids(items: &Value) -> Vec<u64> {
    items.as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

/// Three resources of each kind: published, a draft, archived.
async fn filled(settings: &[(&str, &str)]) -> Product {
    let product = Product::start_with(settings).await;
    for (_, kind, _) in LISTS {
        product.publish(&format!("{kind}/1"), json!({"title": "Sales EMEA", "description": "Revenue"})).await;
        product.publish(&format!("{kind}/2"), json!({"title": "Draft", "enable_embedding": false})).await;
        product.publish(&format!("{kind}/3"), json!({"title": "Old sales", "archived": true})).await;
    }
    product.publish("dive/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", json!({"title": "Sales dive"})).await;
    product
}

#[tokio::test]
async fn a_list_holds_everything_that_is_not_archived() {
    let product = filled(&[]).await;
    for (path, kind, model) in LISTS {
        let listed = admin(&product, path).await;
        let stored = product.get(&format!("/v1/resources/{kind}/1")).admin().send().await.json;
        assert_eq!(ids(&listed.json), [1, 2], "{path}");
        let first = json!({
            "id": 1, "name": "Sales EMEA", "description": "Revenue", "model": model,
            "entity_id": stored["entity_id"], "public_id": stored["public_id"],
            "enable_embedding": true, "archived": false, "collection_id": null,
            "created_at": stored["created_at"], "updated_at": stored["updated_at"],
        });
        assert_eq!(listed.json[0], first);
        assert_eq!(
            (&listed.json[1]["enable_embedding"], &listed.json[1]["description"]),
            (&json!(false), &json!(null))
        );
        for (filter, expected) in [
            ("", vec![1, 2]),
            ("?f=all", vec![1, 2]),
            ("?f=mine", vec![1, 2]),
            ("?f=archived", vec![3]),
            ("?f=database&model_id=1", vec![]),
            ("?f=bookmarked", vec![]),
            ("?archived=true&unknown=1", vec![1, 2]),
            ("/", vec![1, 2]),
            ("?limit=1", vec![1]),
        ] {
            assert_eq!(
                ids(&admin(&product, &format!("{path}{filter}")).await.json),
                expected,
                "{path}{filter}"
            );
        }
        let unknown = product.get(&format!("{path}?f=nothing")).admin().send().await;
        assert_problem(&unknown, path);
        assert_eq!((unknown.refusal(), unknown.issues()), ((400, "request_invalid"), vec!["f"]));
        // The lists do not depend on the switch.
        let off = product.put("/api/setting/enable-embedding", json!({"value": false})).admin().send().await;
        assert_eq!(off.status, 204);
        assert_eq!(ids(&admin(&product, path).await.json), [1, 2]);
    }
}

#[tokio::test]
async fn a_filtered_list_goes_on_with_its_filter() {
    let product = Product::start().await;
    for id in 1..=5 {
        product.publish(&format!("dashboard/{id}"), json!({"archived": id != 2})).await;
    }
    let (mut url, mut found) = ("/api/dashboard?f=archived&limit=2".to_owned(), Vec::new());
    while !url.is_empty() {
        let page = admin(&product, &url).await;
        found.extend(ids(&page.json));
        let link = page.header("link");
        url = link.strip_prefix('<').map_or(String::new(), |link| link.split_once('>').unwrap().0.to_owned());
        assert!(url.is_empty() || url.starts_with("/api/dashboard?f=archived&limit=2&cursor="), "{url}");
    }
    assert_eq!(found, [1, 3, 4, 5]);
}

/// Lambda takes an answer of 6 MB.
#[tokio::test]
async fn a_list_that_is_too_long_for_one_answer_loses_long_descriptions_first() {
    let product = Product::start().await;
    let long = "\"".repeat(4_096);
    for id in 1..=340 {
        let description = if id == 340 { "short" } else { &long };
        product.publish(&format!("question/{id}"), json!({ "description": description })).await;
    }
    for path in ["/api/card", "/api/card/embeddable"] {
        let listed = admin(&product, path).await;
        assert_eq!(ids(&listed.json).len(), 340, "{path}");
        let as_lambda_sends_it = serde_json::to_string(&listed.text).unwrap().len();
        assert!(as_lambda_sends_it < 6_000_000, "{path}: {as_lambda_sends_it}");
        let items = listed.json.as_array().unwrap();
        let (last, others) = items.split_last().unwrap();
        assert_eq!(last["description"], "short", "{path}");
        assert!(others.iter().all(|item| item.get("description").is_none()), "{path}");
    }
    // A page ends early, and leads to the next.
    let page = admin(&product, "/api/card?limit=1000").await;
    let first = ids(&page.json).len();
    assert!((10..340).contains(&first), "{first}");
    let next = page.header("link").split_once('>').unwrap().0.trim_start_matches('<').to_owned();
    let rest = admin(&product, &next).await;
    assert_eq!(ids(&rest.json).len(), 340 - first);
    let few = admin(&product, "/api/card/embeddable?limit=10").await;
    assert_eq!(few.json[0]["description"], long);
    let found = admin(&product, "/api/search").await;
    assert!(serde_json::to_string(&found.text).unwrap().len() < 6_000_000);
    assert_eq!(found.json["total"], 340);
    assert_eq!(ids(&found.json["data"]).len(), 340);
}

#[tokio::test]
async fn search_finds_words_in_names_and_descriptions() {
    let product = filled(&[]).await;
    let all = json!([["dashboard", 1], ["dashboard", 2], ["card", 1], ["card", 2]]);
    for (query, total, expected) in [
        ("", 4, all.clone()),
        ("?q=", 4, all.clone()),
        ("?q=sales", 2, json!([["dashboard", 1], ["card", 1]])),
        ("?q=SALES%20emea", 2, json!([["dashboard", 1], ["card", 1]])),
        ("?q=revenue", 2, json!([["dashboard", 1], ["card", 1]])),
        ("?q=sales+draft", 0, json!([])),
        ("?q=nothing", 0, json!([])),
        ("?q=sales&archived=true", 2, json!([["dashboard", 3], ["card", 3]])),
        ("?q=sales&archived=false", 2, json!([["dashboard", 1], ["card", 1]])),
        ("?models=card", 2, json!([["card", 1], ["card", 2]])),
        ("?models=card&models=dashboard", 4, all.clone()),
        ("?models=table&models=dashboard", 2, json!([["dashboard", 1], ["dashboard", 2]])),
        ("?models=table", 0, json!([])),
        ("?models=dive", 0, json!([])),
        ("?limit=1", 4, json!([["dashboard", 1]])),
        ("?limit=2&offset=1", 4, json!([["dashboard", 2], ["card", 1]])),
        ("?offset=4", 4, json!([])),
        ("?limit=100000&table_db_id=1", 4, all.clone()),
        ("?offset=18446744073709551615", 4, json!([])),
    ] {
        let found = admin(&product, &format!("/api/search{query}")).await.json;
        let data: Vec<_> =
            found["data"].as_array().unwrap().iter().map(|item| json!([item["model"], item["id"]])).collect();
        assert_eq!((&found["total"], json!(data)), (&json!(total), expected), "{query}");
        assert_eq!(found["available_models"], json!(["dashboard", "card"]));
    }
    for (query, issue) in [("?limit=0", "limit"), ("?limit=x", "limit"), ("?offset=-1", "offset")] {
        let answer = product.get(&format!("/api/search{query}")).admin().send().await;
        assert_eq!((answer.refusal(), answer.issues()), ((400, "request_invalid"), vec![issue]), "{query}");
    }
}

#[tokio::test]
async fn a_scoped_key_finds_its_own_deployments_only() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    product.publish("dashboard/1", json!({"title": "Theirs"})).await;
    product.publish("dashboard/2", json!({"title": "Ours", "deployment": 2})).await;
    let body = json!({"name": "k", "role": "admin", "deployments": [2]});
    let key = product.post("/v1/keys", body).admin().send().await.json["key"].as_str().unwrap().to_owned();
    let ask =
        async |path: &str| product.get(path).header("x-metabase-session", key.as_str()).send().await.json;
    assert_eq!(ids(&ask("/api/dashboard").await), [2]);
    let found = ask("/api/search?q=s").await;
    assert_eq!((&found["total"], ids(&found["data"])), (&json!(1), vec![2]));
}

#[tokio::test]
async fn everything_is_in_one_collection() {
    let product = Product::start().await;
    let listed = admin(&product, "/api/collection?exclude_other_user_collections=True&archived=False").await;
    let items = listed.json.as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!((&items[0]["id"], &items[0]["can_write"]), (&json!("root"), &json!(true)));
    assert_eq!(admin(&product, "/api/collection?archived=true").await.json, json!([]));
    assert_eq!(admin(&product, "/api/collection/root").await.json, listed.json[0]);
    product.publish("question/1", json!({})).await;
    product.publish("dashboard/1", json!({})).await;
    let items = admin(&product, "/api/collection/root/items?models=dashboard&sort_column=name").await.json;
    assert_eq!((&items["total"], &items["data"][0]["model"]), (&json!(1), &json!("dashboard")));
    assert_eq!(admin(&product, "/api/collection/root/items").await.json["total"], 2);
    for other in ["/api/collection/1", "/api/collection/1/items", "/api/collection/ROOT"] {
        let answer = product.get(other).admin().send().await;
        assert_eq!(answer.refusal(), (404, "resource_not_found"), "{other}");
    }
    let lister = product.key("member", &["resources:list"]).await;
    let listed = product.get("/api/collection").bearer(&lister).send().await;
    assert_eq!(listed.json[0]["can_write"], false);
}

#[tokio::test]
async fn the_current_user_is_the_key() {
    let product = Product::start().await;
    let weak = product.key("restricted", &[]).await;
    let strong = product.key("admin", &[]).await;
    let user = async |key: &str| product.get("/api/user/current").header("x-api-key", key).send().await.json;
    for (key, is_superuser, name) in
        [(ADMIN_KEY, true, "The stack's admin key"), (&strong, true, "a key"), (&weak, false, "a key")]
    {
        let first = user(key).await;
        assert_eq!((&first["is_superuser"], &first["common_name"]), (&json!(is_superuser), &json!(name)));
        assert!(first["id"].as_u64().unwrap() > 0);
        assert!(first["email"].as_str().unwrap().ends_with("@vitrine.invalid"));
        assert_eq!(first, user(key).await, "always the same");
        assert!(!first.to_string().contains(key));
    }
    assert_ne!(user(&weak).await["id"], user(&strong).await["id"]);
    assert_eq!(admin(&product, "/api/login-history/current").await.json, json!([]));
}

/// Metabase's own answers contain the secret; none of these does.
#[tokio::test]
async fn settings_and_properties_never_show_the_secret() {
    let product = Product::start_with(&[("PublicUrl", "https://embed.example.com")]).await;
    for on in [false, true] {
        let put = product.put("/api/setting/enable-embedding", json!({ "value": on })).admin().send().await;
        assert_eq!(put.status, 204);
        for path in ["/api/setting/enable-embedding", "/api/setting/enable-embedding-static"] {
            assert_eq!(admin(&product, path).await.json, json!(on), "{path}");
        }
        let settings = admin(&product, "/api/setting").await.json;
        let value = |key: &str| {
            settings
                .as_array()
                .unwrap()
                .iter()
                .find(|item| item["key"] == key)
                .map(|item| item["value"].clone())
        };
        assert_eq!(value("enable-embedding"), Some(json!(on)));
        assert_eq!(value("enable-embedding-static"), Some(json!(on)));
        assert_eq!(value("site-url"), Some(json!("https://embed.example.com")));
        assert_eq!(value("embedding-secret-key"), None);
        let properties = admin(&product, "/api/session/properties").await.json;
        assert_eq!(
            (&properties["enable-embedding"], &properties["has-user-setup"]),
            (&json!(on), &json!(true))
        );
        assert_eq!(properties["version"]["tag"], "v0.57.0");
    }
    let public = product.get("/api/session/properties").send().await;
    assert_eq!(public.status, 200);
    assert_eq!(
        (public.json.get("enable-embedding"), &public.json["version"]["tag"]),
        (None, &json!("v0.57.0"))
    );
    let wrong = product.get("/api/session/properties").header("x-metabase-session", "wrong").send().await;
    assert_eq!(wrong.refusal(), (401, "access_key_unknown"));
    for path in ["/api/setting", "/api/session/properties", "/api/user/current"] {
        let shown = admin(&product, path).await.text;
        assert!(!shown.contains(SECRET) && !shown.contains(ADMIN_KEY), "{path}");
    }
    let health = product.get("/api/health").send().await;
    assert_eq!((health.status.as_u16(), health.json), (200, json!({"status": "ok"})));
}

#[tokio::test]
async fn a_deleted_id_is_never_used_again() {
    let product = Product::start().await;
    for (path, kind, model) in LISTS {
        let entity = "V1StGXR8_Z5jdHi6B-myT";
        let put = async |id: &str, fields: Value| {
            let mut body = json!({"title": "New", "enable_embedding": true});
            vitrine_tests::merge(&mut body, fields);
            product.put(&format!("/v1/resources/{kind}/{id}"), body).admin().send().await
        };
        assert_eq!(put("7", json!({ "entity_id": entity })).await.status, 201);
        let token = product.sign(json!({"resource": {kind: 7}, "params": {}}));
        let embed = format!("/api/embed/{model}/{token}");
        assert_eq!(product.get(&embed).send().await.status, 200);
        let delete = async || product.delete(&format!("{path}/7")).admin().send().await;
        let deleted = delete().await;
        assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
        assert_eq!(delete().await.refusal(), (404, "resource_not_found"));
        for (id, fields) in [
            ("7", json!({})),
            ("7", json!({"entity_id": "V1StGXR8_Z5jdHi6B-new"})),
            (entity, json!({})),
            ("8", json!({ "entity_id": entity })),
        ] {
            let refused = put(id, fields).await;
            assert_problem(&refused, id);
            assert_eq!(refused.refusal(), (409, "id_deleted"), "{id}");
        }
        assert_eq!(product.get(&embed).send().await.refusal(), (404, "resource_not_found"));
        let change = product.put(&format!("{path}/7"), json!({"name": "Back"})).admin().send().await;
        assert_eq!(change.refusal(), (404, "resource_not_found"));
        assert_eq!(admin(&product, path).await.json, json!([]));
        let created = product.post(path, json!({"name": "Next"})).admin().send().await;
        assert!(created.json["id"].as_u64().unwrap() > 7, "{}", created.text);
        assert_eq!(put("9007199254740991", json!({})).await.status, 201);
        let last = product.delete(&format!("{path}/9007199254740991")).admin().send().await;
        assert_eq!(last.status, 204);
        assert_eq!(put("9007199254740991", json!({})).await.refusal(), (409, "id_deleted"));
    }
    let dive = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";
    product.publish(&format!("dive/{dive}"), json!({})).await;
    assert_eq!(product.delete(&format!("/v1/dives/{dive}")).admin().send().await.status, 204);
    let again =
        product.put(&format!("/v1/resources/dive/{dive}"), json!({"title": "D"})).admin().send().await;
    assert_eq!(again.refusal(), (409, "id_deleted"));
}

/// The tombstone of a deleted resource says that its ids are spent, and nothing about it.
#[tokio::test]
async fn nothing_of_a_deleted_resource_is_kept() {
    let product = Product::start().await;
    let content = json!({"type": "html", "html": "<p>confidential</p>"});
    product.publish("dashboard/1", json!({"title": "confidential", "content": content})).await;
    assert_eq!(product.delete("/api/dashboard/1").admin().send().await.status, 204);
    let table = product.table().await;
    assert!(!format!("{table:?}").contains("confidential"));
    for item in table.iter().filter(|item| item["pk"].starts_with("dashboard#")) {
        let names: Vec<_> = item.keys().map(String::as_str).collect();
        assert_eq!(names, ["deleted_at", "pk", "sk"]);
    }
}
