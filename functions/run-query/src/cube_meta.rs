//! `GET /cubejs-api/v1/meta`: the tables of a viewer as Cube's clients know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vitrine::app::open_view::DeploymentViewer;
use vitrine::http::HttpError;
use vitrine::http::caller::embed_token;
use vitrine::http::problem::WithErrorMember;
use vitrine::http::query::pairs;
use vitrine::rules::data::table::Table;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::member_query::members::{Measure, MemberDimension, TableMembers, title};

use crate::State as App;

/// An error of these routes: Cube's clients read the message under `error`.
pub struct CubeError(Error);

impl From<Error> for CubeError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for CubeError {
    fn into_response(self) -> Response {
        let mut response = HttpError(self.0).into_response();
        response.extensions_mut().insert(WithErrorMember);
        response
    }
}

/// The tables of a viewer.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeMeta {
    cubes: Vec<CubeTable>,
}

/// A table, with members made from its columns.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeTable {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    description: Option<String>,
    is_visible: bool,
    public: bool,
    connected_component: u32,
    measures: Vec<CubeMeasure>,
    dimensions: Vec<CubeDimension>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    segments: Vec<()>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    hierarchies: Vec<()>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    folders: Vec<()>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeMeasure {
    name: String,
    title: String,
    short_title: String,
    /// `number` or `time`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `count`, `countDistinct`, `sum`, `avg`, `min`, `max`.
    agg_type: &'static str,
    cumulative: bool,
    cumulative_total: bool,
    is_visible: bool,
    public: bool,
    drill_members: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeDimension {
    name: String,
    title: String,
    short_title: String,
    description: Option<String>,
    /// `string`, `number`, `time` or `boolean`.
    #[serde(rename = "type")]
    kind: &'static str,
    suggest_filter_values: bool,
    is_visible: bool,
    public: bool,
    primary_key: bool,
}

impl CubeTable {
    fn of(table: &Table) -> Self {
        let members = members_of(table);
        let measure = |measure: Measure| CubeMeasure {
            title: members.title(&measure.name),
            short_title: title(&measure.name),
            kind: measure.member_type().word(),
            agg_type: measure.aggregate.word(),
            cumulative: false,
            cumulative_total: false,
            is_visible: true,
            public: true,
            drill_members: Vec::new(),
            name: members.path(&measure.name),
        };
        let dimension = |dimension: MemberDimension| CubeDimension {
            name: members.path(&dimension.name),
            title: members.title(&dimension.name),
            short_title: title(&dimension.name),
            description: dimension.description,
            kind: dimension.member_type.word(),
            suggest_filter_values: true,
            is_visible: true,
            public: true,
            primary_key: false,
        };
        Self {
            name: table.name.clone(),
            kind: "cube",
            title: title(&table.name),
            description: table.description.clone(),
            is_visible: true,
            public: true,
            connected_component: 1,
            measures: members.measures().into_iter().map(measure).collect(),
            dimensions: members.dimensions().into_iter().map(dimension).collect(),
            segments: Vec::new(),
            hierarchies: Vec::new(),
            folders: Vec::new(),
        }
    }
}

/// Read the tables that the viewer can query.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/cubejs-api/v1/meta", tag = "cube",
    params(("onlyViews" = Option<String>, Query, description = "`true`: only views, of which there are none")),
    description = "With the token of an embed session, bare or as Bearer. Tables without a row policy that matches the viewer do not exist here.",
    responses((status = 200, body = CubeMeta)), security(("embed_token" = []))
))]
pub async fn meta(
    State(app): State<App>,
    request: Request,
) -> std::result::Result<axum::Json<CubeMeta>, CubeError> {
    let headers = request.headers();
    app.callers.refuse_instead_of_token(headers).await?;
    let viewer = Box::pin(app.views.recognise(data_token(headers))).await?;
    if pairs(request.uri().query().unwrap_or_default())
        .any(|pair| pair == ("onlyViews".into(), "true".into()))
    {
        return Ok(axum::Json(CubeMeta { cubes: Vec::new() }));
    }
    let names = app.table_names.all().await?;
    let tables = app.tables_of(&viewer, &names).await?;
    Ok(axum::Json(CubeMeta { cubes: tables.values().map(|table| CubeTable::of(table)).collect() }))
}

/// The embed token of a request. Cube's clients send it without a scheme.
pub fn data_token(headers: &HeaderMap) -> Option<&str> {
    let bare = || {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
        (!value.is_empty() && !value.contains(char::is_whitespace)).then_some(value)
    };
    embed_token(headers).or_else(bare)
}

pub fn members_of(table: &Table) -> TableMembers<'_> {
    TableMembers::new(&table.name, table.columns.iter().map(|stored| &stored.column))
}

impl App {
    /// Those of the tables that exist for a viewer: a row policy of theirs matches.
    pub async fn tables_of(
        &self,
        session: &DeploymentViewer,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Arc<Table>>> {
        let mut tables = self.preparer.tables(names).await?;
        tables.retain(|_, table| table.is_readable_by(&session.viewer));
        Ok(tables)
    }
}
