//! Questions and pages with queries: owners read them as they wrote them, viewers see neither SQL nor tables.

use serde_json::{Value, json};
use vitrine::dialects::motherduck::SessionString;
use vitrine_tests::{Answer, Product, merge};

use crate::folder::Folder;
use crate::stub_engine;

const QUESTION: &str = "/v1/resources/question/1";

/// A query whose every text that is not for viewers has the word `canary`.
fn query() -> Value {
    json!({
        "sql": "select 'canary' from guarded_canary where {{day}} and city = {{city}} [[and team = {{team}}]]",
        "source": "canary-source",
        "tags": {
            "city": {"type": "text", "display_name": "City", "default": "canary-default"},
            "day": {
                "type": "dimension", "dimension": {"table": "guarded_canary", "column": "canary_column"},
                "widget_type": "date/all-options",
            },
            "team": {"type": "text"},
        },
    })
}

fn question() -> Value {
    json!({
        "title": "Q", "enable_embedding": true,
        "embedding_params": {"city": "locked", "team": "enabled"},
        "content": {
            "type": "question", "query": query(), "display": "bar",
            "settings": {"graph.metrics": ["count"], "unknown": {"kept": [1, null]}},
        },
    })
}

fn page() -> Value {
    let content =
        json!({"type": "html", "html": "<p>", "queries": {"total": query(), "all": {"sql": "select 1"}}});
    json!({"title": "D", "enable_embedding": true, "embedding_params": {"team": "enabled"}, "content": content})
}

async fn start() -> Product {
    let product = Product::start().await;
    stub_engine::install(&product);
    product
}

async fn put(product: &Product, path: &str, body: Value) -> Answer {
    product.put(path, body).admin().send().await
}

#[tokio::test]
async fn owners_read_content_as_they_wrote_it() {
    let product = start().await;
    let created = put(&product, QUESTION, question()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json["warnings"], json!([]));
    let read = product.get(QUESTION).admin().send().await.json;
    assert_eq!(
        (&created.json["content"], &read["content"]),
        (&question()["content"], &question()["content"])
    );
    assert_eq!(product.get("/api/card/1").admin().send().await.json["content"], question()["content"]);
    let answer = put(&product, "/v1/resources/dashboard/1", page()).await;
    assert_eq!(answer.json["content"], page()["content"], "{}", answer.text);
    let short = json!({"title": "S", "content": {"type": "question", "query": {"sql": "select 1"}}});
    let answer = put(&product, "/v1/resources/question/2", short).await;
    let filled = json!({"type": "question", "query": {"sql": "select 1"}, "display": "table"});
    assert_eq!(answer.json["content"], filled, "{}", answer.text);
}

#[tokio::test]
async fn tags_are_parameters_unless_the_resource_declares_them() {
    let product = start().await;
    let slugs = |answer: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let parameters = answer["parameters"].as_array().unwrap();
        parameters.iter().map(|parameter| (text(&parameter["slug"]), text(&parameter["type"]))).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(slug, kind)| ((*slug).to_owned(), (*kind).to_owned())).collect()
    };
    let derived = pairs(&[("city", "category"), ("day", "date_range"), ("team", "category")]);
    let created = put(&product, QUESTION, question()).await.json;
    assert_eq!(slugs(&created), derived);
    assert_eq!(created["parameters"][0]["name"], "City");
    for path in [QUESTION, "/api/card/1"] {
        assert_eq!(slugs(&product.get(path).admin().send().await.json), derived, "{path}");
    }
    let mut declared = question();
    declared["parameters"] = json!([{"slug": "team", "name": "Our team", "type": "text", "default": "a"}]);
    let replaced = put(&product, QUESTION, declared.clone()).await.json;
    assert_eq!(slugs(&replaced), pairs(&[("team", "text"), ("city", "category"), ("day", "date_range")]));
    let token = product.sign(json!({"resource": {"question": 1}, "params": {"city": "Berlin"}}));
    let view = product.view(&token, "").await;
    assert_eq!(view.status, 200, "{}", view.text);
    assert_eq!(view.json["parameters"].as_array().unwrap().len(), 1, "{}", view.text);
    assert_eq!(
        (&view.json["parameters"][0]["name"], &view.json["parameters"][0]["value"]),
        (&json!("Our team"), &json!("a"))
    );
    // A parameter that a policy does not name is nobody's to set, derived or not.
    assert_eq!(product.view(&token, "day=today").await.refusal(), (400, "parameter_unknown"));
    assert_eq!(product.view(&token, "city=Paris").await.refusal(), (400, "parameter_locked"));
    assert_eq!(product.view(&token, "team=b").await.json["parameters"][0]["value"], "b");
    // Content that was read can be written.
    let mut read = product.get(QUESTION).admin().send().await.json;
    let fields = ["title", "content", "parameters", "enable_embedding", "embedding_params"];
    read.as_object_mut().unwrap().retain(|name, _| fields.contains(&name.as_str()));
    assert_eq!(put(&product, QUESTION, read).await.status, 200);
    // The derived ones are not stored: another query has others.
    let patched =
        product.put("/api/card/1", json!({"parameters": [], "embedding_params": {}})).admin().send().await;
    assert_eq!(slugs(&patched.json), derived);
    let other = json!({"content": {"type": "question", "query": {"sql": "select 1"}}});
    assert_eq!(slugs(&product.put("/api/card/1", other).admin().send().await.json), []);

    declared["parameters"] =
        json!([{"slug": "x", "name": "X", "type": "text"}, {"slug": "day", "name": "D", "type": "number"}]);
    let refused = put(&product, QUESTION, declared).await;
    assert_eq!(refused.issues(), ["parameters[1].type"]);
}

/// Every route that shows something to a viewer, and those of the page.
#[tokio::test]
async fn no_viewer_receives_sql_or_the_name_of_a_table() {
    let product = start().await;
    put(&product, QUESTION, question()).await;
    let mut shown = page();
    shown["allow_downloads"] = json!(true);
    let public_id = put(&product, "/v1/resources/dashboard/1", shown.clone()).await.json["public_id"].clone();
    let public_id = public_id.as_str().unwrap();
    let dive = product.post("/v1/dives", shown).admin().send().await.json["id"].as_str().unwrap().to_owned();
    product.post("/v1/users", json!({"username": "acme"})).admin().send().await;
    let session = product
        .post(&format!("/v1/dives/{dive}/embed-session"), json!({"username": "acme"}))
        .admin()
        .send()
        .await;
    let session = SessionString::decode(session.json["session"].as_str().unwrap()).unwrap().token;
    let generated = json!({"deploymentId": 1, "externalId": "ann"});
    let generated = product.post("/api/v1/embed/generate-session", generated).admin().send().await;
    let exchange = json!({"sessionId": generated.json["sessionId"]});
    let cube = product.post("/api/v1/embed/session/token", exchange).send().await;
    let cube = cube.json["token"].as_str().unwrap().to_owned();
    let card = product.sign(json!({"resource": {"question": 1}, "params": {"city": "Berlin"}}));
    let dashboard = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let preview = product.sign(
        json!({"resource": {"question": 1}, "params": {}, "_embedding_params": {"city": "enabled", "team": "enabled", "day": "enabled"}}),
    );
    let without = product.sign(json!({"resource": {"question": 1}, "params": {}}));

    let get = |path: String| product.get(&path);
    let answers = [
        (200, get("/v1/view".into()).bearer(&card)),
        (200, get("/v1/view/question".into()).bearer(&card)),
        (200, get("/v1/view/question/1".into()).bearer(&card)),
        (200, get("/v1/view/dashboard".into()).bearer(&dashboard)),
        (200, get("/v1/view/dive".into()).bearer(&session)),
        (200, get("/v1/view/dashboard/1".into()).bearer(&cube)),
        (200, get(format!("/api/embed/card/{card}"))),
        (200, get(format!("/api/embed/card/{card}?team=canary").replace("canary", "a"))),
        (200, get(format!("/api/embed/dashboard/{dashboard}"))),
        (200, get(format!("/api/embed/card/{card}/params/team/values"))),
        (200, get(format!("/api/embed/card/{card}/params/team/search/a"))),
        (200, get(format!("/api/embed/card/{card}/params/team/remapping?value=a"))),
        (
            200,
            get(format!("/api/v1/embed/dashboard/{public_id}"))
                .header("authorization", format!("Embed-Token {cube}")),
        ),
        (200, get(format!("/embed/question/{card}"))),
        (200, get(format!("/embed/dashboard/{dashboard}"))),
        (200, get(format!("/embed/d/1/dashboard/{public_id}"))),
        (200, get(format!("/embed/dive/{session}"))),
        (200, get("/sandbox".into())),
        (200, product.post("/v1/introspect", json!({"token": card})).admin()),
        (400, get("/v1/view".into()).bearer(&without)),
        (400, get("/v1/view?day=today".into()).bearer(&card)),
        (400, get(format!("/api/embed/card/{card}/params/city/values"))),
        (400, get(format!("/api/embed/card/{card}/params/day/values"))),
    ];
    for (number, (status, call)) in answers.into_iter().enumerate() {
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{number}: {}", answer.text);
        assert!(!answer.text.contains("canary"), "{number}: {}", answer.text);
        for (name, value) in &answer.headers {
            assert!(!value.to_str().unwrap_or_default().contains("canary"), "{number}: {name}");
        }
    }
    // The default of a parameter that an admin's preview enables is shown; nothing else is.
    let preview = get(format!("/api/preview_embed/card/{preview}")).admin().send().await;
    assert_eq!(preview.status, 200, "{}", preview.text);
    assert!(!preview.text.replace("canary-default", "").contains("canary"), "{}", preview.text);
    // The owner's own routes show it.
    assert!(product.get(QUESTION).admin().send().await.text.contains("guarded_canary"));
}

#[tokio::test]
async fn viewers_see_the_drawing_and_the_names_of_queries() {
    let product = start().await;
    put(&product, QUESTION, question()).await;
    put(&product, "/v1/resources/dashboard/1", page()).await;
    let token = product.sign(json!({"resource": {"question": 1}, "params": {"city": "Berlin"}}));
    let drawing =
        json!({"type": "question", "display": "bar", "settings": question()["content"]["settings"]});
    assert_eq!(product.view(&token, "").await.json["content"], drawing);
    assert_eq!(product.get(&format!("/api/embed/card/{token}")).send().await.json["content"], drawing);
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let queries = json!({"all": {"parameters": []}, "total": {"parameters": ["team"]}});
    let content = json!({"type": "html", "html": "<p>", "queries": queries});
    assert_eq!(product.view(&token, "").await.json["content"], content);
}

#[tokio::test]
async fn versions_of_a_dive_keep_their_queries() {
    let product = start().await;
    let dive = product.post("/v1/dives", page()).admin().send().await.json["id"].as_str().unwrap().to_owned();
    let mut second = page();
    second["content"]["queries"] =
        json!({"second": {"sql": "select {{other}}", "tags": {"other": {"type": "text", "default": "a"}}}});
    second["embedding_params"] = json!({"other": "enabled"});
    let replaced = put(&product, &format!("/v1/dives/{dive}"), second).await;
    assert_eq!((replaced.status.as_u16(), &replaced.json["version"]), (200, &json!(2)), "{}", replaced.text);
    let first = product.get(&format!("/v1/dives/{dive}/versions/1")).admin().send().await;
    assert_eq!(first.json["content"], page()["content"], "{}", first.text);
    product.post("/v1/users", json!({"username": "acme"})).admin().send().await;
    for (version, names) in [(1, vec!["all", "total"]), (2, vec!["second"])] {
        let body = json!({"username": "acme", "version": version});
        let session = product.post(&format!("/v1/dives/{dive}/embed-session"), body).admin().send().await;
        assert_eq!(session.status, 200, "{}", session.text);
        let token = SessionString::decode(session.json["session"].as_str().unwrap()).unwrap().token;
        let view = product.get("/v1/view/dive").bearer(&token).send().await;
        let queries = view.json["content"]["queries"].as_object().unwrap_or_else(|| panic!("{}", view.text));
        assert_eq!(queries.keys().collect::<Vec<_>>(), names);
    }
}

#[tokio::test]
async fn content_is_for_its_kind_and_within_its_size() {
    let product = start().await;
    let content = question()["content"].clone();
    for path in ["/v1/resources/dashboard/1", "/v1/resources/dive/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77"] {
        let refused = put(&product, path, json!({"title": "T", "content": content})).await;
        assert_eq!(refused.issues(), ["content.type"], "{path}");
    }
    let refused = product.post("/v1/dives", json!({"title": "T", "content": content})).admin().send().await;
    assert_eq!(refused.issues(), ["content.type"]);
    // The largest query and settings fit, and so do many queries beside large markup.
    let large = format!("select '{}'", "\n".repeat(32 * 1024 - 9));
    let mut body = question();
    body["embedding_params"] = json!({});
    body["content"]["query"] = json!({ "sql": large });
    body["content"]["settings"] = json!({"a": "x".repeat(60 * 1024)});
    let answer = put(&product, QUESTION, body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(product.get(QUESTION).admin().send().await.json["content"], body["content"]);
    let queries: serde_json::Map<_, _> = (0..8)
        .map(|number| (format!("q{number}"), json!({"sql": format!("select '{}'", "x".repeat(30 * 1024))})))
        .collect();
    let page = |html: usize| json!({"title": "P", "content": {"type": "html", "html": "x".repeat(html), "queries": queries}});
    let fits = put(&product, "/v1/resources/dashboard/1", page(50 * 1024)).await;
    assert_eq!(fits.status, 201, "{}", fits.text);
    assert_eq!(
        product.get("/v1/resources/dashboard/1").admin().send().await.json["content"],
        page(50 * 1024)["content"]
    );
    let refused = put(&product, "/v1/resources/dashboard/1", page(80 * 1024)).await;
    assert_eq!(refused.issues(), ["content.queries"]);
}

#[tokio::test]
async fn downloads_are_on_for_what_metabases_clients_create() {
    let product = start().await;
    for kind in ["card", "dashboard"] {
        let create = async |fields: Value| {
            let mut body = json!({"name": "N"});
            merge(&mut body, fields);
            product.post(&format!("/api/{kind}"), body).admin().send().await.json
        };
        assert_eq!(create(json!({})).await["allow_downloads"], true);
        assert_eq!(create(json!({"allow_downloads": false})).await["allow_downloads"], false);
        let id = create(json!({})).await["id"].clone();
        let path = format!("/api/{kind}/{id}");
        let changed = product.put(&path, json!({"allow_downloads": false})).admin().send().await;
        assert_eq!(changed.json["allow_downloads"], false);
        let changed = product.put(&path, json!({"name": "M"})).admin().send().await;
        assert_eq!(changed.json["allow_downloads"], false, "a change keeps it");
    }
    let native = put(&product, QUESTION, json!({"title": "N"})).await;
    assert_eq!(native.json["allow_downloads"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_open_again_after_a_restart() {
    let folder = Folder::new();
    let product = Product::start_over(folder.path()).await;
    stub_engine::install(&product);
    let admin = product.services.admin_key();
    let written = product.put(QUESTION, question()).bearer(&admin).send().await;
    assert_eq!(written.status, 201, "{}", written.text);
    drop(product);
    let product = Product::start_over(folder.path()).await;
    let read = product.get(QUESTION).bearer(&admin).send().await;
    assert_eq!(read.json["content"], question()["content"], "{}", read.text);
}
