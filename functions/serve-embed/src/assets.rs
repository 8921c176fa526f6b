//! The files of the page, under names that change with their content, so that they can be cached forever.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use vitrine::http::HttpResult;
use vitrine::rules::error::Reason;
use vitrine::rules::random::fingerprint;

use crate::bundle::bundle;

struct Asset {
    /// What the page calls it.
    name: &'static str,
    /// What browsers call it.
    file: String,
    content_type: &'static str,
    body: Cow<'static, str>,
    policy: &'static str,
}

/// What the owner's markup may do, in its own frame: run scripts and load things over https, and nothing
/// that reaches out of the frame. It says nothing of ancestors: even `*` would not match a page in a sandbox
/// without an origin, and by itself this document shows nothing.
const FRAME_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' https:; \
     style-src 'unsafe-inline' https:; img-src https: data: blob:; font-src https: data:; \
     media-src https: data: blob:; connect-src https:; worker-src blob:; frame-src https:; \
     base-uri 'none'; form-action 'none'";

const FILE_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// The modules of the page's script, each after those that it imports.
const MODULES: [&str; 8] = [
    include_str!("../assets/page/words.js"),
    include_str!("../assets/page/address.js"),
    include_str!("../assets/page/api.js"),
    include_str!("../assets/page/cube.js"),
    include_str!("../assets/page/host.js"),
    include_str!("../assets/page/controls.js"),
    include_str!("../assets/page/content.js"),
    include_str!("../assets/page/embed.js"),
];

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("embed.css", CSS, include_str!("../assets/page/embed.css"), FILE_POLICY),
        asset("embed.js", SCRIPT, bundle(&MODULES), FILE_POLICY),
        asset("frame.html", HTML, include_str!("../assets/page/frame.html"), FRAME_POLICY),
    ]
});

/// The page, with the names of its files filled in.
pub static PAGE: LazyLock<String> = LazyLock::new(|| {
    ASSETS.iter().fold(include_str!("../assets/page/embed.html").to_owned(), |page, asset| {
        page.replace(&format!("{{{{{}}}}}", asset.name), &format!("/embed/assets/{}", asset.file))
    })
});

fn asset(
    name: &'static str,
    content_type: &'static str,
    body: impl Into<Cow<'static, str>>,
    policy: &'static str,
) -> Asset {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let body = body.into();
    let file = format!("{stem}.{}.{extension}", &fingerprint(&body)[..16]);
    Asset { name, file, content_type, body, policy }
}

/// The script that pages written for Metabase size their iframes with: iframe-resizer 4.3.2, MIT.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/app/iframeResizer.js", tag = "metabase",
    description = "For host pages: `iFrameResize({}, iframe)`.",
    responses((status = 200, description = "The script")), security(())
))]
pub async fn iframe_resizer() -> Response {
    for_hosts(SCRIPT, include_str!("../assets/vendor/iframeResizer.min.js"))
}

const SDK: &str = include_str!("../sdk/vitrine.mjs");

/// The same for pages without modules: `vitrine.mount(...)`.
static PLAIN_SDK: LazyLock<String> =
    LazyLock::new(|| format!("{{\n{}globalThis.vitrine = {{ mount }};\n}}\n", bundle(&[SDK])));

/// What host pages put embeds into themselves with, as a plain script.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/vitrine.js", tag = "page",
    description = "For host pages: `vitrine.mount(element, {src})`.",
    responses((status = 200, description = "The script")), security(())
))]
pub async fn sdk() -> Response {
    for_hosts(SCRIPT, PLAIN_SDK.as_str())
}

/// The same as a module.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/vitrine.mjs", tag = "page",
    description = "For host pages: `import { mount } from \"https://.../vitrine.mjs\"`.",
    responses((status = 200, description = "The module")), security(())
))]
pub async fn sdk_module() -> Response {
    for_hosts(SCRIPT, SDK)
}

/// Its types.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/vitrine.d.ts", tag = "page",
    description = "Types of `/vitrine.mjs`.",
    responses((status = 200, description = "The declarations")), security(())
))]
pub async fn sdk_types() -> Response {
    for_hosts("text/plain; charset=utf-8", include_str!("../sdk/vitrine.d.ts"))
}

/// A file that other people's pages load, under a name that stays.
fn for_hosts(content_type: &'static str, body: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        // Host pages under Cross-Origin-Embedder-Policy load only what says so.
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    (headers, body).into_response()
}

/// A file of the embed page.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/embed/assets/{file}", tag = "page", params(("file" = String, Path,)),
    description = "Under the name that the page calls it by; may be cached forever.",
    responses((status = 200, description = "The file")), security(())
))]
pub async fn file(Path(file): Path<String>) -> HttpResult<Response> {
    let asset = ASSETS.iter().find(|asset| asset.file == file).ok_or(Reason::RouteNotFound)?;
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(asset.policy)),
        // A page in a sandbox without an origin of its own loads them as well.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    let mut response = (headers, asset.body.as_ref()).into_response();
    if asset.policy == FILE_POLICY {
        response.headers_mut().insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the bundle relies on, and no browser would tell before it runs.
    #[test]
    fn every_module_imports_what_an_earlier_one_exports() {
        let mut exported: Vec<&str> = Vec::new();
        for module in MODULES {
            for line in module.lines().filter(|line| line.starts_with("import ")) {
                let names = line.split(['{', '}']).nth(1).unwrap();
                for name in names.split(',').map(str::trim) {
                    assert!(exported.contains(&name), "{line}");
                }
            }
            let new: Vec<_> = module.lines().filter_map(crate::bundle::exported).collect();
            assert_eq!(new.len(), module.lines().filter(|line| line.starts_with("export ")).count());
            assert!(new.iter().all(|name| !exported.contains(name)), "{new:?} is exported twice");
            exported.extend(new);
        }
    }

    #[test]
    fn the_page_names_every_file_it_loads() {
        assert!(!PAGE.contains("{{"), "a placeholder is left");
        for asset in ASSETS.iter() {
            assert!(PAGE.contains(&asset.file), "{}", asset.name);
        }
    }
}
