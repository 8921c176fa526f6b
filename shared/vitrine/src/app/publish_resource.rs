//! Creates, changes and removes resources.

use std::sync::Arc;

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::{EmbeddingSwitchReader, ResourceReader, ResourceWriter};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::resource::ids::{Deployment, Kind, PrimaryId, ResourceId, ResourceRef};
use vitrine_rules::resource::{Resource, ResourceInput};
use vitrine_rules::settings::Settings;

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

crate::capability_set! {
    pub struct ResourcePublisher {
        reader: ResourceReader,
        writer: ResourceWriter,
        switch: EmbeddingSwitchReader,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub struct WrittenResource {
    pub resource: Resource,
    pub created: bool,
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
    fn check(input: ResourceInput) -> Result<Self> {
        let issues = input.issues();
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
        let resource = self.reader.get(reference).await?;
        key.require_deployment(resource.deployment)?;
        Ok(resource)
    }

    /// Creates a resource under the next free number.
    pub async fn create(
        &self,
        key: &AccessKey,
        kind: Kind,
        publishing: Publishing,
        input: ResourceInput,
    ) -> Result<Resource> {
        if publishing == Publishing::Publishers
            && (input.enable_embedding || !input.embedding_params.is_empty())
        {
            self.require_publisher(key).await?;
        }
        self.require_deployment(key, &input)?;
        let input = CheckedInput::check(input)?;
        retry_on_conflict(ATTEMPTS, || async {
            let id = PrimaryId::Number(self.writer.next_number(kind).await?);
            self.write_new(kind, id, None, &input).await
        })
        .await
    }

    /// Creates a resource under an id that its owner chose, or replaces the one that has it.
    pub async fn put(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        input: ResourceInput,
    ) -> Result<WrittenResource> {
        let input = CheckedInput::check(input)?;
        retry_on_conflict(ATTEMPTS, || async {
            match self.reader.find(reference).await? {
                Some(present) => {
                    let resource = self.write_over(key, &present, &input).await?;
                    Ok(WrittenResource { resource, created: false })
                }
                None => {
                    let resource = self.write_named(key, reference, &input).await?;
                    Ok(WrittenResource { resource, created: true })
                }
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
    ) -> Result<Resource> {
        let input = CheckedInput::check(input)?;
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.reader.get(reference).await?;
            self.write_over(key, &present, &input).await
        })
        .await
    }

    /// Changes parts of a resource that exists.
    pub async fn change(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        publishing: Publishing,
        change: impl Fn(ResourceInput) -> ResourceInput,
    ) -> Result<Resource> {
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.get(key, reference).await?;
            let input = change(present.decided());
            let published = (present.enable_embedding, &present.embedding_params);
            if publishing == Publishing::Publishers
                && published != (input.enable_embedding, &input.embedding_params)
            {
                self.require_publisher(key).await?;
            }
            self.write_over(key, &present, &CheckedInput::check(input)?).await
        })
        .await
    }

    /// Removes a resource.
    pub async fn remove(&self, key: &AccessKey, reference: &ResourceRef) -> Result<()> {
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.get(key, reference).await?;
            self.writer.delete(&present).await
        })
        .await
    }

    /// Refuses keys that may not publish, and everyone while embedding is switched off.
    async fn require_publisher(&self, key: &AccessKey) -> Result<()> {
        self.switch.require().await?;
        key.require_admin()
    }

    /// Refuses input for a deployment that does not exist, or that the key does not reach.
    fn require_deployment(&self, key: &AccessKey, input: &ResourceInput) -> Result<()> {
        let deployment = input.deployment.unwrap_or_else(|| self.first_deployment());
        if !self.settings.deployments.contains(&deployment) {
            return Err(Error::invalid("deployment", "is not one of this stack's deployments"));
        }
        key.require_deployment(deployment)
    }

    fn first_deployment(&self) -> Deployment {
        self.settings.first_deployment()
    }

    async fn write_named(
        &self,
        key: &AccessKey,
        reference: &ResourceRef,
        input: &CheckedInput,
    ) -> Result<Resource> {
        let kind = reference.kind;
        let (id, entity_id) = match &reference.id {
            ResourceId::Number(number) => {
                self.writer.pass_over(kind, *number).await?;
                (PrimaryId::Number(*number), input.0.entity_id.clone())
            }
            ResourceId::Uuid(uuid) => (PrimaryId::Uuid(uuid.clone()), None),
            ResourceId::Entity(entity) => {
                (PrimaryId::Number(self.writer.next_number(kind).await?), Some(entity.clone()))
            }
            // Public ids are generated, so one that is not found cannot be created.
            ResourceId::Public(_) => return Err(Reason::ResourceNotFound.into()),
        };
        self.require_deployment(key, &input.0)?;
        self.write_new(kind, id, entity_id, input).await
    }

    async fn write_new(
        &self,
        kind: Kind,
        id: PrimaryId,
        entity_id: Option<String>,
        CheckedInput(input): &CheckedInput,
    ) -> Result<Resource> {
        let (first, now) = (self.first_deployment(), self.clock.now());
        let resource = Resource::create(kind, id, entity_id, input.clone(), first, now)?;
        require_same_entity_id(input, &resource)?;
        self.writer.create(&resource).await.map(|()| resource)
    }

    async fn write_over(
        &self,
        key: &AccessKey,
        present: &Resource,
        CheckedInput(input): &CheckedInput,
    ) -> Result<Resource> {
        key.require_deployment(present.deployment)?;
        self.require_deployment(key, input)?;
        let resource = present.clone().replaced(input.clone(), self.first_deployment(), self.clock.now());
        require_same_entity_id(input, &resource)?;
        self.writer.replace(&resource, present).await.map(|()| resource)
    }
}

fn require_same_entity_id(input: &ResourceInput, resource: &Resource) -> Result<()> {
    if input.entity_id.is_none() || input.entity_id == resource.entity_id {
        return Ok(());
    }
    Err(Error::invalid("entity_id", "is not what this resource is called, and cannot be changed"))
}
