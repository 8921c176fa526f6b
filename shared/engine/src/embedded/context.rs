//! The context of one query: no tables, no files, no settings but ours, and the listed functions.

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::Dialect;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use vitrine_rules::query::limits::FunctionLimits;

use super::casts::Casts;
use super::cooperative::CooperativeJoins;
use super::functions::{self, CallLimits};
use crate::query::Limits;

/// The largest consumers that an error for the owner names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// A context that holds no table yet.
pub fn build(limits: &Limits, partitions: usize) -> Result<SessionContext> {
    let pool = TrackConsumersPool::new(GreedyMemoryPool::new(limits.memory), CONSUMERS_NAMED);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()?;
    let functions = functions::registry();
    let state = SessionStateBuilder::new()
        .with_config(config(limits.functions, partitions))
        .with_runtime_env(runtime)
        .with_expr_planners(functions.planners.clone())
        .with_scalar_functions(functions.scalar.clone())
        .with_higher_order_functions(functions.higher_order.clone())
        .with_aggregate_functions(functions.aggregate.clone())
        .with_window_functions(functions.window.clone())
        .with_table_function_list(functions.table.clone())
        .with_analyzer_rule(Arc::new(Casts))
        .with_physical_optimizer_rule(Arc::new(CooperativeJoins))
        .build();
    Ok(SessionContext::new_with_state(state))
}

fn config(functions: FunctionLimits, partitions: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(true)
        .with_target_partitions(partitions.max(1));
    let options = config.options_mut();
    options.sql_parser.dialect = Dialect::DuckDB;
    options.sql_parser.default_null_ordering = "nulls_max".to_owned();
    options.execution.enable_recursive_ctes = false;
    options.execution.time_zone = Some("+00:00".to_owned());
    // Predicates run above the scan only: the policy decides which rows they see.
    options.execution.parquet.pushdown_filters = false;
    // Figures about the files would shape the plan of a table without a policy, and so the order in which its
    // rows are looked at. Each plan costs one request less without them.
    options.execution.collect_statistics = false;
    options.extensions.insert(CallLimits(functions));
    config
}
