use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    vitrine::http::lambda::run(serve_console::router).await
}
