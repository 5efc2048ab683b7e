//! Bodies like the published ones, which nobody has published: damaged in every place. `CORPUS`
//! names the folder of the published ones; without it a few of our own are damaged.

use std::path::Path;

use axum::http::StatusCode;
use greenhub::domain::event::Event;
use greenhub::domain::message::Message;
use greenhub::domain::text::{Lang, TextInput, crm_text};
use greenhub::green_api::{map, wire};
use greenhub::store::chats::ChatRow;
use greenhub::store::{keys, row};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{ONE, World, frame, incoming, text};

/// Stands for a number that JSON can write and no type can hold; put in once the body is text.
const HUGE: &str = "\"@huge@\"";
/// Stands for a value that lies deeper than any parser goes.
const DEEP: &str = "\"@deep@\"";

/// How many bodies are posted with several damages at once.
const POSTED: u32 = 600;

/// What can happen to a value.
#[derive(Clone, Debug, PartialEq)]
enum Damage {
    /// It is not there.
    Dropped,
    /// It is another one.
    Instead(Value),
    /// It is within an object, or within a list.
    WrappedInObject,
    WrappedInList,
    /// It is written as a text.
    AsText,
    /// It is there, and something that nobody knows beside it.
    Accompanied,
}

fn damages() -> Vec<Damage> {
    let instead = [
        json!(null),
        json!(""),
        json!("  \n "),
        json!("x"),
        json!("\u{0}\u{202e}\u{1F468}\u{200d}"),
        json!("y".repeat(30_000)),
        json!("brandNewThing"),
        json!(true),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(0.1),
        json!([]),
        json!({}),
        json!([null, [], {}, "x"]),
        json!("@huge@"),
        json!("@deep@"),
    ];
    let others = [
        Damage::Dropped,
        Damage::WrappedInObject,
        Damage::WrappedInList,
        Damage::AsText,
        Damage::Accompanied,
    ];
    others
        .into_iter()
        .chain(instead.map(Damage::Instead))
        .collect()
}

/// The paths to all values within a value, as JSON pointers.
fn paths(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Array(list) => (0..).map(|n: usize| n.to_string()).zip(list).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(name, child)| (name.replace('~', "~0").replace('/', "~1"), child))
            .collect(),
        _ => Vec::new(),
    };
    let below = |(name, child): (String, &Value)| {
        let inner = paths(child).into_iter();
        let here = std::iter::once(format!("/{name}"));
        here.chain(inner.map(move |path| format!("/{name}{path}")))
            .collect::<Vec<_>>()
    };
    children.into_iter().flat_map(below).collect()
}

fn apply(body: &mut Value, path: &str, damage: &Damage) {
    let Some((parent, name)) = path.rsplit_once('/') else {
        return;
    };
    if *damage == Damage::Dropped {
        match body.pointer_mut(parent) {
            Some(Value::Object(object)) => {
                object.remove(&name.replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(list)) => {
                list.remove(name.parse().unwrap());
            }
            _ => {}
        }
        return;
    }
    let Some(value) = body.pointer_mut(path) else {
        return;
    };
    let old = value.take();
    *value = match damage {
        Damage::Dropped => Value::Null,
        Damage::Instead(value) => value.clone(),
        Damage::WrappedInObject => json!({ "value": old }),
        Damage::WrappedInList => json!([old]),
        Damage::AsText => json!(old.to_string()),
        Damage::Accompanied => match old {
            Value::Object(mut object) => {
                object.insert("brandNewField".to_owned(), json!({ "a": [1] }));
                Value::Object(object)
            }
            Value::Array(mut list) => {
                list.push(json!({ "brandNewField": 1 }));
                Value::Array(list)
            }
            other => other,
        },
    };
}

/// The body as it is posted, from the first number whatever its instance has become.
fn posted(mut body: Value) -> Vec<u8> {
    for at in ["/instanceData/idInstance", "/body/instanceData/idInstance"] {
        if let Some(id) = body.pointer_mut(at)
            && (id.is_number() || id.is_string())
            && *id != "@huge@"
        {
            *id = ONE.into();
        }
    }
    let deep = format!("{}1{}", "{\"a\":[".repeat(400), "]}".repeat(400));
    let text = body.to_string().replace(HUGE, "1e999");
    text.replace(DEEP, &deep).into_bytes()
}

/// The bodies by their names.
fn bodies() -> Vec<(String, Value)> {
    let Some(corpus) = corpus() else {
        return own();
    };
    let mut bodies = Vec::<(String, Value)>::new();
    for folder in ["webhooks", "synthetic"] {
        let folder = Path::new(&corpus).join("green-api").join(folder);
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let body = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            bodies.push((path.file_name().unwrap().to_string_lossy().into(), body));
        }
    }
    assert!(bodies.len() > 100, "{} bodies", bodies.len());
    bodies.sort_by(|(a, _), (b, _)| a.cmp(b));
    bodies
}

fn own() -> Vec<(String, Value)> {
    let picture = json!({
        "typeMessage": "imageMessage",
        "fileMessageData": {
            "downloadUrl": "https://media.example/a.jpg", "caption": "c", "fileName": "a.jpg",
        },
        "quotedMessage": { "stanzaId": "M0", "typeMessage": "textMessage", "textMessage": "x" },
    });
    let poll = json!({
        "typeMessage": "pollMessage",
        "pollMessageData": { "name": "Q?", "options": [{ "optionName": "A" }] },
    });
    let call = json!({ "from": "79001234567@c.us", "idMessage": "C1", "status": "missed" });
    let receipt = json!({ "chatId": "79001234567@c.us", "idMessage": "P1", "status": "failed" });
    let bodies = [
        ("text", text("M1", "hi")),
        ("picture", incoming("M2", picture)),
        ("poll", incoming("M3", poll)),
        ("call", frame("incomingCall", call)),
        ("receipt", frame("outgoingMessageStatus", receipt)),
    ];
    bodies.map(|(name, body)| (name.to_owned(), body)).into()
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn corpus() -> Option<String> {
    let path = std::env::var("CORPUS").ok()?;
    // Cargo runs tests in the folder of their package; the variable is said at the top.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Some(root.join(path).to_string_lossy().into_owned())
}

fn read(body: &[u8]) -> Event {
    map::event(&wire::envelope(body).expect("it is JSON, or nearly"))
}

fn check_text(input: TextInput<'_>, body: &[u8]) {
    for lang in [Lang::En, Lang::Ru] {
        let text = crm_text(input, lang);
        let shown = || String::from_utf8_lossy(&body[..body.len().min(1000)]).into_owned();
        assert!(!text.trim().is_empty(), "no text: {}", shown());
        let lower = text.to_lowercase();
        assert!(!lower.contains("unsupported"), "{text}: {}", shown());
    }
}

/// Whether the value at this path says what kind of notification it is, or in which chat; all
/// others can be anything and the message is still to be seen.
fn decides(path: &str) -> bool {
    let path = path.strip_prefix("/body").unwrap_or(path);
    [
        "",
        "/typeWebhook",
        "/senderData",
        "/senderData/chatId",
        "/senderData/sender",
        "/from",
        "/participants",
        "/receiptId",
    ]
    .contains(&path)
        || path.starts_with("/participants/")
}

// AC 60: each value of each body, damaged in each way.
#[test]
fn a_message_is_seen_whatever_happens_to_any_value_of_its_body() {
    let mut n_damaged = 0;
    for (name, body) in bodies() {
        let was_message = matches!(read(&posted(body.clone())), Event::Message(_));
        for path in paths(&body) {
            for damage in damages() {
                let mut damaged = body.clone();
                apply(&mut damaged, &path, &damage);
                let damaged = posted(damaged);
                n_damaged += 1;
                let event = read(&damaged);
                if let Event::Message(message) = &event {
                    let input = TextInput {
                        again_at: None,
                        content: &message.content,
                        quoted: message.quoted.as_ref(),
                        direction: message.direction,
                        chat: &message.chat,
                        author: &message.author,
                        phone: message.phone.as_deref(),
                    };
                    check_text(input, &damaged);
                } else {
                    assert!(
                        !was_message || decides(&path),
                        "{name}: {path} {damage:?}: {event:?}"
                    );
                }
            }
        }
    }
    println!("{n_damaged} damaged bodies");
    assert!(n_damaged > 500);
}

/// Which body, and what happens to which of its values: numbers that are taken modulo what is there.
fn any_damage(n_bodies: usize) -> impl Strategy<Value = (usize, Vec<(usize, Damage)>)> {
    let damage = (any::<usize>(), proptest::sample::select(damages()));
    (0..n_bodies, proptest::collection::vec(damage, 1..5))
}

// AC 60: several damages at once, through the handler into the tables.
#[test]
fn whatever_is_damaged_is_answered_200_and_what_is_shown_has_words() {
    let bodies = bodies();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let config = Config {
        cases: POSTED,
        // The bodies are not in this repository, so a failing case kept beside it would say nothing.
        failure_persistence: None,
        ..Config::default()
    };
    let ran = TestRunner::new(config).run(&any_damage(bodies.len()), |(which, damages)| {
        let mut body = bodies[which].1.clone();
        for (at, damage) in damages {
            let paths = paths(&body);
            if !paths.is_empty() {
                apply(&mut body, &paths[at % paths.len()], &damage);
            }
        }
        runtime.block_on(check_posted(&posted(body)));
        Ok(())
    });
    ran.unwrap();
}

async fn check_posted(body: &[u8]) {
    let world = World::new().await;
    for _ in 0..2 {
        let status = world.notify(body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(1000)]);
        assert_eq!(status, StatusCode::OK, "{shown}");
    }
    let messages = world.messages();
    assert!(messages.len() <= 1, "one body became {messages:?}");
    for message in &messages {
        check_message(&world, message, body).await;
    }
}

/// The message as it would be posted into the CRM.
async fn check_message(world: &World, message: &Message, body: &[u8]) {
    let chat: ChatRow = row::load(&world.db, &keys::chat(&message.chat))
        .await
        .unwrap()
        .unwrap();
    let input = TextInput {
        again_at: None,
        content: &message.content,
        quoted: message.quoted.as_ref(),
        direction: message.direction,
        chat: &chat.address,
        author: &message.author,
        phone: chat.phone.as_deref(),
    };
    check_text(input, body);
    // The CRM's dates have years of four digits; 1970 is what stands in for what cannot be written.
    let date = greenhub::clock::rfc3339(message.at_ms);
    assert!(!date.starts_with("1970-01-01T00:00:00"), "{date}");
}
