//! Queries that try to learn something about hidden rows or columns.

use vitrine_engine::error::EngineError;
use vitrine_rules::query::column_type::ColumnType;

use crate::support::{CANARY, Data, equals, orders, orders_of_berlin};

/// Each of them fails, or tells a value of Paris, when the policy is a plain filter or is missing.
const ATTACKS: &[&str] = &[
    // Casts and divisions that fail on hidden rows only.
    "select * from orders where cast(secret as int) > 0",
    "select cast(secret as int) from orders",
    "select sum(cast(secret as bigint)) from orders",
    "select * from orders where 10 / amount > 0",
    "select 10 % amount from orders",
    "select * from orders where case when city = 'Paris' then cast(secret as int) > 0 else true end",
    "select * from orders where city = 'Paris' and cast(secret as int) > 0",
    "select * from orders where cast(secret as int) > 0 and city = 'Paris'",
    "select * from orders where cast(secret as int) > 0 or 10 / amount > 0",
    "select * from orders order by cast(secret as int) limit 3",
    "select * from orders where exists (select 1 from orders o where cast(o.secret as int) = orders.id)",
    "select (select max(cast(o.secret as int)) from orders o where o.id <= orders.id) from orders",
    "select * from orders a join orders b on cast(a.secret as int) = cast(b.secret as int)",
    "select * from orders a join orders b on a.id = b.id and 10 / a.amount > 0",
    "select * from orders a left join orders b on a.id = b.id and cast(b.secret as int) > 0",
    "select max(cast(secret as int)) over (order by id) from orders",
    "select count(*) filter (where cast(secret as int) > 0) from orders",
    "select max(secret) from orders group by cast(secret as int)",
    "select city from orders group by city having max(cast(secret as int)) > 0",
    "select * from (select * from orders limit 1000) where cast(secret as int) > 0",
    "select * from (select cast(secret as int) s from orders) where s > 0",
    "select to_date(secret, 'DDD') from orders where id < 100 and id > 1",
    "select repeat(secret, 2) from orders",
    "select regexp_replace(secret, '^(CAN).*$', '\\1') from orders",
    // Names.
    "select * from datafusion.public.orders",
    "select * from public.orders",
    "select * from \"orders\"",
    "select * from \"ORDERS\"",
    "select * from \"orders \"",
    "select * from \u{43e}rders",
    "select * from \"or\u{200b}ders\"",
    "select * from \"orders\"\"\"",
    "select * from /* orders */ orders -- where city = 'Paris'",
    "with orders as (select * from orders) select * from orders",
    "with o as (select * from datafusion.public.orders) select * from o",
    "with \"datafusion.public.orders\" as (select 1) select * from \"datafusion.public.orders\"",
    "with recursive orders as (select * from orders union all select * from orders) select * from orders",
    "select * from 'orders/0.parquet'",
    "select * from \"vitrine://table-6f7264657273/orders/0.parquet\"",
    "select orders from orders",
    "select orders.* from orders",
    // Plans, settings, statistics.
    "explain select * from orders",
    "explain analyze select * from orders where secret like 'CANARY%'",
    "show all",
    "describe orders",
    "select max(secret), min(secret), count(*) from orders",
    "select count(*), count(secret), count(distinct city) from orders",
    "select max(id), min(id), max(amount), min(amount) from orders",
    "select approx_distinct(secret), string_agg(secret, ',' order by id), array_agg(secret order by id) from orders",
    "select first_value(secret order by id desc) from orders",
    "select input_file_name() from orders",
    // Predicates that could be pushed down.
    "select * from orders where secret like 'CANARY%'",
    "select * from orders where secret ~ 'CANARY'",
    "select * from orders where secret similar to 'CANARY.*'",
    "select * from orders where city = 'Paris' or true",
    "select * from orders where city in ('Paris', 'Berlin')",
    "select * from orders where not (city = 'Berlin')",
    "select * from orders where city <> 'Berlin' or city is null",
    "select * from orders where city between 'P' and 'Q'",
    "select * from orders where id in (select id from orders where city = 'Paris')",
    "select * from orders where id not in (select id from orders)",
    "select * from orders where id = any(select id from orders where amount = 0)",
    "select * from orders union all select * from orders",
    "select * from orders intersect select * from orders",
    "select * from orders except select * from orders where city = 'Berlin'",
    "select * from orders cross join orders b where b.city = 'Paris'",
    "select * from orders full join (select 1 as one) on city = 'Paris'",
    "select * from orders, lateral (select secret s from orders o where o.id = orders.id + 1) x",
    "select * from orders order by secret desc limit 5",
    "select * from orders order by amount limit 5 offset 0",
    "select * from orders where secret > 'C' order by secret desc limit 1",
];

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
    for sql in ATTACKS {
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
    for sql in ATTACKS {
        telling += usize::from(match open.answer(sql).await {
            Ok(answer) => String::from_utf8(answer.rows).unwrap().contains(CANARY),
            Err(error) => error.owner_text().contains(CANARY) || error.owner_text().contains("zero"),
        });
    }
    assert!(telling >= 45, "{telling} of {}", ATTACKS.len());
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
