//! Runs: by which rules and config each was made, and how it ended.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sqlx::AnyConnection;

use super::{Error, Journal, at, ms};
use crate::report::RunResult;

/// How many of the last runs are looked at.
const RUNS: i64 = 10;

/// How far back the last runs of each account are looked for: a hundred days of the default schedule, read within a blink.
const RECALLED: i64 = 10_000;

/// So few runs say nothing yet.
const RUNS_MIN: usize = 3;

/// What rules and config were when a run was made, as SHA-256.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Digests {
    /// Of all rule files.
    pub rules: String,
    /// Of the config.
    pub config: String,
}

/// Whether a run was ever written down.
pub(super) async fn has_any(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> =
        sqlx::query_as("SELECT started_at FROM runs LIMIT 1").fetch_optional(connection).await?;
    Ok(found.is_some())
}

/// A run that began.
#[derive(Clone, Debug)]
pub struct Began<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The run's id.
    pub run: &'a str,
    /// When.
    pub started_at: Timestamp,
    /// Whether it terminates machines.
    pub mode: &'a str,
    /// By which rules and config.
    pub digests: &'a Digests,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunEnd<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The run's id.
    pub run: &'a str,
    /// When.
    pub ended_at: Timestamp,
    /// Its result's name.
    pub result: &'a str,
    /// The guard that refused its plan.
    pub guard: Option<&'a str>,
    /// Why, in words.
    pub detail: Option<&'a str>,
}

/// The last runs of an account that ended.
#[derive(Clone, Debug)]
pub struct LastRuns {
    /// The last one's id.
    pub run: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How.
    pub result: RunResult,
    /// Why, in words, if a guard refused its plan.
    pub refusal: Option<String>,
    /// When the last one ended that was a success.
    pub last_success_at: Option<Timestamp>,
}

impl Journal {
    /// Writes that a run began.
    pub async fn begin_run(&self, began: &Began<'_>) -> Result<(), Error> {
        let Began { account, run, started_at, mode, digests } = began;
        self.write(async |connection| {
            sqlx::query(
                "INSERT INTO runs (account, run, started_at, mode, version, rules_digest, config_digest) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(*account)
            .bind(*run)
            .bind(ms(*started_at))
            .bind(*mode)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(&digests.rules)
            .bind(&digests.config)
            .execute(connection)
            .await
            .map(drop)
        })
        .await
    }

    /// Writes how a run ended.
    pub async fn end_run(&self, end: &RunEnd<'_>) -> Result<(), Error> {
        let RunEnd { account, run, ended_at, result, guard, detail } = end;
        self.write(async |connection| {
            sqlx::query(
                "UPDATE runs SET ended_at = $3, result = $4, guard = $5, detail = $6 \
                 WHERE account = $1 AND run = $2",
            )
            .bind(*account)
            .bind(*run)
            .bind(ms(*ended_at))
            .bind(*result)
            .bind(*guard)
            .bind(*detail)
            .execute(connection)
            .await
            .and_then(|done| known(done.rows_affected()))
        })
        .await
    }

    /// The guard that refused the last run that came as far as the guards; `None` if that one was approved, or there is none.
    pub async fn last_guard(&self, account: &str) -> Result<Option<String>, Error> {
        self.read(async |connection| {
            let last: Option<(Option<String>,)> = sqlx::query_as(
                "SELECT guard FROM runs WHERE account = $1 \
                 AND result IN ('success', 'partial', 'guard_refused') \
                 ORDER BY started_at DESC LIMIT 1",
            )
            .bind(account)
            .fetch_optional(connection)
            .await?;
            Ok(last.and_then(|(guard,)| guard))
        })
        .await
    }

    /// The last runs of each account; one that is far back counts as none.
    pub async fn last_runs(&self) -> Result<BTreeMap<String, LastRuns>, Error> {
        type Row = (String, String, i64, i64, String, Option<String>);
        let rows: Vec<Row> = self
            .read(async |connection| {
                sqlx::query_as(
                    "SELECT account, run, started_at, ended_at, result, detail FROM runs \
                     WHERE ended_at IS NOT NULL AND result IS NOT NULL \
                     ORDER BY started_at DESC LIMIT $1",
                )
                .bind(RECALLED)
                .fetch_all(connection)
                .await
            })
            .await?;
        let mut last = BTreeMap::new();
        for (account, run, started, ended, result, refusal) in rows {
            let Some(result) = RunResult::named(&result) else { continue };
            let known = last.entry(account).or_insert_with(|| LastRuns {
                run,
                started_at: at(started),
                ended_at: at(ended),
                result,
                refusal,
                last_success_at: None,
            });
            if result == RunResult::Success && known.last_success_at.is_none() {
                known.last_success_at = Some(at(ended));
            }
        }
        Ok(last)
    }

    /// How long the last runs of all accounts took, half of them longer; `None` if there are too few to say.
    pub async fn run_took(&self) -> Result<Option<SignedDuration>, Error> {
        let rows: Vec<(i64, i64)> = self
            .read(async |connection| {
                sqlx::query_as(
                    "SELECT MIN(started_at), MAX(ended_at) FROM runs WHERE ended_at IS NOT NULL \
                     GROUP BY run ORDER BY MIN(started_at) DESC LIMIT $1",
                )
                .bind(RUNS)
                .fetch_all(connection)
                .await
            })
            .await?;
        let took = |(started, ended): (i64, i64)| at(ended).duration_since(at(started));
        let mut took: Vec<_> = rows.into_iter().map(took).collect();
        took.sort_unstable();
        // Of an even number the shorter one of the middle: rather no warning than a wrong one.
        let middle = took.len().saturating_sub(1) / 2;
        Ok(took.get(middle).copied().filter(|_| took.len() >= RUNS_MIN))
    }
}

/// An error if what was to be changed is not in this file.
pub(super) fn known(rows_affected: u64) -> Result<(), sqlx::Error> {
    if rows_affected == 0 { Err(sqlx::Error::RowNotFound) } else { Ok(()) }
}

/// An error if a run did not begin in this file.
pub(super) async fn check(
    connection: &mut AnyConnection,
    account: &str,
    run: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT run FROM runs WHERE account = $1 AND run = $2")
        .bind(account)
        .bind(run)
        .fetch_one(connection)
        .await
        .map(drop)
}
