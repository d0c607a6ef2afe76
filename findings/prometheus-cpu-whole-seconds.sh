#!/usr/bin/env bash
# prometheus 0.14.0 (crate): the process collector cuts `process_cpu_seconds_total` to whole
# seconds.
#
# A good engineer would guess that the metric has the resolution of the kernel (0.01 s), as the
# official Go client does. Instead, the crate divides integers: after 0.7 s of computing, the value
# is 0. A process that uses little CPU time shows long flat lines and jumps of 1.
#
# Why it matters: `rate(process_cpu_seconds_total[5m])` of a daemon that is mostly idle is either 0
# or 0.003. An alert for a daemon that does no work cannot be built on it.
#
# Output seen:
#   the kernel has counted CPU time: true
#   process_cpu_seconds_total 0
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
prometheus = { version = "=0.14.0", default-features = false, features = ["process"] }
EOF
cat >src/main.rs <<'EOF'
use std::{fs, hint, time::{Duration, Instant}};

use prometheus::{Registry, TextEncoder, process_collector::ProcessCollector};

fn main() {
    let registry = Registry::new();
    registry.register(Box::new(ProcessCollector::for_self())).unwrap();
    let start = Instant::now();
    // Some CPU time, but less than a second of it.
    while start.elapsed() < Duration::from_millis(700) {
        hint::black_box(0);
    }
    // Fields 14 and 15 are user and system time in ticks of 0.01 s; two fields end at the last `)`.
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    println!("the kernel has counted CPU time: {}", ticks > 10);
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for line in text.lines().filter(|line| line.starts_with("process_cpu")) {
        println!("{line}");
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
the kernel has counted CPU time: true
process_cpu_seconds_total 0
EOF
diff -u expected actual
cat actual
