#!/usr/bin/env bash
# croner 4.0.3 (crate): with a step in the day-of-month field, a day that matches either day field
# is enough.
#
# A good engineer who knows crontab(5) would guess that both day fields must match, since the first
# one starts with `*`. Debian's cron runs `0 0 */2 * 1` on Mondays with an odd date only. croner
# says that it follows Vixie cron. Instead, croner runs the job on each odd date and on each Monday.
#
# Why it matters: the same line moves from a crontab into a daemon and runs about 18 times a month
# instead of about twice.
#
# Output seen:
#   0 0 */2 * 1 (At 00:00, on day 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, and 31 or Monday.)
#     Thu 2026-12-03 00:00:00
#     Sat 2026-12-05 00:00:00
#     Mon 2026-12-07 00:00:00
#     Wed 2026-12-09 00:00:00
#     Fri 2026-12-11 00:00:00
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
    for pattern in ["0 0 */2 * 1"] {
        let cron = parser.parse(pattern).unwrap();
        let mut at: Zoned = "2026-12-01T00:00:00[UTC]".parse().unwrap();
        println!("{pattern} ({})", cron.describe());
        for _ in 0..5 {
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
0 0 */2 * 1 (At 00:00, on day 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, and 31 or Monday.)
  Thu 2026-12-03 00:00:00
  Sat 2026-12-05 00:00:00
  Mon 2026-12-07 00:00:00
  Wed 2026-12-09 00:00:00
  Fri 2026-12-11 00:00:00
EOF
diff -u expected actual
cat actual
