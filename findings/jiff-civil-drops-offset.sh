#!/usr/bin/env bash
# jiff 0.2.46 (crate): parsing a civil time or date drops a numeric UTC offset, but refuses `Z`.
#
# A good engineer would guess that a type without a time zone refuses each text with an offset,
# since it refuses the text with `Z`. Instead, `+05:00` is accepted and dropped. The date of the
# same instant can differ by a day.
#
# Why it matters: with test data that ends in `Z` the error is found at once. With data that ends in
# an offset, an expiry moves by up to a day without an error.
#
# Output seen:
#   2026-12-01T02:00:00Z as Timestamp: 2026-12-01T02:00:00Z
#   2026-12-01T02:00:00Z as DateTime: refused
#   2026-12-01T02:00:00Z as Date: refused
#   2026-12-01T02:00:00+05:00 as Timestamp: 2026-11-30T21:00:00Z
#   2026-12-01T02:00:00+05:00 as DateTime: 2026-12-01T02:00:00
#   2026-12-01T02:00:00+05:00 as Date: 2026-12-01
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
use jiff::{Timestamp, civil::{Date, DateTime}};

fn main() {
    for text in ["2026-12-01T02:00:00Z", "2026-12-01T02:00:00+05:00"] {
        let show = |result: Result<String, jiff::Error>| result.unwrap_or("refused".to_owned());
        println!("{text} as Timestamp: {}", show(text.parse::<Timestamp>().map(|t| t.to_string())));
        println!("{text} as DateTime: {}", show(text.parse::<DateTime>().map(|t| t.to_string())));
        println!("{text} as Date: {}", show(text.parse::<Date>().map(|t| t.to_string())));
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
2026-12-01T02:00:00Z as Timestamp: 2026-12-01T02:00:00Z
2026-12-01T02:00:00Z as DateTime: refused
2026-12-01T02:00:00Z as Date: refused
2026-12-01T02:00:00+05:00 as Timestamp: 2026-11-30T21:00:00Z
2026-12-01T02:00:00+05:00 as DateTime: 2026-12-01T02:00:00
2026-12-01T02:00:00+05:00 as Date: 2026-12-01
EOF
diff -u expected actual
cat actual
