//! `zenreaper hold`, `unhold` and `holds`: instances that are exempt for a while, whatever the rules say.

mod find;

use std::{fmt::Write, path::Path};

use clap::{ArgGroup, Args};
use jiff::{SignedDuration, Timestamp};

use self::find::{Refusal, Search, Target, Wanted};
use super::{
    Output, acknowledge,
    exit::Exit,
    operator::{self, Which, Who, no_journal, one_of, wrong_usage},
    render, say, tell,
};
use crate::{
    clock,
    config::Config,
    diagnostic,
    journal::{Held, Journal, LastCall, Named, NewHold, RECYCLE_BIN},
    lifetime::{self, shorten},
    plan::memory::HoldKind,
    rules::{self, Condition},
    view,
};

/// The longest hold: what is to stay for ever belongs into `protect`, or gets a tag.
const HOLD_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The most holds that are listed in a message.
const LISTED_MAX: usize = 20;

/// What `hold` takes.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true))]
pub(super) struct HoldArgs {
    /// The instance's id, or its name if no other instance has it.
    #[arg(value_name = "INSTANCE", group = "target")]
    instance: Option<String>,
    /// The instance's name, instead of its id.
    #[arg(long, value_name = "NAME", group = "target")]
    name: Option<String>,
    /// Hold every instance that matches now, such as '{ tags: { project: x } }'.
    #[arg(long = "match", value_name = "MATCHER", group = "target")]
    matcher: Option<String>,
    /// For how long, such as 7d; at most 366d.
    #[arg(long = "for", value_name = "DURATION", value_parser = hold_duration)]
    length: SignedDuration,
    /// Why; it is shown wherever the hold is.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    /// Hold this id even though neither the journal nor the inventory has it.
    #[arg(long, conflicts_with_all = ["name", "matcher"])]
    unseen: bool,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    which: Which,
}

/// What `unhold` takes.
#[derive(Debug, Args)]
pub(super) struct UnholdArgs {
    /// The instance's id, or its name if no other held instance has it.
    #[arg(value_name = "INSTANCE")]
    instance: String,
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

fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("whoever finds the hold wants to know why"),
        some => Ok(some.to_owned()),
    }
}

fn hold_duration(text: &str) -> Result<SignedDuration, String> {
    let length = lifetime::duration(text)?;
    if length > HOLD_MAX {
        return Err("longer than 366d: give the instance a tag that `protect` names".to_owned());
    }
    Ok(length)
}

/// Holds instances for a while.
pub(super) async fn hold(path: &Path, args: HoldArgs) -> anyhow::Result<Exit> {
    let (config, journal) = match opened(path, &args.which) {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let targets = match targets(&args, &config, &journal).await {
        Ok(targets) => targets,
        Err(Refusal::Ambiguous(problem)) => return Ok(wrong_usage(&problem)),
        Err(Refusal::Unknown(problem)) => {
            tell(&format!("error: {problem}\n"));
            return Ok(Exit::Failed);
        }
        Err(Refusal::Journal(error)) => return Err(error.into()),
    };
    let names: Vec<_> = config.accounts.iter().map(|account| account.name.clone()).collect();
    let (is_new, since) = (!journal.exists(), clock::now());
    let (until, by) = (since + args.length, args.who.name());
    let hold = |target: &Target| NewHold {
        account: target.account.clone(),
        instance_id: target.instance_id.clone(),
        kind: HoldKind::Operator,
        since,
        until,
        reason: Some(args.reason.clone()),
        by: by.clone(),
    };
    journal.hold(&targets.iter().map(hold).collect::<Vec<_>>()).await?;
    for target in &targets {
        let own = Named { account: &target.account, all: &names };
        acknowledge::calls_under_way(&journal, Some((own, &target.instance_id))).await?;
    }
    let told = confirm(&targets, until, &journal).await;
    if is_new {
        operator::tell_begun(&journal, path);
    }
    journal.close().await;
    say(&told?)?;
    Ok(Exit::Done)
}

/// The config and the journal for a command about an account, which is one of the config if one is named.
fn opened(path: &Path, which: &Which) -> Result<(Config, Journal), Exit> {
    let config = operator::settings(path, &["journal", "accounts"])?;
    if let Some(name) = which.name() {
        one_of(&config.accounts, Some(name)).map_err(|problem| wrong_usage(&problem))?;
    }
    let journal = Journal::at(&config.journal);
    Ok((config, journal))
}

/// The instances that are meant.
async fn targets(
    args: &HoldArgs,
    config: &Config,
    journal: &Journal,
) -> Result<Vec<Target>, Refusal> {
    let account = args.which.name();
    let search = Search { config, journal, account };
    if let Some(text) = &args.matcher {
        let condition = matcher(text).map_err(Refusal::Ambiguous)?;
        return search.find(&Wanted::Match(&condition)).await;
    }
    let text = args.instance.as_deref().or(args.name.as_deref()).unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Refusal::Ambiguous("an instance's id or name is not empty".to_owned()));
    }
    if args.unseen {
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            let why = format!(
                "`{}` is no instance id: it has white space or control characters",
                shorten(text)
            );
            return Err(Refusal::Ambiguous(why));
        }
        let account = one_of(&config.accounts, account).map_err(Refusal::Ambiguous)?;
        return Ok(vec![Target {
            account: account.name.clone(),
            instance_id: text.to_owned(),
            name: None,
            note: Some(
                "neither the journal nor the inventory was asked for it (--unseen)".to_owned(),
            ),
        }]);
    }
    match &args.name {
        Some(name) => search.find(&Wanted::Name(name)).await,
        None => search.find(&Wanted::IdOrName(text)).await,
    }
}

/// Reads a matcher in the flow form of YAML.
fn matcher(text: &str) -> Result<Condition, String> {
    rules::parse_matcher("--match", text).map_err(|problems| {
        let rendered = diagnostic::render(&problems, false);
        format!("--match is not a matcher such as '{{ tags: {{ project: x }} }}'\n{rendered}")
    })
}

/// Says what is held, and what somebody should know of it.
async fn confirm(
    targets: &[Target],
    until: Timestamp,
    journal: &Journal,
) -> anyhow::Result<String> {
    let mut told = String::new();
    for target in targets {
        let Target { account, instance_id, name, note } = target;
        let call = journal.last_call(account, instance_id).await?;
        let id = shorten(instance_id);
        let name = name.as_deref().map(|name| format!("{}, ", shorten(name))).unwrap_or_default();
        writeln!(
            told,
            "{id} ({name}account {account}) is held until {until:.0}; `zenreaper unhold {id}` ends the hold"
        )?;
        for note in note.iter().cloned().chain(call.and_then(|call| warning(&call))) {
            writeln!(told, "  note: {note}")?;
        }
    }
    if targets.len() > 1 {
        writeln!(told, "{} instances are held until {until:.0}", targets.len())?;
    }
    Ok(told)
}

/// What a hold comes too late for.
fn warning(call: &LastCall) -> Option<String> {
    let LastCall { intended_at, outcome, verified } = call;
    let is_over = matches!(verified.as_deref(), Some("still_present" | "not_done"));
    let age = clock::now().duration_since(*intended_at);
    let undo = if age < RECYCLE_BIN {
        "; restore it in Zenlayer's console while it is in the recycle bin"
    } else {
        ""
    };
    match outcome.as_deref() {
        _ if is_over => None,
        Some("terminated" | "gone") => Some(format!(
            "its termination was accepted at {intended_at:.0}: a hold does not bring it back{undo}"
        )),
        Some("refused" | "failed") => None,
        Some(_) | None => Some(format!(
            "a call to terminate it was sent at {intended_at:.0}, and what became of it is not known; see `zenreaper history --instance`"
        )),
    }
}

/// Ends the hold of an instance.
pub(super) async fn unhold(path: &Path, args: UnholdArgs) -> anyhow::Result<Exit> {
    let (config, journal) = match opened(path, &args.which) {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    if !journal.exists() {
        return Ok(no_journal(&journal, path));
    }
    let now = clock::now();
    let held = held(&config, &journal, args.which.name(), now).await?;
    let search = Search { config: &config, journal: &journal, account: args.which.name() };
    let id = match named(&args.instance, &held, &search).await? {
        Ok(id) => id,
        Err(problem) => {
            journal.close().await;
            tell(&format!("error: {problem}\n"));
            return Ok(Exit::Failed);
        }
    };
    let of: Vec<&Held> = held.iter().filter(|hold| hold.instance_id == id).collect();
    let all: Vec<_> = config.accounts.iter().map(|account| account.name.clone()).collect();
    let known: Vec<_> = of.iter().filter(|hold| all.contains(&hold.account)).collect();
    if known.len() > 1 {
        let accounts: Vec<_> = known.iter().map(|hold| hold.account.as_str()).collect();
        let accounts = accounts.join(", ");
        let id = shorten(&id);
        return Ok(wrong_usage(&format!(
            "the id `{id}` is held in several accounts; --account names one of {accounts}"
        )));
    }
    let only = known.first().map(|hold| hold.account.as_str());
    let account = args.which.name().or(only).or(all.first().map(String::as_str));
    let account = account.unwrap_or_default();
    let (by, names) = (args.who.name(), Named { account, all: &all });
    let ended = journal.unhold(names, &id, by.as_deref(), now).await?;
    journal.close().await;
    let id = shorten(&id);
    if !ended {
        // It ended between the two looks.
        tell(&format!("error: {id} is not held any more\n"));
        return Ok(Exit::Failed);
    }
    say(&format!("{id} (account {account}) is not held any more\n"))?;
    Ok(Exit::Done)
}

/// What operators hold in the account that was named, or in all; holds of accounts that the config does not have count for each.
async fn held(
    config: &Config,
    journal: &Journal,
    account: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<Vec<Held>> {
    let is_known = |name: &str| config.accounts.iter().any(|own| own.name == name);
    let mut held = journal.holds(now).await?;
    held.retain(|hold| {
        let is_meant =
            account.is_none_or(|named| hold.account == named || !is_known(&hold.account));
        hold.kind == HoldKind::Operator.as_str() && is_meant
    });
    Ok(held)
}

/// The id of the held instance that is meant, or why none is.
async fn named(
    text: &str,
    held: &[Held],
    search: &Search<'_>,
) -> anyhow::Result<Result<String, String>> {
    if held.iter().any(|hold| hold.instance_id == text) {
        return Ok(Ok(text.to_owned()));
    }
    let known = search.journal.known().await?;
    let is_held = |id: &str| held.iter().any(|hold| hold.instance_id == id);
    let names = known.iter().filter(|one| is_held(&one.instance_id));
    let mut ids: Vec<_> = names
        .filter(|one| one.name.as_deref() == Some(text))
        .map(|one| one.instance_id.clone())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() && !held.is_empty() {
        // No rule ever touched it, so that only the inventory has its name.
        let found = search.find(&Wanted::Name(text)).await.unwrap_or_default();
        ids = found.into_iter().map(|one| one.instance_id).filter(|id| is_held(id)).collect();
    }
    let shown = shorten(text);
    Ok(match ids.len() {
        1 => Ok(ids.swap_remove(0)),
        0 => Err(format!("nobody holds `{shown}`; held: {}", listed(held))),
        _ => Err(format!(
            "several held instances have the name `{shown}`: {}; name one by its id",
            ids.join(", ")
        )),
    })
}

fn listed(held: &[Held]) -> String {
    if held.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<_> = held.iter().take(LISTED_MAX).map(|one| shorten(&one.instance_id)).collect();
    let more = if held.len() > LISTED_MAX { ", ... (see `zenreaper holds`)" } else { "" };
    shown.join(", ") + more
}

/// Lists what is held.
pub(super) async fn holds(path: &Path, args: HoldsArgs) -> anyhow::Result<Exit> {
    let journal = match operator::journal_of(path) {
        Ok(journal) => journal,
        Err(exit) => return Ok(exit),
    };
    if !journal.exists() {
        return Ok(no_journal(&journal, path));
    }
    let now = clock::now();
    let holds = journal.holds(now).await?;
    journal.close().await;
    let mut out = std::io::stdout().lock();
    match args.output {
        Output::Table => render::holds_table(&holds, now, &mut out),
        Output::Json => view::json(&holds, &mut out),
    }
    .or_else(super::ignore_closed_pipe)?;
    Ok(Exit::Done)
}
