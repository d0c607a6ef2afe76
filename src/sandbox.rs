//! The sandbox: a simulated Zenlayer bare-metal endpoint over real HTTP.
//!
//! It checks signatures and clocks as the real one does, pages, keeps the life of every machine
//! (creating, installing, running, recycle bin, gone after a day on a clock that may run faster),
//! refuses as the reference page of `TerminateInstance` says, limits the rate, and commits
//! [faults](Fault) on demand. Zenlayer's own SDKs and command-line client can use it.
//!
//! `demo`, `sandbox` and the tests run against it. It listens on loopback only, and it never
//! reaches out to anything.

mod action;
mod answer;
mod auth;
mod calls;
pub mod faults;
pub mod fleet;
mod hooks;
mod limit;
mod omen;
mod order;
mod page;
mod record;
mod refusal;
mod request;
mod server;
mod simulation;
mod state;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use action::{Action, UnknownAction};
pub use calls::{CALLS_MAX, Call};
pub use faults::{Effect, Fault};
pub use fleet::Machine;
pub use hooks::Fleet;
use simulation::Simulation;

/// The access key id of a sandbox unless told otherwise.
pub const ACCESS_KEY_ID: &str = "sandbox-key";
/// The access key password of a sandbox unless told otherwise.
pub const ACCESS_KEY_SECRET: &str = "sandbox-secret";
/// The access token of a sandbox unless told otherwise.
pub const TOKEN: &str = "sandbox-token";

/// Who may call.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's password.
    pub access_key_secret: SecretString,
    /// The personal access token, accepted instead of the key.
    pub token: SecretString,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            access_key_secret: ACCESS_KEY_SECRET.into(),
            token: TOKEN.into(),
        }
    }
}

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes any free one. Loopback only.
    pub listen: SocketAddr,
    /// The machines that there are.
    pub machines: Vec<Machine>,
    /// Who may call.
    pub credentials: Credentials,
    /// Calls of one action accepted in any second; without it, any number.
    pub rate: Option<u32>,
    /// Seconds for the `Retry-After` header of a call that was one too many.
    pub retry_after: Option<u32>,
    /// Seconds in the sandbox to one of ours; 0 stops its time.
    pub speed: u32,
    /// Faults that are there from the start.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            machines: Vec::new(),
            credentials: Credentials::default(),
            rate: None,
            retry_after: None,
            speed: 1,
            faults: Vec::new(),
        }
    }
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its credentials are well known, so it must not be reachable from elsewhere.
    #[error("the sandbox listens on loopback only, not on {0}; use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("the sandbox cannot listen on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// A sandbox that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    simulation: Arc<Simulation>,
    tasks: TaskTracker,
    stopped: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Sandbox {
    /// Starts a sandbox inside the current tokio runtime.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listen = options.listen;
        if !listen.ip().to_canonical().is_loopback() {
            return Err(Error::NotLoopback(listen));
        }
        let unavailable = |source| Error::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let simulation = Arc::new(Simulation::new(options));
        let (tasks, stopped) = (TaskTracker::new(), CancellationToken::new());
        let serving =
            server::serve(listener, Arc::clone(&simulation), tasks.clone(), stopped.clone());
        tasks.spawn(serving);
        Ok(Self {
            address,
            simulation,
            tasks,
            _stop_on_drop: stopped.clone().drop_guard(),
            stopped,
        })
    }

    /// The base URL for clients, e.g. `http://127.0.0.1:18080`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far in the order of arrival, of the last [`CALLS_MAX`].
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.simulation.calls()
    }

    /// A machine as it is now.
    #[must_use]
    pub fn machine(&self, id: &str) -> Option<Machine> {
        self.simulation.fleet(|fleet| fleet.machine(id))
    }

    /// Every machine as it is now, in the order of the ids.
    #[must_use]
    pub fn machines(&self) -> Vec<Machine> {
        self.simulation.machines()
    }

    /// Changes a machine in any way; false if it is not there. The change must not call the
    /// sandbox, which would wait for it for ever.
    pub fn edit(&self, id: &str, change: impl FnOnce(&mut Machine)) -> bool {
        self.simulation.fleet(|fleet| fleet.edit(id, change))
    }

    /// Puts a machine beside the others, even under an id that is taken.
    pub fn add(&self, machine: &Machine) {
        self.simulation.fleet(|fleet| fleet.add(machine));
    }

    /// Takes a machine away; false if it was not there.
    #[expect(clippy::must_use_candidate, reason = "the answer is a courtesy")]
    pub fn remove(&self, id: &str) -> bool {
        self.simulation.fleet(|fleet| fleet.remove(id))
    }

    /// Lets a fault strike from now on.
    pub fn inject(&self, fault: Fault) {
        self.simulation.inject(fault);
    }

    /// Takes back every fault.
    pub fn clear_faults(&self) {
        self.simulation.clear_faults();
    }

    /// Sets the rate limit anew.
    pub fn set_rate(&self, rate: Option<u32>) {
        self.simulation.set_rate(rate);
    }

    /// Runs a hook once, just before the `count`th call of an action from now (1 is the next one)
    /// is handled. Like a change in [`Self::edit`], it must not call the sandbox.
    pub fn before_call(
        &self,
        action: Action,
        count: u32,
        hook: impl FnOnce(&mut Fleet<'_>) + Send + 'static,
    ) {
        self.simulation.before_call(action, count, Box::new(hook));
    }

    /// The time in the sandbox.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.simulation.now()
    }

    /// Stops listening and drops every connection. Its record can still be read.
    pub async fn stop(&self) {
        self.stopped.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests;
