//! The parts of HTTP that all routers share.

pub mod base_url;
pub mod body;
pub mod caller;
pub mod console_caller;
pub mod console_cookies;
pub mod introspected_token;
pub mod lambda;
pub mod list;
pub mod log;
pub mod middleware;
pub mod not_found;
pub mod prefer;
pub mod problem;
pub mod query;
pub mod requirement;
pub mod routes;

pub use body::{ContentJson, Json, TolerantJson};
pub use caller::{Allowed, Callers};
pub use console_caller::AllowedOrSigned;
pub use list::List;
pub use problem::{HttpError, HttpResult, Problem};
pub use query::Query;
pub use routes::Routes;
