//! How failures of AWS are put into words.
//!
//! There is no error type for the whole crate: each boundary has its own, with one variant for each
//! thing that a caller does differently.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// What went wrong, for logs: the service's code and message if it answered. Those name attributes,
/// limits and resources, and no values of ours.
pub fn aws_words<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be built".to_owned(),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "the connection failed".to_owned(),
        SdkError::ResponseError(_) => "an unreadable answer".to_owned(),
        SdkError::ServiceError(refusal) => {
            let code = refusal.err().code().unwrap_or("no code");
            format!(
                "{code}: {}",
                refusal.err().message().unwrap_or("no message")
            )
        }
        _ => "an unknown failure".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    use super::*;

    #[test]
    fn a_failure_is_told_in_few_words() {
        let check = |error: SdkError<GetItemError, ()>, expect: &str| {
            assert_eq!(aws_words(&error), expect);
        };
        let refusal = |metadata| SdkError::service_error(GetItemError::generic(metadata), ());
        let metadata = ErrorMetadata::builder()
            .code("Slow")
            .message("down")
            .build();
        check(refusal(metadata), "Slow: down");
        check(
            refusal(ErrorMetadata::builder().build()),
            "no code: no message",
        );
        check(SdkError::timeout_error("the address"), "no answer in time");
        check(
            SdkError::response_error("the body", ()),
            "an unreadable answer",
        );
        check(
            SdkError::construction_failure("the value"),
            "the request could not be built",
        );
    }
}
