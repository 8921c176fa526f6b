//! Views: the decision to show a resource, its parameters, and the record of a refusal.

pub mod decide;
pub mod refusal_record;
pub mod resolve_parameters;

pub use decide::{Evidence, View, ViewRequest};
