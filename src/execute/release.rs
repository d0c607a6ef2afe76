//! Release, for rules that say so: what such a rule put into the recycle bin is destroyed for good.
//!
//! It comes last in a run, and takes what this run terminated and what earlier ones did, as soon as the cloud shows it in the recycle
//! bin. Each machine is read again and must still be what the rule takes: a tag that spares it, a hold, a pause or a config that
//! does not allow releases any more leaves it in the bin, where it can be taken back for 24 hours.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{CONFIRMED_AGE_MAX, Executor};
use crate::{
    clock,
    cloud::{self, Class, IDS_MAX},
    config::Mode,
    inventory::{Instance, InstanceId, Page, Status},
    journal::Releasable,
    plan::{Decision, Policy, Skip, memory::Memory},
    report::{Act, Event},
    rules::{Action, Due, Rule, Verdict},
};

impl Executor<'_> {
    /// Releases what is to be released.
    pub(super) async fn release(&self) {
        let releases = |rule: &Rule| rule.action == Action::Release;
        let wanted = self.orders.policy.rules.rules.iter().any(releases);
        if !wanted || self.orders.settings.mode == Mode::DryRun || self.halt.is_cancelled() {
            return;
        }
        let machines = match self.recorder.releasable().await {
            Ok(machines) => machines,
            Err(error) => return self.give_up(&error),
        };
        for batch in machines.chunks(IDS_MAX) {
            let ids: Vec<_> = batch.iter().map(|one| InstanceId::new(&one.instance_id)).collect();
            let looked = match self.client.describe_ids(&ids.iter().collect::<Vec<_>>()).await {
                Ok(looked) => looked,
                Err(error) => return self.halt_on(Some(error.class)),
            };
            let read = clock::monotonic();
            for machine in batch {
                let found = releasable(machine, &looked.page, self.orders.policy, clock::now());
                if let Some(found) = found {
                    self.release_one(machine, found, read).await;
                }
            }
        }
    }

    async fn release_one(
        &self,
        machine: &Releasable,
        (instance, rule): (&Instance, &Rule),
        read: Instant,
    ) {
        let id = &instance.id;
        if self.halt.is_cancelled() || self.is_opposed(id) {
            return;
        }
        if let Err(error) = self.recorder.release_intended(machine).await {
            return self.give_up(&error);
        }
        let still = async || self.is_releasable_still(machine, id, read).await;
        let answer = self.client.release(&[id], still).await;
        let class = answer.as_ref().err().map(|error| error.class);
        // One that does not go any more ends no other.
        self.halt_on(class.filter(|class| *class != Class::Stopped || self.halt.is_cancelled()));
        // A call that was never sent stays `unknown`, and the next run looks again.
        let Ok(act) = Act::of(answer) else { return };
        let written = self.recorder.released(machine, &act).await;
        self.events.emit(Event::Released(instance, &rule.name, &act));
        if let Err(error) = written {
            self.give_up(&error);
        }
    }

    /// Whether a machine that was read then is still to be released when the turn of its call has come.
    async fn is_releasable_still(
        &self,
        machine: &Releasable,
        id: &InstanceId,
        read: Instant,
    ) -> bool {
        let is_there = read.elapsed() <= CONFIRMED_AGE_MAX
            || self.client.describe_ids(&[id]).await.is_ok_and(|looked| {
                releasable(machine, &looked.page, self.orders.policy, clock::now()).is_some()
            });
        is_there && !self.is_opposed(id)
    }
}

/// The machine as a page shows it, and the rule that releases it; `None` if it stays in the recycle bin, is not there, or is another.
fn releasable<'a>(
    machine: &Releasable,
    page: &'a Page,
    policy: &'a Policy,
    now: Timestamp,
) -> Option<(&'a Instance, &'a Rule)> {
    let mut found = page.instances.iter().filter(|one| one.id.as_str() == machine.instance_id);
    let (Some(instance), None) = (found.next(), found.next()) else { return None };
    let before = cloud::read_record(&machine.record)?;
    let is_same = instance.created.is_some() && instance.created == before.created;
    let is_in_bin = instance.status == Some(Status::Recycle);
    let is_spared = policy.eligible_now(instance, now) != Err(Skip::Recycled);
    if !is_same || !is_in_bin || is_spared {
        return None;
    }
    let rules = policy.rules.rules.iter();
    let rule = rules.into_iter().find(|rule| rule.name.as_str() == machine.rule)?;
    // As it was when it was taken, since it is ourselves who changed its status.
    let as_taken = Instance { status: before.status, ..instance.clone() };
    // A tag that is to say when and cannot be read keeps it, whichever rule that is for.
    let judged = policy.judge(&as_taken, &Memory::default(), now).decision;
    let is_odd = judged == Decision::Skip(Skip::UnreadableExpiry);
    let is_taken = match rule.evaluate(&as_taken, now) {
        Verdict::Matches(Due::AtOnce) => true,
        Verdict::Matches(Due::At(at)) => at <= now,
        Verdict::Matches(Due::Never | Due::Unknown(_) | Due::Unreadable)
        | Verdict::NoMatch
        | Verdict::Excepted
        | Verdict::Unknown(_) => false,
    };
    (is_taken && !is_odd && rule.action == Action::Release).then_some((instance, rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::tests::{instance, tags},
        plan::tests::policy_with_release,
    };

    const RULES: &str = "
rules:
  - { name: gone, match: { status: RUNNING }, unless: { tags: { keep: '*' } }, expire: { after: 1h }, action: release }
  - { name: soft, match: { status: RUNNING } }
  - { name: ttl, match: { zone: HKG-A }, expire: { tag: ttl } }
";

    fn check(rule: &str, edit: impl FnOnce(&mut Instance), expected: bool) {
        let policy = policy_with_release(RULES);
        let mut subject = instance("i");
        subject.status = Some(Status::Recycle);
        edit(&mut subject);
        let page = Page { instances: vec![subject], ..Page::default() };
        let machine = Releasable {
            run: "r".into(),
            instance_id: "i".into(),
            rule: rule.into(),
            record: r#"{"instanceId":"i","instanceStatus":"RUNNING","createTime":"2026-11-01T00:00:00Z"}"#.into(),
        };
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        assert_eq!(releasable(&machine, &page, &policy, now).is_some(), expected);
    }

    #[test]
    fn only_what_the_rule_still_takes_and_the_bin_holds_is_released() {
        check("gone", |_| {}, true);
        check("soft", |_| {}, false);
        check("other", |_| {}, false);
        check("gone", |one| one.status = Some(Status::Running), false);
        check("gone", |one| one.tags = tags(&[("keep", "")]), false);
        check("gone", |one| one.tags = tags(&[("ttl", "3 dayz")]), false);
        check("gone", |one| one.tags = tags(&[("ttl", "3d")]), true);
        check("gone", |one| one.created = Some("2026-11-02T00:00:00Z".parse().unwrap()), false);
        check("gone", |one| one.created = None, false);
        check("gone", |one| one.id = InstanceId::new("other"), false);
    }
}
