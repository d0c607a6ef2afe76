//! Whether a whole plan is believable.
//!
//! A rule that is wrong, or a cloud that lies, shows in numbers first. A plan past a cap is refused whole: half of a mistake
//! is a mistake. Only this file can make an [`Approved`], and only an `Approved` can be executed.

use jiff::SignedDuration;

pub use super::refusal::{Guard, Refusal};
use super::{Plan, Tally, Target, inventory_check::Summary, memory::Memory};

/// The caps; 0 means none at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Terminations in one run.
    pub max_terminations: u32,
    /// Of the account's live instances, rounded down; one may always go unless this is 0.
    pub max_percent: u32,
    /// Terminations in any 24 hours.
    pub max_per_day: u32,
    /// Live machines that a rule matches which must be left, unless the rule says otherwise.
    pub min_remaining: u32,
    /// By how many percent the fleet or its tags may shrink from one listing to the next.
    pub max_change_percent: u32,
    /// Of the calls of a run, once it made [`CALLS_MIN`]; when more fail, it stops.
    pub max_failure_percent: u32,
    /// So many calls of a run must be accepted before the others are made.
    pub canary: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_terminations: 20,
            max_percent: 10,
            max_per_day: 100,
            min_remaining: 0,
            max_change_percent: 50,
            max_failure_percent: 50,
            canary: 0,
        }
    }
}

/// What "in a day" means to `limits.max_per_day`.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// So many calls are made before `limits.max_failure_percent` is looked at.
pub const CALLS_MIN: u64 = 10;

/// A plan that may be executed.
#[must_use]
#[derive(Debug)]
pub struct Approved<'a> {
    plan: Plan<'a>,
}

impl<'a> Approved<'a> {
    /// The plan that was approved.
    pub fn plan(&self) -> &Plan<'a> {
        &self.plan
    }

    /// The instances to terminate.
    pub fn targets(&self) -> impl Iterator<Item = Target<'a>> {
        self.plan.targets()
    }
}

/// Approves a plan that stays within the limits.
pub fn approve<'a>(
    plan: Plan<'a>,
    limits: &Limits,
    memory: &Memory,
) -> Result<Approved<'a>, Refusal> {
    check(&plan, limits, memory).map(|()| Approved { plan })
}

/// Whether a plan stays within the limits.
pub fn check(plan: &Plan<'_>, limits: &Limits, memory: &Memory) -> Result<(), Refusal> {
    let Plan { now: _, decisions: _, summary, tallies, near_misses: _ } = plan;
    let wanted = plan.targets().count() as u64;
    check_sums(&Sums { summary: *summary, wanted, tallies }, limits, memory)
}

/// What the guards look at in a plan.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'p, 'a> {
    /// What the listing looks like.
    pub summary: Summary,
    /// How many machines it terminates.
    pub wanted: u64,
    /// What each rule would do.
    pub tallies: &'p [Tally<'a>],
}

/// Whether a plan that comes to these sums stays within the limits.
pub fn check_sums(sums: &Sums<'_, '_>, limits: &Limits, memory: &Memory) -> Result<(), Refusal> {
    let Sums { summary, wanted, tallies } = *sums;
    accepted(memory)?;
    let of_fleet = percent_of(summary.live, limits.max_percent);
    let in_a_run = u64::from(limits.max_terminations);
    for (guard, allowed, limit) in [
        (Guard::MaxTerminations, in_a_run, limits.max_terminations),
        (Guard::MaxPercent, of_fleet, limits.max_percent),
    ] {
        if wanted > allowed {
            return Err(Refusal::Cap { guard, wanted, allowed, limit });
        }
    }
    let (before, limit) = (memory.terminated_in_a_day, limits.max_per_day);
    if wanted > 0 && before + wanted > u64::from(limit) {
        return Err(Refusal::PerDay { wanted, before, limit });
    }
    tallies.iter().try_for_each(|tally| within_rule(tally, limits))
}

/// Whether the inventory is accepted.
pub(crate) fn accepted(memory: &Memory) -> Result<(), Refusal> {
    memory.inventory.rejection.clone().map_or(Ok(()), |rejection| Err(rejection.into()))
}

/// Whether one rule stays within its own limits.
fn within_rule(tally: &Tally<'_>, limits: &Limits) -> Result<(), Refusal> {
    let Tally { rule, matches: _, live, doomed, takes } = *tally;
    if let Some(limit) = rule.limits.max_terminations.filter(|limit| takes > u64::from(*limit)) {
        return Err(Refusal::RuleCap { rule: rule.name.clone(), wanted: takes, limit });
    }
    let limit = rule.limits.min_remaining.unwrap_or(limits.min_remaining);
    let left = live.saturating_sub(doomed);
    if doomed > 0 && left < u64::from(limit) {
        return Err(Refusal::TooFewLeft { rule: rule.name.clone(), live, left, limit });
    }
    Ok(())
}

/// A percentage, rounded down, but at least one unless it is 0 percent.
fn percent_of(live: u64, percent: u32) -> u64 {
    let rounded_down = live * u64::from(percent) / 100;
    if percent == 0 { 0 } else { rounded_down.max(1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        inventory::{Status, tests::instance},
        plan::{
            Scope,
            inventory_check::{InventoryCheck, Loss, Rejection},
            tests::{inventory, policy},
        },
    };

    const ALL: &str = "rules: [{ name: all, match: { zone: HKG-A } }]";

    /// Checks a plan that terminates `targets` of `live` machines, beside `recycled` ones.
    fn verdict(
        targets: usize,
        live: usize,
        recycled: usize,
        limits: Limits,
    ) -> Result<(), Refusal> {
        let one = |n: usize| {
            let mut one = instance(&format!("i-{n:05}"));
            if n >= targets {
                one.zone = Some("SEL-A".into());
            }
            if n >= live {
                one.status = Some(Status::Recycle);
            }
            one
        };
        let inventory = inventory((0..live + recycled).map(one).collect());
        let policy = policy(ALL);
        let (memory, now) = (Memory::default(), "2026-12-01T00:00:00Z".parse().unwrap());
        check(&Plan::draft(&inventory, &policy, &memory, &Scope::All, now), &limits, &memory)
    }

    fn refused(guard: Guard, wanted: u64, allowed: u64, limit: u32) -> Result<(), Refusal> {
        Err(Refusal::Cap { guard, wanted, allowed, limit })
    }

    #[test]
    fn caps_refuse_the_whole_plan_and_cannot_be_disarmed_by_accident() {
        let limits = |max_terminations, max_percent| Limits {
            max_terminations,
            max_percent,
            ..Limits::default()
        };
        assert_eq!(verdict(20, 200, 0, limits(20, 10)), Ok(()));
        assert_eq!(
            verdict(21, 1000, 0, limits(20, 10)),
            refused(Guard::MaxTerminations, 21, 20, 20)
        );
        assert_eq!(verdict(11, 109, 0, limits(20, 10)), refused(Guard::MaxPercent, 11, 10, 10));
        assert_eq!(verdict(10, 109, 0, limits(20, 10)), Ok(()));
        assert_eq!(verdict(1, 1, 0, limits(20, 10)), Ok(()), "one machine may always go");
        assert_eq!(verdict(2, 2, 0, limits(20, 10)), refused(Guard::MaxPercent, 2, 1, 10));
        assert_eq!(verdict(1, 100, 0, limits(0, 10)), refused(Guard::MaxTerminations, 1, 0, 0));
        assert_eq!(verdict(1, 100, 0, limits(20, 0)), refused(Guard::MaxPercent, 1, 0, 0));
        assert_eq!(verdict(0, 100, 0, limits(0, 0)), Ok(()), "nothing to do is within any limit");
        assert_eq!(verdict(2, 19, 500, limits(20, 10)), refused(Guard::MaxPercent, 2, 1, 10));
        assert_eq!(verdict(20, 20, 0, limits(20, 100)), Ok(()));
    }

    /// Checks a plan for three machines of one rule, two of which are due.
    fn of_two_in_three(rule: &str, limits: Limits, memory: &Memory) -> String {
        let policy = policy(&format!(
            "rules: [{{ name: r, match: {{ zone: HKG-A }}, expire: {{ tag: ttl }}, {rule} }}]"
        ));
        let mut fleet = ["a", "b", "c"].map(instance);
        for (one, ttl) in fleet.iter_mut().zip(["1h", "1h", "never"]) {
            one.tags = crate::inventory::tests::tags(&[("ttl", ttl)]);
        }
        let inventory = inventory(fleet.into());
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        let verdict =
            check(&Plan::draft(&inventory, &policy, memory, &Scope::All, now), &limits, memory);
        verdict.map_or_else(
            |refusal| format!("{}: {refusal}", refusal.guard().as_str()),
            |()| "approved".to_owned(),
        )
    }

    const LOOSE: Limits = Limits {
        max_terminations: 99,
        max_percent: 100,
        max_per_day: 100,
        min_remaining: 0,
        max_change_percent: 50,
        max_failure_percent: 50,
        canary: 0,
    };

    #[test]
    fn a_rule_has_limits_of_its_own() {
        let memory = Memory::default();
        let with = |rule: &str, limits| of_two_in_three(rule, limits, &memory);
        assert_eq!(with("limits: {}", LOOSE), "approved");
        assert_eq!(with("limits: { max_terminations: 2, min_remaining: 1 }", LOOSE), "approved");
        let refused = with("limits: { max_terminations: 1 }", LOOSE);
        assert!(refused.starts_with("max_terminations: "), "{refused}");
        assert!(refused.contains("`r` would terminate 2 machines"), "{refused}");
        let refused = with("limits: { min_remaining: 2 }", LOOSE);
        assert!(refused.starts_with("min_remaining: "), "{refused}");
        assert!(refused.contains("of the 3 live machines that the rule `r` matches"), "{refused}");
        let of_config = Limits { min_remaining: 2, ..LOOSE };
        assert!(with("limits: {}", of_config).starts_with("min_remaining: "));
        assert_eq!(with("limits: { min_remaining: 0 }", of_config), "approved");
    }

    #[test]
    fn a_day_has_a_limit() {
        let after = |terminated_in_a_day| {
            let memory = Memory { terminated_in_a_day, ..Memory::default() };
            of_two_in_three("limits: {}", Limits { max_per_day: 10, ..LOOSE }, &memory)
        };
        assert_eq!(after(8), "approved");
        assert!(after(9).contains("after 9 in the last 24 hours"), "{}", after(9));
        let none = Limits { max_per_day: 0, ..LOOSE };
        let refused = of_two_in_three("limits: {}", none, &Memory::default());
        assert!(refused.starts_with("max_per_day: "), "{refused}");
    }

    #[test]
    fn a_rejected_inventory_terminates_nothing() {
        let lost = Loss::Shrunk { what: "live instances", before: 7, after: 3 };
        let rejection = Some(Rejection { losses: vec![lost], limit: 50 });
        let inventory = InventoryCheck { rejection, ..InventoryCheck::default() };
        let memory = Memory { inventory, ..Memory::default() };
        let refused = of_two_in_three("limits: {}", LOOSE, &memory);
        assert!(refused.starts_with("max_change_percent: "), "{refused}");
        assert!(refused.contains("7 live instances became 3"), "{refused}");
    }

    proptest! {
        #[test]
        fn an_approved_plan_never_passes_a_cap(targets in 0usize..60, others in 0usize..60, count in 0u32..80, percent in 0u32..=100) {
            let live = targets + others;
            let limits =
                Limits { max_terminations: count, max_percent: percent, ..Limits::default() };
            if verdict(targets, live, 0, limits).is_ok() {
                prop_assert!(targets <= count as usize);
                prop_assert!(targets * 100 <= live * percent as usize || (targets == 1 && percent > 0));
            }
        }
    }
}
