//! What was said before anybody listened (GREEN-API contract, journals).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{I1, pause, world};

const ANNA: &str = "79001112233@c.us";

/// A history is in the journals as it was put there, the newest first and no more than was asked for,
/// its chat is in the lists, and the app is told nothing of it.
#[tokio::test]
async fn a_history_is_in_the_journals_and_nobody_is_told() {
    let w = world(0.1).await;
    w.hook_up(&["incomingWebhook", "outgoingMessageWebhook"], json!({}))
        .await;
    w.authorized().await;
    let hologram = json!({
        "type": "outgoing", "idMessage": "A2", "timestamp": 1_700_000_002,
        "typeMessage": "hologramMessage", "hologram": { "depth": 3 },
    });
    let text = json!({
        "idMessage": "A1", "timestamp": 1_700_000_001, "textMessage": "hi", "senderName": "Anna",
    });
    let history =
        json!({ "chats": [{ "chatId": ANNA, "name": "Anna", "messages": [hologram, text] }] });
    let path = format!("/green-api/{I1}/history");
    let (status, answer) = w.control(Method::POST, &path, Some(history)).await;
    assert_eq!((status, answer), (200, json!({ "messages": 2 })));

    let count = async |count: u64| {
        pause(1_050).await;
        let asked = json!({ "chatId": ANNA, "count": count });
        w.green("getChatHistory", Some(asked)).await.1
    };
    let told = count(10).await;
    let ids: Vec<&Value> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["idMessage"])
        .collect();
    assert_eq!(ids, ["A2", "A1"]);
    assert_eq!(told[0]["typeMessage"], "hologramMessage");
    assert_eq!(told[0]["hologram"]["depth"], 3);
    assert_eq!(told[1]["typeMessage"], "textMessage");
    assert_eq!(
        (&told[1]["type"], &told[1]["senderId"]),
        (&json!("incoming"), &json!(ANNA))
    );
    assert_eq!(count(1).await.as_array().unwrap().len(), 1);
    let (status, _) = w
        .green("getChatHistory", Some(json!({ "chatId": ANNA })))
        .await;
    assert_eq!(status, 429, "once a second");

    let listed = |all: &Value| {
        let all = all.as_array().unwrap().iter();
        let found = all
            .filter(|it| it["id"] == ANNA)
            .map(|it| it["name"].clone());
        found.collect::<Vec<_>>()
    };
    assert_eq!(listed(&w.green("getChats", None).await.1), ["Anna"]);
    assert_eq!(listed(&w.green("getContacts", None).await.1), ["Anna"]);
    assert!(w.app.of_type("incomingMessageReceived").is_empty());
    assert!(w.app.of_type("outgoingMessageReceived").is_empty());

    let unknown = w.control(
        Method::POST,
        "/green-api/7/history",
        Some(json!({ "chats": [] })),
    );
    assert_eq!(unknown.await.0, 404);
}
