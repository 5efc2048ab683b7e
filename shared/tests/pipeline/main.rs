//! The pipeline over in-memory tables, with providers on a local port: what a case asks, step by
//! step. What happens when everything goes wrong at once is the simulation's matter.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may break")]

mod tokens;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::{Destination, Lane, PartState};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ContactId, IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::{CrmStatus, Direction, Message, Origin};
use greenhub::domain::routing::{Routing, Rule};
use greenhub::domain::sms::Shape;
use greenhub::domain::status::{InstanceState, Receipt, Status};
use greenhub::ghl::oauth::OAuth;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::accept::{self, CrmSend, Home};
use greenhub::pipeline::crm_status::{self, Teller, Told};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::route::{Route, To, route};
use greenhub::pipeline::twins::Delivered;
use greenhub::pipeline::whatsapp::Whatsapp;
use greenhub::pipeline::{Hub, Settings, lane, receipt};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::{
    ChatRow, ContactChatRow, chat_of_alias, chats_of_contact, living_chat, messages_from,
};
use greenhub::store::db::{Db, DbError, Table};
use greenhub::store::directory::{self, InstallRow, InstallState, NumberRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

type TestHub = Hub<MemoryDb, MemoryQueue>;

fn hub(hold_ms: i64) -> TestHub {
    let clock = Clock::system();
    Hub {
        db: MemoryDb::new(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::counted(),
        settings: Settings {
            hold_ms,
            ..Settings::default()
        },
    }
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new("ws")
}

fn location() -> LocationId {
    LocationId::new("loc1")
}

fn data_keys() -> Arc<DataKeys> {
    let keys = [("1".to_owned(), [7; 32])].into();
    Arc::new(DataKeys::new("1".to_owned(), &keys).unwrap())
}

/// A number of the workspace, the `n`-th that was added.
async fn number(hub: &TestHub, n: u64, state: InstanceState, api_url: &str) -> NumberRow {
    let number = NumberId::new(format!("n{n}"));
    let context = NumberRow::seal_context(&workspace(), &number, NumberRow::TOKEN);
    let mut row = NumberRow {
        rev: 0,
        workspace: workspace(),
        number: number.clone(),
        id_instance: IdInstance(1_101_000_000 + n),
        name: format!("Number {n}"),
        created_ms: n as i64,
        location: None,
        state,
        state_since_ms: 0,
        wid: None,
        api_url: api_url.to_owned(),
        media_url: None,
        token_sealed: data_keys().seal("token", &context),
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
    };
    let key = keys::number(&workspace(), &number);
    hub.db
        .write(vec![row::save(key, &mut row).unwrap()])
        .await
        .unwrap();
    row
}

fn text(id: &str, from: &str, text: &str) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: id.to_owned(),
        direction: Direction::In,
        origin: Origin::Whatsapp,
        api_echo: false,
        chat: Alias::from_phone_digits(from),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: Some(1_763_800_000),
        content: Content::Text {
            text: text.to_owned(),
        },
        quoted: None,
    }
}

/// An agent's message through `number`, as far as its acceptance.
async fn agent_writes(
    hub: &TestHub,
    number: &NumberRow,
    id: &str,
) -> greenhub::domain::ids::ChatId {
    let message = NewMessage {
        direction: Direction::Out,
        origin: Origin::Ghl,
        ..text(id, "79001234567", "hi")
    };
    let send = CrmSend {
        message_id: id.to_owned(),
        contact: ContactId::new("c1"),
        message,
        delivered: Delivered {
            shape: Shape::ExtraChannel,
            written_ms: None,
            content_sha256: id.to_owned(),
        },
        refused: None,
    };
    let taken = accept::crm_message(hub, &Home::from(number), &location(), send)
        .await
        .unwrap();
    match taken {
        accept::Accepted::New(claim) => claim.chat,
        other => panic!("{other:?}"),
    }
}

async fn only_message(hub: &TestHub, chat: &greenhub::domain::ids::ChatId) -> Message {
    messages_from(&hub.db, chat, 1, 10).await.unwrap().remove(0)
}

/// GREEN-API with these answers to sends, one after the other; then it takes everything.
async fn green(answers: Vec<(u16, Value)>) -> (String, Arc<Mutex<u32>>) {
    type Script = (Arc<Mutex<VecDeque<(u16, Value)>>>, Arc<Mutex<u32>>);
    async fn send(State((answers, calls)): State<Script>) -> impl IntoResponse {
        *calls.lock().unwrap() += 1;
        let (status, body) = answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or((200, json!({ "idMessage": "W1" })));
        (StatusCode::from_u16(status).unwrap(), Json(body))
    }
    let calls = Arc::new(Mutex::new(0));
    let script: Script = (Arc::new(Mutex::new(answers.into())), Arc::clone(&calls));
    let router = Router::new()
        .route("/waInstance1101000001/sendMessage/token", post(send))
        .with_state(script);
    (serve(router).await, calls)
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn send_all(hub: &TestHub, chat: &greenhub::domain::ids::ChatId) {
    let client = greenhub::http::client(Duration::from_secs(2)).unwrap();
    let green = GreenApi::new(client);
    let whatsapp = Whatsapp::new(hub, &green, data_keys());
    let deadline = hub.clock.now_ms() + 120_000;
    lane::work_off(hub, &whatsapp, chat, deadline)
        .await
        .unwrap();
}

#[tokio::test]
async fn five_first_messages_at_once_make_one_chat() {
    // AC 48
    let hub = Arc::new(hub(0));
    let home = Home {
        location: Some(location()),
        auto_reply: None,
        ..Home::from(&number(&hub, 1, InstanceState::Authorized, "http://x").await)
    };
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let (hub, home) = (Arc::clone(&hub), home.clone());
            tokio::spawn(async move {
                let new = text(&format!("M{n}"), "79001234567", "first");
                accept::whatsapp_message(&*hub, &home, new).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rows = hub.db.rows(Table::Chats);
    let chats: Vec<ChatRow> = rows
        .into_iter()
        .filter(|(key, _)| key.sk == "CHAT")
        .map(|(_, item)| row::read(item).unwrap())
        .collect();
    assert_eq!(chats.len(), 1, "{chats:?}");
    let seqs: Vec<_> = messages_from(&hub.db, &chats[0].chat, 1, 10)
        .await
        .unwrap()
        .iter()
        .map(|m| m.seq)
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_number_is_chosen_by_conversation_tag_and_age() {
    // AC 68, 69, 70, 71, 74
    let check = async |tags: &[&str],
                       last_wrote_to: Option<u64>,
                       phone: &str,
                       expect: Option<(u64, &str)>| {
        let hub = hub(0);
        number(&hub, 2, InstanceState::Authorized, "http://x").await;
        number(&hub, 1, InstanceState::Authorized, "http://x").await;
        if let Some(n) = last_wrote_to {
            let home = Home {
                workspace: workspace(),
                number: NumberId::new(format!("n{n}")),
                location: Some(location()),
                auto_reply: None,
                telegram: None,
            };
            accept::whatsapp_message(&hub, &home, text("M", "79001234567", "hi"))
                .await
                .unwrap();
        }
        let numbers = directory::numbers(&hub.db, &workspace()).await.unwrap();
        let to = To {
            phone: Some(phone),
            country: None,
            routing: &Routing::default(),
            chats: &[],
            numbers: &numbers,
            are_kept: false,
        };
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let found = route(&hub, to, || async { Some(tags) }).await.unwrap();
        let found = match found {
            Route::Via {
                number, address, ..
            } => Some((number.id_instance.0, address)),
            _ => None,
        };
        let expect = expect.map(|(id, address)| (id, Alias::parse(address).unwrap()));
        assert_eq!(found, expect, "{last_wrote_to:?} {phone}");
    };
    let (one, two) = (1_101_000_001, 1_101_000_002);
    let person = "79001234567@c.us";
    check(&[], None, "+79001234567", Some((one, person))).await;
    check(
        &["vip", "whatsapp-instance-1101000002"],
        None,
        "+79001234567",
        Some((two, person)),
    )
    .await;
    check(
        &["whatsapp-instance-1101000009"],
        None,
        "+79001234567",
        Some((one, person)),
    )
    .await;
    check(
        &["whatsapp-instance-abc"],
        None,
        "+79001234567",
        Some((one, person)),
    )
    .await;
    check(&[], Some(2), "+79001234567", Some((two, person))).await;
    check(
        &[],
        None,
        "+1 (586) 460-3685",
        Some((one, "15864603685@c.us")),
    )
    .await;
    check(
        &[],
        None,
        "+120363418570879210",
        Some((one, "120363418570879210@g.us")),
    )
    .await;
    check(&[], None, "", None).await;
}

#[tokio::test]
async fn a_workspace_sets_the_order_of_the_rules_and_the_default() {
    // AC 69
    use Rule::{Default, LastConversation, Tag};
    let lid = Alias::parse("120650379300963@lid").unwrap();
    let check = async |order: &[Rule], default: Option<u64>, wrote_by: Option<&Alias>, expect| {
        let hub = hub(0);
        for n in [1, 2, 3] {
            number(&hub, n, InstanceState::Authorized, "http://x").await;
        }
        // The contact last wrote to the second number, and has the tag of the third.
        if let Some(alias) = wrote_by {
            let home = Home {
                workspace: workspace(),
                number: NumberId::new("n2"),
                location: Some(location()),
                auto_reply: None,
                telegram: None,
            };
            let new = NewMessage {
                chat: alias.clone(),
                ..text("M", "79001234567", "hi")
            };
            accept::whatsapp_message(&hub, &home, new).await.unwrap();
            link_contact(&hub, alias).await;
        }
        let by_lid = wrote_by == Some(&lid);
        let routing = Routing {
            order: order.to_vec(),
            default: default.map(|n| NumberId::new(format!("n{n}"))),
        };
        let numbers = directory::numbers(&hub.db, &workspace()).await.unwrap();
        let contact = ContactId::new("c1");
        let known = chats_of_contact(&hub.db, &location(), &contact).await;
        let mut chats = Vec::new();
        for known in known.unwrap() {
            chats.extend(living_chat(&hub.db, &known.chat).await.unwrap());
        }
        let to = To {
            phone: Some(if by_lid {
                "+120650379300963"
            } else {
                "+79001234567"
            }),
            country: None,
            routing: &routing,
            chats: &chats,
            numbers: &numbers,
            are_kept: false,
        };
        let tags = vec!["whatsapp-instance-1101000003".to_owned()];
        let found = route(&hub, to, || async { Some(tags) }).await.unwrap();
        let found = match found {
            Route::Via { number, .. } => number.id_instance.0 - 1_101_000_000,
            _ => 0,
        };
        assert_eq!(found, expect, "{order:?} {default:?} {wrote_by:?}");
    };
    let person = Some(Alias::from_phone_digits("79001234567"));
    let person = person.as_ref();
    check(&[LastConversation, Tag, Default], None, person, 2).await;
    check(&[Tag, LastConversation, Default], None, person, 3).await;
    check(&[LastConversation, Default], None, None, 1).await;
    check(&[LastConversation, Default], Some(3), None, 3).await;
    check(&[Default], Some(3), person, 3).await;
    check(&[Default], None, person, 1).await;
    // A default that was removed.
    check(&[Default], Some(9), person, 1).await;
    // Whoever has no phone is reached where they wrote to, whatever comes first.
    check(&[Tag, LastConversation, Default], None, Some(&lid), 2).await;
    check(&[Tag, Default], None, Some(&lid), 0).await;
}

/// The CRM has the person of this chat as its contact.
async fn link_contact(hub: &TestHub, alias: &Alias) {
    let number = NumberId::new("n2");
    let known = chat_of_alias(&hub.db, &number, alias).await.unwrap();
    let key = keys::contact_chat(&location(), &ContactId::new("c1"), &number);
    let mut row = ContactChatRow {
        rev: 0,
        number,
        chat: known.unwrap().chat,
    };
    let write = row::save(key, &mut row).unwrap();
    hub.db.write(vec![write]).await.unwrap();
}

#[tokio::test]
async fn a_number_that_is_not_connected_fails_what_waits_with_the_reason() {
    // AC 73
    let hub = hub(0);
    let (url, calls) = green(Vec::new()).await;
    let number = number(&hub, 1, InstanceState::NotAuthorized, &url).await;
    let chat = agent_writes(&hub, &number, "A1").await;
    send_all(&hub, &chat).await;
    let message = only_message(&hub, &chat).await;
    assert_eq!(message.status, Status::Failed);
    assert!(message.status_reason.unwrap().contains("notAuthorized"));
    assert_eq!(*calls.lock().unwrap(), 0, "nothing was sent");
}

#[tokio::test]
async fn refusals_are_waited_out_and_a_quota_is_the_reason() {
    // AC 83
    let quota = json!({
        "invokeStatus": { "method": "sendMessage", "used": 3, "total": 3, "status": "QUOTE_EXCEEDED" },
    });
    let check =
        async |answers: Vec<(u16, Value)>, hold_ms, expect: Status, n_calls: u32, reason: &str| {
            let hub = hub(hold_ms);
            let (url, calls) = green(answers).await;
            let number = number(&hub, 1, InstanceState::Authorized, &url).await;
            let chat = agent_writes(&hub, &number, "A1").await;
            for _ in 0..4 {
                send_all(&hub, &chat).await;
                let message = only_message(&hub, &chat).await;
                match &message.deliveries[&Destination::Whatsapp].parts[0].state {
                    PartState::Retry { at_ms, .. } => hub.clock.sleep_until(*at_ms + 1).await,
                    _ => break,
                }
            }
            let message = only_message(&hub, &chat).await;
            assert_eq!(message.status, expect, "{message:?}");
            assert!(
                message
                    .status_reason
                    .clone()
                    .unwrap_or_default()
                    .contains(reason),
                "{message:?}"
            );
            assert_eq!(*calls.lock().unwrap(), n_calls);
            message
        };
    let busy = (
        429,
        json!({ "statusCode": 429, "message": "Too Many Requests" }),
    );
    check(vec![busy], 600_000, Status::Accepted, 2, "").await;
    check(vec![(466, quota)], 0, Status::Failed, 1, "used up").await;
    // Nobody knows whether a 500 was taken: it is looked for, and never sent again blindly.
    let broken = (500, json!({ "message": "internal" }));
    let message = check(vec![broken], 600_000, Status::Queued, 1, "").await;
    let state = &message.deliveries[&Destination::Whatsapp].parts[0].state;
    assert!(
        matches!(
            state,
            PartState::Unknown {
                to_person: false,
                ..
            }
        ),
        "{state:?}"
    );
}

struct Stubborn(Mutex<VecDeque<Told>>, Mutex<Vec<CrmStatus>>);

impl Teller for Stubborn {
    const LONGEST_CALL_MS: i64 = 1_000;

    async fn tell(
        &self,
        _: &ChatRow,
        _: &Message,
        _: &str,
        status: CrmStatus,
    ) -> Result<Told, DbError> {
        self.1.lock().unwrap().push(status);
        Ok(self.0.lock().unwrap().pop_front().unwrap_or(Told::Yes))
    }
}

#[tokio::test]
async fn a_status_that_could_not_be_told_is_told_later_and_fails_nothing() {
    // AC 81, 82
    let hub = hub(600_000);
    let (url, _) = green(Vec::new()).await;
    let number = number(&hub, 1, InstanceState::Authorized, &url).await;
    let chat = agent_writes(&hub, &number, "A1").await;
    send_all(&hub, &chat).await;
    for (status, word) in [
        (Status::Delivered, "delivered"),
        (Status::Read, "read"),
        (Status::Delivered, "delivered"),
    ] {
        let news = Receipt {
            remote_id: "W1".into(),
            chat: None,
            status,
            word: word.into(),
            description: None,
            at_s: 0,
        };
        receipt::accept(&hub, &number.number, news).await.unwrap();
    }
    let not_yet = Told::NotYet {
        reason: "403".into(),
    };
    let teller = Stubborn(Mutex::new(VecDeque::from([not_yet])), Mutex::default());
    for _ in 0..2 {
        let deadline = hub.clock.now_ms() + 60_000;
        crm_status::work_off(&hub, &teller, &chat, deadline)
            .await
            .unwrap();
        let key = keys::chat(&chat);
        let row = row::load::<ChatRow>(&hub.db, &key).await.unwrap().unwrap();
        match row.due(Lane::CrmStatus) {
            Some(due) => hub.clock.sleep_until(due + 1).await,
            None => break,
        }
    }
    assert_eq!(
        *teller.1.lock().unwrap(),
        [CrmStatus::Read, CrmStatus::Read]
    );
    let message = only_message(&hub, &chat).await;
    assert_eq!(message.status, Status::Read);
    assert_eq!(message.crm.unwrap().told, Some(CrmStatus::Read));
}
