//! Which instances the journal knows, by what names, and what was last done to one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Error, Journal, at};

/// An instance that the journal knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// The account's name.
    pub account: String,
    /// The instance's id.
    pub instance_id: String,
    /// The newest name that the journal has of it.
    pub name: Option<String>,
}

/// The last call to terminate an instance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LastCall {
    /// When it was about to be sent.
    pub intended_at: Timestamp,
    /// What became of it, if that is known.
    pub outcome: Option<String>,
    /// What a later inventory said of it.
    pub verified: Option<String>,
}

/// Every table whose rows are about instances that an inventory listed, with the columns of a name and of its time. What operators
/// hold is left out: a hold under a wrong id must not make that id a known one.
const IDS: [&str; 4] = [
    "SELECT account, instance_id, CAST(NULL AS TEXT) FROM standing",
    "SELECT account, instance_id, CAST(NULL AS TEXT) FROM promises",
    "SELECT account, instance_id, name FROM decisions",
    "SELECT account, instance_id, name FROM intents",
];
const ORDERS: [&str; 4] = ["", "", " ORDER BY decided_at", " ORDER BY intended_at"];

impl Journal {
    /// Returns the instances with this id, one for each account that has one.
    pub async fn known_by_id(&self, instance_id: &str) -> Result<Vec<Known>, Error> {
        self.read(async |connection| known(connection, Some(instance_id)).await).await
    }

    /// Returns every instance that the journal knows.
    pub async fn known(&self) -> Result<Vec<Known>, Error> {
        self.read(async |connection| known(connection, None).await).await
    }

    /// Returns the last call to terminate an instance.
    pub async fn last_call(
        &self,
        account: &str,
        instance_id: &str,
    ) -> Result<Option<LastCall>, Error> {
        self.read(async |connection| {
            let row: Option<(i64, Option<String>, Option<String>)> = sqlx::query_as(
                "SELECT intended_at, outcome, verified FROM intents \
                 WHERE account = $1 AND instance_id = $2 ORDER BY intended_at DESC LIMIT 1",
            )
            .bind(account)
            .bind(instance_id)
            .fetch_optional(connection)
            .await?;
            Ok(row.map(|(intended_at, outcome, verified)| LastCall {
                intended_at: at(intended_at),
                outcome,
                verified,
            }))
        })
        .await
    }
}

async fn known(
    connection: &mut AnyConnection,
    instance_id: Option<&str>,
) -> Result<Vec<Known>, sqlx::Error> {
    let mut found = BTreeMap::<(String, String), Option<String>>::new();
    for (select, order) in IDS.into_iter().zip(ORDERS) {
        let statement =
            format!("{select} WHERE (CAST($1 AS TEXT) IS NULL OR instance_id = $1){order}");
        let rows: Vec<(String, String, Option<String>)> =
            sqlx::query_as(sqlx::AssertSqlSafe(statement))
                .bind(instance_id)
                .fetch_all(&mut *connection)
                .await?;
        for (account, id, name) in rows {
            let known = found.entry((account, id)).or_default();
            *known = name.or(known.take());
        }
    }
    let known = |((account, instance_id), name)| Known { account, instance_id, name };
    Ok(found.into_iter().map(known).collect())
}
