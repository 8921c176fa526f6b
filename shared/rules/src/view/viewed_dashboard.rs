//! Dashboards as viewers receive them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::query::content::DisplaySettings;
use crate::query::definition::QueryDefinition;
use crate::resource::card_questions::CardQuestions;
use crate::resource::dashboard::{Card, CardBody, DashboardContent, Tab};
use crate::view::resolve_parameters::VisibleParameter;

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
}

impl ViewedDashboard {
    /// Each part is taken over by name, so that a new field of stored content stays with its owner.
    pub(super) fn of(
        stored: &DashboardContent,
        questions: &CardQuestions,
        visible: &[VisibleParameter],
    ) -> Self {
        let cards = stored.cards.iter().map(|card| ViewedCard::of(card, questions, visible));
        Self { tabs: stored.tabs.clone(), cards: cards.collect() }
    }
}

impl ViewedCard {
    fn of(card: &Card, questions: &CardQuestions, visible: &[VisibleParameter]) -> Self {
        let with = |name: &str, value: Value| {
            let mut settings = card.settings.0.clone();
            settings.insert(name.to_owned(), value);
            DisplaySettings(settings)
        };
        let reaching = |query: &QueryDefinition| {
            let slugs = visible.iter().map(|shown| shown.parameter.slug.as_str());
            let sets = |slug: &&str| card.mapping().tag(slug).is_some_and(|tag| query.tags.contains_key(tag));
            slugs.filter(sets).map(|slug| (slug.to_owned(), true)).collect()
        };
        let display = |of_question: Option<&String>| {
            card.display.as_ref().or(of_question).map_or("table", String::as_str).to_owned()
        };
        let title = card.title.clone();
        let (display, settings, title, parameters) = match &card.body {
            CardBody::Text(text) => ("text".to_owned(), with("text", text.as_str().into()), title, None),
            CardBody::Heading(text) => {
                ("heading".to_owned(), with("text", text.as_str().into()), title, None)
            }
            CardBody::Link(url) => {
                let mut link = Map::from_iter([("url".to_owned(), url.as_str().into())]);
                link.extend(title.as_ref().map(|title| ("text".to_owned(), title.as_str().into())));
                ("link".to_owned(), with("link", link.into()), title, None)
            }
            CardBody::Query(query) => (display(None), card.settings.clone(), title, Some(reaching(query))),
            CardBody::Question(id) => match questions.get(*id) {
                Some((resource, question)) => (
                    display(Some(&question.display)),
                    card.settings.over(&question.settings),
                    title.or_else(|| Some(resource.title.clone())),
                    Some(reaching(&question.query)),
                ),
                // The card stays in its place, and its answer is refused.
                None => (display(None), card.settings.clone(), title, Some(BTreeMap::new())),
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
        }
    }
}
