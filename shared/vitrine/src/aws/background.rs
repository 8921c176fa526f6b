//! Work that a viewer does not wait for: done after the answer, and before the function is frozen.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

/// What is still to be done in this process.
#[derive(Debug, Clone, Default)]
pub struct BackgroundTasks(Arc<Mutex<JoinSet<()>>>);

impl BackgroundTasks {
    /// Begins at once, beside what is going on; nobody's answer waits for it.
    pub fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is done need not be remembered.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Waits until nothing is left. On Lambda this is between the answer and the next event: whatever still
    /// runs after that would be frozen, and perhaps never thawed.
    pub async fn done(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.join_all().await;
    }
}
