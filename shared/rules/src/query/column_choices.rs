//! The values of the column that a parameter filters, as a query.
//!
//! The query has a condition for each other parameter that filters a column of the same table, so that choices narrow each
//! other, and so that locked parameters restrict them like any query.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::json::named::Named;
use crate::query::choose::ChosenQuery;
use crate::query::column_sql::quoted;
use crate::query::definition::{Dimension, QueryDefinition, Tag, TagType};
use crate::query::mapping::Mapping;
use crate::query::prepare::{GivenValue, GivenValues};
use crate::query::widget_type::WidgetType;
use crate::resource::parameter::{Parameter, ParameterType};
use crate::resource::parameter_value::ParameterValue;

/// A query for the values of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnChoices {
    pub query: QueryDefinition,
    pub given: GivenValues,
    tags: BTreeMap<String, String>,
}

/// The values of an opened view, by slug.
#[derive(Debug, Clone, Copy)]
pub struct ViewValues<'a> {
    pub values: &'a BTreeMap<String, ParameterValue>,
    pub given: &'a BTreeMap<String, Value>,
    pub parameters: &'a [Parameter],
}

/// The tag with the text that is searched for. The others begin with another letter.
const SEARCH: &str = "search";

impl ColumnChoices {
    /// The most values.
    pub const MOST: usize = 1_000;

    /// The query for the values of `parameter` in the queries of a resource; none if it filters no column, or one whose values are
    /// not chosen from a list.
    pub fn of(
        queries: &[ChosenQuery],
        parameter: &Parameter,
        search: Option<&str>,
        view: ViewValues,
    ) -> Option<Self> {
        let is_chosen =
            matches!(parameter.kind, ParameterType::Text | ParameterType::Category | ParameterType::Number);
        let slug = parameter.slug.as_str();
        let filtered = |chosen: &ChosenQuery| -> Option<Dimension> {
            let sets = |(name, tag): &(&String, &Tag)| {
                tag.kind == TagType::Dimension && chosen.mapping.setters(name).contains(&slug)
            };
            chosen.query.tags.iter().find(sets)?.1.dimension.clone()
        };
        let (index, dimension) = queries
            .iter()
            .enumerate()
            .filter(|_| is_chosen)
            .find_map(|(index, chosen)| Some((index, filtered(chosen)?)))?;
        let source = &queries[index].query.source;
        let (mut tags, mut given) = (BTreeMap::new(), GivenValues::new());
        let mut setters: BTreeMap<String, String> = BTreeMap::new();
        // The parameter's own query decides where several queries filter by the same parameter.
        for chosen in queries[index..].iter().chain(&queries[..index]) {
            if chosen.query.source != *source {
                continue;
            }
            let mut values = chosen.given_values(view.values, view.given, view.parameters);
            for (name, tag) in chosen.query.tags.iter() {
                let is_of_table = tag.dimension.as_ref().is_some_and(|other| other.table == dimension.table);
                let set_by: BTreeSet<&str> = chosen.mapping.setters(name).into_iter().collect();
                let is_new = set_by.iter().all(|setter| !setters.contains_key(*setter));
                if tag.kind != TagType::Dimension
                    || !is_of_table
                    || set_by.is_empty()
                    || set_by.contains(slug)
                    || !is_new
                {
                    continue;
                }
                let own = format!("t{}", tags.len());
                setters.extend(set_by.into_iter().map(|setter| (setter.to_owned(), own.clone())));
                given.extend(values.remove(name).map(|values| (own.clone(), values)));
                tags.insert(own, Tag { required: false, ..tag.clone() });
            }
        }
        let column = format!("{}.{}", quoted(&dimension.table), quoted(&dimension.column));
        let mut sql = format!(
            "select distinct {column} as value from {} where {column} is not null",
            quoted(&dimension.table)
        );
        for tag in tags.keys() {
            sql.push_str(&format!(" and {{{{{tag}}}}}"));
        }
        if let Some(search) = search {
            sql.push_str(&format!(
                " and strpos(lower(cast({column} as varchar)), lower({{{{{SEARCH}}}}})) > 0"
            ));
            let text = Some(ParameterValue::Text(search.to_owned()));
            let value = GivenValue { kind: WidgetType::Category, value: text, case_sensitive: None };
            given.insert(SEARCH.to_owned(), vec![value]);
            tags.insert(SEARCH.to_owned(), Tag::of_text());
        }
        sql.push_str(&format!(" order by 1 limit {}", Self::MOST + 1));
        let query =
            QueryDefinition { sql, source: source.clone(), tags: Named(tags), ..QueryDefinition::default() };
        Some(Self { query, given, tags: setters })
    }

    /// The parameters that restrict the values.
    pub fn mapping(&self) -> Mapping<'_> {
        Mapping::of(Some(&self.tags))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::input;
    use crate::query::limits::QueryLimits;
    use crate::resource::card_questions::CardQuestions;
    use crate::resource::content::Content;

    fn filter(table: &str, column: &str) -> Value {
        json!({"type": "dimension", "dimension": {"table": table, "column": column}, "required": true, "default": "x"})
    }

    fn dashboard() -> Content {
        let card = |id: u64, parameters: Value, query: Value| {
            json!({
                "id": id, "row": 0, "col": 0, "width": 1, "height": 1, "parameters": parameters, "query": query,
            })
        };
        input::read(json!({"type": "dashboard", "cards": [
            card(1, json!({"raw": "t", "day": "d"}), json!({
                "sql": "select {{t}} {{d}}", "tags": {"t": {"type": "text"}, "d": filter("orders", "day")},
            })),
            card(2, json!({"city": "c", "other": "o", "also": "c2"}), json!({
                "sql": "select {{c}} {{o}} {{c2}}", "source": "lake",
                "tags": {"c": filter("sales", "ci\"ty"), "o": filter("sales", "o"), "c2": filter("others", "x")},
            })),
            card(3, json!({"city": "e", "more": "m"}), json!({
                "sql": "select {{e}} {{m}}", "source": "lake", "tags": {"e": filter("sales", "e"), "m": filter("sales", "m")},
            })),
            card(4, json!({"elsewhere": "m"}), json!({"sql": "select {{m}}", "tags": {"m": filter("sales", "m")}})),
        ]}))
        .unwrap()
    }

    /// parameter, type, search -> the SQL and the parameters that restrict it
    #[test]
    fn values_are_those_of_the_first_column_that_a_parameter_filters() {
        let sales =
            r#"select distinct "sales"."ci""ty" as value from "sales" where "sales"."ci""ty" is not null"#;
        let searched = r#" and strpos(lower(cast("sales"."ci""ty" as varchar)), lower({{search}})) > 0 order by 1 limit 1001"#;
        let content = dashboard();
        let questions = CardQuestions::default();
        let all = ChosenQuery::all(Some(&content), &questions);
        let (values, given) = (BTreeMap::new(), BTreeMap::new());
        let view = ViewValues { values: &values, given: &given, parameters: &[] };
        let cases = [
            (
                "city",
                "category",
                None,
                Some((
                    format!("{sales} and {{{{t0}}}} and {{{{t1}}}} order by 1 limit 1001"),
                    vec!["more", "other"],
                )),
            ),
            (
                "city",
                "text",
                Some("a"),
                Some((format!("{sales} and {{{{t0}}}} and {{{{t1}}}}{searched}"), vec!["more", "other"])),
            ),
            ("city", "date", None, None),
            ("day", "date_range", None, None),
            ("raw", "text", None, None),
            ("nothing", "text", None, None),
        ];
        for (slug, kind, search, expected) in cases {
            let parameter = input::read(json!({"slug": slug, "name": "N", "type": kind})).unwrap();
            let found = ColumnChoices::of(&all, &parameter, search, view);
            let shown = found.as_ref().map(|found| {
                assert_eq!(found.query.problems(&QueryLimits::default(), ""), []);
                assert_eq!(found.query.source.as_deref(), Some("lake"));
                (found.query.sql.clone(), found.tags.keys().map(String::as_str).collect::<Vec<_>>())
            });
            assert_eq!(shown, expected, "{slug} {kind}");
        }
    }
}
