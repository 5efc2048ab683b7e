//! Smoothing: how near to the allowed rate many workers come, and what the provider sees of it.
//!
//! Time is tokio's paused time, so a run of minutes takes a moment. Tables and providers answer
//! after a while, because workers get into each other's way only while somebody waits.

mod backlog;
mod burst;
mod gateway;
mod remote;
mod window;

use crate::progress::step;
use crate::table::Row;
use backlog::Backlog;
use burst::Burst;

/// How many workers share one schedule.
const N_WORKERS: usize = 16;

/// Sends a second that GREEN-API takes for one instance (GREEN-API contract, rate limits).
const GREEN_API_PER_S: usize = 50;

/// What may be behind the rate that the policy allows.
const LEAST_SHARE: f64 = 0.95;

/// What may be of ours in GREEN-API's own queue.
const DEEPEST: usize = 3;

/// Runs a simulation to its end in a time of its own.
fn simulate<T>(run: impl Future<Output = T>) -> T {
    #[expect(clippy::expect_used, reason = "a runtime without I/O needs nothing")]
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(run)
}

/// The rows about smoothing.
pub(crate) fn rows() -> Vec<Row> {
    let bursts = [0.02, 0.1, 0.25].into_iter().map(burst);
    let backlogs = [100, 10, 1].into_iter().map(backlog);
    bursts.flatten().chain(backlogs.flatten()).collect()
}

fn burst(j_s: f64) -> Vec<Row> {
    step(&format!("5,000 messages at the ceiling, J = {j_s} s"));
    let sent = simulate(
        Burst {
            seed: 1,
            n_messages: 5_000,
            j_s,
            told_j_s: j_s,
        }
        .run(),
    );
    let what = format!("5,000 messages, {N_WORKERS} workers, at the ceiling for J = {j_s} s");
    vec![
        rate(&what, sent.rps, sent.allowed_rps),
        Row::goal(
            format!("{what}: answers 429"),
            "0",
            sent.n_refused.to_string(),
            sent.n_refused == 0,
        ),
    ]
}

fn backlog(n_chats: usize) -> Vec<Row> {
    step(&format!(
        "500 messages in {n_chats} chats, one sent on each 500 ms"
    ));
    let drained = simulate(
        Backlog {
            seed: 1,
            n_messages: 500,
            n_chats,
            delay_ms: 500,
            j_s: 0.1,
        }
        .run(),
    );
    let what = format!("500 messages in {n_chats} chats, {N_WORKERS} workers, drain of 500 ms");
    let in_order = if drained.in_order { "always" } else { "broken" };
    vec![
        rate(&what, drained.rps, drained.allowed_rps),
        Row::goal(
            format!("{what}: answers 429"),
            "0",
            drained.n_refused.to_string(),
            drained.n_refused == 0,
        ),
        Row::goal(
            format!("{what}: most of ours in GREEN-API's queue"),
            format!("at most {DEEPEST}"),
            drained.deepest.to_string(),
            drained.deepest <= DEEPEST,
        ),
        Row::goal(
            format!("{what}: every message once, in the chat's order"),
            "always",
            in_order,
            drained.in_order,
        ),
        Row::plain(
            format!("{what}: rows read or written, and wake-ups, for each message"),
            format!(
                "{:.0} and {:.1}",
                drained.db_calls_each, drained.wake_ups_each
            ),
        ),
    ]
}

fn rate(what: &str, rps: f64, allowed_rps: f64) -> Row {
    let share = rps / allowed_rps;
    Row::goal(
        format!("{what}: rate reached of the rate allowed"),
        format!("at least {:.0} %", LEAST_SHARE * 100.0),
        format!(
            "{rps:.2} of {allowed_rps:.2} a second, {:.1} %",
            share * 100.0
        ),
        LEAST_SHARE <= share,
    )
}
