//! The embedded engine: DataFusion, with a context of its own for every query.

pub mod barrier;
pub mod casts;
pub mod context;
pub mod cooperative;
pub mod files;
pub mod footers;
pub mod functions;
pub mod leakproof;
pub mod parquet;
pub mod policy;
pub mod statement;
pub mod table;
pub mod threads;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::config::ConfigNonZeroUsize;
use datafusion::common::resources_err;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::prelude::SQLOptions;
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::footers::Footers;
use self::threads::{Aborted, Threads};
use crate::answer::{ColumnInfo, RowStream, Running, columns};
use crate::engine::{Engine, Prepared, Progress, Ticket};
use crate::error::{EngineError, QueryFailure};
use crate::query::{EngineQuery, Limits};

/// DataFusion in this process. Copies of it share what it keeps between queries.
#[derive(Debug, Clone)]
pub struct EmbeddedEngine {
    partitions: usize,
    aborted: Aborted,
    footers: Footers,
}

impl Default for EmbeddedEngine {
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// A planned query with all it needs to run.
#[derive(Debug)]
pub struct EmbeddedPlan {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    columns: Vec<ColumnInfo>,
    limits: Limits,
    deadline: Instant,
    threads: Threads,
}

impl Prepared for EmbeddedPlan {
    fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    fn plan_text(&self) -> String {
        displayable(self.plan.as_ref()).indent(false).to_string()
    }
}

impl Engine for EmbeddedEngine {
    type Prepared = EmbeddedPlan;

    async fn prepare(&self, query: &EngineQuery) -> Result<EmbeddedPlan, EngineError> {
        let deadline = Instant::now() + query.limits.time;
        let threads = Threads::start(&self.aborted, self.partitions, deadline).await?;
        let planning = self.begin_planning(query, &threads);
        let planned = timeout_at(deadline, planning).await;
        let planned =
            planned.map_err(|_| EngineError::new(QueryFailure::Timeout, "Planning ran out of time."))?;
        let (plan, context) = planned.map_err(EngineError::of_task)??;
        let columns = columns(&plan.schema());
        Ok(EmbeddedPlan { plan, context, columns, limits: query.limits, deadline, threads })
    }

    async fn start(&self, prepared: EmbeddedPlan) -> Result<Progress, EngineError> {
        let EmbeddedPlan { plan, context, columns, limits, deadline, threads } = prepared;
        // One batch waits for the caller while the next one is made.
        let (send, batches) = mpsc::channel(1);
        let driver = threads.spawn(drive(plan, context, send));
        let running = Running { batches, driver, _threads: threads };
        Ok(Progress::Ready(RowStream::new(running, columns, (limits.rows, limits.bytes), deadline)))
    }

    async fn poll(&self, _: &Ticket) -> Result<Progress, EngineError> {
        Err(EngineError::new(QueryFailure::Unavailable, "The embedded engine gives out no tickets."))
    }

    async fn cancel(&self, _: &Ticket) -> Result<(), EngineError> {
        Ok(())
    }
}

impl EmbeddedEngine {
    /// An engine of which each query may use so many threads: the virtual processors of the function.
    pub fn new(partitions: usize) -> Self {
        Self { partitions, aborted: Aborted::default(), footers: Footers::default() }
    }

    /// The number of queries that were aborted and have not given way yet.
    pub fn aborted_and_running(&self) -> usize {
        self.aborted.count()
    }

    /// Not asynchronous, so that the planner is compiled with this crate. A program that is optimised for speed would contain
    /// all of it once more.
    fn begin_planning(&self, query: &EngineQuery, threads: &Threads) -> JoinHandle<Planned> {
        threads.spawn(plan(self.clone(), query.clone(), Handle::current()))
    }

    /// Runs the query to its rows.
    pub async fn run(&self, query: &EngineQuery) -> Result<RowStream, EngineError> {
        let prepared = self.prepare(query).await?;
        match self.start(prepared).await? {
            Progress::Ready(rows) => Ok(rows),
            Progress::Running { .. } => {
                Err(EngineError::new(QueryFailure::Unavailable, "The embedded engine answers at once."))
            }
        }
    }
}

type Planned = Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>), EngineError>;

/// Plans the query. The files are read on `io`, whose connections outlive the query.
async fn plan(engine: EmbeddedEngine, query: EngineQuery, io: Handle) -> Planned {
    let statement = statement::parse(&query)?;
    let partitions = if query.is_export { 1 } else { engine.partitions };
    let context = context::build(&query.limits, partitions).map_err(while_planning)?;
    for table in &query.tables {
        let provider = files::provider(&context, table, &io, &engine.footers)?;
        context.register_table(bare(&table.name), provider).map_err(while_planning)?;
    }
    let state = context.state();
    let plan = state.statement_to_plan(statement).await.map_err(while_planning)?;
    let only_reads =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_reads.verify_plan(&plan).map_err(while_planning)?;
    bound_lambdas(&plan).map_err(while_planning)?;
    let plan = state.optimize(&plan).map_err(while_planning)?;
    let mut state = state;
    let batch_size = batch_size(&plan).map_err(while_planning)?;
    state.config_mut().options_mut().execution.batch_size = batch_size;
    let plan = state.create_physical_plan(&plan).await.map_err(while_planning)?;
    Ok((plan, state.task_ctx()))
}
/// Sends the batches of a plan until the other half is dropped.
async fn drive(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    send: mpsc::Sender<Result<RecordBatch, EngineError>>,
) {
    let mut batches = match execute_stream(plan, context) {
        Ok(batches) => batches,
        Err(error) => {
            // Nobody waits for the error when this fails.
            let _ = send.send(Err(while_running(error))).await;
            return;
        }
    };
    while let Some(batch) = batches.next().await {
        let is_last = batch.is_err();
        if send.send(batch.map_err(while_running)).await.is_err() || is_last {
            return;
        }
    }
}

/// The rows of a batch: fewer if the plan has a large constant, because each row gets a copy of it.
fn batch_size(plan: &LogicalPlan) -> datafusion::common::Result<ConfigNonZeroUsize> {
    const ROWS: usize = 8_192;
    const BYTES: usize = 64 << 20;
    let mut widest = 0;
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Literal(value, _) = expr {
                    widest = widest.max(value.size());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    ConfigNonZeroUsize::try_new((BYTES / widest.max(1)).clamp(1, ROWS))
}

/// Refuses large constants in the body of a lambda: each element of a list would get a copy, and the optimizer
/// makes them all when the list is constant as well.
fn bound_lambdas(plan: &LogicalPlan) -> datafusion::common::Result<()> {
    const BYTES: usize = 512;
    let is_large = |expr: &Expr| match expr {
        Expr::Literal(value, _) => value.size() > BYTES,
        Expr::ScalarFunction(call) if functions::grows(call.name()) => {
            let depends = |expr: &Expr| Ok(matches!(expr, Expr::LambdaVariable(_) | Expr::Column(_)));
            !call.args.iter().any(|arg| arg.exists(depends).unwrap_or(false))
        }
        _ => false,
    };
    let walked = plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            expr.apply(|expr| match expr {
                Expr::Lambda(lambda) if lambda.body.exists(|body| Ok(is_large(body)))? => {
                    resources_err!("A lambda over a constant of more than {BYTES} bytes is not supported.")
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })
        })
    });
    walked.map(drop)
}

/// A name as it stands: not parsed, so that a dot or a capital letter is part of it.
fn bare(name: &str) -> datafusion::common::TableReference {
    datafusion::common::TableReference::bare(name)
}

/// Errors of planning are the author's, unless the data could not be read or a constant expression failed.
fn while_planning(error: DataFusionError) -> EngineError {
    let failure = match error.find_root() {
        DataFusionError::NotImplemented(_) => QueryFailure::Unsupported,
        root => root_failure(root).unwrap_or(QueryFailure::Invalid),
    };
    EngineError::new(failure, error.strip_backtrace())
}

fn while_running(error: DataFusionError) -> EngineError {
    let failure = root_failure(error.find_root()).unwrap_or(QueryFailure::Failed);
    EngineError::new(failure, error.strip_backtrace())
}

fn root_failure(error: &DataFusionError) -> Option<QueryFailure> {
    use datafusion::arrow::error::ArrowError;
    use datafusion::parquet::errors::ParquetError;
    Some(match error {
        DataFusionError::ResourcesExhausted(_) => QueryFailure::TooLarge,
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => QueryFailure::Unavailable,
        DataFusionError::ParquetError(error) => match error.as_ref() {
            // Arrow fails in this way when a column is longer than an array can be.
            ParquetError::NYI(_) => QueryFailure::Failed,
            _ => QueryFailure::Unavailable,
        },
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::IoError(..) | ArrowError::ParquetError(_) => QueryFailure::Unavailable,
            ArrowError::MemoryError(_) | ArrowError::OffsetOverflowError(_) => QueryFailure::TooLarge,
            _ => QueryFailure::Failed,
        },
        DataFusionError::Execution(_) | DataFusionError::ExecutionJoin(_) => QueryFailure::Failed,
        _ => return None,
    })
}
