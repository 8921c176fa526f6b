//! The content of an iframe.

use std::collections::BTreeSet;

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::error::Issue;
use crate::json::input::{AtMost, Invalid};
use crate::query::content::{
    DisplaySettings, DiveQueries, QuestionContent, ReactContent, dive_problems, has_none, table,
};
use crate::query::definition::QueryDefinition;
use crate::query::limits::QueryLimits;
use crate::query::mapping::Mapping;
use crate::resource::dashboard::{Card, CardBody, DashboardContent, Tab};
use crate::resource::ids::Kind;
use crate::resource::origin::Origin;
use crate::resource::parameter::Parameter;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[serde(tag = "type", rename_all = "lowercase")]
#[deserr(error = Invalid, from(Written) = Self::of)]
pub enum Content {
    /// HTML and scripts of the owner, run in a nested sandbox that cannot reach the page around it.
    Html {
        html: String,
        /// Queries that its script asks for by name.
        #[serde(default, skip_serializing_if = "has_none")]
        queries: DiveQueries,
    },
    /// A component of React, which was compiled before it was published.
    React(ReactContent),
    /// A page on the owner's own site.
    Url { url: String },
    /// A query and how to draw it.
    Question(QuestionContent),
    /// Cards on a grid.
    Dashboard(DashboardContent),
}

/// A query of content.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedQuery<'a> {
    /// Its place in the content.
    pub path: String,
    pub query: &'a QueryDefinition,
    pub mapping: Mapping<'a>,
}

/// Content as its owner writes it: unknown fields are refused, which stored content need not be checked for.
#[derive(Deserr)]
#[deserr(error = Invalid, tag = "type", rename_all = lowercase, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Serialize, utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", serde(tag = "type", rename_all = "lowercase"))]
enum Written {
    /// HTML and scripts of the owner, run in a nested sandbox that cannot reach the page around it.
    Html {
        #[cfg_attr(feature = "openapi", schema(max_length = 307200))]
        html: String,
        /// Queries that its script asks for by name.
        #[deserr(default)]
        #[cfg_attr(feature = "openapi", schema(required = false, value_type = std::collections::BTreeMap<String, QueryDefinition>))]
        queries: DiveQueries,
    },
    /// A component of React, for dives only. `vitrine publish dive FILE.tsx` compiles and publishes it.
    React {
        /// The file as it was written. Viewers do not receive it.
        #[cfg_attr(feature = "openapi", schema(max_length = 307200))]
        source: String,
        /// The module that it was compiled to.
        #[deserr(default)]
        #[cfg_attr(feature = "openapi", schema(max_length = 307200))]
        code: String,
        /// The version of the page's modules that the compiled module needs.
        #[deserr(default)]
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1))]
        runtime: u32,
        /// Queries that its hooks ask for by name.
        #[deserr(default)]
        #[cfg_attr(feature = "openapi", schema(required = false, value_type = std::collections::BTreeMap<String, QueryDefinition>))]
        queries: DiveQueries,
    },
    /// A page on the owner's own site.
    Url {
        #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::FrameUrl))]
        url: String,
    },
    /// A query and how to draw it; for questions only.
    Question {
        query: QueryDefinition,
        /// `table`, `bar`, `line` and so on. An unknown one is drawn as a table.
        #[deserr(default = table())]
        #[cfg_attr(
            feature = "openapi",
            schema(required = false, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]*$")
        )]
        display: String,
        /// Kept as they are; those that are not known have no effect.
        #[deserr(default)]
        #[cfg_attr(feature = "openapi", schema(required = false, value_type = Object))]
        settings: DisplaySettings,
        /// Fields that another program knows and this one does not. They are kept for it and shown to no viewer.
        #[deserr(default)]
        #[cfg_attr(feature = "openapi", schema(required = false, value_type = Object))]
        extra: DisplaySettings,
    },
    /// Cards on a grid of 24 columns; for dashboards only.
    Dashboard {
        #[deserr(default, from(AtMost<Tab, { DashboardContent::MAX_TABS }>) = AtMost::into_vec)]
        #[cfg_attr(feature = "openapi", schema(required = false, max_items = 50))]
        tabs: Vec<Tab>,
        #[deserr(from(AtMost<Card, { DashboardContent::MAX_CARDS }>) = AtMost::into_vec)]
        #[cfg_attr(feature = "openapi", schema(max_items = 200))]
        cards: Vec<Card>,
        /// Anything; it is kept and has no effect.
        #[deserr(default)]
        #[cfg_attr(feature = "openapi", schema(required = false, value_type = Object))]
        extra: DisplaySettings,
    },
}

/// The schema of content is that of its written form, which has the fields of each type side by side.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Content {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        Written::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Content {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        Written::schemas(schemas);
    }
}

impl Content {
    /// The maximum size, so that a resource fits into one item.
    pub const MAX_BYTES: usize = 300 * 1024;

    fn of(written: Written) -> Self {
        match written {
            Written::Html { html, queries } => Self::Html { html, queries },
            Written::React { source, code, runtime, queries } => {
                Self::React(ReactContent { source, code, runtime, queries })
            }
            Written::Url { url } => Self::Url { url },
            Written::Question { query, display, settings, extra } => {
                Self::Question(QuestionContent { query, display, settings, extra })
            }
            Written::Dashboard { tabs, cards, extra } => {
                Self::Dashboard(DashboardContent { tabs, cards, extra })
            }
        }
    }

    /// Everything that is wrong with the content of a resource of this kind, under `path`.
    pub fn problems(&self, kind: Kind, limits: &QueryLimits, path: &str) -> Vec<Issue> {
        match self {
            Self::Html { html, .. } if html.len() > Self::MAX_BYTES => {
                vec![Issue::new(format!("{path}.html"), "must be at most 300 KiB")]
            }
            Self::Html { .. } if self.size() > Self::MAX_BYTES => {
                vec![Issue::new(format!("{path}.queries"), "must be at most 300 KiB together with the html")]
            }
            Self::Html { queries, .. } => dive_problems(queries, limits, &format!("{path}.queries")),
            Self::React(_) if kind != Kind::Dive => {
                vec![Issue::new(format!("{path}.type"), "can be `react` for dives only")]
            }
            Self::React(_) if self.size() > Self::MAX_BYTES => {
                let message = "must be at most 300 KiB together with the code and the queries";
                vec![Issue::new(format!("{path}.source"), message)]
            }
            Self::React(dive) => dive.problems(limits, path),
            Self::Url { url } if frame_source(url).is_none() => {
                vec![Issue::new(format!("{path}.url"), "must be an https URL (http for localhost)")]
            }
            Self::Url { .. } => Vec::new(),
            Self::Question(_) if kind != Kind::Question => {
                vec![Issue::new(format!("{path}.type"), "can be `question` for questions only")]
            }
            Self::Question(question) => question.problems(limits, path),
            Self::Dashboard(_) if kind != Kind::Dashboard => {
                vec![Issue::new(format!("{path}.type"), "can be `dashboard` for dashboards only")]
            }
            Self::Dashboard(_) if self.size() > Self::MAX_BYTES => {
                vec![Issue::new(format!("{path}.cards"), "must be at most 300 KiB")]
            }
            Self::Dashboard(dashboard) => dashboard.problems(limits, path),
        }
    }

    /// The bytes that it takes when it is stored. Queries are stored as JSON.
    pub fn size(&self) -> usize {
        let json = |written: serde_json::Result<Vec<u8>>| written.map_or(usize::MAX, |json| json.len());
        match self {
            Self::Html { html, queries } if queries.is_empty() => html.len(),
            Self::Html { html, queries } => html.len().saturating_add(json(serde_json::to_vec(queries))),
            Self::React(ReactContent { source, code, queries, .. }) => {
                let queries = if queries.is_empty() { 0 } else { json(serde_json::to_vec(queries)) };
                (source.len() + code.len()).saturating_add(queries)
            }
            Self::Url { url } => url.len(),
            Self::Question(question) => json(serde_json::to_vec(question)),
            Self::Dashboard(dashboard) => json(serde_json::to_vec(dashboard)),
        }
    }

    /// Its queries, each with its place under `path`. Those of questions that a dashboard's cards name are not among them.
    pub fn queries(&self, path: &str) -> Vec<PlacedQuery<'_>> {
        let plain = |path, query| PlacedQuery { path, query, mapping: Mapping::SAME_NAMES };
        match self {
            Self::Html { queries, .. } | Self::React(ReactContent { queries, .. }) => {
                queries.iter().map(|(name, query)| plain(format!("{path}.queries.{name}"), query)).collect()
            }
            Self::Url { .. } => Vec::new(),
            Self::Question(question) => vec![plain(format!("{path}.query"), &question.query)],
            Self::Dashboard(dashboard) => {
                let cards = dashboard.cards.iter().enumerate();
                let own = cards.filter_map(|(index, card)| match &card.body {
                    CardBody::Query(query) => {
                        let path = format!("{path}.cards[{index}].query");
                        Some(PlacedQuery { path, query, mapping: card.mapping() })
                    }
                    _ => None,
                });
                own.collect()
            }
        }
    }

    /// The queries that a script asks for by name, of content that has a script.
    pub fn named_queries(&self) -> Option<&DiveQueries> {
        match self {
            Self::Html { queries, .. } | Self::React(ReactContent { queries, .. }) => Some(queries),
            Self::Url { .. } | Self::Question(_) | Self::Dashboard(_) => None,
        }
    }

    /// Returns whether it has queries, or shows those of questions.
    pub fn has_queries(&self) -> bool {
        !self.queries("").is_empty() || !self.questions().is_empty()
    }

    /// Parameters for the tags of its queries that `declared` does not set. The first query of several that have a tag of
    /// the same parameter decides.
    pub fn derived_parameters(&self, declared: &[Parameter]) -> Vec<Parameter> {
        let mut derived: Vec<Parameter> = Vec::new();
        for PlacedQuery { query, mapping, .. } in self.queries("") {
            for (name, tag) in query.tags.iter() {
                for slug in mapping.setters(name) {
                    let is_known = declared.iter().chain(&derived).any(|known| known.slug == slug);
                    derived.extend(tag.parameter(slug).filter(|_| !is_known));
                }
            }
        }
        derived
    }

    /// Parameters whose type a tag that they set does not take. `all` begins with those that are declared.
    pub fn misfits(&self, declared: &[Parameter], all: &[Parameter], path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        for PlacedQuery { path: at, query, mapping } in self.queries(path) {
            for (name, tag) in query.tags.iter() {
                for slug in mapping.setters(name) {
                    let Some(index) = all.iter().position(|parameter| parameter.slug == slug) else {
                        continue;
                    };
                    if tag.takes(all[index].kind) {
                        continue;
                    }
                    issues.push(if index < declared.len() {
                        let which =
                            if slug == name { "of this name".to_owned() } else { format!("`{name}`") };
                        let message = format!("does not fit the tag {which} in `{at}`");
                        Issue::new(format!("parameters[{index}].type"), message)
                    } else {
                        let message =
                            "does not fit the tag of this name in another query: rename one of them";
                        Issue::new(format!("{at}.tags.{name}.type"), message)
                    });
                }
            }
        }
        if let Self::Dashboard(dashboard) = self {
            issues.extend(dashboard.stray_mappings(all, path));
        }
        issues
    }

    /// The questions that it shows.
    pub fn questions(&self) -> BTreeSet<u64> {
        match self {
            Self::Dashboard(dashboard) => dashboard.questions(),
            Self::Html { .. } | Self::React(_) | Self::Url { .. } | Self::Question(_) => BTreeSet::new(),
        }
    }

    /// The origin that the page must be allowed to frame, for content on another site.
    pub fn frame_source(&self) -> Option<Origin> {
        match self {
            Self::Html { .. } | Self::React(_) | Self::Question(_) | Self::Dashboard(_) => None,
            Self::Url { url } => frame_source(url),
        }
    }
}

fn frame_source(url: &str) -> Option<Origin> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.split(':').next()?;
    let private = matches!(host, "localhost" | "127.0.0.1");
    let sound = url.len() <= 2_048
        && url.bytes().all(|byte| byte.is_ascii_graphic())
        && !authority.contains(['@', '*'])
        && (scheme == "https" || (scheme == "http" && private));
    if sound { format!("{scheme}://{authority}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::{Value, json};

    fn paths(kind: Kind, content: &Content) -> Vec<String> {
        let issues = content.problems(kind, &QueryLimits::default(), "content");
        issues.into_iter().map(|issue| issue.path).collect()
    }

    #[test]
    fn only_https_and_loopback_urls_can_be_framed() {
        for (url, source) in [
            ("https://app.example.com/report?a=1#b", Some("https://app.example.com")),
            ("https://app.example.com:8443", Some("https://app.example.com:8443")),
            ("http://localhost:5173/x", Some("http://localhost:5173")),
            ("http://app.example.com/", None),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("https://user:pass@example.com/", None),
            ("https://*.example.com/", None),
            ("https://a.com;script-src *", None),
            ("//example.com", None),
            ("", None),
        ] {
            let content = Content::Url { url: url.into() };
            assert_eq!(content.frame_source().as_ref().map(Origin::as_str), source, "{url}");
            assert_eq!(paths(Kind::Dive, &content).is_empty(), source.is_some(), "{url}");
        }
    }

    #[test]
    fn html_has_a_maximum_size_which_counts_its_queries() {
        let html = |length, queries| Content::Html { html: "x".repeat(length), queries };
        assert!(paths(Kind::Dive, &html(Content::MAX_BYTES, DiveQueries::default())).is_empty());
        assert_eq!(
            paths(Kind::Dive, &html(Content::MAX_BYTES + 1, DiveQueries::default())),
            ["content.html"]
        );
        let queries: DiveQueries = input::read(json!({"a": {"sql": "select '\n'"}})).unwrap();
        let bytes = serde_json::to_vec(&queries).unwrap().len();
        assert!(paths(Kind::Dive, &html(Content::MAX_BYTES - bytes, queries.clone())).is_empty());
        assert_eq!(paths(Kind::Dive, &html(Content::MAX_BYTES - bytes + 1, queries)), ["content.queries"]);
    }

    #[test]
    fn a_component_is_compiled_and_for_dives() {
        let issues = |kind, form: Value| -> Vec<String> {
            let content: Content = input::read(form).unwrap();
            let issues = content.problems(kind, &QueryLimits::default(), "content");
            issues.into_iter().map(|issue| format!("{} {}", issue.path, issue.message)).collect()
        };
        let form = |code: &str, runtime: u32| json!({"type": "react", "source": "export default () => null", "code": code, "runtime": runtime});
        assert!(issues(Kind::Dive, form("mount(1)", 1)).is_empty());
        let missing = [
            "content.code is required: `vitrine publish dive FILE.tsx` compiles the source and publishes it",
        ];
        assert_eq!(
            issues(Kind::Dive, json!({"type": "react", "source": "export default () => null"})),
            missing
        );
        assert_eq!(issues(Kind::Dive, form(" ", 1)), missing);
        for runtime in [0, 2] {
            assert_eq!(issues(Kind::Dive, form("mount(1)", runtime)), ["content.runtime must be 1"]);
        }
        for kind in [Kind::Dashboard, Kind::Question] {
            assert_eq!(issues(kind, form("mount(1)", 1)), ["content.type can be `react` for dives only"]);
        }
        let large = "x".repeat(Content::MAX_BYTES / 2);
        let sized = |code: &str| {
            issues(Kind::Dive, json!({"type": "react", "source": large, "code": code, "runtime": 1}))
        };
        assert!(sized(&large).is_empty());
        assert_eq!(sized(&format!("{large}x")).len(), 1);
        let queries = json!({"type": "react", "source": "1", "code": "1", "runtime": 1, "queries": {"a b": {"sql": "select 1"}}});
        assert_eq!(issues(Kind::Dive, queries).len(), 1);
        for wrong in [
            json!({"type": "react"}),
            json!({"type": "react", "source": 1, "code": "1", "runtime": 1}),
            json!({"type": "react", "source": "", "code": "1", "runtime": "1"}),
            json!({"type": "react", "source": "", "code": "1", "runtime": 1, "html": ""}),
        ] {
            assert!(input::read::<Content>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn content_is_written_and_read_in_one_form() {
        for form in [
            json!({"type": "html", "html": "<p>"}),
            json!({"type": "html", "html": "", "queries": {"total": {"sql": "select 1"}}}),
            json!({"type": "react", "source": "export default 1", "code": "mount(1)", "runtime": 1}),
            json!({"type": "react", "source": "", "code": "1", "runtime": 1, "queries": {"total": {"sql": "select 1"}}}),
            json!({"type": "url", "url": "https://example.com/"}),
            json!({"type": "question", "query": {"sql": "select 1"}, "display": "bar", "settings": {"a": [1]}}),
            json!({"type": "question", "query": {"sql": "select 1"}, "display": "table"}),
        ] {
            let read: Content = input::read(form.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), form);
            assert_eq!(serde_json::from_value::<Content>(form).unwrap(), read);
        }
        for form in [
            json!({"type": "html"}),
            json!({"type": "html", "html": "", "query": {"sql": "select 1"}}),
            json!({"type": "html", "html": "", "queries": []}),
            json!({"type": "url", "url": "https://example.com/", "queries": {}}),
            json!({"type": "question"}),
            json!({"type": "question", "query": {"sql": "select 1"}, "html": ""}),
            json!({"type": "question", "query": {"sql": "select 1"}, "queries": {}}),
            json!({"type": "question", "query": {"sql": "select 1"}, "settings": 1}),
            json!({"type": "sql", "query": {"sql": "select 1"}}),
        ] {
            assert!(input::read::<Content>(form.clone()).is_err(), "{form}");
        }
    }

    #[test]
    fn only_a_question_has_the_content_of_a_question() {
        let question: Content =
            input::read(json!({"type": "question", "query": {"sql": "select 1"}})).unwrap();
        assert!(paths(Kind::Question, &question).is_empty());
        for kind in [Kind::Dashboard, Kind::Dive] {
            assert_eq!(paths(kind, &question), ["content.type"]);
        }
        let html: Content =
            input::read(json!({"type": "html", "html": "", "queries": {"a": {"sql": "select 1"}}})).unwrap();
        for kind in [Kind::Question, Kind::Dashboard, Kind::Dive] {
            assert!(paths(kind, &html).is_empty(), "{kind}");
        }
        let bad: Content =
            input::read(json!({"type": "html", "html": "", "queries": {"a b": {"sql": ""}}})).unwrap();
        assert_eq!(paths(Kind::Dive, &bad), ["content.queries.a b", "content.queries.a b.sql"]);
    }

    /// declared type, tag -> fits
    #[test]
    fn a_declared_type_fits_the_tag_that_it_sets() {
        let filter = |widget: &str| json!({"type": "dimension", "dimension": {"table": "t", "column": "c"}, "widget_type": widget});
        let cases: [(Value, &[&str]); 20] = [
            (json!({"type": "text"}), &["text", "category"]),
            (json!({"type": "number"}), &["number", "category"]),
            (json!({"type": "date"}), &["date", "category"]),
            (json!({"type": "boolean"}), &["boolean", "category"]),
            (
                json!({"type": "temporal-unit", "dimension": {"table": "t", "column": "c"}}),
                &["text", "category"],
            ),
            (
                json!({"type": "dimension", "dimension": {"table": "t", "column": "c"}}),
                &["text", "number", "date", "boolean", "category"],
            ),
            (filter("id"), &["text", "number", "date", "boolean", "category"]),
            (filter("location/city"), &["text", "category"]),
            (filter("location/zip_code"), &["text", "number", "category"]),
            (filter("string/="), &["text", "category"]),
            (filter("string/!="), &["text", "category"]),
            (filter("string/contains"), &["text", "category"]),
            (filter("number/="), &["number"]),
            (filter("number/!="), &["number"]),
            (filter("number/between"), &["number"]),
            (filter("boolean/="), &["boolean"]),
            (filter("date/single"), &["date", "category"]),
            (filter("date/range"), &["date_range"]),
            (filter("date/relative"), &["date_range"]),
            (filter("date/all-options"), &["date", "date_range"]),
        ];
        for (tag, fitting) in cases {
            let content: Content = input::read(
                json!({"type": "question", "query": {"sql": "select {{x}}", "tags": {"x": tag}}}),
            )
            .unwrap();
            for kind in ["text", "number", "date", "date_range", "boolean", "category"] {
                let declared: Vec<Parameter> =
                    input::read(json!([{"slug": "y", "name": "Y", "type": "text"}, {"slug": "x", "name": "X", "type": kind}]))
                        .unwrap();
                let issues = content.misfits(&declared, &declared, "content");
                let expected = if fitting.contains(&kind) { vec![] } else { vec!["parameters[1].type"] };
                assert_eq!(
                    issues.iter().map(|issue| &*issue.path).collect::<Vec<_>>(),
                    expected,
                    "{tag} {kind}"
                );
            }
            let derived = content.derived_parameters(&[]);
            assert_eq!(content.misfits(&[], &derived, "content"), [], "{tag}");
        }
    }

    #[test]
    fn queries_with_a_tag_of_the_same_name_share_its_parameter() {
        let content = |first: Value, second: Value| -> Content {
            let query = |tag| json!({"sql": "select {{x}}", "tags": {"x": tag}});
            input::read(
                json!({"type": "html", "html": "", "queries": {"a": query(first), "b": query(second)}}),
            )
            .unwrap()
        };
        let (text, number, date) =
            (json!({"type": "text"}), json!({"type": "number"}), json!({"type": "date"}));
        let misfits = |content: &Content| -> Vec<String> {
            let derived = content.derived_parameters(&[]);
            assert_eq!(derived.len(), 1);
            content.misfits(&[], &derived, "content").into_iter().map(|issue| issue.path).collect()
        };
        assert!(misfits(&content(text.clone(), text.clone())).is_empty());
        assert!(misfits(&content(text, number.clone())).is_empty(), "a choice can be a number");
        assert_eq!(misfits(&content(number, date)), ["content.queries.b.tags.x.type"]);
    }
}
