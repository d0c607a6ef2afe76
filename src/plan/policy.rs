//! What instances are judged by, and the judging of one.

use jiff::Timestamp;

use super::{
    Judgement, Skip,
    eligibility::{self, Host},
    memory::{Hold, Memory},
    seen::Seen,
};
use crate::{
    inventory::Instance,
    rules::{Condition, RuleSet, Truth, Verdict},
};

/// What instances are judged by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The rules.
    pub rules: RuleSet,
    /// The machines that are never touched.
    pub protect: Condition,
    /// The machine that zenreaper runs on.
    pub host: Host,
}

impl Policy {
    /// Judges an instance at `now`.
    ///
    /// The first rule in order by which its termination time has come acts. A tag that means to say when and cannot be read keeps
    /// the machine, whatever another rule says.
    pub fn judge(&self, instance: &Instance, memory: &Memory, now: Timestamp) -> Judgement<'_> {
        self.judge_counting(instance, memory, now, &mut |_| {})
    }

    /// The same, which tells `matched` the numbers of the rules that match, due or not.
    pub(crate) fn judge_counting(
        &self,
        instance: &Instance,
        memory: &Memory,
        now: Timestamp,
        matched: &mut dyn FnMut(usize),
    ) -> Judgement<'_> {
        let mut seen = Seen::new(now, memory.bound(instance), &memory.resting);
        for (n, rule) in self.rules.rules.iter().enumerate() {
            let verdict = rule.evaluate(instance, now);
            if let Verdict::Matches(_) = verdict {
                matched(n);
            }
            seen.take(rule, &verdict);
        }
        let hold = memory.hold(&instance.id, now);
        let judgement = seen.judgement(hold, || self.eligible(instance, hold, now));
        judgement.unless_unprotected(memory.inventory.unprotected.contains(&instance.id))
    }

    /// Returns whether an instance is protected, or excluded from a rule that would take it.
    #[must_use]
    pub(crate) fn spares(&self, instance: &Instance, now: Timestamp) -> bool {
        self.protect.test(instance, now) != Truth::False
            || self.rules.rules.iter().any(|rule| rule.spares(instance, now))
    }

    /// Whether an instance may be touched at all, whatever is remembered of it.
    pub(crate) fn eligible_now(&self, instance: &Instance, now: Timestamp) -> Result<(), Skip> {
        eligibility::check(instance, &self.protect, &self.host, now)
    }

    /// Whether `instance` may be touched at all at `now`, or why not; `hold` is what keeps it then.
    pub fn eligible(
        &self,
        instance: &Instance,
        hold: Option<Hold>,
        now: Timestamp,
    ) -> Result<(), Skip> {
        self.eligible_now(instance, now)?;
        hold.map_or(Ok(()), |hold| Err(hold.kind.skip()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::{
            Status,
            tests::{instance, tags},
        },
        plan::tests::{RULES, policy},
    };

    /// Of a machine that was created at 2026-11-01T00:00:00Z, at `now`.
    fn check(own: &[(&str, &str)], now: &str, expected: &str) {
        check_edited(|subject| subject.tags = tags(own), now, expected);
    }

    fn check_edited(edit: impl FnOnce(&mut Instance), now: &str, expected: &str) {
        let mut subject = instance("i");
        edit(&mut subject);
        let policy = policy(RULES);
        let Judgement { decision, rule, due_at, .. } =
            policy.judge(&subject, &Memory::default(), now.parse().unwrap());
        let rule = rule.map_or("-", |rule| rule.name.as_str());
        let due = due_at.map_or("-".to_owned(), |at| at.strftime("%d %H:%M:%S").to_string());
        assert_eq!(format!("{} {} {rule} {due}", decision.as_str(), decision.reason()), expected);
    }

    #[test]
    fn the_first_rule_whose_time_has_come_acts() {
        check(&[("env", "dev")], "2026-11-03T23:59:59Z", "wait not_due short 04 00:00:00");
        check(&[("env", "dev")], "2026-11-04T00:00:00Z", "terminate due short 04 00:00:00");
        check(
            &[("env", "dev"), ("ttl", "24h")],
            "2026-11-03T00:00:00Z",
            "terminate due ttl 02 00:00:00",
        );
        check(
            &[("env", "dev"), ("ttl", "24h")],
            "2026-11-01T12:00:00Z",
            "wait not_due ttl 02 00:00:00",
        );
        check(
            &[("env", "dev"), ("ttl", "24h")],
            "2026-11-09T00:00:00Z",
            "terminate due short 04 00:00:00",
        );
        check(&[("env", "prod")], "2026-12-02T00:00:00Z", "terminate due old 01 00:00:00");
    }

    #[test]
    fn what_no_rule_takes_is_kept_with_the_reason() {
        check(&[], "2026-12-31T00:00:00Z", "keep no_rule - -");
        check(
            &[("env", "dev"), ("keep", "")],
            "2026-11-05T00:00:00Z",
            "wait not_due old 01 00:00:00",
        );
        check(&[("ttl", "never")], "2026-12-31T00:00:00Z", "keep never ttl -");
        check_edited(
            |subject| subject.zone = None,
            "2026-12-31T00:00:00Z",
            "keep unknown_zone zone -",
        );
        let unborn = |subject: &mut Instance| {
            (subject.created, subject.tags) = (None, tags(&[("env", "dev")]));
        };
        check_edited(unborn, "2026-12-31T00:00:00Z", "keep unknown_create_time short -");
    }

    #[test]
    fn an_expiry_that_cannot_be_read_keeps_the_machine_whatever_other_rules_say() {
        let own = [("env", "dev"), ("ttl", "3 dayz")];
        check(&own, "2026-12-31T00:00:00Z", "skip unreadable_expiry ttl -");
    }

    #[test]
    fn a_machine_that_is_due_and_not_eligible_is_skipped() {
        let recycled = |subject: &mut Instance| {
            (subject.status, subject.tags) = (Some(Status::Recycle), tags(&[("env", "dev")]));
        };
        check_edited(recycled, "2026-12-31T00:00:00Z", "skip recycled short 04 00:00:00");
    }
}
