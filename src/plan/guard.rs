//! Whether a whole plan is believable.
//!
//! A rule that is wrong, or a cloud that lies, shows in numbers first. A plan past a cap is refused whole: half of a mistake
//! is a mistake. Only this file can make an [`Approved`], and only an `Approved` can be executed.

use super::Plan;
use crate::{inventory::Instance, rules::Rule};

/// The caps; 0 means none at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Terminations in one run.
    pub max_terminations: u32,
    /// Of the account's live instances, rounded down; one may always go unless this is 0.
    pub max_percent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_terminations: 20, max_percent: 10 }
    }
}

/// A guard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guard {
    /// `limits.max_terminations`.
    MaxTerminations,
    /// `limits.max_percent`.
    MaxPercent,
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 2] = [Self::MaxTerminations, Self::MaxPercent];

    /// The guard's name, that of its key under `limits`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaxTerminations => "max_terminations",
            Self::MaxPercent => "max_percent",
        }
    }
}

/// Why a plan is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the plan is refused whole: it would terminate {wanted} machines, and limits.{guard}: {limit} allows {allowed}; look at it with `zenreaper plan`, and if it is right, raise the limit",
    guard = guard.as_str()
)]
pub struct Refusal {
    /// Which guard.
    pub guard: Guard,
    /// How many machines the plan terminates.
    pub wanted: u64,
    /// How many it may.
    pub allowed: u64,
    /// The configured limit.
    pub limit: u32,
}

/// A plan that may be executed.
#[must_use]
#[derive(Debug)]
pub struct Approved<'a> {
    plan: Plan<'a>,
}

impl<'a> Approved<'a> {
    /// The instances to terminate, each with the rule that says so.
    pub fn targets(&self) -> impl Iterator<Item = (&'a Instance, &'a Rule)> {
        self.plan.targets()
    }
}

/// Approves a plan that stays within the limits.
pub fn approve<'a>(plan: Plan<'a>, limits: &Limits) -> Result<Approved<'a>, Refusal> {
    check(&plan, limits).map(|()| Approved { plan })
}

/// Whether a plan stays within the limits.
pub fn check(plan: &Plan<'_>, limits: &Limits) -> Result<(), Refusal> {
    let Limits { max_terminations, max_percent } = *limits;
    let wanted = plan.targets().count() as u64;
    let of_fleet = percent_of(plan.live as u64, max_percent);
    for (guard, allowed, limit) in [
        (Guard::MaxTerminations, u64::from(max_terminations), max_terminations),
        (Guard::MaxPercent, of_fleet, max_percent),
    ] {
        if wanted > allowed {
            return Err(Refusal { guard, wanted, allowed, limit });
        }
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
        plan::tests::{inventory, policy},
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
        check(&Plan::draft(&inventory, &policy, "2026-12-01T00:00:00Z".parse().unwrap()), &limits)
    }

    fn refused(guard: Guard, wanted: u64, allowed: u64, limit: u32) -> Result<(), Refusal> {
        Err(Refusal { guard, wanted, allowed, limit })
    }

    #[test]
    fn caps_refuse_the_whole_plan_and_cannot_be_disarmed_by_accident() {
        let limits = |max_terminations, max_percent| Limits { max_terminations, max_percent };
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

    proptest! {
        #[test]
        fn an_approved_plan_never_passes_a_cap(targets in 0usize..60, others in 0usize..60, count in 0u32..80, percent in 0u32..=100) {
            let live = targets + others;
            let limits = Limits { max_terminations: count, max_percent: percent };
            if verdict(targets, live, 0, limits).is_ok() {
                prop_assert!(targets <= count as usize);
                prop_assert!(targets * 100 <= live * percent as usize || (targets == 1 && percent > 0));
            }
        }
    }
}
