//! What of ours is in GREEN-API's own queue, and who waits to get in: the arithmetic of one row.
//!
//! At most [`MAX_UNDRAINED`] messages of a number are there. Lanes that find no place wait in a line,
//! one behind the other. Whoever frees a place calls the first of the line and keeps the place for
//! it for a while, so that nobody who comes later gets in before. `pipeline::line` stores the row
//! and the line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::{DrainPace, MAX_UNDRAINED};
use crate::clock::Millis;
use crate::domain::ids::ChatId;
use crate::store::row::row;

/// How long a place is kept for a lane that was called. One that does not come by then has lost its
/// wake-up, and the place is anybody's.
pub const KEPT_MS: Millis = 10_000;

/// A row without anything to remember is kept for an hour, so that its revisions go on.
const KEEP_S: i64 = 3600;

/// A message that nobody reported as drained stops counting after a week without any other.
const KEEP_UNDRAINED_S: i64 = 7 * 24 * 3600;

/// A number's queue at the provider, as far as it is ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrainRow {
    /// The revision.
    pub rev: u64,
    /// The schedule of departures.
    tat_us: i64,
    /// What GREEN-API took and has not sent on: our id of the slot, and when it departed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    undrained: BTreeMap<String, Millis>,
    /// Whose turn it is, and until when a place is kept for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    called: BTreeMap<ChatId, Millis>,
    /// How many stand in the line.
    #[serde(default)]
    pub waiting: usize,
    /// When the table may forget the row, seconds since 1970.
    expires_at: i64,
}

row!(DrainRow, "a number's queue at the provider");

impl DrainRow {
    /// Takes a place for a message of `chat`; says when the call may depart, milliseconds since
    /// 1970. Who asks again with the same `slot` has it already. `None`: there is none, or others
    /// come first.
    pub fn take(
        &mut self,
        pace: DrainPace,
        chat: &ChatId,
        slot: &str,
        now_ms: Millis,
    ) -> Option<Millis> {
        if let Some(at_ms) = self.undrained.get(slot) {
            return Some(*at_ms);
        }
        self.forget_late(now_ms);
        let is_called = self.called.contains_key(chat);
        if !is_called && (self.waiting > 0 || self.n_free() == 0) {
            return None;
        }
        self.called.remove(chat);
        let reservation = pace.gcra().reserve(self.tat_us, now_ms * 1000, 1);
        self.tat_us = reservation.new_tat_us;
        let at_ms = reservation.first_us.div_euclid(1000)
            + i64::from(reservation.first_us.rem_euclid(1000) != 0);
        self.undrained.insert(slot.to_owned(), at_ms);
        Some(at_ms)
    }

    /// GREEN-API sent the message on, or never took it.
    pub fn free(&mut self, slot: &str) {
        self.undrained.remove(slot);
    }

    /// GREEN-API says how many it holds: it sends on in order, so the newest `count` are left of
    /// those that had departed at `asked_ms`. Later ones it may not have had yet.
    pub fn recount(&mut self, count: usize, asked_ms: Millis) {
        let mut departed: Vec<Millis> = self
            .undrained
            .values()
            .copied()
            .filter(|at_ms| *at_ms < asked_ms)
            .collect();
        departed.sort_unstable();
        let n_gone = departed.len().saturating_sub(count);
        // Departures are `delay_ms` apart, so a time tells them apart as well as an id.
        self.undrained
            .retain(|_, at_ms| !departed[..n_gone].contains(at_ms));
    }

    /// After a refusal: whatever takes a place from now on departs no sooner than after
    /// `penalty_ms`.
    pub fn penalise(&mut self, pace: DrainPace, now_ms: Millis, penalty_ms: Millis) {
        self.tat_us = pace
            .gcra()
            .push(self.tat_us, now_ms * 1000, penalty_ms * 1000);
    }

    /// How many of the line can be called.
    pub fn n_to_call(&mut self, now_ms: Millis) -> usize {
        self.forget_late(now_ms);
        self.n_free().min(self.waiting)
    }

    /// Keeps a place for the first of the line.
    pub fn call(&mut self, chat: ChatId, now_ms: Millis) {
        self.waiting = self.waiting.saturating_sub(1);
        self.called.insert(chat, now_ms + KEPT_MS);
    }

    /// Gives up the place that is kept for a lane; `false` if there is none.
    pub fn decline(&mut self, chat: &ChatId) -> bool {
        self.called.remove(chat).is_some()
    }

    /// The messages that hold a place, and when they departed or will: every send that is on its
    /// way, or whose end is not known yet.
    pub fn undrained(&self) -> impl Iterator<Item = (&str, Millis)> {
        self.undrained
            .iter()
            .map(|(slot, at_ms)| (slot.as_str(), *at_ms))
    }

    /// When the first of them departed.
    pub fn oldest_ms(&self) -> Option<Millis> {
        self.undrained.values().min().copied()
    }

    /// Says when the table may forget the row. To be called before it is written.
    pub fn settle_expiry(&mut self) {
        let drained_s = self
            .undrained
            .values()
            .max()
            .map(|at_ms| at_ms / 1000 + KEEP_UNDRAINED_S);
        let called_s = self.called.values().max().map(|until_ms| until_ms / 1000);
        self.expires_at = (self.tat_us / 1_000_000)
            .max(called_s.unwrap_or_default())
            .saturating_add(KEEP_S)
            .max(drained_s.unwrap_or_default());
    }

    fn forget_late(&mut self, now_ms: Millis) {
        self.called.retain(|_, until_ms| *until_ms > now_ms);
    }

    fn n_free(&self) -> usize {
        MAX_UNDRAINED.saturating_sub(self.undrained.len() + self.called.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: Millis = 1_700_000_000_000;

    fn pace() -> DrainPace {
        DrainPace::new(500)
    }

    /// Takes a place for the chat and slot of this name; milliseconds after the start.
    fn take(row: &mut DrainRow, name: &str, after_ms: Millis) -> Option<Millis> {
        row.take(pace(), &ChatId::new(name), name, START_MS + after_ms)
            .map(|at_ms| at_ms - START_MS)
    }

    fn slots(row: &DrainRow) -> Vec<&str> {
        row.undrained().map(|(slot, _)| slot).collect()
    }

    #[test]
    fn the_gateway_holds_few_messages_and_gets_them_at_its_pace() {
        let mut row = DrainRow::default();
        assert_eq!(take(&mut row, "a", 0), Some(0));
        assert_eq!(take(&mut row, "b", 0), Some(500));
        assert_eq!(take(&mut row, "a", 0), Some(0), "it is taken already");
        assert_eq!(take(&mut row, "c", 0), Some(1000));
        assert_eq!(take(&mut row, "d", 0), None);
        assert_eq!(row.oldest_ms(), Some(START_MS));

        row.free("a");
        row.free("a");
        row.free("never taken");
        assert_eq!(take(&mut row, "d", 0), Some(1500));
        assert_eq!(take(&mut row, "e", 0), None);
        row.settle_expiry();
        assert_eq!(row.expires_at, START_MS / 1000 + 1 + KEEP_UNDRAINED_S);
    }

    #[test]
    fn a_count_frees_the_oldest_and_adds_none() {
        let mut row = DrainRow::default();
        for name in ["b", "c", "d"] {
            take(&mut row, name, 0);
        }
        // b and c have departed, and d will: c is left of those.
        row.recount(1, START_MS + 700);
        assert_eq!(slots(&row), ["c", "d"]);
        row.recount(5, START_MS + 2000);
        assert_eq!(slots(&row), ["c", "d"]);
        row.recount(0, START_MS + 2000);
        assert_eq!(slots(&row), [""; 0]);
    }

    #[test]
    fn a_freed_place_is_the_first_ones_and_nobody_elses() {
        let mut row = DrainRow::default();
        for name in ["a", "b", "c"] {
            take(&mut row, name, 0);
        }
        row.waiting = 2;
        assert_eq!(row.n_to_call(START_MS), 0);
        row.free("a");
        row.free("b");
        assert_eq!(take(&mut row, "late", 100), None, "others were first");
        assert_eq!(row.n_to_call(START_MS + 100), 2);
        row.call(ChatId::new("first"), START_MS + 100);
        row.call(ChatId::new("second"), START_MS + 100);
        assert_eq!((row.waiting, row.n_to_call(START_MS + 100)), (0, 0));
        assert_eq!(take(&mut row, "late", 100), None, "the places are kept");
        assert_eq!(take(&mut row, "first", 100), Some(1500));
        assert!(!row.decline(&ChatId::new("first")), "used");
        // The second does not come.
        assert_eq!(take(&mut row, "late", 100 + KEPT_MS - 1), None);
        assert_eq!(take(&mut row, "late", 100 + KEPT_MS), Some(100 + KEPT_MS));
    }

    #[test]
    fn who_declines_leaves_the_place_to_others() {
        let mut row = DrainRow {
            waiting: 1,
            ..DrainRow::default()
        };
        row.call(ChatId::new("first"), START_MS);
        row.waiting = 5;
        assert_eq!(row.n_to_call(START_MS), 2);
        assert!(row.decline(&ChatId::new("first")));
        assert_eq!(row.n_to_call(START_MS), 3);
    }

    #[test]
    fn a_penalty_is_everybodys() {
        let mut row = DrainRow::default();
        take(&mut row, "a", 0);
        row.penalise(pace(), START_MS, 3000);
        assert_eq!(take(&mut row, "b", 0), Some(3000));
    }
}
