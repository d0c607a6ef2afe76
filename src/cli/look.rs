//! What a command looks at before it says what would be done: the live inventory of the accounts, or a saved one.
//!
//! A saved inventory needs no credentials and makes no call; all else, what is remembered too, is as in a run. Looking never
//! acts and tells nobody anything.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{exit::Exit, load, operator, progress::Console, tell};
use crate::{
    clock,
    cloud::{self, Client, Unlisted, saved},
    config::{self, Loaded, Mode},
    inventory::Inventory,
    journal::{self, Digests},
    plan::{Policy, Turn, guard::Limits, memory::Memory},
    rules::Terms,
    schedule::Schedule,
    site::{self, Basis, Env, process_env},
};

/// What a command takes that looks at an inventory.
#[derive(Debug, Args)]
pub(super) struct LookArgs {
    /// Look at the inventory that `zenreaper inventory --out` saved in this file, without any call.
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Look at this account only; says whose a saved inventory is, if the config has several.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// Where it is looked.
enum Place {
    /// At all accounts as they are.
    AllLive,
    /// At this account as it is.
    Live(String),
    /// At what was saved of this account.
    Saved(String, PathBuf),
}

/// A look that is about to be taken.
pub(super) struct Lookout {
    loaded: Loaded,
    place: Place,
    env: Env,
    /// The instant that is asked about; `None`: now.
    at: Option<Timestamp>,
}

/// What was seen.
pub(super) struct View {
    /// Whether a run would terminate machines.
    pub(super) mode: Mode,
    /// By which rules and config it was looked.
    pub(super) digests: Digests,
    /// The schedule of the rules that have none of their own.
    pub(super) schedule: Schedule,
    /// What the rules were read by.
    pub(super) terms: Terms,
    /// Every account that was looked at.
    pub(super) accounts: Vec<Seen>,
}

/// What there is of an account, what is remembered of it, and what it is judged by.
pub(super) struct Seen {
    /// The account's name.
    pub(super) account: String,
    /// What instances are judged by.
    pub(super) policy: Arc<Policy>,
    /// The caps on a plan.
    pub(super) limits: Limits,
    /// The time between two calls to terminate.
    pub(super) interval: SignedDuration,
    /// Its inventory, or why there is none.
    pub(super) listed: Result<Inventory, Unlisted>,
    /// What is remembered of it; nothing, if there is no journal yet.
    pub(super) memory: Result<Memory, journal::Error>,
    /// When we began to read the inventory, also if it was saved before.
    pub(super) read_at: Timestamp,
}

impl LookArgs {
    /// Loads config and rules and finds what is meant, or tells what is wrong.
    pub(super) fn lookout(&self, path: &Path) -> Result<Lookout, Exit> {
        let loaded = load(path)?;
        let place = self.place(&loaded.config.accounts);
        let place = place.map_err(|problem| operator::wrong_usage(&problem))?;
        Ok(Lookout { loaded, place, env: process_env, at: None })
    }

    fn place(&self, accounts: &[config::Account]) -> Result<Place, String> {
        let named = || operator::one_of(accounts, self.account.as_deref());
        Ok(match (&self.inventory, &self.account) {
            (Some(file), _) => Place::Saved(named()?.name.clone(), file.clone()),
            (None, Some(_)) => Place::Live(named()?.name.clone()),
            (None, None) => Place::AllLive,
        })
    }
}

/// Where the inventory of one account comes from.
enum Source {
    Live(Client),
    Saved(Inventory),
}

impl Lookout {
    /// A look at all accounts as they are.
    pub(super) fn live(loaded: Loaded, env: Env) -> Self {
        Self { loaded, place: Place::AllLive, env, at: None }
    }

    /// The same, about another instant than now.
    pub(super) fn about(self, at: Option<Timestamp>) -> Self {
        Self { at, ..self }
    }

    /// What the rules were read by.
    pub(super) fn terms(&self) -> Terms {
        terms(&self.loaded.config)
    }

    /// Looks. A saved inventory that cannot be used is an error; a live one that cannot be had is told of its account.
    pub(super) async fn look(self, console: &Console) -> anyhow::Result<View> {
        let Self { loaded, place, env, at } = self;
        let basis = Basis::new(loaded);
        let mut accounts = Vec::new();
        let config = &basis.config;
        for (account, source) in sources(&config.accounts, place, env)? {
            let read_at = clock::now();
            let listed = match source {
                Source::Live(client) => cloud::list(&client, &console.reading()).await,
                Source::Saved(inventory) => Ok(inventory),
            };
            let (policy, limits) = (Arc::clone(&basis.policy), config.limits);
            let interval = interval(&config.accounts, &account);
            let now = at.unwrap_or_else(clock::now);
            let memory = basis.record.remember(&account, now).await;
            let memory = memory.map(|memory| memory.at_turn(&Turn::Asked, &policy.rules, now));
            accounts.push(Seen { account, policy, limits, interval, listed, memory, read_at });
        }
        basis.record.journal.close().await;
        let Basis { config, record, policy: _ } = basis;
        let (mode, terms) = (config.mode, terms(&config));
        Ok(View { mode, digests: record.digests, schedule: config.schedule, terms, accounts })
    }
}

fn terms(config: &config::Config) -> Terms {
    Terms { zone: config.timezone.clone(), release: config.release }
}

/// The time between two calls to terminate in an account.
fn interval(accounts: &[config::Account], name: &str) -> SignedDuration {
    let account = accounts.iter().find(|account| account.name == name);
    let interval = account.map(|account| account.settings.terminate_rate.interval());
    interval.and_then(|interval| interval.try_into().ok()).unwrap_or_default()
}

impl Seen {
    /// What there is and what is remembered of it, or why it cannot be said what will be done.
    pub(super) fn known(&self) -> Result<(&Inventory, &Memory), String> {
        let inventory = self.listed.as_ref().map_err(ToString::to_string)?;
        let without = |error: &journal::Error| {
            format!("{error}; without it a run terminates nothing, and nothing can be said")
        };
        Ok((inventory, self.memory.as_ref().map_err(without)?))
    }
}

/// Reads the instant that a command is asked about.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "expected a timestamp with its offset, such as 2026-11-24T09:00:00Z".to_owned()
    })
}

/// Every account that is looked at. All that can be wrong before the first call is found here.
fn sources(
    accounts: &[config::Account],
    place: Place,
    env: Env,
) -> anyhow::Result<Vec<(String, Source)>> {
    let live = |account: &config::Account| {
        anyhow::Ok((account.name.clone(), Source::Live(site::client(account, env)?)))
    };
    match place {
        Place::AllLive => accounts.iter().map(live).collect(),
        Place::Live(name) => {
            accounts.iter().filter(|account| account.name == name).map(live).collect()
        }
        Place::Saved(name, file) => {
            let inventory = saved::read(&file)?;
            tell(&format!(
                "note: this is about the inventory saved in {}, not about what there is now\n",
                file.display()
            ));
            Ok(vec![(name, Source::Saved(inventory))])
        }
    }
}
