//! The journal when things go wrong: a file that is damaged, full, read-only, gone or another one, and what is made of calls
//! whose outcome was never written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::Duration,
};

use common::{Running, Seen, Stage, disk::Disk, due, many_due, service::Service, value};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use zenreaper::sandbox::{Action, Machine};

const FAILED: &str = r#"zenreaper_runs_total{account="main",result="journal_failed"}"#;
const SUCCESS: &str = r#"zenreaper_runs_total{account="main",result="success"}"#;
const ERRORS: &str = r#"zenreaper_journal_errors_total{account="main"}"#;

/// Tells everything in the log.
const TELL_ALL: &str = "notices: { sinks: [{ name: log, type: log }] }";

fn settled(result: &str) -> String {
    format!(r#"zenreaper_settled_total{{account="main",result="{result}"}}"#)
}

fn skipped(reason: &str) -> String {
    format!(r#"zenreaper_skipped_total{{account="main",reason="{reason}"}}"#)
}

/// Changes a database that nobody has open.
async fn change(path: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A stage with a journal that one run wrote, and machines that are due since.
async fn with_journal(machines: Vec<Machine>) -> Stage {
    let stage = Stage::with(vec![due("kept").with_tag("keep", "")]).await;
    stage.once().await.exits(0);
    for machine in &machines {
        stage.sandbox.add(machine);
    }
    stage
}

/// A journal that cannot be used is told, counted, left as it is, and stops every termination.
async fn refuses(stage: &Stage, message: &str) {
    let path = stage.path("journal.db");
    let before = fs::read(&path).unwrap();
    let seen = stage.once().await;
    seen.exits(1).says(message).says(path.to_str().unwrap()).says("left as it");
    seen.counts(FAILED, 1.0);
    seen.counts(ERRORS, 1.0);
    assert!(stage.terminated().is_empty());
    assert!(fs::read(&path).unwrap() == before, "the file was changed: {message}");
}

#[tokio::test]
async fn what_is_no_database_is_left_as_it_is() {
    let stage = Stage::with(many_due(3)).await;
    fs::write(stage.path("journal.db"), [7_u8; 5000]).unwrap();
    refuses(&stage, "damaged or not a journal (it is not a SQLite file)").await;
    fs::write(stage.path("journal.db"), "SQLite format 3\0 and then nothing of the kind").unwrap();
    refuses(&stage, "damaged or not a journal").await;
}

#[tokio::test]
async fn a_service_tells_of_a_damaged_journal_before_its_first_run() {
    let stage = Stage::with(many_due(1)).await;
    fs::write(stage.path("journal.db"), [7_u8; 5000]).unwrap();
    let service = Service::on(stage, "0 0 0 1 1 *").await;
    let why = service.until("/readyz", |(_, text)| text.contains("journal")).await;
    assert!(why.contains("damaged or not a journal"), "{why}");
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_journal_with_a_damaged_page_is_left_as_it_is() {
    let stage = with_journal(many_due(3)).await;
    let path = stage.path("journal.db");
    change(&path, "VACUUM").await;
    let pages = fs::metadata(&path).unwrap().len() / 4096;
    for page in [1, pages - 1] {
        let whole = fs::read(&path).unwrap();
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xAA; 4096]).unwrap();
        refuses(&stage, "damaged or not a journal").await;
        fs::write(&path, whole).unwrap();
    }
    stage.once().await.exits(0);
    assert_eq!(stage.terminated().len(), 3, "a copy was put back");
}

#[tokio::test]
async fn the_database_of_another_program_is_left_as_it_is() {
    let stage = Stage::with(many_due(3)).await;
    change(&stage.path("journal.db"), "CREATE TABLE recipes (dish TEXT)").await;
    refuses(&stage, "it is the database of another program").await;
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_left_as_it_is() {
    let stage = with_journal(many_due(3)).await;
    change(&stage.path("journal.db"), "UPDATE _sqlx_migrations SET version = 9 WHERE version = 3")
        .await;
    refuses(&stage, "is of version 9, and this zenreaper knows versions up to 7").await;
}

#[tokio::test]
async fn a_journal_that_is_gone_stops_terminations_and_not_the_daemon() {
    let stage = Stage::with(vec![due("first")]).await;
    let service = Service::on(stage, "* * * * * *").await;
    service.metric(SUCCESS, |runs| runs >= 1.0).await;
    let (there, away) = (service.stage.path("journal.db"), service.stage.path("away.db"));
    fs::rename(&there, &away).unwrap();
    service.stage.sandbox.add(&due("second"));
    service.metric(FAILED, |runs| runs >= 2.0).await;
    let (status, why) = service.get("/readyz").await;
    assert_eq!(status, 503, "{why}");
    assert!(why.contains("was deleted while it was in use"), "{why}");
    assert_eq!(service.get("/healthz").await.0, 200);
    assert!(!there.exists(), "no new one is begun in silence");

    let keep =
        ["hold", "other", "--unseen", "--for", "1d", "--reason", "a command begins a new one"];
    service.stage.run(&keep).await.exits(0);
    assert!(there.exists());
    let failed = value(&service.get("/metrics").await.1, FAILED).unwrap();
    service.metric(FAILED, |runs| runs >= failed + 2.0).await;
    let (status, why) = service.get("/readyz").await;
    assert_eq!(status, 503, "one that knows of no hold is not taken instead: {why}");
    assert!(why.contains("was deleted while it was in use"), "{why}");
    assert_eq!(service.stage.terminated(), ["first"]);

    fs::rename(&away, &there).unwrap();
    service.stage.until("it goes on", |stage| stage.terminated() == ["first", "second"]).await;
    service.until("/readyz", |(status, _)| *status == 200).await;
    let intents: Vec<(String, Option<String>)> =
        service.stage.rows("SELECT instance_id, outcome FROM intents ORDER BY intended_at").await;
    let terminated = |id: &str| (id.to_owned(), Some("terminated".to_owned()));
    service.ends_after("TERM").await.exits(0).says("put it back, or restart zenreaper");
    assert_eq!(intents[0], terminated("first"));
    assert_eq!(intents[1].0, "second");
}

#[tokio::test]
async fn the_next_run_takes_a_journal_that_was_put_in_the_place_of_another() {
    let stage = with_journal(vec![due("first")]).await;
    let (there, other, old) =
        (stage.path("journal.db"), stage.path("other.db"), stage.path("old.db"));
    fs::copy(&there, &other).unwrap();
    change(
        &other,
        "INSERT INTO holds VALUES ('main', 'held', 'held', 0, 9999999999999, NULL, NULL, NULL)",
    )
    .await;
    let service = Service::on(stage, "* * * * * *").await;
    service.stage.until("the first is gone", |stage| stage.terminated() == ["first"]).await;
    service.metric(SUCCESS, |runs| runs >= 1.0).await;

    fs::hard_link(&there, &old).unwrap();
    fs::rename(&other, &there).unwrap();
    let [held, free] = ["held", "free"].map(due);
    service.stage.sandbox.add(&held);
    service.stage.sandbox.add(&free);
    service.stage.until("it goes on", |stage| stage.terminated() == ["first", "free"]).await;
    let before = value(&service.get("/metrics").await.1, SUCCESS).unwrap();
    service.metric(SUCCESS, |runs| runs >= before + 1.0).await;
    assert_eq!(service.stage.terminated(), ["first", "free"], "the new journal holds one");

    for (path, called) in [(&there, "free"), (&old, "first")] {
        let sound: Vec<(String,)> = service.stage.rows_at(path, "PRAGMA integrity_check").await;
        assert_eq!(sound, [("ok".to_owned(),)], "{}", path.display());
        let sql = "SELECT instance_id, outcome FROM intents";
        let intents: Vec<(String, String)> = service.stage.rows_at(path, sql).await;
        assert_eq!(intents, [(called.to_owned(), "terminated".to_owned())], "{}", path.display());
    }
    service.ends_after("TERM").await.exits(0);
}

/// One call at a time.
const ONE_BY_ONE: &str = "max_in_flight: 1, rate: { describe: 1000/s, terminate: 1000/s }";

#[tokio::test]
async fn a_journal_that_is_replaced_in_the_middle_of_a_run_ends_it() {
    let stage = with_journal(many_due(3)).await.account(ONE_BY_ONE);
    let (there, other) = (stage.path("journal.db"), stage.path("other.db"));
    fs::copy(&there, &other).unwrap();
    stage.sandbox.before_call(Action::TerminateInstance, 1, move |_| {
        fs::rename(&other, &there).unwrap();
    });
    let seen = stage.once().await;
    seen.exits(1).says("was replaced while it was in use").counts(FAILED, 1.0);
    assert_eq!(stage.terminated(), ["i-0000"]);
    stage.once().await.exits(0);
    assert_eq!(stage.terminated(), ["i-0000", "i-0001", "i-0002"], "once each");
}

#[tokio::test]
async fn a_call_whose_outcome_cannot_be_written_is_settled_by_the_next_run() {
    let stage = with_journal(many_due(3)).await.account(ONE_BY_ONE).more(TELL_ALL);
    let (there, away) = (stage.path("journal.db"), stage.path("away.db"));
    let (from, to) = (there.clone(), away.clone());
    stage.sandbox.before_call(Action::TerminateInstance, 1, move |_| {
        fs::rename(&from, &to).unwrap();
    });
    let seen = stage.once().await;
    seen.exits(1).says("was deleted while it was in use").counts(FAILED, 1.0);
    seen.counts(&skipped("unrecorded"), 2.0);
    assert_eq!(stage.terminated(), ["i-0000"]);

    fs::rename(&away, &there).unwrap();
    let seen = stage.once().await;
    seen.exits(0).counts(&settled("done"), 1.0);
    assert_eq!(stage.terminated(), ["i-0000", "i-0001", "i-0002"], "once each");
    assert_eq!(told(&seen, "terminated").len(), 3);
}

/// The machines that the log told of at a stage, in the order of their ids.
fn told(seen: &Seen, stage: &str) -> Vec<String> {
    let lines = seen.lines("stage", stage);
    let notices = lines.iter().filter(|line| line["instance_id"].is_string());
    let mut ids: Vec<_> =
        notices.map(|line| line["instance_id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// What became of the calls for a machine, by the journal.
async fn outcomes(stage: &Stage, id: &str) -> Vec<(Option<String>, Option<String>)> {
    type Row = (String, Option<String>, Option<String>);
    let sql = "SELECT instance_id, outcome, verified FROM intents ORDER BY intended_at";
    let rows: Vec<Row> = stage.rows(sql).await;
    rows.into_iter().filter(|row| row.0 == id).map(|row| (row.1, row.2)).collect()
}

fn known(outcome: &str, verified: &str) -> (Option<String>, Option<String>) {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (text(outcome), text(verified))
}

/// One machine, whose call hangs until the run is killed.
async fn killed_while_it_calls(hang: &str) -> Stage {
    let stage = Stage::with(many_due(1)).await.timeout("10s").more(TELL_ALL);
    let stage = stage.fault(&format!("{hang},action=TerminateInstance,times=1"));
    let effect = hang == "hang-after-effect";
    let running = stage.start(&["run", "--once"]);
    let status =
        |stage: &Stage| stage.sandbox.machine("i-0000").unwrap().status() == Some("RECYCLE");
    stage.until("the call", |stage| stage.terminated().len() == 1 && status(stage) == effect).await;
    running.signal("KILL");
    running.end(&stage).await.exits(-1);
    assert_eq!(outcomes(&stage, "i-0000").await, [known("", "")], "nothing was written after it");
    stage
}

#[tokio::test]
async fn killed_after_the_call_took_effect_it_knows_so_and_tells() {
    let stage = killed_while_it_calls("hang-after-effect").await;
    let seen = stage.once().await;
    seen.exits(0).counts(&settled("done"), 1.0);
    seen.counts(
        r#"zenreaper_terminations_total{account="main",outcome="terminated",rule="old"}"#,
        1.0,
    );
    assert_eq!(outcomes(&stage, "i-0000").await, [known("terminated", "done")]);
    assert_eq!(told(&seen, "terminated"), ["i-0000"]);
    assert!(told(&stage.once().await, "terminated").is_empty(), "once");
    assert_eq!(stage.terminated().len(), 1);
}

#[tokio::test]
async fn killed_before_the_call_took_effect_it_calls_again() {
    let stage = killed_while_it_calls("hang").await;
    let seen = stage.once().await;
    seen.exits(0).counts(&settled("not_done"), 1.0);
    assert_eq!(
        outcomes(&stage, "i-0000").await,
        [known("unknown", "not_done"), known("terminated", "")]
    );
    assert_eq!(told(&seen, "terminated"), ["i-0000"]);
    stage.once().await.exits(0).counts(&settled("confirmed"), 1.0);
    assert_eq!(stage.terminated().len(), 2, "the one that did nothing, and the one that did");
}

#[tokio::test]
async fn killed_before_the_call_was_sent_it_calls_once() {
    let stage = Stage::with(many_due(2)).await;
    let stage = stage.account("max_in_flight: 2, rate: { describe: 1000/s, terminate: 1/m }");
    let running = stage.start(&["run", "--once"]);
    stage.until("the first call", |stage| stage.terminated().len() == 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.signal("KILL");
    running.end(&stage).await.exits(-1);
    assert_eq!(outcomes(&stage, "i-0001").await, [known("", "")]);
    stage
        .once()
        .await
        .exits(0)
        .counts(&settled("not_done"), 1.0)
        .counts(&settled("confirmed"), 1.0);
    assert_eq!(stage.terminated(), ["i-0000", "i-0001"]);
}

#[tokio::test]
async fn a_call_that_arrives_after_the_inventory_is_known_by_the_next_one() {
    let stage = killed_while_it_calls("hang").await;
    stage.sandbox.before_call(Action::DescribeInstances, 2, |fleet| {
        fleet.edit("i-0000", |machine| machine.set_status("RECYCLE"));
    });
    stage.once().await.exits(0).counts(&settled("not_done"), 1.0).counts(&skipped("changed"), 1.0);
    let seen = stage.once().await;
    seen.exits(0).counts(&settled("done"), 1.0);
    assert_eq!(outcomes(&stage, "i-0000").await, [known("terminated", "done")]);
    assert_eq!(told(&seen, "terminated"), ["i-0000"]);
    assert_eq!(stage.terminated().len(), 1);
}

#[tokio::test]
async fn a_call_that_arrives_before_the_next_one_is_told_of() {
    let stage = killed_while_it_calls("hang").await;
    stage.sandbox.before_call(Action::TerminateInstance, 1, |fleet| {
        fleet.edit("i-0000", |machine| machine.set_status("RECYCLE"));
    });
    let seen = stage.once().await;
    seen.exits(0).counts(&settled("not_done"), 1.0);
    assert_eq!(
        outcomes(&stage, "i-0000").await,
        [known("unknown", "not_done"), known("terminated", "")]
    );
    assert_eq!(told(&seen, "terminated"), ["i-0000"]);
}

#[tokio::test]
async fn what_was_gone_before_any_call_of_ours_is_nobodys_news() {
    let stage = Stage::with(many_due(1)).await.more(TELL_ALL);
    stage.sandbox.before_call(Action::TerminateInstance, 1, |fleet| {
        fleet.edit("i-0000", |machine| machine.set_status("RECYCLE"));
    });
    let seen = stage.once().await;
    assert_eq!(outcomes(&stage, "i-0000").await, [known("gone", "")]);
    assert!(told(&seen, "terminated").is_empty());
}

#[tokio::test]
async fn an_earlier_try_of_the_same_call_may_have_taken_the_machine() {
    let stage = Stage::with(many_due(1)).await.more(TELL_ALL);
    let stage = stage.fault("reset-after-effect,action=TerminateInstance,times=1");
    let seen = stage.once().await;
    assert_eq!(outcomes(&stage, "i-0000").await, [known("terminated", "")]);
    assert_eq!(told(&seen, "terminated"), ["i-0000"]);
}

#[tokio::test]
async fn an_accepted_machine_that_is_still_there_is_left_alone() {
    let stage = Stage::with(many_due(1)).await;
    stage.once().await.exits(0);
    stage.sandbox.edit("i-0000", |machine| machine.set_status("RUNNING"));
    let seen = stage.once().await;
    seen.exits(0).counts(&settled("still_present"), 1.0).counts(&skipped("accepted"), 1.0);
    let seen = stage.once().await;
    seen.exits(0).counts(&settled("still_present"), 0.0).counts(&skipped("accepted"), 1.0);
    stage.sandbox.edit("i-0000", |machine| machine.set_status("RECYCLE"));
    stage.once().await.exits(0).counts(&settled("confirmed"), 1.0);
    assert_eq!(stage.terminated(), ["i-0000"], "once");
    assert_eq!(outcomes(&stage, "i-0000").await, [known("terminated", "confirmed")]);
}

#[tokio::test]
async fn a_disk_that_fills_up_in_the_middle_of_a_run_stops_it_at_what_is_written() {
    let large = |machine: Machine| machine.with("note", "x".repeat(2000));
    let stage = Stage::with(many_due(300).into_iter().map(large).collect()).await;
    let Some((stage, disk)) = Disk::under(stage, "700k").await else { return };
    let seen = stage.once().await;
    seen.exits(1).says("the journal").says("disk is full").counts(FAILED, 1.0);
    let called = stage.terminated();
    assert!(!called.is_empty() && called.len() < 300, "{} calls", called.len());
    disk.remount("size=20m");
    let sql = "SELECT instance_id FROM intents";
    // A copy: SQLite would follow the path to where it leads outside.
    let copy = stage.path("copy.db");
    for end in ["", "-wal"] {
        let of = |path: &Path| {
            path.with_file_name(format!("{}{end}", path.file_name().unwrap().display()))
        };
        drop(std::fs::copy(of(&disk.path("journal.db")), of(&copy)));
    }
    let intents: Vec<(String,)> = stage.rows_at(&copy, sql).await;
    assert!(
        called.iter().all(|id| intents.iter().any(|(one,)| one == id)),
        "no call without record"
    );

    stage.once().await.exits(0);
    let mut called = stage.terminated();
    called.sort_unstable();
    assert_eq!(
        called,
        many_due(300).iter().map(|one| one.id().unwrap().to_owned()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_daemon_goes_on_once_there_is_space_again() {
    let stage = Stage::with(many_due(3)).await;
    let Some((stage, disk)) = Disk::under(stage, "1m").await else { return };
    stage.sandbox.edit("i-0000", |machine| machine.set_tag("keep", ""));
    let service = Service::on(stage, "* * * * * *").await;
    service.metric(SUCCESS, |runs| runs >= 1.0).await;
    let before = service.stage.terminated();
    disk.fill();
    service.metric(FAILED, |runs| runs >= 1.0).await;
    service.stage.sandbox.add(&due("late"));
    service.metric(FAILED, |runs| runs >= 3.0).await;
    let (status, why) = service.get("/readyz").await;
    assert!(status == 503 && why.contains("disk is full"), "{status} {why}");
    assert_eq!(service.stage.terminated(), before);
    disk.free();
    service
        .stage
        .until("it goes on", |stage| stage.terminated().contains(&"late".to_owned()))
        .await;
    service.until("/readyz", |(status, _)| *status == 200).await;
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_journal_that_is_read_only_stops_terminations_and_not_the_daemon() {
    let stage = Stage::with(vec![due("kept").with_tag("keep", "")]).await;
    let Some((stage, disk)) = Disk::under(stage, "1m").await else { return };
    stage.once().await.exits(0);
    stage.sandbox.add(&due("late"));
    disk.remount("ro");
    stage.once().await.exits(1).says("cannot be used").says("disk/journal.db").counts(FAILED, 1.0);
    let service = Service::on(stage, "* * * * * *").await;
    service.metric(FAILED, |runs| runs >= 2.0).await;
    assert_eq!(service.get("/readyz").await.0, 503);
    assert!(service.stage.terminated().is_empty());
    disk.remount("rw");
    service.stage.until("it goes on", |stage| stage.terminated() == ["late"]).await;
    service.until("/readyz", |(status, _)| *status == 200).await;
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn two_processes_may_begin_one_journal_at_once() {
    for _ in 0..5 {
        let stage = Stage::with(Vec::new()).await;
        // Making a command writes the config, so all of them are made before the first begins.
        let commands = ["a", "b", "c", "d"].map(|why| stage.command(&["pause", "--reason", why]));
        let all = commands.map(Running::of);
        for one in all {
            one.end(&stage).await.exits(0);
        }
    }
}
