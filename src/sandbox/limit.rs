//! The rate limit: at most so many calls of an action in any second, by a sliding window.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::action::Action;

const WINDOW: Duration = Duration::from_secs(1);

/// When the calls of the last second were accepted, by action.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    rate: Option<u32>,
    accepted: BTreeMap<Action, VecDeque<Duration>>,
}

impl Limiter {
    pub(super) fn new(rate: Option<u32>) -> Self {
        Self { rate, accepted: BTreeMap::new() }
    }

    pub(super) fn set_rate(&mut self, rate: Option<u32>) {
        self.rate = rate;
    }

    /// Accepts a call at a time since the start, or does not. Times must not go back.
    pub(super) fn admit(&mut self, action: Action, at: Duration) -> bool {
        let Some(rate) = self.rate else {
            return true;
        };
        let accepted = self.accepted.entry(action).or_default();
        // A call exactly one second old still counts: both ends belong to the second.
        while accepted.front().is_some_and(|&earlier| earlier + WINDOW < at) {
            accepted.pop_front();
        }
        let admitted = accepted.len() < usize::try_from(rate).unwrap_or(usize::MAX);
        if admitted {
            accepted.push_back(at);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(rate: Option<u32>, times: &[u64]) -> Vec<u64> {
        let mut limiter = Limiter::new(rate);
        let mut admit =
            |at: &u64| limiter.admit(Action::TerminateInstance, Duration::from_millis(*at));
        times.iter().copied().filter(|at| admit(at)).collect()
    }

    #[test]
    fn any_second_holds_at_most_the_rate() {
        assert_eq!(admitted(Some(2), &[0, 1, 2, 999, 1000, 1001]), [0, 1, 1001]);
        assert_eq!(admitted(Some(2), &[0, 900, 1001, 1100, 1901]), [0, 900, 1001, 1901]);
        assert_eq!(admitted(Some(0), &[0, 5000]), [0_u64; 0]);
        assert_eq!(admitted(None, &[0, 0, 0]), [0, 0, 0]);
        let every_ten: Vec<_> = (0..1000).map(|step| step * 10).collect();
        let admitted = admitted(Some(7), &every_ten);
        for start in &admitted {
            let within = admitted.iter().filter(|at| (*start..=start + 1000).contains(at));
            assert!(within.count() <= 7);
        }
    }

    #[test]
    fn actions_do_not_share_a_limit() {
        let mut limiter = Limiter::new(Some(1));
        assert!(limiter.admit(Action::TerminateInstance, Duration::ZERO));
        assert!(limiter.admit(Action::DescribeInstances, Duration::ZERO));
        assert!(!limiter.admit(Action::TerminateInstance, Duration::ZERO));
    }
}
