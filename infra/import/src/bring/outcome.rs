//! What became of what.

use greenhub::account::common_token::Allowed;
use greenhub::domain::ids::{IdInstance, LocationId};

/// A location that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// The location.
    pub location: LocationId,
    /// What became of it.
    pub outcome: LocationOutcome,
    /// Whether its workflows go on with the token that they had, if that was asked for.
    pub common_token: Option<Allowed>,
    /// What became of its numbers, in the order of the plan.
    pub numbers: Vec<(IdInstance, NumberOutcome)>,
}

/// What became of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationOutcome {
    /// It is here now.
    New {
        /// Otherwise somebody has to install the app again.
        has_tokens: bool,
    },
    /// It was here, and the older adapter's tokens are newer than those.
    Newer,
    /// It was here, and stays as it is.
    Here,
    /// The app was removed from it here.
    Removed,
}

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberOutcome {
    /// It is here now, and its settings are written next.
    New,
    /// It was here, and stays as it is.
    Here,
    /// Another workspace has it.
    Elsewhere,
    /// The app was removed from its location here.
    NoApp,
}

impl LocationOutcome {
    /// For people; `is_dry` before it is done.
    pub fn text(self, is_dry: bool) -> &'static str {
        match (self, is_dry) {
            (LocationOutcome::New { has_tokens: true }, false) => "brought over",
            (LocationOutcome::New { has_tokens: true }, true) => "would be brought over",
            (LocationOutcome::New { has_tokens: false }, false) => {
                "brought over without tokens: somebody has to install the app again"
            }
            (LocationOutcome::New { has_tokens: false }, true) => {
                "would be brought over without tokens: somebody has to install the app again"
            }
            (LocationOutcome::Newer, false) => "was here, got the newer tokens",
            (LocationOutcome::Newer, true) => "is here, would get the newer tokens",
            (LocationOutcome::Here, _) => "is here already, stays as it is",
            (LocationOutcome::Removed, _) => {
                "SKIPPED: the app was removed from it here; installing it again brings it back"
            }
        }
    }

    /// Nothing came of it.
    pub fn is_skipped(self) -> bool {
        self == LocationOutcome::Removed
    }
}

impl NumberOutcome {
    /// For people; `is_dry` before it is done.
    pub fn text(self, is_dry: bool) -> &'static str {
        match (self, is_dry) {
            (NumberOutcome::New, false) => "brought over",
            (NumberOutcome::New, true) => "would be brought over",
            (NumberOutcome::Here, _) => "is here already, stays as it is",
            (NumberOutcome::Elsewhere, _) => "SKIPPED: another workspace has it",
            (NumberOutcome::NoApp, _) => "SKIPPED: its location has no app here",
        }
    }

    /// Nothing came of it.
    pub fn is_skipped(self) -> bool {
        matches!(self, NumberOutcome::Elsewhere | NumberOutcome::NoApp)
    }
}
