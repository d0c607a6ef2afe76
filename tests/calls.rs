//! What is made of calls whose answers do not say what happened, and who may call at all: leases, operators, a stricter config.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    io::{Seek, Write},
    time::Duration,
};

use common::{RULES, Running, Seen, Stage, due, many_due, service::Service};
use jiff::SignedDuration;
use tokio::time::sleep;
use zenreaper::{clock, sandbox::Action};

/// The outcome of each call of the journal, and what an inventory said of it.
async fn outcomes(stage: &Stage) -> Vec<(String, Option<String>, Option<String>)> {
    stage
        .rows(
            "SELECT instance_id, outcome, verified FROM intents ORDER BY intended_at, instance_id",
        )
        .await
}

fn text(outcome: &str) -> Option<String> {
    (!outcome.is_empty()).then(|| outcome.to_owned())
}

/// Every call to terminate takes effect, from the first one on, whatever is answered.
fn takes_effect(stage: &Stage, ids: &[&str]) {
    for (n, id) in (1..).zip(ids) {
        let id = (*id).to_owned();
        stage.sandbox.before_call(Action::TerminateInstance, n, move |fleet| {
            fleet.edit(&id, |machine| machine.set_status("RECYCLE"));
        });
    }
}

const NEVER_SAYS_SO: [&str; 8] = [
    "error=BAD_GATEWAY,status=502",
    "error=INTERNAL_SERVER_ERROR,status=500",
    "error=INTERNAL_SERVER_ERROR,status=400",
    "error=INVALID_INSTANCE_NOT_FOUND,status=504",
    "error=SOME_CODE_OF_TOMORROW,status=403",
    "not-json",
    "cut-off",
    "reset-after-effect",
];

#[tokio::test]
async fn a_call_that_took_effect_is_terminated_whatever_was_answered() {
    for fault in NEVER_SAYS_SO {
        let stage = Stage::with(many_due(1)).await;
        takes_effect(&stage, &["i-0000"]);
        let stage = stage.fault(&format!("{fault},action=TerminateInstance"));
        let seen = stage.once_exits(0).await;
        let terminated = [("i-0000".to_owned(), text("terminated"), None)];
        assert_eq!(outcomes(&stage).await, terminated, "{fault}: {}", seen.err);
        let holds: Vec<(String, String)> = stage.rows("SELECT instance_id, kind FROM holds").await;
        assert_eq!(holds.len(), 1, "{fault}: an instance that its owner restores is left alone");
        assert_eq!(stage.terminated().len(), 1, "{fault}: it was seen in the bin before a retry");

        stage.sandbox.edit("i-0000", |machine| machine.set_status("RUNNING"));
        stage.once_exits(0).await;
        assert_eq!(
            stage.terminated().len(),
            1,
            "{fault}: it was restored, and is not called again"
        );
        let history = stage.run(&["history", "-o", "json"]).await.json();
        let entry = history.as_array().unwrap().iter().find(|one| one["what"] == "terminate");
        assert!(entry.unwrap()["recoverable_until"].is_string(), "{fault}: {history}");
    }
}

#[tokio::test]
async fn calls_that_may_have_happened_count_in_the_day() {
    let limits =
        "{ max_terminations: 99, max_percent: 100, max_per_day: 5, max_failure_percent: 100 }";
    for fault in ["error=BAD_GATEWAY,status=502", "error=X,status=500", "not-json", "reset"] {
        let mut fleet = many_due(5);
        fleet.extend((0..15).map(|n| {
            let young = clock::now() - SignedDuration::from_mins(30);
            due(&format!("j-{n:04}"))
                .with("createTime", format!("{young:.0}"))
                .with_tag("ttl", "1h")
        }));
        let stage = Stage::with(fleet).await.limits(limits);
        let stage = stage.fault(&format!("{fault},action=TerminateInstance"));
        stage.once_exits(5).await;
        for n in 0..15 {
            stage.sandbox.edit(&format!("j-{n:04}"), |machine| machine.set_tag("ttl", "10m"));
        }
        for _ in 0..3 {
            stage.once_exits(3).await.says("limits.max_per_day");
        }
        let mut called = stage.terminated();
        called.sort_unstable();
        called.dedup();
        assert_eq!(called.len(), 5, "{fault}");
    }
}

#[tokio::test]
async fn an_answer_that_the_instance_is_gone_after_an_attempt_is_our_termination() {
    for first in
        ["error=INTERNAL_SERVER_ERROR,status=500", "too-many=0", "error=NEW,status=403", "not-json"]
    {
        for gone in ["OPERATION_DENIED_INSTANCE_RECYCLED", "INVALID_INSTANCE_NOT_FOUND"] {
            let stage = Stage::with(many_due(1)).await;
            let stage = stage.fault(&format!("{first},action=TerminateInstance,times=1"));
            let stage =
                stage.fault(&format!("error={gone},status=403,action=TerminateInstance,skip=1"));
            stage.once_exits(0).await;
            let terminated = [("i-0000".to_owned(), text("terminated"), None)];
            assert_eq!(outcomes(&stage).await, terminated, "{first}, {gone}");
            let holds: Vec<(String,)> = stage.rows("SELECT kind FROM holds").await;
            assert_eq!(holds, [("accepted".to_owned(),)], "{first}, {gone}");
        }
    }
}

#[tokio::test]
async fn a_refusal_after_an_attempt_that_may_have_happened_leaves_that_open() {
    let stage = Stage::with(many_due(1)).await;
    let stage =
        stage.fault("error=INTERNAL_SERVER_ERROR,status=500,action=TerminateInstance,times=1");
    let stage = stage
        .fault("error=OPERATION_DENIED_INSTANCE_STATUS,status=403,action=TerminateInstance,skip=1");
    stage.once_exits(5).await;
    assert_eq!(outcomes(&stage).await, [("i-0000".to_owned(), text("unknown"), None)]);
}

#[tokio::test]
async fn an_instance_is_read_again_before_each_attempt() {
    for (change, calls) in [("keep", 1), ("other", 3)] {
        let stage = Stage::with(many_due(1)).await;
        let stage = stage.fault("error=INTERNAL_SERVER_ERROR,status=500,action=TerminateInstance");
        stage.sandbox.before_call(Action::TerminateInstance, 1, move |fleet| {
            fleet.edit("i-0000", |machine| machine.set_tag(change, "yes"));
        });
        stage.once_exits(5).await;
        assert_eq!(stage.terminated().len(), calls, "{change}");
    }
}

#[tokio::test]
async fn a_look_that_wrongly_shows_nothing_proves_nothing() {
    let stage = Stage::with(many_due(1)).await;
    let stage = stage.fault("reset,action=TerminateInstance");
    stage.sandbox.before_call(Action::TerminateInstance, 1, |fleet| {
        fleet.remove("i-0000");
    });
    stage.once_exits(5).await;
    assert_eq!(outcomes(&stage).await, [("i-0000".to_owned(), text("unknown"), None)]);
    stage.sandbox.clear_faults();
    stage.sandbox.add(&due("i-0000"));
    stage.once_exits(0).await;
    let both = [
        ("i-0000".to_owned(), text("unknown"), text("not_done")),
        ("i-0000".to_owned(), text("terminated"), None),
    ];
    assert_eq!(outcomes(&stage).await, both);
}

#[tokio::test]
async fn an_instance_that_was_wrongly_said_to_be_gone_is_reported_by_the_next_inventory() {
    let stage = Stage::with(many_due(2)).await;
    let stage = stage
        .fault("error=INVALID_INSTANCE_NOT_FOUND,status=404,action=TerminateInstance,instance=i-0000,times=1");
    stage.once_exits(0).await;
    stage.once_exits(0).await;
    let verified: Vec<(String, Option<String>)> =
        stage.rows("SELECT outcome, verified FROM intents WHERE instance_id = 'i-0000' ORDER BY intended_at").await;
    assert_eq!(verified[0], ("gone".to_owned(), text("still_present")));
}

#[tokio::test]
async fn a_retry_after_is_bounded_by_the_time_of_the_attempts() {
    for fault in ["too-many=3600", "too-many=3600,action=DescribeInstances", "too-many=4000000000"]
    {
        let stage = Stage::with(many_due(2)).await.retry_for("2s").fault(fault);
        let start = clock::monotonic();
        let seen = stage.once().await;
        assert_ne!(seen.code, 0, "{fault}");
        assert!(start.elapsed() < Duration::from_secs(20), "{fault}: {:?}", start.elapsed());
    }
}

const RELEASE: &str = "
rules:
  - { name: gone, match: { zone: HKG-A }, expire: { after: 1h }, action: release }
";

#[tokio::test]
async fn an_instance_that_was_seen_live_after_our_termination_is_not_released_any_more() {
    for seen_in_bin_before in [false, true] {
        let others = (0..9).map(|n| due(&format!("j-{n}")).with("zoneId", "SEL-A"));
        let fleet = others.chain(many_due(1)).collect();
        let stage = Stage::with(fleet).await.rules(RELEASE).more("allow_release: true");
        let stage = stage.fault("error=INTERNAL_SERVER_ERROR,status=500,action=ReleaseInstances");
        stage.once().await;
        if seen_in_bin_before {
            stage.once().await;
        }
        let calls = stage.calls_of(Action::ReleaseInstances).len();
        assert!(calls > 0);
        stage.sandbox.edit("i-0000", |machine| machine.set_status("RUNNING"));
        stage.once().await;
        stage.sandbox.edit("i-0000", |machine| machine.set_status("RECYCLE"));
        stage.sandbox.clear_faults();
        stage.once_exits(0).await;
        assert_eq!(stage.calls_of(Action::ReleaseInstances).len(), calls, "{seen_in_bin_before}");
        assert!(stage.sandbox.machine("i-0000").is_some(), "it is not ours to release");
        stage.run(&["history"]).await.exits(0).says("restored");
    }
}

/// Two processes with the same journal: the second one while the first is at work.
async fn second_while_first_works(first: &[&str], second: &[&str]) -> (Stage, Seen, Seen) {
    let stage = Stage::with(many_due(30)).await;
    let stage = stage.account("max_in_flight: 2, rate: { describe: 1000/s, terminate: 10/s }");
    let running = stage.start(first);
    stage.until("the first call", |stage| !stage.terminated().is_empty()).await;
    let seen = stage.run(second).await;
    running.signal("TERM");
    let first = running.end(&stage).await;
    (stage, first, seen)
}

#[tokio::test]
async fn a_second_process_names_the_holder_of_the_lease_and_calls_nothing() {
    let (stage, first, second) =
        second_while_first_works(&["run", "--once"], &["run", "--once"]).await;
    second.exits(6).says("another process acts on the account").says("process ").says("since ");
    first.exits(1);
    let runs: Vec<(i64,)> = stage.rows("SELECT COUNT(*) FROM runs").await;
    assert_eq!(runs, [(1,)], "the second run did not begin");
    let twice = stage.terminated().len() - distinct(&stage);
    assert_eq!(twice, 0);
    stage.once_exits(0).await;
    assert_eq!(distinct(&stage), 30, "the lease is given back at the end");
}

fn distinct(stage: &Stage) -> usize {
    let mut called = stage.terminated();
    called.sort_unstable();
    called.dedup();
    called.len()
}

#[tokio::test]
async fn a_saved_plan_is_not_applied_while_another_process_acts() {
    let stage = Stage::with(many_due(30)).await;
    let stage = stage.account("max_in_flight: 2, rate: { describe: 1000/s, terminate: 10/s }");
    let plan = stage.path("plan.json");
    stage.run(&["plan", "--out", plan.to_str().unwrap()]).await.exits(0);
    let running = stage.start(&["run", "--once"]);
    stage.until("the first call", |stage| !stage.terminated().is_empty()).await;
    stage.run(&["apply", plan.to_str().unwrap()]).await.exits(6);
    stage.run(&["plan"]).await.exits(0);
    running.signal("TERM");
    running.end(&stage).await;
}

#[tokio::test]
async fn a_process_that_was_killed_holds_no_lease_any_more() {
    let stage = Stage::with(many_due(3)).await;
    let stage = stage.account("max_in_flight: 1, rate: { describe: 1000/s, terminate: 1/s }");
    let running = stage.start(&["run", "--once"]);
    stage.until("the first call", |stage| !stage.terminated().is_empty()).await;
    running.signal("KILL");
    running.end(&stage).await.exits(-1);
    stage.once_exits(0).await;
}

#[tokio::test]
async fn a_process_that_was_stopped_past_its_lease_calls_nothing_more() {
    let stage = Stage::with(many_due(60)).await;
    let stage = stage.account("max_in_flight: 1, rate: { describe: 1000/s, terminate: 5/s }");
    let running = stage.start(&["run", "--once"]);
    stage.until("the first call", |stage| !stage.terminated().is_empty()).await;
    running.signal("STOP");
    // A process that was stopped in the middle of a transaction locks the journal.
    let mut other = stage.once().await;
    while other.code == 1 {
        running.signal("CONT");
        sleep(Duration::from_millis(30)).await;
        running.signal("STOP");
        other = stage.once().await;
    }
    other.exits(6);
    stage.sql("UPDATE leases SET owner = 'another', epoch = epoch + 1").await;
    let before = stage.terminated().len();
    running.signal("CONT");
    let seen = running.end(&stage).await;
    seen.exits(6).says("lease");
    let after = stage.terminated().len();
    assert!(after <= before + 1, "{before} calls before, {after} after it was stopped");
}

#[tokio::test]
async fn the_day_is_counted_when_an_intent_is_written() {
    let limits = "{ max_terminations: 99, max_percent: 100, max_per_day: 40 }";
    let stage = Stage::with(many_due(30)).await.limits(limits);
    let stage = stage.account("max_in_flight: 8, rate: { describe: 1000/s, terminate: 20/s }");
    let running = stage.start(&["run", "--once"]);
    stage.until("the first call", |stage| !stage.terminated().is_empty()).await;
    let other = "INSERT INTO intents (account, run, instance_id, intended_at, rule, why, tags, recoverable, record, outcome) \
         SELECT 'main', 'another', 'j-' || value, (SELECT MAX(intended_at) FROM intents), 'old', '', 0, 1, '{}', 'terminated' \
         FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30]')";
    stage.sql(other).await;
    let seen = running.end(&stage).await;
    seen.says("limits.max_per_day allows 40");
    assert!(stage.terminated().len() <= 18, "{}", stage.terminated().len());
}

#[tokio::test]
async fn after_a_pause_or_a_hold_returns_no_call_is_sent() {
    for latency in ["0ms", "150ms"] {
        for _ in 0..4 {
            let stage = Stage::with(many_due(60)).await;
            let stage =
                stage.account("max_in_flight: 8, rate: { describe: 1000/s, terminate: 50/s }");
            let stage = stage.fault(&format!("latency={latency},action=TerminateInstance"));
            let running = stage.start(&["run", "--once"]);
            stage.until("some calls", |stage| stage.terminated().len() > 3).await;
            stage.run(&["keep", "i-0050", "--for", "1h", "--reason", "mine"]).await.exits(0);
            stage.run(&["pause"]).await.exits(0);
            let before = stage.terminated().len();
            running.end(&stage).await.says("paused since");
            assert_eq!(stage.terminated().len(), before, "calls after the pause returned");
            assert!(!stage.terminated().contains(&"i-0050".to_owned()));
            let open: Vec<(i64,)> =
                stage.rows("SELECT COUNT(*) FROM intents WHERE outcome IS NULL").await;
            assert_eq!(open, [(0,)]);
        }
    }
}

#[tokio::test]
async fn a_hold_on_an_instance_that_waits_for_its_permit_returns_at_once() {
    let stage = Stage::with(many_due(3)).await;
    let stage = stage.account("max_in_flight: 3, rate: { describe: 1000/s, terminate: 1/m }");
    let running = stage.start(&["run", "--once"]);
    stage.until("the first call", |stage| stage.terminated().len() == 1).await;
    sleep(Duration::from_millis(200)).await;
    let start = clock::monotonic();
    stage.run(&["keep", "i-0002", "--for", "1h", "--reason", "mine"]).await.exits(0);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let ended: Vec<(Option<String>,)> =
        stage.rows("SELECT outcome FROM intents WHERE instance_id = 'i-0002'").await;
    assert_eq!(ended, [(text("not_called"),)]);
    running.signal("TERM");
    running.end(&stage).await;
    assert_eq!(stage.terminated().len(), 1);
}

/// A service at work: what becomes of its calls once its config is made stricter and it is told to reload.
async fn reloaded(edit: impl FnOnce(&str) -> String, rules: &str) -> Stage {
    let stage = Stage::with(many_due(60)).await;
    let stage = stage.account("max_in_flight: 4, rate: { describe: 1000/s, terminate: 10/s }");
    let service = Service::on(stage, "* * * * * *").await;
    service.stage.until("some calls", |stage| stage.terminated().len() > 2).await;
    let path = service.stage.path("config.yaml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, edit(&config)).unwrap();
    service.stage.write_rules(rules);
    service.running.signal("HUP");
    sleep(Duration::from_millis(400)).await;
    let before = service.stage.terminated().len();
    sleep(Duration::from_millis(800)).await;
    let after = service.stage.terminated().len();
    assert_eq!(before, after, "calls after the reload");
    let Service { stage, running, .. } = service;
    running.signal("TERM");
    running.end(&stage).await;
    stage
}

#[tokio::test]
async fn a_stricter_config_counts_from_the_next_call_on() {
    let protect = |config: &str| config.replace("protect: [{", "protect: [{ zone: HKG-A }, {");
    reloaded(protect, RULES).await;
    let excluded = RULES.replace("unless: [", "unless: [{ zone: HKG-A }, ");
    reloaded(str::to_owned, &excluded).await;
    reloaded(str::to_owned, &RULES.replace("zone: HKG-A", "zone: SEL-A")).await;
    reloaded(|config| config.replace("mode: enforce", "mode: dry-run"), RULES).await;
}

#[tokio::test]
async fn a_reload_that_cannot_be_used_changes_nothing() {
    let stage = Stage::with(many_due(30)).await;
    let stage = stage.account("max_in_flight: 4, rate: { describe: 1000/s, terminate: 10/s }");
    let service = Service::on(stage, "* * * * * *").await;
    service.stage.until("some calls", |stage| stage.terminated().len() > 2).await;
    service.stage.write_rules("rules: [{ name: odd }]");
    service.running.signal("HUP");
    service.stage.until("all calls", |stage| stage.terminated().len() == 30).await;
    service.ends_after("TERM").await.says("cannot be used");
}

/// What becomes of a run whose journal is damaged by `harm` while it is at work.
async fn harmed(what: &str, harm: impl FnOnce(&std::path::Path)) {
    let stage = Stage::with(vec![due("first")]).await;
    let stage = stage.account("max_in_flight: 2, rate: { describe: 1000/s, terminate: 10/s }");
    stage.once_exits(0).await;
    for machine in many_due(40) {
        stage.sandbox.add(&machine);
    }
    let running: Running = stage.start(&["run", "--once"]);
    stage.until("some calls", |stage| stage.terminated().len() > 3).await;
    harm(&stage.path("journal.db"));
    let before = stage.terminated().len();
    let seen = running.end(&stage).await;
    let after = stage.terminated().len();
    assert!(after <= before + 3, "{what}: {} calls after the journal was lost", after - before);
    seen.exits(1).says("journal");
}

#[tokio::test]
async fn a_journal_that_is_cut_off_is_noticed_as_a_deleted_one_is() {
    harmed("emptied", |path| fs::write(path, "").unwrap()).await;
    harmed("deleted", |path| fs::remove_file(path).unwrap()).await;
    let cut_off = |path: &std::path::Path| {
        fs::File::options().write(true).open(path).unwrap().set_len(4096).unwrap();
    };
    harmed("overwritten behind its first page", |path| {
        let mut file = fs::File::options().write(true).open(path).unwrap();
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        file.seek(std::io::SeekFrom::Start(4096)).unwrap();
        file.write_all(&vec![0; length - 4096]).unwrap();
    })
    .await;
    harmed("log cut off", |path| cut_off(&path.with_extension("db-wal"))).await;
    harmed("zeroed", |path| {
        let length = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
        fs::write(path, vec![0; length]).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_metrics_file_replaces_nothing_but_metrics() {
    let stage = Stage::with(many_due(1)).await;
    stage.once_exits(0).await;
    stage.once_exits(0).await;
    for name in ["config.yaml", "rules.yaml", "journal.db"] {
        let path = stage.path(name);
        let before = fs::read(&path).unwrap();
        let args = ["run", "--once", "--metrics-file", path.to_str().unwrap()];
        stage.run(&args).await.exits(1).says("holds no metrics");
        assert!(fs::read(&path).unwrap() == before, "{name}");
    }
    stage.run(&["run", "--once", "--metrics-file", "/dev/null"]).await.exits(0);
    assert!(!fs::metadata("/dev/null").unwrap().is_file(), "it is still a device");
}

#[tokio::test]
async fn a_live_instance_is_not_ours_to_release_whatever_shows_it() {
    let others = || (0..9).map(|n| due(&format!("j-{n}")).with("zoneId", "SEL-A"));
    let fleet = others().chain(many_due(1)).collect();
    let stage = Stage::with(fleet).await.rules(RELEASE).more("allow_release: true");
    let stage = stage.fault("error=INVALID_PARAMETER_VALUE,status=400,action=ReleaseInstances");
    stage.once().await;
    let calls = stage.calls_of(Action::ReleaseInstances).len();
    stage.sandbox.edit("i-0000", |machine| machine.set_status("RUNNING"));
    for n in 0..9 {
        stage.sandbox.remove(&format!("j-{n}"));
    }
    stage.once_exits(3).await.says("max_change_percent");
    for other in others() {
        stage.sandbox.add(&other);
    }
    stage.sandbox.edit("i-0000", |machine| machine.set_status("RECYCLE"));
    stage.sandbox.clear_faults();
    stage.once_exits(0).await;
    assert_eq!(
        stage.calls_of(Action::ReleaseInstances).len(),
        calls,
        "seen in a rejected inventory"
    );
}

/// The journal as if the account had had another name until now.
async fn renamed(stage: &Stage) {
    for table in ["runs", "intents", "holds", "releases", "promises", "notices"] {
        stage.sql(&format!("UPDATE {table} SET account = 'former'")).await;
    }
}

#[tokio::test]
async fn an_account_that_gets_another_name_keeps_its_day_and_its_holds() {
    let limits = "{ max_terminations: 99, max_percent: 100, max_per_day: 3 }";
    let stage = Stage::with(many_due(2)).await.limits(limits);
    stage.once_exits(0).await;
    renamed(&stage).await;
    stage.sandbox.edit("i-0000", |machine| machine.set_status("RUNNING"));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 2, "a restored instance is left alone");
    for n in 2..4 {
        stage.sandbox.add(&due(&format!("i-{n:04}")));
    }
    stage.once_exits(3).await.says("limits.max_per_day");
    assert_eq!(stage.terminated().len(), 2);
}

#[tokio::test]
async fn a_call_that_something_in_between_answered_may_have_happened() {
    for fault in ["challenge", "blocked", "error=AUTHFAILURE_SOMETHING_NEW,status=400"] {
        let stage = Stage::with(many_due(1)).await;
        takes_effect(&stage, &["i-0000"]);
        let stage = stage.fault(&format!("{fault},action=TerminateInstance"));
        stage.once_exits(1).await;
        let unknown = [("i-0000".to_owned(), text("unknown"), None)];
        assert_eq!(outcomes(&stage).await, unknown, "{fault}");
        stage.sandbox.clear_faults();
        stage.once_exits(0).await;
        stage.sandbox.edit("i-0000", |machine| machine.set_status("RUNNING"));
        stage.once_exits(0).await;
        assert_eq!(stage.terminated().len(), 1, "{fault}: it was restored, and is left alone");
    }
}

#[tokio::test]
async fn a_time_of_creation_that_was_lost_for_a_while_may_not_come_back_as_another() {
    let stage =
        Stage::with(many_due(10)).await.rules(&RULES.replace("default: 1h", "default: 99999h"));
    stage.once_exits(0).await;
    stage.sandbox.edit("i-0000", |machine| machine.set("createTime", serde_json::Value::Null));
    stage.once_exits(0).await;
    stage.sandbox.edit("i-0000", |machine| machine.set("createTime", "2014-06-01T00:00:00Z"));
    stage.once_exits(3).await.says("creation");
    assert!(stage.terminated().is_empty());
}
