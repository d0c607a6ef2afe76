//! When a machine could be judged otherwise, if nothing but time goes on.
//!
//! An instant too many costs one more judgement, one too few makes a forecast wrong: so whatever may matter is taken.

use jiff::{SignedDuration, Timestamp};

use crate::{
    inventory::Instance,
    plan::{Bound, Policy, memory::Hold},
    rules::{AgeTest, Due, NoticePeriod, Rule, Verdict},
};

const MOMENT: SignedDuration = SignedDuration::from_nanos(1);

/// What may change the judgement of a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// Time alone, not before this instant; `None`: never.
    pub(super) next: Option<Timestamp>,
    /// Whose turn it is, too.
    pub(super) by_turn: bool,
}

/// The comparisons of ages that stand anywhere in a policy.
pub(super) fn ages(policy: &Policy) -> Vec<AgeTest> {
    let mut ages = Vec::new();
    policy.protect.collect_ages(&mut ages);
    for rule in &policy.rules.rules {
        rule.matches.collect_ages(&mut ages);
        rule.unless.collect_ages(&mut ages);
    }
    ages
}

/// What is known of a machine at `now`.
#[derive(Clone, Copy)]
pub(super) struct Known<'m> {
    pub(super) instance: &'m Instance,
    pub(super) bound: Bound<'m>,
    pub(super) hold: Option<Hold>,
    pub(super) now: Timestamp,
}

/// What may change the judgement of an instance. One that may not be touched, and of which nobody was told, is of no
/// consequence until that changes.
pub(super) fn of(policy: &Policy, ages: &[AgeTest], known: Known<'_>) -> Change {
    let Known { instance, bound, hold, now } = known;
    let mut later = Later { now, next: None };
    for age in ages {
        later.may(instance.created.and_then(|created| age.changes_at(created)));
    }
    later.may(hold.map(|hold| hold.until));
    if bound.standing().is_none() && policy.eligible(instance, hold, now).is_err() {
        return Change { next: later.next, by_turn: false };
    }
    let mut rules = Rules { later, bound, fixed: Vec::new(), moving: Vec::new(), ripe: false };
    for rule in &policy.rules.rules {
        match rule.evaluate(instance, now) {
            Verdict::Matches(Due::At(at)) => rules.matches(rule, at),
            Verdict::Matches(Due::AtOnce) => rules.matches(rule, now),
            Verdict::Matches(Due::Never | Due::Unknown(_) | Due::Unreadable)
            | Verdict::NoMatch
            | Verdict::Excepted
            | Verdict::Unknown(_) => {}
        }
    }
    rules.change()
}

/// The next instant of those that were named.
struct Later {
    now: Timestamp,
    next: Option<Timestamp>,
}

impl Later {
    fn may(&mut self, at: Option<Timestamp>) {
        let at = at.filter(|at| *at > self.now);
        self.next = self.next.into_iter().chain(at).min();
    }

    /// When what lies `length` ahead reaches `at`, and when it is beyond.
    fn reaches(&mut self, at: Timestamp, length: SignedDuration) {
        let reached = at.checked_sub(length).ok();
        self.may(reached);
        self.may(reached.and_then(|at| at.checked_add(MOMENT).ok()));
    }
}

/// What the rules say that take the machine sooner or later.
struct Rules<'m> {
    later: Later,
    bound: Bound<'m>,
    /// The times of termination that stand still.
    fixed: Vec<Timestamp>,
    /// How far ahead those lie that move on with time, since nobody is told yet.
    moving: Vec<SignedDuration>,
    /// Whether one acts as soon as it has its turn.
    ripe: bool,
}

impl Rules<'_> {
    fn matches(&mut self, rule: &Rule, due_at: Timestamp) {
        self.later.may(Some(due_at));
        match rule.notice {
            Some(notice) => self.after_notice(rule, due_at, notice),
            None => self.stands(rule, self.bound.not_before(due_at)),
        }
    }

    fn after_notice(&mut self, rule: &Rule, due_at: Timestamp, notice: NoticePeriod) {
        let length = notice.length;
        let later = |at: Timestamp| at.checked_add(length).unwrap_or(Timestamp::MAX);
        let since = self.bound.counts_since(notice.delivery);
        self.later.reaches(due_at, length);
        let earliest = self.bound.not_before(due_at);
        let moves_to = later(self.later.now);
        match since {
            Some(since) => self.stands(rule, earliest.max(later(since))),
            None if moves_to < earliest => {
                self.later.reaches(earliest, length);
                self.stands(rule, earliest);
            }
            None => self.moves(rule, moves_to, length),
        }
    }

    fn stands(&mut self, rule: &Rule, at: Timestamp) {
        self.later.may(Some(at));
        let now = self.later.now;
        self.ripe |= at <= now;
        let Some(schedule) = &rule.schedule else { return self.fixed.push(at) };
        let fires = if at <= now { schedule.next_after(now) } else { schedule.first_from(at) };
        self.later.may(fires);
        self.fixed.extend(fires);
    }

    fn moves(&mut self, rule: &Rule, to: Timestamp, length: SignedDuration) {
        let Some(schedule) = &rule.schedule else { return self.moving.push(length) };
        if let Some(fires) = schedule.first_from(to) {
            self.later.reaches(fires, length);
            self.fixed.push(fires);
        }
    }

    fn change(mut self) -> Change {
        for length in &self.moving {
            for at in &self.fixed {
                self.later.reaches(*at, *length);
            }
        }
        Change { next: self.later.next, by_turn: self.ripe }
    }
}
