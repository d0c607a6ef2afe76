//! When a run is due.
//!
//! Pure: a [`Schedule`] answers questions about instants that it is given, `daemon` owns the clock. Patterns are parsed and
//! walked by croner 4, in a named time zone. tokio-cron-scheduler only wakes the daemon, because its own calculation freezes
//! the UTC offset when a job is made (its issue 107: after a change of DST a daily job is an hour off until the restart) and
//! starts a job again while it still runs.

use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, tz::TimeZone};

/// What a pattern looks like, for error messages.
pub const HELP: &str = "a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends";

/// A crontab pattern in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    pattern: String,
    cron: croner::Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Parses a pattern; one that never fires is refused, with the `now` from which it never does.
    pub fn parse(pattern: &str, zone: TimeZone, now: Timestamp) -> Result<Self, String> {
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(pattern)
            .map_err(|error| format!("`{pattern}` is not a crontab: {error}"))?;
        let schedule = Self {
            pattern: pattern.to_owned(),
            cron,
            zone,
        };
        match schedule.next_after(now) {
            Some(_) => Ok(schedule),
            None => Err(format!("`{pattern}` never fires")),
        }
    }

    /// The first instant after `now` at which a run is due; `None` if there is none in this calendar.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone());
        self.cron
            .find_next_occurrence(&local, false)
            .ok()
            .map(|next| next.timestamp())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, zone: &str, from: &str, expected: &[&str]) {
        let mut now: Timestamp = from.parse().unwrap();
        let schedule = Schedule::parse(pattern, TimeZone::get(zone).unwrap(), now).unwrap();
        for expected in expected {
            now = schedule.next_after(now).unwrap();
            assert_eq!(now.to_string(), *expected, "{pattern} in {zone}");
        }
    }

    #[test]
    fn five_or_six_fields_and_nicknames_fire_when_they_should() {
        check(
            "*/15 * * * *",
            "UTC",
            "2026-11-24T15:07:00Z",
            &["2026-11-24T15:15:00Z", "2026-11-24T15:30:00Z"],
        );
        check(
            "*/10 * * * * *",
            "UTC",
            "2026-11-24T15:07:01Z",
            &["2026-11-24T15:07:10Z", "2026-11-24T15:07:20Z"],
        );
        check(
            "@hourly",
            "UTC",
            "2026-11-24T15:00:00Z",
            &["2026-11-24T16:00:00Z"],
        );
        check(
            "0 9 * * MON-FRI",
            "Asia/Shanghai",
            "2026-11-27T02:00:00Z",
            &["2026-11-30T01:00:00Z"],
        );
        check(
            "0 0 29 2 *",
            "UTC",
            "2026-01-01T00:00:00Z",
            &["2028-02-29T00:00:00Z"],
        );
    }

    #[test]
    fn a_daily_run_stays_at_its_hour_across_dst() {
        check(
            "0 3 * * *",
            "Europe/Berlin",
            "2026-10-24T00:00:00Z",
            &[
                "2026-10-24T01:00:00Z",
                "2026-10-25T02:00:00Z",
                "2026-10-26T02:00:00Z",
            ],
        );
        check(
            "0 3 * * *",
            "Europe/Berlin",
            "2027-03-27T00:00:00Z",
            &[
                "2027-03-27T02:00:00Z",
                "2027-03-28T01:00:00Z",
                "2027-03-29T01:00:00Z",
            ],
        );
    }

    #[test]
    fn an_hour_that_is_skipped_or_repeated_runs_once() {
        check(
            "30 2 * * *",
            "Europe/Berlin",
            "2027-03-27T12:00:00Z",
            &["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"],
        );
        check(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        );
        check(
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &[
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
            ],
        );
    }

    #[test]
    fn a_pattern_that_is_wrong_or_never_fires_is_refused() {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        for pattern in [
            "",
            "* * * *",
            "61 * * * *",
            "x * * * *",
            "0 0 31 2 *",
            "@never",
            "* * * * * * 2030",
            "*/0 * * * *",
        ] {
            assert!(
                Schedule::parse(pattern, TimeZone::UTC, now).is_err(),
                "{pattern}"
            );
        }
    }
}
