//! Writing a resource, whichever dialect asks for it.

use vitrine::aws::storage::resources::size_problems;
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::Check;
use vitrine::rules::resource::ids::{Kind, PrimaryId, ResourceId, ResourceRef};
use vitrine::rules::resource::{Resource, ResourceInput};

use crate::State as App;

/// Somebody else writing the same resource at the same time is no reason to fail; doing so without end is.
const ATTEMPTS: usize = 8;

pub struct Written {
    pub resource: Resource,
    pub created: bool,
}

/// Creates a resource under the next free number.
pub async fn create(app: &App, key: &AccessKey, kind: Kind, input: &ResourceInput) -> Result<Resource> {
    for _ in 0..ATTEMPTS {
        let id = PrimaryId::Number(app.writer.next_number(kind).await?);
        match create_as(app, key, kind, id, None, input).await {
            Err(error) if error.reason == Reason::Conflict => {}
            done => return done,
        }
    }
    Err(Reason::Conflict.into())
}

/// Who may change a resource's embed flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// Whoever may write it.
    Writers,
    /// An admin, and only while embedding is switched on.
    Publishers,
}

/// Changes parts of a resource that exists.
pub async fn change(
    app: &App,
    key: &AccessKey,
    reference: &ResourceRef,
    publishing: Publishing,
    change: impl Fn(ResourceInput) -> ResourceInput,
) -> Result<Resource> {
    for _ in 0..ATTEMPTS {
        let present = app.reader.get(reference).await?;
        key.require_deployment(present.deployment)?;
        let input = change(present.decided());
        let published = (present.enable_embedding, &present.embedding_params);
        if publishing == Publishing::Publishers
            && published != (input.enable_embedding, &input.embedding_params)
        {
            require_publisher(app, key).await?;
        }
        match replace(app, key, &present, &input).await {
            Err(error) if error.reason == Reason::Conflict => {}
            done => return done,
        }
    }
    Err(Reason::Conflict.into())
}

/// Is this a publisher?
pub async fn require_publisher(app: &App, key: &AccessKey) -> Result<()> {
    app.switch.require().await?;
    key.require_admin()
}

/// Creates a resource under an id that its owner chose, or replaces what is there.
pub async fn put(
    app: &App,
    key: &AccessKey,
    reference: &ResourceRef,
    input: &ResourceInput,
) -> Result<Written> {
    for _ in 0..ATTEMPTS {
        let written = match app.reader.find(reference).await? {
            Some(present) => {
                replace(app, key, &present, input).await.map(|resource| Written { resource, created: false })
            }
            None => create_named(app, key, reference, input)
                .await
                .map(|resource| Written { resource, created: true }),
        };
        match written {
            Err(error) if error.reason == Reason::Conflict => {}
            done => return done,
        }
    }
    Err(Reason::Conflict.into())
}

/// Removes a resource as it stands when its turn comes.
pub async fn remove(app: &App, key: &AccessKey, reference: &ResourceRef) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let present = app.reader.get(reference).await?;
        key.require_deployment(present.deployment)?;
        match app.writer.delete(&present).await {
            Err(error) if error.reason == Reason::Conflict => {}
            done => return done,
        }
    }
    Err(Reason::Conflict.into())
}

async fn create_named(
    app: &App,
    key: &AccessKey,
    reference: &ResourceRef,
    input: &ResourceInput,
) -> Result<Resource> {
    let kind = reference.kind;
    let (id, entity_id) = match &reference.id {
        ResourceId::Number(number) => {
            app.writer.pass_over(kind, *number).await?;
            (PrimaryId::Number(*number), input.entity_id.clone())
        }
        ResourceId::Uuid(uuid) => (PrimaryId::Uuid(uuid.clone()), None),
        ResourceId::Entity(entity) => {
            (PrimaryId::Number(app.writer.next_number(kind).await?), Some(entity.clone()))
        }
        // Ours to choose: it can name what exists, and nothing new.
        ResourceId::Public(_) => return Err(Reason::ResourceNotFound.into()),
    };
    create_as(app, key, kind, id, entity_id, input).await
}

async fn create_as(
    app: &App,
    key: &AccessKey,
    kind: Kind,
    id: PrimaryId,
    entity_id: Option<String>,
    input: &ResourceInput,
) -> Result<Resource> {
    let first = app.settings.first_deployment();
    let resource = Resource::create(kind, id, entity_id, input.clone(), first, app.clock.now())?;
    check(app, key, &resource, input)?;
    app.writer.create(&resource).await.map(|()| resource)
}

async fn replace(app: &App, key: &AccessKey, present: &Resource, input: &ResourceInput) -> Result<Resource> {
    key.require_deployment(present.deployment)?;
    let resource = present.clone().replaced(input.clone(), app.settings.first_deployment(), app.clock.now());
    check(app, key, &resource, input)?;
    app.writer.replace(&resource, present).await.map(|()| resource)
}

/// Everything that must hold of a resource before it is written.
fn check(app: &App, key: &AccessKey, resource: &Resource, input: &ResourceInput) -> Result<()> {
    if !app.settings.deployments.contains(&resource.deployment) {
        return Err(Error::invalid("deployment", "is not one of this stack's deployments"));
    }
    key.require_deployment(resource.deployment)?;
    let mut issues = input.problems();
    if input.entity_id.is_some() && input.entity_id != resource.entity_id {
        issues.push(Issue::new("entity_id", "is not what this resource is called, and cannot be changed"));
    }
    issues.extend(size_problems(resource));
    if issues.is_empty() { Ok(()) } else { Err(Error::new(Reason::RequestInvalid).issues(issues)) }
}
