//! The rows of a resource's parameters.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::document::{is_on, items, list, members, shown, text, value};
use super::form::{Choice, EditorForm};
use crate::fields::Fields;

const TYPES: [Choice<'static>; 6] = [
    ("text", "Text"),
    ("number", "Number"),
    ("date", "Date"),
    ("date_range", "Dates from and to"),
    ("boolean", "Yes or no"),
    ("category", "A choice"),
];

/// The most rows of a form.
const MOST: usize = 120;

/// The rows that have a name, over those of `base` with the same name.
pub fn read(fields: &Fields, base: &[Value]) -> Value {
    let rows = (0..MOST).map(|index| format!("parameters[{index}]"));
    let rows = rows.take_while(|row| fields.has(&format!("{row}.slug")));
    rows.filter_map(|row| {
        let field = |name: &str| fields.text(&format!("{row}.{name}"));
        let (slug, name) = (field("slug"), field("name"));
        if slug.is_empty() && name.is_empty() {
            return None;
        }
        let before = base.iter().find(|before| text(before, "/slug") == slug);
        let mut parameter = members(before);
        let kind = field("type");
        let is_multiple = fields.has(&format!("{row}.multiple"));
        let name = if name.is_empty() { slug } else { name };
        for (member, text) in [("slug", slug), ("name", name), ("type", kind)] {
            parameter.insert(member.to_owned(), text.into());
        }
        parameter.insert("multiple".to_owned(), is_multiple.into());
        parameter.insert("required".to_owned(), fields.has(&format!("{row}.required")).into());
        let default = value(field("default"), kind, is_multiple, parameter.get("default"));
        parameter.insert("default".to_owned(), default.unwrap_or_default());
        set_choices(&mut parameter, field("values"), kind);
        Some(Value::from(parameter))
    })
    .collect()
}

fn set_choices(parameter: &mut Map<String, Value>, given: &str, kind: &str) {
    if given == choices(parameter.get("values")) {
        return;
    }
    let values: Vec<_> =
        list(given).filter_map(|item| value(item, kind, false, None)).map(|item| json!([item])).collect();
    let values = if values.is_empty() { Value::Null } else { values.into() };
    parameter.insert("values".to_owned(), values);
}

/// The choices of the viewer, without their labels.
fn choices(values: Option<&Value>) -> String {
    let all = values.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|choice| shown(choice.get(0))).collect::<Vec<_>>().join(", ")
}

/// The rows, and an empty one for the next parameter.
pub fn show(form: &EditorForm<'_>, document: &Value) -> Markup {
    let rows = items(document, "/parameters");
    let empty = json!({});
    html! {
        p.small { "Tags of queries are parameters by themselves. Add others that your content reads, or that set tags of several cards. A row without a name is left out." }
        @for (index, parameter) in rows.iter().chain([&empty]).enumerate() { (row(form, index, parameter)) }
    }
}

fn row(form: &EditorForm<'_>, index: usize, parameter: &Value) -> Markup {
    let field = |name: &str| format!("parameters[{index}].{name}");
    let kind = match text(parameter, "/type") {
        "" => "text",
        kind => kind,
    };
    html! {
        fieldset.parameter {
            legend { @if text(parameter, "/slug").is_empty() { "Another parameter" } @else { "Parameter " code { (text(parameter, "/slug")) } } }
            div.pair {
                (form.text("Slug", &field("slug"), text(parameter, "/slug"), "customer"))
                (form.text("Name", &field("name"), text(parameter, "/name"), "Customer"))
                (form.choice("Type", &field("type"), kind, &TYPES))
                (form.text("Default", &field("default"), &shown(parameter.get("default")), ""))
                (form.text("Choices, with commas", &field("values"), &choices(parameter.get("values")), ""))
                div.choices {
                    (form.check("Several values", &field("multiple"), is_on(parameter, "/multiple")))
                    (form.check("Needs a value", &field("required"), is_on(parameter, "/required")))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_name_is_left_out_and_the_rest_of_others_stays() {
        let sent = [
            ("parameters[0].slug", "city"),
            ("parameters[0].name", ""),
            ("parameters[0].type", "category"),
            ("parameters[0].values", "a, b"),
            ("parameters[1].slug", ""),
            ("parameters[1].name", ""),
            ("parameters[2].slug", "year"),
            ("parameters[2].name", "Year"),
            ("parameters[2].type", "number"),
            ("parameters[2].default", "2025"),
            ("parameters[2].values", "2025, 2026"),
        ];
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish();
        let base =
            json!([{ "slug": "city", "id": "abc", "values_strict": true, "values": [["a", "A"], ["b"]] }]);
        let read = read(&Fields::parse(text.as_bytes()), base.as_array().unwrap());
        assert_eq!(
            read,
            json!([
                { "slug": "city", "name": "city", "type": "category", "id": "abc", "values_strict": true,
                  "values": [["a", "A"], ["b"]], "default": null, "multiple": false, "required": false },
                { "slug": "year", "name": "Year", "type": "number", "default": 2025, "values": [[2025], [2026]],
                  "multiple": false, "required": false },
            ])
        );
    }
}
