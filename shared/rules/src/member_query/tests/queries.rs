//! Queries that are answered.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{clock, compiled_at, shown};
use crate::member_query::asked::{QueryKind, read_queries};
use crate::member_query::document;

#[test]
fn queries_become_sql() {
    let all = |fields: Value| {
        let mut query = json!({"measures": ["orders.count"]});
        query.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        query
    };
    let cases = [
        (
            json!({"measures": ["orders.count"]}),
            r#"SELECT count(*) AS "c0" FROM "orders" ORDER BY 1 DESC LIMIT 10000"#,
        ),
        (
            json!({"measures": ["orders.amount_sum", "orders.id_avg"], "dimensions": ["orders.city"]}),
            r#"SELECT "orders"."city" AS "c0", sum("orders"."amount") AS "c1", avg("orders"."id") AS "c2" FROM "orders" GROUP BY 1 ORDER BY 2 DESC LIMIT 10000"#,
        ),
        (
            json!({"dimensions": ["orders.city", "orders.city"]}),
            r#"SELECT "orders"."city" AS "c0" FROM "orders" GROUP BY 1 ORDER BY 1 ASC LIMIT 10000"#,
        ),
        (
            json!({"measures": ["orders.city_count_distinct", "orders.amount_min", "orders.day_max"]}),
            r#"SELECT count(DISTINCT "orders"."city") AS "c0", min("orders"."amount") AS "c1", max("orders"."day") AS "c2" FROM "orders" ORDER BY 1 DESC LIMIT 10000"#,
        ),
        (
            json!({"dimensions": ["orders.odd \"name\"; --"]}),
            r#"SELECT "orders"."odd ""name""; --" AS "c0" FROM "orders" GROUP BY 1 ORDER BY 1 ASC LIMIT 10000"#,
        ),
        (
            all(json!({"timeDimensions": [{"dimension": "orders.day", "granularity": "month"}]})),
            r#"SELECT date_trunc('month', "orders"."day") AS "c0", count(*) AS "c1" FROM "orders" GROUP BY 1 ORDER BY 1 ASC LIMIT 10000"#,
        ),
        (
            json!({"dimensions": ["orders.at.week"]}),
            r#"SELECT date_trunc('week', "orders"."at") AS "c0" FROM "orders" GROUP BY 1 ORDER BY 1 ASC LIMIT 10000"#,
        ),
        (
            all(
                json!({"timeDimensions": [{"dimension": "orders.at", "dateRange": ["2024-01-01", "2024-01-31"]}]}),
            ),
            r#"SELECT count(*) AS "c0" FROM "orders" WHERE ("orders"."at" >= $p1 AND "orders"."at" < $p2) ORDER BY 1 DESC LIMIT 10000 | 2024-01-01T00:00:00 2024-02-01T00:00:00"#,
        ),
        (
            all(json!({"timeDimensions": [{"dimension": "orders.day", "dateRange": "last month"}]})),
            r#"SELECT count(*) AS "c0" FROM "orders" WHERE ("orders"."day" >= $p1 AND "orders"."day" < $p2) ORDER BY 1 DESC LIMIT 10000 | 2024-07-01 2024-08-01"#,
        ),
        (
            all(json!({"order": {"orders.count": "asc"}, "limit": 5, "offset": 10})),
            r#"SELECT count(*) AS "c0" FROM "orders" ORDER BY 1 ASC LIMIT 5 OFFSET 10"#,
        ),
        (
            json!({"dimensions": ["orders.id", "orders.city"], "order": [["orders.city", "desc"], ["orders.id", "asc"]]}),
            r#"SELECT "orders"."id" AS "c0", "orders"."city" AS "c1" FROM "orders" GROUP BY 1, 2 ORDER BY 2 DESC, 1 ASC LIMIT 10000"#,
        ),
        (
            json!({"dimensions": ["orders.city"], "order": [{"id": "orders.amount_sum", "desc": true}], "limit": 0}),
            r#"SELECT "orders"."city" AS "c0" FROM "orders" GROUP BY 1 ORDER BY sum("orders"."amount") DESC LIMIT 0"#,
        ),
        (
            json!({"dimensions": ["orders.city"], "order": {"orders.id": "asc"}}),
            r#"SELECT "orders"."city" AS "c0" FROM "orders" GROUP BY 1 ORDER BY 1 ASC LIMIT 10000"#,
        ),
        (
            json!({"measures": ["orders.count", "orders.amount_sum"], "dimensions": ["orders.id"], "ungrouped": true}),
            r#"SELECT "orders"."id" AS "c0", 1 AS "c1", "orders"."amount" AS "c2" FROM "orders" ORDER BY 2 DESC LIMIT 10000"#,
        ),
        (
            all(
                json!({"rowLimit": 7, "segments": [], "renewQuery": true, "order": [], "timezone": null, "filters": []}),
            ),
            r#"SELECT count(*) AS "c0" FROM "orders" ORDER BY 1 DESC LIMIT 7"#,
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(shown(&query, &clock(0)), expected, "{query}");
    }
}

/// member, operator, values -> the condition and its arguments.
#[test]
fn filters_become_conditions_with_typed_arguments() {
    let cases = [
        ("city", "equals", json!(["Berlin"]), r"C = $p1 | 'Berlin'"),
        ("city", "equals", json!(["Berlin", "Rome"]), r"C IN ($p1, $p2) | 'Berlin' 'Rome'"),
        ("city", "equals", json!([null]), r"C IS NULL"),
        ("city", "equals", json!(["Berlin", null]), r"(C = $p1 OR C IS NULL) | 'Berlin'"),
        ("city", "notEquals", json!(["Berlin"]), r"(C <> $p1 OR C IS NULL) | 'Berlin'"),
        ("city", "notEquals", json!(["a", "b"]), r"(C NOT IN ($p1, $p2) OR C IS NULL) | 'a' 'b'"),
        ("city", "notEquals", json!(["a", null]), r"(C <> $p1 AND C IS NOT NULL) | 'a'"),
        ("city", "notEquals", json!([null]), r"C IS NOT NULL"),
        ("city", "equals", json!(["' OR 1=1 --"]), r"C = $p1 | '' OR 1=1 --'"),
        ("city", "equals", json!([5]), r"C = $p1 | '5'"),
        ("city", "contains", json!(["er"]), r"(lower(C) LIKE lower($p1) ESCAPE '\') | '%er%'"),
        (
            "city",
            "contains",
            json!(["a", "b"]),
            r"(lower(C) LIKE lower($p1) ESCAPE '\' OR lower(C) LIKE lower($p2) ESCAPE '\') | '%a%' '%b%'",
        ),
        ("city", "contains", json!(["100%_\\"]), r"(lower(C) LIKE lower($p1) ESCAPE '\') | '%100\%\_\\%'"),
        (
            "city",
            "notContains",
            json!(["a", "b"]),
            r"(lower(C) NOT LIKE lower($p1) ESCAPE '\' AND lower(C) NOT LIKE lower($p2) ESCAPE '\' OR C IS NULL) | '%a%' '%b%'",
        ),
        ("city", "startsWith", json!(["B"]), r"(lower(C) LIKE lower($p1) ESCAPE '\') | 'B%'"),
        (
            "city",
            "notStartsWith",
            json!(["B"]),
            r"(lower(C) NOT LIKE lower($p1) ESCAPE '\' OR C IS NULL) | 'B%'",
        ),
        ("city", "endsWith", json!(["n"]), r"(lower(C) LIKE lower($p1) ESCAPE '\') | '%n'"),
        (
            "city",
            "notEndsWith",
            json!(["n"]),
            r"(lower(C) NOT LIKE lower($p1) ESCAPE '\' OR C IS NULL) | '%n'",
        ),
        ("city", "set", json!([]), r"C IS NOT NULL"),
        ("city", "notSet", json!(null), r"C IS NULL"),
        ("id", "equals", json!(["5"]), r"C = $p1 | i5"),
        ("id", "equals", json!([5, 6]), r"C IN ($p1, $p2) | i5 i6"),
        ("id", "gt", json!(["5"]), r"C > $p1 | i5"),
        ("id", "gte", json!([5]), r"C >= $p1 | i5"),
        ("id", "lt", json!(["5.5"]), r"C < $p1 | n5.5"),
        ("amount", "lte", json!(["12.5"]), r"C <= $p1 | d1250e-2"),
        ("rate", "equals", json!(["0.5"]), r"C = $p1 | n0.5"),
        ("paid", "equals", json!(["true"]), r"C = $p1 | true"),
        ("paid", "notEquals", json!([false]), r"(C <> $p1 OR C IS NULL) | false"),
        ("paid", "equals", json!(["1"]), r"C = $p1 | true"),
        ("day", "equals", json!(["2024-01-05"]), r"C = $p1 | 2024-01-05"),
        ("day", "inDateRange", json!(["2024-01-05"]), r"(C >= $p1 AND C < $p2) | 2024-01-05 2024-01-06"),
        (
            "day",
            "inDateRange",
            json!(["2024-01-05", "2024-01-07"]),
            r"(C >= $p1 AND C < $p2) | 2024-01-05 2024-01-08",
        ),
        (
            "day",
            "inDateRange",
            json!(["2024-01-05T10:00", "2024-01-07T10:00"]),
            r"(C >= $p1 AND C < $p2) | 2024-01-06 2024-01-08",
        ),
        ("day", "inDateRange", json!(["last 7 days"]), r"(C >= $p1 AND C < $p2) | 2024-08-08 2024-08-15"),
        (
            "at",
            "notInDateRange",
            json!(["2024-01-05", "2024-01-07"]),
            r"(C < $p1 OR C >= $p2) | 2024-01-05T00:00:00 2024-01-08T00:00:00",
        ),
        ("at", "beforeDate", json!(["2024-01-05"]), r"C < $p1 | 2024-01-05T00:00:00"),
        ("at", "beforeOrOnDate", json!(["2024-01-05"]), r"C < $p1 | 2024-01-06T00:00:00"),
        ("at", "afterDate", json!(["2024-01-05"]), r"C >= $p1 | 2024-01-06T00:00:00"),
        ("at", "afterOrOnDate", json!(["2024-01-05"]), r"C >= $p1 | 2024-01-05T00:00:00"),
        ("at", "afterDate", json!(["2024-01-05T10:00:00.500Z"]), r"C >= $p1 | 2024-01-05T10:00:00.501"),
        ("at", "equals", json!(["2024-01-05T10:00:00"]), r"C = $p1 | 2024-01-05T10:00:00"),
    ];
    for (member, operator, values, expected) in cases {
        let filter = json!({"member": format!("orders.{member}"), "operator": operator, "values": values});
        let query = json!({"measures": ["orders.count"], "filters": [filter]});
        let text = shown(&query, &clock(0));
        let text = text
            .replace(&format!("\"orders\".\"{member}\""), "C")
            .replace(" ORDER BY 1 DESC LIMIT 10000", "");
        let condition = text.strip_prefix(r#"SELECT count(*) AS "c0" FROM "orders" WHERE "#);
        assert_eq!(condition, Some(expected), "{query} {text}");
    }
}

#[test]
fn groups_of_filters_are_of_rows_or_of_groups() {
    let test = |member: &str, value: &str| json!({"member": member, "operator": "equals", "values": [value]});
    let cases = [
        (
            json!([{"or": [test("orders.city", "a"), {"and": [test("orders.id", "1"), test("orders.id", "2")]}]}]),
            r#" WHERE ("orders"."city" = $p1 OR ("orders"."id" = $p2 AND "orders"."id" = $p3)) | 'a' i1 i2"#,
        ),
        (json!([test("orders.count", "3")]), r" HAVING count(*) = $p1 | i3"),
        (
            json!([{"and": [test("orders.city", "a"), test("orders.amount_sum", "1.5")]}]),
            r#" WHERE "orders"."city" = $p1 HAVING sum("orders"."amount") = $p2 | 'a' d150e-2"#,
        ),
        (json!([{"or": []}, {"and": [{"or": []}]}]), ""),
        (
            json!([{"dimension": "orders.city", "operator": "set"}, {"measure": "orders.at_max", "operator": "afterDate", "values": ["2024-01-01"]}]),
            r#" WHERE "orders"."city" IS NOT NULL HAVING max("orders"."at") >= $p1 | 2024-01-02T00:00:00"#,
        ),
    ];
    for (filters, expected) in cases {
        let query = json!({"measures": ["orders.count"], "filters": filters});
        let text = shown(&query, &clock(0)).replace(" ORDER BY 1 DESC LIMIT 10000", "");
        assert_eq!(text, format!(r#"SELECT count(*) AS "c0" FROM "orders"{expected}"#), "{query}");
    }
}

#[test]
fn times_are_those_of_the_time_zone() {
    let query = json!({
        "measures": ["orders.at_max"],
        "timeDimensions": [{"dimension": "orders.at", "granularity": "day", "dateRange": "today"}],
        "dimensions": ["orders.day"],
    });
    assert_eq!(
        shown(&query, &clock(2)),
        r#"SELECT "orders"."day" AS "c0", date_trunc('day', ("orders"."at" + INTERVAL '7200 seconds')) AS "c1", (max("orders"."at") + INTERVAL '7200 seconds') AS "c2" FROM "orders" WHERE ("orders"."at" >= $p1 AND "orders"."at" < $p2) GROUP BY 1, 2 ORDER BY 2 ASC LIMIT 10000 | 2024-08-14T22:00:00 2024-08-15T22:00:00"#
    );
}

#[test]
fn a_total_counts_the_rows_without_a_limit() {
    let query = json!({
        "dimensions": ["orders.city"], "limit": 1, "offset": 3, "total": true,
        "filters": [{"member": "orders.city", "operator": "contains", "values": ["x"]}],
    });
    let compiled = compiled_at(&query, &clock(0)).unwrap();
    let total = compiled.total.unwrap();
    assert_eq!(
        total.sql,
        r#"SELECT count(*) AS "c0" FROM (SELECT "orders"."city" AS "c0" FROM "orders" WHERE (lower("orders"."city") LIKE lower($p1) ESCAPE '\') GROUP BY 1) AS "rows""#
    );
    assert_eq!(total.arguments, compiled.prepared.arguments);
}

#[test]
fn the_columns_of_an_answer_have_paths_titles_and_types() {
    let query = json!({
        "measures": ["orders.amount_sum"], "dimensions": ["orders.city"],
        "timeDimensions": [
            {"dimension": "orders.day", "granularity": "month"}, {"dimension": "orders.day", "granularity": "year"},
        ],
    });
    let compiled = compiled_at(&query, &clock(0)).unwrap();
    let shown: Vec<_> = compiled
        .columns
        .iter()
        .map(|column| {
            let (paths, kind) = (column.paths.join("+"), column.member_type.word());
            format!("{paths} | {} | {} | {kind}", column.title, column.short_title)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "orders.city | Orders City | City | string",
            "orders.day.month+orders.day | Orders Day | Day | time",
            "orders.day.year | Orders Day | Day | time",
            "orders.amount_sum | Orders Amount Sum | Amount Sum | number",
        ]
    );
    assert_eq!(compiled.normalized["order"], json!([{"id": "orders.day", "desc": false}]));
    assert_eq!(compiled.normalized["limit"], 10_000);
}

#[test]
fn the_order_is_that_of_the_text() {
    let text = br#"{"dimensions": ["orders.id", "orders.city"], "order": {"orders.id": "desc", "orders.city": "asc"}}"#;
    let (_, queries) = read_queries(&document::parse(text).unwrap()).unwrap();
    let names: Vec<_> = queries[0].order.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, ["orders.id", "orders.city"]);
    for text in [r#"{"a": 1, "a": 2}"#, r#"{"order": {"a": "asc", "a": "desc"}}"#, "{", "[1,]", ""] {
        assert_eq!(document::parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn several_queries_have_one_axis() {
    let of = |granularity: &str| json!({"measures": ["orders.count"], "timeDimensions": [{"dimension": "orders.day", "granularity": granularity}]});
    let (kind, queries) = read_queries(&json!([of("day"), of("day")])).unwrap();
    assert_eq!((kind, queries.len()), (QueryKind::Blending, 2));
    assert!(read_queries(&json!([of("day"), of("month")])).is_err());
    assert!(read_queries(&json!([{"measures": ["orders.count"]}, {"measures": ["orders.count"]}])).is_err());
    let compared = json!({"measures": ["orders.count"], "timeDimensions": [{
        "dimension": "orders.day", "granularity": "day", "compareDateRange": ["this week", ["2024-01-01", "2024-01-07"]],
    }]});
    let (kind, queries) = read_queries(&compared).unwrap();
    assert_eq!((kind, queries.len()), (QueryKind::CompareDateRange, 2));
    assert_eq!(queries[1].time_dimensions[0].range, Some(vec!["2024-01-01".into(), "2024-01-07".into()]));
}

fn operators() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["equals", "notEquals", "contains", "notContains", "startsWith", "endsWith"])
}

proptest! {
    /// Two queries that differ in their values have the same text.
    #[test]
    fn no_value_reaches_the_text(operator in operators(), value in "\\PC{0,30}", other in "\\PC{0,30}") {
        let query = |value: &str| {
            let filter = json!({"member": "orders.city", "operator": operator, "values": [value]});
            json!({"dimensions": ["orders.city"], "filters": [{"or": [filter]}]})
        };
        let compiled = |value: &str| compiled_at(&query(value), &clock(0)).unwrap().prepared;
        prop_assert_eq!(compiled(&value).sql, compiled(&other).sql);
        prop_assert_eq!(compiled(&value).arguments.len(), 1);
    }

    /// No document makes it panic, and no name of a caller is in the text unless it is that of a column.
    #[test]
    fn names_that_are_not_members_are_refused(name in "\\PC{0,20}") {
        for query in [
            json!({"measures": [format!("orders.{name}")]}),
            json!({"dimensions": [name]}),
            json!({"measures": ["orders.count"], "order": {name.clone(): "asc"}}),
            json!({"measures": ["orders.count"], "timezone": name, "timeDimensions": [{"dimension": "orders.at", "dateRange": name}]}),
            json!({name.clone(): [name]}),
        ] {
            if let Ok(compiled) = compiled_at(&query, &clock(0)) {
                prop_assert!(compiled.prepared.arguments.len() <= 2);
            }
        }
    }
}
