//! Lists, reads and restores versions of a resource.

use crate::app::check_queries::Mode;
use crate::app::publish_resource::{Publishing, ResourcePublisher, WrittenResource};
use crate::aws::storage::ResourceVersionReader;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::resource::ids::ResourceRef;
use vitrine_rules::resource::version::{Version, VersionSummary};
use vitrine_rules::resource::{Resource, ResourceInput};

crate::capability_set! {
    pub struct ResourceVersions {
        reader: ResourceVersionReader,
    }
}

impl ResourceVersions {
    /// The versions of a resource that was read for the caller, the newest first.
    pub async fn list(&self, resource: &Resource, paging: &Paging) -> Result<Page<VersionSummary>> {
        let page = self.reader.list(&resource.reference(), paging).await?;
        // Dashboards and questions of older releases have no stored version until their content changes.
        if page.items.is_empty() && !page.has_next && paging.after.is_none() {
            return Ok(Page { items: vec![Version::current(resource).summary], ..page });
        }
        Ok(page)
    }

    /// A version of a resource that was read for the caller.
    pub async fn get(&self, resource: &Resource, number: u64) -> Result<Version> {
        let stored = self.reader.find(&resource.reference(), number).await?;
        let current = || (number == resource.version).then(|| Version::current(resource));
        stored.or_else(current).ok_or(Reason::VersionNotFound.into())
    }

    /// Publishes the content of a version again, as a new version. With a revision, nothing is written if somebody has
    /// changed the resource since.
    pub async fn restore(
        &self,
        publisher: &ResourcePublisher,
        key: &AccessKey,
        reference: &ResourceRef,
        number: u64,
        revision: Option<u64>,
        mode: Mode,
    ) -> Result<WrittenResource> {
        let Version { content, .. } = self.get(&publisher.get(key, reference).await?, number).await?;
        let restored = |input: ResourceInput| ResourceInput { content: content.clone(), ..input };
        match revision {
            Some(revision) => publisher.change_at(key, reference, revision, restored, mode).await,
            None => {
                let change = |input| Ok(restored(input));
                publisher.change(key, reference, Publishing::Writers, &change, mode).await
            }
        }
    }
}
