#!/usr/bin/env bash
# croner 4.0.3 (crate): a step that is larger than its field is accepted, and described wrongly.
#
# A good engineer would guess that `*/90` in the minute field fires every 90 minutes, or is an
# error. Instead, only minute 0 matches, so it fires every hour. `describe` confirms the wrong
# guess: it says "every 90 minutes". In the same way `*/30` in the hour field is each midnight.
#
# Why it matters: a run that an operator has spaced out for review happens more often than the tool
# itself says.
#
# Output seen:
#   */90 * * * * (At every 90 minutes.)
#     Tue 2026-12-01 01:00:00
#     Tue 2026-12-01 02:00:00
#     Tue 2026-12-01 03:00:00
#   0 */30 * * * (At minute 0, of every 30 hours.)
#     Wed 2026-12-02 00:00:00
#     Thu 2026-12-03 00:00:00
#     Fri 2026-12-04 00:00:00
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
    for pattern in ["*/90 * * * *", "0 */30 * * *"] {
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
*/90 * * * * (At every 90 minutes.)
  Tue 2026-12-01 01:00:00
  Tue 2026-12-01 02:00:00
  Tue 2026-12-01 03:00:00
0 */30 * * * (At minute 0, of every 30 hours.)
  Wed 2026-12-02 00:00:00
  Thu 2026-12-03 00:00:00
  Fri 2026-12-04 00:00:00
EOF
diff -u expected actual
cat actual
