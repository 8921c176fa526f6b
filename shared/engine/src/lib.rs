//! Query engines behind one trait.
//!
//! - [`engine`]: the trait; [`embedded`]: DataFusion, within this process
//! - [`query`], [`table`]: the statement, the budgets and the tables of one execution
//! - [`answer`], [`encode`]: rows as a stream, as JSON and as CSV
//! - [`import`]: uploaded files on their way into a table
//! - [`store`]: the files of tables, in S3 or in a folder
//! - [`error`]: failures, with one text for viewers and one for the owner
//!
//! Only the functions that run queries link this crate: it is larger than all the others together.

pub mod answer;
pub mod embedded;
pub mod encode;
pub mod engine;
pub mod error;
pub mod import;
pub mod query;
pub mod store;
pub mod table;

pub use datafusion::arrow::array::RecordBatch;
