//! What operators say, and what keeps a machine: keep, pause, and the holds that nobody asked for.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{Seen, Stage, due, many_due, service::Service};
use jiff::{SignedDuration, Timestamp};
use zenreaper::{
    clock,
    sandbox::{self, Action},
};

/// What was under way when the word was given may still arrive.
const IN_FLIGHT_MARGIN: Duration = Duration::from_millis(300);

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn skipped(reason: &str) -> String {
    format!(r#"zenreaper_skipped_total{{account="main",reason="{reason}"}}"#)
}

async fn keep(stage: &Stage, id: &str, more: &[&str]) -> Seen {
    let mut args = vec!["hold", id, "--for", "7d", "--reason", "a demo"];
    args.extend(more);
    stage.run(&args).await
}

#[tokio::test]
async fn a_machine_that_is_kept_is_not_called_until_its_hold_ends() {
    let stage = Stage::with(many_due(2)).await;
    keep(&stage, "i-0000", &["--by", "ann"])
        .await
        .exits(0)
        .says("i-0000 (name-of-i-0000, account main) is held until 2026-");
    let decision = stage.decision("i-0000").await;
    assert_eq!((&decision["decision"], &decision["reason"]), (&"skip".into(), &"held".into()));
    let until: Timestamp = decision["held_until"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(clock::now());
    assert!(left > DAY * 6 && left <= DAY * 7, "{until}");
    assert!(decision["terminate_at"].is_null());
    stage.run(&["plan"]).await.exits(0).says(&format!("held (until {until:.0})"));

    stage.once_exits(0).await.counts(&skipped("held"), 1.0);
    assert_eq!(stage.terminated(), ["i-0001"]);
    stage.time_passes(DAY * 8).await;
    stage.once_exits(0).await.counts(&skipped("held"), 0.0);
    assert_eq!(stage.terminated(), ["i-0001", "i-0000"]);
}

#[tokio::test]
async fn a_journal_that_cannot_be_looked_at_is_not_taken_for_one_that_knows_nothing() {
    let stage = Stage::with(many_due(1)).await;
    // Not even root can look through this.
    std::os::unix::fs::symlink("journal.db", stage.path("journal.db")).unwrap();
    let commands: [&[&str]; 5] =
        [&["holds"], &["history"], &["resume"], &["accept-inventory"], &["unhold", "i-0000"]];
    for command in commands {
        stage.run(command).await.exits(1).says("cannot be used").says("check the disk and the");
    }
    let plan = stage.run(&["plan"]).await;
    plan.exits(0).says("without it a run terminates nothing");
    plan.says("Mode enforce: a run would terminate nothing.");
    let explained = stage.run(&["explain", "i-0000"]).await;
    explained.exits(0).says("\nnot known whether there is a pause\n");
}

#[tokio::test]
async fn a_hold_says_why() {
    let stage = Stage::with(many_due(1)).await;
    for reason in ["", "  "] {
        let seen = stage.run(&["hold", "i-0000", "--for", "7d", "--reason", reason]).await;
        seen.exits(2).says("whoever finds the hold wants to know why");
    }
}

#[tokio::test]
async fn a_machine_that_is_not_kept_any_more_is_free() {
    let stage = Stage::with(many_due(1)).await;
    stage.run(&["unhold", "i-0000"]).await.exits(1).says("there is no journal at");
    keep(&stage, "i-0000", &[]).await.exits(0);
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty());
    stage.run(&["unhold", "i-0000", "--by", "bob"]).await.exits(0);
    let seen = stage.run(&["unhold", "i-0000"]).await;
    seen.exits(1).says("nobody holds `i-0000`; held: nothing");
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
    stage.run(&["history"]).await.exits(0).says("unhold").says("by bob");
}

#[tokio::test]
async fn a_second_word_replaces_the_first() {
    let stage = Stage::with(many_due(1)).await;
    keep(&stage, "i-0000", &[]).await.exits(0);
    let short = ["hold", "i-0000", "--for", "1h", "--reason", "shorter"];
    stage.run(&short).await.exits(0);
    let holds = stage.run(&["holds", "-o", "json"]).await.json();
    assert_eq!(holds.as_array().unwrap().len(), 1);
    assert_eq!(holds[0]["reason"], "shorter");
}

#[tokio::test]
async fn a_machine_that_is_kept_while_a_run_goes_on_is_not_called() {
    let stage = Stage::with(many_due(16)).await;
    let stage = stage.account("max_in_flight: 1, rate: { describe: 1000/s, terminate: 4/s }");
    let running = stage.start(&["run", "--once"]);
    stage.until("the first call", |stage| !stage.terminated().is_empty()).await;
    keep(&stage, "i-0015", &[]).await.exits(0);
    assert!(stage.terminated().len() < 14, "too slow to tell");
    let seen = running.end(&stage).await;
    seen.exits(0);
    assert_eq!(stage.terminated().len(), 15);
    let held = seen.lines("reason", "held");
    assert_eq!((held.len(), &held[0]["instance_id"]), (1, &"i-0015".into()));
    assert!(held[0]["message"].as_str().unwrap().contains("until 2026-"), "{held:?}");
    let history = stage.run(&["history", "--instance", "i-0015"]).await;
    assert!(!history.exits(0).out.contains("terminated"), "{}", history.out);
}

/// A call that was too fast is tried again for minutes: what is said in the meantime counts.
#[tokio::test]
async fn a_call_is_not_tried_again_once_an_operator_says_otherwise() {
    let words: [(&[&str], &str); 2] = [
        (&["hold", "i-0000", "--for", "7d", "--reason", "a demo"], "held"),
        (&["pause", "--reason", "stop it"], "paused"),
    ];
    for (word, reason) in words {
        let stage = Stage::with(many_due(1)).await;
        let stage = stage.fault("too-many=3,action=TerminateInstance,times=1");
        let running = stage.start(&["run", "--once"]);
        let calls = |stage: &Stage| stage.calls_of(Action::TerminateInstance).len();
        stage.until("the first try", |stage| calls(stage) == 1).await;
        stage.run(word).await.exits(0);
        let seen = running.end(&stage).await;
        assert_eq!(seen.exits(0).lines("reason", reason)[0]["instance_id"], "i-0000");
        assert_eq!(calls(&stage), 1, "{reason}");
        assert_eq!(stage.sandbox.machine("i-0000").unwrap().status(), Some("RUNNING"));
    }
}

#[tokio::test]
async fn a_config_that_does_not_say_which_account_keeps_nothing_and_pauses_all_the_same() {
    let stage = Stage::with(many_due(1)).await.account("max_in_flight: 0");
    keep(&stage, "i-0000", &[]).await.exits(2).says("max_in_flight");
    assert!(!stage.path("journal.db").exists());
    stage.run(&["pause"]).await.exits(0).says("Nothing is terminated any more");
}

#[tokio::test]
async fn what_is_held_is_listed() {
    let stage = Stage::with(many_due(3)).await;
    for output in ["table", "json"] {
        stage.run(&["holds", "-o", output]).await.exits(1).says("there is no journal at");
    }
    stage.run(&["pause"]).await.exits(0).says("note: there was no journal at");
    stage.run(&["resume"]).await.exits(0);
    stage.run(&["holds"]).await.exits(0).says("Nothing is held.");
    let none = stage.run(&["holds", "-o", "json"]).await;
    assert_eq!(none.exits(0).json(), serde_json::json!([]));

    let by = ["--by", "ann\u{1b}[2J"];
    keep(&stage, "i-0000", &by).await.exits(0);
    stage.once_exits(0).await;
    let table = stage.run(&["holds"]).await;
    table.exits(0).says("UNTIL").says("a demo").says("ann\\u{1b}[2J").says("accepted");
    let holds = stage.run(&["holds", "-o", "json"]).await.exits(0).json();
    let kinds: Vec<_> = holds.as_array().unwrap().iter().map(|held| &held["kind"]).collect();
    assert_eq!(kinds, ["accepted", "accepted", "held"], "the next to end first");
    let keys: Vec<_> = holds[2].as_object().unwrap().keys().cloned().collect();
    let expected = ["account", "by", "instance_id", "kind", "reason", "since", "until"];
    assert_eq!(keys, expected);
    assert_eq!((&holds[2]["account"], &holds[2]["by"]), (&"main".into(), &by[1].into()));
}

#[tokio::test]
async fn what_is_not_said_right_is_refused() {
    let stage = Stage::with(many_due(1)).await;
    keep(&stage, "i-0000", &["--account", "other"])
        .await
        .exits(2)
        .says("`other` is not an account; --account names one of main");
    keep(&stage, " ", &[]).await.exits(2).says("an instance's id or name is not empty");
    for (args, says) in [
        (&["hold", "i-0000", "--for", "7d"][..], "--reason"),
        (&["hold", "i-0000", "--reason", "x"], "--for"),
        (&["hold", "i-0000", "--for", "367d", "--reason", "x"], "longer than 366d"),
        (&["hold", "i-0000", "--for", "7", "--reason", "x"], "a bare number has no unit"),
        (&["hold", "i-0000", "--for", "18:00:00", "--reason", "x"], "that is a time of day"),
        (&["hold", "i-0000", "--for", "1,500h", "--reason", "x"], "a comma"),
        (&["hold", "i-0000", "--for", "30s", "--reason", "x"], "the smallest unit is the minute"),
        (&["hold", "i-0000", "--for", "1 month", "--reason", "x"], "have no fixed length"),
        (&["pause", "--for=-1h"], "it is negative"),
        (&["pause", "--for", "0h"], "it is zero"),
        (&["pause", "--for", "2M"], "`M` could mean months"),
        (&["accept-inventory", "--account", "other"], "`other` is not an account"),
    ] {
        stage.run(args).await.exits(2).says(says);
    }
    assert!(!stage.path("journal.db").exists(), "nothing was written");
}

#[tokio::test]
async fn of_several_accounts_one_is_named() {
    let stage = Stage::with(many_due(1)).await;
    let endpoint = stage.sandbox.endpoint();
    let stage = stage
        .account(&format!("max_in_flight: 2 }}\n  - {{ name: other, endpoint: \"{endpoint}\""));
    keep(&stage, "i-0000", &[]).await.exits(2).says("--account names one of main, other");
    stage.run(&["accept-inventory"]).await.exits(2).says("--account names one of main, other");
    keep(&stage, "i-0000", &["--account", "other"]).await.exits(0);
    let one = "the accounts `main` and `other` have the same endpoint and the same credentials";
    stage.once().await.exits(1).says(one);
    assert!(stage.terminated().is_empty(), "held as `other`, and due as `main`");

    let token = stage.path("zenlayer.other.token");
    std::fs::write(token, sandbox::TOKEN).unwrap();
    let mut run = stage.command(&["run", "--once"]);
    run.env("CREDENTIALS_DIRECTORY", stage.path(""));
    stage.run_command(run).await.exits(0);
    assert_eq!(stage.terminated(), ["i-0000"], "main is not the account that was named");
}

#[tokio::test]
async fn a_machine_is_kept_also_when_its_account_gets_another_name() {
    let stage = Stage::with(many_due(1)).await;
    keep(&stage, "i-0000", &[]).await.exits(0);
    stage.sql("UPDATE holds SET account = 'formerly'").await;
    stage.once_exits(0).await.counts(&skipped("held"), 1.0);
    assert!(stage.terminated().is_empty());
    stage.run(&["unhold", "i-0000"]).await.exits(0);
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn nothing_is_terminated_during_a_pause() {
    let stage = Stage::with(many_due(2)).await;
    let said = stage.run(&["pause", "--reason", "an incident", "--by", "ann"]).await;
    said.exits(0).says("by ann: an incident").says("Nothing is terminated any more");
    let seen = stage.once_exits(0).await;
    seen.counts(r#"zenreaper_runs_total{account="main",result="paused"}"#, 1.0);
    seen.counts("zenreaper_paused", 1.0).says("an incident");
    assert_eq!(seen.lines("result", "paused").len(), 1);
    let plan = stage.run(&["plan"]).await;
    let first = plan.exits(0).out.lines().next().unwrap();
    assert!(first.starts_with("PAUSED: paused since 20"), "{first}");
    let json = stage.run(&["plan", "-o", "json"]).await.json();
    let guard = &json["accounts"][0]["guard"];
    assert!(guard["approved"] == false && guard["reason"].as_str().unwrap().contains("paused"));
    assert!(first.contains("by ann: an incident"), "{first}");
    assert!(stage.terminated().is_empty());

    stage.run(&["resume"]).await.exits(0).says("resumed");
    stage.run(&["resume"]).await.exits(0).says("there was no pause");
    assert!(!stage.run(&["plan"]).await.out.contains("PAUSED"));
    stage.once_exits(0).await.counts("zenreaper_paused", 0.0);
    assert_eq!(stage.terminated().len(), 2);
}

#[tokio::test]
async fn a_pause_may_end_by_itself() {
    let stage = Stage::with(many_due(1)).await;
    stage.run(&["pause", "--for", "2h"]).await.exits(0).says(" until 2026-");
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty());
    stage.time_passes(SignedDuration::from_hours(3)).await;
    stage.once_exits(0).await.counts("zenreaper_paused", 0.0);
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn a_pause_needs_no_rules() {
    let stage = Stage::with(many_due(1)).await;
    stage.write_rules("rules: [{ name: broken, match");
    stage.run(&["pause"]).await.exits(0).says("paused since");
    stage.write_rules(common::RULES);
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty());
    stage.write_rules("rules: [{ name: broken, match");
    stage.run(&["resume"]).await.exits(0).says("resumed");
}

#[tokio::test]
async fn a_pause_stops_a_run_that_goes_on() {
    let stage = Stage::with(many_due(60)).await.fault("latency=50ms");
    let stage = stage.account("rate: { describe: 1000/s, terminate: 10/s }");
    let running = stage.start(&["run", "--once"]);
    stage.until("three calls", |stage| stage.terminated().len() >= 3).await;
    stage.run(&["pause", "--reason", "stop it"]).await.exits(0);
    let last = stage.calls_of(Action::TerminateInstance).last().unwrap().at;
    let seen = running.end(&stage).await;
    seen.exits(0).says("stop it");
    let calls = stage.calls_of(Action::TerminateInstance);
    let late: Vec<_> = calls.iter().filter(|call| call.at > last + IN_FLIGHT_MARGIN).collect();
    assert!(late.is_empty() && calls.len() < 55, "{late:?}");
    assert_eq!(seen.lines("reason", "paused").len(), 60 - calls.len());
    assert_eq!(seen.lines("outcome", "terminated").len(), calls.len());
    assert_eq!(seen.lines("result", "paused").len(), 1);

    stage.run(&["resume"]).await.exits(0);
    let stage = stage.account("rate: { describe: 1000/s, terminate: 1000/s }");
    stage.once_exits(0).await;
    let mut called = stage.terminated();
    called.sort_unstable();
    called.dedup();
    assert_eq!(called.len(), 60);
}

#[tokio::test]
async fn a_service_tells_of_a_pause_at_once() {
    let service = Service::on(Stage::with(many_due(1)).await, "0 0 0 1 1 *").await;
    service.metric("zenreaper_paused", |paused| paused < 0.5).await;
    service.stage.run(&["pause", "--reason", "an incident"]).await.exits(0);
    let said = clock::monotonic();
    service.metric("zenreaper_paused", |paused| paused > 0.5).await;
    service.until("/readyz", |(_, text)| text.contains("an incident")).await;
    assert!(said.elapsed() < Duration::from_secs(2), "{:?}", said.elapsed());
    service.stage.run(&["resume"]).await.exits(0);
    service.metric("zenreaper_paused", |paused| paused < 0.5).await;
    service.until("/readyz", |(_, text)| !text.contains("an incident")).await;
    service.ends_after("TERM").await.exits(0);
}

const PROMISE: &str = "OPERATION_DENIED_POSTPAID_PROMISE";

#[tokio::test]
async fn a_machine_in_its_commitment_is_not_asked_for_at_every_run() {
    let stage = Stage::with(vec![due("bound").in_commitment()]).await;
    stage.once_exits(0).await.says(PROMISE);
    stage.once_exits(0).await.counts(&skipped("commitment"), 1.0);
    assert_eq!(stage.terminated(), ["bound"], "asked once");
    let decision = stage.decision("bound").await;
    assert_eq!(decision["reason"], "commitment");
    let until: Timestamp = decision["held_until"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(clock::now());
    assert!(left > DAY - SignedDuration::from_mins(2) && left <= DAY, "{until}");
    stage.run(&["plan"]).await.exits(0).says(&format!("commitment (until {until:.0})"));
    stage.time_passes(DAY).await;
    stage.once_exits(0).await.says(PROMISE);
    assert_eq!(stage.terminated(), ["bound", "bound"], "a day later it is asked again");

    let stage = Stage::with(vec![due("bound").in_commitment()]).await;
    let stage = stage.more("hold: { commitment: 0s }");
    stage.once_exits(0).await;
    stage.once_exits(0).await.says(PROMISE);
    assert_eq!(stage.terminated(), ["bound", "bound"]);
}

#[tokio::test]
async fn a_machine_that_its_owner_took_back_is_left_alone() {
    let stage = Stage::with(many_due(2)).await;
    stage.once_exits(0).await;
    stage.sandbox.edit("i-0000", |one| one.set_status("RUNNING"));
    stage.once_exits(0).await.counts(&skipped("accepted"), 1.0);
    assert_eq!(stage.terminated().len(), 2, "not once more");
    let decision = stage.decision("i-0000").await;
    assert_eq!(decision["reason"], "accepted");
    assert!(decision["held_until"].is_string());
    stage.time_passes(DAY + SignedDuration::from_mins(1)).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 3, "a day later it is due like any other");
}

/// Everything that says no, in one fleet: the machine itself, protected ones, held ones, and tags that are malformed.
#[tokio::test]
async fn nothing_that_is_protected_in_any_way_is_ever_called() {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let malformed = [
        "3 dayz",
        "",
        " ",
        "2026-13-45",
        "2026-12-31T25:00:00Z",
        "tomorrow",
        "-3d",
        "72",
        "999999999999d",
        "3d\u{0}",
        "Never!",
        "1 month",
    ];
    let mut fleet = vec![
        due("plain"),
        due("self").with("hostname", hostname.trim().to_uppercase()),
        due("held"),
        due("protected").with_tag("protected", "yes"),
        due("protected-empty").with_tag("protected", ""),
        due("protected-odd").with_tag("protected", "false\u{1b}[2J"),
        due("kept").with_tag("keep", ""),
        due("twice").with(
            "tags",
            serde_json::json!({"tags": [
                {"key": "protected", "value": "a"},
                {"key": "protected", "value": "b"},
            ]}),
        ),
        due("no-value").with("tags", serde_json::json!({"tags": [{"key": "protected"}]})),
        due("no-list").with("tags", serde_json::json!({"tags": "protected"})),
    ];
    let tagged = |(n, value): (usize, &&str)| due(&format!("ttl-{n:02}")).with_tag("ttl", value);
    fleet.extend(malformed.iter().enumerate().map(tagged));
    let all = fleet.len();
    let stage = Stage::with(fleet).await;
    stage.run(&["hold", "held", "--for", "1d", "--reason", "mine"]).await.exits(0);
    for _ in 0..2 {
        stage.once_exits(0).await;
    }
    assert_eq!(stage.terminated(), ["plain"]);
    let seen = stage.once_exits(0).await;
    let malformed = f64::from(u32::try_from(malformed.len()).unwrap());
    seen.counts(&skipped("self"), 1.0).counts(&skipped("held"), 1.0);
    seen.counts(&skipped("unreadable_expiry"), malformed);
    assert_eq!(stage.sandbox.machines().len(), all);
    let called = stage.sandbox.machines().into_iter().filter(|one| one.status() != Some("RUNNING"));
    assert_eq!(called.count(), 1);
}
