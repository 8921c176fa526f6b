//! The type of a column, inferred from all of its values.

use vitrine_rules::query::column_type::ColumnType;

use super::cell::InputCell;
use super::texts;

/// The types that all values of a column so far have in common. A column that has none is text.
#[derive(Debug, Clone, Copy)]
pub struct Guess {
    candidates: u8,
    has_value: bool,
    is_nested: bool,
}

const INTEGER: u8 = 1;
const NUMBER: u8 = 1 << 1;
const BOOLEAN: u8 = 1 << 2;
const DATE: u8 = 1 << 3;
const TIMESTAMP: u8 = 1 << 4;

impl Default for Guess {
    fn default() -> Self {
        Self { candidates: u8::MAX, has_value: false, is_nested: false }
    }
}

impl Guess {
    pub fn observe(&mut self, cell: InputCell<'_>) {
        if matches!(cell, InputCell::Null | InputCell::Empty) {
            return;
        }
        self.has_value = true;
        self.is_nested |= matches!(cell, InputCell::Json(_));
        if self.candidates != 0 {
            self.candidates &= candidates(cell);
        }
    }

    pub fn kind(self) -> ColumnType {
        let can_be = |candidate| self.candidates & candidate != 0;
        match () {
            () if !self.has_value => ColumnType::Text,
            () if self.is_nested => ColumnType::Json,
            () if can_be(INTEGER) => ColumnType::Integer,
            () if can_be(NUMBER) => ColumnType::Number,
            () if can_be(BOOLEAN) => ColumnType::Boolean,
            () if can_be(DATE) => ColumnType::Date,
            () if can_be(TIMESTAMP) => ColumnType::Timestamp,
            () => ColumnType::Text,
        }
    }
}

fn candidates(cell: InputCell<'_>) -> u8 {
    match cell {
        InputCell::Boolean(_) => BOOLEAN,
        InputCell::Literal(text) => of_number(text),
        InputCell::Text(text) => of_moment(text),
        InputCell::Field(text) => match text.as_bytes().first() {
            Some(b'0'..=b'9' | b'-' | b'.') => of_number(text) | of_moment(text),
            _ => texts::plain_boolean(text).map_or(0, |_| BOOLEAN),
        },
        _ => 0,
    }
}

fn of_number(text: &str) -> u8 {
    let integer = texts::plain_integer(text).map_or(0, |_| INTEGER);
    integer | texts::plain_number(text).map_or(0, |_| NUMBER)
}

fn of_moment(text: &str) -> u8 {
    let date = texts::date(text).map_or(0, |_| DATE);
    date | texts::timestamp(text).map_or(0, |_| TIMESTAMP)
}

#[cfg(test)]
#[path = "infer_tests.rs"]
mod tests;
