//! Use cases: one file each, named by a verb. They know no route and no vendor.

pub mod dry_run;
pub mod frame_policy;
pub mod open_view;
pub mod request_context;
