//! Queries and their tags as their author declares them.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Issue;
use crate::json::input::Invalid;
use crate::json::named::Named;
use crate::query::limits::QueryLimits;
use crate::query::scanner::{self, Piece, TagRef};
use crate::query::table::{SOURCE_NAME, is_source_name, is_table_name};
use crate::query::widget_type::WidgetType;
use crate::resource::parameter::{Parameter, ParameterType};

/// A query of a question or of a dive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueryDefinition {
    /// SQL with tags: `select count(*) from orders [[where city = {{city}}]]`.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, format = "sql"))]
    pub sql: String,
    /// `managed` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 63, pattern = "^[a-z][a-z0-9_-]*$"))]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "is_empty")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = std::collections::BTreeMap<String, Tag>))]
    pub tags: Named<Tag>,
    /// Texts that stand for `{{snippet: name}}`, by name. They have no tags.
    #[serde(default, skip_serializing_if = "is_empty")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = std::collections::BTreeMap<String, String>))]
    pub snippets: Named<String>,
}

fn is_empty<T>(named: &Named<T>) -> bool {
    named.is_empty()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tag {
    #[serde(rename = "type")]
    #[deserr(rename = "type")]
    pub kind: TagType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 255))]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::resource::parameter::any_value))]
    pub default: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[deserr(default)]
    pub required: bool,
    /// The column that a field filter or a unit of time is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub dimension: Option<Dimension>,
    /// The operator of a field filter; equality if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub widget_type: Option<WidgetType>,
    /// Case sensitivity of `string/contains` and its kind; on if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub case_sensitive: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(rename_all = "kebab-case")]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TagType {
    #[deserr(rename = "text")]
    Text,
    #[deserr(rename = "number")]
    Number,
    #[deserr(rename = "date")]
    Date,
    #[deserr(rename = "boolean")]
    Boolean,
    /// A field filter: the tag stands for a whole condition.
    #[deserr(rename = "dimension")]
    Dimension,
    /// A column cut to a unit of time that the viewer chooses.
    #[deserr(rename = "temporal-unit")]
    TemporalUnit,
    /// The SQL of another question: `{{#123}}`.
    #[deserr(rename = "card")]
    Card,
    /// A part of the SQL with a name: `{{snippet: name}}`.
    #[deserr(rename = "snippet")]
    Snippet,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dimension {
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 63, pattern = "^[a-z_][a-z0-9_]*$"))]
    pub table: String,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub column: String,
}

impl Tag {
    /// A tag that stands for a text.
    pub fn of_text() -> Self {
        Self {
            kind: TagType::Text,
            display_name: None,
            default: None,
            required: false,
            dimension: None,
            widget_type: None,
            case_sensitive: None,
        }
    }

    /// The type of the values that the tag takes; `None` for references to questions and snippets.
    pub fn value_type(&self) -> Option<WidgetType> {
        Some(match self.kind {
            TagType::Text => WidgetType::Text,
            TagType::Number => WidgetType::Number,
            TagType::Date => WidgetType::Date,
            TagType::Boolean => WidgetType::Boolean,
            TagType::Dimension => self.widget_type.unwrap_or(WidgetType::Category),
            TagType::TemporalUnit => WidgetType::TemporalUnit,
            TagType::Card | TagType::Snippet => return None,
        })
    }

    /// The type of the parameter that is derived from the tag.
    pub fn parameter_type(&self) -> Option<WidgetType> {
        Some(match self.kind {
            TagType::Date => WidgetType::DateSingle,
            TagType::Number => WidgetType::NumberEquals,
            TagType::Boolean => WidgetType::BooleanEquals,
            TagType::Text => WidgetType::Category,
            _ => self.value_type()?,
        })
    }

    /// The label of the tag.
    pub fn label<'a>(&'a self, name: &'a str) -> &'a str {
        self.display_name.as_deref().unwrap_or(name)
    }

    /// The parameter that sets the tag, for a resource that declares none of this name.
    pub fn parameter(&self, name: &str) -> Option<Parameter> {
        let kind = self.parameter_type()?;
        Some(Parameter {
            slug: name.to_owned(),
            name: self.label(name).to_owned(),
            kind: kind.parameter_type(),
            id: None,
            default: self.default.clone(),
            required: self.required,
            multiple: self.kind == TagType::Dimension && kind.is_multiple(),
            values: None,
            values_strict: false,
        })
    }

    /// Returns whether a parameter of a declared type can set the tag. How the value is compared is the tag's matter.
    pub fn takes(&self, declared: ParameterType) -> bool {
        let (Some(own), Some(derived)) = (self.value_type(), self.parameter_type()) else { return true };
        let given = match declared {
            ParameterType::Text => WidgetType::Text,
            ParameterType::Number => WidgetType::Number,
            ParameterType::Date => WidgetType::Date,
            ParameterType::DateRange => WidgetType::DateRange,
            ParameterType::Boolean => WidgetType::Boolean,
            ParameterType::Category => WidgetType::Category,
        };
        let is_text = |kind| matches!(kind, ParameterType::Text | ParameterType::Category);
        let derived = derived.parameter_type();
        derived == declared || own.takes(given) || (is_text(derived) && is_text(declared))
    }

    fn problems(&self, name: &str, path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        let mut issue = |field: &str, message: &str| {
            issues.push(Issue::new(format!("{path}.{field}"), message));
        };
        let is_about_column = matches!(self.kind, TagType::Dimension | TagType::TemporalUnit);
        match &self.dimension {
            // A unit without a column stands for its word.
            None if self.kind == TagType::Dimension => issue("dimension", "is required for this type"),
            Some(_) if !is_about_column => {
                issue("dimension", "is only for the types dimension and temporal-unit");
            }
            Some(dimension) if !is_table_name(&dimension.table) => {
                issue("dimension.table", "must be the name of a table");
            }
            Some(dimension) if !(1..=128).contains(&dimension.column.chars().count()) => {
                issue("dimension.column", "must be the name of a column");
            }
            _ => {}
        }
        if self.widget_type.is_some() && self.kind != TagType::Dimension {
            issue("widget_type", "is only for the type dimension");
        }
        if self.widget_type == Some(WidgetType::TemporalUnit) {
            issue("widget_type", "must be the type of a filter");
        }
        if self.display_name.as_ref().is_some_and(|label| label.chars().count() > 255) {
            issue("display_name", "must be at most 255 characters");
        }
        match self.parameter(name) {
            None if self.default.is_some() => issue("default", "is not for references"),
            Some(parameter) => {
                // The parameter has the tag's name, its label and its default.
                for problem in Parameter::problems(&[parameter], "") {
                    match problem.path.as_str() {
                        "[0].default" => issue("default", "must be a value of the tag's type"),
                        _ => issue("name", &problem.message),
                    }
                }
            }
            None => {}
        }
        issues
    }
}

impl QueryDefinition {
    /// The pieces of the SQL. A query that was published can always be scanned.
    pub fn pieces(&self, limits: &QueryLimits) -> Result<Vec<Piece>, scanner::TemplateError> {
        scanner::scan(&self.sql, limits.depth)
    }

    /// Everything that is wrong with the query as a text, under `path`.
    pub fn problems(&self, limits: &QueryLimits, path: &str) -> Vec<Issue> {
        let at = |field: &str| format!("{path}.{field}");
        let mut issues = Vec::new();
        if self.source.as_deref().is_some_and(|source| !is_source_name(source)) {
            issues.push(Issue::new(at("source"), SOURCE_NAME));
        }
        if self.tags.len() > limits.tags {
            issues.push(Issue::new(at("tags"), format!("must be at most {} tags", limits.tags)));
        }
        for (name, tag) in self.tags.iter() {
            issues.extend(tag.problems(name, &at(&format!("tags.{name}"))));
        }
        if self.sql.trim().is_empty() {
            issues.push(Issue::new(at("sql"), "must not be empty"));
            return issues;
        }
        for (name, text) in self.snippets.iter() {
            if let Some(problem) = snippet_problem(name, text, limits) {
                issues.push(Issue::new(at(&format!("snippets.{name}")), problem));
            }
        }
        let bytes =
            self.snippets.values().fold(self.sql.len(), |bytes, text| bytes.saturating_add(text.len()));
        if bytes > limits.sql_bytes {
            issues.push(Issue::new(at("sql"), format!("must be at most {} bytes", limits.sql_bytes)));
            return issues;
        }
        match self.pieces(limits) {
            Err(error) => issues.push(Issue::new(at("sql"), error.to_string())),
            Ok(pieces) => issues.extend(self.stray_names(&pieces, &at("sql"))),
        }
        issues
    }

    fn stray_names(&self, pieces: &[Piece], path: &str) -> Vec<Issue> {
        let mut messages: Vec<String> = Vec::new();
        for reference in scanner::references(pieces) {
            let message = match reference {
                TagRef::Name(name) if !self.tags.contains_key(name) => {
                    format!("uses the tag `{name}`, which `tags` does not declare")
                }
                TagRef::Snippet(name) if !self.snippets.contains_key(name) => {
                    format!("uses the snippet `{name}`, which `snippets` does not have")
                }
                _ => continue,
            };
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        messages.into_iter().take(20).map(|message| Issue::new(path, message)).collect()
    }

    /// Declared tags that the SQL does not use: they are no error, but probably a mistake.
    pub fn unused_tags(&self, limits: &QueryLimits) -> Vec<String> {
        let pieces = self.pieces(limits).unwrap_or_default();
        let used: Vec<&str> = scanner::references(&pieces)
            .into_iter()
            .filter_map(|reference| match reference {
                TagRef::Name(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let is_value = |tag: &Tag| tag.value_type().is_some();
        let unused = self.tags.iter().filter(|(name, tag)| is_value(tag) && !used.contains(&name.as_str()));
        unused.map(|(name, _)| name.clone()).collect()
    }
}

/// A snippet with a tag would stand in queries whose tags nobody declared for it.
fn snippet_problem(name: &str, text: &str, limits: &QueryLimits) -> Option<&'static str> {
    if name.trim() != name || !(1..=255).contains(&name.chars().count()) {
        return Some("must have a name of 1 to 255 characters, without spaces around it");
    }
    if text.trim().is_empty() {
        return Some("must not be empty");
    }
    match scanner::scan(text, limits.depth).as_deref() {
        Ok([] | [Piece::Text(_)]) => None,
        _ => Some("must be SQL without tags and without optional blocks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use crate::resource::content::Content;
    use serde_json::json;

    fn query(definition: Value) -> QueryDefinition {
        input::read(definition).unwrap()
    }

    fn derived(query: &QueryDefinition, declared: &[Parameter]) -> Vec<Parameter> {
        let content: Content = input::read(json!({"type": "question", "query": query})).unwrap();
        content.derived_parameters(declared)
    }

    fn paths(definition: Value) -> Vec<String> {
        let issues = query(definition).problems(&QueryLimits::default(), "query");
        issues.into_iter().map(|issue| issue.path).collect()
    }

    #[test]
    fn queries_are_stored_in_one_form() {
        let form = json!({
            "sql": "select count(*) from orders where {{day}} [[and city = {{city}}]]",
            "source": "managed",
            "tags": {
                "city": {"type": "text", "display_name": "City", "default": "Berlin", "required": true},
                "day": {
                    "type": "dimension",
                    "dimension": {"table": "orders", "column": "day"},
                    "widget_type": "date/all-options",
                },
                "name": {
                    "type": "dimension",
                    "dimension": {"table": "orders", "column": "name"},
                    "widget_type": "string/contains",
                    "case_sensitive": false,
                },
            },
        });
        let read = query(form.clone());
        assert_eq!(read.problems(&QueryLimits::default(), "query"), []);
        assert_eq!(read.unused_tags(&QueryLimits::default()), ["name"]);
        assert_eq!(serde_json::to_value(&read).unwrap(), form);
        assert_eq!(serde_json::from_value::<QueryDefinition>(form).unwrap(), read);
        assert_eq!(
            serde_json::to_value(query(json!({"sql": "select 1"}))).unwrap(),
            json!({"sql": "select 1"})
        );
    }

    #[test]
    fn every_problem_names_its_field() {
        let tag = |tag: Value| json!({"sql": "select {{x}}", "tags": {"x": tag}});
        let column = json!({"table": "orders", "column": "city"});
        let many: serde_json::Map<_, _> =
            (0..51).map(|n| (format!("t{n}"), json!({"type": "text"}))).collect();
        let cases: Vec<(Value, &[&str])> = vec![
            (json!({"sql": "select 1"}), &[]),
            (json!({"sql": ""}), &["query.sql"]),
            (json!({"sql": " \n"}), &["query.sql"]),
            (json!({"sql": "x".repeat(32 * 1024)}), &[]),
            (json!({"sql": "x".repeat(32 * 1024 + 1)}), &["query.sql"]),
            (json!({"sql": "select {{"}), &["query.sql"]),
            (json!({"sql": "select [[1]]"}), &["query.sql"]),
            (json!({"sql": "select {{x}}, {{y}}, {{x}}"}), &["query.sql", "query.sql"]),
            (json!({"sql": "select -- {{x}}\n 1"}), &[]),
            (json!({"sql": "select * from {{#7}} {{snippet: a}}", "snippets": {"a": "o"}}), &[]),
            (json!({"sql": "select 1", "source": "A B"}), &["query.source"]),
            (json!({"sql": "select 1", "tags": many}), &["query.tags"]),
            (tag(json!({"type": "text"})), &[]),
            (tag(json!({"type": "number", "default": 5})), &[]),
            (tag(json!({"type": "number", "default": "five"})), &["query.tags.x.default"]),
            (tag(json!({"type": "date", "default": "2024-02-30"})), &["query.tags.x.default"]),
            (tag(json!({"type": "boolean", "default": "yes"})), &["query.tags.x.default"]),
            (tag(json!({"type": "text", "default": {"a": 1}})), &["query.tags.x.default"]),
            (tag(json!({"type": "dimension"})), &["query.tags.x.dimension"]),
            (tag(json!({"type": "temporal-unit"})), &[]),
            (tag(json!({"type": "text", "dimension": column})), &["query.tags.x.dimension"]),
            (tag(json!({"type": "text", "widget_type": "category"})), &["query.tags.x.widget_type"]),
            (tag(json!({"type": "dimension", "dimension": column})), &[]),
            (
                tag(json!({"type": "dimension", "dimension": column, "widget_type": "temporal-unit"})),
                &["query.tags.x.widget_type"],
            ),
            (
                tag(json!({"type": "dimension", "dimension": {"table": "a.b", "column": "c"}})),
                &["query.tags.x.dimension.table"],
            ),
            (
                tag(json!({"type": "dimension", "dimension": {"table": "a", "column": ""}})),
                &["query.tags.x.dimension.column"],
            ),
            (tag(json!({"type": "text", "display_name": "x".repeat(256)})), &["query.tags.x.display_name"]),
            (
                json!({"sql": "select {{parameters}}", "tags": {"parameters": {"type": "text"}}}),
                &["query.tags.parameters.name"],
            ),
        ];
        for (definition, expected) in cases {
            assert_eq!(paths(definition.clone()), expected, "{definition}");
        }
    }

    #[test]
    fn snippets_are_texts_of_the_query_without_tags() {
        let with = |sql: &str, name: &str, text: &str| json!({"sql": sql, "snippets": {name: text}});
        for (definition, expected) in [
            (with("select 1 where {{snippet: vip}}", "vip", "level > 3"), vec![]),
            (with("select 1", "vip", "level > 3"), vec![]),
            (with("select 1 where {{snippet: vip}}", "other", "level > 3"), vec!["query.sql"]),
            (with("select 1 where {{snippet: Vip}}", "vip", "level > 3"), vec!["query.sql"]),
            (with("select 1", "vip", " "), vec!["query.snippets.vip"]),
            (with("select 1", "vip", "level > {{level}}"), vec!["query.snippets.vip"]),
            (with("select 1", "vip", "level > 3 [[and true]]"), vec!["query.snippets.vip"]),
            (with("select 1", "vip", "{{snippet: vip}}"), vec!["query.snippets.vip"]),
            (with("select 1", "vip", "level > {{"), vec!["query.snippets.vip"]),
            (with("select 1", " vip", "level > 3"), vec!["query.snippets. vip"]),
            (with("select 1", "", "level > 3"), vec!["query.snippets."]),
            (with("select 1", "vip", &"x".repeat(32 * 1024)), vec!["query.sql"]),
        ] {
            assert_eq!(paths(definition.clone()), expected, "{definition}");
        }
        assert!(input::read::<QueryDefinition>(json!({"sql": "select 1", "snippets": {"vip": 3}})).is_err());
    }

    #[test]
    fn shapes_are_checked_when_they_are_read() {
        for definition in [
            json!({}),
            json!({"sql": 1}),
            json!({"sql": "select 1", "extra": 1}),
            json!({"sql": "select 1", "tags": []}),
            json!({"sql": "select 1", "tags": {"x": {}}}),
            json!({"sql": "select 1", "tags": {"x": {"type": "sql"}}}),
            json!({"sql": "select 1", "tags": {"x": {"type": "text", "widget-type": "category"}}}),
            json!({"sql": "select 1", "tags": {"x": {"type": "dimension", "dimension": 4}}}),
            json!({"sql": "select 1", "tags": {"x": {"type": "dimension", "widget_type": "string/like"}}}),
        ] {
            assert!(input::read::<QueryDefinition>(definition.clone()).is_err(), "{definition}");
        }
    }

    /// tag -> the type of the parameter that sets it.
    #[test]
    fn tags_become_parameters() {
        let column = json!({"table": "orders", "column": "city"});
        let cases = [
            (json!({"type": "text"}), "category", false),
            (json!({"type": "number"}), "number", false),
            (json!({"type": "date"}), "date", false),
            (json!({"type": "boolean"}), "boolean", false),
            (json!({"type": "dimension", "dimension": column}), "category", true),
            (
                json!({"type": "dimension", "dimension": column, "widget_type": "string/contains"}),
                "category",
                true,
            ),
            (
                json!({"type": "dimension", "dimension": column, "widget_type": "number/between"}),
                "number",
                true,
            ),
            (json!({"type": "dimension", "dimension": column, "widget_type": "number/<="}), "number", false),
            (
                json!({"type": "dimension", "dimension": column, "widget_type": "date/all-options"}),
                "date_range",
                false,
            ),
            (json!({"type": "dimension", "dimension": column, "widget_type": "date/single"}), "date", false),
            (json!({"type": "dimension", "dimension": column, "widget_type": "boolean/="}), "boolean", true),
            (json!({"type": "temporal-unit", "dimension": column}), "category", false),
        ];
        for (tag, kind, multiple) in cases {
            let query = query(json!({"sql": "select {{x}}", "tags": {"x": tag}}));
            let [parameter] = &derived(&query, &[])[..] else { panic!("{tag}") };
            let shown = serde_json::to_value(parameter).unwrap();
            assert_eq!(
                (&shown["slug"], &shown["type"], &shown["multiple"]),
                (&json!("x"), &json!(kind), &json!(multiple)),
                "{tag}"
            );
            assert_eq!(derived(&query, std::slice::from_ref(parameter)), [], "{tag}");
        }
        let references = query(json!({"sql": "select {{#7}}", "tags": {"#7": {"type": "card"}}}));
        assert_eq!(derived(&references, &[]), []);
    }
}
