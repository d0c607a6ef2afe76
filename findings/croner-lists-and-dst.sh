#!/usr/bin/env bash
# croner 4.0.3 (crate): a schedule with a list of hours or minutes fires twice in the autumn, and
# not at all in the spring.
#
# A good engineer would guess that `30 2,14 * * *` behaves at 02:30 as `30 2 * * *` does. The
# documentation says that patterns with specific numbers fire once when an hour repeats, and right
# after the gap when an hour is missing. Only patterns with `*` and `*/N` count as intervals.
# Instead, a list counts as an interval as well: 02:30 fires twice on 2026-10-25, and not on
# 2026-03-29.
#
# Why it matters: when an operator adds a second time of day, the first one changes its behavior. A
# job with a limit per run terminates twice as many servers that night.
#
# Output seen:
#   30 2 * * * on 2026-10-25: 02:30+02:00
#   30 2 * * * on 2026-03-29: 03:00+02:00
#   30 2,14 * * * on 2026-10-25: 02:30+02:00 02:30+01:00 14:30+01:00
#   30 2,14 * * * on 2026-03-29: 14:30+02:00
#   0,30 2 * * * on 2026-10-25: 02:00+02:00 02:30+02:00 02:00+01:00 02:30+01:00
#   0,30 2 * * * on 2026-03-29:
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
    for pattern in ["30 2 * * *", "30 2,14 * * *", "0,30 2 * * *"] {
        let cron = parser.parse(pattern).unwrap();
        for day in ["2026-10-25", "2026-03-29"] {
            let mut at: Zoned = format!("{day}T00:00:00[Europe/Berlin]").parse().unwrap();
            print!("{pattern} on {day}:");
            loop {
                at = cron.find_next_occurrence(&at, false).unwrap();
                if at.date().to_string() != day {
                    break;
                }
                print!(" {}", at.strftime("%H:%M%:z"));
            }
            println!();
        }
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
30 2 * * * on 2026-10-25: 02:30+02:00
30 2 * * * on 2026-03-29: 03:00+02:00
30 2,14 * * * on 2026-10-25: 02:30+02:00 02:30+01:00 14:30+01:00
30 2,14 * * * on 2026-03-29: 14:30+02:00
0,30 2 * * * on 2026-10-25: 02:00+02:00 02:30+02:00 02:00+01:00 02:30+01:00
0,30 2 * * * on 2026-03-29:
EOF
diff -u expected actual
cat actual
