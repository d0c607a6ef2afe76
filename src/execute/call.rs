//! One call, attempt after attempt, until an answer settles it: permit, recheck, attempt, classify, wait.
//!
//! The same loop serves calls to terminate and calls to release. Minutes may pass between two attempts, so each is made only if the
//! instance, read again, is still what the rule wants, and nothing speaks against it.

use std::future::Future;

use tokio::time::Instant;

use super::{CONFIRMED_AGE_MAX, Executor, Reloaded};
use crate::{
    clock,
    cloud::{Accepted, Action, Class, Client, Error, Permit},
    confirm::{Confirmed, Dropped, confirm},
    inventory::Instance,
    plan::Decision,
    report::{Act, Dropout, Earlier},
};

/// How the attempts of a call ended.
pub(super) enum Called {
    /// At least one was sent, and this came of it.
    Ended(Act),
    /// None was sent, or it is known that none had any effect.
    NotSent(Dropped),
}

/// What can be called: a target to terminate, or an instance to release.
pub(super) trait Callable {
    /// Which action it takes.
    const ACTION: Action;

    /// The instance, as it was last read.
    fn instance(&self) -> &Instance;

    /// When it was last read.
    fn read(&self) -> Instant;

    /// Reads the instance again, and judges it again.
    fn recheck(&mut self, executor: &Executor<'_>) -> impl Future<Output = Result<(), Dropped>>;

    /// Whether a config that was loaded in the meantime wants the call too.
    fn stands_under(&self, reloaded: &Reloaded, executor: &Executor<'_>) -> bool;

    /// Makes one attempt.
    fn attempt(
        &self,
        client: &Client,
        permit: Permit,
    ) -> impl Future<Output = Result<Accepted, Error>>;
}

impl Callable for Confirmed<'_> {
    const ACTION: Action = Action::Terminate;

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn read(&self) -> Instant {
        self.read
    }

    async fn recheck(&mut self, executor: &Executor<'_>) -> Result<(), Dropped> {
        let mut again = confirm(&executor.client, executor.judges(), vec![self.planned]).await;
        let again = again.pop().unwrap_or_else(|| Err((self.planned, Dropped::vanished())));
        let Confirmed { planned: _, instance, record, read } = again.map_err(|(_, why)| why)?;
        (self.instance, self.record, self.read) = (instance, record, read);
        Ok(())
    }

    fn stands_under(&self, reloaded: &Reloaded, executor: &Executor<'_>) -> bool {
        let memory = executor.orders.memory;
        let judgement = reloaded.policy.judge(&self.instance, memory, clock::now());
        let is_same_rule = judgement.rule.is_some_and(|rule| rule.name == self.planned.rule.name);
        judgement.decision == Decision::Terminate && is_same_rule
    }

    async fn attempt(&self, client: &Client, permit: Permit) -> Result<Accepted, Error> {
        client.terminate(&self.instance.id, permit).await
    }
}

impl Executor<'_> {
    /// Calls one instance.
    pub(super) async fn call<C: Callable>(&self, call: &mut C) -> Called {
        let mut attempts = self.client.attempts();
        let mut earlier = Earlier::default();
        let mut permit = match self.first_permit(call).await {
            Ok(permit) => permit,
            Err(dropped) => return Called::NotSent(dropped),
        };
        loop {
            if let Err(dropped) = self.still_stands(call, earlier.is_none()).await {
                return not_called_again(earlier, dropped);
            }
            let error = match call.attempt(&self.client, permit).await {
                Ok(accepted) => return Called::Ended(Act::accepted(accepted)),
                Err(error) if error.class == Class::Stopped => {
                    return not_called_again(earlier, self.stopped(&error));
                }
                Err(error) => error,
            };
            self.halt_on(Some(error.class));
            let Some(delay) = attempts.next_delay(&error, clock::monotonic()) else {
                return Called::Ended(Act::of(error, &earlier));
            };
            let again = self.client.permit_again(C::ACTION, delay, attempts.deadline());
            permit = tokio::select! {
                biased;
                dropped = self.opposed(call) => {
                    earlier.add(error);
                    return not_called_again(earlier, dropped);
                }
                permit = again => match permit {
                    Some(permit) => permit,
                    None => return Called::Ended(Act::of(error, &earlier)),
                },
            };
            earlier.add(error);
        }
    }

    /// Waits for the right to make the first attempt, as long as nothing speaks against it.
    async fn first_permit(&self, call: &impl Callable) -> Result<Permit, Dropped> {
        tokio::select! {
            biased;
            dropped = self.opposed(call) => Err(dropped),
            permit = self.client.permit(action_of(call)) => permit.map_err(|error| self.stopped(&error)),
        }
    }

    /// Whether an instance is still to be called, now that it has a permit. Before its first attempt it is read again if that is
    /// long ago; before each further one always, and operators are asked again too.
    async fn still_stands(&self, call: &mut impl Callable, is_first: bool) -> Result<(), Dropped> {
        if !is_first || call.read().elapsed() > CONFIRMED_AGE_MAX {
            call.recheck(self).await.inspect_err(|dropped| self.halt_on(dropped.class))?;
            self.listen().await;
        }
        self.unopposed(call)
    }

    /// A call that was not sent because the run was told to stop, for whatever reason.
    fn stopped(&self, error: &Error) -> Dropped {
        let reason = self.halt.dropout().unwrap_or(Dropout::Stopped);
        Dropped { reason, ..Dropped::by(error) }
    }
}

fn action_of<C: Callable>(_: &C) -> Action {
    C::ACTION
}

/// What became of a call that is not tried again although its last answer did not settle it.
fn not_called_again(earlier: Earlier, dropped: Dropped) -> Called {
    match earlier.act(dropped.is_recycled) {
        Some(act) => Called::Ended(act),
        None => Called::NotSent(dropped),
    }
}
