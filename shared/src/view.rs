//! The one way of a view.
//!
//! [`decide`] is the only function that turns a credential into a [`View`], and every route that shows
//! anything goes through it. It fails closed: whatever is missing or unknown is a refusal.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::identifiers::Kind;
use crate::parameters::{self, Given, VisibleParameter};
use crate::resource::Resource;
use crate::session::SessionState;
use crate::settings::Settings;
use crate::token::Claims;
use crate::viewer::Viewer;

/// The answer: what this credential may see, here and now.
#[derive(Debug, Clone)]
pub struct View {
    pub resource: std::sync::Arc<Resource>,
    /// What the viewer may see and change.
    pub visible: Vec<VisibleParameter>,
    /// Every effective value, the locked ones too. Not for the browser.
    pub values: BTreeMap<String, Value>,
    pub viewer: Viewer,
    pub expires_at: Option<Timestamp>,
}

/// What storage knows that bears on the decision.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub embedding_enabled: bool,
    pub resource: Option<std::sync::Arc<Resource>>,
    /// The session, or the revocation, that the token's id stands for.
    pub session: SessionState,
}

/// Decides about a token that is authentic and in time.
pub fn decide(
    claims: &Claims,
    kind: Option<Kind>,
    evidence: &Evidence,
    url: &serde_json::Map<String, Value>,
    settings: &Settings,
) -> Result<View> {
    check_session(claims, evidence.session)?;
    let asked = claims.resource(kind)?;
    if !evidence.embedding_enabled {
        return Err(Reason::EmbeddingDisabled.into());
    }
    let resource = evidence.resource.clone().ok_or(Reason::ResourceNotFound)?;
    if !resource.references().contains(&asked) {
        return Err(Error::internal("evidence is about another resource"));
    }
    check_published(&resource)?;
    let resolved = parameters::resolve(
        &resource.parameters,
        &resource.embedding_params,
        Given { token: &claims.params()?, url, attributes: &claims.viewer.attributes },
        settings,
    )?;
    Ok(View {
        resource,
        visible: resolved.visible,
        values: resolved.values,
        viewer: claims.viewer.clone(),
        expires_at: claims.expires.map(Timestamp::from_unix),
    })
}

/// May the resource be shown to anybody at all?
pub fn check_published(resource: &Resource) -> Result<()> {
    if resource.archived {
        return Err(Reason::ResourceArchived.into());
    }
    if !resource.enable_embedding {
        return Err(Reason::ResourceNotPublished.into());
    }
    Ok(())
}

fn check_session(claims: &Claims, state: SessionState) -> Result<()> {
    match state {
        SessionState::Revoked => Err(Reason::TokenRevoked.into()),
        SessionState::Redeemed => Ok(()),
        // A token out of a stored session lives only as long as the session does.
        SessionState::Absent | SessionState::Waiting if claims.session.is_some() => {
            Err(Reason::TokenRevoked.into())
        }
        SessionState::Absent | SessionState::Waiting => Ok(()),
    }
}
