//! What is remembered of earlier runs, as far as a plan depends on it.
//!
//! The journal fills it; here it is plain data, so that a plan stays a function of its input.

use std::collections::{HashMap, HashSet};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

pub use super::promise::{Force, Promise};
use super::{Skip, Turn, inventory_check::InventoryCheck};
use crate::{
    inventory::InstanceId,
    rules::{RuleName, RuleSet},
};

/// What is remembered of an account.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The machines that are not to be called for a while.
    pub holds: HashMap<InstanceId, Hold>,
    /// What the owners of instances were promised, the oldest promise first.
    pub promises: HashMap<InstanceId, Vec<Promise>>,
    /// The tag whose value is the owner of an instance; `None`: nobody owns any.
    pub owner_tag: Option<String>,
    /// The calls to terminate of the last 24 hours that took effect, or may have.
    pub terminated_in_a_day: u64,
    /// What the inventory check found, once the inventory is compared with the last accepted one.
    pub inventory: InventoryCheck,
    /// Why nothing is to be terminated at all, if an operator said so.
    pub pause: Option<Pause>,
    /// When the last run began that came to an end.
    pub last_run_at: Option<Timestamp>,
    /// The rules whose turn it is not: see [`super::Turn`].
    pub resting: HashSet<RuleName>,
}

/// Why a machine is not to be called for a while.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HoldKind {
    /// An operator keeps it.
    Operator,
    /// The API refused it with `OPERATION_DENIED_POSTPAID_PROMISE`.
    Commitment,
    /// Its termination was accepted not long ago: it may only not show yet, or its owner took it back.
    Accepted,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Commitment, Self::Accepted];

    /// The kind's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.skip().as_str()
    }

    /// The kind of this name. One that this version does not know holds all the same, as an operator's does.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|known| known.as_str() == name).unwrap_or(Self::Operator)
    }

    /// The reason to skip that a hold of this kind is.
    #[must_use]
    pub fn skip(self) -> Skip {
        match self {
            Self::Operator => Skip::Held,
            Self::Commitment => Skip::Commitment,
            Self::Accepted => Skip::Accepted,
        }
    }
}

/// That a machine is not to be called until an instant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hold {
    /// Why.
    pub kind: HoldKind,
    /// Until when.
    pub until: Timestamp,
}

/// An instant as people are told it: never earlier than it is.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
    at.round(up).unwrap_or(at)
}

/// That an operator stopped all terminations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until somebody says `resume`.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Who said so.
    pub by: Option<String>,
}

impl Pause {
    /// Whether it holds at `now`.
    fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl std::fmt::Display for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "paused since {:.0}", self.since)?;
        if let Some(until) = self.until {
            write!(f, " until {until:.0}")?;
        }
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl Memory {
    /// The same, with the rules resting whose turn it is not at `now`.
    #[must_use]
    pub fn at_turn(self, turn: &Turn, rules: &RuleSet, now: Timestamp) -> Self {
        let resting = turn.resting(rules, self.last_run_at, now);
        Self { resting, ..self }
    }

    /// The hold on a machine at `now`, if there is one.
    #[must_use]
    pub fn hold(&self, id: &InstanceId, now: Timestamp) -> Option<Hold> {
        self.holds.get(id).copied().filter(|hold| now < hold.until)
    }

    /// The pause at `now`, if there is one.
    #[must_use]
    pub fn paused(&self, now: Timestamp) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| pause.holds_at(now))
    }
}
