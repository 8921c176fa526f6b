//! MotherDuck's calls, as the table in `cases/motherduck.json`: each row is a caller and a request, and what
//! comes of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

use crate::shape::assert_problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// Differing settings.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// What an admin does before: method, path, body. `{0.id}` is the `id` in the answer to the first.
    #[serde(default)]
    before: Vec<(String, String, Option<Value>)>,
    #[serde(default = "admin", rename = "as")]
    caller: String,
    /// Method and path.
    ask: String,
    body: Option<Value>,
    /// A body that is not JSON, or not just any.
    raw: Option<String>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    /// Status, reason, message and issues.
    Refused(u16, String, String, Vec<(String, String)>),
    /// The same without issues.
    RefusedWhole(u16, String, String),
    Answered {
        status: u16,
        /// Members of the answer; `*` is any text.
        #[serde(default)]
        has: Value,
        /// What is nowhere in it.
        #[serde(default)]
        lacks: Vec<String>,
    },
}

fn admin() -> String {
    "admin".to_owned()
}

type Words = BTreeMap<String, String>;

/// Puts words in their places, and `{x*9}` nine times `x`.
fn fill_text(template: &str, words: &Words) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, from)) = rest.split_once('{') {
        let Some((name, after)) = from.split_once('}') else { break };
        text.push_str(before);
        let times = name
            .split_once('*')
            .filter(|(letter, _)| letter.chars().count() == 1)
            .and_then(|(letter, times)| Some(letter.repeat(times.parse().ok()?)));
        match words.get(name).cloned().or(times) {
            Some(word) => {
                text.push_str(&word);
                rest = after;
            }
            None => {
                text.push('{');
                rest = from;
            }
        }
    }
    text + rest
}

fn fill(template: &Value, words: &Words) -> Value {
    match template {
        Value::String(text) => json!(fill_text(text, words)),
        Value::Array(items) => items.iter().map(|item| fill(item, words)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), fill(value, words))).collect())
        }
        other => other.clone(),
    }
}

/// Is all of `expected` in `actual`? Lists have to be as long.
fn holds(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (_, Value::Null) => true,
        (Value::String(text), Value::String(any)) if any == "*" => !text.is_empty(),
        (Value::Object(actual), Value::Object(expected)) => expected.iter().all(|(name, value)| {
            actual.get(name).is_some_and(|actual| actual == value || !value.is_null() && holds(actual, value))
        }),
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && expected.iter().all(|wanted| actual.iter().any(|item| holds(item, wanted)))
        }
        (actual, expected) => actual == expected,
    }
}

fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| [vec![name.as_str()], names(value)].concat()).collect()
        }
        Value::Array(items) => items.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

struct World {
    product: Product,
    words: Words,
    callers: BTreeMap<&'static str, Option<String>>,
}

impl World {
    async fn start(settings: &BTreeMap<String, String>) -> Self {
        let settings: Vec<_> = [("Deployments", "1,2")]
            .into_iter()
            .chain(settings.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .collect();
        let product = Product::start_with(&settings).await;
        let mut world = Self { product, words: Words::new(), callers: BTreeMap::new() };
        world.dives().await;
        world.accounts().await;
        world.callers().await;
        world
    }

    async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let mut call = self.product.request(method.parse().unwrap(), path).admin();
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        answer.json
    }

    async fn dive(&mut self, name: &str, fields: Value) -> Value {
        let mut body =
            json!({"title": name, "content": {"type": "html", "html": "one"}, "enable_embedding": true});
        vitrine_tests::merge(&mut body, fields);
        let dive = self.admin("POST", "/v1/dives", Some(body)).await;
        self.words.insert(name.to_owned(), dive["id"].as_str().unwrap().to_owned());
        dive
    }

    async fn dives(&mut self) {
        let region = json!([{"slug": "region", "name": "Region", "type": "text"}]);
        let bound = json!({"region": {"attribute": "region"}});
        let dive = self.dive("dive", json!({})).await;
        let path = format!("/v1/dives/{}", self.words["dive"]);
        let second =
            json!({"title": "dive", "content": {"type": "html", "html": "two"}, "enable_embedding": true});
        self.admin("PUT", &path, Some(second)).await;
        self.words.insert("DIVE".to_owned(), self.words["dive"].to_uppercase());
        self.words.insert("public".to_owned(), dive["public_id"].as_str().unwrap().to_owned());
        self.dive("unpublished", json!({"enable_embedding": false})).await;
        self.dive("archived", json!({"archived": true})).await;
        self.dive("bound", json!({"parameters": region, "embedding_params": bound})).await;
        self.dive("locked", json!({"parameters": region, "embedding_params": {"region": "locked"}})).await;
        self.dive("removed", json!({})).await;
        self.admin("DELETE", &format!("/v1/dives/{}", self.words["removed"]), None).await;
    }

    async fn accounts(&self) {
        for account in [
            json!({"username": "acme", "attributes": {"region": "emea"}}),
            json!({"username": "Mixed_Case"}),
            json!({"username": "bare"}),
            json!({"username": "bare2"}),
            json!({"username": "hollow_list", "attributes": {"region": []}}),
            json!({"username": "hollow_items", "attributes": {"region": [null, " "]}}),
            json!({"username": "hollow_text", "attributes": {"region": " "}}),
            json!({"username": "hollow_null", "attributes": {"region": null}}),
            json!({"username": "gone"}),
            json!({"username": "boss", "role": "admin"}),
            json!({"username": "worker", "role": "member"}),
            json!({"username": "guest", "role": "restricted"}),
            json!({"username": "demoted", "role": "admin"}),
            json!({"username": "removed", "role": "admin"}),
            json!({"username": "reborn", "role": "admin"}),
        ] {
            self.admin("POST", "/v1/users", Some(account)).await;
        }
        self.admin("DELETE", "/v1/users/gone", None).await;
    }

    async fn token(&self, username: &str, fields: Value) -> (String, String) {
        let mut body = json!({"name": vitrine::random::short_id().unwrap()});
        vitrine_tests::merge(&mut body, fields);
        let token = self.admin("POST", &format!("/v1/users/{username}/tokens"), Some(body)).await;
        (token["token"].as_str().unwrap().to_owned(), token["id"].as_str().unwrap().to_owned())
    }

    async fn callers(&mut self) {
        const ALL: [&str; 4] = ["resources:write", "resources:list", "sessions:create", "introspect"];
        let keys = [
            ("admin key", json!({"role": "admin"})),
            ("admin of deployment 2", json!({"role": "admin", "deployments": [2]})),
            ("member", json!({"role": "member"})),
            ("member with sessions:create", json!({"role": "member", "permissions": ["sessions:create"]})),
            ("member with resources:write", json!({"role": "member", "permissions": ["resources:write"]})),
            ("member with all permissions", json!({"role": "member", "permissions": ALL})),
            ("restricted", json!({"role": "restricted"})),
            (
                "restricted with sessions:create",
                json!({"role": "restricted", "permissions": ["sessions:create"]}),
            ),
        ];
        for (name, mut body) in keys {
            vitrine_tests::merge(&mut body, json!({"name": "a key"}));
            let key = self.admin("POST", "/v1/keys", Some(body)).await;
            self.callers.insert(name, key["key"].as_str().map(str::to_owned));
        }
        for (name, username, fields) in [
            ("account admin", "boss", json!({})),
            ("account member", "worker", json!({})),
            ("account restricted", "guest", json!({})),
            ("account admin, read_scaling", "boss", json!({"token_type": "read_scaling"})),
            ("account admin, demoted", "demoted", json!({})),
            ("account admin, removed", "removed", json!({})),
            ("account admin, removed and made again", "reborn", json!({})),
        ] {
            let token = self.token(username, fields).await.0;
            self.callers.insert(name, Some(token));
        }
        self.product.clock.set_offset(-301);
        let expired = self.token("boss", json!({"ttl": 300})).await.0;
        self.product.clock.set_offset(0);
        self.callers.insert("account admin, expired", Some(expired));
        let (token, id) = self.token("boss", json!({})).await;
        self.admin("DELETE", &format!("/v1/users/boss/tokens/{id}"), None).await;
        self.callers.insert("account admin, token removed", Some(token));
        self.admin("PATCH", "/v1/users/demoted", Some(json!({"role": "member"}))).await;
        self.admin("DELETE", "/v1/users/removed", None).await;
        self.admin("DELETE", "/v1/users/reborn", None).await;
        self.admin("POST", "/v1/users", Some(json!({"username": "reborn", "role": "admin"}))).await;

        let (session, token) = self.session().await;
        let strangers = [
            ("admin", Some(vitrine_tests::ADMIN_KEY.to_owned())),
            ("nobody", None),
            ("a stranger", Some("st-boss-0123456789abcdef01234567-and-so-on".to_owned())),
            ("an embed session", session),
            ("the token in an embed session", token),
        ];
        self.callers.extend(strangers);
    }

    /// A session and the token in it, where they can be had.
    async fn session(&self) -> (Option<String>, Option<String>) {
        let path = format!("/v1/dives/{}/embed-session", self.words["dive"]);
        let made = self.product.post(&path, json!({"username": "acme"})).admin().send().await;
        let session = made.json["session"].as_str().unwrap_or("none").to_owned();
        let token = crate::motherduck_sessions::opened(&session)["token"].as_str().map(str::to_owned);
        (Some(session), token.or_else(|| Some("none".to_owned())))
    }

    async fn ask(&self, row: &Row, words: &Words) -> Answer {
        let (method, path) = row.ask.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let mut call = self.product.request(method, &fill_text(path, words));
        if let Some(key) = &self.callers[row.caller.as_str()] {
            call = call.bearer(key);
        }
        if let Some(body) = &row.body {
            call = call.json(fill(body, words));
        }
        if let Some(raw) = &row.raw {
            call = call.header("content-type", "application/json").body(fill_text(raw, words));
        }
        call.send().await
    }

    /// What went otherwise than expected.
    async fn run(&self, row: &Row, number: usize) -> Option<String> {
        let mut words = self.words.clone();
        words.insert("n".to_owned(), number.to_string());
        for (step, (method, path, body)) in row.before.iter().enumerate() {
            let body = body.as_ref().map(|body| fill(body, &words));
            let done = self.admin(method, &fill_text(path, &words), body).await;
            let members = done.as_object().into_iter().flatten();
            let texts = members.filter_map(|(name, value)| Some((name, value.as_str()?)));
            words.extend(texts.map(|(name, text)| (format!("{step}.{name}"), text.to_owned())));
        }
        let answer = self.ask(row, &words).await;
        if answer.status.as_u16() >= 400 {
            assert_problem(&answer, &row.name);
        }
        let expected = match &row.expect {
            Expected::Answered { status, has, lacks } => {
                let members = names(&answer.json);
                let lacking = lacks.iter().all(|name| !members.contains(&name.as_str()));
                let fits = answer.status.as_u16() == *status && holds(&answer.json, &fill(has, &words));
                return (!fits || !lacking).then(|| format!("{} {:.400}", answer.status, answer.text));
            }
            Expected::RefusedWhole(status, reason, message) => json!([status, reason, message, []]),
            Expected::Refused(status, reason, message, issues) => {
                let mut issues = issues.clone();
                issues.sort();
                json!([status, reason, message, issues])
            }
        };
        let issues = answer.json["issues"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or("(none)").to_owned();
        let mut issues: Vec<_> =
            issues.iter().map(|issue| (text(&issue["path"]), text(&issue["message"]))).collect();
        issues.sort();
        let actual = json!([answer.status.as_u16(), answer.json["reason"], answer.json["message"], issues]);
        (actual != expected).then(|| format!("{actual:.400}, not {expected}"))
    }
}

#[tokio::test]
async fn every_row_of_the_table_is_answered_as_it_says() {
    let table: BTreeMap<String, Vec<Row>> =
        serde_json::from_str(include_str!("../cases/motherduck.json")).unwrap();
    let mut worlds: BTreeMap<&BTreeMap<String, String>, World> = BTreeMap::new();
    let mut wrong = Vec::new();
    let rows = table.iter().flat_map(|(section, rows)| rows.iter().map(move |row| (section, row)));
    for (number, (section, row)) in (1..).zip(rows) {
        let world = match worlds.entry(&row.settings) {
            Entry::Occupied(world) => world.into_mut(),
            Entry::Vacant(place) => place.insert(World::start(&row.settings).await),
        };
        if let Some(difference) = world.run(row, number).await {
            wrong.push(format!("{section} / {}: {difference}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
