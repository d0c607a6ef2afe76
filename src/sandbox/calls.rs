//! The record of every request, in the order in which they arrived.

use std::collections::VecDeque;
use std::time::Duration;

use super::action::Action;
use super::faults::Target;

/// The oldest calls are forgotten beyond this many, so that a sandbox can run for months.
pub const CALLS_MAX: usize = 20_000;

/// A request that the sandbox received in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it arrived, since the sandbox started. Never less than that of the call before.
    pub at: Duration,
    /// The action, if the sandbox has it.
    pub action: Option<Action>,
    /// The instances that it names.
    pub instances: Vec<String>,
    /// The page of a listing.
    pub page: Option<u32>,
    /// The HTTP status of the answer; none as long as there is no answer, so for ever when the
    /// connection was dropped.
    pub status: Option<u16>,
    /// The error code of the answer.
    pub code: Option<String>,
    /// How many requests were being handled when it arrived, itself included.
    pub in_flight: u32,
}

/// The calls that are remembered.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    calls: VecDeque<Call>,
    forgotten: u64,
    in_flight: u32,
}

impl CallLog {
    /// Records an arrival and gives it its number, from 0.
    pub(super) fn arrive(&mut self, at: Duration, target: &Target) -> u64 {
        self.in_flight = self.in_flight.saturating_add(1);
        if self.calls.len() >= CALLS_MAX {
            self.calls.pop_front();
            self.forgotten += 1;
        }
        self.calls.push_back(Call {
            at,
            action: target.action,
            instances: target.instances.clone(),
            page: target.page,
            status: None,
            code: None,
            in_flight: self.in_flight,
        });
        self.forgotten + self.calls.len() as u64 - 1
    }

    /// Records what was answered.
    pub(super) fn answer(&mut self, number: u64, status: u16, code: Option<&str>) {
        let index = number.checked_sub(self.forgotten);
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(call) = index.and_then(|index| self.calls.get_mut(index)) {
            call.status = Some(status);
            call.code = code.map(str::to_owned);
        }
    }

    /// Records that a request is no longer being handled.
    pub(super) fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(super) fn to_vec(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_calls_are_forgotten_and_a_late_answer_to_one_is_harmless() {
        let mut log = CallLog::default();
        let numbers: Vec<_> =
            (0..CALLS_MAX + 2).map(|_| log.arrive(Duration::ZERO, &Target::default())).collect();
        assert_eq!(numbers.last(), Some(&(CALLS_MAX as u64 + 1)));
        log.answer(0, 200, None);
        log.answer(CALLS_MAX as u64 + 1, 403, Some("CODE"));
        let calls = log.to_vec();
        assert_eq!(calls.len(), CALLS_MAX);
        assert_eq!(calls.first().unwrap().status, None);
        assert_eq!(calls.last().unwrap().code.as_deref(), Some("CODE"));
    }

    #[test]
    fn requests_in_flight_are_counted() {
        let mut log = CallLog::default();
        log.arrive(Duration::ZERO, &Target::default());
        log.arrive(Duration::ZERO, &Target::default());
        log.leave();
        log.arrive(Duration::ZERO, &Target::default());
        let counts: Vec<_> = log.to_vec().iter().map(|call| call.in_flight).collect();
        assert_eq!(counts, [1, 2, 2]);
    }
}
