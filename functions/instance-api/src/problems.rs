//! What the accounts' errors are called outside.

use axum::http::StatusCode;
use greenhub::account::numbers::{
    AccessError, AddError, AskError, BadInput, RemoveError, ReplaceError, Unusable,
};
use greenhub::domain::auto_reply::BadAutoReply;
use greenhub::http::Problem;
pub(crate) use greenhub::http::problems::{bad, bad_input, conflict, not_found, tables};

/// The number cannot do that in its state.
pub(crate) fn not_now(why: impl Into<String>) -> Problem {
    conflict("not_now", "The number cannot do that now").with_detail(why)
}

fn unusable(error: Unusable) -> Problem {
    tracing::error!(%error, "a number cannot be used");
    Problem::try_again()
}

pub(crate) fn typed(error: BadInput) -> Problem {
    let code = match error {
        BadInput::IdInstance => "bad_instance_id",
        BadInput::Token => "bad_token",
        BadInput::Name => "bad_name",
        BadInput::Address => "bad_address",
    };
    bad_input(code, error)
}

pub(crate) fn bad_auto_reply(error: BadAutoReply) -> Problem {
    let code = match error {
        BadAutoReply::NoText => "auto_reply_without_text",
        _ => "bad_auto_reply",
    };
    let title = "The number cannot answer by itself like that";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, title).with_detail(error.to_string())
}

pub(crate) fn not_added(error: AddError) -> Problem {
    match error {
        AddError::NotAuthorised => bad(
            "authorization_needed",
            "The app has to be authorised in this sub-account first",
        )
        .with_detail("Install the app again in GoHighLevel, then add the number."),
        AddError::Taken { number } => {
            conflict("instance_taken", "This workspace has the instance already")
                .with_member("id", number.to_string())
        }
        AddError::Elsewhere => conflict("instance_elsewhere", "Another workspace has the instance")
            .with_detail("It can be transferred. Its conversations stay where they are."),
        AddError::WebhookElsewhere { host } => conflict(
            "webhook_elsewhere",
            "Another system gets the instance's notifications",
        )
        .with_detail("It gets none any more once the number is added; removing it puts that right.")
        .with_member("host", host),
        AddError::Access(error) => not_accepted(error),
        AddError::Db(error) => tables(&error),
        AddError::Unusable(error) => unusable(error),
    }
}

fn not_accepted(error: AccessError) -> Problem {
    match error {
        AccessError::Credentials => bad(
            "invalid_credentials",
            "GREEN-API does not accept the id with this token",
        ),
        AccessError::Expired => bad("instance_expired", "The instance is not paid for")
            .with_detail("GREEN-API says so of a new one, too, for up to five minutes."),
        AccessError::Deleted => bad("instance_deleted", "The instance was deleted at GREEN-API"),
        AccessError::Refused(words) => {
            bad("refused_by_provider", "GREEN-API refuses the instance").with_detail(words)
        }
        AccessError::TryAgain(error) => {
            tracing::warn!(%error, "an instance could not be tried");
            Problem::try_again()
                .with_detail("GREEN-API does not answer now; what was typed may be right.")
        }
    }
}

pub(crate) fn not_replaced(error: ReplaceError) -> Problem {
    match error {
        ReplaceError::NotFound => not_found(),
        ReplaceError::Access(error) => not_accepted(error),
        ReplaceError::Db(error) => tables(&error),
        ReplaceError::Unusable(error) => unusable(error),
    }
}

pub(crate) fn not_removed(error: RemoveError) -> Problem {
    match error {
        RemoveError::NotFound => not_found(),
        RemoveError::Db(error) => tables(&error),
    }
}

pub(crate) fn not_asked(error: AskError) -> Problem {
    match error {
        AskError::NotFound => not_found(),
        AskError::Stopped(why) => conflict(
            "instance_unusable",
            "Nothing can be done with the instance at GREEN-API",
        )
        .with_detail(why.text())
        .with_member("reason", why.as_str()),
        AskError::TooSoon { wait_ms } => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "cool_down",
            "That was asked for less than a minute ago",
        )
        .with_retry_after(u32::try_from(wait_ms / 1000 + 1).unwrap_or(60)),
        AskError::AlreadyLinked => {
            conflict("already_linked", "A phone is linked to the number already")
        }
        AskError::NotNow(words) => not_now(words),
        AskError::TryAgain(error) => {
            tracing::warn!(%error, "GREEN-API was asked in vain");
            Problem::try_again().with_detail("GREEN-API does not answer now.")
        }
        AskError::Db(error) => tables(&error),
        AskError::Unusable(error) => unusable(error),
    }
}
