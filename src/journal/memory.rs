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
        memory::{Force, Hold, HoldKind, Memory, Promise},
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
                promises: promises(connection, named, sinks, now).await?,
                owner_tag: None,
                terminated_in_a_day: terms::terminated_since(connection, named, now - guard::DAY)
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
         WHERE ended_at IS NULL AND held_until > $1 ORDER BY held_until",
    )
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

/// Reads what binds at `now`: the promises of an account that stand, and the times that any notice named, whoever made the
/// promise and however it ended. An id names one instance, whatever its account is called.
async fn promises(
    connection: &mut AnyConnection,
    named: Named<'_>,
    sinks: &[String],
    now: Timestamp,
) -> Result<HashMap<InstanceId, Vec<Promise>>, sqlx::Error> {
    let rows: Vec<PromiseRow> = sqlx::query_as(
        "SELECT key, account, instance_id, rule, owner, begun_at, terminate_at, ended_at FROM promises \
         WHERE ended_at IS NULL OR terminate_at > $1 ORDER BY begun_at, key",
    )
    .bind(ms(now))
    .fetch_all(&mut *connection)
    .await?;
    let mut sent = sent(connection, now).await?;
    let mut promises: HashMap<_, Vec<Promise>> = HashMap::new();
    for (key, account, id, rule, owner, begun_at, terminate_at, ended_at) in rows {
        let force = force(named, &account, ended_at.is_some());
        let terminate_at = at(terminate_at);
        if force == Force::TimeOnly && terminate_at <= now {
            continue;
        }
        let Some(rule) = rule_name(&rule) else { continue };
        let begun_at = at(begun_at);
        let mut promise =
            Promise { key, rule, owner, begun_at, told_at: None, terminate_at, force };
        let mut sent = sent.remove(&promise.key).unwrap_or_default();
        sent.retain(|one| promise.is_to(one.owner.as_deref()));
        promise.told_at = told_at(&sent, sinks);
        promises.entry(InstanceId::new(&id)).or_default().push(promise);
    }
    Ok(promises)
}

/// Key, account, instance, rule, owner, and when it began, names the termination, and ended.
type PromiseRow = (String, String, String, String, Option<String>, i64, i64, Option<i64>);

/// A promise binds whatever the rule is called that caused it, also by a name that this version refuses.
fn rule_name(rule: &str) -> Option<RuleName> {
    RuleName::new(rule).or_else(|_| RuleName::new("unknown")).ok()
}

fn force(named: Named<'_>, account: &str, has_ended: bool) -> Force {
    match (has_ended, account == named.account, named.hears(account)) {
        (true, ..) | (false, false, false) => Force::TimeOnly,
        (false, true, _) => Force::Stands,
        (false, false, true) => Force::Orphaned,
    }
}

/// That a sink has sent a notice.
struct Sent {
    sink: String,
    owner: Option<String>,
    at: i64,
}

/// Reads which notices of the promises that bind were sent, by their keys.
async fn sent(
    connection: &mut AnyConnection,
    now: Timestamp,
) -> Result<HashMap<String, Vec<Sent>>, sqlx::Error> {
    let rows: Vec<(String, String, Option<String>, i64)> = sqlx::query_as(
        "SELECT n.key, n.sink, n.owner, n.sent_at FROM notices n JOIN promises p ON p.key = n.key \
         WHERE n.sent_at IS NOT NULL AND (p.ended_at IS NULL OR p.terminate_at > $1)",
    )
    .bind(ms(now))
    .fetch_all(connection)
    .await?;
    let mut sent: HashMap<_, Vec<_>> = HashMap::new();
    for (key, sink, owner, at) in rows {
        sent.entry(key).or_default().push(Sent { sink, owner, at });
    }
    Ok(sent)
}

/// When the last of `sinks` had sent: `None` if one has not, or there is none.
fn told_at(sent: &[Sent], sinks: &[String]) -> Option<Timestamp> {
    let of = |sink: &String| sent.iter().find(|one| one.sink == *sink).map(|one| one.at);
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::journal::{Ended, NewPromise};

    const NOW: &str = "2026-11-20T00:00:00Z";

    fn hours(hours: i64) -> Timestamp {
        NOW.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    /// Writes a promise under the name of an account, which names the termination in so many hours; then ends it, if so.
    async fn write(journal: &Journal, account: &str, until: i64, ended_as: Option<&'static str>) {
        let key = format!("{account}/{until}/{ended_as:?}");
        let promise = NewPromise {
            key: key.clone(),
            account: account.to_owned(),
            instance_id: key.clone(),
            rule: "dev".to_owned(),
            owner: String::new(),
            begun_at: hours(-9),
            terminate_at: hours(until),
            notices: Vec::new(),
        };
        journal.promised(&[promise]).await.unwrap();
        if let Some(ended_as) = ended_as {
            let ended = Ended { key, ended_as, ended_at: hours(-1), notices: Vec::new() };
            journal.ended(&[ended]).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_promise_binds_by_the_name_of_its_account_and_by_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("journal.db"));
        let all = ["main", "other"].map(str::to_owned);
        let table = [
            ("main", 5, None, Some(Force::Stands)),
            ("main", -5, None, Some(Force::Stands)),
            ("former", 5, None, Some(Force::Orphaned)),
            ("former", -5, None, Some(Force::Orphaned)),
            ("other", 5, None, Some(Force::TimeOnly)),
            ("other", -5, None, None),
            ("main", 5, Some("withdrawn"), Some(Force::TimeOnly)),
            ("main", 5, Some("replaced"), Some(Force::TimeOnly)),
            ("main", 5, Some("terminated"), Some(Force::TimeOnly)),
            ("main", -5, Some("withdrawn"), None),
            ("former", 5, Some("withdrawn"), Some(Force::TimeOnly)),
            ("other", 5, Some("withdrawn"), Some(Force::TimeOnly)),
        ];
        for (account, until, ended_as, _) in table {
            write(&journal, account, until, ended_as).await;
        }
        journal.prune(hours(-1) + SignedDuration::from_secs(1)).await.unwrap();
        let named = Named { account: "main", all: &all };
        let memory = journal.memory(named, &[], hours(0)).await.unwrap();
        for (account, until, ended_as, expected) in table {
            let id = InstanceId::new(&format!("{account}/{until}/{ended_as:?}"));
            let found = memory.promises.get(&id).map(|all| all[0].force);
            assert_eq!(found, expected, "{id}");
        }
    }
}
