//! What a complete inventory says of the calls of earlier runs.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Recorder, audience::Topic};
use crate::{
    clock,
    inventory::Inventory,
    journal::{Error, OpenIntent, Releasable, SettledIntent, Written, recoverable_until},
    notice::{Notice, Stage},
    report::{Event, Outcome, Settled, Settlement},
};

impl Recorder<'_> {
    /// What an inventory says of the calls of earlier runs; nothing is written yet.
    pub(crate) async fn read_settlements(
        &self,
        inventory: &Inventory,
    ) -> Result<Vec<SettledIntent>, Error> {
        let now = clock::now();
        let open = self.journal().open_intents(self.account, now).await?;
        let states = states(inventory);
        Ok(open.into_iter().filter_map(|intent| self.settlement(intent, &states, now)).collect())
    }

    /// Settles the calls of earlier runs, by an accepted inventory.
    pub(crate) async fn settle(&self, settled: &[SettledIntent]) -> Result<(), Error> {
        self.journal().settled(self.account, settled, clock::now()).await?;
        for SettledIntent { intent, settlement, .. } in settled {
            self.events.emit(Event::Settled(&Settled {
                instance_id: &intent.instance_id,
                name: intent.name.as_deref(),
                rule: &intent.rule,
                had_outcome: intent.outcome.is_some(),
                settlement: *settlement,
            }));
        }
        Ok(())
    }

    /// Gives up the releases of instances that an inventory shows live: somebody took them out of the recycle bin after we
    /// terminated them, so they are not ours to release any more, also when they come into the bin again.
    pub(crate) async fn give_up_releases(&self, inventory: &Inventory) -> Result<(), Error> {
        let mut wanted = self.journal().wanted_releases(self.account).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let states = states(inventory);
        wanted.retain(|(_, id)| states.get(id.as_str()) == Some(&State::Live));
        if wanted.is_empty() {
            return Ok(());
        }
        self.journal().restored(self.account, &wanted, clock::now()).await
    }

    /// The same for one instance that was terminated by an earlier run and is read again.
    pub(crate) async fn give_up_release(&self, machine: &Releasable) -> Result<(), Error> {
        if machine.run == self.events.run() {
            // The termination of this run may only not show yet.
            return Ok(());
        }
        let restored = (machine.run.clone(), machine.instance_id.clone());
        self.journal().restored(self.account, &[restored], clock::now()).await
    }

    fn settlement(
        &self,
        intent: OpenIntent,
        states: &HashMap<&str, State>,
        now: Timestamp,
    ) -> Option<SettledIntent> {
        let settlement = settlement(&intent, states)?;
        let is_done = settlement == Settlement::Done;
        let hold = is_done.then(|| self.accepted_hold(&intent.instance_id, now));
        let notices = if is_done { self.terminated_notices(&intent, now) } else { Vec::new() };
        Some(SettledIntent { intent, settlement, hold, notices })
    }

    fn terminated_notices(&self, intent: &OpenIntent, now: Timestamp) -> Vec<Written> {
        let key = self.terminated_key(&intent.instance_id, &intent.run);
        let machine = (intent.instance_id.as_str(), intent.name.as_deref());
        let notice = Notice {
            terminate_at: Some(intent.intended_at),
            recoverable_until: intent.recoverable.then(|| recoverable_until(now)),
            ..Notice::about(Some(machine), Some(&intent.rule), "terminated")
        };
        let owner = intent.owner.as_deref();
        self.written(&Topic { key: &key, stage: Stage::Terminated, owner }, &notice)
    }
}

/// How a machine stands in an inventory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Live,
    Recycled,
    Unreadable,
}

fn states(inventory: &Inventory) -> HashMap<&str, State> {
    let readable = inventory.instances().iter().map(|instance| {
        let state = if instance.is_live() { State::Live } else { State::Recycled };
        (instance.id.as_str(), state)
    });
    let unreadable = inventory.unreadable().iter().map(|odd| (odd.id.as_str(), State::Unreadable));
    readable.chain(unreadable).collect()
}

/// What an inventory says of an intent; `None`: nothing, or nothing new.
fn settlement(intent: &OpenIntent, states: &HashMap<&str, State>) -> Option<Settlement> {
    let done = [Outcome::Terminated, Outcome::Gone].map(Outcome::as_str);
    let was_accepted = intent.outcome.as_deref().is_some_and(|outcome| done.contains(&outcome));
    match (states.get(intent.instance_id.as_str()), was_accepted) {
        (Some(State::Unreadable), _) => None,
        (Some(State::Recycled) | None, true) => Some(Settlement::Confirmed),
        (Some(State::Recycled) | None, false) => Some(Settlement::Done),
        (Some(State::Live), _) if intent.was_live => None,
        (Some(State::Live), true) => Some(Settlement::StillPresent),
        (Some(State::Live), false) => Some(Settlement::NotDone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_settles_nothing_and_what_is_gone_settles_all() {
        let at = "2026-11-20T00:00:00Z".parse().unwrap();
        let check = |state: Option<State>, outcome: Option<Outcome>, was_live, expected| {
            let intent = OpenIntent {
                run: "run".to_owned(),
                instance_id: "i-1".to_owned(),
                name: None,
                owner: None,
                rule: "dev".to_owned(),
                tags: 0,
                recoverable: true,
                intended_at: at,
                outcome: outcome.map(|outcome| outcome.as_str().to_owned()),
                was_live,
            };
            let states = state.map(|state| ("i-1", state)).into_iter().collect();
            let told = format!("{state:?} {outcome:?} {was_live}");
            assert_eq!(settlement(&intent, &states), expected, "{told}");
        };
        let accepted = Some(Outcome::Terminated);
        for outcome in [None, Some(Outcome::Unknown), accepted] {
            check(Some(State::Unreadable), outcome, false, None);
            check(Some(State::Live), outcome, true, None);
        }
        for state in [None, Some(State::Recycled)] {
            check(state, accepted, false, Some(Settlement::Confirmed));
            check(state, accepted, true, Some(Settlement::Confirmed));
            check(state, None, false, Some(Settlement::Done));
            check(state, Some(Outcome::Unknown), true, Some(Settlement::Done));
        }
        check(Some(State::Live), accepted, false, Some(Settlement::StillPresent));
        check(Some(State::Live), None, false, Some(Settlement::NotDone));
    }
}
