//! A table that is written in any format comes back as it was.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use proptest::prelude::*;
use vitrine_engine::import::Expected;
use vitrine_rules::data::upload::FileFormat;

use super::{TestImport, column, parquet, stored};

/// A value of a column, as Arrow and as text have it.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    Decimal(i64),
    Boolean(bool),
    Date(i32),
    Timestamp(i64),
}

const KINDS: [&str; 7] = ["text", "integer", "number", "decimal(18,3)", "boolean", "date", "timestamp"];

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Decimal(value) => {
                let (sign, digits) = (if *value < 0 { "-" } else { "" }, value.unsigned_abs());
                format!("{sign}{}.{:03}", digits / 1_000, digits % 1_000)
            }
            Self::Boolean(value) => value.to_string(),
            Self::Date(days) => NaiveDate::from_epoch_days(*days).unwrap().to_string(),
            Self::Timestamp(micros) => {
                let at = DateTime::from_timestamp_micros(*micros).unwrap();
                at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Text(_) | Self::Date(_) | Self::Timestamp(_) => serde_json::json!(self.text()).to_string(),
            _ => self.text(),
        }
    }
}

fn value(kind: usize) -> BoxedStrategy<Option<Value>> {
    let day = -719_162..2_932_896_i32;
    let value = match kind {
        0 => prop_oneof![".*", "[\",;\t\r\n ']{1,5}", Just(String::new()), Just("\u{feff}é🚲".to_owned())]
            .prop_map(Value::Text)
            .boxed(),
        1 => any::<i64>().prop_map(Value::Integer).boxed(),
        2 => (prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL)
            .prop_map(Value::Number)
            .boxed(),
        3 => (-999_999_999_999_999_999..=999_999_999_999_999_999_i64).prop_map(Value::Decimal).boxed(),
        4 => any::<bool>().prop_map(Value::Boolean).boxed(),
        5 => day.prop_map(Value::Date).boxed(),
        _ => (day, 0..86_400_000_000_i64)
            .prop_map(|(day, micros)| Value::Timestamp(i64::from(day) * 86_400_000_000 + micros))
            .boxed(),
    };
    prop_oneof![1 => Just(None), 4 => value.prop_map(Some)].boxed()
}

/// The types of columns, and rows of them.
type Rows = (Vec<usize>, Vec<Vec<Option<Value>>>);

fn rows() -> impl Strategy<Value = Rows> {
    prop::collection::vec(0..KINDS.len(), 1..6).prop_flat_map(|kinds| {
        let row: Vec<_> = kinds.iter().map(|kind| value(*kind)).collect();
        (Just(kinds), prop::collection::vec(row, 0..30))
    })
}

fn array(kind: usize, values: &[&Option<Value>]) -> ArrayRef {
    macro_rules! collect {
        ($array:ty, $variant:ident) => {
            Arc::new(
                values
                    .iter()
                    .map(|value| match value {
                        Some(Value::$variant(value)) => Some(*value),
                        _ => None,
                    })
                    .collect::<$array>(),
            )
        };
    }
    match kind {
        0 => {
            let texts = values.iter().map(|value| value.as_ref().map(Value::text));
            Arc::new(texts.collect::<StringArray>())
        }
        1 => collect!(Int64Array, Integer),
        2 => collect!(Float64Array, Number),
        3 => {
            let digits = values.iter().map(|value| match value {
                Some(Value::Decimal(digits)) => Some(i128::from(*digits)),
                _ => None,
            });
            Arc::new(digits.collect::<Decimal128Array>().with_precision_and_scale(18, 3).unwrap())
        }
        4 => collect!(BooleanArray, Boolean),
        5 => collect!(Date32Array, Date),
        _ => collect!(TimestampMicrosecondArray, Timestamp),
    }
}

fn name(column: usize) -> String {
    format!("column {column}")
}

fn expected((kinds, rows): &Rows) -> RecordBatch {
    let columns = kinds.iter().enumerate().map(|(column, kind)| {
        let values: Vec<_> = rows.iter().map(|row| &row[column]).collect();
        (name(column), array(*kind, &values), true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn csv_field(value: &Option<Value>, delimiter: char, quotes_all: bool) -> String {
    let Some(value) = value else { return String::new() };
    let text = value.text();
    let needs_quotes = text.is_empty() || text.contains(['"', '\n', '\r', delimiter]);
    if needs_quotes || quotes_all { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn csv((kinds, rows): &Rows, delimiter: char, line_end: &str, quotes_all: bool) -> String {
    let names: Vec<_> = (0..kinds.len()).map(name).collect();
    let mut text = names.join(&delimiter.to_string()) + line_end;
    for row in rows {
        let fields: Vec<_> = row.iter().map(|value| csv_field(value, delimiter, quotes_all)).collect();
        text += &(fields.join(&delimiter.to_string()) + line_end);
    }
    text
}

fn json_lines((_, rows): &Rows, leaves_nulls_out: bool) -> String {
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let member = |(column, value): (usize, &Option<Value>)| match value {
            Some(value) => Some(format!("{:?}: {}", name(column), value.json())),
            // The first line names all columns.
            None if leaves_nulls_out && number > 0 => None,
            None => Some(format!("{:?}: null", name(column))),
        };
        let members: Vec<_> = row.iter().enumerate().filter_map(member).collect();
        text += &format!("{{{}}}\n", members.join(", "));
    }
    text
}

fn check(place: &TestImport, expected: &RecordBatch) -> Result<(), TestCaseError> {
    match place.convert() {
        Ok(imported) => {
            let found = stored(&imported);
            prop_assert_eq!(found.columns(), expected.columns());
        }
        Err(error) => prop_assert!(false, "{}", error.owner_text()),
    }
    Ok(())
}

/// Writes the table in every format, and compares what is read from each.
fn comes_back(
    table: &Rows,
    delimiter: char,
    line_end: &str,
    quotes_all: bool,
    leaves_nulls_out: bool,
) -> Result<(), TestCaseError> {
    let expected = expected(table);
    let columns: Vec<_> =
        table.0.iter().enumerate().map(|(at, kind)| column(&name(at), KINDS[*kind])).collect();
    let text = csv(table, delimiter, line_end, quotes_all);
    let mut place = TestImport::new(FileFormat::Csv, text.as_bytes());
    place.import.columns = Expected::Exactly(columns.clone());
    check(&place, &expected)?;
    if !table.1.is_empty() {
        let text = json_lines(table, leaves_nulls_out);
        let mut place = TestImport::new(FileFormat::Jsonl, text.as_bytes());
        place.import.columns = Expected::Exactly(columns);
        check(&place, &expected)?;
    }
    let arrays: Vec<_> =
        expected.columns().iter().enumerate().map(|(at, array)| (name(at), array.clone())).collect();
    let arrays: Vec<_> = arrays.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
    check(&parquet::place(&arrays), &expected)
}

/// Tables that did not come back once.
#[test]
fn tables_at_the_border_come_back() {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let tables: [(Rows, char); 4] = [
        // The names have no delimiter, and a value has one of another program.
        ((vec![0], vec![vec![text(",")]]), ';'),
        ((vec![0], vec![vec![text("a;b")], vec![text("c\td")], vec![None]]), ','),
        ((vec![0, 0], vec![vec![text(","), text(",")]]), ';'),
        (
            (
                vec![5, 6],
                vec![vec![Some(Value::Date(-719_162)), Some(Value::Timestamp(253_402_300_799_999_999))]],
            ),
            ',',
        ),
    ];
    for (table, delimiter) in tables {
        for quotes_all in [false, true] {
            comes_back(&table, delimiter, "\n", quotes_all, false).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_comes_back_from_every_format(
        table in rows(),
        delimiter in prop::sample::select(vec![',', ';', '\t']),
        line_end in prop::sample::select(vec!["\n", "\r\n"]),
        quotes_all in any::<bool>(),
        leaves_nulls_out in any::<bool>(),
    ) {
        comes_back(&table, delimiter, line_end, quotes_all, leaves_nulls_out)?;
    }

    #[test]
    fn types_that_are_inferred_hold_every_value(table in rows()) {
        // No value is lost or refused, whatever the inference has made of the column.
        for (format, text) in [
            (FileFormat::Csv, csv(&table, ',', "\n", false)),
            (FileFormat::Jsonl, json_lines(&table, false)),
        ] {
            if table.1.is_empty() && format == FileFormat::Jsonl {
                continue;
            }
            let imported = TestImport::new(format, text.as_bytes()).convert();
            let imported = imported.map_err(|error| TestCaseError::fail(error.owner_text()))?;
            prop_assert_eq!(imported.rows, table.1.len() as u64);
            for (at, kind) in table.0.iter().enumerate() {
                let has_value = table.1.iter().any(|row| row[at].is_some());
                let is_plain = matches!(KINDS[*kind], "integer" | "boolean" | "date" | "timestamp");
                if has_value && is_plain {
                    prop_assert_eq!(imported.columns[at].kind.to_string(), KINDS[*kind]);
                }
            }
        }
    }
}
