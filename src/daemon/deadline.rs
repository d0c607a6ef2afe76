//! By when each account should have had a successful run, so that an alert need not know the schedules.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{config::Config, journal::Journal, metrics::Metrics, plan::Rota, report::RunResult};

/// How many runs in a row may end without success where they come often.
const RUNS_WITHOUT_SUCCESS_MAX: usize = 3;

/// Where so many runs take longer than this, the first one must succeed.
const OFTEN: SignedDuration = SignedDuration::from_hours(2);

/// How long after it was due a run may take to succeed, where one must.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// When each account last had a successful run.
pub(super) struct Deadlines {
    started: Timestamp,
    /// Since the start.
    succeeded: BTreeMap<String, Timestamp>,
    /// Before the start.
    before: BTreeMap<String, Timestamp>,
}

impl Deadlines {
    /// Of a service that starts at `now`.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { started: now, succeeded: BTreeMap::new(), before: BTreeMap::new() }
    }

    /// Takes the last successes from the journal: those before the start, and those of other processes.
    pub(super) async fn recall(&mut self, journal: &Journal) {
        let runs = journal.last_runs().await.unwrap_or_default();
        for (account, runs) in runs {
            if let Some(at) = runs.last_success_at {
                self.remember(account, at);
            }
        }
    }

    fn remember(&mut self, account: String, at: Timestamp) {
        let known = if at < self.started { &mut self.before } else { &mut self.succeeded };
        let known = known.entry(account).or_insert(at);
        *known = at.max(*known);
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
            let by = self.of(&account.name, rota).and_then(|due| due.checked_add(jitter).ok());
            metrics.expect_success(&account.name, by);
        }
    }

    fn of(&self, account: &str, rota: &Rota) -> Option<Timestamp> {
        if let Some(since) = self.succeeded.get(account) {
            return deadline(rota, *since);
        }
        let since_start = deadline(rota, self.started);
        // What was missed while the service was down is missed, but a start is time enough for runs that come often.
        let missed = self.before.get(account).and_then(|before| deadline(rota, *before));
        let missed = missed.map(|by| by.max(later(self.started)));
        since_start.into_iter().chain(missed).min()
    }
}

/// By when a run should succeed after the last success: the third run if runs come often, else a while after the first.
fn deadline(rota: &Rota, since: Timestamp) -> Option<Timestamp> {
    let first = rota.nth_after(since, 1)?;
    let last = rota.nth_after(since, RUNS_WITHOUT_SUCCESS_MAX);
    Some(last.filter(|last| last.duration_since(first) <= OFTEN).unwrap_or_else(|| later(first)))
}

fn later(at: Timestamp) -> Timestamp {
    at.checked_add(GRACE).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{config, diagnostic::Source, rules::RuleSet};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn config(text: &str) -> Config {
        let source = Arc::new(Source { name: "config.yaml".to_owned(), text: text.to_owned() });
        config::read(&source, at("2026-11-20T00:30:00Z")).0.unwrap()
    }

    #[test]
    fn a_deadline_is_the_third_run_and_its_jitter_after_the_last_success() {
        let start = at("2026-11-20T00:30:00Z");
        let config = config("schedule: '0 * * * *'\njitter: 10m\n");
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

    /// Checks the deadline of a service that starts at a time, when the last success was at another.
    fn check(schedule: &str, started: &str, succeeded: Option<&str>, by: &str) {
        let config = config(&format!("schedule: '{schedule}'"));
        let started = at(started);
        let rota = Rota::new(&config.schedule, &RuleSet::default(), started);
        let mut deadlines = Deadlines::new(started);
        if let Some(succeeded) = succeeded {
            deadlines.remember("main".to_owned(), at(succeeded));
        }
        let told = deadlines.of("main", &rota).unwrap().to_string();
        assert_eq!(told, by, "{schedule} {started} {succeeded:?}");
    }

    #[test]
    fn a_run_that_comes_rarely_must_succeed_within_an_hour() {
        const START: &str = "2026-11-20T00:30:00Z";
        for (schedule, by) in [
            ("*/15 * * * *", "2026-11-20T01:15:00Z"),
            ("0 * * * *", "2026-11-20T03:00:00Z"),
            ("0 */2 * * *", "2026-11-20T03:00:00Z"),
            ("0 */6 * * *", "2026-11-20T07:00:00Z"),
            ("0 3 * * *", "2026-11-20T04:00:00Z"),
            ("0 3 * * MON", "2026-11-23T04:00:00Z"),
            ("@monthly", "2026-12-01T01:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T01:00:00Z"),
        ] {
            check(schedule, START, None, by);
        }
        // A week from the last success, which was late.
        check("0 3 * * MON", START, Some("2026-11-23T03:40:00Z"), "2026-11-30T04:00:00Z");
        // In working hours runs come often, and over the weekend they do not.
        check("0 8-18 * * MON-FRI", START, Some("2026-11-20T09:01:00Z"), "2026-11-20T12:00:00Z");
        check("0 8-18 * * MON-FRI", START, Some("2026-11-20T17:01:00Z"), "2026-11-20T19:00:00Z");
    }

    #[test]
    fn a_restart_does_not_hide_that_a_run_was_missed() {
        const START: &str = "2026-11-25T10:00:00Z";
        let weekly = "0 3 * * MON";
        check(weekly, START, Some("2026-11-23T03:05:00Z"), "2026-11-30T04:00:00Z");
        check(weekly, START, Some("2026-11-16T03:05:00Z"), "2026-11-25T11:00:00Z");
        check(weekly, "2026-11-23T03:10:00Z", Some("2026-11-16T03:05:00Z"), "2026-11-23T04:10:00Z");
        check("*/15 * * * *", START, Some("2026-11-16T03:05:00Z"), "2026-11-25T10:45:00Z");
    }
}
