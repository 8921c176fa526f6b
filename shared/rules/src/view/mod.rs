//! Views: the decision to show a resource, its parameters, and the records of what was refused or ignored.

pub mod activity;
pub mod card_text;
pub mod decide;
pub mod refusal_count;
pub mod refusal_record;
pub mod resolve_parameters;
pub mod viewed_content;
pub mod viewed_dashboard;
pub mod wishes;

pub use decide::{Evidence, View, ViewRequest};
