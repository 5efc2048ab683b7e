//! WhatsApp's ids of conversations and people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An id as WhatsApp writes it: `79001234567@c.us`, `120650379300963@lid`,
/// `120363043968066561@g.us`, or the numeric text of a sibling network.
///
/// One person can have several; which conversation an alias stands for is looked up, never
/// computed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Alias(String);

/// What an alias is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasKind {
    /// A person by phone number.
    Phone,
    /// A person by linked id, without a phone.
    Lid,
    /// A group.
    Group,
    /// An id of another network: opaque.
    Opaque,
}

impl Alias {
    /// Takes a provider's id as it stands, blanks around it removed. `None` if nothing is left or
    /// it is longer than any id is (128 bytes).
    pub fn parse(id: &str) -> Option<Self> {
        let id = id.trim();
        (!id.is_empty() && id.len() <= 128).then(|| Self(id.to_owned()))
    }

    /// A person by phone: `digits` without a plus.
    pub fn from_phone_digits(digits: &str) -> Self {
        Self(format!("{digits}@c.us"))
    }

    /// As WhatsApp writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub fn local(&self) -> &str {
        self.0
            .split_once('@')
            .map_or(self.0.as_str(), |(local, _)| local)
    }

    /// What it stands for.
    pub fn kind(&self) -> AliasKind {
        match self.0.split_once('@').map(|(_, host)| host) {
            Some("c.us" | "s.whatsapp.net") => AliasKind::Phone,
            Some("lid") => AliasKind::Lid,
            Some("g.us") => AliasKind::Group,
            _ => AliasKind::Opaque,
        }
    }

    /// Whether WhatsApp may mean one and the same by both. A person has a phone and a linked id, and
    /// phones of some countries are written in two ways, which differ in the middle.
    pub fn may_be_same_as(&self, other: &Self) -> bool {
        use AliasKind::{Group, Lid, Phone};
        match (self.kind(), other.kind()) {
            (Group, _) | (_, Group) | (Lid, Lid) => self == other,
            (Phone, Phone) => last_digits(self) == last_digits(other),
            _ => true,
        }
    }

    /// The digits of the id, the only thing a CRM that knows people by phone can be given for
    /// groups and for people without a phone.
    pub fn digits(&self) -> String {
        self.local().chars().filter(char::is_ascii_digit).collect()
    }
}

/// The part of a phone that is the same however it is written.
fn last_digits(phone: &Alias) -> String {
    // A device of the person follows the colon.
    let local = phone.local();
    let digits = local.split_once(':').map_or(local, |(digits, _)| digits);
    digits.chars().rev().take(8).collect()
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
