//! What the journal tells at a glance, read for all readers at once: however many there are, the runs that write it hardly notice.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::{Instant, timeout};

use super::lock;
use crate::{
    clock,
    journal::{self, Filter, Glance, Journal},
};

/// How old a glance may be.
const AGE_MAX: Duration = Duration::from_secs(2);

/// How long it may take.
const READ_MAX: Duration = Duration::from_secs(3);

/// How many days back it goes.
pub const DONE_DAYS: i64 = 14;

/// The most entries of one kind that are shown.
pub const DONE_MAX: u32 = 20;

/// Said in the place of a glance that takes too long.
const BUSY: &str = "the journal is busy; look again in a moment";

/// What the journal tells at a glance.
#[derive(Debug, Default)]
pub(super) struct Memo {
    journal: Mutex<Option<Journal>>,
    last: Arc<Mutex<Option<Last>>>,
    /// Held by the one that reads until it has read, whether or not anybody still waits for it.
    reader: Arc<tokio::sync::Mutex<()>>,
}

/// The last glance, and when it was read.
#[derive(Clone, Debug)]
struct Last {
    read_at: Instant,
    glance: Arc<Glance>,
}

impl Memo {
    pub(super) fn reads(&self, journal: Option<Journal>) {
        *lock(&self.journal) = journal;
    }

    pub(super) fn journal(&self) -> Option<Journal> {
        lock(&self.journal).clone()
    }

    /// Reads anew when it is asked next.
    pub(super) fn forget(&self) {
        // One that is being read now is new enough.
        if self.reader.try_lock().is_ok() {
            *lock(&self.last) = None;
        }
    }

    pub(super) async fn glance(
        &self,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<Arc<Glance>, String> {
        let read = timeout(READ_MAX, self.read(now, zone)).await;
        read.unwrap_or_else(|_| {
            let old = lock(&self.last).as_ref().map(|last| Arc::clone(&last.glance));
            old.ok_or_else(|| BUSY.to_owned())
        })
    }

    async fn read(&self, now: Timestamp, zone: &TimeZone) -> Result<Arc<Glance>, String> {
        let turn = Arc::clone(&self.reader).lock_owned().await;
        let last = lock(&self.last).clone();
        if let Some(young) = last.filter(|last| last.read_at.elapsed() < AGE_MAX) {
            return Ok(young.glance);
        }
        let Some(journal) = self.journal() else { return Err("the service is ending".to_owned()) };
        let since = now.checked_sub(SignedDuration::from_hours(24 * DONE_DAYS));
        let since = since.unwrap_or(Timestamp::MIN);
        let filter = Filter { since, instance_id: None, rule: None, limit: DONE_MAX };
        let (zone, slot) = (zone.clone(), Arc::clone(&self.last));
        // On its own, since a reader that goes away is not to break off what the journal is at.
        let reading = tokio::spawn(async move {
            let glance = Arc::new(journal.glance(now, &filter, &zone).await?);
            let read_at = clock::monotonic();
            *lock(&slot) = Some(Last { read_at, glance: Arc::clone(&glance) });
            drop(turn);
            Ok(glance)
        });
        let read: Result<_, journal::Error> = reading.await.map_err(|_| BUSY.to_owned())?;
        read.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_journal_is_read_for_all_readers_at_once_until_that_is_forgotten() {
        let (folder, memo) = (tempfile::tempdir().unwrap(), Memo::default());
        let glance = async || memo.glance(clock::now(), &TimeZone::UTC).await;
        assert_eq!(glance().await.unwrap_err(), "the service is ending");
        memo.reads(Some(Journal::at(&folder.path().join("journal.db"))));
        let (one, other) = tokio::join!(glance(), glance());
        let one = one.unwrap();
        assert!(Arc::ptr_eq(&one, &other.unwrap()));
        memo.forget();
        assert!(!Arc::ptr_eq(&one, &glance().await.unwrap()));
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_leaves_its_reading_and_its_turn_behind() {
        let (folder, memo) = (tempfile::tempdir().unwrap(), Memo::default());
        memo.reads(Some(Journal::at(&folder.path().join("journal.db"))));
        let zone = TimeZone::UTC;
        let gone = timeout(Duration::ZERO, memo.glance(clock::now(), &zone)).await;
        assert!(gone.is_err() && memo.reader.try_lock().is_err(), "its reading goes on");
        let next = memo.glance(clock::now(), &zone).await.unwrap();
        assert!(lock(&memo.last).as_ref().is_some_and(|last| Arc::ptr_eq(&last.glance, &next)));
    }
}
