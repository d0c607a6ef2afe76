//! The service: runs on schedule, reloads on SIGHUP, stops on SIGTERM.
//!
//! One loop does everything in turn, so runs cannot overlap. A reload that falls into a run waits for its end, but what it makes
//! stricter counts from the run's next call on. tokio-cron-scheduler wakes
//! the loop once a second; a timer that knows no wall clock wakes it too, because that crate falls silent while the clock is set
//! back. What is due is for the rota to say.

mod deadline;
mod status;
mod supervisor;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use self::supervisor::Supervisor;
use self::{deadline::Deadlines, status::Status, supervisor::IDLE_PATIENCE};
use crate::{
    clock, config, credentials, diagnostic, hindsight, log,
    plan::{Rota, Scope, Turn},
    report::RunResult,
    run::Order,
    site::{Env, Instruments, Site},
    web::{self, Door, Served},
};

/// Every second, in UTC.
const WAKE_PATTERN: &str = "* * * * * *";

/// How long the loop may sleep if the wall clock is set back.
const WAKE_INTERVAL: Duration = Duration::from_secs(30);

/// Cancels the token that it returns when the process is told to end.
pub fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let cancelled = stop.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = term.recv() => "SIGTERM",
            _ = int.recv() => "SIGINT",
        };
        info!(signal = name, "stopping: no new call is sent, calls under way are finished");
        cancelled.cancel();
    });
    Ok(stop)
}

/// How long readers of the pages may take to finish when the service ends.
const HTTP_CLOSE_MAX: Duration = Duration::from_secs(1);

/// The service.
pub struct Daemon {
    /// The config's path, to reload from.
    pub path: PathBuf,
    /// What runs.
    pub site: Site,
    /// The environment to find credentials in at a reload.
    pub env: Env,
    /// What it is watched by.
    pub instruments: Instruments,
    /// Whoever started it and restarts it.
    pub supervisor: Arc<Supervisor>,
    /// Cancelled when it is to stop.
    pub stop: CancellationToken,
}

impl Daemon {
    /// Runs on schedule and serves on `listener` until it is told to stop; whether a run was cut short by that.
    pub async fn serve(mut self, listener: TcpListener) -> anyhow::Result<bool> {
        let served = self.served(listener.local_addr()?)?;
        let (board, closing) = (Arc::clone(&served.board), CancellationToken::new());
        let http = tokio::spawn(web::serve(listener, served, closing.clone()));
        let fresh = closing.clone();
        let fresh = tokio::spawn(async move { board.keep_fresh(&fresh).await });
        let (supervisor, stop) = (Arc::clone(&self.supervisor), self.stop.clone());
        let interrupted = supervisor.watch(Box::pin(self.work()), &stop).await;
        closing.cancel();
        fresh.await?;
        if let Ok(served) = timeout(HTTP_CLOSE_MAX, http).await {
            served?;
        } else {
            warn!("a reader of the pages did not hang up, so it was cut off");
        }
        interrupted
    }

    /// What is served at an address.
    fn served(&self, listen: SocketAddr) -> anyhow::Result<Served> {
        let Instruments { metrics, health, board, .. } = &self.instruments;
        let door = Door::new(listen, credentials::of_page(&self.env)?);
        if door.is_open() {
            warn!(
                %listen,
                "the status page and its API are OPEN to whoever reaches this address: give a token as the systemd credential http.token \
                 or as ZENREAPER_HTTP_TOKEN, or listen at loopback"
            );
        }
        board.reads(Some(self.site.journal.clone()));
        Ok(Served {
            metrics: Arc::clone(metrics),
            health: Arc::clone(health),
            pulse: self.supervisor.pulse(),
            board: Arc::clone(board),
            door: Arc::new(door),
        })
    }

    async fn work(&mut self) -> anyhow::Result<bool> {
        let wake = Arc::new(Notify::new());
        let mut ticker = ticker(&wake).await?;
        let mut reload = signal(SignalKind::hangup())?;
        let mut fallback = interval(WAKE_INTERVAL);
        fallback.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rota = Rota::new(&self.site.config.schedule, self.site.rules(), clock::now());
        let mut status = Status::default();
        let mut deadlines = Deadlines::new(clock::now());
        self.instruments.recall(&self.site.journal).await;
        deadlines.recall(&self.site.journal).await;
        status.last_run(&self.site, &self.instruments.board);
        self.tell_next(&rota, &deadlines);
        self.show().await;
        let mut last_act = None;
        let interrupted = loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break false,
                _ = reload.recv() => {
                    self.reload_all(&mut status, &mut rota).await;
                    deadlines.recall(&self.site.journal).await;
                    self.tell_next(&rota, &deadlines);
                    self.show().await;
                }
                () = wake.notified() => {}
                _ = fallback.tick() => {}
            }
            self.supervisor.allow(IDLE_PATIENCE);
            self.tell_pause(&mut status).await;
            self.tell_acts(&mut last_act).await;
            let turn = rota.turn(clock::now());
            status.running_since = turn.is_some().then(clock::now);
            self.tell_status(&status, rota.next());
            if let Some(turn) = turn {
                let (results, is_reload_wanted) = self.run_and_heed(turn, &mut reload).await;
                if results.contains(&RunResult::Interrupted) {
                    break true;
                }
                for (setup, result) in self.site.setups.iter().zip(&results) {
                    deadlines.ran(&setup.account, *result, clock::now());
                }
                rota.done(clock::now());
                status.running_since = None;
                status.last_run(&self.site, &self.instruments.board);
                self.tell_status(&status, rota.next());
                if is_reload_wanted {
                    self.reload_all(&mut status, &mut rota).await;
                }
                deadlines.tell(&self.site.config, &rota, &self.instruments.metrics);
                self.show().await;
            }
        };
        ticker.shutdown().await?;
        self.instruments.board.reads(None);
        self.site.journal.close().await;
        info!("stopped");
        Ok(interrupted)
    }

    fn tell_next(&self, rota: &Rota, deadlines: &Deadlines) {
        deadlines.tell(&self.site.config, rota, &self.instruments.metrics);
        let next = rota.next().map(|next| next.to_string());
        let (mode, schedule) =
            (self.site.config.mode.as_str(), self.site.config.schedule.pattern());
        info!(mode, schedule, next, "waiting for the next run");
    }

    fn tell_status(&self, status: &Status, next: Option<Timestamp>) {
        self.instruments.next_run(next);
        self.supervisor.status(&status.line(self.site.config.mode, next));
    }

    /// Tells whether an operator paused, or why that cannot be told. Once it can, the service is ready.
    async fn tell_pause(&self, status: &mut Status) {
        let Instruments { metrics, health, board, .. } = &self.instruments;
        match self.site.journal.paused(clock::now()).await {
            Ok(pause) => {
                metrics.paused(pause.is_some());
                board.paused(pause.clone());
                status.pause = pause.map(|pause| pause.to_string());
                status.unreadable_journal = None;
                self.supervisor.ready();
            }
            Err(error) => status.unreadable_journal = Some(error.to_string()),
        }
        health.paused(status.pause.clone());
        health.journal_unreadable(status.unreadable_journal.clone());
    }

    /// Has the page made anew if an operator did anything since.
    async fn tell_acts(&self, last: &mut Option<Timestamp>) {
        // If the journal cannot be read, that is told already.
        let Ok(act) = self.site.journal.last_act().await else { return };
        if act != *last {
            *last = act;
            self.show().await;
        }
    }

    /// Has the page made anew, of what there is to be seen now.
    async fn show(&self) {
        let board = &self.instruments.board;
        if let Some(view) = self.site.view(board).await {
            board.show(view);
        }
    }

    async fn run_after_jitter(&self, turn: Turn) -> Vec<RunResult> {
        let jitter = self.site.config.jitter.mul_f64(fastrand::f64());
        self.supervisor.allow(jitter + IDLE_PATIENCE);
        tokio::select! {
            () = self.stop.cancelled() => return Vec::new(),
            () = sleep(jitter) => {}
        }
        self.supervisor.allow(self.site.quiet_max());
        let order = Order { scope: Scope::All, turn };
        self.site.run(|_| Some(order.clone()), &self.instruments, &self.stop).await
    }

    /// Runs, and heeds what a reload in the meantime makes stricter; whether config and rules are to be taken afresh after it.
    async fn run_and_heed(&self, turn: Turn, reload: &mut Signal) -> (Vec<RunResult>, bool) {
        let mut run = std::pin::pin!(self.run_after_jitter(turn));
        let mut is_reload_wanted = false;
        loop {
            tokio::select! {
                results = &mut run => return (results, is_reload_wanted),
                _ = reload.recv() => {
                    is_reload_wanted = true;
                    self.heed();
                }
            }
        }
    }

    /// Has the run that goes on heed config and rules as they are now, if they can be used.
    fn heed(&self) {
        if let Ok(loaded) = config::load(&self.path, clock::now()) {
            info!(
                "config and rules read: what is stricter counts from the next call on, the rest after this run"
            );
            self.site.heed(loaded);
        } else {
            warn!("config and rules cannot be used; they are read again after this run");
        }
    }

    /// Takes config and rules afresh, with all that depends on them.
    async fn reload_all(&mut self, status: &mut Status, rota: &mut Rota) {
        self.supervisor.reloading();
        status.is_reload_refused = !self.reload().await;
        self.supervisor.reloaded();
        status.last_run(&self.site, &self.instruments.board);
        rota.reschedule(&self.site.config.schedule, self.site.rules(), clock::now());
    }

    /// Takes config and rules afresh, and whether they could be used; if not, the last good ones stay.
    async fn reload(&mut self) -> bool {
        let loaded = config::load(&self.path, clock::now())
            .map_err(|problems| diagnostic::render(&problems, false));
        let site = loaded.and_then(|loaded| {
            let ready = loaded.clone();
            self.site
                .reloaded(loaded, self.env)
                .map(|site| (site, ready))
                .map_err(|error| format!("{error:#}"))
        });
        let is_used = site.is_ok();
        match site {
            Ok((site, loaded)) => {
                if site.config.listen != self.site.config.listen {
                    warn!("http.listen takes effect after a restart");
                }
                self.instruments.prepare(&loaded);
                self.instruments.board.reads(Some(site.journal.clone()));
                self.site = site;
                self.instruments.recall(&self.site.journal).await;
                info!(rules = loaded.rules.rules.len(), "config and rules reloaded");
                let warnings = hindsight::warnings(&loaded, &self.site.journal, clock::now()).await;
                log::warnings(&warnings);
            }
            Err(problem) => {
                error!("config and rules cannot be used, the last good ones stay:\n{problem}");
                self.instruments.metrics.reloaded(false, clock::now());
                self.instruments
                    .health
                    .reload_failed("see the log, or `zenreaper check`".to_owned());
            }
        }
        is_used
    }
}

/// A scheduler that wakes `wake` once a second.
async fn ticker(wake: &Arc<Notify>) -> anyhow::Result<JobScheduler> {
    let ticker = JobScheduler::new().await?;
    let wake = Arc::clone(wake);
    let job = Job::new(WAKE_PATTERN, move |_, _| wake.notify_one())?;
    ticker.add(job).await?;
    ticker.start().await?;
    Ok(ticker)
}
