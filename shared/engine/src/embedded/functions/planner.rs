//! Planning of operators that the engine answers in another way than the dialects.
//!
//! - `||`: texts are joined under the cap on their length.
//! - Sums, differences and products of integers: the engine's own wrap around instead of failing.
//! - Comparisons of intervals: the engine compares months, then days, then the rest, and so finds 25 hours less
//!   than a day. Postgres compares lengths, with 30 days in a month.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::{dates, numbers, texts};

#[derive(Debug)]
pub struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Some(op) = comparison(&expr.op) {
            let is_span = |side: &Expr| {
                side.get_type(schema)
                    .is_ok_and(|data_type| matches!(data_type, DataType::Interval(_) | DataType::Duration(_)))
            };
            if !is_span(&expr.left) && !is_span(&expr.right) {
                return Ok(PlannerResult::Original(expr));
            }
            let micros = Arc::new(dates::interval_micros());
            let (left, right) = (micros.call(vec![expr.left]), micros.call(vec![expr.right]));
            return Ok(PlannerResult::Planned(binary_expr(left, op, right)));
        }
        if let Some(operator) = arithmetic(&expr.op).and_then(numbers::checked_operator) {
            let is_integer = |side: &Expr| {
                // Small ones first: the widest cannot be cast to the type that the functions take.
                side.get_type(schema).is_ok_and(|kind| kind.is_integer() && kind != DataType::UInt64)
            };
            if !is_integer(&expr.left) || !is_integer(&expr.right) {
                return Ok(PlannerResult::Original(expr));
            }
            return Ok(PlannerResult::Planned(operator.call(vec![expr.left, expr.right])));
        }
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        let of_texts = [&expr.left, &expr.right].iter().all(|side| {
            // Lists are joined by the engine's own function.
            side.get_type(schema).is_ok_and(|data_type| !data_type.is_nested())
        });
        if !of_texts {
            return Ok(PlannerResult::Original(expr));
        }
        let joined = Arc::new(texts::string_concat()).call(vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(joined))
    }
}

fn arithmetic(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        _ => return None,
    })
}

fn comparison(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}
