//! What is odd about rules in the light of earlier runs. What is remembered comes in as plain data.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Formula, Literal, Subject, claims::Claim};
use crate::{
    diagnostic::{Code, Problem},
    lifetime::shorten,
    rules::{Condition, Expiry, Origin, Rule, RuleSet, TagKey},
    schedule::Schedule,
    yaml,
};

/// How many firings of a schedule are looked at.
const FIRINGS: usize = 50;

/// The tag keys that machines had at an inventory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TagKeys {
    /// The keys.
    pub keys: BTreeSet<String>,
    /// When the inventory was read; of several, the first.
    pub listed_at: Timestamp,
}

/// The tags that rules ask for and that no machine had. Where a rule asks that a tag is not there, in `not` or `unless`, a tag that
/// nobody has is as it should be; so is one that says when, if there is a default for machines without it.
#[must_use]
pub fn unknown_tag_keys(rules: &RuleSet, known: &TagKeys) -> Vec<Problem> {
    let asked =
        rules.rules.iter().flat_map(|rule| asked_for(rule).into_iter().map(move |it| (rule, it)));
    let unknown = asked.filter(|(_, (tag, _))| !known.keys.contains(*tag));
    unknown.map(|(rule, (tag, key))| unknown_tag(rule, key, tag, known)).collect()
}

/// The tags that a rule asks for, each with the path of the key that does.
fn asked_for(rule: &Rule) -> Vec<(&str, &str)> {
    let mut asked: Vec<(&str, &str)> = Vec::new();
    for literal in Formula::of(&rule.matches).literals() {
        if let Literal::Text(Subject::Tag(tag), Claim::In(_) | Claim::Exists) = literal
            && !asked.iter().any(|(other, _)| *other == tag)
        {
            asked.push((tag, rule.origin.find("match", &Subject::Tag(tag).key())));
        }
    }
    match &rule.expiry {
        Expiry::Tag(tag) if tag.default.is_none() => asked.push((&tag.key, "expire.tag")),
        Expiry::Tag(_) | Expiry::AtOnce | Expiry::After(_) | Expiry::At(_) => {}
    }
    asked
}

/// The tags that instances had whose keys are near misses of those that protect, by a rule or by `protect`, which the config has.
#[must_use]
pub fn near_miss_keys(
    (protect, config): (&Condition, &Origin),
    rules: &RuleSet,
    known: &TagKeys,
) -> Vec<Problem> {
    let mut found = near_misses_of(protect, ("protect", config), known);
    for rule in &rules.rules {
        found.extend(near_misses_of(&rule.matches, ("match", &rule.origin), known));
        found.extend(near_misses_of(&rule.unless, ("unless", &rule.origin), known));
        if let Expiry::Tag(tag) = &rule.expiry {
            let near = near_misses(&tag.key, ("expire.tag", &rule.origin), known);
            found.extend(near);
        }
    }
    found
}

fn near_misses_of(
    condition: &Condition,
    (root, origin): (&str, &Origin),
    known: &TagKeys,
) -> Vec<Problem> {
    let mut keys = Vec::new();
    condition.collect_protective_keys(&mut keys);
    keys.sort_unstable_by_key(|key| key.as_str());
    keys.dedup_by_key(|key| key.as_str());
    let of_key = |key: &TagKey| {
        let path = origin.find(root, &Subject::Tag(key).key());
        near_misses(key, (path, origin), known)
    };
    keys.into_iter().flat_map(of_key).collect()
}

fn near_misses(key: &TagKey, (path, origin): (&str, &Origin), known: &TagKeys) -> Vec<Problem> {
    let near = known.keys.iter().filter(|own| key.is_near_miss(own));
    let problem = |own: &String| {
        let (own, asked) = (shorten(own), shorten(key));
        let message = format!(
            "instances had the tag `{own}`, a near miss of `{asked}`, at the last inventory, {:.0}",
            known.listed_at
        );
        let help = format!(
            "such instances are protected; rename their tag to `{asked}`, or the key here to `{own}`"
        );
        origin.problem(path, Code::NearMissKey, message, help)
    };
    near.map(problem).collect()
}

fn unknown_tag(rule: &Rule, key: &str, tag: &str, known: &TagKeys) -> Problem {
    let message = format!(
        "no machine had a tag `{}` at the last inventory, {:.0}",
        shorten(tag),
        known.listed_at
    );
    let keys: Vec<_> = known.keys.iter().map(String::as_str).collect();
    let help = match yaml::nearest(tag, &keys) {
        Some(nearest) => format!("did you mean `{}`?", shorten(nearest)),
        None => "expected the key of a tag that machines have, in the same case".to_owned(),
    };
    rule.origin.problem(key, Code::UnknownTagKey, message, help)
}

/// The schedules that fire more often than a run takes: that of the config, which `config` says where to find, and those of rules.
#[must_use]
pub fn outpaced(
    (schedule, config): (&Schedule, &Origin),
    rules: &RuleSet,
    run_took: SignedDuration,
    now: Timestamp,
) -> Vec<Problem> {
    let own = rules.rules.iter().filter_map(|rule| Some((rule.schedule.as_ref()?, &rule.origin)));
    let outpaced = [(schedule, config)].into_iter().chain(own).filter_map(|(schedule, origin)| {
        let interval = schedule.shortest_interval(now, FIRINGS)?;
        (interval < run_took).then(|| {
            let message = format!(
                "this fires every {interval:#} at times, and runs took {run_took:#} of late; next firings: {}",
                schedule.next_firings(now),
            );
            let help = "expected a schedule that leaves a run the time to end: what fires while it is under way starts no other";
            origin.problem("schedule", Code::OutpacedSchedule, message, help.to_owned())
        })
    });
    outpaced.collect()
}
