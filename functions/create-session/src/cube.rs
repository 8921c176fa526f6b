//! `POST /api/v1/embed/generate-session`, as Cube's clients call it.

use axum::extract::State;
use serde::Serialize;
use vitrine::app::dry_run::DryRun;
use vitrine::app::request_context;
use vitrine::aws::storage::sessions::SessionItem;
use vitrine::http::caller::CreateSessions;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::random;
use vitrine::rules::resource::ids::{Deployment, Kind, ResourceId, ResourceRef, is_public_id};
use vitrine::rules::session::{
    Context, DEPLOYMENT_SECONDS, Lifetime, REDEEM_WITHIN_SECONDS, Session, SessionGrant,
};
use vitrine::rules::settings::Settings;
use vitrine::rules::viewer::Viewer;
use vitrine::rules::viewer::service_account::Username;
use vitrine::rules::viewer::tenant::TenantName;
use vitrine::rules::viewer::upsert_user::UserUpsert;

use crate::State as App;
use crate::cube_input::{GenerateSession, Who};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionGenerated {
    /// Goes behind `?session=` of the dashboard's URL.
    session_id: String,
}

/// Generate an embed session.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed/generate-session", tag = "cube",
    description = "Permission: `sessions:create`. Makes or changes the external user, and gives a session that is exchanged once within five minutes. It opens every published dashboard of the deployment, or the one named. An authoring surface and chat are not offered: `creatorMode` is kept, and lets the call bring a tenant's own definitions.",
    request_body = GenerateSession, responses((status = 200, body = SessionGenerated))
))]
pub async fn generate(
    caller: Allowed<CreateSessions>,
    State(app): State<App>,
    Json(input): Json<GenerateSession>,
) -> HttpResult<axum::Json<SessionGenerated>> {
    let deployment = deployment_of(&input, &app.settings, &caller.key)?;
    if input.names_another_branch() {
        return Err(Reason::BranchNotFound.into());
    }
    let dashboard = input.public_dashboard_id.as_deref().map(dashboard).transpose()?;
    let rehearsal = app.rehearsals.of_session(dashboard).await?;
    let session_id = random::hex_session()?;
    let draft = Draft {
        fingerprint: random::fingerprint(&session_id),
        input: &input,
        deployment,
        rehearsal,
        now: app.clock.now(),
    };
    match input.who()? {
        Who::External(change) => {
            app.registry.register_with(&change, |registration| draft.of_user(registration).map(Some)).await?;
        }
        Who::Internal(username) => {
            let username: Username = username.parse().map_err(|_| Error::from(Reason::AccountNotFound))?;
            let account = app.accounts.find(&username).await?.ok_or(Reason::AccountNotFound)?;
            let viewer = Viewer {
                id: Some(account.username.to_string()),
                attributes: account.attributes,
                groups: Vec::new(),
            };
            let vouches = SessionGrant { account: Some(account.id), ..SessionGrant::default() };
            app.sessions.start(draft.file(vouches, viewer, None)?).await?;
        }
    }
    Ok(axum::Json(SessionGenerated { session_id }))
}

/// The deployment that is named; the only one if none is.
fn deployment_of(input: &GenerateSession, settings: &Settings, key: &AccessKey) -> Result<Deployment> {
    let deployment = match (input.deployment_id, settings.deployments.as_slice()) {
        (Some(named), all) if all.contains(&named) => named,
        (Some(_), _) => return Err(Reason::DeploymentNotFound.into()),
        (None, [only]) => *only,
        (None, _) => return Err(Error::invalid("deploymentId", "is required")),
    };
    key.require_deployment(deployment).map(|()| deployment)
}

fn dashboard(public_id: &str) -> Result<ResourceRef> {
    if !is_public_id(public_id) {
        return Err(Reason::ResourceNotFound.into());
    }
    let dashboard = ResourceRef::new(Kind::Dashboard, ResourceId::Public(public_id.to_owned()));
    request_context::resource(&dashboard);
    Ok(dashboard)
}

/// A session about to be filed.
struct Draft<'a> {
    fingerprint: String,
    input: &'a GenerateSession,
    deployment: Deployment,
    rehearsal: DryRun,
    now: Timestamp,
}

impl Draft<'_> {
    fn of_user(&self, registration: &UserUpsert) -> Result<SessionItem> {
        let user = &registration.user;
        let viewer = Viewer {
            id: Some(user.external_id.to_string()),
            attributes: registration.attributes.clone(),
            groups: registration.groups.clone(),
        };
        let vouches = SessionGrant { user: Some(user.id), ..SessionGrant::default() };
        let tenant = user.tenant.as_ref().map(|membership| (membership.tenant.clone(), membership.tenant_id));
        self.file(vouches, viewer, tenant)
    }

    /// The session, as long as it could open what it is about. The token names the viewer and nothing else
    /// of what is known of them.
    fn file(
        &self,
        vouches: SessionGrant,
        viewer: Viewer,
        tenant: Option<(TenantName, u64)>,
    ) -> Result<SessionItem> {
        let named = Viewer { id: viewer.id.clone(), ..Viewer::default() };
        let tenant_name = tenant.as_ref().map(|(name, _)| name.clone());
        let context = Context {
            deployment: self.deployment,
            dashboard: self.input.public_dashboard_id.clone(),
            viewer,
            user: vouches.user,
            tenant,
            creator_mode: self.input.creator_mode.unwrap_or_default(),
            security_context: self.input.security_context(),
            settings: self.input.settings(),
            theme: self.input.theme(),
        };
        if context.size() > Context::MAX_BYTES {
            return Err(Reason::ContextTooLarge.into());
        }
        let opened = self.rehearsal.open(&context)?;
        let session = Session {
            vouches: SessionGrant {
                resource: opened.map(|resource| (resource.kind, resource.id.clone())),
                viewer: named,
                tenant: tenant_name,
                deployment: Some(self.deployment),
                ..vouches
            },
            created_at: self.now,
            redeem_by: self.now.plus(REDEEM_WITHIN_SECONDS),
            lifetime: Lifetime::For(DEPLOYMENT_SECONDS),
        };
        SessionItem::new(&self.fingerprint, &session, Some(&context))
    }
}
