//! Questions of viewers, as requests contain them.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine::http::prefer::prefers_lenient;
use vitrine::rules::error::{Error, Issue, Result};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::query::choose::{ChosenQuery, NamedQuery};
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef};
use vitrine::rules::token::UnknownKid;
use vitrine::rules::view::decide::{View, ViewRequest, ViewerParameters};
use vitrine_engine::encode::ExportFormat;

/// A question about a published resource.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Deserr)]
#[serde(default)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"query": "sales", "parameters": {"city": "Berlin"}})))]
pub struct Question {
    /// The resource, for a credential that opens a whole deployment: `{"dashboard": 1}`, by any of its ids. Elsewhere it
    /// must be the credential's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub resource: Option<AskedResource>,
    /// The id of a dashboard's card.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 9007199254740991u64))]
    pub card: Option<u64>,
    /// With `card`: the question of one of its `series`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 9007199254740991u64))]
    pub series: Option<u64>,
    /// The name of one of the content's `queries`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub query: Option<String>,
    /// A query of a dive's own, instead of `query`, where `DiveSql` allows it: one SELECT over the tables of which a row policy
    /// matches the viewer. Values do not become part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub sql: Option<String>,
    /// Values by slug. The viewer may set the enabled parameters and no others.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, vitrine::rules::resource::parameter::AnyValue>, required = false))]
    pub parameters: BTreeMap<String, Value>,
}

impl Check for Question {
    fn problems(&self) -> Vec<Issue> {
        let is_named = self.query.is_some() || self.card.is_some();
        let is_both = self.sql.is_some() && is_named;
        let is_both = is_both.then(|| Issue::new("sql", "stands without `query` and `card`"));
        let is_loose = self.series.is_some() && self.card.is_none();
        let is_loose = is_loose.then(|| Issue::new("series", "needs `card`"));
        is_both.into_iter().chain(is_loose).collect()
    }
}

impl Question {
    /// The query of an opened view that the question is about.
    pub fn chosen<'v>(&self, view: &'v View) -> Result<ChosenQuery<'v>> {
        let named = NamedQuery { query: self.query.as_deref(), card: self.card, series: self.series };
        ChosenQuery::of(view.stored_content(), &view.questions, named)
    }

    /// The view that the question needs.
    pub fn view_request(&self, headers: &HeaderMap) -> Result<ViewRequest> {
        let named = |asked: &AskedResource| {
            asked.reference().ok_or_else(|| {
                Error::invalid("resource", "must name one resource, such as {\"dashboard\": 1}")
            })
        };
        let resource = self.resource.as_ref().map(named).transpose()?;
        let parameters = ViewerParameters::Readable(self.parameters.clone().into_iter().collect());
        // The page, whose tokens are those of other programs as well.
        let unknown_kid = if prefers_lenient(headers) { UnknownKid::Ignored } else { UnknownKid::Refused };
        Ok(ViewRequest { resource, parameters, unknown_kid, ..ViewRequest::default() })
    }
}

/// One resource, by any of its ids: `{"dashboard": 1}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Deserr)]
#[serde(default)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(min_properties = 1, max_properties = 1, example = json!({"dashboard": 1})))]
pub struct AskedResource {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::NumberOrId>))]
    dashboard: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::NumberOrId>))]
    question: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::DiveId>))]
    dive: Option<Value>,
}

impl AskedResource {
    fn reference(&self) -> Option<ResourceRef> {
        let named =
            [(Kind::Dashboard, &self.dashboard), (Kind::Question, &self.question), (Kind::Dive, &self.dive)];
        let mut named = named.into_iter().filter_map(|(kind, id)| Some((kind, id.as_ref()?)));
        let (kind, id) = named.next()?;
        let id = ResourceId::from_claim(kind, id).ok()?;
        named.next().is_none().then_some(ResourceRef { kind, id })
    }
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON with columns and rows.
    Page,
    File(ExportFormat),
}

impl Form {
    /// The form that a request asks for: `?format=`, or else a media type of a file that it prefers to JSON.
    pub fn of(query: Option<&str>, headers: &HeaderMap) -> Result<Self> {
        let mut format = None;
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match (&*name, &format) {
                ("format", None) => format = Some(value.into_owned()),
                ("format", Some(_)) => return Err(Error::invalid("format", "is given twice")),
                _ => {}
            }
        }
        if let Some(format) = format {
            let found = ExportFormat::from_extension(&format).map(Self::File);
            return found.ok_or_else(|| Error::invalid("format", "must be one of: csv, xlsx, json"));
        }
        Ok(accepted(headers).map_or(Self::Page, Self::File))
    }
}

/// The file that `Accept` names first, if it names no JSON before it.
fn accepted(headers: &HeaderMap) -> Option<ExportFormat> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types = values.flat_map(|value| value.split(','));
    for wanted in types.map(|one| one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()) {
        match ExportFormat::ALL.into_iter().find(|format| format.media_type() == wanted) {
            // JSON is the form of pages as well.
            Some(ExportFormat::Json) => return None,
            Some(format) => return Some(format),
            None if wanted == "*/*" => return None,
            None => {}
        }
    }
    None
}
