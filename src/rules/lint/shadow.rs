//! Rules that never act, since an earlier one always acts before them.

use super::{View, logic::Budget};
use crate::{
    diagnostic::{Code, Problem},
    rules::{Expiry, Rule, TagExpiry},
};

/// How many comparisons of values are made at most, so that many long rules take no long time: some seconds. Rules of a usual length
/// come nowhere near, since the first condition that does not follow ends a comparison.
const STEPS_MAX: usize = 1_000_000_000;

/// Each rule that never acts, with the first one that takes its place.
///
/// It is so if the earlier rule takes each machine that the later one takes, and never later: see [`covers`] for the one and
/// [`is_as_early`] for the other. Caps do not matter, since a plan past a cap is refused whole; what is done to the machine does not
/// either, since the earlier rule does it.
pub(super) fn shadowed(views: &[View<'_>]) -> Vec<Problem> {
    let (mut found, budget) = (Vec::new(), Budget::of(STEPS_MAX));
    for (n, later) in views.iter().enumerate() {
        let takes_its_place = |earlier: &&View<'_>| {
            is_as_early(earlier.rule, later.rule) && covers(earlier, later, &budget)
        };
        if let Some(earlier) = views.iter().take(n).find(takes_its_place) {
            found.push(warning(earlier.rule, later.rule));
        }
    }
    found
}

fn warning(earlier: &Rule, later: &Rule) -> Problem {
    let (file, line) = earlier.origin.line();
    let message = format!(
        "this rule never acts: `{}` takes each machine that it takes, and no later",
        earlier.name
    );
    let help = format!("take one of the two out, or put this one before the one at {file}:{line}");
    later.origin.problem("name", Code::Shadowed, message, help)
}

/// Whether `earlier` surely takes each machine that `later` takes and that may be terminated. Of a rule that takes none there is
/// another thing to say.
fn covers(earlier: &View<'_>, later: &View<'_>, budget: &Budget) -> bool {
    let Some(cases) = later.cases.as_deref().filter(|_| later.conflict.is_none()) else {
        return false;
    };
    earlier.cases.is_some() && cases.iter().all(|case| case.implies(&earlier.takes, budget))
}

/// Whether `earlier` is ready to act on a machine that both take as soon as `later` is: it tells nobody before, has its turn
/// whenever the later one has, and is due no later.
fn is_as_early(earlier: &Rule, later: &Rule) -> bool {
    let same_turn = match (&earlier.schedule, &later.schedule) {
        (None, None) => true,
        (Some(one), Some(other)) => one.is_same(other),
        (None, Some(_)) | (Some(_), None) => false,
    };
    earlier.notice.is_none() && same_turn && is_due_as_early(&earlier.expiry, &later.expiry)
}

fn is_due_as_early(earlier: &Expiry, later: &Expiry) -> bool {
    match (earlier, later) {
        (Expiry::AtOnce, _) => true,
        (Expiry::After(earlier), Expiry::After(later)) => earlier <= later,
        // What is created between the two instants is due by the later one only.
        (Expiry::At(earlier), Expiry::At(later)) => earlier == later,
        (Expiry::Tag(earlier), Expiry::Tag(later)) => is_tag_as_early(earlier, later),
        (Expiry::After(_) | Expiry::At(_) | Expiry::Tag(_), _) => false,
    }
}

/// The same tag, read in the same way; where only one of two `min` makes it unreadable, neither rule acts. With a `max`, a tag that is a date needs the time of creation; so both have one or neither.
fn is_tag_as_early(earlier: &TagExpiry, later: &TagExpiry) -> bool {
    let by_default = match (earlier.default, later.default) {
        (_, None) => true,
        (Some(earlier), Some(later)) => earlier <= later,
        (None, Some(_)) => false,
    };
    let by_cap = match (earlier.max, later.max) {
        (None, None) => true,
        (Some(earlier), Some(later)) => earlier <= later,
        (None, Some(_)) | (Some(_), None) => false,
    };
    earlier.key == later.key && earlier.zone == later.zone && by_default && by_cap
}
