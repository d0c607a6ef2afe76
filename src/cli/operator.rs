//! What an operator says between runs: keep, unkeep, holds, pause, resume, accept-inventory. All of it goes to the journal, where a run in
//! progress looks before each machine.

use std::path::Path;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{Output, exit::Exit, render, say, tell};
use crate::{
    clock, config,
    diagnostic::{self, Problem},
    journal::{Journal, Named, NewHold},
    lifetime,
    plan::memory::{HoldKind, Pause},
    view,
};

/// The longest hold: what is to stay for ever belongs into `protect`, or gets a tag.
const HOLD_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);

/// What `keep` takes.
#[derive(Debug, Args)]
pub(super) struct KeepArgs {
    /// The machine's id.
    #[arg(value_name = "INSTANCE_ID")]
    instance_id: String,
    /// For how long, such as 7d; at most 366d.
    #[arg(long = "for", value_name = "DURATION", value_parser = hold_duration)]
    length: SignedDuration,
    /// Why; it is shown wherever the hold is.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    which: Which,
}

/// What `unkeep` takes.
#[derive(Debug, Args)]
pub(super) struct UnkeepArgs {
    /// The machine's id.
    #[arg(value_name = "INSTANCE_ID")]
    instance_id: String,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    which: Which,
}

/// What `holds` takes.
#[derive(Debug, Args)]
pub(super) struct HoldsArgs {
    /// A table for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
}

/// What `pause` takes.
#[derive(Debug, Args)]
pub(super) struct PauseArgs {
    /// For how long, such as 2h; without it, until `zenreaper resume`.
    #[arg(long = "for", value_name = "DURATION", value_parser = lifetime::duration)]
    length: Option<SignedDuration>,
    /// Why; it is shown wherever the pause is.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// What `resume` takes.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    who: Who,
}

/// What `accept-inventory` takes.
#[derive(Debug, Args)]
pub(super) struct AcceptArgs {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Who {
    /// Who says so; by default the user.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Args)]
struct Which {
    /// The account; needed if the config has several.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("whoever finds the hold wants to know why"),
        some => Ok(some.to_owned()),
    }
}

fn hold_duration(text: &str) -> Result<SignedDuration, String> {
    let length = lifetime::duration(text)?;
    if length > HOLD_MAX {
        return Err("longer than 366d: give the machine a tag that `protect` names".to_owned());
    }
    Ok(length)
}

impl Who {
    /// The name that was given, else that of the user.
    fn name(self) -> Option<String> {
        let of = |name: &str| std::env::var(name).ok().filter(|name| !name.is_empty());
        self.by.or_else(|| of("SUDO_USER")).or_else(|| of("USER"))
    }
}

impl Which {
    /// The account that was named, or the only one.
    fn of(self, accounts: &[config::Account]) -> Result<String, String> {
        one_of(accounts, self.account.as_deref()).map(|account| account.name.clone())
    }
}

/// The account that is named, or the only one.
pub(super) fn one_of<'a>(
    accounts: &'a [config::Account],
    named: Option<&str>,
) -> Result<&'a config::Account, String> {
    let found = match (named, accounts) {
        (Some(name), accounts) => accounts.iter().find(|account| account.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let wrong = named.map(|name| format!("`{name}` is not an account; "));
        let known: Vec<_> = accounts.iter().map(|account| account.name.as_str()).collect();
        format!("{}--account names one of {}", wrong.unwrap_or_default(), known.join(", "))
    })
}

/// The config as far as it can be used, with what is wrong with it told. Wrong rules are no reason not to pause, nor is a config
/// that still says what is `needed` of it.
pub(super) fn settings(path: &Path, needed: &[&str]) -> Result<config::Config, Exit> {
    let (config, problems) = config::load_alone(path, clock::now());
    if !problems.is_empty() {
        tell(&diagnostic::render(&problems, false));
    }
    let top = |problem: &Problem| problem.path.split(['.', '[']).next().map(str::to_owned);
    let spoiled: Vec<_> = problems.iter().filter_map(top).collect();
    let usable = config.filter(|_| !spoiled.iter().any(|key| needed.contains(&key.as_str())));
    usable.ok_or(Exit::Usage)
}

/// The journal that the config names.
pub(super) fn journal_of(path: &Path) -> Result<Journal, Exit> {
    settings(path, &["journal"]).map(|config| Journal::at(&config.journal))
}

/// The account that is meant, and the names of all.
struct Meant {
    account: String,
    all: Vec<String>,
}

/// The account that is meant, and the journal.
fn account_of(path: &Path, which: Which) -> Result<(Meant, Journal), Exit> {
    let config = settings(path, &["journal", "accounts"])?;
    let all = config.accounts.iter().map(|account| account.name.clone()).collect();
    match which.of(&config.accounts) {
        Ok(account) => Ok((Meant { account, all }, Journal::at(&config.journal))),
        Err(problem) => Err(wrong_usage(&problem)),
    }
}

/// Keeps a machine for a while.
pub(super) async fn keep(path: &Path, args: KeepArgs) -> anyhow::Result<Exit> {
    let KeepArgs { instance_id, length, reason, who, which } = args;
    let (Meant { account, .. }, journal) = match account_of(path, which) {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    if instance_id.trim().is_empty() {
        return Ok(wrong_usage("an instance's id is not empty"));
    }
    let since = clock::now();
    let until = since + length;
    let hold = NewHold {
        account,
        instance_id,
        kind: HoldKind::Operator,
        since,
        until,
        reason: Some(reason),
        by: who.name(),
    };
    let known = journal.knows(&hold.account, &hold.instance_id).await?;
    journal.keep(&hold).await?;
    journal.close().await;
    let id = &hold.instance_id;
    say(&format!("{id} is kept until {until:.0}; `zenreaper unkeep {id}` ends that\n"))?;
    if !known {
        tell(&format!("note: no rule has touched {id} so far; make sure that the id is right\n"));
    }
    Ok(Exit::Done)
}

/// Ends what keeps a machine.
pub(super) async fn unkeep(path: &Path, args: UnkeepArgs) -> anyhow::Result<Exit> {
    let UnkeepArgs { instance_id: id, who, which } = args;
    let (Meant { account, all }, journal) = match account_of(path, which) {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let (by, named) = (who.name(), Named { account: &account, all: &all });
    let ended = journal.exists() && journal.unkeep(named, &id, by.as_deref(), clock::now()).await?;
    journal.close().await;
    if ended {
        say(&format!("{id} is not kept any more\n"))?;
        return Ok(Exit::Done);
    }
    tell(&format!("error: nobody keeps {id}; see `zenreaper holds`\n"));
    Ok(Exit::Failed)
}

/// Lists what is held.
pub(super) async fn holds(path: &Path, args: HoldsArgs) -> anyhow::Result<Exit> {
    let journal = match journal_of(path) {
        Ok(journal) => journal,
        Err(exit) => return Ok(exit),
    };
    let now = clock::now();
    let holds = if journal.exists() { journal.holds(now).await? } else { Vec::new() };
    journal.close().await;
    let mut out = std::io::stdout().lock();
    match args.output {
        Output::Table => render::holds_table(&holds, now, &mut out),
        Output::Json => view::json(&holds, &mut out),
    }
    .or_else(super::ignore_closed_pipe)?;
    Ok(Exit::Done)
}

/// Stops all terminations.
pub(super) async fn pause(path: &Path, args: PauseArgs) -> anyhow::Result<Exit> {
    let PauseArgs { length, reason, who } = args;
    let journal = match journal_of(path) {
        Ok(journal) => journal,
        Err(exit) => return Ok(exit),
    };
    let since = clock::now();
    let until = length.map(|length| since.checked_add(length).unwrap_or(Timestamp::MAX));
    let pause = Pause { since, until, reason, by: who.name() };
    journal.pause(&pause).await?;
    journal.close().await;
    say(&format!("{pause}\nNothing is terminated any more; `zenreaper resume` ends that.\n"))?;
    Ok(Exit::Done)
}

/// Ends the pause.
pub(super) async fn resume(path: &Path, args: ResumeArgs) -> anyhow::Result<Exit> {
    let journal = match journal_of(path) {
        Ok(journal) => journal,
        Err(exit) => return Ok(exit),
    };
    let by = args.who.name();
    let ended = journal.exists() && journal.resume(by.as_deref(), clock::now()).await?;
    journal.close().await;
    say(if ended { "resumed\n" } else { "there was no pause\n" })?;
    Ok(Exit::Done)
}

/// Accepts the inventory that was rejected last.
pub(super) async fn accept_inventory(path: &Path, args: AcceptArgs) -> anyhow::Result<Exit> {
    let (Meant { account, .. }, journal) = match account_of(path, args.which) {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let by = args.who.name();
    let accepted =
        journal.exists() && journal.accept_inventory(&account, by.as_deref(), clock::now()).await?;
    journal.close().await;
    say(if accepted {
        "the rejected inventory is accepted; the next run compares with it\n"
    } else {
        "there is no rejected inventory\n"
    })?;
    Ok(Exit::Done)
}

/// Tells that the command line is wrong.
pub(super) fn wrong_usage(problem: &str) -> Exit {
    tell(&format!("error: {problem}\n"));
    Exit::Usage
}
