//! The threads of one query, apart from the caller's.
//!
//! An operator may work for minutes without giving way, and no timer of its own runtime would fire meanwhile.
//! Here only the threads of that query are busy: the caller gets `Timeout` when the budget has run out, and the
//! threads end when the operator gives way.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::error::{EngineError, QueryFailure};

/// Aborted queries that may still be running before new ones are refused.
pub const MAX_ABORTED: usize = 4;

/// The time in which an aborted query usually ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// The planner is recursive.
const STACK: usize = 8 << 20;

/// The number of queries that were aborted, or have ended, and whose threads are still there.
#[derive(Debug, Clone)]
pub struct Aborted(Arc<watch::Sender<usize>>);

impl Default for Aborted {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Aborted {
    pub fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits a moment until fewer than the maximum are left.
    async fn room(&self, deadline: Instant) -> Result<(), EngineError> {
        let deadline = deadline.min(Instant::now() + PATIENCE);
        let mut count = self.0.subscribe();
        match timeout_at(deadline, count.wait_for(|count| *count < MAX_ABORTED)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(unavailable("Too many queries that were aborted have not ended yet.")),
        }
    }
}

/// A runtime for one query. Dropping it aborts what runs there at the next point where it gives way.
#[derive(Debug)]
pub struct Threads {
    handle: Handle,
    aborted: Aborted,
    _stop: oneshot::Sender<Infallible>,
}

impl Threads {
    /// Starts `count` threads, unless too many aborted queries still have theirs.
    pub async fn start(aborted: &Aborted, count: usize, deadline: Instant) -> Result<Self, EngineError> {
        aborted.room(deadline).await?;
        let (stop, stopped) = oneshot::channel();
        let (send_handle, handle) = oneshot::channel();
        let left = aborted.clone();
        let keep = move || {
            let runtime = Builder::new_multi_thread()
                .worker_threads(count.max(1))
                .thread_name("query")
                .thread_stack_size(STACK)
                .enable_time()
                .build();
            let is_awaited = match &runtime {
                Ok(runtime) => send_handle.send(runtime.handle().clone()).is_ok(),
                Err(_) => return,
            };
            if is_awaited {
                // Ends when the other half is dropped.
                let _ = stopped.blocking_recv();
                // Waits until each thread has given way.
                drop(runtime);
                left.0.send_modify(|count| *count -= 1);
            }
        };
        let started = thread::Builder::new().name("query-keeper".to_owned()).spawn(keep);
        started.map_err(|_| unavailable("No thread can be started."))?;
        let handle = handle.await.map_err(|_| unavailable("No runtime can be started."))?;
        Ok(Self { handle, aborted: aborted.clone(), _stop: stop })
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(future)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.aborted.0.send_modify(|count| *count += 1);
    }
}

fn unavailable(detail: &str) -> EngineError {
    EngineError::new(QueryFailure::Unavailable, detail)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    /// A query that gives way only when the returned half is dropped.
    async fn stubborn(aborted: &Aborted) -> (Threads, mpsc::Sender<()>) {
        let threads = Threads::start(aborted, 1, soon()).await.unwrap();
        let (release, released) = mpsc::channel::<()>();
        let (send_begun, begun) = oneshot::channel();
        threads.spawn(async move {
            send_begun.send(()).unwrap();
            let _ = released.recv();
        });
        begun.await.unwrap();
        (threads, release)
    }

    async fn wait_for(aborted: &Aborted, wanted: usize) {
        let mut count = aborted.0.subscribe();
        timeout_at(soon(), count.wait_for(|count| *count == wanted)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn new_queries_are_refused_while_too_many_aborted_ones_run() {
        let aborted = Aborted::default();
        let mut held = vec![];
        for _ in 0..MAX_ABORTED {
            let (threads, release) = stubborn(&aborted).await;
            drop(threads);
            held.push(release);
        }
        assert_eq!(aborted.count(), MAX_ABORTED);
        let refused = Threads::start(&aborted, 1, soon()).await.unwrap_err();
        assert_eq!(refused.failure(), QueryFailure::Unavailable);
        assert!(refused.owner_text().contains("aborted"), "{}", refused.owner_text());
        held.pop();
        wait_for(&aborted, MAX_ABORTED - 1).await;
        let threads = Threads::start(&aborted, 1, soon()).await.unwrap();
        assert_eq!(threads.spawn(async { 7 }).await.unwrap(), 7);
        drop((threads, held));
        wait_for(&aborted, 0).await;
    }

    #[tokio::test]
    async fn running_queries_are_not_counted_as_aborted() {
        let aborted = Aborted::default();
        let mut running = vec![];
        for _ in 0..=MAX_ABORTED {
            running.push(stubborn(&aborted).await);
        }
        assert_eq!(aborted.count(), 0);
        // The keepers of the threads wait for them, not the caller.
        running.clear();
        wait_for(&aborted, 0).await;
    }
}
