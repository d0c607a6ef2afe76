//! What protection depends on: the tag keys and fields that `protect`, `unless`, `not`, `not_in` and `exists: false` read.
//!
//! An inventory that lost one of them makes instances look unprotected, so the inventory check compares these first.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Condition, Due, Expiry, Field, Rule, RuleSet, TagKey, Test, Truth};
use crate::inventory::Instance;

/// The tag keys and fields that protection depends on.
#[derive(Clone, Debug, Default)]
pub struct Protective {
    keys: Vec<TagKey>,
    expiry_keys: BTreeSet<Box<str>>,
    fields: Vec<Field>,
}

impl Protective {
    /// Collects what the protection by these rules and by `protect` depends on.
    #[must_use]
    pub fn of(rules: &RuleSet, protect: &Condition) -> Self {
        let mut found = Self::default();
        found.all_of(protect);
        for Rule { matches, unless, expiry, .. } in &rules.rules {
            found.exemptions_of(matches);
            found.all_of(unless);
            if let Expiry::Tag(tag) = expiry {
                found.expiry_keys.insert(tag.key.as_str().into());
            }
        }
        found
    }

    /// Returns whether protection depends on the tag with this key. A near miss (letter case, outer white space) counts, since it
    /// protects too.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        self.keys.iter().any(|own| own.as_str() == key || own.is_near_miss(key))
    }

    /// Returns whether a rule reads an expiry from the tag with this key. Without the tag, the rule's `default` applies.
    #[must_use]
    pub fn has_expiry_key(&self, key: &str) -> bool {
        self.expiry_keys.contains(key)
    }

    /// Returns whether protection depends on the field.
    #[must_use]
    pub fn has_field(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }

    /// Takes all that a condition reads.
    fn all_of(&mut self, condition: &Condition) {
        match condition {
            Condition::Everything => {}
            Condition::Field(field, _) => self.fields.push(*field),
            Condition::Tag(key, _) => self.keys.push(key.clone()),
            Condition::Ip(_) => self.fields.push(Field::Ip),
            Condition::Age(_) => self.fields.push(Field::CreateTime),
            Condition::Not(one) => self.all_of(one),
            Condition::All(several) | Condition::Any(several) => {
                for one in several {
                    self.all_of(one);
                }
            }
        }
    }

    /// Takes what a condition that must hold is exempt by: `not`, `not_in` and `exists: false`.
    fn exemptions_of(&mut self, condition: &Condition) {
        match condition {
            Condition::Not(one) => self.all_of(one),
            Condition::All(several) | Condition::Any(several) => {
                for one in several {
                    self.exemptions_of(one);
                }
            }
            leaf if is_exemption(leaf) => self.all_of(leaf),
            Condition::Everything
            | Condition::Field(..)
            | Condition::Tag(..)
            | Condition::Ip(_)
            | Condition::Age(_) => {}
        }
    }
}

/// Returns whether a condition holds for what does not have something.
fn is_exemption(condition: &Condition) -> bool {
    match condition {
        Condition::Not(_) => true,
        Condition::Field(_, test) | Condition::Tag(_, test) => is_negative(test),
        Condition::Ip(test) => is_negative(test),
        Condition::Everything | Condition::Age(_) | Condition::All(_) | Condition::Any(_) => false,
    }
}

fn is_negative<T>(test: &Test<T>) -> bool {
    match test {
        Test::NoneOf(_) | Test::Exists(false) => true,
        Test::AnyOf(_) | Test::Exists(true) => false,
    }
}

impl Condition {
    /// Returns whether the condition would not hold, whatever its `not`, `not_in` and `exists: false` find.
    fn fails_but_for_exemptions(&self, instance: &Instance, now: Timestamp) -> bool {
        match self {
            Self::All(all) => all.iter().any(|one| one.fails_but_for_exemptions(instance, now)),
            Self::Any(any) => any.iter().all(|one| one.fails_but_for_exemptions(instance, now)),
            leaf => !is_exemption(leaf) && leaf.test(instance, now) == Truth::False,
        }
    }
}

impl Rule {
    /// Returns whether the rule would take the instance but for what protects it: `unless`, `not`, `not_in`, `exists: false`, or an
    /// expiry tag that puts off its end.
    #[must_use]
    pub fn spares(&self, instance: &Instance, now: Timestamp) -> bool {
        if self.matches.fails_but_for_exemptions(instance, now) {
            return false;
        }
        let takes = self.matches.test(instance, now) == Truth::True
            && self.unless.test(instance, now) == Truth::False;
        !takes || self.puts_off(instance, now)
    }

    fn puts_off(&self, instance: &Instance, now: Timestamp) -> bool {
        let Expiry::Tag(tag) = &self.expiry else { return false };
        let is_due = || match self.expiry.due(instance) {
            Due::AtOnce => true,
            Due::At(at) => at <= now,
            Due::Never | Due::Unknown(_) | Due::Unreadable => false,
        };
        instance.tags.get(&tag.key).is_some() && !is_due()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::tests::{instance, tags},
        rules::parse::tests::rules,
    };

    fn check(rule: &str, keys: &[&str], fields: &[Field]) {
        let rules = rules(&format!("rules: [{{ name: r, {rule} }}]"));
        let found = Protective::of(&rules, &Condition::NOTHING);
        assert_eq!(found.keys.iter().map(|key| &**key).collect::<Vec<_>>(), keys, "{rule}");
        assert_eq!(found.fields, fields, "{rule}");
    }

    #[test]
    fn protection_depends_on_what_must_not_hold() {
        check("match: { tags: { env: dev }, zone: HKG-A }", &[], &[]);
        check(
            "match: everything, unless: { tags: { keep: '*' }, name: 'p*' }",
            &["keep"],
            &[Field::Name],
        );
        check("match: { zone: { not_in: [prod] } }", &[], &[Field::Zone]);
        check("match: { zone: { exists: false }, type: { exists: true } }", &[], &[Field::Zone]);
        check("match: { ip: { not_in: [10.0.0.0/8] } }", &[], &[Field::Ip]);
        check("match: { tags: { env: { not_in: [prod] }, a: b } }", &["env"], &[]);
        check("match: { tags: { owner: { exists: false } } }", &["owner"], &[]);
        check(
            "match: { not: { any: [{ tags: { a: b } }, { image: i }] } }",
            &["a"],
            &[Field::Image],
        );
        check("match: { any: [{ not: { hostname: h } }, { zone: z }] }", &[], &[Field::Hostname]);
        check("match: everything, unless: { age: '< 3d' }", &[], &[Field::CreateTime]);
    }

    #[test]
    fn a_near_miss_of_a_key_counts() {
        let rules = rules(
            "rules: [{ name: r, match: everything, unless: { tags: { keep: '*' } }, expire: { tag: ttl } }]",
        );
        let found = Protective::of(&rules, &Condition::NOTHING);
        for (key, expected) in [("keep", true), ("KEEP ", true), ("keeper", false), ("ttl", false)]
        {
            assert_eq!(found.has_key(key), expected, "{key}");
        }
        assert!(found.has_expiry_key("ttl"));
    }

    #[test]
    fn a_rule_spares_what_it_would_take_but_for_its_protection() {
        let check = |rule: &str, own: &[(&str, &str)], expected: bool| {
            let rules = rules(&format!("rules: [{{ name: r, {rule} }}]"));
            let mut subject = instance("i");
            subject.tags = tags(own);
            let now = "2026-11-20T00:00:00Z".parse().unwrap();
            assert_eq!(rules.rules[0].spares(&subject, now), expected, "{rule} {own:?}");
        };
        let unless = "match: { zone: HKG-A }, unless: { tags: { keep: '*' } }";
        check(unless, &[("keep", "")], true);
        check(unless, &[], false);
        check("match: { zone: SEL-A }, unless: { tags: { keep: '*' } }", &[("keep", "")], false);
        check("match: { tags: { env: { not_in: [prod] } } }", &[("env", "prod")], true);
        check("match: { tags: { env: { not_in: [prod] } } }", &[("env", "dev")], false);
        let not = "match: { zone: HKG-A, not: { tags: { env: prod } } }";
        check(not, &[("env", "prod")], true);
        check(not, &[], false);
        check("match: { tags: { owner: { exists: false } } }", &[("owner", "a")], true);
        check("match: { status: { not_in: running } }", &[], true);
        let ttl = "match: everything, expire: { tag: ttl, default: 1h }";
        check(ttl, &[("ttl", "never")], true);
        check(ttl, &[("ttl", "90d")], true);
        check(ttl, &[("ttl", "1d")], false);
        check(ttl, &[], false);
    }
}
