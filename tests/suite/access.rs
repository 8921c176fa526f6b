//! Permissions: every administrative route, called with every kind of credential.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use vitrine::rules::settings::Settings;
use vitrine_tests::{ADMIN_KEY, Answer, Call, Product, SECRET, merge};

use crate::shape::assert_problem;

const PERMISSIONS: [&str; 4] = ["resources:write", "resources:list", "sessions:create", "introspect"];

/// An administrative route and the permission that it needs.
pub struct Route {
    pub method: Method,
    pub pattern: &'static str,
    path: &'static str,
    body: Option<Value>,
    /// None: only for admins.
    permission: Option<&'static str>,
    pub success: u16,
}

/// `{victim}` is the id of an access key for the call to delete.
pub fn routes() -> Vec<Route> {
    let route = |method, pattern, path, body, permission, success| Route {
        method,
        pattern,
        path,
        body,
        permission,
        success,
    };
    const RESOURCE: &str = "/v1/resources/{kind}/{id}";
    const RESOURCE_VERSIONS: &str = "/v1/resources/{kind}/{id}/versions";
    const RESOURCE_VERSION: &str = "/v1/resources/{kind}/{id}/versions/{version}";
    let (write, list) = (Some("resources:write"), Some("resources:list"));
    let (create, introspect) = (Some("sessions:create"), Some("introspect"));
    let published = Some(json!({"title": "T", "enable_embedding": true}));
    let wanted = Some(json!({"resource": {"dashboard": 1}}));
    let key = Some(json!({"name": "made", "role": "restricted"}));
    let native = Some(json!({"native": {"query": "select 1"}}));
    const PREVIEW: &str = "/api/preview_embed/{kind}/{token}";
    const SWITCH: &str = "/api/setting/enable-embedding-static";
    const SECRET_KEY: &str = "/api/setting/embedding-secret-key";
    const VERSION: &str = "/v1/dives/{id}/versions/{version}";
    const EMBED_SESSION: &str = "/v1/dives/{id}/embed-session";
    const USER: &str = "/v1/users/{username}";
    const TOKENS: &str = "/v1/users/{username}/tokens";
    let named = Some(json!({"name": "Renamed"}));
    let dive =
        Some(json!({"title": "D", "content": {"type": "html", "html": "x"}, "enable_embedding": true}));
    let viewer = Some(json!({"username": "acme"}));
    const USER_SESSIONS: &str = "/v1/external-users/{id}/sessions";
    const USER_SESSION: &str = "/v1/external-users/{id}/sessions/{session}";
    const ATTRIBUTES: &str = "/v1/attributes";
    const CUBE_ATTRIBUTES: &str = "/api/v1/user-attributes";
    const TENANT: &str = "/api/v1/embed-tenants/{tenant}";
    const GROUPS: &str = "/api/v1/embed-tenants/{tenant}/groups";
    const GROUP: &str = "/api/v1/embed-tenants/{tenant}/groups/{id}";
    const MEMBERS: &str = "/api/v1/embed-tenants/{tenant}/groups/{id}/users";
    const SOURCE: &str = "/v1/sources/{source}";
    const TABLE: &str = "/v1/tables/{table}";
    const TABLE_VERSIONS: &str = "/v1/tables/{table}/versions";
    let source = Some(json!({"kind": "files", "location": "s3://lake"}));
    let upload = Some(json!({"format": "csv", "size": 1, "sha256": "0".repeat(64)}));
    let attribute = Some(json!({"name": "{fresh}", "type": "string"}));
    let fresh_name = Some(json!({"name": "{fresh}"}));
    let external = Some(json!({"externalId": "{fresh}"}));
    let members = Some(json!({"members": [{"externalId": "{fresh}"}]}));
    vec![
        route(Method::PUT, RESOURCE, "/v1/resources/dashboard/1", published, write, 200),
        route(Method::GET, RESOURCE, "/v1/resources/dashboard/1", None, write, 200),
        route(Method::DELETE, RESOURCE, "/v1/resources/dashboard/{spare}", None, write, 204),
        route(Method::GET, RESOURCE_VERSIONS, "/v1/resources/dashboard/1/versions", None, write, 200),
        route(Method::GET, RESOURCE_VERSION, "/v1/resources/dashboard/1/versions/1", None, write, 200),
        route(
            Method::POST,
            "/v1/resources/{kind}/{id}/restore",
            "/v1/resources/dashboard/1/restore",
            Some(json!({"version": 1})),
            write,
            200,
        ),
        route(Method::GET, "/v1/resources", "/v1/resources", None, list, 200),
        route(Method::GET, "/api/card/embeddable", "/api/card/embeddable", None, list, 200),
        route(Method::GET, "/api/dashboard/embeddable", "/api/dashboard/embeddable", None, list, 200),
        route(Method::POST, "/v1/sessions", "/v1/sessions", wanted, create, 201),
        route(
            Method::POST,
            "/v1/sessions/revoke",
            "/v1/sessions/revoke",
            Some(json!({"session": "none"})),
            create,
            204,
        ),
        route(
            Method::POST,
            "/v1/introspect",
            "/v1/introspect",
            Some(json!({"token": "none"})),
            introspect,
            200,
        ),
        route(
            Method::POST,
            "/v1/query/preview",
            "/v1/query/preview",
            Some(json!({"sql": "select 1"})),
            None,
            200,
        ),
        route(Method::POST, "/api/dataset", "/api/dataset", native.clone(), None, 202),
        route(
            Method::POST,
            "/api/dataset/{format}",
            "/api/dataset/csv",
            Some(json!({"query": native})),
            None,
            200,
        ),
        route(Method::POST, "/api/card/{id}/query", "/api/card/1/query", Some(json!({})), None, 404),
        route(
            Method::POST,
            "/api/card/{id}/query/{format}",
            "/api/card/1/query/csv",
            Some(json!({})),
            None,
            404,
        ),
        // The question has no query, and allows no downloads.
        route(
            Method::GET,
            "/api/preview_embed/card/{token}/query",
            "/api/preview_embed/card/{preview_card}/query",
            None,
            None,
            404,
        ),
        route(
            Method::GET,
            "/api/preview_embed/card/{token}/query/{format}",
            "/api/preview_embed/card/{preview_card}/query/csv",
            None,
            None,
            403,
        ),
        route(
            Method::POST,
            "/api/dashboard/{id}/dashcard/{dashcard}/card/{card}/query",
            "/api/dashboard/1/dashcard/1/card/1/query",
            Some(json!({})),
            None,
            404,
        ),
        // The dashboard has no cards.
        route(
            Method::GET,
            "/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}",
            "/api/preview_embed/dashboard/{preview}/dashcard/1/card/1",
            None,
            None,
            404,
        ),
        route(
            Method::GET,
            "/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}/{format}",
            "/api/preview_embed/dashboard/{preview}/dashcard/1/card/1/csv",
            None,
            None,
            403,
        ),
        route(Method::GET, "/api/database", "/api/database", None, None, 200),
        route(Method::GET, "/api/database/{id}", "/api/database/1", None, None, 200),
        route(Method::GET, "/api/database/{id}/metadata", "/api/database/1/metadata", None, None, 200),
        route(
            Method::GET,
            "/api/table/{id}/query_metadata",
            "/api/table/999/query_metadata",
            None,
            None,
            404,
        ),
        route(Method::GET, "/api/field/{id}", "/api/field/10001", None, None, 404),
        route(Method::POST, "/v1/keys", "/v1/keys", key, None, 201),
        route(Method::GET, "/v1/keys", "/v1/keys", None, None, 200),
        route(Method::DELETE, "/v1/keys/{id}", "/v1/keys/{victim}", None, None, 204),
        route(Method::GET, "/v1/decisions/{request_id}", "/v1/decisions/none", None, None, 404),
        route(Method::GET, "/v1/decisions/unauthenticated", "/v1/decisions/unauthenticated", None, None, 200),
        route(Method::GET, "/v1/signing-keys", "/v1/signing-keys", None, None, 200),
        route(Method::DELETE, "/v1/signing-keys/{kid}", "/v1/signing-keys/none", None, None, 404),
        route(Method::POST, "/api/card", "/api/card", named.clone(), write, 200),
        route(Method::GET, "/api/card/{id}", "/api/card/1", None, write, 200),
        route(Method::PUT, "/api/card/{id}", "/api/card/1", named.clone(), write, 200),
        route(Method::POST, "/api/dashboard", "/api/dashboard", named.clone(), write, 200),
        route(Method::GET, "/api/dashboard/{id}", "/api/dashboard/1", None, write, 200),
        route(Method::DELETE, "/api/card/{id}", "/api/card/{spare_card}", None, write, 204),
        route(Method::DELETE, "/api/dashboard/{id}", "/api/dashboard/{spare}", None, write, 204),
        route(Method::GET, "/api/card", "/api/card", None, list, 200),
        route(Method::GET, "/api/dashboard", "/api/dashboard", None, list, 200),
        route(Method::GET, "/api/collection", "/api/collection", None, list, 200),
        route(Method::GET, "/api/collection/{id}", "/api/collection/root", None, list, 200),
        route(Method::GET, "/api/collection/{id}/items", "/api/collection/root/items", None, list, 200),
        route(Method::GET, "/api/search", "/api/search", None, list, 200),
        route(Method::PUT, "/api/dashboard/{id}", "/api/dashboard/1", named, write, 200),
        route(Method::GET, PREVIEW, "/api/preview_embed/dashboard/{preview}", None, None, 200),
        route(
            Method::GET,
            "/api/preview_embed/{kind}/{token}/params/{key}/values",
            "/api/preview_embed/dashboard/{preview}/params/x/values",
            None,
            None,
            200,
        ),
        route(
            Method::GET,
            "/api/preview_embed/{kind}/{token}/params/{key}/search/{prefix}",
            "/api/preview_embed/dashboard/{preview}/params/x/search/a",
            None,
            None,
            200,
        ),
        route(
            Method::GET,
            "/api/preview_embed/{kind}/{token}/params/{key}/remapping",
            "/api/preview_embed/dashboard/{preview}/params/x/remapping?value=a",
            None,
            None,
            200,
        ),
        route(Method::PUT, SWITCH, SWITCH, Some(json!({"value": true})), None, 204),
        route(
            Method::PUT,
            "/api/setting/enable-embedding",
            "/api/setting/enable-embedding",
            Some(json!({"value": true})),
            None,
            204,
        ),
        route(Method::GET, SECRET_KEY, SECRET_KEY, None, None, 200),
        route(Method::PUT, SECRET_KEY, SECRET_KEY, Some(json!({"value": SECRET})), None, 204),
        route(Method::POST, "/v1/dives", "/v1/dives", dive.clone(), write, 201),
        route(Method::GET, "/v1/dives", "/v1/dives", None, list, 200),
        route(Method::GET, "/v1/dives/{id}", "/v1/dives/{dive}", None, write, 200),
        route(Method::PUT, "/v1/dives/{id}", "/v1/dives/{dive}", dive, write, 200),
        route(Method::PATCH, "/v1/dives/{id}", "/v1/dives/{dive}", Some(json!({"title": "D"})), write, 200),
        route(Method::DELETE, "/v1/dives/{id}", "/v1/dives/{dive}", None, write, 204),
        route(Method::GET, "/v1/dives/{id}/versions", "/v1/dives/{dive}/versions", None, write, 200),
        route(Method::GET, VERSION, "/v1/dives/{dive}/versions/1", None, write, 200),
        route(Method::POST, EMBED_SESSION, "/v1/dives/{dive}/embed-session", viewer, create, 200),
        route(Method::POST, "/v1/users", "/v1/users", Some(json!({"username": "{fresh}"})), None, 200),
        route(Method::GET, "/v1/users", "/v1/users", None, None, 200),
        route(Method::GET, USER, "/v1/users/acme", None, None, 200),
        route(Method::PATCH, USER, "/v1/users/acme", Some(json!({"role": "member"})), None, 200),
        route(Method::DELETE, USER, "/v1/users/{account}", None, None, 204),
        route(Method::POST, TOKENS, "/v1/users/acme/tokens", Some(json!({"name": "{fresh}"})), None, 200),
        route(Method::GET, TOKENS, "/v1/users/acme/tokens", None, None, 200),
        route(
            Method::DELETE,
            "/v1/users/{username}/tokens/{id}",
            "/v1/users/acme/tokens/{account_token}",
            None,
            None,
            204,
        ),
        route(
            Method::POST,
            "/api/v1/embed/generate-session",
            "/api/v1/embed/generate-session",
            Some(json!({"deploymentId": 1, "externalId": "{fresh}"})),
            create,
            200,
        ),
        route(
            Method::POST,
            "/api/v1/embed/session/revoke",
            "/api/v1/embed/session/revoke",
            Some(json!({"sessionId": "none"})),
            None,
            204,
        ),
        route(
            Method::PATCH,
            "/api/v1/embed/dashboard/{public_id}",
            "/api/v1/embed/dashboard/{public}",
            Some(json!({"allowEmbed": true})),
            None,
            200,
        ),
        route(Method::POST, ATTRIBUTES, ATTRIBUTES, attribute.clone(), None, 201),
        route(Method::GET, ATTRIBUTES, ATTRIBUTES, None, None, 200),
        route(Method::DELETE, "/v1/attributes/{name}", "/v1/attributes/{attribute}", None, None, 204),
        route(Method::POST, CUBE_ATTRIBUTES, CUBE_ATTRIBUTES, attribute, None, 201),
        route(Method::GET, CUBE_ATTRIBUTES, CUBE_ATTRIBUTES, None, None, 200),
        route(Method::GET, "/api/v1/user-groups", "/api/v1/user-groups", None, None, 200),
        route(Method::POST, "/v1/groups", "/v1/groups", fresh_name.clone(), None, 201),
        route(Method::GET, "/v1/groups", "/v1/groups", None, None, 200),
        route(Method::DELETE, "/v1/groups/{name}", "/v1/groups/{group}", None, None, 204),
        route(Method::GET, "/v1/external-users", "/v1/external-users", None, None, 200),
        route(Method::GET, "/v1/external-users/{id}", "/v1/external-users/{user}", None, None, 200),
        route(Method::DELETE, "/v1/external-users/{id}", "/v1/external-users/{user}", None, None, 204),
        route(Method::GET, USER_SESSIONS, "/v1/external-users/{user}/sessions", None, None, 200),
        route(Method::DELETE, USER_SESSION, "/v1/external-users/{user_session}", None, None, 204),
        route(Method::GET, "/api/v1/embed-tenants", "/api/v1/embed-tenants", None, None, 200),
        route(Method::DELETE, TENANT, "/api/v1/embed-tenants/{tenant}", None, None, 204),
        route(
            Method::POST,
            "/api/v1/embed-tenants/{tenant}/user",
            "/api/v1/embed-tenants/acme/user",
            external.clone(),
            None,
            200,
        ),
        route(
            Method::POST,
            "/api/v1/embed-tenants/{tenant}/users",
            "/api/v1/embed-tenants/acme/users",
            Some(json!({"users": [external]})),
            None,
            200,
        ),
        route(
            Method::GET,
            "/api/v1/embed-tenants/{tenant}/users",
            "/api/v1/embed-tenants/{tenant}/users",
            None,
            None,
            200,
        ),
        route(Method::GET, GROUPS, "/api/v1/embed-tenants/{tenant}/groups", None, None, 200),
        route(Method::POST, GROUPS, "/api/v1/embed-tenants/acme/groups", fresh_name, None, 200),
        route(Method::GET, GROUP, "/api/v1/embed-tenants/acme/groups/{team}", None, None, 200),
        route(
            Method::PATCH,
            GROUP,
            "/api/v1/embed-tenants/acme/groups/{team}",
            Some(json!({"description": "D"})),
            None,
            200,
        ),
        route(Method::DELETE, GROUP, "/api/v1/embed-tenants/acme/groups/{team}", None, None, 204),
        route(Method::GET, MEMBERS, "/api/v1/embed-tenants/acme/groups/{team}/users", None, None, 200),
        route(
            Method::POST,
            MEMBERS,
            "/api/v1/embed-tenants/acme/groups/{team}/users",
            members.clone(),
            None,
            200,
        ),
        route(Method::DELETE, MEMBERS, "/api/v1/embed-tenants/acme/groups/{team}/users", members, None, 204),
        route(Method::GET, "/v1/sources", "/v1/sources", None, None, 200),
        route(Method::PUT, SOURCE, "/v1/sources/lake", source, None, 200),
        route(Method::GET, SOURCE, "/v1/sources/lake", None, None, 200),
        route(Method::DELETE, SOURCE, "/v1/sources/{spare_source}", None, None, 204),
        route(Method::GET, "/v1/tables", "/v1/tables", None, None, 200),
        route(Method::PUT, TABLE, "/v1/tables/orders", Some(json!({})), None, 200),
        route(Method::GET, TABLE, "/v1/tables/orders", None, None, 200),
        route(Method::DELETE, TABLE, "/v1/tables/{spare_table}", None, None, 204),
        route(Method::POST, "/v1/tables/{table}/uploads", "/v1/tables/orders/uploads", upload, None, 201),
        route(
            Method::GET,
            "/v1/tables/{table}/uploads/{upload}",
            "/v1/tables/orders/uploads/none",
            None,
            None,
            404,
        ),
        route(
            Method::POST,
            TABLE_VERSIONS,
            "/v1/tables/orders/versions",
            Some(json!({"upload": "none"})),
            None,
            404,
        ),
        route(Method::GET, TABLE_VERSIONS, "/v1/tables/orders/versions", None, None, 200),
        route(
            Method::POST,
            "/v1/tables/{table}/rollback",
            "/v1/tables/orders/rollback",
            Some(json!({"version": 1})),
            None,
            404,
        ),
    ]
}

/// Routes that need no access key; some of them check a credential of another kind.
const OPEN: [&str; 38] = [
    "GET /api/embed/card/{token}/query",
    "GET /api/embed/card/{token}/query/{format}",
    "GET /api/embed/dashboard/{token}/dashcard/{dashcard}/card/{card}",
    "GET /api/embed/dashboard/{token}/dashcard/{dashcard}/card/{card}/{format}",
    "GET /api/health",
    "GET /api/session/properties",
    "POST /api/session",
    "GET /vitrine.d.ts",
    "GET /vitrine.js",
    "GET /vitrine.mjs",
    "GET /api/v1/app-config",
    "GET /api/v1/embed/dashboard/{public_id}",
    "GET /api/v1/users/me",
    "POST /api/v1/embed/session/token",
    "GET /embed/d/{deployment}/dashboard/{public_id}",
    "GET /v1/view/{kind}/{id}",
    "GET /api/embed/{kind}/{token}",
    "GET /api/embed/{kind}/{token}/params/{key}/remapping",
    "GET /api/embed/{kind}/{token}/params/{key}/search/{prefix}",
    "GET /api/embed/{kind}/{token}/params/{key}/values",
    "GET /app/iframeResizer.js",
    "GET /sandbox",
    "GET /healthz",
    "GET /v1/view",
    "GET /v1/view/{kind}",
    "GET /cubejs-api/v1/load",
    "POST /cubejs-api/v1/load",
    "GET /cubejs-api/v1/sql",
    "POST /cubejs-api/v1/sql",
    "GET /cubejs-api/v1/meta",
    "POST /v1/query",
    "GET /v1/query/{handle}",
    "POST /v1/query/values",
    "POST /v1/sessions/redeem",
    "GET /embed/dashboard/{credential}",
    "GET /embed/question/{credential}",
    "GET /embed/dive/{credential}",
    "GET /embed/assets/{file}",
];

/// Routes that accept any valid key.
const ANY_KEY: [&str; 6] = [
    "/api/setting/enable-embedding-static",
    "/api/setting/enable-embedding",
    "/api/util/random_token",
    "/api/user/current",
    "/api/login-history/current",
    "/api/setting",
];

pub async fn make(product: &Product, maker: &str, fields: Value) -> Answer {
    let mut body = json!({"name": "a key", "role": "admin"});
    merge(&mut body, fields);
    product.post("/v1/keys", body).bearer(maker).send().await
}

pub async fn made(product: &Product, fields: Value) -> Value {
    let answer = make(product, ADMIN_KEY, fields).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json
}

pub async fn key(product: &Product, fields: Value) -> String {
    made(product, fields).await["key"].as_str().unwrap().to_owned()
}

/// A product with two deployments and two dashboards, both in the first deployment.
pub async fn product() -> Product {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    restore(&product).await;
    product
}

pub async fn restore(product: &Product) {
    let x = json!([{"slug": "x", "name": "X", "type": "text", "values": [["a"]]}]);
    for resource in ["dashboard/1", "dashboard/2", "question/1"] {
        product.publish(resource, json!({ "parameters": x })).await;
    }
    for (path, body) in [
        ("/v1/sources/lake", json!({"kind": "files", "location": "s3://lake"})),
        ("/v1/tables/orders", json!({})),
    ] {
        let answer = product.put(path, body).admin().send().await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
    }
    let account = product.post("/v1/users", json!({"username": "acme"})).admin().send().await;
    assert!(matches!(account.status.as_u16(), 200 | 409), "{}", account.text);
}

/// Creates a new object for a route to act on.
async fn example(product: &Product, name: &str, fresh: &str) -> String {
    let (path, body) = match name {
        "victim" => ("/v1/keys", json!({"name": "victim", "role": "admin"})),
        "dive" => {
            let content = json!({"type": "html", "html": "x"});
            ("/v1/dives", json!({"title": "D", "content": content, "enable_embedding": true}))
        }
        "spare" => ("/api/dashboard", json!({"name": "spare"})),
        "spare_card" => ("/api/card", json!({"name": "spare"})),
        "account" => ("/v1/users", json!({"username": fresh})),
        "account_token" => ("/v1/users/acme/tokens", json!({"name": fresh})),
        "attribute" => ("/v1/attributes", json!({"name": fresh, "type": "string"})),
        "group" => ("/v1/groups", json!({"name": fresh})),
        "user" => ("/api/v1/embed-tenants/acme/user", json!({"externalId": fresh})),
        "user_session" => {
            let user = json!({"deploymentId": 1, "externalId": fresh});
            let answer = product.post("/api/v1/embed/generate-session", user).admin().send().await;
            assert!(answer.status.is_success(), "{}", answer.text);
            let users = product.get(&format!("/v1/external-users?search={fresh}")).admin().send().await.json;
            let id = users["items"][0]["id"].to_string();
            let listed = product.get(&format!("/v1/external-users/{id}/sessions")).admin().send().await.json;
            return format!("{id}/sessions/{}", listed["items"][0]["id"].as_str().unwrap());
        }
        "team" => ("/api/v1/embed-tenants/acme/groups", json!({"name": fresh})),
        "tenant" => {
            let path = format!("/api/v1/embed-tenants/{fresh}/user").to_lowercase();
            let answer = product.post(&path, json!({"externalId": fresh})).admin().send().await;
            assert!(answer.status.is_success(), "{}", answer.text);
            return fresh.to_lowercase();
        }
        "spare_source" | "spare_table" => {
            let spare = fresh.to_lowercase();
            let source = json!({"kind": "files", "location": "s3://lake"});
            let (list, body) =
                if name == "spare_source" { ("sources", source) } else { ("tables", json!({})) };
            let answer = product.put(&format!("/v1/{list}/{spare}"), body).admin().send().await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            return spare;
        }
        "public" => {
            let dashboard = product.get("/v1/resources/dashboard/1").admin().send().await;
            return dashboard.json["public_id"].as_str().unwrap().to_owned();
        }
        _ => {
            let kind = if name == "preview_card" { "question" } else { "dashboard" };
            return product.sign(json!({
                "resource": {kind: 1}, "params": {}, "_embedding_params": {"x": "enabled"},
            }));
        }
    };
    let answer = product.post(path, body).admin().send().await;
    assert!(answer.status.is_success(), "{}", answer.text);
    match &answer.json["id"] {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => fresh.to_owned(),
    }
}

/// The number of items, without the records of refused views and of the use of signing keys.
async fn items_of_callers(product: &Product) -> usize {
    let table = product.table().await;
    let own = ["decision#", "signing-key"];
    table.iter().filter(|item| !own.iter().any(|own| item["pk"].starts_with(own))).count()
}

impl Route {
    pub async fn call(&self, product: &Product, authorize: impl FnOnce(Call) -> Call) -> Answer {
        let fresh = vitrine::rules::random::short_id().unwrap();
        let mut path = self.path.to_owned();
        let names = ["victim", "preview", "preview_card", "dive", "account_token", "account"];
        let names = [
            &names[..],
            &[
                "attribute",
                "group",
                "user",
                "user_session",
                "team",
                "tenant",
                "public",
                "spare_card",
                "spare",
            ],
            &["spare_source", "spare_table"],
        ]
        .concat();
        for name in names {
            if path.contains(&format!("{{{name}}}")) {
                path = path.replace(&format!("{{{name}}}"), &example(product, name, &fresh).await);
            }
        }
        let mut call = product.request(self.method.clone(), &path);
        if let Some(body) = &self.body {
            let body = body.to_string().replace("{fresh}", &fresh);
            call = call.json(serde_json::from_str(&body).unwrap());
        }
        let before = items_of_callers(product).await;
        let answer = authorize(call).send().await;
        if answer.status.is_client_error() {
            assert_eq!(items_of_callers(product).await, before, "{} wrote an item", self.path);
        }
        answer
    }

    fn others(&self) -> Vec<&'static str> {
        PERMISSIONS.into_iter().filter(|permission| Some(*permission) != self.permission).collect()
    }
}

#[tokio::test]
async fn every_route_is_in_one_of_the_lists() {
    let product = Product::start().await;
    let functions =
        vitrine_local::functions::connect_all(&product.services, &Settings::default(), &product.clock).await;
    let served: BTreeSet<_> = functions
        .iter()
        .flat_map(|function| function.routes.declared())
        .filter(|(method, _)| method != Method::OPTIONS)
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    let listed =
        routes().iter().map(|route| format!("{} {}", route.method, route.pattern)).collect::<BTreeSet<_>>();
    let any_key =
        ANY_KEY.map(|path| format!("GET {path}")).into_iter().chain(["DELETE /api/session".to_owned()]);
    assert_eq!(served, listed.into_iter().chain(OPEN.map(str::to_owned)).chain(any_key).collect());
}

#[tokio::test]
async fn some_routes_accept_any_valid_key() {
    let product = product().await;
    let least = key(&product, json!({"role": "restricted"})).await;
    for path in ANY_KEY {
        assert_eq!(product.get(path).bearer(&least).send().await.status, 200, "{path}");
        assert_eq!(product.get(path).send().await.refusal(), (401, "access_key_missing"), "{path}");
        assert_eq!(
            product.get(path).bearer("x").send().await.refusal(),
            (401, "access_key_unknown"),
            "{path}"
        );
    }
}

/// Settings, accounts and definitions belong to the whole stack, so they need an admin key without a scope.
#[tokio::test]
async fn a_scoped_admin_cannot_change_the_whole_stack() {
    let product = product().await;
    let scoped = key(&product, json!({"deployments": [2]})).await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    for call in [
        product.put("/api/setting/enable-embedding-static", json!({"value": false})),
        product.get("/api/setting/embedding-secret-key"),
        product.put("/api/setting/embedding-secret-key", json!({"value": "0".repeat(64)})),
        product.post("/v1/users", json!({"username": "other"})),
        product.delete("/v1/users/acme"),
        product.post("/v1/attributes", json!({"name": "city", "type": "string"})),
        product.post("/v1/groups", json!({"name": "staff"})),
        product.get("/v1/external-users"),
        product.delete("/api/v1/embed-tenants/acme"),
    ] {
        assert_eq!(call.bearer(&scoped).send().await.refusal(), (403, "access_denied"));
    }
    assert_eq!(product.view(&token, "").await.status, 200);
}

#[tokio::test]
async fn without_a_valid_key_every_route_refuses() {
    let product = product().await;
    let expired = key(&product, json!({"expires_at": product.clock.now().plus(60).to_string()})).await;
    let gone = made(&product, json!({})).await;
    let path = format!("/v1/keys/{}", gone["id"].as_str().unwrap());
    assert_eq!(product.delete(&path).admin().send().await.status, 204);
    product.clock.set_offset(61);
    let gone = gone["key"].as_str().unwrap();
    for route in routes() {
        let nobody = route.call(&product, |call| call).await;
        assert_problem(&nobody, route.path);
        assert_eq!(nobody.refusal(), (401, "access_key_missing"), "{}", route.path);
        for shown in ["garbage", "undefined", "null", &expired, gone, &expired[..20]] {
            let answer = route.call(&product, |call| call.bearer(shown)).await;
            assert_problem(&answer, route.path);
            assert_eq!(answer.refusal(), (401, "access_key_unknown"), "{} {shown:.8}", route.path);
            assert_eq!(answer.json["message"], nobody.json["message"]);
        }
    }
}

#[tokio::test]
async fn a_key_has_exactly_its_permissions() {
    let product = product().await;
    let admin = key(&product, json!({"role": "admin"})).await;
    let mut keys = std::collections::BTreeMap::new();
    for route in routes() {
        let mut callers = vec![
            ("bootstrap".to_owned(), ADMIN_KEY.to_owned(), true),
            ("admin".to_owned(), admin.clone(), true),
        ];
        for role in ["member", "restricted"] {
            for (permissions, may) in [
                (route.permission.into_iter().collect(), route.permission.is_some()),
                (PERMISSIONS.to_vec(), route.permission.is_some()),
                (route.others(), false),
                (Vec::new(), false),
            ] {
                let caller = format!("{role} {permissions:?}");
                if !keys.contains_key(&caller) {
                    let made = key(&product, json!({"role": role, "permissions": permissions})).await;
                    keys.insert(caller.clone(), made);
                }
                callers.push((caller.clone(), keys[&caller].clone(), may));
            }
        }
        callers.sort();
        callers.dedup();
        for (caller, shown, may) in callers {
            restore(&product).await;
            let answer = route.call(&product, |call| call.bearer(&shown)).await;
            let case = format!("{} {} by {caller}", route.method, route.path);
            if may {
                assert_eq!(answer.status, route.success, "{case}: {}", answer.text);
            } else {
                assert_problem(&answer, &case);
                assert_eq!(answer.refusal(), (403, "access_denied"), "{case}");
            }
        }
    }
}

/// The permissions of a key that is limited to the second deployment. All resources are in the first.
#[tokio::test]
async fn a_scoped_key_is_refused_outside_of_its_deployments() {
    let product = product().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    for (number, scoped) in [
        (7, json!({"role": "admin", "deployments": [2]})),
        (8, json!({"role": "member", "permissions": PERMISSIONS, "deployments": [2]})),
        (10, json!({"role": "restricted", "permissions": PERMISSIONS, "deployments": [2]})),
    ] {
        let scoped = key(&product, scoped).await;
        let (hidden, denied) = ((404, "resource_not_found"), (403, "access_denied"));
        let refused = [
            (product.put("/v1/resources/dashboard/1", json!({"title": "Taken"})), (409, "id_taken")),
            (
                product.put("/v1/resources/dashboard/1", json!({"title": "Taken", "deployment": 2})),
                (409, "id_taken"),
            ),
            (product.put("/v1/resources/dashboard/1", json!({"title": "Taken", "deployment": 1})), denied),
            (product.put("/v1/resources/dashboard/9", json!({"title": "New", "deployment": 1})), denied),
            (product.put("/v1/resources/dashboard/9", json!({"title": "New", "deployment": 7})), denied),
            (product.get("/v1/resources/dashboard/1"), hidden),
            (product.delete("/v1/resources/dashboard/1"), hidden),
            (product.delete("/api/dashboard/1"), hidden),
            (product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})), hidden),
            (product.post("/v1/sessions", json!({"resource": {"dashboard": 1}, "single_use": true})), hidden),
        ];
        let before = product.items().await;
        for (call, refusal) in refused {
            let answer = call.bearer(&scoped).send().await;
            assert_problem(&answer, "out of scope");
            assert_eq!(answer.refusal(), refusal);
        }
        assert_eq!(product.items().await, before);
        assert_eq!(product.get("/v1/resources").bearer(&scoped).send().await.json["items"], json!([]));
        assert_eq!(
            product.get("/v1/resources?embeddable=true").bearer(&scoped).send().await.json["items"],
            json!([])
        );
        for list in ["/api/dashboard/embeddable", "/api/dashboard", "/api/card", "/api/dashboard?f=archived"]
        {
            assert_eq!(product.get(list).bearer(&scoped).send().await.json, json!([]), "{list}");
        }
        let found = product.get("/api/search").bearer(&scoped).send().await;
        assert_eq!((&found.json["total"], &found.json["data"]), (&json!(0), &json!([])));
        let known = product.post("/v1/introspect", json!({ "token": token })).bearer(&scoped).send().await;
        assert_eq!((known.status.as_u16(), known.json), (200, json!({"active": false})));

        let path = format!("/v1/resources/dashboard/{number}");
        let theirs =
            product.put(&path, json!({"title": "Theirs", "deployment": 2, "enable_embedding": true}));
        let theirs = theirs.bearer(&scoped).send().await;
        assert!(theirs.status.is_success(), "{}", theirs.text);
        let listed = product.get("/v1/resources").bearer(&scoped).send().await;
        assert_eq!(
            (listed.json["items"].as_array().unwrap().len(), &listed.json["items"][0]["id"]),
            (1, &json!(number))
        );
        let session = product
            .post("/v1/sessions", json!({"resource": {"dashboard": number}}))
            .bearer(&scoped)
            .send()
            .await;
        assert_eq!(session.status, 201, "{}", session.text);
        assert_eq!(product.delete(&path).bearer(&scoped).send().await.status, 204);
    }
    assert_eq!(product.get("/v1/resources/dashboard/1").admin().send().await.json["title"], "A resource");
}

/// The scope is checked before everything whose refusal would describe the resource.
#[tokio::test]
async fn a_scoped_key_learns_nothing_about_other_deployments() {
    let product = product().await;
    let x = json!([{"slug": "x", "name": "X", "type": "text"}]);
    product.publish("dashboard/3", json!({"parameters": x, "embedding_params": {"x": "locked"}})).await;
    product.publish("dashboard/4", json!({"enable_embedding": false})).await;
    product.publish("dashboard/5", json!({"archived": true})).await;
    let scoped =
        key(&product, json!({"role": "member", "permissions": PERMISSIONS, "deployments": [2]})).await;
    for body in [
        json!({"resource": {"dashboard": 3}}),
        json!({"resource": {"dashboard": 3}, "params": {"y": 1}}),
        json!({"resource": {"dashboard": 4}}),
        json!({"resource": {"dashboard": 5}}),
    ] {
        let answer = product.post("/v1/sessions", body.clone()).bearer(&scoped).send().await;
        assert_eq!(answer.refusal(), (404, "resource_not_found"), "{body}: {}", answer.text);
    }
}
