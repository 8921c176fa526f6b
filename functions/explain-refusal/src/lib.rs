//! Explains why a view was refused, from the record of the refusal, and counts the refusals without a record. It can read the table and change nothing.

mod decisions;

use axum::Router;
use vitrine::aws::storage::RefusalRecordReader;
use vitrine::http::{Callers, Routes};

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        refusal_records: RefusalRecordReader,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .get("/v1/decisions/{request_id}", decisions::get)
        .get("/v1/decisions/unauthenticated", decisions::unauthenticated)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(decisions::get, decisions::unauthenticated))]
pub struct ApiDoc;
