//! `zenreaper plan`: what a run would do now. It never acts.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;

use super::{
    Output,
    exit::Exit,
    ignore_closed_pipe, load,
    progress::Console,
    render::{self, AccountPlan, Drafted, PlanReport},
    write_whole,
};
use crate::{
    clock,
    cloud::{self, Unlisted},
    inventory::Inventory,
    journal::{self, Digests},
    plan::{
        Plan, Scope,
        guard::{self, Limits},
        memory::Memory,
    },
    site::{Site, process_env},
};

/// What `plan` takes.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// A table for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    /// Exit with 4 if something would be terminated, and with 3 if a guard would refuse it.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Write the plan to this file too, for `zenreaper apply`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Shows the plan.
pub(super) async fn plan(path: &Path, args: &PlanArgs, console: &Console) -> anyhow::Result<Exit> {
    let loaded = match load(path) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let digests = loaded.digests.clone();
    let site = Site::to_look(loaded, process_env)?;
    let seen = look(&site, console).await;
    site.journal.close().await;
    let now = clock::now();
    let report = draft(&site, &seen, now);
    if let Some(file) = &args.out {
        save(&to_apply(draft(&site, &seen, now), &digests, &seen), file)?;
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match args.output {
        Output::Json => render::plan_json(&report, &mut out),
        Output::Table => render::plan_table(&report, &mut out),
    }
    .and_then(|()| out.flush())
    .or_else(ignore_closed_pipe)?;
    Ok(exit_of_plan(&report, args.detailed_exitcode))
}

/// A plan with all that `apply` asks of it.
fn to_apply<'a>(report: PlanReport<'a>, digests: &'a Digests, seen: &[Seen]) -> PlanReport<'a> {
    let accounts = report.accounts.into_iter().zip(seen);
    let accounts =
        accounts.map(|(plan, seen)| AccountPlan { read_at: Some(seen.read_at), ..plan }).collect();
    PlanReport { digests: Some(digests), accounts, ..report }
}

/// Writes a plan; one for half of the accounts is none.
fn save(report: &PlanReport<'_>, file: &Path) -> anyhow::Result<()> {
    if let Some(account) = report.accounts.iter().find(|account| account.drafted.is_err()) {
        anyhow::bail!(
            "the plan is not saved: the account {} has no complete inventory",
            account.account
        );
    }
    let mut text = Vec::new();
    render::plan_json(report, &mut text)?;
    write_whole(file, &text)
}

/// What there is of an account, and what is remembered of it.
pub(super) struct Seen {
    listed: Result<Inventory, Unlisted>,
    memory: Result<Memory, journal::Error>,
    read_at: Timestamp,
}

/// Looks at every account.
pub(super) async fn look(site: &Site, console: &Console) -> Vec<Seen> {
    let mut seen = Vec::with_capacity(site.setups.len());
    for setup in &site.setups {
        let read_at = clock::now();
        let listed = cloud::list(&setup.client, &console.reading()).await;
        let memory = setup.remember(clock::now()).await;
        seen.push(Seen { listed, memory, read_at });
    }
    seen
}

/// The plan for every account, as a run would make it.
pub(super) fn draft<'a>(site: &'a Site, seen: &'a [Seen], now: Timestamp) -> PlanReport<'a> {
    let accounts = site.setups.iter().zip(seen).map(|(setup, seen)| {
        let Seen { listed, memory, read_at: _ } = seen;
        let drafted = listed.as_ref().map(|inventory| {
            let forgetful = Memory::default();
            let known = memory.as_ref().unwrap_or(&forgetful);
            let plan = Plan::draft(inventory, &setup.policy, known, &Scope::All, now);
            let refusal = match memory {
                Ok(memory) => refusal(&plan, &setup.limits, memory),
                Err(error) => Some(format!("{error}; without it a run terminates nothing")),
            };
            Drafted { plan, refusal }
        });
        let pause = memory.as_ref().ok().and_then(|memory| memory.paused(now));
        AccountPlan { account: &setup.account, drafted, read_at: None, pause }
    });
    let (mode, accounts) = (site.config.mode, accounts.collect());
    PlanReport { generated_at: now, mode, accounts, digests: None }
}

/// Why a run would not execute the plan, if it would not.
fn refusal(plan: &Plan<'_>, limits: &Limits, memory: &Memory) -> Option<String> {
    let paused = memory.paused(plan.now).map(ToString::to_string);
    paused.or_else(|| guard::check(plan, limits, memory).err().map(|refusal| refusal.to_string()))
}

fn exit_of_plan(report: &PlanReport<'_>, detailed: bool) -> Exit {
    let drafted = || report.accounts.iter().filter_map(|account| account.drafted.as_ref().ok());
    if report.accounts.iter().any(|account| account.drafted.is_err()) {
        Exit::Failed
    } else if detailed && drafted().any(|drafted| drafted.refusal.is_some()) {
        Exit::GuardRefused
    } else if detailed && drafted().any(|drafted| drafted.plan.targets().next().is_some()) {
        Exit::WouldTerminate
    } else {
        Exit::Done
    }
}
