//! A number in operation: what its state lets it send, and which changes of its state people are
//! alarmed about.

use serde::{Deserialize, Serialize};

use super::status::InstanceState;

/// What a number's connection lets it send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sending {
    /// Everything.
    All,
    /// Answers to people who have written to it. WhatsApp has restricted the number, and writing to
    /// people who do not know it makes that worse.
    Answers,
    /// Nothing.
    Nothing,
}

impl InstanceState {
    /// What may be sent in this state. A state that we do not know sends nothing: GREEN-API would
    /// refuse it or, worse, keep it.
    pub fn sending(&self) -> Sending {
        match self {
            InstanceState::Authorized => Sending::All,
            InstanceState::YellowCard | InstanceState::Suspended => Sending::Answers,
            InstanceState::NotAuthorized
            | InstanceState::Starting
            | InstanceState::Blocked
            | InstanceState::SleepMode
            | InstanceState::Other(_) => Sending::Nothing,
        }
    }

    /// How long a number has to be in this state until that counts, milliseconds: connections flap,
    /// and a restart takes five minutes (GREEN-API contract, states).
    fn settles_ms(&self) -> i64 {
        match self {
            InstanceState::NotAuthorized | InstanceState::SleepMode => 20_000,
            InstanceState::Starting => 5 * 60_000,
            InstanceState::Authorized
            | InstanceState::YellowCard
            | InstanceState::Suspended
            | InstanceState::Blocked
            | InstanceState::Other(_) => 0,
        }
    }
}

/// A change of a number's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// When it was told, milliseconds since 1970.
    pub at_ms: i64,
    /// The state before.
    pub from: InstanceState,
    /// The state since.
    pub to: InstanceState,
}

/// A change, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The change.
    pub change: StateChange,
    /// It was over before it counted.
    pub is_flap: bool,
    /// What people are alarmed about.
    pub alarm: Option<Alarm>,
}

/// What people are alarmed about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// No phone is linked any more.
    Disconnected,
    /// Its restart does not end.
    Stuck,
    /// WhatsApp has restricted it.
    Restricted,
    /// WhatsApp has banned it.
    Blocked,
    /// It is in a state that nobody knows.
    Unknown,
    /// It works again.
    Restored,
    /// Messages came in that no webhook had told.
    WebhookSilent,
}

impl Alarm {
    /// For programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Alarm::Disconnected => "disconnected",
            Alarm::Stuck => "stuck",
            Alarm::Restricted => "restricted",
            Alarm::Blocked => "blocked",
            Alarm::Unknown => "unknown",
            Alarm::Restored => "restored",
            Alarm::WebhookSilent => "webhook_silent",
        }
    }
}

/// Judges the changes that have not been told yet, in their order. `state` is the one that the number
/// is in now, `asked_ms` when that was last looked at, and `alarmed` whether people have been told that
/// something is wrong. What has to be looked at once more is left; `None` for when, if nothing is.
pub fn judge(
    changes: &[StateChange],
    state: &InstanceState,
    asked_ms: i64,
    mut alarmed: bool,
) -> (Vec<Judged>, Option<i64>) {
    let mut judged = Vec::new();
    for (n, change) in changes.iter().enumerate() {
        let next_ms = changes.get(n + 1).map(|next| next.at_ms);
        let settled_ms = change.at_ms + change.to.settles_ms();
        let is_over = next_ms.is_some() || change.to != *state;
        if !is_over && asked_ms < settled_ms {
            return (judged, Some(settled_ms));
        }
        let is_flap = match next_ms {
            Some(next_ms) => next_ms < settled_ms,
            None => is_over,
        };
        let alarm = match &change.to {
            _ if is_flap => None,
            InstanceState::Authorized => alarmed.then_some(Alarm::Restored),
            InstanceState::NotAuthorized | InstanceState::SleepMode => Some(Alarm::Disconnected),
            InstanceState::Starting => Some(Alarm::Stuck),
            InstanceState::YellowCard | InstanceState::Suspended => Some(Alarm::Restricted),
            InstanceState::Blocked => Some(Alarm::Blocked),
            InstanceState::Other(_) => Some(Alarm::Unknown),
        };
        alarmed = match alarm {
            Some(Alarm::Restored) => false,
            Some(_) => true,
            None => alarmed,
        };
        judged.push(Judged {
            change: change.clone(),
            is_flap,
            alarm,
        });
    }
    (judged, None)
}

#[cfg(test)]
mod tests {
    use super::InstanceState::{
        Authorized, Blocked, NotAuthorized, Other, SleepMode, Starting, Suspended, YellowCard,
    };
    use super::*;

    // The brake: new contacts wait while WhatsApp restricts a number, and answers go.
    #[test]
    fn what_a_state_lets_go() {
        let check = |state: InstanceState, expect: Sending| {
            assert_eq!(state.sending(), expect, "{state:?}");
        };
        check(Authorized, Sending::All);
        check(YellowCard, Sending::Answers);
        check(Suspended, Sending::Answers);
        check(NotAuthorized, Sending::Nothing);
        check(Starting, Sending::Nothing);
        check(Blocked, Sending::Nothing);
        check(SleepMode, Sending::Nothing);
        check(Other("pendingCode".into()), Sending::Nothing);
    }

    fn changes(of: &[(i64, InstanceState)]) -> Vec<StateChange> {
        let mut from = Authorized;
        let changes = of.iter().map(|(at_s, to)| StateChange {
            at_ms: at_s * 1000,
            from: std::mem::replace(&mut from, to.clone()),
            to: to.clone(),
        });
        changes.collect()
    }

    // AC 116: each change is told once; a flap alarms nobody.
    #[test]
    fn a_change_counts_once_it_has_lasted() {
        let check = |of: &[(i64, InstanceState)],
                     now_s: i64,
                     alarmed: bool,
                     expect: &[Option<Alarm>],
                     again_s: Option<i64>| {
            let state = of.last().map_or(Authorized, |(_, state)| state.clone());
            let (judged, again) = judge(&changes(of), &state, now_s * 1000, alarmed);
            let alarms: Vec<_> = judged.iter().map(|it| it.alarm).collect();
            assert_eq!(alarms, expect, "{of:?} at {now_s}");
            assert_eq!(again, again_s.map(|at_s| at_s * 1000), "{of:?} at {now_s}");
        };
        use Alarm::{Blocked as Banned, Disconnected, Restored, Restricted, Stuck, Unknown};
        check(&[], 0, false, &[], None);
        // It is looked at once more before anybody is alarmed.
        check(&[(10, NotAuthorized)], 11, false, &[], Some(30));
        check(
            &[(10, NotAuthorized)],
            30,
            false,
            &[Some(Disconnected)],
            None,
        );
        let flap = [(10, NotAuthorized), (15, Authorized)];
        check(&flap, 16, false, &[None, None], None);
        let gone_and_back = [(10, NotAuthorized), (40, Authorized)];
        check(
            &gone_and_back,
            41,
            false,
            &[Some(Disconnected), Some(Restored)],
            None,
        );
        check(&[(40, Authorized)], 41, true, &[Some(Restored)], None);
        check(&[(40, Authorized)], 41, false, &[None], None);
        // Restarts are nothing unless they do not end.
        check(&[(0, Starting)], 299, false, &[], Some(300));
        check(&[(0, Starting)], 300, false, &[Some(Stuck)], None);
        check(
            &[(0, Starting), (100, Authorized)],
            101,
            false,
            &[None, None],
            None,
        );
        check(&[(0, YellowCard)], 0, false, &[Some(Restricted)], None);
        check(&[(0, Suspended)], 0, true, &[Some(Restricted)], None);
        check(&[(0, Blocked)], 0, false, &[Some(Banned)], None);
        check(
            &[(0, Other("new".into()))],
            0,
            false,
            &[Some(Unknown)],
            None,
        );
        // What waits holds back what has not happened, not what has.
        let back_again = [(0, Blocked), (5, NotAuthorized)];
        check(&back_again, 6, false, &[Some(Banned)], Some(25));
    }

    #[test]
    fn a_second_look_that_says_otherwise_ends_a_flap() {
        let of = changes(&[(10, NotAuthorized)]);
        let (judged, again) = judge(&of, &Authorized, 30_000, false);
        assert_eq!(again, None);
        assert_eq!((judged[0].is_flap, judged[0].alarm), (true, None));
    }
}
