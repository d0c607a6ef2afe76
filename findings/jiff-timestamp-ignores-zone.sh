#!/usr/bin/env bash
# jiff 0.2.46 (crate): parsing a `Timestamp` ignores the time zone in square brackets.
#
# A good engineer would guess that a text with an offset and a zone is checked for consistency, as
# `Zoned` does. Instead, `Timestamp` uses the offset and ignores the zone, also if the zone never
# has that offset or does not exist.
#
# Why it matters: an expiry of 18:00 in Berlin with a wrong offset ends up hours early. The program
# has seen the contradiction and raises no error.
#
# Output seen:
#   2026-12-01T18:00:00+05:00[Europe/Berlin] as Timestamp: 2026-12-01T13:00:00Z
#   2026-12-01T18:00:00+05:00[Europe/Berlin] as Zoned is refused: true
#   2026-12-01T18:00:00+05:00[No/Such] as Timestamp: 2026-12-01T13:00:00Z
#   2026-12-01T18:00:00+05:00[No/Such] as Zoned is refused: true
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
use jiff::{Timestamp, Zoned};

fn main() {
    for zone in ["[Europe/Berlin]", "[No/Such]"] {
        let text = format!("2026-12-01T18:00:00+05:00{zone}");
        println!("{text} as Timestamp: {}", text.parse::<Timestamp>().unwrap());
        println!("{text} as Zoned is refused: {}", text.parse::<Zoned>().is_err());
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
2026-12-01T18:00:00+05:00[Europe/Berlin] as Timestamp: 2026-12-01T13:00:00Z
2026-12-01T18:00:00+05:00[Europe/Berlin] as Zoned is refused: true
2026-12-01T18:00:00+05:00[No/Such] as Timestamp: 2026-12-01T13:00:00Z
2026-12-01T18:00:00+05:00[No/Such] as Zoned is refused: true
EOF
diff -u expected actual
cat actual
