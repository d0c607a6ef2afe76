//! What the journal tells at a glance, read for all readers at once: however many there are, the runs that write it hardly notice.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::{Instant, timeout};

use crate::{
    clock,
    journal::{Filter, Glance, Journal},
};

/// How old a glance may be.
const AGE_MAX: Duration = Duration::from_secs(2);

/// How long it may take.
const READ_MAX: Duration = Duration::from_secs(3);

/// How many days back it goes.
pub const DONE_DAYS: i64 = 14;

/// The most entries of one kind that are shown.
pub const DONE_MAX: u32 = 20;

/// What the journal tells at a glance.
#[derive(Debug, Default)]
pub(super) struct Memo {
    journal: Mutex<Option<Journal>>,
    last: tokio::sync::Mutex<Option<(Instant, Arc<Glance>)>>,
}

impl Memo {
    pub(super) fn reads(&self, journal: Option<Journal>) {
        *self.journal.lock().unwrap_or_else(PoisonError::into_inner) = journal;
    }

    pub(super) fn journal(&self) -> Option<Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads anew when it is asked next.
    pub(super) fn forget(&self) {
        // One that is being read now is new enough.
        if let Ok(mut last) = self.last.try_lock() {
            *last = None;
        }
    }

    pub(super) async fn glance(
        &self,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<Arc<Glance>, String> {
        let mut last = self.last.lock().await;
        let young = last.as_ref().filter(|(read_at, _)| read_at.elapsed() < AGE_MAX);
        if let Some((_, glance)) = young {
            return Ok(Arc::clone(glance));
        }
        let Some(journal) = self.journal() else { return Err("the service is ending".to_owned()) };
        let since = now.checked_sub(SignedDuration::from_hours(24 * DONE_DAYS));
        let since = since.unwrap_or(Timestamp::MIN);
        let filter = Filter { since, instance_id: None, rule: None, limit: DONE_MAX };
        let zone = zone.clone();
        // On its own, since a reader that goes away is not to break off what the journal is at.
        let reading = tokio::spawn(async move { journal.glance(now, &filter, &zone).await });
        let glance = match (timeout(READ_MAX, reading).await, last.as_ref()) {
            (Ok(Ok(read)), _) => Arc::new(read.map_err(|error| error.to_string())?),
            (Err(_), Some((_, old))) => return Ok(Arc::clone(old)),
            (Err(_) | Ok(Err(_)), _) => {
                return Err("the journal is busy; look again in a moment".to_owned());
            }
        };
        *last = Some((clock::monotonic(), Arc::clone(&glance)));
        Ok(glance)
    }
}
