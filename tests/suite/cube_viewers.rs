//! Two tenants with two viewers each: on every path, each sees exactly the rows of their own.

use serde_json::{Value, json};
use vitrine::aws::storage::QueryLeases;
use vitrine::aws::storage::query_leases::Taken;
use vitrine::rules::settings::Settings;
use vitrine_local::functions;
use vitrine_tests::Product;

use crate::cube_data::{load, session};
use crate::motherduck_sessions::opened;
use crate::query_data::{CANARY, DIVE, accept_all, dive, product, product_with, seed};
use crate::wire::{Line, wired};

/// Rows of the viewer's own company, in the viewer's own cities.
fn by_company_and_city() -> Value {
    json!([{"groups": ["*"], "rows": [
        {"column": "customer", "op": "=", "value": {"attribute": "company"}},
        {"column": "city", "op": "in", "value": {"attribute": "cities"}},
    ]}])
}

struct Seen {
    token: String,
    /// The account with the same attributes, for dives.
    account: &'static str,
    /// Numbers and cities of the orders.
    orders: Vec<(i64, &'static str)>,
}

/// Two of different tenants share a city.
async fn four_viewers(product: &Product) -> Vec<Seen> {
    for (name, kind) in [("company", "string"), ("cities", "string_array")] {
        let definition = json!({"name": name, "type": kind});
        let defined = product.post("/v1/attributes", definition).admin().send().await;
        assert!(defined.status.is_success(), "{}", defined.text);
    }
    let mut viewers = Vec::new();
    for (tenant, user, cities, orders) in [
        ("acme", "ann", json!(["Berlin", "Rome"]), vec![(1, "Berlin"), (2, "Berlin")]),
        ("acme", "bob", json!(["Paris"]), vec![(3, "Paris")]),
        ("globex", "cid", json!(["Paris", "Berlin"]), vec![(4, "Paris")]),
        ("globex", "dan", json!(["Rome"]), vec![(5, "Rome")]),
    ] {
        let attributes = json!([{"name": "company", "value": tenant}, {"name": "cities", "value": cities}]);
        let account = json!({"username": user, "attributes": {"company": tenant, "cities": cities}});
        let made = product.post("/v1/users", account).admin().send().await;
        assert!(made.status.is_success(), "{}", made.text);
        let account = user;
        let user = json!({"externalId": user, "embedTenantName": tenant, "userAttributes": attributes});
        viewers.push(Seen { token: session(product, user).await, account, orders });
    }
    viewers
}

async fn publish(product: &Product, allow_downloads: bool) {
    let filter = json!({"type": "dimension", "dimension": {"table": "orders", "column": "city"}});
    let query = json!({"sql": "select id as n, city from orders where {{city}} order by n", "tags": {"city": filter}});
    let card = json!({"id": 1, "row": 0, "col": 0, "width": 1, "height": 1, "query": query});
    let parameters = json!([{"slug": "city", "name": "City", "type": "category", "multiple": true}]);
    for (number, content) in [
        (1, json!({"type": "dashboard", "cards": [card]})),
        (2, json!({"type": "html", "html": "<p>Orders</p>", "queries": {"orders": query}})),
    ] {
        let fields = json!({
            "content": content, "parameters": parameters, "embedding_params": {"city": "enabled"},
            "allow_downloads": allow_downloads,
        });
        product.publish(&format!("dashboard/{number}"), fields.clone()).await;
        if number == 2 {
            dive(product, fields).await;
        }
    }
}

/// The token of a session of the dive for an account, as MotherDuck's clients make it.
async fn dive_session(product: &Product, account: &str) -> String {
    let path = format!("/v1/dives/{DIVE}/embed-session");
    let made = product.post(&path, json!({"username": account})).admin().send().await;
    assert_eq!(made.status, 200, "{}", made.text);
    opened(made.json["session"].as_str().unwrap())["token"].as_str().unwrap().to_owned()
}

/// Each path with its text, and the numbers and cities in it as they are on that path.
async fn every_path(product: &Product, Seen { token, account, .. }: &Seen) -> Vec<(String, Value)> {
    let mut told = Vec::new();
    let dive = &dive_session(product, account).await;
    let ask = async |format: &str, body: Value| {
        let token = if body["resource"]["dive"].is_null() { token } else { dive };
        let answer = product.post(&format!("/v1/query{format}"), body.clone()).bearer(token).send().await;
        assert_eq!(answer.status, 200, "{format} {body} {}", answer.text);
        answer
    };
    for asked in [
        json!({"resource": {"dashboard": 1}, "card": 1}),
        json!({"resource": {"dashboard": 2}, "query": "orders"}),
        json!({"resource": {"dive": DIVE}, "query": "orders"}),
    ] {
        let answer = ask("", asked.clone()).await;
        told.push((answer.text, answer.json["rows"].clone()));
        let file = ask("?format=json", asked.clone()).await;
        let rows = file.json.as_array().unwrap().iter().map(|row| json!([row["N"], row["City"]]));
        told.push((file.text.clone(), rows.collect()));
        let file = ask("?format=csv", asked).await;
        let rows = file.text.lines().skip(1).map(|line| {
            let (id, city) = line.split_once(',').unwrap();
            json!([id.parse::<i64>().unwrap(), city])
        });
        told.push((file.text.clone(), rows.collect()));
    }
    for sql in [
        "select id, city from orders order by id",
        "with own as (select * from orders) select id, city from own where customer is not null order by 1",
        "select a.id, b.city from orders a join orders b using (id) union select id, city from orders order by 1",
    ] {
        let answer = ask("", json!({"resource": {"dive": DIVE}, "sql": sql})).await;
        told.push((answer.text, answer.json["rows"].clone()));
    }
    let query = json!({"dimensions": ["orders.id", "orders.city"], "order": {"orders.id": "asc"}});
    let rows = load(product, token, &query).await;
    let pairs =
        rows.json["data"].as_array().unwrap().iter().map(|row| {
            json!([row["orders.id"].as_str().unwrap().parse::<i64>().unwrap(), row["orders.city"]])
        });
    told.push((rows.text.clone(), pairs.collect()));
    let several = json!({"query": [query], "queryType": "multi"});
    let several = product.post("/cubejs-api/v1/load", several).bearer(token).send().await;
    assert_eq!(several.json["results"][0]["data"], rows.json["data"], "{}", several.text);
    told
}

#[tokio::test]
async fn each_viewer_of_each_tenant_sees_their_rows_on_every_path() {
    let product = product_with(&[("DiveSql", "true")]).await;
    seed(&product, 6, by_company_and_city()).await;
    publish(&product, true).await;
    let viewers = four_viewers(&product).await;
    // The second time, answers of the others are in the cache.
    for round in 0..2 {
        for (number, viewer) in viewers.iter().enumerate() {
            let Seen { token, account, orders } = viewer;
            let dive = &dive_session(&product, account).await;
            let expected = json!(orders);
            for (path, (text, rows)) in every_path(&product, viewer).await.into_iter().enumerate() {
                assert_eq!(rows, expected, "viewer {number}, path {path}, round {round}");
                assert!(!text.contains(CANARY), "{text}");
            }
            let mut cities: Vec<_> = orders.iter().map(|(_, city)| *city).collect();
            cities.dedup();
            for (token, resource) in [
                (token, json!({"dashboard": 1})),
                (token, json!({"dashboard": 2})),
                (dive, json!({"dive": DIVE})),
            ] {
                let body = json!({"resource": resource, "parameter": "city"});
                let choices = product.post("/v1/query/values", body).bearer(token).send().await;
                assert_eq!(
                    choices.json["values"],
                    json!(cities.iter().map(|city| [city]).collect::<Vec<_>>())
                );
                let (kind, id) = resource.as_object().unwrap().iter().next().unwrap();
                let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                let view = product.get(&format!("/v1/view/{kind}/{id}")).bearer(token).send().await;
                assert_eq!(view.status, 200, "{}", view.text);
                assert!(!["Berlin", "Paris", "Rome", CANARY].iter().any(|text| view.text.contains(text)));
            }
            let totals =
                json!({"measures": ["orders.count"], "dimensions": ["orders.customer"], "total": true});
            let totals = load(&product, token, &totals).await;
            let company = if number < 2 { "acme" } else { "globex" };
            let counted = json!([{"orders.customer": company, "orders.count": orders.len().to_string()}]);
            assert_eq!((&totals.json["data"], &totals.json["total"]), (&counted, &json!(1)));
        }
    }
}

/// What a viewer asks for by name is not there if it is a row of the others.
#[tokio::test]
async fn a_viewer_who_names_the_rows_of_others_gets_none() {
    let product = product_with(&[("DiveSql", "true")]).await;
    seed(&product, 6, by_company_and_city()).await;
    publish(&product, true).await;
    let viewers = four_viewers(&product).await;
    for Seen { token, account, orders } in &viewers {
        let dive = &dive_session(&product, account).await;
        for city in ["Berlin", "Paris", "Rome", CANARY] {
            let own: Vec<_> = orders.iter().filter(|(_, other)| *other == city).collect();
            for (token, body) in [
                (token, json!({"resource": {"dashboard": 1}, "card": 1})),
                (token, json!({"resource": {"dashboard": 2}, "query": "orders"})),
                (dive, json!({"resource": {"dive": DIVE}, "query": "orders"})),
            ] {
                let mut body = body;
                vitrine_tests::merge(&mut body, json!({"parameters": {"city": [city]}}));
                let answer = product.post("/v1/query", body).bearer(token).send().await;
                assert_eq!(answer.json["rows"], json!(own), "{}", answer.text);
            }
            let sql = format!("select id, city from orders where city = '{city}' order by id");
            let body = json!({"resource": {"dive": DIVE}, "sql": sql});
            let answer = product.post("/v1/query", body).bearer(dive).send().await;
            assert_eq!(answer.json["rows"], json!(own), "{}", answer.text);
            let filters = json!([{"member": "orders.city", "operator": "equals", "values": [city]}]);
            let answer =
                load(&product, token, &json!({"measures": ["orders.count"], "filters": filters})).await;
            assert_eq!(answer.json["data"], json!([{"orders.count": own.len().to_string()}]));
        }
    }
    // The twin: without its tenant's attribute a viewer has no rows, and no table.
    let stranger = session(&product, json!({"externalId": "eve"})).await;
    let answer = load(&product, &stranger, &json!({"measures": ["orders.count"]})).await;
    assert_eq!(answer.refusal(), (400, "query_invalid"));
    let body = json!({"resource": {"dashboard": 1}, "card": 1});
    let answer = product.post("/v1/query", body).bearer(&stranger).send().await;
    assert_eq!(answer.refusal(), (403, "row_policy"));
    let made = product.post("/v1/users", json!({"username": "eve"})).admin().send().await;
    assert!(made.status.is_success(), "{}", made.text);
    let dive = dive_session(&product, "eve").await;
    let body = json!({"resource": {"dive": DIVE}, "query": "orders"});
    let answer = product.post("/v1/query", body).bearer(&dive).send().await;
    assert_eq!(answer.refusal(), (403, "row_policy"));
    let body = json!({"resource": {"dive": DIVE}, "sql": "select id from orders"});
    let answer = product.post("/v1/query", body).bearer(&dive).send().await;
    assert_eq!(answer.refusal(), (422, "query_failed"));
}

/// A table that a session of another deployment, a revoked session or a removed user asked for a moment ago.
#[tokio::test]
async fn a_viewer_who_was_removed_reads_nothing_any_more() {
    let product = vitrine_tests::Product::start_with(&[("ResourceCacheSeconds", "0")]).await;
    seed(&product, 6, by_company_and_city()).await;
    let viewers = four_viewers(&product).await;
    let query = json!({"measures": ["orders.count"]});
    for Seen { token, .. } in &viewers {
        assert_eq!(load(&product, token, &query).await.status, 200);
    }
    let users = product.get("/v1/external-users?tenant=acme").admin().send().await.json;
    let ann = users["items"].as_array().unwrap().iter().find(|user| user["external_id"] == "ann").unwrap();
    let removed = product.delete(&format!("/v1/external-users/{}", ann["id"])).admin().send().await;
    assert!(removed.status.is_success(), "{}", removed.text);
    let removed = product.delete("/api/v1/embed-tenants/globex").admin().send().await;
    assert!(removed.status.is_success(), "{}", removed.text);
    for (number, Seen { token, .. }) in viewers.iter().enumerate() {
        for path in [
            "/cubejs-api/v1/meta",
            "/cubejs-api/v1/load?query=%7B%22measures%22%3A%5B%22orders.count%22%5D%7D",
        ] {
            let answer = product.get(path).bearer(token).send().await;
            let is_there = number == 1;
            assert_eq!(answer.status.is_success(), is_there, "{number} {}", answer.text);
            assert!(is_there || answer.json["error"].is_string(), "{}", answer.text);
        }
    }
}

/// settings of the session, the dashboard allows downloads -> files are allowed
#[tokio::test]
async fn a_session_can_keep_files_from_its_viewer() {
    let product = product().await;
    for (number, (settings, is_allowed_by_dashboard, is_allowed)) in [
        (json!({}), true, true),
        (json!({"allowExport": true}), true, true),
        (json!({"allowExport": null}), true, true),
        (json!({"allowExport": false}), true, false),
        (json!({"allowExport": true}), false, false),
        (json!({"allowExport": false}), false, false),
    ]
    .into_iter()
    .enumerate()
    {
        publish(&product, is_allowed_by_dashboard).await;
        product
            .post("/v1/attributes", json!({"name": "cities", "type": "string_array"}))
            .admin()
            .send()
            .await;
        let attributes = json!([{"name": "cities", "value": ["Rome"]}]);
        let user =
            json!({"externalId": format!("u{number}"), "userAttributes": attributes, "settings": settings});
        let token = session(&product, user).await;
        let body = json!({"resource": {"dashboard": 1}, "card": 1});
        for format in ["csv", "json", "xlsx"] {
            let file =
                product.post(&format!("/v1/query?format={format}"), body.clone()).bearer(&token).send().await;
            let expected = if is_allowed { (200, "") } else { (403, "downloads_disabled") };
            assert_eq!(
                (file.status.as_u16(), file.json["reason"].as_str().unwrap_or_default()),
                expected,
                "{settings}"
            );
        }
        let page = product.post("/v1/query", body).bearer(&token).send().await;
        assert_eq!(page.json["rows"], json!([[5, "Rome"]]), "{settings}");
        let view = product.get("/v1/view/dashboard/1").bearer(&token).send().await;
        assert_eq!(view.json["downloads"], is_allowed, "{settings}");
        let path =
            format!("/api/v1/embed/dashboard/{}", view.json["resource"]["public_id"].as_str().unwrap());
        let dashboard = product.get(&path).bearer(&token).send().await;
        assert_eq!(dashboard.json["restrictDataDownload"], !is_allowed, "{settings}");
    }
}

vitrine::capability_set! {
    pub struct Leases {
        leases: QueryLeases,
    }
}

/// After five seconds a client is told to ask the same again, and has the answer once it is there.
#[tokio::test]
async fn the_same_request_again_has_the_answer_of_a_slow_query() {
    let (product, wires) = wired(&[]).await;
    accept_all(&product);
    seed(&product, 6, by_company_and_city()).await;
    let viewers = four_viewers(&product).await;
    let query = json!({"dimensions": ["orders.id"], "order": {"orders.id": "asc"}});
    // A query that fails leaves its lease, and so its key.
    wires.s3.set(Line::Cut);
    assert_eq!(load(&product, &viewers[0].token, &query).await.refusal(), (503, "engine_unavailable"));
    wires.s3.set(Line::Through);
    let items = product.table().await;
    let key = items.iter().find_map(|item| item["pk"].strip_prefix("query-lease#")).unwrap();
    // Another process is at work on it now.
    let other: Leases =
        functions::connected("leases", &product.services, &Settings::default(), &product.clock).await;
    let now = product.clock.now();
    let Taken::Lease(lease) = other.leases.take(key, now, now.plus(30)).await.unwrap() else {
        panic!("the lease is taken");
    };
    for _ in 0..2 {
        let waiting = load(&product, &viewers[0].token, &query).await;
        assert_eq!((waiting.status.as_u16(), &waiting.json), (200, &json!({"error": "Continue wait"})));
    }
    let several = json!({"query": query, "queryType": "multi"});
    let waiting = product.post("/cubejs-api/v1/load", several).bearer(&viewers[0].token).send().await;
    assert_eq!(waiting.json, json!({"error": "Continue wait"}));
    // The twin: others do not wait for it.
    let answer = load(&product, &viewers[1].token, &query).await;
    assert_eq!(answer.json["data"], json!([{"orders.id": "3"}]), "{}", answer.text);
    other.leases.end(lease, now).await.unwrap();
    for _ in 0..2 {
        let answer = load(&product, &viewers[0].token, &query).await;
        assert_eq!(answer.json["data"], json!([{"orders.id": "1"}, {"orders.id": "2"}]), "{}", answer.text);
        // The second time it is found in the cache.
        product.wait_for_background_tasks().await;
        wires.s3.set(Line::Cut);
    }
}
