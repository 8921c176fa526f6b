//! Creates a group in a tenant, and the tenant if it does not exist.

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::{TenantReader, TenantWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::Result;
use vitrine_rules::random;
use vitrine_rules::viewer::tenant::{TenantGroup, TenantName};
use vitrine_rules::viewer::upsert_user::TenantWrite;

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

crate::capability_set! {
    pub struct GroupCreator {
        tenants: TenantReader,
        writer: TenantWriter,
        clock: Clock,
    }
}

impl GroupCreator {
    pub async fn create(&self, tenant: &TenantName, group: &TenantGroup) -> Result<()> {
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.tenants.find(tenant).await?;
            let tenant = TenantWrite {
                name: tenant.clone(),
                id: present.as_ref().map_or_else(random::number, |present| Ok(present.id))?,
                is_new: present.is_none(),
                display_name: None,
                groups: Vec::new(),
                attributes: Vec::new(),
            };
            self.writer.create_group(&tenant, group, self.clock.now()).await
        })
        .await
    }
}
