//! Each target is read and judged again before its call.

use zenreaper::sandbox::{Action, Machine};

use crate::common::{Stage, many_due};

/// One of two machines changes between the listing and the call.
async fn drops(reason: &str, change: impl FnOnce(&mut Machine) + Send + 'static) {
    let stage = Stage::with(many_due(2)).await;
    stage.sandbox.before_call(Action::DescribeInstances, 2, move |fleet| {
        fleet.edit("i-0000", change);
    });
    let seen = stage.once().await;
    seen.exits(0);
    assert_eq!(stage.terminated(), ["i-0001"]);
    seen.counts(&format!(r#"zenreaper_skipped_total{{account="main",reason="{reason}"}}"#), 1.0);
    assert_eq!(seen.lines("reason", reason)[0]["instance_id"], "i-0000");
}

#[tokio::test]
async fn what_changes_after_the_listing_is_not_terminated() {
    drops("changed", |machine| machine.set_tag("keep", "please")).await;
    drops("changed", |machine| machine.set_tag("protected", "yes")).await;
    drops("changed", |machine| machine.set_tag("ttl", "never")).await;
    drops("changed", |machine| machine.set_status("INSTALLING")).await;
    drops("changed", |machine| machine.set("createTime", "2026-01-02T00:00:00Z")).await;
    drops("changed", |machine| machine.set("instanceChargeType", "PREPAID")).await;
}

#[tokio::test]
async fn what_vanishes_after_the_listing_is_no_failure() {
    let stage = Stage::with(many_due(2)).await;
    stage.sandbox.before_call(Action::DescribeInstances, 2, |fleet| {
        fleet.remove("i-0000");
    });
    stage
        .once()
        .await
        .exits(0)
        .counts(r#"zenreaper_skipped_total{account="main",reason="vanished"}"#, 1.0);
    assert_eq!(stage.terminated(), ["i-0001"]);
}

#[tokio::test]
async fn what_cannot_be_read_again_is_not_terminated() {
    let stage = Stage::with(many_due(2)).await;
    let stage =
        stage.fault("error=INTERNAL_SERVER_ERROR,status=500,action=DescribeInstances,skip=1");
    let seen = stage.once().await;
    seen.exits(5).counts(r#"zenreaper_skipped_total{account="main",reason="unconfirmed"}"#, 2.0);
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn what_was_read_too_long_ago_is_read_again_before_its_call() {
    let stage = Stage::with(many_due(2)).await;
    // The second turn comes 24 seconds after the first, and both were read before that.
    let stage = stage.account("rate: { describe: 1000/s, terminate: 150/h }");
    stage.sandbox.before_call(Action::TerminateInstance, 1, |fleet| {
        fleet.edit("i-0001", |machine| machine.set_tag("keep", "please"));
    });
    let seen = stage.once().await;
    seen.exits(0);
    assert_eq!(stage.terminated(), ["i-0000"]);
    assert_eq!(seen.lines("reason", "changed")[0]["instance_id"], "i-0001");
}
