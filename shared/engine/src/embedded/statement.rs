//! A statement before it is planned: parsed, its values bound, its functions checked and rewritten.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, Ident, JoinOperator, LimitClause, ObjectName, OneOrManyWithParens,
    OrderByExpr, OrderByKind, Query as SqlQuery, Select, SelectFlavor, SelectItem, SetExpr, TableFactor,
    Value as Literal, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut, WildcardAdditionalOptions,
};
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::parser::Parser;
use vitrine_rules::error::Issue;

use vitrine_rules::query::prepare::PreparedSql;
use vitrine_rules::query::typed_value::{Decimal, TypedValue};

use super::functions::{self, macros};
use crate::error::{EngineError, QueryFailure};
use crate::query::EngineQuery;

/// The most SQL that rewriting may add to a statement.
const EXPANDED_BYTES: usize = 1 << 20;

/// Parses the text, which must be one query over `tables`, and binds the arguments to its placeholders.
///
/// A value becomes a literal of the syntax tree. Its text is never parsed, so no value can change the
/// statement, and the planner knows its type wherever the placeholder stands.
///
/// Days and times of the clock are those of the query's time zone.
pub fn parse(query: &EngineQuery) -> Result<Parsed, EngineError> {
    let sql = query.prepared.sql.as_str();
    let parsed = vitrine_query::parse(sql, &query.syntax).map_err(|issue| refused(vec![issue]))?;
    check_functions(sql, query.syntax.depth)?;
    let tables: BTreeSet<String> = query.tables.iter().map(|table| table.name.clone()).collect();
    let surface = functions::surface(&tables, true);
    let mut statement = Box::new(parsed.check(&surface).map_err(refused)?.statement);
    let mut rewrite = Rewrite { arguments: &query.prepared.arguments, expanded: 0 };
    if let ControlFlow::Break(error) = VisitMut::visit(&mut *statement, &mut rewrite) {
        return Err(error);
    }
    if let Some(zone) = query.time_zone.as_deref().filter(|zone| *zone != "UTC") {
        functions::parse_zone(zone)
            .map_err(|error| EngineError::new(QueryFailure::Invalid, error.to_string()))?;
        // The visitor never breaks.
        let _ = VisitMut::visit(&mut *statement, &mut LocalClock { zone });
    }
    Ok(Parsed::Statement(statement))
}

/// The current day and time of a zone. After the macros, because some of them are written with the clock.
struct LocalClock<'a> {
    zone: &'a str,
}

impl VisitorMut for LocalClock<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && let Some(local) = function_name(function).and_then(|name| macros::in_zone(&name, self.zone))
        {
            *expr = local;
        }
        ControlFlow::Continue(())
    }
}

fn refused(issues: Vec<Issue>) -> EngineError {
    let messages: Vec<String> = issues.iter().map(|issue| format!("The query {}.", issue.message)).collect();
    EngineError::new(QueryFailure::Invalid, messages.join(" "))
}

/// Refuses functions that are not on the list, each with the nearest one.
fn check_functions(sql: &str, depth: usize) -> Result<(), EngineError> {
    let dialect = DuckDbDialect {};
    let statements = Parser::new(&dialect).with_recursion_limit(depth).try_with_sql(sql);
    let statements = statements.and_then(|mut parser| parser.parse_statements());
    let statements =
        statements.map_err(|error| EngineError::new(QueryFailure::Invalid, error.to_string()))?;
    match Visit::visit(&statements, &mut Supported) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The search for what this engine does not have.
struct Supported;

impl Visitor for Supported {
    type Break = EngineError;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<EngineError> {
        into_flow(match expr {
            Expr::Function(function) => check_function(&function.name),
            _ => Ok(()),
        })
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<EngineError> {
        into_flow(match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                check_function(name)
            }
            TableFactor::Table { sample: Some(_), .. } => unsupported("Samples of tables are not supported."),
            _ => Ok(()),
        })
    }

    fn pre_visit_query(&mut self, query: &SqlQuery) -> ControlFlow<EngineError> {
        into_flow(if query.with.as_ref().is_some_and(|with| with.recursive) {
            unsupported("WITH RECURSIVE is not supported.")
        } else if !query.locks.is_empty() {
            unsupported("Locking clauses are not supported.")
        } else {
            Ok(())
        })
    }
}

fn unsupported(text: &str) -> Result<(), EngineError> {
    Err(EngineError::new(QueryFailure::Unsupported, text))
}

struct Rewrite<'a> {
    arguments: &'a [TypedValue],
    /// Bytes of SQL that macros have written so far.
    expanded: usize,
}

impl Rewrite<'_> {
    fn bind(&self, placeholder: &str) -> Result<Expr, EngineError> {
        let named =
            |index: &usize| placeholder.strip_prefix('$') == Some(&PreparedSql::argument_name(*index));
        match (0..self.arguments.len()).find(named) {
            Some(index) => Ok(literal(&self.arguments[index])),
            None => Err(EngineError::new(
                QueryFailure::Invalid,
                format!("The placeholder {placeholder} has no value."),
            )),
        }
    }

    fn rewrite(&mut self, expr: &mut Expr) -> Result<(), EngineError> {
        let rewritten = match expr {
            Expr::Value(value) => match &value.value {
                Literal::Placeholder(placeholder) => Some(self.bind(placeholder)?),
                _ => None,
            },
            Expr::Function(function) => {
                let expanded = macros::expand(function)?;
                // A body names an argument more than once: nested calls would grow without a bound.
                self.expanded += expanded.as_ref().map_or(0, |expanded| expanded.to_string().len());
                if self.expanded > EXPANDED_BYTES {
                    return Err(EngineError::new(
                        QueryFailure::TooLarge,
                        "The functions are nested too deeply.",
                    ));
                }
                expanded
            }
            Expr::BinaryOp { left, op, right } => macros::operator(left, op, right),
            Expr::AtTimeZone { timestamp, time_zone } => macros::at_time_zone(timestamp, time_zone),
            Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
                escape_with_backslash(pattern, escape_char)?;
                None
            }
            // `interval 3 days` as `interval '3' days`, which is what the planner knows.
            Expr::Interval(interval) => {
                let digits = match interval.value.as_ref() {
                    Expr::Value(value) => match &value.value {
                        Literal::Number(digits, _) => Some(digits.clone()),
                        _ => None,
                    },
                    Expr::Cast { expr, .. } => match expr.as_ref() {
                        Expr::Value(value) => value.value.clone().into_string(),
                        _ => None,
                    },
                    _ => None,
                };
                if let Some(digits) = digits {
                    *interval.value = text(&digits);
                }
                None
            }
            // The parser takes `column -> 'key'` for a lambda. One with a constant body has no use.
            Expr::Lambda(lambda) => match (&lambda.params, lambda.body.as_ref()) {
                (OneOrManyWithParens::One(column), key @ Expr::Value(_)) => {
                    macros::operator(&Expr::Identifier(column.name.clone()), &BinaryOperator::Arrow, key)
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(rewritten) = rewritten {
            *expr = rewritten;
        }
        Ok(())
    }
}

impl VisitorMut for Rewrite<'_> {
    type Break = EngineError;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<EngineError> {
        into_flow(self.rewrite(expr))
    }

    fn pre_visit_query(&mut self, query: &mut SqlQuery) -> ControlFlow<EngineError> {
        into_flow(rewrite_query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<EngineError> {
        if select.flavor == SelectFlavor::FromFirstNoSelect && select.projection.is_empty() {
            select.projection.push(SelectItem::Wildcard(WildcardAdditionalOptions::default()));
            select.flavor = SelectFlavor::Standard;
        }
        for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
            join.join_operator = match &join.join_operator {
                JoinOperator::Semi(condition) => JoinOperator::LeftSemi(condition.clone()),
                JoinOperator::Anti(condition) => JoinOperator::LeftAnti(condition.clone()),
                _ => continue,
            };
        }
        ControlFlow::Continue(())
    }
}

fn into_flow(result: Result<(), EngineError>) -> ControlFlow<EngineError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

fn check_function(name: &ObjectName) -> Result<(), EngineError> {
    let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    let [name] = parts[..] else {
        return Err(EngineError::new(
            QueryFailure::Unsupported,
            format!("The function {name} is not supported: functions have names of one part."),
        ));
    };
    functions::check(&name.value.to_lowercase())
}

/// `FETCH FIRST n ROWS ONLY` as `LIMIT n`, and `ORDER BY ALL` as the positions of the columns.
fn rewrite_query(query: &mut SqlQuery) -> Result<(), EngineError> {
    if let Some(fetch) = query.fetch.take() {
        if fetch.with_ties || fetch.percent {
            return unsupported("FETCH FIRST is supported with a number of rows only.");
        }
        let limit = fetch.quantity.unwrap_or_else(|| number("1"));
        match &mut query.limit_clause {
            None => {
                query.limit_clause =
                    Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by: vec![] });
            }
            Some(LimitClause::LimitOffset { limit: given @ None, .. }) => *given = Some(limit),
            Some(_) => return unsupported("FETCH FIRST and LIMIT cannot stand together."),
        }
    }
    if let Some(order_by) = &mut query.order_by
        && let OrderByKind::All(options) = &order_by.kind
    {
        let columns = match query.body.as_ref() {
            SetExpr::Select(select) => &select.projection,
            _ => return unsupported("ORDER BY ALL is supported after SELECT only."),
        };
        let is_wild =
            |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
        if columns.iter().any(is_wild) {
            return unsupported("ORDER BY ALL is supported with named columns only, not with *.");
        }
        let positions = (1..=columns.len()).map(|position| OrderByExpr {
            expr: number(&position.to_string()),
            options: *options,
            with_fill: None,
        });
        order_by.kind = OrderByKind::Expressions(positions.collect());
    }
    Ok(())
}

/// The pattern of `LIKE ... ESCAPE '!'` with the only escape character that the engine knows.
fn escape_with_backslash(pattern: &mut Expr, escape: &mut Option<ValueWithSpan>) -> Result<(), EngineError> {
    let Some(escape) = escape.take() else { return Ok(()) };
    let escape = match &escape.value {
        Literal::SingleQuotedString(escape) if escape == "\\" => return Ok(()),
        Literal::SingleQuotedString(escape) => escape.clone(),
        other => other.to_string(),
    };
    let mut letters = escape.chars();
    let (Some(escape), None, Expr::Value(pattern)) = (letters.next(), letters.next(), pattern) else {
        let text =
            "ESCAPE takes one character and a constant pattern; the backslash works with every pattern.";
        return Err(EngineError::new(QueryFailure::Unsupported, text));
    };
    if let Literal::SingleQuotedString(text) = &mut pattern.value {
        let mut escaped = String::with_capacity(text.len());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                letter if letter == escape => {
                    escaped.push('\\');
                    escaped.extend(letters.next());
                }
                '\\' => escaped.push_str("\\\\"),
                letter => escaped.push(letter),
            }
        }
        *text = escaped;
    }
    Ok(())
}

fn number(digits: &str) -> Expr {
    Expr::value(Literal::Number(digits.to_owned(), false))
}

fn text(text: &str) -> Expr {
    Expr::value(Literal::SingleQuotedString(text.to_owned()))
}

/// The literal of a value, with a cast where the literal alone does not tell the type.
fn literal(value: &TypedValue) -> Expr {
    match value {
        TypedValue::Text(value) => text(value),
        TypedValue::Integer(value) => macros::cast(text(&value.to_string()), "bigint"),
        TypedValue::Decimal(Decimal { digits, scale }) => {
            let negative = if *digits < 0 { "-" } else { "" };
            let digits = format!("{:0>width$}", digits.unsigned_abs(), width = usize::from(*scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(*scale));
            macros::cast(text(&format!("{negative}{whole}.{fraction}")), &format!("decimal(38, {scale})"))
        }
        TypedValue::Number(value) => macros::cast(text(&value.to_string()), "double"),
        TypedValue::Boolean(value) => Expr::value(Literal::Boolean(*value)),
        TypedValue::Date(value) => macros::cast(text(&value.to_string()), "date"),
        TypedValue::Timestamp(value) => macros::cast(text(&value.to_string()), "timestamp"),
    }
}

/// The name of a function, in lower case, if it has one part.
pub fn function_name(function: &Function) -> Option<String> {
    match &function.name.0[..] {
        [part] => part.as_ident().map(|ident| ident.value.to_lowercase()),
        _ => None,
    }
}
