//! What a number answers by itself, and when it keeps silent.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::chat_id::AliasKind;
use super::content::Content;
use super::event::NewMessage;
use super::message::Direction;

/// How many hours pass between two answers in a chat unless somebody says otherwise.
pub const EVERY_H: u32 = 24;

/// The most hours between two answers: a month.
pub const MOST_EVERY_H: u32 = 31 * 24;

/// The longest answer, in characters.
pub const MOST_CHARS: usize = 4_000;

/// The most openings of a week, and the most holidays.
pub const MOST_HOURS: usize = 200;

/// What is older gets no answer, milliseconds: it was told late, and an answer would surprise.
const FRESH_MS: i64 = 60 * 60 * 1000;

/// Minutes of a day.
pub const DAY_MIN: u16 = 24 * 60;

/// What a number answers by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoReply {
    /// Whether it answers.
    pub on: bool,
    /// What it says; not blank where it is on.
    pub text: String,
    /// At most once in so many hours in each chat.
    pub every_h: u32,
    /// When the business is open; without, it answers at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
}

impl Default for AutoReply {
    fn default() -> Self {
        AutoReply {
            on: false,
            text: String::new(),
            every_h: EVERY_H,
            hours: None,
        }
    }
}

/// When a business is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Where its clock hangs, by its name in the IANA database.
    pub zone: String,
    /// When it opens and closes in a week.
    pub week: Vec<Opening>,
    /// On these days it is closed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holidays: BTreeSet<Date>,
    /// When it answers by itself.
    #[serde(default)]
    pub replies: Replies,
}

/// When a number answers by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replies {
    /// While nobody is there.
    #[default]
    WhileClosed,
    /// While somebody is there.
    WhileOpen,
}

/// A time of a day at which a business is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// 0 is Monday.
    pub day: u8,
    /// Minutes since midnight.
    pub from_min: u16,
    /// Minutes since midnight, after `from_min`; the first minute that it is closed.
    pub to_min: u16,
}

/// What of the settings cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAutoReply {
    /// On, and nothing to say.
    #[error("an automatic reply needs a text")]
    NoText,
    /// Too much to say.
    #[error("an automatic reply has at most {MOST_CHARS} characters")]
    LongText,
    /// Too often or too seldom.
    #[error("the hours between two automatic replies are 1 to {MOST_EVERY_H}")]
    Every,
    /// Not in the IANA database.
    #[error("there is no such time zone")]
    Zone,
    /// A day that no week has, or a time that ends before it begins.
    #[error("opening hours are from a time of one day to a later one of the same day")]
    Opening,
    /// More than anybody types.
    #[error("at most {MOST_HOURS} opening hours and {MOST_HOURS} holidays")]
    Many,
}

/// Why a number keeps silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// It is to.
    Off,
    /// Nobody wrote anything: a call, a reaction, a change of an earlier message, a sign of life.
    NotAMessage,
    /// Not to a single person.
    NotAPerson,
    /// It was written too long ago.
    Old,
    /// The hours say so.
    Hours,
    /// It answered in this chat a while ago, at this time.
    Lately,
}

impl AutoReply {
    /// Whether the settings can be.
    ///
    /// # Errors
    /// [`BadAutoReply`].
    pub fn check(&self) -> Result<(), BadAutoReply> {
        if self.on && self.text.trim().is_empty() {
            return Err(BadAutoReply::NoText);
        }
        if self.text.chars().count() > MOST_CHARS {
            return Err(BadAutoReply::LongText);
        }
        if !(1..=MOST_EVERY_H).contains(&self.every_h) {
            return Err(BadAutoReply::Every);
        }
        let Some(hours) = &self.hours else {
            return Ok(());
        };
        if hours.week.len() > MOST_HOURS || hours.holidays.len() > MOST_HOURS {
            return Err(BadAutoReply::Many);
        }
        if TimeZone::get(&hours.zone).is_err() {
            return Err(BadAutoReply::Zone);
        }
        let can_be = |it: &Opening| it.day < 7 && it.from_min < it.to_min && it.to_min <= DAY_MIN;
        match hours.week.iter().all(can_be) {
            true => Ok(()),
            false => Err(BadAutoReply::Opening),
        }
    }

    /// What is answered to `message` at `now_ms`, where the chat got its last automatic reply at
    /// `last_ms`, if ever. A reply that failed is none.
    ///
    /// # Errors
    /// Why nothing is.
    pub fn answer(
        &self,
        message: &NewMessage,
        last_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<&str, Silent> {
        let text = self.text.trim();
        if !self.on || text.is_empty() {
            return Err(Silent::Off);
        }
        if message.direction != Direction::In || !is_said(&message.content) {
            return Err(Silent::NotAMessage);
        }
        if !matches!(message.chat.kind(), AliasKind::Phone | AliasKind::Lid) {
            return Err(Silent::NotAPerson);
        }
        let is_old = |at_s: i64| now_ms.saturating_sub(at_s.saturating_mul(1000)) > FRESH_MS;
        if message.at_s.is_some_and(is_old) {
            return Err(Silent::Old);
        }
        let is_now = |hours: &Hours| hours.is_open(now_ms) == (hours.replies == Replies::WhileOpen);
        if !self.hours.as_ref().is_none_or(is_now) {
            return Err(Silent::Hours);
        }
        let every_ms = i64::from(self.every_h) * 3_600_000;
        match last_ms {
            Some(last_ms) if now_ms < last_ms + every_ms => Err(Silent::Lately),
            _ => Ok(text),
        }
    }
}

/// Whether a person says something with it.
fn is_said(content: &Content) -> bool {
    match content {
        Content::Text { .. }
        | Content::Files { .. }
        | Content::Location { .. }
        | Content::Contacts { .. }
        | Content::Poll { .. }
        | Content::Menu(_)
        | Content::Choice { .. }
        | Content::GroupInvite { .. }
        | Content::Lost { .. } => true,
        Content::PollVotes { .. }
        | Content::Edited { .. }
        | Content::Deleted { .. }
        | Content::Reaction { .. }
        | Content::Call { .. }
        | Content::Unknown { .. } => false,
    }
}

impl Hours {
    /// Whether the business is open at `now_ms`.
    fn is_open(&self, now_ms: i64) -> bool {
        // A zone that the database has given up since it was chosen.
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        let Ok(now) = Timestamp::from_millisecond(now_ms) else {
            return false;
        };
        let now = now.to_zoned(zone);
        if self.holidays.contains(&now.date()) {
            return false;
        }
        let day = now.weekday().to_monday_zero_offset();
        let minute = i32::from(now.hour()) * 60 + i32::from(now.minute());
        let is_in = |it: &Opening| {
            i32::from(it.day) == i32::from(day)
                && (i32::from(it.from_min)..i32::from(it.to_min)).contains(&minute)
        };
        self.week.iter().any(is_in)
    }
}

#[cfg(test)]
#[path = "auto_reply_tests.rs"]
mod tests;
