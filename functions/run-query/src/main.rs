use lambda_http::Error;

// The engine has threads of its own. These requests are the function's own work and the reading of files.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    vitrine::http::lambda::run(run_query::router).await
}
