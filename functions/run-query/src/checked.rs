//! Checks of SQL, kept: a dashboard asks the same texts again, with other values and for other viewers.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitrine::aws::capability::{Capability, Grant};
use vitrine::aws::environment::Environment;
use vitrine::aws::timed_cache::TimedCache;
use vitrine::rules::clock::Clock;
use vitrine::rules::query::prepare::PreparedSql;
use vitrine_query::Volatility;

use crate::plan::Author;

/// The result of a check. Nothing of it depends on a viewer or on values.
#[derive(Debug)]
pub struct CheckedSql {
    /// Every name that stands where a table can stand.
    pub named: BTreeSet<String>,
    /// Those of them that were tables when the text was checked.
    pub known: BTreeSet<String>,
    /// The number of arguments that were bound.
    pub arguments: usize,
    /// The tables that it reads.
    pub tables: BTreeSet<String>,
    pub volatility: Volatility,
}

impl CheckedSql {
    /// Returns whether a check of this query now would have the same result.
    pub fn is_about(&self, prepared: &PreparedSql, known: &BTreeSet<String>) -> bool {
        self.arguments == prepared.arguments.len() && self.known == *known
    }
}

/// The texts that were checked last, and kept to the allow-list.
#[derive(Clone)]
pub struct CheckedQueries {
    checked: Arc<TimedCache<(bool, String), Arc<CheckedSql>>>,
    clock: Clock,
}

impl Capability for CheckedQueries {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::new()
    }

    fn connect(environment: &Environment) -> Self {
        Self { checked: Arc::new(TimedCache::ageless()), clock: environment.clock.clone() }
    }
}

impl CheckedQueries {
    pub fn get(&self, author: Author, sql: &str) -> Option<Arc<CheckedSql>> {
        self.checked.get(&(author == Author::Viewer, sql.to_owned()), self.clock.now())
    }

    pub fn keep(&self, author: Author, sql: &str, checked: &Arc<CheckedSql>) {
        /// The weight of the names, roughly.
        const NAMES: usize = 1_024;
        let key = (author == Author::Viewer, sql.to_owned());
        self.checked.put(key, Arc::clone(checked), sql.len() + NAMES, self.clock.now());
    }
}
