#!/usr/bin/env bash
# croner 4.0.3 (crate): a bare `L` in the day-of-week field is accepted and has no effect.
#
# A good engineer would guess that `L` is Saturday, as in Quartz, or an error, since croner wants a
# day in front of it (`5L`). Instead, `0 0 * * L` parses and never fires, and `0 0 * * 1,L` fires on
# Mondays only. In the day-of-month field, `L` works alone and in a list.
#
# Why it matters: a rule whose schedule never fires looks healthy. A part of a list that is dropped
# without an error is found only when somebody misses the run.
#
# Output seen:
#   0 0 * * L (At 00:00, on .)
#     CronScheduler time search limit exceeded.
#   0 0 * * 1,L (At 00:00, on Monday.)
#     Mon 2026-12-07 00:00:00
#     Mon 2026-12-14 00:00:00
#     Mon 2026-12-21 00:00:00
#   0 0 * * 5L (At 00:00, on the last Friday of the month.)
#     Fri 2026-12-25 00:00:00
#     Fri 2027-01-29 00:00:00
#     Fri 2027-02-26 00:00:00
#   0 0 1,L * * (At 00:00, on day 1 and the last day of the month.)
#     Thu 2026-12-31 00:00:00
#     Fri 2027-01-01 00:00:00
#     Sun 2027-01-31 00:00:00
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
croner = { version = "=4.0.3", default-features = false, features = ["jiff"] }
jiff = { version = "=0.2.46", default-features = false, features = ["std", "tzdb-bundle-always"] }
EOF
cat >src/main.rs <<'EOF'
use croner::parser::CronParser;
use jiff::Zoned;

fn main() {
    let parser = CronParser::builder().build();
    for pattern in ["0 0 * * L", "0 0 * * 1,L", "0 0 * * 5L", "0 0 1,L * *"] {
        let cron = parser.parse(pattern).unwrap();
        let mut at: Zoned = "2026-12-01T00:00:00[UTC]".parse().unwrap();
        println!("{pattern} ({})", cron.describe());
        for _ in 0..3 {
            match cron.find_next_occurrence(&at, false) {
                Ok(next) => at = next,
                Err(error) => {
                    println!("  {error}");
                    break;
                }
            }
            println!("  {}", at.strftime("%a %Y-%m-%d %H:%M:%S"));
        }
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
0 0 * * L (At 00:00, on .)
  CronScheduler time search limit exceeded.
0 0 * * 1,L (At 00:00, on Monday.)
  Mon 2026-12-07 00:00:00
  Mon 2026-12-14 00:00:00
  Mon 2026-12-21 00:00:00
0 0 * * 5L (At 00:00, on the last Friday of the month.)
  Fri 2026-12-25 00:00:00
  Fri 2027-01-29 00:00:00
  Fri 2027-02-26 00:00:00
0 0 1,L * * (At 00:00, on day 1 and the last day of the month.)
  Thu 2026-12-31 00:00:00
  Fri 2027-01-01 00:00:00
  Sun 2027-01-31 00:00:00
EOF
diff -u expected actual
cat actual
