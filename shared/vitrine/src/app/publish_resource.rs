//! Creates, changes and removes resources.

use std::sync::Arc;

use crate::app::check_queries::{Checked, Mode, QueryChecker};
use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::resources::Holder;
use crate::aws::storage::{EmbeddingSwitchReader, ResourceReader, ResourceWriter};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Issues, Reason, Result};
use vitrine_rules::resource::ids::{Deployment, Kind, PrimaryId, ResourceId, ResourceRef};
use vitrine_rules::resource::{Resource, ResourceInput};
use vitrine_rules::settings::Settings;

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

crate::capability_set! {
    pub struct ResourcePublisher {
        reader: ResourceReader,
        writer: ResourceWriter,
        switch: EmbeddingSwitchReader,
        queries: QueryChecker,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

/// A resource as its owner reads it, after it was written or in a dry run.
pub struct WrittenResource {
    pub resource: Resource,
    pub created: bool,
    /// Findings about its queries; none if they were not checked.
    pub warnings: Option<Issues>,
}

impl WrittenResource {
    fn of(resource: Resource, created: bool, warnings: Option<Issues>) -> Self {
        Self { resource: resource.described(), created, warnings }
    }
}

/// The callers that may change the embed flags of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// Everyone who may write it.
    Writers,
    /// Admins only, and only while embedding is switched on.
    Publishers,
}

/// Input that satisfies the rules, so that no attempt has to check it again.
struct CheckedInput(ResourceInput);

impl CheckedInput {
    fn check(kind: Kind, input: ResourceInput, settings: &Settings) -> Result<Self> {
        let issues = input.issues(kind, settings);
        if issues.is_empty() {
            Ok(Self(input))
        } else {
            Err(Error::new(Reason::RequestInvalid).issues(issues))
        }
    }
}

impl ResourcePublisher {
    /// Reads a resource that the key may write.
    pub async fn get(&self, key: &AccessKey, reference: &ResourceRef) -> Result<Resource> {
        self.present(key, reference).await.map(Resource::described)
    }

    async fn present(&self, key: &AccessKey, reference: &ResourceRef) -> Result<Resource> {
        let found = self.reader.find(reference).await?;
        key.reach.see(found).ok_or(Reason::ResourceNotFound.into())
    }

    /// Creates a resource under the next free number.
    pub async fn create(
        &self,
        key: &AccessKey,
        kind: Kind,
        publishing: Publishing,
        input: ResourceInput,
    ) -> Result<WrittenResource> {
        if publishing == Publishing::Publishers
            && (input.enable_embedding || !input.embedding_params.is_empty())
        {
            self.require_publisher(key).await?;
        }
        let deployment = key.reach.place(input.deployment, &self.settings)?;
        let input = CheckedInput::check(kind, input, &self.settings)?;
        let new = NewResource { kind, id: NewId::Next, entity_id: None, deployment };
        retry_on_conflict(ATTEMPTS, || self.write_new(&new, &input, Mode::Write)).await
    }

    /// Creates a resource under an id that its owner chose, or replaces the one that has it.
    pub async fn put(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        input: ResourceInput,
        mode: Mode,
    ) -> Result<WrittenResource> {
        let input = CheckedInput::check(reference.kind, input, &self.settings)?;
        input.0.deployment.map_or(Ok(()), |named| key.reach.enter(named))?;
        retry_on_conflict(ATTEMPTS, || async {
            let found = match self.reader.holder(reference).await? {
                Holder::Resource(found) => *found,
                Holder::Deleted if !matches!(reference.id, ResourceId::Public(_)) => {
                    return Err(Reason::IdDeleted.into());
                }
                Holder::Deleted | Holder::Nothing => {
                    return self.write_named(key, reference, &input, mode).await;
                }
            };
            match key.reach.see(Some(found)) {
                Some(present) => self.write_over(key, &present, &input, mode).await,
                None => Err(taken(&reference.id)),
            }
        })
        .await
    }

    /// Replaces a resource that exists.
    pub async fn replace(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        input: ResourceInput,
        mode: Mode,
    ) -> Result<WrittenResource> {
        let input = CheckedInput::check(reference.kind, input, &self.settings)?;
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.present(key, reference).await?;
            self.write_over(key, &present, &input, mode).await
        })
        .await
    }

    /// Changes parts of a resource that exists.
    pub async fn change(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        publishing: Publishing,
        change: &(dyn Fn(ResourceInput) -> Result<ResourceInput> + Sync),
        mode: Mode,
    ) -> Result<WrittenResource> {
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.present(key, reference).await?;
            let input = change(present.decided())?;
            let published = (present.enable_embedding, &present.embedding_params);
            if publishing == Publishing::Publishers
                && published != (input.enable_embedding, &input.embedding_params)
            {
                self.require_publisher(key).await?;
            }
            let input = CheckedInput::check(reference.kind, input, &self.settings)?;
            self.write_over(key, &present, &input, mode).await
        })
        .await
    }

    /// Changes a resource as it was at a revision. If somebody has changed it since, nothing is written.
    pub async fn change_at(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        revision: u64,
        change: impl FnOnce(ResourceInput) -> ResourceInput,
        mode: Mode,
    ) -> Result<WrittenResource> {
        let present = self.present(key, reference).await?;
        if present.revision != revision {
            return Err(Reason::Conflict.into());
        }
        let input = CheckedInput::check(reference.kind, change(present.decided()), &self.settings)?;
        self.write_over(key, &present, &input, mode).await
    }

    /// Removes a resource, and returns which cards of published dashboards have no answer any more.
    pub async fn remove(&self, key: &AccessKey, reference: &ResourceRef) -> Result<Issues> {
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.present(key, reference).await?;
            let broken = self.queries.broken_by_removal(&present).await?;
            self.writer.delete(&present, self.clock.now()).await?;
            Ok(broken)
        })
        .await
    }

    /// Refuses keys that may not publish, and everyone while embedding is switched off.
    async fn require_publisher(&self, key: &AccessKey) -> Result<()> {
        self.switch.require().await?;
        key.require_admin()
    }

    async fn write_named(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        input: &CheckedInput,
        mode: Mode,
    ) -> Result<WrittenResource> {
        let deployment = key.reach.place(input.0.deployment, &self.settings)?;
        let (id, entity_id) = match &reference.id {
            ResourceId::Number(number) => {
                self.require_free(reference.kind, input.0.entity_id.as_ref()).await?;
                (NewId::Number(*number), input.0.entity_id.clone())
            }
            ResourceId::Uuid(uuid) => (NewId::Uuid(uuid.clone()), None),
            ResourceId::Entity(entity) => (NewId::Next, Some(entity.clone())),
            ResourceId::Public(_) => return Err(taken(&reference.id)),
        };
        self.write_new(&NewResource { kind: reference.kind, id, entity_id, deployment }, input, mode).await
    }

    /// Refuses an entity id that another resource has or had.
    async fn require_free(&self, kind: Kind, entity_id: Option<&String>) -> Result<()> {
        let Some(entity_id) = entity_id else { return Ok(()) };
        let named = ResourceRef::new(kind, ResourceId::Entity(entity_id.clone()));
        match self.reader.holder(&named).await? {
            Holder::Resource(_) => Err(taken(&named.id)),
            Holder::Deleted => Err(Reason::IdDeleted.into()),
            Holder::Nothing => Ok(()),
        }
    }

    /// Checks everything before the counter of numbers moves, so that a refused creation writes nothing.
    async fn write_new(
        &self,
        new: &NewResource,
        CheckedInput(input): &CheckedInput,
        mode: Mode,
    ) -> Result<WrittenResource> {
        let NewResource { kind, id, entity_id, deployment } = new;
        let drafted = match id {
            NewId::Next => PrimaryId::Number(ResourceId::MAX_NUMBER),
            NewId::Number(number) => PrimaryId::Number(*number),
            NewId::Uuid(uuid) => PrimaryId::Uuid(uuid.clone()),
        };
        let now = self.clock.now();
        let mut resource =
            Resource::create(*kind, drafted, entity_id.clone(), input.clone(), *deployment, now)?;
        require_same_entity_id(input, &resource)?;
        self.writer.check(&resource)?;
        let Checked { warnings, tables } = self.queries.check(input, None, *deployment, mode).await?;
        resource.tables = tables;
        match (id, mode) {
            (NewId::Next, Mode::DryRun) => {
                resource.id = PrimaryId::Number(self.reader.upcoming_number(*kind).await?);
            }
            (NewId::Next, Mode::Write) => {
                resource.id = PrimaryId::Number(self.writer.next_number(*kind).await?);
            }
            (NewId::Number(number), Mode::Write) => self.writer.pass_over(*kind, *number).await?,
            (NewId::Number(_), Mode::DryRun) | (NewId::Uuid(_), _) => {}
        }
        if mode == Mode::Write {
            self.writer.create(&resource).await?;
        }
        Ok(WrittenResource::of(resource, true, warnings))
    }

    async fn write_over(
        &self,
        key: &AccessKey,
        present: &Resource,
        CheckedInput(input): &CheckedInput,
        mode: Mode,
    ) -> Result<WrittenResource> {
        // A deployment that is no longer among the settings does not prevent changes of what is in it.
        if input.deployment.is_some_and(|named| named != present.deployment) {
            key.reach.place(input.deployment, &self.settings)?;
        }
        let mut resource = present.clone().replaced(input.clone(), self.clock.now());
        require_same_entity_id(input, &resource)?;
        let checked = self.queries.check(input, Some(present), resource.deployment, mode).await?;
        let Checked { warnings, tables } = checked;
        resource.tables = tables;
        match mode {
            Mode::Write => self.writer.replace(&resource, present).await?,
            Mode::DryRun => self.writer.check(&resource)?,
        }
        Ok(WrittenResource::of(resource, false, warnings))
    }
}

/// A resource that is about to be created.
struct NewResource {
    kind: Kind,
    id: NewId,
    entity_id: Option<String>,
    deployment: Deployment,
}

enum NewId {
    /// The next free number.
    Next,
    Number(u64),
    Uuid(String),
}

/// The refusal of an id that the caller cannot create a resource under.
fn taken(id: &ResourceId) -> Error {
    match id {
        // Public ids are generated: one that the caller may not know is like one that does not exist.
        ResourceId::Public(_) => Reason::ResourceNotFound.into(),
        _ => Reason::IdTaken.into(),
    }
}

fn require_same_entity_id(input: &ResourceInput, resource: &Resource) -> Result<()> {
    if input.entity_id.is_none() || input.entity_id == resource.entity_id {
        return Ok(());
    }
    Err(Error::invalid("entity_id", "is not what this resource is called, and cannot be changed"))
}
