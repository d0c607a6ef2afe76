//! By when each account should have had a successful run, so that an alert need not know the schedules.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{config::Config, metrics::Metrics, plan::Rota, report::RunResult};

/// So many runs in a row may be no success before somebody should look.
const RUNS_WITHOUT_SUCCESS_MAX: usize = 3;

/// When each account last had a successful run.
pub(super) struct Deadlines {
    started: Timestamp,
    succeeded: BTreeMap<String, Timestamp>,
}

impl Deadlines {
    /// Of a service that starts at `now`.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { started: now, succeeded: BTreeMap::new() }
    }

    /// A run of an account ended at `now`.
    pub(super) fn ran(&mut self, account: &str, result: RunResult, now: Timestamp) {
        if result == RunResult::Success {
            self.succeeded.insert(account.to_owned(), now);
        }
    }

    /// Tells the deadlines as the schedules are now.
    pub(super) fn tell(&self, config: &Config, rota: &Rota, metrics: &Metrics) {
        let jitter = SignedDuration::try_from(config.jitter).unwrap_or(SignedDuration::MAX);
        for account in &config.accounts {
            let since = self.succeeded.get(&account.name).unwrap_or(&self.started);
            let due = rota.nth_after(*since, RUNS_WITHOUT_SUCCESS_MAX);
            let by = due.and_then(|due| due.checked_add(jitter).ok());
            metrics.expect_success(&account.name, by);
        }
    }
}
