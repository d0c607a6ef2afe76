//! Notices and the promise behind them: never earlier than promised, over restarts, dead sinks and wrong clocks.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::{Arc, Mutex};

use common::{Stage, due, many_due, receiver::Receiver};
use jiff::{SignedDuration, Timestamp};
use zenreaper::{
    clock,
    sandbox::{Action, Machine, TOKEN},
};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Rules that take what is due this long after its owner was told.
fn rules(more: &str) -> String {
    format!(
        "rules: [{{ name: told, match: {{ zone: HKG-A }}, unless: {{ tags: {{ keep: '*' }} }}, expire: {{ after: 1h }}, {more} }}]"
    )
}

/// The part of a config that tells one receiver.
fn sinks(receivers: &[(&str, &Receiver)]) -> String {
    let sink = |(name, receiver): &(&str, &Receiver)| {
        format!("\n    - {{ name: {name}, type: webhook, url: \"{}/{name}\" }}", receiver.origin)
    };
    format!("notices:\n  sinks:{}", receivers.iter().map(sink).collect::<String>())
}

/// Machines whose owners are told an hour before, and the receiver that is told.
async fn told_of(machines: Vec<Machine>) -> (Stage, Receiver) {
    let receiver = Receiver::start(&[]).await;
    let stage = Stage::with(machines).await.rules(&rules("notice: 1h"));
    (stage.more(&sinks(&[("hook", &receiver)])), receiver)
}

fn notices(result: &str) -> String {
    format!(r#"zenreaper_notices_total{{result="{result}",sink="hook"}}"#)
}

fn time(value: &serde_json::Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_owner_is_told_and_has_the_time_that_was_promised() {
    let (stage, receiver) = told_of(many_due(1)).await;
    let before = clock::now();
    stage.once_exits(0).await.counts(&notices("sent"), 1.0);
    let told = receiver.told("noticed");
    assert_eq!((told.len(), told[0].ids()), (1, vec!["i-0000".to_owned()]));
    let machine = &told[0].machines[0];
    let promised = time(&machine["terminate_at"]);
    assert!(promised >= before + HOUR && promised <= clock::now() + HOUR + SECOND, "{promised}");
    assert_eq!((&machine["rule"], &machine["name"]), (&"told".into(), &"name-of-i-0000".into()));

    let planned = stage.decision("i-0000").await;
    assert_eq!((&planned["decision"], &planned["reason"]), (&"notice".into(), &"told".into()));
    assert!(time(&planned["terminate_at"]) >= promised, "{planned}");
    stage.time_passes(HOUR - MINUTE).await;
    stage.once_exits(0).await.counts(&notices("sent"), 0.0);
    assert!(stage.terminated().is_empty() && receiver.count() == "1 noticed");

    stage.time_passes(MINUTE + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
    assert_eq!(receiver.count(), "1 noticed, 1 terminated");
    let gone = &receiver.told("terminated")[0].machines[0];
    let (until, now) = (time(&gone["recoverable_until"]), clock::now());
    assert!(until > now + DAY - MINUTE && until <= now + DAY, "{until}");
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "1 noticed, 1 terminated", "each is told once");
}

#[tokio::test]
async fn no_call_arrives_before_its_time() {
    let (stage, receiver) = told_of(many_due(1)).await;
    let stage = stage.rules(&rules("notice: 1m"));
    // All but two seconds of the minute pass after the first run.
    let passed = MINUTE - SECOND * 2;
    let called: Arc<Mutex<Option<Timestamp>>> = Arc::default();
    let seen = Arc::clone(&called);
    stage.sandbox.before_call(Action::TerminateInstance, 1, move |_| {
        *seen.lock().unwrap() = Some(clock::now());
    });
    let mut runs = 0;
    while called.lock().unwrap().is_none() {
        stage.once_exits(0).await;
        if runs == 0 {
            stage.time_passes(passed).await;
        }
        runs += 1;
        assert!(runs < 100);
    }
    let told = &receiver.told("noticed")[0];
    let called = called.lock().unwrap().unwrap();
    let early = called < time(&told.machines[0]["terminate_at"]) - passed;
    assert!(!early && called >= told.sent_at + SECOND * 2, "{called} {told:?}");
    assert!(runs > 1);
}

#[tokio::test]
async fn an_owner_is_told_of_all_machines_at_once() {
    let mut fleet: Vec<_> = ["a", "b", "c"].map(|id| due(id).with_tag("owner", "ann")).into();
    fleet.extend(["d", "e"].map(|id| due(id).with_tag("owner", "bob")));
    fleet.push(due("f"));
    let (stage, receiver) = told_of(fleet).await;
    stage.once_exits(0).await.counts(&notices("sent"), 6.0);
    let mut told: Vec<_> = receiver
        .told("noticed")
        .iter()
        .map(|told| (told.owner.clone().unwrap_or_default(), told.ids().concat()))
        .collect();
    told.sort_unstable();
    let expected = [("", "f"), ("ann", "abc"), ("bob", "de")];
    assert_eq!(told, expected.map(|(owner, ids)| (owner.to_owned(), ids.to_owned())));
}

/// Elsewhere, owners of what was terminated heard nothing because something else of the same run failed.
#[tokio::test]
async fn what_an_owner_is_told_at_once_is_bounded() {
    let (stage, receiver) = told_of(many_due(201)).await;
    stage.once_exits(0).await.counts(&notices("sent"), 201.0);
    let told: Vec<_> = receiver.told("noticed").iter().map(|told| told.ids().len()).collect();
    assert_eq!(told, [200, 1]);
}

#[tokio::test]
async fn a_run_without_an_inventory_tells_nobody() {
    let (stage, receiver) = told_of(many_due(1)).await;
    receiver.answer(503);
    stage.once_exits(0).await;
    receiver.answer(200);
    let stage = stage.fault("total-count=5");
    stage.once_exits(1).await;
    assert_eq!(receiver.count(), "");
    stage.sandbox.clear_faults();
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "1 noticed");
}

#[tokio::test]
async fn a_failure_keeps_nobody_from_being_told_and_is_told_once() {
    let receiver = Receiver::start(&[]).await;
    let stage = Stage::with(many_due(3)).await.more(&sinks(&[("hook", &receiver)]));
    let stage = stage
        .fault("error=INVALID_PARAMETER_VALUE,status=400,action=TerminateInstance,instance=i-0001");
    stage.once_exits(5).await;
    assert_eq!(receiver.count(), "1 terminated, 1 failed");
    assert_eq!(receiver.told("terminated")[0].ids(), ["i-0000", "i-0002"]);
    let failed = &receiver.told("failed")[0].machines[0];
    assert_eq!(failed["instance_id"], "i-0001");
    assert!(failed["detail"].as_str().unwrap().contains("INVALID_PARAMETER_VALUE"), "{failed}");
    stage.once_exits(5).await;
    assert_eq!(receiver.count(), "1 terminated, 1 failed", "the same failure is told once");
    stage.sandbox.clear_faults();
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "2 terminated, 1 failed");
}

#[tokio::test]
async fn a_machine_that_is_wanted_after_all_is_withdrawn_once() {
    let tagged = |one: Machine| one.with_tag("owner", "ann");
    let (stage, receiver) = told_of(many_due(2).into_iter().map(tagged).collect()).await;
    stage.once_exits(0).await;
    stage.sandbox.edit("i-0001", |one| one.set_tag("keep", "yes"));
    stage.once_exits(0).await;
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "1 noticed, 1 withdrawn");
    let withdrawn = &receiver.told("withdrawn")[0];
    assert_eq!(withdrawn.ids(), ["i-0001"]);
    assert_eq!(withdrawn.machines[0]["detail"], "it is now: keep (excepted)");

    stage.time_passes(HOUR * 2).await;
    stage.sandbox.edit("i-0001", |one| one.remove_tag("keep"));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"], "the old promise is over: it is told anew");
    assert_eq!(receiver.told("noticed")[1].ids(), ["i-0001"]);
    stage.time_passes(HOUR + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000", "i-0001"]);
}

/// A rule that tells nobody any more would terminate at once what is due.
#[tokio::test]
async fn an_owner_keeps_the_time_that_was_promised_when_the_notice_is_taken_out_of_the_rule() {
    let (stage, receiver) = told_of(many_due(1)).await;
    stage.once_exits(0).await;
    stage.write_rules(&rules("action: terminate"));
    stage.time_passes(HOUR - MINUTE).await;
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty() && receiver.count() == "1 noticed");
    stage.time_passes(MINUTE + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn what_was_promised_of_a_machine_is_nothing_to_the_next_one_of_its_id() {
    let (stage, receiver) = told_of(many_due(1)).await;
    let stage = stage.rules(&rules("notice: 1h").replace("expire: { after: 1h }, ", ""));
    stage.once_exits(0).await;
    stage.time_passes(HOUR * 3).await;
    let born = (clock::now() - HOUR * 2).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    stage.sandbox.edit("i-0000", move |one| one.set("createTime", born));
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty(), "the owner of this one was told nothing");
    assert_eq!(receiver.count(), "2 noticed, 1 withdrawn");
    assert_eq!(receiver.told("withdrawn")[0].machines[0]["detail"], "it is not there any more");
    stage.time_passes(HOUR + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn a_machine_that_an_operator_keeps_is_withdrawn() {
    let (stage, receiver) = told_of(many_due(1)).await;
    stage.once_exits(0).await;
    stage.run(&["hold", "i-0000", "--for", "2h", "--reason", "demo"]).await.exits(0);
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "1 noticed, 1 withdrawn");
    stage.time_passes(HOUR * 3).await;
    stage.once_exits(0).await;
    assert_eq!(receiver.count(), "2 noticed, 1 withdrawn");
    assert!(stage.terminated().is_empty(), "an hour from now");
}

#[tokio::test]
async fn a_rejected_inventory_withdraws_nothing() {
    let (stage, receiver) = told_of(many_due(3)).await;
    stage.once_exits(0).await;
    let machine = stage.sandbox.machine("i-0000").unwrap();
    stage.sandbox.remove("i-0000");
    stage.sandbox.remove("i-0001");
    stage.once_exits(3).await;
    assert_eq!(receiver.count(), "1 noticed, 1 guard_refused");
    stage.sandbox.add(&machine);
    stage.once_exits(0).await;
    assert_eq!(receiver.told("withdrawn")[0].ids(), ["i-0001"], "the one that is really gone");
}

#[tokio::test]
async fn a_sink_that_is_down_for_a_day_costs_no_machine() {
    let (stage, receiver) = told_of(many_due(2)).await;
    receiver.answer(503);
    for _ in 0..3 {
        let seen = stage.once_exits(0).await;
        seen.counts(&notices("failed"), 2.0).counts(&notices("sent"), 0.0);
        let planned = stage.decision("i-0000").await;
        assert_eq!(planned["reason"], "undelivered");
        stage.time_passes(HOUR * 8).await;
    }
    assert!(stage.terminated().is_empty());
    let ids = |call: &common::receiver::Call| call.1["Idempotency-Key"].clone();
    let (first, calls) = (ids(&receiver.calls()[0]), receiver.calls());
    assert!(calls.len() >= 3 && calls.iter().all(|call| ids(call) == first), "one batch");

    receiver.answer(200);
    stage.once_exits(0).await.counts(&notices("sent"), 2.0);
    assert_eq!(receiver.told("noticed").len(), 1);
    stage.time_passes(HOUR - MINUTE).await;
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty(), "an hour from when they were really told");
    stage.time_passes(MINUTE + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated().len(), 2);
}

#[tokio::test]
async fn every_sink_has_to_have_told() {
    let (stage, receiver) = told_of(many_due(1)).await;
    stage.once_exits(0).await;
    let later = Receiver::start(&[]).await;
    later.answer(503);
    let stage = stage.more(&sinks(&[("hook", &receiver), ("later", &later)]));
    stage.time_passes(HOUR * 2).await;
    stage.once_exits(0).await;
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty() && !later.calls().is_empty());
    later.answer(200);
    stage.once_exits(0).await;
    stage.time_passes(HOUR + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
    assert_eq!((receiver.told("noticed").len(), later.told("noticed").len()), (1, 1));
}

#[tokio::test]
async fn a_notice_that_is_not_required_does_not_wait_for_its_sink() {
    let (stage, receiver) = told_of(many_due(1)).await;
    let stage = stage.rules(&rules("notice: 1h, notice_required: false"));
    receiver.answer(503);
    stage.once_exits(0).await.counts(&notices("failed"), 1.0);
    stage.time_passes(HOUR - MINUTE).await;
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty());
    stage.time_passes(MINUTE + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}

#[tokio::test]
async fn a_dry_run_tells_and_promises_nothing() {
    let (stage, receiver) = told_of(many_due(1)).await;
    let stage = stage.dry();
    stage.once_exits(0).await;
    stage.time_passes(HOUR * 2).await;
    stage.once_exits(0).await;
    assert_eq!((receiver.calls().len(), stage.count_of("promises").await), (0, 0));
    let stage = stage.enforcing();
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty(), "the hour begins when its owner is told");
    assert_eq!(receiver.count(), "1 noticed");
}

#[tokio::test]
async fn a_refused_plan_is_told_once_and_again_after_a_good_run() {
    let receiver = Receiver::start(&[]).await;
    let refusing = "{ max_terminations: 0, max_percent: 100 }";
    let stage = Stage::with(many_due(1)).await.more(&sinks(&[("hook", &receiver)]));
    let stage = stage.limits(refusing);
    stage.once_exits(3).await;
    stage.once_exits(3).await;
    assert_eq!(receiver.count(), "1 guard_refused");
    let told = &receiver.told("guard_refused")[0];
    assert!(told.body["detail"].as_str().unwrap().contains("limits.max_terminations: 0"));
    assert!(told.owner.is_none() && told.body["account"] == "main");

    let stage = stage.limits("{ max_percent: 100 }");
    stage.once_exits(0).await;
    stage.sandbox.add(&due("later"));
    let stage = stage.limits(refusing);
    stage.once_exits(3).await;
    stage.once_exits(3).await;
    assert_eq!(receiver.count(), "1 terminated, 2 guard_refused");
    // Another guard is other news.
    let stage = stage.limits("{ max_percent: 0 }");
    stage.once_exits(3).await;
    assert_eq!(receiver.count(), "1 terminated, 3 guard_refused");
}

#[tokio::test]
async fn a_refused_plan_makes_no_promise() {
    let mut fleet = many_due(3);
    fleet.push(due("other").with("zoneId", "SEL-A"));
    let (stage, receiver) = told_of(fleet).await;
    let stage = stage.limits("{ max_terminations: 2, max_percent: 100 }").rules(
        "rules: [{ name: at-once, match: { zone: HKG-A } }, { name: told, match: { zone: SEL-A }, notice: 1h }]",
    );
    stage.once_exits(3).await;
    assert_eq!(
        (stage.count_of("promises").await, receiver.count()),
        (0, "1 guard_refused".to_owned())
    );
    let stage = stage.limits("{ max_terminations: 3, max_percent: 100 }");
    stage.once_exits(0).await;
    assert_eq!(receiver.told("noticed")[0].ids(), ["other"]);
}

#[tokio::test]
async fn a_clock_that_runs_ahead_by_a_day_terminates_nothing_early() {
    let (stage, receiver) = told_of(many_due(1)).await;
    let stage = stage.token(TOKEN);
    stage.once_exits(0).await;
    // Our clock is a day ahead: all that is remembered lies so much longer ago, and the server is a day behind.
    stage.time_passes(DAY).await;
    let stage = stage.fault("skew=-86400");
    stage.once_exits(1).await.says("CLOCK_SKEW");
    stage.sandbox.clear_faults();
    stage.time_passes(-DAY).await;
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty(), "the clock is right again, and the hour is not over");
    stage.time_passes(HOUR + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
    assert_eq!(receiver.count(), "1 noticed, 1 terminated");
}

#[tokio::test]
async fn a_clock_that_is_set_back_by_a_day_only_waits_longer() {
    let (stage, receiver) = told_of(many_due(1)).await;
    stage.once_exits(0).await;
    // What is remembered lies ahead by a day, as it would after a clock that was wrong when it was written.
    stage.time_passes(-DAY).await;
    stage.time_passes(HOUR * 2).await;
    stage.once_exits(0).await;
    let planned = stage.decision("i-0000").await;
    assert_eq!(planned["reason"], "told");
    assert!(time(&planned["terminate_at"]) > clock::now() + HOUR * 22, "{planned}");
    assert!(stage.terminated().is_empty() && receiver.count() == "1 noticed");
}

#[tokio::test]
async fn nobody_is_told_by_a_clock_that_is_wrong() {
    let (stage, receiver) = told_of(many_due(1)).await;
    let stage = stage.token(TOKEN);
    receiver.answer(503);
    stage.once_exits(0).await;
    receiver.answer(200);
    // Our clock is a day behind: a notice that were sent now would be written down as sent a day ago.
    stage.time_passes(-DAY).await;
    let stage = stage.fault("skew=86400");
    stage.once_exits(1).await.says("CLOCK_SKEW");
    stage.sandbox.clear_faults();
    stage.time_passes(DAY + HOUR * 2).await;
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty(), "its owner was told just now");
    assert_eq!(receiver.count(), "1 noticed");
    stage.time_passes(HOUR + SECOND).await;
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["i-0000"]);
}
