//! What became of a call, and what a later inventory says of it.

use crate::cloud::{Accepted, Class, Code, Error};

/// What became of a call to terminate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The API accepted it; the next inventory will show it.
    Terminated,
    /// The machine was, or is by now, where it should be.
    Gone,
    /// The API refuses now; the next run looks again.
    Refused,
    /// It did not work.
    Failed,
    /// There was no answer, and no way to find out: it may have happened.
    Unknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Terminated, Self::Gone, Self::Refused, Self::Failed, Self::Unknown];

    /// The outcome's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The same of a call to release.
    #[must_use]
    pub fn as_released(self) -> &'static str {
        match self {
            Self::Terminated => "released",
            Self::Gone | Self::Refused | Self::Failed | Self::Unknown => self.as_str(),
        }
    }
}

/// A call to terminate or to release, done.
#[derive(Clone, Debug)]
pub struct Act {
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it is a call of ours that terminated the machine, as far as can be known.
    pub took_effect: bool,
    /// The code of its failure.
    pub code: Option<Code>,
    /// The request's id, which Zenlayer's support asks for.
    pub request_id: Option<String>,
    /// The failure in words.
    pub message: Option<String>,
}

impl Act {
    /// The same call of which a later look shows that it took effect, or not.
    #[must_use]
    pub fn settled(&self, is_done: bool) -> Self {
        let outcome = if is_done { Outcome::Gone } else { Outcome::Unknown };
        Self { outcome, took_effect: is_done, ..self.clone() }
    }

    /// What an answer means; a call that was never sent is handed back.
    pub fn of(answer: Result<Accepted, Error>) -> Result<Self, Error> {
        let error = match answer {
            Ok(Accepted { request_id }) => {
                return Ok(Self {
                    outcome: Outcome::Terminated,
                    took_effect: true,
                    code: None,
                    request_id,
                    message: None,
                });
            }
            Err(error) => error,
        };
        let outcome = match error.class {
            Class::Gone => Outcome::Gone,
            Class::Refused => Outcome::Refused,
            Class::Stopped if !error.may_have_happened => return Err(error),
            Class::NoAnswer
            | Class::Throttled
            | Class::Transient
            | Class::Auth
            | Class::Blocked
            | Class::Rejected
            | Class::Stopped => {
                if error.may_have_happened {
                    Outcome::Unknown
                } else {
                    Outcome::Failed
                }
            }
        };
        let message = Some(error.to_string());
        // A machine that is gone after a try without an answer: that try was it.
        let took_effect = outcome == Outcome::Gone && error.may_have_happened;
        let (code, request_id) = (Some(error.code), error.request_id);
        Ok(Self { outcome, took_effect, code, request_id, message })
    }
}

/// What a complete inventory says of a call that was made before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settlement {
    /// It was accepted, and the machine is gone or in the recycle bin.
    Confirmed,
    /// It was accepted, and the machine is there all the same.
    StillPresent,
    /// Its outcome was not known, and the machine is gone or in the recycle bin.
    Done,
    /// Its outcome was not known, and the machine is there.
    NotDone,
}

impl Settlement {
    /// Every settlement.
    pub const ALL: [Self; 4] = [Self::Confirmed, Self::StillPresent, Self::Done, Self::NotDone];

    /// The settlement's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::StillPresent => "still_present",
            Self::Done => "done",
            Self::NotDone => "not_done",
        }
    }

    /// The outcome that it settles, if that was not known.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Confirmed | Self::StillPresent => None,
            Self::Done => Some(Outcome::Gone),
            Self::NotDone => Some(Outcome::Unknown),
        }
    }
}

/// A call of an earlier run that an inventory settles.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    /// The machine's id.
    pub instance_id: &'a str,
    /// The machine's name.
    pub name: Option<&'a str>,
    /// The rule that took it.
    pub rule: &'a str,
    /// Whether its outcome was written, and counted, when the call was made.
    pub had_outcome: bool,
    /// What the inventory says.
    pub settlement: Settlement,
}
