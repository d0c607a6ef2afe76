//! Durations, dates and the instants that they make, as rules, tags and the config write them.
//!
//! Pure, and strict on purpose: what cannot be read for certain is an error, and an error keeps the machine. Months and
//! years have no fixed length and a bare number has no unit, so they are refused.

use std::fmt::Display;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit, civil::Date, tz::TimeZone};

/// What a duration looks like, for error messages.
pub const DURATION_HELP: &str = "a duration such as 90m, 72h, 3d 12h, 2w or PT72H";

/// What an instant looks like, for error messages.
pub const INSTANT_HELP: &str =
    "a date such as 2026-12-31 or a timestamp such as 2026-12-31T18:00:00Z";

/// The longest duration that is taken: a hundred years of 365.25 days.
const DURATION_MAX: SignedDuration = SignedDuration::from_hours(36_525 * 24);

/// The longest text that is looked at, in bytes; a tag's value has at most 128 characters.
const TEXT_BYTES_MAX: usize = 512;

/// Reads a duration: `90m`, `72h`, `3d 12h`, `2w`, or ISO 8601 such as `PT72H`. A day has 24 hours.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let not = |why: &str| format!("`{}` is not a duration{why}", shorten(text));
    let trimmed = text.trim();
    if trimmed.len() > TEXT_BYTES_MAX || trimmed.is_empty() {
        return Err(not(""));
    }
    if trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not(": a bare number has no unit"));
    }
    let span: Span = trimmed.parse().map_err(|_| not(""))?;
    if is_of_the_calendar(trimmed) {
        return Err(not(": months and years have no fixed length"));
    }
    let total = span.total((Unit::Nanosecond, SpanRelativeTo::days_are_24_hours()));
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours());
    match (total, exact) {
        (Ok(_), Ok(exact)) if exact.is_negative() || is_turned_back(trimmed) => {
            Err(not(": it is negative"))
        }
        (Ok(_), Ok(exact)) if exact <= DURATION_MAX => Ok(exact),
        _ => Err(not(": it is longer than a hundred years")),
    }
}

/// Whether a duration names months or years, and be it none of them.
fn is_of_the_calendar(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let iso = text.trim_start_matches(['+', '-']).strip_prefix('p');
    if let Some(date) = iso.and_then(|iso| iso.split('t').next()) {
        return date.contains(['y', 'm']);
    }
    let mut units = text.split(|letter: char| !letter.is_alphabetic());
    units.any(|unit| unit.starts_with('y') || unit.starts_with("mo"))
}

/// Whether a duration is said to point back, which one of no length does not show otherwise.
fn is_turned_back(text: &str) -> bool {
    text.starts_with('-') || text.ends_with("ago")
}

/// Reads a date as the end of that day in a time zone, or an RFC 3339 timestamp, which must tell its offset.
pub fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let not = || format!("`{}` is neither a date nor a timestamp", shorten(text));
    let trimmed = text.trim();
    if trimmed.len() > TEXT_BYTES_MAX {
        return Err(not());
    }
    if is_date(trimmed) {
        let date: Date =
            trimmed.parse().map_err(|_| format!("`{trimmed}` is not a day of any calendar"))?;
        return end_of_day(date, zone).ok_or_else(not);
    }
    let looks_right = trimmed.len() > 10 && is_date(trimmed.get(..10).unwrap_or_default());
    if !looks_right {
        return Err(not());
    }
    let missing =
        || format!("`{}` does not tell its offset from UTC, or is not a time", shorten(trimmed));
    trimmed.parse().map_err(|_| missing())
}

/// Whether the text has the form YYYY-MM-DD.
pub(crate) fn is_date(text: &str) -> bool {
    let form = |(n, byte): (usize, u8)| {
        if matches!(n, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
    };
    text.len() == 10 && text.bytes().enumerate().all(form)
}

/// The first instant of the next day: a day ends where the next one begins, also where DST moves midnight.
fn end_of_day(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    date.tomorrow().ok()?.to_zoned(zone.clone()).ok().map(|next| next.timestamp())
}

/// What counts as a first instant.
pub const SINCE_HELP: &str =
    "an age such as 7d, a date such as 2026-11-01, or a timestamp with its offset";

/// Reads the first instant that somebody asks about at `now`; a date begins at midnight, UTC.
pub fn since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let start_of_day = || {
        // Whatever is longer has a time of day, which reading a date would drop in silence.
        let date: Date = Some(text).filter(|text| is_date(text))?.parse().ok()?;
        date.to_zoned(TimeZone::UTC).ok().map(|midnight| midnight.timestamp())
    };
    match duration(text) {
        Ok(age) => now.checked_sub(age).map_err(|error| error.to_string()),
        Err(_) => start_of_day()
            .or_else(|| text.parse().ok())
            .ok_or_else(|| format!("expected {SINCE_HELP}")),
    }
}

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

    fn check_duration(text: &str, hours: Option<f64>) {
        let got = duration(text).ok().map(|duration| duration.as_secs_f64() / 3600.0);
        assert_eq!(got, hours, "{text}: {:?}", duration(text));
    }

    #[test]
    fn durations_are_read_or_refused() {
        for (text, hours) in [
            ("90m", 1.5),
            ("72h", 72.0),
            ("3d 12h", 84.0),
            ("3d12h", 84.0),
            ("2w", 336.0),
            ("PT72H", 72.0),
            ("P3D", 72.0),
            ("P2W", 336.0),
            ("P1DT12H", 36.0),
            ("1h30m", 1.5),
            ("1.5h", 1.5),
            ("1 day", 24.0),
            ("PT3M", 0.05),
            ("p1dt3m", 24.05),
            ("3 mins 0 msecs", 0.05),
            ("3 days 2 hours", 74.0),
            (" 72h ", 72.0),
            ("0h", 0.0),
            ("36500d", 876_000.0),
        ] {
            check_duration(text, Some(hours));
        }
        for text in [
            "",
            " ",
            "72",
            "0",
            "3 dayz",
            "abc",
            "-3h",
            "3h ago",
            "0h ago",
            "1mo",
            "1 month",
            "3M",
            "1y",
            "P1Y",
            "P1M",
            "never",
            "1e3h",
            "99999999d",
            "99999999999999999999h",
            "36526d",
            "2026-01-01",
            "3d 12",
            "h",
            "١h",
            "-PT1H",
        ] {
            check_duration(text, None);
        }
        check_duration(&"9".repeat(1000), None);
    }

    #[test]
    fn months_and_years_are_no_units_also_where_there_are_none_of_them() {
        let texts = [
            "1mo",
            "1y",
            "0mo 3d",
            "0y",
            "0 months 3 days",
            "0yrs 3d",
            "P0Y3D",
            "P0M",
            "p0m1dt3m",
            "P1Y",
            "+P0Y1D",
        ];
        for text in texts {
            let error = duration(text).unwrap_err();
            assert!(error.ends_with(": months and years have no fixed length"), "{error}");
        }
    }

    fn check_instant(text: &str, zone: &str, expected: Option<&str>) {
        let zone = TimeZone::get(zone).unwrap();
        let got = instant(text, &zone).ok().map(|at| at.to_string());
        assert_eq!(got.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_date_is_the_end_of_that_day_in_its_zone() {
        check_instant("2026-12-31", "UTC", Some("2027-01-01T00:00:00Z"));
        check_instant("2026-12-31", "Asia/Shanghai", Some("2026-12-31T16:00:00Z"));
        check_instant("2026-12-31", "America/New_York", Some("2027-01-01T05:00:00Z"));
        check_instant("2024-02-29", "UTC", Some("2024-03-01T00:00:00Z"));
        // Midnight does not exist on this day: the clock goes from 24:00 to 01:00.
        check_instant("2018-11-03", "America/Sao_Paulo", Some("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn a_timestamp_must_tell_its_offset() {
        check_instant("2026-12-31T18:00:00Z", "Asia/Shanghai", Some("2026-12-31T18:00:00Z"));
        check_instant("2026-12-31T18:00:00+02:00", "UTC", Some("2026-12-31T16:00:00Z"));
        check_instant("2026-12-31 18:00:00Z", "UTC", Some("2026-12-31T18:00:00Z"));
        for text in [
            "2026-12-31T18:00:00",
            "2017-02-31",
            "2025-02-29",
            "2099-13-45",
            "20261231",
            "31.12.2026",
            "2026-1-5",
            "tomorrow",
            "",
            "9999-12-31",
            "2026-W01-1",
            "2026-12-31T25:00:00Z",
            "1795400463",
        ] {
            check_instant(text, "UTC", None);
        }
    }

    #[test]
    fn a_first_instant_is_an_age_a_day_or_a_timestamp() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("7d", "2026-11-13T12:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T06:00:00+08:00", "2026-10-31T22:00:00Z"),
        ] {
            assert_eq!(since(text, now).unwrap().to_string(), at, "{text}");
        }
        // A day with a time is not that day, and one that is written otherwise is not guessed at.
        for wrong in ["", "soon", "2026-11-01T06:00", "2026-11-31", "20261101", "2026-11-01 06h"] {
            assert_eq!(since(wrong, now).unwrap_err(), format!("expected {SINCE_HELP}"), "{wrong}");
        }
    }

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
