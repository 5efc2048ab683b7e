//! The calls to GREEN-API (GREEN-API contract, methods).
//!
//! No call is repeated here and none waits for its turn: that is for those who know what an answer
//! means for the message. The token is part of the address, so no address ever gets into an error.

mod alter;
mod buttons;
mod files;
mod history;
mod host;
mod things;

pub use self::files::Upload;
pub use self::history::Listed;
pub use self::host::{BadHost, default_api_url, guard_url, media_url};

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use super::error::{GreenApiError, explained, redacted, unreadable};
use super::lenient::{Flag, Int, List, Text};
use super::settings::Settings;
use super::wire::{JournalEntry, QueuedEntry};
use crate::domain::chat_id::Alias;
use crate::domain::ids::IdInstance;
use crate::domain::phone::Phone;
use crate::domain::status::InstanceState;
use crate::limiter::spread::Spread;

/// The spread of the latency until it has been measured, seconds.
const ASSUMED_J_S: f64 = 0.1;

/// The longest text of a message, in characters.
pub const MAX_TEXT_CHARS: usize = 20_000;

/// The longest caption that every kind of file keeps, in characters.
pub const MAX_CAPTION_CHARS: usize = 1_024;

/// The largest answer that is read: a journal of weeks.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// The largest explanation of a failure that is read.
const MAX_FAILURE_BYTES: usize = 64 << 10;

/// Where a number is, and what proves that it is ours.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its id.
    pub id: IdInstance,
    /// Its token, which is part of every address.
    pub token: SecretString,
    /// The host of its calls; may have a path (a sibling network's `/v3`).
    pub api_url: Url,
    /// The host that takes files.
    pub media_url: Option<Url>,
}

/// GREEN-API. Cheap to clone; one for all numbers.
#[derive(Clone, Debug)]
pub struct GreenApi {
    http: reqwest::Client,
    spread: Spread,
}

/// What `getWaSettings` tells of the account behind a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The state of the connection.
    pub state: InstanceState,
    /// The account's phone; unknown while no phone is linked.
    pub phone: Option<Phone>,
    /// Its own linked id.
    pub lid: Option<Alias>,
    /// Restricted until then, in the provider's words.
    pub suspended_until: Option<String>,
}

/// What `checkWhatsapp` tells of a phone.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Whether the phone has WhatsApp.
    pub exists: bool,
    /// The person's id, which may be a linked id.
    pub chat: Option<Alias>,
}

/// The answer to a request for a QR code. A code lives 20 seconds; ask once a second at most.
#[derive(Clone, Debug, PartialEq)]
pub enum Qr {
    /// A PNG in base64.
    Code(String),
    /// A phone is linked already.
    AlreadyLinked,
    /// No code now, in the provider's words.
    NotNow(String),
}

/// A message with a file.
#[derive(Clone, Copy, Debug)]
pub struct FileByUrl<'a> {
    /// Where the provider fetches it; a direct link.
    pub url: &'a str,
    /// Its extension decides how it is shown.
    pub name: &'a str,
    /// May be empty; at most [`MAX_CAPTION_CHARS`].
    pub caption: &'a str,
}

impl GreenApi {
    /// Calls through `http`, which sets the timeouts and follows no redirects.
    pub fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            spread: Spread::new("green-api", ASSUMED_J_S),
        }
    }

    /// The spread of the latency, from all calls but those that move a file.
    pub fn spread(&self) -> &Spread {
        &self.spread
    }

    /// `getSettings`.
    pub async fn settings(&self, to: &Instance) -> Result<Settings, GreenApiError> {
        let values: Map<String, Value> = self.get(to, "getSettings", &[]).await?;
        Ok(Settings(values))
    }

    /// `setSettings` with some of the settings, at least one. **Restarts the number**, which takes
    /// up to five minutes: only call it with a difference ([`super::settings::difference`]).
    pub async fn set_settings(
        &self,
        to: &Instance,
        changes: &Map<String, Value>,
    ) -> Result<(), GreenApiError> {
        let answer: Map<String, Value> = self.post(to, "setSettings", changes).await?;
        confirmed(&answer, "saveSettings", &to.token)
    }

    /// `getStateInstance`.
    pub async fn state(&self, to: &Instance) -> Result<InstanceState, GreenApiError> {
        let answer: Map<String, Value> = self.get(to, "getStateInstance", &[]).await?;
        text(&answer, "stateInstance")
            .map(InstanceState::from)
            .ok_or_else(unreadable)
    }

    /// `getWaSettings`.
    pub async fn account(&self, to: &Instance) -> Result<Account, GreenApiError> {
        let answer: Map<String, Value> = self.get(to, "getWaSettings", &[]).await?;
        Ok(Account {
            state: text(&answer, "stateInstance")
                .map(InstanceState::from)
                .ok_or_else(unreadable)?,
            phone: text(&answer, "phone")
                .as_deref()
                .and_then(Phone::from_digits),
            lid: text(&answer, "chatId").as_deref().and_then(Alias::parse),
            suspended_until: text(&answer, "suspendedUntil"),
        })
    }

    /// `sendMessage`: puts a text of at most [`MAX_TEXT_CHARS`] into the provider's queue and
    /// returns its WhatsApp id. `quotes` is the id of a message of the same chat.
    pub async fn send_message(
        &self,
        to: &Instance,
        chat: &Alias,
        message: &str,
        quotes: Option<&str>,
    ) -> Result<String, GreenApiError> {
        let mut body = json!({ "chatId": chat, "message": message });
        if let Some(id) = quotes {
            body["quotedMessageId"] = id.into();
        }
        self.send(to, "sendMessage", &body).await
    }

    /// `sendFileByUrl`: puts a file into the provider's queue and returns its WhatsApp id.
    pub async fn send_file_by_url(
        &self,
        to: &Instance,
        chat: &Alias,
        file: FileByUrl<'_>,
        quotes: Option<&str>,
    ) -> Result<String, GreenApiError> {
        let mut body = json!({ "chatId": chat, "urlFile": file.url, "fileName": file.name });
        if !file.caption.is_empty() {
            body["caption"] = file.caption.into();
        }
        if let Some(id) = quotes {
            body["quotedMessageId"] = id.into();
        }
        self.send(to, "sendFileByUrl", &body).await
    }

    /// `showMessagesQueue`: what was taken and not yet sent.
    pub async fn queue(&self, to: &Instance) -> Result<Vec<QueuedEntry>, GreenApiError> {
        Ok(self
            .get::<Rows<QueuedEntry>>(to, "showMessagesQueue", &[])
            .await?
            .0
            .0)
    }

    /// `getMessagesCount`: how much was taken and not yet sent.
    pub async fn queue_length(&self, to: &Instance) -> Result<u64, GreenApiError> {
        let answer: Map<String, Value> = self.get(to, "getMessagesCount", &[]).await?;
        let count: Int = lenient(&answer, "count");
        count
            .0
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(unreadable)
    }

    /// `lastIncomingMessages` of the last `minutes`, all chats, newest first.
    pub async fn last_incoming(
        &self,
        to: &Instance,
        minutes: u32,
    ) -> Result<Vec<JournalEntry>, GreenApiError> {
        self.journal(to, "lastIncomingMessages", minutes).await
    }

    /// `lastOutgoingMessages` of the last `minutes`, all chats, newest first.
    pub async fn last_outgoing(
        &self,
        to: &Instance,
        minutes: u32,
    ) -> Result<Vec<JournalEntry>, GreenApiError> {
        self.journal(to, "lastOutgoingMessages", minutes).await
    }

    /// `checkWhatsapp`; counted by the plan's monthly quota.
    pub async fn check_whatsapp(
        &self,
        to: &Instance,
        phone: &Phone,
    ) -> Result<Checked, GreenApiError> {
        let body = json!({ "phoneNumber": number(phone)? });
        let answer: Map<String, Value> = self.post(to, "checkWhatsapp", &body).await?;
        let exists: Flag = lenient(&answer, "existsWhatsapp");
        Ok(Checked {
            exists: exists.0.ok_or_else(|| explained(&answer, &to.token))?,
            chat: text(&answer, "chatId").as_deref().and_then(Alias::parse),
        })
    }

    /// `logout`: unlinks the phone.
    pub async fn logout(&self, to: &Instance) -> Result<(), GreenApiError> {
        let answer: Map<String, Value> = self.get(to, "logout", &[]).await?;
        confirmed(&answer, "isLogout", &to.token)
    }

    /// `reboot`: restarts the number, which takes up to five minutes.
    pub async fn reboot(&self, to: &Instance) -> Result<(), GreenApiError> {
        let answer: Map<String, Value> = self.get(to, "reboot", &[]).await?;
        confirmed(&answer, "isReboot", &to.token)
    }

    /// `qr`: the picture that links a phone.
    pub async fn qr(&self, to: &Instance) -> Result<Qr, GreenApiError> {
        let answer: Map<String, Value> = self.get(to, "qr", &[]).await?;
        let message = text(&answer, "message").unwrap_or_default();
        match text(&answer, "type").as_deref() {
            Some("qrCode") if !message.is_empty() => Ok(Qr::Code(message)),
            Some("alreadyLogged") => Ok(Qr::AlreadyLinked),
            // The provider says so although it is no failure; the way on is to log out.
            Some("error") if message.starts_with("Instance has auth") => Ok(Qr::AlreadyLinked),
            Some(_) => Ok(Qr::NotNow(redacted(&message, &to.token))),
            None => Err(unreadable()),
        }
    }

    /// `getAuthorizationCode`: the code that a person types into the phone to link it.
    pub async fn authorization_code(
        &self,
        to: &Instance,
        phone: &Phone,
    ) -> Result<String, GreenApiError> {
        let body = json!({ "phoneNumber": number(phone)? });
        let answer: Map<String, Value> = self.post(to, "getAuthorizationCode", &body).await?;
        let given: Flag = lenient(&answer, "status");
        text(&answer, "code").ok_or_else(|| match explained(&answer, &to.token) {
            // It says no without a word when a phone is linked.
            GreenApiError::Ambiguous { .. } if given.0 == Some(false) => GreenApiError::Refused {
                status: 200,
                message: "GREEN-API gives no code now".to_owned(),
            },
            error => error,
        })
    }

    async fn journal(
        &self,
        to: &Instance,
        method: &str,
        minutes: u32,
    ) -> Result<Vec<JournalEntry>, GreenApiError> {
        let query = [("minutes", minutes.to_string())];
        Ok(self
            .get::<Rows<JournalEntry>>(to, method, &query)
            .await?
            .0
            .0)
    }

    async fn send(
        &self,
        to: &Instance,
        method: &str,
        body: &Value,
    ) -> Result<String, GreenApiError> {
        let answer: Map<String, Value> = self.post(to, method, body).await?;
        text(&answer, "idMessage").ok_or_else(|| explained(&answer, &to.token))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        to: &Instance,
        method: &str,
        query: &[(&str, String)],
    ) -> Result<T, GreenApiError> {
        let request = self
            .http
            .request(Method::GET, address(to, method)?)
            .query(query);
        self.call(request, to, method).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        to: &Instance,
        method: &str,
        body: &impl Serialize,
    ) -> Result<T, GreenApiError> {
        let request = self
            .http
            .request(Method::POST, address(to, method)?)
            .json(body);
        self.call(request, to, method).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        to: &Instance,
        method: &str,
    ) -> Result<T, GreenApiError> {
        let began = Instant::now();
        let answer = request
            .send()
            .await
            .map_err(|error| not_answered(error, to))?;
        // How long a file takes says nothing about the way to GREEN-API.
        if !method.contains("File") {
            self.spread.note(began.elapsed());
        }
        let status = answer.status();
        if !status.is_success() {
            // What came of the explanation is enough; the status alone decides.
            let (body, _) = read(answer, MAX_FAILURE_BYTES).await;
            return Err(GreenApiError::from_answer(
                status.as_u16(),
                &body,
                &to.token,
            ));
        }
        let most = match method {
            "getChatHistory" => history::MAX_HISTORY_BYTES,
            _ => MAX_ANSWER_BYTES,
        };
        match read(answer, most).await {
            (body, Ok(())) => {
                // Some answer with nothing.
                let body: &[u8] = if body.is_empty() { b"null" } else { &body };
                serde_json::from_slice(body).map_err(|_| unreadable())
            }
            (_, Err(why)) => Err(GreenApiError::Ambiguous {
                why: why.to_owned(),
            }),
        }
    }
}

/// `{api url}/waInstance{id}/{method}/{token}`
fn address(to: &Instance, method: &str) -> Result<Url, GreenApiError> {
    let mut url = to.api_url.clone();
    let Ok(mut path) = url.path_segments_mut() else {
        return Err(GreenApiError::NotSent {
            why: "the address is not one of the web".to_owned(),
        });
    };
    let id = format!("waInstance{}", to.id);
    path.pop_if_empty()
        .extend([id.as_str(), method, to.token.expose_secret()]);
    drop(path);
    Ok(url)
}

/// The body up to `most` bytes, and whether that is all of it.
async fn read(mut answer: reqwest::Response, most: usize) -> (Vec<u8>, Result<(), &'static str>) {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > most => {
                body.extend_from_slice(&chunk[..most - body.len()]);
                return (body, Err("the answer is too large"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, Ok(())),
            Err(error) if error.is_timeout() => return (body, Err("the answer took too long")),
            Err(_) => return (body, Err("the answer was cut off")),
        }
    }
}

fn not_answered(error: reqwest::Error, to: &Instance) -> GreenApiError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        let mut why = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            why = inner.to_string();
            cause = inner.source();
        }
        return GreenApiError::NotSent {
            why: redacted(&why, &to.token),
        };
    }
    let why = if error.is_timeout() {
        "no answer in time"
    } else {
        "the connection was cut"
    };
    GreenApiError::Ambiguous {
        why: why.to_owned(),
    }
}

fn confirmed(
    answer: &Map<String, Value>,
    field: &str,
    token: &SecretString,
) -> Result<(), GreenApiError> {
    let done: Flag = lenient(answer, field);
    match done.0 {
        Some(true) => Ok(()),
        Some(false) => Err(GreenApiError::Refused {
            status: 200,
            message: format!("{field}: no"),
        }),
        None => Err(explained(answer, token)),
    }
}

fn lenient<T: DeserializeOwned + Default>(answer: &Map<String, Value>, field: &str) -> T {
    answer
        .get(field)
        .and_then(|value| T::deserialize(value).ok())
        .unwrap_or_default()
}

fn text(answer: &Map<String, Value>, field: &str) -> Option<String> {
    lenient::<Text>(answer, field).get().map(str::to_owned)
}

/// Phones are numbers in these calls.
fn number(phone: &Phone) -> Result<u64, GreenApiError> {
    phone.digits().parse().map_err(|_| GreenApiError::NotSent {
        why: "not a phone".to_owned(),
    })
}

/// A list of rows, as it is promised: anything else is not an empty journal but an unreadable one.
struct Rows<T>(List<T>);

impl<'de, T: DeserializeOwned> serde::Deserialize<'de> for Rows<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_array() {
            return Err(serde::de::Error::custom("not a list"));
        }
        List::deserialize(value)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
