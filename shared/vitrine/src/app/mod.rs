//! Use cases: one file each, named by a verb. They own the retries, and know no route and no vendor.

pub mod change_account;
pub mod change_group_members;
pub mod check_queries;
pub mod create_access_key;
pub mod create_account;
pub mod create_group;
pub mod create_session;
pub mod dry_run;
pub mod frame_policy;
pub mod identify_caller;
pub mod open_view;
pub mod publish_resource;
pub mod redeem_session;
pub mod remove_account;
pub mod remove_tenant;
pub mod remove_user;
pub mod request_context;
pub mod retire_signing_key;
pub mod retry;
pub mod sign_in;
pub mod switch_embedding;
pub mod upsert_user;
