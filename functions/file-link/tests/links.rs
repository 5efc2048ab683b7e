//! What the address of a file answers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use file_link::{FileLinks, router};
use greenhub::clock::Clock;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::{Content, File, FileKind};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::media::link::Links;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::accept::{self, Accepted, Home};
use greenhub::pipeline::files::{self, Copied, Keeper};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::{ChatRow, messages_from};
use greenhub::store::db::DbError;
use greenhub::store::memory::MemoryDb;
use tower::ServiceExt as _;

type TestHub = Hub<MemoryDb, MemoryQueue>;

const NAME: &str = "<img src=x onerror=alert(1)>.png";

/// Somebody who makes copies, or does not.
struct Outcome(Copied);

impl Keeper for Outcome {
    const LONGEST_CALL_MS: i64 = 1_000;

    async fn copy(&self, _: &ChatRow, _: &Message, _: usize, _: &str) -> Result<Copied, DbError> {
        Ok(self.0.clone())
    }
}

fn kept() -> Outcome {
    Outcome(Copied::Kept {
        name: NAME.into(),
        mime: "image/png".into(),
        n_bytes: 3,
    })
}

fn dead() -> Outcome {
    Outcome(Copied::Dead {
        reason: "404".into(),
    })
}

struct World {
    hub: TestHub,
    app: Router,
    ahead_ms: Arc<AtomicI64>,
    chat: ChatId,
}

impl World {
    /// A file came in, and has not been copied.
    async fn new() -> Self {
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let clock = Clock::shifted(Arc::clone(&ahead_ms));
        let (db, queue) = (MemoryDb::new(), MemoryQueue::new(clock.clone()));
        let hub = || Hub {
            db: db.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        };
        let home = Home {
            workspace: WorkspaceId::new("ws"),
            number: NumberId::new("n1"),
            location: None,
            auto_reply: None,
            telegram: None,
        };
        let file = File {
            kind: FileKind::Image,
            url: Some("https://files.example/x".into()),
            name: NAME.into(),
            mime: String::new(),
            missing: None,
            copy: None,
        };
        let new = NewMessage {
            kind: IdKind::Message,
            remote_id: "W1".into(),
            direction: Direction::In,
            origin: Origin::Whatsapp,
            api_echo: false,
            chat: Alias::from_phone_digits("79001234567"),
            chat_name: None,
            phone: None,
            author: Author::default(),
            at_s: None,
            content: Content::Files {
                files: vec![file],
                caption: String::new(),
            },
            quoted: None,
        };
        let taken = accept::whatsapp_message(&hub(), &home, new).await.unwrap();
        let Accepted::New(claim) = taken else {
            panic!("{taken:?}");
        };
        let store = MemoryStore::default();
        World {
            app: router(FileLinks { hub: hub(), store }),
            hub: hub(),
            ahead_ms,
            chat: claim.chat,
        }
    }

    /// Copies are tried until nothing is left to be tried.
    async fn copy(&self, outcome: &Outcome) {
        for _ in 0..5 {
            self.pass(3600);
            let deadline = self.hub.clock.now_ms() + 100_000;
            files::work_off(&self.hub, outcome, &self.chat, deadline)
                .await
                .unwrap();
        }
    }

    fn pass(&self, seconds: i64) {
        self.ahead_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// The path of the file's address.
    async fn path(&self) -> String {
        let message = messages_from(&self.hub.db, &self.chat, 1, 1).await.unwrap();
        let links = Links::new(&"https://hub.example".parse().unwrap());
        let address = links.of(&message[0], &message[0].files()[0]).unwrap();
        address
            .strip_prefix("https://hub.example")
            .unwrap()
            .to_owned()
    }

    async fn ask(&self, method: &str, path: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept-language", "en")
            .body(Body::empty())
            .unwrap();
        let (head, body) = self
            .app
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(head.headers["x-content-type-options"], "nosniff");
        assert_eq!(head.headers["cache-control"], "no-store");
        (head.status, head.headers, body)
    }
}

// AC 51
#[tokio::test]
async fn an_address_leads_to_the_file_as_long_as_the_retention_says() {
    let world = World::new().await;
    world.copy(&kept()).await;
    let path = world.path().await;
    assert!(path.ends_with(".png"), "{path}");

    let (status, headers, _) = world.ask("GET", &path).await;
    assert_eq!(status, StatusCode::FOUND);
    let leads_to = headers["location"].to_str().unwrap();
    assert!(leads_to.starts_with("memory:files/n1/"), "{leads_to}");
    let (status, headers, body) = world.ask("HEAD", &path).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(headers["content-type"], "image/png");
    assert!(!headers.contains_key("location"));
    // The name in the address decides nothing, and nothing of it comes back.
    let other = path.rsplit_once('/').unwrap().0.to_owned() + "/%3Cscript%3E.html";
    let (_, headers, _) = world.ask("HEAD", &other).await;
    assert_eq!(headers["content-type"], "image/png");

    world.pass(364 * 24 * 3600);
    assert_eq!(world.ask("GET", &path).await.0, StatusCode::FOUND);
    world.pass(2 * 24 * 3600);
    for method in ["GET", "HEAD", "POST"] {
        assert_eq!(world.ask(method, &path).await.0, StatusCode::NOT_FOUND);
    }
}

// AC 51, XSS
#[tokio::test]
async fn what_is_gone_is_told_and_asked_for_again_by_a_button() {
    let world = World::new().await;
    world.copy(&dead()).await;
    let path = world.path().await;
    let (status, headers, body) = world.ask("GET", &path).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("<form method=\"post\">"), "{body}");
    assert!(
        body.contains("&#60;img src=x onerror=alert(1)&#62;.png"),
        "{body}"
    );
    assert!(!body.contains("<img"), "{body}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"));
    assert_eq!(world.ask("HEAD", &path).await.0, StatusCode::NOT_FOUND);

    let (status, headers, _) = world.ask("POST", &path).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(headers["location"], "?");
    let (status, _, body) = world.ask("GET", &path).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("http-equiv=\"refresh\""), "{body}");
    world.copy(&kept()).await;
    assert_eq!(world.ask("GET", &path).await.0, StatusCode::FOUND);
}

#[tokio::test]
async fn an_address_that_nobody_made_leads_nowhere() {
    let world = World::new().await;
    world.copy(&kept()).await;
    let path = world.path().await;
    let token = path.split('/').nth(2).unwrap();
    let (number, link) = token.split_once('.').unwrap();
    let of_another = format!("/f/n2.{link}/a.png");
    let shorter = format!("/f/{number}.{}/a.png", &link[1..]);
    for path in [
        "/f/n1.0123456789abcdef0123456789abcdef/a.png",
        "/f/n1/a.png",
        "/f/./a.png",
        "/f/n1.%23/a.png",
        "/f/..%2f..%2fapi/a.png",
        &of_another,
        &shorter,
    ] {
        for method in ["GET", "HEAD", "POST"] {
            let (status, _, body) = world.ask(method, path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
            assert!(!body.contains("a.png"), "{body}");
        }
    }
}
