//! The seeded simulation: the real pipeline over in-memory tables and queues, with providers that
//! misbehave and workers that die, and the README's promises checked at the end of every run.
//!
//! `SEEDS=10000 cargo test --release -p greenhub --test simulation` runs more seeds;
//! `FIRST=5000 SEEDS=10000 …` runs those from 5000 on, and `SEED=17 …` one.

#![expect(unreachable_pub, reason = "the modules of one test")]
#![expect(clippy::unwrap_used, reason = "a test may break")]

mod chaos;
mod check;
mod numbers;
mod providers;
mod workflows;
mod world;

use world::World;

/// How many seeds an ordinary run has.
const SEEDS: u64 = 1_000;

/// After how many broken seeds a run ends: one cause can break many, and several can have one each.
const ENOUGH: usize = 10;

#[test]
fn promises_hold_for_every_seed() {
    let env = |name: &str| lookup(name).and_then(|value| value.parse::<u64>().ok());
    let seeds = match env("SEED") {
        Some(seed) => seed..seed + 1,
        None => env("FIRST").unwrap_or(0)..env("SEEDS").unwrap_or(SEEDS),
    };
    assert!(!seeds.is_empty(), "no seed to run: {seeds:?}");
    let is_whole = seeds.end - seeds.start > 100;
    let mut total = check::Seen::default();
    let mut broken = Vec::new();
    for seed in seeds {
        match run(seed) {
            Ok(seen) => total.add(&seen),
            Err(promise) => {
                let words = format!("SEED={seed} breaks a promise: {promise}");
                // At once: the seeds that are left can take an hour.
                eprintln!("{words}");
                broken.push(words);
            }
        }
        if broken.len() == ENOUGH {
            break;
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    println!("{total:?}");
    // A simulation in which nothing went wrong has shown nothing.
    assert!(
        !is_whole || total.is_eventful(),
        "too little happened: {total:?}"
    );
}

#[expect(clippy::disallowed_methods, reason = "a test's own switches")]
fn lookup(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn run(seed: u64) -> Result<check::Seen, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::new(seed);
        world.live().await;
        check::check(&world)
    })
}
