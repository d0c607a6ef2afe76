//! Whether the service can do its work, for `/readyz`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::report::{Event, Record};

/// What is known of the service's health.
#[derive(Debug, Default)]
pub struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reload_problem: Option<String>,
    listings: BTreeMap<String, Option<Result<(), String>>>,
}

impl Health {
    /// The accounts that a listing is expected of; what is known of others is forgotten.
    pub fn expect<'a>(&self, accounts: impl Iterator<Item = &'a str>) {
        let mut state = self.lock();
        let known = std::mem::take(&mut state.listings);
        state.listings = accounts
            .map(|account| (account.to_owned(), known.get(account).cloned().flatten()))
            .collect();
        state.reload_problem = None;
    }

    /// Notes that config and rules could not be used when they were last read.
    pub fn reload_failed(&self, problem: String) {
        self.lock().reload_problem = Some(problem);
    }

    /// Notes what an event says of the listings.
    pub fn observe(&self, record: &Record<'_>) {
        let listing = match record.event {
            Event::Listed(_) => Ok(()),
            Event::Unlisted(unlisted) => Err(unlisted.to_string()),
            _ => return,
        };
        self.lock().listings.insert(record.account.to_owned(), Some(listing));
    }

    /// `Ok` with remarks if the service can do its work, else the reasons why not.
    pub fn ready(&self) -> Result<String, String> {
        let state = self.lock();
        let reason = |(account, listing): (&String, &Option<Result<(), String>>)| match listing {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(format!("account {account}: {error}\n")),
            None => Some(format!("account {account}: not listed yet\n")),
        };
        let reasons: String = state.listings.iter().filter_map(reason).collect();
        let reload = state.reload_problem.as_ref();
        let remark = reload
            .map(|problem| format!("the last good config and rules are in use: {problem}\n"))
            .unwrap_or_default();
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
