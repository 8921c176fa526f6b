//! `/api/embed/{kind}/{token}/params/{key}/...`: the values from which a viewer may choose.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

/// The route of each kind and its name in tokens.
const KINDS: [(&str, &str); 2] = [("dashboard", "dashboard"), ("card", "question")];

/// Parameters with each policy, with and without an id.
fn resource() -> Value {
    let listed = |slug: &str, id: Value| {
        let mut parameter =
            json!({"slug": slug, "name": slug, "type": "category", "values": [["x", "Ex"], ["y"]]});
        vitrine_tests::merge(&mut parameter, json!({ "id": id }));
        parameter
    };
    json!({
        "parameters": [
            {"slug": "continent", "name": "Continent", "type": "category", "id": "c0", "values": [
                ["Af", "African"], ["Am", "American"], ["As", "Asian"], ["ANT"], [7, "Seven"], [42], [true, "Yes"], [null, "Nowhere"],
                ["größe", "Größe"], ["50%/year", "Half"],
            ]},
            {"slug": "free", "name": "Free", "type": "text", "id": "f0"},
            listed("bare", json!(null)),
            listed("locked", json!("l0")),
            listed("disabled", json!("d0")),
            listed("unlisted", json!("u0")),
            listed("pinned", json!("p0")),
        ],
        "embedding_params": {
            "continent": "enabled", "free": "enabled", "bare": "enabled", "locked": "locked", "disabled": "disabled",
            "pinned": "enabled",
        },
    })
}

async fn start(settings: &[(&str, &str)]) -> Product {
    let product = Product::start_with(settings).await;
    for (_, kind) in KINDS {
        product.publish(&format!("{kind}/1"), resource()).await;
    }
    product
}

fn sign(product: &Product, kind: &str, params: Value) -> String {
    let mut all = json!({"locked": "secret"});
    vitrine_tests::merge(&mut all, params);
    product.sign(json!({"resource": {kind: 1}, "params": all}))
}

/// Calls `params/{rest}` for both kinds. The answers must be equal.
async fn ask(product: &Product, params: Value, rest: &str) -> Answer {
    let mut answers = Vec::new();
    for (route, kind) in KINDS {
        let token = sign(product, kind, params.clone());
        answers.push(product.get(&format!("/api/embed/{route}/{token}/params/{rest}")).send().await);
    }
    let [first, second]: [Answer; 2] = answers.try_into().unwrap();
    assert_eq!(
        (first.status, first.refusal().1, &first.json["message"]),
        (second.status, second.refusal().1, &second.json["message"])
    );
    if first.status == 200 {
        assert_eq!(first.json, second.json);
    }
    first
}

async fn values(product: &Product, rest: &str) -> Value {
    let answer = ask(product, json!({}), rest).await;
    assert_eq!(answer.status, 200, "{rest}: {}", answer.text);
    assert_eq!(answer.json["has_more_values"], false);
    assert_eq!(answer.json.as_object().map(serde_json::Map::len), Some(2));
    answer.json["values"].clone()
}

#[tokio::test]
async fn values_are_listed_by_id_or_by_slug_without_an_id() {
    let product = start(&[]).await;
    assert_eq!(values(&product, "c0/values").await, resource()["parameters"][0]["values"]);
    assert_eq!(values(&product, "bare/values").await, json!([["x", "Ex"], ["y"]]));
    assert_eq!(values(&product, "bare/values/").await, json!([["x", "Ex"], ["y"]]));
    // A parameter without a list gets an empty answer, not an error.
    assert_eq!(values(&product, "f0/values").await, json!([]));
    assert_eq!(values(&product, "f0/search/a").await, json!([]));
}

#[tokio::test]
async fn search_finds_part_of_a_value_or_label_without_regard_to_case() {
    let product = start(&[]).await;
    let cases = [
        ("AF", json!([["Af", "African"]])),
        ("frican", json!([["Af", "African"]])),
        ("a", json!([["Af", "African"], ["Am", "American"], ["As", "Asian"], ["ANT"], ["50%/year", "Half"]])),
        ("ant", json!([["ANT"]])),
        ("seven", json!([[7, "Seven"]])),
        ("7", json!([[7, "Seven"]])),
        ("4", json!([[42]])),
        ("yes", json!([[true, "Yes"]])),
        ("GR%C3%96%C3%9FE", json!([["größe", "Größe"]])),
        ("50%25%2Fy", json!([["50%/year", "Half"]])),
        ("nothing%20like%20it", json!([])),
        (".*", json!([])),
        ("%22", json!([])),
    ];
    for (text, expected) in cases {
        assert_eq!(values(&product, &format!("c0/search/{text}")).await, expected, "{text}");
    }
}

#[tokio::test]
async fn remapping_returns_the_label_of_a_value() {
    let product = start(&[]).await;
    let cases = [
        ("c0/remapping?value=Af", json!(["Af", "African"])),
        ("c0/remapping?value=ANT", json!(["ANT"])),
        ("c0/remapping?value=7", json!([7, "Seven"])),
        ("c0/remapping?value=true", json!([true, "Yes"])),
        ("c0/remapping?value=gr%C3%B6%C3%9Fe", json!(["größe", "Größe"])),
        // A value outside of the list has no label. Labels are not looked up, and the case matters.
        ("c0/remapping?value=Zz", json!(["Zz"])),
        ("c0/remapping?value=African", json!(["African"])),
        ("c0/remapping?value=af", json!(["af"])),
        ("f0/remapping?value=any", json!(["any"])),
        ("bare/remapping?value=x", json!(["x", "Ex"])),
        ("bare/remapping?value=x&c0=Af", json!(["x", "Ex"])),
    ];
    for (rest, expected) in cases {
        let answer = ask(&product, json!({}), rest).await;
        assert_eq!((answer.status.as_u16(), &answer.json), (200, &expected), "{rest}: {}", answer.text);
    }
    for rest in ["c0/remapping", "c0/remapping?c0=Af", "c0/remapping?Value=Af"] {
        let answer = ask(&product, json!({}), rest).await;
        assert_eq!((answer.refusal(), answer.issues()), ((400, "request_invalid"), vec!["value"]), "{rest}");
    }
}

/// None of the three routes answers for a parameter that is not enabled.
#[tokio::test]
async fn values_are_listed_only_for_parameters_that_the_viewer_may_set() {
    let product = start(&[]).await;
    let refused = [
        ("l0", "parameter_disabled", "\"locked\""),
        ("d0", "parameter_disabled", "\"disabled\""),
        ("u0", "parameter_disabled", "\"unlisted\""),
        ("nobody", "parameter_unknown", "nil"),
        // Each of these has an id, so its slug is not accepted here.
        ("continent", "parameter_unknown", "nil"),
        ("locked", "parameter_unknown", "nil"),
        ("C0", "parameter_unknown", "nil"),
        ("c0%20", "parameter_unknown", "nil"),
    ];
    let ways = [
        ("values", "Cannot search for values:"),
        ("search/x", "Cannot search for values:"),
        ("remapping?value=x", "Cannot get remapped value for parameter:"),
    ];
    for (way, purpose) in ways {
        for open in ["c0", "f0", "bare", "p0"] {
            assert_eq!(ask(&product, json!({}), &format!("{open}/{way}")).await.status, 200, "{open} {way}");
        }
        for (key, reason, named) in refused {
            let answer = ask(&product, json!({}), &format!("{key}/{way}")).await;
            assert_eq!(answer.refusal(), (400, reason), "{key} {way}");
            assert_eq!(answer.json["message"], format!("{purpose} {named} is not an enabled parameter."));
            assert!(!answer.text.contains("\"Ex\""));
        }
    }
}

/// The viewer may change an enabled parameter that the token sets, unless `EnabledInToken` is `pinned`.
#[tokio::test]
async fn a_value_in_the_token_closes_the_list_only_if_it_is_pinned() {
    let set = [json!("x"), json!(null), json!(["x", "y"]), json!(false)];
    let by_default = start(&[]).await;
    let pinned = start(&[("EnabledInToken", "pinned")]).await;
    for way in ["values", "search/x", "remapping?value=x"] {
        for value in &set {
            let mut params = json!({"locked": "secret"});
            params["pinned"] = value.clone();
            for (route, kind) in KINDS {
                let claims = json!({"resource": {kind: 1}, "params": params});
                let path = |product: &Product| {
                    format!("/api/embed/{route}/{}/params/p0/{way}", product.sign(claims.clone()))
                };
                assert_eq!(by_default.get(&path(&by_default)).send().await.status, 200, "{value} {way}");
                let answer = pinned.get(&path(&pinned)).send().await;
                assert_eq!(answer.refusal(), (400, "parameter_pinned"), "{value} {way}");
                assert_eq!(
                    answer.json["message"],
                    "You can't specify a value for \"pinned\" if it's already set in the JWT."
                );
            }
        }
        // Without a value in the token, pinning changes nothing.
        assert_eq!(ask(&pinned, json!({}), &format!("p0/{way}")).await.status, 200, "{way}");
        assert_eq!(ask(&pinned, json!({}), &format!("c0/{way}")).await.status, 200, "{way}");
    }
}

/// The query names the other parameters by the same keys and obeys all rules of a view.
#[tokio::test]
async fn the_query_uses_ids_and_obeys_the_rules_of_a_view() {
    let product = start(&[]).await;
    let no_slug =
        |id: &str| format!("Invalid query params: could not determine slug for parameter with ID \"{id}\"");
    let only = "You can only specify a value for :locked in the JWT.".to_owned();
    let not = "You're not allowed to specify a value for :disabled.".to_owned();
    let unknown = "Unknown parameter :unlisted.".to_owned();
    let invalid = "Invalid parameter values".to_owned();
    let cases = [
        ("", None),
        ("f0=4", None),
        ("f0=", None),
        ("f0=4&bare=x", None),
        ("c0=Af&c0=Am", None),
        ("parameters=%7B%22f0%22%3A4%7D&l0=ignored", None),
        ("l0=other", Some(("parameter_locked", &only))),
        ("l0=", Some(("parameter_locked", &only))),
        ("parameters=%7B%22l0%22%3A%22other%22%7D", Some(("parameter_locked", &only))),
        ("d0=x", Some(("parameter_disabled", &not))),
        ("u0=x", Some(("parameter_unknown", &unknown))),
        ("parameters=%5B%5D", Some(("params_invalid", &invalid))),
        ("free=4", Some(("parameter_unknown", &no_slug("free")))),
        ("locked=other", Some(("parameter_unknown", &no_slug("locked")))),
        ("nobody=1", Some(("parameter_unknown", &no_slug("nobody")))),
        ("format_rows=true", Some(("parameter_unknown", &no_slug("format_rows")))),
    ];
    for way in ["c0/values?", "c0/search/af?", "c0/remapping?value=Af&"] {
        for (query, expected) in &cases {
            let query = if way.contains("value=") && query.starts_with("parameters=") {
                // The JSON form replaces the rest of the query, the value as well.
                continue;
            } else {
                query
            };
            let answer = ask(&product, json!({}), &format!("{way}{query}")).await;
            match expected {
                None => assert_eq!(answer.status, 200, "{way}{query}: {}", answer.text),
                Some((reason, message)) => {
                    assert_eq!(answer.refusal(), (400, *reason), "{way}{query}");
                    assert_eq!(answer.json["message"], **message, "{way}{query}");
                }
            }
        }
    }
}

/// A token gets the lists only if it opens the view.
#[tokio::test]
async fn a_token_that_opens_no_view_gets_no_lists() {
    let product = start(&[]).await;
    for (_, kind) in KINDS {
        let mut draft = resource();
        draft["enable_embedding"] = json!(false);
        product.publish(&format!("{kind}/2"), draft).await;
        let mut archived = resource();
        archived["archived"] = json!(true);
        product.publish(&format!("{kind}/3"), archived).await;
    }
    for (route, kind) in KINDS {
        let params = json!({"locked": "secret"});
        let now = product.clock.now().unix();
        let other = if kind == "dashboard" { "question" } else { "dashboard" };
        let cases = [
            (json!({"resource": {kind: 1}, "params": params}), (200, "(none)")),
            (json!({"resource": {kind: 2}, "params": params}), (403, "resource_not_published")),
            (json!({"resource": {kind: 3}, "params": params}), (403, "resource_archived")),
            (json!({"resource": {kind: 4}, "params": params}), (404, "resource_not_found")),
            (json!({"resource": {kind: "1"}, "params": params}), (400, "resource_id_invalid")),
            (json!({"resource": {other: 1}, "params": params}), (400, "resource_missing")),
            (json!({"resource": {kind: 1}}), (400, "params_missing")),
            (json!({"resource": {kind: 1}, "params": {}}), (400, "parameter_locked_missing")),
            (json!({"resource": {kind: 1}, "params": []}), (400, "parameter_locked_missing")),
            (json!({"resource": {kind: 1}, "params": {"locked": []}}), (400, "parameter_locked_missing")),
            (
                json!({"resource": {kind: 1}, "params": {"locked": 1, "disabled": 1}}),
                (400, "parameter_disabled"),
            ),
            (
                json!({"resource": {kind: 1}, "params": {"locked": 1, "planet": 1}}),
                (400, "parameter_unknown"),
            ),
            (json!({"resource": {kind: 1}, "params": params, "exp": now - 60}), (401, "token_expired")),
        ];
        for way in ["values", "search/af", "remapping?value=Af"] {
            for (claims, expected) in &cases {
                let token = product.sign(claims.clone());
                let answer = product.get(&format!("/api/embed/{route}/{token}/params/c0/{way}")).send().await;
                assert_eq!(answer.refusal(), *expected, "{way} {claims}");
            }
            let garbage = product.get(&format!("/api/embed/{route}/garbage/params/c0/{way}")).send().await;
            assert_eq!(garbage.refusal(), (400, "token_malformed"));
            let token = product.sign(json!({"resource": {kind: 1}, "params": params}));
            let forged = vitrine_tests::sign(
                &json!({"resource": {kind: 1}, "params": params, "exp": now + 600}),
                &"0".repeat(64),
            );
            let answer = product.get(&format!("/api/embed/{route}/{forged}/params/c0/{way}")).send().await;
            assert_eq!(answer.refusal(), (401, "token_signature"));
            let elsewhere = product.get(&format!("/api/embed/dive/{token}/params/c0/{way}")).send().await;
            assert_eq!(elsewhere.refusal(), (404, "route_not_found"));
        }
        let off = json!({"value": false});
        assert_eq!(product.put("/api/setting/enable-embedding-static", off).admin().send().await.status, 204);
        let token = product.sign(json!({"resource": {kind: 1}, "params": params}));
        for way in ["values", "search/af", "remapping?value=Af"] {
            let answer = product.get(&format!("/api/embed/{route}/{token}/params/c0/{way}")).send().await;
            assert_eq!(answer.refusal(), (403, "embedding_disabled"), "{way}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
        let on = json!({"value": true});
        assert_eq!(product.put("/api/setting/enable-embedding-static", on).admin().send().await.status, 204);
    }
}
