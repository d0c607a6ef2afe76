//! What happens, as events, and who wants to know.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Act, Dropout, RunResult, Settled};
use crate::{
    cloud::{Observation, Unlisted},
    inventory::{Instance, InstanceId, Inventory},
    notice::Stage,
    plan::{Plan, guard::Refusal, memory::Pause},
    rules::RuleName,
};

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A run began, with these credentials, in words that hold no secret.
    Started(&'a str),
    /// The run holds the lease of the account.
    LeaseTaken,
    /// The run does not begin, since the process in words holds the lease of the account.
    LeaseHeld(&'a str),
    /// The run lost the lease of the account, with words on why.
    LeaseLost(&'a str),
    /// The inventory is being read: so many of so many entries.
    Reading(u64, u64),
    /// The inventory is complete.
    Listed(&'a Arc<Inventory>),
    /// There is no inventory.
    Unlisted(&'a Unlisted),
    /// The plan was drafted.
    Planned(&'a Plan<'a>),
    /// A guard refused the plan.
    Refused(&'a Refusal),
    /// A target was not called, with words on why.
    Dropped(&'a Instance, &'a RuleName, Dropout, &'a str),
    /// A machine that a saved plan would terminate is not among the targets any more, with words on why.
    OutOfReach(&'a InstanceId, &'a RuleName, &'a str),
    /// A target would have been called, were the mode not dry-run.
    Rehearsed(&'a Instance, &'a RuleName),
    /// A target was called.
    Acted(&'a Instance, &'a RuleName, &'a Act),
    /// A machine was released from the recycle bin, or was to be.
    Released(&'a Instance, &'a RuleName, &'a Act),
    /// The inventory settles a call of an earlier run.
    Settled(&'a Settled<'a>),
    /// An operator paused all terminations.
    Paused(&'a Pause),
    /// The owner of a machine is to be told that it will be terminated at an instant.
    Promised(&'a Instance, &'a RuleName, Timestamp),
    /// The machine of this id will not be terminated after all, with words on why.
    Withdrawn(&'a str, &'a RuleName, &'a str),
    /// So many notices of a stage were sent through a sink, or could not be, for a reason in words.
    Delivered(&'a str, Stage, usize, Result<(), &'a str>),
    /// The journal could not be used, with words on why.
    Unrecorded(&'a str),
    /// Something happened at the wire.
    Wire(&'a Observation),
    /// The run ended.
    Ended(RunResult, Duration),
}

/// An event, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The run's id.
    pub run: &'a str,
    /// The account's name.
    pub account: &'a str,
    /// What happened.
    pub event: Event<'a>,
}

/// Whoever wants to know what happens.
pub type Sink = Arc<dyn Fn(&Record<'_>) + Send + Sync>;
