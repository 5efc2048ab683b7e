//! Removing numbers.

use axum::http::Method;
use greenhub::account::numbers::erase_gone;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::{CallEvent, Content};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ContactId, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Origin};
use greenhub::domain::sms::Shape;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::accept::{self, CrmSend, Home};
use greenhub::pipeline::twins::Delivered;
use greenhub::store::chats::QuarantineRow;
use greenhub::store::db::{Cond, Db, Op, Table, Write};
use greenhub::store::directory::GoneNumberRow;
use greenhub::store::keys::{self, DueRow};
use greenhub::store::row;
use greenhub::store::runtime::GoneHookRow;
use serde_json::{Value, json};

use super::support::{ALICE, BOB, CAROL, HUB, I1, I2, L1, L2, T1, T2, World, fault, world};

async fn remove(world: &World, token: &str, id: &str) -> u16 {
    let path = format!("/api/instances/{id}");
    let answer = world.with(token, Method::DELETE, &path, Value::Null).await;
    answer.status
}

/// How many rows each kind of key has.
fn rows(world: &World, prefix: &str) -> usize {
    let rows = world.db.rows(Table::Directory);
    rows.iter()
        .filter(|(key, _)| key.pk.starts_with(prefix) || key.sk.starts_with(prefix))
        .count()
}

#[tokio::test]
async fn a_number_is_let_go_as_it_was_found() {
    // AC 39
    let world = world().await;
    let before = "https://other.example/hook?x=1";
    let theirs = json!({ "webhookUrl": before, "webhookUrlToken": "their-token" });
    world.set(I1, T1, theirs.clone()).await;
    world.second().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.take_over(&token, I1, T1).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let id = added.json["id"].as_str().unwrap();
    let row = world.row("w1", id).await.unwrap();
    assert_eq!(row.webhook_before.as_deref(), Some(before));
    let dump = format!("{:?}", world.db.rows(Table::Directory));
    assert!(!dump.contains("their-token"));
    assert_eq!(
        (
            rows(&world, "NUM#"),
            rows(&world, "GREEN#"),
            rows(&world, "HOOK#")
        ),
        (1, 1, 1)
    );

    // AC 40: the address is restored, and nothing is left that a late notification could reach.
    world.second().await;
    assert_eq!(remove(&world, &token, id).await, 204);
    assert_eq!(world.written(2).await, [theirs]);
    assert_eq!(
        (
            rows(&world, "NUM#"),
            rows(&world, "GREEN#"),
            rows(&world, "HOOK#")
        ),
        (0, 0, 0)
    );
    assert_eq!(remove(&world, &token, id).await, 404);
    // What GREEN-API still has is known for two days, by the token that it shows.
    let late = world.db.rows(Table::Runtime).into_iter();
    let late: Vec<GoneHookRow> = late
        .filter(|(key, _)| key.sk == "GONE")
        .map(|(_, item)| row::read(item).unwrap())
        .collect();
    assert_eq!(late.len(), 2, "by address, and by instance");
    assert!(
        late.iter()
            .all(|it| it.token_sha256 == row.hook_token_sha256)
    );
    let left_s = late[0].expires_at - world.clock.now_ms() / 1000;
    assert!((172_700..=172_800).contains(&left_s), "{left_s}");

    // It can be added anew, and is another number then.
    world.second().await;
    let again = world.take_over(&token, I1, T1).await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_ne!(again.json["id"], added.json["id"]);
}

#[tokio::test]
async fn a_number_without_a_past_is_cleared() {
    // AC 40
    let world = world().await;
    // Left over from an installation of ours: nothing to go back to.
    let ours = format!("{HUB}/webhooks/green-api/old");
    world.set(I1, T1, json!({ "webhookUrl": ours })).await;
    world.second().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    let id = added.json["id"].as_str().unwrap();
    assert_eq!(world.row("w1", id).await.unwrap().webhook_before, None);
    world.second().await;
    assert_eq!(remove(&world, &token, id).await, 204);
    let written = world.written(2).await;
    assert_eq!(
        written,
        [json!({ "webhookUrl": "", "webhookUrlToken": "" })]
    );
}

#[tokio::test]
async fn a_webhook_that_is_not_ours_any_more_is_left_alone() {
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    world.second().await;
    let theirs = json!({ "webhookUrl": "https://new.example/hook" });
    world.set(I1, T1, theirs).await;
    world.second().await;
    let id = added.json["id"].as_str().unwrap();
    assert_eq!(remove(&world, &token, id).await, 204);
    assert_eq!(world.written(2).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_number_is_removed_although_the_provider_does_not_answer() {
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    world
        .faults(json!([fault(
            "getSettings",
            json!({ "status": 401, "body": {} })
        )]))
        .await;
    let id = added.json["id"].as_str().unwrap();
    assert_eq!(remove(&world, &token, id).await, 204);
    assert!(world.list(&token).await.is_empty());
    assert_eq!((rows(&world, "GREEN#"), rows(&world, "HOOK#")), (0, 0));
}

#[tokio::test]
async fn a_number_is_removed_by_its_own_admins() {
    // AC 25
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    let added = world.add(&alice, I1, T1).await;
    let id = added.json["id"].as_str().unwrap();
    let carol = world.sign_in(L2, CAROL).await;
    assert_eq!(remove(&world, &carol, id).await, 404);
    assert_eq!(remove(&world, &carol, &I1.to_string()).await, 404);
    let bob = world.sign_in(L1, BOB).await;
    assert_eq!(remove(&world, &bob, id).await, 403);
    // AC 26
    assert_eq!(remove(&world, &alice, "abc").await, 400);
    assert_eq!(remove(&world, &alice, "%ff").await, 400);
    assert_eq!(remove(&world, &alice, "..%2f..").await, 400);
    assert_eq!(world.list(&alice).await.len(), 1);
    // Nobody has told GREEN-API anything.
    assert_eq!(world.written(1).await, Vec::<Value>::new());
}

/// What is left of the first number's conversations.
fn left(world: &World) -> Vec<String> {
    let rows = world.db.rows(Table::Chats).into_iter();
    // Notes of twins hold no text, and end by themselves within a day.
    rows.filter(|(key, row)| key.sk != "TWINS" || !row.contains_key("expires_at"))
        .map(|(key, _)| format!("{} {}", key.pk, key.sk))
        .collect()
}

/// A conversation with everything that leads to it: two ids of the person, a call, a contact, a
/// message of the CRM's, a body that nobody understood.
async fn talk(world: &World, id: &str) {
    let row = world.row("w1", id).await.unwrap();
    let home = Home::from(&row);
    let hub = &world.hub;
    let person = Alias::from_phone_digits("79001234567");
    for new in [
        message(
            "M1",
            &person,
            Direction::In,
            Content::Text { text: "hi".into() },
        ),
        message("C1", &person, Direction::In, call(CallEvent::Offer)),
        message("C1", &person, Direction::In, call(CallEvent::Missed)),
    ] {
        accept::whatsapp_message(hub, &home, new).await.unwrap();
    }
    let lid = NewMessage {
        phone: Some("+79001234567".to_owned()),
        ..message(
            "M2",
            &Alias::parse("123@lid").unwrap(),
            Direction::In,
            call(CallEvent::Offer),
        )
    };
    accept::whatsapp_message(hub, &home, lid).await.unwrap();
    let send = CrmSend {
        message_id: "G1".to_owned(),
        contact: ContactId::new("contact1"),
        message: NewMessage {
            origin: Origin::Ghl,
            ..message(
                "G1",
                &person,
                Direction::Out,
                Content::Text { text: "yes".into() },
            )
        },
        delivered: Delivered {
            shape: Shape::ExtraChannel,
            written_ms: None,
            content_sha256: "G1".to_owned(),
        },
        refused: None,
    };
    accept::crm_message(hub, &home, &LocationId::new(L1), send)
        .await
        .unwrap();
    let key = keys::quarantine(&row.number, world.clock.now_ms(), "00");
    let item = row::item(&QuarantineRow {
        rev: 1,
        why: "a test".to_owned(),
        body: "{}".to_owned(),
        n_bytes: 2,
        expires_at: i64::MAX,
    });
    let write = Write {
        key,
        op: Op::Put(item.unwrap()),
        only_if: Cond::Always,
    };
    world.db.write(vec![write]).await.unwrap();
}

fn message(id: &str, chat: &Alias, direction: Direction, content: Content) -> NewMessage {
    let kind = match &content {
        Content::Call { event, .. } => IdKind::of_call(event),
        _ => IdKind::Message,
    };
    NewMessage {
        kind,
        remote_id: id.to_owned(),
        direction,
        origin: Origin::Whatsapp,
        api_echo: false,
        chat: chat.clone(),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content,
        quoted: None,
    }
}

fn call(event: CallEvent) -> Content {
    Content::Call {
        event,
        video: false,
    }
}

async fn gone(world: &World, id: &str) -> Option<GoneNumberRow> {
    let key = keys::gone_number(&WorkspaceId::new("w1"), &NumberId::new(id));
    row::load(&world.db, &key).await.unwrap()
}

/// What the sweeper does when the time has come.
async fn sweep(world: &World, id: &str) {
    let (workspace, number) = (WorkspaceId::new("w1"), NumberId::new(id));
    let until_ms = world.clock.now_ms() + 20_000;
    let (db, files, clock) = (&world.db, MemoryStore::default(), &world.clock);
    erase_gone(db, &files, clock, &workspace, &number, until_ms)
        .await
        .unwrap();
}

#[tokio::test]
async fn conversations_are_kept_for_thirty_days_and_leave_nothing_then() {
    // AC 114
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    talk(&world, &id).await;
    let before = left(&world);
    assert!(before.len() >= 12, "{before:?}");
    assert_eq!(remove(&world, &alice, &id).await, 204);
    assert_eq!(left(&world), before);
    let due = gone(&world, &id).await.unwrap();
    let in_days = (due.due_at - world.clock.now_ms()) as f64 / 86_400_000.0;
    assert!((29.9..=30.0).contains(&in_days), "{in_days}");
    assert_eq!(
        keys::due_row(
            &keys::gone_number(&due.workspace, &due.number).pk,
            &keys::gone_number(&due.workspace, &due.number).sk
        ),
        Some(DueRow::GoneNumber(due.workspace, due.number))
    );

    sweep(&world, &id).await;
    assert_eq!(left(&world), Vec::<String>::new());
    // What came in late is looked for once more.
    let due = gone(&world, &id).await.unwrap();
    assert!(due.is_erased && due.due_at > world.clock.now_ms());
    sweep(&world, &id).await;
    assert!(gone(&world, &id).await.is_none());
    assert_eq!(rows(&world, "GONE#"), 0);
}

// AC 114
#[tokio::test]
async fn conversations_are_erased_at_once_when_that_is_asked() {
    // AC 114
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    talk(&world, &id).await;
    let path = format!("/api/instances/{id}?conversations=burn");
    let answer = world.with(&alice, Method::DELETE, &path, Value::Null).await;
    assert_eq!(
        (answer.status, &answer.json["code"]),
        (400, &json!("bad_choice"))
    );
    assert_eq!(rows(&world, "NUM#"), 1);
    let path = format!("/api/instances/{id}?conversations=erase");
    let answer = world.with(&alice, Method::DELETE, &path, Value::Null).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert_eq!(left(&world), Vec::<String>::new());
    assert!(gone(&world, &id).await.unwrap().due_at <= world.clock.now_ms());
}

#[tokio::test]
async fn another_numbers_conversations_stay() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let other = world.add(&alice, I2, T2).await;
    let other = other.json["id"].as_str().unwrap();
    talk(&world, other).await;
    let kept = left(&world);
    let path = format!("/api/instances/{id}?conversations=erase");
    let answer = world.with(&alice, Method::DELETE, &path, Value::Null).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert_eq!(left(&world), kept);
}
