//! Files both ways.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use greenhub::domain::copy::FileCopy;
use greenhub::media::memory::Stored;
use greenhub::media::{erase, link};
use greenhub::pipeline::files::{self, Linked};
use serde_json::{Value, json};

use crate::attachments::PNG;
use crate::world::{HUB, World, text, texts};

const ANN: &str = "79001234567@c.us";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn picture(name: &str, caption: &str) -> Value {
    file(name, "image/png", PNG, caption)
}

fn file(name: &str, mime: &str, content: &[u8], caption: &str) -> Value {
    let file = json!({ "name": name, "mime": mime, "base64": STANDARD.encode(content) });
    json!({ "from": "79001234567", "name": "Ann", "text": caption, "file": file })
}

/// The one attachment of a message in the CRM.
fn attachment(message: &Value) -> String {
    let all = message["attachments"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{message}");
    all[0].as_str().unwrap().to_owned()
}

/// Where an address of ours leads, if it leads anywhere.
async fn linked(world: &World, address: &str) -> Option<Linked> {
    let path = address.strip_prefix(&format!("{HUB}/f/")).unwrap();
    let (token, _) = path.split_once('/').unwrap();
    let (number, link) = link::read_token(token).unwrap();
    let now = world.clock.now_ms();
    files::linked(&world.db, &number, link, now).await.unwrap()
}

/// What is kept at an address of ours.
async fn kept(world: &World, address: &str) -> Option<Stored> {
    match linked(world, address).await?.file.copy? {
        FileCopy::Kept { object, .. } => world.store.all().remove(&object),
        _ => None,
    }
}

/// Every fetching of a file fails so, and so does asking WhatsApp for it.
fn dead(status: u16, times: u32) -> Value {
    let fault = |path: &str, status: u16| json!({ "provider": "green-api", "path_contains": path, "times": times, "status": status });
    json!([fault("/files/", status), fault("/downloadFile/", 500)])
}

// AC 50, 51
#[tokio::test]
async fn a_file_is_kept_and_can_be_fetched_after_a_month() {
    let world = World::new().await;
    // No ending, and a wrong idea of what it is.
    world.incoming(file("cat", "image/jpeg", PNG, "c")).await;
    let (_, messages) = world.shown("+79001234567", 1).await;
    assert_eq!(texts(&messages), ["c"]);
    let address = attachment(&messages[0]);
    assert!(address.ends_with("/cat.png"), "{address}");

    world.pass(DAY * 30);
    let found = kept(&world, &address).await.unwrap();
    assert_eq!(found.bytes, PNG);
    assert_eq!(found.about.mime, "image/png");
    assert!(
        found
            .about
            .disposition
            .starts_with("inline; filename=\"cat.png\"")
    );
    // As long as the retention says, and no longer.
    world.pass(DAY * 336);
    assert_eq!(kept(&world, &address).await, None);
}

// AC 50, 51
#[tokio::test]
async fn a_late_file_follows_its_text_and_holds_nothing_up() {
    let world = World::new().await;
    world.faults(dead(503, 4)).await;
    world.incoming(picture("cat.png", "my cat")).await;
    world.customer("79001234567", "and a text").await;
    let (_, messages) = world.shown("+79001234567", 3).await;
    let shown = texts(&messages);
    assert!(shown[0].starts_with("my cat\n⏳ "), "{shown:?}");
    assert_eq!(messages[0]["attachments"], json!([]));
    assert_eq!(shown[1], "and a text");
    assert_eq!(shown[2], "📎 The file of an earlier message: cat.png");
    assert!(kept(&world, &attachment(&messages[2])).await.is_some());

    // It waited for as long as it should, and no later post repeats anything.
    let posts = world.calls("/messages/inbound").await;
    assert_eq!(posts.len(), 3);
    let first = text(&posts[0]["body"], "altId");
    assert_eq!(text(&posts[2]["body"], "altId"), format!("{first}~1"));
    world.settle().await;
    assert_eq!(world.calls("/messages/inbound").await.len(), 3);
}

// AC 51
#[tokio::test]
async fn a_link_that_is_dead_is_asked_for_anew() {
    let world = World::new().await;
    let gone =
        json!({ "provider": "green-api", "path_contains": "/files/", "times": 1, "status": 404 });
    world.faults(json!([gone])).await;
    world.incoming(picture("cat.png", "c")).await;
    let (_, messages) = world.shown("+79001234567", 1).await;
    assert!(kept(&world, &attachment(&messages[0])).await.is_some());
    assert_eq!(world.calls("/downloadFile/").await.len(), 1);
}

// AC 51, 130
#[tokio::test]
async fn a_file_that_is_gone_is_told_and_can_be_asked_for_again() {
    let world = World::new().await;
    world.faults(dead(404, 100)).await;
    world.incoming(picture("cat.png", "my cat")).await;
    let (_, messages) = world.shown("+79001234567", 2).await;
    let told = text(&messages[1], "message");
    assert!(
        told.starts_with("⚠️ The file “cat.png” could not be loaded"),
        "{told}"
    );
    assert_eq!(messages[1]["attachments"], json!([]));
    let address = told.rsplit(' ').next().unwrap();
    let gone = linked(&world, address).await.unwrap();
    assert!(matches!(gone.file.copy, Some(FileCopy::Gone { .. })));

    // The phone is online again. Whoever is too quick asks in vain.
    world.faults(json!([])).await;
    files::fetch_again(&world.hub, &gone).await.unwrap();
    assert_eq!(linked(&world, address).await.unwrap(), gone);
    world.pass(Duration::from_secs(61));
    files::fetch_again(&world.hub, &gone).await.unwrap();
    let (_, messages) = world.shown("+79001234567", 3).await;
    let late = attachment(&messages[2]);
    assert!(kept(&world, &late).await.is_some());
    // The address on which it was asked for leads to it as well now.
    assert_eq!(kept(&world, address).await, kept(&world, &late).await);
}

// AC 51, XSS
// AC 128
#[tokio::test]
async fn a_name_is_text_everywhere_and_a_page_is_never_shown() {
    let world = World::new().await;
    let names = [
        "<script>alert(1)</script>.html",
        "\"><img src=x onerror=alert(1)>.svg",
        "'-alert(1)-'.html",
        "javascript:alert(1)//.html",
        "${alert(1)}{{7*7}}.html",
        "a\r\nSet-Cookie: x=1\r\n\r\n<script>.html",
        "photo\u{202e}gpj.html",
        "../../../etc/passwd.html",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E.html",
        "<svg/onload=alert(1)>.html",
    ];
    let page = b"<!doctype html><script>alert(1)</script>";
    for (n, name) in names.iter().enumerate() {
        world.incoming(file(name, "text/html", page, "")).await;
        let (_, messages) = world.shown("+79001234567", n + 1).await;
        let address = attachment(&messages[n]);
        let (_, last) = address.rsplit_once('/').unwrap();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
        assert!(last.chars().all(is_plain), "{name:?}: {address}");
        let about = kept(&world, &address).await.unwrap().about;
        assert_eq!(about.mime, "application/octet-stream", "{name:?}");
        assert!(about.disposition.starts_with("attachment; "), "{name:?}");
        assert!(about.disposition.bytes().all(|b| matches!(b, b' '..=b'~')));
    }
}

#[tokio::test]
async fn what_is_erased_leaves_nothing_behind() {
    let world = World::new().await;
    world.incoming(picture("cat.png", "c")).await;
    let (_, messages) = world.shown("+79001234567", 1).await;
    let address = attachment(&messages[0]);
    let number = world.number(crate::world::I1).await.number;
    let n_erased = erase::files_of(&world.db, &world.store, &number)
        .await
        .unwrap();
    assert_eq!(n_erased, 1);
    assert_eq!(world.store.all().len(), 0);
    assert_eq!(linked(&world, &address).await, None);
}

/// Ann's contact, once she has written.
async fn ann(world: &World) -> String {
    world.customer("79001234567", "hi").await;
    world.shown("+79001234567", 1).await.0
}

// AC 75
#[tokio::test]
async fn a_voice_note_is_one_by_its_ending_and_a_file_gets_the_one_it_has() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let files = ["voice", "pdf-without-ending", "voice.opus"]
        .map(|name| format!("{}/{name}", world.attachments));
    world
        .reply_with(&contact, json!({ "message": "", "attachments": files }))
        .await;
    world.got(ANN, 3).await;
    let calls = world.calls("/sendFileByUrl/").await;
    let names: Vec<_> = calls.iter().map(|c| text(&c["body"], "fileName")).collect();
    assert_eq!(names, ["voice.ogg", "pdf-without-ending.pdf", "voice.ogg"]);
    let uploads = world.calls("/uploadFile/").await;
    // Handed over side by side.
    let mut mime: Vec<_> = uploads
        .iter()
        .map(|call| text(&call["headers"], "content-type"))
        .collect();
    mime.sort();
    assert_eq!(mime, ["application/pdf", "audio/ogg", "audio/ogg"]);
}

#[tokio::test]
async fn a_dead_attachment_fails_with_its_reason_and_the_others_are_sent() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let files = [
        format!("{}/a.png", world.attachments),
        format!("{}/gone.pdf", world.attachments),
    ];
    let id = world
        .reply_with(&contact, json!({ "message": "m", "attachments": files }))
        .await;
    let failed = world.told(&id, "failed").await;
    assert_eq!(
        failed["error"]["message"],
        "the attached file cannot be fetched"
    );
    assert_eq!(world.got(ANN, 1).await, ["m"]);
    world.settle().await;
    assert_eq!(world.calls("/sendFileByUrl/").await.len(), 1);
}

// Promise 6: nobody makes us fetch from our own network.
#[tokio::test]
async fn an_attachment_of_a_private_network_is_refused() {
    let world = World::new().await;
    let contact = ann(&world).await;
    for address in [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/a.png",
        "https://localhost/a.png",
        "https://10.0.0.1/a.png",
    ] {
        let body = json!({ "message": "", "attachments": [address] });
        let id = world.reply_with(&contact, body).await;
        world.told(&id, "failed").await;
    }
    assert_eq!(world.calls("/sendFileByUrl/").await.len(), 0);
}

// A gateway that takes no files over can still be told where they are.
#[tokio::test]
async fn what_cannot_be_handed_over_goes_by_its_own_address() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let fault = json!({ "provider": "green-api", "path_contains": "/uploadFile/", "times": 100, "status": 502 });
    world.faults(json!([fault])).await;
    let url = format!("{}/a.png", world.attachments);
    world
        .reply_with(&contact, json!({ "message": "m", "attachments": [url] }))
        .await;
    assert_eq!(world.got(ANN, 1).await, ["m"]);
    let calls = world.calls("/sendFileByUrl/").await;
    assert_eq!(calls[0]["body"]["urlFile"], url);
    assert_eq!(calls[0]["body"]["fileName"], "a.png");
}
