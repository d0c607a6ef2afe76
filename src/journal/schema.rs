//! The tables of the journal, and how an older journal is brought up to date.

use std::path::Path;

use sqlx::{
    AnyConnection, Connection, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use super::Error;

/// The newest version of the journal.
const VERSION: i64 = 7;

fn migrations() -> Vec<Migration> {
    let begin = include_str!("migrations/1_begin.sql").into_sql_str();
    let releases = include_str!("migrations/2_releases.sql").into_sql_str();
    let tag_keys = include_str!("migrations/3_tag_keys.sql").into_sql_str();
    let instants = include_str!("migrations/4_instants.sql").into_sql_str();
    let promises = include_str!("migrations/7_promises.sql").into_sql_str();
    vec![
        Migration::new(1, "begin".into(), MigrationType::Simple, begin, false),
        Migration::new(2, "releases".into(), MigrationType::Simple, releases, false),
        Migration::new(3, "tag keys".into(), MigrationType::Simple, tag_keys, false),
        Migration::new(4, "instants".into(), MigrationType::Simple, instants, false),
        Migration::new(7, "promises".into(), MigrationType::Simple, promises, false),
    ]
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
    let migrator = Migrator::with_migrations(migrations());
    migrator
        .run_direct(None, connection, false)
        .await
        .map_err(|error| Error::Unusable { path: path.to_owned(), why: error.to_string() })?;
    connection.ping().await.map_err(fail)
}
