#!/usr/bin/env bash
# sqlx 0.9.0 (crate, SQLite driver): the number of bound values is not checked.
#
# A good engineer would guess that a query with two placeholders and one bound value fails. The
# documentation of `Query::bind` says that an error is returned when the query is executed. Instead,
# a missing value is NULL, and a surplus value is ignored.
#
# Why it matters: `NOT IN` with a NULL selects no row. A forgotten `.bind()` changes which servers a
# query selects instead of failing in the first test.
#
# Output seen:
#   two placeholders, one value: (Some(5), None)
#   one placeholder, two values: Some(5)
#   rows not in two values: 1
#   rows, second value forgotten: 0
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
use sqlx::{Connection, Row, SqliteConnection, query};

#[tokio::main]
async fn main() {
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let row = query("SELECT ?, ?").bind(5_i64).fetch_one(&mut sqlite).await.unwrap();
    let values = (row.get::<Option<i64>, _>(0), row.get::<Option<i64>, _>(1));
    println!("two placeholders, one value: {values:?}");
    let row = query("SELECT ?").bind(5_i64).bind(6_i64).fetch_one(&mut sqlite).await.unwrap();
    println!("one placeholder, two values: {:?}", row.get::<Option<i64>, _>(0));
    let count = "SELECT COUNT(*) FROM (SELECT 'a' AS id) WHERE id NOT IN (?, ?)";
    let row = query(count).bind("b").bind("c").fetch_one(&mut sqlite).await.unwrap();
    println!("rows not in two values: {}", row.get::<i64, _>(0));
    let row = query(count).bind("b").fetch_one(&mut sqlite).await.unwrap();
    println!("rows, second value forgotten: {}", row.get::<i64, _>(0));
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
two placeholders, one value: (Some(5), None)
one placeholder, two values: Some(5)
rows not in two values: 1
rows, second value forgotten: 0
EOF
diff -u expected actual
cat actual
