//! When too many calls of a run fail, the run stops.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{
    plan::guard::{CALLS_MIN, Limits, Refusal},
    report::Outcome,
};

/// Counts calls and failures, and keeps the refusal that stopped the run.
pub(super) struct Brake {
    max_failure_percent: u32,
    counts: Mutex<Counts>,
    refusal: OnceLock<Refusal>,
}

#[derive(Default)]
struct Counts {
    calls: u64,
    failed: u64,
}

impl Brake {
    pub(super) fn new(limits: &Limits) -> Self {
        let max_failure_percent = limits.max_failure_percent;
        Self { max_failure_percent, counts: Mutex::default(), refusal: OnceLock::new() }
    }

    /// Counts a call; the refusal if too many failed by now.
    pub(super) fn count(&self, outcome: Outcome) -> Option<Refusal> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.calls += 1;
        counts.failed += match outcome {
            Outcome::Failed | Outcome::Unknown => 1,
            Outcome::Terminated | Outcome::Gone | Outcome::Refused => 0,
        };
        let (Counts { calls, failed }, limit) = (&*counts, self.max_failure_percent);
        let too_many = *calls >= CALLS_MIN && failed * 100 > calls * u64::from(limit);
        too_many.then_some(Refusal::TooManyFailures { failed: *failed, calls: *calls, limit })
    }

    /// Keeps the refusal that stopped the run.
    pub(super) fn pull(&self, refusal: Refusal) {
        self.refusal.get_or_init(|| refusal);
    }

    /// The refusal that stopped the run, if one did.
    pub(super) fn refusal(self) -> Option<Refusal> {
        self.refusal.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many calls it stops, of which every so many fails.
    fn stops_after(limit: u32, every: usize) -> Option<usize> {
        let brake = Brake::new(&Limits { max_failure_percent: limit, ..Limits::default() });
        (1..=100).find(|n| {
            let outcome = if n % every == 0 { Outcome::Failed } else { Outcome::Terminated };
            brake.count(outcome).is_some()
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
        let brake = Brake::new(&Limits::default());
        assert!((0..50).all(|_| brake.count(Outcome::Refused).is_none()));
    }
}
