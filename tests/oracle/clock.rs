//! Days, time zones and schedules, by counting.

use crate::case::{DAY, HOUR, MINUTE, Millis, SECOND};

/// The number of a day since 1970, by counting years and months.
pub(crate) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    // 719,162 days lie before 1970.
    let years = before * 365 + leap_days - 719_162;
    let months: i64 = (1..month).map(|month| month_days(year, month)).sum();
    years + months + day - 1
}

fn month_days(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of the number of a day.
pub(crate) fn date(number: i64) -> (i64, i64, i64) {
    let mut year = 1970 + number.div_euclid(366);
    while day_number(year + 1, 1, 1) <= number {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && day_number(year, month + 1, 1) <= number {
        month += 1;
    }
    (year, month, number - day_number(year, month, 1) + 1)
}

/// The day of the week, 0 for Sunday: the first of January 1970 was a Thursday.
fn weekday(number: i64) -> i64 {
    (number + 4).rem_euclid(7)
}

/// The first such day of the week from a date on.
fn first_from(year: i64, month: i64, day: i64, wanted: i64) -> i64 {
    let mut number = day_number(year, month, day);
    while weekday(number) != wanted {
        number += 1;
    }
    number
}

const SUNDAY: i64 = 0;

/// How far a zone's clocks are ahead of UTC, by its laws since 2022.
pub(crate) fn offset(zone: &str, at: Millis) -> Millis {
    let (year, _, _) = date(at.div_euclid(DAY));
    let instant = |number: i64, hour: i64| number * DAY + hour * HOUR;
    let summer = |from: Millis, to: Millis| if (from..to).contains(&at) { HOUR } else { 0 };
    match zone {
        "UTC" => 0,
        "Asia/Shanghai" => 8 * HOUR,
        "Asia/Kolkata" => 5 * HOUR + 30 * MINUTE,
        // The last Sundays of March and October have 31 days before them.
        "Europe/Berlin" => {
            let from = instant(first_from(year, 3, 25, SUNDAY), 1);
            HOUR + summer(from, instant(first_from(year, 10, 25, SUNDAY), 1))
        }
        "America/New_York" => {
            let from = instant(first_from(year, 3, 8, SUNDAY), 7);
            -5 * HOUR + summer(from, instant(first_from(year, 11, 1, SUNDAY), 6))
        }
        // Its winter is in the middle of the year.
        "America/Santiago" => {
            let from = instant(first_from(year, 4, 2, SUNDAY), 3);
            -3 * HOUR - summer(from, instant(first_from(year, 9, 2, SUNDAY), 4))
        }
        other => panic!("no zone {other}"),
    }
}

/// The end of a day in a zone: the first instant of the next one.
pub(crate) fn end_of_day(zone: &str, (year, month, day): (i64, i64, i64)) -> Millis {
    let next = day_number(year, month, day) + 1;
    let mut at = next * DAY - 15 * HOUR;
    while (at + offset(zone, at)).div_euclid(DAY) < next {
        at += 15 * MINUTE;
    }
    at
}

/// A time of the clock on the wall, in minutes since 1970.
type Wall = i64;

/// Whether a pattern names a minute of the clock on the wall.
fn names(pattern: &str, wall: Wall) -> bool {
    let (number, minute) = (wall.div_euclid(24 * 60), wall.rem_euclid(24 * 60));
    let (_, _, day) = date(number);
    let weekday = weekday(number);
    match pattern {
        "0 * * * *" => minute % 60 == 0,
        "*/15 * * * *" => minute % 15 == 0,
        "@daily" => minute == 0,
        "0 22 * * *" => minute == 22 * 60,
        "30 2 * * *" => minute == 2 * 60 + 30,
        "0 9 * * MON-FRI" => minute == 9 * 60 && (1..=5).contains(&weekday),
        "0 6 * * MON" => minute == 6 * 60 && weekday == 1,
        "0 0 1 * *" => minute == 0 && day == 1,
        other => panic!("no pattern {other}"),
    }
}

/// Whether a schedule fires at a whole minute. A time that the clock on the wall skips comes as soon as it is past it; one
/// that it shows twice comes once.
fn fires(pattern: &str, zone: &str, at: Millis) -> bool {
    let wall = |at: Millis| (at + offset(zone, at)).div_euclid(MINUTE);
    let (before, here) = (wall(at - MINUTE), wall(at));
    let shown_before = wall(at - HOUR) == here;
    let skipped = (before + 1..here).any(|skipped| names(pattern, skipped));
    skipped || (names(pattern, here) && !shown_before)
}

/// The first firing from an instant on.
pub(crate) fn first_firing(pattern: &str, zone: &str, from: Millis) -> Millis {
    let mut at = from.div_euclid(MINUTE) * MINUTE;
    if at < from {
        at += MINUTE;
    }
    // No pattern of the alphabet names a minute that is no quarter of an hour, and no clock changes at one.
    while at % (15 * MINUTE) != 0 {
        at += MINUTE;
    }
    while !fires(pattern, zone, at) {
        at += 15 * MINUTE;
    }
    at
}

/// Whether a schedule fires after an instant, and at another at the latest.
pub(crate) fn fires_within(pattern: &str, zone: &str, after: Millis, until: Millis) -> bool {
    first_firing(pattern, zone, after + 1) <= until
}

/// An instant in RFC 3339.
pub(crate) fn text(at: Millis) -> String {
    let (year, month, day) = date(at.div_euclid(DAY));
    let rest = at.rem_euclid(DAY);
    let (hour, minute, second) = (rest / HOUR, rest / MINUTE % 60, rest / SECOND % 60);
    let fraction = match rest % SECOND {
        0 => String::new(),
        millis => format!(".{millis:03}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}
