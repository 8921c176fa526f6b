//! Functions and forms of the two dialects, with the answers of Postgres or DuckDB.

use vitrine_engine::error::QueryFailure;
use vitrine_engine::query::EngineQuery;

use crate::support::{Data, run};

/// An expression and its value as JSON.
const VALUES: &[(&str, &str)] = &[
    // Postgres: texts of dates.
    ("to_char(timestamp '2024-02-09 15:04:05', 'YYYY-MM')", "\"2024-02\""),
    ("to_char(date '2024-02-09', 'DD.MM.YYYY')", "\"09.02.2024\""),
    (
        "to_char(timestamp '2024-02-09 15:04:05', 'FMDay, FMDD FMMonth YYYY HH12:MI AM')",
        "\"Friday, 9 February 2024 03:04 PM\"",
    ),
    ("to_char(cast(null as timestamp), 'YYYY')", "null"),
    ("to_char(date '2024-02-09', null)", "null"),
    ("to_char('2024-02-09', 'YYYY')", "\"2024\""),
    ("to_char(now(), 'YYYY') >= '2024'", "true"),
    ("to_char(1234.5, 'FM999,990.00')", "\"1,234.50\""),
    ("to_char(7, '000')", "\" 007\""),
    ("to_char(cast(1234.5 as decimal(10, 2)), 'FM9999.00')", "\"1234.50\""),
    ("to_date('05 Dec 2000', 'DD Mon YYYY')", "\"2000-12-05\""),
    ("to_date('2024-02-09', 'YYYY-MM-DD')", "\"2024-02-09\""),
    ("to_date('2024-02-09')", "\"2024-02-09\""),
    ("to_timestamp('2024-02-09 15:04', 'YYYY-MM-DD HH24:MI')", "\"2024-02-09T15:04:00Z\""),
    ("to_timestamp(1700000000)", "\"2023-11-14T22:13:20Z\""),
    ("to_timestamp(1700000000.5)", "\"2023-11-14T22:13:20.5Z\""),
    ("to_timestamp('2024-02-09T15:04:05')", "\"2024-02-09T15:04:05Z\""),
    // Time zones.
    ("timestamp '2024-07-01 00:00:00' at time zone 'Europe/Berlin'", "\"2024-06-30T22:00:00Z\""),
    (
        "timestamp '2024-06-30 22:30:00' at time zone 'UTC' at time zone 'Europe/Berlin'",
        "\"2024-07-01T00:30:00Z\"",
    ),
    (
        "date_trunc('month', timestamp '2024-06-30 22:30:00' at time zone 'UTC' at time zone 'Europe/Berlin')",
        "\"2024-07-01T00:00:00Z\"",
    ),
    (
        "to_char(timestamp '2024-07-01 03:00:00' at time zone 'UTC' at time zone 'America/New_York', 'DD HH24')",
        "\"30 23\"",
    ),
    ("cast(timezone('Asia/Tokyo', timestamptz '2024-06-30 22:30:00+00') as date)", "\"2024-07-01\""),
    ("timezone('Europe/Berlin', cast(null as timestamp))", "null"),
    ("timestamp '2024-07-01 00:00:00' at time zone null", "null"),
    // Postgres: arithmetic.
    ("mod(7, 3)", "1"),
    ("mod(-7, 3)", "-1"),
    ("div(7, 2)", "3"),
    ("7 / 2", "3"),
    ("width_bucket(5.35, 0.024, 10.06, 5)", "3"),
    ("width_bucket(-1, 0, 10, 5)", "0"),
    ("width_bucket(10, 0, 10, 5)", "6"),
    ("width_bucket(2, 10, 0, 5)", "5"),
    ("initcap('hello world')", "\"Hello World\""),
    ("octet_length('ü')", "2"),
    ("nvl(null, 3)", "3"),
    ("date_part('isodow', date '2024-02-11')", "7"),
    ("extract(year from age(timestamp '2024-03-01', timestamp '2020-05-31'))", "3"),
    ("extract(month from age(timestamp '2024-03-01', timestamp '2020-05-31'))", "9"),
    ("extract(day from age(timestamp '2024-03-01', timestamp '2020-05-31'))", "1"),
    ("date '2024-02-29' + interval '1 year'", "\"2025-02-28\""),
    ("timestamp '2024-02-29 10:00:00' - timestamp '2024-02-28 09:00:00' > interval '1 day'", "true"),
    ("'{\"a\": {\"b\": [1, \"x\"]}}' ->> 'a'", "\"{\\\"b\\\":[1,\\\"x\\\"]}\""),
    ("'{\"a\": {\"b\": [1, \"x\"]}}' -> 'a' -> 'b' ->> 1", "\"x\""),
    ("'{\"a\": null}' ->> 'a'", "null"),
    ("'{\"a\": null}' -> 'a'", "\"null\""),
    ("'no json' ->> 'a'", "null"),
    ("position('b' in 'abc')", "2"),
    ("overlay('abcdef' placing 'xx' from 2 for 3)", "\"axxef\""),
    ("'Ä' ilike 'ä'", "true"),
    ("'a%b' like 'a\\%b'", "true"),
    ("'a%b' like 'a!%b' escape '!'", "true"),
    ("'axb' like 'a!%b' escape '!'", "false"),
    ("'a!b' like 'a!!b' escape '!'", "true"),
    ("'a\\b' like 'a\\b' escape '!'", "true"),
    ("'A_B' ilike 'a\\_b' escape '\\'", "true"),
    ("interval '25 hours' > interval '1 day'", "true"),
    ("interval '1 month' = interval '30 days'", "true"),
    ("cast(2.5 as int) + cast(-2.5 as int)", "0"),
    ("cast(cast('2.5' as double) as int)", "2"),
    ("cast(cast('2.5' as decimal(3, 1)) as int)", "3"),
    ("cast(1.4 as bigint)", "1"),
    ("try_cast(1.6 as int)", "2"),
    ("9223372036854775806 + 1", "\"9223372036854775807\""),
    ("length([1, 2]) + length('abc')", "5"),
    ("strptime('29.02.2024', '%d.%m.%Y')", "\"2024-02-29T00:00:00Z\""),
    ("2 = any([1, 2])", "true"),
    ("'abc' ~ '^a.c$'", "true"),
    ("'abc' !~* 'B'", "false"),
    ("date '2024-01-31' - 1", "\"2024-01-30\""),
    ("cast('2024-01-31' as date) < now()", "true"),
    // DuckDB.
    ("strftime(date '2024-02-09', '%Y-%m')", "\"2024-02\""),
    ("strftime('%Y-%m', date '2024-02-09')", "\"2024-02\""),
    ("strftime(timestamp '2024-02-09 15:04:05.25', '%H:%M:%S.%f')", "\"15:04:05.250000\""),
    ("date_diff('month', date '2024-01-31', date '2024-03-01')", "2"),
    ("datediff('day', date '2024-01-31', date '2024-03-01')", "30"),
    ("date_sub('month', date '2024-01-31', date '2024-03-01')", "1"),
    ("date_add(date '2024-01-31', interval 1 month)", "\"2024-02-29\""),
    ("year(date '2024-02-09') + month(date '2024-02-09')", "2026"),
    ("epoch(timestamp '1970-01-02')", "86400"),
    ("epoch_ms(timestamp '1970-01-01 00:00:01.5')", "1500"),
    ("monthname(date '2024-02-09')", "\"February\""),
    ("dayname(date '2024-02-09')", "\"Friday\""),
    ("last_day(date '2024-02-09')", "\"2024-02-29\""),
    ("time_bucket(interval '1 month', timestamp '2024-02-09 10:00:00')", "\"2024-02-01T00:00:00Z\""),
    (
        "time_bucket(interval '1 day', timestamp '2024-02-09 10:00:00', timestamp '2024-01-01 06:00:00')",
        "\"2024-02-09T06:00:00Z\"",
    ),
    ("if(1 > 2, 'a', 'b')", "\"b\""),
    ("if(true, if(false, 1, 2), 3)", "2"),
    ("regexp_extract('order-42', '[0-9]+')", "\"42\""),
    ("regexp_extract('order', '[0-9]+')", "\"\""),
    ("len('abc')", "3"),
    ("list_contains([1, 2], 2)", "true"),
    ("ifnull(null, 1)", "1"),
];

#[tokio::test]
async fn expressions_have_the_values_of_their_dialect() {
    let data = Data::empty();
    let mut wrong = vec![];
    for (expression, expected) in VALUES {
        let found = match data.answer(&format!("select {expression}")).await {
            Ok(answer) => String::from_utf8(answer.rows).unwrap(),
            Err(error) => error.owner_text().to_owned(),
        };
        if found != format!("[[{expected}]]") {
            wrong.push(format!("{expression}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_not_supported_is_refused_before_it_runs_and_says_why() {
    let data = Data::empty();
    for (expression, failure, words) in [
        ("to_char(now(), '%Y-%m')", QueryFailure::Invalid, "strftime"),
        ("to_char(now(), 'Week WW')", QueryFailure::Invalid, "double quotes"),
        ("to_char(12, 'EEEE')", QueryFailure::Invalid, "EEEE"),
        ("to_char(true, 'YYYY')", QueryFailure::Invalid, "to_char"),
        ("to_date('2024', 'IYYY')", QueryFailure::Invalid, "IsoYear"),
        ("to_timestamp('2024', '%Y')", QueryFailure::Invalid, "strftime"),
        ("strftime(now(), '%Q')", QueryFailure::Invalid, "%Q"),
        ("9223372036854775807 + 1", QueryFailure::Failed, "Overflow"),
        ("-9223372036854775807 - 5", QueryFailure::Failed, "Overflow"),
        ("4611686018427387904 * 2", QueryFailure::Failed, "Overflow"),
        ("reverse([1, 2])", QueryFailure::Unsupported, "array_to_string"),
        ("date '2024-02-29' - date '2024-02-01' > interval '27 days'", QueryFailure::Invalid, "interval"),
        ("strptime('x', '%Q')", QueryFailure::Invalid, "%Q"),
        ("strftime(now())", QueryFailure::Invalid, "strftime(date, format)"),
        ("date_diff('fortnight', now(), now())", QueryFailure::Invalid, "fortnight"),
        ("if(true, 1)", QueryFailure::Unsupported, "3 arguments"),
        ("product(1)", QueryFailure::Unsupported, "product"),
        ("now() at time zone 'Mars/Olympus'", QueryFailure::Invalid, "Mars/Olympus"),
        ("format('{}', 1)", QueryFailure::Unsupported, "format"),
        ("md5('a')", QueryFailure::Unsupported, "md5"),
        ("mod(1, 2) over ()", QueryFailure::Unsupported, "mod"),
    ] {
        let error = data.answer(&format!("select {expression}")).await.expect_err(expression);
        assert_eq!(error.failure(), failure, "{expression}: {}", error.owner_text());
        assert!(error.owner_text().contains(words), "{expression}: {}", error.owner_text());
    }
}

#[tokio::test]
async fn a_sum_of_integers_is_right_or_an_error() {
    let data = Data::empty();
    let rows =
        "(values (1, 9223372036854775807, 1), (1, 1, 2), (2, -9223372036854775807, 3), (2, 1, 4)) t(g, n, i)";
    for (sql, expected) in [
        ("sum(n) from T where g = 2", "[[\"-9223372036854775806\"]]"),
        // Too large on the way only.
        ("sum(n) from T", "[[2]]"),
        ("sum(distinct n) from T", "[[1]]"),
        ("sum(n) from T where false", "[[null]]"),
        ("sum(n) filter (where n < 5) from T where g = 1", "[[1]]"),
        ("sum(cast(1 as int)) from T", "[[4]]"),
        ("sum(1.5) from T", "[[6]]"),
        ("g, sum(i) from T group by g order by g", "[[1,3],[2,7]]"),
        ("sum(i) over (order by i rows 1 preceding) from T order by i", "[[1],[3],[5],[7]]"),
    ] {
        assert_eq!(data.rows(&format!("select {}", sql.replace('T', rows))).await, expected, "{sql}");
    }
    for sql in [
        "sum(n) from T where g = 1",
        "sum(distinct n) from T where g = 1",
        "sum(n + 0) from T where g = 1",
        "g, sum(n) from T group by g",
        "sum(n) over (order by i) from T",
        "sum(n) over (order by i rows 1 preceding) from T",
        "sum(n) + 1 from T where g = 1",
    ] {
        let error = data.answer(&format!("select {}", sql.replace('T', rows))).await.expect_err(sql);
        assert_eq!(error.failure(), QueryFailure::Failed, "{sql}: {}", error.owner_text());
    }
}

#[tokio::test]
async fn a_text_that_a_template_cannot_read_is_an_error_and_not_null() {
    let error = Data::empty().answer("select to_date('x', 'YYYY-MM-DD')").await.unwrap_err();
    assert_eq!(error.failure(), QueryFailure::Failed, "{}", error.owner_text());
}

#[tokio::test]
async fn templates_work_over_columns() {
    let data = Data::empty();
    for (sql, rows) in [
        (
            "select to_char(d, 'YYYY-MM') as m, count(*) from (values (date '2024-01-01'), (date '2024-01-31'), (date '2024-02-01'), (null)) t(d) group by 1 order by 1",
            "[[\"2024-01\",2],[\"2024-02\",1],[null,1]]",
        ),
        (
            "select f, to_char(date '2024-02-09', f) from (values ('YYYY'), ('MM')) t(f) order by 1",
            "[[\"MM\",\"02\"],[\"YYYY\",\"2024\"]]",
        ),
        (
            "select arg_max(a, b), arg_min(a, b) from (values (1, 5), (2, 9), (3, null), (null, 99)) t(a, b)",
            "[[2,1]]",
        ),
        ("select arg_max(a, b) filter (where a < 2) from (values (1, 5), (2, 9)) t(a, b)", "[[1]]"),
        ("select list(a order by a desc) from (values (1), (2)) t(a)", "[[[2,1]]]"),
        ("select approx_count_distinct(a) from (values (1), (2), (1)) t(a)", "[[2]]"),
        ("select count_if(a > 1) from (values (1), (2), (null)) t(a)", "[[1]]"),
    ] {
        assert_eq!(data.rows(sql).await, rows, "{sql}");
    }
}

#[tokio::test]
async fn values_are_counted_by_how_often_they_occur() {
    let data = Data::empty();
    for (values, mode, histogram) in [
        ("('b'), ('a'), ('b'), (null)", "\"b\"", r#"{"a":1,"b":2}"#),
        ("(2), (1), (1), (2), (3)", "1", r#"{"1":2,"2":2,"3":1}"#),
        ("(date '2024-01-02'), (date '2024-01-01')", "\"2024-01-01\"", r#"{"2024-01-01":1,"2024-01-02":1}"#),
        ("(cast(null as bigint))", "null", "null"),
    ] {
        let sql = format!(
            "select mode(v), mode() within group (order by v), histogram(v) from (values {values}) as t(v)"
        );
        assert_eq!(data.rows(&sql).await, format!("[[{mode},{mode},{histogram}]]"), "{values}");
    }
    let rows = data.rows("select v % 2 as g, mode(v), histogram(v) filter (where v < 4) from range(1, 1000) as t(v) group by 1 order by 1");
    assert_eq!(rows.await, r#"[[0,2,{"2":1}],[1,1,{"1":1,"3":1}]]"#);
}

#[tokio::test]
async fn the_current_day_is_that_of_the_session() {
    let query = Data::empty().query(
        "select current_date = cast(now() at time zone 'Pacific/Kiritimati' as date), today() = current_date,
                current_date - cast(now() at time zone 'Pacific/Pago_Pago' as date) >= 1, now() = now() at time zone 'UTC' at time zone 'UTC'",
        vec![],
    );
    // The clocks of the two places are 25 hours apart.
    for (zone, expected) in [
        ("Pacific/Kiritimati", "[[true,true,true,true]]"),
        ("Pacific/Pago_Pago", "[[false,true,false,true]]"),
    ] {
        let query = EngineQuery { time_zone: Some(zone.to_owned()), ..query.clone() };
        let answer = run(&query).await.unwrap();
        assert_eq!(String::from_utf8(answer.rows).unwrap(), expected, "{zone}");
    }
    for zone in ["Mars/Olympus", "", "'; drop"] {
        let query = EngineQuery { time_zone: Some(zone.to_owned()), ..query.clone() };
        assert_eq!(run(&query).await.unwrap_err().failure(), QueryFailure::Invalid, "{zone}");
    }
    // The calendar of reports knows the same zones.
    assert!(jiff::tz::TimeZone::get("Europe/Berlin").is_ok());
}
