//! What a client can ask of the sandbox: the actions and the versions of the API that it speaks.

use std::fmt;
use std::str::FromStr;

/// An action of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Lists machines.
    DescribeInstances,
    /// Returns one machine.
    TerminateInstance,
    /// Destroys machines that are in the recycle bin.
    ReleaseInstances,
}

impl Action {
    /// Every action there is.
    pub const ALL: [Self; 3] =
        [Self::DescribeInstances, Self::TerminateInstance, Self::ReleaseInstances];

    /// The value of the `X-ZC-Action` header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DescribeInstances => "DescribeInstances",
            Self::TerminateInstance => "TerminateInstance",
            Self::ReleaseInstances => "ReleaseInstances",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no action of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sandbox has no action `{0}`; it has DescribeInstances, TerminateInstance and ReleaseInstances"
)]
pub struct UnknownAction(String);

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|action| action.name() == text)
            .ok_or_else(|| UnknownAction(text.to_owned()))
    }
}

/// A version of the API. They differ in what terminating a subscription does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 2022-11-20: a subscription cannot be terminated.
    V20221120,
    /// 2026-02-01: terminating a subscription cancels it.
    V20260201,
}

impl Version {
    /// The version that an `X-ZC-Version` header names.
    #[must_use]
    pub(super) fn named(text: &str) -> Option<Self> {
        match text {
            "2022-11-20" => Some(Self::V20221120),
            "2026-02-01" => Some(Self::V20260201),
            _ => None,
        }
    }
}
