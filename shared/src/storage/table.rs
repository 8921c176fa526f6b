//! The table, and what its failures mean.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;

use super::schema::{PARTITION, SORT};
use crate::environment::Environment;
use crate::error::{Error, Reason};

pub type Item = HashMap<String, AttributeValue>;

#[derive(Debug, Clone)]
pub struct Table {
    pub client: Client,
    pub name: String,
}

impl Table {
    pub fn of(environment: &Environment) -> Self {
        Self { client: environment.dynamodb.clone(), name: environment.names.table.clone() }
    }
}

pub fn key(partition: &str, sort: &str) -> Item {
    HashMap::from([(PARTITION.to_owned(), text(partition)), (SORT.to_owned(), text(sort))])
}

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// A call that did not succeed means no answer, whatever the cause. The cause is for the log: its code,
/// never its text, which may quote what was sent.
pub fn unavailable<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata,
{
    let cause = match error {
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "connection",
        SdkError::ConstructionFailure(_) => "construction",
        SdkError::ResponseError(_) => "response",
        _ => error.code().unwrap_or("service"),
    };
    Error::new(Reason::Unavailable).detail(format_args!("{operation}: {cause}"))
}

/// An item of ours that we cannot read.
pub fn unreadable(item: &'static str) -> Error {
    Error::internal(format_args!("unreadable item: {item}"))
}
