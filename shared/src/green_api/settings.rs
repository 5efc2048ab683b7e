//! What Greenhub needs a number to be set to (GREEN-API contract, settings).

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::lenient::Int;

/// The shortest pause between two messages that GREEN-API takes, milliseconds.
pub const MIN_DELAY_MS: u32 = 500;

/// The longest.
pub const MAX_DELAY_MS: u32 = 86_400_000;

const DELAY: &str = "delaySendMessagesMilliseconds";

/// The notifications that Greenhub lives on: messages of both directions with their edits and
/// deletions, statuses, calls, polls and the state of the connection.
const NOTIFICATIONS: [&str; 9] = [
    "incomingWebhook",
    "outgoingMessageWebhook",
    "outgoingAPIMessageWebhook",
    "outgoingWebhook",
    "stateWebhook",
    "pollMessageWebhook",
    "incomingCallWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
];

/// What people can choose about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// One message is sent in so many milliseconds; `None` leaves it as it is.
    pub delay_ms: Option<u32>,
    /// Customers see blue ticks when somebody has really answered.
    pub blue_ticks: bool,
}

impl Default for Chosen {
    fn default() -> Self {
        Chosen {
            delay_ms: None,
            blue_ticks: true,
        }
    }
}

/// The settings of a number as `getSettings` tells them. No `Debug`: the webhook's token is among
/// them.
#[derive(Clone, PartialEq)]
pub struct Settings(pub(super) Map<String, Value>);

impl Settings {
    /// Where notifications go now; `None` if nowhere.
    pub fn webhook_url(&self) -> Option<&str> {
        self.text("webhookUrl")
    }

    /// What notifications are authenticated by now; `None` if by nothing.
    pub fn webhook_token(&self) -> Option<SecretString> {
        self.text("webhookUrlToken").map(SecretString::from)
    }

    /// The account's own id; `None` while no phone is linked.
    pub fn wid(&self) -> Option<&str> {
        self.text("wid")
    }

    /// One message is sent in so many milliseconds.
    pub fn delay_ms(&self) -> u32 {
        let told = self.0.get(DELAY);
        let told = told.and_then(|value| Int::deserialize(value).ok());
        told.and_then(|told| told.0)
            .and_then(|ms| u32::try_from(ms).ok())
            .unwrap_or_default()
            .max(MIN_DELAY_MS)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }
}

/// What a number has to be set to so that its notifications reach `webhook_url` with `token`, and
/// that people have chosen for it.
pub fn desired(webhook_url: &Url, token: &SecretString, chosen: Chosen) -> Map<String, Value> {
    let mut settings: Map<String, Value> = NOTIFICATIONS
        .iter()
        .map(|name| ((*name).to_owned(), Value::from("yes")))
        .collect();
    settings.insert("webhookUrl".to_owned(), webhook_url.as_str().into());
    settings.insert("webhookUrlToken".to_owned(), token.expose_secret().into());
    let ticks = if chosen.blue_ticks { "yes" } else { "no" };
    settings.insert("markIncomingMessagesReadedOnReply".to_owned(), ticks.into());
    if let Some(ms) = chosen.delay_ms {
        settings.insert(DELAY.to_owned(), ms.into());
    }
    settings
}

/// What has to be written, if anything. Writing restarts the number, so only differences are.
pub fn difference(current: &Settings, desired: &Map<String, Value>) -> Option<Map<String, Value>> {
    let changes: Map<String, Value> = desired
        .iter()
        .filter(|(name, value)| !has(current, name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!changes.is_empty()).then_some(changes)
}

/// Numbers are told as numbers or as texts; written are numbers.
fn has(current: &Settings, name: &str, value: &Value) -> bool {
    match current.0.get(name) {
        Some(told) if value.is_number() => {
            let told = Int::deserialize(told).ok().and_then(|told| told.0);
            told.is_some() && told == value.as_i64()
        }
        told => told == Some(value),
    }
}

/// What has to be written to let go of a number: its notifications go to `restore` again,
/// authenticated as they were, or nowhere.
pub fn released(restore: Option<&Url>, token: Option<&SecretString>) -> Map<String, Value> {
    let url = restore.map(Url::as_str).unwrap_or_default();
    let token = token.filter(|_| restore.is_some());
    let token = token.map(ExposeSecret::expose_secret).unwrap_or_default();
    Map::from_iter([
        ("webhookUrl".to_owned(), Value::from(url)),
        ("webhookUrlToken".to_owned(), Value::from(token)),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted() -> Map<String, Value> {
        let url = Url::parse("https://hub.test/webhooks/green-api/k").expect("a URL");
        desired(&url, &SecretString::from("t0ken"), Chosen::default())
    }

    fn settings(value: Value) -> Settings {
        Settings(value.as_object().expect("an object").clone())
    }

    #[test]
    fn everything_needed_is_asked_for() {
        // AC 33, 34
        let wanted = wanted();
        assert_eq!(
            wanted["webhookUrl"],
            "https://hub.test/webhooks/green-api/k"
        );
        assert_eq!(wanted["webhookUrlToken"], "t0ken");
        for name in [
            "incomingWebhook",
            "incomingCallWebhook",
            "stateWebhook",
            "outgoingWebhook",
            "outgoingMessageWebhook",
            "outgoingAPIMessageWebhook",
            "pollMessageWebhook",
            "editedMessageWebhook",
            "deletedMessageWebhook",
            "markIncomingMessagesReadedOnReply",
        ] {
            assert_eq!(wanted[name], "yes", "{name}");
        }
    }

    // AC 111, 156
    #[test]
    fn only_differences_are_written() {
        let mut current = wanted();
        current.insert("delaySendMessagesMilliseconds".into(), json!(3000));
        // What we do not know is not ours to write.
        current.insert("bogus".into(), json!(1));
        assert_eq!(difference(&Settings(current.clone()), &wanted()), None);

        current.insert("stateWebhook".into(), json!("no"));
        current.remove("pollMessageWebhook");
        let changes = difference(&Settings(current), &wanted()).expect("a difference");
        let expect = json!({"stateWebhook": "yes", "pollMessageWebhook": "yes"});
        assert_eq!(Value::Object(changes), expect);
        assert_eq!(difference(&settings(json!({})), &wanted()), Some(wanted()));
    }

    #[test]
    fn what_people_choose_is_written_where_it_differs() {
        let url = Url::parse("https://hub.test/webhooks/green-api/k").expect("a URL");
        let chosen = Chosen {
            delay_ms: Some(3000),
            blue_ticks: false,
        };
        let wanted = desired(&url, &SecretString::from("t0ken"), chosen);
        let check = |delay: Value, ticks: &str, expect: Option<Value>| {
            let mut current = self::wanted();
            current.insert("delaySendMessagesMilliseconds".into(), delay.clone());
            current.insert("markIncomingMessagesReadedOnReply".into(), ticks.into());
            let changes = difference(&Settings(current), &wanted).map(Value::Object);
            assert_eq!(changes, expect, "{delay} {ticks}");
        };
        check(json!(3000), "no", None);
        check(json!("3000"), "no", None);
        let delay = json!({"delaySendMessagesMilliseconds": 3000});
        check(json!(500), "no", Some(delay.clone()));
        check(json!(null), "no", Some(delay));
        let ticks = json!({"markIncomingMessagesReadedOnReply": "no"});
        check(json!(3000), "yes", Some(ticks));
    }

    #[test]
    fn what_is_set_now() {
        let now = settings(json!({"webhookUrl": " ", "wid": "79001234567@c.us"}));
        assert_eq!(
            (now.webhook_url(), now.wid()),
            (None, Some("79001234567@c.us"))
        );
        let check = |told: Value, expect: u32| {
            let now = settings(json!({ "delaySendMessagesMilliseconds": told }));
            assert_eq!(now.delay_ms(), expect);
        };
        check(json!(3000), 3000);
        check(json!("1000"), 1000);
        check(json!(0), 500);
        check(json!(-1), 500);
        check(json!(null), 500);
        assert_eq!(settings(json!({})).delay_ms(), 500);
        let old = Url::parse("https://old.test/hook").expect("a URL");
        let check = |url: Option<&Url>, token: Option<&str>, expect: [&str; 2]| {
            let token = token.map(SecretString::from);
            let written = released(url, token.as_ref());
            assert_eq!(
                [&written["webhookUrl"], &written["webhookUrlToken"]],
                expect
            );
        };
        let address = "https://old.test/hook";
        check(Some(&old), Some("theirs"), [address, "theirs"]);
        check(Some(&old), None, [address, ""]);
        check(None, Some("theirs"), ["", ""]);
    }
}
