//! `/api/preview_embed/...`: an admin's preview of a resource before it is published.

use serde_json::{Map, Value, json};
use vitrine_tests::{Answer, Product, SECRET, sign};

/// The route of each kind and its name in tokens.
const KINDS: [(&str, &str); 2] = [("dashboard", "dashboard"), ("card", "question")];

fn resource() -> Value {
    json!({
        "title": "A draft",
        "enable_embedding": false,
        "parameters": [
            {"slug": "a", "name": "A", "type": "category", "id": "id-of-a", "default": "fallback", "values": [["x", "Ex"], ["y"]]},
            {"slug": "b", "name": "B", "type": "text"},
        ],
        "embedding_params": {"a": "disabled", "b": "enabled"},
    })
}

async fn with_drafts() -> Product {
    let product = Product::start().await;
    for (_, kind) in KINDS {
        product.publish(&format!("{kind}/1"), resource()).await;
        product.publish(&format!("{kind}/2"), json!({"archived": true})).await;
    }
    product
}

async fn preview(product: &Product, path: &str) -> Answer {
    product.get(&format!("/api/preview_embed/{path}")).admin().send().await
}

fn values(answer: &Answer) -> Value {
    let parameters = answer.json["parameters"].as_array().cloned().unwrap_or_default();
    let pairs = parameters
        .iter()
        .map(|parameter| (parameter["slug"].as_str().unwrap().to_owned(), parameter["value"].clone()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

#[tokio::test]
async fn only_admins_get_a_preview_and_that_is_checked_first() {
    let product = with_drafts().await;
    let member = product.key("member", &["resources:write", "resources:list", "introspect"]).await;
    let admin = product.key("admin", &[]).await;
    for (route, kind) in KINDS {
        let good = product.sign(json!({"resource": {kind: 1}, "params": {}, "_embedding_params": {}}));
        for on in [true, false] {
            let turned = product.put("/api/setting/enable-embedding-static", json!({"value": on}));
            assert_eq!(turned.admin().send().await.status, 204);
            for token in [good.as_str(), "garbage"] {
                for rest in ["", "/params/id-of-a/values"] {
                    let ask = async |key: &str| {
                        let call = product.get(&format!("/api/preview_embed/{route}/{token}{rest}"));
                        if key.is_empty() { call } else { call.header("x-metabase-session", key) }
                            .send()
                            .await
                    };
                    let nobody = ask("").await;
                    assert_eq!(nobody.refusal(), (401, "access_key_missing"));
                    assert_eq!(nobody.json["message"], "Unauthenticated");
                    let denied = ask(&member).await;
                    assert_eq!(denied.refusal(), (403, "access_denied"));
                    assert_eq!(denied.json["message"], "You don't have permissions to do that.");
                    let allowed = ask(&admin).await;
                    if !on {
                        assert_eq!(allowed.refusal(), (400, "embedding_switched_off"));
                        assert_eq!(allowed.json["message"], "Embedding is not enabled.");
                    } else if token == "garbage" {
                        assert_eq!(allowed.refusal(), (400, "token_malformed"));
                    } else if rest.is_empty() {
                        assert_eq!(allowed.status, 200, "{}", allowed.text);
                    } else {
                        assert_eq!(allowed.refusal(), (400, "parameter_disabled"));
                    }
                }
            }
        }
        let turned = product.put("/api/setting/enable-embedding-static", json!({"value": true}));
        assert_eq!(turned.admin().send().await.status, 204);
    }
}

/// The token's policy, its params, the query, and the values or the refusal. The stored policy does not
/// count.
#[tokio::test]
async fn a_preview_uses_the_policy_in_the_token() {
    let product = with_drafts().await;
    const MUST: &str = "You must specify a value for :a in the JWT.";
    const NOT: &str = "You're not allowed to specify a value for :a.";
    let cases = [
        (json!({}), json!({}), "", Ok(json!({}))),
        (json!({"a": "enabled"}), json!({}), "", Ok(json!({"a": "fallback"}))),
        (json!({"a": "enabled"}), json!({}), "a=x", Ok(json!({"a": "x"}))),
        (json!({"a": "enabled"}), json!({"a": "y"}), "", Ok(json!({"a": "y"}))),
        (json!({"a": "enabled", "b": "enabled"}), json!({}), "b=z", Ok(json!({"a": "fallback", "b": "z"}))),
        (json!({"a": "disabled"}), json!({}), "a=x", Err(("parameter_disabled", NOT))),
        (json!({"a": "disabled"}), json!({}), "b=z", Err(("parameter_unknown", "Unknown parameter :b."))),
        (json!({"a": "locked"}), json!({"a": "x"}), "", Ok(json!({}))),
        (json!({"a": "locked"}), json!({}), "", Err(("parameter_locked_missing", MUST))),
        (json!({"a": "locked"}), json!({"a": []}), "", Err(("parameter_locked_missing", MUST))),
        (
            json!({"a": "locked"}),
            json!({"a": "x"}),
            "a=y",
            Err(("parameter_locked", "You can only specify a value for :a in the JWT.")),
        ),
        // A policy for a parameter that does not exist is refused.
        (
            json!({"gone": "locked"}),
            json!({"gone": 1}),
            "",
            Err(("parameter_unknown", "Unknown parameter :gone.")),
        ),
        (
            json!({"gone": "enabled"}),
            json!({}),
            "gone=1",
            Err(("parameter_unknown", "Unknown parameter :gone.")),
        ),
        (json!({"gone": "disabled"}), json!({}), "", Ok(json!({}))),
    ];
    for (route, kind) in KINDS {
        for (policy, params, query, expected) in &cases {
            let token =
                product.sign(json!({"resource": {kind: 1}, "params": params, "_embedding_params": policy}));
            let answer = preview(&product, &format!("{route}/{token}?{query}")).await;
            let case = format!("{route} {policy} {params} {query}: {}", answer.text);
            match expected {
                Ok(shown) => {
                    assert_eq!((answer.status.as_u16(), values(&answer)), (200, shown.clone()), "{case}");
                }
                Err((reason, message)) => {
                    assert_eq!(answer.refusal(), (400, *reason), "{case}");
                    assert_eq!(answer.json["message"], *message, "{case}");
                }
            }
            // The same token opens nothing on the viewers' route.
            let viewer = product.get(&format!("/api/embed/{route}/{token}?{query}")).send().await;
            assert_eq!(viewer.refusal(), (403, "resource_not_published"));
        }
    }
}

#[tokio::test]
async fn a_preview_needs_a_valid_policy_in_the_token() {
    let product = with_drafts().await;
    let missing = "Token is missing value for keypath [:_embedding_params]";
    for (route, kind) in KINDS {
        for policy in [None, Some(json!(null))] {
            let mut payload =
                json!({"resource": {kind: 1}, "params": {}, "exp": product.clock.now().unix() + 600});
            payload
                .as_object_mut()
                .unwrap()
                .extend(policy.map(|policy| ("_embedding_params".to_owned(), policy)));
            for rest in ["", "/params/id-of-a/values"] {
                let answer = preview(&product, &format!("{route}/{}{rest}", sign(&payload, SECRET))).await;
                assert_eq!(
                    (answer.refusal(), &answer.json["message"]),
                    ((400, "policy_missing"), &json!(missing))
                );
            }
        }
        for policy in [json!({"a": "open"}), json!({"a": null}), json!("enabled"), json!(["a"]), json!(true)]
        {
            let token =
                product.sign(json!({"resource": {kind: 1}, "params": {}, "_embedding_params": policy}));
            let answer = preview(&product, &format!("{route}/{token}")).await;
            assert_eq!(answer.refusal(), (400, "request_invalid"), "{policy}");
        }
    }
}

/// Only the published flag is ignored; every other check of a view applies.
#[tokio::test]
async fn a_preview_ignores_only_the_published_flag() {
    let product = with_drafts().await;
    for (route, kind) in KINDS {
        let claims = |fields: Value| {
            let mut claims = json!({"resource": {kind: 1}, "params": {}, "_embedding_params": {}});
            vitrine_tests::merge(&mut claims, fields);
            claims
        };
        let now = product.clock.now().unix();
        let signed = |fields: Value| product.sign(claims(fields));
        let with_exp = claims(json!({"exp": now + 600}));
        let cases = [
            (signed(json!({})), (200, "(none)")),
            (sign(&with_exp, &"0".repeat(64)), (401, "token_signature")),
            (signed(json!({"exp": now - 60})), (401, "token_expired")),
            (sign(&claims(json!({})), SECRET), (401, "token_without_expiry")),
            (signed(json!({"resource": null})), (400, "resource_missing")),
            (signed(json!({"resource": {"dive": 1}})), (400, "resource_missing")),
            (signed(json!({"resource": {kind: "1"}})), (400, "resource_id_invalid")),
            (signed(json!({"resource": {kind: 9}})), (404, "resource_not_found")),
            (signed(json!({"resource": {kind: 2}})), (403, "resource_archived")),
            (signed(json!({"params": null})), (400, "params_missing")),
        ];
        for (token, expected) in cases {
            assert_eq!(preview(&product, &format!("{route}/{token}")).await.refusal(), expected);
        }
        // The token's policy counts for a published resource too.
        let mut published = resource();
        published["enable_embedding"] = json!(true);
        product.publish(&format!("{kind}/1"), published).await;
        let token = signed(json!({"_embedding_params": {"a": "enabled"}}));
        assert_eq!(values(&preview(&product, &format!("{route}/{token}")).await), json!({"a": "fallback"}));
        product.publish(&format!("{kind}/1"), resource()).await;
    }
    let other = preview(&product, "dive/x").await;
    assert_eq!(other.refusal(), (404, "route_not_found"));
}

/// The same paths as a viewer's, with the policy of the token.
#[tokio::test]
async fn values_search_and_remapping_have_previews() {
    let product = with_drafts().await;
    let cases = [
        ("values", json!({"values": [["x", "Ex"], ["y"]], "has_more_values": false})),
        ("search/EX", json!({"values": [["x", "Ex"]], "has_more_values": false})),
        ("remapping?value=x", json!(["x", "Ex"])),
    ];
    for (route, kind) in KINDS {
        let token = |policy: Value| {
            product.sign(json!({"resource": {kind: 1}, "params": {}, "_embedding_params": policy}))
        };
        let (open, closed) = (token(json!({"a": "enabled"})), token(json!({"a": "disabled"})));
        for (what, expected) in &cases {
            let refused = preview(&product, &format!("{route}/{closed}/params/id-of-a/{what}")).await;
            let answer = preview(&product, &format!("{route}/{open}/params/id-of-a/{what}")).await;
            assert_eq!((answer.status.as_u16(), &answer.json), (200, expected), "{what}: {}", answer.text);
            assert_eq!(refused.refusal(), (400, "parameter_disabled"), "{what}");
        }
    }
}
