//! Names of columns.

use super::check;
use crate::SelectedColumn;

/// query -> its columns, and its text after naming.
const NAMED: &[(&str, &str, &str)] = &[
    ("select count(*) from orders", "count", "SELECT count(*) AS \"count\" FROM orders"),
    ("select COUNT(*) from orders", "count", "SELECT COUNT(*) AS \"count\" FROM orders"),
    (
        "select sum(amount), count(*) from orders",
        "sum count",
        "SELECT sum(amount) AS \"sum\", count(*) AS \"count\" FROM orders",
    ),
    (
        "select count(*), count(*) from orders",
        "count count_2",
        "SELECT count(*) AS \"count\", count(*) AS \"count_2\" FROM orders",
    ),
    ("select City from orders", "city", "SELECT City FROM orders"),
    ("select \"City\" from orders", "City", "SELECT \"City\" FROM orders"),
    ("select o.city from orders o", "city", "SELECT o.city FROM orders o"),
    (
        "select a.id, b.id from orders a join orders b on a.id = b.id",
        "id id_2",
        "SELECT a.id, b.id AS \"id_2\" FROM orders a JOIN orders b ON a.id = b.id",
    ),
    ("select city as town from orders", "town", "SELECT city AS town FROM orders"),
    ("select city as x, id as x from orders", "x x_2", "SELECT city AS x, id AS \"x_2\" FROM orders"),
    ("select cast(city as text) from orders", "city", "SELECT CAST(city AS TEXT) AS \"city\" FROM orders"),
    ("select city::text from orders", "city", "SELECT city::TEXT AS \"city\" FROM orders"),
    ("select cast(1 as bigint)", "int8", "SELECT CAST(1 AS BIGINT) AS \"int8\""),
    ("select '1'::int", "int4", "SELECT '1'::INT AS \"int4\""),
    ("select '1'::numeric(10, 2)", "numeric", "SELECT '1'::NUMERIC(10,2) AS \"numeric\""),
    ("select date '2024-01-01'", "date", "SELECT DATE '2024-01-01' AS \"date\""),
    ("select lower(city) from orders", "lower", "SELECT lower(city) AS \"lower\" FROM orders"),
    ("select (lower(city)) from orders", "lower", "SELECT (lower(city)) AS \"lower\" FROM orders"),
    ("select sum(amount)::int from orders", "sum", "SELECT sum(amount)::INT AS \"sum\" FROM orders"),
    ("select 1", "?column?", "SELECT 1 AS \"?column?\""),
    ("select 1, 2", "?column? ?column?_2", "SELECT 1 AS \"?column?\", 2 AS \"?column?_2\""),
    ("select id + 1 from orders", "?column?", "SELECT id + 1 AS \"?column?\" FROM orders"),
    ("select -id from orders", "?column?", "SELECT -id AS \"?column?\" FROM orders"),
    ("select city is null from orders", "?column?", "SELECT city IS NULL AS \"?column?\" FROM orders"),
    (
        "select case when id > 1 then 1 end from orders",
        "case",
        "SELECT CASE WHEN id > 1 THEN 1 END AS \"case\" FROM orders",
    ),
    (
        "select case when id > 1 then 1 else id end from orders",
        "id",
        "SELECT CASE WHEN id > 1 THEN 1 ELSE id END AS \"id\" FROM orders",
    ),
    (
        "select extract(year from day) from orders",
        "extract",
        "SELECT EXTRACT(YEAR FROM day) AS \"extract\" FROM orders",
    ),
    ("select (select max(id) from people)", "max", "SELECT (SELECT max(id) FROM people) AS \"max\""),
    ("select exists (select 1 from people)", "exists", "SELECT EXISTS (SELECT 1 FROM people) AS \"exists\""),
    (
        "select coalesce(city, 'x') from orders",
        "coalesce",
        "SELECT coalesce(city, 'x') AS \"coalesce\" FROM orders",
    ),
    ("select interval '1 day'", "interval", "SELECT INTERVAL '1 day' AS \"interval\""),
    ("select * from orders", "*", "SELECT * FROM orders"),
    (
        "select *, count(*) over () from orders",
        "* count",
        "SELECT *, count(*) OVER () AS \"count\" FROM orders",
    ),
    ("select o.*, 1 from orders o", "* ?column?", "SELECT o.*, 1 AS \"?column?\" FROM orders o"),
    (
        "select count(*) from orders union all select 1",
        "count",
        "SELECT count(*) AS \"count\" FROM orders UNION ALL SELECT 1",
    ),
    (
        "select x from (select count(*) as x from orders) t",
        "x",
        "SELECT x FROM (SELECT count(*) AS x FROM orders) t",
    ),
    (
        "select max(c) from (select count(*) c from orders) t",
        "max",
        "SELECT max(c) AS \"max\" FROM (SELECT count(*) c FROM orders) t",
    ),
    // A column of the table has the name that the function would get.
    (
        "select count(*), count from orders group by count",
        "count count_2",
        "SELECT count(*), count AS \"count_2\" FROM orders GROUP BY count",
    ),
    (
        "select count(*) from orders order by count",
        "count",
        "SELECT count(*) AS \"count\" FROM orders ORDER BY count",
    ),
    (
        "select max(id) from orders group by city having max > 1",
        "max",
        "SELECT max(id) FROM orders GROUP BY city HAVING max > 1",
    ),
];

#[test]
fn columns_have_the_names_that_postgres_gives_them() {
    for (sql, names, text) in NAMED {
        let guarded = check(sql).unwrap_or_else(|message| panic!("{sql}: {message}"));
        let shown: Vec<_> = guarded
            .columns
            .iter()
            .map(|column| match column {
                SelectedColumn::Named(name) => name.as_str(),
                SelectedColumn::Wildcard => "*",
            })
            .collect();
        assert_eq!(shown.join(" "), *names, "{sql}");
        let printed = guarded.statement.to_string().replace(" AS c ", " c ");
        assert_eq!(printed.replace(" AS o", " o"), text.replace(" AS o", " o"), "{sql}");
    }
}
