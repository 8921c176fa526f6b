//! Failures of a query: a closed set for viewers, and the engine's own text for the owner alone.

use std::any::Any;
use std::fmt;

use tokio::task::JoinError;

/// The kinds of failure. Each is answered to viewers with its own word and a fixed sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryFailure {
    /// The statement cannot be planned: syntax, unknown names, types that do not fit.
    Invalid,
    /// The statement uses a function or a form of SQL that the engine does not have.
    Unsupported,
    /// The statement failed while it ran.
    Failed,
    /// The time budget ran out.
    Timeout,
    /// The statement needs more memory, or makes larger values, than its budget allows.
    TooLarge,
    /// The data cannot be read: missing, replaced during the read, damaged, or the store does not answer.
    Unavailable,
}

impl QueryFailure {
    pub const ALL: [Self; 6] =
        [Self::Invalid, Self::Unsupported, Self::Failed, Self::Timeout, Self::TooLarge, Self::Unavailable];

    /// The stable word for programs and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "query_invalid",
            Self::Unsupported => "query_unsupported",
            Self::Failed => "query_failed",
            Self::Timeout => "query_timeout",
            Self::TooLarge => "query_too_large",
            Self::Unavailable => "engine_unavailable",
        }
    }

    /// The sentence for viewers. It names neither data nor SQL.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Invalid => "The query is not valid.",
            Self::Unsupported => "The query uses SQL that this engine does not support.",
            Self::Failed => "An error occurred while running the query.",
            Self::Timeout => "The query took too long.",
            Self::TooLarge => "The query needs more memory than it may use.",
            Self::Unavailable => "The data cannot be read at the moment.",
        }
    }
}

/// A failed query. `Display` and `Debug` show what a viewer may see, so that a careless log line or reply
/// leaks no value of a hidden row; the engine's text has its own accessor.
#[derive(Clone, PartialEq, Eq)]
pub struct EngineError {
    failure: QueryFailure,
    detail: Box<str>,
}

impl EngineError {
    pub fn new(failure: QueryFailure, detail: impl Into<String>) -> Self {
        Self { failure, detail: detail.into().into_boxed_str() }
    }

    /// A task of a query that panicked, or was aborted with its runtime.
    pub(crate) fn of_task(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Self::of_panic(panic.as_ref()),
            Err(_) => Self::new(QueryFailure::Unavailable, "The query was aborted."),
        }
    }

    /// A panic inside of the engine. It must not end the process, and says no more than any other failure.
    fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        // Arrays that would be longer than an array can be.
        let failure = if text.contains("overflow") { QueryFailure::TooLarge } else { QueryFailure::Failed };
        Self::new(failure, format!("The engine panicked: {text}"))
    }

    pub fn failure(&self) -> QueryFailure {
        self.failure
    }

    /// The engine's own text. It can contain values of rows: for the owner's preview and the answer of a
    /// publish, never for a viewer and never for a log.
    pub fn owner_text(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.failure.sentence())
    }
}

impl fmt::Debug for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineError").field(&self.failure).finish()
    }
}

impl std::error::Error for EngineError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_display_nor_debug_shows_the_engines_text() {
        for failure in QueryFailure::ALL {
            let error = EngineError::new(failure, "Cannot cast string 'CANARY'");
            assert!(!format!("{error} {error:?} {error:#?}").contains("CANARY"));
            assert!(error.owner_text().contains("CANARY"));
        }
    }

    #[test]
    fn words_and_sentences_tell_failures_apart() {
        let words: std::collections::BTreeSet<_> =
            QueryFailure::ALL.iter().map(|failure| failure.word()).collect();
        let sentences: std::collections::BTreeSet<_> =
            QueryFailure::ALL.iter().map(|failure| failure.sentence()).collect();
        assert_eq!((words.len(), sentences.len()), (QueryFailure::ALL.len(), QueryFailure::ALL.len()));
    }
}
