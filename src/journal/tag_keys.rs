//! The keys of the tags that machines had at the last inventory, so that a misspelt one in a rule is noticed.

use std::collections::BTreeSet;

use super::{Error, Journal, at, ms};
use crate::{
    plan::{Plan, Subject},
    rules::TagKeys,
};

/// The most keys of an account that are remembered, and the longest in bytes; an account past that is remembered to have any.
const KEYS_MAX: usize = 10_000;
const KEY_BYTES_MAX: usize = 512;

/// The tag keys of all machines in a plan; `None` if there are too many.
fn keys_of<'p>(plan: &'p Plan<'_>) -> Option<BTreeSet<&'p str>> {
    let mut keys = BTreeSet::new();
    for (subject, _) in &plan.decisions {
        let Subject::Instance(instance) = subject else { continue };
        keys.extend(instance.tags.iter().map(|(key, _)| key));
        if keys.len() > KEYS_MAX {
            return None;
        }
    }
    keys.iter().all(|key| key.len() <= KEY_BYTES_MAX).then_some(keys)
}

impl Journal {
    /// Writes which tag keys the machines of a plan have. Of an account without any machine, what was before stays.
    pub async fn tagged(&self, account: &str, plan: &Plan<'_>) -> Result<(), Error> {
        if plan.decisions.is_empty() {
            return Ok(());
        }
        let keys = keys_of(plan).and_then(|keys| serde_json::to_string(&keys).ok());
        self.write(async |connection| {
            sqlx::query(
                "INSERT INTO tag_keys (account, listed_at, keys) VALUES ($1, $2, $3) \
                 ON CONFLICT (account) DO UPDATE SET listed_at = $2, keys = $3",
            )
            .bind(account)
            .bind(ms(plan.now))
            .bind(keys)
            .execute(connection)
            .await
            .map(drop)
        })
        .await
    }

    /// The tag keys that machines of these accounts had when each was last listed; `None` if that is not known of one of them.
    pub async fn tag_keys(&self, accounts: &[&str]) -> Result<Option<TagKeys>, Error> {
        let rows: Vec<(String, i64, Option<String>)> = self
            .read(async |connection| {
                sqlx::query_as("SELECT account, listed_at, keys FROM tag_keys")
                    .fetch_all(connection)
                    .await
            })
            .await?;
        let of_account = |account: &&str| {
            let (_, listed_at, keys) = rows.iter().find(|(own, _, _)| own == account)?;
            let keys: BTreeSet<String> = serde_json::from_str(keys.as_ref()?).ok()?;
            Some(TagKeys { keys, listed_at: at(*listed_at) })
        };
        let all: Option<Vec<_>> = accounts.iter().map(of_account).collect();
        Ok(all.and_then(|all| {
            all.into_iter().reduce(|one, other| TagKeys {
                keys: &one.keys | &other.keys,
                listed_at: one.listed_at.min(other.listed_at),
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::{
        inventory::{
            Tags,
            tests::{instance, tags},
        },
        plan::{
            Scope,
            memory::Memory,
            tests::{inventory, policy},
        },
    };

    fn check(all: Vec<Tags>, expected: Option<usize>) {
        let one = |(n, tags)| {
            let mut one = instance(&format!("i-{n}"));
            one.tags = tags;
            one
        };
        let inventory = inventory(all.into_iter().enumerate().map(one).collect());
        let policy = policy("rules: []");
        let now = Timestamp::UNIX_EPOCH;
        let plan = Plan::draft(&inventory, &policy, &Memory::default(), &Scope::All, now);
        assert_eq!(keys_of(&plan).map(|keys| keys.len()), expected);
    }

    #[test]
    fn the_keys_of_all_machines_are_taken_unless_they_are_too_many_or_too_long() {
        check(vec![tags(&[("env", "a"), ("owner", "b")]), tags(&[("env", "c")])], Some(2));
        let many = |count: usize| {
            let all = (0..count).map(|n| (Arc::from(format!("k{n}")), Arc::from("")));
            vec![Tags::new(all.collect()).unwrap()]
        };
        check(many(KEYS_MAX / 10), Some(KEYS_MAX / 10));
        let each = |n: usize| tags(&[(&format!("k{n}"), "")]);
        check((0..=KEYS_MAX).map(each).collect(), None);
        check(vec![tags(&[(&"k".repeat(KEY_BYTES_MAX), "")])], Some(1));
        check(vec![tags(&[(&"k".repeat(KEY_BYTES_MAX + 1), "")])], None);
    }
}
