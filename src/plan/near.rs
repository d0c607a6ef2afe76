//! Tags whose keys are only nearly those that protect.
//!
//! An instance with such a tag is protected, since somebody meant to protect it. The plan and the log say so, because the same
//! person may rely on the tag elsewhere.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use super::Policy;
use crate::{
    inventory::{InstanceId, Inventory},
    lifetime::{counted, shorten},
    rules::{Expiry, TagKey},
};

/// The most near misses of a plan that are reported.
const NEAR_MISSES_MAX: usize = 20;

/// A key of tags that is a near miss of one that protects, and which live instances have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NearMissed {
    /// The key that the instances have.
    pub own: String,
    /// The key that protects: of `protect`, of `unless`, or one that a match excludes.
    pub asked: String,
    /// How many live instances have it.
    pub instances: u64,
    /// The first of them.
    pub first: InstanceId,
}

impl fmt::Display for NearMissed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { own, asked, instances, first } = self;
        let have = counted(*instances, "instance has", "instances have");
        let (own, asked, first) = (shorten(own), shorten(asked), shorten(first.as_str()));
        write!(
            f,
            "{have} the tag `{own}`, a near miss of `{asked}`, which protects as `{asked}` does (first: {first}); rename the tag to `{asked}`"
        )
    }
}

/// The keys of tags that protect an instance by some rule or by `protect`, each once.
fn protective_keys(policy: &Policy) -> Vec<&TagKey> {
    let mut keys = Vec::new();
    policy.protect.collect_protective_keys(&mut keys);
    for rule in &policy.rules.rules {
        rule.matches.collect_protective_keys(&mut keys);
        rule.unless.collect_protective_keys(&mut keys);
        match &rule.expiry {
            Expiry::Tag(tag) => keys.push(&tag.key),
            Expiry::AtOnce | Expiry::After(_) | Expiry::At(_) => {}
        }
    }
    keys.sort_unstable_by_key(|key| key.as_str());
    keys.dedup_by_key(|key| key.as_str());
    keys
}

/// The near misses of keys that protect, among the live instances of an inventory.
pub(super) fn near_misses(inventory: &Inventory, policy: &Policy) -> Vec<NearMissed> {
    let asked = protective_keys(policy);
    if asked.is_empty() {
        return Vec::new();
    }
    // Many instances share few keys, so each key is compared once.
    let mut known: HashMap<&str, Option<&TagKey>> = HashMap::new();
    let mut found: BTreeMap<(&str, &str), NearMissed> = BTreeMap::new();
    for instance in inventory.instances().iter().filter(|instance| instance.is_live()) {
        for (own, _) in instance.tags.iter() {
            let near = *known.entry(own).or_insert_with(|| near_key(own, &asked));
            let Some(key) = near else { continue };
            let first = || NearMissed {
                own: own.to_owned(),
                asked: key.to_string(),
                instances: 0,
                first: instance.id.clone(),
            };
            found.entry((own, key.as_str())).or_insert_with(first).instances += 1;
        }
    }
    found.into_values().take(NEAR_MISSES_MAX).collect()
}

/// The protective key of which `own` is a near miss. A key that protects itself is none.
fn near_key<'k>(own: &str, asked: &[&'k TagKey]) -> Option<&'k TagKey> {
    if asked.iter().any(|key| key.as_str() == own) {
        return None;
    }
    asked.iter().copied().find(|key| key.is_near_miss(own))
}
