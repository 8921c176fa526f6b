//! Cube: users and groups, and lists as its clients page through them.

pub mod paging;
pub mod users;
