//! Intents: that a machine is about to be called, what became of the call, and what the next inventory says of it.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{
    Error, Journal, NewHold, RECYCLE_BIN, Written, at, count, ms, promises, releases, runs,
};
use crate::{
    report::{Outcome, Settlement},
    rules::Action,
};

/// A call may be on its way for so long: the longest `timeout` of an account.
const ON_ITS_WAY_MS_MAX: i64 = 10 * 60 * 1000;

/// That a machine is about to be called.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The account's name.
    pub account: String,
    /// The run's id.
    pub run: String,
    /// The machine's id.
    pub instance_id: String,
    /// When.
    pub intended_at: Timestamp,
    /// The machine's name.
    pub name: Option<String>,
    /// The value of the owner tag.
    pub owner: Option<String>,
    /// The rule that takes it.
    pub rule: String,
    /// The values that the rule saw.
    pub why: String,
    /// When it was due.
    pub due_at: Option<Timestamp>,
    /// How many tags it has.
    pub tags: u64,
    /// Whether it can be taken back: it waits in the recycle bin, and is not released from there.
    pub recoverable: bool,
    /// The whole record of it, as the cloud sent it.
    pub record: String,
    /// What is done to it.
    pub action: Action,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The account's name.
    pub account: String,
    /// The run's id.
    pub run: String,
    /// The machine's id.
    pub instance_id: String,
    /// When.
    pub ended_at: Timestamp,
    /// The outcome's name.
    pub outcome: String,
    /// The code of a failure.
    pub code: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The failure in words.
    pub message: Option<String>,
    /// That the machine is not called for a while, from now on.
    pub hold: Option<NewHold>,
    /// What is told of it.
    pub notices: Vec<Written>,
    /// As what the promises to its owner end, if they do.
    pub ends_promises: Option<&'static str>,
}

/// An intent that is not settled yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenIntent {
    /// The run's id.
    pub run: String,
    /// The machine's id.
    pub instance_id: String,
    /// The machine's name.
    pub name: Option<String>,
    /// The value of the owner tag.
    pub owner: Option<String>,
    /// The rule that took it.
    pub rule: String,
    /// How many tags it has.
    pub tags: u64,
    /// Whether it waits in the recycle bin, or was deleted outright.
    pub recoverable: bool,
    /// When it was about to be called.
    pub intended_at: Timestamp,
    /// The outcome, if one was written.
    pub outcome: Option<String>,
    /// Whether an inventory showed it live after the call before.
    pub was_live: bool,
}

impl Intent {
    pub(super) async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        runs::check(connection, &self.account, &self.run).await?;
        sqlx::query(
            "INSERT INTO intents (account, run, instance_id, intended_at, name, owner, rule, why, due_at, tags, recoverable, record) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&self.account)
        .bind(&self.run)
        .bind(&self.instance_id)
        .bind(ms(self.intended_at))
        .bind(&self.name)
        .bind(&self.owner)
        .bind(&self.rule)
        .bind(&self.why)
        .bind(self.due_at.map(ms))
        .bind(self.tags.cast_signed())
        .bind(i64::from(self.recoverable))
        .bind(&self.record)
        .execute(&mut *connection)
        .await?;
        match self.action {
            Action::Terminate => Ok(()),
            Action::Release => {
                let machine = (&*self.account, &*self.run, &*self.instance_id);
                releases::want(connection, machine, self.intended_at).await
            }
        }
    }
}

impl Ending {
    pub(super) async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE intents SET outcome = $4, code = $5, request_id = $6, message = $7, ended_at = $8 \
             WHERE account = $1 AND run = $2 AND instance_id = $3",
        )
        .bind(&self.account)
        .bind(&self.run)
        .bind(&self.instance_id)
        .bind(&self.outcome)
        .bind(&self.code)
        .bind(&self.request_id)
        .bind(&self.message)
        .bind(ms(self.ended_at))
        .execute(&mut *connection)
        .await
        .and_then(|done| runs::known(done.rows_affected()))?;
        if let Some(hold) = &self.hold {
            hold.write(connection).await?;
        }
        for notice in &self.notices {
            notice.write(connection).await?;
        }
        if let Some(ended_as) = self.ends_promises {
            let (account, id) = (&self.account, &self.instance_id);
            promises::end_all(connection, (account, id), ended_as, self.ended_at).await?;
        }
        Ok(())
    }
}

impl Journal {
    /// The intents that a complete inventory at `now` settles: those without a known outcome, and those that were accepted. One
    /// that an inventory found not done stays open for a day if the call may have been on its way then, and no later one had effect.
    pub async fn open_intents(
        &self,
        account: &str,
        now: Timestamp,
    ) -> Result<Vec<OpenIntent>, Error> {
        type Row = (
            String,
            String,
            Option<String>,
            Option<String>,
            String,
            i64,
            i64,
            i64,
            Option<String>,
            Option<String>,
        );
        self.read(async |connection| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT run, instance_id, name, owner, rule, tags, recoverable, intended_at, outcome, verified FROM intents \
                 WHERE account = $1 AND (outcome IS NULL OR (outcome = 'unknown' AND verified IS NULL) \
                 OR (outcome = 'terminated' AND (verified IS NULL OR verified = 'still_present')) \
                 OR (outcome = 'unknown' AND verified = 'not_done' AND intended_at > $2 \
                 AND verified_at < intended_at + $3 AND NOT EXISTS (SELECT 1 FROM intents later \
                 WHERE later.account = intents.account AND later.instance_id = intents.instance_id \
                 AND later.intended_at > intents.intended_at AND (later.outcome IS NULL \
                 OR later.outcome IN ('terminated', 'gone', 'unknown'))))) \
                 ORDER BY intended_at, instance_id",
            )
            .bind(account)
            .bind(ms(now - RECYCLE_BIN))
            .bind(ON_ITS_WAY_MS_MAX)
            .fetch_all(connection)
            .await?;
            let open = |row: Row| {
                let (run, instance_id, name, owner, rule, tags, bin, intended_at, outcome, verified) =
                    row;
                OpenIntent {
                    run,
                    instance_id,
                    name,
                    owner,
                    rule,
                    tags: count(tags),
                    recoverable: bin != 0,
                    intended_at: at(intended_at),
                    outcome,
                    was_live: verified.is_some(),
                }
            };
            Ok(rows.into_iter().map(open).collect())
        })
        .await
    }

    /// Whether a call since an instant may have terminated a machine, although it did not seem so.
    pub async fn may_have_taken(
        &self,
        account: &str,
        instance_id: &str,
        since: Timestamp,
    ) -> Result<bool, Error> {
        self.read(async |connection| {
            let found: Option<(String,)> = sqlx::query_as(
                "SELECT run FROM intents WHERE account = $1 AND instance_id = $2 \
                 AND intended_at > $3 AND outcome = 'unknown' LIMIT 1",
            )
            .bind(account)
            .bind(instance_id)
            .bind(ms(since))
            .fetch_optional(connection)
            .await?;
            Ok(found.is_some())
        })
        .await
    }

    /// Writes what an inventory says of intents.
    pub async fn settled(
        &self,
        account: &str,
        settled: &[SettledIntent],
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(async |connection| {
            for one in settled {
                one.write(connection, account, now).await?;
            }
            Ok(())
        })
        .await
    }
}

/// An intent that an inventory settles, and what follows from that.
#[derive(Clone, Debug)]
pub struct SettledIntent {
    /// The intent.
    pub intent: OpenIntent,
    /// What the inventory says.
    pub settlement: Settlement,
    /// That the machine is not called for a while, from now on.
    pub hold: Option<NewHold>,
    /// What is told of it.
    pub notices: Vec<Written>,
}

impl SettledIntent {
    async fn write(
        &self,
        connection: &mut AnyConnection,
        account: &str,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let Self { intent, settlement, hold, notices } = self;
        sqlx::query(
            "UPDATE intents SET verified = $4, verified_at = $5, outcome = COALESCE($6, outcome), \
             message = CASE WHEN outcome IS NULL THEN $7 ELSE message END, \
             ended_at = COALESCE(ended_at, $5) \
             WHERE account = $1 AND run = $2 AND instance_id = $3",
        )
        .bind(account)
        .bind(&intent.run)
        .bind(&intent.instance_id)
        .bind(settlement.as_str())
        .bind(ms(now))
        .bind(settlement.outcome().map(Outcome::as_str))
        .bind("zenreaper ended before the outcome was written; settled from the next inventory")
        .execute(&mut *connection)
        .await?;
        if let Some(hold) = hold {
            hold.write(connection).await?;
        }
        for notice in notices {
            notice.write(connection).await?;
        }
        if *settlement == Settlement::Done {
            let machine = (account, intent.instance_id.as_str());
            promises::end_all(connection, machine, "terminated", now).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Entry;

    #[tokio::test]
    async fn an_intent_of_a_run_that_did_not_begin_in_this_file_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("journal.db"));
        let intended_at = "2026-11-20T00:00:00Z".parse().unwrap();
        let intent = Intent {
            account: "main".to_owned(),
            run: "run".to_owned(),
            instance_id: "i-1".to_owned(),
            intended_at,
            name: None,
            owner: None,
            rule: "dev".to_owned(),
            why: String::new(),
            due_at: None,
            tags: 0,
            recoverable: true,
            record: "{}".to_owned(),
            action: Action::Terminate,
        };
        let written = journal.record(Entry::Intent(Box::new(intent))).await;
        assert!(matches!(written, Err(Error::Replaced { .. })), "{written:?}");
        assert_eq!(journal.open_intents("main", intended_at).await.unwrap(), []);
    }
}
