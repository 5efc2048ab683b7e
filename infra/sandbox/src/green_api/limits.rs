//! Rates per instance and method (GREEN-API contract, limits and quotas). They are real seconds
//! whatever the time scale is: the product's own pace is real as well.

use std::{collections::VecDeque, time::Duration};

use axum::http::Method;
use tokio::time::Instant;

use crate::state::State;

/// One method: its name, its HTTP method and its calls per second.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) http: Method,
    pub(crate) per_second: usize,
}

const fn get(name: &'static str, per_second: usize) -> Limit {
    Limit {
        name,
        http: Method::GET,
        per_second,
    }
}

const fn post(name: &'static str, per_second: usize) -> Limit {
    Limit {
        name,
        http: Method::POST,
        per_second,
    }
}

/// The methods that the sandbox answers. Those without a documented rate have the usual one of
/// their group.
static METHODS: [Limit; 36] = [
    get("getSettings", 1),
    post("setSettings", 1),
    get("getStateInstance", 1),
    get("getWaSettings", 1),
    get("reboot", 1),
    get("logout", 1),
    get("qr", 3),
    post("getAuthorizationCode", 1),
    get("updateApiToken", 1),
    post("sendMessage", 50),
    post("sendFileByUrl", 50),
    post("sendFileByUpload", 50),
    post("uploadFile", 5),
    post("sendLocation", 50),
    post("sendContact", 50),
    post("sendPoll", 50),
    post("sendInteractiveButtons", 5),
    post("sendInteractiveButtonsReply", 5),
    post("sendTyping", 5),
    post("readChat", 10),
    post("editMessage", 1),
    post("deleteMessage", 10),
    get("showMessagesQueue", 1),
    get("getMessagesCount", 1),
    get("clearMessagesQueue", 1),
    get("getWebhooksCount", 1),
    get("lastIncomingMessages", 1),
    get("lastOutgoingMessages", 1),
    post("getChatHistory", 1),
    post("getMessage", 10),
    post("downloadFile", 5),
    post("checkWhatsapp", 10),
    get("getContacts", 1),
    get("getChats", 1),
    // Both answer with a 403 since WhatsApp dropped them.
    post("sendButtons", 50),
    post("sendTemplateButtons", 50),
];

/// Method names are taken without regard to case (GREEN-API contract, addressing).
pub(crate) fn find(name: &str) -> Option<&'static Limit> {
    METHODS.iter().find(|m| m.name.eq_ignore_ascii_case(name))
}

/// Every method and its rate.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, usize)> {
    METHODS.iter().map(|m| (m.name, m.per_second))
}

/// Counts a call; false when it is one too many in the last second. A refused call does not count.
pub(crate) fn admit(state: &mut State, instance: u64, limit: &'static Limit) -> bool {
    let now = Instant::now();
    let calls: &mut VecDeque<Instant> =
        state.green_calls.entry((instance, limit.name)).or_default();
    while calls
        .front()
        .is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1))
    {
        calls.pop_front();
    }
    if calls.len() < limit.per_second {
        calls.push_back(now);
        return true;
    }
    *state
        .green_refused
        .entry((instance, limit.name))
        .or_default() += 1;
    false
}
