//! Answers as files: where downloads are allowed, in three formats, with the name of the resource.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

use crate::query_data::{ask, product, product_with, question, rows, token};

const SQL: &str = "select city, amount from orders order by id";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn download(product: &Product, token: &str, query: &str, accept: &str) -> Answer {
    let call = product.post(&format!("/v1/query{query}"), json!({})).bearer(token);
    if accept.is_empty() { call.send().await } else { call.header("accept", accept).send().await }
}

#[tokio::test]
async fn an_answer_is_a_file_where_downloads_are_allowed() {
    let product = product().await;
    question(&product, SQL, json!({"title": "Umsätze 2024", "allow_downloads": true})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    for (query, accept) in [("?format=csv", ""), ("", "text/csv"), ("", "text/csv;q=0.9, application/json")] {
        let file = download(&product, &viewer, query, accept).await;
        assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "City,Amount\nBerlin,10\nBerlin,20\n"));
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            file.header("content-disposition"),
            "attachment; filename=\"Ums_tze 2024.csv\"; filename*=UTF-8''Ums%C3%A4tze%202024.csv"
        );
    }
    let file = download(&product, &viewer, "?format=json", "").await;
    assert_eq!(file.json, json!([{"City": "Berlin", "Amount": 10}, {"City": "Berlin", "Amount": 20}]));
    for (query, accept) in [("?format=xlsx", ""), ("", XLSX)] {
        let file = download(&product, &viewer, query, accept).await;
        assert_eq!((file.status.as_u16(), file.header("content-type")), (200, XLSX));
        assert!(file.text.starts_with("PK"), "a zip archive");
    }
    for accept in ["*/*", "application/json", "application/json, text/csv", "text/html"] {
        let page = download(&product, &viewer, "", accept).await;
        assert_eq!(rows(&page), &json!([["Berlin", 10], ["Berlin", 20]]), "{accept}");
    }
}

#[tokio::test]
async fn an_answer_is_no_file_elsewhere() {
    let product = product().await;
    question(&product, SQL, json!({})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    for (query, accept) in [("?format=csv", ""), ("?format=json", ""), ("?format=xlsx", ""), ("", "text/csv")]
    {
        let refused = download(&product, &viewer, query, accept).await;
        assert_eq!(refused.refusal(), (403, "downloads_disabled"), "{query} {accept}");
    }
    assert_eq!(download(&product, &viewer, "", "").await.status, 200);
    question(&product, SQL, json!({"allow_downloads": true})).await;
    for query in ["?format=pdf", "?format=", "?format=csv&format=csv", "?format=CSV"] {
        assert_eq!(
            download(&product, &viewer, query, "").await.refusal(),
            (400, "request_invalid"),
            "{query}"
        );
    }
    assert_eq!(ask(&product, &token(&product, "b", &[]), json!({})).await.status, 200);
}

#[tokio::test]
async fn a_file_has_the_rows_of_its_viewer_and_more_of_them_than_a_page() {
    let product = product_with(&[("TableRows", "1"), ("FileRows", "2")]).await;
    question(&product, SQL, json!({"allow_downloads": true})).await;
    let viewer = token(&product, "a", &["Berlin", "Paris"]);
    assert_eq!(rows(&ask(&product, &viewer, json!({})).await), &json!([["Berlin", 10]]));
    let file = download(&product, &viewer, "?format=csv", "").await;
    assert_eq!(file.text, "City,Amount\nBerlin,10\nBerlin,20\n");
    let other = token(&product, "b", &["Rome"]);
    let file = download(&product, &other, "?format=csv", "").await;
    assert_eq!(file.text, "City,Amount\nRome,50\n");
}

#[tokio::test]
async fn a_failed_file_is_a_refusal_and_no_half_of_a_file() {
    let product = product().await;
    question(&product, "select cast(city as int) from orders", json!({"allow_downloads": true})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    let refused = download(&product, &viewer, "?format=csv", "").await;
    assert_eq!(refused.refusal(), (422, "query_failed"));
    assert_eq!(refused.header("content-type"), "application/json");
    assert_eq!(refused.header("content-disposition"), "");
}

#[tokio::test]
async fn a_large_file_is_behind_a_link() {
    let product = product().await;
    let sql = "select value, repeat('0123456789', 10) as text from generate_series(1, 60000)";
    question(&product, sql, json!({"allow_downloads": true})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    let file = download(&product, &viewer, "?format=csv", "").await;
    assert_eq!((file.status.as_u16(), file.text.as_str()), (303, ""));
    let link = file.header("location");
    assert!(link.contains("/exports/") && link.contains("X-Amz-Expires=60"), "{link}");
    assert!(link.contains("response-content-disposition=attachment"), "{link}");
    let small = "select value from generate_series(1, 99)";
    question(&product, small, json!({"allow_downloads": true})).await;
    let file = download(&product, &viewer, "?format=csv", "").await;
    assert_eq!((file.status.as_u16(), file.text.lines().count()), (200, 100));
}

/// Texts that a spreadsheet would run are kept from it.
#[tokio::test]
async fn a_formula_in_a_text_is_none_in_a_file() {
    let product = product().await;
    let sql = "select '=1+1' as a, '@x' as b, -1 as c";
    question(&product, sql, json!({"allow_downloads": true, "title": "../a\"b\n"})).await;
    let viewer = token(&product, "a", &[]);
    let file = download(&product, &viewer, "?format=csv", "").await;
    assert_eq!(file.text, "A,B,C\n\"'=1+1\",\"'@x\",-1\n");
    let disposition = file.header("content-disposition");
    assert_eq!(disposition, "attachment; filename=\"ab.csv\"; filename*=UTF-8''ab.csv");
    let page: Value = ask(&product, &viewer, json!({})).await.json;
    assert_eq!(page["rows"], json!([["=1+1", "@x", -1]]));
}
