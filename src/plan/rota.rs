//! Whose turn is next: the rules that go by the config's schedule, and those that have one of their own.
//!
//! Pure: the daemon owns the clock, and a forecast has one of its own.

use jiff::Timestamp;

use super::Turn;
use crate::{
    rules::{RuleName, RuleSet},
    schedule::{Agenda, Schedule},
};

/// The agendas of all rules.
pub(crate) struct Rota {
    /// Of the rules without a schedule of their own.
    common: Agenda,
    /// Those rules.
    without: Vec<RuleName>,
    /// Of each of the others.
    own: Vec<(RuleName, Agenda)>,
    /// Which of the agendas were due when it was last asked: `common`, then `own` in its order.
    due: Vec<bool>,
}

impl Rota {
    /// The rota from `now` on.
    pub(crate) fn new(schedule: &Schedule, rules: &RuleSet, now: Timestamp) -> Self {
        let (mut without, mut own) = (Vec::new(), Vec::new());
        for rule in &rules.rules {
            match &rule.schedule {
                None => without.push(rule.name.clone()),
                Some(schedule) => {
                    own.push((rule.name.clone(), Agenda::new(schedule.clone(), now)));
                }
            }
        }
        Self { common: Agenda::new(schedule.clone(), now), without, own, due: Vec::new() }
    }

    fn agendas(&mut self) -> impl Iterator<Item = &mut Agenda> {
        [&mut self.common].into_iter().chain(self.own.iter_mut().map(|(_, agenda)| agenda))
    }

    /// When the next run is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let own = self.own.iter().filter_map(|(_, agenda)| agenda.next());
        own.chain(self.common.next()).min()
    }

    /// When the `nth` run after an instant is due, from 1.
    pub(crate) fn nth_after(&self, since: Timestamp, nth: usize) -> Option<Timestamp> {
        let agendas = || [&self.common].into_iter().chain(self.own.iter().map(|(_, own)| own));
        let next = |at: &Timestamp| agendas().filter_map(|one| one.next_after(*at)).min();
        std::iter::successors(Some(since), next).nth(nth)
    }

    /// Whose turn it is at `now`, if it is anybody's.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Option<Turn> {
        self.due = self.agendas().map(|agenda| agenda.is_due(now)).collect();
        let (common, own) = self.due.split_first()?;
        if !common && !own.contains(&true) {
            return None;
        }
        let resting = self.own.iter().zip(own).filter(|(_, is_due)| !**is_due);
        let resting = resting.map(|((name, _), _)| name.clone());
        let without = if *common { &[] } else { &self.without[..] };
        Some(Turn::AllBut(resting.chain(without.iter().cloned()).collect()))
    }

    /// The run of that turn ended at `now`. What became due in the meantime still is.
    pub(crate) fn done(&mut self, now: Timestamp) {
        let due = std::mem::take(&mut self.due);
        for (agenda, _) in self.agendas().zip(due).filter(|(_, was_due)| *was_due) {
            agenda.done(now);
        }
    }

    /// Other schedules from `now` on; what was due under the old ones is due all the same.
    pub(crate) fn reschedule(&mut self, schedule: &Schedule, rules: &RuleSet, now: Timestamp) {
        let before = std::mem::replace(self, Self::new(schedule, rules, now));
        self.common = before.common;
        self.common.reschedule(schedule.clone(), now);
        for (name, mut agenda) in before.own {
            let rule = rules.rules.iter().find(|rule| rule.name == name);
            let schedule = rule.and_then(|rule| rule.schedule.clone());
            let slot = self.own.iter_mut().find(|(own, _)| *own == name);
            if let (Some(schedule), Some((_, slot))) = (schedule, slot) {
                agenda.reschedule(schedule, now);
                *slot = agenda;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::{plan::tests::policy, rules::RuleName};

    const RULES: &str = "
rules:
  - { name: always, match: { zone: A } }
  - { name: nightly, match: { zone: A }, schedule: '0 22 * * *' }
";

    fn at(text: &str) -> Timestamp {
        format!("2026-11-24T{text}Z").parse().unwrap()
    }

    fn rota(now: &str) -> Rota {
        let schedule = Schedule::parse("*/30 * * * *", TimeZone::UTC, at(now)).unwrap();
        Rota::new(&schedule, &policy(RULES).rules, at(now))
    }

    /// Who rests at the turn of `now`, or "-" if it is nobody's turn.
    fn resting(rota: &mut Rota, now: &str) -> String {
        match rota.turn(at(now)) {
            None => "-".into(),
            Some(Turn::Asked) => "asked".into(),
            Some(Turn::AllBut(names)) => {
                let names: HashSet<_> = names.iter().map(RuleName::as_str).collect();
                let mut names: Vec<_> = names.into_iter().collect();
                names.sort_unstable();
                names.join(" ")
            }
        }
    }

    #[test]
    fn each_rule_has_its_turn_by_its_own_schedule() {
        let mut rota = rota("21:05:00");
        assert_eq!(rota.next(), Some(at("21:30:00")));
        assert_eq!(resting(&mut rota, "21:29:59"), "-");
        assert_eq!(resting(&mut rota, "21:30:00"), "nightly");
        rota.done(at("21:31:00"));
        assert_eq!(resting(&mut rota, "22:00:00"), "");
        rota.done(at("22:00:10"));
        assert_eq!(rota.next(), Some(at("22:30:00")));
    }

    #[test]
    fn runs_are_counted_over_all_schedules() {
        let schedule = Schedule::parse("*/30 * * * *", TimeZone::UTC, at("21:05:00")).unwrap();
        let rules =
            policy("rules: [{ name: odd, match: { zone: A }, schedule: '50 * * * *' }]").rules;
        let rota = Rota::new(&schedule, &rules, at("21:05:00"));
        for (nth, due) in [(1, "21:30:00"), (2, "21:50:00"), (3, "22:00:00")] {
            assert_eq!(rota.nth_after(at("21:00:00"), nth), Some(at(due)), "{nth}");
        }
    }

    #[test]
    fn the_common_schedule_gives_no_turn_to_others_and_takes_none() {
        let now = at("21:05:00");
        let schedule = Schedule::parse("0 6 * * *", TimeZone::UTC, now).unwrap();
        let mut rota = Rota::new(&schedule, &policy(RULES).rules, now);
        assert_eq!(resting(&mut rota, "22:00:00"), "always");
        rota.done(at("22:00:10"));
        assert_eq!(resting(&mut rota, "22:00:11"), "-");
    }

    #[test]
    fn what_becomes_due_during_a_run_has_its_turn_after_it() {
        let mut rota = rota("21:05:00");
        assert_eq!(resting(&mut rota, "21:30:00"), "nightly");
        rota.done(at("22:10:00"));
        assert_eq!(resting(&mut rota, "22:10:01"), "always");
    }

    #[test]
    fn a_reload_loses_no_turn_and_forgets_rules_that_are_gone() {
        let mut rota = rota("21:05:00");
        let schedule = Schedule::parse("0 6 * * *", TimeZone::UTC, at("22:00:00")).unwrap();
        rota.reschedule(&schedule, &policy(RULES).rules, at("22:00:00"));
        assert_eq!(resting(&mut rota, "22:00:01"), "");
        rota.done(at("22:00:02"));
        let fewer = policy("rules: [{ name: always, match: { zone: A } }]").rules;
        rota.reschedule(&schedule, &fewer, at("22:00:03"));
        assert_eq!(rota.next().unwrap().to_string(), "2026-11-25T06:00:00Z");
    }
}
