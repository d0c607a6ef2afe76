//! When too many calls of a run fail, the run stops.

use crate::{
    plan::guard::{CALLS_MIN, Limits, Refusal},
    report::Outcome,
};

/// Counts calls and failures.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    max_failure_percent: u32,
    calls: u64,
    failed: u64,
}

impl CircuitBreaker {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { max_failure_percent: limits.max_failure_percent, calls: 0, failed: 0 }
    }

    /// Counts a call; the refusal if too many failed by now.
    pub(super) fn count(&mut self, outcome: Outcome) -> Option<Refusal> {
        self.calls += 1;
        self.failed += match outcome {
            Outcome::Failed | Outcome::Unknown => 1,
            Outcome::Terminated | Outcome::Gone | Outcome::Refused => 0,
        };
        let Self { max_failure_percent: limit, calls, failed } = *self;
        let too_many = calls >= CALLS_MIN && failed * 100 > calls * u64::from(limit);
        too_many.then_some(Refusal::TooManyFailures { failed, calls, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many calls it stops, of which every so many fails.
    fn stops_after(limit: u32, every: usize) -> Option<usize> {
        let limits = Limits { max_failure_percent: limit, ..Limits::default() };
        let mut breaker = CircuitBreaker::new(&limits);
        (1..=100).find(|n| {
            let outcome = if n % every == 0 { Outcome::Failed } else { Outcome::Terminated };
            breaker.count(outcome).is_some()
        })
    }

    #[test]
    fn it_looks_once_ten_calls_were_made() {
        assert_eq!(stops_after(50, 1), Some(10));
        assert_eq!(stops_after(50, 2), None, "half is not more than half");
        assert_eq!(stops_after(49, 2), Some(10));
        assert_eq!(stops_after(0, 15), Some(15));
        assert_eq!(stops_after(100, 1), None);
    }

    #[test]
    fn a_refusal_of_the_api_is_no_failure() {
        let mut breaker = CircuitBreaker::new(&Limits::default());
        assert!((0..50).all(|_| breaker.count(Outcome::Refused).is_none()));
    }
}
