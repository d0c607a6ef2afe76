#!/usr/bin/env bash
# jiff 0.2.46 (crate): in a duration, a comma inside a number is a decimal separator.
#
# A good engineer would guess that `1,500h` either means 1500 hours or is an error. Instead, it is 1
# hour and 30 minutes. `1,000 hours` is one hour. The comma between two units (`1h, 30m`) is also
# accepted, so one text can use the comma in both ways.
#
# Why it matters: an operator who writes a lifetime of `1,500h` gets a server that is terminated
# after 90 minutes instead of after 62 days.
#
# Output seen:
#   1500h is 5400000 s
#   1,500h is 5400 s
#   1,000 hours is 3600 s
#   2,000s is 2 s
#   1h, 30m is 5400 s
#   PT1,500H is 5400 s
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
use jiff::SignedDuration;

fn main() {
    for text in ["1500h", "1,500h", "1,000 hours", "2,000s", "1h, 30m", "PT1,500H"] {
        let duration: SignedDuration = text.parse().unwrap();
        println!("{text} is {} s", duration.as_secs());
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
1500h is 5400000 s
1,500h is 5400 s
1,000 hours is 3600 s
2,000s is 2 s
1h, 30m is 5400 s
PT1,500H is 5400 s
EOF
diff -u expected actual
cat actual
