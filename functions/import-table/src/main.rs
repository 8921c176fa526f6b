use import_table::State;
use lambda_http::Error;
use vitrine::rules::data::work::Work;

#[tokio::main]
async fn main() -> Result<(), Error> {
    import_table::clear_scratch();
    vitrine::http::lambda::run_events(async |state: &State, work: Work| import_table::take(state, work).await)
        .await
}
