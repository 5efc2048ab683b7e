//! Each outcome against a local server.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Router, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::domain::content::{ContactCard, Content, Menu, MenuAction, MenuItem, MenuKind};
use crate::green_api::map;

const TOKEN: &str = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";

fn instance(api_url: &str) -> Instance {
    Instance {
        id: IdInstance(1_101_000_001),
        token: TOKEN.into(),
        api_url: Url::parse(api_url).expect("a URL"),
        media_url: None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "with a timeout that a test can wait for"
)]
fn green_api() -> GreenApi {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(3))
        .no_proxy()
        .build();
    GreenApi::new(http.unwrap_or_else(|_| reqwest::Client::new()))
}

/// A server that gives every request the same answer.
async fn server(status: u16, body: impl Into<String>) -> String {
    let answer = (
        http::StatusCode::from_u16(status).expect("a status"),
        body.into(),
    );
    let app = Router::new().fallback(
        async |State(answer): State<(http::StatusCode, String)>, _: Request| -> Response {
            answer.into_response()
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app.with_state(answer)).await });
    format!("http://{address}")
}

/// A server that reads a request and then writes these bytes and hangs up.
async fn raw_server(bytes: &'static [u8], wait: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            _ = stream.read(&mut request).await;
            _ = tokio::time::timeout(wait, std::future::pending::<()>()).await;
            _ = stream.write_all(bytes).await;
        }
    });
    format!("http://{address}")
}

async fn send(api_url: &str) -> Result<String, GreenApiError> {
    let chat = Alias::from_phone_digits("79001234567");
    green_api()
        .send_message(&instance(api_url), &chat, "hi", Some("Q1"))
        .await
}

/// What each way of sending comes to.
async fn send_each(api_url: &str) -> [Result<String, GreenApiError>; 4] {
    let (chat, to, api) = (
        Alias::from_phone_digits("79001234567"),
        instance(api_url),
        green_api(),
    );
    let file = FileByUrl {
        url: "https://f.test/a.png",
        name: "a.png",
        caption: "",
    };
    [
        send(api_url).await,
        api.send_file_by_url(&to, &chat, file, None).await,
        api.send_interactive_buttons(&to, &chat, &buttons()).await,
        api.send_interactive_buttons_reply(&to, &chat, &buttons())
            .await,
    ]
}

/// A button of each kind.
fn buttons() -> Menu {
    let actions = [
        MenuAction::Copy("c".to_owned()),
        MenuAction::Call("7932".to_owned()),
        MenuAction::Url("https://a.test/".to_owned()),
        MenuAction::Reply,
    ];
    let items = actions.into_iter().map(|action| MenuItem {
        section: String::new(),
        label: format!("{action:?}")[..3].to_owned(),
        description: String::new(),
        action,
    });
    Menu {
        menu: MenuKind::Interactive,
        title: "h".to_owned(),
        body: "b".to_owned(),
        footer: String::new(),
        opener: String::new(),
        items: items.collect(),
    }
}

fn silent_about_the_token(error: &GreenApiError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(
            !text.contains(TOKEN) && !text.contains("waInstance") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn what_a_send_comes_to() {
    let check = async |status: u16, body: &str, expect: Result<&str, GreenApiError>| {
        for result in send_each(&server(status, body).await).await {
            if let Err(error) = &result {
                silent_about_the_token(error);
            }
            assert_eq!(result, expect.clone().map(str::to_owned), "{status} {body}");
        }
    };
    let unreadable = || Err(super::unreadable());
    let ambiguous = |why: &str| {
        Err(GreenApiError::Ambiguous {
            why: why.to_owned(),
        })
    };
    let refused = |status, message: &str| {
        Err(GreenApiError::Refused {
            status,
            message: message.to_owned(),
        })
    };
    check(200, r#"{"idMessage":"BAE5"}"#, Ok("BAE5")).await;
    check(
        200,
        r#"{"idMessage":115144403609924049}"#,
        Ok("115144403609924049"),
    )
    .await;
    check(200, "", unreadable()).await;
    check(200, "<html>", unreadable()).await;
    check(200, r#""Error: forbidden""#, unreadable()).await;
    check(200, r#"{"idMessage":""}"#, unreadable()).await;
    check(200, r#"{"status":false,"reason":"no"}"#, refused(200, "no")).await;
    let path = format!(
        r#"{{"statusCode":400,"path":"/waInstance1101000001/sendMessage/{TOKEN}","message":"Validation failed for /waInstance1101000001/sendMessage/{TOKEN}"}}"#
    );
    check(400, &path, refused(400, "Validation failed for /[number]")).await;
    check(
        400,
        r#"{"message":"instance in starting process try later"}"#,
        Err(GreenApiError::Starting),
    )
    .await;
    check(
        400,
        "instance account not authorized",
        Err(GreenApiError::NotAuthorized),
    )
    .await;
    check(
        400,
        "Instance account is expired. Renew",
        Err(GreenApiError::Expired),
    )
    .await;
    check(400, "Instance is deleted", Err(GreenApiError::Deleted)).await;
    check(401, "Unauthorized", Err(GreenApiError::BadToken)).await;
    check(
        403,
        "Forbidden",
        Err(GreenApiError::Forbidden {
            message: "Forbidden".to_owned(),
        }),
    )
    .await;
    check(
        404,
        "<html><body>nginx</body></html>",
        refused(404, "an HTML page"),
    )
    .await;
    check(429, "", Err(GreenApiError::RateLimited)).await;
    check(466, r#"{"correspondentsStatus":{"method":"correspondents","used":3,"total":3,"description":"79001234567@c.us"}}"#, Err(GreenApiError::Quota { description: "correspondents, 3 of 3 used".to_owned() })).await;
    check(
        500,
        "File from url exceeded max upload size. Size: 120mb",
        Err(GreenApiError::FileTooLarge),
    )
    .await;
    check(499, "", ambiguous("the provider answered 499")).await;
    check(
        502,
        "<html>Bad Gateway</html>",
        ambiguous("the provider answered 502"),
    )
    .await;
}

// AC 158
#[tokio::test]
async fn what_became_of_the_request_itself() {
    let never = Duration::from_secs(60);
    let check = async |api_url: &str, is_expected: fn(&GreenApiError) -> bool| {
        for result in send_each(api_url).await {
            let error = result.expect_err("no answer");
            silent_about_the_token(&error);
            assert!(is_expected(&error), "{error:?}");
        }
    };
    let is_unknown = |error: &GreenApiError| matches!(error, GreenApiError::Ambiguous { .. });
    let is_not_sent = |error: &GreenApiError| matches!(error, GreenApiError::NotSent { .. });
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    check(&closed, is_not_sent).await;
    check("http://no-such-host.invalid", is_not_sent).await;
    // Not TLS at the other end.
    let plain = server(200, "").await.replace("http://", "https://");
    check(&plain, is_not_sent).await;
    check(&raw_server(b"", never).await, is_unknown).await;
    check(&raw_server(b"", Duration::ZERO).await, is_unknown).await;
    check(
        &raw_server(
            b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"idM",
            Duration::ZERO,
        )
        .await,
        is_unknown,
    )
    .await;
    check(
        &raw_server(b"not http\r\n\r\n", Duration::ZERO).await,
        is_unknown,
    )
    .await;
}

#[tokio::test]
async fn a_huge_answer_is_not_kept() {
    let huge = format!(r#"{{"idMessage":"{}"}}"#, "A".repeat(MAX_ANSWER_BYTES));
    let error = send(&server(200, huge).await).await.expect_err("too large");
    assert_eq!(
        error,
        GreenApiError::Ambiguous {
            why: "the answer is too large".to_owned()
        }
    );
    let error = send(&server(400, "A".repeat(1 << 20)).await)
        .await
        .expect_err("refused");
    assert_eq!(
        error,
        GreenApiError::Refused {
            status: 400,
            message: "A".repeat(200)
        }
    );
}

/// What was asked: method, path, query and body, as one line.
async fn asked(call: impl AsyncFnOnce(GreenApi, Instance)) -> String {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let app = Router::new().fallback(async move |request: Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 16).await.expect("a body");
        let line = format!(
            "{} {} {}",
            parts.method,
            parts.uri,
            String::from_utf8_lossy(&body)
        );
        tell.send(line).expect("the test listens");
        "{}"
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    call(green_api(), instance(&format!("http://{address}/v3/"))).await;
    told.recv().await.expect("a request").replace(TOKEN, "T")
}

#[tokio::test]
async fn the_calls_are_the_documented_ones() {
    let chat = &Alias::from_phone_digits("79001234567");
    let phone = &Phone::from_digits("79001234567").expect("a phone");
    macro_rules! check {
        ($method:ident($($arg:expr),*), $expect:expr) => {
            let line = asked(async |api, to| { _ = api.$method(&to $(, $arg)*).await; }).await;
            assert_eq!(line.trim_end(), $expect);
        };
    }
    check!(settings(), "GET /v3/waInstance1101000001/getSettings/T");
    let changes = Map::from_iter([("stateWebhook".to_owned(), Value::from("yes"))]);
    check!(
        set_settings(&changes),
        r#"POST /v3/waInstance1101000001/setSettings/T {"stateWebhook":"yes"}"#
    );
    check!(state(), "GET /v3/waInstance1101000001/getStateInstance/T");
    check!(account(), "GET /v3/waInstance1101000001/getWaSettings/T");
    check!(
        send_message(chat, "hi", None),
        r#"POST /v3/waInstance1101000001/sendMessage/T {"chatId":"79001234567@c.us","message":"hi"}"#
    );
    let file = FileByUrl {
        url: "https://f.test/a.png",
        name: "a.png",
        caption: "c",
    };
    check!(
        send_file_by_url(chat, file, Some("Q1")),
        r#"POST /v3/waInstance1101000001/sendFileByUrl/T {"caption":"c","chatId":"79001234567@c.us","fileName":"a.png","quotedMessageId":"Q1","urlFile":"https://f.test/a.png"}"#
    );
    // AC 89, AC 90
    check!(
        send_interactive_buttons(chat, &buttons()),
        r#"POST /v3/waInstance1101000001/sendInteractiveButtons/T {"body":"b","buttons":[{"buttonId":"1","buttonText":"Cop","copyCode":"c","type":"copy"},{"buttonId":"2","buttonText":"Cal","phoneNumber":"7932","type":"call"},{"buttonId":"3","buttonText":"Url","type":"url","url":"https://a.test/"}],"chatId":"79001234567@c.us","header":"h"}"#
    );
    check!(
        send_interactive_buttons_reply(chat, &buttons()),
        r#"POST /v3/waInstance1101000001/sendInteractiveButtonsReply/T {"body":"b","buttons":[{"buttonId":"1","buttonText":"Rep"}],"chatId":"79001234567@c.us","header":"h"}"#
    );
    let place = Content::Location {
        latitude: 52.5,
        longitude: 13.25,
        name: "Gate".to_owned(),
        address: String::new(),
    };
    check!(
        send_thing(chat, &place, Some("Q1")),
        r#"POST /v3/waInstance1101000001/sendLocation/T {"chatId":"79001234567@c.us","latitude":52.5,"longitude":13.25,"nameLocation":"Gate","quotedMessageId":"Q1"}"#
    );
    let card = ContactCard {
        name: "Ann Lee".to_owned(),
        phone: Some("+4930123".to_owned()),
        more_phones: Vec::new(),
    };
    check!(
        send_thing(chat, &Content::Contacts { cards: vec![card] }, None),
        r#"POST /v3/waInstance1101000001/sendContact/T {"chatId":"79001234567@c.us","contact":{"firstName":"Ann Lee","phoneContact":4930123}}"#
    );
    let poll = Content::Poll {
        name: "When?".to_owned(),
        options: vec!["Mo".to_owned(), "Tu".to_owned()],
        multiple: true,
    };
    check!(
        send_thing(chat, &poll, None),
        r#"POST /v3/waInstance1101000001/sendPoll/T {"chatId":"79001234567@c.us","message":"When?","multipleAnswers":true,"options":[{"optionName":"Mo"},{"optionName":"Tu"}]}"#
    );
    check!(
        edit_message(chat, "Q1", "hi all"),
        r#"POST /v3/waInstance1101000001/editMessage/T {"chatId":"79001234567@c.us","idMessage":"Q1","message":"hi all"}"#
    );
    check!(
        delete_message(chat, "Q1"),
        r#"POST /v3/waInstance1101000001/deleteMessage/T {"chatId":"79001234567@c.us","idMessage":"Q1"}"#
    );
    check!(queue(), "GET /v3/waInstance1101000001/showMessagesQueue/T");
    check!(
        queue_length(),
        "GET /v3/waInstance1101000001/getMessagesCount/T"
    );
    check!(
        last_incoming(5),
        "GET /v3/waInstance1101000001/lastIncomingMessages/T?minutes=5"
    );
    check!(
        last_outgoing(5),
        "GET /v3/waInstance1101000001/lastOutgoingMessages/T?minutes=5"
    );
    check!(
        check_whatsapp(phone),
        r#"POST /v3/waInstance1101000001/checkWhatsapp/T {"phoneNumber":79001234567}"#
    );
    check!(logout(), "GET /v3/waInstance1101000001/logout/T");
    check!(reboot(), "GET /v3/waInstance1101000001/reboot/T");
    check!(qr(), "GET /v3/waInstance1101000001/qr/T");
    check!(
        authorization_code(phone),
        r#"POST /v3/waInstance1101000001/getAuthorizationCode/T {"phoneNumber":79001234567}"#
    );
}

#[tokio::test]
async fn answers_are_read() {
    let api = green_api();
    let at = async |body: &str| instance(&server(200, body).await);
    assert_eq!(
        api.state(&at(r#"{"stateInstance":"sleepMode"}"#).await)
            .await,
        Ok(InstanceState::SleepMode)
    );
    let account = api
        .account(
            &at(r#"{"phone":"79001234567","stateInstance":"authorized","chatId":"1@lid"}"#).await,
        )
        .await
        .expect("an account");
    assert_eq!(
        account.phone.as_ref().map(Phone::as_str),
        Some("+79001234567")
    );
    let unlinked = api
        .account(&at(r#"{"phone":"","stateInstance":"notAuthorized"}"#).await)
        .await
        .expect("an account");
    assert_eq!(
        (unlinked.phone, unlinked.lid, unlinked.state),
        (None, None, InstanceState::NotAuthorized)
    );
    assert_eq!(api.queue_length(&at(r#"{"count":3}"#).await).await, Ok(3));
    assert_eq!(api.queue_length(&at("{}").await).await, Err(unreadable()));
    let rows = api.last_incoming(&at(r#"[{"type":"incoming","idMessage":"J1","typeMessage":"textMessage","chatId":"1@c.us","textMessage":"hi"},7]"#).await, 5).await.expect("rows");
    let messages: Vec<Content> = rows
        .iter()
        .filter_map(map::journal)
        .map(|row| row.message.content)
        .collect();
    assert_eq!(
        messages,
        [Content::Text {
            text: "hi".to_owned()
        }]
    );
    assert_eq!(
        api.last_incoming(&at("{}").await, 5).await.err(),
        Some(unreadable())
    );
    assert_eq!(api.queue(&at("[]").await).await.expect("a list").len(), 0);
    let checked = api
        .check_whatsapp(
            &at(r#"{"existsWhatsapp":true,"chatId":"1@lid"}"#).await,
            &Phone::from_digits("1").expect("a phone"),
        )
        .await;
    assert_eq!(
        checked,
        Ok(Checked {
            exists: true,
            chat: Alias::parse("1@lid")
        })
    );
    assert_eq!(api.logout(&at(r#"{"isLogout":true}"#).await).await, Ok(()));
    assert!(matches!(
        api.reboot(&at(r#"{"isReboot":false}"#).await).await,
        Err(GreenApiError::Refused { .. })
    ));
    assert_eq!(
        api.qr(&at(r#"{"type":"qrCode","message":"iVBOR"}"#).await)
            .await,
        Ok(Qr::Code("iVBOR".to_owned()))
    );
    assert_eq!(
        api.qr(&at(r#"{"type":"alreadyLogged","message":"x"}"#).await)
            .await,
        Ok(Qr::AlreadyLinked)
    );
    assert_eq!(
        api.qr(
            &at(r#"{"type":"error","message":"Instance has auth. You need to make log out"}"#)
                .await
        )
        .await,
        Ok(Qr::AlreadyLinked)
    );
    assert_eq!(
        api.qr(&at(r#"{"type":"timeout"}"#).await).await,
        Ok(Qr::NotNow(String::new()))
    );
    let code = api
        .authorization_code(
            &at(r#"{"status":true,"code":"GAPI2015"}"#).await,
            &Phone::from_digits("1").expect("a phone"),
        )
        .await;
    assert_eq!(code, Ok("GAPI2015".to_owned()));
    for (body, words) in [
        (
            r#"{"status":false,"code":""}"#,
            "GREEN-API gives no code now",
        ),
        (r#"{"status":false,"reason":"has auth"}"#, "has auth"),
    ] {
        let phone = Phone::from_digits("1").expect("a phone");
        let refused = api.authorization_code(&at(body).await, &phone).await;
        let message = words.to_owned();
        assert_eq!(
            refused,
            Err(GreenApiError::Refused {
                status: 200,
                message
            })
        );
    }
}

#[tokio::test]
async fn the_spread_of_the_latency_is_measured_from_calls_but_not_from_files() {
    let url = server(200, r#"{"idMessage":"M1"}"#).await;
    let green = green_api();
    let to = instance(&url);
    let chat = Alias::from_phone_digits("79001234567");
    let file = FileByUrl {
        url: "https://example.com/a.png",
        name: "a.png",
        caption: "",
    };
    for _ in 0..20 {
        let sent = green.send_file_by_url(&to, &chat, file, None).await;
        assert_eq!(sent.unwrap(), "M1");
    }
    assert_eq!(green.spread().j_s(), ASSUMED_J_S, "files tell nothing");
    for _ in 0..20 {
        green.send_message(&to, &chat, "hi", None).await.unwrap();
    }
    assert_ne!(green.spread().j_s(), ASSUMED_J_S);
}
