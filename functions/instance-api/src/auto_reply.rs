//! What a number answers by itself, as it is set and shown.

use greenhub::domain::auto_reply::{self, AutoReply, BadAutoReply, Hours, Opening};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a number answers by itself to a person who writes.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = AutoReply)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AutoReplyView {
    /// Whether it answers.
    on: bool,
    /// What it says, at most 4,000 characters; not blank where it is on.
    text: String,
    /// At most one answer in so many hours in each chat: 1 to 744, 24 unless told.
    #[serde(default = "every_hours")]
    every_hours: u32,
    /// When the business is open; without, it answers at any time.
    #[serde(default)]
    hours: Option<HoursView>,
}

fn every_hours() -> u32 {
    auto_reply::EVERY_H
}

/// When a business is open.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Hours)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HoursView {
    /// A name of the IANA database: `Europe/Madrid`.
    zone: String,
    /// When it opens and closes.
    week: Vec<OpeningView>,
    /// Days on which it is closed: `2026-12-25`.
    #[serde(default)]
    holidays: Vec<String>,
    /// When it answers by itself; while it is closed unless told.
    #[serde(default)]
    replies: Replies,
}

/// When a number answers by itself.
#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Replies {
    /// While nobody is there.
    #[default]
    WhileClosed,
    /// While somebody is there.
    WhileOpen,
}

/// A time of a day at which a business is open.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Opening)]
#[serde(deny_unknown_fields)]
struct OpeningView {
    /// The day.
    day: Day,
    /// `HH:MM`
    from: String,
    /// `HH:MM`, later than `from`; `24:00` is midnight.
    to: String,
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

const DAYS: [Day; 7] = [
    Day::Monday,
    Day::Tuesday,
    Day::Wednesday,
    Day::Thursday,
    Day::Friday,
    Day::Saturday,
    Day::Sunday,
];

impl AutoReplyView {
    /// The settings that were asked for.
    ///
    /// # Errors
    /// What of them cannot be.
    pub(crate) fn read(&self) -> Result<AutoReply, BadAutoReply> {
        let hours = self.hours.as_ref().map(HoursView::read).transpose()?;
        let read = AutoReply {
            on: self.on,
            text: self.text.clone(),
            every_h: self.every_hours,
            hours,
        };
        read.check()?;
        Ok(read)
    }
}

impl HoursView {
    fn read(&self) -> Result<Hours, BadAutoReply> {
        let date = |text: &String| text.parse().map_err(|_| BadAutoReply::Opening);
        Ok(Hours {
            zone: self.zone.clone(),
            week: self
                .week
                .iter()
                .map(OpeningView::read)
                .collect::<Result<_, _>>()?,
            holidays: self.holidays.iter().map(date).collect::<Result<_, _>>()?,
            replies: match self.replies {
                Replies::WhileClosed => auto_reply::Replies::WhileClosed,
                Replies::WhileOpen => auto_reply::Replies::WhileOpen,
            },
        })
    }
}

impl OpeningView {
    fn read(&self) -> Result<Opening, BadAutoReply> {
        Ok(Opening {
            day: self.day as u8,
            from_min: minutes(&self.from)?,
            to_min: minutes(&self.to)?,
        })
    }
}

/// The minutes since midnight at `HH:MM`.
fn minutes(text: &str) -> Result<u16, BadAutoReply> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let two = |digits: &str| {
            let is_two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|_| is_two)
        };
        Some(two(hours)? * 60 + two(minutes).filter(|minutes| *minutes < 60)?)
    };
    read().ok_or(BadAutoReply::Opening)
}

impl From<AutoReply> for AutoReplyView {
    fn from(reply: AutoReply) -> Self {
        AutoReplyView {
            on: reply.on,
            text: reply.text,
            every_hours: reply.every_h,
            hours: reply.hours.map(HoursView::from),
        }
    }
}

impl From<Hours> for HoursView {
    fn from(hours: Hours) -> Self {
        HoursView {
            zone: hours.zone,
            week: hours.week.into_iter().map(OpeningView::from).collect(),
            holidays: hours.holidays.iter().map(ToString::to_string).collect(),
            replies: match hours.replies {
                auto_reply::Replies::WhileClosed => Replies::WhileClosed,
                auto_reply::Replies::WhileOpen => Replies::WhileOpen,
            },
        }
    }
}

impl From<Opening> for OpeningView {
    fn from(opening: Opening) -> Self {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        OpeningView {
            day: DAYS[usize::from(opening.day) % DAYS.len()],
            from: time(opening.from_min),
            to: time(opening.to_min),
        }
    }
}
