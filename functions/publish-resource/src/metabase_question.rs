//! The parts of a card that its query brings: SQL, tags, display and settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use vitrine::dialects::metabase::dataset_query::{self, DefinedQuery};
use vitrine::rules::json::named::Named;
use vitrine::rules::query::content::{DisplaySettings, QuestionContent};
use vitrine::rules::query::definition::Tag;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::parameter::{Parameter, ParameterType};

/// The names of what is kept for the author, beside the parts of the query.
const CARD: &str = "card";
const PARAMETERS: &str = "parameters";

/// The setting of a question with the age of its answers. Metabase has hours beside the settings.
const CACHE_SECONDS: &str = "cache_seconds";
const HOUR: i64 = 3_600;

/// Changes of a card's query and drawing.
#[derive(Debug, Clone, Default)]
pub struct QuestionChange {
    pub defined: Option<DefinedQuery>,
    pub display: Option<String>,
    pub settings: Option<Map<String, Value>>,
    /// Hours; `Some(None)` removes it.
    pub cache_hours: Option<Option<i64>>,
    /// Fields of the card that only Metabase's clients know.
    pub card: Map<String, Value>,
}

impl QuestionChange {
    /// Applies the change to content that may be a question. `present` is the stored one: a field that says what is stored
    /// already is no change, so that a card can be written as it was read.
    pub fn apply_to(self, content: Option<Content>, present: Option<&Content>) -> Option<Content> {
        let stored = match present {
            Some(Content::Question(stored)) => Some(stored),
            _ => None,
        };
        let mut question = match (content, &self.defined) {
            (Some(Content::Question(question)), _) => question,
            (_, Some(defined)) => QuestionContent {
                query: defined.query.clone(),
                display: "table".to_owned(),
                settings: DisplaySettings::default(),
                extra: DisplaySettings::default(),
            },
            (other, None) => return other,
        };
        if let Some(DefinedQuery { query, extra }) = self.defined
            && stored.is_none_or(|stored| stored.query != query || kept_of_query(&stored.extra.0) != extra)
        {
            question.query = query;
            question.extra.0.retain(|name, _| name == CARD || name == PARAMETERS);
            question.extra.0.extend(extra);
        }
        if let Some(display) = self.display
            && stored.is_none_or(|stored| stored.display != display)
        {
            question.display = display;
        }
        if let Some(mut settings) = self.settings
            && stored.is_none_or(|stored| shown_settings(stored).0 != settings)
        {
            if let Some(seconds) = question.settings.0.remove(CACHE_SECONDS) {
                settings.entry(CACHE_SECONDS).or_insert(seconds);
            }
            question.settings = DisplaySettings(settings);
        }
        if let Some(hours) = self.cache_hours
            && stored.is_none_or(|stored| shown_settings(stored).1 != hours)
        {
            match hours {
                Some(hours) => {
                    question.settings.0.insert(CACHE_SECONDS.to_owned(), json!(hours.saturating_mul(HOUR)));
                }
                None => drop(question.settings.0.remove(CACHE_SECONDS)),
            }
        }
        let extra = &mut question.extra.0;
        if !self.card.is_empty() {
            let mut kept = extra.remove(CARD).and_then(|kept| kept.as_object().cloned()).unwrap_or_default();
            kept.extend(self.card);
            extra.insert(CARD.to_owned(), Value::Object(kept));
        }
        Some(Content::Question(question))
    }
}

/// Keeps the rest of each given parameter, by slug, where the content has a place for it.
pub fn keep_parameters(content: &mut Option<Content>, parameters: Option<Map<String, Value>>) {
    let (extra, tags) = match content {
        Some(Content::Question(question)) => (&mut question.extra.0, &question.query.tags),
        Some(Content::Dashboard(dashboard)) => (&mut dashboard.extra.0, &NO_TAGS),
        _ => return,
    };
    let Some(parameters) = parameters else { return };
    let kept: Map<String, Value> = parameters
        .into_iter()
        .filter_map(|(slug, mut rest)| {
            // The tag says these already.
            if let (Some(tag), Some(rest)) = (tags.get(&slug), rest.as_object_mut()) {
                let word = tag.parameter_type().map(|kind| json!(kind.word()));
                rest.retain(|name, value| match name.as_str() {
                    "type" => Some(&*value) != word.as_ref(),
                    "target" => *value != target_of(tag, &slug),
                    _ => true,
                });
            }
            rest.as_object().is_some_and(|rest| !rest.is_empty()).then_some((slug, rest))
        })
        .collect();
    if kept.is_empty() {
        extra.remove(PARAMETERS);
    } else {
        extra.insert(PARAMETERS.to_owned(), Value::Object(kept));
    }
}

/// The place that the parameter of a tag sets.
fn target_of(tag: &Tag, name: &str) -> Value {
    let kind = if tag.dimension.is_some() { "dimension" } else { "variable" };
    json!([kind, ["template-tag", name]])
}

fn kept_of_query(extra: &Map<String, Value>) -> Map<String, Value> {
    let kept = extra.iter().filter(|(name, _)| *name != CARD && *name != PARAMETERS);
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The settings of a question, and the hours of its answers' age if it is whole hours.
pub fn shown_settings(question: &QuestionContent) -> (Map<String, Value>, Option<i64>) {
    let mut settings = question.settings.0.clone();
    let seconds = settings.get(CACHE_SECONDS).and_then(Value::as_i64);
    let hours = seconds.filter(|seconds| *seconds > 0 && seconds % HOUR == 0).map(|seconds| seconds / HOUR);
    if hours.is_some() {
        settings.remove(CACHE_SECONDS);
    }
    (settings, hours)
}

/// The fields of a card that only Metabase's clients know.
pub fn kept_of_card(question: &QuestionContent) -> Map<String, Value> {
    question.extra.0.get(CARD).and_then(Value::as_object).cloned().unwrap_or_default()
}

static NO_TAGS: Named<Tag> = Named(BTreeMap::new());

fn tags_of(content: Option<&Content>) -> &Named<Tag> {
    match content {
        Some(Content::Question(question)) => &question.query.tags,
        _ => &NO_TAGS,
    }
}

/// The parameters of a question with the tags of its query: where both say something, the tag decides. Parameters of tags
/// that are gone go with them.
pub fn parameters_for(
    given: Vec<Parameter>,
    content: Option<&Content>,
    present: Option<&Content>,
) -> Vec<Parameter> {
    let Some(Content::Question(question)) = content else { return given };
    let (tags, former, extra) = (&question.query.tags, tags_of(present), &question.extra.0);
    let is_for_another = |parameter: &Parameter| {
        let named = kept_of_parameter(extra, &parameter.slug)
            .and_then(|kept| dataset_query::target_tag(kept.get("target")?));
        former.contains_key(&parameter.slug) || named.is_some_and(|tag| !tags.contains_key(tag))
    };
    let mut parameters: Vec<Parameter> = given
        .into_iter()
        .filter(|parameter| tags.contains_key(&parameter.slug) || !is_for_another(parameter))
        .collect();
    for parameter in &mut parameters {
        let Some((tag, derived)) =
            tags.get(&parameter.slug).and_then(|tag| Some((tag, tag.parameter(&parameter.slug)?)))
        else {
            continue;
        };
        let is_single = kept_of_parameter(extra, &parameter.slug)
            .and_then(|kept| kept.get("isMultiSelect")?.as_bool())
            .is_some_and(|several| !several);
        parameter.multiple |= derived.multiple && !is_single;
        parameter.default = derived.default;
        parameter.required = derived.required;
        if !tag.takes(parameter.kind) {
            parameter.kind = derived.kind;
        }
    }
    for (name, tag) in tags.iter() {
        let id = dataset_query::tag_id(extra, name);
        let is_free = |id: &str| !parameters.iter().any(|other| other.id.as_deref() == Some(id));
        let id = id.filter(|id| is_free(id)).map(str::to_owned);
        match parameters.iter_mut().find(|parameter| parameter.slug == *name) {
            Some(declared) => declared.id = declared.id.take().or(id),
            None if id.is_some() => {
                parameters.extend(tag.parameter(name).map(|derived| Parameter { id, ..derived }));
            }
            None => {}
        }
    }
    parameters
}

fn kept_of_parameter<'a>(extra: &'a Map<String, Value>, slug: &str) -> Option<&'a Map<String, Value>> {
    extra.get(PARAMETERS)?.get(slug)?.as_object()
}

/// Parameters as Metabase's clients read them, over the rest of what they once wrote.
pub fn written_parameters(parameters: &[Parameter], content: Option<&Content>) -> Vec<Value> {
    let plain = |parameter: &Parameter| serde_json::to_value(parameter).unwrap_or_default();
    let (extra, tags) = match content {
        Some(Content::Question(question)) if !question.extra.is_empty() => {
            (&question.extra.0, &question.query.tags)
        }
        Some(Content::Dashboard(dashboard)) => (&dashboard.extra.0, &NO_TAGS),
        _ => return parameters.iter().map(plain).collect(),
    };
    let written = |parameter: &Parameter| {
        let mut kept = kept_of_parameter(extra, &parameter.slug).cloned().unwrap_or_default();
        let tag = tags.get(&parameter.slug);
        let same = |word: &Value| ParameterType::parse(word.as_str()?).filter(|kind| *kind == parameter.kind);
        let kept_type = kept.remove("type").filter(|word| same(word).is_some());
        let word = tag.and_then(Tag::parameter_type).filter(|kind| kind.parameter_type() == parameter.kind);
        let word = kept_type.or_else(|| word.map(|word| json!(word.word())));
        if let Some(tag) = tag {
            kept.entry("target").or_insert_with(|| target_of(tag, &parameter.slug));
        }
        let Value::Object(own) = plain(parameter) else { return Value::Null };
        kept.extend(own);
        kept.extend(word.map(|word| ("type".to_owned(), word)));
        kept.entry("id").or_insert_with(|| json!(parameter.slug));
        Value::Object(kept)
    };
    parameters.iter().map(written).collect()
}
