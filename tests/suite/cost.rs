//! The DynamoDB requests and units of each step of an embed, as `infra/cost.md` shows them.

use serde_json::json;
use vitrine_tests::{Answer, Call, Product};

use crate::wire::{Units, Wires, wired};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/cost.md");

struct Row {
    step: String,
    asked: String,
    units: Units,
}

/// Collects the rows of the table.
struct Ledger<'a> {
    product: &'a Product,
    wires: &'a Wires,
    rows: Vec<Row>,
}

impl Ledger<'_> {
    async fn step(&mut self, step: &str, call: Call) -> Answer {
        self.product.wait_for_background_tasks().await;
        self.wires.dynamodb.asked();
        self.wires.dynamodb.units();
        let answer = call.send().await;
        self.product.wait_for_background_tasks().await;
        assert!(answer.status.is_success(), "{step}: {} {}", answer.status, answer.text);
        let mut asked = self.wires.dynamodb.asked();
        asked.sort();
        let asked = if asked.is_empty() { "none".to_owned() } else { asked.join(", ") };
        self.rows.push(Row { step: step.to_owned(), asked, units: self.wires.dynamodb.units() });
        answer
    }

    /// One embed of each kind, from the owner's backend to the view.
    async fn embeds(&mut self, pass: &str, key: &str, public_id: &str) {
        let product = self.product;
        let signed = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
        self.step("signed: page", product.get(&format!("/embed/dashboard/{signed}"))).await;
        self.step("signed: view", product.get("/v1/view").bearer(&signed)).await;

        let wanted = json!({"resource": {"dashboard": 1}, "params": {}, "single_use": true});
        let created = self.step("session: create", product.post("/v1/sessions", wanted).bearer(key)).await;
        self.step("session: page", product.get(&format!("/embed/dashboard/{public_id}"))).await;
        let redeem = product.post("/v1/sessions/redeem", json!({"session": created.json["session"]}));
        let redeemed = self.step("session: redeem", redeem).await;
        let token = redeemed.json["token"].as_str().unwrap().to_owned();
        self.step("session: view", product.get("/v1/view").bearer(&token)).await;

        let wanted = json!({"deploymentId": 1, "externalId": format!("user of {pass}")});
        let generate = || product.post("/api/v1/embed/generate-session", wanted.clone()).bearer(key);
        self.step("Cube: create, new user", generate()).await;
        let created = self.step("Cube: create, known user", generate()).await;
        self.step("Cube: page", product.get(&format!("/embed/dashboard/{public_id}"))).await;
        let session = json!({"sessionId": created.json["sessionId"]});
        let redeemed = self.step("Cube: redeem", product.post("/api/v1/embed/session/token", session)).await;
        let token = format!("Embed-Token {}", redeemed.json["token"].as_str().unwrap());
        let path = format!("/api/v1/embed/dashboard/{public_id}");
        self.step("Cube: view", product.get(&path).header("authorization", token)).await;
    }
}

/// Every step without a cache, and then the steps that the cache answers.
async fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (seconds, cached) in [("0", false), ("30", true)] {
        let (product, wires) = wired(&[("ResourceCacheSeconds", seconds)]).await;
        let dashboard = product.publish("dashboard/1", json!({})).await;
        let public_id = dashboard["public_id"].as_str().unwrap();
        let key = product.key("member", &["sessions:create"]).await;
        let mut ledger = Ledger { product: &product, wires: &wires, rows: Vec::new() };
        // The first pass also writes the last-used time of the keys, which happens once a minute.
        ledger.embeds("the first pass", &key, public_id).await;
        ledger.rows.clear();
        let signed = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
        let view = || product.get("/v1/view").bearer(&signed);
        if cached {
            ledger.step("page, cached", product.get(&format!("/embed/dashboard/{signed}"))).await;
            ledger.step("view, cached", view()).await;
        } else {
            ledger.embeds("the second", &key, public_id).await;
            product.clock.set_offset(61);
            ledger.step("view, first in a minute", view()).await;
        }
        rows.extend(ledger.rows);
    }
    rows
}

/// The steps, and the sum of an embed of each kind.
fn tables(rows: &[Row]) -> String {
    let mut text =
        "| step | requests to DynamoDB | read units | write units |\n| --- | --- | ---: | ---: |\n"
            .to_owned();
    for Row { step, asked, units: Units { read, write } } in rows {
        text.push_str(&format!("| {step} | {asked} | {read} | {write} |\n"));
    }
    text.push_str("\n| a whole embed | read units | write units |\n| --- | ---: | ---: |\n");
    for (name, prefix) in [("signed", "signed:"), ("by session", "session:"), ("Cube, known user", "Cube:")] {
        let steps = rows.iter().filter(|row| row.step.starts_with(prefix) && !row.step.ends_with("new user"));
        let (read, write) =
            steps.fold((0.0, 0.0), |sum, row| (sum.0 + row.units.read, sum.1 + row.units.write));
        text.push_str(&format!("| {name} | {read} | {write} |\n"));
    }
    text
}

/// `BLESS=1 cargo test -p vitrine-tests cost` rewrites the tables. The sums below them are redone by hand.
#[tokio::test]
async fn the_cost_page_shows_the_requests_to_dynamodb() {
    const START: &str = "<!-- units: written by tests/suite/cost.rs -->\n\n";
    const END: &str = "\n<!-- end of units -->";
    let table = tables(&rows().await);
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(START).unwrap();
    let (kept, after) = rest.split_once(END).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(PAGE, [before, START, &table, END, after].concat()).unwrap();
    } else {
        assert_eq!(kept, table, "infra/cost.md: BLESS=1 cargo test -p vitrine-tests cost");
    }
}
