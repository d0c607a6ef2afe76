//! Conditions on an instance, in three values.
//!
//! A condition is compiled once and tested without allocation.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use super::{
    age::AgeTest,
    field::Field,
    pattern::{Pattern, fits},
    tag::{NearMiss, Side, TagKey, test_tag},
};
use crate::inventory::Instance;

/// Whether something holds.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// It depends on a field that the cloud did not tell.
    Unknown(Field),
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown(field) => Self::Unknown(field),
        }
    }
}

/// What is asked of a value.
#[derive(Clone, Debug)]
pub enum Test<T> {
    /// It matches one of these.
    AnyOf(Vec<T>),
    /// It matches none of these.
    NoneOf(Vec<T>),
    /// It is there, or it is not.
    Exists(bool),
}

/// A condition on an instance.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Every instance.
    Everything,
    /// On a field.
    Field(Field, Test<Pattern>),
    /// On the tag with a key.
    Tag(TagKey, Test<Pattern>),
    /// On the addresses.
    Ip(Test<IpNet>),
    /// On the age: one of these comparisons holds.
    Age(Vec<AgeTest>),
    /// All of these hold.
    All(Vec<Self>),
    /// One of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

impl Condition {
    /// A condition that holds for no instance.
    pub const NOTHING: Self = Self::Any(Vec::new());

    /// All of these hold; a single one needs no frame.
    pub(super) fn all(mut conditions: Vec<Self>) -> Self {
        match (conditions.pop(), conditions.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                conditions.extend(last);
                Self::All(conditions)
            }
        }
    }

    /// Whether the condition holds for `instance` at `now`.
    // What tests several has this inlined, and for that is not inlined here: a leaf then costs no call but its own test.
    #[inline]
    pub fn test(&self, instance: &Instance, now: Timestamp) -> Truth {
        match self {
            Self::Everything => Truth::True,
            Self::Field(field, test) => test_field(*field, test, instance),
            Self::Tag(key, test) => test_tag(key, test, &instance.tags),
            Self::Ip(test) => test_addresses(test, instance),
            Self::Age(tests) => test_age(tests, instance, now),
            Self::All(all) => test_all(all, instance, now),
            Self::Any(any) => test_any(any, instance, now),
            Self::Not(one) => test_not(one, instance, now),
        }
    }

    /// The same condition, standing on that side of a decision: there, near misses of the keys of tags count or do not.
    pub(crate) fn standing_on(mut self, side: Side) -> Self {
        self.stand_on(side);
        self
    }

    fn stand_on(&mut self, side: Side) {
        match self {
            Self::Everything | Self::Field(..) | Self::Ip(_) | Self::Age(_) => {}
            Self::Tag(key, test) => key.stand_on(side, test),
            Self::All(several) | Self::Any(several) => {
                for one in several {
                    one.stand_on(side);
                }
            }
            Self::Not(one) => one.stand_on(side.turned()),
        }
    }

    /// The first tag of `instance` whose key is a near miss and makes a condition on a tag unknown.
    #[must_use]
    pub fn near_miss<'a>(&'a self, instance: &'a Instance) -> Option<NearMiss<'a>> {
        match self {
            Self::Everything | Self::Field(..) | Self::Ip(_) | Self::Age(_) => None,
            Self::Tag(key, test) => NearMiss::of(key, test, instance),
            Self::All(several) | Self::Any(several) => {
                several.iter().find_map(|one| one.near_miss(instance))
            }
            Self::Not(one) => one.near_miss(instance),
        }
    }

    /// Takes the key of every tag that protects an instance by the condition.
    pub fn collect_protective_keys<'a>(&'a self, keys: &mut Vec<&'a TagKey>) {
        match self {
            Self::Everything | Self::Field(..) | Self::Ip(_) | Self::Age(_) => {}
            Self::Tag(key, _) => keys.extend(Some(key).filter(|key| key.heeds_near_misses())),
            Self::All(several) | Self::Any(several) => {
                for one in several {
                    one.collect_protective_keys(keys);
                }
            }
            Self::Not(one) => one.collect_protective_keys(keys),
        }
    }

    /// Takes every comparison of an age that stands in it.
    pub(crate) fn collect_ages(&self, ages: &mut Vec<AgeTest>) {
        match self {
            Self::Everything | Self::Field(..) | Self::Tag(..) | Self::Ip(_) => {}
            Self::Age(tests) => ages.extend(tests),
            Self::All(several) | Self::Any(several) => {
                for one in several {
                    one.collect_ages(ages);
                }
            }
            Self::Not(one) => one.collect_ages(ages),
        }
    }
}

/// False if one of them is, else the first unknown, else true.
#[inline(never)]
fn test_all(conditions: &[Condition], instance: &Instance, now: Timestamp) -> Truth {
    let mut result = Truth::True;
    for condition in conditions {
        match (result, condition.test(instance, now)) {
            (_, Truth::False) => return Truth::False,
            (Truth::True, truth) => result = truth,
            (Truth::False | Truth::Unknown(_), Truth::True | Truth::Unknown(_)) => {}
        }
    }
    result
}

/// True if one of them is, else the first unknown, else false.
#[inline(never)]
fn test_any(conditions: &[Condition], instance: &Instance, now: Timestamp) -> Truth {
    let mut result = Truth::False;
    for condition in conditions {
        match (result, condition.test(instance, now)) {
            (_, Truth::True) => return Truth::True,
            (Truth::False, truth) => result = truth,
            (Truth::True | Truth::Unknown(_), Truth::False | Truth::Unknown(_)) => {}
        }
    }
    result
}

#[inline(never)]
fn test_not(condition: &Condition, instance: &Instance, now: Timestamp) -> Truth {
    !condition.test(instance, now)
}

fn test_field(field: Field, asked: &Test<Pattern>, instance: &Instance) -> Truth {
    let own = test_text(field, asked, field.text(instance));
    match field.other_text(instance) {
        None => own,
        Some(other) => join(asked, own, test_text(field, asked, other)),
    }
}

/// What is asked of one text, which is unknown if it was not told.
fn test_text(field: Field, asked: &Test<Pattern>, told: Option<&str>) -> Truth {
    let fit = |patterns: &[Pattern], value: &str| {
        fits(patterns, value).map_or(Truth::Unknown(field), Truth::from)
    };
    match (asked, told) {
        (Test::Exists(wanted), _) => (told.is_some() == *wanted).into(),
        (Test::AnyOf(patterns), Some(value)) => fit(patterns, value),
        (Test::NoneOf(patterns), Some(value)) => !fit(patterns, value),
        (Test::AnyOf(_) | Test::NoneOf(_), None) => Truth::Unknown(field),
    }
}

/// What is asked of a field that goes by two texts: that either is one of some or there, or that neither is.
fn join(asked: &Test<Pattern>, own: Truth, other: Truth) -> Truth {
    let decides = match asked {
        Test::AnyOf(_) | Test::Exists(true) => Truth::True,
        Test::NoneOf(_) | Test::Exists(false) => Truth::False,
    };
    match (own, other) {
        (one, _) | (_, one) if one == decides => decides,
        (Truth::Unknown(_), _) => own,
        (Truth::True | Truth::False, _) => other,
    }
}

/// Any address of the instance counts; one that was not told, or cannot be read, may be any.
///
/// An IPv4 address that is mapped into IPv6 (`::ffff:10.0.0.5`) lies in networks of both.
fn test_addresses(test: &Test<IpNet>, instance: &Instance) -> Truth {
    let any = |holds: bool| match (holds, instance.addresses_told) {
        (true, _) => Truth::True,
        (false, true) => Truth::False,
        (false, false) => Truth::Unknown(Field::Ip),
    };
    let within = |networks: &[IpNet]| {
        let holds = |address: &IpAddr| {
            let unmapped = address.to_canonical();
            networks.iter().any(|own| own.contains(address) || own.contains(&unmapped))
        };
        any(instance.addresses.iter().any(holds))
    };
    match test {
        Test::AnyOf(networks) => within(networks),
        Test::NoneOf(networks) => !within(networks),
        Test::Exists(true) => any(!instance.addresses.is_empty()),
        Test::Exists(false) => !any(!instance.addresses.is_empty()),
    }
}

fn test_age(tests: &[AgeTest], instance: &Instance, now: Timestamp) -> Truth {
    match instance.created {
        None => Truth::Unknown(Field::CreateTime),
        Some(created) => tests.iter().any(|test| test.holds(created, now)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::tests::{instance, tags},
        rules::{network, pattern::Case},
    };

    fn check(condition: &Condition, instance: &Instance, expected: Truth) {
        let now = "2026-11-04T00:00:00Z".parse().unwrap();
        assert_eq!(condition.test(instance, now), expected, "{condition:?}");
    }

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text, Case::Exact).unwrap()).collect()
    }

    fn on(field: Field, pattern: &str) -> Condition {
        Condition::Field(field, Test::AnyOf(patterns(&[pattern])))
    }

    #[test]
    fn a_resource_group_matches_by_id_or_name() {
        let mut subject = instance("i");
        check(&on(Field::ResourceGroup, "rg-1"), &subject, Truth::True);
        check(&on(Field::ResourceGroup, "platform"), &subject, Truth::True);
        check(&on(Field::ResourceGroup, "other"), &subject, Truth::False);
        let other = Condition::Field(Field::ResourceGroup, Test::NoneOf(patterns(&["platform"])));
        check(&other, &subject, Truth::False);
        subject.resource_group_name = None;
        check(&on(Field::ResourceGroup, "rg-1"), &subject, Truth::True);
        let unknown = Truth::Unknown(Field::ResourceGroup);
        check(&on(Field::ResourceGroup, "platform"), &subject, unknown);
        check(&other, &subject, unknown);
    }

    #[test]
    fn absence_is_asked_for_by_name() {
        let mut subject = instance("i");
        let absent = Condition::Field(Field::Zone, Test::Exists(false));
        check(&absent, &subject, Truth::False);
        subject.zone = None;
        check(&absent, &subject, Truth::True);
        subject.tags = tags(&[("env", "")]);
        check(&Condition::Tag("env".into(), Test::Exists(true)), &subject, Truth::True);
        check(&Condition::Tag("owner".into(), Test::Exists(false)), &subject, Truth::True);
    }

    #[test]
    fn a_tag_is_none_of_some_values_also_if_it_is_not_there() {
        let mut subject = instance("i");
        let not_prod = Condition::Tag("env".into(), Test::NoneOf(patterns(&["prod", "live-*"])));
        check(&not_prod, &subject, Truth::True);
        for (value, expected) in [("dev", Truth::True), ("prod", Truth::False)] {
            subject.tags = tags(&[("env", value)]);
            check(&not_prod, &subject, expected);
        }
    }

    #[test]
    fn an_address_that_was_not_told_may_be_any() {
        let mut subject = instance("i");
        let within = |text| vec![network::parse(text).unwrap()];
        let (inside, outside) = (within("203.0.113.0/24"), within("10.0.0.0/8"));
        let any = |networks: &[IpNet]| Condition::Ip(Test::AnyOf(networks.to_vec()));
        let none = |networks: &[IpNet]| Condition::Ip(Test::NoneOf(networks.to_vec()));
        let (exists, absent) =
            (Condition::Ip(Test::Exists(true)), Condition::Ip(Test::Exists(false)));
        check(&any(&inside), &subject, Truth::True);
        check(&any(&outside), &subject, Truth::False);
        check(&none(&outside), &subject, Truth::True);
        subject.addresses_told = false;
        check(&any(&inside), &subject, Truth::True);
        check(&any(&outside), &subject, Truth::Unknown(Field::Ip));
        check(&none(&inside), &subject, Truth::False);
        check(&none(&outside), &subject, Truth::Unknown(Field::Ip));
        check(&exists, &subject, Truth::True);
        subject.addresses = Box::default();
        check(&exists, &subject, Truth::Unknown(Field::Ip));
        check(&absent, &subject, Truth::Unknown(Field::Ip));
        subject.addresses_told = true;
        check(&exists, &subject, Truth::False);
        check(&absent, &subject, Truth::True);
    }

    #[test]
    fn an_address_that_is_mapped_into_ipv6_is_the_address_itself() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "::ffff:10.0.0.5", true),
            ("10.0.0.0/8", "::ffff:11.0.0.5", false),
            ("::ffff:10.0.0.0/104", "10.0.0.5", true),
            ("::ffff:10.0.0.0/104", "::ffff:10.0.0.5", true),
            ("::ffff:10.0.0.5", "10.0.0.5", true),
            ("::ffff:0:0/96", "203.0.113.7", true),
            ("10.0.0.5", "::ffff:a00:5", true),
            ("::/0", "::ffff:10.0.0.5", true),
            ("::/0", "10.0.0.5", false),
            ("2001:db8::/32", "2001:db8::1", true),
        ] {
            let mut subject = instance("i");
            subject.addresses = Box::new([address.parse().unwrap()]);
            let networks = vec![network::parse(network).unwrap()];
            check(&Condition::Ip(Test::AnyOf(networks.clone())), &subject, expected.into());
            check(&Condition::Ip(Test::NoneOf(networks)), &subject, (!expected).into());
        }
    }

    #[test]
    fn an_age_needs_the_time_of_creation() {
        let mut subject = instance("i");
        let age = |texts: &[&str]| {
            Condition::Age(texts.iter().map(|text| AgeTest::parse(text).unwrap()).collect())
        };
        check(&age(&[">= 3d"]), &subject, Truth::True);
        check(&age(&["> 3d"]), &subject, Truth::False);
        check(&age(&["< 1d", "> 2d"]), &subject, Truth::True);
        subject.created = None;
        check(&age(&[">= 3d"]), &subject, Truth::Unknown(Field::CreateTime));
    }

    #[test]
    fn unknown_yields_to_what_decides() {
        let mut subject = instance("i");
        subject.zone = None;
        let (unknown, yes, no) = (on(Field::Zone, "x"), on(Field::Id, "i"), on(Field::Id, "j"));
        let all = |list: &[&Condition]| Condition::All(list.iter().copied().cloned().collect());
        let any = |list: &[&Condition]| Condition::Any(list.iter().copied().cloned().collect());
        let not = |one: &Condition| Condition::Not(Box::new(one.clone()));
        let zone = Truth::Unknown(Field::Zone);
        check(&all(&[&unknown, &yes]), &subject, zone);
        check(&all(&[&unknown, &no]), &subject, Truth::False);
        check(&any(&[&unknown, &yes]), &subject, Truth::True);
        check(&any(&[&unknown, &no]), &subject, zone);
        check(&not(&unknown), &subject, zone);
        check(&not(&yes), &subject, Truth::False);
        check(&not(&no), &subject, Truth::True);
        check(&Condition::NOTHING, &subject, Truth::False);
        check(&Condition::Everything, &subject, Truth::True);
    }
}
