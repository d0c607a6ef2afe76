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
    /// The value of the owner tag, empty if there is none.
    pub owner: String,
    /// When.
    pub begun_at: Timestamp,
    /// The earliest termination that the notices name.
    pub terminate_at: Timestamp,
    /// The notices.
    pub notices: Vec<Written>,
}

/// Notices of a promise that stands, for sinks that came later.
#[derive(Clone, Debug)]
pub struct MoreNotices {
    /// The promise's key.
    pub key: String,
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
        self.replace(connection).await?;
        sqlx::query(
            "INSERT INTO promises (key, account, instance_id, rule, owner, begun_at, terminate_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&self.key)
        .bind(&self.account)
        .bind(&self.instance_id)
        .bind(&self.rule)
        .bind(&self.owner)
        .bind(ms(self.begun_at))
        .bind(ms(self.terminate_at))
        .execute(&mut *connection)
        .await?;
        for notice in &self.notices {
            notice.write(connection).await?;
        }
        Ok(())
    }

    /// Ends the promises about the instance that stand. Nobody is notified of that: the instance is still to be terminated.
    async fn replace(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let standing: Vec<(String,)> = sqlx::query_as(
            "SELECT key FROM promises WHERE account = $1 AND instance_id = $2 AND ended_at IS NULL",
        )
        .bind(&self.account)
        .bind(&self.instance_id)
        .fetch_all(&mut *connection)
        .await?;
        for (key,) in standing {
            end(connection, &key, "replaced", self.begun_at).await?;
            notices::forget_unsent(connection, &key).await?;
        }
        Ok(())
    }
}

impl MoreNotices {
    /// Writes the notices. A sink that came later may name a later time than the promise did: that time binds then.
    async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let mut is_new = false;
        for notice in &self.notices {
            if !notices::is_written(connection, &self.key, &notice.sink).await? {
                notice.write(connection).await?;
                is_new = true;
            }
        }
        if !is_new {
            return Ok(());
        }
        sqlx::query("UPDATE promises SET terminate_at = $2 WHERE key = $1 AND terminate_at < $2")
            .bind(&self.key)
            .bind(ms(self.terminate_at))
            .execute(connection)
            .await
            .map(drop)
    }
}

impl Ended {
    async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        end(connection, &self.key, self.ended_as, self.ended_at).await?;
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

    /// Writes notices of promises that stand.
    pub async fn promised_more(&self, more: &[MoreNotices]) -> Result<(), Error> {
        self.write(async |connection| {
            for one in more {
                one.write(connection).await?;
            }
            Ok(())
        })
        .await
    }

    /// Moves promises, and the notices that tell them, to an account: that is how their former account is called now.
    pub async fn adopted(&self, account: &str, keys: &[&str]) -> Result<(), Error> {
        const STATEMENTS: [&str; 2] = [
            "UPDATE promises SET account = $1 WHERE key = $2 AND ended_at IS NULL",
            "UPDATE notices SET account = $1 WHERE key = $2",
        ];
        self.write(async |connection| {
            for key in keys {
                for statement in STATEMENTS {
                    sqlx::query(statement)
                        .bind(account)
                        .bind(*key)
                        .execute(&mut *connection)
                        .await?;
                }
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

/// Ends a promise, unless it has ended before.
async fn end(
    connection: &mut AnyConnection,
    key: &str,
    ended_as: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE promises SET ended_at = $2, ended_as = $3 WHERE key = $1 AND ended_at IS NULL",
    )
    .bind(key)
    .bind(ms(now))
    .bind(ended_as)
    .execute(connection)
    .await
    .map(drop)
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
