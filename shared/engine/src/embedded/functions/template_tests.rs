use chrono::NaiveDate;

use super::*;

fn at(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn written(template: &str, moment: &str) -> String {
    let mut out = String::new();
    Template::parse(template).unwrap().write(at(moment), &mut out);
    out
}

#[test]
fn templates_write_what_postgres_writes() {
    let moment = "2024-02-09T15:04:05.678901";
    for (template, expected) in [
        ("YYYY-MM", "2024-02"),
        ("YYYY-MM-DD", "2024-02-09"),
        ("yyyy-mm-dd hh24:mi:ss", "2024-02-09 15:04:05"),
        ("YYYY-MM-DD\"T\"HH24:MI:SS", "2024-02-09T15:04:05"),
        ("DD/MM/YY", "09/02/24"),
        ("FMDD.FMMM.YYYY", "9.2.2024"),
        ("HH:MI AM", "03:04 PM"),
        ("HH12:MI a.m.", "03:04 p.m."),
        ("Mon YYYY", "Feb 2024"),
        ("MON", "FEB"),
        ("mon", "feb"),
        ("Month", "February "),
        ("FMMonth", "February"),
        ("FMMONTH", "FEBRUARY"),
        ("Day", "Friday   "),
        ("FMDay, FMDDth FMMonth", "Friday, 9th February"),
        ("Dy", "Fri"),
        ("DDD", "040"),
        ("D ID", "6 5"),
        ("WW W IW", "06 2 06"),
        ("IYYY-\"W\"IW", "2024-W06"),
        ("\"Q\"Q", "Q1"),
        ("YYYY-\"Q\"Q", "2024-Q1"),
        ("MS US FF2", "678 678901 67"),
        ("SSSS", "54245"),
        ("CC", "21"),
        ("J", "2460350"),
        ("Y,YYY", "2,024"),
        ("YYY Y", "024 4"),
        ("RM", "II  "),
        ("FMrm", "ii"),
        ("AD", "AD"),
        ("TZ OF", "UTC +00"),
        ("DDTH", "09TH"),
        ("", ""),
        ("\"YYYY\"", "YYYY"),
        ("\"a\\\"b\"", "a\"b"),
        ("–", "–"),
    ] {
        assert_eq!(written(template, moment), expected, "{template}");
    }
    assert_eq!(written("HH12 AM", "2024-01-01T00:00:00"), "12 AM");
    assert_eq!(written("FMDDth", "2024-01-11T00:00:00"), "11th");
    assert_eq!(written("FMDDth", "2024-01-21T00:00:00"), "21st");
    assert_eq!(written("IYYY-IW", "2021-01-03T00:00:00"), "2020-53");
}

#[test]
fn a_template_that_is_not_understood_is_refused() {
    for template in
        ["%Y-%m", "xyz", "YYYY-MM-DDZ", "Week WW", "EEEE", "YYYY-MM-DDTHH24:MI", "yYYY h", "ü", "FMx", "TZM"]
    {
        assert!(Template::parse(template).is_err(), "{template}");
    }
}

#[test]
fn texts_are_read_by_templates() {
    for (template, text, expected) in [
        ("YYYY-MM-DD", "2024-02-09", Some("2024-02-09T00:00:00")),
        ("YYYY-MM-DD", "2024/2/9", Some("2024-02-09T00:00:00")),
        ("YYYYMMDD", "20240209", Some("2024-02-09T00:00:00")),
        ("DD Mon YYYY", "05 Dec 2000", Some("2000-12-05T00:00:00")),
        ("FMMonth DD, YYYY", "March 3, 2021", Some("2021-03-03T00:00:00")),
        ("YY-MM", "69-01", Some("2069-01-01T00:00:00")),
        ("YY-MM", "70-01", Some("1970-01-01T00:00:00")),
        ("YYYY-DDD", "2024-060", Some("2024-02-29T00:00:00")),
        ("HH12:MI AM", "12:05 am", Some("0001-01-01T00:05:00")),
        ("YYYY-MM-DD HH24:MI:SS.US", "2024-02-09 15:04:05.5", Some("2024-02-09T15:04:05.5")),
        ("YYYY-MM-DD\"T\"HH24:MI", "2024-02-09T15:04", Some("2024-02-09T15:04:00")),
        ("YYYY-MM-DD", "2023-02-29", None),
        ("YYYY-MM-DD", "2023-13-01", None),
        ("YYYY-MM-DD", "2023-12-01 x", None),
        ("YYYY-MM-DD", "", None),
        ("HH12 AM", "13 PM", None),
        ("Mon", "Foo", None),
    ] {
        let read = Template::for_reading(template).unwrap().read(text);
        assert_eq!(read, expected.map(at), "{template} {text}");
    }
    for template in ["IYYY-IW", "Q", "J", "TZ", "WW", "CC", "AD"] {
        assert!(Template::for_reading(template).is_err(), "{template}");
    }
}

#[test]
fn every_day_of_two_centuries_is_read_as_it_was_written() {
    let template = Template::for_reading("YYYY-MM-DD Mon DDD").unwrap();
    for days in (0..73_000).step_by(7) {
        let day = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Days::new(days);
        let mut text = String::new();
        template.write(day.into(), &mut text);
        assert_eq!(template.read(&text), Some(day.into()), "{text}");
    }
}
