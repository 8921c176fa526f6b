//! What is measured: which binary, with which settings, asked what.

use serde_json::{Value, json};

use crate::Result;
use crate::product::{Product, session_request};

#[derive(Clone, Copy)]
enum Ask {
    Hello,
    View,
    CreateSession,
    RedeemSession,
    List,
    Page,
}

#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub binary: &'static str,
    pub settings: &'static [(&'static str, &'static str)],
    ask: Ask,
}

pub const FLOOR: &str = "vitrine-bench-floor";
const FORGETFUL: &[(&str, &str)] = &[("ResourceCacheSeconds", "0")];
const REMEMBERING: &[(&str, &str)] = &[("ResourceCacheSeconds", "3600")];

pub const CASES: [Case; 8] = [
    Case { name: "hello world", binary: FLOOR, settings: &[], ask: Ask::Hello },
    Case { name: "view, remembered", binary: "verify-token", settings: REMEMBERING, ask: Ask::View },
    Case { name: "view, read anew", binary: "verify-token", settings: FORGETFUL, ask: Ask::View },
    Case { name: "create a session", binary: "create-session", settings: &[], ask: Ask::CreateSession },
    Case { name: "redeem a session", binary: "redeem-session", settings: &[], ask: Ask::RedeemSession },
    Case { name: "list, 20 resources", binary: "list-embeddable", settings: &[], ask: Ask::List },
    Case { name: "page, remembered", binary: "serve-embed", settings: REMEMBERING, ask: Ask::Page },
    Case { name: "page, read anew", binary: "serve-embed", settings: FORGETFUL, ask: Ask::Page },
];

impl Case {
    /// The next event, as API Gateway sends it.
    pub async fn event(&self, product: &Product) -> Result<Value> {
        let key = || Some(product.key.clone());
        Ok(match self.ask {
            Ask::Hello => event("GET", "/", None, None),
            Ask::View => event("GET", "/v1/view", Some(product.token()?), None),
            Ask::CreateSession => event("POST", "/v1/sessions", key(), Some(session_request())),
            Ask::RedeemSession => {
                let body = json!({"session": product.session().await?});
                event("POST", "/v1/sessions/redeem", None, Some(body))
            }
            Ask::List => event("GET", "/v1/resources", key(), None),
            Ask::Page => event("GET", &format!("/embed/dashboard/{}", product.token()?), None, None),
        })
    }
}

fn event(method: &str, path: &str, credential: Option<String>, body: Option<Value>) -> Value {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let mut headers = json!({
        "accept": "*/*",
        "accept-encoding": "gzip, deflate, br",
        "host": "embed.example.com",
        "user-agent": agent,
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    });
    if let Some(credential) = credential {
        headers["authorization"] = format!("Bearer {credential}").into();
    }
    if body.is_some() {
        headers["content-type"] = "application/json".into();
    }
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "embed.example.com",
            "domainPrefix": "embed",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": agent,
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "10/Mar/2026:05:16:23 +0000",
            "timeEpoch": 1_773_119_783_000_u64,
        },
        "body": body.map(|body| body.to_string()),
        "isBase64Encoded": false,
    })
}
