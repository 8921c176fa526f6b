//! The functions that statements may call: an allow-list, and the pack that makes the two dialects work.

mod allowed;
mod call_limits;
mod capped;
mod date_trunc;
mod dates;
mod frequency;
mod json;
pub mod macros;
mod numbers;
mod pack;
mod planner;
mod postgres;
mod series;
mod strftime;
mod sums;
mod template;
mod texts;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use datafusion::catalog::TableFunction;
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};
use vitrine_query::Surface;

pub use self::call_limits::CallLimits;
pub use self::numbers::nearest_even;
pub use self::zones::parse as parse_zone;
use crate::error::{EngineError, QueryFailure};

/// All functions of a context.
pub struct Registry {
    pub scalar: Vec<Arc<ScalarUDF>>,
    pub higher_order: Vec<Arc<HigherOrderUDF>>,
    pub aggregate: Vec<Arc<AggregateUDF>>,
    pub window: Vec<Arc<WindowUDF>>,
    pub table: Vec<Arc<TableFunction>>,
    pub planners: Vec<Arc<dyn ExprPlanner>>,
    native: BTreeSet<String>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let allowed = |name: &str| allowed::NAMES.contains(&name);
    let mut scalar: BTreeMap<String, Arc<ScalarUDF>> = SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .filter(|function| allowed(function.name()))
        .map(|function| (function.name().to_owned(), function))
        .collect();
    for function in pack::scalar() {
        scalar.insert(function.name().to_owned(), Arc::new(function));
    }
    scalar.insert("date_trunc".to_owned(), Arc::new(date_trunc::date_trunc()));
    for (name, growth) in capped::GROWING {
        if let Some(function) = scalar.get_mut(*name) {
            *function = Arc::new(capped::cap(function.clone(), *growth));
        }
    }
    let mut higher_order = SessionStateDefaults::default_higher_order_functions();
    higher_order.retain(|function| allowed(function.name()));
    let mut aggregate = SessionStateDefaults::default_aggregate_functions();
    aggregate.retain(|function| allowed(function.name()) && function.name() != "sum");
    aggregate.push(Arc::new(sums::sum()));
    aggregate.extend(frequency::functions().map(Arc::new));
    let mut window = SessionStateDefaults::default_window_functions();
    window.retain(|function| allowed(function.name()));
    let scalar: Vec<_> = scalar.into_values().collect();
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(planner::Operators)];
    planners.extend(SessionStateDefaults::default_expr_planners());
    let table = series::table_functions();

    let mut native: BTreeSet<String> = BTreeSet::new();
    let mut add = |name: &str, aliases: &[String]| {
        native.insert(name.to_owned());
        native.extend(aliases.iter().cloned());
    };
    scalar.iter().for_each(|function| add(function.name(), function.aliases()));
    higher_order.iter().for_each(|function| add(function.name(), function.aliases()));
    aggregate.iter().for_each(|function| add(function.name(), function.aliases()));
    window.iter().for_each(|function| add(function.name(), function.aliases()));
    table.iter().for_each(|function| add(function.name(), &[]));
    native.insert("unnest".to_owned());
    Registry { scalar, higher_order, aggregate, window, table, planners, native }
});

pub fn registry() -> &'static Registry {
    &REGISTRY
}

/// Returns whether the engine has a function of this name, apart from macros.
pub fn is_native(name: &str) -> bool {
    REGISTRY.native.contains(name)
}

static NAMES: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| REGISTRY.native.iter().cloned().chain(macros::names().map(str::to_owned)).collect());

static TABLE_NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let table = REGISTRY.table.iter().map(|function| function.name().to_owned());
    table.chain(std::iter::once("unnest".to_owned())).collect()
});

/// Returns whether the result of a function can be much larger than its arguments together.
pub fn grows(name: &str) -> bool {
    let grows = |growth| growth != capped::Growth::Concat;
    capped::GROWING.iter().any(|(growing, growth)| *growing == name && grows(*growth))
}

/// Every name that a statement may call.
pub fn names() -> &'static BTreeSet<String> {
    &NAMES
}

/// The names that a statement over these tables may use. A join without a condition is confirmed or refused when a query is published.
pub fn surface(tables: &BTreeSet<String>, allow_cross_joins: bool) -> Surface<'_> {
    Surface { tables, functions: names(), table_functions: &TABLE_NAMES, allow_cross_joins }
}

/// Refuses a function that is not on the list, with the nearest one that is.
pub fn check(name: &str) -> Result<(), EngineError> {
    if names().contains(name) {
        return Ok(());
    }
    let nearest = match allowed::NEAREST.iter().find(|(asked, _)| *asked == name) {
        Some((_, nearest)) => Some((*nearest).to_owned()),
        None => names()
            .iter()
            .map(|known| (levenshtein(known, name), known))
            .filter(|(distance, known)| *distance <= 1 + known.len().min(name.len()) / 4)
            .min()
            .map(|(_, known)| known.to_owned()),
    };
    let hint = nearest.map_or_else(String::new, |nearest| format!(" The nearest is {nearest}."));
    Err(EngineError::new(QueryFailure::Unsupported, format!("The function {name} is not supported.{hint}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_is_a_function_of_the_engine() {
        let missing: Vec<_> = allowed::NAMES.iter().filter(|name| !is_native(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn what_tells_of_files_or_the_process_or_cannot_be_bounded_is_not_listed() {
        for name in [
            "input_file_name",
            "file_row_index",
            "version",
            "arrow_typeof",
            "arrow_metadata",
            "read_parquet",
            "read_csv",
            "glob",
            "levenshtein",
            "uuid",
            "arrow_cast",
            "current_setting",
            "pg_sleep",
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_refusal_names_the_function_and_the_nearest() {
        for (name, nearest) in [
            ("uppr", "The nearest is upper."),
            ("try_strptime", "The nearest is strptime."),
            ("dateadd", "The nearest is date_add."),
            ("pivot_wider_than_the_sea", "is not supported."),
        ] {
            let error = check(name).unwrap_err();
            assert_eq!(error.failure(), QueryFailure::Unsupported);
            assert!(
                error.owner_text().contains(name) && error.owner_text().ends_with(nearest),
                "{}",
                error.owner_text()
            );
        }
    }

    #[test]
    fn functions_that_grow_are_capped() {
        for (name, _) in capped::GROWING {
            assert!(is_native(name), "{name}");
        }
    }

    #[test]
    fn each_suggestion_is_a_name_that_works_for_one_that_does_not() {
        for (asked, nearest) in allowed::NEAREST {
            assert!(check(asked).is_err(), "{asked}");
            let first = nearest.split([' ', '(']).next().unwrap();
            assert!(check(first).is_ok() || first == "cast" || first == "extract", "{nearest}");
        }
    }
}
