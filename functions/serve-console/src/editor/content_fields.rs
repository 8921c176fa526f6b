//! The fields of content: of a question, of HTML with queries, and of a page elsewhere.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::{Map, Value, json};
use vitrine::rules::error::Issue;

use super::document::{list, members, set_text, shown, text};
use super::form::{Choice, EditorForm};
use super::{DISPLAYS, query_fields};
use crate::fields::Fields;

const MOST_QUERIES: usize = 60;
const SETTINGS: &str = "content.settings";

/// Settings with a field of their own: name, label, and whether they are lists.
const OWN: [(&str, &str, bool); 3] = [
    ("graph.dimensions", "Columns of the axis", true),
    ("graph.metrics", "Columns of the figures", true),
    ("stackable.stack_type", "Series", false),
];

const STACKS: [Choice<'static>; 3] =
    [("", "Side by side"), ("stacked", "Stacked"), ("normalized", "Stacked to 100 %")];

pub fn read_question(fields: &Fields, base: Option<&Value>, issues: &mut Vec<Issue>) -> Value {
    let mut content = members(base);
    content.insert("type".to_owned(), "question".into());
    let query = query_fields::read(fields, "content.query", content.get("query"));
    content.insert("query".to_owned(), query);
    content.insert("display".to_owned(), fields.text("content.display").into());
    let mut settings = match fields.text(SETTINGS) {
        "" => Map::new(),
        given => serde_json::from_str(given).unwrap_or_else(|_| {
            issues.push(Issue::new(SETTINGS, "must be an object of JSON"));
            Map::new()
        }),
    };
    for (name, _, is_list) in OWN {
        let given = fields.text(&format!("{SETTINGS}.{name}"));
        if given.is_empty() {
            continue;
        }
        let value = if is_list { list(given).collect::<Vec<_>>().into() } else { given.into() };
        settings.insert(name.to_owned(), value);
    }
    content.insert("settings".to_owned(), settings.into());
    content.into()
}

/// The fields of a question. A text of settings that is no JSON is shown as it was sent.
pub fn show_question(form: &EditorForm<'_>, content: &Value, sent_settings: Option<&str>) -> Markup {
    let mut settings = members(content.get("settings"));
    let own = OWN.map(|(name, label, _)| (name, label, shown(settings.remove(name).as_ref())));
    let rest = match sent_settings {
        Some(sent) => sent.to_owned(),
        None if settings.is_empty() => String::new(),
        None => serde_json::to_string_pretty(&settings).unwrap_or_default(),
    };
    let display = match text(content, "/display") {
        "" => "table",
        display => display,
    };
    html! {
        section {
            h2 { "Query" }
            (query_fields::show(form, "content.query", content.get("query").unwrap_or(&Value::Null)))
        }
        section {
            h2 { "Drawing" }
            div.pair {
                (form.choice("Drawn as", "content.display", display, &DISPLAYS))
                @for (name, label, value) in &own {
                    @let field = format!("{SETTINGS}.{name}");
                    @if *name == "stackable.stack_type" { (form.choice(label, &field, value, &STACKS)) }
                    @else { (form.text(label, &field, value, "names, with commas")) }
                }
            }
            (form.area("Other settings, as JSON", SETTINGS, &rest, 4, "{\"graph.show_goal\": true, \"graph.goal_value\": 100}"))
        }
    }
}

/// The content, over `base`. `stored` gets the name that each query has there.
pub fn read_html(
    fields: &Fields,
    base: Option<&Value>,
    stored: &mut BTreeMap<String, String>,
    issues: &mut Vec<Issue>,
) -> Value {
    let before = members(base.and_then(|base| base.get("queries")));
    let mut queries = Map::new();
    let rows = (0..MOST_QUERIES).map(|index| format!("content.queries.{index}"));
    for row in rows.take_while(|row| fields.has(&format!("{row}.name"))) {
        let name = fields.text(&format!("{row}.name"));
        if name.is_empty() && fields.text(&format!("{row}.sql")).is_empty() {
            continue;
        }
        let was = fields.text(&format!("{row}.was"));
        stored.insert(name.to_owned(), was.to_owned());
        let query = query_fields::read(fields, &row, before.get(was));
        if queries.insert(name.to_owned(), query).is_some() {
            issues.push(Issue::new(format!("content.queries.{name}"), "is used twice"));
        }
    }
    let mut content = json!({ "type": "html", "html": fields.exact("content.html") });
    if !queries.is_empty() {
        content["queries"] = queries.into();
    }
    content
}

pub fn show_html(form: &EditorForm<'_>, content: &Value, stored: &BTreeMap<String, String>) -> Markup {
    let queries = members(content.get("queries"));
    // The rows have numbers, so that a query can be renamed.
    let issues: Vec<Issue> = form.issues.iter().map(|issue| numbered(issue, &queries)).collect();
    let rows = EditorForm { issues: &issues };
    html! {
        section {
            h2 { "HTML" }
            (form.area("HTML and scripts of the page", "content.html", text(content, "/html"), 16, "<h1>Hello</h1>"))
            p.small { "It runs in a sandbox of its own. Its script asks for rows with " code { "vitrine.query(\"name\")" } "." }
        }
        section {
            h2 { "Queries" }
            @for (index, (name, query)) in queries.iter().enumerate() { (show_query(&rows, index, (name, stored.get(name).unwrap_or(name)), query)) }
            details open[queries.is_empty()] {
                summary { "Another query" }
                (show_query(&rows, queries.len(), ("", ""), &Value::Null))
            }
        }
    }
}

fn show_query(form: &EditorForm<'_>, index: usize, (name, was): (&str, &str), query: &Value) -> Markup {
    let prefix = format!("content.queries.{index}");
    html! {
        div.parameter role="group" aria-label={ "Query " (name) } {
            input type="hidden" name={ (prefix) ".was" } value=(was);
            (form.text("Name of the query", &format!("{prefix}.name"), name, "revenue"))
            (query_fields::show(form, &prefix, query))
        }
    }
}

fn numbered(issue: &Issue, queries: &Map<String, Value>) -> Issue {
    let below = issue.path.strip_prefix("content.queries.");
    let found = queries.keys().enumerate().find_map(|(index, name)| {
        let rest = below?.strip_prefix(name.as_str())?;
        let is_whole = rest.is_empty() || rest.starts_with('.');
        let rest = if rest.is_empty() { ".name" } else { rest };
        is_whole.then(|| format!("content.queries.{index}{rest}"))
    });
    Issue::new(found.unwrap_or_else(|| issue.path.clone()), issue.message.clone())
}

pub fn read_url(fields: &Fields) -> Value {
    let mut content = Map::new();
    content.insert("type".to_owned(), "url".into());
    set_text(&mut content, "url", fields.text("content.url"));
    content.entry("url").or_insert_with(|| "".into());
    content.into()
}

pub fn show_url(form: &EditorForm<'_>, content: &Value) -> Markup {
    html! {
        section {
            h2 { "Page" }
            (form.text("Address of the page", "content.url", text(content, "/url"), "https://reports.example.com/sales"))
            p.small { "A page of your own site, framed within the embed. It gets the values of the parameters as messages." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_their_own_fields_and_from_json() {
        let sent = [
            ("content.query.sql", "select 1"),
            ("content.display", "bar"),
            ("content.settings", "{\"graph.goal_value\": 3}"),
            ("content.settings.graph.dimensions", "month, city"),
            ("content.settings.stackable.stack_type", "stacked"),
        ];
        let mut issues = Vec::new();
        let content = read_question(&Fields::of(&sent), None, &mut issues);
        let settings = json!({ "graph.goal_value": 3, "graph.dimensions": ["month", "city"], "stackable.stack_type": "stacked" });
        assert_eq!((content["settings"].clone(), issues), (settings, vec![]));
        let mut issues = Vec::new();
        read_question(&Fields::of(&[("content.settings", "[1]")]), None, &mut issues);
        assert_eq!(issues[0].path, "content.settings");
    }

    #[test]
    fn a_query_is_renamed_and_one_without_a_name_and_text_is_left_out() {
        let base = json!({ "queries": { "old": { "sql": "select 1", "snippets": { "s": "2" } } } });
        let sent = [
            ("content.html", "<p>"),
            ("content.queries.0.name", "new"),
            ("content.queries.0.was", "old"),
            ("content.queries.0.sql", "select 2"),
            ("content.queries.1.name", ""),
            ("content.queries.1.sql", ""),
        ];
        let mut issues = Vec::new();
        let mut stored = BTreeMap::new();
        let content = read_html(&Fields::of(&sent), Some(&base), &mut stored, &mut issues);
        assert_eq!(stored["new"], "old", "the next form knows it as well");
        let query = json!({ "sql": "select 2", "snippets": { "s": "2" }, "tags": {} });
        assert_eq!(content, json!({ "type": "html", "html": "<p>", "queries": { "new": query } }));
    }

    #[test]
    fn a_problem_of_a_query_is_at_the_fields_of_its_row() {
        let queries = members(Some(&json!({ "a": {}, "b": {} })));
        for (path, expected) in [
            ("content.queries.b.sql", "content.queries.1.sql"),
            ("content.queries.b", "content.queries.1.name"),
            ("content.queries.c.sql", "content.queries.c.sql"),
            ("content.html", "content.html"),
        ] {
            assert_eq!(numbered(&Issue::new(path, "x"), &queries).path, expected);
        }
    }
}
