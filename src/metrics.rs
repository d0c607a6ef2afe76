//! The numbers that Prometheus scrapes.
//!
//! Labels come from closed or bounded sets, never from an instance. Every series whose labels are known beforehand exists at 0
//! from the start, so that "never happened" can be told from "nobody looked".

mod api;
mod fleet;
mod leave;
mod make;
mod runs;
mod service;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use prometheus::{
    Encoder, Registry, TextEncoder,
    process_collector::ProcessCollector,
    proto::{LabelPair, MetricFamily},
};

use self::{
    api::Api,
    fleet::Fleet,
    make::{Maker, PREFIX},
    runs::Runs,
    service::Service,
};
pub use self::{leave::shared_accounts, service::revision};
use crate::{
    journal::LastRuns,
    report::{Event, Record},
};

/// The label of an account, and the one that tells two configs apart in what a run leaves behind.
const ACCOUNT: &str = "account";
const CONFIG: &str = "config";

/// What can happen by a config and its rules. A series for what cannot would cost as much as one that tells something.
#[derive(Clone, Debug, Default)]
pub struct Expected<'a> {
    /// The rules that terminate; none in a dry run.
    pub terminating: Vec<&'a str>,
    /// Those of them that release too.
    pub releasing: Vec<&'a str>,
}

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    accounts: Mutex<BTreeSet<String>>,
    api: Api,
    fleet: Fleet,
    runs: Runs,
    service: Service,
}

impl Metrics {
    /// All metrics, of this process and build.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let make = Maker(&registry);
        let (api, fleet) = (Api::new(&make)?, Fleet::new(&make)?);
        let (runs, service) = (Runs::new(&make)?, Service::new(&make)?);
        Ok(Self { registry, accounts: Mutex::default(), api, fleet, runs, service })
    }

    /// The accounts that are watched from now on; the state of others is taken back, so that nobody is alarmed by it.
    pub fn expect_accounts<'a>(&self, accounts: impl Iterator<Item = &'a str>) {
        let accounts: BTreeSet<_> = accounts.map(str::to_owned).collect();
        let mut known = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.difference(&accounts) {
            self.fleet.forget(gone);
            self.runs.forget(gone);
        }
        *known = accounts;
    }

    /// Makes the series of an account and its rules exist, as far as they can ever count anything.
    pub fn prepare(&self, account: &str, expected: &Expected<'_>) {
        self.api.prepare(account, !expected.releasing.is_empty());
        self.fleet.prepare(account, expected);
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
        sinks.for_each(|sink| self.fleet.expect_sink(sink));
    }

    /// Notes whether an operator paused all terminations.
    pub fn paused(&self, paused: bool) {
        self.service.paused.set(i64::from(paused));
    }

    /// Notes whether the service can do its work.
    pub fn ready(&self, ready: bool) {
        self.service.ready.set(i64::from(ready));
    }

    /// Notes how an account's last runs ended before the service began.
    pub fn recall(&self, account: &str, before: &LastRuns) {
        self.runs.recall(account, before);
    }

    /// Notes by when an account should have had a successful run.
    pub fn expect_success(&self, account: &str, by: Option<Timestamp>) {
        self.runs.expect_success(account, by);
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
            Event::Refused(refusal) => self.runs.refused(account, refusal.guard()),
            Event::Dropped(_, _, dropout, _) => self.fleet.dropped(account, dropout),
            Event::Acted(_, rule, act) => self.fleet.acted(account, rule, act.outcome),
            Event::Released(_, rule, act) => self.fleet.released(account, rule, act.outcome),
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
            Event::LeaseTaken => self.runs.lease_held(account, true),
            Event::LeaseLost(_) => self.runs.lease_held(account, false),
            Event::Started(_)
            | Event::LeaseHeld(_)
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
        encode(&self.registry.gather())
    }

    /// The same for `node_exporter`, which serves what a run leaves behind: without the metrics of the process, of which it has some
    /// itself, and with a label `config` where two files could hold the same series, of which it would drop one without a word.
    /// That is every series that names no account, and every one of `shared`, accounts whose names other files have too.
    pub fn render_to_leave(
        &self,
        config: &str,
        shared: &BTreeSet<String>,
    ) -> prometheus::Result<String> {
        let mut families = self.registry.gather();
        families.retain(|family| family.name().starts_with(PREFIX));
        for metric in families.iter_mut().flat_map(MetricFamily::mut_metric) {
            let mut labels = metric.take_label();
            let account = labels.iter().find(|label| label.name() == ACCOUNT);
            if account.is_none_or(|account| shared.contains(account.value())) {
                let mut label = LabelPair::default();
                label.set_name(CONFIG.to_owned());
                label.set_value(config.to_owned());
                labels.push(label);
                labels.sort_by(|one, other| one.name().cmp(other.name()));
            }
            metric.set_label(labels);
        }
        encode(&families)
    }
}

fn encode(families: &[MetricFamily]) -> prometheus::Result<String> {
    let mut text = Vec::new();
    TextEncoder::new().encode(families, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        api::{OTHER_CODES_MAX, STATUSES_MAX},
        *,
    };
    use crate::{
        cloud::{Action, Code, DOCUMENTED, Observation},
        report::RunResult,
    };

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
        metrics.prepare("main", &Expected { terminating: vec!["dev"], releasing: vec!["dev"] });
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
    fn a_series_is_there_only_for_what_can_happen() {
        let rules: Vec<_> = (0..200).map(|n| format!("rule-{n}")).collect();
        let rules = || rules.iter().map(String::as_str).collect::<Vec<_>>();
        let count = |expected: &Expected<'_>| {
            let metrics = Metrics::new().unwrap();
            (0..50).for_each(|n| metrics.prepare(&format!("account-{n}"), expected));
            let page = metrics.render().unwrap();
            let is_of = |line: &&str, name: &str| line.starts_with(&format!("zenreaper_{name}"));
            let of = |name| page.lines().filter(|line| is_of(line, name)).count();
            let is_release = |line: &&str| line.contains(r#"action="ReleaseInstances""#);
            let releases = page.lines().filter(is_release).count();
            (of(""), of("terminations_total"), of("releases_total"), releases)
        };
        let dry = count(&Expected::default());
        let enforcing = count(&Expected { terminating: rules(), releasing: Vec::new() });
        let releasing = count(&Expected { terminating: rules(), releasing: vec!["rule-7"] });
        assert_eq!((dry.1, dry.2, dry.3), (0, 0, 0), "a dry run calls nothing");
        assert_eq!((enforcing.1, enforcing.2, enforcing.3), (50_000, 0, 0));
        assert_eq!((releasing.1, releasing.2), (50_000, 250));
        assert!(releasing.3 > 0);
        assert!(dry.0 < 9_800 && enforcing.0 < 59_800, "{dry:?} {enforcing:?}");
    }

    #[test]
    fn what_a_run_leaves_is_told_apart_by_its_config() {
        let metrics = Metrics::new().unwrap();
        metrics.prepare("main", &Expected::default());
        metrics.prepare("other", &Expected::default());
        let shared = BTreeSet::from(["other".to_owned()]);
        let page = metrics.render_to_leave("/etc/\"a\".yaml", &shared).unwrap();
        for line in [
            r#"zenreaper_ready{config="/etc/\"a\".yaml"} 0"#,
            r#"zenreaper_last_run_timestamp_seconds{account="main"} 0"#,
            r#"zenreaper_last_run_timestamp_seconds{account="other",config="/etc/\"a\".yaml"} 0"#,
        ] {
            assert!(page.lines().any(|one| one == line), "{line}\n{page}");
        }
        assert!(!page.contains("process_"), "{page}");
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
    fn statuses_that_a_server_thinks_up_are_counted_up_to_a_bound() {
        let metrics = Metrics::new().unwrap();
        for status in (100..).take(STATUSES_MAX + 3) {
            let (action, elapsed) = (Action::Describe, Duration::ZERO);
            let answered = Observation::Answered { action, status: Some(status), elapsed };
            observe(&metrics, Event::Wire(&answered));
        }
        let of = |status: &str| {
            value(
                &metrics,
                &format!(
                    r#"zenreaper_api_requests_total{{account="main",action="DescribeInstances",status="{status}"}}"#
                ),
            )
        };
        assert_eq!((of("100"), of("150"), of("OTHER")), (Some(1.0), None, Some(3.0)));
    }

    #[test]
    fn an_account_that_is_watched_no_more_leaves_no_state_behind() {
        let metrics = Metrics::new().unwrap();
        metrics.expect_accounts(["main", "other"].into_iter());
        for account in ["main", "other"] {
            metrics.prepare(account, &Expected::default());
            metrics.expect_success(account, None);
            metrics.fleet.rule_matches.replace(account, std::iter::once((["dev"], 1)));
        }
        metrics.expect_accounts(["other"].into_iter());
        let page = metrics.render().unwrap();
        let of_main = page.lines().filter(|line| line.contains(r#"account="main""#));
        let left: BTreeSet<_> = of_main.filter_map(|line| line.split('{').next()).collect();
        let is_counted = |name: &&str| {
            ["_total", "_bucket", "_sum", "_count"].iter().any(|end| name.ends_with(end))
        };
        assert!(left.iter().all(is_counted), "{left:?}");
        assert!(page.contains(r#"zenreaper_rule_matches{account="other",rule="dev"} 1"#), "{page}");
    }

    #[test]
    fn exactly_one_result_is_the_last() {
        let metrics = Metrics::new().unwrap();
        metrics.prepare("main", &Expected::default());
        let of = |result: RunResult| {
            let result = result.as_str();
            value(
                &metrics,
                &format!(r#"zenreaper_last_run_result{{account="main",result="{result}"}}"#),
            )
        };
        assert!(RunResult::ALL.into_iter().all(|result| of(result) == Some(0.0)), "none yet");
        for last in [RunResult::AuthFailed, RunResult::Success] {
            observe(&metrics, Event::Ended(last, Duration::ZERO));
            for result in RunResult::ALL {
                assert_eq!(of(result), Some(f64::from(u8::from(result == last))), "{result:?}");
            }
        }
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
        metrics.prepare("main", &Expected::default());
        observe(&metrics, Event::Ended(RunResult::Partial, Duration::from_secs(3)));
        let at = |name: &str| {
            value(&metrics, &format!(r#"zenreaper_{name}_timestamp_seconds{{account="main"}}"#))
        };
        assert_eq!((at("last_run"), at("last_success")), (Some(1_795_478_400.0), Some(0.0)));
        observe(&metrics, Event::Ended(RunResult::Success, Duration::from_secs(3)));
        assert_eq!(at("last_success"), Some(1_795_478_400.0));
    }
}
