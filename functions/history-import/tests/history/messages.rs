//! What becomes of single messages.

use greenhub::domain::content::Content;
use greenhub::domain::ids::{LocationId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::status::InstanceState;
use greenhub::history::ImportError;
use greenhub::pipeline::accept::Accepted;
use greenhub::store::history::{self, ImportOptions, Phase};
use serde_json::{Value, json};

use crate::world::{ANNA, BORIS, GROUP, text, two_chats, world};

// AC 118, 119: five of six are stored, one was known; a second start is refused, and nobody is told.
#[tokio::test]
async fn what_is_known_is_skipped_and_nobody_is_told() {
    let world = world().await;
    world.seed(two_chats()).await;
    world
        .change(|row| {
            row.location = Some(LocationId::new("loc"));
            row.prefs.auto_reply = Some(greenhub::domain::auto_reply::AutoReply {
                on: true,
                text: "We are away.".into(),
                ..Default::default()
            });
        })
        .await;
    // One of them had come in by itself, and was answered.
    let taken = world.live("B2", "79004445566", "hi").await;
    assert!(matches!(taken, Accepted::New(_)));
    let before = world.chat(BORIS).await;

    let import = world.start(ImportOptions::default()).await.unwrap();
    assert_eq!(import.phase, Phase::Planning);
    let again = world.start(ImportOptions::default()).await;
    assert!(matches!(again, Err(ImportError::InProgress)));
    let import = world.to_its_end().await;
    assert_eq!(import.phase, Phase::Done);
    let counts = import.counts;
    assert_eq!(
        (counts.chats, counts.chats_done, counts.chats_failed),
        (2, 2, 0)
    );
    assert_eq!((counts.total, counts.saved, counts.skipped), (6, 5, 1));
    let report = history::all_chats(&world.hub.db, &world.number)
        .await
        .unwrap();
    let told: Vec<_> = report
        .iter()
        .map(|it| {
            (
                it.alias.as_str(),
                it.name.as_deref(),
                it.total,
                it.saved,
                it.skipped,
            )
        })
        .collect();
    assert_eq!(told[0], (ANNA, Some("Anna"), 3, 3, 0));
    assert_eq!(told[1], (BORIS, Some("Boris"), 3, 2, 1));
    assert_eq!(report[0].chat, Some(world.chat(ANNA).await.chat));

    let messages = world.messages(ANNA).await;
    for message in &messages {
        assert_eq!(message.origin, Origin::History);
        assert_eq!(message.direction, Direction::In);
        assert!(message.deliveries.is_empty(), "{message:?}");
    }
    assert_eq!(world.ids(ANNA).await, ["A1", "A2", "A3"]);
    let chat = world.chat(ANNA).await;
    assert_eq!(
        (chat.seq, chat.due_at, chat.auto_replied.is_some()),
        (0, None, false)
    );
    assert_eq!(chat.last_at, 1_700_000_003_000);
    assert_eq!(chat.title.as_deref(), Some("Anna"));
    // Old ones are below the live one and its answer, whose chat is otherwise as it was.
    let origins: Vec<_> = world
        .messages(BORIS)
        .await
        .iter()
        .map(|it| it.origin)
        .collect();
    let expect = [
        Origin::History,
        Origin::History,
        Origin::Whatsapp,
        Origin::AutoReply,
    ];
    assert_eq!(origins, expect);
    let after = world.chat(BORIS).await;
    assert_eq!(
        (after.seq, after.last_at, &after.lanes),
        (before.seq, before.last_at, &before.lanes)
    );
    // The webhook that comes late for what was imported finds it.
    assert_eq!(
        world.live("A2", "79001112233", "hi").await,
        Accepted::Duplicate
    );
    assert_eq!(world.ids(ANNA).await.len(), 3);

    // Once more: everything is known.
    world.start(ImportOptions::default()).await.unwrap();
    let counts = world.to_its_end().await.counts;
    assert_eq!((counts.total, counts.saved, counts.skipped), (6, 0, 6));
}

// AC 118: a number without a phone is refused, or waits for one for a minute.
#[tokio::test]
async fn a_number_without_a_phone_is_refused_or_waits() {
    let world = world().await;
    world.seed(two_chats()).await;
    world
        .change(|row| row.state = InstanceState::NotAuthorized)
        .await;
    let refused = world.start(ImportOptions::default()).await;
    assert!(matches!(refused, Err(ImportError::NotAuthorized(_))));
    let elsewhere = world
        .imports()
        .start(
            &WorkspaceId::new("other"),
            &world.number,
            ImportOptions::default(),
            true,
        )
        .await;
    assert!(matches!(elsewhere, Err(ImportError::NotFound)));

    let waits = async || {
        let imports = world.imports();
        let options = ImportOptions::default();
        imports
            .start(&world.workspace, &world.number, options, true)
            .await
            .unwrap()
    };
    waits().await;
    let ended = world.to_its_end().await;
    assert!(matches!(ended.phase, Phase::Failed { .. }), "{ended:?}");
    let took_ms = ended.ended_ms.unwrap() - ended.started_ms;
    assert!((60_000..70_000).contains(&took_ms), "{took_ms}");

    waits().await;
    world.turn().await;
    world
        .change(|row| row.state = InstanceState::Authorized)
        .await;
    let ended = world.to_its_end().await;
    assert_eq!((ended.phase, ended.counts.saved), (Phase::Done, 6));
}

/// A message of each kind that a journal can have, and some that nobody knows.
fn all_kinds() -> Vec<Value> {
    let kinds = [
        (
            "extendedTextMessage",
            json!({ "textMessage": "hi", "extendedTextMessage": { "text": "hi" } }),
        ),
        (
            "imageMessage",
            json!({ "downloadUrl": "https://files.example/a.jpg", "fileName": "a.jpg", "mimeType": "image/jpeg", "caption": "" }),
        ),
        (
            "locationMessage",
            json!({ "location": { "latitude": 1.5, "longitude": 2.5, "nameLocation": "x", "address": "" } }),
        ),
        (
            "contactMessage",
            json!({ "contact": { "displayName": "C", "vcard": "BEGIN:VCARD\nFN:C\nTEL:+1\nEND:VCARD" } }),
        ),
        (
            "groupInviteMessage",
            json!({ "groupInviteMessageData": { "groupName": "G" } }),
        ),
        (
            "deletedMessage",
            json!({ "isDeleted": true, "deletedMessageId": "K0" }),
        ),
        ("hologramMessage", json!({ "hologram": { "depth": 3 } })),
        ("", json!({})),
        ("textMessage", json!({ "textMessage": 17 })),
    ];
    let entries = kinds.into_iter().enumerate().map(|(n, (kind, mut entry))| {
        entry["type"] = json!(if n % 2 == 0 { "incoming" } else { "outgoing" });
        entry["idMessage"] = json!(format!("K{n}"));
        // Two in each second.
        entry["timestamp"] = json!(1_700_000_000 + n / 2);
        entry["typeMessage"] = json!(kind);
        entry
    });
    entries.collect()
}

// AC 120: what nobody knows becomes a placeholder, and the rest is stored.
#[tokio::test]
async fn what_nobody_knows_becomes_a_placeholder() {
    let world = world().await;
    let entries = all_kinds();
    world
        .seed(json!([{ "chatId": GROUP, "name": "Family", "messages": entries }]))
        .await;
    world.start(ImportOptions::default()).await.unwrap();
    let import = world.to_its_end().await;
    assert_eq!(import.phase, Phase::Done);
    assert_eq!(import.counts.saved, entries.len() as u64);
    let messages = world.messages(GROUP).await;
    let is_unknown = |it: &&Message| matches!(it.content, Content::Unknown { .. });
    let n_unknown = messages.iter().filter(is_unknown).count();
    assert_eq!(import.counts.placeholders, n_unknown as u64);
    let types: Vec<_> = messages
        .iter()
        .filter_map(|it| match &it.content {
            Content::Unknown { type_name } => Some(type_name.as_str()),
            _ => None,
        })
        .collect();
    assert!(types.contains(&"hologramMessage"), "{types:?}");
    let times: Vec<_> = messages.iter().map(|it| it.at_ms).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(world.chat(GROUP).await.title.as_deref(), Some("Family"));
}

// Edits, deletions and reactions of before are on the messages that they are about, whether those are
// stored in the same step or were stored in one before.
#[tokio::test]
async fn what_is_about_an_earlier_message_marks_it() {
    let world = world().await;
    let mut entries: Vec<_> = (0..40)
        .map(|n| text(&format!("A{n:02}"), 1_700_000_000 + n, "hi"))
        .collect();
    let about = |id: &str, at_s: i64, kind: &str, more: Value| {
        let mut entry = text(id, at_s, "");
        entry["typeMessage"] = json!(kind);
        for (name, value) in more.as_object().unwrap() {
            entry[name] = value.clone();
        }
        entry
    };
    let thumb = |of: &str| json!({ "extendedTextMessageData": { "text": "👍" }, "quotedMessage": { "stanzaId": of } });
    let later = 1_700_000_100;
    entries.push(about("R1", 1_700_000_005, "reactionMessage", thumb("A01")));
    entries.push(about("R2", later, "reactionMessage", thumb("A02")));
    let edit = json!({ "editedMessageId": "A02", "textMessage": "hello" });
    entries.push(about("E1", later + 1, "editedMessage", edit));
    let deletion = json!({ "deletedMessageId": "A39" });
    entries.push(about("D1", later + 2, "deletedMessage", deletion));
    world
        .seed(json!([{ "chatId": ANNA, "messages": entries }]))
        .await;
    world.start(ImportOptions::default()).await.unwrap();
    let counts = world.to_its_end().await.counts;
    assert_eq!((counts.saved, counts.placeholders), (44, 0));
    let messages = world.messages(ANNA).await;
    let marks = |id: &str| {
        let found = messages
            .iter()
            .find(|it| it.whatsapp_id.as_deref() == Some(id));
        let marks = &found.unwrap().marks;
        let edited = marks.edited.as_ref().map(|edit| edit.text.clone());
        (marks.reactions.len(), edited, marks.deleted_ms.is_some())
    };
    assert_eq!(marks("A00"), (0, None, false));
    assert_eq!(marks("A01"), (1, None, false));
    assert_eq!(marks("A02"), (1, Some("hello".to_owned()), false));
    assert_eq!(marks("A39"), (0, None, true));
}
