//! How runs go.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec};

use super::make::Maker;
use crate::{journal::LastRuns, plan::guard::Guard, report::RunResult};

/// Buckets for runs: from an empty account to a day's worth at a slow pace.
const RUN_SECONDS: [f64; 8] = [0.5, 2.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

/// How runs go.
#[derive(Debug)]
pub(super) struct Runs {
    ended: IntCounterVec,
    duration: HistogramVec,
    last_run: GaugeVec,
    last_success: GaugeVec,
    last_result: IntGaugeVec,
    success_deadline: GaugeVec,
    guard_refusals: IntCounterVec,
    lease_held: IntGaugeVec,
}

impl Runs {
    pub(super) fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            ended: make.counters(
                "runs_total",
                "Runs by how they ended.",
                &["account", "result"],
            )?,
            duration: make.histograms(
                "run_duration_seconds",
                "How long a run took.",
                &["account"],
                &RUN_SECONDS,
            )?,
            last_run: make.times(
                "last_run_timestamp_seconds",
                "When the last run ended, however it did, also before a restart; 0: never.",
                &["account"],
            )?,
            last_success: make.times(
                "last_success_timestamp_seconds",
                "When the last successful run ended, also before a restart; 0: never.",
                &["account"],
            )?,
            last_result: make.gauges(
                "last_run_result",
                "How the last run ended, also before a restart: 1 for its result, 0 for the others.",
                &["account", "result"],
            )?,
            success_deadline: make.times(
                "success_deadline_timestamp_seconds",
                "By when a run must succeed: the third run after the last success, or one hour after the next if they are rarer; 0: never.",
                &["account"],
            )?,
            guard_refusals: make.counters(
                "guard_refusals_total",
                "Plans that a guard refused, and runs that one stopped half way.",
                &["account", "guard"],
            )?,
            lease_held: make.gauges(
                "lease_held",
                "Whether this process holds the lease of the account: 1 while a run is at work.",
                &["account"],
            )?,
        })
    }

    pub(super) fn prepare(&self, account: &str) {
        for result in RunResult::ALL {
            self.ended.with_label_values(&[account, result.as_str()]);
            self.last_result.with_label_values(&[account, result.as_str()]);
        }
        for guard in Guard::ALL {
            self.guard_refusals.with_label_values(&[account, guard.as_str()]);
        }
        self.duration.with_label_values(&[account]);
        self.lease_held.with_label_values(&[account]);
        self.last_run.with_label_values(&[account]);
        self.last_success.with_label_values(&[account]);
    }

    /// Notes whether this process holds the lease of an account.
    pub(super) fn lease_held(&self, account: &str, is_held: bool) {
        self.lease_held.with_label_values(&[account]).set(i64::from(is_held));
    }

    /// Counts a refusal.
    pub(super) fn refused(&self, account: &str, guard: Guard) {
        self.guard_refusals.with_label_values(&[account, guard.as_str()]).inc();
    }

    /// Notes how the last runs ended; nothing is counted.
    pub(super) fn recall(&self, account: &str, before: &LastRuns) {
        let LastRuns { ended_at, result, last_success_at, .. } = before;
        self.last(account, *result, *ended_at);
        if let Some(at) = last_success_at {
            self.last_success.with_label_values(&[account]).set(at.as_duration().as_secs_f64());
        }
    }

    /// Notes by when an account should have had a successful run.
    pub(super) fn expect_success(&self, account: &str, by: Option<Timestamp>) {
        let seconds = by.map_or(0.0, |by| by.as_duration().as_secs_f64());
        self.success_deadline.with_label_values(&[account]).set(seconds);
    }

    /// Takes back the state of an account that is watched no more; what was counted stays.
    pub(super) fn forget(&self, account: &str) {
        for gauge in [&self.last_run, &self.last_success, &self.success_deadline] {
            // An account that never ran in the service has no deadline.
            drop(gauge.remove_label_values(&[account]));
        }
        drop(self.lease_held.remove_label_values(&[account]));
        for result in RunResult::ALL {
            drop(self.last_result.remove_label_values(&[account, result.as_str()]));
        }
    }

    pub(super) fn ended(
        &self,
        account: &str,
        result: RunResult,
        elapsed: Duration,
        now: Timestamp,
    ) {
        self.ended.with_label_values(&[account, result.as_str()]).inc();
        self.duration.with_label_values(&[account]).observe(elapsed.as_secs_f64());
        self.last(account, result, now);
        self.lease_held(account, false);
    }

    /// Notes how the last run ended, and when.
    fn last(&self, account: &str, result: RunResult, ended_at: Timestamp) {
        for one in RunResult::ALL {
            let is_last = i64::from(one == result);
            self.last_result.with_label_values(&[account, one.as_str()]).set(is_last);
        }
        let seconds = ended_at.as_duration().as_secs_f64();
        self.last_run.with_label_values(&[account]).set(seconds);
        if result == RunResult::Success {
            self.last_success.with_label_values(&[account]).set(seconds);
        }
    }
}
