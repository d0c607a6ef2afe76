//! What tests do to the machines while a client is at work, e.g. tag one between the listing and
//! the call that would end it.

use std::fmt;

use jiff::Timestamp;

use super::action::Action;
use super::fleet::Machine;
use super::state::State;

/// The machines, held still for as long as this lives.
pub struct Fleet<'a> {
    state: &'a mut State,
    now: Timestamp,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(state: &'a mut State, now: Timestamp) -> Self {
        state.advance(now);
        Self { state, now }
    }

    /// Every machine, in the order of the ids.
    pub fn machines(&self) -> impl Iterator<Item = Machine> {
        self.state.machines()
    }

    /// One machine.
    #[must_use]
    pub fn machine(&self, id: &str) -> Option<Machine> {
        self.state.machine(id)
    }

    /// Changes a machine in any way; false if it is not there.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut Machine)) -> bool {
        self.state.edit(id, self.now, change)
    }

    /// Puts a machine beside the others, even under an id that is taken.
    pub fn add(&mut self, machine: &Machine) {
        self.state.add(machine, self.now);
    }

    /// Takes a machine away; false if it is not there.
    pub fn remove(&mut self, id: &str) -> bool {
        self.state.remove(id)
    }
}

pub(super) type Hook = Box<dyn FnOnce(&mut Fleet<'_>) + Send>;

/// The hooks that have not run yet.
#[derive(Default)]
pub(super) struct Hooks(Vec<Waiting>);

struct Waiting {
    action: Action,
    calls_left: u32,
    hook: Hook,
}

impl Hooks {
    pub(super) fn add(&mut self, action: Action, count: u32, hook: Hook) {
        self.0.push(Waiting { action, calls_left: count, hook });
    }

    /// Counts a call and runs what waited for it.
    pub(super) fn run(&mut self, action: Option<Action>, fleet: &mut Fleet<'_>) {
        for waiting in &mut self.0 {
            if Some(waiting.action) == action {
                waiting.calls_left = waiting.calls_left.saturating_sub(1);
            }
        }
        let is_due =
            |waiting: &mut Waiting| Some(waiting.action) == action && waiting.calls_left == 0;
        for due in self.0.extract_if(.., is_due) {
            (due.hook)(fleet);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooks({})", self.0.len())
    }
}
