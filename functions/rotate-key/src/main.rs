use lambda_http::Error;
use rotate_key::{State, Step};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    vitrine::http::lambda::run_events(async |state: &State, event: Step| rotate_key::take(state, event).await)
        .await
}
