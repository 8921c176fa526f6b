//! The cards and tabs of a dashboard: `dashcards`, `tabs` and `parameter_mappings`.
//!
//! A dashcard is stored as a card of ours, and beside it the parts that have no place there.

use std::collections::{BTreeMap, BTreeSet};

use deserr::Deserr;
use serde_json::{Map, Value, json};
use vitrine::dialects::metabase::dataset_query::target_tag;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::json::named::Named;
use vitrine::rules::query::content::DisplaySettings;
use vitrine::rules::resource::card_questions::CardQuestions;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::dashboard::{Card, CardBody, DashboardContent, Tab};
use vitrine::rules::resource::parameter::Parameter;

/// The names of what is kept of a dashboard and of its cards.
const DASHBOARD: &str = "card";
const VISUALIZATION: &str = "visualization_settings";
const MAPPINGS: &str = "parameter_mappings";
const TITLE: &str = "card.title";
const VIRTUAL: &str = "virtual_card";

/// An object with members of any name.
#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid, try_from(Value) = Self::read -> Wrong)]
pub struct Members(Map<String, Value>);

impl Members {
    fn read(value: Value) -> std::result::Result<Self, Wrong> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Wrong("must be an object")),
        }
    }
}

/// Members of a dashcard that are stored with the card, or that no client sets.
const OF_CARDS: [&str; 13] = [
    "id",
    "card_id",
    "card",
    "row",
    "col",
    "size_x",
    "size_y",
    "dashboard_tab_id",
    MAPPINGS,
    VISUALIZATION,
    "dashboard_id",
    "created_at",
    "updated_at",
];

/// Changes of a dashboard's cards.
#[derive(Debug, Clone, Default)]
pub struct DashboardChange {
    pub dashcards: Option<Vec<Members>>,
    pub tabs: Option<Vec<Members>>,
}

impl DashboardChange {
    /// Applies the change to content, which becomes a dashboard if it is given cards. `present` is the stored one: cards that are
    /// what is stored already are no change, so that a dashboard can be written as it was read.
    pub fn apply_to(
        self,
        content: Option<Content>,
        present: Option<&Content>,
        parameters: &[Parameter],
        rest: Map<String, Value>,
    ) -> Result<Option<Content>> {
        let stored = match present {
            Some(Content::Dashboard(stored)) => Some(stored),
            _ => None,
        };
        let is_other = content.as_ref() != present;
        let mut dashboard = match content {
            Some(Content::Dashboard(dashboard)) => dashboard,
            other if self.dashcards.as_ref().is_none_or(Vec::is_empty) => return Ok(other),
            _ => DashboardContent::default(),
        };
        let base = stored.unwrap_or(&dashboard).clone();
        let changed = self.cards(base, parameters)?;
        // Content that came along and was changed itself counts, unless the cards were changed as well.
        let is_echo =
            stored.is_some_and(|stored| stored.cards == changed.cards && stored.tabs == changed.tabs);
        if !(is_other && is_echo) {
            dashboard.cards = changed.cards;
            dashboard.tabs = changed.tabs;
        }
        if !rest.is_empty() {
            let kept = dashboard.extra.0.remove(DASHBOARD);
            let mut kept = kept.and_then(|kept| kept.as_object().cloned()).unwrap_or_default();
            kept.extend(rest);
            dashboard.extra.0.insert(DASHBOARD.to_owned(), Value::Object(kept));
        }
        Ok(Some(Content::Dashboard(dashboard)))
    }

    /// The dashboard with the given cards and tabs in place of its own.
    fn cards(self, mut dashboard: DashboardContent, parameters: &[Parameter]) -> Result<DashboardContent> {
        let mut issues = Vec::new();
        let mut tab_ids = BTreeMap::new();
        if let Some(tabs) = self.tabs {
            let mut next = 1 + tabs
                .iter()
                .filter_map(|tab| tab.0.get("id")?.as_u64())
                .chain(dashboard.tabs.iter().map(|tab| tab.id))
                .max()
                .unwrap_or_default();
            let mut written = Vec::with_capacity(tabs.len());
            for (index, tab) in tabs.iter().enumerate() {
                let id = number(tab.0.get("id"), &mut next);
                let name = tab.0.get("name").and_then(Value::as_str);
                let (Some((given, id)), Some(name)) = (id, name) else {
                    issues.push(Issue::new(
                        format!("tabs[{index}]"),
                        "must have an id, a whole number, and a name",
                    ));
                    continue;
                };
                tab_ids.insert(given, id);
                written.push(Tab { id, name: name.to_owned() });
            }
            dashboard.tabs = written;
        }
        if let Some(dashcards) = self.dashcards {
            let mut next = 1 + dashcards
                .iter()
                .filter_map(|card| card.0.get("id")?.as_u64())
                .chain(dashboard.cards.iter().map(|card| card.id))
                .max()
                .unwrap_or_default();
            let mut written = Vec::with_capacity(dashcards.len());
            for (index, card) in dashcards.into_iter().enumerate() {
                let reading = Reading {
                    at: format!("dashcards[{index}]"),
                    card: card.0,
                    tab_ids: &tab_ids,
                    parameters,
                };
                match reading.card(&dashboard, &mut next) {
                    Ok(card) => written.push(card),
                    Err(issue) => issues.push(issue),
                }
            }
            dashboard.cards = written;
        }
        if !issues.is_empty() {
            return Err(Error::new(Reason::RequestInvalid).issues(issues));
        }
        Ok(dashboard)
    }
}

/// The id that was given and the id that it gets: a negative one is new.
fn number(given: Option<&Value>, next: &mut u64) -> Option<(i64, u64)> {
    let given = given.map_or(Some(-1), Value::as_i64)?;
    match u64::try_from(given) {
        Ok(id) if id > 0 => Some((given, id)),
        _ => {
            let id = *next;
            *next += 1;
            Some((given, id))
        }
    }
}

struct Reading<'a> {
    at: String,
    card: Map<String, Value>,
    tab_ids: &'a BTreeMap<i64, u64>,
    parameters: &'a [Parameter],
}

impl Reading<'_> {
    fn issue(&self, field: &str, message: &str) -> Issue {
        Issue::new(format!("{}.{field}", self.at), message)
    }

    fn whole(&self, field: &str, otherwise: u16) -> std::result::Result<u16, Issue> {
        match self.card.get(field) {
            None | Some(Value::Null) => Ok(otherwise),
            Some(value) => value
                .as_u64()
                .and_then(|value| u16::try_from(value).ok())
                .ok_or_else(|| self.issue(field, "must be a whole number from 0")),
        }
    }

    fn card(mut self, present: &DashboardContent, next: &mut u64) -> std::result::Result<Card, Issue> {
        let id = number(self.card.get("id"), next);
        let (_, id) = id.ok_or_else(|| self.issue("id", "must be a whole number"))?;
        let visualization = match self.card.get(VISUALIZATION) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(settings)) => settings.clone(),
            Some(_) => return Err(self.issue(VISUALIZATION, "must be an object")),
        };
        let mut settings = visualization.clone();
        let title = settings.remove(TITLE).and_then(|title| title.as_str().map(str::to_owned));
        let card_id = match self.card.get("card_id") {
            None | Some(Value::Null) => None,
            Some(id) => Some(id.as_u64().ok_or_else(|| self.issue("card_id", "must be the id of a card"))?),
        };
        let mut extra = Map::new();
        let stored = present.card(id);
        let body = match (card_id, settings.remove(VIRTUAL), stored.map(|card| &card.body)) {
            (Some(question), ..) => CardBody::Question(question),
            (None, Some(drawn), _) => {
                let body = virtual_body(&drawn, &settings);
                settings.remove("text");
                settings.remove("link");
                extra.insert(VISUALIZATION.to_owned(), Value::Object(visualization));
                body
            }
            (None, None, Some(CardBody::Query(query))) => CardBody::Query(query.clone()),
            (None, None, _) => {
                return Err(self.issue("card_id", "is required, unless the card is a virtual one"));
            }
        };
        let tab = match self.card.get("dashboard_tab_id") {
            None | Some(Value::Null) => None,
            Some(tab) => {
                let given =
                    tab.as_i64().ok_or_else(|| self.issue("dashboard_tab_id", "must be the id of a tab"))?;
                let known = self.tab_ids.get(&given).copied().or_else(|| u64::try_from(given).ok());
                Some(known.ok_or_else(|| self.issue("dashboard_tab_id", "is not a tab of the dashboard"))?)
            }
        };
        let (row, col) = (self.whole("row", 0)?, self.whole("col", 0)?);
        let (width, height) = (self.whole("size_x", 4)?, self.whole("size_y", 4)?);
        let is_figure = matches!(body, CardBody::Question(_) | CardBody::Query(_));
        let mappings = self.mappings(card_id)?;
        if let Some(given) =
            self.card.remove(MAPPINGS).filter(|given| given.as_array().is_some_and(|list| !list.is_empty()))
        {
            extra.insert(MAPPINGS.to_owned(), given);
        }
        extra.extend(self.card.into_iter().filter(|(name, _)| !OF_CARDS.contains(&name.as_str())));
        Ok(Card {
            id,
            body,
            row,
            col,
            width,
            height,
            tab,
            title,
            display: stored.and_then(|card| card.display.clone()).filter(|_| is_figure),
            settings: DisplaySettings(settings),
            parameters: is_figure.then_some(Named(mappings)),
            extra: DisplaySettings(extra),
        })
    }

    /// The tags that parameters set, by the parameters' slugs.
    fn mappings(&self, card_id: Option<u64>) -> std::result::Result<BTreeMap<String, String>, Issue> {
        let given = match self.card.get(MAPPINGS) {
            None | Some(Value::Null) => return Ok(BTreeMap::new()),
            Some(Value::Array(given)) => given,
            Some(_) => return Err(self.issue(MAPPINGS, "must be a list")),
        };
        let is_own =
            |mapping: &&Value| mapping["card_id"].is_null() || mapping["card_id"].as_u64() == card_id;
        let pair = |mapping: &Value| {
            let parameter = Parameter::by_id(self.parameters, mapping["parameter_id"].as_str()?)?;
            Some((parameter.slug.clone(), target_tag(&mapping["target"])?.to_owned()))
        };
        Ok(given.iter().filter(is_own).filter_map(pair).collect())
    }
}

/// A text, a heading or a link. Any other virtual card keeps its place, empty.
fn virtual_body(drawn: &Value, settings: &Map<String, Value>) -> CardBody {
    let text = settings.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    match drawn["display"].as_str() {
        Some("heading") => CardBody::Heading(text),
        Some("link") => {
            let link = settings.get("link").cloned().unwrap_or_default();
            let url = link["url"].as_str().filter(|url| !url.is_empty()).map(str::to_owned);
            match (url, link["entity"]["name"].as_str()) {
                (Some(url), _) => CardBody::Link(url),
                (None, name) => CardBody::Text(name.unwrap_or_default().to_owned()),
            }
        }
        _ => CardBody::Text(text),
    }
}

/// The fields of a dashboard that only Metabase's clients know.
pub fn kept_of_dashboard(dashboard: &DashboardContent) -> Map<String, Value> {
    dashboard.extra.0.get(DASHBOARD).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Tabs as Metabase's clients read them.
pub fn written_tabs(dashboard: &DashboardContent, id: &Value) -> Vec<Value> {
    let written = |(position, tab): (usize, &Tab)| json!({"id": tab.id, "dashboard_id": id, "name": tab.name, "position": position});
    dashboard.tabs.iter().enumerate().map(written).collect()
}

/// Cards as Metabase's clients read them, over the rest of what they once wrote.
pub fn written_cards(
    dashboard: &DashboardContent,
    questions: &CardQuestions,
    parameters: &[Parameter],
    id: &Value,
) -> Vec<Value> {
    dashboard.cards.iter().map(|card| written_card(card, questions, parameters, id)).collect()
}

fn written_card(
    card: &Card,
    questions: &CardQuestions,
    parameters: &[Parameter],
    dashboard: &Value,
) -> Value {
    let mut written = card.extra.0.clone();
    let mappings = written.remove(MAPPINGS);
    let mut visualization = card.settings.0.clone();
    if let Some(Value::Object(kept)) = written.remove(VISUALIZATION) {
        for (name, value) in kept {
            visualization.entry(name).or_insert(value);
        }
    }
    visualization.extend(card.title.as_ref().map(|title| (TITLE.to_owned(), json!(title))));
    let virtual_card = |display: &str| json!({"name": null, "display": display, "visualization_settings": {}, "dataset_query": {}, "archived": false});
    let drawn = match &card.body {
        CardBody::Question(_) | CardBody::Query(_) => None,
        CardBody::Text(text) => Some(("text", "text", json!(text))),
        CardBody::Heading(text) => Some(("heading", "text", json!(text))),
        CardBody::Link(url) => {
            let mut link =
                visualization.get("link").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
            link["url"] = json!(url);
            Some(("link", "link", link))
        }
    };
    if let Some((display, name, value)) = drawn {
        // Placeholders and the like stay what they were.
        let kept = visualization.entry(VIRTUAL).or_insert_with(|| virtual_card(display));
        if kept["display"] == display {
            visualization.insert(name.to_owned(), value);
        }
    }
    let question = card.question().and_then(|id| questions.get(id));
    let shown = question.map(|(resource, content)| {
        json!({
            "id": resource.id, "name": resource.title, "description": resource.description,
            "display": content.display, "visualization_settings": content.settings, "archived": false,
            "query_type": "native", "type": "question",
        })
    });
    let own = json!({
        "id": card.id,
        "dashboard_id": dashboard,
        "card_id": card.question(),
        "card": shown,
        "row": card.row,
        "col": card.col,
        "size_x": card.width,
        "size_y": card.height,
        "dashboard_tab_id": card.tab,
        MAPPINGS: written_mappings(card, question.map(|(_, content)| &content.query), mappings, parameters),
        VISUALIZATION: visualization,
    });
    if let Value::Object(own) = own {
        written.extend(own);
    }
    for name in ["series", "inline_parameters"] {
        written.entry(name).or_insert_with(|| json!([]));
    }
    Value::Object(written)
}

/// The mappings of a card: those that were written, as far as they hold, and then the others.
fn written_mappings(
    card: &Card,
    query: Option<&vitrine::rules::query::definition::QueryDefinition>,
    kept: Option<Value>,
    parameters: &[Parameter],
) -> Vec<Value> {
    let id_of = |parameter: &Parameter| parameter.id.clone().unwrap_or_else(|| parameter.slug.clone());
    let mut pairs = BTreeSet::new();
    for parameter in parameters {
        let Some(tag) = card.mapping().tag(&parameter.slug) else { continue };
        let is_there = card.parameters.is_some() || query.is_some_and(|query| query.tags.contains_key(tag));
        if is_there {
            pairs.insert((id_of(parameter), tag.to_owned()));
        }
    }
    let mut written = Vec::new();
    for mapping in kept.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let id = mapping["parameter_id"].as_str().unwrap_or_default();
        let is_own = mapping["card_id"].is_null() || mapping["card_id"].as_u64() == card.question();
        match target_tag(&mapping["target"]) {
            Some(tag) if is_own && !pairs.remove(&(id.to_owned(), tag.to_owned())) => {}
            _ => written.push(mapping.clone()),
        }
    }
    let kind = |tag: &str| {
        let is_filter =
            query.and_then(|query| query.tags.get(tag)).is_some_and(|tag| tag.dimension.is_some());
        if is_filter { "dimension" } else { "variable" }
    };
    written.extend(pairs.into_iter().map(|(id, tag)| {
        let target = json!([kind(&tag), ["template-tag", tag]]);
        json!({"parameter_id": id, "card_id": card.question(), "target": target})
    }));
    written
}
