//! One run for one account: the line of the design, as code.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    cloud::{self, Client},
    execute::{self, Executor},
    plan::{
        Plan, Policy,
        guard::{self, Limits},
    },
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
}

/// Runs once, and tells `events` everything. Once `stop` is cancelled, nothing is sent any more.
pub async fn run_once(setup: &Setup, events: &Events, stop: &CancellationToken) -> RunResult {
    let started = clock::monotonic();
    events.emit(Event::Started);
    let result = walk(setup, events, stop).await;
    events.emit(Event::Ended(result, started.elapsed()));
    result
}

async fn walk(setup: &Setup, events: &Events, stop: &CancellationToken) -> RunResult {
    let Setup { account: _, client, policy, limits, execute } = setup;
    let observer = events.clone();
    let client = client
        .observed_by(Arc::new(move |seen| observer.emit(Event::Wire(seen))))
        .until(stop.clone());
    let progress = |read, total| events.emit(Event::Reading(read, total));
    let inventory = match cloud::list(&client, &progress).await {
        Ok(inventory) => inventory,
        Err(unlisted) => {
            events.emit(Event::Unlisted(&unlisted));
            return RunResult::of_unlisted(&unlisted);
        }
    };
    events.emit(Event::Listed(&inventory));
    let plan = Plan::draft(&inventory, policy, clock::now());
    events.emit(Event::Planned(&plan));
    let approved = match guard::approve(plan, limits) {
        Ok(approved) => approved,
        Err(refusal) => {
            events.emit(Event::Refused(&refusal));
            return RunResult::GuardRefused;
        }
    };
    let executor = Executor::new(&client, policy, *execute, events, stop);
    let fatal = executor.execute(&approved).await;
    fatal.and_then(RunResult::of_fatal).unwrap_or_else(|| conclude(&events.report()))
}

fn conclude(report: &Report) -> RunResult {
    if report.stopped > 0 {
        return RunResult::Interrupted;
    }
    if report.failed + report.unconfirmed > 0 { RunResult::Partial } else { RunResult::Success }
}
