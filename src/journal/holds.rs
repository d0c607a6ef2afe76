//! Holds: machines that are not to be called for a while.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::AnyConnection;

use super::{Error, Journal, at, ms};
use crate::plan::memory::HoldKind;

/// An account, and the names of all that there are.
///
/// A hold of an account that is none of them counts for each: one that is called otherwise by now still keeps what operators keep.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The names of all accounts.
    pub all: &'a [String],
}

impl Named<'_> {
    /// Whether what an operator holds of an account of this name is held for ours.
    pub(super) fn hears(&self, account: &str) -> bool {
        account == self.account || !self.all.iter().any(|own| own == account)
    }

    /// Whether what is said of ours counts for an account of this name.
    pub(super) fn concerns(&self, account: &str) -> bool {
        account == self.account || !self.all.iter().any(|own| *own == self.account)
    }
}

/// A hold to be written.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// The account's name.
    pub account: String,
    /// The machine's id.
    pub instance_id: String,
    /// Why.
    pub kind: HoldKind,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// The operator.
    pub by: Option<String>,
}

/// A hold as it is listed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Held {
    /// The account's name.
    pub account: String,
    /// The machine's id.
    pub instance_id: String,
    /// The name of its kind.
    pub kind: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// The operator.
    pub by: Option<String>,
}

impl NewHold {
    pub(super) async fn write(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO holds (account, instance_id, kind, since, held_until, reason, by_whom) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, instance_id, kind, since) \
             DO UPDATE SET held_until = excluded.held_until, reason = excluded.reason, \
             by_whom = excluded.by_whom, ended_at = NULL",
        )
        .bind(&self.account)
        .bind(&self.instance_id)
        .bind(self.kind.as_str())
        .bind(ms(self.since))
        .bind(ms(self.until))
        .bind(&self.reason)
        .bind(&self.by)
        .execute(connection)
        .await
        .map(drop)
    }
}

impl Journal {
    /// The holds that stand at `now`, the next to end first.
    pub async fn holds(&self, now: Timestamp) -> Result<Vec<Held>, Error> {
        self.read(async |connection| standing(connection, now, NEXT_FIRST, i64::MAX).await).await
    }

    /// The machines of an account that operators keep at `now`, and until when.
    pub async fn held_by_operators(
        &self,
        named: Named<'_>,
        now: Timestamp,
    ) -> Result<Vec<(String, Timestamp)>, Error> {
        self.read(async |connection| {
            let rows: Vec<(String, String, i64)> = sqlx::query_as(
                "SELECT account, instance_id, held_until FROM holds \
                 WHERE kind = $1 AND ended_at IS NULL AND held_until > $2 ORDER BY held_until",
            )
            .bind(HoldKind::Operator.as_str())
            .bind(ms(now))
            .fetch_all(connection)
            .await?;
            let own = rows.into_iter().filter(|(account, ..)| named.hears(account));
            Ok(own.map(|(_, id, until)| (id, at(until))).collect())
        })
        .await
    }
}

/// The holds that stand, the next to end first.
const NEXT_FIRST: &str = "SELECT account, instance_id, kind, since, held_until, reason, by_whom FROM holds \
     WHERE ended_at IS NULL AND held_until > $1 ORDER BY held_until, account, instance_id LIMIT $2";

/// The same, what operators hold before what follows from answers of the API.
pub(super) const OPERATORS_FIRST: &str = "SELECT account, instance_id, kind, since, held_until, reason, by_whom FROM holds \
     WHERE ended_at IS NULL AND held_until > $1 \
     ORDER BY CASE kind WHEN 'held' THEN 0 WHEN 'commitment' THEN 1 ELSE 2 END, held_until, account, instance_id LIMIT $2";

/// The holds that stand at `now`, in the order of a statement; so many at the most.
pub(super) async fn standing(
    connection: &mut AnyConnection,
    now: Timestamp,
    statement: &'static str,
    limit: i64,
) -> Result<Vec<Held>, sqlx::Error> {
    type Row = (String, String, String, i64, i64, Option<String>, Option<String>);
    let rows: Vec<Row> =
        sqlx::query_as(statement).bind(ms(now)).bind(limit).fetch_all(connection).await?;
    let held = |(account, instance_id, kind, since, until, reason, by): Row| Held {
        account,
        instance_id,
        kind,
        since: at(since),
        until: at(until),
        reason,
        by,
    };
    Ok(rows.into_iter().map(held).collect())
}
