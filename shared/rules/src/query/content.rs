//! Content that is drawn from queries: questions, and dives with queries of their own.
//!
//! SQL and sources are for the owner. A viewer gets the display, the settings and the names of a dive's queries.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Issue;
use crate::json::input::{Invalid, Wrong};
use crate::json::named::Named;
use crate::query::definition::QueryDefinition;
use crate::query::limits::QueryLimits;

/// A query and how to draw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuestionContent {
    pub query: QueryDefinition,
    /// `table`, `bar`, `line` and so on. An unknown one is drawn as a table.
    #[serde(default = "table")]
    #[deserr(default = table())]
    pub display: String,
    /// Kept as they are; those that are not known have no effect.
    #[serde(default, skip_serializing_if = "DisplaySettings::is_empty")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: DisplaySettings,
    /// Fields that another program knows and this one does not. They are kept for it and shown to no viewer.
    #[serde(default, skip_serializing_if = "DisplaySettings::is_empty")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = Object))]
    pub extra: DisplaySettings,
}

/// An object of settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Deserr)]
#[serde(transparent)]
#[deserr(error = Invalid, try_from(Value) = Self::read -> Wrong)]
pub struct DisplaySettings(pub Map<String, Value>);

impl DisplaySettings {
    fn read(value: Value) -> Result<Self, Wrong> {
        match value {
            Value::Object(settings) => Ok(Self(settings)),
            _ => Err(Wrong("must be an object")),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These settings over `others`. Those of single columns are held side by side.
    #[must_use]
    pub fn over(&self, others: &Self) -> Self {
        let mut all = others.0.clone();
        for (name, value) in &self.0 {
            match (all.get_mut(name), value) {
                (Some(Value::Object(columns)), Value::Object(own)) if name == "column_settings" => {
                    columns.extend(own.clone());
                }
                _ => drop(all.insert(name.clone(), value.clone())),
            }
        }
        Self(all)
    }
}

pub(crate) fn table() -> String {
    "table".to_owned()
}

impl QuestionContent {
    const MAX_EXTRA_BYTES: usize = 128 * 1024;

    pub fn problems(&self, limits: &QueryLimits, path: &str) -> Vec<Issue> {
        let mut issues = self.query.problems(limits, &format!("{path}.query"));
        issues.extend(display_problem(&self.display, path));
        issues.extend(settings_problem(&self.settings, &format!("{path}.settings")));
        if serde_json::to_vec(&self.extra).map_or(usize::MAX, |text| text.len()) > Self::MAX_EXTRA_BYTES {
            issues.push(Issue::new(format!("{path}.extra"), "must be at most 128 KiB"));
        }
        issues
    }
}

pub(crate) fn display_problem(display: &str, path: &str) -> Option<Issue> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let is_bad = !(1..=64).contains(&display.len()) || !display.chars().all(is_word);
    let message = "must be 1 to 64 letters, digits, hyphens and underscores";
    is_bad.then(|| Issue::new(format!("{path}.display"), message))
}

const MAX_SETTINGS_BYTES: usize = 64 * 1024;

pub(crate) fn settings_problem(settings: &DisplaySettings, path: &str) -> Option<Issue> {
    let bytes = serde_json::to_vec(settings).map_or(usize::MAX, |text| text.len());
    (bytes > MAX_SETTINGS_BYTES).then(|| Issue::new(path, "must be at most 64 KiB"))
}

pub(crate) fn has_none(queries: &DiveQueries) -> bool {
    queries.is_empty()
}

/// A dive that is a component of React.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReactContent {
    /// The file as it was written.
    pub source: String,
    /// The module that it was compiled to. It is a script like any other: the sandbox keeps it, whoever compiled it.
    pub code: String,
    /// The version of the page's modules that it imports.
    pub runtime: u32,
    #[serde(default, skip_serializing_if = "has_none")]
    pub queries: DiveQueries,
}

impl ReactContent {
    /// The version of the page's modules.
    pub const RUNTIME: u32 = 1;

    pub(crate) fn problems(&self, limits: &QueryLimits, path: &str) -> Vec<Issue> {
        if self.code.trim().is_empty() {
            let message = "is required: `vitrine publish dive FILE.tsx` compiles the source and publishes it";
            return vec![Issue::new(format!("{path}.code"), message)];
        }
        let mut issues = dive_problems(&self.queries, limits, &format!("{path}.queries"));
        if self.runtime != Self::RUNTIME {
            issues.push(Issue::new(format!("{path}.runtime"), format!("must be {}", Self::RUNTIME)));
        }
        issues
    }
}

/// The queries of a dive, by the name that its script asks for.
pub type DiveQueries = Named<QueryDefinition>;

const MAX_QUERIES: usize = 50;

/// The problems of a dive's queries, under `path`.
pub fn dive_problems(queries: &DiveQueries, limits: &QueryLimits, path: &str) -> Vec<Issue> {
    if queries.len() > MAX_QUERIES {
        return vec![Issue::new(path, "must be at most 50 queries")];
    }
    let mut issues = Vec::new();
    for (name, query) in queries.iter() {
        let at = format!("{path}.{name}");
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if !(1..=64).contains(&name.len()) || !name.chars().all(is_letter) {
            issues.push(Issue::new(&at, "must be named by 1 to 64 letters, digits, hyphens and underscores"));
        }
        issues.extend(query.problems(limits, &at));
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    #[test]
    fn questions_are_stored_in_one_form() {
        let form = json!({
            "query": {"sql": "select {{n}}", "tags": {"n": {"type": "number"}}},
            "display": "line",
            "settings": {"graph.metrics": ["count"], "unknown": {"kept": true}},
        });
        let read: QuestionContent = input::read(form.clone()).unwrap();
        assert_eq!(read.problems(&QueryLimits::default(), "content"), []);
        assert_eq!(serde_json::to_value(&read).unwrap(), form);
        assert_eq!(serde_json::from_value::<QuestionContent>(form).unwrap(), read);
        let short: QuestionContent = input::read(json!({"query": {"sql": "select 1"}})).unwrap();
        assert_eq!(short.display, "table");
    }

    #[test]
    fn every_problem_of_a_question_names_its_field() {
        let cases = [
            (json!({"query": {"sql": ""}}), "content.query.sql"),
            (json!({"query": {"sql": "select 1"}, "display": ""}), "content.display"),
            (json!({"query": {"sql": "select 1"}, "display": "<b>"}), "content.display"),
            (
                json!({"query": {"sql": "select 1"}, "settings": {"a": "x".repeat(65_536)}}),
                "content.settings",
            ),
        ];
        for (content, path) in cases {
            let read: QuestionContent = input::read(content).unwrap();
            let issues = read.problems(&QueryLimits::default(), "content");
            assert_eq!(issues.iter().map(|issue| issue.path.as_str()).collect::<Vec<_>>(), [path]);
        }
        for content in [
            json!({}),
            json!({"query": "select 1"}),
            json!({"query": {"sql": "select 1"}, "settings": []}),
            json!({"query": {"sql": "select 1"}, "extra": 1}),
        ] {
            assert!(input::read::<QuestionContent>(content.clone()).is_err(), "{content}");
        }
    }

    #[test]
    fn queries_of_a_dive_have_names() {
        let paths = |queries: Value| -> Vec<String> {
            let read: DiveQueries = input::read(queries).unwrap();
            let issues = dive_problems(&read, &QueryLimits::default(), "queries");
            issues.into_iter().map(|issue| issue.path).collect()
        };
        let query = json!({"sql": "select 1"});
        assert!(paths(json!({"by-month": query, "total_2": query})).is_empty());
        assert_eq!(paths(json!({"a b": query})), ["queries.a b"]);
        assert_eq!(paths(json!({"": query})), ["queries."]);
        assert_eq!(paths(json!({"total": {"sql": "{{"}})), ["queries.total.sql"]);
        let many: Map<_, _> = (0..51).map(|number| (format!("q{number}"), query.clone())).collect();
        assert_eq!(paths(json!(many)), ["queries"]);
        assert!(input::read::<DiveQueries>(json!({"a": {"sql": 1}})).is_err());
    }
}
