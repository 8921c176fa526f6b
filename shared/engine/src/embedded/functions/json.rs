//! Values inside of JSON texts.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use serde_json::Value;

use super::pack::{Definition, unchecked, usage};

pub const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "json_extract",
        arguments: |types| arguments("json_extract", types),
        returns: |_| DataType::Utf8,
        check: unchecked,
        run: |args| extract(args, |value| Some(value.to_string())),
    },
    Definition {
        name: "json_extract_string",
        arguments: |types| arguments("json_extract_string", types),
        returns: |_| DataType::Utf8,
        check: unchecked,
        run: |args| {
            extract(args, |value| match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            })
        },
    },
];

fn arguments(name: &str, types: &[DataType]) -> Result<Vec<DataType>> {
    match types {
        [_, _] => Ok(vec![DataType::Utf8, DataType::Utf8]),
        _ => usage(name, &format!("{name}(json, path)")),
    }
}

fn extract(args: &[ArrayRef], show: fn(&Value) -> Option<String>) -> Result<ArrayRef> {
    let (documents, paths) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
    let mut found = StringBuilder::new();
    for (document, path) in documents.iter().zip(paths) {
        // A text that is not JSON has no members; no error, as with `try_cast`.
        let document: Option<Value> = document.and_then(|document| serde_json::from_str(document).ok());
        let value = document.as_ref().zip(path).and_then(|(document, path)| member(document, path));
        found.append_option(value.and_then(show));
    }
    Ok(Arc::new(found.finish()))
}

/// The member at `path`: `$.a.b[0]`, `/a/b/0`, a key, or a position in a list.
fn member<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    if path.starts_with('/') {
        return document.pointer(path);
    }
    let Some(path) = path.strip_prefix('$') else {
        return step(document, path);
    };
    let mut value = document;
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        value = step(value, part.trim_end_matches(']').trim_matches('"'))?;
    }
    Some(value)
}

fn step<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(key),
        Value::Array(items) => {
            let position: i64 = key.parse().ok()?;
            let from_end = items.len().checked_sub(usize::try_from(position.unsigned_abs()).ok()?);
            let position = if position < 0 { from_end? } else { usize::try_from(position).ok()? };
            items.get(position)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_both_dialects_reach_members() {
        let document = serde_json::json!({"a": {"b": [1, {"c": "x"}]}, "d.e": null, "n": "text"});
        for (path, expected) in [
            ("n", Some("\"text\"")),
            ("$.n", Some("\"text\"")),
            ("$.a.b[1].c", Some("\"x\"")),
            ("/a/b/0", Some("1")),
            ("a", Some(r#"{"b":[1,{"c":"x"}]}"#)),
            ("d.e", Some("null")),
            ("$.a.b[-1].c", Some("\"x\"")),
            ("$.a.b[2]", None),
            ("$.a.b[-3]", None),
            ("missing", None),
            ("", None),
        ] {
            assert_eq!(member(&document, path).map(Value::to_string).as_deref(), expected, "{path}");
        }
    }
}
