//! Times and durations in the few words that fit into a sentence.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

/// A duration, shown as rules write it: `72h`, `1h 30m`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Length(pub SignedDuration);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The two largest units of a duration: `6d 3h`, `5m 20s`, `3d`.
#[must_use]
pub fn about(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().unsigned_abs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut left = seconds;
    let counts = units.map(|(unit, size)| {
        let count = left / size;
        left %= size;
        (unit, count)
    });
    let largest = counts.iter().position(|(_, count)| *count > 0).unwrap_or(counts.len() - 1);
    let shown = counts.iter().enumerate().skip(largest).take(2);
    let shown = shown.filter(|(n, (_, count))| *n == largest || *count > 0);
    shown.map(|(_, (unit, count))| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

/// An instant as seen from another one: `in 6d 3h`, `3d ago`, `now`.
#[must_use]
pub fn distance(at: Timestamp, now: Timestamp) -> String {
    let distance = at.duration_since(now);
    match distance.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("in {}", about(distance)),
        ..0 => format!("{} ago", about(distance)),
    }
}

/// An instant for a sentence: `2026-12-01 00:00 UTC`.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    let minutes = at.as_second().rem_euclid(60) == 0;
    at.strftime(if minutes { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d %H:%M:%S UTC" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifetime::{Smallest, duration_to};

    #[test]
    fn a_duration_is_told_by_its_two_largest_units() {
        for (length, expected) in [
            ("0s", "0s"),
            ("59s", "59s"),
            ("5m 20s", "5m 20s"),
            ("60m", "1h"),
            ("72h", "3d"),
            ("147h 59m", "6d 3h"),
            ("1d 5m", "1d"),
            ("52w", "364d"),
        ] {
            let length = duration_to(length, Smallest::Second).unwrap();
            assert_eq!(about(length), expected);
            assert_eq!(about(-length), expected);
        }
    }

    #[test]
    fn an_instant_is_told_to_the_second_where_it_has_seconds() {
        for (at, expected) in [
            ("2026-12-01T00:00:00Z", "2026-12-01 00:00 UTC"),
            ("2026-12-01T00:00:07.9Z", "2026-12-01 00:00:07 UTC"),
            ("1969-12-31T23:59:00Z", "1969-12-31 23:59 UTC"),
        ] {
            assert_eq!(instant(at.parse().unwrap()), expected);
        }
    }

    #[test]
    fn a_distance_has_a_direction() {
        let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let hour = SignedDuration::from_hours(1);
        assert_eq!(distance(now + hour, now), "in 1h");
        assert_eq!(distance(now - hour, now), "1h ago");
        assert_eq!(distance(now, now), "now");
    }
}
