//! Record: what is done goes to the journal, what is about to be done before it is.
//!
//! Here it is said what follows from what: that a machine whose termination was accepted is left alone for a while, that its
//! owner is told, that a promise ends. The journal only writes it down, all of it in one transaction.

mod audience;
mod outcome;
mod promises;
mod settle;

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

pub use self::audience::Audience;
use self::audience::Topic;
use crate::{
    clock, cloud,
    config::Mode,
    confirm::Confirmed,
    inventory::{Instance, Inventory, Status},
    journal::{
        Began, Digests, Entry, Error, Intent, Journal, Lease, Listed, Named, Recorded, Releasable,
        ReleaseIntent, Released, RunEnd, Terms,
    },
    lease::Owner,
    notice::{Notice, Stage},
    plan::{
        Plan, Policy,
        guard::{Limits, Refusal},
        inventory_check::{Checked, Comparison},
        memory::{Memory, Pause},
    },
    report::{Act, Events, RunResult},
    rules::{Action, Rule},
};

/// What a recorder is made of, the same for every run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The journal.
    pub journal: Journal,
    /// The names of all accounts.
    pub accounts: Arc<[String]>,
    /// Who is told what.
    pub audience: Arc<Audience>,
    /// How long a machine is left alone after the API refused it because of its commitment.
    pub commitment_hold: SignedDuration,
    /// By which rules and config the run is made.
    pub digests: Digests,
    /// Whether machines are terminated; in a dry run nobody is told anything.
    pub mode: Mode,
    /// This process, as the lease of an account names it.
    pub owner: Owner,
}

impl Settings {
    fn named<'a>(&'a self, account: &'a str) -> Named<'a> {
        Named { account, all: &self.accounts }
    }

    /// What is remembered of an account at `now`; nothing, if there is no journal yet.
    pub(crate) async fn remember(&self, account: &str, now: Timestamp) -> Result<Memory, Error> {
        if !self.journal.exists() {
            return Ok(Memory::default());
        }
        self.memory(account, now).await
    }

    /// What is remembered of an account at `now`.
    pub(crate) async fn memory(&self, account: &str, now: Timestamp) -> Result<Memory, Error> {
        let sinks: Vec<_> = self.audience.of(Stage::Noticed).cloned().collect();
        let memory = self.journal.memory(self.named(account), &sinks, now).await?;
        Ok(Memory { owner_tag: Some(self.audience.owner_tag.clone()), ..memory })
    }

    /// Compares an inventory with the last accepted one; all is accepted if there is no journal yet. Nothing is written.
    pub(crate) async fn check(
        &self,
        account: &str,
        inventory: &Inventory,
        (policy, limits): (&Policy, &Limits),
        now: Timestamp,
    ) -> Result<Checked, Error> {
        if !self.journal.exists() {
            return Ok(Checked::default());
        }
        let limit = limits.max_change_percent;
        let begin = |accepted| Comparison::new(inventory, policy, limit, accepted, now);
        self.journal.compare(account, &self.judged_by(), now, begin).await
    }

    /// Returns what the next run finds if it lists an inventory again that the last run listed. Only a rejected one is compared once
    /// more.
    pub(crate) async fn check_again(
        &self,
        account: &str,
        inventory: &Inventory,
        policy: (&Policy, &Limits),
        now: Timestamp,
    ) -> Result<Checked, Error> {
        if self.journal.exists() && self.journal.is_rejected(account).await? {
            return self.check(account, inventory, policy, now).await;
        }
        Ok(Checked::default())
    }

    /// By which rules and config instances are judged, in one text.
    fn judged_by(&self) -> String {
        format!("{} {}", self.digests.rules, self.digests.config)
    }
}

/// Whether a machine that a rule terminates can be taken back from the recycle bin.
fn is_recoverable(instance: &Instance, rule: &Rule) -> bool {
    instance.status != Some(Status::CreateFailed) && rule.action == Action::Terminate
}

/// Records one run for one account.
pub(crate) struct Recorder<'a> {
    settings: &'a Settings,
    account: &'a str,
    events: &'a Events,
}

/// What operators say against calls.
#[derive(Debug, Default)]
pub(crate) struct Objections {
    /// They paused all terminations.
    pub(crate) pause: Option<Pause>,
    /// They keep the machines of these ids, until then.
    pub(crate) held: HashMap<String, Timestamp>,
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
        let notice = Notice::about(None, None, detail);
        let key = format!("guard_refused/{}/{}", self.account, self.events.run());
        let topic = Topic { key: &key, stage: Stage::GuardRefused, owner: None };
        let notices = self.written(&topic, &notice);
        self.journal().write_notices(&notices).await
    }

    /// What is remembered at `now`.
    pub(crate) async fn memory(&self, now: Timestamp) -> Result<Memory, Error> {
        self.settings.memory(self.account, now).await
    }

    /// Compares an inventory with the last accepted one. Nothing is written.
    pub(crate) async fn check(
        &self,
        inventory: &Inventory,
        policy: (&Policy, &Limits),
    ) -> Result<Checked, Error> {
        self.settings.check(self.account, inventory, policy, clock::now()).await
    }

    /// Writes what the inventory looks like; of an accepted one also which tags its instances have, and the decisions that changed.
    pub(crate) async fn planned(
        &self,
        plan: &Plan<'_>,
        (inventory, checked): (&Inventory, &Checked),
    ) -> Result<(), Error> {
        let (account, policy) = (self.account, &self.settings.judged_by());
        let listed = Listed { account, inventory, checked, policy, at: plan.now };
        if checked.check.rejection.is_some() {
            return self.journal().reject(&listed).await;
        }
        self.journal().accept(&listed).await?;
        self.journal().tagged(account, plan).await?;
        self.journal().decided(account, self.events.run(), plan).await
    }

    /// On what terms the calls of the run may be made.
    pub(crate) fn terms(&self, lease: &Lease, max_per_day: u32) -> Terms {
        let accounts = Arc::clone(&self.settings.accounts);
        Terms { lease: lease.clone(), accounts, max_per_day }
    }

    /// Writes that an instance is about to be terminated, unless something speaks against it; it is on disk when this returns.
    pub(crate) async fn intend(
        &self,
        target: &Confirmed<'_>,
        terms: &Terms,
    ) -> Result<Recorded, Error> {
        let Confirmed { planned, instance, record, .. } = target;
        let intent = Intent {
            terms: terms.clone(),
            account: self.account.to_owned(),
            run: self.events.run().to_owned(),
            instance_id: instance.id.to_string(),
            intended_at: clock::now(),
            name: instance.name.as_deref().map(str::to_owned),
            owner: self.settings.audience.owner(instance).map(str::to_owned),
            rule: planned.rule.name.to_string(),
            why: planned.rule.seen(instance),
            due_at: planned.due_at,
            tags: instance.tags.len() as u64,
            recoverable: is_recoverable(instance, planned.rule),
            record: record.to_string(),
            action: planned.rule.action,
        };
        self.journal().record(Entry::Intent(Box::new(intent))).await
    }

    /// The machines that are to be released now.
    pub(crate) async fn releasable(&self) -> Result<Vec<Releasable>, Error> {
        self.journal().releasable(self.account, clock::now()).await
    }

    /// Writes that an instance is about to be released, unless something speaks against it; it is on disk when this returns.
    pub(crate) async fn release_intended(
        &self,
        machine: &Releasable,
        terms: &Terms,
    ) -> Result<Recorded, Error> {
        let (terms, machine, intended_at) = (terms.clone(), machine.clone(), clock::now());
        let intent = ReleaseIntent { terms, machine, intended_at };
        self.journal().record(Entry::ReleaseIntent(Box::new(intent))).await
    }

    /// Writes what became of a call to release a machine.
    pub(crate) async fn released(&self, machine: &Releasable, act: &Act) -> Result<(), Error> {
        let released = Released {
            account: self.account,
            machine,
            outcome: act.outcome.as_released(),
            code: act.code.as_ref().map(cloud::Code::as_str),
            request_id: act.request_id.as_deref(),
            message: act.message.as_deref(),
        };
        self.journal().released(&released, clock::now()).await
    }

    /// What operators say now.
    pub(crate) async fn objections(&self) -> Result<Objections, Error> {
        let (journal, now) = (self.journal(), clock::now());
        let pause = journal.paused(now).await?;
        let held = journal.held_by_operators(self.settings.named(self.account), now).await?;
        Ok(Objections { pause, held: held.into_iter().collect() })
    }
}
