//! The page and its files are sent in the compressed form that the browser accepts, through the adapter of Lambda too.

use lambda_http::{Adapter, Context, LambdaEvent, Service};
use serde_json::{Value, json};
use vitrine::rules::settings::Settings;
use vitrine_local::functions;
use vitrine_tests::{Product, merge};

use crate::forge;

const DIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/serve-embed/assets/dist/");

/// A file as `assets/build` wrote it.
fn built(name: &str) -> Vec<u8> {
    std::fs::read(format!("{DIST}{name}")).unwrap()
}

/// Everything that is compressed: its path and its name in `dist`.
async fn files(product: &Product) -> Vec<(String, &'static str)> {
    let page = product.get("/embed/dashboard/garbage").send().await.text;
    let named = |name: &str| {
        let (stem, extension) = name.split_once('.').unwrap();
        let mut paths = page.split('"').filter_map(|text| text.strip_prefix("/embed/assets/"));
        let is_named = |path: &&str| path.starts_with(&format!("{stem}.")) && path.ends_with(extension);
        format!("/embed/assets/{}", paths.find(is_named).unwrap())
    };
    vec![
        ("/embed/dashboard/garbage".to_owned(), "embed.html"),
        ("/embed/d/1/dashboard/abcdefghijkl".to_owned(), "embed.html"),
        ("/sandbox".to_owned(), "embed.html"),
        ("/embed/question/garbage".to_owned(), "question.html"),
        (named("embed.css"), "embed.css"),
        (named("embed.js"), "embed.js"),
        (named("frame.html"), "frame.html"),
        (named("draw.css"), "draw.css"),
        (named("draw.js"), "draw.js"),
        (named("chart.js"), "chart.js"),
        (named("pie.js"), "pie.js"),
        (named("rows.js"), "rows.js"),
        (named("table.js"), "table.js"),
        (named("figures.js"), "figures.js"),
        (named("markdown.js"), "markdown.js"),
        (named("board.css"), "board.css"),
        (named("board.js"), "board.js"),
        (named("fields.js"), "fields.js"),
        (named("menu.js"), "menu.js"),
        (named("de.js"), "de.js"),
        ("/vitrine.js".to_owned(), "vitrine.js"),
        ("/vitrine.mjs".to_owned(), "vitrine.mjs"),
        ("/vitrine.d.ts".to_owned(), "vitrine.d.ts"),
        ("/app/iframeResizer.js".to_owned(), "iframeResizer.js"),
    ]
}

const FORMS: [(&str, &str, &str); 3] = [
    ("gzip, deflate, br, zstd", "br", ".br"),
    ("gzip", "gzip", ".gz"),
    ("br;q=0, gzip;q=0, deflate", "", ""),
];

#[tokio::test]
async fn every_file_is_sent_in_the_form_that_is_accepted() {
    let product = Product::start().await;
    for (path, name) in files(&product).await {
        let plain = product.get(&path).send().await;
        for (accepted, encoding, extension) in FORMS {
            let case = format!("{path} {accepted}");
            let answer = product.get(&path).header("accept-encoding", accepted).send().await;
            assert_eq!(answer.status, 200, "{case}");
            assert_eq!(answer.header("content-encoding"), encoding, "{case}");
            assert_eq!(answer.header("vary"), "accept-encoding", "{case}");
            let expected = built(&format!("{name}{extension}"));
            assert_eq!(answer.text, String::from_utf8_lossy(&expected), "{case}");
            // Nothing else about the answer depends on its form.
            for header in [
                "content-type",
                "cache-control",
                "content-security-policy",
                "x-frame-options",
                "x-content-type-options",
                "access-control-allow-origin",
                "cross-origin-resource-policy",
            ] {
                assert_eq!(answer.headers.get(header), plain.headers.get(header), "{case}: {header}");
            }
        }
        assert_eq!(plain.headers.get("content-encoding"), None, "{path}");
    }
}

/// Errors and everything else stay as they are.
#[tokio::test]
async fn nothing_else_is_compressed() {
    let product = Product::start().await;
    for path in ["/embed/assets/embed.0000000000000000.js", "/embed/card/x", "/v1/view", "/healthz"] {
        let answer = product.get(path).header("accept-encoding", "br, gzip").send().await;
        assert_eq!(answer.headers.get("content-encoding"), None, "{path}");
        assert!(serde_json::from_str::<Value>(&answer.text).is_ok(), "{path}: {}", answer.text);
    }
}

/// The response that API Gateway receives from the function for a request.
async fn through_lambda(product: &Product, path: &str, accepted: Option<&str>) -> Value {
    let functions = functions::connect_all(&product.services, &Settings::default(), &product.clock).await;
    let mut adapter = Adapter::from(functions::merge_routes(functions).finish());
    let mut headers = json!({"host": "embed.example.com"});
    merge(&mut headers, json!({"accept-encoding": accepted}));
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "1", "apiId": "1", "domainName": "embed.example.com", "domainPrefix": "embed",
            "requestId": "request-1", "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
        },
        "isBase64Encoded": false,
    });
    let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
    serde_json::to_value(adapter.call(event).await.unwrap()).unwrap()
}

/// Lambda's answers are JSON, so bytes must travel as base64.
#[tokio::test]
async fn api_gateway_receives_compressed_bytes_whole() {
    let product = Product::start().await;
    for (path, name) in files(&product).await {
        for (accepted, encoding, extension) in FORMS {
            let case = format!("{path} {accepted}");
            let answer = through_lambda(&product, &path, Some(accepted)).await;
            assert_eq!(answer["statusCode"], 200, "{case}");
            let expected = built(&format!("{name}{extension}"));
            let body = answer["body"].as_str().unwrap();
            if encoding.is_empty() {
                assert_eq!(answer["isBase64Encoded"], false, "{case}");
                assert_eq!(answer["headers"].get("content-encoding"), None, "{case}");
                assert_eq!(body.as_bytes(), expected, "{case}");
            } else {
                assert_eq!(answer["isBase64Encoded"], true, "{case}");
                assert_eq!(answer["headers"]["content-encoding"], encoding, "{case}");
                let sent = body.trim_end_matches('=').replace('+', "-").replace('/', "_");
                assert_eq!(sent, forge::base64url(expected), "{case}");
            }
        }
        assert_eq!(through_lambda(&product, &path, None).await["isBase64Encoded"], false, "{path}");
    }
}
