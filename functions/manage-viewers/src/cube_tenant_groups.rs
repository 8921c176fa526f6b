//! `/api/v1/embed-tenants/{name}/groups`: the groups of a tenant and their members, in Cube's API.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::change_group_members::{ChangedMember, MemberId};
use vitrine::aws::storage::external_users::UserListing;
use vitrine::aws::storage::{ExternalUserLister, TenantReader};
use vitrine::dialects::cube::paging::{ConnectionQuery, Items};
use vitrine::dialects::cube::users::{EmbedUser, GroupDefinition, description_problem};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, Json, Query};
use vitrine::rules::error::{Error, Issue, Result};
use vitrine::rules::json::input::{AtMost, Check, Invalid};
use vitrine::rules::viewer::external_user::ExternalId;
use vitrine::rules::viewer::tenant::{TenantGroup, TenantName};

use crate::State as App;
use crate::cube_tenants::{parse_new_tenant, parse_tenant};
use crate::external_users::parse_id;

const MAX_MEMBERS: usize = 1_000;

/// A group, as Cube's clients read it.
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
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
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
#[cfg_attr(feature = "openapi", schema(example = json!({"members": [{"externalId": "user-1"}]})))]
pub struct MembersInput {
    /// 1 to 1000.
    #[deserr(from(AtMost<EmbedGroupMember, MAX_MEMBERS, 1>) = AtMost::into_vec)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    members: Vec<EmbedGroupMember>,
}

/// A member, named by exactly one of the two fields.
#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct EmbedGroupMember {
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::Label>))]
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
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), ConnectionQuery),
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
    let paging = query.paging();
    let page = tenants.groups(&tenant.name, &paging).await?;
    Ok(axum::Json(Items::of(page, &paging)))
}

/// Create a group in an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed-tenants/{tenant}/groups", tag = "cube", params(("tenant" = vitrine::rules::forms::TenantInPath, Path,)),
    description = "Admin of the whole stack only. Creates the tenant if it does not exist. 400 if the name is taken or begins with `system:`.",
    request_body = GroupDefinition, responses((status = 200, body = EmbedGroup), (status = 409))
))]
pub async fn create(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(tenant): Path<String>,
    Json(input): Json<GroupDefinition>,
) -> HttpResult<axum::Json<EmbedGroup>> {
    let group = TenantGroup::from(input);
    app.group_creator.create(&parse_new_tenant(&tenant)?, &group).await?;
    Ok(axum::Json(group.into()))
}

/// Read a group of an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/embed-tenants/{tenant}/groups/{id}", tag = "cube",
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), ("id" = u64, Path, minimum = 1)),
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
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), ("id" = u64, Path, minimum = 1)),
    description = "Admin of the whole stack only. The name cannot be changed, because policies refer to it.",
    request_body = GroupPatch, responses((status = 200, body = EmbedGroup), (status = 409))
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
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), ("id" = u64, Path, minimum = 1)),
    description = "Admin of the whole stack only. 400 while it has members.",
    responses((status = 204, description = "Removed"), (status = 409))
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
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), ("id" = u64, Path, minimum = 1), ConnectionQuery),
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
    let paging = query.paging();
    let listing = UserListing { tenant: Some(&tenant), search: None, group: Some(&group.name) };
    let page = users.list(listing, &paging).await?;
    Ok(axum::Json(Items::of(page, &paging)))
}

/// Add members to a group.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed-tenants/{tenant}/groups/{id}/users", tag = "cube",
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), ("id" = u64, Path, minimum = 1)),
    description = "Admin of the whole stack only. An unknown external id becomes a new user; an unknown `embedUserId` is 404, and then no member is added.",
    request_body = MembersInput, responses((status = 200, body = MembersAdded), (status = 409), (status = 429))
))]
pub async fn add_members(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Json(input): Json<MembersInput>,
) -> HttpResult<axum::Json<MembersAdded>> {
    let (tenant, group) = find(&app.tenants, &path).await?;
    let added = app.members.add(&tenant, &group.name, ids(input.members)?).await?;
    let mut answer = MembersAdded::default();
    for ChangedMember { user, was_member } in added {
        let members = if was_member { &mut answer.unchanged_members } else { &mut answer.added_members };
        members.push(user.into());
    }
    Ok(axum::Json(answer))
}

/// Remove members from a group.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/embed-tenants/{tenant}/groups/{id}/users", tag = "cube",
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), ("id" = u64, Path, minimum = 1)),
    description = "Admin of the whole stack only. Users that are unknown or no members are ignored.",
    request_body = MembersInput, responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn remove_members(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Json(input): Json<MembersInput>,
) -> HttpResult<StatusCode> {
    let (tenant, group) = find(&app.tenants, &path).await?;
    app.members.remove(&tenant, &group.name, ids(input.members)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The ids of members that were checked when the request was read.
fn ids(members: Vec<EmbedGroupMember>) -> Result<Vec<MemberId>> {
    let id = |member| match member {
        EmbedGroupMember { external_id: Some(id), .. } => {
            id.parse().map(MemberId::External).map_err(|_| Error::internal("an external id was not checked"))
        }
        EmbedGroupMember { embed_user_id, .. } => Ok(MemberId::Number(embed_user_id.unwrap_or_default())),
    };
    members.into_iter().map(id).collect()
}

async fn find(tenants: &TenantReader, (tenant, id): &(String, String)) -> Result<(TenantName, TenantGroup)> {
    let tenant = parse_tenant(tenant)?;
    let group = tenants.group(&tenant, parse_id(id)?).await?;
    Ok((tenant, group))
}
