//! `/api/embed/{kind}/{token}/params/{key}/...`: the choices of a parameter with a static list of values, if the viewer
//! may set it.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use serde_json::{Map, Value};
use vitrine::app::open_view::ViewOpener;
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::resource::embed_policy::WhoMaySet;
use vitrine::rules::resource::parameter::Parameter;
use vitrine::rules::text::quoted;
use vitrine::rules::view::decide::{NamedBy, View, ViewRequest};
use vitrine::rules::view::resolve_parameters;

use crate::metabase_embed::{Audience, UNKNOWN_KID, kind_of};

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
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path, description = "The parameter's id, or its slug if it has none")),
    description = "The query holds other parameters, by the same key.",
    responses((status = 200, body = Values), (status = 401), (status = 403)), security(())
))]
pub async fn values(
    State(views): State<ViewOpener>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    let choices = choices(&views, Audience::Viewer, (kind, token, key), others(query), SEARCHING).await?;
    Ok(axum::Json(choices.into()))
}

/// List a parameter's values in a preview.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/{kind}/{token}/params/{key}/values", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path, description = "The parameter's id, or its slug if it has none")),
    description = "Admin only.",
    responses((status = 200, body = Values))
))]
pub async fn preview_values(
    caller: Allowed<Admin>,
    State(views): State<ViewOpener>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    let choices =
        choices(&views, Audience::Previewer(&caller.key), (kind, token, key), others(query), SEARCHING)
            .await?;
    Ok(axum::Json(choices.into()))
}

/// Search a parameter's values.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}/params/{key}/search/{prefix}", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path), ("prefix" = String, Path, description = "Found anywhere in a value or label, in either case")),
    responses((status = 200, body = Values), (status = 401), (status = 403)), security(())
))]
pub async fn search(
    State(views): State<ViewOpener>,
    Path((kind, token, key, prefix)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    Ok(search_in(&views, Audience::Viewer, (kind, token, key), &prefix, query).await?)
}

/// Search a parameter's values in a preview.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/{kind}/{token}/params/{key}/search/{prefix}", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path), ("prefix" = String, Path)),
    description = "Admin only.",
    responses((status = 200, body = Values))
))]
pub async fn preview_search(
    caller: Allowed<Admin>,
    State(views): State<ViewOpener>,
    Path((kind, token, key, prefix)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    Ok(search_in(&views, Audience::Previewer(&caller.key), (kind, token, key), &prefix, query).await?)
}

/// Find the label of a value.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}/params/{key}/remapping", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path), ("value" = String, Query)),
    description = "`[value]` or `[value, label]`; a value that is not in the list is returned alone.",
    responses((status = 200, body = Vec<Value>), (status = 401), (status = 403)), security(())
))]
pub async fn remapping(
    State(views): State<ViewOpener>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Vec<Value>>> {
    Ok(remap(&views, Audience::Viewer, (kind, token, key), query).await?)
}

/// Find the label of a value in a preview.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/preview_embed/{kind}/{token}/params/{key}/remapping", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path), ("value" = String, Query)),
    description = "Admin only.",
    responses((status = 200, body = Vec<Value>))
))]
pub async fn preview_remapping(
    caller: Allowed<Admin>,
    State(views): State<ViewOpener>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Vec<Value>>> {
    Ok(remap(&views, Audience::Previewer(&caller.key), (kind, token, key), query).await?)
}

async fn search_in(
    views: &ViewOpener,
    audience: Audience<'_>,
    named: Named,
    prefix: &str,
    query: Option<String>,
) -> Result<axum::Json<Values>> {
    let sought = prefix.to_lowercase();
    let mut found = choices(views, audience, named, others(query), SEARCHING).await?;
    found.retain(|choice| choice.iter().any(|part| text(part).to_lowercase().contains(&sought)));
    Ok(axum::Json(found.into()))
}

async fn remap(
    views: &ViewOpener,
    audience: Audience<'_>,
    named: Named,
    query: Option<String>,
) -> Result<axum::Json<Vec<Value>>> {
    let mut value = None;
    // Reported, like every problem of parameters, only to viewers who may see the resource.
    let others = others(query).and_then(|mut others| {
        value = Some(others.remove("value").ok_or_else(|| Error::invalid("value", "is required"))?);
        Ok(others)
    });
    let choices = choices(views, audience, named, others, REMAPPING).await?;
    let value = value.unwrap_or_default();
    let is_asked = |choice: &Vec<Value>| choice.first().is_some_and(|listed| text(listed) == text(&value));
    Ok(axum::Json(choices.into_iter().find(is_asked).unwrap_or_else(|| vec![value])))
}

const SEARCHING: &str = "search for values";
const REMAPPING: &str = "get remapped value for parameter";

/// Kind, token and parameter, as the path has them.
type Named = (String, String, String);

/// The other parameters that a request names.
fn others(query: Option<String>) -> Result<Map<String, Value>> {
    resolve_parameters::from_query(query.as_deref().unwrap_or_default())
}

/// The static values of a parameter that the viewer may set.
async fn choices(
    views: &ViewOpener,
    audience: Audience<'_>,
    (kind, token, key): Named,
    parameters: Result<Map<String, Value>>,
    purpose: &str,
) -> Result<Vec<Vec<Value>>> {
    let kind = Some(kind_of(&kind)?);
    let parameters = parameters.into();
    let request = ViewRequest {
        kind,
        parameters,
        named_by: NamedBy::Id,
        unknown_kid: UNKNOWN_KID,
        ..ViewRequest::default()
    };
    let view = audience.open(views, &token, request).await?;
    let declared = view.resource.all_parameters();
    let parameter = Parameter::by_id(&declared, &key);
    let visible =
        |parameter: &&Parameter| view.visible.iter().any(|visible| visible.parameter.slug == parameter.slug);
    match parameter.filter(visible) {
        Some(parameter) => Ok(parameter.values.clone().unwrap_or_default()),
        None => Err(refusal(&view, parameter, purpose)),
    }
}

/// The reason why the viewer may not choose.
fn refusal(view: &View, parameter: Option<&Parameter>, purpose: &str) -> Error {
    let Some(Parameter { slug, .. }) = parameter else {
        return Error::new(Reason::ParameterUnknown)
            .message(format!("Cannot {purpose}: nil is not an enabled parameter."));
    };
    let is_enabled = view.resource.embedding_params.get(slug) == Some(&WhoMaySet::Enabled);
    if is_enabled && view.token_params.contains_key(slug) {
        return Error::new(Reason::ParameterPinned).message(format!(
            "You can't specify a value for \"{}\" if it's already set in the JWT.",
            quoted(slug)
        ));
    }
    Error::new(Reason::ParameterDisabled)
        .message(format!("Cannot {purpose}: \"{}\" is not an enabled parameter.", quoted(slug)))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
