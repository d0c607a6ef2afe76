//! Intents: that a machine is about to be called, what became of the call, and what the next inventory says of it.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{
    Error, Journal, Named, NewHold, RECYCLE_BIN, Recorded, Terms, Written, at, count, lease, ms,
    promises, releases, runs,
    terms::{Answers, ON_ITS_WAY_MS_MAX, Purpose},
};
use crate::{
    report::{Outcome, Settlement},
    rules::Action,
};

/// That a machine is about to be called.
#[derive(Clone, Debug)]
pub struct Intent {
    /// On what terms it may be written.
    pub terms: Terms,
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
    /// Writes the intent, unless something speaks against the call.
    pub(super) async fn write(
        &self,
        connection: &mut AnyConnection,
        answers: &mut Answers,
    ) -> Result<Recorded, sqlx::Error> {
        runs::check(connection, &self.account, &self.run).await?;
        let asked = (&*self.instance_id, Purpose::Terminate, self.intended_at);
        match answers.objection(connection, &self.terms, asked).await? {
            Some(objection) => Ok(Err(objection)),
            None => self.insert(connection).await.map(Ok),
        }
    }

    async fn insert(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO intents (account, run, instance_id, intended_at, name, owner, rule, why, due_at, tags, recoverable, record, epoch) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
        .bind(self.terms.lease.epoch)
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
                 OR (outcome IN ('terminated', 'gone') AND (verified IS NULL OR verified = 'still_present')) \
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

    /// How many calls are under way: of one instance, or of all. Those of a process whose lease has ended are not, since such a
    /// process calls nothing any more.
    pub async fn calls_under_way(&self, of: Option<(Named<'_>, &str)>) -> Result<usize, Error> {
        let (named, id) = of.unzip();
        self.read(async |connection| {
            let now = lease::clock_ms(connection).await?;
            let rows: Vec<(String,)> = sqlx::query_as(
                "SELECT i.account FROM intents i JOIN leases l ON l.account = i.account AND l.epoch = i.epoch \
                 WHERE i.outcome IS NULL AND l.expires_at > $1 AND (CAST($2 AS TEXT) IS NULL OR i.instance_id = $2) \
                 UNION ALL \
                 SELECT r.account FROM releases r JOIN leases l ON l.account = r.account AND l.epoch = r.epoch \
                 WHERE r.intended_at > COALESCE(r.ended_at, 0) AND l.expires_at > $1 \
                 AND (CAST($2 AS TEXT) IS NULL OR r.instance_id = $2)",
            )
            .bind(now)
            .bind(id)
            .fetch_all(connection)
            .await?;
            let concerns = |account: &str| named.is_none_or(|named| named.concerns(account));
            Ok(rows.iter().filter(|(account,)| concerns(account)).count())
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
