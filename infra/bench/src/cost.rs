//! What a million messages cost at AWS's list prices, and what of it dominates.

use crate::legs::{Leg, Legs, Use, total};
use crate::table::Row;

/// US dollars for a million, in the region us-east-1 on arm64, beyond the free tier and before any
/// discount. docs/benchmarks.md names the pages.
mod price {
    /// Write request units of DynamoDB on demand.
    pub(super) const WRITE_UNITS: f64 = 0.625;
    /// Read request units of DynamoDB on demand.
    pub(super) const READ_UNITS: f64 = 0.125;
    /// Requests to a standard queue of SQS.
    pub(super) const QUEUE_REQUESTS: f64 = 0.40;
    /// Requests to an HTTP API of API Gateway.
    pub(super) const HTTP_REQUESTS: f64 = 1.00;
    /// Runs of a Lambda function.
    pub(super) const RUNS: f64 = 0.20;
    /// Seconds of a Lambda function that has a GB of memory.
    pub(super) const GB_SECONDS: f64 = 13.3334;
}

/// A wake-up is sent, received and deleted, each by itself: so it is while queues are short.
const REQUESTS_PER_WAKE_UP: f64 = 3.0;

/// What the template gives every function.
const MEMORY_MB: f64 = 256.0;

/// With so much memory a function has a whole processor, with less a part of one (Lambda developer
/// guide, memory).
const MB_PER_CPU: f64 = 1769.0;

const MOST_INBOUND: f64 = 10.0;
const MOST_OUTBOUND: f64 = 13.0;

/// The CPU time of all functions for one message, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CpuMs {
    pub(crate) inbound: f64,
    pub(crate) outbound: f64,
}

/// US dollars for a million messages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bill {
    writes: f64,
    indexes: f64,
    reads: f64,
    http: f64,
    queues: f64,
    functions: f64,
}

impl Bill {
    /// Of what was used. The time of functions is their CPU time alone: while they wait for an
    /// answer they are billed, too.
    fn new(of: &Use, cpu_ms: f64) -> Self {
        let n = |n: u64| n as f64;
        let billed_s = cpu_ms / 1000.0 * (MB_PER_CPU / MEMORY_MB);
        Bill {
            writes: n(of.calls.write_units) * price::WRITE_UNITS,
            indexes: n(of.calls.index_units) * price::WRITE_UNITS,
            reads: n(of.calls.half_read_units) / 2.0 * price::READ_UNITS,
            http: n(of.requests) * price::HTTP_REQUESTS,
            queues: n(of.calls.wake_ups) * REQUESTS_PER_WAKE_UP * price::QUEUE_REQUESTS,
            functions: n(of.runs) * price::RUNS
                + billed_s * (MEMORY_MB / 1024.0) * price::GB_SECONDS,
        }
    }

    fn parts(self) -> [(&'static str, f64); 6] {
        [
            ("rows written", self.writes),
            ("indexes written", self.indexes),
            ("rows read", self.reads),
            ("API Gateway", self.http),
            ("queues", self.queues),
            ("functions", self.functions),
        ]
    }

    fn total(self) -> f64 {
        self.parts().iter().map(|(_, dollars)| dollars).sum()
    }

    /// The sum and its parts, the largest first.
    fn in_words(self) -> String {
        let mut parts = self.parts();
        parts.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let parts = parts.map(|(name, dollars)| format!("{name} {dollars:.2}"));
        format!("${:.2}: {}", self.total(), parts.join(", "))
    }
}

/// The rows about money.
pub(crate) fn rows(legs: &Legs, cpu_ms: CpuMs) -> Vec<Row> {
    let mut rows = vec![
        row(
            "a million texts into known chats",
            MOST_INBOUND,
            Bill::new(&total(&legs.inbound), cpu_ms.inbound),
        ),
        row(
            "a million answers with their echoes and three statuses",
            MOST_OUTBOUND,
            Bill::new(&total(&legs.outbound), cpu_ms.outbound),
        ),
    ];
    let legs = legs.inbound.iter().chain(&legs.outbound);
    rows.extend(legs.map(step));
    rows
}

fn row(what: &str, most: f64, bill: Bill) -> Row {
    Row::goal(
        format!("{what}, at least"),
        format!("at most ${most:.0}"),
        bill.in_words(),
        bill.total() <= most,
    )
}

/// One step of the way, without the time of its function.
fn step(leg: &Leg) -> Row {
    let calls = &leg.use_of.calls;
    let bill = Bill::new(&leg.use_of, 0.0);
    Row::plain(
        format!("a million times {}", leg.name),
        format!(
            "${:.2}: {} write units, {} of indexes, {} read units, {} wake-ups",
            bill.total(),
            calls.write_units,
            calls.index_units,
            calls.half_read_units as f64 / 2.0,
            calls.wake_ups
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::Calls;

    #[test]
    fn a_bill_is_what_was_used_times_its_price() {
        let used = Use {
            requests: 2,
            runs: 3,
            calls: Calls {
                wake_ups: 1,
                half_read_units: 5,
                write_units: 4,
                index_units: 2,
                ..Calls::default()
            },
            asked: [("message".to_owned(), 1)].into(),
        };
        // Ten milliseconds of a whole processor are 69 of what 256 MB have of one.
        let bill = Bill::new(&used, 10.0);
        let expect = Bill {
            writes: 2.5,
            indexes: 1.25,
            reads: 0.3125,
            http: 2.0,
            queues: 1.2,
            functions: 0.6 + 0.010 * 1.769 / 1.024 * 13.3334,
        };
        assert_eq!(
            bill.parts().map(|(name, _)| name),
            expect.parts().map(|(name, _)| name)
        );
        for ((name, is), (_, expect)) in bill.parts().into_iter().zip(expect.parts()) {
            assert!((is - expect).abs() < 1e-9, "{name}: {is} {expect}");
        }
        let words = bill.in_words();
        assert!(
            words.starts_with("$8.09: rows written 2.50, API Gateway 2.00"),
            "{words}"
        );
    }

    #[test]
    fn a_bill_over_the_goal_misses_it() {
        let of = |writes: f64| Bill {
            writes,
            ..Bill::default()
        };
        assert_eq!(row("", 10.0, of(10.0)).is_met, Some(true));
        assert_eq!(row("", 10.0, of(10.01)).is_met, Some(false));
    }

    #[test]
    fn the_memory_is_the_templates() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
        let template: serde_yaml_ng::Value =
            serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let memory = &template["Globals"]["Function"]["MemorySize"];
        assert_eq!(memory.as_f64(), Some(MEMORY_MB));
        assert_eq!(
            template["Parameters"]["Architecture"]["Default"].as_str(),
            Some("arm64")
        );
    }
}
