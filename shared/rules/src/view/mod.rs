//! Views: the decision to show a resource, its parameters, and the records and counts of refusals.

pub mod decide;
pub mod refusal_count;
pub mod refusal_record;
pub mod resolve_parameters;

pub use decide::{Evidence, View, ViewRequest};
