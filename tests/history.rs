//! The history: what was done, why, what came of it, and how long it can be undone.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Stage, due, many_due, receiver::Receiver};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use zenreaper::{
    clock,
    sandbox::{Machine, TOKEN},
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

const KEYS: [&str; 14] = [
    "at",
    "what",
    "account",
    "instance_id",
    "name",
    "rule",
    "why",
    "outcome",
    "verified",
    "code",
    "request_id",
    "run",
    "recoverable",
    "recoverable_until",
];

const HOSTILE: &str = "a \"b\", c\r\n\u{1b}[2J\u{202e}\u{0}=1+1;'x' 中文";

/// A run of which every call ends in another way.
async fn mixed() -> Stage {
    let fleet = vec![
        due("bound").in_commitment(),
        due("broken"),
        due("failed-create").with("instanceStatus", "CREATE_FAILED"),
        due("gone"),
        due("hostile").with("instanceName", HOSTILE).with_tag("owner", HOSTILE),
        due("seoul").with("zoneId", "SEL-A"),
    ];
    let stage = Stage::with(fleet).await.rules(
        "
rules:
  - { name: hong-kong, match: { zone: HKG-A }, expire: { after: 1h } }
  - { name: seoul, match: { zone: SEL-A }, expire: { after: 1h } }
",
    );
    let fault = |code: &str, id: &str| {
        format!("error={code},status=404,action=TerminateInstance,instance={id}")
    };
    let stage = stage.fault(&fault("INVALID_INSTANCE_NOT_FOUND", "gone"));
    let stage = stage.fault(&fault("INVALID_PARAMETER_VALUE", "broken"));
    stage.once_exits(5).await;
    stage
}

async fn json(stage: &Stage, more: &[&str]) -> Vec<Value> {
    let args: Vec<_> = ["history", "-o", "json"].iter().chain(more).copied().collect();
    stage.run(&args).await.exits(0).json().as_array().unwrap().clone()
}

/// The entry of the termination of a machine.
fn of<'a>(entries: &'a [Value], id: &str) -> &'a Value {
    let is = |one: &&Value| one["instance_id"] == id && one["what"] == "terminate";
    entries.iter().find(is).unwrap()
}

#[tokio::test]
async fn every_call_is_there_with_what_came_of_it() {
    let stage = mixed().await;
    let entries = json(&stage, &[]).await;
    for entry in &entries {
        let mut keys: Vec<_> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = KEYS;
        keys.sort_unstable();
        expected.sort_unstable();
        assert_eq!(keys, expected);
    }
    for (id, outcome, code) in [
        ("seoul", "terminated", None),
        ("hostile", "terminated", None),
        ("failed-create", "terminated", None),
        ("bound", "refused", Some("OPERATION_DENIED_POSTPAID_PROMISE")),
        ("broken", "failed", Some("INVALID_PARAMETER_VALUE")),
        ("gone", "gone", Some("INVALID_INSTANCE_NOT_FOUND")),
    ] {
        let entry = of(&entries, id);
        assert_eq!((&entry["outcome"], &entry["code"]), (&outcome.into(), &code.into()), "{id}");
        assert!(entry["request_id"].is_string() && entry["run"].is_string(), "{entry}");
        assert_eq!(entry["account"], "main");
    }
    assert_eq!(of(&entries, "seoul")["rule"], "seoul");
    let pictured = HOSTILE.replace('\r', "␍").replace('\n', "␊");
    let pictured = pictured.replace('\u{1b}', "␛").replace('\0', "␀");
    assert_eq!(of(&entries, "hostile")["name"], pictured, "a picture for each control character");
    let why = of(&entries, "broken")["why"].as_str().unwrap();
    assert!(why.contains("a fault was injected"), "{why}");
    assert!(entries.iter().any(|one| one["what"] == "hold" && one["instance_id"] == "bound"));

    let table = stage.run(&["history"]).await;
    let of_line = |id: &str| {
        let is = |line: &&str| line.contains("terminate") && line.contains(id);
        table.out.lines().find(is).unwrap_or_else(|| panic!("{id}:\n{}", table.out))
    };
    table.exits(0);
    let request = of(&entries, "broken")["request_id"].as_str().unwrap();
    for wanted in ["failed", "INVALID_PARAMETER_VALUE", "hong-kong", &request[..20]] {
        assert!(of_line("broken").contains(wanted), "{}", table.out);
    }
}

#[tokio::test]
async fn it_says_what_can_be_taken_back_and_until_when() {
    let stage = mixed().await;
    let entries = json(&stage, &[]).await;
    let seoul = of(&entries, "seoul");
    let until: Timestamp = seoul["recoverable_until"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(clock::now());
    assert_eq!(seoul["recoverable"], true);
    assert!(left > DAY - SignedDuration::from_mins(2) && left <= DAY, "{until}");
    for id in ["failed-create", "bound", "broken"] {
        let entry = of(&entries, id);
        assert_eq!(entry["recoverable"], false, "{id} is not in the recycle bin");
        assert!(entry["recoverable_until"].is_null(), "{id}");
    }
    stage.run(&["history", "--instance", "seoul"]).await.exits(0).says(&format!("{until:.0}"));
    stage.time_passes(DAY).await;
    assert_eq!(of(&json(&stage, &[]).await, "seoul")["recoverable"], false, "too late");
    let table = stage.run(&["history", "--instance", "seoul"]).await;
    assert_eq!(table.out.matches("2026-").count(), table.out.lines().count() + 1, "{}", table.out);
}

#[tokio::test]
async fn the_next_listing_confirms() {
    let stage = Stage::with(many_due(2)).await;
    stage.once_exits(0).await;
    assert!(of(&json(&stage, &[]).await, "i-0000")["verified"].is_null());
    stage.sandbox.edit("i-0001", |one| one.set_status("RUNNING"));
    stage.once_exits(0).await;
    let entries = json(&stage, &[]).await;
    assert_eq!(of(&entries, "i-0000")["verified"], "confirmed");
    assert_eq!(of(&entries, "i-0001")["verified"], "still_present");
    stage.run(&["history"]).await.says("terminated, still_present");
}

#[tokio::test]
async fn it_is_asked_by_time_machine_and_rule() {
    let stage = mixed().await;
    stage.run(&["hold", "seoul", "--for", "1d", "--reason", "mine"]).await.exits(0);
    stage.run(&["pause"]).await.exits(0);
    let own = json(&stage, &["--instance", "seoul"]).await;
    assert!(own.iter().all(|one| one["instance_id"] == "seoul"), "{own:?}");
    let whats: Vec<_> = own.iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert!(whats.contains(&"terminate") && whats.contains(&"hold"), "{whats:?}");

    let rule = json(&stage, &["--rule", "hong-kong"]).await;
    assert_eq!(rule.len(), 5);
    assert!(rule.iter().all(|one| one["rule"] == "hong-kong"), "{rule:?}");

    stage.time_passes(DAY * 8).await;
    assert!(json(&stage, &[]).await.is_empty(), "seven days, unless said otherwise");
    let all = json(&stage, &["--since", "9d"]).await;
    let at = |one: &Value| one["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(all.len() > 8 && all.is_sorted_by_key(at));
    let of_year = json(&stage, &["--since", "2026-01-01"]).await;
    assert_eq!(of_year.len(), all.len());
    for (exact, count) in [(DAY * 9, all.len()), (DAY * 8 - SignedDuration::from_hours(1), 0)] {
        let exact = clock::now() - exact;
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
        for text in [exact.to_string(), exact.to_zoned(zone).strftime("%FT%T%:z").to_string()] {
            assert_eq!(json(&stage, &["--since", &text]).await.len(), count, "{text}");
        }
    }
    for wrong in ["7", "yesterday", "2026-13-01", "2026-11-01T00:00:00"] {
        stage.run(&["history", "--since", wrong]).await.exits(2).says("expected an age such as 7d");
    }
}

#[tokio::test]
async fn what_operators_said_and_owners_were_told_is_there() {
    let receiver = Receiver::start(&[]).await;
    let hook = format!(
        "notices: {{ sinks: [{{ name: hook, type: webhook, url: \"{}\" }}] }}",
        receiver.origin
    );
    let stage = Stage::with(many_due(1)).await.more(&hook);
    let stage = stage.rules(
        "rules: [{ name: told, match: { zone: HKG-A }, unless: { tags: { keep: '*' } }, notice: 1h }]",
    );
    stage.once_exits(0).await;
    let keep = ["hold", "i-0000", "--for", "1h", "--reason", "a, \"demo\"", "--by", "ann"];
    stage.run(&keep).await.exits(0);
    stage.once_exits(0).await;
    stage.run(&["unhold", "i-0000", "--by", "bob"]).await.exits(0);
    stage.run(&["pause", "--reason", "an incident", "--by", "cy"]).await.exits(0);
    stage.run(&["resume", "--by", "di"]).await.exits(0);
    let entries = json(&stage, &[]).await;
    let told: Vec<_> = entries
        .iter()
        .map(|one| (one["what"].as_str().unwrap(), one["why"].as_str().unwrap_or_default()))
        .collect();
    let whats: Vec<_> = told.iter().map(|(what, _)| *what).collect();
    assert_eq!(whats, ["notice", "hold", "unhold", "pause", "resume"]);
    assert!(told[0].1.starts_with("to be terminated at 2026-"), "{told:?}");
    assert_eq!(entries[0]["outcome"], "withdrawn");
    assert!(told[1].1.contains("by ann") && told[1].1.contains("a, \"demo\""), "{told:?}");
    assert!(!told[1].1.contains('.'), "people read whole seconds: {told:?}");
    for (n, who) in [(2, "by bob"), (3, "by cy"), (4, "by di")] {
        assert!(told[n].1.contains(who), "{told:?}");
    }
    assert!(told[3].1.contains("an incident"), "{told:?}");
}

/// The records of a CSV text, read by the rules of RFC 4180.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let record = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader.records().map(|one| record(one.unwrap())).collect()
}

#[tokio::test]
async fn hostile_names_stay_in_their_cells() {
    let stage = mixed().await;
    let table = stage.run(&["history"]).await;
    assert!(table.exits(0).out.contains("␛[2J"), "{}", table.out);
    let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!table.out.contains(steers), "{:?}", table.out);
    let entries = json(&stage, &[]).await;
    assert_eq!(table.out.lines().count(), entries.len() + 1, "a line for each:\n{}", table.out);

    let csv = stage.run(&["history", "-o", "csv"]).await;
    let rows = records(&csv.exits(0).out);
    assert_eq!(rows[0], KEYS, "the same names as in JSON");
    assert_eq!(rows.len(), entries.len() + 1);
    for (row, entry) in rows[1..].iter().zip(&entries) {
        for (key, cell) in KEYS.iter().zip(row) {
            let expected = match &entry[*key] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(*cell, expected, "{key}");
        }
    }
}

#[tokio::test]
async fn nothing_done_is_told_as_that() {
    let stage = Stage::with(vec![Machine::new("other")]).await;
    for output in ["table", "json", "csv"] {
        let seen = stage.run(&["history", "-o", output]).await;
        seen.exits(1).says("there is no journal at").says("journal.db");
        assert!(seen.out.is_empty(), "nothing that a program could take for an answer");
    }
    assert!(!stage.path("journal.db").exists());
    stage.once_exits(0).await;
    stage.run(&["history"]).await.exits(0).says("Nothing was done in that time.");
    assert!(json(&stage, &[]).await.is_empty());
    let csv = stage.run(&["history", "-o", "csv"]).await;
    assert_eq!(records(&csv.exits(0).out), [KEYS], "a header, so that every reader is content");
}

#[tokio::test]
async fn a_damaged_journal_is_told_and_not_taken_for_an_empty_one() {
    let stage = Stage::with(many_due(1)).await;
    std::fs::write(stage.path("journal.db"), "not a journal".repeat(1000)).unwrap();
    stage.run(&["history"]).await.exits(1).says("journal.db");
}

#[tokio::test]
async fn what_is_over_is_forgotten_after_a_while() {
    let stage = mixed().await;
    let stage = stage.more("journal_retention: 30d");
    stage.run(&["hold", "other", "--unseen", "--for", "1d", "--reason", "mine"]).await.exits(0);
    stage.time_passes(DAY * 29).await;
    stage.sandbox.clear_faults();
    // Gone in the meantime, so that nothing is done any more.
    for machine in stage.sandbox.machines() {
        stage.sandbox.remove(machine.id().unwrap());
    }
    stage.once_exits(3).await;
    assert_eq!(json(&stage, &["--since", "60d"]).await.len(), 11, "not yet");

    stage.time_passes(DAY * 2).await;
    stage.once_exits(0).await;
    assert!(json(&stage, &["--since", "60d"]).await.is_empty());
    let oldest = (clock::now() - DAY * 30).as_millisecond();
    for (table, time) in [
        ("intents", "intended_at"),
        ("holds", "held_until"),
        ("acts", "acted_at"),
        ("runs", "started_at"),
        ("decisions", "decided_at"),
    ] {
        assert_eq!(stage.count_of(&format!("{table} WHERE {time} < {oldest}")).await, 0, "{table}");
    }
    assert_eq!(stage.count_of("runs").await, 2, "the runs of these days stay, the first does not");
}

#[tokio::test]
async fn nothing_is_forgotten_by_a_clock_that_is_wrong() {
    let stage = Stage::with(many_due(1)).await.more("journal_retention: 30d").token(TOKEN);
    stage.once_exits(0).await;
    stage.time_passes(DAY * 31).await;
    let stage = stage.fault("skew=86400");
    stage.once_exits(1).await.says("CLOCK_SKEW");
    assert_eq!(stage.count_of("intents").await, 1);
    stage.sandbox.clear_faults();
    stage.once_exits(0).await;
    assert_eq!(stage.count_of("intents").await, 0);
}

#[tokio::test]
async fn a_promise_that_stands_is_not_forgotten() {
    let stage = Stage::with(many_due(1)).await.more("journal_retention: 30d");
    let stage = stage.rules("rules: [{ name: told, match: { zone: HKG-A }, notice: 60d }]");
    stage.once_exits(0).await;
    stage.time_passes(DAY * 31).await;
    stage.once_exits(0).await;
    assert_eq!((stage.count_of("promises").await, stage.count_of("notices").await), (1, 1));
    assert_eq!(stage.decision("i-0000").await["reason"], "told");
    stage.time_passes(DAY * 30).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}
