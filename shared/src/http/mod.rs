//! What all routers have in common on the wire.

pub mod answer;
pub mod base_url;
pub mod body;
pub mod caller;
pub mod lambda;
pub mod log;
pub mod page;
pub mod problem;
pub mod provision;
pub mod query;
pub mod routes;

pub use body::{ContentJson, Json};
pub use caller::{Allowed, Callers};
pub use problem::Problem;
pub use query::Query;
pub use routes::Routes;
