//! What there is to be seen of the service: what the runs report, and what follows from the last of them.
//!
//! Runs write here, pages and the API read. What is heavy to work out is worked out once after a run, beside the service and for
//! a tenth of one core at the most, so that neither a run nor a reader waits for it. It never acts, and knows no secret.

mod errors;
mod memo;
mod scene;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use tokio::{sync::Notify, task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use self::memo::Memo;
pub use self::{
    errors::{Errors, Seen as SeenError},
    memo::{DONE_DAYS, DONE_MAX},
    scene::{AccountScene, Coming, CountedRule, Note, Owed, Scene, Told},
};
use crate::{
    clock,
    cloud::Unlisted,
    config::{Config, Mode},
    inventory::{InstanceId, Inventory},
    journal::{Glance, Journal, LastRuns},
    plan::memory::Pause,
    report::{Event, Outcome, Record, RunResult},
    view::View,
};

/// How much longer than the last scene took the next one waits: a tenth of one core is spent on them.
const REST_FACTOR: u32 = 9;

/// What there is to be seen.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<State>,
    view: Mutex<Option<View>>,
    scene: Mutex<Option<Arc<Scene>>>,
    memo: Memo,
    changed: Notify,
}

/// What the runs reported so far, and by what they run.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// By what the service runs; `None` before it began.
    pub terms: Option<Terms>,
    /// When the next run is due.
    pub next_run_at: Option<Timestamp>,
    /// The pause, if an operator said so.
    pub pause: Option<Pause>,
    /// Every account.
    pub accounts: BTreeMap<String, Account>,
    /// The failed answers since the service began.
    pub errors: Errors,
    /// What became of the notices since the service began, by sink.
    pub sinks: BTreeMap<String, Sink>,
}

/// By what the service runs.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Since when the service runs, or the config was last read.
    pub since: Timestamp,
    /// Whether machines are terminated.
    pub mode: Mode,
    /// When runs begin.
    pub schedule: String,
    /// The time zone of dates.
    pub zone: TimeZone,
}

/// What is known of an account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Since when a run is under way.
    pub running_since: Option<Timestamp>,
    /// Whether a run ended since the service began; the last one may be of before.
    pub has_run: bool,
    /// The last run that ended.
    pub last_run: Option<LastRun>,
    /// When the last successful run ended.
    pub last_success_at: Option<Timestamp>,
    /// The last complete listing, and when it was read; without what went in the run that read it, once that has ended.
    pub listed: Option<(Timestamp, Arc<Inventory>)>,
    /// The machines that went since that was read.
    pub(crate) went: HashSet<InstanceId>,
    /// Why the last listing failed, if it did.
    pub unlisted: Option<Unlisted>,
    /// Why a guard refused the last plan, if it did.
    pub refusal: Option<String>,
}

/// A run that ended.
#[derive(Clone, Debug)]
pub struct LastRun {
    /// Its id.
    pub id: String,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How.
    pub result: RunResult,
    /// How long it took.
    pub elapsed: Duration,
}

/// What became of the notices of a sink.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    /// How many were sent.
    pub sent: u64,
    /// How often they could not be.
    pub failed: u64,
    /// Why the last delivery failed, if it did.
    pub problem: Option<String>,
}

impl Board {
    /// Takes note of a config; what is known of accounts and sinks that it does not name is forgotten.
    pub fn expect(&self, config: &Config, now: Timestamp) {
        let mut state = lock(&self.state);
        let accounts = config.accounts.iter().map(|account| account.name.clone());
        let mut known = std::mem::take(&mut state.accounts);
        state.accounts =
            accounts.map(|name| (name.clone(), known.remove(&name).unwrap_or_default())).collect();
        let sinks = config.notices.sinks.iter().map(|sink| sink.name.clone());
        let mut known = std::mem::take(&mut state.sinks);
        state.sinks =
            sinks.map(|name| (name.clone(), known.remove(&name).unwrap_or_default())).collect();
        state.terms = Some(Terms {
            since: now,
            mode: config.mode,
            schedule: config.schedule.pattern().to_owned(),
            zone: config.timezone.clone(),
        });
    }

    /// Notes how an account's last runs ended before the service began; whether that is news, as none ended since.
    pub fn recall(&self, account: &str, before: &LastRuns) -> bool {
        let LastRuns { run, started_at, ended_at, result, refusal, last_success_at } = before;
        let mut state = lock(&self.state);
        let Some(known) = state.accounts.get_mut(account).filter(|known| !known.has_run) else {
            return false;
        };
        known.last_run = Some(LastRun {
            id: run.clone(),
            ended_at: *ended_at,
            result: *result,
            elapsed: ended_at.duration_since(*started_at).try_into().unwrap_or_default(),
        });
        known.last_success_at = *last_success_at;
        known.refusal.clone_from(refusal);
        true
    }

    /// Notes when the next run is due.
    pub fn next_run(&self, at: Option<Timestamp>) {
        lock(&self.state).next_run_at = at;
    }

    /// Notes whether an operator paused all terminations.
    pub fn paused(&self, pause: Option<Pause>) {
        lock(&self.state).pause = pause;
    }

    /// Notes what an event says that happened at `now`.
    pub fn observe(&self, record: &Record<'_>, now: Timestamp) {
        let mut state = lock(&self.state);
        match record.event {
            Event::Wire(seen) => state.errors.take(record.account, seen, now),
            Event::Delivered(sink, _, notices, result) => {
                let sink = state.sinks.entry(sink.to_owned()).or_default();
                sink.take(notices as u64, result);
            }
            Event::Started(_)
            | Event::LeaseTaken
            | Event::LeaseHeld(_)
            | Event::LeaseLost(_)
            | Event::Reading(..)
            | Event::Listed(_)
            | Event::Unlisted(_)
            | Event::Planned(_)
            | Event::Refused(_)
            | Event::Dropped(..)
            | Event::OutOfReach(..)
            | Event::Rehearsed(..)
            | Event::Acted(..)
            | Event::Released(..)
            | Event::Settled(_)
            | Event::Paused(_)
            | Event::Promised(..)
            | Event::Withdrawn(..)
            | Event::Unrecorded(_)
            | Event::Ended(..) => {
                let account = state.accounts.entry(record.account.to_owned()).or_default();
                account.take(record, now);
            }
        }
    }

    /// What the runs reported so far.
    #[must_use]
    pub fn state(&self) -> State {
        lock(&self.state).clone()
    }

    /// What follows from the last run, if there was one.
    #[must_use]
    pub fn scene(&self) -> Option<Arc<Scene>> {
        lock(&self.scene).clone()
    }

    /// From where it reads what was done, if from anywhere.
    pub fn reads(&self, journal: Option<Journal>) {
        self.memo.reads(journal);
    }

    /// The journal that it reads from.
    #[must_use]
    pub fn journal(&self) -> Option<Journal> {
        self.memo.journal()
    }

    /// What the journal tells at a glance, a few seconds old at the most; or why it tells nothing.
    pub async fn glance(&self, now: Timestamp) -> Result<Arc<Glance>, String> {
        let zone =
            lock(&self.state).terms.as_ref().map_or(TimeZone::UTC, |terms| terms.zone.clone());
        self.memo.glance(now, &zone).await
    }

    /// Has the scene made anew from what was seen; in the place of one that is still to be made.
    pub fn show(&self, view: View) {
        *lock(&self.view) = Some(view);
        self.memo.forget();
        self.changed.notify_one();
    }

    /// Makes a scene of whatever is shown, until `stop` is cancelled.
    pub async fn keep_fresh(&self, stop: &CancellationToken) {
        let work = async {
            loop {
                self.changed.notified().await;
                let view = lock(&self.view).take();
                let Some(view) = view else { continue };
                let started = clock::monotonic();
                let made = spawn_blocking(move || Scene::of(view, clock::now())).await;
                match made {
                    Ok(scene) => {
                        let mut slot = lock(&self.scene);
                        *slot = Some(Arc::new(scene));
                    }
                    Err(error) => tracing::error!("the status page is not renewed: {error}"),
                }
                sleep(started.elapsed().saturating_mul(REST_FACTOR)).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }
}

/// A panic elsewhere is no reason to show nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    fn take(&mut self, record: &Record<'_>, now: Timestamp) {
        match record.event {
            Event::Started(_) => self.running_since = Some(now),
            Event::Listed(inventory) => {
                self.listed = Some((now, Arc::clone(inventory)));
                self.unlisted = None;
                self.went.clear();
                self.refusal = None;
            }
            Event::Unlisted(unlisted) => self.unlisted = Some(unlisted.clone()),
            Event::Acted(instance, _, act) => {
                if matches!(act.outcome, Outcome::Terminated | Outcome::Gone) {
                    self.went.insert(instance.id.clone());
                }
            }
            Event::Refused(refusal) => self.refusal = Some(refusal.to_string()),
            Event::Ended(result, elapsed) => {
                self.running_since = None;
                self.has_run = true;
                self.settle();
                if result == RunResult::Success {
                    self.last_success_at = Some(now);
                }
                let id = record.run.to_owned();
                self.last_run = Some(LastRun { id, ended_at: now, result, elapsed });
            }
            // What else there is, the journal tells.
            Event::LeaseTaken
            | Event::LeaseHeld(_)
            | Event::LeaseLost(_)
            | Event::Reading(..)
            | Event::Planned(_)
            | Event::Dropped(..)
            | Event::OutOfReach(..)
            | Event::Rehearsed(..)
            | Event::Released(..)
            | Event::Settled(_)
            | Event::Paused(_)
            | Event::Promised(..)
            | Event::Withdrawn(..)
            | Event::Delivered(..)
            | Event::Unrecorded(_)
            | Event::Wire(_) => {}
        }
    }

    /// What went is not to be told as what goes next.
    fn settle(&mut self) {
        if let Some((_, inventory)) = self.listed.as_mut().filter(|_| !self.went.is_empty()) {
            // The run is over, so this is the only one and nothing is copied, but for a reader that looks right now.
            Arc::make_mut(inventory).recycle(&self.went);
        }
        self.went.clear();
    }
}

impl Sink {
    fn take(&mut self, notices: u64, result: Result<(), &str>) {
        match result {
            Ok(()) => {
                self.sent += notices;
                self.problem = None;
            }
            Err(why) => {
                self.failed += notices;
                self.problem = Some(why.to_owned());
            }
        }
    }
}
