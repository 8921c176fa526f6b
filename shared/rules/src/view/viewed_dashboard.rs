//! Dashboards as viewers receive them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::query::content::DisplaySettings;
use crate::query::definition::QueryDefinition;
use crate::resource::card_questions::CardQuestions;
use crate::resource::dashboard::{Card, CardBody, DashboardContent, Tab};
use crate::view::card_text::{TextForm, TextValues};

/// Cards on a grid of 24 columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewedDashboard {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub tabs: Vec<Tab>,
    pub cards: Vec<ViewedCard>,
}

/// A card as viewers receive it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewedCard {
    pub id: u64,
    pub row: u16,
    pub col: u16,
    pub width: u16,
    pub height: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tab: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `text`, `heading` and `link` are drawn from their settings, every other display from an answer.
    pub display: String,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: DisplaySettings,
    /// For a card with an answer: the parameters that the viewer may set and that reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, bool>>,
    /// Questions whose answers are drawn over its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub series: Vec<ViewedSeries>,
}

/// A question whose answer is drawn over that of a card.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewedSeries {
    /// Its number, with which its answer is asked for.
    pub question: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub display: String,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: DisplaySettings,
}

impl ViewedSeries {
    /// A question that is not there keeps its place, and its answer is refused.
    fn of(question: u64, questions: &CardQuestions) -> Self {
        let found = questions.get(question);
        Self {
            question,
            title: found.map(|(resource, _)| resource.title.clone()),
            display: found.map_or_else(|| "table".to_owned(), |(_, content)| content.display.clone()),
            settings: found.map(|(_, content)| content.settings.clone()).unwrap_or_default(),
        }
    }
}

impl ViewedDashboard {
    /// Each part is taken over by name, so that a new field of stored content stays with its owner.
    pub(super) fn of(stored: &DashboardContent, questions: &CardQuestions, values: &TextValues<'_>) -> Self {
        let cards = stored.cards.iter().map(|card| ViewedCard::of(card, questions, values));
        Self { tabs: stored.tabs.clone(), cards: cards.collect() }
    }
}

impl ViewedCard {
    fn of(card: &Card, questions: &CardQuestions, values: &TextValues<'_>) -> Self {
        let fill = |text: &str, form| values.fill(text, card.parameters.as_deref(), form);
        let with = |name: &str, value: Value| {
            let mut settings = card.settings.0.clone();
            settings.insert(name.to_owned(), value);
            DisplaySettings(settings)
        };
        let of_series = || card.series.iter().filter_map(|id| Some(&questions.get(*id)?.1.query));
        let reaching = |own: Option<&QueryDefinition>| {
            let slugs = values.visible.iter().map(|shown| shown.parameter.slug.as_str());
            let sets = |slug: &&str| {
                let has = |tag: &str| {
                    own.is_some_and(|query| query.tags.contains_key(tag))
                        || of_series().any(|query| query.tags.contains_key(tag))
                };
                card.mapping().tag(slug).is_some_and(has)
            };
            slugs.filter(sets).map(|slug| (slug.to_owned(), true)).collect()
        };
        let display = |of_question: Option<&String>| {
            card.display.as_ref().or(of_question).map_or("table", String::as_str).to_owned()
        };
        let title = card.title.clone();
        let (display, settings, title, parameters) = match &card.body {
            CardBody::Text(text) => {
                ("text".to_owned(), with("text", fill(text, TextForm::Markdown).into()), title, None)
            }
            CardBody::Heading(text) => {
                ("heading".to_owned(), with("text", fill(text, TextForm::Plain).into()), title, None)
            }
            CardBody::Link(url) => {
                let title = title.map(|title| fill(&title, TextForm::Plain));
                let mut link = Map::from_iter([("url".to_owned(), fill(url, TextForm::Url).into())]);
                link.extend(title.as_ref().map(|title| ("text".to_owned(), title.as_str().into())));
                ("link".to_owned(), with("link", link.into()), title, None)
            }
            CardBody::Query(query) => {
                (display(None), card.settings.clone(), title, Some(reaching(Some(query))))
            }
            CardBody::Question(id) => match questions.get(*id) {
                Some((resource, question)) => (
                    display(Some(&question.display)),
                    card.settings.over(&question.settings),
                    title.or_else(|| Some(resource.title.clone())),
                    Some(reaching(Some(&question.query))),
                ),
                // The card stays in its place, and its answer is refused.
                None => (display(None), card.settings.clone(), title, Some(reaching(None))),
            },
        };
        Self {
            id: card.id,
            row: card.row,
            col: card.col,
            width: card.width,
            height: card.height,
            tab: card.tab,
            title,
            display,
            settings,
            parameters,
            series: card.series.iter().map(|id| ViewedSeries::of(*id, questions)).collect(),
        }
    }
}
