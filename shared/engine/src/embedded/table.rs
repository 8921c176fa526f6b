//! A table as a viewer's statement sees it: the permitted rows and the columns that are not hidden.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result, internal_err, plan_err};
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExecBuilder;

use super::barrier::Barrier;
use super::leakproof::is_leakproof;

/// The rows of a table that a statement may read.
#[derive(Debug, Clone)]
pub enum PermittedRows {
    /// The table has no policy, or one that permits every row.
    All,
    /// The rows for which the predicate is true. It must be leakproof itself.
    Where(Expr),
    /// The policy permits no row.
    None,
}

/// The wrapper around a table, with a barrier whether or not there is a policy: so a statement is planned in
/// one way, and fails or not on the same rows. The inner provider is registered under no name: this is the only way to it.
#[derive(Debug)]
pub struct PolicyTable {
    inner: Arc<dyn TableProvider>,
    rows: PermittedRows,
    /// The columns that the statement sees, as positions in the inner schema.
    visible: Vec<usize>,
    schema: SchemaRef,
}

impl PolicyTable {
    /// Wraps `inner`. Columns for which `is_hidden` holds are no part of the schema.
    pub fn try_new(
        inner: Arc<dyn TableProvider>,
        is_hidden: impl Fn(&str) -> bool,
        rows: PermittedRows,
    ) -> Result<Self> {
        let full = inner.schema();
        if let PermittedRows::Where(predicate) = &rows
            && !is_leakproof(predicate, &full)
        {
            return plan_err!("the row policy does not fit the columns of the table");
        }
        let visible: Vec<usize> =
            (0..full.fields().len()).filter(|i| !is_hidden(full.field(*i).name())).collect();
        let schema = Arc::new(Schema::new(full.project(&visible)?.fields().clone()));
        Ok(Self { inner, rows, visible, schema })
    }
}

#[async_trait]
impl TableProvider for PolicyTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Leakproof filters are evaluated here, together with the policy, and the others above. So which rows the
    /// others see depends neither on hidden rows nor on the groups of rows that a file happens to have.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushdown = |filter: &&Expr| match is_leakproof(filter, &self.schema) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(pushdown).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.iter().map(|i| self.visible[*i]).collect(),
            None => self.visible.clone(),
        };
        let policy = match &self.rows {
            PermittedRows::All => None,
            PermittedRows::Where(policy) => Some(policy.clone()),
            PermittedRows::None => {
                let schema = Arc::new(self.inner.schema().project(&wanted)?);
                return Ok(Arc::new(Barrier::new(Arc::new(EmptyExec::new(schema)))));
            }
        };
        if filters.iter().any(|filter| !is_leakproof(filter, &self.schema)) {
            return internal_err!("a filter that may fail was pushed into a table");
        }
        let below: Vec<Expr> =
            policy.into_iter().chain(filters.iter().cloned()).map(unnormalize_col).collect();
        if below.is_empty() {
            let scan = self.inner.scan(state, Some(&wanted), &[], limit).await?;
            return Ok(Arc::new(Barrier::new(scan)));
        }
        let full = self.inner.schema();
        let mut read = wanted.clone();
        for column in below.iter().flat_map(Expr::column_refs) {
            let index = full.index_of(&column.name)?;
            if !read.contains(&index) {
                read.push(index);
            }
        }
        // No limit: it would count rows that the filter removes.
        let scan = self.inner.scan(state, Some(&read), &below, None).await?;
        let Some(predicate) = conjunction(below) else {
            return plan_err!("a row policy without a condition");
        };
        let columns = DFSchema::try_from(scan.schema().as_ref().clone())?;
        let predicate = state.create_physical_expr(predicate, &columns)?;
        let permitted = FilterExecBuilder::new(predicate, scan)
            .apply_projection(Some((0..wanted.len()).collect()))?
            .build()?;
        Ok(Arc::new(Barrier::new(Arc::new(permitted))))
    }
}
