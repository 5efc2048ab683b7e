//! What a message asks of others, step by step, in a chat that is known and functions that are warm.
//!
//! The steps are taken in the order in which they usually come: a send is settled before GREEN-API
//! tells of it, and each status comes after the one before was told.

use std::io;
use std::ops::Add;

use axum::body::Body;
use axum::http::Request;

use crate::counted::{Calls, Counter};
use crate::seed::Tenant;
use crate::standin::providers::{Asked, Providers, whatsapp_id};
use crate::table::Row;
use crate::world::{Runs, World};

/// One step of a message's way.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) name: &'static str,
    pub(crate) use_of: Use,
}

/// What a step used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// Requests that came in from outside.
    pub(crate) requests: u64,
    /// Runs of functions.
    pub(crate) runs: u64,
    /// What AWS was asked.
    pub(crate) calls: Calls,
    /// What the providers were asked.
    pub(crate) asked: Asked,
}

impl Add for Use {
    type Output = Use;

    fn add(mut self, other: Use) -> Use {
        self.requests += other.requests;
        self.runs += other.runs;
        self.calls = self.calls + other.calls;
        for (name, n) in other.asked {
            *self.asked.entry(name).or_default() += n;
        }
        self
    }
}

/// The sum of some steps.
pub(crate) fn total<'a>(legs: impl IntoIterator<Item = &'a Leg>) -> Use {
    legs.into_iter()
        .fold(Use::default(), |sum, leg| sum + leg.use_of.clone())
}

/// The steps of a message in each direction.
#[derive(Clone, Debug)]
pub(crate) struct Legs {
    /// A customer's text: the webhook, and the way into GoHighLevel.
    pub(crate) inbound: Vec<Leg>,
    /// An agent's answer, with its echo and its statuses.
    pub(crate) outbound: Vec<Leg>,
}

type CountedWorld = World<
    crate::counted::Counted<greenhub::store::memory::MemoryDb>,
    crate::counted::Counted<greenhub::queue::memory::MemoryQueue>,
>;

struct Walk {
    world: CountedWorld,
    counter: Counter,
    providers: Providers,
}

impl Walk {
    async fn leg(
        &self,
        name: &'static str,
        step: impl AsyncFnOnce(&CountedWorld) -> (u64, Runs),
    ) -> Leg {
        let (before, asked_before) = (self.counter.so_far(), self.providers.asked());
        let (requests, runs) = step(&self.world).await;
        let mut asked = self.providers.asked();
        for (name, n) in asked_before {
            let now = asked.entry(name).or_default();
            *now -= n;
        }
        asked.retain(|_, n| *n > 0);
        let use_of = Use {
            requests,
            runs: requests + runs.outbound + runs.crm,
            calls: self.counter.so_far() - before,
            asked,
        };
        Leg { name, use_of }
    }

    async fn post(&self, name: &'static str, request: Request<Body>) -> Leg {
        self.leg(name, async |world| {
            world.post(request).await;
            (1, Runs::default())
        })
        .await
    }

    async fn work(&self, name: &'static str) -> Leg {
        self.leg(name, async |world| (0, world.work().await)).await
    }

    async fn inbound(&self, id: &str) -> Vec<Leg> {
        let request = self.world.notification(&self.tenant().incoming(id));
        vec![
            self.post("green-api-webhook: a text", request).await,
            self.work("crm-sender: the text").await,
        ]
    }

    /// The `n`th message that is sent.
    async fn outbound(&self, n: u64) -> Vec<Leg> {
        let tenant = self.tenant();
        let id = whatsapp_id(n);
        let told = |body| self.world.notification(&body);
        let delivery = tenant.delivery(&format!("M{n:0>19}"));
        vec![
            self.post("ghl-webhook: an answer", self.world.delivery(&delivery))
                .await,
            self.work("outbound-sender: the answer").await,
            self.post("green-api-webhook: its echo", told(tenant.echo(&id)))
                .await,
            self.post(
                "green-api-webhook: `sent`",
                told(tenant.receipt(&id, "sent")),
            )
            .await,
            self.post(
                "green-api-webhook: `delivered`",
                told(tenant.receipt(&id, "delivered")),
            )
            .await,
            self.work("crm-sender: `delivered`").await,
            self.post(
                "green-api-webhook: `read`",
                told(tenant.receipt(&id, "read")),
            )
            .await,
            self.work("crm-sender: `read`").await,
        ]
    }

    fn tenant(&self) -> Tenant {
        self.world.tenant
    }
}

/// Walks a message each way, after others have made the chat known and the functions warm.
pub(crate) async fn walk() -> io::Result<Legs> {
    let counter = Counter::default();
    let providers = Providers::start()?;
    let world = World::counted(&providers, &counter).await?;
    let walk = Walk {
        world,
        counter,
        providers,
    };
    walk.inbound("3EB0C0FFEE0000000001").await;
    walk.outbound(1).await;
    let inbound = walk.inbound("3EB0C0FFEE0000000002").await;
    let outbound = walk.outbound(2).await;
    Ok(Legs { inbound, outbound })
}

/// The rows about calls.
pub(crate) fn rows(legs: &Legs) -> Vec<Row> {
    let mut rows = vec![
        acknowledgement("a GREEN-API webhook with a text", &legs.inbound[0]),
        acknowledgement("a delivery of GoHighLevel's", &legs.outbound[0]),
    ];
    let inbound = total(&legs.inbound);
    rows.push(Row::goal(
        "a text into a known chat: calls to GoHighLevel",
        "1",
        n_crm(&inbound).to_string(),
        n_crm(&inbound) == 1,
    ));
    rows.push(Row::plain(
        "a text into a known chat: calls to AWS",
        in_words(&inbound.calls),
    ));
    let outbound = total(&legs.outbound);
    rows.push(Row::plain(
        "an answer with its echo and three statuses: calls to GREEN-API and to GoHighLevel",
        format!("{} and {}", n_green_api(&outbound), n_crm(&outbound)),
    ));
    rows.push(Row::plain(
        "an answer with its echo and three statuses: calls to AWS",
        in_words(&outbound.calls),
    ));
    rows
}

/// The calls on the way to an answer; more than these are a waste.
fn is_lean(calls: &Calls) -> bool {
    calls.reads() <= 2 && calls.writes == 0 && calls.transactions <= 1 && calls.wake_ups <= 1
}

fn acknowledgement(what: &str, leg: &Leg) -> Row {
    let calls = &leg.use_of.calls;
    Row::goal(
        format!("{what}, warm: calls to AWS before the answer"),
        "2 reads, 1 transaction, 1 wake-up",
        in_kinds(calls),
        is_lean(calls),
    )
}

/// How many of each kind; kinds that there are none of are left out.
fn in_kinds(calls: &Calls) -> String {
    let kinds = [
        (calls.reads(), "read"),
        (calls.writes, "single write"),
        (calls.transactions, "transaction"),
        (calls.wake_ups, "wake-up"),
    ];
    let kinds = kinds.into_iter().filter(|(n, _)| *n > 0);
    let kinds = kinds.map(|(n, kind)| format!("{n} {kind}{}", if n == 1 { "" } else { "s" }));
    kinds.collect::<Vec<_>>().join(", ")
}

fn in_words(calls: &Calls) -> String {
    format!(
        "{}: {}; in all {} rows written",
        calls.all(),
        in_kinds(calls),
        calls.rows_written
    )
}

fn n_crm(use_of: &Use) -> u64 {
    let names = ["message", "status", "contact"];
    names
        .iter()
        .filter_map(|name| use_of.asked.get(*name))
        .sum()
}

fn n_green_api(use_of: &Use) -> u64 {
    use_of.asked.values().sum::<u64>() - n_crm(use_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_acknowledgement_takes_two_reads_a_transaction_and_a_wake_up() {
        let legs = walk().await.unwrap();
        // An agent's message leaves a note for its twin.
        for (leg, n_rows) in [(&legs.inbound[0], 3), (&legs.outbound[0], 4)] {
            let calls = &leg.use_of.calls;
            assert_eq!(
                (
                    calls.reads(),
                    calls.writes,
                    calls.transactions,
                    calls.wake_ups
                ),
                (2, 0, 1, 1),
                "{}: {calls:?}",
                leg.name
            );
            assert_eq!(calls.rows_written, n_rows, "{}", leg.name);
        }
    }

    #[tokio::test]
    async fn every_step_does_what_it_is_named_after() {
        let legs = walk().await.unwrap();
        let asked = |names: &[(&str, u64)]| {
            let asked = names.iter().map(|(name, n)| ((*name).to_owned(), *n));
            asked.collect::<Asked>()
        };
        let inbound = total(&legs.inbound);
        assert_eq!(inbound.asked, asked(&[("message", 1)]));
        assert_eq!((inbound.requests, inbound.runs), (1, 2));
        let outbound = total(&legs.outbound);
        // GoHighLevel knows no `sent`: it shows what is on its way as pending.
        assert_eq!(outbound.asked, asked(&[("sendMessage", 1), ("status", 2)]));
        assert_eq!((outbound.requests, outbound.runs), (5, 8));
        assert_eq!(outbound.calls.wake_ups, 3);
    }

    #[test]
    fn more_calls_than_needed_miss_the_goal() {
        let calls = |reads: u64, writes: u64, transactions: u64, wake_ups: u64| Calls {
            gets: reads - 1,
            queries: 1,
            writes,
            transactions,
            wake_ups,
            ..Calls::default()
        };
        assert!(is_lean(&calls(2, 0, 1, 1)));
        let words = "2 reads, 1 transaction, 1 wake-up";
        assert_eq!(in_kinds(&calls(2, 0, 1, 1)), words);
        for calls in [
            calls(3, 0, 1, 1),
            calls(2, 1, 1, 1),
            calls(2, 0, 2, 1),
            calls(2, 0, 1, 2),
        ] {
            assert!(!is_lean(&calls), "{calls:?}");
        }
    }
}
