//! What an owner was told binds every rule, whatever is edited between runs: rules, their names, the account's name, the owner.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Stage, due, receiver::Receiver};
use jiff::SignedDuration;
use zenreaper::sandbox::Machine;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

const MATCH: &str =
    "match: { zone: HKG-A }, unless: { tags: { keep: '*' } }, expire: { after: 1h }";
const MUTE: &str = "{ name: mute, match: { zone: HKG-A }, expire: { after: 1h } }";

fn rules(all: &[&str]) -> String {
    format!("rules: [{}]", all.join(", ").replace("MATCH", MATCH))
}

fn sinks(receivers: &[(&str, &Receiver)]) -> String {
    let sink = |(name, receiver): &(&str, &Receiver)| {
        format!("\n    - {{ name: {name}, type: webhook, url: \"{}/{name}\" }}", receiver.origin)
    };
    format!(
        "allow_release: true\nnotices:\n  sinks:{}",
        receivers.iter().map(sink).collect::<String>()
    )
}

/// An instance that a rule takes with an hour's notice, some that no rule takes, and the receiver of the notices.
async fn stage_of(machine: Machine) -> (Stage, Receiver) {
    let receiver = Receiver::start(&[]).await;
    let other = |n| Machine::new(&format!("other-{n}")).with("zoneId", "SEL-A");
    let others = (0..4).map(|n| other(n).with_tag("owner", "ann"));
    let fleet = std::iter::once(machine).chain(others).collect();
    let stage = Stage::with(fleet).await.more(&sinks(&[("hook", &receiver)]));
    (stage.rules(&rules(&["{ name: told, MATCH, notice: 1h }"])), receiver)
}

/// The same once the notice was sent.
async fn noticed() -> (Stage, Receiver) {
    let (stage, receiver) = stage_of(due("i-0000").with_tag("owner", "ann")).await;
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "1 noticed");
    (stage, receiver)
}

async fn run_after(stage: &Stage, time: SignedDuration) {
    stage.time_passes(time).await;
    stage.once_exits(0).await;
}

/// Checks that the instance goes an hour after the notice, not earlier, and that nothing more is sent until then.
async fn goes_as_told(stage: &Stage, receiver: &Receiver, what: &str) {
    stage.once_exits(0).await;
    run_after(stage, HOUR - MINUTE).await;
    assert!(stage.terminated().is_empty(), "{what}: too early");
    assert_eq!(receiver.count(), "1 noticed", "{what}");
    run_after(stage, MINUTE + SECOND).await;
    assert_eq!(stage.terminated(), ["i-0000"], "{what}");
    assert_eq!(receiver.count(), "1 noticed, 1 terminated", "{what}");
    let open = "SELECT key FROM promises WHERE ended_at IS NULL";
    assert_eq!(stage.rows::<(String,)>(open).await, [], "{what}");
}

#[tokio::test]
async fn no_edit_of_the_rules_brings_forward_what_an_owner_was_told() {
    let told = "{ name: told, MATCH, notice: 1h }";
    let edits: [(&str, &[&str]); 11] = [
        ("a rule without notice after it", &[told, MUTE]),
        ("a rule without notice before it", &[MUTE, told]),
        ("another rule without notice alone", &[MUTE]),
        ("renamed", &["{ name: other, MATCH, notice: 1h }"]),
        ("renamed, with a shorter notice", &["{ name: other, MATCH, notice: 1m }"]),
        ("a shorter notice", &["{ name: told, MATCH, notice: 1m }"]),
        ("not required", &["{ name: told, MATCH, notice: 1m, notice_required: false }"]),
        ("renamed, not required", &["{ name: b, MATCH, notice: 1m, notice_required: false }"]),
        ("released", &["{ name: b, MATCH, action: release }", told]),
        ("due at once", &["{ name: b, match: { zone: HKG-A } }", told]),
        ("scheduled", &["{ name: b, MATCH, schedule: '* * * * *' }"]),
    ];
    for (what, edit) in edits {
        let (stage, receiver) = noticed().await;
        stage.write_rules(&rules(edit));
        goes_as_told(&stage, &receiver, what).await;
    }
}

#[tokio::test]
async fn a_longer_notice_counts_from_when_the_owner_was_told() {
    let (stage, receiver) = noticed().await;
    stage.write_rules(&rules(&["{ name: other, MATCH, notice: 3h }"]));
    run_after(&stage, HOUR * 3 - MINUTE).await;
    assert!(stage.terminated().is_empty() && receiver.count() == "1 noticed");
    run_after(&stage, MINUTE + SECOND).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn a_rule_that_gets_a_new_name_at_every_run_does_not_notify_again() {
    let (stage, receiver) = noticed().await;
    for n in 0..4 {
        stage.write_rules(&rules(&[&format!("{{ name: told-{n}, MATCH, notice: 1h }}")]));
        run_after(&stage, MINUTE * 14).await;
        assert!(stage.terminated().is_empty());
    }
    stage.write_rules(&rules(&["{ name: told-9, MATCH, notice: 1h }"]));
    run_after(&stage, MINUTE * 4 + SECOND).await;
    assert_eq!((stage.terminated().len(), &*receiver.count()), (1, "1 noticed, 1 terminated"));
}

#[tokio::test]
async fn a_promise_whose_notice_did_not_arrive_binds_a_rule_without_notice() {
    let (stage, receiver) = stage_of(due("i-0000")).await;
    receiver.answer(503);
    stage.once_exits(0).await;
    stage.write_rules(&rules(&[MUTE]));
    run_after(&stage, HOUR - MINUTE).await;
    assert_eq!(stage.decision("i-0000").await["reason"], "undelivered");
    assert!(stage.terminated().is_empty());
    run_after(&stage, MINUTE + SECOND).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn what_was_withdrawn_comes_no_earlier_than_it_was_announced() {
    let empty = "rules: [{ name: none, match: { zone: none } }]";
    for by_tag in [true, false] {
        let (stage, receiver) = noticed().await;
        if by_tag {
            stage.sandbox.edit("i-0000", |one| one.set_tag("keep", "yes"));
        } else {
            stage.write_rules(empty);
        }
        stage.once_exits(0).await;
        assert_eq!(receiver.count(), "1 noticed, 1 withdrawn");
        assert_eq!(receiver.told("withdrawn")[0].owner.as_deref(), Some("ann"));
        stage.write_rules(&rules(&[MUTE]));
        run_after(&stage, HOUR - MINUTE).await;
        assert!(stage.terminated().is_empty());
        run_after(&stage, MINUTE + SECOND).await;
        assert_eq!(stage.terminated(), ["i-0000"]);
        assert_eq!(receiver.count(), "1 noticed, 1 withdrawn, 1 terminated");
    }
}

#[tokio::test]
async fn a_new_owner_gets_a_notice_and_the_whole_period() {
    let owners: [Option<&str>; 3] = [Some("bob"), None, Some("Ann")];
    for owner in owners {
        let (stage, receiver) = noticed().await;
        stage.time_passes(MINUTE * 30).await;
        stage.sandbox.edit("i-0000", move |one| match owner {
            Some(owner) => one.set_tag("owner", owner),
            None => one.remove_tag("owner"),
        });
        stage.once_exits(0).await;
        assert_eq!(receiver.count(), "2 noticed", "{owner:?}");
        assert_eq!(receiver.told("noticed")[1].owner.as_deref(), owner);
        run_after(&stage, HOUR - MINUTE).await;
        assert!(stage.terminated().is_empty(), "{owner:?}");
        run_after(&stage, MINUTE + SECOND).await;
        assert_eq!(stage.terminated(), ["i-0000"], "{owner:?}");
        assert_eq!(receiver.count(), "2 noticed, 1 terminated");
        let ended = "SELECT ended_as FROM promises ORDER BY begun_at";
        let ended: Vec<(String,)> = stage.rows(ended).await;
        assert_eq!(ended, [("replaced".to_owned(),), ("terminated".to_owned(),)]);
    }
}

#[tokio::test]
async fn the_time_that_an_earlier_owner_was_told_binds_too() {
    let (stage, receiver) = noticed().await;
    stage.sandbox.edit("i-0000", |one| one.set_tag("owner", "bob"));
    stage.write_rules(&rules(&["{ name: told, MATCH, notice: 1m }"]));
    run_after(&stage, SECOND).await;
    assert_eq!(receiver.count(), "2 noticed");
    let (first, second) =
        (receiver.told("noticed")[0].clone(), receiver.told("noticed")[1].clone());
    let (ann, bob) = (&first.machines[0]["terminate_at"], &second.machines[0]["terminate_at"]);
    let at =
        |value: &serde_json::Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!((at(ann) - at(bob)).total(jiff::Unit::Second).unwrap().abs() < 3.0, "{ann} {bob}");
    run_after(&stage, HOUR - MINUTE).await;
    assert!(stage.terminated().is_empty());
    run_after(&stage, MINUTE).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn a_notice_that_an_earlier_owner_did_not_get_is_dropped() {
    let (stage, receiver) = stage_of(due("i-0000").with_tag("owner", "ann")).await;
    receiver.answer(503);
    stage.once_exits(0).await;
    stage.sandbox.edit("i-0000", |one| one.set_tag("owner", "bob"));
    receiver.answer(200);
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "1 noticed");
    assert_eq!(receiver.told("noticed")[0].owner.as_deref(), Some("bob"));
}

#[tokio::test]
async fn white_space_around_the_owner_is_no_new_owner() {
    let (stage, receiver) = noticed().await;
    stage.sandbox.edit("i-0000", |one| one.set_tag("owner", " ann "));
    goes_as_told(&stage, &receiver, "white space").await;
}

async fn rename_account(stage: &Stage) {
    for table in ["promises", "notices"] {
        stage.sql(&format!("UPDATE {table} SET account = 'before'")).await;
    }
}

#[tokio::test]
async fn a_promise_outlives_the_name_of_its_account() {
    let edits: [(&str, &[&str]); 3] = [
        ("the same rule", &["{ name: told, MATCH, notice: 1h }"]),
        ("renamed too", &["{ name: other, MATCH, notice: 1h }"]),
        ("without notice", &[MUTE]),
    ];
    for (what, edit) in edits {
        let (stage, receiver) = noticed().await;
        rename_account(&stage).await;
        stage.write_rules(&rules(edit));
        assert_eq!(stage.decision("i-0000").await["reason"], "told", "{what}");
        goes_as_told(&stage, &receiver, what).await;
    }
}

#[tokio::test]
async fn a_notice_that_was_on_its_way_is_sent_under_the_new_name_of_its_account() {
    let (stage, receiver) = stage_of(due("i-0000")).await;
    receiver.answer(503);
    stage.once_exits(0).await;
    rename_account(&stage).await;
    stage.time_passes(HOUR * 2).await;
    receiver.answer(200);
    stage.once_exits(0).await;
    assert_eq!((&*receiver.count(), stage.count_of("promises").await), ("1 noticed", 1));
    run_after(&stage, HOUR - MINUTE).await;
    assert!(stage.terminated().is_empty());
    run_after(&stage, MINUTE + SECOND).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn a_promise_under_a_former_name_is_withdrawn_once_and_only_by_the_account_of_its_instance() {
    let (stage, receiver) = noticed().await;
    rename_account(&stage).await;
    let elsewhere = "INSERT INTO promises (key, account, instance_id, rule, owner, begun_at, terminate_at) \
         SELECT 'elsewhere', account, 'elsewhere', rule, owner, begun_at, terminate_at FROM promises";
    stage.sql(elsewhere).await;
    stage.sandbox.edit("i-0000", |one| one.set_tag("keep", "yes"));
    stage.once_exits(0).await;
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "1 noticed, 1 withdrawn");
    let open: Vec<(String,)> =
        stage.rows("SELECT instance_id FROM promises WHERE ended_at IS NULL").await;
    assert_eq!(open, [("elsewhere".to_owned(),)]);
}

#[tokio::test]
async fn a_sink_that_comes_later_names_a_time_that_binds() {
    let (stage, receiver) = noticed().await;
    let later = Receiver::start(&[]).await;
    let stage = stage.more(&sinks(&[("hook", &receiver), ("later", &later)]));
    run_after(&stage, MINUTE * 30).await;
    assert_eq!(later.count(), "1 noticed");
    // The hour of the first sink is over then, that of the later one is not.
    stage.write_rules(&rules(&[MUTE]));
    run_after(&stage, MINUTE * 31).await;
    assert!(stage.terminated().is_empty());
    run_after(&stage, MINUTE * 29 + SECOND).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn a_journal_of_before_knows_the_owner_by_the_notices() {
    for (is_known, count) in [(true, "1 noticed"), (false, "2 noticed")] {
        let (stage, receiver) = noticed().await;
        if !is_known {
            stage.sql("UPDATE notices SET owner = 'bob'").await;
        }
        stage.sql("ALTER TABLE promises DROP COLUMN owner").await;
        stage.sql("DELETE FROM _sqlx_migrations WHERE version = 7").await;
        run_after(&stage, MINUTE * 59).await;
        assert_eq!(receiver.count(), count);
        assert!(stage.terminated().is_empty());
        run_after(&stage, MINUTE + SECOND).await;
        assert_eq!(stage.terminated().len(), usize::from(is_known));
    }
}

#[tokio::test]
async fn nothing_of_what_happens_in_between_brings_a_termination_forward() {
    let (stage, receiver) = noticed().await;
    let status = |status: &'static str| move |one: &mut Machine| one.set("status", status);
    stage.sandbox.edit("i-0000", status("INSTALLING"));
    run_after(&stage, MINUTE * 10).await;
    stage.run(&["pause", "--reason", "a test"]).await.exits(0);
    stage.sandbox.edit("i-0000", status("RUNNING"));
    run_after(&stage, MINUTE * 10).await;
    stage.run(&["resume"]).await.exits(0);
    let stage = stage.dry();
    stage.write_rules(&rules(&[MUTE]));
    run_after(&stage, MINUTE * 10).await;
    let stage = stage.enforcing().limits("{ max_terminations: 0, max_percent: 100 }");
    run_after(&stage, MINUTE * 10).await;
    let stage = stage.limits("{ max_terminations: 9, max_percent: 100 }");
    run_after(&stage, MINUTE * 19).await;
    assert!(stage.terminated().is_empty() && receiver.count() == "1 noticed");
    run_after(&stage, MINUTE + SECOND).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}
