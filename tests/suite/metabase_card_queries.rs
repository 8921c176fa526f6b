//! Answers of cards in Metabase's form: for viewers with a token, in previews, and for owners.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, merge};

use crate::metabase_questions::{created, field, legacy, stages};
use crate::query_data::{CANARY, product, product_with, seed, token, token_with};

const CITIES: [&str; 3] = ["Berlin", "Paris", "Rome"];

fn tags() -> Value {
    json!({
        "city": {"id": "c1", "name": "city", "display-name": "City", "type": "text"},
        "least": {"id": "l1", "name": "least", "display-name": "At least", "type": "number", "default": 20},
        "customer": {"id": "k1", "name": "customer", "display-name": "Customer", "type": "text"},
    })
}

const SQL: &str = "select id, amount from orders where 1 = 1 [[and city = {{city}}]] [[and amount >= {{least}}]] \
                   [[and customer = {{customer}}]] order by id";

/// Card 1, published: `city` and `least` are the viewer's, `customer` is the token's.
async fn published(product: &Product, fields: Value) {
    let mut card = json!({
        "dataset_query": legacy(SQL, tags()), "enable_embedding": true,
        "embedding_params": {"city": "enabled", "least": "enabled", "customer": "locked"},
    });
    merge(&mut card, fields);
    created(product, card).await;
}

fn acme(product: &Product) -> String {
    token_with(product, "a", &CITIES, json!({"params": {"customer": "acme"}}))
}

async fn query(product: &Product, token: &str, rest: &str) -> Answer {
    product.get(&format!("/api/embed/card/{token}/query{rest}")).send().await
}

fn rows(answer: &Answer) -> &Value {
    assert_eq!(
        (answer.status.as_u16(), &answer.json["status"]),
        (202, &json!("completed")),
        "{}",
        answer.text
    );
    &answer.json["data"]["rows"]
}

fn failure(answer: &Answer) -> (&str, &str) {
    assert_eq!((answer.status.as_u16(), &answer.json["status"]), (202, &json!("failed")), "{}", answer.text);
    (answer.json["error_type"].as_str().unwrap(), answer.json["error"].as_str().unwrap())
}

#[tokio::test]
async fn a_viewer_gets_rows_columns_and_nothing_of_the_owner() {
    let product = product().await;
    published(&product, json!({})).await;
    let answer = query(&product, &acme(&product), "?city=Berlin").await;
    let column = |name: &str, shown: &str, kind: &str| {
        json!({
            "name": name, "display_name": shown, "base_type": kind, "effective_type": kind, "semantic_type": null,
            "source": "native", "field_ref": ["field", name, {"base-type": kind}],
        })
    };
    let expected = json!({
        "data": {
            "rows": [[2, 20]],
            "cols": [column("id", "Id", "type/BigInteger"), column("amount", "Amount", "type/Float")],
            "insights": null, "requested_timezone": "UTC", "results_timezone": "UTC",
        },
        "json_query": {"parameters": [
            {"id": "c1", "slug": "city", "name": "City", "type": "category",
             "target": ["variable", ["template-tag", "city"]], "value": "Berlin"},
            {"id": "l1", "slug": "least", "name": "At least", "type": "number/=",
             "target": ["variable", ["template-tag", "least"]], "value": 20},
        ]},
        "status": "completed",
    });
    assert_eq!((answer.status.as_u16(), &answer.json), (202, &expected));
    assert!(answer.text.starts_with("{\"data\":{\"rows\":"), "rows come first: {}", answer.text);
}

#[tokio::test]
async fn parameters_in_the_address_are_those_of_the_view() {
    let product = product().await;
    published(&product, json!({})).await;
    let token = acme(&product);
    for (rest, ids) in [
        ("", json!([2, 3])),
        ("?least=10", json!([1, 2, 3])),
        ("?least=", json!([1, 2, 3])),
        ("?parameters=%7B%22least%22%3Anull%7D", json!([1, 2, 3])),
        ("?parameters=%7B%22least%22%3A30%7D&other=1", json!([3])),
        ("?city=Paris&least=", json!([3])),
        ("?city=&least=30", json!([3])),
        ("?city=Oslo", json!([])),
    ] {
        let answer = query(&product, &token, rest).await;
        let found: Vec<_> = rows(&answer).as_array().unwrap().iter().map(|row| row[0].clone()).collect();
        assert_eq!(json!(found), ids, "{rest}");
    }
    for (rest, expected) in [
        ("?customer=globex", (400, "parameter_locked")),
        ("?other=1", (400, "parameter_unknown")),
        ("?format_rows=true", (400, "parameter_unknown")),
        ("?parameters=%5B1%5D", (400, "params_invalid")),
    ] {
        assert_eq!(query(&product, &token, rest).await.refusal(), expected, "{rest}");
    }
    let lacking = crate::query_data::token(&product, "a", &CITIES);
    assert_eq!(query(&product, &lacking, "").await.refusal(), (400, "parameter_locked_missing"));
}

#[tokio::test]
async fn tokens_are_refused_as_by_the_view() {
    let product = product().await;
    published(&product, json!({})).await;
    let token = acme(&product);
    let forged = format!("{}x", &token[..token.len() - 1]);
    let missing = token_with(&product, "a", &CITIES, json!({"resource": {"question": 9}}));
    let expired = token_with(
        &product,
        "a",
        &CITIES,
        json!({"exp": product.clock.now().unix() - 100, "params": {"customer": "acme"}}),
    );
    let dashboard = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    for token in [forged.as_str(), "none", &missing, &expired, &dashboard] {
        let view = product.get(&format!("/api/embed/card/{token}")).send().await;
        assert_ne!(view.status, 200);
        for rest in ["", "/csv", "/json", "/xlsx"] {
            assert_eq!(query(&product, token, rest).await.refusal(), view.refusal(), "{rest}");
        }
    }
    for (change, expected) in [
        (json!({"enable_embedding": false}), (403, "resource_not_published")),
        (json!({"enable_embedding": true, "archived": true}), (403, "resource_archived")),
    ] {
        assert_eq!(product.put("/api/card/1", change).admin().send().await.status, 200);
        assert_eq!(query(&product, &token, "").await.refusal(), expected);
        assert_eq!(query(&product, &token, "/csv").await.refusal(), expected);
    }
    assert_eq!(query(&product, &token, "/pdf").await.refusal(), (404, "route_not_found"));
}

#[tokio::test]
async fn a_failed_query_is_told_in_metabases_words() {
    let product = product().await;
    let tags = json!({
        "n": {"id": "n1", "name": "n", "display-name": "How many", "type": "number"},
        "day": {"id": "d1", "name": "day", "display-name": "Day", "type": "date"},
    });
    let sql = "select id from orders where id = {{n}} [[and day = {{day}}]] and cast(city as int) >= 0";
    let card = json!({
        "dataset_query": legacy(sql, tags), "enable_embedding": true,
        "embedding_params": {"n": "enabled", "day": "enabled"},
    });
    created(&product, card).await;
    let token = token(&product, "a", &CITIES);
    for (rest, kind, text) in [
        ("?n=five", "invalid-parameter", "Invalid value for :n."),
        ("?n=1&day=soon", "invalid-parameter", "Invalid value for :day."),
        ("?parameters=%7B%22n%22%3A%7B%22a%22%3A1%7D%7D", "invalid-parameter", "Invalid value for :n."),
        ("", "missing-required-parameter", "Cannot run the query: missing required parameters: n"),
        ("?n=1", "invalid-query", "An error occurred while running the query."),
    ] {
        for format in ["", "/csv", "/json", "/xlsx"] {
            let answer = query(&product, &token, &format!("{format}{rest}")).await;
            assert_eq!(failure(&answer), (kind, text), "{format}{rest}");
            assert!(!answer.text.contains("Berlin"), "{}", answer.text);
        }
    }
    // The owner is told what the engine says.
    let asked = json!({"parameters": [{"target": ["variable", ["template-tag", "n"]], "type": "number/=", "value": 1}],
                       "viewer": {"attributes": {"cities": CITIES}}});
    let owner = product.post("/api/card/1/query", asked).admin().send().await;
    let (kind, text) = failure(&owner);
    assert_eq!(kind, "invalid-query");
    assert!(text.contains("Berlin"), "{text}");
    // A required tag that is given nothing.
    let tags = json!({"n": {"name": "n", "display-name": "How many", "type": "number", "required": true}});
    let change =
        json!({"dataset_query": legacy("select {{n}} as n", tags), "embedding_params": {"n": "enabled"}});
    assert_eq!(product.put("/api/card/1", change).admin().send().await.status, 200);
    let answer = query(&product, &token, "").await;
    let expected = "You'll need to pick a value for 'How many' before this query can run.";
    assert_eq!(failure(&answer), ("missing-required-parameter", expected));
}

#[tokio::test]
async fn row_policies_decide_here_too() {
    let product = product().await;
    created(&product, json!({"dataset_query": stages("select id from orders order by id", json!({})), "enable_embedding": true})).await;
    for (cities, ids) in
        [(&["Berlin"][..], json!([[1], [2]])), (&["Rome"][..], json!([[5]])), (&[][..], json!([]))]
    {
        assert_eq!(rows(&query(&product, &token(&product, "a", cities), "").await), &ids);
    }
    let anonymous = product.sign(json!({"resource": {"question": 1}, "params": {}}));
    assert_eq!(query(&product, &anonymous, "").await.refusal(), (403, "row_policy"));
    assert_eq!(query(&product, &anonymous, "/csv").await.refusal(), (403, "row_policy"));
}

#[tokio::test]
async fn rows_beyond_the_limit_of_a_page_are_said_to_be_missing() {
    let product = product_with(&[("TableRows", "2")]).await;
    let card = json!({"dataset_query": legacy("select id from orders order by id", json!({})), "display": "line", "enable_embedding": true});
    created(&product, card).await;
    let viewer = token(&product, "a", &CITIES);
    let answer = query(&product, &viewer, "").await;
    assert_eq!((rows(&answer), &answer.json["data"]["rows_truncated"]), (&json!([[1], [2]]), &json!(2)));
    let file = query(&product, &viewer, "/json").await;
    assert_eq!(file.json.as_array().unwrap().len(), 5, "{}", file.text);
    let few = query(&product, &token(&product, "a", &["Rome"]), "").await;
    assert!(few.json["data"].get("rows_truncated").is_none(), "{}", few.text);
}

#[tokio::test]
async fn files_have_display_names_and_need_the_permission_to_download() {
    let product = product().await;
    published(&product, json!({"name": "Größe"})).await;
    let token = acme(&product);
    let csv = query(&product, &token, "/csv?format_rows=true&pivot_results=false&city=Berlin").await;
    assert_eq!((csv.status.as_u16(), csv.text.as_str()), (200, "Id,Amount\n2,20\n"), "{}", csv.text);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").contains("filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv"));
    let file = query(&product, &token, "/json").await;
    assert_eq!(file.json, json!([{"Id": 2, "Amount": 20}, {"Id": 3, "Amount": 30}]), "{}", file.text);
    let sheet = query(&product, &token, "/xlsx").await;
    assert_eq!(sheet.status, 200);
    assert!(sheet.header("content-type").ends_with("spreadsheetml.sheet"));
    let off = product.put("/api/card/1", json!({"allow_downloads": false})).admin().send().await;
    assert_eq!(off.status, 200, "{}", off.text);
    for format in ["/csv", "/json", "/xlsx"] {
        assert_eq!(query(&product, &token, format).await.refusal(), (403, "downloads_disabled"));
    }
    assert_eq!(query(&product, &token, "").await.status, 202);
}

#[tokio::test]
async fn an_admin_previews_the_answer_under_the_policy_in_the_token() {
    let product = product().await;
    published(&product, json!({"enable_embedding": false, "embedding_params": {}})).await;
    let claims = json!({"params": {"customer": "acme"}, "_embedding_params": {"customer": "locked", "least": "enabled"}});
    let token = token_with(&product, "a", &CITIES, claims);
    let preview = async |rest: &str| {
        product.get(&format!("/api/preview_embed/card/{token}/query{rest}")).admin().send().await
    };
    assert_eq!(rows(&preview("?least=30").await), &json!([[3, 30]]));
    assert_eq!(preview("/csv?least=30").await.text, "Id,Amount\n3,30\n");
    assert_eq!(preview("?city=Berlin").await.refusal(), (400, "parameter_unknown"));
    assert_eq!(failure(&preview("?least=x").await).0, "invalid-parameter");
    assert_eq!(query(&product, &token, "").await.refusal(), (403, "resource_not_published"));
    let path = format!("/api/preview_embed/card/{token}/query");
    assert_eq!(product.get(&path).send().await.refusal(), (401, "access_key_missing"));
    let member = product.key("member", &["resources:write"]).await;
    assert_eq!(product.get(&path).bearer(&member).send().await.refusal(), (403, "access_denied"));
}

fn value(tag: &str, kind: &str, value: Value) -> Value {
    json!({"type": kind, "target": ["variable", ["template-tag", tag]], "value": value})
}

#[tokio::test]
async fn an_owner_asks_a_card_and_sees_what_viewers_do_not() {
    let product = product().await;
    published(&product, json!({"enable_embedding": false, "embedding_params": {}})).await;
    let viewer = json!({"attributes": {"cities": CITIES}});
    let ask = async |body: Value| product.post("/api/card/1/query", body).admin().send().await;
    let answer =
        ask(json!({"viewer": viewer, "parameters": [value("customer", "category", json!("acme"))]})).await;
    assert_eq!(rows(&answer), &json!([[2, 20], [3, 30]]));
    assert_eq!((&answer.json["row_count"], &answer.json["database_id"]), (&json!(2), &json!(1)));
    assert_eq!(answer.json["json_query"]["native"]["query"], SQL);
    assert!(answer.json["data"]["native_form"]["query"].as_str().unwrap().contains("$p1"), "{}", answer.text);
    assert!(answer.json["running_time"].is_u64() && answer.json["started_at"].is_string());
    // Some programs send an empty object when they have no values.
    let none = ask(json!({"viewer": viewer, "parameters": {}})).await;
    assert_eq!(rows(&none), rows(&ask(json!({"viewer": viewer})).await));
    // By the id of the parameter, as clients do that read the card first.
    let by_id = json!({"viewer": viewer, "parameters": [{"id": "l1", "value": "30"}, {"id": "c1", "value": ["Paris"]}]});
    assert_eq!(rows(&ask(by_id).await), &json!([[3, 30], [4, 40]]));
    let cleared = json!({"viewer": viewer, "parameters": [value("least", "number/=", Value::Null), value("city", "string/=", json!(["Berlin"]))]});
    assert_eq!(rows(&ask(cleared).await), &json!([[1, 10], [2, 20]]));
    for (parameter, kind) in [
        (value("none", "category", json!("x")), "invalid-parameter"),
        (value("least", "number/=", json!("x")), "invalid-parameter"),
        (value("least", "string/contains", json!("x")), "invalid-parameter"),
        (json!({"id": "zz", "value": 1}), "invalid-parameter"),
    ] {
        assert_eq!(
            failure(&ask(json!({"viewer": viewer, "parameters": [parameter]})).await).0,
            kind,
            "{parameter}"
        );
    }
    // Without a viewer the row policy lets nobody in.
    assert_eq!(failure(&ask(json!({})).await).0, "missing-required-permissions");
    seed(&product, 5, json!([])).await;
    let unnamed = product.request(axum::http::Method::POST, "/api/card/1/query").admin().send().await;
    assert_eq!(rows(&unnamed).as_array().unwrap().len(), 4);
    let file = product.post("/api/card/1/query/csv", json!({})).admin().send().await;
    assert_eq!((file.status.as_u16(), file.text.lines().count()), (200, 5), "{}", file.text);
    for (path, expected) in [
        ("/api/card/9/query", (404, "resource_not_found")),
        ("/api/card/x/query", (400, "id_invalid")),
        ("/api/card/1/query/pdf", (404, "route_not_found")),
    ] {
        assert_eq!(product.post(path, json!({})).admin().send().await.refusal(), expected, "{path}");
    }
}

#[tokio::test]
async fn an_owner_tries_a_query_in_either_form() {
    let product = product().await;
    seed(&product, 6, json!([])).await;
    let city = field(&product, "city").await;
    let tags = json!({"city": {"name": "city", "type": "dimension", "dimension": ["field", city, null], "widget-type": "string/="}});
    let sql = "select count(*) from orders where {{city}}";
    for query in [legacy(sql, tags.clone()), stages(sql, tags.clone())] {
        let mut body = query.clone();
        body["parameters"] = json!([{"type": "string/=", "target": ["dimension", ["template-tag", "city"]], "value": ["Berlin", "Rome"]}]);
        body["constraints"] = json!({"max-results": 10});
        let answer = product.post("/api/dataset", body.clone()).admin().send().await;
        assert_eq!(rows(&answer), &json!([[3]]), "{}", answer.text);
        assert_eq!(answer.json["data"]["cols"][0]["name"], "count");
        let exported = product.post("/api/dataset/csv", json!({"query": body})).admin().send().await;
        assert_eq!(exported.text, "Count\n3\n");
        let form =
            form_urlencoded::Serializer::new(String::new()).append_pair("query", &body.to_string()).finish();
        let call = product.request(axum::http::Method::POST, "/api/dataset/json").admin();
        let exported =
            call.header("content-type", "application/x-www-form-urlencoded").body(form).send().await;
        assert_eq!(exported.json, json!([{"Count": 3}]), "{}", exported.text);
    }
    for (body, path) in [
        (json!({"database": 1, "type": "query", "query": {"source-table": 1}}), "type"),
        (json!({"database": 9, "type": "native", "native": {"query": "select 1"}}), "database"),
        (json!({"native": {"query": "select 1"}, "parameters": {"n": 1}}), "parameters"),
        (json!({"native": {"query": "select 1"}, "parameters": [1]}), "parameters"),
        (json!({"native": {"query": "select 1"}, "viewer": 1}), "viewer"),
        (json!({"native": {"query": "select 1"}, "viewer": {"groups": 1}}), "viewer.groups"),
    ] {
        let refused = product.post("/api/dataset", body.clone()).admin().send().await;
        assert_eq!((refused.refusal(), refused.issues()), ((400, "request_invalid"), vec![path]), "{body}");
    }
    for sql in
        ["select secret from orders", "select * from nothing", "drop table orders", "select {{x}}", "selec 1"]
    {
        let answer = product.post("/api/dataset", legacy(sql, json!({}))).admin().send().await;
        assert_eq!(failure(&answer).0, "invalid-query", "{sql}");
        assert!(!answer.text.contains(CANARY), "{}", answer.text);
    }
    let member = product.key("member", &["resources:write", "resources:list"]).await;
    for path in ["/api/dataset", "/api/dataset/csv", "/api/card/1/query", "/api/card/1/query/csv"] {
        assert_eq!(
            product.post(path, json!({})).bearer(&member).send().await.refusal(),
            (403, "access_denied"),
            "{path}"
        );
        assert_eq!(
            product.post(path, json!({})).send().await.refusal(),
            (401, "access_key_missing"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn databases_tables_and_fields_have_the_numbers_that_cards_use() {
    let product = product().await;
    let source = json!({"kind": "files", "location": "s3://lake/orders"});
    assert_eq!(product.put("/v1/sources/lake", source).admin().send().await.status, 201);
    let get = async |path: &str| product.get(path).admin().send().await;
    let databases = get("/api/database?include=tables").await.json;
    let names: Vec<_> =
        databases["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!((names, &databases["total"]), (vec!["managed", "lake"], &json!(2)));
    assert_eq!(databases["data"][0]["tables"][0]["name"], "orders");
    assert!(get("/api/database").await.json["data"][0].get("tables").is_none());
    let lake = databases["data"][1]["id"].as_u64().unwrap();
    let read = get(&format!("/api/database/{lake}/metadata")).await.json;
    assert_eq!((&read["name"], &read["tables"]), (&json!("lake"), &json!([])));
    let metadata = get("/api/database/1/metadata").await.json;
    let table = &metadata["tables"][0];
    let fields: Vec<_> =
        table["fields"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(fields, ["id", "customer", "city", "amount", "day"], "a hidden column is not there");
    let city = field(&product, "city").await;
    assert_eq!(
        (&table["fields"][2]["id"], &table["fields"][2]["base_type"]),
        (&json!(city), &json!("type/Text"))
    );
    let read = get(&format!("/api/table/{}/query_metadata", table["id"])).await.json;
    assert_eq!((&read["fields"], &read["db_id"]), (&table["fields"], &json!(1)));
    let read = get(&format!("/api/field/{city}")).await.json;
    assert_eq!(
        (&read["name"], &read["table"]["name"], &read["table_id"]),
        (&json!("city"), &json!("orders"), &table["id"])
    );
    // A card over another database has its number again.
    let card = created(
        &product,
        json!({"dataset_query": {"database": lake, "type": "native", "native": {"query": "select 1"}}}),
    )
    .await;
    assert_eq!((&card["dataset_query"]["database"], &card["database_id"]), (&json!(lake), &json!(lake)));
    let hidden = field(&product, "secret").await;
    for path in [
        "/api/database/7".to_owned(),
        "/api/database/7/metadata".to_owned(),
        "/api/database/x".to_owned(),
        "/api/table/77/query_metadata".to_owned(),
        format!("/api/field/{hidden}"),
        "/api/field/1".to_owned(),
        "/api/field/name".to_owned(),
    ] {
        assert_eq!(get(&path).await.refusal(), (404, "resource_not_found"), "{path}");
    }
    let member = product.key("member", &["resources:write", "resources:list"]).await;
    for path in [
        "/api/database",
        "/api/database/1",
        "/api/database/1/metadata",
        "/api/table/1/query_metadata",
        "/api/field/10001",
    ] {
        assert_eq!(
            product.get(path).bearer(&member).send().await.refusal(),
            (403, "access_denied"),
            "{path}"
        );
        assert_eq!(product.get(path).send().await.refusal(), (401, "access_key_missing"), "{path}");
    }
}
