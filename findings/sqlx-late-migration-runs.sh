#!/usr/bin/env bash
# sqlx 0.9.0 (crate): a migration whose number is below the last applied one is applied afterwards.
#
# A good engineer would guess that migrations run in the order of their numbers. In Flyway, a late
# migration with an older number is an error by default. Instead, `Migrator::run` applies it without
# a word: two databases with the same set of migrations have applied them in different orders. Here
# the table ends with a different default.
#
# Why it matters: two branches with numbers by date are merged. A fresh test database runs 1, 2, 3,
# and production runs 1, 3, 2. The tests never see the schema of production.
#
# Output seen:
#   limit in the fresh database: 5
#   limit in the upgraded database: 100
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
use std::{fs, path::Path};

use sqlx::{Connection, Executor, SqliteConnection, migrate::Migrator, query_scalar};

async fn run(sqlite: &mut SqliteConnection) {
    Migrator::new(Path::new("migrations")).await.unwrap().run(sqlite).await.unwrap();
}

async fn limit(sqlite: &mut SqliteConnection) -> i64 {
    query_scalar("SELECT value FROM settings").fetch_one(sqlite).await.unwrap()
}

#[tokio::main]
async fn main() {
    fs::create_dir("migrations").unwrap();
    let add = |name: &str, sql: &str| fs::write(format!("migrations/{name}.sql"), sql).unwrap();
    add("1_create", "CREATE TABLE settings (value INTEGER); INSERT INTO settings VALUES (1)");
    add("3_lower", "UPDATE settings SET value = 5");
    let mut upgraded = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    run(&mut upgraded).await;
    add("2_raise", "UPDATE settings SET value = 100");
    run(&mut upgraded).await;
    let mut fresh = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    run(&mut fresh).await;
    upgraded.execute("SELECT 1").await.unwrap();
    println!("limit in the fresh database: {}", limit(&mut fresh).await);
    println!("limit in the upgraded database: {}", limit(&mut upgraded).await);
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
limit in the fresh database: 5
limit in the upgraded database: 100
EOF
diff -u expected actual
cat actual
