//! Where the stories take place, and the hands that move it: the sandbox's control interface.

use std::time::Duration;

use greenhub_local::{Credentials, Stack};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// What a story says when it breaks.
pub type Outcome = Result<(), String>;

/// How long a story waits for something to show.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Where the product runs: deployed into the emulator, or in this process.
pub trait Place {
    /// Its origin, without a slash at the end.
    fn base_url(&self) -> &str;

    /// The address of its sandbox, without a slash at the end.
    fn sandbox_url(&self) -> String;
}

impl Place for Stack {
    fn base_url(&self) -> &str {
        &self.base_url
    }

    fn sandbox_url(&self) -> String {
        self.sandbox.url()
    }
}

pub struct World<S = Stack> {
    pub stack: S,
    pub client: Client,
    pub demo: Credentials,
}

impl<S: Place> World<S> {
    pub fn new(stack: S, demo: Credentials) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        World {
            stack,
            client,
            demo,
        }
    }

    /// A call of the sandbox's control interface.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        let url = format!("{}/_sandbox/{path}", self.stack.sandbox_url());
        let method = method
            .parse()
            .map_err(|_| format!("{method} is no method"))?;
        let mut request = self.client.request(method, &url);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{path} answered {status}: {text}"));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A customer writes.
    pub async fn customer_writes(&self, from: &str, name: &str, text: &str) -> Outcome {
        let path = format!("green-api/{}/incoming", self.demo.instance);
        self.control(
            "POST",
            &path,
            json!({ "from": from, "name": name, "text": text }),
        )
        .await?;
        Ok(())
    }

    /// The contact with this phone, once there is one.
    pub async fn contact(&self, phone: &str) -> Result<Value, String> {
        self.eventually(&format!("a contact with {phone}"), || async {
            let contacts = self.contacts().await?;
            Ok(contacts
                .into_iter()
                .find(|contact| contact["phone"] == phone))
        })
        .await
    }

    pub async fn contacts(&self) -> Result<Vec<Value>, String> {
        let path = format!("ghl/{}/contacts", self.demo.location);
        Ok(self
            .control("GET", &path, Value::Null)
            .await?
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    /// The messages of a contact, as GoHighLevel shows them.
    pub async fn conversation(&self, contact: &Value) -> Result<Vec<Value>, String> {
        let path = format!("ghl/{}/conversations", self.demo.location);
        let all = self.control("GET", &path, Value::Null).await?;
        let found = all.as_array().into_iter().flatten();
        let mut messages = Vec::new();
        for conversation in found.filter(|one| one["contactId"] == contact["contactId"]) {
            messages.extend(
                conversation["messages"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default(),
            );
        }
        Ok(messages)
    }

    /// What the customer's phone shows.
    pub async fn phone(&self, chat: &str) -> Result<Vec<Value>, String> {
        let path = format!("green-api/{}/phone/{chat}", self.demo.instance);
        Ok(self
            .control("GET", &path, Value::Null)
            .await?
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    /// An agent answers; gives the message's id.
    pub async fn agent_answers(&self, contact: &Value, text: &str) -> Result<String, String> {
        let body = json!({
            "locationId": self.demo.location,
            "contactId": contact["contactId"],
            "message": text,
        });
        let sent = self.control("POST", "ghl/reply", body).await?;
        Ok(sent["messageId"].as_str().unwrap_or_default().to_owned())
    }

    pub async fn faults(&self, faults: Value) -> Outcome {
        self.control("PUT", "faults", faults).await?;
        Ok(())
    }

    /// Posts a body to the number's webhook as GREEN-API does.
    pub async fn notify(&self, body: Vec<u8>) -> Result<StatusCode, String> {
        let answer = self
            .client
            .post(&self.demo.green_webhook_url)
            .bearer_auth(&self.demo.green_webhook_token)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(body)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        Ok(answer.status())
    }

    /// Asks until there is an answer.
    pub async fn eventually<T, F>(&self, what: &str, ask: impl Fn() -> F) -> Result<T, String>
    where
        F: Future<Output = Result<Option<T>, String>>,
    {
        let asking = async {
            loop {
                if let Some(found) = ask().await? {
                    return Ok(found);
                }
                pause(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(found) => found,
            Err(_) => Err(format!("{what} never showed")),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test waits for other processes"
)]
pub async fn pause(how_long: Duration) {
    tokio::time::sleep(how_long).await;
}

/// Breaks the story unless it holds.
macro_rules! ensure {
    ($cond:expr, $($why:tt)*) => {
        if !$cond {
            return Err(format!($($why)*));
        }
    };
}
pub(crate) use ensure;
