//! When a run is due.
//!
//! Pure: a [`Schedule`] answers questions about instants that it is given, `daemon` owns the clock. Patterns are parsed and
//! walked by croner 4, in a named time zone. tokio-cron-scheduler only wakes the daemon, because its own calculation freezes
//! the UTC offset when a job is made (its issue 107: after a change of DST a daily job is an hour off until the restart) and
//! starts a job again while it still runs.

use croner::parser::{CronParser, Seconds, Year};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

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
        let parser =
            CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser
            .parse(pattern)
            .map_err(|error| format!("`{pattern}` is not a crontab: {error}"))?;
        let schedule = Self { pattern: pattern.to_owned(), cron, zone };
        match schedule.next_after(now) {
            Some(_) => Ok(schedule),
            None => Err(format!("`{pattern}` never fires")),
        }
    }

    /// The first instant after `now` at which a run is due; `None` if there is none in this calendar.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&local, false).ok().map(|next| next.timestamp())
    }

    /// Whether a run is due after `since` and until `now`.
    #[must_use]
    pub fn fires_within(&self, since: Timestamp, now: Timestamp) -> bool {
        self.next_after(since).is_some_and(|next| next <= now)
    }

    /// The first instant from `at` on at which a run is due.
    #[must_use]
    pub fn first_from(&self, at: Timestamp) -> Option<Timestamp> {
        let before = at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN);
        self.next_after(before)
    }

    /// The shortest time between two of the next so many firings after `now`; `None` if there are no two.
    #[must_use]
    pub fn shortest_interval(&self, now: Timestamp, firings: usize) -> Option<SignedDuration> {
        let all = std::iter::successors(self.next_after(now), |last| self.next_after(*last));
        let all: Vec<_> = all.take(firings).collect();
        let gaps = all.iter().zip(all.iter().skip(1));
        gaps.map(|(one, next)| next.duration_since(*one)).min()
    }

    /// Whether it fires whenever `other` does, since both are written alike.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.pattern == other.pattern && self.zone == other.zone
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

/// What is due next, as the wall clock is seen to move.
///
/// After a gap (the machine slept, a run took long) it is due once, not once for each missed instant. A clock that is set back
/// makes the next instant earlier again, so that nothing falls silent until the clock has caught up.
#[derive(Clone, Debug)]
pub struct Agenda {
    schedule: Schedule,
    next: Option<Timestamp>,
}

impl Agenda {
    /// The agenda from `now` on.
    #[must_use]
    pub fn new(schedule: Schedule, now: Timestamp) -> Self {
        let next = schedule.next_after(now);
        Self { schedule, next }
    }

    /// When the next run is due.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// The first instant after `since` at which its schedule fires.
    #[must_use]
    pub fn next_after(&self, since: Timestamp) -> Option<Timestamp> {
        self.schedule.next_after(since)
    }

    /// Whether a run is due at `now`; if not, looks whether the clock was set back.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        if self.next.is_some_and(|next| next <= now) {
            return true;
        }
        let from_now = self.schedule.next_after(now);
        self.next = from_now.into_iter().chain(self.next).min();
        false
    }

    /// Another schedule from `now` on; what was due under the old one is due all the same.
    pub fn reschedule(&mut self, schedule: Schedule, now: Timestamp) {
        let is_due = self.next.is_some_and(|next| next <= now);
        self.schedule = schedule;
        if !is_due {
            self.done(now);
        }
    }

    /// A run ended at `now`: the next one is due at the first instant after it.
    pub fn done(&mut self, now: Timestamp) {
        self.next = self.schedule.next_after(now);
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
        check("@hourly", "UTC", "2026-11-24T15:00:00Z", &["2026-11-24T16:00:00Z"]);
        check(
            "0 9 * * MON-FRI",
            "Asia/Shanghai",
            "2026-11-27T02:00:00Z",
            &["2026-11-30T01:00:00Z"],
        );
        check("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z"]);
    }

    #[test]
    fn a_daily_run_stays_at_its_hour_across_dst() {
        check(
            "0 3 * * *",
            "Europe/Berlin",
            "2026-10-24T00:00:00Z",
            &["2026-10-24T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"],
        );
        check(
            "0 3 * * *",
            "Europe/Berlin",
            "2027-03-27T00:00:00Z",
            &["2027-03-27T02:00:00Z", "2027-03-28T01:00:00Z", "2027-03-29T01:00:00Z"],
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

    fn at(text: &str) -> Timestamp {
        format!("2026-11-24T{text}Z").parse().unwrap()
    }

    fn agenda(now: &str) -> Agenda {
        Agenda::new(Schedule::parse("*/15 * * * *", TimeZone::UTC, at(now)).unwrap(), at(now))
    }

    #[test]
    fn after_a_gap_there_is_one_run_to_catch_up() {
        let mut agenda = agenda("10:01:00");
        assert!(!agenda.is_due(at("10:14:59")));
        assert!(agenda.is_due(at("10:15:00")));
        agenda.done(at("10:15:20"));
        assert!(!agenda.is_due(at("10:15:21")));
        assert!(agenda.is_due(at("13:07:00")), "after hours of sleep");
        agenda.done(at("13:07:30"));
        assert_eq!(agenda.next(), Some(at("13:15:00")));
    }

    #[test]
    fn a_run_that_takes_longer_than_its_interval_is_not_followed_by_another_at_once() {
        let mut agenda = agenda("10:01:00");
        assert!(agenda.is_due(at("10:15:00")));
        agenda.done(at("10:40:00"));
        assert!(!agenda.is_due(at("10:40:01")));
        assert_eq!(agenda.next(), Some(at("10:45:00")));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_silence_it() {
        let mut agenda = agenda("10:01:00");
        assert!(!agenda.is_due(at("08:00:00")));
        assert_eq!(agenda.next(), Some(at("08:15:00")));
        assert!(agenda.is_due(at("08:15:00")));
    }

    #[test]
    fn a_reload_at_the_instant_of_a_run_does_not_lose_it() {
        let daily = Schedule::parse("0 0 * * *", TimeZone::UTC, at("10:00:00")).unwrap();
        let mut early = agenda("10:01:00");
        early.reschedule(daily.clone(), at("10:14:59"));
        assert!(!early.is_due(at("10:15:00")));
        let mut late = agenda("10:01:00");
        late.reschedule(daily, at("10:15:00"));
        assert!(late.is_due(at("10:15:00")));
        late.done(at("10:15:01"));
        assert_eq!(late.next().unwrap().to_string(), "2026-11-25T00:00:00Z");
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
            assert!(Schedule::parse(pattern, TimeZone::UTC, now).is_err(), "{pattern}");
        }
    }
}
