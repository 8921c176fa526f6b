//! Queries that try to learn something about hidden rows or columns.

use vitrine_engine::error::EngineError;
use vitrine_rules::query::column_type::ColumnType;

use crate::support::{CANARY, Data, equals, orders, orders_of_berlin};

/// One query on each line.
const ATTACKS: &str = include_str!("../../../../tests/cases/attacks.sql");

fn attacks() -> impl Iterator<Item = &'static str> {
    ATTACKS.lines().filter(|line| !line.starts_with('#'))
}

/// The failure of an attack must be the one of the same query over a table without the hidden rows.
async fn orders_without_paris() -> Data {
    use crate::support::{integers, texts};
    let ids: Vec<_> = (0..200).step_by(2).map(Some).collect();
    let secrets: Vec<String> = (0..200).step_by(2).map(|i| i.to_string()).collect();
    let secrets: Vec<_> = secrets.iter().map(|secret| Some(secret.as_str())).collect();
    let amounts: Vec<_> = ids.iter().map(|id| id.map(|id| id + 1)).collect();
    Data::empty()
        .with(
            "orders",
            vec![
                ("id", ColumnType::Integer, integers(&ids)),
                ("city", ColumnType::Text, texts(&vec![Some("Berlin"); 100])),
                ("secret", ColumnType::Text, texts(&secrets)),
                ("amount", ColumnType::Integer, integers(&amounts)),
            ],
        )
        .await
}

fn sorted(
    answer: Result<vitrine_engine::encode::json::AnswerRows, EngineError>,
) -> Result<Vec<String>, String> {
    let answer = answer.map_err(|error| format!("{:?} {}", error.failure(), error.owner_text()))?;
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&answer.rows).unwrap();
    let mut rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    rows.sort();
    Ok(rows)
}

#[tokio::test]
async fn no_attack_learns_of_a_hidden_row() {
    let (policy, permitted) = (orders_of_berlin().await, orders_without_paris().await);
    for sql in attacks() {
        let (under_policy, alone) = (sorted(policy.answer(sql).await), sorted(permitted.answer(sql).await));
        assert!(!format!("{under_policy:?}").contains(CANARY), "{sql}: {under_policy:?}");
        match (&under_policy, &alone) {
            (Ok(under_policy), Ok(alone)) => assert_eq!(under_policy, alone, "{sql}"),
            (Err(_), Err(_)) => {}
            _ => panic!("{sql}: under the policy {under_policy:?}, alone {alone:?}"),
        }
    }
}

#[tokio::test]
async fn the_attacks_are_attacks() {
    // Without a policy, many of them fail on a row of Paris or show one.
    let open = orders().await;
    let mut telling = 0;
    for sql in attacks() {
        telling += usize::from(match open.answer(sql).await {
            Ok(answer) => String::from_utf8(answer.rows).unwrap().contains(CANARY),
            Err(error) => error.owner_text().contains(CANARY) || error.owner_text().contains("zero"),
        });
    }
    assert!(telling >= 45, "{telling} of {}", attacks().count());
}

#[tokio::test]
async fn an_error_on_a_permitted_row_shows_viewers_no_value() {
    let data = orders().await.permit("orders", &[("city", ColumnType::Text, equals("Paris"))]);
    let error = data.answer("select cast(secret as int) from orders").await.unwrap_err();
    assert!(error.owner_text().contains(CANARY));
    assert!(!format!("{error} {error:?}").contains(CANARY));
}

#[tokio::test]
async fn a_hidden_column_is_no_part_of_the_table() {
    let data = orders().await.hide("orders", "secret");
    for sql in [
        "select secret from orders",
        "select orders.secret from orders",
        "select \"secret\" from orders",
        "select count(secret) from orders",
        "select id from orders where secret like 'CANARY%'",
        "select id from orders order by secret",
        "select id from orders group by id, secret",
        "select * exclude (secret) from orders",
        "select * from orders natural join (select 'CANARY-1' as secret) x where orders.secret is not null",
        "select * from orders join (select 'CANARY-1' as secret) x using (secret)",
    ] {
        let error = data.answer(sql).await.expect_err(sql);
        assert!(!error.owner_text().contains(CANARY), "{sql}");
    }
    let answer = data.answer("select * from orders").await.unwrap();
    let names: Vec<_> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "city", "amount"]);
    assert!(!String::from_utf8(answer.rows).unwrap().contains(CANARY));
}

#[tokio::test]
async fn a_policy_may_name_a_hidden_column() {
    let data = orders_of_berlin().await.hide("orders", "city");
    assert_eq!(data.rows("select count(*), min(id), max(id) from orders").await, "[[100,0,198]]");
    assert!(data.answer("select city from orders").await.is_err());
}
