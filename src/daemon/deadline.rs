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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{config, diagnostic::Source, rules::RuleSet};

    #[test]
    fn a_deadline_is_the_third_run_and_its_jitter_after_the_last_success() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let text = "schedule: '0 * * * *'\njitter: 10m\n".to_owned();
        let source = Arc::new(Source { name: "config.yaml".to_owned(), text });
        let start = at("2026-11-20T00:30:00Z");
        let config = config::read(&source, start).0.unwrap();
        let rota = Rota::new(&config.schedule, &RuleSet::default(), start);
        let (metrics, mut deadlines) = (Metrics::new().unwrap(), Deadlines::new(start));
        let mut check = |result: Option<(RunResult, &str)>, by: &str| {
            if let Some((result, ended)) = result {
                deadlines.ran("main", result, at(ended));
            }
            deadlines.tell(&config, &rota, &metrics);
            let seconds = at(by).as_second();
            let series = "zenreaper_success_deadline_timestamp_seconds{account=\"main\"}";
            let page = metrics.render().unwrap();
            assert!(page.contains(&format!("{series} {seconds}\n")), "{by}: {page}");
        };
        check(None, "2026-11-20T03:10:00Z");
        check(Some((RunResult::Partial, "2026-11-20T01:00:20Z")), "2026-11-20T03:10:00Z");
        check(Some((RunResult::Success, "2026-11-20T02:00:20Z")), "2026-11-20T05:10:00Z");
    }
}
