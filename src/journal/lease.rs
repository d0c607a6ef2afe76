//! Leases: which process acts on an account.
//!
//! A lease is a row with an owner, an epoch and an expiry. It is taken for a run, renewed while the run is at work, and given back
//! at its end. Each intent is written in a transaction that finds the lease unchanged, so a process that lost it calls nothing.
//! Time is the clock of the database, which all processes that share the journal agree on.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Error, Journal, at, file};

/// How long a lease lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(15);

/// A lease of ours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The account's name.
    pub account: String,
    /// The process that holds it.
    pub owner: String,
    /// How often the lease of the account was taken.
    pub epoch: i64,
}

/// A process that holds the lease of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The process, for people.
    pub holder: String,
    /// Since when.
    pub taken_at: Timestamp,
    /// Until when, unless it is renewed.
    pub expires_at: Timestamp,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { holder, taken_at, expires_at } = self;
        write!(
            f,
            "{holder}, since {taken_at:.0}; unless renewed, the lease ends at {expires_at:.0}"
        )
    }
}

/// The process that asks for a lease.
#[derive(Clone, Copy, Debug)]
pub struct Applicant<'a> {
    /// The process, for programs.
    pub owner: &'a str,
    /// The same for people.
    pub holder: &'a str,
    /// Whether the owner of a lease is known to have ended.
    pub has_ended: fn(&str) -> bool,
}

/// The row of an account.
struct Row {
    owner: String,
    holder: String,
    epoch: i64,
    taken_at: i64,
    expires_at: i64,
}

impl Row {
    fn into_holder(self) -> Holder {
        let Self { owner: _, holder, epoch: _, taken_at, expires_at } = self;
        Holder { holder, taken_at: at(taken_at), expires_at: at(expires_at) }
    }
}

impl Journal {
    /// Takes the lease of an account, if it is free, expired, ours already, or left behind by a process that has ended; else names
    /// its holder.
    pub async fn take_lease(
        &self,
        account: &str,
        applicant: Applicant<'_>,
    ) -> Result<Result<Lease, Holder>, Error> {
        let Applicant { owner, holder, has_ended } = applicant;
        self.write(async |connection| {
            let now = clock_ms(connection).await?;
            let found = row(connection, account).await?;
            let is_free =
                |row: &Row| row.expires_at <= now || row.owner == owner || has_ended(&row.owner);
            let before = match found {
                Some(row) if !is_free(&row) => return Ok(Err(row.into_holder())),
                Some(row) => row.epoch,
                None => 0,
            };
            let epoch = before + 1;
            let taken = sqlx::query(
                "INSERT INTO leases (account, owner, holder, epoch, taken_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account) DO UPDATE SET \
                 owner = excluded.owner, holder = excluded.holder, epoch = excluded.epoch, \
                 taken_at = excluded.taken_at, expires_at = excluded.expires_at \
                 WHERE leases.epoch = $7",
            )
            .bind(account)
            .bind(owner)
            .bind(holder)
            .bind(epoch)
            .bind(now)
            .bind(now + lease_ms())
            .bind(before)
            .execute(&mut *connection)
            .await?;
            if taken.rows_affected() == 1 {
                return Ok(Ok(Lease {
                    account: account.to_owned(),
                    owner: owner.to_owned(),
                    epoch,
                }));
            }
            // Another process was faster.
            let faster = row(connection, account).await?.ok_or(sqlx::Error::RowNotFound)?;
            Ok(Err(faster.into_holder()))
        })
        .await
    }

    /// Renews a lease; false if it is not ours any more.
    pub async fn renew_lease(&self, lease: &Lease) -> Result<bool, Error> {
        self.write(async |connection| {
            let until = clock_ms(connection).await? + lease_ms();
            extend(connection, lease, until).await
        })
        .await
    }

    /// Gives a lease back, if it is still ours.
    pub async fn give_lease_back(&self, lease: &Lease) -> Result<(), Error> {
        self.write(async |connection| extend(connection, lease, 0).await.map(drop)).await
    }

    /// The process that holds the lease of an account, if one does.
    pub async fn lease_holder(&self, account: &str) -> Result<Option<Holder>, Error> {
        self.read(async |connection| holder(connection, account).await).await
    }
}

/// Sets the expiry of a lease, if it is still ours and has not expired.
async fn extend(
    connection: &mut AnyConnection,
    lease: &Lease,
    until: i64,
) -> Result<bool, sqlx::Error> {
    let now = clock_ms(connection).await?;
    let extended = sqlx::query(
        "UPDATE leases SET expires_at = $4 \
         WHERE account = $1 AND owner = $2 AND epoch = $3 AND expires_at > $5",
    )
    .bind(&lease.account)
    .bind(&lease.owner)
    .bind(lease.epoch)
    .bind(until)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(extended.rows_affected() == 1)
}

/// Whether a lease is ours, in a transaction that keeps it so until it ends.
pub(super) async fn is_ours(
    connection: &mut AnyConnection,
    lease: &Lease,
) -> Result<bool, sqlx::Error> {
    let now = clock_ms(connection).await?;
    let found = sqlx::query(
        "UPDATE leases SET epoch = epoch \
         WHERE account = $1 AND owner = $2 AND epoch = $3 AND expires_at > $4",
    )
    .bind(&lease.account)
    .bind(&lease.owner)
    .bind(lease.epoch)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(found.rows_affected() == 1)
}

/// The process that holds the lease of an account, if one does.
pub(super) async fn holder(
    connection: &mut AnyConnection,
    account: &str,
) -> Result<Option<Holder>, sqlx::Error> {
    let now = clock_ms(connection).await?;
    let found = row(connection, account).await?.filter(|row| row.expires_at > now);
    Ok(found.map(Row::into_holder))
}

async fn row(connection: &mut AnyConnection, account: &str) -> Result<Option<Row>, sqlx::Error> {
    let found: Option<(String, String, i64, i64, i64)> = sqlx::query_as(
        "SELECT owner, holder, epoch, taken_at, expires_at FROM leases WHERE account = $1",
    )
    .bind(account)
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|(owner, holder, epoch, taken_at, expires_at)| Row {
        owner,
        holder,
        epoch,
        taken_at,
        expires_at,
    }))
}

/// The clock of the database, in milliseconds.
pub(super) async fn clock_ms(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    let statement = match connection.backend_name() {
        "SQLite" => file::SQLITE_CLOCK,
        _ => POSTGRESQL_CLOCK,
    };
    let (now,): (i64,) = sqlx::query_as(statement).fetch_one(connection).await?;
    Ok(now)
}

/// Not `now()`, which stands still in a transaction.
const POSTGRESQL_CLOCK: &str =
    "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

fn lease_ms() -> i64 {
    i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applicant(owner: &'static str, has_ended: fn(&str) -> bool) -> Applicant<'static> {
        Applicant { owner, holder: owner, has_ended }
    }

    fn nobody(_: &str) -> bool {
        false
    }

    async fn expire(journal: &Journal) {
        journal
            .write(async |connection| {
                sqlx::query("UPDATE leases SET expires_at = 1").execute(connection).await.map(drop)
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn one_process_at_a_time_holds_the_lease_of_an_account() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("journal.db"));
        let (a, b) = (applicant("a", nobody), applicant("b", nobody));
        let first = journal.take_lease("main", a).await.unwrap().unwrap();
        assert_eq!(first.epoch, 1);
        let held = journal.take_lease("main", b).await.unwrap().unwrap_err();
        assert_eq!(held.holder, "a");
        assert!(held.expires_at > held.taken_at);
        assert_eq!(journal.lease_holder("main").await.unwrap(), Some(held));
        assert!(journal.take_lease("other", b).await.unwrap().is_ok(), "each account has its own");
        assert!(journal.renew_lease(&first).await.unwrap());

        expire(&journal).await;
        assert_eq!(journal.lease_holder("main").await.unwrap(), None);
        assert!(!journal.renew_lease(&first).await.unwrap(), "an expired lease may be another's");
        let second = journal.take_lease("main", b).await.unwrap().unwrap();
        assert_eq!(second.epoch, 2);
        assert!(!journal.renew_lease(&first).await.unwrap());
        journal.give_lease_back(&first).await.unwrap();
        assert!(
            journal.take_lease("main", a).await.unwrap().is_err(),
            "nobody gives another's back"
        );
        journal.give_lease_back(&second).await.unwrap();
        assert_eq!(journal.take_lease("main", a).await.unwrap().unwrap().epoch, 3);
        let again = journal.take_lease("main", a).await.unwrap().unwrap();
        assert_eq!(again.epoch, 4, "a process that lost count of its own lease has a new one");
    }

    #[tokio::test]
    async fn a_lease_that_was_left_behind_is_free_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("journal.db"));
        drop(journal.take_lease("main", applicant("dead", nobody)).await.unwrap().unwrap());
        let taken = journal.take_lease("main", applicant("b", |owner| owner == "dead")).await;
        assert_eq!(taken.unwrap().unwrap().epoch, 2);
    }

    #[tokio::test]
    async fn the_clock_of_the_database_is_a_clock() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("journal.db"));
        let ours = crate::clock::now().as_millisecond();
        let theirs = journal.read(async |connection| clock_ms(connection).await).await.unwrap();
        assert!(theirs.abs_diff(ours) < 60_000, "{theirs} {ours}");
    }
}
