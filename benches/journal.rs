//! What a thousand intents, and what became of them, cost the journal: written by all at once, and one by one.
//!
//! `cargo bench --bench journal`. The file lies in the folder for temporary files; `TMPDIR` chooses the disk.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "it prints what it measured")]

use std::time::Duration;

use futures::future::join_all;
use zenreaper::{
    clock,
    journal::{Began, Digests, Ending, Entry, Intent, Journal, Terms},
    lease::{Holding, Owner},
};

const MACHINES: usize = 1000;

fn intent(terms: &Terms, run: &str, n: usize) -> Entry {
    Entry::Intent(Box::new(Intent {
        terms: terms.clone(),
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

fn ending(_: &Terms, run: &str, n: usize) -> Entry {
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

type Make = fn(&Terms, &str, usize) -> Entry;

async fn at_once(journal: &Journal, terms: &Terms, entry: Make) -> Duration {
    let started = clock::monotonic();
    let all = join_all((0..MACHINES).map(|n| journal.record(entry(terms, "at-once", n)))).await;
    for recorded in all {
        recorded.unwrap().unwrap();
    }
    started.elapsed()
}

async fn one_by_one(journal: &Journal, terms: &Terms, entry: Make) -> Duration {
    let started = clock::monotonic();
    for n in 0..MACHINES {
        journal.record(entry(terms, "one-by-one", n)).await.unwrap().unwrap();
    }
    started.elapsed()
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(&folder.path().join("journal.db"));
    begin(&journal, "at-once").await;
    begin(&journal, "one-by-one").await;
    let holding =
        Holding::take(&journal, "main", &Owner::of_this_process()).await.unwrap().unwrap();
    let (lease, accounts) = (holding.lease().clone(), ["main".to_owned()].into());
    let terms = Terms { lease, accounts, max_per_day: 1_000_000 };
    for (what, entry) in [("intents", intent as Make), ("outcomes", ending)] {
        let together = at_once(&journal, &terms, entry).await;
        let alone = one_by_one(&journal, &terms, entry).await;
        let ratio = alone.as_secs_f64() / together.as_secs_f64();
        println!(
            "{MACHINES} {what}: {together:?} at once, {alone:?} one by one, {ratio:.1} times as long"
        );
    }
}
