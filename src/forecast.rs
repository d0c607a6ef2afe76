//! What will go when, and by which rule, if all stays as it is.
//!
//! Pure: virtual time goes from run to run as the daemon's would. Each run judges, asks the guards, tells owners and terminates
//! as a real one does, and remembers it. Between two runs at which nothing can change nothing is judged, so that a month of a
//! hundred thousand machines is a matter of seconds; `tests` has the plain way, which drafts a plan at every run, and must say
//! the same. What a forecast cannot know stands in [`ASSUMPTIONS`]. It never acts.

mod change;
mod ledger;
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub use self::ledger::{Event, Refused, Stop, What};
use self::simulation::Simulation;
use crate::{
    inventory::Inventory,
    plan::{Policy, Rota, Turn, guard::Limits, memory::Memory},
    rules::RuleName,
    schedule::Schedule,
};

/// What is taken for granted.
pub const ASSUMPTIONS: &str = "every call is accepted, every notice arrives, nobody changes, keeps or creates a machine, and the service runs all the time";

/// The most runs that are walked: a year of one every five minutes.
pub const RUNS_MAX: u64 = 110_000;

/// The most events that are told.
pub const EVENTS_MAX: usize = 1_000_000;

/// What a forecast is made from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// What instances are judged by.
    pub policy: &'a Policy,
    /// What there is.
    pub inventory: &'a Inventory,
    /// What is remembered of it.
    pub memory: &'a Memory,
    /// The caps on a plan.
    pub limits: Limits,
    /// The schedule of the rules that have none of their own.
    pub schedule: &'a Schedule,
    /// The time between two calls to terminate.
    pub interval: SignedDuration,
}

/// What will happen.
#[must_use]
#[derive(Debug)]
pub struct Forecast<'a> {
    /// From when on.
    pub start: Timestamp,
    /// Until when; earlier than asked for if there are more runs or events than are taken.
    pub until: Timestamp,
    /// How many runs there are.
    pub runs: u64,
    /// What happens, in the order of time; a refusal stands where it begins.
    pub events: Vec<Event<'a>>,
    /// How many live machines are left at the end, by decision and reason; a rule with a schedule of its own rests then.
    pub remaining: BTreeMap<(&'static str, &'static str), usize>,
}

/// How many machines go, and of how many the owners are told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sum {
    /// How many owners are told.
    pub noticed: usize,
    /// How many machines go.
    pub terminated: usize,
    /// How many of those are also released from the recycle bin.
    pub released: usize,
}

/// Looks ahead from `start` until `until`.
pub fn forecast<'a>(given: &Given<'a>, start: Timestamp, until: Timestamp) -> Forecast<'a> {
    let mut simulation = Simulation::new(given, start);
    let walked = walk(given, (start, until), |now, resting| {
        simulation.run(now, resting);
        (simulation.free_at(), simulation.ledger.len())
    });
    let remaining = simulation.remaining(walked.until);
    simulation.ledger.told(start, walked, remaining)
}

/// How far time was walked.
#[derive(Clone, Copy, Debug)]
struct Walked {
    until: Timestamp,
    runs: u64,
}

/// Walks from run to run. `run` is told when it is and who rests, and says when it ends and how many events there are so far.
fn walk(
    given: &Given<'_>,
    (start, until): (Timestamp, Timestamp),
    mut run: impl FnMut(Timestamp, HashSet<RuleName>) -> (Timestamp, usize),
) -> Walked {
    let mut rota = Rota::new(given.schedule, &given.policy.rules, start);
    let (mut free, mut runs, mut events) = (start, 0, 0);
    while let Some(next) = rota.next() {
        // What became due during a run has its turn right after it.
        let now = next.max(free);
        if now > until {
            break;
        }
        if runs == RUNS_MAX || events >= EVENTS_MAX {
            return Walked { until: free, runs };
        }
        let resting = match rota.turn(now) {
            Some(Turn::AllBut(resting)) => resting,
            Some(Turn::Asked) | None => HashSet::new(),
        };
        (free, events) = run(now, resting);
        rota.done(free);
        runs += 1;
    }
    Walked { until, runs }
}

impl Forecast<'_> {
    /// What each rule does, in the order of their names.
    #[must_use]
    pub fn by_rule(&self) -> BTreeMap<&RuleName, Sum> {
        let mut sums = BTreeMap::new();
        for (rule, sum) in
            self.events.iter().filter_map(|event| Some((event.rule()?, event.sum()?)))
        {
            add(sums.entry(rule).or_default(), sum);
        }
        sums
    }

    /// What each day brings that brings anything, as days are counted in a time zone.
    #[must_use]
    pub fn by_day(&self, zone: &TimeZone) -> BTreeMap<jiff::civil::Date, Sum> {
        let mut sums = BTreeMap::new();
        for event in &self.events {
            if let Some(sum) = event.sum() {
                add(sums.entry(zone.to_datetime(event.at).date()).or_default(), sum);
            }
        }
        sums
    }
}

fn add(to: &mut Sum, Sum { noticed, terminated, released }: Sum) {
    to.noticed += noticed;
    to.terminated += terminated;
    to.released += released;
}
