//! The files that pages load. `assets/build` makes them; the page's own have names that change with their content, so
//! that browsers may cache them forever.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use vitrine::http::HttpResult;
use vitrine::rules::error::Reason;
use vitrine::rules::resource::ids::Kind;

use crate::encoding::{Accepted, BuiltFile, built_file, built_library};

struct Asset {
    /// The last segment of its path, with a part of its hash in it.
    file: &'static str,
    content_type: &'static str,
    built: BuiltFile,
    policy: &'static str,
}

/// The policy of the owner's HTML in its own frame: it can run scripts and load things over https, and nothing that reaches
/// out of the frame. Without `frame-ancestors`: even `*` would not match a page in a sandbox without an origin, and
/// this document by itself shows nothing.
const FRAME_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' https:; \
     style-src 'unsafe-inline' https:; img-src https: data: blob:; font-src https: data:; \
     media-src https: data: blob:; connect-src https:; worker-src blob:; frame-src https:; \
     base-uri 'none'; form-action 'none'";

const FILE_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The page, which names the files below.
const PAGE: BuiltFile = built_file!("embed.html");
/// The page of a question, without the frame for HTML.
const QUESTION_PAGE: BuiltFile = built_file!("question.html");

/// The name that the page gives to each file.
const NAMES: &str = include_str!("../assets/dist/names.json");

macro_rules! modules {
    ($($name:literal)+) => { [$(Asset::new($name, SCRIPT, built_file!($name))),+] };
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets = vec![
        Asset::new("embed.css", CSS, built_file!("embed.css")),
        Asset::new("embed.js", SCRIPT, built_file!("embed.js")),
        Asset { policy: FRAME_POLICY, ..Asset::new("frame.html", HTML, built_file!("frame.html")) },
        Asset::new("draw.css", CSS, built_file!("draw.css")),
        Asset::new("board.css", CSS, built_file!("board.css")),
    ];
    // Modules that the page loads when it needs them.
    assets.extend(modules!["draw.js" "chart.js" "pie.js" "rows.js" "table.js" "figures.js" "markdown.js" "board.js" "fields.js" "menu.js" "hooks.js"]);
    // The page of dives of React, and the modules that they import.
    assets.extend(modules!["dive.js"]);
    assets.push(Asset::new("react.js", SCRIPT, built_library!("react.js")));
    assets.push(Asset::new("recharts.js", SCRIPT, built_library!("recharts.js")));
    assets.extend(modules!["de.js" "es.js" "fr.js" "ja.js" "ko.js" "pt.js" "zh.js"]);
    assets
});

impl Asset {
    fn new(name: &'static str, content_type: &'static str, built: BuiltFile) -> Self {
        static NAMED: LazyLock<HashMap<&str, &str>> =
            LazyLock::new(|| serde_json::from_str(NAMES).unwrap_or_default());
        // A test holds the names and the files together.
        let file = NAMED.get(name).copied().unwrap_or(name);
        Self { file, content_type, built, policy: FILE_POLICY }
    }
}

/// The page's HTML, the same for everybody.
pub fn page(kind: Kind, accepted: Accepted) -> Response {
    let page = if kind == Kind::Question { QUESTION_PAGE } else { PAGE };
    with_headers([(header::CONTENT_TYPE, HeaderValue::from_static(HTML))], page.response(accepted))
}

/// The script that pages written for Metabase size their iframes with: iframe-resizer 4.3.2, MIT.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/app/iframeResizer.js", tag = "metabase",
    description = "For host pages: `iFrameResize({}, iframe)`.",
    responses((status = 200, description = "The script")), security(())
))]
pub async fn iframe_resizer(accepted: Accepted) -> Response {
    for_host_pages(SCRIPT, built_file!("iframeResizer.js"), accepted)
}

/// The script for host pages, for those that use no modules.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/vitrine.js", tag = "page",
    description = "For host pages: `vitrine.mount(element, {src})`.",
    responses((status = 200, description = "The script")), security(())
))]
pub async fn sdk(accepted: Accepted) -> Response {
    for_host_pages(SCRIPT, built_file!("vitrine.js"), accepted)
}

/// The same script as a module.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/vitrine.mjs", tag = "page",
    description = "For host pages: `import { mount } from \"https://.../vitrine.mjs\"`.",
    responses((status = 200, description = "The module")), security(())
))]
pub async fn sdk_module(accepted: Accepted) -> Response {
    for_host_pages(SCRIPT, built_file!("vitrine.mjs"), accepted)
}

/// The TypeScript declarations of the module.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/vitrine.d.ts", tag = "page",
    description = "The TypeScript declarations of `/vitrine.mjs`.",
    responses((status = 200, description = "The declarations")), security(())
))]
pub async fn sdk_types(accepted: Accepted) -> Response {
    for_host_pages(TEXT, built_file!("vitrine.d.ts"), accepted)
}

/// A file that other people's pages load, under a name that never changes.
fn for_host_pages(content_type: &'static str, built: BuiltFile, accepted: Accepted) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        // Host pages under Cross-Origin-Embedder-Policy load only what says so.
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    with_headers(headers, built.response(accepted))
}

/// A file of the embed page.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/embed/assets/{file}", tag = "page", params(("file" = String, Path,)),
    description = "Files that the embed page names. The name changes with the content, so they may be cached forever.",
    responses((status = 200, description = "The file"), (status = 404)), security(())
))]
pub async fn file(Path(file): Path<String>, accepted: Accepted) -> HttpResult<Response> {
    let asset = ASSETS.iter().find(|asset| asset.file == file).ok_or(Reason::RouteNotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(asset.policy)),
        // A page in a sandbox without an origin of its own loads them as well.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    let mut response = with_headers(headers, asset.built.response(accepted));
    if asset.policy == FILE_POLICY {
        response.headers_mut().insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    Ok(response)
}

/// Sets `headers`, over those that the response has.
fn with_headers<const N: usize>(headers: [(HeaderName, HeaderValue); N], response: Response) -> Response {
    (headers, response).into_response()
}

#[cfg(test)]
mod tests {
    use vitrine::rules::random::fingerprint;

    use super::*;

    fn text(file: BuiltFile) -> String {
        String::from_utf8(file.plain()).unwrap()
    }

    #[test]
    fn the_page_names_every_file_it_loads_by_its_content() {
        for asset in ASSETS.iter() {
            let hash = fingerprint(&text(asset.built));
            assert!(asset.file.contains(&format!(".{}.", &hash[..16])), "{}", asset.file);
        }
        for page in [text(PAGE), text(QUESTION_PAGE)] {
            assert!(!page.contains("{{"), "a placeholder is left");
            for asset in ASSETS.iter() {
                assert!(page.contains(&format!("\"/embed/assets/{}\"", asset.file)), "{}", asset.file);
            }
        }
        assert_eq!([PAGE, QUESTION_PAGE].map(|page| text(page).contains("<iframe")), [true, false]);
    }
}
