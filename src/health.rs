//! Whether the service gets on, for `/healthz` and the watchdog, and whether it can do its work, for `/readyz`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::report::{Event, Record, RunResult};

/// Whether the work goes on. Each step says within what time the next one has to come.
#[derive(Debug)]
pub struct Pulse {
    last: Mutex<Step>,
}

#[derive(Debug)]
struct Step {
    at: Instant,
    /// Within what time the next one has to come.
    patience: Duration,
}

impl Pulse {
    /// Of a work that begins at `now`, of which the first step has to come within `patience`.
    #[must_use]
    pub fn new(patience: Duration, now: Instant) -> Self {
        Self { last: Mutex::new(Step { at: now, patience }) }
    }

    /// A step at `now`; from now on, the next one has to come within `patience`.
    pub fn allow(&self, patience: Duration, now: Instant) {
        *self.lock() = Step { at: now, patience };
    }

    /// A step at `now`.
    pub fn step(&self, now: Instant) {
        self.lock().at = now;
    }

    /// How long nothing was done at `now`, if that is too long.
    pub fn stuck(&self, now: Instant) -> Option<Duration> {
        let Step { at, patience } = *self.lock();
        let quiet = now.saturating_duration_since(at);
        (quiet >= patience).then_some(quiet)
    }

    fn lock(&self) -> MutexGuard<'_, Step> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of the service's health.
#[derive(Debug, Default)]
pub struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reload_problem: Option<String>,
    listings: BTreeMap<String, Option<Result<(), String>>>,
    journal_problems: BTreeMap<String, String>,
    unreadable_journal: Option<String>,
    pause: Option<String>,
}

impl Health {
    /// The accounts that a listing is expected of; what is known of others is forgotten.
    pub fn expect<'a>(&self, accounts: impl Iterator<Item = &'a str>) {
        let mut state = self.lock();
        let known = std::mem::take(&mut state.listings);
        state.listings = accounts
            .map(|account| (account.to_owned(), known.get(account).cloned().flatten()))
            .collect();
        state.journal_problems.clear();
        state.reload_problem = None;
    }

    /// Notes whether an operator paused all terminations, in words.
    pub fn paused(&self, pause: Option<String>) {
        self.lock().pause = pause;
    }

    /// Notes why the journal cannot be read at the moment, or that it can.
    pub fn journal_unreadable(&self, problem: Option<String>) {
        self.lock().unreadable_journal = problem;
    }

    /// Notes that config and rules could not be used when they were last read.
    pub fn reload_failed(&self, problem: String) {
        self.lock().reload_problem = Some(problem);
    }

    /// Notes what an event says of the listings and of the journal.
    pub fn observe(&self, record: &Record<'_>) {
        let (mut state, account) = (self.lock(), record.account.to_owned());
        match record.event {
            Event::Listed(_) => {
                state.listings.insert(account, Some(Ok(())));
            }
            Event::Unlisted(unlisted) => {
                state.listings.insert(account, Some(Err(unlisted.to_string())));
            }
            Event::Unrecorded(why) => {
                state.journal_problems.insert(account, why.to_owned());
            }
            // A run that ended by its journal does not say that the journal is well.
            Event::Ended(RunResult::JournalFailed, _)
            | Event::Started(_)
            | Event::LeaseTaken
            | Event::LeaseHeld(_)
            | Event::LeaseLost(_)
            | Event::Reading(..)
            | Event::Planned(_)
            | Event::Refused(_)
            | Event::Dropped(..)
            | Event::OutOfReach(..)
            | Event::Rehearsed(..)
            | Event::Acted(..)
            | Event::Released(..)
            | Event::Settled(_)
            | Event::Paused(_)
            | Event::Promised(..)
            | Event::Withdrawn(..)
            | Event::Delivered(..)
            | Event::Wire(_) => {}
            Event::Ended(..) => {
                state.journal_problems.remove(&account);
            }
        }
    }

    /// `Ok` with remarks if the service can do its work, else the reasons why not.
    pub fn ready(&self) -> Result<String, String> {
        let state = self.lock();
        let reason = |(account, listing): (&String, &Option<Result<(), String>>)| match listing {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(format!("account {account}: {error}\n")),
            None => Some(format!("account {account}: not listed yet\n")),
        };
        let journal = |(account, why): (&String, &String)| format!("account {account}: {why}\n");
        let unreadable = state.unreadable_journal.as_ref();
        let unreadable = unreadable.filter(|_| state.journal_problems.is_empty());
        let reasons: String = state
            .listings
            .iter()
            .filter_map(reason)
            .chain(state.journal_problems.iter().map(journal))
            .chain(unreadable.map(|why| format!("{why}\n")))
            .collect();
        let reload = state.reload_problem.as_ref();
        let remark = reload
            .map(|problem| format!("the last good config and rules are in use: {problem}\n"))
            .unwrap_or_default();
        let pause = state.pause.as_ref().map(|pause| format!("{pause}\n")).unwrap_or_default();
        let remark = format!("{pause}{remark}");
        if reasons.is_empty() {
            Ok(format!("ready\n{remark}"))
        } else {
            Err(format!("{reasons}{remark}"))
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn work_is_stuck_once_the_next_step_is_late_and_until_it_comes() {
        let (start, second) = (clock::monotonic(), Duration::from_secs(1));
        let pulse = Pulse::new(10 * second, start);
        let stuck = |after: u32| pulse.stuck(start + after * second).map(|quiet| quiet.as_secs());
        assert_eq!((stuck(9), stuck(10), stuck(25)), (None, Some(10), Some(25)));
        pulse.step(start + 25 * second);
        assert_eq!((stuck(34), stuck(35)), (None, Some(10)), "a step leaves the patience as it is");
        pulse.allow(60 * second, start + 35 * second);
        assert_eq!((stuck(94), stuck(95), stuck(0)), (None, Some(60), None));
    }

    #[test]
    fn a_journal_that_fails_is_told_once() {
        let (health, why) = (Health::default(), "the journal is damaged");
        health.journal_unreadable(Some(why.to_owned()));
        assert_eq!(health.ready(), Err(format!("{why}\n")));
        health.observe(&Record { run: "run", account: "main", event: Event::Unrecorded(why) });
        assert_eq!(health.ready(), Err(format!("account main: {why}\n")));
        let event = Event::Ended(RunResult::Success, Duration::ZERO);
        health.observe(&Record { run: "run", account: "main", event });
        health.journal_unreadable(None);
        assert_eq!(health.ready(), Ok("ready\n".to_owned()));
    }
}
