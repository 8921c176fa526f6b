//! The files that the pages load. Their names change with their content, so that browsers may cache them forever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use vitrine::rules::error::Reason;
use vitrine::rules::random::fingerprint;

use crate::request::Refused;

struct Asset {
    name: &'static str,
    /// The last segment of its path, with a part of its hash in it.
    file: String,
    content_type: &'static str,
    body: &'static str,
}

static ASSETS: LazyLock<[Asset; 5]> = LazyLock::new(|| {
    [
        Asset::new("console.css", "text/css; charset=utf-8", include_str!("../assets/console.css")),
        Asset::new("console.js", "text/javascript; charset=utf-8", include_str!("../assets/console.js")),
        Asset::new("data.js", "text/javascript; charset=utf-8", include_str!("../assets/data.js")),
        Asset::new("editor.css", "text/css; charset=utf-8", include_str!("../assets/editor.css")),
        Asset::new("editor.js", "text/javascript; charset=utf-8", include_str!("../assets/editor.js")),
    ]
});

impl Asset {
    fn new(name: &'static str, content_type: &'static str, body: &'static str) -> Self {
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        Self { name, file: format!("{stem}.{}.{extension}", &fingerprint(body)[..16]), content_type, body }
    }
}

/// The path of a file by its name.
pub fn path_of(name: &str) -> String {
    let file = ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.file);
    format!("{}/assets/{file}", crate::PATH)
}

pub async fn file(Path(file): Path<String>) -> Result<Response, Refused> {
    let asset = ASSETS.iter().find(|asset| asset.file == file).ok_or(Reason::RouteNotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, asset.body).into_response())
}
