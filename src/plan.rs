//! What may be done: one decision for every instance, each with its reason.
//!
//! Pure: the same inventory, rules, memory and `now` give the same plan, in the order of the ids. A plan is a proposal; only
//! what [`guard::approve`] makes of it can be executed.

mod decision;
pub mod eligibility;
mod fingerprint;
pub mod guard;
pub mod inventory_check;
mod judgement;
pub mod memory;
mod near;
mod policy;
mod promise;
mod refusal;
mod rota;
mod seen;
mod turn;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use self::{
    decision::{Decision, Delay, Keep, Skip, Telling},
    fingerprint::Fingerprint,
    judgement::Judgement,
    near::NearMissed,
    policy::Policy,
    seen::Course,
    turn::Turn,
};
use self::{inventory_check::Summary, memory::Memory};
pub(crate) use self::{judgement::VANISHED, promise::Bound, rota::Rota};
use crate::{
    inventory::{Instance, InstanceId, Inventory, Unreadable},
    rules::{Rule, RuleName},
};

/// Whom a decision is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// An instance that could be read.
    Instance(&'a Instance),
    /// One of which only the id could.
    Unreadable(&'a Unreadable),
}

impl<'a> Subject<'a> {
    /// Its id.
    #[must_use]
    pub fn id(self) -> &'a InstanceId {
        match self {
            Self::Instance(instance) => &instance.id,
            Self::Unreadable(unreadable) => &unreadable.id,
        }
    }

    /// Its name, if it is known.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Instance(instance) => instance.name.as_deref(),
            Self::Unreadable(_) => None,
        }
    }
}

/// What a plan may terminate.
#[derive(Clone, Debug, Default)]
pub enum Scope {
    /// Whatever the rules take.
    #[default]
    All,
    /// Of that, only what a saved plan takes too, each machine by the same rule.
    Saved(BTreeMap<InstanceId, RuleName>),
}

impl Scope {
    fn allows(&self, id: &InstanceId, rule: Option<&Rule>) -> bool {
        match self {
            Self::All => true,
            Self::Saved(saved) => saved.get(id) == rule.map(|rule| &rule.name),
        }
    }
}

/// What a rule would do to the account.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// How many instances it matches, due or not.
    pub matches: u64,
    /// How many of them are live.
    pub live: u64,
    /// How many of them the plan terminates, by this rule or another.
    pub doomed: u64,
    /// How many the plan terminates by this rule.
    pub takes: u64,
}

/// One decision for every instance, in the order of the ids.
#[must_use]
#[derive(Debug)]
pub struct Plan<'a> {
    /// The instant that the decisions hold for.
    pub now: Timestamp,
    /// The decisions.
    pub decisions: Vec<(Subject<'a>, Judgement<'a>)>,
    /// What the listing looks like.
    pub summary: Summary,
    /// What each rule would do, in their order.
    pub tallies: Vec<Tally<'a>>,
    /// The tags of live instances whose keys are near misses of those that protect.
    pub near_misses: Vec<NearMissed>,
}

impl<'a> Plan<'a> {
    /// Drafts the plan for an inventory.
    pub fn draft(
        inventory: &'a Inventory,
        policy: &'a Policy,
        memory: &Memory,
        scope: &Scope,
        now: Timestamp,
    ) -> Self {
        let tally = |rule| Tally { rule, matches: 0, live: 0, doomed: 0, takes: 0 };
        let mut tallies: Vec<_> = policy.rules.rules.iter().map(tally).collect();
        let mut matched = Vec::new();
        let mut decisions = Vec::with_capacity(inventory.len());
        for instance in inventory.instances() {
            matched.clear();
            let mut judgement =
                policy.judge_counting(instance, memory, now, &mut |n| matched.push(n));
            let takes = judgement.decision == Decision::Terminate;
            if takes && !scope.allows(&instance.id, judgement.rule) {
                judgement = judgement.out_of_scope();
            }
            count(&mut tallies, &matched, instance, &judgement);
            decisions.push((Subject::Instance(instance), judgement));
        }
        let unreadable = inventory.unreadable().iter();
        decisions.extend(
            unreadable
                .map(|one| (Subject::Unreadable(one), Judgement::keep(Keep::Unreadable, None))),
        );
        decisions.sort_by(|(a, _), (b, _)| a.id().cmp(b.id()));
        let near_misses = near::near_misses(inventory, policy);
        Self { now, decisions, summary: Summary::of(inventory), tallies, near_misses }
    }

    /// The instances to terminate, each with its judgement and the rule that says so.
    pub fn targets(&self) -> impl Iterator<Item = Target<'a>> {
        self.decisions.iter().filter_map(|(subject, judgement)| {
            let Judgement { decision, rule, due_at, .. } = *judgement;
            let (Subject::Instance(instance), Decision::Terminate) = (subject, decision) else {
                return None;
            };
            Some(Target { instance, rule: rule?, due_at })
        })
    }

    /// The decision on one instance.
    #[must_use]
    pub fn decision(&self, id: &InstanceId) -> Option<&(Subject<'a>, Judgement<'a>)> {
        let found = self.decisions.binary_search_by(|(subject, _)| subject.id().cmp(id)).ok()?;
        self.decisions.get(found)
    }

    /// What a saved plan would terminate and this one does not, with words on why.
    #[must_use]
    pub fn dropped_from(&self, scope: &Scope) -> Vec<(InstanceId, RuleName, String)> {
        let Scope::Saved(saved) = scope else { return Vec::new() };
        let dropped = |(id, rule): (&InstanceId, &RuleName)| {
            let why = match self.decision(id) {
                None => VANISHED.to_owned(),
                Some((_, Judgement { decision: Decision::Terminate, .. })) => return None,
                Some((_, judgement)) => judgement.told(rule),
            };
            Some((id.clone(), rule.clone(), why))
        };
        saved.iter().filter_map(dropped).collect()
    }

    /// How many decisions there are of each kind and reason.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(&'static str, &'static str), usize> {
        let mut counts = BTreeMap::new();
        for (_, Judgement { decision, .. }) in &self.decisions {
            *counts.entry((decision.as_str(), decision.reason())).or_default() += 1;
        }
        counts
    }
}

/// An instance to terminate.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The instance as it was listed.
    pub instance: &'a Instance,
    /// The rule that takes it.
    pub rule: &'a Rule,
    /// When it was due.
    pub due_at: Option<Timestamp>,
}

/// Counts one judgement under the rules that match its instance.
fn count(
    tallies: &mut [Tally<'_>],
    matched: &[usize],
    instance: &Instance,
    judgement: &Judgement<'_>,
) {
    let doomed = judgement.decision == Decision::Terminate;
    for n in matched {
        let Some(tally) = tallies.get_mut(*n) else { continue };
        let takes = doomed && judgement.rule.is_some_and(|rule| rule.name == tally.rule.name);
        tally.matches += 1;
        tally.live += u64::from(instance.is_live());
        tally.doomed += u64::from(doomed);
        tally.takes += u64::from(takes);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        inventory::{
            Listing, Page,
            tests::{instance, tags},
        },
        plan::eligibility::Host,
        rules::{Condition, Release, Terms, parse},
    };

    /// A policy with these rules, nothing protected and no host.
    pub(crate) fn policy(yaml: &str) -> Policy {
        let source = crate::diagnostic::Source { name: "rules.yaml".into(), text: yaml.into() };
        let rules = parse(&[source.into()], &Terms::default()).unwrap();
        Policy { rules, protect: Condition::NOTHING, host: Host::default() }
    }

    /// The same where the config allows releases.
    pub(crate) fn policy_with_release(yaml: &str) -> Policy {
        let source = crate::diagnostic::Source { name: "rules.yaml".into(), text: yaml.into() };
        let terms = Terms { release: Release::Allowed, ..Terms::default() };
        let rules = parse(&[source.into()], &terms).unwrap();
        Policy { rules, protect: Condition::NOTHING, host: Host::default() }
    }

    /// A complete inventory of these instances.
    pub(crate) fn inventory(instances: Vec<Instance>) -> Inventory {
        let mut listing = Listing::default();
        let (total, entries) = (instances.len() as u64, instances.len());
        listing.add(Page { total, entries, instances, unreadable: Vec::new() });
        listing.finish().unwrap()
    }

    /// Rules that judge by zone, age and tags.
    pub(crate) const RULES: &str = "
rules:
  - { name: zone, match: { zone: SEL-A } }
  - { name: short, match: { tags: { env: dev } }, unless: { tags: { keep: '*' } }, expire: { after: 72h } }
  - { name: ttl, match: { tags: { ttl: '*' } }, expire: { tag: ttl } }
  - { name: old, match: { tags: { env: '*' } }, expire: { after: 30d } }
";

    #[test]
    fn a_plan_does_not_depend_on_the_order_of_the_listing() {
        let policy = policy(RULES);
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        let (mut one, two, three) = (instance("a"), instance("b"), instance("c"));
        one.tags = tags(&[("env", "dev")]);
        let forward = inventory(vec![one.clone(), two.clone(), three.clone()]);
        let backward = inventory(vec![three, two, one]);
        let text = |inventory| {
            format!(
                "{:?}",
                Plan::draft(inventory, &policy, &Memory::default(), &Scope::All, now).decisions
            )
        };
        assert_eq!(text(&forward), text(&backward));
        let memory = Memory::default();
        let plan = Plan::draft(&forward, &policy, &memory, &Scope::All, now);
        assert_eq!(plan.targets().map(|one| one.instance.id.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(plan.counts()[&("terminate", "due")], 1);
        assert_eq!(
            plan.tallies.iter().map(|tally| tally.matches).collect::<Vec<_>>(),
            [0, 1, 0, 1]
        );
    }

    #[test]
    fn a_record_that_cannot_be_read_is_kept_and_counted() {
        let mut listing = Listing::default();
        let odd = Unreadable { id: InstanceId::new("b"), problem: "odd".into() };
        listing.add(Page {
            total: 2,
            entries: 2,
            instances: vec![instance("c")],
            unreadable: vec![odd],
        });
        let inventory = listing.finish().unwrap();
        let policy = policy("rules: [{ name: all, match: everything }]");
        let memory = Memory::default();
        let plan = Plan::draft(&inventory, &policy, &memory, &Scope::All, Timestamp::UNIX_EPOCH);
        let told: Vec<_> =
            plan.decisions.iter().map(|(s, j)| (s.id().as_str(), j.decision.reason())).collect();
        assert_eq!(told, [("b", "unreadable"), ("c", "due")]);
    }
}
