//! Answers of published queries: the decision, the values and the row policies before them.

use serde_json::{Value, json};

use crate::query_data::{CANARY, ask, by_city, product, question, rows, seed, token, token_with};
use crate::shape::assert_problem;

const TOTALS: &str = "select city, sum(amount) as total from orders group by city order by city";

#[tokio::test]
async fn a_question_is_answered_with_columns_and_rows() {
    let product = product().await;
    question(&product, TOTALS, json!({})).await;
    let viewer = token(&product, "a", &["Berlin", "Paris"]);
    let answer = ask(&product, &viewer, json!({})).await;
    assert_eq!(rows(&answer), &json!([["Berlin", 30], ["Paris", 70]]));
    let columns = json!([
        {"name": "city", "type": "text", "display_name": "City"},
        {"name": "total", "type": "number", "display_name": "Total"},
    ]);
    assert_eq!(answer.json["columns"], columns);
    assert_eq!((&answer.json["truncated"], &answer.json["cached"]), (&json!(false), &json!(false)));
    assert!(answer.json["as_of"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn viewers_with_other_attributes_get_other_rows_and_never_each_others() {
    let product = product().await;
    question(&product, TOTALS, json!({})).await;
    let berlin = token(&product, "a", &["Berlin"]);
    let paris = token(&product, "b", &["Paris"]);
    for _ in 0..2 {
        assert_eq!(rows(&ask(&product, &berlin, json!({})).await), &json!([["Berlin", 30]]));
        assert_eq!(rows(&ask(&product, &paris, json!({})).await), &json!([["Paris", 70]]));
    }
    // Another viewer with the same cities may share the answer, in whatever order they stand.
    let both = token(&product, "c", &["Paris", "Berlin"]);
    let same = token(&product, "d", &["Berlin", "Paris"]);
    assert_eq!(ask(&product, &both, json!({})).await.json["cached"], false);
    assert_eq!(ask(&product, &same, json!({})).await.json["cached"], true);
    let nowhere = token(&product, "e", &[]);
    assert_eq!(rows(&ask(&product, &nowhere, json!({})).await), &json!([]));
}

#[tokio::test]
async fn a_viewer_whom_no_policy_matches_is_refused_with_a_record() {
    let product = product().await;
    question(&product, TOTALS, json!({})).await;
    for attributes in
        [json!({}), json!({"cities": "Berlin"}), json!({"cities": [1]}), json!({"cities": null})]
    {
        let viewer = token_with(&product, "a", &[], json!({"viewer": {"id": "a", "attributes": attributes}}));
        let answer = ask(&product, &viewer, json!({})).await;
        assert_eq!(answer.refusal(), (403, "row_policy"), "{attributes}");
        assert_problem(&answer, "row_policy");
        product.wait_for_background_tasks().await;
        let path = format!("/v1/decisions/{}", answer.json["request_id"].as_str().unwrap());
        let record = product.get(&path).admin().send().await;
        assert_eq!(
            (&record.json["reason"], &record.json["resource"]),
            (&json!("row_policy"), &json!("question/1"))
        );
    }
    let anonymous = product.sign(json!({"resource": {"question": 1}, "params": {}}));
    assert_eq!(ask(&product, &anonymous, json!({})).await.refusal(), (403, "row_policy"));
    seed(&product, 5, json!([])).await;
    assert_eq!(rows(&ask(&product, &anonymous, json!({})).await).as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn everything_is_decided_before_the_cache() {
    let product = product().await;
    question(&product, TOTALS, json!({})).await;
    let viewer = token(&product, "gone", &["Berlin"]);
    let other = token(&product, "stays", &["Berlin"]);
    assert_eq!(rows(&ask(&product, &viewer, json!({})).await), &json!([["Berlin", 30]]));
    let revoked = product.post("/v1/sessions/revoke", json!({"session": viewer})).admin().send().await;
    assert_eq!(revoked.status, 204, "{}", revoked.text);
    assert_eq!(ask(&product, &viewer, json!({})).await.refusal(), (401, "token_revoked"));
    assert_eq!(ask(&product, &other, json!({})).await.json["cached"], true);
    question(&product, TOTALS, json!({"enable_embedding": false})).await;
    assert_eq!(ask(&product, &other, json!({})).await.refusal(), (403, "resource_not_published"));
    question(&product, TOTALS, json!({})).await;
    assert_eq!(ask(&product, &other, json!({})).await.json["cached"], true);
    seed(&product, 6, json!([{"groups": ["staff"], "rows": "all"}])).await;
    assert_eq!(ask(&product, &other, json!({})).await.refusal(), (403, "row_policy"));
}

#[tokio::test]
async fn a_locked_parameter_is_the_tokens_alone() {
    let product = product().await;
    let fields = json!({
        "content": {"type": "question", "query": {
            "sql": "select id from orders where customer = {{customer}} [[and amount > {{least}}]] order by id",
            "tags": {"customer": {"type": "text"}, "least": {"type": "number"}},
        }},
        "embedding_params": {"customer": "locked", "least": "enabled"},
    });
    question(&product, "", fields).await;
    let cities = ["Berlin", "Paris", "Rome"];
    let acme = token_with(&product, "a", &cities, json!({"params": {"customer": "acme"}}));
    let none = token(&product, "a", &cities);
    assert_eq!(rows(&ask(&product, &acme, json!({})).await), &json!([[1], [2], [3]]));
    assert_eq!(rows(&ask(&product, &acme, json!({"parameters": {"least": 10}})).await), &json!([[2], [3]]));
    for (token, parameters, expected) in [
        (&acme, json!({"customer": "globex"}), (400, "parameter_locked")),
        (&none, json!({}), (400, "parameter_locked_missing")),
        (&none, json!({"customer": "acme"}), (400, "parameter_locked_missing")),
        (&acme, json!({"least": "ten"}), (400, "parameter_invalid")),
        (&acme, json!({"least": {"a": 1}}), (400, "parameter_invalid")),
        (&acme, json!({"other": 1}), (400, "parameter_unknown")),
    ] {
        let answer = ask(&product, token, json!({"parameters": parameters})).await;
        assert_eq!(answer.refusal(), expected, "{parameters}");
    }
}

#[tokio::test]
async fn a_query_without_a_value_that_it_needs_is_refused() {
    let product = product().await;
    let content = |required: bool| {
        let tags = json!({"city": {"type": "text", "required": required}});
        json!({
            "content": {"type": "question", "query": {"sql": "select id from orders where city = {{city}}", "tags": tags}},
            "embedding_params": {"city": "enabled"},
        })
    };
    for required in [false, true] {
        question(&product, "", content(required)).await;
        let viewer = token(&product, "a", &["Berlin"]);
        let answer = ask(&product, &viewer, json!({})).await;
        assert_eq!(answer.refusal(), (400, "parameter_required"), "{required}");
        assert!(!answer.text.contains("orders"), "{}", answer.text);
        let answer = ask(&product, &viewer, json!({"parameters": {"city": "Berlin"}})).await;
        assert_eq!(rows(&answer), &json!([[1], [2]]));
    }
}

#[tokio::test]
async fn names_that_are_not_there_are_refused() {
    let product = product().await;
    question(&product, TOTALS, json!({})).await;
    let queries = json!({"totals": {"sql": TOTALS}, "count": {"sql": "select count(*) from orders"}});
    product
        .publish("dashboard/1", json!({"content": {"type": "html", "html": "", "queries": queries}}))
        .await;
    let question = token(&product, "a", &["Berlin"]);
    let dashboard = token_with(&product, "a", &["Berlin"], json!({"resource": {"dashboard": 1}}));
    let not_found = (404, "query_not_found");
    for (token, body, expected) in [
        (&question, json!({"query": "totals"}), not_found),
        (&question, json!({"card": 1}), not_found),
        (&dashboard, json!({"query": "other"}), not_found),
        (&dashboard, json!({"query": "totals", "card": 1}), not_found),
        (&dashboard, json!({}), (400, "request_invalid")),
        (&question, json!({"queries": "totals"}), (400, "request_invalid")),
        (&question, json!({"sql": "select 1"}), (403, "dive_sql_disabled")),
        (&question, json!({"resource": {"card": 1}}), (400, "request_invalid")),
        (&question, json!({"resource": {}}), (400, "request_invalid")),
        (&question, json!({"resource": {"question": 2}}), (404, "resource_not_found")),
        (&question, json!({"resource": {"dashboard": 1}, "query": "totals"}), (400, "resource_missing")),
    ] {
        assert_eq!(ask(&product, token, body.clone()).await.refusal(), expected, "{body}");
    }
    assert_eq!(rows(&ask(&product, &dashboard, json!({"query": "count"})).await), &json!([[2]]));
    let named = json!({"resource": {"question": 1}});
    assert_eq!(rows(&ask(&product, &question, named).await), &json!([["Berlin", 30]]));
}

/// Statements that would show, or tell about, rows and columns that the viewer may not see.
#[tokio::test]
async fn no_reply_tells_about_hidden_rows_and_columns() {
    let product = product().await;
    for sql in [
        "select secret from orders",
        "select * from orders where secret = 'x'",
        "select cast(city as int) from orders",
        "select 10 / (id - 6) as x from orders",
        "select * from other",
        "select * from managed.orders",
        "select no_such_function(id) from orders",
        "select * from orders; select 1",
        "explain select * from orders",
        "not sql",
    ] {
        let content = json!({"type": "question", "query": {"sql": sql}});
        let fields = json!({"title": "T", "enable_embedding": true, "content": content});
        let put = product.put("/v1/resources/question/1", fields).admin().send().await;
        if !put.status.is_success() {
            continue;
        }
        let viewer = token(&product, "a", &["Berlin"]);
        let answer = ask(&product, &viewer, json!({})).await;
        let told = format!("{:?} {}", answer.headers, answer.text);
        assert!(!told.contains(CANARY) && !told.contains("orders"), "{sql}: {told}");
        if answer.status != 200 {
            assert_eq!(answer.refusal(), (422, "query_failed"), "{sql}");
            assert_eq!(answer.json["message"], "An error occurred while running the query.");
        }
    }
    question(&product, "select * from orders", json!({})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    let answer = ask(&product, &viewer, json!({})).await;
    assert_eq!(answer.json["columns"].as_array().unwrap().len(), 5, "{}", answer.text);
}

#[tokio::test]
async fn a_preview_shows_the_plan_and_the_engines_text_to_the_owner_alone() {
    let product = product().await;
    let preview = async |body: Value| product.post("/v1/query/preview", body).admin().send().await;
    let viewer = json!({"id": "a", "attributes": {"cities": ["Berlin"]}});
    let sql = "select id from orders where amount > {{least}}";
    let tags = json!({"least": {"type": "number"}});
    let asked = json!({"sql": sql, "tags": tags, "parameters": {"least": 15}, "viewer": viewer});
    let answer = preview(asked).await;
    assert_eq!(rows(&answer), &json!([[2]]));
    assert!(answer.json["plan"].as_str().unwrap().contains("Berlin"), "{}", answer.text);
    for (body, status, reason, text) in [
        (json!({"sql": "select nothing from orders", "viewer": viewer}), 400, "query_invalid", "nothing"),
        (
            json!({"sql": "select cast(city as int) from orders", "viewer": viewer}),
            422,
            "query_failed",
            "Berlin",
        ),
        (json!({"sql": "select * from other"}), 400, "query_invalid", "other"),
        (json!({"sql": "select * from orders"}), 403, "row_policy", "policy"),
        (json!({"sql": ""}), 400, "query_invalid", "empty"),
        (json!({"sql": "select 1", "parameters": {"x": 1}}), 400, "request_invalid", "tags"),
        (json!({"sql": "select {{x}}", "tags": {"x": {"type": "text"}}}), 400, "parameter_required", "x"),
        (json!({"sql": "select secret from orders", "viewer": viewer}), 400, "query_invalid", "secret"),
    ] {
        let answer = preview(body.clone()).await;
        assert_eq!(answer.refusal(), (status, reason), "{body}: {}", answer.text);
        assert!(answer.text.contains(text), "{body}: {}", answer.text);
        assert!(!answer.text.contains(CANARY), "{}", answer.text);
    }
    let key = product.key("restricted", &["resources:write"]).await;
    let refused = product.post("/v1/query/preview", json!({"sql": "select 1"})).bearer(&key).send().await;
    assert_eq!(refused.refusal(), (403, "access_denied"));
}

#[tokio::test]
async fn groups_open_what_policies_give_them() {
    let product = product().await;
    let policies = json!([
        {"groups": ["staff"], "rows": "all"},
        by_city()[0],
    ]);
    seed(&product, 5, policies).await;
    question(&product, "select count(*) from orders", json!({})).await;
    let grouped =
        |groups: Value| json!({"viewer": {"id": "a", "attributes": {"cities": ["Rome"]}, "groups": groups}});
    for (groups, expected) in
        [(json!([]), 1), (json!(["staff"]), 5), (json!(["Staff"]), 1), (json!(["*"]), 1)]
    {
        let viewer = token_with(&product, "a", &[], grouped(groups.clone()));
        let answer = ask(&product, &viewer, json!({})).await;
        assert_eq!(rows(&answer), &json!([[expected]]), "{groups}");
    }
}
