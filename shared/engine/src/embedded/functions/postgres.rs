//! `to_char`, `to_date` and `to_timestamp` with the templates of Postgres.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime};
use datafusion::arrow::array::{
    ArrayRef, AsArray, Date32Builder, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_datafusion_err};

use super::numbers::NumberTemplate;
use super::pack::{Definition, constant_text, unchecked, usage};
use super::template::Template;

/// Moments as the pack computes with them: microseconds, in UTC.
pub const MOMENT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

pub const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "to_char",
        arguments: |types| match types {
            [value, _] if value.is_numeric() => Ok(vec![DataType::Float64, DataType::Utf8]),
            [value, _] if is_moment(value) => Ok(vec![MOMENT, DataType::Utf8]),
            _ => usage("to_char", "to_char(date, template) or to_char(number, template)"),
        },
        returns: |_| DataType::Utf8,
        check: |types, constants| {
            let Some(template) = constants.get(1).and_then(|template| constant_text(*template)) else {
                return Ok(());
            };
            match types[0] {
                DataType::Float64 => number_template(template).map(drop),
                _ => date_template(template).map(drop),
            }
        },
        run: |args| match args[0].data_type() {
            DataType::Float64 => number_to_char(args),
            _ => moment_to_char(args),
        },
    },
    Definition {
        name: "to_date",
        arguments: |types| match types {
            [value] if is_moment(value) => Ok(vec![MOMENT]),
            [_, _] => Ok(vec![DataType::Utf8, DataType::Utf8]),
            _ => usage("to_date", "to_date(text, template)"),
        },
        returns: |_| DataType::Date32,
        check: check_reading,
        run: |args| {
            let days = |moment: NaiveDateTime| {
                moment.signed_duration_since(DateTime::UNIX_EPOCH.naive_utc()).num_days()
            };
            let mut dates = Date32Builder::new();
            let moments = if args.len() == 1 { args[0].clone() } else { read_moments(args, "to_date")? };
            for moment in moments_of(&moments) {
                dates.append_option(moment.and_then(|at| i32::try_from(days(at.date().into())).ok()));
            }
            Ok(Arc::new(dates.finish()))
        },
    },
    Definition {
        name: "to_timestamp",
        arguments: |types| match types {
            [value] if value.is_numeric() => Ok(vec![DataType::Float64]),
            [value] if is_moment(value) => Ok(vec![MOMENT]),
            [_, _] => Ok(vec![DataType::Utf8, DataType::Utf8]),
            _ => usage("to_timestamp", "to_timestamp(text, template) or to_timestamp(seconds)"),
        },
        returns: |_| MOMENT,
        check: check_reading,
        run: |args| match args[0].data_type() {
            DataType::Float64 => Ok(seconds_to_moments(args)),
            DataType::Timestamp(..) => Ok(args[0].clone()),
            _ => read_moments(args, "to_timestamp"),
        },
    },
    Definition {
        name: "epoch_ms",
        arguments: |types| match types {
            [value] if is_moment(value) => Ok(vec![MOMENT]),
            _ => usage("epoch_ms", "epoch_ms(timestamp)"),
        },
        returns: |_| DataType::Int64,
        check: unchecked,
        run: |args| {
            let moments = args[0].as_primitive::<TimestampMicrosecondType>();
            let millis =
                moments.unary::<_, datafusion::arrow::datatypes::Int64Type>(|at| at.div_euclid(1_000));
            Ok(Arc::new(millis))
        },
    },
];

/// Returns whether values of the type can be read as moments. A text is cast, as a literal is in Postgres.
pub fn is_moment(data_type: &DataType) -> bool {
    data_type.is_temporal()
        && !matches!(
            data_type,
            DataType::Interval(_) | DataType::Duration(_) | DataType::Time32(_) | DataType::Time64(_)
        )
        || data_type.is_string()
        || data_type.is_null()
}

/// The moments of an array of type [`MOMENT`].
pub fn moments_of(array: &ArrayRef) -> impl Iterator<Item = Option<NaiveDateTime>> + '_ {
    let micros: &TimestampMicrosecondArray = array.as_primitive();
    micros.iter().map(|at| at.and_then(moment))
}

pub fn moment(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|at| at.naive_utc())
}

pub fn micros(at: NaiveDateTime) -> i64 {
    at.and_utc().timestamp_micros()
}

fn date_template(text: &str) -> Result<Template> {
    Template::parse(text).map_err(|error| plan_datafusion_err!("{error}"))
}

fn number_template(text: &str) -> Result<NumberTemplate> {
    NumberTemplate::parse(text).map_err(|error| plan_datafusion_err!("{error}"))
}

fn reading_template(text: &str) -> Result<Template> {
    Template::for_reading(text).map_err(|error| plan_datafusion_err!("{error}"))
}

fn check_reading(_: &[DataType], constants: &[Option<&ScalarValue>]) -> Result<()> {
    match constants.get(1).and_then(|template| constant_text(*template)) {
        Some(template) => reading_template(template).map(drop),
        None => Ok(()),
    }
}

/// The templates of a column of texts. A constant one is parsed once.
pub struct ParsedTemplates<T> {
    last: Option<(String, T)>,
    parse: fn(&str) -> Result<T, DataFusionError>,
}

impl<T> ParsedTemplates<T> {
    pub fn new(parse: fn(&str) -> Result<T, DataFusionError>) -> Self {
        Self { last: None, parse }
    }

    pub fn get(&mut self, text: &str) -> Result<&T> {
        if self.last.as_ref().is_none_or(|(last, _)| last != text) {
            self.last = None;
        }
        let parse = self.parse;
        match &mut self.last {
            Some((_, parsed)) => Ok(parsed),
            last => Ok(&last.insert((text.to_owned(), parse(text)?)).1),
        }
    }
}

fn moment_to_char(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut templates = ParsedTemplates::new(date_template);
    let mut texts = StringBuilder::new();
    let mut text = String::new();
    for (at, template) in moments_of(&args[0]).zip(args[1].as_string::<i32>()) {
        match (at, template) {
            (Some(at), Some(template)) => {
                text.clear();
                templates.get(template)?.write(at, &mut text);
                texts.append_value(&text);
            }
            _ => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn number_to_char(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut templates = ParsedTemplates::new(number_template);
    let mut texts = StringBuilder::new();
    let numbers = args[0].as_primitive::<Float64Type>();
    for (number, template) in numbers.iter().zip(args[1].as_string::<i32>()) {
        match (number, template) {
            (Some(number), Some(template)) => texts.append_value(templates.get(template)?.write(number)),
            _ => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn read_moments(args: &[ArrayRef], name: &str) -> Result<ArrayRef> {
    let mut templates = ParsedTemplates::new(reading_template);
    let mut moments = TimestampMicrosecondBuilder::new();
    for (text, template) in args[0].as_string::<i32>().iter().zip(args[1].as_string::<i32>()) {
        let (Some(text), Some(template)) = (text, template) else {
            moments.append_null();
            continue;
        };
        match templates.get(template)?.read(text) {
            Some(at) => moments.append_value(micros(at)),
            None => return exec_err!("{name} cannot read {text:?} by the template {template:?}"),
        }
    }
    Ok(Arc::new(moments.finish()))
}

fn seconds_to_moments(args: &[ArrayRef]) -> ArrayRef {
    let seconds = args[0].as_primitive::<Float64Type>();
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    let micros = |seconds: f64| {
        let micros = (seconds * 1e6).round();
        (micros.abs() < 9.2e18).then_some(micros as i64)
    };
    let moments: TimestampMicrosecondArray = seconds.iter().map(|seconds| seconds.and_then(micros)).collect();
    Arc::new(moments)
}
