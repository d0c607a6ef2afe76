//! One run for one account: the line of the design, as code.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    cloud::{self, Client},
    config::Mode,
    deliver::Delivery,
    execute::{self, Executor, Halted, Orders},
    inventory::Inventory,
    journal,
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
pub async fn run_once(
    setup: &Setup,
    order: &Order,
    events: &Events,
    stop: &CancellationToken,
) -> RunResult {
    let started = clock::monotonic();
    events.emit(Event::Started);
    let recorder = Recorder::new(&setup.record, &setup.account, events);
    let begun = recorder.begin().await;
    let End { result, refusal } = match observe(setup, events, stop).await {
        Err(result) => result.into(),
        Ok((client, inventory)) => {
            let walk = Walk { setup, order, events, stop, recorder: &recorder };
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
    let result = ended.map_or_else(|error| worse(result, events, &error), |()| result);
    events.emit(Event::Ended(result, started.elapsed()));
    result
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
        let Setup { policy, limits, execute, .. } = self.setup;
        let orders = Orders { policy, memory, limits: *limits, settings: *execute };
        let executor = Executor::new(client, orders, self.recorder, self.events, self.stop);
        let Halted { fatal, refusal } = executor.execute(approved).await;
        let by_fatal = fatal.and_then(RunResult::of_fatal);
        let result = by_fatal.unwrap_or_else(|| conclude(&self.events.report()));
        End { result, refusal }
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
        | RunResult::Interrupted
        | RunResult::Panicked => unrecorded(events, error).result,
    }
}
