use authorize_request::{Event, State};
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    vitrine::http::lambda::run_events(async |state: &State, event: Event| {
        authorize_request::authorize(state, event).await
    })
    .await
}
