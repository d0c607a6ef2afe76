//! The numbers that Prometheus scrapes.
//!
//! Labels come from closed or bounded sets, never from an instance. Every series whose labels are known beforehand exists at 0
//! from the start, so that "never happened" can be told from "nobody looked".

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, process_collector::ProcessCollector,
};

use crate::{
    cloud::{Action, Code, DOCUMENTED, Observation},
    inventory::{Instance, Inventory, Status},
    plan::{Decision, Plan, Skip, guard::Guard},
    report::{Dropout, Event, Outcome, Record, RunResult, Settled, Settlement},
};

/// How many codes that are not documented have a series of their own; the others are counted under [`OTHER`].
const OTHER_CODES_MAX: usize = 50;

/// The label of what has no label of its own.
const OTHER: &str = "OTHER";

/// What becomes of a notice.
const SENT: &str = "sent";
const FAILED: &str = "failed";

/// Buckets for calls: from loopback to the default timeout.
const CALL_SECONDS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Buckets for runs: from an empty account to a day's worth at a slow pace.
const RUN_SECONDS: [f64; 8] = [0.5, 2.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    api: Api,
    fleet: Fleet,
    runs: Runs,
    service: Service,
}

/// What happens at the wire.
#[derive(Debug)]
struct Api {
    other_codes: Mutex<HashSet<Code>>,
    requests: IntCounterVec,
    errors: IntCounterVec,
    retries: IntCounterVec,
    request_duration: HistogramVec,
    rate_limit_wait: HistogramVec,
}

/// What the last inventory and plan say, and what is done to machines.
#[derive(Debug)]
struct Fleet {
    instances: Snapshot,
    decisions: Snapshot,
    rule_matches: Snapshot,
    terminations: IntCounterVec,
    skipped: IntCounterVec,
    settled: IntCounterVec,
    notices: IntCounterVec,
}

/// How runs go.
#[derive(Debug)]
struct Runs {
    ended: IntCounterVec,
    duration: HistogramVec,
    last_run: GaugeVec,
    last_success: GaugeVec,
    guard_refusals: IntCounterVec,
}

/// How the service is.
#[derive(Debug)]
struct Service {
    next_run: IntGauge,
    paused: IntGauge,
    journal_errors: IntCounterVec,
    reload_successful: IntGauge,
    reload_success: IntGauge,
    enforcing: IntGauge,
}

/// Gauges that tell the state of an account as a whole: new values replace all old ones of that account.
#[derive(Debug)]
struct Snapshot {
    gauges: IntGaugeVec,
    labels: Mutex<BTreeMap<String, Vec<Vec<String>>>>,
}

impl Snapshot {
    fn replace<'a, const N: usize>(
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

/// Registers metrics under the prefix of all of them.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn options(name: &str, help: &str) -> Opts {
        Opts::new(format!("zenreaper_{name}"), help)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        let made = IntCounterVec::new(Self::options(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        let made = IntGaugeVec::new(Self::options(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn snapshot(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Snapshot> {
        Ok(Snapshot { gauges: self.gauges(name, help, labels)?, labels: Mutex::default() })
    }

    fn times(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
        let made = GaugeVec::new(Self::options(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        let made = IntGauge::with_opts(Self::options(name, help))?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn histograms(
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

impl Api {
    fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
        let by_action = ["account", "action"];
        Ok(Self {
            other_codes: Mutex::default(),
            requests: make.counters(
                "api_requests_total",
                "Calls by HTTP status; none: no answer.",
                &["account", "action", "status"],
            )?,
            errors: make.counters(
                "api_errors_total",
                "Failed answers by the API's code, or ours.",
                &["account", "action", "code"],
            )?,
            retries: make.counters(
                "api_retries_total",
                "Calls that were tried again.",
                &by_action,
            )?,
            request_duration: make.histograms(
                "api_request_duration_seconds",
                "How long a call took.",
                &by_action,
                &CALL_SECONDS,
            )?,
            rate_limit_wait: make.histograms(
                "rate_limit_wait_seconds",
                "How long a call waited for its turn.",
                &by_action,
                &CALL_SECONDS,
            )?,
        })
    }

    fn prepare(&self, account: &str) {
        for action in Action::ALL.map(Action::as_str) {
            for code in DOCUMENTED {
                self.errors.with_label_values(&[account, action, code]);
            }
            self.retries.with_label_values(&[account, action]);
            self.request_duration.with_label_values(&[account, action]);
            self.rate_limit_wait.with_label_values(&[account, action]);
        }
    }

    fn observe(&self, account: &str, observation: &Observation) {
        match observation {
            Observation::Answered { action, status, elapsed } => {
                let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
                self.requests.with_label_values(&[account, action.as_str(), &status]).inc();
                let duration = self.request_duration.with_label_values(&[account, action.as_str()]);
                duration.observe(elapsed.as_secs_f64());
            }
            Observation::Failed { action, code } => {
                let code = self.code_label(code);
                self.errors.with_label_values(&[account, action.as_str(), code.as_str()]).inc();
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

    fn code_label(&self, code: &Code) -> Code {
        if code.is_documented() {
            return code.clone();
        }
        let mut others = self.other_codes.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() < OTHER_CODES_MAX {
            others.insert(code.clone());
        }
        if others.contains(code) { code.clone() } else { Code::folded(OTHER) }
    }
}

impl Fleet {
    fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            instances: make.snapshot(
                "instances",
                "Instances of the last complete inventory.",
                &["account", "status", "charge_type"],
            )?,
            decisions: make.snapshot(
                "decisions",
                "Decisions of the last plan.",
                &["account", "decision", "reason"],
            )?,
            rule_matches: make.snapshot(
                "rule_matches",
                "Instances that a rule matched in the last plan, due or not.",
                &["account", "rule"],
            )?,
            terminations: make.counters(
                "terminations_total",
                "Terminations that were asked for, by what became of them.",
                &["account", "rule", "outcome"],
            )?,
            skipped: make.counters(
                "skipped_total",
                "Machines that a rule took and that were left alone, once a run.",
                &["account", "reason"],
            )?,
            settled: make.counters(
                "settled_total",
                "Calls to terminate by what a later inventory said of them.",
                &["account", "result"],
            )?,
            notices: make.counters(
                "notices_total",
                "Notices by sink, and whether they were sent.",
                &["sink", "result"],
            )?,
        })
    }

    fn prepare<'a>(&self, account: &str, rules: impl Iterator<Item = &'a str>) {
        let reasons =
            Skip::ALL.map(Skip::as_str).into_iter().chain(Dropout::ALL.map(Dropout::as_str));
        for reason in reasons {
            self.skipped.with_label_values(&[account, reason]);
        }
        for settlement in Settlement::ALL {
            self.settled.with_label_values(&[account, settlement.as_str()]);
        }
        for rule in rules {
            for outcome in Outcome::ALL {
                self.terminations.with_label_values(&[account, rule, outcome.as_str()]);
            }
        }
    }

    /// A call whose outcome was not known when it was made is counted by what it turned out to be.
    fn settled(&self, account: &str, call: &Settled<'_>) {
        self.settled.with_label_values(&[account, call.settlement.as_str()]).inc();
        if let Some(outcome) = call.settlement.outcome().filter(|_| !call.had_outcome) {
            let labels = [account, call.rule, outcome.as_str()];
            self.terminations.with_label_values(&labels).inc();
        }
    }

    fn delivered(&self, sink: &str, notices: usize, result: Result<(), &str>) {
        let result = if result.is_ok() { SENT } else { FAILED };
        self.notices.with_label_values(&[sink, result]).inc_by(notices as u64);
    }

    fn listed(&self, account: &str, inventory: &Inventory) {
        let mut counts = BTreeMap::new();
        for instance in inventory.instances() {
            *counts.entry(labels(instance)).or_default() += 1;
        }
        self.instances.replace(account, counts.into_iter());
    }

    fn planned(&self, account: &str, plan: &Plan<'_>) {
        let counts = plan.counts().into_iter();
        let decisions =
            counts.map(|((decision, reason), count)| ([decision, reason], count as u64));
        self.decisions.replace(account, decisions);
        let matches = plan.tallies.iter();
        let matches = matches.map(|tally| ([tally.rule.name.as_str()], tally.matches));
        self.rule_matches.replace(account, matches);
        for (_, judgement) in &plan.decisions {
            if let Decision::Skip(skip) = judgement.decision {
                self.skipped.with_label_values(&[account, skip.as_str()]).inc();
            }
        }
    }
}

impl Runs {
    fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
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
                "When the last run ended, however it did; 0: never.",
                &["account"],
            )?,
            last_success: make.times(
                "last_success_timestamp_seconds",
                "When the last successful run ended; 0: never.",
                &["account"],
            )?,
            guard_refusals: make.counters(
                "guard_refusals_total",
                "Plans that a guard refused.",
                &["account", "guard"],
            )?,
        })
    }

    fn prepare(&self, account: &str) {
        for result in RunResult::ALL {
            self.ended.with_label_values(&[account, result.as_str()]);
        }
        for guard in Guard::ALL {
            self.guard_refusals.with_label_values(&[account, guard.as_str()]);
        }
        self.duration.with_label_values(&[account]);
        self.last_run.with_label_values(&[account]);
        self.last_success.with_label_values(&[account]);
    }

    fn ended(&self, account: &str, result: RunResult, elapsed: Duration, now: Timestamp) {
        self.ended.with_label_values(&[account, result.as_str()]).inc();
        self.duration.with_label_values(&[account]).observe(elapsed.as_secs_f64());
        let seconds = now.as_duration().as_secs_f64();
        self.last_run.with_label_values(&[account]).set(seconds);
        if result == RunResult::Success {
            self.last_success.with_label_values(&[account]).set(seconds);
        }
    }
}

impl Service {
    fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
        let build = make.gauges("build_info", "The build; always 1.", &["version", "revision"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), revision()]).set(1);
        Ok(Self {
            next_run: make.gauge("next_run_timestamp_seconds", "When the next run is due.")?,
            paused: make.gauge("paused", "Whether an operator paused all terminations.")?,
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

impl Metrics {
    /// All metrics, of this process and build.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let make = Maker(&registry);
        let (api, fleet) = (Api::new(&make)?, Fleet::new(&make)?);
        let (runs, service) = (Runs::new(&make)?, Service::new(&make)?);
        Ok(Self { registry, api, fleet, runs, service })
    }

    /// Makes the series of an account and its rules exist.
    pub fn prepare<'a>(&self, account: &str, rules: impl Iterator<Item = &'a str>) {
        self.api.prepare(account);
        self.fleet.prepare(account, rules);
        self.runs.prepare(account);
        self.service.journal_errors.with_label_values(&[account]);
    }

    /// Notes whether config and rules could be used at `now`.
    pub fn reloaded(&self, usable: bool, now: Timestamp) {
        self.service.reload_successful.set(i64::from(usable));
        if usable {
            self.service.reload_success.set(now.as_second());
        }
    }

    /// Notes whether machines are terminated.
    pub fn enforcing(&self, enforcing: bool) {
        self.service.enforcing.set(i64::from(enforcing));
    }

    /// Makes the series of the sinks exist.
    pub fn expect_sinks<'a>(&self, sinks: impl Iterator<Item = &'a str>) {
        for sink in sinks {
            for result in [SENT, FAILED] {
                self.fleet.notices.with_label_values(&[sink, result]);
            }
        }
    }

    /// Notes whether an operator paused all terminations.
    pub fn paused(&self, paused: bool) {
        self.service.paused.set(i64::from(paused));
    }

    /// Notes when the next run is due.
    pub fn next_run(&self, at: Option<Timestamp>) {
        self.service.next_run.set(at.map_or(0, Timestamp::as_second));
    }

    /// Counts an event that happened at `now`.
    pub fn observe(&self, record: &Record<'_>, now: Timestamp) {
        let account = record.account;
        match record.event {
            Event::Listed(inventory) => self.fleet.listed(account, inventory),
            Event::Planned(plan) => self.fleet.planned(account, plan),
            Event::Refused(refusal) => {
                let guard = refusal.guard().as_str();
                self.runs.guard_refusals.with_label_values(&[account, guard]).inc();
            }
            Event::Dropped(_, _, drop, _) => {
                self.fleet.skipped.with_label_values(&[account, drop.as_str()]).inc();
            }
            Event::Acted(_, rule, act) => {
                let (rule, outcome) = (rule.as_str(), act.outcome.as_str());
                self.fleet.terminations.with_label_values(&[account, rule, outcome]).inc();
            }
            Event::Settled(call) => self.fleet.settled(account, call),
            Event::Delivered(sink, _, notices, result) => {
                self.fleet.delivered(sink, notices, result);
            }
            Event::Paused(_) => self.paused(true),
            Event::Unrecorded(_) => {
                self.service.journal_errors.with_label_values(&[account]).inc();
            }
            Event::Wire(observation) => self.api.observe(account, observation),
            Event::Ended(result, elapsed) => self.runs.ended(account, result, elapsed, now),
            Event::Started
            | Event::Reading(..)
            | Event::Unlisted(_)
            | Event::OutOfReach(..)
            | Event::Rehearsed(..)
            | Event::Promised(..)
            | Event::Withdrawn(..) => {}
        }
    }

    /// The page that Prometheus scrapes, in its text format 0.0.4.
    pub fn render(&self) -> prometheus::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// The revision that was built, if the build was told.
#[must_use]
pub fn revision() -> &'static str {
    option_env!("ZENREAPER_REVISION").unwrap_or("unknown")
}

fn gauge_value(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Labels of a closed set for an instance.
fn labels(instance: &Instance) -> [&'static str; 2] {
    let known = |text: &str, all: &[&'static str]| {
        all.iter().copied().find(|known| *known == text).unwrap_or(OTHER)
    };
    let status =
        instance.status.as_ref().map_or("ABSENT", |status| known(status.as_str(), &Status::KNOWN));
    let charge_type = instance.charge_type.as_ref();
    let charge_type = charge_type
        .map_or("ABSENT", |charge| known(charge.as_str(), &crate::inventory::ChargeType::KNOWN));
    [status, charge_type]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(metrics: &Metrics, event: Event<'_>) {
        let record = Record { run: "r", account: "main", event };
        metrics.observe(&record, "2026-11-24T00:00:00Z".parse().unwrap());
    }

    fn value(metrics: &Metrics, series: &str) -> Option<f64> {
        let page = metrics.render().unwrap();
        let line = page
            .lines()
            .find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.parse().unwrap())
    }

    #[test]
    fn every_documented_code_of_every_action_is_there_at_0_from_the_start() {
        let metrics = Metrics::new().unwrap();
        metrics.prepare("main", ["dev"].into_iter());
        for action in Action::ALL {
            for code in DOCUMENTED {
                let series = format!(
                    r#"zenreaper_api_errors_total{{account="main",action="{action}",code="{code}"}}"#
                );
                assert_eq!(value(&metrics, &series), Some(0.0), "{series}");
            }
        }
        for series in [
            r#"zenreaper_terminations_total{account="main",outcome="terminated",rule="dev"}"#,
            r#"zenreaper_skipped_total{account="main",reason="protected"}"#,
            r#"zenreaper_runs_total{account="main",result="incomplete_inventory"}"#,
            r#"zenreaper_guard_refusals_total{account="main",guard="max_percent"}"#,
            r#"zenreaper_last_success_timestamp_seconds{account="main"}"#,
        ] {
            assert_eq!(value(&metrics, series), Some(0.0), "{series}");
        }
    }

    #[test]
    fn codes_that_are_not_documented_are_counted_up_to_a_bound() {
        let metrics = Metrics::new().unwrap();
        for n in 0..OTHER_CODES_MAX + 7 {
            let code = Code::folded(&format!("NEW_{n}"));
            observe(&metrics, Event::Wire(&Observation::Failed { action: Action::Describe, code }));
        }
        let of = |code: &str| {
            value(
                &metrics,
                &format!(
                    r#"zenreaper_api_errors_total{{account="main",action="DescribeInstances",code="{code}"}}"#
                ),
            )
        };
        assert_eq!(of("NEW_0"), Some(1.0));
        assert_eq!(of("NEW_55"), None);
        assert_eq!(of("OTHER"), Some(7.0));
    }

    #[test]
    fn a_snapshot_replaces_the_values_of_its_own_account_only() {
        let metrics = Metrics::new().unwrap();
        let set = |account, rule, count| {
            metrics.fleet.rule_matches.replace(account, std::iter::once(([rule], count)));
        };
        let of = |account: &str, rule: &str| {
            value(
                &metrics,
                &format!(r#"zenreaper_rule_matches{{account="{account}",rule="{rule}"}}"#),
            )
        };
        set("a", "old", 1);
        set("b", "old", 2);
        set("a", "new", 3);
        assert_eq!((of("a", "old"), of("a", "new"), of("b", "old")), (None, Some(3.0), Some(2.0)));
    }

    #[test]
    fn a_run_that_fails_moves_the_last_run_and_not_the_last_success() {
        let metrics = Metrics::new().unwrap();
        metrics.prepare("main", std::iter::empty());
        observe(&metrics, Event::Ended(RunResult::Partial, Duration::from_secs(3)));
        let at = |name: &str| {
            value(&metrics, &format!(r#"zenreaper_{name}_timestamp_seconds{{account="main"}}"#))
        };
        assert_eq!((at("last_run"), at("last_success")), (Some(1_795_478_400.0), Some(0.0)));
        observe(&metrics, Event::Ended(RunResult::Success, Duration::from_secs(3)));
        assert_eq!(at("last_success"), Some(1_795_478_400.0));
    }
}
