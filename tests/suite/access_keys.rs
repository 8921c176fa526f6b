//! Access keys: their scope, the headers that carry them, their expiry, their list, and requests that are wrong.

use std::collections::BTreeSet;

use serde_json::json;
use vitrine_tests::{ADMIN_KEY, Product};

use crate::access::{key, made, make, product};
use crate::shape::assert_problem;

#[tokio::test]
async fn a_scoped_key_creates_no_key_with_a_wider_scope() {
    let product = Product::start_with(&[("Deployments", "1,2,3")]).await;
    let scoped = key(&product, json!({"deployments": [1, 2]})).await;
    let before = product.items().await;
    for deployments in [json!([]), json!([3]), json!([1, 3]), json!([1, 2, 3])] {
        for role in ["admin", "member", "restricted"] {
            let answer = make(&product, &scoped, json!({"role": role, "deployments": deployments})).await;
            assert_problem(&answer, "wider");
            assert_eq!(answer.refusal(), (403, "access_denied"), "{role} {deployments}");
        }
    }
    let unsaid =
        product.post("/v1/keys", json!({"name": "k", "role": "member"})).bearer(&scoped).send().await;
    assert_eq!(unsaid.refusal(), (403, "access_denied"));
    assert_eq!(product.items().await, before);
    for deployments in [json!([1]), json!([2]), json!([1, 2])] {
        let answer = make(&product, &scoped, json!({ "deployments": deployments })).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["deployments"]),
            (201, &deployments),
            "{}",
            answer.text
        );
    }
}

/// An admin of one deployment does not administer keys for other deployments.
#[tokio::test]
async fn a_scoped_key_deletes_no_key_with_a_wider_scope() {
    let product = product().await;
    let scoped = key(&product, json!({"deployments": [2]})).await;
    for wider in [json!({}), json!({"deployments": [1]}), json!({"deployments": [1, 2]})] {
        let wider = made(&product, wider).await;
        let answer = product
            .delete(&format!("/v1/keys/{}", wider["id"].as_str().unwrap()))
            .bearer(&scoped)
            .send()
            .await;
        assert_eq!(answer.refusal(), (404, "access_key_not_found"), "{}", wider["deployments"]);
        assert_eq!(product.get("/v1/keys").bearer(wider["key"].as_str().unwrap()).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_key_is_accepted_in_each_header_that_clients_use() {
    let product = Product::start().await;
    let key = product.key("admin", &[]).await;
    let good = [
        ("authorization", "Bearer {key}"),
        ("authorization", "bearer {key}"),
        ("authorization", "BEARER {key}"),
        ("authorization", "Bearer   {key}  "),
        ("Authorization", "Api-Key {key}"),
        ("authorization", "api-key {key}"),
        ("authorization", "API-KEY {key}"),
        ("x-api-key", "{key}"),
        ("X-API-Key", " {key} "),
        ("X-Metabase-Session", "{key}"),
        ("x-metabase-session", "{key}"),
    ];
    let bad = [
        ("authorization", "{key}"),
        ("authorization", "Basic {key}"),
        ("authorization", "Token {key}"),
        ("authorization", "ApiKey {key}"),
        ("authorization", "Bearer:{key}"),
        ("x-api-key", ""),
        ("x-api-key", "  "),
        ("api-key", "{key}"),
        ("x-vitrine-key", "{key}"),
        ("cookie", "metabase.SESSION={key}"),
        ("proxy-authorization", "Bearer {key}"),
    ];
    for shown in [ADMIN_KEY, &key] {
        for (name, value) in good {
            let answer = product.get("/v1/keys").header(name, value.replace("{key}", shown)).send().await;
            assert_eq!(answer.status, 200, "{name}: {value}");
        }
        for (name, value) in bad {
            let answer = product.get("/v1/keys").header(name, value.replace("{key}", shown)).send().await;
            assert_problem(&answer, name);
            assert_eq!(answer.refusal(), (401, "access_key_missing"), "{name}: {value}");
        }
        for query in ["api_key", "key", "access_key", "x-api-key"] {
            let answer = product.get(&format!("/v1/keys?{query}={shown}")).send().await;
            assert_eq!(answer.refusal(), (401, "access_key_missing"), "{query}");
        }
    }
    // The first of these headers decides.
    let both = product.get("/v1/keys").bearer("garbage").header("x-api-key", ADMIN_KEY).send().await;
    assert_eq!(both.refusal(), (401, "access_key_unknown"));
}

#[tokio::test]
async fn a_key_is_returned_only_when_it_is_created() {
    let product = Product::start().await;
    let fields = json!({"name": "the backend's", "role": "member", "permissions": ["introspect"], "deployments": [1], "expires_at": "2999-01-31T12:00:00+01:00"});
    let created = make(&product, ADMIN_KEY, fields).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.header("cache-control"), "no-store");
    let mut record = created.json;
    let key = record.as_object_mut().unwrap().remove("key").unwrap();
    let key = key.as_str().unwrap();
    let id = record["id"].as_str().unwrap().to_owned();
    assert_eq!(
        record,
        json!({
            "id": id, "name": "the backend's", "role": "member", "permissions": ["introspect"], "deployments": [1],
            "created_at": record["created_at"], "expires_at": "2999-01-31T11:00:00Z",
        })
    );
    let listed = product.get("/v1/keys").admin().send().await;
    assert_eq!(listed.json, json!({"items": [record], "next_cursor": null}));
    let (_, secret) = key.split_at(key.len() - 43);
    let fingerprint = vitrine::rules::random::fingerprint(key);
    for hidden in [key, secret, fingerprint.as_str(), ADMIN_KEY] {
        assert!(!listed.text.contains(hidden));
    }
    let path = format!("/v1/keys/{id}");
    let read = product.get(&path).admin().send().await;
    assert_eq!(read.refusal(), (405, "method_not_allowed"));
    assert_eq!(product.delete(&path).admin().send().await.status, 204);
    assert_eq!(product.delete(&path).admin().send().await.refusal(), (404, "access_key_not_found"));
    assert_eq!(product.get("/v1/keys").admin().send().await.json["items"], json!([]));
}

#[tokio::test]
async fn a_key_ends_at_its_expiry() {
    let product = Product::start().await;
    let now = product.clock.now();
    for past in [now.to_string(), now.plus(-1).to_string(), "1970-01-01T00:00:00Z".to_owned()] {
        let answer = make(&product, ADMIN_KEY, json!({ "expires_at": past })).await;
        assert_eq!(
            (answer.refusal(), answer.issues()),
            ((400, "request_invalid"), vec!["expires_at"]),
            "{past}"
        );
    }
    assert_eq!(product.items().await, 0);
    let short = key(&product, json!({"expires_at": now.plus(100).to_string()})).await;
    let long = key(&product, json!({"expires_at": null})).await;
    for (offset, expected) in [(0, 200), (90, 200), (101, 401), (86_400, 401), (0, 200)] {
        product.clock.set_offset(offset);
        assert_eq!(product.get("/v1/keys").bearer(&short).send().await.status, expected, "{offset}");
        assert_eq!(product.get("/v1/keys").bearer(&long).send().await.status, 200, "{offset}");
    }
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let product = Product::start().await;
    let mut made_ids = BTreeSet::new();
    for number in 0..7 {
        made_ids.insert(
            made(&product, json!({"name": format!("key {number}")})).await["id"].as_str().unwrap().to_owned(),
        );
    }
    product.publish("dashboard/1", json!({})).await;
    for (limit, pages) in [(1, 7..=8), (2, 4..=4), (3, 3..=3), (7, 1..=2), (1_000, 1..=1)] {
        let (mut ids, mut cursor, mut read) = (Vec::new(), String::new(), 0);
        loop {
            let page = product.get(&format!("/v1/keys?limit={limit}{cursor}")).admin().send().await;
            assert_eq!(page.status, 200, "{}", page.text);
            read += 1;
            let items = page.json["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert!(pages.contains(&read), "{limit}: {read} pages");
        assert_eq!(ids.len(), made_ids.len(), "{limit}");
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), made_ids, "{limit}");
    }
}

#[tokio::test]
async fn a_cursor_works_after_its_key_is_deleted() {
    let product = Product::start().await;
    for _ in 0..4 {
        made(&product, json!({})).await;
    }
    let first = product.get("/v1/keys?limit=2").admin().send().await.json;
    let last = first["items"][1]["id"].as_str().unwrap();
    assert_eq!(product.delete(&format!("/v1/keys/{last}")).admin().send().await.status, 204);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = product.get(&format!("/v1/keys?limit=2&cursor={cursor}")).admin().send().await.json;
    assert_eq!(second["items"].as_array().unwrap().len(), 2);
}

/// Invalid requests for a key, each with the fields that the answer names.
#[tokio::test]
async fn an_invalid_request_for_a_key_names_each_wrong_field() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    let cases = [
        (json!({"name": null}), vec!["name"]),
        (json!({"name": " "}), vec!["name"]),
        (json!({"name": 1}), vec!["name"]),
        (json!({"name": "n".repeat(256)}), vec!["name"]),
        (json!({"role": null}), vec!["role"]),
        (json!({"role": "owner"}), vec!["role"]),
        (json!({"role": "Admin"}), vec!["role"]),
        (json!({"permissions": "introspect"}), vec!["permissions"]),
        (json!({"permissions": ["introspect", "everything"]}), vec!["permissions[1]"]),
        (json!({"permissions": ["*"]}), vec!["permissions[0]"]),
        (json!({"deployments": [0]}), vec!["deployments[0]"]),
        (json!({"deployments": [-1]}), vec!["deployments[0]"]),
        (json!({"deployments": ["1"]}), vec!["deployments[0]"]),
        (json!({"deployments": 1}), vec!["deployments"]),
        (json!({"deployments": vec![1; 101]}), vec!["deployments"]),
        (json!({"permissions": vec!["introspect"; 101]}), vec!["permissions"]),
        (json!({"expires_at": "tomorrow"}), vec!["expires_at"]),
        (json!({"expires_at": 4102444800u64}), vec!["expires_at"]),
        (json!({"id": "aaaaaaaaaaaa"}), vec!["id"]),
        (json!({"key": "chosen"}), vec!["key"]),
        (json!({"name": "", "role": "x", "more": 1}), vec!["role", "more"]),
    ];
    for (fields, issues) in cases {
        let answer = make(&product, ADMIN_KEY, fields.clone()).await;
        assert_problem(&answer, &fields.to_string());
        assert_eq!(answer.refusal(), (400, "request_invalid"), "{fields}");
        assert_eq!(
            answer.issues().into_iter().collect::<BTreeSet<_>>(),
            issues.into_iter().collect(),
            "{fields}"
        );
    }
    assert_eq!(product.items().await, 0);
}
