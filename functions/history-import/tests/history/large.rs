//! Many chats at the provider's pace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use greenhub::store::history::{self, ChatPhase, ImportOptions, Phase};
use reqwest::Method;
use serde_json::json;

use crate::world::{text, two_chats, world};

/// How many chats the large import has; 200 when somebody wants to see it whole.
const CHATS: &str = "HISTORY_CHATS";

// AC 120, 121: killed in the middle it goes on; nothing is missing, nothing is there twice, and no
// method was ever called more than once a second.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
async fn a_large_import_survives_a_kill() {
    let world = world().await;
    let n_chats: u64 = std::env::var(CHATS)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(12);
    let n_messages = 200;
    let alias = |chat: u64| format!("7900{chat:07}@c.us");
    for chat in 0..n_chats {
        let messages = (0..n_messages).map(|n| {
            let kind = if n % 17 == 0 {
                "hologramMessage"
            } else {
                "textMessage"
            };
            let mut entry = text(&format!("{chat}-{n}"), 1_700_000_000 + n / 3, "hi");
            entry["typeMessage"] = json!(kind);
            entry["type"] = json!(if n % 2 == 0 { "incoming" } else { "outgoing" });
            entry
        });
        let messages: Vec<_> = messages.collect();
        world
            .seed(json!([{ "chatId": alias(chat), "messages": messages }]))
            .await;
    }
    world.start(ImportOptions::default()).await.unwrap();
    let mut n_kills = 0;
    for part in [3, 2] {
        // In the middle of storing a chat: what is dropped there does nothing more.
        let is_far = async {
            while world.import().await.counts.chats_done < n_chats / part {
                world.hub.clock.sleep(Duration::from_millis(2)).await;
            }
            let is_inside =
                |it: &history::ImportedChatRow| it.phase == ChatPhase::Open && it.upto.is_some();
            while !history::all_chats(&world.hub.db, &world.number)
                .await
                .unwrap()
                .iter()
                .any(is_inside)
            {}
        };
        let is_killed = tokio::select! {
            _ = world.turn() => false,
            () = is_far => true,
        };
        n_kills += u64::from(is_killed);
        assert!(
            world.hub.queue.take_imports().is_empty(),
            "its wake-up died with it"
        );
        let due_at = world.import().await.due_at.unwrap();
        // The last call was in the second before, whatever the clock says.
        world.hub.clock.sleep(Duration::from_millis(1100)).await;
        let lost_ms = due_at - world.hub.clock.now_ms();
        world.ahead_ms.fetch_add(lost_ms, Ordering::SeqCst);
        // As the sweeper would.
        greenhub::history::wake(
            &world.hub.queue,
            &world.workspace,
            &world.number,
            Duration::ZERO,
        )
        .await;
    }
    assert_eq!(n_kills, 2);
    let import = world.to_its_end().await;
    assert_eq!(import.phase, Phase::Done);
    let counts = import.counts;
    let n_all = n_chats * n_messages as u64;
    assert_eq!((counts.chats_done, counts.chats_failed), (n_chats, 0));
    assert_eq!(
        (counts.total, counts.saved, counts.skipped),
        (n_all, n_all, 0)
    );
    let n_unknown = n_chats * (n_messages as u64).div_ceil(17);
    assert_eq!(counts.placeholders, n_unknown);
    for chat in 0..n_chats {
        let ids = world.ids(&alias(chat)).await;
        let once: BTreeSet<_> = ids.iter().cloned().collect();
        let expect: BTreeSet<_> = (0..n_messages).map(|n| format!("{chat}-{n}")).collect();
        assert_eq!(
            (ids.len(), once),
            (n_messages as usize, expect),
            "chat {chat}"
        );
    }
    at_most_once_a_second(&world.calls().await);
}

fn at_most_once_a_second(calls: &BTreeMap<String, Vec<(i64, i64)>>) {
    for (method, calls) in calls {
        for pair in calls.windows(2) {
            let gap_ms = pair[1].0 - pair[0].0;
            assert!(gap_ms >= 1000, "{method}: {gap_ms} ms between two calls");
        }
        assert!(calls.iter().all(|(_, status)| *status != 429), "{method}");
    }
}

// AC 121: after a refusal for the rate a second and a half passes.
#[tokio::test]
async fn a_refusal_for_the_rate_is_waited_out() {
    let world = world().await;
    world.seed(two_chats()).await;
    let fault = json!([{
        "provider": "green-api", "path_contains": "getChatHistory", "times": 1,
        "status": 429, "body": { "message": "Too Many Requests" },
    }]);
    world.control(Method::PUT, "faults", fault).await;
    world.start(ImportOptions::default()).await.unwrap();
    let import = world.to_its_end().await;
    assert_eq!((import.phase, import.counts.saved), (Phase::Done, 6));
    let calls = world.calls().await;
    let history = &calls["getChatHistory"];
    assert_eq!(history.len(), 3);
    assert_eq!(history[0].1, 429);
    let pause_ms = history[1].0 - history[0].0;
    assert!(pause_ms >= 1500, "{pause_ms} ms");
}
