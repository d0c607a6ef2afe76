//! What was done, as a person asks for it; and how long that is kept.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sqlx::AnyConnection;

use super::{Error, Journal, at, ms, releases};

/// How long a machine waits in the recycle bin, says the page of `TerminateInstance`.
pub const RECYCLE_BIN: SignedDuration = SignedDuration::from_hours(24);

/// Until when a machine that was terminated at an instant can be taken back, in whole seconds.
#[must_use]
pub fn recoverable_until(terminated_at: Timestamp) -> Timestamp {
    let end = terminated_at.checked_add(RECYCLE_BIN).unwrap_or(Timestamp::MAX);
    Timestamp::from_second(end.as_second()).unwrap_or(end)
}

/// The most entries of one kind that a person is shown.
pub const ENTRIES_MAX: u32 = 10_000;

/// Which entries are asked for.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The first instant.
    pub since: Timestamp,
    /// Of this machine only.
    pub instance_id: Option<String>,
    /// By this rule only.
    pub rule: Option<String>,
    /// So many of one kind at the most; the newest count.
    pub limit: u32,
}

/// Something that was done.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What: `terminate`, `release`, `notice`, `hold`, or what an operator did.
    pub what: String,
    /// The account's name.
    pub account: Option<String>,
    /// The machine's id.
    pub instance_id: Option<String>,
    /// The machine's name.
    pub name: Option<String>,
    /// The rule that took it.
    pub rule: Option<String>,
    /// Why: the values that the rule saw, or what was said.
    pub why: Option<String>,
    /// What became of it.
    pub outcome: Option<String>,
    /// What the next inventory said of it.
    pub verified: Option<String>,
    /// The code of a failure.
    pub code: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The run's id.
    pub run: Option<String>,
    /// Until when it can be taken back from the recycle bin.
    pub recoverable_until: Option<Timestamp>,
}

impl Journal {
    /// What was done, the oldest first.
    pub async fn history(&self, filter: &Filter) -> Result<Vec<Entry>, Error> {
        self.read(async |connection| {
            let mut entries = terminations(connection, filter).await?;
            entries.extend(releases::history(connection, filter).await?);
            entries.extend(promises(connection, filter).await?);
            entries.extend(holds(connection, filter).await?);
            if filter.rule.is_none() {
                entries.extend(acts(connection, filter).await?);
            }
            entries.sort_by(|a, b| {
                (a.at, &a.account, &a.instance_id).cmp(&(b.at, &b.account, &b.instance_id))
            });
            Ok(entries)
        })
        .await
    }

    /// Forgets what is older than `before` and over.
    pub async fn prune(&self, before: Timestamp) -> Result<(), Error> {
        const STATEMENTS: [&str; 9] = [
            "DELETE FROM decisions WHERE decided_at < $1",
            "DELETE FROM intents WHERE intended_at < $1 AND outcome IS NOT NULL",
            "DELETE FROM releases WHERE wanted_at < $1",
            "DELETE FROM runs WHERE started_at < $1",
            "DELETE FROM promises WHERE ended_at < $1 AND terminate_at < $1",
            "DELETE FROM notices WHERE written_at < $1 AND key NOT IN (SELECT key FROM promises WHERE ended_at IS NULL OR terminate_at >= $1)",
            "DELETE FROM holds WHERE held_until < $1",
            "DELETE FROM acts WHERE acted_at < $1",
            "DELETE FROM known_instances WHERE gone_at < $1",
        ];
        self.write(async |connection| {
            for statement in STATEMENTS {
                sqlx::query(statement).bind(ms(before)).execute(&mut *connection).await?;
            }
            Ok(())
        })
        .await
    }
}

async fn terminations(
    connection: &mut AnyConnection,
    filter: &Filter,
) -> Result<Vec<Entry>, sqlx::Error> {
    type Row = (
        i64,
        String,
        String,
        Option<String>,
        String,
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        String,
        i64,
        Option<i64>,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT intended_at, account, instance_id, name, rule, why, outcome, verified, code, request_id, message, run, \
         recoverable, ended_at FROM intents WHERE intended_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR instance_id = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR rule = $3) ORDER BY intended_at DESC LIMIT $4",
    )
    .bind(ms(filter.since))
    .bind(&filter.instance_id)
    .bind(&filter.rule)
    .bind(i64::from(filter.limit))
    .fetch_all(connection)
    .await?;
    let entry = |row: Row| {
        let (
            intended_at,
            account,
            id,
            name,
            rule,
            why,
            outcome,
            verified,
            code,
            request_id,
            message,
            run,
            bin,
            ended_at,
        ) = row;
        let is_in_bin = bin != 0
            && outcome.as_deref().is_some_and(|outcome| matches!(outcome, "terminated" | "gone"));
        let since = at(ended_at.unwrap_or(intended_at));
        Entry {
            at: at(intended_at),
            what: "terminate".to_owned(),
            account: Some(account),
            instance_id: Some(id),
            name,
            rule: Some(rule),
            why: Some(match message {
                Some(message) => format!("{why}; {message}"),
                None => why,
            }),
            outcome: outcome.or_else(|| Some("open".to_owned())),
            verified,
            code,
            request_id,
            run: Some(run),
            recoverable_until: is_in_bin.then(|| recoverable_until(since)),
        }
    };
    Ok(rows.into_iter().map(entry).collect())
}

async fn promises(
    connection: &mut AnyConnection,
    filter: &Filter,
) -> Result<Vec<Entry>, sqlx::Error> {
    let rows: Vec<(i64, String, String, String, i64, Option<String>)> = sqlx::query_as(
        "SELECT begun_at, account, instance_id, rule, terminate_at, ended_as FROM promises \
         WHERE begun_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR instance_id = $2) AND (CAST($3 AS TEXT) IS NULL OR rule = $3) \
         ORDER BY begun_at DESC LIMIT $4",
    )
    .bind(ms(filter.since))
    .bind(&filter.instance_id)
    .bind(&filter.rule)
    .bind(i64::from(filter.limit))
    .fetch_all(connection)
    .await?;
    let entry = |(begun_at, account, id, rule, terminate_at, ended_as)| Entry {
        at: at(begun_at),
        what: "notice".to_owned(),
        account: Some(account),
        instance_id: Some(id),
        rule: Some(rule),
        why: Some(format!("to be terminated at {}", at(terminate_at))),
        outcome: ended_as,
        ..Entry::default()
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// The holds that no operator asked for; what operators did is among the acts.
async fn holds(connection: &mut AnyConnection, filter: &Filter) -> Result<Vec<Entry>, sqlx::Error> {
    if filter.rule.is_some() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String, String, String, i64)> = sqlx::query_as(
        "SELECT since, account, instance_id, kind, held_until FROM holds \
         WHERE since >= $1 AND (CAST($2 AS TEXT) IS NULL OR instance_id = $2) AND kind <> 'held' \
         ORDER BY since DESC LIMIT $3",
    )
    .bind(ms(filter.since))
    .bind(&filter.instance_id)
    .bind(i64::from(filter.limit))
    .fetch_all(connection)
    .await?;
    let entry = |(since, account, id, kind, until)| Entry {
        at: at(since),
        what: "hold".to_owned(),
        account: Some(account),
        instance_id: Some(id),
        why: Some(format!("{kind}, until {:.0}", at(until))),
        ..Entry::default()
    };
    Ok(rows.into_iter().map(entry).collect())
}

async fn acts(connection: &mut AnyConnection, filter: &Filter) -> Result<Vec<Entry>, sqlx::Error> {
    type Row = (i64, String, Option<String>, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT acted_at, act, account, instance_id, by_whom, detail FROM acts \
         WHERE acted_at >= $1 AND (CAST($2 AS TEXT) IS NULL OR instance_id = $2) \
         ORDER BY acted_at DESC LIMIT $3",
    )
    .bind(ms(filter.since))
    .bind(&filter.instance_id)
    .bind(i64::from(filter.limit))
    .fetch_all(connection)
    .await?;
    let entry = |(acted_at, act, account, instance_id, by, detail): Row| {
        let by = by.map(|by| format!("by {by}"));
        let why: Vec<_> = by.into_iter().chain(detail).collect();
        Entry {
            at: at(acted_at),
            what: act,
            account,
            instance_id,
            why: (!why.is_empty()).then(|| why.join(", ")),
            ..Entry::default()
        }
    };
    Ok(rows.into_iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_taken_back_is_told_of_any_instant() {
        let at = "2026-11-20T00:00:00.9Z".parse().unwrap();
        assert_eq!(recoverable_until(at).to_string(), "2026-11-21T00:00:00Z");
        // A journal that tells an odd instant is no reason to panic.
        assert!(recoverable_until(Timestamp::MAX) <= Timestamp::MAX);
    }
}
