//! When a queue fails after the write, and when a process ends in the middle of its work.

use greenhub::domain::delivery::Destination;
use greenhub::pipeline::sweep;
use serde_json::json;

use crate::world::{World, text, texts};

const ANN: &str = "79001234567@c.us";

async fn ann(world: &World) -> String {
    world.customer("79001234567", "hi").await;
    world.shown("+79001234567", 1).await.0
}

// AC 46, promise 1: the wake-up is all that is lost, in either direction.
#[tokio::test]
async fn a_queue_that_fails_once_after_the_write_is_made_good_by_the_sweeper() {
    let world = World::new().await;
    let contact = ann(&world).await;

    world.at_doors.refuse_wake_ups(1);
    world.customer("79001234567", "in").await;
    world.settle().await;
    assert_eq!(world.at_doors.refusals_left(), 0);
    assert_eq!(world.shown("+79001234567", 1).await.1.len(), 1);
    // Not before it is certain that the wake-up was lost.
    assert_eq!(sweep::wake_due_lanes(&world.hub).await.unwrap(), 0);
    let messages = world
        .swept_until("the customer's message", async || {
            let (_, messages) = world.shown("+79001234567", 1).await;
            (messages.len() == 2).then_some(messages)
        })
        .await;
    assert_eq!(texts(&messages), ["hi", "in"]);

    world.at_doors.refuse_wake_ups(1);
    let id = world.reply(&contact, "out").await;
    world.settle().await;
    assert_eq!(world.at_doors.refusals_left(), 0);
    assert_eq!(world.phone(ANN).await.len(), 0);
    world
        .swept_until("the answer", async || {
            (!world.phone(ANN).await.is_empty()).then_some(())
        })
        .await;
    world.told(&id, "read").await;
    assert_eq!(world.got(ANN, 1).await, ["out"]);
    assert_eq!(world.calls("/sendMessage/").await.len(), 1);
}

// Promise 1: a lane that waits for a time has asked to be woken then, and nobody does.
#[tokio::test]
async fn a_retry_whose_wake_up_was_refused_is_made_good_by_the_sweeper() {
    let world = World::new().await;
    ann(&world).await;
    let down = json!([{
        "provider": "ghl", "path_contains": "/messages/inbound", "times": 1, "status": 503,
    }]);
    world.faults(down).await;
    world.at_work.refuse_wake_ups(1);
    world.customer("79001234567", "again").await;
    world.settle().await;
    assert_eq!(world.at_work.refusals_left(), 0);
    let messages = world
        .swept_until("the message", async || {
            let (_, messages) = world.shown("+79001234567", 1).await;
            (messages.len() == 2).then_some(messages)
        })
        .await;
    assert_eq!(texts(&messages), ["hi", "again"]);
}

/// The process ends at each step in turn from the claim on, until it gets through unharmed; gives
/// how many steps that took. `act` does something that is to be sent, `check` looks at what became
/// of it; it is told whether the provider had been called before the end.
async fn killed_at_every_step<T>(
    destination: Destination,
    call: &str,
    act: impl AsyncFn(&World, &str) -> T,
    check: impl AsyncFn(&World, T, bool),
) -> u32 {
    for step in 0.. {
        let world = World::new().await;
        let contact = ann(&world).await;
        let before = world.calls(call).await.len();
        world.at_work.kill_after_claim(destination, step);
        let done = act(&world, &contact).await;
        let was_killed = tokio::select! {
            biased;
            () = world.at_work.killed() => true,
            () = world.settle() => false,
        };
        world.at_work.spare();
        let was_called = world.calls(call).await.len() > before;
        check(&world, done, was_called).await;
        if !was_killed {
            return step;
        }
    }
    unreachable!("a step is the last one");
}

// Promise 3: whatever the provider was asked to send is found there, and never sent again.
#[tokio::test]
async fn a_sender_killed_between_the_answer_and_its_note_sends_nothing_twice() {
    let n_steps = killed_at_every_step(
        Destination::Whatsapp,
        "/sendMessage/",
        async |world, contact| {
            let first = world.reply(contact, "once").await;
            (first, world.reply(contact, "and then this").await)
        },
        async |world, (first, next), was_called| {
            let expect = if was_called { "read" } else { "failed" };
            let settled = world
                .swept_until("both statuses", async || {
                    let first = world.in_crm(&first).await;
                    let is_over =
                        first["status"] == expect && world.in_crm(&next).await["status"] == "read";
                    is_over.then_some(first)
                })
                .await;
            let got = world.got(ANN, 1).await;
            if was_called {
                assert_eq!(got, ["once", "and then this"]);
            } else {
                // Nobody can know that it was not sent: a person is told, and it is not sent again.
                let reason = text(&settled["error"], "message");
                assert!(reason.contains("nobody knows"), "{reason}");
                assert_eq!(got, ["and then this"]);
            }
            assert_eq!(world.calls("/sendMessage/").await.len(), got.len());
            // Nor is an echo a further message of the conversation.
            assert_eq!(world.shown("+79001234567", 3).await.1.len(), 3);
        },
    )
    .await;
    // The claim; then, each before and after: the id's row, and the transaction.
    assert!(n_steps >= 5, "{n_steps}");
}

// AC 46, promise 1: what was posted is found in the CRM, and what was not is posted.
#[tokio::test]
async fn a_poster_killed_between_the_answer_and_its_note_shows_everything_once() {
    let n_steps = killed_at_every_step(
        Destination::Crm,
        "/messages/inbound",
        async |world, _| {
            for text in ["1", "2"] {
                world.customer("79001234567", text).await;
            }
        },
        async |world, (), _| {
            let messages = world
                .swept_until("both messages", async || {
                    let (_, messages) = world.shown("+79001234567", 1).await;
                    (messages.len() >= 3).then_some(messages)
                })
                .await;
            assert_eq!(texts(&messages), ["hi", "1", "2"]);
        },
    )
    .await;
    // The claim; then, before and after: the write.
    assert!(n_steps >= 3, "{n_steps}");
}
