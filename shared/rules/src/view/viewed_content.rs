//! Content as viewers receive it: without SQL, sources and tables.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::query::content::{DisplaySettings, ReactContent};
use crate::query::definition::QueryDefinition;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::Content;
use crate::view::card_text::TextValues;
use crate::view::resolve_parameters::VisibleParameter;
use crate::view::viewed_dashboard::ViewedDashboard;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ViewedContent {
    /// HTML and scripts of the owner, run in a nested sandbox that cannot reach the page around it.
    Html {
        html: String,
        /// The queries that its script can ask for, by name.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "openapi", schema(required = false))]
        queries: BTreeMap<String, ViewedQuery>,
    },
    /// A component of React, compiled to a module for the same sandbox.
    React {
        code: String,
        /// The version of the page's modules that it imports.
        runtime: u32,
        /// The queries that its hooks can ask for, by name.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "openapi", schema(required = false))]
        queries: BTreeMap<String, ViewedQuery>,
    },
    /// A page on the owner's own site.
    Url { url: String },
    /// The drawing of a query's answer.
    Question {
        display: String,
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        settings: DisplaySettings,
    },
    /// Cards, each with its place and with the drawing of its answer.
    Dashboard(ViewedDashboard),
}

/// A query of the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewedQuery {
    /// The slugs of the parameters that the viewer may set for it.
    pub parameters: Vec<String>,
}

impl ViewedContent {
    /// Each part is taken over by name, so that a new field of stored content stays with its owner.
    pub(super) fn of(stored: &Content, questions: &CardQuestions, values: &TextValues<'_>) -> Self {
        let viewed = |(name, query): (&String, _)| (name.clone(), ViewedQuery::of(query, values.visible));
        match stored {
            Content::Html { html, queries } => {
                Self::Html { html: html.clone(), queries: queries.iter().map(viewed).collect() }
            }
            Content::React(ReactContent { source: _, code, runtime, queries }) => Self::React {
                code: code.clone(),
                runtime: *runtime,
                queries: queries.iter().map(viewed).collect(),
            },
            Content::Url { url } => Self::Url { url: url.clone() },
            Content::Question(question) => {
                Self::Question { display: question.display.clone(), settings: question.settings.clone() }
            }
            Content::Dashboard(dashboard) => {
                Self::Dashboard(ViewedDashboard::of(dashboard, questions, values))
            }
        }
    }
}

impl ViewedQuery {
    fn of(query: &QueryDefinition, visible: &[VisibleParameter]) -> Self {
        let slugs = visible.iter().map(|shown| &shown.parameter.slug);
        Self { parameters: slugs.filter(|slug| query.tags.contains_key(*slug)).cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::json::input;
    use crate::resource::Resource;
    use crate::resource::ids::{Deployment, Kind, PrimaryId};
    use crate::resource::parameter::Parameter;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn viewed(stored: Value, visible: &[&str]) -> Value {
        let stored: Content = input::read(stored).unwrap();
        let shown = |slug: &&str| {
            let parameter: Parameter =
                input::read(json!({"slug": slug, "name": slug, "type": "text"})).unwrap();
            VisibleParameter { parameter, value: Value::Null, range: false }
        };
        let visible: Vec<_> = visible.iter().map(shown).collect();
        let given = BTreeMap::new();
        let values = TextValues { visible: &visible, declared: &[], given: &given };
        serde_json::to_value(ViewedContent::of(&stored, &CardQuestions::default(), &values)).unwrap()
    }

    fn query() -> Value {
        let dimension = json!({"table": "canary_table", "column": "canary_column"});
        json!({
            "sql": "select 'canary' from orders where {{city}} and a = {{locked}} and b = {{own}}",
            "source": "canary-source",
            "tags": {
                "city": {"type": "dimension", "dimension": dimension, "display_name": "canary", "default": "canary"},
                "locked": {"type": "text", "default": "canary"},
                "own": {"type": "text"},
            },
        })
    }

    #[test]
    fn a_viewer_sees_neither_sql_nor_tables_nor_tags() {
        let question = json!({"type": "question", "query": query(), "display": "bar", "settings": {"a": 1}});
        assert_eq!(
            viewed(question, &["city", "own"]),
            json!({"type": "question", "display": "bar", "settings": {"a": 1}})
        );
        let html =
            json!({"type": "html", "html": "<p>", "queries": {"total": query(), "all": {"sql": "select 1"}}});
        let shown = viewed(html, &["city", "own", "other"]);
        let queries = json!({"all": {"parameters": []}, "total": {"parameters": ["city", "own"]}});
        assert_eq!(shown, json!({"type": "html", "html": "<p>", "queries": queries}));
        assert!(!shown.to_string().contains("canary"));
        let react = json!({"type": "react", "source": "canary", "code": "mount()", "runtime": 1, "queries": {"total": query(), "all": {"sql": "select 1"}}});
        let shown = viewed(react, &["city", "own", "other"]);
        assert_eq!(shown, json!({"type": "react", "code": "mount()", "runtime": 1, "queries": queries}));
    }

    #[test]
    fn content_without_queries_is_shown_as_it_is_stored() {
        for form in
            [json!({"type": "html", "html": "<p>"}), json!({"type": "url", "url": "https://example.com/"})]
        {
            assert_eq!(viewed(form.clone(), &["city"]), form);
        }
    }

    fn question(number: u64) -> Arc<Resource> {
        let content = json!({
            "type": "question", "query": query(), "display": "bar",
            "settings": {"a": 1, "b": 1, "column_settings": {"x": 1, "y": 1}},
        });
        let input =
            input::read(json!({"title": "Orders", "description": "canary", "content": content})).unwrap();
        let (id, now) = (PrimaryId::Number(number), Timestamp::from_unix(0));
        Arc::new(Resource::create(Kind::Question, id, None, input, Deployment::FIRST, now).unwrap())
    }

    #[test]
    fn a_viewer_sees_the_cards_of_a_dashboard_and_nothing_behind_them() {
        let card = |fields: Value| {
            let mut card =
                json!({"id": 1, "row": 2, "col": 3, "width": 4, "height": 5, "extra": {"a": "canary"}});
            card.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            card
        };
        // card -> the viewer's, without its place
        let cases = [
            (
                json!({"question": 1}),
                json!({
                    "title": "Orders", "display": "bar", "parameters": {"city": true, "own": true},
                    "settings": {"a": 1, "b": 1, "column_settings": {"x": 1, "y": 1}},
                }),
            ),
            (
                json!({
                    "question": 1, "title": "", "display": "line", "parameters": {"city": "own", "locked": "city", "own": "canary"},
                    "settings": {"b": 2, "column_settings": {"y": 2}},
                }),
                json!({
                    "title": "", "display": "line", "parameters": {"city": true},
                    "settings": {"a": 1, "b": 2, "column_settings": {"x": 1, "y": 2}},
                }),
            ),
            (
                json!({"question": 2, "title": "Gone", "settings": {"a": 1}}),
                json!({"title": "Gone", "display": "table", "settings": {"a": 1}, "parameters": {}}),
            ),
            (
                json!({"query": query()}),
                json!({"display": "table", "settings": {}, "parameters": {"city": true, "own": true}}),
            ),
            (
                json!({"query": query(), "display": "pie", "parameters": {}}),
                json!({"display": "pie", "settings": {}, "parameters": {}}),
            ),
            (
                json!({"text": "# Hi", "settings": {"text.align_horizontal": "center", "text": "old"}}),
                json!({"display": "text", "settings": {"text.align_horizontal": "center", "text": "# Hi"}}),
            ),
            (json!({"heading": "Hi"}), json!({"display": "heading", "settings": {"text": "Hi"}})),
            (
                json!({"text": "{{locked}} {{city}}"}),
                json!({"display": "text", "settings": {"text": "{{locked}} {{city}}"}}),
            ),
            (
                json!({"text": "{{a}} [[{{b}}]]", "parameters": {"locked": "a", "city": "b"}}),
                json!({"display": "text", "settings": {"text": "\\<Acme\\> [[{{city}}]]"}}),
            ),
            (
                json!({"heading": "{{a}}", "parameters": {"locked": "a"}}),
                json!({"display": "heading", "settings": {"text": "<Acme>"}}),
            ),
            (
                json!({"link": "https://example.com/{{a}}", "title": "{{a}}", "parameters": {"locked": "a"}}),
                json!({"display": "link", "title": "<Acme>", "settings": {"link": {"url": "https://example.com/%3CAcme%3E", "text": "<Acme>"}}}),
            ),
            (
                json!({"query": {"sql": "select 1"}, "series": [1, 2]}),
                json!({
                    "display": "table", "settings": {}, "parameters": {"city": true, "own": true},
                    "series": [
                        {"question": 1, "title": "Orders", "display": "bar", "settings": {"a": 1, "b": 1, "column_settings": {"x": 1, "y": 1}}},
                        {"question": 2, "display": "table", "settings": {}},
                    ],
                }),
            ),
            (
                json!({"link": "https://example.com/", "title": "More"}),
                json!({"display": "link", "title": "More", "settings": {"link": {"url": "https://example.com/", "text": "More"}}}),
            ),
        ];
        let questions = CardQuestions::of([question(1)], Deployment::FIRST);
        let city: Parameter = input::read(json!({"slug": "city", "name": "City", "type": "text"})).unwrap();
        let own = Parameter { slug: "own".to_owned(), ..city.clone() };
        let locked = Parameter { slug: "locked".to_owned(), ..city.clone() };
        let declared = [city.clone(), own.clone(), locked];
        let visible =
            [city, own].map(|parameter| VisibleParameter { parameter, value: Value::Null, range: false });
        let given = BTreeMap::from([("locked".to_owned(), json!("<Acme>"))]);
        let values = TextValues { visible: &visible, declared: &declared, given: &given };
        for (fields, expected) in cases {
            let stored =
                json!({"type": "dashboard", "cards": [card(fields.clone())], "extra": {"a": "canary"}});
            let stored: Content = input::read(stored).unwrap();
            let shown = serde_json::to_value(ViewedContent::of(&stored, &questions, &values)).unwrap();
            let mut all = json!({"id": 1, "row": 2, "col": 3, "width": 4, "height": 5});
            all.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
            assert_eq!(shown, json!({"type": "dashboard", "cards": [all]}), "{fields}");
            assert!(!shown.to_string().contains("canary"), "{shown}");
        }
        let tabs = json!([{"id": 2, "name": "Second"}]);
        let cards = json!([card(json!({"heading": "", "tab": 2}))]);
        let shown = viewed(json!({"type": "dashboard", "tabs": tabs, "cards": cards}), &[]);
        assert_eq!((&shown["tabs"], &shown["cards"][0]["tab"]), (&tabs, &json!(2)));
    }
}
