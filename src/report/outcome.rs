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
    /// No answer says whether it happened: it may have.
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

/// What the attempts of a call before its last one came to.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// How the last of them failed; `None` if there was none.
    last: Option<Error>,
    /// Whether one of them may have taken effect all the same.
    may_have_happened: bool,
}

impl Earlier {
    /// Takes note of an attempt that failed.
    pub fn add(&mut self, error: Error) {
        self.may_have_happened |= error.may_have_happened;
        self.last = Some(error);
    }

    /// Whether no attempt was made yet.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.last.is_none()
    }

    /// What the call came to, if no further attempt is made because the instance was found in the recycle bin (`is_recycled`), or for
    /// another reason; `None` if it is known that no attempt had any effect.
    #[must_use]
    pub fn act(self, is_recycled: bool) -> Option<Act> {
        let Self { last, may_have_happened } = self;
        let last = last?;
        let outcome = match (is_recycled, may_have_happened) {
            (true, _) => Outcome::Terminated,
            (false, true) => Outcome::Unknown,
            (false, false) => return None,
        };
        Some(Act::failed(outcome, last))
    }
}

impl Act {
    /// A call that was accepted.
    #[must_use]
    pub fn accepted(accepted: Accepted) -> Self {
        let Accepted { request_id } = accepted;
        let outcome = Outcome::Terminated;
        Self { outcome, took_effect: true, code: None, request_id, message: None }
    }

    /// What the last attempt of a call means, after earlier ones.
    ///
    /// An instance that is gone after an attempt of ours was terminated by that attempt. Any other answer after an attempt that
    /// may have happened leaves that open.
    #[must_use]
    pub fn of(error: Error, earlier: &Earlier) -> Self {
        let may_have_happened = error.may_have_happened || earlier.may_have_happened;
        let outcome = match error.class {
            Class::Gone if earlier.is_none() => Outcome::Gone,
            Class::Gone => Outcome::Terminated,
            _ if may_have_happened => Outcome::Unknown,
            Class::Refused => Outcome::Refused,
            Class::NoAnswer
            | Class::Throttled
            | Class::Transient
            | Class::Auth
            | Class::Blocked
            | Class::Rejected
            | Class::Stopped => Outcome::Failed,
        };
        Self::failed(outcome, error)
    }

    fn failed(outcome: Outcome, error: Error) -> Self {
        let message = Some(error.to_string());
        let (code, request_id) = (Some(error.code), error.request_id);
        let took_effect = outcome == Outcome::Terminated;
        Self { outcome, took_effect, code, request_id, message }
    }

    /// The same call, of which a look at the instance showed that it took effect.
    #[must_use]
    pub fn shown_done(self) -> Self {
        Self { outcome: Outcome::Terminated, took_effect: true, ..self }
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
            Self::Done => Some(Outcome::Terminated),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Action;

    fn error(text: &str) -> Error {
        let (code, status) = text.split_once(' ').unwrap_or((text, ""));
        let status = status.parse().ok();
        Error::new(Action::Terminate, Code::folded(code), status, String::new())
    }

    /// What a call comes to whose attempts failed like this.
    fn outcome(attempts: &[&str]) -> &'static str {
        let mut earlier = Earlier::default();
        let (last, before) = attempts.split_last().unwrap();
        for text in before {
            earlier.add(error(text));
        }
        let act = Act::of(error(last), &earlier);
        assert_eq!(act.took_effect, act.outcome == Outcome::Terminated, "{attempts:?}");
        act.outcome.as_str()
    }

    #[test]
    fn what_may_have_happened_is_unknown_and_what_is_gone_after_an_attempt_is_terminated() {
        const GONE: [&str; 2] =
            ["INVALID_INSTANCE_NOT_FOUND 404", "OPERATION_DENIED_INSTANCE_RECYCLED 403"];
        const UNCLEAR: [&str; 8] = [
            "INTERNAL_SERVER_ERROR 500",
            "HTTP_502 502",
            "HTTP_403 403",
            "SOME_NEW_CODE 403",
            "TIMEOUT",
            "CONNECTION_LOST",
            "MALFORMED_RESPONSE 200",
            "HTTP_429 429",
        ];
        const REFUSED: [&str; 4] = [
            "OPERATION_DENIED_INSTANCE_CREATING 403",
            "OPERATION_DENIED_INSTANCE_STATUS 403",
            "OPERATION_DENIED_INSTANCE_SUBSCRIPTION 403",
            "OPERATION_DENIED_POSTPAID_PROMISE 403",
        ];
        const FAILED: [&str; 3] = [
            "INVALID_PARAMETER_VALUE 400",
            "AUTHFAILURE_SIGNATURE_FAILURE 401",
            "REQUEST_LIMIT_EXCEEDED 429",
        ];
        let throttled = "REQUEST_LIMIT_EXCEEDED 429";
        for (alone, answers) in
            [("gone", &GONE[..]), ("unknown", &UNCLEAR), ("refused", &REFUSED), ("failed", &FAILED)]
        {
            for answer in answers {
                assert_eq!(outcome(&[answer]), alone, "{answer}");
                let throttled_before = if alone == "gone" { "terminated" } else { alone };
                assert_eq!(outcome(&[throttled, answer]), throttled_before, "{answer}");
                for unclear in UNCLEAR {
                    let after = if alone == "gone" { "terminated" } else { "unknown" };
                    assert_eq!(outcome(&[unclear, answer]), after, "{unclear}, {answer}");
                    assert_eq!(
                        outcome(&[unclear, throttled, answer]),
                        after,
                        "{unclear}, {answer}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_call_that_is_not_tried_again_is_judged_by_its_attempts() {
        let after = |attempts: &[&str], is_recycled| {
            let mut earlier = Earlier::default();
            for text in attempts {
                earlier.add(error(text));
            }
            earlier.act(is_recycled).map(|act| act.outcome.as_str())
        };
        assert_eq!(after(&[], true), None);
        assert_eq!(after(&["REQUEST_LIMIT_EXCEEDED 429"], false), None);
        assert_eq!(after(&["REQUEST_LIMIT_EXCEEDED 429"], true), Some("terminated"));
        assert_eq!(after(&["TIMEOUT", "REQUEST_LIMIT_EXCEEDED 429"], false), Some("unknown"));
        assert_eq!(after(&["HTTP_502 502"], true), Some("terminated"));
        assert_eq!(after(&["HTTP_502 502"], false), Some("unknown"));
    }
}
