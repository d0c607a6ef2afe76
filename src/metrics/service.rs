//! How the service is.

use prometheus::{IntCounterVec, IntGauge};

use super::make::Maker;
use crate::schedule::tzdb;

/// How the service is.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) next_run: IntGauge,
    pub(super) paused: IntGauge,
    pub(super) ready: IntGauge,
    pub(super) journal_errors: IntCounterVec,
    pub(super) reload_successful: IntGauge,
    pub(super) reload_success: IntGauge,
    pub(super) enforcing: IntGauge,
}

impl Service {
    pub(super) fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
        let build =
            make.gauges("build_info", "The build; always 1.", &["version", "revision", "tzdb"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), revision(), tzdb()]).set(1);
        Ok(Self {
            next_run: make
                .gauge("next_run_timestamp_seconds", "When the next run is due; 0: never.")?,
            paused: make.gauge("paused", "Whether an operator paused all terminations.")?,
            ready: make.gauge("ready", "Whether /readyz says that the service can do its work.")?,
            journal_errors: make.counters(
                "journal_errors_total",
                "Times that the journal could not be used, so that nothing was terminated.",
                &["account"],
            )?,
            reload_successful: make.gauge(
                "config_last_reload_successful",
                "Whether config and rules could be used when they were last read.",
            )?,
            reload_success: make.gauge(
                "config_last_reload_success_timestamp_seconds",
                "When config and rules were last read and could be used.",
            )?,
            enforcing: make
                .gauge("enforcing", "Whether machines are terminated (mode enforce).")?,
        })
    }
}

/// The revision that was built, if the build was told.
#[must_use]
pub fn revision() -> &'static str {
    option_env!("ZENREAPER_REVISION").unwrap_or("unknown")
}
