//! `/v1/external-users/{id}/sessions`: lists and ends the sessions of one external user.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::end_user_session::UserSessionEnder;
use vitrine::aws::storage::sessions::UserSession;
use vitrine::aws::storage::{ExternalUserReader, UserSessionLister};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, List, Query};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::Reason;
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::paging::{Paging, parse_limit};
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::session::SessionState;

use crate::external_users::parse_id;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserSessionSummary {
    /// The name of the session. It opens nothing.
    id: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    /// The end of the time in which it can be exchanged, or of the token that it was exchanged for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    expires_at: Timestamp,
    /// It was exchanged for a token.
    redeemed: bool,
    deployment: Option<Deployment>,
    /// The only dashboard that it opens; everything that is published in the deployment if absent.
    dashboard: Option<String>,
}

impl From<UserSession> for UserSessionSummary {
    fn from(one: UserSession) -> Self {
        let grant = &one.session.grant;
        Self {
            deployment: grant.deployment,
            dashboard: grant.resource.as_ref().map(|(_, id)| id.to_string()),
            created_at: one.session.created_at,
            expires_at: one.ends_at,
            redeemed: one.state == SessionState::Redeemed,
            id: one.handle,
        }
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct SessionQuery {
    /// 1 to 1000, of which at most 100 are on a page; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    limit: Option<i32>,
    /// `next_cursor` of the previous page.
    #[deserr(default)]
    cursor: Option<String>,
}

/// List the sessions of an external user.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/external-users/{id}/sessions", tag = "external users",
    params(("id" = u64, Path, minimum = 1), SessionQuery),
    description = "Admin of the whole stack only. Those that are not over, the newest first.",
    responses((status = 200, body = List<UserSessionSummary>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(users): State<ExternalUserReader>,
    State(sessions): State<UserSessionLister>,
    Path(id): Path<String>,
    Query(query): Query<SessionQuery>,
) -> HttpResult<axum::Json<List<UserSessionSummary>>> {
    let id = parse_id(&id)?;
    users.find_by_id(id).await?.ok_or(Reason::UserNotFound)?;
    let page = sessions.of(id, &Paging::new(query.limit, query.cursor)).await?;
    Ok(axum::Json(List::of(page)))
}

/// End a session of an external user.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/external-users/{id}/sessions/{session}", tag = "external users",
    params(("id" = u64, Path, minimum = 1), ("session" = String, Path, description = "`id` of the list")),
    description = "Admin of the whole stack only. Views that it opened end within `ResourceCacheSeconds`.",
    responses((status = 204, description = "Ended"))
))]
pub async fn end(
    _: Allowed<StackAdmin>,
    State(ender): State<UserSessionEnder>,
    Path((id, session)): Path<(String, String)>,
) -> HttpResult<StatusCode> {
    ender.end(parse_id(&id)?, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}
