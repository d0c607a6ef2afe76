//! Why a target was not called.

/// Why a target of the plan was not called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dropout {
    /// Read again, it does not qualify any more.
    Changed,
    /// Read again, it is not there any more.
    Vanished,
    /// It could not be read again.
    Unconfirmed,
    /// The run was stopped before its turn came.
    Stopped,
    /// Another process took the account's lease before its turn came.
    LeaseLost,
    /// An operator paused all terminations before its turn came.
    Paused,
    /// An operator kept it before its turn came.
    Held,
    /// The call could not be written to the journal.
    Unrecorded,
    /// A guard stopped the run before its turn came.
    Guarded,
}

impl Dropout {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Changed,
        Self::Vanished,
        Self::Unconfirmed,
        Self::Stopped,
        Self::LeaseLost,
        Self::Paused,
        Self::Held,
        Self::Unrecorded,
        Self::Guarded,
    ];

    /// The reason's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Vanished => "vanished",
            Self::Unconfirmed => "unconfirmed",
            Self::Stopped => "stopped",
            Self::LeaseLost => "lease_lost",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Unrecorded => "unrecorded",
            Self::Guarded => "guarded",
        }
    }
}
