//! The one sheet, as XML.

use std::fmt::Write;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use vitrine_rules::query::column_type::ColumnType;

use super::super::cell::{Cell, Cells};
use super::MAX_CHARACTERS;
use super::parts::style;
use crate::answer::ColumnInfo;

const BEGIN: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
    "\n",
    r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#,
    r#"<sheetViews><sheetView workbookViewId="0">"#,
    r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>"#,
);

/// A sheet, row by row.
#[derive(Debug)]
pub struct Sheet {
    /// `A`, `B`, ..., `AA`.
    letters: Vec<String>,
    rows: usize,
    cut_cells: u64,
}

impl Sheet {
    pub fn new(columns: usize) -> Self {
        Self { letters: (0..columns).map(letters).collect(), rows: 0, cut_cells: 0 }
    }

    /// Rows so far, with the header.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cut_cells(&self) -> u64 {
        self.cut_cells
    }

    /// Writes the widths of the columns and the header.
    pub fn begin(&mut self, columns: &[ColumnInfo], out: &mut Vec<u8>) {
        out.extend_from_slice(BEGIN.as_bytes());
        let mut text = String::new();
        if !columns.is_empty() {
            text += "<cols>";
            for (index, column) in columns.iter().enumerate() {
                let number = index + 1;
                add(
                    &mut text,
                    format_args!(
                        r#"<col min="{number}" max="{number}" width="{}" customWidth="1"/>"#,
                        width(column)
                    ),
                );
            }
            text += "</cols>";
        }
        text += r#"<sheetData><row r="1">"#;
        self.rows = 1;
        for (index, column) in columns.iter().enumerate() {
            self.text(index, Some(style::HEADER), &column.display_name, &mut text);
        }
        text += "</row>";
        out.extend_from_slice(text.as_bytes());
    }

    pub fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let columns = batch.columns().iter().map(Cells::new).collect::<Result<Vec<_>, _>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            self.rows += 1;
            text.clear();
            add(&mut text, format_args!(r#"<row r="{}">"#, self.rows));
            for (index, column) in columns.iter().enumerate() {
                self.cell(index, &column.get(row)?, &mut text);
            }
            text += "</row>";
            out.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    pub fn finish(out: &mut Vec<u8>) {
        out.extend_from_slice(b"</sheetData></worksheet>");
    }

    fn cell(&mut self, index: usize, cell: &Cell<'_>, out: &mut String) {
        let value = match cell {
            Cell::Null => return,
            Cell::Boolean(value) => {
                let (letters, row) = (&self.letters[index], self.rows);
                return add(
                    out,
                    format_args!(r#"<c r="{letters}{row}" t="b"><v>{}</v></c>"#, u8::from(*value)),
                );
            }
            Cell::Text(text) => return self.text(index, None, text, out),
            // A spreadsheet knows no other numbers than JavaScript: more digits are kept as a text.
            Cell::Integer(_) if cell.is_json_number() => Some((style::INTEGER, cell.to_text())),
            Cell::Decimal { scale, .. } if cell.is_json_number() => {
                let style = if *scale > 0 { style::NUMBER } else { style::INTEGER };
                Some((style, cell.to_text()))
            }
            Cell::Number(value) if value.is_finite() => Some((style::NUMBER, format!("{value:?}"))),
            Cell::Date(days) => serial_day(i64::from(*days)).map(|day| (style::DATE, day.to_string())),
            Cell::Timestamp(micros) => serial_moment(*micros).map(|at| (style::TIMESTAMP, at.to_string())),
            _ => None,
        };
        match value {
            Some((style, value)) => {
                let (letters, row) = (&self.letters[index], self.rows);
                add(out, format_args!(r#"<c r="{letters}{row}" s="{style}"><v>{value}</v></c>"#));
            }
            None => self.text(index, None, &cell.to_text(), out),
        }
    }

    /// A text within the sheet: a table of all texts would have to be kept until the end.
    fn text(&mut self, index: usize, style: Option<u8>, text: &str, out: &mut String) {
        let kept = cut(text);
        self.cut_cells += u64::from(kept.len() < text.len());
        let (letters, row) = (&self.letters[index], self.rows);
        add(out, format_args!(r#"<c r="{letters}{row}""#));
        if let Some(style) = style {
            add(out, format_args!(r#" s="{style}""#));
        }
        *out += r#" t="inlineStr"><is><t"#;
        if kept.trim() != kept {
            *out += r#" xml:space="preserve""#;
        }
        out.push('>');
        escape(kept, out);
        *out += "</t></is></c>";
    }
}

fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = out.write_fmt(text);
}

fn letters(mut index: usize) -> String {
    let mut letters = vec![];
    loop {
        letters.push(char::from(b'A' + u8::try_from(index % 26).unwrap_or(0)));
        index /= 26;
        if index == 0 {
            return letters.into_iter().rev().collect();
        }
        index -= 1;
    }
}

/// Characters that a column shows. A date that does not fit is shown as a row of number signs.
fn width(column: &ColumnInfo) -> usize {
    let of_values = match column.kind {
        ColumnType::Timestamp => 20,
        ColumnType::Text | ColumnType::Json => 24,
        _ => 12,
    };
    (column.display_name.chars().count() + 2).clamp(of_values, 60)
}

/// As much of the text as a cell holds.
fn cut(text: &str) -> &str {
    if text.len() <= MAX_CHARACTERS {
        return text;
    }
    let mut left = MAX_CHARACTERS;
    for (at, letter) in text.char_indices() {
        match left.checked_sub(letter.len_utf16()) {
            Some(rest) => left = rest,
            None => return &text[..at],
        }
    }
    text
}

/// The text for XML. A character that XML does not permit is written as `_x0001_`, as spreadsheets do, and what
/// looks like that in the text gets its underscore written so.
fn escape(text: &str, out: &mut String) {
    for (at, letter) in text.char_indices() {
        match letter {
            '&' => *out += "&amp;",
            '<' => *out += "&lt;",
            '>' => *out += "&gt;",
            '_' if is_escape(&text.as_bytes()[at..]) => *out += "_x005F_",
            '\t' | '\n' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                add(out, format_args!("_x{:04X}_", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
}

fn is_escape(text: &[u8]) -> bool {
    matches!(text, [b'_', b'x', digits @ .., ] if digits.len() > 4
        && digits[..4].iter().all(u8::is_ascii_hexdigit) && digits[4] == b'_')
}

const DAY: i64 = 86_400_000_000;

/// The number of a day: 1 is 1900-01-01, and 60 is the 29th of February of that year, which spreadsheets have
/// and calendars do not. `None` for days that they cannot show.
fn serial_day(days: i64) -> Option<i64> {
    const FIRST: i64 = -25_567; // 1900-01-01
    const MARCH: i64 = -25_508; // 1900-03-01
    const LAST: i64 = 2_932_896; // 9999-12-31
    match days {
        FIRST..MARCH => Some(days - FIRST + 1),
        MARCH..=LAST => Some(days - FIRST + 2),
        _ => None,
    }
}

/// The day with its fraction.
#[allow(clippy::cast_precision_loss)]
fn serial_moment(micros: i64) -> Option<f64> {
    let day = serial_day(micros.div_euclid(DAY))?;
    Some(day as f64 + micros.rem_euclid(DAY) as f64 / DAY as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_by_letters() {
        for (index, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(letters(index), name);
        }
    }

    #[test]
    fn days_have_the_numbers_of_spreadsheets() {
        for (date, serial) in [
            ("1900-01-01", Some(1)),
            ("1900-02-28", Some(59)),
            ("1900-03-01", Some(61)),
            ("1970-01-01", Some(25_569)),
            ("2024-02-29", Some(45_351)),
            ("9999-12-31", Some(2_958_465)),
            ("1899-12-31", None),
        ] {
            let date: chrono::NaiveDate = date.parse().unwrap();
            assert_eq!(serial_day(date.to_epoch_days().into()), serial, "{date}");
        }
        assert_eq!(serial_moment(43_200_000_000), Some(25_569.5));
        assert_eq!(serial_moment(-21_600_000_000), Some(25_568.75));
    }

    #[test]
    fn texts_are_escaped_for_xml_and_for_spreadsheets() {
        for (text, escaped) in [
            ("a & <b>", "a &amp; &lt;b&gt;"),
            ("a\tb\nc\r", "a\tb\nc_x000D_"),
            ("\0\u{1f}\u{7f}\u{fffe}", "_x0000__x001F_\u{7f}_xFFFE_"),
            ("_x0041_", "_x005F_x0041_"),
            ("_x004_ _xg041_ __x0041_", "_x004_ _xg041_ __x005F_x0041_"),
            ("ü_x€uro_", "ü_x€uro_"),
        ] {
            let mut out = String::new();
            escape(text, &mut out);
            assert_eq!(out, escaped);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut(&"ü".repeat(40_000)).chars().count(), MAX_CHARACTERS);
        // Two units of UTF-16 each.
        assert_eq!(cut(&"😀".repeat(20_000)).chars().count(), MAX_CHARACTERS / 2);
        assert_eq!(cut(&"a".repeat(MAX_CHARACTERS)).len(), MAX_CHARACTERS);
    }
}
