//! Is it still true? Right before acting, the targets are read again and judged again.
//!
//! Between the listing and the call a tag may be added, a status may change, a machine may go. What no longer qualifies is
//! dropped, and said so; what cannot be read again is not touched.

use tokio::time::Instant;

use crate::{
    clock,
    cloud::{Class, Client, Error, Looked},
    inventory::{Instance, InstanceId, Status},
    plan::{Decision, Policy, Target, VANISHED, memory::Memory},
    report::Dropout,
};

/// A target that still qualifies.
#[derive(Clone, Debug)]
pub(crate) struct Confirmed<'a> {
    /// What was planned.
    pub(crate) planned: Target<'a>,
    /// The instance as it is now.
    pub(crate) instance: Instance,
    /// The same in the cloud's own words, as JSON.
    pub(crate) record: Box<str>,
    /// When it was read.
    pub(crate) read: Instant,
}

/// Why a target is not called, or not once more.
#[derive(Clone, Debug)]
pub(crate) struct Dropped {
    /// Why.
    pub(crate) reason: Dropout,
    /// The same in words.
    pub(crate) why: String,
    /// The class of the call that failed, if one did.
    pub(crate) class: Option<Class>,
    /// Whether the instance was seen in the recycle bin.
    pub(crate) is_recycled: bool,
}

impl Dropped {
    /// A target that is not called, for a reason in words.
    pub(crate) fn new(reason: Dropout, why: impl Into<String>) -> Self {
        Self { reason, why: why.into(), class: None, is_recycled: false }
    }

    /// A target that a call failed for before it was terminated.
    pub(crate) fn by(error: &Error) -> Self {
        let stopped = error.class == Class::Stopped;
        let reason = if stopped { Dropout::Stopped } else { Dropout::Unconfirmed };
        Self { class: Some(error.class), ..Self::new(reason, error.to_string()) }
    }

    /// A target that is not there any more.
    pub(crate) fn vanished() -> Self {
        Self::new(Dropout::Vanished, VANISHED)
    }
}

/// Reads targets again, at most `cloud::IDS_MAX` of them, and judges them.
pub(crate) async fn confirm<'a>(
    client: &Client,
    (policy, memory): (&'a Policy, &Memory),
    targets: Vec<Target<'a>>,
) -> Vec<Result<Confirmed<'a>, (Target<'a>, Dropped)>> {
    let ids: Vec<_> = targets.iter().map(|target| &target.instance.id).collect();
    let answer = client.describe_ids(&ids).await;
    let judged = |planned| match &answer {
        Ok(looked) => judge(planned, looked, (policy, memory)),
        Err(error) => Err(Dropped::by(error)),
    };
    targets
        .into_iter()
        .map(|planned| judged(planned).map_err(|dropped| (planned, dropped)))
        .collect()
}

fn judge<'a>(
    planned: Target<'a>,
    looked: &Looked,
    (policy, memory): (&'a Policy, &Memory),
) -> Result<Confirmed<'a>, Dropped> {
    let listed = planned.instance;
    let changed = |why: &str| Dropped::new(Dropout::Changed, why);
    let Looked { page, records } = looked;
    let same = |id: &InstanceId| *id == listed.id;
    let unreadable = "its record cannot be read any more";
    if page.unreadable.iter().any(|odd| same(&odd.id)) {
        return Err(changed(unreadable));
    }
    let mut found = page.instances.iter().filter(|instance| same(&instance.id));
    let instance = match (found.next(), found.next()) {
        (None, _) => return Err(Dropped::vanished()),
        (Some(_), Some(_)) => return Err(changed("it is listed twice")),
        (Some(instance), None) => instance,
    };
    let Some(record) = records.get(&listed.id) else {
        return Err(changed(unreadable));
    };
    if instance.created != listed.created {
        return Err(changed("its time of creation is another one"));
    }
    let judgement = policy.judge(instance, memory, clock::now());
    // Another rule has caps of its own, which nobody looked at, and may not be in the saved plan.
    let same_rule = judgement.rule.is_some_and(|rule| rule.name == planned.rule.name);
    if judgement.decision != Decision::Terminate || !same_rule {
        let is_recycled = instance.status == Some(Status::Recycle);
        return Err(Dropped { is_recycled, ..changed(&judgement.told(&planned.rule.name)) });
    }
    let (instance, record) = (instance.clone(), record.clone());
    Ok(Confirmed { planned, instance, record, read: clock::monotonic() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::{
            Page, Status, Unreadable,
            tests::{instance, tags},
        },
        plan::tests::policy,
    };

    const RULES: &str = "
rules:
  - { name: all, match: { zone: HKG-A }, unless: { tags: { keep: '*' } }, expire: { after: 1h } }
  - { name: other, match: { zone: SEL-A } }
";

    fn page(instances: Vec<Instance>) -> Page {
        Page {
            total: instances.len() as u64,
            entries: instances.len(),
            instances,
            unreadable: Vec::new(),
        }
    }

    fn check(edit: impl FnOnce(&mut Page), expected: &str) {
        let policy = policy(RULES);
        let listed = instance("i");
        let mut page = page(vec![instance("other"), instance("i")]);
        edit(&mut page);
        let record = |one: &Instance| (one.id.clone(), format!("record of {}", one.id).into());
        let looked = Looked { records: page.instances.iter().map(record).collect(), page };
        let planned = Target { instance: &listed, rule: &policy.rules.rules[0], due_at: None };
        let got = match judge(planned, &looked, (&policy, &Memory::default())) {
            Ok(confirmed) => {
                format!("confirmed {}: {}", confirmed.planned.rule.name, confirmed.record)
            }
            Err(dropped) => format!("{}: {}", dropped.reason.as_str(), dropped.why),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn what_no_longer_qualifies_is_dropped() {
        check(|_| {}, "confirmed all: record of i");
        check(
            |page| page.instances[1].tags = tags(&[("keep", "")]),
            "changed: it is now: keep (excepted)",
        );
        check(
            |page| page.instances[1].status = Some(Status::Recycle),
            "changed: it is now: skip (recycled)",
        );
        check(
            |page| page.instances[1].zone = Some("SEL-A".into()),
            "changed: it is now: terminate (due), by the rule other",
        );
        check(|page| page.instances[1].status = None, "changed: it is now: skip (unknown_status)");
        check(
            |page| page.instances[1].created = None,
            "changed: its time of creation is another one",
        );
        check(|page| drop(page.instances.remove(1)), "vanished: it is not there any more");
        check(|page| page.instances.push(instance("i")), "changed: it is listed twice");
        let odd = || Unreadable { id: instance("i").id, problem: "odd".into() };
        check(|page| page.unreadable.push(odd()), "changed: its record cannot be read any more");
    }
}
