//! The events of the cases, as Lambda delivers them.

use serde_json::{Value, json};

use crate::Result;
use crate::product::{Product, resource, session_request};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Hello,
    View,
    /// The cost of a route that does nothing: router, log and headers.
    Preflight,
    Authorize,
    Page,
    CreateSession,
    Mint,
    RedeemSession,
    List,
    Replace,
    AccessKeys,
    Rotate,
}

impl Ask {
    /// The next event.
    pub async fn event(self, product: &Product) -> Result<Value> {
        let key = || Some(product.key.as_str());
        Ok(match self {
            Self::Hello => request("GET", "/", "", None, None),
            Self::View => request("GET", "/v1/view", "", Some(&product.token()?), None),
            Self::Preflight => request("OPTIONS", "/v1/view", "", None, None),
            Self::Authorize => authorization(&product.token()?),
            Self::Page => request("GET", &format!("/embed/dashboard/{}", product.token()?), "", None, None),
            Self::CreateSession => request("POST", "/v1/sessions", "", key(), Some(&session_request(true))),
            Self::Mint => request("POST", "/v1/sessions", "", key(), Some(&session_request(false))),
            Self::RedeemSession => {
                let body = json!({"session": product.session().await?});
                request("POST", "/v1/sessions/redeem", "", None, Some(&body))
            }
            Self::List => request("GET", "/v1/resources", &product.middle, key(), None),
            Self::Replace => {
                let admin = product.services.admin_key();
                request("PUT", "/v1/resources/dashboard/2", "", Some(&admin), Some(&resource(2)))
            }
            Self::AccessKeys => request("GET", "/v1/keys", "", Some(&product.services.admin_key()), None),
            Self::Rotate => json!({
                "Step": "createSecret",
                "SecretId": vitrine_local::services::SIGNING_SECRET,
                "ClientRequestToken": product.pending_version,
            }),
        })
    }

    /// Fails for any answer but a success: a refusal is faster and must not be measured.
    pub fn check(self, answer: &Value) -> Result<()> {
        let good = match self {
            Self::Authorize => answer["isAuthorized"] == true,
            Self::Rotate => answer.is_null(),
            _ => matches!(answer["statusCode"].as_u64(), Some(200..300)),
        };
        if good { Ok(()) } else { Err(format!("unexpected answer: {answer}").into()) }
    }
}

/// The headers of every request.
fn headers() -> Value {
    json!({
        "accept": "*/*",
        "accept-encoding": "gzip, deflate, br",
        "host": "embed.example.com",
        "user-agent": AGENT,
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    })
}

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn context(method: &str, path: &str) -> Value {
    json!({
        "accountId": "123456789012",
        "apiId": "abcdefghij",
        "domainName": "embed.example.com",
        "domainPrefix": "embed",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": AGENT,
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": "$default",
        "time": "10/Mar/2026:05:16:23 +0000",
        "timeEpoch": 1_773_119_783_000_u64,
    })
}

/// The event that API Gateway makes of a request.
pub fn request(
    method: &str,
    path: &str,
    query: &str,
    credential: Option<&str>,
    body: Option<&Value>,
) -> Value {
    let mut headers = headers();
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
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context(method, path),
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}

/// The event that API Gateway sends to an authorizer.
fn authorization(token: &str) -> Value {
    let mut headers = headers();
    headers["authorization"] = format!("Bearer {token}").into();
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:abcdefghij/$default/GET/numbers",
        "identitySource": [headers["authorization"]],
        "routeKey": "GET /numbers",
        "rawPath": "/numbers",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": context("GET", "/numbers"),
    })
}
