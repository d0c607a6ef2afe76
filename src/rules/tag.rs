//! Conditions on a tag, and keys that are only nearly the one that is asked for.

use std::{fmt, ops::Deref};

use super::{Field, Pattern, Test, Truth, pattern::fits};
use crate::inventory::{Instance, Tag, Tags, text};

/// Where a condition stands in a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// What holds there leads to a termination: `match`.
    Takes,
    /// What holds there prevents one: `unless`, `protect`, and `not` in a match.
    Protects,
}

impl Side {
    /// The side of what stands under `not`.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Takes => Self::Protects,
            Self::Protects => Self::Takes,
        }
    }
}

/// The key of a tag that a condition asks for.
#[derive(Clone, Debug)]
pub struct TagKey {
    key: Box<str>,
    /// What near misses of the key look like: see [`text::near_form`].
    near_form: Box<str>,
    /// Whether an instance with a near miss of the key is protected.
    heeds_near_misses: bool,
}

impl TagKey {
    /// The key as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// Whether another key is a near miss of this one.
    #[must_use]
    pub fn is_near_miss(&self, own: &str) -> bool {
        text::is_near_miss(own, &self.key, &self.near_form)
    }

    /// Whether a near miss of the key protects an instance from what the condition would do.
    #[must_use]
    pub fn heeds_near_misses(&self) -> bool {
        self.heeds_near_misses
    }

    /// Sets whether near misses count: they do where it would protect an instance that the tag has the value asked for.
    pub(super) fn stand_on(&mut self, side: Side, test: &Test<Pattern>) {
        let asks_for_presence = match test {
            Test::AnyOf(_) | Test::Exists(true) => side,
            Test::NoneOf(_) | Test::Exists(false) => side.turned(),
        };
        self.heeds_near_misses = asks_for_presence == Side::Protects;
    }

    /// The tags of an instance whose keys are near misses of this one.
    pub fn near_misses<'a>(&'a self, tags: &'a Tags) -> impl Iterator<Item = (&'a str, Tag<'a>)> {
        tags.near(&self.key, &self.near_form)
    }
}

/// A key whose near misses count, until it is said on which side its condition stands.
impl From<&str> for TagKey {
    fn from(key: &str) -> Self {
        Self { key: key.into(), near_form: text::near_form(key), heeds_near_misses: true }
    }
}

impl PartialEq for TagKey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Deref for TagKey {
    type Target = str;

    fn deref(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// Whether what is asked of a tag holds for an instance with these tags.
///
/// Text conditions on tags are two-valued, since an absent tag does not match. Two things are unknown: a tag whose value the
/// cloud did not tell, and, where the tag would protect, a tag whose key is a near miss.
pub(super) fn test_tag(key: &TagKey, asked: &Test<Pattern>, tags: &Tags) -> Truth {
    match asked {
        Test::AnyOf(patterns) => one_of(key, patterns, tags),
        Test::NoneOf(patterns) => !one_of(key, patterns, tags),
        Test::Exists(true) => is_there(key, tags),
        Test::Exists(false) => !is_there(key, tags),
    }
}

fn one_of(key: &TagKey, patterns: &[Pattern], tags: &Tags) -> Truth {
    let own = match tags.look(key) {
        Tag::Absent => return is_absent(key, tags),
        found => matches(patterns, found),
    };
    // The tag itself does not protect; one beside it whose key is a near miss may be the one that was meant.
    let may_protect = |(_, near): (&str, Tag<'_>)| matches(patterns, near) != Truth::False;
    if own == Truth::False && key.heeds_near_misses && key.near_misses(tags).any(may_protect) {
        return Truth::Unknown(Field::NearMiss);
    }
    own
}

fn matches(patterns: &[Pattern], tag: Tag<'_>) -> Truth {
    match tag {
        Tag::Absent => Truth::False,
        Tag::Unreadable => Truth::Unknown(Field::Tag),
        Tag::Value(value) => fits(patterns, value).map_or(Truth::Unknown(Field::Tag), Truth::from),
    }
}

fn is_there(key: &TagKey, tags: &Tags) -> Truth {
    match tags.look(key) {
        Tag::Absent => is_absent(key, tags),
        Tag::Unreadable | Tag::Value(_) => Truth::True,
    }
}

/// That the tag is there, of an instance without it: false, unless a near miss of its key counts.
fn is_absent(key: &TagKey, tags: &Tags) -> Truth {
    if key.heeds_near_misses && key.near_misses(tags).next().is_some() {
        return Truth::Unknown(Field::NearMiss);
    }
    Truth::False
}

/// A tag of an instance whose key is a near miss of the key that a condition asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NearMiss<'a> {
    /// The key that the instance has.
    pub own: &'a str,
    /// The key that the condition asks for.
    pub asked: &'a str,
}

impl<'a> NearMiss<'a> {
    /// The near miss that makes the answer of one condition unknown, if one does.
    pub(super) fn of(
        key: &'a TagKey,
        asked: &Test<Pattern>,
        instance: &'a Instance,
    ) -> Option<Self> {
        if test_tag(key, asked, &instance.tags) != Truth::Unknown(Field::NearMiss) {
            return None;
        }
        let counts = |near: &Tag<'_>| match (asked, instance.tags.look(key)) {
            (_, Tag::Absent) | (Test::Exists(_), _) => true,
            (Test::AnyOf(patterns) | Test::NoneOf(patterns), _) => {
                matches(patterns, *near) != Truth::False
            }
        };
        let (own, _) = key.near_misses(&instance.tags).find(|(_, near)| counts(near))?;
        Some(Self { own, asked: key.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inventory::tests::instance, rules::parse::tests::rules};

    /// Tags of an instance; a value of `~` is one that the cloud did not tell.
    fn tagged(pairs: &[(&str, &str)]) -> Instance {
        let told = |(key, value): &(&str, &str)| {
            let value = Some(*value).filter(|value| *value != "~").map(Into::into);
            ((*key).into(), value)
        };
        let mut subject = instance("i");
        subject.tags = Tags::told(pairs.iter().map(told).collect()).unwrap();
        subject
    }

    /// What `match`, `not` in a match, and `unless` make of a condition on tags, one letter each: t, f, u (unknown), n (near miss).
    #[track_caller]
    fn check(condition: &str, pairs: &[(&str, &str)], expected: &str) {
        let rules = rules(&format!(
            "rules:\n  - {{ name: r, match: {{ tags: {condition} }}, unless: {{ tags: {condition} }} }}\n  \
             - {{ name: s, match: {{ not: {{ tags: {condition} }} }} }}"
        ));
        let subject = tagged(pairs);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let [first, second] = &rules.rules[..] else { panic!("two rules") };
        let told = [&first.matches, &second.matches, &first.unless].map(|one| {
            match one.test(&subject, now) {
                Truth::True => 't',
                Truth::False => 'f',
                Truth::Unknown(Field::NearMiss) => 'n',
                Truth::Unknown(_) => 'u',
            }
        });
        assert_eq!(told.iter().collect::<String>(), expected, "{condition} {pairs:?}");
    }

    #[test]
    fn a_tag_without_a_readable_value_is_unknown_for_every_text_condition() {
        for condition in
            ["{ k: a }", "{ k: '*' }", "{ k: '' }", "{ k: { not_in: [a] } }", "{ k: { regex: a } }"]
        {
            check(condition, &[("k", "~")], "uuu");
        }
        check("{ k: { exists: true } }", &[("k", "~")], "tft");
        check("{ k: { exists: false } }", &[("k", "~")], "ftf");
        check("{ k: '' }", &[("k", "")], "tft");
        check("{ k: '*' }", &[("k", "")], "tft");
        check("{ k: a }", &[], "ftf");
    }

    #[test]
    fn a_near_miss_protects_whatever_its_value_and_takes_nothing() {
        for near in ["K", "k ", "\u{a0}k", "k\u{200b}", "ｋ"] {
            for value in ["a", "b", "", "~"] {
                let own = [("env", "dev"), (near, value)];
                check("{ k: a }", &own, "fnn");
                check("{ k: '*' }", &own, "fnn");
                check("{ k: { regex: a } }", &own, "fnn");
                check("{ k: { glob: '[ab]' } }", &own, "fnn");
                check("{ k: { exists: true } }", &own, "fnn");
                check("{ k: { not_in: [a] } }", &own, "nft");
                check("{ k: { exists: false } }", &own, "nft");
            }
        }
    }

    #[test]
    fn beside_the_exact_key_a_near_miss_counts_only_where_its_value_protects() {
        let both = [("k", "a"), ("K", "b")];
        check("{ k: a }", &both, "tft");
        check("{ k: b }", &both, "fnn");
        check("{ k: c }", &both, "ftf");
        check("{ k: { not_in: [b] } }", &both, "nft");
        check("{ k: { exists: true } }", &both, "tft");
        check("{ k: { exists: false } }", &both, "ftf");
        check("{ k: b }", &[("k", "a"), ("K", "~")], "fnn");
    }

    #[test]
    fn what_stands_under_not_in_unless_takes() {
        let yaml =
            "rules: [{ name: r, match: everything, unless: { not: { tags: { env: dev } } } }]";
        let rules = rules(yaml);
        let of = |pairs: &[(&str, &str)]| {
            rules.rules[0].unless.test(&tagged(pairs), jiff::Timestamp::UNIX_EPOCH)
        };
        // A near miss of what an exception excludes leaves the exception true.
        assert_eq!(of(&[("Env", "dev")]), Truth::True);
        assert_eq!(of(&[("env", "dev")]), Truth::False);
        assert_eq!(of(&[]), Truth::True);
    }
}
