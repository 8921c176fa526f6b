//! Limits queries that run: how many at once, and how many bytes they read in a month.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::app::open_view::DeploymentViewer;
use crate::aws::background::BackgroundTasks;
use crate::aws::storage::query_slots::QuerySlot;
use crate::aws::storage::{QueryBudgets, QuerySlots};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::resource::ids::Deployment;
use vitrine_rules::session::SessionContext;
use vitrine_rules::settings::Settings;
use vitrine_rules::view::decide::View;
use vitrine_rules::viewer::Viewer;

/// The time after a query's budget of seconds in which its slots are given back.
const SPARE_SECONDS: i64 = 5;

/// The time that a query waits for a slot, and the pause between two attempts. The cards of a dashboard are asked for at once,
/// and most of their queries end sooner than this.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// The share of a budget at which its owner is told.
const NOTICE_PERCENT: u64 = 80;

crate::capability_set! {
    pub struct QueryLimiter {
        slots: QuerySlots,
        budgets: QueryBudgets,
        background: BackgroundTasks,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

/// The one who asks, as far as limits are concerned.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The scope of the viewer's own slots; none for the owner.
    viewer: Option<String>,
    tenant: String,
}

impl Asker {
    /// The viewer of a view. Without a name, it is whoever has this credential.
    pub fn of(view: &View, credential: &str) -> Self {
        Self::new(&view.viewer, view.resource.deployment, view.context.as_deref(), credential)
    }

    /// The viewer of a deployment's session.
    pub fn of_session(session: &DeploymentViewer, credential: &str) -> Self {
        let context = &session.context;
        Self::new(&session.viewer, context.deployment, Some(context), credential)
    }

    fn new(
        viewer: &Viewer,
        deployment: Deployment,
        context: Option<&SessionContext>,
        credential: &str,
    ) -> Self {
        let tenant = context.and_then(|context| context.tenant.as_ref()).map(|(name, _)| name.to_string());
        let named = viewer.id.as_ref().map(|id| (deployment.to_string(), &tenant, id));
        let scope = match named {
            Some(named) => random::fingerprint(&serde_json::to_string(&named).unwrap_or_default()),
            None => credential.to_owned(),
        };
        Self { viewer: Some(scope), tenant: tenant.unwrap_or_default() }
    }

    /// The owner, who previews a query.
    pub fn owner() -> Self {
        Self { viewer: None, tenant: String::new() }
    }
}

/// The admission of one query, until it is given back.
#[derive(Debug)]
pub struct Admission {
    slots: Vec<QuerySlot>,
    tenant: String,
}

impl QueryLimiter {
    /// The longest time that a query can take, with everything around it.
    pub fn work_seconds(&self) -> i64 {
        i64::from(self.settings.queries.seconds) + SPARE_SECONDS
    }

    /// Admits one query, or refuses it because of those that run, or because of the month's budget.
    pub async fn admit(&self, asker: &Asker) -> Result<Admission> {
        let limits = &self.settings.queries;
        let mut admission = Admission { slots: Vec::new(), tenant: asker.tenant.clone() };
        let (within, own) = tokio::join!(self.within_budget(&asker.tenant), async {
            match &asker.viewer {
                Some(viewer) => self.slot(&format!("viewer#{viewer}"), limits.per_viewer).await.map(Some),
                None => Ok(None),
            }
        });
        let own = own.map(|slot| admission.slots.extend(slot));
        // The slot of the stack comes last, so that a viewer who may not ask takes none of the others'.
        let stack = match within.and(own) {
            Ok(()) => self.slot(QuerySlots::STACK, limits.at_once).await,
            Err(error) => Err(error),
        };
        match stack {
            Ok(slot) => {
                admission.slots.push(slot);
                Ok(admission)
            }
            Err(error) => {
                self.give_back(admission).await;
                Err(error)
            }
        }
    }

    async fn within_budget(&self, tenant: &str) -> Result<()> {
        match self.settings.queries.monthly_bytes() {
            Some(most) if self.budgets.used(tenant, self.clock.now()).await? >= most => {
                Err(Reason::BudgetExceeded.into())
            }
            _ => Ok(()),
        }
    }

    /// Takes one of `count` slots, and waits for it a little.
    async fn slot(&self, scope: &str, count: usize) -> Result<QuerySlot> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.clock.now();
            let taken = self.slots.take(scope, count, now, now.plus(self.work_seconds())).await;
            match taken {
                Err(error) if error.reason == Reason::QueriesAtOnce && Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                taken => return taken,
            }
        }
    }

    /// Ends an admission after a query that has read so many bytes. The answer does not wait for it.
    pub fn leave(&self, admission: Admission, bytes: u64) {
        let limiter = self.clone();
        self.background.run(async move { limiter.end(admission, bytes).await });
    }

    async fn end(&self, admission: Admission, bytes: u64) {
        if let Some(most) = self.settings.queries.monthly_bytes() {
            let now = self.clock.now();
            match self.budgets.add(&admission.tenant, bytes, now).await {
                Ok(sum) => notice(&admission.tenant, sum - bytes.min(sum), sum, most),
                Err(error) => note(&error, "a query was not counted"),
            }
        }
        self.give_back(admission).await;
    }

    async fn give_back(&self, admission: Admission) {
        for slot in admission.slots {
            if let Err(error) = self.slots.give_back(slot).await {
                // It ends by itself.
                note(&error, "a slot was not given back");
            }
        }
    }
}

fn note(error: &Error, what: &'static str) {
    tracing::warn!(reason = error.reason.word(), detail = error.detail, "{what}");
}

/// Tells once when a budget is nearly used up, and once when it is.
fn notice(tenant: &str, before: u64, after: u64, most: u64) {
    let passed = |percent: u64| {
        let mark = u128::from(most) * u128::from(percent) / 100;
        u128::from(before) < mark && u128::from(after) >= mark
    };
    for percent in [NOTICE_PERCENT, 100] {
        if passed(percent) {
            tracing::warn!(tenant, percent, "of the month's budget of bytes is used");
        }
    }
}
