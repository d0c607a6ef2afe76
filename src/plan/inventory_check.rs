//! The inventory check: whether a complete inventory is believable.
//!
//! A lookup of tags that failed and made instances look untagged has wiped fleets elsewhere; so has a listing of half a fleet. So an
//! inventory is compared, instance by instance, with what the journal has of the last *accepted* one, and is rejected if it lost too
//! much. A rejected inventory is never evidence for another one: only a fleet that shrank, and lost nothing else, is accepted when
//! the next inventory is equal; whatever else was lost, an operator accepts by `zenreaper accept-inventory`.
//!
//! Pure: the journal passes what it has one row at a time, in any order, so that a million rows need no memory of their own.

mod rejection;
mod tally;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

pub use self::rejection::{Loss, Rejection};
use self::tally::Tally;
use super::{
    Policy,
    fingerprint::{EMPTY, Fingerprint, SLOTS, field_marks, tag_marks},
};
use crate::{
    inventory::{Instance, InstanceId, Inventory},
    rules::{Field, Protective},
};

/// How far the clock of the API may be ahead of ours.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How much there is in an inventory: of the live instances, since the others wait in the recycle bin.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// How many live instances there are.
    pub live: u64,
    /// How many tags they have in all.
    pub tags: u64,
}

impl Summary {
    /// Returns how much there is in an inventory.
    #[must_use]
    pub fn of(inventory: &Inventory) -> Self {
        let live = inventory.instances().iter().filter(|instance| instance.is_live());
        let tags = live.map(|instance| instance.tags.len() as u64).sum();
        Self { live: inventory.live() as u64, tags }
    }

    /// Returns what is left without instances that were terminated.
    #[must_use]
    pub fn without(self, terminated: Self) -> Self {
        Self {
            live: self.live.saturating_sub(terminated.live),
            tags: self.tags.saturating_sub(terminated.tags),
        }
    }

    fn add(&mut self, tags: u64) {
        self.live += 1;
        self.tags += tags;
    }
}

/// What the check found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct InventoryCheck {
    /// Why the inventory is rejected; `None`: it is accepted.
    pub rejection: Option<Rejection>,
    /// The instances whose own protection vanished since the last accepted inventory: none is terminated in this run.
    pub unprotected: HashSet<InstanceId>,
}

impl InventoryCheck {
    /// Returns what the check of the next run finds if that run lists the same.
    #[must_use]
    pub fn next(self) -> Self {
        match self.rejection {
            None => Self::default(),
            Some(rejection) if rejection.is_shrink() => Self { rejection: None, ..self },
            Some(_) => self,
        }
    }
}

/// How the last known data of an instance stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// The last accepted inventory has the instance, live.
    Live,
    /// It does not, and it lost no more than it may.
    Gone,
    /// It does not, and was accepted although it lost more than it may.
    Missing,
}

/// What the journal knows of an instance from the last accepted inventory that had it.
#[derive(Clone, Copy, Debug)]
pub struct Known<'r> {
    /// The instance's id.
    pub id: &'r str,
    /// When it was created, in milliseconds.
    pub created_ms: Option<i64>,
    /// The marks of its fields.
    pub fields: &'r str,
    /// The marks of its tags.
    pub tags: &'r str,
    /// Whether it was protected or excluded.
    pub spared: bool,
    /// How it stands.
    pub standing: Standing,
}

/// What is known of the last accepted inventory as a whole.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// When it was listed.
    pub at: Option<Timestamp>,
    /// How much there was in it, if a version before this one accepted it and wrote no more; less what we terminated since.
    pub counts: Option<Summary>,
    /// Whether it was judged by the same rules and config.
    pub same_policy: bool,
    /// The instances that we terminated since, or may have.
    pub ours: HashSet<String>,
    /// The digest of the inventory that was rejected right before this one.
    pub rejected: Option<String>,
}

/// What is to be written of a listed instance.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// Whether the journal knows it.
    is_known: bool,
    /// Whether what the journal knows is the same.
    is_same: bool,
    /// Whether it is protected or excluded.
    spared: bool,
}

/// A comparison of an inventory with the last accepted one.
#[derive(Debug)]
pub struct Comparison<'a> {
    inventory: &'a Inventory,
    policy: &'a Policy,
    protective: Protective,
    limit: u32,
    now: Timestamp,
    accepted: Accepted,
    marks: Vec<Mark>,
    vanished: Vec<Box<str>>,
    unprotected: HashSet<InstanceId>,
    tally: Tally,
}

/// What came of a comparison: the verdict, and what the journal is to write.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The verdict.
    pub check: InventoryCheck,
    /// Tells this inventory from another one, if it lost too much.
    pub digest: Option<String>,
    /// The instances that are not listed any more.
    pub vanished: Vec<Box<str>>,
    marks: Vec<Mark>,
}

/// What the journal is to know of an instance.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The instance's id.
    pub id: &'a str,
    /// Its fingerprint.
    pub print: Fingerprint,
    /// Whether it is protected or excluded.
    pub spared: bool,
}

impl Checked {
    /// Returns the live instances that the journal does not know as they are, in the order of the ids.
    pub fn changed<'a>(&'a self, inventory: &'a Inventory) -> impl Iterator<Item = Row<'a>> {
        self.rows(inventory, |mark| !mark.is_same)
    }

    /// Returns all live instances, in the order of the ids.
    pub fn all<'a>(&'a self, inventory: &'a Inventory) -> impl Iterator<Item = Row<'a>> {
        self.rows(inventory, |_| true)
    }

    fn rows<'a>(
        &'a self,
        inventory: &'a Inventory,
        is_wanted: fn(&Mark) -> bool,
    ) -> impl Iterator<Item = Row<'a>> {
        let marked = inventory.instances().iter().zip(&self.marks);
        let wanted = marked.filter(move |(one, mark)| one.is_live() && is_wanted(mark));
        wanted.map(|(one, mark)| Row {
            id: one.id.as_str(),
            print: Fingerprint::of(one),
            spared: mark.spared,
        })
    }
}

impl<'a> Comparison<'a> {
    /// Begins to compare an inventory that was listed just before `now`.
    #[must_use]
    pub fn new(
        inventory: &'a Inventory,
        policy: &'a Policy,
        max_change_percent: u32,
        accepted: Accepted,
        now: Timestamp,
    ) -> Self {
        Self {
            inventory,
            policy,
            protective: Protective::of(&policy.rules, &policy.protect),
            limit: max_change_percent,
            now,
            accepted,
            marks: vec![Mark::default(); inventory.instances().len()],
            vanished: Vec::new(),
            unprotected: HashSet::new(),
            tally: Tally::default(),
        }
    }

    /// Compares the next instance that the journal knows.
    pub fn take(&mut self, known: &Known<'_>) {
        let all = self.inventory.instances();
        let found = all.binary_search_by(|one| one.id.as_str().cmp(known.id)).ok();
        let found = found.and_then(|n| all.get(n).map(|one| (n, one)));
        match found.filter(|(_, one)| one.is_live()) {
            Some((n, instance)) => self.meet(n, instance, known),
            None => self.miss(known),
        }
    }

    /// Takes note of an instance that is not listed, or not live.
    fn miss(&mut self, known: &Known<'_>) {
        let is_ours = self.accepted.ours.contains(known.id);
        if known.standing == Standing::Live {
            self.vanished.push(known.id.into());
            if !is_ours {
                let tags = tag_marks(known.tags).map_or(0, |tags| tags.len() as u64);
                self.tally.before.add(tags);
                self.tally.vanished.add(tags);
            }
        }
        self.tally.known += u64::from(known.standing != Standing::Gone && !is_ours);
    }

    /// Compares an instance that is listed.
    fn meet(&mut self, n: usize, instance: &'a Instance, known: &Known<'_>) {
        let print = Fingerprint::of(instance);
        let spared = self.policy.spares(instance, self.now);
        let is_counted = known.standing != Standing::Gone;
        self.tally.known += u64::from(is_counted);
        if self.is_reborn(known, &print) {
            if known.standing == Standing::Live {
                self.tally.before.add(tag_marks(known.tags).map_or(0, |tags| tags.len() as u64));
            }
            self.mark(n, Mark { is_known: false, is_same: false, spared });
            return;
        }
        self.tally.common += u64::from(is_counted);
        self.creation(instance, known, &print);
        let is_equal = known.fields == print.fields && known.tags == print.tags;
        let (tags, is_hit) = if is_equal {
            (instance.tags.len() as u64, self.count_equal(instance, &print))
        } else {
            self.count_changed(known, &print)
        };
        if known.standing == Standing::Live {
            self.tally.before.add(tags);
        }
        if is_hit && (known.spared || !self.accepted.same_policy) {
            self.unprotected.insert(instance.id.clone());
        }
        let is_same = is_equal
            && known.created_ms == print.created_ms
            && known.spared == spared
            && known.standing == Standing::Live;
        self.mark(n, Mark { is_known: true, is_same, spared });
    }

    fn mark(&mut self, n: usize, mark: Mark) {
        if let Some(own) = self.marks.get_mut(n) {
            *own = mark;
        }
    }

    /// Returns whether an instance was created under a known id after the last accepted inventory: a new one, without history.
    fn is_reborn(&self, known: &Known<'_>, print: &Fingerprint) -> bool {
        known.created_ms != print.created_ms
            && known.created_ms.is_some()
            && self.is_new(print.created_ms)
    }

    /// Returns whether what was created then cannot have been in the last accepted inventory.
    fn is_new(&self, created_ms: Option<i64>) -> bool {
        let Some((created, accepted)) = created_ms.zip(self.accepted.at) else { return false };
        let latest = self.now.saturating_add(SKEW_MAX).unwrap_or(Timestamp::MAX);
        created > accepted.as_millisecond() && created <= latest.as_millisecond()
    }

    fn creation(&mut self, instance: &Instance, known: &Known<'_>, print: &Fingerprint) {
        match (known.created_ms, print.created_ms) {
            (None, _) => {}
            (Some(_), None) => {
                self.tally.created.carriers += 1;
                self.tally.created.lost += 1;
            }
            (Some(before), Some(after)) => {
                self.tally.created.carriers += 1;
                if before != after {
                    self.tally.moved(&instance.id);
                }
            }
        }
    }

    /// Counts an instance whose fields and tags are what they were.
    fn count_equal(&mut self, instance: &Instance, print: &Fingerprint) -> bool {
        let Self { tally, protective, .. } = self;
        let mark = |value: &str| if value.trim().is_empty() { EMPTY } else { "set" };
        let pairs = instance.tags.iter().map(|(key, value)| (key, mark(value), Some(mark(value))));
        tally.tags(pairs, protective);
        tally.fields(field_marks(&print.fields).map(|mark| (mark, mark)), protective);
        false
    }

    /// Counts an instance that changed: how many tags it had, and whether its protection may have vanished. What cannot be read of
    /// the time before may have protected it.
    fn count_changed(&mut self, known: &Known<'_>, print: &Fingerprint) -> (u64, bool) {
        let Self { tally, protective, .. } = self;
        let fields = field_marks(known.fields).zip(field_marks(&print.fields));
        let is_field_hit = tally.fields(fields, protective);
        let after = tag_marks(&print.tags).unwrap_or_default();
        let after: HashMap<&str, &str> = after.iter().map(|(k, v)| (&**k, &**v)).collect();
        let Some(before) = tag_marks(known.tags) else { return (0, true) };
        let pairs = before.iter().map(|(key, mark)| {
            let now = after.get(key.as_str()).copied();
            (key.as_str(), mark.as_str(), now)
        });
        let is_tag_hit = tally.tags(pairs, protective);
        (before.len() as u64, is_field_hit || is_tag_hit)
    }

    /// Returns what came of the comparison.
    #[must_use]
    pub fn finish(mut self) -> Checked {
        let Self { inventory, policy, now, .. } = self;
        for (n, instance) in inventory.instances().iter().enumerate() {
            let Some(mark) = self.marks.get(n).copied().filter(|_| instance.is_live()) else {
                continue;
            };
            let created_ms = instance.created.map(Timestamp::as_millisecond);
            self.tally.listed += u64::from(mark.is_known || !self.is_new(created_ms));
            if !mark.is_known {
                self.mark(n, Mark { spared: policy.spares(instance, now), ..mark });
            }
        }
        let after = Summary::of(inventory);
        let mut losses = Vec::new();
        if let Some(before) = self.accepted.counts {
            self.tally.before = Summary::default();
            losses.extend(lost_counts(before, after, self.limit));
        }
        losses.extend(self.tally.losses(&self.protective, self.limit, after));
        let digest = (!losses.is_empty()).then(|| self.digest());
        let rejection = Some(Rejection { losses, limit: self.limit }).filter(|rejection| {
            let is_second = self.accepted.rejected.is_some() && self.accepted.rejected == digest;
            !(rejection.losses.is_empty() || (rejection.is_shrink() && is_second))
        });
        let check = InventoryCheck { rejection, unprotected: self.unprotected };
        Checked { check, digest, vanished: self.vanished, marks: self.marks }
    }

    /// Tells this inventory from another one by its ids and fingerprints. A status does not count, since it changes by itself, unless
    /// protection depends on it.
    fn digest(&self) -> String {
        let with_status = self.protective.has_field(Field::Status);
        let mut hasher = Sha256::new();
        let live = self.inventory.instances().iter().filter(|one| one.is_live());
        for instance in live {
            let Fingerprint { created_ms, fields, tags } = Fingerprint::of(instance);
            let fields = field_marks(&fields).zip(SLOTS);
            let fields = fields.filter(|(_, field)| with_status || *field != Field::Status);
            let fields: Vec<_> = fields.map(|(mark, _)| mark).collect();
            let print = (instance.id.as_str(), created_ms, fields, tags);
            // Text and numbers can always be written as JSON.
            hasher.update(serde_json::to_vec(&print).unwrap_or_default());
        }
        for odd in self.inventory.unreadable() {
            hasher.update(serde_json::to_vec(odd.id.as_str()).unwrap_or_default());
        }
        hex::encode(hasher.finalize())
    }
}

/// Returns what was lost since an inventory of which only the counts are known. If the instances that are left have fewer tags each,
/// tags were lost.
fn lost_counts(before: Summary, after: Summary, limit: u32) -> Vec<Loss> {
    let is_over =
        |before: u64, after: u64| before.saturating_sub(after) * 100 > before * u64::from(limit);
    let mut losses = Vec::new();
    if is_over(before.live, after.live) {
        losses.push(Loss::Shrunk {
            what: "live instances",
            before: before.live,
            after: after.live,
        });
    }
    if is_over(before.tags, after.tags) {
        let each = (before.tags * after.live, after.tags * before.live);
        losses.push(if is_over(each.0, each.1) {
            Loss::Tags { lost: before.tags.saturating_sub(after.tags), of: before.tags }
        } else {
            Loss::Shrunk { what: "tags", before: before.tags, after: after.tags }
        });
    }
    losses
}
