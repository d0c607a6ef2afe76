//! When a match is due, as arithmetic that can be followed.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::words::Length;
use crate::{
    inventory::{Instance, Tag},
    lifetime::shorten,
    plan::Keep,
    rules::{Bought, Due, Expiry, TagExpiry},
};

/// When a match is due, and how that comes.
#[derive(Clone, Debug, Serialize)]
pub struct Reckoning {
    /// When the instance was created, if the cloud told it.
    pub created: Option<Timestamp>,
    /// What the rule says.
    #[serde(flatten)]
    pub terms: ExpiryTerms,
    /// What it comes to: `at_once`, `at`, `never`, `unreadable` or `unknown_create_time`.
    pub due: &'static str,
    /// The instant that it is due at, if it comes to one.
    pub due_at: Option<Timestamp>,
}

/// How a rule says when a match is due.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "expire", rename_all = "snake_case")]
pub enum ExpiryTerms {
    /// At once.
    AtOnce,
    /// At an age.
    After {
        /// The age.
        life: Length,
    },
    /// At an instant.
    At {
        /// The instant.
        at: Timestamp,
    },
    /// As a tag says.
    Tag(TagTerms),
}

/// How a tag says when.
#[derive(Clone, Debug, Serialize)]
pub struct TagTerms {
    /// The tag's key.
    pub key: String,
    /// Its value, if it is there.
    pub value: Option<String>,
    /// What that says.
    pub says: Says,
    /// The life of an instance without the tag.
    pub default: Option<Length>,
    /// The shortest life that a tag can mean.
    pub min: Length,
    /// The longest life that a tag can buy.
    pub max: Option<Length>,
    /// Until when the cap lets it live.
    pub max_at: Option<Timestamp>,
    /// The time zone whose days a date means.
    pub timezone: Option<String>,
    /// Which of them decides; `None`: none says an instant.
    pub decides: Option<Decider>,
}

/// What a tag says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Nothing: it is not there.
    Nothing,
    /// A life, counted from the creation.
    Life(Length),
    /// An instant.
    Until(Timestamp),
    /// That the instance never goes.
    Never,
    /// Something that cannot be read, and why.
    Unreadable(String),
}

/// What decides when an expiry by a tag is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decider {
    /// The tag.
    Tag,
    /// `default`.
    Default,
    /// `max`.
    Max,
}

impl Reckoning {
    /// How `expiry` comes to an instant, or to none, for `instance`.
    #[must_use]
    pub(super) fn of(expiry: &Expiry, instance: &Instance) -> Self {
        let terms = match expiry {
            Expiry::AtOnce => ExpiryTerms::AtOnce,
            Expiry::After(life) => ExpiryTerms::After { life: Length(*life) },
            Expiry::At(at) => ExpiryTerms::At { at: *at },
            Expiry::Tag(tag) => ExpiryTerms::Tag(TagTerms::of(tag, instance)),
        };
        let (due, due_at) = match expiry.due(instance) {
            Due::AtOnce => ("at_once", None),
            Due::At(at) => ("at", Some(at)),
            Due::Never => ("never", None),
            Due::Unknown(field) => (Keep::Unknown(field).as_str(), None),
            Due::Unreadable => ("unreadable", None),
        };
        Self { created: instance.created, terms, due, due_at }
    }
}

impl TagTerms {
    fn of(tag: &TagExpiry, instance: &Instance) -> Self {
        let value = instance.tags.get(&tag.key);
        let says = match instance.tags.look(&tag.key) {
            Tag::Value(value) => says(tag, value, instance.created),
            Tag::Unreadable => Says::Unreadable("the cloud did not tell its value".to_owned()),
            Tag::Absent => match tag.near_miss(instance) {
                Some(near) => Says::Unreadable(format!(
                    "the instance has `{}` instead, a near miss of the key",
                    shorten(near)
                )),
                None => Says::Nothing,
            },
        };
        let later = |life: SignedDuration| instance.created?.checked_add(life).ok();
        let max_at = tag.max.and_then(later);
        let until = match &says {
            Says::Life(Length(life)) => later(*life),
            Says::Until(at) => Some(*at),
            Says::Nothing | Says::Never | Says::Unreadable(_) => None,
        };
        let decides = match &says {
            Says::Nothing => tag.default.map(|_| Decider::Default),
            Says::Unreadable(_) => None,
            Says::Never => max_at.map(|_| Decider::Max),
            Says::Life(_) | Says::Until(_) => Some(match (until, max_at) {
                (Some(until), Some(max)) if max < until => Decider::Max,
                (Some(_) | None, _) => Decider::Tag,
            }),
        };
        Self {
            key: tag.key.to_string(),
            value: value.map(str::to_owned),
            says,
            default: tag.default.map(Length),
            min: Length(tag.min),
            max: tag.max.map(Length),
            max_at,
            timezone: tag.zone.iana_name().map(str::to_owned),
            decides,
        }
    }
}

fn says(tag: &TagExpiry, value: &str, created: Option<Timestamp>) -> Says {
    match tag.read(value, created) {
        Bought::Life(life) => Says::Life(Length(life)),
        Bought::Until(at) => Says::Until(at),
        Bought::Never => Says::Never,
        Bought::Unreadable => Says::Unreadable(tag.unreadable(value, created).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::tests::{instance, tags},
        plan::tests::policy,
    };

    #[track_caller]
    fn check(expire: &str, ttl: Option<&str>, expected: &str) {
        let policy = policy(&format!(
            "rules: [{{ name: r, match: everything, expire: {{ tag: ttl{expire} }} }}]"
        ));
        let mut subject = instance("i-1");
        subject.tags = ttl.map_or_else(Default::default, |ttl| tags(&[("ttl", ttl)]));
        let reckoning = Reckoning::of(&policy.rules.rules[0].expiry, &subject);
        let ExpiryTerms::Tag(terms) = reckoning.terms else { panic!("no tag") };
        let at = reckoning.due_at.map(|at| at.to_string()).unwrap_or_default();
        let got = format!("{:?} {:?} {} {at}", terms.says, terms.decides, reckoning.due);
        assert_eq!(got, expected);
    }

    #[test]
    fn a_tag_buys_a_life_up_to_its_cap() {
        let (day, capped) = (Some("24h"), ", default: 48h, max: 72h");
        check("", day, "Life(Length(24h)) Some(Tag) at 2026-11-02T00:00:00Z");
        check(capped, day, "Life(Length(24h)) Some(Tag) at 2026-11-02T00:00:00Z");
        check(capped, Some("4d"), "Life(Length(96h)) Some(Max) at 2026-11-04T00:00:00Z");
        check(capped, None, "Nothing Some(Default) at 2026-11-03T00:00:00Z");
        check(capped, Some("never"), "Never Some(Max) at 2026-11-04T00:00:00Z");
        check("", None, "Nothing None never ");
        check("", Some("never"), "Never None never ");
        let until = "Until(2026-12-01T00:00:00Z)";
        check("", Some("2026-11-30"), &format!("{until} Some(Tag) at 2026-12-01T00:00:00Z"));
        check(capped, Some("2026-11-30"), &format!("{until} Some(Max) at 2026-11-04T00:00:00Z"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (value, why) in [
            ("3 dayz", "`3 dayz` is not a duration"),
            ("48", "`48` is not a duration: a bare number has no unit"),
            ("2026-02-31", "`2026-02-31` is not a day of the calendar"),
            ("", "it is empty"),
            ("5m", "`5m` is less than `expire.min`, 10m, after the creation"),
            ("2026-10-30", "`2026-10-30` is before the creation"),
            ("2026-12-31T18:00:00", "has no offset from UTC"),
            ("2026-12-31T18:00", "is not a timestamp of the form"),
        ] {
            let policy =
                policy("rules: [{ name: r, match: everything, expire: { tag: ttl, max: 3d } }]");
            let Expiry::Tag(tag) = &policy.rules.rules[0].expiry else { panic!("no tag") };
            let Says::Unreadable(told) = says(tag, value, instance("i-1").created) else {
                panic!("it was read")
            };
            assert!(told.contains(why), "{told}");
        }
    }
}
