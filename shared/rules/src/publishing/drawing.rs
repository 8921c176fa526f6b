//! Drawings that differ from what their author expects.

use serde_json::{Map, Value};

use crate::data::work::OutputColumn;
use crate::error::Issue;
use crate::query::content::DisplaySettings;

/// The displays that are drawn as themselves.
const DRAWN: &[&str] =
    &["table", "scalar", "smartscalar", "progress", "bar", "row", "line", "area", "combo", "pie", "donut"];

/// Warns of a display that is drawn as a table.
pub fn degraded(display: &str, path: &str) -> Option<Issue> {
    let message = || format!("is drawn as a table: `{display}` is not supported");
    (!DRAWN.contains(&display)).then(|| Issue::new(path, message()))
}

/// Warns of columns that settings name and the answer lacks. Without columns nothing is known about the answer.
pub fn missing_columns(settings: &DisplaySettings, columns: &[OutputColumn], path: &str) -> Vec<Issue> {
    if columns.is_empty() {
        return Vec::new();
    }
    let is_missing = |name: &str| !columns.iter().any(|column| column.name == name);
    let named = named_columns(&settings.0).into_iter().filter(|(_, name)| is_missing(name));
    let message = |name: &str| format!("names the column `{name}`, which the answer does not have");
    named.map(|(place, name)| Issue::new(format!("{path}.{place}"), message(&name))).collect()
}

/// The columns that settings name, each with its place. Settings of another shape have no effect and are left alone.
fn named_columns(settings: &Map<String, Value>) -> Vec<(String, String)> {
    let mut named = Vec::new();
    for setting in ["graph.dimensions", "graph.metrics", "pie.dimension", "pie.metric", "scalar.field"] {
        match settings.get(setting) {
            Some(Value::String(name)) => named.push((setting.to_owned(), name.clone())),
            Some(Value::Array(names)) => {
                named.extend(names.iter().enumerate().filter_map(|(index, name)| {
                    Some((format!("{setting}[{index}]"), name.as_str()?.to_owned()))
                }));
            }
            _ => {}
        }
    }
    if let Some(Value::Array(columns)) = settings.get("table.columns") {
        named.extend(columns.iter().enumerate().filter_map(|(index, column)| {
            Some((format!("table.columns[{index}].name"), column.get("name")?.as_str()?.to_owned()))
        }));
    }
    if let Some(Value::Object(columns)) = settings.get("column_settings") {
        for key in columns.keys() {
            // The key is the JSON text `["name","amount"]`; those of another form do not name a column of an answer.
            if let Ok((word, name)) = serde_json::from_str::<(String, String)>(key)
                && word == "name"
            {
                named.push((format!("column_settings.{name}"), name));
            }
        }
    }
    named
}
