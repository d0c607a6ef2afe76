#!/usr/bin/env bash
# sqlx 0.9.0 (crate, SQLite driver): the lock that `Migrator` takes does nothing.
#
# A good engineer would guess that only one process at a time runs migrations. `Migrator` calls
# `Migrate::lock`, and its setting `set_locking` is on by default. The documentation warns of data
# loss if the setting is off. Instead, with SQLite a second connection gets the same lock at once,
# and can change the schema under it. Two processes that start together can both see a migration as
# pending, and the slower one fails.
#
# Why it matters: after an upgrade, a daemon and a command-line call start at the same time. One of
# them fails on the journal that should stop double terminations. A lock of your own (`BEGIN
# IMMEDIATE` or a lock file) is needed.
#
# Output seen:
#   first connection has the migration lock
#   second connection has it too: true
#   second connection changes the schema: true
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
use std::time::Duration;

use sqlx::{ConnectOptions, Executor, migrate::Migrate, sqlite::SqliteConnectOptions};

#[tokio::main]
async fn main() {
    let options = SqliteConnectOptions::new().filename("test.db").create_if_missing(true);
    let mut first = options.connect().await.unwrap();
    let mut second = options.connect().await.unwrap();
    first.lock().await.unwrap();
    println!("first connection has the migration lock");
    let lock = tokio::time::timeout(Duration::from_secs(5), second.lock()).await;
    println!("second connection has it too: {}", lock.is_ok_and(|lock| lock.is_ok()));
    let change = second.execute("CREATE TABLE t (v INTEGER)").await;
    println!("second connection changes the schema: {}", change.is_ok());
    first.unlock().await.unwrap();
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
first connection has the migration lock
second connection has it too: true
second connection changes the schema: true
EOF
diff -u expected actual
cat actual
