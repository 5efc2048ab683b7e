//! Messages on their ways.

use serde_json::{Value, json};

use super::world::{Outcome, Place, World, ensure};

// AC 44, 47, 48, 68, 81
pub async fn a_text_goes_both_ways_and_its_status_follows(world: &World<impl Place>) -> Outcome {
    world.customer_writes("79001234567", "Ann", " hi ").await?;
    let contact = world.contact("+79001234567").await?;
    let messages = shown(world, &contact, "hi").await?;
    // It is there before it has a name.
    let contact = world.contact("+79001234567").await?;
    ensure!(
        contact["name"] == "Ann",
        "the contact is called {}",
        contact["name"]
    );
    ensure!(messages[0]["direction"] == "inbound", "{}", messages[0]);

    let id = world.agent_answers(&contact, "How can we help?").await?;
    world
        .eventually("the answer on the phone", || async {
            let phone = world.phone("79001234567@c.us").await?;
            Ok(phone
                .into_iter()
                .find(|message| message["text"] == "How can we help?"))
        })
        .await?;
    world
        .eventually("the status read", || async {
            let messages = world.conversation(&contact).await?;
            Ok(messages
                .into_iter()
                .find(|m| m["messageId"] == *id && m["status"] == "read"))
        })
        .await?;
    let echoed = world.conversation(&contact).await?;
    let n = echoed
        .iter()
        .filter(|m| m["message"] == "How can we help?")
        .count();
    ensure!(n == 1, "the answer is {n} times in the conversation");
    Ok(())
}

// AC 83, promise 3: GREEN-API took the message and its answer got lost.
pub async fn a_lost_answer_sends_nothing_twice(world: &World<impl Place>) -> Outcome {
    world.customer_writes("79001234568", "Bob", "hello").await?;
    let contact = world.contact("+79001234568").await?;
    world
        .faults(json!([{
            "provider": "green-api", "path_contains": "sendMessage",
            "times": 1, "apply_then_drop": true,
        }]))
        .await?;
    let id = world.agent_answers(&contact, "once and once only").await?;
    world
        .eventually("the settled status", || async {
            let messages = world.conversation(&contact).await?;
            Ok(messages
                .into_iter()
                .find(|m| m["messageId"] == *id && m["status"] == "read"))
        })
        .await?;
    let phone = world.phone("79001234568@c.us").await?;
    let n = phone
        .iter()
        .filter(|m| m["text"] == "once and once only")
        .count();
    ensure!(n == 1, "it was sent {n} times");
    world.faults(json!([])).await
}

// AC 46
pub async fn the_crm_being_down_delays_and_loses_nothing(world: &World<impl Place>) -> Outcome {
    world
        .customer_writes("79001234569", "Cleo", "before")
        .await?;
    let contact = world.contact("+79001234569").await?;
    shown(world, &contact, "before").await?;
    world
        .faults(json!([{
            "provider": "ghl", "path_contains": "/conversations/messages/inbound",
            "times": 2, "status": 503,
        }]))
        .await?;
    for text in ["first", "second", "third"] {
        world.customer_writes("79001234569", "Cleo", text).await?;
    }
    let messages = shown(world, &contact, "third").await?;
    let texts: Vec<_> = messages
        .iter()
        .filter_map(|m| m["message"].as_str())
        .collect();
    ensure!(texts == ["before", "first", "second", "third"], "{texts:?}");
    world.faults(json!([])).await
}

// AC 50
pub async fn an_image_comes_with_its_caption(world: &World<impl Place>) -> Outcome {
    let file = json!({ "name": "cat.png", "mime": "image/png", "base64": "iVBORw0KGgo=" });
    let path = format!("green-api/{}/incoming", world.demo.instance);
    let body = json!({ "from": "79001234570", "name": "Dan", "text": "my cat", "file": file });
    world.control("POST", &path, body).await?;
    let contact = world.contact("+79001234570").await?;
    let messages = shown(world, &contact, "my cat").await?;
    let attachments = messages[0]["attachments"].as_array().map_or(0, Vec::len);
    ensure!(attachments == 1, "{}", messages[0]);
    Ok(())
}

// AC 63
pub async fn what_is_typed_on_the_phone_is_in_the_crm_once(world: &World<impl Place>) -> Outcome {
    let body = json!({
        "typeWebhook": "outgoingMessageReceived",
        "instanceData": {
            "idInstance": world.demo.instance.parse::<u64>().unwrap_or_default(),
            "wid": "79990000001@c.us", "typeInstance": "whatsapp",
        },
        "timestamp": 1_763_800_000, "idMessage": "3EB0TYPED0000000001",
        "senderData": {
            "chatId": "79001234571@c.us", "sender": "79990000001@c.us",
            "chatName": "Eve", "senderName": "Acme",
        },
        "messageData": {
            "typeMessage": "textMessage",
            "textMessageData": { "textMessage": "typed on the phone" },
        },
    });
    let body = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
    for _ in 0..2 {
        let status = world.notify(body.clone()).await?;
        ensure!(status == 200, "answered {status}");
    }
    let contact = world.contact("+79001234571").await?;
    let messages = shown(world, &contact, "typed on the phone").await?;
    ensure!(messages.len() == 1, "{messages:?}");
    ensure!(messages[0]["direction"] == "outbound", "{}", messages[0]);
    Ok(())
}

/// The contact's messages, once this text is among them.
async fn shown(
    world: &World<impl Place>,
    contact: &Value,
    text: &str,
) -> Result<Vec<Value>, String> {
    world
        .eventually(&format!("{text:?} in the conversation"), || async {
            let messages = world.conversation(contact).await?;
            Ok(messages
                .iter()
                .any(|m| m["message"] == text)
                .then_some(messages))
        })
        .await
}

/// The dead-letter queues hold only bugs: there must be none.
pub async fn nothing_is_left_over(world: &World) -> Outcome {
    let output = world
        .stack
        .dead_letters()
        .await
        .map_err(|error| error.to_string())?;
    ensure!(
        output == 0,
        "{output} wake-ups ended in a dead-letter queue"
    );
    Ok(())
}
