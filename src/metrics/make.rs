//! How metrics are made: under the prefix of all of them, and registered.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError},
};

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// What the names of our own metrics begin with.
pub(super) const PREFIX: &str = "zenreaper_";

/// Registers metrics under the prefix of all of them.
pub(super) struct Maker<'a>(pub(super) &'a Registry);

impl Maker<'_> {
    fn options(name: &str, help: &str) -> Opts {
        Opts::new(format!("{PREFIX}{name}"), help)
    }

    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        let made = IntCounterVec::new(Self::options(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntGaugeVec> {
        let made = IntGaugeVec::new(Self::options(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn snapshot(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<Snapshot> {
        Ok(Snapshot { gauges: self.gauges(name, help, labels)?, labels: Mutex::default() })
    }

    pub(super) fn times(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<GaugeVec> {
        let made = GaugeVec::new(Self::options(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        let made = IntGauge::with_opts(Self::options(name, help))?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::from(Self::options(name, help)).buckets(buckets.to_vec());
        let made = HistogramVec::new(options, labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }
}

/// Gauges that tell the state of an account as a whole: new values replace all old ones of that account.
#[derive(Debug)]
pub(super) struct Snapshot {
    gauges: IntGaugeVec,
    labels: Mutex<BTreeMap<String, Vec<Vec<String>>>>,
}

impl Snapshot {
    pub(super) fn replace<'a, const N: usize>(
        &self,
        account: &str,
        values: impl Iterator<Item = ([&'a str; N], u64)>,
    ) {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        for old in labels.remove(account).unwrap_or_default() {
            // It is there: it was set the last time.
            drop(self.gauges.remove_label_values(&old));
        }
        for (own, count) in values {
            let all: Vec<_> = std::iter::once(account).chain(own).map(str::to_owned).collect();
            self.gauges.with_label_values(&all).set(gauge_value(count));
            labels.entry(account.to_owned()).or_default().push(all);
        }
    }
}

/// The label of what has no label of its own.
pub(super) const OTHER: &str = "OTHER";

/// Values that come from outside: so many of them are labels, the others are counted under [`OTHER`].
#[derive(Debug)]
pub(super) struct Bounded {
    max: usize,
    seen: Mutex<HashSet<String>>,
}

impl Bounded {
    pub(super) fn new(max: usize) -> Self {
        Self { max, seen: Mutex::default() }
    }

    pub(super) fn label<'a>(&self, value: &'a str) -> &'a str {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < self.max && !seen.contains(value) {
            seen.insert(value.to_owned());
        }
        if seen.contains(value) { value } else { OTHER }
    }
}

fn gauge_value(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
