//! What can be told of the journal at a glance: the last runs, what was done by day, what is held, what waits to be told. All of
//! it is bounded, however much the journal holds.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use sqlx::AnyConnection;

use super::{Error, Held, Journal, at, count, history, holds, ms};

/// The most runs, and the most holds, that are told one by one.
const RUNS_MAX: i64 = 96;
const HOLDS_MAX: i64 = 15;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What can be told at a glance.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    /// The last runs of all accounts, the oldest first.
    pub runs: Vec<PastRun>,
    /// How many calls to terminate there were, by day and outcome, the oldest first.
    pub days: Vec<Day>,
    /// What was done, the newest first.
    pub done: Vec<history::Entry>,
    /// Some holds, those of operators first.
    pub holds: Vec<Held>,
    /// How many holds stand.
    pub holds_total: u64,
    /// The notices that are not sent yet, by sink.
    pub waiting: Vec<Waiting>,
}

/// A run as the journal tells of it.
#[derive(Clone, Debug)]
pub struct PastRun {
    /// The account's name.
    pub account: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// The name of its result, if it has one.
    pub result: Option<String>,
}

/// The calls to terminate of a day that had the same outcome.
#[derive(Clone, Debug)]
pub struct Day {
    /// The day.
    pub day: Date,
    /// The outcome's name; `open` for a call without one.
    pub outcome: String,
    /// How many.
    pub calls: u64,
}

/// The notices that one sink has not sent yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The sink's name.
    pub sink: String,
    /// How many.
    pub notices: u64,
    /// How often it failed to send the one that failed most.
    pub failures: u64,
}

impl Journal {
    /// A glance at `now`, with so many entries of each kind of what was done since an instant. Days are those of `zone`, by its offset at
    /// `now`.
    pub async fn glance(
        &self,
        now: Timestamp,
        filter: &history::Filter,
        zone: &TimeZone,
    ) -> Result<Glance, Error> {
        let offset = SignedDuration::from_secs(i64::from(zone.to_offset(now).seconds()));
        let done = self.history(filter).await?.into_iter().rev().collect();
        self.read(async |connection| {
            let (holds, holds_total) = held(connection, now).await?;
            Ok(Glance {
                runs: runs(connection).await?,
                days: days(connection, filter.since, offset).await?,
                done,
                holds,
                holds_total,
                waiting: waiting(connection).await?,
            })
        })
        .await
    }

    /// When an operator last did anything.
    pub async fn last_act(&self) -> Result<Option<Timestamp>, Error> {
        self.read(async |connection| {
            let (last,): (Option<i64>,) =
                sqlx::query_as("SELECT MAX(acted_at) FROM acts").fetch_one(connection).await?;
            Ok(last.map(at))
        })
        .await
    }
}

async fn runs(connection: &mut AnyConnection) -> Result<Vec<PastRun>, sqlx::Error> {
    let rows: Vec<(String, i64, Option<i64>, Option<String>)> = sqlx::query_as(
        "SELECT account, started_at, ended_at, result FROM runs ORDER BY started_at DESC LIMIT $1",
    )
    .bind(RUNS_MAX)
    .fetch_all(connection)
    .await?;
    let run = |(account, started_at, ended_at, result): (String, i64, Option<i64>, _)| PastRun {
        account,
        started_at: at(started_at),
        ended_at: ended_at.map(at),
        result,
    };
    Ok(rows.into_iter().rev().map(run).collect())
}

async fn days(
    connection: &mut AnyConnection,
    since: Timestamp,
    offset: SignedDuration,
) -> Result<Vec<Day>, sqlx::Error> {
    let offset_ms = i64::try_from(offset.as_millis()).unwrap_or_default();
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(
        "SELECT (intended_at + $2) / $3 AS day, COALESCE(outcome, 'open') AS became, COUNT(*) FROM intents \
         WHERE intended_at >= $1 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(ms(since))
    .bind(offset_ms)
    .bind(DAY_MS)
    .fetch_all(connection)
    .await?;
    let day = |(day, outcome, calls): (i64, String, i64)| Day {
        day: TimeZone::UTC.to_datetime(at(day.saturating_mul(DAY_MS))).date(),
        outcome,
        calls: count(calls),
    };
    Ok(rows.into_iter().map(day).collect())
}

async fn held(
    connection: &mut AnyConnection,
    now: Timestamp,
) -> Result<(Vec<Held>, u64), sqlx::Error> {
    let shown = holds::standing(&mut *connection, now, holds::OPERATORS_FIRST, HOLDS_MAX).await?;
    let (total,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM holds WHERE ended_at IS NULL AND held_until > $1")
            .bind(ms(now))
            .fetch_one(connection)
            .await?;
    Ok((shown, count(total)))
}

async fn waiting(connection: &mut AnyConnection) -> Result<Vec<Waiting>, sqlx::Error> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT sink, COUNT(*), MAX(failures) FROM notices WHERE sent_at IS NULL GROUP BY sink ORDER BY sink",
    )
    .fetch_all(connection)
    .await?;
    let waiting = |(sink, notices, failures)| Waiting {
        sink,
        notices: count(notices),
        failures: count(failures),
    };
    Ok(rows.into_iter().map(waiting).collect())
}
