//! What Telegram lets a bot do (Telegram contract, limits): 30 calls a second, one a second in a chat
//! with short bursts, 20 a minute in a group or channel. Windows are scaled; `retry_after` has whole
//! seconds, and until it is over every call into the chat is refused.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::Refused;
use crate::clock::Scale;

/// How many may come at once in a chat.
const BURST: usize = 4;
const PER_MINUTE: usize = 20;
const PER_SECOND: usize = 30;

#[derive(Debug, Default)]
pub(crate) struct Usage {
    calls: HashMap<i64, VecDeque<Instant>>,
    blocked: HashMap<i64, Instant>,
    all: VecDeque<Instant>,
    /// 429s that were given, by chat.
    pub(crate) refused: std::collections::BTreeMap<i64, u64>,
}

impl Usage {
    /// Counts a call that puts something into a chat.
    pub(super) fn admit(&mut self, scale: Scale, chat: i64) -> Result<(), Refused> {
        let now = Instant::now();
        let (second, minute) = (
            scale.of(Duration::from_secs(1)),
            scale.of(Duration::from_secs(60)),
        );
        if let Some(until) = self.blocked.get(&chat).filter(|until| **until > now) {
            let wait = until.duration_since(now);
            return self.refuse(chat, wait);
        }
        forget(&mut self.all, now, second);
        let calls = self.calls.entry(chat).or_default();
        forget(calls, now, minute);
        let lately = calls
            .iter()
            .filter(|at| now.duration_since(**at) < second)
            .count();
        let wait = if chat < 0 && calls.len() >= PER_MINUTE {
            calls
                .front()
                .map(|first| minute.saturating_sub(now.duration_since(*first)))
        } else if lately >= BURST || self.all.len() >= PER_SECOND {
            Some(second)
        } else {
            None
        };
        if let Some(wait) = wait {
            return self.refuse(chat, wait);
        }
        calls.push_back(now);
        self.all.push_back(now);
        Ok(())
    }

    fn refuse(&mut self, chat: i64, wait: Duration) -> Result<(), Refused> {
        *self.refused.entry(chat).or_default() += 1;
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let until = Instant::now() + wait;
        let blocked = self.blocked.entry(chat).or_insert(until);
        *blocked = (*blocked).max(until);
        Err(Refused::too_many(seconds.max(1)))
    }
}

fn forget(calls: &mut VecDeque<Instant>, now: Instant, window: Duration) {
    while calls
        .front()
        .is_some_and(|at| now.duration_since(*at) >= window)
    {
        calls.pop_front();
    }
}
