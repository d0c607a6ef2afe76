//! The dashboard: by Grafana's own types, by promtool, and by what a real Prometheus answers to each of its queries.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use common::{
    RULES, Stage, due,
    page::Page,
    prometheus::{Prometheus, have, promtool},
    promql, read,
    service::Service,
};
use serde_json::{Value, json};

const DASHBOARD: &str = "deploy/grafana/zenreaper.json";

/// The version of Grafana's schema that the dashboard is written in.
const SCHEMA_VERSION: u64 = 42;

/// The width of Grafana's grid.
const COLUMNS: u64 = 24;

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// A query of a panel.
struct Query {
    panel: String,
    /// As Grafana sends it, with values for the variables.
    expression: String,
    written: String,
}

fn queries() -> Vec<Query> {
    let dashboard = dashboard();
    let queries = list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row");
    let queries = queries.flat_map(|panel| {
        list(&panel["targets"]).iter().map(|target| {
            let written = text(&target["expr"]).to_owned();
            let expression = written
                .replace("$__rate_interval", "1m")
                .replace("$__range", "1m")
                .replace("$account", ".*")
                .replace("$instance", ".*");
            assert!(!expression.contains('$'), "{expression}");
            Query { panel: text(&panel["title"]).to_owned(), expression, written }
        })
    });
    queries.collect()
}

#[test]
fn every_panel_has_its_place_and_says_what_it_shows() {
    let dashboard = dashboard();
    assert_eq!(dashboard["schemaVersion"], SCHEMA_VERSION);
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in list(&dashboard["panels"]) {
        let title = text(&panel["title"]);
        assert!(!title.is_empty() && ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let [x, y, width, height] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(width > 0 && height > 0 && x + width <= COLUMNS, "{title}");
        for cell in (y..y + height).flat_map(|row| (x..x + width).map(move |column| (row, column)))
        {
            assert!(taken.insert(cell), "{title} lies over another panel at {cell:?}");
        }
        if panel["type"] != "row" {
            assert!(text(&panel["description"]).ends_with('.'), "{title}");
            assert!(!text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty(), "{title}");
        }
    }
}

#[test]
fn every_query_goes_by_the_variables_and_names_what_a_page_has() {
    let dashboard = dashboard();
    let variables: Vec<_> =
        list(&dashboard["templating"]["list"]).iter().map(|one| text(&one["name"])).collect();
    assert_eq!(variables, ["datasource", "account", "instance", "docs"]);
    for panel in list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row") {
        let targets = list(&panel["targets"]).iter().map(|target| &target["datasource"]);
        for datasource in targets.chain([&panel["datasource"]]) {
            assert_eq!(*datasource, json!({ "type": "prometheus", "uid": "${datasource}" }));
        }
    }
    let page = Page::read(&read("tests/fixtures/metrics.txt"));
    for Query { panel, written, .. } in queries() {
        assert!(promql::unknown(&written, &page).is_empty(), "{panel}: {written}");
        for name in common::page::names(&written) {
            let labels = &page.metrics[&page.metric_of(&name).unwrap()].labels;
            let is_chosen =
                !labels.contains("account") || written.contains(r#"account=~"$account""#);
            assert!(is_chosen, "{panel} shows all accounts: {written}");
        }
    }
}

#[test]
fn every_link_leads_to_a_document_and_a_section_that_is_there() {
    let dashboard = dashboard();
    let panels = list(&dashboard["panels"]).iter();
    let links = panels.filter_map(|panel| panel["links"].as_array()).flatten();
    let links: Vec<_> = links.chain(list(&dashboard["links"])).collect();
    let to_alerts = links.iter().filter(|link| text(&link["url"]).contains('#')).count();
    assert!(to_alerts > 15, "only {to_alerts}");
    for link in links {
        let path = text(&link["url"]).strip_prefix("${docs}/").unwrap();
        let (document, section) = path.split_once('#').unwrap_or((path, ""));
        let titles = read(&format!("docs/{document}")).to_lowercase();
        let is_there = section.is_empty() || titles.contains(&format!("\n## {section}\n"));
        assert!(is_there, "{path}");
    }
}

#[test]
fn what_is_provisioned_is_the_dashboard_and_its_data_source() {
    let yaml = |path: &str| -> Value { serde_yaml::from_str(&read(path)).unwrap() };
    let source = yaml("deploy/grafana/provisioning/datasources/prometheus.yaml");
    assert_eq!(
        (&source["apiVersion"], &source["datasources"][0]["type"]),
        (&json!(1), &json!("prometheus"))
    );
    let provider = yaml("deploy/grafana/provisioning/dashboards/zenreaper.yaml");
    let folder = text(&provider["providers"][0]["options"]["path"]);
    assert!(read("docs/monitoring.md").contains(&format!("{folder}/")), "{folder}");
}

#[test]
fn the_examples_of_the_document_can_be_read_and_mount_what_is_there() {
    let document = read("docs/monitoring.md");
    let blocks = document.split("```yaml\n").skip(1);
    let blocks: Vec<_> = blocks.map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2, "an alert, and all of it in containers");
    for block in &blocks {
        serde_yaml::from_str::<Value>(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
    let paths = blocks[1].lines().filter_map(|line| line.trim().strip_prefix("- ./"));
    let paths: Vec<_> = paths.map(|mount| mount.split(':').next().unwrap()).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "{path}");
    }
}

#[test]
fn every_query_is_one_to_promtool() {
    if !have("promtool") {
        return;
    }
    let rules: Vec<_> = queries()
        .iter()
        .enumerate()
        .map(|(n, query)| json!({ "record": format!("panel:{n}"), "expr": query.expression }))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    let groups = json!({ "groups": [{ "name": "panels", "rules": rules }] });
    std::fs::write(&file, groups.to_string()).unwrap();
    promtool(&["check", "rules", file.to_str().unwrap()]);
}

/// A service that terminates, fails, is refused, and has its guard's alert fire.
async fn eventful() -> Service {
    let limits = "{ max_terminations: 2, max_percent: 100, max_per_day: 100 }";
    let fault = "error=INTERNAL_SERVER_ERROR,status=500,action=TerminateInstance,instance=i-b";
    let freed =
        "  - { name: freed, match: { zone: SEL-A }, expire: { after: 1h }, action: release }";
    let stage = Stage::with(vec![due("i-a")]).await.limits(limits).fault(fault);
    let stage = stage.rules(&format!("{RULES}{freed}\n")).more("allow_release: true");
    Service::on(stage, "*/2 * * * * *").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_answers_every_query_with_data() {
    if !have("prometheus") {
        return;
    }
    let service = eventful().await;
    let address = service.base.strip_prefix("http://").unwrap();
    let rules = read("deploy/prometheus/zenreaper.rules.yaml");
    let prometheus = Prometheus::start(&[("eventful", address)], &rules).await;
    prometheus.until_up(1).await;
    let sandbox = &service.stage.sandbox;
    sandbox.add(&due("i-b"));
    prometheus
        .until("failed calls are scraped", async |one| {
            let failed = r#"increase(zenreaper_terminations_total{outcome="unknown"}[1m]) > 0"#;
            if one.query(failed).await.is_empty() { vec![failed.to_owned()] } else { Vec::new() }
        })
        .await;
    for id in ["i-c", "i-d", "i-e"] {
        sandbox.add(&due(id));
    }
    let queries = queries();
    prometheus
        .until("every panel has data", async |one| {
            let mut empty = Vec::new();
            for Query { panel, expression, .. } in &queries {
                let series = one.query(expression).await;
                let is_data = |series: &Value| series["value"][1] != "NaN";
                if !series.iter().any(is_data) {
                    empty.push(format!("{panel}: {expression}"));
                }
            }
            empty
        })
        .await;
    service.ends_after("TERM").await.exits(0);
}

#[test]
fn the_lock_of_the_types_names_no_registry() {
    let lock = read("tests/grafana/package-lock.json");
    assert!(lock.contains("integrity") && !lock.contains("://"), "{lock}");
}

/// The folder in which Grafana's schema is installed, if `tests/run` could.
fn schema() -> Option<PathBuf> {
    let folder = std::env::var_os("ZENREAPER_TEST_GRAFANA").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.join("node_modules/@grafana/schema").exists());
    if folder.is_none() {
        common::skip(
            "ZENREAPER_TEST_GRAFANA has no @grafana/schema: the dashboard's types are not checked",
        );
    }
    folder
}

#[test]
fn the_dashboard_is_of_the_types_of_grafana_and_faults_are_not() {
    let Some(installed) = schema() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(installed.join("node_modules"), folder.path().join("node_modules"))
        .unwrap();
    for file in ["types.ts", "faults.ts"] {
        let text = read(&format!("tests/grafana/{file}"));
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let begin = r#"import type { Dashboard } from "./types"; export const dashboard: Dashboard ="#;
    let text = format!("{begin}\n{}", read(DASHBOARD));
    std::fs::write(folder.path().join("dashboard.ts"), text).unwrap();
    let output = Command::new("node")
        .arg(Path::new("node_modules/typescript/bin/tsc"))
        .args(["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"])
        .args(["--module", "esnext", "--moduleResolution", "bundler", "--preserveSymlinks"])
        .args(["dashboard.ts", "faults.ts"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    // The first line of the dashboard stands in the second of that file.
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
