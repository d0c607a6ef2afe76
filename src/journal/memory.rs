//! What a plan needs to know of earlier runs.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Error, Journal, Named, at, ms, operator, terms};
use crate::{
    inventory::InstanceId,
    plan::{
        guard,
        inventory_check::InventoryCheck,
        memory::{Hold, HoldKind, Memory, Promise},
    },
    rules::RuleName,
};

impl Journal {
    /// What is remembered of an account at `now`. An owner is told when each of `sinks` has sent the notice.
    pub async fn memory(
        &self,
        named: Named<'_>,
        sinks: &[String],
        now: Timestamp,
    ) -> Result<Memory, Error> {
        let account = named.account;
        self.read(async |connection| {
            Ok(Memory {
                holds: holds(connection, named, now).await?,
                promises: promises(connection, account, sinks).await?,
                terminated_in_a_day: terms::terminated_since(connection, account, now - guard::DAY)
                    .await?,
                inventory: InventoryCheck::default(),
                pause: operator::pause_at(connection, now).await?,
                last_run_at: last_run_at(connection, account).await?,
                resting: HashSet::new(),
            })
        })
        .await
    }
}

async fn holds(
    connection: &mut AnyConnection,
    named: Named<'_>,
    now: Timestamp,
) -> Result<HashMap<InstanceId, Hold>, sqlx::Error> {
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT account, instance_id, kind, held_until FROM holds \
         WHERE (account = $1 OR kind = $2) AND ended_at IS NULL AND held_until > $3 ORDER BY held_until",
    )
    .bind(named.account)
    .bind(HoldKind::Operator.as_str())
    .bind(ms(now))
    .fetch_all(connection)
    .await?;
    let own = rows.into_iter().filter(|(account, ..)| named.hears(account));
    let known = |(_, id, kind, until): (String, String, String, i64)| {
        let hold = Hold { kind: HoldKind::named(&kind), until: at(until) };
        (InstanceId::new(&id), hold)
    };
    // Of several, the last to end stays.
    Ok(own.map(known).collect())
}

async fn promises(
    connection: &mut AnyConnection,
    account: &str,
    sinks: &[String],
) -> Result<HashMap<InstanceId, Promise>, sqlx::Error> {
    type Row = (String, String, String, i64, i64, Option<String>, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT p.key, p.instance_id, p.rule, p.begun_at, p.terminate_at, n.sink, n.sent_at \
         FROM promises p LEFT JOIN notices n ON n.key = p.key \
         WHERE p.account = $1 AND p.ended_at IS NULL ORDER BY p.begun_at, p.key",
    )
    .bind(account)
    .fetch_all(connection)
    .await?;
    let mut promises = HashMap::new();
    let mut sent: HashMap<String, Vec<(String, i64)>> = HashMap::new();
    for (key, id, rule, begun_at, terminate_at, sink, sent_at) in rows {
        if let (Some(sink), Some(sent_at)) = (sink, sent_at) {
            sent.entry(key.clone()).or_default().push((sink, sent_at));
        }
        let Ok(rule) = RuleName::new(&rule) else { continue };
        let (begun_at, terminate_at) = (at(begun_at), at(terminate_at));
        let promise = Promise { key, rule, begun_at, told_at: None, terminate_at };
        promises.insert(InstanceId::new(&id), promise);
    }
    for promise in promises.values_mut() {
        let sent = sent.get(&promise.key).map(Vec::as_slice).unwrap_or_default();
        promise.told_at = told_at(sent, sinks);
    }
    Ok(promises)
}

/// When the last of `sinks` had sent: `None` if one has not, or there is none.
fn told_at(sent: &[(String, i64)], sinks: &[String]) -> Option<Timestamp> {
    let of = |sink: &String| sent.iter().find(|(name, _)| name == sink).map(|(_, sent)| *sent);
    let all: Option<Vec<_>> = sinks.iter().map(of).collect();
    all?.into_iter().max().map(at)
}

/// When the last run began that came to an end: not the one that asks.
async fn last_run_at(
    connection: &mut AnyConnection,
    account: &str,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let (last,): (Option<i64>,) = sqlx::query_as(
        "SELECT MAX(started_at) FROM runs WHERE account = $1 AND ended_at IS NOT NULL",
    )
    .bind(account)
    .fetch_one(connection)
    .await?;
    Ok(last.map(at))
}
