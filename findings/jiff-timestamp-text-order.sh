#!/usr/bin/env bash
# jiff 0.2.46 (crate): the text of a `Timestamp` does not sort by time.
#
# A good engineer would guess that RFC 3339 texts in UTC sort by time, because that is a known
# property of the format. Instead, `Display` omits a fraction of zero. `.` sorts before `Z`, so half
# a second past midnight sorts before midnight. A format with a fixed precision (`{:.3}`) sorts
# correctly.
#
# Why it matters: SQLite has no type for times, so a journal stores them as text. A query such as
# `WHERE due_at <= ?` is then wrong by up to a second, and `ORDER BY started_at` swaps events.
#
# Output seen:
#   as times: midnight < later is true
#   as text: 2026-12-01T00:00:00Z < 2026-12-01T00:00:00.5Z is false
#   with fixed precision: 2026-12-01T00:00:00.000Z < 2026-12-01T00:00:00.500Z is true
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
jiff = { version = "=0.2.46", default-features = false, features = ["std", "tzdb-bundle-always"] }
EOF
cat >src/main.rs <<'EOF'
use jiff::Timestamp;

fn main() {
    let midnight: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    let later: Timestamp = "2026-12-01T00:00:00.5Z".parse().unwrap();
    println!("as times: midnight < later is {}", midnight < later);
    println!("as text: {midnight} < {later} is {}", midnight.to_string() < later.to_string());
    let (a, b) = (format!("{midnight:.3}"), format!("{later:.3}"));
    println!("with fixed precision: {a} < {b} is {}", a < b);
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
as times: midnight < later is true
as text: 2026-12-01T00:00:00Z < 2026-12-01T00:00:00.5Z is false
with fixed precision: 2026-12-01T00:00:00.000Z < 2026-12-01T00:00:00.500Z is true
EOF
diff -u expected actual
cat actual
