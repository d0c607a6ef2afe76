//! How a run ended.

use crate::cloud::{Class, Unlisted};

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RunResult {
    /// All that was planned was done, or there was nothing to do.
    Success,
    /// Some machines could not be terminated, or confirmed.
    Partial,
    /// A guard refused the plan.
    GuardRefused,
    /// The inventory was not complete, so nothing was done.
    IncompleteInventory,
    /// The credentials or the clock are wrong.
    AuthFailed,
    /// Something between us and the API stops us.
    Blocked,
    /// An operator paused all terminations.
    Paused,
    /// The journal cannot be used, so nothing was done.
    JournalFailed,
    /// Another process holds the lease of the account, so nothing was done, or nothing more.
    LeaseHeld,
    /// It was stopped half way.
    Interrupted,
    /// It panicked, which is a fault of this program.
    Panicked,
}

impl RunResult {
    /// Every result.
    pub const ALL: [Self; 11] = [
        Self::Success,
        Self::Partial,
        Self::GuardRefused,
        Self::IncompleteInventory,
        Self::AuthFailed,
        Self::Blocked,
        Self::Paused,
        Self::JournalFailed,
        Self::LeaseHeld,
        Self::Interrupted,
        Self::Panicked,
    ];

    /// The result's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::GuardRefused => "guard_refused",
            Self::IncompleteInventory => "incomplete_inventory",
            Self::AuthFailed => "auth_failed",
            Self::Blocked => "blocked",
            Self::Paused => "paused",
            Self::JournalFailed => "journal_failed",
            Self::LeaseHeld => "lease_held",
            Self::Interrupted => "interrupted",
            Self::Panicked => "panicked",
        }
    }

    /// The result of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == name)
    }

    /// The result of a run whose inventory could not be had.
    #[must_use]
    pub fn of_unlisted(unlisted: &Unlisted) -> Self {
        unlisted.class().and_then(Self::of_fatal).unwrap_or(Self::IncompleteInventory)
    }

    /// Whether the run heard from the API to its end, and so knows that our clock is right: nothing that counts from an instant is
    /// begun by a clock that may be wrong.
    #[must_use]
    pub fn knows_the_time(self) -> bool {
        match self {
            Self::Success | Self::Partial | Self::GuardRefused | Self::Paused => true,
            Self::IncompleteInventory
            | Self::AuthFailed
            | Self::Blocked
            | Self::JournalFailed
            | Self::LeaseHeld
            | Self::Interrupted
            | Self::Panicked => false,
        }
    }

    /// The result of a run that a call put an end to.
    #[must_use]
    pub fn of_fatal(class: Class) -> Option<Self> {
        match class {
            Class::Auth => Some(Self::AuthFailed),
            Class::Blocked => Some(Self::Blocked),
            Class::Stopped => Some(Self::Interrupted),
            Class::Gone
            | Class::Refused
            | Class::Throttled
            | Class::Transient
            | Class::NoAnswer
            | Class::Rejected => None,
        }
    }
}
