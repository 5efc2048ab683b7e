//! When to try again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// How long to wait after the `attempts`-th failed attempt (from 1): 2 s doubling up to 5 minutes.
///
/// Without jitter: every lane waits by itself and the limiter spreads whatever meets.
pub fn delay(attempts: u32) -> Duration {
    nth(attempts, Duration::from_secs(2), Duration::from_secs(300))
}

/// How long to wait before telling GoHighLevel a status again: 2, 4, 8 … s up to 2 minutes (GHL
/// contract, delivery statuses: the message is unknown there for the first seconds).
pub fn status_delay(attempts: u32) -> Duration {
    nth(attempts, Duration::from_secs(2), Duration::from_secs(120))
}

/// How long after the call, or after the last look, the outcome of a send is looked for again.
pub fn look_delay(looks: u32) -> Duration {
    nth(looks, Duration::from_secs(5), Duration::from_secs(120))
}

/// How long to wait after the `attempts`-th attempt at copying a file that came in: 3, 12, 48 s …
/// up to half an hour. Links die within hours, so the first ones come quickly.
pub fn copy_delay(attempts: u32) -> Duration {
    let factor = 4_u32.saturating_pow(attempts.saturating_sub(1));
    Duration::from_secs(3)
        .saturating_mul(factor)
        .min(Duration::from_secs(1800))
}

/// The same for one that an agent attached: a conversation waits for it.
pub fn hand_over_delay(attempts: u32) -> Duration {
    nth(attempts, Duration::from_secs(2), Duration::from_secs(60))
}

/// How long to wait before a sub-account's tokens are asked for again: 1, 2, 4 … minutes up to 6
/// hours.
pub fn member_delay(attempts: u32) -> Duration {
    nth(
        attempts,
        Duration::from_secs(60),
        Duration::from_secs(6 * 3600),
    )
}

fn nth(n: u32, min: Duration, max: Duration) -> Duration {
    ExponentialBuilder::new()
        .with_min_delay(min)
        .with_max_delay(max)
        .without_max_times()
        .build()
        .nth(n.saturating_sub(1).min(32) as usize)
        .unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_longest() {
        let check = |attempts, seconds| assert_eq!(delay(attempts).as_secs(), seconds);
        check(0, 2);
        check(1, 2);
        check(2, 4);
        check(5, 32);
        check(9, 300);
        check(u32::MAX, 300);
    }

    #[test]
    fn copies_are_tried_over_an_hour() {
        let all: Vec<_> = (1..=7).map(|n| copy_delay(n).as_secs()).collect();
        assert_eq!(all, [3, 12, 48, 192, 768, 1800, 1800]);
        assert_eq!(copy_delay(u32::MAX).as_secs(), 1800);
    }
}
