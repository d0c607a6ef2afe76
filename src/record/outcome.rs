//! What becomes of a call, and what follows from that: a hold, and what is told.

use jiff::{SignedDuration, Timestamp};

use super::{Recorder, audience::Topic, is_recoverable};
use crate::{
    clock,
    inventory::Instance,
    journal::{Ending, Entry, Error, NewHold, RECYCLE_BIN, Written, recoverable_until},
    notice::{Notice, Stage},
    plan::memory::HoldKind,
    report::{Act, Outcome},
    rules::{Rule, RuleName},
};

/// How long a machine is left alone after its termination was accepted: as long as it can be taken back.
const ACCEPTED_HOLD: SignedDuration = RECYCLE_BIN;

/// The code of a machine that cannot be returned before its commitment ends.
const COMMITTED: &str = "OPERATION_DENIED_POSTPAID_PROMISE";

impl Recorder<'_> {
    /// Writes what became of a call, with all that follows from it.
    pub(crate) async fn ended(
        &self,
        instance: &Instance,
        rule: &Rule,
        act: &Act,
    ) -> Result<(), Error> {
        let ending = self.ending(instance, act.outcome.as_str(), act.message.clone());
        let (id, now) = (instance.id.as_str(), ending.ended_at);
        let is_committed = act.code.as_ref().is_some_and(|code| code.as_str() == COMMITTED);
        let (hold, notices) = match (act.took_effect, act.outcome) {
            (true, _) => (Some(self.accepted_hold(id, now)), self.terminated(instance, rule, now)),
            (false, Outcome::Failed | Outcome::Unknown) => {
                (None, self.failed(instance, &rule.name, act))
            }
            (false, Outcome::Refused) if is_committed => {
                let until = now + self.settings.commitment_hold;
                (Some(self.hold(id, HoldKind::Commitment, now, until)), Vec::new())
            }
            (false, Outcome::Terminated | Outcome::Gone | Outcome::Refused) => (None, Vec::new()),
        };
        let is_over = matches!(act.outcome, Outcome::Terminated | Outcome::Gone);
        let ending = Ending {
            code: act.code.as_ref().map(ToString::to_string),
            request_id: act.request_id.clone(),
            hold,
            notices,
            ends_promises: is_over.then_some("terminated"),
            ..ending
        };
        self.journal().record(Entry::Ending(Box::new(ending))).await.map(drop)
    }

    /// The same call; one that found the instance gone is a termination of ours if an earlier run made a call that may have happened.
    pub(crate) async fn attributed(&self, instance: &Instance, act: Act) -> Result<Act, Error> {
        if act.outcome != Outcome::Gone {
            return Ok(act);
        }
        let (id, since) = (instance.id.as_str(), clock::now() - RECYCLE_BIN);
        let is_ours = self.journal().may_have_taken(self.account, id, since).await?;
        Ok(if is_ours { act.shown_done() } else { act })
    }

    /// Writes that a machine was not called after all.
    pub(crate) async fn not_called(&self, instance: &Instance, why: &str) -> Result<(), Error> {
        let ending = self.ending(instance, "not_called", Some(why.to_owned()));
        self.journal().record(Entry::Ending(Box::new(ending))).await.map(drop)
    }

    fn ending(&self, instance: &Instance, outcome: &str, message: Option<String>) -> Ending {
        Ending {
            account: self.account.to_owned(),
            run: self.events.run().to_owned(),
            instance_id: instance.id.to_string(),
            ended_at: clock::now(),
            outcome: outcome.to_owned(),
            code: None,
            request_id: None,
            message,
            hold: None,
            notices: Vec::new(),
            ends_promises: None,
        }
    }

    fn terminated(&self, instance: &Instance, rule: &Rule, now: Timestamp) -> Vec<Written> {
        let key = self.terminated_key(instance.id.as_str(), self.events.run());
        let owner = self.settings.audience.owner(instance);
        let is_recoverable = is_recoverable(instance, rule);
        let notice = Notice {
            terminate_at: Some(now),
            recoverable_until: is_recoverable.then(|| recoverable_until(now)),
            ..about(instance, &rule.name, "terminated")
        };
        self.written(&Topic { key: &key, stage: Stage::Terminated, owner }, &notice)
    }

    /// Told once of a machine and a rule, not at every run that fails.
    fn failed(&self, instance: &Instance, rule: &RuleName, act: &Act) -> Vec<Written> {
        let key = format!("failed/{}/{}/{rule}", self.account, instance.id);
        let owner = self.settings.audience.owner(instance);
        let why = act.message.as_deref().unwrap_or("it could not be terminated");
        self.written(&Topic { key: &key, stage: Stage::Failed, owner }, &about(instance, rule, why))
    }

    /// What the notice that a run terminated a machine is about.
    pub(super) fn terminated_key(&self, instance_id: &str, run: &str) -> String {
        format!("terminated/{}/{instance_id}/{run}", self.account)
    }

    /// That a machine whose termination was accepted is left alone.
    pub(super) fn accepted_hold(&self, id: &str, now: Timestamp) -> NewHold {
        self.hold(id, HoldKind::Accepted, now, now + ACCEPTED_HOLD)
    }

    fn hold(&self, id: &str, kind: HoldKind, since: Timestamp, until: Timestamp) -> NewHold {
        NewHold {
            account: self.account.to_owned(),
            instance_id: id.to_owned(),
            kind,
            since,
            until,
            reason: None,
            by: None,
        }
    }
}

fn about(instance: &Instance, rule: &RuleName, detail: &str) -> Notice {
    let machine = (instance.id.as_str(), instance.name.as_deref());
    Notice::about(Some(machine), Some(rule.as_str()), detail)
}
