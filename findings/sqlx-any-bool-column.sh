#!/usr/bin/env bash
# sqlx 0.9.0 (crate, drivers Any and SQLite): a `bool` can be written to a BOOLEAN column, but no
# query that selects the column works.
#
# A good engineer would guess that a value that `bind` accepts can be read back, since `bool` is one
# of the types of Any. Instead, each query with that column fails, also if the program does not look
# at the column, and also `SELECT *`. The same holds for the column types DATE, DATETIME and
# TIMESTAMP. An INTEGER column works, but decodes as `i64` only, not as `bool`.
#
# Why it matters: the write succeeds. The fault appears only when the program reads its journal, for
# example after a restart in the middle of a run.
#
# Output seen:
#   rows written: 1
#   read BOOLEAN: error occurred while decoding column flag: error in Any driver mapping: Any driver does not support the SQLite type SqliteTypeInfo(Bool)
#   read *: error is true
#   read INTEGER as i64: 1
#   read INTEGER as bool: error is true
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
use sqlx::{AnyConnection, Connection, Executor, Row, query};

#[tokio::main]
async fn main() {
    sqlx::any::install_default_drivers();
    let mut any = AnyConnection::connect("sqlite::memory:").await.unwrap();
    any.execute("CREATE TABLE t (flag BOOLEAN, number INTEGER)").await.unwrap();
    let insert = query("INSERT INTO t VALUES (?, ?)").bind(true).bind(true);
    println!("rows written: {}", insert.execute(&mut any).await.unwrap().rows_affected());
    let error = query("SELECT flag FROM t").fetch_all(&mut any).await.map(|_| ()).unwrap_err();
    println!("read BOOLEAN: {error}");
    println!("read *: error is {}", query("SELECT * FROM t").fetch_all(&mut any).await.is_err());
    let row = query("SELECT number FROM t").fetch_one(&mut any).await.unwrap();
    println!("read INTEGER as i64: {:?}", row.try_get::<i64, _>(0).unwrap());
    println!("read INTEGER as bool: error is {}", row.try_get::<bool, _>(0).is_err());
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
rows written: 1
read BOOLEAN: error occurred while decoding column flag: error in Any driver mapping: Any driver does not support the SQLite type SqliteTypeInfo(Bool)
read *: error is true
read INTEGER as i64: 1
read INTEGER as bool: error is true
EOF
diff -u expected actual
cat actual
