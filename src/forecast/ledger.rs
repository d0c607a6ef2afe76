//! What happens in a forecast, written down as it happens.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Forecast, Sum, Walked};
use crate::{
    inventory::Instance,
    plan::{
        guard::{Guard, Refusal},
        memory::Pause,
    },
    rules::{Action, Rule, RuleName},
};

/// What happens, and when.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What<'a>,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// The owner of a machine is told.
    Noticed {
        /// The machine.
        instance: &'a Instance,
        /// The rule that takes it.
        rule: &'a Rule,
        /// The earliest termination that is promised.
        terminate_at: Timestamp,
    },
    /// What was told is taken back.
    Withdrawn {
        /// The machine.
        instance: &'a Instance,
        /// The rule that took it.
        rule: RuleName,
        /// Why.
        why: String,
    },
    /// A machine goes.
    Terminated {
        /// The machine.
        instance: &'a Instance,
        /// The rule that takes it.
        rule: &'a Rule,
        /// When its owner was told, if the rule says so.
        told_at: Option<Timestamp>,
    },
    /// Runs terminate nothing.
    Refused(Refused),
}

/// Runs that are stopped by the same thing, with nothing terminated in between.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// By what.
    pub by: Stop,
    /// The rule whose own limit it is, if it is one's.
    pub rule: Option<RuleName>,
    /// When the last of them is.
    pub until: Timestamp,
    /// How many they are.
    pub runs: u64,
    /// Why the first of them is.
    pub reason: String,
}

/// What stops a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stop {
    /// A guard.
    Guard(Guard),
    /// An operator's pause.
    Pause,
}

impl Stop {
    /// The name: that of the guard's key in the config, or `pause`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guard(guard) => guard.as_str(),
            Self::Pause => "pause",
        }
    }
}

impl Event<'_> {
    /// The machine that it is about, if it is about one.
    #[must_use]
    pub fn instance(&self) -> Option<&Instance> {
        match &self.what {
            What::Noticed { instance, .. }
            | What::Withdrawn { instance, .. }
            | What::Terminated { instance, .. } => Some(instance),
            What::Refused(_) => None,
        }
    }

    /// The rule by which it happens, if it is by one.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleName> {
        match &self.what {
            What::Noticed { rule, .. } | What::Terminated { rule, .. } => Some(&rule.name),
            What::Withdrawn { rule, .. } => Some(rule),
            What::Refused(refused) => refused.rule.as_ref(),
        }
    }

    /// Whether the machine is also released from the recycle bin, at the end of the same run.
    #[must_use]
    pub fn is_release(&self) -> bool {
        match &self.what {
            What::Terminated { rule, .. } => rule.action == Action::Release,
            What::Noticed { .. } | What::Withdrawn { .. } | What::Refused(_) => false,
        }
    }

    /// What it adds to the sums, if anything.
    pub(super) fn sum(&self) -> Option<Sum> {
        match self.what {
            What::Noticed { .. } => Some(Sum { noticed: 1, ..Sum::default() }),
            What::Terminated { .. } => {
                let released = usize::from(self.is_release());
                Some(Sum { noticed: 0, terminated: 1, released })
            }
            What::Withdrawn { .. } | What::Refused(_) => None,
        }
    }
}

/// The events so far.
#[derive(Debug, Default)]
pub(super) struct Ledger<'a> {
    events: Vec<Event<'a>>,
    /// The refusals since the last termination, by their places in `events`.
    open: Vec<usize>,
}

impl<'a> Ledger<'a> {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Writes what happens at `at`.
    pub(super) fn note(&mut self, at: Timestamp, what: What<'a>) {
        if let What::Terminated { .. } = what {
            self.open.clear();
        }
        self.events.push(Event { at, what });
    }

    /// Writes that a guard refuses the run of `now`.
    pub(super) fn refused(&mut self, now: Timestamp, refusal: &Refusal) {
        let rule = match refusal {
            Refusal::RuleCap { rule, .. } | Refusal::TooFewLeft { rule, .. } => Some(rule),
            Refusal::Cap { .. }
            | Refusal::PerDay { .. }
            | Refusal::Inventory(_)
            | Refusal::TooManyFailures { .. }
            | Refusal::Canary { .. } => None,
        };
        self.stopped(now, (Stop::Guard(refusal.guard()), rule), || refusal.to_string());
    }

    /// Writes that a pause stops the run of `now`.
    pub(super) fn paused(&mut self, now: Timestamp, pause: &Pause) {
        self.stopped(now, (Stop::Pause, None), || pause.to_string());
    }

    fn stopped(
        &mut self,
        now: Timestamp,
        (by, rule): (Stop, Option<&RuleName>),
        reason: impl FnOnce() -> String,
    ) {
        for place in &self.open {
            let Some(Event { what: What::Refused(open), .. }) = self.events.get_mut(*place) else {
                continue;
            };
            if (open.by, open.rule.as_ref()) == (by, rule) {
                (open.until, open.runs) = (now, open.runs + 1);
                return;
            }
        }
        self.open.push(self.events.len());
        let rule = rule.cloned();
        let refused = Refused { by, rule, until: now, runs: 1, reason: reason() };
        self.events.push(Event { at: now, what: What::Refused(refused) });
    }

    pub(super) fn told(
        self,
        start: Timestamp,
        Walked { until, runs }: Walked,
        remaining: BTreeMap<(&'static str, &'static str), usize>,
    ) -> Forecast<'a> {
        Forecast { start, until, runs, events: self.events, remaining }
    }
}
