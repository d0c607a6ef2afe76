//! `hold` and `unhold`: by id, by name, by matcher, and nothing that is not there.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Seen, Stage, due, many_due};
use jiff::SignedDuration;
use zenreaper::sandbox::{self, Machine};

/// A fleet with a name that two have, a name that is the id of another, and one in the recycle bin.
fn fleet() -> Vec<Machine> {
    vec![
        due("i-1").with("instanceName", "test-build-20").with_tag("project", "search"),
        due("i-2").with("instanceName", "twin"),
        due("i-3").with("instanceName", "twin").with_tag("project", "search"),
        due("i-4").with("instanceName", "i-1"),
        due("i-5").with("instanceName", "binned").with("instanceStatus", "RECYCLE"),
        due("i-6").with("instanceName", "-dash \u{fc}nicode"),
    ]
}

async fn hold(stage: &Stage, which: &[&str]) -> Seen {
    let args = [&["hold"], which, &["--for", "7d", "--reason", "a demo"]].concat();
    stage.run(&args).await
}

/// The ids that operators hold.
async fn held(stage: &Stage) -> Vec<String> {
    let rows: Vec<(String,)> = stage
        .rows("SELECT instance_id FROM holds WHERE kind = 'held' AND ended_at IS NULL ORDER BY 1")
        .await;
    rows.into_iter().map(|(id,)| id).collect()
}

#[tokio::test]
async fn an_instance_is_held_by_its_id_or_its_name_and_never_another() {
    let table: [(&[&str], i32, &str, &[&str]); 18] = [
        (&["i-1"], 0, "i-1 (test-build-20, account main) is held until 2026-", &["i-1"]),
        (&["test-build-20"], 0, "`zenreaper unhold i-1` ends the hold", &["i-1"]),
        (&["--name", "test-build-20"], 0, "i-1 (test-build-20, account main)", &["i-1"]),
        (&["--name", "i-1"], 0, "i-4 (i-1, account main)", &["i-4"]),
        (&["--name=-dash \u{fc}nicode"], 0, "i-6 (-dash \u{fc}nicode", &["i-6"]),
        (&["i-5"], 0, "note: it is in the recycle bin", &["i-5"]),
        (
            &["twin"],
            2,
            "2 instances have the name `twin`; name one by its id:\n  i-2 in main\n  i-3 in main",
            &[],
        ),
        (&["--name", "twin"], 2, "2 instances have the name `twin`", &[]),
        (&["nope-at-all"], 1, "neither the journal nor the inventory has an instance", &[]),
        (&["I-1"], 1, "did you mean the id `i-1`?", &[]),
        (&[" i-1"], 1, "did you mean the id `i-1`?", &[]),
        (&["i-1\n"], 1, "did you mean the id `i-1`?", &[]),
        (&["Test-Build-20"], 1, "did you mean `--name test-build-20`?", &[]),
        (&["test-build-2*"], 1, "neither the journal nor the inventory", &[]),
        (&["--name", "i-2"], 1, "neither the journal nor the inventory", &[]),
        (
            &["nope-at-all", "--unseen"],
            0,
            "nope-at-all (account main) is held until",
            &["nope-at-all"],
        ),
        (
            &["i-1", "--account", "nope"],
            2,
            "`nope` is not an account; --account names one of main",
            &[],
        ),
        (&["i-1", "--name", "twin"], 2, "cannot be used with", &[]),
    ];
    let stage = Stage::with(fleet()).await;
    for (which, code, says, ids) in table {
        drop(std::fs::remove_file(stage.path("journal.db")));
        hold(&stage, which).await.exits(code).says(says);
        let there = stage.path("journal.db").exists();
        assert_eq!(there, !ids.is_empty(), "{which:?}: what is refused writes nothing");
        if there {
            assert_eq!(held(&stage).await, ids, "{which:?}");
        }
    }
}

#[tokio::test]
async fn every_instance_that_matches_is_held() {
    let table: [(&str, i32, &str, &[&str]); 9] = [
        ("{ tags: { project: search } }", 0, "2 instances are held until", &["i-1", "i-3"]),
        ("tags: { project: search }", 0, "i-3 (twin, account main)", &["i-1", "i-3"]),
        ("[{ id: i-1 }, { name: twin }]", 0, "3 instances are held", &["i-1", "i-2", "i-3"]),
        (
            "{ hostname: db, zone: HKG-A }",
            0,
            "note: its hostname is unknown",
            &["i-1", "i-2", "i-3", "i-4", "i-5", "i-6"],
        ),
        ("{ tags: { project: nope } }", 1, "no instance matches", &[]),
        ("{ tagz: { project: search } }", 2, "--match is not a matcher such as", &[]),
        ("{ tags: ", 2, "--match is not a matcher such as", &[]),
        ("{}", 2, "--match is not a matcher such as", &[]),
        ("", 2, "--match is not a matcher such as", &[]),
    ];
    let stage = Stage::with(fleet()).await;
    for machine in stage.sandbox.machines() {
        stage
            .sandbox
            .edit(machine.id().unwrap(), |one| one.set("hostname", serde_json::Value::Null));
    }
    for (matcher, code, says, ids) in table {
        drop(std::fs::remove_file(stage.path("journal.db")));
        hold(&stage, &["--match", matcher]).await.exits(code).says(says);
        if code == 0 {
            assert_eq!(held(&stage).await, ids, "{matcher}");
        } else {
            assert!(!stage.path("journal.db").exists(), "{matcher}");
        }
    }
    let many = Stage::with(many_due(1_001)).await;
    hold(&many, &["--match", "{ zone: HKG-A }"]).await.exits(2).says("1001 instances match");
}

#[tokio::test]
async fn what_the_journal_knows_is_held_without_any_call() {
    let stage = Stage::with(many_due(2)).await.dry();
    stage.once_exits(0).await;
    let calls = stage.sandbox.calls().len();
    hold(&stage, &["i-0000"]).await.exits(0).says("i-0000 (name-of-i-0000, account main)");
    assert_eq!(stage.sandbox.calls().len(), calls);

    let offline = |args: &[&str]| {
        let args = [&["hold"], args, &["--for", "7d", "--reason", "a demo"]].concat();
        let mut command = stage.command(&args);
        command.env_remove("ZENLAYER_ACCESS_KEY_ID").env_remove("ZENLAYER_ACCESS_KEY_SECRET");
        command
    };
    let seen = stage.run_command(offline(&["name-of-i-0001"])).await;
    seen.exits(0).says("i-0001 (name-of-i-0001").says("the last one that the journal has of it");
    let seen = stage.run_command(offline(&["i-0002"])).await;
    seen.exits(1).says("cannot list the account main: no credentials").says("--unseen");
    let seen = stage.run_command(offline(&["--match", "{ zone: HKG-A }"])).await;
    seen.exits(1).says("no credentials for the account `main`");
    stage.run_command(offline(&["i-0002", "--unseen"])).await.exits(0);
    // A hold under a wrong id does not make it a known one.
    stage.run_command(offline(&["i-0002"])).await.exits(1);
}

#[tokio::test]
async fn a_hold_that_comes_too_late_says_so() {
    let stage = Stage::with(many_due(1)).await;
    stage.once_exits(0).await;
    let seen = hold(&stage, &["i-0000"]).await;
    seen.exits(0).says("note: its termination was accepted at 2026-").says("Zenlayer's console");
    stage.time_passes(SignedDuration::from_hours(30)).await;
    let seen = hold(&stage, &["i-0000"]).await;
    assert!(!seen.exits(0).out.contains("console"), "{}", seen.out);
}

#[tokio::test]
async fn a_hold_is_ended_by_id_or_name_and_nothing_else_is() {
    let stage = Stage::with(fleet()).await;
    for id in ["i-1", "i-2", "i-3"] {
        hold(&stage, &[id]).await.exits(0);
    }
    let unhold = async |which: &str| stage.run(&["unhold", which]).await;
    unhold("i-4").await.exits(1).says("nobody holds `i-4`; held: i-1, i-2, i-3");
    unhold("twin").await.exits(1);
    unhold("test-build-20").await.exits(0).says("i-1 (account main) is not held any more");
    assert_eq!(held(&stage).await, ["i-2", "i-3"]);
    unhold("i-2").await.exits(0);
    unhold("i-2").await.exits(1).says("nobody holds `i-2`; held: i-3");
    // The old names of the commands still work.
    stage.run(&["unkeep", "i-3"]).await.exits(0);
    stage.run(&["keep", "i-3", "--for", "1d", "--reason", "x"]).await.exits(0);
    assert_eq!(held(&stage).await, ["i-3"]);
    let help = stage.run(&["--help"]).await;
    assert!(!help.exits(0).out.contains("keep  "), "{}", help.out);
}

#[tokio::test]
async fn of_several_accounts_the_one_that_has_the_instance_is_taken() {
    let stage = Stage::with(fleet()).await;
    let other = sandbox::Sandbox::start(sandbox::Options {
        machines: vec![due("i-9").with("instanceName", "only-there"), due("i-1")],
        ..sandbox::Options::default()
    })
    .await
    .unwrap();
    let more =
        format!("max_in_flight: 2 }}\n  - {{ name: other, endpoint: \"{}\"", other.endpoint());
    let stage = stage.account(&more);
    hold(&stage, &["only-there"]).await.exits(0).says("i-9 (only-there, account other)");
    hold(&stage, &["i-2"]).await.exits(0).says("i-2 (twin, account main)");
    hold(&stage, &["i-1"]).await.exits(2).says("--account names one of main, other");
    hold(&stage, &["i-1", "--account", "other"]).await.exits(0).says("account other");
    hold(&stage, &["i-8", "--unseen"]).await.exits(2).says("--account names one of main, other");
    hold(&stage, &["i-1", "--account", "main"]).await.exits(0).says("account main");
    stage.run(&["unhold", "i-1"]).await.exits(2).says("--account names one of");
    stage.run(&["unhold", "i-1", "--account", "other"]).await.exits(0).says("account other");
    stage.run(&["unhold", "i-1"]).await.exits(0).says("account main");
    stage.run(&["unhold", "only-there"]).await.exits(0).says("account other");
}
