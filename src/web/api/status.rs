//! How the service is, as programs read it.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    board::{Account, AccountScene, LastRun, Scene, State},
    metrics,
    plan::memory::Pause,
};

/// How the service is.
#[derive(Serialize)]
pub(super) struct Status<'a> {
    generated_at: Timestamp,
    version: &'static str,
    revision: &'static str,
    mode: Option<&'static str>,
    schedule: Option<&'a str>,
    ready: bool,
    /// Why not, or what is remarkable all the same.
    remarks: Vec<&'a str>,
    pause: Option<PauseJson<'a>>,
    next_run_at: Option<Timestamp>,
    accounts: Vec<AccountJson<'a>>,
    errors: Vec<ErrorJson<'a>>,
}

#[derive(Serialize)]
struct PauseJson<'a> {
    since: Timestamp,
    until: Option<Timestamp>,
    by: Option<&'a str>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct AccountJson<'a> {
    account: &'a str,
    running_since: Option<Timestamp>,
    last_run: Option<RunJson<'a>>,
    last_success_at: Option<Timestamp>,
    inventory: Option<InventoryJson>,
    /// Why the last listing failed, if it did.
    listing_problem: Option<String>,
    /// Why a run would terminate nothing, if it would not.
    refusal: Option<&'a str>,
    decisions: Vec<DecisionJson>,
    rules: Vec<RuleJson<'a>>,
}

#[derive(Serialize)]
struct RunJson<'a> {
    run: &'a str,
    ended_at: Timestamp,
    result: &'static str,
    duration_seconds: f64,
}

#[derive(Serialize)]
struct InventoryJson {
    read_at: Timestamp,
    instances: usize,
    live: u64,
}

#[derive(Serialize)]
struct DecisionJson {
    decision: &'static str,
    reason: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct RuleJson<'a> {
    rule: &'a str,
    matches: u64,
    terminates: u64,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    account: &'a str,
    action: &'static str,
    code: String,
    count: u64,
    last_at: Timestamp,
}

impl<'a> Status<'a> {
    /// How it is at `now`.
    pub(super) fn of(
        state: &'a State,
        scene: Option<&'a Scene>,
        ready: &'a Result<String, String>,
        now: Timestamp,
    ) -> Self {
        let State { terms, next_run_at, pause, accounts, errors, sinks: _ } = state;
        let (Ok(remarks) | Err(remarks)) = ready;
        let scenes = scene.map(|scene| scene.accounts.as_slice()).unwrap_or_default();
        let account = |(name, known): (&'a String, &'a Account)| {
            let scene = scenes.iter().find(|scene| scene.account == *name);
            AccountJson::of(name, known, scene)
        };
        Self {
            generated_at: now,
            version: env!("CARGO_PKG_VERSION"),
            revision: metrics::revision(),
            mode: terms.as_ref().map(|terms| terms.mode.as_str()),
            schedule: terms.as_ref().map(|terms| terms.schedule.as_str()),
            ready: ready.is_ok(),
            remarks: remarks.lines().filter(|line| *line != "ready").collect(),
            pause: pause.as_ref().map(|Pause { since, until, reason, by }| PauseJson {
                since: *since,
                until: *until,
                by: by.as_deref(),
                reason: reason.as_deref(),
            }),
            next_run_at: *next_run_at,
            accounts: accounts.iter().map(account).collect(),
            errors: errors
                .iter()
                .map(|seen| ErrorJson {
                    account: seen.account,
                    action: seen.action,
                    code: seen.code.to_string(),
                    count: seen.count,
                    last_at: seen.last_at,
                })
                .collect(),
        }
    }
}

impl<'a> AccountJson<'a> {
    fn of(account: &'a str, known: &'a Account, scene: Option<&'a AccountScene>) -> Self {
        let told = scene.and_then(|scene| Some((scene.read_at, scene.told.as_ref().ok()?)));
        let rules = told.map(|(_, told)| told.rules.as_slice()).unwrap_or_default();
        let counts = told.into_iter().flat_map(|(_, told)| &told.counts);
        Self {
            account,
            running_since: known.running_since,
            last_run: known.last_run.as_ref().map(run),
            last_success_at: known.last_success_at,
            inventory: told.map(|(read_at, told)| InventoryJson {
                read_at,
                instances: told.instances,
                live: told.live,
            }),
            listing_problem: known.unlisted.as_ref().map(ToString::to_string),
            refusal: told.and_then(|(_, told)| told.refusal.as_deref()),
            decisions: counts
                .map(|((decision, reason), count)| DecisionJson { decision, reason, count: *count })
                .collect(),
            rules: rules
                .iter()
                .map(|rule| RuleJson {
                    rule: &rule.name,
                    matches: rule.matches,
                    terminates: rule.takes,
                })
                .collect(),
        }
    }
}

fn run(LastRun { id, ended_at, result, elapsed }: &LastRun) -> RunJson<'_> {
    RunJson {
        run: id,
        ended_at: *ended_at,
        result: result.as_str(),
        duration_seconds: elapsed.as_secs_f64(),
    }
}
