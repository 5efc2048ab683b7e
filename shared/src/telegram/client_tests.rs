use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::client::{Telegram, To};
use super::error::TelegramError;

const TOKEN: &str = "4242:AAtestTOKEN_secret-0";

fn client(base: Url) -> Telegram {
    let http = crate::http::client(Duration::from_secs(5)).unwrap();
    Telegram::new(http, base, TOKEN.to_owned().into()).unwrap()
}

/// A server that answers everything so.
async fn server(status: u16, body: String) -> Url {
    let app = Router::new().fallback(move || {
        let body = body.clone();
        async move {
            Response::builder()
                .status(status)
                .body(Body::from(body))
                .unwrap()
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    base.parse().unwrap()
}

async fn check(status: u16, body: impl Into<String>, expect: Result<i64, TelegramError>) {
    let body = body.into();
    let bot = client(server(status, body.clone()).await);
    let sent = bot.send_text(To::chat(-1), "hi", None).await;
    assert_eq!(sent, expect, "{status} {body}");
}

fn refusal(code: u16, description: &str, parameters: Value) -> String {
    json!({ "ok": false, "error_code": code, "description": description, "parameters": parameters })
        .to_string()
}

#[tokio::test]
async fn each_answer_means_one_thing() {
    let said = |text: &str| text.to_owned();
    check(200, r#"{"ok":true,"result":{"message_id":42}}"#, Ok(42)).await;
    let too_many = "Too Many Requests: retry after 30";
    check(
        429,
        refusal(429, too_many, json!({ "retry_after": 30 })),
        Err(TelegramError::RateLimited {
            retry_after: Duration::from_secs(30),
        }),
    )
    .await;
    let bad = async |words: &str, expect: TelegramError| {
        let words = format!("Bad Request: {words}");
        check(400, refusal(400, &words, json!({})), Err(expect)).await;
    };
    bad("chat not found", TelegramError::ChatNotFound).await;
    bad("message thread not found", TelegramError::ThreadNotFound).await;
    bad(
        "message to be replied not found",
        TelegramError::MessageNotFound,
    )
    .await;
    bad("message to edit not found", TelegramError::MessageNotFound).await;
    bad(
        "message is not modified: specified new message content is exactly the same",
        TelegramError::NotModified,
    )
    .await;
    bad("REACTION_INVALID", TelegramError::ReactionInvalid).await;
    let rights = "not enough rights to send text messages to the chat";
    bad(
        rights,
        TelegramError::NoRights {
            why: format!("Bad Request: {rights}"),
        },
    )
    .await;
    let long = "message is too long";
    bad(
        long,
        TelegramError::TooLarge {
            why: format!("Bad Request: {long}"),
        },
    )
    .await;
    let other = "can't parse entities: Unsupported start tag \"x\" at byte offset 0";
    let why = format!("Bad Request: {other}");
    bad(other, TelegramError::Refused { code: 400, why }).await;
    check(
        400,
        refusal(
            400,
            "Bad Request: group chat was upgraded",
            json!({ "migrate_to_chat_id": -1007 }),
        ),
        Err(TelegramError::Migrated { to: -1007 }),
    )
    .await;
    let kicked = "Forbidden: bot was kicked from the channel chat";
    check(
        403,
        refusal(403, kicked, Value::Null),
        Err(TelegramError::Forbidden { why: said(kicked) }),
    )
    .await;
    let large = "Request Entity Too Large";
    check(
        413,
        refusal(413, large, Value::Null),
        Err(TelegramError::TooLarge { why: said(large) }),
    )
    .await;
    check(
        401,
        refusal(401, "Unauthorized", Value::Null),
        Err(TelegramError::BadToken),
    )
    .await;
    check(
        404,
        refusal(404, "Not Found", Value::Null),
        Err(TelegramError::BadToken),
    )
    .await;
    check(
        500,
        refusal(500, "Internal Server Error", Value::Null),
        Err(TelegramError::Unavailable { code: 500 }),
    )
    .await;
    let lost = |status: u16| TelegramError::Lost {
        why: format!("an answer with status {status} that is not Telegram's"),
    };
    check(502, "<html>", Err(lost(502))).await;
    check(200, "<html>", Err(lost(200))).await;
    let unreadable = TelegramError::Lost {
        why: said("an answer that cannot be read"),
    };
    check(200, r#"{"ok":true,"result":{}}"#, Err(unreadable)).await;
}

#[tokio::test]
async fn what_never_left_can_be_sent_again_and_what_was_cut_off_cannot() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    std::thread::spawn({
        let listener = listener.try_clone().unwrap();
        move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        }
    });
    let cut = client(base.clone())
        .send_text(To::chat(-1), "hi", None)
        .await;
    assert!(matches!(cut, Err(TelegramError::Lost { .. })), "{cut:?}");
    drop(listener);
    let nobody = client("http://127.0.0.1:9".parse().unwrap());
    let never = nobody
        .send_text(To::chat(-1), "hi", None)
        .await
        .unwrap_err();
    assert!(matches!(never, TelegramError::NotSent { .. }), "{never:?}");
    // The address holds the token.
    for text in [format!("{never:?} {never}"), format!("{nobody:?}")] {
        assert!(!text.contains("AAtestTOKEN"), "{text}");
    }
}

#[test]
fn a_token_begins_with_the_bots_id() {
    let check = |token: &str, expect: Option<i64>| {
        let http = crate::http::client(Duration::from_secs(1)).unwrap();
        let base = "https://api.telegram.org".parse().unwrap();
        let bot = Telegram::new(http, base, token.to_owned().into());
        assert_eq!(bot.ok().map(|bot| bot.bot()), expect, "{token}");
    };
    check(TOKEN, Some(4242));
    check("4242", None);
    check("4242:", None);
    check(":x", None);
    check("4242:a/b", None);
    check("", None);
}
