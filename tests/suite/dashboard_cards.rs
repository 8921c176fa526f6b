//! Dashboards of cards: each card is asked by itself, under the parameters of the dashboard.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, merge};

use crate::query_data::{CANARY, ask, by_city, product, product_with, rows, seed, token_with};
use crate::query_limits::SLOW;
use crate::stub_engine;

/// Restricted by its tag `place` alone.
const BY_PLACE: &str = "select city, sum(amount) as total from orders where city = {{place}} group by city";

fn place() -> Value {
    json!({"place": {"type": "text"}})
}

/// Writes a question without publishing it.
async fn draft(product: &Product, number: u64, fields: Value) {
    let query = json!({"sql": BY_PLACE, "tags": place()});
    let mut body = json!({
        "title": format!("Question {number}"),
        "content": {"type": "question", "query": query, "display": "bar", "settings": {"graph.metrics": ["total"]}},
    });
    merge_deep(&mut body, fields);
    let written = product.put(&format!("/v1/resources/question/{number}"), body).admin().send().await;
    assert!(written.status.is_success(), "{}", written.text);
}

fn merge_deep(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge_deep(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn card(id: u64, fields: Value) -> Value {
    let mut card = json!({"id": id, "row": 0, "col": 0, "width": 12, "height": 6});
    merge(&mut card, fields);
    card
}

fn dashboard(cards: Value, fields: Value) -> Value {
    let mut body = json!({
        "content": {"type": "dashboard", "cards": cards},
        "parameters": [{"slug": "city", "name": "City", "type": "text"}],
        "embedding_params": {"city": "locked"},
    });
    merge(&mut body, fields);
    body
}

/// A table whose rows only the locked parameter restricts, and a dashboard with a card of each kind.
async fn open_table() -> Product {
    let product = product().await;
    seed(&product, 6, json!([])).await;
    draft(&product, 7, json!({})).await;
    draft(&product, 8, json!({})).await;
    let own = json!({"sql": "select count(*) as n from orders where city = {{city}}", "tags": {"city": {"type": "text"}}});
    let cards = json!([
        card(1, json!({"question": 7, "parameters": {"city": "place"}})),
        card(2, json!({"query": own, "display": "scalar", "title": "Orders"})),
        card(3, json!({"text": "# Hi"})),
        card(4, json!({"question": 8, "title": "Missing", "parameters": {"city": "place"}})),
    ]);
    product.publish("dashboard/1", dashboard(cards, json!({}))).await;
    assert_eq!(
        product.delete("/v1/resources/question/8").admin().send().await.status,
        200,
        "card 4 shows it"
    );
    product
}

fn viewer(product: &Product, id: &str, params: Value) -> String {
    product.sign(json!({"resource": {"dashboard": 1}, "params": params, "jti": id, "viewer": {"id": id}}))
}

async fn ask_card(product: &Product, token: &str, card: u64) -> Answer {
    ask(product, token, json!({ "card": card })).await
}

#[tokio::test]
async fn a_viewer_sees_the_cards_and_gets_the_answer_of_each() {
    let product = open_table().await;
    let berlin = viewer(&product, "a", json!({"city": "Berlin"}));
    let view = product.get("/v1/view").bearer(&berlin).send().await;
    let cards = json!([
        card(
            1,
            json!({
                "title": "Question 7", "display": "bar", "settings": {"graph.metrics": ["total"]}, "parameters": {},
            })
        ),
        card(2, json!({"title": "Orders", "display": "scalar", "settings": {}, "parameters": {}})),
        card(3, json!({"display": "text", "settings": {"text": "# Hi"}})),
        card(4, json!({"title": "Missing", "display": "table", "settings": {}, "parameters": {}})),
    ]);
    assert_eq!(view.json["content"], json!({"type": "dashboard", "cards": cards}), "{}", view.text);
    assert_eq!(view.json["parameters"], json!([]));
    for secret in ["orders", "select", "place", "Berlin"] {
        assert!(!view.text.contains(secret), "{secret}: {}", view.text);
    }
    for (city, by_question, count) in
        [("Berlin", json!([["Berlin", 30]]), 2), ("Rome", json!([["Rome", 50]]), 1)]
    {
        let token = viewer(&product, city, json!({ "city": city }));
        assert_eq!(rows(&ask_card(&product, &token, 1).await), &by_question);
        assert_eq!(rows(&ask_card(&product, &token, 2).await), &json!([[count]]));
    }
    let not_found = (404, "query_not_found");
    for body in [
        json!({"card": 3}),
        json!({"card": 4}),
        json!({"card": 5}),
        json!({"query": "a"}),
        json!({"query": "a", "card": 1}),
    ] {
        let refused = ask(&product, &berlin, body.clone()).await;
        assert_eq!(refused.refusal(), not_found, "{body}");
        assert!(!refused.text.contains("Berlin"));
    }
    assert_eq!(ask(&product, &berlin, json!({})).await.refusal(), (400, "request_invalid"));
    for body in [json!({"card": "1"}), json!({"card": -1}), json!({"card": [1]})] {
        assert_eq!(ask(&product, &berlin, body).await.refusal(), (400, "request_invalid"));
    }
}

/// Each try to move a locked parameter, or to set something behind a card.
#[tokio::test]
async fn a_viewer_moves_no_locked_parameter_on_any_card() {
    let product = open_table().await;
    let berlin = viewer(&product, "a", json!({"city": "Berlin"}));
    for number in [1, 2] {
        for (parameters, reason) in [
            (json!({"city": "Rome"}), "parameter_locked"),
            (json!({"city": ["Rome", "Berlin"]}), "parameter_locked"),
            (json!({"place": "Rome"}), "parameter_unknown"),
            (json!({"City": "Rome"}), "parameter_unknown"),
        ] {
            let asked = json!({"card": number, "parameters": parameters});
            let refused = ask(&product, &berlin, asked).await;
            assert_eq!(refused.refusal(), (400, reason), "{number} {parameters}");
        }
    }
    assert_eq!(viewer_without_city(&product).await.refusal(), (400, "parameter_locked_missing"));
    assert_eq!(rows(&ask_card(&product, &berlin, 1).await), &json!([["Berlin", 30]]));
}

async fn viewer_without_city(product: &Product) -> Answer {
    ask_card(product, &viewer(product, "b", json!({})), 1).await
}

#[tokio::test]
async fn an_attribute_reaches_every_card_that_it_locks() {
    let product = open_table().await;
    let cards = json!([card(1, json!({"question": 7, "parameters": {"city": "place"}}))]);
    let locked = json!({"embedding_params": {"city": {"attribute": "home"}}});
    product.publish("dashboard/1", dashboard(cards, locked)).await;
    let of = |attributes: Value| {
        product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "viewer": {"id": "a", "attributes": attributes}}))
    };
    let rome = of(json!({"home": "Rome"}));
    assert_eq!(rows(&ask_card(&product, &rome, 1).await), &json!([["Rome", 50]]));
    let moved = ask(&product, &rome, json!({"card": 1, "parameters": {"city": "Paris"}})).await;
    assert_eq!(moved.refusal(), (400, "parameter_locked"));
    assert_eq!(ask_card(&product, &of(json!({})), 1).await.refusal(), (403, "attribute_missing"));
}

#[tokio::test]
async fn an_enabled_parameter_reaches_the_cards_that_it_is_mapped_to() {
    let product = open_table().await;
    let cards = json!([
        card(1, json!({"question": 7, "parameters": {"city": "place"}})),
        card(2, json!({"question": 7, "parameters": {}})),
        card(
            3,
            json!({"query": {"sql": "select {{least}} as n", "tags": {"least": {"type": "number", "default": 5}}}})
        ),
    ]);
    let fields = json!({"embedding_params": {"city": "enabled", "least": "enabled"}});
    product.publish("dashboard/1", dashboard(cards, fields)).await;
    let token = viewer(&product, "a", json!({}));
    let view = product.get("/v1/view").bearer(&token).send().await;
    let reached: Vec<_> =
        (0..3).map(|index| view.json["content"]["cards"][index]["parameters"].clone()).collect();
    assert_eq!(reached, [json!({"city": true}), json!({}), json!({"least": true})]);
    let with = async |number: u64, parameters: Value| {
        ask(&product, &token, json!({"card": number, "parameters": parameters})).await
    };
    assert_eq!(rows(&with(1, json!({"city": "Paris"})).await), &json!([["Paris", 70]]));
    assert_eq!(with(1, json!({})).await.refusal(), (400, "parameter_required"));
    let told = with(1, json!({})).await;
    assert!(
        told.json["message"].as_str().unwrap().contains("city") && !told.text.contains("place"),
        "{}",
        told.text
    );
    assert_eq!(with(2, json!({"city": "Paris"})).await.refusal(), (400, "parameter_required"));
    assert_eq!(rows(&with(3, json!({})).await), &json!([[5]]));
    assert_eq!(rows(&with(3, json!({"least": "7"})).await), &json!([[7]]));
    assert_eq!(with(3, json!({"least": "many"})).await.refusal(), (400, "parameter_invalid"));
}

/// The question, its table or its policies change after the dashboard was published.
#[tokio::test]
async fn a_card_that_a_locked_parameter_no_longer_restricts_is_refused() {
    let product = open_table().await;
    let berlin = viewer(&product, "a", json!({"city": "Berlin"}));
    let unreached = (403, "locked_parameter_unreached");
    let query = |sql: &str| json!({"content": {"query": {"sql": sql, "tags": place()}}});
    assert_eq!(rows(&ask_card(&product, &berlin, 1).await), &json!([["Berlin", 30]]));
    for sql in [
        "select city from orders",
        "select city from orders where true or city = 'x' -- {{place}}",
        "select city from orders [[where city = {{place}} and day > {{since}}]]",
    ] {
        let mut changed = query(sql);
        changed["content"]["query"]["tags"]["since"] = json!({"type": "date"});
        draft(&product, 7, changed).await;
        let refused = ask_card(&product, &berlin, 1).await;
        assert_eq!(refused.refusal(), unreached, "{sql}");
        assert!(!refused.text.contains("orders") && !refused.text.contains("city"), "{}", refused.text);
        let file = product.post("/v1/query?format=csv", json!({"card": 1})).bearer(&berlin).send().await;
        assert_eq!(file.refusal(), (403, "downloads_disabled"));
        assert_eq!(rows(&ask_card(&product, &berlin, 2).await), &json!([[2]]), "the others are answered");
    }
    // Nothing to protect: no table, or one with policies of its own.
    draft(&product, 7, query("select 1 as one")).await;
    assert_eq!(rows(&ask_card(&product, &berlin, 1).await), &json!([[1]]));
    seed(&product, 6, by_city()).await;
    draft(&product, 7, query("select city from orders")).await;
    let claims = json!({"resource": {"dashboard": 1}, "params": {"city": "Berlin"}});
    let rome = token_with(&product, "r", &["Rome"], claims);
    assert_eq!(rows(&ask_card(&product, &rome, 1).await), &json!([["Rome"]]));
    seed(&product, 6, json!([])).await;
    assert_eq!(ask_card(&product, &rome, 1).await.refusal(), unreached);
}

/// change of question 7 -> the warning about the dashboard that shows it, if there is one
#[tokio::test]
async fn a_change_of_a_question_names_the_published_dashboards_that_it_breaks() {
    let product = open_table().await;
    stub_engine::install(&product);
    let change = async |fields: Value| {
        let query = json!({"sql": BY_PLACE, "tags": place()});
        let mut body = json!({
            "title": "Question 7",
            "content": {"type": "question", "query": query, "display": "bar", "settings": {"graph.metrics": ["total"]}},
        });
        merge_deep(&mut body, fields);
        let written = product.put("/v1/resources/question/7", body).admin().send().await;
        assert!(written.status.is_success(), "{}", written.text);
        let warnings = written.json["warnings"].as_array().cloned().unwrap_or_default();
        let about = warnings.iter().filter(|warning| warning["path"] == "dashboard/1");
        about.map(|warning| warning["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let sql = |sql: &str, tags: Value| json!({"content": {"query": {"sql": sql, "tags": tags}}});
    let none: Vec<String> = Vec::new();
    assert_eq!(change(json!({"content": {"display": "line"}})).await, none);
    let [open] = &change(sql("select city from orders", json!({"place": {"type": "text"}}))).await[..] else {
        panic!("one warning")
    };
    assert!(open.contains("`Question 7` reads the table `orders`"), "{open}");
    assert_eq!(change(json!({})).await, none, "as it was");
    let other = json!({"sql": "select {{city}}", "tags": {"city": {"type": "text"}}});
    let body = json!({"title": "Question 7", "content": {"type": "question", "query": other}});
    let found = product.put("/v1/resources/question/7", body).admin().send().await.text;
    assert!(found.contains("has no tag `place`"), "{found}");
    change(json!({})).await;
    let [archived] = &change(json!({"archived": true})).await[..] else { panic!("one warning") };
    assert!(archived.contains("the card `Question 7` has no answer any more"), "{archived}");
    assert_eq!(change(json!({"archived": true})).await, none, "it is archived already");
    change(json!({})).await;
    // Metabase's clients read the same.
    let card = product.put("/api/card/7", json!({"archived": true})).admin().send().await;
    assert!(card.status.is_success(), "{}", card.text);
    assert!(card.text.contains("the card `Question 7` has no answer any more"), "{}", card.text);
    change(json!({})).await;
    // Dashboards that nobody sees, and those that no longer show it, are not named.
    let patch = async |fields: Value| {
        let patched = product.put("/api/dashboard/1", fields).admin().send().await;
        assert!(patched.status.is_success(), "{}", patched.text);
    };
    patch(json!({"enable_embedding": false})).await;
    assert_eq!(change(json!({"archived": true})).await, none);
    assert_eq!(change(json!({})).await, none);
    patch(json!({"enable_embedding": true, "content": {"type": "dashboard", "cards": [card_text()]}})).await;
    assert_eq!(change(json!({"archived": true})).await, none);
}

/// how question 7 is removed, what dashboard 1 is -> whether the answer names the dashboard
#[tokio::test]
async fn a_removed_question_names_the_published_dashboards_that_show_it() {
    for (path, dashboard, is_named) in [
        ("/v1/resources/question/7", json!({}), true),
        ("/api/card/7", json!({}), true),
        ("/v1/resources/question/7", json!({"enable_embedding": false}), false),
        ("/api/card/7", json!({"content": {"type": "dashboard", "cards": [card_text()]}}), false),
    ] {
        let product = open_table().await;
        if dashboard != json!({}) {
            let patched = product.put("/api/dashboard/1", dashboard.clone()).admin().send().await;
            assert!(patched.status.is_success(), "{}", patched.text);
        }
        let removed = product.delete(path).admin().send().await;
        if is_named {
            assert_eq!(removed.status, 200, "{path} {dashboard}: {}", removed.text);
            let warnings = removed.json["warnings"].as_array().unwrap();
            assert_eq!(warnings[0]["path"], "dashboard/1", "{}", removed.text);
            let message = warnings[0]["message"].as_str().unwrap();
            assert!(message.ends_with("the card `Question 7` has no answer any more"), "{message}");
        } else {
            assert_eq!((removed.status.as_u16(), removed.text.as_str()), (204, ""), "{path} {dashboard}");
        }
        let again = product.get("/v1/resources/question/7").admin().send().await;
        assert_eq!(again.status, 404, "removed either way");
    }
    // An archived question had no answer before.
    let product = open_table().await;
    let archived = product.put("/api/card/7", json!({"archived": true})).admin().send().await;
    assert!(archived.status.is_success(), "{}", archived.text);
    assert_eq!(product.delete("/api/card/7").admin().send().await.status, 204);
    assert_eq!(product.delete("/v1/resources/dashboard/1").admin().send().await.status, 204);
}

fn card_text() -> Value {
    card(1, json!({"text": "Nothing"}))
}

#[tokio::test]
async fn a_question_that_is_not_there_any_more_has_no_answer() {
    let product = open_table().await;
    let berlin = viewer(&product, "a", json!({"city": "Berlin"}));
    assert_eq!(rows(&ask_card(&product, &berlin, 1).await), &json!([["Berlin", 30]]));
    for fields in [
        json!({"archived": true}),
        json!({"content": null}),
        json!({"content": {"type": "html", "html": ""}}),
    ] {
        let mut body = json!({"title": "Q"});
        merge(&mut body, fields.clone());
        let written = product.put("/v1/resources/question/7", body).admin().send().await;
        assert_eq!(written.status, 200, "{}", written.text);
        assert_eq!(ask_card(&product, &berlin, 1).await.refusal(), (404, "query_not_found"), "{fields}");
        let view = product.get("/v1/view").bearer(&berlin).send().await;
        assert_eq!(view.json["content"]["cards"].as_array().unwrap().len(), 4, "the card keeps its place");
        draft(&product, 7, json!({})).await;
        assert_eq!(ask_card(&product, &berlin, 1).await.status, 200);
    }
}

#[tokio::test]
async fn a_question_of_another_deployment_has_no_answer() {
    let product = product_with(&[("Deployments", "1,2")]).await;
    seed(&product, 6, json!([])).await;
    let cards =
        || dashboard(json!([card(1, json!({"question": 9, "parameters": {"city": "place"}}))]), json!({}));
    draft(&product, 9, json!({"deployment": 2})).await;
    let mut body = json!({"title": "D", "enable_embedding": true});
    merge(&mut body, cards());
    let refused = product.put("/v1/resources/dashboard/1", body).admin().send().await;
    assert_eq!(
        (refused.refusal(), refused.issues()),
        ((400, "request_invalid"), vec!["content.cards[0].question"])
    );
    draft(&product, 9, json!({"deployment": 1})).await;
    product.publish("dashboard/1", cards()).await;
    let berlin = viewer(&product, "a", json!({"city": "Berlin"}));
    assert_eq!(rows(&ask_card(&product, &berlin, 1).await), &json!([["Berlin", 30]]));
    draft(&product, 9, json!({"deployment": 2})).await;
    assert_eq!(ask_card(&product, &berlin, 1).await.refusal(), (404, "query_not_found"));
}

#[tokio::test]
async fn cards_are_files_where_the_dashboard_allows_downloads() {
    let product = open_table().await;
    let berlin = viewer(&product, "a", json!({"city": "Berlin"}));
    let file = async |number: u64| {
        product.post("/v1/query?format=csv", json!({ "card": number })).bearer(&berlin).send().await
    };
    draft(&product, 7, json!({"allow_downloads": true})).await;
    assert_eq!(file(1).await.refusal(), (403, "downloads_disabled"), "the question does not decide");
    let cards = json!([
        card(1, json!({"question": 7, "parameters": {"city": "place"}})),
        card(2, json!({"question": 7, "parameters": {"city": "place"}, "title": "Mine"})),
    ]);
    product.publish("dashboard/1", dashboard(cards, json!({"allow_downloads": true}))).await;
    for (number, name) in [(1, "Question 7.csv"), (2, "Mine.csv")] {
        let file = file(number).await;
        assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "City,Total\nBerlin,30\n"));
        assert!(file.header("content-disposition").contains(name), "{}", file.header("content-disposition"));
    }
}

#[tokio::test]
async fn the_handle_of_a_slow_card_is_for_its_own_credential() {
    let product = product_with(&[("QuerySeconds", "6")]).await;
    let cards = json!([card(1, json!({"query": {"sql": SLOW}}))]);
    let mut body = dashboard(cards, json!({"parameters": []}));
    body["embedding_params"] = json!({});
    product.publish("dashboard/1", body).await;
    let asker = viewer(&product, "a", json!({}));
    let waiting = ask_card(&product, &asker, 1).await;
    assert_eq!(waiting.status, 202, "{}", waiting.text);
    let path = format!("/v1/query/{}", waiting.json["handle"].as_str().unwrap());
    let other = viewer(&product, "b", json!({}));
    assert_eq!(product.get(&path).bearer(&other).send().await.refusal(), (404, "handle_not_found"));
    let answer = product.get(&path).bearer(&asker).send().await;
    assert_eq!(answer.refusal(), (422, "query_timeout"), "{}", answer.text);
}

#[tokio::test]
async fn row_policies_hold_on_cards() {
    let product = product().await;
    draft(&product, 7, json!({"content": {"query": {"sql": "select city, count(*) as n from orders group by city", "tags": {}}}})).await;
    let mut body = dashboard(json!([card(1, json!({"question": 7}))]), json!({"parameters": []}));
    body["embedding_params"] = json!({});
    product.publish("dashboard/1", body).await;
    for (city, expected) in [("Berlin", json!([["Berlin", 2]])), ("Rome", json!([["Rome", 1]]))] {
        let token = token_with(&product, city, &[city], json!({"resource": {"dashboard": 1}}));
        let answer = ask_card(&product, &token, 1).await;
        assert_eq!(rows(&answer), &expected);
        assert!(!answer.text.contains(CANARY));
    }
    assert_eq!(ask_card(&product, &viewer(&product, "x", json!({})), 1).await.refusal(), (403, "row_policy"));
}
