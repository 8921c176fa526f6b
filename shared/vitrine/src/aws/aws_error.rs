//! What a call to AWS means that did not succeed: no answer, whatever the cause.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use vitrine_rules::error::{Error, Reason};

/// The cause is for the log: its code, never its text, which may quote what was sent.
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
