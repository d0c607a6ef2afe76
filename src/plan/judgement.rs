//! A judgement of one instance: a decision, by which rule, and when.

use jiff::Timestamp;

use super::{Decision, Delay, Keep, Skip, Subject, memory::Promise};
use crate::rules::{Rule, RuleName};

/// Why nothing that was said of a machine holds any more.
pub(crate) const VANISHED: &str = "it is not there any more";

/// A judgement of one instance.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct Judgement<'r> {
    /// What is to happen.
    pub decision: Decision,
    /// The rule that decides: the one that acts, or would.
    pub rule: Option<&'r Rule>,
    /// When it was or will be due.
    pub due_at: Option<Timestamp>,
    /// When it will be terminated, at the earliest: `None` if nothing is to happen to it.
    pub terminate_at: Option<Timestamp>,
    /// Until when a hold keeps it, if one does.
    pub held_until: Option<Timestamp>,
}

impl<'r> Judgement<'r> {
    pub(super) fn keep(reason: Keep, rule: Option<&'r Rule>) -> Self {
        Self::without_time(Decision::Keep(reason), rule)
    }

    /// The judgement in words, for somebody who expects the rule `expected` to take the machine.
    #[must_use]
    pub fn told(&self, expected: &RuleName) -> String {
        let (decision, reason) = (self.decision.as_str(), self.decision.reason());
        let other = self.rule.filter(|rule| rule.name != *expected);
        let other = other.map(|rule| format!(", by the rule {}", rule.name)).unwrap_or_default();
        format!("it is now: {decision} ({reason}){other}")
    }

    /// Why what was promised of the machine does not stand any more; `None` if it does.
    #[must_use]
    pub fn breaks(&self, promise: &Promise, subject: Subject<'_>) -> Option<String> {
        let is_another = match subject {
            Subject::Instance(instance) => !promise.is_about(instance),
            Subject::Unreadable(_) => false,
        };
        match (is_another, self.keeps_promises()) {
            (true, _) => Some(VANISHED.to_owned()),
            (false, true) => None,
            (false, false) => Some(self.told(&promise.rule)),
        }
    }

    /// Whether what the owner was promised still stands: as long as any rule leads to a termination. What only cannot be
    /// terminated at the moment, or waits for the rule's schedule, was announced rightly.
    fn keeps_promises(&self) -> bool {
        match self.decision {
            Decision::Terminate
            | Decision::Notice(_)
            | Decision::Wait(Delay::OffSchedule | Delay::ProtectionVanished)
            | Decision::Skip(
                Skip::Commitment | Skip::Creating | Skip::Installing | Skip::NotInPlan,
            ) => true,
            Decision::Skip(_) | Decision::Wait(Delay::NotDue) | Decision::Keep(_) => false,
        }
    }

    /// Lets an instance that would be terminated wait for the next run, since its own protection vanished.
    pub(super) fn unless_unprotected(self, is_unprotected: bool) -> Self {
        match self.decision {
            Decision::Terminate if is_unprotected => {
                Self { decision: Decision::Wait(Delay::ProtectionVanished), ..self }
            }
            _ => self,
        }
    }

    pub(super) fn out_of_scope(self) -> Self {
        Self { decision: Decision::Skip(Skip::NotInPlan), terminate_at: None, ..self }
    }

    pub(super) fn without_time(decision: Decision, rule: Option<&'r Rule>) -> Self {
        Self { decision, rule, due_at: None, terminate_at: None, held_until: None }
    }
}
