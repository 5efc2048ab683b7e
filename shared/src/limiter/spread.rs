//! J: the spread of the latency to a provider, as this process sees it.
//!
//! A provider counts calls when they arrive, and calls that departed evenly arrive unevenly. How
//! unevenly is measured by what a caller can see: from the request to the first of the answer, of
//! which the provider's own work and the way back are a part. So the spread that is measured is
//! never less than the one that counts, and a provider that gets slower is called less often.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Millis;
use crate::telemetry::{self, Unit};

/// How many calls count: the last ones of a process, some minutes of a busy one.
const WINDOW: usize = 128;

/// Fewer calls say nothing about a spread.
const ENOUGH: usize = 20;

/// No network is so even that a smaller spread could be trusted.
const LEAST_S: f64 = 0.02;

/// A spread that is greater is a provider in trouble, which other means deal with.
const MOST_S: f64 = 1.0;

/// How often a process tells the spread as a metric, milliseconds.
const TELL_EVERY_MS: Millis = 60_000;

/// The spread of the latency to one provider. Clones share what they see.
#[derive(Clone, Debug)]
pub struct Spread {
    provider: &'static str,
    assumed_s: f64,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    took: VecDeque<Duration>,
    told_ms: Millis,
}

impl Spread {
    /// Of the provider of this name; `assumed_s` until enough was seen, seconds.
    pub fn new(provider: &'static str, assumed_s: f64) -> Self {
        Spread {
            provider,
            assumed_s,
            seen: Arc::default(),
        }
    }

    /// A call was answered after this time.
    pub fn note(&self, took: Duration) {
        let mut seen = self.seen();
        if seen.took.len() == WINDOW {
            seen.took.pop_front();
        }
        seen.took.push_back(took);
    }

    /// The spread in seconds: between the quickest call and the slowest but for one in a hundred.
    pub fn j_s(&self) -> f64 {
        self.measured_s().unwrap_or(self.assumed_s)
    }

    fn measured_s(&self) -> Option<f64> {
        let mut took: Vec<Duration> = self.seen().took.iter().copied().collect();
        if took.len() < ENOUGH {
            return None;
        }
        took.sort_unstable();
        let slowest = took[(took.len() - 1) * 99 / 100];
        Some((slowest - took[0]).as_secs_f64().clamp(LEAST_S, MOST_S))
    }

    /// Tells the spread as the metric `LatencySpread`, once a minute at most and not before it was
    /// measured.
    pub fn tell(&self, now_ms: Millis) {
        let Some(j_s) = self.measured_s() else {
            return;
        };
        let mut seen = self.seen();
        if now_ms - seen.told_ms < TELL_EVERY_MS {
            return;
        }
        seen.told_ms = now_ms;
        drop(seen);
        let of = [("Provider", self.provider)];
        telemetry::metric(
            now_ms,
            "LatencySpread",
            j_s * 1000.0,
            Unit::Milliseconds,
            &of,
        );
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_what_most_calls_differ_by() {
        let check = |took_ms: &[u64], expect_s: f64| {
            let spread = Spread::new("test", 0.1);
            for ms in took_ms {
                spread.note(Duration::from_millis(*ms));
            }
            let got = spread.j_s();
            assert!((got - expect_s).abs() < 1e-9, "{took_ms:?}: {got}");
        };
        check(&[], 0.1);
        check(&[50; 19], 0.1);
        check(&[50; 20], LEAST_S);
        let even: Vec<u64> = (0..100).map(|n| 50 + n).collect();
        check(&even, 0.098);
        // One slow call among a hundred is not the rule.
        let mut one_slow = vec![50; 100];
        one_slow.push(9_000);
        check(&one_slow, LEAST_S);
        let mut many_slow = vec![50; 100];
        many_slow.extend([9_000; 10]);
        check(&many_slow, MOST_S);
        // What was slow long ago does not count any more.
        many_slow.extend([50; WINDOW]);
        check(&many_slow, LEAST_S);
    }

    #[test]
    fn clones_see_the_same() {
        let spread = Spread::new("test", 0.1);
        let clone = spread.clone();
        for n in 0..100 {
            clone.note(Duration::from_millis(n));
        }
        assert!(spread.j_s() < 0.1);
    }
}
