//! The query that a request is about, among those of a resource.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Error, Reason, Result};
use crate::query::content::DisplaySettings;
use crate::query::definition::QueryDefinition;
use crate::query::mapping::Mapping;
use crate::query::prepare::{GivenValue, GivenValues};
use crate::query_settings::QuerySettings;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::Content;
use crate::resource::dashboard::{Card, CardBody};
use crate::resource::parameter::Parameter;
use crate::resource::parameter_value::ParameterValue;

/// The names of a query in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named<'a> {
    /// One of the content's queries.
    pub query: Option<&'a str>,
    /// A card of a dashboard.
    pub card: Option<u64>,
}

/// A query of a resource, and the use of its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChosenQuery<'a> {
    pub query: &'a QueryDefinition,
    /// The parameters of the resource that set its tags.
    pub mapping: Mapping<'a>,
    /// The title of its card.
    pub title: Option<&'a str>,
    is_card: bool,
    shown_as: ShownAs,
    /// The age at which its answer is computed again, if its author sets one.
    pub cache_seconds: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShownAs {
    Table,
    Chart,
}

/// Displays that show rows as they are.
const TABLES: [&str; 4] = ["table", "object", "list", "pivot"];

/// The setting of a question with the age of its answers, in seconds.
const CACHE_SECONDS: &str = "cache_seconds";

impl<'a> ChosenQuery<'a> {
    /// Chooses a query by the name that a script gives it, the one of a dashboard's card, or the only one of a question.
    pub fn of(content: Option<&'a Content>, questions: &'a CardQuestions, named: Named) -> Result<Self> {
        match (content, named) {
            (Some(Content::Question(question)), Named { query: None, card: None }) => Ok(Self {
                query: &question.query,
                mapping: Mapping::SAME_NAMES,
                title: None,
                is_card: false,
                shown_as: ShownAs::of(&question.display),
                cache_seconds: cache_seconds(&question.settings),
            }),
            (Some(Content::Html { queries, .. }), Named { query: Some(name), card: None }) => {
                let query = queries.get(name).ok_or(Reason::QueryNotFound)?;
                Ok(Self {
                    query,
                    mapping: Mapping::SAME_NAMES,
                    title: None,
                    is_card: false,
                    shown_as: ShownAs::Chart,
                    cache_seconds: None,
                })
            }
            (Some(Content::Html { queries, .. }), Named { query: None, card: None })
                if !queries.is_empty() =>
            {
                Err(Error::invalid("query", "is required: the content has queries with names"))
            }
            (Some(Content::Dashboard(dashboard)), Named { query: None, card: Some(id) }) => {
                Self::of_card(dashboard.card(id).ok_or(Reason::QueryNotFound)?, questions)
            }
            (Some(Content::Dashboard(_)), Named { query: None, card: None }) => {
                Err(Error::invalid("card", "is required: the content is a dashboard"))
            }
            _ => Err(Reason::QueryNotFound.into()),
        }
    }

    fn of_card(card: &'a Card, questions: &'a CardQuestions) -> Result<Self> {
        let own_seconds = cache_seconds(&card.settings);
        let (query, title, display, cache_seconds) = match &card.body {
            CardBody::Query(query) => (query, None, None, own_seconds),
            CardBody::Question(id) => {
                let (resource, question) = questions.get(*id).ok_or(Reason::QueryNotFound)?;
                let seconds = own_seconds.or_else(|| cache_seconds(&question.settings));
                (&question.query, Some(resource.title.as_str()), Some(&question.display), seconds)
            }
            CardBody::Text(_) | CardBody::Heading(_) | CardBody::Link(_) => {
                return Err(Reason::QueryNotFound.into());
            }
        };
        let display = card.display.as_ref().or(display);
        Ok(Self {
            query,
            mapping: card.mapping(),
            title: card.title.as_deref().or(title),
            is_card: true,
            shown_as: display.map_or(ShownAs::Table, |display| ShownAs::of(display)),
            cache_seconds,
        })
    }

    /// The values of its tags by the values of an opened view. A tag decides how its parameter is compared, whatever the
    /// type that the resource declares for it.
    ///
    /// On a dashboard a parameter without value or default leaves the tag as the question has it, and text is compared
    /// without regard to case unless the tag says otherwise.
    pub fn given_values(
        &self,
        values: &BTreeMap<String, ParameterValue>,
        given: &BTreeMap<String, Value>,
        parameters: &[Parameter],
    ) -> GivenValues {
        let has_default = |slug: &str| {
            parameters.iter().any(|parameter| parameter.slug == slug && parameter.default.is_some())
        };
        let mut all = GivenValues::new();
        for (name, tag) in self.query.tags.iter() {
            let Some(kind) = tag.parameter_type() else { continue };
            let of_parameter = |slug: &str| {
                let value = values.get(slug).cloned();
                let is_cleared = given.contains_key(slug) && (!self.is_card || has_default(slug));
                let is_loose = self.is_card && kind.is_text_operator();
                let case_sensitive = is_loose.then(|| tag.case_sensitive.unwrap_or(false));
                (value.is_some() || is_cleared).then_some(GivenValue { kind, value, case_sensitive })
            };
            let set: Vec<_> = self.mapping.setters(name).into_iter().filter_map(of_parameter).collect();
            if !set.is_empty() {
                all.insert(name.clone(), set);
            }
        }
        all
    }

    /// The most rows of its answer on a page.
    pub const fn page_rows(&self, settings: &QuerySettings) -> usize {
        match self.shown_as {
            ShownAs::Table => settings.table_rows,
            ShownAs::Chart => settings.chart_rows,
        }
    }
}

impl ShownAs {
    fn of(display: &str) -> Self {
        if TABLES.contains(&display) { Self::Table } else { Self::Chart }
    }
}

fn cache_seconds(settings: &DisplaySettings) -> Option<i64> {
    settings.0.get(CACHE_SECONDS).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    fn content(value: Value) -> Content {
        input::read(value).unwrap()
    }

    #[test]
    fn a_question_has_one_query_and_content_with_names_needs_one() {
        let sql = |sql: &str| json!({"sql": sql});
        let question = content(json!({"type": "question", "query": sql("select 1")}));
        let html = content(json!({"type": "html", "html": "", "queries": {"a": sql("select 2")}}));
        let plain = content(json!({"type": "html", "html": ""}));
        let cases = [
            (Some(&question), None, Ok("select 1")),
            (Some(&question), Some("a"), Err(Reason::QueryNotFound)),
            (Some(&html), Some("a"), Ok("select 2")),
            (Some(&html), Some("b"), Err(Reason::QueryNotFound)),
            (Some(&html), None, Err(Reason::RequestInvalid)),
            (Some(&plain), None, Err(Reason::QueryNotFound)),
            (Some(&plain), Some("a"), Err(Reason::QueryNotFound)),
            (None, None, Err(Reason::QueryNotFound)),
        ];
        let questions = CardQuestions::default();
        for (content, name, expected) in cases {
            let chosen = ChosenQuery::of(content, &questions, Named { query: name, card: None });
            let sql = chosen.map(|chosen| chosen.query.sql.as_str()).map_err(|error| error.reason);
            assert_eq!(sql, expected, "{content:?} {name:?}");
        }
    }

    #[test]
    fn tables_have_fewer_rows_than_charts() {
        let settings = QuerySettings::default();
        for (display, seconds, rows) in
            [("table", json!(60), 2_000), ("pivot", json!(null), 2_000), ("bar", json!("x"), 10_000)]
        {
            let question = content(json!({
                "type": "question", "query": {"sql": "select 1"}, "display": display,
                "settings": {"cache_seconds": seconds},
            }));
            let questions = CardQuestions::default();
            let chosen = ChosenQuery::of(Some(&question), &questions, Named::default()).unwrap();
            assert_eq!((chosen.page_rows(&settings), chosen.cache_seconds), (rows, seconds.as_i64()));
        }
    }
}
