//! What is remembered of an instance from one inventory to the next: hashes of its fields and tags, so that a loss is noticed.

use std::fmt::Write;

use jiff::Timestamp;

use crate::{inventory::Instance, rules::Field};

/// The fields of a fingerprint, in the order in which the journal has them. New ones come last.
pub(super) const SLOTS: [Field; 11] = [
    Field::Name,
    Field::Hostname,
    Field::Zone,
    Field::Type,
    Field::Image,
    Field::Status,
    Field::ChargeType,
    Field::InternetChargeType,
    Field::ResourceGroup,
    // The name of the resource group; the one before is its id.
    Field::ResourceGroup,
    Field::Ip,
];

/// The mark of a field that is absent or empty.
pub(super) const ABSENT: &str = "-";

/// The mark of a tag value that is empty.
pub(super) const EMPTY: &str = "";

/// The fingerprint of an instance, as the journal writes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fingerprint {
    /// When the instance was created, in milliseconds.
    pub created_ms: Option<i64>,
    /// A mark for each field, separated by spaces: a hash, or `-` if the field is absent or empty.
    pub fields: String,
    /// Keys and marks of the tags as a JSON list of pairs, sorted by key: a hash, or an empty text if the value is empty.
    pub tags: String,
}

impl Fingerprint {
    /// Returns the fingerprint of an instance.
    #[must_use]
    pub fn of(instance: &Instance) -> Self {
        let mut fields = String::with_capacity(SLOTS.len() * 17);
        for slot in 0..SLOTS.len() {
            if slot > 0 {
                fields.push(' ');
            }
            match hash_of_field(instance, slot) {
                Some(hash) => push_hash(&mut fields, hash),
                None => fields.push_str(ABSENT),
            }
        }
        let created_ms = instance.created.map(Timestamp::as_millisecond);
        Self { created_ms, fields, tags: tags_of(instance) }
    }
}

/// Reads the marks of the fields; one that an older version did not write is missing at the end.
pub(super) fn field_marks(fields: &str) -> impl Iterator<Item = &str> {
    fields.split(' ').take(SLOTS.len())
}

/// Reads keys and marks of the tags; `None` if they cannot be read.
pub(super) fn tag_marks(tags: &str) -> Option<Vec<(String, String)>> {
    serde_json::from_str(tags).ok()
}

fn tags_of(instance: &Instance) -> String {
    let mut tags: Vec<_> = instance.tags.iter().collect();
    tags.sort_unstable();
    let mut text = String::from("[");
    for (n, (key, value)) in tags.into_iter().enumerate() {
        text.push_str(if n > 0 { ",[" } else { "[" });
        // Text can always be written as JSON.
        text.push_str(&serde_json::to_string(key).unwrap_or_default());
        text.push_str(",\"");
        if !value.trim().is_empty() {
            push_hash(&mut text, hash([value]));
        }
        text.push_str("\"]");
    }
    text.push(']');
    text
}

fn hash_of_field(instance: &Instance, slot: usize) -> Option<u64> {
    let field = *SLOTS.get(slot)?;
    if field == Field::Ip {
        let mut addresses: Vec<_> = instance.addresses.iter().map(ToString::to_string).collect();
        addresses.sort_unstable();
        return (!addresses.is_empty()).then(|| hash(addresses.iter().map(String::as_str)));
    }
    let is_other = slot > 0 && SLOTS.get(slot - 1) == Some(&field);
    let text = if is_other { field.other_text(instance)? } else { field.text(instance) };
    text.filter(|text| !text.trim().is_empty()).map(|text| hash([text]))
}

fn push_hash(text: &mut String, hash: u64) {
    // Writing to a text cannot fail.
    write!(text, "{hash:x}").ok();
}

/// The 64-bit FNV-1a hash: it must stay the same from one version to the next, and nobody gains by a collision.
fn hash<'t>(texts: impl IntoIterator<Item = &'t str>) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    let one = |hash: u64, text: &str| step(text.bytes().fold(hash, step), 0);
    texts.into_iter().fold(OFFSET, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::{instance, tags};

    #[test]
    fn a_fingerprint_stays_what_it_is() {
        let mut subject = instance("i");
        subject.zone = None;
        subject.image = Some(" ".into());
        subject.tags = tags(&[("keep", " "), ("a\"b", "x")]);
        let Fingerprint { created_ms, fields, tags } = Fingerprint::of(&subject);
        assert_eq!(created_ms, Some(1_793_491_200_000));
        let marks: Vec<_> = field_marks(&fields).collect();
        assert_eq!((marks.len(), marks[2], marks[4]), (SLOTS.len(), ABSENT, ABSENT), "{fields}");
        assert!(marks.iter().filter(|mark| **mark == ABSENT).count() == 2, "{fields}");
        let marks = tag_marks(&tags).unwrap();
        assert_eq!(marks[0].0, "a\"b");
        assert_eq!(marks[0].1, "8f0d807b58d20e5");
        assert_eq!(marks[1], ("keep".to_owned(), EMPTY.to_owned()));
    }

    #[test]
    fn each_field_has_a_mark_of_its_own() {
        let before = Fingerprint::of(&instance("i")).fields;
        let before: Vec<_> = field_marks(&before).collect();
        let check = |slot: usize, edit: fn(&mut Instance)| {
            let mut subject = instance("i");
            edit(&mut subject);
            let after = Fingerprint::of(&subject).fields;
            let differ = |(n, mark): (usize, &str)| (before[n] != mark).then_some(n);
            let changed: Vec<_> = field_marks(&after).enumerate().filter_map(differ).collect();
            assert_eq!(changed, [slot]);
        };
        check(0, |one| one.name = Some("x".into()));
        check(1, |one| one.hostname = None);
        check(2, |one| one.zone = Some("x".into()));
        check(3, |one| one.instance_type = Some("x".into()));
        check(4, |one| one.image = None);
        check(5, |one| one.status = None);
        check(6, |one| one.charge_type = None);
        check(7, |one| one.internet_charge_type = None);
        check(8, |one| one.resource_group_id = None);
        check(9, |one| one.resource_group_name = None);
        check(10, |one| one.addresses = Box::default());
    }
}
