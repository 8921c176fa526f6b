//! Content as viewers receive it: without SQL, sources and tables.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::query::content::DisplaySettings;
use crate::query::definition::QueryDefinition;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::Content;
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
    pub(super) fn of(stored: &Content, questions: &CardQuestions, visible: &[VisibleParameter]) -> Self {
        match stored {
            Content::Html { html, queries } => {
                let viewed = |(name, query): (&String, _)| (name.clone(), ViewedQuery::of(query, visible));
                Self::Html { html: html.clone(), queries: queries.iter().map(viewed).collect() }
            }
            Content::Url { url } => Self::Url { url: url.clone() },
            Content::Question(question) => {
                Self::Question { display: question.display.clone(), settings: question.settings.clone() }
            }
            Content::Dashboard(dashboard) => {
                Self::Dashboard(ViewedDashboard::of(dashboard, questions, visible))
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
    use crate::json::input;
    use crate::resource::parameter::Parameter;
    use serde_json::{Value, json};

    fn viewed(stored: Value, visible: &[&str]) -> Value {
        let stored: Content = input::read(stored).unwrap();
        let shown = |slug: &&str| {
            let parameter: Parameter =
                input::read(json!({"slug": slug, "name": slug, "type": "text"})).unwrap();
            VisibleParameter { parameter, value: Value::Null }
        };
        let visible: Vec<_> = visible.iter().map(shown).collect();
        serde_json::to_value(ViewedContent::of(&stored, &CardQuestions::default(), &visible)).unwrap()
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
    }

    #[test]
    fn content_without_queries_is_shown_as_it_is_stored() {
        for form in
            [json!({"type": "html", "html": "<p>"}), json!({"type": "url", "url": "https://example.com/"})]
        {
            assert_eq!(viewed(form.clone(), &["city"]), form);
        }
    }
}
