//! The queries of content that are checked, each with its place in the request.

use std::collections::BTreeMap;

use crate::error::Issue;
use crate::query::content::DisplaySettings;
use crate::query::definition::QueryDefinition;
use crate::query::mapping::Mapping;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::{Content, PlacedQuery};
use crate::resource::dashboard::{Card, CardBody};
use crate::text::quoted;

use super::CONTENT;

const NO_QUESTION: &str = "is not a question with a query in the dashboard's deployment";

/// A query that is checked before its resource is published.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedQuery<'a> {
    pub path: String,
    /// The path of the report: cards that show the same question share one.
    pub report: String,
    pub query: &'a QueryDefinition,
    pub mapping: Mapping<'a>,
    /// The name of its card, if it has one.
    card: Option<String>,
    /// The query is stored with a question, so that the request has no field of its parts.
    is_elsewhere: bool,
    /// Its card asks several queries, so what it lacks another may have.
    pub is_one_of_several: bool,
    pub drawing: Option<Drawing<'a>>,
}

/// The drawing of a query's answer, as the request has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawing<'a> {
    pub display: Option<&'a str>,
    pub settings: &'a DisplaySettings,
}

impl<'a> CheckedQuery<'a> {
    /// The queries of content and of the questions that it shows, with an issue for each question that is not there.
    pub fn all(content: Option<&'a Content>, questions: &'a CardQuestions) -> (Vec<Self>, Vec<Issue>) {
        let Some(content) = content else { return (Vec::new(), Vec::new()) };
        let Content::Dashboard(dashboard) = content else {
            let drawing = match content {
                Content::Question(question) => {
                    Some(Drawing { display: Some(&question.display), settings: &question.settings })
                }
                _ => None,
            };
            let plain = |PlacedQuery { path, query, mapping }| Self {
                report: path.clone(),
                path,
                query,
                mapping,
                card: None,
                is_elsewhere: false,
                is_one_of_several: false,
                drawing,
            };
            return (content.queries(CONTENT).into_iter().map(plain).collect(), Vec::new());
        };
        let (mut queries, mut issues) = (Vec::new(), Vec::new());
        let mut first: BTreeMap<u64, String> = BTreeMap::new();
        for (index, card) in dashboard.cards.iter().enumerate() {
            let at = format!("{CONTENT}.cards[{index}]");
            let drawing = Some(Drawing { display: card.display.as_deref(), settings: &card.settings });
            let mapping = card.mapping();
            let is_one_of_several = !card.series.is_empty();
            match &card.body {
                CardBody::Query(query) => {
                    let (path, card) = (format!("{at}.query"), Some(label(card, None)));
                    queries.push(Self {
                        report: path.clone(),
                        path,
                        query,
                        mapping,
                        card,
                        is_elsewhere: false,
                        is_one_of_several,
                        drawing,
                    });
                }
                CardBody::Question(id) => match questions.get(*id) {
                    Some((question, content)) => queries.push(Self {
                        report: first.entry(*id).or_insert_with(|| format!("{at}.question")).clone(),
                        path: format!("{at}.question"),
                        query: &content.query,
                        mapping,
                        card: Some(label(card, Some(&question.title))),
                        is_elsewhere: true,
                        is_one_of_several,
                        drawing,
                    }),
                    None => issues.push(Issue::new(format!("{at}.question"), NO_QUESTION)),
                },
                CardBody::Text(_) | CardBody::Heading(_) | CardBody::Link(_) => {}
            }
            for (place, id) in card.series.iter().enumerate() {
                let path = format!("{at}.series[{place}]");
                match questions.get(*id) {
                    Some((question, content)) => queries.push(Self {
                        report: first.entry(*id).or_insert_with(|| path.clone()).clone(),
                        path,
                        query: &content.query,
                        mapping,
                        card: Some(format!(
                            "{}: {}",
                            label(card, own_title(card, questions)),
                            question.title
                        )),
                        is_elsewhere: true,
                        is_one_of_several,
                        drawing: None,
                    }),
                    None => issues.push(Issue::new(path, NO_QUESTION)),
                }
            }
        }
        (queries, issues)
    }

    /// An issue about a part of the query.
    pub fn issue(&self, part: &str, message: impl Into<String>) -> Issue {
        let path = if self.is_elsewhere { self.path.clone() } else { format!("{}.{part}", self.path) };
        Issue::new(path, message)
    }

    /// An issue about a tag of the query.
    pub fn tag_issue(&self, tag: &str, message: &str) -> Issue {
        let message = if self.is_elsewhere {
            format!("the tag `{}` {message}", quoted(tag))
        } else {
            message.to_owned()
        };
        self.issue(&format!("tags.{tag}"), message)
    }

    /// An issue that the engine found.
    pub fn found(&self, issue: Issue) -> Issue {
        if self.is_elsewhere { Issue { path: self.path.clone(), ..issue } } else { issue }
    }

    /// Returns whether the query is stored with a question.
    pub const fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Parameters that set no tag of a question. Those of a query of the card's own are no content.
    pub fn stray_mappings(&self) -> Vec<Issue> {
        let is_stray = |tag: &&str| !self.is_one_of_several && !self.query.tags.contains_key(*tag);
        let stray = self.mapping.named_tags().filter(is_stray);
        let message = |tag| format!("has no tag `{}`, which `parameters` names", quoted(tag));
        stray.map(|tag| Issue::new(self.path.clone(), message(tag))).collect()
    }

    /// The subject of a sentence about the query.
    pub fn subject(&self) -> String {
        self.card.as_ref().map(|card| format!("the card `{}` ", quoted(card))).unwrap_or_default()
    }

    /// The place of the drawing in the request.
    pub fn drawn_at(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }
}

fn own_title<'a>(card: &Card, questions: &'a CardQuestions) -> Option<&'a str> {
    card.question().and_then(|id| questions.get(id)).map(|(question, _)| question.title.as_str())
}

fn label(card: &Card, question: Option<&str>) -> String {
    let title = card.title.as_deref().or(question).filter(|title| !title.trim().is_empty());
    title.map_or_else(|| card.id.to_string(), str::to_owned)
}
