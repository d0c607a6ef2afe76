//! What systemd is told: that the service is up, what it does at the moment, and that it is not stuck.
//!
//! The watchdog hears from the loop of the daemon itself, and only while its work goes on. Each step (a turn of the loop, an event
//! of a run) says within what time the next one has to come; when that time is over, the watchdog hears nothing more, and
//! systemd restarts us. So a run of many hours lives as long as something happens in it, and one that hangs does not. A loop that is
//! blocked says nothing anyway. Without systemd, nothing is told to anybody.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{clock, health::Pulse, report::Sink};

/// How long the loop may take from one turn to the next while no run is due.
pub(super) const IDLE_PATIENCE: Duration = Duration::from_mins(2);

/// How often the watchdog hears from us, in parts of the time after which it would act.
const BEATS: u32 = 4;

/// Through what the service manager hears us.
type Channel = Box<dyn Fn(&[NotifyState<'_>]) -> io::Result<()> + Send + Sync>;

/// The service manager, as seen from here.
pub struct Supervisor {
    channel: Channel,
    /// After how much silence it restarts us, if it does.
    watchdog: Option<Duration>,
    pulse: Arc<Pulse>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    status: String,
    is_ready: bool,
    is_late: bool,
    /// Whether it did not hear us; told once.
    is_deaf: bool,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Supervisor {
    /// The service manager that started this process, if one did and wants to hear from us.
    #[must_use]
    pub fn of_process() -> Arc<Self> {
        let watchdog = sd_notify::watchdog_enabled().filter(|after| !after.is_zero());
        Arc::new(Self::new(Box::new(sd_notify::notify), watchdog))
    }

    fn new(channel: Channel, watchdog: Option<Duration>) -> Self {
        let state =
            State { status: String::new(), is_ready: false, is_late: false, is_deaf: false };
        let pulse = Arc::new(Pulse::new(IDLE_PATIENCE, clock::monotonic()));
        Self { channel, watchdog, pulse, state: Mutex::new(state) }
    }

    /// A sink of events, each of which is a step.
    #[must_use]
    pub fn sink(self: &Arc<Self>) -> Sink {
        let supervisor = Arc::clone(self);
        Arc::new(move |_| supervisor.pulse.step(clock::monotonic()))
    }

    /// Whether the work goes on.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// From now on, the next step has to come within `patience`.
    pub(super) fn allow(&self, patience: Duration) {
        self.pulse.allow(patience, clock::monotonic());
    }

    /// The service is up; only the first call tells so.
    pub(super) fn ready(&self) {
        if !std::mem::replace(&mut self.lock().is_ready, true) {
            self.tell(&[NotifyState::Ready]);
        }
    }

    /// What the service does, in one line.
    pub(super) fn status(&self, status: &str) {
        // A line break would begin another message.
        let status = status.replace(char::is_control, " ");
        let is_known = self.lock().status == status;
        if !is_known {
            self.tell(&[NotifyState::Status(&status)]);
            self.lock().status = status;
        }
    }

    /// Config and rules are about to be read again.
    pub(super) fn reloading(&self) {
        if !self.lock().is_ready {
            return;
        }
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(error) => warn!("systemd is not told of the reload: {error}"),
        }
    }

    /// They were read, whatever came of it.
    pub(super) fn reloaded(&self) {
        if self.lock().is_ready {
            self.tell(&[NotifyState::Ready]);
        }
    }

    /// Does `work`, and tells as long as it goes on, and once that it is to stop. The watchdog hears from the task that works, so
    /// that it hears nothing when that is blocked.
    pub(super) async fn watch<T>(
        &self,
        work: impl Future<Output = T>,
        stop: &CancellationToken,
    ) -> T {
        let mut work = std::pin::pin!(work);
        // Without a watchdog there is nobody to hear it, and to tell nobody costs nothing.
        let mut beat = interval(self.watchdog.unwrap_or(IDLE_PATIENCE) / BEATS);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_stopping = false;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    self.tell(&[NotifyState::Stopping]);
                }
                _ = beat.tick() => self.beat(),
            }
        }
    }

    fn beat(&self) {
        let stuck = self.pulse.stuck(clock::monotonic());
        let was_late = std::mem::replace(&mut self.lock().is_late, stuck.is_some());
        if let Some(quiet) = stuck.filter(|_| !was_late) {
            let seconds = quiet.as_secs();
            error!(
                "nothing was done for {seconds} s; the watchdog hears no more of it and restarts us, \
                 if there is one; please report this"
            );
        }
        if stuck.is_none() && self.watchdog.is_some() {
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    fn tell(&self, message: &[NotifyState<'_>]) {
        if let Err(error) = (self.channel)(message)
            && !std::mem::replace(&mut self.lock().is_deaf, true)
        {
            warn!("systemd does not hear us: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;
    use crate::report::{Event, Events};

    type Heard = Arc<Mutex<Vec<String>>>;

    const HOUR: Duration = Duration::from_hours(1);
    const MINUTE: Duration = Duration::from_mins(1);
    const BEAT: &str = "WATCHDOG=1";

    fn listening(watchdog: Option<Duration>) -> (Arc<Supervisor>, Heard) {
        let heard = Heard::default();
        let ears = Arc::clone(&heard);
        let channel: Channel = Box::new(move |message| {
            let lines: Vec<_> = message.iter().map(ToString::to_string).collect();
            ears.lock().unwrap().push(lines.join(" "));
            Ok(())
        });
        (Arc::new(Supervisor::new(channel, watchdog)), heard)
    }

    /// What was heard since it was asked last.
    fn told(heard: &Heard) -> Vec<String> {
        std::mem::take(&mut *heard.lock().unwrap())
    }

    #[test]
    fn the_watchdog_hears_nothing_when_the_next_step_does_not_come_in_time() {
        let (supervisor, heard) = listening(Some(HOUR));
        let events = Events::new("r", "main", &[supervisor.sink()]);
        supervisor.allow(HOUR);
        supervisor.beat();
        assert_eq!(told(&heard), [BEAT]);
        supervisor.pulse.allow(MINUTE, clock::monotonic() - MINUTE);
        supervisor.beat();
        assert!(told(&heard).is_empty());
        events.emit(Event::Reading(1, 2));
        supervisor.beat();
        assert_eq!(told(&heard), [BEAT], "an event is a step");
        supervisor.allow(Duration::ZERO);
        supervisor.beat();
        assert!(told(&heard).is_empty());
    }

    #[tokio::test]
    async fn the_watchdog_hears_from_the_task_that_works() {
        let (supervisor, heard) = listening(Some(Duration::from_millis(8)));
        let beats = || heard.lock().unwrap().len();
        let work = async {
            while beats() < 3 {
                yield_now().await;
            }
            std::thread::sleep(Duration::from_millis(50));
            beats()
        };
        let blocked_at = supervisor.watch(work, &CancellationToken::new()).await;
        assert_eq!((blocked_at, beats()), (3, 3));
        assert!(told(&heard).iter().all(|message| message == BEAT));
    }

    #[tokio::test]
    async fn that_it_is_to_stop_is_told_once_while_calls_are_finished() {
        let (supervisor, heard) = listening(None);
        let stop = CancellationToken::new();
        stop.cancel();
        let work = async {
            for _ in 0..100 {
                yield_now().await;
            }
        };
        supervisor.watch(work, &stop).await;
        assert_eq!(told(&heard), ["STOPPING=1"], "and nothing to a watchdog that is not there");
    }

    #[test]
    fn what_the_service_does_is_told_once_and_on_one_line() {
        let (supervisor, heard) = listening(None);
        supervisor.reloading();
        supervisor.status("loading");
        supervisor.reloaded();
        supervisor.ready();
        supervisor.ready();
        supervisor.status("paused by a\nWATCHDOG=trigger");
        supervisor.status("paused by a\nWATCHDOG=trigger");
        let expected = ["STATUS=loading", "READY=1", "STATUS=paused by a WATCHDOG=trigger"];
        assert_eq!(told(&heard), expected, "it is not ready because it reloads");
        supervisor.reloading();
        supervisor.status("reloaded");
        supervisor.reloaded();
        let told = told(&heard);
        assert!(told[0].starts_with("RELOADING=1 MONOTONIC_USEC="), "{told:?}");
        assert_eq!(told[1..], ["STATUS=reloaded", "READY=1"]);
    }
}
