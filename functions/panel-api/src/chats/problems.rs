//! What the inbox's errors are called outside.

use axum::http::StatusCode;
use greenhub::http::Problem;
use greenhub::http::problems::{bad, conflict, not_found, tables};
use greenhub::inbox::change::ChangeError;
use greenhub::inbox::cursor::BadCursor;
use greenhub::inbox::send::SendError;
use greenhub::inbox::stuck::RetryError;

pub(crate) fn bad_cursor(_: BadCursor) -> Problem {
    bad("bad_cursor", "This is not a place in this list")
}

pub(super) fn unfit(why: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unfit",
        "This cannot be sent as it is",
    )
    .with_detail(why)
}

pub(super) fn opted_out() -> Problem {
    conflict("opted_out", "The person asked not to be written to")
        .with_detail("Somebody of the team can lift that in the conversation's details.")
}

pub(super) fn not_sent(error: SendError) -> Problem {
    match error {
        SendError::NotFound => not_found(),
        SendError::Unfit(why) => unfit(why),
        SendError::OptedOut => opted_out(),
        SendError::CannotSend(why) => {
            conflict("cannot_send", "The number cannot send now").with_detail(why)
        }
        SendError::NothingToQuote => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "nothing_to_quote",
            "That message cannot be answered here",
        ),
        SendError::NoWhatsapp => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "no_whatsapp",
            "Nobody has WhatsApp at this phone",
        ),
        SendError::CannotAsk(why) => {
            tracing::warn!(why, "a phone could not be looked up");
            Problem::try_again().with_detail("WhatsApp cannot be asked now.")
        }
        SendError::Db(error) => tables(&error),
    }
}

pub(super) fn not_changed(error: ChangeError) -> Problem {
    match error {
        ChangeError::NotFound => not_found(),
        ChangeError::TooManyPinned => conflict(
            "too_many_pinned",
            "No more conversations of this number can be pinned",
        ),
        ChangeError::TooManyLabels => {
            bad("too_many_labels", "That is more labels than one can have")
        }
        ChangeError::CannotMerge(why) => {
            conflict("cannot_merge", "These two cannot be one").with_detail(why)
        }
        ChangeError::NotMerged => conflict("not_merged", "The two are not one"),
        ChangeError::Db(error) => tables(&error),
    }
}

pub(crate) fn not_retried(error: RetryError) -> Problem {
    match error {
        RetryError::NotFound => not_found(),
        RetryError::NotStuck => conflict("not_stuck", "Nothing of this message has failed"),
        RetryError::Unclear => conflict("unclear", "Nobody knows whether this message arrived")
            .with_detail("Sent once more, it may be there twice. Say `evenIfTwice` to do so."),
        RetryError::OptedOut => opted_out(),
        RetryError::Db(error) => tables(&error),
    }
}
