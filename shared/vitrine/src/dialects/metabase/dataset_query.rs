//! `dataset_query`: a query as cards and requests contain it.
//!
//! It has two forms: the legacy one, `{"type": "native", "native": {"query": ...}}`, and MBQL 5 with a list of stages. Both hold SQL
//! here; a query that is built of clauses is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use vitrine_rules::error::Issue;
use vitrine_rules::json::named::Named;
use vitrine_rules::query::definition::{Dimension, QueryDefinition};

use super::catalog::database_id;
use super::columns::base_type;
use super::template_tag::{self, TemplateTag};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::table::MANAGED;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryForm {
    Legacy,
    /// MBQL 5.
    Stages,
}

const STRUCTURED: &str =
    "must be a native query: a structured query (MBQL) cannot run here. Convert it to SQL";
const MIXED: &str = "mixes two forms: give either `stages`, or `type` and `native`";

/// The part of a query that is kept for its author, by name in the stored content.
const QUERY: &str = "query";
const NATIVE: &str = "native";
const TAGS: &str = "tags";

/// Ours beyond Metabase, whose snippets are stored beside the cards: their texts, by name.
const SNIPPETS: &str = "snippets";

/// A query as it was written.
#[derive(Debug, Clone)]
pub struct DatasetQuery {
    pub form: QueryForm,
    /// The number of a database; the stack's own if absent.
    pub database: Option<u64>,
    sql: String,
    tags: BTreeMap<String, TemplateTag>,
    snippets: BTreeMap<String, String>,
    query_rest: Map<String, Value>,
    native_rest: Map<String, Value>,
}

/// A query with what else is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DefinedQuery {
    pub query: QueryDefinition,
    pub extra: Map<String, Value>,
}

impl DatasetQuery {
    /// Reads a query that a document has at `path`.
    pub fn read(value: Value, path: &str) -> Result<Self, Vec<Issue>> {
        let refuse = |field: &str, message: &str| Err(vec![Issue::new(join(path, field), message)]);
        let Value::Object(mut query) = value else { return refuse("", "must be an object") };
        let is_staged = query.contains_key("lib/type") || query.contains_key("stages");
        if is_staged && (query.contains_key("native") || query.contains_key("query")) {
            return refuse("", MIXED);
        }
        let database = match query.remove("database") {
            None | Some(Value::Null) => None,
            Some(id) => match id.as_u64() {
                Some(id) => Some(id),
                None => {
                    return refuse("database", "must be the id of a database: GET /api/database lists them");
                }
            },
        };
        let (form, mut native) = if is_staged {
            query.remove("lib/type");
            query.remove("type");
            let Some(Value::Array(mut stages)) = query.remove("stages") else {
                return refuse("stages", "must be a list");
            };
            let first = if stages.len() == 1 { stages.pop() } else { None };
            match first {
                Some(Value::Object(mut stage)) if stage.get("native").is_some() => {
                    let kind = stage.remove("lib/type");
                    if !kind.is_none_or(|kind| kind == "mbql.stage/native") {
                        return refuse("stages[0]", STRUCTURED);
                    }
                    (QueryForm::Stages, stage)
                }
                _ => return refuse("stages", STRUCTURED),
            }
        } else {
            match query.remove("type") {
                None | Some(Value::Null) => {}
                Some(kind) if kind == "native" => {}
                Some(kind) if kind == "query" => return refuse("type", STRUCTURED),
                Some(_) => return refuse("type", "must be `native`"),
            }
            match query.remove("native") {
                Some(Value::Object(native)) => (QueryForm::Legacy, native),
                None if query.contains_key("query") => return refuse("query", STRUCTURED),
                None => return refuse("native", "is required"),
                Some(_) => return refuse("native", "must be an object"),
            }
        };
        let (sql_at, tags_at) = places(form);
        let sql = native.remove(if form == QueryForm::Stages { "native" } else { "query" });
        let Some(Value::String(sql)) = sql else {
            return refuse(sql_at, "must be a text: the SQL of the query");
        };
        let mut issues = Vec::new();
        let mut tags = BTreeMap::new();
        match native.remove("template-tags") {
            None | Some(Value::Null) => {}
            Some(Value::Object(written)) => {
                for (name, tag) in written {
                    match TemplateTag::read(tag, &join(path, &format!("{tags_at}.{name}"))) {
                        Ok(tag) => drop(tags.insert(name, tag)),
                        Err(found) => issues.extend(found),
                    }
                }
            }
            Some(_) => issues.push(Issue::new(join(path, tags_at), "must be an object")),
        }
        let snippets = match native.remove(SNIPPETS).map(serde_json::from_value) {
            None => BTreeMap::new(),
            Some(Ok(snippets)) => snippets,
            Some(Err(_)) => {
                let at = tags_at.replace("template-tags", SNIPPETS);
                issues.push(Issue::new(join(path, &at), "must be an object of texts"));
                BTreeMap::new()
            }
        };
        if !issues.is_empty() {
            return Err(issues);
        }
        Ok(Self { form, database, sql, tags, snippets, query_rest: query, native_rest: native })
    }

    /// The numbers of the columns that its tags name.
    pub fn columns(&self) -> BTreeSet<u64> {
        self.tags.values().filter_map(|tag| tag.column).collect()
    }

    /// The query over `source`, with the columns that its tags name.
    pub fn define(
        self,
        source: Option<String>,
        columns: &BTreeMap<u64, Dimension>,
        path: &str,
    ) -> Result<DefinedQuery, Vec<Issue>> {
        let (_, tags_at) = places(self.form);
        let (mut tags, mut rests) = (BTreeMap::new(), Map::new());
        let mut issues = Vec::new();
        for (name, TemplateTag { mut tag, column, rest }) in self.tags {
            if let Some(id) = column {
                tag.dimension = columns.get(&id).cloned();
                if tag.dimension.is_none() {
                    let at = join(path, &format!("{tags_at}.{name}.dimension"));
                    issues.push(Issue::new(at, format!("names the field {id}, which does not exist")));
                }
            }
            rests.insert(name.clone(), Value::Object(rest));
            tags.insert(name, tag);
        }
        if !issues.is_empty() {
            return Err(issues);
        }
        let mut extra = Map::new();
        for (name, kept) in [(QUERY, self.query_rest), (NATIVE, self.native_rest), (TAGS, rests)] {
            if !kept.is_empty() {
                extra.insert(name.to_owned(), Value::Object(kept));
            }
        }
        let query =
            QueryDefinition { sql: self.sql, source, tags: Named(tags), snippets: Named(self.snippets) };
        Ok(DefinedQuery { query, extra })
    }
}

/// The places of the SQL and of the tags in a query.
pub const fn places(form: QueryForm) -> (&'static str, &'static str) {
    match form {
        QueryForm::Legacy => ("native.query", "native.template-tags"),
        QueryForm::Stages => ("stages[0].native", "stages[0].template-tags"),
    }
}

fn join(path: &str, field: &str) -> String {
    match (path, field) {
        ("", field) => field.to_owned(),
        (path, "") => path.to_owned(),
        (path, field) => format!("{path}.{field}"),
    }
}

/// The id that its author gave a tag, which is also that of its parameter.
pub fn tag_id<'a>(extra: &'a Map<String, Value>, tag: &str) -> Option<&'a str> {
    extra.get(TAGS)?.get(tag)?.get("id")?.as_str()
}

/// The tag in `["variable", ["template-tag", "city"]]`, and in the form with options.
pub fn target_tag(target: &Value) -> Option<&str> {
    let reference = target.as_array()?.get(1)?.as_array()?;
    let is_tag = reference.first()?.as_str() == Some("template-tag");
    reference.iter().skip(1).find_map(Value::as_str).filter(|_| is_tag)
}

/// The columns that the tags of a query name.
pub fn dimensions(query: &QueryDefinition) -> BTreeSet<Dimension> {
    query.tags.values().filter_map(|tag| tag.dimension.clone()).collect()
}

/// Writes a query over what else was kept of it.
pub fn written(
    query: &QueryDefinition,
    extra: &Map<String, Value>,
    columns: &BTreeMap<Dimension, (u64, ColumnType)>,
    form: QueryForm,
) -> Value {
    let kept = |name: &str| extra.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let rests = kept(TAGS);
    let tags: Map<String, Value> = query
        .tags
        .iter()
        .map(|(name, tag)| {
            let field = tag.dimension.as_ref().and_then(|dimension| columns.get(dimension));
            let field = field.map(|(id, kind)| (*id, base_type(*kind)));
            (name.clone(), template_tag::written(name, tag, field, rests.get(name), form))
        })
        .collect();
    let mut native = kept(NATIVE);
    native.insert("template-tags".to_owned(), Value::Object(tags));
    if !query.snippets.is_empty() {
        native.insert(SNIPPETS.to_owned(), json!(*query.snippets));
    }
    let mut written = kept(QUERY);
    let database = database_id(query.source.as_deref().unwrap_or(MANAGED));
    written.insert("database".to_owned(), json!(database));
    match form {
        QueryForm::Legacy => {
            native.insert("query".to_owned(), json!(query.sql));
            written.insert("type".to_owned(), json!("native"));
            written.insert("native".to_owned(), Value::Object(native));
        }
        QueryForm::Stages => {
            native.insert("lib/type".to_owned(), json!("mbql.stage/native"));
            native.insert("native".to_owned(), json!(query.sql));
            written.insert("lib/type".to_owned(), json!("mbql/query"));
            written.insert("stages".to_owned(), json!([native]));
        }
    }
    Value::Object(written)
}
