#!/usr/bin/env bash
# jiff 0.2.46 (crate): the largest `Timestamp` is 9999-12-30T22:00:00.999999999Z.
#
# A good engineer would guess that each RFC 3339 text with a year of four digits is a timestamp.
# Instead, the last 26 hours of 9999 are out of range in UTC, because a timestamp must be a valid
# civil time at each offset. `civil::Date::MAX` exists, but has no timestamp in UTC.
#
# Why it matters: 9999-12-31T23:59:59Z is a common way to write "never". A program that terminates
# servers fails on such an expiry, or treats it as absent.
#
# Output seen:
#   largest timestamp: 9999-12-30T22:00:00.999999999Z
#   largest date: 9999-12-31
#   9999-12-30T22:00:00Z parses: true
#   9999-12-31T00:00:00Z parses: false
#   9999-12-31T23:59:59Z parses: false
#   largest date in UTC is an instant: false
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
use jiff::{Timestamp, civil::Date, tz::TimeZone};

fn main() {
    println!("largest timestamp: {}", Timestamp::MAX);
    println!("largest date: {}", Date::MAX);
    for text in ["9999-12-30T22:00:00Z", "9999-12-31T00:00:00Z", "9999-12-31T23:59:59Z"] {
        println!("{text} parses: {}", text.parse::<Timestamp>().is_ok());
    }
    println!("largest date in UTC is an instant: {}", Date::MAX.to_zoned(TimeZone::UTC).is_ok());
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
largest timestamp: 9999-12-30T22:00:00.999999999Z
largest date: 9999-12-31
9999-12-30T22:00:00Z parses: true
9999-12-31T00:00:00Z parses: false
9999-12-31T23:59:59Z parses: false
largest date in UTC is an instant: false
EOF
diff -u expected actual
cat actual
