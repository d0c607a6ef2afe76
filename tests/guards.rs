//! Every guard against a cloud: what it refuses, how that is told, and what goes on afterwards.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Seen, Stage, due, many_due};
use jiff::SignedDuration;
use zenreaper::sandbox::{Action, Machine};

/// A machine that the rules match and that is not due for long.
fn young(id: &str) -> Machine {
    due(id).with("createTime", "2099-01-01T00:00:00Z")
}

/// So many of them.
fn many_young(count: usize) -> Vec<Machine> {
    (0..count).map(|n| young(&format!("young-{n:02}"))).collect()
}

/// So many that are due beside so many that are not.
fn fleet(due: usize, young: usize) -> Vec<Machine> {
    let mut fleet = many_due(due);
    fleet.extend(many_young(young));
    fleet
}

fn metric(guard: &str) -> String {
    format!(r#"zenreaper_guard_refusals_total{{account="main",guard="{guard}"}}"#)
}

/// A run that was refused by this guard.
fn is_refusal(seen: &Seen, guard: &str, says: &str) {
    seen.exits(3).says(says).counts(&metric(guard), 1.0);
    seen.counts(r#"zenreaper_runs_total{account="main",result="guard_refused"}"#, 1.0);
    assert_eq!(seen.lines("guard", guard).len(), 1, "one line of the log: {}", seen.err);
}

/// A run of this stage is refused by this guard; so are its dry run and its plan. Nothing is called.
async fn refused(stage: Stage, guard: &str, says: &str) -> Stage {
    let before = stage.terminated().len();
    is_refusal(&stage.once().await, guard, says);
    stage.run(&["plan", "--detailed-exitcode"]).await.exits(3).says("REFUSED").says(says);
    let stage = stage.dry();
    is_refusal(&stage.once().await, guard, says);
    assert_eq!(stage.terminated().len(), before, "{guard}");
    stage.enforcing()
}

#[tokio::test]
async fn a_day_has_a_limit_over_all_its_runs() {
    let limits = "{ max_terminations: 9, max_percent: 100, max_per_day: 3 }";
    let stage = Stage::with(fleet(2, 5)).await.limits(limits);
    stage.once_exits(0).await;
    for id in ["later-0", "later-1"] {
        stage.sandbox.add(&due(id));
    }
    let says = "2 machines after 2 in the last 24 hours, and limits.max_per_day allows 3";
    let stage = refused(stage, "max_per_day", says).await;
    assert_eq!(stage.terminated().len(), 2);

    stage.time_passes(SignedDuration::from_hours(25)).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 4, "another day");
}

#[tokio::test]
async fn a_call_that_took_no_effect_counts_towards_no_day() {
    let fault = |code: &str, id: &str| {
        format!("error={code},status=400,action=TerminateInstance,instance={id},times=1")
    };
    let stage = Stage::with(fleet(2, 2)).await.more("hold: { commitment: 0s }");
    let stage = stage.limits("{ max_terminations: 9, max_percent: 100, max_per_day: 2 }");
    let stage = stage.fault(&fault("INVALID_PARAMETER_VALUE", "i-0000"));
    let stage = stage.fault(&fault("OPERATION_DENIED_POSTPAID_PROMISE", "i-0001"));
    let outcome = |outcome: &str| {
        format!(r#"zenreaper_terminations_total{{account="main",outcome="{outcome}",rule="old"}}"#)
    };
    let seen = stage.once_exits(5).await;
    seen.counts(&outcome("failed"), 1.0).counts(&outcome("refused"), 1.0);
    stage.once_exits(0).await.counts(&outcome("terminated"), 2.0);
}

#[tokio::test]
async fn a_day_of_none_means_none() {
    let limits = "{ max_terminations: 9, max_percent: 100, max_per_day: 0 }";
    let stage = Stage::with(fleet(1, 5)).await.limits(limits);
    let stage = refused(stage, "max_per_day", "limits.max_per_day allows 0").await;
    stage.sandbox.remove("i-0000");
    stage.once_exits(0).await;
}

#[tokio::test]
async fn a_rule_has_a_cap_of_its_own() {
    let rules = |cap: u32| {
        format!(
            "rules: [{{ name: mine, match: {{ zone: HKG-A }}, expire: {{ after: 1h }}, limits: {{ max_terminations: {cap} }} }}]"
        )
    };
    let stage = Stage::with(fleet(3, 3)).await.rules(&rules(2));
    let says =
        "the rule `mine` would terminate 3 machines, and its limits.max_terminations allows 2";
    let stage = refused(stage, "max_terminations", says).await.rules(&rules(3));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 3);
}

#[tokio::test]
async fn some_machines_of_a_rule_are_left() {
    let limits = "{ max_terminations: 9, max_percent: 100, min_remaining: 2 }";
    let stage = Stage::with(fleet(3, 1)).await.limits(limits);
    let says = "of the 4 live machines that the rule `old` matches it would leave 1, and limits.min_remaining asks for 2";
    let stage = refused(stage, "min_remaining", says).await;

    let rules = |least: u32| {
        format!(
            "rules: [{{ name: mine, match: {{ zone: HKG-A }}, expire: {{ after: 1h }}, limits: {{ min_remaining: {least} }} }}]"
        )
    };
    let stage = stage.rules(&rules(3));
    let stage = refused(stage, "min_remaining", "limits.min_remaining asks for 3").await;
    let stage = stage.rules(&rules(1));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 3, "the rule's own word goes before that of the config");
}

/// A fleet of ten of which six vanished since the last run, and one of those left is due.
async fn shrunk() -> Stage {
    let mut fleet = many_young(10);
    fleet[0] = due("young-00").with_tag("ttl", "2099-01-01");
    let stage = Stage::with(fleet).await;
    stage.once_exits(0).await;
    for n in 4..10 {
        stage.sandbox.remove(&format!("young-{n:02}"));
    }
    stage.sandbox.edit("young-00", |one| one.set_tag("ttl", "1h"));
    stage
}

const SHRUNK: &str = "inventory rejected: 10 live instances became 4 (inventory.max_change_percent is 50); the next run accepts an equal inventory; run `zenreaper accept-inventory` if that is right";

#[tokio::test]
async fn a_fleet_that_shrank_by_more_than_half_is_accepted_at_the_second_equal_inventory() {
    let stage = shrunk().await;
    stage.run(&["plan", "--detailed-exitcode"]).await.exits(3).says(SHRUNK);
    is_refusal(&stage.once().await, "max_change_percent", SHRUNK);
    assert!(stage.terminated().is_empty());
    stage.once_exits(0).await.counts(&metric("max_change_percent"), 0.0);
    assert_eq!(stage.terminated(), ["young-00"], "the next listing agrees");
}

#[tokio::test]
async fn a_dry_run_rejects_too() {
    let stage = shrunk().await.dry();
    is_refusal(&stage.once().await, "max_change_percent", SHRUNK);
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn a_fleet_that_shrinks_on_is_not_accepted() {
    let stage = shrunk().await;
    stage.once_exits(3).await;
    for n in 1..4 {
        stage.sandbox.remove(&format!("young-{n:02}"));
    }
    let seen = stage.once().await;
    is_refusal(&seen, "max_change_percent", "10 live instances became 1");
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn a_rejected_inventory_settles_nothing() {
    const SETTLED: &str = r#"zenreaper_settled_total{account="main",result="#;
    let stage = Stage::with(fleet(1, 9)).await.fault("reset,action=TerminateInstance");
    stage.once_exits(5).await;
    stage.sandbox.clear_faults();
    let hidden = stage.sandbox.machine("i-0000").unwrap();
    let young: Vec<_> = (0..6).map(|n| format!("young-{n:02}")).collect();
    let others: Vec<_> = young.iter().map(|id| stage.sandbox.machine(id).unwrap()).collect();
    stage.sandbox.remove("i-0000");
    for id in &young {
        stage.sandbox.remove(id);
    }
    let seen = stage.once().await;
    is_refusal(&seen, "max_change_percent", "9 live instances became 3");
    seen.counts(&format!(r#"{SETTLED}"done"}}"#), 0.0);
    for machine in others.iter().chain([&hidden]) {
        stage.sandbox.add(machine);
    }
    stage.once_exits(0).await.counts(&format!(r#"{SETTLED}"not_done"}}"#), 1.0);
    assert_eq!(stage.sandbox.machine("i-0000").unwrap().status(), Some("RECYCLE"));
}

#[tokio::test]
async fn an_operator_accepts_a_shrunken_fleet_at_once() {
    let stage = shrunk().await;
    stage.run(&["accept-inventory"]).await.exits(0).says("there is no rejected inventory");
    stage.once_exits(3).await;
    let accept = stage.run(&["accept-inventory", "--by", "ann"]).await;
    accept.exits(0).says("the next run compares with it");
    stage.run(&["trust"]).await.exits(0).says("there is no rejected inventory");
    // Without the word of an operator, this third inventory would be rejected too.
    stage.sandbox.remove("young-03");
    stage.sandbox.remove("young-02");
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["young-00"]);
    stage.run(&["history"]).await.exits(0).says("accept-inventory").says("by ann");
}

#[tokio::test]
async fn machines_that_lost_their_tags_are_not_taken_for_untagged_ones() {
    let fleet = many_due(6).into_iter().map(|one| one.with_tag("owner", "ann")).collect();
    let untagged = "rules: [{ name: untagged, match: { tags: { owner: { exists: false } } } }]";
    let stage = Stage::with(fleet).await.rules(untagged);
    stage.once_exits(0).await;
    let all = |change: fn(&mut Machine)| {
        for n in 0..6 {
            stage.sandbox.edit(&format!("i-{n:04}"), change);
        }
    };
    all(|one| one.remove_tag("owner"));
    is_refusal(
        &stage.once().await,
        "max_change_percent",
        "was lost by 6 of 6 instances that carried it",
    );
    all(|one| one.set_tag("owner", "ann"));
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty(), "a lookup of tags that failed once costs no machine");
}

#[tokio::test]
async fn what_was_terminated_by_us_is_no_surprise() {
    let tagged = |one: Machine| one.with_tag("owner", "ann");
    let stage = Stage::with(fleet(18, 2).into_iter().map(tagged).collect()).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 18);
    stage.once_exits(0).await;
    for n in 0..18 {
        stage.sandbox.remove(&format!("i-{n:04}"));
    }
    stage.sandbox.add(&due("later"));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 19);
}

#[tokio::test]
async fn any_loss_or_none_is_rejected_if_the_config_says_so() {
    let stage = Stage::with(many_young(10)).await.more("inventory: { max_change_percent: 0 }");
    stage.once_exits(0).await;
    stage.sandbox.remove("young-00");
    let says = "10 live instances became 9 (inventory.max_change_percent is 0)";
    is_refusal(&stage.once().await, "max_change_percent", says);

    let stage = shrunk().await.more("inventory: { max_change_percent: 100 }");
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["young-00"]);
}

fn distinct(stage: &Stage) -> usize {
    let mut called = stage.terminated();
    called.sort_unstable();
    called.dedup();
    called.len()
}

fn skipped(reason: &str) -> String {
    format!(r#"zenreaper_skipped_total{{account="main",reason="{reason}"}}"#)
}

const FAILS: &str = "error=INTERNAL_SERVER_ERROR,status=500,action=TerminateInstance";

#[tokio::test]
async fn a_run_whose_calls_fail_is_stopped_half_way() {
    let stage = Stage::with(many_due(60)).await.fault(FAILS);
    let stage = stage.account("max_in_flight: 4, rate: { describe: 1000/s, terminate: 1000/s }");
    let seen = stage.once_exits(5).await;
    let says = "10 of 10 calls to terminate failed, and limits.max_failure_percent allows 50%";
    seen.says(says).counts(&metric("max_failure_percent"), 1.0);
    let called = distinct(&stage);
    assert!((10..=14).contains(&called), "ten and those under way, not {called}");
    let failed = seen.lines("outcome", "unknown").len();
    let guarded = seen.lines("reason", "guarded").len();
    assert!((10..=called).contains(&failed), "{failed}");
    assert_eq!(failed + guarded, 60, "whoever waited for another try does not get it");
    seen.counts(&skipped("guarded"), f64::from(u32::try_from(guarded).unwrap()));

    stage.sandbox.clear_faults();
    stage.once_exits(0).await.counts(&metric("max_failure_percent"), 0.0);
    assert_eq!(distinct(&stage), 60, "the next run begins afresh");
}

#[tokio::test]
async fn a_run_may_be_told_to_bear_every_failure() {
    let limits = "{ max_terminations: 99, max_percent: 100, max_failure_percent: 100 }";
    let stage = Stage::with(many_due(20)).await.limits(limits).fault(FAILS);
    stage.once_exits(5).await.counts(&metric("max_failure_percent"), 0.0);
    assert_eq!(distinct(&stage), 20);
}

const CANARY: &str = "{ max_terminations: 99, max_percent: 100, canary: 2 }";

#[tokio::test]
async fn the_first_calls_are_made_alone_and_then_the_rest() {
    let stage = Stage::with(many_due(6)).await.limits(CANARY).fault("latency=100ms");
    stage.once_exits(0).await;
    let calls = stage.calls_of(Action::TerminateInstance);
    assert_eq!(calls.len(), 6);
    let in_flight: Vec<_> = calls.iter().map(|call| call.in_flight).collect();
    assert_eq!(in_flight[..3], [1, 1, 1], "one by one, and none before the second was answered");
    assert!(in_flight[3..].iter().any(|count| *count > 1), "{in_flight:?}");
}

/// A canary that ends like this stops the run.
async fn canary_stops(stage: Stage, code: i32, outcome: &str) {
    let stage = stage.limits(CANARY);
    let seen = stage.once_exits(code).await;
    let says = format!(
        "limits.canary asks that the first 2 calls are accepted, and one ended as `{outcome}`"
    );
    seen.says(&says).counts(&metric("canary"), 1.0).counts(&skipped("guarded"), 5.0);
    assert_eq!(distinct(&stage), 1);
}

#[tokio::test]
async fn a_canary_that_is_not_accepted_stops_the_run() {
    let mut fleet = many_due(6);
    fleet[0] = due("i-0000").in_commitment();
    canary_stops(Stage::with(fleet).await, 3, "refused").await;
    canary_stops(Stage::with(many_due(6)).await.fault(FAILS), 5, "unknown").await;
    let reset = "reset,action=TerminateInstance";
    canary_stops(Stage::with(many_due(6)).await.fault(reset), 5, "unknown").await;
}

#[tokio::test]
async fn a_canary_that_changed_is_replaced_by_the_next() {
    let stage = Stage::with(many_due(4)).await.limits(CANARY);
    stage.sandbox.before_call(Action::DescribeInstances, 2, |fleet| {
        fleet.edit("i-0000", |one| one.set_tag("keep", "yes"));
    });
    stage.once_exits(0).await.counts(&metric("canary"), 0.0);
    assert_eq!(stage.terminated().len(), 3);
    assert_eq!(stage.terminated()[..2], ["i-0001", "i-0002"]);
}

#[tokio::test]
async fn a_dry_run_needs_no_canary() {
    let stage = Stage::with(many_due(4)).await.limits(CANARY).dry();
    let seen = stage.once_exits(0).await;
    assert_eq!(seen.err.matches("would be terminated (dry-run)").count(), 4);
    assert!(stage.terminated().is_empty());
}
