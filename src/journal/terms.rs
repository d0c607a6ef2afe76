//! On what terms a call may be made: asked in the transaction that writes its intent, so that nothing that an operator or another
//! process wrote before is overlooked.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Holder, Lease, Named, at, count, lease, ms, operator};
use crate::plan::{
    guard,
    memory::{Hold, HoldKind, Pause},
};

/// On what terms the calls of a run may be made.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The lease of the account.
    pub lease: Lease,
    /// The names of all accounts.
    pub accounts: Arc<[String]>,
    /// The terminations of any 24 hours.
    pub max_per_day: u32,
}

impl Terms {
    fn named(&self) -> Named<'_> {
        Named { account: &self.lease.account, all: &self.accounts }
    }
}

/// Why an intent was not written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Objection {
    /// The lease is not ours any more; its holder, if there is one.
    LeaseLost(Option<Holder>),
    /// An operator paused all terminations.
    Paused(Pause),
    /// The instance is held.
    Held(Hold),
    /// The day's limit is reached; so many calls of the last 24 hours took effect, or may have.
    PerDay {
        /// How many.
        before: u64,
    },
}

/// What a call is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// It terminates an instance, and counts in the day.
    Terminate,
    /// It releases an instance that we terminated: that is why it is held, and no reason against the call.
    Release,
}

/// What the terms came to in one transaction: asked once for each account, whatever the number of its intents.
#[derive(Debug, Default)]
pub(super) struct Answers {
    of: HashMap<String, Answer>,
}

#[derive(Debug)]
struct Answer {
    objection: Option<Objection>,
    in_a_day: u64,
}

impl Answers {
    /// What speaks against a call for an instance at `now`; a termination against which nothing speaks counts in the day.
    pub(super) async fn objection(
        &mut self,
        connection: &mut AnyConnection,
        terms: &Terms,
        (instance_id, purpose, now): (&str, Purpose, Timestamp),
    ) -> Result<Option<Objection>, sqlx::Error> {
        let account = &terms.lease.account;
        if !self.of.contains_key(account) {
            let answer = ask(connection, terms, now).await?;
            self.of.insert(account.clone(), answer);
        }
        let Some(answer) = self.of.get_mut(account) else { return Ok(None) };
        if answer.objection.is_some() {
            return Ok(answer.objection.clone());
        }
        if let Some(hold) = hold(connection, terms.named(), (instance_id, purpose), now).await? {
            return Ok(Some(Objection::Held(hold)));
        }
        if purpose == Purpose::Terminate {
            if answer.in_a_day >= u64::from(terms.max_per_day) {
                return Ok(Some(Objection::PerDay { before: answer.in_a_day }));
            }
            answer.in_a_day += 1;
        }
        Ok(None)
    }
}

async fn ask(
    connection: &mut AnyConnection,
    terms: &Terms,
    now: Timestamp,
) -> Result<Answer, sqlx::Error> {
    let account = &terms.lease.account;
    let objection = if lease::is_ours(connection, &terms.lease).await? {
        operator::pause_at(connection, now).await?.map(Objection::Paused)
    } else {
        Some(Objection::LeaseLost(lease::holder(connection, account).await?))
    };
    let in_a_day = terminated_since(connection, terms.named(), now - guard::DAY).await?;
    Ok(Answer { objection, in_a_day })
}

/// The hold on an instance at `now` that ends last.
async fn hold(
    connection: &mut AnyConnection,
    named: Named<'_>,
    (instance_id, purpose): (&str, Purpose),
    now: Timestamp,
) -> Result<Option<Hold>, sqlx::Error> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT account, kind, held_until FROM holds \
         WHERE instance_id = $1 AND ended_at IS NULL AND held_until > $2 ORDER BY held_until DESC",
    )
    .bind(instance_id)
    .bind(ms(now))
    .fetch_all(connection)
    .await?;
    let is_for_us = |(account, kind, _): &(String, String, i64)| {
        let kind = HoldKind::named(kind);
        let counts = purpose == Purpose::Terminate || kind != HoldKind::Accepted;
        counts && named.hears(account)
    };
    let found = rows.into_iter().find(is_for_us);
    Ok(found.map(|(_, kind, until)| Hold { kind: HoldKind::named(&kind), until: at(until) }))
}

/// A call may be on its way for so long: the longest `timeout` of an account.
pub(super) const ON_ITS_WAY_MS_MAX: i64 = 10 * 60 * 1000;

/// How many calls since an instant took effect, or may have, also under the names of accounts that the config does not know any more.
/// One that an inventory showed not to have taken effect counts no more,
/// unless the call may still have been on its way then.
pub(super) async fn terminated_since(
    connection: &mut AnyConnection,
    named: Named<'_>,
    since: Timestamp,
) -> Result<u64, sqlx::Error> {
    let calls: Vec<(String, i64)> = sqlx::query_as(
        "SELECT account, COUNT(*) FROM intents WHERE intended_at > $1 \
         AND (outcome IS NULL OR outcome IN ('terminated', 'gone') \
         OR (outcome = 'unknown' AND (verified IS NULL OR verified <> 'not_done' \
         OR verified_at < intended_at + $2))) GROUP BY account",
    )
    .bind(ms(since))
    .bind(ON_ITS_WAY_MS_MAX)
    .fetch_all(connection)
    .await?;
    let own = calls.into_iter().filter(|(account, _)| named.hears(account));
    Ok(own.map(|(_, calls)| count(calls)).sum())
}
