//! `strftime` with the formats of DuckDB and C.

use std::fmt::Write;
use std::sync::Arc;

use chrono::format::StrftimeItems;
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::arrow::array::{ArrayRef, AsArray, StringBuilder, TimestampMicrosecondBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_datafusion_err};

use super::pack::{Definition, constant_text, usage};
use super::postgres::{MOMENT, ParsedTemplates, is_moment, micros, moments_of};

pub const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "strftime",
        arguments: |types| match types {
            // DuckDB takes the format on either side.
            [format, value] if format.is_string() && !value.is_string() && is_moment(value) => {
                Ok(vec![DataType::Utf8, MOMENT])
            }
            [value, format] if format.is_string() && is_moment(value) => Ok(vec![MOMENT, DataType::Utf8]),
            _ => usage("strftime", "strftime(date, format)"),
        },
        returns: |_| DataType::Utf8,
        check: |_, constants| {
            for format in constants.iter().filter_map(|constant| constant_text(*constant)) {
                parse(format)?;
            }
            Ok(())
        },
        run,
    },
    Definition {
        name: "strptime",
        arguments: |types| match types {
            [text, format] if text.is_string() && format.is_string() => {
                Ok(vec![DataType::Utf8, DataType::Utf8])
            }
            _ => usage("strptime", "strptime(text, format)"),
        },
        returns: |_| MOMENT,
        check: |_, constants| match constants.get(1).and_then(|format| constant_text(*format)) {
            Some(format) => parse(format).map(drop),
            None => Ok(()),
        },
        run: run_read,
    },
];

fn run_read(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut formats = ParsedTemplates::new(|format| parse(format).map(|_| format.replace("%f", "%6f")));
    let mut moments = TimestampMicrosecondBuilder::new();
    for (text, format) in args[0].as_string::<i32>().iter().zip(args[1].as_string::<i32>()) {
        let (Some(text), Some(format)) = (text, format) else {
            moments.append_null();
            continue;
        };
        match read(text, formats.get(format)?) {
            Some(at) => moments.append_value(micros(at)),
            None => return exec_err!("strptime cannot read {text:?} by the format {format:?}"),
        }
    }
    Ok(Arc::new(moments.finish()))
}

fn read(text: &str, format: &str) -> Option<NaiveDateTime> {
    let mut parsed = chrono::format::Parsed::new();
    chrono::format::parse(&mut parsed, text, StrftimeItems::new(format)).ok()?;
    // A format without a day means the first one, and without a time midnight.
    let date = parsed.to_naive_date().ok().or_else(|| {
        NaiveDate::from_ymd_opt(parsed.year()?, parsed.month().unwrap_or(1), parsed.day().unwrap_or(1))
    })?;
    let time = parsed.to_naive_time().unwrap_or_default();
    Some(date.and_time(time))
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// A format letter, and whether numbers are written without leading zeros.
    Field(char, bool),
}

fn parse(format: &str) -> Result<Vec<Part>> {
    let refused = |what: &str| {
        Err(plan_datafusion_err!("The format {format:?} of strftime is not supported because of {what:?}."))
    };
    let mut parts = vec![];
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            parts.push(Part::Literal(letter));
            continue;
        }
        match letters.next() {
            Some('%') => parts.push(Part::Literal('%')),
            Some('-') => match letters.next() {
                Some(letter) if "dmyHIMSjU".contains(letter) => parts.push(Part::Field(letter, true)),
                other => return refused(&format!("%-{}", other.unwrap_or(' '))),
            },
            Some(letter) if "aAbBcdDFfgGHIjmMnpSTuUVwWxXyYzZ".contains(letter) => {
                parts.push(Part::Field(letter, false));
            }
            other => return refused(&format!("%{}", other.unwrap_or(' '))),
        }
    }
    Ok(parts)
}

fn run(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (moments, formats) = match args[0].data_type() {
        DataType::Utf8 => (&args[1], &args[0]),
        _ => (&args[0], &args[1]),
    };
    let mut parsed = ParsedTemplates::new(parse);
    let mut texts = StringBuilder::new();
    let mut text = String::new();
    for (at, format) in moments_of(moments).zip(formats.as_string::<i32>()) {
        match (at, format) {
            (Some(at), Some(format)) => {
                text.clear();
                for part in parsed.get(format)? {
                    match part {
                        Part::Literal(letter) => text.push(*letter),
                        Part::Field(letter, bare) => field(*letter, *bare, at, &mut text),
                    }
                }
                texts.append_value(&text);
            }
            _ => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn field(letter: char, bare: bool, at: NaiveDateTime, out: &mut String) {
    let (value, width) = match letter {
        'd' => (at.day(), 2),
        'm' => (at.month(), 2),
        'H' => (at.hour(), 2),
        'I' => (at.hour12().1, 2),
        'M' => (at.minute(), 2),
        'S' => (at.second(), 2),
        'j' => (at.ordinal(), 3),
        'y' => (at.year().rem_euclid(100).unsigned_abs(), 2),
        'f' => (at.and_utc().timestamp_subsec_micros(), 6),
        'n' => (at.and_utc().timestamp_subsec_nanos(), 9),
        'g' => (at.and_utc().timestamp_subsec_millis(), 3),
        'w' => (at.weekday().num_days_from_sunday(), 1),
        'u' => (at.weekday().number_from_monday(), 1),
        'V' => (at.iso_week().week(), 2),
        'U' => ((at.ordinal0() + 7 - at.weekday().num_days_from_sunday()) / 7, 2),
        'W' => ((at.ordinal0() + 7 - at.weekday().num_days_from_monday()) / 7, 2),
        _ => {
            let format = match letter {
                'z' => "+00",
                'Z' => "",
                'c' => "%Y-%m-%d %H:%M:%S",
                'x' | 'F' => "%Y-%m-%d",
                'D' => "%m/%d/%y",
                'X' | 'T' => "%H:%M:%S",
                'a' => "%a",
                'A' => "%A",
                'b' => "%b",
                'B' => "%B",
                'p' => "%p",
                'G' => "%G",
                _ => "%Y",
            };
            // Writing to a text cannot fail for these formats.
            let _ = write!(out, "{}", at.format(format));
            return;
        }
    };
    let width = if bare { 0 } else { width };
    let _ = write!(out, "{value:0width$}");
}
