//! What rules a machine out at little cost: most machines fail a rule by a plain comparison, wherever in it that was written.

use std::sync::Arc;

use super::{
    Condition, Field, Pattern, Test,
    pattern::{is_any_of, is_same},
};
use crate::inventory::{Instance, Status, Tag};

/// The plain comparisons among what a condition needs, the cheapest first.
///
/// It never says more than the condition does: what it lets pass is for the condition to judge.
#[derive(Clone, Debug)]
pub(super) struct Screen(Box<[Part]>);

#[derive(Clone, Debug)]
enum Part {
    /// The status is one of these.
    Status(Box<[Status]>),
    /// A field is one of these texts.
    Field(Field, Box<[Box<str>]>),
    /// A tag is one of these texts, or cannot be read. A match that asks for a tag takes no near miss of it.
    Tag(Box<str>, Box<[Box<str>]>),
}

impl Screen {
    /// The screen of a condition.
    pub(super) fn of(condition: &Condition) -> Self {
        let mut parts = Vec::new();
        collect(condition, &mut parts);
        parts.sort_by_key(Part::cost);
        Self(parts.into())
    }

    /// Whether the condition is sure not to hold for `instance`.
    #[inline]
    pub(super) fn rules_out(&self, instance: &Instance) -> bool {
        self.0.iter().any(|part| part.rules_out(instance))
    }
}

impl Part {
    /// What it costs, beside the others.
    fn cost(&self) -> u8 {
        match self {
            Self::Status(_) => 0,
            Self::Field(..) => 1,
            Self::Tag(..) => 2,
        }
    }

    #[inline]
    fn rules_out(&self, instance: &Instance) -> bool {
        match self {
            Self::Status(statuses) => instance.status.as_ref().is_some_and(|status| {
                !statuses.contains(status) && !matches!(status, Status::Other(_))
            }),
            Self::Field(field, texts) => is_other(*field, texts, instance),
            Self::Tag(key, texts) => is_untagged(key, texts, instance),
        }
    }
}

/// Takes the plain comparisons that must all hold.
fn collect(condition: &Condition, parts: &mut Vec<Part>) {
    match condition {
        Condition::All(all) => all.iter().for_each(|one| collect(one, parts)),
        Condition::Field(Field::Status, test) => parts.push(Part::Status(statuses(test))),
        // A resource group goes by two texts, of which either may be meant.
        Condition::Everything
        | Condition::Field(Field::ResourceGroup, _)
        | Condition::Ip(_)
        | Condition::Age(_)
        | Condition::Any(_)
        | Condition::Not(_) => {}
        Condition::Field(field, test) => {
            parts.extend(texts(test).map(|texts| Part::Field(*field, texts)));
        }
        // A near miss of the key leaves the condition unknown.
        Condition::Tag(key, _) if key.heeds_near_misses() => {}
        Condition::Tag(key, test) => {
            parts.extend(texts(test).map(|texts| Part::Tag(key.as_str().into(), texts)));
        }
    }
}

/// The only texts that a test holds for, if they can be counted.
fn texts(test: &Test<Pattern>) -> Option<Box<[Box<str>]>> {
    match test {
        Test::AnyOf(patterns) => {
            patterns.iter().map(|pattern| pattern.exact().map(Into::into)).collect()
        }
        Test::NoneOf(_) | Test::Exists(_) => None,
    }
}

/// The documented statuses that a test holds for.
fn statuses(test: &Test<Pattern>) -> Box<[Status]> {
    let holds = |word: &str| match test {
        Test::AnyOf(patterns) => is_any_of(patterns, word),
        Test::NoneOf(patterns) => !is_any_of(patterns, word),
        Test::Exists(wanted) => *wanted,
    };
    let words = Status::KNOWN.into_iter().filter(|word| holds(word));
    words.map(|word| Status::from(Arc::from(word))).collect()
}

// These two are not inlined: else the loop over the parts would begin by fetching all that any of them may look at.

/// Whether a field is none of these texts; one that was not told may be.
#[inline(never)]
fn is_other(field: Field, texts: &[Box<str>], instance: &Instance) -> bool {
    field.text(instance).is_some_and(|value| !is_one_of(texts, value))
}

/// Whether a tag is none of these texts, or not there.
#[inline(never)]
fn is_untagged(key: &str, texts: &[Box<str>], instance: &Instance) -> bool {
    match instance.tags.look(key) {
        Tag::Absent => true,
        Tag::Unreadable => false,
        Tag::Value(value) => !is_one_of(texts, value),
    }
}

fn is_one_of(texts: &[Box<str>], value: &str) -> bool {
    texts.iter().any(|text| is_same(text, value))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*, sample::select, strategy::Strategy};

    use super::*;
    use crate::{
        inventory::{
            Tags,
            tests::{instance, tags},
        },
        rules::{Side, Truth, parse::tests::rules, pattern::Case},
    };

    /// Whether a match is ruled out for a machine, which must be so only if it does not hold.
    fn check(matches: &str, edit: impl FnOnce(&mut Instance), expected: bool) {
        let rules = rules(&format!("rules: [{{ name: r, match: {matches} }}]"));
        let mut subject = instance("i");
        edit(&mut subject);
        let rule = &rules.rules[0];
        let ruled_out = rule.screen.rules_out(&subject);
        assert_eq!(ruled_out, expected, "{matches}");
        let now = "2026-11-04T00:00:00Z".parse().unwrap();
        assert!(!ruled_out || rule.matches.test(&subject, now) == Truth::False, "{matches}");
    }

    #[test]
    fn a_plain_comparison_that_must_hold_rules_out() {
        let as_is = |_: &mut Instance| {};
        check("{ zone: HKG-A }", as_is, false);
        check("{ zone: [SEL-A, TYO-A] }", as_is, true);
        check("{ name: 'dev-*', all: [{ type: M6C }, { zone: SEL-A }] }", as_is, true);
        check("{ status: stopped }", as_is, true);
        check("{ status: { not_in: running } }", as_is, true);
        check("{ status: { not_in: stopped } }", as_is, false);
        check("{ tags: { env: dev } }", as_is, true);
        let tagged = |subject: &mut Instance| subject.tags = tags(&[("env", "dev")]);
        check("{ tags: { env: dev } }", tagged, false);
        check("{ tags: { env: [test, prod] } }", tagged, true);
    }

    #[test]
    fn a_tag_that_cannot_be_read_is_left_to_the_condition() {
        let unread = |subject: &mut Instance| {
            subject.tags = Tags::told(vec![("env".into(), None)]).unwrap();
        };
        check("{ tags: { env: dev } }", unread, false);
        check("{ tags: { env: dev } }", |subject| subject.tags = tags(&[("Env", "dev")]), true);
    }

    #[test]
    fn what_is_not_sure_is_left_to_the_condition() {
        let untold = |subject: &mut Instance| (subject.zone, subject.status) = (None, None);
        check("{ zone: SEL-A }", untold, false);
        check("{ status: STOPPED }", untold, false);
        let odd = |subject: &mut Instance| subject.status = Some(Status::Other("NEW".into()));
        check("{ status: STOPPED }", odd, false);
        for other in [
            "{ zone: [SEL-A, 'TYO-*'] }",
            "{ zone: { not_in: HKG-A } }",
            "{ any: [{ zone: SEL-A }, { type: M6C }] }",
            "{ not: { zone: HKG-A } }",
            "{ resource_group: platform }",
            "{ tags: { env: { exists: false } } }",
        ] {
            check(other, |_| {}, false);
        }
    }

    const TEXTS: [&str; 12] =
        ["a", "A", "RUNNING", "STOPPED", "NEW", "é", "e\u{301}", "主", "Ж-1", "[a] b", "a␊b", "🦀"];

    type Form = fn(&str, Case) -> Result<Pattern, String>;

    fn tests() -> impl Strategy<Value = Test<Pattern>> {
        let special =
            ["a*", "*G", "?", "*", "[a]*", "?-1", "*主*", "[主从]", "[а-яЖ]*", "{a,é}", "??"];
        let written = select([&TEXTS[..], &special].concat());
        let form: [Form; 3] =
            [Pattern::new, Pattern::glob, |text, case| Pattern::regex(&regex::escape(text), case)];
        let pattern = (written, select(vec![Case::Exact, Case::Any]), select(form.to_vec()))
            .prop_map(|(written, case, form)| form(written, case).unwrap());
        let patterns = vec(pattern, 0..3);
        prop_oneof![
            patterns.clone().prop_map(Test::AnyOf),
            patterns.prop_map(Test::NoneOf),
            any::<bool>().prop_map(Test::Exists),
        ]
    }

    fn conditions() -> impl Strategy<Value = Condition> {
        let fields = select(vec![Field::Id, Field::Zone, Field::Status, Field::ResourceGroup]);
        let leaf = prop_oneof![
            1 => Just(Condition::Everything),
            1 => any::<bool>().prop_map(|there| Condition::Ip(Test::Exists(there))),
            4 => (fields, tests()).prop_map(|(field, test)| Condition::Field(field, test)),
            4 => (select(vec!["a", "A"]), tests())
                .prop_map(|(key, test)| Condition::Tag(key.into(), test)),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let several = vec(inner.clone(), 0..3);
            prop_oneof![
                several.clone().prop_map(Condition::All),
                several.prop_map(Condition::Any),
                inner.prop_map(|one| Condition::Not(Box::new(one))),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_ruled_out_does_not_match(
            condition in conditions(),
            told in vec(option::of(select(&TEXTS[..])), 6),
            key in select(vec!["a", "A", "a "]),
            side in option::of(select(vec![Side::Takes, Side::Protects])),
        ) {
            let condition = match side {
                Some(side) => condition.standing_on(side),
                None => condition,
            };
            let mut subject = instance(told[0].unwrap_or("i"));
            let shared = |n: usize| told[n].map(Arc::from);
            (subject.zone, subject.resource_group_id) = (shared(1), shared(2));
            (subject.status, subject.resource_group_name) = (shared(3).map(Status::from), shared(4));
            subject.addresses_told = told[4].is_some();
            let tag = (key.into(), told[5].map(Into::into));
            subject.tags = Tags::told(if told[1].is_some() { vec![tag] } else { vec![] }).unwrap();
            let now = "2026-11-04T00:00:00Z".parse().unwrap();
            let ruled_out = Screen::of(&condition).rules_out(&subject);
            prop_assert!(!ruled_out || condition.test(&subject, now) == Truth::False);
        }
    }
}
