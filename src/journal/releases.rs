//! Releases: which machines are to be destroyed for good, and what became of that.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{
    Error, HistoryEntry, Journal, RECYCLE_BIN, Recorded, Terms, at, ms, runs,
    terms::{Answers, Purpose},
};

/// A machine of which a call of ours put it into the recycle bin, to be released from there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Releasable {
    /// The run that terminated it.
    pub run: String,
    /// The machine's id.
    pub instance_id: String,
    /// The rule that took it.
    pub rule: String,
    /// The whole record of it before it was terminated, as the cloud sent it.
    pub record: String,
}

/// That an instance is about to be released.
#[derive(Clone, Debug)]
pub struct ReleaseIntent {
    /// On what terms it may be written.
    pub terms: Terms,
    /// Which instance.
    pub machine: Releasable,
    /// When.
    pub intended_at: Timestamp,
}

impl ReleaseIntent {
    /// Writes the intent, unless something speaks against the call. That we terminated the instance ourselves does not.
    pub(super) async fn write(
        &self,
        connection: &mut AnyConnection,
        answers: &mut Answers,
    ) -> Result<Recorded, sqlx::Error> {
        let Self { terms, machine, intended_at } = self;
        let asked = (&*machine.instance_id, Purpose::Release, *intended_at);
        if let Some(objection) = answers.objection(connection, terms, asked).await? {
            return Ok(Err(objection));
        }
        sqlx::query(
            "UPDATE releases SET intended_at = $4, outcome = 'unknown', epoch = $5 \
             WHERE account = $1 AND run = $2 AND instance_id = $3",
        )
        .bind(&terms.lease.account)
        .bind(&machine.run)
        .bind(&machine.instance_id)
        .bind(ms(*intended_at))
        .bind(terms.lease.epoch)
        .execute(connection)
        .await
        .and_then(|done| runs::known(done.rows_affected()))
        .map(Ok)
    }
}

/// What became of a call to release a machine.
#[derive(Clone, Debug)]
pub struct Released<'a> {
    /// The account's name.
    pub account: &'a str,
    /// Which machine.
    pub machine: &'a Releasable,
    /// The outcome's name.
    pub outcome: &'a str,
    /// The code of a failure.
    pub code: Option<&'a str>,
    /// The request's id.
    pub request_id: Option<&'a str>,
    /// The failure in words.
    pub message: Option<&'a str>,
}

/// Notes that the machine of an intent is to be released after it was terminated.
pub(super) async fn want(
    connection: &mut AnyConnection,
    (account, run, instance_id): (&str, &str, &str),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO releases (account, run, instance_id, wanted_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(account)
    .bind(run)
    .bind(instance_id)
    .bind(ms(now))
    .execute(connection)
    .await
    .map(drop)
}

impl Journal {
    /// The machines to release at `now`: what a call of ours terminated, or what an inventory showed that it did, and what was not
    /// released yet, as long as the recycle bin keeps it.
    pub async fn releasable(
        &self,
        account: &str,
        now: Timestamp,
    ) -> Result<Vec<Releasable>, Error> {
        self.read(async |connection| {
            let rows: Vec<(String, String, String, String)> = sqlx::query_as(
                "SELECT i.run, i.instance_id, i.rule, i.record FROM releases r \
                 JOIN intents i ON i.account = r.account AND i.run = r.run AND i.instance_id = r.instance_id \
                 WHERE r.account = $1 AND r.wanted_at > $2 \
                 AND (r.outcome IS NULL OR r.outcome IN ('refused', 'failed', 'unknown')) \
                 AND (i.outcome = 'terminated' OR (i.outcome = 'gone' AND i.verified = 'done')) \
                 ORDER BY r.wanted_at, r.instance_id",
            )
            .bind(account)
            .bind(ms(now - RECYCLE_BIN))
            .fetch_all(connection)
            .await?;
            let releasable = |(run, instance_id, rule, record)| Releasable {
                run,
                instance_id,
                rule,
                record,
            };
            Ok(rows.into_iter().map(releasable).collect())
        })
        .await
    }

    /// The instances that are to be released and were not yet: the run that terminated each, and its id.
    pub async fn wanted_releases(&self, account: &str) -> Result<Vec<(String, String)>, Error> {
        self.read(async |connection| {
            sqlx::query_as(
                "SELECT run, instance_id FROM releases WHERE account = $1 \
                 AND (outcome IS NULL OR outcome IN ('refused', 'failed', 'unknown'))",
            )
            .bind(account)
            .fetch_all(connection)
            .await
        })
        .await
    }

    /// Writes that instances are not released any more, since they were seen live after we terminated them.
    pub async fn restored(
        &self,
        account: &str,
        restored: &[(String, String)],
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(async |connection| {
            for (run, instance_id) in restored {
                sqlx::query(
                    "UPDATE releases SET outcome = 'restored', message = $4, ended_at = $5 \
                     WHERE account = $1 AND run = $2 AND instance_id = $3",
                )
                .bind(account)
                .bind(run)
                .bind(instance_id)
                .bind("the instance was seen live after its termination, so it is not released")
                .bind(ms(now))
                .execute(&mut *connection)
                .await?;
            }
            Ok(())
        })
        .await
    }

    /// Writes what became of a call to release a machine.
    pub async fn released(&self, released: &Released<'_>, now: Timestamp) -> Result<(), Error> {
        let Released { account, machine, outcome, code, request_id, message } = *released;
        self.write(async |connection| {
            sqlx::query(
                "UPDATE releases SET outcome = $4, code = $5, request_id = $6, message = $7, ended_at = $8 \
                 WHERE account = $1 AND run = $2 AND instance_id = $3",
            )
            .bind(account)
            .bind(&machine.run)
            .bind(&machine.instance_id)
            .bind(outcome)
            .bind(code)
            .bind(request_id)
            .bind(message)
            .bind(ms(now))
            .execute(connection)
            .await
            .and_then(|done| runs::known(done.rows_affected()))
        })
        .await
    }
}

/// The releases that a person asks for.
pub(super) async fn history(
    connection: &mut AnyConnection,
    filter: &super::Filter,
) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    type Row = (
        i64,
        String,
        String,
        Option<String>,
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        String,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT r.intended_at, r.account, r.instance_id, i.name, i.rule, r.outcome, r.code, r.request_id, r.message, r.run \
         FROM releases r JOIN intents i ON i.account = r.account AND i.run = r.run AND i.instance_id = r.instance_id \
         WHERE r.intended_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR r.instance_id = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR i.rule = $3) ORDER BY r.intended_at DESC LIMIT $4",
    )
    .bind(ms(filter.since))
    .bind(&filter.instance_id)
    .bind(&filter.rule)
    .bind(i64::from(filter.limit))
    .fetch_all(connection)
    .await?;
    let entry =
        |(intended_at, account, id, name, rule, outcome, code, request_id, why, run): Row| {
            HistoryEntry {
                at: at(intended_at),
                what: "release".to_owned(),
                account: Some(account),
                instance_id: Some(id),
                name,
                rule: Some(rule),
                why,
                outcome,
                code,
                request_id,
                run: Some(run),
                ..HistoryEntry::default()
            }
        };
    Ok(rows.into_iter().map(entry).collect())
}
