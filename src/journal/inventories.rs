//! Inventories: what the last accepted one looked like, instance by instance, and what the one looked like that was rejected since.
//!
//! Only what changed is written, so that a run over a large account that stayed the same writes next to nothing.

use std::{collections::HashSet, fmt::Write};

use futures::TryStreamExt;
use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::{Error, Journal, RECYCLE_BIN, at, count, ms};
use crate::{
    inventory::Inventory,
    plan::inventory_check::{Accepted, Checked, Comparison, Known, Row, Standing, Summary},
};

/// How many rows one statement writes, and how many one transaction does: a command such as `pause` is not to wait for a million.
const ROWS_PER_STATEMENT: usize = 50;
const ROWS_PER_TRANSACTION: usize = 5_000;

/// The tables of instances.
#[derive(Clone, Copy)]
enum Table {
    Known,
    Rejected,
}

/// An inventory that was listed, as the journal is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// What came of the inventory check.
    pub checked: &'a Checked,
    /// By which rules and config it was judged.
    pub policy: &'a str,
    /// When it was listed.
    pub at: Timestamp,
}

impl Journal {
    /// Compares an inventory with the last accepted one. `begin` begins the comparison by what is known of that as a whole.
    pub async fn compare<'a>(
        &self,
        account: &str,
        policy: &str,
        now: Timestamp,
        begin: impl FnOnce(Accepted) -> Comparison<'a>,
    ) -> Result<Checked, Error> {
        self.read(async |connection| {
            let Some(accepted) = accepted(connection, account, policy, now).await? else {
                return Ok(begin(Accepted::default()).finish());
            };
            let mut comparison = begin(accepted);
            compare_rows(connection, account, &mut comparison).await?;
            Ok(comparison.finish())
        })
        .await
    }

    /// Returns whether the last inventory of an account was rejected.
    pub async fn is_rejected(&self, account: &str) -> Result<bool, Error> {
        self.read(async |connection| {
            let found: Option<(Option<i64>,)> =
                sqlx::query_as("SELECT doubted_at FROM listings WHERE account = $1")
                    .bind(account)
                    .fetch_optional(connection)
                    .await?;
            Ok(found.is_some_and(|(doubted_at,)| doubted_at.is_some()))
        })
        .await
    }

    /// Writes what an accepted inventory looks like. The rows come first: if this is cut short, the next inventory is compared with
    /// rows of two accepted ones.
    pub async fn accept(&self, listed: &Listed<'_>) -> Result<(), Error> {
        let Listed { account, inventory, checked, policy, at } = *listed;
        // Accepted although it lost too much: what is missing is still looked for.
        let is_missing = i64::from(checked.digest.is_some());
        self.write_rows(Table::Known, account, checked.changed(inventory)).await?;
        for ids in checked.vanished.chunks(ROWS_PER_TRANSACTION) {
            self.write(async |connection| {
                for id in ids {
                    vanish(connection, account, id, (at, is_missing)).await?;
                }
                Ok(())
            })
            .await?;
        }
        let summary = Summary::of(inventory);
        self.write(async |connection| {
            insert_listing(connection, account).await?;
            clear_rejected(connection, account).await?;
            sqlx::query(
                "UPDATE listings SET believed_at = $2, believed_live = $3, believed_tags = $4, \
                 believed_policy = $5 WHERE account = $1",
            )
            .bind(account)
            .bind(ms(at))
            .bind(summary.live.cast_signed())
            .bind(summary.tags.cast_signed())
            .bind(policy)
            .execute(connection)
            .await
            .map(drop)
        })
        .await
    }

    /// Writes what a rejected inventory looks like, in the place of the one that was rejected before.
    pub async fn reject(&self, listed: &Listed<'_>) -> Result<(), Error> {
        let Listed { account, inventory, checked, policy, at } = *listed;
        let before: Option<(Option<String>,)> = self
            .read(async |connection| {
                sqlx::query_as("SELECT doubted_digest FROM listings WHERE account = $1")
                    .bind(account)
                    .fetch_optional(connection)
                    .await
            })
            .await?;
        let digest = checked.digest.as_deref();
        if digest.is_none() || before.and_then(|(digest,)| digest).as_deref() != digest {
            self.write(async |connection| {
                insert_listing(connection, account).await?;
                clear_rejected(connection, account).await
            })
            .await?;
            self.write_rows(Table::Rejected, account, checked.all(inventory)).await?;
        }
        let summary = Summary::of(inventory);
        self.write(async |connection| {
            sqlx::query(
                "UPDATE listings SET doubted_at = $2, doubted_live = $3, doubted_tags = $4, \
                 doubted_policy = $5, doubted_digest = $6 WHERE account = $1",
            )
            .bind(account)
            .bind(ms(at))
            .bind(summary.live.cast_signed())
            .bind(summary.tags.cast_signed())
            .bind(policy)
            .bind(digest)
            .execute(connection)
            .await
            .map(drop)
        })
        .await
    }

    async fn write_rows<'a>(
        &self,
        table: Table,
        account: &str,
        mut rows: impl Iterator<Item = Row<'a>>,
    ) -> Result<(), Error> {
        loop {
            let batch: Vec<_> = rows.by_ref().take(ROWS_PER_TRANSACTION).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.write(async |connection| {
                for some in batch.chunks(ROWS_PER_STATEMENT) {
                    insert(connection, table, account, some).await?;
                }
                Ok(())
            })
            .await?;
        }
    }
}

/// Accepts the inventory that was rejected last, just as it was; whether there was one.
pub(super) async fn accept_rejected(
    connection: &mut AnyConnection,
    account: &str,
) -> Result<bool, sqlx::Error> {
    const STATEMENTS: [&str; 5] = [
        "UPDATE known_instances SET missing = 0, gone_at = COALESCE(gone_at, (SELECT doubted_at FROM listings WHERE account = $1)) \
         WHERE account = $1 AND instance_id NOT IN (SELECT instance_id FROM rejected_instances WHERE account = $1)",
        "DELETE FROM known_instances WHERE account = $1 \
         AND instance_id IN (SELECT instance_id FROM rejected_instances WHERE account = $1)",
        "INSERT INTO known_instances (account, instance_id, created_at, fields, tags, spared, gone_at, missing) \
         SELECT account, instance_id, created_at, fields, tags, spared, NULL, 0 FROM rejected_instances WHERE account = $1",
        "UPDATE listings SET believed_at = doubted_at, believed_live = doubted_live, believed_tags = doubted_tags, \
         believed_policy = CASE WHEN doubted_digest IS NULL THEN believed_policy ELSE doubted_policy END WHERE account = $1",
        "DELETE FROM rejected_instances WHERE account = $1",
    ];
    let found: Option<(Option<String>,)> = sqlx::query_as(
        "SELECT doubted_digest FROM listings WHERE account = $1 AND doubted_at IS NOT NULL",
    )
    .bind(account)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((digest,)) = found else { return Ok(false) };
    for (n, statement) in STATEMENTS.into_iter().enumerate() {
        // Of an inventory that a version before this one rejected, there are only the counts.
        if digest.is_some() || n >= 3 {
            sqlx::query(statement).bind(account).execute(&mut *connection).await?;
        }
    }
    clear_rejected(connection, account).await?;
    Ok(true)
}

/// What is known of the last accepted inventory as a whole; `None`: none was ever listed.
async fn accepted(
    connection: &mut AnyConnection,
    account: &str,
    policy: &str,
    now: Timestamp,
) -> Result<Option<Accepted>, sqlx::Error> {
    type Found = (Option<i64>, Option<i64>, Option<i64>, Option<String>, Option<String>);
    let found: Option<Found> = sqlx::query_as(
        "SELECT believed_at, believed_live, believed_tags, believed_policy, doubted_digest \
         FROM listings WHERE account = $1",
    )
    .bind(account)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((accepted_at, live, tags, own_policy, rejected)) = found else {
        return Ok(None);
    };
    let since = accepted_at.unwrap_or_default();
    let counts = match (own_policy.is_some(), live.zip(tags)) {
        (false, Some((live, tags))) => {
            let ours = terminated_after(connection, account, since).await?;
            Some(Summary { live: count(live), tags: count(tags) }.without(ours))
        }
        _ => None,
    };
    Ok(Some(Accepted {
        at: accepted_at.map(at),
        counts,
        same_policy: own_policy.as_deref() == Some(policy),
        ours: ours(connection, account, since, now).await?,
        rejected,
    }))
}

async fn compare_rows(
    connection: &mut AnyConnection,
    account: &str,
    comparison: &mut Comparison<'_>,
) -> Result<(), sqlx::Error> {
    type Found = (String, Option<i64>, String, String, i64, Option<i64>, i64);
    let mut rows = sqlx::query_as::<_, Found>(
        "SELECT instance_id, created_at, fields, tags, spared, gone_at, missing \
         FROM known_instances WHERE account = $1",
    )
    .bind(account)
    .fetch(connection);
    while let Some((id, created_ms, fields, tags, spared, gone_at, missing)) =
        rows.try_next().await?
    {
        let standing = match (gone_at, missing) {
            (None, _) => Standing::Live,
            (Some(_), 0) => Standing::Gone,
            (Some(_), _) => Standing::Missing,
        };
        comparison.take(&Known {
            id: &id,
            created_ms,
            fields: &fields,
            tags: &tags,
            spared: spared != 0,
            standing,
        });
    }
    Ok(())
}

/// The instances that we terminated since an inventory, or may have: also those that we terminated before it and that were seen gone
/// only after it, or not yet.
async fn ours(
    connection: &mut AnyConnection,
    account: &str,
    accepted_at: i64,
    now: Timestamp,
) -> Result<HashSet<String>, sqlx::Error> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT DISTINCT instance_id FROM intents WHERE account = $1 \
         AND (outcome IS NULL OR outcome IN ('terminated', 'gone', 'unknown')) \
         AND (intended_at >= $2 OR (verified IN ('confirmed', 'done') AND verified_at > $2) \
         OR (verified IS NULL AND (outcome IS NULL OR outcome <> 'gone')) \
         OR (verified = 'still_present' AND outcome = 'terminated') \
         OR (verified = 'not_done' AND outcome = 'unknown' AND intended_at > $3))",
    )
    .bind(account)
    .bind(accepted_at)
    .bind(ms(now) - RECYCLE_BIN.as_millis().try_into().unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// How much we terminated since an inventory of which only the counts are known.
async fn terminated_after(
    connection: &mut AnyConnection,
    account: &str,
    accepted_at: i64,
) -> Result<Summary, sqlx::Error> {
    let (live, tags): (i64, Option<i64>) = sqlx::query_as(
        "SELECT COUNT(*), CAST(SUM(tags) AS BIGINT) FROM intents \
         WHERE account = $1 AND (intended_at >= $2 \
         OR (verified IN ('confirmed', 'done') AND verified_at > $2)) \
         AND (outcome IS NULL OR outcome IN ('terminated', 'gone', 'unknown'))",
    )
    .bind(account)
    .bind(accepted_at)
    .fetch_one(connection)
    .await?;
    Ok(Summary { live: count(live), tags: count(tags.unwrap_or_default()) })
}

async fn insert(
    connection: &mut AnyConnection,
    table: Table,
    account: &str,
    rows: &[Row<'_>],
) -> Result<(), sqlx::Error> {
    let (statement, more) = match table {
        Table::Known => (
            "INSERT INTO known_instances (account, instance_id, created_at, fields, tags, spared, gone_at, missing) \
             VALUES ($1, $2, $3, $4, $5, $6, NULL, 0) ON CONFLICT (account, instance_id) \
             DO UPDATE SET created_at = COALESCE(excluded.created_at, known_instances.created_at), \
             fields = excluded.fields, tags = excluded.tags, \
             spared = excluded.spared, gone_at = NULL, missing = 0",
            ", NULL, 0",
        ),
        Table::Rejected => (
            "INSERT INTO rejected_instances (account, instance_id, created_at, fields, tags, spared) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, instance_id) \
             DO UPDATE SET created_at = excluded.created_at, fields = excluded.fields, tags = excluded.tags, \
             spared = excluded.spared",
            "",
        ),
    };
    let (one, conflict) = statement.split_once(" ON CONFLICT").unwrap_or((statement, ""));
    let mut sql = one.to_owned();
    for n in 1..rows.len() {
        let [id, created, fields, tags, spared] = [2, 3, 4, 5, 6].map(|one| n * 5 + one);
        // Writing to a text cannot fail.
        write!(sql, ", ($1, ${id}, ${created}, ${fields}, ${tags}, ${spared}{more})").ok();
    }
    write!(sql, " ON CONFLICT{conflict}").ok();
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(account);
    for Row { id, print, spared } in rows {
        query = query
            .bind(*id)
            .bind(print.created_ms)
            .bind(&print.fields)
            .bind(&print.tags)
            .bind(i64::from(*spared));
    }
    query.execute(connection).await.map(drop)
}

async fn vanish(
    connection: &mut AnyConnection,
    account: &str,
    id: &str,
    (at, is_missing): (Timestamp, i64),
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE known_instances SET gone_at = $3, missing = $4 WHERE account = $1 AND instance_id = $2",
    )
    .bind(account)
    .bind(id)
    .bind(ms(at))
    .bind(is_missing)
    .execute(connection)
    .await
    .map(drop)
}

async fn insert_listing(connection: &mut AnyConnection, account: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO listings (account) VALUES ($1) ON CONFLICT (account) DO NOTHING")
        .bind(account)
        .execute(connection)
        .await
        .map(drop)
}

/// Forgets the inventory that was rejected last.
async fn clear_rejected(connection: &mut AnyConnection, account: &str) -> Result<(), sqlx::Error> {
    const STATEMENTS: [&str; 2] = [
        "DELETE FROM rejected_instances WHERE account = $1",
        "UPDATE listings SET doubted_at = NULL, doubted_live = NULL, doubted_tags = NULL, \
         doubted_policy = NULL, doubted_digest = NULL WHERE account = $1",
    ];
    for statement in STATEMENTS {
        sqlx::query(statement).bind(account).execute(&mut *connection).await?;
    }
    Ok(())
}
