//! Templates of Postgres for dates: `YYYY-MM-DD HH24:MI:SS`.
//!
//! A template that is not understood is an error when the query is planned. It never comes out as it went in,
//! which is what the engine's own function does with it.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

/// A template as its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field { field: Field, case: Case, bare: bool, ordinal: Option<Case> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Upper,
    Title,
    Lower,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Hour24,
    Hour12,
    Minute,
    Second,
    /// Digits of the fraction of a second.
    Fraction(usize),
    SecondOfDay,
    Meridiem,
    MeridiemDots,
    /// The last digits of the year.
    Year(usize),
    YearComma,
    IsoYear(usize),
    MonthName,
    MonthShort,
    Month,
    DayName,
    DayShort,
    DayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    WeekOfMonth,
    WeekOfYear,
    IsoWeek,
    Century,
    Julian,
    Quarter,
    Roman,
    Era,
    Zone,
    Offset,
}

/// The patterns, longer ones before those that they begin with.
const PATTERNS: &[(&str, Field)] = &[
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("MI", Field::Minute),
    ("SSSSS", Field::SecondOfDay),
    ("SSSS", Field::SecondOfDay),
    ("SS", Field::Second),
    ("MS", Field::Fraction(3)),
    ("US", Field::Fraction(6)),
    ("FF1", Field::Fraction(1)),
    ("FF2", Field::Fraction(2)),
    ("FF3", Field::Fraction(3)),
    ("FF4", Field::Fraction(4)),
    ("FF5", Field::Fraction(5)),
    ("FF6", Field::Fraction(6)),
    ("A.M.", Field::MeridiemDots),
    ("P.M.", Field::MeridiemDots),
    ("AM", Field::Meridiem),
    ("PM", Field::Meridiem),
    ("B.C.", Field::Era),
    ("A.D.", Field::Era),
    ("BC", Field::Era),
    ("AD", Field::Era),
    ("Y,YYY", Field::YearComma),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
    ("YY", Field::Year(2)),
    ("Y", Field::Year(1)),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("ID", Field::IsoDayOfWeek),
    ("IW", Field::IsoWeek),
    ("I", Field::IsoYear(1)),
    ("MONTH", Field::MonthName),
    ("MON", Field::MonthShort),
    ("MM", Field::Month),
    ("DAY", Field::DayName),
    ("DY", Field::DayShort),
    ("DDD", Field::DayOfYear),
    ("DD", Field::Day),
    ("D", Field::DayOfWeek),
    ("WW", Field::WeekOfYear),
    ("W", Field::WeekOfMonth),
    ("CC", Field::Century),
    ("J", Field::Julian),
    ("Q", Field::Quarter),
    ("RM", Field::Roman),
    ("TZH", Field::Offset),
    ("TZ", Field::Zone),
    ("OF", Field::Offset),
];

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

impl Template {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = vec![];
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first == '"' {
                let (literal, after) = quoted(&rest[1..]);
                parts.push(Part::Literal(literal));
                rest = after;
                continue;
            }
            let (bare, unprefixed) = match rest.get(..2) {
                Some("FM" | "fm") => (true, &rest[2..]),
                _ => (false, rest),
            };
            let found = PATTERNS.iter().find_map(|(pattern, field)| {
                let written = unprefixed.get(..pattern.len())?;
                let case = match written {
                    _ if written == *pattern => Case::Upper,
                    _ if written == pattern.to_lowercase() => Case::Lower,
                    _ if has_name(*field) && written.eq_ignore_ascii_case(pattern) => Case::Title,
                    _ => return None,
                };
                Some((*field, case, pattern.len()))
            });
            if let Some((field, case, length)) = found {
                rest = &unprefixed[length..];
                let ordinal = match rest.get(..2) {
                    Some("TH") => Some(Case::Upper),
                    Some("th") => Some(Case::Lower),
                    _ => None,
                };
                rest = if ordinal.is_some() { &rest[2..] } else { rest };
                parts.push(Part::Field { field, case, bare, ordinal });
                continue;
            }
            match first {
                // The separator of ISO times is written without quotes often enough.
                'T' => {}
                '%' => {
                    return Err(format!(
                        "The template {text:?} belongs to strftime, not to Postgres templates."
                    ));
                }
                letter if letter.is_alphabetic() => {
                    return Err(format!(
                        "The template {text:?} is not supported from {rest:?} on. Letters that are no pattern stand in double quotes."
                    ));
                }
                _ => {}
            }
            let length = first.len_utf8();
            match parts.last_mut() {
                Some(Part::Literal(literal)) => literal.push(first),
                _ => parts.push(Part::Literal(first.to_string())),
            }
            rest = &rest[length..];
        }
        Ok(Self(parts))
    }

    /// The same template for reading texts. Fields that do not tell a date are refused.
    pub fn for_reading(text: &str) -> Result<Self, String> {
        let template = Self::parse(text)?;
        for part in &template.0 {
            if let Part::Field { field, .. } = part
                && !is_readable(*field)
            {
                return Err(format!(
                    "The template {text:?} has a part that texts cannot be read by: {field:?}."
                ));
            }
        }
        Ok(template)
    }

    pub fn write(&self, at: NaiveDateTime, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Literal(literal) => out.push_str(literal),
                Part::Field { field, case, bare, ordinal } => {
                    let start = out.len();
                    write_field(*field, *case, *bare, at, out);
                    if let Some(ordinal) = ordinal {
                        let suffix = ordinal_suffix(&out[start..]);
                        out.push_str(&in_case(suffix, *ordinal));
                    }
                }
            }
        }
    }

    /// The moment that `text` tells.
    pub fn read(&self, text: &str) -> Option<NaiveDateTime> {
        let mut rest = text.trim_start();
        let mut read = Read { year: 1, month: 1, day: 1, ..Read::default() };
        for (index, part) in self.0.iter().enumerate() {
            match part {
                Part::Literal(literal) => {
                    for expected in literal.chars() {
                        let found = rest.chars().next();
                        match found {
                            // A separator stands for any other one.
                            Some(found)
                                if found == expected
                                    || !expected.is_alphanumeric() && !found.is_alphanumeric() =>
                            {
                                rest = &rest[found.len_utf8()..];
                            }
                            _ if expected == ' ' => {}
                            _ => return None,
                        }
                    }
                }
                Part::Field { field, bare, .. } => {
                    let followed_by_digits = matches!(self.0.get(index + 1), Some(Part::Field { .. }));
                    rest = read.field(*field, rest, *bare || !followed_by_digits)?;
                }
            }
        }
        rest.trim().is_empty().then(|| read.moment())?
    }
}

fn quoted(text: &str) -> (String, &str) {
    let mut literal = String::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return (literal, &text[index + 1..]),
            '\\' => literal.extend(letters.next().map(|(_, letter)| letter)),
            letter => literal.push(letter),
        }
    }
    (literal, "")
}

fn has_name(field: Field) -> bool {
    matches!(field, Field::MonthName | Field::MonthShort | Field::DayName | Field::DayShort)
}

fn is_readable(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        Hour24
            | Hour12
            | Minute
            | Second
            | Fraction(_)
            | Meridiem
            | MeridiemDots
            | Year(_)
            | MonthName
            | MonthShort
            | Month
            | Day
            | DayOfYear
            | DayName
            | DayShort
    )
}

fn in_case(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_uppercase(),
        Case::Lower => text.to_lowercase(),
        Case::Title => text.to_owned(),
    }
}

fn ordinal_suffix(number: &str) -> &'static str {
    match number.as_bytes() {
        [.., b'1', _] => "th",
        [.., b'1'] => "st",
        [.., b'2'] => "nd",
        [.., b'3'] => "rd",
        _ => "th",
    }
}

fn write_field(field: Field, case: Case, bare: bool, at: NaiveDateTime, out: &mut String) {
    let mut number = |value: i64, width: usize| {
        let text = value.unsigned_abs().to_string();
        out.push_str(if value < 0 { "-" } else { "" });
        out.extend(std::iter::repeat_n('0', if bare { 0 } else { width.saturating_sub(text.len()) }));
        out.push_str(&text);
    };
    let year = i64::from(at.year());
    match field {
        Field::Hour24 => number(at.hour().into(), 2),
        Field::Hour12 => number(at.hour12().1.into(), 2),
        Field::Minute => number(at.minute().into(), 2),
        Field::Second => number(at.second().into(), 2),
        Field::Fraction(digits) => {
            let micros = format!("{:06}", at.and_utc().timestamp_subsec_micros());
            out.push_str(&micros[..digits]);
        }
        Field::SecondOfDay => number(at.num_seconds_from_midnight().into(), 1),
        Field::Year(4) => number(year, 4),
        Field::Year(digits) => number(year.rem_euclid(10_i64.pow(digits as u32)), digits),
        Field::YearComma => {
            number(year / 1_000, 1);
            out.push(',');
            out.push_str(&format!("{:03}", year % 1_000));
        }
        Field::IsoYear(digits) => {
            let iso = i64::from(at.iso_week().year());
            number(if digits == 4 { iso } else { iso.rem_euclid(10_i64.pow(digits as u32)) }, digits);
        }
        Field::Month => number(at.month().into(), 2),
        Field::DayOfYear => number(at.ordinal().into(), 3),
        Field::Day => number(at.day().into(), 2),
        Field::DayOfWeek => number(i64::from(at.weekday().number_from_sunday()), 1),
        Field::IsoDayOfWeek => number(i64::from(at.weekday().number_from_monday()), 1),
        Field::WeekOfMonth => number(i64::from((at.day() - 1) / 7 + 1), 1),
        Field::WeekOfYear => number(i64::from((at.ordinal() - 1) / 7 + 1), 2),
        Field::IsoWeek => number(at.iso_week().week().into(), 2),
        Field::Century => number((year + 99) / 100, 2),
        Field::Julian => number(i64::from(at.num_days_from_ce()) + 1_721_425, 1),
        Field::Quarter => number(i64::from((at.month() - 1) / 3 + 1), 1),
        Field::Meridiem => out.push_str(&in_case(if at.hour() < 12 { "AM" } else { "PM" }, case)),
        Field::MeridiemDots => out.push_str(&in_case(if at.hour() < 12 { "A.M." } else { "P.M." }, case)),
        Field::Era => out.push_str(&in_case(if year > 0 { "AD" } else { "BC" }, case)),
        Field::Zone => out.push_str(&in_case("UTC", case)),
        Field::Offset => out.push_str("+00"),
        Field::MonthName => name(MONTHS[at.month0() as usize], case, bare, 9, out),
        Field::MonthShort => out.push_str(&in_case(&MONTHS[at.month0() as usize][..3], case)),
        Field::DayName => name(DAYS[at.weekday().num_days_from_sunday() as usize], case, bare, 9, out),
        Field::DayShort => {
            out.push_str(&in_case(&DAYS[at.weekday().num_days_from_sunday() as usize][..3], case));
        }
        Field::Roman => name(ROMAN[at.month0() as usize], case, bare, 4, out),
    }
}

/// A name, padded with blanks as Postgres does unless `FM` says otherwise.
fn name(name: &str, case: Case, bare: bool, width: usize, out: &mut String) {
    out.push_str(&in_case(name, case));
    out.extend(std::iter::repeat_n(' ', if bare { 0 } else { width.saturating_sub(name.len()) }));
}

#[derive(Default)]
struct Read {
    year: i32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
    afternoon: Option<bool>,
}

impl Read {
    /// Reads one field from the start of `text` and returns what is left.
    fn field<'a>(&mut self, field: Field, text: &'a str, greedy: bool) -> Option<&'a str> {
        let named = |names: &[&str], length: Option<usize>| {
            names.iter().enumerate().find_map(|(index, name)| {
                let name = &name[..length.unwrap_or(name.len())];
                let found = text.get(..name.len())?;
                found.eq_ignore_ascii_case(name).then(|| (index as u32, &text[name.len()..]))
            })
        };
        let digits = |most: usize| {
            let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let value: u32 = text[..length].parse().ok()?;
            Some((value, &text[length..], length))
        };
        let two = || digits(2);
        let (value, rest) = match field {
            Field::Year(width) => {
                let (value, rest, length) = digits(if greedy && width == 4 { 9 } else { width })?;
                let value = i32::try_from(value).ok()?;
                // Two digits are of the century around 2020, as in Postgres.
                self.year = match (width, length) {
                    (4, _) => value,
                    (_, 1..=2) => {
                        if value < 70 {
                            value + 2_000
                        } else {
                            value + 1_900
                        }
                    }
                    _ => value + 2_000,
                };
                return Some(rest);
            }
            Field::MonthName => {
                let (index, rest) = named(&MONTHS, None)?;
                self.month = index + 1;
                return Some(rest.trim_start());
            }
            Field::MonthShort => {
                let (index, rest) = named(&MONTHS, Some(3))?;
                self.month = index + 1;
                return Some(rest);
            }
            Field::DayName => return named(&DAYS, None).map(|(_, rest)| rest.trim_start()),
            Field::DayShort => return named(&DAYS, Some(3)).map(|(_, rest)| rest),
            Field::Meridiem | Field::MeridiemDots => {
                let words = if field == Field::Meridiem { ["AM", "PM"] } else { ["A.M.", "P.M."] };
                let (index, rest) = named(&words, None)?;
                self.afternoon = Some(index == 1);
                return Some(rest);
            }
            Field::Fraction(width) => {
                let (value, rest, length) = digits(width)?;
                self.micros = value * 10_u32.pow(6 - length as u32);
                return Some(rest);
            }
            Field::DayOfYear => {
                let (value, rest, _) = digits(3)?;
                self.day_of_year = Some(value);
                return Some(rest);
            }
            _ => two().map(|(value, rest, _)| (value, rest))?,
        };
        match field {
            Field::Hour24 | Field::Hour12 => self.hour = value,
            Field::Minute => self.minute = value,
            Field::Second => self.second = value,
            Field::Month => self.month = value,
            Field::Day => self.day = value,
            _ => return None,
        }
        Some(rest)
    }

    fn moment(&self) -> Option<NaiveDateTime> {
        let date = match self.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(self.year, day)?,
            None => NaiveDate::from_ymd_opt(self.year, self.month, self.day)?,
        };
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        date.and_hms_micro_opt(hour, self.minute, self.second, self.micros)
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
