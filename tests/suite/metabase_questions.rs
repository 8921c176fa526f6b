//! Cards with queries in Metabase's administration API: both forms of `dataset_query`, and what survives a round trip.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, merge};

use crate::query_data::{product, token};

/// The number of a column of `orders`.
pub async fn field(product: &Product, column: &str) -> u64 {
    let table = product.get("/v1/tables/orders").admin().send().await.json;
    let columns = table["columns"].as_array().unwrap();
    columns.iter().find(|stored| stored["name"] == column).unwrap()["id"].as_u64().unwrap()
}

pub fn legacy(sql: &str, tags: Value) -> Value {
    json!({"database": 1, "type": "native", "native": {"query": sql, "template-tags": tags}})
}

pub fn stages(sql: &str, tags: Value) -> Value {
    json!({
        "lib/type": "mbql/query", "database": 1,
        "stages": [{"lib/type": "mbql.stage/native", "native": sql, "template-tags": tags}],
    })
}

pub async fn create(product: &Product, fields: Value) -> Answer {
    let mut card = json!({"name": "Orders", "display": "table", "visualization_settings": {}});
    merge(&mut card, fields);
    product.post("/api/card", card).admin().send().await
}

pub async fn created(product: &Product, fields: Value) -> Value {
    let answer = create(product, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

async fn read(product: &Product, query: &str) -> Value {
    let answer = product.get(&format!("/api/card/1{query}")).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn tags() -> Value {
    json!({
        "city": {"id": "6b8b", "name": "city", "display-name": "City", "type": "text", "required": false},
        "least": {"id": "77aa", "name": "least", "display-name": "At least", "type": "number", "default": "5", "required": true},
    })
}

const SQL: &str = "select city from orders where amount >= {{least}} [[and city = {{city}}]]";

#[tokio::test]
async fn a_card_returns_its_query_in_the_form_that_is_asked_for() {
    for written in [legacy(SQL, tags()), stages(SQL, tags())] {
        let product = product().await;
        let card = created(&product, json!({"dataset_query": written})).await;
        assert_eq!(card["dataset_query"], stages(SQL, tags()), "{written}");
        assert_eq!(read(&product, "").await["dataset_query"], stages(SQL, tags()), "{written}");
        let asked = read(&product, "?legacy-mbql=true").await;
        assert_eq!(asked["dataset_query"], legacy(SQL, tags()), "{written}");
        assert_eq!((&asked["query_type"], &asked["database_id"]), (&json!("native"), &json!(1)));
        // The same question natively.
        let native = product.get("/v1/resources/question/1").admin().send().await.json;
        assert_eq!(native["content"]["query"]["sql"], SQL);
        assert_eq!(native["content"]["query"]["tags"]["least"]["default"], "5");
        assert_eq!(native["allow_downloads"], true);
    }
}

#[tokio::test]
async fn a_field_filter_names_its_column_by_number_in_both_forms() {
    let product = product().await;
    let city = field(&product, "city").await;
    let filter = |dimension: Value| {
        json!({"where": {"id": "a1", "name": "where", "display-name": "Where", "type": "dimension",
                         "dimension": dimension, "widget-type": "string/contains", "options": {"case-sensitive": false}}})
    };
    let sql = "select city from orders where {{where}}";
    let plain = json!(["field", city, null]);
    let staged = json!(["field", {"lib/uuid": "9f", "base-type": "type/Text"}, city]);
    for (written, legacy_form) in [
        (legacy(sql, filter(plain.clone())), plain.clone()),
        (stages(sql, filter(staged.clone())), json!(["field", city, {"base-type": "type/Text"}])),
        (
            legacy(sql, filter(json!(["field", city, {"base-type": "type/Text"}]))),
            json!(["field", city, {"base-type": "type/Text"}]),
        ),
    ] {
        let id = created(&product, json!({"dataset_query": written})).await["id"].clone();
        let asked = product.get(&format!("/api/card/{id}?legacy-mbql=true")).admin().send().await.json;
        assert_eq!(asked["dataset_query"]["native"]["template-tags"], filter(legacy_form), "{written}");
        let staged = product.get(&format!("/api/card/{id}")).admin().send().await.json;
        let dimension = &staged["dataset_query"]["stages"][0]["template-tags"]["where"]["dimension"];
        assert_eq!(
            (&dimension[0], &dimension[1]["base-type"], &dimension[2]),
            (&json!("field"), &json!("type/Text"), &json!(city))
        );
        let native = product.get(&format!("/v1/resources/question/{id}")).admin().send().await.json;
        let tag = &native["content"]["query"]["tags"]["where"];
        assert_eq!(tag["dimension"], json!({"table": "orders", "column": "city"}));
        assert_eq!((&tag["widget_type"], &tag["case_sensitive"]), (&json!("string/contains"), &json!(false)));
    }
    // A hidden column and one that does not exist.
    for id in [field(&product, "secret").await, 999_999] {
        let refused =
            create(&product, json!({"dataset_query": legacy(sql, filter(json!(["field", id, null])))})).await;
        assert_eq!(refused.refusal(), (400, "request_invalid"));
        assert_eq!(refused.issues(), ["dataset_query.native.template-tags.where.dimension"]);
    }
}

#[tokio::test]
async fn fields_that_are_not_understood_survive_a_round_trip_and_reach_no_viewer() {
    let product = product().await;
    let marked = |value: &str| format!("{}-{value}", crate::query_data::CANARY);
    let mut tags = tags();
    tags["city"]["alias"] = json!(marked("alias"));
    let mut query = legacy(SQL, tags);
    query["middleware"] = json!({"x": marked("middleware")});
    query["native"]["collection"] = json!(marked("collection"));
    let parameter = json!({
        "id": "6b8b", "slug": "city", "name": "City", "type": "string/=", "sectionId": marked("section"),
        "target": ["variable", ["template-tag", "city"]], "values_query_type": "list",
    });
    let card = json!({
        "dataset_query": query, "display": "sankey", "type": "model", "collection_id": 12, "collection_position": 3,
        "visualization_settings": {"graph.x": marked("settings"), "column_settings": {"[\"name\",\"city\"]": {"a": null}}},
        "result_metadata": [{"name": "city", "fingerprint": marked("metadata")}], "cache_ttl": 2,
        "parameters": [parameter], "something_new": {"deep": [marked("new"), null, 1.5]},
        "enable_embedding": true, "embedding_params": {"city": "enabled"},
    });
    let mut expected = card.clone();
    for returned in [created(&product, card.clone()).await, read(&product, "?legacy-mbql=true").await] {
        expected["dataset_query"] = if returned["dataset_query"]["stages"].is_null() {
            query.clone()
        } else {
            returned["dataset_query"].clone()
        };
        for (name, value) in expected.as_object().unwrap() {
            if name != "parameters" {
                assert_eq!(returned[name], *value, "{name}");
            }
        }
        for (name, value) in parameter.as_object().unwrap() {
            assert_eq!(returned["parameters"][0][name], *value, "{name}");
        }
        // A tag without a parameter of its own has one with its id and its default.
        let derived =
            json!({"id": "77aa", "slug": "least", "type": "number/=", "default": "5", "required": true});
        for (name, value) in derived.as_object().unwrap() {
            assert_eq!(returned["parameters"][1][name], *value, "{name}");
        }
    }
    // Written as it was read, in either form, it stays as it is.
    for form in ["", "?legacy-mbql=true"] {
        let before = read(&product, form).await;
        let again = product.put("/api/card/1", before.clone()).admin().send().await;
        assert_eq!(again.status, 200, "{}", again.text);
        let mut after = read(&product, form).await;
        after["updated_at"] = before["updated_at"].clone();
        assert_eq!(after, before, "{form}");
    }
    let viewer = token(&product, "a", &["Berlin"]);
    for path in ["/v1/view".to_owned(), format!("/api/embed/card/{viewer}")] {
        let view = product.get(&path).bearer(&viewer).send().await;
        assert_eq!(view.status, 200, "{}", view.text);
        for hidden in ["alias", "middleware", "collection", "section", "metadata", "new"] {
            assert!(!view.text.contains(&marked(hidden)), "{path} {hidden}: {}", view.text);
        }
    }
}

#[tokio::test]
async fn a_put_changes_the_parts_that_it_names() {
    let product = product().await;
    created(&product, json!({"dataset_query": legacy(SQL, tags()), "visualization_settings": {"a": 1}, "cache_ttl": 4, "collection_id": 9})).await;
    let put = async |fields: Value| {
        let answer = product.put("/api/card/1", fields).admin().send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    };
    let card = put(json!({"display": "bar", "visualization_settings": {"b": 2}})).await;
    assert_eq!((&card["display"], &card["visualization_settings"]), (&json!("bar"), &json!({"b": 2})));
    assert_eq!((&card["cache_ttl"], &card["collection_id"]), (&json!(4), &json!(9)));
    assert_eq!(card["dataset_query"], stages(SQL, tags()));
    let card = put(json!({"cache_ttl": null, "collection_id": null})).await;
    assert_eq!((&card["cache_ttl"], &card["collection_id"]), (&Value::Null, &Value::Null));
    assert_eq!(card["visualization_settings"], json!({"b": 2}));
    // The parameters of tags that are gone go with them.
    let slugs = |card: &Value| -> Vec<String> {
        card["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["slug"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(slugs(&card), ["city", "least"]);
    let mut other = tags();
    let moved = other.as_object_mut().unwrap().remove("city").unwrap();
    other["town"] = moved;
    other["town"]["name"] = json!("town");
    let sql = SQL.replace("{{city}}", "{{town}}");
    let card = put(json!({"dataset_query": stages(&sql, other)})).await;
    assert_eq!(slugs(&card), ["least", "town"]);
    // A card as it was read, with another query: the query counts, and not the content that came along.
    let mut whole = card.clone();
    whole["dataset_query"] = legacy("select 1 as one", json!({}));
    whole["display"] = json!("scalar");
    let card = put(whole).await;
    assert_eq!(card["dataset_query"], stages("select 1 as one", json!({})));
    assert_eq!((&card["display"], slugs(&card)), (&json!("scalar"), Vec::<String>::new()));
    // And with another content.
    let mut whole = card.clone();
    whole["content"]["query"]["sql"] = json!("select 2 as two");
    assert_eq!(put(whole).await["dataset_query"], stages("select 2 as two", json!({})));
    for nothing in [json!(null), json!({})] {
        assert_eq!(
            put(json!({"dataset_query": nothing})).await["dataset_query"],
            stages("select 2 as two", json!({}))
        );
    }
}

#[tokio::test]
async fn queries_that_cannot_run_here_are_refused_with_the_reason() {
    let product = product().await;
    let tagged = |tag: Value| legacy("select {{x}}", json!({"x": tag}));
    let cases = [
        (json!({"database": 1, "type": "query", "query": {"source-table": 1}}), "dataset_query.type"),
        (json!({"database": 1, "query": {"source-table": 1}}), "dataset_query.query"),
        (
            json!({"lib/type": "mbql/query", "database": 1, "stages": [{"lib/type": "mbql.stage/mbql", "source-table": 1}]}),
            "dataset_query.stages",
        ),
        (
            json!({"lib/type": "mbql/query", "stages": [{"native": "select 1"}, {"lib/type": "mbql.stage/mbql"}]}),
            "dataset_query.stages",
        ),
        (json!({"lib/type": "mbql/query", "stages": []}), "dataset_query.stages"),
        (
            json!({"lib/type": "mbql/query", "type": "native", "native": {"query": "select 1"}, "stages": []}),
            "dataset_query",
        ),
        (json!({"type": "native"}), "dataset_query.native"),
        (json!({"type": "native", "native": {"query": 1}}), "dataset_query.native.query"),
        (json!({"type": "sql", "native": {"query": "select 1"}}), "dataset_query.type"),
        (json!("select 1"), "dataset_query"),
        (
            json!({"database": 77, "type": "native", "native": {"query": "select 1"}}),
            "dataset_query.database",
        ),
        (
            json!({"database": -1337, "type": "native", "native": {"query": "select 1"}}),
            "dataset_query.database",
        ),
        (legacy("select {{x}}", json!({})), "dataset_query.native.query"),
        (stages("select {{x}}", json!({})), "dataset_query.stages[0].native"),
        (legacy(" ", json!({})), "dataset_query.native.query"),
        (tagged(json!({"type": "table"})), "dataset_query.native.template-tags.x.type"),
        (tagged(json!({"type": "dimension"})), "dataset_query.native.template-tags.x.dimension"),
        (
            tagged(json!({"type": "dimension", "dimension": ["field", "city", null]})),
            "dataset_query.native.template-tags.x.dimension",
        ),
        (
            tagged(
                json!({"type": "dimension", "widget-type": "string/like", "dimension": ["field", 10001, null]}),
            ),
            "dataset_query.native.template-tags.x.widget-type",
        ),
        (
            tagged(json!({"type": "number", "default": "five"})),
            "dataset_query.native.template-tags.x.default",
        ),
        (tagged(json!("text")), "dataset_query.native.template-tags.x"),
    ];
    for (query, path) in cases {
        let refused = create(&product, json!({"dataset_query": query})).await;
        assert_eq!(refused.refusal(), (400, "request_invalid"), "{query}");
        assert_eq!(refused.issues(), [path], "{query}: {}", refused.text);
    }
    let structured = create(&product, json!({"dataset_query": {"type": "query", "query": {}}})).await;
    assert!(structured.text.contains("MBQL"), "{}", structured.text);
    let refused =
        create(&product, json!({"dataset_query": legacy("select 1", json!({})), "display": "a b"})).await;
    assert_eq!(refused.issues(), ["display"]);
    let huge = json!({"dataset_query": legacy("select 1", json!({})), "visualization_settings": {"a": "x".repeat(70_000)}});
    assert_eq!(create(&product, huge).await.issues(), ["visualization_settings"]);
    assert_eq!(product.get("/api/card/1").admin().send().await.refusal(), (404, "resource_not_found"));
    // Nothing changes a card that is there.
    created(&product, json!({"dataset_query": legacy("select 1", json!({}))})).await;
    let refused = product
        .put("/api/card/1", json!({"name": "N", "dataset_query": {"type": "query"}}))
        .admin()
        .send()
        .await;
    assert_eq!(refused.status, 400);
    assert_eq!(read(&product, "").await["name"], "Orders");
}
