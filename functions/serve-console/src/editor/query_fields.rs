//! The fields of a query: its SQL, and a row for each tag that the SQL has.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::{Map, Value, json};
use vitrine::rules::query::scanner::{TagRef, references, scan};

use super::document::{is_on, members, set_text, shown, text, value};
use super::form::{Choice, EditorForm};
use crate::fields::Fields;

/// The deepest optional blocks in which tags are looked for.
const LEVELS: usize = 20;

const TYPES: [Choice<'static>; 6] = [
    ("text", "Text"),
    ("number", "Number"),
    ("date", "Date"),
    ("boolean", "Yes or no"),
    ("dimension", "Field filter"),
    ("temporal-unit", "Unit of time"),
];

const FILTERS: [Choice<'static>; 16] = [
    ("", "Equal to one of"),
    ("string/=", "Text: one of"),
    ("string/!=", "Text: none of"),
    ("string/contains", "Text: contains"),
    ("string/does-not-contain", "Text: does not contain"),
    ("string/starts-with", "Text: starts with"),
    ("string/ends-with", "Text: ends with"),
    ("number/=", "Number: one of"),
    ("number/!=", "Number: none of"),
    ("number/between", "Number: between"),
    ("number/>=", "Number: at least"),
    ("number/<=", "Number: at most"),
    ("date/single", "Date: a day"),
    ("date/range", "Date: from and to"),
    ("date/relative", "Date: relative, such as past7days"),
    ("date/all-options", "Date: any of these"),
];

/// The names of the tags in a text of SQL; none if it cannot be read yet.
fn tag_names(sql: &str) -> Option<BTreeSet<String>> {
    let pieces = scan(sql, LEVELS).ok()?;
    let names = references(&pieces).into_iter().filter_map(|reference| match reference {
        TagRef::Name(name) => Some(name.clone()),
        TagRef::Question(_) | TagRef::Snippet(_) => None,
    });
    Some(names.collect())
}

/// The query that the fields under `prefix` describe. What has no field stays as it is in `base`.
pub fn read(fields: &Fields, prefix: &str, base: Option<&Value>) -> Value {
    let mut query = members(base);
    let sql = fields.exact(&format!("{prefix}.sql"));
    query.insert("sql".to_owned(), sql.into());
    set_text(&mut query, "source", fields.text(&format!("{prefix}.source")));
    let sent = || fields.all(&format!("{prefix}.tag")).map(str::to_owned).collect();
    let before = members(query.get("tags"));
    let tags: Map<String, Value> = tag_names(sql)
        .unwrap_or_else(sent)
        .into_iter()
        .map(|name| {
            let tag = read_tag(fields, &format!("{prefix}.tags.{name}"), before.get(&name));
            (name, tag)
        })
        .collect();
    query.insert("tags".to_owned(), tags.into());
    query.into()
}

fn read_tag(fields: &Fields, prefix: &str, base: Option<&Value>) -> Value {
    let field = |name: &str| format!("{prefix}.{name}");
    let mut tag = members(base);
    if !fields.has(&field("type")) {
        return base.cloned().unwrap_or_else(|| json!({ "type": "text" }));
    }
    let kind = fields.text(&field("type")).to_owned();
    tag.insert("type".to_owned(), kind.as_str().into());
    set_text(&mut tag, "display_name", fields.text(&field("display_name")));
    let given = fields.text(&field("default"));
    let default = value(given, &kind, kind == "dimension" && given.contains(','), tag.get("default"));
    tag.remove("default");
    tag.extend(default.map(|default| ("default".to_owned(), default)));
    tag.insert("required".to_owned(), fields.has(&field("required")).into());
    tag.remove("dimension");
    if matches!(kind.as_str(), "dimension" | "temporal-unit") {
        let named = fields.text(&field("dimension"));
        let (table, column) = named.rsplit_once('.').unwrap_or((named, ""));
        if !named.is_empty() {
            tag.insert("dimension".to_owned(), json!({ "table": table, "column": column }));
        }
    }
    let filter = if kind == "dimension" { fields.text(&field("widget_type")) } else { "" };
    set_text(&mut tag, "widget_type", filter);
    tag.into()
}

/// The fields of a query under `prefix`. Its problems are under the same path.
pub fn show(form: &EditorForm<'_>, prefix: &str, query: &Value) -> Markup {
    let tags = members(query.get("tags"));
    let field = |name: &str| format!("{prefix}.{name}");
    html! {
        div.sql {
            (form.area("SQL", &field("sql"), text(query, "/sql"), 10, "select city, count(*) as orders from orders [[where year = {{year}}]] group by 1"))
        }
        p.small { "A value that a viewer or your backend sets stands as " code { "{{name}}" } "; a part in " code { "[[…]]" } " is left out without one. Press “Update” to get a row for each." }
        @if !text(query, "/source").is_empty() { (form.text("Source", &field("source"), text(query, "/source"), "managed")) }
        @for (name, tag) in &tags { (show_tag(form, prefix, name, tag)) }
    }
}

fn show_tag(form: &EditorForm<'_>, prefix: &str, name: &str, tag: &Value) -> Markup {
    let field = |member: &str| format!("{prefix}.tags.{name}.{member}");
    let kind = text(tag, "/type");
    let column = match (text(tag, "/dimension/table"), text(tag, "/dimension/column")) {
        ("", "") => String::new(),
        (table, column) => format!("{table}.{column}"),
    };
    html! {
        fieldset.parameter {
            legend { "Tag " code { (name) } }
            input type="hidden" name={ (prefix) ".tag" } value=(name);
            div.pair {
                (form.choice("Type", &field("type"), kind, &TYPES))
                (form.text("Label", &field("display_name"), text(tag, "/display_name"), name))
                (form.text("Default", &field("default"), &shown(tag.get("default")), ""))
                @if matches!(kind, "dimension" | "temporal-unit") {
                    (form.text("Column", &field("dimension"), &column, "orders.city"))
                }
                @if kind == "dimension" { (form.choice("Filter", &field("widget_type"), text(tag, "/widget_type"), &FILTERS)) }
                (form.check("Needs a value", &field("required"), is_on(tag, "/required")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_of_the_sql_has_a_type() {
        let sql = "select {{a}} [[, {{ b }}]] from {{#12}} where {{snippet: s}} -- {{c}}";
        let query = read(
            &Fields::of(&[("q.sql", sql), ("q.tags.b.type", "number"), ("q.tags.b.default", "2")]),
            "q",
            None,
        );
        let b = json!({ "type": "number", "default": 2, "required": false });
        assert_eq!(query, json!({ "sql": sql, "tags": { "a": { "type": "text" }, "b": b } }));
    }

    #[test]
    fn the_tags_stay_while_the_sql_cannot_be_read() {
        let sent = [("q.sql", "select {{a"), ("q.tag", "a"), ("q.tags.a.type", "date")];
        let query = read(&Fields::of(&sent), "q", None);
        assert_eq!(query["tags"], json!({ "a": { "type": "date", "required": false } }));
    }

    #[test]
    fn a_member_without_a_field_stays() {
        let base = json!({ "sql": "", "snippets": { "s": "1" }, "tags": { "a": { "type": "dimension", "case_sensitive": false } } });
        let sent = [
            ("q.sql", "select {{a}}"),
            ("q.tags.a.type", "dimension"),
            ("q.tags.a.dimension", "orders.city"),
            ("q.tags.a.widget_type", "string/contains"),
            ("q.tags.a.default", "x, y"),
        ];
        let query = read(&Fields::of(&sent), "q", Some(&base));
        assert_eq!(query["snippets"], base["snippets"]);
        let tag = json!({
            "type": "dimension", "case_sensitive": false, "default": ["x", "y"], "required": false,
            "dimension": { "table": "orders", "column": "city" }, "widget_type": "string/contains",
        });
        assert_eq!(query["tags"]["a"], tag);
    }
}
