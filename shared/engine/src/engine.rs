//! The one trait of all engines.

use std::future::Future;
use std::time::Duration;

use crate::answer::{ColumnInfo, RowStream};
use crate::error::EngineError;
use crate::query::EngineQuery;

/// An engine that answers queries, at once or later.
///
/// The embedded engine answers `start` with rows. An engine elsewhere answers with a ticket, which outlives the
/// process that started it; `poll` asks again. Dropping the rows cancels an embedded query, and `cancel` stops
/// the query behind a ticket.
pub trait Engine: Send + Sync + 'static {
    type Prepared: Prepared;

    /// Parses, resolves and plans the query. Reads no rows.
    fn prepare(
        &self,
        query: &EngineQuery,
    ) -> impl Future<Output = Result<Self::Prepared, EngineError>> + Send;

    /// Starts the query.
    fn start(&self, prepared: Self::Prepared) -> impl Future<Output = Result<Progress, EngineError>> + Send;

    /// Asks for the state of a query that was started before.
    fn poll(&self, ticket: &Ticket) -> impl Future<Output = Result<Progress, EngineError>> + Send;

    /// Stops a query. One that has ended already is no error.
    fn cancel(&self, ticket: &Ticket) -> impl Future<Output = Result<(), EngineError>> + Send;
}

/// A query that is planned and typed.
pub trait Prepared: Send {
    /// The columns of the answer.
    fn columns(&self) -> &[ColumnInfo];

    /// The plan as text, for the owner alone: it contains the values of row policies.
    fn plan_text(&self) -> String;
}

/// The state of a query.
#[derive(Debug)]
pub enum Progress {
    Ready(RowStream),
    Running { ticket: Ticket, retry_after: Duration },
}

/// The name of a running query at its engine. It is bound to nobody: the caller binds it to the credential of
/// the viewer who started it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket(pub String);
