//! Adds members to a group of a tenant, and removes them.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::app::upsert_user::UserUpserter;
use crate::aws::storage::ExternalUserReader;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine_rules::viewer::tenant::TenantName;
use vitrine_rules::viewer::upsert_user::{GroupChange, SeatPolicy, TenantChange, UserChange};

/// The number of members that are read or written at the same time.
const AT_ONCE: usize = 16;

crate::capability_set! {
    pub struct GroupMembers {
        users: ExternalUserReader,
        upserts: UserUpserter,
    }
}

/// A member of a request, by one of two ids.
#[derive(Debug, Clone)]
pub enum MemberId {
    External(ExternalId),
    Number(u64),
}

/// A user whose membership was asked for.
#[derive(Debug)]
pub struct ChangedMember {
    pub user: ExternalUser,
    pub was_member: bool,
}

impl GroupMembers {
    /// Adds members in their order, and creates users for unknown external ids. If a number is unknown or a user is
    /// in another tenant, nobody is added.
    pub async fn add(
        &self,
        tenant: &TenantName,
        group: &str,
        members: Vec<MemberId>,
    ) -> Result<Vec<ChangedMember>> {
        let found = in_order(members, |member| self.look_up(member)).await?;
        let mut seen = BTreeSet::new();
        let mut to_add = Vec::new();
        for (external_id, user) in found {
            let own = user.as_ref().and_then(|user| user.tenant_name());
            if own.is_some_and(|own| own != tenant) {
                return Err(Reason::TenantOther.into());
            }
            if seen.insert(external_id.to_string()) {
                to_add.push(external_id);
            }
        }
        in_order(to_add, |external_id| self.join(tenant, group, external_id)).await
    }

    /// Removes members. Users who are unknown or no members are left alone.
    pub async fn remove(&self, tenant: &TenantName, group: &str, members: Vec<MemberId>) -> Result<()> {
        in_order(members, |member| self.leave(tenant, group, member)).await.map(drop)
    }

    async fn join(&self, tenant: &TenantName, group: &str, external_id: ExternalId) -> Result<ChangedMember> {
        let change = UserChange {
            tenant: Some(TenantChange::to(tenant.clone())),
            tenant_groups: GroupChange::Join(group.to_owned()),
            seat: SeatPolicy::AsIs,
            ..UserChange::to(external_id)
        };
        let upsert = self.upserts.upsert(&change).await?;
        let before = upsert.before.filter(|before| before.id == upsert.user.id);
        let was_member = before.is_some_and(|before| before.tenant_groups().iter().any(|one| one == group));
        Ok(ChangedMember { user: upsert.user, was_member })
    }

    async fn leave(&self, tenant: &TenantName, group: &str, member: MemberId) -> Result<()> {
        let user = match self.look_up(member).await {
            Ok((_, user)) => user,
            Err(error) if error.reason == Reason::UserNotFound => None,
            Err(error) => return Err(error),
        };
        let is_member = |user: &ExternalUser| {
            user.tenant_name() == Some(tenant) && user.tenant_groups().iter().any(|one| one == group)
        };
        let Some(user) = user.filter(is_member) else { return Ok(()) };
        let change = UserChange {
            tenant_groups: GroupChange::Leave(group.to_owned()),
            seat: SeatPolicy::AsIs,
            ..UserChange::to(user.external_id)
        };
        self.upserts.upsert(&change).await.map(drop)
    }

    async fn look_up(&self, member: MemberId) -> Result<(ExternalId, Option<ExternalUser>)> {
        match member {
            MemberId::External(id) => {
                let user = self.users.find(&id).await?;
                Ok((id, user))
            }
            MemberId::Number(id) => {
                let user = self.users.find_by_id(id).await?.ok_or(Reason::UserNotFound)?;
                Ok((user.external_id.clone(), Some(user)))
            }
        }
    }
}

/// Runs `work` for each item, several at a time, and returns the results in the order of the items.
async fn in_order<T, R, F>(items: Vec<T>, work: impl Fn(T) -> F) -> Result<Vec<R>>
where
    F: Future<Output = Result<R>>,
{
    let work: Vec<_> = items.into_iter().map(|item| Box::pin(work(item))).collect();
    stream::iter(work).buffered(AT_ONCE).try_collect().await
}
