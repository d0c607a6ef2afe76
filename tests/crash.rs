//! `kill -9` at random instants of enforced runs: what the journal, the cloud and the owners saw afterwards.
//!
//! `ZENREAPER_CRASH_ROUNDS` says how often it is killed, `ZENREAPER_CRASH_SEED` repeats what failed, as far as chance lets it;
//! `tests/crash_loop` sets them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and tells what it saw"
)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use common::{Stage, due};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::net::TcpListener;
use zenreaper::{
    clock,
    sandbox::{Action, Machine},
};

const RULES: &str = "
rules:
  - { name: plain, match: { zone: HKG-A }, unless: [{ tags: { keep: '*' } }], expire: { after: 1h } }
  - { name: told, match: { zone: HKG-B }, expire: { after: 48h }, notice: 24h }
";

/// So many rounds with the same cloud, which remembers so many calls and not more.
const ROUNDS_OF_ONE_CLOUD: usize = 50;

/// What may go wrong with a call, once in a round.
const FAULTS: [&str; 4] = ["reset-after-effect", "cut-off", "hang-after-effect", "reset"];

/// How much of a notice passes between two runs, so that rounds need not wait for a day: all but a second.
const PASSED_MS: i64 = 24 * 3_600_000 - 1_000;

/// How far the clocks of the sandbox and of the test may be apart.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_millis(10);

/// A message as a receiver got it.
#[derive(Clone, Debug)]
struct Receipt {
    id: String,
    stage: String,
    machines: Vec<String>,
    at: Timestamp,
}

/// A receiver that is slow to answer, and now and then answers that it failed although it did not.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Receipt>>>);

impl Receiver {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self::default();
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn receipts(&self) -> Vec<Receipt> {
        self.0.lock().unwrap().clone()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let machines = body["machines"].as_array().unwrap().iter();
    let receipt = Receipt {
        id: headers["idempotency-key"].to_str().unwrap().to_owned(),
        stage: body["stage"].as_str().unwrap().to_owned(),
        machines: machines.map(|one| one["instance_id"].as_str().unwrap().to_owned()).collect(),
        at: clock::now(),
    };
    receiver.0.lock().unwrap().push(receipt);
    tokio::time::sleep(Duration::from_millis(10)).await;
    if fastrand::u8(..8) == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

/// Machines that no rule takes, or that are kept from it.
fn bystanders() -> Vec<Machine> {
    let elsewhere = |n| due(&format!("elsewhere-{n}")).with("zoneId", "SEL-A").with_tag("a", "b");
    let protected = |n| due(&format!("protected-{n}")).with_tag("protected", "yes");
    let kept = |n| due(&format!("kept-{n}")).with_tag("keep", "yes");
    let young = |n| due(&format!("young-{n}")).with("createTime", "2099-01-01T00:00:00Z");
    let few = (0..5).flat_map(|n| [protected(n), kept(n), young(n)]);
    (0..60).map(elsewhere).chain(few).collect()
}

/// The machines of one round that the rules take: six without notice, four with.
fn taken(round: usize) -> Vec<Machine> {
    let plain = (0..6).map(|n| due(&format!("plain-{round}-{n}")));
    let told = (0..4).map(|n| {
        let owner = if n % 2 == 0 { "amy" } else { "bob" };
        due(&format!("told-{round}-{n}")).with("zoneId", "HKG-B").with_tag("owner", owner)
    });
    plain.chain(told).collect()
}

/// What all rounds come to.
#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    killed_at_work: usize,
    machines: usize,
    calls: usize,
    unanswered_calls: usize,
    settled_later: usize,
    messages: usize,
    repeated_under_the_same_id: usize,
}

/// A cloud, a receiver, and runs that are killed.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    /// When the sandbox began to count time, or a moment before.
    epoch: Timestamp,
    due: BTreeSet<String>,
    tally: Tally,
}

impl Scene {
    async fn new() -> Self {
        let (receiver, url) = Receiver::start().await;
        let sink =
            format!("notices: {{ sinks: [{{ name: hook, type: webhook, url: \"{url}\" }}] }}");
        let epoch = clock::now();
        let stage = Stage::with(bystanders()).await.rules(RULES).more(&sink);
        let limits = "{ max_terminations: 100000, max_percent: 100, max_per_day: 100000, max_failure_percent: 100 }";
        let stage = stage.limits(limits).fault("latency=15ms").timeout("1s");
        Self { stage, receiver, epoch, due: BTreeSet::new(), tally: Tally::default() }
    }

    /// Lets a run begin, and kills it.
    async fn round(&mut self, round: usize) {
        for machine in taken(round) {
            self.due.insert(machine.id().unwrap().to_owned());
            self.stage.sandbox.add(&machine);
        }
        let (fault, skip) = (fastrand::choice(FAULTS).unwrap(), fastrand::u8(..8));
        let fault = format!("{fault},action=TerminateInstance,skip={skip},times=1");
        self.stage.sandbox.inject(fault.parse().unwrap());
        self.notices_age().await;
        let mut command = self.stage.command(&["run", "--once"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.instant().await;
        let at_work = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        self.tally.rounds += 1;
        self.tally.killed_at_work += usize::from(at_work);
    }

    /// Lets all but a second of each notice pass, once: what is later than this test began was not moved yet.
    async fn notices_age(&self) {
        let is_there = self.stage.path("journal.db").exists();
        if !is_there || self.stage.count_of("sqlite_master WHERE name = 'notices'").await == 0 {
            return;
        }
        let epoch = self.epoch.as_millisecond();
        let half = epoch + PASSED_MS / 2;
        for (table, column, from) in [
            ("promises", "begun_at", epoch),
            ("promises", "terminate_at", half),
            ("notices", "written_at", epoch),
            ("notices", "sent_at", epoch),
        ] {
            let stage = if table == "notices" { "AND stage = 'noticed'" } else { "" };
            let moved = format!("{column} = {column} - {PASSED_MS}");
            self.stage
                .sql(&format!("UPDATE {table} SET {moved} WHERE {column} >= {from} {stage}"))
                .await;
        }
    }

    /// Waits for the instant to kill at: any of a run, or one while calls are made, or while messages are sent.
    async fn instant(&self) {
        let calls = || self.stage.calls_of(Action::TerminateInstance).len();
        let receipts = || self.receiver.0.lock().unwrap().len();
        let (calls_before, receipts_before) = (calls(), receipts());
        let (begins, most): (&dyn Fn() -> bool, u64) = match fastrand::u8(..3) {
            0 => (&|| true, 600),
            1 => (&|| calls() > calls_before, 60),
            _ => (&|| receipts() > receipts_before, 30),
        };
        for _ in 0..600 {
            if begins() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(fastrand::u64(..most * 1000))).await;
    }

    /// Lets runs come to their end until there is nothing left to do.
    async fn finish(&self) {
        self.stage.sandbox.clear_faults();
        for _ in 0..4 {
            self.notices_age().await;
            self.stage.once().await.exits(0);
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
    }

    /// A call's time on the clock of the test, or a moment before.
    fn at(&self, since_start: Duration) -> Timestamp {
        self.epoch + SignedDuration::try_from(since_start).unwrap()
    }

    /// All that is known of a machine, for the message of a test that failed.
    async fn story(&self, id: &str) -> String {
        type Row =
            (String, String, i64, Option<String>, Option<String>, Option<i64>, Option<String>);
        let intents: Vec<Row> = self
            .stage
            .rows("SELECT instance_id, run, intended_at, outcome, code, ended_at, verified FROM intents")
            .await;
        let mut lines: Vec<_> =
            intents.iter().filter(|row| row.0 == id).map(|row| format!("{row:?}")).collect();
        let calls = self.stage.calls_of(Action::TerminateInstance);
        let calls = calls.iter().filter(|call| call.instances.iter().any(|one| one == id));
        lines.extend(calls.map(|call| format!("{} {call:?}", self.at(call.at).as_millisecond())));
        let notices: Vec<(String, Option<String>, Option<i64>)> =
            self.stage.rows("SELECT key, batch, sent_at FROM notices").await;
        lines.extend(notices.iter().filter(|row| row.0.contains(id)).map(|row| format!("{row:?}")));
        let receipts = self.receiver.receipts();
        let receipts = receipts.iter().filter(|one| one.machines.iter().any(|one| one == id));
        lines.extend(receipts.map(|one| format!("{one:?}")));
        lines.join("\n")
    }

    async fn check(&mut self) {
        self.check_cloud();
        self.check_journal().await;
        self.check_messages().await;
    }

    fn check_cloud(&self) {
        for machine in self.stage.sandbox.machines() {
            let id = machine.id().unwrap();
            let is_taken = machine.status() == Some("RECYCLE");
            assert_eq!(is_taken, self.due.contains(id), "{id} is {:?}", machine.status());
        }
    }

    async fn check_journal(&mut self) {
        type Row = (String, i64, Option<String>, Option<i64>, Option<String>);
        let rows: Vec<Row> = self
            .stage
            .rows("SELECT instance_id, intended_at, outcome, ended_at, verified FROM intents ORDER BY intended_at")
            .await;
        let mut intents: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            intents.entry(row.0.as_str()).or_default().push(row);
        }
        for id in &self.due {
            let known = |row: &&&Row| matches!(row.2.as_deref(), Some("terminated" | "gone"));
            let known = intents[id.as_str()].iter().filter(known).count();
            assert_eq!(known, 1, "{id} was taken: {:?}", intents[id.as_str()]);
        }
        let calls = self.stage.calls_of(Action::TerminateInstance);
        for call in &calls {
            let ([id], at) = (&call.instances[..], self.at(call.at)) else { panic!("{call:?}") };
            assert!(self.due.contains(id), "{id} was called, and is no rule's");
            let before = |row: &&&Row| ms(row.1) <= at + CLOCK_MARGIN;
            let intent = intents.get(id.as_str()).and_then(|rows| rows.iter().rfind(before));
            let intent = intent.unwrap_or_else(|| panic!("{id} was called without an intent"));
            let ended = ms(intent.3.unwrap());
            assert!(at < ended + CLOCK_MARGIN, "{id} was called at {at}, after {intent:?}");
        }
        for (id, at) in rows
            .iter()
            .filter(|row| row.2.as_deref() == Some("terminated"))
            .map(|row| (&row.0, ms(row.3.unwrap())))
        {
            let again = calls
                .iter()
                .find(|call| call.instances.contains(id) && self.at(call.at) > at + CLOCK_MARGIN);
            assert_eq!(again, None, "{id} was accepted at {at}");
        }
        self.tally.machines = self.due.len();
        self.tally.calls = calls.len();
        self.tally.unanswered_calls = calls.iter().filter(|call| call.status.is_none()).count();
        let later = |row: &&Row| matches!(row.4.as_deref(), Some("done" | "not_done"));
        self.tally.settled_later = rows.iter().filter(later).count();
    }

    async fn check_messages(&mut self) {
        let receipts = self.receiver.receipts();
        let mut by_id: BTreeMap<&str, Vec<&Receipt>> = BTreeMap::new();
        for one in &receipts {
            by_id.entry(&one.id).or_default().push(one);
        }
        let mut told: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
        for (id, same) in &by_id {
            let first = same[0];
            let alike =
                |one: &&Receipt| (&one.stage, &one.machines) == (&first.stage, &first.machines);
            assert!(same.iter().all(alike), "{id} is not always the same: {same:?}");
            for machine in &first.machines {
                let earlier = told.insert((&first.stage, machine), first.at);
                assert_eq!(earlier, None, "{machine} is told of twice: {}, {id}", first.stage);
            }
        }
        let calls = self.stage.calls_of(Action::TerminateInstance);
        for id in self.due.iter().map(String::as_str) {
            assert!(
                told.contains_key(&("terminated", id)),
                "nobody was told that {id} is gone:\n{}",
                self.story(id).await
            );
            assert!(!told.contains_key(&("withdrawn", id)), "{id} was never to stay");
            assert_eq!(told.contains_key(&("noticed", id)), id.starts_with("told"), "{id}");
            if let Some(told_at) = told.get(&("noticed", id)) {
                let call = calls.iter().find(|call| call.instances.iter().any(|one| one == id));
                let called_at = self.at(call.unwrap().at);
                let soonest = *told_at + SignedDuration::from_secs(1);
                assert!(called_at >= soonest, "{id}: told at {told_at}, called at {called_at}");
            }
        }
        let unsent: Vec<(String,)> =
            self.stage.rows("SELECT key FROM notices WHERE sent_at IS NULL").await;
        assert!(unsent.is_empty(), "{unsent:?}");
        let standing: Vec<(String,)> =
            self.stage.rows("SELECT key FROM promises WHERE ended_as IS NOT 'terminated'").await;
        assert!(standing.is_empty(), "{standing:?}");
        self.tally.messages = by_id.len();
        self.tally.repeated_under_the_same_id = receipts.len() - by_id.len();
    }
}

fn ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_instant_it_forgets_nothing_and_repeats_nothing() {
    let rounds =
        number("ZENREAPER_CRASH_ROUNDS").map_or(20, |rounds| usize::try_from(rounds).unwrap());
    let seed = number("ZENREAPER_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("ZENREAPER_CRASH_SEED={seed}");
    fastrand::seed(seed);
    for first in (0..rounds).step_by(ROUNDS_OF_ONE_CLOUD) {
        let mut scene = Scene::new().await;
        for round in first..rounds.min(first + ROUNDS_OF_ONE_CLOUD) {
            scene.round(round).await;
        }
        scene.finish().await;
        scene.check().await;
        println!("{:?}", scene.tally);
        assert!(scene.tally.killed_at_work > scene.tally.rounds / 4, "it was not killed at work");
    }
}
