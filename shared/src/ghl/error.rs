//! What a call to GoHighLevel can end in: one variant for each thing a caller does differently.
//!
//! GoHighLevel's status codes do not say enough: a 401 can be an expired token or a missing scope,
//! a 403 another tenant or "not yet", a 400 a deleted contact. The texts decide (GHL contract,
//! hosts and headers, OAuth, statuses). No variant holds a token, a message's text or a phone.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::budget::RateBudget;

/// Why a call has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GhlError {
    /// The request never left: no address, no connection, no TLS. Safe to try again.
    #[error("GoHighLevel could not be reached")]
    NotSent,
    /// The access token has expired or is not one. Refresh once, then try again once.
    #[error("GoHighLevel does not take the access token: {0}")]
    Unauthorized(Said),
    /// The conversation provider that we named is not one of the location's. Look which it has.
    #[error("the location does not have this conversation provider: {0}")]
    WrongProvider(Said),
    /// The app is set up wrongly: a scope, the class of the token, the API version. Neither a refresh nor another try helps; a person has to look.
    #[error("the app is not set up as GoHighLevel needs it: {0}")]
    Misconfigured(Said),
    /// The token is of another location. A bug of ours or an attack: nothing is retried.
    #[error("the token has no access to this location: {0}")]
    OtherTenant(Said),
    /// GoHighLevel does not know the message as ours *yet*; for 10 seconds or more after it was
    /// delivered to us. Try again later. This is no matter of tokens.
    #[error("GoHighLevel does not know the message yet: {0}")]
    NotYet(Said),
    /// The contact, the message or the conversation is not there any more. Look it up anew.
    #[error("it is not there any more: {0}")]
    Gone(Said),
    /// Too many requests; nothing was done. Everybody's schedule has to give way.
    #[error("GoHighLevel asks to slow down")]
    RateLimited {
        /// How long, if it was told.
        retry_after: Option<Duration>,
        /// The day's requests are used up: waiting for seconds does not help.
        daily: bool,
    },
    /// GoHighLevel will not take this request however often it comes.
    #[error("GoHighLevel refused with {status}: {said}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its reason.
        said: Said,
    },
    /// GoHighLevel or something before it is in trouble (5xx, 408). It may have done what was
    /// asked: look before trying again.
    #[error("GoHighLevel is in trouble ({status}): {said}")]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// Its reason.
        said: Said,
    },
    /// The request left and no whole answer came: a timeout, or the connection was cut. It may
    /// have been done: look before trying again.
    #[error("GoHighLevel's answer was lost")]
    Ambiguous,
    /// A success without the id of a message: nothing was stored. That is how an extra channel
    /// answers when it does not like the provider's id.
    #[error("GoHighLevel says that it took the message, but stored none")]
    NotStored,
    /// A success that cannot be read (a page instead of JSON, fields of other types). What was
    /// asked has most likely been done: look before trying again.
    #[error("GoHighLevel's answer ({status}) cannot be read")]
    Unreadable {
        /// HTTP status.
        status: u16,
    },
    /// The refresh token was used, is too old, or was never one (`invalid_grant`). Read the stored
    /// one again; if it is the same, the location has to be connected anew.
    #[error("invalid_grant: the location has to be connected anew")]
    InvalidGrant,
    /// The location is paused. The same refresh token works again when it is not.
    #[error("the location is paused in GoHighLevel")]
    LocationInactive,
    /// The code of an installation was used, has expired, or was never one.
    #[error("the installation's code is not valid (any more)")]
    BadCode,
}

impl GhlError {
    /// Whether the request may have been carried out although there is no usable answer. Asking
    /// for the same thing again without a look could then do it twice.
    pub fn may_have_been_done(&self) -> bool {
        matches!(
            self,
            GhlError::Unavailable { .. } | GhlError::Ambiguous | GhlError::Unreadable { .. }
        )
    }
}

/// What GoHighLevel said about an error: for people, not for decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// At most 300 characters, phones, mail addresses and long words taken out; empty if it said
    /// nothing.
    pub message: String,
    /// What its support asks for.
    pub trace_id: Option<String>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = if self.message.is_empty() {
            "(no reason given)"
        } else {
            &self.message
        };
        f.write_str(message)?;
        match &self.trace_id {
            Some(trace_id) => write!(f, " (trace {trace_id})"),
            None => Ok(()),
        }
    }
}

/// Which kind of endpoint answered: the token endpoint has words of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Api,
    Token,
}

/// The meaning of an answer that is no success.
pub(super) fn classify(
    endpoint: Endpoint,
    status: StatusCode,
    retry_after: Option<Duration>,
    budget: &RateBudget,
    body: &[u8],
) -> GhlError {
    let (raw, said) = read(body);
    let raw = raw.to_lowercase();
    let says = |part: &str| raw.contains(part);
    let status_code = status.as_u16();

    if status == StatusCode::TOO_MANY_REQUESTS {
        let daily = budget.daily_remaining == Some(0);
        let interval = budget.interval.filter(|_| !daily);
        return GhlError::RateLimited {
            retry_after: retry_after.or(interval),
            daily,
        };
    }
    if says("location is not active") {
        return GhlError::LocationInactive;
    }
    // Answered with 400 and with 500.
    if says("conversationprovider") {
        return GhlError::WrongProvider(said);
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return GhlError::Unavailable {
            status: status_code,
            said,
        };
    }
    if endpoint == Endpoint::Token {
        if says("invalid grant") || says("invalid_grant") {
            return GhlError::InvalidGrant;
        }
        if says("authorization code") {
            return GhlError::BadCode;
        }
        if status == StatusCode::UNAUTHORIZED {
            return GhlError::Misconfigured(said);
        }
    }
    // 403 since June 2025, 401 before.
    if says("no conversation provider found") {
        return GhlError::NotYet(said);
    }
    let setup = [
        "this scope",
        "authclass",
        "user type mismatch",
        "version header",
        "api version",
    ];
    if status.is_client_error() && setup.iter().any(|part| says(part)) {
        return GhlError::Misconfigured(said);
    }
    match status {
        StatusCode::UNAUTHORIZED => GhlError::Unauthorized(said),
        StatusCode::FORBIDDEN if says("access") => GhlError::OtherTenant(said),
        // The path does not exist in this version of the API.
        StatusCode::NOT_FOUND if raw.starts_with("cannot ") && says(" /") => {
            GhlError::Misconfigured(said)
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => GhlError::Gone(said),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
            if says("not found") || says("does not exist") || says("deleted") =>
        {
            GhlError::Gone(said)
        }
        _ => GhlError::Refused {
            status: status_code,
            said,
        },
    }
}

/// The text as it came, for decisions, and what of it may be shown.
fn read(body: &[u8]) -> (String, Said) {
    // A page from something in between: its text is no reason.
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Default::default();
    };
    // `v3` puts everything under `error`.
    let inner = body
        .get("error")
        .filter(|error| error.is_object())
        .unwrap_or(&body);
    let words = ["message", "error_description", "error", "msg"]
        .iter()
        .filter_map(|key| match inner.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                Some(items.join("; "))
            }
            _ => None,
        })
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>();
    let trace_id = ["traceId", "trace_id"]
        .iter()
        .find_map(|key| inner.get(key).or(body.get(key))?.as_str())
        .filter(|id| super::id::is_id(id))
        .map(str::to_owned);
    let message = words
        .first()
        .map(|text| presentable(text))
        .unwrap_or_default();
    (words.join("; "), Said { message, trace_id })
}

/// Takes out what must not be shown: mail addresses, words as long as tokens, and phones however
/// they are written.
fn presentable(text: &str) -> String {
    const MAX_WORD: usize = 64;
    let words = text.split_whitespace().map(|word| {
        if word.len() > MAX_WORD || word.contains('@') {
            "…"
        } else {
            word
        }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from_digit) = rest.split_at(start);
        let end = from_digit
            .find(|c: char| !c.is_ascii_digit() && !" -().+".contains(c))
            .unwrap_or(from_digit.len());
        let end = from_digit[..end]
            .trim_end_matches(|c: char| !c.is_ascii_digit())
            .len();
        let (run, after) = from_digit.split_at(end);
        out.push_str(before);
        if run.bytes().filter(u8::is_ascii_digit).count() >= 7 {
            out.push('…');
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out.push_str(rest);
    out.chars().take(300).collect()
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
