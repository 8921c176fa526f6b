//! The query that a request is about, among those of a resource.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Error, Reason, Result};
use crate::query::content::{DisplaySettings, ReactContent};
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
pub struct NamedQuery<'a> {
    /// One of the content's queries.
    pub query: Option<&'a str>,
    /// A card of a dashboard.
    pub card: Option<u64>,
    /// The question of one of the card's series.
    pub series: Option<u64>,
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
    pub fn of(content: Option<&'a Content>, questions: &'a CardQuestions, named: NamedQuery) -> Result<Self> {
        match (content, named) {
            (Some(Content::Question(question)), NamedQuery { query: None, card: None, series: None }) => {
                Ok(Self {
                    query: &question.query,
                    mapping: Mapping::SAME_NAMES,
                    title: None,
                    is_card: false,
                    shown_as: ShownAs::of(&question.display),
                    cache_seconds: cache_seconds(&question.settings),
                })
            }
            (Some(content), NamedQuery { query: Some(name), card: None, series: None }) => {
                let queries = content.named_queries().ok_or(Reason::QueryNotFound)?;
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
            (Some(content), NamedQuery { query: None, card: None, series: None })
                if content.named_queries().is_some_and(|queries| !queries.is_empty()) =>
            {
                Err(Error::invalid("query", "is required: the content has queries with names"))
            }
            (Some(Content::Dashboard(dashboard)), NamedQuery { query: None, card: Some(id), series }) => {
                let card = dashboard.card(id).ok_or(Reason::QueryNotFound)?;
                series.map_or_else(
                    || Self::of_card(card, questions),
                    |series| Self::of_series(card, series, questions),
                )
            }
            (Some(Content::Dashboard(_)), NamedQuery { query: None, card: None, series: None }) => {
                Err(Error::invalid("card", "is required: the content is a dashboard"))
            }
            _ => Err(Reason::QueryNotFound.into()),
        }
    }

    /// All queries of a resource, in their order.
    pub fn all(content: Option<&'a Content>, questions: &'a CardQuestions) -> Vec<Self> {
        let of = |named| Self::of(content, questions, named).ok();
        match content {
            Some(Content::Html { queries, .. } | Content::React(ReactContent { queries, .. })) => queries
                .keys()
                .filter_map(|name| of(NamedQuery { query: Some(name), ..NamedQuery::default() }))
                .collect(),
            Some(Content::Dashboard(dashboard)) => {
                let of_card = |card: &'a Card| {
                    let series = card.series.iter().map(|id| Self::of_series(card, *id, questions));
                    std::iter::once(Self::of_card(card, questions)).chain(series).flatten()
                };
                dashboard.cards.iter().flat_map(of_card).collect()
            }
            Some(Content::Question(_)) => of(NamedQuery::default()).into_iter().collect(),
            Some(Content::Url { .. }) | None => Vec::new(),
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

    /// The query of a question whose answer is drawn over the card's.
    fn of_series(card: &'a Card, series: u64, questions: &'a CardQuestions) -> Result<Self> {
        let is_there = card.series.contains(&series);
        let found = questions.get(series).filter(|_| is_there);
        let (resource, question) = found.ok_or(Reason::QueryNotFound)?;
        Ok(Self {
            query: &question.query,
            mapping: card.mapping(),
            title: Some(&resource.title),
            is_card: true,
            shown_as: ShownAs::Chart,
            cache_seconds: cache_seconds(&card.settings).or_else(|| cache_seconds(&question.settings)),
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
    use crate::clock::Timestamp;
    use crate::json::input;
    use crate::resource::Resource;
    use crate::resource::ids::{Deployment, Kind, PrimaryId};
    use serde_json::json;
    use std::sync::Arc;

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
            let chosen =
                ChosenQuery::of(content, &questions, NamedQuery { query: name, ..NamedQuery::default() });
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
            let chosen = ChosenQuery::of(Some(&question), &questions, NamedQuery::default()).unwrap();
            assert_eq!((chosen.page_rows(&settings), chosen.cache_seconds), (rows, seconds.as_i64()));
        }
    }

    fn question(number: u64, fields: Value) -> Arc<Resource> {
        let content = json!({"type": "question", "display": "bar", "settings": {"cache_seconds": 60}, "query": {
            "sql": "select {{city}} {{day}}",
            "tags": {"city": {"type": "text", "default": "Berlin"}, "day": {"type": "text"}},
        }});
        let input = input::read(json!({"title": format!("Q{number}"), "content": content})).unwrap();
        let (id, now) = (PrimaryId::Number(number), Timestamp::from_unix(0));
        let created = Resource::create(Kind::Question, id, None, input, Deployment::FIRST, now).unwrap();
        let mut document = serde_json::to_value(created).unwrap();
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Arc::new(serde_json::from_value(document).unwrap())
    }

    fn questions() -> CardQuestions {
        let other = Deployment::new(9).unwrap();
        let found = [
            question(1, json!({})),
            question(2, json!({"archived": true})),
            question(3, json!({"deployment": other})),
            question(4, json!({"content": {"type": "html", "html": ""}})),
        ];
        CardQuestions::of(found, Deployment::FIRST)
    }

    fn card(fields: Value) -> Value {
        let mut card = json!({"id": 1, "row": 0, "col": 0, "width": 1, "height": 1});
        card.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        card
    }

    #[test]
    fn a_card_of_a_dashboard_has_a_query_of_its_own_or_that_of_a_question() {
        let own = json!({"sql": "select 1"});
        let dashboard = content(json!({"type": "dashboard", "cards": [
            card(json!({"id": 1, "query": own, "title": "Own"})),
            card(json!({"id": 2, "question": 1})),
            card(json!({"id": 3, "question": 1, "title": "Mine", "display": "table", "settings": {"cache_seconds": 5}})),
            card(json!({"id": 4, "question": 2})),
            card(json!({"id": 5, "question": 3})),
            card(json!({"id": 6, "question": 4})),
            card(json!({"id": 7, "question": 99})),
            card(json!({"id": 8, "text": "select 1"})),
            card(json!({"id": 9, "heading": ""})),
            card(json!({"id": 10, "link": "https://example.com"})),
            card(json!({"id": 12, "query": own, "display": "line", "series": [1, 2], "parameters": {"town": "city"}})),
        ]}));
        let (questions, settings) = (questions(), QuerySettings::default());
        let chosen = |query, card| {
            ChosenQuery::of(Some(&dashboard), &questions, NamedQuery { query, card, series: None })
        };
        for (id, expected) in [
            (1, ("select 1", Some("Own"), 2_000, None)),
            (2, ("select {{city}} {{day}}", Some("Q1"), 10_000, Some(60))),
            (3, ("select {{city}} {{day}}", Some("Mine"), 2_000, Some(5))),
        ] {
            let chosen = chosen(None, Some(id)).unwrap();
            let rows = chosen.page_rows(&settings);
            assert_eq!(
                (chosen.query.sql.as_str(), chosen.title, rows, chosen.cache_seconds),
                expected,
                "{id}"
            );
        }
        for id in 4..=11 {
            assert_eq!(chosen(None, Some(id)).unwrap_err().reason, Reason::QueryNotFound, "{id}");
        }
        let series = |card, question| {
            let named = NamedQuery { query: None, card: Some(card), series: Some(question) };
            ChosenQuery::of(Some(&dashboard), &questions, named)
        };
        let drawn_over = series(12, 1).unwrap();
        assert_eq!((drawn_over.title, drawn_over.mapping.tag("town")), (Some("Q1"), Some("city")));
        assert_eq!((drawn_over.page_rows(&settings), drawn_over.cache_seconds), (10_000, Some(60)));
        // archived, not of the card, a card without series, a card that is not there
        for (card, question) in [(12, 2), (12, 4), (2, 1), (8, 1), (99, 1)] {
            assert_eq!(
                series(card, question).unwrap_err().reason,
                Reason::QueryNotFound,
                "{card} {question}"
            );
        }
        assert_eq!(chosen(Some("a"), Some(1)).unwrap_err().reason, Reason::QueryNotFound);
        assert_eq!(chosen(Some("a"), None).unwrap_err().reason, Reason::QueryNotFound);
        assert_eq!(chosen(None, None).unwrap_err().reason, Reason::RequestInvalid);
    }

    /// mapping, values and their defaults by slug -> the values of the tags `city` and `day`; `-` is a cleared one
    #[test]
    fn a_card_takes_the_values_of_the_parameters_that_are_mapped_to_its_tags() {
        let cases = [
            (
                json!(null),
                json!({"city": ["Rome", null], "day": ["1", null]}),
                vec![("city", "Rome"), ("day", "1")],
            ),
            (json!({}), json!({"city": ["Rome", null], "day": ["1", null]}), vec![]),
            (json!({"town": "city"}), json!({"city": ["Rome", null]}), vec![]),
            (
                json!({"town": "city"}),
                json!({"town": ["Rome", null], "day": ["1", null]}),
                vec![("city", "Rome")],
            ),
            (json!({"town": "street"}), json!({"town": ["Rome", null]}), vec![]),
            (
                json!({"a": "city", "b": "city"}),
                json!({"a": ["x", null], "b": ["y", null]}),
                vec![("city", "x y")],
            ),
            (
                json!({"a": "city", "b": "day"}),
                json!({"a": [null, null], "b": [null, "z"]}),
                vec![("day", "-")],
            ),
        ];
        let questions = questions();
        for (mapping, set, expected) in cases {
            let dashboard =
                json!({"type": "dashboard", "cards": [card(json!({"question": 1, "parameters": mapping}))]});
            let dashboard = content(dashboard);
            let named = NamedQuery { card: Some(1), ..NamedQuery::default() };
            let chosen = ChosenQuery::of(Some(&dashboard), &questions, named).unwrap();
            let (mut values, mut given, mut parameters) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
            for (slug, both) in set.as_object().unwrap() {
                values.extend(
                    both[0].as_str().map(|text| (slug.clone(), ParameterValue::Text(text.to_owned()))),
                );
                given.insert(slug.clone(), both[0].clone());
                let declared = json!({"slug": slug, "name": slug, "type": "text", "default": both[1]});
                parameters.push(input::read::<Parameter>(declared).unwrap());
            }
            let shown = |one: &GivenValue| match &one.value {
                Some(ParameterValue::Text(text)) => text.clone(),
                other => other.as_ref().map_or("-".to_owned(), |other| format!("{other:?}")),
            };
            let found = chosen.given_values(&values, &given, &parameters);
            let found: Vec<_> = found
                .iter()
                .map(|(tag, all)| (tag.as_str(), all.iter().map(shown).collect::<Vec<_>>().join(" ")))
                .collect();
            let found: Vec<_> = found.iter().map(|(tag, all)| (*tag, all.as_str())).collect();
            assert_eq!(found, expected, "{mapping} {set}");
        }
    }

    /// the tag's own word -> on a question, on a dashboard
    #[test]
    fn text_is_compared_without_regard_to_case_on_dashboards() {
        for (word, on_question, on_dashboard) in [
            (json!(null), None, Some(false)),
            (json!(true), None, Some(true)),
            (json!(false), None, Some(false)),
        ] {
            let tag = json!({
                "type": "dimension", "dimension": {"table": "t", "column": "c"}, "widget_type": "string/contains",
                "case_sensitive": word,
            });
            let query = json!({"sql": "select {{x}}", "tags": {"x": tag}});
            let values = BTreeMap::from([("x".to_owned(), ParameterValue::Text("a".to_owned()))]);
            let questions = CardQuestions::default();
            let of = |content: &Content, card| {
                let chosen =
                    ChosenQuery::of(Some(content), &questions, NamedQuery { card, ..NamedQuery::default() })
                        .unwrap();
                chosen.given_values(&values, &BTreeMap::new(), &[])["x"][0].case_sensitive
            };
            assert_eq!(
                of(&content(json!({"type": "question", "query": query})), None),
                on_question,
                "{word}"
            );
            let cards = json!([card(json!({"query": query}))]);
            assert_eq!(
                of(&content(json!({"type": "dashboard", "cards": cards})), Some(1)),
                on_dashboard,
                "{word}"
            );
        }
    }
}
