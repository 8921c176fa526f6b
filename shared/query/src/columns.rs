//! The names of a query's columns as Postgres gives them, so that charts find `count` whichever engine runs the query.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, DataType, Distinct, Expr, GroupByExpr, Ident, OrderByKind, Query, Select, SelectItem,
    SetExpr, Statement, TimezoneInfo, Visit, visit_expressions,
};

use crate::guard::folded;

/// A column of the outermost SELECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectedColumn {
    Named(String),
    /// As many columns as the tables have.
    Wildcard,
}

/// Names the columns of the outermost SELECT and returns the names.
pub fn name(statement: &mut Statement) -> Vec<SelectedColumn> {
    let Statement::Query(query) = statement else { return Vec::new() };
    let sorting = sorting_names(query);
    let Some(select) = first_select(query) else { return Vec::new() };
    let mut used = BTreeSet::new();
    let taken = referenced_names(select, sorting);
    let mut columns = Vec::with_capacity(select.projection.len());
    for item in &mut select.projection {
        let name = match item {
            SelectItem::UnnamedExpr(expr) => figure(expr).1,
            SelectItem::ExprWithAlias { alias, .. } => folded(alias),
            _ => {
                columns.push(SelectedColumn::Wildcard);
                continue;
            }
        };
        let unique = distinct(&name, &mut used);
        rename(item, &name, &unique, &taken);
        columns.push(SelectedColumn::Named(unique));
    }
    columns
}

/// Renames doubles: `id`, `id_2`, `id_3`.
pub fn unique_names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut used = BTreeSet::new();
    names.into_iter().map(|name| distinct(&name, &mut used)).collect()
}

fn distinct(name: &str, used: &mut BTreeSet<String>) -> String {
    let mut unique = name.to_owned();
    let mut number = 2_usize;
    while !used.insert(unique.clone()) {
        unique = format!("{name}_{number}");
        number += 1;
    }
    unique
}

fn first_select(query: &mut Query) -> Option<&mut Select> {
    let mut body = &mut *query.body;
    loop {
        match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::Query(query) => body = &mut *query.body,
            SetExpr::SetOperation { left, .. } => body = &mut **left,
            _ => return None,
        }
    }
}

fn rename(item: &mut SelectItem, natural: &str, unique: &str, taken: &BTreeSet<String>) {
    let is_column =
        matches!(item, SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)));
    if is_column && natural == unique {
        return;
    }
    match item {
        // A new name would capture a reference to a column of that name. The engine renames the column by position.
        SelectItem::UnnamedExpr(_) if taken.contains(unique) => {}
        SelectItem::UnnamedExpr(expr) => {
            let expr = expr.clone();
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', unique) };
        }
        SelectItem::ExprWithAlias { alias, .. } if natural != unique => {
            *alias = Ident::with_quote('"', unique);
        }
        _ => {}
    }
}

/// Names within the clauses that engines resolve against output columns as well as against tables.
fn referenced_names(select: &Select, sorting: BTreeSet<String>) -> BTreeSet<String> {
    let mut names = sorting;
    if let GroupByExpr::Expressions(groups, _) = &select.group_by {
        collect(groups, &mut names);
    }
    collect(&select.having, &mut names);
    collect(&select.qualify, &mut names);
    if let Some(Distinct::On(expressions)) = &select.distinct {
        collect(expressions, &mut names);
    }
    names
}

/// Names within expressions of ORDER BY. A name that stands alone means the output column, as in Postgres.
fn sorting_names(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(OrderByKind::Expressions(expressions)) = query.order_by.as_ref().map(|order| &order.kind) {
        for sort in expressions.iter().filter(|sort| !matches!(sort.expr, Expr::Identifier(_))) {
            collect(&sort.expr, &mut names);
        }
    }
    names
}

fn collect(part: &impl Visit, names: &mut BTreeSet<String>) {
    let _: ControlFlow<()> = visit_expressions(part, |expr| {
        if let Expr::Identifier(ident) = expr {
            names.insert(folded(ident));
        }
        ControlFlow::Continue(())
    });
}

/// The strength with which an expression suggests its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    None,
    /// A type or a keyword, which a better name replaces.
    Weak,
    Strong,
}

const UNNAMED: &str = "?column?";

/// Derives the name of an expression. Parentheses, casts and collations keep the name of what is in them.
fn figure(expr: &Expr) -> (Strength, String) {
    use Strength::{None, Strong, Weak};
    let strong = |name: &str| (Strong, name.to_owned());
    match expr {
        Expr::Identifier(ident) => (Strong, folded(ident)),
        Expr::CompoundIdentifier(parts) => {
            parts.last().map_or((None, UNNAMED.to_owned()), |last| (Strong, folded(last)))
        }
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => Some(folded(ident)),
                _ => Option::None,
            });
            field.map_or_else(|| figure(root), |name| (Strong, name))
        }
        Expr::Function(function) => match function.name.0.last().and_then(|part| part.as_ident()) {
            Some(ident) => (Strong, folded(ident)),
            Option::None => (None, UNNAMED.to_owned()),
        },
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::Cast { expr, data_type, .. } => match figure(expr) {
            (Strong, name) => (Strong, name),
            _ => (Weak, type_name(data_type)),
        },
        Expr::TypedString(typed) => (Weak, type_name(&typed.data_type)),
        Expr::Interval(_) => (Weak, "interval".to_owned()),
        Expr::Case { else_result, .. } => match else_result.as_deref().map(figure) {
            Some((Strong, name)) => (Strong, name),
            _ => (Weak, "case".to_owned()),
        },
        Expr::Subquery(query) => (Strong, subquery_name(query)),
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { .. } => strong("btrim"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        _ => (None, UNNAMED.to_owned()),
    }
}

/// The name of a sub-query's only column.
fn subquery_name(query: &Query) -> String {
    let mut body = &*query.body;
    loop {
        match body {
            SetExpr::Query(query) => body = &query.body,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Select(select) => {
                return match select.projection.first() {
                    Some(SelectItem::UnnamedExpr(expr)) => figure(expr).1,
                    Some(SelectItem::ExprWithAlias { alias, .. }) => folded(alias),
                    _ => UNNAMED.to_owned(),
                };
            }
            _ => return UNNAMED.to_owned(),
        }
    }
}

fn type_name(kind: &DataType) -> String {
    let word = match kind {
        DataType::SmallInt(_) | DataType::Int2(_) | DataType::TinyInt(_) => "int2",
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 | DataType::Float(_) => "float8",
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric",
        DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::CharVarying(_) => "varchar",
        DataType::Char(_) | DataType::Character(_) => "bpchar",
        DataType::Boolean | DataType::Bool => "bool",
        DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "timestamp",
        DataType::Timestamp(..) => "timestamptz",
        DataType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "time",
        DataType::Time(..) => "timetz",
        DataType::Interval { .. } => "interval",
        other => return first_word(&other.to_string().to_lowercase()),
    };
    word.to_owned()
}

fn first_word(text: &str) -> String {
    text.split(['(', ' ', '[']).next().unwrap_or_default().to_owned()
}
