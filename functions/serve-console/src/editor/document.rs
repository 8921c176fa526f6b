//! The owner's fields of a resource as a document, and the values of single fields as texts.

use serde_json::{Map, Number, Value, json};

use crate::fields::Fields;

pub fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn is_on(document: &Value, pointer: &str) -> bool {
    document.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

pub fn items<'a>(document: &'a Value, pointer: &str) -> &'a [Value] {
    document.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub fn members(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Sets a member to a text, or removes it if the text is empty.
pub fn set_text(object: &mut Map<String, Value>, name: &str, text: &str) {
    if text.is_empty() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), text.into());
    }
}

/// A value as it stands in a field. Items of lists have commas between them.
pub fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            items.iter().map(|item| shown(Some(item))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// The value that a text of a field stands for. A text that was not touched stands for what was there.
pub fn value(text: &str, kind: &str, is_list: bool, before: Option<&Value>) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    if let Some(before) = before.filter(|before| shown(Some(before)) == text) {
        return Some(before.clone());
    }
    if is_list {
        return Some(list(text).map(|item| single(item, kind)).collect());
    }
    Some(single(text, kind))
}

pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn single(text: &str, kind: &str) -> Value {
    let value = match kind {
        "number" => {
            let whole = text.parse::<i64>().ok().map(Number::from);
            whole.or_else(|| text.parse().ok().and_then(Number::from_f64)).map(Value::Number)
        }
        "boolean" => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    // The rules refuse a value that cannot be read, with a message at the field.
    value.unwrap_or_else(|| text.into())
}

/// A whole number of a field. What is none stays a text, which the rules refuse.
pub fn whole(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| if text.is_empty() { Value::Null } else { text.into() }, Value::from)
}

/// The places where a document differs from another, with what the other has there.
pub fn differences(own: &Value, other: &Value, path: &str, found: &mut Vec<(String, String)>) {
    if own == other || is_nothing(own) && is_nothing(other) {
        return;
    }
    match (own, other) {
        (Value::Object(own), Value::Object(other)) => {
            let names: std::collections::BTreeSet<_> = own.keys().chain(other.keys()).collect();
            for name in names {
                let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let of = |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                differences(&of(own), &of(other), &at, found);
            }
        }
        (Value::Array(own), Value::Array(other)) if own.len() == other.len() => {
            for (index, (own, other)) in own.iter().zip(other).enumerate() {
                differences(own, other, &format!("{path}[{index}]"), found);
            }
        }
        (_, Value::Object(_) | Value::Array(_)) => {
            found.push((path.to_owned(), serde_json::to_string_pretty(other).unwrap_or_default()));
        }
        _ => found.push((path.to_owned(), shown(Some(other)))),
    }
}

/// Left out, null, false and empty are the same to the owner's fields.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The fields that every resource has.
pub fn read_common(fields: &Fields, document: &mut Map<String, Value>) {
    document.insert("title".to_owned(), fields.text("title").into());
    set_text(document, "description", fields.text("description"));
    let origins: Vec<_> =
        fields.text("allowed_origins").lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    document.insert("allowed_origins".to_owned(), json!(origins));
    document.insert("allow_downloads".to_owned(), fields.has("allow_downloads").into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_a_value_of_its_type() {
        for (text, kind, is_list, before, expected) in [
            ("", "text", false, None, None),
            ("1", "text", false, None, Some(json!("1"))),
            ("1", "number", false, None, Some(json!(1))),
            ("1.5", "number", false, None, Some(json!(1.5))),
            ("x", "number", false, None, Some(json!("x"))),
            ("true", "boolean", false, None, Some(json!(true))),
            ("a, b", "text", true, None, Some(json!(["a", "b"]))),
            ("a, b", "text", false, None, Some(json!("a, b"))),
            ("1", "text", false, Some(json!(1)), Some(json!(1))),
            ("a, b", "text", false, Some(json!(["a", "b"])), Some(json!(["a", "b"]))),
        ] {
            assert_eq!(value(text, kind, is_list, before.as_ref()), expected, "{text} {kind}");
        }
    }

    #[test]
    fn differences_name_the_place_and_what_the_other_has() {
        let own =
            json!({ "title": "mine", "same": 1, "list": [1, 2], "gone": { "a": [] }, "rows": [{ "x": 1 }] });
        let other = json!({ "title": "theirs", "same": 1, "list": [1], "rows": [{ "x": 2 }], "new": true });
        let mut found = Vec::new();
        differences(&own, &other, "", &mut found);
        let found: Vec<_> = found.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(
            found,
            [("gone", ""), ("list", "[\n  1\n]"), ("new", "true"), ("rows[0].x", "2"), ("title", "theirs")]
        );
    }

    #[test]
    fn a_number_that_is_none_stays_as_it_is() {
        assert_eq!((whole("7"), whole("-7"), whole("")), (json!(7), json!("-7"), Value::Null));
    }
}
