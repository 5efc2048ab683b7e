//! 100 requests in 10 seconds and 200 000 a day per app and resource (GHL contract, rate limits).
//! Both spans are scaled, and the headers say the scaled ones.

use std::{collections::VecDeque, time::Duration};

use axum::http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::{clock::Scale, state::State};

const BURST: usize = 100;
const INTERVAL: Duration = Duration::from_secs(10);
const DAILY: u64 = 200_000;
const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(crate) struct Usage {
    recent: VecDeque<Instant>,
    day_began: Instant,
    today: u64,
}

/// Counts a call of a location or company. False when it is one too many; the headers are for
/// either answer.
pub(crate) fn admit(state: &mut State, scale: Scale, resource: &str) -> (bool, HeaderMap) {
    let now = Instant::now();
    let interval = scale.of(INTERVAL);
    let usage = state
        .ghl_usage
        .entry(resource.to_owned())
        .or_insert_with(|| Usage {
            recent: VecDeque::new(),
            day_began: now,
            today: 0,
        });
    while usage
        .recent
        .front()
        .is_some_and(|at| now.duration_since(*at) >= interval)
    {
        usage.recent.pop_front();
    }
    if now.duration_since(usage.day_began) >= scale.of(DAY) {
        usage.day_began = now;
        usage.today = 0;
    }
    let admitted = usage.recent.len() < BURST && usage.today < DAILY;
    if admitted {
        usage.recent.push_back(now);
        usage.today += 1;
    }
    let left = BURST - usage.recent.len();
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    put("x-ratelimit-limit-daily", DAILY.to_string());
    put(
        "x-ratelimit-daily-remaining",
        (DAILY - usage.today).to_string(),
    );
    put(
        "x-ratelimit-interval-milliseconds",
        interval.as_millis().to_string(),
    );
    put("x-ratelimit-max", BURST.to_string());
    put("x-ratelimit-remaining", left.to_string());
    if !admitted {
        *state.ghl_refused.entry(resource.to_owned()).or_default() += 1;
    }
    (admitted, headers)
}
