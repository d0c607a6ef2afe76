//! Why a plan is refused, and by which guard.

use super::inventory_check::Rejection;
use crate::{lifetime::counted, rules::RuleName};

/// A guard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guard {
    /// `limits.max_terminations`.
    MaxTerminations,
    /// `limits.max_percent`.
    MaxPercent,
    /// `limits.max_per_day`.
    MaxPerDay,
    /// `limits.min_remaining`.
    MinRemaining,
    /// `inventory.max_change_percent`.
    MaxChangePercent,
    /// `limits.max_failure_percent`, which stops a run half way.
    MaxFailurePercent,
    /// `limits.canary`, which stops a run half way.
    Canary,
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 7] = [
        Self::MaxTerminations,
        Self::MaxPercent,
        Self::MaxPerDay,
        Self::MinRemaining,
        Self::MaxChangePercent,
        Self::MaxFailurePercent,
        Self::Canary,
    ];

    /// The guard's name, that of its key in the config.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaxTerminations => "max_terminations",
            Self::MaxPercent => "max_percent",
            Self::MaxPerDay => "max_per_day",
            Self::MinRemaining => "min_remaining",
            Self::MaxChangePercent => "max_change_percent",
            Self::MaxFailurePercent => "max_failure_percent",
            Self::Canary => "canary",
        }
    }
}

fn machines(count: u64) -> String {
    counted(count, "machine", "machines")
}

/// Why a plan is refused, or a run stopped half way.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It terminates too many.
    #[error(
        "the plan is refused whole: it would terminate {machines}, and limits.{guard}: {limit} allows {allowed}; look at it with `zenreaper plan`, and if it is right, raise the limit",
        machines = machines(*wanted), guard = guard.as_str()
    )]
    Cap {
        /// Which guard.
        guard: Guard,
        /// How many machines the plan terminates.
        wanted: u64,
        /// How many it may.
        allowed: u64,
        /// The configured limit.
        limit: u32,
    },
    /// One rule terminates too many.
    #[error(
        "the plan is refused whole: the rule `{rule}` would terminate {machines}, and its limits.max_terminations allows {limit}; look at it with `zenreaper plan`, and if it is right, raise the limit",
        machines = machines(*wanted)
    )]
    RuleCap {
        /// The rule.
        rule: RuleName,
        /// How many machines it terminates.
        wanted: u64,
        /// How many it may.
        limit: u32,
    },
    /// Together with those before, it terminates too many.
    #[error(
        "the plan is refused whole: it would terminate {machines} after {before} in the last 24 hours, and limits.max_per_day allows {limit}; see `zenreaper history --since 24h`, and if it is right, raise the limit",
        machines = machines(*wanted)
    )]
    PerDay {
        /// How many machines the plan terminates.
        wanted: u64,
        /// How many were terminated in the last 24 hours.
        before: u64,
        /// The configured limit.
        limit: u32,
    },
    /// It leaves too few.
    #[error(
        "the plan is refused whole: of the {machines} that the rule `{rule}` matches it would leave {left}, and limits.min_remaining asks for {limit}; hold some with `zenreaper hold`, or lower the limit",
        machines = counted(*live, "live machine", "live machines")
    )]
    TooFewLeft {
        /// The rule.
        rule: RuleName,
        /// How many live machines it matches.
        live: u64,
        /// How many would be left.
        left: u64,
        /// The configured limit.
        limit: u32,
    },
    /// The inventory is rejected.
    #[error("{0}")]
    Inventory(Rejection),
    /// Too many calls failed.
    #[error(
        "the run is stopped: {failed} of {calls} calls to terminate failed, and limits.max_failure_percent allows {limit}%; see the codes in the log and in `zenreaper history`"
    )]
    TooManyFailures {
        /// How many calls failed.
        failed: u64,
        /// How many were made.
        calls: u64,
        /// The configured limit.
        limit: u32,
    },
    /// One of the first calls was not accepted.
    #[error(
        "the run is stopped: limits.canary asks that the first {calls} accepted, and one ended as `{outcome}`; see the code in the log and in `zenreaper history`",
        calls = counted(*limit, "call is", "calls are")
    )]
    Canary {
        /// What became of it.
        outcome: &'static str,
        /// The configured limit.
        limit: u32,
    },
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Inventory(rejection)
    }
}

impl Refusal {
    /// Which guard refuses.
    #[must_use]
    pub fn guard(&self) -> Guard {
        match self {
            Self::Cap { guard, .. } => *guard,
            Self::RuleCap { .. } => Guard::MaxTerminations,
            Self::PerDay { .. } => Guard::MaxPerDay,
            Self::TooFewLeft { .. } => Guard::MinRemaining,
            Self::Inventory(_) => Guard::MaxChangePercent,
            Self::TooManyFailures { .. } => Guard::MaxFailurePercent,
            Self::Canary { .. } => Guard::Canary,
        }
    }
}
