//! What is told to the owner of a machine, before any sink gives it a form.
//!
//! A [`Notice`] is one machine at one [`Stage`]; a [`Batch`] is what one owner is told at once. The *promise* behind the first
//! stage, that a machine is not terminated sooner than so long after its owner was told, is `plan`'s to keep.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What there is to tell.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The machine will be terminated.
    Noticed,
    /// It will not, after all.
    Withdrawn,
    /// It was.
    Terminated,
    /// It could not be.
    Failed,
    /// A guard refused a whole plan; this is told of an account and not of a machine.
    GuardRefused,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 5] =
        [Self::Noticed, Self::Withdrawn, Self::Terminated, Self::Failed, Self::GuardRefused];

    /// The stage's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Noticed => "noticed",
            Self::Withdrawn => "withdrawn",
            Self::Terminated => "terminated",
            Self::Failed => "failed",
            Self::GuardRefused => "guard_refused",
        }
    }
}

/// One machine at one stage, or one refused plan.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Notice {
    /// The machine's id; `None` for [`Stage::GuardRefused`].
    pub instance_id: Option<String>,
    /// The machine's name.
    pub name: Option<String>,
    /// The rule that takes it.
    pub rule: Option<String>,
    /// When it was or will be due.
    pub due_at: Option<Timestamp>,
    /// When it will be terminated, at the earliest.
    pub terminate_at: Option<Timestamp>,
    /// Until when it can be taken back from the recycle bin.
    pub recoverable_until: Option<Timestamp>,
    /// Why, in words.
    pub detail: String,
}

impl Notice {
    /// A notice about a machine, or about none, that names no time.
    #[must_use]
    pub fn about(machine: Option<(&str, Option<&str>)>, rule: Option<&str>, detail: &str) -> Self {
        let name = machine.and_then(|(_, name)| name);
        Self {
            instance_id: machine.map(|(id, _)| id.to_owned()),
            name: name.map(str::to_owned),
            rule: rule.map(str::to_owned),
            due_at: None,
            terminate_at: None,
            recoverable_until: None,
            detail: detail.to_owned(),
        }
    }
}

/// What one owner is told at once through one sink.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Batch {
    /// Its id: when a batch is sent again, because it is not known whether it arrived, the id is the same.
    pub id: String,
    /// What there is to tell.
    pub stage: Stage,
    /// The account's name.
    pub account: String,
    /// The value of the owner tag, if the machines have it.
    pub owner: Option<String>,
    /// The machines, or the one refused plan.
    pub notices: Vec<Notice>,
}
