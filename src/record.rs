//! Record: what is done goes to the journal, what is about to be done before it is.
//!
//! Here it is said what follows from what: that a machine whose termination was accepted is left alone for a while, that its
//! owner is told, that a promise ends. The journal only writes it down, all of it in one transaction.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock,
    config::Mode,
    confirm::Confirmed,
    inventory::{Instance, Inventory, Status},
    journal::{
        Began, Digests, Ended, Ending, Entry, Error, Intent, Journal, NewHold, NewPromise,
        OpenIntent, RECYCLE_BIN, RunEnd, SettledIntent, Written,
    },
    notice::{Notice, Stage},
    notify::Notifier,
    plan::{
        Decision, Judgement, Plan, Skip, Subject, Telling,
        guard::Refusal,
        memory::{HoldKind, Memory, Pause, Promise},
    },
    report::{Act, Event, Events, Outcome, RunResult, Settled, Settlement},
    rules::{Rule, RuleName},
};

/// How long a machine is left alone after its termination was accepted: as long as it can be taken back.
const ACCEPTED_HOLD: SignedDuration = RECYCLE_BIN;

/// Who is told what.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The tag whose value is the owner of a machine.
    pub owner_tag: String,
    /// The sinks, and the stages that each is told of.
    pub sinks: Vec<(String, Vec<Stage>)>,
}

impl Audience {
    /// Everybody whom a notifier tells.
    #[must_use]
    pub fn of_all(notifier: &Notifier) -> Self {
        let sinks = notifier.sinks().map(|(name, stages)| (name.to_owned(), stages.to_vec()));
        Self { owner_tag: notifier.owner_tag().to_owned(), sinks: sinks.collect() }
    }

    /// The sinks that are told of a stage.
    fn of(&self, stage: Stage) -> impl Iterator<Item = &String> {
        let told = move |(_, stages): &&(String, Vec<Stage>)| stages.contains(&stage);
        self.sinks.iter().filter(told).map(|(name, _)| name)
    }

    /// The owner of a machine.
    fn owner(&self, instance: &Instance) -> Option<String> {
        instance.tags.get(&self.owner_tag).map(str::to_owned)
    }
}

/// What a recorder is made of, the same for every run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The journal.
    pub journal: Journal,
    /// Who is told what.
    pub audience: Arc<Audience>,
    /// How long a machine is left alone after the API refused it because of its commitment.
    pub commitment_hold: SignedDuration,
    /// By which rules and config the run is made.
    pub digests: Digests,
    /// Whether machines are terminated; in a dry run nobody is told anything.
    pub mode: Mode,
}

impl Settings {
    /// What is remembered of an account at `now`.
    pub(crate) async fn memory(&self, account: &str, now: Timestamp) -> Result<Memory, Error> {
        let sinks: Vec<_> = self.audience.of(Stage::Noticed).cloned().collect();
        self.journal.memory(account, &sinks, now).await
    }
}

/// Records one run for one account.
pub(crate) struct Recorder<'a> {
    settings: &'a Settings,
    account: &'a str,
    events: &'a Events,
}

/// Why a machine is not to be called after all.
pub(crate) enum Objection {
    /// An operator paused all terminations.
    Paused(Pause),
    /// A hold keeps it.
    Held(String),
}

impl<'a> Recorder<'a> {
    /// A recorder for the run whose events these are.
    pub(crate) fn new(settings: &'a Settings, account: &'a str, events: &'a Events) -> Self {
        Self { settings, account, events }
    }

    fn journal(&self) -> &Journal {
        &self.settings.journal
    }

    fn tells(&self) -> bool {
        self.settings.mode == Mode::Enforce
    }

    /// Writes that the run began.
    pub(crate) async fn begin(&self) -> Result<(), Error> {
        let Settings { digests, mode, .. } = self.settings;
        let (account, run, mode) = (self.account, self.events.run(), mode.as_str());
        let began = Began { account, run, started_at: clock::now(), mode, digests };
        self.journal().begin_run(&began).await
    }

    /// Writes how the run ended; the refusal is told, unless the same guard refused the last run too.
    pub(crate) async fn end(
        &self,
        result: RunResult,
        refusal: Option<&Refusal>,
    ) -> Result<(), Error> {
        let (guard, detail) =
            (refusal.map(|refusal| refusal.guard().as_str()), refusal.map(ToString::to_string));
        if let (Some(guard), Some(detail), true) = (guard, &detail, self.tells()) {
            self.tell_refusal(guard, detail).await?;
        }
        self.journal()
            .end_run(&RunEnd {
                account: self.account,
                run: self.events.run(),
                ended_at: clock::now(),
                result: result.as_str(),
                guard,
                detail: detail.as_deref(),
            })
            .await
    }

    async fn tell_refusal(&self, guard: &str, detail: &str) -> Result<(), Error> {
        if self.journal().last_guard(self.account).await?.as_deref() == Some(guard) {
            return Ok(());
        }
        let notice = Notice {
            instance_id: None,
            name: None,
            rule: None,
            due_at: None,
            terminate_at: None,
            recoverable_until: None,
            detail: detail.to_owned(),
        };
        let key = format!("guard_refused/{}/{}", self.account, self.events.run());
        let notices = self.written(&key, Stage::GuardRefused, None, &notice);
        self.journal().write_notices(&notices).await
    }

    /// What is remembered at `now`.
    pub(crate) async fn memory(&self, now: Timestamp) -> Result<Memory, Error> {
        self.settings.memory(self.account, now).await
    }

    /// Settles the calls of earlier runs from a complete inventory.
    pub(crate) async fn settle(&self, inventory: &Inventory) -> Result<(), Error> {
        let now = clock::now();
        let open = self.journal().open_intents(self.account, now).await?;
        if open.is_empty() {
            return Ok(());
        }
        let states = states(inventory);
        let settle = |intent| self.settlement(intent, &states, now);
        let settled: Vec<_> = open.into_iter().filter_map(settle).collect();
        self.journal().settled(self.account, &settled, now).await?;
        for SettledIntent { intent, settlement, .. } in &settled {
            self.events.emit(Event::Settled(&Settled {
                instance_id: &intent.instance_id,
                name: intent.name.as_deref(),
                rule: &intent.rule,
                had_outcome: intent.outcome.is_some(),
                settlement: *settlement,
            }));
        }
        Ok(())
    }

    fn settlement(
        &self,
        intent: OpenIntent,
        states: &HashMap<&str, State>,
        now: Timestamp,
    ) -> Option<SettledIntent> {
        let settlement = settlement(&intent, states)?;
        let is_done = settlement == Settlement::Done;
        let hold = is_done.then(|| self.accepted_hold(&intent.instance_id, now));
        let notices = if is_done { self.terminated_notices(&intent, now) } else { Vec::new() };
        Some(SettledIntent { intent, settlement, hold, notices })
    }

    fn terminated_notices(&self, intent: &OpenIntent, now: Timestamp) -> Vec<Written> {
        let notice = Notice {
            instance_id: Some(intent.instance_id.clone()),
            name: intent.name.clone(),
            rule: Some(intent.rule.clone()),
            due_at: None,
            terminate_at: Some(intent.intended_at),
            recoverable_until: intent.recoverable.then(|| now + RECYCLE_BIN),
            detail: "terminated".to_owned(),
        };
        let key = format!("terminated/{}/{}/{}", self.account, intent.instance_id, intent.run);
        self.written(&key, Stage::Terminated, intent.owner.clone(), &notice)
    }

    /// Writes what the listing looks like, and the decisions that changed.
    pub(crate) async fn planned(&self, plan: &Plan<'_>, believed: bool) -> Result<(), Error> {
        self.journal().listed(self.account, plan.summary, believed, plan.now).await?;
        if believed {
            self.journal().decided(self.account, self.events.run(), plan).await?;
        }
        Ok(())
    }

    /// Withdraws the promises of machines that do not go after all.
    pub(crate) async fn withdraw(&self, plan: &Plan<'_>, memory: &Memory) -> Result<(), Error> {
        if !self.tells() || memory.promises.is_empty() {
            return Ok(());
        }
        let mut promises: Vec<_> = memory.promises.iter().collect();
        promises.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let mut ended = Vec::new();
        for (id, promise) in promises {
            let decided = plan.decision(id);
            if let Some(why) = why_withdrawn(decided.map(|(_, judgement)| judgement), promise) {
                ended.push(self.withdrawn(id.as_str(), promise, (decided, &why), plan.now));
                self.events.emit(Event::Withdrawn(id.as_str(), &promise.rule, &why));
            }
        }
        if ended.is_empty() { Ok(()) } else { self.journal().ended(&ended).await }
    }

    fn withdrawn(
        &self,
        id: &str,
        promise: &Promise,
        (decided, why): (Option<&(Subject<'_>, Judgement<'_>)>, &str),
        now: Timestamp,
    ) -> Ended {
        let subject = decided.map(|(subject, _)| *subject);
        let owner = subject.and_then(|subject| match subject {
            Subject::Instance(instance) => self.settings.audience.owner(instance),
            Subject::Unreadable(_) => None,
        });
        let notice = Notice {
            instance_id: Some(id.to_owned()),
            name: subject.and_then(Subject::name).map(str::to_owned),
            rule: Some(promise.rule.to_string()),
            due_at: None,
            terminate_at: None,
            recoverable_until: None,
            detail: why.to_owned(),
        };
        let key = format!("withdrawn/{}", promise.key);
        let notices = self.written(&key, Stage::Withdrawn, owner, &notice);
        Ended { key: promise.key.clone(), ended_as: "withdrawn", ended_at: now, notices }
    }

    /// Writes the promises that an approved plan makes, and notices for sinks that came later.
    pub(crate) async fn promise(&self, plan: &Plan<'_>, memory: &Memory) -> Result<(), Error> {
        if !self.tells() {
            return Ok(());
        }
        let (mut begun, mut more) = (Vec::new(), Vec::new());
        for (subject, judgement) in &plan.decisions {
            let (Subject::Instance(instance), Some(rule), Decision::Notice(telling)) =
                (subject, judgement.rule, judgement.decision)
            else {
                continue;
            };
            match (telling, memory.promises.get(&instance.id)) {
                (Telling::ToTell, _) => {
                    begun.push(self.promised(instance, rule, judgement, plan.now))
                }
                (Telling::Undelivered, Some(promise)) => {
                    more.extend(self.noticed(&promise.key, instance, rule, judgement));
                }
                (Telling::Told, _) | (Telling::Undelivered, None) => {}
            }
        }
        if !more.is_empty() {
            self.journal().write_notices(&more).await?;
        }
        if begun.is_empty() { Ok(()) } else { self.journal().promised(&begun).await }
    }

    fn promised(
        &self,
        instance: &Instance,
        rule: &Rule,
        judgement: &Judgement<'_>,
        now: Timestamp,
    ) -> NewPromise {
        let (account, id, name) = (self.account, instance.id.as_str(), rule.name.as_str());
        let terminate_at = judgement.terminate_at.unwrap_or(Timestamp::MAX);
        let key = format!("noticed/{account}/{id}/{name}/{}", now.as_millisecond());
        self.events.emit(Event::Promised(instance, &rule.name, terminate_at));
        NewPromise {
            account: account.to_owned(),
            instance_id: id.to_owned(),
            rule: name.to_owned(),
            begun_at: now,
            terminate_at,
            notices: self.noticed(&key, instance, rule, judgement),
            key,
        }
    }

    fn noticed(
        &self,
        key: &str,
        instance: &Instance,
        rule: &Rule,
        judgement: &Judgement<'_>,
    ) -> Vec<Written> {
        let notice = Notice {
            instance_id: Some(instance.id.to_string()),
            name: instance.name.as_deref().map(str::to_owned),
            rule: Some(rule.name.to_string()),
            due_at: judgement.due_at,
            terminate_at: judgement.terminate_at,
            recoverable_until: None,
            detail: rule.seen(instance),
        };
        self.written(key, Stage::Noticed, self.settings.audience.owner(instance), &notice)
    }

    /// A notice as it is written for each sink that is told of its stage.
    fn written(
        &self,
        key: &str,
        stage: Stage,
        owner: Option<String>,
        notice: &Notice,
    ) -> Vec<Written> {
        if !self.tells() {
            return Vec::new();
        }
        let written_at = clock::now();
        let one = |sink: &String| Written {
            key: key.to_owned(),
            sink: sink.clone(),
            account: self.account.to_owned(),
            stage,
            owner: owner.clone(),
            notice: notice.clone(),
            written_at,
        };
        self.settings.audience.of(stage).map(one).collect()
    }

    /// Writes that a machine is about to be called; it is on disk when this returns.
    pub(crate) async fn intend(&self, target: &Confirmed<'_>) -> Result<(), Error> {
        let Confirmed { planned, instance, record, .. } = target;
        let intent = Intent {
            account: self.account.to_owned(),
            run: self.events.run().to_owned(),
            instance_id: instance.id.to_string(),
            intended_at: clock::now(),
            name: instance.name.as_deref().map(str::to_owned),
            owner: self.settings.audience.owner(instance),
            rule: target.rule.name.to_string(),
            why: target.rule.seen(instance),
            due_at: planned.due_at,
            tags: instance.tags.len() as u64,
            recoverable: instance.status != Some(Status::CreateFailed),
            record: record.to_string(),
        };
        self.journal().record(Entry::Intent(Box::new(intent))).await
    }

    /// Whether a machine is not to be called after all; asked between two machines.
    pub(crate) async fn objection(&self, instance: &Instance) -> Result<Option<Objection>, Error> {
        let now = clock::now();
        if let Some(pause) = self.journal().paused(now).await? {
            return Ok(Some(Objection::Paused(pause)));
        }
        let hold = self.journal().hold_of(self.account, instance.id.as_str(), now).await?;
        Ok(hold.map(|(kind, until)| {
            Objection::Held(format!("it is now: skip ({kind}) until {until}"))
        }))
    }

    /// Writes that a machine was not called after all.
    pub(crate) async fn not_called(&self, instance: &Instance, why: &str) -> Result<(), Error> {
        let ending = self.ending(instance, "not_called", Some(why.to_owned()));
        self.journal().record(Entry::Ending(Box::new(ending))).await
    }

    /// Writes what became of a call, with all that follows from it.
    pub(crate) async fn ended(
        &self,
        instance: &Instance,
        rule: &RuleName,
        act: &Act,
    ) -> Result<(), Error> {
        let ending = self.ending(instance, act.outcome.as_str(), act.message.clone());
        let ours = self.is_ours(instance, act).await?;
        let (hold, notices) = self.consequences(instance, rule, (act, ours), ending.ended_at);
        let took_effect = ours || act.outcome == Outcome::Gone;
        let ending = Ending {
            code: act.code.as_ref().map(ToString::to_string),
            request_id: act.request_id.clone(),
            hold,
            notices,
            ends_promises: took_effect.then_some("terminated"),
            ..ending
        };
        self.journal().record(Entry::Ending(Box::new(ending))).await
    }

    /// Whether a call of ours terminated the machine: this one, or if it was gone before, an earlier one that arrived late.
    async fn is_ours(&self, instance: &Instance, act: &Act) -> Result<bool, Error> {
        if took_effect(act) || act.outcome != Outcome::Gone {
            return Ok(took_effect(act));
        }
        let since = clock::now() - RECYCLE_BIN;
        self.journal().may_have_taken(self.account, instance.id.as_str(), since).await
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

    /// What follows from a call: a hold, and what is told.
    fn consequences(
        &self,
        instance: &Instance,
        rule: &RuleName,
        (act, ours): (&Act, bool),
        now: Timestamp,
    ) -> (Option<NewHold>, Vec<Written>) {
        let id = instance.id.as_str();
        let is_commitment = act
            .code
            .as_ref()
            .is_some_and(|code| code.as_str() == "OPERATION_DENIED_POSTPAID_PROMISE");
        let (hold, stage) = match act.outcome {
            _ if ours => (Some(self.accepted_hold(id, now)), Stage::Terminated),
            Outcome::Failed | Outcome::Unknown => (None, Stage::Failed),
            Outcome::Refused if is_commitment => {
                let until = now + self.settings.commitment_hold;
                return (Some(self.hold(id, HoldKind::Commitment, now, until)), Vec::new());
            }
            Outcome::Terminated | Outcome::Gone | Outcome::Refused => return (None, Vec::new()),
        };
        let key = match stage {
            Stage::Failed => format!("failed/{}/{id}/{rule}", self.account),
            Stage::Noticed | Stage::Withdrawn | Stage::Terminated | Stage::GuardRefused => {
                format!("terminated/{}/{id}/{}", self.account, self.events.run())
            }
        };
        let is_in_bin = stage == Stage::Terminated && instance.status != Some(Status::CreateFailed);
        let notice = Notice {
            instance_id: Some(id.to_owned()),
            name: instance.name.as_deref().map(str::to_owned),
            rule: Some(rule.to_string()),
            due_at: None,
            terminate_at: Some(now),
            recoverable_until: is_in_bin.then(|| now + RECYCLE_BIN),
            detail: act.message.clone().unwrap_or_else(|| "terminated".to_owned()),
        };
        (hold, self.written(&key, stage, self.settings.audience.owner(instance), &notice))
    }

    fn accepted_hold(&self, id: &str, now: Timestamp) -> NewHold {
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

/// Whether this call terminated the machine; one that was gone before it is nobody's news.
fn took_effect(act: &Act) -> bool {
    match act.outcome {
        Outcome::Terminated => true,
        Outcome::Gone => act.may_be_ours,
        Outcome::Refused | Outcome::Failed | Outcome::Unknown => false,
    }
}

/// How a machine stands in an inventory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Live,
    Recycled,
    Unreadable,
}

fn states(inventory: &Inventory) -> HashMap<&str, State> {
    let readable = inventory.instances().iter().map(|instance| {
        let state = if instance.is_live() { State::Live } else { State::Recycled };
        (instance.id.as_str(), state)
    });
    let unreadable = inventory.unreadable().iter().map(|odd| (odd.id.as_str(), State::Unreadable));
    readable.chain(unreadable).collect()
}

/// What an inventory says of an intent; `None`: nothing, or nothing new.
fn settlement(intent: &OpenIntent, states: &HashMap<&str, State>) -> Option<Settlement> {
    let was_accepted = intent.outcome.as_deref() == Some(Outcome::Terminated.as_str());
    match (states.get(intent.instance_id.as_str()), was_accepted) {
        (Some(State::Unreadable), _) => None,
        (Some(State::Recycled) | None, true) => Some(Settlement::Confirmed),
        (Some(State::Recycled) | None, false) => Some(Settlement::Done),
        (Some(State::Live), _) if intent.was_live => None,
        (Some(State::Live), true) => Some(Settlement::StillPresent),
        (Some(State::Live), false) => Some(Settlement::NotDone),
    }
}

/// Why a promise is withdrawn: `None` if it stands. What only cannot be terminated at the moment was told rightly.
fn why_withdrawn(judgement: Option<&Judgement<'_>>, promise: &Promise) -> Option<String> {
    let Some(judgement) = judgement else {
        return Some("it is not there any more".to_owned());
    };
    let same_rule = judgement.rule.is_some_and(|rule| rule.name == promise.rule);
    let stands = match judgement.decision {
        Decision::Terminate | Decision::Notice(_) => true,
        Decision::Skip(Skip::Commitment | Skip::Creating | Skip::Installing | Skip::NotInPlan) => {
            true
        }
        Decision::Skip(_) | Decision::Wait | Decision::Keep(_) => false,
    };
    if same_rule && stands {
        return None;
    }
    Some(judgement.told(&promise.rule))
}
