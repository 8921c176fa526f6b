//! `/v1/resources/{kind}/{id}`

use axum::extract::{Path, State};
use axum::http::StatusCode;
use vitrine::audit;
use vitrine::error::{Error, Reason, Result};
use vitrine::http::caller::WriteResources;
use vitrine::http::{Allowed, ContentJson};
use vitrine::identifiers::{PrimaryId, ResourceId, ResourceRef};
use vitrine::resource::{Resource, ResourceInput};

use crate::State as App;

/// Somebody else writing the same resource at the same time is no reason to fail; doing so without end is.
const ATTEMPTS: usize = 5;

/// Create or replace a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/v1/resources/{kind}/{id}", tag = "resources",
    params(("kind" = vitrine::identifiers::Kind, Path,), ("id" = String, Path, description = "A number or a 21-character entity id for dashboards and questions, a UUID for dives; the public id of what exists")),
    description = "Permission: `resources:write`. Answers with the whole resource and its other ids. Everything not said goes back to its default.",
    request_body = ResourceInput,
    responses((status = 200, body = Resource, description = "Replaced"), (status = 201, body = Resource, description = "Created"))
))]
pub async fn put(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    ContentJson { 0: input }: ContentJson<ResourceInput>,
) -> Result<(StatusCode, axum::Json<Resource>)> {
    let reference = named(path)?;
    let first = app.settings.first_deployment();
    let deployment = input.deployment.unwrap_or(first);
    if !app.settings.deployments.contains(&deployment) {
        return Err(Error::invalid("deployment", "is not one of this stack's deployments"));
    }
    caller.key.require_deployment(deployment)?;
    for _ in 0..ATTEMPTS {
        let now = app.clock.now();
        let written = match app.reader.find(&reference).await? {
            Some(present) => {
                caller.key.require_deployment(present.deployment)?;
                let seen = present.revision;
                let resource = fitting(present.replaced(input.clone(), first, now))?;
                app.writer.replace(&resource, seen).await.map(|()| (StatusCode::OK, axum::Json(resource)))
            }
            None => {
                let (id, entity_id) = match &reference.id {
                    ResourceId::Number(number) => (PrimaryId::Number(*number), None),
                    ResourceId::Uuid(uuid) => (PrimaryId::Uuid(uuid.clone()), None),
                    ResourceId::Entity(entity) => {
                        let number = app.writer.next_number(reference.kind).await?;
                        (PrimaryId::Number(number), Some(entity.clone()))
                    }
                    // Ours to choose: it can name what exists, and nothing new.
                    ResourceId::Public(_) => return Err(Reason::ResourceNotFound.into()),
                };
                let resource =
                    fitting(Resource::create(reference.kind, id, entity_id, input.clone(), first, now)?)?;
                app.writer.create(&resource).await.map(|()| (StatusCode::CREATED, axum::Json(resource)))
            }
        };
        match written {
            Err(error) if error.reason == Reason::Conflict => {}
            done => return done,
        }
    }
    Err(Reason::Conflict.into())
}

/// Read a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/resources/{kind}/{id}", tag = "resources",
    params(("kind" = vitrine::identifiers::Kind, Path,), ("id" = String, Path, description = "Any of its ids")),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = Resource))
))]
pub async fn get(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
) -> Result<axum::Json<Resource>> {
    let resource = app.reader.get(&named(path)?).await?;
    caller.key.require_deployment(resource.deployment)?;
    Ok(axum::Json(resource))
}

/// Remove a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/resources/{kind}/{id}", tag = "resources",
    params(("kind" = vitrine::identifiers::Kind, Path,), ("id" = String, Path, description = "Any of its ids")),
    description = "Permission: `resources:write`. Its embeds end within `ResourceCacheSeconds`.",
    responses((status = 204, description = "Removed"))
))]
pub async fn delete(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode> {
    let reference = named(path)?;
    for _ in 0..ATTEMPTS {
        let resource = app.reader.get(&reference).await?;
        caller.key.require_deployment(resource.deployment)?;
        match app.writer.delete(&resource).await {
            Err(error) if error.reason == Reason::Conflict => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(StatusCode::NO_CONTENT),
        }
    }
    Err(Reason::Conflict.into())
}

fn named((kind, id): (String, String)) -> Result<ResourceRef> {
    let kind = kind.parse().map_err(|_| Reason::RouteNotFound)?;
    let reference = ResourceRef { kind, id: ResourceId::parse(kind, &id)? };
    audit::resource(&reference);
    Ok(reference)
}

fn fitting(resource: Resource) -> Result<Resource> {
    let issues = resource.size_problems();
    if issues.is_empty() { Ok(resource) } else { Err(Error::new(Reason::RequestInvalid).issues(issues)) }
}
