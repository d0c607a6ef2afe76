//! `zenreaper plan`: what a run would do now. It never acts.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Output, exit::Exit, ignore_closed_pipe, look::LookArgs, progress::Console, render, write_whole,
};
use crate::{
    clock,
    plan::{Decision, Delay, Plan},
    view::{
        self, View,
        plan::{AccountPlan, PlanReport, draft},
    },
};

/// What `plan` takes.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// A table for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    /// Exit with 4 if something would be terminated or moves towards it, and with 3 if a guard would refuse it.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Write the plan to this file too, for `zenreaper apply`.
    #[arg(long, value_name = "FILE", conflicts_with = "inventory")]
    out: Option<PathBuf>,
    #[command(flatten)]
    look: LookArgs,
}

/// Shows the plan.
pub(super) async fn plan(path: &Path, args: &PlanArgs, console: &Console) -> anyhow::Result<Exit> {
    let lookout = match args.look.lookout(path) {
        Ok(lookout) => lookout,
        Err(exit) => return Ok(exit),
    };
    let view = lookout.look(console).await?;
    let now = clock::now();
    let report = draft(&view, now);
    if let Some(file) = &args.out {
        save(&to_apply(draft(&view, now), &view), file)?;
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match args.output {
        Output::Json => view::json(&report, &mut out),
        Output::Table => render::plan_table(&report, &view.accounts, &mut out),
    }
    .and_then(|()| out.flush())
    .or_else(ignore_closed_pipe)?;
    Ok(exit_of_plan(&report, args.detailed_exitcode))
}

/// A plan with all that `apply` asks of it.
fn to_apply<'a>(report: PlanReport<'a>, view: &'a View) -> PlanReport<'a> {
    let accounts = report.accounts.into_iter().zip(&view.accounts);
    let accounts =
        accounts.map(|(plan, seen)| AccountPlan { read_at: Some(seen.read_at), ..plan }).collect();
    PlanReport { digests: Some(&view.digests), accounts, ..report }
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
    view::json(report, &mut text)?;
    write_whole(file, &text)
}

/// Whether something is terminated, or moves towards it: its owner is notified, or it is due and waits for its schedule.
fn moves(plan: &Plan<'_>) -> bool {
    plan.decisions.iter().any(|(_, judgement)| match judgement.decision {
        Decision::Terminate
        | Decision::Notice(_)
        | Decision::Wait(Delay::OffSchedule | Delay::ProtectionVanished) => true,
        Decision::Wait(Delay::NotDue) | Decision::Skip(_) | Decision::Keep(_) => false,
    })
}

fn exit_of_plan(report: &PlanReport<'_>, detailed: bool) -> Exit {
    let drafted = || report.accounts.iter().filter_map(|account| account.drafted.as_ref().ok());
    if report.accounts.iter().any(|account| account.drafted.is_err()) {
        Exit::Failed
    } else if detailed && drafted().any(|drafted| drafted.refusal.is_some()) {
        Exit::GuardRefused
    } else if detailed && drafted().any(|drafted| moves(&drafted.plan)) {
        Exit::WouldTerminate
    } else {
        Exit::Done
    }
}
