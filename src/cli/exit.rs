//! How a command ends.

use std::process::ExitCode;

use crate::report::RunResult;

/// An exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exit {
    /// All was done.
    Done,
    /// It failed.
    Failed,
    /// Wrong usage, config or rules; clap ends with the same code.
    Usage,
    /// A guard refused the plan.
    GuardRefused,
    /// `--detailed-exitcode` of `plan` and `backtest`: something would be terminated, or moves towards it.
    WouldTerminate,
    /// Some terminations failed.
    Partial,
    /// Another process holds the lease of an account.
    LeaseHeld,
}

impl Exit {
    /// The exit code of runs, of which the worst counts.
    pub(super) fn of_runs(results: &[RunResult]) -> Self {
        let of = |result: &RunResult| match result {
            RunResult::Success | RunResult::Paused => Self::Done,
            RunResult::GuardRefused => Self::GuardRefused,
            RunResult::Partial => Self::Partial,
            RunResult::LeaseHeld => Self::LeaseHeld,
            RunResult::IncompleteInventory
            | RunResult::AuthFailed
            | RunResult::Blocked
            | RunResult::JournalFailed
            | RunResult::Interrupted
            | RunResult::Panicked => Self::Failed,
        };
        let exits: Vec<_> = results.iter().map(of).collect();
        let worst_first = [Self::Failed, Self::Partial, Self::LeaseHeld, Self::GuardRefused];
        worst_first.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Self::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::GuardRefused => 3,
            Exit::WouldTerminate => 4,
            Exit::Partial => 5,
            Exit::LeaseHeld => 6,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_run_counts() {
        use RunResult::{GuardRefused, Interrupted, LeaseHeld, Partial, Success};
        for (results, expected) in [
            (&[][..], Exit::Done),
            (&[Success, Success], Exit::Done),
            (&[Success, GuardRefused], Exit::GuardRefused),
            (&[Partial, GuardRefused], Exit::Partial),
            (&[Success, LeaseHeld], Exit::LeaseHeld),
            (&[LeaseHeld, GuardRefused], Exit::LeaseHeld),
            (&[LeaseHeld, Partial], Exit::Partial),
            (&[Partial, Interrupted, Success], Exit::Failed),
        ] {
            assert_eq!(Exit::of_runs(results), expected, "{results:?}");
        }
    }
}
