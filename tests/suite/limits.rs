//! Length limits count characters, and a new number skips any numbers that are taken.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, merge};

/// A limit of 255 characters is the same in every script.
#[tokio::test]
async fn limits_count_characters_instead_of_bytes() {
    let product = Product::start().await;
    let put = async |fields: Value| -> Answer {
        let mut body = json!({"title": "T"});
        merge(&mut body, fields);
        product.put("/v1/resources/dashboard/1", body).admin().send().await
    };
    let parameter = |slug: String| json!({"parameters": [{"slug": slug, "name": "N", "type": "text"}]});
    for letter in ["a", "я", "語", "🦀"] {
        for (field, longest, fields) in [
            ("title", 255, &(|text: String| json!({ "title": text })) as &dyn Fn(String) -> Value),
            ("description", 4_096, &|text| json!({ "description": text })),
            ("parameters[0].slug", 100, &parameter),
        ] {
            let fits = put(fields(letter.repeat(longest))).await;
            assert!(fits.status.is_success(), "{longest} times {letter} as {field}: {}", fits.text);
            let over = put(fields(letter.repeat(longest + 1))).await;
            assert_eq!((over.refusal(), over.issues()), ((400, "request_invalid"), vec![field]), "{letter}");
        }
        let key = async |length: usize| {
            let body = json!({"name": letter.repeat(length), "role": "member"});
            product.post("/v1/keys", body).admin().send().await.status.as_u16()
        };
        assert_eq!((key(255).await, key(256).await), (201, 400), "{letter} as a key's name");
    }
}

#[tokio::test]
async fn a_new_resource_gets_the_first_free_number() {
    let product = Product::start().await;
    for number in 1..=12 {
        product.publish(&format!("dashboard/{number}"), json!({})).await;
    }
    let created = product
        .put("/v1/resources/dashboard/V1StGXR8_Z5jdHi6B-myT", json!({"title": "T"}))
        .admin()
        .send()
        .await;
    assert_eq!((created.status.as_u16(), &created.json["id"]), (201, &json!(13)), "{}", created.text);
}
