//! Publishing checks the queries of the content: what is refused, what is a warning, and what a dry run leaves alone.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use vitrine::aws::storage::TableUses;
use vitrine_tests::{Answer, Product, merge};

use crate::blobs::connected;
use crate::stub_engine;

const QUESTION: &str = "/v1/resources/question/1";

fn question(sql: &str) -> Value {
    let tags = json!({"city": {"type": "text"}});
    let tags = if sql.contains("{{city}}") { tags } else { json!({}) };
    json!({"title": "Q", "enable_embedding": true, "content": {"type": "question", "query": {"sql": sql, "tags": tags}}})
}

async fn put(product: &Product, path: &str, body: Value) -> Answer {
    product.put(path, body).admin().send().await
}

fn paths(found: &Value) -> Vec<&str> {
    found.as_array().into_iter().flatten().map(|issue| issue["path"].as_str().unwrap()).collect()
}

/// SQL, other fields -> the paths of issues if it is refused, else of warnings.
#[tokio::test]
async fn a_published_query_is_checked() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let locked = json!({"embedding_params": {"city": "locked"}});
    let settings = |settings: Value| json!({"content": {"settings": settings}});
    let display = |display: &str| json!({"content": {"display": display}});
    type Case<'a> = (&'a str, Value, Result<&'a [&'a str], &'a [&'a str]>);
    let cases: Vec<Case<'_>> = vec![
        ("select 1 from guarded_orders", json!({}), Ok(&[])),
        ("select 1 from nowhere", json!({}), Err(&["content.query.sql"])),
        ("select !", json!({}), Err(&["content.query.sql"])),
        ("select 1 from guarded_orders slowly", json!({}), Ok(&["content.query.sql"])),
        ("select 1 from orders", json!({}), Ok(&["embedding_params"])),
        ("select 1 from orders where city = {{city}}", locked.clone(), Ok(&[])),
        ("select 1 from orders where true [[ and city = {{city}} ]]", locked.clone(), Ok(&[])),
        ("select 1 from guarded_orders where city = {{city}}", locked.clone(), Ok(&[])),
        ("select 1 from guarded_orders", settings(json!({"graph.metrics": ["count"]})), Ok(&[])),
        (
            "select 1 from guarded_orders",
            settings(json!({"graph.metrics": ["sum"]})),
            Ok(&["content.settings.graph.metrics[0]"]),
        ),
        ("select 1 from guarded_orders", display("bar"), Ok(&[])),
        ("select 1 from guarded_orders", display("sankey"), Ok(&["content.display"])),
        // A parameter that the resource declares and the query does not use.
        (
            "select 1 from orders",
            json!({"embedding_params": {"city": "locked"}, "parameters": [{"slug": "city", "name": "C", "type": "text"}]}),
            Err(&["content.query.sql"]),
        ),
        (
            "select 1 from guarded_orders",
            json!({"embedding_params": {"city": "locked"}, "parameters": [{"slug": "city", "name": "C", "type": "text"}]}),
            Ok(&[]),
        ),
        // The rules that need no engine.
        (
            "select 1",
            json!({"parameters": [{"slug": "city", "name": "C", "type": "sql"}]}),
            Err(&["parameters[0].type"]),
        ),
        (
            "select {{city}} from guarded",
            json!({"parameters": [{"slug": "city", "name": "C", "type": "date"}]}),
            Err(&["parameters[0].type"]),
        ),
        ("select {{city", json!({}), Err(&["content.query.sql"])),
        ("select 1", json!({"embedding_params": {"city": "locked"}}), Err(&["embedding_params.city"])),
    ];
    for (number, (sql, fields, expected)) in (1..).zip(cases) {
        let path = format!("/v1/resources/question/{number}");
        let mut body = question(sql);
        merge(&mut body["content"], fields.get("content").cloned().unwrap_or(json!({})));
        for (name, value) in fields.as_object().unwrap().iter().filter(|(name, _)| *name != "content") {
            body[name] = value.clone();
        }
        let before = product.table().await;
        let dry = put(&product, &format!("{path}?dry_run=true"), body.clone()).await;
        assert_eq!(product.table().await, before, "a dry run of {sql}");
        let answer = put(&product, &path, body).await;
        assert_eq!(dry.status, answer.status, "{sql}: {}", dry.text);
        for answer in [dry, answer] {
            match expected {
                Ok(warnings) => {
                    assert!(answer.status.is_success(), "{sql}: {}", answer.text);
                    assert!(answer.json["warnings"].is_array(), "{}", answer.text);
                    assert_eq!(paths(&answer.json["warnings"]), warnings, "{sql}: {}", answer.text);
                }
                Err(issues) => {
                    assert_eq!(answer.refusal(), (400, "request_invalid"), "{sql}: {}", answer.text);
                    assert_eq!(paths(&answer.json["issues"]), issues, "{sql}: {}", answer.text);
                }
            }
        }
    }
}

/// A draft is saved with its problems, and every route that publishes it refuses them.
#[tokio::test]
async fn a_draft_with_problems_cannot_be_published_by_any_route() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let dive_content =
        json!({"type": "html", "html": "<p>", "queries": {"total": {"sql": "select 1 from nowhere"}}});
    let draft = json!({"title": "D", "content": dive_content});
    let created = product.post("/v1/dives", draft.clone()).admin().send().await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(paths(&created.json["warnings"]), ["content.queries.total.sql"]);
    let dive = format!("/v1/dives/{}", created.json["id"].as_str().unwrap());
    let dashboard = put(&product, "/v1/resources/dashboard/1", draft.clone()).await;
    let public_id = dashboard.json["public_id"].as_str().unwrap();
    let saved = put(
        &product,
        QUESTION,
        json!({"title": "Q", "content": question("select 1 from nowhere")["content"]}),
    )
    .await;
    assert_eq!((saved.status.as_u16(), paths(&saved.json["warnings"])), (201, vec!["content.query.sql"]));

    let mut published = draft;
    published["enable_embedding"] = json!(true);
    let on = json!({"enable_embedding": true});
    for call in [
        product.patch(&dive, on.clone()),
        product.put(&dive, published.clone()),
        product.post("/v1/dives", published.clone()),
        product.put("/v1/resources/dashboard/1", published),
        product.put("/api/dashboard/1", on.clone()),
        product.put("/api/card/1", on.clone()),
        product.patch(&format!("/api/v1/embed/dashboard/{public_id}"), json!({"allowEmbed": true})),
        product.put(QUESTION, question("select 1 from nowhere")),
    ] {
        let refused = call.admin().send().await;
        assert_eq!(refused.refusal(), (400, "request_invalid"), "{}", refused.text);
        let path = refused.issues()[0];
        assert!(path.ends_with(".sql") || path == "dataset_query.native.query", "{}", refused.text);
    }
    // With a table that exists the same routes publish it.
    let sound =
        json!({"type": "html", "html": "<p>", "queries": {"total": {"sql": "select 1 from guarded"}}});
    put(&product, "/v1/resources/dashboard/1", json!({"title": "D", "content": sound})).await;
    let published = product.put("/api/dashboard/1", on).admin().send().await;
    assert_eq!(published.status, 200, "{}", published.text);
    assert_eq!(published.json.get("warnings"), None, "Metabase's body has none");
    // SQL that does not parse is not even a draft.
    let unread = json!({"title": "Q", "content": question("select !")["content"]});
    assert_eq!(put(&product, QUESTION, unread).await.refusal(), (400, "request_invalid"));
}

#[tokio::test]
async fn without_the_engine_nothing_is_published_and_everything_can_be_unpublished() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let published = put(&product, QUESTION, question("select 1 from guarded")).await;
    assert_eq!(published.status, 201, "{}", published.text);
    stub_engine::fail(&product);
    let before = product.table().await;
    let mut changed = question("select 2 from guarded");
    for path in [QUESTION, "/v1/resources/question/2", "/v1/resources/question/1?dry_run=true"] {
        let refused = put(&product, path, changed.clone()).await;
        assert_eq!(refused.refusal(), (503, "engine_unavailable"), "{}", refused.text);
        assert_ne!(refused.header("retry-after"), "");
    }
    changed["enable_embedding"] = json!(false);
    assert_eq!(put(&product, QUESTION, changed).await.status, 503, "changed content is always checked");
    assert_eq!(product.table().await, before);

    let mut unpublished = question("select 1 from guarded");
    unpublished["enable_embedding"] = json!(false);
    let answer = put(&product, QUESTION, unpublished).await;
    assert_eq!((answer.status.as_u16(), answer.json.get("warnings")), (200, None), "{}", answer.text);
    assert_eq!(answer.json["tables"], json!(["guarded"]));
    let republished = product.put("/api/card/1", json!({"enable_embedding": true})).admin().send().await;
    assert_eq!(republished.status, 503);
    let archived = product.put("/api/card/1", json!({"archived": true})).admin().send().await;
    assert_eq!(archived.status, 200, "{}", archived.text);
    assert_eq!(product.delete(QUESTION).admin().send().await.status, 204);
    let plain = json!({"title": "P", "enable_embedding": true, "content": {"type": "html", "html": "<p>"}});
    assert_eq!(put(&product, "/v1/resources/question/3", plain).await.status, 201);
}

#[tokio::test]
async fn the_engine_is_asked_once_and_only_about_queries() {
    let product = Product::start().await;
    let checks = stub_engine::install(&product);
    let asked = || checks.swap(0, Ordering::Relaxed);
    let plain = json!({"title": "P", "enable_embedding": true, "content": {"type": "html", "html": "<p>"}});
    let answer = put(&product, "/v1/resources/dashboard/1", plain).await;
    assert_eq!((asked(), answer.json.get("warnings")), (0, None));
    put(&product, QUESTION, question("select 1 from guarded")).await;
    assert_eq!(asked(), 1);
    put(&product, QUESTION, json!({"title": "no content"})).await;
    assert_eq!(asked(), 0);
    let queries = json!({"a": {"sql": "select 1"}, "b": {"sql": "select 2"}});
    let many = json!({"title": "D", "content": {"type": "html", "html": "", "queries": queries}});
    put(&product, "/v1/resources/dashboard/2", many).await;
    assert_eq!(asked(), 1, "all queries at once");
    let unread = json!({"title": "", "content": question("select 1")["content"]});
    assert_eq!(put(&product, QUESTION, unread).await.status, 400);
    assert_eq!(asked(), 0, "what is wrong without the engine is refused without it");
    let member = product.key("member", &[]).await;
    let refused = product.put(QUESTION, question("select 1")).bearer(&member).send().await;
    assert_eq!((refused.status.as_u16(), asked()), (403, 0));
}

#[tokio::test]
async fn a_dry_run_answers_like_the_write_and_writes_nothing() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let entity = "/v1/resources/question/abcdefghijklmnopqrstu";
    let body = question("select 1 from orders");
    let empty = product.table().await;
    let dry = put(&product, &format!("{entity}?dry_run=true"), body.clone()).await;
    assert_eq!((dry.status.as_u16(), &dry.json["id"]), (201, &json!(1)), "{}", dry.text);
    assert_eq!(product.table().await, empty);
    let real = put(&product, entity, body.clone()).await;
    let stable = |answer: &Answer| {
        let mut answer = answer.json.clone();
        for generated in ["public_id", "created_at", "updated_at", "published_at", "initially_published_at"] {
            answer.as_object_mut().unwrap().remove(generated);
        }
        answer
    };
    assert_eq!(stable(&dry), stable(&real));

    let written = product.table().await;
    let changed = put(&product, &format!("{entity}?dry_run=true"), question("select 2 from other")).await;
    assert_eq!((changed.status.as_u16(), &changed.json["tables"]), (200, &json!(["other"])));
    assert_eq!(product.table().await, written);
    assert_eq!(product.get(entity).admin().send().await.json["tables"], json!(["orders"]));

    let dive = json!({"title": "D", "content": {"type": "html", "html": "<p>"}});
    let dry = product.post("/v1/dives?dry_run=true", dive.clone()).admin().send().await;
    assert_eq!(dry.status, 201, "{}", dry.text);
    let missing = format!("/v1/dives/{}", dry.json["id"].as_str().unwrap());
    assert_eq!(product.get(&missing).admin().send().await.status, 404);
    assert_eq!(product.table().await, written);
    let created = product.post("/v1/dives?dry_run=false", dive.clone()).admin().send().await;
    let path = format!("/v1/dives/{}", created.json["id"].as_str().unwrap());
    let written = product.table().await;
    let mut other = dive.clone();
    other["content"]["html"] = json!("other");
    let replaced = product.put(&format!("{path}?dry_run=true"), other).admin().send().await;
    assert_eq!((replaced.status.as_u16(), &replaced.json["version"]), (200, &json!(2)));
    let patched = product.patch(&format!("{path}?dry_run=true"), json!({"title": "E"})).admin().send().await;
    assert_eq!((patched.status.as_u16(), &patched.json["title"]), (200, &json!("E")));
    assert_eq!(product.table().await, written);

    for query in ["dry_run=maybe", "dry_run=1", "dry_run=", "dryrun=true", "dry_run=true&dry_run=true"] {
        let refused = put(&product, &format!("{QUESTION}?{query}"), body.clone()).await;
        assert_eq!(refused.refusal(), (400, "request_invalid"), "{query}");
    }
    // A dry run is refused like the write: by its permission, its scope and its ids.
    let member = product.key("member", &[]).await;
    let refused = product.put(&format!("{QUESTION}?dry_run=true"), body.clone()).bearer(&member).send().await;
    assert_eq!(refused.status, 403);
    product.delete(entity).admin().send().await;
    let spent = put(&product, &format!("{entity}?dry_run=true"), body).await;
    assert_eq!(spent.refusal(), (409, "id_deleted"));
}

#[tokio::test]
async fn the_users_of_a_table_are_known() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let uses: TableUses = connected(&product).await;
    let users = async |table: &str| -> Vec<String> {
        let users = uses.of(table).await.unwrap();
        assert!(!users.is_cut);
        users.resources.iter().map(ToString::to_string).collect()
    };
    assert!(users("orders").await.is_empty());
    put(&product, QUESTION, question("select 1 from orders, from cities")).await;
    put(&product, "/v1/resources/question/2", question("select 1 from cities")).await;
    let queries = json!({"a": {"sql": "select 1 from orders"}, "b": {"sql": "select 1 from days"}});
    let body = json!({"title": "D", "content": {"type": "html", "html": "", "queries": queries}});
    let dive = product.post("/v1/dives", body).admin().send().await.json["id"].as_str().unwrap().to_owned();
    assert_eq!(users("cities").await, ["question#1", "question#2"]);
    assert_eq!(users("orders,").await, ["question#1"]);
    assert_eq!(users("orders").await, [format!("dive#{dive}")]);
    assert_eq!(users("days").await, [format!("dive#{dive}")]);

    put(&product, QUESTION, question("select 1 from days")).await;
    assert_eq!(users("cities").await, ["question#2"]);
    assert_eq!(users("days").await, [format!("dive#{dive}"), "question#1".to_owned()]);
    put(&product, "/v1/resources/question/2", json!({"title": "empty"})).await;
    assert!(users("cities").await.is_empty());
    product.delete(&format!("/v1/dives/{dive}")).admin().send().await;
    assert_eq!(users("days").await, ["question#1"]);
    product.delete(QUESTION).admin().send().await;
    assert!(users("days").await.is_empty() && users("orders").await.is_empty());
    let left = product.table().await;
    assert!(!left.iter().any(|item| item["pk"].starts_with("table_uses#")));
}

/// The time zone and the longest query that the stack is set to, and the status of publishing a query of 40000 bytes.
#[tokio::test]
async fn checks_go_by_the_settings_of_the_stack() {
    for (settings, expected) in [
        (&[][..], 400),
        (&[("QueryBytes", "65536")][..], 201),
        (&[("QueryBytes", "65536"), ("TimeZone", "Europe/Berlin")][..], 201),
        // A name that only looks like one.
        (&[("QueryBytes", "65536"), ("TimeZone", "Nowhere/Land")][..], 503),
    ] {
        let product = Product::start_with(settings).await;
        let sql = format!("select '{}' as a", "x".repeat(40_000));
        let answer = put(&product, QUESTION, question(&sql)).await;
        assert_eq!(answer.status, expected, "{settings:?}: {}", answer.text);
    }
}

/// cards -> the paths of issues, and the card that the message names
#[tokio::test]
async fn each_card_of_a_published_dashboard_is_checked() {
    let product = Product::start().await;
    let checks = stub_engine::install(&product);
    put(&product, "/v1/resources/question/1", {
        let mut draft = question("select 1 from orders where city = {{city}}");
        draft["enable_embedding"] = json!(false);
        draft
    })
    .await;
    put(&product, "/v1/resources/question/2", {
        let mut draft = question("select 1 from orders");
        merge(&mut draft, json!({"title": "Everything", "enable_embedding": false}));
        draft
    })
    .await;
    let card = |id: u64, fields: Value| {
        let mut card = json!({"id": id, "row": 0, "col": 0, "width": 1, "height": 1});
        merge(&mut card, fields);
        card
    };
    let body = |cards: Value| {
        json!({
            "title": "D", "enable_embedding": true, "embedding_params": {"city": "locked"},
            "parameters": [{"slug": "city", "name": "City", "type": "text"}],
            "content": {"type": "dashboard", "cards": cards},
        })
    };
    let own =
        json!({"sql": "select 1 from orders where city = {{city}}", "tags": {"city": {"type": "text"}}});
    for (cards, expected, named) in [
        (json!([card(1, json!({"question": 1})), card(2, json!({"query": own}))]), None, ""),
        (
            json!([card(1, json!({"question": 1})), card(2, json!({"question": 2}))]),
            Some("content.cards[1].question"),
            "`Everything`",
        ),
        (
            json!([card(1, json!({"question": 1, "parameters": {}, "title": "By city"}))]),
            Some("content.cards[0].question"),
            "`By city`",
        ),
        (json!([card(1, json!({"question": 3}))]), Some("content.cards[0].question"), ""),
        (
            json!([card(1, json!({"question": 1})), card(1, json!({"text": ""}))]),
            Some("content.cards[1].id"),
            "",
        ),
        (
            json!([card(
                1,
                json!({"query": {"sql": "select 1 from nowhere where {{city}}", "tags": {"city": {"type": "text"}}}})
            )]),
            Some("content.cards[0].query.sql"),
            "",
        ),
    ] {
        let before = product.table().await;
        let answer = put(&product, "/v1/resources/dashboard/1?dry_run=true", body(cards.clone())).await;
        assert_eq!(product.table().await, before);
        match expected {
            None => assert!(answer.status.is_success(), "{}", answer.text),
            Some(path) => {
                assert_eq!(
                    (answer.refusal(), answer.issues()),
                    ((400, "request_invalid"), vec![path]),
                    "{cards}"
                );
                assert!(answer.text.contains(named), "{}", answer.text);
            }
        }
    }
    // A draft is saved with a warning.
    let mut draft = body(json!([card(1, json!({"question": 2}))]));
    draft["enable_embedding"] = json!(false);
    let saved = put(&product, "/v1/resources/dashboard/1", draft).await;
    assert!(saved.status.is_success(), "{}", saved.text);
    assert_eq!(paths(&saved.json["warnings"]), ["content.cards[0].question"]);
    // Texts need no engine.
    let before = checks.load(Ordering::Relaxed);
    let texts =
        put(&product, "/v1/resources/dashboard/2", body(json!([card(1, json!({"text": "Hi"}))]))).await;
    assert_eq!((texts.status.as_u16(), checks.load(Ordering::Relaxed)), (201, before), "{}", texts.text);
}
