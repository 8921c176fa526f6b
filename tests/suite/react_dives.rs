//! Dives that are one component of React: what is stored, what viewers receive, and their queries.

use serde_json::{Value, json};
use vitrine_tests::Product;

use crate::query_data::{DIVE, ask, dive_token, product, rows};

const SOURCE: &str = "export default function Dive() { return <p>canary</p>; }";

fn content() -> Value {
    json!({
        "type": "react", "source": SOURCE, "code": "mountDive(Dive);", "runtime": 1,
        "queries": {"ids": {"sql": "select id from orders order by id"}},
    })
}

async fn publish(product: &Product, content: Value) {
    product.publish(&format!("dive/{DIVE}"), json!({ "content": content })).await;
}

#[tokio::test]
async fn viewers_of_a_component_receive_its_code_and_its_rows() {
    let product = product().await;
    publish(&product, content()).await;
    let path = format!("/v1/dives/{DIVE}");
    let stored = product.get(&path).admin().send().await;
    assert_eq!(stored.json["content"], content());
    let token = dive_token(&product, "ann", &["Berlin"], json!({}));
    let view = product.get("/v1/view").bearer(&token).send().await;
    let shown = json!({"type": "react", "code": "mountDive(Dive);", "runtime": 1, "queries": {"ids": {"parameters": []}}});
    assert_eq!(view.json["content"], shown);
    assert!(!view.text.contains("canary") && !view.text.contains("select"), "{}", view.text);
    assert_eq!(rows(&ask(&product, &token, json!({"query": "ids"})).await), &json!([[1], [2]]));
    for (named, expected) in
        [(json!({"query": "other"}), (404, "query_not_found")), (json!({}), (400, "request_invalid"))]
    {
        assert_eq!(ask(&product, &token, named).await.refusal(), expected);
    }
}

#[tokio::test]
async fn each_version_keeps_its_source_and_its_code() {
    let product = product().await;
    publish(&product, content()).await;
    let mut second = content();
    second["code"] = json!("mountDive(Other);");
    publish(&product, second.clone()).await;
    publish(&product, second.clone()).await;
    let read = async |version: u32| {
        product.get(&format!("/v1/dives/{DIVE}/versions/{version}")).admin().send().await.json["content"]
            .clone()
    };
    assert_eq!((read(1).await, read(2).await), (content(), second.clone()));
    assert_eq!(read(3).await, Value::Null, "the same content makes no version");
    // Without queries, and back to HTML.
    second.as_object_mut().unwrap().remove("queries");
    publish(&product, second.clone()).await;
    assert_eq!(read(3).await, second);
    publish(&product, json!({"type": "html", "html": "<p>"})).await;
    assert_eq!(read(4).await, json!({"type": "html", "html": "<p>"}));
}

#[tokio::test]
async fn a_source_without_its_code_is_refused_and_the_command_is_named() {
    let product = product().await;
    let put = async |path: String, content: Value| {
        product.put(&path, json!({"title": "A dive", "content": content})).admin().send().await
    };
    let of_dive = format!("/v1/resources/dive/{DIVE}");
    let refused = put(of_dive.clone(), json!({"type": "react", "source": SOURCE})).await;
    let issue = json!({
        "path": "content.code",
        "message": "content.code is required: `vitrine publish dive FILE.tsx` compiles the source and publishes it",
    });
    assert_eq!((refused.status.as_u16(), &refused.json["issues"]), (400, &json!([issue])));
    assert_eq!(
        product
            .post("/v1/dives", json!({"title": "A dive", "content": {"type": "react", "source": SOURCE}}))
            .admin()
            .send()
            .await
            .status,
        400
    );
    for (path, content) in [
        (of_dive.clone(), json!({"type": "react", "source": SOURCE, "code": "1", "runtime": 2})),
        (of_dive.clone(), json!({"type": "react", "code": "1", "runtime": 1})),
        (
            of_dive.clone(),
            json!({"type": "react", "source": SOURCE, "code": "x".repeat(300 * 1024), "runtime": 1}),
        ),
        ("/v1/resources/dashboard/1".to_owned(), content()),
        ("/v1/resources/question/1".to_owned(), content()),
    ] {
        assert_eq!(put(path, content).await.status, 400);
    }
    assert_eq!(product.get(&of_dive).admin().send().await.status, 404, "nothing was stored");
    assert_eq!(put(of_dive, content()).await.status, 201);
}
