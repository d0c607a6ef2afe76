//! Decisions, as far as they changed since the run before.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Error, Journal, ms};
use crate::plan::{Judgement, Plan, Subject};

/// A decision as it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Standing<'a> {
    decision: &'a str,
    reason: &'a str,
    rule: &'a str,
}

/// The decision, the reason and the rule that stood after the run before, by machine.
type Before = HashMap<String, (String, String, String)>;

impl<'a> Standing<'a> {
    /// What stands of a machine that a rule touches.
    fn of(judgement: &Judgement<'a>) -> Option<Self> {
        let (decision, reason) = (judgement.decision.as_str(), judgement.decision.reason());
        Some(Self { decision, reason, rule: judgement.rule?.name.as_str() })
    }
}

/// One decision that changed.
struct Change<'a> {
    id: &'a str,
    name: Option<&'a str>,
    new: Option<Standing<'a>>,
    terminate_at: Option<Timestamp>,
}

impl Journal {
    /// Writes the decisions of a plan that differ from those of the run before.
    pub async fn decided(&self, account: &str, run: &str, plan: &Plan<'_>) -> Result<(), Error> {
        let old = self.standing(account).await?;
        let changes = changes(plan, &old);
        if changes.is_empty() {
            return Ok(());
        }
        self.write(async |connection| {
            for change in &changes {
                change.write(connection, account, run, plan.now).await?;
            }
            Ok(())
        })
        .await
    }

    async fn standing(&self, account: &str) -> Result<Before, Error> {
        self.read(async |connection| {
            let rows: Vec<(String, String, String, String)> = sqlx::query_as(
                "SELECT instance_id, decision, reason, rule FROM standing WHERE account = $1",
            )
            .bind(account)
            .fetch_all(connection)
            .await?;
            let standing = |(id, decision, reason, rule)| (id, (decision, reason, rule));
            Ok(rows.into_iter().map(standing).collect())
        })
        .await
    }

    /// Whether any rule ever touched a machine.
    pub async fn knows(&self, account: &str, instance_id: &str) -> Result<bool, Error> {
        self.read(async |connection| {
            let found: Option<(String,)> = sqlx::query_as(
                "SELECT instance_id FROM decisions WHERE account = $1 AND instance_id = $2 LIMIT 1",
            )
            .bind(account)
            .bind(instance_id)
            .fetch_optional(connection)
            .await?;
            Ok(found.is_some())
        })
        .await
    }
}

fn changes<'a>(plan: &'a Plan<'a>, old: &'a Before) -> Vec<Change<'a>> {
    let standing = |(id, (decision, reason, rule)): (&'a String, &'a (String, String, String))| {
        (id.as_str(), Standing { decision, reason, rule })
    };
    let mut gone: HashMap<&str, Standing<'_>> = old.iter().map(standing).collect();
    let mut changes = Vec::new();
    for (subject, judgement) in &plan.decisions {
        let (id, new) = (subject.id().as_str(), Standing::of(judgement));
        if gone.remove(id) != new {
            let name = Subject::name(*subject);
            changes.push(Change { id, name, new, terminate_at: judgement.terminate_at });
        }
    }
    let vanished = |id| Change { id, name: None, new: None, terminate_at: None };
    let mut vanished: Vec<_> = gone.into_keys().map(vanished).collect();
    vanished.sort_unstable_by_key(|change| change.id);
    changes.extend(vanished);
    changes
}

impl Change<'_> {
    async fn write(
        &self,
        connection: &mut AnyConnection,
        account: &str,
        run: &str,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let (decision, reason, rule) = match self.new {
            Some(Standing { decision, reason, rule }) => (decision, reason, Some(rule)),
            None => ("keep", "no_rule", None),
        };
        sqlx::query(
            "INSERT INTO decisions (account, instance_id, run, decided_at, name, decision, reason, rule, terminate_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(account)
        .bind(self.id)
        .bind(run)
        .bind(ms(now))
        .bind(self.name)
        .bind(decision)
        .bind(reason)
        .bind(rule)
        .bind(self.terminate_at.map(ms))
        .execute(&mut *connection)
        .await?;
        self.stand(connection, account).await
    }

    async fn stand(
        &self,
        connection: &mut AnyConnection,
        account: &str,
    ) -> Result<(), sqlx::Error> {
        let query = match self.new {
            None => sqlx::query("DELETE FROM standing WHERE account = $1 AND instance_id = $2")
                .bind(account)
                .bind(self.id),
            Some(Standing { decision, reason, rule }) => sqlx::query(
                "INSERT INTO standing (account, instance_id, decision, reason, rule) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, instance_id) \
                 DO UPDATE SET decision = excluded.decision, reason = excluded.reason, rule = excluded.rule",
            )
            .bind(account)
            .bind(self.id)
            .bind(decision)
            .bind(reason)
            .bind(rule),
        };
        query.execute(connection).await.map(drop)
    }
}
