//! One run, end to end: what is called, what is not, and how it is told.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod auth;
#[path = "../common/mod.rs"]
mod common;
mod confirm;
mod execute;
mod expiry;
mod host;
mod listing;

use std::collections::BTreeSet;

use common::{RULES, Stage, due, many_due};
use zenreaper::sandbox::{Action, Machine};

/// Every status by every charge type, absent and unknown ones included.
fn every_kind() -> Vec<Machine> {
    let statuses = [
        Some("PENDING"),
        Some("CREATING"),
        Some("CREATE_FAILED"),
        Some("INSTALLING"),
        Some("INSTALL_FAILED"),
        Some("RUNNING"),
        Some("STOPPED"),
        Some("BOOTING"),
        Some("STOPPING"),
        Some("RECYCLE"),
        Some("MIGRATING"),
        None,
    ];
    let charges = [Some("POSTPAID"), Some("PREPAID"), Some("SPOT"), None];
    let mut fleet = Vec::new();
    for status in statuses {
        for charge in charges {
            let id = format!("{}-{}", status.unwrap_or("none"), charge.unwrap_or("none"));
            fleet.push(due(&id).with("instanceStatus", status).with("instanceChargeType", charge));
        }
    }
    let tagged =
        [("ttl", "3 dayz"), ("ttl", "never"), ("ttl", "9999h"), ("protected", ""), ("keep", "x")];
    for (n, (key, value)) in tagged.into_iter().enumerate() {
        fleet.push(due(&format!("{key}-{n}")).with_tag(key, value));
    }
    fleet.push(due("young").with("createTime", "2099-01-01T00:00:00Z"));
    fleet.push(due("unborn").with("createTime", None::<String>));
    fleet.push(due("odd-time").with("createTime", "soon"));
    fleet.push(due("elsewhere").with("zoneId", "SEL-A"));
    fleet.push(due("nowhere").with("zoneId", None::<String>));
    fleet.push(due("odd-record").with("instanceName", 5));
    fleet.push(due("two-values").with_tag("env", "dev").with("tags", two_values()));
    fleet
}

fn two_values() -> serde_json::Value {
    serde_json::json!({"tags": [{"key": "env", "value": "dev"}, {"key": "env", "value": "prod"}]})
}

#[tokio::test]
async fn exactly_the_due_and_eligible_are_terminated_once_each() {
    let stage = Stage::with(every_kind()).await;
    let seen = stage.once().await;
    seen.exits(0);
    let up = ["RUNNING", "STOPPED", "BOOTING", "STOPPING", "INSTALL_FAILED", "CREATE_FAILED"];
    let mut expected: Vec<_> = up.iter().map(|status| format!("{status}-POSTPAID")).collect();
    expected.push("CREATE_FAILED-PREPAID".to_owned());
    expected.sort_unstable();
    let mut called = stage.terminated();
    called.sort_unstable();
    assert_eq!(called, expected);
    for (reason, count) in [
        ("subscription", 5.0),
        ("creating", 8.0),
        ("installing", 4.0),
        ("recycled", 4.0),
        ("unknown_status", 8.0),
        ("unknown_charge_type", 12.0),
        ("protected", 1.0),
        ("unreadable_expiry", 1.0),
    ] {
        let series = format!(r#"zenreaper_skipped_total{{account="main",reason="{reason}"}}"#);
        seen.counts(&series, count);
    }
    let terminated =
        r#"zenreaper_terminations_total{account="main",outcome="terminated",rule="old"}"#;
    seen.counts(terminated, 7.0);
    let lines = seen.lines("outcome", "terminated");
    assert_eq!(lines.len(), 7, "one line for each machine");
    assert!(lines.iter().all(|line| line["rule"] == "old" && line["request_id"].is_string()));
}

#[tokio::test]
async fn a_dry_run_does_everything_but_call() {
    let stage = Stage::with(many_due(5)).await.dry();
    let seen = stage.once().await;
    seen.exits(0).says("would be terminated (dry-run)");
    assert!(stage.terminated().is_empty());
    assert_eq!(stage.calls_of(Action::DescribeInstances).len(), 2, "listed, and confirmed");
    seen.counts(r#"zenreaper_decisions{account="main",decision="terminate",reason="due"}"#, 5.0);
    seen.counts("zenreaper_enforcing", 0.0);
}

/// A plan past a guard is refused whole.
async fn guarded(limits: &str, guard: &str, says: &str) {
    let mut fleet = many_due(10);
    fleet.extend((0..10).map(|n| due(&format!("young-{n}")).with("zoneId", "SEL-A")));
    let stage = Stage::with(fleet).await.limits(limits);
    let seen = stage.once().await;
    seen.exits(3).says(says);
    assert!(stage.terminated().is_empty());
    seen.counts(
        &format!(r#"zenreaper_guard_refusals_total{{account="main",guard="{guard}"}}"#),
        1.0,
    );
    seen.counts(r#"zenreaper_runs_total{account="main",result="guard_refused"}"#, 1.0);
}

#[tokio::test]
async fn a_plan_past_a_cap_is_refused_whole() {
    guarded(
        "{ max_terminations: 9, max_percent: 100 }",
        "max_terminations",
        "limits.max_terminations: 9 allows 9",
    )
    .await;
    guarded(
        "{ max_terminations: 99, max_percent: 49 }",
        "max_percent",
        "limits.max_percent: 49 allows 9",
    )
    .await;
    guarded("{ max_terminations: 0, max_percent: 100 }", "max_terminations", "allows 0").await;
    guarded("{ max_terminations: 99, max_percent: 0 }", "max_percent", "allows 0").await;
    guarded("{}", "max_percent", "limits.max_percent: 10 allows 2").await;
}

#[tokio::test]
async fn several_accounts_run_in_turn_and_the_worst_result_counts() {
    let stage = Stage::with(many_due(2)).await;
    let other = Stage::with(many_due(2)).await.fault("total-count=1");
    let endpoint = other.sandbox.endpoint();
    let stage = stage
        .account(&format!("max_in_flight: 2 }}\n  - {{ name: other, endpoint: \"{endpoint}\""));
    let seen = stage.once().await;
    seen.exits(1);
    assert_eq!(stage.terminated().len(), 2);
    assert!(other.terminated().is_empty());
    seen.counts(r#"zenreaper_runs_total{account="main",result="success"}"#, 1.0);
    seen.counts(r#"zenreaper_runs_total{account="other",result="incomplete_inventory"}"#, 1.0);
}

#[tokio::test]
async fn every_page_and_every_machine_is_seen() {
    let stage = Stage::with(many_due(2100)).await.rules(RULES);
    let seen = stage
        .account("rate: { describe: 1000/s, terminate: 1000/s }, max_in_flight: 64")
        .once()
        .await;
    seen.exits(0).counts(
        r#"zenreaper_terminations_total{account="main",outcome="terminated",rule="old"}"#,
        2100.0,
    );
}

#[tokio::test]
async fn a_fleet_of_distinct_ids_is_called_once_each() {
    let stage = Stage::with(many_due(300)).await;
    stage.once().await.exits(0);
    let called = stage.terminated();
    assert_eq!(called.iter().collect::<BTreeSet<_>>().len(), called.len());
}
