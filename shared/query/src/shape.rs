//! Clauses of the grammar that no query here can have.

use sqlparser::ast::{Expr, Query, Select, TableFactor};

type Clauses = Vec<&'static str>;

fn present<const N: usize>(clauses: [(bool, &'static str); N]) -> Clauses {
    clauses.into_iter().filter(|(is_there, _)| *is_there).map(|(_, clause)| clause).collect()
}

pub fn query_clauses(query: &Query) -> Clauses {
    present([
        (!query.locks.is_empty(), "FOR UPDATE or FOR SHARE"),
        (query.for_clause.is_some(), "FOR XML or FOR JSON"),
        (query.settings.is_some(), "SETTINGS"),
        (query.format_clause.is_some(), "FORMAT"),
        (!query.pipe_operators.is_empty(), "the operator |>"),
    ])
}

pub fn select_clauses(select: &Select) -> Clauses {
    present([
        (select.into.is_some(), "SELECT INTO"),
        (!select.optimizer_hints.is_empty(), "hints"),
        (select.select_modifiers.is_some(), "modifiers of SELECT"),
        (select.top.is_some(), "TOP"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.cluster_by.is_empty(), "CLUSTER BY"),
        (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
        (!select.sort_by.is_empty(), "SORT BY"),
        (select.value_table_mode.is_some(), "SELECT AS"),
    ])
}

/// The clauses of one table; its sub-queries and nested joins are visited on their own.
pub fn table_clauses(factor: &TableFactor) -> Clauses {
    match factor {
        TableFactor::Table {
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
            ..
        } => present([
            (!with_hints.is_empty() || !index_hints.is_empty(), "hints"),
            (version.is_some(), "versions of tables"),
            (*with_ordinality && args.is_none(), "WITH ORDINALITY"),
            (!partitions.is_empty(), "PARTITION"),
            (json_path.is_some(), "paths into a table"),
            (sample.is_some(), "TABLESAMPLE"),
        ]),
        TableFactor::Derived { sample, .. } => present([(sample.is_some(), "TABLESAMPLE")]),
        TableFactor::UNNEST { .. } | TableFactor::NestedJoin { .. } | TableFactor::Function { .. } => {
            Vec::new()
        }
        TableFactor::TableFunction { .. } => vec!["TABLE(...)"],
        TableFactor::Pivot { .. } => vec!["PIVOT"],
        TableFactor::Unpivot { .. } => vec!["UNPIVOT"],
        TableFactor::MatchRecognize { .. } => vec!["MATCH_RECOGNIZE"],
        _ => vec!["this form of a table"],
    }
}

pub const fn unsupported_expression(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Convert { .. } => Some("CONVERT"),
        Expr::Prefixed { .. } => Some("texts with a character set"),
        Expr::MatchAgainst { .. } => Some("MATCH ... AGAINST"),
        Expr::MemberOf(_) => Some("MEMBER OF"),
        Expr::Prior(_) => Some("PRIOR"),
        Expr::OuterJoin(_) => Some("(+)"),
        _ => None,
    }
}
