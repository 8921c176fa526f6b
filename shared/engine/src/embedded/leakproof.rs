//! Predicates that may be evaluated on hidden rows, because they can neither fail nor take a time that
//! depends on the value.

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

/// Returns whether `predicate` consists of boolean columns and of comparisons of a column with literals of the column's own
/// type. Everything else, a cast above all, stays above the barrier.
pub fn is_leakproof(predicate: &Expr, schema: &Schema) -> bool {
    match predicate {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_leakproof(left, schema) && is_leakproof(right, schema)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            is_comparison(*op) && (is_literal_for(left, right, schema) || is_literal_for(right, left, schema))
        }
        Expr::InList(InList { expr, list, .. }) => {
            !list.is_empty() && list.iter().all(|item| is_literal_for(item, expr, schema))
        }
        Expr::Between(Between { expr, low, high, .. }) => {
            is_literal_for(low, expr, schema) && is_literal_for(high, expr, schema)
        }
        Expr::IsNull(expr) | Expr::IsNotNull(expr) => column_type(expr, schema).is_some(),
        // The optimizer makes these of comparisons of a boolean column that were pushed down before.
        Expr::Column(_) => is_boolean(predicate, schema),
        Expr::Not(inner) => is_boolean(inner, schema),
        _ => false,
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
    )
}

fn is_literal_for(literal: &Expr, column: &Expr, schema: &Schema) -> bool {
    match (literal, column_type(column, schema)) {
        (Expr::Literal(value, _), Some(data_type)) => {
            !data_type.is_nested() && value.data_type() == *data_type
        }
        _ => false,
    }
}

fn is_boolean(expr: &Expr, schema: &Schema) -> bool {
    column_type(expr, schema) == Some(&DataType::Boolean)
}

fn column_type<'a>(expr: &Expr, schema: &'a Schema) -> Option<&'a DataType> {
    match expr {
        Expr::Column(column) => schema.field_with_name(&column.name).ok().map(|field| field.data_type()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Field;
    use datafusion::functions::expr_fn::lower;
    use datafusion::prelude::{cast, col, lit, try_cast};

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("city", DataType::Utf8, true),
            Field::new("amount", DataType::Int64, true),
            Field::new("tags", DataType::new_list(DataType::Utf8, true), true),
            Field::new("open", DataType::Boolean, true),
        ])
    }

    #[test]
    fn comparisons_with_literals_of_the_columns_type_are_leakproof() {
        for predicate in [
            col("city").eq(lit("Berlin")),
            lit("Berlin").not_eq(col("city")),
            col("amount").gt(lit(3_i64)),
            col("amount").between(lit(1_i64), lit(2_i64)),
            col("city").in_list(vec![lit("a"), lit("b")], true),
            col("city").is_null(),
            col("tags").is_not_null(),
            col("open"),
            !col("open"),
            col("open").in_list(vec![lit(true), lit(false)], false),
            col("city").eq(lit("a")).or(col("amount").lt_eq(lit(2_i64)).and(col("city").is_not_null())),
        ] {
            assert!(is_leakproof(&predicate, &schema()), "{predicate}");
        }
    }

    #[test]
    fn whatever_can_fail_or_compute_is_not() {
        for predicate in [
            cast(col("city"), DataType::Int64).gt(lit(0_i64)),
            try_cast(col("city"), DataType::Int64).is_null(),
            (lit(10_i64) / col("amount")).gt(lit(1_i64)),
            col("amount").gt(lit(3_i32)),
            col("city").like(lit("a%")),
            lower(col("city")).eq(lit("a")),
            col("city").eq(col("city")),
            col("missing").eq(lit("a")),
            col("city").eq(lit("a")).and(lower(col("city")).eq(lit("a"))),
            col("amount").in_list(vec![lit(1_i64), cast(col("city"), DataType::Int64)], false),
            col("amount").between(lit(1_i64), col("amount")),
            !col("city").eq(lit("a")),
            col("city"),
            !col("amount"),
            !!col("open"),
            col("city").in_list(vec![], false),
            lit(true),
        ] {
            assert!(!is_leakproof(&predicate, &schema()), "{predicate}");
        }
    }
}
