//! What two sets of rules come to within a week.
//!
//! A judgement at one instant does not see what time alone brings: an age that a rule asks for, a notice that is over, a schedule
//! that fires. So both sets are forecast. The caps of the config are raised out of the way, since a plan past a cap is refused
//! whole, and that would hide what a rule takes; a pause is left out for the same reason.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    forecast::{self, Given, What},
    inventory::Inventory,
    plan::{Policy, guard::Limits, memory::Memory},
    schedule::Schedule,
    view::Seen,
};

/// How far ahead is looked.
pub(super) const DAYS: i64 = 7;

/// Instances by their ids, and when each is terminated.
pub(super) type Ends = BTreeMap<String, Timestamp>;

/// What the new rules do within a week that the old ones do not.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// Terminations of instances that the old rules leave alone for a week.
    pub(super) more: Ends,
    /// Terminations that come sooner than by the old rules.
    pub(super) sooner: Ends,
    /// Instances whose owners are notified, and are not by the old rules.
    pub(super) notified: BTreeSet<String>,
}

/// Compares the old policy and the new one.
pub(super) fn compare(
    seen: &Seen,
    (inventory, memory): (&Inventory, &Memory),
    schedule: &Schedule,
    [old, new]: [&Policy; 2],
    now: Timestamp,
) -> Outlook {
    let limits = Limits {
        max_terminations: u32::MAX,
        max_percent: 100,
        max_per_day: u32::MAX,
        ..seen.limits
    };
    let memory = &Memory { pause: None, ..memory.clone() };
    let week = |policy| {
        // Without a pace, so that one termination more does not delay the others.
        let interval = SignedDuration::ZERO;
        Week::of(&Given { policy, inventory, memory, limits, schedule, interval }, now)
    };
    let (old, mut new) = (week(old), week(new));
    let mut outlook = Outlook::default();
    for (id, at) in new.ends {
        match old.ends.get(&id) {
            None => drop(outlook.more.insert(id, at)),
            Some(before) if at < *before => drop(outlook.sooner.insert(id, at)),
            Some(_) => {}
        }
    }
    new.notified.retain(|id| !old.notified.contains(id) && !old.ends.contains_key(id));
    outlook.notified = new.notified;
    outlook
}

/// What happens within a week.
#[derive(Default)]
struct Week {
    ends: Ends,
    notified: BTreeSet<String>,
}

impl Week {
    fn of(given: &Given<'_>, now: Timestamp) -> Self {
        let length = SignedDuration::from_hours(24 * DAYS);
        let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
        let mut week = Self::default();
        for event in forecast::forecast(given, now, until).events {
            match event.what {
                What::Terminated { instance, .. } => {
                    week.ends.entry(instance.id.as_str().to_owned()).or_insert(event.at);
                }
                What::Noticed { instance, .. } => {
                    week.notified.insert(instance.id.as_str().to_owned());
                }
                What::Withdrawn { .. } | What::Refused(_) => {}
            }
        }
        week
    }
}
