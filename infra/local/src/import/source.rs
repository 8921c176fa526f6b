//! The content of an installation, whether it was read from files or over its API.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vitrine::rules::resource::ids::is_entity_id;

/// Content as its installation has it. Databases and columns are named, not numbered.
#[derive(Debug, Default)]
pub struct ForeignContent {
    pub cards: Vec<ForeignItem>,
    pub dashboards: Vec<ForeignItem>,
    /// Pieces of SQL by name.
    pub snippets: BTreeMap<String, String>,
    /// The names of collections, with those that contain them, by key.
    pub collections: BTreeMap<String, String>,
}

impl ForeignContent {
    /// An item as its owner knows it: its name, and the collection that it is in.
    pub fn label(&self, item: &ForeignItem) -> String {
        let name = format!("\"{}\"", one_line(&item.name));
        match self.collection(item) {
            Some(collection) => format!("{name} in the collection \"{}\"", one_line(&collection)),
            None => name,
        }
    }

    /// The names of all cards, by key.
    pub fn card_labels(&self) -> BTreeMap<String, String> {
        self.cards.iter().map(|card| (card.key.clone(), self.label(card))).collect()
    }

    fn collection(&self, item: &ForeignItem) -> Option<String> {
        let named = item.document.get("collection").and_then(|collection| collection["name"].as_str());
        let known = item.document.get("collection_id").and_then(key_of);
        known.and_then(|key| self.collections.get(&key).cloned()).or_else(|| named.map(str::to_owned))
    }
}

/// Text of others: no line of theirs stands alone.
pub fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A card or a dashboard.
#[derive(Debug, Clone)]
pub struct ForeignItem {
    /// The id by which other items name it.
    pub key: String,
    pub number: Option<u64>,
    pub entity_id: Option<String>,
    pub name: String,
    pub document: Map<String, Value>,
}

impl ForeignItem {
    /// An item with the id that references to it have: its number, or its entity id in an export.
    pub fn of(document: Map<String, Value>) -> Option<Self> {
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = document.get("id").and_then(Value::as_u64);
        // It becomes part of addresses.
        let entity_id = text("entity_id").filter(|id| is_entity_id(id));
        let key = number.map(|number| number.to_string()).or_else(|| entity_id.clone())?;
        Some(Self { key, number, entity_id, name: text("name").unwrap_or_default(), document })
    }

    pub fn is_archived(&self) -> bool {
        self.document.get("archived").is_some_and(|archived| archived == true)
    }
}

/// The id in a reference: a number, or an entity id.
pub fn key_of(reference: &Value) -> Option<String> {
    match reference {
        Value::Number(number) => Some(number.to_string()),
        Value::String(entity) => Some(entity.clone()),
        _ => None,
    }
}

/// The native part of a query, in either of its forms, and the member of it that is the SQL. None for a structured query.
pub fn native_mut(query: &mut Value) -> Option<(&mut Map<String, Value>, &'static str)> {
    if query.get("stages").is_some() {
        let [stage] = query["stages"].as_array_mut()?.as_mut_slice() else { return None };
        let stage = stage.as_object_mut()?;
        return stage.get("native").is_some_and(Value::is_string).then_some((stage, "native"));
    }
    let native = query.as_object_mut()?.get_mut("native")?.as_object_mut()?;
    native.get("query").is_some_and(Value::is_string).then_some((native, "query"))
}

/// The reference to a column in `["field", ID, {...}]`, `["field", {...}, ID]` or `["field-id", ID]`.
pub fn column_mut(dimension: &mut Value) -> Option<&mut Value> {
    let parts = dimension.as_array_mut()?;
    let is_field = parts.first().is_some_and(|word| word == "field" || word == "field-id");
    parts.iter_mut().skip(1).find(|part| part.is_u64() || part.is_array()).filter(|_| is_field)
}

/// The tags of a native query by name: in a map, or in a list as newer exports have them.
pub fn tags_of(native: &Map<String, Value>) -> Map<String, Value> {
    match native.get("template-tags") {
        Some(Value::Object(tags)) => tags.clone(),
        Some(Value::Array(tags)) => {
            tags.iter().filter_map(|tag| Some((tag["name"].as_str()?.to_owned(), tag.clone()))).collect()
        }
        _ => Map::new(),
    }
}
