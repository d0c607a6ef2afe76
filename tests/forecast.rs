//! What will go when, and what other rules would change, end to end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{RULES, Seen, Stage, due};
use expect_test::expect;
use serde_json::{Value, json};
use zenreaper::sandbox::{Action, Machine};

/// When everything here is asked about.
const AT: &str = "2026-11-24T09:07:00Z";

/// A machine that was created then.
fn created(id: &str, at: &str) -> Machine {
    due(id).with("createTime", at)
}

fn three() -> Vec<Machine> {
    vec![
        created("i-1", "2026-11-23T09:00:00Z"),
        created("i-2", "2026-11-22T20:00:00Z"),
        created("i-3", "2026-11-24T09:00:00Z").with_tag("keep", "yes"),
    ]
}

const AFTER: &str = "
rules:
  - name: after
    match: { zone: HKG-A }
    unless: [{ tags: { keep: '*' } }]
    expire: { after: 48h }
";

const NOTICED: &str = "
rules:
  - name: noticed
    match: { zone: HKG-A }
    unless: [{ tags: { keep: '*' } }]
    expire: { after: 48h }
    notice: 12h
";

const NIGHTLY: &str = "
rules:
  - name: nightly
    match: { zone: HKG-A }
    unless: [{ tags: { keep: '*' } }]
    schedule: '0 22 * * *'
    timezone: Asia/Shanghai
";

async fn forecast(stage: &Stage, args: &[&str]) -> Seen {
    stage.run(&[&["forecast", "--at", AT], args].concat()).await
}

/// The events of the only account, of which each has these fields.
fn events(seen: &Seen, fields: &[&str]) -> Value {
    let json = seen.exits(0).json();
    let events = json["accounts"][0]["events"].as_array().unwrap();
    let picked =
        events.iter().map(|event| fields.iter().map(|field| event[field].clone()).collect());
    picked.collect::<Vec<Value>>().into()
}

#[tokio::test]
async fn a_forecast_says_what_goes_when_by_which_rule_and_what_is_left() {
    let stage = Stage::with(three()).await.rules(AFTER);
    let seen = forecast(&stage, &["--days", "2"]).await;
    expect![[r#"
        account main: 3 instances, 2 days from 2026-11-24T09:07:00Z

        WHEN                          WHAT        INSTANCE  NAME         RULE
        2026-11-24T20:00:00Z  in 10h  terminated  i-2       name-of-i-2  after
        2026-11-25T09:00:00Z  in 23h  terminated  i-1       name-of-i-1  after

        RULE       TOLD  TERMINATED
        after      0     2
        all rules  0     2

        Left on 2026-11-26T09:07:00Z: 1: 1 keep (excepted).

        Assumed: every call is accepted, every notice arrives, nobody changes, keeps or creates a machine, and the service runs all the time.
    "#]].assert_eq(&seen.exits(0).out);
    assert!(stage.terminated().is_empty());
    assert_eq!(stage.sandbox.calls().len(), stage.calls_of(Action::DescribeInstances).len());
}

#[tokio::test]
async fn what_a_rule_also_releases_is_shown_as_released_and_counted_as_both() {
    let second =
        "  - { name: bin, match: { zone: SEL-A }, expire: { after: 48h }, action: release }";
    let mut machines = three();
    machines.push(created("i-4", "2026-11-22T20:00:00Z").with("zoneId", "SEL-A"));
    let stage = Stage::with(machines).await.rules(&format!("{AFTER}{second}\n"));
    let stage = stage.more("allow_release: true");
    let seen = forecast(&stage, &["--days", "2", "--chart"]).await;
    expect![[r#"
        account main: 4 instances, 2 days from 2026-11-24T09:07:00Z

        WHEN                          WHAT        INSTANCE  NAME         RULE
        2026-11-24T20:00:00Z  in 10h  terminated  i-2       name-of-i-2  after
        2026-11-24T20:00:00Z  in 10h  released    i-4       name-of-i-4  bin
        2026-11-25T09:00:00Z  in 23h  terminated  i-1       name-of-i-1  after

        DAY         TOLD  TERMINATED
        2026-11-24  0     2           ████████████████████████████████████████  1 released
        2026-11-25  0     1           ████████████████████

        RULE       TOLD  TERMINATED
        after      0     2
        bin        0     1           1 released
        all rules  0     3           1 released

        Left on 2026-11-26T09:07:00Z: 1: 1 keep (excepted).

        Assumed: every call is accepted, every notice arrives, nobody changes, keeps or creates a machine, and the service runs all the time.
    "#]].assert_eq(&seen.exits(0).out);
    let seen = forecast(&stage, &["--days", "2", "-o", "json"]).await;
    let fields = ["kind", "instance_id", "released"];
    assert_eq!(
        events(&seen, &fields),
        json!([["terminate", "i-2", null], ["terminate", "i-4", true], ["terminate", "i-1", null]])
    );
    let account = &seen.json()["accounts"][0];
    let bin = json!({ "rule": "bin", "noticed": 0, "terminated": 1, "released": 1 });
    assert_eq!(account["by_rule"][1], bin);
    let day = json!({ "day": "2026-11-24", "noticed": 0, "terminated": 2, "released": 1 });
    assert_eq!(account["by_day"][0], day);
}

#[tokio::test]
async fn it_looks_no_further_than_it_is_asked_to() {
    let stage = Stage::with(three()).await.rules(AFTER);
    let seen = forecast(&stage, &["--days", "1", "-o", "json"]).await;
    assert_eq!(events(&seen, &["instance_id"]), json!([["i-2"], ["i-1"]]));
    stage.write_rules(&AFTER.replace("48h", "71h"));
    let seen = forecast(&stage, &["--days", "1", "-o", "json"]).await;
    assert_eq!(events(&seen, &["instance_id"]), json!([]));
    let stage = Stage::with(Vec::new()).await;
    forecast(&stage, &[]).await.exits(0).says("Nothing goes in that time").says("Left on");
    for days in ["0", "367", "-1", "many"] {
        forecast(&stage, &[&format!("--days={days}")]).await.exits(2);
    }
    let wrong = stage.run(&["forecast", "--at", "2026-11-24"]).await;
    wrong.exits(2).says("expected a timestamp with its offset");
}

#[tokio::test]
async fn the_owner_is_told_before_and_both_are_in_the_json() {
    let stage = Stage::with(three().split_off(1)).await.rules(NOTICED);
    let seen = forecast(&stage, &["-o", "json", "--days", "3"]).await;
    expect![[r#"
        {
          "generated_at": "2026-11-24T09:07:00Z",
          "days": 3,
          "accounts": [
            {
              "account": "main",
              "error": null,
              "until": "2026-11-27T09:07:00Z",
              "runs": 288,
              "events": [
                {
                  "at": "2026-11-24T09:15:00Z",
                  "kind": "notice",
                  "instance_id": "i-2",
                  "name": "name-of-i-2",
                  "rule": "noticed",
                  "reason": "to_tell",
                  "terminate_at": "2026-11-24T21:15:00Z"
                },
                {
                  "at": "2026-11-24T21:15:00Z",
                  "kind": "terminate",
                  "instance_id": "i-2",
                  "name": "name-of-i-2",
                  "rule": "noticed",
                  "reason": "due",
                  "told_at": "2026-11-24T09:15:00Z"
                }
              ],
              "by_rule": [
                {
                  "rule": "noticed",
                  "noticed": 1,
                  "terminated": 1,
                  "released": 0
                }
              ],
              "by_day": [
                {
                  "day": "2026-11-24",
                  "noticed": 1,
                  "terminated": 1,
                  "released": 0
                }
              ],
              "remaining": [
                {
                  "decision": "keep",
                  "reason": "excepted",
                  "count": 1
                }
              ]
            }
          ]
        }
    "#]]
    .assert_eq(&seen.exits(0).out);
}

#[tokio::test]
async fn a_cap_refuses_until_there_is_less_to_do_than_it_allows() {
    let stage =
        Stage::with(three()).await.rules(AFTER).limits("{ max_percent: 100, max_per_day: 1 }");
    let seen = forecast(&stage, &["--days", "4"]).await;
    expect![[r#"
        account main: 3 instances, 4 days from 2026-11-24T09:07:00Z

        WHEN                          WHAT        INSTANCE  NAME         RULE
        2026-11-24T20:00:00Z  in 10h  terminated  i-2       name-of-i-2  after
        2026-11-25T20:15:00Z  in 35h  terminated  i-1       name-of-i-1  after

        RULE       TOLD  TERMINATED
        after      0     2
        all rules  0     2

        REFUSED by max_per_day: 2026-11-25T09:00:00Z to 2026-11-25T20:00:00Z, 45 runs: the plan is refused whole: it would terminate 1 machine after 1 in the last 24 hours, and limits.max_per_day allows 1; see `zenreaper history --since 24h`, and if it is right, raise the limit
        Left on 2026-11-28T09:07:00Z: 1: 1 keep (excepted).

        Assumed: every call is accepted, every notice arrives, nobody changes, keeps or creates a machine, and the service runs all the time.
    "#]].assert_eq(&seen.exits(0).out);
    let never = Stage::with(three()).await.rules(AFTER).limits("{ max_terminations: 0 }");
    let json = forecast(&never, &["--days", "4", "-o", "json"]).await;
    assert_eq!(
        events(&json, &["kind", "guard", "at", "until", "runs"]),
        json!([[
            "refuse",
            "max_terminations",
            "2026-11-24T20:00:00Z",
            "2026-11-28T09:00:00Z",
            341
        ]])
    );
}

#[tokio::test]
async fn a_rule_with_a_schedule_acts_when_that_fires_and_no_sooner() {
    let stage = Stage::with(three()).await.rules(NIGHTLY);
    let seen = forecast(&stage, &["-o", "json"]).await;
    assert_eq!(
        events(&seen, &["kind", "at", "instance_id"]),
        json!([
            ["terminate", "2026-11-24T14:00:00Z", "i-1"],
            ["terminate", "2026-11-24T14:00:00.001Z", "i-2"]
        ])
    );
}

#[tokio::test]
async fn many_machines_are_counted_by_day_unless_all_are_wanted_and_drawn_if_asked_for() {
    let of = |day: u32, count: u32| {
        (0..count).map(move |n| {
            created(&format!("i-{day}-{n:03}"), &format!("2026-11-{day}T12:{:02}:00Z", n % 60))
        })
    };
    let machines = of(23, 40).chain(of(24, 5)).chain(of(26, 20)).collect();
    let stage = Stage::with(machines).await.rules(AFTER);
    let short = forecast(&stage, &["--chart"]).await;
    expect![[r#"
        account main: 65 instances, 30 days from 2026-11-24T09:07:00Z

        65 events, by day; `--all` shows every machine.

        DAY         TOLD  TERMINATED
        2026-11-25  0     40          ████████████████████████████████████████
        2026-11-26  0     5           █████
        2026-11-27  0     0
        2026-11-28  0     20          ████████████████████

        RULE       TOLD  TERMINATED
        after      0     65
        all rules  0     65

        Left on 2026-12-24T09:07:00Z: 0.

        Assumed: every call is accepted, every notice arrives, nobody changes, keeps or creates a machine, and the service runs all the time.
    "#]].assert_eq(&short.exits(0).out);
    let plain = forecast(&stage, &[]).await;
    assert!(!plain.exits(0).out.contains('█'), "{}", plain.out);
    assert!(!plain.out.contains("i-23-000"), "{}", plain.out);
    let all = forecast(&stage, &["--all"]).await;
    assert_eq!(all.exits(0).out.matches("terminated  i-2").count(), 65, "{}", all.out);
}

#[tokio::test]
async fn a_saved_inventory_is_forecast_without_credentials_or_calls() {
    let stage = Stage::with(three()).await.rules(AFTER);
    let file = stage.path("fleet.json");
    let file = file.to_str().unwrap();
    stage.run(&["inventory", "--out", file]).await.exits(0);
    let live = forecast(&stage, &["-o", "json"]).await;
    let calls = stage.sandbox.calls().len();
    let mut command = stage.command(&["forecast", "--at", AT, "-o", "json", "--inventory", file]);
    command.env_remove("ZENLAYER_ACCESS_KEY_ID").env_remove("ZENLAYER_ACCESS_KEY_SECRET");
    let saved = stage.run_command(command).await;
    assert_eq!(saved.exits(0).json(), live.exits(0).json());
    assert_eq!(stage.sandbox.calls().len(), calls);
}

#[tokio::test]
async fn what_operators_said_is_part_of_a_forecast() {
    let stage = Stage::with(vec![due("held"), due("other")]).await.dry();
    stage.run(&["hold", "held", "--for", "2d", "--reason", "a demo"]).await.exits(0);
    let seen = stage.run(&["forecast", "--days", "5", "-o", "json"]).await;
    let ids = events(&seen, &["instance_id"]);
    assert_eq!(ids, json!([["other"], ["held"]]));
    let table = stage.run(&["forecast"]).await;
    table.exits(0).says("Mode dry-run: a run would call nothing");
}

#[tokio::test]
async fn without_a_whole_inventory_there_is_no_forecast_and_no_comparison() {
    let stage = Stage::with(three()).await.fault("total-count=1");
    let seen = stage.run(&["forecast"]).await;
    seen.exits(1).says("account main: the inventory is incomplete");
    let json = stage.run(&["forecast", "-o", "json"]).await.exits(1).json();
    let account = &json["accounts"][0];
    assert_eq!((&account["events"], &account["error"].is_string()), (&json!([]), &true));
    let rules = stage.path("rules.yaml");
    let compared = stage.run(&["backtest", "--rules", rules.to_str().unwrap()]).await;
    compared.exits(1).says("account main: the inventory is incomplete");
}

// ---- backtest ----

/// Compares the rules of the stage with others.
async fn backtest(stage: &Stage, rules: &str, args: &[&str]) -> Seen {
    let file = stage.path("new.yaml");
    std::fs::write(&file, rules).unwrap();
    let common = ["backtest", "--at", AT, "--rules", file.to_str().unwrap()];
    stage.run(&[&common, args].concat()).await
}

#[tokio::test]
async fn only_machines_that_are_judged_otherwise_are_shown_with_both_judgements() {
    let mut machines = three();
    machines.push(created("i-4", "2026-11-20T09:00:00Z"));
    let stage = Stage::with(machines).await.rules(AFTER);
    let new = AFTER.replace("48h", "24h");
    let seen = backtest(&stage, &new, &[]).await;
    expect![[r#"
        account main: 2 of 4 instances are judged otherwise

        INSTANCE  NAME         OLD                                                NEW
        i-1       name-of-i-1  wait (not_due) by after, 2026-11-25T09:00:00Z  ->  terminate (due) by after, 2026-11-24T09:07:00Z
        i-2       name-of-i-2  wait (not_due) by after, 2026-11-24T20:00:00Z  ->  terminate (due) by after, 2026-11-24T09:07:00Z

        2 wait -> terminate
        2 would be terminated now that are not by the old rules.
        2 instances move towards termination.
    "#]].assert_eq(&seen.exits(0).out);
    assert_eq!(stage.sandbox.calls().len(), stage.calls_of(Action::DescribeInstances).len());
}

#[tokio::test]
async fn a_program_reads_both_judgements_and_how_many_move_towards_termination() {
    let mut machines = three();
    machines.push(created("i-4", "2026-11-20T09:00:00Z"));
    let stage = Stage::with(machines).await.rules(AFTER);
    let json = backtest(&stage, &NOTICED.replace("noticed", "after"), &["-o", "json"]).await;
    expect![[r#"
        {
          "generated_at": "2026-11-24T09:07:00Z",
          "accounts": [
            {
              "account": "main",
              "error": null,
              "instances": 4,
              "changes": [
                {
                  "instance_id": "i-2",
                  "name": "name-of-i-2",
                  "old": {
                    "decision": "wait",
                    "reason": "not_due",
                    "rule": "after",
                    "terminate_at": "2026-11-24T20:00:00Z"
                  },
                  "new": {
                    "decision": "notice",
                    "reason": "to_tell",
                    "rule": "after",
                    "terminate_at": "2026-11-24T21:07:00Z"
                  },
                  "towards_termination": false
                },
                {
                  "instance_id": "i-4",
                  "name": "name-of-i-4",
                  "old": {
                    "decision": "terminate",
                    "reason": "due",
                    "rule": "after",
                    "terminate_at": "2026-11-24T09:07:00Z"
                  },
                  "new": {
                    "decision": "notice",
                    "reason": "to_tell",
                    "rule": "after",
                    "terminate_at": "2026-11-24T21:07:00Z"
                  },
                  "towards_termination": false
                }
              ],
              "by_kind": {
                "terminate -> notice": 1,
                "wait -> notice": 1
              },
              "newly_terminated": 0,
              "towards_termination": 0,
              "more_within_7_days": {
                "count": 0,
                "first_at": null
              },
              "sooner_within_7_days": {
                "count": 0,
                "first_at": null
              }
            }
          ]
        }
    "#]]
    .assert_eq(&json.exits(0).out);
}

#[tokio::test]
async fn many_changes_are_cut_and_counted_unless_all_are_wanted() {
    let machines = (0..52).map(|n| created(&format!("i-{n:02}"), "2026-11-23T09:00:00Z"));
    let stage = Stage::with(machines.collect()).await.rules(AFTER);
    let sooner = AFTER.replace("48h", "24h");
    let lines = |seen: &Seen| seen.out.lines().filter(|line| line.starts_with("i-")).count();
    let short = backtest(&stage, &sooner, &[]).await;
    short.exits(0).says("\n2 more; `--all` shows them.\n").says("52 wait -> terminate");
    assert_eq!(lines(&short), 50);
    let all = backtest(&stage, &sooner, &["--all"]).await;
    assert_eq!((lines(all.exits(0)), all.out.contains("more;")), (52, false));
    let json = backtest(&stage, &sooner, &["-o", "json"]).await.exits(0).json();
    assert_eq!(json["accounts"][0]["changes"].as_array().unwrap().len(), 52);
}

#[tokio::test]
async fn the_exit_code_tells_whether_more_is_terminated() {
    let stage = Stage::with(three()).await.rules(AFTER);
    let detailed = ["--detailed-exitcode"];
    let sooner = AFTER.replace("48h", "24h");
    backtest(&stage, &sooner, &detailed).await.exits(4).says("2 would be terminated");
    backtest(&stage, &sooner, &[]).await.exits(0);
    let later = AFTER.replace("48h", "72h");
    backtest(&stage, &later, &detailed).await.exits(0).says("2 other time");
    let same = backtest(&stage, AFTER, &detailed).await;
    same.exits(0).says("the new rules say the same of all 3 instances");
}

/// Checks the exit code of a change from one set of rules to another, and what is said of it.
async fn check_change(fleet: Vec<Machine>, [old, new]: [&str; 2], code: i32, says: &[&str]) {
    let stage = Stage::with(fleet).await.rules(&format!("rules: [{old}]"));
    let new = format!("rules: [{new}]");
    let seen = backtest(&stage, &new, &["--detailed-exitcode"]).await;
    for text in says {
        assert!(seen.out.contains(text), "{old} -> {new}: no {text:?} in\n{}", seen.out);
    }
    assert_eq!(seen.code, code, "{old} -> {new}: {}", seen.out);
    backtest(&stage, &new, &[]).await.exits(0);
    let json = backtest(&stage, &new, &["--detailed-exitcode", "-o", "json"]).await;
    let account = &json.exits(code).json()["accounts"][0];
    let nearer = account["towards_termination"].as_u64().unwrap();
    assert_eq!(nearer > 0, code == 4, "{old} -> {new}: {account}");
}

const NONE: &str = "{ name: a, match: { zone: SEL-Z }, expire: { after: 1h } }";
const ALL: &str = "{ name: a, match: { zone: HKG-A }, expire: { after: 1h } }";

/// The old rule and the new one, the exit code, and what is said.
const CHANGES: &[(&str, &str, i32, &[&str])] = &[
    // Another rule takes machines, and leaves them some time.
    (
        NONE,
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, notice: 1m }",
        4,
        &[
            "0 would be terminated now",
            "\n37 more within 7 days, the first at 2026-11-24T09:30:00Z.",
            "37 instances move towards termination.",
        ],
    ),
    (
        NONE,
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, schedule: '0 3 * * *' }",
        4,
        &["37 more within 7 days, the first at 2026-11-25T03:00:00Z."],
    ),
    (
        NONE,
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, schedule: '0 3 1 1 *' }",
        4,
        &["37 instances move towards termination."],
    ),
    (NONE, "{ name: a, match: { zone: HKG-A }, expire: { after: 30d } }", 4, &["37 keep -> wait"]),
    (
        NONE,
        "{ name: a, match: { zone: HKG-A }, expire: { after: 30d }, notice: 28d }",
        4,
        &["37 instances move towards termination."],
    ),
    (NONE, ALL, 4, &["37 would be terminated now"]),
    // What time alone brings.
    (
        NONE,
        "{ name: a, match: { zone: HKG-A, age: '> 6d' } }",
        4,
        &[
            "the new rules say the same of all 37 instances now, and not later\n",
            "37 more within 7 days, the first at 2026-11-26T09:15:00Z.",
        ],
    ),
    // The same rule, sooner or later.
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 12d } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 10d } }",
        4,
        &["37 more within 7 days, the first at 2026-11-30T09:00:00Z."],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 6d } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 5d } }",
        4,
        &["37 sooner than by the old rules, the first at 2026-11-25T09:00:00Z."],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 60d } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 50d } }",
        4,
        &["37 instances move towards termination."],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 5d } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 6d } }",
        0,
        &["37 other time"],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, notice: 2d }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, notice: 1d }",
        4,
        &["37 sooner"],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, notice: 1d }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, notice: 2d }",
        0,
        &[],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, notice: 1d }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h } }",
        4,
        &["37 would be terminated now"],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, notice: 1d }",
        0,
        &["37 terminate -> notice"],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, schedule: '0 3 * * MON' }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, schedule: '0 3 * * *' }",
        4,
        &["37 sooner"],
    ),
    // An exception is dropped, or added.
    (
        "{ name: a, match: { zone: HKG-A }, unless: { zone: HKG-A }, expire: { after: 10d } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 10d } }",
        4,
        &["37 keep -> wait"],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 10d } }",
        "{ name: a, match: { zone: HKG-A }, unless: { zone: HKG-A }, expire: { after: 10d } }",
        0,
        &["37 wait -> keep"],
    ),
    // Another rule, with the same end or an earlier one.
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 10d } }",
        "{ name: b, match: { zone: HKG-A }, expire: { after: 10d } }",
        0,
        &["37 other rule"],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 10d } }",
        "{ name: b, match: { zone: HKG-A }, expire: { after: 8d } }",
        4,
        &["37 other rule"],
    ),
    // A cap of a rule that refused the plan is raised.
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, limits: { max_terminations: 5 } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, limits: { max_terminations: 50 } }",
        4,
        &["37 more within 7 days"],
    ),
    (
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h } }",
        "{ name: a, match: { zone: HKG-A }, expire: { after: 1h }, enabled: false }",
        0,
        &["37 terminate -> keep"],
    ),
];

#[tokio::test]
async fn whatever_brings_a_machine_nearer_to_its_end_has_the_exit_code_4() {
    let fleet = || (0..37).map(|n| created(&format!("i-{n:02}"), "2026-11-20T09:00:00Z")).collect();
    for (old, new, code, says) in CHANGES {
        check_change(fleet(), [old, new], *code, says).await;
    }
}

#[tokio::test]
async fn a_machine_that_is_held_moves_towards_termination_too() {
    let stage = Stage::with(vec![due("held")]).await.rules("rules: []");
    stage.run(&["keep", "held", "--for", "30d", "--reason", "a demo"]).await.exits(0);
    let file = stage.path("new.yaml");
    std::fs::write(&file, RULES).unwrap();
    let arguments = ["backtest", "--rules", file.to_str().unwrap(), "--detailed-exitcode"];
    let seen = stage.run(&arguments).await;
    seen.exits(4).says("1 keep -> skip").says("1 instance moves towards termination.");
}

#[tokio::test]
async fn a_release_is_nearer_to_the_end_than_a_termination() {
    let stage = Stage::with(vec![due("a")]).await.more("allow_release: true");
    let file = stage.path("new.yaml");
    std::fs::write(&file, RULES.replace("match:", "action: release\n    match:")).unwrap();
    let arguments = ["backtest", "--rules", file.to_str().unwrap(), "--detailed-exitcode"];
    stage.run(&arguments).await.exits(4).says("1 other action");
}

#[tokio::test]
async fn old_rules_can_be_a_file_or_a_folder_and_are_the_configs_if_none_are_named() {
    let stage = Stage::with(vec![due("one")]).await;
    let folder = stage.path("old");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.yaml"), RULES.replace("HKG-A", "SEL-A")).unwrap();
    let folder = folder.to_str().unwrap();
    let against = ["--against", folder, "--detailed-exitcode"];
    backtest(&stage, RULES, &against).await.exits(4).says("1 keep -> terminate");
    backtest(&stage, RULES, &["--detailed-exitcode"]).await.exits(0).says("say the same");
    let back = stage.run(&["backtest", "--rules", folder]).await;
    back.exits(0).says("1 terminate -> keep").says("0 would be terminated now");
}

#[tokio::test]
async fn with_old_rules_those_of_the_config_are_not_read() {
    let stage = Stage::with(vec![due("one")]).await.rules("rules: [{ nam: wrong }]");
    backtest(&stage, RULES, &[]).await.exits(2).says("rules.yaml:1:").says("rules[0].nam");
    let old = stage.path("old.yaml");
    std::fs::write(&old, RULES.replace("HKG-A", "SEL-A")).unwrap();
    let against = ["--against", old.to_str().unwrap()];
    backtest(&stage, RULES, &against).await.exits(0).says("1 keep -> terminate");
    std::fs::write(&old, "rules: [{ nmae: wrong }]").unwrap();
    let both = backtest(&stage, "rules: [{ name: Wrong, match: everything }]", &against).await;
    both.exits(2).says("old.yaml:1:").says("rules[0].nmae").says("new.yaml:1:").says("`Wrong`");
    assert!(!both.err.contains("rules.yaml:"), "{}", both.err);
}

#[tokio::test]
async fn wrong_rules_are_told_as_check_does_before_any_call() {
    let stage = Stage::with(three()).await;
    let wrong = "rules: [{ name: Wrong, match: { zone: A } }]";
    let seen = backtest(&stage, wrong, &[]).await;
    seen.exits(2).says("new.yaml:1:").says("`Wrong` is not a rule's name");
    let json = backtest(&stage, wrong, &["-o", "json"]).await.exits(2).json();
    assert_eq!(json["ok"], false);
    assert_eq!(json["problems"].as_array().unwrap().len(), 1, "{json}");
    let none = backtest(&stage, RULES, &["--against", "nowhere.yaml"]).await;
    none.exits(2).says("nowhere.yaml").says("cannot read the file");
    assert!(stage.sandbox.calls().is_empty());
}
