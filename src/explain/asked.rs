//! Conditions as trees: what is asked, what was seen, and whether it holds.
//!
//! The truth of each part is what [`Condition::test`] says of it, so the tree cannot say anything else than the rule does.

use std::{fmt::Display, net::IpAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::words;
use crate::{
    inventory::{Instance, Tag},
    lifetime::shorten,
    plan::Keep,
    rules::{AgeTest, Condition, Field, NearMiss, Pattern, TagKey, Test, Truth},
};

/// The most values that are told of a list.
const VALUES_MAX: usize = 12;

/// How the parts of a condition count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It has no parts: it asks something itself.
    Question,
    /// All of them must hold.
    All,
    /// One of them must.
    Any,
    /// Its one part must not hold.
    Not,
}

/// A condition, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// How its parts count.
    pub kind: Kind,
    /// What is asked: `tags.env is one of dev, test`.
    pub asked: String,
    /// What was seen: `tags.env=prod`, `not there`, `not told`; `None` where parts are asked, or nothing is looked at.
    pub seen: Option<String>,
    /// Whether it holds.
    #[serde(serialize_with = "as_word")]
    pub truth: Truth,
    /// Its parts.
    #[serde(rename = "conditions", skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// A truth's name: `true`, `false`, `unknown_zone`.
#[must_use]
pub fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown(field) => Keep::Unknown(field).as_str(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn as_word<S: Serializer>(truth: &Truth, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*truth))
}

impl Node {
    /// A condition, and what comes of it for `instance` at `now`.
    #[must_use]
    pub fn of(condition: &Condition, instance: &Instance, now: Timestamp) -> Self {
        let (kind, parts) = match condition {
            Condition::All(all) => (Kind::All, all.as_slice()),
            Condition::Any(any) => (Kind::Any, any.as_slice()),
            Condition::Not(one) => (Kind::Not, std::slice::from_ref(&**one)),
            Condition::Everything
            | Condition::Field(..)
            | Condition::Tag(..)
            | Condition::Ip(_)
            | Condition::Age(_) => (Kind::Question, [].as_slice()),
        };
        Self {
            kind,
            asked: asked(condition),
            seen: seen(condition, instance, now),
            truth: condition.test(instance, now),
            parts: parts.iter().map(|part| Self::of(part, instance, now)).collect(),
        }
    }

    /// The part that makes it hold, below frames of which one part is enough; `None` if it does not hold.
    pub(super) fn deciding(&self) -> Option<&Self> {
        match (self.truth, self.kind) {
            (Truth::False | Truth::Unknown(_), _) => None,
            (Truth::True, Kind::Any) => self.parts.iter().find_map(Self::deciding),
            (Truth::True, Kind::Question | Kind::All | Kind::Not) => Some(self),
        }
    }

    /// What it asks with all its parts, in one line.
    pub(super) fn in_words(&self) -> String {
        let parts = || self.parts.iter().map(Self::in_words).collect::<Vec<_>>();
        match self.kind {
            Kind::Question => self.asked.clone(),
            Kind::All => parts().join(" and "),
            Kind::Any => format!("({})", parts().join(" or ")),
            Kind::Not => format!("not ({})", parts().join(" and ")),
        }
    }
}

fn asked(condition: &Condition) -> String {
    match condition {
        Condition::Everything => "everything".to_owned(),
        Condition::Field(field, test) => format!("{field} {}", of_text(test)),
        Condition::Tag(key, test) => format!("tags.{key} {}", of_text(test)),
        Condition::Ip(test) => format!("ip {}", of_address(test)),
        Condition::Age(tests) => {
            let tests: Vec<_> = tests.iter().map(AgeTest::to_string).collect();
            format!("age {}", tests.join(" or "))
        }
        Condition::All(_) => "all of these".to_owned(),
        Condition::Any(_) => "any of these".to_owned(),
        Condition::Not(_) => "not this".to_owned(),
    }
}

fn of_text(test: &Test<Pattern>) -> String {
    let shown = |pattern: &Pattern| match (pattern.written(), pattern.is_regex()) {
        ("", false) => "\"\"".to_owned(),
        (written, false) => written.to_owned(),
        (written, true) => format!("/{written}/"),
    };
    let is_regex = |patterns: &[Pattern]| patterns.first().is_some_and(Pattern::is_regex);
    match test {
        Test::Exists(wanted) => exists(*wanted),
        Test::AnyOf(patterns) if is_regex(patterns) => {
            listed(["matches", "matches one of"], patterns, shown)
        }
        Test::NoneOf(patterns) if is_regex(patterns) => {
            listed(["does not match", "matches none of"], patterns, shown)
        }
        Test::AnyOf(patterns) => listed(["is", "is one of"], patterns, shown),
        Test::NoneOf(patterns) => listed(["is not", "is none of"], patterns, shown),
    }
}

fn of_address(test: &Test<IpNet>) -> String {
    let shown = |network: &IpNet| {
        if network.prefix_len() == network.max_prefix_len() {
            network.addr().to_string()
        } else {
            network.to_string()
        }
    };
    match test {
        Test::Exists(wanted) => exists(*wanted),
        Test::AnyOf(networks) => listed(["in", "in one of"], networks, shown),
        Test::NoneOf(networks) => listed(["not in", "in none of"], networks, shown),
    }
}

fn exists(wanted: bool) -> String {
    if wanted { "exists".to_owned() } else { "does not exist".to_owned() }
}

/// A verb, as one and as several have it, and the values.
fn listed<T>([one, several]: [&str; 2], values: &[T], shown: impl Fn(&T) -> String) -> String {
    let verb = if values.len() == 1 { one } else { several };
    let mut shown: Vec<_> = values.iter().take(VALUES_MAX).map(shown).collect();
    if let Some(more) = values.len().checked_sub(VALUES_MAX).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    format!("{verb} {}", shown.join(", "))
}

fn seen(condition: &Condition, instance: &Instance, now: Timestamp) -> Option<String> {
    match condition {
        Condition::Field(field, _) => Some(of_field(*field, instance)),
        Condition::Tag(key, _) => Some(of_tag(key, condition.near_miss(instance), instance)),
        Condition::Ip(_) => Some(addresses(&instance.addresses, instance.addresses_told)),
        Condition::Age(_) => Some(match instance.created {
            Some(created) => format!("age={}", words::about(now.duration_since(created))),
            None => "not told".to_owned(),
        }),
        Condition::Everything | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => None,
    }
}

fn of_tag(key: &TagKey, near: Option<NearMiss<'_>>, instance: &Instance) -> String {
    let own = match instance.tags.look(key) {
        Tag::Absent => "not there".to_owned(),
        Tag::Unreadable => format!("tags.{key} has no value"),
        Tag::Value(value) => format!("tags.{key}={value}"),
    };
    match near {
        Some(NearMiss { own: near, asked }) => {
            format!("{own}, but `{}`, a near miss of `{}`", shorten(near), shorten(asked))
        }
        None => own,
    }
}

fn of_field(field: Field, instance: &Instance) -> String {
    match (field.text(instance), field.other_text(instance)) {
        (None, None | Some(None)) => "not told".to_owned(),
        (Some(only), None) => format!("{field}={only}"),
        (Some(one), Some(Some(same))) if one == same => format!("{field}={one}"),
        (Some(id), Some(Some(name))) => format!("{field}={id}, {name}"),
        (Some(only), Some(None)) | (None, Some(Some(only))) => {
            format!("{field}={only}, half of it not told")
        }
    }
}

fn addresses(addresses: &[IpAddr], all_told: bool) -> String {
    match (addresses, all_told) {
        ([], true) => "not there".to_owned(),
        ([], false) => "not told".to_owned(),
        (some, true) => format!("ip={}", joined(some)),
        (some, false) => format!("ip={}, others not told", joined(some)),
    }
}

fn joined(values: &[impl Display]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::tests::{instance, tags},
        plan::tests::policy,
    };

    /// What a matcher of YAML asks, sees and says of a machine that was created three days and an hour ago.
    fn tree(matcher: &str, edit: impl FnOnce(&mut Instance)) -> String {
        let policy = policy(&format!("rules: [{{ name: r, match: {matcher} }}]"));
        let mut subject = instance("i-1");
        subject.tags = tags(&[("env", "prod"), ("empty", "")]);
        edit(&mut subject);
        let now = "2026-11-04T01:00:00Z".parse().unwrap();
        lines(&Node::of(&policy.rules.rules[0].matches, &subject, now), 0)
    }

    fn lines(node: &Node, depth: usize) -> String {
        let Node { kind: _, asked, seen, truth, parts } = node;
        let seen = seen.as_deref().unwrap_or("-");
        let own = format!("{}{asked} | {seen} | {}\n", "  ".repeat(depth), word(*truth));
        own + &parts.iter().map(|part| lines(part, depth + 1)).collect::<String>()
    }

    #[track_caller]
    fn check(matcher: &str, expected: &str) {
        assert_eq!(tree(matcher, |_| {}).trim_end(), expected, "{matcher}");
    }

    #[test]
    fn a_near_miss_and_a_tag_without_a_value_are_named() {
        let near = |subject: &mut Instance| subject.tags = tags(&[("Keep", "x")]);
        assert_eq!(
            tree("{ not: { tags: { keep: '*' } } }", near),
            "not this | - | near_miss\n  tags.keep is * | not there, but `Keep`, a near miss of `keep` | near_miss\n"
        );
        let empty = |subject: &mut Instance| {
            subject.tags = crate::inventory::Tags::told(vec![("keep".into(), None)]).unwrap();
        };
        assert_eq!(
            tree("{ tags: { keep: '*' } }", empty),
            "tags.keep is * | tags.keep has no value | unknown_tag\n"
        );
    }

    #[test]
    fn each_question_is_told_as_it_was_written_with_what_was_seen() {
        check("everything", "everything | - | true");
        check("{ tags: { env: prod } }", "tags.env is prod | tags.env=prod | true");
        check("{ tags: { env: [dev, t*] } }", "tags.env is one of dev, t* | tags.env=prod | false");
        check("{ tags: { no: { exists: true } } }", "tags.no exists | not there | false");
        check("{ tags: { no: { exists: false } } }", "tags.no does not exist | not there | true");
        check("{ tags: { empty: '' } }", "tags.empty is \"\" | tags.empty= | true");
        check(
            "{ tags: { env: { not_in: [dev, test] } } }",
            "tags.env is none of dev, test | tags.env=prod | true",
        );
        check("{ name: { regex: '^dev-' } }", "name matches /^dev-/ | name=dev-api-01 | true");
        check("{ zone: { not_in: HKG-A } }", "zone is not HKG-A | zone=HKG-A | false");
        check(
            "{ resource_group: rg-1 }",
            "resource_group is rg-1 | resource_group=rg-1, platform | true",
        );
        check("{ ip: 10.0.0.0/8 }", "ip in 10.0.0.0/8 | ip=203.0.113.7 | false");
        check(
            "{ ip: { not_in: [203.0.113.7] } }",
            "ip not in 203.0.113.7 | ip=203.0.113.7 | false",
        );
        check("{ age: ['>= 3d', '< 2h'] }", "age >= 72h or < 2h | age=3d 1h | true");
    }

    #[test]
    fn what_the_cloud_did_not_tell_is_unknown_and_named() {
        let poor = |subject: &mut Instance| {
            (subject.zone, subject.created, subject.addresses_told) = (None, None, false);
            subject.resource_group_name = None;
        };
        for (matcher, expected) in [
            ("{ zone: HKG-A }", "zone is HKG-A | not told | unknown_zone"),
            ("{ age: '>= 3d' }", "age >= 72h | not told | unknown_create_time"),
            (
                "{ ip: 10.0.0.0/8 }",
                "ip in 10.0.0.0/8 | ip=203.0.113.7, others not told | unknown_ip",
            ),
            (
                "{ resource_group: platform }",
                "resource_group is platform | resource_group=rg-1, half of it not told | unknown_resource_group",
            ),
        ] {
            assert_eq!(tree(matcher, poor).trim_end(), expected);
        }
    }

    #[test]
    fn a_tree_has_the_form_of_its_condition() {
        let matcher =
            "{ any: [{ zone: SEL-A }, { not: { all: [{ type: M6C }, { tags: { env: dev } }] } }] }";
        expect_test::expect![[r"
            any of these | - | true
              zone is SEL-A | zone=HKG-A | false
              not this | - | true
                all of these | - | false
                  type is M6C | type=M6C | true
                  tags.env is dev | tags.env=prod | false
        "]]
        .assert_eq(&tree(matcher, |_| {}));
    }

    #[test]
    fn a_long_list_is_cut() {
        let ids: Vec<_> = (0..100).map(|n| format!("i{n}")).collect();
        let told = tree(&format!("{{ id: [{}] }}", ids.join(", ")), |_| {});
        assert!(told.contains("i11, and 88 more |"), "{told}");
    }
}
