//! Writes are atomic wherever they are interrupted, and a retry completes a write that was left half done.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vitrine_tests::{Call, Product};

use crate::motherduck_sessions::opened;
use crate::wire::{Line, wired};

/// The placeholders of a step: its number, and the members of the answers to earlier steps.
pub type Names = BTreeMap<String, String>;

/// A request: method, path and body, with placeholders in braces.
pub struct Step(pub &'static str, pub &'static str, pub Value);

fn filled(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

pub fn call(product: &Product, Step(method, path, body): &Step, names: &Names) -> Call {
    let call = product.request(method.parse().unwrap(), &filled(path, names)).admin();
    let body = filled(&body.to_string().replace("\"{n}\"", "{n}"), names);
    if body == "null" { call } else { call.json(serde_json::from_str(&body).unwrap()) }
}

/// Runs the steps, all of which must succeed.
pub async fn prepare(product: &Product, number: usize, steps: &[Step]) -> Names {
    let mut names = Names::from([("n".to_owned(), number.to_string())]);
    for step in steps {
        let answer = call(product, step, &names).send().await;
        assert!(answer.status.is_success(), "{} {}: {}", step.0, step.1, answer.text);
        for (name, value) in answer.json.as_object().into_iter().flatten() {
            match value {
                Value::String(text) => names.insert(name.clone(), text.clone()),
                Value::Number(number) => names.insert(name.clone(), number.to_string()),
                _ => None,
            };
        }
        if let Some(Value::String(token)) =
            names.get("session").map(|session| opened(session)["token"].clone())
        {
            names.insert("token".to_owned(), token);
        }
    }
    names
}

/// The number of items of each shape, without regard to their ids.
type State = BTreeMap<String, i64>;

async fn state(product: &Product) -> State {
    let mut state = State::new();
    for item in product.table().await {
        let kind = item["pk"].split('#').next().unwrap();
        // Numbers may be skipped, and background tasks write the last use of keys.
        if item.contains_key("last") || kind == "signing-key" {
            continue;
        }
        let flagged = |(name, value): (&String, &String)| match value.as_str() {
            "true" | "false" => format!("{name}={value}"),
            _ => name.clone(),
        };
        let shape: Vec<_> = item.iter().map(flagged).collect();
        *state.entry(format!("{kind}: {}", shape.join(" "))).or_default() += 1;
        for counted in ["user_count", "changes", "revision"] {
            if let Some(count) = item.get(counted) {
                *state.entry(format!("{kind}: {counted}")).or_default() += count.parse::<i64>().unwrap();
            }
        }
    }
    state
}

async fn change_since(before: &State, product: &Product) -> State {
    let mut change = state(product).await;
    for (name, count) in before {
        *change.entry(name.clone()).or_default() -= count;
    }
    change.retain(|_, count| *count != 0);
    change
}

struct Write {
    case: &'static str,
    before: Vec<Step>,
    write: Step,
    /// The write takes more than one transaction, and a retry completes it.
    in_steps: bool,
}

fn write(case: &'static str, before: Vec<Step>, write: Step) -> Write {
    Write { case, before, write, in_steps: false }
}

fn in_steps(case: &'static str, before: Vec<Step>, write: Step) -> Write {
    Write { case, before, write, in_steps: true }
}

/// Interrupts each write before each of its requests, and before the answer to each request that writes.
async fn interrupt_everywhere(writes: Vec<Write>) {
    let mut number = 1_000;
    for Write { case, before: steps, write, in_steps } in &writes {
        let (product, wires) = wired(&[]).await;
        // The counter of users exists after the first user.
        prepare(
            &product,
            0,
            &[Step("POST", "/api/v1/embed-tenants/acme/user", json!({"externalId": "first"}))],
        )
        .await;
        number += 1;
        let names = prepare(&product, number, steps).await;
        let before = state(&product).await;
        wires.dynamodb.asked();
        let first = call(&product, write, &names).send().await;
        let asked = wires.dynamodb.asked();
        assert!(first.status.is_success(), "{case}: {}", first.text);
        let once = change_since(&before, &product).await;
        assert!(!once.is_empty(), "{case}: no write");
        let second = call(&product, write, &names).send().await;
        let twice = change_since(&before, &product).await;

        let writes = |asked: &str| !["GetItem", "Query", "BatchGetItem"].contains(&asked);
        // One of several equal reads is enough.
        let is_new =
            |place: &usize| writes(&asked[*place]) || *place == 0 || asked[*place] != asked[*place - 1];
        let mut lines: Vec<_> = (0..asked.len()).filter(is_new).map(Line::CutAfter).collect();
        let lost = (1..).zip(&asked).filter(|(_, asked)| writes(asked));
        lines.extend(lost.map(|(passed, _)| Line::LostAfter(passed)));
        assert!(lines.iter().any(|line| matches!(line, Line::LostAfter(_))), "{case}: {asked:?}");
        for line in lines {
            number += 1;
            let names = prepare(&product, number, steps).await;
            let before = state(&product).await;
            wires.dynamodb.set(line.clone());
            let answer = call(&product, write, &names).send().await;
            wires.dynamodb.set(Line::Through);
            let between = change_since(&before, &product).await;
            let case = format!("{case}, {line:?} of {asked:?}");
            let is_done = between == once;
            if answer.status.is_success() {
                assert!(is_done || *in_steps, "{case}: success without the change: {between:?}");
            } else {
                assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{case}");
            }
            assert!(
                between.is_empty() || is_done || *in_steps,
                "{case}: neither the old state nor the new one: {between:?}"
            );
            let again = call(&product, write, &names).send().await;
            let after = change_since(&before, &product).await;
            if *in_steps {
                assert!(after == once || after == twice, "{case}: not completed: {after:?}, not {once:?}");
            } else if is_done {
                assert_eq!((again.status, &after), (second.status, &twice), "{case}: {}", again.text);
            } else {
                assert_eq!((again.status, &after), (first.status, &once), "{case}: {}", again.text);
            }
        }
    }
}

fn dashboard() -> Step {
    Step("PUT", "/v1/resources/dashboard/{n}", json!({"title": "T", "enable_embedding": true}))
}

fn html(text: &str) -> Value {
    json!({"title": "T", "enable_embedding": true, "content": {"type": "html", "html": text}})
}

fn dive() -> Step {
    Step("POST", "/v1/dives", html("first"))
}

fn delete(path: &'static str) -> Step {
    Step("DELETE", path, Value::Null)
}

#[tokio::test]
async fn writes_of_resources_and_their_sessions_are_atomic() {
    let single = |single_use: bool| {
        let body = json!({"resource": {"dashboard": 1_000_000}, "single_use": single_use});
        let published = json!({"title": "T", "enable_embedding": true});
        vec![Step("PUT", "/v1/resources/dashboard/1000000", published), Step("POST", "/v1/sessions", body)]
    };
    let mut new_session = single(true);
    let session = new_session.pop().unwrap();
    let shown = json!({"session": "{session}"});
    interrupt_everywhere(vec![
        write("a new resource", vec![], dashboard()),
        write(
            "replacing a resource",
            vec![dashboard()],
            Step("PUT", "/v1/resources/dashboard/{n}", json!({"title": "U", "enable_embedding": false})),
        ),
        write(
            "a new version of a dashboard",
            vec![dashboard()],
            Step("PUT", "/v1/resources/dashboard/{n}", html("second")),
        ),
        in_steps("a resource's removal", vec![dashboard()], delete("/v1/resources/dashboard/{n}")),
        write(
            "publishing by Metabase's route",
            vec![Step("PUT", "/v1/resources/question/{n}", json!({"title": "T"}))],
            Step("PUT", "/api/card/{n}", json!({"enable_embedding": true})),
        ),
        write("a new dive", vec![], dive()),
        write("a new version", vec![dive()], Step("PUT", "/v1/dives/{id}", html("second"))),
        in_steps(
            "a dive's removal",
            vec![dive(), Step("PUT", "/v1/dives/{id}", html("second"))],
            delete("/v1/dives/{id}"),
        ),
        write("a session", new_session, session),
        write("an exchange", single(true), Step("POST", "/v1/sessions/redeem", shown.clone())),
        write("a session's revocation", single(true), Step("POST", "/v1/sessions/revoke", shown.clone())),
        write("a token's revocation", single(false), Step("POST", "/v1/sessions/revoke", shown)),
        write(
            "the switch",
            vec![Step("PUT", "/api/setting/enable-embedding-static", json!({"value": true}))],
            Step("PUT", "/api/setting/enable-embedding-static", json!({"value": false})),
        ),
    ])
    .await;
}

fn account() -> Step {
    Step("POST", "/v1/users", json!({"username": "user{n}"}))
}

#[tokio::test]
async fn writes_of_keys_accounts_and_definitions_are_atomic() {
    let token = || Step("POST", "/v1/users/user{n}/tokens", json!({"name": "nightly"}));
    let attribute = || Step("POST", "/v1/attributes", json!({"name": "a{n}", "type": "string"}));
    let group = || Step("POST", "/v1/groups", json!({"name": "g{n}"}));
    let key = || Step("POST", "/v1/keys", json!({"name": "k", "role": "admin"}));
    interrupt_everywhere(vec![
        write("a key", vec![], key()),
        write("a key's removal", vec![key()], delete("/v1/keys/{id}")),
        write("an account", vec![], account()),
        write(
            "changing an account",
            vec![account()],
            Step("PATCH", "/v1/users/user{n}", json!({"role": "admin"})),
        ),
        in_steps("an account's removal", vec![account(), token()], delete("/v1/users/user{n}")),
        write("a token of an account", vec![account()], token()),
        write(
            "an account token's removal",
            vec![account(), token()],
            delete("/v1/users/user{n}/tokens/{id}"),
        ),
        in_steps(
            "a session with an initial state",
            vec![account(), dive()],
            Step(
                "POST",
                "/v1/dives/{id}/embed-session",
                json!({"username": "user{n}", "initial_state": {"tab": 1}}),
            ),
        ),
        write("an attribute", vec![], attribute()),
        write("an attribute's removal", vec![attribute()], delete("/v1/attributes/a{n}")),
        write("a group", vec![], group()),
        write("a group's removal", vec![group()], delete("/v1/groups/g{n}")),
    ])
    .await;
}

fn generate(groups: Value) -> Step {
    let body = json!({
        "deploymentId": 1, "externalId": "user{n}", "embedTenantName": "tenant{n}", "creatorMode": true,
        "tenantGroupDefinitions": [{"name": "team"}], "tenantGroups": groups,
    });
    Step("POST", "/api/v1/embed/generate-session", body)
}

#[tokio::test]
async fn writes_of_external_users_and_their_sessions_are_atomic() {
    let user = || Step("POST", "/api/v1/embed-tenants/tenant{n}/user", json!({"externalId": "user{n}"}));
    let session = || json!({"sessionId": "{sessionId}"});
    interrupt_everywhere(vec![
        write("a session of a new user in a new tenant", vec![], generate(json!(["team"]))),
        write("a user who leaves a group", vec![generate(json!(["team"]))], generate(json!([]))),
        write(
            "an exchange",
            vec![generate(json!([]))],
            Step("POST", "/api/v1/embed/session/token", session()),
        ),
        write(
            "a revocation",
            vec![generate(json!([]))],
            Step("POST", "/api/v1/embed/session/revoke", session()),
        ),
        write("a user", vec![], user()),
        write("a user's removal", vec![user()], delete("/v1/external-users/{id}")),
    ])
    .await;
}

#[tokio::test]
async fn writes_of_tenants_and_their_groups_are_atomic() {
    let group = || Step("POST", "/api/v1/embed-tenants/tenant{n}/groups", json!({"name": "team"}));
    let members = || json!({"members": [{"externalId": "ann{n}"}, {"externalId": "bob{n}"}]});
    let add = || Step("POST", "/api/v1/embed-tenants/tenant{n}/groups/{id}/users", members());
    interrupt_everywhere(vec![
        write("a group in a new tenant", vec![], group()),
        write(
            "a tenant group's removal",
            vec![group()],
            delete("/api/v1/embed-tenants/tenant{n}/groups/{id}"),
        ),
        in_steps("members", vec![group()], add()),
        in_steps(
            "removing members",
            vec![group(), add()],
            Step("DELETE", "/api/v1/embed-tenants/tenant{n}/groups/{id}/users", members()),
        ),
        in_steps(
            "many users",
            vec![],
            Step(
                "POST",
                "/api/v1/embed-tenants/tenant{n}/users",
                json!({"users": [{"externalId": "ann{n}"}, {"externalId": "bob{n}"}]}),
            ),
        ),
        in_steps(
            "a tenant's removal",
            vec![generate(json!(["team"]))],
            delete("/api/v1/embed-tenants/tenant{n}"),
        ),
    ])
    .await;
}
