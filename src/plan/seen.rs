//! What the rules said of one instance, and the one judgement that it comes to.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    Decision, Delay, Judgement, Keep, Skip, Telling,
    memory::{Hold, Memory},
    promise::Bound,
};
use crate::{
    inventory::Instance,
    rules::{Due, Field, NoticePeriod, Rule, RuleName, Verdict},
};

/// What one rule comes to for an instance that it takes, as if it were the only rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Course {
    /// When the instance was or will be due.
    pub due_at: Timestamp,
    /// When it goes, at the earliest.
    pub terminate_at: Timestamp,
    /// How far the telling of its owner is, if the time for that has come.
    pub telling: Option<Telling>,
}

impl Course {
    /// What `rule` comes to for `instance` at `now`; `None` if the rule does not take it, or does not say when.
    #[must_use]
    pub fn of(rule: &Rule, instance: &Instance, memory: &Memory, now: Timestamp) -> Option<Self> {
        let due_at = match rule.evaluate(instance, now) {
            Verdict::Matches(Due::AtOnce) => now,
            Verdict::Matches(Due::At(at)) => at,
            Verdict::Matches(Due::Never | Due::Unknown(_) | Due::Unreadable)
            | Verdict::NoMatch
            | Verdict::Excepted
            | Verdict::Unknown(_) => return None,
        };
        let seen = Seen::new(now, memory.bound(instance), &memory.resting);
        let Match { rule: _, due_at, terminate_at, telling } = seen.course(rule, due_at);
        Some(Self { due_at, terminate_at, telling })
    }
}

/// What the rules said so far, the first of each kind, but the earliest of those to come.
pub(super) struct Seen<'r, 'm> {
    now: Timestamp,
    bound: Bound<'m>,
    resting: &'m HashSet<RuleName>,
    unreadable: Option<&'r Rule>,
    due: Option<Match<'r>>,
    to_come: Option<Match<'r>>,
    unknown: Option<(&'r Rule, Field)>,
    never: Option<&'r Rule>,
    excepted: Option<&'r Rule>,
}

/// A rule that takes the instance sooner or later.
#[derive(Clone, Copy)]
struct Match<'r> {
    rule: &'r Rule,
    due_at: Timestamp,
    terminate_at: Timestamp,
    /// How far the telling is, if the owner is to be told and the time for that has come.
    telling: Option<Telling>,
}

impl<'r, 'm> Seen<'r, 'm> {
    /// Nothing so far, of an instance that is bound by these promises, while these rules rest.
    pub(super) fn new(now: Timestamp, bound: Bound<'m>, resting: &'m HashSet<RuleName>) -> Self {
        Self {
            now,
            bound,
            resting,
            unreadable: None,
            due: None,
            to_come: None,
            unknown: None,
            never: None,
            excepted: None,
        }
    }

    /// Takes the next rule's verdict.
    pub(super) fn take(&mut self, rule: &'r Rule, verdict: &Verdict) {
        match *verdict {
            Verdict::NoMatch => {}
            Verdict::Excepted => self.excepted = self.excepted.or(Some(rule)),
            Verdict::Unknown(field) | Verdict::Matches(Due::Unknown(field)) => {
                self.unknown = self.unknown.or(Some((rule, field)));
            }
            Verdict::Matches(Due::Never) => self.never = self.never.or(Some(rule)),
            Verdict::Matches(Due::Unreadable) => self.unreadable = self.unreadable.or(Some(rule)),
            Verdict::Matches(Due::AtOnce) => self.matches(rule, self.now),
            Verdict::Matches(Due::At(at)) => self.matches(rule, at),
        }
    }

    fn matches(&mut self, rule: &'r Rule, due_at: Timestamp) {
        let own = self.course(rule, due_at);
        if own.terminate_at <= self.now && self.has_turn(rule) {
            self.due = self.due.or(Some(own));
        } else if self.to_come.is_none_or(|other| own.terminate_at < other.terminate_at) {
            self.to_come = Some(own);
        }
    }

    /// What comes of a rule that takes the instance.
    fn course(&self, rule: &'r Rule, due_at: Timestamp) -> Match<'r> {
        let own = match rule.notice {
            Some(notice) => self.after_notice(rule, due_at, notice),
            // What an owner was promised under any rule binds one without `notice` too.
            None => Match {
                rule,
                due_at,
                terminate_at: self.bound.not_before(due_at),
                telling: self.bound.telling(due_at),
            },
        };
        own.on_schedule(self.now, self.has_turn(rule).then_some(self.now))
    }

    fn has_turn(&self, rule: &Rule) -> bool {
        self.resting.is_empty() || !self.resting.contains(&rule.name)
    }

    /// Returns when a rule with `notice` terminates: never before the time that any notice named, and never before the present
    /// owner has had notice for the rule's own period.
    fn after_notice(&self, rule: &'r Rule, due_at: Timestamp, notice: NoticePeriod) -> Match<'r> {
        let later = |at: Timestamp| at.checked_add(notice.length).unwrap_or(Timestamp::MAX);
        let since = self.bound.counts_since(notice.delivery);
        let terminate_at = self.bound.not_before(due_at).max(later(since.unwrap_or(self.now)));
        // An owner who was promised this time, or a later one, stays notified when the period becomes shorter.
        let is_time = later(self.now) >= due_at || self.bound.covers(due_at);
        let telling = match (self.bound.to_owner(), since) {
            (_, Some(_)) => Telling::Told,
            (Some(_), None) => Telling::Undelivered,
            (None, None) => Telling::ToTell,
        };
        Match { rule, due_at, terminate_at, telling: is_time.then_some(telling) }
    }

    /// The judgement; `eligible` says whether the instance may be touched at all.
    pub(super) fn judgement(
        self,
        hold: Option<Hold>,
        eligible: impl Fn() -> Result<(), Skip>,
    ) -> Judgement<'r> {
        if self.unreadable.is_some() {
            let decision = Decision::Skip(Skip::UnreadableExpiry);
            return Judgement::without_time(decision, self.unreadable);
        }
        if let Some(own) = self.due {
            let decision = eligible().map_or_else(Decision::Skip, |()| Decision::Terminate);
            return own.judged(decision, hold);
        }
        if let Some(own) = self.to_come {
            return own.judged(own.before_its_time(self.now, eligible), hold);
        }
        self.kept()
    }

    fn kept(self) -> Judgement<'r> {
        if let Some((rule, field)) = self.unknown {
            return Judgement::keep(Keep::Unknown(field), Some(rule));
        }
        match (self.never, self.excepted) {
            (Some(_), _) => Judgement::keep(Keep::Never, self.never),
            (None, Some(_)) => Judgement::keep(Keep::Excepted, self.excepted),
            (None, None) => Judgement::keep(Keep::NoRule, None),
        }
    }
}

impl<'r> Match<'r> {
    /// The same, to be terminated when the rule's own schedule says so; at once if it does so `now`.
    fn on_schedule(self, now: Timestamp, turn: Option<Timestamp>) -> Self {
        let Some(schedule) = &self.rule.schedule else { return self };
        let terminate_at = match (self.terminate_at <= now, turn) {
            (true, Some(_)) => Some(self.terminate_at),
            (true, None) => schedule.next_after(now),
            (false, _) => schedule.first_from(self.terminate_at),
        };
        Self { terminate_at: terminate_at.unwrap_or(Timestamp::MAX), ..self }
    }

    /// What is to happen before the time of termination has come: nobody is told of what cannot be done.
    fn before_its_time(&self, now: Timestamp, eligible: impl Fn() -> Result<(), Skip>) -> Decision {
        let is_due = self.due_at <= now;
        if self.telling.is_none() && !is_due {
            return Decision::Wait(Delay::NotDue);
        }
        match (eligible(), self.telling) {
            (Ok(()), Some(telling)) => Decision::Notice(telling),
            (Ok(()), None) => Decision::Wait(Delay::OffSchedule),
            (Err(skip), _) if is_due => Decision::Skip(skip),
            (Err(_), _) => Decision::Wait(Delay::NotDue),
        }
    }

    fn judged(self, decision: Decision, hold: Option<Hold>) -> Judgement<'r> {
        let Self { rule, due_at, terminate_at, telling: _ } = self;
        let terminate_at = match decision {
            Decision::Terminate | Decision::Notice(_) | Decision::Wait(_) => Some(terminate_at),
            Decision::Skip(_) | Decision::Keep(_) => None,
        };
        let by_hold = |hold: &Hold| decision == Decision::Skip(hold.kind.skip());
        let held_until = hold.filter(by_hold).map(|hold| hold.until);
        Judgement { decision, rule: Some(rule), due_at: Some(due_at), terminate_at, held_until }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        inventory::{Instance, Status, tests::instance},
        plan::{
            Turn,
            memory::{Force, HoldKind, Memory, Promise},
            tests::policy,
        },
        rules::RuleName,
    };

    const RULES: &str = "
rules:
  - { name: told, match: { zone: HKG-A }, expire: { after: 72h }, notice: 24h }
  - { name: lax, match: { zone: SEL-A }, expire: { after: 72h }, notice: 24h, notice_required: false }
  - { name: at-once, match: { zone: TYO-A }, notice: 24h }
  - { name: mute, match: { zone: FRA-A }, expire: { after: 72h } }
";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn promise(rule: &str, begun: &str, told: Option<&str>) -> Promise {
        let begun_at = at(begun);
        Promise {
            key: String::new(),
            rule: RuleName::new(rule).unwrap(),
            owner: Some(String::new()),
            begun_at,
            told_at: told.map(at),
            terminate_at: begun_at + SignedDuration::from_hours(24),
            force: Force::Stands,
        }
    }

    /// Of a machine that was created at 2026-11-01T00:00:00Z, at `now`.
    fn check(zone: &str, promise: Option<Promise>, now: &str, expected: &str) {
        check_edited(|one| one.zone = Some(zone.into()), promise, now, expected);
    }

    fn check_edited(
        edit: impl FnOnce(&mut Instance),
        promise: Option<Promise>,
        now: &str,
        expected: &str,
    ) {
        let mut subject = instance("i");
        edit(&mut subject);
        let mut memory = Memory::default();
        memory.promises.extend(promise.map(|promise| (subject.id.clone(), vec![promise])));
        let policy = policy(RULES);
        let judgement = policy.judge(&subject, &memory, at(now));
        let when = judgement.terminate_at;
        let when = when.map_or("-".to_owned(), |at| at.strftime("%d %H:%M").to_string());
        let decision = judgement.decision;
        assert_eq!(format!("{} {} {when}", decision.as_str(), decision.reason()), expected);
    }

    #[test]
    fn the_owner_is_told_so_long_before_the_machine_is_due() {
        check("HKG-A", None, "2026-11-02T23:59:59Z", "wait not_due 04 00:00");
        check("HKG-A", None, "2026-11-03T00:00:00Z", "notice to_tell 04 00:00");
        check("HKG-A", None, "2026-11-03T12:00:00Z", "notice to_tell 04 12:00");
        check("HKG-A", None, "2026-12-01T00:00:00Z", "notice to_tell 02 00:00");
        check("TYO-A", None, "2026-12-01T00:00:00Z", "notice to_tell 02 00:00");
    }

    #[test]
    fn a_machine_goes_no_sooner_than_so_long_after_its_owner_was_told() {
        let told = |told| Some(promise("told", "2026-11-10T00:00:00Z", told));
        let late = Some("2026-11-11T00:00:00Z");
        check("HKG-A", told(None), "2026-11-10T12:00:00Z", "notice undelivered 11 12:00");
        check("HKG-A", told(None), "2026-12-10T12:00:00Z", "notice undelivered 11 12:00");
        check("HKG-A", told(late), "2026-11-11T23:59:59Z", "notice told 12 00:00");
        check("HKG-A", told(late), "2026-11-12T00:00:00Z", "terminate due 12 00:00");
        let other = Some(promise("other", "2026-11-10T00:00:00Z", late));
        check("HKG-A", other.clone(), "2026-11-11T23:59:59Z", "notice told 12 00:00");
        check("HKG-A", other, "2026-11-12T00:00:00Z", "terminate due 12 00:00");
    }

    #[test]
    fn a_machine_that_was_given_more_time_is_not_waiting_any_more() {
        let told = promise("told", "2026-11-01T00:00:00Z", Some("2026-11-01T00:00:00Z"));
        check("HKG-A", Some(told), "2026-11-02T00:00:00Z", "wait not_due 04 00:00");
    }

    #[test]
    fn a_rule_that_does_not_require_the_notice_counts_from_its_writing() {
        let begun = Some(promise("lax", "2026-11-10T00:00:00Z", None));
        check("SEL-A", begun.clone(), "2026-11-10T23:59:59Z", "notice told 11 00:00");
        check("SEL-A", begun, "2026-11-11T00:00:00Z", "terminate due 11 00:00");
        check("SEL-A", None, "2026-12-10T00:00:00Z", "notice to_tell 11 00:00");
    }

    #[test]
    fn what_was_promised_stands_also_when_its_rule_tells_nobody_any_more() {
        let told = |begun| Some(promise("mute", begun, Some(begun)));
        let late = "2026-11-10T00:00:00Z";
        check("FRA-A", None, "2026-11-10T12:00:00Z", "terminate due 04 00:00");
        check("FRA-A", told(late), "2026-11-10T23:59:59Z", "notice told 11 00:00");
        check("FRA-A", told(late), "2026-11-11T00:00:00Z", "terminate due 11 00:00");
        let untold = Some(promise("mute", late, None));
        check("FRA-A", untold, "2026-11-10T12:00:00Z", "notice undelivered 11 00:00");
        let early = told("2026-11-01T00:00:00Z");
        check("FRA-A", early, "2026-11-03T00:00:00Z", "wait not_due 04 00:00");
    }

    #[test]
    fn what_was_promised_of_an_earlier_machine_of_the_same_id_is_nothing_to_this_one() {
        let told = |begun| Some(promise("at-once", begun, Some(begun)));
        let now = "2026-11-10T00:00:00Z";
        check("TYO-A", told("2026-10-31T23:59:59Z"), now, "notice to_tell 11 00:00");
        check("TYO-A", told("2026-11-01T00:00:00Z"), now, "terminate due 10 00:00");
    }

    #[test]
    fn nobody_is_told_of_a_machine_that_cannot_be_terminated() {
        let installing = |one: &mut Instance| one.status = Some(Status::Installing);
        check_edited(installing, None, "2026-11-03T12:00:00Z", "wait not_due 04 12:00");
        let installing = |one: &mut Instance| one.status = Some(Status::Installing);
        check_edited(installing, None, "2026-11-05T12:00:00Z", "skip installing -");
    }

    #[test]
    fn a_hold_keeps_a_machine_until_its_end() {
        let policy = policy("rules: [{ name: all, match: everything }]");
        let subject = instance("i");
        for kind in HoldKind::ALL {
            let mut memory = Memory::default();
            let until = at("2026-11-10T00:00:00Z");
            memory.holds.insert(subject.id.clone(), Hold { kind, until });
            let held = policy.judge(&subject, &memory, at("2026-11-09T23:59:59Z"));
            assert_eq!((held.decision.reason(), held.held_until), (kind.as_str(), Some(until)));
            let free = policy.judge(&subject, &memory, until);
            assert_eq!((free.decision, free.held_until), (Decision::Terminate, None));
        }
    }

    const SCHEDULED: &str = "
rules:
  - { name: nightly, match: { zone: HKG-A }, expire: { after: 72h }, schedule: '0 22 * * *' }
  - { name: told, match: { zone: SEL-A }, expire: { after: 72h }, schedule: '0 22 * * *', notice: 24h }
";

    /// Of a machine that was created at 2026-11-01T00:00:00Z, when the last run began then.
    fn check_scheduled(zone: &str, last_run: &str, now: &str, expected: &str) {
        let mut subject = instance("i");
        subject.zone = Some(zone.into());
        if zone == "locked" {
            (subject.zone, subject.status) = (Some("HKG-A".into()), Some(Status::Installing));
        }
        let policy = policy(SCHEDULED);
        let memory = Memory { last_run_at: Some(at(last_run)), ..Memory::default() };
        let memory = memory.at_turn(&Turn::Asked, &policy.rules, at(now));
        let judgement = policy.judge(&subject, &memory, at(now));
        let when = judgement.terminate_at;
        let when = when.map_or("-".to_owned(), |at| at.strftime("%d %H:%M").to_string());
        let decision = judgement.decision;
        assert_eq!(format!("{} {} {when}", decision.as_str(), decision.reason()), expected);
    }

    #[test]
    fn a_rule_with_a_schedule_acts_only_in_its_turn() {
        let (before, after) = ("2026-11-04T21:45:00Z", "2026-11-04T22:00:00Z");
        check_scheduled("HKG-A", before, "2026-11-03T23:00:00Z", "wait not_due 04 22:00");
        check_scheduled("HKG-A", before, "2026-11-04T21:59:59Z", "wait off_schedule 04 22:00");
        check_scheduled("HKG-A", before, "2026-11-04T22:00:00Z", "terminate due 04 00:00");
        check_scheduled("HKG-A", after, "2026-11-04T22:15:00Z", "wait off_schedule 05 22:00");
        check_scheduled("locked", after, "2026-11-04T22:15:00Z", "skip installing -");
    }

    #[test]
    fn an_owner_is_told_in_any_run_and_promised_the_turn_that_comes_after() {
        let last = "2026-11-04T21:45:00Z";
        check_scheduled("SEL-A", last, "2026-11-03T09:00:00Z", "notice to_tell 04 22:00");
        check_scheduled("SEL-A", last, "2026-11-04T23:00:00Z", "notice to_tell 06 22:00");
    }

    proptest! {
        #[test]
        fn no_machine_goes_sooner_than_promised(
            life_minutes in 1i64..10_000,
            notice_minutes in 1i64..10_000,
            told in proptest::option::of(0i64..30_000),
            promised in 0i64..30_000,
            now in 0i64..60_000,
        ) {
            let policy = policy(&format!(
                "rules: [{{ name: r, match: everything, expire: {{ after: {life_minutes}m }}, notice: {notice_minutes}m }}]"
            ));
            let subject = instance("i");
            let start = subject.created.unwrap();
            let minute = |n: i64| start + SignedDuration::from_mins(n);
            let promise = Promise {
                key: String::new(),
                rule: RuleName::new("r").unwrap(),
                owner: Some(String::new()),
                begun_at: start,
                told_at: told.map(minute),
                terminate_at: minute(promised),
                force: Force::Stands,
            };
            let mut memory = Memory::default();
            memory.promises.insert(subject.id.clone(), vec![promise]);
            let judged = policy.judge(&subject, &memory, minute(now));
            let earliest = told.map(|told| (told + notice_minutes).max(life_minutes).max(promised));
            prop_assert_eq!(judged.decision == Decision::Terminate, earliest.is_some_and(|at| now >= at));
        }
    }
}
