//! Field filters: operator, column and value.

use std::collections::BTreeMap;

use serde_json::json;

use super::{GivenValue, definition, given, run, shown};

/// operator, column, value, result of `where {{x}}`
#[test]
fn field_filters_become_conditions() {
    let cases = [
        ("category", "city", json!("a"), r#""orders"."city" = $p1 ; 'a'"#),
        ("category", "city", json!(["a"]), r#""orders"."city" = $p1 ; 'a'"#),
        ("category", "city", json!(["a", "b"]), r#""orders"."city" IN ($p1, $p2) ; 'a', 'b'"#),
        ("category", "city", json!(5), r#""orders"."city" = $p1 ; '5'"#),
        ("category", "id", json!("5"), r#""orders"."id" = $p1 ; 5"#),
        ("category", "id", json!(["5", "6"]), r#""orders"."id" IN ($p1, $p2) ; 5, 6"#),
        ("category", "id", json!("five"), "! Invalid value for :x."),
        ("category", "day", json!("2024-02-29"), r#""orders"."day" = $p1 ; date 2024-02-29"#),
        ("category", "paid", json!("true"), r#""orders"."paid" = $p1 ; true"#),
        ("id", "id", json!("7"), r#""orders"."id" = $p1 ; 7"#),
        ("location/city", "city", json!("a"), r#""orders"."city" = $p1 ; 'a'"#),
        ("location/zip_code", "id", json!("10115"), r#""orders"."id" = $p1 ; 10115"#),
        ("string/=", "city", json!("a"), r#""orders"."city" = $p1 ; 'a'"#),
        ("string/=", "city", json!(["a", "b", "c"]), r#""orders"."city" IN ($p1, $p2, $p3) ; 'a', 'b', 'c'"#),
        ("string/=", "odd \"name\"", json!("a"), r#""orders"."odd ""name""" = $p1 ; 'a'"#),
        ("string/!=", "city", json!("a"), r#"("orders"."city" <> $p1 OR "orders"."city" IS NULL) ; 'a'"#),
        (
            "string/!=",
            "city",
            json!(["a", "b"]),
            r#"("orders"."city" NOT IN ($p1, $p2) OR "orders"."city" IS NULL) ; 'a', 'b'"#,
        ),
        ("string/contains", "city", json!("a"), r#""orders"."city" LIKE $p1 ESCAPE '\' ; '%a%'"#),
        ("string/contains", "city", json!("50%_\\"), r#""orders"."city" LIKE $p1 ESCAPE '\' ; '%50\%\_\\%'"#),
        (
            "string/contains",
            "city",
            json!(["a", "b"]),
            r#"("orders"."city" LIKE $p1 ESCAPE '\' OR "orders"."city" LIKE $p2 ESCAPE '\') ; '%a%', '%b%'"#,
        ),
        ("string/starts-with", "city", json!("a"), r#""orders"."city" LIKE $p1 ESCAPE '\' ; 'a%'"#),
        ("string/starts-with", "city", json!("%"), r#""orders"."city" LIKE $p1 ESCAPE '\' ; '\%%'"#),
        ("string/ends-with", "city", json!("a"), r#""orders"."city" LIKE $p1 ESCAPE '\' ; '%a'"#),
        (
            "string/does-not-contain",
            "city",
            json!("a"),
            r#"("orders"."city" NOT LIKE $p1 ESCAPE '\' OR "orders"."city" IS NULL) ; '%a%'"#,
        ),
        (
            "string/does-not-contain",
            "city",
            json!(["a", "b"]),
            r#"(("orders"."city" NOT LIKE $p1 ESCAPE '\' OR "orders"."city" IS NULL) AND ("orders"."city" NOT LIKE $p2 ESCAPE '\' OR "orders"."city" IS NULL)) ; '%a%', '%b%'"#,
        ),
        ("string/contains", "id", json!("a"), "! Invalid value for :x."),
        ("string/contains", "day", json!("2024"), "! Invalid value for :x."),
        ("number/=", "id", json!(3), r#""orders"."id" = $p1 ; 3"#),
        ("number/=", "id", json!("1,2"), r#""orders"."id" IN ($p1, $p2) ; 1, 2"#),
        ("number/=", "id", json!(3.5), r#""orders"."id" = $p1 ; 3.5f"#),
        ("number/=", "weight", json!(3), r#""orders"."weight" = $p1 ; 3.0f"#),
        ("number/=", "amount", json!(3.5), r#""orders"."amount" = $p1 ; 350e-2"#),
        ("number/=", "amount", json!(3.125), r#""orders"."amount" = $p1 ; 3.125f"#),
        ("number/=", "day", json!(3), "! Invalid value for :x."),
        ("number/!=", "id", json!(3), r#"("orders"."id" <> $p1 OR "orders"."id" IS NULL) ; 3"#),
        (
            "number/!=",
            "id",
            json!([3, 4]),
            r#"("orders"."id" NOT IN ($p1, $p2) OR "orders"."id" IS NULL) ; 3, 4"#,
        ),
        ("number/<=", "id", json!(3), r#""orders"."id" <= $p1 ; 3"#),
        ("number/<=", "id", json!([3]), r#""orders"."id" <= $p1 ; 3"#),
        ("number/<=", "id", json!([3, 4]), "! Invalid value for :x."),
        ("number/>=", "amount", json!("3.5"), r#""orders"."amount" >= $p1 ; 350e-2"#),
        ("number/>=", "city", json!(3), "! Invalid value for :x."),
        ("number/between", "id", json!([3, 4]), r#""orders"."id" BETWEEN $p1 AND $p2 ; 3, 4"#),
        ("number/between", "id", json!("3,4"), r#""orders"."id" BETWEEN $p1 AND $p2 ; 3, 4"#),
        ("number/between", "id", json!([3, null]), r#""orders"."id" >= $p1 ; 3"#),
        ("number/between", "id", json!([null, 4]), r#""orders"."id" <= $p1 ; 4"#),
        ("number/between", "id", json!([3, 4, 5]), "! Invalid value for :x."),
        ("number/between", "id", json!([3]), "! Invalid value for :x."),
        ("number/between", "id", json!(3), "! Invalid value for :x."),
        ("number/between", "city", json!([3, 4]), "! Invalid value for :x."),
        ("boolean/=", "paid", json!(true), r#""orders"."paid" = $p1 ; true"#),
        ("boolean/=", "paid", json!([true, false]), r#""orders"."paid" IN ($p1, $p2) ; true, false"#),
        ("boolean/=", "id", json!(true), "! Invalid value for :x."),
        ("category", "extra", json!("a"), "! Invalid value for :x."),
        ("date/single", "day", json!("2024-02-29"), r#""orders"."day" = $p1 ; date 2024-02-29"#),
        (
            "date/single",
            "at",
            json!("2024-02-29"),
            r#"("orders"."at" >= $p1 AND "orders"."at" < $p2) ; at 2024-02-29T00:00:00, at 2024-03-01T00:00:00"#,
        ),
        (
            "date/range",
            "day",
            json!("2024-01-01~2024-02-01"),
            r#""orders"."day" BETWEEN $p1 AND $p2 ; date 2024-01-01, date 2024-02-01"#,
        ),
        ("date/range", "day", json!("2024-01-01~"), r#""orders"."day" > $p1 ; date 2024-01-01"#),
        ("date/range", "day", json!("~2024-01-01"), r#""orders"."day" < $p1 ; date 2024-01-01"#),
        (
            "date/range",
            "at",
            json!("2024-01-01~2024-02-01"),
            r#"("orders"."at" >= $p1 AND "orders"."at" < $p2) ; at 2024-01-01T00:00:00, at 2024-02-02T00:00:00"#,
        ),
        ("date/range", "at", json!("2024-01-01~"), r#""orders"."at" >= $p1 ; at 2024-01-02T00:00:00"#),
        ("date/range", "at", json!("~2024-01-01"), r#""orders"."at" < $p1 ; at 2024-01-01T00:00:00"#),
        (
            "date/range",
            "day",
            json!("2024-01-01T10:00~2024-01-03T00:00"),
            r#""orders"."day" BETWEEN $p1 AND $p2 ; date 2024-01-01, date 2024-01-03"#,
        ),
        (
            "date/range",
            "at",
            json!("2024-01-01T10:00~2024-01-01T11:00"),
            r#"("orders"."at" >= $p1 AND "orders"."at" < $p2) ; at 2024-01-01T10:00:00, at 2024-01-01T11:01:00"#,
        ),
        (
            "date/month-year",
            "day",
            json!("2024-02"),
            r#""orders"."day" BETWEEN $p1 AND $p2 ; date 2024-02-01, date 2024-02-29"#,
        ),
        (
            "date/quarter-year",
            "day",
            json!("Q1-2024"),
            r#""orders"."day" BETWEEN $p1 AND $p2 ; date 2024-01-01, date 2024-03-31"#,
        ),
        ("date/relative", "day", json!("today"), r#""orders"."day" = $p1 ; date 2016-06-07"#),
        (
            "date/relative",
            "day",
            json!("past30days"),
            r#""orders"."day" BETWEEN $p1 AND $p2 ; date 2016-05-08, date 2016-06-06"#,
        ),
        (
            "date/all-options",
            "at",
            json!("past2hours"),
            r#"("orders"."at" >= $p1 AND "orders"."at" < $p2) ; at 2016-06-07T10:00:00, at 2016-06-07T12:00:00"#,
        ),
        (
            "date/all-options",
            "day",
            json!("exclude-days-Mon-Sun"),
            r#"(EXTRACT(dow FROM "orders"."day") NOT IN ($p1, $p2) OR "orders"."day" IS NULL) ; 1, 0"#,
        ),
        (
            "date/all-options",
            "at",
            json!("exclude-hours-0-23"),
            r#"(EXTRACT(hour FROM "orders"."at") NOT IN ($p1, $p2) OR "orders"."at" IS NULL) ; 0, 23"#,
        ),
        (
            "date/all-options",
            "at",
            json!("exclude-months-Feb"),
            r#"(EXTRACT(month FROM "orders"."at") NOT IN ($p1) OR "orders"."at" IS NULL) ; 2"#,
        ),
        (
            "date/all-options",
            "day",
            json!("exclude-quarters-4"),
            r#"(EXTRACT(quarter FROM "orders"."day") NOT IN ($p1) OR "orders"."day" IS NULL) ; 4"#,
        ),
        ("date/all-options", "city", json!("past30days"), "! Invalid value for :x."),
        ("date/all-options", "id", json!("today"), "! Invalid value for :x."),
        ("date/all-options", "day", json!("past100000years"), "! Invalid value for :x."),
        ("category", "gone", json!("a"), "! There is no column \"gone\" in the table \"orders\"."),
    ];
    for (operator, column, value, expected) in cases {
        let tag = json!({"type": "dimension", "dimension": {"table": "orders", "column": column}, "widget_type": operator});
        let query = definition("{{x}}", json!({ "x": tag }));
        let values = BTreeMap::from([("x".to_owned(), vec![given(operator, &value)])]);
        assert_eq!(shown(run(&query, &values)), expected, "{operator} {column} {value}");
    }
}

#[test]
fn text_operators_can_ignore_case() {
    let query = |sensitive: Option<bool>| {
        let mut tag = json!({"type": "dimension", "dimension": {"table": "orders", "column": "city"}, "widget_type": "string/contains"});
        if let Some(sensitive) = sensitive {
            tag["case_sensitive"] = json!(sensitive);
        }
        definition("{{x}}", json!({ "x": tag }))
    };
    let values = |case_sensitive| {
        let value = GivenValue { case_sensitive, ..given("string/contains", &json!("Ä")) };
        BTreeMap::from([("x".to_owned(), vec![value])])
    };
    let exact = r#""orders"."city" LIKE $p1 ESCAPE '\' ; '%Ä%'"#;
    let lower = r#"lower("orders"."city") LIKE lower($p1) ESCAPE '\' ; '%Ä%'"#;
    for (tag, parameter, expected) in [
        (None, None, exact),
        (Some(true), None, exact),
        (Some(false), None, lower),
        (None, Some(false), lower),
        (Some(false), Some(true), exact),
    ] {
        assert_eq!(shown(run(&query(tag), &values(parameter))), expected, "{tag:?} {parameter:?}");
    }
}
