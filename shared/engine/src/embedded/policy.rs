//! The rows that a viewer may see, as a predicate over the columns of a table.

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::{conjunction, disjunction};
use datafusion::prelude::{Column, lit};
use vitrine_rules::query::typed_value::TypedValue;
use vitrine_rules::row_policy::{RowAccess, RowCondition, RowTest};

use super::table::PermittedRows;
use crate::error::{EngineError, QueryFailure};

/// Translates `access`. A condition that does not fit the table's columns is an error: rows are never shown
/// because a policy could not be understood.
pub fn permitted_rows(access: &RowAccess, schema: &Schema) -> Result<PermittedRows, EngineError> {
    let filter = match access {
        RowAccess::All => return Ok(PermittedRows::All),
        RowAccess::None => return Ok(PermittedRows::None),
        RowAccess::Some(filter) => filter,
    };
    let alternatives = filter.any.iter().map(|conditions| {
        let all = conditions.all.iter().map(|condition| predicate(condition, schema));
        conjunction(all.collect::<Result<Vec<_>, _>>()?).ok_or_else(unfit)
    });
    let any = disjunction(alternatives.collect::<Result<Vec<_>, _>>()?).ok_or_else(unfit)?;
    Ok(PermittedRows::Where(any))
}

fn predicate(condition: &RowCondition, schema: &Schema) -> Result<Expr, EngineError> {
    let field = schema.field_with_name(&condition.column).map_err(|_| unfit())?;
    let column = Expr::Column(Column::new_unqualified(&condition.column));
    let literal = |value: &TypedValue| scalar(value, field.data_type()).map(lit);
    Ok(match &condition.test {
        RowTest::Equals(value) => column.eq(literal(value)?),
        RowTest::In(values) if values.is_empty() => return Err(unfit()),
        RowTest::In(values) => column.in_list(values.iter().map(literal).collect::<Result<_, _>>()?, false),
        RowTest::Between(low, high) => column.between(literal(low)?, literal(high)?),
        RowTest::IsNull => column.is_null(),
    })
}

/// `value` as a scalar of exactly the column's type, so that comparing needs no cast that could fail.
fn scalar(value: &TypedValue, data_type: &DataType) -> Result<ScalarValue, EngineError> {
    let exact = match value {
        TypedValue::Text(value) => ScalarValue::from(value.as_str()),
        TypedValue::Integer(value) => ScalarValue::from(*value),
        TypedValue::Number(value) => ScalarValue::from(*value),
        TypedValue::Boolean(value) => ScalarValue::from(*value),
        TypedValue::Decimal(decimal) => ScalarValue::Decimal128(
            Some(decimal.digits),
            vitrine_rules::query::typed_value::Decimal::MAX_DIGITS,
            i8::try_from(decimal.scale).map_err(|_| unfit())?,
        ),
        TypedValue::Date(value) => {
            let text = ScalarValue::from(value.to_string());
            text.cast_to(&DataType::Date32).map_err(|_| unfit())?
        }
        TypedValue::Timestamp(value) => {
            let text = ScalarValue::from(value.to_string());
            let micros = DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, None);
            text.cast_to(&micros).map_err(|_| unfit())?
        }
    };
    let fits = match value {
        TypedValue::Text(_) => data_type.is_string(),
        TypedValue::Integer(_) => data_type.is_integer(),
        TypedValue::Number(_) => data_type.is_floating(),
        TypedValue::Boolean(_) => *data_type == DataType::Boolean,
        TypedValue::Decimal(_) => data_type.is_decimal(),
        TypedValue::Date(_) => matches!(data_type, DataType::Date32 | DataType::Date64),
        TypedValue::Timestamp(_) => matches!(data_type, DataType::Timestamp(_, None)),
    };
    let cast = if fits { exact.cast_to(data_type).ok() } else { None };
    cast.filter(|cast| !cast.is_null()).ok_or_else(unfit)
}

fn unfit() -> EngineError {
    EngineError::new(QueryFailure::Invalid, "The row policy does not fit the columns of the table.")
}
