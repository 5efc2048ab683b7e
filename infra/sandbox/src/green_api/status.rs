//! What becomes of an outgoing message (GREEN-API contract, outgoing status life cycle).

use std::{sync::Arc, time::Duration};

use crate::{
    app::App,
    green_api::{change, model::Instance},
};

const DELIVERED_AFTER: Duration = Duration::from_millis(300);
const READ_AFTER: Duration = Duration::from_millis(1500);

/// Moves a message on and tells. False if it is not ours or already further.
pub(crate) fn set(instance: &mut Instance, id: &str, status: &str) -> bool {
    let Some(message) = instance.message(id).filter(|m| m.outgoing) else {
        return false;
    };
    if rank(&message.status) >= rank(status) {
        return false;
    }
    message.status = status.into();
    let chat = message.chat_id.clone();
    let mut body = instance.frame("outgoingMessageStatus");
    body.insert("chatId".into(), chat.into());
    body.insert("idMessage".into(), id.into());
    body.insert("status".into(), status.into());
    body.insert("sendByApi".into(), true.into());
    // These two cannot be switched off.
    let switch = (!matches!(status, "noAccount" | "failed")).then_some("outgoingWebhook");
    instance.notify(switch, body);
    true
}

fn rank(status: &str) -> u8 {
    match status {
        "pending" => 0,
        "sent" => 1,
        "delivered" => 2,
        "read" => 3,
        // The ends.
        _ => 4,
    }
}

/// The customer's phone gets the message, and after a while the customer reads it.
pub(crate) fn follow(app: &Arc<App>, id: u64, message: String) {
    let task = app.clone();
    app.spawn(async move {
        task.scale.sleep(DELIVERED_AFTER).await;
        change(&task, id, |i| {
            i.auto.delivered && set(i, &message, "delivered")
        });
        task.scale.sleep(READ_AFTER).await;
        change(&task, id, |i| {
            i.auto.delivered && i.auto.read && set(i, &message, "read")
        });
    });
}

/// The customer opens the chat: everything we sent is delivered, then read.
pub(crate) fn read_outgoing(instance: &mut Instance, chat: &str) -> usize {
    let ids: Vec<String> = instance
        .messages
        .iter()
        .filter(|m| m.chat_id == chat && m.outgoing && rank(&m.status) < rank("read"))
        .map(|m| m.id.clone())
        .collect();
    for id in &ids {
        set(instance, id, "delivered");
        set(instance, id, "read");
    }
    ids.len()
}

/// The customer sees blue ticks on what they wrote.
pub(crate) fn read_incoming(instance: &mut Instance, chat: &str) {
    for message in instance
        .messages
        .iter_mut()
        .filter(|m| m.chat_id == chat && !m.outgoing)
    {
        message.status = "read".into();
    }
}
