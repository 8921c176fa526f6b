//! `/api/embed/{kind}/{token}/params/{key}/...`: the choices of a parameter that the viewer may set, declared or from the column
//! that it filters.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use serde_json::{Map, Value};
use vitrine::dialects::metabase::viewing::{Audience, UNKNOWN_KID, kind_of};
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::random;
use vitrine::rules::resource::embed_policy::WhoMaySet;
use vitrine::rules::resource::parameter::Parameter;
use vitrine::rules::text::quoted;
use vitrine::rules::view::decide::{NamedBy, View, ViewRequest};
use vitrine::rules::view::refusal_record::RefusalContext;
use vitrine::rules::view::resolve_parameters;

use crate::State as App;
use crate::values::Choices;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Values {
    /// Each `[value]` or `[value, label]`.
    values: Vec<Vec<Value>>,
    /// Set if there are more than 1000: search for them.
    has_more_values: bool,
}

impl From<Choices> for Values {
    fn from(choices: Choices) -> Self {
        Self { values: choices.values, has_more_values: choices.has_more }
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
    State(app): State<App>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    Ok(Box::pin(app.listed(Audience::Viewer, (kind, token, key), None, query)).await?)
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
    State(app): State<App>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    Ok(Box::pin(app.listed(Audience::Previewer(&caller.key), (kind, token, key), None, query)).await?)
}

/// Search a parameter's values.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}/params/{key}/search/{prefix}", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path), ("prefix" = String, Path, description = "Found anywhere in a value or label, in either case")),
    responses((status = 200, body = Values), (status = 401), (status = 403)), security(())
))]
pub async fn search(
    State(app): State<App>,
    Path((kind, token, key, prefix)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    Ok(Box::pin(app.listed(Audience::Viewer, (kind, token, key), Some(&prefix), query)).await?)
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
    State(app): State<App>,
    Path((kind, token, key, prefix)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Values>> {
    Ok(Box::pin(app.listed(Audience::Previewer(&caller.key), (kind, token, key), Some(&prefix), query))
        .await?)
}

/// Find the label of a value.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/embed/{kind}/{token}/params/{key}/remapping", tag = "metabase",
    params(("kind" = vitrine::rules::forms::EmbedKind, Path, description = "`card` or `dashboard`"), ("token" = String, Path, max_length = 8192), ("key" = String, Path), ("value" = String, Query)),
    description = "`[value]` or `[value, label]`; a value that is not in the list is returned alone.",
    responses((status = 200, body = Vec<Value>), (status = 401), (status = 403)), security(())
))]
pub async fn remapping(
    State(app): State<App>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Vec<Value>>> {
    Ok(app.remapped(Audience::Viewer, (kind, token, key), query).await?)
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
    State(app): State<App>,
    Path((kind, token, key)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> HttpResult<axum::Json<Vec<Value>>> {
    Ok(app.remapped(Audience::Previewer(&caller.key), (kind, token, key), query).await?)
}

const SEARCHING: &str = "search for values";
const REMAPPING: &str = "get remapped value for parameter";

/// Kind, token and parameter, as the path has them.
type Named = (String, String, String);

/// The other parameters that a request names.
fn others(query: Option<String>) -> Result<Map<String, Value>> {
    resolve_parameters::from_query(query.as_deref().unwrap_or_default())
}

impl App {
    async fn listed(
        &self,
        audience: Audience<'_>,
        named: Named,
        search: Option<&str>,
        query: Option<String>,
    ) -> Result<axum::Json<Values>> {
        let (view, context) = self.open_by_id(audience, &named, others(query)).await?;
        let (_, token, key) = named;
        let found = async {
            let slug = settable(&view, &key, SEARCHING)?.slug;
            Box::pin(self.choices(&view, &slug, search, &random::fingerprint(&token))).await
        };
        let found = found.await.inspect_err(|error| self.refused(error, context));
        Ok(axum::Json(found?.into()))
    }

    /// The label of a value among the declared choices. The values of a column are their own labels.
    async fn remapped(
        &self,
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
        let (view, context) = self.open_by_id(audience, &named, others).await?;
        let parameter =
            settable(&view, &named.2, REMAPPING).inspect_err(|error| self.refused(error, context))?;
        let value = value.unwrap_or_default();
        let is_asked =
            |choice: &Vec<Value>| choice.first().is_some_and(|listed| text(listed) == text(&value));
        let declared = parameter.values.unwrap_or_default();
        Ok(axum::Json(declared.into_iter().find(is_asked).unwrap_or_else(|| vec![value])))
    }

    /// Opens the view, where the other parameters are named by their ids.
    async fn open_by_id(
        &self,
        audience: Audience<'_>,
        (kind, token, _): &Named,
        others: Result<Map<String, Value>>,
    ) -> Result<(View, Option<RefusalContext>)> {
        let request = ViewRequest {
            kind: Some(kind_of(kind)?),
            parameters: others.into(),
            named_by: NamedBy::Id,
            unknown_kid: UNKNOWN_KID,
            ..ViewRequest::default()
        };
        Box::pin(audience.open_for_work(&self.views, token, request)).await
    }

    fn refused(&self, error: &Error, context: Option<RefusalContext>) {
        if let Some(context) = context {
            self.views.refused_work(error, context);
        }
    }
}

/// The parameter with this id, if the viewer may set it.
fn settable(view: &View, key: &str, purpose: &str) -> Result<Parameter> {
    let declared = view.resource.all_parameters();
    let parameter = Parameter::by_id(&declared, key);
    let visible =
        |parameter: &&Parameter| view.visible.iter().any(|visible| visible.parameter.slug == parameter.slug);
    match parameter.filter(visible) {
        Some(parameter) => Ok(parameter.clone()),
        None => Err(refusal(view, parameter, purpose)),
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
