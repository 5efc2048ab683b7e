//! The send queue (GREEN-API contract, sending: the queue): first in, first out, one message per
//! `delaySendMessagesMilliseconds`, only while authorized, kept for 24 hours.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    app::{App, News},
    clock,
    green_api::{
        Answer, Call, content,
        model::{Instance, Message, Queued},
        ok, status,
    },
};

const KEPT: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(app: Arc<App>, id: u64, wake: Arc<Notify>) {
    loop {
        match leave(&app, id) {
            Some(delay) => app.scale.sleep(delay).await,
            None => wake.notified().await,
        }
    }
}

/// Lets the first message leave; gives the pause until the next one may.
fn leave(app: &Arc<App>, id: u64) -> Option<Duration> {
    let oldest = clock::now_ms() - app.scale.ms(KEPT);
    let (delay, sent, notify) = {
        let mut state = app.lock();
        let notify = state.green_wakes.get(&id)?.notify.clone();
        let instance = state.kept.instances.get_mut(&id)?;
        while instance.queue.pop_front_if(|q| q.at_ms < oldest).is_some() {}
        if !instance.authorized() {
            return None;
        }
        let queued = instance.queue.pop_front()?;
        (
            instance.delay(),
            depart(instance, &queued).then_some(queued.id_message),
            notify,
        )
    };
    drop(app.change(News::Green));
    notify.notify_one();
    if let Some(message) = sent {
        status::follow(app, id, message);
    }
    Some(delay)
}

/// The message goes out. False when nobody is there to get it.
fn depart(instance: &mut Instance, queued: &Queued) -> bool {
    let chat_id = content::text_of(&queued.body, "chatId").to_owned();
    let message = Message {
        id: queued.id_message.clone(),
        outgoing: true,
        by_api: true,
        at_ms: clock::now_ms(),
        content: content::content(&queued.method, &queued.body),
        status: "pending".into(),
        sender_id: instance.wid(),
        sender_name: instance.name.clone(),
        chat_id,
    };
    let chat_id = message.chat_id.clone();
    let echo = message.webhook(instance);
    instance.messages.push(message);
    if instance.no_account.contains(&chat_id) {
        // No echo, and a status that cannot be switched off.
        status::set(instance, &queued.id_message, "noAccount");
        return false;
    }
    instance.notify(Some("outgoingAPIMessageWebhook"), echo);
    status::set(instance, &queued.id_message, "sent");
    // Blue ticks when the API answers.
    if instance.is_on("markIncomingMessagesReadedOnReply") {
        status::read_incoming(instance, &chat_id);
    }
    true
}

pub(crate) fn show(call: &Call) -> Answer {
    call.read(|i| {
        let all: Vec<Value> = i
            .queue
            .iter()
            .map(|q| json!({ "messageID": q.id_message, "type": q.method, "body": q.body }))
            .collect();
        ok(all.into())
    })?
}

pub(crate) fn count(call: &Call) -> Answer {
    ok(json!({ "count": call.read(|i| i.queue.len())? }))
}

pub(crate) fn clear(call: &Call) -> Answer {
    call.change(|i| i.queue.clear())?;
    ok(json!({ "isCleared": true }))
}
