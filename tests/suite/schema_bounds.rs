//! The bounds in the API description and the rules' own: a value at a bound is accepted, one beyond it refused, and a
//! field without a described bound has none.

use serde_json::{Map, Value, json};
use vitrine_tests::description::{document, operations, takes};
use vitrine_tests::schema;

use crate::authorization::{Filled, filled};

/// A change of one field of a body that is accepted.
struct Probe {
    /// The place in the body: a JSON pointer, and as the issues of an answer name it.
    pointer: String,
    path: String,
    /// The new value; none removes the field.
    value: Option<Value>,
    /// Returns whether the description forbids the changed body.
    is_forbidden: bool,
}

struct Place {
    pointer: String,
    path: String,
}

impl Place {
    fn member(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { pointer: format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1")), path }
    }

    fn item(&self, index: usize) -> Self {
        Self { pointer: format!("{}/{index}", self.pointer), path: format!("{}[{index}]", self.path) }
    }

    fn probe(&self, value: Option<Value>, is_forbidden: bool) -> Probe {
        Probe { pointer: self.pointer.clone(), path: self.path.clone(), value, is_forbidden }
    }
}

/// The probes of a value and of everything in it.
fn probes(schema: &Value, value: &Value, place: &Place, found: &mut Vec<Probe>) {
    let outer = schema::resolve(document(), schema);
    let mut schema = outer;
    while let Some(variants) = schema["oneOf"].as_array() {
        let holds = |schema: &&Value| schema::violations(document(), schema, value).is_empty();
        let Some(variant) = variants.iter().find(holds) else { break };
        schema = schema::resolve(document(), variant);
    }
    let takes_null = schema::violations(document(), outer, &Value::Null).is_empty();
    found.push(place.probe(Some(Value::Null), !takes_null));
    let bound = |name: &str| schema[name].as_u64().map(|size| usize::try_from(size).unwrap());
    let integer = |name: &str| schema[name].as_i64();
    match value {
        Value::String(_) => {
            found.push(place.probe(Some(json!({})), true));
            let is_plain = schema["pattern"].as_str().is_none_or(|pattern| pattern == r"\S");
            let is_free = schema["enum"].is_null() && schema["format"].is_null() && is_plain;
            match bound("maxLength") {
                Some(most) => {
                    found.push(place.probe(Some("x".repeat(most + 1).into()), true));
                    found.extend(is_free.then(|| place.probe(Some("x".repeat(most).into()), false)));
                }
                None => found.extend(is_free.then(|| place.probe(Some("x".repeat(4_000).into()), false))),
            }
            if let Some(least) = bound("minLength") {
                found.push(place.probe(Some("x".repeat(least - 1).into()), true));
            }
            found.extend(schema["enum"].is_array().then(|| place.probe(Some("no such word".into()), true)));
            found.extend((schema["pattern"] == r"\S").then(|| place.probe(Some("  ".into()), true)));
        }
        Value::Number(_) => {
            found.push(place.probe(Some("text".into()), true));
            for (name, beyond) in [("minimum", -1), ("maximum", 1)] {
                if let Some(bound) = integer(name) {
                    found.push(place.probe(Some(json!(bound + beyond)), true));
                    found.push(place.probe(Some(json!(bound)), false));
                }
            }
        }
        Value::Bool(_) => found.push(place.probe(Some("text".into()), true)),
        Value::Array(items) => {
            let takes_empty = schema::violations(document(), outer, &json!({})).is_empty();
            found.push(place.probe(Some(json!({})), !takes_empty));
            let copies = |count: usize| Some(Value::from(vec![items[0].clone(); count]));
            if items.is_empty() {
                return;
            }
            match bound("maxItems") {
                Some(most) => {
                    found.push(place.probe(copies(most + 1), true));
                    found.push(place.probe(copies(most), false));
                }
                None => found.push(place.probe(copies(1_500), false)),
            }
            if bound("minItems").is_some_and(|least| least > 0) {
                found.push(place.probe(Some(json!([])), true));
            }
            for (index, item) in items.iter().enumerate() {
                probes(&schema["items"], item, &place.item(index), found);
            }
        }
        Value::Object(members) => {
            found.push(place.probe(Some("text".into()), true));
            if schema["properties"].is_object() {
                let is_closed = schema["additionalProperties"] == false;
                found.push(place.member("x_unknown").probe(Some(json!(1)), is_closed));
            }
            let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            for (name, member) in members {
                let place = place.member(name);
                found.push(place.probe(None, required.iter().any(|required| required == name)));
                let property = &schema["properties"][name];
                let property = if property.is_null() { &schema["additionalProperties"] } else { property };
                if property.is_object() {
                    probes(property, member, &place, found);
                }
            }
        }
        Value::Null => {}
    }
}

impl Probe {
    fn apply_to(&self, body: &Value) -> Value {
        let mut body = body.clone();
        let Some((parent, name)) = self.pointer.rsplit_once('/') else {
            return self.value.clone().unwrap_or_default();
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        match (body.pointer_mut(parent).unwrap(), &self.value) {
            (Value::Object(members), Some(value)) => {
                members.insert(name, value.clone());
            }
            (Value::Object(members), None) => {
                members.remove(&name);
            }
            (Value::Array(items), value) => {
                items[name.parse::<usize>().unwrap()] = value.clone().unwrap_or_default();
            }
            _ => unreachable!("a parent is an object or a list"),
        }
        body
    }
}

/// A body with every field that has a rule, for each operation that takes one.
fn bodies(filled: &Filled) -> Map<String, Value> {
    let parameter = json!({
        "slug": "region", "name": "Region", "type": "text", "id": "r", "default": "a", "required": false,
        "multiple": false, "values": [["a", "A"], ["b"]], "values_strict": false,
    });
    let tag = json!({"type": "text", "display_name": "R", "default": "a", "required": false});
    let query = json!({"sql": "select {{region}}", "source": "managed", "tags": {"region": tag}});
    let resource = json!({
        "title": "T", "description": "D", "archived": false,
        "content": {"type": "html", "html": "x", "queries": {"total": query}}, "parameters": [parameter], "enable_embedding": false,
        "embedding_params": {"region": "enabled"}, "allowed_origins": ["https://a.example"],
        "allow_downloads": true, "deployment": 1,
    });
    let mut patch = resource.clone();
    vitrine_tests::merge(&mut patch, json!({"content": null, "parameters": null, "deployment": null}));
    let mut card = resource.clone();
    vitrine_tests::merge(&mut card, json!({"title": null, "deployment": null, "name": "N"}));
    let attribute = json!({
        "name": "city", "type": "string", "display_name": "D", "default_value": "v", "description": "D",
    });
    let user = json!({
        "externalId": "mark", "email": "a@b.example", "userProfile": {"displayName": "D", "picture": "https://a.example/p"},
        "groups": [], "tenantGroups": ["MARK"],
    });
    let session = json!({
        "deploymentId": 1, "externalId": "mark", "email": "a@b.example", "embedTenantName": "acme",
        "userProfile": {"displayName": "D", "picture": "https://a.example/p"}, "creatorMode": true,
        "userAttributes": [{"name": "city", "value": "x"}], "groups": ["staff"], "tenantGroups": ["MARK"],
        "embedTenantProfile": {"displayName": "D"},
        "tenantGroupDefinitions": [{"name": "MARK", "description": "D"}],
        "userAttributeDefinitions": [
            {"name": "town", "type": "string", "displayName": "D", "defaultValue": "v", "description": "D"},
        ],
        "settings": {"allowAi": false, "locale": "en"}, "branchName": "main", "isEphemeral": true,
    });
    let all = json!({
        "put /v1/resources/{kind}/{id}": resource,
        "post /v1/dives": resource,
        "put /v1/dives/{id}": resource,
        "patch /v1/dives/{id}": patch,
        "post /v1/dives/{id}/embed-session": {
            "username": "acme", "session_name": "s", "session_hint": "s", "version": 1,
            "required_resources": [{"url": "https://a.example", "alias": "a"}],
        },
        "post /api/card": card,
        "put /api/card/{id}": card,
        "post /api/dashboard": card,
        "put /api/dashboard/{id}": card,
        "patch /api/v1/embed/dashboard/{public_id}": {"allowEmbed": true},
        "post /api/session": {"username": "owner", "password": vitrine_tests::ADMIN_KEY},
        "post /v1/keys": {
            "name": "N", "role": "member", "permissions": ["introspect"], "deployments": [1],
            "expires_at": "2100-01-01T00:00:00Z",
        },
        "put /api/setting/enable-embedding-static": {"value": true},
        "put /api/setting/embedding-secret-key": {"value": vitrine_tests::SECRET},
        "post /v1/sessions": {
            "resource": {"dashboard": 1}, "params": {}, "ttl_seconds": 60, "single_use": true,
            "viewer": {"id": "v", "groups": ["g"], "attributes": {"city": "x"}},
        },
        "post /v1/query/preview": {"sql": "select 1"},
        "post /api/dataset": {
            "database": 1, "type": "native", "native": {"query": "select 1"}, "parameters": [],
            "viewer": {"id": "a", "attributes": {}, "groups": []},
        },
        "post /api/dataset/{format}": {"query": {"native": {"query": "select 1"}}},
        "post /v1/sessions/redeem": {"session": "none"},
        "post /v1/sessions/revoke": {"session": "none"},
        "post /v1/introspect": {"token": filled.token()},
        "post /v1/users": {"username": "other", "role": "member", "attributes": {"city": "x"}},
        "patch /v1/users/{username}": {"role": "member", "attributes": {"city": ["x"]}},
        "post /v1/users/{username}/tokens": {"name": "N", "ttl": 300, "token_type": "read_write"},
        "post /v1/attributes": attribute,
        "post /v1/groups": {"name": "staff"},
        "post /api/v1/embed-tenants/{tenant}/user": user,
        "post /api/v1/embed-tenants/{tenant}/users": {"users": [{"externalId": "mark"}]},
        "post /api/v1/embed-tenants/{tenant}/groups": {"name": "other", "description": "D"},
        "patch /api/v1/embed-tenants/{tenant}/groups/{id}": {"description": "D"},
        "post /api/v1/embed-tenants/{tenant}/groups/{id}/users": {"members": [{"externalId": "mark"}]},
        "delete /api/v1/embed-tenants/{tenant}/groups/{id}/users": {"members": [{"externalId": "mark"}]},
        "post /api/v1/embed/generate-session": session,
        "put /v1/sources/{source}": {"kind": "files", "location": "s3://lake/sales"},
        "put /v1/tables/{table}": {
            "source": "managed", "description": "D",
            "columns": [{"name": "city", "type": "text", "description": "D", "hidden": false}],
            "row_policies": [{"groups": ["*"], "rows": "all"}],
        },
        "post /v1/tables/{table}/uploads": {"format": "csv", "size": 1, "sha256": vitrine_tests::SECRET},
        "post /v1/tables/{table}/versions": {"upload": "none"},
        "post /v1/tables/{table}/rollback": {"version": 1},
        "post /api/v1/embed/session/token": {"sessionId": "none"},
        "post /api/v1/embed/session/revoke": {"sessionId": "none"},
    });
    all.as_object().unwrap().clone()
}

/// Fields with rules that depend on other fields, on the operation or on the stack's settings, which a schema does not
/// express; their descriptions do.
const ACROSS_FIELDS: [(&str, &str); 18] = [
    // One of two forms of a query, over a database that exists.
    ("post /api/dataset", "database"),
    ("post /api/dataset", "native"),
    ("post /api/dataset", "native.query"),
    ("post /api/dataset/{format}", "query"),
    ("post /api/card", "name"),
    // Any other text is a wrong password.
    ("post /api/session", "password"),
    ("post /api/dashboard", "name"),
    ("post /v1/dives", "content"),
    ("put /v1/dives/{id}", "content"),
    ("post /v1/dives", "deployment"),
    ("put /v1/dives/{id}", "deployment"),
    ("put /v1/resources/{kind}/{id}", "deployment"),
    ("post /v1/dives/{id}/embed-session", "required_resources"),
    ("post /api/v1/embed/generate-session", "deploymentId"),
    ("post /api/v1/embed/generate-session", "externalId"),
    // The same definition as a whole body may have unknown fields, and here it may not.
    ("post /api/v1/embed/generate-session", "userAttributeDefinitions[0].x_unknown"),
    ("post /v1/sessions", "resource"),
    ("post /v1/sessions", ""),
];

#[tokio::test]
async fn described_bounds_are_those_of_the_rules() {
    let filled = filled().await;
    let bodies = bodies(&filled);
    filled.send("post", "/v1/attributes", &json!({"name": "city", "type": "string"}), true).await;
    filled.send("post", "/v1/groups", &json!({"name": "staff"}), true).await;
    let mut differences = Vec::new();
    for (method, path, operation) in operations(document()) {
        let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else {
            continue;
        };
        // A body that comes with a viewer's token is read after the token is checked: `query.rs` tests it.
        if takes(operation, "embed_token") {
            continue;
        }
        let operation_name = format!("{method} {path}");
        let known = bodies.get(&operation_name).cloned();
        let body = known.unwrap_or_else(|| schema::sample(document(), schema));
        let by_key = takes(operation, "access_key");
        let base = filled.send(method, path, &body, by_key).await;
        assert_ne!(base.status, 400, "{method} {path}: {}", base.text);
        let mut found = Vec::new();
        probes(schema, &body, &Place { pointer: String::new(), path: String::new() }, &mut found);
        for probe in found {
            let answer = filled.send(method, path, &probe.apply_to(&body), by_key).await;
            let is_across = ACROSS_FIELDS.contains(&(operation_name.as_str(), probe.path.as_str()));
            let is_refused = answer.issues().contains(&probe.path.as_str()) && !is_across;
            if (probe.is_forbidden && answer.status != 400) || (!probe.is_forbidden && is_refused) {
                let value = probe.value.map_or("nothing".to_owned(), |value| value.to_string());
                differences.push(format!(
                    "{method} {path}: {} = {value:.60}: forbidden {}, answer {} {:.300}",
                    probe.path, probe.is_forbidden, answer.status, answer.text
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn described_bounds_of_queries_are_those_of_the_rules() {
    let filled = filled().await;
    let mut checked = 0;
    for (method, path, operation) in operations(document()).filter(|(_, _, found)| takes(found, "access_key"))
    {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let schema = schema::resolve(document(), &parameter["schema"]);
            for (bound, beyond) in [("minimum", -1), ("maximum", 1)] {
                let Some(value) = schema[bound].as_i64().filter(|_| parameter["in"] == "query") else {
                    continue;
                };
                let name = parameter["name"].as_str().unwrap();
                for (value, is_forbidden) in [(value, false), (value + beyond, true)] {
                    let answer =
                        filled.send(method, &format!("{path}?{name}={value}"), &Value::Null, true).await;
                    assert_eq!(answer.status == 400, is_forbidden, "{path}?{name}={value}: {}", answer.text);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 20, "only {checked} bounds are described");
}

#[test]
fn a_bound_that_is_missing_or_too_wide_is_probed() {
    let forbidden = |schema: Value, value: Value| {
        let mut found = Vec::new();
        probes(&schema, &value, &Place { pointer: String::new(), path: String::new() }, &mut found);
        let of = |wanted: bool| {
            let values = found.iter().filter(move |probe| probe.is_forbidden == wanted);
            values.map(|probe| probe.apply_to(&value).to_string().len()).collect::<Vec<_>>()
        };
        (of(true), of(false))
    };
    // Null, an object and one letter too many; then as many letters as are allowed.
    assert_eq!(forbidden(json!({"type": "string", "maxLength": 10}), json!("a")), (vec![4, 2, 13], vec![12]));
    // Without a bound, a long text must be accepted.
    assert_eq!(forbidden(json!({"type": "string"}), json!("a")), (vec![4, 2], vec![4_002]));
}
