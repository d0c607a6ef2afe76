//! `zenreaper sandbox`: the simulated cloud alone.

use std::{
    fs::File,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;

use super::{examples, exit::Exit};
use crate::{
    clock, daemon,
    lifetime::counted,
    sandbox::{self, Fault, Machine, Options, Sandbox, faults, fleet},
};

/// The largest inventory file that is read, in bytes.
const INVENTORY_BYTES_MAX: u64 = 256 << 20;

/// Serve a simulated cloud on this host.
#[derive(Debug, Args)]
#[command(after_help = format!("{}\n\n{}", faults::GRAMMAR, examples::SANDBOX))]
pub(super) struct SandboxArgs {
    /// Where it listens; loopback only, port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8580")]
    listen: SocketAddr,
    /// Machines from a file: a list of instances, or an answer of `DescribeInstances`.
    #[arg(long, value_name = "FILE", conflicts_with = "machines")]
    inventory: Option<PathBuf>,
    /// How many machines to make up.
    #[arg(long, value_name = "N", default_value_t = 40)]
    machines: usize,
    /// What the made-up machines depend on.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Calls of one action accepted in any second; more get 429.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Seconds in the Retry-After of such an answer.
    #[arg(long, value_name = "SECONDS", requires = "rate")]
    retry_after: Option<u32>,
    /// Seconds in the sandbox to one of ours: the recycle bin empties after 24 hours of them.
    #[arg(long, value_name = "FACTOR", default_value_t = 1)]
    speed: u32,
    /// A fault, see below; may be given several times.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
}

/// Serves until the process is told to end.
pub(super) async fn sandbox(args: SandboxArgs) -> anyhow::Result<Exit> {
    let SandboxArgs { listen, inventory, machines, seed, rate, retry_after, speed, faults } = args;
    let machines = match inventory {
        Some(path) => read(&path)?,
        None => fleet::generate(machines, seed, clock::now()),
    };
    let stop = daemon::stop_on_signal()?;
    let count = counted(machines.len(), "machine", "machines");
    let credentials = sandbox::Credentials::default();
    let options = Options { listen, machines, credentials, rate, retry_after, speed, faults };
    let sandbox = Sandbox::start(options).await?;
    let endpoint = sandbox.endpoint();
    super::say(&format!(
        "{count} at {endpoint}\n\nIn the config:\n  accounts: [{{ name: sandbox, endpoint: {endpoint} }}]\n\
         In the environment:\n  ZENLAYER_ACCESS_KEY_ID={} ZENLAYER_ACCESS_KEY_SECRET={}\n\nCtrl-C ends it.\n",
        sandbox::ACCESS_KEY_ID,
        sandbox::ACCESS_KEY_SECRET,
    ))?;
    stop.cancelled().await;
    sandbox.stop().await;
    Ok(Exit::Done)
}

fn read(path: &Path) -> anyhow::Result<Vec<Machine>> {
    let context = || format!("cannot read machines from {}", path.display());
    let mut text = String::new();
    let file = File::open(path).with_context(context)?;
    file.take(INVENTORY_BYTES_MAX + 1).read_to_string(&mut text).with_context(context)?;
    anyhow::ensure!(
        text.len() as u64 <= INVENTORY_BYTES_MAX,
        "{} is larger than {INVENTORY_BYTES_MAX} bytes",
        path.display()
    );
    fleet::load(&text).with_context(context)
}
