//! One run, end to end: what is called, what is not, and how it is told.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{collections::BTreeSet, process::Command};

use common::{RULES, Stage, due, many_due};
use zenreaper::sandbox::{Action, Effect, Fault, Machine};

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

/// A listing with this fault acts on nothing.
async fn refuses(fault: &str, reason: &str) {
    let stage = Stage::with(many_due(1500)).await.fault(fault);
    let seen = stage.once().await;
    seen.exits(1).says(reason);
    assert!(stage.terminated().is_empty(), "{fault}");
    seen.counts(r#"zenreaper_runs_total{account="main",result="incomplete_inventory"}"#, 1.0);
    assert_eq!(seen.lines("result", "incomplete_inventory").len(), 1);
}

/// A listing with this fault, once, is read afresh and acted upon.
async fn heals(fault: &str) {
    let stage = Stage::with(many_due(1500)).await.limits("{ max_percent: 0 }").fault(fault);
    let seen = stage.once().await;
    seen.exits(3).says("limits.max_terminations: 20 allows 20");
}

#[tokio::test]
async fn a_page_that_fails_past_its_retries_acts_on_nothing() {
    refuses("error=INTERNAL_SERVER_ERROR,status=500,page=2", "INTERNAL_SERVER_ERROR").await;
}

#[tokio::test]
async fn a_page_that_is_cut_off_acts_on_nothing() {
    refuses("cut-off,page=2", "CONNECTION_LOST").await;
}

#[tokio::test]
async fn a_page_that_is_not_json_acts_on_nothing() {
    refuses("not-json,page=1", "MALFORMED_RESPONSE").await;
}

#[tokio::test]
async fn a_page_that_hangs_acts_on_nothing() {
    let stage = Stage::with(many_due(3)).await.fault("hang").timeout("100ms");
    stage.once().await.exits(1).says("TIMEOUT");
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn a_total_that_does_not_add_up_acts_on_nothing() {
    refuses("total-count=1", "the listing promises 1501 instances and holds 1500").await;
    refuses("total-count=-1", "the listing promises 1499 instances and holds 1500").await;
}

#[tokio::test]
async fn an_id_that_is_listed_twice_acts_on_nothing() {
    refuses("duplicate,page=1", "is listed twice").await;
}

#[tokio::test]
async fn an_entry_that_is_silently_missing_acts_on_nothing() {
    refuses("shift,page=2", "the listing promises 1500 instances and holds 1499").await;
}

#[tokio::test]
async fn a_listing_that_is_wrong_once_is_read_afresh() {
    heals("error=INTERNAL_SERVER_ERROR,status=500,page=2,times=1").await;
    heals("total-count=1,times=1").await;
    heals("duplicate,page=1,times=1").await;
    heals("cut-off,page=2,times=1").await;
}

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

const GONE: &str = r#"zenreaper_terminations_total{account="main",outcome="gone",rule="old"}"#;
const UNKNOWN: &str =
    r#"zenreaper_terminations_total{account="main",outcome="unknown",rule="old"}"#;

#[tokio::test]
async fn a_call_that_took_effect_and_whose_answer_was_lost_is_done() {
    let lost_once = "reset-after-effect,action=TerminateInstance,times=1";
    let stage = Stage::with(many_due(2)).await.fault(lost_once);
    stage.once().await.exits(0).counts(GONE, 1.0).counts(UNKNOWN, 0.0);

    let lost_for_ever = "reset-after-effect,action=TerminateInstance";
    let stage = Stage::with(many_due(2)).await.fault(lost_for_ever);
    stage.once().await.exits(0).counts(GONE, 2.0).counts(UNKNOWN, 0.0);

    let cut_off = "cut-off,action=TerminateInstance,times=1";
    let stage = Stage::with(many_due(2)).await.fault(cut_off);
    stage.once().await.exits(0).counts(GONE, 1.0).counts(UNKNOWN, 0.0);
}

#[tokio::test]
async fn a_call_that_may_have_happened_and_did_not_is_unknown() {
    let stage = Stage::with(many_due(2)).await.fault("reset,action=TerminateInstance");
    let seen = stage.once().await;
    seen.exits(5).counts(UNKNOWN, 2.0).counts(GONE, 0.0);
    assert_eq!(stage.terminated().len(), 6, "three tries for each");
}

#[tokio::test]
async fn a_fresh_look_that_does_not_add_up_settles_nothing() {
    let stage = Stage::with(many_due(1)).await.fault("reset,action=TerminateInstance");
    let stage = stage.fault("shift,action=DescribeInstances,skip=2");
    stage.once().await.exits(5).counts(UNKNOWN, 1.0).counts(GONE, 0.0);
    assert_eq!(stage.sandbox.machine("i-0000").unwrap().status(), Some("RUNNING"));
}

#[tokio::test]
async fn a_cloud_that_is_always_too_busy_is_given_up_after_a_while() {
    let stage = Stage::with(many_due(2)).await.fault("too-many,action=TerminateInstance");
    let seen = stage.retry_for("1s").once().await;
    let failed = r#"zenreaper_terminations_total{account="main",outcome="failed",rule="old"}"#;
    seen.exits(5).counts(failed, 2.0).says("REQUEST_LIMIT_EXCEEDED");
}

/// What becomes of one machine of three whose calls are answered so, and how often it is called.
async fn answers(code: &str, status: u16, outcome: &str, calls: usize, exit: i32) {
    let fault = format!("error={code},status={status},action=TerminateInstance,instance=i-0001");
    let stage = Stage::with(many_due(3)).await.fault(&fault);
    let seen = stage.once().await;
    seen.exits(exit);
    let series =
        format!(r#"zenreaper_terminations_total{{account="main",outcome="{outcome}",rule="old"}}"#);
    seen.counts(&series, 1.0);
    let series = r#"zenreaper_terminations_total{account="main",outcome="terminated",rule="old"}"#;
    seen.counts(series, 2.0);
    let own = stage.terminated().iter().filter(|id| *id == "i-0001").count();
    assert_eq!(own, calls, "{code}");
    let action = "TerminateInstance";
    let errors =
        format!(r#"zenreaper_api_errors_total{{account="main",action="{action}",code="{code}"}}"#);
    seen.counts(&errors, f64::from(u32::try_from(calls).unwrap()));
    let line = &seen.lines("outcome", outcome)[0];
    assert_eq!((&line["instance_id"], &line["code"]), (&"i-0001".into(), &code.into()));
}

#[tokio::test]
async fn each_answer_means_what_the_design_says_and_never_stops_the_others() {
    answers("INVALID_INSTANCE_NOT_FOUND", 404, "gone", 1, 0).await;
    answers("OPERATION_DENIED_INSTANCE_RECYCLED", 403, "gone", 1, 0).await;
    answers("OPERATION_DENIED_INSTANCE_CREATING", 403, "refused", 1, 0).await;
    answers("OPERATION_DENIED_INSTANCE_STATUS_INSTALLING", 403, "refused", 1, 0).await;
    answers("OPERATION_DENIED_INSTANCE_SUBSCRIPTION", 403, "refused", 1, 0).await;
    answers("OPERATION_DENIED_POSTPAID_PROMISE", 403, "refused", 1, 0).await;
    answers("INTERNAL_SERVER_ERROR", 500, "failed", 3, 5).await;
    answers("SERVICE_TEMPORARY_UNAVAILABLE", 503, "failed", 3, 5).await;
    answers("REQUEST_TIMED_OUT", 504, "failed", 3, 5).await;
    answers("INVALID_PARAMETER_VALUE", 400, "failed", 1, 5).await;
    answers("SOME_CODE_OF_TOMORROW", 403, "failed", 1, 5).await;
}

/// The other spelling of a code, as the Go SDK has it, is the same code.
#[tokio::test]
async fn both_spellings_of_a_code_are_one() {
    let code = "Operation.Denied.Instance.Recycled".to_owned();
    let action = Some(Action::TerminateInstance);
    let stage = Stage::with(many_due(1)).await;
    stage.sandbox.inject(Fault { action, ..Effect::Code { status: 403, code }.into() });
    stage.once().await.exits(0).counts(GONE, 1.0);
}

#[tokio::test]
async fn being_too_fast_slows_down_and_succeeds() {
    let stage = Stage::with(many_due(3)).await.account("max_in_flight: 1");
    let stage = stage.fault("too-many=1,action=TerminateInstance,times=2");
    let seen = stage.once().await;
    let labels = r#"account="main",action="TerminateInstance",code="REQUEST_LIMIT_EXCEEDED""#;
    seen.exits(0).counts(&format!("zenreaper_api_errors_total{{{labels}}}"), 2.0);
    let calls = stage.calls_of(Action::TerminateInstance);
    let at: Vec<_> = calls.iter().map(|call| call.at).collect();
    assert_eq!(at.len(), 5);
    let retry_after = std::time::Duration::from_secs(1);
    assert!(at[1] >= at[0] + retry_after && at[2] >= at[1] + retry_after, "{at:?}");
}

/// A failure that no other call could escape ends the run at once.
async fn stops(fault: &str, result: &str, says: &str) {
    let stage = Stage::with(many_due(200))
        .await
        .account("max_in_flight: 4, rate: { terminate: 100/s, describe: 1000/s }");
    let stage = stage.fault(fault);
    let seen = stage.once().await;
    seen.exits(1).says(says);
    seen.counts(&format!(r#"zenreaper_runs_total{{account="main",result="{result}"}}"#), 1.0);
    let calls = stage.terminated().len();
    assert!((1..=8).contains(&calls), "{calls} calls before it stopped");
}

#[tokio::test]
async fn a_failure_that_no_call_can_escape_stops_the_run() {
    let auth = "error=AUTHFAILURE_UNAUTHORIZED_OPERATION,status=401,action=TerminateInstance";
    stops(auth, "auth_failed", "check the access key or token").await;
    stops("challenge,action=TerminateInstance", "blocked", "SECURITY_CHALLENGE").await;
    stops("blocked,action=TerminateInstance", "blocked", "REQUEST_BLOCKED").await;
}

#[tokio::test]
async fn wrong_credentials_are_told_at_once_and_never_shown() {
    let stage = Stage::with(many_due(2)).await.secret("hunter2-hunter2");
    let mut command = stage.command(&["run", "--once"]);
    command.env("RUST_LOG", "trace");
    let seen = stage.run_command(command).await;
    seen.exits(1).says("AUTHFAILURE_SIGNATURE_FAILURE");
    assert_eq!(stage.sandbox.calls().len(), 1, "asking again would not help");
    assert!(!format!("{}{}", seen.out, seen.err).contains("hunter2"));
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_how_much() {
    let stage = Stage::with(many_due(1)).await.fault("skew=-900");
    let seen = stage.once().await;
    // A second may end between our looking at the clock and the server's.
    let told = ["899 s", "900 s"].map(|off| format!("our clock is {off} ahead of the server's"));
    assert!(told.iter().any(|told| seen.exits(1).err.contains(told)), "{}", seen.err);
}

/// A token carries no time, so the server takes it whatever the clocks say.
async fn skewed(fault: &str) -> (Stage, common::Seen) {
    let stage = Stage::with(many_due(2)).await.token(zenreaper::sandbox::TOKEN).fault(fault);
    let seen = stage.once().await;
    (stage, seen)
}

#[tokio::test]
async fn a_wrong_clock_terminates_nothing_even_where_the_server_does_not_mind() {
    for (fault, side) in [("skew=86400", "behind"), ("skew=-86400", "ahead of")] {
        let (stage, seen) = skewed(fault).await;
        seen.exits(1).says("CLOCK_SKEW").says("set it by NTP");
        // A second may pass on the way.
        let told = |seconds: &u32| {
            seen.err.contains(&format!("our clock is {seconds} s {side} the server's"))
        };
        assert!([86_399, 86_400, 86_401].iter().any(told), "{fault}:\n{}", seen.err);
        assert!(stage.terminated().is_empty(), "{fault}");
        assert_eq!(stage.sandbox.calls().len(), 1, "asking again would not help");
        seen.counts(r#"zenreaper_runs_total{account="main",result="auth_failed"}"#, 1.0);
        let action = "DescribeInstances";
        let errors = format!(
            r#"zenreaper_api_errors_total{{account="main",action="{action}",code="CLOCK_SKEW"}}"#
        );
        seen.counts(&errors, 1.0);
    }
}

#[tokio::test]
async fn a_clock_that_goes_wrong_after_the_listing_terminates_nothing() {
    let (stage, seen) = skewed("skew=86400,skip=1").await;
    seen.exits(1).says("CLOCK_SKEW");
    assert!(stage.terminated().is_empty());
    seen.counts(r#"zenreaper_runs_total{account="main",result="auth_failed"}"#, 1.0);
}

#[tokio::test]
async fn a_clock_that_is_a_little_off_is_no_failure() {
    for fault in ["skew=200", "skew=-200"] {
        let (stage, seen) = skewed(fault).await;
        seen.exits(0);
        assert_eq!(stage.terminated().len(), 2, "{fault}");
    }
}

#[tokio::test]
async fn an_order_that_was_taken_counts_whatever_the_clocks_say() {
    let (stage, seen) = skewed("skew=86400,action=TerminateInstance").await;
    let terminated =
        r#"zenreaper_terminations_total{account="main",outcome="terminated",rule="old"}"#;
    seen.exits(0).counts(terminated, 2.0);
    assert_eq!(stage.terminated().len(), 2);
}

#[tokio::test]
async fn a_token_is_as_good_as_a_key() {
    let stage = Stage::with(many_due(2)).await.token(zenreaper::sandbox::TOKEN);
    stage.once().await.exits(0);
    assert_eq!(stage.terminated().len(), 2);
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
async fn the_host_itself_is_never_terminated() {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let mut fleet = many_due(1);
    fleet.push(due("me-by-name").with("hostname", hostname.trim()));
    let addresses = std::process::Command::new("hostname").arg("-I").output();
    let addresses = addresses.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let address = addresses.unwrap_or_default().split_whitespace().next().map(str::to_owned);
    match &address {
        Some(address) => fleet
            .push(due("me-by-address").with("privateIpAddresses", serde_json::json!([address]))),
        None => common::skip("this host has no address of its own: `self` is tested by name only"),
    }
    let own = fleet.len() - 1;
    let stage = Stage::with(fleet).await;
    stage.once().await.exits(0).counts(
        r#"zenreaper_skipped_total{account="main",reason="self"}"#,
        f64::from(u32::try_from(own).unwrap()),
    );
    assert_eq!(stage.terminated(), ["i-0000"]);
}

/// Shows the rest of its arguments a machine that cloud-init calls `$1`. The mounts are gone with the process.
const AS_INSTANCE: &str = r#"
set -e
if [ -d /var/lib/cloud ]; then mount -t tmpfs tmpfs /var/lib/cloud; else mount -t tmpfs tmpfs /var/lib; fi
mkdir -p /var/lib/cloud/data
echo "$1" >/var/lib/cloud/data/instance-id
shift
exec "$@"
"#;

/// A command that sees itself on the machine that cloud-init calls `id`; `None` where mount namespaces are not permitted.
fn as_instance(id: &str, command: &Command) -> Option<Command> {
    let unshared = |flags: &str| {
        let mut unshared = Command::new("unshare");
        unshared.args([flags, "sh", "-c", AS_INSTANCE, "sh", id]);
        unshared
    };
    let is_permitted = |flags: &&str| {
        unshared(flags).arg("true").output().is_ok_and(|output| output.status.success())
    };
    // As root, or with a user namespace of one's own.
    let flags = ["-m", "-rm"].into_iter().find(is_permitted)?;
    let mut wrapped = unshared(flags);
    wrapped.arg(command.get_program()).args(command.get_args()).env_clear();
    wrapped.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(wrapped)
}

#[tokio::test]
async fn the_machine_that_cloud_init_names_is_never_terminated() {
    let stage = Stage::with(vec![due("i-0000"), due("i-own")]).await;
    let file = stage.path("metrics.prom");
    let command = stage.command(&["run", "--once", "--metrics-file", file.to_str().unwrap()]);
    let Some(command) = as_instance("I-Own", &command) else {
        common::skip("no mount namespace here: `self` is not tested by the id of cloud-init");
        return;
    };
    let skipped = r#"zenreaper_skipped_total{account="main",reason="self"}"#;
    stage.run_command(command).await.exits(0).counts(skipped, 1.0);
    assert_eq!(stage.terminated(), ["i-0000"]);
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
