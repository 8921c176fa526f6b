//! Values that are bound to a query. They are typed before they reach an engine and are never part of its text.

use jiff::civil::{Date, DateTime};

#[derive(Debug, Clone, PartialEq)]
pub enum TypedValue {
    Text(String),
    Integer(i64),
    Decimal(Decimal),
    /// Finite.
    Number(f64),
    Boolean(bool),
    Date(Date),
    /// A moment in UTC.
    Timestamp(DateTime),
}

impl TypedValue {
    /// Encodes the value so that two encodings are equal only if type and value are.
    pub fn canonical(&self) -> Vec<u8> {
        let (tag, bytes): (u8, Vec<u8>) = match self {
            Self::Text(text) => (b't', text.clone().into_bytes()),
            Self::Integer(number) => (b'i', number.to_be_bytes().into()),
            Self::Decimal(Decimal { digits, scale }) => {
                (b'e', [digits.to_be_bytes().as_slice(), &[*scale]].concat())
            }
            // Zero has two signs, which compare as equal.
            Self::Number(number) => (b'n', (number + 0.0).to_be_bytes().into()),
            Self::Boolean(value) => (b'b', vec![u8::from(*value)]),
            Self::Date(date) => (b'd', date.to_string().into_bytes()),
            Self::Timestamp(moment) => (b'm', moment.to_string().into_bytes()),
        };
        [&[tag], bytes.as_slice()].concat()
    }
}

/// An exact decimal number: `digits` / 10^`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    pub digits: i128,
    pub scale: u8,
}

impl Decimal {
    /// The most digits that engines store.
    pub const MAX_DIGITS: u8 = 38;

    /// Parses a plain decimal number: `-12.50`.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || unsigned.ends_with('.') {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = u8::try_from(fraction.len()).ok()?;
        (digits <= Self::LARGEST && scale <= Self::MAX_DIGITS)
            .then_some(Self { digits: sign * digits, scale })
    }

    const LARGEST: i128 = 10_i128.pow(Self::MAX_DIGITS as u32) - 1;

    /// Returns the same number with another scale; `None` if it has too many digits on either side of the point.
    pub fn rescaled(self, precision: u8, scale: u8) -> Option<Self> {
        let digits = if scale >= self.scale {
            self.digits.checked_mul(10_i128.checked_pow(u32::from(scale - self.scale))?)?
        } else {
            let factor = 10_i128.checked_pow(u32::from(self.scale - scale))?;
            (self.digits % factor == 0).then(|| self.digits / factor)?
        };
        let most = 10_i128.checked_pow(u32::from(precision))?;
        (digits.abs() < most).then_some(Self { digits, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_nothing() {
        let cases = [
            ("0", Some((0, 0))),
            ("-12.50", Some((-1250, 2))),
            ("0.1", Some((1, 1))),
            ("99999999999999999999999999999999999999", Some((10_i128.pow(38) - 1, 0))),
            ("100000000000000000000000000000000000000", None),
            ("", None),
            ("-", None),
            (".5", None),
            ("5.", None),
            ("1e3", None),
            ("+1", None),
            ("--1", None),
            ("1.2.3", None),
            (" 1", None),
            ("٣", None),
        ];
        for (text, expected) in cases {
            let parsed = Decimal::parse(text).map(|decimal| (decimal.digits, decimal.scale));
            assert_eq!(parsed, expected, "{text}");
        }
    }

    #[test]
    fn a_scale_never_loses_digits() {
        let rescaled = |text: &str, precision, scale| {
            Decimal::parse(text).unwrap().rescaled(precision, scale).map(|decimal| decimal.digits)
        };
        assert_eq!(rescaled("1.5", 10, 2), Some(150));
        assert_eq!(rescaled("1.50", 10, 1), Some(15));
        assert_eq!(rescaled("1.55", 10, 1), None);
        assert_eq!(rescaled("99.99", 4, 2), Some(9_999));
        assert_eq!(rescaled("100", 4, 2), None);
        assert_eq!(rescaled("1", 38, 38), None);
    }
}
