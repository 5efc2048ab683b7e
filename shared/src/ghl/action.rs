//! What a workflow of GoHighLevel's asks us to send (GHL contract, workflow modules).
//!
//! The form in the workflow is ours, and its fields come as `data` under the references that
//! `docs/workflow-actions.md` gives them. Which of the four kinds an action is, its filled fields
//! tell; one that is empty, blank, `null` or missing is not filled.

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use crate::crypto;
use crate::domain::content::{Content, File, Menu, MenuAction, MenuItem, MenuKind};
use crate::domain::ids::{ContactId, LocationId};
use crate::json::{self, NotJson};

use super::id::is_id;
use super::map;
use super::wire;

/// How many buttons a form has.
const BUTTONS: u8 = 3;

/// One execution of an action.
#[derive(Clone, Debug)]
pub struct Action {
    /// GREEN-API's id of the number, as it was typed.
    pub instance: Option<String>,
    /// The location that GoHighLevel runs the workflow in, as it came.
    pub location: Option<String>,
    /// The person.
    pub contact: Option<ContactId>,
    /// The secret, for portals whose headers cannot carry one.
    pub secret: Option<SecretString>,
    /// What is to be sent, or why it cannot be told.
    pub content: Result<Content, NotAMessage>,
    /// The same for the same execution told again.
    told: Value,
}

/// The body is no action at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAction {
    /// It is not JSON.
    #[error("{NotJson}")]
    NotJson,
    /// It has no `data`.
    #[error("the body has no `data`")]
    NoData,
}

/// What an action lacks. For whoever set up the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMessage {
    /// None of the four kinds.
    #[error("`message` is missing: there is nothing to send")]
    NoMessage,
    /// A file's address.
    #[error("`url` is not an address that begins with http:// or https://")]
    BadUrl,
    /// A file's name.
    #[error("`fileName` is missing")]
    NoFileName,
    /// A name without an ending, and none in the address either.
    #[error("`fileName` needs an ending like .pdf: it decides how the file is shown")]
    NoFileEnding,
    /// The text above the buttons.
    #[error("`body` is missing: buttons need a text")]
    NoBody,
    /// Not one button has all that it needs.
    #[error(
        "no button is complete: it needs `button1Type` (copy, call or url), `button1Text` and `button1Value`"
    )]
    NoButton,
    /// Not one reply has a text.
    #[error("no reply is there: `button1Text` is missing")]
    NoReply,
}

impl Action {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// [`NotAnAction`]. A message that cannot be sent is none: see [`Action::content`].
    pub fn read(body: &[u8]) -> Result<Self, NotAnAction> {
        let body = json::parse(body).map_err(|NotJson| NotAnAction::NotJson)?;
        let mut data = body["data"].clone();
        let fields = data.as_object_mut().ok_or(NotAnAction::NoData)?;
        fields.remove("secret");
        let extras = &body["extras"];
        Ok(Action {
            instance: filled(&data, "instanceId"),
            location: filled(extras, "locationId"),
            contact: wire::id(extras, "contactId").map(ContactId::new),
            secret: filled(&body["data"], "secret").map(SecretString::from),
            content: content(&data),
            told: json!([data, extras, body["meta"]]),
        })
    }

    /// What tells this execution, for `phone`, from others: nothing in the body does that by
    /// itself, so it is all of it. The same action with the same values for the same contact is
    /// the same.
    pub fn fingerprint(&self, phone: &str) -> String {
        crypto::sha256_hex(json!([self.told, phone]).to_string())
    }
}

/// The location that a text names, if it can be one's id.
pub fn location(text: &str) -> Option<LocationId> {
    is_id(text).then(|| LocationId::new(text))
}

/// A field that says something, without white space around it.
fn filled(body: &Value, key: &str) -> Option<String> {
    let text = wire::text(body, key)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn content(data: &Value) -> Result<Content, NotAMessage> {
    let field = |key: &str| filled(data, key);
    let has_any = |of: &str| (1..=BUTTONS).any(|n| field(&format!("button{n}{of}")).is_some());
    if let Some(url) = field("url") {
        return file(&url, field("fileName"), field("caption"));
    }
    if has_any("Type") {
        let buttons = |n: u8| button(data, n);
        return menu(data, MenuKind::Interactive, buttons, NotAMessage::NoButton);
    }
    if has_any("Text") {
        let replies = |n: u8| Some((filled(data, &format!("button{n}Text"))?, MenuAction::Reply));
        let kind = MenuKind::InteractiveReply;
        return menu(data, kind, replies, NotAMessage::NoReply);
    }
    let text = field("message").ok_or(NotAMessage::NoMessage)?;
    Ok(Content::Text { text })
}

fn file(url: &str, name: Option<String>, caption: Option<String>) -> Result<Content, NotAMessage> {
    let url = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or(NotAMessage::BadUrl)?;
    let name = name.map(|name| map::tidy_name(&name));
    let mut name = name
        .filter(|name| !name.is_empty())
        .ok_or(NotAMessage::NoFileName)?;
    if ending(&name).is_none() {
        let of_url = map::file_name(&url);
        let ending = ending(&of_url).ok_or(NotAMessage::NoFileEnding)?;
        name = format!("{name}.{ending}");
    }
    Ok(Content::Files {
        files: vec![File {
            kind: map::kind(&name),
            url: Some(url.into()),
            name,
            mime: String::new(),
            missing: None,
            copy: None,
        }],
        caption: caption.unwrap_or_default(),
    })
}

fn ending(name: &str) -> Option<&str> {
    let (stem, ending) = name.rsplit_once('.')?;
    (!stem.is_empty() && !ending.is_empty()).then_some(ending)
}

fn menu(
    data: &Value,
    kind: MenuKind,
    button: impl Fn(u8) -> Option<(String, MenuAction)>,
    without: NotAMessage,
) -> Result<Content, NotAMessage> {
    let body = filled(data, "body").ok_or(NotAMessage::NoBody)?;
    let buttons = (1..=BUTTONS).filter_map(button);
    let items: Vec<_> = buttons
        .map(|(label, action)| MenuItem {
            section: String::new(),
            label,
            description: String::new(),
            action,
        })
        .collect();
    if items.is_empty() {
        return Err(without);
    }
    Ok(Content::Menu(Menu {
        menu: kind,
        title: filled(data, "header").unwrap_or_default(),
        body,
        footer: filled(data, "footer").unwrap_or_default(),
        opener: String::new(),
        items,
    }))
}

/// A button with all three fields; an incomplete one is left out.
fn button(data: &Value, n: u8) -> Option<(String, MenuAction)> {
    let field = |of: &str| filled(data, &format!("button{n}{of}"));
    let (kind, label, value) = (field("Type")?, field("Text")?, field("Value")?);
    let action = match kind.to_ascii_lowercase().as_str() {
        "url" => MenuAction::Url(value),
        "copy" => MenuAction::Copy(value),
        "call" => {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            MenuAction::Call(Some(digits).filter(|digits| !digits.is_empty())?)
        }
        _ => return None,
    };
    Some((label, action))
}

#[cfg(test)]
#[path = "action_tests.rs"]
mod tests;
