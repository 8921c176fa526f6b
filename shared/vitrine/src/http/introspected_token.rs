//! The description of a valid credential for the owner's other services: the answer of introspection, and of
//! the authorizer in front of their own APIs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::open_view::TokenScope;
use crate::dialects::security_context;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::{Deployment, Kind, PrimaryId};
use vitrine_rules::session::SessionContext;
use vitrine_rules::token::Claims;
use vitrine_rules::viewer::Viewer;
use vitrine_rules::viewer::tenant::TenantName;

/// The members of an introspection that only an active token has.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntrospectedToken {
    pub token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Absent for a session that opens everything that is published in its deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<IntrospectedResource>,
    /// Every effective value, the locked ones too.
    pub values: BTreeMap<String, Value>,
    pub viewer: Viewer,
    /// Present for the token of an embed session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<IntrospectedSession>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntrospectedSession {
    pub deployment: Deployment,
    pub embed_tenant: Option<TenantName>,
    pub creator_mode: bool,
    /// The security context that the session was generated with, and the viewer beside it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub security_context: Map<String, Value>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

impl IntrospectedSession {
    fn of(context: &SessionContext, viewer: &Viewer) -> Self {
        Self {
            deployment: context.deployment,
            embed_tenant: context.tenant.as_ref().map(|(name, _)| name.clone()),
            creator_mode: context.creator_mode,
            security_context: security_context::with_viewer(context, viewer),
            settings: context.settings.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntrospectedResource {
    pub kind: Kind,
    pub id: PrimaryId,
    pub entity_id: Option<String>,
    pub public_id: String,
    pub title: String,
}

impl IntrospectedToken {
    pub fn of(scope: TokenScope, claims: Claims) -> Self {
        let (resource, values, viewer, context) = match scope {
            TokenScope::View(view) => {
                (Some((&*view.resource).into()), view.given_values, view.viewer, view.context)
            }
            TokenScope::Session(recognised) => {
                (None, BTreeMap::new(), recognised.viewer, Some(recognised.context))
            }
        };
        Self {
            token_type: "embed",
            iss: claims.issuer,
            sub: claims.subject,
            jti: claims.token_id,
            iat: claims.issued,
            nbf: claims.not_before,
            exp: claims.expires,
            resource,
            values,
            session: context.map(|context| IntrospectedSession::of(&context, &viewer)),
            viewer,
        }
    }
}

impl From<&Resource> for IntrospectedResource {
    fn from(resource: &Resource) -> Self {
        Self {
            kind: resource.kind,
            id: resource.id.clone(),
            entity_id: resource.entity_id.clone(),
            public_id: resource.public_id.clone(),
            title: resource.title.clone(),
        }
    }
}
