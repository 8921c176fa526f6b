//! Ranges of dates.

use super::clock;
use crate::member_query::date_range::TimeRange;

fn range(texts: &[&str], hours: i8) -> String {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    match TimeRange::read(&texts, &clock(hours)) {
        Some((range, _)) => range.texts().join(" "),
        None => "refused".to_owned(),
    }
}

/// The current time is a Thursday, 15 August 2024, 10:30:45.
#[test]
fn ranges_are_read_as_people_write_them() {
    let day = |from: &str, to: &str| format!("{from}T00:00:00.000 {to}T23:59:59.999");
    let cases = [
        ("today", day("2024-08-15", "2024-08-15")),
        ("Yesterday", day("2024-08-14", "2024-08-14")),
        ("tomorrow", day("2024-08-16", "2024-08-16")),
        ("this week", day("2024-08-12", "2024-08-18")),
        ("last week", day("2024-08-05", "2024-08-11")),
        ("next week", day("2024-08-19", "2024-08-25")),
        ("this month", day("2024-08-01", "2024-08-31")),
        ("last month", day("2024-07-01", "2024-07-31")),
        ("next month", day("2024-09-01", "2024-09-30")),
        ("this quarter", day("2024-07-01", "2024-09-30")),
        ("last quarter", day("2024-04-01", "2024-06-30")),
        ("this year", day("2024-01-01", "2024-12-31")),
        ("last year", day("2023-01-01", "2023-12-31")),
        ("last 7 days", day("2024-08-08", "2024-08-14")),
        ("last 1 day", day("2024-08-14", "2024-08-14")),
        ("next 14 days", day("2024-08-16", "2024-08-29")),
        ("last 2 weeks", day("2024-07-29", "2024-08-11")),
        ("last 6 months", day("2024-02-01", "2024-07-31")),
        ("last 2 quarters", day("2024-01-01", "2024-06-30")),
        ("last 3 years", day("2021-01-01", "2023-12-31")),
        ("this hour", "2024-08-15T10:00:00.000 2024-08-15T10:59:59.999".to_owned()),
        ("last 6 hours", "2024-08-15T04:00:00.000 2024-08-15T09:59:59.999".to_owned()),
        ("last 30 minutes", "2024-08-15T10:00:00.000 2024-08-15T10:29:59.999".to_owned()),
        ("last 5 seconds", "2024-08-15T10:30:40.000 2024-08-15T10:30:44.999".to_owned()),
        ("now", day("2024-08-15", "2024-08-15")),
        ("3 days ago", day("2024-08-12", "2024-08-12")),
        ("2 weeks from now", day("2024-08-29", "2024-08-29")),
        ("from 7 days ago to now", day("2024-08-08", "2024-08-15")),
        ("from now to 2 weeks from now", day("2024-08-15", "2024-08-29")),
        ("from 1 hour ago to now", "2024-08-15T09:00:00.000 2024-08-15T10:59:59.999".to_owned()),
        ("from 2024-01-01 to 2024-01-31", day("2024-01-01", "2024-01-31")),
        ("from 2024-01-01 to yesterday", day("2024-01-01", "2024-08-14")),
        ("2024-02-29", day("2024-02-29", "2024-02-29")),
        ("2024-02-29T10:15", "2024-02-29T10:15:00.000 2024-02-29T10:15:00.000".to_owned()),
        ("2024-02-29 10:15:30.250", "2024-02-29T10:15:30.250 2024-02-29T10:15:30.250".to_owned()),
        ("2024-02-29T10:15:30+02:00", "2024-02-29T08:15:30.000 2024-02-29T08:15:30.000".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(range(&[text], 0), expected, "{text}");
    }
}

#[test]
fn two_ends_are_dates_or_moments() {
    for (from, to, expected) in [
        ("2024-01-01", "2024-01-31", "2024-01-01T00:00:00.000 2024-01-31T23:59:59.999"),
        ("2024-01-01T10:00:00", "2024-01-01T12:00:00.500", "2024-01-01T10:00:00.000 2024-01-01T12:00:00.500"),
        ("2024-01-31", "2024-01-01", "2024-01-31T00:00:00.000 2024-01-01T23:59:59.999"),
        ("yesterday", "today", "refused"),
        ("2024-01-01", "", "refused"),
    ] {
        assert_eq!(range(&[from, to], 0), expected, "{from} {to}");
    }
}

#[test]
fn the_current_day_is_that_of_the_time_zone() {
    assert_eq!(range(&["today"], 14), "2024-08-16T00:00:00.000 2024-08-16T23:59:59.999");
    assert_eq!(range(&["today"], -12), "2024-08-14T00:00:00.000 2024-08-14T23:59:59.999");
    assert_eq!(range(&["2024-02-29T23:00:00Z"], 2), "2024-03-01T01:00:00.000 2024-03-01T01:00:00.000");
}

#[test]
fn every_other_text_is_refused() {
    for text in [
        "",
        "someday",
        "last",
        "last 0 days",
        "last -1 days",
        "last 7.5 days",
        "last 100001 days",
        "last 100000 years",
        "last 7 decades",
        "from today",
        "from today to",
        "from someday to now",
        "2023-02-29",
        "2024-13-01",
        "2024-1-1",
        "20240101",
        "2024-01-01T25:00:00",
        "2024-01-01T10:00:00[Europe/Berlin]",
        "2024-01-01' OR 1=1 --",
        "9999-12-31",
        "٢٠٢٤-01-01",
    ] {
        assert_eq!(range(&[text], 0), "refused", "{text}");
    }
    assert_eq!(range(&[], 0), "refused");
    assert_eq!(range(&["2024-01-01", "2024-01-02", "2024-01-03"], 0), "refused");
}
