//! Functions that other functions can express: rewritten in the syntax tree, before anything is typed.
//!
//! So the planner finds the types, and casts what must be cast, as if the author had written the body.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value, VisitMut,
    VisitorMut,
};
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::embedded::statement::function_name;
use crate::error::{EngineError, QueryFailure};

/// Name, number of arguments, body. `$1` is the first argument.
pub const MACROS: &[(&str, usize, &str)] = &[
    // Parts of dates.
    ("year", 1, "cast(date_part('year', $1) as bigint)"),
    ("quarter", 1, "cast(date_part('quarter', $1) as bigint)"),
    ("month", 1, "cast(date_part('month', $1) as bigint)"),
    ("week", 1, "cast(date_part('week', $1) as bigint)"),
    ("weekofyear", 1, "cast(date_part('week', $1) as bigint)"),
    ("day", 1, "cast(date_part('day', $1) as bigint)"),
    ("dayofmonth", 1, "cast(date_part('day', $1) as bigint)"),
    ("dayofyear", 1, "cast(date_part('doy', $1) as bigint)"),
    ("dayofweek", 1, "cast(date_part('dow', $1) as bigint)"),
    ("weekday", 1, "cast(date_part('dow', $1) as bigint)"),
    ("isodow", 1, "(cast(date_part('dow', $1) as bigint) + 6) % 7 + 1"),
    ("isoyear", 1, "cast(date_part('isoyear', $1) as bigint)"),
    ("decade", 1, "cast(date_part('year', $1) as bigint) / 10"),
    ("century", 1, "(cast(date_part('year', $1) as bigint) + 99) / 100"),
    ("hour", 1, "cast(date_part('hour', $1) as bigint)"),
    ("minute", 1, "cast(date_part('minute', $1) as bigint)"),
    ("second", 1, "cast(floor(date_part('second', $1)) as bigint)"),
    ("epoch", 1, "cast(date_part('epoch', $1) as double)"),
    ("monthname", 1, "to_char($1, 'FMMonth')"),
    ("dayname", 1, "to_char($1, 'FMDay')"),
    // Moving dates.
    ("date_add", 2, "$1 + $2"),
    ("date_sub", 2, "$1 - $2"),
    ("date_sub", 3, "datesub($1, $2, $3)"),
    ("time_bucket", 2, "time_bucket_from($1, $2, cast(null as timestamp))"),
    ("time_bucket", 3, "time_bucket_from($1, $2, $3)"),
    ("last_day", 1, "cast(date_trunc('month', $1) + interval '1 month' - interval '1 day' as date)"),
    ("age", 1, "age(current_date, $1)"),
    ("today", 0, "current_date"),
    ("get_current_timestamp", 0, "now()"),
    ("transaction_timestamp", 0, "now()"),
    ("statement_timestamp", 0, "now()"),
    // Choices and numbers.
    ("if", 3, "case when $1 then $2 else $3 end"),
    ("iff", 3, "case when $1 then $2 else $3 end"),
    ("mod", 2, "$1 % $2"),
    ("div", 2, "cast($1 / $2 as bigint)"),
    ("ceiling", 1, "ceil($1)"),
    ("sign", 1, "signum($1)"),
    ("add", 2, "$1 + $2"),
    ("subtract", 2, "$1 - $2"),
    ("multiply", 2, "$1 * $2"),
    ("divide", 2, "$1 / $2"),
    // Texts.
    ("ucase", 1, "upper($1)"),
    ("lcase", 1, "lower($1)"),
    ("length", 1, "len($1)"),
    ("strlen", 1, "octet_length($1)"),
    ("prefix", 2, "starts_with($1, $2)"),
    ("suffix", 2, "ends_with($1, $2)"),
    ("regexp_matches", 2, "regexp_like($1, $2)"),
    ("str_split", 2, "string_to_array($1, $2)"),
    ("string_split", 2, "string_to_array($1, $2)"),
    (
        "regexp_extract",
        2,
        "case when $1 is not null then coalesce(array_element(regexp_match($1, '(' || $2 || ')'), 1), '') end",
    ),
    ("list_min", 1, "array_min($1)"),
    // Aggregates.
    ("arg_max", 2, "first_value($1 order by $2 desc) filter (where $1 is not null and $2 is not null)"),
    ("arg_min", 2, "first_value($1 order by $2 asc) filter (where $1 is not null and $2 is not null)"),
    ("max_by", 2, "first_value($1 order by $2 desc) filter (where $1 is not null and $2 is not null)"),
    ("min_by", 2, "first_value($1 order by $2 asc) filter (where $1 is not null and $2 is not null)"),
    ("count_if", 1, "count(*) filter (where $1)"),
    ("countif", 1, "count(*) filter (where $1)"),
    ("any_value", 1, "first_value($1) filter (where $1 is not null)"),
    ("every", 1, "bool_and($1)"),
];

/// Names of aggregates that stand for others, with all that may follow their arguments.
pub const SAME_AS: &[(&str, &str)] = &[
    ("list", "array_agg"),
    ("variance", "var"),
    ("group_concat", "string_agg"),
    ("listagg", "string_agg"),
    ("approx_count_distinct", "approx_distinct"),
    ("first", "first_value"),
    ("last", "last_value"),
];

struct Macro {
    arity: usize,
    body: Expr,
}

static BODIES: LazyLock<HashMap<&'static str, Vec<Macro>>> = LazyLock::new(|| {
    let mut bodies: HashMap<_, Vec<Macro>> = HashMap::new();
    for (name, arity, body) in MACROS {
        // A body that does not parse is found by the test over the table.
        if let Some(body) = parse(body) {
            bodies.entry(*name).or_default().push(Macro { arity: *arity, body });
        }
    }
    bodies
});

fn parse(body: &str) -> Option<Expr> {
    Parser::new(&DuckDbDialect {}).try_with_sql(body).ok()?.parse_expr().ok()
}

/// The names that this module knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    MACROS.iter().map(|(name, ..)| *name).chain(SAME_AS.iter().map(|(name, _)| *name))
}

/// The expression that a call stands for, or `None` for a function of the engine itself.
pub fn expand(function: &mut Function) -> Result<Option<Expr>, EngineError> {
    let Some(name) = function_name(function) else { return Ok(None) };
    if let Some((_, same)) = SAME_AS.iter().find(|(alias, _)| *alias == name) {
        if let Some(part) = function.name.0.first_mut()
            && let Some(Expr::Function(renamed)) = parse(&format!("{same}()"))
        {
            *part = renamed.name.0[0].clone();
        }
        return Ok(None);
    }
    // The form of Postgres.
    if name == "mode"
        && let [ordered] = &function.within_group[..]
        && let Some(mut plain) = parse("mode($1)")
    {
        let _ = plain.visit(&mut Substitute(std::slice::from_ref(&ordered.expr)));
        if let Expr::Function(plain) = plain {
            function.args = plain.args;
            function.within_group.clear();
        }
    }
    let Some(overloads) = BODIES.get(name.as_str()) else { return Ok(None) };
    let arguments = plain_arguments(&function.args);
    let found = arguments.and_then(|arguments| {
        let found = overloads.iter().find(|found| found.arity == arguments.len())?;
        Some((found, arguments))
    });
    let Some((found, arguments)) = found else {
        // `age(a, b)` and the like: the same name with another number of arguments.
        if super::is_native(&name) {
            return Ok(None);
        }
        return Err(EngineError::new(
            QueryFailure::Unsupported,
            format!("The function {name} takes {}.", arities(overloads)),
        ));
    };
    let mut body = found.body.clone();
    // The visitor never breaks.
    let _ = body.visit(&mut Substitute(&arguments));
    if !function.within_group.is_empty() || function.null_treatment.is_some() {
        return Err(unsupported_clause(&name));
    }
    match &mut body {
        Expr::Function(inner) if function.filter.is_some() || function.over.is_some() => {
            inner.over = function.over.take();
            inner.filter = match (function.filter.take(), inner.filter.take()) {
                (Some(outer), Some(inner)) => Some(Box::new(Expr::BinaryOp {
                    left: Box::new(Expr::Nested(outer)),
                    op: BinaryOperator::And,
                    right: Box::new(Expr::Nested(inner)),
                })),
                (outer, inner) => outer.or(inner),
            };
            Ok(Some(body))
        }
        _ if function.filter.is_some() || function.over.is_some() => Err(unsupported_clause(&name)),
        Expr::Function(_) => Ok(Some(body)),
        _ => Ok(Some(Expr::Nested(Box::new(body)))),
    }
}

/// `->` and `->>` on JSON texts as the functions that they stand for.
pub fn operator(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    let template = match op {
        BinaryOperator::Arrow => "json_extract($1, $2)",
        BinaryOperator::LongArrow => "json_extract_string($1, $2)",
        BinaryOperator::DuckIntegerDivide => "cast($1 / $2 as bigint)",
        _ => return None,
    };
    let mut body = parse(template)?;
    let _ = body.visit(&mut Substitute(&[left.clone(), right.clone()]));
    Some(body)
}

/// `at AT TIME ZONE zone` as the function that it stands for.
pub fn at_time_zone(at: &Expr, zone: &Expr) -> Option<Expr> {
    let mut body = parse("timezone($1, $2)")?;
    let _ = body.visit(&mut Substitute(&[zone.clone(), at.clone()]));
    Some(body)
}

/// The current day or time in a zone, for the functions that tell them in UTC.
pub fn in_zone(name: &str, zone: &str) -> Option<Expr> {
    let kind = match name {
        "current_date" => "date",
        "current_time" => "time",
        _ => return None,
    };
    let mut body = parse(&format!("cast(timezone($1, now()) as {kind})"))?;
    let zone = Expr::value(Value::SingleQuotedString(zone.to_owned()));
    let _ = body.visit(&mut Substitute(&[zone]));
    Some(body)
}

/// `expr` cast to a type of SQL.
pub fn cast(expr: Expr, to: &str) -> Expr {
    let Some(mut body) = parse(&format!("cast($1 as {to})")) else { return expr };
    let _ = body.visit(&mut Substitute(&[expr]));
    body
}

fn arities(overloads: &[Macro]) -> String {
    let counts: Vec<_> = overloads.iter().map(|found| found.arity.to_string()).collect();
    format!("{} arguments", counts.join(" or "))
}

fn unsupported_clause(name: &str) -> EngineError {
    EngineError::new(QueryFailure::Unsupported, format!("The function {name} takes no further clauses."))
}

fn plain_arguments(arguments: &FunctionArguments) -> Option<Vec<Expr>> {
    let list = match arguments {
        FunctionArguments::None => return Some(vec![]),
        FunctionArguments::Subquery(_) => return None,
        FunctionArguments::List(list) => list,
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    let plain = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    plain.collect()
}

struct Substitute<'a>(&'a [Expr]);

impl VisitorMut for Substitute<'_> {
    type Break = ();

    // After the children: an inserted argument is not searched for placeholders of its own.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
            && let Some(argument) =
                name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()).and_then(|n| self.0.get(n - 1))
        {
            *expr = match argument {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::Function(_) => {
                    argument.clone()
                }
                other => Expr::Nested(Box::new(other.clone())),
            };
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_parses_and_uses_each_of_its_arguments() {
        for (name, arity, body) in MACROS {
            let parsed = parse(body).unwrap_or_else(|| panic!("{name}"));
            for position in 1..=*arity {
                assert!(parsed.to_string().contains(&format!("${position}")), "{name}");
            }
            assert!(!parsed.to_string().contains(&format!("${}", arity + 1)), "{name}");
        }
    }
}
