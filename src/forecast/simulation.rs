//! Runs as they will be, judging again only what may be judged otherwise.
//!
//! The sums that guards look at are kept up to date machine by machine, and so is who is to be told and who is to go.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet, VecDeque},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Given,
    change::{self, Known},
    ledger::{Ledger, What},
};
use crate::{
    inventory::Instance,
    plan::{
        Decision, Judgement, Keep, Subject, Tally, Telling,
        guard::{self, Sums},
        inventory_check::Summary,
        memory::{Force, HoldKind, Memory, Promise, whole_seconds},
    },
    rules::{AgeTest, RuleName},
};

/// A machine, and how it is judged at present.
struct Machine<'a> {
    instance: &'a Instance,
    /// How; `None`: it was not judged yet.
    judged: Option<Judged<'a>>,
    /// When it is to be judged again, if time alone may change anything.
    next: Option<Timestamp>,
    is_gone: bool,
}

/// A judgement, as it was made.
struct Judged<'a> {
    at: Timestamp,
    judgement: Judgement<'a>,
    /// The numbers of the rules that match.
    matched: Box<[usize]>,
}

/// All that there is at an instant of virtual time. Machines are named by their place in the order of the ids.
pub(super) struct Simulation<'a> {
    given: Given<'a>,
    memory: Memory,
    machines: Vec<Machine<'a>>,
    ages: Vec<AgeTest>,
    queue: BinaryHeap<Reverse<(Timestamp, usize)>>,
    by_turn: BTreeSet<usize>,
    to_go: BTreeSet<usize>,
    to_tell: BTreeSet<usize>,
    /// Those of promises that had not reached every sink when the forecast began.
    undelivered: Vec<usize>,
    summary: Summary,
    tallies: Vec<Tally<'a>>,
    /// Until when each termination counts as one of the last 24 hours.
    day: VecDeque<Timestamp>,
    free_at: Timestamp,
    /// What happened.
    pub(super) ledger: Ledger<'a>,
}

/// Until when the terminations before `start` count. Only of those that were accepted it is remembered when that was; the others
/// count as long as they can.
pub(super) fn day_before(memory: &Memory, start: Timestamp) -> VecDeque<Timestamp> {
    let latest = start.checked_add(guard::DAY).unwrap_or(Timestamp::MAX);
    let accepted = memory.holds.values().filter(|hold| hold.kind == HoldKind::Accepted);
    let mut until: Vec<_> = accepted.map(|hold| hold.until.min(latest)).collect();
    until.sort_unstable_by(|a, b| b.cmp(a));
    until.resize(usize::try_from(memory.terminated_in_a_day).unwrap_or(usize::MAX), latest);
    until.sort_unstable();
    until.into()
}

impl<'a> Simulation<'a> {
    /// What there is at `start`.
    pub(super) fn new(given: &Given<'a>, start: Timestamp) -> Self {
        let instances = given.inventory.instances();
        let machine =
            |instance| Machine { instance, judged: None, next: Some(start), is_gone: false };
        let tally = |rule| Tally { rule, matches: 0, live: 0, doomed: 0, takes: 0 };
        let untold = |(_, instance): &(usize, &Instance)| {
            let mut all = given.memory.promises.get(&instance.id).into_iter().flatten();
            all.any(|promise| promise.stands() && promise.told_at.is_none())
        };
        Self {
            given: *given,
            memory: given.memory.clone(),
            machines: instances.iter().map(machine).collect(),
            ages: change::ages(given.policy),
            queue: (0..instances.len()).map(|n| Reverse((start, n))).collect(),
            by_turn: BTreeSet::new(),
            to_go: BTreeSet::new(),
            to_tell: BTreeSet::new(),
            undelivered: instances.iter().enumerate().filter(untold).map(|(n, _)| n).collect(),
            summary: Summary::of(given.inventory),
            tallies: given.policy.rules.rules.iter().map(tally).collect(),
            day: day_before(given.memory, start),
            free_at: start,
            ledger: Ledger::default(),
        }
    }

    /// When the last run ended.
    pub(super) fn free_at(&self) -> Timestamp {
        self.free_at
    }

    /// The run at `now`, while these rules rest.
    pub(super) fn run(&mut self, now: Timestamp, resting: HashSet<RuleName>) {
        self.free_at = now;
        self.forget_before(now);
        let accepted = guard::accepted(&self.memory);
        if accepted.is_ok() {
            self.judge_again(now, resting);
        }
        if let Some(pause) = self.memory.paused(now) {
            self.ledger.paused(now, pause);
        } else if let Err(refusal) = accepted.and_then(|()| self.guarded()) {
            self.ledger.refused(now, &refusal);
        } else {
            self.tell(now);
            self.terminate(now);
        }
        self.deliver(now);
        self.check_again(now);
    }

    /// Takes note of what the inventory check of the next run finds: whose protection vanished waited in the first run that saw it.
    fn check_again(&mut self, now: Timestamp) {
        let before = self.memory.inventory.clone();
        self.memory.inventory = before.clone().next();
        if before.unprotected.is_empty() || before.unprotected == self.memory.inventory.unprotected
        {
            return;
        }
        for n in 0..self.machines.len() {
            let id = self.machines.get(n).map(|machine| &machine.instance.id);
            if id.is_some_and(|id| before.unprotected.contains(id)) {
                self.after(n, now);
            }
        }
    }

    /// A termination counts until the end of its day: its call comes a moment after the run begins, and a run that begins a day
    /// later still counts it.
    fn forget_before(&mut self, now: Timestamp) {
        while self.day.front().is_some_and(|until| *until < now) {
            self.day.pop_front();
        }
        self.memory.terminated_in_a_day = self.day.len() as u64;
    }

    fn guarded(&self) -> Result<(), guard::Refusal> {
        let wanted = self.to_go.len() as u64;
        let sums = Sums { summary: self.summary, wanted, tallies: &self.tallies };
        guard::check_sums(&sums, &self.given.limits, &self.memory)
    }

    /// Judges what may be judged otherwise than in the run before, and withdraws the promises that stand no more.
    fn judge_again(&mut self, now: Timestamp, resting: HashSet<RuleName>) {
        let mut again = BTreeSet::new();
        while let Some(Reverse((at, n))) = self.queue.peek().copied() {
            if at > now {
                break;
            }
            self.queue.pop();
            let is_stale = self.machines.get(n).is_none_or(|one| one.next != Some(at));
            if !is_stale {
                again.insert(n);
            }
        }
        if resting != self.memory.resting {
            self.memory.resting = resting;
            again.extend(&self.by_turn);
        }
        for n in again {
            self.judge(n, now);
        }
    }

    fn judge(&mut self, n: usize, now: Timestamp) {
        self.put_down(n);
        let Some(machine) = self.machines.get_mut(n).filter(|machine| !machine.is_gone) else {
            return;
        };
        let instance = machine.instance;
        let Given { policy, .. } = self.given;
        let mut matched = Vec::new();
        let judgement =
            policy.judge_counting(instance, &self.memory, now, &mut |rule| matched.push(rule));
        let (bound, hold) = (self.memory.bound(instance), self.memory.hold(&instance.id, now));
        let change = change::of(policy, &self.ages, Known { instance, bound, hold, now });
        let why_broken = |promise: &Promise| judgement.breaks(promise, Subject::Instance(instance));
        let promised = self.memory.promises.get(&instance.id).into_iter().flatten();
        let broken: Vec<_> = promised
            .filter(|promise| promise.stands())
            .filter_map(|promise| Some((promise.rule.clone(), why_broken(promise)?)))
            .collect();
        machine.judged = Some(Judged { at: now, judgement, matched: matched.into() });
        self.take_up(n);
        if change.by_turn {
            self.by_turn.insert(n);
        }
        self.again_at(n, change.next);
        if !broken.is_empty() {
            self.memory.end_promises(&instance.id, |promise| why_broken(promise).is_some());
            self.after(n, now);
        }
        for (rule, why) in broken {
            self.ledger.note(now, What::Withdrawn { instance, rule, why });
        }
    }

    fn again_at(&mut self, n: usize, at: Option<Timestamp>) {
        let Some(machine) = self.machines.get_mut(n).filter(|machine| machine.next != at) else {
            return;
        };
        machine.next = at;
        self.queue.extend(at.map(|at| Reverse((at, n))));
    }

    /// Judges it in the next run, since what is remembered of it changed.
    fn after(&mut self, n: usize, now: Timestamp) {
        self.again_at(n, now.checked_add(SignedDuration::from_nanos(1)).ok());
    }

    /// Takes a judgement off the sums.
    fn put_down(&mut self, n: usize) {
        for set in [&mut self.by_turn, &mut self.to_go, &mut self.to_tell] {
            set.remove(&n);
        }
        self.weigh(n, u64::saturating_sub);
        if let Some(machine) = self.machines.get_mut(n) {
            machine.judged = None;
        }
    }

    /// Adds a judgement to the sums.
    fn take_up(&mut self, n: usize) {
        self.weigh(n, u64::saturating_add);
        let judged = self.machines.get(n).and_then(|machine| machine.judged.as_ref());
        match judged.map(|judged| judged.judgement.decision) {
            Some(Decision::Terminate) => self.to_go.insert(n),
            Some(Decision::Notice(Telling::ToTell)) => self.to_tell.insert(n),
            Some(
                Decision::Notice(Telling::Undelivered | Telling::Told)
                | Decision::Wait(_)
                | Decision::Skip(_)
                | Decision::Keep(_),
            )
            | None => false,
        };
    }

    fn weigh(&mut self, n: usize, change: fn(u64, u64) -> u64) {
        let Some(Machine { instance, judged: Some(judged), .. }) = self.machines.get(n) else {
            return;
        };
        let Judged { at: _, judgement, matched } = judged;
        let is_doomed = judgement.decision == Decision::Terminate;
        for rule in matched {
            let Some(tally) = self.tallies.get_mut(*rule) else { continue };
            let takes = is_doomed && judgement.rule.is_some_and(|own| own.name == tally.rule.name);
            tally.matches = change(tally.matches, 1);
            tally.live = change(tally.live, u64::from(instance.is_live()));
            tally.doomed = change(tally.doomed, u64::from(is_doomed));
            tally.takes = change(tally.takes, u64::from(takes));
        }
    }

    /// Tells the owners. The end that they are to expect moves on until they are told, so what was judged in an earlier run is
    /// judged afresh.
    fn tell(&mut self, now: Timestamp) {
        for n in std::mem::take(&mut self.to_tell) {
            let Some(Machine { instance, judged: Some(judged), .. }) = self.machines.get(n) else {
                continue;
            };
            let (instance, mut judgement) = (*instance, judged.judgement);
            if judged.at < now {
                judgement = self.given.policy.judge(instance, &self.memory, now);
            }
            let Some(rule) = judgement.rule else { continue };
            let terminate_at = whole_seconds(judgement.terminate_at.unwrap_or(Timestamp::MAX));
            let promise = Promise {
                key: String::new(),
                rule: rule.name.clone(),
                owner: Some(self.memory.owner(instance).unwrap_or_default().to_owned()),
                begun_at: now,
                told_at: Some(now),
                terminate_at,
                force: Force::Stands,
            };
            self.memory.begin_promise(&instance.id, promise);
            self.ledger.note(now, What::Noticed { instance, rule, terminate_at });
            self.after(n, now);
        }
    }

    fn terminate(&mut self, now: Timestamp) {
        let mut at = now;
        for n in std::mem::take(&mut self.to_go) {
            let Some(Machine { instance, judged: Some(judged), .. }) = self.machines.get(n) else {
                continue;
            };
            let (instance, Some(rule)) = (*instance, judged.judgement.rule) else { continue };
            let promise = rule.notice.and_then(|_| self.memory.promise(instance));
            let told_at = promise.and_then(|promise| promise.told_at);
            self.memory.promises.remove(&instance.id);
            self.ledger.note(at, What::Terminated { instance, rule, told_at });
            self.put_down(n);
            if let Some(machine) = self.machines.get_mut(n) {
                (machine.is_gone, machine.next) = (true, None);
            }
            self.summary =
                self.summary.without(Summary { live: 1, tags: instance.tags.len() as u64 });
            self.day.push_back(at.checked_add(guard::DAY).unwrap_or(Timestamp::MAX));
            self.free_at = at;
            at = at.checked_add(self.given.interval).unwrap_or(Timestamp::MAX);
        }
    }

    /// Notices that were under way arrive at the end of the first run.
    fn deliver(&mut self, now: Timestamp) {
        for n in std::mem::take(&mut self.undelivered) {
            let Some(machine) = self.machines.get(n) else { continue };
            self.memory.deliver_promises(&machine.instance.id, now);
            self.after(n, now);
        }
    }

    /// How many live machines are left, by decision and reason.
    pub(super) fn remaining(
        &mut self,
        until: Timestamp,
    ) -> BTreeMap<(&'static str, &'static str), usize> {
        let rules = &self.given.policy.rules.rules;
        let scheduled = rules.iter().filter(|rule| rule.schedule.is_some());
        self.memory.resting = scheduled.map(|rule| rule.name.clone()).collect();
        let mut remaining = BTreeMap::new();
        let left = self.machines.iter().filter(|one| !one.is_gone && one.instance.is_live());
        for machine in left {
            let judgement = self.given.policy.judge(machine.instance, &self.memory, until);
            let named = (judgement.decision.as_str(), judgement.decision.reason());
            *remaining.entry(named).or_default() += 1;
        }
        let unreadable = self.given.inventory.unreadable().len();
        if unreadable > 0 {
            let kept = Decision::Keep(Keep::Unreadable);
            remaining.insert((kept.as_str(), kept.reason()), unreadable);
        }
        remaining
    }
}
