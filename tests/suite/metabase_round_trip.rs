//! Cards and dashboards of Metabase's clients with members of any name, which come back as they were written.

use serde_json::{Value, json};
use vitrine_tests::Product;

use crate::metabase_questions::{created, field, legacy, stages};
use crate::query_data::product;

/// A value that nothing here understands.
fn strange() -> Value {
    json!({"a": [1, null, {"b": "c"}], "d": false})
}

async fn read(product: &Product, path: &str) -> Value {
    let answer = product.get(path).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Writes the body with a strange member at each place, reads it, and writes what was read.
async fn comes_back(product: &Product, path: &str, body: &Value, places: &[&str]) {
    for place in places {
        let mut written = body.clone();
        let at = written.pointer_mut(place).unwrap_or_else(|| panic!("{place}"));
        at.as_object_mut().unwrap().insert("x-strange".to_owned(), strange());
        let answer = product.put(path, written).admin().send().await;
        assert_eq!(answer.status, 200, "{place}: {}", answer.text);
        for _ in 0..2 {
            let mut found = read(product, path).await;
            let member = format!("{place}/x-strange");
            assert_eq!(found.pointer(&member), Some(&strange()), "{place}: {found}");
            let again = product.put(path, found.clone()).admin().send().await;
            assert_eq!(again.status, 200, "{place}: {}", again.text);
            let mut after = read(product, path).await;
            for answer in [&mut found, &mut after] {
                // Defaults that were read and written are kept in the native form.
                let members = answer.as_object_mut().unwrap();
                members.retain(|name, _| name != "updated_at" && name != "content");
            }
            assert_eq!(after, found, "{place}");
        }
        // A body without the member takes it away again, unless the place is a patch.
        let plain = product.put(path, body.clone()).admin().send().await;
        assert_eq!(plain.status, 200, "{place}: {}", plain.text);
        if !place.is_empty() {
            assert_eq!(read(product, path).await.pointer(&format!("{place}/x-strange")), None, "{place}");
        }
    }
}

fn parameters() -> Value {
    json!([{"id": "p1", "name": "City", "slug": "city", "type": "string/=", "sectionId": "location"}])
}

async fn tags(product: &Product) -> Value {
    let city = json!(["field", field(product, "city").await, null]);
    json!({
        "city": {"id": "t1", "name": "city", "display-name": "City", "type": "dimension", "dimension": city, "widget-type": "string/="},
        "unit": {"id": "t2", "name": "unit", "display-name": "Unit", "type": "temporal-unit", "default": "month"},
    })
}

const SQL: &str = "select date_trunc({{unit}}, day), count(*) from orders where {{city}} group by 1";

#[tokio::test]
async fn members_of_a_card_that_nothing_understands_come_back() {
    let product = product().await;
    let tags = tags(&product).await;
    created(&product, json!({"name": "First", "dataset_query": legacy(SQL, tags.clone())})).await;
    let settings =
        json!({"graph.dimensions": ["a"], "column_settings": {"[\"name\",\"a\"]": {"decimals": 1}}});
    let parameters = json!([{"id": "t1", "name": "City", "slug": "city", "type": "string/=", "target": ["dimension", ["template-tag", "city"]]}]);
    let body = json!({"name": "First", "display": "bar", "dataset_query": stages(SQL, tags), "visualization_settings": settings, "parameters": parameters});
    let places = [
        "",
        "/dataset_query",
        "/dataset_query/stages/0",
        "/dataset_query/stages/0/template-tags/city",
        "/dataset_query/stages/0/template-tags/unit",
        "/visualization_settings",
        "/visualization_settings/column_settings",
        "/visualization_settings/column_settings/[\"name\",\"a\"]",
        "/parameters/0",
    ];
    comes_back(&product, "/api/card/1", &body, &places).await;
    let found = read(&product, "/api/card/1").await;
    let unit = &found["dataset_query"]["stages"][0]["template-tags"]["unit"];
    assert_eq!((&unit["type"], unit.get("dimension")), (&json!("temporal-unit"), None), "{found}");
}

#[tokio::test]
async fn members_of_a_dashboard_that_nothing_understands_come_back() {
    let product = product().await;
    let tags = tags(&product).await;
    for name in ["First", "Second"] {
        created(&product, json!({"name": name, "dataset_query": legacy(SQL, tags.clone())})).await;
    }
    let mapping =
        |target: Value, card: Value| json!({"parameter_id": "p1", "card_id": card, "target": target});
    let card = |id: u64, card_id: Value, tag: Value, settings: Value| {
        json!({
            "id": id, "card_id": card_id, "row": 6 * (id - 1), "col": 0, "size_x": 12, "size_y": 6, "dashboard_tab_id": 1,
            "series": [], "inline_parameters": [], "visualization_settings": settings, "parameter_mappings": [mapping(tag, card_id)],
        })
    };
    let drawn = |display: &str| json!({"name": null, "display": display, "visualization_settings": {}, "dataset_query": {}, "archived": false});
    let tag = json!(["dimension", ["template-tag", "city"], {"stage-number": 0}]);
    let mut cards = json!([
        card(1, json!(1), tag, json!({"card.title": "Mine", "click_behavior": {}})),
        card(
            2,
            Value::Null,
            json!(["text-tag", "city"]),
            json!({"text": "In {{city}}", "virtual_card": drawn("text")})
        ),
        card(3, Value::Null, Value::Null, json!({"virtual_card": drawn("placeholder")})),
        card(
            4,
            Value::Null,
            Value::Null,
            json!({"link": {"url": "https://example.com/"}, "virtual_card": drawn("link")})
        ),
        card(
            5,
            Value::Null,
            json!(["text-tag", "city"]),
            json!({"text": "In {{city}}", "virtual_card": drawn("heading")})
        ),
    ]);
    cards[0]["series"] = json!([{"id": 2}]);
    let tabs = json!([{"id": 1, "name": "A"}, {"id": 2, "name": "B"}]);
    let body = json!({"name": "D", "parameters": parameters(), "dashcards": cards, "tabs": tabs});
    let made = product.post("/api/dashboard", body.clone()).admin().send().await;
    assert_eq!(made.status, 200, "{}", made.text);
    let places = [
        "",
        "/parameters/0",
        "/tabs/0",
        "/tabs/1",
        "/dashcards/0",
        "/dashcards/0/parameter_mappings/0",
        "/dashcards/0/visualization_settings",
        "/dashcards/0/visualization_settings/click_behavior",
        "/dashcards/1",
        "/dashcards/1/parameter_mappings/0",
        "/dashcards/1/visualization_settings",
        "/dashcards/1/visualization_settings/virtual_card",
        "/dashcards/2/visualization_settings",
        "/dashcards/2/visualization_settings/virtual_card",
        "/dashcards/3/visualization_settings",
        "/dashcards/3/visualization_settings/link",
        "/dashcards/4/visualization_settings/virtual_card",
    ];
    comes_back(&product, "/api/dashboard/1", &body, &places).await;
    let found = read(&product, "/api/dashboard/1").await;
    assert_eq!(found["dashcards"][0]["series"][0]["name"], "Second");
    for (place, card) in [(0, 0), (1, 1), (4, 4)] {
        assert_eq!(
            found["dashcards"][card]["parameter_mappings"][0], cards[place]["parameter_mappings"][0],
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_dashboard_that_has_no_cards_yet_keeps_the_rest() {
    let product = product().await;
    let made = product
        .post(
            "/api/dashboard",
            json!({"name": "D", "parameters": parameters(), "width": "full", "x-strange": strange()}),
        )
        .admin()
        .send()
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let found = read(&product, "/api/dashboard/1").await;
    assert_eq!(found["parameters"][0]["sectionId"], "location", "{found}");
    assert_eq!((&found["width"], &found["x-strange"]), (&json!("full"), &strange()), "{found}");
    // HTML stays what it is.
    let html = json!({"name": "H", "content": {"type": "html", "html": "<p>"}, "x-strange": 1});
    let made = product.post("/api/dashboard", html).admin().send().await;
    assert_eq!(made.json["content"]["type"], "html", "{}", made.text);
}
