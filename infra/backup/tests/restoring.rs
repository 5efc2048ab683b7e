//! Back up, lose, bring back: against a stack of the template in the emulator of AWS.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use greenhub::clock::Clock;
use greenhub::config;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::{Destination, Lane, PartState};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::pipeline::accept::{self, Home};
use greenhub::pipeline::{brake, lane};
use greenhub::store::chats::{ChatRow, Claim, messages_from};
use greenhub::store::db::{Cond, Db, Item, Key, Op, Write};
use greenhub::store::{keys, row};
use greenhub::wiring;
use greenhub_backup::error::Error;
use greenhub_backup::options::Options;
use greenhub_local::{Aws, unless_missing};

/// What somebody wrote in an interface of ours.
fn text(request: &str, text: &str) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: request.to_owned(),
        direction: Direction::Out,
        origin: Origin::Panel,
        api_echo: false,
        chat: Alias::from_phone_digits("79001234567"),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text {
            text: text.to_owned(),
        },
        quoted: None,
    }
}

async fn put(db: &impl Db, key: &Key, rev: u64) {
    let item = Item::from([("rev".to_owned(), AttributeValue::N(rev.to_string()))]);
    let write = Write {
        key: key.clone(),
        op: Op::Put(item),
        only_if: Cond::Always,
    };
    db.write(vec![write]).await.unwrap();
}

async fn lose(db: &impl Db, key: &Key) {
    let write = Write {
        key: key.clone(),
        op: Op::Delete,
        only_if: Cond::Present,
    };
    db.write(vec![write]).await.unwrap();
}

/// Settles the message's delivery as the lane does.
async fn sent(db: &impl Db, claim: &Claim) {
    let key = keys::message(&claim.chat, claim.seq);
    row::change::<Message>(db, &key, |message| {
        let delivery = message.deliveries.get_mut(&Destination::Whatsapp).unwrap();
        delivery.parts[0].state = PartState::Done;
        true
    })
    .await
    .unwrap();
}

async fn state_of(db: &impl Db, chat: &ChatId, seq: u64) -> PartState {
    let message = messages_from(db, chat, seq, 1).await.unwrap().remove(0);
    message.deliveries[&Destination::Whatsapp].parts[0]
        .state
        .clone()
}

// AC 159
#[tokio::test]
async fn what_is_lost_comes_back_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let Some(emulator) = unless_missing(Aws::start(dir.path()).await).unwrap() else {
        return;
    };
    let outputs = emulator.stores("backups", BTreeMap::new()).await.unwrap();
    let aws = config::aws_at(emulator.url()).unwrap();
    let clock = Clock::system();
    let run = async |line: &str| {
        let options = Options::read(line.split(' ')).unwrap().unwrap();
        let mut out = Vec::new();
        let done = greenhub_backup::run(&options, &aws, &clock, &mut out).await;
        done.map(|()| String::from_utf8(out).unwrap())
    };
    let hub = wiring::hub_of_stack(&aws, &outputs);
    let db = &hub.db;
    assert_eq!(
        run("list --stack backups").await.unwrap(),
        "there are no backups\n"
    );

    let home = Home {
        workspace: WorkspaceId::new("w"),
        number: NumberId::new("n"),
        location: None,
        auto_reply: None,
        telegram: None,
    };
    let first = accept::own_message(&hub, &home, text("r1", "one"))
        .await
        .unwrap();
    sent(db, &first).await;
    accept::own_message(&hub, &home, text("r2", "two"))
        .await
        .unwrap();
    let (lost, renewed) = (keys::workspace(&WorkspaceId::new("w")), keys::senders());
    let token = keys::number(&home.workspace, &home.number);
    put(db, &lost, 5).await;
    put(db, &token, 1).await;
    let chat_key = keys::chat(&first.chat);
    let keys_lost = [
        lost.clone(),
        chat_key.clone(),
        keys::message(&first.chat, 1),
        keys::message(&first.chat, 2),
    ];
    let mut before = Vec::new();
    for key in &keys_lost {
        before.push(db.get(key).await.unwrap().unwrap());
    }

    let told = run("take --stack backups").await.unwrap();
    let name = told.split(' ').next().unwrap().to_owned();
    let told = run("list --stack backups").await.unwrap();
    assert_eq!(told, format!("{name}  ready\n"));

    // Life goes on, and then something bad happens.
    accept::own_message(&hub, &home, text("r3", "three"))
        .await
        .unwrap();
    put(db, &token, 2).await;
    for key in &keys_lost {
        lose(db, key).await;
    }

    let wrong = run("restore --stack backups --name greenhub-never").await;
    assert!(matches!(wrong, Err(Error::NoBackup { .. })));
    assert!(db.get(&renewed).await.unwrap().is_none());
    let told = run(&format!("restore --stack backups --name {name}"))
        .await
        .unwrap();
    assert!(
        told.contains("Directory: 2 rows, 1 of them were missing"),
        "{told}"
    );
    assert!(told.contains("3 of them were missing"), "{told}");

    // The same data, but for what was open: that is a person's now.
    for (key, before) in keys_lost.iter().zip(&before).take(3) {
        let mut after = db.get(key).await.unwrap().unwrap();
        if *key == chat_key {
            // It goes on after what came since.
            let chat: ChatRow = row::read(after.clone()).unwrap();
            assert_eq!(chat.seq, 3);
            for field in ["seq", "rev"] {
                after.insert(field.to_owned(), before[field].clone());
            }
        }
        assert_eq!(after, *before, "{key:?}");
    }
    assert_eq!(state_of(db, &first.chat, 1).await, PartState::Done);
    let second = state_of(db, &first.chat, 2).await;
    assert!(
        matches!(
            second,
            PartState::Unknown {
                to_person: true,
                ..
            }
        ),
        "{second:?}"
    );
    assert_eq!(state_of(db, &first.chat, 3).await, PartState::Pending);
    let newer = db.get(&token).await.unwrap().unwrap();
    assert_eq!(newer["rev"], AttributeValue::N("2".to_owned()));

    // A second time there is nothing left to do.
    let told = run(&format!("restore --stack backups --name {name}"))
        .await
        .unwrap();
    assert!(told.contains("rows, 0 of them were missing"), "{told}");

    // Nobody works a lane off until the senders are on again.
    let hub = wiring::hub_of_stack(&aws, &outputs);
    assert!(brake::is_on(&hub).await.unwrap());
    let deadline_ms = clock.now_ms() + 60_000;
    lane::with_lease(
        &hub,
        &first.chat,
        Lane::Whatsapp,
        1_000,
        deadline_ms,
        async |_| unreachable!("the senders are off"),
    )
    .await
    .unwrap();
    assert!(
        run("senders --stack backups")
            .await
            .unwrap()
            .starts_with("the senders are off")
    );
    run("senders on --stack backups").await.unwrap();
    let hub = wiring::hub_of_stack(&aws, &outputs);
    assert!(!brake::is_on(&hub).await.unwrap());
    emulator.stop().await;
}
