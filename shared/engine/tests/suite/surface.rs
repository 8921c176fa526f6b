//! The statements that the engine refuses, as a table.

use vitrine_engine::error::QueryFailure::{self, Invalid, Unsupported};

use crate::support::{orders, orders_of_berlin};

const REFUSED: &[(&str, QueryFailure)] = &[
    ("create table t (a int)", Invalid),
    ("create table t as select * from orders", Invalid),
    ("create view v as select * from orders", Invalid),
    ("create external table t stored as parquet location '/etc/passwd'", Invalid),
    ("create function f() returns int return 1", Invalid),
    ("create schema s", Invalid),
    ("create database d", Invalid),
    ("copy orders to '/tmp/out.parquet'", Invalid),
    ("copy (select 1) to '/tmp/out.csv'", Invalid),
    ("insert into orders select * from orders", Invalid),
    ("insert into orders values (1, 'a', 'b', 2)", Invalid),
    ("update orders set id = 1", Invalid),
    ("delete from orders", Invalid),
    ("truncate table orders", Invalid),
    ("merge into orders using orders o on true when matched then delete", Invalid),
    ("drop table orders", Invalid),
    ("alter table orders add column a int", Invalid),
    ("set datafusion.catalog.information_schema = true", Invalid),
    ("reset datafusion.execution.batch_size", Invalid),
    ("prepare p as select 1", Invalid),
    ("execute p", Invalid),
    ("deallocate p", Invalid),
    ("begin", Invalid),
    ("commit", Invalid),
    ("explain select * from orders", Invalid),
    ("explain analyze select * from orders", Invalid),
    ("explain verbose select * from orders", Invalid),
    ("describe orders", Invalid),
    ("describe select 1", Invalid),
    ("show tables", Invalid),
    ("show columns from orders", Invalid),
    ("show all", Invalid),
    ("use datafusion", Invalid),
    ("call f()", Invalid),
    ("attach 'x' as y", Invalid),
    ("pragma table_info('orders')", Invalid),
    ("install httpfs", Invalid),
    ("load httpfs", Invalid),
    ("select 1; select 2", Invalid),
    ("select 1; drop table orders", Invalid),
    ("", Invalid),
    (";", Invalid),
    ("-- nothing", Invalid),
    ("select", Invalid),
    ("select * from 'orders.parquet'", Invalid),
    ("select * from '/etc/passwd'", Invalid),
    ("select * from \"orders/0.parquet\"", Invalid),
    ("select * from information_schema.tables", Invalid),
    ("select * from information_schema.df_settings", Invalid),
    ("select * from pg_catalog.pg_tables", Invalid),
    ("select * from other", Invalid),
    ("select * from orders.orders", Invalid),
    ("with orders as (select 1 as id) select * from orders", Invalid),
    ("select missing from orders", Invalid),
    ("select $p1", Invalid),
    ("select ?", Invalid),
    ("select * from read_parquet('orders/0.parquet')", Unsupported),
    ("select * from read_csv('/etc/passwd')", Unsupported),
    ("select * from parquet_metadata('orders/0.parquet')", Unsupported),
    ("select * from glob('*')", Unsupported),
    ("select input_file_name() from orders", Unsupported),
    ("select version()", Unsupported),
    ("select arrow_typeof(1)", Unsupported),
    ("select arrow_cast(1, 'Int8')", Unsupported),
    ("select pg_sleep(10)", Unsupported),
    ("select current_setting('a')", Unsupported),
    ("select levenshtein('a', 'b')", Unsupported),
    ("select pg_catalog.lower('A')", Unsupported),
    ("with recursive t as (select 1 as n union all select n + 1 from t) select * from t", Unsupported),
    ("select * from orders for update", Unsupported),
    ("select * from orders tablesample bernoulli (10)", Unsupported),
];

#[tokio::test]
async fn only_one_query_over_the_given_tables_is_accepted() {
    for data in [orders().await, orders_of_berlin().await] {
        for (sql, failure) in REFUSED {
            let error = data.answer(sql).await.expect_err(sql);
            assert_eq!(error.failure(), *failure, "{sql}: {}", error.owner_text());
            assert!(!error.owner_text().is_empty(), "{sql}");
            // The next query is right.
            assert_eq!(data.rows("select count(*) >= 100 from orders").await, "[[true]]", "{sql}");
        }
    }
}

#[tokio::test]
async fn queries_of_every_form_are_accepted() {
    let data = orders().await;
    for (sql, rows) in [
        ("select 1", "[[1]]"),
        ("select 1;", "[[1]]"),
        ("values (1, 'a'), (2, 'b')", "[[1,\"a\"],[2,\"b\"]]"),
        ("from orders select count(*)", "[[200]]"),
        ("with o as (select * from orders) select count(*) from o", "[[200]]"),
        ("select id from orders where id = 3 union select 3", "[[3]]"),
        ("from orders order by id limit 1", "[[0,\"Berlin\",\"0\",1]]"),
        ("select count(*), count(*) from orders", "[[200,200]]"),
        ("select count(*) from orders o semi join (select 1 as id) x on o.id = x.id", "[[1]]"),
        ("select count(*) from orders o anti join (select 1 as id) x on o.id = x.id", "[[199]]"),
        ("select date '2024-01-31' + interval 1 month", "[[\"2024-02-29\"]]"),
        ("select count(*) from (select id from orders union all select id from orders)", "[[400]]"),
        ("select count(*) from orders a join orders b using (id)", "[[200]]"),
        ("select city, count(*) from orders group by all order by all", "[[\"Berlin\",100],[\"Paris\",100]]"),
        ("select id from orders order by id fetch first 2 rows only", "[[0],[1]]"),
        ("select id from orders order by id offset 1 row fetch next row only", "[[1]]"),
        ("select max(id) filter (where city = 'Paris') from orders", "[[199]]"),
        ("select id from orders qualify row_number() over (order by id desc) = 1", "[[199]]"),
        ("/* a */ select -- b\n 1", "[[1]]"),
        ("select * from generate_series(1, 3)", "[[1],[2],[3]]"),
        ("select unnest([1, 2])", "[[1],[2]]"),
        ("select 7 / 2", "[[3]]"),
    ] {
        assert_eq!(data.rows(sql).await, rows, "{sql}");
    }
}

#[tokio::test]
async fn a_refused_function_is_named_with_the_nearest_one() {
    let data = orders().await;
    let error = data.answer("select getdate()").await.unwrap_err();
    assert_eq!(error.owner_text(), "The function getdate is not supported. The nearest is now.");
}
