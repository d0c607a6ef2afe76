//! The commands around a run, end to end: what they print and how they exit.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Stage, due, many_due};
use zenreaper::sandbox::{Action, Machine};

fn three() -> Vec<Machine> {
    vec![
        due("due"),
        due("young").with("createTime", "2099-01-01T00:00:00Z"),
        due("elsewhere").with("zoneId", "SEL-A"),
    ]
}

#[tokio::test]
async fn plan_shows_every_machine_that_a_rule_touches_and_never_acts() {
    let stage = Stage::with(three()).await;
    let seen = stage.run(&["plan"]).await;
    seen.exits(0).says("terminate  due").says("wait       young").says("1 more is kept");
    assert!(!seen.out.contains("elsewhere"), "{}", seen.out);
    assert!(seen.err.is_empty(), "no progress line where nobody looks: {}", seen.err);
    assert!(stage.terminated().is_empty());
}

#[tokio::test]
async fn a_plan_says_what_a_run_would_make_of_it() {
    let table = [("{}", "do this"), ("{ max_terminations: 0 }", "terminate nothing")];
    for (limits, expected) in table {
        let stage = Stage::with(three()).await.limits(limits);
        let seen = stage.run(&["plan"]).await;
        seen.exits(0).says(&format!("Mode enforce: a run would {expected}.\n"));
    }
    let stage = Stage::with(three()).await;
    stage.run(&["pause", "--for", "2h"]).await.exits(0);
    let seen = stage.run(&["plan"]).await;
    seen.says("Nothing is terminated; `zenreaper resume` ends that.");
    seen.says("Mode enforce: a run would terminate nothing.");
}

#[tokio::test]
async fn what_is_mistyped_is_told_with_what_was_expected() {
    let table: [(&[&str], &str); 4] = [
        (&["explain", "i-1", "--at", "2026-12-01"], "such as 2026-11-24T09:00:00Z"),
        (&["explain"], "<INSTANCE_ID|--name <NAME>>"),
        (&["forecast", "--days", "30d"], "a number of days from 1 to 366, without a unit"),
        (&["forecast", "--days", "367"], "a number of days from 1 to 366, without a unit"),
    ];
    let stage = Stage::with(Vec::new()).await;
    for (command, expected) in table {
        stage.run(command).await.exits(2).says(expected);
    }
}

#[tokio::test]
async fn a_terminal_gets_colours_unless_somebody_wants_none() {
    let stage = Stage::with(Vec::new()).await;
    stage.write_rules("rules: [{ nam: x }]");
    let check = format!("{} check --config config.yaml", env!("CARGO_BIN_EXE_zenreaper"));
    stage.run(&["check"]).await.exits(2);
    for (no, coloured) in [("", true), ("1", false)] {
        let mut terminal = std::process::Command::new("script");
        terminal.args(["-qec", &check, "/dev/null"]).env("NO_COLOR", no);
        let output = terminal.current_dir(stage.path("")).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains("unknown key"), "{told}");
        assert_eq!(told.contains('\u{1b}'), coloured, "NO_COLOR={no}: {told}");
    }
}

#[tokio::test]
async fn plan_in_json_keeps_its_contract() {
    let stage = Stage::with(three()).await;
    let seen = stage.run(&["plan", "-o", "json"]).await;
    let json = seen.exits(0).json();
    assert_eq!(json["mode"], "enforce");
    assert!(json["generated_at"].as_str().unwrap().ends_with('Z'));
    let account = &json["accounts"][0];
    assert_eq!(account["account"], "main");
    assert_eq!(account["inventory"], serde_json::json!({ "instances": 3, "complete": true }));
    assert_eq!(account["guard"], serde_json::json!({ "approved": true, "reason": null }));
    let decisions = account["decisions"].as_array().unwrap();
    let told: Vec<_> = decisions
        .iter()
        .map(|one| [&one["instance_id"], &one["decision"], &one["reason"], &one["rule"]])
        .map(|fields| fields.map(|field| field.as_str().unwrap_or("null")).join(" "))
        .collect();
    let expected =
        ["due terminate due old", "elsewhere keep no_rule null", "young wait not_due old"];
    assert_eq!(told, expected);
    assert_eq!(decisions[0]["due_at"], "2026-01-01T01:00:00Z");
    assert_eq!(decisions[0]["terminate_at"], "2026-01-01T01:00:00Z");
    assert_eq!(decisions[0]["name"], "name-of-due");
    assert!(decisions[1]["due_at"].is_null());
}

#[tokio::test]
async fn plan_tells_by_its_exit_code_if_asked() {
    let detailed = ["plan", "--detailed-exitcode"];
    let stage = Stage::with(three()).await;
    stage.run(&detailed).await.exits(4);
    let nothing = Stage::with(vec![due("elsewhere").with("zoneId", "SEL-A")]).await;
    nothing.run(&detailed).await.exits(0);
    let noticed =
        "rules: [{ name: old, match: { zone: HKG-A }, expire: { after: 1h }, notice: 1d }]";
    Stage::with(many_due(1)).await.rules(noticed).run(&detailed).await.exits(4);
    let waiting = "rules: [{ name: old, match: { zone: HKG-A }, schedule: '0 0 0 1 1 *' }]";
    Stage::with(many_due(1)).await.rules(waiting).run(&detailed).await.exits(4);
    let young = "rules: [{ name: old, match: { zone: HKG-A }, expire: { after: 10000d } }]";
    Stage::with(many_due(1)).await.rules(young).run(&detailed).await.exits(0);
    let refused = Stage::with(three()).await.limits("{ max_terminations: 0 }");
    refused.run(&detailed).await.exits(3).says("REFUSED");
    refused.run(&["plan"]).await.exits(0).says("limits.max_terminations: 0 allows 0");
}

#[tokio::test]
async fn plan_tells_nobody_and_needs_no_secret_of_a_sink() {
    let stage =
        Stage::with(three()).await.more("notices: { sinks: [{ name: chat, type: slack }] }");
    stage.run(&["plan"]).await.exits(0).says("terminate  due");
    stage.run(&["run", "--once"]).await.exits(1).says("chat");
}

#[tokio::test]
async fn a_plan_on_an_incomplete_inventory_says_so() {
    let stage = Stage::with(three()).await.fault("total-count=1");
    let seen = stage.run(&["plan", "-o", "json"]).await;
    let json = seen.exits(1).json();
    let account = &json["accounts"][0];
    assert_eq!(account["inventory"]["complete"], false);
    assert_eq!(account["guard"]["approved"], false);
    assert!(account["guard"]["reason"].as_str().unwrap().contains("promises 4"));
    assert_eq!(account["decisions"], serde_json::json!([]));
}

#[tokio::test]
async fn check_needs_no_cloud_and_no_credentials() {
    let stage = Stage::with(Vec::new()).await;
    let mut command = stage.command(&["check"]);
    command.env_remove("ZENLAYER_ACCESS_KEY_ID").env_remove("ZENLAYER_ACCESS_KEY_SECRET");
    stage.run_command(command).await.exits(0).says("ok:").says("1 rule in 1 file");
    let json = stage.run(&["check", "-o", "json"]).await.exits(0).json();
    assert_eq!((&json["ok"], &json["problems"]), (&true.into(), &serde_json::json!([])));
    assert!(stage.sandbox.calls().is_empty());
}

#[tokio::test]
async fn a_config_that_is_named_by_a_relative_path_has_its_journal_beside_it() {
    let stage = Stage::with(many_due(1)).await;
    let mut command = stage.command_without_config(&["run", "--once"]);
    command.arg("--config").arg("config.yaml").current_dir(stage.path(""));
    stage.run_command(command).await.exits(0);
    assert_eq!(stage.terminated(), ["i-0000"]);
    assert!(stage.path("journal.db").exists());
}

#[tokio::test]
async fn without_credentials_it_says_where_it_looked() {
    let stage = Stage::with(Vec::new()).await;
    let mut command = stage.command(&["plan"]);
    command.env_remove("ZENLAYER_ACCESS_KEY_ID").env_remove("ZENLAYER_ACCESS_KEY_SECRET");
    let seen = stage.run_command(command).await;
    seen.exits(1).says("no credentials for the account `main`").says("ZENLAYER_ACCESS_KEY_ID");
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    let stage = Stage::with(Vec::new()).await;
    stage.run(&["terminate-all"]).await.exits(2);
    stage.run(&["run", "--metrics-file", "x"]).await.exits(2);
    stage.run(&["plan", "-o", "xml"]).await.exits(2);
}

const COMMANDS: [&str; 21] = [
    "",
    "run",
    "plan",
    "explain",
    "forecast",
    "backtest",
    "inventory",
    "apply",
    "history",
    "hold",
    "unhold",
    "holds",
    "pause",
    "resume",
    "accept-inventory",
    "check",
    "test",
    "schema",
    "demo",
    "sandbox",
    "completions",
];

#[tokio::test]
async fn the_help_of_every_command_is_as_it_was_read_last() {
    let stage = Stage::with(Vec::new()).await;
    for command in COMMANDS {
        let words: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let seen = stage.run(&words).await;
        let name = if command.is_empty() { "zenreaper" } else { command };
        let golden = format!("./fixtures/help/{name}.txt");
        expect_test::expect_file![golden].assert_eq(&seen.exits(0).out);
    }
}

#[tokio::test]
async fn completions_and_manual_pages_know_every_command() {
    let stage = Stage::with(Vec::new()).await;
    let folder = stage.path("man");
    std::fs::create_dir(&folder).unwrap();
    stage.run(&["man", folder.to_str().unwrap()]).await.exits(0);
    for shell in ["bash", "zsh", "fish"] {
        let script = stage.run(&["completions", shell]).await.exits(0).out.clone();
        for command in COMMANDS.into_iter().filter(|command| !command.is_empty()) {
            assert!(script.contains(command), "{shell} does not complete {command}");
            let page = std::fs::read_to_string(folder.join(format!("zenreaper-{command}.1")));
            assert!(page.unwrap().contains(".SH OPTIONS"), "{command}");
        }
    }
    let nowhere = folder.join("nowhere");
    stage.run(&["man", nowhere.to_str().unwrap()]).await.exits(1).says("nowhere");
}

#[tokio::test]
async fn the_version_tells_the_revision_that_was_built_and_its_time_zone_rules() {
    let stage = Stage::with(Vec::new()).await;
    let (version, revision) = (env!("CARGO_PKG_VERSION"), zenreaper::metrics::revision());
    let tzdb = zenreaper::schedule::tzdb();
    let expected = format!("zenreaper {version} ({revision}), tzdb {tzdb}\n");
    assert_eq!(stage.run(&["--version"]).await.exits(0).out, expected);
    let (year, letter) = tzdb.split_at(4);
    assert!(year.parse::<u16>().unwrap() >= 2026 && letter.len() == 1, "{tzdb}");
}

#[tokio::test]
async fn whoever_stops_reading_does_no_harm() {
    let stage = Stage::with(many_due(3000)).await;
    let mut command = stage.command(&["plan", "-o", "json"]);
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = ended.await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_demo_says_at_once_that_its_port_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let stage = Stage::with(Vec::new()).await;
    let seen = stage.run(&["demo", "--listen", &listen]).await;
    seen.exits(1).says("give another address with --listen");
    assert_eq!(seen.out, "");
}

#[tokio::test]
async fn the_demo_shows_the_plan_and_an_enforced_run() {
    let stage = Stage::with(Vec::new()).await;
    let seen = stage.run(&["demo", "--once", "--listen", "127.0.0.1:0"]).await;
    seen.exits(0).says("1. The plan").says("2. An enforced run").says("unreadable_expiry");
    assert!(stage.sandbox.calls().is_empty(), "the demo has a cloud of its own");
    let terminated = seen.lines("outcome", "terminated").len();
    assert!(terminated >= 15, "{terminated}");
}

#[tokio::test]
async fn the_sandbox_serves_an_inventory_of_ones_own() {
    let stage = Stage::with(Vec::new()).await;
    let file = stage.path("fleet.json");
    let fleet = serde_json::to_string(&[due("mine")]).unwrap();
    std::fs::write(&file, format!(r#"{{"response":{{"totalCount":1,"dataSet":{fleet}}}}}"#))
        .unwrap();
    let running =
        stage.start(&["sandbox", "--listen", "127.0.0.1:0", "--inventory", file.to_str().unwrap()]);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    running.signal("TERM");
    running.end(&stage).await.exits(0).says("1 machine at http://127.0.0.1:");
    let wrong = stage.run(&["sandbox", "--inventory", "nowhere.json"]).await;
    wrong.exits(1).says("nowhere.json");
    stage.run(&["sandbox", "--listen", "0.0.0.0:0"]).await.exits(1).says("loopback only");
    stage.run(&["sandbox", "--fault", "latensy=1s"]).await.exits(2).says("latency");
}

/// The peak of the memory of a process, in KiB, as the kernel tells it while the process lives.
fn peak_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test]
async fn a_hundred_thousand_machines_fit_in_a_hundred_mebibytes() {
    let fleet = (0..100_000).map(|n| {
        due(&format!("i-{n:06}"))
            .with("hostname", format!("host-{n:06}.example"))
            .with("primaryPublicIpAddress", "203.0.113.7")
            .with("privateIpAddresses", serde_json::json!(["10.0.0.1", "10.0.0.2"]))
            .with_tag("env", "dev")
            .with_tag("owner", &format!("team-{}", n % 500))
            .with_tag("ttl", "72h")
    });
    let stage = Stage::with(fleet.collect()).await;
    let mut command = stage.command(&["plan", "-o", "json"]);
    command.stdout(std::fs::File::create(stage.path("plan.json")).unwrap());
    let mut child = command.spawn().unwrap();
    let id = child.id();
    let watch = tokio::task::spawn_blocking(move || {
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(peak_kib(id).unwrap_or(0));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        (peak, child.wait().unwrap())
    });
    let (peak, status) = watch.await.unwrap();
    println!("peak memory {peak} KiB");
    assert!(status.success());
    assert_eq!(stage.calls_of(Action::DescribeInstances).len(), 100);
    assert!((1..100 * 1024).contains(&peak), "{peak} KiB");
}
