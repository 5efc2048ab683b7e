//! What DynamoDB's refusals mean to us.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;

use crate::error::aws_words;
use crate::store::db::{DbError, Table};

const CONDITION: &str = "ConditionalCheckFailed";

/// A refused read, or a refused write of one row.
pub(super) fn of_one<E, R>(table: Table, what: &'static str, error: &SdkError<E, R>) -> DbError
where
    E: ProvideErrorMetadata,
{
    let why = aws_words(error);
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match (error, code) {
        (SdkError::ConstructionFailure(_), _) => DbError::Malformed { what, why },
        (_, Some("ConditionalCheckFailedException")) => DbError::Condition { failed: vec![0] },
        (_, Some("TransactionConflictException" | "TransactionInProgressException")) => {
            DbError::Conflict
        }
        (
            _,
            Some(
                "ValidationException"
                | "SerializationException"
                | "ItemCollectionSizeLimitExceededException"
                | "IdempotentParameterMismatchException",
            ),
        ) => DbError::Malformed { what, why },
        _ => DbError::Unavailable { table, why },
    }
}

/// A refused transaction. `places` are those that its writes have in the caller's list.
pub(super) fn of_several<R>(
    table: Table,
    places: &[usize],
    error: &SdkError<TransactWriteItemsError, R>,
) -> DbError {
    let canceled = error.as_service_error().and_then(|refusal| match refusal {
        TransactWriteItemsError::TransactionCanceledException(canceled) => Some(canceled),
        _ => None,
    });
    match canceled {
        Some(canceled) => of_reasons(table, places, canceled.cancellation_reasons()),
        None => of_one(table, "a transaction", error),
    }
}

/// A condition that did not hold outweighs the rest: trying again as it is cannot help then.
fn of_reasons(table: Table, places: &[usize], reasons: &[CancellationReason]) -> DbError {
    let failed: Vec<usize> = reasons
        .iter()
        .zip(places)
        .filter(|(reason, _)| reason.code() == Some(CONDITION))
        .map(|(_, place)| *place)
        .collect();
    if !failed.is_empty() {
        return DbError::Condition { failed };
    }
    let with = |codes: &[&str]| {
        reasons
            .iter()
            .find(|reason| reason.code().is_some_and(|code| codes.contains(&code)))
    };
    let why = |reason: &CancellationReason| {
        let code = reason.code().unwrap_or_default();
        format!("{code}: {}", reason.message().unwrap_or_default())
    };
    if let Some(reason) = with(&["ValidationError", "ItemCollectionSizeLimitExceeded"]) {
        return DbError::Malformed {
            what: "a transaction",
            why: why(reason),
        };
    }
    if with(&["TransactionConflict", "TransactionInProgress"]).is_some() {
        return DbError::Conflict;
    }
    let other = reasons
        .iter()
        .find(|reason| !matches!(reason.code(), None | Some("None")));
    let why = other.map_or_else(|| "canceled without a reason".to_owned(), why);
    DbError::Unavailable { table, why }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::put_item::PutItemError;

    use super::*;

    /// The variant alone; the words are the service's.
    fn kind(error: &DbError) -> String {
        match error {
            DbError::Condition { failed } => format!("condition {failed:?}"),
            DbError::Conflict => "conflict".to_owned(),
            DbError::Unavailable { .. } => "unavailable".to_owned(),
            DbError::Malformed { .. } => "malformed".to_owned(),
        }
    }

    #[test]
    fn a_refused_write_says_what_to_do() {
        let check = |code: &str, expect: &str| {
            let refusal = PutItemError::generic(ErrorMetadata::builder().code(code).build());
            let error = SdkError::service_error(refusal, ());
            assert_eq!(
                kind(&of_one(Table::Chats, "a write", &error)),
                expect,
                "{code}"
            );
        };
        check("ConditionalCheckFailedException", "condition [0]");
        check("TransactionConflictException", "conflict");
        check("TransactionInProgressException", "conflict");
        check("ValidationException", "malformed");
        check("SerializationException", "malformed");
        check("ThrottlingException", "unavailable");
        check("ProvisionedThroughputExceededException", "unavailable");
        check("RequestLimitExceeded", "unavailable");
        check("InternalServerError", "unavailable");
        check("ResourceNotFoundException", "unavailable");
        check("AccessDeniedException", "unavailable");
    }

    #[test]
    fn what_never_came_back_is_unavailable() {
        let check = |error: SdkError<PutItemError, ()>, expect: &str| {
            assert_eq!(
                kind(&of_one(Table::Chats, "a write", &error)),
                expect,
                "{error:?}"
            );
        };
        check(SdkError::timeout_error("late"), "unavailable");
        check(SdkError::response_error("cut off", ()), "unavailable");
        check(SdkError::construction_failure("no table"), "malformed");
    }

    #[test]
    fn a_canceled_transaction_names_the_writes_that_failed() {
        let check = |codes: &[&str], expect: &str| {
            let reasons: Vec<_> = codes
                .iter()
                .map(|code| CancellationReason::builder().code(*code).build())
                .collect();
            let error = of_reasons(Table::Chats, &[0, 2, 5], &reasons);
            assert_eq!(kind(&error), expect, "{codes:?}");
        };
        check(
            &["None", "ConditionalCheckFailed", "ConditionalCheckFailed"],
            "condition [2, 5]",
        );
        check(
            &["TransactionConflict", "ConditionalCheckFailed", "None"],
            "condition [2]",
        );
        check(&["TransactionConflict", "None", "None"], "conflict");
        check(
            &["TransactionConflict", "ThrottlingError", "None"],
            "conflict",
        );
        check(&["None", "ThrottlingError", "None"], "unavailable");
        check(
            &["None", "ProvisionedThroughputExceeded", "None"],
            "unavailable",
        );
        check(&["None", "None", "ValidationError"], "malformed");
        check(&[], "unavailable");
    }
}
