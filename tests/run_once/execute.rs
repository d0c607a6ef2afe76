//! What each answer to a call means.

use zenreaper::sandbox::{Action, Effect, Fault};

use crate::common::{Stage, many_due};

const GONE: &str = r#"zenreaper_terminations_total{account="main",outcome="gone",rule="old"}"#;
const TERMINATED: &str =
    r#"zenreaper_terminations_total{account="main",outcome="terminated",rule="old"}"#;
const UNKNOWN: &str =
    r#"zenreaper_terminations_total{account="main",outcome="unknown",rule="old"}"#;

#[tokio::test]
async fn a_call_that_took_effect_and_whose_answer_was_lost_is_done() {
    let lost_once = "reset-after-effect,action=TerminateInstance,times=1";
    let stage = Stage::with(many_due(2)).await.fault(lost_once);
    stage.once().await.exits(0).counts(TERMINATED, 2.0).counts(GONE, 0.0);

    let lost_for_ever = "reset-after-effect,action=TerminateInstance";
    let stage = Stage::with(many_due(2)).await.fault(lost_for_ever);
    stage.once().await.exits(0).counts(TERMINATED, 2.0).counts(UNKNOWN, 0.0);

    let cut_off = "cut-off,action=TerminateInstance,times=1";
    let stage = Stage::with(many_due(2)).await.fault(cut_off);
    stage.once().await.exits(0).counts(TERMINATED, 2.0).counts(UNKNOWN, 0.0);
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
    answers("INTERNAL_SERVER_ERROR", 500, "unknown", 3, 5).await;
    answers("SERVICE_TEMPORARY_UNAVAILABLE", 503, "unknown", 3, 5).await;
    answers("REQUEST_TIMED_OUT", 504, "unknown", 3, 5).await;
    answers("INVALID_PARAMETER_VALUE", 400, "failed", 1, 5).await;
    answers("SOME_CODE_OF_TOMORROW", 403, "unknown", 3, 5).await;
    answers("INVALID_INSTANCE_NOT_FOUND", 500, "unknown", 3, 5).await;
    answers("OPERATION_DENIED_POSTPAID_PROMISE", 502, "unknown", 3, 5).await;
    answers("OPERATION_DENIED_INSTANCE_STATUS", 403, "refused", 1, 0).await;
    answers("OPERATION_DENIED_INVALID_STATUS", 403, "refused", 1, 0).await;
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
