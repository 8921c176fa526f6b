//! The claims of a token, each of the right type.

use serde_json::{Map, Value};

use crate::error::{Error, Reason, Result};
use crate::json::input;
use crate::json::strict;
use crate::resource::embed_policy::EmbeddingParams;
use crate::resource::ids::{Deployment, Kind, ResourceId, ResourceRef};
use crate::viewer::Viewer;
use crate::viewer::tenant::TenantName;

#[derive(Debug, Clone, Default)]
pub struct Claims {
    pub expires: Option<i64>,
    pub not_before: Option<i64>,
    pub issued: Option<i64>,
    pub issuer: Option<String>,
    pub subject: Option<String>,
    pub token_id: Option<String>,
    /// The stored session that the token belongs to. Without it the token opens nothing.
    pub session: Option<String>,
    /// The version of the content that the token names; none means the current one.
    pub version: Option<u64>,
    /// The service account of the viewer. Without it the token opens nothing.
    pub account: Option<String>,
    /// The external user of the viewer. Without it the token opens nothing.
    pub user: Option<u64>,
    /// The tenant of that user.
    pub tenant: Option<TenantName>,
    /// The deployment whose published dashboards the token's session opens.
    pub deployment: Option<Deployment>,
    /// The content has a stored initial state.
    pub has_state: bool,
    pub viewer: Viewer,
    resource: Option<Value>,
    params: Option<Value>,
    embedding_params: Option<Value>,
}

impl Claims {
    /// Reads the claims of a token. Only a token that the stack `minted` has the stack's own claims: in an owner's
    /// token the same names, such as an identity provider's `sid`, mean other things.
    pub fn read(json: &[u8], minted: bool) -> Result<Self> {
        let Some(Value::Object(mut members)) = strict::parse(json) else {
            return Err(Error::new(Reason::TokenClaims).detail("not a JSON object"));
        };
        let viewer = match members.remove("viewer") {
            None | Some(Value::Null) => Viewer::default(),
            // serde would also accept a list, by position.
            Some(value) if !value.is_object() => return Err(wrong("viewer")),
            Some(value) => serde_json::from_value(value)
                .ok()
                .filter(|viewer: &Viewer| viewer.problems("viewer").is_empty())
                .ok_or_else(|| wrong("viewer"))?,
        };
        let own = if minted { OwnClaims::read(&mut members)? } else { OwnClaims::default() };
        Ok(Self {
            expires: moment(&mut members, "exp")?,
            not_before: moment(&mut members, "nbf")?,
            issued: moment(&mut members, "iat")?,
            issuer: text(&mut members, "iss")?,
            subject: text(&mut members, "sub")?,
            token_id: text(&mut members, "jti")?,
            session: own.session,
            version: own.version,
            account: own.account,
            user: own.of_deployment.user,
            tenant: own.of_deployment.tenant,
            deployment: own.of_deployment.deployment,
            has_state: own.has_state,
            viewer,
            resource: members.remove("resource"),
            params: members.remove("params"),
            embedding_params: members.remove("_embedding_params"),
        })
    }

    /// The claims of a token for this resource, these parameters and this viewer.
    pub fn granting(resource: &ResourceRef, params: Map<String, Value>, viewer: Viewer) -> Self {
        let id = match &resource.id {
            ResourceId::Number(number) => Value::from(*number),
            id => Value::from(id.to_string()),
        };
        Self {
            viewer,
            resource: Some(Value::Object(Map::from_iter([(resource.kind.word().to_owned(), id)]))),
            params: Some(Value::Object(params)),
            ..Self::default()
        }
    }

    /// Returns whether the token's session opens everything that is published in its deployment.
    pub const fn opens_deployment(&self) -> bool {
        self.deployment.is_some() && self.resource.is_none()
    }

    /// The resource that the token names; of `kind`, if the route names one. A token that names two is refused on
    /// every route, so that it cannot mean different things on different routes.
    pub fn resource(&self, kind: Option<Kind>) -> Result<ResourceRef> {
        let named = |kind: Kind| {
            self.resource.as_ref().and_then(|resource| resource.get(kind.word())).filter(|id| !id.is_null())
        };
        let missing = |keypath: &str| {
            Error::new(Reason::ResourceMissing)
                .message(format!("Token is missing value for keypath {keypath}"))
        };
        let mut kinds = Kind::ALL.into_iter().filter(|kind| named(*kind).is_some());
        let (first, second) = (kinds.next(), kinds.next());
        if second.is_some() {
            return Err(Reason::ResourceAmbiguous.into());
        }
        let kind = kind.or(first).ok_or_else(|| missing("[:resource]"))?;
        let id = named(kind).ok_or_else(|| missing(&format!("[:resource :{kind}]")))?;
        Ok(ResourceRef { kind, id: ResourceId::from_claim(kind, id)? })
    }

    /// The parameters that the token sets. PHP writes an empty object as `[]`.
    pub fn params(&self) -> Result<Map<String, Value>> {
        match &self.params {
            None | Some(Value::Null | Value::Bool(false)) => Err(Reason::ParamsMissing.into()),
            Some(Value::Object(params)) => Ok(params.clone()),
            Some(Value::Array(items)) if items.is_empty() => Ok(Map::new()),
            Some(_) => Err(Reason::ParamsInvalid.into()),
        }
    }

    /// The embed policy for a preview.
    pub fn preview_policy(&self) -> Result<EmbeddingParams> {
        match &self.embedding_params {
            None | Some(Value::Null) => Err(Reason::PolicyMissing.into()),
            Some(policy) => input::read(policy.clone()),
        }
    }
}

/// Claims that only the stack's own tokens have.
#[derive(Default)]
struct OwnClaims {
    session: Option<String>,
    version: Option<u64>,
    account: Option<String>,
    has_state: bool,
    of_deployment: OfDeployment,
}

impl OwnClaims {
    fn read(members: &mut Map<String, Value>) -> Result<Self> {
        let session = text(members, "sid")?;
        Ok(Self {
            of_deployment: match &session {
                Some(_) => OfDeployment::read(members)?,
                None => OfDeployment::default(),
            },
            session,
            version: positive(members, "version")?,
            account: text(members, "account")?,
            has_state: match members.remove("state") {
                None => false,
                Some(Value::Bool(has_state)) => has_state,
                Some(_) => return Err(wrong("state")),
            },
        })
    }
}

/// Claims that only tokens of a deployment's session have.
#[derive(Default)]
struct OfDeployment {
    user: Option<u64>,
    tenant: Option<TenantName>,
    deployment: Option<Deployment>,
}

impl OfDeployment {
    fn read(members: &mut Map<String, Value>) -> Result<Self> {
        let Some(number) = positive(members, "deploymentId")? else { return Ok(Self::default()) };
        let number = u32::try_from(number).ok().and_then(|number| Deployment::new(number).ok());
        let tenant = text(members, "tenant")?.map(|name| name.parse().map_err(|_| wrong("tenant")));
        Ok(Self {
            user: positive(members, "user")?,
            tenant: tenant.transpose()?,
            deployment: Some(number.ok_or_else(|| wrong("deploymentId"))?),
        })
    }
}

/// Reads a `NumericDate`: seconds, possibly with a fraction.
fn moment(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<i64>> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            #[expect(clippy::cast_possible_truncation, reason = "a float saturates, which is what we want")]
            let seconds = number
                .as_i64()
                .or_else(|| number.as_f64().map(|seconds| seconds.floor() as i64))
                .ok_or_else(|| wrong(name))?;
            Ok(Some(seconds))
        }
        Some(_) => Err(wrong(name)),
    }
}

fn positive(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<u64>> {
    match members.remove(name) {
        None => Ok(None),
        Some(value) => value.as_u64().filter(|number| *number > 0).map(Some).ok_or_else(|| wrong(name)),
    }
}

fn text(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name)),
    }
}

fn wrong(claim: &'static str) -> Error {
    Error::new(Reason::TokenClaims).detail(format_args!("claim {claim} has the wrong type"))
}
