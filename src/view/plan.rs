//! The plan as programs read it.

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Seen, View};
use crate::{
    cloud::Unlisted,
    config::Mode,
    journal::Digests,
    plan::{
        Judgement, Plan, Scope, Subject,
        guard::{self, Limits},
        memory::{Memory, Pause},
    },
};

/// Plans for all accounts. Decisions are written as they are walked, so a large plan needs no memory of its own.
#[derive(Debug)]
pub struct PlanReport<'a> {
    /// The instant that they hold for.
    pub generated_at: Timestamp,
    /// Whether a run would terminate machines.
    pub mode: Mode,
    /// A plan for each account.
    pub accounts: Vec<AccountPlan<'a>>,
    /// By which rules and config it was made, for a plan that is saved to be applied.
    pub digests: Option<&'a Digests>,
}

/// The plan for an account.
#[derive(Debug)]
pub struct AccountPlan<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The plan, or why there is none.
    pub drafted: Result<Drafted<'a>, &'a Unlisted>,
    /// When its inventory was read, for a plan that is saved to be applied.
    pub read_at: Option<Timestamp>,
    /// The pause, if an operator said so.
    pub pause: Option<&'a Pause>,
}

/// A plan that was drafted.
#[derive(Debug)]
pub struct Drafted<'a> {
    /// The plan.
    pub plan: Plan<'a>,
    /// Why a run would refuse it.
    pub refusal: Option<String>,
}

/// The plan for every account, as a run would make it.
#[must_use]
pub fn draft(view: &View, now: Timestamp) -> PlanReport<'_> {
    let accounts = view.accounts.iter().map(|seen| {
        let Seen {
            account,
            policy,
            limits,
            listed,
            memory,
            interval: _,
            read_at: _,
            credentials: _,
        } = seen;
        let drafted = listed.as_ref().map(|inventory| {
            let forgetful = Memory::default();
            let known = memory.as_ref().unwrap_or(&forgetful);
            let plan = Plan::draft(inventory, policy, known, &Scope::All, now);
            let refusal = match memory {
                Ok(memory) => refusal(&plan, limits, memory),
                Err(error) => Some(format!("{error}; without it a run terminates nothing")),
            };
            Drafted { plan, refusal }
        });
        let pause = memory.as_ref().ok().and_then(|memory| memory.paused(now));
        AccountPlan { account, drafted, read_at: None, pause }
    });
    PlanReport { generated_at: now, mode: view.mode, accounts: accounts.collect(), digests: None }
}

/// Why a run would not execute the plan, if it would not.
fn refusal(plan: &Plan<'_>, limits: &Limits, memory: &Memory) -> Option<String> {
    let paused = memory.paused(plan.now).map(ToString::to_string);
    paused.or_else(|| guard::check(plan, limits, memory).err().map(|refusal| refusal.to_string()))
}

impl Serialize for PlanReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = serializer.serialize_struct("PlanReport", 4)?;
        json.serialize_field("generated_at", &self.generated_at)?;
        json.serialize_field("mode", self.mode.as_str())?;
        if let Some(Digests { rules, config }) = self.digests {
            json.serialize_field("digests", &DigestsJson { rules, config })?;
        }
        json.serialize_field("accounts", &self.accounts)?;
        json.end()
    }
}

#[derive(Serialize)]
struct DigestsJson<'a> {
    rules: &'a str,
    config: &'a str,
}

#[derive(Serialize)]
struct InventoryJson {
    instances: usize,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct GuardJson {
    approved: bool,
    reason: Option<String>,
}

#[derive(Serialize)]
struct DecisionJson<'a> {
    instance_id: &'a str,
    name: Option<&'a str>,
    decision: &'a str,
    reason: &'a str,
    rule: Option<&'a str>,
    due_at: Option<Timestamp>,
    terminate_at: Option<Timestamp>,
    held_until: Option<Timestamp>,
}

struct DecisionsJson<'a>(&'a [(Subject<'a>, Judgement<'a>)]);

impl Serialize for DecisionsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(subject, judgement)| DecisionJson {
            instance_id: subject.id().as_str(),
            name: subject.name(),
            decision: judgement.decision.as_str(),
            reason: judgement.decision.reason(),
            rule: judgement.rule.map(|rule| rule.name.as_str()),
            due_at: judgement.due_at,
            terminate_at: judgement.terminate_at,
            held_until: judgement.held_until,
        }))
    }
}

impl Serialize for AccountPlan<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (instances, decisions, refused) = match &self.drafted {
            Ok(Drafted { plan, refusal }) => {
                (plan.decisions.len(), &plan.decisions[..], refusal.clone())
            }
            Err(unlisted) => (0, &[][..], Some(unlisted.to_string())),
        };
        let complete = self.drafted.is_ok();
        let mut json = serializer.serialize_struct("AccountPlan", 4)?;
        json.serialize_field("account", self.account)?;
        json.serialize_field(
            "inventory",
            &InventoryJson { instances, complete, read_at: self.read_at },
        )?;
        json.serialize_field("guard", &GuardJson { approved: refused.is_none(), reason: refused })?;
        json.serialize_field("decisions", &DecisionsJson(decisions))?;
        json.end()
    }
}
