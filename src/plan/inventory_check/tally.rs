//! What is counted when an inventory is compared with the last accepted one.

use std::collections::BTreeMap;

use super::{Loss, Summary};
use crate::{
    inventory::InstanceId,
    plan::fingerprint::{ABSENT, EMPTY, SLOTS},
    rules::{Field, Protective},
};

/// The most distinct tag keys that are counted one by one; the values of all are counted together too.
const KEYS_MAX: usize = 10_000;

/// How many instances had something, and what became of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) carriers: u64,
    pub(super) lost: u64,
    pub(super) changed: u64,
}

/// The counts of a comparison.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The live instances of the last accepted inventory, less those that we terminated.
    pub(super) before: Summary,
    /// Of these, what is not listed any more.
    pub(super) vanished: Summary,
    /// The ids that this inventory should have.
    pub(super) known: u64,
    /// Those that it has.
    pub(super) common: u64,
    /// Of the listed instances, those that could have been in the last accepted inventory.
    pub(super) listed: u64,
    pub(super) created: Count,
    pub(super) moved: Option<(u64, InstanceId)>,
    fields: [Count; SLOTS.len()],
    keys: BTreeMap<Box<str>, Count>,
    values: BTreeMap<Box<str>, Count>,
    /// Instances with a value that is not empty; instances on which one became empty.
    valued: Count,
    /// Instances with tags; instances that lost a tag; instances that lost all of them.
    tagged: Count,
    lost_all: u64,
    /// Tags; tags that were lost.
    tags: Count,
}

/// Returns whether more than the limit was lost. A single instance is not an inventory that lies: whoever takes one tag off one
/// instance means it, and that instance waits for a run. A limit of 0 is meant, too.
fn is_over(lost: u64, of: u64, instances: u64, limit: u32) -> bool {
    lost * 100 > of * u64::from(limit) && (instances > 1 || limit == 0)
}

/// The tags of one instance as they are compared: key, mark before, and mark now unless the tag was lost.
pub(super) type TagPair<'t> = (&'t str, &'t str, Option<&'t str>);

impl Tally {
    /// Counts the fields of an instance; whether one changed that protection depends on.
    pub(super) fn fields<'m>(
        &mut self,
        marks: impl Iterator<Item = (&'m str, &'m str)>,
        protective: &Protective,
    ) -> bool {
        let mut is_hit = false;
        for ((count, field), (before, after)) in self.fields.iter_mut().zip(SLOTS).zip(marks) {
            if before == ABSENT {
                continue;
            }
            count.carriers += 1;
            count.lost += u64::from(after == ABSENT);
            count.changed += u64::from(after != before);
            is_hit |= after != before && protective.has_field(field);
        }
        is_hit
    }

    /// Counts the tags of an instance; whether one changed that protection depends on.
    pub(super) fn tags<'t>(
        &mut self,
        pairs: impl Iterator<Item = TagPair<'t>>,
        protective: &Protective,
    ) -> bool {
        let (mut is_hit, mut all, mut lost, mut valued, mut emptied) = (false, 0, 0, 0, 0);
        for (key, before, after) in pairs {
            all += 1;
            let is_lost = after.is_none();
            lost += u64::from(is_lost);
            let is_changed = after != Some(before);
            let (is_key, is_expiry) = (protective.has_key(key), protective.has_expiry_key(key));
            if is_key || is_expiry {
                let count = slot(&mut self.keys, key);
                count.carriers += 1;
                count.lost += u64::from(is_lost);
                // An expiry that is put off on all instances is no loss.
                count.changed += u64::from(is_changed && !is_lost && is_key);
                is_hit |= if is_key { is_changed } else { is_lost };
            }
            if before != EMPTY {
                let is_emptied = after == Some(EMPTY);
                valued += 1;
                emptied += u64::from(is_emptied);
                if self.values.len() < KEYS_MAX || self.values.contains_key(key) {
                    let count = slot(&mut self.values, key);
                    count.carriers += 1;
                    count.lost += u64::from(is_emptied);
                }
            }
        }
        self.tags.carriers += all;
        self.tags.lost += lost;
        self.tagged.carriers += u64::from(all > 0);
        self.tagged.lost += u64::from(lost > 0);
        self.lost_all += u64::from(all > 0 && lost == all);
        self.valued.carriers += u64::from(valued > 0);
        self.valued.lost += u64::from(emptied > 0);
        is_hit
    }

    /// Takes note of an instance whose creation time is another than it was.
    pub(super) fn moved(&mut self, id: &InstanceId) {
        match &mut self.moved {
            Some((count, example)) => {
                *count += 1;
                // The same example in whatever order the journal tells.
                if id < example {
                    example.clone_from(id);
                }
            }
            None => self.moved = Some((1, id.clone())),
        }
    }

    /// Returns all losses past the limit, those that protection depends on first. `after` is what is listed.
    pub(super) fn losses(&self, protective: &Protective, limit: u32, after: Summary) -> Vec<Loss> {
        let mut losses = Vec::new();
        self.lost_keys(&mut losses, limit);
        self.lost_fields(&mut losses, protective, limit);
        self.lost_values(&mut losses, limit);
        self.lost_tags(&mut losses, limit);
        if let Some((moved, example)) = self.moved.clone() {
            losses.push(Loss::Moved { moved, example });
        }
        let Count { carriers, lost, .. } = self.created;
        if is_over(lost, carriers, lost, limit) {
            losses.push(Loss::Created { lost, carriers });
        }
        let of = self.known.min(self.listed);
        if self.common * 2 < of {
            losses.push(Loss::Ids { common: self.common, of });
        }
        self.shrunk(&mut losses, limit, after);
        losses
    }

    fn lost_keys(&self, losses: &mut Vec<Loss>, limit: u32) {
        for (key, Count { carriers, lost, changed }) in &self.keys {
            let (key, carriers) = (key.clone(), *carriers);
            if is_over(*lost, carriers, *lost, limit) {
                losses.push(Loss::Key { key, lost: *lost, carriers });
            } else if is_over(lost + changed, carriers, lost + changed, limit) {
                losses.push(Loss::KeyValue { key, changed: lost + changed, carriers });
            }
        }
    }

    fn lost_fields(&self, losses: &mut Vec<Loss>, protective: &Protective, limit: u32) {
        let mut told: Option<Field> = None;
        for (Count { carriers, lost, changed }, field) in self.fields.iter().zip(SLOTS) {
            let (lost, changed, carriers) = (*lost, *changed, *carriers);
            let found = if is_over(lost, carriers, lost, limit) {
                Loss::Field { field, lost, carriers }
            } else if protective.has_field(field) && is_over(changed, carriers, changed, limit) {
                Loss::FieldValue { field, changed, carriers }
            } else {
                continue;
            };
            if told.replace(field) != Some(field) {
                losses.push(found);
            }
        }
    }

    fn lost_values(&self, losses: &mut Vec<Loss>, limit: u32) {
        let before = losses.len();
        for (key, Count { carriers, lost, .. }) in &self.values {
            let (lost, carriers) = (*lost, *carriers);
            if is_over(lost, carriers, lost, limit) {
                losses.push(Loss::Values { key: Some(key.clone()), lost, carriers });
            }
        }
        let Count { carriers, lost, .. } = self.valued;
        if losses.len() == before && is_over(lost, carriers, lost, limit) {
            losses.push(Loss::Values { key: None, lost, carriers });
        }
    }

    fn lost_tags(&self, losses: &mut Vec<Loss>, limit: u32) {
        let Count { carriers, lost, .. } = self.tagged;
        if is_over(self.lost_all, carriers, self.lost_all, limit) {
            losses.push(Loss::Untagged { lost: self.lost_all, carriers });
        } else if is_over(self.tags.lost, self.tags.carriers, lost, limit) {
            losses.push(Loss::Tags { lost: self.tags.lost, of: self.tags.carriers });
        }
    }

    /// Tags count here as far as they went with their instances.
    fn shrunk(&self, losses: &mut Vec<Loss>, limit: u32, after: Summary) {
        let mut push = |what, before: u64, after: u64| {
            if before.saturating_sub(after) * 100 > before * u64::from(limit) {
                losses.push(Loss::Shrunk { what, before, after });
            }
        };
        push("live instances", self.before.live, after.live);
        if self.vanished.tags > 0 {
            push("tags", self.before.tags, after.tags);
        }
    }
}

fn slot<'k>(map: &'k mut BTreeMap<Box<str>, Count>, key: &str) -> &'k mut Count {
    if !map.contains_key(key) {
        map.insert(key.into(), Count::default());
    }
    // It was just put there.
    map.entry(key.into()).or_default()
}
