//! What may be done: one decision for every instance, each with its reason.
//!
//! Pure: the same inventory, rules, memory and `now` give the same plan, in the order of the ids. A plan is a proposal; only
//! what [`guard::approve`] makes of it can be executed.

mod decision;
pub mod eligibility;
pub mod guard;
pub mod memory;
mod rota;
mod seen;
pub mod trust;
mod turn;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub(crate) use self::rota::Rota;
pub use self::{
    decision::{Decision, Delay, Keep, Skip, Telling},
    seen::Course,
    turn::Turn,
};
use self::{
    eligibility::Host,
    memory::{Hold, Memory, Promise},
    seen::Seen,
    trust::Summary,
};
use crate::{
    inventory::{Instance, InstanceId, Inventory, Unreadable},
    rules::{Condition, Rule, RuleName, RuleSet, Verdict},
};

/// What instances are judged by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The rules.
    pub rules: RuleSet,
    /// The machines that are never touched.
    pub protect: Condition,
    /// The machine that zenreaper runs on.
    pub host: Host,
}

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

/// A judgement of one instance.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct Judgement<'r> {
    /// What is to happen.
    pub decision: Decision,
    /// The rule that decides: the one that acts, or would.
    pub rule: Option<&'r Rule>,
    /// When it was or will be due.
    pub due_at: Option<Timestamp>,
    /// When it will be terminated, at the earliest: `None` if nothing is to happen to it.
    pub terminate_at: Option<Timestamp>,
    /// Until when a hold keeps it, if one does.
    pub held_until: Option<Timestamp>,
}

impl<'r> Judgement<'r> {
    fn keep(reason: Keep, rule: Option<&'r Rule>) -> Self {
        Self::without_time(Decision::Keep(reason), rule)
    }

    /// The judgement in words, for somebody who expects the rule `expected` to take the machine.
    #[must_use]
    pub fn told(&self, expected: &RuleName) -> String {
        let (decision, reason) = (self.decision.as_str(), self.decision.reason());
        let other = self.rule.filter(|rule| rule.name != *expected);
        let other = other.map(|rule| format!(", by the rule {}", rule.name)).unwrap_or_default();
        format!("it is now: {decision} ({reason}){other}")
    }

    /// Whether what the owner was promised still stands. What only cannot be terminated at the moment was told rightly.
    #[must_use]
    pub fn keeps(&self, promise: &Promise) -> bool {
        let same_rule = self.rule.is_some_and(|rule| rule.name == promise.rule);
        let stands = match self.decision {
            Decision::Terminate
            | Decision::Notice(_)
            | Decision::Skip(
                Skip::Commitment | Skip::Creating | Skip::Installing | Skip::NotInPlan,
            ) => true,
            Decision::Skip(_) | Decision::Wait(_) | Decision::Keep(_) => false,
        };
        same_rule && stands
    }

    fn out_of_scope(self) -> Self {
        Self { decision: Decision::Skip(Skip::NotInPlan), terminate_at: None, ..self }
    }

    fn without_time(decision: Decision, rule: Option<&'r Rule>) -> Self {
        Self { decision, rule, due_at: None, terminate_at: None, held_until: None }
    }
}

impl Policy {
    /// Judges an instance at `now`.
    ///
    /// The first rule in order by which its termination time has come acts. A tag that means to say when and cannot be read keeps
    /// the machine, whatever another rule says.
    pub fn judge(&self, instance: &Instance, memory: &Memory, now: Timestamp) -> Judgement<'_> {
        self.judge_counting(instance, memory, now, &mut |_| {})
    }

    /// The same, which tells `matched` the numbers of the rules that match, due or not.
    pub(crate) fn judge_counting(
        &self,
        instance: &Instance,
        memory: &Memory,
        now: Timestamp,
        matched: &mut dyn FnMut(usize),
    ) -> Judgement<'_> {
        let mut seen = Seen::new(now, memory.promises.get(&instance.id), &memory.resting);
        for (n, rule) in self.rules.rules.iter().enumerate() {
            let verdict = rule.evaluate(instance, now);
            if let Verdict::Matches(_) = verdict {
                matched(n);
            }
            seen.take(rule, &verdict);
        }
        let hold = memory.hold(&instance.id, now);
        seen.judgement(hold, || self.eligible(instance, hold, now))
    }

    /// Whether an instance may be touched at all, whatever is remembered of it.
    pub(crate) fn eligible_now(&self, instance: &Instance, now: Timestamp) -> Result<(), Skip> {
        eligibility::check(instance, &self.protect, &self.host, now)
    }

    /// Whether `instance` may be touched at all at `now`, or why not; `hold` is what keeps it then.
    pub fn eligible(
        &self,
        instance: &Instance,
        hold: Option<Hold>,
        now: Timestamp,
    ) -> Result<(), Skip> {
        self.eligible_now(instance, now)?;
        hold.map_or(Ok(()), |hold| Err(hold.kind.skip()))
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
        Self { now, decisions, summary: Summary::of(inventory), tallies }
    }

    /// The instances to terminate, each with its judgement and the rule that says so.
    pub fn targets(&self) -> impl Iterator<Item = Target<'a>> {
        self.decisions.iter().filter_map(|(subject, judgement)| match (subject, judgement) {
            (
                Subject::Instance(instance),
                Judgement { decision: Decision::Terminate, rule: Some(rule), due_at, .. },
            ) => Some(Target { instance, rule, due_at: *due_at }),
            _ => None,
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
                None => "it is not there any more".to_owned(),
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
            Listing, Page, Status,
            tests::{instance, tags},
        },
        rules::{Release, Terms, parse},
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

    const RULES: &str = "
rules:
  - { name: zone, match: { zone: SEL-A } }
  - { name: short, match: { tags: { env: dev } }, unless: { tags: { keep: '*' } }, expire: { after: 72h } }
  - { name: ttl, match: { tags: { ttl: '*' } }, expire: { tag: ttl } }
  - { name: old, match: { tags: { env: '*' } }, expire: { after: 30d } }
";

    /// Of a machine that was created at 2026-11-01T00:00:00Z, at `now`.
    fn check(own: &[(&str, &str)], now: &str, expected: &str) {
        check_edited(|subject| subject.tags = tags(own), now, expected);
    }

    fn check_edited(edit: impl FnOnce(&mut Instance), now: &str, expected: &str) {
        let mut subject = instance("i");
        edit(&mut subject);
        let policy = policy(RULES);
        let Judgement { decision, rule, due_at, .. } =
            policy.judge(&subject, &Memory::default(), now.parse().unwrap());
        let rule = rule.map_or("-", |rule| rule.name.as_str());
        let due = due_at.map_or("-".to_owned(), |at| at.strftime("%d %H:%M:%S").to_string());
        assert_eq!(format!("{} {} {rule} {due}", decision.as_str(), decision.reason()), expected);
    }

    #[test]
    fn the_first_rule_whose_time_has_come_acts() {
        check(&[("env", "dev")], "2026-11-03T23:59:59Z", "wait not_due short 04 00:00:00");
        check(&[("env", "dev")], "2026-11-04T00:00:00Z", "terminate due short 04 00:00:00");
        check(
            &[("env", "dev"), ("ttl", "24h")],
            "2026-11-03T00:00:00Z",
            "terminate due ttl 02 00:00:00",
        );
        check(
            &[("env", "dev"), ("ttl", "24h")],
            "2026-11-01T12:00:00Z",
            "wait not_due ttl 02 00:00:00",
        );
        check(
            &[("env", "dev"), ("ttl", "24h")],
            "2026-11-09T00:00:00Z",
            "terminate due short 04 00:00:00",
        );
        check(&[("env", "prod")], "2026-12-02T00:00:00Z", "terminate due old 01 00:00:00");
    }

    #[test]
    fn what_no_rule_takes_is_kept_with_the_reason() {
        check(&[], "2026-12-31T00:00:00Z", "keep no_rule - -");
        check(
            &[("env", "dev"), ("keep", "")],
            "2026-11-05T00:00:00Z",
            "wait not_due old 01 00:00:00",
        );
        check(&[("ttl", "never")], "2026-12-31T00:00:00Z", "keep never ttl -");
        check_edited(
            |subject| subject.zone = None,
            "2026-12-31T00:00:00Z",
            "keep unknown_zone zone -",
        );
        let unborn = |subject: &mut Instance| {
            (subject.created, subject.tags) = (None, tags(&[("env", "dev")]));
        };
        check_edited(unborn, "2026-12-31T00:00:00Z", "keep unknown_create_time short -");
    }

    #[test]
    fn an_expiry_that_cannot_be_read_keeps_the_machine_whatever_other_rules_say() {
        let own = [("env", "dev"), ("ttl", "3 dayz")];
        check(&own, "2026-12-31T00:00:00Z", "skip unreadable_expiry ttl -");
    }

    #[test]
    fn a_machine_that_is_due_and_not_eligible_is_skipped() {
        let recycled = |subject: &mut Instance| {
            (subject.status, subject.tags) = (Some(Status::Recycle), tags(&[("env", "dev")]));
        };
        check_edited(recycled, "2026-12-31T00:00:00Z", "skip recycled short 04 00:00:00");
    }

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
