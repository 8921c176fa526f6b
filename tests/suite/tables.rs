//! Sources and tables: their declarations, and what becomes of them.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

pub async fn put(product: &Product, table: &str, body: Value) -> Answer {
    product.put(&format!("/v1/tables/{table}"), body).admin().send().await
}

pub async fn table(product: &Product, name: &str) -> Value {
    let answer = product.get(&format!("/v1/tables/{name}")).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn column(name: &str, kind: &str) -> Value {
    json!({"name": name, "type": kind})
}

/// The names of everything in a list, in pages of `limit`.
async fn listed(product: &Product, list: &str, limit: usize) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = product.get(&format!("{list}?limit={limit}{cursor}")).admin().send().await;
        assert_eq!(page.status, 200, "{}", page.text);
        let items = page.json["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{}", page.text);
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
}

async fn lake(product: &Product) {
    let body = json!({"kind": "files", "location": "s3://lake/sales"});
    assert_eq!(product.put("/v1/sources/lake", body).admin().send().await.status, 201);
}

#[tokio::test]
async fn the_stacks_own_source_is_there_and_cannot_be_changed() {
    let product = Product::start().await;
    let own = product.get("/v1/sources/managed").admin().send().await;
    assert_eq!((own.status.as_u16(), &own.json["kind"]), (200, &json!("files")));
    assert!(own.json["location"].is_null(), "{}", own.text);
    let before = product.items().await;
    let body = json!({"kind": "files", "location": "s3://other"});
    for call in [product.put("/v1/sources/managed", body), product.delete("/v1/sources/managed")] {
        assert_eq!(call.admin().send().await.refusal(), (409, "source_fixed"));
    }
    assert_eq!(product.items().await, before);
    assert_eq!(listed(&product, "/v1/sources", 10).await, ["managed"]);
}

#[tokio::test]
async fn a_source_is_written_read_listed_and_removed() {
    let product = Product::start().await;
    let at = |location: &str| json!({"kind": "files", "location": location});
    let first = product.put("/v1/sources/lake", at("s3://lake/a")).admin().send().await;
    assert_eq!((first.status.as_u16(), &first.json["location"]), (201, &json!("s3://lake/a")));
    product.clock.set_offset(5);
    let second = product.put("/v1/sources/lake", at("/srv/data")).admin().send().await;
    assert_eq!((second.status.as_u16(), &second.json["location"]), (200, &json!("/srv/data")));
    assert_eq!(second.json["created_at"], first.json["created_at"]);
    assert_ne!(second.json["updated_at"], first.json["updated_at"]);
    let read = product.get("/v1/sources/lake").admin().send().await;
    assert_eq!(read.json, second.json);
    for name in ["archive", "zoo"] {
        product.put(&format!("/v1/sources/{name}"), at("s3://lake")).admin().send().await;
    }
    for limit in 1..=5 {
        let names = listed(&product, "/v1/sources", limit).await;
        assert_eq!(names, ["managed", "archive", "lake", "zoo"], "{limit}");
    }
    assert_eq!(product.delete("/v1/sources/lake").admin().send().await.status, 204);
    for call in [product.get("/v1/sources/lake"), product.delete("/v1/sources/lake")] {
        assert_eq!(call.admin().send().await.refusal(), (404, "source_not_found"));
    }
}

/// path, body -> the fields that the refusal names
#[tokio::test]
async fn bad_declarations_are_refused_by_field_and_write_nothing() {
    let product = Product::start().await;
    lake(&product).await;
    let before = product.table().await;
    let policy = |rule: Value| json!({"row_policies": [{"groups": ["*"], "rows": [rule]}]});
    let columns = |columns: Value| json!({ "columns": columns });
    let cases: Vec<(&str, Value, &[&str])> = vec![
        ("/v1/sources/Lake", json!({"kind": "files", "location": "s3://lake"}), &["source"]),
        ("/v1/sources/x", json!({"kind": "athena", "location": "s3://lake"}), &["kind"]),
        ("/v1/sources/x", json!({"kind": "files", "location": "https://lake"}), &["location"]),
        ("/v1/sources/x", json!({"kind": "files", "location": "s3://lake/../x"}), &["location"]),
        ("/v1/sources/x", json!({}), &["kind", "location"]),
        ("/v1/tables/Orders", json!({}), &["table"]),
        ("/v1/tables/1st", json!({}), &["table"]),
        ("/v1/tables/orders", json!({"source": "none"}), &["source"]),
        ("/v1/tables/orders", json!({"source": "lake"}), &["location"]),
        ("/v1/tables/orders", json!({"location": "a/"}), &["location"]),
        ("/v1/tables/orders", json!({"source": "lake", "location": "../a"}), &["location"]),
        ("/v1/tables/orders", json!({"id": 5}), &["id"]),
        ("/v1/tables/orders", columns(json!([])), &["columns"]),
        ("/v1/tables/orders", columns(json!([column("a", "uuid")])), &["columns[0].type"]),
        (
            "/v1/tables/orders",
            columns(json!([column("a", "text"), column("a", "date")])),
            &["columns[1].name"],
        ),
        (
            "/v1/tables/orders",
            policy(json!({"column": "a", "op": "like", "value": "x"})),
            &["row_policies[0].rows[0].op"],
        ),
        ("/v1/tables/orders", policy(json!({"column": "a", "op": "="})), &["row_policies[0].rows[0].value"]),
        (
            "/v1/tables/orders",
            json!({"row_policies": [{"groups": [], "rows": "all"}]}),
            &["row_policies[0].groups"],
        ),
    ];
    for (path, body, fields) in cases {
        let answer = product.put(path, body.clone()).admin().send().await;
        assert_eq!(answer.refusal(), (400, "request_invalid"), "{path} {body}: {}", answer.text);
        assert_eq!(answer.issues(), fields, "{path} {body}");
    }
    assert_eq!(product.table().await, before);
    let first = put(&product, "orders", json!({})).await;
    assert_eq!(first.json["id"], 1, "a refused creation takes no number");
}

#[tokio::test]
async fn a_put_is_whole_except_the_columns() {
    let product = Product::start().await;
    let policies = json!([
        {"groups": ["*"], "rows": [{"column": "city", "op": "in", "value": {"attribute": "cities"}}]},
        {"groups": ["staff"], "rows": "all"},
    ]);
    let amount = json!({"name": "amount", "type": "decimal(10,2)", "description": "Euro", "hidden": true});
    let whole = json!({
        "description": "Orders", "columns": [column("city", "text"), amount], "row_policies": policies,
    });
    let created = put(&product, "orders", whole).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json["source"], "managed");
    assert_eq!(created.json["row_policies"], policies);
    assert_eq!(created.json["version"], Value::Null);
    let ids = |table: &Value| {
        let columns = table["columns"].as_array().unwrap().iter();
        columns.map(|column| column["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let first = ids(&created.json);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 2);

    let emptied = put(&product, "orders", json!({})).await;
    assert_eq!(emptied.status, 200, "{}", emptied.text);
    assert_eq!((&emptied.json["description"], &emptied.json["row_policies"]), (&Value::Null, &json!([])));
    assert_eq!(emptied.json["columns"], created.json["columns"]);
    assert_eq!(emptied.json, table(&product, "orders").await);

    // Policies are checked against the columns that stay.
    let gone = json!({"row_policies": [{"groups": ["*"], "rows": [{"column": "gone", "op": "is_null"}]}]});
    assert_eq!(put(&product, "orders", gone).await.issues(), ["row_policies[0].rows[0].column"]);
    let other =
        put(&product, "orders", json!({"columns": [column("new", "date"), column("city", "text")]})).await;
    assert_eq!(ids(&other.json)[1], first[0], "a column keeps its number");
    assert!(!first.contains(&ids(&other.json)[0]));
}

#[tokio::test]
async fn tables_are_listed_by_name_in_pages() {
    let product = Product::start().await;
    for name in ["c", "a", "e", "b", "d"] {
        assert_eq!(put(&product, name, json!({"description": name})).await.status, 201);
    }
    for limit in [1, 2, 5, 100] {
        assert_eq!(listed(&product, "/v1/tables", limit).await, ["a", "b", "c", "d", "e"], "{limit}");
    }
    put(&product, "c", json!({"description": "changed"})).await;
    product.delete("/v1/tables/d").admin().send().await;
    assert_eq!(listed(&product, "/v1/tables", 100).await, ["a", "b", "c", "e"]);
    let page = product.get("/v1/tables").admin().send().await;
    assert_eq!(page.json["items"][2]["description"], "changed");
}

#[tokio::test]
async fn a_removed_table_leaves_a_free_name_and_no_number() {
    let product = Product::start().await;
    let columns = json!({"columns": [column("a", "text")]});
    let first = put(&product, "orders", columns.clone()).await.json;
    assert_eq!(product.delete("/v1/tables/orders").admin().send().await.status, 204);
    for (method, path) in [
        (Method::GET, "/v1/tables/orders"),
        (Method::DELETE, "/v1/tables/orders"),
        (Method::GET, "/v1/tables/orders/versions"),
        (Method::GET, "/v1/tables/orders/uploads/aB3dE5gH7jK9"),
        (Method::DELETE, "/v1/tables/never"),
        (Method::GET, "/v1/tables/Never"),
    ] {
        let answer = product.request(method.clone(), path).admin().send().await;
        assert_eq!(answer.refusal(), (404, "table_not_found"), "{method} {path}");
    }
    let second = put(&product, "orders", columns).await;
    assert_eq!(second.status, 201, "{}", second.text);
    assert_ne!(second.json["id"], first["id"]);
    assert_ne!(second.json["columns"][0]["id"], first["columns"][0]["id"]);
}

#[tokio::test]
async fn a_source_stays_while_tables_have_files_in_it() {
    let product = Product::start().await;
    lake(&product).await;
    for name in ["sales", "sums"] {
        let external = json!({"source": "lake", "location": "2024/", "columns": [column("a", "text")]});
        let answer = put(&product, name, external).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["location"]),
            (201, &json!("2024/")),
            "{}",
            answer.text
        );
    }
    let refused = product.delete("/v1/sources/lake").admin().send().await;
    assert_eq!((refused.refusal(), refused.issues()), ((409, "source_in_use"), vec!["sales", "sums"]));
    for name in ["sales", "sums"] {
        assert_eq!(product.delete(&format!("/v1/tables/{name}")).admin().send().await.status, 204);
    }
    assert_eq!(product.delete("/v1/sources/lake").admin().send().await.status, 204);
}

/// Each of two writers at once gets an answer, and the table is as one of them wrote it.
#[tokio::test]
async fn two_puts_at_once_leave_one_whole_table() {
    let product = Product::start().await;
    let body = |name: &str| json!({"description": name, "columns": [column(name, "text")]});
    for round in 0..5 {
        let name = format!("t{round}");
        for statuses in [[200, 201], [200, 200]] {
            let (one, other) =
                tokio::join!(put(&product, &name, body("one")), put(&product, &name, body("other")));
            let mut answered = [one.status.as_u16(), other.status.as_u16()];
            answered.sort_unstable();
            assert_eq!(answered, statuses, "{} {}", one.text, other.text);
            assert_eq!(one.json["id"], other.json["id"], "one table, one number");
            let stored = table(&product, &name).await;
            let columns = stored["columns"].as_array().unwrap();
            assert_eq!((columns.len(), &columns[0]["name"]), (1, &stored["description"]));
            let summary = product.get("/v1/tables").admin().send().await.json["items"][round].clone();
            assert_eq!(summary["description"], stored["description"], "the list says the same");
        }
    }
}

#[tokio::test]
async fn a_put_and_a_removal_at_once_leave_all_or_nothing() {
    let product = Product::start().await;
    for round in 0..5 {
        put(&product, "t", json!({"description": "before"})).await;
        let removal = product.delete("/v1/tables/t").admin().send();
        let (written, removed) = tokio::join!(put(&product, "t", json!({"description": "after"})), removal);
        assert!(written.status.is_success(), "{round}: {}", written.text);
        assert_eq!(removed.status, 204, "{round}: {}", removed.text);
        let is_there = product.get("/v1/tables/t").admin().send().await.status == 200;
        let names = listed(&product, "/v1/tables", 10).await;
        assert_eq!(names.contains(&"t".to_owned()), is_there, "{round}");
    }
}
