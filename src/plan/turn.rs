//! Which rules have their turn in a run: one with a schedule of its own goes by that, all others by the config's.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::rules::{RuleName, RuleSet};

/// Which rules have their turn.
#[derive(Clone, Debug)]
pub enum Turn {
    /// In a run that somebody asks for: those without a schedule of their own, and those whose schedule fired since the last run.
    Asked,
    /// In a run of the service, which knows what is due: all but these.
    AllBut(HashSet<RuleName>),
}

impl Turn {
    /// The rules whose turn it is not at `now`, when the last run began then. Without a last run no schedule is known to have fired.
    #[must_use]
    pub fn resting(
        &self,
        rules: &RuleSet,
        last_run_at: Option<Timestamp>,
        now: Timestamp,
    ) -> HashSet<RuleName> {
        match self {
            Self::AllBut(resting) => resting.clone(),
            Self::Asked => {
                let scheduled =
                    rules.rules.iter().filter_map(|rule| Some((rule, rule.schedule.as_ref()?)));
                let resting = scheduled.filter(|(_, schedule)| {
                    !last_run_at.is_some_and(|last| schedule.fires_within(last, now))
                });
                resting.map(|(rule, _)| rule.name.clone()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::policy;

    fn check(last_run: Option<&str>, now: &str, expected: &[&str]) {
        let rules = policy(
            "rules:\n  - { name: always, match: { zone: A } }\n  - { name: nightly, match: { zone: A }, schedule: '0 22 * * *', timezone: Asia/Shanghai }",
        )
        .rules;
        let last_run = last_run.map(|at| at.parse().unwrap());
        let resting = Turn::Asked.resting(&rules, last_run, now.parse().unwrap());
        let resting: Vec<_> = resting.iter().map(RuleName::as_str).collect();
        assert_eq!(resting, expected, "{last_run:?} {now}");
    }

    #[test]
    fn a_rule_with_a_schedule_has_its_turn_once_that_fired_since_the_last_run() {
        check(Some("2026-11-24T13:45:00Z"), "2026-11-24T13:59:59Z", &["nightly"]);
        check(Some("2026-11-24T13:45:00Z"), "2026-11-24T14:00:00Z", &[]);
        check(Some("2026-11-24T14:00:00Z"), "2026-11-24T14:15:00Z", &["nightly"]);
        check(Some("2026-11-20T00:00:00Z"), "2026-11-24T09:00:00Z", &[]);
        check(None, "2026-11-24T14:00:00Z", &["nightly"]);
    }

    #[test]
    fn the_service_says_itself_who_rests() {
        let rules = policy("rules: [{ name: always, match: { zone: A } }]").rules;
        let name = rules.rules[0].name.clone();
        let turn = Turn::AllBut([name.clone()].into());
        assert_eq!(turn.resting(&rules, None, Timestamp::UNIX_EPOCH), [name].into());
    }
}
