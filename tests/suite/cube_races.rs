//! Invariants of Cube sessions, users and groups under concurrent requests.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use vitrine_tests::{Answer, Call, Product};

/// Sends all calls concurrently.
async fn at_once(calls: Vec<Call>) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(calls.len()));
    let sent: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                call.send().await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    answers
}

fn generate(product: &Product, fields: Value) -> Call {
    let mut body = json!({"deploymentId": 1});
    vitrine_tests::merge(&mut body, fields);
    product.post("/api/v1/embed/generate-session", body).admin()
}

fn succeeded(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == 200).count()
}

/// Sends the calls concurrently and retries those that get a 503.
pub async fn at_once_with_retries(times: usize, call: impl Fn(usize) -> Call) -> Vec<Answer> {
    let mut answers = at_once((0..times).map(&call).collect()).await;
    for (number, answer) in answers.iter_mut().enumerate() {
        for _ in 0..50 {
            if answer.status == 503 {
                *answer = call(number).send().await;
            }
        }
    }
    answers
}

/// All users, from all pages.
async fn users(product: &Product) -> BTreeSet<String> {
    let page = product.get("/v1/external-users?limit=1000").admin().send().await.json;
    assert_eq!(page["next_cursor"], json!(null));
    let items = page["items"].as_array().unwrap();
    items.iter().map(|user| user["external_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_exchanges_succeeds() {
    let product = Product::start().await;
    for round in 0..20 {
        let session = generate(&product, json!({"externalId": format!("user {round}")})).send().await.json;
        let calls = (0..100)
            .map(|_| product.post("/api/v1/embed/session/token", json!({"sessionId": session["sessionId"]})));
        let answers = at_once(calls.collect()).await;
        assert_eq!(succeeded(&answers), 1, "round {round}");
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(answer.refusal(), (401, "session_unknown"), "round {round}");
        }
    }
}

/// The limit is exact under concurrency.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_new_users_fill_the_limit_exactly() {
    let product = Product::start_with(&[("MaxExternalUsers", "150")]).await;
    let call = |number: usize| {
        let tenant = if number.is_multiple_of(2) { json!("acme") } else { Value::Null };
        generate(&product, json!({"externalId": format!("user{number}"), "embedTenantName": tenant}))
    };
    let answers = at_once_with_retries(200, call).await;
    assert_eq!(succeeded(&answers), 150);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.refusal(), (429, "user_limit_reached"), "{}", answer.text);
    }
    let alone = users(&product).await.len();
    let tenants = product.get("/api/v1/embed-tenants").admin().send().await.json;
    let in_tenant = tenants["items"][0]["userCount"].as_u64().unwrap();
    assert_eq!(alone as u64 + in_tenant, 150);

    // Removing users frees exactly their number.
    assert_eq!(product.delete("/api/v1/embed-tenants/acme").admin().send().await.status, 204);
    let call = |number: usize| generate(&product, json!({"externalId": format!("late{number}")}));
    assert_eq!(succeeded(&at_once_with_retries(200, call).await) as u64, in_tenant);
    assert_eq!(users(&product).await.len(), 150);
}

/// Many concurrent sessions of one new user count as one user.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sessions_of_one_new_user_create_one_user() {
    let product = Product::start_with(&[("MaxExternalUsers", "2")]).await;
    let call = |_| generate(&product, json!({"externalId": "ann", "embedTenantName": "acme"}));
    let answers = at_once_with_retries(40, call).await;
    assert_eq!(succeeded(&answers), 40);
    let sessions: BTreeSet<_> =
        answers.iter().map(|answer| answer.json["sessionId"].as_str().unwrap()).collect();
    assert_eq!(sessions.len(), 40);
    assert_eq!(generate(&product, json!({"externalId": "bob"})).send().await.status, 200);
    let third = generate(&product, json!({"externalId": "eve"})).send().await;
    assert_eq!(third.refusal(), (429, "user_limit_reached"));
}

/// Each request sets another attribute of the same user, and none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_updates_of_one_user_are_all_kept() {
    let product = Product::start().await;
    for number in 0..30 {
        let definition = json!({"name": format!("a{number}"), "type": "number"});
        assert_eq!(product.post("/v1/attributes", definition).admin().send().await.status, 201);
    }
    let calls = (0..30).flat_map(|number| {
        let value = json!([{"name": format!("a{number}"), "value": number}]);
        [
            generate(&product, json!({"externalId": "ann", "userAttributes": value})),
            generate(&product, json!({"externalId": "ann"})),
        ]
    });
    let answers = at_once(calls.collect()).await;
    assert_eq!(succeeded(&answers), 60, "{:?}", answers.iter().find(|answer| answer.status != 200));

    let session = generate(&product, json!({"externalId": "ann"})).send().await.json;
    let session = json!({"sessionId": session["sessionId"]});
    let token = product.post("/api/v1/embed/session/token", session).send().await.json;
    let known = product.post("/v1/introspect", json!({"token": token["token"]})).admin().send().await.json;
    let expected: serde_json::Map<_, _> =
        (0..30).map(|number| (format!("a{number}"), json!(number))).collect();
    assert_eq!(known["viewer"]["attributes"], Value::Object(expected));
}

/// Users are added to a tenant while it is removed: afterwards it is gone, or it exists with all its users.
#[tokio::test(flavor = "multi_thread")]
async fn removing_a_tenant_while_users_are_added_is_atomic() {
    let product = Product::start().await;
    for round in 0..5 {
        let come = |number| {
            let user = format!("user{round}x{number}");
            generate(&product, json!({"externalId": user, "embedTenantName": "acme"}))
        };
        for number in 0..10 {
            assert_eq!(come(number).send().await.status, 200);
        }
        let mut calls: Vec<_> = (10..30).map(come).collect();
        calls.push(product.delete("/api/v1/embed-tenants/acme").admin());
        for answer in at_once(calls).await {
            assert!(answer.status.is_success(), "{}", answer.text);
        }
        let tenants = product.get("/api/v1/embed-tenants").admin().send().await.json;
        let counted = tenants["items"]
            .as_array()
            .unwrap()
            .first()
            .map_or(0, |tenant| tenant["userCount"].as_u64().unwrap());
        let listed = product.get("/v1/external-users?tenant=acme&limit=1000").admin().send().await.json;
        assert_eq!(listed["items"].as_array().unwrap().len() as u64, counted, "round {round}");
        assert_eq!(product.delete("/api/v1/embed-tenants/acme").admin().send().await.status, 204);
    }
    assert_eq!(product.get("/api/v1/embed-tenants").admin().send().await.json["items"], json!([]));
}

/// Members are added and removed concurrently, and the group's count is right afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_groups_member_count_survives_concurrent_changes() {
    let product = Product::start().await;
    let group =
        product.post("/api/v1/embed-tenants/acme/groups", json!({"name": "team"})).admin().send().await.json;
    let path = format!("/api/v1/embed-tenants/acme/groups/{}", group["id"]);
    let members = |range: std::ops::Range<u32>| {
        let members: Vec<_> = range.map(|number| json!({"externalId": format!("user{number}")})).collect();
        json!({ "members": members })
    };
    let add = |range| product.post(&format!("{path}/users"), members(range)).admin();
    let answers = at_once(vec![add(0..40), add(20..60), add(40..80)]).await;
    assert_eq!(succeeded(&answers), 3);
    let added: usize =
        answers.iter().map(|answer| answer.json["addedMembers"].as_array().unwrap().len()).sum();
    assert_eq!(added, 80);
    let remove = |range| product.delete(&format!("{path}/users")).json(members(range)).admin();
    for answer in at_once(vec![remove(0..30), remove(10..50), add(70..90)]).await {
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    let read = product.get(&path).admin().send().await.json;
    let listed = product.get(&format!("{path}/users?first=1000")).admin().send().await.json;
    assert_eq!((read["userCount"].as_u64(), listed["items"].as_array().unwrap().len()), (Some(40), 40));
}

/// An email address belongs to one account at any time, also while accounts are created, changed and removed at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_address_has_one_account_under_concurrent_changes() {
    let product = Product::start().await;
    let create =
        |name: String, email: &str| product.post("/v1/users", json!({"username": name, "email": email}));
    let answers =
        at_once_with_retries(30, |number| create(format!("new{number}"), "Ann@x.example").admin()).await;
    assert_eq!(succeeded(&answers), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.refusal(), (409, "email_taken"), "{}", answer.text);
    }

    for number in 0..10 {
        assert_eq!(
            create(format!("old{number}"), &format!("old{number}@x.example")).admin().send().await.status,
            200
        );
    }
    let change = |number: usize| match number % 3 {
        0 => {
            product.patch(&format!("/v1/users/old{}", number % 10), json!({"email": "bob@x.example"})).admin()
        }
        1 => product.patch(&format!("/v1/users/old{}", number % 10), json!({"email": null})).admin(),
        _ => product.delete(&format!("/v1/users/old{}", number % 10)).admin(),
    };
    for answer in at_once_with_retries(30, change).await {
        let expected =
            [(200, ""), (204, ""), (404, "account_not_found"), (409, "email_taken"), (409, "conflict")];
        let (status, reason) = answer.refusal();
        assert!(
            expected.iter().any(|one| *one == (status, reason.trim_start_matches("(none)"))),
            "{}",
            answer.text
        );
    }

    let (mut owners, mut claims) = (BTreeSet::new(), BTreeSet::new());
    for item in product.table().await {
        let partition = item["pk"].clone();
        if let Some(email) = partition.strip_prefix("account-email#") {
            claims.insert((item["account_id"].clone(), email.to_owned()));
        } else if partition.starts_with("account#") && item["sk"] == "account" {
            let account: Value = serde_json::from_str(&item["document"]).unwrap();
            if let Some(email) = account["email"].as_str() {
                owners.insert((account["id"].as_str().unwrap().to_owned(), email.to_lowercase()));
            }
        }
    }
    assert_eq!(claims, owners);
    assert!(owners.iter().filter(|(_, email)| email == "bob@x.example").count() <= 1);
}
