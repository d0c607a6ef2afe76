//! Why an execution ends before its last target: one cause, the first that there was.

use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

use crate::{cloud::Class, plan::guard::Refusal, report::Dropout};

/// Why an execution ends before its last target.
#[derive(Clone, Debug)]
pub(crate) enum StopCause {
    /// A call failed in a way that no other call could escape.
    Fatal(Class),
    /// A guard refuses more calls.
    Refused(Refusal),
    /// An operator paused all terminations.
    Paused,
    /// The journal cannot be used.
    Unrecorded,
    /// Another process has the account's lease.
    LeaseLost,
    /// The mode became dry-run.
    DryRun,
}

impl StopCause {
    /// Why a target whose turn does not come any more is not called.
    fn dropout(&self) -> Dropout {
        match self {
            Self::Fatal(_) | Self::DryRun => Dropout::Stopped,
            Self::Refused(_) => Dropout::Guarded,
            Self::Paused => Dropout::Paused,
            Self::Unrecorded => Dropout::Unrecorded,
            Self::LeaseLost => Dropout::LeaseLost,
        }
    }
}

/// The stop of an execution: once it is pulled, no call is sent any more.
#[derive(Debug)]
pub(super) struct Halt {
    token: CancellationToken,
    cause: OnceLock<StopCause>,
}

impl Halt {
    /// A stop that is pulled with `stop` too.
    pub(super) fn new(stop: &CancellationToken) -> Self {
        Self { token: stop.child_token(), cause: OnceLock::new() }
    }

    /// The token that is cancelled when it is pulled.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Pulls it; whether this is the first cause.
    pub(super) fn pull(&self, cause: StopCause) -> bool {
        let is_first = self.cause.set(cause).is_ok();
        self.token.cancel();
        is_first
    }

    /// Why a target is not called, once it is pulled.
    pub(super) fn dropout(&self) -> Option<Dropout> {
        let by_cause = || self.cause.get().map_or(Dropout::Stopped, StopCause::dropout);
        self.token.is_cancelled().then(by_cause)
    }

    /// The cause, if it was pulled from within.
    pub(super) fn into_cause(self) -> Option<StopCause> {
        self.cause.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_counts() {
        let stop = CancellationToken::new();
        let halt = Halt::new(&stop);
        assert_eq!(halt.dropout(), None);
        assert!(halt.pull(StopCause::Paused));
        assert!(!halt.pull(StopCause::Unrecorded));
        assert_eq!(halt.dropout(), Some(Dropout::Paused));
        assert!(!stop.is_cancelled(), "the run goes on to its end");

        let halt = Halt::new(&stop);
        stop.cancel();
        assert_eq!(halt.dropout(), Some(Dropout::Stopped));
    }
}
