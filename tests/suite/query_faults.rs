//! Faults of S3 while a query reads: each is a refusal, and the next query is right.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

use crate::query_data::{accept_all, ask, by_city, put_file, question, rows, seed, table_file, token};
use crate::wire::{Line, wired};

const IDS: &str = "select id from orders order by id";

/// A statement with an answer of its own, so that no answer is cached.
async fn ask_anew(product: &Product, number: usize) -> Answer {
    question(product, &format!("select id, {number} as n from orders order by id"), json!({})).await;
    let viewer = token(product, "a", &["Berlin"]);
    let mut answer = ask(product, &viewer, json!({})).await;
    while answer.status == 202 {
        let path = format!("/v1/query/{}", answer.json["handle"].as_str().unwrap());
        answer = product.get(&path).bearer(&viewer).send().await;
    }
    answer
}

fn expected(number: usize) -> Value {
    json!([[1, number], [2, number]])
}

#[tokio::test]
async fn a_fault_of_s3_is_a_refusal_and_the_next_query_is_right() {
    let (product, wires) = wired(&[("QuerySeconds", "4")]).await;
    accept_all(&product);
    seed(&product, 6, by_city()).await;
    assert_eq!(rows(&ask_anew(&product, 0).await), &expected(0));
    let says = |status, code: &str| {
        Line::Says(status, format!("<Error><Code>{code}</Code><Message>m</Message></Error>"))
    };
    let unavailable = (503, "engine_unavailable");
    for (number, (line, refusals)) in [
        (Line::Cut, vec![unavailable]),
        (says(404, "NoSuchKey"), vec![unavailable]),
        (says(403, "AccessDenied"), vec![unavailable]),
        (says(412, "PreconditionFailed"), vec![unavailable]),
        (says(500, "InternalError"), vec![unavailable]),
        (says(503, "SlowDown"), vec![unavailable, (422, "query_timeout")]),
        (Line::Says(200, "PAR1 and nothing else".to_owned()), vec![unavailable]),
        (Line::Silent, vec![unavailable, (422, "query_timeout")]),
    ]
    .into_iter()
    .enumerate()
    {
        // A file that nothing was read of yet.
        seed(&product, 6, by_city()).await;
        wires.s3.set(line.clone());
        let answer = ask_anew(&product, number + 1).await;
        wires.s3.set(Line::Through);
        assert!(refusals.contains(&answer.refusal()), "{line:?}: {}", answer.text);
        assert_eq!(rows(&ask_anew(&product, number + 101).await), &expected(number + 101), "{line:?}");
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_answers_nothing() {
    let mut product = crate::query_data::product().await;
    assert_eq!(rows(&ask_anew(&product, 0).await), &expected(0));
    // Without the policy's column the rows of others would be anybody's.
    put_file(&product, "orders", 1, &table_file(3)).await;
    // A process that has read the file has the rows of then, and no other process has any.
    assert_eq!(rows(&ask_anew(&product, 1).await), &expected(1));
    product.restart().await;
    assert_eq!(ask_anew(&product, 2).await.refusal(), (503, "engine_unavailable"));
    seed(&product, 6, by_city()).await;
    assert_eq!(rows(&ask_anew(&product, 3).await), &expected(3));
}

#[tokio::test]
async fn a_damaged_file_is_a_refusal_or_an_answer_and_the_process_lives() {
    let product = crate::query_data::product().await;
    let sound = table_file(6);
    let mut refused = 0;
    for number in 0..60 {
        let mut file = sound.clone();
        if number < 12 {
            file.truncate(file.len() * (number + 1) / 13);
        } else {
            // Steps over the whole file, footer and pages.
            let at = (number * 7_919) % file.len();
            file[at] ^= 1 << (number % 8);
        }
        crate::query_data::seed_file(&product, &file, 6, by_city()).await;
        let answer = ask_anew(&product, number).await;
        assert!([200, 422, 503].contains(&answer.status.as_u16()), "{number}: {}", answer.text);
        refused += usize::from(answer.status != 200);
    }
    assert!(refused > 20, "{refused}");
    seed(&product, 6, by_city()).await;
    question(&product, IDS, json!({})).await;
    assert_eq!(rows(&ask(&product, &token(&product, "a", &["Berlin"]), json!({})).await), &json!([[1], [2]]));
}
