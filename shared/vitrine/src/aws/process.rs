//! State that everything in one process shares: background tasks, and whether the signing keys have changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::aws::background::BackgroundTasks;

#[derive(Debug, Clone, Default)]
pub struct Process {
    pub background: BackgroundTasks,
    pub signing_keys: KeyRevision,
}

/// Counts the changes of the signing keys that were made in this process. A key set that was read before the
/// latest of them is not used again here; other processes notice a change when their copy expires.
#[derive(Debug, Clone, Default)]
pub struct KeyRevision(Arc<AtomicU64>);

impl KeyRevision {
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub fn changed(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
