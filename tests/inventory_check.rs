//! The inventory check, end to end: what was lost, for how long, and who accepted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Stage, due, value};
use jiff::SignedDuration;
use zenreaper::sandbox::Machine;

/// Terminates what is due, unless it is kept by a tag or is a database.
const RULES: &str = "
rules:
  - name: old
    match: { zone: HKG-A }
    unless: [{ tags: { keep: '*' } }, { hostname: 'db-*' }]
    expire: { after: 1h }
";

/// So many instances that are due, each kept by its tag, with four tags beside it.
fn kept(count: usize) -> Vec<Machine> {
    let one = |n: usize| {
        let one = due(&format!("i-{n:04}")).with("hostname", format!("host-{n}"));
        let one = ["env", "owner", "team"].into_iter().fold(one, |one, key| one.with_tag(key, "x"));
        one.with_tag("keep", "yes")
    };
    (0..count).map(one).collect()
}

async fn stage_of(fleet: Vec<Machine>) -> Stage {
    Stage::with(fleet).await.rules(RULES)
}

/// Lets only this fault strike.
fn only(stage: &Stage, fault: &str) {
    stage.sandbox.clear_faults();
    stage.sandbox.inject(fault.parse().unwrap());
}

#[track_caller]
fn is_refused(seen: &common::Seen, says: &str) {
    let refusals = r#"zenreaper_guard_refusals_total{account="main",guard="max_change_percent"}"#;
    seen.exits(3).says("inventory rejected: ").says(says).counts(refusals, 1.0);
}

#[tokio::test]
async fn tags_that_are_lost_after_an_empty_inventory_terminate_nothing() {
    let stage = stage_of(kept(40)).await;
    stage.once_exits(0).await;
    only(&stage, "partial=0");
    is_refused(&stage.once().await, "40 live instances became 0");
    only(&stage, "no-tags");
    for _ in 0..3 {
        let says = r#"tag key \"keep\" was lost by 40 of 40 instances that carried it"#;
        is_refused(&stage.once().await, says);
    }
    // An empty inventory that two runs agree on is accepted; what was kept before is still known.
    only(&stage, "partial=0");
    stage.once_exits(3).await;
    stage.once_exits(0).await;
    only(&stage, "no-tags");
    for _ in 0..2 {
        is_refused(&stage.once().await, "40 of 40 instances that carried it");
    }
    assert!(stage.terminated().is_empty());
    stage.sandbox.clear_faults();
    stage.once_exits(0).await;
}

#[tokio::test]
async fn one_protective_key_that_is_lost_terminates_nothing() {
    let stage = stage_of(kept(40)).await;
    stage.once_exits(0).await;
    for n in 0..40 {
        stage.sandbox.edit(&format!("i-{n:04}"), |one| one.remove_tag("keep"));
    }
    for _ in 0..3 {
        let says = r#"tag key \"keep\" was lost by 40 of 40 instances that carried it"#;
        is_refused(&stage.once().await, says);
    }
    let plan = stage.run(&["plan", "--detailed-exitcode"]).await;
    plan.exits(3).says("REFUSED").says("tag key \"keep\" was lost by 40 of 40");
    assert!(stage.terminated().is_empty());
    let detail: Vec<(String,)> =
        stage.rows("SELECT detail FROM runs WHERE detail IS NOT NULL LIMIT 1").await;
    assert!(detail[0].0.contains("run `zenreaper accept-inventory` if that is right"));

    stage.run(&["accept-inventory", "--by", "ann"]).await.exits(0);
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 40, "an operator said that it is right");
}

#[tokio::test]
async fn every_loss_is_rejected_until_it_is_over_or_accepted() {
    for (fault, says) in [
        ("no-tags", "was lost by 6 of 6"),
        ("no-tag=keep", "was lost by 6 of 6"),
        ("empty-tags", "became empty on 6 of 6"),
        ("empty-tag=keep", "became empty on 6 of 6"),
        ("set-tag=keep:no", "changed its value on 6 of 6"),
        ("null-field=hostname", r#"field \"hostname\" was lost by 6 of 6"#),
        ("set-field=hostname:web", r#"field \"hostname\" changed on 6 of 6"#),
        ("null-field=zoneId", r#"field \"zone\" was lost by 6 of 6"#),
        ("null-field=createTime", "the creation time was lost by 6 of 6"),
        ("new-ids", "instance ids are those of the last accepted inventory"),
        ("move-created=-8h", "the creation time of 6 instances moved"),
    ] {
        let stage = stage_of(kept(6)).await;
        stage.once_exits(0).await;
        for between in ["partial=0", "partial=50", fault] {
            only(&stage, fault);
            is_refused(&stage.once().await, says);
            only(&stage, between);
            stage.once().await;
        }
        only(&stage, &format!("{fault},listings=1"));
        is_refused(&stage.once().await, says);
        stage.once_exits(0).await;
        assert!(stage.terminated().is_empty(), "{fault}");

        only(&stage, fault);
        stage.once_exits(3).await;
        stage.run(&["accept-inventory"]).await.exits(0);
        let seen = stage.once().await;
        assert_eq!(seen.lines("guard", "max_change_percent").len(), 0, "{fault}: {}", seen.err);
    }
}

#[tokio::test]
async fn a_field_of_another_shape_is_lost_too() {
    for fault in [
        "null-field=tags",
        "empty-field=tags",
        "empty-field=hostname",
        "set-field=hostname: ",
        "empty-field=zoneId",
        "empty-field=createTime",
        "set-field=createTime:soon",
        "null-field=instanceStatus",
        "null-field=instanceName",
        "set-field=instanceStatus:RECYCLE",
    ] {
        let stage = stage_of(kept(4)).await;
        stage.once_exits(0).await;
        only(&stage, fault);
        is_refused(&stage.once().await, "inventory rejected");
        stage.once().await;
        only(&stage, "no-tags");
        is_refused(&stage.once().await, "inventory rejected");
        assert!(stage.terminated().is_empty(), "{fault}");
    }
}

#[tokio::test]
async fn what_an_operator_accepted_is_no_blank_cheque() {
    let stage = stage_of(kept(6)).await;
    stage.once_exits(0).await;
    only(&stage, "no-tag=owner");
    stage.once_exits(0).await;
    only(&stage, "set-tag=keep:no");
    stage.once_exits(3).await;
    stage.run(&["accept-inventory"]).await.exits(0).says("the rejected inventory is accepted");
    only(&stage, "no-tags");
    is_refused(&stage.once().await, "was lost by 6 of 6");
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn an_instance_whose_protection_vanished_waits_one_more_run() {
    let stage = stage_of(kept(5)).await;
    stage.once_exits(0).await;
    stage.sandbox.edit("i-0001", |one| one.remove_tag("keep"));
    for _ in 0..2 {
        let decision = stage.decision("i-0001").await;
        assert_eq!(decision["decision"], "wait", "to look changes nothing");
        assert_eq!(decision["reason"], "protection_vanished");
    }
    let says = "What protected it vanished since the last accepted inventory";
    stage.run(&["explain", "i-0001"]).await.exits(0).says(says);
    let series =
        r#"zenreaper_decisions{account="main",decision="wait",reason="protection_vanished"}"#;
    let seen = stage.once_exits(0).await;
    assert_eq!(value(&seen.metrics, series), Some(1.0));
    assert!(stage.terminated().is_empty());
    assert_eq!(stage.decision("i-0001").await["decision"], "terminate");
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0001"]);

    // A tag that is back in time keeps it.
    stage.sandbox.edit("i-0002", |one| one.remove_tag("keep"));
    stage.once_exits(0).await;
    stage.sandbox.edit("i-0002", |one| one.set_tag("keep", "yes"));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0001"]);
}

#[tokio::test]
async fn a_dry_run_remembers_what_it_accepted() {
    let stage = stage_of(kept(5)).await.dry();
    stage.once_exits(0).await;
    assert_eq!(stage.count_of("known_instances").await, 5);
    only(&stage, "no-tags");
    let stage = stage.enforcing();
    is_refused(&stage.once().await, "was lost by 5 of 5");
}

#[tokio::test]
async fn counts_of_an_older_version_guard_the_first_inventory_after_an_upgrade() {
    let stage = stage_of(kept(5)).await;
    stage.once_exits(0).await;
    stage.sql("DELETE FROM known_instances").await;
    stage.sql("UPDATE listings SET believed_policy = NULL").await;
    only(&stage, "no-tags");
    is_refused(&stage.once().await, "20 of 20 tags were lost");
    is_refused(&stage.once().await, "20 of 20 tags were lost");
    stage.sandbox.clear_faults();
    stage.once_exits(0).await;
    only(&stage, "no-tag=keep");
    is_refused(&stage.once().await, "was lost by 5 of 5");
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn instances_that_are_gone_are_forgotten_after_the_retention() {
    let stage = stage_of(kept(5)).await.more("journal_retention: 30d");
    stage.once_exits(0).await;
    stage.sandbox.remove("i-0004");
    stage.once_exits(0).await;
    assert_eq!(stage.count_of("known_instances").await, 5);
    stage.time_passes(SignedDuration::from_hours(24 * 31)).await;
    stage.once_exits(0).await;
    assert_eq!(stage.count_of("known_instances").await, 4);
}

#[tokio::test]
async fn a_call_that_takes_effect_may_be_answered_by_an_error() {
    for fault in [
        "html-after-effect",
        "html-after-effect=504",
        "html-after-effect=200",
        "error-after-effect=INTERNAL_SERVER_ERROR",
        "error-after-effect=REQUEST_TIMED_OUT",
    ] {
        let stage = Stage::with(vec![due("i-1")]).await;
        let stage = stage.fault(&format!("{fault},action=TerminateInstance"));
        stage.once().await;
        assert_eq!(stage.sandbox.machine("i-1").unwrap().status(), Some("RECYCLE"), "{fault}");
    }
}
