//! Whether the service can do its work, for `/readyz`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::report::{Event, Record, RunResult};

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
            | Event::Started
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

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
