//! `/api/embed/{kind}/{token}/params/{key}/...`: what a viewer may choose from, for parameters with a
//! static list of values. Never for one that the viewer may not set.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use serde_json::{Map, Value};
use vitrine::error::{Error, Reason, Result};
use vitrine::http::Allowed;
use vitrine::http::caller::Admin;
use vitrine::parameter::Parameter;
use vitrine::parameters;
use vitrine::view::{Asked, NamedBy, Terms};
use vitrine::views::Views;

use crate::metabase::kind_of;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Values {
    /// Each `[value]` or `[value, label]`.
    values: Vec<Vec<Value>>,
    has_more_values: bool,
}

impl From<Vec<Vec<Value>>> for Values {
    fn from(values: Vec<Vec<Value>>) -> Self {
        Self { values, has_more_values: false }
    }
}

/// List a parameter's values.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}/params/{key}/values", tag = "metabase",
    params(("kind" = String, Path, description = "`card` or `dashboard`"), ("token" = String, Path), ("key" = String, Path, description = "The parameter's id, or its slug where it has none")),
    description = "The query holds other parameters, by the same key.",
    responses((status = 200, body = Values)), security(())
))]
pub async fn values(
    State(views): State<Views>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Values>> {
    list(&views, Terms::Published, (kind, token, key), query).await
}

/// List a parameter's values in a preview.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/{kind}/{token}/params/{key}/values", tag = "metabase",
    params(("kind" = String, Path, description = "`card` or `dashboard`"), ("token" = String, Path), ("key" = String, Path, description = "The parameter's id, or its slug where it has none")),
    description = "Admin only.",
    responses((status = 200, body = Values))
))]
pub async fn preview_values(
    _: Allowed<Admin>,
    State(views): State<Views>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Values>> {
    views.require_embedding().await?;
    list(&views, Terms::Preview, (kind, token, key), query).await
}

/// Search a parameter's values.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}/params/{key}/search/{prefix}", tag = "metabase",
    params(("kind" = String, Path, description = "`card` or `dashboard`"), ("token" = String, Path), ("key" = String, Path), ("prefix" = String, Path, description = "Found anywhere in a value or label, in either case")),
    responses((status = 200, body = Values)), security(())
))]
pub async fn search(
    State(views): State<Views>,
    Path((kind, token, key, prefix)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Values>> {
    let sought = prefix.to_lowercase();
    let mut values =
        choices(&views, Terms::Published, (kind, token, key), query, "search for values").await?;
    values.retain(|choice| choice.iter().any(|part| text(part).to_lowercase().contains(&sought)));
    Ok(axum::Json(values.into()))
}

/// Find the label of a value.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}/params/{key}/remapping", tag = "metabase",
    params(("kind" = String, Path, description = "`card` or `dashboard`"), ("token" = String, Path), ("key" = String, Path), ("value" = String, Query)),
    description = "`[value]` or `[value, label]`; a value that is not in the list comes back alone.",
    responses((status = 200, body = Vec<Value>)), security(())
))]
pub async fn remapping(
    State(views): State<Views>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Vec<Value>>> {
    let mut others = parameters::from_query(query.as_deref().unwrap_or_default());
    let value = others.as_mut().ok().and_then(|others| others.remove("value"));
    let named = (kind, token, key);
    let values = open(&views, Terms::Published, named, others, "get remapped value for parameter").await?;
    let value = value.ok_or_else(|| Error::invalid("value", "is required"))?;
    let found =
        values.into_iter().find(|choice| choice.first().is_some_and(|listed| text(listed) == text(&value)));
    Ok(axum::Json(found.unwrap_or_else(|| vec![value])))
}

type Named = (String, String, String);

async fn list(
    views: &Views,
    terms: Terms,
    named: Named,
    query: Option<String>,
) -> Result<axum::Json<Values>> {
    let values = choices(views, terms, named, query, "search for values").await?;
    Ok(axum::Json(values.into()))
}

async fn choices(
    views: &Views,
    terms: Terms,
    named: Named,
    query: Option<String>,
    purpose: &str,
) -> Result<Vec<Vec<Value>>> {
    let others = parameters::from_query(query.as_deref().unwrap_or_default());
    open(views, terms, named, others, purpose).await
}

/// The static values of a parameter that the viewer may set.
async fn open(
    views: &Views,
    terms: Terms,
    (kind, token, key): Named,
    url: Result<Map<String, Value>>,
    purpose: &str,
) -> Result<Vec<Vec<Value>>> {
    let asked = Asked { kind: Some(kind_of(&kind)?), url, named_by: NamedBy::Id, terms };
    let (view, claims) = views.open(&token, &asked).await?;
    let parameter = view.resource.parameter_by_id(&key);
    let visible =
        |parameter: &&Parameter| view.visible.iter().any(|visible| visible.parameter.slug == parameter.slug);
    match parameter.filter(visible) {
        Some(parameter) => Ok(parameter.values.clone().unwrap_or_default()),
        None => {
            let policy = &view.resource.embedding_params;
            let pinned = parameter.filter(|parameter| {
                policy.get(&parameter.slug) == Some(&vitrine::policy::Visibility::Enabled)
                    && claims.params().is_ok_and(|params| params.contains_key(&parameter.slug))
            });
            Err(match (pinned, parameter) {
                (Some(pinned), _) => Error::new(Reason::ParameterPinned).message(format!(
                    "You can't specify a value for \"{}\" if it's already set in the JWT.",
                    pinned.slug
                )),
                (None, Some(closed)) => Error::new(Reason::ParameterDisabled)
                    .message(format!("Cannot {purpose}: \"{}\" is not an enabled parameter.", closed.slug)),
                (None, None) => Error::new(Reason::ParameterUnknown)
                    .message(format!("Cannot {purpose}: nil is not an enabled parameter.")),
            })
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
