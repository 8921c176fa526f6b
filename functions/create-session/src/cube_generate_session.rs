//! `POST /api/v1/embed/generate-session`, as Cube's clients call it.

use axum::extract::State;
use serde::Serialize;
use vitrine::app::create_session::DeploymentSession;
use vitrine::app::request_context;
use vitrine::http::caller::CreateSessions;
use vitrine::http::{Allowed, HttpResult, TolerantJson};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::resource::ids::{Deployment, Kind, ResourceId, ResourceRef, is_public_id};
use vitrine::rules::settings::Settings;

use crate::State as App;
use crate::cube_session_input::GenerateSession;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionGenerated {
    /// The value of `?session=` in the dashboard's URL.
    session_id: String,
}

/// Generate an embed session.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed/generate-session", tag = "cube",
    description = "Permission: `sessions:create`. Creates or changes the external user, and returns a session that is exchanged once within five minutes. It opens every published dashboard of the deployment, or the one named. Authoring and chat are not offered: `creatorMode` is stored, and allows the request to contain definitions of the tenant. With a key that is limited to deployments, the email address, profile, attributes and groups hold for this session only, and a tenant is 403.",
    request_body = GenerateSession, responses((status = 200, body = SessionGenerated), (status = 404), (status = 409), (status = 429))
))]
pub async fn generate(
    caller: Allowed<CreateSessions>,
    State(app): State<App>,
    TolerantJson(input): TolerantJson<GenerateSession>,
) -> HttpResult<axum::Json<SessionGenerated>> {
    let deployment = deployment_of(&input, &app.settings, &caller.key)?;
    if input.names_another_branch() {
        return Err(Reason::BranchNotFound.into());
    }
    let dashboard = input.public_dashboard_id.as_deref().map(dashboard).transpose()?;
    let request = DeploymentSession {
        deployment,
        dashboard,
        creator_mode: input.creator_mode.unwrap_or_default(),
        security_context: input.security_context(),
        settings: input.settings(),
        theme: input.theme(),
    };
    let session_id = app.sessions.create_for_deployment(&caller.key, request, input.user()?).await?;
    Ok(axum::Json(SessionGenerated { session_id }))
}

/// The named deployment, or the only one that the key reaches.
fn deployment_of(input: &GenerateSession, settings: &Settings, key: &AccessKey) -> Result<Deployment> {
    let Some(named) = input.deployment_id else {
        let mut reachable = key.reach.reachable(settings);
        return match (reachable.next(), reachable.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Error::invalid("deploymentId", "is required")),
        };
    };
    key.reach.enter(named)?;
    if settings.deployments.contains(&named) { Ok(named) } else { Err(Reason::DeploymentNotFound.into()) }
}

fn dashboard(public_id: &str) -> Result<ResourceRef> {
    if !is_public_id(public_id) {
        return Err(Reason::ResourceNotFound.into());
    }
    let dashboard = ResourceRef::new(Kind::Dashboard, ResourceId::Public(public_id.to_owned()));
    request_context::resource(&dashboard);
    Ok(dashboard)
}
