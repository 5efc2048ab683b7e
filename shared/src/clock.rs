//! The time, which nothing else reads.

use std::time::Duration;

/// Milliseconds since 1970, UTC.
pub type Millis = i64;

/// Where the time comes from: the system, or a test's own clock.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    #[cfg(any(test, feature = "testing"))]
    Paused {
        base_ms: Millis,
        start: tokio::time::Instant,
    },
    #[cfg(any(test, feature = "testing"))]
    Shifted(std::sync::Arc<std::sync::atomic::AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Clock(Source::System)
    }

    /// A clock that stands at `base_ms` and moves with tokio's paused time.
    #[cfg(any(test, feature = "testing"))]
    pub fn paused(base_ms: Millis) -> Self {
        Clock(Source::Paused {
            base_ms,
            start: tokio::time::Instant::now(),
        })
    }

    /// The system's clock, set forward by so many milliseconds as `ahead_ms` says at the moment: for
    /// tests with real sockets, which cannot have their time paused.
    #[cfg(any(test, feature = "testing"))]
    pub fn shifted(ahead_ms: std::sync::Arc<std::sync::atomic::AtomicI64>) -> Self {
        Clock(Source::Shifted(ahead_ms))
    }

    /// Now, in milliseconds since 1970.
    pub fn now_ms(&self) -> Millis {
        match &self.0 {
            Source::System => system_ms(),
            #[cfg(any(test, feature = "testing"))]
            Source::Paused { base_ms, start } => base_ms + start.elapsed().as_millis() as Millis,
            #[cfg(any(test, feature = "testing"))]
            Source::Shifted(ahead_ms) => {
                system_ms() + ahead_ms.load(std::sync::atomic::Ordering::SeqCst)
            }
        }
    }
    /// Waits.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that waits"
    )]
    pub async fn sleep(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }

    /// Waits until `at_ms`, not at all if that has passed.
    pub async fn sleep_until(&self, at_ms: Millis) {
        let wait_ms = at_ms - self.now_ms();
        if wait_ms > 0 {
            self.sleep(Duration::from_millis(wait_ms as u64)).await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the time"
)]
fn system_ms() -> Millis {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as Millis)
}

/// `at_ms` as RFC 3339 in UTC with milliseconds, as GoHighLevel wants its dates.
pub fn rfc3339(at_ms: Millis) -> String {
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000)
        .ok()
        .and_then(|at| at.format(&format).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned())
}

/// Reads an RFC 3339 time.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
        .ok()
        .map(|at| (at.unix_timestamp_nanos() / 1_000_000) as Millis)
}
