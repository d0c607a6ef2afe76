//! What a rule looks at in an instance, as text, so that a decision can be told by the values it saw.

use super::{Condition, Expiry, Field, Rule};
use crate::{
    inventory::{Instance, Tag},
    lifetime::shorten,
};

/// The most values that are told.
const VALUES_MAX: usize = 20;

impl Rule {
    /// The values of `instance` that this rule looks at: `tags.env=dev zone=HKG-A create_time=2026-11-01T00:00:00Z`.
    #[must_use]
    pub fn seen(&self, instance: &Instance) -> String {
        let mut seen = Seen { instance, keys: Vec::new() };
        seen.condition(&self.matches);
        seen.condition(&self.unless);
        match &self.expiry {
            Expiry::AtOnce => {}
            Expiry::After(_) | Expiry::At(_) => seen.field(Field::CreateTime),
            Expiry::Tag(tag) => {
                seen.tag(&tag.key);
                seen.field(Field::CreateTime);
            }
        }
        let told = |(key, value): &(String, String)| format!("{}={}", shorten(key), shorten(value));
        seen.keys.iter().take(VALUES_MAX).map(told).collect::<Vec<_>>().join(" ")
    }
}

struct Seen<'a> {
    instance: &'a Instance,
    keys: Vec<(String, String)>,
}

impl Seen<'_> {
    fn add(&mut self, key: String, value: Option<String>) {
        if !self.keys.iter().any(|(own, _)| *own == key) {
            self.keys.push((key, value.unwrap_or_else(|| "-".to_owned())));
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Everything => {}
            Condition::Field(field, _) => self.field(*field),
            Condition::Tag(key, _) => self.tag(key),
            Condition::Ip(_) => self.field(Field::Ip),
            Condition::Age(_) => self.field(Field::CreateTime),
            Condition::Not(one) => self.condition(one),
            Condition::All(all) | Condition::Any(all) => {
                for one in all {
                    self.condition(one);
                }
            }
        }
    }

    fn tag(&mut self, key: &str) {
        let value = match self.instance.tags.look(key) {
            Tag::Absent => None,
            Tag::Unreadable => Some("?".to_owned()),
            Tag::Value(value) => Some(value.to_owned()),
        };
        self.add(format!("tags.{key}"), value);
    }

    fn field(&mut self, field: Field) {
        self.add(field.as_str().to_owned(), field.shown(self.instance));
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        inventory::tests::{instance, tags},
        rules::parse::tests::rules,
    };

    #[test]
    fn what_a_rule_looks_at_is_told_once_and_in_its_order() {
        let rules = rules(
            "
rules:
  - name: r
    match: { tags: { env: dev }, zone: [HKG-A, SEL-A] }
    unless: [{ tags: { keep: '*', env: prod } }]
    expire: { tag: ttl, default: 1h }
",
        );
        let mut subject = instance("i");
        subject.tags = tags(&[("env", "dev"), ("ttl", "3 d\n")]);
        assert_eq!(
            rules.rules[0].seen(&subject),
            r"tags.env=dev zone=HKG-A tags.keep=- tags.ttl=3 d\n create_time=2026-11-01T00:00:00Z"
        );
    }
}
