//! Who is seen in a chat, by whom, and for how long.

use std::time::Duration;

use greenhub::domain::ids::ChatId;
use greenhub::realtime::event::Doing;
use greenhub::realtime::presence::{TYPING_MS, VIEWING_MS, of_chat};
use greenhub::store::db::Table;

use crate::world::{World, rights};

/// Vera with two windows and Boris see the number, Anna does not.
async fn world() -> (World, ChatId, ChatId) {
    let world = World::new();
    let vera = world.person("vera", rights(&["n1"])).await;
    let boris = world.person("boris", rights(&["f"])).await;
    let anna = world.person("anna", rights(&["n2"])).await;
    world.browser(&vera, "vera1").await;
    world.browser(&vera, "vera2").await;
    world.browser(&boris, "boris").await;
    world.browser(&anna, "anna").await;
    let first = world.incoming("n1", "15550100001", "m1").await;
    let second = world.incoming("n1", "15550100002", "m2").await;
    world.skip_stream();
    (world, first, second)
}

async fn says(world: &World, connection: &str, action: &str, chat: &ChatId) {
    let frame = format!(r#"{{"action":"{action}","chat":"{chat}"}}"#);
    world.sockets.take(connection, &frame).await.unwrap();
}

async fn passes(ms: i64) {
    tokio::time::advance(Duration::from_millis(ms as u64)).await;
}

async fn present(world: &World, chat: &ChatId) -> Vec<(String, Doing)> {
    let found = of_chat(&world.hub.db, &world.hub.clock, chat).await;
    let found = found.unwrap().into_iter();
    found.map(|it| (it.person.to_string(), it.doing)).collect()
}

#[tokio::test(start_paused = true)]
async fn others_who_see_the_chat_see_who_is_there() {
    let (world, first, second) = world().await;
    says(&world, "vera1", "viewing", &first).await;
    assert_eq!(world.learned("boris"), [format!("vera viewing {first}")]);
    // Not the window itself, but the other one of hers.
    assert!(world.learned("vera1").is_empty());
    assert_eq!(world.learned("vera2").len(), 1);
    assert!(world.learned("anna").is_empty());

    says(&world, "vera1", "typing", &first).await;
    assert_eq!(world.learned("boris"), [format!("vera typing {first}")]);
    passes(1_000).await;
    says(&world, "vera1", "typing", &first).await;
    assert!(world.learned("boris").is_empty(), "told a second ago");
    passes(1_500).await;
    says(&world, "vera1", "typing", &first).await;
    assert_eq!(world.learned("boris"), [format!("vera typing {first}")]);
    says(&world, "vera1", "viewing", &first).await;
    assert_eq!(world.learned("boris"), [format!("vera viewing {first}")]);

    says(&world, "vera1", "viewing", &second).await;
    let moved = [
        format!("vera nothing {first}"),
        format!("vera viewing {second}"),
    ];
    assert_eq!(world.learned("boris"), moved);
    world
        .sockets
        .take("vera1", r#"{"action":"idle"}"#)
        .await
        .unwrap();
    assert_eq!(world.learned("boris"), [format!("vera nothing {second}")]);
    world
        .sockets
        .take("vera1", r#"{"action":"idle"}"#)
        .await
        .unwrap();
    assert!(world.learned("boris").is_empty());
    assert!(world.learned("anna").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_does_ends_by_itself() {
    let (world, first, _) = world().await;
    let vera = |doing| vec![("vera".to_owned(), doing)];
    says(&world, "vera1", "typing", &first).await;
    assert_eq!(present(&world, &first).await, vera(Doing::Typing));
    passes(TYPING_MS).await;
    assert_eq!(present(&world, &first).await, vera(Doing::Viewing));
    passes(VIEWING_MS - TYPING_MS - 1).await;
    assert_eq!(present(&world, &first).await, vera(Doing::Viewing));
    passes(1).await;
    assert!(present(&world, &first).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn somebody_with_two_windows_is_there_once_until_both_are_closed() {
    let (world, first, _) = world().await;
    says(&world, "vera1", "viewing", &first).await;
    says(&world, "vera2", "typing", &first).await;
    says(&world, "boris", "viewing", &first).await;
    let mut both = present(&world, &first).await;
    both.sort_by(|a, b| a.0.cmp(&b.0));
    let boris = ("boris".to_owned(), Doing::Viewing);
    let expect = [boris.clone(), ("vera".to_owned(), Doing::Typing)];
    assert_eq!(both, expect);
    let _ = world.learned("boris");

    world.connections.vanish("vera2");
    world.sockets.closed("vera2").await.unwrap();
    assert_eq!(world.learned("boris"), [format!("vera nothing {first}")]);
    assert_eq!(present(&world, &first).await.len(), 2);
    world.connections.vanish("vera1");
    world.sockets.closed("vera1").await.unwrap();
    assert_eq!(present(&world, &first).await, [boris]);
    // Told twice that it is closed, which happens.
    world.sockets.closed("vera1").await.unwrap();

    // What is counted ends by itself.
    let left = world.hub.db.rows(Table::Runtime);
    let of_vera = left
        .iter()
        .filter(|(key, _)| key.pk.contains("vera1") || key.sk.contains("vera1"))
        .filter(|(key, _)| !key.pk.starts_with("COUNT#"));
    assert_eq!(of_vera.count(), 0);
}
