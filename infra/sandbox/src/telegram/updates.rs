//! Updates (Telegram contract, updates by webhook): numbered, one at a time, repeated until they are
//! answered 2xx, for a day. A bot without a webhook asks for them instead.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use super::{Answer, Refused, model::Pending, params::Params};
use crate::{
    app::{App, News},
    clock, deliver,
    record::Provider,
};

const TIMEOUT: Duration = Duration::from_secs(60);
/// An answer may take this long however fast the time runs.
const LEAST_TIMEOUT: Duration = Duration::from_secs(10);
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Adds an update, if the bot asked for its kind; gives its number.
pub(crate) fn add(app: &App, kind: &str, body: Value) -> i64 {
    let mut state = app.change(News::Telegram);
    let telegram = &mut state.kept.telegram;
    let id = telegram.next_update;
    telegram.next_update += 1;
    let allowed = &telegram.webhook.allowed;
    if allowed.is_empty() || allowed.iter().any(|it| it == kind) {
        let mut update = serde_json::json!({ "update_id": id });
        update[kind] = body;
        telegram.webhook.pending.push_back(Pending {
            update,
            at_ms: clock::now_ms(),
            attempts: 0,
        });
    }
    drop(state);
    app.telegram_wake.notify_one();
    id
}

/// Adds an update as it stands; one without a number gets the next.
pub(crate) fn add_raw(app: &App, mut update: Value) -> Value {
    let mut state = app.change(News::Telegram);
    let telegram = &mut state.kept.telegram;
    if update.is_object() && update["update_id"].is_null() {
        update["update_id"] = telegram.next_update.into();
        telegram.next_update += 1;
    }
    let id = update["update_id"].clone();
    telegram.webhook.pending.push_back(Pending {
        update,
        at_ms: clock::now_ms(),
        attempts: 0,
    });
    drop(state);
    app.telegram_wake.notify_one();
    id
}

/// `getUpdates`: up to the offset they are done.
pub(super) fn get(app: &App, params: &Params) -> Answer {
    let mut state = app.change(News::Telegram);
    let webhook = &mut state.kept.telegram.webhook;
    if !webhook.url.is_empty() {
        return Err(Refused::new(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to \
             delete the webhook first",
        ));
    }
    if let Some(offset) = params.int("offset").filter(|offset| *offset > 0) {
        webhook
            .pending
            .retain(|pending| pending.update["update_id"].as_i64().unwrap_or_default() >= offset);
    }
    let limit = params.int("limit").unwrap_or(100).clamp(1, 100);
    let limit = usize::try_from(limit).unwrap_or(100);
    let updates = webhook.pending.iter().take(limit);
    Ok(updates.map(|pending| pending.update.clone()).collect())
}

/// Delivers what waits, for as long as the sandbox runs.
pub(crate) async fn run(app: Arc<App>) {
    loop {
        let Some((url, headers, body, attempt)) = next(&app) else {
            app.telegram_wake.notified().await;
            continue;
        };
        let timeout = app.scale.of(TIMEOUT).max(LEAST_TIMEOUT);
        let sent = body.to_string().into_bytes();
        let status = deliver::post(
            &app,
            Provider::Telegram,
            &url,
            headers,
            sent,
            attempt,
            timeout,
        )
        .await;
        if status.is_some_and(|status| (200..300).contains(&status)) {
            let mut state = app.change(News::Telegram);
            let pending = &mut state.kept.telegram.webhook.pending;
            pending.pop_front_if(|head| head.update == body);
            continue;
        }
        let words = match status {
            Some(status) => format!("Wrong response from the webhook: {status}"),
            None => "Read timeout expired".to_owned(),
        };
        let at_s = clock::now_ms() / 1000;
        app.change(News::Telegram).kept.telegram.webhook.last_error = Some((at_s, words));
        let pause = Duration::from_secs(u64::from(attempt.min(8)) * 5);
        tokio::select! {
            () = app.scale.sleep(pause) => {}
            () = app.was_reset.notified() => {}
        }
    }
}

/// The head of the line; `None` when there is nothing to do.
fn next(app: &App) -> Option<(String, HeaderMap, Value, u32)> {
    let oldest = clock::now_ms() - app.scale.ms(KEPT);
    let mut state = app.lock();
    let webhook = &mut state.kept.telegram.webhook;
    while webhook
        .pending
        .pop_front_if(|head| head.at_ms < oldest)
        .is_some()
    {}
    if webhook.url.is_empty() {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let (false, Ok(secret)) = (
        webhook.secret.is_empty(),
        HeaderValue::from_str(&webhook.secret),
    ) {
        headers.insert("x-telegram-bot-api-secret-token", secret);
    }
    let url = webhook.url.clone();
    let head = webhook.pending.front_mut()?;
    head.attempts += 1;
    Some((url, headers, head.update.clone(), head.attempts))
}
