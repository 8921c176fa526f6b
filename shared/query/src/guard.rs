//! The allow-list of a query: declared tables, listed functions, and the clauses of one SELECT.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, Query, Select, SetExpr, Statement, TableFactor, Value, ValueWithSpan,
    Visit, Visitor,
};
use vitrine_rules::error::Issue;
use vitrine_rules::query::limits::QueryLimits;
use vitrine_rules::query::prepare::PreparedSql;

use crate::columns::{self, SelectedColumn};
use crate::functions::Volatility;
use crate::nearest::nearest;
use crate::parse::{Parsed, parse};
use crate::{aliases, joins, shape};

/// Everything that a query can name.
#[derive(Debug, Clone, Copy)]
pub struct Surface<'a> {
    /// Names of the declared tables.
    pub tables: &'a BTreeSet<String>,
    /// Names of functions in lower case: scalar, aggregate and window functions.
    pub functions: &'a BTreeSet<String>,
    /// Names of functions in lower case that stand where a table can stand.
    pub table_functions: &'a BTreeSet<String>,
    /// Allows a join of which no condition connects the two sides.
    pub allow_cross_joins: bool,
}

/// A query that keeps to the surface.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// The query. Columns of its outermost SELECT have the names that Postgres gives them.
    pub statement: Statement,
    /// The declared tables that it reads.
    pub tables: BTreeSet<String>,
    /// The columns of its outermost SELECT, by position.
    pub columns: Vec<SelectedColumn>,
    /// The arguments that occur in it, without the `$`.
    pub arguments: BTreeSet<String>,
    pub volatility: Volatility,
}

impl Parsed {
    /// Holds the query against everything that it can name. Issues are for its author and nobody else.
    pub fn check(self, surface: &Surface) -> Result<Guarded, Vec<Issue>> {
        let mut names = Names::default();
        let _ = self.statement.visit(&mut names);
        let mut guard = Guard {
            surface,
            expressions: names.expressions,
            single_rows: names.single_rows,
            tables: BTreeSet::new(),
            arguments: BTreeSet::new(),
            volatility: Volatility::Fixed,
            messages: BTreeSet::new(),
            relations: 0,
        };
        let _ = self.statement.visit(&mut guard);
        if guard.relations != 0 {
            guard.refuse("names a table where no table can stand".to_owned());
        }
        if !guard.messages.is_empty() {
            return Err(guard.messages.into_iter().map(|message| Issue::new("sql", message)).collect());
        }
        let (tables, arguments, volatility) = (guard.tables, guard.arguments, guard.volatility);
        let mut statement = self.statement;
        aliases::resolve(&mut statement);
        let columns = columns::name(&mut statement);
        Ok(Guarded { statement, tables, columns, arguments, volatility })
    }
}

impl Parsed {
    /// Checks SQL that was prepared from a template. Every argument must be bound.
    pub fn guard(self, prepared: &PreparedSql, surface: &Surface) -> Result<Guarded, Vec<Issue>> {
        let guarded = self.check(surface)?;
        let all: BTreeSet<String> = (0..prepared.arguments.len()).map(PreparedSql::argument_name).collect();
        // The template's lexer and the parser disagree about a quote: the query would compare with the placeholder's name.
        if guarded.arguments == all {
            Ok(guarded)
        } else {
            Err(vec![Issue::new("sql", "has a tag in a text or a comment, where it cannot have a value")])
        }
    }
}

/// Parses and checks SQL that was prepared from a template.
pub fn guard(prepared: &PreparedSql, surface: &Surface, limits: &QueryLimits) -> Result<Guarded, Vec<Issue>> {
    parse(&prepared.sql, limits).map_err(|issue| vec![issue])?.guard(prepared, surface)
}

/// The name of a relation, if it has one part and is no file's. Engines fold unquoted names to lower case.
pub fn one_part(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [part] => part.as_ident().filter(|ident| ident.quote_style != Some('\'')).map(folded),
        _ => None,
    }
}

/// An identifier as engines compare it.
pub fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The names of common table expressions anywhere in the statement.
#[derive(Default)]
struct Names {
    expressions: BTreeSet<String>,
    /// Those that have one row.
    single_rows: BTreeSet<String>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for expression in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = folded(&expression.alias.name);
            if joins::has_one_row(&expression.query) {
                self.single_rows.insert(name.clone());
            }
            self.expressions.insert(name);
        }
        ControlFlow::Continue(())
    }
}

struct Guard<'a> {
    surface: &'a Surface<'a>,
    /// Names of common table expressions.
    expressions: BTreeSet<String>,
    single_rows: BTreeSet<String>,
    tables: BTreeSet<String>,
    arguments: BTreeSet<String>,
    volatility: Volatility,
    messages: BTreeSet<String>,
    /// Visited relations without the ones that a table factor accounts for.
    relations: usize,
}

impl Guard<'_> {
    fn refuse(&mut self, message: String) {
        if self.messages.len() < 20 {
            self.messages.insert(message);
        }
    }

    fn unsupported(&mut self, clause: &str) {
        self.refuse(format!("uses {clause}, which is not supported"));
    }

    fn table(&mut self, name: &ObjectName) {
        let Some(table) = one_part(name) else {
            self.refuse("must name tables by one part, without database, schema or file".to_owned());
            return;
        };
        if self.surface.tables.contains(&table) {
            self.tables.insert(table);
        } else if !self.expressions.contains(&table) {
            let known = self.surface.tables.iter().chain(&self.expressions).map(String::as_str);
            let hint =
                nearest(&table, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            self.refuse(format!("names the table `{table}`, which does not exist{hint}"));
        }
    }

    fn function(&mut self, name: &ObjectName, known: &BTreeSet<String>) {
        let Some(function) = one_part(name) else {
            self.refuse("must name functions by one part, without a schema".to_owned());
            return;
        };
        if known.contains(&function) {
            self.volatility = self.volatility.max(Volatility::of(&function));
            return;
        }
        let near = nearest(&function, known.iter().map(String::as_str));
        let hint = near.map_or(String::new(), |near| format!("; the nearest that is supported is `{near}`"));
        self.refuse(format!("uses the function `{function}`, which is not supported{hint}"));
    }

    fn shadowing(&mut self, query: &Query) {
        let Some(with) = &query.with else { return };
        if with.recursive {
            self.unsupported("WITH RECURSIVE");
        }
        for expression in &with.cte_tables {
            let name = folded(&expression.alias.name);
            // Engines differ in how they compare names, so a likeness is enough.
            if self.surface.tables.iter().any(|table| table.to_lowercase() == name.to_lowercase()) {
                self.refuse(format!("must not define `{name}` in WITH, because a table has that name"));
            }
        }
    }
}

impl Visitor for Guard<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.shadowing(query);
        for clause in shape::query_clauses(query) {
            self.unsupported(clause);
        }
        // Not visited as a query of its own: `TABLE x`, and statements that write.
        let mut bodies = vec![&*query.body];
        while let Some(body) = bodies.pop() {
            match body {
                SetExpr::SetOperation { left, right, .. } => bodies.extend([&**left, &**right]),
                SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => {}
                SetExpr::Table(_) => self.unsupported("TABLE"),
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                    self.unsupported("a statement that writes");
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        if !matches!(statement, Statement::Query(_)) {
            self.unsupported("a statement that is not a query");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for clause in shape::select_clauses(select) {
            self.unsupported(clause);
        }
        if !self.surface.allow_cross_joins && joins::has_unconnected(select, &self.single_rows) {
            self.refuse("joins tables without a condition that connects them".to_owned());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<()> {
        self.relations += 1;
        ControlFlow::Continue(())
    }

    /// Relations are counted on both ways, so that none is missed where the grammar grows.
    fn post_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if matches!(factor, TableFactor::Table { .. }) {
            match self.relations.checked_sub(1) {
                Some(relations) => self.relations = relations,
                None => self.unsupported("this form of a table"),
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: None, .. } => self.table(name),
            TableFactor::Table { name, args: Some(_), .. } => {
                self.function(name, self.surface.table_functions);
            }
            TableFactor::Function { name, .. } => self.function(name, self.surface.table_functions),
            TableFactor::UNNEST { .. } if !self.surface.table_functions.contains("unnest") => {
                self.unsupported("UNNEST");
            }
            // Sub-queries and nested joins are visited on their own; other forms are refused by their clause.
            _ => {}
        }
        for clause in shape::table_clauses(factor) {
            self.unsupported(clause);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(Function { name, .. }) = expr {
            self.function(name, self.surface.functions);
        }
        if let Some(clause) = shape::unsupported_expression(expr) {
            self.unsupported(clause);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(name) = &value.value {
            match name.strip_prefix('$').filter(|name| is_argument(name)) {
                Some(name) => {
                    self.arguments.insert(name.to_owned());
                }
                None => {
                    self.refuse(format!("uses the placeholder `{name}`; write a tag such as {{{{city}}}}"));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn is_argument(name: &str) -> bool {
    name.strip_prefix('p').is_some_and(|digits| {
        (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
