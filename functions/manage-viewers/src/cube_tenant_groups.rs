//! `/api/v1/embed-tenants/{name}/groups`: the groups of a tenant and their members, in Cube's API.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use tokio::task::JoinSet;
use vitrine::aws::storage::external_users::UserListing;
use vitrine::aws::storage::{ExternalUserLister, ExternalUserReader, TenantReader, UserDirectory};
use vitrine::dialects::cube::paging::Items;
use vitrine::dialects::cube::users::{GroupDefinition, description_problem};
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::{ConnectionQuery, paging};
use vitrine::http::{Allowed, HttpResult, Json, Query};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine::rules::viewer::tenant::{TenantGroup, TenantName};
use vitrine::rules::viewer::upsert_user::{Change, GroupChange, Standing, TenantChange};

use crate::State as App;
use crate::cube_tenants::{parse_new_tenant, parse_tenant};
use crate::external_users::{EmbedUser, parse_id};

const MAX_MEMBERS: usize = 1_000;

/// The number of members that are changed concurrently.
const AT_ONCE: usize = 16;

/// A group in Cube's form.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedGroup {
    id: u64,
    name: String,
    description: Option<String>,
    /// Ephemeral users are not counted.
    user_count: u64,
}

impl From<TenantGroup> for EmbedGroup {
    fn from(group: TenantGroup) -> Self {
        Self { id: group.id(), name: group.name, description: group.description, user_count: group.users }
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupPatch {
    /// An empty description clears it.
    #[deserr(default)]
    description: Option<String>,
}

impl Check for GroupPatch {
    fn problems(&self) -> Vec<Issue> {
        description_problem(self.description.as_deref(), "").into_iter().collect()
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MembersInput {
    /// 1 to 1000.
    members: Vec<Member>,
}

/// A member, named by exactly one of the two fields.
#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct Member {
    #[deserr(default)]
    external_id: Option<String>,
    #[deserr(default)]
    embed_user_id: Option<u64>,
}

impl Check for MembersInput {
    fn problems(&self) -> Vec<Issue> {
        if !(1..=MAX_MEMBERS).contains(&self.members.len()) {
            return vec![Issue::new("members", "must be 1 to 1000 items")];
        }
        let mut issues = Vec::new();
        for (index, member) in self.members.iter().enumerate() {
            if member.external_id.is_some() == member.embed_user_id.is_some() {
                let message = "must have exactly one of externalId and embedUserId";
                issues.push(Issue::new(format!("members[{index}]"), message));
            } else if let Some(Err(wrong)) = member.external_id.as_ref().map(|id| id.parse::<ExternalId>()) {
                issues.push(Issue::new(format!("members[{index}].externalId"), wrong.0));
            }
        }
        issues
    }
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MembersAdded {
    added_members: Vec<EmbedUser>,
    unchanged_members: Vec<EmbedUser>,
}

/// List the groups of an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/embed-tenants/{tenant}/groups", tag = "cube",
    params(("tenant" = String, Path,), ConnectionQuery),
    description = "Admin of the whole stack only.",
    responses((status = 200, body = Items<EmbedGroup>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(tenants): State<TenantReader>,
    Path(tenant): Path<String>,
    Query(query): Query<ConnectionQuery>,
) -> HttpResult<axum::Json<Items<EmbedGroup>>> {
    let tenant = tenants.get(&parse_tenant(&tenant)?).await?;
    let paging = paging(query.first, query.after);
    let page = tenants.groups(&tenant.name, &paging).await?;
    Ok(axum::Json(Items::of(page, paging.after.is_none())))
}

/// Create a group in an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed-tenants/{tenant}/groups", tag = "cube", params(("tenant" = String, Path,)),
    description = "Admin of the whole stack only. Creates the tenant if it does not exist. 400 if the name is taken or begins with `system:`.",
    request_body = GroupDefinition, responses((status = 200, body = EmbedGroup))
))]
pub async fn create(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(tenant): Path<String>,
    Json(input): Json<GroupDefinition>,
) -> HttpResult<axum::Json<EmbedGroup>> {
    let group = TenantGroup::from(input);
    app.tenant_writer.create_group(&parse_new_tenant(&tenant)?, &group, app.clock.now()).await?;
    Ok(axum::Json(group.into()))
}

/// Read a group of an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/embed-tenants/{tenant}/groups/{id}", tag = "cube",
    params(("tenant" = String, Path,), ("id" = u64, Path,)),
    description = "Admin of the whole stack only.",
    responses((status = 200, body = EmbedGroup))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(tenants): State<TenantReader>,
    Path(path): Path<(String, String)>,
) -> HttpResult<axum::Json<EmbedGroup>> {
    Ok(find(&tenants, &path).await.map(|(_, group)| axum::Json(group.into()))?)
}

/// Change the description of a group of an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/api/v1/embed-tenants/{tenant}/groups/{id}", tag = "cube",
    params(("tenant" = String, Path,), ("id" = u64, Path,)),
    description = "Admin of the whole stack only. The name cannot be changed, because policies refer to it.",
    request_body = GroupPatch, responses((status = 200, body = EmbedGroup))
))]
pub async fn patch(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Json(input): Json<GroupPatch>,
) -> HttpResult<axum::Json<EmbedGroup>> {
    let (tenant, mut group) = find(&app.tenants, &path).await?;
    if let Some(description) = input.description {
        group.description = Some(description).filter(|text| !text.is_empty());
        app.tenant_writer.describe_group(&tenant, &group).await?;
    }
    Ok(axum::Json(group.into()))
}

/// Delete a group of an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/embed-tenants/{tenant}/groups/{id}", tag = "cube",
    params(("tenant" = String, Path,), ("id" = u64, Path,)),
    description = "Admin of the whole stack only. 400 while it has members.",
    responses((status = 204, description = "Removed"))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
) -> HttpResult<StatusCode> {
    let (tenant, group) = find(&app.tenants, &path).await?;
    app.tenant_writer.delete_group(&tenant, group.id()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the members of a group.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/embed-tenants/{tenant}/groups/{id}/users", tag = "cube",
    params(("tenant" = String, Path,), ("id" = u64, Path,), ConnectionQuery),
    description = "Admin of the whole stack only. Sorted by email address, or by external id without one.",
    responses((status = 200, body = Items<EmbedUser>))
))]
pub async fn members(
    _: Allowed<StackAdmin>,
    State(tenants): State<TenantReader>,
    State(users): State<ExternalUserLister>,
    Path(path): Path<(String, String)>,
    Query(query): Query<ConnectionQuery>,
) -> HttpResult<axum::Json<Items<EmbedUser>>> {
    let (tenant, group) = find(&tenants, &path).await?;
    let paging = paging(query.first, query.after);
    let listing = UserListing { tenant: Some(&tenant), search: None, group: Some(&group.name) };
    let page = users.list(listing, &paging).await?;
    Ok(axum::Json(Items::of(page, paging.after.is_none())))
}

/// Add members to a group.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed-tenants/{tenant}/groups/{id}/users", tag = "cube",
    params(("tenant" = String, Path,), ("id" = u64, Path,)),
    description = "Admin of the whole stack only. An unknown external id becomes a new user; an unknown `embedUserId` is 404, and then no member is added.",
    request_body = MembersInput, responses((status = 200, body = MembersAdded))
))]
pub async fn add_members(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Json(input): Json<MembersInput>,
) -> HttpResult<axum::Json<MembersAdded>> {
    let (tenant, group) = find(&app.tenants, &path).await?;
    let users = each(input.members, |member| look_up(app.external_users.clone(), member)).await?;
    let mut seen = BTreeSet::new();
    let mut to_add = Vec::new();
    for (external_id, user) in users {
        let is_elsewhere =
            user.as_ref().and_then(|user| user.tenant_name()).is_some_and(|name| *name != tenant);
        if is_elsewhere {
            return Err(Reason::TenantOther.into());
        }
        if seen.insert(external_id.to_string()) {
            to_add.push(external_id);
        }
    }
    let added = each(to_add, |external_id| {
        let (registry, tenant, group) = (app.registry.clone(), tenant.clone(), group.name.clone());
        async move {
            let change = Change {
                tenant: Some(TenantChange::to(tenant)),
                tenant_groups: GroupChange::Join(group.clone()),
                standing: Standing::AsIs,
                ..Change::to(external_id)
            };
            let registration = registry.register(&change).await?;
            let before = registration.before.filter(|before| before.id == registration.user.id);
            Ok((before.is_some_and(|before| before.tenant_groups().contains(&group)), registration.user))
        }
    })
    .await?;
    let mut answer = MembersAdded::default();
    for (was_member, user) in added {
        let members = if was_member { &mut answer.unchanged_members } else { &mut answer.added_members };
        members.push(user.into());
    }
    Ok(axum::Json(answer))
}

/// Remove members from a group.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/embed-tenants/{tenant}/groups/{id}/users", tag = "cube",
    params(("tenant" = String, Path,), ("id" = u64, Path,)),
    description = "Admin of the whole stack only. Users that are unknown or no members are ignored.",
    request_body = MembersInput, responses((status = 204, description = "Removed"))
))]
pub async fn remove_members(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Json(input): Json<MembersInput>,
) -> HttpResult<StatusCode> {
    let (tenant, group) = find(&app.tenants, &path).await?;
    each(input.members, |member| {
        leave(app.external_users.clone(), app.registry.clone(), tenant.clone(), group.name.clone(), member)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn leave(
    users: ExternalUserReader,
    registry: UserDirectory,
    tenant: TenantName,
    group: String,
    member: Member,
) -> Result<()> {
    let user = match look_up(users, member).await {
        Ok((_, user)) => user,
        Err(error) if error.reason == Reason::UserNotFound => None,
        Err(error) => return Err(error),
    };
    let Some(user) = user.filter(|user| user.tenant_name() == Some(&tenant)) else { return Ok(()) };
    if !user.tenant_groups().contains(&group) {
        return Ok(());
    }
    let change = Change {
        tenant_groups: GroupChange::Leave(group),
        standing: Standing::AsIs,
        ..Change::to(user.external_id)
    };
    registry.register(&change).await.map(drop)
}

/// A member of a request, with the stored user if there is one.
async fn look_up(users: ExternalUserReader, member: Member) -> Result<(ExternalId, Option<ExternalUser>)> {
    match member {
        Member { external_id: Some(id), .. } => {
            let id: ExternalId = id.parse().map_err(|_| Error::internal("an external id was not checked"))?;
            let user = users.find(&id).await?;
            Ok((id, user))
        }
        Member { embed_user_id, .. } => {
            let user =
                users.find_by_id(embed_user_id.unwrap_or_default()).await?.ok_or(Reason::UserNotFound)?;
            Ok((user.external_id.clone(), Some(user)))
        }
    }
}

async fn find(tenants: &TenantReader, (tenant, id): &(String, String)) -> Result<(TenantName, TenantGroup)> {
    let tenant = parse_tenant(tenant)?;
    let group = tenants.group(&tenant, parse_id(id)?).await?;
    Ok((tenant, group))
}

/// Applies a function to each item, some concurrently, and returns the results in order.
async fn each<T, R, F>(all: Vec<T>, act: impl Fn(T) -> F) -> Result<Vec<R>>
where
    R: Send + 'static,
    F: Future<Output = Result<R>> + Send + 'static,
{
    let mut waiting = all.into_iter().enumerate();
    let (mut running, mut done) = (JoinSet::new(), Vec::new());
    loop {
        while running.len() < AT_ONCE
            && let Some((place, one)) = waiting.next()
        {
            let acting = act(one);
            running.spawn(async move { (place, acting.await) });
        }
        let Some(finished) = running.join_next().await else { break };
        let (place, result) = finished.map_err(Error::internal)?;
        done.push((place, result?));
    }
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
