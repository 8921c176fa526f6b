//! Template tags of a native query, as Metabase writes them.

use serde_json::{Map, Value, json};
use vitrine_rules::error::Issue;
use vitrine_rules::query::definition::{Tag, TagType};
use vitrine_rules::query::widget_type::WidgetType;
use vitrine_rules::random;

use super::dataset_query::QueryForm;

/// A tag as it was written, with the number of its column.
#[derive(Debug, Clone)]
pub struct TemplateTag {
    /// Without its column.
    pub tag: Tag,
    pub column: Option<u64>,
    /// The rest of what was written, for its author.
    pub rest: Map<String, Value>,
}

/// The name under which the options of a tag's field are kept.
const FIELD_OPTIONS: &str = "field-options";
const CASE_SENSITIVE: &str = "case-sensitive";
const TYPES: &str = "must be one of: text, number, date, boolean, dimension, temporal-unit, card, snippet";

impl TemplateTag {
    pub fn read(value: Value, path: &str) -> Result<Self, Vec<Issue>> {
        let Value::Object(mut rest) = value else { return Err(vec![Issue::new(path, "must be an object")]) };
        let mut issues = Vec::new();
        let mut issue =
            |field: &str, message: &str| issues.push(Issue::new(format!("{path}.{field}"), message));
        rest.remove("name");
        let kind = rest.remove("type").and_then(|kind| serde_json::from_value::<TagType>(kind).ok());
        let kind = kind.unwrap_or_else(|| {
            issue("type", TYPES);
            TagType::Text
        });
        let mut tag = Tag {
            kind,
            display_name: None,
            default: None,
            required: false,
            dimension: None,
            widget_type: None,
            case_sensitive: None,
        };
        match rest.remove("display-name") {
            None | Some(Value::Null) => {}
            Some(Value::String(label)) => tag.display_name = Some(label),
            Some(_) => issue("display-name", "must be a text"),
        }
        // Null and false stay where they were, so that they are returned as they came.
        match rest.get("default") {
            None | Some(Value::Null) => {}
            Some(_) => tag.default = rest.remove("default"),
        }
        match rest.get("required") {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Bool(true)) => {
                tag.required = true;
                rest.remove("required");
            }
            Some(_) => issue("required", "must be true or false"),
        }
        if tag.kind == TagType::Dimension {
            match rest.get("widget-type").map(|word| word.as_str().map(WidgetType::parse)) {
                None => {}
                Some(Some(Some(known))) => {
                    tag.widget_type = Some(known);
                    rest.remove("widget-type");
                }
                Some(_) if matches!(rest["widget-type"].as_str(), Some("none")) => {}
                Some(_) if rest["widget-type"].is_null() => {}
                Some(_) => issue(
                    "widget-type",
                    "must be a type such as category, string/=, number/between or date/range",
                ),
            }
            tag.case_sensitive =
                rest.get("options").and_then(|options| options.get(CASE_SENSITIVE)).and_then(Value::as_bool);
        }
        let mut column = None;
        if matches!(tag.kind, TagType::Dimension | TagType::TemporalUnit) {
            match rest.remove("dimension").as_ref().map(field_of) {
                Some(Some((id, options))) => {
                    column = Some(id);
                    if !options.is_empty() {
                        rest.insert(FIELD_OPTIONS.to_owned(), Value::Object(options));
                    }
                }
                Some(None) => issue("dimension", "must be [\"field\", ID, null] with the id of a field"),
                None if tag.kind == TagType::TemporalUnit => {}
                None => issue("dimension", "is required for this type"),
            }
        }
        if issues.is_empty() { Ok(Self { tag, column, rest }) } else { Err(issues) }
    }
}

/// The number and the options of a field, in the forms `["field", 4, null]`, `["field", {...}, 4]` and `["field-id", 4]`.
fn field_of(value: &Value) -> Option<(u64, Map<String, Value>)> {
    let parts = value.as_array()?;
    match (parts.first()?.as_str()?, &parts[1..]) {
        ("field", [Value::Number(id)]) | ("field-id", [Value::Number(id)]) => {
            Some((id.as_u64()?, Map::new()))
        }
        ("field", [Value::Number(id), Value::Null]) => Some((id.as_u64()?, Map::new())),
        ("field", [Value::Number(id), Value::Object(options)])
        | ("field", [Value::Object(options), Value::Number(id)]) => Some((id.as_u64()?, options.clone())),
        _ => None,
    }
}

/// Writes a tag over the rest of what its author once wrote.
pub fn written(
    name: &str,
    tag: &Tag,
    field: Option<(u64, &'static str)>,
    rest: Option<&Value>,
    form: QueryForm,
) -> Value {
    let mut written = rest.and_then(Value::as_object).cloned().unwrap_or_default();
    let options = written.remove(FIELD_OPTIONS);
    let kind = serde_json::to_value(tag.kind).unwrap_or_default();
    if !written.contains_key("id") {
        written.insert("id".to_owned(), json!(uuid(&format!("tag {name}"))));
    }
    written.insert("name".to_owned(), json!(name));
    written.insert("display-name".to_owned(), json!(tag.label(name)));
    written.insert("type".to_owned(), kind);
    match (&tag.default, written.get("default")) {
        (Some(default), _) => drop(written.insert("default".to_owned(), default.clone())),
        (None, Some(Value::Null) | None) => {}
        (None, Some(_)) => drop(written.remove("default")),
    }
    if tag.required {
        written.insert("required".to_owned(), json!(true));
    }
    if let Some(widget) = tag.widget_type {
        written.insert("widget-type".to_owned(), json!(widget.word()));
    }
    if let Some(sensitive) = tag.case_sensitive {
        let options = written.entry("options").or_insert_with(|| json!({}));
        if !options.is_object() {
            *options = json!({});
        }
        options[CASE_SENSITIVE] = json!(sensitive);
    }
    if let Some((id, base_type)) = field {
        let options = options.and_then(|options| options.as_object().cloned()).unwrap_or_default();
        written.insert("dimension".to_owned(), written_field(id, base_type, options, form));
    }
    Value::Object(written)
}

fn written_field(id: u64, base_type: &str, mut options: Map<String, Value>, form: QueryForm) -> Value {
    match form {
        QueryForm::Legacy => {
            options.remove("lib/uuid");
            options.remove("effective-type");
            let options = if options.is_empty() { Value::Null } else { Value::Object(options) };
            json!(["field", id, options])
        }
        QueryForm::Stages => {
            options.entry("lib/uuid").or_insert_with(|| json!(uuid(&format!("field {id}"))));
            options.entry("base-type").or_insert_with(|| json!(base_type));
            json!(["field", options, id])
        }
    }
}

/// An id in the form of a UUID that is always the same for one text.
fn uuid(text: &str) -> String {
    let hex = random::fingerprint(text);
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
