//! Columns of answers and of tables, with Metabase's names of types.

use serde::Serialize;
use serde_json::{Value, json};
use vitrine_rules::query::answer::AnswerColumn;
use vitrine_rules::query::column_type::ColumnType;

/// Metabase's name of a column's type.
pub const fn base_type(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "type/Text",
        ColumnType::Integer => "type/BigInteger",
        ColumnType::Number => "type/Float",
        ColumnType::Decimal { .. } => "type/Decimal",
        ColumnType::Boolean => "type/Boolean",
        ColumnType::Date => "type/Date",
        ColumnType::Timestamp => "type/DateTime",
        ColumnType::Json => "type/JSON",
    }
}

/// A column of a native query's answer.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResultColumn {
    pub name: String,
    pub display_name: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub base_type: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub effective_type: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub semantic_type: Option<&'static str>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub source: &'static str,
    /// `["field", name, {"base-type": ...}]`
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Value>))]
    pub field_ref: Value,
}

impl From<&AnswerColumn> for ResultColumn {
    fn from(column: &AnswerColumn) -> Self {
        let base_type = base_type(column.kind);
        Self {
            name: column.name.clone(),
            display_name: column.display_name.clone(),
            base_type,
            effective_type: base_type,
            semantic_type: None,
            source: "native",
            field_ref: json!(["field", column.name, {"base-type": base_type}]),
        }
    }
}
