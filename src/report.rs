//! What happened in a run: a stream of events, which log, metrics and progress all see through one place, and the report that
//! they add up to.

mod dropout;
mod event;
mod outcome;
mod run_result;

use std::sync::{Arc, Mutex, PoisonError};

pub use self::{
    dropout::Dropout,
    event::{Event, Record, Sink},
    outcome::{Act, Earlier, Outcome, Settled, Settlement},
    run_result::RunResult,
};

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
            Event::Started(_)
            | Event::LeaseTaken
            | Event::LeaseHeld(_)
            | Event::LeaseLost(_)
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
            Dropout::Stopped | Dropout::LeaseLost => &mut self.stopped,
            Dropout::Paused => &mut self.paused,
            Dropout::Guarded => &mut self.guarded,
            Dropout::Unrecorded => &mut self.unrecorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inventory::tests::instance, rules::RuleName};

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
            stopped: 2,
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
        Events::new("r", "main", &[sink("a"), sink("b")]).emit(Event::Started(""));
        assert_eq!(*seen.lock().unwrap(), [("a", "main".to_owned()), ("b", "main".to_owned())]);
    }
}
