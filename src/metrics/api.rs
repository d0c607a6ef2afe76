//! What happens at the wire.

use prometheus::{HistogramVec, IntCounterVec};

use super::make::{Bounded, Maker};
use crate::cloud::{Action, Code, DOCUMENTED, Observation};

/// How many codes that are not documented have a series of their own; the others are counted under `OTHER`.
pub(super) const OTHER_CODES_MAX: usize = 50;

/// How many HTTP statuses have a series of their own; there are nine hundred that a server may think up.
pub(super) const STATUSES_MAX: usize = 50;

/// The status of a call that had no answer.
const NO_STATUS: &str = "none";

/// Buckets for calls: from loopback to the default timeout.
const CALL_SECONDS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// What happens at the wire.
#[derive(Debug)]
pub(super) struct Api {
    other_codes: Bounded,
    statuses: Bounded,
    requests: IntCounterVec,
    errors: IntCounterVec,
    retries: IntCounterVec,
    request_duration: HistogramVec,
    rate_limit_wait: HistogramVec,
}

impl Api {
    pub(super) fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
        let by_action = ["account", "action"];
        Ok(Self {
            other_codes: Bounded::new(OTHER_CODES_MAX),
            statuses: Bounded::new(STATUSES_MAX),
            requests: make.counters(
                "api_requests_total",
                "Calls that were sent, every try counted, by HTTP status; none: there was no answer.",
                &["account", "action", "status"],
            )?,
            errors: make.counters(
                "api_errors_total",
                "Failed answers, every try counted, by the API's code, or ours if there was none.",
                &["account", "action", "code"],
            )?,
            retries: make.counters(
                "api_retries_total",
                "Calls that were tried again.",
                &by_action,
            )?,
            request_duration: make.histograms(
                "api_request_duration_seconds",
                "How long a try of a call took.",
                &by_action,
                &CALL_SECONDS,
            )?,
            rate_limit_wait: make.histograms(
                "rate_limit_wait_seconds",
                "How long a try of a call waited for its turn under the rate limit.",
                &by_action,
                &CALL_SECONDS,
            )?,
        })
    }

    pub(super) fn prepare(&self, account: &str, is_releasing: bool) {
        let can_be_sent = |action: &Action| is_releasing || *action != Action::Release;
        for action in Action::ALL.into_iter().filter(can_be_sent).map(Action::as_str) {
            for code in DOCUMENTED {
                self.errors.with_label_values(&[account, action, code]);
            }
            self.retries.with_label_values(&[account, action]);
            self.request_duration.with_label_values(&[account, action]);
            self.rate_limit_wait.with_label_values(&[account, action]);
        }
    }

    pub(super) fn observe(&self, account: &str, observation: &Observation) {
        match observation {
            Observation::Answered { action, status, elapsed } => {
                let status = status.map(|status| status.to_string());
                let status = status.as_deref().map_or(NO_STATUS, |one| self.statuses.label(one));
                self.requests.with_label_values(&[account, action.as_str(), status]).inc();
                let duration = self.request_duration.with_label_values(&[account, action.as_str()]);
                duration.observe(elapsed.as_secs_f64());
            }
            Observation::Failed { action, code } => {
                let code = self.code_label(code);
                self.errors.with_label_values(&[account, action.as_str(), code]).inc();
            }
            Observation::Retried { action } => {
                self.retries.with_label_values(&[account, action.as_str()]).inc();
            }
            Observation::Waited { action, waited } => {
                let wait = self.rate_limit_wait.with_label_values(&[account, action.as_str()]);
                wait.observe(waited.as_secs_f64());
            }
        }
    }

    fn code_label<'a>(&self, code: &'a Code) -> &'a str {
        let code_text = code.as_str();
        if code.is_documented() { code_text } else { self.other_codes.label(code_text) }
    }
}
