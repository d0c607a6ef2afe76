//! `zenreaper apply`: exactly a saved plan, as far as it is still true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{exit::Exit, load, operator, progress::Console, tell};
use crate::{
    clock,
    config::Loaded,
    daemon,
    inventory::InstanceId,
    lifetime::shorten,
    plan::{Scope, Turn},
    rules::RuleName,
    run::Order,
    site::{Instruments, Site, process_env},
};

/// The largest plan that is read, in bytes; a plan for 100,000 machines has a third of it.
const PLAN_BYTES_MAX: u64 = 100 << 20;

/// How far ahead of our clock a plan may have been made.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// The decisions that a plan may have, and the one that is applied.
const DECISIONS: [&str; 5] = [TERMINATE, "notice", "wait", "skip", "keep"];
const TERMINATE: &str = "terminate";

/// What `apply` takes.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// A plan of `zenreaper plan --out FILE`.
    #[arg(value_name = "FILE")]
    plan: PathBuf,
}

/// A saved plan, as far as it matters.
#[derive(Deserialize)]
struct Saved {
    generated_at: Timestamp,
    digests: SavedDigests,
    accounts: Vec<SavedAccount>,
}

#[derive(Deserialize)]
struct SavedDigests {
    rules: String,
    config: String,
}

#[derive(Deserialize)]
struct SavedAccount {
    account: String,
    inventory: SavedInventory,
    decisions: Vec<SavedDecision>,
}

#[derive(Deserialize)]
struct SavedInventory {
    read_at: Timestamp,
}

#[derive(Deserialize)]
struct SavedDecision {
    instance_id: String,
    decision: String,
    rule: Option<String>,
}

/// Executes a saved plan.
pub(super) async fn apply(
    path: &Path,
    args: &ApplyArgs,
    console: &Console,
) -> anyhow::Result<Exit> {
    let loaded = match load(path) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let not_a_plan = || format!("{} is not a plan of `zenreaper plan --out`", args.plan.display());
    let saved = read(&args.plan).with_context(not_a_plan)?;
    saved.sound().map_err(anyhow::Error::msg).with_context(not_a_plan)?;
    if let Err(problem) = saved.known(&loaded) {
        return Ok(operator::wrong_usage(&format!("the plan {}: {problem}", args.plan.display())));
    }
    if let Err(why) = saved.check(&loaded, clock::now()) {
        tell(&format!("error: the plan {} is refused: {why}\n", args.plan.display()));
        return Ok(Exit::GuardRefused);
    }
    let stop = daemon::stop_on_signal()?;
    let instruments = Instruments::new(vec![console.sink()])?;
    instruments.prepare(&loaded);
    let site = Site::new(loaded, process_env)?;
    let results = site.run(|account| saved.order(account), &instruments, &stop).await;
    site.journal.close().await;
    Ok(Exit::of_runs(&results))
}

fn read(path: &Path) -> anyhow::Result<Saved> {
    let mut text = String::new();
    File::open(path)?.take(PLAN_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > PLAN_BYTES_MAX {
        anyhow::bail!("it is larger than {PLAN_BYTES_MAX} bytes");
    }
    Ok(serde_json::from_str(&text)?)
}

impl Saved {
    /// Whether the plan says what it would terminate, all of it and without a contradiction, or why not. What is skipped in silence
    /// would look like a plan that was applied.
    fn sound(&self) -> Result<(), String> {
        let mut accounts = BTreeSet::new();
        for SavedAccount { account, decisions, .. } in &self.accounts {
            if !accounts.insert(account) {
                return Err(format!("the account `{}` is in it twice", shorten(account)));
            }
            let mut ids = BTreeSet::new();
            for one in decisions {
                let id = shorten(&one.instance_id);
                if !ids.insert(&one.instance_id) {
                    return Err(format!("the instance `{id}` is in it twice"));
                }
                if !DECISIONS.contains(&one.decision.as_str()) {
                    let word = shorten(&one.decision);
                    return Err(format!("`{word}` is no decision (instance `{id}`)"));
                }
                let rule = one.rule.as_deref().map(RuleName::new);
                if one.decision == TERMINATE && !matches!(rule, Some(Ok(_))) {
                    return Err(format!("no rule terminates the instance `{id}`"));
                }
            }
        }
        Ok(())
    }

    /// Whether every account of the plan is one of the config, and there is any, or what is wrong.
    fn known(&self, loaded: &Loaded) -> Result<(), String> {
        let accounts = &loaded.config.accounts;
        if self.accounts.is_empty() {
            return Err("it has no account; make a new one".to_owned());
        }
        let mut names = self.accounts.iter().map(|saved| saved.account.as_str());
        names.try_for_each(|name| operator::one_of(accounts, Some(name)).map(drop))
    }

    /// Whether the plan may be applied at `now`, or why not.
    fn check(&self, loaded: &Loaded, now: Timestamp) -> Result<(), String> {
        let max = loaded.config.apply_max_age;
        if self.digests.rules != loaded.digests.rules {
            return Err("it was made by other rules; make a new one".to_owned());
        }
        if self.digests.config != loaded.digests.config {
            return Err("it was made by another config; make a new one".to_owned());
        }
        let read = self.accounts.iter().map(|account| account.inventory.read_at);
        let oldest = read.chain([self.generated_at]).min().unwrap_or(self.generated_at);
        let age = now.duration_since(oldest);
        if age > max {
            let age = SignedDuration::from_secs(age.as_secs());
            return Err(format!(
                "its inventory is {age:#} old, and apply.max_age allows {max:#}; make a new one"
            ));
        }
        if age < -AHEAD_MAX {
            return Err("it was made in the future; check the clock".to_owned());
        }
        Ok(())
    }

    /// A run for what of it is to be terminated in an account; `None` if the account is not in it.
    fn order(&self, account: &str) -> Option<Order> {
        let own = self.accounts.iter().find(|own| own.account == account)?;
        let targets = own.decisions.iter().filter_map(|one| {
            let rule = RuleName::new(one.rule.as_deref()?).ok()?;
            let is_target = one.decision == TERMINATE;
            is_target.then(|| (InstanceId::new(&one.instance_id), rule))
        });
        let scope = Scope::Saved(targets.collect::<BTreeMap<_, _>>());
        Some(Order { scope, turn: Turn::Asked })
    }
}
