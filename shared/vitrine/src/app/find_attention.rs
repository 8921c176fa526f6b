//! Finds what needs the owner's attention. Every search is limited, so that it takes as long on a large stack as on a small one.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use crate::app::retire_signing_key::SigningKeyRetirer;
use crate::aws::storage::{
    BrokenQueryReader, FailedUploadReader, ResourceReader, TableReader, TableUses, TableVersionReader,
    UploadReader,
};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::Result;
use vitrine_rules::paging::Paging;
use vitrine_rules::publishing::locked;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::ResourceRef;

/// The most things of each sort that are looked at.
const MOST: i32 = 20;

/// The tables that are looked through for those without a row policy.
const TABLES: i32 = 100;

crate::capability_set! {
    pub struct AttentionFinder {
        signing_keys: SigningKeyRetirer,
        broken: BrokenQueryReader,
        failed: FailedUploadReader,
        uploads: UploadReader,
        uses: TableUses,
        tables: TableReader,
        names: TableVersionReader,
        resources: ResourceReader,
        clock: Clock,
    }
}

/// A thing that needs attention.
#[derive(Debug)]
pub enum Attention {
    /// A signing key is safe to retire.
    IdleKey { kid: String },
    /// A query of a published resource failed.
    BrokenQuery { resource: NamedResource, request_id: String, at: Timestamp },
    /// Locked parameters set nothing.
    Unwired { resource: NamedResource, parameters: Vec<String> },
    /// Published resources read a table without a row policy.
    NoPolicy { table: String, resource: NamedResource, has_more: bool },
    /// The last upload of a table failed.
    FailedUpload { table: String, upload: String, at: Timestamp },
}

/// A resource by a name for people.
#[derive(Debug, Clone)]
pub struct NamedResource {
    pub resource: ResourceRef,
    pub title: String,
}

impl NamedResource {
    fn of(resource: &Resource) -> Self {
        Self { resource: resource.reference(), title: resource.title.clone() }
    }
}

impl AttentionFinder {
    pub async fn all(&self) -> Result<Vec<Attention>> {
        let (keys, broken, unwired, open, failed) = tokio::try_join!(
            self.idle_keys(),
            self.broken_queries(),
            self.unwired(),
            self.without_policy(),
            self.failed_uploads(),
        )?;
        Ok([broken, failed, open, unwired, keys].into_iter().flatten().collect())
    }

    async fn idle_keys(&self) -> Result<Vec<Attention>> {
        let keys = self.signing_keys.list().await?.into_iter().filter(|key| key.is_safe_to_retire);
        Ok(keys.map(|key| Attention::IdleKey { kid: key.kid }).collect())
    }

    /// The resource as it is now, if its viewers can open it.
    async fn published(&self, reference: &ResourceRef) -> Result<Option<Resource>> {
        let found = self.resources.find(reference).await?;
        Ok(found.filter(|resource| resource.enable_embedding && !resource.archived))
    }

    async fn broken_queries(&self) -> Result<Vec<Attention>> {
        let broken = self.broken.some(MOST).await?;
        let found = try_join_all(broken.iter().map(|one| self.published(&one.resource))).await?;
        let named = broken.into_iter().zip(found).filter_map(|(one, resource)| {
            // A later change may have mended it.
            let resource = resource.filter(|resource| resource.updated_at <= one.at)?;
            let (request_id, at) = (one.request_id, one.at);
            Some(Attention::BrokenQuery { resource: NamedResource::of(&resource), request_id, at })
        });
        Ok(named.collect())
    }

    async fn unwired(&self) -> Result<Vec<Attention>> {
        let users = self.uses.unwired(MOST.unsigned_abs() as usize).await?.resources;
        let found = try_join_all(users.iter().map(|one| self.published(one))).await?;
        let unwired = found.into_iter().flatten().filter_map(|resource| {
            let parameters: Vec<_> = locked::unwired(&resource).into_iter().map(str::to_owned).collect();
            (!parameters.is_empty())
                .then(|| Attention::Unwired { resource: NamedResource::of(&resource), parameters })
        });
        Ok(unwired.collect())
    }

    async fn without_policy(&self) -> Result<Vec<Attention>> {
        let listed = self.names.tables(&Paging::new(Some(TABLES), None)).await?.items;
        let names: BTreeSet<String> = listed.into_iter().map(|table| table.name).collect();
        let tables = self.tables.get_all(&names).await?;
        let open = tables.into_values().filter(|table| table.row_policies.is_empty());
        let open: Vec<_> = open.take(MOST.unsigned_abs() as usize).map(|table| table.name.clone()).collect();
        // Those were read from the cache, and may have a policy by now.
        let open = try_join_all(open.iter().map(|name| self.tables.get(name))).await?;
        let open: Vec<_> = open.into_iter().flatten().filter(|table| table.row_policies.is_empty()).collect();
        let found = try_join_all(open.iter().map(|table| self.published_user(&table.name))).await?;
        let named = open.iter().zip(found).filter_map(|(table, found)| {
            let (resource, has_more) = found?;
            Some(Attention::NoPolicy { table: table.name.clone(), resource, has_more })
        });
        Ok(named.collect())
    }

    /// A published resource that reads the table, among the first few that read it.
    async fn published_user(&self, table: &str) -> Result<Option<(NamedResource, bool)>> {
        let users = self.uses.some_of(table, 5).await?;
        let found = try_join_all(users.resources.iter().map(|one| self.published(one))).await?;
        let mut published = found.into_iter().flatten();
        let first = published.next();
        Ok(first.map(|first| (NamedResource::of(&first), users.is_cut || published.next().is_some())))
    }

    async fn failed_uploads(&self) -> Result<Vec<Attention>> {
        let failed = self.failed.some(MOST).await?;
        let found =
            try_join_all(failed.iter().map(|(table, upload)| self.still_failed(table, upload))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The upload, if no version came after it.
    async fn still_failed(&self, name: &str, upload: &str) -> Result<Option<Attention>> {
        let Some(table) = self.tables.get(name).await? else { return Ok(None) };
        let upload = self.uploads.find(&table, upload, self.clock.now()).await?;
        let upload = upload.filter(|upload| {
            let is_later = table.current.as_ref().is_none_or(|now| now.created_at <= upload.created_at);
            upload.state.has_failed() && is_later
        });
        Ok(upload.map(|upload| Attention::FailedUpload {
            table: name.to_owned(),
            upload: upload.id,
            at: upload.created_at,
        }))
    }
}
