//! What a number answers by itself, over in-memory tables.

#![expect(clippy::unwrap_used, reason = "a test may break")]

use greenhub::clock::Clock;
use greenhub::domain::auto_reply::AutoReply;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::{Destination, Lane};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::status::Status;
use greenhub::pipeline::accept::{self, Accepted, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::{ChatRow, chat_of_alias, messages_from};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const HOUR_MS: i64 = 3_600_000;

struct World {
    hub: Hub<MemoryDb, MemoryQueue>,
    ahead_ms: Arc<AtomicI64>,
    home: Home,
}

fn world(location: Option<&str>) -> World {
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let clock = Clock::shifted(Arc::clone(&ahead_ms));
    let hub = Hub {
        db: MemoryDb::new(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::counted(),
        settings: Settings::default(),
    };
    let home = Home {
        workspace: WorkspaceId::new("ws"),
        number: NumberId::new("n1"),
        location: location.map(LocationId::new),
        auto_reply: Some(AutoReply {
            on: true,
            text: "We are away.".into(),
            ..AutoReply::default()
        }),
        telegram: None,
    };
    World {
        hub,
        ahead_ms,
        home,
    }
}

fn text(id: &str) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: id.to_owned(),
        direction: Direction::In,
        origin: Origin::Whatsapp,
        api_echo: false,
        chat: Alias::from_phone_digits("79001234567"),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text { text: "hi".into() },
        quoted: None,
    }
}

impl World {
    async fn takes(&self, new: NewMessage) -> Accepted {
        accept::whatsapp_message(&self.hub, &self.home, new)
            .await
            .unwrap()
    }

    async fn chat(&self) -> ChatId {
        let alias = Alias::from_phone_digits("79001234567");
        let found = chat_of_alias(&self.hub.db, &self.home.number, &alias).await;
        found.unwrap().unwrap().chat
    }

    async fn messages(&self) -> Vec<Message> {
        let chat = self.chat().await;
        messages_from(&self.hub.db, &chat, 1, 100).await.unwrap()
    }

    async fn origins(&self) -> Vec<Origin> {
        self.messages().await.iter().map(|it| it.origin).collect()
    }
}

// AC 137: one reply, none within the interval, one after it; it goes to WhatsApp and, like what
// somebody writes in the panel, into the CRM, whatever becomes of other destinations.
#[tokio::test]
async fn a_chat_is_answered_once_in_an_interval() {
    use Origin::{AutoReply, Whatsapp};
    let world = world(Some("loc"));
    assert!(matches!(world.takes(text("A")).await, Accepted::New(_)));
    let messages = world.messages().await;
    let reply = &messages[1];
    assert_eq!(reply.origin, AutoReply);
    assert_eq!(
        (reply.direction, reply.status),
        (Direction::Out, Status::Queued)
    );
    let says = Content::Text {
        text: "We are away.".into(),
    };
    assert_eq!(reply.content, says);
    let to: Vec<_> = reply.deliveries.keys().copied().collect();
    assert!(to.contains(&Destination::Whatsapp) && to.contains(&Destination::Crm));
    let key = keys::chat(&world.chat().await);
    let chat = row::load::<ChatRow>(&world.hub.db, &key)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(chat.cursor(Lane::Whatsapp), 2);
    assert!(chat.due(Lane::Whatsapp).is_some());

    // The same again is known, and another one finds the answer.
    assert_eq!(world.takes(text("A")).await, Accepted::Duplicate);
    world.takes(text("B")).await;
    world
        .ahead_ms
        .store(24 * HOUR_MS - 60_000, Ordering::SeqCst);
    world.takes(text("C")).await;
    assert_eq!(
        world.origins().await,
        [Whatsapp, AutoReply, Whatsapp, Whatsapp]
    );
    world.ahead_ms.store(24 * HOUR_MS, Ordering::SeqCst);
    world.takes(text("D")).await;
    assert_eq!(world.origins().await[4..], [Whatsapp, AutoReply]);
}

// AC 137: a reply that failed is none.
#[tokio::test]
async fn a_reply_that_failed_does_not_count() {
    let world = world(None);
    world.takes(text("A")).await;
    let chat = world.chat().await;
    row::change::<Message>(&world.hub.db, &keys::message(&chat, 2), |message| {
        message.status = Status::Failed;
        true
    })
    .await
    .unwrap();
    world.takes(text("B")).await;
    world.takes(text("C")).await;
    let replies = world.origins().await;
    let n_replies = replies
        .iter()
        .filter(|it| **it == Origin::AutoReply)
        .count();
    assert_eq!((replies.len(), n_replies), (5, 2));
}

// AC 137: two messages at once, one reply. The tables give way in between each read and write.
#[tokio::test]
async fn messages_that_come_at_once_get_one_reply() {
    let world = world(None);
    let ids: Vec<String> = (0..8).map(|n| format!("M{n}")).collect();
    let takes = ids.iter().map(|id| async {
        // As GREEN-API would: what met others too often is sent again.
        loop {
            let taken = accept::whatsapp_message(&world.hub, &world.home, text(id)).await;
            if taken.is_ok() {
                break;
            }
        }
    });
    futures::future::join_all(takes).await;
    let origins = world.origins().await;
    let n_replies = origins
        .iter()
        .filter(|it| **it == Origin::AutoReply)
        .count();
    assert_eq!((origins.len(), n_replies), (9, 1), "{origins:?}");
}

// AC 137: what a person does without writing gets no reply.
#[tokio::test]
async fn what_is_no_message_gets_no_reply() {
    let world = world(None);
    let reaction = Content::Reaction {
        emoji: Some("👍".into()),
        target: Some("X".into()),
    };
    let check = async |new: NewMessage| {
        world.takes(new).await;
        let rows = world.hub.db.rows(greenhub::store::db::Table::Chats);
        let replies = rows.iter().filter(|(_, item)| {
            item.get("origin")
                .is_some_and(|it| it.as_s().is_ok_and(|word| word == "auto_reply"))
        });
        assert_eq!(replies.count(), 0);
    };
    check(NewMessage {
        content: reaction,
        ..text("R")
    })
    .await;
    check(NewMessage {
        chat: Alias::parse("120363000000000001@g.us").unwrap(),
        ..text("G")
    })
    .await;
    check(NewMessage {
        direction: Direction::Out,
        origin: Origin::Phone,
        ..text("P")
    })
    .await;
    let day_ago_s = world.hub.clock.now_ms() / 1000 - 24 * 3600;
    check(NewMessage {
        at_s: Some(day_ago_s),
        ..text("O")
    })
    .await;
}

// Who asks not to be written to gets no reply, not even to that.
#[tokio::test]
async fn who_asks_not_to_be_written_to_gets_no_reply() {
    let world = world(None);
    let stop = NewMessage {
        content: Content::Text {
            text: "STOP".into(),
        },
        ..text("A")
    };
    world.takes(stop).await;
    world.takes(text("B")).await;
    assert_eq!(world.origins().await, [Origin::Whatsapp, Origin::Whatsapp]);
}
