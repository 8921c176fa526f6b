//! Values that are written as text: the ISO forms, and numbers without a loss.

use std::borrow::Cow;

use chrono::NaiveDate;
use vitrine_rules::query::typed_value::Decimal;

/// The longest part of a value that a message shows.
const SHOWN: usize = 60;

/// A value for a message: one line, and not the whole of a long text.
pub fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// An integer as programs write it: no sign but a minus, no zeros in front. Others, such as `007`, are codes.
pub fn plain_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || digits.starts_with(|first: char| first != '0'));
    if is_plain { text.parse().ok() } else { None }
}

/// A number as programs write it. A whole number of more digits than a number keeps is none: it is an identifier.
pub fn plain_number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = match whole {
        "" => fraction.is_some(),
        "0" => true,
        _ => is_digits(whole) && !whole.starts_with('0'),
    };
    let is_exponent =
        exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    if !is_whole || !fraction.is_none_or(is_digits) || !is_exponent {
        return None;
    }
    let number = number(text)?;
    let is_exact = fraction.is_some() || exponent.is_some() || number.to_string() == text;
    is_exact.then_some(number)
}

/// A number of a column whose owner says that it holds numbers.
pub fn number(text: &str) -> Option<f64> {
    let starts_well =
        text.trim_start_matches(['-', '+']).starts_with(|first: char| first.is_ascii_digit() || first == '.');
    text.parse().ok().filter(|number: &f64| starts_well && number.is_finite())
}

/// A whole number of a column whose owner says that it holds integers: zeros in front, or `.0` at the end, are
/// what other programs make of integers.
pub fn integer(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| i64::try_from(decimal(text, Decimal::MAX_DIGITS, 0)?).ok())
}

/// The digits of a decimal number, if the column keeps every one of them.
pub fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let mantissa = match mantissa.strip_prefix("-.").map(|rest| ("-0.", rest)) {
        Some((start, rest)) => Cow::Owned(format!("{start}{rest}")),
        None if mantissa.starts_with('.') => Cow::Owned(format!("0{mantissa}")),
        None => Cow::Borrowed(mantissa),
    };
    let parsed = Decimal::parse(&mantissa)?;
    if parsed.digits == 0 {
        return Some(0);
    }
    let places = i32::from(parsed.scale).checked_sub(exponent)?;
    let shifted = match u8::try_from(places) {
        Ok(scale) => Decimal { digits: parsed.digits, scale },
        Err(_) if places < 0 => {
            let factor = 10_i128.checked_pow(places.unsigned_abs())?;
            Decimal { digits: parsed.digits.checked_mul(factor)?, scale: 0 }
        }
        Err(_) => return None,
    };
    shifted.rescaled(precision, scale).map(|decimal| decimal.digits)
}

/// `true` and `false` in the three ways in which programs write them.
pub fn plain_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A truth value of a column whose owner says that it holds such.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" => Some(true),
        "0" | "f" | "F" => Some(false),
        _ => plain_boolean(text),
    }
}

/// Days since 1970-01-01 of `2024-02-29`.
pub fn date(text: &str) -> Option<i32> {
    day(text.as_bytes())
}

fn day(bytes: &[u8]) -> Option<i32> {
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = i32::try_from(digits(&bytes[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, digits(&bytes[5..7])?, digits(&bytes[8..])?)
        .map(|date| date.to_epoch_days())
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |sum, byte| {
        byte.is_ascii_digit().then(|| sum.checked_mul(10)?.checked_add(u32::from(byte - b'0')))?
    })
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Microseconds since 1970-01-01 in UTC of a date, or of a date and a time with or without an offset. Digits beyond
/// the microsecond are cut off.
pub fn timestamp(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let midnight = i64::from(day(bytes.get(..10)?)?) * DAY;
    if bytes.len() == 10 {
        return Some(midnight);
    }
    let rest = &bytes[10..];
    if !matches!(rest.first(), Some(b'T' | b't' | b' ')) || rest.get(3) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (digits(rest.get(1..3)?)?, digits(rest.get(4..6)?)?);
    let mut rest = rest.get(6..)?;
    let (mut second, mut micros) = (0, 0);
    if rest.first() == Some(&b':') {
        second = digits(rest.get(1..3)?)?;
        rest = &rest[3..];
        if rest.first() == Some(&b'.') {
            let length = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&length) {
                return None;
            }
            micros = rest[1..=length]
                .iter()
                .chain(b"00000")
                .take(6)
                .fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
            rest = &rest[1 + length..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3_600 + minute * 60 + second) - offset(rest)?;
    Some(midnight + seconds * SECOND + micros).filter(|micros| is_stored(*micros))
}

/// The seconds of `Z`, `+02`, `+0200` and `+02:00`.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, digits_of) = match zone {
        b"" | b"Z" | b"z" | b" UTC" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits_of {
        [_, _] => (digits(digits_of)?, 0),
        [_, _, _, _] => (digits(&digits_of[..2])?, digits(&digits_of[2..])?),
        [_, _, b':', _, _] => (digits(&digits_of[..2])?, digits(&digits_of[3..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3_600 + minutes * 60))
}

/// Returns whether answers can write a moment: in the years 0 to 9999.
pub fn is_stored(micros: i64) -> bool {
    (-62_167_219_200 * SECOND..253_402_300_800 * SECOND).contains(&micros)
}

/// The microseconds since 1970 at which a day begins; `None` for a day that answers cannot write.
pub fn midnight(days: i32) -> Option<i64> {
    i64::from(days).checked_mul(DAY).filter(|micros| is_stored(*micros))
}

/// Writes days since 1970-01-01.
pub fn write_date(days: i32) -> String {
    NaiveDate::from_epoch_days(days).map(|date| date.to_string()).unwrap_or_default()
}

/// Writes microseconds since 1970-01-01 in UTC.
pub fn write_timestamp(micros: i64) -> String {
    let Some(at) = chrono::DateTime::from_timestamp_micros(micros) else { return String::new() };
    let fraction = format!("{:06}", at.timestamp_subsec_micros());
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{}{dot}{fraction}Z", at.format("%Y-%m-%dT%H:%M:%S"))
}

/// Writes a decimal number.
pub fn write_decimal(digits: i128, scale: u8) -> String {
    if scale == 0 {
        return digits.to_string();
    }
    let scale = usize::from(scale);
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    format!("{}{whole}.{fraction}", if digits < 0 { "-" } else { "" })
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
