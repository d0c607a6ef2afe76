//! Several accounts: they run at once, one that hangs delays no other, and one that is unknown is an error.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fmt::Write, net::TcpListener, process::Command, time::Duration};

use common::{Running, Stage, many_due};
use zenreaper::clock;

/// A server at every address of this host that takes connections and never answers.
struct Hung(TcpListener);

impl Hung {
    fn start() -> Self {
        Self(TcpListener::bind("0.0.0.0:0").unwrap())
    }

    /// Its origin, another one for each number.
    fn origin(&self, n: usize) -> String {
        format!("http://127.0.0.{}:{}", n + 1, self.0.local_addr().unwrap().port())
    }
}

/// A command with a config whose accounts have these names and origins.
fn command(stage: &Stage, accounts: &[(String, String)], args: &[&str]) -> Command {
    let retry = "timeout: 1s, retry: { attempts: 2, first_delay: 10ms, total: 2s }";
    let mut config = "mode: enforce\nrules: rules.yaml\njournal: sqlite://journal.db\n\
        limits: { max_terminations: 1000, max_percent: 100 }\naccounts:\n"
        .to_owned();
    for (name, origin) in accounts {
        writeln!(config, "  - {{ name: {name}, endpoint: \"{origin}\", {retry} }}").unwrap();
    }
    std::fs::write(stage.path("several.yaml"), config).unwrap();
    let mut command = stage.command_without_config(args);
    command.arg("--config").arg(stage.path("several.yaml"));
    command
}

#[tokio::test]
async fn an_account_that_hangs_delays_no_other() {
    let (stage, hung) = (Stage::with(many_due(3)).await, Hung::start());
    let mut accounts: Vec<_> = (0..3).map(|n| (format!("hung-{n}"), hung.origin(n))).collect();
    accounts.push(("main".to_owned(), stage.sandbox.endpoint()));
    let running = Running::of(command(&stage, &accounts, &["run", "--once"]));
    let began = clock::monotonic();
    stage.until("the calls of the last account", |stage| stage.terminated().len() == 3).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let seen = running.end(&stage).await;
    seen.exits(1);
    assert_eq!(seen.lines("result", "incomplete_inventory").len(), 3);
    assert_eq!(seen.lines("result", "success").len(), 1);

    let began = clock::monotonic();
    let plan = stage.run_command(command(&stage, &accounts, &["plan"])).await;
    plan.exits(1).says("account main: 3 instances");
    let places: Vec<_> = ["hung-0", "hung-1", "hung-2", "main"]
        .map(|name| plan.out.find(&format!("account {name}: ")).unwrap())
        .into();
    assert!(places.is_sorted(), "in the order of the config: {}", plan.out);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn accounts_that_never_began_are_told_of_in_one_line() {
    let (stage, hung) = (Stage::with(Vec::new()).await, Hung::start());
    let accounts: Vec<_> = (0..30).map(|n| (format!("a-{n:02}"), hung.origin(n))).collect();
    let running = Running::of(command(&stage, &accounts, &["run", "--once"]));
    stage.until("it began", |stage| stage.path("journal.db").exists()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.signal("TERM");
    let seen = running.end(&stage).await;
    seen.exits(1);
    let of = |text: &str| seen.err.lines().filter(|line| line.contains(text)).count();
    assert_eq!(of("stopped before these accounts began"), 1, "{}", seen.err);
    seen.says("a-08, a-09").says(" and 12 more").says("\"accounts\":22");
    assert_eq!((of("run started"), of("run ended")), (8, 8), "{}", seen.err);
    assert!(of("\"level\":\"ERROR\"") <= 8, "{}", seen.err);
    let began: Vec<(i64,)> = stage.rows("SELECT COUNT(*) FROM runs").await;
    assert_eq!(began, [(8,)]);
}

#[tokio::test]
async fn an_account_that_the_config_does_not_have_is_an_error_everywhere() {
    let stage = Stage::with(many_due(1)).await;
    let hold = ["--for", "1d", "--reason", "x"];
    let commands: [&[&str]; 9] = [
        &["plan"],
        &["explain", "i-0000"],
        &["forecast"],
        &["backtest", "--rules", "rules.yaml"],
        &["inventory"],
        &["hold", "i-0000", hold[0], hold[1], hold[2], hold[3]],
        &["hold", "--match", "{ zone: HKG-A }", hold[0], hold[1], hold[2], hold[3]],
        &["hold", "i-0000", "--unseen", hold[0], hold[1], hold[2], hold[3]],
        &["unhold", "i-0000"],
    ];
    for args in commands {
        for name in ["nope", "Main", "main ", ""] {
            let mut command = stage.command(&[args, &["--account", name]].concat());
            command.current_dir(stage.path(""));
            let says = format!("`{name}` is not an account; --account names one of main");
            stage.run_command(command).await.exits(2).says(&says);
        }
    }
    assert!(stage.sandbox.calls().is_empty());
    assert!(!stage.path("journal.db").exists());
}
