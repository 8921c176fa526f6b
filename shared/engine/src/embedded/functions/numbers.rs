//! Templates of Postgres for numbers: `FM999,990.00`, and arithmetic that reports an overflow.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{Operator, ScalarUDF};

use super::pack::{Definition, udf, unchecked, usage};

pub const DEFINITIONS: &[Definition] = &[
    checked("integer_add", |args| Ok(numeric::add(&args[0], &args[1])?)),
    checked("integer_subtract", |args| Ok(numeric::sub(&args[0], &args[1])?)),
    checked("integer_multiply", |args| Ok(numeric::mul(&args[0], &args[1])?)),
    Definition {
        name: "nearest_even",
        arguments: |types| match types {
            [_] => Ok(vec![DataType::Float64]),
            _ => usage("rounding", "nearest_even(number)"),
        },
        returns: |_| DataType::Float64,
        check: unchecked,
        run: |args| {
            let numbers = args[0].as_primitive::<Float64Type>();
            Ok(Arc::new(numbers.unary::<_, Float64Type>(f64::round_ties_even)))
        },
    },
];

/// The function behind casts of floating point numbers to integers.
pub fn nearest_even() -> ScalarUDF {
    udf(&DEFINITIONS[3])
}

/// The function behind an operator on integers. The engine's own wraps around: the largest integer and one is
/// the smallest.
pub fn checked_operator(op: Operator) -> Option<ScalarUDF> {
    let index = match op {
        Operator::Plus => 0,
        Operator::Minus => 1,
        Operator::Multiply => 2,
        _ => return None,
    };
    Some(udf(&DEFINITIONS[index]))
}

const fn checked(name: &'static str, run: fn(&[ArrayRef]) -> DataFusionResult<ArrayRef>) -> Definition {
    Definition {
        name,
        arguments: |types| match types {
            [_, _] => Ok(vec![DataType::Int64, DataType::Int64]),
            _ => usage("arithmetic", "integer + integer"),
        },
        returns: |_| DataType::Int64,
        check: unchecked,
        run,
    }
}

/// A template as its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberTemplate {
    before: String,
    /// `9`, `0` and `,` before the point.
    whole: Vec<char>,
    /// `9` and `0` behind the point.
    fraction: Vec<char>,
    has_point: bool,
    after: String,
    bare: bool,
}

impl NumberTemplate {
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || {
            Err(format!(
                "The template {text:?} is not supported: templates for numbers are made of 9, 0, comma, point, D, G, FM, $ and %."
            ))
        };
        let (bare, rest) = match text.strip_prefix("FM").or_else(|| text.strip_prefix("fm")) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut template = Self {
            before: String::new(),
            whole: vec![],
            fraction: vec![],
            has_point: false,
            after: String::new(),
            bare,
        };
        for letter in rest.chars() {
            let started = template.has_point || !template.whole.is_empty();
            match letter {
                '9' | '0' if !template.after.is_empty() => return refused(),
                '9' | '0' if template.has_point => template.fraction.push(letter),
                '9' | '0' => template.whole.push(letter),
                ',' | 'G' | 'g' if !template.has_point && template.after.is_empty() => {
                    template.whole.push(',');
                }
                '.' | 'D' | 'd' if !template.has_point && template.after.is_empty() => {
                    template.has_point = true;
                }
                '$' | '%' | ' ' | '€' if started => template.after.push(letter),
                '$' | '€' | ' ' => template.before.push(letter),
                _ => return refused(),
            }
        }
        match template.whole.is_empty() && template.fraction.is_empty() {
            true => refused(),
            false => Ok(template),
        }
    }

    pub fn write(&self, number: f64) -> String {
        let digits = format!("{:.*}", self.fraction.len(), number.abs());
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let places = self.whole.iter().filter(|place| **place != ',').count();
        let is_zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let fits = number.is_finite() && (whole == "0" || whole.len() <= places);
        // A place to the right of a zero in the template is always written.
        let forced = self.whole.iter().position(|place| *place == '0');
        let mut blank = 0;
        let mut shown = String::new();
        let mut place = 0;
        for (index, kind) in self.whole.iter().enumerate() {
            let from_right = places - place;
            let is_digit_there = whole.len() >= from_right && whole != "0" || from_right == 1 && whole == "0";
            let is_shown = forced.is_some_and(|forced| index >= forced) || !shown.is_empty();
            if *kind == ',' {
                if shown.is_empty() {
                    blank += 1;
                } else {
                    shown.push(',');
                }
                continue;
            }
            place += 1;
            match () {
                () if !fits => shown.push('#'),
                // A lone zero before the point is left out where the template has a fraction.
                () if whole == "0" && from_right == 1 && !is_shown && self.has_point && !is_zero => {
                    blank += 1;
                }
                () if is_digit_there => {
                    let digit = whole.len() - from_right;
                    shown.push_str(&whole[digit..=digit]);
                }
                () if is_shown => shown.push('0'),
                () => blank += 1,
            }
        }
        if self.has_point {
            shown.push('.');
            let mut fraction = if fits { fraction.to_owned() } else { "#".repeat(self.fraction.len()) };
            if self.bare {
                // Zeros at the end are written only where the template has a zero.
                let kept = self.fraction.iter().rposition(|place| *place == '0').map_or(0, |last| last + 1);
                while fraction.len() > kept && fraction.ends_with('0') {
                    fraction.pop();
                }
            }
            shown.push_str(&fraction);
        }
        let sign = if number < 0.0 && !is_zero {
            "-"
        } else if self.bare {
            ""
        } else {
            " "
        };
        let blanks = if self.bare { 0 } else { blank };
        format!("{}{}{sign}{shown}{}", " ".repeat(blanks), self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_postgres_writes_them() {
        for (template, number, expected) in [
            ("999", 5.0, "   5"),
            ("000", 5.0, " 005"),
            ("FM999", 5.0, "5"),
            ("FM000", -5.0, "-005"),
            ("999", -5.0, "  -5"),
            ("999", 1234.0, " ###"),
            ("999,999", 1234.0, "   1,234"),
            ("FM999,999,999", 1_234_567.0, "1,234,567"),
            ("FM999,999.00", 1234.5, "1,234.50"),
            ("FM990.00", 0.5, "0.50"),
            ("FM999.99", 0.5, ".5"),
            ("FM999.99", 12.0, "12."),
            ("999.99", 12.345, "  12.35"),
            ("FM9990", 0.0, "0"),
            ("FM999", 0.0, "0"),
            ("FM$999,990.00", 1234.5, "$1,234.50"),
            ("FM990%", 12.0, "12%"),
            ("9D99", 1.5, " 1.50"),
            ("FM999", 999.6, "####".get(..3).unwrap()),
            ("FM00", 7.4, "07"),
        ] {
            assert_eq!(
                NumberTemplate::parse(template).unwrap().write(number),
                expected,
                "{template} {number}"
            );
        }
    }

    #[test]
    fn other_templates_are_refused() {
        for template in ["", "FM", "S999", "999MI", "EEEE", "RN", "YYYY", "9.9.9", "9$9", "L99", "abc"] {
            assert!(NumberTemplate::parse(template).is_err(), "{template}");
        }
    }
}
