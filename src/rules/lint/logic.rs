//! What follows from conditions, whatever a machine tells.
//!
//! A condition is written as claims joined by "and" and "or": "not" goes down to the claims, as it does in three values too. So a
//! formula is true where enough of its claims are, and unknown never makes one true. A case is one way to make it true.

use std::cell::Cell;

use ipnet::IpNet;

use super::claims::{self, Age, Claim, Nature};
use crate::rules::{Condition, Field, Pattern};

/// Status and charge type of the machines that may be terminated: the table of the design.
pub(crate) const ELIGIBLE: [(&str, &str); 7] = [
    ("RUNNING", "POSTPAID"),
    ("STOPPED", "POSTPAID"),
    ("BOOTING", "POSTPAID"),
    ("STOPPING", "POSTPAID"),
    ("INSTALL_FAILED", "POSTPAID"),
    ("CREATE_FAILED", "POSTPAID"),
    ("CREATE_FAILED", "PREPAID"),
];

/// The most cases of a rule that are looked at, the most claims in one of them, and the most values in all of them. To compare
/// values takes their square in steps, so a rule past these bounds is not looked at.
const CASES_MAX: usize = 256;
const CLAIMS_MAX: usize = 128;
pub(super) const VALUES_MAX: usize = 4_000;

/// Which text a claim is on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Subject<'a> {
    /// A field.
    Field(Field),
    /// The tag with a key.
    Tag(&'a str),
}

impl Subject<'_> {
    fn nature(self) -> Nature {
        match self {
            Self::Field(field) => Nature::of(field),
            Self::Tag(_) => Nature::Tag,
        }
    }

    /// Its key in a matcher.
    pub(super) fn key(self) -> String {
        match self {
            Self::Field(Field::CreateTime) => "age".to_owned(),
            Self::Field(field) => field.as_str().to_owned(),
            Self::Tag(key) => format!("tags.{key}"),
        }
    }
}

/// One claim.
#[derive(Clone, Copy, Debug)]
pub(super) enum Literal<'a> {
    /// On a text.
    Text(Subject<'a>, Claim<'a, Pattern>),
    /// On the addresses.
    Ip(Claim<'a, IpNet>),
    /// On the age.
    Age(Age<'a>),
}

impl<'a> Literal<'a> {
    fn denied(self) -> Self {
        match self {
            Self::Text(subject, claim) => Self::Text(subject, claim.denied()),
            Self::Ip(claim) => Self::Ip(claim.denied()),
            Self::Age(age) => Self::Age(age.denied()),
        }
    }

    fn subject(self) -> Subject<'a> {
        match self {
            Self::Text(subject, _) => subject,
            Self::Ip(_) => Subject::Field(Field::Ip),
            Self::Age(_) => Subject::Field(Field::CreateTime),
        }
    }

    /// How many values it names.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Text(_, claim) => claim.len(),
            Self::Ip(claim) => claim.len(),
            Self::Age(age) => age.tests().len(),
        }
    }

    /// Whether it is always true or false and never unknown, so that it is true wherever its contrary is not. A tag is unknown
    /// where its value was not told or its key is a near miss, which is no reason not to warn of a rule that takes all others.
    fn is_two_valued(self) -> bool {
        match self {
            Self::Text(Subject::Tag(_), _)
            | Self::Text(Subject::Field(_), Claim::Exists | Claim::Absent) => true,
            Self::Text(Subject::Field(_), Claim::In(_) | Claim::NotIn(_))
            | Self::Ip(_)
            | Self::Age(_) => false,
        }
    }
}

/// Claims joined by "and" and "or".
#[derive(Clone, Debug)]
pub(super) enum Formula<'a> {
    /// All of these are true; of none, that is so.
    All(Vec<Self>),
    /// One of these is true; of none, that is not so.
    Any(Vec<Self>),
    /// A claim.
    One(Literal<'a>),
}

impl<'a> Formula<'a> {
    /// That a condition holds.
    pub(super) fn of(condition: &'a Condition) -> Self {
        match condition {
            Condition::Everything => Self::All(Vec::new()),
            Condition::Field(field, test) => {
                Self::One(Literal::Text(Subject::Field(*field), Claim::of(test)))
            }
            Condition::Tag(key, test) => {
                Self::One(Literal::Text(Subject::Tag(key), Claim::of(test)))
            }
            Condition::Ip(test) => Self::One(Literal::Ip(Claim::of(test))),
            Condition::Age(tests) => Self::One(Literal::Age(Age::Any(tests))),
            Condition::All(all) => Self::All(all.iter().map(Self::of).collect()),
            Condition::Any(any) => Self::Any(any.iter().map(Self::of).collect()),
            Condition::Not(one) => Self::of(one).denied(),
        }
    }

    /// That it is false, for sure.
    pub(super) fn denied(self) -> Self {
        match self {
            Self::All(all) => Self::Any(all.into_iter().map(Self::denied).collect()),
            Self::Any(any) => Self::All(any.into_iter().map(Self::denied).collect()),
            Self::One(literal) => Self::One(literal.denied()),
        }
    }

    /// Every way to make it true; `None` if there are too many to look at.
    pub(super) fn cases(&self) -> Option<Vec<Case<'a>>> {
        match self {
            Self::One(literal) => Some(vec![Case(vec![*literal])]),
            Self::Any(any) => {
                let mut cases = Vec::new();
                for one in any {
                    cases.extend(one.cases()?);
                    if cases.len() > CASES_MAX {
                        return None;
                    }
                }
                Some(cases)
            }
            Self::All(all) => {
                let nothing_asked = vec![Case(Vec::new())];
                all.iter().try_fold(nothing_asked, |cases, one| product(&cases, &one.cases()?))
            }
        }
    }

    /// Whether it is true of every machine that has no tag without a value and none whose key is a near miss.
    pub(super) fn is_always(&self) -> bool {
        match self {
            Self::All(all) => all.iter().all(Self::is_always),
            Self::Any(any) => any.iter().any(Self::is_always) || covers_all(any),
            Self::One(literal) => Case(Vec::new()).implies_claim(*literal),
        }
    }

    /// Every claim in it.
    pub(super) fn literals(&self) -> Vec<Literal<'a>> {
        match self {
            Self::All(several) | Self::Any(several) => {
                several.iter().flat_map(Self::literals).collect()
            }
            Self::One(literal) => vec![*literal],
        }
    }

    /// Whether each way to make it true has a claim of this kind.
    pub(super) fn always_has(&self, is_it: &impl Fn(Literal<'a>) -> bool) -> bool {
        match self {
            Self::All(all) => all.iter().any(|one| one.always_has(is_it)),
            Self::Any(any) => any.iter().all(|one| one.always_has(is_it)),
            Self::One(literal) => is_it(*literal),
        }
    }
}

/// Both at once, each way with each.
fn product<'a>(one: &[Case<'a>], other: &[Case<'a>]) -> Option<Vec<Case<'a>>> {
    if one.len() * other.len() > CASES_MAX {
        return None;
    }
    let both = |a: &Case<'a>| {
        let a = a.0.clone();
        other.iter().map(move |b| Case([&a[..], &b.0[..]].concat()))
    };
    let cases: Vec<_> = one.iter().flat_map(both).collect();
    cases.iter().all(|case| case.0.len() <= CLAIMS_MAX).then_some(cases)
}

/// Whether of two claims one is true wherever the other is not.
fn covers_all(any: &[Formula<'_>]) -> bool {
    let claims = any.iter().filter_map(|formula| match formula {
        Formula::One(literal) => Some(*literal),
        Formula::All(_) | Formula::Any(_) => None,
    });
    // Short ones only, since each is held against each.
    let short = claims.filter(|one| one.len() <= CLAIMS_MAX / 2);
    let claims: Vec<_> = short.take(CLAIMS_MAX).collect();
    claims.iter().filter(|one| one.is_two_valued()).any(|one| {
        let contrary = Case(vec![one.denied()]);
        claims.iter().any(|other| contrary.implies_claim(*other))
    })
}

/// How many comparisons of values may still be made.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    /// So many.
    pub(super) fn of(steps: usize) -> Self {
        Self(Cell::new(steps))
    }

    /// Takes so many of them, if there are.
    fn spend(&self, steps: usize) -> bool {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or_default());
        left.is_some()
    }
}

/// One way to make a formula true: all of these claims are.
#[derive(Clone, Debug)]
pub(super) struct Case<'a>(Vec<Literal<'a>>);

/// Why nothing makes a case true.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Conflict<'a> {
    /// What is asked of this excludes itself.
    On(Subject<'a>),
    /// No machine with such a status and charge type may be terminated.
    NotEligible,
    /// There is no case at all.
    Nothing,
}

impl<'a> Case<'a> {
    /// How many values it names.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|literal| literal.len()).sum()
    }

    /// Why no machine that may be terminated makes it true; `None` if one may.
    pub(super) fn conflict(&self) -> Option<Conflict<'a>> {
        if self.eligible().next().is_none() {
            return Some(Conflict::NotEligible);
        }
        let mut subjects: Vec<Subject<'a>> = Vec::new();
        for literal in &self.0 {
            if !subjects.contains(&literal.subject()) {
                subjects.push(literal.subject());
            }
        }
        subjects.into_iter().find(|subject| self.excludes(*subject)).map(Conflict::On)
    }

    fn excludes(&self, subject: Subject<'_>) -> bool {
        match subject {
            Subject::Field(Field::Status | Field::ChargeType | Field::Tag | Field::NearMiss) => {
                false
            }
            Subject::Field(Field::Ip) => claims::networks_exclude(&self.networks()),
            Subject::Field(Field::CreateTime) => claims::ages_exclude(&self.ages()),
            Subject::Tag(_)
            | Subject::Field(
                Field::Id
                | Field::Name
                | Field::Hostname
                | Field::Zone
                | Field::Type
                | Field::Image
                | Field::InternetChargeType
                | Field::ResourceGroup,
            ) => claims::exclude_each_other(subject.nature(), &self.texts(subject)),
        }
    }

    /// Whether every machine that may be terminated and makes this case true makes `formula` true, as far as `budget` lasts.
    pub(super) fn implies(&self, formula: &Formula<'_>, budget: &Budget) -> bool {
        match formula {
            Formula::All(all) => all.iter().all(|one| self.implies(one, budget)),
            Formula::Any(any) => any.iter().any(|one| self.implies(one, budget)),
            Formula::One(literal) => {
                budget.spend(self.steps(*literal))
                    && (self.implies_by_eligibility(*literal) || self.implies_claim(*literal))
            }
        }
    }

    /// How many comparisons of values it takes, at most, to see whether a claim follows.
    fn steps(&self, literal: Literal<'_>) -> usize {
        let on_it = self.0.iter().filter(|own| own.subject() == literal.subject());
        let own: usize = on_it.map(|own| own.len()).sum();
        (own + 1) * (own + literal.len() + 1)
    }

    fn implies_claim(&self, literal: Literal<'_>) -> bool {
        match literal {
            Literal::Text(Subject::Field(Field::Status | Field::ChargeType), _) => false,
            Literal::Text(subject, claim) => {
                claims::imply(subject.nature(), &self.texts(subject), claim)
            }
            Literal::Ip(claim) => claims::networks_imply(&self.networks(), claim),
            Literal::Age(age) => claims::ages_imply(&self.ages(), age),
        }
    }

    /// Whether all that is left of the table of what may be terminated makes a claim on it true.
    fn implies_by_eligibility(&self, literal: Literal<'_>) -> bool {
        is_on_table(literal) && self.eligible().all(|pair| admits(literal, *pair))
    }

    /// What may be terminated, by its status and charge type.
    fn eligible(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        let fits = |pair: &&(&str, &str)| self.0.iter().all(|literal| admits(*literal, **pair));
        ELIGIBLE.iter().filter(fits)
    }

    fn texts(&self, subject: Subject<'_>) -> Vec<Claim<'a, Pattern>> {
        let on_it = |literal: &Literal<'a>| match literal {
            Literal::Text(own, claim) if *own == subject => Some(*claim),
            Literal::Text(..) | Literal::Ip(_) | Literal::Age(_) => None,
        };
        self.0.iter().filter_map(on_it).collect()
    }

    fn networks(&self) -> Vec<Claim<'a, IpNet>> {
        let on_it = |literal: &Literal<'a>| match literal {
            Literal::Ip(claim) => Some(*claim),
            Literal::Text(..) | Literal::Age(_) => None,
        };
        self.0.iter().filter_map(on_it).collect()
    }

    fn ages(&self) -> Vec<Age<'a>> {
        let on_it = |literal: &Literal<'a>| match literal {
            Literal::Age(age) => Some(*age),
            Literal::Text(..) | Literal::Ip(_) => None,
        };
        self.0.iter().filter_map(on_it).collect()
    }
}

fn is_on_table(literal: Literal<'_>) -> bool {
    let subject = literal.subject();
    [Field::Status, Field::ChargeType].into_iter().any(|own| subject == Subject::Field(own))
}

/// Whether a claim is true of a machine with this status and charge type, as far as it is about these.
fn admits(literal: Literal<'_>, (status, charge): (&str, &str)) -> bool {
    let is_one = |claim: Claim<'_, Pattern>, text: &str| match claim {
        Claim::In(list) => list.iter().any(|one| one.is_match(text)),
        Claim::NotIn(list) => !list.iter().any(|one| one.is_match(text)),
        Claim::Exists => true,
        Claim::Absent => false,
    };
    match literal {
        Literal::Text(Subject::Field(Field::Status), claim) => is_one(claim, status),
        Literal::Text(Subject::Field(Field::ChargeType), claim) => is_one(claim, charge),
        Literal::Text(..) | Literal::Ip(_) | Literal::Age(_) => true,
    }
}
