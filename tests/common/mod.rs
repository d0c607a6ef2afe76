//! The stage for end-to-end tests: the real binary, a sandbox cloud in this process, and what both of them saw.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this")]

pub mod browser;
pub mod disk;
pub mod page;
pub mod prometheus;
pub mod promql;
pub mod receiver;
pub mod service;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use jiff::SignedDuration;
use serde_json::Value;
use sqlx::{
    AnyConnection, AssertSqlSafe, ConnectOptions, Connection, FromRow,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use zenreaper::sandbox::{self, Action, Call, Machine, Options, Sandbox};

/// Takes everything that is old enough, unless it is kept.
pub const RULES: &str = "
rules:
  - name: old
    match: { zone: HKG-A }
    unless: [{ tags: { keep: '*' } }]
    expire: { tag: ttl, default: 1h }
";

/// A machine that [`RULES`] takes.
pub fn due(id: &str) -> Machine {
    Machine::new(id)
        .with("zoneId", "HKG-A")
        .with("instanceName", format!("name-of-{id}"))
        .with("createTime", "2026-01-01T00:00:00Z")
}

/// So many machines that [`RULES`] takes.
pub fn many_due(count: usize) -> Vec<Machine> {
    (0..count).map(|n| due(&format!("i-{n:04}"))).collect()
}

/// A sandbox, a config and rules.
pub struct Stage {
    pub sandbox: Sandbox,
    folder: tempfile::TempDir,
    mode: &'static str,
    journal: &'static str,
    within: Vec<String>,
    limits: String,
    account: String,
    more: String,
    timeout: &'static str,
    retry_for: &'static str,
    secret: String,
    token: Option<String>,
}

impl Stage {
    /// A cloud with these machines, an enforcing config without caps, and [`RULES`].
    pub async fn with(machines: Vec<Machine>) -> Self {
        let sandbox = Sandbox::start(Options { machines, ..Options::default() }).await.unwrap();
        let stage = Self {
            sandbox,
            folder: tempfile::tempdir().unwrap(),
            mode: "enforce",
            journal: "journal.db",
            within: Vec::new(),
            limits: "{ max_terminations: 100000, max_percent: 100, max_per_day: 100000 }"
                .to_owned(),
            account: "rate: { describe: 1000/s, terminate: 1000/s }".to_owned(),
            more: String::new(),
            timeout: "2s",
            retry_for: "20s",
            secret: sandbox::ACCESS_KEY_SECRET.to_owned(),
            token: None,
        };
        stage.write_rules(RULES);
        stage
    }

    pub fn rules(self, yaml: &str) -> Self {
        self.write_rules(yaml);
        self
    }

    pub fn dry(self) -> Self {
        Self { mode: "dry-run", ..self }
    }

    /// Another place for the journal, in the folder of the stage.
    pub fn journal(self, journal: &'static str) -> Self {
        Self { journal, ..self }
    }

    /// What the binary is started by: a program and its arguments.
    pub fn within(self, within: Vec<String>) -> Self {
        Self { within, ..self }
    }

    pub fn enforcing(self) -> Self {
        Self { mode: "enforce", ..self }
    }

    pub fn limits(self, limits: &str) -> Self {
        Self { limits: limits.to_owned(), ..self }
    }

    /// More keys of the account, instead of its fast rates.
    pub fn account(self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self }
    }

    /// More lines at the top of the config.
    pub fn more(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }

    /// Still more lines at the top of the config.
    pub fn also(self, more: &str) -> Self {
        let more = format!("{}\n{more}", self.more);
        Self { more, ..self }
    }

    /// How long one call may take.
    pub fn timeout(self, timeout: &'static str) -> Self {
        Self { timeout, ..self }
    }

    /// How long one call may be tried in all.
    pub fn retry_for(self, retry_for: &'static str) -> Self {
        Self { retry_for, ..self }
    }

    pub fn secret(self, secret: &str) -> Self {
        Self { secret: secret.to_owned(), ..self }
    }

    pub fn token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    pub fn fault(self, fault: &str) -> Self {
        self.sandbox.inject(fault.parse().unwrap());
        self
    }

    pub fn write_rules(&self, yaml: &str) {
        std::fs::write(self.folder.path().join("rules.yaml"), yaml).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> String {
        let Self { sandbox, mode, journal, limits, account, more, timeout, retry_for, .. } = self;
        let has_own = more.contains("protect:");
        let protect = if has_own { "" } else { "protect: [{ tags: { protected: '*' } }]" };
        format!(
            "mode: {mode}\nrules: rules.yaml\njournal: sqlite://{journal}\nlimits: {limits}\n{protect}\n{more}\naccounts:\n  \
             - {{ name: main, endpoint: \"{}\", timeout: {timeout}, retry: {{ attempts: 3, first_delay: 5ms, total: {retry_for} }}, {account} }}\n",
            sandbox.endpoint()
        )
    }

    /// The binary with the config and the credentials of the stage.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.command_without_config(args);
        command.arg("--config").arg(self.path("config.yaml"));
        command
    }

    /// The same, for a test that names the config in its own way.
    pub fn command_without_config(&self, args: &[&str]) -> Command {
        std::fs::write(self.path("config.yaml"), self.config()).unwrap();
        let binary = env!("CARGO_BIN_EXE_zenreaper").to_owned();
        let mut words = self.within.iter().chain([&binary]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(args);
        command.args(["--log-format", "json"]).env_clear().env("HOME", self.folder.path());
        match &self.token {
            Some(token) => command.env("ZENLAYER_TOKEN", token),
            None => command
                .env("ZENLAYER_ACCESS_KEY_ID", sandbox::ACCESS_KEY_ID)
                .env("ZENLAYER_ACCESS_KEY_SECRET", &self.secret),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, args: &[&str]) -> Seen {
        self.run_command(self.command(args)).await
    }

    pub async fn run_command(&self, mut command: Command) -> Seen {
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        Seen::new(output, self)
    }

    /// Runs once and keeps the metrics.
    pub async fn once(&self) -> Seen {
        let file = self.path("metrics.prom");
        self.run(&["run", "--once", "--metrics-file", file.to_str().unwrap()]).await
    }

    /// Starts a command that goes on until it is told to stop.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::of(self.command(args))
    }

    /// The ids that `TerminateInstance` was called for, in the order of their arrival.
    pub fn terminated(&self) -> Vec<String> {
        let calls = self.calls_of(Action::TerminateInstance);
        calls.into_iter().flat_map(|call| call.instances).collect()
    }

    /// Runs once, which is to end with this exit code.
    pub async fn once_exits(&self, code: i32) -> Seen {
        let seen = self.once().await;
        seen.exits(code);
        seen
    }

    /// The decision of `plan` on a machine.
    pub async fn decision(&self, id: &str) -> Value {
        let seen = self.run(&["plan", "-o", "json"]).await;
        let plan = seen.exits(0).json();
        let decisions = plan["accounts"][0]["decisions"].as_array().unwrap().clone();
        decisions.into_iter().find(|one| one["instance_id"] == id).unwrap()
    }

    async fn open_journal(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", self.path("journal.db").display());
        AnyConnection::connect(&url).await.unwrap()
    }

    /// Changes the journal.
    pub async fn sql(&self, statement: &str) {
        let mut journal = self.open_journal().await;
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut journal).await.unwrap();
        journal.close().await.unwrap();
    }

    /// How many rows of a table of the journal there are.
    pub async fn count_of(&self, table: &str) -> i64 {
        let mut journal = self.open_journal().await;
        let query = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let (count,): (i64,) = sqlx::query_as(query).fetch_one(&mut journal).await.unwrap();
        journal.close().await.unwrap();
        count
    }

    /// Moves all that the journal remembers into the past, as if so much time had passed; less than none moves it ahead.
    pub async fn time_passes(&self, time: SignedDuration) {
        const TIMES: [(&str, &[&str]); 12] = [
            ("runs", &["started_at", "ended_at"]),
            ("listings", &["believed_at", "doubted_at"]),
            ("decisions", &["decided_at", "terminate_at"]),
            ("intents", &["intended_at", "due_at", "ended_at", "verified_at"]),
            ("holds", &["since", "held_until", "ended_at"]),
            ("promises", &["begun_at", "terminate_at", "ended_at"]),
            ("notices", &["written_at", "sent_at"]),
            ("pauses", &["since", "paused_until", "resumed_at"]),
            ("acts", &["acted_at"]),
            ("releases", &["wanted_at", "intended_at", "ended_at"]),
            ("tag_keys", &["listed_at"]),
            ("known_instances", &["gone_at"]),
        ];
        let ms = time.as_millis();
        for (table, columns) in TIMES {
            let columns: Vec<_> =
                columns.iter().map(|column| format!("{column} = {column} - ({ms})")).collect();
            self.sql(&format!("UPDATE {table} SET {}", columns.join(", "))).await;
        }
    }

    pub fn calls_of(&self, action: Action) -> Vec<Call> {
        self.sandbox.calls().into_iter().filter(|call| call.action == Some(action)).collect()
    }

    /// Rows of the journal that lies at `path`.
    pub async fn rows_at<T>(&self, path: &Path, sql: &'static str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
    {
        // A journal that was closed is the file alone, and needs nothing beside it to be read.
        let is_closed = !path.with_extension("db-wal").exists();
        let options =
            SqliteConnectOptions::new().filename(path).read_only(true).immutable(is_closed);
        let mut connection = options.connect().await.unwrap();
        sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
    }

    /// Rows of the journal.
    pub async fn rows<T>(&self, sql: &'static str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
    {
        self.rows_at(&self.path(self.journal), sql).await
    }

    /// Waits until something holds, for ten seconds at the most.
    pub async fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        for _ in 0..1000 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not within ten seconds: {what}");
    }
}

/// A process that is killed if the test ends before it.
pub struct Running(Option<Child>);

impl Running {
    /// Starts a command that was made ready.
    pub fn of(mut command: Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end.
    pub async fn end(mut self, stage: &Stage) -> Seen {
        let child = self.0.take().unwrap();
        let output = tokio::task::spawn_blocking(move || child.wait_with_output());
        Seen::new(output.await.unwrap().unwrap(), stage)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// What a command left behind.
pub struct Seen {
    pub code: i32,
    pub out: String,
    pub err: String,
    pub metrics: String,
}

impl Seen {
    fn new(output: Output, stage: &Stage) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let metrics = std::fs::read_to_string(stage.path("metrics.prom")).unwrap_or_default();
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(output.stdout), err: text(output.stderr), metrics }
    }

    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// The value of a series in the metrics file.
    #[track_caller]
    pub fn counts(&self, series: &str, expected: f64) -> &Self {
        assert_eq!(value(&self.metrics, series), Some(expected), "{series}\n{}", self.err);
        self
    }

    /// The lines of the log that have this value in this field.
    pub fn lines(&self, field: &str, wanted: &str) -> Vec<Value> {
        let lines = self.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line[field] == wanted).collect()
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        let said = self.err.contains(text) || self.out.contains(text);
        assert!(said, "it does not say {text:?}:\n{}\n{}", self.out, self.err);
        self
    }

    /// The JSON on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.err))
    }
}

/// The value of a series on a page of metrics. Labels stand in the order of their names; the label `config` of a file that a run
/// leaves behind does not count.
pub fn value(page: &str, series: &str) -> Option<f64> {
    page.lines().find_map(|line| {
        let line = without_config(line);
        line.strip_prefix(series)?.strip_prefix(' ').map(|value| value.parse().unwrap())
    })
}

/// A line of metrics without the label `config`.
fn without_config(line: &str) -> String {
    let Some((before, rest)) = line.split_once("config=\"") else { return line.to_owned() };
    let after = rest.split_once('"').unwrap().1;
    let line = format!("{}{}", before, after.trim_start_matches(','));
    line.replace(",}", "}").replace("{}", "")
}

/// A file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names in a folder of the repository, in order.
pub fn names(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Writes a loud line about a test that could not be made here.
pub fn skip(why: &str) {
    // Not by `eprintln!`, which the test runner captures.
    drop(writeln!(std::io::stderr(), "\n!! SKIPPED: {why}\n"));
}
