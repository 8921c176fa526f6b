//! Shares the work for an answer: of all requests for one answer, in this process and in others, one computes it.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::app::keep_answers::KeptAnswers;
use crate::aws::background::BackgroundTasks;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::QueryLeases;
use crate::aws::storage::query_leases::{LeaseState, QueryLease, Taken};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::query::answer::{Answer, Freshness};

/// The pause between two looks for the answer of another process.
const PAUSE: Duration = Duration::from_millis(150);

/// The time for which a query that was too large is not tried again. No other failure is remembered.
const TOO_LARGE_SECONDS: i64 = 60;

/// The answer that a request wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The cache key, which has everything that the answer depends on.
    pub key: String,
    pub fresh: Freshness,
    /// The longest time that the work can take.
    pub work_seconds: i64,
    /// The time that the request waits.
    pub patience: Duration,
}

#[derive(Debug)]
pub enum Shared {
    Ready {
        answer: Arc<Answer>,
        /// Set if it was computed for another request.
        cached: bool,
    },
    /// Somebody is at work.
    Waiting,
}

/// The work of computing an answer. It runs to its end even if nobody waits any more.
pub type AnswerWork = Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

#[derive(Debug, Clone)]
enum Outcome {
    Found(Arc<Answer>),
    Computed(Arc<Answer>),
    Failed(Error),
    /// Another process was still at work when the patience ended.
    Elsewhere,
}

type Telling = watch::Sender<Option<Outcome>>;
type Board = watch::Receiver<Option<Outcome>>;

#[derive(Clone)]
pub struct AnswerSharing {
    kept: KeptAnswers,
    leases: QueryLeases,
    background: BackgroundTasks,
    clock: Clock,
    /// The work that runs in this process, by key.
    running: Arc<Mutex<HashMap<String, Board>>>,
}

impl Capability for AnswerSharing {
    fn grants() -> BTreeSet<Grant> {
        KeptAnswers::grants().into_iter().chain(QueryLeases::grants()).collect()
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            kept: KeptAnswers::connect(environment),
            leases: QueryLeases::connect(environment),
            background: environment.process.background.clone(),
            clock: environment.clock.clone(),
            running: Arc::default(),
        }
    }

    async fn warm(&self) {
        self.kept.warm().await;
    }
}

impl AnswerSharing {
    /// The answer: from the cache, from whoever computes it already, or by `work`.
    pub async fn answer(&self, wanted: &Wanted, work: impl Fn() -> AnswerWork) -> Result<Shared> {
        let deadline = Instant::now() + wanted.patience;
        if let Some(answer) = self.kept.own(&wanted.key, wanted.fresh) {
            return Ok(Shared::Ready { answer, cached: true });
        }
        loop {
            let (mut board, is_own) = self.board(wanted, deadline, &work);
            let outcome = match timeout_at(deadline, board.wait_for(Option::is_some)).await {
                Err(_) => return Ok(Shared::Waiting),
                // The work panicked.
                Ok(Err(_)) if is_own => return Err(Error::internal("a query ended without an outcome")),
                Ok(Err(_)) => continue,
                Ok(Ok(outcome)) => outcome.clone(),
            };
            match outcome {
                // The other request admits older answers.
                Some(Outcome::Found(answer) | Outcome::Computed(answer))
                    if !is_own && !self.is_fresh(&answer, wanted) => {}
                Some(Outcome::Found(answer)) => return Ok(Shared::Ready { answer, cached: true }),
                Some(Outcome::Computed(answer)) => return Ok(Shared::Ready { answer, cached: !is_own }),
                // It was refused for reasons of its own viewer.
                Some(Outcome::Failed(error)) if !is_own && is_about_viewer(error.reason) => {}
                Some(Outcome::Failed(error)) => return Err(error),
                Some(Outcome::Elsewhere) | None => return Ok(Shared::Waiting),
            }
        }
    }

    /// The answer to a question that was asked before. Computes nothing.
    pub async fn poll(&self, wanted: &Wanted) -> Result<Shared> {
        let deadline = Instant::now() + wanted.patience;
        let ready = |answer| Ok(Shared::Ready { answer, cached: true });
        loop {
            if let Some(answer) = self.kept.find(&wanted.key, wanted.fresh).await {
                return ready(answer);
            }
            match self.leases.state(&wanted.key, self.clock.now()).await? {
                LeaseState::Failed { reason, at } if at >= wanted.fresh.asked_at => return Err(reason.into()),
                LeaseState::Running => {}
                LeaseState::Free | LeaseState::Failed { .. } => {
                    // It may have ended between the two reads. Else it ended without an answer.
                    let found = self.kept.find(&wanted.key, wanted.fresh).await;
                    return found.map_or(Err(Reason::QueryFailed.into()), ready);
                }
            }
            if Instant::now() + PAUSE > deadline {
                return Ok(Shared::Waiting);
            }
            sleep(PAUSE).await;
        }
    }

    fn is_fresh(&self, answer: &Answer, wanted: &Wanted) -> bool {
        wanted.fresh.admits(answer.facts.as_of, self.clock.now())
    }

    /// Returns whether work can still have the wanted outcome. Some of it goes on after the answer is told.
    fn is_joined(&self, board: &Board, wanted: &Wanted) -> bool {
        let is_running = board.has_changed().is_ok();
        is_running
            && match &*board.borrow() {
                Some(Outcome::Found(answer) | Outcome::Computed(answer)) => self.is_fresh(answer, wanted),
                _ => true,
            }
    }

    /// Joins the work that runs for a key, or starts it.
    fn board(&self, wanted: &Wanted, deadline: Instant, work: &impl Fn() -> AnswerWork) -> (Board, bool) {
        let mut running = self.running();
        if let Some(board) = running.get(&wanted.key).filter(|board| self.is_joined(board, wanted)) {
            return (board.clone(), false);
        }
        let (tell, board) = watch::channel(None);
        running.insert(wanted.key.clone(), board.clone());
        drop(running);
        let (sharing, wanted, work) = (self.clone(), wanted.clone(), work());
        self.background.run(async move {
            // Removed also if the work panics.
            let (running, key, board) = (Arc::clone(&sharing.running), wanted.key.clone(), tell.subscribe());
            let _entry = Entry { running, key, board };
            let outcome = sharing.obtain(&wanted, deadline, work, &tell).await;
            tell.send_replace(Some(outcome.unwrap_or_else(Outcome::Failed)));
        });
        (board, true)
    }

    /// Finds the answer, computes it under a lease, or waits for the process that has the lease.
    async fn obtain(
        &self,
        wanted: &Wanted,
        deadline: Instant,
        work: AnswerWork,
        tell: &Telling,
    ) -> Result<Outcome> {
        let (key, fresh) = (&wanted.key, wanted.fresh);
        let mut has_waited = false;
        loop {
            if let Some(answer) = self.kept.find(key, fresh).await {
                return Ok(Outcome::Found(answer));
            }
            let now = self.clock.now();
            if has_waited {
                match self.leases.state(key, now).await? {
                    LeaseState::Failed { reason, at } if at >= fresh.asked_at => return Err(reason.into()),
                    LeaseState::Running if Instant::now() + PAUSE > deadline => {
                        return Ok(Outcome::Elsewhere);
                    }
                    LeaseState::Running => {
                        sleep(PAUSE).await;
                        continue;
                    }
                    LeaseState::Free | LeaseState::Failed { .. } => {}
                }
            }
            match self.leases.take(key, now, now.plus(wanted.work_seconds)).await? {
                Taken::Lease(lease) => return self.compute(wanted, lease, work, tell).await,
                Taken::Held(LeaseState::Failed { reason, .. }) => return Err(reason.into()),
                Taken::Held(_) => has_waited = true,
            }
        }
    }

    /// Computes the answer and tells it at once: whoever waits for it need not wait until it is stored.
    async fn compute(
        &self,
        wanted: &Wanted,
        lease: QueryLease,
        work: AnswerWork,
        tell: &Telling,
    ) -> Result<Outcome> {
        // The process that had the lease before may have stored the answer since it was looked for.
        if lease.may_be_answered_since(wanted.fresh.asked_at)
            && let Some(answer) = self.kept.find(&wanted.key, wanted.fresh).await
        {
            self.end(lease).await;
            return Ok(Outcome::Found(answer));
        }
        match work.await {
            Ok(answer) => {
                let answer = Arc::new(answer);
                tell.send_replace(Some(Outcome::Computed(Arc::clone(&answer))));
                let is_kept = self.kept.keep(&wanted.key, &answer).await;
                if is_kept {
                    self.end(lease).await;
                } else {
                    self.failed(lease, Reason::EngineUnavailable).await;
                }
                Ok(Outcome::Computed(answer))
            }
            Err(error) if is_about_viewer(error.reason) => {
                self.end(lease).await;
                Err(error)
            }
            Err(error) => {
                self.failed(lease, error.reason).await;
                Err(error)
            }
        }
    }

    async fn end(&self, lease: QueryLease) {
        self.ended(self.leases.end(lease, self.clock.now()).await);
    }

    async fn failed(&self, lease: QueryLease, reason: Reason) {
        let now = self.clock.now();
        let retried = if reason == Reason::QueryTooLarge { now.plus(TOO_LARGE_SECONDS) } else { now };
        self.ended(self.leases.fail(lease, reason, now, retried).await);
    }

    /// A lease that could not be ended ends by itself.
    fn ended(&self, ended: Result<()>) {
        if let Err(error) = ended {
            tracing::warn!(reason = error.reason.word(), detail = error.detail, "a lease was not ended");
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Board>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a refusal concerns the viewer who asked, and says nothing about the query.
fn is_about_viewer(reason: Reason) -> bool {
    matches!(reason, Reason::QueriesAtOnce | Reason::BudgetExceeded)
}

/// The entry of running work, until it ends.
struct Entry {
    running: Arc<Mutex<HashMap<String, Board>>>,
    key: String,
    board: Board,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Later work may have taken its place.
        if running.get(&self.key).is_some_and(|board| board.same_channel(&self.board)) {
            running.remove(&self.key);
        }
    }
}

/// The rule for the age of an answer, by the inputs of its query beside tables and values.
pub fn freshness(own_seconds: Option<i64>, is_of_moment: bool, asked_at: Timestamp) -> Freshness {
    /// For SQL that asks for the current moment.
    const MOMENT_SECONDS: i64 = 5;
    let moment = is_of_moment.then_some(MOMENT_SECONDS);
    let seconds = match (own_seconds, moment) {
        (Some(own), Some(moment)) => Some(own.min(moment)),
        (own, moment) => own.or(moment),
    };
    Freshness { seconds, asked_at }
}
