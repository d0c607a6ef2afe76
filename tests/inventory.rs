//! What there is, shown, saved and read back, end to end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use common::{RULES, Seen, Stage, due};
use serde_json::{Value, json};
use zenreaper::sandbox::{Action, Machine};

fn four() -> Vec<Machine> {
    vec![
        due("young").with("createTime", "2099-01-01T00:00:00Z"),
        due("due").with_tag("env", "dev").with("novel", json!({ "deep": [1, null, 1.5] })),
        due("odd").with("instanceName", 5),
        due("elsewhere").with("zoneId", "SEL-A").with("instanceStatus", "STOPPED"),
    ]
}

/// Saves the inventory of a stage.
async fn saved(stage: &Stage) -> PathBuf {
    let file = stage.path("fleet.json");
    stage.run(&["inventory", "--out", file.to_str().unwrap()]).await.exits(0);
    file
}

/// A command of a stage, without any credentials.
fn nobody(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(args);
    command.env_remove("ZENLAYER_ACCESS_KEY_ID").env_remove("ZENLAYER_ACCESS_KEY_SECRET");
    command
}

/// The plan of an inventory that lies in a file.
async fn plan_of(stage: &Stage, file: &str) -> Seen {
    stage.run_command(nobody(stage, &["plan", "-o", "json", "--inventory", file])).await
}

#[tokio::test]
async fn a_table_shows_every_machine_and_how_many_there_are() {
    let stage = Stage::with(four()).await;
    let seen = stage.run(&["inventory"]).await;
    seen.exits(0).says("INSTANCE   NAME").says("env=dev").says("odd cannot be read: ");
    let last = seen.out.lines().last().unwrap();
    assert_eq!(last, "account main: 4 instances (2 RUNNING, 1 STOPPED, 1 that cannot be read)");
    assert!(seen.err.is_empty(), "no progress line where nobody looks: {}", seen.err);
    assert_eq!(stage.sandbox.calls().len(), stage.calls_of(Action::DescribeInstances).len());
}

#[tokio::test]
async fn json_is_what_the_api_said_in_the_order_of_the_ids() {
    let stage = Stage::with(four()).await;
    let seen = stage.run(&["inventory", "-o", "json"]).await;
    let json = seen.exits(0).json();
    assert_eq!(json["totalCount"], 4);
    let told = json["dataSet"].as_array().unwrap();
    let ids: Vec<_> = told.iter().map(|one| one["instanceId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["due", "elsewhere", "odd", "young"]);
    assert_eq!(told[0]["novel"], json!({ "deep": [1, null, 1.5] }));
    assert_eq!(told[2]["instanceName"], 5, "what cannot be read is kept too");
    assert_eq!(seen.out.lines().count(), 4 + 2, "one machine a line");
}

#[tokio::test]
async fn a_saved_inventory_is_planned_like_the_live_one_without_credentials_or_calls() {
    let stage = Stage::with(four()).await;
    let file = saved(&stage).await;
    let live = stage.run(&["plan", "-o", "json"]).await;
    let calls = stage.sandbox.calls().len();
    let from_file = plan_of(&stage, file.to_str().unwrap()).await;
    let of = |seen: &Seen| {
        let mut plan = seen.exits(0).json();
        assert!(plan["generated_at"].take().is_string());
        plan
    };
    assert_eq!(of(&from_file), of(&live));
    let decisions = &of(&from_file)["accounts"][0]["decisions"];
    assert_eq!(decisions[0]["decision"], "terminate");
    assert_eq!(decisions[2]["reason"], "unreadable", "{decisions}");
    from_file.says("not about what there is now");
    assert_eq!(stage.sandbox.calls().len(), calls);
}

#[tokio::test]
async fn what_operators_said_holds_for_a_saved_inventory_too() {
    let stage = Stage::with(four()).await;
    let file = saved(&stage).await;
    stage.run(&["hold", "due", "--for", "7d", "--reason", "a demo"]).await.exits(0);
    let seen = plan_of(&stage, file.to_str().unwrap()).await;
    assert_eq!(seen.exits(0).json()["accounts"][0]["decisions"][0]["reason"], "held");
}

#[tokio::test]
async fn a_saved_inventory_is_for_its_owner_alone_and_replaces_the_one_before() {
    let stage = Stage::with(four()).await;
    let file = stage.path("fleet.json");
    std::fs::write(&file, "before").unwrap();
    std::fs::write(stage.path("fleet.tmp"), "half of one, open to all").unwrap();
    saved(&stage).await;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!stage.path("fleet.tmp").exists());
    plan_of(&stage, file.to_str().unwrap()).await.exits(0);
}

#[tokio::test]
async fn an_incomplete_inventory_saves_nothing() {
    for fault in ["total-count=1", "duplicate", "cut-off", "challenge"] {
        let stage = Stage::with(four()).await.fault(fault);
        let file = stage.path("fleet.json");
        let seen = stage.run(&["inventory", "--out", file.to_str().unwrap()]).await;
        seen.exits(1).says("the inventory is incomplete").says("nothing is saved");
        assert!(!file.exists(), "{fault}");
        let seen = stage.run(&["inventory", "-o", "json"]).await;
        assert_eq!((seen.code, seen.out.as_str()), (1, ""), "{fault}");
    }
}

#[tokio::test]
async fn a_listing_that_is_read_afresh_keeps_nothing_of_the_one_before() {
    let stage = Stage::with(four()).await.fault("duplicate,times=1");
    let json = stage.run(&["inventory", "-o", "json"]).await.exits(0).json();
    assert_eq!((&json["totalCount"], json["dataSet"].as_array().unwrap().len()), (&json!(4), 4));
    assert_eq!(stage.calls_of(Action::DescribeInstances).len(), 2);
}

#[tokio::test]
async fn thousands_of_machines_over_several_pages_survive_the_round_trip() {
    let machine = |n| match n % 1000 {
        7 => due(&format!("i-{n:04}")).with("tags", "odd"),
        _ => due(&format!("i-{n:04}")),
    };
    let stage = Stage::with((0..3500).rev().map(machine).collect()).await;
    let file = saved(&stage).await;
    assert_eq!(stage.calls_of(Action::DescribeInstances).len(), 4);
    let json: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let ids: Vec<_> =
        json["dataSet"].as_array().unwrap().iter().map(|one| &one["instanceId"]).collect();
    assert_eq!(ids.len(), 3500);
    assert!(ids.is_sorted_by_key(|id| id.as_str()));
    let plan = plan_of(&stage, file.to_str().unwrap()).await;
    let plan = plan.exits(0).json();
    let account = &plan["accounts"][0];
    assert_eq!(account["inventory"], json!({ "instances": 3500, "complete": true }));
    let count = |reason| {
        let decisions = account["decisions"].as_array().unwrap();
        decisions.iter().filter(|one| one["reason"] == reason).count()
    };
    assert_eq!((count("due"), count("unreadable")), (3496, 4));
}

#[tokio::test]
async fn a_file_that_is_no_whole_inventory_is_refused_with_the_reason() {
    let stage = Stage::with(Vec::new()).await;
    let one = r#"{"instanceId":"i"}"#;
    for (text, expected) in [
        (format!(r#"{{"totalCount":1,"dataSet":[{one}"#), "it is not JSON"),
        ("instances: none".to_owned(), "it is not JSON"),
        (format!("[{one}]"), "it is no listing"),
        (format!(r#"{{"totalCount":2,"dataSet":[{one}]}}"#), "promises 2 instances and holds 1"),
        (format!(r#"{{"totalCount":2,"dataSet":[{one},{one}]}}"#), "instance i is listed twice"),
        (r#"{"requestId":"r","code":"AUTHFAILURE","message":"no"}"#.to_owned(), "AUTHFAILURE"),
    ] {
        let file = stage.path("odd.json");
        std::fs::write(&file, &text).unwrap();
        let seen = plan_of(&stage, file.to_str().unwrap()).await;
        seen.exits(1).says("odd.json cannot be used: ").says(expected);
        assert_eq!(seen.out, "", "{text}");
    }
    plan_of(&stage, "nowhere.json").await.exits(1).says("nowhere.json").says("No such file");
}

#[tokio::test]
async fn an_answer_in_its_envelope_is_an_inventory_too() {
    let stage = Stage::with(Vec::new()).await;
    let fleet = serde_json::to_string(&four()).unwrap();
    let file = stage.path("answer.json");
    let text = format!(
        r#"{{"requestId":"r","response":{{"requestId":"r","totalCount":4,"dataSet":{fleet}}}}}"#
    );
    std::fs::write(&file, text).unwrap();
    let plan = plan_of(&stage, file.to_str().unwrap()).await;
    assert_eq!(plan.exits(0).json()["accounts"][0]["decisions"][0]["decision"], "terminate");
}

#[tokio::test]
async fn a_plan_of_a_saved_inventory_is_not_saved_to_be_applied() {
    let stage = Stage::with(four()).await;
    let file = saved(&stage).await;
    let seen = stage.run(&["plan", "--out", "p.json", "--inventory", file.to_str().unwrap()]).await;
    seen.exits(2).says("cannot be used with");
}

#[tokio::test]
async fn of_several_accounts_one_is_named() {
    let stage = Stage::with(four()).await;
    let second = format!(
        "rate: {{ describe: 1000/s }} }}\n  - {{ name: other, endpoint: \"{}\"",
        stage.sandbox.endpoint()
    );
    let stage = stage.account(&second);
    let file = stage.path("fleet.json");
    let file = file.to_str().unwrap();
    let both = stage.run(&["inventory"]).await;
    both.exits(0).says("account main: 4 instances").says("account other: 4 instances");
    for args in [&["inventory", "--out", file][..], &["inventory", "-o", "json"]] {
        stage.run(args).await.exits(2).says("--account names one of main, other");
    }
    stage
        .run(&["inventory", "--account", "third"])
        .await
        .exits(2)
        .says("`third` is not an account");
    stage.run(&["inventory", "--account", "other", "--out", file]).await.exits(0);
    plan_of(&stage, file).await.exits(2).says("--account names one of main, other");
    let accounts = async |args: &[&str]| {
        let plan = stage.run(&[&["plan", "-o", "json"], args].concat()).await.exits(0).json();
        let accounts = plan["accounts"].as_array().unwrap().clone();
        accounts.into_iter().map(|one| one["account"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(accounts(&["--account", "other", "--inventory", file]).await, ["other"]);
    assert_eq!(accounts(&["--account", "other"]).await, ["other"]);
    assert_eq!(accounts(&[]).await, ["main", "other"]);
}

#[tokio::test]
async fn wrong_rules_are_no_reason_not_to_see_what_there_is() {
    let stage = Stage::with(four()).await.rules(&RULES.replace("match", "mach"));
    stage.run(&["inventory"]).await.exits(0).says("4 instances");
    stage.run(&["plan"]).await.exits(2);
}
