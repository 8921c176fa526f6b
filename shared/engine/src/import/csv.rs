//! CSV as RFC 4180 has it: quotes, line ends of every system, and one of three delimiters.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use super::cell::InputCell;
use super::error::{FilePlace, ImportError};
use super::source::{MAX_RECORD, Row, RowSource, check_names, utf8};

const BUFFER: usize = 256 << 10;
/// The part of a file that tells the delimiters apart.
const SAMPLE: usize = 64 << 10;
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A file whose first line has the names of its columns.
pub struct CsvRows {
    records: Records<BufReader<File>>,
    names: Vec<String>,
}

impl CsvRows {
    pub fn open(mut file: File) -> Result<Self, ImportError> {
        file.rewind()?;
        let mut input = BufReader::with_capacity(BUFFER, file);
        let mut sample = vec![];
        input.by_ref().take(SAMPLE as u64).read_to_end(&mut sample)?;
        if sample.starts_with(&[0xFF, 0xFE]) || sample.starts_with(&[0xFE, 0xFF]) {
            return Err(ImportError::file("the file is UTF-16: write it as UTF-8"));
        }
        let mark: u64 = if sample.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let delimiter = delimiter(&sample[usize::from(mark > 0) * 3..]);
        input.seek(std::io::SeekFrom::Start(mark))?;
        let mut records = Records::new(input, delimiter);
        while records.read()? {
            if !records.is_blank() {
                let names = (0..records.fields.len())
                    .map(|index| Ok(utf8(records.field(index).0)?.to_owned()))
                    .collect::<Result<Vec<_>, ImportError>>()
                    .map_err(|error| error.at(FilePlace::Line(records.record_line)))?;
                check_names(&names).map_err(|error| error.at(FilePlace::Line(records.record_line)))?;
                return Ok(Self { records, names });
            }
        }
        Err(ImportError::file("the file is empty"))
    }
}

impl RowSource for CsvRows {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self) -> FilePlace {
        FilePlace::Line(self.records.record_line)
    }

    fn next(&mut self, row: &mut dyn Row) -> Result<bool, ImportError> {
        let expected = self.names.len();
        loop {
            if !self.records.read()? {
                return Ok(false);
            }
            // In a file of one column an empty line is a row without a value.
            if !self.records.is_blank() || expected == 1 {
                break;
            }
        }
        let found = self.records.fields.len();
        if found != expected {
            let message = format!("has {found} fields, and the first line {expected}");
            return Err(ImportError::file(message));
        }
        for (index, name) in self.names.iter().enumerate() {
            let (bytes, is_quoted) = self.records.field(index);
            let cell = match bytes {
                b"" if is_quoted => InputCell::Empty,
                b"" => InputCell::Null,
                bytes => InputCell::Field(utf8(bytes).map_err(|error| error.in_column(name))?),
            };
            row.cell(index, cell)?;
        }
        Ok(true)
    }
}

/// The delimiter of the most fields in the first line, and of as many in the lines after it; `None` if the first line
/// has none outside of quotes. Such a file has one column, whatever its values contain.
fn delimiter(sample: &[u8]) -> Option<u8> {
    let mut best = (None, 0);
    for delimiter in DELIMITERS {
        let mut records = Records::new(sample, Some(delimiter));
        let mut widths = vec![];
        while widths.len() < 20 && records.read().unwrap_or(false) {
            if !records.is_blank() {
                widths.push(records.fields.len());
            }
        }
        // The last line of the sample may be cut off.
        if widths.len() > 2 && sample.len() == SAMPLE {
            widths.pop();
        }
        let Some(first) = widths.first().copied().filter(|fields| *fields > 1) else { continue };
        let is_even = widths.iter().all(|width| *width == first);
        let score = first + if is_even { 1_000_000 } else { 0 };
        if score > best.1 {
            best = (Some(delimiter), score);
        }
    }
    best.0
}

/// The records of a text, one at a time, without an own copy of more than one.
struct Records<R> {
    input: R,
    /// `None` if a record is one field.
    delimiter: Option<u8>,
    /// The number of the line that is read next.
    line: u64,
    record_line: u64,
    /// The fields of the record, one after the other, without quotes.
    data: Vec<u8>,
    /// The end of each field in `data`, and whether it was quoted.
    fields: Vec<(usize, bool)>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes: the end of the field, or the first half of a quote in it.
    Quote,
}

impl<R: BufRead> Records<R> {
    fn new(input: R, delimiter: Option<u8>) -> Self {
        Self { input, delimiter, line: 1, record_line: 1, data: vec![], fields: vec![] }
    }

    fn field(&self, index: usize) -> (&[u8], bool) {
        let start = index.checked_sub(1).map_or(0, |before| self.fields[before].0);
        let (end, is_quoted) = self.fields[index];
        (&self.data[start..end], is_quoted)
    }

    fn is_blank(&self) -> bool {
        self.fields == [(0, false)]
    }

    fn end_field(&mut self, is_quoted: bool) {
        self.fields.push((self.data.len(), is_quoted));
    }

    /// Reads the next record; `false` at the end.
    fn read(&mut self) -> Result<bool, ImportError> {
        self.data.clear();
        self.fields.clear();
        self.record_line = self.line;
        let mut state = State::Start;
        let mut quote_line = self.line;
        loop {
            let chunk = self.input.fill_buf()?;
            let Some(&byte) = chunk.first() else {
                return match state {
                    State::Start if self.fields.is_empty() => Ok(false),
                    State::Quoted => Err(self.wrong(quote_line, "a quoted field has no end")),
                    state => {
                        self.end_field(state == State::Quote);
                        Ok(true)
                    }
                };
            };
            // The bytes that are part of the field whatever they are.
            let delimiter = self.delimiter;
            let is_special = |byte: &u8| match state {
                State::Quoted => matches!(byte, b'"' | b'\n'),
                _ => Some(*byte) == delimiter || matches!(byte, b'\n' | b'\r'),
            };
            if matches!(state, State::Plain | State::Quoted) {
                let length = chunk.iter().position(is_special).unwrap_or(chunk.len());
                if length > 0 {
                    if self.data.len() + length > MAX_RECORD {
                        let message = "is longer than 16 MiB: a quote may be missing";
                        return Err(self.wrong(self.record_line, message));
                    }
                    self.data.extend_from_slice(&chunk[..length]);
                    self.input.consume(length);
                    continue;
                }
            }
            match (state, byte) {
                (State::Start, b'"') => {
                    state = State::Quoted;
                    quote_line = self.line;
                }
                (State::Quoted, b'"') => state = State::Quote,
                (State::Quoted, _) => {
                    self.line += 1;
                    self.data.push(byte);
                }
                (State::Quote, b'"') => {
                    self.data.push(byte);
                    state = State::Quoted;
                }
                (_, byte) if Some(byte) == delimiter => {
                    self.end_field(state == State::Quote);
                    state = State::Start;
                    // Each field costs memory of its own, even an empty one.
                    if self.fields.len() > 100_000 {
                        return Err(self.wrong(self.record_line, "has more than 100000 fields"));
                    }
                }
                (_, b'\n' | b'\r') => {
                    self.input.consume(1);
                    if byte == b'\r' && self.input.fill_buf()?.first() == Some(&b'\n') {
                        self.input.consume(1);
                    }
                    self.end_field(state == State::Quote);
                    self.line += 1;
                    return Ok(true);
                }
                (State::Quote, _) => {
                    return Err(self.wrong(self.line, "a quoted field is followed by more text"));
                }
                (_, byte) => {
                    self.data.push(byte);
                    state = State::Plain;
                }
            }
            self.input.consume(1);
        }
    }

    fn wrong(&self, line: u64, message: &str) -> ImportError {
        ImportError::file(message).at(FilePlace::Line(line))
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
