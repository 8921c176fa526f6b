//! Refusal records: an admin looks up the reason for a refused view by the request id that the viewer saw.

use serde_json::{Value, json};
use vitrine_tests::{Product, SECRET, sign};

async fn product() -> Product {
    let product = Product::start().await;
    let parameters = json!([{"slug": "customer", "name": "C", "type": "text"}]);
    product
        .publish("dashboard/1", json!({"parameters": parameters, "embedding_params": {"customer": "locked"}}))
        .await;
    product.publish("dashboard/2", json!({"enable_embedding": false})).await;
    product
}

async fn decision(product: &Product, request_id: &str) -> Value {
    product.wait_for_background_tasks().await;
    let answer = product.get(&format!("/v1/decisions/{request_id}")).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn every_refused_view_can_be_looked_up() {
    let product = product().await;
    let now = product.clock.now().unix();
    let about =
        |dashboard: i64, params: Value| json!({"resource": {"dashboard": dashboard}, "params": params});
    let secret_value = "a-value-that-nobody-may-read";
    let mut late = about(1, json!({"customer": secret_value}));
    late["exp"] = json!(now - 3_600);
    let mut far = about(1, json!({"customer": secret_value}));
    far["exp"] = json!(now + 90_000);
    let good = product.sign(about(1, json!({"customer": secret_value})));
    let cases = [
        (sign(&json!(["not an object"]), SECRET), "", "token_claims", None, false),
        (sign(&late, SECRET), "", "token_expired", Some("dashboard/1"), true),
        (sign(&far, SECRET), "", "token_lifetime", Some("dashboard/1"), true),
        (product.sign(about(9, json!({}))), "", "resource_not_found", Some("dashboard/9"), false),
        (product.sign(about(2, json!({}))), "", "resource_not_published", Some("dashboard/2"), false),
        (product.sign(about(1, json!({}))), "", "parameter_locked_missing", Some("dashboard/1"), false),
        (
            good.clone(),
            "customer=a-value-that-nobody-may-read",
            "parameter_locked",
            Some("dashboard/1"),
            false,
        ),
        (
            good.clone(),
            "nothing=a-value-that-nobody-may-read",
            "parameter_unknown",
            Some("dashboard/1"),
            false,
        ),
    ];
    for (token, query, reason, resource, is_about_time) in cases {
        let refused = product.view(&token, query).await;
        assert_eq!(refused.json["reason"], reason, "{}", refused.text);
        let request_id = refused.json["request_id"].as_str().unwrap();
        let record = decision(&product, request_id).await;
        assert_eq!(record["reason"], reason);
        assert_eq!(record["status"], refused.status.as_u16());
        assert_eq!(record["request_id"], request_id);
        assert_eq!(record["resource"].as_str(), resource, "{record}");
        assert_eq!(record["signing_key"].is_null(), resource.is_none(), "{record}");
        assert_eq!(record["clock_difference_seconds"].is_i64(), is_about_time, "{record}");
        for member in ["rule", "expected", "actual", "fix"] {
            assert!(!record[member].as_str().unwrap().is_empty(), "{reason}: {member}");
        }
        let text = record.to_string();
        for hidden in [secret_value, SECRET, token.as_str()] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

#[tokio::test]
async fn the_record_shows_the_difference_of_a_wrong_clock() {
    let product = product().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}}));
    product.clock.set_offset(1_000);
    let refused = product.view(&token, "").await;
    let record = decision(&product, refused.json["request_id"].as_str().unwrap()).await;
    let difference = record["clock_difference_seconds"].as_i64().unwrap();
    assert!((395..=405).contains(&difference), "{record}");
    assert!(record["actual"].as_str().unwrap().contains("exp"), "{record}");
}

#[tokio::test]
async fn every_route_that_opens_views_records_its_refusals() {
    let product = product().await;
    let token = product.sign(json!({"resource": {"dashboard": 2}, "params": {}}));
    let calls = [
        product.get("/v1/view").bearer(&token),
        product.get(&format!("/api/embed/dashboard/{token}")),
        product.get("/v1/view/dashboard/2").bearer(&token),
        product.get("/api/v1/users/me").bearer(&token),
    ];
    for call in calls {
        let refused = call.send().await;
        let record = decision(&product, refused.json["request_id"].as_str().unwrap()).await;
        assert_eq!(record["reason"], refused.json["reason"]);
    }
    // Introspection says only that a token is inactive; its request id leads to the reason.
    let asked = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    let record = decision(&product, asked.header("x-request-id")).await;
    assert_eq!(record["reason"], "resource_not_published");

    let event = json!({"headers": {"authorization": format!("Bearer {token}")}, "requestContext": {"requestId": "gateway-1"}});
    let event = serde_json::from_value(event).unwrap();
    authorize_request::authorize(&product.authorize_request, event).await.unwrap();
    assert_eq!(decision(&product, "gateway-1").await["reason"], "resource_not_published");
}

#[tokio::test]
async fn records_are_for_admins_and_expire_after_a_week() {
    let product = product().await;
    let token = product.sign(json!({"resource": {"dashboard": 2}, "params": {}}));
    let refused = product.view(&token, "").await;
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", refused.json["request_id"].as_str().unwrap());
    let member = product.key("member", &["introspect"]).await;
    assert_eq!(product.get(&path).bearer(&member).send().await.refusal(), (403, "access_denied"));
    assert_eq!(product.get(&path).send().await.status, 401);
    assert_eq!(product.get(&path).admin().send().await.status, 200);
    product.clock.set_offset(7 * 86_400 + 1);
    assert_eq!(product.get(&path).admin().send().await.refusal(), (404, "decision_not_found"));
    let long = format!("/v1/decisions/{}", "x".repeat(3_000));
    assert_eq!(product.get(&long).admin().send().await.refusal(), (404, "decision_not_found"));
}

#[tokio::test]
async fn neither_an_opened_view_nor_an_outage_writes_a_record() {
    let product = product().await;
    let before = product.items().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}}));
    assert_eq!(product.view(&token, "").await.status, 200);
    product.wait_for_background_tasks().await;
    assert_eq!(
        product.items().await,
        before + 2,
        "only the last use of the key, and the number of the day's views"
    );
    // A product that has not read its keys yet.
    let product = Product::start().await;
    product.services.put_signing_keys("{}").unwrap();
    let refused = product.view(&token, "").await;
    assert_eq!(refused.status, 503);
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", refused.json["request_id"].as_str().unwrap());
    assert_eq!(product.get(&path).admin().send().await.refusal(), (404, "decision_not_found"));
}

/// The counts of unauthenticated refusals, over all minutes.
async fn counts(product: &Product) -> Vec<(String, u64)> {
    product.wait_for_background_tasks().await;
    let answer = product.get("/v1/decisions/unauthenticated").admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut all = std::collections::BTreeMap::new();
    for minute in answer.json["items"].as_array().unwrap() {
        assert!(minute["minute"].as_str().unwrap().ends_with(":00Z"), "{minute}");
        for (reason, times) in minute["reasons"].as_object().unwrap() {
            *all.entry(reason.clone()).or_default() += times.as_u64().unwrap();
        }
    }
    all.into_iter().collect()
}

/// Anybody can make such requests, so they must not fill the table.
#[tokio::test]
async fn refusals_without_an_authentic_token_are_counted_and_not_recorded() {
    let product = product().await;
    let good = product.sign(json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}}));
    assert_eq!(product.view(&good, "").await.status, 200);
    product.wait_for_background_tasks().await;
    let before = product.items().await;
    assert_eq!(counts(&product).await, []);
    let forged = sign(&json!({"exp": product.clock.now().unix() + 60}), &"a".repeat(64));
    let unknown_key = {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        header.kid = Some("nobody".to_owned());
        vitrine_tests::sign_with(&header, &json!({}), SECRET)
    };
    let mut first = None;
    for _ in 0..250 {
        let refused = product.get("/v1/view?ssn-078-05-1120=1").send().await;
        assert_eq!(refused.refusal(), (401, "token_missing"));
        first.get_or_insert(refused.header("x-request-id").to_owned());
        assert_eq!(product.view(&forged, "").await.refusal(), (401, "token_signature"));
        assert_eq!(product.view("garbage", "").await.refusal(), (400, "token_malformed"));
        assert_eq!(product.view(&unknown_key, "").await.refusal(), (401, "token_key_unknown"));
    }
    product.wait_for_background_tasks().await;
    let added = product.items().await - before;
    assert!((1..=3).contains(&added), "{added} items");

    // The record of such a request says where it was counted instead.
    let record = product.get(&format!("/v1/decisions/{}", first.unwrap())).admin().send().await;
    assert_eq!(record.refusal(), (404, "decision_not_found"));
    assert!(
        record.json["message"].as_str().unwrap().contains("/v1/decisions/unauthenticated"),
        "{}",
        record.text
    );

    // All of them are counted once a minute has passed, with the next request of any kind.
    product.clock.set_offset(61);
    assert_eq!(product.view(&good, "").await.status, 200);
    let expected = ["token_key_unknown", "token_malformed", "token_missing", "token_signature"]
        .map(|reason| (reason.to_owned(), 250));
    assert_eq!(counts(&product).await, expected);
    let stored = format!("{:?}", product.table().await);
    for hidden in ["ssn-078", "garbage", "nobody"] {
        assert!(!stored.contains(hidden), "{hidden}");
    }
    product.clock.set_offset(7 * 86_400 + 200);
    assert_eq!(counts(&product).await, []);
}

#[tokio::test]
async fn counts_are_for_admins_of_the_stack_and_come_in_pages() {
    let product = product().await;
    let path = "/v1/decisions/unauthenticated";
    for minute in 0..5 {
        product.clock.set_offset(minute * 60);
        assert_eq!(product.get("/v1/view").send().await.status, 401);
        product.wait_for_background_tasks().await;
    }
    let member = product.key("member", &["introspect"]).await;
    assert_eq!(product.get(path).bearer(&member).send().await.refusal(), (403, "access_denied"));
    assert_eq!(product.get(path).send().await.status, 401);
    let (mut minutes, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let next = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = product.get(&format!("{path}?limit=2{next}")).admin().send().await.json;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        minutes.extend(items.iter().map(|item| item["minute"].as_str().unwrap().to_owned()));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(minutes.len(), 5);
    assert!(minutes.is_sorted_by(|later, earlier| later > earlier), "{minutes:?}");
}

#[tokio::test]
async fn names_in_a_record_are_cut_at_100_characters() {
    let product = product().await;
    let long = "n".repeat(20_000);
    let claims = json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}});
    let token = product.sign(claims);
    for query in [format!("{long}=1"), format!("parameters=%7B%22{long}%22%3A1%7D")] {
        let refused = product.view(&token, &query).await;
        assert_eq!(refused.json["reason"], "parameter_unknown");
        assert!(refused.text.len() < 400, "{}", refused.text);
        let record = decision(&product, refused.json["request_id"].as_str().unwrap()).await;
        assert_eq!(record["actual"], format!("Unknown parameter :{}….", "n".repeat(99)));
    }
    let by_id = product
        .get(&format!("/api/embed/dashboard/{token}/params/{}/values", "n".repeat(3_000)))
        .send()
        .await;
    assert!(by_id.status.is_client_error() && by_id.text.len() < 400, "{}", by_id.text);
}
