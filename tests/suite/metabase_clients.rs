//! The routes that Metabase's clients call before and beside publishing, tested with the table in
//! `cases/metabase_clients.json`.

use std::collections::BTreeMap;

use serde_json::json;
use vitrine_tests::{ADMIN_KEY, SECRET};

use crate::rows::{World, run_table};

/// The data for the rows: two deployments, dashboards in every state, a question, and keys of every kind.
async fn start(settings: &BTreeMap<String, String>) -> World {
    let mut world = World::empty(&[("Deployments", "1,2")], settings).await;
    for (name, fields) in [
        ("dashboard/1", json!({"title": "Sales"})),
        ("dashboard/2", json!({"title": "Elsewhere", "deployment": 2, "enable_embedding": false})),
        ("dashboard/3", json!({"title": "Old sales", "archived": true})),
        ("question/1", json!({"title": "Orders"})),
    ] {
        world.product.publish(name, fields).await;
    }
    let keys = [
        ("weak", json!({"role": "restricted"})),
        ("lister", json!({"role": "member", "permissions": ["resources:list"]})),
        ("writer", json!({"role": "member", "permissions": ["resources:write"]})),
        ("scoped", json!({"role": "admin", "deployments": [2]})),
    ];
    world.keys(keys).await;
    let weak = world.callers["weak"].clone();
    world.words.insert("weak".to_owned(), json!(weak));
    world.words.insert("admin".to_owned(), json!(ADMIN_KEY));
    world.words.insert("secret".to_owned(), json!(SECRET));
    world
}

/// Sections run in the order of their names: the one whose rows create and delete is the last.
#[tokio::test]
async fn every_row_is_answered_as_the_table_says() {
    run_table(include_str!("../cases/metabase_clients.json"), start).await;
}
