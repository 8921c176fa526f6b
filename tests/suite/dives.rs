//! Dives: versioned content; a view shows the version that its token names.

use serde_json::{Value, json};
use vitrine_tests::Product;

fn html(text: &str) -> Value {
    json!({"type": "html", "html": text})
}

async fn create(product: &Product, fields: Value) -> Value {
    let mut body = json!({"title": "A dive", "content": html("first"), "enable_embedding": true});
    vitrine_tests::merge(&mut body, fields);
    let answer = product.post("/v1/dives", body).admin().send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json
}

fn path(dive: &Value) -> String {
    format!("/v1/dives/{}", dive["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_new_dive_has_a_new_id_and_version_one() {
    let product = Product::start().await;
    let (one, other) = (create(&product, json!({})).await, create(&product, json!({})).await);
    assert_eq!((&one["kind"], &one["version"]), (&json!("dive"), &json!(1)));
    assert_eq!(one["id"].as_str().unwrap().len(), 36);
    assert_ne!(one["id"], other["id"]);
    assert_eq!(product.get(&path(&one)).admin().send().await.json, one);
    let listed = product.get("/v1/dives").admin().send().await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn changed_content_adds_a_version_and_keeps_the_older_ones() {
    let product = Product::start().await;
    let dive = create(&product, json!({})).await;
    let put =
        async |body: Value| product.put(&path(&dive), body).admin().send().await.json["version"].clone();
    assert_eq!(put(json!({"title": "Renamed", "content": html("first")})).await, 1);
    assert_eq!(put(json!({"title": "Renamed", "content": html("second")})).await, 2);
    let patched =
        product.patch(&path(&dive), json!({"title": "Again", "enable_embedding": true})).admin().send().await;
    assert_eq!((&patched.json["version"], &patched.json["content"]), (&json!(2), &html("second")));
    assert_eq!(put(json!({"title": "Back", "content": html("first")})).await, 3);

    for (version, content) in [(1, "first"), (2, "second"), (3, "first")] {
        let read = product.get(&format!("{}/versions/{version}", path(&dive))).admin().send().await;
        assert_eq!((&read.json["version"], &read.json["content"]), (&json!(version), &html(content)));
    }
    let versions = async |query: &str| {
        let page = product.get(&format!("{}/versions{query}", path(&dive))).admin().send().await;
        assert_eq!(page.status, 200, "{}", page.text);
        let numbers: Vec<_> = page.json["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["version"].as_u64().unwrap())
            .collect();
        (numbers, page.json["next_cursor"].as_str().map(str::to_owned))
    };
    let (numbers, next) = versions("?limit=2").await;
    assert_eq!(numbers, [3, 2]);
    assert_eq!(versions(&format!("?limit=2&cursor={}", next.unwrap())).await, (vec![1], None));
}

#[tokio::test]
async fn the_native_route_adds_versions_too() {
    let product = Product::start().await;
    let dive = create(&product, json!({})).await;
    let native = format!("/v1/resources/dive/{}", dive["id"].as_str().unwrap());
    let put = product.put(&native, json!({"title": "T", "content": html("second")})).admin().send().await;
    assert_eq!(put.json["version"], 2);
    assert_eq!(
        product.get(&format!("{}/versions/2", path(&dive))).admin().send().await.json["content"],
        html("second")
    );
}

#[tokio::test]
async fn a_token_opens_the_version_that_it_names() {
    let product = Product::start().await;
    let dive = create(&product, json!({})).await;
    let body = json!({"title": "T", "content": html("second"), "enable_embedding": true});
    product.put(&path(&dive), body).admin().send().await;
    let token = |version: Value| {
        product.sign_as_minted(json!({"resource": {"dive": dive["id"]}, "params": {}, "version": version}))
    };
    for (version, content) in [(json!(null), "second"), (json!(1), "first"), (json!(2), "second")] {
        let view = product.view(&token(version.clone()), "").await;
        assert_eq!(view.json["content"], html(content), "{version}: {}", view.text);
    }
    assert_eq!(product.view(&token(json!(3)), "").await.refusal(), (404, "version_not_found"));
    for wrong in [json!(0), json!(-1), json!("1"), json!(1.5), json!(true)] {
        assert_eq!(product.view(&token(wrong.clone()), "").await.refusal(), (401, "token_claims"), "{wrong}");
    }
    // The versions of a dashboard are for its owner.
    product.publish("dashboard/1", json!({})).await;
    let dashboard = json!({"resource": {"dashboard": 1}, "params": {}, "version": 1});
    let kept = product.get("/v1/resources/dashboard/1/versions/1").admin().send().await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    let opened = product.view(&product.sign_as_minted(dashboard.clone()), "").await;
    assert_eq!(opened.refusal(), (404, "version_not_found"));
    // The claim is another thing in an owner's token.
    assert_eq!(product.view(&product.sign(dashboard), "").await.status, 200);
}

#[tokio::test]
async fn removing_a_dive_removes_its_versions() {
    let product = Product::start().await;
    let dive = create(&product, json!({})).await;
    product.put(&path(&dive), json!({"title": "T", "content": html("second")})).admin().send().await;
    assert_eq!(product.delete(&path(&dive)).admin().send().await.status, 204);
    for gone in [path(&dive), format!("{}/versions", path(&dive)), format!("{}/versions/1", path(&dive))] {
        assert_eq!(product.get(&gone).admin().send().await.refusal(), (404, "resource_not_found"), "{gone}");
    }
    // No new dive inherits them, because none gets the id.
    let native = format!("/v1/resources/dive/{}", dive["id"].as_str().unwrap());
    let again = product.put(&native, json!({"title": "T", "content": html("anew")})).admin().send().await;
    assert_eq!(again.refusal(), (409, "id_deleted"));
    let second = product.get(&format!("{}/versions/2", path(&dive))).admin().send().await;
    assert_eq!(second.refusal(), (404, "resource_not_found"));
    let versions = product.table().await.into_iter().filter(|item| item["sk"].starts_with("version"));
    assert_eq!(versions.count(), 0);
}

#[tokio::test]
async fn an_invalid_dive_names_each_wrong_field() {
    let product = Product::start().await;
    let dive = create(&product, json!({})).await;
    let one = path(&dive);
    let cases = [
        (product.post("/v1/dives", json!({"title": "T"})), (400, "request_invalid"), vec!["content"]),
        (product.post("/v1/dives", json!({"content": html("x")})), (400, "request_invalid"), vec!["title"]),
        (
            product.post("/v1/dives", json!({"title": "T", "content": html("x"), "sql": 1})),
            (400, "request_invalid"),
            vec!["sql"],
        ),
        (
            product.post("/v1/dives", json!({"title": "T", "content": html(&"x".repeat(300 * 1024 + 1))})),
            (400, "request_invalid"),
            vec!["content.html"],
        ),
        (product.put(&one, json!({"title": "T"})), (400, "request_invalid"), vec!["content"]),
        (product.patch(&one, json!({"content": html("x")})), (400, "request_invalid"), vec!["content"]),
        (product.patch(&one, json!({"title": ""})), (400, "request_invalid"), vec!["title"]),
        (
            product.patch(&one, json!({"embedding_params": {"gone": "locked"}})),
            (400, "request_invalid"),
            vec!["embedding_params.gone"],
        ),
        (product.get("/v1/dives/1"), (400, "id_invalid"), vec![]),
        (product.get("/v1/dives/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77"), (404, "resource_not_found"), vec![]),
        (product.get(&format!("{one}/versions/0")), (400, "request_invalid"), vec!["version"]),
        (product.get(&format!("{one}/versions/01")), (400, "request_invalid"), vec!["version"]),
        (product.get(&format!("{one}/versions/9")), (404, "version_not_found"), vec![]),
        (product.get(&format!("{one}/versions?cursor=x")), (400, "cursor_invalid"), vec![]),
        (product.get("/v1/dives?kind=dive"), (400, "request_invalid"), vec!["kind"]),
    ];
    for (call, refusal, fields) in cases {
        let answer = call.admin().send().await;
        assert_eq!((answer.refusal(), answer.issues()), (refusal, fields), "{}", answer.text);
    }
    assert_eq!(product.get(&one).admin().send().await.json, dive);
}
