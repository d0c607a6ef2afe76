//! `zenreaper demo`: the whole thing against an embedded sandbox, so that a newcomer sees in a minute what it does.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;

use super::{exit::Exit, look::Lookout, progress::Console, render, say};
use crate::{
    clock, config,
    daemon::{self, Daemon, Supervisor},
    diagnostic,
    lifetime::counted,
    run::Order,
    sandbox::{self, Options, Sandbox, fleet},
    site::{Instruments, Site},
    view,
};

/// The rules that zenreaper ships, as they are in `rules/`.
const RULES: [(&str, &str); 8] = [
    ("ci-at-night.yaml", include_str!("../../rules/ci-at-night.yaml")),
    ("development.yaml", include_str!("../../rules/development.yaml")),
    ("failed-creations.yaml", include_str!("../../rules/failed-creations.yaml")),
    ("project-expiry.yaml", include_str!("../../rules/project-expiry.yaml")),
    ("pull-requests.yaml", include_str!("../../rules/pull-requests.yaml")),
    ("stopped.yaml", include_str!("../../rules/stopped.yaml")),
    ("ttl-tag.yaml", include_str!("../../rules/ttl-tag.yaml")),
    ("untagged.yaml", include_str!("../../rules/untagged.yaml")),
];

/// In the demo a day passes in two minutes, so that the recycle bin can be seen to empty.
const SPEED: u32 = 720;

/// See the whole thing at work, against an embedded sandbox cloud.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Exit after the first run.
    #[arg(long)]
    once: bool,
    /// Where metrics and health are served; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    listen: SocketAddr,
}

/// The demo's folder, which goes with it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Only the sandbox's own credentials, so that a demo can never reach a real account.
fn sandbox_env(name: &str) -> Option<String> {
    match name {
        "ZENLAYER_ACCESS_KEY_ID" => Some(sandbox::ACCESS_KEY_ID.to_owned()),
        "ZENLAYER_ACCESS_KEY_SECRET" => Some(sandbox::ACCESS_KEY_SECRET.to_owned()),
        _ => None,
    }
}

/// Shows the plan, runs once, and stays until the process is told to end.
pub(super) async fn demo(args: &DemoArgs) -> anyhow::Result<Exit> {
    let listener = if args.once { None } else { Some(door(args.listen).await?) };
    let stop = daemon::stop_on_signal()?;
    let machines = fleet::demo(clock::now());
    let count = machines.len();
    let sandbox = Sandbox::start(Options { machines, speed: SPEED, ..Options::default() }).await?;
    let (folder, path) = write_files(&sandbox.endpoint(), args.listen)?;
    let loaded = config::load(&path, clock::now())
        .map_err(|problems| anyhow::anyhow!(diagnostic::render(&problems, false)))?;
    let supervisor = Supervisor::of_process();
    let instruments = Instruments::new(vec![supervisor.sink()])?;
    instruments.prepare(&loaded);
    let lookout = Lookout::live(loaded.clone(), sandbox_env);
    let site = Site::new(loaded, sandbox_env)?;

    say(&format!(
        "A sandbox cloud with {count} machines runs at {}.\n\n1. The plan: what the shipped rules say of each machine, and why.\n\n",
        sandbox.endpoint()
    ))?;
    show_plan(lookout).await?;
    say(
        "\n2. An enforced run: each target is read again, then terminated, at the configured pace.\n\n",
    )?;
    let results = site.run(|_| Some(Order::ASKED), &instruments, &stop).await;
    let exit = Exit::of_runs(&results);
    say(&summary(&sandbox))?;
    let Some(listener) = listener.filter(|_| !stop.is_cancelled()) else { return Ok(exit) };
    say(&outlook(&folder.0, listener.local_addr()?))?;
    let daemon = Daemon { path, site, env: sandbox_env, instruments, supervisor, stop };
    daemon.serve(listener).await?;
    Ok(Exit::Done)
}

async fn door(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; give another address with --listen"))
}

/// Writes a config and the shipped rules to a folder of the demo's own.
fn write_files(endpoint: &str, listen: SocketAddr) -> anyhow::Result<(Folder, PathBuf)> {
    let folder =
        Folder(std::env::temp_dir().join(format!("zenreaper-demo-{}", std::process::id())));
    let write = |name: &str, text: &str| std::fs::write(folder.0.join(name), text);
    let config = format!(
        "mode: enforce\nschedule: \"*/15 * * * * *\"\nrules: rules\njournal: sqlite://journal.db\naccounts:\n  - name: demo\n    endpoint: {endpoint}\n\
         limits: {{ max_terminations: 30, max_percent: 60 }}\nprotect:\n  - tags: {{ protected: \"*\" }}\nhttp: {{ listen: \"{listen}\" }}\n"
    );
    std::fs::create_dir_all(folder.0.join("rules"))
        .and_then(|()| write("config.yaml", &config))
        .and_then(|()| {
            RULES.iter().try_for_each(|(name, text)| write(&format!("rules/{name}"), text))
        })
        .with_context(|| format!("cannot write the demo's files to {}", folder.0.display()))?;
    let path = folder.0.join("config.yaml");
    Ok((folder, path))
}

async fn show_plan(lookout: Lookout) -> anyhow::Result<()> {
    let view = lookout.look(&Console::default()).await?;
    let report = view::plan::draft(&view, clock::now());
    render::plan_table(&report, &view.accounts, &mut std::io::stdout().lock())?;
    Ok(())
}

fn summary(sandbox: &Sandbox) -> String {
    let calls = sandbox.calls();
    let count = |wanted| calls.iter().filter(|call| call.action == Some(wanted)).count();
    let recycled =
        sandbox.machines().iter().filter(|machine| machine.status() == Some("RECYCLE")).count();
    format!(
        "\nThe cloud saw {} calls of DescribeInstances and {} of TerminateInstance; {} in its recycle bin.\n",
        count(sandbox::Action::DescribeInstances),
        count(sandbox::Action::TerminateInstance),
        counted(recycled, "machine is", "machines are"),
    )
}

fn outlook(folder: &Path, listen: SocketAddr) -> String {
    let (folder, pid) = (folder.display(), std::process::id());
    format!(
        "\n3. From now on it runs every 15 seconds. Look at:\n\
         \x20  http://{listen}/                   the status page, in a browser\n\
         \x20  curl http://{listen}/metrics       what Prometheus sees\n\
         \x20  curl http://{listen}/readyz        whether it can do its work\n\
         \x20  zenreaper history --config {folder}/config.yaml    what was done, and why\n\
         \x20  {folder}/rules    the rules: change one, then `kill -HUP {pid}`\n\
         Ctrl-C ends it.\n\n"
    )
}
