//! Resources: replaced as a whole, found by each of their ids, listed in order.

use serde_json::{Value, json};
use vitrine_tests::Product;

fn dashboard() -> Value {
    json!({
        "title": "Sales",
        "description": "By region",
        "content": {"type": "html", "html": "<p>\"quoted\"\n</p>"},
        "parameters": [{"slug": "region", "name": "Region", "type": "category", "values": [["emea", "EMEA"], ["apac"]]}],
        "enable_embedding": true,
        "embedding_params": {"region": "enabled"},
        "allowed_origins": ["https://App.example.com/"],
    })
}

#[tokio::test]
async fn a_resource_is_found_by_each_of_its_ids() {
    let product = Product::start().await;
    let created = product.put("/v1/resources/dashboard/12", dashboard()).admin().send().await;
    assert_eq!(created.status, 201, "{}", created.text);
    let resource = &created.json;
    assert_eq!(resource["id"], 12);
    assert_eq!(resource["allowed_origins"], json!(["https://app.example.com"]));
    assert_eq!(resource["content"], dashboard()["content"]);
    for id in [
        &resource["id"].to_string(),
        resource["entity_id"].as_str().unwrap(),
        resource["public_id"].as_str().unwrap(),
    ] {
        let found = product.get(&format!("/v1/resources/dashboard/{id}")).admin().send().await;
        assert_eq!(found.status, 200, "{id}");
        assert_eq!(&found.json, resource, "{id}");
    }
    assert_eq!(
        product.get("/v1/resources/question/12").admin().send().await.refusal(),
        (404, "resource_not_found")
    );
}

#[tokio::test]
async fn replacing_keeps_ids_and_timestamps_and_resets_other_fields() {
    let product = Product::start().await;
    let before = product.put("/v1/resources/dashboard/12", dashboard()).admin().send().await.json;
    let entity_id = before["entity_id"].as_str().unwrap();
    let replaced = product
        .put(&format!("/v1/resources/dashboard/{entity_id}"), json!({"title": "Sales 2"}))
        .admin()
        .send()
        .await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    let after = replaced.json;
    for kept in ["id", "entity_id", "public_id", "created_at", "initially_published_at"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(
        (&after["enable_embedding"], &after["content"], &after["parameters"]),
        (&json!(false), &json!(null), &json!([]))
    );
    assert_eq!(after["revision"], 2);
}

#[tokio::test]
async fn an_unknown_entity_id_creates_a_resource_with_the_next_free_number() {
    let product = Product::start().await;
    product.publish("dashboard/1", json!({})).await;
    let created = product.publish("dashboard/V1StGXR8_Z5jdHi6B-myT", json!({})).await;
    assert_eq!((&created["id"], &created["entity_id"]), (&json!(2), &json!("V1StGXR8_Z5jdHi6B-myT")));
}

/// Owners who migrate from another product bring both ids of a resource.
#[tokio::test]
async fn a_resource_can_be_created_with_its_number_and_entity_id() {
    const ENTITY: &str = "V1StGXR8_Z5jdHi6B-myT";
    let product = Product::start().await;
    let put = async |path: &str, entity_id: &str| {
        let body = json!({"title": "T", "entity_id": entity_id});
        product.put(&format!("/v1/resources/{path}"), body).admin().send().await
    };
    let created = put("dashboard/7", ENTITY).await;
    assert_eq!((created.status.as_u16(), &created.json["entity_id"]), (201, &json!(ENTITY)));
    let found = product.get(&format!("/v1/resources/dashboard/{ENTITY}")).admin().send().await;
    assert_eq!(found.json["id"], 7);
    for path in ["dashboard/7", &format!("dashboard/{ENTITY}")] {
        assert_eq!(put(path, ENTITY).await.status, 200, "{path}");
    }
    let other = "B1StGXR8_Z5jdHi6B-myT";
    let dive = "dive/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";
    for (path, entity_id) in [
        ("dashboard/7", other),
        ("dashboard/8", "short"),
        (dive, ENTITY),
        (&format!("dashboard/{other}"), ENTITY),
    ] {
        let refused = put(path, entity_id).await;
        assert_eq!(
            (refused.refusal(), refused.issues()),
            ((400, "request_invalid"), vec!["entity_id"]),
            "{path}"
        );
    }
    assert_eq!(put("dashboard/8", ENTITY).await.refusal(), (409, "id_taken"));
    assert_eq!(put("question/8", ENTITY).await.status, 201, "entity ids are unique within a kind");
}

#[tokio::test]
async fn a_dive_has_a_uuid_and_no_entity_id() {
    let product = Product::start().await;
    let dive = product.publish("dive/0191E7A0-5D2B-7C3F-9B1A-2F5D8C1E4A77", json!({})).await;
    assert_eq!(dive["id"], "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77");
    assert_eq!(dive["entity_id"], Value::Null);
}

#[tokio::test]
async fn removing_a_resource_removes_all_its_items() {
    let product = Product::start().await;
    let resource = product.publish("question/3", json!({})).await;
    assert_eq!(product.delete("/v1/resources/question/3").admin().send().await.status, 204);
    for id in ["3", resource["entity_id"].as_str().unwrap(), resource["public_id"].as_str().unwrap()] {
        let gone = product.get(&format!("/v1/resources/question/{id}")).admin().send().await;
        assert_eq!(gone.refusal(), (404, "resource_not_found"), "{id}");
    }
    assert_eq!(
        product.delete("/v1/resources/question/3").admin().send().await.refusal(),
        (404, "resource_not_found")
    );
    let listed = product.get("/v1/resources").admin().send().await;
    assert_eq!(listed.json["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_leave_one_whole_resource() {
    let product = std::sync::Arc::new(Product::start().await);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let product = std::sync::Arc::clone(&product);
        writers.spawn(async move {
            let title = format!("by {writer}");
            product.put("/v1/resources/dashboard/1", json!({"title": title})).admin().send().await
        });
    }
    let answers = writers.join_all().await;
    let written = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert!(answers.iter().all(|answer| answer.status.is_success() || answer.refusal() == (409, "conflict")));
    let resource = product.get("/v1/resources/dashboard/1").admin().send().await.json;
    assert_eq!(resource["revision"], written);
    for id in [resource["entity_id"].as_str().unwrap(), resource["public_id"].as_str().unwrap()] {
        assert_eq!(product.get(&format!("/v1/resources/dashboard/{id}")).admin().send().await.json, resource);
    }
}

#[tokio::test]
async fn lists_have_pages_in_order() {
    let product = Product::start().await;
    for id in [10, 9, 2, 100] {
        product
            .publish(&format!("dashboard/{id}"), json!({"enable_embedding": id != 9, "archived": id == 100}))
            .await;
    }
    product.publish("question/1", json!({})).await;
    let ids = async |query: &str| {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = product.get(&format!("/v1/resources?limit=2{query}{cursor}")).admin().send().await;
            assert_eq!(page.status, 200, "{}", page.text);
            ids.extend(
                page.json["items"].as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()),
            );
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    };
    assert_eq!(ids("").await, [2, 9, 10, 100, 1]);
    assert_eq!(ids("&kind=dashboard").await, [2, 9, 10, 100]);
    assert_eq!(ids("&embeddable=true").await, [2, 10, 1]);
    assert_eq!(ids("&embeddable=false").await, [9, 100]);
    assert_eq!(ids("&kind=dive").await, [0; 0]);
}

#[tokio::test]
async fn metabase_lists_hold_published_unarchived_resources() {
    let product = Product::start().await;
    product.publish("dashboard/1", json!({"title": "Open"})).await;
    product.publish("dashboard/2", json!({"enable_embedding": false})).await;
    product.publish("dashboard/3", json!({"archived": true})).await;
    product.publish("question/4", json!({"title": "Asked"})).await;
    for (path, id, name) in [("/api/dashboard/embeddable", 1, "Open"), ("/api/card/embeddable", 4, "Asked")] {
        let listed = product.get(path).header("x-metabase-session", vitrine_tests::ADMIN_KEY).send().await;
        assert_eq!(listed.status, 200);
        let items = listed.json.as_array().unwrap();
        assert_eq!((items.len(), &items[0]["id"], &items[0]["name"]), (1, &json!(id), &json!(name)));
        assert_eq!(items[0]["entity_id"].as_str().unwrap().len(), 21);
    }
}

/// Invalid bodies, each with the fields that the answer names. Nothing is written.
#[tokio::test]
async fn every_wrong_field_is_named() {
    let product = Product::start().await;
    let parameter = |fields: Value| {
        let mut parameter = json!({"slug": "a", "name": "A", "type": "text"});
        vitrine_tests::merge(&mut parameter, fields);
        json!({"title": "T", "parameters": [parameter]})
    };
    let cases = [
        (json!({}), vec!["title"]),
        (json!({"title": 1}), vec!["title"]),
        (json!({"title": " "}), vec!["title"]),
        (json!({"title": "T", "titel": "T", "x": 1}), vec!["titel", "x"]),
        (json!({"title": "T", "enable_embedding": "true"}), vec!["enable_embedding"]),
        (
            json!({"title": "T", "embedding_params": {"a": "open", "b": true, "c": "locked"}}),
            vec!["embedding_params.a", "embedding_params.b"],
        ),
        (json!({"title": "T", "embedding_params": []}), vec!["embedding_params"]),
        (
            json!({"title": "T", "enable_embedding": true, "embedding_params": {"gone": "locked"}}),
            vec!["embedding_params.gone"],
        ),
        (json!({"title": "T", "allowed_origins": ["https://a.com", "nonsense"]}), vec!["allowed_origins[1]"]),
        (json!({"title": "T", "content": {"type": "pdf"}}), vec!["content"]),
        (json!({"title": "T", "content": {"type": "html"}}), vec!["content.html"]),
        (json!({"title": "T", "content": {"type": "html", "html": "x", "url": "y"}}), vec!["content.url"]),
        (
            json!({"title": "T", "content": {"type": "url", "url": "javascript:alert(1)"}}),
            vec!["content.url"],
        ),
        (json!({"title": "T", "deployment": 0}), vec!["deployment"]),
        (json!({"title": "T", "deployment": 2}), vec!["deployment"]),
        (json!({"title": "T", "deployment": "1"}), vec!["deployment"]),
        (parameter(json!({"type": "sql"})), vec!["parameters[0].type"]),
        (parameter(json!({"slug": null})), vec!["parameters[0].slug"]),
        (parameter(json!({"slug": ""})), vec!["parameters[0].slug"]),
        (parameter(json!({"values": [["a", "b", "c"]]})), vec!["parameters[0].values"]),
        (parameter(json!({"default": {"a": 1}})), vec!["parameters[0].default"]),
        (json!([]), vec![""]),
        (json!("T"), vec![""]),
    ];
    for (body, fields) in cases {
        let answer = product.put("/v1/resources/dashboard/1", body.clone()).admin().send().await;
        assert_eq!(answer.refusal(), (400, "request_invalid"), "{body}: {}", answer.text);
        assert_eq!(answer.issues(), fields, "{body}");
    }
    let nothing = product.get("/v1/resources/dashboard/1").admin().send().await;
    assert_eq!(nothing.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn content_within_the_limit_is_kept_and_longer_content_is_refused() {
    let product = Product::start().await;
    let with = |html: String| json!({"title": "T", "content": {"type": "html", "html": html}});
    // Each quote takes two bytes in JSON. The escapes must not count towards the limit.
    let largest = "x".repeat(100 * 1024) + &"\"".repeat(200 * 1024);
    let kept = product.put("/v1/resources/dashboard/1", with(largest.clone())).admin().send().await;
    assert_eq!(kept.status, 201, "{:.300}", kept.text);
    let over =
        product.put("/v1/resources/dashboard/3", with("x".repeat(300 * 1024 + 1))).admin().send().await;
    assert_eq!((over.refusal(), over.issues()), ((400, "request_invalid"), vec!["content.html"]));
    let huge = product.put("/v1/resources/dashboard/3", with("x".repeat(600 * 1024))).admin().send().await;
    assert_eq!(huge.refusal(), (413, "body_too_large"));
    let found = product.get("/v1/resources/dashboard/1").admin().send().await;
    assert!(found.json["content"]["html"] == largest);
}
