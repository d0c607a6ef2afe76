//! What we want: rules, compiled once, that say of an instance whether and when it is due.
//!
//! Pure: no clock, no file. A rule answers in three values, and each answer carries its reason: a field that the cloud did
//! not tell makes it [`Verdict::Unknown`], which never terminates. In `unless` and `protect` it is the other way round: there,
//! unknown protects. Text conditions on tags are two-valued: a tag that is not there is simply not matched. A tag whose value the
//! cloud did not tell is unknown; so is, where it would protect, a tag whose key is a near miss of the one that is asked for.

mod age;
mod condition;
mod expiry;
mod field;
mod glob;
mod lint;
mod network;
mod origin;
mod parse;
mod pattern;
mod protective;
mod screen;
mod sight;
mod tag;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::screen::Screen;
use crate::{inventory::Instance, lifetime::shorten, schedule::Schedule};

#[cfg(test)]
pub(crate) use self::lint::ELIGIBLE;
pub use self::{
    age::AgeTest,
    condition::{Condition, Test, Truth},
    expiry::{Bought, Due, Expiry, TagExpiry},
    field::Field,
    lint::{
        TagKeys, near_miss_keys, outpaced, plain_brackets, schedule_warnings, unknown_tag_keys,
        warnings,
    },
    origin::Origin,
    parse::{Release, Terms, parse, parse_matcher},
    pattern::Pattern,
    protective::Protective,
    tag::{NearMiss, TagKey},
};
pub(crate) use self::{
    parse::{matchers, schedule, timezone},
    tag::Side,
};

/// The name of a rule, unique over all files.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RuleName(Arc<str>);

impl RuleName {
    /// The longest name, as long as a DNS label.
    const CHARS_MAX: usize = 63;

    /// What a name looks like, for error messages.
    pub(crate) const HELP: &str =
        "a name of lower-case letters, digits and hyphens, 1 to 63 characters";

    /// Takes a name of `[a-z0-9-]`, 1 to 63 characters.
    pub fn new(text: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=Self::CHARS_MAX).contains(&text.len());
        if fits && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        Err(format!("`{}` is not a rule's name", shorten(text)))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RuleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// What it is for, in the words of who wrote it.
    pub description: Option<String>,
    /// What must hold.
    pub matches: Condition,
    /// What of that rules most machines out, asked first.
    screen: Screen,
    /// What must not.
    pub unless: Condition,
    /// When a match is due.
    pub expiry: Expiry,
    /// How long before its termination a machine's owner is told.
    pub notice: Option<NoticePeriod>,
    /// What the rule may do at most.
    pub limits: RuleLimits,
    /// When its turn is, instead of the config's schedule.
    pub schedule: Option<Schedule>,
    /// What is done to a match.
    pub action: Action,
    /// Where it was written.
    pub origin: Origin,
}

/// What is done to a machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// It goes to the recycle bin, which leaves 24 hours to change one's mind.
    Terminate,
    /// It is released from there too, which is for good.
    Release,
}

/// How long before its termination a machine's owner is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoticePeriod {
    /// How long.
    pub length: SignedDuration,
    /// What happens if the owner cannot be told.
    pub delivery: Delivery,
}

/// What happens to a machine whose owner cannot be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// It stays; the period begins when every sink has the notice.
    Required,
    /// It goes all the same; the period begins when the notice is written (`notice_required: false`).
    Attempted,
}

/// What a rule may do at most, beside the limits of the config.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RuleLimits {
    /// Terminations by this rule in one run; 0 means none.
    pub max_terminations: Option<u32>,
    /// Live machines that it matches which must be left.
    pub min_remaining: Option<u32>,
}

/// What a rule says of an instance.
#[must_use]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The rule does not speak of it.
    NoMatch,
    /// It matches, but for an exception.
    Excepted,
    /// Whether it matches depends on a field that the cloud did not tell.
    Unknown(Field),
    /// It matches, and is due so.
    Matches(Due),
}

impl Rule {
    /// What this rule says of `instance` at `now`.
    pub fn evaluate(&self, instance: &Instance, now: Timestamp) -> Verdict {
        if self.screen.rules_out(instance) {
            return Verdict::NoMatch;
        }
        match self.matches.test(instance, now) {
            Truth::False => Verdict::NoMatch,
            Truth::True => match self.unless.test(instance, now) {
                Truth::True => Verdict::Excepted,
                Truth::False => Verdict::Matches(self.expiry.due(instance)),
                Truth::Unknown(field) => self.unknown(field, instance),
            },
            Truth::Unknown(field) => match self.unless.test(instance, now) {
                Truth::True => Verdict::Unknown(field),
                Truth::False | Truth::Unknown(_) => self.unknown(field, instance),
            },
        }
    }

    /// It may match. A tag that cannot be read keeps the machine then too: to know less must not terminate more.
    fn unknown(&self, field: Field, instance: &Instance) -> Verdict {
        match self.expiry.due(instance) {
            Due::Unreadable => Verdict::Matches(Due::Unreadable),
            Due::AtOnce | Due::At(_) | Due::Never | Due::Unknown(_) => Verdict::Unknown(field),
        }
    }
}

/// All rules, in the order of their files and in them.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Those that are switched off by `enabled: false`.
    pub disabled: Vec<Rule>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::{instance, tags};

    fn check(rule: &str, edit: impl FnOnce(&mut Instance), expected: &Verdict) {
        let yaml = format!("rules:\n  - name: r\n{}", rule.replace('|', "\n"));
        let rules = parse::tests::rules(&yaml);
        let mut subject = instance("i-1");
        edit(&mut subject);
        let now = "2026-11-04T00:00:00Z".parse().unwrap();
        assert_eq!(&rules.rules[0].evaluate(&subject, now), expected, "{yaml}");
    }

    const AT_ONCE: Verdict = Verdict::Matches(Due::AtOnce);

    #[test]
    fn every_line_of_a_match_must_hold() {
        check("    match: { zone: HKG-A, type: M6C }", |_| {}, &AT_ONCE);
        check("    match: { zone: HKG-A, type: M7C }", |_| {}, &Verdict::NoMatch);
        check("    match: everything", |_| {}, &AT_ONCE);
    }

    #[test]
    fn a_field_that_is_absent_is_unknown_and_protects_in_unless() {
        let no_zone = |subject: &mut Instance| subject.zone = None;
        let unknown = Verdict::Unknown(Field::Zone);
        check("    match: { zone: HKG-A }", no_zone, &unknown);
        check("    match: { type: M6C }|    unless: { zone: SEL-A }", no_zone, &unknown);
        check("    match: { zone: HKG-A, type: M7C }", no_zone, &Verdict::NoMatch);
        check(
            "    match: { type: M6C }|    unless: [{ zone: SEL-A }, { type: M6C }]",
            no_zone,
            &Verdict::Excepted,
        );
    }

    #[test]
    fn a_rule_that_may_match_keeps_a_machine_whose_tag_cannot_be_read() {
        let odd = |subject: &mut Instance| {
            (subject.zone, subject.tags) = (None, tags(&[("ttl", "soon")]));
        };
        let unreadable = Verdict::Matches(Due::Unreadable);
        check("    match: { zone: HKG-A }|    expire: { tag: ttl }", odd, &unreadable);
        let unless =
            "    match: { type: M6C }|    unless: { zone: HKG-A }|    expire: { tag: ttl }";
        check(unless, odd, &unreadable);
        let other = "    match: { type: M7C, zone: HKG-A }|    expire: { tag: ttl }";
        check(other, odd, &Verdict::NoMatch);
    }

    #[test]
    fn a_tag_that_is_absent_is_not_matched() {
        check("    match: { tags: { env: dev } }", |_| {}, &Verdict::NoMatch);
        check("    match: { zone: HKG-A }|    unless: [{ tags: { keep: '*' } }]", |_| {}, &AT_ONCE);
        let kept = |subject: &mut Instance| subject.tags = tags(&[("keep", "")]);
        check(
            "    match: { zone: HKG-A }|    unless: [{ tags: { keep: '*' } }]",
            kept,
            &Verdict::Excepted,
        );
    }

    #[test]
    fn a_rule_name_is_a_dns_label() {
        for good in ["a", "dev-three-days", "0", &"x".repeat(63)] {
            assert!(RuleName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "Dev", "a_b", "a b", "é", &"x".repeat(64)] {
            assert!(RuleName::new(bad).is_err(), "{bad}");
        }
    }
}
