//! What operators say: hold, unhold, pause, resume, accept-inventory.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Error, Journal, Named, NewHold, at, inventories, ms};
use crate::plan::memory::{HoldKind, Pause};

/// What an operator may do.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Hold,
    Unhold,
    Pause,
    Resume,
    AcceptInventory,
}

impl Deed {
    /// Its name, that of the command.
    fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Unhold => "unhold",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::AcceptInventory => "accept-inventory",
        }
    }
}

/// Something that an operator did.
#[derive(Clone, Debug)]
struct Act<'a> {
    /// What.
    deed: Deed,
    /// Of which account.
    account: Option<&'a str>,
    /// With which machine.
    instance_id: Option<&'a str>,
    /// Who.
    by: Option<&'a str>,
    /// In words.
    detail: Option<String>,
}

impl Act<'_> {
    async fn write(
        &self,
        connection: &mut AnyConnection,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO acts (acted_at, act, account, instance_id, by_whom, detail) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(ms(now))
        .bind(self.deed.as_str())
        .bind(self.account)
        .bind(self.instance_id)
        .bind(self.by)
        .bind(self.detail.as_deref())
        .execute(connection)
        .await
        .map(drop)
    }
}

impl Journal {
    /// Holds instances, each in the place of what an operator said of it before: all of them, or none.
    pub async fn hold(&self, holds: &[NewHold]) -> Result<(), Error> {
        self.write(async |connection| {
            for hold in holds {
                let until = hold.until;
                let detail = match &hold.reason {
                    Some(reason) => format!("until {until:.0}: {reason}"),
                    None => format!("until {until:.0}"),
                };
                let act = Act {
                    deed: Deed::Hold,
                    account: Some(&hold.account),
                    instance_id: Some(&hold.instance_id),
                    by: hold.by.as_deref(),
                    detail: Some(detail),
                };
                end_holds(connection, &hold.account, &hold.instance_id, hold.since).await?;
                hold.write(connection).await?;
                act.write(connection, hold.since).await?;
            }
            Ok(())
        })
        .await
    }

    /// Ends what an operator holds of a machine; whether there was anything to end.
    pub async fn unhold(
        &self,
        named: Named<'_>,
        instance_id: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (account, id) = (Some(named.account), Some(instance_id));
        let act = Act { deed: Deed::Unhold, account, instance_id: id, by, detail: None };
        self.write(async |connection| {
            let mut ended = false;
            for account in holders(connection, instance_id).await? {
                ended |= named.hears(&account)
                    && end_holds(connection, &account, instance_id, now).await?;
            }
            if ended {
                act.write(connection, now).await?;
            }
            Ok(ended)
        })
        .await
    }

    /// Stops all terminations.
    pub async fn pause(&self, pause: &Pause) -> Result<(), Error> {
        let act = Act {
            deed: Deed::Pause,
            account: None,
            instance_id: None,
            by: pause.by.as_deref(),
            detail: terms(pause),
        };
        self.write(async |connection| {
            end_pauses(connection, pause.since).await?;
            sqlx::query(
                "INSERT INTO pauses (since, paused_until, reason, by_whom) VALUES ($1, $2, $3, $4)",
            )
            .bind(ms(pause.since))
            .bind(pause.until.map(ms))
            .bind(&pause.reason)
            .bind(&pause.by)
            .execute(&mut *connection)
            .await?;
            act.write(connection, pause.since).await
        })
        .await
    }

    /// Ends the pause; whether there was one.
    pub async fn resume(&self, by: Option<&str>, now: Timestamp) -> Result<bool, Error> {
        let deed = Deed::Resume;
        let act = Act { deed, account: None, instance_id: None, by, detail: None };
        self.write(async |connection| {
            let ended = end_pauses(connection, now).await?;
            if ended {
                act.write(connection, now).await?;
            }
            Ok(ended)
        })
        .await
    }

    /// The pause at `now`, if there is one.
    pub async fn paused(&self, now: Timestamp) -> Result<Option<Pause>, Error> {
        self.read(async |connection| pause_at(connection, now).await).await
    }

    /// Accepts the inventory that was rejected last; whether there was one.
    pub async fn accept_inventory(
        &self,
        account: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let deed = Deed::AcceptInventory;
        let act = Act { deed, account: Some(account), instance_id: None, by, detail: None };
        self.write(async |connection| {
            let is_accepted = inventories::accept_rejected(connection, account).await?;
            if is_accepted {
                act.write(connection, now).await?;
            }
            Ok(is_accepted)
        })
        .await
    }
}

/// What is not said beside it: until when, and why.
fn terms(pause: &Pause) -> Option<String> {
    let until = pause.until.map(|until| format!("until {until:.0}"));
    let terms: Vec<_> = until.into_iter().chain(pause.reason.clone()).collect();
    (!terms.is_empty()).then(|| terms.join(": "))
}

/// The pause at `now`, if there is one.
pub(super) async fn pause_at(
    connection: &mut AnyConnection,
    now: Timestamp,
) -> Result<Option<Pause>, sqlx::Error> {
    type Row = (i64, Option<i64>, Option<String>, Option<String>);
    let found: Option<Row> = sqlx::query_as(
        "SELECT since, paused_until, reason, by_whom FROM pauses WHERE resumed_at IS NULL \
         AND (paused_until IS NULL OR paused_until > $1) ORDER BY since DESC LIMIT 1",
    )
    .bind(ms(now))
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|(since, until, reason, by)| Pause {
        since: at(since),
        until: until.map(at),
        reason,
        by,
    }))
}

async fn end_pauses(connection: &mut AnyConnection, now: Timestamp) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query(
        "UPDATE pauses SET resumed_at = $1 WHERE resumed_at IS NULL \
         AND (paused_until IS NULL OR paused_until > $1)",
    )
    .bind(ms(now))
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// The accounts of which an operator held a machine of this id.
async fn holders(
    connection: &mut AnyConnection,
    instance_id: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT DISTINCT account FROM holds WHERE instance_id = $1 AND kind = $2")
            .bind(instance_id)
            .bind(HoldKind::Operator.as_str())
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(account,)| account).collect())
}

async fn end_holds(
    connection: &mut AnyConnection,
    account: &str,
    instance_id: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query(
        "UPDATE holds SET ended_at = $4 WHERE account = $1 AND instance_id = $2 AND kind = $3 \
         AND ended_at IS NULL AND held_until > $4",
    )
    .bind(account)
    .bind(instance_id)
    .bind(HoldKind::Operator.as_str())
    .bind(ms(now))
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() > 0)
}
