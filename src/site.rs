//! What a config comes to: clients, rules and instruments, ready to run.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{
    board::Board,
    clock,
    cloud::Client,
    config::{self, Config, Loaded, Mode},
    credentials::{self, Found},
    execute,
    health::Health,
    host,
    journal::Journal,
    lease::Owner,
    log,
    metrics::{Expected, Metrics},
    notify::Notifier,
    plan::{Policy, Turn, memory::Memory},
    record::{self, Audience},
    report::{Event, Events, RunResult, Sink},
    rules::{Action, RuleSet},
    run::{Order, Setup, run_once},
    view::{Seen, View},
};

/// The metrics, the health and the sinks that a process has one of.
#[derive(Clone)]
pub struct Instruments {
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The health.
    pub health: Arc<Health>,
    /// What there is to be seen.
    pub board: Arc<Board>,
    sinks: Vec<Sink>,
}

impl Instruments {
    /// Instruments that write the log, count, and tell `more` sinks.
    pub fn new(more: Vec<Sink>) -> anyhow::Result<Self> {
        let (metrics, health) = (Arc::new(Metrics::new()?), Arc::new(Health::default()));
        let board = Arc::new(Board::default());
        let (counting, watching) = (Arc::clone(&metrics), Arc::clone(&health));
        let showing = Arc::clone(&board);
        let mut sinks: Vec<Sink> = vec![
            Arc::new(log::observe),
            Arc::new(move |record| counting.observe(record, clock::now())),
            Arc::new(move |record| watching.observe(record)),
            Arc::new(move |record| showing.observe(record, clock::now())),
        ];
        sinks.extend(more);
        Ok(Self { metrics, health, board, sinks })
    }

    /// Notes when the next run is due.
    pub fn next_run(&self, at: Option<Timestamp>) {
        self.metrics.next_run(at);
        self.board.next_run(at);
    }

    /// Notes how runs ended before the service began, as the journal knows it, for accounts that had none since. A journal that
    /// cannot be read is for others to tell.
    pub async fn recall(&self, journal: &Journal) {
        let before = journal.last_runs().await.unwrap_or_default();
        for (account, before) in &before {
            if self.board.recall(account, before) {
                self.metrics.recall(account, before);
            }
        }
    }

    /// Makes everything ready that depends on the config.
    pub fn prepare(&self, loaded: &Loaded) {
        let accounts = || loaded.config.accounts.iter().map(|account| account.name.as_str());
        self.metrics.expect_accounts(accounts());
        let expected = expected(loaded);
        for account in accounts() {
            self.metrics.prepare(account, &expected);
        }
        self.metrics
            .expect_sinks(loaded.config.notices.sinks.iter().map(|sink| sink.name.as_str()));
        self.metrics.enforcing(loaded.config.mode == Mode::Enforce);
        self.metrics.reloaded(true, clock::now());
        self.board.expect(&loaded.config, clock::now());
        self.health.expect(accounts());
    }
}

/// What the metrics may ever count by a config and its rules.
fn expected(loaded: &Loaded) -> Expected<'_> {
    let is_enforcing = loaded.config.mode == Mode::Enforce;
    let rules = || loaded.rules.rules.iter().filter(|_| is_enforcing);
    let releasing = rules().filter(|rule| rule.action == Action::Release);
    Expected {
        terminating: rules().map(|rule| rule.name.as_str()).collect(),
        releasing: releasing.map(|rule| rule.name.as_str()).collect(),
    }
}

/// How often the journal forgets what is older than `journal_retention`.
const PRUNE_INTERVAL: Duration = Duration::from_hours(24);

/// How long a run may say nothing while it neither waits for a turn nor for an answer of the API: it writes the journal, plans, or
/// sends a mail to a slow server.
const OWN_QUIET_MAX: Duration = Duration::from_mins(5);

/// The environment that credentials are looked up in.
pub type Env = fn(&str) -> Option<String>;

/// The environment of this process.
#[must_use]
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a config comes to without credentials: what machines are judged by, and what is remembered of them.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The config.
    pub config: Config,
    /// What instances are judged by.
    pub policy: Arc<Policy>,
    /// How runs are recorded, and where what is remembered lies.
    pub record: record::Settings,
}

impl Basis {
    /// Takes what was loaded, with the journal that it names.
    #[must_use]
    pub fn new(loaded: Loaded) -> Self {
        let journal = Journal::at(&loaded.config.journal);
        Self::with(loaded, journal)
    }

    fn with(loaded: Loaded, journal: Journal) -> Self {
        let Loaded { config, rules, rule_files: _, digests, origin: _, warnings: _ } = loaded;
        let policy =
            Arc::new(Policy { rules, protect: config.protect.clone(), host: host::read() });
        let record = record::Settings {
            journal,
            accounts: config.accounts.iter().map(|account| account.name.clone()).collect(),
            audience: Arc::new(Audience::of_all(&config.notices)),
            commitment_hold: config.commitment_hold,
            digests,
            mode: config.mode,
            owner: Owner::of_this_process(),
        };
        Self { config, policy, record }
    }
}

/// How many accounts are listed or run at once. More would compete for one processor and one journal; the others wait.
pub const ACCOUNTS_AT_ONCE: usize = 8;

/// How many accounts are named in one line of the log.
const NAMED_MAX: usize = 10;

/// Does `work` for every item, at most [`ACCOUNTS_AT_ONCE`] at a time, so that one account that does not answer delays no other.
/// The results have the order of the items.
pub async fn side_by_side<T, F: Future>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> F,
) -> Vec<F::Output> {
    let numbered = items.into_iter().enumerate().map(|(n, item)| {
        let done = work(item);
        async move { (n, done.await) }
    });
    let mut done: Vec<_> =
        stream::iter(numbered).buffer_unordered(ACCOUNTS_AT_ONCE).collect().await;
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Returns the client of an account, and in words which credentials it has. Warnings on these go to the log.
pub fn client(account: &config::Account, env: Env) -> anyhow::Result<(Client, String)> {
    let Found { credentials, origin, warnings } = credentials::find(&account.name, &env)?;
    credentials::log(&warnings);
    let client = Client::new(account.settings.clone(), credentials)
        .with_context(|| format!("there is no HTTP client for the account `{}`", account.name))?;
    Ok((client, origin.to_string()))
}

/// What a config comes to: a run for each account.
#[derive(Clone, Debug)]
pub struct Site {
    /// The config.
    pub config: Config,
    /// A run for each account.
    pub setups: Vec<Setup>,
    /// What instances are judged by, in every account.
    policy: Arc<Policy>,
    /// The journal of all of them.
    pub journal: Journal,
    /// When the journal last forgot what is old.
    pruned: Arc<Mutex<Option<Instant>>>,
    /// What was loaded while a run goes on.
    reloaded: Arc<watch::Sender<Option<Arc<execute::Reloaded>>>>,
}

impl Site {
    /// Finds credentials and makes clients for what was loaded.
    pub fn new(loaded: Loaded, env: Env) -> anyhow::Result<Self> {
        let notifier = notifier(&loaded.config, env)?;
        let journal = Journal::at(&loaded.config.journal);
        Self::made_of(loaded, env, &notifier, (journal, Arc::default()))
    }

    /// The same for what was loaded anew; a journal in the same place stays open.
    pub fn reloaded(&self, loaded: Loaded, env: Env) -> anyhow::Result<Self> {
        if self.config.journal != loaded.config.journal {
            return Self::new(loaded, env);
        }
        let notifier = notifier(&loaded.config, env)?;
        let kept = (self.journal.clone(), Arc::clone(&self.pruned));
        Self::made_of(loaded, env, &notifier, kept)
    }

    fn made_of(
        loaded: Loaded,
        env: Env,
        notifier: &Notifier,
        (journal, pruned): (Journal, Arc<Mutex<Option<Instant>>>),
    ) -> anyhow::Result<Self> {
        let Basis { config, policy, record } = Basis::with(loaded, journal.clone());
        let reloaded = Arc::new(watch::Sender::new(None));
        let setup = |account: &config::Account| {
            let (client, credentials) = client(account, env)?;
            anyhow::Ok(Setup {
                account: account.name.clone(),
                client,
                credentials,
                policy: Arc::clone(&policy),
                limits: config.limits,
                execute: execute::Settings {
                    mode: config.mode,
                    max_in_flight: account.max_in_flight,
                },
                record: record.clone(),
                notifier: notifier.clone(),
                reloaded: reloaded.subscribe(),
            })
        };
        let setups = config.accounts.iter().map(setup).collect::<Result<Vec<_>, _>>()?;
        distinct(&setups)?;
        Ok(Self { config, setups, policy, journal, pruned, reloaded })
    }

    /// Has a run that goes on heed what was loaded anew: what is stricter counts from its next call on.
    pub fn heed(&self, loaded: Loaded) {
        let Basis { config, policy, record } = Basis::with(loaded, self.journal.clone());
        let reloaded = execute::Reloaded { policy, mode: config.mode, accounts: record.accounts };
        self.reloaded.send_replace(Some(Arc::new(reloaded)));
    }

    /// The rules, the same for every account.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.policy.rules
    }

    /// How long a run may say nothing if all is well with it.
    #[must_use]
    pub fn quiet_max(&self) -> Duration {
        let clients = self.setups.iter().map(|setup| setup.client.quiet_max());
        OWN_QUIET_MAX + clients.max().unwrap_or_default()
    }

    /// Runs once for each account that has an order, some of them at once; how each run ended, in the order of the config.
    pub async fn run(
        &self,
        order_of: impl Fn(&str) -> Option<Order>,
        instruments: &Instruments,
        stop: &CancellationToken,
    ) -> Vec<RunResult> {
        let run = &*id_of_now();
        let ordered: Vec<(&Setup, Order)> = self
            .setups
            .iter()
            .filter_map(|setup| Some((setup, order_of(&setup.account)?)))
            .collect();
        let ended = side_by_side(&ordered, |(setup, order)| async move {
            // An account whose turn comes after we were told to stop does not begin, and has nothing to tell.
            if stop.is_cancelled() {
                return None;
            }
            Some(run_guarded(setup, order, run, instruments, stop).await)
        })
        .await;
        let accounts = ordered.iter().map(|(setup, _)| setup.account.as_str());
        let skipped: Vec<_> =
            accounts.zip(&ended).filter(|(_, one)| one.is_none()).map(|(name, _)| name).collect();
        tell_skipped(run, &skipped);
        let results: Vec<_> =
            ended.into_iter().map(|one| one.unwrap_or(RunResult::Interrupted)).collect();
        if results.iter().any(|result| result.knows_the_time()) && self.is_time_to_prune() {
            self.prune().await;
        }
        results
    }

    /// What is to be seen after a run, as `zenreaper plan` would see it: what was listed, and what is remembered by now. `None` if
    /// nothing was listed yet.
    pub async fn view(&self, board: &Board) -> Option<View> {
        let listings = board.state().accounts;
        let mut accounts = Vec::with_capacity(self.setups.len());
        for Setup { account, credentials, policy, limits, record, .. } in &self.setups {
            let Some(known) = listings.get(account) else { continue };
            let (read_at, listed) = match (&known.listed, &known.unlisted) {
                (Some((read_at, inventory)), _) => (*read_at, Ok(Arc::clone(inventory))),
                (None, Some(unlisted)) => (clock::now(), Err(unlisted.clone())),
                (None, None) => continue,
            };
            let now = clock::now();
            let memory = record.memory(account, now).await;
            let memory = memory.map(|memory| memory.at_turn(&Turn::Asked, &policy.rules, now));
            let memory = match (memory, &listed) {
                (Ok(memory), Ok(inventory)) => {
                    let by = (&**policy, limits);
                    let checked = record.check_again(account, inventory, by, now).await;
                    checked.map(|checked| Memory { inventory: checked.check, ..memory })
                }
                (memory, _) => memory,
            };
            let (account, policy) = (account.clone(), Arc::clone(policy));
            let interval = self.config.interval(&account);
            accounts.push(Seen {
                account,
                credentials: Some(credentials.clone()),
                policy,
                limits: *limits,
                interval,
                listed,
                memory,
                read_at,
            });
        }
        let digests = self.setups.first()?.record.digests.clone();
        let Config { mode, schedule, timezone, .. } = &self.config;
        let (schedule, zone) = (schedule.clone(), timezone.clone());
        (!accounts.is_empty()).then_some(View { mode: *mode, digests, schedule, zone, accounts })
    }

    /// Whether the journal is to forget now; it notes that it does.
    fn is_time_to_prune(&self) -> bool {
        let mut pruned = self.pruned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = pruned.is_none_or(|last| last.elapsed() >= PRUNE_INTERVAL);
        if is_time {
            *pruned = Some(clock::monotonic());
        }
        is_time
    }

    /// Forgets what is old. That it did not work is no failure of the run, whose own writes tell of a broken journal.
    async fn prune(&self) {
        let before = clock::now().checked_sub(self.config.retention);
        let pruned = self.journal.prune(before.unwrap_or(Timestamp::MIN)).await;
        if let Err(error) = pruned {
            warn!("the journal forgets nothing: {error}");
        }
    }
}

/// Runs once for one account; a panic ends its run and no other.
async fn run_guarded(
    setup: &Setup,
    order: &Order,
    run: &str,
    instruments: &Instruments,
    stop: &CancellationToken,
) -> RunResult {
    let events = Events::new(run, &setup.account, &instruments.sinks);
    let started = clock::monotonic();
    let result = AssertUnwindSafe(run_once(setup, order, &events, stop)).catch_unwind().await;
    result.unwrap_or_else(|_| {
        error!(run, account = setup.account, "the run panicked; please report this");
        events.emit(Event::Ended(RunResult::Panicked, started.elapsed()));
        RunResult::Panicked
    })
}

/// Writes one line about all accounts whose run did not begin.
fn tell_skipped(run: &str, accounts: &[&str]) {
    if accounts.is_empty() {
        return;
    }
    let named = accounts.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = accounts.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let count = accounts.len();
    warn!(run, accounts = count, "stopped before these accounts began: {named}{more}");
}

/// An error if two accounts are the same one: what an operator keeps in one of them, the other would not know, and each would have
/// caps of its own.
fn distinct(setups: &[Setup]) -> anyhow::Result<()> {
    for (n, one) in setups.iter().enumerate() {
        let is_same = |other: &&Setup| one.client.sees_the_same(&other.client);
        if let Some(other) = setups.iter().take(n).find(is_same) {
            bail!(
                "the accounts `{}` and `{}` have the same endpoint and the same credentials, so that they are one; give each its own \
                 credentials as zenlayer.<account>.access_key_id and so on, or take one of them out",
                other.account,
                one.account
            );
        }
    }
    Ok(())
}

fn notifier(config: &Config, env: Env) -> anyhow::Result<Notifier> {
    Ok(Notifier::new(&config.notices, |sink| credentials::of_sink(sink, &env))?)
}

/// An id for a run: its time of beginning, which also sorts.
fn id_of_now() -> String {
    clock::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string()
}
