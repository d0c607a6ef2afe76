//! What is written to the log: for each event that matters, one line in words with fields named as in the metrics.

use std::io::{IsTerminal, Write};

use tracing::{debug, error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::{
    cloud::{Class, Code, Observation, Unlisted},
    diagnostic::Problem,
    inventory::Instance,
    lifetime::shorten,
    plan::{Plan, Subject},
    report::{Act, Event, Outcome, Record, RunResult, Settled, Settlement},
    rules::RuleName,
};

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging to what `writer` makes, which is standard error in one way or another. `RUST_LOG` overrides the level, `info`.
pub fn start<W: Write + 'static>(format: Format, writer: impl Fn() -> W + Send + Sync + 'static) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,zenreaper=info"));
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(writer)
        .with_ansi(is_coloured());
    let started = match format {
        Format::Human => logger.try_init(),
        Format::Json => logger.json().flatten_event(true).try_init(),
    };
    if let Err(already) = started {
        debug!("the log was started before: {already}");
    }
}

/// Whether what goes to standard error is coloured: on a terminal, unless the environment says `NO_COLOR`.
#[must_use]
pub fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

/// Writes what somebody should look at in config and rules to the log.
pub fn warnings(warnings: &[Problem]) {
    for warning in warnings {
        warn!(code = warning.code.as_str(), "{warning}");
    }
}

/// Writes an event to the log.
pub fn observe(record: &Record<'_>) {
    let Record { run, account, event } = *record;
    match event {
        Event::Started(credentials) => info!(run, account, credentials, "run started"),
        Event::LeaseTaken | Event::LeaseHeld(_) | Event::LeaseLost(_) => lease(record),
        Event::Reading(read, total) => debug!(run, account, read, total, "reading the inventory"),
        Event::Listed(inventory) => {
            let (instances, unreadable) = (inventory.len(), inventory.unreadable().len());
            info!(run, account, instances, unreadable, "inventory complete");
        }
        Event::Unlisted(unlisted) => not_listed(run, account, unlisted),
        Event::Planned(plan) => planned(run, account, plan),
        Event::Refused(refusal) => {
            warn!(run, account, guard = refusal.guard().as_str(), "{refusal}");
        }
        Event::Dropped(instance, rule, dropout, why) => {
            let (instance_id, name) = identity(instance);
            let (rule, reason) = (rule.as_str(), dropout.as_str());
            warn!(run, account, instance_id, name, rule, reason, "not terminated: {why}");
        }
        Event::OutOfReach(id, rule, why) => {
            let (instance_id, rule) = (id.as_str(), rule.as_str());
            warn!(run, account, instance_id, rule, "in the saved plan, and not terminated: {why}");
        }
        Event::Rehearsed(instance, rule) => {
            let ((instance_id, name), rule) = (identity(instance), rule.as_str());
            info!(run, account, instance_id, name, rule, "would be terminated (dry-run)");
        }
        Event::Acted(instance, rule, act) => {
            let told = (act.outcome.as_str(), "termination accepted");
            called((run, account), (instance, rule), act, told);
        }
        Event::Released(instance, rule, act) => {
            let told = (act.outcome.as_released(), "released for good");
            called((run, account), (instance, rule), act, told);
        }
        Event::Settled(call) => settled(run, account, call),
        Event::Paused(pause) => warn!(run, account, "nothing is terminated: {pause}"),
        Event::Promised(instance, rule, terminate_at) => {
            let ((instance_id, name), rule) = (identity(instance), rule.as_str());
            let terminate_at = terminate_at.to_string();
            info!(run, account, instance_id, name, rule, terminate_at, "its owner is to be told");
        }
        Event::Withdrawn(instance_id, rule, why) => {
            let rule = rule.as_str();
            info!(run, account, instance_id, rule, "not to be terminated after all: {why}");
        }
        Event::Delivered(sink, stage, notices, result) => {
            let stage = stage.as_str();
            match result {
                Ok(()) => info!(run, account, sink, stage, notices, "notices sent"),
                Err(why) => {
                    error!(
                        run,
                        account, sink, stage, notices, "notices not sent, to be tried again: {why}"
                    );
                }
            }
        }
        Event::Unrecorded(why) => error!(run, account, "nothing is terminated: {why}"),
        Event::Wire(observation) => wire(run, account, observation),
        Event::Ended(result, elapsed) => {
            let (name, duration_seconds) = (result.as_str(), elapsed.as_secs_f64());
            if matches!(result, RunResult::Success | RunResult::Paused) {
                info!(run, account, result = name, duration_seconds, "run ended");
            } else {
                warn!(run, account, result = name, duration_seconds, "run ended");
            }
        }
    }
}

/// That there is no inventory. If the run was stopped, the line about its end says so.
fn not_listed(run: &str, account: &str, unlisted: &Unlisted) {
    if unlisted.class() == Some(Class::Stopped) {
        debug!(run, account, error = %unlisted, "no inventory: stopped");
    } else {
        error!(run, account, error = %unlisted, "no inventory, so nothing is terminated");
    }
}

/// The one line about the lease of the account.
fn lease(record: &Record<'_>) {
    let Record { run, account, event } = *record;
    match event {
        Event::LeaseHeld(holder) => error!(
            run,
            account, holder, "another process acts on the account, so this run does nothing"
        ),
        Event::LeaseLost(why) => {
            error!(run, account, "lease lost, so nothing more is called: {why}");
        }
        _ => debug!(run, account, "lease taken"),
    }
}

/// The one line about a machine that was called, by what became of it in a word, or else in words.
fn called(
    (run, account): (&str, &str),
    (instance, rule): (&Instance, &RuleName),
    act: &Act,
    (outcome, done): (&str, &str),
) {
    let ((instance_id, name), rule) = (identity(instance), rule.as_str());
    let (code, request_id) = (act.code.as_ref().map(Code::as_str), act.request_id.as_deref());
    let why = act.message.as_deref().unwrap_or(done);
    match act.outcome {
        Outcome::Terminated | Outcome::Gone | Outcome::Refused => {
            info!(run, account, instance_id, name, rule, outcome, code, request_id, "{why}");
        }
        Outcome::Failed | Outcome::Unknown => {
            error!(run, account, instance_id, name, rule, outcome, code, request_id, "{why}");
        }
    }
}

/// The one line about a call of an earlier run.
fn settled(run: &str, account: &str, call: &Settled<'_>) {
    let Settled { instance_id, name, rule, had_outcome: _, settlement } = *call;
    let (name, result) = (name.map(shorten), settlement.as_str());
    match settlement {
        Settlement::Confirmed => {
            info!(run, account, instance_id, name, rule, settled = result, "termination confirmed");
        }
        Settlement::Done => info!(
            run,
            account,
            instance_id,
            name,
            rule,
            settled = result,
            "its termination, whose outcome was not known, took effect"
        ),
        Settlement::StillPresent => warn!(
            run,
            account,
            instance_id,
            name,
            rule,
            settled = result,
            "its termination was accepted, and it is still there"
        ),
        Settlement::NotDone => warn!(
            run,
            account,
            instance_id,
            name,
            rule,
            settled = result,
            "its termination, whose outcome was not known, did not take effect"
        ),
    }
}

fn identity(instance: &Instance) -> (&str, String) {
    (instance.id.as_str(), instance.name.as_deref().map(shorten).unwrap_or_default())
}

fn planned(run: &str, account: &str, plan: &Plan<'_>) {
    for ((decision, reason), instances) in plan.counts() {
        info!(run, account, decision, reason, instances, "planned");
    }
    for near in &plan.near_misses {
        let (tag, near_miss_of, instances) =
            (shorten(&near.own), shorten(&near.asked), near.instances);
        warn!(run, account, tag, near_miss_of, instances, "tag key is a near miss: {near}");
    }
    for (subject, judgement) in &plan.decisions {
        let Some(rule) = judgement.rule else {
            if let Subject::Unreadable(odd) = subject {
                warn!(
                    run,
                    account,
                    instance_id = odd.id.as_str(),
                    "its record cannot be read: {}",
                    shorten(&odd.problem)
                );
            }
            continue;
        };
        let (decision, reason) = (judgement.decision.as_str(), judgement.decision.reason());
        let (id, rule) = (subject.id().as_str(), rule.name.as_str());
        debug!(run, account, instance_id = id, rule, decision, reason, "decided");
    }
}

fn wire(run: &str, account: &str, observation: &Observation) {
    match observation {
        Observation::Answered { action, status, elapsed } => {
            let duration_seconds = elapsed.as_secs_f64();
            debug!(run, account, action = action.as_str(), status, duration_seconds, "answered");
        }
        Observation::Failed { action, code } => {
            debug!(run, account, action = action.as_str(), code = code.as_str(), "call failed");
        }
        Observation::Retried { action } => {
            debug!(run, account, action = action.as_str(), "trying again");
        }
        Observation::Waited { .. } => {}
    }
}
