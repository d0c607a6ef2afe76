//! One run for one account: the line of the design, as code.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    cloud::{self, Client},
    config::Mode,
    deliver::Delivery,
    execute::{self, Executor, Orders, Reloaded, StopCause},
    inventory::Inventory,
    journal,
    lease::Holding,
    notify::Notifier,
    plan::{
        Plan, Policy, Scope, Turn,
        guard::{self, Limits, Refusal},
        inventory_check::Checked,
        memory::Memory,
    },
    record::{self, Recorder},
    report::{Event, Events, Report, RunResult},
};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The account's name.
    pub account: String,
    /// Its client.
    pub client: Client,
    /// Which credentials the client has, in words that hold no secret.
    pub credentials: String,
    /// What instances are judged by.
    pub policy: Arc<Policy>,
    /// The caps on a plan.
    pub limits: Limits,
    /// How a plan is executed.
    pub execute: execute::Settings,
    /// How it is recorded.
    pub record: record::Settings,
    /// Through what owners are told.
    pub notifier: Notifier,
    /// The config that is loaded while a run goes on.
    pub reloaded: watch::Receiver<Option<Arc<Reloaded>>>,
}

impl Setup {
    async fn deliver(
        &self,
        events: &Events,
        stop: &CancellationToken,
    ) -> Result<(), journal::Error> {
        let Self { account, record, notifier, .. } = self;
        Delivery { journal: &record.journal, notifier, account, events }.deliver(stop).await
    }
}

/// How a run ended, and the guard that refused it.
struct End {
    result: RunResult,
    refusal: Option<Refusal>,
}

impl From<RunResult> for End {
    fn from(result: RunResult) -> Self {
        Self { result, refusal: None }
    }
}

/// What a run is for.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it may terminate.
    pub scope: Scope,
    /// Which rules have their turn.
    pub turn: Turn,
}

impl Order {
    /// A run that somebody asks for, for whatever the rules take.
    pub const ASKED: Self = Self { scope: Scope::All, turn: Turn::Asked };
}

/// Runs once, and tells `events` everything. Once `stop` is cancelled, nothing is sent any more.
///
/// The run holds the lease of the account. Where another process does, it ends at once.
pub async fn run_once(
    setup: &Setup,
    order: &Order,
    events: &Events,
    stop: &CancellationToken,
) -> RunResult {
    let started = clock::monotonic();
    events.emit(Event::Started(&setup.credentials));
    let record::Settings { journal, owner, .. } = &setup.record;
    let result = match Holding::take(journal, &setup.account, owner).await {
        Ok(Ok(holding)) => run_holding(setup, order, events, stop, holding).await,
        Ok(Err(holder)) => {
            events.emit(Event::LeaseHeld(&holder.to_string()));
            RunResult::LeaseHeld
        }
        Err(error) => run_without_journal(setup, events, stop, &error).await,
    };
    events.emit(Event::Ended(result, started.elapsed()));
    result
}

/// Without a journal nothing is done, but what the account has is still listed for whoever watches.
async fn run_without_journal(
    setup: &Setup,
    events: &Events,
    stop: &CancellationToken,
    error: &journal::Error,
) -> RunResult {
    match observe(setup, events, stop).await {
        Ok(_) => unrecorded(events, error).result,
        Err(result) => worse(result, events, error),
    }
}

/// Runs once while the lease is renewed; once it is lost, nothing is sent any more.
async fn run_holding(
    setup: &Setup,
    order: &Order,
    events: &Events,
    stop: &CancellationToken,
    holding: Holding,
) -> RunResult {
    events.emit(Event::LeaseTaken);
    let result = {
        let stop = stop.child_token();
        let mut work = std::pin::pin!(run_under(setup, order, events, &stop, &holding));
        tokio::select! {
            result = &mut work => result,
            () = holding.keep() => {
                stop.cancel();
                lost(events, work.await)
            }
        }
    };
    match holding.give_back().await {
        Ok(()) => result,
        Err(error) => worse(result, events, &error),
    }
}

/// The result of a run that lost its lease; one that ended for another reason before keeps its result.
fn lost(events: &Events, result: RunResult) -> RunResult {
    match result {
        RunResult::Interrupted => {
            events.emit(Event::LeaseLost("it was not renewed in time"));
            RunResult::LeaseHeld
        }
        RunResult::Success
        | RunResult::Partial
        | RunResult::GuardRefused
        | RunResult::IncompleteInventory
        | RunResult::AuthFailed
        | RunResult::Blocked
        | RunResult::Paused
        | RunResult::JournalFailed
        | RunResult::LeaseHeld
        | RunResult::Panicked => result,
    }
}

async fn run_under(
    setup: &Setup,
    order: &Order,
    events: &Events,
    stop: &CancellationToken,
    holding: &Holding,
) -> RunResult {
    let recorder = Recorder::new(&setup.record, &setup.account, events);
    let begun = recorder.begin().await;
    let End { result, refusal } = match observe(setup, events, stop).await {
        Err(result) => result.into(),
        Ok((client, inventory)) => {
            let walk = Walk { setup, order, events, stop, recorder: &recorder, holding };
            let walked = match begun {
                Ok(()) => walk.act_on(&client, &inventory).await,
                Err(error) => Err(error),
            };
            walked.unwrap_or_else(|error| unrecorded(events, &error))
        }
    };
    let ended = recorder.end(result, refusal.as_ref()).await;
    let ended = match (ended, setup.execute.mode) {
        (Ok(()), Mode::Enforce) if result.knows_the_time() => setup.deliver(events, stop).await,
        (ended, _) => ended,
    };
    ended.map_or_else(|error| worse(result, events, &error), |()| result)
}

/// The inventory, and a client that tells what happens at the wire.
async fn observe(
    setup: &Setup,
    events: &Events,
    stop: &CancellationToken,
) -> Result<(Client, Arc<Inventory>), RunResult> {
    let observer = events.clone();
    let client = setup
        .client
        .observed_by(Arc::new(move |seen| observer.emit(Event::Wire(seen))))
        .until(stop.clone());
    let progress = |read, total| events.emit(Event::Reading(read, total));
    match cloud::list(&client, &progress).await {
        Ok(inventory) => {
            let inventory = Arc::new(inventory);
            events.emit(Event::Listed(&inventory));
            Ok((client, inventory))
        }
        Err(unlisted) => {
            events.emit(Event::Unlisted(&unlisted));
            Err(RunResult::of_unlisted(&unlisted))
        }
    }
}

/// The line from the inventory on.
struct Walk<'a> {
    setup: &'a Setup,
    order: &'a Order,
    events: &'a Events,
    stop: &'a CancellationToken,
    recorder: &'a Recorder<'a>,
    holding: &'a Holding,
}

impl Walk<'_> {
    async fn act_on(&self, client: &Client, inventory: &Inventory) -> Result<End, journal::Error> {
        let Self { setup, order, events, recorder, .. } = *self;
        let (policy, limits) = (&*setup.policy, &setup.limits);
        let (memory, checked) = self.remember(inventory).await?;
        let plan = Plan::draft(inventory, policy, &memory, &order.scope, clock::now());
        events.emit(Event::Planned(&plan));
        self.out_of_reach(&plan);
        recorder.planned(&plan, (inventory, &checked)).await?;
        if checked.check.rejection.is_none() {
            recorder.withdraw(&plan, &memory).await?;
        }
        if let Some(pause) = memory.paused(plan.now) {
            events.emit(Event::Paused(pause));
            return Ok(RunResult::Paused.into());
        }
        let approved = match guard::approve(plan, limits, &memory) {
            Ok(approved) => approved,
            Err(refusal) => {
                events.emit(Event::Refused(&refusal));
                return Ok(End { result: RunResult::GuardRefused, refusal: Some(refusal) });
            }
        };
        recorder.promise(approved.plan(), &memory).await?;
        Ok(self.execute(client, &approved, &memory).await)
    }

    /// What is remembered, and what the inventory check found. Only an accepted inventory settles what earlier runs left open, since
    /// an instance that an inventory hides is not gone.
    async fn remember(&self, inventory: &Inventory) -> Result<(Memory, Checked), journal::Error> {
        let Setup { policy, limits, .. } = self.setup;
        let checked = self.recorder.check(inventory, (policy, limits)).await?;
        if checked.check.rejection.is_none() {
            let settled = self.recorder.read_settlements(inventory).await?;
            if !settled.is_empty() {
                self.recorder.settle(&settled).await?;
            }
        }
        // A live instance is not ours to release, whatever else is wrong with the inventory that shows it.
        self.recorder.give_up_releases(inventory).await?;
        let inventory = checked.check.clone();
        Ok((Memory { inventory, ..self.memory().await? }, checked))
    }

    async fn memory(&self) -> Result<Memory, journal::Error> {
        let now = clock::now();
        let memory = self.recorder.memory(now).await?;
        Ok(memory.at_turn(&self.order.turn, &self.setup.policy.rules, now))
    }

    async fn execute(
        &self,
        client: &Client,
        approved: &guard::Approved<'_>,
        memory: &Memory,
    ) -> End {
        let Setup { account, policy, limits, execute, reloaded, .. } = self.setup;
        let orders = Orders {
            account,
            policy,
            memory,
            limits: *limits,
            settings: *execute,
            holding: self.holding,
            reloaded: reloaded.clone(),
        };
        let executor = Executor::new(client, orders, self.recorder, self.events, self.stop);
        let cause = executor.execute(approved).await;
        let concluded = conclude(&self.events.report());
        match cause {
            Some(StopCause::Fatal(class)) => RunResult::of_fatal(class).unwrap_or(concluded).into(),
            Some(StopCause::LeaseLost) => RunResult::LeaseHeld.into(),
            Some(StopCause::Refused(refusal)) => End { result: concluded, refusal: Some(refusal) },
            Some(StopCause::Paused | StopCause::Unrecorded | StopCause::DryRun) | None => {
                concluded.into()
            }
        }
    }

    /// Tells what a saved plan would terminate and this one does not.
    fn out_of_reach(&self, plan: &Plan<'_>) {
        for (id, rule, why) in plan.dropped_from(&self.order.scope) {
            self.events.emit(Event::OutOfReach(&id, &rule, &why));
        }
    }
}

fn conclude(report: &Report) -> RunResult {
    let Report { done: _, refused: _, dropped: _, rehearsed: _, failed, unconfirmed, .. } = *report;
    let Report { stopped, paused, guarded, unrecorded, .. } = *report;
    let in_order = [
        (unrecorded, RunResult::JournalFailed),
        (stopped, RunResult::Interrupted),
        (failed + unconfirmed, RunResult::Partial),
        (paused, RunResult::Paused),
        (guarded, RunResult::GuardRefused),
    ];
    let first = in_order.into_iter().find(|(count, _)| *count > 0);
    first.map_or(RunResult::Success, |(_, result)| result)
}

fn unrecorded(events: &Events, error: &journal::Error) -> End {
    events.emit(Event::Unrecorded(&error.to_string()));
    RunResult::JournalFailed.into()
}

/// The result of a run whose end could not be written.
fn worse(result: RunResult, events: &Events, error: &journal::Error) -> RunResult {
    match result {
        RunResult::JournalFailed => result,
        RunResult::Success
        | RunResult::Partial
        | RunResult::GuardRefused
        | RunResult::IncompleteInventory
        | RunResult::AuthFailed
        | RunResult::Blocked
        | RunResult::Paused
        | RunResult::LeaseHeld
        | RunResult::Interrupted
        | RunResult::Panicked => unrecorded(events, error).result,
    }
}
