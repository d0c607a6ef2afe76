//! Do it: concurrently, paced by the client, one machine at a time in everything that matters.
//!
//! It takes only an [`Approved`] plan. Each target is confirmed and written to the journal, and goes only if no operator said
//! otherwise in the meantime (is there a pause, is it kept?); what became of it is written after it, and every step is told as an event. One machine's
//! failure never stops the others; a failure that no other call could escape (credentials, a challenge page), a journal that cannot be
//! written, a guard or an order to stop ends the run before the next call.

mod brake;
mod release;

use std::{
    convert::Infallible,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use self::brake::Brake;
use crate::{
    cloud::{Class, Client, IDS_MAX},
    config::Mode,
    confirm::{Confirmed, Dropped, confirm},
    inventory::{Instance, InstanceId, Page, Status},
    journal,
    plan::{
        Policy, Target,
        guard::{Approved, Limits, Refusal},
        memory::Memory,
    },
    record::{Objections, Recorder},
    report::{Act, Dropout, Event, Events, Outcome},
};

/// How much time's worth of targets is confirmed at once.
const CONFIRM_SPAN: Duration = Duration::from_secs(5);

/// How many batches are confirmed ahead, so that calls need not wait for the next batch.
const CONFIRM_AHEAD: usize = 2;

/// A target that was read longer ago than this is read again before its call.
const CONFIRMED_AGE_MAX: Duration = Duration::from_secs(20);

/// How often it is looked at what operators say: what they say counts after so long at the latest.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// How a plan is executed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether machines are terminated.
    pub mode: Mode,
    /// Calls to terminate under way at once.
    pub max_in_flight: usize,
}

/// What an execution goes by.
pub(crate) struct Orders<'a> {
    /// What targets are judged by once more.
    pub(crate) policy: &'a Policy,
    /// What is remembered of them.
    pub(crate) memory: &'a Memory,
    /// The limits that hold while it goes on.
    pub(crate) limits: Limits,
    /// How it is done.
    pub(crate) settings: Settings,
}

/// What is needed to execute a plan.
pub(crate) struct Executor<'a> {
    client: Client,
    orders: Orders<'a>,
    recorder: &'a Recorder<'a>,
    events: &'a Events,
    halt: CancellationToken,
    halted_by: OnceLock<Dropout>,
    fatal: OnceLock<Class>,
    brake: Brake,
    objections: Mutex<Objections>,
}

/// How an execution ended, if not by reaching its end.
#[derive(Debug)]
pub(crate) struct Halted {
    /// The class of the failure that put an end to it.
    pub(crate) fatal: Option<Class>,
    /// The guard that did.
    pub(crate) refusal: Option<Refusal>,
}

/// A call of which it is not known whether it took effect.
struct Unsettled<'a> {
    target: Confirmed<'a>,
    act: Act,
}

/// What came of one target.
enum Step<'a> {
    /// It was called, with this outcome.
    Called(Outcome),
    /// It was called, and it is not known with what outcome.
    Unsettled(Box<Unsettled<'a>>),
    /// It was not called.
    NotCalled,
}

impl<'a> Executor<'a> {
    /// An executor that stops with `stop`.
    pub(crate) fn new(
        client: &Client,
        orders: Orders<'a>,
        recorder: &'a Recorder<'a>,
        events: &'a Events,
        stop: &CancellationToken,
    ) -> Self {
        let halt = stop.child_token();
        let client = client.until(halt.clone());
        let brake = Brake::new(&orders.limits);
        let (halted_by, fatal) = (OnceLock::new(), OnceLock::new());
        let objections = Mutex::default();
        Self { client, orders, recorder, events, halt, halted_by, fatal, brake, objections }
    }

    /// Executes a plan.
    pub(crate) async fn execute(self, approved: &Approved<'a>) -> Halted {
        self.listen().await;
        tokio::select! {
            () = self.work(approved) => {}
            never = self.watch() => match never {},
        }
        Halted { fatal: self.fatal.into_inner(), refusal: self.brake.refusal() }
    }

    async fn work(&self, approved: &Approved<'a>) {
        let targets: Vec<_> = approved.targets().collect();
        let mut targets = Box::pin(self.confirmed(&targets));
        let mut unsettled = self.canaries(&mut targets).await;
        let rest: Vec<_> = targets
            .map(|target| self.act(target))
            .buffer_unordered(self.orders.settings.max_in_flight)
            .filter_map(async |step| match step {
                Step::Unsettled(call) => Some(*call),
                Step::Called(_) | Step::NotCalled => None,
            })
            .collect()
            .await;
        unsettled.extend(rest);
        for batch in unsettled.chunks(IDS_MAX) {
            self.settle(batch).await;
        }
        self.release().await;
    }

    /// Looks again and again at what operators say. It is not asked for in the turn of each call: that would wait for the disk, and
    /// calls that waited come too close to the next ones.
    async fn watch(&self) -> Infallible {
        loop {
            tokio::time::sleep(WATCH_INTERVAL).await;
            self.listen().await;
        }
    }

    /// Takes note of what operators say.
    async fn listen(&self) {
        match self.recorder.objections().await {
            Ok(objections) => *lock(&self.objections) = objections,
            Err(error) => self.give_up(&error),
        }
    }

    /// The targets, read again shortly before they are needed.
    fn confirmed<'s>(
        &'s self,
        targets: &[Target<'a>],
    ) -> impl Stream<Item = Result<Confirmed<'a>, Dropped<'a>>> + use<'s, 'a> {
        let batches: Vec<_> = targets.chunks(self.batch()).map(<[_]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| confirm(&self.client, self.judges(), batch))
            .buffered(CONFIRM_AHEAD)
            .flat_map(stream::iter)
    }

    fn judges(&self) -> (&'a Policy, &'a Memory) {
        (self.orders.policy, self.orders.memory)
    }

    /// How many targets are confirmed at once: as many as can be called within [`CONFIRM_SPAN`].
    fn batch(&self) -> usize {
        let interval = self.client.terminate_interval().as_millis().max(1);
        let within_span = CONFIRM_SPAN.as_millis() / interval;
        usize::try_from(within_span).unwrap_or(IDS_MAX).clamp(1, IDS_MAX)
    }

    /// Calls the first targets one by one, until as many as `limits.canary` says are accepted.
    async fn canaries(
        &self,
        targets: &mut (impl Stream<Item = Result<Confirmed<'a>, Dropped<'a>>> + Unpin),
    ) -> Vec<Unsettled<'a>> {
        let mut unsettled = Vec::new();
        let wanted = match self.orders.settings.mode {
            Mode::Enforce => self.orders.limits.canary,
            Mode::DryRun => 0,
        };
        let mut accepted = 0;
        while accepted < wanted {
            let Some(target) = targets.next().await else { break };
            let outcome = match self.act(target).await {
                Step::NotCalled => continue,
                Step::Called(outcome) => outcome,
                Step::Unsettled(call) => {
                    unsettled.push(*call);
                    Outcome::Unknown
                }
            };
            match outcome {
                Outcome::Terminated | Outcome::Gone => accepted += 1,
                Outcome::Refused | Outcome::Failed | Outcome::Unknown => {
                    self.refuse(Refusal::Canary { outcome: outcome.as_str(), limit: wanted });
                }
            }
        }
        unsettled
    }

    async fn act(&self, target: Result<Confirmed<'a>, Dropped<'a>>) -> Step<'a> {
        let acted = match (target, self.orders.settings.mode) {
            (Ok(confirmed), Mode::Enforce) => self.terminate(confirmed).await,
            (Ok(confirmed), Mode::DryRun) => {
                self.events
                    .emit(Event::Rehearsed(&confirmed.instance, &confirmed.planned.rule.name));
                Ok(Step::NotCalled)
            }
            (Err(dropped), _) => Err(dropped),
        };
        acted.unwrap_or_else(|Dropped { planned, reason, why, class }| {
            self.halt_on(class);
            let reason = match (reason, self.halted_by.get()) {
                (Dropout::Stopped, Some(by)) => *by,
                (reason, _) => reason,
            };
            self.events.emit(Event::Dropped(planned.instance, &planned.rule.name, reason, &why));
            Step::NotCalled
        })
    }

    /// Calls a target: the intent is on disk before, the outcome after it.
    async fn terminate(&self, target: Confirmed<'a>) -> Result<Step<'a>, Dropped<'a>> {
        let planned = target.planned;
        if self.halt.is_cancelled() {
            return Err(Dropped::stopped(planned));
        }
        self.recorder.intend(&target).await.map_err(|error| self.unrecorded(planned, &error))?;
        match self.call(target).await {
            Ok((target, act)) if act.outcome == Outcome::Unknown => {
                self.count(act.outcome);
                Ok(Step::Unsettled(Box::new(Unsettled { target, act })))
            }
            Ok((target, act)) => {
                self.count(act.outcome);
                self.ended(&target, &act).await;
                Ok(Step::Called(act.outcome))
            }
            Err(dropped) => {
                let written = self.recorder.not_called(planned.instance, &dropped.why).await;
                written.map_err(|error| self.unrecorded(planned, &error))?;
                Err(dropped)
            }
        }
    }

    /// The call itself, when its turn has come and nothing speaks against it.
    async fn call(&self, target: Confirmed<'a>) -> Result<(Confirmed<'a>, Act), Dropped<'a>> {
        let planned = target.planned;
        let turn = self.client.turn().await.map_err(|error| Dropped::by(planned, &error))?;
        let target = self.standing(target).await?;
        let id = target.instance.id.clone();
        let (target, spared) = (Mutex::new(target), OnceLock::new());
        let again = async || self.may_try_again(&target, &spared).await;
        let answer = self.client.terminate(&id, turn, again).await;
        let target = target.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (&answer, spared.into_inner()) {
            (Err(error), Some(dropped)) if !error.may_have_happened => return Err(dropped),
            (Ok(_) | Err(_), _) => {}
        }
        self.halt_on(answer.as_ref().err().map(|error| error.class));
        let act = Act::of(answer).map_err(|error| Dropped::by(planned, &error))?;
        Ok((target, act))
    }

    /// A target when the turn of its call has come: read again if that is long ago, and nothing speaks against it.
    async fn standing(&self, target: Confirmed<'a>) -> Result<Confirmed<'a>, Dropped<'a>> {
        let is_old = target.read.elapsed() > CONFIRMED_AGE_MAX;
        let target = if is_old { self.confirm_again(target.planned).await? } else { target };
        self.unopposed(&target)?;
        Ok(target)
    }

    /// Whether a call is tried again: minutes may have passed since the first try, and so it is with the next as with that. If
    /// not, `spared` says why.
    async fn may_try_again(
        &self,
        target: &Mutex<Confirmed<'a>>,
        spared: &OnceLock<Dropped<'a>>,
    ) -> bool {
        let before = lock(target).clone();
        match self.standing(before).await {
            Ok(standing) => {
                *lock(target) = standing;
                true
            }
            Err(dropped) => {
                spared.get_or_init(|| dropped);
                false
            }
        }
    }

    /// Whether an operator said something in the meantime.
    fn unopposed(&self, target: &Confirmed<'a>) -> Result<(), Dropped<'a>> {
        let planned = target.planned;
        let objections = lock(&self.objections);
        if let Some(pause) = &objections.pause {
            if self.halted_by.set(Dropout::Paused).is_ok() {
                self.events.emit(Event::Paused(pause));
            }
            self.halt.cancel();
            return Err(Dropped::opposed(planned, Dropout::Paused, pause.to_string()));
        }
        match objections.held.get(target.instance.id.as_str()) {
            Some(until) => {
                let why = format!("it is now: skip (held) until {until:.0}");
                Err(Dropped::opposed(planned, Dropout::Held, why))
            }
            None => Ok(()),
        }
    }

    /// Whether an operator speaks against a call for a machine now.
    fn is_opposed(&self, id: &InstanceId) -> bool {
        let objections = lock(&self.objections);
        objections.pause.is_some() || objections.held.contains_key(id.as_str())
    }

    async fn confirm_again(&self, planned: Target<'a>) -> Result<Confirmed<'a>, Dropped<'a>> {
        let mut again = confirm(&self.client, self.judges(), vec![planned]).await;
        again.pop().unwrap_or_else(|| Err(Dropped::vanished(planned)))
    }

    /// Tells what became of a call, and writes it. A call whose outcome cannot be written is settled by the next run.
    async fn ended(&self, target: &Confirmed<'_>, act: &Act) {
        let Confirmed { instance, planned, .. } = target;
        let written = self.recorder.ended(instance, planned.rule, act).await;
        self.events.emit(Event::Acted(instance, &planned.rule.name, act));
        if let Err(error) = written {
            self.unrecorded(*planned, &error);
        }
    }

    fn unrecorded<'t>(&self, planned: Target<'t>, error: &journal::Error) -> Dropped<'t> {
        self.give_up(error);
        Dropped::opposed(planned, Dropout::Unrecorded, error.to_string())
    }

    /// Nothing more is called once the journal cannot be used.
    fn give_up(&self, error: &journal::Error) {
        if self.halted_by.set(Dropout::Unrecorded).is_ok() {
            self.events.emit(Event::Unrecorded(&error.to_string()));
        }
        self.halt.cancel();
    }

    fn count(&self, outcome: Outcome) {
        if let Some(refusal) = self.brake.count(outcome) {
            self.refuse(refusal);
        }
    }

    fn refuse(&self, refusal: Refusal) {
        if self.halted_by.set(Dropout::Guarded).is_ok() {
            self.events.emit(Event::Refused(&refusal));
            self.brake.pull(refusal);
        }
        self.halt.cancel();
    }

    fn halt_on(&self, class: Option<Class>) {
        if let Some(class) = class.filter(|class| class.stops_the_run()) {
            let is_ours = class == Class::Stopped && self.halted_by.get().is_some();
            if !is_ours {
                self.fatal.get_or_init(|| class);
            }
            self.halt.cancel();
        }
    }

    /// Looks at machines whose call had no answer: one that is in the recycle bin, or gone, is done. A look that does not add up
    /// tells nothing.
    async fn settle(&self, batch: &[Unsettled<'_>]) {
        let ids: Vec<_> = batch.iter().map(|one| &one.target.instance.id).collect();
        let seen = self.client.describe_ids(&ids).await;
        let seen = seen.ok().map(|looked| looked.page);
        let seen = seen.filter(|page| page.total == page.entries as u64);
        for Unsettled { target, act } in batch {
            let is_done = seen.as_ref().is_some_and(|page| is_done(page, &target.instance.id));
            self.ended(target, &act.settled(is_done)).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a page that asked for an instance shows it in the recycle bin, or not at all.
fn is_done(page: &Page, id: &InstanceId) -> bool {
    let is_unread = page.unreadable.iter().any(|odd| odd.id == *id);
    let is_live = |now: &Instance| now.id == *id && now.status != Some(Status::Recycle);
    !is_unread && !page.instances.iter().any(is_live)
}
