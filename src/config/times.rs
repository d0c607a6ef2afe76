//! The keys `journal_retention`, `hold` and `apply`.

use jiff::SignedDuration;

use super::values::{Bounds, signed_duration};
use crate::{
    lifetime::Smallest,
    yaml::{Fields, Reader},
};

const DEFAULT_RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);
const DEFAULT_COMMITMENT_HOLD: SignedDuration = SignedDuration::from_hours(24);
const DEFAULT_APPLY_AGE: SignedDuration = SignedDuration::from_hours(1);

pub(super) const HOLD_KEYS: [&str; 1] = ["commitment"];
pub(super) const APPLY_KEYS: [&str; 1] = ["max_age"];

const RETENTION: Bounds = Bounds {
    min: SignedDuration::from_hours(48),
    max: SignedDuration::from_hours(10_000 * 24),
    smallest: Smallest::Minute,
    help: "a duration from 2d to 10000d",
};

const COMMITMENT_HOLD: Bounds = Bounds {
    min: SignedDuration::ZERO,
    max: SignedDuration::from_hours(366 * 24),
    smallest: Smallest::Second,
    help: "a duration from 0s to 366d",
};

const APPLY_AGE: Bounds = Bounds {
    min: SignedDuration::from_secs(1),
    max: SignedDuration::from_hours(7 * 24),
    smallest: Smallest::Second,
    help: "a duration from 1s to 7d",
};

/// The times that the config gives to holds, plans and the journal.
pub(super) struct Times {
    /// How long the journal keeps what is over.
    pub(super) retention: SignedDuration,
    /// How long a machine is left alone after the API refused it because of its commitment.
    pub(super) commitment_hold: SignedDuration,
    /// How old a plan may be that is applied.
    pub(super) apply_max_age: SignedDuration,
}

/// Reads them.
pub(super) fn times(reader: &mut Reader, fields: &Fields<'_>) -> Times {
    let mut within = |key: &str, keys: &[&str], bounds: Bounds| {
        let inner = fields.get(key).and_then(|at| reader.fields(&at, keys));
        let at = inner.as_ref().and_then(|inner| keys.iter().find_map(|key| inner.get(key)));
        at.and_then(|at| signed_duration(reader, &at, bounds))
    };
    let commitment_hold = within("hold", &HOLD_KEYS, COMMITMENT_HOLD);
    let apply_max_age = within("apply", &APPLY_KEYS, APPLY_AGE);
    let retention = fields.get("journal_retention");
    let retention = retention.and_then(|at| signed_duration(reader, &at, RETENTION));
    Times {
        retention: retention.unwrap_or(DEFAULT_RETENTION),
        commitment_hold: commitment_hold.unwrap_or(DEFAULT_COMMITMENT_HOLD),
        apply_max_age: apply_max_age.unwrap_or(DEFAULT_APPLY_AGE),
    }
}
