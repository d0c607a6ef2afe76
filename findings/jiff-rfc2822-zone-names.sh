#!/usr/bin/env bash
# jiff 0.2.46 (crate): `fmt::rfc2822` reads a zone name that it does not know as UTC.
#
# A good engineer would guess that a zone name is either understood or refused. Instead, the names
# for North America (`EST`, `PDT`) have their offset, and each other name (`CET`, `JST`, `IST`) is
# UTC without an error. RFC 2822 allows this reading of unknown names, but a caller cannot see that
# it happened.
#
# Why it matters: a test with `EST` passes, so zone names seem to work. An expiry from Tokyo,
# written as a date of an e-mail, is then 9 hours off.
#
# Output seen:
#   18:00 +0100 is 2026-12-01T17:00:00Z
#   18:00 GMT is 2026-12-01T18:00:00Z
#   18:00 EST is 2026-12-01T23:00:00Z
#   18:00 PDT is 2026-12-02T01:00:00Z
#   18:00 CET is 2026-12-01T18:00:00Z
#   18:00 JST is 2026-12-01T18:00:00Z
#   18:00 IST is 2026-12-01T18:00:00Z
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
use jiff::fmt::rfc2822;

fn main() {
    for zone in ["+0100", "GMT", "EST", "PDT", "CET", "JST", "IST"] {
        let at = rfc2822::parse(&format!("Tue, 01 Dec 2026 18:00:00 {zone}")).unwrap();
        println!("18:00 {zone} is {}", at.timestamp());
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
18:00 +0100 is 2026-12-01T17:00:00Z
18:00 GMT is 2026-12-01T18:00:00Z
18:00 EST is 2026-12-01T23:00:00Z
18:00 PDT is 2026-12-02T01:00:00Z
18:00 CET is 2026-12-01T18:00:00Z
18:00 JST is 2026-12-01T18:00:00Z
18:00 IST is 2026-12-01T18:00:00Z
EOF
diff -u expected actual
cat actual
