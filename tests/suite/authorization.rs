//! The authorization matrix: every operation of the API description, called with every kind of credential. The
//! expectations follow from the description, so a new route is covered as soon as it is described.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vitrine_tests::description::{document, operations, takes};
use vitrine_tests::{ADMIN_KEY, Answer, Product, SECRET, schema};

/// The abilities of an access key.
#[derive(Debug, Clone, Default)]
struct Abilities {
    is_admin: bool,
    is_scoped: bool,
    permissions: Vec<&'static str>,
}

impl Abilities {
    /// Returns whether they meet the scopes that an operation names.
    fn meet(&self, scopes: &[&str]) -> bool {
        scopes.iter().all(|scope| match *scope {
            "admin" => self.is_admin,
            "admin:stack" => self.is_admin && !self.is_scoped,
            permission => self.is_admin || self.permissions.contains(&permission),
        })
    }
}

#[derive(Debug, Clone)]
enum Kind {
    Nothing,
    /// An access key, or the token of a service account.
    Key(Abilities),
    /// A valid token that may change nothing.
    ReadOnly,
    /// An embed token.
    Embed,
    /// Anything else: unknown, expired, deleted, or of another use.
    Useless,
}

struct Credential {
    name: &'static str,
    kind: Kind,
    text: String,
}

/// The beginning of a credential that is a session of an access key, and has a header of its own.
const SESSION: &str = "session ";
const SIGN_IN: &str = "/api/session";

/// The reasons of refusals because of an access key.
const KEY_REASONS: [&str; 3] = ["access_key_missing", "access_key_unknown", "access_denied"];

/// The scopes of each way to be let in: none needs nothing, `embed_token` has none.
fn alternatives<'a>(operation: &'a Value, scheme: &str) -> Option<Vec<&'a str>> {
    let mut all = operation["security"].as_array().unwrap().iter();
    let scopes = all.find_map(|named| named.get(scheme)).and_then(Value::as_array)?;
    Some(scopes.iter().filter_map(Value::as_str).collect())
}

/// The fault in an answer to a credential, if there is one. `anonymous` is the answer to the same request without one.
fn fault(operation: &Value, kind: &Kind, answer: (u16, &str), anonymous: (u16, &str)) -> Option<String> {
    let (status, reason) = answer;
    let is_let_in = status < 500 && !KEY_REASONS.contains(&reason) && !reason.starts_with("token_");
    let is_no_token =
        [400, 401].contains(&status) && (reason.starts_with("token_") || reason == "access_key_as_token");
    let key_scopes = alternatives(operation, "access_key");
    let takes_token = takes(operation, "embed_token");
    let is_open = operation["security"].as_array().unwrap().contains(&json!({}));
    let expected = match (kind, key_scopes) {
        // A credential that is not asked for makes no difference.
        (_, None) if is_open => answer == anonymous && status < 500 && !KEY_REASONS.contains(&reason),
        (Kind::Nothing, _) if is_open => is_let_in,
        (Kind::Nothing, Some(_)) if !takes_token => answer == (401, "access_key_missing"),
        (Kind::Nothing, _) => answer == (401, "token_missing"),
        // The reach of a scoped key depends on the object, and is tested below.
        (Kind::Key(able), Some(scopes)) if able.meet(&scopes) && able.is_scoped => {
            status < 500 && status != 401
        }
        (Kind::Key(able), Some(scopes)) if able.meet(&scopes) => is_let_in,
        (Kind::Key(_) | Kind::ReadOnly, Some(_)) if !takes_token => answer == (403, "access_denied"),
        (Kind::Embed, _) if takes_token => is_let_in,
        (Kind::Embed | Kind::Useless, Some(_)) if !takes_token => answer == (401, "access_key_unknown"),
        (Kind::ReadOnly, Some(_)) => answer == (403, "access_denied") || is_no_token,
        _ => is_no_token,
    };
    (!expected).then(|| format!("{status} {reason}"))
}

/// Values for the parameters of paths.
type Examples = BTreeMap<(&'static str, &'static str), String>;

/// Writes example values into a path. The error is the parameter that has none: a new route needs an entry.
fn fill(path: &str, examples: &Examples) -> Result<String, String> {
    let mut filled = path.to_owned();
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let known = examples.iter().filter(|((start, known), _)| *known == name && path.starts_with(start));
        let value = known.max_by_key(|((start, _), _)| start.len()).map(|(_, value)| value);
        let value = value.ok_or_else(|| format!("{path} has no example of {name}"))?;
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    Ok(filled)
}

/// A product with two deployments and something of every kind in the first.
pub struct Filled {
    product: Product,
    examples: Examples,
    bodies: BTreeMap<&'static str, Value>,
}

pub async fn filled() -> Filled {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    let ask = async |method: &str, path: &str, body: Value| {
        let call = product.request(method.parse().unwrap(), path).json(body).admin().send().await;
        assert!(call.status.is_success(), "{path}: {}", call.text);
        call.json
    };
    let region = json!([{"slug": "region", "name": "MARK", "type": "text", "values": [["MARK"]]}]);
    let fields = json!({
        "title": "MARK", "content": {"type": "html", "html": "MARK"}, "parameters": region,
        "embedding_params": {"region": "enabled"}, "enable_embedding": true,
    });
    let dashboard = ask("PUT", "/v1/resources/dashboard/1", fields.clone()).await;
    ask("PUT", "/v1/resources/question/1", fields.clone()).await;
    let dive = ask("POST", "/v1/dives", fields).await;
    let key = ask("POST", "/v1/keys", json!({"name": "MARK", "role": "admin"})).await;
    ask("POST", "/v1/users", json!({"username": "acme"})).await;
    let user = json!({"externalId": "mark"});
    let user = ask("POST", "/api/v1/embed-tenants/acme/user", user).await;
    let team = ask("POST", "/api/v1/embed-tenants/acme/groups", json!({"name": "MARK"})).await;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let owned = product.sign(json!({
        "resource": {"dashboard": 1}, "params": {}, "_embedding_params": {"region": "enabled"},
    }));
    let examples = [
        ("", "kind", "dashboard".to_owned()),
        ("", "token", owned.clone()),
        ("", "key", "region".to_owned()),
        ("", "prefix", "m".to_owned()),
        ("", "tenant", "acme".to_owned()),
        ("", "username", "acme".to_owned()),
        ("", "deployment", "1".to_owned()),
        ("", "credential", owned.clone()),
        ("", "file", "embed.css".to_owned()),
        ("", "kid", "none".to_owned()),
        ("", "request_id", "none".to_owned()),
        ("", "handle", "none".to_owned()),
        ("", "version", "1".to_owned()),
        ("", "source", "none".to_owned()),
        ("", "table", "none".to_owned()),
        ("", "upload", "none".to_owned()),
        ("", "session", "none".to_owned()),
        ("", "public_id", text(&dashboard["public_id"])),
        ("/v1/resources/", "id", "1".to_owned()),
        ("/v1/view/", "id", "1".to_owned()),
        ("/v1/dives/", "id", text(&dive["id"])),
        ("/v1/keys/", "id", text(&key["id"])),
        ("/v1/users/", "id", "none".to_owned()),
        ("/v1/external-users/", "id", text(&user["id"])),
        ("/v1/attributes/", "name", "none".to_owned()),
        ("/v1/groups/", "name", "none".to_owned()),
        ("/api/v1/embed-tenants/", "id", text(&team["id"])),
        ("/api/card/", "id", "1".to_owned()),
        ("/api/database/", "id", "1".to_owned()),
        ("/api/table/", "id", "1".to_owned()),
        ("/api/field/", "id", "10001".to_owned()),
        ("", "format", "csv".to_owned()),
        ("", "dashcard", "1".to_owned()),
        ("", "card", "1".to_owned()),
        ("/api/dashboard/", "id", "1".to_owned()),
        ("/api/collection/", "id", "root".to_owned()),
    ];
    // Bodies that reach something; any other is the smallest one that the description allows.
    let bodies = [
        ("/v1/sessions", json!({"resource": {"dashboard": 1}})),
        ("/v1/dives/{id}/embed-session", json!({"username": "acme"})),
        ("/api/v1/embed/generate-session", json!({"deploymentId": 1, "externalId": "mark"})),
        ("/v1/introspect", json!({"token": owned})),
        (SIGN_IN, json!({"username": "owner", "password": ADMIN_KEY})),
        ("/api/dataset", json!({"native": {"query": "select 1"}})),
        ("/api/dataset/{format}", json!({"query": {"native": {"query": "select 1"}}})),
        // Another secret would end the tokens that the other calls need.
        ("/api/setting/embedding-secret-key", json!({"value": "none"})),
    ];
    Filled {
        examples: examples.into_iter().map(|(start, name, value)| ((start, name), value)).collect(),
        bodies: bodies.into(),
        product,
    }
}

impl Filled {
    /// The embed token of the dashboard.
    pub fn token(&self) -> &str {
        &self.examples[&("", "token")]
    }

    /// Sends a body to a path with example values, as an admin or without a credential.
    pub async fn send(&self, method: &str, path: &str, body: &Value, as_admin: bool) -> Answer {
        let filled = fill(path, &self.examples).unwrap();
        let call = self.product.request(method.to_uppercase().parse().unwrap(), &filled);
        let call = if body.is_null() { call } else { call.json(body.clone()) };
        let call = if as_admin { call.admin() } else { call };
        call.send().await
    }

    async fn key(&self, fields: Value) -> Value {
        let mut body = json!({"name": "a key"});
        vitrine_tests::merge(&mut body, fields);
        let made = self.product.post("/v1/keys", body).admin().send().await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json
    }

    /// Calls an operation with its smallest body.
    async fn call(&self, method: &str, path: &str, operation: &Value, credential: &str) -> Answer {
        let filled = fill(path, &self.examples).unwrap();
        let mut call = self.product.request(method.to_uppercase().parse().unwrap(), &filled);
        let content = operation.pointer("/requestBody/content/application~1json/schema");
        if let Some(schema) = content {
            let known = self.bodies.get(path).cloned();
            call = call.json(known.unwrap_or_else(|| schema::sample(document(), schema)));
        }
        match credential.strip_prefix(SESSION) {
            Some(session) => call.header("x-metabase-session", session).send().await,
            None if credential.is_empty() => call.send().await,
            None => call.bearer(credential).send().await,
        }
    }

    /// A session of an access key.
    async fn session(&self, key: &str) -> String {
        let credentials = json!({"username": "owner", "password": key});
        let made = self.product.post(SIGN_IN, credentials).send().await;
        format!("{SESSION}{}", made.json["id"].as_str().unwrap())
    }

    async fn account_token(&self, role: &str, token_type: &str, name: &str) -> String {
        let product = &self.product;
        product.post("/v1/users", json!({"username": name, "role": role})).admin().send().await;
        let path = format!("/v1/users/{name}/tokens");
        let made = product.post(&path, json!({"name": "t", "token_type": token_type})).admin().send().await;
        made.json["token"].as_str().unwrap().to_owned()
    }

    /// One credential of every kind.
    async fn credentials(&self) -> Vec<Credential> {
        const ALL: [&str; 4] = ["resources:write", "resources:list", "sessions:create", "introspect"];
        let product = &self.product;
        let text = |key: &Value| key["key"].as_str().unwrap().to_owned();
        let moment = product.clock.now().plus(60).to_string();
        let expired = text(&self.key(json!({"role": "admin", "expires_at": moment})).await);
        let deleted = self.key(json!({"role": "admin"})).await;
        let path = format!("/v1/keys/{}", deleted["id"].as_str().unwrap());
        assert_eq!(product.delete(&path).admin().send().await.status, 204);
        let gone_account = self.account_token("admin", "read_write", "gone").await;
        assert_eq!(product.delete("/v1/users/gone").admin().send().await.status, 204);
        product.clock.set_offset(61);

        let session = json!({"deploymentId": 1, "externalId": "viewer"});
        let session = product.post("/api/v1/embed/generate-session", session).admin().send().await.json;
        let name = json!({"sessionId": session["sessionId"]});
        let cube = product.post("/api/v1/embed/session/token", name).send().await.json;
        let single = json!({"resource": {"dashboard": 1}, "single_use": true});
        let single = product.post("/v1/sessions", single).admin().send().await.json;
        let minted = json!({"resource": {"dashboard": 1}});
        let minted = product.post("/v1/sessions", minted).admin().send().await.json;

        let admin = || Abilities { is_admin: true, ..Abilities::default() };
        let key = |name, text: String, abilities| Credential { name, text, kind: Kind::Key(abilities) };
        let useless = |name, text: String| Credential { name, text, kind: Kind::Useless };
        let embed = |name, text: &Value| Credential {
            name,
            text: text.as_str().unwrap().to_owned(),
            kind: Kind::Embed,
        };
        let scoped = text(&self.key(json!({"role": "admin", "deployments": [2]})).await);
        let ended = self.session(ADMIN_KEY).await;
        let sign_out = product.delete(SIGN_IN).header("x-metabase-session", &ended[SESSION.len()..]);
        assert_eq!(sign_out.send().await.status, 204);
        let weak_scoped = json!({"role": "member", "permissions": ALL, "deployments": [2]});
        let mut all = vec![
            Credential { name: "none", text: String::new(), kind: Kind::Nothing },
            key("the admin key", ADMIN_KEY.to_owned(), admin()),
            key("an admin's key", text(&self.key(json!({"role": "admin"})).await), admin()),
            key("an admin of deployment 2", scoped.clone(), Abilities { is_scoped: true, ..admin() }),
            key("a session", self.session(ADMIN_KEY).await, admin()),
            key(
                "a session of deployment 2",
                self.session(&scoped).await,
                Abilities { is_scoped: true, ..admin() },
            ),
            useless("an ended session", ended),
            key("no permission", text(&self.key(json!({"role": "restricted"})).await), Abilities::default()),
            key(
                "every permission in deployment 2",
                text(&self.key(weak_scoped).await),
                Abilities { is_scoped: true, permissions: ALL.to_vec(), ..Abilities::default() },
            ),
            key(
                "a member account",
                self.account_token("member", "read_write", "member").await,
                Abilities::default(),
            ),
            key("an admin account", self.account_token("admin", "read_write", "chief").await, admin()),
            Credential {
                name: "a read-scaling token",
                text: self.account_token("admin", "read_scaling", "reader").await,
                kind: Kind::ReadOnly,
            },
            embed(
                "a signed token",
                &json!(product.sign(json!({"resource": {"dashboard": 1}, "params": {}}))),
            ),
            embed("a minted token", &minted["session"]),
            embed("a token of a session", &cube["token"]),
            useless("a single-use session", single["session"].as_str().unwrap().to_owned()),
            useless("the embedding secret", SECRET.to_owned()),
            useless("an unknown key", format!("sk-aB3dE6gH9jK2-{}", "x".repeat(43))),
            useless("garbage", "garbage".to_owned()),
            useless("an expired key", expired),
            useless("a deleted key", text(&deleted)),
            useless("a deleted account", gone_account),
        ];
        for permission in ALL {
            let only = json!({"role": "restricted", "permissions": [permission]});
            let abilities = Abilities { permissions: vec![permission], ..Abilities::default() };
            all.push(key(permission, text(&self.key(only).await), abilities));
        }
        all
    }
}

#[tokio::test]
async fn every_operation_takes_exactly_the_credentials_that_its_description_names() {
    let filled = filled().await;
    let mut faults = Vec::new();
    let mut all: Vec<_> = operations(document()).collect();
    // A session ends with its sign-out.
    all.sort_by_key(|(method, path, _)| (*method, *path) == ("delete", SIGN_IN));
    for credential in filled.credentials().await {
        for (method, path, operation) in all.iter().copied() {
            // The refused are called first: a granted request may end what another one needs.
            let anonymous = filled.call(method, path, operation, "").await;
            let answer = filled.call(method, path, operation, &credential.text).await;
            if let Some(fault) = fault(operation, &credential.kind, answer.refusal(), anonymous.refusal()) {
                faults.push(format!("{method} {path} with {}: {fault}", credential.name));
            }
        }
    }
    assert_eq!(faults, [""; 0]);
}

#[test]
fn an_operation_that_grants_too_much_or_too_little_is_noticed() {
    let weak = Kind::Key(Abilities::default());
    let admin = Kind::Key(Abilities { is_admin: true, ..Abilities::default() });
    let scoped = Kind::Key(Abilities { is_admin: true, is_scoped: true, permissions: Vec::new() });
    let list = Kind::Key(Abilities { permissions: vec!["resources:list"], ..Abilities::default() });
    let keyed = |scopes: Value| json!({"security": [{"access_key": scopes}]});
    let (open, embed) = (json!({"security": [{}]}), json!({"security": [{"embed_token": []}]}));
    let either = json!({"security": [{"embed_token": []}, {"access_key": []}]});
    let optional = json!({"security": [{}, {"access_key": []}]});
    const MISSING: (u16, &str) = (401, "access_key_missing");
    let (granted, denied) = ((200, "(none)"), (403, "access_denied"));
    let unknown = (401, "access_key_unknown");
    for (operation, kind, good, bad) in [
        (keyed(json!(["admin"])), &Kind::Nothing, MISSING, granted),
        (keyed(json!(["admin"])), &weak, denied, granted),
        (keyed(json!(["admin"])), &admin, granted, denied),
        (keyed(json!(["admin"])), &scoped, (404, "resource_not_found"), (500, "internal")),
        (keyed(json!(["admin:stack"])), &scoped, denied, granted),
        (keyed(json!(["resources:list"])), &list, granted, unknown),
        (keyed(json!(["resources:write"])), &list, denied, granted),
        (keyed(json!([])), &weak, granted, denied),
        (keyed(json!([])), &Kind::ReadOnly, denied, granted),
        (keyed(json!([])), &Kind::Embed, unknown, granted),
        (keyed(json!([])), &Kind::Useless, unknown, denied),
        (embed.clone(), &Kind::Nothing, (401, "token_missing"), granted),
        (embed.clone(), &admin, (400, "token_malformed"), granted),
        (embed, &Kind::Embed, granted, (401, "token_signature")),
        (either.clone(), &Kind::Nothing, (401, "token_missing"), granted),
        (either.clone(), &weak, granted, denied),
        (either.clone(), &Kind::Embed, granted, unknown),
        (either, &Kind::Useless, (400, "token_malformed"), granted),
        (optional.clone(), &Kind::Nothing, granted, MISSING),
        (optional.clone(), &weak, granted, denied),
        (optional, &Kind::Useless, unknown, granted),
        (open.clone(), &admin, granted, MISSING),
        (open, &Kind::Useless, granted, unknown),
    ] {
        assert_eq!(fault(&operation, kind, good, granted), None, "{operation} {kind:?}");
        assert!(fault(&operation, kind, bad, granted).is_some(), "{operation} {kind:?}");
    }
}

#[test]
fn a_route_without_an_example_is_noticed() {
    let examples =
        Examples::from([(("", "kind"), "dashboard".to_owned()), (("/v1/dives/", "id"), "d".to_owned())]);
    assert_eq!(fill("/v1/dives/{id}", &examples).unwrap(), "/v1/dives/d");
    assert_eq!(fill("/v1/new/{id}", &examples).unwrap_err(), "/v1/new/{id} has no example of id");
}

/// Everything that exists is in the first deployment, and says MARK wherever text can stand.
#[tokio::test]
async fn a_key_of_another_deployment_reads_and_changes_nothing() {
    let filled = filled().await;
    let state = async || {
        let mut state = Vec::new();
        for path in ["/v1/resources/dashboard/{public_id}", "/api/card/{id}", "/v1/dives/{id}", "/v1/keys"] {
            let path = fill(path, &filled.examples).unwrap();
            let read = filled.product.get(&path).admin().send().await;
            assert_eq!(read.status, 200, "{path}");
            state.push(read.text);
        }
        state
    };
    let permissions = ["resources:write", "resources:list", "sessions:create", "introspect"];
    for fields in [json!({"role": "admin"}), json!({"role": "member", "permissions": permissions})] {
        let mut fields = fields;
        vitrine_tests::merge(&mut fields, json!({"deployments": [2]}));
        let key = filled.key(fields).await["key"].as_str().unwrap().to_owned();
        let mut faults = Vec::new();
        let before = state().await;
        for (method, path, operation) in
            operations(document()).filter(|(_, _, found)| takes(found, "access_key"))
        {
            let creates = method == "post" && !path.contains('{');
            let answer = filled.call(method, path, operation, &key).await;
            // The root collection is everybody's; its items are those in the caller's scope.
            let names_something = path.contains('{') && !path.starts_with("/api/collection/");
            if answer.text.to_uppercase().contains("MARK") || (names_something && answer.status.is_success())
            {
                faults.push(format!("{method} {path}: {} {}", answer.status, answer.text));
            }
            if !creates && state().await != before {
                faults.push(format!("{method} {path} changed something"));
                break;
            }
        }
        assert_eq!(faults, [""; 0]);
    }
}
