//! All of the listing, or nothing.

use crate::common::{Stage, many_due};

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
