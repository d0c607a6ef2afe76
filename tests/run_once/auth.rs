//! Credentials and clocks.

use crate::common::{Seen, Stage, many_due};

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
async fn skewed(fault: &str) -> (Stage, Seen) {
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
