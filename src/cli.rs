//! The command line: what each command is called, and how it ends.

mod acknowledge;
mod apply;
mod backtest;
mod check;
mod demo;
mod examples;
mod exit;
mod explain;
mod forecast;
mod history;
mod hold;
mod inventory;
mod look;
mod manual;
mod operator;
mod plan;
mod progress;
mod render;
mod sandbox;
mod schema;
mod table;
mod test;

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::LazyLock,
};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;

use self::{exit::Exit, progress::Console};
use crate::{
    clock,
    config::{self, Config, Loaded},
    daemon::{self, Daemon, Supervisor},
    diagnostic, hindsight, log, metrics,
    run::Order,
    schedule,
    site::{Instruments, Site, process_env},
};

/// Returns Zenlayer bare-metal machines that nobody needs any more.
#[derive(Debug, Parser)]
#[command(version = VERSION.as_str(), propagate_version = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The config.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = config::DEFAULT_PATH,
        help_heading = "Common options"
    )]
    config: PathBuf,
    /// How the log on standard error looks. `RUST_LOG=debug` tells more.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "human",
        help_heading = "Common options"
    )]
    log_format: log::Format,
}

/// The version, the revision that it was built from, and the edition of the time zone rules in it.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (version, revision) = (env!("CARGO_PKG_VERSION"), metrics::revision());
    format!("{version} ({revision}), tzdb {}", schedule::tzdb())
});

const AFTER_HELP: &str = "\
Credentials, the first place that has any:
  1. systemd credentials zenlayer.<account>.access_key_id and .access_key_secret, or .token
  2. ZENLAYER_ACCESS_KEY_ID and ZENLAYER_ACCESS_KEY_SECRET, or ZENLAYER_TOKEN
  3. ~/.zenlayer/credentials.json of Zenlayer's CLI (profile ZENLAYER_PROFILE, else the CLI's
     current_profile, else `default`)
  4. /etc/zenreaper/credentials, for root on the host of the service
Secrets of a sink of notices: systemd credentials notices.<sink>.secret, .url, .username, .password,
  or ZENREAPER_NOTICES_<SINK>_SECRET, _URL, _USERNAME, _PASSWORD
Token of the status page: systemd credential http.token, or ZENREAPER_HTTP_TOKEN

Exit codes:
  0 done   1 failed   2 wrong usage, config or rules   3 a guard refused the plan
  4 plan or backtest --detailed-exitcode: something would be terminated, or moves towards it
  5 some terminations failed   6 another process holds the lease of an account

Examples:
  zenreaper demo                             see it at work, against an embedded cloud
  zenreaper check --config config.yaml       are config and rules right?
  zenreaper plan --config config.yaml        what would a run do now?";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run on schedule as a service, or once.
    #[command(after_help = examples::RUN)]
    Run(RunArgs),
    /// Show what a run would do now; it never acts.
    #[command(after_help = examples::PLAN)]
    Plan(plan::PlanArgs),
    /// Explain why one machine lives or dies; it never acts.
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::ExplainArgs),
    /// Show what will go when, and by which rule, if all stays as it is; it never acts.
    Forecast(forecast::ForecastArgs),
    /// Show which machines other rules would treat otherwise; it never acts.
    #[command(after_help = examples::BACKTEST)]
    Backtest(backtest::BacktestArgs),
    /// Show or save what there is.
    #[command(after_help = examples::INVENTORY)]
    Inventory(inventory::InventoryArgs),
    /// Execute a saved plan, as far as it is still true.
    #[command(after_help = examples::APPLY)]
    Apply(apply::ApplyArgs),
    /// Show what was done, when and why.
    #[command(after_help = examples::HISTORY)]
    History(history::HistoryArgs),
    /// Hold instances for a while, whatever the rules say.
    #[command(after_help = examples::HOLD, alias = "keep")]
    Hold(hold::HoldArgs),
    /// End the hold of an instance.
    #[command(after_help = examples::UNHOLD, alias = "unkeep")]
    Unhold(hold::UnholdArgs),
    /// List the instances that are held (read-only).
    Holds(hold::HoldsArgs),
    /// Stop all terminations, also those of a run in progress.
    #[command(after_help = examples::PAUSE)]
    Pause(operator::PauseArgs),
    /// End a pause.
    Resume(operator::ResumeArgs),
    /// Accept the inventory that the last run rejected.
    #[command(alias = "trust")]
    AcceptInventory(operator::AcceptArgs),
    /// Check the config and the rules, without any call.
    #[command(after_help = examples::CHECK)]
    Check(check::CheckArgs),
    /// Run the tests of the rules, without any call.
    #[command(after_help = examples::TEST)]
    Test(test::TestArgs),
    /// Print the JSON schema of a file, with which an editor completes, explains and checks it.
    #[command(after_help = examples::SCHEMA)]
    Schema(schema::SchemaArgs),
    /// See the whole thing at work, against an embedded sandbox cloud.
    #[command(after_help = examples::DEMO)]
    Demo(demo::DemoArgs),
    /// Serve a simulated cloud on this host, for rehearsals and tests.
    Sandbox(sandbox::SandboxArgs),
    /// Print what lets a shell complete commands and options.
    #[command(after_help = examples::COMPLETIONS)]
    Completions(manual::CompletionsArgs),
    /// Write the manual pages, for packages.
    #[command(hide = true)]
    Man(manual::ManArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Run once and exit, for cron and systemd timers.
    #[arg(long)]
    once: bool,
    /// Write the metrics to this file at the end, for the textfile collector of `node_exporter`.
    #[arg(long, value_name = "FILE", requires = "once")]
    metrics_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Reads the command line, does what it says, and tells how that ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::default();
    let log_console = console.clone();
    log::start(cli.log_format, move || log_console.clone());
    let exit = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(command(cli, &console)));
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(&format!("error: {error:#}\n"));
            Exit::Failed.into()
        }
    }
}

async fn command(cli: Cli, console: &Console) -> anyhow::Result<Exit> {
    let Cli { command, config, log_format: _ } = cli;
    match command {
        Command::Run(RunArgs { once: true, metrics_file }) => {
            run_once(&config, metrics_file.as_deref(), console).await
        }
        Command::Run(RunArgs { once: false, metrics_file: _ }) => run(config).await,
        Command::Plan(args) => plan::plan(&config, &args, console).await,
        Command::Explain(args) => explain::explained(&config, &args, console).await,
        Command::Forecast(args) => forecast::forecast(&config, &args, console).await,
        Command::Backtest(args) => backtest::backtest(&config, &args, console).await,
        Command::Inventory(args) => inventory::inventory(&config, &args, console).await,
        Command::Apply(args) => apply::apply(&config, &args, console).await,
        Command::History(args) => history::history(&config, args).await,
        Command::Hold(args) => hold::hold(&config, args).await,
        Command::Unhold(args) => hold::unhold(&config, args).await,
        Command::Holds(args) => hold::holds(&config, args).await,
        Command::Pause(args) => operator::pause(&config, args).await,
        Command::Resume(args) => operator::resume(&config, args).await,
        Command::AcceptInventory(args) => operator::accept_inventory(&config, args).await,
        Command::Check(args) => check::check(&config, &args).await,
        Command::Test(args) => test::test(&config, &args),
        Command::Schema(args) => schema::schema(&args),
        Command::Demo(args) => demo::demo(&args).await,
        Command::Sandbox(args) => sandbox::sandbox(args).await,
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    }
}

/// Loads config and rules, with a line of the log for each warning, or tells everything that is wrong with them.
fn load(path: &Path) -> Result<Loaded, Exit> {
    let loaded = load_quietly(path)?;
    log::warnings(&loaded.warnings);
    Ok(loaded)
}

/// The same without the warnings, for [`warn`] to tell.
fn load_quietly(path: &Path) -> Result<Loaded, Exit> {
    config::load(path, clock::now()).map_err(|problems| {
        tell(&diagnostic::render(&problems, log::is_coloured()));
        Exit::Usage
    })
}

/// Writes the warnings on what is about to run to the log, those by what is remembered too.
async fn warn(loaded: &Loaded, site: &Site) {
    log::warnings(&hindsight::warnings(loaded, &site.journal, clock::now()).await);
}

async fn run(path: PathBuf) -> anyhow::Result<Exit> {
    let loaded = match load_quietly(&path) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let stop = daemon::stop_on_signal()?;
    let supervisor = Supervisor::of_process();
    let instruments = Instruments::new(vec![supervisor.sink()])?;
    instruments.prepare(&loaded);
    let site = Site::new(loaded.clone(), process_env)?;
    warn(&loaded, &site).await;
    let listen = site.config.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; see `http.listen` in {}", path.display())
    })?;
    tracing::info!(listen = %listener.local_addr()?, "serving the status page, its API, /metrics, /healthz and /readyz");
    let daemon = Daemon { path, site, env: process_env, instruments, supervisor, stop };
    let interrupted = daemon.serve(listener).await?;
    Ok(if interrupted { Exit::Failed } else { Exit::Done })
}

async fn run_once(
    path: &Path,
    metrics_file: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    let loaded = match load_quietly(path) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    metrics_file.map_or(Ok(()), may_be_replaced)?;
    let stop = daemon::stop_on_signal()?;
    let instruments = Instruments::new(vec![console.sink()])?;
    instruments.prepare(&loaded);
    let site = Site::new(loaded.clone(), process_env)?;
    warn(&loaded, &site).await;
    instruments.recall(&site.journal).await;
    let results = site.run(|_| Some(Order::ASKED), &instruments, &stop).await;
    site.journal.close().await;
    if let Some(file) = metrics_file {
        instruments.metrics.ready(instruments.health.ready().is_ok());
        leave(file, path, &loaded.config, &instruments)?;
    }
    Ok(Exit::of_runs(&results))
}

/// Refuses a metrics file that is there already and holds something else: it may be the journal or the config.
fn may_be_replaced(file: &Path) -> anyhow::Result<()> {
    let mut found = String::new();
    let is_plain = std::fs::metadata(file).is_ok_and(|found| found.is_file());
    if !is_plain {
        return Ok(());
    }
    let read = File::open(file).and_then(|opened| opened.take(7).read_to_string(&mut found));
    if read.is_ok() && (found.is_empty() || found == "# HELP ") {
        return Ok(());
    }
    bail!(
        "--metrics-file {} is there and holds no metrics; name another file, or move this one away",
        file.display()
    )
}

/// Leaves the metrics of a run for `node_exporter`, which runs as another user.
fn leave(
    file: &Path,
    config_path: &Path,
    config: &Config,
    instruments: &Instruments,
) -> anyhow::Result<()> {
    let accounts = config.accounts.iter().map(|account| account.name.as_str());
    let shared = metrics::shared_accounts(file, accounts);
    if !shared.is_empty() {
        let accounts = shared.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        tracing::warn!(
            accounts,
            "another file in the folder of {} has metrics of accounts of the same name; the label `config` tells them apart, better \
             give each account a name of its own",
            file.display()
        );
    }
    let config = std::path::absolute(config_path).unwrap_or_else(|_| config_path.to_owned());
    let text = instruments.metrics.render_to_leave(&config.to_string_lossy(), &shared)?;
    write_public(file, text.as_bytes())
}

/// Writes a file so that a reader sees the old or the new text, never half of it. The umask says who may read it.
fn write_whole(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    replace(file, text, |half| std::fs::write(half, text))
}

/// The same for a file that its owner alone may read.
fn write_private(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    replace(file, text, |half| fresh(half, text, 0o600))
}

/// The same for a file that all may read, whatever the umask says.
fn write_public(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    const MODE: u32 = 0o644;
    replace(file, text, |half| {
        fresh(half, text, MODE)?;
        std::fs::set_permissions(half, Permissions::from_mode(MODE))
    })
}

/// Makes a file with a mode, as far as the umask allows it.
fn fresh(file: &Path, text: &[u8], mode: u32) -> std::io::Result<()> {
    // What a crash left there may be open to all.
    drop(std::fs::remove_file(file));
    OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?.write_all(text)
}

/// Puts a new file in the place of an old one. What is no plain file, such as `/dev/null` or a pipe, stays and is written to.
fn replace(
    file: &Path,
    text: &[u8],
    write: impl FnOnce(&Path) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let is_special = std::fs::metadata(file).is_ok_and(|found| !found.is_file());
    let half = file.with_extension("tmp");
    let written = if is_special {
        OpenOptions::new().write(true).open(file).and_then(|mut file| file.write_all(text))
    } else {
        write(&half).and_then(|()| std::fs::rename(&half, file))
    };
    written.with_context(|| format!("cannot write {}", file.display()))
}

/// Whoever reads our output may stop reading: `zenreaper plan | head`.
fn ignore_closed_pipe(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// Writes to standard output.
fn say(text: &str) -> std::io::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)
}

/// Writes to standard error; if that is gone, there is nobody to tell.
fn tell(text: &str) {
    drop(std::io::stderr().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// The words of a command line of an example, without what stands beside it.
    fn words(example: &str) -> Vec<String> {
        let line = example.split("  ").next().unwrap_or_default();
        let line = line.split([')', '>']).next().unwrap_or_default();
        let quoted = line.split('"').enumerate();
        let words = quoted.flat_map(|(n, part)| match n % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect()
    }

    #[test]
    fn every_example_is_a_command_line() {
        let mut command = Cli::command();
        command.build();
        let mut seen = 0;
        for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            let help = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
                let line = line.trim_start_matches("source <(");
                if line.starts_with("zenreaper ") {
                    assert_eq!(words(line)[1], subcommand.get_name());
                    Cli::try_parse_from(words(line)).unwrap_or_else(|error| panic!("{error}"));
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
