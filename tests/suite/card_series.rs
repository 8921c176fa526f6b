//! Cards that draw the answers of several questions, and texts that name parameters.

use serde_json::{Value, json};
use vitrine_tests::{Product, merge};

use crate::metabase_questions::{created, legacy};
use crate::query_data::{ask, product, rows, seed, token_with};
use crate::stub_engine;

const CITIES: [&str; 3] = ["Berlin", "Paris", "Rome"];

/// Questions 1 (orders) and 2 (amounts), both by customer, and 3, which is restricted by nothing.
async fn questions(product: &Product) {
    let tags =
        json!({"customer": {"id": "q1", "name": "customer", "display-name": "Customer", "type": "text"}});
    for (name, what) in [("Orders", "count(*) as n"), ("Amounts", "sum(amount) as total")] {
        let sql = format!(
            "select city, {what} from orders where customer = {{{{customer}}}} group by city order by city"
        );
        created(
            product,
            json!({"name": name, "dataset_query": legacy(&sql, tags.clone()), "display": "bar"}),
        )
        .await;
    }
    let all = legacy("select city, count(*) as n from orders group by city", json!({}));
    created(product, json!({"name": "Everybody's", "dataset_query": all, "display": "line"})).await;
}

fn card(fields: Value) -> Value {
    let mut card = json!({"id": 1, "row": 0, "col": 0, "width": 12, "height": 6});
    merge(&mut card, fields);
    card
}

fn dashboard(cards: Value) -> Value {
    json!({
        "content": {"type": "dashboard", "cards": cards},
        "parameters": [
            {"slug": "tenant", "name": "Tenant", "type": "text", "id": "p1"},
            {"slug": "city", "name": "City", "type": "text", "id": "p2"},
        ],
        "embedding_params": {"tenant": "locked", "city": "enabled"},
    })
}

fn token(product: &Product) -> String {
    let claims = json!({"resource": {"question": null, "dashboard": 1}, "params": {"tenant": "acme"}});
    token_with(product, "a", &CITIES, claims)
}

#[tokio::test]
async fn each_question_of_a_series_is_asked_with_the_parameters_of_its_card() {
    let product = product().await;
    seed(&product, 6, json!([])).await;
    questions(&product).await;
    let cards = json!([
        card(json!({"question": 1, "series": [2], "parameters": {"tenant": "customer"}})),
        card(json!({"id": 2, "question": 1, "parameters": {"tenant": "customer"}})),
    ]);
    product.publish("dashboard/1", dashboard(cards)).await;
    let token = token(&product);
    let view = product.get("/v1/view").bearer(&token).send().await;
    let series = json!([{"question": 2, "title": "Amounts", "display": "bar", "settings": {}}]);
    assert_eq!(view.json["content"]["cards"][0]["series"], series, "{}", view.text);
    assert!(view.json["content"]["cards"][1].get("series").is_none());
    let count = ask(&product, &token, json!({"card": 1})).await;
    let amount = ask(&product, &token, json!({"card": 1, "series": 2})).await;
    assert_eq!(rows(&count), &json!([["Berlin", 2], ["Paris", 1]]));
    assert_eq!(rows(&amount), &json!([["Berlin", 30], ["Paris", 30]]));
    for (body, refusal) in [
        (json!({"card": 1, "series": 1}), (404, "query_not_found")),
        (json!({"card": 1, "series": 3}), (404, "query_not_found")),
        (json!({"card": 2, "series": 2}), (404, "query_not_found")),
        (json!({"series": 2}), (400, "request_invalid")),
        (json!({"card": 1, "series": "2"}), (400, "request_invalid")),
        (json!({"card": 1, "series": 2, "parameters": {"tenant": "globex"}}), (400, "parameter_locked")),
    ] {
        assert_eq!(ask(&product, &token, body.clone()).await.refusal(), refusal, "{body}");
    }
    // Metabase's route names the question.
    let embedded =
        async |rest: &str| product.get(&format!("/api/embed/dashboard/{token}/dashcard/{rest}")).send().await;
    let answer = embedded("1/card/2").await;
    assert_eq!((answer.status.as_u16(), &answer.json["data"]["rows"]), (202, rows(&amount)));
    assert_eq!(embedded("1/card/2/csv").await.status, 403);
    assert_eq!(embedded("1/card/3").await.refusal(), (404, "resource_not_found"));
    assert_eq!(embedded("2/card/2").await.refusal(), (404, "resource_not_found"));
    let dashcards = product.get(&format!("/api/embed/dashboard/{token}")).send().await.json;
    let shown = &dashcards["dashcards"][0]["series"][0];
    assert_eq!((&shown["id"], &shown["name"]), (&json!(2), &json!("Amounts")));
    assert!(!shown.to_string().contains("select"));
    // Its owner as well.
    let owner = product.post(
        "/api/dashboard/1/dashcard/1/card/2/query",
        json!({"parameters": [{"id": "p1", "value": "acme"}]}),
    );
    assert_eq!(owner.admin().send().await.json["data"]["rows"], *rows(&amount));
}

#[tokio::test]
async fn a_series_without_the_locked_parameter_is_not_published() {
    let product = product().await;
    stub_engine::install(&product);
    questions(&product).await;
    let publish = async |series: Value| {
        let cards = json!([card(
            json!({"question": 1, "title": "Mine", "series": series, "parameters": {"tenant": "customer"}})
        )]);
        let mut body = dashboard(cards);
        merge(&mut body, json!({"title": "D", "enable_embedding": true}));
        product.put("/v1/resources/dashboard/1", body).admin().send().await
    };
    for (series, word) in [(json!([2, 3]), "`Mine: Everybody's`"), (json!([9]), "is not a question")] {
        let refused = publish(series).await;
        assert_eq!(refused.refusal(), (400, "request_invalid"), "{}", refused.text);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
    assert!(publish(json!([2])).await.status.is_success());
    // Through Metabase's routes as well.
    let read = product.get("/api/dashboard/1").admin().send().await.json;
    let mut cards = read["dashcards"].clone();
    assert_eq!(cards[0]["series"][0]["name"], "Amounts");
    cards[0]["series"] = json!([{"id": 2}, {"id": 3}]);
    let refused = product.put("/api/dashboard/1", json!({"dashcards": cards})).admin().send().await;
    assert_eq!(refused.refusal(), (400, "request_invalid"), "{}", refused.text);
    cards[0]["series"] = json!([{"name": "no id"}]);
    let refused = product.put("/api/dashboard/1", json!({"dashcards": cards})).admin().send().await;
    assert!(refused.issues()[0].starts_with("dashcards[0].series[0].id"), "{}", refused.text);
    let tag = |card: u64, tag: &str| json!({"parameter_id": "p1", "card_id": card, "target": ["variable", ["template-tag", tag]]});
    cards[0]["series"] = json!([{"id": 2}]);
    cards[0]["parameter_mappings"] = json!([tag(1, "customer"), tag(2, "other")]);
    let refused = product.put("/api/dashboard/1", json!({"dashcards": cards})).admin().send().await;
    assert!(refused.issues()[0].starts_with("dashcards[0].parameter_mappings"), "{}", refused.text);
    cards[0]["parameter_mappings"] = json!([tag(1, "customer"), tag(2, "customer")]);
    let kept = product.put("/api/dashboard/1", json!({"dashcards": cards})).admin().send().await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    assert_eq!(kept.json["dashcards"][0]["parameter_mappings"], cards[0]["parameter_mappings"]);
}

#[tokio::test]
async fn a_text_shows_a_locked_value_only_where_its_owner_has_mapped_it() {
    let product = product().await;
    let cards = json!([
        card(json!({"text": "for {{tenant}} in {{city}}"})),
        card(
            json!({"id": 2, "text": "for **{{who}}**[[ in {{where}}]]", "parameters": {"tenant": "who", "city": "where"}})
        ),
        card(json!({"id": 3, "heading": "{{where}}", "parameters": {"city": "where"}})),
    ]);
    product.publish("dashboard/1", dashboard(cards)).await;
    let claims = json!({"resource": {"question": null, "dashboard": 1}, "params": {"tenant": "<b>*acme*"}});
    let token = token_with(&product, "a", &CITIES, claims);
    let view = product.get("/v1/view").bearer(&token).send().await;
    let text = |card: usize| view.json["content"]["cards"][card]["settings"]["text"].clone();
    assert_eq!(text(0), "for {{tenant}} in {{city}}");
    assert_eq!(text(1), "for **\\<b\\>\\*acme\\***[[ in {{city}}]]");
    assert_eq!(text(2), "{{city}}");
    assert_eq!(view.json["parameters"].as_array().unwrap().len(), 1, "{}", view.text);
    // Metabase's pages put in the viewer's values themselves, and are told where.
    let embedded = product.get(&format!("/api/embed/dashboard/{token}")).send().await.json;
    let dashcards = &embedded["dashcards"];
    assert_eq!(dashcards[1]["visualization_settings"]["text"], text(1));
    assert_eq!(
        dashcards[1]["parameter_mappings"],
        json!([{"parameter_id": "p2", "card_id": null, "target": ["text-tag", "city"]}])
    );
    assert_eq!(dashcards[0]["parameter_mappings"], json!([]));
    // Written as it was read, nothing more is mapped.
    let before = product.get("/api/dashboard/1").admin().send().await.json;
    assert_eq!(before["dashcards"][0]["parameter_mappings"], json!([]));
    assert_eq!(product.put("/api/dashboard/1", before).admin().send().await.status, 200);
    let native = product.get("/v1/resources/dashboard/1").admin().send().await.json;
    assert!(native["content"]["cards"][0].get("parameters").is_none(), "{native}");
    assert_eq!(native["content"]["cards"][1]["parameters"], json!({"tenant": "who", "city": "where"}));
    assert_eq!(product.get("/v1/view").bearer(&token).send().await.json["content"], view.json["content"]);
}

/// widget type of the tag -> whether the page shows two fields
#[tokio::test]
async fn the_page_learns_which_parameters_are_two_numbers() {
    let product = product().await;
    for (widget, is_range) in [("number/between", true), ("number/>=", false), ("number/=", false)] {
        let tag = json!({"type": "dimension", "dimension": {"table": "orders", "column": "amount"}, "widget_type": widget});
        let query =
            json!({"sql": "select id from orders where {{amount}} order by id", "tags": {"amount": tag}});
        let content = json!({"type": "question", "query": query});
        product
            .publish("question/1", json!({"content": content, "embedding_params": {"amount": "enabled"}}))
            .await;
        let token = token_with(&product, "a", &CITIES, json!({}));
        let view = product.get("/v1/view").bearer(&token).send().await;
        let shown = view.json["parameters"][0].get("range").cloned();
        assert_eq!(shown, is_range.then_some(json!(true)), "{widget}: {}", view.text);
        if is_range {
            for (value, expected) in [
                (json!(["", "20"]), json!([[1], [2]])),
                (json!([null, 20]), json!([[1], [2]])),
                (json!(["20", "30"]), json!([[2], [3]])),
            ] {
                let answer = ask(&product, &token, json!({"parameters": {"amount": value}})).await;
                assert_eq!(rows(&answer), &expected, "{value}");
            }
        }
    }
}
