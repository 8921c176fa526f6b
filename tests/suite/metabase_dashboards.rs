//! Dashboards of cards in Metabase's form: `dashcards`, `tabs`, mappings, and the answers of single cards.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, merge};

use crate::metabase_questions::{created, legacy};
use crate::query_data::{product, seed, token_with};
use crate::stub_engine;

const CITIES: [&str; 3] = ["Berlin", "Paris", "Rome"];

/// Question 1 by customer and city, question 2 without tags.
async fn questions(product: &Product) {
    let tags = json!({
        "customer": {"id": "q1", "name": "customer", "display-name": "Customer", "type": "text"},
        "town": {"id": "q2", "name": "town", "display-name": "Town", "type": "text"},
    });
    let sql = "select id from orders where 1 = 1 [[and customer = {{customer}}]] [[and city = {{town}}]] order by id";
    created(product, json!({"name": "By customer", "dataset_query": legacy(sql, tags), "display": "bar"}))
        .await;
    let all = legacy("select count(*) from orders", json!({}));
    created(product, json!({"name": "All orders", "dataset_query": all, "display": "scalar"})).await;
}

fn parameters() -> Value {
    json!([
        {"id": "p1", "name": "Customer", "slug": "customer", "type": "string/=", "sectionId": "string"},
        {"id": "p2", "name": "City", "slug": "city", "type": "string/=", "sectionId": "location"},
    ])
}

fn mapping(parameter: &str, tag: &str) -> Value {
    json!({"parameter_id": parameter, "card_id": 1, "target": ["variable", ["template-tag", tag]]})
}

fn card(id: i64, card_id: Value, row: u32, fields: Value) -> Value {
    let mut card = json!({
        "id": id, "card_id": card_id, "row": row, "col": 0, "size_x": 12, "size_y": 4, "series": [],
        "parameter_mappings": [], "inline_parameters": [], "visualization_settings": {},
    });
    merge(&mut card, fields);
    card
}

fn heading(text: &str) -> Value {
    json!({"visualization_settings": {"text": text, "dashcard.background": false, "virtual_card": {
        "name": null, "display": "heading", "visualization_settings": {}, "dataset_query": {}, "archived": false,
    }}})
}

async fn put(product: &Product, fields: Value) -> Answer {
    product.put("/api/dashboard/1", fields).admin().send().await
}

async fn dashboard(product: &Product, fields: Value) -> Value {
    let mut all = json!({"name": "Sales", "parameters": parameters()});
    merge(&mut all, fields);
    let answer = product.post("/api/dashboard", all).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn ids(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn cards_and_tabs_are_replaced_as_a_whole_and_negative_ids_are_new() {
    let product = product().await;
    questions(&product).await;
    dashboard(&product, json!({})).await;
    let both = json!([mapping("p1", "customer"), mapping("p2", "town")]);
    let cards = json!([
        card(
            -1,
            json!(1),
            0,
            json!({"dashboard_tab_id": -1, "parameter_mappings": both, "series": [{"id": 2}],
                                     "visualization_settings": {"card.title": "Mine", "graph.x": 1}})
        ),
        card(-2, Value::Null, 4, json!({"dashboard_tab_id": -2})),
    ]);
    let mut cards = cards;
    merge(&mut cards[1], heading("A heading"));
    let tabs = json!([{"id": -1, "name": "First"}, {"id": -2, "name": "Second"}]);
    let answer = put(&product, json!({"parameters": parameters(), "dashcards": cards, "tabs": tabs, "width": "full", "auto_apply_filters": false, "collection_id": 4})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let written = &answer.json;
    assert_eq!((ids(&written["dashcards"]), ids(&written["tabs"])), (vec![1, 2], vec![1, 2]));
    let first = &written["dashcards"][0];
    assert_eq!(
        (&first["card_id"], &first["card"]["name"], &first["card"]["display"]),
        (&json!(1), &json!("By customer"), &json!("bar"))
    );
    assert_eq!(
        (&first["size_x"], &first["size_y"], &first["dashboard_tab_id"]),
        (&json!(12), &json!(4), &json!(1))
    );
    assert_eq!(first["parameter_mappings"], both);
    assert_eq!((&first["series"][0]["id"], &first["series"][0]["name"]), (&json!(2), &json!("All orders")));
    assert_eq!(first["visualization_settings"], json!({"card.title": "Mine", "graph.x": 1}));
    let second = &written["dashcards"][1];
    assert_eq!(
        (&second["card_id"], &second["visualization_settings"]["text"]),
        (&Value::Null, &json!("A heading"))
    );
    assert_eq!(second["visualization_settings"], heading("A heading")["visualization_settings"]);
    assert_eq!(
        (&written["width"], &written["auto_apply_filters"], &written["collection_id"]),
        (&json!("full"), &json!(false), &json!(4))
    );
    assert_eq!(written["parameters"][1]["sectionId"], "location");
    // Natively it is the same dashboard.
    let native = product.get("/v1/resources/dashboard/1").admin().send().await.json["content"].clone();
    assert_eq!(native["cards"][0]["parameters"], json!({"customer": "customer", "city": "town"}));
    assert_eq!(
        (&native["cards"][1]["heading"], &native["tabs"][1]["name"]),
        (&json!("A heading"), &json!("Second"))
    );
    // Written as it was read, it stays as it is.
    let before = product.get("/api/dashboard/1").admin().send().await.json;
    assert_eq!(put(&product, before.clone()).await.status, 200);
    let mut after = product.get("/api/dashboard/1").admin().send().await.json;
    after["updated_at"] = before["updated_at"].clone();
    assert_eq!(after, before);
    // The list is the whole: what is not in it is gone, and its number is not given out again while another has it.
    let mut kept = before["dashcards"][1].clone();
    kept["row"] = json!(9);
    let answer =
        put(&product, json!({"dashcards": [kept, card(-5, json!(2), 0, json!({"dashboard_tab_id": 1}))]}))
            .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(ids(&answer.json["dashcards"]), [2, 3]);
    assert_eq!((&answer.json["dashcards"][0]["row"], ids(&answer.json["tabs"])), (&json!(9), vec![1, 2]));
    // A dashboard that came along with its cards changed has these cards.
    let mut whole = answer.json.clone();
    whole["dashcards"].as_array_mut().unwrap().remove(0);
    assert_eq!(ids(&put(&product, whole).await.json["dashcards"]), [3]);
}

#[tokio::test]
async fn cards_that_cannot_be_placed_are_refused_by_their_field() {
    let product = product().await;
    questions(&product).await;
    dashboard(&product, json!({"dashcards": [card(-1, json!(1), 0, json!({}))]})).await;
    let one = |fields: Value| json!({"dashcards": [card(-1, json!(1), 0, fields)]});
    for (body, path) in [
        (json!({"dashcards": {}}), "dashcards"),
        (json!({"dashcards": [1]}), "dashcards[0]"),
        (json!({"dashcards": [card(-1, Value::Null, 0, json!({}))]}), "dashcards[0].card_id"),
        (one(json!({"id": "x"})), "dashcards[0].id"),
        (one(json!({"card_id": "x"})), "dashcards[0].card_id"),
        (one(json!({"row": -1})), "dashcards[0].row"),
        (one(json!({"col": 24})), "dashcards[0].col"),
        (one(json!({"size_x": 25})), "dashcards[0].size_x"),
        (one(json!({"size_y": 0})), "dashcards[0].size_y"),
        (one(json!({"visualization_settings": 1})), "dashcards[0].visualization_settings"),
        (one(json!({"parameter_mappings": 1})), "dashcards[0].parameter_mappings"),
        (one(json!({"dashboard_tab_id": 7})), "dashcards[0].dashboard_tab_id"),
        (
            json!({"tabs": [{"id": -1, "name": "T"}], "dashcards": [card(-1, json!(1), 0, json!({}))]}),
            "dashcards[0].dashboard_tab_id",
        ),
        (json!({"tabs": [{"id": -1}]}), "tabs[0]"),
        (
            json!({"dashcards": [card(4, json!(1), 0, json!({})), card(4, json!(1), 4, json!({}))]}),
            "dashcards[1].id",
        ),
    ] {
        let refused = put(&product, body.clone()).await;
        assert_eq!(refused.refusal(), (400, "request_invalid"), "{body}: {}", refused.text);
        assert_eq!(refused.issues(), [path], "{body}: {}", refused.text);
    }
    assert_eq!(ids(&product.get("/api/dashboard/1").admin().send().await.json["dashcards"]), [1]);
}

/// Dashboard 1 with both questions; `customer` is locked and reaches the first alone.
async fn published(product: &Product) -> String {
    questions(product).await;
    let cards = json!([
        card(
            -1,
            json!(1),
            0,
            json!({"parameter_mappings": [mapping("p1", "customer"), mapping("p2", "town")]})
        ),
        card(-2, json!(2), 4, json!({})),
    ]);
    let policy = json!({"customer": "locked", "city": "enabled"});
    dashboard(product, json!({"dashcards": cards, "enable_embedding": true, "embedding_params": policy}))
        .await;
    let claims = json!({"resource": {"question": null, "dashboard": 1}, "params": {"customer": "acme"}});
    token_with(product, "a", &CITIES, claims)
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

#[tokio::test]
async fn a_viewer_asks_each_card_with_the_parameters_that_are_tied_to_it() {
    let product = product().await;
    let token = published(&product).await;
    let ask =
        async |rest: &str| product.get(&format!("/api/embed/dashboard/{token}/dashcard/{rest}")).send().await;
    assert_eq!(rows(&ask("1/card/1").await), &json!([[1], [2], [3]]));
    assert_eq!(rows(&ask("1/card/1?city=Paris").await), &json!([[3]]));
    assert_eq!(
        rows(&ask("1/card/1?parameters=%7B%22city%22%3A%5B%22Berlin%22%5D%7D").await),
        &json!([[1], [2]])
    );
    // No mapping ties a parameter to this one; its table has a row policy.
    assert_eq!(rows(&ask("2/card/2?city=Paris").await), &json!([[5]]));
    let shown = ask("1/card/1?city=Paris").await;
    assert_eq!(
        shown.json["json_query"]["parameters"][0]["target"],
        json!(["variable", ["template-tag", "town"]])
    );
    assert!(!shown.text.contains("acme"), "{}", shown.text);
    let file = ask("1/card/1/csv?city=Paris&format_rows=false").await;
    assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "Id\n3\n"));
    for (rest, expected) in [
        ("1/card/2", (404, "resource_not_found")),
        ("9/card/1", (404, "resource_not_found")),
        ("1/card/1/pdf", (404, "route_not_found")),
        ("x/card/1", (404, "route_not_found")),
        ("1/card/1?customer=globex", (400, "parameter_locked")),
        ("1/card/1?other=1", (400, "parameter_unknown")),
    ] {
        assert_eq!(ask(rest).await.refusal(), expected, "{rest}");
    }
    // A token for a question, and the routes of questions with a token for a dashboard.
    let other = token_with(&product, "a", &CITIES, json!({}));
    let path = format!("/api/embed/dashboard/{other}/dashcard/1/card/1");
    assert_eq!(
        product.get(&path).send().await.refusal(),
        product.get(&format!("/api/embed/dashboard/{other}")).send().await.refusal()
    );
    assert_ne!(product.get(&format!("/api/embed/card/{token}/query")).send().await.status, 202);
    let lacking = token_with(&product, "a", &CITIES, json!({"resource": {"question": null, "dashboard": 1}}));
    let path = format!("/api/embed/dashboard/{lacking}/dashcard/1/card/1");
    assert_eq!(product.get(&path).send().await.refusal(), (400, "parameter_locked_missing"));
    assert_eq!(put(&product, json!({"allow_downloads": false})).await.status, 200);
    assert_eq!(ask("1/card/1/csv").await.refusal(), (403, "downloads_disabled"));
    assert_eq!(put(&product, json!({"enable_embedding": false})).await.status, 200);
    assert_eq!(ask("1/card/1").await.refusal(), (403, "resource_not_published"));
}

#[tokio::test]
async fn a_viewer_reads_where_the_cards_are_and_nothing_else_of_them() {
    let product = product().await;
    let token = published(&product).await;
    let view = product.get(&format!("/api/embed/dashboard/{token}")).send().await;
    assert_eq!(view.status, 200, "{}", view.text);
    let cards = &view.json["dashcards"];
    assert_eq!(
        (ids(cards), &cards[0]["card_id"], &cards[0]["card"]["display"]),
        (vec![1, 2], &json!(1), &json!("bar"))
    );
    assert_eq!(cards[0]["parameter_mappings"].as_array().unwrap().len(), 1, "{}", view.text);
    assert_eq!(cards[0]["parameter_mappings"][0]["parameter_id"], "p2");
    assert_eq!(view.json["tabs"], json!([]));
    for hidden in ["from orders", "select", "\"p1\"", "\"customer\"", "acme"] {
        assert!(!view.text.contains(hidden), "{hidden}: {}", view.text);
    }
}

#[tokio::test]
async fn an_admin_previews_a_card_of_a_dashboard() {
    let product = product().await;
    published(&product).await;
    assert_eq!(put(&product, json!({"enable_embedding": false, "embedding_params": {}})).await.status, 200);
    let claims = json!({
        "resource": {"question": null, "dashboard": 1}, "params": {"customer": "acme"},
        "_embedding_params": {"customer": "locked"},
    });
    let token = token_with(&product, "a", &CITIES, claims);
    let path = format!("/api/preview_embed/dashboard/{token}/dashcard/1/card/1");
    assert_eq!(rows(&product.get(&path).admin().send().await), &json!([[1], [2], [3]]));
    assert_eq!(product.get(&format!("{path}/csv")).admin().send().await.text, "Id\n1\n2\n3\n");
    assert_eq!(product.get(&path).send().await.refusal(), (401, "access_key_missing"));
    assert_eq!(
        product.get(&format!("{path}?city=Rome")).admin().send().await.refusal(),
        (400, "parameter_unknown")
    );
}

#[tokio::test]
async fn an_owner_asks_a_card_of_a_dashboard_with_the_dashboards_parameters() {
    let product = product().await;
    published(&product).await;
    seed(&product, 5, json!([])).await;
    let ask = async |place: &str, parameters: Value| {
        let path = format!("/api/dashboard/1/dashcard/{place}/query");
        product.post(&path, json!({"parameters": parameters})).admin().send().await
    };
    assert_eq!(
        rows(&ask("1/card/1", json!([{"id": "p2", "type": "string/=", "value": ["Paris"]}])).await),
        &json!([[3], [4]])
    );
    assert_eq!(rows(&ask("2/card/2", json!([{"id": "p2", "value": "Paris"}])).await), &json!([[5]]));
    let unknown = ask("1/card/1", json!([{"id": "p9", "value": 1}])).await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json["error_type"]),
        (202, &json!("invalid-parameter")),
        "{}",
        unknown.text
    );
    for place in ["1/card/2", "9/card/1"] {
        assert_eq!(ask(place, json!([])).await.refusal(), (404, "resource_not_found"), "{place}");
    }
    let path = "/api/dashboard/1/dashcard/1/card/1/query";
    assert_eq!(product.post(path, json!({})).send().await.refusal(), (401, "access_key_missing"));
    let member = product.key("member", &["resources:write"]).await;
    assert_eq!(product.post(path, json!({})).bearer(&member).send().await.refusal(), (403, "access_denied"));
}

#[tokio::test]
async fn text_operators_on_dashboards_ignore_case_and_equality_does_not() {
    let product = product().await;
    seed(&product, 5, json!([])).await;
    let city = crate::metabase_questions::field(&product, "city").await;
    let tag = |name: &str, widget: &str| json!({"id": name, "name": name, "display-name": name, "type": "dimension", "dimension": ["field", city, null], "widget-type": widget});
    let tags = json!({"has": tag("has", "string/contains"), "begins": tag("begins", "string/starts-with"),
                      "ends": tag("ends", "string/ends-with"), "is": tag("is", "string/=")});
    let sql =
        "select distinct city from orders where {{has}} and {{begins}} and {{ends}} and {{is}} order by city";
    created(&product, json!({"dataset_query": legacy(sql, tags)})).await;
    let names = ["has", "begins", "ends", "is"];
    let kinds = ["string/contains", "string/starts-with", "string/ends-with", "string/="];
    let declared: Vec<_> = names
        .iter()
        .zip(kinds)
        .map(|(name, kind)| json!({"id": format!("p-{name}"), "name": name, "slug": name, "type": kind}))
        .collect();
    let mappings: Vec<_> = names.iter()
        .map(|name| json!({"parameter_id": format!("p-{name}"), "card_id": 1, "target": ["dimension", ["template-tag", name]]})).collect();
    let cards = json!([card(-1, json!(1), 0, json!({"parameter_mappings": mappings}))]);
    let policy: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), json!("enabled")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let created = product
        .post("/api/dashboard", json!({"name": "D", "parameters": declared, "dashcards": cards, "enable_embedding": true, "embedding_params": policy}))
        .admin().send().await;
    assert_eq!(created.status, 200, "{}", created.text);
    let token = token_with(&product, "a", &CITIES, json!({"resource": {"question": null, "dashboard": 1}}));
    for (rest, expected) in [
        ("has=ERL", json!([["Berlin"]])),
        ("begins=p", json!([["Paris"]])),
        ("ends=ME", json!([["Rome"]])),
        ("is=berlin", json!([])),
        ("is=Berlin", json!([["Berlin"]])),
    ] {
        let answer =
            product.get(&format!("/api/embed/dashboard/{token}/dashcard/1/card/1?{rest}")).send().await;
        assert_eq!(rows(&answer), &expected, "{rest}");
        let (name, value) = rest.split_once('=').unwrap();
        let body = json!({"parameters": [{"id": format!("p-{name}"), "value": [value]}]});
        let owner = product.post("/api/dashboard/1/dashcard/1/card/1/query", body).admin().send().await;
        assert_eq!(rows(&owner), &expected, "{rest}");
    }
}

#[tokio::test]
async fn a_published_dashboard_gets_no_card_without_the_locked_parameter() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let tags = json!({"customer": {"id": "t", "name": "customer", "display-name": "C", "type": "text"}});
    let by_customer = legacy("select 1 from orders where customer = {{customer}}", tags);
    created(&product, json!({"name": "By customer", "dataset_query": by_customer})).await;
    created(
        &product,
        json!({"name": "Everybody's orders", "dataset_query": legacy("select 1 from orders", json!({}))}),
    )
    .await;
    let tied = card(-1, json!(1), 0, json!({"parameter_mappings": [mapping("p1", "customer")]}));
    let declared = json!([{"id": "p1", "name": "Customer", "slug": "customer", "type": "string/="}]);
    let body = json!({"name": "D", "parameters": declared, "dashcards": [tied], "enable_embedding": true, "embedding_params": {"customer": "locked"}});
    let created = product.post("/api/dashboard", body).admin().send().await;
    assert_eq!(created.status, 200, "{}", created.text);
    let untied = card(-1, json!(1), 0, json!({}));
    let other = card(-2, json!(2), 4, json!({}));
    for (cards, name) in [(json!([tied, other]), "Everybody's orders"), (json!([untied]), "By customer")] {
        let refused = put(&product, json!({"dashcards": cards})).await;
        assert_eq!(refused.refusal(), (400, "request_invalid"), "{}", refused.text);
        assert!(refused.text.contains(name), "{}", refused.text);
        assert!(refused.issues()[0].starts_with("dashcards["), "{}", refused.text);
    }
    assert_eq!(ids(&product.get("/api/dashboard/1").admin().send().await.json["dashcards"]), [1]);
    // A draft may have it.
    assert_eq!(put(&product, json!({"enable_embedding": false})).await.status, 200);
    assert_eq!(put(&product, json!({"dashcards": [tied, other]})).await.status, 200);
    assert_eq!(put(&product, json!({"enable_embedding": true})).await.status, 400);
}
