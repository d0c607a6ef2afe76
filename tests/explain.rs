//! Why a machine lives or dies, as `explain` tells it, end to end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Seen, Stage, due};
use serde_json::json;
use zenreaper::sandbox::{Action, Machine};

/// The instant that everything is judged at.
const AT: &str = "2026-11-05T12:00:00Z";

const RULES: &str = "
rules:
  - name: by-ttl
    description: What says how long it lives.
    match: { tags: { env: [dev, test] }, zone: HKG-A }
    unless: [{ tags: { keep: '*' } }, { all: [{ type: M6C }, { age: '< 1h' }] }]
    expire: { tag: ttl, default: 24h, max: 7d }
  - name: told-first
    match: { tags: { env: stage } }
    expire: { after: 30d }
    notice: 48h
    schedule: '0 22 * * *'
  - name: off
    enabled: false
    match: { zone: SEL-A }
";

fn dev(id: &str) -> Machine {
    due(id).with_tag("env", "dev").with("createTime", "2026-11-01T00:00:00Z")
}

fn fleet() -> Vec<Machine> {
    vec![
        dev("doomed"),
        dev("waits").with_tag("ttl", "6d"),
        dev("excepted").with_tag("keep", "a demo"),
        dev("zoneless").with("zoneId", serde_json::Value::Null),
        dev("odd-ttl").with_tag("ttl", "3 dayz"),
        dev("protected").with_tag("protected", "yes"),
        dev("subscribed").with("instanceChargeType", "PREPAID"),
        dev("staged").with_tag("env", "stage"),
        dev("broken").with("instanceName", 5),
        dev("twin-1").with("instanceName", "twin"),
        dev("twin-2").with("instanceName", "twin"),
    ]
}

async fn stage() -> Stage {
    Stage::with(fleet()).await.rules(RULES)
}

/// A text without the folder of its stage.
fn read_here(stage: &Stage, text: &str) -> String {
    text.replace(stage.path("rules.yaml").to_str().unwrap(), "rules.yaml")
}

async fn explained(stage: &Stage, args: &[&str]) -> Seen {
    stage.run(&[&["explain", "--at", AT], args].concat()).await
}

#[tokio::test]
async fn each_machine_has_its_one_sentence_and_what_led_to_it() {
    let stage = stage().await;
    for id in
        ["doomed", "waits", "excepted", "zoneless", "odd-ttl", "protected", "subscribed", "staged"]
    {
        let seen = explained(&stage, &[id]).await;
        let golden = format!("./fixtures/explain/{id}.txt");
        expect_test::expect_file![golden].assert_eq(&read_here(&stage, &seen.exits(0).out));
    }
    assert_eq!(stage.sandbox.calls().len(), stage.calls_of(Action::DescribeInstances).len());
}

#[tokio::test]
async fn json_tells_the_same_for_programs() {
    let stage = stage().await;
    let seen = explained(&stage, &["waits", "-o", "json"]).await;
    let json = seen.exits(0).json();
    assert_eq!(json["decision"], "wait");
    expect_test::expect_file!["./fixtures/explain/waits.json"]
        .assert_eq(&read_here(&stage, &seen.out));
}

#[tokio::test]
async fn what_is_explained_is_what_a_plan_decides() {
    let stage = stage().await;
    let plan = stage.run(&["plan", "-o", "json"]).await.exits(0).json();
    for decision in plan["accounts"][0]["decisions"].as_array().unwrap() {
        let id = decision["instance_id"].as_str().unwrap();
        let told = stage.run(&["explain", id, "-o", "json"]).await.exits(0).json();
        for key in ["decision", "reason", "rule"] {
            assert_eq!(told[key], decision[key], "{key} of {id}");
        }
    }
}

#[tokio::test]
async fn what_an_operator_said_is_told() {
    let stage = stage().await;
    stage.run(&["hold", "doomed", "--for", "7d", "--reason", "a demo"]).await.exits(0);
    stage.run(&["pause", "--reason", "a move"]).await.exits(0);
    let held = stage.run(&["explain", "doomed"]).await;
    held.exits(0).says("It stays: an operator keeps it until ").says("may be touched: no, held");
    let other = stage.run(&["explain", "subscribed"]).await;
    other.exits(0).says("paused since ").says(": a move");
    let paused = stage.run(&["explain", "--name", "name-of-waits"]).await;
    paused.exits(0).says("but not as long as terminations are paused.");
}

#[tokio::test]
async fn a_refused_plan_and_a_dry_run_stand_in_the_way() {
    let stage = stage().await.limits("{ max_terminations: 1 }").dry();
    explained(&stage, &["doomed"])
        .await
        .exits(0)
        .says("but not as long as max_terminations refuses the plan of this run and the mode is dry-run.")
        .says("plan of this run: REFUSED: ");
}

#[tokio::test]
async fn a_machine_that_is_not_there_is_told_with_the_nearest() {
    let stage = stage().await;
    for (args, expected) in [
        (&["domed"][..], "no machine in main has the id `domed`; did you mean the id `doomed`?"),
        (&["twin"], "did you mean `--name twin`?"),
        (&["--name", "doomed"], "did you mean the id `doomed`?"),
        (&["--name", "name-of-doomd"], "did you mean `--name name-of-doomed`?"),
        (&["zzzzzzzzzzzz"], "has the id `zzzzzzzzzzzz`; see `zenreaper inventory`"),
    ] {
        let seen = explained(&stage, args).await;
        seen.exits(1).says(expected);
        assert_eq!(seen.out, "");
    }
}

#[tokio::test]
async fn of_several_machines_of_a_name_one_is_asked_for() {
    let stage = stage().await;
    let seen = explained(&stage, &["--name", "twin"]).await;
    seen.exits(2).says("2 machines have the name `twin`; explain one of them by its id:");
    seen.says("\n  twin-1 in main").says("\n  twin-2 in main");
    explained(&stage, &["--name", "name-of-doomed"]).await.exits(0).says("doomed (name-of-doomed)");
    explained(&stage, &[]).await.exits(2);
    explained(&stage, &["doomed", "--name", "twin"]).await.exits(2);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_says_what_is_wrong() {
    let stage = stage().await;
    let seen = explained(&stage, &["broken"]).await;
    seen.exits(0).says("It stays: its record cannot be read: ").says("invalid type: integer `5`");
    let json = explained(&stage, &["broken", "-o", "json"]).await.exits(0).json();
    assert_eq!((&json["decision"], &json["reason"]), (&json!("keep"), &json!("unreadable")));
}

#[tokio::test]
async fn a_saved_inventory_is_explained_without_a_call() {
    let stage = stage().await;
    let file = stage.path("fleet.json");
    let file = file.to_str().unwrap();
    stage.run(&["inventory", "--out", file]).await.exits(0);
    let live = explained(&stage, &["waits"]).await;
    let calls = stage.sandbox.calls().len();
    let saved = explained(&stage, &["waits", "--inventory", file]).await;
    saved.exits(0).says("not about what there is now");
    assert_eq!(saved.out, live.out);
    assert_eq!(stage.sandbox.calls().len(), calls);
}

#[tokio::test]
async fn without_a_whole_inventory_nothing_is_explained() {
    let stage = stage().await.fault("total-count=1");
    let seen = explained(&stage, &["doomed"]).await;
    seen.exits(1).says("account main: the inventory is incomplete");
    assert_eq!(seen.out, "");
}
