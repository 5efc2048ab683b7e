//! Time: the wall clock for stamps and one scale for every pause.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a stand-in for other people's servers stamps what it does with the real time"
)]
pub(crate) fn now_ms() -> i64 {
    let nanos = OffsetDateTime::now_utc().unix_timestamp_nanos();
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

/// `2026-11-20T12:00:01.250Z`, the form of every date in GHL's bodies.
pub(crate) fn iso(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Reads an ISO 8601 date with a zone, or milliseconds written as digits.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse() {
        return Some(ms);
    }
    let t = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(t.unix_timestamp_nanos() / 1_000_000).ok()
}

/// What `SANDBOX_TIME_SCALE` does: 0.01 makes a pause of a minute one of 600 ms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale(pub(crate) f64);

impl Scale {
    pub(crate) fn of(self, real: Duration) -> Duration {
        real.mul_f64(self.0.max(0.0))
    }

    /// The scaled duration in whole milliseconds.
    pub(crate) fn ms(self, real: Duration) -> i64 {
        i64::try_from(self.of(real).as_millis()).unwrap_or(i64::MAX)
    }

    pub(crate) async fn sleep(self, real: Duration) {
        sleep(self.of(real)).await;
    }
}

/// A pause that is not scaled (a fault's `delay_ms`).
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the sandbox that really waits"
)]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
