//! Deliver: what the journal says is to be told goes out, batched by sink, stage and owner.
//!
//! A batch gets its id in the journal before it is sent, and keeps it: if zenreaper dies between sending and noting that, the
//! next run sends the very same batch under the very same id, by which a receiver can tell. A sink that fails is left alone
//! until the next run.

use std::{cmp::Reverse, collections::BTreeMap};

use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    journal::{Error, Journal, Unsent},
    notice::{Batch, Stage},
    notify::Notifier,
    report::{Event, Events},
};

/// The most machines of one batch.
const BATCH_MAX: usize = 200;

/// What is told together through one sink.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Together {
    /// The batch that it was to be sent in before; those come first.
    batch: Reverse<Option<String>>,
    stage: Stage,
    owner: Option<String>,
}

/// Delivers the notices of one account.
pub(crate) struct Delivery<'a> {
    /// Where they are written.
    pub(crate) journal: &'a Journal,
    /// Through what they go.
    pub(crate) notifier: &'a Notifier,
    /// The account's name.
    pub(crate) account: &'a str,
    /// Who is told of it.
    pub(crate) events: &'a Events,
}

impl Delivery<'_> {
    /// Sends all that was not sent yet, until `stop` is cancelled.
    pub(crate) async fn deliver(&self, stop: &CancellationToken) -> Result<(), Error> {
        let sinks: Vec<_> = self.notifier.sinks().map(|(name, _)| name.to_owned()).collect();
        for sink in sinks {
            let unsent = self.journal.unsent(self.account, &sink).await?;
            self.deliver_through(&sink, unsent, stop).await?;
        }
        Ok(())
    }

    async fn deliver_through(
        &self,
        sink: &str,
        unsent: Vec<Unsent>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let mut numbers = 1..;
        for (together, notices) in grouped(unsent) {
            for notices in notices.chunks(BATCH_MAX) {
                let number = numbers.next().unwrap_or(usize::MAX);
                if stop.is_cancelled() {
                    return Ok(());
                }
                let batch = self.batch(sink, &together, (notices, number)).await?;
                if !self.send(sink, &batch).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The batch, whose id is in the journal when this returns.
    async fn batch(
        &self,
        sink: &str,
        together: &Together,
        (notices, number): (&[Unsent], usize),
    ) -> Result<Batch, Error> {
        let Together { batch, stage, owner } = together;
        let id = batch
            .0
            .clone()
            .unwrap_or_else(|| format!("{}-{}-{sink}-{number}", self.events.run(), self.account));
        if batch.0.is_none() {
            let keys: Vec<_> = notices.iter().map(|one| one.key.as_str()).collect();
            self.journal.batched(sink, &id, &keys).await?;
        }
        Ok(Batch {
            id,
            stage: *stage,
            account: self.account.to_owned(),
            owner: owner.clone(),
            notices: notices.iter().map(|one| one.notice.clone()).collect(),
        })
    }

    /// Sends a batch; whether the sink is worth another one.
    async fn send(&self, sink: &str, batch: &Batch) -> Result<bool, Error> {
        let sent = self.notifier.send(sink, batch, clock::now()).await;
        let count = batch.notices.len();
        match sent {
            Ok(()) => {
                self.journal.sent(sink, &batch.id, clock::now()).await?;
                self.events.emit(Event::Delivered(sink, batch.stage, count, Ok(())));
                Ok(true)
            }
            Err(error) => {
                self.journal.not_sent(sink, &batch.id).await?;
                let why = error.to_string();
                self.events.emit(Event::Delivered(sink, batch.stage, count, Err(&why)));
                Ok(!error.is_transient())
            }
        }
    }
}

/// Notices by what is told together, batches of before first and whole.
fn grouped(unsent: Vec<Unsent>) -> BTreeMap<Together, Vec<Unsent>> {
    let mut groups: BTreeMap<Together, Vec<Unsent>> = BTreeMap::new();
    for one in unsent {
        let (batch, owner) = (Reverse(one.batch.clone()), one.owner.clone());
        groups.entry(Together { batch, stage: one.stage, owner }).or_default().push(one);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notice;

    fn unsent(key: &str, owner: Option<&str>, batch: Option<&str>) -> Unsent {
        Unsent {
            key: key.to_owned(),
            stage: Stage::Noticed,
            owner: owner.map(str::to_owned),
            notice: Notice {
                instance_id: Some(key.to_owned()),
                name: None,
                rule: None,
                due_at: None,
                terminate_at: None,
                recoverable_until: None,
                detail: String::new(),
            },
            batch: batch.map(str::to_owned),
        }
    }

    #[test]
    fn an_owner_is_told_at_once_and_a_batch_of_before_stays_as_it_was() {
        let all = vec![
            unsent("a", Some("x"), Some("old")),
            unsent("b", Some("x"), None),
            unsent("c", Some("y"), None),
            unsent("d", Some("x"), None),
            unsent("e", Some("x"), Some("old")),
        ];
        let groups: Vec<_> = grouped(all)
            .into_values()
            .map(|group| group.iter().map(|one| one.key.clone()).collect::<String>())
            .collect();
        assert_eq!(groups, ["ae", "bd", "c"]);
    }
}
