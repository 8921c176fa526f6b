//! Conditions of field filters under the alias that a query gives to their table.
//!
//! A field filter becomes a condition on `"orders"."city"`. Where the query says `FROM orders o`, that name is hidden, and
//! the condition means `o`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Select, Statement, TableFactor, VisitMut, VisitorMut};

use crate::guard::{folded, one_part};

/// Puts aliases in the place of names that they hide. A valid name is never changed.
pub fn resolve(statement: &mut Statement) {
    let _ = statement.visit(&mut Aliases::default());
}

#[derive(Default)]
struct Aliases {
    /// The tables of each enclosing SELECT, by the name that they can be called by, with their own name.
    scopes: Vec<BTreeMap<String, Option<String>>>,
}

impl VisitorMut for Aliases {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut scope = BTreeMap::new();
        let mut waiting: Vec<&TableFactor> = Vec::new();
        for table in &select.from {
            waiting.push(&table.relation);
            waiting.extend(table.joins.iter().map(|join| &join.relation));
        }
        while let Some(factor) = waiting.pop() {
            match factor {
                TableFactor::Table { name, alias, args: None, .. } => {
                    let Some(table) = one_part(name) else { continue };
                    match alias {
                        Some(alias) => scope.insert(folded(&alias.name), Some(table)),
                        None => scope.insert(table, None),
                    };
                }
                TableFactor::NestedJoin { table_with_joins, .. } => {
                    waiting.push(&table_with_joins.relation);
                    waiting.extend(table_with_joins.joins.iter().map(|join| &join.relation));
                }
                TableFactor::Derived { alias: Some(alias), .. }
                | TableFactor::Function { alias: Some(alias), .. }
                | TableFactor::UNNEST { alias: Some(alias), .. }
                | TableFactor::Table { alias: Some(alias), .. } => {
                    scope.insert(folded(&alias.name), None);
                }
                _ => {}
            }
        }
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [table, _] = &mut parts[..]
            && let Some(alias) = self.alias(&folded(table))
        {
            *table = Ident::with_quote('"', alias);
        }
        ControlFlow::Continue(())
    }
}

impl Aliases {
    fn alias(&self, name: &str) -> Option<String> {
        if self.scopes.iter().any(|scope| scope.contains_key(name)) {
            return None;
        }
        let aliases = |scope: &BTreeMap<String, Option<String>>| {
            let own = scope.iter().filter(|(_, table)| table.as_deref() == Some(name));
            own.map(|(alias, _)| alias.clone()).collect::<Vec<_>>()
        };
        let innermost = self.scopes.iter().rev().map(aliases).find(|aliases| !aliases.is_empty())?;
        // A table that is joined with itself has two aliases, and nothing says which one is meant.
        match <[String; 1]>::try_from(innermost) {
            Ok([alias]) => Some(alias),
            Err(_) => None,
        }
    }
}
