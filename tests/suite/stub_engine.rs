//! A query engine that reports what the text of a query says, for the tests of publishing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vitrine::rules::data::finding::Finding;
use vitrine::rules::data::work::{OutputColumn, QueryReport, QueryToCheck, TableUse, Work, WorkDone};
use vitrine::rules::error::{Error, Reason};
use vitrine::rules::query::column_type::ColumnType;
use vitrine_local::services::IMPORT_FUNCTION;
use vitrine_tests::Product;

/// Has queries checked by the stub, and counts the checks.
pub fn install(product: &Product) -> Arc<AtomicUsize> {
    let checks = Arc::new(AtomicUsize::new(0));
    let counter = checks.clone();
    product.services.invocable.add(IMPORT_FUNCTION, move |work: Work| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            match work {
                Work::Check { queries } => {
                    Ok(WorkDone::Check { reports: queries.into_iter().map(report).collect() })
                }
                _ => Err(Error::internal("only checks")),
            }
        }
    });
    checks
}

/// Has every check fail, as while the function does not start.
pub fn fail(product: &Product) {
    let refuse = async |_: Work| Err::<WorkDone, _>(Error::from(Reason::Internal));
    product.services.invocable.add(IMPORT_FUNCTION, refuse);
}

/// Each word after `from` is a table, with a row policy if its name begins with `guarded`. `nowhere` does not exist, and
/// `!` does not parse. The answer has the columns `city` and `count`.
fn report(QueryToCheck { path, query }: QueryToCheck) -> QueryReport {
    let words: Vec<&str> = query.sql.split_whitespace().collect();
    let names = words.windows(2).filter(|pair| pair[0] == "from").map(|pair| pair[1]);
    let table = |name: &str| TableUse { name: name.to_owned(), has_row_policy: name.starts_with("guarded") };
    let column = |name: &str| OutputColumn { name: name.to_owned(), kind: ColumnType::Text };
    let finding = |message: &str| Finding { path: format!("{path}.sql"), message: message.to_owned() };
    let unparsable = query.sql.contains('!');
    let mut issues = Vec::new();
    if unparsable {
        issues.push(finding("does not parse"));
    }
    if words.contains(&"nowhere") {
        issues.push(finding("names a table that does not exist: `nowhere`"));
    }
    let warnings = if words.contains(&"slowly") { vec![finding("reads everything")] } else { Vec::new() };
    QueryReport {
        issues,
        unparsable,
        warnings,
        tables: names.map(table).collect(),
        columns: vec![column("city"), column("count")],
        path,
    }
}
