#!/usr/bin/env bash
# tokio-cron-scheduler 0.15.1 (crate), with libfaketime 0.9.10 (Debian 12) to set the clock: a job
# in a time zone keeps the UTC offset of the moment at which it was made.
#
# A good engineer would guess that `Job::new_tz` with Europe/Berlin and a daily 00:30 runs at 00:30
# in Berlin. Instead, only the first run does. The scheduler computes each later run with the offset
# from the time when the job was made. After the change on 2026-10-25, the job runs at 23:30, for
# the second time on that day, until the process restarts.
#
# Why it matters: a job that runs once a day, with a limit per day, runs twice on one date. In the
# spring it is an hour late instead, and a restart hides the cause.
#
# Output seen:
#   first run: 2026-10-25 00:30:00 CEST
#   second run: 2026-10-25 23:30:00 CET
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

packages=(libfaketime=0.9.10-2.1)
apt-cache show "${packages[@]}" >/dev/null 2>&1 || apt-get -qq update
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" root; done

mkdir src
cat >Cargo.toml <<'EOF'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
chrono-tz = "=0.10.4"
tokio = { version = "=1.54.1", default-features = false, features = ["macros", "rt-multi-thread", "time"] }
tokio-cron-scheduler = { version = "=0.15.1", default-features = false }
EOF
cat >src/main.rs <<'EOF'
use std::time::Duration;

use chrono_tz::Europe::Berlin;
use tokio_cron_scheduler::{Job, JobScheduler};

#[tokio::main]
async fn main() {
    let mut scheduler = JobScheduler::new().await.unwrap();
    let job = Job::new_tz("0 30 0 * * *", Berlin, |_, _| {}).unwrap();
    let id = scheduler.add(job).await.unwrap();
    scheduler.start().await.unwrap();
    let first = scheduler.next_tick_for_job(id).await.unwrap().unwrap();
    println!("first run: {}", first.with_timezone(&Berlin));
    // The clock starts 10 s before the first run.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let second = scheduler.next_tick_for_job(id).await.unwrap().unwrap();
    println!("second run: {}", second.with_timezone(&Berlin));
}
EOF
cargo build --quiet --target-dir target
TZ=UTC0 DONT_FAKE_MONOTONIC=1 FAKETIME='@2026-10-24 22:29:50' \
  LD_PRELOAD=$dir/root/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1 \
  target/debug/finding >actual

cat >expected <<'EOF'
first run: 2026-10-25 00:30:00 CEST
second run: 2026-10-25 23:30:00 CET
EOF
diff -u expected actual
cat actual
