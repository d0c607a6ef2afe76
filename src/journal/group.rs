//! Group commit: what is to be written while another transaction is on its way goes into the next one together.

use std::sync::{Mutex, PoisonError};

use sqlx::AnyConnection;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::{Ending, Error, Intent, Journal, Objection, ReleaseIntent, file::Open, terms::Answers};

/// What is written one by one by many, at the same time.
#[derive(Clone, Debug)]
pub enum Entry {
    /// That an instance is about to be terminated.
    Intent(Box<Intent>),
    /// That an instance is about to be released.
    ReleaseIntent(Box<ReleaseIntent>),
    /// What became of the call.
    Ending(Box<Ending>),
}

/// What became of an entry: written, or not, because something speaks against the call.
pub type Recorded = Result<(), Objection>;

impl Entry {
    async fn write(
        &self,
        connection: &mut AnyConnection,
        answers: &mut Answers,
    ) -> Result<Recorded, sqlx::Error> {
        match self {
            Self::Intent(intent) => intent.write(connection, answers).await,
            Self::ReleaseIntent(intent) => intent.write(connection, answers).await,
            Self::Ending(ending) => ending.write(connection).await.map(Ok),
        }
    }
}

type Waiting = (Entry, oneshot::Sender<Result<Recorded, Error>>);

/// Those who wait for the next transaction.
#[derive(Debug, Default)]
pub(super) struct Group(Mutex<Vec<Waiting>>);

impl Group {
    fn join(&self, entry: Entry) -> oneshot::Receiver<Result<Recorded, Error>> {
        let (tell, told) = oneshot::channel();
        self.lock().push((entry, tell));
        told
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    /// Writes an entry, together with all others that wait by then; it is on disk when this returns. An intent is written only if
    /// nothing speaks against the call.
    pub async fn record(&self, entry: Entry) -> Result<Recorded, Error> {
        let interrupted = || Error::Interrupted { path: self.path().to_owned() };
        let mut told = self.shared.group.join(entry);
        let mut open = self.shared.open.lock().await;
        match told.try_recv() {
            Ok(written) => return written,
            Err(TryRecvError::Closed) => return Err(interrupted()),
            Err(TryRecvError::Empty) => self.write_group(&mut open).await,
        }
        told.try_recv().unwrap_or_else(|_| Err(interrupted()))
    }

    async fn write_group(&self, open: &mut Option<Open>) {
        let (entries, waiting): (Vec<_>, Vec<_>) = self.shared.group.take().into_iter().unzip();
        let written = self.write_to(open, async |connection| {
            let mut answers = Answers::default();
            let mut recorded = Vec::with_capacity(entries.len());
            for entry in &entries {
                recorded.push(entry.write(connection, &mut answers).await?);
            }
            Ok(recorded)
        });
        let results: Vec<_> = match written.await {
            Ok(recorded) => recorded.into_iter().map(Ok).collect(),
            Err(error) => waiting.iter().map(|_| Err(error.clone())).collect(),
        };
        for (tell, result) in waiting.into_iter().zip(results) {
            // Whoever does not wait any more does not need to know.
            drop(tell.send(result));
        }
    }
}
