//! `/embed/{kind}/{credential}`: a shell, the same for everybody and always 200. What it may show, and why
//! not, the page finds out itself. All that the credential decides here is who may frame it.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use vitrine::app::frame_policy::FrameOwners;
use vitrine::http::HttpResult;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef, is_public_id};
use vitrine::rules::resource::origin::Origin;
use vitrine::rules::settings::Settings;

use crate::assets::PAGE;

type Credential = std::result::Result<Path<String>, PathRejection>;

/// The page of a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/embed/dashboard/{credential}", tag = "page",
    params(("credential" = String, Path, description = "An embed token, or the resource's public id with `#session=` behind it")),
    description = "What the iframe loads. Always 200 HTML; what is wrong is said inside it.",
    responses((status = 200, content_type = "text/html", body = String)), security(())
))]
pub async fn dashboard(
    views: State<FrameOwners>,
    settings: State<Arc<Settings>>,
    path: Credential,
) -> HttpResult<Response> {
    Ok(page(Kind::Dashboard, views, settings, path).await?)
}

/// The page of a question.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/embed/question/{credential}", tag = "page",
    params(("credential" = String, Path, description = "An embed token, or the resource's public id with `#session=` behind it")),
    description = "What the iframe loads. Always 200 HTML; what is wrong is said inside it.",
    responses((status = 200, content_type = "text/html", body = String)), security(())
))]
pub async fn question(
    views: State<FrameOwners>,
    settings: State<Arc<Settings>>,
    path: Credential,
) -> HttpResult<Response> {
    Ok(page(Kind::Question, views, settings, path).await?)
}

/// The page of a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/embed/dive/{credential}", tag = "page",
    params(("credential" = String, Path, description = "An embed token, or the resource's public id with `#session=` behind it")),
    description = "What the iframe loads. Always 200 HTML; what is wrong is said inside it.",
    responses((status = 200, content_type = "text/html", body = String)), security(())
))]
pub async fn dive(
    views: State<FrameOwners>,
    settings: State<Arc<Settings>>,
    path: Credential,
) -> HttpResult<Response> {
    Ok(page(Kind::Dive, views, settings, path).await?)
}

/// The page of a dashboard, as Cube's clients address it.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/embed/d/{deployment}/dashboard/{public_id}", tag = "cube",
    params(
        ("deployment" = String, Path, description = "The dashboard's; the page shows no other's"),
        ("public_id" = String, Path,),
        ("session" = Option<String>, Query, description = "From `generate-session`; the page takes it out of the address and exchanges it. `sessionId` is the same"),
    ),
    description = "Like `/embed/dashboard/{public_id}?session=`. Always 200 HTML; what is wrong is said inside it.",
    responses((status = 200, content_type = "text/html", body = String)), security(())
))]
pub async fn dashboard_of(
    views: State<FrameOwners>,
    settings: State<Arc<Settings>>,
    path: std::result::Result<Path<(String, String)>, PathRejection>,
) -> HttpResult<Response> {
    Ok(page(Kind::Dashboard, views, settings, path.map(|Path((_, public_id))| Path(public_id))).await?)
}

/// The page that MotherDuck's clients load a dive in.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/sandbox", tag = "dives", params(("queryMode" = Option<String>, Query, description = "`server` or `dual`; handed on to the dive")),
    description = "With `#session=<session string>` behind it, which no request carries: so the page itself looks who frames it, and shows nothing to other origins than the dive's and the deployment's. Always 200 HTML.",
    responses((status = 200, content_type = "text/html", body = String)), security(())
))]
pub async fn sandbox(State(settings): State<Arc<Settings>>) -> HttpResult<Response> {
    // Which dive it is stands behind the `#`: the page itself asks who frames it, once it has the view.
    // `*` is every web page; apps with schemes of their own have to be named beside it.
    let named = settings.allowed_origins.iter().map(Origin::as_str).filter(|origin| *origin != "*");
    Ok(shell(named.chain(["*"]).collect(), ANY_PAGE)?)
}

/// What content can be a page of: any that a resource may name.
const ANY_PAGE: &str = "https: http://localhost:* http://127.0.0.1:*";

async fn page(
    kind: Kind,
    State(places): State<FrameOwners>,
    State(settings): State<Arc<Settings>>,
    credential: Credential,
) -> Result<Response> {
    // What is not even text is a credential like any other that opens nothing.
    let credential = credential.map_or_else(|_| String::new(), |Path(credential)| credential);
    let is_named = is_public_id(&credential);
    let resource = if is_named {
        places.find(&ResourceRef { kind, id: ResourceId::Public(credential) }).await
    } else {
        places.place(&credential, kind).await
    };
    let resource = resource.as_deref();
    let ancestors = match resource {
        Some(resource) => resource.frame_origins(&settings),
        None => settings.allowed_origins.iter().collect(),
    };
    let framed = resource.and_then(|resource| resource.content.as_ref()).and_then(Content::frame_source);
    // A page that was named can go on to another dashboard of its session.
    let framed = if is_named { ANY_PAGE } else { framed.as_ref().map_or("", Origin::as_str) };
    shell(ancestors.into_iter().map(Origin::as_str).collect(), framed)
}

/// The page, for those who may frame it, with what it may frame itself.
fn shell(mut ancestors: Vec<&str>, framed: &str) -> Result<Response> {
    if ancestors.is_empty() {
        ancestors.push("'none'");
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         frame-src 'self' {framed}; base-uri 'none'; form-action 'none'; frame-ancestors {}",
        ancestors.join(" ")
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(Error::internal)?),
        (
            header::HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ),
    ];
    Ok((headers, Html(PAGE.as_str())).into_response())
}
