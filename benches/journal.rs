//! What a thousand intents, and what became of them, cost the journal: written by all at once, and one by one.
//!
//! `cargo bench --bench journal`. The file lies in the folder for temporary files; `TMPDIR` chooses the disk.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "it prints what it measured")]

use std::time::Duration;

use futures::future::join_all;
use zenreaper::{
    clock,
    journal::{Began, Digests, Ending, Entry, Intent, Journal},
};

const MACHINES: usize = 1000;

fn intent(run: &str, n: usize) -> Entry {
    Entry::Intent(Box::new(Intent {
        account: "main".to_owned(),
        run: run.to_owned(),
        instance_id: format!("i-{n:04}"),
        intended_at: clock::now(),
        name: Some(format!("name-of-i-{n:04}")),
        owner: Some("amy".to_owned()),
        rule: "old".to_owned(),
        why: "created 2026-01-01T00:00:00Z".to_owned(),
        due_at: Some(clock::now()),
        tags: 3,
        recoverable: true,
        record: format!(r#"{{"instanceId":"i-{n:04}","rest":"{}"}}"#, "x".repeat(1500)),
        action: zenreaper::rules::Action::Terminate,
    }))
}

fn ending(run: &str, n: usize) -> Entry {
    Entry::Ending(Box::new(Ending {
        account: "main".to_owned(),
        run: run.to_owned(),
        instance_id: format!("i-{n:04}"),
        ended_at: clock::now(),
        outcome: "terminated".to_owned(),
        code: None,
        request_id: Some(format!("request-{n}")),
        message: None,
        hold: None,
        notices: Vec::new(),
        ends_promises: Some("terminated"),
    }))
}

async fn begin(journal: &Journal, run: &str) {
    let digests = Digests { rules: String::new(), config: String::new() };
    let (account, mode) = ("main", "enforce");
    let began = Began { account, run, started_at: clock::now(), mode, digests: &digests };
    journal.begin_run(&began).await.unwrap();
}

async fn at_once(journal: &Journal, entry: fn(&str, usize) -> Entry) -> Duration {
    let started = clock::monotonic();
    let all = join_all((0..MACHINES).map(|n| journal.record(entry("at-once", n)))).await;
    all.into_iter().for_each(Result::unwrap);
    started.elapsed()
}

async fn one_by_one(journal: &Journal, entry: fn(&str, usize) -> Entry) -> Duration {
    let started = clock::monotonic();
    for n in 0..MACHINES {
        journal.record(entry("one-by-one", n)).await.unwrap();
    }
    started.elapsed()
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(&folder.path().join("journal.db"));
    begin(&journal, "at-once").await;
    begin(&journal, "one-by-one").await;
    for (what, entry) in [("intents", intent as fn(&str, usize) -> Entry), ("outcomes", ending)] {
        let (together, alone) = (at_once(&journal, entry).await, one_by_one(&journal, entry).await);
        let ratio = alone.as_secs_f64() / together.as_secs_f64();
        println!(
            "{MACHINES} {what}: {together:?} at once, {alone:?} one by one, {ratio:.1} times as long"
        );
    }
}
