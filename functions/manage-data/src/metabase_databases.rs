//! `/api/database`, `/api/table` and `/api/field`: sources, tables and columns for programs that write cards.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use serde_json::Value;
use vitrine::dialects::metabase::catalog::{DataCatalog, database_id};
use vitrine::dialects::metabase::columns::base_type;
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::data::source::Source;
use vitrine::rules::data::table::{StoredColumn, Table};
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::text::display_name;

/// A source.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Database {
    id: u64,
    name: String,
    description: Option<String>,
    /// The dialect in which queries are written.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    engine: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    features: [&'static str; 2],
    is_sample: bool,
    is_full_sync: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    native_permissions: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    initial_sync_status: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    updated_at: Timestamp,
    /// Where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<DatabaseTable>, required = false))]
    tables: Option<Vec<DatabaseTable>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Databases {
    data: Vec<Database>,
    total: usize,
}

/// A table.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseTable {
    id: u64,
    db_id: u64,
    name: String,
    display_name: String,
    /// Null: names of tables have one part.
    schema: Option<String>,
    description: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    entity_type: &'static str,
    active: bool,
    visibility_type: Option<String>,
    estimated_row_count: Option<u64>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Field>, required = false))]
    fields: Option<Vec<Field>>,
}

/// A column.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Field {
    id: u64,
    table_id: u64,
    name: String,
    display_name: String,
    description: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    base_type: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    effective_type: &'static str,
    database_type: String,
    semantic_type: Option<String>,
    fk_target_field_id: Option<u64>,
    active: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    visibility_type: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    has_field_values: &'static str,
    position: usize,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    dimensions: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required = false))]
    table: Option<Box<DatabaseTable>>,
}

impl From<Source> for Database {
    fn from(source: Source) -> Self {
        Self {
            id: database_id(&source.name),
            name: source.name,
            description: None,
            engine: "duckdb",
            features: ["native-parameters", "native-parameter-card-reference"],
            is_sample: false,
            is_full_sync: true,
            native_permissions: "write",
            initial_sync_status: "complete",
            created_at: source.created_at,
            updated_at: source.updated_at,
            tables: None,
        }
    }
}

impl DatabaseTable {
    fn with_fields(table: Table) -> Self {
        let fields = table
            .columns
            .iter()
            .enumerate()
            .filter_map(|(position, column)| Field::of(&table, column, position));
        let fields = Some(fields.collect());
        Self { fields, ..Self::from(table) }
    }
}

impl From<Table> for DatabaseTable {
    fn from(table: Table) -> Self {
        Self {
            id: table.id,
            db_id: database_id(&table.source),
            display_name: display_name(&table.name),
            name: table.name,
            schema: None,
            description: table.description,
            entity_type: "entity/GenericTable",
            active: true,
            visibility_type: None,
            estimated_row_count: table.current.map(|version| version.rows),
            created_at: table.created_at,
            updated_at: table.updated_at,
            fields: None,
        }
    }
}

impl Field {
    /// A hidden column is not there: no query can name it.
    fn of(table: &Table, StoredColumn { id, column }: &StoredColumn, position: usize) -> Option<Self> {
        let kind = base_type(column.kind);
        (!column.hidden).then(|| Self {
            id: *id,
            table_id: table.id,
            name: column.name.clone(),
            display_name: display_name(&column.name),
            description: column.description.clone(),
            base_type: kind,
            effective_type: kind,
            database_type: column.kind.to_string(),
            semantic_type: None,
            fk_target_field_id: None,
            active: true,
            visibility_type: "normal",
            has_field_values: "none",
            position,
            dimensions: Vec::new(),
            table: None,
        })
    }
}

/// The database with its tables, and their columns if `fields` is set.
async fn with_tables(catalog: &DataCatalog, source: Source, fields: bool) -> Result<Database> {
    let own = catalog.tables().await?.into_iter().filter(|table| table.source == source.name);
    let names = own.map(|table| table.name).collect();
    let tables = catalog.tables_called(&names).await?.into_values();
    let form = if fields { DatabaseTable::with_fields } else { DatabaseTable::from };
    Ok(Database { tables: Some(tables.map(form).collect()), ..Database::from(source) })
}

/// An id of another form was never given out.
fn number(id: &str) -> Result<u64> {
    id.parse().map_err(|_| Reason::ResourceNotFound.into())
}

async fn found(catalog: &DataCatalog, id: &str) -> Result<Source> {
    catalog.database(number(id)?).await?.ok_or_else(|| Reason::ResourceNotFound.into())
}

fn asks_for(query: Option<&str>, wanted: &str) -> bool {
    let given = query.unwrap_or_default();
    given.split('&').any(|pair| pair.strip_prefix("include=").is_some_and(|value| value == wanted))
}

/// List databases.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/database", tag = "metabase",
    params(("include" = Option<String>, Query, description = "`tables`: with their tables")),
    description = "Admin of the whole stack only. A database is a source; number 1 is the stack's own.",
    responses((status = 200, body = Databases))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(catalog): State<DataCatalog>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Databases>> {
    let mut data = Vec::new();
    for source in catalog.databases().await? {
        data.push(if asks_for(query.as_deref(), "tables") {
            with_tables(&catalog, source, false).await?
        } else {
            source.into()
        });
    }
    Ok(axum::Json(Databases { total: data.len(), data }))
}

/// Read a database.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/database/{id}", tag = "metabase",
    params(("id" = u64, Path,), ("include" = Option<String>, Query, description = "`tables` or `tables.fields`")),
    description = "Admin of the whole stack only.",
    responses((status = 200, body = Database))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(catalog): State<DataCatalog>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Database>> {
    let source = found(&catalog, &id).await?;
    let (tables, fields) =
        (asks_for(query.as_deref(), "tables"), asks_for(query.as_deref(), "tables.fields"));
    let is_asked = tables || fields;
    Ok(axum::Json(if is_asked { with_tables(&catalog, source, fields).await? } else { source.into() }))
}

/// Read a database with its tables and columns.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/database/{id}/metadata", tag = "metabase", params(("id" = u64, Path,)),
    description = "Admin of the whole stack only. Hidden columns are not there.",
    responses((status = 200, body = Database))
))]
pub async fn metadata(
    _: Allowed<StackAdmin>,
    State(catalog): State<DataCatalog>,
    Path(id): Path<String>,
) -> HttpResult<axum::Json<Database>> {
    let source = found(&catalog, &id).await?;
    Ok(axum::Json(with_tables(&catalog, source, true).await?))
}

/// Read a table with its columns.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/table/{id}/query_metadata", tag = "metabase", params(("id" = u64, Path,)),
    description = "Admin of the whole stack only. Hidden columns are not there.",
    responses((status = 200, body = DatabaseTable))
))]
pub async fn table(
    _: Allowed<StackAdmin>,
    State(catalog): State<DataCatalog>,
    Path(id): Path<String>,
) -> HttpResult<axum::Json<DatabaseTable>> {
    let table = catalog.table(number(&id)?).await?.ok_or(Reason::ResourceNotFound)?;
    Ok(axum::Json(DatabaseTable::with_fields(table)))
}

/// Read a column.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/field/{id}", tag = "metabase", params(("id" = u64, Path,)),
    description = "Admin of the whole stack only. A hidden column is 404.",
    responses((status = 200, body = Field))
))]
pub async fn field(
    _: Allowed<StackAdmin>,
    State(catalog): State<DataCatalog>,
    Path(id): Path<String>,
) -> HttpResult<axum::Json<Field>> {
    let id = number(&id)?;
    let table = catalog.table(id / Table::ORDINALS).await?.ok_or(Reason::ResourceNotFound)?;
    let position = table.columns.iter().position(|column| column.id == id).ok_or(Reason::ResourceNotFound)?;
    let field = Field::of(&table, &table.columns[position], position).ok_or(Reason::ResourceNotFound)?;
    Ok(axum::Json(Field { table: Some(Box::new(table.into())), ..field }))
}
