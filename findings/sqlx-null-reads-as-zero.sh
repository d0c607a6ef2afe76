#!/usr/bin/env bash
# sqlx 0.9.0 (crate, SQLite driver): NULL decodes into a type that is not an `Option`, as 0, false,
# 0.0 or an empty text.
#
# A good engineer would guess that decoding NULL as `i64` is the error `UnexpectedNull`, as with the
# drivers for PostgreSQL and Any. Instead, the SQLite driver returns the default value of SQLite.
# `SELECT MAX(due_at)` on an empty table is 0 as well.
#
# Why it matters: an expiry of NULL means "never". Read as 0 it is 1 January 1970, which is long
# past, and a program terminates the server.
#
# Output seen:
#   i64: 0, of MAX: 0
#   bool: false, f64: 0.0, String: ""
#   i64 by the driver Any: error is true
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
use sqlx::{AnyConnection, Connection, Executor, SqliteConnection, query_scalar};

#[tokio::main]
async fn main() {
    let table = "CREATE TABLE t (due_at INTEGER, name TEXT, keep INTEGER, cost REAL);
        INSERT INTO t VALUES (NULL, NULL, NULL, NULL)";
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlite.execute(table).await.unwrap();
    let number = query_scalar::<_, i64>("SELECT due_at FROM t").fetch_one(&mut sqlite).await;
    let latest = query_scalar::<_, i64>("SELECT MAX(due_at) FROM t").fetch_one(&mut sqlite).await;
    let flag = query_scalar::<_, bool>("SELECT keep FROM t").fetch_one(&mut sqlite).await;
    let real = query_scalar::<_, f64>("SELECT cost FROM t").fetch_one(&mut sqlite).await;
    let text = query_scalar::<_, String>("SELECT name FROM t").fetch_one(&mut sqlite).await;
    println!("i64: {:?}, of MAX: {:?}", number.unwrap(), latest.unwrap());
    println!("bool: {:?}, f64: {:?}, String: {:?}", flag.unwrap(), real.unwrap(), text.unwrap());

    sqlx::any::install_default_drivers();
    let mut any = AnyConnection::connect("sqlite::memory:").await.unwrap();
    any.execute(table).await.unwrap();
    let number = query_scalar::<_, i64>("SELECT due_at FROM t").fetch_one(&mut any).await;
    println!("i64 by the driver Any: error is {}", number.is_err());
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
i64: 0, of MAX: 0
bool: false, f64: 0.0, String: ""
i64 by the driver Any: error is true
EOF
diff -u expected actual
cat actual
