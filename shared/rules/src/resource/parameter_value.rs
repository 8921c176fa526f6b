//! Typed values of parameters.
//!
//! [`ParameterValue::of`] is the one place where a value is held against its parameter's declared type and
//! choices. Callers write a number as text, and a single value where a list is meant; both are accepted.

use jiff::civil::DateTime;
use serde_json::{Number, Value};

use super::date_range::{DateRange, parse_moment};
use super::parameter::{Parameter, ParameterType};

/// A value that fits its parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterValue {
    Text(String),
    Number(Number),
    /// A date, at midnight unless a time was given.
    Date(DateTime),
    DateRange(DateRange),
    Boolean(bool),
    List(Vec<Self>),
    /// The open end of a list of two numbers, `[null, 5]`; elsewhere null filters nothing.
    Open,
}

/// A value that does not fit its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit;

impl ParameterValue {
    /// Types a value. Null, blank text and lists of nothing else filter nothing: they have no typed value.
    pub fn of(parameter: &Parameter, value: &Value) -> Result<Option<Self>, Misfit> {
        match value {
            Value::Array(items) if parameter.kind == ParameterType::Number && has_open_end(items) => {
                let end = |item| Ok(scalar(parameter, item)?.unwrap_or(Self::Open));
                match (end(&items[0])?, end(&items[1])?) {
                    (Self::List(_), _) | (_, Self::List(_)) => Err(Misfit),
                    (low, high) => Ok(Some(Self::List(vec![low, high]))),
                }
            }
            Value::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    match scalar(parameter, item)? {
                        // Numbers in one text: a list never contains another.
                        Some(Self::List(numbers)) => list.extend(numbers),
                        Some(value) => list.push(value),
                        None => {}
                    }
                }
                Ok((!list.is_empty()).then_some(Self::List(list)))
            }
            value => scalar(parameter, value),
        }
    }
}

fn has_open_end(items: &[Value]) -> bool {
    let is_open = |item: &Value| item.is_null() || item.as_str().is_some_and(|text| text.trim().is_empty());
    matches!(items, [low, high] if is_open(low) != is_open(high))
}

fn scalar(parameter: &Parameter, value: &Value) -> Result<Option<ParameterValue>, Misfit> {
    match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::Array(_) | Value::Object(_) => return Err(Misfit),
        _ => {}
    }
    let choice = parameter.choice(value);
    if choice.is_none() && parameter.values_strict && parameter.values.is_some() {
        return Err(Misfit);
    }
    // A choice says what the text that stands for it means: `?year=2024` where 2024 is a number.
    let value = choice.unwrap_or(value);
    typed(parameter.kind, value).map(Some)
}

fn typed(kind: ParameterType, value: &Value) -> Result<ParameterValue, Misfit> {
    use ParameterValue::{Boolean, Date, List, Number, Text};
    match (kind, value) {
        (ParameterType::Text, Value::String(text)) => Ok(Text(text.clone())),
        (ParameterType::Text, value) => Ok(Text(value.to_string())),
        (ParameterType::Category, Value::Number(number)) => Ok(Number(number.clone())),
        (ParameterType::Category, Value::Bool(value)) => Ok(Boolean(*value)),
        (ParameterType::Category, Value::String(text)) => Ok(Text(text.clone())),
        (ParameterType::Number, Value::Number(number)) => Ok(Number(number.clone())),
        (ParameterType::Number, Value::String(text)) => match text.contains(',') {
            false => parse_number(text).map(Number).ok_or(Misfit),
            true => text
                .split(',')
                .map(|part| parse_number(part).map(Number))
                .collect::<Option<_>>()
                .map(List)
                .ok_or(Misfit),
        },
        (ParameterType::Date, Value::String(text)) => parse_moment(text.trim()).map(Date).ok_or(Misfit),
        (ParameterType::DateRange, Value::String(text)) => {
            text.trim().parse().map(ParameterValue::DateRange).map_err(|_| Misfit)
        }
        (ParameterType::Boolean, Value::Bool(value)) => Ok(Boolean(*value)),
        (ParameterType::Boolean, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Boolean(true)),
            "false" => Ok(Boolean(false)),
            _ => Err(Misfit),
        },
        _ => Err(Misfit),
    }
}

/// Parses a plain decimal number: no `NaN`, no infinity, no hexadecimal form.
pub(crate) fn parse_number(text: &str) -> Option<Number> {
    let text = text.trim();
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if text.is_empty() || !is_plain {
        return None;
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    // Larger whole numbers stay exact as well: an id must not match its neighbours.
    match (unsigned.parse::<i64>(), unsigned.parse::<u64>()) {
        (Ok(whole), _) => Some(whole.into()),
        (_, Ok(whole)) => Some(whole.into()),
        _ => unsigned.parse().ok().and_then(Number::from_f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use proptest::prelude::*;
    use serde_json::json;

    fn parameter(kind: &str, more: Value) -> Parameter {
        let mut declared = json!({"slug": "x", "name": "X", "type": kind});
        declared.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input::read(declared).unwrap()
    }

    /// A short form for the tables: `Number 5`, `Text "a"`, lists in brackets, `none`, `misfit`.
    fn shown(result: Result<Option<ParameterValue>, Misfit>) -> String {
        fn one(value: ParameterValue) -> String {
            match value {
                ParameterValue::Text(text) => format!("text {text}"),
                ParameterValue::Number(number) => format!("number {number}"),
                ParameterValue::Date(date) => format!("date {date}"),
                ParameterValue::DateRange(_) => "range".to_owned(),
                ParameterValue::Boolean(value) => format!("boolean {value}"),
                ParameterValue::Open => "open".to_owned(),
                ParameterValue::List(items) => {
                    format!("[{}]", items.into_iter().map(one).collect::<Vec<_>>().join(", "))
                }
            }
        }
        match result {
            Ok(Some(value)) => one(value),
            Ok(None) => "none".to_owned(),
            Err(Misfit) => "misfit".to_owned(),
        }
    }

    #[test]
    fn every_type_takes_its_values_and_refuses_the_others() {
        let cases = [
            ("text", json!("a"), "text a"),
            ("text", json!(5), "text 5"),
            ("text", json!(true), "text true"),
            ("text", json!("  "), "none"),
            ("text", json!(null), "none"),
            ("text", json!(["a", "b"]), "[text a, text b]"),
            ("text", json!(["a", null, ""]), "[text a]"),
            ("text", json!([]), "none"),
            ("text", json!({"a": 1}), "misfit"),
            ("text", json!([["a"]]), "misfit"),
            ("category", json!("a"), "text a"),
            ("category", json!(5), "number 5"),
            ("category", json!(false), "boolean false"),
            ("number", json!(5), "number 5"),
            ("number", json!(1.5), "number 1.5"),
            ("number", json!("5"), "number 5"),
            ("number", json!(" -5.25 "), "number -5.25"),
            ("number", json!("+7"), "number 7"),
            ("number", json!("1e3"), "number 1000.0"),
            ("number", json!("1,2,3"), "[number 1, number 2, number 3]"),
            ("number", json!(["1", 2]), "[number 1, number 2]"),
            ("number", json!(["1,2", 3]), "[number 1, number 2, number 3]"),
            ("number", json!(["1,x", 3]), "misfit"),
            ("number", json!([null, 5]), "[open, number 5]"),
            ("number", json!([5, ""]), "[number 5, open]"),
            ("number", json!([null, null]), "none"),
            ("number", json!([null, 5, 6]), "[number 5, number 6]"),
            ("number", json!([null, "1,2"]), "misfit"),
            ("number", json!("18446744073709551615"), "number 18446744073709551615"),
            ("text", json!([null, "a"]), "[text a]"),
            ("number", json!("1,x"), "misfit"),
            ("number", json!("five"), "misfit"),
            ("number", json!("NaN"), "misfit"),
            ("number", json!("inf"), "misfit"),
            ("number", json!("0x10"), "misfit"),
            ("number", json!("1e999"), "misfit"),
            ("number", json!("1 or 1=1"), "misfit"),
            ("number", json!(true), "misfit"),
            ("number", json!([1, "x"]), "misfit"),
            ("date", json!("2024-02-29"), "date 2024-02-29T00:00:00"),
            ("date", json!("2024-02-29T10:30"), "date 2024-02-29T10:30:00"),
            ("date", json!("2024-02-30"), "misfit"),
            ("date", json!("2024-01"), "misfit"),
            ("date", json!("past30days"), "misfit"),
            ("date", json!("2024-01-01~2024-02-01"), "misfit"),
            ("date", json!("01/02/2024"), "misfit"),
            ("date", json!(20240101), "misfit"),
            ("date_range", json!("past30days"), "range"),
            ("date_range", json!("2024-01-01~2024-02-01"), "range"),
            ("date_range", json!("2024-01-01"), "range"),
            ("date_range", json!("tomorrowish"), "misfit"),
            ("date_range", json!(2024), "misfit"),
            ("boolean", json!(true), "boolean true"),
            ("boolean", json!("false"), "boolean false"),
            ("boolean", json!("True"), "boolean true"),
            ("boolean", json!("yes"), "misfit"),
            ("boolean", json!(1), "misfit"),
            ("boolean", json!([true, "false"]), "[boolean true, boolean false]"),
        ];
        for (kind, value, expected) in cases {
            let case = format!("{kind} {value}");
            assert_eq!(shown(ParameterValue::of(&parameter(kind, json!({})), &value)), expected, "{case}");
        }
    }

    #[test]
    fn choices_restrict_only_where_they_are_strict() {
        let values = json!([["emea", "EMEA"], [2024], [true]]);
        let lenient = parameter("category", json!({ "values": values }));
        let strict = parameter("category", json!({"values": values, "values_strict": true}));
        let cases = [
            (json!("emea"), "text emea", "text emea"),
            (json!("2024"), "number 2024", "number 2024"),
            (json!(2024), "number 2024", "number 2024"),
            (json!("true"), "boolean true", "boolean true"),
            (json!("EMEA"), "text EMEA", "misfit"),
            (json!("other"), "text other", "misfit"),
            (json!(["emea", "other"]), "[text emea, text other]", "misfit"),
            (json!(["emea", "2024"]), "[text emea, number 2024]", "[text emea, number 2024]"),
            (json!(null), "none", "none"),
        ];
        for (value, leniently, strictly) in cases {
            assert_eq!(shown(ParameterValue::of(&lenient, &value)), leniently, "{value}");
            assert_eq!(shown(ParameterValue::of(&strict, &value)), strictly, "{value}");
        }
        let without = parameter("text", json!({"values_strict": true}));
        assert_eq!(shown(ParameterValue::of(&without, &json!("any"))), "text any");
    }

    fn any_scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ]
    }

    fn has_type(kind: &str, value: &ParameterValue) -> bool {
        match value {
            ParameterValue::Text(_) => matches!(kind, "text" | "category"),
            ParameterValue::Number(_) => matches!(kind, "number" | "category"),
            ParameterValue::Date(_) => kind == "date",
            ParameterValue::DateRange(_) => kind == "date_range",
            ParameterValue::Boolean(_) => matches!(kind, "boolean" | "category"),
            ParameterValue::Open => kind == "number",
            ParameterValue::List(items) => {
                items.iter().all(|item| !matches!(item, ParameterValue::List(_)) && has_type(kind, item))
            }
        }
    }

    proptest! {
        /// No value gets past the declared type.
        #[test]
        fn what_passes_has_the_declared_type(
            kind in prop::sample::select(vec!["text", "number", "date", "date_range", "boolean", "category"]),
            value in prop_oneof![any_scalar(), prop::collection::vec(any_scalar(), 0..4).prop_map(Value::from)],
        ) {
            if let Ok(Some(typed)) = ParameterValue::of(&parameter(kind, json!({})), &value) {
                prop_assert!(has_type(kind, &typed), "{kind} {value} {typed:?}");
            }
        }
    }
}
