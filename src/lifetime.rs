//! Durations, dates and timestamps as rules, tags, config keys and command lines write them.
//!
//! Pure, and strict on purpose: one reader for durations and one for instants, which read the documented forms and nothing else. A
//! text that cannot be read for certain is an error, and an error keeps the instance.

mod duration;
mod instant;

use std::fmt::Display;

use jiff::{SignedDuration, Timestamp};

pub use self::{
    duration::{DURATION_HELP, Smallest, duration, duration_to},
    instant::{INSTANT_HELP, SINCE_HELP, TIMESTAMP_HELP, instant, since, timestamp},
};
pub(crate) use self::{
    duration::{Refusal as NotADuration, read as read_duration},
    instant::{Refusal as NotAnInstant, is_date, read as read_instant},
};

/// The first instant at which an instance can have been created: 2014-01-01T00:00:00Z, the year in which Zenlayer was founded.
pub(crate) const FIRST_CREATION: Timestamp = Timestamp::constant(1_388_534_400, 0);

/// An instant as seen from another one: `in 3h`, `2d ago`.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let distance = at.duration_since(now);
    let text = coarse(distance.abs());
    match distance.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("in {text}"),
        ..0 => format!("{text} ago"),
    }
}

fn coarse(duration: SignedDuration) -> String {
    match (duration.as_hours(), duration.as_mins(), duration.as_secs()) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, _) => format!("{minutes}m"),
        (hours @ ..48, _, _) => format!("{hours}h"),
        (hours, _, _) => format!("{}d", hours / 24),
    }
}

/// A count with its noun: `1 machine`, `2 machines`.
#[must_use]
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(
    count: N,
    one: &str,
    many: &str,
) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

/// At most 40 characters of a text that came from outside.
#[must_use]
pub fn shorten(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let (head, end) = cut(text, SHOWN_MAX);
    head.chars().flat_map(char::escape_debug).collect::<String>() + end
}

/// At most so many characters of a text, and what stands for the rest of it, if there is any.
pub(crate) fn cut(text: &str, chars_max: usize) -> (&str, &'static str) {
    let end = text.char_indices().nth(chars_max).map(|(end, _)| end);
    match end.and_then(|end| text.get(..end)) {
        Some(head) => (head, "…"),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), ("äöü", ""));
        assert_eq!(cut("äöü", 2), ("äö", "…"));
        assert_eq!(cut("", 0), ("", ""));
    }

    #[test]
    fn a_long_or_odd_text_is_shortened_before_it_is_shown() {
        assert_eq!(shorten("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert_eq!(shorten(&"x".repeat(100)).chars().count(), 41);
    }

    #[test]
    fn one_is_told_as_one() {
        for (count, text) in [(0, "0 days"), (1, "1 day"), (2, "2 days"), (11, "11 days")] {
            assert_eq!(counted(count, "day", "days"), text);
        }
    }

    #[test]
    fn times_are_told_from_now() {
        let now: Timestamp = "2026-11-04T12:00:00Z".parse().unwrap();
        for (seconds, text) in [
            (0, "now"),
            (59, "in 59s"),
            (-60, "1m ago"),
            (7200, "in 2h"),
            (-172_800, "2d ago"),
            (3_000_000, "in 34d"),
        ] {
            assert_eq!(relative(now + SignedDuration::from_secs(seconds), now), text);
        }
        assert_eq!(relative(now + SignedDuration::from_millis(500), now), "now");
    }
}
