//! Background tasks: work that continues after the response and ends before Lambda freezes the function.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

/// The background tasks of this process.
#[derive(Debug, Clone, Default)]
pub struct BackgroundTasks(Arc<Mutex<JoinSet<()>>>);

impl BackgroundTasks {
    /// Starts a task at once. No response waits for it.
    pub fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Finished tasks need no memory.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Waits for every task, and for those that they start. On Lambda this is between the response and the next event:
    /// a task that is still running after that would be frozen, and perhaps never continued.
    pub async fn finish(&self) {
        loop {
            let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
            if tasks.is_empty() {
                return;
            }
            tasks.join_all().await;
        }
    }
}
