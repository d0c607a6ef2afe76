//! What a rule says of its own turn and of what is done, end to end: `schedule`, `enabled`, `action: release`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Stage, due, many_due, service::Service};
use jiff::SignedDuration;
use zenreaper::sandbox::Action;

/// Fires once a year, so never while a test runs, but for those that run in the first second of a year.
const YEARLY: &str = "
rules:
  - { name: yearly, match: { zone: HKG-A }, schedule: '0 0 0 1 1 *' }
";

const RELEASE: &str = "
rules:
  - { name: for-good, match: { zone: HKG-A }, unless: { tags: { keep: '*' } }, action: release }
";

const RELEASED: &str =
    r#"zenreaper_releases_total{account="main",outcome="released",rule="for-good"}"#;

async fn release_stage() -> Stage {
    Stage::with(vec![due("a")]).await.rules(RELEASE).more("allow_release: true")
}

fn released(stage: &Stage) -> Vec<String> {
    let calls = stage.calls_of(Action::ReleaseInstances);
    calls.into_iter().flat_map(|call| call.instances).collect()
}

#[tokio::test]
async fn a_rule_with_a_schedule_waits_for_its_turn_and_catches_up_once() {
    let stage = Stage::with(vec![due("a")]).await.rules(YEARLY);
    let decision = stage.decision("a").await;
    assert_eq!(
        (&decision["decision"], &decision["reason"]),
        (&"wait".into(), &"off_schedule".into())
    );
    assert!(decision["terminate_at"].as_str().unwrap().ends_with("-01-01T00:00:00Z"));
    stage.once_exits(0).await;
    stage.once_exits(0).await;
    assert!(stage.terminated().is_empty(), "no run before could have missed its turn");

    stage.time_passes(SignedDuration::from_hours(400 * 24)).await;
    assert_eq!(stage.decision("a").await["decision"], "terminate");
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["a"]);
    stage.sandbox.add(&due("b"));
    stage.once_exits(0).await;
    assert_eq!(stage.terminated(), ["a"], "its turn is over");
}

#[tokio::test]
async fn the_service_gives_each_rule_its_own_turn() {
    let rules = "
rules:
  - { name: every-second, match: { id: 'own-*' }, schedule: '* * * * * *' }
  - { name: common, match: { id: 'common-*' } }
";
    let machines = vec![due("own-1"), due("common-1")];
    let stage = Stage::with(machines).await.rules(rules);
    let service = Service::on(stage, "0 0 0 1 1 *").await;
    let success = r#"zenreaper_runs_total{account="main",result="success"}"#;
    service.metric(success, |runs| runs >= 2.0).await;
    assert_eq!(service.stage.terminated(), ["own-1"]);
    let off_schedule =
        r#"zenreaper_decisions{account="main",decision="wait",reason="off_schedule"}"#;
    service.metric(off_schedule, |machines| machines >= 1.0).await;
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_rule_that_is_switched_off_takes_nothing_and_is_counted() {
    let rules = "rules:\n  - { name: off, match: { zone: HKG-A }, enabled: false }\n  - { name: on, match: { zone: SEL-A } }";
    let stage = Stage::with(many_due(2)).await.rules(rules);
    assert_eq!(stage.decision("i-0000").await["reason"], "no_rule");
    stage.run(&["check"]).await.exits(0).says("1 rule in 1 file, 1 switched off");
}

#[tokio::test]
async fn a_rule_may_release_for_good_what_it_terminates() {
    let stage = release_stage().await;
    let seen = stage.once_exits(0).await;
    seen.counts(RELEASED, 1.0);
    assert_eq!((stage.terminated(), released(&stage)), (vec!["a".into()], vec!["a".into()]));
    assert!(stage.sandbox.machine("a").is_none());
    let json = stage.run(&["history", "-o", "json"]).await.exits(0).json();
    let told: Vec<_> =
        json.as_array().unwrap_or_else(|| json["entries"].as_array().unwrap()).iter().collect();
    let what: Vec<_> = told.iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert!(what.contains(&"terminate") && what.contains(&"release"), "{json}");
    assert!(told.iter().all(|one| one["recoverable_until"].is_null()), "there is no way back");
    stage.once_exits(0).await;
    assert_eq!(released(&stage), ["a"], "once");
}

#[tokio::test]
async fn a_release_is_not_tried_again_once_an_operator_keeps_the_machine() {
    let stage = release_stage().await.fault("too-many=3,action=ReleaseInstances,times=1");
    let running = stage.start(&["run", "--once"]);
    stage.until("the first try", |stage| released(stage) == ["a"]).await;
    stage.run(&["hold", "a", "--for", "7d", "--reason", "a demo"]).await.exits(0);
    running.end(&stage).await;
    assert_eq!(released(&stage), ["a"], "nothing but the first try");
    assert_eq!(stage.sandbox.machine("a").unwrap().status(), Some("RECYCLE"));
}

#[tokio::test]
async fn release_needs_the_word_of_the_config() {
    let stage = Stage::with(vec![due("a")]).await.rules(RELEASE);
    stage.run(&["run", "--once"]).await.exits(2).says("ZR044").says("allow_release: true");
    assert!(stage.sandbox.calls().is_empty());
}

#[tokio::test]
async fn a_release_that_fails_is_tried_again_by_the_next_run() {
    let stage = release_stage()
        .await
        .fault("error=INTERNAL_SERVER_ERROR,status=500,action=ReleaseInstances");
    stage.once_exits(5).await;
    assert_eq!(stage.terminated(), ["a"]);
    assert!(stage.sandbox.machine("a").is_some(), "it waits in the recycle bin");
    stage.sandbox.clear_faults();
    stage.once_exits(0).await.counts(RELEASED, 1.0);
    assert!(stage.sandbox.machine("a").is_none());
    assert_eq!(stage.terminated(), ["a"], "and is not terminated twice");
}

#[tokio::test]
async fn what_is_spared_in_the_recycle_bin_is_not_released() {
    let failing = "error=INTERNAL_SERVER_ERROR,status=500,action=ReleaseInstances";
    for spare in ["tag", "hold", "pause", "dry-run", "rule"] {
        let mut stage = release_stage().await.fault(failing);
        stage.once_exits(5).await;
        stage.sandbox.clear_faults();
        let before = released(&stage).len();
        match spare {
            "tag" => {
                assert!(stage.sandbox.edit("a", |machine| machine.set_tag("keep", "")));
            }
            "hold" => drop(stage.run(&["hold", "a", "--for", "1d", "--reason", "x"]).await),
            "pause" => drop(stage.run(&["pause"]).await),
            "dry-run" => stage = stage.dry(),
            _ => stage = stage.rules("rules: [{ name: for-good, match: { zone: HKG-A } }]"),
        }
        stage.once_exits(0).await;
        assert_eq!(released(&stage).len(), before, "{spare}");
        assert!(stage.sandbox.machine("a").is_some(), "{spare}");
    }
}
