//! Requests in flight during a change: each view is decided once, by the state before the change or after it.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Call, Product, SECRET};

use crate::rotation;
use crate::whole_writes::{Names, Step, call, prepare};
use crate::wire::{Held, Wire, wired};

/// Sends `view` and runs `meanwhile` while the view waits for `operation`.
async fn meanwhile(
    wire: &Wire,
    operation: &'static str,
    held: Held,
    view: Call,
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let hold = wire.hold(operation, held);
    let view = tokio::spawn(view.send());
    hold.wait_until_held().await;
    meanwhile.await;
    hold.release();
    view.await.unwrap()
}

/// A view without the server's time.
fn shown(view: &Answer) -> Value {
    let mut shown = view.json.clone();
    shown.as_object_mut().unwrap().remove("server_time");
    shown
}

struct Flight {
    case: &'static str,
    before: Vec<Step>,
    /// The name of the credential in `Names`.
    shows: &'static str,
    path: &'static str,
    withdrawal: Step,
    refusal: (u16, &'static str),
}

fn dashboard(fields: Value) -> Step {
    let mut body = json!({"title": "T", "enable_embedding": true});
    vitrine_tests::merge(&mut body, fields);
    Step("PUT", "/v1/resources/dashboard/{n}", body)
}

const REVOKED: (u16, &str) = (401, "token_revoked");

fn signed(case: &'static str, withdrawal: Step, refusal: (u16, &'static str)) -> Flight {
    let before = vec![dashboard(json!({}))];
    Flight { case, before, shows: "signed", path: "/v1/view", withdrawal, refusal }
}

fn flights() -> Vec<Flight> {
    let x = json!([{"slug": "x", "name": "X", "type": "text"}]);
    let session = |single_use: bool| {
        let body = json!({"resource": {"dashboard": "{n}"}, "single_use": single_use});
        Step("POST", "/v1/sessions", body)
    };
    let its = || json!({"session": "{session}"});
    let revoke = || Step("POST", "/v1/sessions/revoke", its());
    let of_dive = |case, withdrawal, refusal| Flight {
        case,
        before: vec![
            Step("POST", "/v1/users", json!({"username": "user{n}"})),
            Step(
                "POST",
                "/v1/dives",
                json!({"title": "D", "enable_embedding": true, "content": {"type": "html", "html": "first"}}),
            ),
            Step("POST", "/v1/dives/{id}/embed-session", json!({"username": "user{n}", "version": 1})),
        ],
        shows: "token",
        path: "/v1/view/dive",
        withdrawal,
        refusal,
    };
    let of_user = |case, withdrawal| Flight {
        case,
        before: vec![
            dashboard(json!({})),
            Step("POST", "/api/v1/embed-tenants/tenant{n}/user", json!({"externalId": "user{n}"})),
            Step(
                "POST",
                "/api/v1/embed/generate-session",
                json!({"deploymentId": 1, "externalId": "user{n}", "embedTenantName": "tenant{n}"}),
            ),
            Step("POST", "/api/v1/embed/session/token", json!({"sessionId": "{sessionId}"})),
        ],
        shows: "token",
        path: "/api/v1/embed/dashboard/{public_id}",
        withdrawal,
        refusal: REVOKED,
    };
    let switch = Step("PUT", "/api/setting/enable-embedding-static", json!({"value": false}));
    vec![
        signed("unpublished", dashboard(json!({"enable_embedding": false})), (403, "resource_not_published")),
        signed("archived", dashboard(json!({"archived": true})), (403, "resource_archived")),
        signed(
            "removed",
            Step("DELETE", "/v1/resources/dashboard/{n}", Value::Null),
            (404, "resource_not_found"),
        ),
        signed(
            "locked",
            dashboard(json!({"parameters": x, "embedding_params": {"x": "locked"}})),
            (400, "parameter_locked_missing"),
        ),
        signed("switched off", switch, (403, "embedding_disabled")),
        Flight {
            case: "token revoked",
            before: vec![dashboard(json!({})), session(false)],
            shows: "session",
            path: "/v1/view",
            withdrawal: revoke(),
            refusal: REVOKED,
        },
        Flight {
            case: "session revoked",
            before: vec![dashboard(json!({})), session(true), Step("POST", "/v1/sessions/redeem", its())],
            shows: "token",
            path: "/v1/view",
            withdrawal: revoke(),
            refusal: REVOKED,
        },
        of_dive(
            "dive unpublished",
            Step("PATCH", "/v1/dives/{id}", json!({"enable_embedding": false})),
            (403, "resource_not_published"),
        ),
        of_dive("dive removed", Step("DELETE", "/v1/dives/{id}", Value::Null), (404, "resource_not_found")),
        of_dive("account removed", Step("DELETE", "/v1/users/user{n}", Value::Null), REVOKED),
        of_user("user removed", Step("DELETE", "/v1/external-users/{id}", Value::Null)),
        of_user("tenant removed", Step("DELETE", "/api/v1/embed-tenants/tenant{n}", Value::Null)),
    ]
}

fn view(product: &Product, flight: &Flight, names: &Names) -> Call {
    let path = flight.path.replace("{public_id}", names.get("public_id").map_or("", String::as_str));
    let scheme = if path.starts_with("/api") { "Embed-Token" } else { "Bearer" };
    product.get(&path).header("authorization", format!("{scheme} {}", names[flight.shows]))
}

#[tokio::test]
async fn a_view_during_a_withdrawal_is_whole_or_refused() {
    let (product, wires) = wired(&[("ResourceCacheSeconds", "5")]).await;
    let mut at = 0;
    for (number, flight) in (1..).zip(flights()) {
        for (held, number) in [(Held::Question, 2 * number), (Held::Answer, 2 * number + 1)] {
            let case = format!("{}, {held:?} held", flight.case);
            at += 100;
            product.clock.set_offset(at);
            let mut names = prepare(&product, number, &flight.before).await;
            let claims = json!({"resource": {"dashboard": number}, "params": {}});
            names.insert("signed".to_owned(), product.sign(claims));
            let before = view(&product, &flight, &names).send().await;
            assert_eq!(before.status, 200, "{case}: {}", before.text);

            // The cache has expired.
            product.clock.set_offset(at + 50);
            let answer =
                meanwhile(&wires.dynamodb, "BatchGetItem", held, view(&product, &flight, &names), async {
                    let done = call(&product, &flight.withdrawal, &names).send().await;
                    assert!(done.status.is_success(), "{case}: {}", done.text);
                    product.clock.set_offset(at + 54);
                })
                .await;
            // The SDK may retry an answer that took too long, and the retry sees the new state.
            if held == Held::Question || answer.status != 200 {
                assert_eq!(answer.refusal(), flight.refusal, "{case}");
            } else {
                assert_eq!(shown(&answer), shown(&before), "{case}: the whole view from before");
            }
            // The cache time counts from the request, so the entry is not served a second longer.
            product.clock.set_offset(at + 55);
            let later = view(&product, &flight, &names).send().await;
            assert_eq!(later.refusal(), flight.refusal, "{case}, later");
            let on = Step("PUT", "/api/setting/enable-embedding-static", json!({"value": true}));
            call(&product, &on, &names).send().await;
        }
    }
}

/// A view of a resource that is replaced at the same time is entirely the old one or entirely the new one.
#[tokio::test]
async fn a_view_during_a_replacement_is_entirely_old_or_new() {
    let (product, wires) = wired(&[]).await;
    let fields = |name: &str| {
        let parameters = json!([{"slug": name, "name": name, "type": "text", "default": name}]);
        json!({"title": name, "parameters": parameters, "embedding_params": {name: "enabled"}})
    };
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    for held in [Held::Question, Held::Answer] {
        product.publish("dashboard/1", fields("old")).await;
        let old = product.view(&token, "").await;
        let answer =
            meanwhile(&wires.dynamodb, "BatchGetItem", held, product.get("/v1/view").bearer(&token), async {
                product.publish("dashboard/1", fields("new")).await;
            })
            .await;
        let new = product.view(&token, "").await;
        let (old, answer, new) = (shown(&old), shown(&answer), shown(&new));
        assert_ne!(old, new);
        // The SDK may retry an answer that took too long, and the retry sees the new state.
        let is_old = held == Held::Answer && answer == old;
        assert!(is_old || answer == new, "{held:?}: {answer}");
    }
}

/// The keys that were read decide, for as long as they are cached.
#[tokio::test]
async fn a_retired_key_ends_with_the_key_cache() {
    for (operation, held) in [
        ("BatchGetItem", Held::Question),
        ("BatchGetItem", Held::Answer),
        ("GetSecretValue", Held::Question),
        ("GetSecretValue", Held::Answer),
    ] {
        let (product, wires) = wired(&[("KeyCacheSeconds", "60")]).await;
        product.publish("dashboard/1", json!({})).await;
        rotation::rotate(&product).await;
        let token = rotation::signed(&product, SECRET);
        assert!(rotation::opens(&product, &token).await);
        let kid = rotation::keys(&product).await[1]["kid"].as_str().unwrap().to_owned();

        let is_key = operation == "GetSecretValue";
        let at = if is_key { 100 } else { 0 };
        product.clock.set_offset(at);
        let wire = if is_key { &wires.secrets_manager } else { &wires.dynamodb };
        let answer = meanwhile(wire, operation, held, product.get("/v1/view").bearer(&token), async {
            let path = format!("/v1/signing-keys/{kid}?force=true");
            let retired = product.delete(&path).admin().send().await;
            assert_eq!(retired.status, 204, "{}", retired.text);
            product.clock.set_offset(at + 59);
        })
        .await;
        if (operation, held) == ("GetSecretValue", Held::Question) {
            assert_eq!(answer.refusal(), (401, "token_signature"));
        } else {
            assert_eq!(answer.status, 200, "{operation}, {held:?}: {}", answer.text);
        }
        product.clock.set_offset(at + 60);
        assert!(!rotation::opens(&product, &token).await, "{operation}, {held:?}");
    }
}
