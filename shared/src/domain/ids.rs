//! Identifiers of ours and of the providers, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes an id that was made by us or by the provider as it stands.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A tenant.
    WorkspaceId
);
id!(
    /// A WhatsApp number in a workspace. Ours and random: a number that moves to another workspace
    /// gets a new one and leaves its history behind.
    NumberId
);
id!(
    /// A conversation of one number. Ours and random: WhatsApp's ids of it are aliases.
    ChatId
);
id!(
    /// Somebody of a workspace, whether they sign in with a password or come from GoHighLevel. Ours.
    PersonId
);
id!(
    /// A GoHighLevel sub-account.
    LocationId
);
id!(
    /// A GoHighLevel agency.
    CompanyId
);
id!(
    /// A person in a GoHighLevel location's address book.
    ContactId
);

/// GREEN-API's number of an instance: up to twelve digits, so never an `i32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdInstance(pub u64);

impl fmt::Display for IdInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not an instance's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an instance id is a number of up to 19 digits")]
pub struct NotAnIdInstance;

impl std::str::FromStr for IdInstance {
    type Err = NotAnIdInstance;

    /// People paste the id: blanks around it are allowed, signs and anything else are not.
    fn from_str(text: &str) -> Result<Self, NotAnIdInstance> {
        let text = text.trim();
        if text.is_empty() || text.len() > 19 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnIdInstance);
        }
        text.parse().map(Self).map_err(|_| NotAnIdInstance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_is_digits_and_nothing_else() {
        // AC 26
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(
                text.parse::<IdInstance>().ok().map(|id| id.0),
                expect,
                "{text:?}"
            );
        };
        check("1101000001", Some(1_101_000_001));
        check(" 710722725742 ", Some(710_722_725_742));
        check("12ab", None);
        check("abc", None);
        check("-1", None);
        check("+1", None);
        check("", None);
        check("99999999999999999999", None);
    }
}
