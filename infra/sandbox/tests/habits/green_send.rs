//! Sending through GREEN-API.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{CUSTOMER, I1, TOKEN1, answer, pause, world};

#[tokio::test]
async fn a_message_gets_its_echo_and_its_statuses_in_order() {
    let w = world(0.1).await;
    w.hook_up(&["outgoingAPIMessageWebhook", "outgoingWebhook"], json!({}))
        .await;
    let id = w.send_text("hello").await;
    assert_eq!(id.len(), 20);
    let statuses = w.app.wait("outgoingMessageStatus", 3).await;
    let seen: Vec<&str> = statuses
        .iter()
        .map(|s| s["status"].as_str().unwrap())
        .collect();
    assert_eq!(seen, ["sent", "delivered", "read"]);
    for status in &statuses {
        assert_eq!(status["idMessage"], id.as_str());
        assert_eq!(status["chatId"], CUSTOMER);
    }
    let echo = &w.app.of_type("outgoingAPIMessageReceived")[0];
    assert_eq!(echo["idMessage"], id.as_str());
    assert_eq!(echo["messageData"]["typeMessage"], "extendedTextMessage");
    assert_eq!(
        echo["messageData"]["extendedTextMessageData"]["text"],
        "hello"
    );
    let phone = w.phone().await;
    assert_eq!(phone[0]["text"], "hello");
    assert_eq!(phone[0]["direction"], "outgoing");
    assert_eq!(phone[0]["status"], "read");
}

/// One message leaves per `delaySendMessagesMilliseconds`, in the order of the calls.
#[tokio::test]
async fn the_queue_drains_at_its_pace() {
    let w = world(1.0).await;
    let before = Instant::now();
    for n in 0..4 {
        w.send_text(&format!("text {n}")).await;
    }
    let queued = w.green("showMessagesQueue", None).await.1;
    assert!(
        queued.as_array().unwrap().len() >= 2,
        "200 means queued: {queued}"
    );
    assert_eq!(queued[0]["type"], "sendMessage");
    while w.phone().await.len() < 4 {
        pause(10).await;
    }
    let took = before.elapsed();
    assert!(
        took >= Duration::from_millis(1500),
        "three pauses of 500 ms, but {took:?}"
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    let texts: Vec<Value> = w.phone().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, ["text 0", "text 1", "text 2", "text 3"]);
    assert_eq!(w.green("getMessagesCount", None).await.1["count"], 0);
}

/// What waits while the number is not linked leaves when it is; `clearMessagesQueue` forgets it.
#[tokio::test]
async fn only_an_authorized_number_sends() {
    let w = world(0.01).await;
    let state = format!("/green-api/{I1}/state");
    let set = |s: &str| Some(json!({ "stateInstance": s }));
    w.control(Method::PUT, &state, set("notAuthorized")).await;
    w.send_text("forgotten").await;
    assert_eq!(
        w.green("clearMessagesQueue", None).await.1["isCleared"],
        true
    );
    w.send_text("waits").await;
    pause(100).await;
    assert_eq!(w.phone().await.len(), 0);
    w.control(Method::PUT, &state, set("starting")).await;
    let body = json!({ "chatId": CUSTOMER, "message": "no" });
    let (status, error) = w.green("sendMessage", Some(body)).await;
    assert_eq!(
        (status, &error["message"]),
        (400, &json!("instance in starting process try later"))
    );
    w.control(Method::PUT, &state, set("authorized")).await;
    while w.phone().await.is_empty() {
        pause(10).await;
    }
    assert_eq!(w.phone().await[0]["text"], "waits");
}

#[tokio::test]
async fn a_number_without_whatsapp_gets_no_echo_and_a_status_that_cannot_be_switched_off() {
    let w = world(0.01).await;
    w.hook_up(&["outgoingAPIMessageWebhook"], json!({})).await;
    let path = format!("/green-api/{I1}/no-account");
    w.control(Method::PUT, &path, Some(json!([CUSTOMER]))).await;
    let id = w.send_text("anybody?").await;
    let status = &w.app.wait("outgoingMessageStatus", 1).await[0];
    assert_eq!(status["status"], "noAccount");
    assert_eq!(status["idMessage"], id.as_str());
    assert!(w.app.of_type("outgoingAPIMessageReceived").is_empty());
    assert!(w.phone().await.is_empty());
    let journal = w.green("lastOutgoingMessages", None).await.1;
    assert_eq!(journal, json!([{ "type": "outgoing", "typeMessage": "" }]));
    let check = w
        .green(
            "checkWhatsapp",
            Some(json!({ "phoneNumber": 79_005_550_001_u64 })),
        )
        .await;
    assert_eq!(check.1["existsWhatsapp"], false);
}

/// The customer's phone can be told to be silent; reading by hand then does both steps.
#[tokio::test]
async fn receipts_can_be_given_by_hand() {
    let w = world(0.01).await;
    w.hook_up(&["outgoingWebhook"], json!({})).await;
    let auto = json!({ "delivered": false, "read": false });
    w.control(Method::PUT, &format!("/green-api/{I1}/auto"), Some(auto))
        .await;
    w.send_text("hello").await;
    w.app.wait("outgoingMessageStatus", 1).await;
    pause(150).await;
    assert_eq!(w.app.of_type("outgoingMessageStatus").len(), 1);
    let path = format!("/green-api/{I1}/phone/{CUSTOMER}/read");
    assert_eq!(w.control(Method::POST, &path, None).await.1["read"], 1);
    let all = w.app.wait("outgoingMessageStatus", 3).await;
    assert_eq!(all[2]["status"], "read");
}

/// The 51st `sendMessage` of a second and the 2nd `getSettings` are refused.
#[tokio::test]
async fn above_the_rate_it_is_429() {
    let w = world(1.0).await;
    // On a busy machine sixty calls can take more than the second that they have to fit in.
    let mut statuses = Vec::new();
    for _ in 0..10 {
        let before = Instant::now();
        let calls = (0..60).map(|n| {
            w.green(
                "sendMessage",
                Some(json!({ "chatId": CUSTOMER, "message": format!("{n}") })),
            )
        });
        let answers = futures::future::join_all(calls).await;
        statuses = answers.into_iter().map(|(status, _)| status).collect();
        if before.elapsed() < Duration::from_secs(1) {
            break;
        }
        w.control(Method::POST, "/reset", None).await;
        pause(1000).await;
    }
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 50);
    assert_eq!(statuses.iter().filter(|s| **s == 429).count(), 10);
    let mut second = (0, Value::Null);
    for _ in 0..10 {
        let before = Instant::now();
        assert_eq!(w.green("getSettings", None).await.0, 200);
        second = w.green("getSettings", None).await;
        if before.elapsed() < Duration::from_secs(1) {
            break;
        }
        pause(1000).await;
    }
    assert_eq!(
        (second.0, &second.1["message"]),
        (429, &json!("Too Many Requests"))
    );
    let stats = w.control(Method::GET, "/stats", None).await.1;
    assert_eq!(stats["refused429"], 11);
    pause(1000).await;
    assert_eq!(
        w.green("getSettings", None).await.0,
        200,
        "the window slides"
    );
}

#[tokio::test]
async fn addresses_and_tokens_are_checked() {
    let w = world(1.0).await;
    let cases = [
        (
            Method::GET,
            format!("/waInstance{I1}/getStateInstance/wrong"),
            401,
            "Unauthorized",
        ),
        (
            Method::GET,
            format!("/waInstance1/getStateInstance/{TOKEN1}"),
            403,
            "Forbidden",
        ),
        (
            Method::POST,
            format!("/waInstance{I1}/getStateInstance/{TOKEN1}"),
            404,
            "Not Found",
        ),
        (
            Method::GET,
            format!("/waInstance{I1}/noSuchMethod/{TOKEN1}"),
            404,
            "Not Found",
        ),
        (
            Method::POST,
            format!("/waInstance{I1}/sendButtons/{TOKEN1}"),
            403,
            "Forbidden",
        ),
        (
            Method::GET,
            format!("/waInstance{I1}/GETSTATEINSTANCE/{TOKEN1}"),
            200,
            "",
        ),
    ];
    for (method, path, expected, message) in cases {
        let (status, body) = answer(w.request(method, &path)).await;
        assert_eq!(status, expected, "{path}");
        if expected != 200 {
            assert_eq!(body["message"], message);
            assert_eq!(body["path"], path);
            assert_eq!(body["statusCode"], expected);
        }
    }
    let options = w
        .request(Method::OPTIONS, "/waInstance1/x/y")
        .send()
        .await
        .unwrap();
    assert_eq!(options.status(), 204);
}

/// Every send method, with what it refuses.
#[tokio::test]
async fn bodies_are_checked() {
    let w = world(0.01).await;
    let file =
        json!({ "chatId": CUSTOMER, "urlFile": "https://example.com/a.jpg", "fileName": "a.jpg" });
    let place =
        json!({ "chatId": CUSTOMER, "latitude": 1.5, "longitude": 2, "nameLocation": "Café" });
    let card = json!({ "chatId": CUSTOMER, "contact": { "phoneContact": 79_001_234_568_u64, "firstName": "Al" } });
    let poll = json!({ "chatId": CUSTOMER, "message": "?", "options": [{ "optionName": "a" }, { "optionName": "b" }] });
    let buttons = json!({ "chatId": CUSTOMER, "body": "?", "buttons": [{ "type": "url", "buttonId": "1", "buttonText": "Go", "url": "https://example.com" }] });
    let reply = json!({ "chatId": CUSTOMER, "body": "?", "buttons": [{ "buttonId": "1", "buttonText": "Yes" }] });
    let with = |base: &Value, key: &str, value: Value| {
        let mut body = base.clone();
        body[key] = value;
        body
    };
    let text = json!({ "chatId": CUSTOMER, "message": "hi" });
    let cases = [
        ("sendMessage", text.clone(), 200),
        (
            "sendMessage",
            with(&text, "quotedMessageId", json!("ABC")),
            200,
        ),
        ("sendMessage", with(&text, "message", json!("")), 400),
        (
            "sendMessage",
            with(&text, "message", json!("x".repeat(20_000))),
            200,
        ),
        (
            "sendMessage",
            with(&text, "message", json!("x".repeat(20_001))),
            400,
        ),
        ("sendMessage", with(&text, "message", json!(5)), 400),
        ("sendMessage", with(&text, "chatID", json!("x")), 400),
        (
            "sendMessage",
            with(&text, "chatId", json!("+79005550001")),
            400,
        ),
        (
            "sendMessage",
            with(&text, "chatId", json!("12036-5@g.us")),
            200,
        ),
        ("sendMessage", json!({ "message": "hi" }), 400),
        ("sendMessage", json!([]), 400),
        ("sendFileByUrl", file.clone(), 200),
        (
            "sendFileByUrl",
            with(&file, "fileName", json!("noextension")),
            400,
        ),
        (
            "sendFileByUrl",
            with(&file, "urlFile", json!("ftp://example.com/a.jpg")),
            400,
        ),
        (
            "sendFileByUrl",
            with(&file, "urlFile", json!("https://example.com/a b.jpg")),
            400,
        ),
        ("sendLocation", place.clone(), 200),
        ("sendLocation", with(&place, "latitude", json!("1.5")), 400),
        ("sendContact", card.clone(), 200),
        (
            "sendContact",
            with(&card, "contact", json!({ "phoneContact": "7900" })),
            400,
        ),
        ("sendPoll", poll.clone(), 200),
        (
            "sendPoll",
            with(&poll, "options", json!([{ "optionName": "a" }])),
            400,
        ),
        (
            "sendPoll",
            with(
                &poll,
                "options",
                json!([{ "optionName": "a" }, { "optionName": "a" }]),
            ),
            400,
        ),
        ("sendInteractiveButtons", buttons.clone(), 200),
        ("sendInteractiveButtons", reply.clone(), 400),
        ("sendInteractiveButtonsReply", reply, 200),
        ("sendInteractiveButtonsReply", buttons, 400),
    ];
    for (method, body, expected) in cases {
        let (status, answer) = w.green(method, Some(body.clone())).await;
        assert_eq!(status, expected, "{method} {answer}");
    }
}

/// Journals are flat; the newest comes first.
#[tokio::test]
async fn journals_show_both_directions() {
    let w = world(0.01).await;
    let path = format!("/green-api/{I1}/incoming");
    w.control(
        Method::POST,
        &path,
        Some(json!({ "from": CUSTOMER, "name": "Ann", "text": "question" })),
    )
    .await;
    let id = w.send_text("answer").await;
    while w.phone().await.len() < 2 || w.phone().await[1]["status"] != "read" {
        pause(10).await;
    }
    let incoming = w.green("lastIncomingMessages?minutes=5", None).await.1;
    assert_eq!(incoming[0]["textMessage"], "question");
    assert_eq!(incoming[0]["senderName"], "Ann");
    let outgoing = w.green("lastOutgoingMessages?minutes=5", None).await.1;
    assert_eq!(outgoing[0]["idMessage"], id.as_str());
    assert_eq!(outgoing[0]["statusMessage"], "read");
    assert_eq!(outgoing[0]["sendByApi"], true);
    let history = w
        .green("getChatHistory", Some(json!({ "chatId": CUSTOMER })))
        .await
        .1;
    let types: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["outgoing", "incoming"]);
    let one = json!({ "chatId": CUSTOMER, "idMessage": id });
    assert_eq!(
        w.green("getMessage", Some(one)).await.1["textMessage"],
        "answer"
    );
    assert_eq!(w.green("getChats", None).await.1[0]["name"], "Ann");
    assert_eq!(w.green("getContacts", None).await.1[0]["id"], CUSTOMER);
}

/// Blue ticks for the customer when the API answers, if the setting is on.
#[tokio::test]
async fn an_answer_marks_what_came_as_read() {
    let w = world(0.01).await;
    w.hook_up(&["markIncomingMessagesReadedOnReply"], json!({}))
        .await;
    let path = format!("/green-api/{I1}/incoming");
    w.control(
        Method::POST,
        &path,
        Some(json!({ "from": CUSTOMER, "text": "question" })),
    )
    .await;
    assert_eq!(w.phone().await[0]["status"], "delivered");
    w.send_text("answer").await;
    while w.phone().await.len() < 2 {
        pause(10).await;
    }
    assert_eq!(w.phone().await[0]["status"], "read");
}

/// Uploaded bytes can be sent by their link, and an upload can be sent at once.
#[tokio::test]
async fn files_can_be_uploaded() {
    let w = world(0.01).await;
    w.hook_up(&["outgoingAPIMessageWebhook"], json!({})).await;
    let path = format!("/waInstance{I1}/uploadFile/{TOKEN1}");
    let upload = w
        .request(Method::POST, &path)
        .header("content-type", "image/png")
        .body("bytes");
    let url = answer(upload).await.1["urlFile"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        w.http
            .get(&url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        "bytes"
    );
    let path = format!("/waInstance{I1}/sendFileByUpload/{TOKEN1}");
    let form = "--b\r\nContent-Disposition: form-data; name=\"chatId\"\r\n\r\n79005550001@c.us\r\n\
        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"note.pdf\"\r\n\
        Content-Type: application/pdf\r\n\r\nPDF\r\n--b--\r\n";
    let request = w
        .request(Method::POST, &path)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(form);
    let (status, body) = answer(request).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["urlFile"].as_str().unwrap().ends_with("/note.pdf"));
    let echo = w.app.wait("outgoingAPIMessageReceived", 1).await;
    assert_eq!(echo[0]["messageData"]["typeMessage"], "documentMessage");
}

/// A file that came in is given a new link when it is asked for (GREEN-API contract, receiving).
#[tokio::test]
async fn a_file_can_be_asked_for_anew() {
    let w = world(0.01).await;
    let file = json!({ "name": "cat.png", "base64": "iVBORw0KGgo=" });
    let body = json!({ "from": "79005550001", "file": file });
    let path = format!("/_sandbox/green-api/{I1}/incoming");
    let (status, came) = answer(w.request(Method::POST, &path).json(&body)).await;
    assert_eq!(status, 200, "{came}");
    let first = w.phone().await[0]["file"]["url"].clone();
    let ask = json!({ "chatId": came["chatId"], "idMessage": came["idMessage"] });
    let (status, again) = w.green("downloadFile", Some(ask)).await;
    assert_eq!(status, 200, "{again}");
    assert_ne!(again["downloadUrl"], first);
    let content = async |url: &serde_json::Value| {
        let answer = w.http.get(url.as_str().unwrap()).send().await.unwrap();
        answer.bytes().await.unwrap()
    };
    let renewed = content(&again["downloadUrl"]).await;
    assert_eq!(renewed, b"\x89PNG\r\n\x1a\n".as_slice());
    assert_eq!(renewed, content(&first).await);
}
