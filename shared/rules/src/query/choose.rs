//! The query that a request is about, among those of a resource.

use serde_json::Value;

use crate::error::{Error, Reason, Result};
use crate::query::definition::QueryDefinition;
use crate::query_settings::QuerySettings;
use crate::resource::content::Content;

/// A query of a resource, and the use of its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChosenQuery<'a> {
    pub query: &'a QueryDefinition,
    shown_as: ShownAs,
    /// The age at which its answer is computed again, if its author sets one.
    pub cache_seconds: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShownAs {
    Table,
    Chart,
}

/// Displays that show rows as they are.
const TABLES: [&str; 4] = ["table", "object", "list", "pivot"];

/// The setting of a question with the age of its answers, in seconds.
const CACHE_SECONDS: &str = "cache_seconds";

impl<'a> ChosenQuery<'a> {
    /// Chooses a query by the name that a script gives it, or the only one of a question.
    pub fn of(content: Option<&'a Content>, name: Option<&str>) -> Result<Self> {
        match (content, name) {
            (Some(Content::Question(question)), None) => {
                let is_table = TABLES.contains(&question.display.as_str());
                Ok(Self {
                    query: &question.query,
                    shown_as: if is_table { ShownAs::Table } else { ShownAs::Chart },
                    cache_seconds: question.settings.0.get(CACHE_SECONDS).and_then(Value::as_i64),
                })
            }
            (Some(Content::Html { queries, .. }), Some(name)) => {
                let query = queries.get(name).ok_or(Reason::QueryNotFound)?;
                Ok(Self { query, shown_as: ShownAs::Chart, cache_seconds: None })
            }
            (Some(Content::Html { queries, .. }), None) if !queries.is_empty() => {
                Err(Error::invalid("query", "is required: the content has queries with names"))
            }
            _ => Err(Reason::QueryNotFound.into()),
        }
    }

    /// The most rows of its answer on a page.
    pub const fn page_rows(&self, settings: &QuerySettings) -> usize {
        match self.shown_as {
            ShownAs::Table => settings.table_rows,
            ShownAs::Chart => settings.chart_rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    fn content(value: Value) -> Content {
        input::read(value).unwrap()
    }

    #[test]
    fn a_question_has_one_query_and_content_with_names_needs_one() {
        let sql = |sql: &str| json!({"sql": sql});
        let question = content(json!({"type": "question", "query": sql("select 1")}));
        let html = content(json!({"type": "html", "html": "", "queries": {"a": sql("select 2")}}));
        let plain = content(json!({"type": "html", "html": ""}));
        let cases = [
            (Some(&question), None, Ok("select 1")),
            (Some(&question), Some("a"), Err(Reason::QueryNotFound)),
            (Some(&html), Some("a"), Ok("select 2")),
            (Some(&html), Some("b"), Err(Reason::QueryNotFound)),
            (Some(&html), None, Err(Reason::RequestInvalid)),
            (Some(&plain), None, Err(Reason::QueryNotFound)),
            (Some(&plain), Some("a"), Err(Reason::QueryNotFound)),
            (None, None, Err(Reason::QueryNotFound)),
        ];
        for (content, name, expected) in cases {
            let chosen = ChosenQuery::of(content, name);
            let sql = chosen.map(|chosen| chosen.query.sql.as_str()).map_err(|error| error.reason);
            assert_eq!(sql, expected, "{content:?} {name:?}");
        }
    }

    #[test]
    fn tables_have_fewer_rows_than_charts() {
        let settings = QuerySettings::default();
        for (display, seconds, rows) in
            [("table", json!(60), 2_000), ("pivot", json!(null), 2_000), ("bar", json!("x"), 10_000)]
        {
            let question = content(json!({
                "type": "question", "query": {"sql": "select 1"}, "display": display,
                "settings": {"cache_seconds": seconds},
            }));
            let chosen = ChosenQuery::of(Some(&question), None).unwrap();
            assert_eq!((chosen.page_rows(&settings), chosen.cache_seconds), (rows, seconds.as_i64()));
        }
    }
}
