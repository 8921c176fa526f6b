//! The console's editor: new resources, changes of those that exist, and what is refused.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Product, merge};

use crate::console::{Browser, form_token};
use crate::stub_engine;

type Fields = Vec<(String, String)>;

/// The fields of the editor on a page, as a browser sends them.
fn fields(page: &str) -> Fields {
    let form = page.split_once("<form class=\"embed editor\"").unwrap().1.split_once("</form>").unwrap().0;
    let mut fields = Vec::new();
    for part in form.split('<').skip(1) {
        let (tag, rest) = part.split_once('>').unwrap_or((part, ""));
        let name = attribute(tag, "name");
        let value = attribute(tag, "value").unwrap_or_default();
        match (tag.split(' ').next().unwrap(), name) {
            ("input", Some(name)) if tag.contains("checkbox") => {
                fields.extend(tag.contains(" checked").then(|| (name, "on".to_owned())));
            }
            ("input", Some(name)) => fields.push((name, value)),
            ("textarea", Some(name)) => fields.push((name, unescaped(rest.strip_prefix('\n').unwrap()))),
            ("select", Some(name)) => fields.push((name, String::new())),
            ("option", _) if tag.contains(" selected") => fields.last_mut().unwrap().1 = value,
            _ => {}
        }
    }
    fields
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next().unwrap()))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    fields.retain(|(known, _)| known != name);
    fields.push((name.to_owned(), value.to_owned()));
}

async fn send(browser: &mut Browser, product: &Product, path: &str, fields: &[(String, String)]) -> Answer {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = browser.with(crate::console::form(product, path, &pairs)).send().await;
    browser.keep(&answer);
    answer
}

/// Sends the form of a page with other values in some of its fields.
async fn submit(browser: &mut Browser, product: &Product, path: &str, changes: &[(&str, &str)]) -> Answer {
    let page = browser.get(product, path).await;
    assert_eq!(page.status, 200, "{path} {}", page.text);
    let mut sent = fields(&page.text);
    for (name, value) in changes {
        set(&mut sent, name, value);
    }
    send(browser, product, path, &sent).await
}

async fn stored(product: &Product, name: &str) -> Value {
    product.get(&format!("/v1/resources/{name}")).admin().send().await.json
}

async fn started() -> (Product, Browser) {
    let product = Product::start().await;
    stub_engine::install(&product);
    let browser = Browser::sign_in(&product, ADMIN_KEY).await;
    (product, browser)
}

/// The problem at a field.
fn problem_at<'a>(page: &'a str, field: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("id=\"{field}-problem\">"))?;
    rest.split("</span>").next()
}

#[tokio::test]
async fn a_new_question_has_the_tags_of_its_sql() {
    let (product, mut browser) = started().await;
    let path = "/console/new/question";
    let sql = "select 1 from guarded_orders where city = {{city}} [[ and n > {{n}} ]]";
    let first = [("title", "Orders"), ("content.query.sql", sql), ("action", "update")];
    let page = submit(&mut browser, &product, path, &first).await;
    assert_eq!(page.status, 200);
    assert!(
        product.get("/v1/resources/question/1").admin().send().await.status == 404,
        "nothing is stored yet"
    );
    let mut sent = fields(&page.text);
    for (name, value) in [
        ("content.query.tags.n.type", "number"),
        ("content.query.tags.n.default", "3"),
        ("content.query.tags.city.required", "on"),
        ("content.query.tags.city.default", "Bern"),
        ("content.display", "bar"),
        ("content.settings.graph.metrics", "count"),
        ("content.settings", "{\"graph.show_goal\": true}"),
        ("allowed_origins", "https://a.example\n\nhttps://b.example"),
        ("allow_downloads", "on"),
        ("action", "publish"),
    ] {
        set(&mut sent, name, value);
    }
    let answer = send(&mut browser, &product, path, &sent).await;
    // The stub's findings come with the page, else the resource's page follows.
    assert!(answer.status == 303 || answer.text.contains("Saved."), "{}", answer.text);
    let question = stored(&product, "question/1").await;
    assert_eq!(
        question["content"],
        json!({
            "type": "question", "display": "bar",
            "query": {"sql": sql, "tags": {
                "city": {"type": "text", "required": true, "default": "Bern"}, "n": {"type": "number", "default": 3}}},
            "settings": {"graph.metrics": ["count"], "graph.show_goal": true},
        })
    );
    assert_eq!(
        (&question["enable_embedding"], &question["allowed_origins"], &question["allow_downloads"]),
        (&json!(true), &json!(["https://a.example", "https://b.example"]), &json!(true))
    );
}

/// Kind of the form, its fields -> the fields at which a problem is shown.
#[tokio::test]
async fn a_problem_is_shown_at_its_field_and_nothing_typed_is_lost() {
    let (product, mut browser) = started().await;
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let place = |index: usize, col: &'static str| -> Vec<(String, String)> {
        [("id", "1"), ("row", "0"), ("col", col), ("width", "12"), ("height", "3"), ("text", "typed text")]
            .map(|(name, value)| (format!("content.cards[{index}].{name}"), value.to_owned()))
            .into()
    };
    let cases: [Case<'_>; 10] = [
        ("question", &[("title", ""), ("content.query.sql", "select 1 from guarded_orders")], &["title"]),
        ("question", &[("title", "T"), ("content.query.sql", "")], &["content.query.sql"]),
        (
            "question",
            &[("title", "T"), ("content.query.sql", "select 1 from nowhere")],
            &["content.query.sql"],
        ),
        (
            "question",
            &[("title", "T"), ("content.query.sql", "select 1"), ("content.settings", "[typed text")],
            &["content.settings"],
        ),
        (
            "question",
            &[
                ("title", "T"),
                ("content.query.sql", "select {{n}} from guarded_orders"),
                ("content.query.tags.n.type", "number"),
                ("content.query.tags.n.default", "typed text"),
            ],
            &["content.query.tags.n.default"],
        ),
        ("url", &[("title", "T"), ("content.url", "http://typed.example")], &["content.url"]),
        ("html", &[("title", "T"), ("allowed_origins", "typed text")], &["allowed_origins"]),
        (
            "dive",
            &[
                ("title", "T"),
                ("content.queries.0.name", "q"),
                ("content.queries.0.sql", "select 1 from nowhere"),
            ],
            &["content.queries.0.sql"],
        ),
        (
            "html",
            &[
                ("title", "T"),
                ("parameters[0].slug", "n"),
                ("parameters[0].name", "N"),
                ("parameters[0].type", "number"),
                ("parameters[0].default", "typed text"),
            ],
            &["parameters[0].default"],
        ),
        ("dashboard", &[("title", "T")], &["content.cards[0].width"]),
    ];
    for (what, changes, expected) in cases {
        let path = format!("/console/new/{what}");
        let mut sent = fields(&browser.get(&product, &path).await.text);
        for (name, value) in changes {
            set(&mut sent, name, value);
        }
        if what == "dashboard" {
            sent.extend(place(0, "20"));
        }
        for action in ["check", "publish"] {
            set(&mut sent, "action", action);
            let page = send(&mut browser, &product, &path, &sent).await;
            assert_eq!(page.status, 400, "{what} {changes:?} {}", page.text);
            for field in expected {
                let problem = problem_at(&page.text, field);
                assert!(problem.is_some_and(|text| !text.is_empty()), "{what} {field} {}", page.text);
            }
            let again = fields(&page.text);
            for (name, value) in &sent {
                let is_kept = again.iter().any(|(known, shown)| known == name && shown == value);
                assert!(
                    is_kept || ["action", "csrf_token"].contains(&name.as_str()),
                    "{what} {name} {value}"
                );
            }
        }
    }
    let found = product.get("/v1/resources").admin().send().await;
    assert_eq!(found.json["items"], json!([]), "{}", found.text);
}

/// Each resource comes back from its form as it was, with what the form has no field for.
#[tokio::test]
async fn a_form_that_nobody_touches_changes_nothing() {
    let (product, mut browser) = started().await;
    let query = json!({
        "sql": "select {{snippet: s}}, {{city}}, '<&>', \"&quot;\"\r\nfrom guarded_orders", "snippets": {"s": "1"},
        "tags": {"city": {"type": "dimension", "dimension": {"table": "orders", "column": "city"},
            "widget_type": "string/contains", "case_sensitive": false, "default": ["a", "b"], "display_name": "Ort"}},
    });
    let plain = json!({"sql": "select {{town}}", "tags": {"town": {"type": "text"}}});
    let parameters = json!([
        {"slug": "city", "name": "City", "type": "category", "id": "abc", "multiple": true, "required": true, "default": ["a"],
         "values": [["a", "A"], ["b"]], "values_strict": true},
        {"slug": "day", "name": "Day", "type": "date_range", "default": null, "multiple": false, "required": false},
    ]);
    let cards = json!([
        {"id": 7, "question": 1, "row": 0, "col": 0, "width": 12, "height": 6, "tab": 2, "parameters": {"city": "city"}, "extra": {"a": 1}},
        {"id": 8, "query": plain, "row": 6, "col": 3, "width": 5, "height": 6, "tab": 2, "parameters": {}, "display": "sankey"},
        {"id": 9, "text": "\n  <b>\n", "row": 12, "col": 0, "width": 24, "height": 2, "tab": 3, "title": "x"},
        {"id": 3, "heading": "H", "row": 14, "col": 0, "width": 24, "height": 1, "tab": 3},
        {"id": 4, "link": "https://a.example", "row": 15, "col": 0, "width": 24, "height": 1, "tab": 3, "settings": {"b": 1}},
    ]);
    let dive = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";
    let resources = [
        (
            "question/1".to_owned(),
            json!({"type": "question", "query": query, "display": "sankey",
            "settings": {"graph.dimensions": ["a"], "x": {"y": [1]}}, "extra": {"z": 1}}),
        ),
        (
            format!("dive/{dive}"),
            json!({"type": "html", "html": "\n<p>&amp;\n", "queries": {"a": query, "b": plain}}),
        ),
        (
            "dashboard/1".to_owned(),
            json!({"type": "dashboard", "cards": cards, "tabs": [{"id": 2, "name": "A"}, {"id": 3, "name": "B"}], "extra": {"q": 1}}),
        ),
        ("dashboard/2".to_owned(), json!({"type": "url", "url": "https://a.example/x?y=1#z"})),
    ];
    for (name, content) in resources {
        let mut resource = json!({"title": " A <title> ", "description": "line\nline", "content": content,
            "allowed_origins": ["https://a.example"], "allow_downloads": true});
        if !name.starts_with("question") && !name.starts_with("dive") {
            merge(
                &mut resource,
                json!({"parameters": parameters, "embedding_params": {"city": "enabled", "day": "disabled"}}),
            );
        }
        resource["title"] = "A <title>".into();
        let put = product.put(&format!("/v1/resources/{name}"), resource).admin().send().await;
        assert!(put.status.is_success(), "{name} {}", put.text);
        let mut before = stored(&product, &name).await;
        let path = format!("/console/resources/{name}/edit");
        let answer = submit(&mut browser, &product, &path, &[("action", "save")]).await;
        assert!(answer.status == 303 || answer.text.contains("Saved."), "{name} {}", answer.text);
        let mut after = stored(&product, &name).await;
        for changed in ["revision", "updated_at", "version"] {
            before[changed].take();
            after[changed].take();
        }
        // Browsers send every line end in one form.
        let text = before.to_string().replace("\\r\\n", "\\n");
        assert_eq!(after, serde_json::from_str::<Value>(&text).unwrap(), "{name}");
    }
}

#[tokio::test]
async fn the_second_of_two_tabs_is_told_and_loses_nothing() {
    let (product, mut browser) = started().await;
    product
        .publish("dashboard/1", json!({"title": "Sales", "content": {"type": "html", "html": "old"}}))
        .await;
    let path = "/console/resources/dashboard/1/edit";
    let (mut first, mut second) = (fields(&browser.get(&product, path).await.text), Vec::new());
    second.extend(first.clone());
    set(&mut first, "content.html", "<b>first</b>");
    set(&mut first, "action", "save");
    assert_eq!(send(&mut browser, &product, path, &first).await.status, 303);
    set(&mut second, "content.html", "<i>second</i>");
    set(&mut second, "description", "mine");
    set(&mut second, "action", "save");
    let told = send(&mut browser, &product, path, &second).await;
    assert_eq!(told.status, 409);
    assert!(
        told.text.contains("Somebody else changed this") && told.text.contains("&lt;b&gt;first&lt;/b&gt;")
    );
    assert_eq!(stored(&product, "dashboard/1").await["content"]["html"], "<b>first</b>");
    let mut again = fields(&told.text);
    assert!(again.contains(&("content.html".to_owned(), "<i>second</i>".to_owned())));
    // A third change comes between, so it is told again; then it replaces what it was shown.
    product
        .publish("dashboard/1", json!({"title": "Third", "content": {"type": "html", "html": "third"}}))
        .await;
    set(&mut again, "action", "save");
    let told = send(&mut browser, &product, path, &again).await;
    assert_eq!(told.status, 409);
    let mut again = fields(&told.text);
    set(&mut again, "action", "save");
    assert_eq!(send(&mut browser, &product, path, &again).await.status, 303);
    let now = stored(&product, "dashboard/1").await;
    assert_eq!((&now["content"]["html"], &now["description"]), (&json!("<i>second</i>"), &json!("mine")));
    assert_eq!(now["enable_embedding"], true, "an edit does not unpublish");
}

#[tokio::test]
async fn cards_are_added_placed_wired_and_removed_without_a_script() {
    let (product, mut browser) = started().await;
    let sql = "select 1 from guarded_orders where city = {{town}}";
    let question = json!({"type": "question", "query": {"sql": sql, "tags": {"town": {"type": "text"}}}});
    product.publish("question/1", json!({"title": "By town", "content": question})).await;
    let path = "/console/new/dashboard";
    let page = submit(&mut browser, &product, path, &[("title", "Board"), ("action", "add-question")]).await;
    let mut sent = fields(&page.text);
    for (name, value) in [
        ("content.cards[0].question", "1"),
        ("parameters[0].slug", "city"),
        ("parameters[0].type", "text"),
        ("action", "add-heading"),
    ] {
        set(&mut sent, name, value);
    }
    let page = send(&mut browser, &product, path, &sent).await;
    assert!(page.text.contains("By town") && page.text.contains("Parameter city sets"), "{}", page.text);
    let mut sent = fields(&page.text);
    for (name, value) in [
        ("content.cards[0].parameters.city", "town"),
        ("content.cards[0].col", "6"),
        ("content.cards[1].heading", "Orders"),
        ("action", "add-text"),
    ] {
        set(&mut sent, name, value);
    }
    let page = send(&mut browser, &product, path, &sent).await;
    let mut sent = fields(&page.text);
    set(&mut sent, "action", "remove-2");
    let page = send(&mut browser, &product, path, &sent).await;
    let mut sent = fields(&page.text);
    set(&mut sent, "action", "save");
    let answer = send(&mut browser, &product, path, &sent).await;
    assert!(answer.status == 303 || answer.text.contains("Saved."), "{}", answer.text);
    assert_eq!(
        stored(&product, "dashboard/1").await["content"]["cards"],
        json!([
            {"id": 1, "question": 1, "row": 0, "col": 6, "width": 12, "height": 6, "parameters": {"city": "town"}},
            {"id": 2, "heading": "Orders", "row": 6, "col": 0, "width": 24, "height": 1},
        ])
    );
}

#[tokio::test]
async fn a_check_stores_nothing_and_each_kind_can_be_made() {
    let (product, mut browser) = started().await;
    for (what, changes, expected) in [
        (
            "url",
            &[("content.url", "https://a.example"), ("kind", "question")][..],
            "/console/resources/question/1",
        ),
        ("html", &[("content.html", "<p>"), ("kind", "dashboard")], "/console/resources/dashboard/1"),
        ("dive", &[("content.html", "<p>")], "/console/resources/dive/"),
    ] {
        let path = format!("/console/new/{what}");
        for action in ["check", "publish"] {
            let changes = [changes, &[("title", "T"), ("action", action)]].concat();
            let answer = submit(&mut browser, &product, &path, &changes).await;
            if action == "check" {
                assert!(answer.text.contains("Nothing was stored"), "{what} {}", answer.text);
            } else {
                assert!(answer.header("location").starts_with(expected), "{what} {}", answer.text);
            }
        }
    }
    let found = product.get("/v1/resources").admin().send().await;
    assert_eq!(found.json["items"].as_array().unwrap().len(), 3, "{}", found.text);
    assert_eq!(browser.get(&product, "/console/new/table").await.status, 404);
}

#[tokio::test]
async fn a_key_edits_only_what_it_may_write() {
    let (product, mut admin) = started().await;
    product.publish("dashboard/1", json!({"title": "Sales"})).await;
    let token = form_token(&admin.get(&product, "/console/keys").await.text);
    let lister = product.key("member", &["resources:list"]).await;
    let mut browser = Browser::sign_in(&product, &lister).await;
    for path in ["/console/new/question", "/console/resources/dashboard/1/edit"] {
        assert_eq!(browser.get(&product, path).await.status, 403, "{path}");
        let own = form_token(&browser.get(&product, "/console").await.text);
        for token in [own.as_str(), token.as_str(), ""] {
            let pairs = [("csrf_token", token), ("title", "Planted"), ("action", "save")];
            let pairs: Fields = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            assert_eq!(send(&mut browser, &product, path, &pairs).await.status, 403, "{path}");
        }
    }
    assert!(!browser.get(&product, "/console/resources").await.text.contains("/console/new/"));
    assert_eq!(stored(&product, "dashboard/1").await["title"], "Sales");
    assert_eq!(admin.get(&product, "/console/resources/dashboard/9/edit").await.status, 404);
}
