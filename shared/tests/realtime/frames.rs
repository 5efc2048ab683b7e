//! What browsers send, by whoever they are.

use std::time::Duration;

use greenhub::domain::ids::{ChatId, PersonId, WorkspaceId};

use crate::world::{World, rights, workspace};

/// The chats that frames name.
struct Chats {
    own: ChatId,
    unseen: ChatId,
    elsewhere: ChatId,
}

async fn world() -> (World, String, Chats) {
    let world = World::new();
    let vera = world.person("vera", rights(&["n1"])).await;
    let session = world.browser(&vera, "k1").await;
    let chats = Chats {
        own: world.incoming("n1", "15550100001", "m1").await,
        unseen: world.incoming("n2", "15550100001", "m2").await,
        elsewhere: {
            let elsewhere = WorkspaceId::new("elsewhere");
            world
                .incoming_at(&elsewhere, "n1x", "15550100001", "m3")
                .await
        },
    };
    world.skip_stream();
    (world, session, chats)
}

/// A change of somebody's row.
type Alter = fn(&mut greenhub::store::people::PersonRow);

#[tokio::test(start_paused = true)]
async fn each_frame_is_answered_by_what_its_sender_may_do() {
    // AC 152
    /// A frame, and what it is answered with: in a living session, with a chat of an unseen number,
    /// with one of another workspace.
    async fn check(frame: &str, expect: [&[&str]; 3]) {
        let cases = ["own", "unseen", "elsewhere"].into_iter().zip(expect);
        for (which, expect) in cases {
            let (world, _, chats) = world().await;
            let chat = match which {
                "own" => &chats.own,
                "unseen" => &chats.unseen,
                _ => &chats.elsewhere,
            };
            let frame = frame.replace("CHAT", chat.as_str());
            world.sockets.take("k1", &frame).await.unwrap();
            assert_eq!(world.learned("k1"), expect, "{frame} in {which}");
            assert!(world.connections.is_open("k1"), "{frame} in {which}");
        }
        // The session was ended, and nobody has closed the connection yet.
        let ends: [(&str, Alter); 2] = [
            ("ended everywhere", |row| row.epoch += 1),
            ("shut out", |row| row.is_active = false),
        ];
        for (what, alter) in ends {
            let (world, _, chats) = world().await;
            world.change("vera", alter).await;
            let frame = frame.replace("CHAT", chats.own.as_str());
            world.sockets.take("k1", &frame).await.unwrap();
            assert!(!world.connections.is_open("k1"), "{frame}: {what}");
        }
        let (world, session, chats) = world().await;
        let (db, vera) = (&world.hub.db, PersonId::new("vera"));
        let ended = greenhub::account::browser::end(db, &workspace(), &vera, &session).await;
        assert!(ended.unwrap());
        let frame = frame.replace("CHAT", chats.own.as_str());
        world.sockets.take("k1", &frame).await.unwrap();
        assert!(!world.connections.is_open("k1"), "{frame}: signed out");
        // There is no socket of this connection at all.
        world.connections.connect("unknown");
        world.sockets.take("unknown", &frame).await.unwrap();
        assert!(!world.connections.is_open("unknown"), "{frame}");
    }
    check(r#"{"action":"ping"}"#, [&["pong"]; 3]).await;
    check(r#"{"action":"hello"}"#, [&["hello"]; 3]).await;
    check(r#"{"action":"idle"}"#, [&[]; 3]).await;
    let not_found: &[&str] = &["not_found"];
    let viewing = r#"{"action":"viewing","chat":"CHAT"}"#;
    check(viewing, [&[], not_found, not_found]).await;
    let typing = r#"{"action":"typing","chat":"CHAT"}"#;
    check(typing, [&[], not_found, not_found]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_frame_is_refused_and_what_is_hostile_is_cut_off() {
    async fn check(frame: &str, answer: &str, stays: bool) {
        let (world, _, _) = world().await;
        world.sockets.take("k1", frame).await.unwrap();
        let about = frame.chars().take(60).collect::<String>();
        assert_eq!(world.connections.is_open("k1"), stays, "{about}");
        if stays {
            assert_eq!(world.learned("k1"), [answer], "{about}");
        }
    }
    let unknown = "unknown_action";
    check(r#"{"action":"subscribe","topics":["*"]}"#, unknown, true).await;
    check(r#"{"action":7}"#, unknown, true).await;
    check("{}", unknown, true).await;
    check(r#"{"action":"viewing"}"#, unknown, true).await;
    check(r#"{"action":"viewing","chat":{"id":"c"}}"#, unknown, true).await;
    check(
        r#"{"action":"viewing","chat":"no such chat"}"#,
        "not_found",
        true,
    )
    .await;
    check(r#"{"action":"viewing","chat":"c#CHAT"}"#, "not_found", true).await;
    check(r#"{"action":"viewing","chat":""}"#, "not_found", true).await;
    let bad = "bad_frame";
    check("", bad, false).await;
    check("ping", bad, false).await;
    check("[]", bad, false).await;
    check("null", bad, false).await;
    check(&"[".repeat(4000), bad, false).await;
    check(
        &format!(r#"{{"action":"ping","x":"{}"}}"#, "x".repeat(4096)),
        bad,
        false,
    )
    .await;
    let long = format!(r#"{{"action":"typing","chat":"{}"}}"#, "c".repeat(65));
    check(&long, bad, false).await;
}

#[tokio::test(start_paused = true)]
async fn who_sends_too_much_is_told_so_and_then_cut_off() {
    let (world, _, _) = world().await;
    let ping = r#"{"action":"ping"}"#;
    let mut answers = Vec::new();
    for _ in 0..100 {
        world.sockets.take("k1", ping).await.unwrap();
        answers.extend(world.learned("k1"));
    }
    let n_pongs = answers.iter().filter(|it| *it == "pong").count();
    let n_refused = answers.iter().filter(|it| *it == "too_many_frames").count();
    assert_eq!((n_pongs, n_refused), (60, 20));
    assert!(!world.connections.is_open("k1"));

    // Who keeps to it can go on for ever.
    let (world, _, _) = self::world().await;
    for _ in 0..300 {
        tokio::time::advance(Duration::from_millis(1_100)).await;
        world.sockets.take("k1", ping).await.unwrap();
    }
    let answers = world.learned("k1");
    assert!(answers.len() == 300 && answers.iter().all(|it| it == "pong"));
}

#[tokio::test(start_paused = true)]
async fn hello_tells_the_version_and_who_is_there() {
    let (world, _, _) = world().await;
    world
        .sockets
        .take("k1", r#"{"action":"hello"}"#)
        .await
        .unwrap();
    let hello = world.connections.take("k1").remove(0);
    assert_eq!(hello["person"], "vera");
    assert_eq!(hello["now_ms"], world.hub.clock.now_ms());
    let version = hello["version"].as_str().unwrap();
    assert!(version.split('.').count() == 3, "{version}");
}
