//! Whether an instance may be touched at all, and what stands in the way of a whole run.

use jiff::Timestamp;
use serde::Serialize;

use super::asked::Node;
use crate::{
    inventory::{ChargeType, Instance, Status},
    plan::{
        Plan, Policy, Skip, Tally,
        eligibility::{self, Likeness},
        guard::{self, Limits},
        memory::{Hold, Memory},
    },
    rules::Condition,
};

/// Whether an instance may be touched at all.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// Why not, by the name that a decision has; `None`: it may.
    pub skip: Option<&'static str>,
    /// Its status, if the cloud told it.
    pub status: Option<String>,
    /// Its charge type, if the cloud told it.
    pub charge_type: Option<String>,
    /// What the table of status and charge type says against it.
    pub by_status: Option<&'static str>,
    /// The matchers of `protect`, if there are any.
    pub protect: Option<Node>,
    /// By what it is, or looks like, the host that zenreaper runs on.
    pub own: Option<Own>,
    /// What keeps it for a while.
    pub hold: Option<Kept>,
}

/// By what an instance looks like the host that zenreaper runs on.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "by", content = "value", rename_all = "snake_case")]
pub enum Own {
    /// An address of both.
    Address(String),
    /// A name of both.
    Hostname(String),
    /// The id of both.
    Id,
}

/// What keeps an instance for a while.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// `held`, `commitment` or `accepted`.
    pub kind: &'static str,
    /// Until when.
    pub until: Timestamp,
}

impl Standing {
    pub(super) fn of(
        policy: &Policy,
        instance: &Instance,
        hold: Option<Hold>,
        now: Timestamp,
    ) -> Self {
        let Policy { rules: _, protect, host } = policy;
        let own = host.likeness(instance).map(|likeness| match likeness {
            Likeness::Address(address) => Own::Address(address.to_string()),
            Likeness::Hostname(name) => Own::Hostname(name.into()),
            Likeness::Id => Own::Id,
        });
        Self {
            skip: policy.eligible(instance, hold, now).err().map(Skip::as_str),
            status: instance.status.as_ref().map(Status::as_str).map(str::to_owned),
            charge_type: instance.charge_type.as_ref().map(ChargeType::as_str).map(str::to_owned),
            by_status: eligibility::by_status(instance).err().map(Skip::as_str),
            protect: asks(protect).then(|| Node::of(protect, instance, now)),
            own,
            hold: hold.map(|Hold { kind, until }| Kept { kind: kind.as_str(), until }),
        }
    }
}

/// Whether a condition asks anything: an absent `unless` or `protect` does not.
pub(super) fn asks(condition: &Condition) -> bool {
    !matches!(condition, Condition::Any(none) if none.is_empty())
}

/// What the limits say of the plan of this run.
#[derive(Clone, Debug, Serialize)]
pub struct Caps {
    /// The account's live machines.
    pub live: u64,
    /// How many of them the plan terminates.
    pub terminates: u64,
    /// How many were terminated in the 24 hours before.
    pub terminated_in_a_day: u64,
    /// `limits.max_terminations`.
    pub max_terminations: u32,
    /// `limits.max_percent`.
    pub max_percent: u32,
    /// `limits.max_per_day`.
    pub max_per_day: u32,
    /// The guard that refuses the plan, if one does.
    pub refused_by: Option<&'static str>,
    /// Why it does.
    pub refusal: Option<String>,
    /// What each rule with limits would do.
    pub rules: Vec<RuleCaps>,
}

/// What the limits say of one rule.
#[derive(Clone, Debug, Serialize)]
pub struct RuleCaps {
    /// The rule.
    pub rule: String,
    /// How many machines the plan terminates by it.
    pub terminates: u64,
    /// Its own `limits.max_terminations`.
    pub max_terminations: Option<u32>,
    /// How many live machines that it matches the plan leaves.
    pub leaves: u64,
    /// How many must be left.
    pub min_remaining: u32,
}

impl Caps {
    /// What `limits` say of a plan.
    #[must_use]
    pub fn of(plan: &Plan<'_>, limits: &Limits, memory: &Memory) -> Self {
        let refusal = guard::check(plan, limits, memory).err();
        let rules = plan.tallies.iter().map(|tally| RuleCaps::of(tally, limits));
        let is_limited =
            |caps: &RuleCaps| caps.max_terminations.is_some() || caps.min_remaining > 0;
        Self {
            live: plan.summary.live,
            terminates: plan.targets().count() as u64,
            terminated_in_a_day: memory.terminated_in_a_day,
            max_terminations: limits.max_terminations,
            max_percent: limits.max_percent,
            max_per_day: limits.max_per_day,
            refused_by: refusal.as_ref().map(|refusal| refusal.guard().as_str()),
            refusal: refusal.as_ref().map(ToString::to_string),
            rules: rules.filter(is_limited).collect(),
        }
    }
}

impl RuleCaps {
    fn of(tally: &Tally<'_>, limits: &Limits) -> Self {
        let Tally { rule, matches: _, live, doomed, takes } = *tally;
        Self {
            rule: rule.name.to_string(),
            terminates: takes,
            max_terminations: rule.limits.max_terminations,
            leaves: live.saturating_sub(doomed),
            min_remaining: rule.limits.min_remaining.unwrap_or(limits.min_remaining),
        }
    }
}
