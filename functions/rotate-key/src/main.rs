use lambda_runtime::{Error, LambdaEvent, service_fn};
use rotate_key::{State, Step};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (state, _): (State, _) = vitrine::http::lambda::connect().await?;
    let take = async |event: LambdaEvent<Step>| rotate_key::take(&state, event.payload).await;
    lambda_runtime::run(service_fn(|event| async { take(event).await.map_err(Error::from) })).await
}
