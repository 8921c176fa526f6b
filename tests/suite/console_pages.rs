//! The pages of the console: lists, a resource, its embedding, keys and refusals.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Product};

use crate::console::{Browser, form, form_token};

const BOARD: &str = "/console/resources/dashboard/1";
const EMBED: &str = "/console/resources/dashboard/1/embed";

pub async fn admin(product: &Product) -> Browser {
    Browser::sign_in(product, ADMIN_KEY).await
}

async fn stored(product: &Product) -> Value {
    product.get("/v1/resources/dashboard/1").admin().send().await.json
}

async fn draft(product: &Product, fields: Value) {
    let mut resource = json!({"title": "Sales", "content": {"type": "html", "html": "<p>1</p>"}});
    vitrine_tests::merge(&mut resource, fields);
    let answer = product.put("/v1/resources/dashboard/1", resource).admin().send().await;
    assert!(answer.status.is_success(), "{}", answer.text);
}

/// The titles in the list, in order.
fn titles(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200);
    let rows = answer.text.split("<th scope=\"row\">").skip(1);
    rows.map(|row| row.split_once("\">").unwrap().1.split("</a>").next().unwrap()).collect()
}

#[tokio::test]
async fn the_list_is_searched_filtered_sorted_and_paged() {
    let product = Product::start().await;
    for (number, title) in [(1, "Zebra sales"), (2, "Apple"), (3, "Mango sales")] {
        product
            .publish(&format!("dashboard/{number}"), json!({"title": title, "enable_embedding": number != 2}))
            .await;
    }
    product.publish("question/1", json!({"title": "A question", "archived": true})).await;
    let mut browser = admin(&product).await;
    for (query, expected) in [
        ("", &["Zebra sales", "Apple", "Mango sales", "A question"][..]),
        ("?q=SALES", &["Zebra sales", "Mango sales"]),
        ("?q=sales+zebra", &["Zebra sales"]),
        ("?q=nothing+like+it", &[]),
        ("?kind=question", &["A question"]),
        ("?state=draft", &["Apple"]),
        ("?state=published", &["Zebra sales", "Mango sales"]),
        ("?state=archived", &["A question"]),
        ("?order=title&kind=dashboard", &["Apple", "Mango sales", "Zebra sales"]),
        ("?q=sales&order=title", &["Mango sales", "Zebra sales"]),
        ("?order=updated&q=a&kind=dashboard&page=2", &[]),
        ("?kind=nonsense", &["Zebra sales", "Apple", "Mango sales", "A question"]),
    ] {
        let answer = browser.get(&product, &format!("/console/resources{query}")).await;
        assert_eq!(titles(&answer), expected, "{query}");
        if expected.is_empty() && !query.contains("page") {
            assert!(answer.text.contains("Nothing found") && answer.text.contains("Show all"), "{query}");
        }
    }
    for number in 4..=120 {
        product.publish(&format!("dashboard/{number}"), json!({"title": format!("Board {number:03}")})).await;
    }
    for first in ["?kind=dashboard", "?kind=dashboard&order=title", "?q=board"] {
        let (mut seen, mut path) = (Vec::new(), format!("/console/resources{first}"));
        loop {
            let page = browser.get(&product, &path).await;
            seen.extend(titles(&page).into_iter().map(str::to_owned));
            let Some(next) =
                page.text.split("<a class=\"button\" href=\"").find(|part| part.contains("rel=\"next\""))
            else {
                break;
            };
            path = next.split('"').next().unwrap().replace("&amp;", "&");
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), if first.contains("q=") { 117 } else { 120 }, "{first}");
    }
    let unreadable = browser.get(&product, "/console/resources?cursor=x").await;
    assert_eq!(unreadable.status, 400);
    assert!(unreadable.text.contains("The cursor is not valid."));
}

#[tokio::test]
async fn what_is_stored_is_shown_as_text() {
    let product = Product::start().await;
    let evil = "\"><script>alert(1)</script>{{x}}";
    let parameters = json!([{"slug": evil, "name": evil, "type": "text", "default": evil}]);
    product
        .publish(
            "dashboard/1",
            json!({
                "title": evil, "description": evil, "parameters": parameters,
                "content": {"type": "html", "html": evil}, "embedding_params": {evil: "locked"},
            }),
        )
        .await;
    let body = json!({"name": evil, "role": "admin"});
    let key = product.post("/v1/keys", body).admin().send().await.json["key"].as_str().unwrap().to_owned();
    let mut browser = Browser::sign_in(&product, &key).await;
    let reference = format!("/console/refusals?request_id={}", "%3Cscript%3E");
    for path in [
        "/console",
        "/console/resources",
        "/console/resources?q=%22%3E%3Cscript%3E",
        BOARD,
        EMBED,
        "/console/keys",
        &reference,
    ] {
        let answer = browser.get(&product, path).await;
        let scripts = answer.text.matches("<script").count();
        assert_eq!(scripts, 1, "{path}: {}", answer.text);
    }
    let next = Browser::default().get(&product, "/console?next=/console/%22%3E%3Cscript%3E").await;
    assert_eq!(next.text.matches("<script").count(), 1);
}

#[tokio::test]
async fn a_resource_is_published_unpublished_archived_and_restored() {
    let product = Product::start().await;
    draft(&product, json!({})).await;
    let mut browser = admin(&product).await;
    for (action, published, archived) in [
        ("publish", true, false),
        ("unpublish", false, false),
        ("archive", false, true),
        ("restore", false, false),
    ] {
        let revision = stored(&product).await["revision"].to_string();
        let answer =
            browser.post(&product, BOARD, BOARD, &[("action", action), ("revision", &revision)]).await;
        assert_eq!(answer.header("location"), format!("{BOARD}?done={action}"), "{}", answer.text);
        let now = stored(&product).await;
        assert_eq!(
            (&now["enable_embedding"], &now["archived"]),
            (&json!(published), &json!(archived)),
            "{action}"
        );
        let page = browser.get(&product, answer.header("location")).await;
        assert!(page.text.contains("role=\"status\""), "{action}");
    }
    let before = stored(&product).await;
    for fields in [[("action", "remove"), ("revision", "5")], [("action", "publish"), ("revision", "")]] {
        let answer = browser.post(&product, BOARD, BOARD, &fields).await;
        assert_eq!(answer.status, 400, "{fields:?}");
        assert!(answer.text.contains("role=\"alert\""));
    }
    assert_eq!(stored(&product).await, before);
}

/// The second of two tabs is told, and keeps its choices.
#[tokio::test]
async fn a_change_of_something_that_was_changed_since_is_refused() {
    let product = Product::start().await;
    let parameters = json!([{"slug": "region", "name": "Region", "type": "text"}]);
    draft(&product, json!({"parameters": parameters})).await;
    let mut browser = admin(&product).await;
    let revision = stored(&product).await["revision"].to_string();
    draft(&product, json!({"parameters": parameters, "title": "Renamed"})).await;
    let publish = [("action", "publish"), ("revision", revision.as_str())];
    let answer = browser.post(&product, BOARD, BOARD, &publish).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text.contains("Renamed"), "the page as it is now");
    let choices = [&publish[..], &[("policy.region", "locked"), ("value.region", "emea")]].concat();
    let answer = browser.post(&product, EMBED, EMBED, &choices).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text.contains("Your choices are still below"));
    assert!(answer.text.contains("value=\"emea\"") && answer.text.contains("value=\"locked\" checked"));
    assert_eq!(stored(&product).await["enable_embedding"], false);
    // The page has the revision of now, so that saving again replaces.
    let revision = stored(&product).await["revision"].to_string();
    assert!(answer.text.contains(&format!("name=\"revision\" value=\"{revision}\"")));
}

#[tokio::test]
async fn the_policy_of_each_parameter_is_chosen_and_published() {
    let product = Product::start().await;
    let parameter = |slug: &str| json!({"slug": slug, "name": slug, "type": "text"});
    let parameters: Vec<_> = ["a", "b", "c", "d"].map(parameter).into();
    draft(&product, json!({"parameters": parameters})).await;
    let mut browser = admin(&product).await;
    let fields = [
        ("revision", "1"),
        ("policy.a", "disabled"),
        ("policy.b", "enabled"),
        ("policy.c", "locked"),
        ("policy.d", "attribute"),
        ("attribute.d", "city"),
    ];
    let missing = [&fields[..5], &[("action", "publish")]].concat();
    let answer = browser.post(&product, EMBED, EMBED, &missing).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("attribute.d"));
    let published = [&fields[..], &[("action", "publish")]].concat();
    let answer = browser.post(&product, EMBED, EMBED, &published).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let now = stored(&product).await;
    let policy = json!({"a": "disabled", "b": "enabled", "c": "locked", "d": {"attribute": "city"}});
    assert_eq!((&now["embedding_params"], &now["enable_embedding"]), (&policy, &json!(true)));
    assert_eq!(now["content"]["html"], "<p>1</p>", "nothing else is changed");
}

/// The token of a preview opens the view, and its page can be framed by the console alone.
#[tokio::test]
async fn a_preview_is_framed_by_the_console_alone() {
    let product = Product::start_with(&[("AllowedOrigins", "https://a.example.com")]).await;
    let parameters = json!([{"slug": "region", "name": "Region", "type": "text"}]);
    product
        .publish("dashboard/1", json!({"parameters": parameters, "embedding_params": {"region": "locked"}, "content": {"type": "html", "html": "x"}}))
        .await;
    let mut browser = admin(&product).await;
    let choices = [("action", "preview"), ("policy.region", "locked"), ("value.region", "emea")];
    let answer = browser.post(&product, EMBED, EMBED, &choices).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let source = answer.text.split("src=\"").find(|part| part.starts_with("/embed/dashboard/")).unwrap();
    let token = source["/embed/dashboard/".len()..].split('#').next().unwrap();
    let view = product.view(token, "").await;
    assert_eq!(view.status, 200);
    assert!(view.text.contains("A resource") && !view.text.contains("emea"), "{}", view.text);
    let framing = async |token: &str| {
        let page = product.get(&format!("/embed/dashboard/{token}")).send().await;
        page.header("content-security-policy").split("frame-ancestors ").nth(1).unwrap().to_owned()
    };
    assert_eq!(framing(token).await, "'self'");
    let owned = product.sign(json!({"resource": {"dashboard": 1}, "params": {"region": "emea"}}));
    assert_eq!(framing(&owned).await, "https://a.example.com", "other tokens are as before");
    product.clock.set_offset(700);
    assert_eq!(product.view(token, "").await.refusal().1, "token_expired");
    product.clock.set_offset(0);
    // It is refused where the viewer would be.
    let without = [("action", "preview"), ("policy.region", "locked")];
    let answer = browser.post(&product, EMBED, EMBED, &without).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text.contains("<iframe"));
    // Nor may a key preview that may not create sessions.
    let writer = product.key("member", &["resources:write"]).await;
    let mut writer = Browser::sign_in(&product, &writer).await;
    assert_eq!(writer.post(&product, EMBED, EMBED, &choices).await.status, 403);
    assert!(!writer.get(&product, EMBED).await.text.contains("value=\"preview\""));
}

#[tokio::test]
async fn a_new_access_key_is_shown_once_and_can_be_removed() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    let fields = [
        ("name", "backend"),
        ("role", "member"),
        ("permission", "sessions:create"),
        ("permission", "introspect"),
        ("days", "30"),
    ];
    let made = browser.post(&product, "/console/keys", "/console/keys", &fields).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let key = made.text.split("id=\"new-key\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let listed = product.get("/v1/keys").admin().send().await.json;
    let record = &listed["items"][0];
    assert_eq!(record["permissions"], json!(["sessions:create", "introspect"]));
    let days = (record["expires_at"].as_str().unwrap()).parse::<vitrine::rules::clock::Timestamp>().unwrap();
    assert_eq!((days.since(product.clock.now()) + 30) / 86_400, 30);
    let again = browser.get(&product, "/console/keys").await;
    assert!(!again.text.contains(&key) && again.text.contains("backend"));
    let mut own = Browser::sign_in(&product, &key).await;
    let id = key.split('-').nth(1).unwrap();
    let removed = browser.post(&product, "/console/keys", &format!("/console/keys/{id}/remove"), &[]).await;
    assert_eq!(removed.header("location"), "/console/keys?done=remove");
    assert_eq!(own.get(&product, "/console/keys").await.status, 303, "its sessions end");
    assert_eq!(
        browser.post(&product, "/console/keys", &format!("/console/keys/{id}/remove"), &[]).await.status,
        404
    );
    for fields in [
        &[("name", ""), ("role", "member")][..],
        &[("name", "x"), ("role", "owner")],
        &[("name", "x"), ("role", "member"), ("permission", "everything")],
        &[("name", "x"), ("role", "member"), ("days", "-1")],
        &[("name", "x"), ("role", "member"), ("deployment", "9")],
    ] {
        let answer = browser.post(&product, "/console/keys", "/console/keys", fields).await;
        assert_eq!(answer.status, 400, "{fields:?}");
    }
    assert_eq!(product.get("/v1/keys").admin().send().await.json["items"], json!([]));
}

#[tokio::test]
async fn a_signing_key_is_retired_and_the_one_that_signs_is_not() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    let kid = product.get("/v1/signing-keys").admin().send().await.json["items"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = browser.get(&product, "/console/keys").await;
    assert!(page.text.contains(&kid) && !page.text.contains("Retire…"));
    let path = format!("/console/signing-keys/{kid}/retire");
    let answer = browser.post(&product, "/console/keys", &path, &[("force", "true")]).await;
    assert_eq!(answer.status, 409);
    assert!(!page.text.contains(vitrine_tests::SECRET));
}

#[tokio::test]
async fn a_refused_view_is_explained_by_its_reference() {
    let product = Product::start().await;
    draft(&product, json!({})).await;
    let refused = product.view(&product.sign(json!({"resource": {"dashboard": 1}, "params": {}})), "").await;
    let id = refused.json["request_id"].as_str().unwrap().to_owned();
    product.wait_for_background_tasks().await;
    let mut browser = admin(&product).await;
    let page = browser.get(&product, &format!("/console/refusals?request_id={id}")).await;
    assert_eq!(page.status, 200);
    for text in ["resource_not_published", "What to do", "/console/resources/dashboard/1"] {
        assert!(page.text.contains(text), "{text}");
    }
    for unknown in ["nothing", &"x".repeat(4_000)] {
        let page = browser.get(&product, &format!("/console/refusals?request_id={unknown}")).await;
        assert_eq!(page.status, 404);
        assert!(page.text.contains("There is no record"));
    }
    product.view("not-a-token", "").await;
    product.clock.set_offset(61);
    product.view("not-a-token", "").await;
    product.wait_for_background_tasks().await;
    let page = browser.get(&product, "/console/refusals").await;
    assert!(page.text.contains("token_malformed"));
}

#[tokio::test]
async fn every_page_says_that_embedding_is_switched_off() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    let says = |answer: &Answer| answer.text.contains("Embedding is switched off");
    assert!(!says(&browser.get(&product, "/console").await));
    let body = json!({"value": false});
    product.put("/api/setting/enable-embedding-static", body).admin().send().await;
    for path in ["/console", "/console/keys"] {
        assert!(says(&browser.get(&product, path).await), "{path}");
    }
}

#[tokio::test]
async fn an_error_is_a_page_with_its_status_and_the_request() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    for path in
        ["/console/resources/dashboard/9", "/console/resources/nothing/9", "/console/resources/dashboard/x"]
    {
        let answer = browser.get(&product, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(answer.text.contains(answer.header("x-request-id")), "{path}");
    }
    let token = form_token(&browser.get(&product, "/console/keys").await.text);
    let large = "x".repeat(1_100_000);
    let call = browser.with(form(&product, "/console/keys", &[("csrf_token", &token), ("name", &large)]));
    assert_eq!(call.send().await.status, 413);
}
