//! `/embed/{kind}/{credential}`: the page inside the iframe, the same for everybody and always 200. Its script asks for
//! the view and shows it, or the reason why not; here the credential only decides who may frame the page.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use vitrine::app::frame_policy::FrameOwners;
use vitrine::aws::blobs::ExportOrigin;
use vitrine::http::HttpResult;
use vitrine::rules::error::Error;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef, is_public_id};
use vitrine::rules::resource::origin::Origin;
use vitrine::rules::settings::Settings;

use crate::assets;
use crate::encoding::Accepted;

type Credential = Result<Path<String>, PathRejection>;

/// The three routes differ in the kind only; the API description needs a function for each.
macro_rules! page_of {
    ($kind:ident, $handler:ident, $path:literal, $summary:literal) => {
        #[doc = $summary]
        #[cfg_attr(feature = "openapi", utoipa::path(
            get, path = $path, tag = "page",
            params(("credential" = String, Path, description = "An embed token, or the resource's public id with the session after it as `#session=`")),
            description = "The page that the iframe loads. Always 200 with HTML: errors are shown inside the page.",
            responses((status = 200, content_type = "text/html", body = String)), security(())
        ))]
        pub async fn $handler(
            owners: State<FrameOwners>,
            settings: State<Arc<Settings>>,
            exports: State<ExportOrigin>,
            credential: Credential,
            accepted: Accepted,
        ) -> HttpResult<Response> {
            page(Kind::$kind, (owners, settings, exports), credential, accepted).await
        }
    };
}

page_of!(Dashboard, dashboard, "/embed/dashboard/{credential}", "The page of a dashboard.");
page_of!(Question, question, "/embed/question/{credential}", "The page of a question.");
page_of!(Dive, dive, "/embed/dive/{credential}", "The page of a dive.");
/// The page of a dashboard, at the path that Cube's clients use.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/embed/d/{deployment}/dashboard/{public_id}", tag = "cube",
    params(
        ("deployment" = String, Path, description = "The deployment of the dashboard; the page shows no dashboard of another one"),
        ("public_id" = String, Path,),
        ("session" = Option<String>, Query, description = "The session from `generate-session`. The page removes it from the address and exchanges it. `sessionId` means the same"),
    ),
    description = "Like `/embed/dashboard/{public_id}?session=`. Always 200 with HTML: errors are shown inside the page.",
    responses((status = 200, content_type = "text/html", body = String)), security(())
))]
pub async fn dashboard_of(
    owners: State<FrameOwners>,
    settings: State<Arc<Settings>>,
    exports: State<ExportOrigin>,
    path: Result<Path<(String, String)>, PathRejection>,
    accepted: Accepted,
) -> HttpResult<Response> {
    let credential = path.map(|Path((_, public_id))| Path(public_id));
    page(Kind::Dashboard, (owners, settings, exports), credential, accepted).await
}

/// The page that MotherDuck's clients load a dive in.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/sandbox", tag = "dives", params(("queryMode" = Option<String>, Query, description = "`server` or `dual`; passed on to the dive")),
    description = "The session follows as `#session=<session string>`, which browsers never send. The page therefore checks its ancestors itself, and shows nothing to origins other than those of the dive and of the deployment. Always 200 with HTML.",
    responses((status = 200, content_type = "text/html", body = String)), security(())
))]
pub async fn sandbox(State(settings): State<Arc<Settings>>, accepted: Accepted) -> HttpResult<Response> {
    // The dive is named after the `#`, so the page itself checks its ancestors once it has the view.
    // `*` matches every web page; apps with schemes of their own have to be named beside it.
    let named = settings.allowed_origins.iter().map(Origin::as_str).filter(|origin| *origin != "*");
    with_policy("", named.chain(["*"]).collect(), ANY_PAGE, assets::page(Kind::Dive, accepted))
}

/// Frame sources for every `url` content that a resource may have.
const ANY_PAGE: &str = "https: http://localhost:* http://127.0.0.1:*";

async fn page(
    kind: Kind,
    (State(owners), State(settings), State(exports)): (
        State<FrameOwners>,
        State<Arc<Settings>>,
        State<ExportOrigin>,
    ),
    credential: Credential,
    accepted: Accepted,
) -> HttpResult<Response> {
    // A path that is not UTF-8 is a credential like any other that opens nothing.
    let credential = credential.map_or_else(|_| String::new(), |Path(credential)| credential);
    let is_public_id = is_public_id(&credential);
    let (resource, is_preview) = if is_public_id {
        (owners.find(&ResourceRef { kind, id: ResourceId::Public(credential) }).await, false)
    } else {
        owners
            .of_token(&credential, kind)
            .await
            .map_or((None, false), |owner| (Some(owner.resource), owner.is_preview))
    };
    let resource = resource.as_deref();
    let ancestors: Vec<_> = match resource {
        // The console, which is at the same origin.
        Some(_) if is_preview => vec!["'self'"],
        Some(resource) => resource.frame_origins(&settings).into_iter().map(Origin::as_str).collect(),
        None => settings.allowed_origins.iter().map(Origin::as_str).collect(),
    };
    let content = resource.and_then(|resource| resource.content.as_ref()).and_then(Content::frame_source);
    // A page with a public id can go on to another dashboard of its session.
    let frame_sources = if is_public_id { ANY_PAGE } else { content.as_ref().map_or("", Origin::as_str) };
    // The page follows links to large exports itself, because a host that limits what it frames would stop a frame that went
    // there. Dives ask for none.
    let exports = if kind == Kind::Dive { "" } else { exports.as_str() };
    with_policy(exports, ancestors, frame_sources, assets::page(kind, accepted))
}

/// The page with the headers that say who may frame it and what it may frame.
fn with_policy(
    exports: &str,
    mut ancestors: Vec<&str>,
    frame_sources: &str,
    page: impl IntoResponse,
) -> HttpResult<Response> {
    if ancestors.is_empty() {
        ancestors.push("'none'");
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {exports}; \
         frame-src 'self' {frame_sources}; base-uri 'none'; form-action 'none'; frame-ancestors {}",
        ancestors.join(" ")
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(Error::internal)?),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ),
    ];
    Ok((headers, page).into_response())
}
