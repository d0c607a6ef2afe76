//! What the owners of machines were promised, and when that ended.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Error, Journal, Written, ms, notices};

/// A promise to be written, with the notices that tell it.
#[derive(Clone, Debug)]
pub struct NewPromise {
    /// Its key.
    pub key: String,
    /// The account's name.
    pub account: String,
    /// The machine's id.
    pub instance_id: String,
    /// The rule that takes it.
    pub rule: String,
    /// When.
    pub begun_at: Timestamp,
    /// The earliest termination that the notices name.
    pub terminate_at: Timestamp,
    /// The notices.
    pub notices: Vec<Written>,
}

/// A promise that ends, with the notices that tell it: through those sinks that may have told of the promise.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its key.
    pub key: String,
    /// As what.
    pub ended_as: &'static str,
    /// When.
    pub ended_at: Timestamp,
    /// The notices.
    pub notices: Vec<Written>,
}

impl NewPromise {
    async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO promises (key, account, instance_id, rule, begun_at, terminate_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&self.key)
        .bind(&self.account)
        .bind(&self.instance_id)
        .bind(&self.rule)
        .bind(ms(self.begun_at))
        .bind(ms(self.terminate_at))
        .execute(&mut *connection)
        .await?;
        for notice in &self.notices {
            notice.write(connection).await?;
        }
        Ok(())
    }
}

impl Ended {
    async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE promises SET ended_at = $2, ended_as = $3 WHERE key = $1 AND ended_at IS NULL",
        )
        .bind(&self.key)
        .bind(ms(self.ended_at))
        .bind(self.ended_as)
        .execute(&mut *connection)
        .await?;
        for notice in &self.notices {
            if notices::was_tried(connection, &self.key, &notice.sink).await? {
                notice.write(connection).await?;
            }
        }
        notices::forget_untried(connection, &self.key).await
    }
}

impl Journal {
    /// Writes promises, with the notices that tell them.
    pub async fn promised(&self, begun: &[NewPromise]) -> Result<(), Error> {
        self.write(async |connection| {
            for promise in begun {
                promise.write(connection).await?;
            }
            Ok(())
        })
        .await
    }

    /// Ends promises, with the notices that tell it.
    pub async fn ended(&self, ended: &[Ended]) -> Result<(), Error> {
        self.write(async |connection| {
            for promise in ended {
                promise.write(connection).await?;
            }
            Ok(())
        })
        .await
    }
}

/// Ends every promise about a machine.
pub(super) async fn end_all(
    connection: &mut AnyConnection,
    (account, instance_id): (&str, &str),
    ended_as: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE promises SET ended_at = $3, ended_as = $4 \
         WHERE account = $1 AND instance_id = $2 AND ended_at IS NULL",
    )
    .bind(account)
    .bind(instance_id)
    .bind(ms(now))
    .bind(ended_as)
    .execute(connection)
    .await
    .map(drop)
}
