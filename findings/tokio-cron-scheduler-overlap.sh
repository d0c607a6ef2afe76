#!/usr/bin/env bash
# tokio-cron-scheduler 0.15.1 (crate): a job starts again while its earlier runs still run, and
# `shutdown` returns while they run.
#
# A good engineer would guess that one job runs once at a time, or that a setting exists. `shutdown`
# would wait for the runs or cancel them. Instead, each tick starts one more run of the same job.
# After `shutdown` has returned, the runs go on; when `main` returns, the runtime drops them in the
# middle of their work.
#
# Why it matters: a slow run and the next one work on the same servers at the same time, each with
# its own limits. A stop of the service can cut a termination off between the call and its record.
#
# Output seen:
#   several runs at a time: true
#   runs go on after shutdown: true
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
tokio = { version = "=1.54.1", default-features = false, features = ["macros", "rt-multi-thread", "time"] }
tokio-cron-scheduler = { version = "=0.15.1", default-features = false }
EOF
cat >src/main.rs <<'EOF'
use std::{sync::atomic::{AtomicUsize, Ordering::SeqCst}, time::Duration};

use tokio::time::sleep;
use tokio_cron_scheduler::{Job, JobScheduler};

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[tokio::main]
async fn main() {
    let mut scheduler = JobScheduler::new().await.unwrap();
    let job = Job::new_async("* * * * * *", |_, _| {
        Box::pin(async {
            MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
            sleep(Duration::from_secs(60)).await;
            RUNNING.fetch_sub(1, SeqCst);
        })
    });
    scheduler.add(job.unwrap()).await.unwrap();
    scheduler.start().await.unwrap();
    sleep(Duration::from_secs(5)).await;
    println!("several runs at a time: {}", MOST.load(SeqCst) >= 3);
    scheduler.shutdown().await.unwrap();
    println!("runs go on after shutdown: {}", RUNNING.load(SeqCst) >= 3);
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
several runs at a time: true
runs go on after shutdown: true
EOF
diff -u expected actual
cat actual
