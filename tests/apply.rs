//! A saved plan, applied: what is in it and still true, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{RULES, Seen, Stage, due, many_due};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use zenreaper::clock;

/// Saves the plan of a stage.
async fn save(stage: &Stage) {
    let file = stage.path("saved.json");
    stage.run(&["plan", "--out", file.to_str().unwrap()]).await.exits(0);
}

async fn apply(stage: &Stage) -> Seen {
    let file = stage.path("saved.json");
    stage.run(&["apply", file.to_str().unwrap()]).await
}

/// A stage whose plan is saved.
async fn saved(stage: Stage) -> Stage {
    save(&stage).await;
    stage
}

/// Changes the saved plan.
fn edit(stage: &Stage, change: impl FnOnce(&mut Value)) {
    let file = stage.path("saved.json");
    let mut plan: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    change(&mut plan);
    std::fs::write(file, plan.to_string()).unwrap();
}

/// A saved plan that is refused, for a reason.
async fn refused(stage: Stage, says: &str) {
    apply(&stage).await.exits(3).says("saved.json is refused").says(says);
    assert!(stage.terminated().is_empty(), "{says}");
    assert_eq!(stage.sandbox.calls().len(), 1, "only the plan asked the cloud");
}

#[tokio::test]
async fn exactly_what_is_saved_and_still_true_is_terminated() {
    let mut fleet = many_due(3);
    fleet.push(due("later").with("createTime", "2099-01-01T00:00:00Z"));
    let stage = saved(Stage::with(fleet).await).await;
    stage.sandbox.edit("i-0001", |one| one.set_tag("protected", "yes"));
    stage.sandbox.edit("later", |one| one.set("createTime", "2026-01-01T00:00:00Z"));
    stage.sandbox.add(&due("new"));
    stage.sandbox.remove("i-0002");

    let seen = apply(&stage).await;
    seen.exits(0).says("in the saved plan, and not terminated: it is now: skip (protected)");
    seen.says("in the saved plan, and not terminated: it is not there any more");
    assert_eq!(stage.terminated(), ["i-0000"]);
    let of = |reason: &str| {
        let lines = seen.lines("reason", reason);
        lines.iter().map(|line| line["instances"].as_u64().unwrap_or_default()).sum::<u64>()
    };
    assert_eq!((of("not_in_plan"), of("due"), of("protected")), (2, 1, 1));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 3, "an ordinary run takes what was not in the plan");
}

#[tokio::test]
async fn a_machine_that_another_rule_takes_now_is_not_what_was_saved() {
    let fleet = vec![due("a"), due("b").with_tag("env", "dev")];
    let rules = "
rules:
  - { name: dev, match: { tags: { env: dev } }, expire: { after: 1h } }
  - { name: old, match: { zone: HKG-A }, expire: { after: 1h } }
";
    let stage = saved(Stage::with(fleet).await.rules(rules)).await;
    stage.sandbox.edit("b", |one| one.set_tag("env", "test"));
    apply(&stage).await.exits(0).says("it is now: skip (not_in_plan), by the rule old");
    assert_eq!(stage.terminated(), ["a"]);
}

#[tokio::test]
async fn a_plan_of_other_rules_is_refused() {
    let stage = saved(Stage::with(many_due(2)).await).await;
    stage.write_rules(&format!("{RULES}\n# A word more.\n"));
    refused(stage, "it was made by other rules; make a new one").await;
}

#[tokio::test]
async fn a_plan_of_another_config_is_refused() {
    let stage = saved(Stage::with(many_due(2)).await).await;
    let stage = stage.limits("{ max_terminations: 9, max_percent: 100 }");
    refused(stage, "it was made by another config; make a new one").await;
    // Nor does a rehearsal become an act by a change of the mode.
    let stage = saved(Stage::with(many_due(2)).await.dry()).await;
    refused(stage.enforcing(), "it was made by another config").await;
}

#[tokio::test]
async fn a_plan_that_is_too_old_is_refused() {
    let stage = saved(Stage::with(many_due(2)).await.more("apply: { max_age: 1s }")).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    refused(stage, "and apply.max_age allows 1s; make a new one").await;

    let stage = saved(Stage::with(many_due(2)).await).await;
    // What counts is when the inventory was read.
    let earlier = clock::now() - SignedDuration::from_mins(61);
    edit(&stage, |plan| {
        plan["accounts"][0]["inventory"]["read_at"] = earlier.to_string().into();
    });
    refused(stage, "its inventory is 1h 1m").await;
}

#[tokio::test]
async fn a_plan_of_the_future_is_refused() {
    let stage = saved(Stage::with(many_due(2)).await).await;
    let later: Timestamp = clock::now() + SignedDuration::from_hours(1);
    edit(&stage, |plan| {
        plan["generated_at"] = later.to_string().into();
        plan["accounts"][0]["inventory"]["read_at"] = later.to_string().into();
    });
    refused(stage, "it was made in the future; check the clock").await;
}

#[tokio::test]
async fn what_is_no_plan_is_refused() {
    let stage = saved(Stage::with(many_due(2)).await).await;
    let file = stage.path("saved.json");
    let whole = std::fs::read(&file).unwrap();
    let plain = stage.run(&["plan", "-o", "json"]).await.exits(0).out.clone();
    let calls = stage.sandbox.calls().len();
    let nested = "[".repeat(1_000_000);
    let in_a_field = format!("{{\"accounts\": {}", "{\"accounts\": [".repeat(100_000));
    let texts: [&[u8]; 8] = [
        b"",
        b"rules: []",
        b"{}",
        b"\xff\xfe",
        &whole[..whole.len() / 2],
        nested.as_bytes(),
        in_a_field.as_bytes(),
        // A plan that was only shown does not say by which rules it was made.
        plain.as_bytes(),
    ];
    for text in texts {
        std::fs::write(&file, text).unwrap();
        apply(&stage).await.exits(1).says("saved.json is not a plan of `zenreaper plan --out`");
    }
    std::fs::remove_file(&file).unwrap();
    apply(&stage).await.exits(1).says("saved.json");
    assert!(stage.terminated().is_empty());
    assert_eq!(stage.sandbox.calls().len(), calls);
}

#[tokio::test]
async fn a_plan_with_machines_that_are_not_due_terminates_none_of_them() {
    let mut fleet = many_due(1);
    fleet.push(due("kept").with_tag("protected", "yes"));
    fleet.push(due("young").with("createTime", "2099-01-01T00:00:00Z"));
    let stage = saved(Stage::with(fleet).await).await;
    edit(&stage, |plan| {
        for decision in plan["accounts"][0]["decisions"].as_array_mut().unwrap() {
            decision["decision"] = "terminate".into();
            decision["rule"] = "old".into();
        }
    });
    apply(&stage).await.exits(0);
    assert_eq!(stage.terminated(), ["i-0000"], "a plan allows; it does not order");
}

#[tokio::test]
async fn a_dry_run_rehearses_a_plan() {
    let stage = saved(Stage::with(many_due(2)).await.dry()).await;
    let seen = apply(&stage).await;
    seen.exits(0);
    assert_eq!(seen.err.matches("would be terminated (dry-run)").count(), 2);
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn the_guards_hold_for_a_plan_too() {
    let stage = Stage::with(many_due(2)).await.limits("{ max_terminations: 1, max_percent: 100 }");
    let stage = saved(stage).await;
    apply(&stage).await.exits(3).says("limits.max_terminations: 1 allows 1");
    assert!(stage.terminated().is_empty());

    let stage = saved(Stage::with(many_due(2)).await).await;
    stage.run(&["pause", "--reason", "an incident"]).await.exits(0);
    apply(&stage).await.exits(0).says("an incident");
    stage.run(&["resume"]).await.exits(0);
    stage.run(&["hold", "i-0000", "--for", "1d", "--reason", "mine"]).await.exits(0);
    apply(&stage).await.exits(0).says("it is now: skip (held)");
    assert_eq!(stage.terminated(), ["i-0001"]);
    apply(&stage).await.exits(0);
    assert_eq!(stage.terminated(), ["i-0001"], "applied twice, terminated once");
}

#[tokio::test]
async fn a_small_plan_is_not_refused_for_what_else_is_due() {
    let stage = Stage::with(many_due(2)).await.limits("{ max_terminations: 2, max_percent: 100 }");
    let stage = saved(stage).await;
    stage.sandbox.add(&due("new"));
    apply(&stage).await.exits(0);
    assert_eq!(stage.terminated(), ["i-0000", "i-0001"]);
}

#[tokio::test]
async fn no_plan_is_saved_of_an_inventory_that_is_not_complete() {
    let stage = Stage::with(many_due(2)).await.fault("total-count=1");
    let file = stage.path("saved.json");
    std::fs::write(&file, "the plan of yesterday").unwrap();
    let seen = stage.run(&["plan", "--out", file.to_str().unwrap()]).await;
    seen.exits(1).says("the plan is not saved: the account main has no complete inventory");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "the plan of yesterday");
}

#[tokio::test]
async fn a_plan_that_does_not_say_what_it_terminates_is_an_error() {
    type Change = fn(&mut Value);
    let table: [(Change, i32, &str); 9] = [
        (|plan| plan["accounts"][0]["account"] = "nope".into(), 2, "`nope` is not an account"),
        (|plan| plan["accounts"][0]["account"] = "Main".into(), 2, "`Main` is not an account"),
        (
            |plan| {
                let mut other = plan["accounts"][0].clone();
                other["account"] = "nope".into();
                plan["accounts"].as_array_mut().unwrap().push(other);
            },
            2,
            "`nope` is not an account; --account names one of main",
        ),
        (|plan| plan["accounts"] = Value::Array(Vec::new()), 2, "it has no account"),
        (
            |plan| {
                let same = plan["accounts"][0].clone();
                plan["accounts"].as_array_mut().unwrap().push(same);
            },
            1,
            "the account `main` is in it twice",
        ),
        (|plan| plan["accounts"][0]["decisions"][0]["rule"] = Value::Null, 1, "no rule terminates"),
        (
            |plan| plan["accounts"][0]["decisions"][0]["rule"] = "No Rule".into(),
            1,
            "no rule terminates",
        ),
        (
            |plan| plan["accounts"][0]["decisions"][0]["decision"] = "Terminate".into(),
            1,
            "is no decision",
        ),
        (
            |plan| {
                let decisions = plan["accounts"][0]["decisions"].as_array_mut().unwrap();
                decisions[1] = decisions[0].clone();
            },
            1,
            "is in it twice",
        ),
    ];
    for (change, code, says) in table {
        let stage = saved(Stage::with(many_due(2)).await).await;
        edit(&stage, change);
        apply(&stage).await.exits(code).says(says);
        assert!(stage.terminated().is_empty(), "{says}");
        assert_eq!(stage.sandbox.calls().len(), 1, "only the plan asked the cloud");
    }
}

#[tokio::test]
async fn only_the_accounts_of_a_plan_are_applied() {
    let stage = Stage::with(many_due(1)).await;
    let second = "http://127.0.0.1:1";
    let stage =
        stage.account(&format!("max_in_flight: 2 }}\n  - {{ name: other, endpoint: \"{second}\""));
    let file = stage.path("saved.json");
    let args = ["plan", "--account", "main", "--out", file.to_str().unwrap()];
    stage.run(&args).await.exits(0);
    let seen = apply(&stage).await;
    seen.exits(0);
    assert!(seen.lines("account", "other").is_empty(), "{}", seen.err);
    assert_eq!(stage.terminated(), ["i-0000"]);
}
