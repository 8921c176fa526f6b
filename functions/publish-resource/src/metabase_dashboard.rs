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
const TABS: &str = "tabs";
const VISUALIZATION: &str = "visualization_settings";
const MAPPINGS: &str = "parameter_mappings";
const SERIES: &str = "series";
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

/// Members of a tab that are stored with it, or that no client sets.
const OF_TABS: [&str; 6] = ["id", "name", "position", "dashboard_id", "created_at", "updated_at"];

/// Members of a dashcard that are stored with the card, or that no client sets.
const OF_CARDS: [&str; 14] = [
    "id",
    "card_id",
    "card",
    "row",
    "col",
    "size_x",
    "size_y",
    "dashboard_tab_id",
    MAPPINGS,
    SERIES,
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
        has_rest: bool,
    ) -> Result<Option<Content>> {
        let stored = match present {
            Some(Content::Dashboard(stored)) => Some(stored),
            _ => None,
        };
        let is_other = content.as_ref() != present;
        let has_cards = self.dashcards.as_ref().is_some_and(|cards| !cards.is_empty());
        let has_tabs = self.tabs.as_ref().is_some_and(|tabs| !tabs.is_empty());
        let mut dashboard = match content {
            Some(Content::Dashboard(dashboard)) => dashboard,
            // A dashboard that gets its cards later keeps the rest until then.
            None if has_tabs || has_rest => DashboardContent::default(),
            other if !has_cards => return Ok(other),
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
            dashboard.extra.0.remove(TABS);
            dashboard.extra.0.extend(changed.extra.0.into_iter().filter(|(name, _)| name == TABS));
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
            let (mut written, mut rests) = (Vec::with_capacity(tabs.len()), Map::new());
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
                let rest = tab.0.iter().filter(|(name, _)| !OF_TABS.contains(&name.as_str()));
                let rest: Map<String, Value> =
                    rest.map(|(name, value)| (name.clone(), value.clone())).collect();
                if !rest.is_empty() {
                    rests.insert(id.to_string(), Value::Object(rest));
                }
            }
            dashboard.tabs = written;
            dashboard.extra.0.remove(TABS);
            if !rests.is_empty() {
                dashboard.extra.0.insert(TABS.to_owned(), Value::Object(rests));
            }
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
        let title = settings.get(TITLE).and_then(|title| title.as_str().map(str::to_owned));
        if title.is_some() {
            settings.remove(TITLE);
        }
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
        let series = self.series()?;
        let mappings = self.mappings(card_id, &series, is_figure)?;
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
            // A text without mappings names parameters by their slugs, and shows those that the viewer may set.
            parameters: (is_figure || !mappings.is_empty()).then_some(Named(mappings)),
            series,
            extra: DisplaySettings(extra),
        })
    }

    /// The cards that are drawn over this one.
    fn series(&self) -> std::result::Result<Vec<u64>, Issue> {
        match self.card.get(SERIES) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(series)) => series
                .iter()
                .enumerate()
                .map(|(index, card)| {
                    let id = card["id"].as_u64();
                    id.ok_or_else(|| self.issue(&format!("{SERIES}[{index}].id"), "must be the id of a card"))
                })
                .collect(),
            Some(_) => Err(self.issue(SERIES, "must be a list")),
        }
    }

    /// The tags that parameters set, or the names in a text, by the parameters' slugs.
    fn mappings(
        &self,
        card_id: Option<u64>,
        series: &[u64],
        is_figure: bool,
    ) -> std::result::Result<BTreeMap<String, String>, Issue> {
        let given = match self.card.get(MAPPINGS) {
            None | Some(Value::Null) => return Ok(BTreeMap::new()),
            Some(Value::Array(given)) => given,
            Some(_) => return Err(self.issue(MAPPINGS, "must be a list")),
        };
        let is_own = |mapping: &&Value| {
            let id = mapping["card_id"].as_u64();
            mapping["card_id"].is_null() || id == card_id || id.is_some_and(|id| series.contains(&id))
        };
        let pair = |mapping: &Value| {
            let parameter = Parameter::by_id(self.parameters, mapping["parameter_id"].as_str()?)?;
            let target = &mapping["target"];
            let name = if is_figure { target_tag(target) } else { text_tag(target) };
            Some((parameter.slug.clone(), name?.to_owned()))
        };
        let mut pairs = BTreeMap::new();
        for (slug, name) in given.iter().filter(is_own).filter_map(pair) {
            if let Some(other) = pairs.insert(slug, name.clone())
                && !series.is_empty()
                && other != name
            {
                return Err(self.issue(MAPPINGS, "must name the same tag for the card and its series"));
            }
        }
        Ok(pairs)
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
    let rest = |tab: &Tab| dashboard.extra.0.get(TABS)?.get(tab.id.to_string())?.as_object().cloned();
    let written = |(position, tab): (usize, &Tab)| {
        let own = json!({"id": tab.id, "dashboard_id": id, "name": tab.name, "position": position});
        let mut written = rest(tab).unwrap_or_default();
        written.extend(own.as_object().cloned().unwrap_or_default());
        Value::Object(written)
    };
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
    let own = json!({
        "id": card.id,
        "dashboard_id": dashboard,
        "card_id": card.question(),
        "card": card.question().and_then(|id| shown_card(id, questions)),
        "row": card.row,
        "col": card.col,
        "size_x": card.width,
        "size_y": card.height,
        "dashboard_tab_id": card.tab,
        MAPPINGS: written_mappings(card, questions, mappings, parameters),
        VISUALIZATION: visualization,
    });
    if let Value::Object(own) = own {
        written.extend(own);
    }
    if !card.series.is_empty() {
        let drawn_over =
            card.series.iter().map(|id| shown_card(*id, questions).unwrap_or_else(|| json!({"id": id})));
        written.insert(SERIES.to_owned(), drawn_over.collect());
    }
    for name in [SERIES, "inline_parameters"] {
        written.entry(name).or_insert_with(|| json!([]));
    }
    Value::Object(written)
}

fn shown_card(id: u64, questions: &CardQuestions) -> Option<Value> {
    let (resource, content) = questions.get(id)?;
    Some(json!({
        "id": resource.id, "name": resource.title, "description": resource.description,
        "display": content.display, "visualization_settings": content.settings, "archived": false,
        "query_type": "native", "type": "question",
    }))
}

/// The mappings of a card: those that were written, as far as they hold, and then the others.
fn written_mappings(
    card: &Card,
    questions: &CardQuestions,
    kept: Option<Value>,
    parameters: &[Parameter],
) -> Vec<Value> {
    let is_figure = matches!(card.body, CardBody::Question(_) | CardBody::Query(_));
    if !is_figure && card.parameters.is_none() {
        // To write them would map them, and so show values that only the owner can choose to show.
        return kept.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    }
    let id_of = |parameter: &Parameter| parameter.id.clone().unwrap_or_else(|| parameter.slug.clone());
    let query_of = |id: Option<u64>| Some(&questions.get(id?)?.1.query);
    let has_tag = |id: Option<u64>, tag: &str| query_of(id).is_some_and(|query| query.tags.contains_key(tag));
    let of_series = card.series.iter().map(|id| Some(*id));
    let asked: Vec<Option<u64>> = std::iter::once(card.question()).chain(of_series).collect();
    let (mut mapped, mut missing) = (BTreeSet::new(), BTreeSet::new());
    for parameter in parameters {
        let Some(tag) = card.mapping().tag(&parameter.slug) else { continue };
        for (index, id) in asked.iter().enumerate() {
            let is_mapped = index == 0 && card.parameters.is_some();
            if is_mapped || has_tag(*id, tag) {
                missing.insert((id_of(parameter), tag.to_owned(), *id));
            }
            mapped.insert((id_of(parameter), tag.to_owned(), *id));
        }
    }
    let mut written = Vec::new();
    for mapping in kept.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let parameter = mapping["parameter_id"].as_str().unwrap_or_default();
        let id = mapping["card_id"].as_u64().or_else(|| card.question());
        let name = if is_figure { target_tag(&mapping["target"]) } else { text_tag(&mapping["target"]) };
        match name {
            Some(name) if asked.contains(&id) => {
                let pair = (parameter.to_owned(), name.to_owned(), id);
                missing.remove(&pair);
                if mapped.contains(&pair) {
                    written.push(mapping.clone());
                }
            }
            _ => written.push(mapping.clone()),
        }
    }
    written.extend(missing.into_iter().map(|(parameter, name, id)| {
        let query = query_of(id).or(match &card.body {
            CardBody::Query(query) if id.is_none() => Some(query),
            _ => None,
        });
        let is_filter =
            query.and_then(|query| query.tags.get(&name)).is_some_and(|tag| tag.dimension.is_some());
        let target = match is_figure {
            true => json!([if is_filter { "dimension" } else { "variable" }, ["template-tag", name]]),
            false => json!(["text-tag", name]),
        };
        json!({"parameter_id": parameter, "card_id": id, "target": target})
    }));
    written
}

/// The name in a text that a mapping's target is.
fn text_tag(target: &Value) -> Option<&str> {
    match target.as_array()?.as_slice() {
        [kind, name] if kind == "text-tag" => name.as_str(),
        _ => None,
    }
}
