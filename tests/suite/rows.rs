//! Runs a dialect's tests from a table: each row is a caller, a request and the expected answer.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Product};

use crate::shape::{assert_problem, predicate};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    name: String,
    /// Settings that differ from the default.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// Requests by an admin before the row's own: method, path, body. `{0.id}` is the `id` in the answer to
    /// the first; a text that is only a placeholder gets the value's own type.
    #[serde(default)]
    before: Vec<(String, String, Option<Value>)>,
    /// A caller by name, or a whole `Authorization` header.
    #[serde(default = "admin", rename = "as")]
    caller: String,
    /// Seconds between the requests in `before` and the row's own.
    #[serde(default)]
    later: i64,
    /// Method and path.
    ask: String,
    body: Option<Value>,
    /// The body as text, for a body that is not JSON or has a special form.
    raw: Option<String>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    /// Status, reason, message and issues: paths, and messages without the names that they begin with.
    Refused(u16, String, String, Vec<(String, String)>),
    /// The same without issues.
    RefusedWhole(u16, String, String),
    Answered {
        status: u16,
        /// Members of the answer; `*` is any text.
        #[serde(default)]
        has: Value,
        /// Texts that do not occur in the answer.
        #[serde(default)]
        lacks: Vec<String>,
    },
}

fn admin() -> String {
    "admin".to_owned()
}

/// The values of the placeholders in a table.
pub type Words = BTreeMap<String, Value>;

/// Replaces the placeholders, and `{x*9}` with nine times `x`.
pub fn fill_text(template: &str, words: &Words) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, from)) = rest.split_once('{') {
        let Some((name, after)) = from.split_once('}') else { break };
        text.push_str(before);
        let times = name
            .split_once('*')
            .filter(|(letter, _)| letter.chars().count() == 1)
            .and_then(|(letter, times)| Some(letter.repeat(times.parse().ok()?)));
        let word = words.get(name).map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned));
        match word.or(times) {
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
        Value::String(text) => {
            let whole = text.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            whole.and_then(|name| words.get(name).cloned()).unwrap_or_else(|| json!(fill_text(text, words)))
        }
        Value::Array(items) => items.iter().map(|item| fill(item, words)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), fill(value, words))).collect())
        }
        other => other.clone(),
    }
}

/// Returns true if all of `expected` is in `actual`. Lists must have the same length.
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

pub struct World {
    pub product: Product,
    pub words: Words,
    pub callers: BTreeMap<&'static str, Option<String>>,
}

/// Collects the members of an answer by their paths: names and list positions, joined by dots.
fn members(value: &Value, path: &str, into: &mut Words) {
    match value {
        Value::Object(all) => {
            all.iter().for_each(|(name, value)| members(value, &format!("{path}.{name}"), into));
        }
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(at, value)| members(value, &format!("{path}.{at}"), into));
        }
        Value::Null => {}
        single => {
            into.insert(path.to_owned(), single.clone());
        }
    }
}

impl World {
    /// An empty product with the settings of the rows over the usual ones.
    pub async fn empty(usual: &[(&str, &str)], settings: &BTreeMap<String, String>) -> Self {
        let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings: Vec<_> = usual.iter().copied().chain(settings).collect();
        let product = Product::start_with(&settings).await;
        let callers = BTreeMap::from([("admin", Some(ADMIN_KEY.to_owned())), ("nobody", None)]);
        Self { product, words: Words::new(), callers }
    }

    pub async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let mut call = self.product.request(method.parse().unwrap(), path).admin();
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        answer.json
    }

    pub fn word(&self, name: &str) -> &str {
        self.words[name].as_str().unwrap()
    }

    /// Creates access keys under the names that rows use.
    pub async fn keys(&mut self, keys: impl IntoIterator<Item = (&'static str, Value)>) {
        for (name, mut body) in keys {
            vitrine_tests::merge(&mut body, json!({"name": "a key"}));
            let key = self.admin("POST", "/v1/keys", Some(body)).await;
            self.callers.insert(name, key["key"].as_str().map(str::to_owned));
        }
    }

    async fn ask(&self, row: &Row, words: &Words) -> Answer {
        let (method, path) = row.ask.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let mut call = self.product.request(method, &fill_text(path, words));
        if row.caller.contains(' ') && !self.callers.contains_key(row.caller.as_str()) {
            call = call.header("authorization", fill_text(&row.caller, words));
        } else if let Some(key) = &self.callers[row.caller.as_str()] {
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

    /// Runs the row and returns the difference from the expected answer.
    async fn run(&self, row: &Row, number: usize) -> Option<String> {
        let mut words = self.words.clone();
        words.insert("n".to_owned(), json!(number.to_string()));
        for (step, (method, path, body)) in row.before.iter().enumerate() {
            let body = body.as_ref().map(|body| fill(body, &words));
            let done = self.admin(method, &fill_text(path, &words), body).await;
            members(&done, &step.to_string(), &mut words);
        }
        self.product.clock.set_offset(row.later);
        let answer = self.ask(row, &words).await;
        self.product.clock.set_offset(0);
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
            Expected::RefusedWhole(status, reason, message) => {
                json!([status, reason, fill_text(message, &words), []])
            }
            Expected::Refused(status, reason, message, issues) => {
                let mut issues = issues.clone();
                issues.sort();
                json!([status, reason, message, issues])
            }
        };
        let issues = answer.json["issues"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or("(none)").to_owned();
        let mut issues: Vec<_> = issues
            .iter()
            .map(|issue| (text(&issue["path"]), text(&issue["message"])))
            .map(|(path, message)| (path.clone(), predicate(&path, &message).to_owned()))
            .collect();
        issues.sort();
        let actual = json!([answer.status.as_u16(), answer.json["reason"], answer.json["message"], issues]);
        (actual != expected).then(|| format!("{actual:.400}, not {expected}"))
    }
}

/// Runs a whole table. Rows with the same settings share a world.
pub async fn run_table(table: &str, start: impl AsyncFn(&BTreeMap<String, String>) -> World) {
    let table: BTreeMap<String, Vec<Row>> = serde_json::from_str(table).unwrap();
    let mut worlds: BTreeMap<&BTreeMap<String, String>, World> = BTreeMap::new();
    let mut wrong = Vec::new();
    let rows = table.iter().flat_map(|(section, rows)| rows.iter().map(move |row| (section, row)));
    for (number, (section, row)) in (1..).zip(rows) {
        let world = match worlds.entry(&row.settings) {
            Entry::Occupied(world) => world.into_mut(),
            Entry::Vacant(place) => place.insert(start(&row.settings).await),
        };
        if let Some(difference) = world.run(row, number).await {
            wrong.push(format!("{section} / {}: {difference}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
