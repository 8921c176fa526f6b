//! What came of a transaction: all of it was written, or nothing, and then which of its parts stood against it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};

use crate::aws::aws_error::unavailable;
use vitrine_rules::error::Result;

/// Why nothing was written, part by part.
#[derive(Debug, Default)]
pub struct Refused {
    /// Whose conditions did not hold.
    failed: Vec<usize>,
    /// Somebody else was writing the same items.
    is_contended: bool,
}

impl Refused {
    pub fn failed(&self, part: usize) -> bool {
        self.failed.contains(&part)
    }

    pub const fn is_none(&self) -> bool {
        self.failed.is_empty() && !self.is_contended
    }
}

pub fn outcome<R>(
    sent: std::result::Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError, R>>,
) -> Result<Refused> {
    let error = match sent {
        Ok(_) => return Ok(Refused::default()),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            Ok(Refused { failed: Vec::new(), is_contended: true })
        }
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let codes: Vec<_> = cancelled
                .cancellation_reasons()
                .iter()
                .map(|reason| reason.code().unwrap_or("None"))
                .collect();
            let is = |code: &str| {
                let code = code.to_owned();
                codes.iter().enumerate().filter(move |(_, one)| **one == code).map(|(part, _)| part).collect()
            };
            let refused: Refused = Refused {
                failed: is("ConditionalCheckFailed"),
                is_contended: codes.contains(&"TransactionConflict"),
            };
            // Throttled, or something that we do not know: no answer either way.
            if refused.is_none() { Err(unavailable("TransactWriteItems", &error)) } else { Ok(refused) }
        }
        _ => Err(unavailable("TransactWriteItems", &error)),
    }
}
