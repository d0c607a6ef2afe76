//! What zenreaper remembers: a SQLite file, written before a call is made.
//!
//! Here is the file and how it is written: one connection, one transaction at a time, each durable when it returns (WAL,
//! `synchronous=FULL`). What waits for the file while another transaction is written goes into the next one together, so that a
//! thousand intents do not cost a thousand fsyncs. What is written stands in the files below, one for each kind; the
//! SQL is what SQLite and PostgreSQL have in common.
//!
//! A file that is corrupt, of another program or of a newer version is refused and left as it is. A file that is deleted or
//! replaced while zenreaper runs is noticed at the next transaction: what went to the old one does not count as written.

mod decisions;
mod error;
mod file;
mod glance;
mod group;
mod history;
mod holds;
mod intents;
mod inventories;
mod known;
mod lease;
mod memory;
mod notices;
mod operator;
mod promises;
mod releases;
mod runs;
mod schema;
mod tag_keys;
mod terms;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use jiff::Timestamp;
use sqlx::{AnyConnection, Connection};
use tokio::sync::Mutex;

pub use self::{
    error::Error,
    glance::{Day, Glance, PastRun, Waiting},
    group::{Entry, Recorded},
    history::{ENTRIES_MAX, Entry as HistoryEntry, Filter, RECYCLE_BIN, recoverable_until},
    holds::{Held, Named, NewHold},
    intents::{Ending, Intent, OpenIntent, SettledIntent},
    inventories::Listed,
    known::{Known, LastCall},
    lease::{Applicant, Holder, LEASE, Lease},
    notices::{Unsent, Written},
    promises::{Ended, MoreNotices, NewPromise},
    releases::{Releasable, ReleaseIntent, Released},
    runs::{Began, Digests, LastRuns, RunEnd},
    terms::{Objection, Terms},
};
use self::{
    file::{Open, Presence},
    group::Group,
};

/// The journal. Clones share one connection, which is opened when it is first needed.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    open: Mutex<Option<Open>>,
    /// Whether it was open before: a journal that vanished is not begun anew in silence.
    was_open: AtomicBool,
    /// Whether the file that was open is no more in its place.
    is_lost: AtomicBool,
    group: Group,
}

impl Journal {
    /// The journal at `path`; nothing is opened yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        // Absolute, since a URL that begins with `sqlite://` names no folder to begin from.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let shared = Shared {
            path,
            open: Mutex::default(),
            was_open: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            group: Group::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Whether the file is there. One that we may not look for counts as there: whoever opens it is told why it cannot be used, and
    /// nobody takes it for a journal that knows of nothing.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.shared.path.try_exists().unwrap_or(true)
    }

    /// Closes the file, so that all of it is in one place. It is opened again if it is needed again.
    pub async fn close(&self) {
        if let Some(open) = self.shared.open.lock().await.take() {
            // What was written is on disk; that the log stays beside the file does no harm.
            drop(open.close().await);
        }
    }

    /// Reads; the file is made if there was none yet.
    async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Error> {
        let mut open = self.shared.open.lock().await;
        let open = self.opened(&mut open).await?;
        let done = work(&mut open.connection).await;
        done.map_err(|error| Error::of(self.path(), &error))
    }

    /// Writes in one transaction, which is on disk when this returns.
    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Error> {
        let mut open = self.shared.open.lock().await;
        self.write_to(&mut open, work).await
    }

    async fn write_to<T>(
        &self,
        slot: &mut Option<Open>,
        work: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Error> {
        let open = self.opened(slot).await?;
        let result = self.transaction(open, work).await;
        let in_place = |open: &mut Open| {
            matches!(open.presence(self.path()), Presence::Same | Presence::Touched)
        };
        if result.is_err() {
            // Whatever state the connection is in: the next one begins afresh. To let go of a file that moved is up to `opened`.
            drop(slot.take_if(in_place));
        }
        result
    }

    async fn transaction<T>(
        &self,
        open: &mut Open,
        work: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Error> {
        let fail = |error| Error::of(self.path(), &error);
        // Not `begin()`, which would take the lock only at the first write, and may then fail to get it.
        let mut transaction = open.connection.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
        let done = work(&mut transaction).await.map_err(fail)?;
        transaction.commit().await.map_err(fail)?;
        match open.presence(self.path()) {
            Presence::Same | Presence::Touched => Ok(done),
            Presence::Gone => Err(Error::Gone { path: self.shared.path.clone() }),
            Presence::Replaced => Err(Error::Replaced { path: self.shared.path.clone() }),
            Presence::CutOff => Err(Error::CutOff { path: self.shared.path.clone() }),
        }
    }
}

/// An instant as the journal writes it.
fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// An instant that the journal wrote.
fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// A count that the journal wrote.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
