//! Warnings end to end: who tells them, and those that depend on earlier runs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Stage, due, service::Service};
use serde_json::Value;
use zenreaper::sandbox::Machine;

/// A machine with tags that stays.
fn tagged(id: &str) -> Machine {
    due(id).with("zoneId", "SEL-A").with_tag("env", "dev").with_tag("owner", "ana")
}

/// One slip of the pen, a tag that nobody has, and all kinds of asking for one that need not be there.
const TYPOS: &str = "
rules:
  - name: typo
    match: { tags: { evn: dev } }
    expire: { after: 9d }
  - name: by-tag
    match: { tags: { env: dev } }
    unless: [{ tags: { keep: '*' } }]
    expire: { tag: expires }
  - name: fine
    match: { tags: { env: test, project: { exists: false } }, not: { tags: { prod: '*' } } }
    expire: { tag: ttl, default: 9d }
";

const AT_ONCE: &str = "rules: [{ name: seoul, match: { zone: SEL-B } }]";

/// The code, the place and the help of each warning of `check`.
async fn told(stage: &Stage) -> Vec<String> {
    let json = stage.run(&["check", "-o", "json"]).await.exits(0).json();
    let told = |one: &Value| {
        assert_eq!(one["severity"], "warning");
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        format!("{} {}:{} {}", text("code"), one["line"], one["column"], text("help"))
    };
    json["problems"].as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn tags_that_no_machine_had_are_told_once_there_was_an_inventory() {
    let stage = Stage::with(vec![tagged("a"), tagged("b")]).await.rules(TYPOS);
    assert_eq!(told(&stage).await, Vec::<String>::new());
    assert!(!stage.path("journal.db").exists(), "a check begins no journal");
    stage.once_exits(0).await;
    let expected = [
        "ZR107 4:22 did you mean `env`?",
        "ZR107 9:15 expected the key of a tag that machines have, in the same case",
    ];
    assert_eq!(told(&stage).await, expected);
    let seen = stage.run(&["check"]).await;
    seen.exits(0).says("no machine had a tag `evn` at the last inventory, 20").says("ok: ");
    let strict = stage.run(&["check", "--strict"]).await;
    strict.exits(2).says("warning[ZR107]").says("error: warnings are errors with `--strict`");
    assert_eq!(stage.once_exits(0).await.lines("code", "ZR107").len(), 2);

    assert!(stage.sandbox.edit("a", |machine| machine.set_tag("evn", "dev")));
    stage.once_exits(0).await;
    assert_eq!(told(&stage).await, expected[1..]);
}

#[tokio::test]
async fn an_inventory_that_is_rejected_or_empty_is_not_what_tags_are_held_against() {
    let stage = Stage::with(vec![tagged("a"), tagged("b")]).await.rules(TYPOS);
    stage.once_exits(0).await;
    let before = told(&stage).await;
    for id in ["a", "b"] {
        assert!(stage.sandbox.edit(id, |machine| {
            machine.remove_tag("env");
            machine.remove_tag("owner");
        }));
    }
    stage.once_exits(3).await;
    assert_eq!(told(&stage).await, before);
    stage.run(&["accept-inventory"]).await.exits(0);
    stage.once_exits(0).await;
    assert_eq!(
        told(&stage).await.len(),
        before.len() + 2,
        "now it is accepted, and nobody has env"
    );

    let empty = Stage::with(Vec::new()).await.rules(TYPOS);
    empty.once_exits(0).await;
    assert_eq!(told(&empty).await, Vec::<String>::new());
}

#[tokio::test]
async fn tags_are_not_told_where_an_account_is_not_known_or_the_journal_cannot_be_read() {
    let stage = Stage::with(vec![tagged("a")]).await.rules(TYPOS);
    stage.once_exits(0).await;
    assert_eq!(told(&stage).await.len(), 2);
    stage.sql("UPDATE tag_keys SET keys = NULL").await;
    assert_eq!(told(&stage).await, Vec::<String>::new(), "too many to remember");
    stage.sql("UPDATE tag_keys SET keys = '[]', account = 'other'").await;
    assert_eq!(told(&stage).await, Vec::<String>::new(), "another account's");
    std::fs::write(stage.path("journal.db"), "not a journal").unwrap();
    assert_eq!(told(&stage).await, Vec::<String>::new());
    assert_eq!(std::fs::read(stage.path("journal.db")).unwrap(), b"not a journal");
}

/// Writes runs into the journal that took so many seconds each.
async fn runs_took(stage: &Stage, seconds: &[i64]) {
    for (n, took) in seconds.iter().enumerate() {
        let ended = 1_000 * took;
        stage.sql(&format!("INSERT INTO runs (account, run, started_at, mode, version, rules_digest, config_digest, ended_at, result) VALUES ('main', 'r{n}', 0, 'enforce', '', '', '', {ended}, 'success')")).await;
    }
}

#[tokio::test]
async fn a_schedule_that_fires_more_often_than_a_run_takes_is_told() {
    let rules = "
rules:
  - name: often
    match: { zone: SEL-B }
    expire: { after: 9d }
    schedule: '*/2 * * * * *'
  - name: seldom
    match: { zone: SEL-C }
    expire: { after: 9d }
    schedule: '0 * * * *'
";
    let stage = Stage::with(Vec::new()).await.rules(rules).more("schedule: '*/5 * * * *'");
    stage.once_exits(0).await;
    stage.sql("DELETE FROM runs").await;
    runs_took(&stage, &[400, 400]).await;
    assert_eq!(told(&stage).await, Vec::<String>::new(), "two runs say nothing yet");
    stage.sql("DELETE FROM runs").await;
    runs_took(&stage, &[60, 60, 900, 60]).await;
    let seen = stage.run(&["check"]).await;
    seen.exits(0).says("warning[ZR108]: rules[0].schedule: ").says("runs took 1m of late");
    assert_eq!(told(&stage).await.len(), 1);
    stage.sql("UPDATE runs SET ended_at = 400000").await;
    let told = told(&stage).await;
    let places: Vec<_> = told.iter().map(|one| one.split(" expected").next().unwrap()).collect();
    assert_eq!(places, ["ZR108 6:1", "ZR108 6:5"]);
}

#[tokio::test]
async fn a_run_tells_each_warning_once_and_goes_on() {
    let stage = Stage::with(vec![tagged("a")]).await.rules(AT_ONCE);
    let lines = stage.once_exits(0).await.lines("code", "ZR106");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "WARN");
    assert!(lines[0]["message"].as_str().unwrap().contains("rules.yaml:1:9: rules[0]: "));
}

#[tokio::test]
async fn the_service_tells_warnings_when_it_loads_and_when_it_reloads() {
    let stage = Stage::with(vec![tagged("a")]).await.rules(AT_ONCE);
    let service = Service::on(stage, "* * * * * *").await;
    let success = r#"zenreaper_runs_total{account="main",result="success"}"#;
    service.metric(success, |runs| runs >= 2.0).await;
    service.stage.write_rules(
        "rules: [{ name: typo, match: { tags: { onwer: ana } }, expire: { after: 9d } }]",
    );
    service.running.signal("HUP");
    service.metric(r#"zenreaper_rule_matches{account="main",rule="typo"}"#, |_| true).await;
    service.metric(success, |runs| runs >= 3.0).await;
    let seen = service.ends_after("TERM").await;
    seen.exits(0);
    assert_eq!(seen.lines("code", "ZR106").len(), 1);
    let typo = seen.lines("code", "ZR107");
    assert_eq!(typo.len(), 1, "{}", seen.err);
    assert!(typo[0]["message"].as_str().unwrap().contains("no machine had a tag `onwer`"));
}
