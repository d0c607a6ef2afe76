//! When a machine that a rule matches is due.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Field, TagKey};
use crate::{
    inventory::{Instance, Tag},
    lifetime::{self, FIRST_CREATION, NotADuration, NotAnInstant, Smallest, shorten},
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
    /// The shortest life that a tag can mean: one with less is taken for a mistake, and cannot be read.
    pub min: SignedDuration,
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
    /// Never: as its tag or the lack of one says, or since the rule's instant had passed before its creation.
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
            // A deadline is for what is there by then. An instance that was created later is not meant.
            Self::At(at) if is_before_creation(*at, instance.created) => Due::Never,
            Self::At(at) => known(instance, *at),
            Self::After(life) => after(instance, *life),
            Self::Tag(tag) => tag.due(instance),
        }
    }
}

/// The `min` of an expiry by a tag whose rule names none; a `max` that is shorter takes its place.
pub(super) const DEFAULT_MIN: SignedDuration = SignedDuration::from_mins(10);

/// The reason why the value of a tag cannot be read.
enum Unreadable {
    NotADuration(NotADuration),
    NotAnInstant(NotAnInstant),
    BeforeCreation,
    BelowMin,
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
        let bought = match self.read(value, instance.created) {
            Bought::Life(life) => after(instance, life),
            Bought::Until(at) => known(instance, at),
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

    /// What a value of the tag says of an instance that was created then.
    #[must_use]
    pub fn read(&self, value: &str, created: Option<Timestamp>) -> Bought {
        self.try_read(value, created).unwrap_or(Bought::Unreadable)
    }

    /// Returns why a value of the tag cannot be read; `None` if it can.
    #[must_use]
    pub fn unreadable(&self, value: &str, created: Option<Timestamp>) -> Option<String> {
        self.try_read(value, created).err().map(|why| why.message(self, value))
    }

    fn try_read(&self, value: &str, created: Option<Timestamp>) -> Result<Bought, Unreadable> {
        let value = value.trim_matches(' ');
        if ["never", "forever"].iter().any(|word| value.eq_ignore_ascii_case(word)) {
            return Ok(Bought::Never);
        }
        if is_like_a_date(value) {
            let at = lifetime::read_instant(value, &self.zone).map_err(Unreadable::NotAnInstant)?;
            return self.until(at, created).map(Bought::Until);
        }
        let life = lifetime::read_duration(value, Smallest::Minute);
        let life = life.map_err(Unreadable::NotADuration)?;
        if life < self.min { Err(Unreadable::BelowMin) } else { Ok(Bought::Life(life)) }
    }

    /// The instant, unless the instance would be due by it before its creation, or sooner than `min` after that.
    fn until(&self, at: Timestamp, created: Option<Timestamp>) -> Result<Timestamp, Unreadable> {
        if is_before_creation(at, created) {
            return Err(Unreadable::BeforeCreation);
        }
        let later = |created: Timestamp| created.checked_add(self.min).unwrap_or(Timestamp::MAX);
        if created.is_some_and(|created| at < later(created)) {
            return Err(Unreadable::BelowMin);
        }
        Ok(at)
    }
}

impl Unreadable {
    fn message(self, tag: &TagExpiry, value: &str) -> String {
        let shown = shorten(value.trim_matches(' '));
        match self {
            Self::NotADuration(NotADuration::Form) if shown.is_empty() => "it is empty".to_owned(),
            Self::NotADuration(NotADuration::Form) => {
                format!("`{shown}` is not a duration, a date or a timestamp")
            }
            Self::NotADuration(why) => format!("`{shown}` is not a duration{}", why.reason()),
            Self::NotAnInstant(why) => why.message(value),
            Self::BeforeCreation => {
                format!("`{shown}` is before the creation of the instance")
            }
            Self::BelowMin => format!(
                "`{shown}` is less than `expire.min`, {:#}, after the creation of the instance",
                tag.min
            ),
        }
    }
}

/// Reports whether a value begins as dates do, and so is no duration.
fn is_like_a_date(value: &str) -> bool {
    matches!(value.as_bytes(), [y, e, a, r, b'-', ..] if [y, e, a, r].iter().all(|digit| digit.is_ascii_digit()))
}

/// Due at an instant, if the creation is known: otherwise the instant may be before it.
fn known(instance: &Instance, at: Timestamp) -> Due {
    instance.created.map_or(Due::Unknown(Field::CreateTime), |_| Due::At(at))
}

/// Reports whether an instant is before the creation of an instance. Without a time of creation, only an instant before all
/// creations surely is.
fn is_before_creation(at: Timestamp, created: Option<Timestamp>) -> bool {
    at < created.unwrap_or(FIRST_CREATION)
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
        let (default, max) = (hours(default), hours(max));
        Expiry::Tag(TagExpiry { key: "ttl".into(), default, min: DEFAULT_MIN, max, zone })
    }

    /// An instance that was created at 2026-11-01T00:00:00Z.
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
    fn an_expiry_before_the_creation_or_below_min_cannot_be_read() {
        for value in [
            "0001-01-01T00:00:00Z",
            "0000-01-01",
            "1970-01-01",
            "2026-10-30",
            "2026-10-31T23:59:59Z",
            "2026-11-01T00:00:00Z",
            "2026-11-01T00:09:59.999999999Z",
            "2026-11-01T07:59:59+08:00",
            "9m",
            "1m",
            "0.1h",
        ] {
            check(&tag(Some(1), Some(48)), Some(value), "Unreadable");
            check(&tag(None, None), Some(value), "Unreadable");
        }
        for (value, due) in [
            ("10m", "2026-11-01T00:10:00Z"),
            ("2026-11-01T00:10:00Z", "2026-11-01T00:10:00Z"),
            ("2026-11-01", "2026-11-01T16:00:00Z"),
            // In Shanghai that day ends 16 hours after the creation, and the day before 8 hours before it.
            ("2026-10-31", "Unreadable"),
        ] {
            check(&tag(None, None), Some(value), due);
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_far_away() {
        let (last, capped) = (Timestamp::MAX.to_string(), "2026-11-03T00:00:00Z");
        for value in [
            "9999-12-31",
            "9999-12-31T00:00:00Z",
            "9999-12-31T23:59:59-12:00",
            "9999-12-31T23:59:59.999999999+14:00",
        ] {
            check(&tag(None, None), Some(value), &last);
            check(&tag(None, Some(48)), Some(value), capped);
        }
        check(&tag(None, None), Some("9999-12-30"), "9999-12-30T16:00:00Z");
    }

    #[test]
    fn an_instant_of_a_rule_is_for_what_was_created_before_it() {
        for (at, due) in [
            ("2026-10-31T23:59:59Z", "Never"),
            ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ("2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z"),
        ] {
            check(&Expiry::At(at.parse().unwrap()), None, due);
        }
    }

    #[test]
    fn without_the_time_of_creation_nothing_is_due_but_at_once() {
        let unborn = |expiry: &Expiry, ttl: &str| {
            let mut subject = instance("i");
            (subject.created, subject.tags) = (None, tags(&[("ttl", ttl)]));
            expiry.due(&subject)
        };
        let unknown = Due::Unknown(Field::CreateTime);
        assert_eq!(unborn(&Expiry::After(SignedDuration::from_hours(1)), ""), unknown);
        assert_eq!(unborn(&tag(None, None), "1h"), unknown);
        assert_eq!(unborn(&tag(None, Some(1)), "2026-12-31"), unknown);
        assert_eq!(unborn(&tag(None, None), "2026-12-31"), unknown);
        assert_eq!(unborn(&tag(None, None), "2026-10-31T00:00:00Z"), unknown);
        assert_eq!(unborn(&Expiry::At("2026-12-31T00:00:00Z".parse().unwrap()), ""), unknown);
        assert_eq!(unborn(&tag(None, None), "never"), Due::Never);
        assert_eq!(unborn(&Expiry::AtOnce, ""), Due::AtOnce);
        // Nothing was created before 2014, so an earlier expiry is before every creation.
        assert_eq!(unborn(&tag(None, None), "0001-01-01T00:00:00Z"), Due::Unreadable);
        assert_eq!(unborn(&tag(None, None), "2013-12-30"), Due::Unreadable);
        assert_eq!(unborn(&tag(None, None), "5m"), Due::Unreadable);
        assert_eq!(unborn(&Expiry::At(Timestamp::UNIX_EPOCH), ""), Due::Never);
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
