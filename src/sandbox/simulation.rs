//! The simulated cloud behind the HTTP server: it checks a request, decides how it ends, and lets
//! it take effect. All of a request's arrival is decided at once under one lock, so that the
//! order of the calls, the rate limit and the faults agree with each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::Credentials;
use super::Options;
use super::action::Action;
use super::answer::{Answer, Reply};
use super::auth;
use super::calls::{Call, CallLog};
use super::faults::{Effect, Fault, Faults, Stage};
use super::fleet::Machine;
use super::hooks::{Fleet, Hook, Hooks};
use super::limit::Limiter;
use super::omen::{self, Omen};
use super::order::{Order, Received};
use super::page::Page;
use super::refusal::Refusal;
use super::state::State;
use crate::clock;

/// The simulated cloud.
#[derive(Debug)]
pub(super) struct Simulation {
    credentials: Credentials,
    retry_after: Option<u32>,
    clock: SandboxClock,
    inner: Mutex<Inner>,
}

/// A std mutex, as it is never held over an await.
#[derive(Debug)]
struct Inner {
    state: State,
    faults: Faults,
    limiter: Limiter,
    calls: CallLog,
    hooks: Hooks,
}

/// The time in the sandbox, which may run faster than ours.
#[derive(Debug)]
struct SandboxClock {
    started: Instant,
    wall: Timestamp,
    speed: u32,
}

impl SandboxClock {
    fn elapsed(&self) -> Duration {
        clock::monotonic().saturating_duration_since(self.started)
    }

    fn now(&self) -> Timestamp {
        let elapsed = self.elapsed().saturating_mul(self.speed);
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        self.wall.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

/// A request that has arrived and how it goes on.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) ticket: Ticket,
    pub(super) latency: Duration,
    pub(super) skew_seconds: i64,
    pub(super) fate: Fate,
}

/// What was decided about a request on its arrival.
#[derive(Debug)]
pub(super) enum Fate {
    Perform(Order),
    End(Answer),
}

/// The place of a request in the record; giving it up ends the request.
#[derive(Debug)]
pub(super) struct Ticket {
    simulation: Arc<Simulation>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.simulation.lock().calls.leave();
    }
}

impl Ticket {
    /// Tells one request from another, in the order of arrival.
    fn request_id(&self) -> String {
        format!("T5A4DB0C0-0000-4000-8000-{:012X}", self.number + 1)
    }

    /// Records what is answered.
    pub(super) fn settle(&self, answer: &Answer) {
        if let Answer::Whole(reply) | Answer::CutOff(reply) = answer {
            let (status, code) = (reply.status.as_u16(), reply.code.as_deref());
            let mut inner = self.simulation.lock();
            inner.calls.answer(self.number, status, code);
        }
    }
}

impl Simulation {
    pub(super) fn new(options: Options) -> Self {
        let Options { listen: _, machines, credentials, rate, retry_after, speed, faults } =
            options;
        let wall = clock::now();
        let mut live = Faults::default();
        for fault in faults {
            live.inject(fault);
        }
        Self {
            credentials,
            retry_after,
            clock: SandboxClock { started: clock::monotonic(), wall, speed },
            inner: Mutex::new(Inner {
                state: State::new(machines, wall),
                faults: live,
                limiter: Limiter::new(rate),
                calls: CallLog::default(),
                hooks: Hooks::default(),
            }),
        }
    }

    /// Records a request and decides how it goes on.
    pub(super) fn arrive(self: &Arc<Self>, received: &Received) -> Arrival {
        let (number, omen, checked) = self.decide(received);
        // Not before the lock is free: a ticket takes it when it is dropped.
        let ticket = Ticket { simulation: Arc::clone(self), number };
        let fate = match (omen.end, checked) {
            (Some(end), _) => Fate::End(omen::ending(end, &ticket.request_id())),
            (None, Ok(order)) => Fate::Perform(order),
            (None, Err(refusal)) => Fate::End(omen::refused(&refusal, &ticket.request_id())),
        };
        Arrival { ticket, latency: omen.latency, skew_seconds: omen.skew_seconds, fate }
    }

    fn decide(&self, received: &Received) -> (u64, Omen, Result<Order, Refusal>) {
        let target = received.target();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let at = self.clock.elapsed();
        let number = inner.calls.arrive(at, &target);
        let mut fleet = Fleet::new(&mut inner.state, self.clock.now());
        inner.hooks.run(target.action, &mut fleet);
        let omen = Omen::of(inner.faults.strike(&target, Stage::Arrival));
        let checked = self.check(received, omen.skew_seconds, &mut inner.limiter, at);
        (number, omen, checked)
    }

    /// Lets a call take effect.
    pub(super) fn perform(&self, received: &Received, order: &Order, ticket: &Ticket) -> Answer {
        let (outcome, effects) = self.take_effect(received, order);
        let mut page = match outcome {
            Ok(page) => page,
            Err(refusal) => {
                let reply = Reply::refusal(&ticket.request_id(), &refusal);
                return omen::deliver(reply, &effects);
            }
        };
        if let Some(page) = &mut page {
            for effect in &effects {
                omen::distort(page, effect);
            }
        }
        // Outside the lock: writing a page of a thousand machines takes a while.
        let reply = Reply::success(&ticket.request_id(), page.as_ref());
        omen::deliver(reply, &effects)
    }

    fn take_effect(
        &self,
        received: &Received,
        order: &Order,
    ) -> (Result<Option<Page>, Refusal>, Vec<Effect>) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let now = self.clock.now();
        // A page cannot tell how much of a listing is missing.
        let effects = inner.faults.strike(&received.target(), Stage::Answer);
        let outcome = match order {
            Order::Describe(query) => {
                Ok(Some(inner.state.describe(query, omen::shown(&effects, query), now)))
            }
            Order::Terminate(id, version) => {
                inner.state.terminate(id, *version, now).map(|()| None)
            }
            Order::Release(ids) => inner.state.release(ids, now).map(|()| None),
        };
        (outcome, effects)
    }

    fn check(
        &self,
        received: &Received,
        skew_seconds: i64,
        limiter: &mut Limiter,
        at: Duration,
    ) -> Result<Order, Refusal> {
        let body = received.check_envelope()?;
        let now = clock::now().as_second().saturating_add(skew_seconds);
        auth::check(received.headers(), body, &self.credentials, now)?;
        let version = received.version()?;
        let action = received.action()?;
        if !limiter.admit(action, at) {
            return Err(Refusal::too_many(self.retry_after));
        }
        Order::read(action, version, received.parameters()?)
    }

    /// Runs a change or a look on the machines as they are now.
    pub(super) fn fleet<T>(&self, visit: impl FnOnce(&mut Fleet<'_>) -> T) -> T {
        let mut inner = self.lock();
        visit(&mut Fleet::new(&mut inner.state, self.clock.now()))
    }

    pub(super) fn machines(&self) -> Vec<Machine> {
        self.fleet(|fleet| fleet.machines().collect())
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.to_vec()
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.lock().faults.inject(fault);
    }

    pub(super) fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    pub(super) fn set_rate(&self, rate: Option<u32>) {
        self.lock().limiter.set_rate(rate);
    }

    pub(super) fn before_call(&self, action: Action, count: u32, hook: Hook) {
        self.lock().hooks.add(action, count, hook);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A panic in a caller's closure must not take the sandbox down with it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
