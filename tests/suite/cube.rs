//! Cube's API, tested with the table in `cases/cube.json`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rows::{World, run_table};

/// The data for the rows: two deployments, dashboards in every state, and attributes of every type.
async fn start(settings: &BTreeMap<String, String>) -> World {
    let mut world = World::empty(&[("Deployments", "1,2")], settings).await;
    let parameter = |slug: &str| json!([{"slug": slug, "name": "P", "type": "text", "multiple": true}]);
    let policy = |slug: &str, policy: Value| json!({"parameters": parameter(slug), "embedding_params": {slug: policy}});
    let is_small = settings.contains_key("Deployments");
    for (number, name, fields) in [
        (1, "open", json!({})),
        (2, "second", json!({})),
        (3, "closed", json!({"enable_embedding": false})),
        (4, "archived", json!({"archived": true})),
        (5, "elsewhere", json!({"deployment": 2})),
        (6, "toggled", json!({})),
        (7, "bound", policy("city", json!({"attribute": "city"}))),
        (8, "listed", policy("team", json!({"attribute": "teams"}))),
        (9, "levelled", policy("level", json!({"attribute": "level"}))),
        (10, "locked", policy("city", json!("locked"))),
        (11, "enabled", policy("city", json!("enabled"))),
    ] {
        if is_small {
            continue;
        }
        let mut body = json!({"title": name, "content": {"type": "html", "html": format!("<p>{name}</p>")}});
        vitrine_tests::merge(&mut body, fields);
        let dashboard = world.product.publish(&format!("dashboard/{number}"), body).await;
        world.words.insert(name.to_owned(), dashboard["public_id"].clone());
    }
    if !is_small {
        let question = world.product.publish("question/1", json!({})).await;
        world.words.insert("question".to_owned(), question["public_id"].clone());
    }
    for (name, kind, default) in [
        ("city", "string", None),
        ("level", "number", Some("5")),
        ("vip", "boolean", None),
        ("teams", "string_array", None),
        ("scores", "number_array", None),
    ] {
        let definition = json!({"name": name, "type": kind, "default_value": default});
        world.admin("POST", "/v1/attributes", Some(definition)).await;
    }
    for name in ["a", "b"] {
        world.admin("POST", "/v1/groups", Some(json!({ "name": name }))).await;
    }
    let account = json!({"username": "acme", "attributes": {"city": "Berlin"}});
    world.admin("POST", "/v1/users", Some(account)).await;
    let mut keys = vec![
        ("member", json!({"role": "member"})),
        ("member with sessions:create", json!({"role": "member", "permissions": ["sessions:create"]})),
        ("member with resources:write", json!({"role": "member", "permissions": ["resources:write"]})),
    ];
    if !is_small {
        keys.push(("admin of deployment 2", json!({"role": "admin", "deployments": [2]})));
    }
    world.keys(keys).await;
    let exp = world.product.clock.now().unix() + 80_000;
    let token = world.product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "exp": exp}));
    world.callers.insert("signed for a dashboard", Some(token));
    world
}

#[tokio::test]
async fn each_row_of_the_table_gets_its_answer() {
    run_table(include_str!("../cases/cube.json"), start).await;
}
