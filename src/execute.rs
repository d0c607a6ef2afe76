//! Do it: concurrently, paced by the client, one instance at a time in everything that matters.
//!
//! It takes only an [`Approved`] plan. One target goes from top to bottom of `Executor::terminate`: it is read and judged again,
//! its intent is written unless something speaks against it, it is called (`call.rs`: permit, recheck, attempt, classify, wait),
//! a call of which no answer says whether it happened is looked up, and the outcome is written. One instance's failure never stops
//! the others; `halt.rs` names what ends the run before the next call.

mod call;
mod circuit_breaker;
mod halt;
mod objection;
mod release;

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use self::halt::StopCause;
use self::{call::Called, circuit_breaker::CircuitBreaker, halt::Halt};
use crate::{
    cloud::{Class, Client, IDS_MAX},
    config::Mode,
    confirm::{Confirmed, Dropped, confirm},
    inventory::{Instance, Status},
    journal::{self, Terms},
    lease::Holding,
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

/// How often it is looked at what operators say.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// How a plan is executed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether instances are terminated.
    pub mode: Mode,
    /// Calls to terminate under way at once.
    pub max_in_flight: usize,
}

/// A config that was loaded while a run goes on: the run does not begin anew, but what is stricter counts from its next call on.
#[derive(Debug)]
pub struct Reloaded {
    /// What instances are judged by.
    pub policy: Arc<Policy>,
    /// Whether instances are terminated.
    pub mode: Mode,
    /// The names of all accounts.
    pub accounts: Arc<[String]>,
}

/// What an execution goes by.
pub(crate) struct Orders<'a> {
    /// The account's name.
    pub(crate) account: &'a str,
    /// What targets are judged by once more.
    pub(crate) policy: &'a Policy,
    /// What is remembered of them.
    pub(crate) memory: &'a Memory,
    /// The limits that hold while it goes on.
    pub(crate) limits: Limits,
    /// How it is done.
    pub(crate) settings: Settings,
    /// The lease under which it is done.
    pub(crate) holding: &'a Holding,
    /// The config that was loaded in the meantime.
    pub(crate) reloaded: watch::Receiver<Option<Arc<Reloaded>>>,
}

/// What is needed to execute a plan.
pub(crate) struct Executor<'a> {
    client: Client,
    orders: Orders<'a>,
    terms: Terms,
    recorder: &'a Recorder<'a>,
    events: &'a Events,
    halt: Halt,
    objections: watch::Sender<Objections>,
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
        let halt = Halt::new(stop);
        let client = client.until(halt.token());
        let terms = recorder.terms(orders.holding.lease(), orders.limits.max_per_day);
        let objections = watch::Sender::new(Objections::default());
        Self { client, orders, terms, recorder, events, halt, objections }
    }

    /// Executes a plan; why it ended before the last target, if it did.
    pub(crate) async fn execute(self, approved: &Approved<'a>) -> Option<StopCause> {
        self.listen().await;
        tokio::select! {
            () = self.work(approved) => {}
            never = self.watch() => match never {},
        }
        self.halt.into_cause()
    }

    async fn work(&self, approved: &Approved<'a>) {
        let targets: Vec<_> = approved.targets().collect();
        let mut targets = Box::pin(self.confirmed(&targets));
        let mut breaker = CircuitBreaker::new(&self.orders.limits);
        self.canaries(&mut targets, &mut breaker).await;
        let calls = targets.map(|target| self.act(target));
        let mut calls = calls.buffer_unordered(self.orders.settings.max_in_flight);
        while let Some(outcome) = calls.next().await {
            self.count(&mut breaker, outcome);
        }
        self.release().await;
    }

    fn count(&self, breaker: &mut CircuitBreaker, outcome: Option<Outcome>) {
        if let Some(refusal) = outcome.and_then(|outcome| breaker.count(outcome)) {
            self.refuse(&refusal);
        }
    }

    /// Looks again and again at what operators say, so that a target that waits for its permit need not wait in vain.
    async fn watch(&self) -> Infallible {
        loop {
            tokio::time::sleep(WATCH_INTERVAL).await;
            self.listen().await;
        }
    }

    /// Takes note of what operators say.
    async fn listen(&self) {
        match self.recorder.objections().await {
            Ok(objections) => drop(self.objections.send_replace(objections)),
            Err(error) => self.give_up(&error),
        }
    }

    /// The targets, read again shortly before they are needed.
    fn confirmed<'s>(
        &'s self,
        targets: &[Target<'a>],
    ) -> impl Stream<Item = Result<Confirmed<'a>, (Target<'a>, Dropped)>> + use<'s, 'a> {
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
        targets: &mut (impl Stream<Item = Result<Confirmed<'a>, (Target<'a>, Dropped)>> + Unpin),
        breaker: &mut CircuitBreaker,
    ) {
        let limit = match self.orders.settings.mode {
            Mode::Enforce => self.orders.limits.canary,
            Mode::DryRun => 0,
        };
        let mut accepted = 0;
        while accepted < limit {
            let Some(target) = targets.next().await else { break };
            let Some(outcome) = self.act(target).await else { continue };
            self.count(breaker, Some(outcome));
            match outcome {
                Outcome::Terminated | Outcome::Gone => accepted += 1,
                Outcome::Refused | Outcome::Failed | Outcome::Unknown => {
                    self.refuse(&Refusal::Canary { outcome: outcome.as_str(), limit });
                }
            }
        }
    }

    /// Acts on one target; the outcome of its call, if it was called.
    async fn act(&self, target: Result<Confirmed<'a>, (Target<'a>, Dropped)>) -> Option<Outcome> {
        let (planned, acted) = match (target, self.orders.settings.mode) {
            (Ok(target), Mode::Enforce) => (target.planned, self.terminate(target).await.map(Some)),
            (Ok(target), Mode::DryRun) => {
                let Confirmed { planned, instance, .. } = target;
                self.events.emit(Event::Rehearsed(&instance, &planned.rule.name));
                (planned, Ok(None))
            }
            (Err((planned, dropped)), _) => (planned, Err(dropped)),
        };
        acted.unwrap_or_else(|Dropped { reason, why, class, .. }| {
            self.halt_on(class);
            self.events.emit(Event::Dropped(planned.instance, &planned.rule.name, reason, &why));
            None
        })
    }

    /// Terminates a target: the intent is on disk before, the outcome after it.
    async fn terminate(&self, mut target: Confirmed<'a>) -> Result<Outcome, Dropped> {
        self.unopposed(&target)?;
        let intended = self.recorder.intend(&target, &self.terms).await;
        intended.map_err(|error| self.unrecorded(&error))?.map_err(|own| self.objected(own))?;
        let act = match self.call(&mut target).await {
            Called::Ended(act) if act.outcome == Outcome::Unknown => {
                self.looked_up(&target.instance, act).await
            }
            Called::Ended(act) => act,
            Called::NotSent(dropped) => {
                let written = self.recorder.not_called(&target.instance, &dropped.why).await;
                written.map_err(|error| self.unrecorded(&error))?;
                return Err(dropped);
            }
        };
        let act = match self.recorder.attributed(&target.instance, act).await {
            Ok(act) => act,
            Err(error) => return Err(self.unrecorded(&error)),
        };
        self.ended(&target, &act).await;
        Ok(act.outcome)
    }

    /// Looks at an instance after a call of which no answer says whether it happened: one that is in the recycle bin is terminated.
    /// One that is not shown at all may be hidden by a fault, so that is for the next accepted inventory to verify.
    async fn looked_up(&self, instance: &Instance, act: Act) -> Act {
        let Ok(looked) = self.client.describe_ids(&[&instance.id]).await else { return act };
        let is_same = |now: &&Instance| now.id == instance.id && now.created == instance.created;
        let mut found = looked.page.instances.iter().filter(is_same);
        match (found.next(), found.next()) {
            (Some(now), None) if now.status == Some(Status::Recycle) => act.shown_done(),
            _ => act,
        }
    }

    /// Reports what became of a call, and writes it. A call whose outcome cannot be written is verified by the next run.
    async fn ended(&self, target: &Confirmed<'_>, act: &Act) {
        let Confirmed { instance, planned, .. } = target;
        let written = self.recorder.ended(instance, planned.rule, act).await;
        self.events.emit(Event::Acted(instance, &planned.rule.name, act));
        if let Err(error) = written {
            self.give_up(&error);
        }
    }

    fn unrecorded(&self, error: &journal::Error) -> Dropped {
        self.give_up(error);
        Dropped::new(Dropout::Unrecorded, error.to_string())
    }

    /// Nothing more is called once the journal cannot be used.
    fn give_up(&self, error: &journal::Error) {
        if self.halt.pull(StopCause::Unrecorded) {
            self.events.emit(Event::Unrecorded(&error.to_string()));
        }
    }

    fn refuse(&self, refusal: &Refusal) {
        if self.halt.pull(StopCause::Refused(refusal.clone())) {
            self.events.emit(Event::Refused(refusal));
        }
    }

    fn halt_on(&self, class: Option<Class>) {
        let fatal = class.filter(|class| class.stops_the_run() && *class != Class::Stopped);
        if let Some(class) = fatal {
            self.halt.pull(StopCause::Fatal(class));
        }
    }
}
