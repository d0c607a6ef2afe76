//! When a machine that a rule matches is due.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Field, TagKey};
use crate::{
    inventory::{Instance, Tag},
    lifetime,
};

/// How a rule says when a match is due.
#[derive(Clone, Debug)]
pub enum Expiry {
    /// At once.
    AtOnce,
    /// At an age, counted from `createTime`.
    After(SignedDuration),
    /// At an instant.
    At(Timestamp),
    /// As the machine's own tag says.
    Tag(TagExpiry),
}

/// An expiry that stands in a tag.
#[derive(Clone, Debug)]
pub struct TagExpiry {
    /// The tag's key.
    pub key: TagKey,
    /// The life of a machine without the tag; without it, that machine is never due by this rule.
    pub default: Option<SignedDuration>,
    /// The longest life that a tag can buy.
    pub max: Option<SignedDuration>,
    /// The zone whose days a date means.
    pub zone: TimeZone,
}

/// What a tag that says when says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bought {
    /// A life, counted from the creation.
    Life(SignedDuration),
    /// An instant.
    Until(Timestamp),
    /// `never` or `forever`.
    Never,
    /// Nothing that can be read.
    Unreadable,
}

/// When a match is due.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Due {
    /// Now.
    AtOnce,
    /// At an instant, which may have passed.
    At(Timestamp),
    /// Never, as its tag or the lack of one says.
    Never,
    /// It depends on a field that the cloud did not tell.
    Unknown(Field),
    /// Its tag says something that cannot be read, so it is kept.
    Unreadable,
}

impl Expiry {
    /// When `instance` is due.
    pub fn due(&self, instance: &Instance) -> Due {
        match self {
            Self::AtOnce => Due::AtOnce,
            Self::At(instant) => Due::At(*instant),
            Self::After(life) => after(instance, *life),
            Self::Tag(tag) => tag.due(instance),
        }
    }
}

impl TagExpiry {
    fn due(&self, instance: &Instance) -> Due {
        let value = match instance.tags.look(&self.key) {
            Tag::Value(value) => value,
            // Somebody meant to say when, and the cloud does not tell what.
            Tag::Unreadable => return Due::Unreadable,
            Tag::Absent if self.near_miss(instance).is_some() => return Due::Unreadable,
            Tag::Absent => return self.default.map_or(Due::Never, |life| after(instance, life)),
        };
        let bought = match self.read(value) {
            Bought::Life(life) => after(instance, life),
            Bought::Until(instant) => Due::At(instant),
            Bought::Never => Due::Never,
            Bought::Unreadable => Due::Unreadable,
        };
        match (bought, self.max) {
            (Due::At(_) | Due::Never, Some(max)) => earlier(bought, after(instance, max)),
            (bought, _) => bought,
        }
    }

    /// A tag that is not this one and was surely meant to be: its key differs in letter case or outer white space only.
    #[must_use]
    pub fn near_miss<'a>(&'a self, instance: &'a Instance) -> Option<&'a str> {
        self.key.near_misses(&instance.tags).next().map(|(own, _)| own)
    }

    /// What a value of the tag says.
    #[must_use]
    pub fn read(&self, value: &str) -> Bought {
        let value = value.trim();
        if ["never", "forever"].iter().any(|word| value.eq_ignore_ascii_case(word)) {
            return Bought::Never;
        }
        match (lifetime::duration(value), lifetime::instant(value, &self.zone)) {
            (Ok(life), _) => Bought::Life(life),
            (_, Ok(instant)) => Bought::Until(instant),
            _ => Bought::Unreadable,
        }
    }
}

fn after(instance: &Instance, life: SignedDuration) -> Due {
    let due = instance.created.and_then(|created| created.checked_add(life).ok());
    due.map_or(Due::Unknown(Field::CreateTime), Due::At)
}

/// The earlier of what a tag bought and its cap; a cap that is not known leaves all unknown.
fn earlier(bought: Due, cap: Due) -> Due {
    match (bought, cap) {
        (Due::At(bought), Due::At(cap)) => Due::At(bought.min(cap)),
        (_, cap) => cap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        Tags,
        tests::{instance, tags},
    };

    fn tag(default: Option<i64>, max: Option<i64>) -> Expiry {
        let hours = |hours: Option<i64>| hours.map(SignedDuration::from_hours);
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        Expiry::Tag(TagExpiry { key: "ttl".into(), default: hours(default), max: hours(max), zone })
    }

    /// Of a machine that was created at 2026-11-01T00:00:00Z.
    fn check(expiry: &Expiry, ttl: Option<&str>, expected: &str) {
        let mut subject = instance("i");
        subject.tags = ttl.map(|ttl| tags(&[("ttl", ttl)])).unwrap_or_default();
        let got = match expiry.due(&subject) {
            Due::At(at) => at.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(got, expected, "{ttl:?}");
    }

    #[test]
    fn a_tag_says_a_life_a_date_an_instant_or_never() {
        let expiry = tag(None, None);
        check(&expiry, Some("72h"), "2026-11-04T00:00:00Z");
        check(&expiry, Some(" 3d "), "2026-11-04T00:00:00Z");
        check(&expiry, Some("2026-12-31"), "2026-12-31T16:00:00Z");
        check(&expiry, Some("2026-12-31T18:00:00Z"), "2026-12-31T18:00:00Z");
        check(&expiry, Some("never"), "Never");
        check(&expiry, Some("Forever"), "Never");
        check(&expiry, None, "Never");
    }

    #[test]
    fn a_tag_without_a_value_and_a_near_miss_of_the_key_cannot_be_read() {
        for (key, value) in
            [("ttl", None), ("TTL", Some("never")), ("ttl ", Some("30d")), ("Ttl", None)]
        {
            let mut subject = instance("i");
            subject.tags = Tags::told(vec![(key.into(), value.map(Into::into))]).unwrap();
            assert_eq!(tag(Some(1), Some(1)).due(&subject), Due::Unreadable, "{key:?} {value:?}");
        }
        let mut subject = instance("i");
        subject.tags = tags(&[("ttl", "24h"), ("TTL", "48h")]);
        assert_eq!(tag(None, None).due(&subject), Due::At("2026-11-02T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_tag_that_cannot_be_read_keeps_the_machine_whatever_the_default_and_the_cap() {
        for value in ["", "3 dayz", "72", "2017-02-31", "soon", "1mo", "0", "-1h", "nope\u{0}"] {
            check(&tag(Some(1), Some(1)), Some(value), "Unreadable");
        }
    }

    #[test]
    fn the_default_is_for_machines_without_the_tag_and_the_cap_for_those_with_it() {
        check(&tag(Some(24), Some(48)), None, "2026-11-02T00:00:00Z");
        check(&tag(Some(24), Some(48)), Some("30d"), "2026-11-03T00:00:00Z");
        check(&tag(Some(24), Some(48)), Some("1h"), "2026-11-01T01:00:00Z");
        check(&tag(Some(24), Some(48)), Some("never"), "2026-11-03T00:00:00Z");
        check(&tag(None, Some(48)), Some("2030-01-01"), "2026-11-03T00:00:00Z");
    }

    #[test]
    fn a_life_needs_the_time_of_creation_and_a_date_does_not() {
        let unborn = |expiry: &Expiry, ttl: &str| {
            let mut subject = instance("i");
            (subject.created, subject.tags) = (None, tags(&[("ttl", ttl)]));
            expiry.due(&subject)
        };
        let unknown = Due::Unknown(Field::CreateTime);
        assert_eq!(unborn(&Expiry::After(SignedDuration::from_hours(1)), ""), unknown);
        assert_eq!(unborn(&tag(None, None), "1h"), unknown);
        assert_eq!(unborn(&tag(None, Some(1)), "2026-12-31"), unknown);
        assert_eq!(
            unborn(&tag(None, None), "2026-12-31"),
            Due::At("2026-12-31T16:00:00Z".parse().unwrap())
        );
        assert_eq!(unborn(&Expiry::AtOnce, ""), Due::AtOnce);
    }

    #[test]
    fn a_creation_at_the_end_of_time_is_unknown_and_not_a_panic() {
        let mut subject = instance("i");
        subject.created = Some(Timestamp::MAX);
        assert_eq!(
            Expiry::After(SignedDuration::from_hours(1)).due(&subject),
            Due::Unknown(Field::CreateTime)
        );
    }
}
