//! What became of one message at one destination.

use serde::{Deserialize, Serialize};

/// Where messages go. Each has lanes of its own, so that one's trouble never touches another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The customer's phone, through GREEN-API.
    Whatsapp,
    /// The business's CRM: GoHighLevel.
    Crm,
}

/// One chat at one destination: what is delivered in order. Statuses towards the CRM have a lane of
/// their own, so that a status never holds up a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Messages to the customer.
    Whatsapp,
    /// Messages to the CRM.
    Crm,
    /// What the CRM is told about messages that came from it.
    CrmStatus,
}

impl Lane {
    /// Every lane a chat can have.
    pub const ALL: [Lane; 3] = [Lane::Whatsapp, Lane::Crm, Lane::CrmStatus];

    /// The part of keys and of wake-ups.
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Whatsapp => "whatsapp",
            Lane::Crm => "crm",
            Lane::CrmStatus => "crm_status",
        }
    }
}

impl Destination {
    /// The lane of messages to this destination.
    pub fn lane(self) -> Lane {
        match self {
            Destination::Whatsapp => Lane::Whatsapp,
            Destination::Crm => Lane::Crm,
        }
    }
}

/// One message at one destination, in parts of one provider call each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// In the order of their calls; never empty.
    pub parts: Vec<Part>,
}

/// One provider call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Where it stands.
    pub state: PartState,
    /// How many calls were begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// The destination's id of what the call made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// What went wrong last, for people; without secrets and bodies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Where a part stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PartState {
    /// Waiting for its turn.
    #[default]
    Pending,
    /// A call was begun at `since_ms` and has not been settled. Whoever finds it like this under a
    /// lease of their own knows only that the outcome is unknown.
    Sending {
        /// Milliseconds since 1970.
        since_ms: i64,
    },
    /// The destination has it.
    Done,
    /// To be tried again, not before `at_ms`; the lane waits.
    Retry {
        /// Milliseconds since 1970.
        at_ms: i64,
        /// When the first attempt failed: what waits too long is given up.
        first_ms: i64,
        /// The call may have had an effect: look before trying again.
        look_first: bool,
    },
    /// The outcome is being looked for since `since_ms`; the lane waits for it for ten minutes and
    /// goes on then, but a match that turns up later still settles it.
    Unknown {
        /// Milliseconds since 1970, of the call.
        since_ms: i64,
        /// When to look again, milliseconds since 1970.
        at_ms: i64,
        /// Given up looking: a person decides.
        to_person: bool,
    },
    /// Refused or given up; a person can see why.
    Dead,
}

impl PartState {
    /// Whether the lane goes past it.
    pub fn is_settled(&self) -> bool {
        matches!(
            self,
            PartState::Done | PartState::Dead | PartState::Unknown { to_person: true, .. }
        )
    }
}

impl Delivery {
    /// A delivery of `n_parts` calls, all of them still to be made.
    pub fn pending(n_parts: usize) -> Self {
        Delivery { parts: vec![Part::default(); n_parts.max(1)] }
    }

    /// Whether nothing is left to be done by the lane.
    pub fn is_settled(&self) -> bool {
        self.parts.iter().all(|part| part.state.is_settled())
    }
}
