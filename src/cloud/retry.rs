//! The attempts of one call: whether there is a further one, and how long to wait before it.

use std::time::Duration;

use backoff::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::{Class, Error, Retry};

/// The longest wait between two attempts.
pub(super) const DELAY_MAX: Duration = Duration::from_secs(30);

/// The attempts that one call has.
#[derive(Debug)]
pub struct Attempts {
    left: u32,
    deadline: Instant,
    delays: ExponentialBackoff,
}

impl Attempts {
    /// The attempts of a call whose first one is made at `now`.
    pub(super) fn new(retry: &Retry, now: Instant) -> Self {
        let delays = ExponentialBuilder::default()
            .with_min_delay(retry.first_delay)
            .with_max_delay(DELAY_MAX)
            .with_jitter()
            .without_max_times();
        let left = retry.attempts.saturating_sub(1);
        Self { left, deadline: now + retry.total, delays: delays.build() }
    }

    /// When no further attempt is made any more.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long to wait after an attempt that failed at `now`; `None` if there is no further one.
    ///
    /// A call that was too fast waits in the limiter, with everybody else, and uses up no attempt. What the API asks for
    /// (`Retry-After`) is honoured as long as it ends before the deadline.
    pub fn next_delay(&mut self, error: &Error, now: Instant) -> Option<Duration> {
        if !error.class.is_retried() {
            return None;
        }
        let asked = error.retry_after.unwrap_or_default();
        let until = now.checked_add(asked).filter(|until| *until < self.deadline);
        if error.class == Class::Throttled {
            return until.map(|_| Duration::ZERO);
        }
        self.left = self.left.checked_sub(1)?;
        let delay = self.delays.next()?.max(asked);
        until.filter(|_| now + delay < self.deadline).map(|_| delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Action, Code};

    fn error(code: &str, status: u16, retry_after: Option<u64>) -> Error {
        let error = Error::new(Action::Terminate, Code::folded(code), Some(status), String::new());
        Error { retry_after: retry_after.map(Duration::from_secs), ..error }
    }

    /// How many attempts are made in all when each fails like this, one second after the other; at most 30 are looked at.
    fn attempts(code: &str, status: u16, retry_after: Option<u64>) -> usize {
        let (first_delay, total) = (Duration::from_millis(10), Duration::from_secs(20));
        let retry = Retry { attempts: 4, first_delay, total };
        let start = Instant::now();
        let mut attempts = Attempts::new(&retry, start);
        let failed = error(code, status, retry_after);
        let further =
            |n: &u64| attempts.next_delay(&failed, start + Duration::from_secs(*n)).is_some();
        1 + (0..30).take_while(further).count()
    }

    #[test]
    fn the_attempts_of_a_call_are_bounded_in_count_and_time() {
        for (code, status, retry_after, expected) in [
            ("INTERNAL_SERVER_ERROR", 500, None, 4),
            ("INTERNAL_SERVER_ERROR", 500, Some(2), 4),
            ("INTERNAL_SERVER_ERROR", 500, Some(3600), 1),
            ("INTERNAL_SERVER_ERROR", 500, Some(u64::MAX), 1),
            ("REQUEST_LIMIT_EXCEEDED", 429, None, 21),
            ("REQUEST_LIMIT_EXCEEDED", 429, Some(5), 16),
            ("REQUEST_LIMIT_EXCEEDED", 429, Some(3600), 1),
            ("INVALID_INSTANCE_NOT_FOUND", 404, None, 1),
            ("OPERATION_DENIED_POSTPAID_PROMISE", 403, None, 1),
            ("INVALID_PARAMETER_VALUE", 400, None, 1),
            ("AUTHFAILURE_SIGNATURE_FAILURE", 401, None, 1),
            ("SOME_NEW_CODE", 403, None, 4),
        ] {
            let told = format!("{code} {status} {retry_after:?}");
            assert_eq!(attempts(code, status, retry_after), expected, "{told}");
        }
    }

    #[test]
    fn each_wait_is_about_twice_as_long_and_at_least_as_long_as_asked() {
        let (first_delay, total) = (Duration::from_millis(100), Duration::from_hours(1));
        let start = Instant::now();
        let mut attempts = Attempts::new(&Retry { attempts: 12, first_delay, total }, start);
        let mut expected = first_delay;
        for _ in 0..10 {
            let failed = error("INTERNAL_SERVER_ERROR", 500, None);
            let delay = attempts.next_delay(&failed, start).unwrap();
            assert!(delay >= expected && delay <= expected * 2, "{delay:?} {expected:?}");
            expected = (expected * 2).min(DELAY_MAX);
        }
        let asked = error("INTERNAL_SERVER_ERROR", 500, Some(90));
        assert_eq!(attempts.next_delay(&asked, start), Some(Duration::from_secs(90)));
    }
}
