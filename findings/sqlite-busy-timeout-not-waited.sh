#!/usr/bin/env bash
# SQLite (bundled with sqlx 0.9.0), WAL mode: a transaction that reads and then writes can fail at
# once with "database is locked". The busy timeout is 30 s, and nobody holds a lock.
#
# A good engineer would guess that a busy timeout of 30 s makes the write wait. Instead, the write
# fails without any wait (code 517, SQLITE_BUSY_SNAPSHOT) if another connection has written since
# the read. `begin()` of sqlx starts such a transaction; `begin_with("BEGIN IMMEDIATE")` does not
# have the problem.
#
# Why it matters: "read the plan, then record the termination" is this transaction. It works in each
# test with one process, and fails under load, after the decision is made and before it is recorded.
#
# Output seen:
#   write after read: error returned from database: (code: 517) database is locked
#   waited for more than a second: false
#   write after read with BEGIN IMMEDIATE: error is false
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

mkdir src
cat >Cargo.toml <<'EOF'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
sqlx = { version = "=0.9.0", default-features = false, features = ["any", "migrate", "runtime-tokio", "sqlite-bundled"] }
tokio = { version = "=1.54.1", default-features = false, features = ["macros", "rt-multi-thread", "time"] }
EOF
cat >src/main.rs <<'EOF'
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection, Executor, sqlite::{SqliteConnectOptions, SqliteJournalMode}};

#[tokio::main]
async fn main() {
    let options = SqliteConnectOptions::new().filename("test.db").create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_secs(30));
    let mut first = options.connect().await.unwrap();
    let mut second = options.connect().await.unwrap();
    first.execute("CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (1)").await.unwrap();

    let mut transaction = first.begin().await.unwrap();
    transaction.fetch_one("SELECT v FROM t").await.unwrap();
    // This write is complete and committed before the next line.
    second.execute("UPDATE t SET v = 2").await.unwrap();
    let start = Instant::now();
    let error = transaction.execute("UPDATE t SET v = v + 1").await.unwrap_err();
    println!("write after read: {error}");
    println!("waited for more than a second: {}", start.elapsed() > Duration::from_secs(1));
    transaction.rollback().await.unwrap();

    let mut transaction = first.begin_with("BEGIN IMMEDIATE").await.unwrap();
    transaction.fetch_one("SELECT v FROM t").await.unwrap();
    let write = transaction.execute("UPDATE t SET v = v + 1").await;
    println!("write after read with BEGIN IMMEDIATE: error is {}", write.is_err());
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
write after read: error returned from database: (code: 517) database is locked
waited for more than a second: false
write after read with BEGIN IMMEDIATE: error is false
EOF
diff -u expected actual
cat actual
