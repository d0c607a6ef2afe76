//! Release, for rules that say so: what such a rule put into the recycle bin is destroyed for good.
//!
//! It comes last in a run, and takes what this run terminated and what earlier ones did, as soon as the cloud shows it in the recycle
//! bin. Each machine is read again and must still be what the rule takes: a tag that spares it, a hold, a pause or a config that
//! does not allow releases any more leaves it in the bin, where it can be taken back for 24 hours.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Executor, Reloaded,
    call::{Callable, Called},
};
use crate::{
    clock,
    cloud::{self, Accepted, Action as CallAction, Client, Error, IDS_MAX, Permit},
    config::Mode,
    confirm::Dropped,
    inventory::{Instance, InstanceId, Page, Status},
    journal::Releasable,
    plan::{Decision, Policy, Skip, memory::Memory},
    report::{Act, Dropout, Event},
    rules::{Action, Due, Rule, Verdict},
};

/// An instance in the recycle bin that is to be released.
struct InBin<'a> {
    machine: &'a Releasable,
    instance: Instance,
    rule: &'a Rule,
    read: Instant,
}

impl Callable for InBin<'_> {
    const ACTION: CallAction = CallAction::Release;

    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn read(&self) -> Instant {
        self.read
    }

    async fn recheck(&mut self, executor: &Executor<'_>) -> Result<(), Dropped> {
        let looked = executor.client.describe_ids(&[&self.instance.id]).await;
        let page = looked.map_err(|error| Dropped::by(&error))?.page;
        let policy = executor.orders.policy;
        let found = releasable(self.machine, &page, policy, clock::now());
        let changed = || Dropped::new(Dropout::Changed, "it is not to be released any more");
        self.instance = found.ok_or_else(changed)?.0.clone();
        self.read = clock::monotonic();
        Ok(())
    }

    fn stands_under(&self, reloaded: &Reloaded, _: &Executor<'_>) -> bool {
        rule_that_releases(self.machine, &self.instance, &reloaded.policy, clock::now()).is_some()
    }

    async fn attempt(&self, client: &Client, permit: Permit) -> Result<Accepted, Error> {
        client.release(&[&self.instance.id], permit).await
    }
}

impl Executor<'_> {
    /// Releases what is to be released.
    pub(super) async fn release(&self) {
        let releases = |rule: &Rule| rule.action == Action::Release;
        let wanted = self.orders.policy.rules.rules.iter().any(releases);
        if !wanted || self.orders.settings.mode == Mode::DryRun || self.halt.dropout().is_some() {
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
                if let Some((instance, rule)) = found {
                    let instance = instance.clone();
                    self.release_one(InBin { machine, instance, rule, read }).await;
                }
            }
        }
    }

    /// Releases one instance: the intent is on disk before, the outcome after it. A call that was never sent stays `unknown`, and
    /// the next run looks again.
    async fn release_one(&self, mut found: InBin<'_>) {
        if self.unopposed(&found).is_err() {
            return;
        }
        match self.recorder.release_intended(found.machine, &self.terms).await {
            Ok(Ok(())) => {}
            Ok(Err(objection)) => return drop(self.objected(objection)),
            Err(error) => return drop(self.unrecorded(&error)),
        }
        let Called::Ended(act) = self.call(&mut found).await else { return };
        self.released(&found, &act).await;
    }

    async fn released(&self, found: &InBin<'_>, act: &Act) {
        let written = self.recorder.released(found.machine, act).await;
        self.events.emit(Event::Released(&found.instance, &found.rule.name, act));
        if let Err(error) = written {
            self.give_up(&error);
        }
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
    rule_that_releases(machine, instance, policy, now).map(|rule| (instance, rule))
}

/// The rule that releases an instance; `None` if it stays in the recycle bin, or is another one under the same id.
fn rule_that_releases<'a>(
    machine: &Releasable,
    instance: &Instance,
    policy: &'a Policy,
    now: Timestamp,
) -> Option<&'a Rule> {
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
    (is_taken && !is_odd && rule.action == Action::Release).then_some(rule)
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
