//! The alerts: that they are right by promtool, that the runbook has a section for each, and that a real Prometheus raises them when a
//! real service meets the fault.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;
mod scenarios;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use common::{
    page::Page,
    prometheus::{Alert, Prometheus, have, promtool},
    promql, read,
    receiver::Receiver,
};
use regex::Regex;
use scenarios::Scenario;
use serde_json::Value;

const RULES: &str = "deploy/prometheus/zenreaper.rules.yaml";
const TESTS: [&str; 2] =
    ["deploy/prometheus/zenreaper.test.yaml", "deploy/prometheus/zenreaper.days.test.yaml"];
const RUNBOOK: &str = "docs/runbook.md";

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}")).clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// All rules, of alerts and of records.
fn rules() -> Vec<Value> {
    list(&yaml(RULES)["groups"]).iter().flat_map(|group| list(&group["rules"])).collect()
}

fn alerts() -> Vec<Value> {
    rules().into_iter().filter(|rule| rule.get("alert").is_some()).collect()
}

fn page() -> Page {
    Page::read(&read("tests/fixtures/metrics.txt"))
}

#[test]
fn promtool_is_content_with_rules_and_example_and_passes_their_tests() {
    if !have("promtool") {
        return;
    }
    promtool(&["check", "rules", RULES]);
    promtool(&["check", "config", "deploy/prometheus/prometheus.yaml"]);
    let said = promtool(&[&["test", "rules"], &TESTS[..]].concat());
    assert_eq!(said.matches("SUCCESS").count(), TESTS.len(), "{said}");
}

#[test]
fn what_the_rules_ask_for_is_on_a_real_page() {
    let page = page();
    for rule in rules() {
        let unknown = promql::unknown(text(&rule["expr"]), &page);
        assert!(unknown.is_empty(), "{}: {unknown:?}", rule["expr"]);
    }
}

#[test]
fn every_alert_says_what_it_means_and_leads_to_its_section_and_back() {
    let mut named = BTreeSet::new();
    for alert in alerts() {
        let (name, annotations) = (text(&alert["alert"]), &alert["annotations"]);
        let severity = text(&alert["labels"]["severity"]);
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        assert!(!text(&annotations["summary"]).is_empty(), "{name}");
        let description = text(&annotations["description"]);
        assert!(description.contains("First "), "{name}: what to do first? {description}");
        let section = format!("{RUNBOOK}#{}", name.to_lowercase());
        assert_eq!(annotations["runbook_url"], section.as_str());
        named.insert(name.to_owned());
    }
    let runbook = read(RUNBOOK);
    let mut sections = BTreeMap::new();
    for section in runbook.split("\n## ").skip(1) {
        let (name, body) = section.split_once('\n').unwrap();
        for part in ["- **Means**: ", "- **See**: ", "- **Do**: ", "- **Over**: "] {
            assert!(body.contains(part), "{RUNBOOK}: {name} has no {part:?}");
        }
        sections.insert(name.to_owned(), body);
    }
    assert_eq!(named, sections.keys().cloned().collect(), "alerts, and sections of {RUNBOOK}");
}

/// The labels with which each alert fires in the tests of promtool; an empty set stands for a case in which it is silent.
fn tested() -> BTreeMap<String, Vec<BTreeSet<String>>> {
    let label = Regex::new(r#"(\w+)="([^"]*)""#).unwrap();
    let mut tested: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
    let tests = TESTS.iter().flat_map(|path| list(&yaml(path)["tests"]));
    for case in tests.flat_map(|test| list(&test["promql_expr_test"])) {
        let expression = text(&case["expr"]);
        let name = &label.captures(expression).unwrap()[2];
        let only = format!(r#"ALERTS{{alertname="{name}", alertstate="firing"}}"#);
        assert_eq!(expression, only);
        let fired = list(&case["exp_samples"]);
        let labels = fired.iter().map(|sample| {
            let labels = label.captures_iter(text(&sample["labels"]));
            labels.map(|one| one[1].to_owned()).collect()
        });
        let seen = tested.entry(name.to_owned()).or_default();
        seen.extend(labels);
        if fired.is_empty() {
            seen.push(BTreeSet::new());
        }
    }
    tested
}

#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent() {
    let tested = tested();
    let label = Regex::new(r"\$labels\.(\w+)").unwrap();
    for alert in alerts() {
        let name = text(&alert["alert"]);
        let cases = tested.get(name).unwrap_or_else(|| panic!("no case for {name}"));
        assert!(cases.iter().any(BTreeSet::is_empty), "no silent case for {name}");
        let fired: Vec<_> = cases.iter().filter(|labels| !labels.is_empty()).collect();
        assert!(!fired.is_empty(), "no firing case for {name}");
        let annotations = alert["annotations"].to_string();
        for used in label.captures_iter(&annotations) {
            let has = |labels: &&&BTreeSet<String>| labels.contains(&used[1]);
            assert!(fired.iter().any(|labels| has(&labels)), "{name} never has {}", &used[1]);
        }
    }
}

/// How much of the past counts, in the shortened rules: seconds.
const WINDOW: &str = "15";

/// The rules with every time that they wait, and every window, cut to seconds.
fn shortened() -> String {
    let mut rules = read(RULES);
    for (long, short) in [
        (r"\bfor: \w+", "for: 1s"),
        (r"\[\d+[mhd]\]", &format!("[{WINDOW}s]")),
        (r"< (3600|86400)\b", &format!("< {WINDOW}")),
    ] {
        let long = Regex::new(long).unwrap();
        assert!(long.is_match(&rules), "{long}");
        rules = long.replace_all(&rules, short).into_owned();
    }
    rules
}

/// The alerts that fired so far, by scenario: name and labels.
type Fired = BTreeMap<String, Vec<Alert>>;

fn not_fired(fired: &Fired, scenario: &Scenario) -> Vec<String> {
    let fired = fired.get(scenario.name).map_or(&[][..], Vec::as_slice);
    let has_fired = |(name, label): &&(&str, &str)| {
        fired.iter().any(|alert| {
            let labels = alert.labels.as_object().unwrap();
            alert.name == *name && labels.values().any(|value| value == label)
        })
    };
    let missing = scenario.fires.iter().filter(|wanted| !has_fired(wanted));
    missing.map(|(name, label)| format!("{name} ({label}) of {}", scenario.name)).collect()
}

/// Waits until all alerts that are to fire did, each at some time.
async fn until_fired(prometheus: &Prometheus, scenarios: &[&Scenario]) -> Fired {
    let fired: RefCell<Fired> = RefCell::default();
    prometheus
        .until("every fault raises its alert", async |one| {
            for alert in one.alerts().await.into_iter().filter(|alert| alert.is_firing) {
                fired.borrow_mut().entry(alert.scenario.clone()).or_default().push(alert);
            }
            let fired = fired.borrow();
            scenarios.iter().flat_map(|scenario| not_fired(&fired, scenario)).collect()
        })
        .await;
    fired.into_inner()
}

fn check_fired(fired: &Fired, scenarios: &[&Scenario]) {
    for alert in fired.values().flatten() {
        let expanded = alert.annotations.to_string();
        for wrong in ["no value", "error expanding", "<nil>"] {
            assert!(!expanded.contains(wrong), "{expanded}");
        }
    }
    for scenario in scenarios {
        let names: BTreeSet<_> =
            fired.get(scenario.name).into_iter().flatten().map(|alert| &*alert.name).collect();
        let wanted: BTreeSet<_> = scenario.fires.iter().map(|(name, _)| *name).collect();
        let others: Vec<_> =
            names.difference(&wanted).filter(|name| !is_expected(scenario, name)).collect();
        assert!(others.is_empty(), "{}: {others:?} fired too", scenario.name);
    }
}

/// Whether an alert follows from those of a scenario after a while, or from a busy machine, on which a scrape may take too long.
fn is_expected(scenario: &Scenario, alert: &str) -> bool {
    alert == "ZenreaperDown" || alert == "ZenreaperNoSuccess" && !scenario.fires.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_real_service_raises_its_alert_in_a_real_prometheus_until_it_is_mended() {
    if !have("prometheus") {
        return;
    }
    let receiver = Receiver::start(&[]).await;
    let (fine, cloud) = (scenarios::fine().await, scenarios::stopped_cloud().await);
    let (credentials, storm) = (scenarios::wrong_credentials().await, scenarios::storm().await);
    let (challenge, refused) = (scenarios::challenge().await, scenarios::refused().await);
    let (sink, alone) = (scenarios::dead_sink(&receiver).await, scenarios::left_alone().await);
    let (full, odd) = (scenarios::full_disk().await, scenarios::odd_answers().await);
    let mut all =
        vec![&fine, &cloud, &credentials, &storm, &challenge, &refused, &sink, &alone, &odd];
    all.extend(full.iter().map(|(scenario, _)| scenario));
    let targets: Vec<_> = all.iter().map(|one| (one.name, one.address())).collect();
    let prometheus = Prometheus::start(&targets, &shortened()).await;

    prometheus.until_up(all.len()).await;
    scenarios::take_back(&odd).await;

    let fired = until_fired(&prometheus, &all).await;
    check_fired(&fired, &all);
    for Scenario { name, service, readyz, .. } in &all {
        let (status, why) = service.get("/readyz").await;
        assert!(status == readyz.0 && why.contains(readyz.1), "{name}: {status} {why}");
    }

    // What is mended is quiet again.
    storm.service.stage.sandbox.clear_faults();
    challenge.service.stage.sandbox.clear_faults();
    receiver.answer(200);
    alone.service.stage.write_rules(common::RULES);
    alone.service.running.signal("HUP");
    if let Some((_, disk)) = &full {
        disk.free();
    }
    let mended = ["storm of 429", "challenge", "dead sink", "full disk", "fine"];
    let is_open =
        |alert: &Alert| mended.contains(&&*alert.scenario) || alert.name == "ZenreaperReloadFailed";
    let open = |alert: Alert| format!("the end of {} of {}", alert.name, alert.scenario);
    prometheus
        .until("what is mended is quiet again", async |one| {
            one.alerts().await.into_iter().filter(is_open).map(open).collect()
        })
        .await;

    fine.service.ends_after("TERM").await.exits(0);
    let is_missed = |alert: &Alert| alert.scenario == "fine" && alert.name == "ZenreaperDown";
    prometheus
        .until("a service that ended is missed", async |one| {
            let is_missed = one.alerts().await.iter().any(is_missed);
            if is_missed { Vec::new() } else { vec!["ZenreaperDown".to_owned()] }
        })
        .await;
}
