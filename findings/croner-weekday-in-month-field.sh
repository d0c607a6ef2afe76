#!/usr/bin/env bash
# croner 4.0.3 (crate): the month field accepts names of weekdays, and the day-of-week field accepts
# names of months.
#
# A good engineer would guess that `MON-FRI` in the month field is an error. Instead, the names
# become the numbers 1 to 5: January to May. This meets a second trap: a pattern of six fields with
# the year last, as Amazon EventBridge has it, is read with the seconds first. `0 9 * * MON-FRI *`,
# meant as 09:00 on workdays, fires at minute 9 of each hour of each day from January to May.
#
# Why it matters: a schedule for terminations was meant for workdays, when people are present. It
# runs at night and at weekends, 24 times a day.
#
# Output seen:
#   0 9 * * MON-FRI * (At minute 9 past every hour, in January, February, March, April, and May.)
#     Fri 2027-01-01 00:09:00
#     Fri 2027-01-01 01:09:00
#     Fri 2027-01-01 02:09:00
#   0 0 * TUE * (At 00:00, in February.)
#     Mon 2027-02-01 00:00:00
#     Tue 2027-02-02 00:00:00
#     Wed 2027-02-03 00:00:00
#   0 0 * * JAN (At 00:00, on Monday.)
#     Mon 2026-12-07 00:00:00
#     Mon 2026-12-14 00:00:00
#     Mon 2026-12-21 00:00:00
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
    for pattern in ["0 9 * * MON-FRI *", "0 0 * TUE *", "0 0 * * JAN"] {
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
0 9 * * MON-FRI * (At minute 9 past every hour, in January, February, March, April, and May.)
  Fri 2027-01-01 00:09:00
  Fri 2027-01-01 01:09:00
  Fri 2027-01-01 02:09:00
0 0 * TUE * (At 00:00, in February.)
  Mon 2027-02-01 00:00:00
  Tue 2027-02-02 00:00:00
  Wed 2027-02-03 00:00:00
0 0 * * JAN (At 00:00, on Monday.)
  Mon 2026-12-07 00:00:00
  Mon 2026-12-14 00:00:00
  Mon 2026-12-21 00:00:00
EOF
diff -u expected actual
cat actual
