//! The query engine and the files that it reads, as capabilities of this function.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use object_store::ObjectStore;
use serde_json::Value;
use vitrine::aws::blobs::TableFileReader;
use vitrine::aws::capability::{Capability, Grant};
use vitrine::aws::environment::Environment;
use vitrine::rules::clock::Clock;
use vitrine::rules::data::table::Table;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::query::date_bounds::ReportClock;
use vitrine::rules::query::table::MANAGED;
use vitrine::rules::row_policy::RowAccess;
use vitrine::rules::session::SessionContext;
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::error::{EngineError, QueryFailure};
use vitrine_engine::store::counted::{BytesRead, CountedStore};
use vitrine_engine::store::kept::{KeptPieces, KeptStore};
use vitrine_engine::store::s3::S3Store;
use vitrine_engine::store::stored_table;
use vitrine_engine::table::EngineTable;

use crate::listings::{FileListing, Listings};

/// The result of the engine.
pub type Engined<T> = std::result::Result<T, EngineError>;

/// The setting of a session that names its time zone.
const TIME_ZONE: &str = "timezone";

/// The engine as part of cache keys: another version may answer otherwise.
pub const ENGINE: &str = concat!("embedded ", env!("CARGO_PKG_VERSION"));

/// The engine within the limits of SQL that viewers send.
pub const ENGINE_FOR_VIEWERS: &str = concat!("embedded ", env!("CARGO_PKG_VERSION"), " for viewers");

#[derive(Clone)]
pub struct QueryEngine {
    pub engine: EmbeddedEngine,
    /// The stack's own bucket.
    store: Arc<dyn ObjectStore>,
    /// Bytes that were read of files, of this bucket and of others.
    kept: KeptPieces,
    pub listings: Listings,
    clock: Clock,
    /// The time zone of the stack.
    time_zone: String,
}

impl Capability for QueryEngine {
    fn grants() -> BTreeSet<Grant> {
        TableFileReader::grants().into_iter().chain(Listings::grants()).collect()
    }

    fn connect(environment: &Environment) -> Self {
        let (client, bucket) = TableFileReader::connect(environment).client();
        Self {
            engine: EmbeddedEngine::default(),
            store: Arc::new(S3Store::new(client, bucket)),
            kept: KeptPieces::new(environment.settings.queries.kept_file_bytes()),
            listings: Listings::connect(environment),
            clock: environment.clock.clone(),
            time_zone: environment.settings.queries.time_zone.clone(),
        }
    }

    async fn warm(&self) {
        // The list of functions takes longest.
        let _ = vitrine_engine::embedded::functions::names();
        if ReportClock::zone(&self.time_zone).is_none() {
            tracing::error!("the setting TimeZone names no time zone");
        }
    }
}

impl QueryEngine {
    /// The clock and the calendar of reports, in the time zone that the viewer's session asks for, or in that of the stack.
    pub fn reports(&self, session: Option<&SessionContext>) -> Result<Reports> {
        let of_session = session.and_then(|session| session.settings.get(TIME_ZONE)).and_then(Value::as_str);
        let name = of_session.unwrap_or(&self.time_zone);
        self.reports_in(name).ok_or_else(|| match of_session {
            Some(_) => Error::invalid("settings.timezone", "is the name of no time zone"),
            None => Error::internal("the setting TimeZone"),
        })
    }

    /// The clock and the calendar of reports in a time zone; `None` if nobody knows it.
    pub fn reports_in(&self, time_zone: &str) -> Option<Reports> {
        let zone = ReportClock::zone(time_zone)?;
        Some(Reports {
            time_zone: time_zone.to_owned(),
            // By the engine's own clock.
            today: jiff::Timestamp::now().to_zoned(zone.clone()).date(),
            clock: ReportClock::new(self.clock.now(), zone, ReportClock::WEEK_START),
        })
    }

    /// The files of a table as they are now.
    pub async fn open(&self, table: &Table) -> Result<Opened> {
        let is_ours = table.source == MANAGED && table.location.is_none();
        let listing = if is_ours { None } else { Some(self.listings.of(table).await?) };
        // No table has the revision of another state or of a removed table. Files that others write change without one.
        let files = listing.as_ref().map(|listing| listing.digest.as_str()).unwrap_or_default();
        let version = format!("{} {} {files}", table.id, table.revision);
        Ok(Opened { version, listing })
    }

    /// A table for one viewer. What a query for a page reads is kept; an export would displace it.
    pub fn table(
        &self,
        table: &Table,
        opened: &Opened,
        rows: RowAccess,
        read: &BytesRead,
        is_file: bool,
    ) -> Engined<EngineTable> {
        let counted = |store: &Arc<dyn ObjectStore>| {
            let kept = || Arc::new(KeptStore::new(store.clone(), self.kept.clone()));
            let store = if is_file { store.clone() } else { kept() };
            // Bytes that are kept count as well: one query costs each tenant the same.
            Arc::new(CountedStore::new(store, read.clone()))
        };
        match &opened.listing {
            None => stored_table::at_version(table, rows, counted(&self.store)),
            Some(listing) => Ok(stored_table::of_files(table, rows, listing.files(counted(&listing.store)))),
        }
    }
}

/// The calendar of one query.
pub struct Reports {
    pub time_zone: String,
    pub clock: ReportClock,
    pub today: Date,
}

/// The files of a table at one moment.
pub struct Opened {
    /// The version of the table in cache keys: it changes with the rows and with the definition.
    pub version: String,
    /// For files that others write.
    listing: Option<Arc<FileListing>>,
}

/// The refusal of a viewer for a failure of the engine: one of a closed set, without the engine's text.
pub fn for_viewer(error: &EngineError) -> Error {
    let failure = error.failure();
    let reason = match failure {
        QueryFailure::Invalid | QueryFailure::Unsupported | QueryFailure::Failed => Reason::QueryFailed,
        QueryFailure::Timeout => Reason::QueryTimeout,
        QueryFailure::TooLarge => Reason::QueryTooLarge,
        QueryFailure::Unavailable => Reason::EngineUnavailable,
    };
    let refusal = Error::new(reason).detail(failure.word());
    if reason == Reason::EngineUnavailable { refusal.retry_after(1) } else { refusal }
}

/// The refusal of the owner, with the engine's text.
pub fn for_owner(error: &EngineError) -> Error {
    let refusal = for_viewer(error);
    let reason = match error.failure() {
        QueryFailure::Invalid | QueryFailure::Unsupported => Reason::QueryInvalid,
        _ => refusal.reason,
    };
    Error { reason, ..refusal }.message(error.owner_text().to_owned())
}
