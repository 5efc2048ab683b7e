//! The problems that many routes have in common.

use axum::http::StatusCode;

use super::Problem;
use crate::store::db::DbError;

/// Whatever is not there, or not the caller's.
pub fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing")
}

/// What was asked for cannot be right.
pub fn bad(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, title)
}

/// What was typed cannot be right; the words say what of it.
pub fn bad_input(code: &'static str, why: impl ToString) -> Problem {
    bad(code, "Something of what was typed cannot be right").with_detail(why.to_string())
}

/// Not as things stand.
pub fn conflict(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}

/// Not for this caller.
pub fn forbidden(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, title)
}

/// The tables do not answer.
pub fn tables(error: &DbError) -> Problem {
    tracing::error!(%error, "a request failed");
    Problem::try_again()
}
