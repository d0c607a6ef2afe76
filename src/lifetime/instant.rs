//! The reader of dates and timestamps.
//!
//! A date is the end of that day in a time zone; a timestamp has the form of RFC 3339 with its offset. Nothing else is read: not
//! a local time without an offset, week and ordinal dates, other orders of day and month, or numbers.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

use super::{
    duration::{TEXT_BYTES_MAX, duration},
    shorten,
};

/// Describes an instant in error messages.
pub const INSTANT_HELP: &str =
    "a date such as 2026-12-31 or a timestamp such as 2026-12-31T18:00:00Z";

/// Describes a timestamp in error messages.
pub const TIMESTAMP_HELP: &str = "a timestamp with its offset, such as 2026-11-24T09:00:00Z";

/// Describes the start of a period in error messages.
pub const SINCE_HELP: &str =
    "an age such as 7d, a date such as 2026-11-01, or a timestamp with its offset";

const DATE_BYTES: usize = 10;

/// Offsets on Earth, in seconds: from -12:00 to +14:00.
const OFFSETS: std::ops::RangeInclusive<i32> = -12 * 3600..=14 * 3600;

/// The reason why a text is not an instant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    Form,
    NoSuchDay,
    TimeForm,
    NoSuchTime,
    NoOffset,
    NoSuchOffset,
}

/// Parses a date as the end of that day in `zone`, or a timestamp such as `2026-12-31T18:00:00+08:00`.
pub fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    read(text, zone).map_err(|refusal| refusal.message(text))
}

/// Parses a timestamp such as `2026-12-31T18:00:00+08:00`.
pub fn timestamp(text: &str) -> Result<Timestamp, String> {
    match text.trim_matches(' ') {
        date if is_date(date) => Err(format!("`{date}` is a date, not a timestamp")),
        text => instant(text, &TimeZone::UTC),
    }
}

/// Parses a date or a timestamp without an allocation.
pub(crate) fn read(text: &str, zone: &TimeZone) -> Result<Timestamp, Refusal> {
    let text = text.trim_matches(' ');
    let (date, time) = text.split_at_checked(DATE_BYTES).ok_or(Refusal::Form)?;
    if text.len() > TEXT_BYTES_MAX || !is_date(date) {
        return Err(Refusal::Form);
    }
    let date: Date = date.parse().map_err(|_| Refusal::NoSuchDay)?;
    match time {
        "" => Ok(end_of_day(date, zone)),
        time => timestamp_of(date, time),
    }
}

/// Reports whether a text has the form YYYY-MM-DD.
pub(crate) fn is_date(text: &str) -> bool {
    has_form(text, "0000-00-00")
}

/// Reports whether a text has the form of a pattern, in which `0` stands for any ASCII digit.
fn has_form(text: &str, pattern: &str) -> bool {
    let fits = |(own, form): (u8, u8)| {
        if form == b'0' { own.is_ascii_digit() } else { own == form }
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

/// Returns the first instant of the next day: a day ends where the next one begins, also where DST moves midnight. The last days
/// of the calendar end at the last instant that there is.
fn end_of_day(date: Date, zone: &TimeZone) -> Timestamp {
    let next = date.tomorrow().ok().and_then(|next| next.to_zoned(zone.clone()).ok());
    next.map_or(Timestamp::MAX, |next| next.timestamp())
}

/// Parses what follows the date of a timestamp: `T18:00:00`, a fraction of at most nine digits, and the offset.
fn timestamp_of(date: Date, text: &str) -> Result<Timestamp, Refusal> {
    const FORM: &str = "T00:00:00";
    let (time, rest) = text.split_at_checked(FORM.len()).ok_or(Refusal::TimeForm)?;
    if !has_form(time, FORM) {
        return Err(Refusal::TimeForm);
    }
    let (nanos, offset) = match rest.strip_prefix('.') {
        Some(rest) => fraction(rest)?,
        None => (0, rest),
    };
    let part = |at: usize| time.get(at..at + 2).and_then(|part| part.parse().ok());
    let parts = (part(1), part(4), part(7));
    let (Some(hour), Some(minute), Some(second)) = parts else { return Err(Refusal::TimeForm) };
    let time = Time::new(hour, minute, second, nanos).map_err(|_| Refusal::NoSuchTime)?;
    let offset = offset_of(offset)?;
    // Only times of the last two days of the year 9999 are beyond all timestamps.
    let at = offset.to_timestamp(DateTime::from_parts(date, time));
    Ok(at.unwrap_or(Timestamp::MAX))
}

/// Parses the digits behind the point, as nanoseconds; returns what follows them, too.
fn fraction(text: &str) -> Result<(i32, &str), Refusal> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length).ok_or(Refusal::TimeForm)?;
    if !(1..=9).contains(&length) {
        return Err(Refusal::TimeForm);
    }
    let nanos = nanos_of(digits);
    Ok((nanos, rest))
}

/// The value of at most nine digits behind a point, in nanoseconds.
fn nanos_of(digits: &str) -> i32 {
    let values = digits.bytes().map(|digit| i32::from(digit - b'0'));
    values.chain(std::iter::repeat(0)).take(9).fold(0, |nanos, digit| nanos * 10 + digit)
}

/// Parses `Z`, `+08:00` or `-05:00`.
fn offset_of(text: &str) -> Result<Offset, Refusal> {
    let sign = match text.bytes().next() {
        None => return Err(Refusal::NoOffset),
        Some(b'Z') if text.len() == 1 => return Ok(Offset::UTC),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return Err(Refusal::TimeForm),
    };
    let digits = text.get(1..).filter(|digits| has_form(digits, "00:00"));
    let (hours, minutes) = digits.and_then(|it| it.split_once(':')).ok_or(Refusal::TimeForm)?;
    let number = |text: &str| text.parse::<i32>().map_err(|_| Refusal::TimeForm);
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = sign * (hours * 3600 + minutes * 60);
    // RFC 3339 writes -00:00 where the offset is not known.
    let is_unknown = sign < 0 && seconds == 0;
    if minutes > 59 || !OFFSETS.contains(&seconds) || is_unknown {
        return Err(Refusal::NoSuchOffset);
    }
    Offset::from_seconds(seconds).map_err(|_| Refusal::NoSuchOffset)
}

/// Parses the start of a period that is asked for at `now`: an age, a date, which begins at midnight UTC, or a timestamp.
pub fn since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let expected = |why: String| format!("{why}; expected {SINCE_HELP}");
    let trimmed = text.trim_matches(' ');
    if is_date(trimmed) {
        let no_day = |_| expected(Refusal::NoSuchDay.message(trimmed));
        let date: Date = trimmed.parse().map_err(no_day)?;
        let midnight = date.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
        return Ok(midnight.timestamp());
    }
    if trimmed.get(..DATE_BYTES).is_some_and(is_date) {
        return timestamp(trimmed).map_err(expected);
    }
    let age = duration(trimmed).map_err(expected)?;
    now.checked_sub(age).map_err(|error| error.to_string())
}

impl Refusal {
    /// The whole message about a text.
    pub(crate) fn message(self, text: &str) -> String {
        let text = shorten(text.trim_matches(' '));
        match self {
            Self::Form => format!("`{text}` is neither a date nor a timestamp"),
            Self::NoSuchDay => format!("`{text}` is not a day of the calendar"),
            Self::TimeForm => {
                format!("`{text}` is not a timestamp of the form 2026-12-31T18:00:00Z")
            }
            Self::NoSuchTime => {
                format!("`{text}` has no time of day from 00:00:00 to 23:59:59")
            }
            Self::NoOffset => {
                format!("`{text}` has no offset from UTC; add Z, or one such as +08:00")
            }
            Self::NoSuchOffset => format!("`{text}` has no offset from -12:00 to +14:00"),
        }
    }
}
