//! What happened in a run: a stream of events, which log, metrics and progress all see through one place, and the report that
//! they add up to.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    cloud::{Accepted, Class, Code, Error, Observation, Unlisted},
    inventory::{Instance, InstanceId, Inventory},
    notice::Stage,
    plan::{Plan, guard::Refusal, memory::Pause},
    rules::RuleName,
};

/// What became of a call to terminate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The API accepted it; the next inventory will show it.
    Terminated,
    /// The machine was, or is by now, where it should be.
    Gone,
    /// The API refuses now; the next run looks again.
    Refused,
    /// It did not work.
    Failed,
    /// There was no answer, and no way to find out: it may have happened.
    Unknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Terminated, Self::Gone, Self::Refused, Self::Failed, Self::Unknown];

    /// The outcome's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Outcome {
    /// The same of a call to release.
    #[must_use]
    pub fn as_released(self) -> &'static str {
        match self {
            Self::Terminated => "released",
            Self::Gone | Self::Refused | Self::Failed | Self::Unknown => self.as_str(),
        }
    }
}

/// A call to terminate or to release, done.
#[derive(Clone, Debug)]
pub struct Act {
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it is a call of ours that terminated the machine, as far as can be known.
    pub took_effect: bool,
    /// The code of its failure.
    pub code: Option<Code>,
    /// The request's id, which Zenlayer's support asks for.
    pub request_id: Option<String>,
    /// The failure in words.
    pub message: Option<String>,
}

impl Act {
    /// The same call of which a later look shows that it took effect, or not.
    #[must_use]
    pub fn settled(&self, is_done: bool) -> Self {
        let outcome = if is_done { Outcome::Gone } else { Outcome::Unknown };
        Self { outcome, took_effect: is_done, ..self.clone() }
    }

    /// What an answer means; a call that was never sent is handed back.
    pub fn of(answer: Result<Accepted, Error>) -> Result<Self, Error> {
        let error = match answer {
            Ok(Accepted { request_id }) => {
                return Ok(Self {
                    outcome: Outcome::Terminated,
                    took_effect: true,
                    code: None,
                    request_id,
                    message: None,
                });
            }
            Err(error) => error,
        };
        let outcome = match error.class {
            Class::Gone => Outcome::Gone,
            Class::Refused => Outcome::Refused,
            _ if error.may_have_happened => Outcome::Unknown,
            Class::Stopped => return Err(error),
            Class::NoAnswer
            | Class::Throttled
            | Class::Transient
            | Class::Auth
            | Class::Blocked
            | Class::Rejected => Outcome::Failed,
        };
        let message = Some(error.to_string());
        // A machine that is gone after a try without an answer: that try was it.
        let took_effect = outcome == Outcome::Gone && error.may_have_happened;
        let (code, request_id) = (Some(error.code), error.request_id);
        Ok(Self { outcome, took_effect, code, request_id, message })
    }
}

/// What a complete inventory says of a call that was made before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settlement {
    /// It was accepted, and the machine is gone or in the recycle bin.
    Confirmed,
    /// It was accepted, and the machine is there all the same.
    StillPresent,
    /// Its outcome was not known, and the machine is gone or in the recycle bin.
    Done,
    /// Its outcome was not known, and the machine is there.
    NotDone,
}

impl Settlement {
    /// Every settlement.
    pub const ALL: [Self; 4] = [Self::Confirmed, Self::StillPresent, Self::Done, Self::NotDone];

    /// The settlement's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::StillPresent => "still_present",
            Self::Done => "done",
            Self::NotDone => "not_done",
        }
    }

    /// The outcome that it settles, if that was not known.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Confirmed | Self::StillPresent => None,
            Self::Done => Some(Outcome::Gone),
            Self::NotDone => Some(Outcome::Unknown),
        }
    }
}

/// A call of an earlier run that an inventory settles.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    /// The machine's id.
    pub instance_id: &'a str,
    /// The machine's name.
    pub name: Option<&'a str>,
    /// The rule that took it.
    pub rule: &'a str,
    /// Whether its outcome was written, and counted, when the call was made.
    pub had_outcome: bool,
    /// What the inventory says.
    pub settlement: Settlement,
}

/// Why a target of the plan was not called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dropout {
    /// Read again, it does not qualify any more.
    Changed,
    /// Read again, it is not there any more.
    Vanished,
    /// It could not be read again.
    Unconfirmed,
    /// The run was stopped before its turn came.
    Stopped,
    /// An operator paused all terminations before its turn came.
    Paused,
    /// An operator kept it before its turn came.
    Held,
    /// The call could not be written to the journal.
    Unrecorded,
    /// A guard stopped the run before its turn came.
    Guarded,
}

impl Dropout {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Changed,
        Self::Vanished,
        Self::Unconfirmed,
        Self::Stopped,
        Self::Paused,
        Self::Held,
        Self::Unrecorded,
        Self::Guarded,
    ];

    /// The reason's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Vanished => "vanished",
            Self::Unconfirmed => "unconfirmed",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Unrecorded => "unrecorded",
            Self::Guarded => "guarded",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RunResult {
    /// All that was planned was done, or there was nothing to do.
    Success,
    /// Some machines could not be terminated, or confirmed.
    Partial,
    /// A guard refused the plan.
    GuardRefused,
    /// The inventory was not complete, so nothing was done.
    IncompleteInventory,
    /// The credentials or the clock are wrong.
    AuthFailed,
    /// Something between us and the API stops us.
    Blocked,
    /// An operator paused all terminations.
    Paused,
    /// The journal cannot be used, so nothing was done.
    JournalFailed,
    /// It was stopped half way.
    Interrupted,
    /// It panicked, which is a fault of this program.
    Panicked,
}

impl RunResult {
    /// Every result.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::Partial,
        Self::GuardRefused,
        Self::IncompleteInventory,
        Self::AuthFailed,
        Self::Blocked,
        Self::Paused,
        Self::JournalFailed,
        Self::Interrupted,
        Self::Panicked,
    ];

    /// The result's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::GuardRefused => "guard_refused",
            Self::IncompleteInventory => "incomplete_inventory",
            Self::AuthFailed => "auth_failed",
            Self::Blocked => "blocked",
            Self::Paused => "paused",
            Self::JournalFailed => "journal_failed",
            Self::Interrupted => "interrupted",
            Self::Panicked => "panicked",
        }
    }

    /// The result of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == name)
    }

    /// The result of a run whose inventory could not be had.
    #[must_use]
    pub fn of_unlisted(unlisted: &Unlisted) -> Self {
        unlisted.class().and_then(Self::of_fatal).unwrap_or(Self::IncompleteInventory)
    }

    /// Whether the run heard from the API to its end, and so knows that our clock is right: nothing that counts from an instant is
    /// begun by a clock that may be wrong.
    #[must_use]
    pub fn knows_the_time(self) -> bool {
        match self {
            Self::Success | Self::Partial | Self::GuardRefused | Self::Paused => true,
            Self::IncompleteInventory
            | Self::AuthFailed
            | Self::Blocked
            | Self::JournalFailed
            | Self::Interrupted
            | Self::Panicked => false,
        }
    }

    /// The result of a run that a call put an end to.
    #[must_use]
    pub fn of_fatal(class: Class) -> Option<Self> {
        match class {
            Class::Auth => Some(Self::AuthFailed),
            Class::Blocked => Some(Self::Blocked),
            Class::Stopped => Some(Self::Interrupted),
            Class::Gone
            | Class::Refused
            | Class::Throttled
            | Class::Transient
            | Class::NoAnswer
            | Class::Rejected => None,
        }
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A run began.
    Started,
    /// The inventory is being read: so many of so many entries.
    Reading(u64, u64),
    /// The inventory is complete.
    Listed(&'a Arc<Inventory>),
    /// There is no inventory.
    Unlisted(&'a Unlisted),
    /// The plan was drafted.
    Planned(&'a Plan<'a>),
    /// A guard refused the plan.
    Refused(&'a Refusal),
    /// A target was not called, with words on why.
    Dropped(&'a Instance, &'a RuleName, Dropout, &'a str),
    /// A machine that a saved plan would terminate is not among the targets any more, with words on why.
    OutOfReach(&'a InstanceId, &'a RuleName, &'a str),
    /// A target would have been called, were the mode not dry-run.
    Rehearsed(&'a Instance, &'a RuleName),
    /// A target was called.
    Acted(&'a Instance, &'a RuleName, &'a Act),
    /// A machine was released from the recycle bin, or was to be.
    Released(&'a Instance, &'a RuleName, &'a Act),
    /// The inventory settles a call of an earlier run.
    Settled(&'a Settled<'a>),
    /// An operator paused all terminations.
    Paused(&'a Pause),
    /// The owner of a machine is to be told that it will be terminated at an instant.
    Promised(&'a Instance, &'a RuleName, Timestamp),
    /// The machine of this id will not be terminated after all, with words on why.
    Withdrawn(&'a str, &'a RuleName, &'a str),
    /// So many notices of a stage were sent through a sink, or could not be, for a reason in words.
    Delivered(&'a str, Stage, usize, Result<(), &'a str>),
    /// The journal could not be used, with words on why.
    Unrecorded(&'a str),
    /// Something happened at the wire.
    Wire(&'a Observation),
    /// The run ended.
    Ended(RunResult, Duration),
}

/// An event, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The run's id.
    pub run: &'a str,
    /// The account's name.
    pub account: &'a str,
    /// What happened.
    pub event: Event<'a>,
}

/// Whoever wants to know what happens.
pub type Sink = Arc<dyn Fn(&Record<'_>) + Send + Sync>;

/// The one place through which every event goes.
#[derive(Clone)]
pub struct Events {
    run: Arc<str>,
    account: Arc<str>,
    sinks: Arc<[Sink]>,
    report: Arc<Mutex<Report>>,
}

impl Events {
    /// The events of one run for one account.
    #[must_use]
    pub fn new(run: &str, account: &str, sinks: &[Sink]) -> Self {
        Self {
            run: run.into(),
            account: account.into(),
            sinks: sinks.into(),
            report: Arc::default(),
        }
    }

    /// The run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Tells everybody.
    pub fn emit(&self, event: Event<'_>) {
        self.lock().take(event);
        let record = Record { run: &self.run, account: &self.account, event };
        self.sinks.iter().for_each(|sink| sink(&record));
    }

    /// What the events so far add up to.
    #[must_use]
    pub fn report(&self) -> Report {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the events of a run add up to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Machines whose termination was accepted, or that are gone.
    pub done: u64,
    /// Machines that the API refuses to terminate now.
    pub refused: u64,
    /// Machines that could not be terminated, or of which it is not known.
    pub failed: u64,
    /// Machines that were not called because they changed or vanished.
    pub dropped: u64,
    /// Machines that could not be read again.
    pub unconfirmed: u64,
    /// Machines whose turn did not come because the run was told to stop.
    pub stopped: u64,
    /// Machines whose turn did not come because an operator paused.
    pub paused: u64,
    /// Refusals of a guard, and machines whose turn did not come because of one.
    pub guarded: u64,
    /// Times that the journal could not be used.
    pub unrecorded: u64,
    /// Machines that would have been terminated.
    pub rehearsed: u64,
}

impl Report {
    fn take(&mut self, event: Event<'_>) {
        let count = match event {
            Event::Acted(_, _, act) => match act.outcome {
                Outcome::Terminated | Outcome::Gone => &mut self.done,
                Outcome::Refused => &mut self.refused,
                Outcome::Failed | Outcome::Unknown => &mut self.failed,
            },
            Event::Released(_, _, act) => match act.outcome {
                Outcome::Terminated | Outcome::Gone | Outcome::Refused => return,
                Outcome::Failed | Outcome::Unknown => &mut self.failed,
            },
            Event::Dropped(_, _, dropout, _) => self.dropped_by(dropout),
            Event::Unrecorded(_) => &mut self.unrecorded,
            Event::Refused(_) => &mut self.guarded,
            Event::OutOfReach(..) => &mut self.dropped,
            Event::Rehearsed(..) => &mut self.rehearsed,
            Event::Started
            | Event::Reading(..)
            | Event::Listed(_)
            | Event::Unlisted(_)
            | Event::Planned(_)
            | Event::Settled(_)
            | Event::Paused(_)
            | Event::Promised(..)
            | Event::Withdrawn(..)
            | Event::Delivered(..)
            | Event::Wire(_)
            | Event::Ended(..) => return,
        };
        *count += 1;
    }

    fn dropped_by(&mut self, dropout: Dropout) -> &mut u64 {
        match dropout {
            Dropout::Changed | Dropout::Vanished | Dropout::Held => &mut self.dropped,
            Dropout::Unconfirmed => &mut self.unconfirmed,
            Dropout::Stopped => &mut self.stopped,
            Dropout::Paused => &mut self.paused,
            Dropout::Guarded => &mut self.guarded,
            Dropout::Unrecorded => &mut self.unrecorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::instance;

    fn act(outcome: Outcome) -> Act {
        Act { outcome, took_effect: false, code: None, request_id: None, message: None }
    }

    #[test]
    fn a_report_is_the_sum_of_the_events() {
        let events = Events::new("r", "main", &[]);
        let (one, rule) = (instance("i"), RuleName::new("r").unwrap());
        for outcome in Outcome::ALL {
            events.emit(Event::Acted(&one, &rule, &act(outcome)));
        }
        for drop in Dropout::ALL {
            events.emit(Event::Dropped(&one, &rule, drop, ""));
        }
        events.emit(Event::Rehearsed(&one, &rule));
        let expected = Report {
            done: 2,
            refused: 1,
            failed: 2,
            dropped: 3,
            unconfirmed: 1,
            stopped: 1,
            paused: 1,
            guarded: 1,
            unrecorded: 1,
            rehearsed: 1,
        };
        assert_eq!(events.report(), expected);
    }

    #[test]
    fn every_sink_sees_every_event() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = |name: &'static str| -> Sink {
            let seen = Arc::clone(&seen);
            Arc::new(move |record| seen.lock().unwrap().push((name, record.account.to_owned())))
        };
        Events::new("r", "main", &[sink("a"), sink("b")]).emit(Event::Started);
        assert_eq!(*seen.lock().unwrap(), [("a", "main".to_owned()), ("b", "main".to_owned())]);
    }
}
