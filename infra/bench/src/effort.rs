//! CPU time and allocations of the handlers in this process, warm, over tables and queues in memory:
//! the product's own work, without AWS's client and without a network to the tables.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::memory::MemoryDb;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

use crate::progress::step;
use crate::standin::providers::{Providers, whatsapp_id};
use crate::table::Row;
use crate::world::World;

/// How often each is done before it is measured.
const N_WARM: u64 = 200;

/// How often each is measured.
const N: u64 = 2_000;

/// The most CPU time of a webhook taken through to its post.
pub(crate) const MOST: Duration = Duration::from_micros(500);

/// What one of them takes, on average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) cpu: Duration,
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
}

impl Effort {
    fn in_words(&self) -> String {
        format!(
            "{:.0} µs, {} allocations of {:.1} kB",
            self.cpu.as_secs_f64() * 1e6,
            self.allocations,
            self.bytes as f64 / 1e3
        )
    }
}

/// The CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// Does `work` in turns, from 1 on, each time with what was prepared for it, and measures the later
/// turns. Preparing is not measured.
fn measure<T>(
    n_warm: u64,
    n: u64,
    mut prepare: impl FnMut(u64) -> T,
    mut work: impl FnMut(T),
) -> Effort {
    let (mut took, mut allocations, mut bytes) = (Duration::ZERO, 0, 0);
    for turn in 1..=n_warm + n {
        let prepared = prepare(turn);
        let before = cpu();
        let allocated = allocation_counter::measure(|| work(prepared));
        if n_warm < turn {
            took += cpu() - before;
            allocations += allocated.count_total;
            bytes += allocated.bytes_total;
        }
    }
    Effort {
        cpu: took / n as u32,
        allocations: allocations / n,
        bytes: bytes / n,
    }
}

struct Bench {
    runtime: Runtime,
    world: World<MemoryDb, MemoryQueue>,
}

impl Bench {
    fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let providers = Providers::start()?;
        let world = runtime.block_on(World::plain(&providers))?;
        Ok(Bench { runtime, world })
    }

    fn post(&self, request: Request<Body>) {
        self.runtime.block_on(self.world.post(request));
    }

    fn work(&self) {
        self.runtime.block_on(self.world.work());
    }

    fn incoming(&self, n: u64) -> Request<Body> {
        let body = self.world.tenant.incoming(&format!("3EB0{n:0>16}"));
        self.world.notification(&body)
    }

    fn delivery(&self, n: u64) -> Request<Body> {
        let body = self.world.tenant.delivery(&format!("M{n:0>19}"));
        self.world.delivery(&body)
    }

    /// About the `n`th message that was sent.
    fn receipt(&self, n: u64, status: &str) -> Request<Body> {
        let body = self.world.tenant.receipt(&whatsapp_id(n), status);
        self.world.notification(&body)
    }
}

/// The rows about CPU time and allocations.
pub(crate) fn rows() -> io::Result<Vec<Row>> {
    let handler = |what: &str, effort: &Effort| {
        Row::plain(
            format!("{what}: CPU time and allocations of the handler"),
            effort.in_words(),
        )
    };
    step("CPU time and allocations of the webhooks");
    let bench = Bench::new()?;
    let text = measure(
        N_WARM,
        N,
        |n| bench.incoming(n),
        |request| bench.post(request),
    );
    let bench = Bench::new()?;
    let delivered = measure(
        N_WARM,
        N,
        |n| {
            bench.work();
            bench.post(bench.delivery(n));
            bench.work();
            bench.post(bench.receipt(n, "sent"));
            bench.receipt(n, "delivered")
        },
        |request| bench.post(request),
    );
    let bench = Bench::new()?;
    let delivery = measure(
        N_WARM,
        N,
        |n| bench.delivery(n),
        |request| bench.post(request),
    );

    step("a webhook taken through to its post");
    let bench = Bench::new()?;
    let through = measure(
        N_WARM,
        N,
        |n| bench.incoming(n),
        |request| {
            bench.post(request);
            bench.work();
        },
    );
    Ok(vec![
        handler("a GREEN-API webhook with a text", &text),
        handler("a GREEN-API webhook with a status", &delivered),
        handler("a delivery of GoHighLevel's", &delivery),
        Row::goal(
            "a webhook taken through to its post in GoHighLevel: CPU time of both handlers",
            format!("at most {} µs", MOST.as_micros()),
            through.in_words(),
            through.cpu <= MOST,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_allocations_are_of_the_measured_turns_only() {
        let mut turns = Vec::with_capacity(8);
        let effort = measure(
            2,
            3,
            |turn| {
                std::hint::black_box(vec![0_u8; 5000]);
                turn
            },
            |turn| {
                turns.push(turn);
                let n_bytes = if turn <= 2 { 1 << 20 } else { 100 };
                std::hint::black_box(vec![0_u8; n_bytes]);
            },
        );
        assert_eq!(turns, [1, 2, 3, 4, 5]);
        assert_eq!((effort.allocations, effort.bytes), (1, 100));
    }

    #[test]
    fn work_takes_time_and_waiting_does_not() {
        let before = cpu();
        std::thread::sleep(Duration::from_millis(50));
        let waited = cpu() - before;
        assert!(waited < Duration::from_millis(20), "{waited:?}");
        let mut sum = 0_u64;
        while cpu() - before < Duration::from_millis(20) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }
}
