//! Echoes of what we put into the CRM ourselves, step by step: whatever else happens while a post is
//! on its way, the message that it shows is not sent a second time (promise 3).

#![expect(clippy::unwrap_used, reason = "a test may break")]

use std::sync::Mutex;
use std::time::Duration;

use greenhub::clock::{Clock, Millis};
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::{Content, File, FileKind};
use greenhub::domain::delivery::Destination;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, ContactId, IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::sms::Shape;
use greenhub::domain::status::InstanceState;
use greenhub::ghl::action::Action;
use greenhub::ghl::wire::ProviderDelivery;
use greenhub::pipeline::accept::{self, Accepted, CrmSend, Home};
use greenhub::pipeline::files::{self, CRM_WAITS_MS, Copied, Keeper};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::inbox::{self, Taken, Tenant};
use greenhub::pipeline::provider::{Looked, Prepared, Provider, Sent};
use greenhub::pipeline::twins::Delivered;
use greenhub::pipeline::{Hub, Settings, action, lane, merge};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::{ChatRow, messages_from};
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{InstallRow, InstallState, NumberRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use serde_json::json;

type TestHub = Hub<MemoryDb, MemoryQueue>;

const APP: &str = "provider";
const PHONE: &str = "+79001234567";

/// What happens while the post is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    /// Nothing else.
    Nothing,
    /// The copy of a file is made, whose text went to the CRM without it a moment before.
    LateFile,
    /// The chat turns out to be one person's with another one, and lives on there.
    Merge,
}

/// A CRM that delivers what it was given before it has answered.
struct Crm<'a> {
    hub: &'a TestHub,
    meanwhile: Meanwhile,
    posts: Mutex<Vec<String>>,
    /// What came of the echo that overtook the answer.
    taken: Mutex<Option<Taken>>,
}

impl Provider for Crm<'_> {
    type Ready = ();

    const DESTINATION: Destination = Destination::Crm;
    const LONGEST_CALL_MS: Millis = 20_000;
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = Some(60_000);

    fn patience_ms(&self) -> Millis {
        24 * 3_600_000
    }

    async fn prepare(&self, _: &ChatRow, _: &Message, _: usize) -> Result<Prepared<()>, DbError> {
        Ok(Prepared::Ready { with: (), at_ms: 0 })
    }

    async fn send(&self, (): (), _: &ChatRow, message: &Message, part: usize) -> Sent {
        let remote_id = format!("g{}.{part}", message.seq);
        self.posts.lock().unwrap().push(remote_id.clone());
        if message.origin == Origin::Workflow {
            self.happen(&message.chat).await;
            let taken = echo(self.hub, &remote_id).await;
            *self.taken.lock().unwrap() = Some(taken);
        }
        Sent::Done { remote_id }
    }

    async fn look(&self, _: &ChatRow, _: &Message, _: usize, _: Millis) -> Result<Looked, DbError> {
        Ok(Looked::NotNow)
    }
}

impl Crm<'_> {
    async fn happen(&self, chat: &ChatId) {
        match self.meanwhile {
            Meanwhile::Nothing => {}
            Meanwhile::LateFile => {
                let deadline = self.hub.clock.now_ms() + 120_000;
                files::work_off(self.hub, &Copies, chat, deadline)
                    .await
                    .unwrap();
            }
            Meanwhile::Merge => {
                let (number, phone) = (number().number, Alias::from_phone_digits(PHONE));
                merge::learn_alias(self.hub, &number, chat, &phone)
                    .await
                    .unwrap();
            }
        }
    }
}

/// Copies everything.
struct Copies;

impl Keeper for Copies {
    const LONGEST_CALL_MS: Millis = 60_000;

    async fn copy(&self, _: &ChatRow, _: &Message, _: usize, _: &str) -> Result<Copied, DbError> {
        Ok(Copied::Kept {
            name: "a.png".to_owned(),
            mime: "image/png".to_owned(),
            n_bytes: 1,
        })
    }
}

/// The CRM delivers a post of ours as if an agent had written it.
async fn echo(hub: &TestHub, id: &str) -> Taken {
    let delivery = ProviderDelivery {
        location: install().location,
        message_id: id.to_owned(),
        type_name: "SMS".to_owned(),
        contact: Some(contact()),
        phone: Some(PHONE.to_owned()),
        message: "from a workflow".to_owned(),
        attachments: Vec::new(),
        user_id: None,
        conversation_id: None,
        provider_id: Some(APP.to_owned()),
        custom_user_id: None,
        reply_to_alt_id: None,
        at_ms: None,
    };
    let tenant = Tenant::of(&hub.db, install()).await.unwrap();
    inbox::delivery(
        hub,
        &tenant,
        false,
        Some(Shape::ExtraChannel),
        &delivery,
        |_| async { None },
    )
    .await
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_echo_that_overtakes_the_answer_is_not_sent() {
    // AC 79
    check(Meanwhile::Nothing).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_file_of_an_earlier_message_does_not_hide_an_open_post() {
    // AC 79
    check(Meanwhile::LateFile).await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_does_not_hide_an_open_post() {
    // AC 79
    check(Meanwhile::Merge).await;
}

/// A workflow's message whose echo comes before the post of it is answered.
async fn check(meanwhile: Meanwhile) {
    let hub = hub().await;
    let lid = Alias::parse("120650379300967@lid").unwrap();
    let home = Home::from(&number());
    // An agent has answered the customer, so the contact and the chat are each other's.
    let answer = CrmSend {
        message_id: "A1".to_owned(),
        contact: contact(),
        message: new("A1", Origin::Ghl, &lid, text("hello")),
        delivered: Delivered {
            shape: Shape::ExtraChannel,
            written_ms: None,
            content_sha256: "text".to_owned(),
        },
        refused: None,
    };
    let answered = accept::crm_message(&hub, &home, &install().location, answer).await;
    let Ok(Accepted::New(claim)) = answered else {
        unreachable!("{answered:?}");
    };
    let picture = new("M1", Origin::Whatsapp, &lid, picture());
    accept::whatsapp_message(&hub, &home, picture)
        .await
        .unwrap();
    if meanwhile == Meanwhile::Merge {
        let other = Alias::from_phone_digits(PHONE);
        let new = new("M2", Origin::Whatsapp, &other, text("it is me"));
        accept::whatsapp_message(&hub, &home, new).await.unwrap();
    }
    let action = json!({
        "data": { "instanceId": "1101000001", "message": "from a workflow" },
        "extras": { "locationId": "loc", "contactId": "c1" },
        "meta": { "key": "send", "version": "1.0" },
    });
    let action = Action::read(action.to_string().as_bytes()).unwrap();
    action::take(&hub, &install(), &action, PHONE)
        .await
        .unwrap();

    hub.clock
        .sleep(Duration::from_millis(CRM_WAITS_MS as u64))
        .await;
    let crm = Crm {
        hub: &hub,
        meanwhile,
        posts: Mutex::default(),
        taken: Mutex::default(),
    };
    let deadline = hub.clock.now_ms() + 120_000;
    lane::work_off(&hub, &crm, &claim.chat, deadline)
        .await
        .unwrap();

    // Nobody knew the id yet: it has to come again, and is known then.
    let taken = crm.taken.lock().unwrap().take();
    assert!(
        matches!(taken, Some(Taken::Later(_))),
        "{meanwhile:?}: {taken:?}"
    );
    let again = echo(&hub, "g3.0").await;
    assert_eq!(again, Taken::Accepted(Accepted::Duplicate), "{meanwhile:?}");
    let messages = messages_from(&hub.db, &claim.chat, 1, 10).await.unwrap();
    let origins: Vec<_> = messages.iter().map(|message| message.origin).collect();
    let expect = [Origin::Ghl, Origin::Whatsapp, Origin::Workflow];
    assert_eq!(origins, expect, "{meanwhile:?}");
    // The case is what it says: the file has followed, or the chat lives on in the other one.
    let key = keys::chat(&claim.chat);
    let chat: ChatRow = row::load(&hub.db, &key).await.unwrap().unwrap();
    assert_eq!(chat.merged_into.is_some(), meanwhile == Meanwhile::Merge);
    let posts = crm.posts.into_inner().unwrap();
    match meanwhile {
        Meanwhile::LateFile => assert_eq!(posts, ["g2.0", "g3.0", "g2.1"]),
        _ => assert_eq!(posts, ["g2.0", "g3.0"], "{meanwhile:?}"),
    }
}

fn text(text: &str) -> Content {
    Content::Text {
        text: text.to_owned(),
    }
}

fn picture() -> Content {
    let file = File {
        kind: FileKind::Image,
        url: Some("https://files.example/a".to_owned()),
        name: "a".to_owned(),
        mime: String::new(),
        missing: None,
        copy: None,
    };
    Content::Files {
        files: vec![file],
        caption: "look".to_owned(),
    }
}

fn new(id: &str, origin: Origin, chat: &Alias, content: Content) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: id.to_owned(),
        direction: match origin {
            Origin::Ghl => Direction::Out,
            _ => Direction::In,
        },
        origin,
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

async fn hub() -> TestHub {
    let clock = Clock::paused(1_700_000_000_000);
    let hub = Hub {
        db: MemoryDb::new(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::counted(),
        settings: Settings::default(),
    };
    let mut number = number();
    let key = keys::number(&number.workspace, &number.number);
    let write = row::save(key, &mut number).unwrap();
    hub.db.write(vec![write]).await.unwrap();
    hub
}

fn contact() -> ContactId {
    ContactId::new("c1")
}

fn install() -> InstallRow {
    InstallRow {
        rev: 0,
        location: LocationId::new("loc"),
        workspace: WorkspaceId::new("ws"),
        company: None,
        state: InstallState::Active,
        access_sealed: String::new(),
        refresh_sealed: String::new(),
        expires_ms: 0,
        refreshed_ms: 0,
        scope: String::new(),
        installed_ms: 0,
        problem: None,
        sms: None,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
    }
}

fn number() -> NumberRow {
    NumberRow {
        rev: 0,
        workspace: WorkspaceId::new("ws"),
        number: NumberId::new("n1"),
        id_instance: IdInstance(1_101_000_001),
        name: "Shop".to_owned(),
        created_ms: 0,
        location: Some(LocationId::new("loc")),
        state: InstanceState::Authorized,
        state_since_ms: 0,
        wid: None,
        api_url: "https://1101.api.greenapi.com".to_owned(),
        media_url: None,
        token_sealed: String::new(),
        hook_key_sealed: String::new(),
        hook_token_sha256: String::new(),
        hook_token_sealed: String::new(),
        webhook_before: None,
        webhook_token_before_sealed: None,
        configured: true,
        delay_ms: 500,
        prefs: Default::default(),
        pause: None,
        checked_ms: 0,
        changes: Vec::new(),
        alarmed: false,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
    }
}
