//! JSON Schema, as far as the API description uses it.

use serde_json::Value;

/// The schema itself, or its alternatives.
pub fn variants_mut(schema: &mut Value) -> Vec<&mut Value> {
    if schema.get("oneOf").is_some() {
        schema["oneOf"].as_array_mut().unwrap().iter_mut().collect()
    } else {
        vec![schema]
    }
}

/// The schema that a reference names, or the schema itself.
pub fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.map_or(schema, |pointer| resolve(document, document.pointer(pointer).unwrap()))
}

/// The violations of a schema by a value, each with its path.
pub fn violations(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

fn check(document: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    let holds = |schema: &Value| {
        let mut inner = Vec::new();
        check(document, schema, value, path, &mut inner);
        inner.is_empty()
    };
    let list = |name: &str| schema[name].as_array().map(Vec::as_slice);
    let mut wrong = |rule: &str| found.push(format!("{path}: {rule}"));
    if list("oneOf").is_some_and(|all| all.iter().filter(|one| holds(one)).count() != 1) {
        wrong("oneOf");
    }
    if list("anyOf").is_some_and(|all| !all.iter().any(holds)) {
        wrong("anyOf");
    }
    if list("enum").is_some_and(|all| !all.contains(value)) {
        wrong("enum");
    }
    let types = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is_of_type(value, name)) {
        wrong("type");
    }
    if !within(schema, value) {
        wrong("bounds");
    }
    for part in list("allOf").unwrap_or_default() {
        check(document, part, value, path, found);
    }
    if let Some(items) = value.as_array()
        && schema["items"].is_object()
    {
        for (index, item) in items.iter().enumerate() {
            check(document, &schema["items"], item, &format!("{path}[{index}]"), found);
        }
    }
    let Some(members) = value.as_object() else { return };
    for name in list("required").unwrap_or_default().iter().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            found.push(format!("{path}.{name}: required"));
        }
    }
    for (name, member) in members {
        let path = format!("{path}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(property), _) => check(document, property, member, &path, found),
            (None, Value::Bool(false)) => found.push(format!("{path}: unknown")),
            (None, others @ Value::Object(_)) => check(document, others, member, &path, found),
            (None, _) => {}
        }
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// Returns whether a value keeps the bounds of its schema.
fn within(schema: &Value, value: &Value) -> bool {
    let least = |name: &str, size: f64| schema[name].as_f64().is_none_or(|least| size >= least);
    let most = |name: &str, size: f64| schema[name].as_f64().is_none_or(|most| size <= most);
    #[expect(clippy::cast_precision_loss, reason = "sizes of test data")]
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            least("minimum", number) && most("maximum", number)
        }
        Value::String(text) => {
            let length = text.chars().count() as f64;
            least("minLength", length) && most("maxLength", length)
        }
        Value::Array(items) => least("minItems", items.len() as f64) && most("maxItems", items.len() as f64),
        _ => true,
    }
}

/// A small value of a schema: its example, or its required members only.
pub fn sample(document: &Value, schema: &Value) -> Value {
    let schema = resolve(document, schema);
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    for variants in ["oneOf", "anyOf"] {
        if let Some(first) = schema[variants].as_array().and_then(|all| all.first()) {
            return sample(document, first);
        }
    }
    let mut members = serde_json::Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members.extend(sample(document, part).as_object().cloned().unwrap_or_default());
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str());
    match kind {
        Some("boolean") => Value::Bool(true),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or_default().max(1).into(),
        Some("string") => "acme".into(),
        Some("array") => {
            let least = schema["minItems"].as_u64().unwrap_or_default();
            (0..least).map(|_| sample(document, &schema["items"])).collect()
        }
        _ => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                members.insert(name.to_owned(), sample(document, &schema["properties"][name]));
            }
            members.into()
        }
    }
}
