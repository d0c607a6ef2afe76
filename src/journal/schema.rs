//! The tables of the journal, and how an older journal is brought up to date.

use std::{path::Path, time::Duration};

use sqlx::{
    AnyConnection, Connection, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use super::Error;

/// The newest version of the journal.
const VERSION: i64 = 7;

/// How often the journal is brought up to date if another process may be at it, and the pause between two tries.
const MIGRATION_TRIES: u32 = 10;
const MIGRATION_PAUSE: Duration = Duration::from_millis(50);

fn migrations() -> Vec<Migration> {
    let begin = include_str!("migrations/1_begin.sql").into_sql_str();
    let releases = include_str!("migrations/2_releases.sql").into_sql_str();
    let tag_keys = include_str!("migrations/3_tag_keys.sql").into_sql_str();
    let instants = include_str!("migrations/4_instants.sql").into_sql_str();
    let leases = include_str!("migrations/5_leases.sql").into_sql_str();
    let accepted = include_str!("migrations/6_accepted_inventory.sql").into_sql_str();
    let promises = include_str!("migrations/7_promises.sql").into_sql_str();
    vec![
        Migration::new(1, "begin".into(), MigrationType::Simple, begin, false),
        Migration::new(2, "releases".into(), MigrationType::Simple, releases, false),
        Migration::new(3, "tag keys".into(), MigrationType::Simple, tag_keys, false),
        Migration::new(4, "instants".into(), MigrationType::Simple, instants, false),
        Migration::new(5, "leases".into(), MigrationType::Simple, leases, false),
        Migration::new(6, "accepted inventory".into(), MigrationType::Simple, accepted, false),
        Migration::new(7, "promises".into(), MigrationType::Simple, promises, false),
    ]
}

/// Brings the journal up to date. Another process may do the same at that moment, such as a service that starts while an operator
/// pauses; SQLite has no lock over all migrations, so the one that comes second fails in one of them and goes on behind the first.
async fn migrate(connection: &mut AnyConnection, path: &Path) -> Result<(), Error> {
    let migrator = Migrator::with_migrations(migrations());
    let mut tries = 1;
    loop {
        match migrator.run_direct(None, connection, false).await {
            Ok(()) => return Ok(()),
            Err(_) if tries < MIGRATION_TRIES => tries += 1,
            Err(error) => {
                return Err(Error::Unusable { path: path.to_owned(), why: error.to_string() });
            }
        }
        tokio::time::sleep(MIGRATION_PAUSE).await;
    }
}

/// Checks that the file is a journal of ours and sound, and brings it up to date.
pub(super) async fn prepare(connection: &mut AnyConnection, path: &Path) -> Result<(), Error> {
    let fail = |error| Error::of(path, &error);
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut *connection)
            .await
            .map_err(fail)?;
    if !tables.is_empty() {
        if !tables.iter().any(|(name,)| name == "_sqlx_migrations") {
            return Err(damaged("it is the database of another program".to_owned()));
        }
        let (found,): (Option<i64>,) = sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&mut *connection)
            .await
            .map_err(fail)?;
        if let Some(found) = found.filter(|found| *found > VERSION) {
            return Err(Error::Newer { path: path.to_owned(), found, known: VERSION });
        }
        let (sound,): (String,) = sqlx::query_as("PRAGMA quick_check(1)")
            .fetch_one(&mut *connection)
            .await
            .map_err(fail)?;
        if sound != "ok" {
            return Err(damaged(sound));
        }
    }
    // Readers and a writer do not stop each other; a transaction is on disk when it returns.
    for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
        sqlx::query(pragma).execute(&mut *connection).await.map_err(fail)?;
    }
    migrate(connection, path).await?;
    connection.ping().await.map_err(fail)
}
