//! A running installation, read over its API.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::site::Site;
use super::source::{ForeignContent, ForeignItem, column_mut, key_of, native_mut, tags_of};
use crate::LocalError;

pub async fn read(site: &Site) -> Result<ForeignContent, LocalError> {
    let mut names = Names { site, databases: databases(site).await?, columns: BTreeMap::new() };
    let mut source = ForeignContent::default();
    for mut card in list(&site.read("/api/card").await?) {
        // Lists may leave parts out.
        if let (None, Some(id)) = (card.get("dataset_query"), card["id"].as_u64()) {
            card = site.read(&format!("/api/card/{id}")).await?;
        }
        names.write_into(&mut card).await?;
        source.cards.extend(card.as_object().cloned().and_then(ForeignItem::of));
    }
    for id in list(&site.read("/api/dashboard").await?).iter().filter_map(|listed| listed["id"].as_u64()) {
        let dashboard = site.read(&format!("/api/dashboard/{id}")).await?;
        source.dashboards.extend(dashboard.as_object().cloned().and_then(ForeignItem::of));
    }
    let collections = site.get("/api/collection").await?;
    if collections.is_success() {
        let named =
            |collection: &Value| Some((key_of(&collection["id"])?, collection["name"].as_str()?.to_owned()));
        source.collections = list(&collections.json).iter().filter_map(named).collect();
    }
    let snippets = site.get("/api/native-query-snippet").await?;
    if snippets.is_success() {
        let text = |snippet: &Value, name: &str| snippet[name].as_str().map(str::to_owned);
        let snippets = list(&snippets.json);
        source.snippets = snippets
            .iter()
            .filter_map(|snippet| text(snippet, "name").zip(text(snippet, "content")))
            .collect();
    }
    Ok(source)
}

/// The items of a list, which may be a member of an object.
pub fn list(answer: &Value) -> Vec<Value> {
    answer.as_array().or_else(|| answer["data"].as_array()).cloned().unwrap_or_default()
}

/// The names of databases, by number.
async fn databases(site: &Site) -> Result<BTreeMap<u64, String>, LocalError> {
    let all = list(&site.read("/api/database").await?);
    Ok(all
        .iter()
        .filter_map(|database| Some((database["id"].as_u64()?, database["name"].as_str()?.to_owned())))
        .collect())
}

struct Names<'a> {
    site: &'a Site,
    databases: BTreeMap<u64, String>,
    /// As exports name them: database, schema, table, column.
    columns: BTreeMap<u64, Value>,
}

impl Names<'_> {
    /// Puts names in the place of the numbers in a card's query.
    async fn write_into(&mut self, card: &mut Value) -> Result<(), LocalError> {
        let database =
            card["dataset_query"]["database"].as_u64().and_then(|id| self.databases.get(&id)).cloned();
        let Some(query) = card.get_mut("dataset_query") else { return Ok(()) };
        let Some((native, _)) = native_mut(query) else { return Ok(()) };
        let mut tags = tags_of(native);
        for tag in tags.values_mut() {
            let Some(column) = tag.get_mut("dimension").and_then(column_mut) else { continue };
            if let Some(id) = column.as_u64() {
                *column = self.column(id, database.as_deref()).await?;
            }
        }
        native.insert("template-tags".to_owned(), Value::Object(tags));
        if let (Some(database), Some(query)) = (database, query.as_object_mut()) {
            query.insert("database".to_owned(), json!(database));
        }
        Ok(())
    }

    /// A column that is gone stays a number.
    async fn column(&mut self, id: u64, database: Option<&str>) -> Result<Value, LocalError> {
        if let Some(known) = self.columns.get(&id) {
            return Ok(known.clone());
        }
        let answer = self.site.get(&format!("/api/field/{id}")).await?;
        let (name, table) = (&answer.json["name"], &answer.json["table"]);
        let named = if answer.is_success() && name.is_string() && table["name"].is_string() {
            json!([database, table["schema"], table["name"], name])
        } else {
            json!(id)
        };
        self.columns.insert(id, named.clone());
        Ok(named)
    }
}
