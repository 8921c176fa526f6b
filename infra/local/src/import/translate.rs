//! Cards and dashboards of another installation as bodies for `/api/card` and `/api/dashboard` of this one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::source::{ForeignItem, column_mut, key_of, native_mut, tags_of};

/// The stack's own tables.
pub const OWN_DATABASE: u64 = 1;

/// The numbers that databases and columns have here.
#[derive(Debug, Default)]
pub struct Numbers {
    pub databases: BTreeMap<String, u64>,
    /// By table and column, in lower case.
    pub columns: BTreeMap<(String, String), u64>,
    /// Names of databases there, with those of sources here.
    pub renamed: BTreeMap<String, String>,
}

/// The things that an item refers to.
#[derive(Debug)]
pub struct Around<'a> {
    pub numbers: &'a Numbers,
    pub snippets: &'a BTreeMap<String, String>,
    /// The numbers of the cards that were taken, by their keys there.
    pub cards: &'a BTreeMap<String, u64>,
    /// The names of all cards there, by their keys.
    pub labels: &'a BTreeMap<String, String>,
}

impl Around<'_> {
    /// A card as its owner knows it.
    fn label<'k>(&'k self, key: &'k str) -> &'k str {
        self.labels.get(key).map_or(key, String::as_str)
    }
}

/// A body, with the changes that were necessary.
#[derive(Debug, Default)]
pub struct Translated {
    pub body: Map<String, Value>,
    pub changes: Vec<String>,
    /// A database that has no namesake here.
    pub unknown_database: Option<String>,
}

const OF_A_CARD: [&str; 9] = [
    "name",
    "description",
    "type",
    "display",
    "visualization_settings",
    "parameters",
    "dataset_query",
    "cache_ttl",
    "enable_embedding",
];
const OF_A_DASHBOARD: [&str; 6] =
    ["name", "description", "parameters", "enable_embedding", "auto_apply_filters", "width"];
const OF_A_DASHCARD: [&str; 6] =
    ["row", "col", "size_x", "size_y", "visualization_settings", "inline_parameters"];

const STRUCTURED: &str = "its query is not native SQL: convert it to SQL there";

/// Snippets in snippets, at most.
const SNIPPET_DEPTH: usize = 8;

fn parts(document: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let known = document.iter().filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null());
    known.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The cards that the query of a card asks.
pub fn asked_cards(item: &ForeignItem) -> BTreeSet<String> {
    let mut query = item.document.get("dataset_query").cloned().unwrap_or_default();
    let tags = native_mut(&mut query).map(|(native, _)| tags_of(native)).unwrap_or_default();
    tags.values().filter_map(|tag| key_of(tag.get("card-id")?)).collect()
}

pub fn card(item: &ForeignItem, around: &Around) -> Result<Translated, String> {
    let mut translated = Translated { body: parts(&item.document, &OF_A_CARD), ..Translated::default() };
    if translated.body.get("type").is_some_and(|kind| kind == "model") {
        translated.changes.push("a model there is a question here".to_owned());
    }
    let query = translated.body.get_mut("dataset_query").ok_or(STRUCTURED)?;
    let tags = query_of_card(query, around, &mut translated.changes)?;
    translated.unknown_database = number_database(query, around.numbers);
    embedding(item, &mut translated, tags);
    parameters(&mut translated);
    Ok(translated)
}

/// Translates a query in its place, and returns the names of its tags.
fn query_of_card(
    query: &mut Value,
    around: &Around,
    changes: &mut Vec<String>,
) -> Result<BTreeSet<String>, String> {
    let (native, sql_at) = native_mut(query).ok_or(STRUCTURED)?;
    let mut sql = native[sql_at].as_str().unwrap_or_default().to_owned();
    let mut written = Map::new();
    for (name, mut tag) in tags_of(native) {
        match tag["type"].as_str() {
            Some("snippet") => continue,
            Some("card") => {
                let key = key_of(&tag["card-id"]).unwrap_or_default();
                let number = around.cards.get(&key);
                let number = *number.ok_or_else(|| {
                    format!("it asks the question {}, which was not taken", around.label(&key))
                })?;
                let slug = name.split_once('-').map_or("", |(_, slug)| slug);
                let own = if slug.is_empty() { format!("#{number}") } else { format!("#{number}-{slug}") };
                sql = with_tag(&sql, |tag| (tag == name).then(|| format!("{{{{{own}}}}}")));
                tag["card-id"] = json!(number);
                tag["name"] = json!(own);
                written.insert(own, tag);
            }
            _ => {
                if let Some(column) = tag.get_mut("dimension").and_then(column_mut) {
                    *column = json!(column_number(column, around.numbers)?);
                }
                written.insert(name, tag);
            }
        }
    }
    if snippets_of(&sql).next().is_some() {
        sql = with_snippets(&sql, around.snippets, 0)?;
        changes.push("its snippets are written into the SQL".to_owned());
    }
    let names = written.keys().cloned().collect();
    native.insert(sql_at.to_owned(), json!(sql));
    native.insert("template-tags".to_owned(), Value::Object(written));
    Ok(names)
}

/// The number of a column that is named by database, schema, table and column.
fn column_number(column: &Value, numbers: &Numbers) -> Result<u64, String> {
    let path: Vec<&str> = column.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let [.., table, name] = path.as_slice() else {
        return Err("a field filter names a column that is gone there".to_owned());
    };
    let found = numbers.columns.get(&(table.to_lowercase(), name.to_lowercase()));
    found
        .copied()
        .ok_or_else(|| format!("a field filter names the column {table}.{name}, which does not exist here"))
}

/// Puts a number in the place of the database's name. Returns a name that is unknown here.
fn number_database(query: &mut Value, numbers: &Numbers) -> Option<String> {
    let name = query["database"].as_str().map(str::to_owned);
    let own = name.as_ref().map(|name| numbers.renamed.get(name).unwrap_or(name));
    let found = own.and_then(|name| numbers.databases.get(&name.to_lowercase())).copied();
    query["database"] = json!(found.unwrap_or(OWN_DATABASE));
    name.filter(|_| found.is_none())
}

/// Replaces the tags of SQL for which there is another text.
fn with_tag(sql: &str, replaced: impl Fn(&str) -> Option<String>) -> String {
    let (mut written, mut rest) = (String::with_capacity(sql.len()), sql);
    while let Some((before, after)) = rest.split_once("{{") {
        written.push_str(before);
        let Some((tag, following)) = after.split_once("}}") else {
            written.push_str("{{");
            rest = after;
            continue;
        };
        written.push_str(&replaced(tag.trim()).unwrap_or_else(|| format!("{{{{{tag}}}}}")));
        rest = following;
    }
    written + rest
}

fn snippet_name(tag: &str) -> Option<&str> {
    tag.strip_prefix("snippet:").map(str::trim)
}

fn snippets_of(sql: &str) -> impl Iterator<Item = &str> {
    let tags = sql.split("{{").skip(1).filter_map(|after| after.split_once("}}"));
    tags.filter_map(|(tag, _)| snippet_name(tag.trim()))
}

fn with_snippets(sql: &str, snippets: &BTreeMap<String, String>, depth: usize) -> Result<String, String> {
    if let Some(missing) = snippets_of(sql).find(|name| !snippets.contains_key(*name)) {
        return Err(format!("it uses the snippet {missing}, which is not there"));
    }
    if snippets_of(sql).next().is_some() && depth == SNIPPET_DEPTH {
        return Err("its snippets contain each other".to_owned());
    }
    let written = with_tag(sql, |tag| snippet_name(tag).and_then(|name| snippets.get(name)).cloned());
    if snippets_of(&written).next().is_some() {
        with_snippets(&written, snippets, depth + 1)
    } else {
        Ok(written)
    }
}

/// The embed policy, without the names of parameters that are gone. `tags` are parameters as well.
fn embedding(item: &ForeignItem, translated: &mut Translated, tags: BTreeSet<String>) {
    let listed = item.document.get("parameters").and_then(Value::as_array);
    let slugs =
        listed.into_iter().flatten().filter_map(|parameter| parameter["slug"].as_str().map(str::to_owned));
    let slugs: BTreeSet<String> = slugs.chain(tags).collect();
    let policy =
        item.document.get("embedding_params").and_then(Value::as_object).cloned().unwrap_or_default();
    let (known, gone): (Map<_, _>, Map<_, _>) =
        policy.into_iter().partition(|(slug, _)| slugs.contains(slug));
    translated.body.insert("embedding_params".to_owned(), Value::Object(known));
    let gone = gone
        .keys()
        .map(|slug| format!("the embedding parameter {slug} is left out: there is no such parameter"));
    translated.changes.extend(gone);
}

/// Values that come from another question there are those of the column here.
fn parameters(translated: &mut Translated) {
    let listed = translated.body.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in listed.into_iter().flatten().filter_map(Value::as_object_mut) {
        if parameter.get("values_source_type").is_some_and(|source| source == "card") {
            parameter.retain(|name, _| !name.starts_with("values_source_"));
            let slug = parameter.get("slug").and_then(Value::as_str).unwrap_or_default();
            translated.changes.push(format!(
                "the choices of {slug} are those of the column that it filters, not of a question"
            ));
        }
    }
}

pub fn dashboard(item: &ForeignItem, around: &Around) -> Result<Translated, String> {
    let mut translated = Translated { body: parts(&item.document, &OF_A_DASHBOARD), ..Translated::default() };
    let list = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| item.document.get(*name)?.as_array());
        found.cloned().unwrap_or_default()
    };
    let mut tab_numbers = BTreeMap::new();
    let tabs: Vec<Value> = (1_u64..)
        .zip(list(["tabs", "ordered_tabs"]))
        .map(|(position, tab)| {
            let id = tab["id"].as_u64().unwrap_or(position);
            tab_numbers.extend(key_of(&tab["id"]).or_else(|| key_of(&tab["entity_id"])).map(|key| (key, id)));
            json!({"id": id, "name": tab["name"]})
        })
        .collect();
    let (mut dashcards, mut questions) = (Vec::new(), 0_usize);
    for (position, dashcard) in (1_u64..).zip(list(["dashcards", "ordered_cards"])) {
        let settings = &dashcard["visualization_settings"];
        let mut own = parts(dashcard.as_object().unwrap_or(&Map::new()), &OF_A_DASHCARD);
        own.insert("id".to_owned(), json!(dashcard["id"].as_u64().unwrap_or(position)));
        match key_of(&dashcard["card_id"]) {
            Some(key) => {
                questions += 1;
                let Some(number) = around.cards.get(&key) else {
                    let label = around.label(&key);
                    translated
                        .changes
                        .push(format!("the card of the question {label} is left out: it was not taken"));
                    continue;
                };
                own.insert("card_id".to_owned(), json!(number));
                let mut series = Vec::new();
                for key in dashcard["series"].as_array().into_iter().flatten().filter_map(series_key) {
                    match around.cards.get(&key) {
                        Some(number) => series.push((key, *number)),
                        None => translated.changes.push(format!(
                            "the series of the question {} is left out of a card: it was not taken",
                            around.label(&key)
                        )),
                    }
                }
                own.insert(
                    "series".to_owned(),
                    series.iter().map(|(_, number)| json!({"id": number})).collect(),
                );
                series.insert(0, (key, *number));
                own.insert("parameter_mappings".to_owned(), mappings(&dashcard, &series));
            }
            None if settings["virtual_card"].is_object() => {
                own.insert("card_id".to_owned(), Value::Null);
                own.insert("parameter_mappings".to_owned(), dashcard["parameter_mappings"].clone());
            }
            None => {
                translated.changes.push("a card without a question or a text is left out".to_owned());
                continue;
            }
        }
        // An export names the tab by the ids of the dashboard and of the tab.
        let tab = dashcard["dashboard_tab_id"].as_array().and_then(|path| path.last());
        let tab = key_of(tab.unwrap_or(&dashcard["dashboard_tab_id"])).and_then(|key| tab_numbers.get(&key));
        own.insert("dashboard_tab_id".to_owned(), json!(tab));
        dashcards.push(Value::Object(own));
    }
    let is_figure = |dashcard: &Value| !dashcard["card_id"].is_null();
    if questions > 0 && !dashcards.iter().any(is_figure) {
        return Err("none of its questions was taken".to_owned());
    }
    translated.body.insert("dashcards".to_owned(), Value::Array(dashcards));
    translated.body.insert("tabs".to_owned(), Value::Array(tabs));
    embedding(item, &mut translated, BTreeSet::new());
    parameters(&mut translated);
    Ok(translated)
}

/// The mappings to template tags. Those to columns belong to structured queries.
fn mappings(dashcard: &Value, cards: &[(String, u64)]) -> Value {
    let mapped = |mapping: &Value| {
        let is_tag = mapping["target"][1].as_array()?.first()? == "template-tag";
        let named = key_of(&mapping["card_id"])?;
        let (_, number) = cards.iter().find(|(key, _)| *key == named)?;
        let mut own = mapping.clone();
        own["card_id"] = json!(number);
        is_tag.then_some(own)
    };
    mapping_list(dashcard).filter_map(mapped).collect()
}

/// The card of a series: `{"card_id": ENTITY}` in an export, the card itself over the API.
fn series_key(series: &Value) -> Option<String> {
    key_of(&series["card_id"]).or_else(|| key_of(&series["id"]))
}

fn mapping_list(dashcard: &Value) -> impl Iterator<Item = &Value> {
    dashcard["parameter_mappings"].as_array().into_iter().flatten()
}
