//! Queries against the surface, as tables of data.

mod columns;
mod limits;

use std::collections::BTreeSet;

use proptest::prelude::*;
use vitrine_rules::query::limits::QueryLimits;
use vitrine_rules::query::prepare::PreparedSql;
use vitrine_rules::query::typed_value::TypedValue;

use crate::{Guarded, Surface, Volatility, guard, parse, unique_names};

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn check_with(sql: &str, allow_cross_joins: bool) -> Result<Guarded, String> {
    let tables = set(&["orders", "people", "secrets"]);
    let functions = set(&[
        "count",
        "sum",
        "avg",
        "max",
        "min",
        "lower",
        "upper",
        "coalesce",
        "date_trunc",
        "now",
        "current_date",
        "random",
        "row_number",
        "round",
        "extract",
        "to_char",
    ]);
    let table_functions = set(&["generate_series", "unnest"]);
    let surface = Surface {
        tables: &tables,
        functions: &functions,
        table_functions: &table_functions,
        allow_cross_joins,
    };
    let text = |issues: Vec<vitrine_rules::error::Issue>| {
        issues.into_iter().map(|issue| issue.message).collect::<Vec<_>>().join(" | ")
    };
    let parsed = parse(sql, &QueryLimits::default()).map_err(|issue| text(vec![issue]))?;
    parsed.check(&surface).map_err(text)
}

fn check(sql: &str) -> Result<Guarded, String> {
    check_with(sql, false)
}

/// query -> the tables that it reads.
const ACCEPTED: &[(&str, &[&str])] = &[
    ("select 1", &[]),
    ("select 1;", &[]),
    ("  select 1 ; ; ", &[]),
    ("values (1), (2)", &[]),
    ("select * from orders", &["orders"]),
    ("SELECT * FROM ORDERS", &["orders"]),
    ("select * from \"orders\"", &["orders"]),
    ("from orders", &["orders"]),
    ("from orders select city", &["orders"]),
    ("select * from orders o join people p on o.person = p.id", &["orders", "people"]),
    ("select * from orders o join people p using (id)", &["orders", "people"]),
    ("select * from orders o, people p where o.person = p.id", &["orders", "people"]),
    ("select * from orders union all select * from people", &["orders", "people"]),
    ("(select * from orders)", &["orders"]),
    ("select * from (orders join people on orders.a = people.a)", &["orders", "people"]),
    ("with a as (select * from orders) select * from a", &["orders"]),
    ("with a as (select * from orders), b as (select * from a) select * from b", &["orders"]),
    ("select * from (with a as (select 1 as x) select x from a) t", &[]),
    ("select (select max(id) from people) from orders", &["orders", "people"]),
    (
        "select * from orders where exists (select 1 from people where people.id = orders.person)",
        &["orders", "people"],
    ),
    ("select * from orders where id in (select id from people)", &["orders", "people"]),
    ("select * from orders cross join (select max(id) m from people) t", &["orders", "people"]),
    ("with m as (select max(id) x from people) select * from orders, m", &["orders", "people"]),
    ("select * from orders, (select 1 as x) one", &["orders"]),
    ("select * from orders, (select id from people limit 1) one", &["orders", "people"]),
    ("select * from orders, generate_series(1, 3)", &["orders"]),
    ("select * from unnest([1, 2])", &[]),
    ("select count(*) from orders group by all", &["orders"]),
    ("select city, row_number() over (partition by city order by id) from orders qualify 1 = 1", &["orders"]),
    ("select 1 -- it's a comment", &[]),
    ("select /* ; drop table orders */ 1", &[]),
    ("select 'drop table orders; --' from orders", &["orders"]),
    ("select * from orders where city = $p1 and id in ($p2, $p3)", &["orders"]),
    ("select count(*) filter (where city = 'Berlin') from orders", &["orders"]),
    ("select extract(year from day) from orders", &["orders"]),
    ("select case when id > 1 then 'a' else 'b' end from orders", &["orders"]),
    ("select * from orders limit $p1", &["orders"]),
];

#[test]
fn queries_over_declared_tables_are_accepted() {
    for (sql, tables) in ACCEPTED {
        assert_eq!(check(sql).map(|guarded| guarded.tables), Ok(set(tables)), "{sql}");
    }
}

/// query -> a part of the message, or one of several.
const REFUSED: &[(&str, &str)] = &[
    ("", "is empty"),
    ("  ;; -- nothing\n", "is empty"),
    ("select", "cannot be parsed"),
    ("selekt 1", "must be a query"),
    ("select 'a", "cannot be parsed"),
    ("select \"a", "cannot be parsed"),
    ("select 1 /* open", "cannot be parsed"),
    ("select 1; select 2", "exactly one query"),
    ("select 1; drop table orders", "exactly one query"),
    ("drop table orders", "must be a query"),
    ("create table x as select * from orders", "must be a query"),
    ("create view x as select * from orders", "must be a query"),
    ("insert into orders values (1)", "must be a query"),
    ("update orders set city = 'x'", "must be a query"),
    ("delete from orders", "must be a query"),
    ("copy orders to 'x'", "must be a query"),
    ("explain select * from orders", "must be a query"),
    ("explain analyze select * from orders", "must be a query"),
    ("EXPLAIN (FORMAT JSON) select 1", "must be a query"),
    ("describe orders", "must be a query"),
    ("desc orders", "must be a query"),
    ("show tables", "must be a query"),
    ("show all", "must be a query"),
    ("set x = 1", "must be a query"),
    ("set datafusion.execution.batch_size = 1", "must be a query"),
    ("reset all", "must be a query"),
    ("pragma table_info(orders)", "must be a query"),
    ("select 1 as x end; drop table orders", "cannot be parsed"),
    ("select 1 as x end", "cannot be parsed"),
    ("attach 'x.db'", "must be a query"),
    ("install httpfs", "must be a query"),
    ("load httpfs", "must be a query"),
    ("prepare p as select 1", "must be a query"),
    ("execute p", "must be a query"),
    ("call f()", "must be a query"),
    ("begin", "must be a query"),
    ("table orders", "must be a query"),
    ("select 1 union table orders", "TABLE"),
    ("with a as (table orders) select * from a", "TABLE|cannot be parsed"),
    ("with a as (insert into orders values (1)) select * from a", "writes"),
    ("with a as (delete from orders) select * from a", "writes"),
    ("with a as (update orders set city = 'x') select * from a", "writes"),
    ("with recursive a as (select 1 as n union all select n + 1 from a) select * from a", "RECURSIVE"),
    ("select * from (with recursive a as (select 1) select * from a) t", "RECURSIVE"),
    ("select * into x from orders", "INTO"),
    ("select * from orders for update", "FOR UPDATE"),
    ("select * from orders for share", "FOR UPDATE"),
    ("select * from (select * from orders for update) t", "FOR UPDATE"),
    ("select * from public.orders", "one part"),
    ("select * from datafusion.public.orders", "one part"),
    ("select * from \"public\".\"orders\"", "one part"),
    ("select * from information_schema.tables", "one part"),
    ("select * from pg_catalog.pg_tables", "one part"),
    ("select id from orders where id in (select id from public.secrets)", "one part"),
    ("select (select max(id) from raw.orders)", "one part"),
    ("select * from 'orders.parquet'", "one part"),
    ("select * from 's3://bucket/orders.parquet'", "one part"),
    ("select * from '/etc/passwd'", "one part"),
    ("select * from read_parquet('x')", "`read_parquet`, which is not supported"),
    ("select * from read_csv('/etc/passwd')", "`read_csv`, which is not supported"),
    ("select * from range(1, 10)", "`range`, which is not supported"),
    ("select * from pg_read_file('x')", "not supported"),
    ("select * from query('select 1')", "not supported"),
    ("select * from table(f(1))", "TABLE(...)"),
    ("select * from lateral flatten(x)", "not supported"),
    ("select * from order", "cannot be parsed|does not exist"),
    ("select * from ordres", "did you mean `orders`?"),
    ("select * from \"Orders\"", "`Orders`, which does not exist; did you mean `orders`?"),
    ("select * from orders\u{430}", "does not exist"),
    ("select * from \"orders \"", "does not exist"),
    ("select * from \"\"", "cannot be parsed|does not exist"),
    ("select * from U&\"orders\"", "cannot be parsed"),
    ("with orders as (select * from orders) select * from orders", "must not define `orders`"),
    ("with Orders as (select 1) select * from orders", "must not define `orders`"),
    ("with \"Orders\" as (select 1) select * from \"Orders\"", "must not define `Orders`"),
    ("with \"ORDERS\" as (select 1) select 1", "must not define `ORDERS`"),
    ("select * from (with secrets as (select 1) select * from secrets) t", "must not define `secrets`"),
    ("select input_file_name() from orders", "`input_file_name`, which is not supported"),
    ("select version()", "`version`, which is not supported"),
    ("select pg_catalog.count(*) from orders", "functions by one part"),
    ("select \"COUNT\"(*) from orders", "`COUNT`, which is not supported"),
    ("select repeat('x', 1500000000)", "`repeat`, which is not supported"),
    ("select date_trunk('month', day) from orders", "the nearest that is supported is `date_trunc`"),
    ("select cuont(*) from orders", "the nearest that is supported is `count`"),
    ("select lower(evil(city)) from orders", "`evil`, which is not supported"),
    ("select 1 from orders order by evil(city)", "`evil`, which is not supported"),
    ("select 1 from orders group by evil(city)", "`evil`, which is not supported"),
    ("select count(*) filter (where evil(city)) from orders", "`evil`, which is not supported"),
    ("select sum(id) over (order by evil(city)) from orders", "`evil`, which is not supported"),
    ("select 1 from orders limit evil(1)", "`evil`, which is not supported"),
    ("select * exclude (city) replace (evil(id) as id) from orders", "`evil`, which is not supported"),
    ("values (evil(1))", "`evil`, which is not supported"),
    ("select * from orders o join people p on evil(o.id) = p.id", "`evil`, which is not supported"),
    ("select * from generate_series(1, evil(2))", "`evil`, which is not supported"),
    ("select * from orders, people", "without a condition"),
    ("select * from orders cross join people", "without a condition"),
    ("select * from orders join people on true", "without a condition"),
    ("select * from orders join people on 1 = 1", "without a condition"),
    ("select * from orders o, people p where o.city = 'Berlin'", "without a condition"),
    ("select * from orders o, people p where 1 = 1 and 2 = 2", "without a condition"),
    ("select * from orders a, orders b", "without a condition"),
    ("with a as (select * from orders) select * from a, people", "without a condition"),
    ("select * from (orders cross join people)", "without a condition"),
    ("select (select count(*) from orders, people)", "without a condition"),
    ("select * from orders tablesample (10 percent)", "TABLESAMPLE"),
    ("select * from orders pivot (sum(id) for city in ('a'))", "PIVOT"),
    ("select * from orders where city = ?", "placeholder"),
    ("select * from orders where city = $1", "placeholder"),
    ("select * from orders where city = $city", "placeholder"),
    ("select * from orders where city = $pa", "placeholder"),
    ("select * from orders where city = $p", "placeholder"),
];

#[test]
fn everything_else_is_refused_with_its_reason() {
    let mut wrong = Vec::new();
    for (sql, part) in REFUSED {
        match check(sql) {
            Err(message) if part.split('|').any(|part| message.contains(part)) => {}
            other => wrong.push((sql, part, other.map(|guarded| guarded.statement.to_string()))),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn joins_without_a_condition_can_be_allowed() {
    for sql in ["select * from orders, people", "select * from orders cross join people"] {
        assert!(check(sql).is_err(), "{sql}");
        assert_eq!(
            check_with(sql, true).map(|guarded| guarded.tables),
            Ok(set(&["orders", "people"])),
            "{sql}"
        );
    }
    assert!(check_with("select * from public.orders", true).is_err());
}

#[test]
fn doubles_are_numbered() {
    let names = ["a", "b", "a", "a_2", "a"].map(str::to_owned);
    assert_eq!(unique_names(names), ["a", "b", "a_2", "a_2_2", "a_3"]);
}

#[test]
fn the_clock_is_noticed() {
    for (sql, volatility) in [
        ("select count(*) from orders", Volatility::Fixed),
        ("select * from orders where day = current_date()", Volatility::Day),
        ("select * from orders where day = current_date", Volatility::Day),
        ("select * from orders where exists (select now())", Volatility::Moment),
        ("select random(), current_date()", Volatility::Moment),
    ] {
        assert_eq!(check(sql).map(|guarded| guarded.volatility), Ok(volatility), "{sql}");
    }
}

#[test]
fn arguments_are_found_where_they_are_bound_and_nowhere_else() {
    let guarded =
        check("select $p1, '$p2' from orders where city = $p3 /* $p4 */ -- $p5\n limit $p6").unwrap();
    assert_eq!(guarded.arguments, set(&["p1", "p3", "p6"]));
}

/// query with the condition of a field filter -> the condition that it means.
#[test]
fn field_filters_find_the_alias_of_their_table() {
    let condition = "\"orders\".\"city\" = $p1";
    let cases = [
        ("select * from orders where {}", "\"orders\".\"city\" = $p1"),
        ("select * from orders o where {}", "\"o\".\"city\" = $p1"),
        ("select * from orders as \"O\" where {}", "\"O\".\"city\" = $p1"),
        ("select * from people p join orders o on o.person = p.id where {}", "\"o\".\"city\" = $p1"),
        ("select * from people orders where {}", "\"orders\".\"city\" = $p1"),
        ("select * from orders a join orders b on a.id = b.id where {}", "\"orders\".\"city\" = $p1"),
        ("select * from orders a join orders on a.id = orders.id where {}", "\"orders\".\"city\" = $p1"),
        ("select * from people where id in (select o.id from orders o where {})", "\"o\".\"city\" = $p1"),
        (
            "select * from orders where id in (select o.id from orders o where {})",
            "\"orders\".\"city\" = $p1",
        ),
        ("select * from orders o where exists (select 1 from people p where {})", "\"o\".\"city\" = $p1"),
        ("select * from (select * from orders o where {}) t", "\"o\".\"city\" = $p1"),
        ("with a as (select * from orders o where {}) select * from a", "\"o\".\"city\" = $p1"),
    ];
    for (sql, expected) in cases {
        let text = check(&sql.replace("{}", condition)).unwrap().statement.to_string();
        assert!(text.contains(expected), "{sql}: {text}");
    }
}

#[test]
fn every_argument_of_a_prepared_query_must_be_bound() {
    let tables = set(&["orders"]);
    let none = BTreeSet::new();
    let surface =
        Surface { tables: &tables, functions: &none, table_functions: &none, allow_cross_joins: false };
    let guarded = |sql: &str| {
        let arguments = vec![TypedValue::Integer(1), TypedValue::Integer(2)];
        let prepared = PreparedSql { sql: sql.to_owned(), arguments, is_relative: false };
        guard(&prepared, &surface, &QueryLimits::default()).is_ok()
    };
    assert!(guarded("select * from orders where a = $p1 and b in ($p1, $p2)"));
    assert!(!guarded("select * from orders where a = $p1"));
    assert!(!guarded("select * from orders where a = $p1 and b = '$p2'"));
    assert!(!guarded("select * from orders where a = $p1 -- $p2"));
    assert!(!guarded("select * from orders where a = $p1 and b = $p2 and c = $p3"));
    assert!(!guarded("select * from people where a = $p1 and b = $p2"));
}

proptest! {
    /// Whatever the text is, the answer is a query over declared tables or a refusal, and never a panic.
    #[test]
    fn any_text_is_answered(sql in "(select|from|orders|people|public|where|join|on|with|as|union|[(),.*=';\"$?-]|[a-z1-9]| ){0,60}") {
        if let Ok(guarded) = check(&sql) {
            prop_assert!(guarded.tables.is_subset(&set(&["orders", "people", "secrets"])));
            let again = check_with(&guarded.statement.to_string(), true);
            prop_assert_eq!(again.map(|again| again.tables), Ok(guarded.tables));
        }
    }
}
