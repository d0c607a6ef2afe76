#!/usr/bin/env bash
# croner 4.0.3 (crate): `describe` leaves out parts of a list that contains a step.
#
# A good engineer would guess that the description covers each firing. Instead, a step hides the
# rest of the list: `0 9,*/6 * * *` fires at 09:00 as well, but is described as "of every 6 hours".
# Of `*/5,*/7` only the 7 is left.
#
# Why it matters: a description is what an operator reads before approving a schedule for
# terminations. It leaves out some of the runs.
#
# Output seen:
#   0 9,*/6 * * * (At minute 0, of every 6 hours.)
#     Tue 2026-12-01 06:00:00
#     Tue 2026-12-01 09:00:00
#     Tue 2026-12-01 12:00:00
#     Tue 2026-12-01 18:00:00
#   */5,*/7 * * * * (At every 7 minutes.)
#     Tue 2026-12-01 00:05:00
#     Tue 2026-12-01 00:07:00
#     Tue 2026-12-01 00:10:00
#     Tue 2026-12-01 00:14:00
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
    for pattern in ["0 9,*/6 * * *", "*/5,*/7 * * * *"] {
        let cron = parser.parse(pattern).unwrap();
        let mut at: Zoned = "2026-12-01T00:00:00[UTC]".parse().unwrap();
        println!("{pattern} ({})", cron.describe());
        for _ in 0..4 {
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
0 9,*/6 * * * (At minute 0, of every 6 hours.)
  Tue 2026-12-01 06:00:00
  Tue 2026-12-01 09:00:00
  Tue 2026-12-01 12:00:00
  Tue 2026-12-01 18:00:00
*/5,*/7 * * * * (At every 7 minutes.)
  Tue 2026-12-01 00:05:00
  Tue 2026-12-01 00:07:00
  Tue 2026-12-01 00:10:00
  Tue 2026-12-01 00:14:00
EOF
diff -u expected actual
cat actual
