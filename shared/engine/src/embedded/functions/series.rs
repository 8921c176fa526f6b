//! `generate_series` and `range` as tables, with a cap on their rows.

use std::sync::Arc;

use datafusion::catalog::{TableFunction, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, resources_err};
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::Expr;

use super::call_limits::CallLimits;

pub fn table_functions() -> Vec<Arc<TableFunction>> {
    SessionStateDefaults::default_table_functions()
        .into_iter()
        .filter(|function| ["generate_series", "range"].contains(&function.name()))
        .map(|inner| Arc::new(TableFunction::new(inner.name().to_owned(), Arc::new(CappedSeries(inner)))))
        .collect()
}

#[derive(Debug)]
struct CappedSeries(Arc<TableFunction>);

impl TableFunctionImpl for CappedSeries {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        // Larger ones run without a bound of memory and of time.
        let most = CallLimits::of(args.session().config_options()).series_rows;
        if rows(args.exprs()) > most {
            return resources_err!("A series of more than {most} rows is not supported.");
        }
        self.0.function().call_with_args(args)
    }
}

fn rows(exprs: &[Expr]) -> u64 {
    let numbers: Vec<i128> = exprs.iter().map_while(position).collect();
    let (from, to, step) = match numbers[..] {
        [to] => (0, to, 1),
        [from, to] => (from, to, exprs.get(2).map_or(1, interval_micros)),
        [from, to, step] => (from, to, step.unsigned_abs()),
        _ => return 0,
    };
    u64::try_from((to - from).unsigned_abs() / step.max(1)).unwrap_or(u64::MAX)
}

/// The place of a constant on the axis of the series: the number, or microseconds.
fn position(expr: &Expr) -> Option<i128> {
    let Expr::Literal(value, _) = expr else { return None };
    Some(match value {
        ScalarValue::Int64(value) => i128::from((*value)?),
        ScalarValue::Date32(days) => i128::from((*days)?) * 86_400_000_000,
        ScalarValue::TimestampSecond(value, _) => i128::from((*value)?) * 1_000_000,
        ScalarValue::TimestampMillisecond(value, _) => i128::from((*value)?) * 1_000,
        ScalarValue::TimestampMicrosecond(value, _) => i128::from((*value)?),
        ScalarValue::TimestampNanosecond(value, _) => i128::from((*value)?) / 1_000,
        _ => return None,
    })
}

fn interval_micros(expr: &Expr) -> u128 {
    match expr {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), _) => {
            let days = i128::from(value.months) * 28 + i128::from(value.days);
            (days * 86_400_000_000 + i128::from(value.nanoseconds) / 1_000).unsigned_abs()
        }
        _ => 1,
    }
}
