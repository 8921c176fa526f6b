//! Joins without a condition, which multiply the rows of their tables.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Expr, FunctionArguments, GroupByExpr, Join, JoinConstraint, JoinOperator, LimitClause, Query, Select,
    SelectItem, SetExpr, TableFactor, TableWithJoins, Value,
};

use crate::guard::{folded, one_part};

/// Returns whether a SELECT joins two tables and neither ON nor WHERE compares a column with a column.
pub fn has_unconnected(select: &Select, single_rows: &BTreeSet<String>) -> bool {
    let multiplies = |factor: &TableFactor| !is_bounded(factor, single_rows);
    let listed = select.from.iter().filter(|table| multiplies(&table.relation)).count();
    let is_crossed = |table: &TableWithJoins| {
        multiplies(&table.relation)
            && table.joins.iter().any(|join| multiplies(&join.relation) && is_cross(join))
    };
    let where_connects = || select.selection.as_ref().is_some_and(connects);
    (listed > 1 || select.from.iter().any(is_crossed) || nested(select).any(is_crossed)) && !where_connects()
}

fn nested(select: &Select) -> impl Iterator<Item = &TableWithJoins> {
    let mut waiting: Vec<&TableFactor> = select
        .from
        .iter()
        .flat_map(|table| {
            std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
        })
        .collect();
    let mut found = Vec::new();
    while let Some(factor) = waiting.pop() {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            waiting.push(&table_with_joins.relation);
            waiting.extend(table_with_joins.joins.iter().map(|join| &join.relation));
            found.push(&**table_with_joins);
        }
    }
    found.into_iter()
}

/// Functions and values in place of a table have few rows, or rows that depend on the other side.
fn is_bounded(factor: &TableFactor, single_rows: &BTreeSet<String>) -> bool {
    match factor {
        TableFactor::Table { args: Some(_), .. }
        | TableFactor::Function { .. }
        | TableFactor::UNNEST { .. } => true,
        TableFactor::Table { name, .. } => one_part(name).is_some_and(|name| single_rows.contains(&name)),
        TableFactor::Derived { lateral, subquery, .. } => *lateral || has_one_row(subquery),
        _ => false,
    }
}

fn is_cross(join: &Join) -> bool {
    match &join.join_operator {
        JoinOperator::CrossJoin(_) => true,
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::StraightJoin(constraint) => match constraint {
            JoinConstraint::On(condition) => !connects(condition),
            JoinConstraint::None => true,
            JoinConstraint::Using(_) | JoinConstraint::Natural => false,
        },
        _ => false,
    }
}

/// Returns whether a condition compares an expression over columns with another one.
fn connects(condition: &Expr) -> bool {
    let mut waiting = vec![condition];
    while let Some(expr) = waiting.pop() {
        match expr {
            Expr::BinaryOp { left, right, .. } => {
                if has_column(left) && has_column(right) && !is_logical(expr) {
                    return true;
                }
                waiting.extend([&**left, &**right]);
            }
            Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => waiting.push(inner),
            Expr::IsNotDistinctFrom(left, right) | Expr::IsDistinctFrom(left, right)
                if has_column(left) && has_column(right) =>
            {
                return true;
            }
            Expr::Between { expr, low, high, .. }
                if has_column(expr) && (has_column(low) || has_column(high)) =>
            {
                return true;
            }
            Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. }
                if has_column(expr) && has_column(pattern) =>
            {
                return true;
            }
            // A function of both sides, or a sub-query, may well connect them.
            Expr::Function(_) | Expr::Exists { .. } | Expr::InSubquery { .. } | Expr::InList { .. } => {
                return true;
            }
            _ => {}
        }
    }
    false
}

fn is_logical(expr: &Expr) -> bool {
    use sqlparser::ast::BinaryOperator::{And, Or, Xor};
    matches!(expr, Expr::BinaryOp { op: And | Or | Xor, .. })
}

fn has_column(expr: &Expr) -> bool {
    use std::ops::ControlFlow::{Break, Continue};
    sqlparser::ast::visit_expressions(expr, |expr| match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Break(()),
        _ => Continue(()),
    })
    .is_break()
}

/// Returns whether a query has at most one row: an aggregate without groups, or LIMIT 1.
pub fn has_one_row(query: &Query) -> bool {
    let is_limited = matches!(
        &query.limit_clause,
        Some(LimitClause::LimitOffset { limit: Some(Expr::Value(limit)), .. })
            if matches!(&limit.value, Value::Number(number, _) if matches!(number.to_string().as_str(), "0" | "1"))
    );
    is_limited
        || match &*query.body {
            SetExpr::Select(select) => aggregates_once(select) || select.from.is_empty(),
            SetExpr::Values(values) => values.rows.len() <= 1,
            SetExpr::Query(query) => has_one_row(query),
            _ => false,
        }
}

fn aggregates_once(select: &Select) -> bool {
    const AGGREGATES: [&str; 16] = [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "variance",
        "var_pop",
        "var_samp",
        "median",
        "string_agg",
        "array_agg",
        "bool_and",
        "bool_or",
    ];
    let has_no_group = matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    let is_aggregate = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Function(function))
        | SelectItem::ExprWithAlias { expr: Expr::Function(function), .. } => {
            function.over.is_none()
                && !matches!(function.args, FunctionArguments::None)
                && function
                    .name
                    .0
                    .last()
                    .and_then(|part| part.as_ident())
                    .is_some_and(|name| AGGREGATES.contains(&folded(name).as_str()))
        }
        _ => false,
    };
    has_no_group && select.projection.iter().any(is_aggregate)
}
