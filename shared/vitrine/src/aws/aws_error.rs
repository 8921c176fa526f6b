//! Maps a failed AWS call to an error: a condition that did not hold, a request that AWS will never take, or else an
//! outage.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use vitrine_rules::error::{Error, Reason, Result};

/// The code for a request that breaks a rule of the service, such as a key that is too long. It is refused again each
/// time it is sent, so nobody may be told to try again.
const INVALID_REQUEST: &str = "ValidationException";

/// The log gets the error's code, never its text, which may quote what was sent.
pub fn failure<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Error
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
    let reason = if cause == INVALID_REQUEST { Reason::Internal } else { Reason::Unavailable };
    Error::new(reason).detail(format_args!("{operation}: {cause}"))
}

/// Returns whether DynamoDB refused a write because its condition did not hold.
pub fn is_condition_failed<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    error.code() == Some("ConditionalCheckFailedException")
}

/// The result of an AWS call, with its failures as errors of this service.
pub trait AwsResult<T> {
    /// Any failure is a fault of this service: an outage, or an invalid request.
    fn or_unavailable(self, operation: &'static str) -> Result<T>;

    /// None if the condition of the write did not hold.
    fn if_condition_held(self, operation: &'static str) -> Result<Option<T>>;

    /// `reason` if the condition of the write did not hold.
    fn or_refused(self, operation: &'static str, reason: Reason) -> Result<T>
    where
        Self: Sized,
    {
        self.if_condition_held(operation)?.ok_or_else(|| reason.into())
    }
}

impl<T, E, R> AwsResult<T> for std::result::Result<T, SdkError<E, R>>
where
    E: ProvideErrorMetadata,
{
    fn or_unavailable(self, operation: &'static str) -> Result<T> {
        self.map_err(|error| failure(operation, &error))
    }

    fn if_condition_held(self, operation: &'static str) -> Result<Option<T>> {
        match self {
            Err(error) if is_condition_failed(&error) => Ok(None),
            sent => sent.or_unavailable(operation).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::put_item::PutItemError;

    use super::*;

    fn refusal(code: &str) -> SdkError<PutItemError, ()> {
        let metadata = ErrorMetadata::builder().code(code).build();
        SdkError::service_error(PutItemError::generic(metadata), ())
    }

    #[test]
    fn a_failed_condition_is_not_an_outage() {
        let reason = |code| {
            let sent: std::result::Result<(), _> = Err(refusal(code));
            sent.or_refused("PutItem", Reason::NameTaken).unwrap_err().reason
        };
        assert_eq!(reason("ConditionalCheckFailedException"), Reason::NameTaken);
        assert_eq!(reason("ThrottlingException"), Reason::Unavailable);

        let sent: std::result::Result<(), SdkError<PutItemError, ()>> = Ok(());
        assert_eq!(sent.if_condition_held("PutItem").unwrap(), Some(()));
        let sent: std::result::Result<(), _> = Err(refusal("ThrottlingException"));
        let error = sent.or_unavailable("PutItem").unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("PutItem: ThrottlingException"));
    }

    #[test]
    fn an_invalid_request_is_our_fault_and_not_an_outage() {
        let sent: std::result::Result<(), _> = Err(refusal("ValidationException"));
        let error = sent.or_unavailable("PutItem").unwrap_err();
        assert_eq!((error.reason, error.status()), (Reason::Internal, 500));
        assert_eq!(error.detail.as_deref(), Some("PutItem: ValidationException"));
    }
}
