//! A question behind the runtime API: the first answer of a process, cached answers and new ones.
//!
//! The table has the rows that the engine and DuckDB are measured with. Its file is the imported one for everybody.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::authority::Authority;
use crate::engine::{DUCKDB, Programs, QUERIES, median};
use crate::events::request;
use crate::figures::rounded;
use crate::folders::Folders;
use crate::process::Process;
use crate::product::Product;

const STARTS: usize = 41;
const WARM: usize = 2_000;
const NEW: usize = 60;

/// The question's SQL with this amount.
fn sql(least: &str) -> String {
    QUERIES[1].1.replace("amount > 100", &format!("amount > {least}"))
}

/// Measures with the table in `orders/0.parquet` of the scratch folder.
pub async fn measure(programs: &Programs<'_>) -> Result<Value> {
    let folders = programs.folders;
    let authority = Authority::create(&folders.scratch)?;
    let product = Product::start(&authority, 2).await?;
    product.import("orders", &folders.scratch.join("orders/0.parquet")).await?;
    let (key, file) = product.imported_file().await?;
    let imported = folders.scratch.join("imported");
    std::fs::create_dir_all(imported.join("orders"))?;
    std::fs::write(imported.join("orders/0.parquet"), file)?;
    let question = json!({
        "title": "By city",
        "content": {"type": "question", "query": {"sql": sql("{{least}}"), "tags": {"least": {"type": "number"}}}},
        "parameters": [{"slug": "least", "name": "Least", "type": "number"}],
        "enable_embedding": true,
        "embedding_params": {"least": "enabled"},
    });
    product.put("/v1/resources/question/1", &question).await?;
    let token = product.sign(&json!({"resource": {"question": 1}, "params": {}}))?;
    let asked = |least: f64| {
        let body = json!({"parameters": {"least": least}});
        request("POST", "/v1/query", "", Some(&token), Some(&body))
    };
    let viewed = request("GET", "/v1/view", "", Some(&token), None);

    let program = Command::new(folders.function("run-query"));
    let ours = Started { program, product: &product, folders, orders: &key };
    let view = Started { program: Command::new(folders.function("verify-token")), ..ours.copy() };
    let mut python = Command::new(programs.python);
    python.args([DUCKDB, "serve"]).arg(&imported).arg(&programs.threads);
    let python = Started { program: python, ..ours.copy() };

    let (mut first, mut first_of_python) = (vec![], vec![]);
    for start in 0..STARTS {
        // Another value for each, because answers are kept for all processes.
        first.push(ours.first(&asked(1.0 + start as f64)).await?);
        first_of_python.push(python.first(&asked(1.0)).await?);
    }

    let mut process = ours.start().await?;
    let mut views = view.start().await?;
    invoke(&mut process, &asked(100.0)).await?;
    invoke(&mut views, &viewed).await?;
    let (mut cached, mut seen) = (vec![], vec![]);
    for _ in 0..WARM {
        cached.push(invoke(&mut process, &asked(100.0)).await?);
        seen.push(invoke(&mut views, &viewed).await?);
    }
    let (mut new, mut engine) = (vec![], vec![]);
    let mut alone = programs.engine_over(&imported)?;
    for number in 0..NEW {
        let least = 100.0 + number as f64 / 1_000.0 + 0.0005;
        new.push(invoke(&mut process, &asked(least)).await?);
        engine.extend(alone.times(&sql(&least.to_string()), None)?);
    }
    process.end()?;
    views.end()?;
    product.services.stop();
    let ms = |samples: Vec<f64>| rounded(median(samples), 3);
    Ok(json!({
        "start": {"ours_ms": ms(first), "duckdb_ms": ms(first_of_python)},
        "cached_ms": ms(cached), "view_ms": ms(seen),
        "new_ms": ms(new), "engine_ms": ms(engine),
    }))
}

struct Started<'a> {
    program: Command,
    product: &'a Product,
    folders: &'a Folders,
    /// The key of the table's file.
    orders: &'a str,
}

impl<'a> Started<'a> {
    fn copy(&self) -> Started<'a> {
        Started { program: again(&self.program), ..*self }
    }

    async fn start(&self) -> Result<Process> {
        let mut environment = self.product.environment();
        environment.push(("ResourceCacheSeconds", "3600".to_owned()));
        environment.push(("ORDERS_KEY", self.orders.to_owned()));
        // Its own answers, and nobody else's.
        environment.push(("TMPDIR", path(&self.folders.scratch)));
        Process::start(again(&self.program), &environment, &self.folders.scratch).await
    }

    /// From just before the start of a process until its first answer, in milliseconds.
    async fn first(&self, event: &Value) -> Result<f64> {
        let mut process = self.start().await?;
        let ready = process.ready;
        Ok(milliseconds(ready) + invoke(&mut process, event).await?)
    }
}

fn again(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    copy
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// The milliseconds until the answer, which must be a success.
async fn invoke(process: &mut Process, event: &Value) -> Result<f64> {
    let invocation = process.api.invoke(event).await?;
    match invocation.body["statusCode"].as_u64() {
        Some(200) => Ok(milliseconds(invocation.answer)),
        _ => Err(format!("unexpected answer: {}", invocation.body).into()),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
