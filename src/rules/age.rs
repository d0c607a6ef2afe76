//! Comparisons of an age, which is counted from the creation of a machine.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::lifetime::{self, shorten};

/// What a comparison looks like, for error messages.
pub(crate) const AGE_HELP: &str =
    "a comparison such as `>= 3d` or `< 2h`, or a list of them, any of which may hold";

/// How an age is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Comparison {
    Less,
    AtMost,
    AtLeast,
    More,
}

/// The longest of the spellings that begin alike comes first.
const SPELLINGS: [(&str, Comparison); 4] = [
    ("<=", Comparison::AtMost),
    ("<", Comparison::Less),
    (">=", Comparison::AtLeast),
    (">", Comparison::More),
];

/// A comparison of an age with a duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AgeTest {
    comparison: Comparison,
    limit: SignedDuration,
}

impl AgeTest {
    /// Reads `>= 3d`, `> 3d`, `< 2h` or `<= 2h`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_matches(' ');
        let found = SPELLINGS
            .iter()
            .find_map(|(spelling, own)| trimmed.strip_prefix(spelling).map(|rest| (own, rest)));
        let Some((comparison, rest)) = found else {
            return Err(format!("`{}` does not say how to compare", shorten(text)));
        };
        lifetime::duration(rest).map(|limit| Self { comparison: *comparison, limit })
    }

    /// Whether it holds at `now` for what was created then.
    #[must_use]
    pub fn holds(self, created: Timestamp, now: Timestamp) -> bool {
        self.admits(now.duration_since(created))
    }

    /// Whether it holds for an age.
    pub(super) fn admits(self, age: SignedDuration) -> bool {
        match self.comparison {
            Comparison::Less => age < self.limit,
            Comparison::AtMost => age <= self.limit,
            Comparison::AtLeast => age >= self.limit,
            Comparison::More => age > self.limit,
        }
    }

    /// The first instant at which it holds otherwise than before, for what was created then.
    #[must_use]
    pub fn changes_at(self, created: Timestamp) -> Option<Timestamp> {
        let at_limit = created.checked_add(self.limit).ok()?;
        match self.comparison {
            Comparison::Less | Comparison::AtLeast => Some(at_limit),
            Comparison::AtMost | Comparison::More => {
                at_limit.checked_add(SignedDuration::from_nanos(1)).ok()
            }
        }
    }

    /// The duration that an age is compared with.
    #[must_use]
    pub fn limit(self) -> SignedDuration {
        self.limit
    }
}

impl fmt::Display for AgeTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spelling = SPELLINGS.iter().find(|(_, own)| *own == self.comparison);
        write!(f, "{} {:#}", spelling.map_or("", |(spelling, _)| spelling), self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifetime::Smallest;

    #[test]
    fn an_age_is_compared_to_the_second() {
        let created: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        for (test, age, expected) in [
            (">= 3d", "72h", true),
            (">= 3d", "71h 59m 59s", false),
            ("> 3d", "72h", false),
            ("> 3d", "72h 1s", true),
            ("<3d", "71h 59m 59s", true),
            ("< 3d", "72h", false),
            ("<= 3d", "72h", true),
            ("<= PT72H", "72h 1s", false),
        ] {
            let now = created + lifetime::duration_to(age, Smallest::Second).unwrap();
            assert_eq!(AgeTest::parse(test).unwrap().holds(created, now), expected, "{test} {age}");
        }
        let early = created - SignedDuration::from_hours(1);
        assert!(!AgeTest::parse(">= 1m").unwrap().holds(created, early), "it is yet to be created");
    }

    #[test]
    fn it_changes_once_and_is_known_when() {
        let created: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        for text in ["< 3d", "<= 3d", ">= 3d", "> 3d"] {
            let test = AgeTest::parse(text).unwrap();
            let change = test.changes_at(created).unwrap();
            let before = change - SignedDuration::from_nanos(1);
            assert_ne!(test.holds(created, before), test.holds(created, change), "{text}");
        }
    }

    #[test]
    fn what_is_no_comparison_is_refused() {
        for text in [
            "", "3d", "= 3d", "== 3d", ">= 3", ">=", "=> 3d", ">= -3d", ">> 3d", "3d <", ">= 0h",
            "< 30s",
        ] {
            assert!(AgeTest::parse(text).is_err(), "{text}");
        }
        assert_eq!(AgeTest::parse(">=3d").unwrap().to_string(), ">= 72h");
    }
}
