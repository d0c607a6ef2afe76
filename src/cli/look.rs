//! What a command looks at before it says what would be done: the live inventory of the accounts, or a saved one.
//!
//! A saved inventory needs no credentials and makes no call; all else, what is remembered too, is as in a run. Looking never
//! acts and tells nobody anything.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;

use super::{exit::Exit, load, operator, progress::Console, tell};
use crate::{
    clock,
    cloud::{self, Client, saved},
    config::{self, Loaded},
    inventory::Inventory,
    lifetime::{self, TIMESTAMP_HELP},
    plan::{Turn, memory::Memory},
    site::{self, Basis, Env, process_env, side_by_side},
    view::{Seen, View},
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

impl LookArgs {
    /// Loads config and rules and finds what is meant, or tells what is wrong.
    pub(super) fn lookout(&self, path: &Path) -> Result<Lookout, Exit> {
        self.lookout_by(load(path)?)
    }

    /// The same by what was loaded.
    pub(super) fn lookout_by(&self, loaded: Loaded) -> Result<Lookout, Exit> {
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
    /// The account as it is, and which credentials it is listed with.
    Live(Client, String),
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

    /// Looks. A saved inventory that cannot be used is an error; a live one that cannot be had is told of its account.
    pub(super) async fn look(self, console: &Console) -> anyhow::Result<View> {
        let Self { loaded, place, env, at } = self;
        let basis = Basis::new(loaded);
        let mut accounts = Vec::new();
        let config = &basis.config;
        let sources = sources(&config.accounts, place, env)?;
        let listings = side_by_side(sources, |(account, source)| async move {
            let read_at = clock::now();
            let (listed, credentials) = match source {
                Source::Live(client, credentials) => {
                    (cloud::list(&client, &console.reading()).await, Some(credentials))
                }
                Source::Saved(inventory) => (Ok(inventory), None),
            };
            (account, read_at, listed, credentials)
        });
        for (account, read_at, listed, credentials) in listings.await {
            let (policy, limits) = (Arc::clone(&basis.policy), config.limits);
            let interval = config.interval(&account);
            let now = at.unwrap_or_else(clock::now);
            let memory = basis.record.remember(&account, now).await;
            let memory = memory.map(|memory| memory.at_turn(&Turn::Asked, &policy.rules, now));
            let memory = match (memory, &listed) {
                (Ok(memory), Ok(inventory)) => {
                    let by = (&*policy, &limits);
                    let checked = basis.record.check(&account, inventory, by, now).await;
                    checked.map(|checked| Memory { inventory: checked.check, ..memory })
                }
                (memory, _) => memory,
            };
            let listed = listed.map(Arc::new);
            accounts.push(Seen {
                account,
                credentials,
                policy,
                limits,
                interval,
                listed,
                memory,
                read_at,
            });
        }
        basis.record.journal.close().await;
        let Basis { config, record, policy: _ } = basis;
        let zone = config.timezone;
        Ok(View {
            mode: config.mode,
            digests: record.digests,
            schedule: config.schedule,
            zone,
            accounts,
        })
    }
}

/// Reads the instant that a command is asked about.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    lifetime::timestamp(text).map_err(|why| format!("{why}; expected {TIMESTAMP_HELP}"))
}

/// Every account that is looked at. All that can be wrong before the first call is found here.
fn sources(
    accounts: &[config::Account],
    place: Place,
    env: Env,
) -> anyhow::Result<Vec<(String, Source)>> {
    let live = |account: &config::Account| {
        let (client, credentials) = site::client(account, env)?;
        anyhow::Ok((account.name.clone(), Source::Live(client, credentials)))
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
