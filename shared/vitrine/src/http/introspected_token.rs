//! What the owner's other services are told of a good credential: by introspection, and by the authorizer in
//! front of their own APIs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::open_view::TokenScope;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::{Deployment, Kind, PrimaryId};
use vitrine_rules::session::Context;
use vitrine_rules::token::Claims;
use vitrine_rules::viewer::Viewer;
use vitrine_rules::viewer::tenant::TenantName;

/// Said of an active token only.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Known {
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
    /// None of a session that opens whatever is published in its deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<IntrospectedResource>,
    /// Every effective value, the locked ones too.
    pub values: BTreeMap<String, Value>,
    pub viewer: Viewer,
    /// What else is known of an embed session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<IntrospectedSession>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntrospectedSession {
    pub deployment: Deployment,
    pub embed_tenant: Option<TenantName>,
    pub creator_mode: bool,
    /// What it was generated with, and under `cubeCloud` who the viewer is.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub security_context: Map<String, Value>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

impl IntrospectedSession {
    fn of(context: &Context, viewer: &Viewer) -> Self {
        let mut security_context = context.security_context.clone().unwrap_or_default();
        let known = json!({
            "username": viewer.id,
            "groups": viewer.groups,
            "userAttributes": viewer.attributes,
        });
        security_context.insert("cubeCloud".to_owned(), known);
        Self {
            deployment: context.deployment,
            embed_tenant: context.tenant.as_ref().map(|(name, _)| name.clone()),
            creator_mode: context.creator_mode,
            security_context,
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

impl Known {
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
