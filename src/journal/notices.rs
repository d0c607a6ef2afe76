//! Notices on their way: written together with what they tell, and sent afterwards, once for each sink.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Error, Journal, ms};
use crate::notice::{Notice, Stage};

/// The most notices that are looked at in one go.
const UNSENT_MAX: i64 = 10_000;

/// A notice to be written for one sink. Its key says what it is about: the same key is told once through each sink.
#[derive(Clone, Debug)]
pub struct Written {
    /// What it is about.
    pub key: String,
    /// The sink's name.
    pub sink: String,
    /// The account's name.
    pub account: String,
    /// What there is to tell.
    pub stage: Stage,
    /// The value of the owner tag.
    pub owner: Option<String>,
    /// The notice.
    pub notice: Notice,
    /// When.
    pub written_at: Timestamp,
}

/// A notice that was not sent yet, or of which that is not known.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// What it is about.
    pub key: String,
    /// What there is to tell.
    pub stage: Stage,
    /// The value of the owner tag.
    pub owner: Option<String>,
    /// The notice.
    pub notice: Notice,
    /// The batch that it was to be sent in, if it was.
    pub batch: Option<String>,
}

impl Written {
    pub(super) async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let body = serde_json::to_string(&self.notice)
            .map_err(|error| sqlx::Error::Encode(error.into()))?;
        sqlx::query(
            "INSERT INTO notices (key, sink, account, stage, owner, body, written_at, failures) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (key, sink) DO NOTHING",
        )
        .bind(&self.key)
        .bind(&self.sink)
        .bind(&self.account)
        .bind(self.stage.as_str())
        .bind(&self.owner)
        .bind(body)
        .bind(ms(self.written_at))
        .execute(connection)
        .await
        .map(drop)
    }
}

impl Journal {
    /// Writes notices.
    pub async fn write_notices(&self, notices: &[Written]) -> Result<(), Error> {
        self.write(async |connection| {
            for notice in notices {
                notice.write(connection).await?;
            }
            Ok(())
        })
        .await
    }

    /// The notices that a sink has not sent yet, the oldest first, but before them the batches of before, so that none is cut in
    /// two.
    pub async fn unsent(&self, account: &str, sink: &str) -> Result<Vec<Unsent>, Error> {
        type Row = (String, String, Option<String>, String, Option<String>);
        self.read(async |connection| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT key, stage, owner, body, batch FROM notices \
                 WHERE account = $1 AND sink = $2 AND sent_at IS NULL \
                 ORDER BY CASE WHEN batch IS NULL THEN 1 ELSE 0 END, written_at, key LIMIT $3",
            )
            .bind(account)
            .bind(sink)
            .bind(UNSENT_MAX)
            .fetch_all(connection)
            .await?;
            rows.into_iter().map(unsent).collect()
        })
        .await
    }

    /// Writes that notices are about to be sent through a sink as one batch.
    pub async fn batched(&self, sink: &str, batch: &str, keys: &[&str]) -> Result<(), Error> {
        self.write(async |connection| {
            for key in keys {
                sqlx::query("UPDATE notices SET batch = $3 WHERE key = $1 AND sink = $2")
                    .bind(*key)
                    .bind(sink)
                    .bind(batch)
                    .execute(&mut *connection)
                    .await?;
            }
            Ok(())
        })
        .await
    }

    /// Writes that a batch was sent.
    pub async fn sent(&self, sink: &str, batch: &str, now: Timestamp) -> Result<(), Error> {
        self.write(async |connection| {
            sqlx::query("UPDATE notices SET sent_at = $3 WHERE sink = $1 AND batch = $2")
                .bind(sink)
                .bind(batch)
                .bind(ms(now))
                .execute(connection)
                .await
                .map(drop)
        })
        .await
    }

    /// Writes that a batch could not be sent.
    pub async fn not_sent(&self, sink: &str, batch: &str) -> Result<(), Error> {
        self.write(async |connection| {
            sqlx::query("UPDATE notices SET failures = failures + 1 WHERE sink = $1 AND batch = $2")
                .bind(sink)
                .bind(batch)
                .execute(connection)
                .await
                .map(drop)
        })
        .await
    }
}

fn unsent(
    (key, stage, owner, body, batch): (String, String, Option<String>, String, Option<String>),
) -> Result<Unsent, sqlx::Error> {
    let odd = |what: &str| sqlx::Error::Decode(format!("a notice with {what}").into());
    let known = Stage::ALL.into_iter().find(|known| known.as_str() == stage);
    let stage = known.ok_or_else(|| odd("an unknown stage"))?;
    let notice = serde_json::from_str(&body).map_err(|_| odd("a body that is no notice"))?;
    Ok(Unsent { key, stage, owner, notice, batch })
}

/// Whether a notice was sent through a sink, or may have been.
pub(super) async fn was_tried(
    connection: &mut AnyConnection,
    key: &str,
    sink: &str,
) -> Result<bool, sqlx::Error> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT key FROM notices WHERE key = $1 AND sink = $2 AND batch IS NOT NULL",
    )
    .bind(key)
    .bind(sink)
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Whether a notice is written for a sink.
pub(super) async fn is_written(
    connection: &mut AnyConnection,
    key: &str,
    sink: &str,
) -> Result<bool, sqlx::Error> {
    let found: Option<(String,)> =
        sqlx::query_as("SELECT key FROM notices WHERE key = $1 AND sink = $2")
            .bind(key)
            .bind(sink)
            .fetch_optional(connection)
            .await?;
    Ok(found.is_some())
}

/// Takes back what was not sent, also what may have been on its way: nobody needs that any more.
pub(super) async fn forget_unsent(
    connection: &mut AnyConnection,
    key: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM notices WHERE key = $1 AND sent_at IS NULL")
        .bind(key)
        .execute(connection)
        .await
        .map(drop)
}

/// Takes back what was never on its way: nobody needs to be told of what was called off before.
pub(super) async fn forget_untried(
    connection: &mut AnyConnection,
    key: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM notices WHERE key = $1 AND batch IS NULL")
        .bind(key)
        .execute(connection)
        .await
        .map(drop)
}
