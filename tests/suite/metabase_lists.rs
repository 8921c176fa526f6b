//! `GET /api/card/embeddable` and `GET /api/dashboard/embeddable`.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

const LISTS: [(&str, &str); 2] =
    [("/api/dashboard/embeddable", "dashboard"), ("/api/card/embeddable", "question")];

fn ids(answer: &Answer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json.as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

/// The address of the next page in the `Link` header.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link");
    if link.is_empty() {
        return None;
    }
    let (url, relation) = link.strip_prefix('<').unwrap().split_once(">; ").unwrap();
    assert_eq!(relation, "rel=\"next\"");
    Some(url.to_owned())
}

#[tokio::test]
async fn an_item_has_exactly_these_fields() {
    let product = Product::start().await;
    for (path, kind) in LISTS {
        let fields = json!({"title": "One", "description": "About it", "parameters": [{"slug": "a", "name": "A", "type": "text", "default": "x"}],
            "embedding_params": {"a": "locked"}, "content": {"type": "html", "html": "<p>"}});
        let resource = product.publish(&format!("{kind}/1"), fields).await;
        let listed = product.get(path).admin().send().await;
        let expected = json!([{
            "id": 1,
            "name": "One",
            "description": "About it",
            "entity_id": resource["entity_id"],
            "public_id": resource["public_id"],
        }]);
        assert_eq!((listed.status.as_u16(), &listed.json), (200, &expected));
        assert_eq!(listed.header("link"), "");
    }
}

#[tokio::test]
async fn the_list_holds_published_unarchived_resources_in_the_order_of_their_numbers() {
    let product = Product::start().await;
    for (path, kind) in LISTS {
        assert_eq!(ids(&product.get(path).admin().send().await), [0; 0]);
        for id in [10, 9, 2, 100, 30] {
            let fields = json!({"enable_embedding": id != 9, "archived": id == 30});
            product.publish(&format!("{kind}/{id}"), fields).await;
        }
        product.publish(&format!("{kind}/V1StGXR8_Z5jdHi6B-myT"), json!({})).await;
        assert_eq!(ids(&product.get(path).admin().send().await), [2, 10, 100, 101]);
        product.publish(&format!("{kind}/30"), json!({})).await;
        product.publish(&format!("{kind}/2"), json!({"enable_embedding": false})).await;
        assert_eq!(ids(&product.get(path).admin().send().await), [10, 30, 100, 101]);
    }
}

#[tokio::test]
async fn the_list_can_be_read_in_pages() {
    let product = Product::start().await;
    for (path, kind) in LISTS {
        for id in 1..=7 {
            product.publish(&format!("{kind}/{id}"), json!({"archived": id == 4})).await;
        }
        for limit in [1, 2, 3, 6, 7, 1000] {
            let (mut pages, mut url) = (Vec::new(), Some(format!("{path}?limit={limit}")));
            while let Some(asked) = url {
                let page = product.get(&asked).admin().send().await;
                assert!(page.json.as_array().unwrap().len() <= limit);
                pages.extend(ids(&page));
                url = next(&page);
            }
            assert_eq!(pages, [1, 2, 3, 5, 6, 7], "{limit}");
        }
        let first = product.get(&format!("{path}?limit=2")).admin().send().await;
        let link = next(&first).unwrap();
        assert!(link.starts_with(&format!("{path}?limit=2&cursor=")), "{link}");
        // A cursor without a limit continues with the default page size.
        let cursor = link.split_once("cursor=").unwrap().1;
        assert_eq!(ids(&product.get(&format!("{path}?cursor={cursor}")).admin().send().await), [3, 5, 6, 7]);
        // Without both, everything; other parameters of Metabase's clients are ignored.
        for query in ["", "?", "?model_id=1&f=all", "?Limit=2"] {
            let whole = product.get(&format!("{path}{query}")).admin().send().await;
            assert_eq!((ids(&whole).len(), whole.header("link")), (6, ""), "{query}");
        }
    }
    let cards = product.get("/api/card/embeddable?limit=1").admin().send().await;
    let foreign = next(&cards).unwrap().replace("/card/", "/dashboard/");
    let refused = product.get(&foreign).admin().send().await;
    assert_eq!(refused.refusal(), (400, "cursor_invalid"), "a cursor is valid only for its own list");
}

/// The list is longer than one page of the table.
#[tokio::test]
async fn the_whole_list_is_read_from_several_pages_of_the_table() {
    let product = Product::start().await;
    let count = 1_001;
    for id in 1..=count {
        product.publish(&format!("dashboard/{id}"), json!({})).await;
    }
    let whole = product.get("/api/dashboard/embeddable").admin().send().await;
    assert_eq!(ids(&whole), (1..=count).collect::<Vec<_>>());
    assert_eq!(whole.header("link"), "");
}

#[tokio::test]
async fn the_checks_are_key_permission_switch_query_in_this_order() {
    let product = Product::start().await;
    let lister = product.key("member", &["resources:list"]).await;
    let writer = product.key("member", &["resources:write"]).await;
    for (path, _) in LISTS {
        for (on, queries) in [(true, ["", "?limit=0"]), (false, ["", "?limit=0"])] {
            let switched = product.put("/api/setting/enable-embedding-static", json!({"value": on}));
            assert_eq!(switched.admin().send().await.status, 204);
            for query in queries {
                let ask = async |key: &str| {
                    let call = product.get(&format!("{path}{query}"));
                    let call = if key.is_empty() { call } else { call.header("x-metabase-session", key) };
                    call.send().await
                };
                assert_eq!(ask("").await.refusal(), (401, "access_key_missing"));
                assert_eq!(ask("wrong").await.refusal(), (401, "access_key_unknown"));
                assert_eq!(ask(&writer).await.refusal(), (403, "access_denied"));
                let answer = ask(&lister).await;
                match (on, query) {
                    (true, "") => assert_eq!(answer.json, json!([])),
                    (true, _) => assert_eq!(
                        (answer.refusal(), answer.issues()),
                        ((400, "request_invalid"), vec!["limit"])
                    ),
                    (false, _) => {
                        assert_eq!(answer.refusal(), (400, "embedding_switched_off"));
                        assert_eq!(answer.json["message"], "Embedding is not enabled.");
                    }
                }
            }
        }
        let on = product.put("/api/setting/enable-embedding-static", json!({"value": true}));
        assert_eq!(on.admin().send().await.status, 204);
    }
}

#[tokio::test]
async fn invalid_limits_and_cursors_are_refused() {
    let product = Product::start().await;
    product.publish("dashboard/1", json!({})).await;
    for limit in ["0", "-1", "1001", "ten", "", "1.5"] {
        // The last one finds nothing in any case.
        for query in ["/embeddable?", "?", "?f=archived&", "?f=table&"] {
            let answer = product.get(&format!("/api/dashboard{query}limit={limit}")).admin().send().await;
            let wanted = ((400, "request_invalid"), vec!["limit"]);
            assert_eq!((answer.refusal(), answer.issues()), wanted, "{query} {limit}");
        }
    }
    for cursor in ["", "x", "AAAA", "ZGFzaGJvYXJkIzE", "c2V0dGluZ3M"] {
        let answer = product.get(&format!("/api/dashboard/embeddable?cursor={cursor}")).admin().send().await;
        assert_eq!(answer.refusal(), (400, "cursor_invalid"), "{cursor}");
    }
    assert_eq!(
        product.get("/api/dashboard/embeddable?limit=1000").admin().send().await.json[0]["id"],
        json!(1)
    );
    assert_eq!(
        product.get("/api/dashboard/embeddable/").admin().send().await.json,
        Value::Array(vec![product.get("/api/dashboard/embeddable").admin().send().await.json[0].clone()])
    );
}
