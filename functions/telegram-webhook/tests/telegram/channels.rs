//! Channels come, are taken, change and go.

use std::time::Duration;

use greenhub::account::telegram_link;
use greenhub::domain::ids::PersonId;
use greenhub::domain::rights::Rights;
use greenhub::domain::telegram::Posts;
use greenhub::pipeline::operation;
use greenhub::pipeline::telegram::channels::{self, ChannelError};
use greenhub::pipeline::telegram::states;
use greenhub::store::db::Db as _;
use greenhub::store::directory::NumberRow;
use greenhub::store::people::{PersonKind, PersonRow};
use greenhub::store::{keys, row, telegram};
use reqwest::Method;
use serde_json::json;

use crate::world::{CHANNEL, I1, I2, OTHER, World, number, text, workspace};

// AC 138
#[tokio::test]
async fn a_channel_comes_is_renamed_and_goes() {
    let world = World::new().await;
    world.place(CHANNEL, "administrator").await;
    let found = world.channel(CHANNEL).await.unwrap();
    assert!(found.active && found.url.is_some(), "{found:?}");
    assert_eq!(
        (found.title.as_str(), found.workspace),
        ("Acme Support", None)
    );
    let greeting = text(&world.posts(CHANNEL).await[0], "text");
    assert!(greeting.contains(&CHANNEL.to_string()), "{greeting}");

    let path = format!("telegram/chats/{CHANNEL}");
    world
        .control(Method::PUT, &path, json!({ "title": "Acme Care" }))
        .await;
    world.settle().await;
    assert_eq!(world.channel(CHANNEL).await.unwrap().title, "Acme Care");

    world.place(CHANNEL, "kicked").await;
    let gone = world.channel(CHANNEL).await.unwrap();
    assert!(!gone.active && gone.url.is_none(), "{gone:?}");
}

// AC 138
#[tokio::test]
async fn a_channel_is_nobodys_until_somebody_who_reads_it_takes_it() {
    let world = World::new().await;
    world.place(CHANNEL, "administrator").await;
    let code = world.code(CHANNEL).await;
    let (db, clock) = (&world.db, &world.clock);
    let (a, b) = (workspace(I1), workspace(I2));
    let seen = async |by| telegram::channels(db, by).await.unwrap().len();
    assert_eq!((seen(&a).await, seen(&b).await), (0, 0));
    let stranger = channels::link(db, clock, &b, &number(I2), CHANNEL, Posts::default()).await;
    assert!(
        matches!(stranger, Err(ChannelError::Unknown)),
        "{stranger:?}"
    );
    let wrong = channels::claim_by_code(db, clock, &b, "AAAAAAAAAAAA").await;
    assert!(matches!(wrong, Err(ChannelError::BadCode)), "{wrong:?}");

    let typed = format!(" {} ", code.to_lowercase());
    channels::claim_by_code(db, clock, &a, &typed)
        .await
        .unwrap();
    let again = channels::claim_by_code(db, clock, &b, &code).await;
    assert!(matches!(again, Err(ChannelError::BadCode)), "{again:?}");
    assert_eq!((seen(&a).await, seen(&b).await), (1, 0));
    // Neither another's channel nor another's number.
    let stranger = channels::link(db, clock, &b, &number(I2), CHANNEL, Posts::default()).await;
    assert!(
        matches!(stranger, Err(ChannelError::Unknown)),
        "{stranger:?}"
    );
    let stranger = channels::link(db, clock, &a, &number(I2), CHANNEL, Posts::default()).await;
    assert!(
        matches!(stranger, Err(ChannelError::Unknown)),
        "{stranger:?}"
    );
    channels::link(db, clock, &a, &number(I1), CHANNEL, Posts::default())
        .await
        .unwrap();
    world.customer("79001234567", "hi").await;
    world.posted(CHANNEL, 1).await;

    channels::unlink(db, &a, &number(I1)).await.unwrap();
    world.pass(std::time::Duration::from_secs(60));
    world.customer("79001234567", "unseen").await;
    world.settle().await;
    assert_eq!(world.posted(CHANNEL, 1).await.len(), 1);
}

#[tokio::test]
async fn a_group_with_a_new_id_goes_on() {
    let world = World::linked().await;
    let to = -1_001_000_009_999_i64;
    let chat = json!({ "id": to, "kind": "group", "title": "Acme Support" });
    world.control(Method::POST, "telegram/chats", chat).await;
    world
        .control(
            Method::PUT,
            &format!("telegram/chats/{to}/bot"),
            json!({ "status": "administrator" }),
        )
        .await;
    world.settle().await;
    let migrated = json!({
        "ok": false, "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": { "migrate_to_chat_id": to },
    });
    world
        .faults(
            json!([{ "provider": "telegram", "path_contains": "sendMessage", "times": 1,
                         "status": 400, "body": migrated }]),
        )
        .await;
    world.customer("79001234567", "where are you?").await;
    let posts = world.posted(to, 1).await;
    assert!(text(&posts[0], "text").contains("where are you?"));
    assert_eq!(world.channel(CHANNEL).await, None);
    let link = world.number(I1).await.prefs.telegram.unwrap();
    assert_eq!(link.channel, to);
}

/// Somebody of the first workspace, with these rights.
async fn person(world: &World, name: &str, rights: Rights) {
    let mut row = PersonRow {
        rev: 0,
        workspace: workspace(I1),
        person: PersonId::new(name),
        kind: PersonKind::Local { login: name.into() },
        name: name.into(),
        rights,
        is_active: true,
        epoch: 0,
        password: None,
        setup: None,
        totp: None,
        telegram: None,
        recovery: Default::default(),
        created_ms: 0,
        entered_ms: None,
    };
    let key = keys::person(&row.workspace, &row.person);
    let write = row::save(key, &mut row).unwrap();
    world.db.write(vec![write]).await.unwrap();
}

/// The person opens the bot by a link of theirs, with this Telegram account.
async fn starts(world: &World, name: &str, user: i64) -> String {
    let (db, clock) = (&world.db, &world.clock);
    let person = PersonId::new(name);
    let nonce = telegram_link::offer(db, clock, &workspace(I1), &person, None).await;
    let body = json!({ "text": format!("/start {}", nonce.unwrap()) });
    let path = format!("telegram/people/{user}/write");
    world.control(Method::POST, &path, body).await;
    let posts = world
        .until("an answer", async || {
            let posts = world.posts(user).await;
            (!posts.is_empty()).then_some(posts)
        })
        .await;
    text(&posts[0], "text")
}

#[tokio::test]
async fn a_channel_is_offered_to_the_workspace_of_whoever_added_the_bot() {
    let world = World::new().await;
    person(&world, "mia", Rights::of_owner()).await;
    person(&world, "pat", Rights::default()).await;
    let (mia, pat) = (5001, 5002);
    let said = starts(&world, "mia", mia).await;
    assert!(said.contains("account is linked"), "{said}");
    starts(&world, "pat", pat).await;
    let seen = async |instance| {
        telegram::channels(&world.db, &workspace(instance))
            .await
            .unwrap()
    };
    // Pat manages no numbers.
    let add = async |channel: i64, by: i64| {
        let path = format!("telegram/chats/{channel}/bot");
        let body = json!({ "status": "administrator", "by": by });
        world.control(Method::PUT, &path, body).await;
        world.settle().await;
    };
    add(OTHER, pat).await;
    assert_eq!(seen(I1).await, []);
    add(CHANNEL, mia).await;
    let offered = seen(I1).await;
    assert_eq!((offered.len(), &offered[0].workspace), (1, &None));
    assert_eq!(seen(I2).await, []);
    let (db, clock) = (&world.db, &world.clock);
    let link = async |instance| {
        let (workspace, number) = (workspace(instance), number(instance));
        channels::link(db, clock, &workspace, &number, CHANNEL, Posts::default()).await
    };
    assert!(matches!(link(I2).await, Err(ChannelError::Unknown)));
    assert_eq!(link(I1).await.unwrap().workspace, Some(workspace(I1)));
}

#[tokio::test]
async fn a_link_to_an_account_is_good_once() {
    let world = World::new().await;
    let body = json!({ "text": "/start nobodys-nonce" });
    world
        .control(Method::POST, "telegram/people/77002/write", body)
        .await;
    let posts = world
        .until("an answer", async || {
            let posts = world.posts(77002).await;
            (!posts.is_empty()).then_some(posts)
        })
        .await;
    assert!(
        text(&posts[0], "text").contains("was used or is too old"),
        "{posts:?}"
    );
}

// AC 139
#[tokio::test]
async fn the_bot_tells_people_their_id_and_takes_no_other_command() {
    let world = World::new().await;
    let answered = async |n: usize, says: &str| {
        let body = json!({ "text": says });
        world
            .control(Method::POST, "telegram/people/77001/write", body)
            .await;
        let all = world
            .until("an answer", async || {
                let posts = world.posts(77001).await;
                (posts.len() > n).then_some(posts)
            })
            .await;
        text(&all[n], "text")
    };
    assert!(answered(0, "/id").await.contains("77001"));
    assert!(answered(1, "/start").await.contains("77001"));
    assert!(answered(2, "hello").await.contains("takes no commands"));
}

// AC 116
#[tokio::test]
async fn a_change_of_state_that_lasts_is_told_in_the_channel_once() {
    let world = World::linked().await;
    let n_before = world.posts(CHANNEL).await.len();
    let tell = async || {
        operation::tell(&world.hub, &world.number(I1).await)
            .await
            .unwrap();
        let number = world.number(I1).await;
        states::post(&world.hub, &world.bot, &number).await.unwrap()
    };
    assert_eq!(tell().await, 0);
    let state = json!({ "stateInstance": "yellowCard" });
    world.notify("stateInstanceChanged", state).await;
    world.settle().await;
    // Somebody has looked since, and it is still so.
    world.pass(Duration::from_secs(3_600));
    let key = keys::number(&workspace(I1), &number(I1));
    row::change::<NumberRow>(&world.db, &key, |row| {
        row.checked_ms = world.clock.now_ms();
        true
    })
    .await
    .unwrap();
    let limited = json!([{ "provider": "telegram", "path_contains": "/sendMessage", "times": 1,
        "status": 429, "body": { "ok": false, "error_code": 429, "description": "Too Many Requests",
        "parameters": { "retry_after": 3 } } }]);
    world.faults(limited).await;
    assert_eq!(tell().await, 0);
    world.pass(Duration::from_secs(120));
    assert_eq!(tell().await, 1);
    assert_eq!(tell().await, 0);
    let posts = world.posts(CHANNEL).await;
    assert_eq!(posts.len(), n_before + 1, "{posts:?}");
    let told = text(posts.last().unwrap(), "text");
    assert!(told.ends_with("authorized → yellowCard"), "{told}");
    // The other number's channel knows nothing of it.
    let other = world.number(I2).await;
    let elsewhere = states::post(&world.hub, &world.bot, &other).await;
    assert_eq!(elsewhere.unwrap(), 0);
}
