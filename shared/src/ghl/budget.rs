//! How many requests GoHighLevel still takes, as its answers tell.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The `X-RateLimit-*` headers of one answer; per app and location (GHL contract, rate limits).
/// A header that is missing or no number is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateBudget {
    /// Requests in one interval.
    pub max: Option<u64>,
    /// Requests left in this interval.
    pub remaining: Option<u64>,
    /// The interval.
    pub interval: Option<Duration>,
    /// Requests in one day.
    pub daily_limit: Option<u64>,
    /// Requests left today.
    pub daily_remaining: Option<u64>,
}

impl RateBudget {
    /// Reads the headers.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        Self {
            max: number("x-ratelimit-max"),
            remaining: number("x-ratelimit-remaining"),
            interval: number("x-ratelimit-interval-milliseconds").map(Duration::from_millis),
            daily_limit: number("x-ratelimit-limit-daily"),
            daily_remaining: number("x-ratelimit-daily-remaining"),
        }
    }
}

/// `Retry-After` in seconds, at most a day. Not documented for GoHighLevel, but what stands before
/// it may send one; the form with a date is not used by anybody there.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(24 * 60 * 60)))
}
