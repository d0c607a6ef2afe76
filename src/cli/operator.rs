//! What an operator says between runs: pause, resume, accept-inventory, and what holds have in common with these. All of it goes to the
//! journal, where a run in progress looks before each machine.

use std::path::Path;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{acknowledge, exit::Exit, say, tell};
use crate::{
    clock, config,
    diagnostic::{self, Problem},
    journal::Journal,
    lifetime::{self, shorten},
    plan::memory::Pause,
};

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
pub(super) struct Who {
    /// Who says so; by default the user.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The account, if it cannot be told which one is meant.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

impl Who {
    /// The name that was given, else that of the user.
    pub(super) fn name(self) -> Option<String> {
        let of = |name: &str| std::env::var(name).ok().filter(|name| !name.is_empty());
        self.by.or_else(|| of("SUDO_USER")).or_else(|| of("USER"))
    }
}

impl Which {
    /// The account that was named.
    pub(super) fn name(&self) -> Option<&str> {
        self.account.as_deref()
    }

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
        let wrong = named.map(|name| format!("`{}` is not an account; ", shorten(name)));
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

/// Says that there is no journal where the config has it: "nothing" would be no answer.
pub(super) fn no_journal(journal: &Journal, config: &Path) -> Exit {
    tell(&format!(
        "error: there is no journal at {}; check `journal` in {}, or name the service's config by --config; the first run begins one\n",
        journal.path().display(),
        config.display()
    ));
    Exit::Failed
}

/// Tells that a command began a journal: what it says counts only for whoever uses the same one.
pub(super) fn tell_begun(journal: &Journal, config: &Path) {
    tell(&format!(
        "note: there was no journal at {}, so a new one was begun there; if the service uses another, check `journal` in {}\n",
        journal.path().display(),
        config.display()
    ));
}

/// The account that is meant, and the journal.
fn account_of(path: &Path, which: Which) -> Result<(String, Journal), Exit> {
    let config = settings(path, &["journal", "accounts"])?;
    match which.of(&config.accounts) {
        Ok(account) => Ok((account, Journal::at(&config.journal))),
        Err(problem) => Err(wrong_usage(&problem)),
    }
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
    let is_new = !journal.exists();
    journal.pause(&pause).await?;
    acknowledge::calls_under_way(&journal, None).await?;
    journal.close().await;
    if is_new {
        tell_begun(&journal, path);
    }
    say(&format!("{pause}\nNothing is terminated any more; `zenreaper resume` ends that.\n"))?;
    Ok(Exit::Done)
}

/// Ends the pause.
pub(super) async fn resume(path: &Path, args: ResumeArgs) -> anyhow::Result<Exit> {
    let journal = match journal_of(path) {
        Ok(journal) => journal,
        Err(exit) => return Ok(exit),
    };
    if !journal.exists() {
        return Ok(no_journal(&journal, path));
    }
    let by = args.who.name();
    let ended = journal.resume(by.as_deref(), clock::now()).await?;
    journal.close().await;
    say(if ended { "resumed\n" } else { "there was no pause\n" })?;
    Ok(Exit::Done)
}

/// Accepts the inventory that was rejected last.
pub(super) async fn accept_inventory(path: &Path, args: AcceptArgs) -> anyhow::Result<Exit> {
    let (account, journal) = match account_of(path, args.which) {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    if !journal.exists() {
        return Ok(no_journal(&journal, path));
    }
    let by = args.who.name();
    let accepted = journal.accept_inventory(&account, by.as_deref(), clock::now()).await?;
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
