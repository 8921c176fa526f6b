//! JSON lines: one object on each line. Columns are the keys of all objects, in the order of their first use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use vitrine_rules::query::column::Column;

use super::cell::InputCell;
use super::error::{FilePlace, ImportError};
use super::infer::Guess;
use super::source::{MAX_RECORD, Row, RowSource, check_names, utf8};

const BUFFER: usize = 256 << 10;

/// A file whose columns are known: declared, or found by [`infer`].
pub struct JsonLines {
    lines: Lines,
    names: Vec<String>,
    positions: HashMap<String, usize>,
    /// The columns that at least one object had. A declared one that none has is an error at the end.
    is_used: Vec<bool>,
    /// The line in which each column was seen last, to tell a key that is there twice.
    seen_at: Vec<u64>,
}

impl JsonLines {
    pub fn open(file: File, names: Vec<String>) -> Result<Self, ImportError> {
        let positions = names.iter().cloned().zip(0..).collect();
        let (is_used, seen_at) = (vec![false; names.len()], vec![0; names.len()]);
        Ok(Self { lines: Lines::open(file)?, names, positions, is_used, seen_at })
    }
}

impl RowSource for JsonLines {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self) -> FilePlace {
        FilePlace::Line(self.lines.number)
    }

    fn next(&mut self, row: &mut dyn Row) -> Result<bool, ImportError> {
        let Self { lines, names, positions, is_used, seen_at } = self;
        if !lines.read()? {
            return Ok(false);
        }
        for (index, (key, value)) in lines.object()?.0.into_iter().enumerate() {
            // Most files have their keys in one order.
            let column = match names.get(index) {
                Some(name) if *name == key => index,
                _ => *positions.get(key.as_ref()).ok_or_else(|| {
                    ImportError::file("is not declared").in_column(&super::texts::excerpt(&key))
                })?,
            };
            if std::mem::replace(&mut seen_at[column], lines.number) == lines.number {
                return Err(twice(&key));
            }
            is_used[column] = true;
            with_cell(value, |cell| row.cell(column, cell)).map_err(|error| match error.column() {
                Some(_) => error,
                None => error.in_column(&key),
            })?;
        }
        for (column, seen) in seen_at.iter().enumerate() {
            if *seen != lines.number {
                row.cell(column, InputCell::Null)?;
            }
        }
        Ok(true)
    }

    fn end(&self) -> Result<(), ImportError> {
        match self.is_used.iter().position(|is_used| !is_used) {
            Some(missing) => {
                Err(ImportError::file("is declared, but no line has it").in_column(&self.names[missing]))
            }
            None => Ok(()),
        }
    }
}

fn twice(key: &str) -> ImportError {
    ImportError::file("is there twice").in_column(key)
}

/// Reads all lines for the names of the columns and their types.
pub fn infer(
    file: File,
    mut each: impl FnMut() -> Result<(), ImportError>,
) -> Result<Vec<(String, Guess)>, ImportError> {
    let mut lines = Lines::open(file)?;
    let mut columns: Vec<(String, Guess, u64)> = vec![];
    let mut positions: HashMap<String, usize> = HashMap::new();
    while lines.read()? {
        each()?;
        let number = lines.number;
        let mut look = || {
            for (index, (key, value)) in lines.object()?.0.into_iter().enumerate() {
                let column = match columns.get(index) {
                    Some((name, ..)) if *name == key => index,
                    _ => match positions.get(key.as_ref()) {
                        Some(column) => *column,
                        None if columns.len() < Column::MAX_COLUMNS => {
                            check_names(&[key.to_string()]).map_err(|_| {
                                let shown = super::texts::excerpt(&key);
                                ImportError::file(format!("the key `{shown}` cannot name a column: it must be 1 to 128 characters without control characters or outer spaces"))
                            })?;
                            positions.insert(key.to_string(), columns.len());
                            columns.push((key.to_string(), Guess::default(), 0));
                            columns.len() - 1
                        }
                        None => {
                            let message = format!("the file has more than {} columns", Column::MAX_COLUMNS);
                            return Err(ImportError::file(message));
                        }
                    },
                };
                let (_, guess, seen_at) = &mut columns[column];
                if std::mem::replace(seen_at, number) == number {
                    return Err(twice(&key));
                }
                with_cell(value, |cell| {
                    guess.observe(cell);
                    Ok(())
                })
                .map_err(|error| error.in_column(&key))?;
            }
            Ok(())
        };
        look().map_err(|error: ImportError| error.at(FilePlace::Line(number)))?;
    }
    if columns.is_empty() {
        return Err(ImportError::file("the file has no objects with keys"));
    }
    Ok(columns.into_iter().map(|(name, guess, _)| (name, guess)).collect())
}

fn with_cell(
    value: &RawValue,
    take: impl FnOnce(InputCell<'_>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'n') => take(InputCell::Null),
        Some(b't') => take(InputCell::Boolean(true)),
        Some(b'f') => take(InputCell::Boolean(false)),
        Some(b'"') => match serde_json::from_str::<Key<'_>>(text) {
            Ok(Key(text)) => take(InputCell::Text(&text)),
            Err(_) => Err(ImportError::file("has a text with half of a surrogate pair")),
        },
        Some(b'{' | b'[') => take(InputCell::Json(text)),
        _ => take(InputCell::Literal(text)),
    }
}

struct Lines {
    input: BufReader<File>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    fn open(mut file: File) -> Result<Self, ImportError> {
        file.rewind()?;
        Ok(Self { input: BufReader::with_capacity(BUFFER, file), line: vec![], number: 0 })
    }

    /// Reads the next line that is not blank; `false` at the end.
    fn read(&mut self) -> Result<bool, ImportError> {
        loop {
            self.line.clear();
            let length = self.input.by_ref().take(MAX_RECORD as u64 + 1).read_until(b'\n', &mut self.line)?;
            self.number += 1;
            if length > MAX_RECORD {
                return Err(ImportError::file("is longer than 16 MiB").at(FilePlace::Line(self.number)));
            }
            if self.number == 1 && self.line.starts_with(b"\xEF\xBB\xBF") {
                self.line.drain(..3);
            }
            if length == 0 || !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(length > 0);
            }
        }
    }

    fn object(&self) -> Result<Object<'_>, ImportError> {
        let text = utf8(&self.line)?;
        serde_json::from_str(text).map_err(|error| {
            ImportError::file(format!("is not one JSON object: see character {}", error.column().max(1)))
        })
    }
}

/// A text, borrowed from the line unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object as they are written.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = vec![];
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
