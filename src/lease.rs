//! The lease of an account, held while a run is at work: taken, renewed, given back, and noticed when it is lost.
//!
//! The journal writes the lease down. Here is who asks for it, and the watch over it. A process that was stopped for longer than the
//! lease lasts finds that it has ended before it calls anything: the end is also known by the monotonic clock of this host.

use std::{fs, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    clock, host,
    journal::{Applicant, Error, Holder, Journal, LEASE, Lease},
};

/// How often a lease is renewed: three renewals may fail before it ends.
const RENEW_INTERVAL: Duration = Duration::from_secs(4);

/// How much sooner than the journal this process takes its lease for ended.
const MARGIN: Duration = Duration::from_secs(1);

/// This process, as a lease names it.
#[derive(Clone, Debug)]
pub struct Owner {
    id: Arc<str>,
    name: Arc<str>,
}

impl Owner {
    /// The process that runs this.
    #[must_use]
    pub fn of_this_process() -> Self {
        let pid = std::process::id();
        let started = started_at(pid).unwrap_or_else(|| clock::now().as_nanosecond().to_string());
        let id = [boot(), pid_namespace(), pid.to_string(), started].join("/");
        let name =
            format!("process {pid} on {}", host::name().unwrap_or_else(|| "this host".into()));
        Self { id: id.into(), name: name.into() }
    }
}

/// Whether the process of a lease has ended: known only of one that ran under this kernel, where this process would see it.
fn has_ended(owner: &str) -> bool {
    let parts: Vec<_> = owner.split('/').collect();
    let [boot_id, namespace, pid, started] = *parts.as_slice() else { return false };
    if boot_id.is_empty()
        || namespace.is_empty()
        || boot_id != boot()
        || namespace != pid_namespace()
    {
        return false;
    }
    let Ok(pid) = pid.parse() else { return false };
    fs::exists("/proc/self").unwrap_or(false)
        && started_at(pid).is_none_or(|found| found != started)
}

/// Which boot of which host this is; empty where that is not known.
fn boot() -> String {
    let read = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    read.map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Among which processes a process id means this one; empty where that is not known.
fn pid_namespace() -> String {
    let read = fs::read_link("/proc/self/ns/pid");
    read.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// When a process began, in ticks since the host did; `None` if there is no such process, or only what is left of one.
fn started_at(pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the state follows it, and the start is the 20th field from there (proc(5)).
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let is_zombie = matches!(fields.next()?, "Z" | "X");
    fields.nth(18).filter(|_| !is_zombie).map(str::to_owned)
}

/// The lease of an account that this process holds.
#[derive(Debug)]
pub struct Holding {
    journal: Journal,
    lease: Lease,
    valid_until: watch::Sender<Instant>,
}

impl Holding {
    /// Takes the lease of an account, or names its holder.
    pub async fn take(
        journal: &Journal,
        account: &str,
        owner: &Owner,
    ) -> Result<Result<Self, Holder>, Error> {
        let asked = clock::monotonic();
        let applicant = Applicant { owner: &owner.id, holder: &owner.name, has_ended };
        let taken = journal.take_lease(account, applicant).await?;
        Ok(taken.map(|lease| Self {
            journal: journal.clone(),
            lease,
            valid_until: watch::Sender::new(asked + LEASE - MARGIN),
        }))
    }

    /// The lease.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Whether the lease is certainly still ours.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        clock::monotonic() < *self.valid_until.borrow()
    }

    /// Renews the lease again and again; returns when it is lost.
    pub async fn keep(&self) {
        while self.is_valid() {
            sleep(RENEW_INTERVAL).await;
            let asked = clock::monotonic();
            match self.journal.renew_lease(&self.lease).await {
                Ok(true) => {
                    self.valid_until.send_replace(asked + LEASE - MARGIN);
                }
                Ok(false) => {
                    self.valid_until.send_replace(asked);
                }
                // Whoever writes the journal reports that it cannot be written; the lease ends by itself.
                Err(_) => {}
            }
        }
    }

    /// Gives the lease back.
    pub async fn give_back(self) -> Result<(), Error> {
        self.journal.give_lease_back(&self.lease).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_taken_for_ended_only_where_it_would_be_seen() {
        let own = Owner::of_this_process();
        assert!(!has_ended(&own.id), "{}", own.id);
        let parts: Vec<_> = own.id.split('/').collect();
        let [boot, namespace, pid, started] = *parts.as_slice() else { panic!("{}", own.id) };
        let id = |boot, namespace, pid, started| [boot, namespace, pid, started].join("/");
        assert!(has_ended(&id(boot, namespace, pid, "1")), "another process of the same number");
        assert!(has_ended(&id(boot, namespace, "4294967295", started)), "no such process");
        assert!(!has_ended(&id("another-boot", namespace, "4294967295", started)));
        assert!(!has_ended(&id(boot, "pid:[1]", "4294967295", started)), "another container");
        assert!(!has_ended(&id("", "", "4294967295", started)));
        for odd in ["", "a", "a/b", "a/b/c/d/e"] {
            assert!(!has_ended(odd), "{odd}");
        }
        assert!(!has_ended(&id(boot, namespace, "nine", started)));
    }

    #[test]
    fn a_child_that_was_not_waited_for_has_ended() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let is_gone = |_: &i32| {
            std::thread::sleep(Duration::from_millis(10));
            started_at(child.id()).is_none()
        };
        assert!((0..500).any(|n| is_gone(&n)));
        child.wait().unwrap();
    }
}
