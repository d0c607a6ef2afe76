//! What follows from several claims on one thing of a machine: that they exclude each other, or imply another one.
//!
//! Each claim means "this is true", never "this is not false": a text that the cloud did not tell makes nothing true but that it
//! is absent. What cannot be seen here is not claimed: both answers are `false` where they are not sure.

use ipnet::IpNet;
use jiff::SignedDuration;

use crate::rules::{AgeTest, Field, Pattern, Test};

/// What is true of a text, or of the addresses.
#[derive(Debug)]
pub(super) enum Claim<'a, T> {
    /// It is there, and one of these.
    In(&'a [T]),
    /// It is none of these.
    NotIn(&'a [T]),
    /// It is there.
    Exists,
    /// It is not.
    Absent,
}

impl<T> Clone for Claim<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Claim<'_, T> {}

impl<'a, T> Claim<'a, T> {
    /// What a test claims when it holds.
    pub(super) fn of(test: &'a Test<T>) -> Self {
        match test {
            Test::AnyOf(list) => Self::In(list),
            Test::NoneOf(list) => Self::NotIn(list),
            Test::Exists(true) => Self::Exists,
            Test::Exists(false) => Self::Absent,
        }
    }

    /// What is true when it is false.
    pub(super) fn denied(self) -> Self {
        match self {
            Self::In(list) => Self::NotIn(list),
            Self::NotIn(list) => Self::In(list),
            Self::Exists => Self::Absent,
            Self::Absent => Self::Exists,
        }
    }

    /// How many values it names.
    pub(super) fn len(self) -> usize {
        match self {
            Self::In(list) | Self::NotIn(list) => list.len(),
            Self::Exists | Self::Absent => 1,
        }
    }
}

/// What kind of text it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Nature {
    /// Always there.
    Given,
    /// The cloud may not tell it.
    Told,
    /// A tag: where it is not there, it is not any value either. Its value may not be told, and another tag may have a key that
    /// is a near miss: see `rules::tag`.
    Tag,
    /// Two texts, either of which may be one of some values, and none of which may be.
    Twin,
}

impl Nature {
    pub(super) fn of(field: Field) -> Self {
        match field {
            Field::Id => Self::Given,
            Field::ResourceGroup => Self::Twin,
            Field::Name
            | Field::Hostname
            | Field::Zone
            | Field::Type
            | Field::Image
            | Field::Status
            | Field::ChargeType
            | Field::InternetChargeType
            | Field::Ip
            | Field::CreateTime => Self::Told,
            Field::Tag | Field::NearMiss => Self::Tag,
        }
    }
}

type Texts<'a> = Claim<'a, Pattern>;

/// Whether no text makes all of these true.
pub(super) fn exclude_each_other(nature: Nature, claims: &[Texts<'_>]) -> bool {
    match nature {
        Nature::Twin => twins_exclude(claims),
        Nature::Given | Nature::Told | Nature::Tag => {
            !may_be_absent(nature, claims) && !may_be_there(claims)
        }
    }
}

/// Whether whatever makes all of `claims` true makes `claim` true.
pub(super) fn imply(nature: Nature, claims: &[Texts<'_>], claim: Texts<'_>) -> bool {
    match nature {
        Nature::Twin => twins_imply(claims, claim),
        Nature::Given | Nature::Told | Nature::Tag => {
            (!may_be_absent(nature, claims) || may_be_absent(nature, &[claim]))
                && (!may_be_there(claims) || holds_where_there(nature, claims, claim))
        }
    }
}

fn may_be_absent(nature: Nature, claims: &[Texts<'_>]) -> bool {
    let fits = |claim: &Texts<'_>| match claim {
        Claim::In(_) | Claim::Exists => false,
        Claim::NotIn(_) => nature == Nature::Tag,
        Claim::Absent => true,
    };
    nature != Nature::Given && claims.iter().all(fits)
}

/// The lists of which a text must be one.
fn wanted<'a, T>(claims: &[Claim<'a, T>]) -> impl Iterator<Item = &'a [T]> {
    claims.iter().filter_map(|claim| match claim {
        Claim::In(list) => Some(*list),
        Claim::NotIn(_) | Claim::Exists | Claim::Absent => None,
    })
}

/// All of which it must be none.
fn unwanted<'a, T>(claims: &[Claim<'a, T>]) -> impl Iterator<Item = &'a T> {
    let lists = claims.iter().filter_map(|claim| match claim {
        Claim::NotIn(list) => Some(*list),
        Claim::In(_) | Claim::Exists | Claim::Absent => None,
    });
    lists.flatten()
}

fn has_absent<T>(claims: &[Claim<'_, T>]) -> bool {
    claims.iter().any(|claim| matches!(claim, Claim::Absent))
}

fn may_be_there(claims: &[Texts<'_>]) -> bool {
    !has_absent(claims)
        && !unwanted(claims).any(Pattern::is_anything)
        && wanted(claims).all(|list| list.iter().any(|one| is_left(one, claims)))
}

/// Whether a text that matches `one` may make all claims true.
fn is_left(one: &Pattern, claims: &[Texts<'_>]) -> bool {
    wanted(claims).all(|list| !list.iter().all(|other| one.is_apart(other)))
        && !unwanted(claims).any(|other| one.is_within(other))
}

/// Whether every text that makes all of `claims` true makes `claim` true.
///
/// Of a tag, that it is there does not make its value readable, and that its value is one of some does not rule out a near miss of
/// its key with another one.
fn holds_where_there(nature: Nature, claims: &[Texts<'_>], claim: Texts<'_>) -> bool {
    let is_tag = nature == Nature::Tag;
    let is_read = || claims.iter().any(|own| matches!(own, Claim::In(_) | Claim::NotIn(_)));
    let left = |list: &'_ [Pattern], fits: &dyn Fn(&Pattern) -> bool| {
        list.iter().filter(|one| is_left(one, claims)).all(fits)
    };
    match claim {
        Claim::Exists => true,
        Claim::Absent => false,
        Claim::In(list) => {
            let is_in = |one: &Pattern| list.iter().any(|other| one.is_within(other));
            (list.iter().any(Pattern::is_anything) && (!is_tag || is_read()))
                || wanted(claims).any(|own| left(own, &is_in))
        }
        Claim::NotIn(list) => list.iter().all(|other| {
            unwanted(claims).any(|own| other.is_within(own))
                || (!is_tag && wanted(claims).any(|own| left(own, &|one| one.is_apart(other))))
        }),
    }
}

fn twins_exclude(claims: &[Texts<'_>]) -> bool {
    let is_denied = |one: &Pattern| unwanted(claims).any(|other| one.is_within(other));
    (has_absent(claims) && claims.iter().any(|claim| !matches!(claim, Claim::Absent)))
        || unwanted(claims).any(Pattern::is_anything)
        || wanted(claims).any(|list| list.iter().all(is_denied))
}

fn twins_imply(claims: &[Texts<'_>], claim: Texts<'_>) -> bool {
    let is_there = claims.iter().any(|claim| !matches!(claim, Claim::Absent));
    match claim {
        Claim::Exists => is_there,
        Claim::Absent => has_absent(claims),
        Claim::In(list) => {
            let is_in = |one: &Pattern| list.iter().any(|other| one.is_within(other));
            is_there && list.iter().any(Pattern::is_anything)
                || wanted(claims).any(|own| own.iter().all(is_in))
        }
        Claim::NotIn(list) => {
            let is_denied = |one: &Pattern| unwanted(claims).any(|other| one.is_within(other));
            !list.is_empty() && list.iter().all(is_denied)
        }
    }
}

type Networks<'a> = Claim<'a, IpNet>;

fn is_among(one: &IpNet, networks: &[IpNet]) -> bool {
    networks.iter().any(|other| other.contains(one))
}

/// Whether no addresses make all of these true. Several networks do not exclude each other: a machine has several addresses.
pub(super) fn networks_exclude(claims: &[Networks<'_>]) -> bool {
    let asks_for_one = |claim: &Networks<'_>| matches!(claim, Claim::In(_) | Claim::Exists);
    let is_denied = |one: &IpNet| unwanted(claims).any(|other| other.contains(one));
    (has_absent(claims) && claims.iter().any(asks_for_one))
        || wanted(claims).any(|list| list.iter().all(is_denied))
}

/// Whether whatever makes all of `claims` true makes `claim` true.
pub(super) fn networks_imply(claims: &[Networks<'_>], claim: Networks<'_>) -> bool {
    let asks_for_one = |claim: &Networks<'_>| matches!(claim, Claim::In(_) | Claim::Exists);
    match claim {
        Claim::Exists => claims.iter().any(asks_for_one),
        Claim::Absent => has_absent(claims),
        Claim::In(list) => wanted(claims).any(|own| own.iter().all(|one| is_among(one, list))),
        Claim::NotIn(list) => {
            let is_denied = |one: &IpNet| unwanted(claims).any(|other| other.contains(one));
            has_absent(claims) || (!list.is_empty() && list.iter().all(is_denied))
        }
    }
}

/// What is true of an age.
#[derive(Clone, Copy, Debug)]
pub(super) enum Age<'a> {
    /// One of these holds.
    Any(&'a [AgeTest]),
    /// None of them does, and the age is known.
    None(&'a [AgeTest]),
}

impl<'a> Age<'a> {
    /// What is true when it is false.
    pub(super) fn denied(self) -> Self {
        match self {
            Self::Any(tests) => Self::None(tests),
            Self::None(tests) => Self::Any(tests),
        }
    }

    /// The comparisons that it names.
    pub(super) fn tests(self) -> &'a [AgeTest] {
        match self {
            Self::Any(tests) | Self::None(tests) => tests,
        }
    }

    /// Whether it is true of an age.
    pub(super) fn admits(self, age: SignedDuration) -> bool {
        match self {
            Self::Any(tests) => tests.iter().any(|test| test.admits(age)),
            Self::None(tests) => !tests.iter().any(|test| test.admits(age)),
        }
    }
}

/// Ages that stand for all: each comparison changes at its limit only, so what holds just before, at and just after each of the
/// limits holds everywhere.
fn ages(claims: &[Age<'_>]) -> Vec<SignedDuration> {
    let limits = claims.iter().flat_map(|claim| claim.tests()).map(|test| test.limit());
    let instant = SignedDuration::from_nanos(1);
    limits
        .flat_map(|limit| [limit.saturating_sub(instant), limit, limit.saturating_add(instant)])
        .collect()
}

/// Whether no age makes all of these true.
pub(super) fn ages_exclude(claims: &[Age<'_>]) -> bool {
    let fits = |age: &SignedDuration| claims.iter().all(|claim| claim.admits(*age));
    !claims.is_empty() && !ages(claims).iter().any(fits)
}

/// Whether every age that makes all of `claims` true makes `claim` true. Without any claim, the age may not be known.
pub(super) fn ages_imply(claims: &[Age<'_>], claim: Age<'_>) -> bool {
    let all = ages(&[claims, &[claim]].concat());
    let mut fitting = all.iter().filter(|age| claims.iter().all(|claim| claim.admits(**age)));
    !claims.is_empty() && fitting.all(|age| claim.admits(*age))
}
