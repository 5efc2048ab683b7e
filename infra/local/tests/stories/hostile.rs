//! People who are not who they should be, and bodies that are not what they should be.

use serde_json::json;

use super::world::{Outcome, Place, World, ensure};

// AC 42, 43, 66
pub async fn strangers_get_nothing(world: &World<impl Place>) -> Outcome {
    let before = world.contacts().await?.len();
    let body = json!({
        "typeWebhook": "incomingMessageReceived",
        "instanceData": { "idInstance": 1_101_000_001_u64 },
        "idMessage": "X", "senderData": { "chatId": "70000000000@c.us" },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": "x" } },
    });
    let base = world.stack.base_url();
    let green = &world.demo.green_webhook_url;
    let keyless = format!("{base}/webhooks/green-api");
    let ghl = format!("{base}/webhooks/ghl");
    let right = format!("Bearer {}", world.demo.green_webhook_token);
    let bare = world.demo.green_webhook_token.clone();
    let unknown_key = format!("{base}/webhooks/green-api/none");
    let cases: [(&str, &str, Option<&str>); 11] = [
        (green, "authorization", None),
        (green, "authorization", Some("")),
        (green, "authorization", Some("Bearer ")),
        (green, "authorization", Some("Bearer wrong")),
        (green, "authorization", Some("Bearer N/A")),
        (green, "authorization", Some(&bare)),
        (&unknown_key, "authorization", Some(&right)),
        (&keyless, "authorization", Some("Bearer anything")),
        (&ghl, "x-ghl-signature", None),
        (&ghl, "x-ghl-signature", Some("")),
        (&ghl, "x-ghl-signature", Some("N/A")),
    ];
    for (url, header, value) in cases {
        let mut request = world.client.post(url).json(&body);
        if let Some(value) = value {
            request = request.header(header, value);
        }
        let status = request
            .send()
            .await
            .map_err(|error| error.to_string())?
            .status();
        ensure!(status == 401, "{header}: {value:?} was answered {status}");
    }
    let after = world.contacts().await?.len();
    ensure!(before == after, "a stranger made a contact");
    Ok(())
}

// AC 60, 64
pub async fn an_authenticated_oddity_blocks_nothing(world: &World<impl Place>) -> Outcome {
    let big = json!({
        "typeWebhook": "incomingMessageReceived",
        "instanceData": { "idInstance": 1_101_000_001_u64 },
        "idMessage": "BIG", "timestamp": 1_763_800_001,
        "senderData": { "chatId": "79001234572@c.us", "senderName": "Fay" },
        "messageData": {
            "typeMessage": "imageMessage",
            "fileMessageData": {
                "downloadUrl": "https://sw-media.storage.yandexcloud.net/x.jpg",
                "caption": "big", "fileName": "x.jpg", "mimeType": "image/jpeg",
                "jpegThumbnail": "A".repeat(300 * 1024),
            },
        },
    });
    // Nearly as much as Lambda hands over.
    let huge = json!({ "typeWebhook": "brandNewEvent", "padding": "A".repeat(5 << 20) });
    let bodies: [Vec<u8>; 6] = [
        b"{not json".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        Vec::new(),
        br#"{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001}}"#
            .to_vec(),
        serde_json::to_vec(&huge).map_err(|error| error.to_string())?,
        serde_json::to_vec(&big).map_err(|error| error.to_string())?,
    ];
    for body in bodies {
        let n = body.len();
        let status = world.notify(body).await?;
        ensure!(status == 200, "a body of {n} bytes was answered {status}");
    }
    world.contact("+79001234572").await?;
    Ok(())
}
