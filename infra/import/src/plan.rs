//! What is to be brought over: the older adapter's rows, judged without asking anybody.

use std::collections::{BTreeMap, BTreeSet};

use greenhub::account::numbers::{self, BadInput, NAME_CHARS, NewNumber};
use greenhub::clock::{self, Millis};
use greenhub::config::Green;
use greenhub::domain::ids::{CompanyId, IdInstance, LocationId};
use greenhub::domain::status::InstanceState;
use greenhub::ghl::action;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::old::{Dump, OldInstance, OldLocation};

/// The shortest token of a webhook that is kept: the older adapter's have 32 characters.
const SHORTEST_HOOK_TOKEN: usize = 16;

/// The longest account id that is kept.
const LONGEST_WID: usize = 128;

/// The pause between two messages that GREEN-API keeps unless told.
const DELAY_MS: u32 = 500;

/// What is to be brought over, and what cannot be.
#[derive(Debug, Default)]
pub struct Plan {
    /// By their ids.
    pub locations: Vec<Location>,
    /// Rows that nothing can be made of.
    pub skipped: Vec<Skipped>,
}

/// A location with its numbers.
#[derive(Debug)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// The agency.
    pub company: Option<CompanyId>,
    /// Without them somebody has to install the app again.
    pub tokens: Option<OldTokens>,
    /// The oldest first.
    pub numbers: Vec<Number>,
}

/// A pair of GoHighLevel's tokens.
#[derive(Clone, Debug)]
pub struct OldTokens {
    /// For calls; may have ended.
    pub access: SecretString,
    /// For the next pair.
    pub refresh: SecretString,
    /// When the access token ends; 0 if nobody knows.
    pub expires_ms: Millis,
}

/// A number.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its place among all, the oldest first.
    pub rank: usize,
    /// Id, token, name and address.
    pub new: NewNumber,
    /// As it was when it was last told.
    pub state: InstanceState,
    /// The account's own chat id.
    pub wid: Option<String>,
    /// What GREEN-API shows at the older adapter's address.
    pub hook_token: Option<SecretString>,
    /// The pause between two messages.
    pub delay_ms: u32,
    /// What is not as it was.
    pub notes: Vec<Note>,
}

/// What a person should know about a number that is brought over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its settings are no JSON.
    BrokenSettings,
    /// There is no token for the older address.
    NoHookToken,
    /// Its name had to be changed.
    Renamed,
}

impl Note {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Note::BrokenSettings => {
                "its settings cannot be read; the older address opens once ours are written"
            }
            Note::NoHookToken => {
                "it has no webhook token; the older address opens once our settings are written"
            }
            Note::Renamed => "its name was shortened, or had signs that no name may have",
        }
    }
}

/// A row that nothing can be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The row, as a person finds it.
    pub row: String,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Not an id of a location.
    LocationId,
    /// Neither tokens nor numbers.
    EmptyLocation,
    /// Not an id of an instance.
    IdInstance,
    /// No API token, or none that could be one.
    ApiToken,
    /// GREEN-API is not where the stack says.
    Address,
    /// Its location is not in the table.
    Orphan,
    /// An older row has the same instance.
    Duplicate,
}

impl Why {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Why::LocationId => "its id is not one of a location",
            Why::EmptyLocation => "it has neither tokens nor numbers",
            Why::IdInstance => "its id is not one of an instance",
            Why::ApiToken => "its API token is missing, or has signs that no token has",
            Why::Address => "the stack's address of GREEN-API cannot be used",
            Why::Orphan => "its location is not in the table",
            Why::Duplicate => "an older row has the same instance",
        }
    }
}

/// Judges every row. `green` says where numbers are served.
pub fn plan(dump: Dump, green: &Green) -> Plan {
    let mut plan = Plan::default();
    let mut locations = BTreeMap::new();
    for old in dump.locations {
        let told = old.id.clone().unwrap_or_default();
        match location(old) {
            Some(location) => {
                locations.entry(location.id.clone()).or_insert(location);
            }
            None => plan.skip(format!("location {}", shown(&told)), Why::LocationId),
        }
    }
    let mut seen = BTreeSet::new();
    for (rank, old) in dump.instances.into_iter().enumerate() {
        let row = format!(
            "instance {}",
            shown(old.id_instance.as_deref().unwrap_or(""))
        );
        let belongs = old.location.as_deref().and_then(action::location);
        let home = belongs.and_then(|location| locations.get_mut(&location));
        match (number(rank, &old, green), home) {
            (Err(why), _) => plan.skip(row, why),
            (Ok(_), None) => plan.skip(row, Why::Orphan),
            (Ok(number), Some(_)) if !seen.insert(number.new.id_instance) => {
                plan.skip(row, Why::Duplicate);
            }
            (Ok(number), Some(home)) => home.numbers.push(number),
        }
    }
    for location in locations.into_values() {
        if location.tokens.is_none() && location.numbers.is_empty() {
            plan.skip(format!("location {}", location.id), Why::EmptyLocation);
        } else {
            plan.locations.push(location);
        }
    }
    plan
}

impl Plan {
    fn skip(&mut self, row: String, why: Why) {
        self.skipped.push(Skipped { row, why });
    }

    /// How many numbers are to be brought over.
    pub fn n_numbers(&self) -> usize {
        self.locations.iter().map(|it| it.numbers.len()).sum()
    }
}

fn location(old: OldLocation) -> Option<Location> {
    let filled = |token: Option<SecretString>| {
        token.filter(|token| !token.expose_secret().trim().is_empty())
    };
    let expires_ms = old.expires.as_deref().and_then(clock::parse_rfc3339);
    let access = filled(old.access);
    // Without an access token the other one makes a new pair when it is first needed.
    let expires_ms = expires_ms.filter(|_| access.is_some()).unwrap_or_default();
    let tokens = filled(old.refresh).map(|refresh| OldTokens {
        access: access.unwrap_or_default(),
        refresh,
        expires_ms,
    });
    // The rule for ids is the same for both.
    let company = old.company.as_deref().and_then(action::location);
    Some(Location {
        id: action::location(old.id?.trim())?,
        company: company.map(|company| CompanyId::new(company.as_str())),
        tokens,
        numbers: Vec::new(),
    })
}

fn number(rank: usize, old: &OldInstance, green: &Green) -> Result<Number, Why> {
    let told_id = old.id_instance.as_deref().unwrap_or_default();
    let token = old.token.clone().unwrap_or_default();
    let new = NewNumber::read(told_id, &token, None, None, None, green);
    let mut new = new.map_err(|bad| match bad {
        BadInput::IdInstance | BadInput::Name => Why::IdInstance,
        BadInput::Token => Why::ApiToken,
        BadInput::Address => Why::Address,
    })?;
    if new.id_instance == IdInstance(0) {
        return Err(Why::IdInstance);
    }
    let mut notes = Vec::new();
    let named = old.name.as_deref().map(str::trim).unwrap_or_default();
    if !named.is_empty() {
        new.name = numbers::name(named).unwrap_or_else(|_| {
            notes.push(Note::Renamed);
            plain_name(named).unwrap_or(new.name)
        });
    }
    let settings = old.settings.as_ref().map(settings);
    let read = settings.flatten();
    let text = |name: &str| {
        let value = read.as_ref()?.get(name)?.as_str()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let hook_token = text("webhookUrlToken").filter(|token| can_be_shown(token));
    if old.settings.is_some() && read.is_none() {
        notes.push(Note::BrokenSettings);
    } else if hook_token.is_none() {
        notes.push(Note::NoHookToken);
    }
    let state = old.state.as_deref().filter(|word| !word.is_empty());
    Ok(Number {
        rank,
        new,
        state: state.map_or(InstanceState::NotAuthorized, |word| {
            InstanceState::from(word.to_owned())
        }),
        wid: text("wid").filter(|wid| wid.len() <= LONGEST_WID),
        hook_token: hook_token.map(SecretString::from),
        delay_ms: delay_ms(read.as_ref()),
        notes,
    })
}

/// The settings as an object; some versions wrote them as JSON in a JSON text.
fn settings(json: &SecretString) -> Option<Value> {
    let value: Value = serde_json::from_str(json.expose_secret()).ok()?;
    match value {
        Value::String(inner) => serde_json::from_str(&inner).ok(),
        value => Some(value),
    }
    .filter(|value| value.is_object())
}

fn delay_ms(settings: Option<&Value>) -> u32 {
    let told = settings.and_then(|it| it.get("delaySendMessagesMilliseconds"));
    let told = told.and_then(|value| match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    });
    let told = told.and_then(|ms| u32::try_from(ms).ok());
    told.unwrap_or_default().max(DELAY_MS)
}

/// Whether a token is one that a header can hold after `Bearer` and that nobody guesses.
fn can_be_shown(token: &str) -> bool {
    token.len() >= SHORTEST_HOOK_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// As much of a name as a name may have.
fn plain_name(name: &str) -> Option<String> {
    let plain: String = name.chars().filter(|sign| !sign.is_control()).collect();
    let short: String = plain.trim().chars().take(NAME_CHARS).collect();
    numbers::name(&short).ok()
}

/// What a row says to be, as far as it can be printed.
fn shown(told: &str) -> String {
    let plain: String = told
        .chars()
        .filter(|sign| sign.is_ascii_alphanumeric() || "-_".contains(*sign))
        .take(40)
        .collect();
    match plain.is_empty() {
        true => "without an id".to_owned(),
        false => plain,
    }
}

#[cfg(test)]
mod tests;
