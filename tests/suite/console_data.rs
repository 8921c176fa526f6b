//! The console's pages of data: tables, uploads, row policies, versions and sources.

use serde_json::{Value, json};
use vitrine::rules::random;
use vitrine_tests::{ADMIN_KEY, Answer, Product};

use crate::console::{Browser, form, form_token};

const TABLE: &str = "/console/data/tables/orders";
const FILE: &str = "city,amount\nRome,1\nOslo,2\n";

async fn admin(product: &Product) -> Browser {
    Browser::sign_in(product, ADMIN_KEY).await
}

async fn create(product: &Product, browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    browser.post(product, "/console/data", "/console/data", fields).await
}

async fn stored(product: &Product) -> Value {
    product.get("/v1/tables/orders").admin().send().await.json
}

/// Sends a file as the page's script does, and returns the path of the upload.
async fn uploaded(product: &Product, browser: &mut Browser, file: &str) -> String {
    let (size, sum) = (file.len().to_string(), random::fingerprint(file));
    let fields = [("format", "csv"), ("size", size.as_str()), ("sha256", sum.as_str())];
    let answer = browser.post(product, TABLE, &format!("{TABLE}/uploads"), &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let path = answer.json["path"].as_str().unwrap().to_owned();
    let script = browser.get(product, &format!("{path}/send")).await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("cache-control"), "no-store", "it has a credential in it");
    let request = script.text.strip_prefix("const request = ").unwrap().split_once(";\n").unwrap().0;
    let request: Value = serde_json::from_str(request).unwrap();
    // Only this script may connect to the bucket, and to nothing else.
    let url = request["url"].as_str().unwrap();
    let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let policy = script.header("content-security-policy");
    assert!(
        policy.contains(&format!("connect-src {origin};")) && !policy.contains("connect-src 'self'"),
        "{policy}"
    );
    product.services.put_file(&request, file.as_bytes().to_vec()).await.unwrap();
    path
}

async fn imported(product: &Product, browser: &mut Browser, file: &str) {
    let path = uploaded(product, browser, file).await;
    let answer = browser.post(product, &path, &format!("{path}/commit"), &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/console/data/tables/orders?done=import")
    );
}

/// The fields of the form on a table's page.
async fn fields(product: &Product, browser: &mut Browser) -> Vec<(String, String)> {
    let page = browser.get(product, TABLE).await.text;
    let table = stored(product).await;
    let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut all = vec![
        ("csrf_token".to_owned(), form_token(&page)),
        ("action".to_owned(), "save".to_owned()),
        ("revision".to_owned(), revision.to_owned()),
        ("policies".to_owned(), table["row_policies"].to_string()),
    ];
    for column in table["columns"].as_array().unwrap() {
        for (field, name) in [("column", "name"), ("type", "type"), ("about", "description")] {
            all.push((field.to_owned(), column[name].as_str().unwrap_or_default().to_owned()));
        }
    }
    all
}

async fn save(
    product: &Product,
    browser: &Browser,
    fields: &[(String, String)],
    others: &[(&str, &str)],
) -> Answer {
    let replaced = |name: &str| others.iter().any(|(other, _)| *other == name);
    let kept = fields.iter().filter(|(name, _)| !replaced(name) || name == "column");
    let all: Vec<_> =
        kept.map(|(name, value)| (name.as_str(), value.as_str())).chain(others.iter().copied()).collect();
    browser.with(form(product, TABLE, &all)).send().await
}

#[tokio::test]
async fn a_file_becomes_a_table_and_its_columns_are_described() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    let page = browser.get(&product, "/console/data").await;
    assert!(page.text.contains("There is no table yet"));
    for (fields, path) in [
        (&[("table", "Orders")][..], "<code>table</code>"),
        (&[("table", "orders"), ("declared", "city text")], "<code>columns[0]</code>"),
        (&[("table", "orders"), ("declared", "city: words")], "<code>columns[0].type</code>"),
        (&[("table", "orders"), ("location", "a/")], "<code>location</code>"),
    ] {
        let answer = create(&product, &mut browser, fields).await;
        assert_eq!(answer.status, 400, "{fields:?} {}", answer.text);
        assert!(answer.text.contains(path), "{fields:?} {}", answer.text);
        let kept = format!("value=\"{}\"", fields[0].1);
        assert!(answer.text.contains(&kept), "what was entered stays");
    }
    let answer =
        create(&product, &mut browser, &[("table", "orders"), ("description", "All <orders>")]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/console/data/tables/orders?done=create")
    );
    let again = create(&product, &mut browser, &[("table", "orders"), ("description", "Another")]).await;
    assert_eq!(again.status, 409);
    assert_eq!(stored(&product).await["description"], "All <orders>");

    imported(&product, &mut browser, FILE).await;
    let table = stored(&product).await;
    assert_eq!((&table["version"], &table["rows"]), (&json!(1), &json!(2)));
    assert_eq!(table["columns"][1]["type"], "integer");
    let page = browser.get(&product, TABLE).await;
    for part in [
        "All &lt;orders&gt;",
        "value=\"integer\"",
        "id=\"see\" hidden",
        "Uploads need JavaScript",
        "Rows need JavaScript",
    ] {
        assert!(page.text.contains(part), "{part}");
    }
    let form = fields(&product, &mut browser).await;
    let saved = save(&product, &browser, &form, &[("description", "Orders"), ("hidden", "amount")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let table = stored(&product).await;
    assert_eq!((&table["description"], &table["columns"][1]["hidden"]), (&json!("Orders"), &json!(true)));
    assert_eq!(table["columns"][0]["hidden"], false);
}

#[tokio::test]
async fn of_two_tabs_the_second_is_told_and_keeps_what_it_entered() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    create(&product, &mut browser, &[("table", "orders"), ("declared", "city: text")]).await;
    let form = fields(&product, &mut browser).await;
    let first = save(&product, &browser, &form, &[("description", "first")]).await;
    assert_eq!(first.status, 303, "{}", first.text);
    let second = save(&product, &browser, &form, &[("description", "second")]).await;
    assert_eq!(second.status, 409);
    assert!(second.text.contains("value=\"second\""), "{}", second.text);
    assert_eq!(stored(&product).await["description"], "first");
}

#[tokio::test]
async fn problems_of_row_policies_stand_at_their_place() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    create(&product, &mut browser, &[("table", "orders"), ("declared", "city: text")]).await;
    let form = fields(&product, &mut browser).await;
    let wrong = r#"[{"groups": ["*"], "rows": [{"column": "town", "op": "is_null"}]}]"#;
    for (policies, path) in
        [("[", "row_policies"), ("{}", "row_policies"), (wrong, "row_policies[0].rows[0].column")]
    {
        let answer = save(&product, &browser, &form, &[("policies", policies)]).await;
        assert_eq!(answer.status, 400, "{policies}");
        let (_, after) = answer.text.split_once("</textarea>").unwrap();
        assert!(after.contains(&format!("<code>{path}</code>")), "{policies} {}", answer.text);
    }
    assert_eq!(stored(&product).await["row_policies"], json!([]));
    let good = r#"[{"groups": ["*"], "rows": [{"column": "city", "op": "=", "value": "Rome"}]}]"#;
    let answer = save(&product, &browser, &form, &[("policies", good)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(stored(&product).await["row_policies"][0]["rows"][0]["column"], "city");
}

#[tokio::test]
async fn versions_are_rolled_back_and_a_table_removed_after_a_question_that_names_them() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    create(&product, &mut browser, &[("table", "orders")]).await;
    imported(&product, &mut browser, FILE).await;
    imported(&product, &mut browser, "city,amount\nRome,1\n").await;
    let page = browser.get(&product, TABLE).await;
    assert!(page.text.contains("Make version <strong>1</strong> of <strong>orders</strong> with 2 rows"));
    let answer = browser.post(&product, TABLE, TABLE, &[("action", "rollback"), ("version", "1")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(stored(&product).await["version"], 1);
    for version in ["9", "x", ""] {
        let answer =
            browser.post(&product, TABLE, TABLE, &[("action", "rollback"), ("version", version)]).await;
        assert_eq!(answer.status, 404, "{version}");
    }
    assert!(page.text.contains("Remove <strong>orders</strong> with all its versions?"));
    let answer = browser.post(&product, TABLE, TABLE, &[("action", "remove")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console/data?done=remove"));
    assert_eq!(browser.get(&product, TABLE).await.status, 404);
}

#[tokio::test]
async fn a_file_that_cannot_be_imported_is_explained() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    create(&product, &mut browser, &[("table", "orders"), ("declared", "city: text\namount: integer")]).await;
    let path = uploaded(&product, &mut browser, "city,amount\nRome,many\n").await;
    let page = browser.get(&product, &path).await;
    assert!(page.text.contains("is not imported yet"));
    let answer = browser.post(&product, &path, &format!("{path}/commit"), &[]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    for text in [&answer.text, &browser.get(&product, &path).await.text] {
        assert!(text.contains("cannot become a version") && text.contains("Try again"), "{text}");
    }
    assert_eq!(browser.get(&product, &format!("{TABLE}/uploads/nothing")).await.status, 404);
    let fields = [("format", "xml"), ("size", "1"), ("sha256", "x")];
    let refused = browser.post(&product, TABLE, &format!("{TABLE}/uploads"), &fields).await;
    assert_eq!(refused.refusal(), (400, "request_invalid"));
}

#[tokio::test]
async fn a_source_in_use_stays() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    let put = [("name", "lake"), ("place", "s3://lake/sales")];
    let answer = browser.post(&product, "/console/data", "/console/data/sources", &put).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    for wrong in [[("name", "Lake"), ("place", "s3://lake")], [("name", "lake"), ("place", "lake")]] {
        let answer = browser.post(&product, "/console/data", "/console/data/sources", &wrong).await;
        assert_eq!(answer.status, 400, "{wrong:?}");
    }
    let table =
        [("table", "orders"), ("source", "lake"), ("location", "orders/"), ("declared", "city: text")];
    let answer = create(&product, &mut browser, &table).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let answer = browser.post(&product, "/console/data", "/console/data/sources/lake/remove", &[]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text.contains("<code>orders</code> has its files in this source"), "{}", answer.text);
    // Its place stays when the rest is saved.
    let form = fields(&product, &mut browser).await;
    let saved = save(&product, &browser, &form, &[("description", "from the lake")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(stored(&product).await["location"], "orders/");
    browser.post(&product, TABLE, TABLE, &[("action", "remove")]).await;
    let answer = browser.post(&product, "/console/data", "/console/data/sources/lake/remove", &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
}

#[tokio::test]
async fn only_an_admin_of_the_whole_stack_sees_data() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    let mut owner = admin(&product).await;
    create(&product, &mut owner, &[("table", "orders")]).await;
    let scoped = json!({"name": "scoped", "role": "admin", "deployments": [1]});
    let scoped =
        product.post("/v1/keys", scoped).admin().send().await.json["key"].as_str().unwrap().to_owned();
    let member = product.key("member", &["resources:write", "resources:list"]).await;
    for key in [scoped, member] {
        let mut browser = Browser::sign_in(&product, &key).await;
        let home = browser.get(&product, "/console").await;
        assert!(!home.text.contains("href=\"/console/data\""));
        for path in
            ["/console/data", TABLE, &format!("{TABLE}/uploads/x"), &format!("{TABLE}/uploads/x/send")]
        {
            assert_eq!(browser.get(&product, path).await.status, 403, "{path}");
        }
        for path in ["/console/data", "/console/data/sources", "/console/data/sources/x/remove", TABLE] {
            let answer = browser.post(&product, "/console/sessions", path, &[("action", "remove")]).await;
            assert_eq!(answer.status, 403, "{path}");
        }
        for path in ["uploads", "uploads/x/commit"] {
            let answer = browser.post(&product, "/console/sessions", &format!("{TABLE}/{path}"), &[]).await;
            assert_eq!(answer.status, 403, "{path}");
        }
    }
    assert_eq!(stored(&product).await["name"], "orders");
}

#[tokio::test]
async fn an_upload_that_failed_needs_attention_until_another_succeeds() {
    let product = Product::start().await;
    let mut browser = admin(&product).await;
    let declared = "city: text\namount: integer";
    create(&product, &mut browser, &[("table", "orders"), ("declared", declared)]).await;
    let failed = async |browser: &mut Browser| {
        let page = browser.get(&product, "/console/attention").await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text.contains("The last upload to <code>orders</code> failed")
    };
    imported(&product, &mut browser, FILE).await;
    assert!(!failed(&mut browser).await);
    product.clock.set_offset(5);
    let path = uploaded(&product, &mut browser, "city,amount\nRome,many\n").await;
    let answer = browser.post(&product, &path, &format!("{path}/commit"), &[]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(failed(&mut browser).await);
    let page = browser.get(&product, "/console/attention").await.text;
    assert!(page.contains(&format!("href=\"{path}\"")), "{page}");
    product.clock.set_offset(10);
    imported(&product, &mut browser, FILE).await;
    assert!(!failed(&mut browser).await);
}
