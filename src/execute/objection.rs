//! What speaks against a call right before it is sent: an order to stop, a lost lease, an operator, a stricter config.

use std::future::pending;

use super::{Executor, StopCause, call::Callable};
use crate::{
    config::Mode,
    confirm::Dropped,
    journal::Objection,
    plan::{guard::Refusal, memory::Pause},
    report::{Dropout, Event},
};

impl Executor<'_> {
    /// Whether nothing speaks against a call now.
    pub(super) fn unopposed(&self, call: &impl Callable) -> Result<(), Dropped> {
        if let Some(reason) = self.halt.dropout() {
            return Err(Dropped::new(reason, "stopped before the call was sent"));
        }
        if !self.orders.holding.is_valid() {
            return Err(self.lease_lost("it was not renewed in time"));
        }
        if let Some(pause) = &self.objections.borrow().pause {
            return Err(self.paused(pause));
        }
        if let Some(until) = self.objections.borrow().held.get(call.instance().id.as_str()) {
            let why = format!("it is now: skip (held) until {until:.0}");
            return Err(Dropped::new(Dropout::Held, why));
        }
        self.unopposed_by_reload(call)
    }

    /// Whether a config that was loaded while the run goes on speaks against a call.
    fn unopposed_by_reload(&self, call: &impl Callable) -> Result<(), Dropped> {
        let reloaded = self.orders.reloaded.borrow().clone();
        let Some(reloaded) = reloaded else { return Ok(()) };
        let is_known = reloaded.accounts.iter().any(|account| account == self.orders.account);
        if reloaded.mode == Mode::DryRun || !is_known {
            self.halt.pull(StopCause::DryRun);
            let why =
                "the config that was loaded in the meantime does not terminate in this account";
            return Err(Dropped::new(Dropout::Stopped, why));
        }
        if call.stands_under(&reloaded, self) {
            return Ok(());
        }
        let why = "the config that was loaded in the meantime does not terminate it";
        Err(Dropped::new(Dropout::Changed, why))
    }

    /// Waits until something speaks against a call, for ever if nothing does.
    pub(super) async fn opposed(&self, call: &impl Callable) -> Dropped {
        let mut objections = self.objections.subscribe();
        let mut reloaded = self.orders.reloaded.clone();
        loop {
            if let Err(dropped) = self.unopposed(call) {
                return dropped;
            }
            let halted = self.halt.token();
            tokio::select! {
                () = halted.cancelled() => {}
                changed = objections.changed() => {
                    if changed.is_err() {
                        return pending().await;
                    }
                }
                // Without a daemon that reloads, nothing is ever loaded.
                Ok(()) = reloaded.changed() => {}
            }
        }
    }

    /// What the journal said against an intent.
    pub(super) fn objected(&self, objection: Objection) -> Dropped {
        match objection {
            Objection::LeaseLost(Some(holder)) => {
                self.lease_lost(&format!("it is held by {holder}"))
            }
            Objection::LeaseLost(None) => self.lease_lost("it has ended"),
            Objection::Paused(pause) => self.paused(&pause),
            Objection::Held(hold) => {
                let why =
                    format!("it is now: skip ({}) until {:.0}", hold.kind.as_str(), hold.until);
                Dropped::new(Dropout::Held, why)
            }
            Objection::PerDay { before } => {
                let limit = self.orders.limits.max_per_day;
                let refusal = Refusal::PerDay { wanted: 1, before, limit };
                self.refuse(&refusal);
                Dropped::new(Dropout::Guarded, refusal.to_string())
            }
        }
    }

    fn paused(&self, pause: &Pause) -> Dropped {
        if self.halt.pull(StopCause::Paused) {
            self.events.emit(Event::Paused(pause));
        }
        Dropped::new(Dropout::Paused, pause.to_string())
    }

    fn lease_lost(&self, why: &str) -> Dropped {
        if self.halt.pull(StopCause::LeaseLost) {
            self.events.emit(Event::LeaseLost(why));
        }
        Dropped::new(Dropout::LeaseLost, format!("the lease of the account is lost: {why}"))
    }
}
