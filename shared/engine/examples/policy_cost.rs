//! The time of a query under a row policy against the same filter written by hand.
//!
//! `policy_cost FOLDER [ROUNDS]`, with a table that `export write` has written. Each line is a query with the
//! median of the ratios; the two are run in turn, so that a busy machine slows both.

#![allow(clippy::print_stdout, reason = "the output is for a person or a program")]

mod support;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::query::EngineQuery;
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::typed_value::TypedValue;
use vitrine_rules::row_policy::{RowAccess, RowCondition, RowConditions, RowFilter, RowTest};

/// Queries with `{where}` and `{and}` where the filter by hand stands.
const QUERIES: [&str; 4] = [
    "select count(*), sum(amount) from orders {where}",
    "select customer, sum(amount) from orders {where} group by 1 order by 2 desc limit 20",
    "select date_trunc('month', created_at), count(*) from orders {where} group by 1 order by 1",
    "select * from orders where quantity = 3 {and} order by amount desc limit 100",
];

fn policy() -> RowAccess {
    let condition = RowCondition {
        column: "city".to_owned(),
        kind: ColumnType::Text,
        test: RowTest::Equals(TypedValue::Text("Berlin".to_owned())),
    };
    RowAccess::Some(RowFilter { any: vec![RowConditions { all: vec![condition] }] })
}

async fn seconds(engine: &EmbeddedEngine, query: &EngineQuery) -> Result<(f64, usize), Box<dyn Error>> {
    let start = Instant::now();
    let mut rows = engine.run(query).await?;
    let mut count = 0;
    while let Some(batch) = rows.next().await? {
        count += batch.num_rows();
    }
    Ok((start.elapsed().as_secs_f64(), count))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("the folder is missing")?);
    let rounds: usize = arguments.next().map_or(Ok(21), |rounds| rounds.parse())?;
    let (open, restricted) =
        (support::table(&folder, RowAccess::All).await?, support::table(&folder, policy()).await?);
    let engine = EmbeddedEngine::new(2);
    for sql in QUERIES {
        let by_hand = sql.replace("{where}", "where city = 'Berlin'").replace("{and}", "and city = 'Berlin'");
        let by_policy = sql.replace("{where}", "").replace("{and}", "");
        let by_hand = support::query(&by_hand, open.clone());
        let by_policy = support::query(&by_policy, restricted.clone());
        let mut times = vec![];
        for _ in 0..=rounds {
            let ((hand, expected), (policy, found)) =
                (seconds(&engine, &by_hand).await?, seconds(&engine, &by_policy).await?);
            if expected != found {
                return Err("the answers differ".into());
            }
            times.push((policy / hand, hand, policy));
        }
        // The first round reads the footers.
        times.remove(0);
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ratio, hand, policy) = times[times.len() / 2];
        println!(
            "{}",
            json!({"query": sql, "ratio": ratio, "by_hand_seconds": hand, "policy_seconds": policy})
        );
    }
    Ok(())
}
