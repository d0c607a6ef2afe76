//! What the last inventory and plan say, and what is done to machines.

use std::collections::BTreeMap;

use prometheus::IntCounterVec;

use super::{
    Expected,
    make::{Maker, OTHER, Snapshot},
};
use crate::{
    inventory::{ChargeType, Instance, Inventory, Status},
    plan::{Decision, Plan, Skip},
    report::{Dropout, Outcome, Settled, Settlement},
    rules::RuleName,
};

/// What becomes of a notice.
const SENT: &str = "sent";
const FAILED: &str = "failed";

/// What the last inventory and plan say, and what is done to machines.
#[derive(Debug)]
pub(super) struct Fleet {
    instances: Snapshot,
    decisions: Snapshot,
    pub(super) rule_matches: Snapshot,
    terminations: IntCounterVec,
    releases: IntCounterVec,
    skipped: IntCounterVec,
    settled: IntCounterVec,
    notices: IntCounterVec,
}

impl Fleet {
    pub(super) fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
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
                "Terminations that were requested, each once, by what became of the request.",
                &["account", "rule", "outcome"],
            )?,
            releases: make.counters(
                "releases_total",
                "Releases from the recycle bin that were requested, each once, by what became of the request.",
                &["account", "rule", "outcome"],
            )?,
            skipped: make.counters(
                "skipped_total",
                "Machines that a rule took and that were left alone, once a run.",
                &["account", "reason"],
            )?,
            settled: make.counters(
                "settled_total",
                "Requests to terminate by what a later inventory said of them.",
                &["account", "result"],
            )?,
            notices: make.counters(
                "notices_total",
                "Notices by sink, and whether they were sent.",
                &["sink", "result"],
            )?,
        })
    }

    pub(super) fn prepare(&self, account: &str, expected: &Expected<'_>) {
        let reasons =
            Skip::ALL.map(Skip::as_str).into_iter().chain(Dropout::ALL.map(Dropout::as_str));
        for reason in reasons {
            self.skipped.with_label_values(&[account, reason]);
        }
        for settlement in Settlement::ALL {
            self.settled.with_label_values(&[account, settlement.as_str()]);
        }
        for outcome in Outcome::ALL {
            for rule in &expected.terminating {
                self.terminations.with_label_values(&[account, rule, outcome.as_str()]);
            }
            for rule in &expected.releasing {
                self.releases.with_label_values(&[account, rule, outcome.as_released()]);
            }
        }
    }

    /// Takes back what the last inventory and plan of an account said.
    pub(super) fn forget(&self, account: &str) {
        self.instances.replace::<2>(account, std::iter::empty());
        self.decisions.replace::<2>(account, std::iter::empty());
        self.rule_matches.replace::<1>(account, std::iter::empty());
    }

    /// A call whose outcome was not known when it was made is counted by what it turned out to be.
    pub(super) fn settled(&self, account: &str, call: &Settled<'_>) {
        self.settled.with_label_values(&[account, call.settlement.as_str()]).inc();
        if let Some(outcome) = call.settlement.outcome().filter(|_| !call.had_outcome) {
            let labels = [account, call.rule, outcome.as_str()];
            self.terminations.with_label_values(&labels).inc();
        }
    }

    /// Counts what became of a call.
    pub(super) fn acted(&self, account: &str, rule: &RuleName, outcome: Outcome) {
        let labels = [account, rule.as_str(), outcome.as_str()];
        self.terminations.with_label_values(&labels).inc();
    }

    /// Counts what became of a call to release.
    pub(super) fn released(&self, account: &str, rule: &RuleName, outcome: Outcome) {
        let labels = [account, rule.as_str(), outcome.as_released()];
        self.releases.with_label_values(&labels).inc();
    }

    /// Counts a target that was not called.
    pub(super) fn dropped(&self, account: &str, dropout: Dropout) {
        self.skipped.with_label_values(&[account, dropout.as_str()]).inc();
    }

    /// Makes the series of a sink exist.
    pub(super) fn expect_sink(&self, sink: &str) {
        for result in [SENT, FAILED] {
            self.notices.with_label_values(&[sink, result]);
        }
    }

    pub(super) fn delivered(&self, sink: &str, notices: usize, result: Result<(), &str>) {
        let result = if result.is_ok() { SENT } else { FAILED };
        self.notices.with_label_values(&[sink, result]).inc_by(notices as u64);
    }

    pub(super) fn listed(&self, account: &str, inventory: &Inventory) {
        let mut counts = BTreeMap::new();
        for instance in inventory.instances() {
            *counts.entry(labels(instance)).or_default() += 1;
        }
        self.instances.replace(account, counts.into_iter());
    }

    pub(super) fn planned(&self, account: &str, plan: &Plan<'_>) {
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

/// Labels of a closed set for an instance.
fn labels(instance: &Instance) -> [&'static str; 2] {
    let known = |text: &str, all: &[&'static str]| {
        all.iter().copied().find(|known| *known == text).unwrap_or(OTHER)
    };
    let status =
        instance.status.as_ref().map_or("ABSENT", |status| known(status.as_str(), &Status::KNOWN));
    let charge_type = instance.charge_type.as_ref();
    let charge_type =
        charge_type.map_or("ABSENT", |charge| known(charge.as_str(), &ChargeType::KNOWN));
    [status, charge_type]
}
