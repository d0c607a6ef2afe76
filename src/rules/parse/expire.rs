//! `expire`, from YAML to when a match is due.

use jiff::{SignedDuration, tz::TimeZone};

use super::{duration, matcher::is_tag_key};
use crate::{
    diagnostic::Code,
    lifetime::{self, INSTANT_HELP},
    rules::expiry::{DEFAULT_MIN, Expiry, TagExpiry},
    yaml::{At, Fields, Reader},
};

pub(super) const EXPIRE_KEYS: [&str; 6] = ["after", "at", "tag", "default", "min", "max"];

const EXPIRE_HELP: &str = "expected a mapping such as `{ after: 3d }` or `{ tag: ttl }`";

/// Reads `expire`; dates mean days of `zone`.
pub(super) fn expiry(reader: &mut Reader, at: &At<'_>, zone: &TimeZone) -> Option<Expiry> {
    reader.entries(at, EXPIRE_HELP)?;
    let fields = reader.fields(at, &EXPIRE_KEYS)?;
    for key in ["default", "min", "max"] {
        if let (Some(at), None) = (fields.get(key), fields.get("tag")) {
            let message = format!("`{key}` has no meaning here");
            let help = "expected `default`, `min` and `max` beside `tag` only";
            reader.wrong(&at, Code::OutOfPlace, message, help);
        }
    }
    match (fields.get("after"), fields.get("at"), fields.get("tag")) {
        (Some(after), None, None) => duration(reader, &after).map(Expiry::After),
        (None, Some(at), None) => {
            let instant = |text: &str| lifetime::instant(text, zone);
            reader.value(&at, Code::NotAnInstant, INSTANT_HELP, instant).map(Expiry::At)
        }
        (None, None, Some(key)) => tag_expiry(reader, &fields, &key, zone),
        (after, instant, tag) => {
            let several = [after, instant, tag].into_iter().flatten().nth(1);
            reader.wrong(
                several.as_ref().unwrap_or(at),
                Code::UnclearExpiry,
                "it is not clear when a match is due",
                "expected exactly one of after, at, tag",
            );
            None
        }
    }
}

fn tag_expiry(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &At<'_>,
    zone: &TimeZone,
) -> Option<Expiry> {
    let text = reader.text(key, "the key of a tag").map(str::to_owned);
    let text = text.filter(|text| is_tag_key(reader, key, text));
    let mut length = |key| optional_duration(reader, fields, key);
    let lengths = Lengths { default: length("default"), min: length("min"), max: length("max") };
    lengths.check_order(reader, fields);
    let Lengths { default, min, max } = lengths;
    let implied = max.map_or(DEFAULT_MIN, |max| DEFAULT_MIN.min(max));
    let (key, zone) = (text?.as_str().into(), zone.clone());
    Some(Expiry::Tag(TagExpiry { key, default, min: min.unwrap_or(implied), max, zone }))
}

/// The lives that stand beside a tag.
struct Lengths {
    default: Option<SignedDuration>,
    min: Option<SignedDuration>,
    max: Option<SignedDuration>,
}

impl Lengths {
    /// Notes what is out of order: `min` is at most `default`, and that at most `max`.
    fn check_order(&self, reader: &mut Reader, fields: &Fields<'_>) {
        let Self { default, min, max } = *self;
        let orders = [
            ("default", default, max, "`default` is longer than `max`"),
            ("min", min, max, "`min` is longer than `max`"),
            ("min", min, default, "`min` is longer than `default`"),
        ];
        for (key, shorter, longer, message) in orders {
            if let (Some(shorter), Some(longer), Some(at)) = (shorter, longer, fields.get(key))
                && shorter > longer
            {
                let help = "expected `min` up to `default`, and `default` up to `max`";
                reader.wrong(&at, Code::DefaultBeyondMax, message, help);
            }
        }
    }
}

/// The duration under a key, if it is there; one that is wrong is noted, which refuses the file.
fn optional_duration(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &str,
) -> Option<SignedDuration> {
    fields.get(key).and_then(|at| duration(reader, &at))
}
