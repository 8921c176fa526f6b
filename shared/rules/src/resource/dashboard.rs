//! The content of a dashboard: cards with figures and texts, on a grid of 24 columns.

use std::collections::BTreeSet;

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::error::Issue;
use crate::json::input::{Invalid, Wrong};
use crate::json::named::Named;
use crate::query::content::{DisplaySettings, display_problem, settings_problem};
use crate::query::definition::QueryDefinition;
use crate::query::limits::QueryLimits;
use crate::query::mapping::Mapping;
use crate::resource::ids::ResourceId;
use crate::resource::parameter::Parameter;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DashboardContent {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tabs: Vec<Tab>,
    pub cards: Vec<Card>,
    /// Kept for its owner; without effect.
    #[serde(default, skip_serializing_if = "DisplaySettings::is_empty")]
    pub extra: DisplaySettings,
}

/// A tab of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DashboardTab))]
pub struct Tab {
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 9007199254740991u64))]
    pub id: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::Label))]
    pub name: String,
}

/// A card of a dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, try_from(WrittenCard) = Self::of -> Wrong)]
pub struct Card {
    /// Unique in its dashboard.
    pub id: u64,
    #[serde(flatten)]
    pub body: CardBody,
    pub row: u16,
    pub col: u16,
    pub width: u16,
    pub height: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For figures. A question has one of its own, which this replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// For figures. Those of a question are under these.
    #[serde(default, skip_serializing_if = "DisplaySettings::is_empty")]
    pub settings: DisplaySettings,
    /// The tags that the dashboard's parameters set, by the parameters' slugs. Without it each sets the tag of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Named<String>>,
    /// The numbers of questions whose answers are drawn over its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<u64>,
    /// Kept for its owner; without effect.
    #[serde(default, skip_serializing_if = "DisplaySettings::is_empty")]
    pub extra: DisplaySettings,
}

/// The thing that a card shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CardBody {
    /// The number of a question of the same deployment.
    Question(u64),
    Query(QueryDefinition),
    /// Markdown.
    Text(String),
    Heading(String),
    Link(String),
}

/// A card as its owner writes it.
#[derive(Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Serialize, utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DashboardCard))]
#[cfg_attr(
    feature = "openapi",
    schema(description = "A card. It has one of `question`, `query`, `text`, `heading` and `link`.")
)]
struct WrittenCard {
    /// Unique in its dashboard.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 9007199254740991u64))]
    id: u64,
    /// The number of a question of the same deployment. It needs no publication of its own.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 9007199254740991u64))]
    question: Option<u64>,
    /// A query of the card's own.
    #[deserr(default)]
    query: Option<QueryDefinition>,
    /// Markdown.
    #[deserr(default)]
    text: Option<String>,
    #[deserr(default)]
    heading: Option<String>,
    /// A URL; the title is its text.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2048))]
    link: Option<String>,
    #[cfg_attr(feature = "openapi", schema(maximum = 400))]
    row: u16,
    #[cfg_attr(feature = "openapi", schema(maximum = 23))]
    col: u16,
    /// Columns, of which there are 24.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 24))]
    width: u16,
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 400))]
    height: u16,
    /// Required if the dashboard has tabs.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 9007199254740991u64))]
    tab: Option<u64>,
    /// A question's own title if absent.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 255))]
    title: Option<String>,
    /// For figures: `table`, `bar`, `line` and so on; that of the question, or `table`, if absent.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]*$"))]
    display: Option<String>,
    /// Settings of the display, over those of the question.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = Object))]
    settings: DisplaySettings,
    /// The tags that the dashboard's parameters set, by the parameters' slugs, or the names in a text. Without it each parameter
    /// sets the tag of its name.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::BTreeMap<String, String>>))]
    parameters: Option<Named<String>>,
    /// For figures: the numbers of questions whose answers are drawn as further series of the chart, with the card's parameters.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, max_items = 20))]
    series: Vec<u64>,
    /// Anything; it is kept and has no effect.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = Object))]
    extra: DisplaySettings,
}

/// The schema of a card is that of its written form.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Card {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        WrittenCard::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Card {
    fn name() -> std::borrow::Cow<'static, str> {
        "DashboardCard".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        WrittenCard::schemas(schemas);
    }
}

impl Card {
    pub const COLUMNS: u16 = 24;
    /// The last row that a card can begin in, and its most rows.
    pub const MAX_ROWS: u16 = 400;
    pub const MAX_SERIES: usize = 20;

    fn of(written: WrittenCard) -> Result<Self, Wrong> {
        let WrittenCard { question, query, text, heading, link, .. } = written;
        let bodies = [
            question.map(CardBody::Question),
            query.map(CardBody::Query),
            text.map(CardBody::Text),
            heading.map(CardBody::Heading),
            link.map(CardBody::Link),
        ];
        let mut bodies = bodies.into_iter().flatten();
        let (Some(body), None) = (bodies.next(), bodies.next()) else {
            return Err(Wrong("must have one of: question, query, text, heading, link"));
        };
        Ok(Self {
            id: written.id,
            body,
            row: written.row,
            col: written.col,
            width: written.width,
            height: written.height,
            tab: written.tab,
            title: written.title,
            display: written.display,
            settings: written.settings,
            parameters: written.parameters,
            series: written.series,
            extra: written.extra,
        })
    }

    /// The question of the card, if it has no query of its own.
    pub const fn question(&self) -> Option<u64> {
        match self.body {
            CardBody::Question(id) => Some(id),
            _ => None,
        }
    }

    /// The questions that it asks: its own, and those of its series.
    pub fn questions(&self) -> impl Iterator<Item = u64> {
        self.question().into_iter().chain(self.series.iter().copied())
    }

    /// The parameters that set the tags of its queries.
    pub fn mapping(&self) -> Mapping<'_> {
        Mapping::of(self.parameters.as_deref())
    }

    const fn is_figure(&self) -> bool {
        matches!(self.body, CardBody::Question(_) | CardBody::Query(_))
    }

    fn problems(&self, limits: &QueryLimits, path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        let mut issue = |field: &str, message: &str| {
            issues.push(Issue::new(format!("{path}.{field}"), message));
        };
        if !is_id(self.id) {
            issue("id", ID);
        }
        if self.row > Self::MAX_ROWS {
            issue("row", "must be at most 400");
        }
        if self.col >= Self::COLUMNS {
            issue("col", "must be at most 23");
        } else if !(1..=Self::COLUMNS).contains(&self.width) {
            issue("width", "must be 1 to 24");
        } else if self.col + self.width > Self::COLUMNS {
            issue("width", "must end within the 24 columns");
        }
        if !(1..=Self::MAX_ROWS).contains(&self.height) {
            issue("height", "must be 1 to 400");
        }
        if self.title.as_ref().is_some_and(|title| title.chars().count() > 255) {
            issue("title", "must be at most 255 characters");
        }
        if !self.is_figure() && self.display.is_some() {
            issue("display", "is only for cards with a question or a query");
        }
        if !self.is_figure() && !self.series.is_empty() {
            issue("series", "is only for cards with a question or a query");
        }
        if self.series.len() > Self::MAX_SERIES {
            issue("series", "must have at most 20 items");
        }
        for (index, id) in self.series.iter().enumerate() {
            if !is_id(*id) {
                issue(&format!("series[{index}]"), ID);
            } else if self
                .questions()
                .take(index + usize::from(self.question().is_some()))
                .any(|earlier| earlier == *id)
            {
                issue(&format!("series[{index}]"), "is used twice");
            }
        }
        match &self.body {
            CardBody::Question(id) if !is_id(*id) => issue("question", ID),
            CardBody::Link(url) if !is_link(url) => {
                issue("link", "must be 1 to 2048 characters, without control characters");
            }
            CardBody::Query(query) => issues.extend(query.problems(limits, &format!("{path}.query"))),
            _ => {}
        }
        if let Some(display) = &self.display {
            issues.extend(display_problem(display, path));
        }
        issues.extend(settings_problem(&self.settings, &format!("{path}.settings")));
        issues.extend(settings_problem(&self.extra, &format!("{path}.extra")));
        issues
    }
}

const ID: &str = "must be a whole number from 1 to 9007199254740991";

fn is_id(id: u64) -> bool {
    (1..=ResourceId::MAX_NUMBER).contains(&id)
}

fn is_link(url: &str) -> bool {
    (1..=2_048).contains(&url.chars().count()) && !url.chars().any(char::is_control)
}

impl DashboardContent {
    pub const MAX_TABS: usize = 50;
    pub const MAX_CARDS: usize = 200;
    /// Questions of one dashboard: they are read in one round trip.
    pub const MAX_QUESTIONS: usize = 100;

    /// The questions of its cards.
    pub fn questions(&self) -> BTreeSet<u64> {
        self.cards.iter().flat_map(Card::questions).collect()
    }

    pub fn card(&self, id: u64) -> Option<&Card> {
        self.cards.iter().find(|card| card.id == id)
    }

    /// Everything that is wrong with it, under `path`.
    pub fn problems(&self, limits: &QueryLimits, path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (index, tab) in self.tabs.iter().enumerate() {
            let mut issue = |field: &str, message: &str| {
                issues.push(Issue::new(format!("{path}.tabs[{index}].{field}"), message));
            };
            if !is_id(tab.id) {
                issue("id", ID);
            } else if self.tabs[..index].iter().any(|earlier| earlier.id == tab.id) {
                issue("id", "is used twice");
            }
            if tab.name.trim().is_empty() || tab.name.chars().count() > 255 {
                issue("name", "must be 1 to 255 characters");
            }
        }
        let mut ids = BTreeSet::new();
        for (index, card) in self.cards.iter().enumerate() {
            let at = format!("{path}.cards[{index}]");
            issues.extend(card.problems(limits, &at));
            if !ids.insert(card.id) {
                issues.push(Issue::new(format!("{at}.id"), "is used twice"));
            }
            let message = match card.tab {
                None if self.tabs.is_empty() => continue,
                None => "is required, because the dashboard has tabs",
                Some(tab) if self.tabs.iter().any(|known| known.id == tab) => continue,
                Some(_) => "is not a tab of the dashboard",
            };
            issues.push(Issue::new(format!("{at}.tab"), message));
        }
        if self.questions().len() > Self::MAX_QUESTIONS {
            let message = format!("must name at most {} questions", Self::MAX_QUESTIONS);
            issues.push(Issue::new(format!("{path}.cards"), message));
        }
        issues
    }

    /// Mappings of parameters that are not there, and to tags that a card's own query does not have.
    pub fn stray_mappings(&self, all: &[Parameter], path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (index, card) in self.cards.iter().enumerate() {
            for (slug, tag) in card.parameters.iter().flat_map(|named| named.iter()) {
                let at = format!("{path}.cards[{index}].parameters.{slug}");
                match &card.body {
                    CardBody::Query(query) if card.series.is_empty() && !query.tags.contains_key(tag) => {
                        issues.push(Issue::new(at, "is not the name of one of the query's tags"));
                    }
                    _ if !all.iter().any(|parameter| parameter.slug == *slug) => {
                        issues.push(Issue::new(at, "is not a parameter of the dashboard"));
                    }
                    _ => {}
                }
            }
        }
        issues
    }
}

#[cfg(test)]
mod tests;
