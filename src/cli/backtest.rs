//! `zenreaper backtest`: which machines other rules would treat otherwise. It never acts.
//!
//! Both sets of rules judge the same inventory, with the same memory, at the same instant; only what differs is shown.

mod outlook;
mod report;

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;

use self::{
    outlook::Outlook,
    report::{AccountChanges, Change, Report},
};
use super::{
    Output,
    exit::Exit,
    ignore_closed_pipe,
    look::{self, LookArgs},
    progress::Console,
    render,
    table::Length,
    tell,
};
use crate::{
    clock,
    config::{self, Config, Loaded},
    diagnostic::{self, Problem},
    log,
    plan::{Judgement, Plan, Policy, Scope, Turn},
    rules::{self, RuleSet, Terms},
    view::{Seen, View},
};

/// What `backtest` takes.
#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// The new rules: a file, or a folder of them.
    #[arg(long, value_name = "PATH")]
    rules: PathBuf,
    /// The old rules, a file or a folder, in the place of those of the config.
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// Judge at this instant instead of now: a timestamp with its offset.
    #[arg(long, value_name = "TIMESTAMP", value_parser = look::instant)]
    at: Option<Timestamp>,
    /// Exit with 4 if the new rules bring an instance nearer to termination: now, or sooner than the old ones.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show every machine, also if there are many.
    #[arg(long)]
    all: bool,
    /// A table for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    #[command(flatten)]
    look: LookArgs,
}

/// Shows what differs.
pub(super) async fn backtest(
    path: &Path,
    args: &BacktestArgs,
    console: &Console,
) -> anyhow::Result<Exit> {
    let (loaded, rules) = match sides(path, args) {
        Ok(sides) => sides,
        Err(problems) => return wrong(&problems, args.output),
    };
    log::warnings(&loaded.warnings);
    let lookout = match args.look.lookout_by(loaded) {
        Ok(lookout) => lookout.about(args.at),
        Err(exit) => return Ok(exit),
    };
    let view = lookout.look(console).await?;
    // All accounts have the same policy, and the new one differs in nothing but the rules.
    let new = view.accounts.first().map(|seen| Policy { rules, ..Policy::clone(&seen.policy) });
    let report = compare(&view, new.as_ref(), args.at.unwrap_or_else(clock::now));
    let mut out = BufWriter::new(io::stdout().lock());
    match args.output {
        Output::Json => report::json(&report, &mut out),
        Output::Table => report::table(&report, Length::asked(args.all), &mut out),
    }
    .and_then(|()| out.flush())
    .or_else(ignore_closed_pipe)?;
    Ok(exit_of(&report, args))
}

/// The config with the old rules, and the new rules; or all that is wrong with any of them.
fn sides(path: &Path, args: &BacktestArgs) -> Result<(Loaded, RuleSet), Vec<Problem>> {
    let now = clock::now();
    let loaded = match &args.against {
        Some(old) => config::load_with(path, old, now),
        None => config::load(path, now),
    };
    let new = |config: &Config| read(&args.rules, &config.terms());
    match loaded {
        Ok(loaded) => new(&loaded.config).map(|rules| (loaded, rules)),
        Err(mut problems) => {
            let (config, _) = config::load_alone(path, now);
            let more = config.and_then(|config| new(&config).err()).unwrap_or_default();
            // Both may name the same file.
            let more: Vec<_> = more.into_iter().filter(|one| !problems.contains(one)).collect();
            problems.extend(more);
            Err(problems)
        }
    }
}

fn read(path: &Path, terms: &Terms) -> Result<RuleSet, Vec<Problem>> {
    let (sources, mut problems) = config::rule_sources(path);
    let parsed = rules::parse(&sources, terms).map_err(|wrong| problems.extend(wrong));
    parsed.ok().filter(|_| problems.is_empty()).ok_or_else(|| diagnostic::sorted(problems))
}

/// Tells what is wrong with the rules, as `check` does.
fn wrong(problems: &[Problem], output: Output) -> anyhow::Result<Exit> {
    match output {
        Output::Table => tell(&diagnostic::render(problems, log::is_coloured())),
        Output::Json => render::check_json(Exit::Usage, problems, &[], &mut io::stdout().lock())
            .or_else(ignore_closed_pipe)?,
    }
    Ok(Exit::Usage)
}

fn compare<'a>(view: &'a View, new: Option<&'a Policy>, now: Timestamp) -> Report<'a> {
    let account = |seen: &'a Seen| {
        let sides = [&*seen.policy, new.unwrap_or(&seen.policy)];
        let changes = changes(seen, sides, now);
        let outlook = match seen.known() {
            Ok(known) => outlook::compare(seen, known, &view.schedule, sides, now),
            Err(_) => Outlook::default(),
        };
        AccountChanges { account: &seen.account, changes, outlook }
    };
    Report { generated_at: now, accounts: view.accounts.iter().map(account).collect() }
}

/// What differs in an account, and how many machines there are.
fn changes<'a>(
    seen: &'a Seen,
    sides: [&'a Policy; 2],
    now: Timestamp,
) -> Result<(Vec<Change<'a>>, usize), String> {
    let (inventory, memory) = seen.known()?;
    let [old, new] = sides.map(|policy| {
        let memory = memory.clone().at_turn(&Turn::Asked, &policy.rules, now);
        Plan::draft(inventory, policy, &memory, &Scope::All, now)
    });
    // Of the same inventory, so they go in step.
    let both = old.decisions.into_iter().zip(new.decisions);
    let changes = both.map(|((subject, old), (_, new))| {
        let [old, new] = [old, new].map(|judgement| from_now_on(judgement, now));
        Change { subject, old, new, now }
    });
    Ok((changes.filter(|change| change.kind().is_some()).collect(), inventory.len()))
}

/// A judgement of which the time is not past: whatever was due before goes now, so that is no difference.
fn from_now_on(judgement: Judgement<'_>, now: Timestamp) -> Judgement<'_> {
    Judgement { terminate_at: judgement.terminate_at.map(|at| at.max(now)), ..judgement }
}

fn exit_of(report: &Report<'_>, args: &BacktestArgs) -> Exit {
    if report.accounts.iter().any(|account| account.changes.is_err()) {
        Exit::Failed
    } else if args.detailed_exitcode
        && report.accounts.iter().any(|account| !account.nearer().is_empty())
    {
        Exit::WouldTerminate
    } else {
        Exit::Done
    }
}
