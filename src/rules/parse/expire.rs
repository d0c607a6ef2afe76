//! `expire`, from YAML to when a match is due.

use jiff::{SignedDuration, tz::TimeZone};

use super::{duration, matcher::is_tag_key};
use crate::{
    diagnostic::Code,
    lifetime::{self, INSTANT_HELP},
    rules::expiry::{Expiry, TagExpiry},
    yaml::{At, Fields, Reader},
};

pub(super) const EXPIRE_KEYS: [&str; 5] = ["after", "at", "tag", "default", "max"];

const EXPIRE_HELP: &str = "expected a mapping such as `{ after: 3d }` or `{ tag: ttl }`";

/// Reads `expire`; dates mean days of `zone`.
pub(super) fn expiry(reader: &mut Reader, at: &At<'_>, zone: &TimeZone) -> Option<Expiry> {
    reader.entries(at, EXPIRE_HELP)?;
    let fields = reader.fields(at, &EXPIRE_KEYS)?;
    for key in ["default", "max"] {
        if let (Some(at), None) = (fields.get(key), fields.get("tag")) {
            let message = format!("`{key}` has no meaning here");
            let help = "expected `default` and `max` beside `tag` only";
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
    let default = optional_duration(reader, fields, "default");
    let max = optional_duration(reader, fields, "max");
    let key = text?;
    if let (Some(life), Some(cap), Some(at)) = (default, max, fields.get("default"))
        && life > cap
    {
        let help = "expected a default that the cap allows";
        reader.wrong(&at, Code::DefaultBeyondMax, "`default` is longer than `max`", help);
    }
    Some(Expiry::Tag(TagExpiry { key: key.as_str().into(), default, max, zone: zone.clone() }))
}

/// The duration under a key, if it is there; one that is wrong is noted, which refuses the file.
fn optional_duration(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &str,
) -> Option<SignedDuration> {
    fields.get(key).and_then(|at| duration(reader, &at))
}
