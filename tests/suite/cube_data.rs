//! Cube's data API: tables as members, queries of members, and the rows of each viewer.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

use crate::query_data::{CANARY, by_city, parquet, product, product_with, seed, seed_table, table_file};

/// The token of a session for this viewer.
pub async fn session(product: &Product, user: Value) -> String {
    let mut body = json!({"deploymentId": 1});
    vitrine_tests::merge(&mut body, user);
    let made = product.post("/api/v1/embed/generate-session", body).admin().send().await;
    let session = json!({"sessionId": made.json["sessionId"]});
    let token = product.post("/api/v1/embed/session/token", session).send().await;
    token.json["token"].as_str().unwrap_or_else(|| panic!("{} {}", made.text, token.text)).to_owned()
}

/// A viewer who may see these cities.
async fn viewer(product: &Product, id: &str, cities: &[&str]) -> String {
    let definition = json!({"name": "cities", "type": "string_array"});
    product.post("/v1/attributes", definition).admin().send().await;
    let attributes = json!([{"name": "cities", "value": cities}]);
    session(product, json!({"externalId": id, "userAttributes": attributes})).await
}

pub async fn load(product: &Product, token: &str, query: &Value) -> Answer {
    product.post("/cubejs-api/v1/load", json!({"query": query})).bearer(token).send().await
}

fn data(answer: &Answer) -> &Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!answer.text.contains(CANARY), "{}", answer.text);
    &answer.json["data"]
}

const ALL: [&str; 3] = ["Berlin", "Paris", "Rome"];

/// Query and rows, as a viewer of three cities sees them: five orders of 10 to 50, one in each month from January 2024.
fn conformance() -> Vec<(Value, Value)> {
    let filtered = |member: &str, operator: &str, values: Value| {
        json!({
            "measures": ["orders.count"],
            "filters": [{"member": format!("orders.{member}"), "operator": operator, "values": values}],
        })
    };
    let count = |number: u32| json!([{"orders.count": number.to_string()}]);
    let mut cases = vec![
        (json!({"measures": ["orders.count"]}), count(5)),
        (json!({"measures": ["orders.amount_sum"]}), json!([{"orders.amount_sum": "150"}])),
        (json!({"measures": ["orders.amount_avg"]}), json!([{"orders.amount_avg": "30"}])),
        (
            json!({"measures": ["orders.amount_min", "orders.amount_max"]}),
            json!([{"orders.amount_min": "10", "orders.amount_max": "50"}]),
        ),
        (json!({"measures": ["orders.city_count_distinct"]}), json!([{"orders.city_count_distinct": "3"}])),
        (json!({"measures": ["orders.day_min"]}), json!([{"orders.day_min": "2024-01-01T00:00:00.000"}])),
        (
            json!({"dimensions": ["orders.city"]}),
            json!([{"orders.city": "Berlin"}, {"orders.city": "Paris"}, {"orders.city": "Rome"}]),
        ),
        (
            json!({"measures": ["orders.amount_sum"], "dimensions": ["orders.city"]}),
            json!([
                {"orders.city": "Paris", "orders.amount_sum": "70"},
                {"orders.city": "Rome", "orders.amount_sum": "50"},
                {"orders.city": "Berlin", "orders.amount_sum": "30"},
            ]),
        ),
        (
            json!({"dimensions": ["orders.id"], "order": {"orders.id": "desc"}, "limit": 2, "offset": 1}),
            json!([{"orders.id": "4"}, {"orders.id": "3"}]),
        ),
        (
            json!({"dimensions": ["orders.id"], "order": [["orders.id", "asc"]], "limit": 1}),
            json!([{"orders.id": "1"}]),
        ),
        (json!({"dimensions": ["orders.id"], "limit": 0}), json!([])),
        (
            json!({"measures": ["orders.count"], "timeDimensions": [
                {"dimension": "orders.day", "granularity": "quarter"},
            ]}),
            json!([
                {"orders.day.quarter": "2024-01-01T00:00:00.000", "orders.day": "2024-01-01T00:00:00.000", "orders.count": "3"},
                {"orders.day.quarter": "2024-04-01T00:00:00.000", "orders.day": "2024-04-01T00:00:00.000", "orders.count": "2"},
            ]),
        ),
        (
            json!({"measures": ["orders.count"], "timeDimensions": [
                {"dimension": "orders.day", "granularity": "month", "dateRange": ["2024-01-01", "2024-02-29"]},
            ]}),
            json!([
                {"orders.day.month": "2024-01-01T00:00:00.000", "orders.day": "2024-01-01T00:00:00.000", "orders.count": "1"},
                {"orders.day.month": "2024-02-01T00:00:00.000", "orders.day": "2024-02-01T00:00:00.000", "orders.count": "1"},
            ]),
        ),
        (
            json!({"dimensions": ["orders.day.year"], "measures": ["orders.count"]}),
            json!([{"orders.day.year": "2024-01-01T00:00:00.000", "orders.count": "5"}]),
        ),
        (
            json!({"dimensions": ["orders.day"], "limit": 1}),
            json!([{"orders.day": "2024-01-01T00:00:00.000"}]),
        ),
        (
            json!({"dimensions": ["orders.id"], "measures": ["orders.amount_sum"], "ungrouped": true, "limit": 1, "order": {"orders.id": "asc"}}),
            json!([{"orders.id": "1", "orders.amount_sum": "10"}]),
        ),
        (
            json!({"dimensions": ["orders.city"], "measures": ["orders.count"], "filters": [
                {"member": "orders.count", "operator": "gt", "values": ["1"]},
            ], "order": {"orders.city": "asc"}}),
            json!([{"orders.city": "Berlin", "orders.count": "2"}, {"orders.city": "Paris", "orders.count": "2"}]),
        ),
        (
            json!({"measures": ["orders.count"], "filters": [{"or": [
                {"member": "orders.city", "operator": "equals", "values": ["Rome"]},
                {"and": [
                    {"member": "orders.city", "operator": "equals", "values": ["Paris"]},
                    {"member": "orders.amount", "operator": "gte", "values": ["40"]},
                ]},
            ]}]}),
            count(2),
        ),
        (json!({"measures": ["orders.count"], "filters": [{"or": []}]}), count(5)),
    ];
    for (member, operator, values, number) in [
        ("city", "equals", json!(["Berlin"]), 2),
        ("city", "equals", json!(["berlin"]), 0),
        ("city", "equals", json!(["Berlin", "Rome"]), 3),
        ("city", "equals", json!([null]), 0),
        ("city", "notEquals", json!(["Berlin"]), 3),
        ("city", "notEquals", json!(["Berlin", "Rome"]), 2),
        ("city", "contains", json!(["AR"]), 2),
        ("city", "contains", json!(["ar", "om"]), 3),
        ("city", "contains", json!(["%"]), 0),
        ("city", "contains", json!(["_"]), 0),
        ("city", "contains", json!(["\\"]), 0),
        ("city", "notContains", json!(["ar"]), 3),
        ("city", "startsWith", json!(["b"]), 2),
        ("city", "notStartsWith", json!(["b"]), 3),
        ("city", "endsWith", json!(["E"]), 1),
        ("city", "notEndsWith", json!(["e"]), 4),
        ("city", "set", json!([]), 5),
        ("city", "notSet", json!([]), 0),
        ("id", "equals", json!(["3"]), 1),
        ("id", "equals", json!([3, 4]), 2),
        ("id", "notEquals", json!(["3"]), 4),
        ("id", "gt", json!(["3"]), 2),
        ("id", "gte", json!(["3"]), 3),
        ("id", "lt", json!(["2.5"]), 2),
        ("id", "lte", json!([2]), 2),
        ("amount", "equals", json!(["10"]), 1),
        ("amount", "gt", json!(["10.5"]), 4),
        ("day", "equals", json!(["2024-01-01"]), 1),
        ("day", "inDateRange", json!(["2024-01-01", "2024-01-31"]), 1),
        ("day", "inDateRange", json!(["2024-01-01"]), 1),
        ("day", "inDateRange", json!(["from 2024-01-01 to 2024-03-31"]), 3),
        ("day", "inDateRange", json!(["last 7 days"]), 0),
        ("day", "notInDateRange", json!(["2024-01-01", "2024-01-31"]), 4),
        ("day", "beforeDate", json!(["2024-01-01"]), 0),
        ("day", "beforeOrOnDate", json!(["2024-01-01"]), 1),
        ("day", "afterDate", json!(["2024-01-01"]), 4),
        ("day", "afterOrOnDate", json!(["2024-01-01"]), 5),
        // Values that would mean something to SQL, if they were part of it.
        ("city", "equals", json!(["' OR '1'='1"]), 0),
        ("city", "equals", json!(["Berlin' --"]), 0),
        ("city", "equals", json!(["$p1"]), 0),
        ("city", "contains", json!(["' OR 1=1; DROP TABLE orders; --"]), 0),
        ("city", "startsWith", json!(["\u{0}"]), 0),
        ("city", "equals", json!(["ﬁ\u{202e}Berlin"]), 0),
        ("city", "startsWith", json!(["CANARY-7f"]), 0),
        ("city", "notContains", json!(["x"]), 5),
    ] {
        cases.push((filtered(member, operator, values), count(number)));
    }
    cases
}

#[tokio::test]
async fn queries_of_members_are_answered() {
    let product = product().await;
    let viewer = viewer(&product, "ann", &ALL).await;
    let cases = conformance();
    assert!(cases.len() >= 60);
    for (query, expected) in cases {
        let answer = load(&product, &viewer, &query).await;
        assert_eq!(*data(&answer), expected, "{query}");
    }
}

#[tokio::test]
async fn an_answer_says_what_its_members_are() {
    let product = product().await;
    let viewer = viewer(&product, "ann", &ALL).await;
    let query = json!({
        "measures": ["orders.amount_sum"], "dimensions": ["orders.city"], "limit": 1, "total": true,
        "timeDimensions": [{"dimension": "orders.day", "granularity": "month", "dateRange": "from 2024-01-01 to 2024-12-31"}],
    });
    let answer = load(&product, &viewer, &query).await;
    assert_eq!(data(&answer).as_array().unwrap().len(), 1);
    let json = &answer.json;
    assert_eq!(json["total"], 5);
    let about = &json["annotation"];
    assert_eq!(
        about["measures"],
        json!({"orders.amount_sum": {"title": "Orders Amount Sum", "shortTitle": "Amount Sum", "type": "number"}})
    );
    assert_eq!(about["dimensions"]["orders.city"]["type"], "string");
    assert_eq!(about["timeDimensions"]["orders.day.month"]["granularity"]["interval"], "1 month");
    assert_eq!(about["timeDimensions"]["orders.day"]["type"], "time");
    assert_eq!(
        json["query"]["timeDimensions"][0]["dateRange"],
        json!(["2024-01-01T00:00:00.000", "2024-12-31T23:59:59.999"])
    );
    assert!(json["lastRefreshTime"].is_string());
}

#[tokio::test]
async fn each_viewer_sees_the_rows_of_their_own_policies() {
    let product = product().await;
    let query = json!({"dimensions": ["orders.city"], "measures": ["orders.count"]});
    let berlin = viewer(&product, "ann", &["Berlin"]).await;
    let rome = viewer(&product, "bob", &["Rome"]).await;
    let nowhere = viewer(&product, "carl", &[]).await;
    for _ in 0..2 {
        assert_eq!(
            *data(&load(&product, &berlin, &query).await),
            json!([{"orders.city": "Berlin", "orders.count": "2"}])
        );
        assert_eq!(
            *data(&load(&product, &rome, &query).await),
            json!([{"orders.city": "Rome", "orders.count": "1"}])
        );
        assert_eq!(*data(&load(&product, &nowhere, &query).await), json!([]));
    }
    let total = json!({"dimensions": ["orders.id"], "limit": 1, "total": true});
    assert_eq!(load(&product, &berlin, &total).await.json["total"], 2);
}

#[tokio::test]
async fn a_table_that_the_viewer_has_not_is_one_that_does_not_exist() {
    let product = product().await;
    let columns = json!([{"name": "id", "type": "integer"}, {"name": "city", "type": "text"}]);
    let file = table_file(6);
    seed_table(&product, "unruled", columns.clone(), &file, 6, json!([])).await;
    let staff = json!([{"groups": ["staff"], "rows": "all"}]);
    seed_table(&product, "staff_only", columns, &file, 6, staff).await;
    let viewer = viewer(&product, "ann", &ALL).await;
    let stranger = session(&product, json!({"externalId": "zoe"})).await;
    for (token, table) in [
        (&viewer, "unruled"),
        (&viewer, "staff_only"),
        (&viewer, "missing"),
        (&viewer, "UNRULED"),
        (&stranger, "orders"),
    ] {
        for member in ["count", "city", "anything"] {
            let path = format!("{table}.{member}");
            let query = json!({"measures": [path]});
            let answer = load(&product, token, &query).await;
            assert_eq!(answer.refusal(), (400, "query_invalid"), "{query}");
            let text = format!("'{table}' not found for path '{path}'");
            assert_eq!((&answer.json["error"], &answer.json["message"]), (&json!(text), &json!(text)));
            let address = format!("/cubejs-api/v1/sql?query={}", urlencoded(&query));
            assert_eq!(product.get(&address).bearer(token).send().await.json["error"], text);
        }
    }
    let names = async |token: &str| {
        let meta = product.get("/cubejs-api/v1/meta").bearer(token).send().await;
        assert_eq!(meta.status, 200, "{}", meta.text);
        let cubes = meta.json["cubes"].as_array().unwrap().clone();
        cubes.iter().map(|cube| cube["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&viewer).await, ["orders"]);
    assert_eq!(names(&stranger).await, [""; 0]);
}

fn urlencoded(query: &Value) -> String {
    form_urlencoded::byte_serialize(query.to_string().as_bytes()).collect()
}

#[tokio::test]
async fn meta_lists_members_of_visible_columns() {
    let product = product().await;
    let viewer = viewer(&product, "ann", &ALL).await;
    let meta = product.get("/cubejs-api/v1/meta").bearer(&viewer).send().await;
    assert!(!meta.text.contains("secret"), "{}", meta.text);
    let orders = &meta.json["cubes"][0];
    let names = |list: &str| {
        let members = orders[list].as_array().unwrap();
        members
            .iter()
            .map(|member| {
                format!("{} {}", member["name"].as_str().unwrap(), member["type"].as_str().unwrap())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("dimensions"),
        [
            "orders.id number",
            "orders.customer string",
            "orders.city string",
            "orders.amount number",
            "orders.day time"
        ]
    );
    assert!(names("measures").contains(&"orders.amount_sum number".to_owned()), "{}", meta.text);
    assert!(names("measures").contains(&"orders.day_max time".to_owned()), "{}", meta.text);
    assert_eq!(orders["measures"][0]["title"], "Orders Count");
    let views = product.get("/cubejs-api/v1/meta?onlyViews=true").bearer(&viewer).send().await;
    assert_eq!(views.json, json!({"cubes": []}));
}

#[tokio::test]
async fn bad_queries_name_their_fault() {
    let product = product().await;
    let viewer = viewer(&product, "ann", &ALL).await;
    for (query, expected) in [
        (json!(null), "query param is required"),
        (json!({}), "Query should contain"),
        (json!({"dimensions": ["orders.secret"]}), "'secret' not found for path 'orders.secret'"),
        (json!({"measures": ["orders.secret_count_distinct"]}), "'secret_count_distinct' not found"),
        (
            json!({"measures": ["orders.count"], "filters": [{"member": "orders.secret", "operator": "set"}]}),
            "'secret' not found",
        ),
        (json!({"measures": ["orders.count"], "order": {"orders.secret": "asc"}}), "'secret' not found"),
        (json!({"dimensions": ["orders.city\" FROM orders --"]}), "not found for path"),
        (
            json!({"dimensions": ["orders.city", "customers.name"]}),
            "joins are not supported: 'customers.name'",
        ),
        (
            json!({"measures": ["orders.count"], "segments": ["orders.big"]}),
            "segments are not supported: orders.big",
        ),
        (json!({"measures": ["orders.count"], "limit": 10_001}), "\"limit\""),
        (json!({"measures": ["orders.count"], "timezone": "Mars/Olympus"}), "\"timezone\""),
        (json!([{"measures": ["orders.count"]}, {"measures": ["orders.count"]}]), "one time dimension each"),
    ] {
        let answer = load(&product, &viewer, &query).await;
        assert_eq!(answer.refusal(), (400, "query_invalid"), "{query} {}", answer.text);
        let error = answer.json["error"].as_str().unwrap();
        assert!(error.contains(expected), "{query} {error}");
        assert_eq!(answer.json["message"], error);
        assert!(!answer.text.contains(CANARY));
    }
    for path in
        ["/cubejs-api/v1/load", "/cubejs-api/v1/load?query=", "/cubejs-api/v1/load?query=%7B%7D&query=%7B%7D"]
    {
        let answer = product.get(path).bearer(&viewer).send().await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json["error"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn only_the_token_of_a_session_opens_data() {
    let product = product().await;
    let viewer = viewer(&product, "ann", &ALL).await;
    let address = format!("/cubejs-api/v1/load?query={}", urlencoded(&json!({"measures": ["orders.count"]})));
    let get = async |authorization: Option<&str>| {
        let call = product.get(&address);
        let call = match authorization {
            Some(value) => call.header("authorization", value),
            None => call,
        };
        call.send().await
    };
    for authorization in [viewer.clone(), format!("Bearer {viewer}"), format!("Embed-Token {viewer}")] {
        assert_eq!(*data(&get(Some(&authorization)).await), json!([{"orders.count": "5"}]));
    }
    let signed = product.sign(json!({"resource": {"question": 1}, "params": {}}));
    for (authorization, expected) in [
        (None, (401, "token_missing")),
        (Some("x".to_owned()), (400, "token_malformed")),
        (Some(format!("Bearer {signed}")), (403, "session_required")),
        (Some(format!("Api-Key {}", vitrine_tests::ADMIN_KEY)), (401, "access_key_as_token")),
    ] {
        let answer = get(authorization.as_deref()).await;
        assert_eq!(answer.refusal(), expected, "{authorization:?}");
        assert!(answer.json["error"].is_string(), "{}", answer.text);
    }
    let revoked = product.post("/v1/sessions/revoke", json!({"session": viewer})).admin().send().await;
    assert!(revoked.status.is_success(), "{}", revoked.text);
    assert_eq!(get(Some(&viewer)).await.refusal(), (401, "token_revoked"));
}

#[tokio::test]
async fn several_queries_are_answered_together() {
    let product = product().await;
    let viewer = viewer(&product, "ann", &ALL).await;
    let load = async |query: Value| {
        let body = json!({"query": query, "queryType": "multi"});
        let answer = product.post("/cubejs-api/v1/load", body).bearer(&viewer).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    };
    let one = load(json!({"measures": ["orders.count"]})).await;
    assert_eq!(
        (&one["queryType"], &one["pivotQuery"]["queryType"]),
        (&json!("regularQuery"), &json!("regularQuery"))
    );
    assert_eq!(one["results"][0]["data"], json!([{"orders.count": "5"}]));
    let times =
        |range: Value| json!([{"dimension": "orders.day", "granularity": "month", "dateRange": range}]);
    let year = times(json!(["2024-01-01", "2024-12-31"]));
    let both = load(json!([
        {"measures": ["orders.count"], "timeDimensions": year},
        {"measures": ["orders.amount_sum"], "timeDimensions": year},
    ]))
    .await;
    assert_eq!(both["queryType"], "blendingQuery");
    assert_eq!(both["pivotQuery"]["measures"], json!(["orders.count", "orders.amount_sum"]));
    assert_eq!(both["results"][1]["data"].as_array().unwrap().len(), 5);
    let compared = load(json!({"measures": ["orders.count"], "timeDimensions": [{
        "dimension": "orders.day", "compareDateRange": [["2024-01-01", "2024-01-31"], ["2023-01-01", "2023-01-31"]],
    }]}))
    .await;
    assert_eq!(compared["queryType"], "compareDateRangeQuery");
    assert_eq!(compared["results"][1]["data"], json!([{"orders.count": "0"}]));
    let compact = load(json!({"dimensions": ["orders.city"], "measures": ["orders.count"], "limit": 1, "order": {"orders.city": "asc"}, "responseFormat": "compact"})).await;
    assert_eq!(
        compact["results"][0]["data"],
        json!({"members": ["orders.city", "orders.count"], "dataset": [["Berlin", "2"]]})
    );
    let columnar = load(json!({"dimensions": ["orders.id"], "limit": 2, "responseFormat": "columnar"})).await;
    assert_eq!(columnar["results"][0]["data"], json!({"members": ["orders.id"], "columns": [["1", "2"]]}));
}

#[tokio::test]
async fn sql_has_placeholders_and_no_policy() {
    let product = product().await;
    let viewer = viewer(&product, "ann", &["Berlin"]).await;
    let query = json!({"measures": ["orders.count"], "filters": [{"member": "orders.customer", "operator": "equals", "values": ["x' --"]}]});
    let address = format!("/cubejs-api/v1/sql?query={}", urlencoded(&query));
    let answer = product.get(&address).bearer(&viewer).send().await;
    assert_eq!(
        answer.json["sql"]["sql"],
        json!([
            r#"SELECT count(*) AS "c0" FROM "orders" WHERE "orders"."customer" = $p1 ORDER BY 1 DESC LIMIT 10000"#,
            ["x' --"]
        ])
    );
    assert!(!answer.text.contains("Berlin"));
}

#[tokio::test]
async fn the_time_zone_is_that_of_the_query_or_else_of_the_session() {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};

    let product = product_with(&[]).await;
    // 31 December 2023, 23:30, in UTC.
    let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_704_065_400_000_000_i64]));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1_i64]));
    let file = parquet(&RecordBatch::try_from_iter([("id", ids), ("at", moments)]).unwrap());
    let columns = json!([{"name": "id", "type": "integer"}, {"name": "at", "type": "timestamp"}]);
    let all = json!([{"groups": ["*"], "rows": "all"}]);
    seed_table(&product, "events", columns, &file, 1, all).await;
    let plain = session(&product, json!({"externalId": "ann"})).await;
    let berlin =
        session(&product, json!({"externalId": "bob", "settings": {"timezone": "Europe/Berlin"}})).await;
    for (token, zone, day, raw) in [
        (&plain, None, "2023-12-31", "2023-12-31T23:30:00.000"),
        (&berlin, None, "2024-01-01", "2024-01-01T00:30:00.000"),
        (&plain, Some("Europe/Berlin"), "2024-01-01", "2024-01-01T00:30:00.000"),
        (&berlin, Some("UTC"), "2023-12-31", "2023-12-31T23:30:00.000"),
    ] {
        let query = json!({"dimensions": ["events.at"], "timezone": zone, "timeDimensions": [
            {"dimension": "events.at", "granularity": "day", "dateRange": [day, day]},
        ]});
        let answer = load(&product, token, &query).await;
        let expected = json!([{"events.at": raw, "events.at.day": format!("{day}T00:00:00.000")}]);
        assert_eq!(*data(&answer), expected, "{query}");
    }
}

#[tokio::test]
async fn a_policy_that_changes_takes_effect() {
    let product = product_with(&[("ResourceCacheSeconds", "0")]).await;
    let viewer = viewer(&product, "ann", &["Berlin"]).await;
    let query = json!({"measures": ["orders.count"]});
    assert_eq!(*data(&load(&product, &viewer, &query).await), json!([{"orders.count": "2"}]));
    seed(&product, 6, json!([])).await;
    assert_eq!(load(&product, &viewer, &query).await.refusal(), (400, "query_invalid"));
    seed(&product, 1, by_city()).await;
    assert_eq!(*data(&load(&product, &viewer, &query).await), json!([{"orders.count": "1"}]));
}
