//! Delivery of notifications (GREEN-API contract, delivery of notifications): one at a time per
//! instance, in order; after anything but 200 a pause of a minute, then the same one again; kept
//! for 24 hours. The head of the line is never passed by.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderValue, header};
use tokio::sync::Notify;

use crate::{
    app::{App, News},
    clock, deliver,
    green_api::model::Instance,
    record::Provider,
};

const TIMEOUT: Duration = Duration::from_secs(180);
/// An answer may take this long however fast the time runs.
const LEAST_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(60);
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// About 50 a second at best.
const PACE: Duration = Duration::from_millis(20);

struct Attempt {
    key: String,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
    number: u32,
}

pub(crate) async fn run(app: Arc<App>, id: u64, wake: Arc<Notify>) {
    loop {
        let Some(attempt) = next(&app, id) else {
            wake.notified().await;
            continue;
        };
        let timeout = app.scale.of(TIMEOUT).max(LEAST_TIMEOUT);
        let Attempt {
            key,
            url,
            headers,
            body,
            number,
        } = attempt;
        let status = deliver::post(
            &app,
            Provider::GreenApi,
            &url,
            headers,
            body,
            number,
            timeout,
        )
        .await;
        if status == Some(200) {
            done(&app, id, &key);
            app.scale.sleep(PACE).await;
        } else {
            tokio::select! {
                () = app.scale.sleep(PAUSE) => {}
                () = app.was_reset.notified() => {}
            }
        }
    }
}

/// Takes the head off, unless a reset emptied the line in the meantime.
fn done(app: &App, id: u64, key: &str) {
    if let Some(instance) = app.change(News::Green).kept.instances.get_mut(&id) {
        instance.notifications.pop_front_if(|n| n.key == key);
    }
}

/// The head of the line; `None` when there is nothing to do.
fn next(app: &App, id: u64) -> Option<Attempt> {
    let oldest = clock::now_ms() - app.scale.ms(KEPT);
    let mut state = app.lock();
    let instance = state.kept.instances.get_mut(&id)?;
    while instance
        .notifications
        .pop_front_if(|n| n.at_ms < oldest)
        .is_some()
    {}
    let url = instance.setting("webhookUrl").to_owned();
    if url.is_empty() {
        return None;
    }
    let headers = headers(instance);
    let head = instance.notifications.front_mut()?;
    head.attempts += 1;
    Some(Attempt {
        key: head.key.clone(),
        url,
        headers,
        body: head.body.to_string().into_bytes(),
        number: head.attempts,
    })
}

/// `Bearer` unless the token brings a scheme word of its own (GREEN-API contract, webhook
/// authentication).
fn headers(instance: &Instance) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    let token = instance.setting("webhookUrlToken");
    let value = if token.contains(' ') {
        token.to_owned()
    } else {
        format!("Bearer {token}")
    };
    if let (false, Ok(value)) = (token.is_empty(), HeaderValue::from_str(&value)) {
        headers.insert(header::AUTHORIZATION, value);
    }
    headers
}
