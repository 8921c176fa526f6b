use super::*;

#[test]
fn plain_integers_and_numbers_lose_nothing() {
    let cases: [(&str, Option<i64>, Option<f64>); 36] = [
        ("0", Some(0), Some(0.0)),
        ("-0", None, Some(-0.0)),
        ("7", Some(7), Some(7.0)),
        ("-12", Some(-12), Some(-12.0)),
        ("9223372036854775807", Some(i64::MAX), None),
        ("-9223372036854775808", Some(i64::MIN), None),
        ("9223372036854775808", None, None),
        ("9007199254740992", Some(1 << 53), Some(9_007_199_254_740_992.0)),
        ("9007199254740993", Some((1 << 53) + 1), None),
        ("100000000000000000000", None, Some(1e20)),
        ("007", None, None),
        ("-07", None, None),
        ("00.5", None, None),
        ("0.5", None, Some(0.5)),
        ("-0.5", None, Some(-0.5)),
        (".5", None, Some(0.5)),
        ("-.5", None, Some(-0.5)),
        ("5.", None, None),
        (".", None, None),
        ("-", None, None),
        ("", None, None),
        ("+5", None, None),
        ("1e3", None, Some(1000.0)),
        ("1E+3", None, Some(1000.0)),
        ("1.5e-3", None, Some(0.0015)),
        ("1e", None, None),
        ("e3", None, None),
        ("1e400", None, None),
        ("NaN", None, None),
        ("inf", None, None),
        ("-inf", None, None),
        ("1_000", None, None),
        ("1,5", None, None),
        ("0x10", None, None),
        (" 5", None, None),
        ("٣", None, None),
    ];
    for (text, integer, number) in cases {
        assert_eq!(plain_integer(text), integer, "{text}");
        assert_eq!(plain_number(text).map(f64::to_bits), number.map(f64::to_bits), "{text}");
    }
}

#[test]
fn declared_numbers_may_be_written_in_more_ways() {
    type Case = (&'static str, Option<i64>, Option<f64>, Option<i128>);
    let cases: [Case; 17] = [
        ("007", Some(7), Some(7.0), Some(700)),
        ("+5", Some(5), Some(5.0), Some(500)),
        ("5.0", Some(5), Some(5.0), Some(500)),
        ("5.25", None, Some(5.25), Some(525)),
        ("5.250", None, Some(5.25), Some(525)),
        ("5.255", None, Some(5.255), None),
        ("-.5", None, Some(-0.5), Some(-50)),
        (".5", None, Some(0.5), Some(50)),
        ("1e2", Some(100), Some(100.0), Some(10_000)),
        ("12e-1", None, Some(1.2), Some(120)),
        ("99999999.99", None, Some(99_999_999.99), Some(9_999_999_999)),
        ("100000000", Some(100_000_000), Some(1e8), None),
        ("0e99", Some(0), Some(0.0), Some(0)),
        ("1e99", None, Some(1e99), None),
        ("1e-99", None, Some(1e-99), None),
        ("nan", None, None, None),
        ("five", None, None, None),
    ];
    for (text, of_integer, of_number, of_decimal) in cases {
        assert_eq!(integer(text), of_integer, "{text}");
        assert_eq!(number(text), of_number, "{text}");
        assert_eq!(decimal(text, 10, 2), of_decimal, "{text}");
    }
}

#[test]
fn moments_are_read_in_utc() {
    let cases = [
        ("2024-02-29", Some("2024-02-29T00:00:00Z")),
        ("2024-02-29T10:30", Some("2024-02-29T10:30:00Z")),
        ("2024-02-29 10:30:15", Some("2024-02-29T10:30:15Z")),
        ("2024-02-29t10:30:15z", Some("2024-02-29T10:30:15Z")),
        ("2024-02-29T10:30:15.5Z", Some("2024-02-29T10:30:15.5Z")),
        ("2024-02-29T10:30:15.123456789", Some("2024-02-29T10:30:15.123456Z")),
        ("2024-02-29T10:30:15+02:00", Some("2024-02-29T08:30:15Z")),
        ("2024-02-29T10:30:15-0530", Some("2024-02-29T16:00:15Z")),
        ("2024-02-29 23:30:15-01", Some("2024-03-01T00:30:15Z")),
        ("2024-02-29 10:30:15 UTC", Some("2024-02-29T10:30:15Z")),
        ("1969-12-31T23:59:59.999999", Some("1969-12-31T23:59:59.999999Z")),
        ("0001-01-01", Some("0001-01-01T00:00:00Z")),
        ("9999-12-31T23:59:59", Some("9999-12-31T23:59:59Z")),
        ("9999-12-31T23:59:59-01:00", None),
        ("2023-02-29", None),
        ("2024-13-01", None),
        ("2024-1-1", None),
        ("20240229", None),
        ("29.02.2024", None),
        ("02/29/2024", None),
        ("2024-02-29T24:00", None),
        ("2024-02-29T10:60", None),
        ("2024-02-29T10:30:60", None),
        ("2024-02-29T10", None),
        ("2024-02-29T10:30:15.", None),
        ("2024-02-29T10:30:15.1234567890", None),
        ("2024-02-29T10:30:15+25:00", None),
        ("2024-02-29T10:30:15[Europe/Berlin]", None),
        ("2024-02-29T10:30:15 ", None),
        ("2024-02-29X10:30", None),
        ("2024-02-2é", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(timestamp(text).map(write_timestamp).as_deref(), expected, "{text}");
    }
    for (text, expected) in
        [("2024-02-29", Some(19_782)), ("1970-01-01", Some(0)), ("2024-02-29T00:00", None)]
    {
        assert_eq!(date(text), expected, "{text}");
    }
}

#[test]
fn decimals_are_written_with_all_of_their_digits() {
    for (digits, scale, text) in
        [(0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (-1_250, 2, "-12.50"), (7, 0, "7")]
    {
        assert_eq!(write_decimal(digits, scale), text);
    }
}

#[test]
fn a_message_shows_one_short_line_of_a_value() {
    assert_eq!(excerpt("abc"), "abc");
    assert_eq!(excerpt("a\nb\u{0}"), "a\\nb\\0");
    let long = excerpt(&"ü".repeat(1_000));
    assert_eq!((long.chars().count(), long.ends_with('…')), (61, true));
}
