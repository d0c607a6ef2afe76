#!/usr/bin/env bash
# governor 0.10.4 (crate): a quota of N per period passes almost 2N in the first period, and after
# each pause.
#
# A good engineer would guess that `Quota::per_second(20)` passes at most 20 in each second.
# Instead, the quota is also the size of the burst. A fresh limiter passes 20 at once, and 19 more
# while the second passes. For `per_hour(100)`, 199 pass in the first hour. The quota holds on
# average only; `allow_burst(1)` restores it. The script uses the fake clock of the crate.
#
# Why it matters: a limit on terminations per hour passes almost twice as many in the hour after a
# start. That is the hour in which a wrong rule does its damage.
#
# Output seen:
#   20 per second, first second: 39
#   20 per second, burst of 1, first second: 20
#   100 per hour, first hour: 199
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
governor = { version = "=0.10.4", default-features = false, features = ["std"] }
EOF
cat >src/main.rs <<'EOF'
use std::{num::NonZeroU32, time::Duration};

use governor::{Quota, RateLimiter, clock::FakeRelativeClock};

/// Counts what a fresh limiter passes in so many steps of the clock.
fn passed(quota: Quota, step: Duration, steps: u32) -> u32 {
    let clock = FakeRelativeClock::default();
    let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
    let mut passed = 0;
    for _ in 0..steps {
        while limiter.check().is_ok() {
            passed += 1;
        }
        clock.advance(step);
    }
    passed
}

fn main() {
    let one = NonZeroU32::MIN;
    let quota = Quota::per_second(NonZeroU32::new(20).unwrap());
    let step = Duration::from_millis(1);
    println!("20 per second, first second: {}", passed(quota, step, 1000));
    println!("20 per second, burst of 1, first second: {}", passed(quota.allow_burst(one), step, 1000));
    let quota = Quota::per_hour(NonZeroU32::new(100).unwrap());
    println!("100 per hour, first hour: {}", passed(quota, Duration::from_secs(1), 3600));
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
20 per second, first second: 39
20 per second, burst of 1, first second: 20
100 per hour, first hour: 199
EOF
diff -u expected actual
cat actual
