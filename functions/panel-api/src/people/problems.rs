//! What refusals about people are called outside.

use axum::http::StatusCode;
use greenhub::account::code_sender::NotSent;
use greenhub::account::people::{BadField, PeopleError};
use greenhub::account::second_step::StepError;
use greenhub::account::setup::SetupError;
use greenhub::account::sign_in::SignInError;
use greenhub::domain::rights::GrantError;
use greenhub::http::Problem;
use greenhub::http::problems::{bad, conflict, forbidden, not_found, tables};

/// Some fields cannot be as they were typed; the member `fields` says which and why.
pub(super) fn bad_fields(fields: &[BadField]) -> Problem {
    let fields = serde_json::to_value(fields).unwrap_or_default();
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_fields",
        "Something of what was typed cannot be right",
    )
    .with_member("fields", fields)
}

pub(super) fn not_changed(error: PeopleError) -> Problem {
    match error {
        PeopleError::NotFound => not_found(),
        PeopleError::NotManager => forbidden(
            "manager_needed",
            "Only somebody who manages people may do this",
        ),
        PeopleError::Grant(GrantError::Lacking(right)) => {
            let title = "Nobody gives a right that they do not have";
            forbidden("not_yours_to_grant", title).with_member("right", right.as_str())
        }
        PeopleError::Grant(GrantError::OfAnOwner) => {
            forbidden("owner_needed", "Only an owner changes an owner")
        }
        PeopleError::Yourself => bad("yourself", "Nobody does this to themselves"),
        PeopleError::LastOwner => conflict("last_owner", "Somebody has to own the workspace"),
        PeopleError::FromCrm => conflict(
            "from_crm",
            "The person comes from GoHighLevel, which says what they are called and may do",
        ),
        PeopleError::Fields(fields) => bad_fields(&fields),
        PeopleError::Db(error) => tables(&error),
    }
}

pub(super) fn not_set_up(error: SetupError) -> Problem {
    match error {
        SetupError::Over => Problem::new(
            StatusCode::GONE,
            "link_over",
            "The link was used, replaced, or is too old",
        )
        .with_detail("Ask whoever gave it to you for another one."),
        SetupError::HasOwner => conflict("has_owner", "The workspace has an owner already"),
        SetupError::NoWorkspace => not_found(),
        SetupError::Fields(fields) => bad_fields(&fields),
        SetupError::Db(error) => tables(&error),
    }
}

pub(super) fn not_in(error: SignInError, bot: Option<&str>) -> Problem {
    match error {
        SignInError::Wrong => Problem::new(
            StatusCode::UNAUTHORIZED,
            "wrong_password",
            "The name or the password is wrong",
        ),
        SignInError::ShutOut => forbidden("shut_out", "This account is switched off")
            .with_detail("Ask somebody who manages people in your workspace."),
        SignInError::TooMany { wait_ms } => too_many(wait_ms),
        SignInError::NotReached(why) => not_reached(why, bot),
        SignInError::TooSoon { wait_ms } => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "code_sent_already",
            "A code was sent already",
        )
        .with_retry_after(seconds(wait_ms)),
        SignInError::WrongCode { tries_left } => {
            Problem::new(StatusCode::UNAUTHORIZED, "wrong_code", "The code is wrong")
                .with_member("triesLeft", tries_left)
        }
        SignInError::Over => Problem::new(
            StatusCode::UNAUTHORIZED,
            "challenge_over",
            "The time or the tries for the code are over",
        )
        .with_detail("Begin with the password again."),
        SignInError::Unusable => unusable(),
        SignInError::Db(error) => tables(&error),
    }
}

fn too_many(wait_ms: i64) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_tries",
        "Too many tries in a quarter of an hour",
    )
    .with_retry_after(seconds(wait_ms))
}

/// A code could not be sent; what to do about it depends on why.
pub(super) fn not_reached(why: NotSent, bot: Option<&str>) -> Problem {
    let title = "The code could not be sent by Telegram";
    match (why, bot) {
        (NotSent::MayNotWrite, Some(bot)) => conflict("bot_may_not_write", title)
            .with_detail(format!(
                "Open @{bot} in Telegram, press Start, then try again."
            ))
            .with_member("botUrl", format!("https://t.me/{bot}")),
        (NotSent::MayNotWrite, None) => conflict("bot_may_not_write", title)
            .with_detail("Open the bot in Telegram, press Start, then try again."),
        (NotSent::NoBot, _) => conflict("no_bot", title).with_detail(
            "No bot is set up. Ask somebody who manages people to reset your second step.",
        ),
        (NotSent::Unavailable, _) => {
            Problem::try_again().with_detail("Telegram does not answer now.")
        }
    }
}

pub(super) fn step_not_changed(error: StepError) -> Problem {
    match error {
        StepError::WrongCode => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "wrong_code",
            "The code is wrong",
        )
        .with_detail("The clock of the phone may be wrong."),
        StepError::NothingNew => conflict("nothing_new", "There is no new secret to be proved"),
        StepError::Required => conflict(
            "second_step_required",
            "This workspace asks everybody for a second step",
        ),
        StepError::NotThere => conflict("not_set_up", "There is no such second step"),
        StepError::Unusable => unusable(),
        StepError::Db(error) => tables(&error),
    }
}

fn unusable() -> Problem {
    tracing::error!("a person's secret for codes cannot be used");
    Problem::try_again()
}

fn seconds(wait_ms: i64) -> u32 {
    u32::try_from(wait_ms.div_euclid(1000) + 1).unwrap_or(900)
}
