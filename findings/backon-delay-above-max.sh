#!/usr/bin/env bash
# backon 1.6.0 (crate): `with_max_delay` does not limit the delays.
#
# A good engineer would guess that no delay exceeds `with_max_delay(10 s)`. Instead, jitter is added
# after the limit is applied, so that delays reach almost 20 s. The first delay is not limited at
# all: a minimum of 20 s stays 20 s, and only the second delay is 10 s.
#
# Why it matters: a program may compute from the maximum delay how long a run holds its lock. The
# result is wrong by a factor of two. Another process can then begin to terminate servers at the
# same time.
#
# Output seen:
#   with jitter: 1676 of 2000 delays are above 10 s, the longest is 19 s
#   without jitter, minimum 20 s: [20s, 10s, 10s]
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
backon = { version = "=1.6.0", default-features = false, features = ["std"] }
EOF
cat >src/main.rs <<'EOF'
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

fn main() {
    let (min, max) = (Duration::from_secs(1), Duration::from_secs(10));
    let limited = ExponentialBuilder::default().with_max_delay(max).with_max_times(20);
    let mut delays = Vec::new();
    for seed in 0..100 {
        delays.extend(limited.with_min_delay(min).with_jitter().with_jitter_seed(seed).build());
    }
    let above = delays.iter().filter(|delay| **delay > max).count();
    let longest = delays.iter().max().unwrap().as_secs();
    println!("with jitter: {above} of {} delays are above 10 s, the longest is {longest} s", delays.len());
    let delays: Vec<_> = limited.with_min_delay(max * 2).with_max_times(3).build().collect();
    println!("without jitter, minimum 20 s: {delays:?}");
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
with jitter: 1676 of 2000 delays are above 10 s, the longest is 19 s
without jitter, minimum 20 s: [20s, 10s, 10s]
EOF
diff -u expected actual
cat actual
