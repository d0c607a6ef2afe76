//! Promises: what the owners of instances were told of terminations to come, and how that binds every rule.
//!
//! A promise belongs to the instance, not to the rule that caused it. No rule terminates the instance before the latest time that
//! a notice named: renaming, adding or editing rules brings no termination forward. A rule with `notice` also grants its whole
//! period, counted from the sending to the present owner.

use jiff::Timestamp;

use super::{Telling, memory::Memory};
use crate::{
    inventory::{Instance, InstanceId},
    rules::{Delivery, RuleName},
};

/// How far a promise binds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Force {
    /// It stands.
    Stands,
    /// It stands under the name of an account that the config does not know any more.
    Orphaned,
    /// It was withdrawn or replaced, or another account of the config made it: its time binds, and nobody counts as notified by it.
    TimeOnly,
}

/// What the owner of an instance was promised by a notice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Promise {
    /// The journal's name for it.
    pub key: String,
    /// The rule that caused the notice. This is information: the promise binds every rule.
    pub rule: RuleName,
    /// The value of the owner tag that the notice was addressed by, empty if there was none; `None`: not recorded.
    pub owner: Option<String>,
    /// When the notice was written.
    pub begun_at: Timestamp,
    /// When it had reached every sink; `None`: the owner is not told yet.
    pub told_at: Option<Timestamp>,
    /// The earliest termination that the notice names.
    pub terminate_at: Timestamp,
    /// How far it binds.
    pub force: Force,
}

impl Promise {
    /// Whether it is about this instance: one that was created later only has the same id.
    #[must_use]
    pub fn is_about(&self, instance: &Instance) -> bool {
        instance.created.is_none_or(|created| created <= self.begun_at)
    }

    /// Whether it stands.
    #[must_use]
    pub fn stands(&self) -> bool {
        match self.force {
            Force::Stands | Force::Orphaned => true,
            Force::TimeOnly => false,
        }
    }

    /// Whether its notice was addressed to the owner whom the owner tag names now. White space around the value is no part of
    /// the name, as for the address of a mail; letter case is. An owner who was not recorded is nobody's.
    #[must_use]
    pub fn is_to(&self, owner: Option<&str>) -> bool {
        self.owner.as_deref().is_some_and(|own| own.trim() == owner.unwrap_or_default().trim())
    }

    /// Since when the period of a notice counts that is delivered so; `None`: it does not count yet.
    fn counts_since(&self, delivery: Delivery) -> Option<Timestamp> {
        match delivery {
            Delivery::Required => self.told_at,
            Delivery::Attempted => Some(self.begun_at),
        }
    }
}

/// What binds the termination of one instance, whichever rule takes it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bound<'m> {
    /// The last promise that stands.
    standing: Option<&'m Promise>,
    /// Whether that one was addressed to the present owner.
    is_to_owner: bool,
    /// Of all promises, the one that names the latest time.
    latest: Option<&'m Promise>,
}

impl<'m> Bound<'m> {
    /// The last promise that stands, whoever it was addressed to.
    pub(crate) fn standing(self) -> Option<&'m Promise> {
        self.standing
    }

    /// The last promise that stands, if it was addressed to the present owner.
    pub(crate) fn to_owner(self) -> Option<&'m Promise> {
        self.standing.filter(|_| self.is_to_owner)
    }

    /// Of all promises, the one that names the latest time: nothing is terminated earlier.
    pub(crate) fn latest(self) -> Option<&'m Promise> {
        self.latest
    }

    /// When an instance may go that is due then.
    pub(crate) fn not_before(self, due_at: Timestamp) -> Timestamp {
        self.latest.map_or(due_at, |latest| due_at.max(latest.terminate_at))
    }

    /// Since when the present owner has notice; `None`: the period of a notice that is delivered so does not count yet.
    pub(crate) fn counts_since(self, delivery: Delivery) -> Option<Timestamp> {
        self.to_owner()?.counts_since(delivery)
    }

    /// Whether the present owner was promised this time of termination, or a later one.
    pub(super) fn covers(self, due_at: Timestamp) -> bool {
        self.to_owner().is_some_and(|promise| promise.terminate_at >= due_at)
    }

    /// How far the telling is for a rule that sends no notice and is due then: `None` if no promise holds it back.
    pub(super) fn telling(self, due_at: Timestamp) -> Option<Telling> {
        let latest = self.latest.filter(|latest| latest.terminate_at > due_at)?;
        Some(latest.told_at.map_or(Telling::Undelivered, |_| Telling::Told))
    }
}

impl Memory {
    /// The owner of an instance: the value of its owner tag.
    #[must_use]
    pub fn owner<'i>(&self, instance: &'i Instance) -> Option<&'i str> {
        instance.tags.get(self.owner_tag.as_deref()?)
    }

    /// The last promise about an instance that stands.
    #[must_use]
    pub fn promise(&self, instance: &Instance) -> Option<&Promise> {
        self.bound(instance).standing
    }

    /// What binds the termination of an instance.
    pub(crate) fn bound(&self, instance: &Instance) -> Bound<'_> {
        let Some(all) = self.promises.get(&instance.id) else { return Bound::default() };
        let about = || all.iter().filter(|promise| promise.is_about(instance));
        let standing = about().rfind(|promise| promise.stands());
        Bound {
            standing,
            is_to_owner: standing.is_some_and(|promise| promise.is_to(self.owner(instance))),
            latest: about().max_by_key(|promise| promise.terminate_at),
        }
    }

    /// Adds a promise. It replaces those that stood: their time still binds.
    pub fn begin_promise(&mut self, id: &InstanceId, promise: Promise) {
        self.end_promises(id, |_| true);
        self.promises.entry(id.clone()).or_default().push(promise);
    }

    /// Ends the promises about an instance that are over: their time still binds.
    pub fn end_promises(&mut self, id: &InstanceId, is_over: impl Fn(&Promise) -> bool) {
        let all = self.promises.get_mut(id).into_iter().flatten();
        for promise in all.filter(|promise| promise.stands() && is_over(promise)) {
            promise.force = Force::TimeOnly;
        }
    }

    /// Notes that the notices about an instance that were on their way arrived.
    pub fn deliver_promises(&mut self, id: &InstanceId, now: Timestamp) {
        let all = self.promises.get_mut(id).into_iter().flatten();
        for promise in all.filter(|promise| promise.stands()) {
            promise.told_at = promise.told_at.or(Some(now));
        }
    }
}
